//! Whether a login is enough for what a policy asks of it, and what helps where it is not. It never asks for what a new login
//! cannot give: nobody is led round in circles, and whoever has no such factor is led to where one is set up.

use crate::domain::{amr::Acr, policy::Requirement, time::MINUTE};

/// A login of this age is fresh, however short a time a policy names: the person came straight from it.
const FRESH: i64 = 5 * MINUTE;

/// A login that is to be used.
#[derive(Clone, Copy, Debug)]
pub struct Login {
    pub acr: Acr,
    /// In milliseconds.
    pub age: i64,
    /// Whether it was made from the address from which it is used.
    pub is_from_here: bool,
}

/// What comes of asking whether a login is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Enough,
    /// The person has to sign in again, so as to reach this class where one is named.
    Again(Option<Acr>),
    /// The person did all that they can; they have nothing that reaches this class.
    Lacking(Acr),
}

impl Standing {
    /// Judges a login by what is required, for somebody whose factors reach a class.
    pub fn of(require: &Requirement, login: Login, reach: Option<Acr>) -> Self {
        let Some(wanted) = require.acr else { return Self::of_age(require, login) };
        // Whoever has a code and not the passkey that is wanted shows the code before they set a passkey up: with the
        // password alone nobody adds a factor beside those that are there.
        let possible = reach.unwrap_or(Acr::Password).min(wanted);
        if login.acr < possible {
            return Self::Again(Some(possible));
        }
        match Self::of_age(require, login) {
            Self::Enough if login.acr < wanted => Self::Lacking(wanted),
            standing => standing,
        }
    }

    fn of_age(require: &Requirement, login: Login) -> Self {
        let is_fresh = login.age <= FRESH;
        let is_young = is_fresh || require.max_age.is_none_or(|most| login.age <= most);
        let is_here = !require.again || (is_fresh && login.is_from_here);
        if is_young && is_here { Self::Enough } else { Self::Again(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::HOUR;

    #[test]
    fn a_login_is_enough_or_can_be_made_so_or_is_all_that_somebody_has() {
        use Acr::{Mfa, Password, PhishingResistant as Phr};
        use Standing::{Again, Enough, Lacking};
        let old = 2 * HOUR;
        let table = [
            // wanted, at most, again; reached, age, from here; reach; what comes of it
            ((None, None, false), (Password, old, false), Some(Password), Enough),
            ((Some(Mfa), None, false), (Password, 0, true), Some(Mfa), Again(Some(Mfa))),
            ((Some(Mfa), None, false), (Password, 0, true), Some(Phr), Again(Some(Mfa))),
            ((Some(Mfa), None, false), (Password, 0, true), Some(Password), Lacking(Mfa)),
            ((Some(Mfa), None, false), (Mfa, old, false), Some(Mfa), Enough),
            ((Some(Mfa), None, false), (Phr, old, false), Some(Phr), Enough),
            ((Some(Phr), None, false), (Password, 0, true), Some(Mfa), Again(Some(Mfa))),
            ((Some(Phr), None, false), (Mfa, 0, true), Some(Mfa), Lacking(Phr)),
            ((Some(Phr), None, false), (Mfa, 0, true), Some(Phr), Again(Some(Phr))),
            ((None, Some(HOUR), false), (Password, old, true), Some(Password), Again(None)),
            ((None, Some(HOUR), false), (Password, HOUR, true), Some(Password), Enough),
            ((None, Some(0), false), (Password, FRESH, true), Some(Password), Enough),
            ((None, Some(0), false), (Password, FRESH + 1, true), Some(Password), Again(None)),
            ((None, None, true), (Phr, 0, false), Some(Phr), Again(None)),
            ((None, None, true), (Password, FRESH, true), Some(Password), Enough),
            ((None, None, true), (Password, FRESH + 1, true), Some(Password), Again(None)),
            ((Some(Mfa), Some(HOUR), false), (Mfa, old, true), Some(Mfa), Again(None)),
            ((Some(Mfa), Some(HOUR), false), (Password, old, true), Some(Password), Again(None)),
            ((Some(Mfa), None, false), (Mfa, old, false), None, Enough),
            ((Some(Mfa), None, false), (Password, 0, true), None, Lacking(Mfa)),
        ];
        for (index, ((acr, max_age, again), (reached, age, is_from_here), reach, expected)) in
            table.into_iter().enumerate()
        {
            let require = Requirement { acr, max_age, again, ..Requirement::default() };
            let login = Login { acr: reached, age, is_from_here };
            assert_eq!(Standing::of(&require, login, reach), expected, "row {index}");
        }
    }
}
