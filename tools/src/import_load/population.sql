-- The people of a homeserver with {users} users, in the SQL that both engines speak; a statement ends with a line. `{user}` is
-- the Matrix ID of the n-th user, `{device}` the id of the n-th device and `{owner}` whose it is: scattered, as what people
-- choose is, so that their order is not that of the rows. `{hex}` is 32 random digits, `{now}` Unix milliseconds.

INSERT INTO users
    (name, password_hash, creation_ts, admin, is_guest, appservice_id, deactivated, shadow_banned, approved, locked)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {users})
    SELECT {user},
        CASE WHEN n % 100 = 7 OR n % 1000 = 13 THEN NULL
            WHEN n % 1000 = 11 THEN ''
            ELSE '$2b$12$' || SUBSTR({hex} || {hex}, 1, 53) END,
        1420070400 + n * 300000000 / {users},
        CASE WHEN n % 10000 = 1 THEN 1 ELSE 0 END,
        CASE WHEN n % 1000 = 13 THEN 1 ELSE 0 END,
        CASE WHEN n % 1000 = 11 THEN 'bridge' END,
        CASE WHEN n % 100 = 7 THEN 1 ELSE 0 END,
        FALSE, TRUE, n % 1000 = 17
    FROM series;

INSERT INTO user_threepids (user_id, medium, address, validated_at, added_at)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {users})
    SELECT {user}, 'email', SUBSTR({hex}, 1, 6) || '.' || n || '@mail.example.com', 1500000000000 + n, 1500000000000 + n
    FROM series WHERE n % 5 < 3 AND n % 100 <> 7;

INSERT INTO user_threepids (user_id, medium, address, validated_at, added_at)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {users})
    SELECT {user}, 'msisdn', '49' || (15100000000 + n * 7), 1500000000000 + n, 1500000000000 + n
    FROM series WHERE n % 50 = 0;

INSERT INTO user_external_ids (auth_provider, external_id, user_id)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {users})
    SELECT 'oidc-company', {hex}, {user} FROM series WHERE n % 100 = 3;

INSERT INTO devices (user_id, device_id, display_name, last_seen, ip, user_agent, hidden)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < 2 * {users})
    SELECT {owner}, {device},
        CASE n % 4 WHEN 0 THEN 'app.element.io (Firefox on Linux)'
            WHEN 1 THEN 'Element X Android'
            WHEN 2 THEN 'FluffyChat ios' END,
        {now} - n * 7919 % 63072000 * 1000,
        CASE WHEN n % 3 = 0 THEN '2001:db8:' || (n % 9000) || '::' || (n % 7000)
            ELSE '198.51.' || (n % 100) || '.' || (n % 251) END,
        CASE n % 4 WHEN 0 THEN 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
            WHEN 1 THEN 'Element X/25.11.0 (Google Pixel 8; Android 16; BP2A.250605.031; Sdk 1a2b3c4)'
            ELSE 'Dart/3.9 (dart:io)' END,
        FALSE
    FROM series;

-- A quarter of the devices can refresh; a few of these have a refresh token before the current one, which was used or not yet.
INSERT INTO refresh_tokens (id, user_id, device_id, token)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < 2 * {users})
    SELECT n, {owner}, {device},
        'syr_' || SUBSTR({hex}, 1, 16) || '_' || SUBSTR({hex}, 1, 20) || '_' || SUBSTR({hex}, 1, 6)
    FROM series WHERE n % 4 = 1;

INSERT INTO refresh_tokens (id, user_id, device_id, token, next_token_id)
    SELECT 2 * {users} + id, user_id, device_id,
        'syr_' || SUBSTR({hex}, 1, 16) || '_' || SUBSTR({hex}, 1, 20) || '_' || SUBSTR({hex}, 1, 6), id
    FROM refresh_tokens WHERE id % 100 IN (1, 5);

INSERT INTO access_tokens (id, user_id, device_id, token, valid_until_ms, last_validated, refresh_token_id, used)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < 2 * {users})
    SELECT n, {owner}, CASE WHEN n % 20 <> 0 THEN {device} END,
        'syt_' || SUBSTR({hex}, 1, 16) || '_' || SUBSTR({hex}, 1, 20) || '_' || SUBSTR({hex}, 1, 6),
        CASE WHEN n % 200 = 4 THEN {now} - 86400000 WHEN n % 4 = 1 THEN {now} + 31536000000 END,
        {now} - n * 7919 % 63072000 * 1000,
        CASE WHEN n % 4 = 1 THEN n END,
        n % 50 <> 1
    FROM series;
