//! Where acts are confirmed, and what happens when they are: the one table of what each act calls.

use axum::response::Response;

use crate::{
    app::App,
    domain::{
        act::Act,
        id::{ClientId, PasskeyId, ProofId, SessionId, UserEmailId},
        params::Params,
        refusal::Refusal,
    },
    error::Result,
    flows::{self, browser::SignedIn, consent, email, factor, session},
    store,
    web::{
        pages::{apps, cross_signing_reset, devices, logout, path, security, see_other, upstream, views::Layout},
        request::Visitor,
    },
};

/// Gives the address where an act is explained and confirmed.
pub fn confirm_path(app: &App, act: Act, target: Option<&str>) -> String {
    path(app, &format!("account/confirm?{}", place(act, target)))
}

/// Gives the login that comes back to an act (spec ACT-04).
pub fn login_path(app: &App, query: &Params) -> String {
    let Some(act) = query.get("act").and_then(Act::parse) else { return path(app, "login") };
    path(app, &format!("login?{}", place(act, query.get("target"))))
}

/// Gives the query that says which act is meant.
pub fn place(act: Act, target: Option<&str>) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("act", act.as_str())
        .extend_pairs(target.map(|target| ("target", target)))
        .finish()
}

/// Gives the page from which an act is begun.
pub fn back(act: Act) -> &'static str {
    match act {
        Act::EndSession | Act::EndOtherSessions => "account/devices",
        Act::WithdrawConsent => "account/apps",
        Act::SignOutEverywhere => "logout",
        Act::AddEmail | Act::RemoveEmail => "account/emails",
        Act::Deactivate | Act::ResetCrossSigning => "account/",
        _ => "account/security",
    }
}

/// Gives what its owner calls the target of an act; nothing when it is not there or somebody else's (spec ACT-06).
///
/// # Errors
/// When the store fails.
pub async fn name(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    act: Act,
    target: &str,
) -> Result<Option<String>> {
    Ok(match act {
        Act::EndSession => devices::name(app, visitor, signed_in, target).await?,
        Act::WithdrawConsent => apps::name(app, visitor, signed_in, target).await?,
        Act::RemovePasskey => {
            let passkeys = store::factor::list_passkeys(&app.db, &signed_in.user.id).await?;
            passkeys.into_iter().find(|passkey| passkey.id.as_str() == target).map(|passkey| passkey.name)
        }
        Act::RemoveEmail => {
            let emails = store::email::list(&app.db, &signed_in.user.id).await?;
            emails.into_iter().find(|email| email.id.as_str() == target).map(|email| email.email)
        }
        Act::LinkProvider => {
            flows::upstream::find(app, target).ok().map(|upstream| upstream.provider.name().to_owned())
        }
        Act::UnlinkProvider => {
            let links = store::upstream::list_links(&app.db, &signed_in.user.id).await?;
            links.into_iter().find(|link| link.id == target).map(|link| flows::upstream::link::name(app, &link))
        }
        _ => None,
    })
}

/// Goes on with an act that was proved for: to its form, or through with it.
///
/// # Errors
/// Those of the act.
pub async fn go_on(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    act: Act,
    target: Option<&str>,
    proof: &ProofId,
) -> Result<Response> {
    if let Some(form) = act.form() {
        return Ok(see_other(&path(app, &format!("{form}?proof={proof}"))));
    }
    let (id, proof, caller) = (target.unwrap_or_default(), proof.as_str(), &visitor.caller);
    match act {
        Act::RemovePassword => factor::remove_password(app, signed_in, proof, caller).await?,
        Act::RemovePasskey => {
            let id = PasskeyId::read(id).ok_or(Refusal::NotFound)?;
            factor::remove_passkey(app, signed_in, proof, &id, caller).await?;
        }
        Act::RemoveEmail => {
            let id = UserEmailId::read(id).ok_or(Refusal::NotFound)?;
            email::remove(app, signed_in, proof, &id, caller).await?;
        }
        Act::AddTotp => {
            factor::begin_totp(app, signed_in, proof).await?;
            return Ok(see_other(&path(app, "account/totp")));
        }
        Act::RemoveTotp => factor::remove_totp(app, signed_in, proof, caller).await?,
        Act::MakeRecoveryCodes => {
            let codes = factor::make_recovery_codes(app, signed_in, proof, caller).await?;
            return Ok(security::recovery_codes(app, visitor, codes));
        }
        Act::RequireSecondFactor => factor::set_second_factor_required(app, signed_in, proof, true, caller).await?,
        Act::AllowPasswordAlone => factor::set_second_factor_required(app, signed_in, proof, false, caller).await?,
        Act::EndSession => {
            let id = SessionId::read(id).ok_or(Refusal::NotFound)?;
            return devices::end(app, visitor, signed_in, proof, &id).await;
        }
        Act::EndOtherSessions => session::end_others(app, signed_in, proof, caller).await?,
        Act::WithdrawConsent => {
            let id = ClientId::read(id).ok_or(Refusal::NotFound)?;
            consent::withdraw(app, signed_in, proof, &id, caller).await?;
        }
        Act::SignOutEverywhere => return logout::everywhere(app, visitor, signed_in, proof).await,
        Act::LinkProvider => return upstream::leave_to_link(app, visitor, id, proof),
        Act::UnlinkProvider => flows::upstream::link::unlink(app, signed_in, proof, id, caller).await?,
        Act::ResetCrossSigning => return cross_signing_reset::allow(app, visitor, signed_in, proof).await,
        _ => return Err(Refusal::NotFound.into()),
    }
    Ok(see_other(&done_path(app, act)))
}

/// Gives the page that says that an act is done.
pub fn done_path(app: &App, act: Act) -> String {
    path(app, &format!("{}?done={}", back(act), act.as_str()))
}

/// Says that the act is done from which somebody comes back to a page.
pub fn notice(layout: &Layout, query: &Params) -> Option<String> {
    query.get("done").and_then(Act::parse).and_then(|act| act.done(layout))
}
