//! A mail server over TCP that keeps what it is given and fails when it is told to, and a reader of mails.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Setup, eventually};

/// Where in the conversation something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Hello,
    Auth,
    Sender,
    Recipient,
    Data,
    Content,
}

/// What goes wrong in one conversation.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is closed at once.
    Refuse,
    /// The server answers this in place of going on.
    Answer(Step, String),
    /// The server says nothing more until it is released.
    Hang(Step),
    /// The server takes the whole mail, closes, and has not got it.
    LoseMail,
    /// The server takes the whole mail and has got it, but its answer is lost.
    LoseAnswer,
}

#[derive(Default)]
struct State {
    /// What goes wrong in the conversations to come, one after the other.
    faults: Mutex<VecDeque<Fault>>,
    /// What goes wrong in every conversation besides.
    constant: Mutex<Option<Fault>>,
    mails: Mutex<Vec<Received>>,
    /// Everything that clients said outside of mails.
    said: Mutex<Vec<String>>,
    hung: Mutex<Vec<TcpStream>>,
    conversations: AtomicUsize,
    is_over: AtomicBool,
}

pub struct SmtpSink {
    pub port: u16,
    state: Arc<State>,
}

impl SmtpSink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        thread::spawn({
            let state = state.clone();
            move || {
                for stream in listener.incoming() {
                    if state.is_over.load(Ordering::SeqCst) {
                        break;
                    }
                    let (stream, state) = (stream.unwrap(), state.clone());
                    thread::spawn(move || converse(&state, stream));
                }
            }
        });
        Self { port, state }
    }

    /// Lets the next conversations go wrong in these ways.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.faults.lock().unwrap().extend(faults);
    }

    /// Lets every conversation go wrong in this way, or none.
    pub fn always(&self, fault: Option<Fault>) {
        *self.state.constant.lock().unwrap() = fault;
    }

    /// Closes the connections on which the server says nothing.
    pub fn release(&self) {
        for stream in self.state.hung.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How many clients wait for a word.
    pub fn hung(&self) -> usize {
        self.state.hung.lock().unwrap().len()
    }

    pub fn conversations(&self) -> usize {
        self.state.conversations.load(Ordering::SeqCst)
    }

    pub fn mails(&self) -> Vec<Received> {
        self.state.mails.lock().unwrap().clone()
    }

    pub fn mails_to(&self, address: &str) -> Vec<Received> {
        self.mails().into_iter().filter(|mail| mail.to == [address]).collect()
    }

    /// What clients said outside of mails.
    pub fn said(&self) -> Vec<String> {
        self.state.said.lock().unwrap().clone()
    }

    /// Waits for as many mails to an address, and gives the last one.
    pub async fn nth_mail_to(&self, address: &str, count: usize) -> Received {
        eventually(&format!("mail {count} to {address}"), async || self.mails_to(address).len() >= count).await;
        let mails = self.mails_to(address);
        assert_eq!(mails.len(), count, "{:?}", mails.iter().map(Received::subject).collect::<Vec<_>>());
        mails.last().unwrap().clone()
    }

    /// Waits for the only mail to an address.
    pub async fn mail_to(&self, address: &str) -> Received {
        self.nth_mail_to(address, 1).await
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        self.release();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Setup {
    /// Sends mails to this server.
    pub fn mail(self, sink: &SmtpSink) -> Self {
        self.with("email.transport", "smtp")
            .with("email.mode", "plain")
            .with("email.hostname", "127.0.0.1")
            .with("email.port", sink.port.to_string())
            .with("email.from", "\"The chat\" <no-reply@chat.example>")
    }
}

/// Ends when the client hangs up, or when that is what goes wrong.
fn converse(state: &State, stream: TcpStream) -> Option<()> {
    state.conversations.fetch_add(1, Ordering::SeqCst);
    let fault = state.faults.lock().unwrap().pop_front().or_else(|| state.constant.lock().unwrap().clone());
    if matches!(fault, Some(Fault::Refuse)) {
        return None;
    }
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let answer = |step: Step, usual: &str| -> Option<bool> {
        let (words, goes_on) = match &fault {
            Some(Fault::Hang(at)) if *at == step => {
                state.hung.lock().unwrap().push(stream.try_clone().ok()?);
                return None;
            }
            Some(Fault::Answer(at, words)) if *at == step => (words.as_str(), false),
            _ => (usual, true),
        };
        (&stream).write_all(format!("{words}\r\n").as_bytes()).ok()?;
        Some(goes_on)
    };
    answer(Step::Greeting, "220 chat.example ESMTP")?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let line = lines.next()?.ok()?;
        state.said.lock().unwrap().push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => answer(Step::Hello, "250-chat.example\r\n250-AUTH PLAIN\r\n250 8BITMIME")?,
            "AUTH" => answer(Step::Auth, "235 2.7.0 welcome")?,
            "MAIL" => {
                from = between(&line, '<', '>');
                answer(Step::Sender, "250 2.1.0 ok")?
            }
            "RCPT" => {
                to.push(between(&line, '<', '>'));
                answer(Step::Recipient, "250 2.1.5 ok")?
            }
            "DATA" => {
                if answer(Step::Data, "354 go on")? {
                    let raw = read_content(&mut lines)?;
                    let received = Received { from: from.clone(), to: std::mem::take(&mut to), raw };
                    match &fault {
                        Some(Fault::LoseMail) => return None,
                        Some(Fault::LoseAnswer) => {
                            state.mails.lock().unwrap().push(received);
                            return None;
                        }
                        _ => {}
                    }
                    if answer(Step::Content, "250 2.0.0 queued")? {
                        state.mails.lock().unwrap().push(received);
                    }
                }
                true
            }
            "QUIT" => {
                let _ = (&stream).write_all(b"221 bye\r\n");
                return None;
            }
            _ => answer(Step::Hello, "502 what?")?,
        };
    }
}

fn read_content(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Option<String> {
    let mut raw = String::new();
    loop {
        let line = lines.next()?.ok()?;
        if line == "." {
            return Some(raw);
        }
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
        raw.push_str("\r\n");
    }
}

fn between(line: &str, open: char, close: char) -> String {
    line.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map(|(inner, _)| inner.to_owned()).unwrap()
}

/// A mail as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    pub raw: String,
}

impl Received {
    /// Reads a mail out of a file.
    pub fn read(file: &std::path::Path) -> Self {
        let raw = std::fs::read_to_string(file).unwrap();
        let mut mail = Self { from: String::new(), to: Vec::new(), raw };
        mail.to = vec![mail.header("To").unwrap()];
        mail
    }

    /// A header of the mail, unfolded and decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.raw, name).map(|value| decode_words(&value))
    }

    pub fn subject(&self) -> String {
        self.header("Subject").unwrap()
    }

    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    pub fn html(&self) -> String {
        self.part("text/html")
    }

    fn part(&self, content_type: &str) -> String {
        let kind = self.header("Content-Type").unwrap();
        assert!(kind.starts_with("multipart/alternative"), "{kind}");
        let boundary = format!("--{}", between(&kind, '"', '"'));
        let is_sought =
            |part: &&str| header(part.trim_start(), "Content-Type").is_some_and(|kind| kind.starts_with(content_type));
        let part = self.raw.split(&boundary).skip(1).find(is_sought);
        let part = part.unwrap_or_else(|| panic!("no {content_type} in {}", self.raw)).trim_start();
        let (_, body) = part.split_once("\r\n\r\n").unwrap();
        let bytes = match header(part, "Content-Transfer-Encoding").as_deref() {
            Some("base64") => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
            Some("quoted-printable") => decode_quoted_printable(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

fn header(raw: &str, name: &str) -> Option<String> {
    let (head, _) = raw.split_once("\r\n\r\n")?;
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    unfolded.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// RFC 2047, as far as it is used here: base64 of UTF-8.
fn decode_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut rest = value;
    while let Some((before, word)) = rest.split_once("=?utf-8?b?") {
        // White space between two encoded words is none (§6.2).
        if decoded.is_empty() || !before.trim().is_empty() {
            decoded.push_str(before);
        }
        let (text, behind) = word.split_once("?=").unwrap();
        decoded.push_str(&String::from_utf8(STANDARD.decode(text).unwrap()).unwrap());
        rest = behind;
    }
    decoded + rest
}

fn decode_quoted_printable(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body.replace("=\r\n", "");
    while let Some(at) = rest.find('=') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(u8::from_str_radix(&rest[at + 1..at + 3], 16).unwrap());
        rest.drain(..at + 3);
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
