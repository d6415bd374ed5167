//! Where somebody is on the way to letting a device in, as the addresses of the login carry it.

use crate::{app::App, crypto::user_code::UserCode, domain::params::Params, web::pages::path};

const SEALED: &str = "user code in a place";

/// The page of the code, or the question behind a code that was typed.
#[derive(Clone, Debug)]
pub enum Place {
    Form {
        /// The code that the form is filled in with.
        typed: Option<String>,
    },
    Question {
        grant: String,
        entry: String,
    },
}

impl Place {
    /// Reads what a login comes back to; nothing when that is elsewhere.
    pub fn read(app: &App, params: &Params) -> Option<Self> {
        if let (Some(grant), Some(entry)) = (params.get("link"), params.get("entry")) {
            return Some(Self::Question { grant: grant.to_owned(), entry: entry.to_owned() });
        }
        let sealed = || {
            let bytes = app.sealer.open(SEALED, &hex::decode(params.get("sealed")?).ok()?)?;
            String::from_utf8(bytes).ok()
        };
        let typed = || params.get("user_code").map(str::to_owned).or_else(sealed);
        (params.get("to") == Some("link")).then(|| Self::Form { typed: typed() })
    }

    /// Gives the page itself.
    pub fn path(&self, app: &App) -> String {
        match self {
            Self::Form { typed: None } => path(app, "link"),
            Self::Form { typed: Some(typed) } => path(app, &format!("link?{}", encode(&[("user_code", typed)]))),
            Self::Question { grant, entry } => {
                path(app, &format!("link/{}?{}", segment(grant), encode(&[("entry", entry)])))
            }
        }
    }

    /// Gives the query that brings a login back here.
    pub fn query(&self) -> String {
        match self {
            Self::Form { typed: None } => encode(&[("to", "link")]),
            Self::Form { typed: Some(typed) } => encode(&[("to", "link"), ("user_code", typed)]),
            Self::Question { grant, entry } => encode(&[("link", grant), ("entry", entry)]),
        }
    }

    /// Gives the same for the store, where no code stands as people type it (INV-03).
    pub fn query_at_rest(&self, app: &App) -> String {
        match self {
            Self::Form { typed: Some(typed) } => {
                let code = UserCode::parse(typed).and_then(|code| app.sealer.seal(SEALED, code.shown().as_bytes()));
                let sealed = code.map(hex::encode).unwrap_or_default();
                encode(&[("to", "link"), ("sealed", &sealed)])
            }
            Self::Form { typed: None } | Self::Question { .. } => self.query(),
        }
    }
}

fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An id is letters and digits; whatever else somebody put there names nothing.
fn segment(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect()
}
