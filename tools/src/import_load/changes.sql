-- A thousand rows that are new, changed or gone since the last import: 100 new users, 150 logins (a device and a token each),
-- 150 logouts, 300 changed passwords. Written as `population.sql` is; every run of it makes other ones.

INSERT INTO users (name, password_hash, creation_ts)
    WITH RECURSIVE series (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < 100)
    SELECT '@late' || SUBSTR({hex}, 1, 12) || ':{server_name}', '$2b$12$' || SUBSTR({hex} || {hex}, 1, 53), {now} / 1000
    FROM series;

INSERT INTO access_tokens (id, user_id, device_id, token, last_validated)
    WITH RECURSIVE
        newest (id) AS (SELECT MAX(id) FROM access_tokens),
        series (n) AS (SELECT id + 1 FROM newest UNION ALL SELECT n + 1 FROM series, newest WHERE n < newest.id + 150)
    SELECT n, {owner}, {device},
        'syt_' || SUBSTR({hex}, 1, 16) || '_' || SUBSTR({hex}, 1, 20) || '_' || SUBSTR({hex}, 1, 6), {now}
    FROM series;

INSERT INTO devices (user_id, device_id, display_name, last_seen, ip, user_agent, hidden)
    SELECT user_id, device_id, 'Element X iOS', {now}, '198.51.100.7', 'Element X/25.11.0 (iPhone 16; iOS 26.1)', FALSE
    FROM access_tokens WHERE id > (SELECT MAX(id) - 150 FROM access_tokens);

DELETE FROM devices WHERE (user_id, device_id) IN
    (SELECT user_id, device_id FROM access_tokens
        WHERE device_id IS NOT NULL AND refresh_token_id IS NULL ORDER BY id LIMIT 150);

DELETE FROM access_tokens WHERE id IN
    (SELECT id FROM access_tokens WHERE device_id IS NOT NULL AND refresh_token_id IS NULL ORDER BY id LIMIT 150);

UPDATE users SET password_hash = '$2b$12$' || SUBSTR({hex} || {hex}, 1, 53)
    WHERE name IN (SELECT name FROM users WHERE password_hash LIKE '$2b$%' ORDER BY name LIMIT 300);
