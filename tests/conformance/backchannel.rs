//! OpenID Connect Back-Channel Logout 1.0: the relying party hears by itself that somebody has signed out.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, routing::post};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    Outcome, Passed,
    party::{POST_LOGOUT_REDIRECT_URI, Party},
};
use crate::support::{eventually, person::encode, tls};

/// The content type and the body of a request that came in.
type Received = Arc<Mutex<Vec<(String, String)>>>;

/// Where a relying party hears of logouts, over HTTPS.
pub struct Receiver {
    pub uri: String,
    received: Received,
    tasks: [JoinHandle<()>; 2],
}

impl Receiver {
    pub async fn start() -> Self {
        let (outer, inner) = (TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await);
        let (outer, inner) = (outer.unwrap(), inner.unwrap());
        let uri = format!("https://{}:{}/backchannel", tls::APPLICATION, outer.local_addr().unwrap().port());
        let received = Received::default();
        let router = Router::new().route("/backchannel", post(receive)).with_state(received.clone());
        let carry = tokio::spawn(tls::serve(outer, inner.local_addr().unwrap()));
        let serve = tokio::spawn(async move { axum::serve(inner, router).await.unwrap() });
        Self { uri, received, tasks: [carry, serve] }
    }

    fn all(&self) -> Vec<(String, String)> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn receive(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    received.lock().unwrap().push((content_type.to_owned(), String::from_utf8_lossy(&body).into_owned()));
    StatusCode::OK
}

pub async fn oidcc_backchannel_logout_discovery_endpoint_verification(party: &Party) -> Outcome {
    for flag in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(party.discovery[flag], true, "{flag}");
    }
    assert!(party.endpoint("end_session_endpoint").starts_with("https://"));
    Passed
}

pub async fn oidcc_backchannel_rp_initiated_logout(party: &Party) -> Outcome {
    let browser = party.browser();
    let (_, tokens) = party.log_in(&browser, &party.request("openid")).await;
    assert!(tokens.claims["sid"].is_string(), "no sid in {}", tokens.claims);
    let params = [("id_token_hint", tokens.id_token.as_str()), ("post_logout_redirect_uri", POST_LOGOUT_REDIRECT_URI)];
    let url = format!("{}?{}", party.endpoint("end_session_endpoint"), encode(&params));
    let (_, answer) = browser.open(&url).await;
    assert_eq!(answer.location(), POST_LOGOUT_REDIRECT_URI);

    let receiver = party.receiver.as_ref().unwrap();
    eventually("the relying party hears of the logout", async || !receiver.all().is_empty()).await;
    let received = receiver.all();
    let [(content_type, body)] = received.as_slice() else { panic!("{} requests", received.len()) };
    assert_eq!(content_type.split(';').next(), Some("application/x-www-form-urlencoded"));
    let params: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let [(name, logout_token)] = params.as_slice() else { panic!("{} parameters", params.len()) };
    assert_eq!(name, "logout_token");
    check(party, logout_token, &tokens.claims);
    party.assert_signed_out(&browser).await;
    Passed
}

/// OpenID Connect Back-Channel Logout §2.4 and §2.6.
fn check(party: &Party, logout_token: &str, id_token: &Value) {
    let header = decode_header(logout_token).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (jsonwebtoken::Algorithm::RS256, Some("logout+jwt")));
    let jwk = party.jwks.find(&header.kid.expect("a kid")).expect("a published key");
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[party.issuer()]);
    validation.set_audience(&[&party.client.id]);
    validation.set_required_spec_claims(&["iss", "aud"]);
    validation.validate_exp = false;
    let claims = decode::<Value>(logout_token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims;
    assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    assert!(claims.get("nonce").is_none(), "{claims}");
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()), "{claims}");
    let (now, time) = (party.now(), |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("{name} in {claims}")));
    assert!((time("iat") - now).abs() < 300, "{claims}");
    assert!((now - 5..=now + 125).contains(&time("exp")), "{claims}");
    assert!(claims.get("sub").is_some() || claims.get("sid").is_some(), "{claims}");
    for name in ["sub", "sid"] {
        assert!(claims.get(name).is_none_or(|value| *value == id_token[name]), "{name}: {claims} {id_token}");
    }
    assert_eq!(claims["sid"], id_token["sid"], "the session is required by the client");
}
