//! What the provider answers, and where each fault bites.

use std::{collections::HashMap, sync::atomic::Ordering};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{
    CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, IdentityProvider, Login, Object, Params, Trouble,
    keys::{self, Signing},
};
use crate::support::person::encode;

type Form = HashMap<String, String>;

pub fn router(provider: IdentityProvider) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/userinfo", get(userinfo).post(userinfo))
        .route("/end_session", get(end_session))
        .route("/elsewhere", get(decoy).post(decoy))
        .with_state(provider)
}

fn parse(encoded: &[u8]) -> Form {
    form_urlencoded::parse(encoded).into_owned().collect()
}

impl IdentityProvider {
    /// Writes a request down, and does what is wrong with this endpoint.
    async fn note(&self, endpoint: Endpoint, headers: &HeaderMap, params: &Form) -> Result<(), Response> {
        let mut request = params.clone();
        for (name, value) in headers {
            request.insert(format!("header:{name}"), String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        self.0.state.lock().unwrap().requests.push((endpoint, request));
        match self.trouble(endpoint) {
            None => Ok(()),
            Some(trouble) => Err(self.be_in(trouble).await),
        }
    }

    async fn be_in(&self, trouble: Trouble) -> Response {
        match trouble {
            Trouble::Unreachable => {
                // The body ends before its length: the connection is cut.
                let nothing = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
                axum::body::Body::from_stream(nothing).into_response()
            }
            Trouble::InternalError => (StatusCode::INTERNAL_SERVER_ERROR, "<h1>Oops</h1>").into_response(),
            Trouble::Redirect => Redirect::temporary("/elsewhere").into_response(),
            Trouble::NotJson => Html("<h1>Welcome to the Wi-Fi of this hotel</h1>").into_response(),
            Trouble::Huge => json_of(&json!({ "padding": "x".repeat(1 << 20) })),
            Trouble::Hangs => {
                struct Leaves<'a>(&'a IdentityProvider);
                impl Drop for Leaves<'_> {
                    fn drop(&mut self) {
                        self.0.0.hanging.fetch_sub(1, Ordering::SeqCst);
                    }
                }
                self.0.hanging.fetch_add(1, Ordering::SeqCst);
                let _leaves = Leaves(self);
                std::future::pending().await
            }
        }
    }

    fn metadata(&self) -> Object {
        let url = |path: &str| format!("{}/{path}", self.issuer());
        let metadata = json!({
            "issuer": self.issuer(),
            "authorization_endpoint": url("authorize"),
            "token_endpoint": url("token"),
            "userinfo_endpoint": url("userinfo"),
            "jwks_uri": url("jwks"),
            "end_session_endpoint": url("end_session"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
        });
        let mut metadata = metadata.as_object().unwrap().clone();
        for fault in self.faults() {
            if let Fault::Metadata(change) = fault {
                change(&mut metadata);
            }
        }
        metadata
    }

    /// Signs the ID token of a login, as wrongly as it was told.
    fn id_token(&self, login: &Login) -> String {
        let now = self.0.state.lock().unwrap().clock.now() / 1000;
        let faults = self.faults();
        let mut claims = login.person.clone();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, login.access_token.as_bytes());
        let own = json!({
            "iss": self.issuer(),
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": login.nonce,
            "auth_time": login.auth_time,
            "sid": login.sid,
            "at_hash": URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]),
        });
        claims.extend(own.as_object().unwrap().clone());
        claims.retain(|_, value| !value.is_null());
        let signing = faults.iter().find_map(|fault| match fault {
            Fault::Signing(signing) => Some(*signing),
            _ => None,
        });
        let signing = signing.unwrap_or(Signing::Rs256);
        let mut header = keys::header(&signing, self.key());
        for fault in &faults {
            match fault {
                Fault::Claims(change) => change(&mut claims),
                Fault::Header(change) => change(&mut header),
                _ => (),
            }
        }
        let payload = faults.iter().fold(Value::Object(claims).to_string(), |payload, fault| match fault {
            Fault::Payload(change) => change(payload),
            _ => payload,
        });
        self.0.keys.sign(&header, &payload, &signing, self.key())
    }
}

fn json_of(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn refusal(status: StatusCode, error: &str, why: &str) -> Response {
    let body = json!({ "error": error, "error_description": why }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn discovery(State(provider): State<IdentityProvider>, headers: HeaderMap) -> Result<Response, Response> {
    provider.note(Endpoint::Discovery, &headers, &Form::new()).await?;
    Ok(json_of(&Value::Object(provider.metadata())))
}

async fn jwks(State(provider): State<IdentityProvider>, headers: HeaderMap) -> Result<Response, Response> {
    provider.note(Endpoint::Jwks, &headers, &Form::new()).await?;
    Ok(json_of(&json!({ "keys": [provider.key().jwk(), provider.0.keys.ec.jwk()] })))
}

/// Whoever sits there is signed in and agrees at once.
async fn authorize(
    State(provider): State<IdentityProvider>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Response> {
    let params = parse(uri.query().unwrap_or_default().as_bytes());
    provider.note(Endpoint::Authorize, &headers, &params).await?;
    let expected = [("response_type", "code"), ("client_id", CLIENT_ID)];
    for (name, value) in expected {
        if params.get(name).map(String::as_str) != Some(value) {
            return Err((StatusCode::BAD_REQUEST, format!("{name} is not {value}")).into_response());
        }
    }
    let (Some(redirect_uri), Some(state)) = (params.get("redirect_uri"), params.get("state")) else {
        return Err((StatusCode::BAD_REQUEST, "no redirect_uri or no state").into_response());
    };
    let code = provider.secret();
    let mut response: Params = vec![
        ("code".to_owned(), code.clone()),
        ("state".to_owned(), state.clone()),
        ("iss".to_owned(), provider.issuer().to_owned()),
    ];
    let mut login = {
        let state = provider.0.state.lock().unwrap();
        Login {
            person: state.person.clone(),
            sid: hex::encode(keymaker::crypto::random::bytes::<8>()),
            redirect_uri: redirect_uri.clone(),
            nonce: params.get("nonce").cloned(),
            code_challenge: params.get("code_challenge").cloned(),
            auth_time: state.clock.now() / 1000,
            max_age: params.get("max_age").cloned(),
            ..Login::default()
        }
    };
    login.access_token = provider.secret();
    login.id_token = provider.id_token(&login);
    {
        let mut state = provider.0.state.lock().unwrap();
        state.last = Some(login.clone());
        state.logins.insert(code, login);
    }
    for fault in provider.faults() {
        if let Fault::Response(change) = fault {
            change(&mut response);
        }
    }
    if params.get("response_mode").map(String::as_str) == Some("form_post") {
        return Ok(Html(form_post(redirect_uri, &response)).into_response());
    }
    let pairs: Vec<(&str, &str)> = response.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{redirect_uri}{separator}{}", encode(&pairs))).into_response())
}

/// OAuth 2.0 Form Post Response Mode §2.
fn form_post(redirect_uri: &str, response: &Params) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('"', "&#34;").replace('<', "&#60;");
    let field = |(name, value): &(String, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
    };
    let fields: String = response.iter().map(field).collect();
    format!(
        "<!doctype html><html lang=\"en\"><link rel=\"icon\" href=\"data:,\"><title>Back</title>
        <body onload=\"document.forms[0].submit()\"><form method=\"post\" action=\"{}\">{fields}<button>Go back</button></form>",
        escape(redirect_uri)
    )
}

async fn token(
    State(provider): State<IdentityProvider>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let form = parse(&body);
    provider.note(Endpoint::Token, &headers, &form).await?;
    if !is_keymaker(&headers, &form) {
        return Err(refusal(StatusCode::UNAUTHORIZED, "invalid_client", "wrong credentials"));
    }
    let invalid = |why: &str| refusal(StatusCode::BAD_REQUEST, "invalid_grant", why);
    let code = form.get("code").map(String::as_str).unwrap_or_default();
    let login = provider.0.state.lock().unwrap().logins.remove(code);
    let login = login.ok_or_else(|| invalid("the code is unknown or was used"))?;
    if form.get("redirect_uri") != Some(&login.redirect_uri) {
        return Err(invalid("another redirect_uri"));
    }
    if let Some(challenge) = &login.code_challenge {
        let verifier = form.get("code_verifier").map(String::as_str).unwrap_or_default();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        if URL_SAFE_NO_PAD.encode(digest) != *challenge {
            return Err(invalid("another code_verifier"));
        }
    }
    let tokens = json!({
        "access_token": login.access_token,
        "token_type": "Bearer",
        "expires_in": 300,
        "id_token": login.id_token,
    });
    let mut tokens = tokens.as_object().unwrap().clone();
    for fault in provider.faults() {
        if let Fault::Tokens(change) = fault {
            change(&mut tokens);
        }
    }
    // Userinfo finds the person by the access token.
    let access_token = login.access_token.clone();
    provider.0.state.lock().unwrap().logins.insert(access_token, login);
    Ok(json_of(&Value::Object(tokens)))
}

fn is_keymaker(headers: &HeaderMap, form: &Form) -> bool {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    match basic {
        Some(basic) => {
            let decoded = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            decoded.as_deref() == Some(&format!("{CLIENT_ID}:{CLIENT_SECRET}"))
        }
        None => {
            form.get("client_id").map(String::as_str) == Some(CLIENT_ID)
                && form.get("client_secret").map(String::as_str) == Some(CLIENT_SECRET)
        }
    }
}

async fn userinfo(State(provider): State<IdentityProvider>, headers: HeaderMap) -> Result<Response, Response> {
    provider.note(Endpoint::Userinfo, &headers, &Form::new()).await?;
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let login = bearer.and_then(|token| provider.0.state.lock().unwrap().logins.get(token).cloned());
    let mut claims = login.ok_or_else(|| StatusCode::UNAUTHORIZED.into_response())?.person;
    let faults = provider.faults();
    for fault in &faults {
        if let Fault::Userinfo(change) = fault {
            change(&mut claims);
        }
    }
    let signing = faults.iter().find_map(|fault| match fault {
        Fault::SignedUserinfo(signing) => Some(*signing),
        _ => None,
    });
    let Some(signing) = signing else { return Ok(json_of(&Value::Object(claims))) };
    let own = json!({ "iss": provider.issuer(), "aud": CLIENT_ID });
    claims.extend(own.as_object().unwrap().clone());
    let jwt = provider.sign(json!({}), &Value::Object(claims), signing);
    Ok(([(header::CONTENT_TYPE, "application/jwt")], jwt).into_response())
}

/// OpenID Connect RP-Initiated Logout §3: back to where the client wants, with its state.
async fn end_session(
    State(provider): State<IdentityProvider>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Response> {
    let params = parse(uri.query().unwrap_or_default().as_bytes());
    provider.note(Endpoint::EndSession, &headers, &params).await?;
    Ok(match (params.get("post_logout_redirect_uri"), params.get("state")) {
        (Some(back), Some(state)) => Redirect::to(&format!("{back}?{}", encode(&[("state", state)]))).into_response(),
        (Some(back), None) => Redirect::to(back).into_response(),
        (None, _) => Html("<h1>You are signed out</h1>").into_response(),
    })
}

async fn decoy(State(provider): State<IdentityProvider>) -> Response {
    provider.0.state.lock().unwrap().decoys += 1;
    json_of(&json!({ "access_token": "a", "token_type": "Bearer", "keys": [] }))
}
