//! The scopes of an authorization: their grammar and which of them may be asked for, by people and by machines.
//! Who the person is, and so whether they may have what they ask for, is decided by the flows.
//! RFC 6749 §3.3; the Matrix scopes are MSC2967, stable since Matrix 1.15.

use std::fmt;

use thiserror::Error;

/// Full access to the client-server API.
pub const MATRIX_API: &str = "urn:matrix:client:api:*";
/// What precedes the id in the scope of a device.
pub const MATRIX_DEVICE_PREFIX: &str = "urn:matrix:client:device:";
/// `MATRIX_API` as it was called before Matrix 1.15.
pub const MATRIX_API_UNSTABLE: &str = "urn:matrix:org.matrix.msc2967.client:api:*";
/// `MATRIX_DEVICE_PREFIX` as it was called before Matrix 1.15.
pub const MATRIX_DEVICE_PREFIX_UNSTABLE: &str = "urn:matrix:org.matrix.msc2967.client:device:";
/// Synapse treats whoever holds it as a server administrator.
pub const SYNAPSE_ADMIN: &str = "urn:synapse:admin:*";
/// Asks for an ID token.
pub const OPENID: &str = "openid";
/// The display name and user name claims.
pub const PROFILE: &str = "profile";
/// The e-mail address claims.
pub const EMAIL: &str = "email";

/// Lets a client act for somebody who is signed out here (OIDC Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Namespaces in which a scope that we do not know may mean power, so that it is refused and never dropped.
const GUARDED_NAMESPACES: [&str; 3] = ["urn:matrix:", "urn:synapse:", "urn:keymaker:"];

/// Both SDKs generate exactly 10 characters, so the minimum can never be raised; Synapse refuses more than 255.
const DEVICE_ID_LENGTH: std::ops::RangeInclusive<usize> = 10..=255;

/// Says why a scope cannot be granted, in words fit for an `error_description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidScope {
    #[error("the scope is not a list of scope tokens separated by single spaces")]
    Malformed,
    #[error("nothing in the requested scope can be granted")]
    NothingToGrant,
    #[error("the scope has an unknown member in a reserved namespace")]
    Unknown,
    #[error("the Matrix API scope needs exactly one device scope")]
    ApiWithoutOneDevice,
    #[error("a device scope needs the Matrix API scope")]
    DeviceWithoutApi,
    #[error("stable and unstable Matrix scopes cannot be mixed")]
    MixedDialects,
    #[error("the device id in the scope is malformed, shorter than 10 or longer than 255 characters")]
    DeviceId,
    #[error("the administration scope needs the Matrix API scope")]
    AdminWithoutApi,
    #[error("the requested scope is only for people")]
    NotForMachines,
}

/// A set of scope tokens, in the order and the dialect in which the client wrote them.
#[derive(Debug, Clone, Default)]
pub struct Scope(Vec<String>);

/// SCP-07: the same right under its stable and its unstable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Stable,
    Unstable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    Api(Dialect),
    Device(Dialect, &'a str),
    SynapseAdmin,
    OpenId,
    UnknownGuarded,
    Unknown,
}

impl Scope {
    /// Reads the `scope` parameter; an empty one asks for nothing.
    pub fn parse(scope: &str) -> Result<Self, InvalidScope> {
        let mut tokens = Vec::new();
        if scope.is_empty() {
            return Ok(Self(tokens));
        }
        for token in scope.split(' ') {
            if !is_scope_token(token) {
                return Err(InvalidScope::Malformed);
            }
            if !tokens.iter().any(|known| known == token) {
                tokens.push(token.to_owned());
            }
        }
        Ok(Self(tokens))
    }

    /// Keeps what a client may ask a person for, without what we do not know.
    pub fn requestable_by_users(self) -> Result<Self, InvalidScope> {
        let known = self.without_unknown()?;
        if known.0.is_empty() {
            return Err(InvalidScope::NothingToGrant);
        }
        known.check_matrix()?;
        Ok(known)
    }

    /// Keeps what a client may ask for on its own behalf (RFC 6749 §4.4), without what we do not know.
    pub fn requestable_by_machines(self) -> Result<Self, InvalidScope> {
        let known = self.without_unknown()?;
        // SCP-11: there is no user, so nothing that acts for one or tells about one.
        if known.0.is_empty() { Ok(known) } else { Err(InvalidScope::NotForMachines) }
    }

    /// Says whether exactly this token was asked for.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|own| own == token)
    }

    /// Says whether it gives access to the client-server API, in either dialect.
    pub fn is_matrix(&self) -> bool {
        self.kinds().any(|kind| matches!(kind, Kind::Api(_)))
    }

    /// The Matrix device that it is bound to, in either dialect.
    pub fn device_id(&self) -> Option<&str> {
        self.kinds().find_map(|kind| match kind {
            Kind::Device(_, id) => Some(id),
            _ => None,
        })
    }

    /// Says whether it tells who somebody is, also while they are away, and gives no power.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|token| matches!(&**token, OPENID | PROFILE | EMAIL | OFFLINE_ACCESS))
    }

    /// The same with one token more, if it is not there.
    pub fn with(mut self, token: &str) -> Self {
        if !self.contains(token) {
            self.0.push(token.to_owned());
        }
        self
    }

    /// The tokens in alphabetical order: the same for everything that gives the same.
    pub fn sorted(&self) -> String {
        let mut tokens = self.0.clone();
        tokens.sort();
        tokens.join(" ")
    }

    /// Says whether an ID token is wanted.
    pub fn is_openid(&self) -> bool {
        self.contains(OPENID)
    }

    /// Says whether it makes its holder a server administrator.
    pub fn wants_server_admin(&self) -> bool {
        self.contains(SYNAPSE_ADMIN)
    }

    /// Says whether every token is in the other one too, as RFC 6749 §6 asks of a refresh.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.0.iter().all(|token| other.contains(token))
    }

    /// The scope that a homeserver is shown: it may know only one of the dialects (INT-05).
    pub fn in_both_dialects(&self) -> String {
        let mut tokens: Vec<String> = Vec::new();
        for token in &self.0 {
            let names = match Kind::of(token) {
                Kind::Api(_) => vec![MATRIX_API.to_owned(), MATRIX_API_UNSTABLE.to_owned()],
                Kind::Device(_, id) => {
                    vec![format!("{MATRIX_DEVICE_PREFIX}{id}"), format!("{MATRIX_DEVICE_PREFIX_UNSTABLE}{id}")]
                }
                _ => vec![token.clone()],
            };
            for name in names {
                if !tokens.contains(&name) {
                    tokens.push(name);
                }
            }
        }
        tokens.join(" ")
    }

    /// The same without device scopes, for a homeserver that is told the device id in a member of its own (INT-06).
    pub fn without_device(&self) -> Self {
        let tokens = self.0.iter();
        Self(tokens.filter(|token| !matches!(Kind::of(token), Kind::Device(..))).cloned().collect())
    }

    /// The same with a scope for this device, if its id can be written as one.
    pub fn with_device(&self, id: &str) -> Self {
        let mut scope = self.without_device();
        let token = format!("{MATRIX_DEVICE_PREFIX}{id}");
        if is_scope_token(&token) {
            scope.0.push(token);
        }
        scope
    }

    fn kinds(&self) -> impl Iterator<Item = Kind<'_>> {
        self.0.iter().map(|token| Kind::of(token))
    }

    /// SCP-06: elsewhere the response's `scope` shows what was dropped; a silently dropped power would mislead.
    fn without_unknown(mut self) -> Result<Self, InvalidScope> {
        if self.kinds().any(|kind| kind == Kind::UnknownGuarded) {
            return Err(InvalidScope::Unknown);
        }
        self.0.retain(|token| Kind::of(token) != Kind::Unknown);
        // OIDC Core §11 gives it a meaning beside `openid` alone.
        let is_openid = self.is_openid();
        self.0.retain(|token| is_openid || token != OFFLINE_ACCESS);
        Ok(self)
    }

    /// SCP-02, SCP-03: API access is always that of exactly one device, named in one dialect.
    fn check_matrix(&self) -> Result<(), InvalidScope> {
        let apis: Vec<_> = self
            .kinds()
            .filter_map(|kind| match kind {
                Kind::Api(dialect) => Some(dialect),
                _ => None,
            })
            .collect();
        let devices: Vec<_> = self
            .kinds()
            .filter_map(|kind| match kind {
                Kind::Device(dialect, id) => Some((dialect, id)),
                _ => None,
            })
            .collect();

        let mut dialects = apis.iter().chain(devices.iter().map(|(dialect, _)| dialect));
        if let Some(first) = dialects.next()
            && dialects.any(|dialect| dialect != first)
        {
            return Err(InvalidScope::MixedDialects);
        }
        match (apis.as_slice(), devices.as_slice()) {
            ([], []) if self.wants_server_admin() => Err(InvalidScope::AdminWithoutApi),
            ([], []) => Ok(()),
            ([], _) => Err(InvalidScope::DeviceWithoutApi),
            (_, [(_, id)]) if is_device_id(id) => Ok(()),
            (_, [_]) => Err(InvalidScope::DeviceId),
            _ => Err(InvalidScope::ApiWithoutOneDevice),
        }
    }
}

/// SCP-01: the order of the tokens says nothing.
impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.is_subset_of(other)
    }
}

impl Eq for Scope {}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl<'a> Kind<'a> {
    fn of(token: &'a str) -> Self {
        match token {
            MATRIX_API => return Self::Api(Dialect::Stable),
            MATRIX_API_UNSTABLE => return Self::Api(Dialect::Unstable),
            SYNAPSE_ADMIN => return Self::SynapseAdmin,
            OPENID | PROFILE | EMAIL | OFFLINE_ACCESS => return Self::OpenId,
            _ => {}
        }
        if let Some(id) = token.strip_prefix(MATRIX_DEVICE_PREFIX) {
            Self::Device(Dialect::Stable, id)
        } else if let Some(id) = token.strip_prefix(MATRIX_DEVICE_PREFIX_UNSTABLE) {
            Self::Device(Dialect::Unstable, id)
        } else if GUARDED_NAMESPACES.iter().any(|namespace| token.starts_with(namespace)) {
            Self::UnknownGuarded
        } else {
            Self::Unknown
        }
    }
}

/// RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// SCP-03: the unreserved characters that Matrix recommends, and those that deployed servers take besides.
fn is_device_id(id: &str) -> bool {
    DEVICE_ID_LENGTH.contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-!$&'()*+,;=:@/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STABLE: &str = "urn:matrix:client:api:* urn:matrix:client:device:AAAABBBBCC";
    const UNSTABLE: &str =
        "urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:AAAABBBBCC";

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn for_users(text: &str) -> Result<String, InvalidScope> {
        Ok(Scope::parse(text)?.requestable_by_users()?.to_string())
    }

    fn for_machines(text: &str) -> Result<String, InvalidScope> {
        Ok(Scope::parse(text)?.requestable_by_machines()?.to_string())
    }

    // SCP-01
    #[test]
    fn a_scope_is_tokens_separated_by_single_spaces() {
        for good in ["", "openid", "openid profile", "!#[]~ a:b/c*", "OPENID openid"] {
            assert_eq!(scope(good).to_string(), good);
        }
        let bad = [
            " ",
            " openid",
            "openid ",
            "openid  profile",
            "openid\tprofile",
            "openid\nprofile",
            "a\"b",
            "a\\b",
            "é",
            "a\u{7f}",
            "a\0",
        ];
        for text in bad {
            assert_eq!(Scope::parse(text).unwrap_err(), InvalidScope::Malformed, "{text:?}");
        }
    }

    // SCP-01
    #[test]
    fn duplicates_collapse_and_order_says_nothing() {
        assert_eq!(scope("b a b a").to_string(), "b a");
        assert_eq!(scope("a b"), scope("b a"));
        assert_ne!(scope("a b"), scope("a"));
        assert_ne!(scope("a"), scope("a b"));
        assert_ne!(scope("a"), scope("A"));
    }

    // SCP-02: {API none, stable, unstable, both} × {device none, one, two, the same one in both dialects}
    #[test]
    fn the_api_scope_comes_with_exactly_one_device_of_its_own_dialect() {
        use InvalidScope::{ApiWithoutOneDevice, DeviceWithoutApi, MixedDialects, NothingToGrant};
        let apis =
            ["", MATRIX_API, MATRIX_API_UNSTABLE, &format!("{MATRIX_API} {MATRIX_API_UNSTABLE}")].map(str::to_owned);
        let stable = format!("{MATRIX_DEVICE_PREFIX}AAAABBBBCC");
        let unstable = format!("{MATRIX_DEVICE_PREFIX_UNSTABLE}AAAABBBBCC");
        let devices = [
            String::new(),
            stable.clone(),
            unstable.clone(),
            format!("{stable} {MATRIX_DEVICE_PREFIX}DDDDEEEEFF"),
            format!("{unstable} {MATRIX_DEVICE_PREFIX_UNSTABLE}DDDDEEEEFF"),
            format!("{stable} {unstable}"),
        ];
        let outcomes = [
            // no API scope
            [
                Err(NothingToGrant),
                Err(DeviceWithoutApi),
                Err(DeviceWithoutApi),
                Err(DeviceWithoutApi),
                Err(DeviceWithoutApi),
                Err(MixedDialects),
            ],
            // the stable one
            [
                Err(ApiWithoutOneDevice),
                Ok(()),
                Err(MixedDialects),
                Err(ApiWithoutOneDevice),
                Err(MixedDialects),
                Err(MixedDialects),
            ],
            // the unstable one
            [
                Err(ApiWithoutOneDevice),
                Err(MixedDialects),
                Ok(()),
                Err(MixedDialects),
                Err(ApiWithoutOneDevice),
                Err(MixedDialects),
            ],
            // both
            [Err(MixedDialects); 6],
        ];
        for (api, row) in apis.iter().zip(outcomes) {
            for (device, outcome) in devices.iter().zip(row) {
                let text = format!("{api} {device}");
                assert_eq!(for_users(text.trim()).map(|_| ()), outcome, "{text}");
            }
        }
    }

    // SCP-03
    #[test]
    fn a_device_id_has_10_to_255_characters_of_its_alphabet() {
        let with = |id: &str| for_users(&format!("{MATRIX_API} {MATRIX_DEVICE_PREFIX}{id}")).map(|_| ());
        for good in ["A1b2C3d4E5", "Az09-._~xx", "!$&'()*+,;=:@/", &"x".repeat(255)] {
            assert_eq!(with(good), Ok(()), "{good}");
        }
        for bad in ["", "A1b2C3d4E", &"x".repeat(256), "A1b2C3d4E%", "A1b2C3d4E<", "A1b2C3d4E[", "A1b2C3d4E#"] {
            assert_eq!(with(bad), Err(InvalidScope::DeviceId), "{bad}");
        }
    }

    // SCP-06, DEC-02
    #[test]
    fn unknown_scopes_are_refused_where_they_may_mean_power_and_dropped_elsewhere() {
        let refused = [
            "urn:matrix:client:api:read",
            "urn:matrix:client:server_administration",
            "urn:matrix:device:AAAABBBBCC",
            "urn:synapse:admin:users",
            "urn:keymaker:admin",
        ];
        for unknown in refused {
            assert_eq!(for_users(&format!("openid {unknown}")), Err(InvalidScope::Unknown), "{unknown}");
            assert_eq!(for_machines(unknown), Err(InvalidScope::Unknown), "{unknown}");
        }
        assert_eq!(for_users("openid phone address email"), Ok("openid email".to_owned()));
        assert_eq!(for_users("phone"), Err(InvalidScope::NothingToGrant));
        assert_eq!(for_users(""), Err(InvalidScope::NothingToGrant));
    }

    // OIDC Core §11
    #[test]
    fn offline_access_is_asked_for_beside_openid() {
        assert_eq!(for_users("offline_access openid"), Ok("offline_access openid".to_owned()));
        assert_eq!(for_users("offline_access"), Err(InvalidScope::NothingToGrant));
        assert_eq!(for_users(&format!("offline_access {STABLE}")), Ok(STABLE.to_owned()));
        assert_eq!(for_machines("offline_access"), Ok(String::new()));
        assert_eq!(for_machines("openid offline_access"), Err(InvalidScope::NotForMachines));
    }

    #[test]
    fn the_synapse_admin_scope_needs_the_api_scope() {
        assert_eq!(for_users(SYNAPSE_ADMIN), Err(InvalidScope::AdminWithoutApi));
        let both = format!("{STABLE} {SYNAPSE_ADMIN}");
        assert_eq!(for_users(&both), Ok(both.clone()));
        assert!(scope(&both).wants_server_admin());
        assert!(!scope(STABLE).wants_server_admin());
    }

    // SCP-11
    #[test]
    fn a_machine_gets_nothing_that_belongs_to_a_person() {
        for personal in [STABLE, UNSTABLE, MATRIX_API, OPENID, PROFILE, EMAIL, SYNAPSE_ADMIN] {
            assert_eq!(for_machines(personal), Err(InvalidScope::NotForMachines), "{personal}");
        }
        assert_eq!(for_machines(""), Ok(String::new()));
        assert_eq!(for_machines("something_else"), Ok(String::new()));
    }

    // SCP-07
    #[test]
    fn the_dialect_of_the_client_is_echoed_and_both_are_understood() {
        for text in [STABLE, UNSTABLE] {
            assert_eq!(for_users(text), Ok(text.to_owned()));
            assert!(scope(text).is_matrix());
            assert_eq!(scope(text).device_id(), Some("AAAABBBBCC"));
        }
        assert!(!scope("openid").is_matrix());
        assert_eq!(scope("openid").device_id(), None);
        assert!(scope("profile openid").is_openid());
        assert!(!scope(STABLE).is_openid());
    }

    // INT-05
    #[test]
    fn a_homeserver_is_shown_both_dialects() {
        let expected = "urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:* \
            urn:matrix:client:device:AAAABBBBCC urn:matrix:org.matrix.msc2967.client:device:AAAABBBBCC";
        assert_eq!(scope(STABLE).in_both_dialects(), expected);
        assert_eq!(scope(UNSTABLE).in_both_dialects(), expected);
        assert_eq!(scope(expected).in_both_dialects(), expected);
        assert_eq!(scope("openid urn:synapse:admin:*").in_both_dialects(), "openid urn:synapse:admin:*");
    }

    // INT-06
    #[test]
    fn the_device_can_be_left_out_of_the_scope() {
        for text in [STABLE, UNSTABLE] {
            assert_eq!(
                scope(text).without_device().in_both_dialects(),
                "urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:*"
            );
        }
    }

    #[test]
    fn a_refresh_may_narrow_but_not_widen() {
        assert!(scope("a").is_subset_of(&scope("b a")));
        assert!(scope("").is_subset_of(&scope("a")));
        assert!(scope("a b").is_subset_of(&scope("b a")));
        assert!(!scope("a c").is_subset_of(&scope("a b")));
    }

    // RFC 6749 §5.2: error_description is limited to %x20-21 / %x23-5B / %x5D-7E.
    #[test]
    fn every_reason_is_fit_for_an_error_description() {
        use InvalidScope::*;
        let all = [
            Malformed,
            NothingToGrant,
            Unknown,
            ApiWithoutOneDevice,
            DeviceWithoutApi,
            MixedDialects,
            DeviceId,
            AdminWithoutApi,
            NotForMachines,
        ];
        for reason in all {
            assert!(reason.to_string().split(' ').all(is_scope_token), "{reason}");
        }
    }

    proptest! {
        // TST-06
        #[test]
        fn what_is_parsed_is_a_set_of_valid_tokens_in_their_first_order(text in "[ a-c\"\\\\é]{0,12}|\\PC{0,40}") {
            let Ok(parsed) = Scope::parse(&text) else { return Ok(()) };
            let shown = parsed.to_string();
            let words: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
            for (index, word) in words.iter().enumerate() {
                prop_assert!(word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
                prop_assert!(!words[..index].contains(word));
                prop_assert!(text.split(' ').any(|asked| asked == *word));
            }
            prop_assert_eq!(Scope::parse(&shown).unwrap().to_string(), shown);
        }

        // TST-06
        #[test]
        fn the_device_id_grammar_is_its_alphabet_and_its_length(id in "[A-Za-z0-9._~!$&'()*+,;=:@/%#<>^|{}-]{0,14}") {
            let allowed = id.len() >= 10 && !id.contains(['%', '#', '<', '>', '^', '|', '{', '}']);
            let asked = format!("{MATRIX_API} {MATRIX_DEVICE_PREFIX}{id}");
            prop_assert_eq!(for_users(&asked).is_ok(), allowed);
        }
    }
}
