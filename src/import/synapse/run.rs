//! What an administrator does with a Synapse: look, try, import, and compare afterwards.

use std::{fmt, time::Instant};

use thiserror::Error;

use crate::{
    app::{self, App},
    clock::Clock,
    config::Config,
    crypto::random,
    error,
    flows::{
        import::{AccessToken, Contact, Device, Importer, Nobody, Own, Owner, Receiver, RefreshToken, User},
        introspect::{self, Asker},
    },
    import::{
        progress::Progress,
        report::{Purpose, Report, printable},
    },
    store::{
        db::{Age, DatabaseError, Db},
        import::{Difference, What},
        scratch::Scratch,
    },
};

use super::{
    ReadError, advice,
    config::{ConfigError, SynapseConfig},
    database::{Address, Source, SourceError},
    judge::{Judge, Taken},
    read::Reader,
};

/// Why nothing was done, as one sentence.
#[derive(Debug, Error)]
pub enum Failure {
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("Keymaker's own database: {0}")]
    Database(#[from] DatabaseError),
    #[error("Keymaker's own database failed, and nothing was changed: {0}")]
    Target(error::Error),
    #[error("another import into this database is running, or something else is writing to it; wait for its end")]
    Occupied,
    #[error("another dry run on this database is running; wait for its end")]
    Tried,
    #[error("nothing was imported into Keymaker's database yet")]
    NothingImported,
    #[error("Keymaker's database is of an older version; `keymaker database migrate` brings it up to date")]
    Older,
    #[error("the dry run was not like what was read: {count} rows of {table} differ; please report this")]
    Unlike { table: &'static str, count: u64 },
    #[error("{0}")]
    App(#[from] app::BuildError),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Source(error) => error.into(),
            ReadError::Target(error) => error.into(),
        }
    }
}

impl From<error::Error> for Failure {
    fn from(error: error::Error) -> Self {
        match error {
            // SQLITE_BUSY: somebody got in between.
            error::Error::Storage(sqlx::Error::Database(error)) if error.code().as_deref() == Some("5") => {
                Self::Occupied
            }
            error => Self::Target(error),
        }
    }
}

/// A Synapse, and the Keymaker that its accounts move to.
pub struct Move<'m> {
    pub synapse: &'m SynapseConfig,
    /// Where Synapse's data is.
    pub address: &'m Address,
    pub keymaker: &'m Config,
    /// Whether one row that cannot be imported is enough to import nothing.
    pub is_strict: bool,
    /// Unix milliseconds.
    pub now: i64,
}

/// What a comparison found.
#[derive(Debug)]
pub struct Verified {
    /// How many rows were compared.
    pub rows: u64,
    pub differences: Vec<Difference>,
    /// How many access tokens were asked for as the homeserver asks.
    pub tokens: usize,
    /// What is wrong with those whose answer was not what it was at Synapse, without the tokens.
    pub wrong_answers: Vec<String>,
}

impl Verified {
    /// Tells whether everything is as it was at Synapse, apart from what people did here since.
    pub fn is_clean(&self) -> bool {
        self.wrong_answers.is_empty() && self.differences.iter().all(|found| found.what == What::ChangedHere)
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_clean = self.is_clean();
        writeln!(f, "{} rows and {} live access tokens were compared.", self.rows, self.tokens)?;
        for Difference { table, what, count, names } in &self.differences {
            let words = match what {
                What::Missing => "are at Synapse and not here",
                What::Different => "are not what they are at Synapse",
                What::Unexpected => "were imported and are no longer at Synapse",
                What::ChangedHere => "changed here since the import, because people signed in or out: no fault",
            };
            writeln!(f, "\n{count} rows of {table} {words}")?;
            for name in names {
                writeln!(f, "      {}", printable(name))?;
            }
            if let Some(more @ 1..) = count.checked_sub(names.len() as u64) {
                writeln!(f, "      … and {more} more")?;
            }
        }
        if !self.wrong_answers.is_empty() {
            writeln!(f, "\nTokens that the homeserver would not get the right answer for")?;
        }
        for answer in &self.wrong_answers {
            writeln!(f, "      {}", printable(answer))?;
        }
        f.write_str(if is_clean {
            "\nEverything is here as it is at Synapse."
        } else {
            "\nNot everything is here as it is at Synapse. If people have used Synapse since the import, run the import again."
        })
    }
}

impl Move<'_> {
    /// Looks at everything, and changes nothing.
    ///
    /// # Errors
    /// One sentence when something cannot be read.
    pub async fn check(&self, progress: &mut Progress) -> Result<Report, Failure> {
        let mut source = self.open_source().await?;
        self.read(&mut source, Taken::default(), &mut Nobody, progress, Report::default()).await
    }

    /// Imports what changed since the last import, or everything.
    ///
    /// # Errors
    /// One sentence when something fails: then nothing has changed.
    pub async fn import(&self, progress: &mut Progress) -> Result<Report, Failure> {
        let mut source = self.open_source().await?;
        self.import_into(&mut source, self.keymaker.database.uri(), Purpose::Import, progress).await
    }

    /// Imports everything into a copy, compares, and forgets the copy.
    ///
    /// # Errors
    /// One sentence when something fails.
    pub async fn dry_run(&self, progress: &mut Progress) -> Result<Report, Failure> {
        // Both readings see one moment, however busy Synapse is meanwhile.
        let mut source = self.open_source().await?;
        let scratch = Scratch::of(self.keymaker.database.uri()).await?.ok_or(Failure::Tried)?;
        let result = async {
            let mut report = self.import_into(&mut source, &scratch.uri, Purpose::DryRun, progress).await?;
            report.target = Some(place(self.keymaker.database.uri()));
            if !report.is_refused() {
                let verified = self.verify_in(&mut source, &scratch.uri, 0, progress).await?;
                if let Some(found) = verified.differences.iter().find(|found| found.what != What::ChangedHere) {
                    return Err(Failure::Unlike { table: found.table, count: found.count });
                }
                report.verified = Some(verified.rows);
            }
            Ok(report)
        }
        .await;
        scratch.remove().await?;
        result
    }

    /// Compares every row here with what an import of this moment would bring, and asks for some of the tokens.
    ///
    /// # Errors
    /// One sentence when something fails.
    pub async fn verify(&self, sample: usize, progress: &mut Progress) -> Result<Verified, Failure> {
        let mut source = self.open_source().await?;
        self.verify_in(&mut source, self.keymaker.database.uri(), sample, progress).await
    }

    async fn open_source(&self) -> Result<Source, Failure> {
        Ok(Source::open(self.address, self.now).await?)
    }

    async fn read<R: Receiver>(
        &self,
        source: &mut Source,
        taken: Taken,
        receiver: &mut R,
        progress: &mut Progress,
        report: Report,
    ) -> Result<Report, Failure> {
        let judge = Judge::new(self.synapse, self.keymaker, taken, self.now);
        let (synapse, keymaker) = (self.synapse, self.keymaker);
        let reader = Reader { synapse, source, keymaker, judge, receiver, progress };
        Ok(reader.read(report).await?)
    }

    async fn import_into(
        &self,
        source: &mut Source,
        uri: &str,
        purpose: Purpose,
        progress: &mut Progress,
    ) -> Result<Report, Failure> {
        let begun = Instant::now();
        let report = || Report { purpose, target: Some(place(uri)), is_strict: self.is_strict, ..Report::default() };
        // What keeps everything as it is, is found out before a database is made for it.
        if self.is_strict || !advice::may_fit(self.synapse, self.keymaker) {
            let looked = self.read(source, Taken::default(), &mut Nobody, progress, report()).await?;
            if looked.is_refused() {
                return Ok(looked);
            }
        }
        let db = open(uri).await?;
        let result = self.import_with(source, &db, uri, progress, report()).await;
        db.close().await;
        let mut report = result?;
        report.took = Some(begun.elapsed());
        Ok(report)
    }

    async fn import_with(
        &self,
        source: &mut Source,
        db: &Db,
        uri: &str,
        progress: &mut Progress,
        mut report: Report,
    ) -> Result<Report, Failure> {
        let (mut importer, own) = Importer::begin(db, uri, self.now).await?.ok_or(Failure::Occupied)?;
        report.is_first = importer.is_first();
        let mut report = self.read(source, taken(own), &mut importer, progress, report).await?;
        report.changes = match report.is_refused() {
            true => importer.roll_back().await?,
            false => {
                let told = |done, all| match done {
                    0 => progress.begin("indexes", all),
                    _ => progress.at(done),
                };
                importer.commit(told).await?
            }
        };
        progress.finish();
        Ok(report)
    }

    async fn verify_in(
        &self,
        source: &mut Source,
        uri: &str,
        sample: usize,
        progress: &mut Progress,
    ) -> Result<Verified, Failure> {
        let db = open_existing(uri).await?;
        let (comparison, own) = Importer::begin_comparison(&db, uri, self.now).await?;
        let mut sampler = Sampler { inner: comparison, wanted: sample, seen: 0, tokens: Vec::new() };
        self.read(source, taken(own), &mut sampler, progress, Report::default()).await?;
        let Sampler { inner, tokens, .. } = sampler;
        let (rows, differences) = inner.compare().await?;
        let app = app::build(self.keymaker.clone(), db, Clock::default(), None).await?;
        let mut wrong_answers = Vec::new();
        for token in &tokens {
            wrong_answers.extend(token.ask(&app).await?);
        }
        app.db.close().await;
        Ok(Verified { rows, differences, tokens: tokens.len(), wrong_answers })
    }
}

/// Opens a database and brings its schema up to date.
async fn open(uri: &str) -> Result<Db, Failure> {
    let db = Db::open_to_read_once(uri, 4).await?;
    db.migrate().await?;
    Ok(db)
}

/// Opens a database that an import has written to, and leaves it as it is.
async fn open_existing(uri: &str) -> Result<Db, Failure> {
    if let Ok(Address::Sqlite(file)) = uri.parse::<Address>()
        && !file.exists()
    {
        return Err(Failure::NothingImported);
    }
    let db = Db::open_to_read_once(uri, 4).await?;
    match db.check_age().await? {
        Age::Current if Importer::has_run(&db).await? => Ok(db),
        Age::Current | Age::Empty => Err(Failure::NothingImported),
        Age::Older => Err(Failure::Older),
    }
}

/// Names a database without its password.
fn place(uri: &str) -> String {
    uri.parse::<Address>().map_or_else(|_| "Keymaker's database".to_owned(), |address| address.to_string())
}

fn taken(own: Own) -> Taken {
    Taken { usernames: own.usernames.into_iter().collect(), emails: own.emails.into_iter().collect() }
}

/// A token that somebody uses at Synapse.
struct LiveToken {
    secret: String,
    username: String,
    device_id: Option<String>,
}

impl LiveToken {
    /// Asks as the homeserver does, and tells what is wrong with the answer.
    async fn ask(&self, app: &App) -> Result<Option<String>, Failure> {
        let answer = introspect::look(app, &Asker::Homeserver, &self.secret).await?;
        let device = self.device_id.as_ref().map(|id| format!(", device {id}")).unwrap_or_default();
        let whose = format!("a token of {}{device}", self.username);
        Ok(match (answer.active, answer.username == Some(self.username.clone()), answer.device_id == self.device_id) {
            (true, true, true) => None,
            (false, ..) => Some(format!("{whose} is not active")),
            _ => Some(format!("{whose} is taken for somebody else's")),
        })
    }
}

/// Compares, and keeps some of the live access tokens: each is as likely to be among them.
struct Sampler {
    inner: Importer,
    wanted: usize,
    seen: u64,
    tokens: Vec<LiveToken>,
}

impl Receiver for Sampler {
    async fn user(&mut self, user: User<'_>) -> error::Result<()> {
        self.inner.user(user).await
    }

    async fn contact(&mut self, key: &[&str], owner: Owner<'_>, contact: Contact<'_>, at: i64) -> error::Result<()> {
        self.inner.contact(key, owner, contact, at).await
    }

    async fn device(&mut self, device: Device<'_>) -> error::Result<()> {
        self.inner.device(device).await
    }

    async fn access_token(&mut self, token: AccessToken<'_>) -> error::Result<()> {
        if token.expires_at.is_none() && !token.owner.is_locked && self.wanted > 0 {
            self.seen += 1;
            let place = u64::from_be_bytes(random::bytes()) % self.seen;
            let live = || LiveToken {
                secret: token.secret.expose().to_owned(),
                username: token.owner.username.to_owned(),
                device_id: token.device_id.map(str::to_owned),
            };
            match usize::try_from(place) {
                _ if self.tokens.len() < self.wanted => self.tokens.push(live()),
                Ok(place) if place < self.wanted => self.tokens[place] = live(),
                _ => {}
            }
        }
        self.inner.access_token(token).await
    }

    async fn refresh_token(&mut self, token: RefreshToken<'_>) -> error::Result<()> {
        self.inner.refresh_token(token).await
    }
}
