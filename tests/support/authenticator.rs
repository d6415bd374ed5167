//! An authenticator in software (Web Authentication Level 3 §6), with the browser's part of the ceremonies: it makes the
//! passkeys that pages ask for, and gives answers that are wrong in one respect where a story wants that.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keymaker::crypto::random;
use serde_json::{Value, json};

use super::{
    Setup,
    http::Answer,
    person::{Person, attribute},
};

impl Setup {
    /// Gives the server a host name, without which browsers know no passkeys. The stories still go straight to it.
    pub fn with_passkeys(self) -> Self {
        self.with("http.public_base", "http://localhost:{port}/")
    }
}

/// A passkey as its authenticator keeps it.
pub struct Passkey {
    pub id: Vec<u8>,
    pair: EcdsaKeyPair,
    /// What the server calls the account.
    pub user_handle: Vec<u8>,
    pub count: u32,
}

/// What the browser and the authenticator say, besides the key. The default is what is right for a server.
#[derive(Clone, Debug)]
pub struct Authenticator {
    pub origin: String,
    pub rp_id: String,
    /// The bits UP, UV, BE and BS of §6.1.
    pub is_user_present: bool,
    pub is_user_verified: bool,
    pub is_backup_eligible: bool,
    pub is_backed_up: bool,
    /// Whether it counts; those whose passkeys are on several devices do not.
    pub counts: bool,
    /// What the client data says, where it is not the usual.
    pub is_cross_origin: Option<bool>,
    pub ceremony: Option<&'static str>,
    pub challenge: Option<String>,
}

impl Authenticator {
    /// An authenticator in the browser of somebody who looks at the pages of a server.
    pub fn at(base: &url::Url) -> Self {
        Self {
            origin: base.origin().ascii_serialization(),
            rp_id: base.host_str().unwrap().to_owned(),
            is_user_present: true,
            is_user_verified: true,
            is_backup_eligible: false,
            is_backed_up: false,
            counts: true,
            is_cross_origin: None,
            ceremony: None,
            challenge: None,
        }
    }

    /// Makes a passkey for the options of `navigator.credentials.create`, and gives the answer as the script sends it.
    pub fn create(&self, options: &Value) -> (Passkey, String) {
        self.create_with(options, random::bytes::<32>().to_vec())
    }

    /// The same with a credential id that somebody chose.
    pub fn create_with(&self, options: &Value, id: Vec<u8>) -> (Passkey, String) {
        let options = &options["publicKey"];
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let user_handle = decode(options["user"]["id"].as_str().unwrap());
        let passkey = Passkey { id, pair, user_handle, count: 0 };
        // §6.5.1: AAGUID, length and id of the credential, COSE key (RFC 9053 §7.1.1).
        let point = passkey.pair.public_key().as_ref();
        let credential = [
            &[0; 16],
            &u16::try_from(passkey.id.len()).unwrap().to_be_bytes()[..],
            &passkey.id,
            b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20",
            &point[1..33],
            b"\x22\x58\x20",
            &point[33..],
        ]
        .concat();
        let data = [self.data(0x40, 0), credential].concat();
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let attestation = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59", &length[..], &data].concat();
        let answer = json!({
            "clientDataJSON": encode(self.client_data("webauthn.create", options).as_bytes()),
            "attestationObject": encode(&attestation),
        });
        let answer = public_key_credential(&passkey.id, answer);
        (passkey, answer)
    }

    /// Answers the options of `navigator.credentials.get` with a passkey.
    pub fn get(&self, options: &Value, passkey: &mut Passkey) -> String {
        if self.counts {
            passkey.count += 1;
        }
        let client_data = self.client_data("webauthn.get", &options["publicKey"]);
        let data = self.data(0, passkey.count);
        let signed = [data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = passkey.pair.sign(&SystemRandom::new(), &signed).unwrap();
        let answer = json!({
            "clientDataJSON": encode(client_data.as_bytes()),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
            "userHandle": encode(&passkey.user_handle),
        });
        public_key_credential(&passkey.id, answer)
    }

    /// §6.1: hash of the RP ID, flags, counter.
    fn data(&self, more_flags: u8, count: u32) -> Vec<u8> {
        let bits = [self.is_user_present, false, self.is_user_verified, self.is_backup_eligible, self.is_backed_up];
        let flags = bits.iter().enumerate().fold(more_flags, |flags, (bit, is_set)| flags | u8::from(*is_set) << bit);
        [digest(&SHA256, self.rp_id.as_bytes()).as_ref(), &[flags], &count.to_be_bytes()].concat()
    }

    /// §5.8.1
    fn client_data(&self, ceremony: &str, options: &Value) -> String {
        let challenge = self.challenge.clone().unwrap_or_else(|| options["challenge"].as_str().unwrap().to_owned());
        let mut data = json!({
            "type": self.ceremony.unwrap_or(ceremony), "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        if let Some(is_cross_origin) = self.is_cross_origin {
            data["crossOrigin"] = json!(is_cross_origin);
            data["topOrigin"] = json!("https://evil.example");
        }
        data.to_string()
    }
}

fn public_key_credential(id: &[u8], response: Value) -> String {
    json!({ "id": encode(id), "rawId": encode(id), "type": "public-key", "response": response, "extensions": {} })
        .to_string()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).unwrap()
}

/// The form of a page that the script would fill in.
pub struct PasskeyForm {
    pub action: String,
    pub options: Value,
    pub state: String,
    pub csrf: String,
    /// Of a page that registers a passkey.
    pub proof: Option<String>,
}

impl PasskeyForm {
    pub fn of(page: &Answer) -> Self {
        let start = page.body.find("class=\"passkey\"").unwrap_or_else(|| panic!("no passkey form: {}", page.body));
        let start = page.body[..start].rfind("<form").unwrap();
        let form = &page.body[start..start + page.body[start..].find("</form>").unwrap()];
        let options = attribute(form, "data-options=\"").unwrap();
        Self {
            action: attribute(form, "action=\"").unwrap(),
            options: serde_json::from_str(&options).unwrap(),
            state: attribute(form, "name=\"state\" value=\"").unwrap(),
            csrf: attribute(form, "name=\"csrf\" value=\"").unwrap(),
            proof: attribute(form, "name=\"proof\" value=\""),
        }
    }
}

impl Person {
    /// Sends the answer of an authenticator as the script does.
    pub async fn answer(&self, form: &PasskeyForm, credential: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("csrf", form.csrf.as_str()), ("state", &form.state), ("credential", credential)];
        fields.extend(form.proof.as_deref().map(|proof| ("proof", proof)));
        fields.extend_from_slice(more);
        self.http.post(&form.action, &fields).await
    }

    /// Confirms with the password that a passkey is to be added, makes one and registers it.
    pub async fn add_passkey(&self, authenticator: &Authenticator, name: &str) -> Passkey {
        let page = self.page_to_add_passkey().await;
        let form = PasskeyForm::of(&page);
        let (passkey, credential) = authenticator.create(&form.options);
        let answer = self.answer(&form, &credential, &[("name", name)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(answer.location().ends_with("?done=add-passkey"), "{}", answer.location());
        passkey
    }

    /// Confirms with the password that a passkey is to be added, and gives the page that makes one.
    pub async fn page_to_add_passkey(&self) -> Answer {
        let answer = self.confirm("add-passkey", None).await;
        let page = self.get(answer.location()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// Uses a passkey on a page that asks for one.
    pub async fn use_passkey(&self, page: &Answer, authenticator: &Authenticator, passkey: &mut Passkey) -> Answer {
        let form = PasskeyForm::of(page);
        let credential = authenticator.get(&form.options, passkey);
        self.answer(&form, &credential, &[]).await
    }

    /// Signs in with a passkey alone.
    pub async fn sign_in_with_passkey(&self, authenticator: &Authenticator, passkey: &mut Passkey) -> Answer {
        let page = self.get("login").await;
        self.use_passkey(&page, authenticator, passkey).await
    }
}
