//! A login that we track, of any kind, and the one judgement of whether it still counts (INV-05).

use crate::domain::{
    amr::Amr,
    id::{ClientId, SessionId, TokenId, UserId},
    scope::{self, Scope},
    time::{DAY, MINUTE, SECOND},
};

/// How long an access token lives (spec TOK-10).
pub const ACCESS_TOKEN_LIFE: i64 = 5 * MINUTE;
/// How long a used pair is still handed out again for the refresh token before it (INV-04).
pub const REFRESH_GRACE: i64 = 60 * SECOND;
/// How long the login of a browser lives without being used (spec WEB-01).
pub const BROWSER_SESSION_LIFE: i64 = 14 * DAY;
/// How long it lives at most, however much it is used (spec WEB-01).
pub const BROWSER_SESSION_MOST: i64 = 90 * DAY;

/// The kinds of the one session table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    Browser,
    Oauth,
    /// Of a client that speaks the older login API of Matrix.
    Compat,
}

impl SessionKind {
    /// Gives the word that the store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            SessionKind::Browser => "browser",
            SessionKind::Oauth => "oauth",
            SessionKind::Compat => "compat",
        }
    }
}

/// Why a session ended: kept for the person and for the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    LoggedOut,
    Revoked,
    RefreshTokenReplayed,
    CodeReplayed,
    LoginTokenReplayed,
    ReplacedOnSameDevice,
    Expired,
    /// By the person, from another place.
    EndedByOwner,
    EndedByAdministrator,
    UserDeactivated,
    PasswordChanged,
    /// The provider through which the person had signed in told that they signed out there.
    SignedOutAtProvider,
}

impl EndReason {
    /// Gives the word that the store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            EndReason::LoggedOut => "logged_out",
            EndReason::Revoked => "revoked",
            EndReason::RefreshTokenReplayed => "refresh_token_replayed",
            EndReason::CodeReplayed => "code_replayed",
            EndReason::LoginTokenReplayed => "login_token_replayed",
            EndReason::ReplacedOnSameDevice => "replaced_on_same_device",
            EndReason::Expired => "expired",
            EndReason::EndedByOwner => "ended_by_owner",
            EndReason::EndedByAdministrator => "ended_by_administrator",
            EndReason::UserDeactivated => "user_deactivated",
            EndReason::PasswordChanged => "password_changed",
            EndReason::SignedOutAtProvider => "signed_out_at_provider",
        }
    }
}

/// A session with everything that decides whether it counts, as one SELECT gives it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Session {
    pub session_id: SessionId,
    pub kind: String,
    pub user_id: Option<UserId>,
    pub client_id: Option<ClientId>,
    pub scope: String,
    pub device_id: Option<String>,
    pub session_created_at: i64,
    pub auth_time: Option<i64>,
    pub amr: Option<Amr>,
    /// What is told beside the scope; [`crate::domain::claims::Claims::kept`] reads it.
    pub claims: Option<String>,
    /// What the tokens are for, beside the homeserver: URIs with spaces between.
    pub resource: Option<String>,
    pub session_expires_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub last_active_at: i64,
    /// From where the session was opened.
    pub login_ip: Option<String>,
    pub username: Option<String>,
    pub user_is_admin: Option<bool>,
    pub user_locked_at: Option<i64>,
    pub user_deactivated_at: Option<i64>,
    pub client_disabled_at: Option<i64>,
}

/// A token that somebody presented, with its session.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PresentedToken {
    pub token_id: TokenId,
    pub token_created_at: i64,
    pub token_expires_at: Option<i64>,
    pub first_used_at: Option<i64>,
    pub consumed_at: Option<i64>,
    pub successor: Option<Vec<u8>>,
    pub successor_access_id: Option<TokenId>,
    pub successor_refresh_id: Option<TokenId>,
    #[sqlx(flatten)]
    pub session: Session,
}

impl PresentedToken {
    /// Tells whether the token itself, apart from its session, is still good.
    pub fn is_unexpired(&self, now: i64) -> bool {
        self.token_expires_at.is_none_or(|at| at > now)
    }
}

/// What a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// New tokens. A lock is no obstacle: it passes, and a refusal makes clients delete their data (spec REF-09).
    Refresh,
    /// Any use of an access token or a page.
    Use,
    /// A use that is reported to a homeserver that enforces locks by itself (spec INT-09).
    UseWhereLocksAreEnforced,
}

/// Why a session does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallen {
    SessionEnded,
    SessionExpired,
    ClientDisabled,
    UserDeactivated,
    UserLocked,
    /// The session holds administration rights and the user lost them (spec SCP-08).
    ScopeLost,
}

impl Session {
    /// Judges whether this session counts now. Every mint, refresh, introspection and page asks here.
    ///
    /// # Errors
    /// The first reason why it does not.
    pub fn judge(&self, purpose: Purpose, now: i64) -> Result<(), Fallen> {
        let checks = [
            (self.ended_at.is_some(), Fallen::SessionEnded),
            (self.session_expires_at.is_some_and(|at| at <= now), Fallen::SessionExpired),
            (self.client_disabled_at.is_some(), Fallen::ClientDisabled),
            (self.user_deactivated_at.is_some(), Fallen::UserDeactivated),
            (self.user_locked_at.is_some() && purpose == Purpose::Use, Fallen::UserLocked),
            (self.holds_lost_rights(), Fallen::ScopeLost),
        ];
        checks.into_iter().find(|(is_fallen, _)| *is_fallen).map_or(Ok(()), |(_, reason)| Err(reason))
    }

    /// Tells whether this is a session of that kind.
    pub fn is(&self, kind: SessionKind) -> bool {
        self.kind == kind.as_str()
    }

    /// Gives the granted scope.
    pub fn scope(&self) -> Scope {
        Scope::parse(&self.scope).unwrap_or_default()
    }

    fn holds_lost_rights(&self) -> bool {
        let holds_admin = self.scope.split(' ').any(|token| token == scope::SYNAPSE_ADMIN);
        holds_admin && self.user_is_admin != Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            session_id: SessionId::new("S"),
            kind: "oauth".to_owned(),
            user_id: Some(UserId::new("U")),
            client_id: Some(ClientId::new("C")),
            scope: "openid".to_owned(),
            device_id: None,
            session_created_at: 0,
            auth_time: None,
            amr: None,
            claims: None,
            resource: None,
            session_expires_at: None,
            ended_at: None,
            last_active_at: 0,
            login_ip: None,
            username: Some("alice".to_owned()),
            user_is_admin: Some(false),
            user_locked_at: None,
            user_deactivated_at: None,
            client_disabled_at: None,
        }
    }

    #[test]
    fn a_session_counts_unless_something_speaks_against_it() {
        // INV-05, DEV-12, DEV-14, SCP-08
        use Purpose::{Refresh, Use, UseWhereLocksAreEnforced as Reported};
        let with = |change: fn(&mut Session)| {
            let mut session = session();
            change(&mut session);
            session
        };
        let all_fall = |reason| [Err(reason); 3];
        let table: [(Session, [Result<(), Fallen>; 3]); 8] = [
            (session(), [Ok(()); 3]),
            (with(|s| s.ended_at = Some(5)), all_fall(Fallen::SessionEnded)),
            (with(|s| s.session_expires_at = Some(10)), all_fall(Fallen::SessionExpired)),
            (with(|s| s.session_expires_at = Some(11)), [Ok(()); 3]),
            (with(|s| s.client_disabled_at = Some(5)), all_fall(Fallen::ClientDisabled)),
            (with(|s| s.user_deactivated_at = Some(5)), all_fall(Fallen::UserDeactivated)),
            (with(|s| s.user_locked_at = Some(5)), [Ok(()), Err(Fallen::UserLocked), Ok(())]),
            (with(|s| s.scope = format!("openid {}", scope::SYNAPSE_ADMIN)), all_fall(Fallen::ScopeLost)),
        ];
        for (session, expected) in table {
            assert_eq!([Refresh, Use, Reported].map(|purpose| session.judge(purpose, 10)), expected, "{session:?}");
        }
    }
}
