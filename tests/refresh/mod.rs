//! Refreshing (INV-04; spec area 5).
