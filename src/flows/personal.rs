//! What is told of a person: the claims that userinfo and ID tokens have in common (OIDC Core §5.1; spec OID-02, OID-10).

use serde::Serialize;

use crate::{
    app::App,
    domain::{claims::Claim, user::User},
    error::Result,
    store,
};

/// The claims; what is not there is left out.
#[derive(Debug, Default, Serialize)]
pub struct Personal {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

/// Gives what is wanted and there.
///
/// # Errors
/// When the store fails.
pub async fn tell(app: &App, user: &User, wants: impl Fn(Claim) -> bool) -> Result<Personal> {
    let email = match wants(Claim::Email) || wants(Claim::EmailVerified) {
        true => store::user::list_emails(&app.db, &user.id).await?.into_iter().next(),
        false => None,
    };
    Ok(Personal {
        name: user.display_name.clone().filter(|_| wants(Claim::Name)),
        preferred_username: wants(Claim::PreferredUsername).then(|| user.username.clone()),
        // Only addresses that were confirmed are listed.
        email_verified: email.as_ref().filter(|_| wants(Claim::EmailVerified)).map(|_| true),
        email: email.filter(|_| wants(Claim::Email)),
    })
}
