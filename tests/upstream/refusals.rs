//! Everything that a provider, or somebody on the way, can do wrong (UPS-02, UPS-04, UPS-05): one story each. Nobody is signed
//! in, nothing is changed but the record of the trip, the page says what to do next, and the next sign-in goes well.

use keymaker::crypto::secret::{Kind, Secret};
use serde_json::{Value, json};

use super::{PROVIDER, as_usual, server_with_alice};
use crate::support::{
    http::Answer,
    identity_provider::{
        CLIENT_ID,
        Endpoint::{self, Discovery, Jwks, Token, Userinfo},
        Fault::{self, Claims, Header, Metadata, Payload, Response, SignedUserinfo, Tokens},
        IdentityProvider, Params, Signing,
        Trouble::{Huge, InternalError, NotJson, Redirect, Unreachable},
    },
    person::Person,
    state::State,
};

/// What a refused sign-in may leave behind: the record of the trip.
const TRACES: &[&str] = &["upstream_trips"];

/// Sets a parameter of the response.
fn set(params: &mut Params, name: &str, value: &str) {
    params.retain(|(key, _)| key != name);
    params.push((name.to_owned(), value.to_owned()));
}

fn remove(params: &mut Params, name: &str) {
    params.retain(|(key, _)| key != name);
}

/// Goes as far as it goes: to the callback, or to where there was no way on before.
async fn try_to_sign_in(person: &Person) -> Answer {
    let answer = person.get(&format!("upstream/authorize/{PROVIDER}")).await;
    if answer.status != 303 {
        return answer;
    }
    let answer = person.get(answer.location()).await;
    if answer.status != 303 {
        return answer;
    }
    person.get(answer.location()).await
}

/// Tells the story of one fault: refused with these words, and good again without it.
async fn refused(more: Value, fault: Fault, status: u16, words: &str) -> IdentityProvider {
    let (provider, server) = server_with_alice(more).await;
    let (before, person) = (State::read(&server, TRACES).await, server.browser());
    provider.fail(fault);
    let answer = try_to_sign_in(&person).await;
    answer.assert_page(status, words);
    let next = ["Try again", "sign in again from there", "Start again from your app"];
    assert!(next.iter().any(|next| answer.body.contains(next)), "the page says what to do next: {}", answer.body);
    assert_eq!(person.whoami().await, None);
    assert_eq!(before.difference(&State::read(&server, TRACES).await), Vec::<String>::new());
    assert_eq!(provider.decoys(), 0, "a redirect was followed");

    provider.behave();
    // Keys that are not there are not looked for again at once.
    server.clock.advance(61_000);
    let answer = try_to_sign_in(&server.browser()).await;
    assert_eq!(answer.status, 303, "without the fault: {}", answer.body);
    provider
}

macro_rules! refused {
    ($more:expr; $($name:ident: $fault:expr, $status:literal, $words:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            refused($more, $fault, $status, $words).await;
        }
    )*};
}

mod response {
    //! UPS-02: what the browser brings back.
    use super::*;

    refused! { as_usual();
        without_state: Response(|r| remove(r, "state")), 400, "This sign-in is over";
        with_an_empty_state: Response(|r| set(r, "state", "")), 400, "This sign-in is over";
        with_a_state_of_nobody: Response(|r| set(r, "state", Secret::generate(Kind::UpstreamState).expose())), 400, "This sign-in is over";
        with_a_state_that_is_none: Response(|r| set(r, "state", "\u{0}<b>")), 400, "This sign-in is over";
        with_the_state_twice: Response(|r| r.extend(r.clone().into_iter().filter(|(name, _)| name == "state"))), 400, "This request cannot be answered";
        with_the_code_twice: Response(|r| r.extend(r.clone().into_iter().filter(|(name, _)| name == "code"))), 400, "This request cannot be answered";
        with_another_iss: Response(|r| set(r, "iss", "https://evil.example/")), 400, "cannot be trusted";
        without_iss_though_it_was_announced: Response(|r| remove(r, "iss")), 400, "cannot be trusted";
        without_code: Response(|r| remove(r, "code")), 400, "cannot be trusted";
        with_a_code_of_nobody: Response(|r| set(r, "code", "idp_of_nobody")), 400, "cannot be trusted";
        with_a_code_that_is_too_long: Response(|r| set(r, "code", &"x".repeat(10_000))), 400, "cannot be trusted";
        with_access_denied: Response(|r| { remove(r, "code"); set(r, "error", "access_denied") }), 400, "did not let you sign in";
        with_an_error_and_a_code: Response(|r| set(r, "error", "server_error")), 400, "did not let you sign in";
    }

    #[tokio::test]
    async fn what_the_provider_says_of_an_error_is_shown_as_text() {
        // UPS-02, WEB-07: escaped, and never sent on to the client.
        let (provider, server) = server_with_alice(as_usual()).await;
        provider.fail(Response(|r| {
            remove(r, "code");
            set(r, "error", "<script>alert(1)</script>");
            set(r, "error_description", "<img src=x onerror=alert(2)>");
            set(r, "error_uri", "javascript:alert(3)");
        }));
        let answer = try_to_sign_in(&server.browser()).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        for markup in ["<script>alert", "<img src=x", "\"javascript:"] {
            assert!(!answer.body.contains(markup), "{}", answer.body);
        }
    }

    #[tokio::test]
    async fn a_provider_that_announces_no_iss_needs_none_and_a_wrong_one_is_still_refused() {
        let (provider, server) = server_with_alice(as_usual()).await;
        provider.fail(Metadata(|m| drop(m.remove("authorization_response_iss_parameter_supported"))));
        provider.fail(Response(|r| remove(r, "iss")));
        assert_eq!(try_to_sign_in(&server.browser()).await.status, 303);
        provider.fail(Response(|r| set(r, "iss", "https://evil.example/")));
        assert_eq!(try_to_sign_in(&server.browser()).await.status, 400);
    }
}

mod token_endpoint {
    //! UPS-04: what the code is exchanged for.
    use super::*;

    refused! { as_usual();
        is_unreachable: Fault::Trouble(Token, Unreachable), 502, "does not answer, or not as it should";
        has_an_internal_error: Fault::Trouble(Token, InternalError), 502, "does not answer, or not as it should";
        redirects: Fault::Trouble(Token, Redirect), 502, "does not answer, or not as it should";
        answers_no_json: Fault::Trouble(Token, NotJson), 502, "does not answer, or not as it should";
        answers_a_megabyte: Fault::Trouble(Token, Huge), 502, "does not answer, or not as it should";
        answers_without_id_token: Tokens(|t| drop(t.remove("id_token"))), 400, "cannot be trusted";
        answers_an_id_token_that_is_a_number: Tokens(|t| drop(t.insert("id_token".into(), json!(1)))), 502, "does not answer, or not as it should";
        answers_an_empty_id_token: Tokens(|t| drop(t.insert("id_token".into(), json!("")))), 400, "cannot be trusted";
        answers_an_id_token_that_is_none: Tokens(|t| drop(t.insert("id_token".into(), json!("a.b.c")))), 400, "cannot be trusted";
        refuses_with_status_200: Tokens(|t| *t = json!({ "error": "invalid_grant" }).as_object().unwrap().clone()), 400, "cannot be trusted";
    }
}

mod id_token {
    //! UPS-05, CMN-17: what the ID token says, and how it is signed.
    use super::*;

    const FUTURE: i64 = 86_400;

    refused! { as_usual();
        of_another_issuer: Claims(|c| drop(c.insert("iss".into(), json!("https://evil.example/")))), 400, "cannot be trusted";
        of_the_issuer_with_a_slash: Claims(|c| {
            let issuer = format!("{}/", c["iss"].as_str().unwrap());
            c.insert("iss".into(), json!(issuer));
        }), 400, "cannot be trusted";
        without_issuer: Claims(|c| drop(c.remove("iss"))), 400, "cannot be trusted";
        for_another_client: Claims(|c| drop(c.insert("aud".into(), json!("somebody-else")))), 400, "cannot be trusted";
        for_other_clients: Claims(|c| drop(c.insert("aud".into(), json!(["somebody-else", "and-another"])))), 400, "cannot be trusted";
        without_audience: Claims(|c| drop(c.remove("aud"))), 400, "cannot be trusted";
        for_several_without_azp: Claims(|c| drop(c.insert("aud".into(), json!([CLIENT_ID, "somebody-else"])))), 400, "cannot be trusted";
        issued_to_another: Claims(|c| {
            c.insert("aud".into(), json!([CLIENT_ID, "somebody-else"]));
            c.insert("azp".into(), json!("somebody-else"));
        }), 400, "cannot be trusted";
        for_us_and_issued_to_another: Claims(|c| drop(c.insert("azp".into(), json!("somebody-else")))), 400, "cannot be trusted";
        that_has_expired: Claims(|c| {
            let iat = c["iat"].as_i64().unwrap();
            c.insert("exp".into(), json!(iat - 61));
        }), 400, "cannot be trusted";
        without_expiry: Claims(|c| drop(c.remove("exp"))), 400, "cannot be trusted";
        whose_expiry_is_text: Claims(|c| drop(c.insert("exp".into(), json!("tomorrow")))), 400, "cannot be trusted";
        of_tomorrow: Claims(|c| {
            let iat = c["iat"].as_i64().unwrap();
            c.insert("iat".into(), json!(iat + FUTURE));
            c.insert("exp".into(), json!(iat + FUTURE + 300));
        }), 400, "cannot be trusted";
        without_a_moment: Claims(|c| drop(c.remove("iat"))), 400, "cannot be trusted";
        with_another_nonce: Claims(|c| drop(c.insert("nonce".into(), json!("of another sign-in")))), 400, "cannot be trusted";
        without_nonce: Claims(|c| drop(c.remove("nonce"))), 400, "cannot be trusted";
        of_another_access_token: Claims(|c| drop(c.insert("at_hash".into(), json!("AAAAAAAAAAAAAAAAAAAAAA")))), 400, "cannot be trusted";
        of_another_code: Claims(|c| drop(c.insert("c_hash".into(), json!("AAAAAAAAAAAAAAAAAAAAAA")))), 400, "cannot be trusted";
        of_nobody: Claims(|c| drop(c.remove("sub"))), 400, "cannot be trusted";
        of_an_empty_subject: Claims(|c| drop(c.insert("sub".into(), json!("")))), 400, "cannot be trusted";
        of_a_number: Claims(|c| drop(c.insert("sub".into(), json!(1)))), 400, "cannot be trusted";
        of_an_endless_subject: Claims(|c| drop(c.insert("sub".into(), json!("x".repeat(2_000))))), 400, "cannot be trusted";
        that_is_not_signed: Fault::Signing(Signing::None), 400, "cannot be trusted";
        that_lost_its_signature: Fault::Signing(Signing::Missing), 400, "cannot be trusted";
        signed_in_another_way_with_a_published_key: Fault::Signing(Signing::Es256), 400, "cannot be trusted";
        signed_with_the_public_key_as_secret: Fault::Signing(Signing::Hs256OfPublicKey), 400, "cannot be trusted";
        signed_with_the_secret_of_the_client: Fault::Signing(Signing::Hs256OfClientSecret), 400, "cannot be trusted";
        signed_by_somebody_else: Fault::Signing(Signing::ForeignKey), 400, "cannot be trusted";
        that_brings_its_own_key: Fault::Signing(Signing::ForeignKeyInHeader), 400, "cannot be trusted";
        signed_with_a_key_that_is_not_published: Fault::Signing(Signing::UnknownKid), 400, "cannot be trusted";
        whose_signature_is_of_other_claims: Fault::Signing(Signing::OfOtherClaims), 400, "cannot be trusted";
        with_a_critical_extension: Header(|h| {
            h.insert("crit".into(), json!(["b64"]));
            h.insert("b64".into(), json!(true));
        }), 400, "cannot be trusted";
        with_a_member_twice: Payload(|payload| payload.replacen('{', "{\"sub\":\"mallory\",", 1)), 400, "cannot be trusted";
        whose_claims_are_a_list: Payload(|payload| format!("[{payload}]")), 400, "cannot be trusted";
        that_is_a_logout_token: Header(|h| drop(h.insert("typ".into(), json!("logout+jwt")))), 400, "cannot be trusted";
        that_tells_of_a_logout: Claims(|c| {
            c.insert("events".into(), json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        }), 400, "cannot be trusted";
    }

    #[tokio::test]
    async fn the_address_of_keys_in_a_header_is_not_looked_at() {
        // CMN-17
        let (provider, server) = server_with_alice(as_usual()).await;
        let elsewhere = IdentityProvider::start().await;
        provider.fail(Fault::Signing(Signing::ForeignKey));
        provider.fail(Header(|h| drop(h.insert("jku".into(), json!("http://127.0.0.1:9/jwks")))));
        assert_eq!(try_to_sign_in(&server.browser()).await.status, 400);
        assert!(elsewhere.requests(Jwks).is_empty());
    }

    macro_rules! accepted {
        ($($name:ident: $more:expr, $fault:expr;)*) => {$(
            #[tokio::test]
            async fn $name() {
                let (provider, server) = server_with_alice($more).await;
                provider.fail($fault);
                let person = server.browser();
                let answer = try_to_sign_in(&person).await;
                assert_eq!(answer.status, 303, "{}", answer.body);
                person.assert_signed_in_as("alice").await;
            }
        )*};
    }

    accepted! {
        for_several_and_issued_to_us_is_good: as_usual(), Claims(|c| {
            c.insert("aud".into(), json!([CLIENT_ID, "somebody-else"]));
            c.insert("azp".into(), json!(CLIENT_ID));
        });
        without_at_hash_is_good: as_usual(), Claims(|c| drop(c.remove("at_hash")));
        of_a_clock_that_is_a_little_fast_is_good: as_usual(), Claims(|c| {
            let iat = c["iat"].as_i64().unwrap();
            c.insert("iat".into(), json!(iat + 50));
        });
        of_the_configured_algorithm_is_good: json!({ "id_token_signed_response_alg": "ES256" }),
            Fault::Signing(Signing::Es256);
        without_a_key_id_is_good_with_any_key_of_its_kind: as_usual(), Header(|h| drop(h.remove("kid")));
    }

    #[tokio::test]
    async fn a_new_key_is_fetched_and_an_unknown_one_is_not_looked_for_all_the_time() {
        // UPS-12
        let (provider, server) = server_with_alice(as_usual()).await;
        assert_eq!(try_to_sign_in(&server.browser()).await.status, 303);
        assert_eq!(provider.requests(Jwks).len(), 1);
        server.clock.advance(61_000);
        provider.rotate();
        assert_eq!(try_to_sign_in(&server.browser()).await.status, 303);
        assert_eq!(provider.requests(Jwks).len(), 2);

        provider.fail(Fault::Signing(Signing::UnknownKid));
        server.clock.advance(61_000);
        for _ in 0..5 {
            assert_eq!(try_to_sign_in(&server.browser()).await.status, 400);
        }
        assert_eq!(provider.requests(Jwks).len(), 3, "once a minute");
        assert_eq!(provider.requests(Discovery).len(), 1, "metadata is kept");
    }
}

mod userinfo {
    //! UPS-05: userinfo speaks of whom the ID token names, as the configuration says that it does.
    use super::*;

    fn asked() -> Value {
        json!({ "fetch_userinfo": true })
    }

    fn signed() -> Value {
        json!({ "fetch_userinfo": true, "userinfo_signed_response_alg": "RS256" })
    }

    refused! { asked();
        of_somebody_else: Fault::Userinfo(|u| drop(u.insert("sub".into(), json!("mallory")))), 400, "cannot be trusted";
        of_nobody: Fault::Userinfo(|u| drop(u.remove("sub"))), 400, "cannot be trusted";
        of_an_empty_subject: Fault::Userinfo(|u| drop(u.insert("sub".into(), json!("")))), 400, "cannot be trusted";
        of_a_number: Fault::Userinfo(|u| drop(u.insert("sub".into(), json!(7)))), 400, "cannot be trusted";
        that_is_signed_though_it_was_not_agreed: SignedUserinfo(Signing::Rs256), 400, "cannot be trusted";
        that_is_no_json: Fault::Trouble(Userinfo, NotJson), 502, "does not answer, or not as it should";
        that_has_an_internal_error: Fault::Trouble(Userinfo, InternalError), 502, "does not answer, or not as it should";
        that_redirects: Fault::Trouble(Userinfo, Redirect), 502, "does not answer, or not as it should";
        that_is_huge: Fault::Trouble(Userinfo, Huge), 502, "does not answer, or not as it should";
        that_is_unreachable: Fault::Trouble(Userinfo, Unreachable), 502, "does not answer, or not as it should";
    }

    /// The control of these is a good signature.
    async fn refused_when_signed(fault: Fault) {
        let (provider, server) = server_with_alice(signed()).await;
        let (before, person) = (State::read(&server, TRACES).await, server.browser());
        provider.fail(fault);
        let answer = try_to_sign_in(&person).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(person.whoami().await, None);
        assert_eq!(before.difference(&State::read(&server, TRACES).await), Vec::<String>::new());
        provider.behave();
        provider.fail(SignedUserinfo(Signing::Rs256));
        server.clock.advance(61_000);
        assert_eq!(try_to_sign_in(&person).await.status, 303);
        person.assert_signed_in_as("alice").await;
    }

    #[tokio::test]
    async fn that_is_signed_wrongly_is_refused() {
        for signing in
            [Signing::None, Signing::ForeignKey, Signing::Es256, Signing::Hs256OfPublicKey, Signing::UnknownKid]
        {
            refused_when_signed(SignedUserinfo(signing)).await;
        }
    }

    #[tokio::test]
    async fn that_is_not_signed_though_it_was_agreed_is_refused() {
        refused_when_signed(Fault::Userinfo(|_| ())).await;
    }

    #[tokio::test]
    async fn of_plain_oauth_is_who_somebody_is() {
        // UPS-04, UPS-06
        let (provider, server) = server_with_alice(json!({
            "id_token": false,
            "claims_imports": { "subject": { "template": "{{ user.id }}" } },
        }))
        .await;
        server.user("bob").await;
        server.link(PROVIDER, "4711", "bob").await;
        provider.person(json!({ "id": 4711, "login": "bob" }));
        let person = server.browser();
        assert_eq!(try_to_sign_in(&person).await.status, 303);
        person.assert_signed_in_as("bob").await;
        for wrong in [json!({ "login": "bob" }), json!({ "id": "" }), json!({ "id": null })] {
            provider.person(wrong.clone());
            let person = server.browser();
            let answer = try_to_sign_in(&person).await;
            assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
            assert_eq!(person.whoami().await, None, "{wrong}");
        }
    }
}

mod keys {
    //! UPS-12: the keys of the provider.
    use super::*;

    refused! { as_usual();
        that_are_unreachable: Fault::Trouble(Jwks, Unreachable), 502, "does not answer, or not as it should";
        that_have_an_internal_error: Fault::Trouble(Jwks, InternalError), 502, "does not answer, or not as it should";
        behind_a_redirect: Fault::Trouble(Jwks, Redirect), 502, "does not answer, or not as it should";
        that_are_no_json: Fault::Trouble(Jwks, NotJson), 502, "does not answer, or not as it should";
        that_are_a_megabyte: Fault::Trouble(Jwks, Huge), 502, "does not answer, or not as it should";
    }
}

mod discovery {
    //! UPS-12: the metadata of the provider. Whoever would be sent there is told instead.
    use super::*;

    fn trouble(what: crate::support::identity_provider::Trouble) -> Fault {
        Fault::Trouble(Endpoint::Discovery, what)
    }

    refused! { as_usual();
        that_is_unreachable: trouble(Unreachable), 502, "does not answer, or not as it should";
        that_has_an_internal_error: trouble(InternalError), 502, "does not answer, or not as it should";
        behind_a_redirect: trouble(Redirect), 502, "does not answer, or not as it should";
        that_is_no_json: trouble(NotJson), 502, "does not answer, or not as it should";
        that_is_a_megabyte: trouble(Huge), 502, "does not answer, or not as it should";
        of_another_issuer: Metadata(|m| drop(m.insert("issuer".into(), json!("https://evil.example")))), 502, "does not answer, or not as it should";
        of_the_issuer_with_a_slash: Metadata(|m| {
            let issuer = format!("{}/", m["issuer"].as_str().unwrap());
            m.insert("issuer".into(), json!(issuer));
        }), 502, "does not answer, or not as it should";
        without_token_endpoint: Metadata(|m| drop(m.remove("token_endpoint"))), 502, "does not answer, or not as it should";
        whose_token_endpoint_is_no_address: Metadata(|m| drop(m.insert("token_endpoint".into(), json!("token")))), 502, "does not answer, or not as it should";
        whose_token_endpoint_is_in_the_clear: Metadata(|m| {
            m.insert("token_endpoint".into(), json!("http://id.example.com/token"));
        }), 502, "does not answer, or not as it should";
    }
}
