//! Who the client is (RFC 6749 §2.3; spec CAU-01, CAU-02), the same at every endpoint that asks. What a client signed is
//! judged in `assertion`.

mod assertion;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    app::App,
    config::Sensitive,
    domain::{client::ClientAuthMethod, id::ClientId, params::Params, refusal::Refusal},
    error::Result,
    flows::{
        Caller, client_secret,
        limit::{self, Limiter},
    },
    store::{self, client::Client},
};

/// What a request presents.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Only a `client_id`.
    Public(String),
    Secret {
        client_id: String,
        secret: Sensitive,
        method: ClientAuthMethod,
    },
    /// A signed assertion, with the `client_id` beside it if there is one.
    Assertion {
        client_id: Option<String>,
        jwt: Sensitive,
    },
}

/// Reads what the request presents, if anything.
///
/// # Errors
/// `InvalidRequest` when it presents credentials in two ways, `InvalidClient` when they cannot be read or name two clients.
pub fn presented(authorization: Option<&str>, params: &Params) -> Result<Option<Credentials>, Refusal> {
    let client_id = params.get("client_id").map(str::to_owned);
    let basic = authorization.and_then(|value| scheme_value(value, "basic"));
    let is_assertion = params.get("client_assertion").or(params.get("client_assertion_type")).is_some();
    match (basic, params.get("client_secret"), is_assertion) {
        (Some(basic), None, false) => {
            let (id, secret) = read_basic(basic).ok_or(Refusal::InvalidClient)?;
            if client_id.is_some_and(|named| named != id) {
                return Err(Refusal::InvalidClient);
            }
            let method = ClientAuthMethod::ClientSecretBasic;
            Ok(Some(Credentials::Secret { client_id: id, secret: Sensitive::new(secret), method }))
        }
        (None, Some(secret), false) => {
            let (client_id, secret) = (client_id.ok_or(Refusal::InvalidClient)?, Sensitive::new(secret));
            let method = ClientAuthMethod::ClientSecretPost;
            Ok(Some(Credentials::Secret { client_id, secret, method }))
        }
        (None, None, true) => {
            let jwt = params.get("client_assertion").ok_or(Refusal::InvalidClient)?;
            match params.get("client_assertion_type") {
                Some(assertion::JWT_BEARER) => Ok(Some(Credentials::Assertion { client_id, jwt: Sensitive::new(jwt) })),
                _ => Err(Refusal::InvalidClient),
            }
        }
        (None, None, false) => Ok(client_id.map(Credentials::Public)),
        _ => Err(Refusal::InvalidRequest("client credentials may be presented in one way only".to_owned())),
    }
}

/// Gives the value of an `Authorization` header of this scheme, whose name is case-insensitive (RFC 9110 §11.1).
pub fn scheme_value<'a>(authorization: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, value) = authorization.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| value.trim())
}

/// Where a client authenticates itself: an assertion may be meant for the endpoint that it is presented at (CAU-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Token,
    PushedAuthorizationRequest,
    DeviceAuthorization,
    Introspection,
    Revocation,
}

impl Endpoint {
    /// Gives its path below the public base.
    pub fn path(self) -> &'static str {
        match self {
            Self::Token => "oauth2/token",
            Self::PushedAuthorizationRequest => "oauth2/par",
            Self::DeviceAuthorization => "oauth2/device_authorization",
            Self::Introspection => "oauth2/introspect",
            Self::Revocation => "oauth2/revoke",
        }
    }
}

/// Authenticates the client of a request.
///
/// # Errors
/// `InvalidClient` for an unknown client, wrong credentials, or another method than the registered one: which of them
/// it was cannot be told from the answer. `TooManyRequests` after too many wrong secrets.
pub async fn authenticate(
    app: &App,
    endpoint: Endpoint,
    authorization: Option<&str>,
    params: &Params,
    caller: &Caller,
) -> Result<Client> {
    let (client_id, secret, method) = match presented(authorization, params)?.ok_or(Refusal::InvalidClient)? {
        Credentials::Public(client_id) => (client_id, None, ClientAuthMethod::None),
        Credentials::Secret { client_id, secret, method } => (client_id, Some(secret), method),
        Credentials::Assertion { client_id, jwt } => {
            return assertion::authenticate(app, endpoint, client_id.as_deref(), jwt.expose(), caller).await;
        }
    };
    let id = ClientId::read(&client_id).ok_or(Refusal::InvalidClient)?;
    let client = match &secret {
        None => store::client::find(&app.db, &id).await?,
        Some(secret) => {
            let client = find_within_limit(app, &id, caller).await?;
            // An unknown client costs one comparison too.
            if !client_secret::is_right(app, client.as_ref(), secret.expose()) {
                count_wrong(app, client.as_ref(), caller).await?;
                return Err(Refusal::InvalidClient.into());
            }
            client
        }
    };
    let client = client.filter(|client| client.metadata.token_endpoint_auth_method == method);
    client.ok_or_else(|| Refusal::InvalidClient.into())
}

/// Finds a client, unless too much that was wrong has been presented for it from this address. Whoever is right costs a look
/// and no more: the same clients come again and again.
async fn find_within_limit(app: &App, id: &ClientId, caller: &Caller) -> Result<Option<Client>> {
    let client = store::client::find(&app.db, id).await?;
    limit::check(app, Limiter::ClientAuthentication, &limited_as(client.as_ref(), caller)).await?;
    Ok(client)
}

/// Counts something wrong that was presented.
async fn count_wrong(app: &App, client: Option<&Client>, caller: &Caller) -> Result<()> {
    limit::take(app, Limiter::ClientAuthentication, &limited_as(client, caller)).await
}

fn limited_as(client: Option<&Client>, caller: &Caller) -> String {
    // All that nobody knows count as one client, or each would be a row.
    let id = client.map_or("unknown", |client| client.id.as_str());
    format!("{id} {}", limit::address(caller))
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined and encoded (spec TRP-22).
fn read_basic(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let form_decode = |text: &str| {
        form_urlencoded::parse(format!("v={}", text.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((form_decode(id)?, form_decode(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn secret(id: &str, secret: &str, method: ClientAuthMethod) -> Option<Credentials> {
        Some(Credentials::Secret { client_id: id.to_owned(), secret: Sensitive::new(secret), method })
    }

    #[test]
    fn credentials_are_read_from_where_they_were_put() {
        // CAU-01, TRP-22
        use ClientAuthMethod::{ClientSecretBasic as Basic, ClientSecretPost as Post};
        type Case = (Option<String>, &'static str, Result<Option<Credentials>, Refusal>);
        let cases: Vec<Case> = vec![
            (None, "", Ok(None)),
            (None, "client_id=a", Ok(Some(Credentials::Public("a".to_owned())))),
            (Some(basic("a:b")), "", Ok(secret("a", "b", Basic))),
            (Some(basic("a:b")), "client_id=a", Ok(secret("a", "b", Basic))),
            (Some(basic("a%3Ab:c%26+%25")), "", Ok(secret("a:b", "c& %", Basic))),
            (Some(basic("a:b:c&d")), "", Ok(secret("a", "b:c&d", Basic))),
            (Some(basic("a:b").replace("Basic", "bASIC")), "", Ok(secret("a", "b", Basic))),
            (None, "client_id=a&client_secret=b", Ok(secret("a", "b", Post))),
            (None, "client_secret=b", Err(Refusal::InvalidClient)),
            (Some(basic("a:b")), "client_id=x", Err(Refusal::InvalidClient)),
            (
                None,
                "client_id=a&client_assertion=x.y.z&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                Ok(Some(Credentials::Assertion { client_id: Some("a".to_owned()), jwt: Sensitive::new("x.y.z") })),
            ),
            (None, "client_assertion=x.y.z", Err(Refusal::InvalidClient)),
            (
                None,
                "client_assertion=x&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
                Err(Refusal::InvalidClient),
            ),
            (
                None,
                "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                Err(Refusal::InvalidClient),
            ),
            (
                None,
                "client_id=a&client_secret=b&client_assertion=x.y.z&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                Err(Refusal::InvalidRequest("client credentials may be presented in one way only".to_owned())),
            ),
            (Some(basic("nocolon")), "", Err(Refusal::InvalidClient)),
            (Some("Basic ***".to_owned()), "", Err(Refusal::InvalidClient)),
            (
                Some(basic("a:b")),
                "client_id=a&client_secret=b",
                Err(Refusal::InvalidRequest("client credentials may be presented in one way only".to_owned())),
            ),
        ];
        for (authorization, form, expected) in cases {
            let params = Params::parse(form.as_bytes());
            assert_eq!(presented(authorization.as_deref(), &params), expected, "{authorization:?} {form}");
        }
    }
}
