//! `/account/emails`: the addresses of an account, adding one by a code that is sent there, and removing one.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::{act::Act, email::EmailProblem, factor::FactorProblem, refusal::Refusal},
    error::{Error, Result},
    flows::{
        browser::SignedIn,
        email::{self, Applicant},
        prove,
    },
    store::{self, email::EmailVerification},
    web::{
        frame::{PageError, html},
        pages::{
            acts, layout, path, see_other,
            views::{
                Layout, Moment,
                emails::{AddressError, EmailAddressPage, EmailCodePage, EmailFor, EmailView, EmailsPage},
            },
        },
        refusal::refused,
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the list.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=emails"))) };
    let layout = layout(&app, visitor.language(None));
    let view = |row: store::email::UserEmail| EmailView {
        is_confirmed: row.confirmed_at.is_some(),
        added_at: Moment(row.confirmed_at.unwrap_or(row.created_at)),
        remove_href: acts::confirm_path(&app, Act::RemoveEmail, Some(row.id.as_str())),
        email: row.email,
    };
    Ok(html(&EmailsPage {
        notice: acts::notice(&layout, &query),
        emails: store::email::list(&app.db, &signed_in.user.id).await?.into_iter().map(view).collect(),
        add_href: app.mail.is_available().then(|| acts::confirm_path(&app, Act::AddEmail, None)),
        back_href: path(&app, "account/"),
        layout,
    }))
}

/// Shows the form for a new address, to somebody who has confirmed that.
pub async fn get_add(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddEmail, None)));
    };
    let proof = query.get("proof");
    if !prove::is_proved(&app, &visitor.browser, signed_in, Act::AddEmail, None, proof).await? {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddEmail, None)));
    }
    Ok(address_page(&app, &visitor, signed_in, proof.unwrap_or_default(), "", None))
}

/// Sends the code.
pub async fn post_add(
    State(app): State<App>,
    visitor: Visitor,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::confirm_path(&app, Act::AddEmail, None)));
    };
    visitor.check_form_as(&app, &form, signed_in)?;
    let (proof, address) = (form.get("proof").unwrap_or_default(), form.get("email").unwrap_or_default());
    match email::begin(&app, &visitor.browser, signed_in, proof, address, &visitor.caller).await {
        Ok(id) => Ok(see_other(&path(&app, &format!("account/emails/verify?id={id}")))),
        Err(Error::Refusal(Refusal::Factor(FactorProblem::ProofNeeded))) => {
            Ok(see_other(&acts::confirm_path(&app, Act::AddEmail, None)))
        }
        Err(Error::Refusal(Refusal::Email(problem))) => {
            let error = Some(AddressError::Problem(problem));
            Ok(refused(&problem.into(), address_page(&app, &visitor, signed_in, proof, address, error)))
        }
        Err(Error::Refusal(Refusal::Policy(violations))) => {
            let error = Some(AddressError::Policy(violations));
            let page = address_page(&app, &visitor, signed_in, proof, address, error);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn address_page(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    proof: &str,
    address: &str,
    error: Option<AddressError>,
) -> Response {
    let layout = layout(app, visitor.language(None));
    html(&EmailAddressPage {
        action: path(app, "account/emails/add"),
        csrf: visitor.csrf_as(app, signed_in),
        asked_for: EmailFor::Account,
        proof: Some(proof.to_owned()),
        email: address.to_owned(),
        error,
        others: back(app, &layout),
        layout,
    })
}

fn back(app: &App, layout: &Layout) -> Vec<(String, String)> {
    vec![(path(app, "account/emails"), layout.back_to_emails())]
}

/// Shows the form for the code.
pub async fn get_verify(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=emails"))) };
    match waiting(&app, signed_in, query.get("id").unwrap_or_default()).await? {
        Some(verification) => Ok(code_page(&app, &visitor, signed_in, verification, None)),
        None => Ok(see_other(&path(&app, "account/emails"))),
    }
}

/// An address of this account that waits for a code; nothing when it got the right one.
async fn waiting(app: &App, signed_in: &SignedIn, id: &str) -> Result<Option<EmailVerification>> {
    let verification = email::find(app, Applicant::Account(&signed_in.user.id), id).await?;
    Ok(Some(verification).filter(|verification| verification.consumed_at.is_none()))
}

/// Judges the code, or sends another one.
pub async fn post_verify(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=emails"))) };
    visitor.check_form_as(&app, &form, signed_in)?;
    let (browser, caller) = (&visitor.browser, &visitor.caller);
    let id = query.get("id").unwrap_or_default();
    let result = match form.get("action") {
        Some("again") => {
            let applicant = Applicant::Account(&signed_in.user.id);
            let sent = email::send_again(&app, browser, applicant, id, caller).await;
            sent.map(|id| path(&app, &format!("account/emails/verify?id={id}")))
        }
        _ => {
            let code = form.get("code").unwrap_or_default();
            let confirmed = email::confirm(&app, browser, signed_in, id, code, caller).await;
            confirmed.map(|()| acts::done_path(&app, Act::AddEmail))
        }
    };
    match result {
        Ok(next) => Ok(see_other(&next)),
        Err(Error::Refusal(Refusal::Email(problem))) => match waiting(&app, signed_in, id).await? {
            Some(waiting) => Ok(refused(&problem.into(), code_page(&app, &visitor, signed_in, waiting, Some(problem)))),
            None => Ok(see_other(&path(&app, "account/emails"))),
        },
        Err(error) => Err(error.into()),
    }
}

/// Says that no code can be typed any more rather than that the last one was wrong.
pub fn shown(error: Option<EmailProblem>, is_open: bool) -> Option<EmailProblem> {
    let is_said = |problem: &EmailProblem| is_open || *problem != EmailProblem::WrongCode;
    error.filter(is_said).or((!is_open).then_some(EmailProblem::CodeOver))
}

fn code_page(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    verification: EmailVerification,
    error: Option<EmailProblem>,
) -> Response {
    let layout = layout(app, visitor.language(None));
    let is_open = email::is_open(app, &verification);
    html(&EmailCodePage {
        action: path(app, &format!("account/emails/verify?id={}", verification.id)),
        csrf: visitor.csrf_as(app, signed_in),
        email: verification.email,
        is_open,
        error: shown(error, is_open),
        others: back(app, &layout),
        layout,
    })
}
