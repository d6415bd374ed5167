//! A device without a browser that waits until a person lets it in from another one (RFC 8628, MSC4341; spec area 10).

use crate::domain::{
    amr::Amr,
    id::{ClientId, DeviceGrantId, SessionId, UserId},
    time::SECOND,
};

/// By how much the interval grows for a device that asks too often (RFC 8628 §3.5).
pub const SLOWER_BY: i64 = 5 * SECOND;
/// How long the interval becomes at most: a device whose clock is off gets through at last.
pub const SLOWEST: i64 = 60 * SECOND;
/// How much too early a question may arrive: the network carries one faster than another.
pub const JITTER: i64 = SECOND / 2;

/// How far a device grant has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Approved,
    Denied,
    Expired,
    Exchanged,
}

/// A row of `device_grants`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DeviceGrant {
    pub id: DeviceGrantId,
    pub client_id: ClientId,
    pub scope: String,
    /// Sealed.
    pub user_code: Vec<u8>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub decided_at: Option<i64>,
    /// Absent where the decision was no.
    pub user_id: Option<UserId>,
    /// The login of the browser in which it was decided.
    pub browser_session_id: Option<SessionId>,
    pub auth_time: Option<i64>,
    pub amr: Option<Amr>,
    pub language: Option<String>,
    pub consumed_at: Option<i64>,
    pub session_id: Option<SessionId>,
}

impl DeviceGrant {
    /// Tells how far it has come. What was exchanged or denied stays so, also when its time is over (DVC-09).
    pub fn state(&self, now: i64) -> State {
        match (self.consumed_at, self.decided_at, &self.user_id) {
            (Some(_), ..) => State::Exchanged,
            (None, Some(_), None) => State::Denied,
            _ if self.expires_at <= now => State::Expired,
            (None, Some(_), Some(_)) => State::Approved,
            (None, None, _) => State::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_in_one_state_at_a_time() {
        // DVC-07, DVC-09: (decided, by whom, consumed, just before its end, at its end)
        use State::{Approved, Denied, Exchanged, Expired, Pending};
        let alice = || Some(UserId::new("alice"));
        let table = [
            (None, None, None, Pending, Expired),
            (Some(5), None, None, Denied, Denied),
            (Some(5), alice(), None, Approved, Expired),
            (Some(5), alice(), Some(6), Exchanged, Exchanged),
        ];
        for (decided_at, user_id, consumed_at, before, after) in table {
            let grant = DeviceGrant {
                id: DeviceGrantId::new("G"),
                client_id: ClientId::new("C"),
                scope: "openid".to_owned(),
                user_code: Vec::new(),
                ip: None,
                user_agent: None,
                created_at: 0,
                expires_at: 100,
                decided_at,
                user_id,
                browser_session_id: None,
                auth_time: None,
                amr: None,
                language: None,
                consumed_at,
                session_id: None,
            };
            assert_eq!((grant.state(99), grant.state(100)), (before, after), "{grant:?}");
        }
    }
}
