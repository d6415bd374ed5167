//! Revocation (RFC 7009, MSC4254; spec area 6): whichever token of a session is presented, the session ends.

use crate::{
    app::App,
    crypto::secret::{Kind, Secret},
    domain::{params::Params, session::EndReason},
    error::Result,
    flows::{
        Caller,
        client_auth::{self, Endpoint},
        session,
        token::required,
    },
    store::token::TokenKind,
};

/// Ends the session of the presented token; one that nobody knows is as good as revoked (RFC 7009 §2.2).
///
/// The family of a token names its session, so an expired access token and a superseded refresh token work as well:
/// clients log out with the token they have, which after an idle hour is an expired one (REV-03). Who presents it does
/// not matter (REV-06): a scanner that found a leaked token does right to present it.
///
/// # Errors
/// `InvalidRequest` without a token; `InvalidClient` when credentials are presented and wrong; `TooManyRequests`.
pub async fn revoke(app: &App, authorization: Option<&str>, params: &Params, caller: &Caller) -> Result<()> {
    let presented = required(params, "token")?;
    let credentials = client_auth::presented(authorization, params)?;
    if credentials.is_some_and(|credentials| !matches!(credentials, client_auth::Credentials::Public(_))) {
        client_auth::authenticate(app, Endpoint::Revocation, authorization, params, caller).await?;
    }
    for (kind, stored) in [(Kind::AccessToken, TokenKind::Access), (Kind::RefreshToken, TokenKind::Refresh)] {
        let Some(secret) = Secret::parse_token(kind, presented) else { continue };
        if let Some(found) = session::find_by_token(app, stored, &secret).await?
            && found.ended_at.is_none()
        {
            session::end(app, &found, EndReason::Revoked).await?;
        }
    }
    Ok(())
}
