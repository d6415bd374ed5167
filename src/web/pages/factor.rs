//! `/factor`: the second step, of a login or of confirming an act (spec OTP-04, RCV-02).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::{
        act::Act,
        amr::{Acr, Amr},
        factor::Factors,
        id::UserId,
        params::Params,
        refusal::Refusal,
    },
    error::{Error, Result},
    flows::{
        assurance::{Occasion, wanted},
        browser::{FromTrip, Proved},
        factor::Code,
        login::check_account,
        passkey::{self, Answer},
        prove,
    },
    store::{self, proof::Proof},
    web::{
        frame::{PageError, html, with_script},
        pages::{
            InProgress, acts, layout, path, path_within, sign_in,
            views::security::{CodeField, FactorPage, PasskeyForm, ProofError},
        },
        refusal::refused,
        request::{PageForm, Query, Visitor},
    },
};

/// Shows what can be shown.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let proof = find(&app, &visitor, &query).await?;
    Ok(page(&app, &visitor, &query, &proof, None).await?)
}

/// Judges it, and goes on.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let proof = find(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    match complete(&app, &visitor, &proof, &form).await {
        Ok(amr) => Ok(go_on(&app, &visitor, &proof, amr).await?),
        Err(Error::Refusal(Refusal::Factor(problem))) => {
            let page = page(&app, &visitor, &query, &proof, Some(ProofError::Factor(problem))).await?;
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
        Err(Error::Refusal(refusal @ Refusal::TooManyRequests { seconds })) => {
            let page = page(&app, &visitor, &query, &proof, Some(ProofError::Wait { seconds })).await?;
            Ok(refused(&refusal, page))
        }
        Err(error) => Err(error.into()),
    }
}

/// A proof of this browser that waits for its second factor; one that is complete goes on with any.
async fn find(app: &App, visitor: &Visitor, query: &Params) -> Result<Proof> {
    let proof = prove::find(app, query.get("proof").unwrap_or_default(), &visitor.browser).await?;
    let is_own = proof.browser_session_id.is_none()
        || visitor.signed_in.as_ref().map(|signed_in| &signed_in.session.session_id)
            == proof.browser_session_id.as_ref();
    if is_own { Ok(proof) } else { Err(Refusal::TransactionOver.into()) }
}

async fn complete(app: &App, visitor: &Visitor, proof: &Proof, form: &Params) -> Result<Amr> {
    // The login itself can fail afterwards, in a rush: then the code is used, and the proof is still good.
    if let (Some(_), Some(amr)) = (proof.proved_at, &proof.amr) {
        return Ok(amr.clone());
    }
    let caller = &visitor.caller;
    match (form.get("totp"), form.get("recovery"), answer(form)) {
        (Some(typed), ..) => prove::with_code(app, proof, &Code::Totp(typed), caller).await,
        (None, Some(typed), _) => prove::with_code(app, proof, &Code::Recovery(typed), caller).await,
        (None, None, Some(answer)) => prove::with_passkey(app, &visitor.browser, proof, &answer, caller).await,
        // An empty field is a wrong code.
        (None, None, None) => prove::with_code(app, proof, &Code::Totp(""), caller).await,
    }
}

/// Reads what the script put into a form.
pub fn answer(form: &Params) -> Option<Answer<'_>> {
    Some(Answer { state: form.get("state")?, credential: form.get("credential")? })
}

async fn go_on(app: &App, visitor: &Visitor, proof: &Proof, amr: Amr) -> Result<Response> {
    if let (Some(act), Some(signed_in)) = (proof.act.as_deref().and_then(Act::parse), &visitor.signed_in) {
        return acts::go_on(app, visitor, signed_in, act, proof.target.as_deref(), &proof.id).await;
    }
    let user = store::user::find(&app.db, &proof.user_id).await?.ok_or(Refusal::TransactionOver)?;
    check_account(&user)?;
    let at = proof.password_at.ok_or(Error::Internal("a login without its first step"))?;
    let trip = proof.upstream_trip_id.clone().map(|id| FromTrip { id, is_consumed: false });
    let proved = Proved { user: user.id, at, amr, proof: Some(proof.id.clone()), trip };
    let in_progress = in_progress(app, visitor, proof).await;
    sign_in(app, visitor, &proved, in_progress.as_ref()).await
}

/// What waits for this login; it may have taken too long, and then the login stands alone.
async fn in_progress(app: &App, visitor: &Visitor, proof: &Proof) -> Option<InProgress> {
    match (&proof.grant_id, &proof.sso_login_id) {
        (Some(grant), _) => InProgress::authorization(app, visitor, grant.as_str()).await.ok(),
        (None, Some(login)) => InProgress::sso_login(app, visitor, login.as_str()).await.ok(),
        (None, None) => {
            let place = Params::parse(proof.target.as_deref().unwrap_or_default().as_bytes());
            InProgress::place(app, visitor, &place).await.ok().flatten()
        }
    }
}

async fn page(
    app: &App,
    visitor: &Visitor,
    query: &Params,
    proof: &Proof,
    error: Option<ProofError>,
) -> Result<Response> {
    let user = store::user::find(&app.db, &proof.user_id).await?.ok_or(Refusal::TransactionOver)?;
    let factors = store::factor::find(&app.db, &user.id).await?;
    let in_progress = in_progress(app, visitor, proof).await;
    let layout = layout(app, visitor.language(in_progress.as_ref().and_then(InProgress::ui_locales)));
    let own = path(app, &format!("factor?proof={}", proof.id));
    let act = proof.act.as_deref().and_then(Act::parse);
    // Where a policy wants what cannot be phished, a code would not be enough.
    let is_passkey_wanted = act.is_none() && factors.passkeys > 0 && app.passkeys.is_some() && {
        let occasion = in_progress.as_ref().map_or(Occasion::ACCOUNT, InProgress::occasion);
        wanted(app, &user, occasion, &visitor.caller)? == Some(Acr::PhishingResistant)
    };
    let codes = if is_passkey_wanted { Factors { totps: 0, recovery_codes: 0, ..factors } } else { factors };
    let code = code_field(&codes, query.get("use") == Some("recovery"));
    let passkey = own_passkey_form(app, visitor, &user.id, &factors, own.clone()).await?;
    let others = [(CodeField::Totp, codes.totps), (CodeField::Recovery, codes.recovery_codes)]
        .into_iter()
        .filter(|(field, count)| *count > 0 && Some(*field) != code)
        .map(|(field, _)| (format!("{own}&use={}", field.name()), field.offer(&layout)))
        .collect();
    let restart_href = match act {
        Some(act) => acts::confirm_path(app, act, proof.target.as_deref()),
        None => path_within(app, "login", in_progress.as_ref()),
    };
    let response = html(&FactorPage {
        layout,
        action: match code {
            Some(CodeField::Recovery) => format!("{own}&use=recovery"),
            _ => own,
        },
        csrf: visitor.csrf(app),
        user_id: user.mxid(app.server_name()),
        act,
        error,
        passkey,
        code,
        others,
        restart_href,
    });
    Ok(with_script(response))
}

fn code_field(factors: &Factors, wants_recovery: bool) -> Option<CodeField> {
    match (factors.totps > 0, factors.recovery_codes > 0) {
        (_, true) if wants_recovery => Some(CodeField::Recovery),
        (true, _) => Some(CodeField::Totp),
        _ => None,
    }
}

/// Makes the form by which somebody shows a passkey of theirs; nothing where they have none.
///
/// # Errors
/// When the store fails.
pub async fn own_passkey_form(
    app: &App,
    visitor: &Visitor,
    user: &UserId,
    factors: &Factors,
    action: String,
) -> Result<Option<PasskeyForm>> {
    Ok(match factors.passkeys > 0 && app.passkeys.is_some() {
        true => Some(passkey_form(passkey::ask(app, &visitor.browser, user).await?, action)),
        false => None,
    })
}

/// Makes the form by which the script answers a challenge.
pub fn passkey_form(challenge: passkey::Challenge, action: String) -> PasskeyForm {
    PasskeyForm {
        action,
        options: challenge.options,
        state: challenge.state,
        refresh: None,
        is_new: false,
        fields: Vec::new(),
    }
}
