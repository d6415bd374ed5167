//! What an administrator has to change: in homeserver.yaml, where Synapse would refuse to start once it delegates or would
//! behave otherwise, and in Keymaker's own configuration, where it does not fit what comes along.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    config::{Config, HomeserverKind, PasswordAlgorithm, PasswordScheme},
    import::report::{Advice, Count, Kind, Place, Reason, Report},
};

use super::{
    config::{Settings, SynapseConfig, plain},
    database::NEWEST_SCHEMA,
};

/// A setting of Synapse that a move touches.
struct Rule {
    key: &'static str,
    applies: fn(&Settings) -> bool,
    text: &'static str,
}

/// The first ones keep Synapse from starting beside `matrix_authentication_service`; the others lose their effect.
const RULES: &[Rule] = &[
    Rule {
        key: "password_config.enabled",
        applies: |s| s.is_on("password_config.enabled"),
        text: "remove it. Synapse does not start with passwords of its own any more. `pepper` may stay.",
    },
    Rule {
        key: "enable_registration",
        applies: |s| is_true(s.get("enable_registration")),
        text: "remove it, or Synapse does not start. People sign up here when account.password_registration_enabled is true.",
    },
    Rule {
        key: "disable_registration",
        applies: |s| s.get("disable_registration").is_some_and(|value| !is_true(Some(value))),
        text: "remove it, or Synapse does not start: it means that registration is on.",
    },
    Rule {
        key: "enable_registration_captcha",
        applies: |s| s.is_on("enable_registration_captcha"),
        text: "remove it, or Synapse does not start; `captcha` asks for one at Keymaker.",
    },
    Rule {
        key: "user_consent",
        applies: |s| s.get("user_consent").is_some(),
        text: "remove it, or Synapse does not start. Who agreed to which version stays in its database; nobody is asked again.",
    },
    Rule {
        key: "oidc_providers",
        applies: |s| !s.list("oidc_providers").is_empty(),
        text: "remove it, or Synapse does not start. Keymaker has no single sign-on yet: whoever signs in only that way needs a password first.",
    },
    Rule {
        key: "oidc_config",
        applies: |s| s.is_on("oidc_config.enabled"),
        text: "remove it, or Synapse does not start. Keymaker has no single sign-on yet: whoever signs in only that way needs a password first.",
    },
    Rule {
        key: "saml2_config",
        applies: Settings::has_saml,
        text: "remove it, or Synapse does not start. Keymaker has no SAML: whoever signs in only that way needs a password first.",
    },
    Rule {
        key: "cas_config",
        applies: |s| s.is_enabled_unless_told("cas_config"),
        text: "remove it, or Synapse does not start. Keymaker has no CAS: whoever signs in only that way needs a password first.",
    },
    Rule {
        key: "jwt_config",
        applies: |s| s.is_on("jwt_config.enabled"),
        text: "remove it, or Synapse does not start. Keymaker takes no such tokens: whoever signs in only that way needs a password first.",
    },
    Rule {
        key: "password_providers",
        applies: |s| !s.list("password_providers").is_empty(),
        text: "remove it, or Synapse does not start. Whose password is only known there needs one here first.",
    },
    Rule {
        key: "ldap_config",
        applies: |s| s.is_on("ldap_config.enabled"),
        text: "remove it, or Synapse does not start. Whose password is only known there needs one here first.",
    },
    Rule {
        key: "login_via_existing_session",
        applies: |s| s.is_on("login_via_existing_session.enabled"),
        text: "remove it, or Synapse does not start.",
    },
    Rule {
        key: "session_lifetime",
        applies: |s| s.is_on("session_lifetime"),
        text: "remove it, or Synapse does not start. Sessions that were given an end by it keep that end.",
    },
    Rule {
        key: "enable_3pid_changes",
        applies: |s| s.is_on("enable_3pid_changes"),
        text: "remove it, or Synapse does not start. E-mail addresses belong to Keymaker from then on.",
    },
    Rule {
        key: "experimental_features.msc3861",
        applies: |s| s.is_on("experimental_features.msc3861"),
        text: "remove it: Synapse 1.157 and later do not start with it.",
    },
    Rule {
        key: "allow_guest_access",
        applies: |s| s.is_on("allow_guest_access"),
        text: "can go. There are no guests any more; those who are signed in lose their access.",
    },
    Rule {
        key: "registration_shared_secret",
        applies: |s| s.is_on("registration_shared_secret") || s.is_on("registration_shared_secret_path"),
        text: "can go. register_new_matrix_user does not work any more; `keymaker manage register-user` makes accounts.",
    },
    Rule {
        key: "refreshable_access_token_lifetime",
        applies: |s| s.get("refreshable_access_token_lifetime").is_some(),
        text: "can go. Access tokens that can be refreshed live five minutes.",
    },
    Rule {
        key: "bcrypt_rounds",
        applies: |s| s.get("bcrypt_rounds").is_some(),
        text: "can go. A password is hashed anew, with the first of passwords.schemes, when its owner next signs in with it.",
    },
    Rule {
        key: "password_config.policy",
        applies: |s| s.is_on("password_config.policy.enabled"),
        text: "can go. How good a new password has to be says passwords.minimum_complexity.",
    },
    Rule {
        key: "delete_stale_devices_after",
        applies: |s| s.is_on("delete_stale_devices_after"),
        text: "remove it. Synapse would delete devices whose sessions live on here.",
    },
    Rule {
        key: "app_service_config_files",
        applies: |s| !s.list("app_service_config_files").is_empty(),
        text: "stays. But bridges and bots cannot log in at Synapse any more; those that encrypt have to make their devices as MSC4190 says. Look for `msc4190` in the documentation of each.",
    },
];

/// Adds what has to change before the import, and when Synapse is switched over. `unknown` are the providers whose links
/// stay behind.
pub fn add(report: &mut Report, schema: i64, synapse: &SynapseConfig, keymaker: &Config, unknown: &BTreeSet<String>) {
    let mut advice = Vec::new();
    about_homeserver(&mut advice, report, schema, synapse, keymaker);
    about_keymaker(&mut advice, report, synapse, keymaker);
    advice.extend(about_providers(unknown, keymaker));
    report.advice.append(&mut advice);
}

fn about_providers(unknown: &BTreeSet<String>, keymaker: &Config) -> Option<Advice> {
    let names: Vec<&str> = unknown.iter().map(String::as_str).collect();
    if names.is_empty() {
        return None;
    }
    let mut yaml = "upstream_oauth2:\n  providers:".to_owned();
    for provider in &keymaker.upstream_oauth2.providers {
        yaml.push_str(&format!("\n    - id: {}\n      {{as it is}}", provider.id));
    }
    for name in &names {
        // What Synapse puts before its own names says nothing here.
        let id = name.strip_prefix("oidc-").unwrap_or(name);
        yaml.push_str(&format!("\n    - id: {id}\n      synapse_idp_id: {name}"));
    }
    Some(Advice {
        place: Place::Keymaker,
        key: "upstream_oauth2.providers".to_owned(),
        text: format!("knows nothing of {}. Name a provider for each whose links shall come along.", names.join(", ")),
        yaml: Some(yaml),
        is_due: false,
    })
}

fn about_homeserver(
    advice: &mut Vec<Advice>,
    report: &Report,
    schema: i64,
    synapse: &SynapseConfig,
    keymaker: &Config,
) {
    let mut add = |key: &str, text: &str, yaml: Option<String>, is_due: bool| {
        advice.push(Advice { place: Place::Homeserver, key: key.to_owned(), text: text.to_owned(), yaml, is_due });
    };
    let settings = &synapse.settings;
    let foreign = report.skipped.get(&(Reason::ForeignServer, Kind::User)).map_or(0, |skipped| skipped.count);
    if report.of(Count::Users) == 0 && foreign > 0 {
        let text = format!("none of the users in this database is of {}. It is another server's.", synapse.server_name);
        add("database", &text, None, true);
    }
    if schema > NEWEST_SCHEMA {
        let text = format!(
            "Synapse is newer than this version of Keymaker knows (schema {schema}, not {NEWEST_SCHEMA}), which is no harm by Synapse's own rules."
        );
        add("database", &text, None, false);
    }
    if settings.is_on("matrix_authentication_service.enabled") {
        let text = "is there already. If Synapse has run with it, then passwords and sessions since that day are not in its database.";
        add("matrix_authentication_service", text, None, false);
    } else {
        let yaml = format!(
            "matrix_authentication_service:\n  enabled: true\n  endpoint: {}\n  secret: {{the value of matrix.secret}}",
            keymaker.http.public_base.as_str()
        );
        let text = "add it, when the import is done and Synapse is about to start again. `endpoint` is where Synapse reaches Keymaker.";
        add("matrix_authentication_service", text, Some(yaml), false);
    }
    for rule in RULES.iter().filter(|rule| (rule.applies)(settings)) {
        add(rule.key, rule.text, None, false);
    }
    for (key, ours) in [
        ("refresh_token_lifetime", "refresh_token_lifetime"),
        ("nonrefreshable_access_token_lifetime", "access_token_lifetime"),
    ] {
        if settings.is_on(key) {
            let text = format!("remove it, or Synapse does not start. compatibility.{ours} does the same here.");
            let yaml = settings.seconds(key).filter(|seconds| *seconds >= 60);
            add(key, &text, yaml.map(|seconds| format!("compatibility:\n  {ours}: {seconds}")), false);
        }
    }
    let modules: Vec<String> = settings.list("modules").iter().filter_map(|module| plain(&module["module"])).collect();
    if !modules.is_empty() {
        let text = format!(
            "look at each of {}. Synapse does not start with one that checks passwords; the others may stay.",
            modules.join(", ")
        );
        add("modules", &text, None, false);
    }
    for expression in &synapse.appservices.unreadable {
        let text = format!(
            "the expression {expression} is not understood. Whom it names is taken for a person, unless Synapse has noted the application service."
        );
        add("app_service_config_files", &text, None, false);
    }
}

fn about_keymaker(advice: &mut Vec<Advice>, report: &Report, synapse: &SynapseConfig, keymaker: &Config) {
    let mut add = |key: &str, text: &str, yaml: Option<String>, is_due: bool| {
        advice.push(Advice { place: Place::Keymaker, key: key.to_owned(), text: text.to_owned(), yaml, is_due });
    };
    let name = &synapse.server_name;
    if keymaker.matrix.homeserver() != name {
        let text = format!("is {}, but Synapse's server_name is {name}.", keymaker.matrix.homeserver());
        add("matrix.homeserver", &text, Some(format!("matrix:\n  homeserver: {name}")), true);
    }
    if keymaker.matrix.kind != HomeserverKind::Synapse {
        let text = "is none. Keymaker has to know Synapse before people sign in; matrix.endpoint and matrix.secret belong to it.";
        add("matrix.kind", text, Some("matrix:\n  kind: synapse".to_owned()), false);
    }
    if report.of(Count::Passwords) > 0 {
        if find_scheme(synapse, keymaker).is_none() {
            let (text, yaml) = missing_scheme(synapse, keymaker);
            add("passwords.schemes", &text, Some(yaml), true);
        }
        if !keymaker.passwords.enabled {
            add("passwords.enabled", "is false: nobody could sign in with the password that comes along.", None, false);
        }
    }
    if report.of(Count::Emails) > 0 && !keymaker.account.login_with_email_allowed {
        let text = "is false. At Synapse people could sign in with their e-mail address; true lets them do it here.";
        add("account.login_with_email_allowed", text, None, false);
    }
}

/// Tells whether nothing in the two configurations keeps an import waiting, whatever the data is.
pub fn may_fit(synapse: &SynapseConfig, keymaker: &Config) -> bool {
    keymaker.matrix.homeserver() == synapse.server_name && find_scheme(synapse, keymaker).is_some()
}

/// Finds the scheme by which Synapse's hashes are verified.
pub fn find_scheme<'k>(synapse: &SynapseConfig, keymaker: &'k Config) -> Option<&'k PasswordScheme> {
    keymaker.passwords.schemes.iter().find(|scheme| has_pepper(scheme, synapse) && scheme.unicode_normalization)
}

fn has_pepper(scheme: &PasswordScheme, synapse: &SynapseConfig) -> bool {
    let secret = scheme.secret().map_or("", |secret| secret.expose());
    scheme.algorithm == PasswordAlgorithm::Bcrypt && secret == synapse.pepper.expose()
}

/// Says how the scheme of Synapse's hashes is written down, after those that are there already.
fn missing_scheme(synapse: &SynapseConfig, keymaker: &Config) -> (String, String) {
    let schemes = &keymaker.passwords.schemes;
    let not_normalised = schemes.iter().find(|scheme| has_pepper(scheme, synapse));
    let mut yaml = "passwords:\n  schemes:".to_owned();
    for scheme in schemes {
        let is_meant = not_normalised.is_some_and(|meant| meant.version == scheme.version);
        yaml.push_str(&written(scheme, is_meant || scheme.unicode_normalization));
    }
    if let Some(scheme) = not_normalised {
        let text = format!(
            "version {} has what Synapse's passwords need, but for unicode_normalization: Synapse brings them to the form NFKC.",
            scheme.version
        );
        return (text, yaml);
    }
    let version = schemes.iter().map(|scheme| scheme.version).max().unwrap_or_default().saturating_add(1);
    yaml.push_str(&format!("\n    - version: {version}\n      algorithm: bcrypt"));
    let mut text = "none of them verifies Synapse's passwords; add the last one here. Passwords move to the first one as their owners sign in.".to_owned();
    if !synapse.pepper.expose().is_empty() {
        yaml.push_str("\n      secret_file: synapse-pepper");
        text.push_str(" Put the value of Synapse's password_config.pepper, and nothing else, into the file synapse-pepper beside this configuration.");
    }
    (text, yaml)
}

/// Writes an entry of the list as it has to stay, without its secret.
fn written(scheme: &PasswordScheme, is_normalised: bool) -> String {
    let value = serde_json::to_value(scheme).unwrap_or_default();
    let mut yaml = format!("\n    - version: {}", scheme.version);
    // Whoever takes this for the secret itself is told by the next `config check`: braces are no text.
    let secret = if scheme.secret().is_some() { Value::from("{as it is}") } else { Value::Null };
    let given = |key: &str| value.get(key).cloned().unwrap_or_default();
    let secret_file = given("secret_file");
    let normalization = if is_normalised { Value::Null } else { Value::from(false) };
    for (key, value) in [
        ("algorithm", given("algorithm")),
        ("cost", given("cost")),
        ("secret", if secret_file.is_null() { secret } else { Value::Null }),
        ("secret_file", secret_file),
        ("unicode_normalization", normalization),
    ] {
        if let Some(text) = plain(&value) {
            yaml.push_str(&format!("\n      {key}: {text}"));
        }
    }
    yaml
}

/// Tells whether Synapse takes a value for true that it reads as text first.
fn is_true(value: Option<&Value>) -> bool {
    let text = value.and_then(plain).unwrap_or_default().to_lowercase();
    matches!(&*text, "y" | "yes" | "t" | "true" | "on" | "1")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::development;

    fn told(settings: &str) -> Vec<Advice> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("homeserver.yaml");
        std::fs::write(&file, format!("server_name: localhost\n{settings}")).unwrap();
        let synapse = SynapseConfig::load(&[file]).unwrap();
        let keymaker = development(folder.path(), &BTreeMap::new()).unwrap();
        let mut report = Report::default();
        add(&mut report, NEWEST_SCHEMA, &synapse, &keymaker, &BTreeSet::new());
        assert!(report.can_go_ahead(), "what Synapse is told at the switch does not hold up the import");
        report.advice.into_iter().filter(|advice| advice.place == Place::Homeserver).collect()
    }

    fn keys(settings: &str) -> Vec<String> {
        told(settings).into_iter().map(|advice| advice.key).collect()
    }

    #[test]
    fn every_setting_that_a_move_touches_is_told_and_no_other() {
        let modest = "password_config: {pepper: x}\ncas_config: {enabled: off}\nsaml2_config: {enabled: true}
oidc_config: {enabled: false}\njwt_config: {enabled: false}\nmodules: []\nenable_registration: 'no'
disable_registration: true\nuser_consent:\nsession_lifetime: null\nui_auth: {session_timeout: 15s}";
        assert_eq!(keys(""), ["matrix_authentication_service"]);
        assert_eq!(keys(modest), ["matrix_authentication_service"]);
        let delegated = "matrix_authentication_service: {enabled: true}\nenable_3pid_changes: true";
        assert_eq!(keys(delegated), ["matrix_authentication_service", "enable_3pid_changes"]);
        assert!(told(delegated)[0].yaml.is_none());

        let everything = "password_config: {enabled: only_for_reauth, policy: {enabled: true}}\nenable_registration: 'yes'
disable_registration: false\nenable_registration_captcha: true\nuser_consent: {version: 1}
oidc_providers: [{idp_id: x}]\noidc_config: {enabled: true}\nsaml2_config: {config_path: x}
cas_config: {server_url: x}\njwt_config: {enabled: true}\npassword_providers: [{module: x}]\nldap_config: {enabled: true}
login_via_existing_session: {enabled: true}\nsession_lifetime: 24h\nenable_3pid_changes: true
experimental_features: {msc3861: {enabled: false}}\nallow_guest_access: true\nregistration_shared_secret_path: x
refreshable_access_token_lifetime: 5m\nbcrypt_rounds: 12\ndelete_stale_devices_after: 1y
refresh_token_lifetime: 30d\nnonrefreshable_access_token_lifetime: 90000\nmodules: [{module: spam.Checker}]";
        let told_keys = keys(everything);
        // A registration file is read when it is named; the stories have one.
        let with_files = RULES.iter().filter(|rule| rule.key != "app_service_config_files");
        let mut expected = vec!["matrix_authentication_service"];
        expected.extend(with_files.map(|rule| rule.key));
        expected.extend(["refresh_token_lifetime", "nonrefreshable_access_token_lifetime", "modules"]);
        assert_eq!(told_keys, expected);
        let yaml = |key: &str| told(everything).into_iter().find(|advice| advice.key == key).and_then(|a| a.yaml);
        assert_eq!(
            yaml("refresh_token_lifetime").as_deref(),
            Some("compatibility:\n  refresh_token_lifetime: 2592000")
        );
        assert_eq!(
            yaml("nonrefreshable_access_token_lifetime").as_deref(),
            Some("compatibility:\n  access_token_lifetime: 90")
        );
    }
}
