//! What a provider says of a person, and the templates and rules that read it (spec UPS-08). Templates run in a sandbox: they
//! reach nothing but the claims, for a bounded time, and what they write is bounded.

use std::io::{self, Write};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value as TemplateValue, value::Serde};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    config::upstream::{EmailVerification, ImportAction, Provider, Rule},
    domain::{amr::Amr, email, params::Params, upstream::UpstreamProblem, user::display_name},
};

pub type Claims = Map<String, Value>;

/// How many instructions a template may take.
const FUEL: u64 = 20_000;
/// The most that a template may write, in bytes.
const MOST_BYTES: usize = 1024;

/// Everything that a provider said of a person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Answer {
    /// Those of the ID token, and beside them those of userinfo.
    user: Claims,
    id_token_claims: Claims,
    userinfo_claims: Claims,
    extra_callback_parameters: Claims,
    /// The ID token itself.
    pub id_token: Option<String>,
}

/// What a claim becomes at sign-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub value: Option<String>,
    /// The person cannot change it.
    pub is_fixed: bool,
}

impl Answer {
    /// Puts together what came in several pieces; the ID token wins, because it is signed.
    pub fn new(id_token: Option<(Claims, String)>, userinfo: Option<Claims>, params: &Params) -> Self {
        let (id_token_claims, id_token) = match id_token {
            Some((claims, token)) => (claims, Some(token)),
            None => (Claims::new(), None),
        };
        let userinfo_claims = userinfo.unwrap_or_default();
        let mut user = userinfo_claims.clone();
        user.extend(id_token_claims.clone());
        // Apple tells the name there, once.
        let extra = params.get("user").map(|text| ("user".to_owned(), Value::from(text)));
        let extra_callback_parameters = extra.into_iter().collect();
        Self { user, id_token_claims, userinfo_claims, extra_callback_parameters, id_token }
    }

    /// Gives it as the store keeps it, sealed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what the store kept.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Gives the provider's name for its login.
    pub fn sid(&self) -> Option<String> {
        self.id_token_claims.get("sid")?.as_str().map(str::to_owned)
    }

    /// Gives who it is for ever (UPS-06); nothing when the provider does not say.
    pub fn subject(&self, provider: &Provider) -> Option<String> {
        self.render(provider.subject_template())
    }

    /// Gives the user name, as far as the configuration takes it over.
    ///
    /// # Errors
    /// `Required`.
    pub fn localpart(&self, provider: &Provider) -> Result<Imported, UpstreamProblem> {
        let (action, template) = provider.localpart();
        // UPS-09: Matrix knows no capital letters in new names.
        self.import(action, template, "a user name", |text| Some(text.to_lowercase()))
    }

    /// Gives the display name.
    ///
    /// # Errors
    /// `Required`.
    pub fn displayname(&self, provider: &Provider) -> Result<Imported, UpstreamProblem> {
        let (action, template) = provider.displayname();
        self.import(action, template, "a display name", |text| display_name(&text))
    }

    /// Gives the e-mail address in its canonical form, where it counts as confirmed.
    ///
    /// # Errors
    /// `Required`.
    pub fn email(&self, provider: &Provider) -> Result<Imported, UpstreamProblem> {
        let (action, template) = provider.email();
        let counts = match provider.claims_imports.email.set_email_verification {
            EmailVerification::Always => true,
            EmailVerification::Import => self.is_email_verified(),
            EmailVerification::Never => false,
        };
        self.import(action, template, "a confirmed e-mail address", |text| email::typed(&text).filter(|_| counts))
    }

    /// Gives the address by which accounts are found, where the provider is believed about it (UPS-07).
    pub fn trusted_email(&self, provider: &Provider) -> Option<String> {
        let email = self.render(provider.email().1)?;
        email::typed(&email).filter(|_| provider.trust_email && self.is_email_verified())
    }

    /// UPS-07: only the boolean counts, not a word that looks like it.
    fn is_email_verified(&self) -> bool {
        self.user.get("email_verified") == Some(&Value::Bool(true))
    }

    /// Gives how the person proved who they are.
    pub fn amr(&self, provider: &Provider) -> Amr {
        let is_trusted =
            |value: &Value| value.as_str().is_some_and(|text| provider.trust_acr.iter().any(|acr| acr == text));
        let amr = self.id_token_claims.get("amr").and_then(Value::as_array);
        let is_mfa = self.id_token_claims.get("acr").is_some_and(is_trusted)
            || amr.is_some_and(|methods| methods.iter().any(is_trusted));
        Amr::federated(is_mfa)
    }

    /// Checks that somebody may sign in.
    ///
    /// # Errors
    /// `NotAllowed`.
    pub fn check_allowed(&self, provider: &Provider) -> Result<(), UpstreamProblem> {
        let is_allowed = provider.allow.as_ref().is_none_or(|rule| self.fits(rule));
        // A rule that cannot be judged must not let anybody in.
        let is_denied = provider.deny.as_ref().is_some_and(|rule| self.judge(rule) != Some(false));
        if is_allowed && !is_denied { Ok(()) } else { Err(UpstreamProblem::NotAllowed) }
    }

    /// Tells whether the provider makes somebody an administrator; nothing where it has no say.
    pub fn is_admin(&self, provider: &Provider) -> Option<bool> {
        provider.admin.as_ref().map(|rule| self.fits(rule))
    }

    fn fits(&self, rule: &Rule) -> bool {
        self.judge(rule) == Some(true)
    }

    /// Judges a rule; nothing when its template fails.
    fn judge(&self, rule: &Rule) -> Option<bool> {
        if let Some(template) = &rule.template {
            return match self.render_strictly(template) {
                Ok(text) => Some(text.eq_ignore_ascii_case("true")),
                // A claim that is not there fits nothing.
                Err(error) if error.kind() == ErrorKind::UndefinedError => Some(false),
                Err(_) => None,
            };
        }
        let claim = rule.claim.as_deref().unwrap_or_default();
        let whole = self.user.get(claim);
        let found = whole.or_else(|| {
            let mut names = claim.split('.');
            let first = self.user.get(names.next()?)?;
            names.try_fold(first, |value, name| value.get(name))
        });
        let is_one = |value: &Value| value.as_str().is_some_and(|text| rule.any_of.iter().any(|wanted| wanted == text));
        Some(match found {
            Some(Value::Array(values)) => values.iter().any(is_one),
            Some(value) => is_one(value),
            None => false,
        })
    }

    fn import(
        &self,
        action: ImportAction,
        template: &str,
        what: &'static str,
        read: impl Fn(String) -> Option<String>,
    ) -> Result<Imported, UpstreamProblem> {
        let value = if action == ImportAction::Ignore { None } else { self.render(template).and_then(read) };
        match (action, value) {
            (ImportAction::Require, None) => Err(UpstreamProblem::Required(what)),
            (ImportAction::Force | ImportAction::Require, Some(value)) => {
                Ok(Imported { value: Some(value), is_fixed: true })
            }
            (_, value) => Ok(Imported { value, is_fixed: false }),
        }
    }

    /// Gives what a template makes of the claims; nothing when a claim is missing, or nothing is left.
    fn render(&self, template: &str) -> Option<String> {
        self.render_strictly(template).ok().filter(|text| !text.is_empty())
    }

    fn render_strictly(&self, template: &str) -> Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("from_json", from_json);
        // `null` is a claim that is not there.
        environment.set_formatter(|out, state, value| match value.is_none() {
            true => Err(minijinja::Error::from(ErrorKind::UndefinedError)),
            false => minijinja::escape_formatter(out, state, value),
        });
        let context = json!({
            "user": self.user,
            "id_token_claims": self.id_token_claims,
            "userinfo_claims": self.userinfo_claims,
            "extra_callback_parameters": self.extra_callback_parameters,
        });
        let mut out = Bounded(Vec::new());
        environment.template_from_str(template)?.render_captured_to(TemplateValue::from(Serde(context)), &mut out)?;
        Ok(String::from_utf8_lossy(&out.0).trim().to_owned())
    }
}

fn from_json(text: &str) -> Result<TemplateValue, minijinja::Error> {
    let value = serde_json::from_str::<Value>(text);
    let value = value.map_err(|_| minijinja::Error::new(ErrorKind::InvalidOperation, "this is not JSON"))?;
    Ok(TemplateValue::from(Serde(value)))
}

/// Takes no more than it may.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::Error::other("a template writes too much"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(more: Value) -> Provider {
        let mut provider = json!({ "id": "p", "client_id": "us", "issuer": "https://id.example.com/" });
        provider.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(provider).unwrap()
    }

    fn answer(claims: Value) -> Answer {
        Answer::new(Some((claims.as_object().unwrap().clone(), "jwt".to_owned())), None, &Params::default())
    }

    #[test]
    fn a_template_reaches_the_claims_and_nothing_else() {
        // UPS-08
        let answer =
            answer(json!({ "sub": "1", "email": "Alice.B@example.com", "name": " Alice ", "nick": null, "n": 7 }));
        let long = "{% for i in range(5000) %}{{ user.name }}{% endfor %}";
        let table = [
            ("{{ user.sub }}", Some("1")),
            ("{{ user.n }}", Some("7")),
            ("{{ user.name }}", Some("Alice")),
            ("{{ (user.email | split('@'))[0] }}", Some("Alice.B")),
            ("{{ id_token_claims.sub }}-{{ user.sub }}", Some("1-1")),
            ("{{ user.missing }}", None),
            ("{{ user.nick }}", None),
            ("{{ user.missing.deeper }}", None),
            ("{{ userinfo_claims.sub }}", None),
            ("{{ user.nick or user.sub }}", Some("1")),
            ("{% if user.missing %}x{% endif %}", None),
            ("{% include '/etc/passwd' %}", None),
            ("{% for i in range(100000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}x", None),
            (long, None),
            ("{{ user.sub", None),
        ];
        for (template, expected) in table {
            assert_eq!(answer.render(template).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn an_action_decides_what_becomes_of_a_claim() {
        // UPS-08
        let said = answer(json!({ "sub": "1", "preferred_username": "Alice" }));
        let silent = answer(json!({ "sub": "1" }));
        let imported = |value: Option<&str>, is_fixed| Ok(Imported { value: value.map(str::to_owned), is_fixed });
        let table = [
            ("ignore", imported(None, false), imported(None, false)),
            ("suggest", imported(Some("alice"), false), imported(None, false)),
            ("force", imported(Some("alice"), true), imported(None, false)),
            ("require", imported(Some("alice"), true), Err(UpstreamProblem::Required("a user name"))),
        ];
        for (action, there, missing) in table {
            let provider = provider(json!({ "claims_imports": { "localpart": { "action": action } } }));
            assert_eq!(said.localpart(&provider), there, "{action}");
            assert_eq!(silent.localpart(&provider), missing, "{action}");
        }
    }

    #[test]
    fn only_the_boolean_confirms_an_address() {
        // UPS-07
        for (verified, is_confirmed) in
            [(json!(true), true), (json!("true"), false), (json!(1), false), (json!(null), false)]
        {
            let answer = answer(json!({ "sub": "1", "email": "a@example.com", "email_verified": verified }));
            let expected = is_confirmed.then(|| "a@example.com".to_owned());
            assert_eq!(answer.email(&provider(json!({}))).unwrap().value, expected, "{verified}");
            assert_eq!(answer.trusted_email(&provider(json!({ "trust_email": true }))), expected, "{verified}");
            assert_eq!(answer.trusted_email(&provider(json!({}))), None);
        }
    }

    #[test]
    fn a_rule_looks_at_a_claim_or_at_what_a_template_yields() {
        let answer = answer(json!({
            "sub": "1", "groups": ["staff", "dev"], "hd": "example.com", "realm_access": { "roles": ["user"] }, "a.b": "c",
        }));
        let rule = |rule: Value| provider(json!({ "allow": rule }));
        let table = [
            (json!({ "claim": "groups", "any_of": ["dev", "ops"] }), true),
            (json!({ "claim": "groups", "any_of": ["ops"] }), false),
            (json!({ "claim": "hd", "any_of": ["example.com"] }), true),
            (json!({ "claim": "realm_access.roles", "any_of": ["user"] }), true),
            (json!({ "claim": "a.b", "any_of": ["c"] }), true),
            (json!({ "claim": "missing", "any_of": ["x"] }), false),
            (json!({ "template": "{{ user.hd == 'example.com' }}" }), true),
            (json!({ "template": "{{ user.hd }}" }), false),
            (json!({ "template": "{{ user.missing.deeper }}" }), false),
        ];
        for (allow, expected) in table {
            assert_eq!(answer.check_allowed(&rule(allow.clone())).is_ok(), expected, "{allow}");
        }
        let denied = |rule: Value| answer.check_allowed(&provider(json!({ "deny": rule }))).is_err();
        assert!(denied(json!({ "claim": "groups", "any_of": ["dev"] })));
        assert!(!denied(json!({ "claim": "groups", "any_of": ["ops"] })));
        assert!(denied(json!({ "template": "{{ 1 | nonsense }}" })), "what cannot be judged lets nobody in");
    }

    #[test]
    fn a_second_factor_there_counts_only_where_it_is_trusted() {
        // UPS-10
        let trusting = provider(json!({ "trust_acr": ["mfa", "urn:two"] }));
        for (claims, is_mfa) in [
            (json!({ "amr": ["pwd", "mfa"] }), true),
            (json!({ "acr": "urn:two" }), true),
            (json!({ "amr": ["pwd"], "acr": "1" }), false),
            (json!({}), false),
        ] {
            assert_eq!(answer(claims.clone()).amr(&trusting), Amr::federated(is_mfa), "{claims}");
            assert_eq!(answer(claims).amr(&provider(json!({}))), Amr::federated(false));
        }
    }
}
