//! The rows of a Synapse that concern accounts, with what each needs to know of its neighbours. Every kind comes in the
//! order of its key, by bytes on both engines, so that it can be merged with something that is sorted alike.
//!
//! In the texts, `{account}` stands for the columns of [`Account`] out of `users u`, `{C}` for the collation that orders by
//! bytes, and `{locked}` and `{suspended}` for columns that older Synapses do not have.

use sqlx::{
    Decode, FromRow, Postgres, Sqlite, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueRef},
    sqlite::{SqliteTypeInfo, SqliteValueRef},
};

use crate::store::db::Row;

/// What can be streamed out of a Synapse.
pub trait Record: Row {
    /// The one query that gives all of them.
    const SQL: &'static str;
}

/// Text that nothing depends on: SQLite keeps whatever bytes it was given, and those that are no text are replaced.
#[derive(Debug, PartialEq, Eq)]
pub struct Lenient(pub String);

impl Type<Sqlite> for Lenient {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }

    fn compatible(_: &SqliteTypeInfo) -> bool {
        true
    }
}

impl Type<Postgres> for Lenient {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }

    fn compatible(info: &PgTypeInfo) -> bool {
        <String as Type<Postgres>>::compatible(info)
    }
}

impl<'r> Decode<'r, Sqlite> for Lenient {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(String::from_utf8_lossy(<&[u8] as Decode<Sqlite>>::decode(value)?).into_owned()))
    }
}

impl<'r> Decode<'r, Postgres> for Lenient {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<String as Decode<Postgres>>::decode(value)?))
    }
}

/// What a row needs to know about the account that it belongs to. What is no text stands in one number: SQLite makes a copy
/// of every value on its way to us, and there are millions of rows.
#[derive(Debug, FromRow)]
pub struct Account {
    /// The whole Matrix ID, also when there is no such user.
    #[sqlx(rename = "account_name")]
    pub name: String,
    /// Unix seconds, if it is known when it was made.
    #[sqlx(rename = "account_creation_ts")]
    pub creation_ts: Option<i64>,
    #[sqlx(rename = "account_marks")]
    marks: i64,
}

/// What a row tells of where an account comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There is no password: an administrator made it, or somebody who comes through single sign-on.
    Unknown,
    /// The password hash is empty, as Synapse writes it for those whom application services register, and nothing else
    /// points to a person.
    AppService,
    /// There is a password, or at least a contact or a link to a provider.
    Person,
}

impl Account {
    /// The columns but for the name, as they stand in every query.
    pub const COLUMNS: &'static str = "CAST(u.creation_ts AS BIGINT) AS account_creation_ts, \
         CAST(CASE WHEN u.name IS NOT NULL THEN 1 ELSE 0 END + CASE WHEN u.admin <> 0 THEN 2 ELSE 0 END \
             + CASE WHEN {locked} THEN 4 ELSE 0 END + CASE WHEN u.is_guest <> 0 THEN 8 ELSE 0 END \
             + CASE WHEN u.deactivated <> 0 THEN 16 ELSE 0 END + CASE WHEN u.appservice_id IS NOT NULL THEN 32 ELSE 0 END \
             + CASE WHEN {suspended} THEN 64 ELSE 0 END \
             + CASE WHEN u.password_hash IS NULL THEN 0 \
                 WHEN u.password_hash <> '' \
                     OR EXISTS (SELECT 1 FROM user_threepids c WHERE c.user_id = u.name) \
                     OR EXISTS (SELECT 1 FROM user_external_ids l WHERE l.user_id = u.name) THEN 256 \
                 ELSE 128 END AS BIGINT) AS account_marks";

    fn has(&self, mark: i64) -> bool {
        self.marks & mark != 0
    }

    /// Tells whether there is such a user.
    pub fn exists(&self) -> bool {
        self.has(1)
    }

    pub fn is_admin(&self) -> bool {
        self.has(2)
    }

    pub fn is_locked(&self) -> bool {
        self.has(4)
    }

    pub fn is_guest(&self) -> bool {
        self.has(8)
    }

    pub fn is_deactivated(&self) -> bool {
        self.has(16)
    }

    /// Tells whether Synapse has put it down as an application service's.
    pub fn is_appservice(&self) -> bool {
        self.has(32)
    }

    pub fn is_suspended(&self) -> bool {
        self.has(64)
    }

    /// Tells where it comes from.
    pub fn origin(&self) -> Origin {
        match (self.has(128), self.has(256)) {
            (_, true) => Origin::Person,
            (true, false) => Origin::AppService,
            (false, false) => Origin::Unknown,
        }
    }
}

/// A row of `users`, by name.
#[derive(Debug, FromRow)]
pub struct UserRow {
    #[sqlx(flatten)]
    pub account: Account,
    pub password_hash: Option<Lenient>,
}

impl Record for UserRow {
    const SQL: &'static str = "SELECT u.name AS account_name, {account}, u.password_hash \
         FROM users u WHERE u.name IS NOT NULL ORDER BY u.name{C}";
}

/// A row of `user_threepids`, by medium and address.
#[derive(Debug, FromRow)]
pub struct ThreepidRow {
    #[sqlx(flatten)]
    pub account: Account,
    /// `email` or `msisdn`.
    pub medium: String,
    pub address: String,
    /// Unix milliseconds.
    pub added_at: i64,
}

impl Record for ThreepidRow {
    const SQL: &'static str = "SELECT COALESCE(u.name, t.user_id) AS account_name, {account}, t.medium, t.address, CAST(t.added_at AS BIGINT) AS added_at \
         FROM user_threepids t LEFT JOIN users u ON u.name = t.user_id ORDER BY t.medium{C}, t.address{C}";
}

/// A row of `user_external_ids`, by provider and subject.
#[derive(Debug, FromRow)]
pub struct ExternalIdRow {
    #[sqlx(flatten)]
    pub account: Account,
    /// The provider: `oidc-` and its `idp_id`, or `oidc`, `saml`, `cas`.
    pub auth_provider: String,
    /// The provider's name for the person.
    pub external_id: String,
}

impl Record for ExternalIdRow {
    const SQL: &'static str = "SELECT COALESCE(u.name, e.user_id) AS account_name, {account}, e.auth_provider, e.external_id FROM user_external_ids e \
         LEFT JOIN users u ON u.name = e.user_id ORDER BY e.auth_provider{C}, e.external_id{C}";
}

/// A row of `devices`, by user and device id.
#[derive(Debug, FromRow)]
pub struct DeviceRow {
    #[sqlx(flatten)]
    pub account: Account,
    pub device_id: String,
    pub display_name: Option<Lenient>,
    /// Unix milliseconds.
    pub last_seen: Option<i64>,
    /// An address, or something like `-` where there was none.
    pub ip: Option<Lenient>,
    pub user_agent: Option<Lenient>,
    /// Unix milliseconds, at which the session of its refresh tokens is over.
    pub ultimate_session_expiry_ts: Option<i64>,
    marks: i64,
}

impl DeviceRow {
    /// Tells whether it is a cross-signing key, which Synapse keeps here too.
    pub fn is_hidden(&self) -> bool {
        self.marks & 1 != 0
    }

    pub fn is_dehydrated(&self) -> bool {
        self.marks & 2 != 0
    }
}

impl Record for DeviceRow {
    const SQL: &'static str = "SELECT COALESCE(u.name, d.user_id) AS account_name, {account}, d.device_id, d.display_name, \
             CAST(d.last_seen AS BIGINT) AS last_seen, d.ip, d.user_agent, \
             CAST(CASE WHEN d.hidden THEN 1 ELSE 0 END + CASE WHEN h.device_id IS NOT NULL THEN 2 ELSE 0 END AS BIGINT) \
                 AS marks, \
             CAST(r.ultimate_session_expiry_ts AS BIGINT) AS ultimate_session_expiry_ts \
         FROM devices d LEFT JOIN users u ON u.name = d.user_id \
             LEFT JOIN dehydrated_devices h ON h.user_id = d.user_id AND h.device_id = d.device_id \
             LEFT JOIN (SELECT user_id, device_id, MAX(ultimate_session_expiry_ts) AS ultimate_session_expiry_ts \
                 FROM refresh_tokens WHERE ultimate_session_expiry_ts IS NOT NULL GROUP BY user_id, device_id) r \
                 ON r.user_id = d.user_id AND r.device_id = d.device_id \
         ORDER BY d.user_id{C}, d.device_id{C}";
}

/// A device that tokens are good for and that Synapse has no row of, by user and device id.
#[derive(Debug, FromRow)]
pub struct LostDeviceRow {
    #[sqlx(flatten)]
    pub account: Account,
    pub device_id: String,
}

impl Record for LostDeviceRow {
    const SQL: &'static str = "SELECT COALESCE(u.name, l.user_id) AS account_name, {account}, l.device_id FROM \
             (SELECT COALESCE(t.puppets_user_id, t.user_id) AS user_id, t.device_id FROM access_tokens t \
              WHERE t.device_id IS NOT NULL AND (t.valid_until_ms IS NULL OR t.valid_until_ms >= {now}) \
                  AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.user_id = COALESCE(t.puppets_user_id, t.user_id) \
                      AND d.device_id = t.device_id AND NOT COALESCE(d.hidden, FALSE)) \
              UNION SELECT t.user_id, t.device_id FROM refresh_tokens t \
              WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.user_id = t.user_id AND d.device_id = t.device_id \
                  AND NOT COALESCE(d.hidden, FALSE))) l \
             LEFT JOIN users u ON u.name = l.user_id \
         ORDER BY l.user_id{C}, l.device_id{C}";
}

/// A row of `access_tokens`, by id. Its account is the one that it acts for.
#[derive(FromRow)]
pub struct AccessTokenRow {
    #[sqlx(flatten)]
    pub account: Account,
    pub id: i64,
    pub device_id: Option<String>,
    pub token: String,
    /// Unix milliseconds.
    pub valid_until_ms: Option<i64>,
    /// Unix milliseconds; when it was made or last renewed by a login.
    pub last_validated: Option<i64>,
    marks: i64,
}

impl AccessTokenRow {
    pub fn is_used(&self) -> bool {
        self.marks & 1 != 0
    }

    /// Tells whether it was given out together with a refresh token.
    pub fn is_refreshable(&self) -> bool {
        self.marks & 2 != 0
    }

    /// Tells whether it was made for an administrator who acts as somebody else.
    pub fn is_puppets(&self) -> bool {
        self.marks & 4 != 0
    }
}

impl Record for AccessTokenRow {
    const SQL: &'static str = "SELECT COALESCE(t.puppets_user_id, t.user_id) AS account_name, {account}, \
             CAST(t.id AS BIGINT) AS id, t.device_id, t.token, CAST(t.valid_until_ms AS BIGINT) AS valid_until_ms, \
             CAST(t.last_validated AS BIGINT) AS last_validated, \
             CAST(CASE WHEN t.used THEN 1 ELSE 0 END + CASE WHEN t.refresh_token_id IS NOT NULL THEN 2 ELSE 0 END \
                 + CASE WHEN t.puppets_user_id IS NOT NULL THEN 4 ELSE 0 END AS BIGINT) AS marks \
         FROM access_tokens t LEFT JOIN users u ON u.name = COALESCE(t.puppets_user_id, t.user_id) \
         ORDER BY t.id";
}

/// A row of `refresh_tokens`, by id.
#[derive(FromRow)]
pub struct RefreshTokenRow {
    #[sqlx(flatten)]
    pub account: Account,
    pub id: i64,
    pub device_id: String,
    pub token: String,
    /// The refresh token that it was exchanged for.
    pub next_token_id: Option<i64>,
    /// Unix milliseconds, until which it may be exchanged.
    pub expiry_ts: Option<i64>,
    /// Unix milliseconds, at which the whole session is over.
    pub ultimate_session_expiry_ts: Option<i64>,
    /// The refresh token that it was exchanged for, if Synapse still has it.
    pub next_token: Option<String>,
    /// Whether anything of what it was exchanged for was used: it is worth nothing from then on.
    pub is_next_used: bool,
    /// The access token that came with the refresh token that it was exchanged for.
    pub next_access_id: Option<i64>,
    pub next_access_token: Option<String>,
    /// Unix milliseconds; when that was made.
    pub next_made_at: Option<i64>,
}

/// Where a refresh token stands in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It was not exchanged.
    Current,
    /// It was exchanged, but the answer may have been lost: it can be exchanged once more.
    Pending,
    /// What it gave is in use.
    Spent,
}

impl RefreshTokenRow {
    /// Tells where it stands, as Synapse judges it when it is presented.
    pub fn link(&self) -> Link {
        match (self.is_next_used, &self.next_token) {
            (true, _) => Link::Spent,
            (false, Some(_)) => Link::Pending,
            (false, None) => Link::Current,
        }
    }

    /// Gives the Unix milliseconds from which on it cannot be exchanged, if that will come.
    pub fn expires_at(&self) -> Option<i64> {
        self.expiry_ts.into_iter().chain(self.ultimate_session_expiry_ts).min()
    }
}

impl Record for RefreshTokenRow {
    const SQL: &'static str = "SELECT COALESCE(u.name, r.user_id) AS account_name, {account}, CAST(r.id AS BIGINT) AS id, r.device_id, r.token, \
             CAST(r.next_token_id AS BIGINT) AS next_token_id, CAST(r.expiry_ts AS BIGINT) AS expiry_ts, \
             CAST(r.ultimate_session_expiry_ts AS BIGINT) AS ultimate_session_expiry_ts, \
             n.token AS next_token, \
             COALESCE(n.next_token_id IS NOT NULL \
                 OR CASE WHEN n.id IS NOT NULL THEN (SELECT MAX(CASE WHEN a.used THEN 1 ELSE 0 END) \
                     FROM access_tokens a WHERE a.refresh_token_id = n.id) = 1 END, FALSE) AS is_next_used, \
             CASE WHEN n.id IS NOT NULL THEN (SELECT CAST(a.id AS BIGINT) FROM access_tokens a \
                 WHERE a.refresh_token_id = n.id ORDER BY a.id DESC LIMIT 1) END AS next_access_id, \
             CASE WHEN n.id IS NOT NULL THEN (SELECT a.token FROM access_tokens a \
                 WHERE a.refresh_token_id = n.id ORDER BY a.id DESC LIMIT 1) END AS next_access_token, \
             CASE WHEN n.id IS NOT NULL THEN (SELECT CAST(a.last_validated AS BIGINT) FROM access_tokens a \
                 WHERE a.refresh_token_id = n.id ORDER BY a.id DESC LIMIT 1) END AS next_made_at \
         FROM refresh_tokens r LEFT JOIN users u ON u.name = r.user_id LEFT JOIN refresh_tokens n ON n.id = r.next_token_id \
         ORDER BY r.id";
}

/// An e-mail address that may be somebody else's too: there is one that differs only in ASCII case, or it holds characters
/// whose case only we know to fold. There are few of them, however many users there are.
#[derive(FromRow)]
pub struct DoubtfulEmail {
    pub address: String,
}

impl Record for DoubtfulEmail {
    const SQL: &'static str = "SELECT LOWER(address) AS address FROM user_threepids WHERE medium = 'email' \
         GROUP BY LOWER(address) HAVING COUNT(*) > 1 \
         UNION ALL SELECT address FROM user_threepids \
         WHERE medium = 'email' AND OCTET_LENGTH(address) <> LENGTH(address)";
}

/// How many users there are whose name another one has in another case.
#[derive(FromRow)]
pub struct AlikeNames {
    pub count: i64,
}

impl Record for AlikeNames {
    const SQL: &'static str = "SELECT CAST(COALESCE(SUM(alike), 0) AS BIGINT) AS count FROM \
         (SELECT COUNT(*) AS alike FROM users WHERE name IS NOT NULL AND appservice_id IS NULL \
          GROUP BY LOWER(name) HAVING COUNT(*) > 1) names";
}
