//! `/link` and `/link/{device}`: somebody types the code that a device shows, sees what asks and from where, and lets it in or
//! keeps it out (RFC 8628 §3.3; spec DVC-06). Looking decides nothing, also with the code in the address.

pub mod place;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use crate::{
    app::App,
    crypto::{totp::picture, user_code::UserCode},
    domain::{device_grant::DeviceGrant, params::Params, refusal::Refusal, scope::Scope, user_agent::Program},
    error::{Error, Result},
    flows::{
        Caller,
        browser::SignedIn,
        device_grant::{Entered, approve, check_person, deny, enter, user_code},
        limit,
    },
    store::client::Client,
    web::{
        frame::{PageError, html},
        pages::{
            InProgress,
            assurance::{admit, refused},
            consent, layout, path, path_within, see_other,
            views::{
                Moment,
                link::{LinkDonePage, LinkError, LinkPage, LinkQuestionPage},
                policy::Refuse,
            },
        },
        refusal::status,
        request::{PageForm, Query, Segment, Visitor},
    },
};
use place::Place;

/// Shows the form, filled in where the address has the code.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let typed = query.get("user_code").filter(|_| app.config.device_grant.prefilled_link);
    let Some(signed_in) = &visitor.signed_in else {
        // What no code looks like goes no further.
        let typed = typed.and_then(UserCode::parse).map(|code| code.shown());
        return Ok(login(&app, Place::Form { typed }));
    };
    Ok(html(&form_page(&app, &visitor, signed_in, typed.unwrap_or_default(), None)))
}

/// Looks for the device, and goes on to the question.
pub async fn post(State(app): State<App>, visitor: Visitor, PageForm(form): PageForm) -> Result<Response, PageError> {
    let typed = form.get("user_code").unwrap_or_default();
    let Some(signed_in) = &visitor.signed_in else { return Ok(login(&app, Place::Form { typed: None })) };
    visitor.check_form_as(&app, &form, signed_in)?;
    let error = match enter(&app, &visitor.browser, signed_in, typed, &visitor.caller).await {
        Ok(Entered { grant, entry }) => {
            return Ok(see_other(&Place::Question { grant: grant.to_string(), entry }.path(&app)));
        }
        Err(Error::Refusal(Refusal::UnknownUserCode)) => LinkError::UnknownCode,
        Err(error) => return Err(error.into()),
    };
    let page = form_page(&app, &visitor, signed_in, typed, Some(error));
    Ok((status(&Refusal::UnknownUserCode), html(&page)).into_response())
}

/// Shows the question, to somebody who is signed in well enough.
pub async fn get_one(
    State(app): State<App>,
    visitor: Visitor,
    Segment(device): Segment,
    Query(query): Query,
) -> Result<Response, PageError> {
    let in_progress = in_progress(&app, &visitor, &device, &query).await?;
    let signed_in = match admit(&app, &visitor, &in_progress).await? {
        Ok(signed_in) => signed_in,
        Err(before) => return Ok(before),
    };
    let waiting = Waiting::of(&in_progress)?;
    Ok(match check_person(&app, waiting.grant, waiting.client, signed_in, &visitor.caller) {
        Ok(()) => html(&waiting.page(&app, &visitor, signed_in, None)?),
        Err(Error::Refusal(Refusal::Policy(violations))) => {
            let action = waiting.place.path(&app);
            let refuse = Refuse { action, csrf: visitor.csrf_as(&app, signed_in), client: None };
            refused(&app, &visitor, &in_progress, Some(refuse), violations)
        }
        Err(error) => return Err(error.into()),
    })
}

/// Carries out the decision.
pub async fn post_one(
    State(app): State<App>,
    visitor: Visitor,
    Segment(device): Segment,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = in_progress(&app, &visitor, &device, &query).await?;
    let signed_in = match admit(&app, &visitor, &in_progress).await? {
        Ok(signed_in) => signed_in,
        Err(before) => return Ok(before),
    };
    let waiting = Waiting::of(&in_progress)?;
    visitor.check_form_as(&app, &form, signed_in)?;
    let outcome = match form.get("action") {
        Some("allow") if form.get("in_hand") != Some("yes") => {
            let page = waiting.page(&app, &visitor, signed_in, Some(LinkError::NotInHand))?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response());
        }
        Some("allow") => {
            approve(&app, waiting.grant, waiting.client, signed_in, &visitor.caller).await?;
            "allowed"
        }
        Some("deny") => {
            deny(&app, waiting.grant).await?;
            "denied"
        }
        Some("switch") => {
            let login = path(&app, &format!("login?{}&switch=1", waiting.place.query()));
            return Ok(see_other(&login));
        }
        _ => return Err(Refusal::InvalidRequest("action is missing".to_owned()).into()),
    };
    Ok(see_other(&path(&app, &format!("link/done?outcome={outcome}"))))
}

/// Says what was decided. The address alone decides nothing.
pub async fn done(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    if visitor.signed_in.is_none() {
        return Ok(login(&app, Place::Form { typed: None }));
    }
    Ok(html(&LinkDonePage {
        layout: layout(&app, visitor.language(None)),
        is_allowed: match query.get("outcome") {
            Some("allowed") => true,
            Some("denied") => false,
            _ => return Err(Refusal::NotFound.into()),
        },
        devices_href: path(&app, "account/devices"),
        security_href: path(&app, "account/security"),
    }))
}

/// Draws the link of any code as a picture, for a device that cannot draw. Whether the code exists is not looked at.
pub async fn qr(State(app): State<App>, Query(query): Query) -> Result<Response, PageError> {
    if !app.config.device_grant.prefilled_link {
        return Err(Refusal::NotFound.into());
    }
    let malformed = || Refusal::InvalidRequest("user_code is no code".to_owned());
    let code = query.get("user_code").and_then(UserCode::parse).ok_or_else(malformed)?;
    let link = format!("{}link?user_code={}", app.config.http.public_base.as_str(), code.shown());
    let drawn = picture(&link).ok_or(Error::Internal("a link cannot be drawn"))?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], drawn).into_response())
}

/// A device that waits, and whose code was typed in this browser.
struct Waiting<'a> {
    grant: &'a DeviceGrant,
    client: &'a Client,
    place: &'a Place,
}

async fn in_progress(app: &App, visitor: &Visitor, device: &str, query: &Params) -> Result<InProgress> {
    InProgress::device(app, visitor, device, query.get("entry").unwrap_or_default()).await
}

impl<'a> Waiting<'a> {
    fn of(in_progress: &'a InProgress) -> Result<Self, Refusal> {
        match in_progress {
            InProgress::Device { place, grant, client } => Ok(Self { grant, client, place }),
            _ => Err(Refusal::TransactionOver),
        }
    }

    fn page(
        &self,
        app: &App,
        visitor: &Visitor,
        signed_in: &SignedIn,
        error: Option<LinkError>,
    ) -> Result<LinkQuestionPage> {
        let languages = visitor.client_languages(None);
        let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
        let grant = self.grant;
        let asked = Caller { ip: grant.ip.clone(), ..Caller::default() };
        Ok(LinkQuestionPage {
            layout: layout(app, visitor.language(None)),
            action: self.place.path(app),
            csrf: visitor.csrf_as(app, signed_in),
            user_code: user_code(app, grant)?.shown(),
            client_name: self.client.metadata.name(&languages).map(str::to_owned),
            client_host: self.client.metadata.host(),
            program: grant.user_agent.as_deref().map(Program::of),
            is_near: grant.ip.is_some() && limit::address(&asked) == limit::address(&visitor.caller),
            ip: grant.ip.clone(),
            asked_at: Moment(grant.created_at),
            user_id: signed_in.user.mxid(app.server_name()),
            display_name: signed_in.user.display_name.clone(),
            access: consent::access(&Scope::parse(&grant.scope).unwrap_or_default()),
            error,
        })
    }
}

fn form_page(app: &App, visitor: &Visitor, signed_in: &SignedIn, typed: &str, error: Option<LinkError>) -> LinkPage {
    LinkPage {
        layout: layout(app, visitor.language(None)),
        action: path(app, "link"),
        csrf: visitor.csrf_as(app, signed_in),
        user_code: typed.chars().take(64).collect(),
        user_id: signed_in.user.mxid(app.server_name()),
        error,
        back_href: path(app, "account/"),
    }
}

fn login(app: &App, place: Place) -> Response {
    see_other(&path_within(app, "login", Some(&InProgress::Link(place))))
}
