//! Every refusal of the configuration as one row of a table.

use super::*;

/// What is set where (nothing: the key is removed), the key that is named, and a part of the sentence.
type Refusal = (&'static str, Value, &'static str, &'static str);

/// A provider that nothing is wrong with but this.
fn provider(wrong: Value) -> Value {
    let mut provider = json!({
        "id": "company",
        "synapse_idp_id": "oidc-company",
        "issuer": "https://id.example.com/",
        "client_id": "keymaker",
        "client_secret": "R2x9mK4vTq8wLz1s",
        "token_endpoint_auth_method": "client_secret_basic",
    });
    for (key, value) in wrong.as_object().into_iter().flatten() {
        set(&mut provider, key, Some(value.clone()).filter(|value| !value.is_null()));
    }
    provider
}

#[test]
fn nothing_is_wrong_with_the_provider_of_the_table() {
    let home = Home::new();
    home.load(&broken("upstream_oauth2/providers/0", &provider(json!({})))).expect("a provider");
}

#[rustfmt::skip]
fn refusals() -> Vec<Refusal> {
    vec![
        // Types, forms and unknown keys.
        ("http/listenres", json!([]), "http.listenres", "did you mean \"listeners\"?"),
        ("database/url", json!("sqlite://x"), "database.url", "did you mean \"uri\"?"),
        ("public_base", json!("https://x.org/"), "public_base", "did you mean \"http.public_base\"?"),
        ("clients/0/secret", json!("x"), "clients[0].secret", "unknown key"),
        ("frobnicate", json!(1), "frobnicate", "unknown key"),
        ("http", json!("x"), "http", "must be a section with keys, not text"),
        ("clients", json!({}), "clients", "must be a list, not a section with keys"),
        ("clients/0/client_id", Value::Null, "clients[0].client_id", "is required"),
        ("clients/0/client_auth_method", Value::Null, "clients[0].client_auth_method", "is required"),
        ("clients/0/client_auth_method", json!("tls_client_auth"), "clients[0].client_auth_method", "must be one of \"none\", \"client_secret_basic\", \"client_secret_post\""),
        ("clients/0/client_secret", json!(1234567890123456_i64), "clients[0].client_secret", "must be text, not a number: put it in quotes"),
        ("clients/0/client_id", json!(""), "clients[0].client_id", "must not be empty"),
        ("clients/0/client_uri", json!("ftp://example.com/"), "clients[0].client_uri", "http:// or https://"),
        ("clients/0/redirect_uris", json!([1]), "clients[0].redirect_uris[0]", "must be text, not a number"),
        ("clients/0/grant_types", json!(["password"]), "clients[0].grant_types[0]", "must be one of"),
        ("database/max_connections", json!("many"), "database.max_connections", "must be a whole number, not text"),
        ("database/max_connections", json!(0), "database.max_connections", "must be at least 1"),
        ("passwords/minimum_complexity", json!(5), "passwords.minimum_complexity", "must be at most 4"),
        ("passwords/enabled", json!("true"), "passwords.enabled", "must be true or false, not text"),
        ("passwords/schemes/1/cost", json!(4), "passwords.schemes[1].cost", "must be at least 10"),
        ("http/trusted_proxies", json!(["proxy"]), "http.trusted_proxies[0]", "must be a network such as"),
        ("http/public_base", json!("auth.example.com"), "http.public_base", "must be a URL"),
        ("http/public_base", json!("https://me:pw@example.com/"), "http.public_base", "names no user"),
        ("matrix/kind", json!("dendrite"), "matrix.kind", "must be one of \"synapse\", \"none\""),
        // The public address.
        ("http/public_base", json!("http://auth.example.com/"), "http.public_base", "must start with https://"),
        ("http/public_base", json!("http://localhost.example.com/"), "http.public_base", "must start with https://"),
        ("http/public_base", json!("http://0.0.0.0/"), "http.public_base", "must start with https://"),
        ("http/public_base", json!("https://example.com/?a"), "http.public_base", "neither a query"),
        ("http/issuer", json!("http://example.com/"), "http.issuer", "must start with https://"),
        ("http/issuer", json!("https://example.com/?a=b"), "http.issuer", "neither a query"),
        ("http/issuer", json!("https://example.com/#a"), "http.issuer", "nor a fragment"),
        ("http/listeners", json!([]), "http.listeners", "at least one listener"),
        ("http/listeners", json!([{ "binds": [] }]), "http.listeners[0].binds", "at least one address"),
        ("http/listeners", json!([{ "binds": [{ "address": "8080" }] }]), "http.listeners[0].binds[0]", "a host and a port"),
        ("http/listeners", json!([{ "binds": [{ "address": ":8080" }] }]), "http.listeners[0].binds[0]", "a host and a port"),
        ("http/listeners", json!([{ "binds": [{ "address": "localhost:80800" }] }]), "http.listeners[0].binds[0]", "a host and a port"),
        ("http/listeners", json!([{ "binds": [{ "address": "a:1", "port": 2 }] }]), "http.listeners[0].binds[0]", "give either `address`, or"),
        ("http/listeners", json!([{ "binds": [{ "port": 8080 }] }]), "http.listeners[0].binds[0]", "both `host` and `port`"),
        ("http/listeners", json!([{ "binds": [{ "host": "http://x", "port": 8080 }] }]), "http.listeners[0].binds[0]", "not a name or an address"),
        ("http/trusted_proxies", json!(["0.0.0.0/0"]), "http.trusted_proxies", "trusts everybody"),
        ("http/trusted_proxies", json!(["::/0"]), "http.trusted_proxies", "trusts everybody"),
        // The database.
        ("database/uri", json!("mysql://localhost/keymaker"), "database.uri", "sqlite:// or postgresql://"),
        ("database/uri_file", json!("uri"), "database.uri_file", "give either `uri` or `uri_file`, not both"),
        // The homeserver.
        ("matrix/homeserver", Value::Null, "matrix.homeserver", "is required when `matrix.kind` is \"synapse\""),
        ("matrix/endpoint", Value::Null, "matrix.endpoint", "is required when `matrix.kind` is \"synapse\""),
        ("matrix/secret", Value::Null, "matrix.secret", "is required when `matrix.kind` is \"synapse\""),
        ("matrix/homeserver", json!("https://example.com"), "matrix.homeserver", "must be a server name"),
        ("matrix/secret", json!("fifteen-letters"), "matrix.secret", "is too short"),
        ("matrix/secret", json!("SomeRandomSecret"), "matrix.secret", "is a placeholder"),
        ("matrix/secret", json!("please-change-me-now"), "matrix.secret", "is a placeholder"),
        ("matrix/secret", json!("put at least 16 random characters here"), "matrix.secret", "is a placeholder"),
        ("matrix/secret", json!("aaaaaaaaaaaaaaaaaaaaaaaa"), "matrix.secret", "is a placeholder"),
        ("matrix/secret", json!("two servers share R2x9mK4vTq8w"), "matrix.secret", "without spaces"),
        ("matrix/secret", json!("zwei_Sérver_teilen_R2x9mK4vTq8w"), "matrix.secret", "without spaces"),
        ("matrix/secret_file", json!("a-file"), "matrix.secret_file", "give either `secret` or `secret_file`, not both"),
        // The keys.
        ("secrets", Value::Null, "secrets.encryption", "is required"),
        ("secrets/encryption", json!("abc"), "secrets.encryption", "must be 64 hexadecimal digits"),
        ("secrets/encryption", json!("0".repeat(64)), "secrets.encryption", "is not random"),
        ("secrets/encryption", json!("0123456789abcdef".repeat(4)), "secrets.encryption", "is not random"),
        ("secrets/encryption", json!(hex::encode((0..32).collect::<Vec<u8>>())), "secrets.encryption", "is not random"),
        ("secrets/encryption_file", json!("key"), "secrets.encryption_file", "not both"),
        ("secrets/keys", json!([{}]), "secrets.keys[0].key", "is required, here or as `key_file`"),
        ("secrets/keys", json!([{ "key": "not PEM" }]), "secrets.keys[0].key", "unencrypted private key in PEM"),
        ("secrets/keys", json!([{ "key": SECRETS.rs256.replace("PRIVATE", "EC PRIVATE") }]), "secrets.keys[0].key", "unencrypted private key in PEM"),
        ("secrets/keys", json!([{ "key": WEAK_KEY }]), "secrets.keys[0].key", "at least 2048 bits"),
        ("secrets/keys/1", json!({ "kid": "one", "key": SECRETS.rs256 }), "secrets.keys[1].kid", "another key too"),
        ("secrets/previous_encryption", json!([{}]), "secrets.previous_encryption[0].key", "is required"),
        ("secrets/previous_encryption", json!([{ "key": "abc" }]), "secrets.previous_encryption[0].key", "must be 64 hexadecimal digits"),
        ("secrets/previous_encryption", json!([{ "key": SECRETS.encryption }]), "secrets.previous_encryption[0].key", "the same as another encryption key"),
        ("secrets/signing_key_activation_delay", json!(60), "secrets.signing_key_activation_delay", "must be at least 3600"),
        ("secrets/signing_key_lifetime", json!(86400), "secrets.signing_key_lifetime", "must be at least 604800"),
        ("secrets", json!({ "encryption": SECRETS.encryption, "signing_key_lifetime": 604_800, "signing_key_activation_delay": 604_800 }), "secrets.signing_key_lifetime", "must be longer than"),
        ("secrets/keys", json!([{ "key": ODD_KEY }]), "secrets.keys[0].key", "public exponent is not 65537"),
        ("secrets/keys/0/key_file", json!("a-file"), "secrets.keys[0].key_file", "not both"),
        // Passwords.
        ("passwords/schemes", json!([]), "passwords.schemes", "at least one scheme"),
        ("passwords/schemes/1/version", json!(2), "passwords.schemes[1].version", "another scheme too"),
        ("passwords/schemes/0/cost", json!(12), "passwords.schemes[0].cost", "only for the algorithm bcrypt"),
        ("passwords/schemes/1/secret_file", json!("a-file"), "passwords.schemes[1].secret_file", "not both"),
        // Accounts.
        ("account/password_registration_email", json!(true), "account.password_registration_email", "unknown key"),
        ("account/registration_terms_version", json!(""), "account.registration_terms_version", "must not be empty"),
        ("account/registration_terms_version", json!("a".repeat(65)), "account.registration_terms_version", "at most 64 characters"),
        ("account/registration_approval_notify", json!(["nobody"]), "account.registration_approval_notify[0]", "must be an e-mail address"),
        ("account/registration_approval_notify", json!(["admin@example.com"]), "account.registration_approval_notify", "needs `account.registration_approval_required`"),
        ("branding/tos_uri", Value::Null, "account.registration_terms_version", "`branding.tos_uri`"),
        ("branding/tos_uri", json!("http://localhost/terms"), "account.registration_terms_version", "an https address"),
        // CAPTCHAs.
        ("captcha/service", json!("recaptcha_v3"), "captcha.service", "must be one of \"none\", \"recaptcha_v2\", \"hcaptcha\", \"cloudflare_turnstile\", \"proof_of_work\""),
        ("captcha/site_key", Value::Null, "captcha.site_key", "is required with this `captcha.service`"),
        ("captcha/site_key", json!(""), "captcha.site_key", "must not be empty"),
        ("captcha/site_key", json!("with a space"), "captcha.site_key", "without spaces"),
        ("captcha/secret_key", Value::Null, "captcha.secret_key", "is required with this `captcha.service`"),
        ("captcha/secret_key_file", json!("a-file"), "captcha.secret_key_file", "not both"),
        ("captcha/verify_url", json!("http://captcha.example.com/"), "captcha.verify_url", "must start with https://"),
        ("captcha/verify_url", json!("captcha.example.com"), "captcha.verify_url", "must be a URL"),
        ("captcha/pages", json!([]), "captcha.pages", "at least one page"),
        ("captcha/pages", json!(["account"]), "captcha.pages[0]", "must be one of"),
        ("captcha/difficulty", json!(7), "captcha.difficulty", "must be at least 8"),
        ("captcha/difficulty", json!(27), "captcha.difficulty", "must be at most 26"),
        ("captcha/login_after_failures", json!(0), "captcha.login_after_failures", "must be at least 1"),
        ("captcha/on", json!(["login"]), "captcha.on", "unknown key"),
        // Mail.
        ("email/from", json!("nobody"), "email.from", "must be an e-mail address"),
        ("email/from", json!("Example <no-reply@>"), "email.from", "must be an e-mail address"),
        ("email/reply_to", json!("a@example.com, b@example.com"), "email.reply_to", "must be an e-mail address"),
        ("email/from", Value::Null, "email.from", "is required with this `email.transport`"),
        ("email/hostname", Value::Null, "email.hostname", "is required with this `email.transport`"),
        ("email/hostname", json!("mail.example.com:25"), "email.hostname", "without a port"),
        ("email/hostname", json!("smtp://mail.example.com"), "email.hostname", "the name or the address of a host"),
        ("email/hostname", json!(""), "email.hostname", "must not be empty"),
        ("email/mode", json!("plain"), "email.mode", "would show the password"),
        ("rate_limiting", json!({"registration": "none"}), "rate_limiting.registration", "or the word off"),
        ("rate_limiting", json!({"registration": {"burst": 3}}), "rate_limiting.registration.per_second", "is required"),
        ("rate_limiting", json!({"registration": {"burst": 0, "per_second": 1}}), "rate_limiting.registration.burst", "must be at least 1"),
        ("rate_limiting", json!({"registration": {"burst": 1, "per_second": 0}}), "rate_limiting.registration.per_second", "must be at least 0.00001"),
        ("rate_limiting", json!({"registration": {"burst": 1, "per_second": 1, "per_hour": 1}}), "rate_limiting.registration.per_hour", "unknown key"),
        ("rate_limiting", json!({"login": {"per_account": {"burst": 1, "per_second": 0.001}}}), "rate_limiting.login.per_account", "longer than 15 minutes"),
        ("rate_limiting", json!({"second_factor": {"burst": 1, "per_second": 0.001}}), "rate_limiting.second_factor", "longer than 15 minutes"),
        ("rate_limiting", json!({"most_keys": 1}), "rate_limiting.most_keys", "must be at least 100"),
        ("email/mode", json!("ssl"), "email.mode", "must be one of \"plain\", \"tls\", \"starttls\""),
        ("email/port", json!(0), "email.port", "must be at least 1"),
        ("email/username", Value::Null, "email.username", "is required with `email.password`"),
        ("email/password", Value::Null, "email.password", "is required with `email.username`"),
        ("email/password_file", json!("a-file"), "email.password_file", "not both"),
        ("email/hostnam", json!("mail.example.com"), "email.hostnam", "did you mean \"hostname\"?"),
        // Identity providers.
        ("upstream_oauth2/provider", json!([]), "upstream_oauth2.provider", "did you mean \"providers\"?"),
        ("upstream_oauth2/providers/0/isuer", json!("https://id.example.com/"), "upstream_oauth2.providers[0].isuer", "did you mean \"issuer\"?"),
        ("upstream_oauth2/providers/0/id", Value::Null, "upstream_oauth2.providers[0].id", "is required"),
        ("upstream_oauth2/providers/0/id", json!(""), "upstream_oauth2.providers[0].id", "must not be empty"),
        ("upstream_oauth2/providers/0/id", json!("a".repeat(65)), "upstream_oauth2.providers[0].id", "at most 64 characters"),
        ("upstream_oauth2/providers/0/id", json!("Firm"), "upstream_oauth2.providers[0].id", "may only have the characters"),
        ("upstream_oauth2/providers/0/id", json!("the firm"), "upstream_oauth2.providers[0].id", "may only have the characters"),
        ("upstream_oauth2/providers/0/id", json!("caf\u{e9}"), "upstream_oauth2.providers[0].id", "may only have the characters"),
        ("upstream_oauth2/providers/1/id", json!("company"), "upstream_oauth2.providers[1].id", "another provider too"),
        ("upstream_oauth2/providers/1/synapse_idp_id", json!(""), "upstream_oauth2.providers[1].synapse_idp_id", "must not be empty"),
        ("upstream_oauth2/providers/1/synapse_idp_id", json!("oidc-company"), "upstream_oauth2.providers[1].synapse_idp_id", "another provider too"),
        ("upstream_oauth2/providers/0", provider(json!({ "issuer": null })), "upstream_oauth2.providers[0].issuer", "is required, unless `discovery_mode`"),
        ("upstream_oauth2/providers/0", provider(json!({ "issuer": "id.example.com" })), "upstream_oauth2.providers[0].issuer", "must be a URL"),
        ("upstream_oauth2/providers/0", provider(json!({ "issuer": "http://id.example.com/" })), "upstream_oauth2.providers[0].issuer", "must be https"),
        ("upstream_oauth2/providers/0", provider(json!({ "issuer": "https://id.example.com/?a" })), "upstream_oauth2.providers[0].issuer", "neither a query"),
        ("upstream_oauth2/providers/0", provider(json!({ "token_endpoint": "http://id.example.com/token" })), "upstream_oauth2.providers[0].token_endpoint", "must be https"),
        ("upstream_oauth2/providers/0", provider(json!({ "client_secret": null })), "upstream_oauth2.providers[0].client_secret", "is required with this `token_endpoint_auth_method`"),
        ("upstream_oauth2/providers/0", provider(json!({ "client_secret_file": "a-file" })), "upstream_oauth2.providers[0].client_secret_file", "not both"),
        ("upstream_oauth2/providers/0", provider(json!({ "token_endpoint_auth_method": "private_key_jwt" })), "upstream_oauth2.providers[0].private_key", "is required with `private_key_jwt`"),
        ("upstream_oauth2/providers/0", provider(json!({ "token_endpoint_auth_method": "private_key_jwt", "private_key": "no key" })), "upstream_oauth2.providers[0].private_key", "must be a private key in PEM"),
        ("upstream_oauth2/providers/0", provider(json!({ "token_endpoint_auth_method": "sign_in_with_apple" })), "upstream_oauth2.providers[0].sign_in_with_apple", "is required, with `team_id`"),
        ("upstream_oauth2/providers/0", provider(json!({ "token_endpoint_auth_method": "secret" })), "upstream_oauth2.providers[0].token_endpoint_auth_method", "must be one of"),
        ("upstream_oauth2/providers/0", provider(json!({ "token_endpoint_auth_method": "none", "client_secret": null, "id_token_signed_response_alg": "HS256" })), "upstream_oauth2.providers[0].client_secret", "is required with HS256"),
        ("upstream_oauth2/providers/0", provider(json!({ "id_token_signed_response_alg": "none" })), "upstream_oauth2.providers[0].id_token_signed_response_alg", "must be one of"),
        ("upstream_oauth2/providers/0", provider(json!({ "scope": "email" })), "upstream_oauth2.providers[0].scope", "must have `openid`"),
        ("upstream_oauth2/providers/0", provider(json!({ "additional_authorization_parameters": { "state": "x" } })), "upstream_oauth2.providers[0].additional_authorization_parameters.state", "is set by Keymaker itself"),
        ("upstream_oauth2/providers/0", provider(json!({ "claims_imports": { "localpart": { "action": "suggest", "on_conflict": "add" } } })), "upstream_oauth2.providers[0].claims_imports.localpart.on_conflict", "needs the action"),
        ("upstream_oauth2/providers/0", provider(json!({ "claims_imports": { "email": { "on_conflict": "add" } } })), "upstream_oauth2.providers[0].claims_imports.email.on_conflict", "needs `trust_email: true`"),
        ("upstream_oauth2/providers/0", provider(json!({ "claims_imports": { "displayname": { "template": "{{ user.name" } } })), "upstream_oauth2.providers[0].claims_imports.displayname.template", "is no template"),
        ("upstream_oauth2/providers/0", provider(json!({ "allow": { "claim": "groups" } })), "upstream_oauth2.providers[0].allow", "give either `claim` with `any_of`"),
        ("upstream_oauth2/providers/0", provider(json!({ "admin": { "template": "{{ user.admin" } })), "upstream_oauth2.providers[0].admin.template", "is no template"),
        // Policies.
        ("policy", json!({ "data": { "registraton": {} } }), "policy.data", "did you mean `registration`?"),
        ("policy", json!({ "data": { "register": {} } }), "policy.data", "the name of a package of rules"),
        ("policy", json!({ "data": { "emails": { "banned_domain": [] } } }), "policy.data", "unknown field `banned_domain`"),
        ("policy", json!({ "data": { "emails": { "banned_domains": "a.org" } } }), "policy.data", "emails: invalid type"),
        ("policy", json!({ "data": { "logins": { "denied_networks": ["10.0.0.0/33"] } } }), "policy.data", "not a network"),
        ("policy", json!({ "data": { "logins": { "require": [{ "acr": "gold" }] } } }), "policy.data", "unknown variant `gold`"),
        ("policy", json!({ "data": { "registration": { "banned_usernames": { "regexes": ["("] } } } }), "policy.data", "is no regular expression"),
        ("policy", json!({ "data_file": "none.yaml" }), "policy.data_file", "none.yaml: cannot be read"),
        ("policy", json!({ "files": ["none.rego"] }), "policy.files", "none.rego: cannot be read"),
        ("policy", json!({ "replace": ["register"] }), "policy.files", "package register: has no rule `violation`"),
        ("policy", json!({ "replace": ["registration"] }), "policy.replace[0]", "must be one of"),
        ("policy", json!({ "file": [] }), "policy.file", "did you mean \"files\"?"),
        // Clients.
        ("clients/1/client_id", json!("wiki"), "clients[1].client_id", "another client too"),
        ("clients/1/client_id", json!("caf\u{e9}"), "clients[1].client_id", "plain ASCII"),
        ("clients/0/client_secret", Value::Null, "clients[0].client_secret", "is required with this `client_auth_method`"),
        ("clients/0/client_secret", json!("short"), "clients[0].client_secret", "is too short"),
        ("clients/0/client_secret", json!("my-changeme-secret"), "clients[0].client_secret", "is a placeholder"),
        ("clients/0/client_secret_file", json!("x"), "clients[0].client_secret_file", "not both"),
        ("clients/1/client_secret", json!("R2x9mK4vTq8wLz1s"), "clients[1].client_secret", "has no secret"),
        ("clients/1/grant_types", json!(["client_credentials"]), "clients[1].grant_types", "only for clients with a secret"),
        ("clients/1/require_pkce", json!(false), "clients[1].require_pkce", "must stay true"),
        ("clients/0/redirect_uris", Value::Null, "clients[0].redirect_uris", "is required for the grant type"),
        // RED-01 and RED-08.
        ("clients/0/redirect_uris", json!(["/callback"]), "clients[0].redirect_uris[0]", "is not an absolute URI"),
        ("clients/0/redirect_uris", json!(["https://x.org/#"]), "clients[0].redirect_uris[0]", "has a fragment"),
        ("clients/0/redirect_uris", json!(["https://x.org/a b"]), "clients[0].redirect_uris[0]", "is not an absolute URI"),
        ("clients/0/redirect_uris", json!(["https:\\\\x.org"]), "clients[0].redirect_uris[0]", "is not an absolute URI"),
        ("clients/0/redirect_uris", json!(["https://me@x.org/"]), "clients[0].redirect_uris[0]", "has user information"),
        ("clients/0/redirect_uris", json!(["javascript:alert(1)"]), "clients[0].redirect_uris[0]", "browsers keep for themselves"),
    ]
}

fn broken(key: &str, value: &Value) -> Value {
    let mut settings = valid();
    set(&mut settings, key, Some(value.clone()).filter(|value| !value.is_null()));
    settings
}

#[test]
fn each_broken_rule_is_refused_at_its_path() {
    let home = Home::new();
    for (key, value, path, sentence) in refusals() {
        let problems = home.load(&broken(key, &value)).expect_err(path);
        let named = problems.0.iter().any(|problem| problem.path == path && problem.message.contains(sentence));
        assert!(named, "{key} = {value} should say {path}: {sentence}, but says\n{problems}");
        assert_eq!(problems.0.len(), 1, "one mistake is told once: {problems}");
    }
}

#[test]
fn no_code_can_be_required_where_no_mail_is_sent() {
    let home = Home::new();
    let mut settings = valid();
    set(&mut settings, "account/password_registration_email_required", Some(json!(true)));
    assert!(home.load(&settings).is_ok());
    set(&mut settings, "email", None);
    let problems = home.load(&settings).expect_err("no transport");
    assert_eq!(problems.0.len(), 1, "{problems}");
    assert_eq!(problems.0[0].path, "account.password_registration_email_required");
}

#[test]
fn a_problem_never_quotes_what_is_set() {
    let home = Home::new();
    for (key, value, ..) in refusals() {
        let text = home.load(&broken(key, &value)).expect_err(key).to_string();
        if let Value::String(secret) = value
            && secret.len() > 5
        {
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

#[test]
fn whoever_gives_keys_of_a_captcha_has_to_say_of_which() {
    let home = Home::new();
    for service in [Value::Null, json!("none"), json!("proof_of_work")] {
        let problems = home.load(&broken("captcha/service", &service)).expect_err("keys of nobody");
        let expected = "captcha.service: must name the service that `site_key` and `secret_key` are of";
        assert_eq!(problems.to_string(), expected);
        let mut settings = valid();
        set(&mut settings, "captcha", Some(json!({ "service": service })));
        home.load(&settings).expect("without keys there is nothing to refuse");
    }
}

/// An RSA key with the public exponent 3, in PKCS#1.
const ODD_KEY: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAyBUsRgCoqhf5UUQkUwzh+kUhPikrQCXl+pCemHQZtYqGJ4eI
FtMphDo1UCPfjc3SEg5SZeM3XoZgC7W6tVfx6mmlaTeVN5FUjCo+0vU3d3q6I4m4
lC24sExF9TlfCKZFJ42szvC+Q9ETAhPpB87IA0q329SEi0ASyn8I8CH9HEUORkmh
+wMo8pdF6CV1lWQ1NDH4FB27Fd0QAGZyrb1rmZxJ5R83PF6vzP0GamPuyMhJzZBc
F7zHcgYyY/3c4u4WZtj52c+M5NxNXYUIteuCuFGiFb75fcbYBU+++Yndl3Sh2IZ8
CYAcsfaIS8pvjtqg/9vD7Ad91KZuAQ7ISStQqwIBAwKCAQEAhWNy2VXFxrqmNi1t
jLNBUYNrfsYc1W6ZUbW/EE1meQcEGlpaueIbrXwjisKVCTPhYV7hmUIk6a7qsnkn
I4/2nEZuRiUOJQuNssbUjKN6T6cmwlvQYsklyt2D+NDqBcQuGl5zNKB+1+C3Vrfw
r98wAjHP5+MDB4AMhv9bSsFTaCzbunwzQvk29Ok4V2jkODr/YVmZJmYCuO5WAlDf
5MWDeipSPe6lVz8bbJXDUkamkjWn59GhfWvfSRBVgjZ/7fwREEwUAcKDJEHqmKQv
lVmizZCGu04n9hxk1fORxLu6ZMOIZSBKMVGEJbRkWvyUktCTbrd2Axz2ALLczVMg
co64OwKBgQDlWUfQ+3MfKbfuksAaciqr7fr5T5diALlGs0FmxOqRELwvpQi/Nx3U
JUsPFv8bppdbAOdInKJEQy1fFNozC0ut5gWSHtVg+H1Tqh4w9HmTxBE20OS5NP9Y
IAHdtqoOLBs1LTAQTmA4PISttATiEHmvzGAesC/OoSOTB1JqZH7I1QKBgQDfVUeE
Gxo3WYGC0kgEzuEKNDCZCu1U/75ISau8EaqVUaCe4zCAAmIyhNFSV/rZRuBy8O6h
Pvi0QUBTC9Hp8qhO6GFJuFZnNfwZznCQYWt6v+ehK+UEV5zopGCGm8Y31DQgE6X8
cSWePONED0quoigUDWh0Nyw+MnaPxb+tONZzfwKBgQCY5i/gp6IUxnqfDIARoXHH
8/ymNQ+WqyYvIiuZ2JxgtdLKbgXUz2k4GNy0uf9nxGTnVe+FvcGC13OUuJF3XN0e
mVkMFI5ApajicWl1+FENLWDPNe3Qzf+QFVaTzxwJcrzOHiAK3urQKFhzzViWtaZ1
Muq/IB/fFhe3WjbxmFSF4wKBgQCU44UCvLwk5lZXNtqt30CxeCBmB0jjVSmFhnJ9
YRxji8Bp7MsAAZbMWIuMOqc7hJWh9fRrf1B4K4A3XTab9xrfRZYxJY7veVK73vW1
lkenKpprcpitj73wbZWvEoQlOCLADRlS9hkUKJeCtNx0bBq4CPBNeh1+zE8Kg9Ue
JeRM/wKBgF6xsuICWMdOHAJqcgkHPa6Mzwubofc2vCNiY7+O/GiyAjG4l0CUqrjb
4S5z+P3ytmoo9FS21H17xH0ISRQPxdZjvKgb6wWx1iluP+SeYaJH3iavKSzAI7YJ
SdvP+m3gGlARwnvufjd8ZGoK/dztn6259Utu7ZEpvAASoujpGEqv
-----END RSA PRIVATE KEY-----
";

/// An RSA key of 1024 bits.
const WEAK_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAKIuyhOoAzY5cjFD
rxKa/HI+Ef8vuV1a9YnAfuOzpf2fB1FKt38j62X/DYOudhwPdqcEzlslo4g+tJjU
171gzNHCU8RZLKCcBPDE5Q8GzOaXUo6WWglsO+5McVlCuHtIosVL5PatvsB9kRFx
6bxayx7YazkJDLRELYT09ozgs5I5AgMBAAECgYByReeKfApvTYDBZ4BW6q9PS57g
oF7KgYmaWvDNPcqKbl/4jl3GjqeRQWnjS6zazqZ6vi8sF9Qm7o/PU8EDJc6KKm4u
HI1MUHh6mzo2AEuJ46KGqeFsZsWUpodNFJKPVs4aA4yHf8eOg1UGCk7j17eiPjgc
c24h27/MRpgBo8rlgQJBAMyVZtwtSEk7t536oDolPli9XMQSte0dHkFgB1TVHw0T
wgUFZZFYZWkcezrqeAoRUWa1vPNWxIDXyPD7O4J4trECQQDK8WHvmpouM/yqEBuY
EAfqEcqyhGg5XJunJRpQTh/6zE6XrCQ4xetupVqxn2rz7fnrBKzmuRhRNHAOfclO
PQYJAkBWtcf38BVgPLhRdAVvP5PSRshHrmp/SkUljk7tLLtRbptgR25KET5CM7kj
OneQRNDMiKDCPndg6JSZVtJdNU6xAkEAvgratmClfxzJv4uD+5sPfj8Y/KEHZKf3
Tsds48S1J8vI0TmvVcbpmFyaGHl701+HyHBBZXHxdqHPSZK7P1vf2QJBALreUSA2
yHqgwIvuaz5Mp2QfcZPZwgR7ddlWSc8uJNEuVlemBgDzIA2dLUSCV7JKxb9iAd+c
5tjy4J4mWBUH9sk=
-----END PRIVATE KEY-----
";

#[test]
fn mails_in_a_folder_need_one() {
    let problems = Home::new().load(&broken("email/transport", &json!("folder"))).expect_err("no folder");
    assert_eq!(problems.to_string(), "email.folder: is required with this `email.transport`");
}
