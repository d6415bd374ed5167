//! Crowds: very many people of one kind, made by SQL that both engines understand, into the schema of a real Synapse.

/// Gives the statements that add so many users, each with a device, a token and an address; every third one refreshes, half
/// of those did so a moment ago, and every fifth one has a link. Some devices were never seen.
pub fn crowd(users: u32) -> Vec<String> {
    let insert = |into: &str, values: &str, which: &str| {
        format!(
            "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {users})
             INSERT INTO {into} SELECT {values} FROM
                 (SELECT i, '@crowd' || i || ':hs.test' AS name, SUBSTR(CAST(100000000 + i AS TEXT), 2) AS digits FROM numbers) n
             WHERE {which}"
        )
    };
    let salt = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVW";
    [
        ("users (name, password_hash, creation_ts)", &*format!("name, '$2b$04${salt}' || digits, 1500000000 + i"), "TRUE"),
        (
            "devices (user_id, device_id, display_name, last_seen, ip, user_agent, hidden)",
            "name, 'DEVICE' || digits, 'Device ' || i, CASE WHEN i % 100 <> 88 THEN 1600000000000 + i END,
                 CASE WHEN i % 100 <> 88 THEN '192.0.2.' || (i % 200) END, 'Client/' || (i % 7), FALSE",
            "TRUE",
        ),
        (
            "refresh_tokens (id, user_id, device_id, token)",
            "200000 + i, name, 'DEVICE' || digits, 'syr_crowd_next_' || digits",
            "i % 6 = 0",
        ),
        (
            "refresh_tokens (id, user_id, device_id, token, next_token_id)",
            "100000 + i, name, 'DEVICE' || digits, 'syr_crowd_' || digits, CASE WHEN i % 6 = 0 THEN 200000 + i END",
            "i % 3 = 0",
        ),
        (
            "access_tokens (id, user_id, device_id, token, used, refresh_token_id)",
            "100000 + i, name, 'DEVICE' || digits, 'syt_crowd_' || digits, TRUE, CASE WHEN i % 3 = 0 THEN 100000 + i END",
            "TRUE",
        ),
        (
            "access_tokens (id, user_id, device_id, token, used, refresh_token_id)",
            "200000 + i, name, 'DEVICE' || digits, 'syt_crowd_next_' || digits, FALSE, 200000 + i",
            "i % 6 = 0",
        ),
        (
            "user_threepids (user_id, medium, address, validated_at, added_at)",
            "name, 'email', 'crowd' || i || '@example.com', 1500000000000, 1500000000000 + i",
            "TRUE",
        ),
        ("user_external_ids (auth_provider, external_id, user_id)", "'oidc-google', 'crowd-' || i, name", "i % 5 = 0"),
    ]
    .map(|(into, values, which)| insert(into, values, which))
    .to_vec()
}

/// Gives the statements after which a crowd is another one: some are new, some gone, and others hold something else.
pub fn change() -> [&'static str; 16] {
    [
        "UPDATE users SET password_hash = REPLACE(password_hash, 'abc', 'cba') WHERE name LIKE '@crowd%7:hs.test'",
        "UPDATE users SET password_hash = NULL WHERE name LIKE '@crowd%77:hs.test'",
        "UPDATE users SET deactivated = 1 WHERE name LIKE '@crowd%99:hs.test'",
        "UPDATE users SET locked = TRUE WHERE name LIKE '@crowd%98:hs.test'",
        "UPDATE users SET admin = 1 WHERE name LIKE '@crowd%97:hs.test'",
        "UPDATE devices SET display_name = 'renamed', last_seen = last_seen + 1000 WHERE user_id LIKE '@crowd%4:hs.test'",
        "UPDATE user_threepids SET address = 'new-' || address WHERE user_id LIKE '@crowd%3:hs.test'",
        "UPDATE user_external_ids SET user_id = '@crowd1:hs.test' WHERE user_id LIKE '@crowd%0:hs.test'",
        "UPDATE access_tokens SET used = TRUE WHERE user_id LIKE '@crowd%2:hs.test'",
        "DELETE FROM devices WHERE user_id LIKE '@crowd%88:hs.test'",
        "DELETE FROM access_tokens WHERE user_id LIKE '@crowd%9:hs.test' OR user_id LIKE '@crowd%5:hs.test'",
        "DELETE FROM refresh_tokens WHERE user_id LIKE '@crowd%5:hs.test'",
        "DELETE FROM devices WHERE user_id LIKE '@crowd%5:hs.test'",
        "INSERT INTO users (name, password_hash, creation_ts)
             SELECT REPLACE(name, 'crowd', 'late'), password_hash, creation_ts + 7 FROM users WHERE name LIKE '@crowd%1:hs.test'",
        "INSERT INTO devices (user_id, device_id, display_name, last_seen, hidden)
             SELECT REPLACE(user_id, 'crowd', 'late'), 'LATE', display_name, last_seen, FALSE FROM devices
             WHERE user_id LIKE '@crowd%1:hs.test'",
        "INSERT INTO access_tokens (id, user_id, device_id, token)
             SELECT id + 500000, REPLACE(user_id, 'crowd', 'late'), 'LATE', 'syt_late_' || id FROM access_tokens
             WHERE user_id LIKE '@crowd%1:hs.test'",
    ]
}
