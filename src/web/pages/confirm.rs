//! `/account/confirm`: what an act does, and who is there (INV-06, spec ACT-05). Looking at it changes nothing.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::{act::Act, id::ProofId, params::Params, refusal::Refusal},
    error::{Error, Result},
    flows::{browser::SignedIn, prove},
    store,
    web::{
        frame::{PageError, html, with_script},
        pages::{
            acts,
            factor::{answer, own_passkey_form},
            layout, path, see_other, upstream,
            views::security::{ConfirmPage, ProofError},
        },
        refusal::refused,
        request::{PageForm, Query, Visitor},
    },
};

/// An act that somebody wants to do.
struct Wanted<'a> {
    act: Act,
    target: Option<&'a str>,
    /// What its owner calls the target.
    name: Option<String>,
    /// That it was shown at a provider who is there: only the button is left.
    proof: Option<String>,
}

impl<'a> Wanted<'a> {
    async fn read(app: &App, visitor: &Visitor, signed_in: &SignedIn, query: &'a Params) -> Result<Self> {
        let act = query.get("act").and_then(Act::parse).ok_or(Refusal::NotFound)?;
        let target = query.get("target").filter(|_| act.has_target());
        let name = match (act.has_target(), target) {
            (false, _) => None,
            (true, Some(target)) => {
                Some(acts::name(app, visitor, signed_in, act, target).await?.ok_or(Refusal::NotFound)?)
            }
            (true, None) => return Err(Refusal::NotFound.into()),
        };
        let proof = query.get("proof");
        let is_proved = prove::is_proved(app, &visitor.browser, signed_in, act, target, proof).await?;
        Ok(Self { act, target, name, proof: proof.filter(|_| is_proved).map(str::to_owned) })
    }

    fn path(&self, app: &App) -> String {
        acts::confirm_path(app, self.act, self.target)
    }
}

/// Explains the act and asks.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::login_path(&app, &query)));
    };
    let wanted = Wanted::read(&app, &visitor, signed_in, &query).await?;
    Ok(page(&app, &visitor, signed_in, &wanted, None).await?)
}

/// Judges the answer, and goes on to the act.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&acts::login_path(&app, &query)));
    };
    visitor.check_form_as(&app, &form, signed_in)?;
    let wanted = Wanted::read(&app, &visitor, signed_in, &query).await?;
    let (act, target, browser) = (wanted.act, wanted.target, &visitor.browser);
    if let Some(proof) = &wanted.proof {
        let proof = ProofId::new(proof.as_str());
        return Ok(acts::go_on(&app, &visitor, signed_in, act, target, &proof).await?);
    }
    let result = match answer(&form) {
        Some(answer) => {
            prove::begin_act_with_passkey(&app, browser, signed_in, act, target, &answer, &visitor.caller).await
        }
        None => {
            let password = form.get("password").unwrap_or_default();
            prove::begin_act_with_password(&app, browser, signed_in, act, target, password, &visitor.caller).await
        }
    };
    let error = match result {
        Ok(proof) if proof.proved_at.is_none() => {
            return Ok(see_other(&path(&app, &format!("factor?proof={}", proof.id))));
        }
        Ok(proof) => return Ok(acts::go_on(&app, &visitor, signed_in, act, target, &proof.id).await?),
        Err(Error::Refusal(Refusal::WrongCredentials)) => ProofError::WrongPassword,
        Err(Error::Refusal(Refusal::Busy)) => ProofError::Busy,
        Err(Error::Refusal(Refusal::TooManyRequests { seconds })) => ProofError::Wait { seconds },
        Err(Error::Refusal(Refusal::Factor(problem))) => ProofError::Factor(problem),
        Err(error) => return Err(error.into()),
    };
    let page = page(&app, &visitor, signed_in, &wanted, Some(error)).await?;
    Ok(match error {
        ProofError::Busy => refused(&Refusal::Busy, page),
        ProofError::Wait { seconds } => refused(&Refusal::TooManyRequests { seconds }, page),
        ProofError::WrongPassword | ProofError::Factor(_) => (StatusCode::FORBIDDEN, page).into_response(),
    })
}

async fn page(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    wanted: &Wanted<'_>,
    error: Option<ProofError>,
) -> Result<Response> {
    let factors = store::factor::find(&app.db, &signed_in.user.id).await?;
    let passkey = own_passkey_form(app, visitor, &signed_in.user.id, &factors, wanted.path(app)).await?;
    Ok(with_script(html(&ConfirmPage {
        layout: layout(app, visitor.language(None)),
        action: match &wanted.proof {
            Some(proof) => format!("{}&proof={proof}", wanted.path(app)),
            None => wanted.path(app),
        },
        csrf: visitor.csrf_as(app, signed_in),
        act: wanted.act,
        target: wanted.name.clone(),
        username: signed_in.user.username.clone(),
        has_password: factors.passwords > 0 && app.config.passwords.enabled,
        passkey,
        providers: upstream::confirming(app, &signed_in.user.id, wanted.act, wanted.target).await?,
        proof: wanted.proof.clone(),
        error,
        back_href: path(app, acts::back(wanted.act)),
    })))
}
