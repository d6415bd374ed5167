//! A relying party of somebody else's making: the `openidconnect` crate finds us, and believes what it is given.

use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PostLogoutRedirectUrl, ProviderMetadataWithLogout,
    RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreUserInfoClaims},
};

use crate::support::{
    REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server,
    person::{Person, response_params},
};

const POST_LOGOUT_REDIRECT_URI: &str = "https://app.example.com/signed-out";

/// Carries the requests of the library.
async fn carry(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    let response = request.send().await?;
    let mut answer = http::Response::new(Vec::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    *answer.body_mut() = response.bytes().await?.to_vec();
    Ok(answer)
}

#[tokio::test]
async fn a_relying_party_verifies_everything_from_discovery_to_logout() {
    // DSC-07, OID-04, OID-05, AUT-05, RPL-02, conformance 1, 3, 5, 38, C-G1, C-G2, C-G6, C-G7, C-G8
    for (base, issuer) in [("{origin}/", None), ("{origin}/auth/", None), ("{origin}/auth/", Some("{origin}/auth"))] {
        let setup = Server::setup()
            .over_https()
            .static_client("client_secret_basic")
            .with("clients.0.post_logout_redirect_uris", format!("[\"{POST_LOGOUT_REDIRECT_URI}\"]"))
            .with("http.public_base", base);
        let server = match issuer {
            Some(issuer) => setup.with("http.issuer", issuer).start().await,
            None => setup.start().await,
        };
        server.user("alice").await;
        let browser = server.browser();
        browser.sign_in("alice").await;
        log_in(&server, &browser).await;
    }
}

async fn log_in(server: &Server, browser: &Person) {
    let plain = server.http.client.clone();
    let http = |request| carry(plain.clone(), request);
    let issuer = IssuerUrl::new(server.issuer().to_owned()).unwrap();
    let metadata = ProviderMetadataWithLogout::discover_async(issuer, &http).await.unwrap();
    let end_session = metadata.additional_metadata().end_session_endpoint.clone().unwrap();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(STATIC_CLIENT.to_owned()),
        Some(ClientSecret::new(STATIC_SECRET.to_owned())),
    )
    .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("profile".to_owned()))
        .set_pkce_challenge(challenge)
        .url();

    let (_, page) = browser.open(url.as_str()).await;
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let params = response_params(answer.location());
    assert_eq!((params["state"].as_str(), params["iss"].as_str()), (state.secret().as_str(), server.issuer()));

    let code = AuthorizationCode::new(params["code"].clone());
    let exchange = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
    let tokens = exchange.request_async(&http).await.unwrap();
    let verifier = client.id_token_verifier();
    let id_token = tokens.id_token().unwrap();
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().unwrap(),
        id_token.signing_key(&verifier).unwrap(),
    )
    .unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash));
    assert!(claims.auth_time().is_some() && claims.subject().len() <= 255);
    // A verifier that would take any nonce would prove nothing.
    assert!(id_token.claims(&verifier, &Nonce::new("another".to_owned())).is_err());

    let userinfo: CoreUserInfoClaims = client
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    assert_eq!(userinfo.preferred_username().unwrap().as_str(), "alice");

    let refreshed =
        client.exchange_refresh_token(tokens.refresh_token().unwrap()).unwrap().request_async(&http).await.unwrap();
    let id_token = refreshed.id_token().unwrap();
    let without_nonce = |nonce: Option<&Nonce>| nonce.map_or(Ok(()), |_| Err("a nonce".to_owned()));
    let again = id_token.claims(&verifier, without_nonce).unwrap();
    assert_eq!((again.subject(), again.auth_time()), (claims.subject(), claims.auth_time()), "REF-11");

    let state = CsrfToken::new_random();
    let logout = LogoutRequest::from(end_session)
        .set_id_token_hint(id_token)
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(POST_LOGOUT_REDIRECT_URI.to_owned()).unwrap())
        .set_state(state.clone())
        .http_get_url();
    let (_, answer) = browser.open(logout.as_str()).await;
    assert_eq!(answer.location(), format!("{POST_LOGOUT_REDIRECT_URI}?state={}", state.secret()));
    assert!(browser.open("account/").await.0.contains("login"));
}
