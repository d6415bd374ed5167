//! Keeping the homeserver in step, with a homeserver that can fail (spec areas 15, 21; TST-05).
