//! The logout token (OpenID Connect Back-Channel Logout §2.4, §2.6): the one that a provider sends us, whose signature was
//! verified before (spec BCI-01), and what we write into ours (BCO-02).

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::time::{DAY, MINUTE, SECOND};

/// How far the clock of another server may be off (spec CMN-16).
const SKEW: i64 = 60 * SECOND;
/// How old a token may be.
const MOST_AGE: i64 = DAY;
/// How old one may be that does not say when it expires: the member became mandatory late.
const MOST_AGE_WITHOUT_EXP: i64 = 5 * MINUTE;
/// The longest `jti`, `sid` or `sub`, in bytes.
const MOST_BYTES: usize = 1024;
/// The one event that it is about.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The type of the JWT.
pub const TYP: &str = "logout+jwt";
/// How long a token of ours counts: for as long as one attempt to send it, and clocks that differ.
const LIFE: i64 = 2 * MINUTE;

/// What a logout token of ours says. There is no `nonce`: an ID token has one.
#[derive(Debug, Serialize)]
pub struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    /// Exactly one member, and nothing in it (spec TRP-40).
    events: Value,
}

impl<'a> Claims<'a> {
    /// Writes, at a moment, who signed out: of one login, or everywhere.
    pub fn new(parties: &Parties<'a>, jti: &'a str, sub: &'a str, sid: Option<&'a str>, now: i64) -> Self {
        let Parties { issuer, client_id } = *parties;
        let (iat, exp) = (now / SECOND, (now + LIFE) / SECOND);
        Self { iss: issuer, aud: client_id, iat, exp, jti, sub, sid, events: json!({ EVENT: {} }) }
    }
}

/// What a logout token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    pub sub: Option<String>,
    pub sid: Option<String>,
    pub jti: String,
    /// Until when the token could come again, in Unix milliseconds.
    pub remember_until: i64,
}

/// Who a logout token has to be from, and for whom.
pub struct Parties<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
}

impl LogoutToken {
    /// Judges the type and the claims of a verified JWT at a moment, in Unix milliseconds.
    ///
    /// # Errors
    /// What is wrong, as one sentence for the provider.
    pub fn judge(
        typ: Option<&str>,
        claims: &Map<String, Value>,
        parties: &Parties<'_>,
        now: i64,
    ) -> Result<Self, &'static str> {
        check_type(typ)?;
        check_audience(claims, parties)?;
        let remember_until = judge_time(claims, now)?;
        // An ID token has a nonce where a logout token must not: neither passes for the other.
        if claims.contains_key("nonce") {
            return Err("a logout token has no nonce");
        }
        let is_logout = claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object);
        if !is_logout {
            return Err("events does not tell of a logout");
        }
        let (sub, sid) = (text(claims, "sub")?, text(claims, "sid")?);
        if sub.is_none() && sid.is_none() {
            return Err("sub and sid are missing");
        }
        let jti = text(claims, "jti")?.ok_or("jti is missing")?;
        Ok(Self { sub, sid, jti, remember_until })
    }
}

fn check_type(typ: Option<&str>) -> Result<(), &'static str> {
    let Some(typ) = typ else { return Ok(()) };
    // RFC 7515 §4.1.9 lets "application/" away. `JWT` is what libraries write that were not told.
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "logout+jwt" | "jwt" => Ok(()),
        _ => Err("typ is of another kind of token"),
    }
}

fn check_audience(claims: &Map<String, Value>, parties: &Parties<'_>) -> Result<(), &'static str> {
    if claims.get("iss").and_then(Value::as_str) != Some(parties.issuer) {
        return Err("iss is another");
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == parties.client_id,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == parties.client_id),
        _ => false,
    };
    if is_for_us { Ok(()) } else { Err("aud is another") }
}

/// Gives until when the token counts, the skew included.
fn judge_time(claims: &Map<String, Value>, now: i64) -> Result<i64, &'static str> {
    let moment = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
            seconds.map(|seconds| Some(seconds.saturating_mul(SECOND))).ok_or("exp or iat is not a number")
        }
    };
    let iat = moment("iat")?.ok_or("iat is missing")?;
    if iat > now + SKEW {
        return Err("iat lies ahead");
    }
    let exp = moment("exp")?;
    let most_age = if exp.is_some() { MOST_AGE } else { MOST_AGE_WITHOUT_EXP };
    let end = exp.unwrap_or(i64::MAX).min(iat.saturating_add(most_age)).saturating_add(SKEW);
    if end <= now { Err("the token has expired or is too old") } else { Ok(end) }
}

fn text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, &'static str> {
    match claims.get(name) {
        None => Ok(None),
        // PostgreSQL keeps no NUL.
        Some(Value::String(text)) if !text.is_empty() && text.len() <= MOST_BYTES && !text.contains('\0') => {
            Ok(Some(text.clone()))
        }
        Some(_) => Err("sub, sid or jti is no text, or too long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000_000;
    const PARTIES: Parties<'_> = Parties { issuer: "https://id.example.com/", client_id: "keymaker" };

    fn judge(typ: Option<&str>, change: impl FnOnce(&mut Map<String, Value>)) -> Result<LogoutToken, &'static str> {
        let claims = json!({
            "iss": PARTIES.issuer, "aud": PARTIES.client_id, "iat": NOW / 1000, "exp": NOW / 1000 + 120, "jti": "1",
            "events": { EVENT: {} }, "sub": "alice", "sid": "s",
        });
        let mut claims = claims.as_object().unwrap().clone();
        change(&mut claims);
        LogoutToken::judge(typ, &claims, &PARTIES, NOW)
    }

    #[test]
    fn when_a_logout_token_counts() {
        // BCI-01, CMN-16
        let at = |iat: i64, exp: Option<i64>| {
            let result = judge(None, |claims| {
                claims.insert("iat".to_owned(), json!(NOW / 1000 + iat));
                match exp {
                    Some(exp) => claims.insert("exp".to_owned(), json!(NOW / 1000 + exp)),
                    None => claims.remove("exp"),
                };
            });
            result.map(|token| (token.remember_until - NOW) / 1000)
        };
        assert_eq!(at(0, Some(120)), Ok(180));
        assert_eq!(at(60, Some(120)), Ok(180));
        assert_eq!(at(61, Some(120)), Err("iat lies ahead"));
        assert_eq!(at(-120, Some(-59)), Ok(1));
        assert_eq!(at(-120, Some(-60)), Err("the token has expired or is too old"));
        assert_eq!(at(-86_400, Some(120)), Ok(60), "no longer remembered than it counts");
        assert_eq!(at(-86_460, Some(120)), Err("the token has expired or is too old"));
        assert_eq!(at(0, Some(i64::from(u32::MAX))), Ok(86_460));
        assert_eq!(at(-300, None), Ok(60));
        assert_eq!(at(-360, None), Err("the token has expired or is too old"));
    }

    #[test]
    fn what_we_write_is_what_we_would_believe() {
        // BCO-02, TRP-40
        for sid in [None, Some("S")] {
            let claims = serde_json::to_value(Claims::new(&PARTIES, "J", "alice", sid, NOW)).unwrap();
            let mut expected = json!({
                "iss": PARTIES.issuer, "aud": PARTIES.client_id, "iat": NOW / 1000, "exp": NOW / 1000 + 120, "jti": "J",
                "sub": "alice", "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            });
            sid.map(|sid| expected.as_object_mut().unwrap().insert("sid".to_owned(), json!(sid)));
            assert_eq!(claims, expected);
            let read = LogoutToken::judge(Some(TYP), claims.as_object().unwrap(), &PARTIES, NOW).unwrap();
            assert_eq!((read.sub.as_deref(), read.sid.as_deref()), (Some("alice"), sid));
        }
    }

    #[test]
    fn the_kind_of_the_token_is_checked_where_it_is_told() {
        // BCI-01
        for typ in ["logout+jwt", "application/logout+jwt", "Logout+JWT", "JWT"] {
            assert!(judge(Some(typ), |_| ()).is_ok(), "{typ}");
        }
        for typ in ["at+jwt", "secevent+jwt", ""] {
            assert!(judge(Some(typ), |_| ()).is_err(), "{typ}");
        }
    }

    #[test]
    fn several_audiences_are_good_when_we_are_among_them() {
        let aud = |aud: Value| judge(None, |claims| drop(claims.insert("aud".to_owned(), aud))).is_ok();
        assert!(aud(json!(["others", "keymaker"])));
        assert!(!aud(json!(["others"])) && !aud(json!([])) && !aud(json!({ "keymaker": 1 })) && !aud(Value::Null));
    }
}
