//! Discovery (spec area 1): what is advertised is what works, from every address, in every browser.

mod advertised;
mod cross_origin;
mod documents;
mod relying_party;
