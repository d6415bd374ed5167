//! The UserInfo response (OIDC Core §5.3; spec OID-01 to OID-03, OID-10).

use serde::Serialize;

use crate::{
    app::App,
    crypto::secret::{Kind, Secret},
    domain::{
        claims::{Claim, Claims},
        refusal::Refusal,
        session::{Purpose, SessionKind},
        signing_alg::SigningAlg,
    },
    error::Result,
    flows::{
        activity::note_use,
        personal::{self, Personal},
    },
    store::{self, client::Client, token::TokenKind},
};

/// What is told of a person; what is not there is left out.
#[derive(Serialize)]
pub struct Told {
    pub sub: String,
    /// The Matrix ID, which no standard claim stands for (OIDC Core §5.1.2).
    #[serde(rename = "urn:keymaker:mxid", skip_serializing_if = "Option::is_none")]
    pub mxid: Option<String>,
    #[serde(flatten)]
    pub personal: Personal,
}

/// The same in a JWT, which says from whom and for whom it is (OID-03).
#[derive(Serialize)]
struct Signed<'a> {
    iss: &'a str,
    aud: &'a str,
    #[serde(flatten)]
    told: &'a Told,
}

/// The response, in the form that the client registered for.
pub enum UserInfo {
    Plain(Told),
    Signed(String),
}

/// Gives the claims that an access token opens.
///
/// # Errors
/// `InvalidToken`; `InsufficientScope` without `openid`.
pub async fn userinfo(app: &App, access_token: &str) -> Result<UserInfo> {
    let secret = Secret::parse(Kind::AccessToken, access_token).ok_or(Refusal::InvalidToken)?;
    let token = store::token::find(&app.db, TokenKind::Access, &secret.hash()).await?.ok_or(Refusal::InvalidToken)?;
    let now = app.clock.now();
    // CMN-20: the token of an older client is no OAuth token.
    let is_oauth = token.session.is(SessionKind::Oauth);
    if !is_oauth || !token.is_unexpired(now) || token.session.judge(Purpose::Use, now).is_err() {
        return Err(Refusal::InvalidToken.into());
    }
    let scope = token.session.scope();
    if !scope.is_openid() {
        return Err(Refusal::InsufficientScope("openid").into());
    }
    let user = token.session.user_id.as_ref().ok_or(Refusal::InvalidToken)?;
    let user = store::user::find(&app.db, user).await?.ok_or(Refusal::InvalidToken)?;
    let client = token.session.client_id.as_ref().ok_or(Refusal::InvalidToken)?;
    let client = store::client::find(&app.db, client).await?.ok_or(Refusal::InvalidToken)?;
    if !note_use(app, &token, now).await? {
        return Err(Refusal::InvalidToken.into());
    }
    // OID-10: by the scope, or one by one.
    let asked = Claims::kept(token.session.claims.as_deref()).userinfo;
    let is_told = |claim: Claim| scope.contains(claim.scope()) || asked.contains(&claim);
    let told = Told {
        sub: user.id.to_string(),
        mxid: is_told(Claim::PreferredUsername).then(|| user.mxid(app.server_name())),
        personal: personal::tell(app, &user, is_told).await?,
    };
    match client.metadata.userinfo_signed_response_alg {
        None => Ok(UserInfo::Plain(told)),
        Some(alg) => Ok(UserInfo::Signed(sign(app, &client, alg, &told).await?)),
    }
}

async fn sign(app: &App, client: &Client, alg: SigningAlg, told: &Told) -> Result<String> {
    let signed = Signed { iss: app.config.http.issuer().as_str(), aud: client.id.as_str(), told };
    app.keys.sign(app, alg, "JWT", &signed).await
}
