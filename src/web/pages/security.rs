//! `/account/security`: password, passkeys, authenticator app, recovery codes, and whether a password alone is enough.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;

use crate::{
    app::App,
    config::upstream::Provider,
    domain::{act::Act, factor::FactorProblem, id::PasskeyId, refusal::Refusal, upstream::Link},
    error::{Error, Result},
    flows::{browser::SignedIn, factor, passkey, prove, upstream},
    store::{self, factor::Passkey},
    web::{
        frame::{PageError, html, with_script},
        pages::{
            acts,
            factor::{answer, passkey_form},
            layout, path, see_other,
            views::{
                Moment,
                policy::lacking_notice,
                security::{
                    PasskeyAddPage, PasskeyForm, PasskeyView, ProofError, RecoveryCodesPage, SecurityPage, TotpPage,
                },
                upstream::{LinkView, ProviderView},
            },
        },
        request::{PageForm, Query, Segment, Visitor},
    },
};

/// Shows the page.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=security"))) };
    let user = &signed_in.user;
    let factors = store::factor::find(&app.db, &user.id).await?;
    let passkeys = store::factor::list_passkeys(&app.db, &user.id).await?;
    let links = store::upstream::list_links(&app.db, &user.id).await?;
    let layout = layout(&app, visitor.language(None));
    let lacking = visitor.lacking.map(|wanted| lacking_notice(wanted, &layout));
    let notice = lacking.or(acts::notice(&layout, &query));
    Ok(html(&SecurityPage {
        layout,
        csrf: visitor.csrf_as(&app, signed_in),
        notice,
        factors,
        are_passwords_enabled: app.config.passwords.enabled,
        are_passkeys_available: app.passkeys.is_some(),
        is_one_device_bound: factors.recovery_codes == 0
            && factors.passwords == 0
            && matches!(&passkeys[..], [only] if !passkey::is_synced(only)),
        passkeys: passkeys.iter().map(|passkey| view(&app, passkey)).collect(),
        links: links.iter().map(|link| link_view(&app, link)).collect(),
        providers: linkable(&app),
        is_second_required: user.second_factor_required_at.is_some(),
        confirm_href: path(&app, "account/confirm"),
        back_href: path(&app, "account/"),
    }))
}

fn link_view(app: &App, link: &Link) -> LinkView {
    LinkView {
        name: upstream::link::name(app, link),
        subject: link.subject.clone(),
        created_at: Moment(link.created_at),
        is_open: upstream::find(app, &link.provider_id).is_ok(),
        unlink_href: acts::confirm_path(app, Act::UnlinkProvider, Some(&link.id)),
    }
}

fn linkable(app: &App) -> Vec<ProviderView> {
    let view = |provider: &Provider| ProviderView {
        name: provider.name().to_owned(),
        href: acts::confirm_path(app, Act::LinkProvider, Some(&provider.id)),
    };
    upstream::open(app).map(|upstream| view(&upstream.provider)).collect()
}

fn view(app: &App, passkey: &Passkey) -> PasskeyView {
    PasskeyView {
        name: passkey.name.clone(),
        created_at: Moment(passkey.created_at),
        last_used_at: passkey.last_used_at.map(Moment),
        rename_action: path(app, &format!("account/passkeys/{}/rename", passkey.id)),
        remove_href: acts::confirm_path(app, Act::RemovePasskey, Some(passkey.id.as_str())),
    }
}

/// Renames a passkey.
pub async fn rename_passkey(
    State(app): State<App>,
    visitor: Visitor,
    Segment(id): Segment,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=security"))) };
    visitor.check_form_as(&app, &form, signed_in)?;
    let id = PasskeyId::read(&id).ok_or(Refusal::NotFound)?;
    passkey::rename(&app, &signed_in.user.id, &id, form.get("name").unwrap_or_default()).await?;
    Ok(see_other(&path(&app, "account/security")))
}

/// Shows the page that makes a passkey, to somebody who has confirmed that.
pub async fn get_add_passkey(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddPasskey, None)));
    };
    let proof = query.get("proof");
    if !prove::is_proved(&app, &visitor.browser, signed_in, Act::AddPasskey, None, proof).await? {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddPasskey, None)));
    }
    Ok(add_passkey_page(&app, &visitor, signed_in, proof.unwrap_or_default(), None).await?)
}

/// Registers the passkey.
pub async fn post_add_passkey(
    State(app): State<App>,
    visitor: Visitor,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddPasskey, None)));
    };
    visitor.check_form_as(&app, &form, signed_in)?;
    let proof = form.get("proof").unwrap_or_default();
    let answer = answer(&form).ok_or(FactorProblem::PasskeyRefused)?;
    let name = form.get("name").unwrap_or_default();
    match passkey::register(&app, &visitor.browser, signed_in, proof, &answer, name, &visitor.caller).await {
        Ok(()) => Ok(see_other(&acts::done_path(&app, Act::AddPasskey))),
        Err(Error::Refusal(Refusal::Factor(FactorProblem::ProofNeeded))) => {
            Ok(see_other(&acts::confirm_path(&app, Act::AddPasskey, None)))
        }
        Err(Error::Refusal(Refusal::Factor(problem))) => {
            let page = add_passkey_page(&app, &visitor, signed_in, proof, Some(ProofError::Factor(problem))).await?;
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn add_passkey_page(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    proof: &str,
    error: Option<ProofError>,
) -> Result<Response> {
    let challenge = passkey::ask_to_register(app, &visitor.browser, &signed_in.user).await?;
    let form = passkey_form(challenge, path(app, "account/passkeys/add"));
    Ok(with_script(html(&PasskeyAddPage {
        layout: layout(app, visitor.language(None)),
        csrf: visitor.csrf_as(app, signed_in),
        passkey: PasskeyForm { is_new: true, fields: vec![("proof", proof.to_owned())], ..form },
        error,
        back_href: path(app, "account/security"),
    })))
}

/// Shows the seed of the app that is being set up.
pub async fn get_totp(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddTotp, None)));
    };
    Ok(totp_page(&app, &visitor, signed_in, None).await?)
}

/// Completes it with the first code.
pub async fn post_totp(
    State(app): State<App>,
    visitor: Visitor,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddTotp, None)));
    };
    visitor.check_form_as(&app, &form, signed_in)?;
    match factor::confirm_totp(&app, signed_in, form.get("totp").unwrap_or_default(), &visitor.caller).await {
        Ok(()) => Ok(see_other(&acts::done_path(&app, Act::AddTotp))),
        Err(Error::Refusal(Refusal::Factor(problem))) => {
            let page = totp_page(&app, &visitor, signed_in, Some(ProofError::Factor(problem))).await?;
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn totp_page(app: &App, visitor: &Visitor, signed_in: &SignedIn, error: Option<ProofError>) -> Result<Response> {
    let layout = layout(app, visitor.language(None));
    let Some(seed) = factor::find_seed(app, signed_in, &layout.service_name).await? else {
        return Ok(see_other(&acts::confirm_path(app, Act::AddTotp, None)));
    };
    Ok(html(&TotpPage {
        layout,
        action: path(app, "account/totp"),
        csrf: visitor.csrf_as(app, signed_in),
        seed,
        error,
        back_href: path(app, "account/security"),
    }))
}

/// Shows new recovery codes: nobody sees them again.
pub fn recovery_codes(app: &App, visitor: &Visitor, codes: Vec<String>) -> Response {
    let layout = layout(app, visitor.language(None));
    let text = format!("{}\n\n{}\n", layout.service_name, codes.join("\n"));
    html(&RecoveryCodesPage {
        layout,
        codes,
        download: format!("data:text/plain;base64,{}", STANDARD.encode(text)),
        back_href: path(app, "account/security"),
    })
}
