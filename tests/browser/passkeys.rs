//! Passkeys with Chromium's own virtual authenticator (spec 17.1). The matrix of what is refused is in `factors`.

use super::{available, components, is_told_elsewhere, keymaker, run_script, with_user};

// WAN-04, WAN-07, WAN-08, WAN-11, PRM-05, WEB-09
#[test]
fn somebody_adds_a_passkey_and_signs_in_with_it_by_button_and_by_autofill() {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let keymaker = with_user(keymaker().at_localhost());
    run_script("browser/story_passkeys.mjs", &[("KEYMAKER_BASE", &keymaker.base())]);
}

// WAN-02, WAN-09, WAN-10, WAN-12
#[test]
fn a_page_says_so_when_a_passkey_is_not_accepted_and_nobody_is_signed_in() {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let own = with_user(keymaker().at_localhost());
    let other = with_user(keymaker().at_localhost());
    let bases = [("KEYMAKER_BASE", &*own.base()), ("OTHER_BASE", &*other.base())];
    run_script("browser/story_passkey_refusals.mjs", &bases);
}
