//! Every way in which logins end, and what each relying party hears of it (BCO-04): that one login ended, by its `sid`, or
//! that all did, by `sub` alone.

use std::collections::BTreeMap;

use keymaker::{
    clock::DAY,
    flows::{clean_up, manage},
};
use serde_json::{Value, json};

use super::{
    PROFILE, id_token,
    notices::{sign_out, waiting},
};
use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, Tokens, claims_of,
    compat::LOGOUT_ALL,
    eventually,
    identity_provider::IdentityProvider,
    person::{Person, Somebody, encode},
    relying_party::RelyingParty,
};

/// What ends something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    SignOutPage,
    RpInitiated,
    RpInitiatedConfirmed,
    EndedFromElsewhere,
    EndOthersFromElsewhere,
    SignOutEverywhere,
    SomebodyElseSignsIn,
    SignInAgain,
    PasswordChange,
    PasswordChangeAndApps,
    Locked,
    Deactivated,
    KillSessions,
    SetPassword,
    LegacyLogoutAll,
    Expiry,
    WikiEnded,
    WikiRevokes,
    UpstreamBrowserOnly,
    UpstreamAll,
    UpstreamNothing,
}

/// What a relying party hears, and what is alive afterwards.
struct Expected {
    wiki: &'static [&'static str],
    forum: &'static [&'static str],
    /// Whether the wiki, which knows this browser, the forum with `offline_access`, and the Matrix app go on.
    alive: [bool; 3],
}

const fn expect(wiki: &'static [&'static str], forum: &'static [&'static str], alive: [bool; 3]) -> Expected {
    Expected { wiki, forum, alive }
}

/// The whole table.
const TABLE: &[(Cause, Expected)] = &[
    (Cause::SignOutPage, expect(&["here"], &["here"], [false, true, true])),
    (Cause::RpInitiated, expect(&["here"], &["here"], [false, true, true])),
    (Cause::RpInitiatedConfirmed, expect(&["here"], &["here"], [false, true, true])),
    (Cause::EndedFromElsewhere, expect(&["here"], &["here"], [false, true, true])),
    (Cause::EndOthersFromElsewhere, expect(&["all"], &["all"], [false, false, false])),
    (Cause::SignOutEverywhere, expect(&["all"], &["all"], [false, false, false])),
    (Cause::SomebodyElseSignsIn, expect(&["here"], &["here"], [false, true, true])),
    (Cause::SignInAgain, expect(&[], &[], [true, true, true])),
    (Cause::PasswordChange, expect(&["here"], &["here", "there"], [false, true, true])),
    (Cause::PasswordChangeAndApps, expect(&["all"], &["all"], [false, false, false])),
    // INT-09: the homeserver enforces the lock by itself.
    (Cause::Locked, expect(&["all"], &["all"], [true, true, true])),
    (Cause::Deactivated, expect(&["all"], &["all"], [false, false, false])),
    (Cause::KillSessions, expect(&["all"], &["all"], [false, false, false])),
    (Cause::SetPassword, expect(&[], &[], [true, true, true])),
    (Cause::LegacyLogoutAll, expect(&["all"], &["all"], [false, false, false])),
    (Cause::Expiry, expect(&["here"], &["here", "there"], [false, true, false])),
    (Cause::WikiEnded, expect(&["here"], &[], [false, true, true])),
    (Cause::WikiRevokes, expect(&[], &[], [false, true, true])),
    (Cause::UpstreamBrowserOnly, expect(&["here"], &["here"], [false, true, true])),
    (Cause::UpstreamAll, expect(&["here"], &["here"], [false, false, false])),
    (Cause::UpstreamNothing, expect(&[], &[], [true, true, true])),
];

impl Cause {
    fn upstream_policy(self) -> Option<&'static str> {
        match self {
            Self::UpstreamBrowserOnly => Some("logout_browser_only"),
            Self::UpstreamAll => Some("logout_all"),
            Self::UpstreamNothing => Some("do_nothing"),
            _ => None,
        }
    }
}

/// Alice in two browsers: in this one with the wiki, the forum and a Matrix app, in that one with the forum. Bob is there too.
struct World {
    server: Server,
    provider: IdentityProvider,
    wiki: RelyingParty,
    forum: RelyingParty,
    here: Person,
    there: Person,
    bobs: Person,
    answer: Value,
    wiki_tokens: Tokens,
    forum_tokens: Tokens,
    matrix: Tokens,
    /// The logins by the names of the table.
    sids: BTreeMap<String, &'static str>,
}

impl World {
    async fn build(cause: Cause) -> Self {
        let (wiki, forum) = (RelyingParty::start("the-wiki").await, RelyingParty::start("the-forum").await);
        let provider = IdentityProvider::start().await;
        let policy = json!({ "on_backchannel_logout": cause.upstream_policy().unwrap_or("do_nothing") });
        let clients = [wiki.config(json!({})), forum.config(json!({}))];
        let setup = Server::setup().providers(&[(&provider, "company", policy)]).clients(&clients);
        let server = setup.start().await;
        for name in ["alice", "bob"] {
            server.user(name).await;
        }
        server.link("company", "alice-at-the-provider", "alice").await;
        let [here, there, bobs] = [(); 3].map(|()| server.browser());
        match cause.upstream_policy() {
            Some(_) => assert_eq!(here.come_back_from("company").await.status, 303),
            None => drop(here.sign_in("alice").await),
        }
        there.sign_in("alice").await;
        bobs.sign_in("bob").await;
        let answer = wiki.log_in(&server, &here, PROFILE).await;
        let wiki_tokens = wiki.tokens(&answer);
        let of_forum = forum.log_in(&server, &here, "openid offline_access").await;
        let elsewhere = forum.log_in(&server, &there, PROFILE).await;
        wiki.log_in(&server, &bobs, PROFILE).await;
        forum.log_in(&server, &bobs, PROFILE).await;
        let client_id = server.client().await;
        let code = here.allow(&server.request(&client_id, MATRIX_SCOPE)).await;
        let matrix = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
        let sid = |answer: &Value| claims_of(id_token(answer))["sid"].as_str().unwrap().to_owned();
        let sids = BTreeMap::from([(sid(&answer), "here"), (sid(&elsewhere), "there")]);
        assert_eq!(sids.len(), 2);
        let forum_tokens = forum.tokens(&of_forum);
        Self { server, provider, wiki, forum, here, there, bobs, answer, wiki_tokens, forum_tokens, matrix, sids }
    }

    async fn happen(&self, cause: Cause) {
        let (server, app, here, there) = (&self.server, &self.server.app, &self.here, &self.there);
        let hint = id_token(&self.answer);
        match cause {
            Cause::SignOutPage => sign_out(here).await,
            Cause::RpInitiated => {
                let page = here.get(&format!("oauth2/logout?{}", encode(&[("id_token_hint", hint)]))).await;
                page.assert_page(200, "You are signed out");
            }
            Cause::RpInitiatedConfirmed => {
                let page = here.get("oauth2/logout?client_id=the-wiki").await;
                here.submit(&page, &[]).await.assert_page(200, "You are signed out");
            }
            Cause::EndedFromElsewhere => {
                let session = Somebody::at(server, here).await.signed_in.session.session_id;
                assert_eq!(there.confirm("end-session", Some(session.as_str())).await.status, 303);
            }
            Cause::EndOthersFromElsewhere => {
                assert_eq!(there.confirm("end-other-sessions", None).await.status, 303);
            }
            Cause::SignOutEverywhere => {
                there.confirm("sign-out-everywhere", None).await.assert_page(200, "You are signed out");
            }
            Cause::SomebodyElseSignsIn => self.sign_in_over("bob").await,
            Cause::SignInAgain => self.sign_in_over("alice").await,
            Cause::PasswordChange => self.change_password(&[]).await,
            Cause::PasswordChangeAndApps => self.change_password(&[("apps", "end")]).await,
            Cause::Locked => drop(manage::set_locked(app, "alice", true).await.unwrap()),
            Cause::Deactivated => drop(manage::deactivate(app, "alice", false).await.unwrap()),
            Cause::KillSessions => drop(manage::kill_sessions(app, "alice", false).await.unwrap()),
            Cause::SetPassword => drop(manage::set_password(app, "alice", "another Password 7!").await.unwrap()),
            Cause::LegacyLogoutAll => {
                let legacy = server.legacy_session("alice", "LEGACYDEVC").await;
                let request = server.http.client.post(server.url(LOGOUT_ALL)).bearer_auth(&legacy.access);
                assert_eq!(server.http.send(request).await.status, 200);
            }
            Cause::Expiry => {
                // Bob was here meanwhile, so his goes on.
                server.clock.advance(2 * DAY);
                assert!(self.bobs.whoami().await.is_some());
                server.clock.advance(12 * DAY + 1);
                clean_up::clean_up(app).await.unwrap();
            }
            Cause::WikiEnded => {
                let sql = "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
                     WHERE s.client_id = 'the-wiki' AND u.username = 'alice'";
                let (session,): (String,) = app.db.sql(sql).one().await.unwrap();
                assert_eq!(here.confirm("end-session", Some(&session)).await.status, 303);
            }
            Cause::WikiRevokes => {
                let form = [("token", self.wiki_tokens.refresh.as_str())];
                let request = server.http.client.post(server.url("oauth2/revoke")).form(&form);
                let request = request.basic_auth(self.wiki.client_id, Some(crate::support::relying_party::SECRET));
                assert_eq!(server.http.send(request).await.status, 200);
            }
            Cause::UpstreamBrowserOnly | Cause::UpstreamAll | Cause::UpstreamNothing => {
                let token = self.provider.logout_token(json!({ "sid": self.provider.last_login().sid }));
                let answer = server.post("upstream/backchannel-logout/company", &[("logout_token", &token)]).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        }
    }

    async fn sign_in_over(&self, name: &str) {
        let page = self.here.get("login?switch=1").await;
        assert_eq!(self.here.submit(&page, &[("username", name), ("password", PASSWORD)]).await.status, 303);
    }

    async fn change_password(&self, more: &[(&str, &str)]) {
        let form = self.there.confirm("change-password", None).await;
        let page = self.there.get(form.location()).await;
        let new = "a wholly new password 5?";
        self.server.audit.secret(new);
        let (_, proof) = form.location().split_once("proof=").unwrap();
        let fields = [&[("password", new), ("proof", proof)], more].concat();
        let answer = self.there.submit(&page, &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    /// What a relying party heard, by the names of the table.
    fn heard(&self, party: &RelyingParty) -> Vec<&'static str> {
        let sub = &claims_of(id_token(&self.answer))["sub"];
        let name = |token: &String| {
            let claims = claims_of(token);
            assert_eq!((&claims["sub"], &claims["aud"]), (sub, &json!(party.client_id)), "nobody else's: {claims}");
            match claims.get("sid") {
                None => "all",
                Some(sid) => self.sids[sid.as_str().unwrap()],
            }
        };
        let mut heard: Vec<&str> = party.heard().iter().map(name).collect();
        heard.sort_unstable();
        heard
    }
}

#[tokio::test]
async fn every_cause_of_an_end_and_what_relying_parties_hear_of_it() {
    let worlds = TABLE.iter().map(|(cause, expected)| async move {
        let world = World::build(*cause).await;
        world.happen(*cause).await;
        eventually("everybody is told", async || waiting(&world.server).await == 0).await;
        assert_eq!(world.heard(&world.wiki), expected.wiki, "{cause:?}: the wiki");
        assert_eq!(world.heard(&world.forum), expected.forum, "{cause:?}: the forum");
        let alive = [
            world.wiki.can_refresh(&world.server, &world.wiki_tokens.refresh).await,
            world.forum.can_refresh(&world.server, &world.forum_tokens.refresh).await,
            world.server.is_active(&world.matrix.access).await,
        ];
        assert_eq!(alive, expected.alive, "{cause:?}");
    });
    for world in worlds {
        world.await;
    }
}

#[tokio::test]
async fn whoever_signs_in_again_and_then_out_has_signed_out_of_what_was_before() {
    // The login that was renewed is the one that the applications know.
    let world = World::build(Cause::SignInAgain).await;
    world.happen(Cause::SignInAgain).await;
    world.happen(Cause::SignInAgain).await;
    let later = world.forum.log_in(&world.server, &world.here, PROFILE).await;
    let later = claims_of(id_token(&later))["sid"].as_str().unwrap().to_owned();
    assert!(!world.sids.contains_key(&later));
    sign_out(&world.here).await;
    eventually("everybody is told", async || waiting(&world.server).await == 0).await;
    assert_eq!(world.heard(&world.wiki), ["here"]);
    let sids: Vec<String> =
        world.forum.heard().iter().map(|token| claims_of(token)["sid"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sids.len(), 2, "the login that the forum knew first, and the one of later");
    assert!(sids.contains(&later));
    assert!(!world.wiki.can_refresh(&world.server, &world.wiki_tokens.refresh).await);
}
