//! Reads a whole Synapse and tells what an import of it would do. Memory does not grow with the number of users.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::Config,
    domain::email,
    import::report::{Count, Kind, Reason, Report},
};

use super::{
    advice,
    config::SynapseConfig,
    database::{Source, SourceError},
    judge::{Contact, ImportedPassword, Judge, Verdict, is_better_claim, is_historical},
    rows::{
        AccessTokenRow, AlikeNames, DeviceRow, DoubtfulEmail, ExternalIdRow, Link, RefreshTokenRow, ThreepidRow,
        UserRow,
    },
};

/// Reads everything and tells what would be imported at this moment (Unix milliseconds), and what has to change.
///
/// # Errors
/// When the database fails.
pub async fn check(
    synapse: &SynapseConfig,
    source: &mut Source,
    keymaker: &Config,
    now: i64,
) -> Result<Report, SourceError> {
    let judge = Judge::new(synapse, now);
    let mut report = Report {
        source: format!("Read: {}, of {} (schema {})", source.place(), synapse.server_name, source.schema),
        ..Report::default()
    };
    report.counts.insert(Count::Users, 0);
    users(source, &judge, &mut report).await?;
    threepids(source, &judge, &mut report).await?;
    external_ids(source, &judge, &mut report).await?;
    devices(source, &judge, &mut report).await?;
    access_tokens(source, &judge, &mut report).await?;
    refresh_tokens(source, &judge, &mut report).await?;
    source.check_undisturbed()?;
    advice::add(&mut report, source.schema, synapse, keymaker);
    Ok(report)
}

async fn users(source: &mut Source, judge: &Judge<'_>, report: &mut Report) -> Result<(), SourceError> {
    let mut rows = source.rows::<UserRow>();
    while let Some(row) = rows.next().await? {
        let name = || row.account.name.clone().unwrap_or_default();
        let Some(user) = tally(report, Kind::User, judge.user(&row), name) else { continue };
        report.count(Count::Users);
        let is_active = !row.account.is_deactivated && !row.account.is_guest;
        for (count, applies) in [
            (Count::Administrators, row.is_admin),
            (Count::Locked, row.is_locked),
            (Count::Suspended, row.is_suspended),
            (Count::Deactivated, row.account.is_deactivated),
            (Count::Guests, row.account.is_guest),
            (Count::HistoricalNames, is_historical(user.username)),
            (Count::WithoutPassword, is_active && user.password == ImportedPassword::None),
        ] {
            if applies {
                report.count(count);
            }
        }
        match user.password {
            ImportedPassword::Bcrypt(_) => report.count(Count::Passwords),
            ImportedPassword::Unknown => report.skip(Reason::UnknownHash, Kind::Password, name),
            ImportedPassword::None => {}
        }
    }
    unreadable(report, Kind::User, rows.unreadable);
    drop(rows);
    let alike = source.rows::<AlikeNames>().next().await?.map_or(0, |names| names.count);
    if let Ok(alike @ 1..) = u64::try_from(alike) {
        report.counts.insert(Count::AlikeNames, alike);
    }
    Ok(())
}

async fn threepids(source: &mut Source, judge: &Judge<'_>, report: &mut Report) -> Result<(), SourceError> {
    let mut doubtful = BTreeSet::new();
    let mut rows = source.rows::<DoubtfulEmail>();
    while let Some(DoubtfulEmail { address }) = rows.next().await? {
        doubtful.extend(email::canonical(&address));
    }
    drop(rows);
    // Who has a doubtful address is only known at the end.
    let mut claims = BTreeMap::<String, ThreepidRow>::new();
    let taken = |report: &mut Report, row: &ThreepidRow| {
        report.skip(Reason::AddressTaken, Kind::Email, || format!("{} of {}", row.address, row.user_id));
    };
    let mut rows = source.rows::<ThreepidRow>();
    while let Some(row) = rows.next().await? {
        let kind = if row.medium == "email" { Kind::Email } else { Kind::Phone };
        let name = || format!("{} of {}", row.address, row.user_id);
        match tally(report, kind, judge.threepid(&row), name) {
            Some(Contact::Email(address)) if doubtful.contains(&address) => match claims.remove(&address) {
                Some(other) => {
                    let (owner, loser) =
                        if is_better_claim(&row, &other, &address) { (row, other) } else { (other, row) };
                    taken(report, &loser);
                    claims.insert(address, owner);
                }
                None => {
                    report.count(Count::Emails);
                    claims.insert(address, row);
                }
            },
            Some(Contact::Email(_)) => report.count(Count::Emails),
            Some(Contact::Phone) => report.count(Count::Phones),
            None => {}
        }
    }
    unreadable(report, Kind::Email, rows.unreadable);
    Ok(())
}

async fn external_ids(source: &mut Source, judge: &Judge<'_>, report: &mut Report) -> Result<(), SourceError> {
    let mut rows = source.rows::<ExternalIdRow>();
    while let Some(row) = rows.next().await? {
        tally(report, Kind::ExternalId, judge.external_id(&row), || {
            format!("{} of {}", row.auth_provider, row.user_id)
        });
    }
    unreadable(report, Kind::ExternalId, rows.unreadable);
    Ok(())
}

async fn devices(source: &mut Source, judge: &Judge<'_>, report: &mut Report) -> Result<(), SourceError> {
    let mut rows = source.rows::<DeviceRow>();
    while let Some(row) = rows.next().await? {
        let name = || of_device(&row.user_id, Some(&row.device_id));
        if tally(report, Kind::Device, judge.device(&row), name).is_some() {
            report.count(Count::Devices);
        }
    }
    unreadable(report, Kind::Device, rows.unreadable);
    Ok(())
}

async fn access_tokens(source: &mut Source, judge: &Judge<'_>, report: &mut Report) -> Result<(), SourceError> {
    let mut rows = source.rows::<AccessTokenRow>();
    while let Some(row) = rows.next().await? {
        let name = || of_device(&row.user_id, row.device_id.as_deref());
        if tally(report, Kind::AccessToken, judge.access_token(&row), name).is_none() {
            continue;
        }
        report.count(Count::AccessTokens);
        for (count, applies) in [
            (Count::TokensWithoutDevice, row.device_id.is_none()),
            (Count::TokensOfLostDevices, row.device_id.is_some() && !row.has_device),
            (Count::TokensForAnother, row.puppets_user_id.is_some()),
        ] {
            if applies {
                report.count(count);
            }
        }
    }
    unreadable(report, Kind::AccessToken, rows.unreadable);
    Ok(())
}

async fn refresh_tokens(source: &mut Source, judge: &Judge<'_>, report: &mut Report) -> Result<(), SourceError> {
    let mut rows = source.rows::<RefreshTokenRow>();
    while let Some(row) = rows.next().await? {
        let name = || of_device(&row.user_id, Some(&row.device_id));
        if tally(report, Kind::RefreshToken, judge.refresh_token(&row), name).is_none() {
            continue;
        }
        match row.link() {
            Link::Current => report.count(Count::RefreshTokens),
            Link::Pending => {
                report.count(Count::RefreshTokens);
                report.count(Count::PendingRefreshTokens);
            }
            Link::Spent => report.count(Count::SpentRefreshTokens),
        }
    }
    unreadable(report, Kind::RefreshToken, rows.unreadable);
    Ok(())
}

/// Puts down what does not come along, and gives what does.
fn tally<T>(report: &mut Report, kind: Kind, verdict: Verdict<T>, name: impl FnOnce() -> String) -> Option<T> {
    match verdict {
        Verdict::Import(what) => Some(what),
        Verdict::Leave(why) => {
            report.leave(why, kind);
            None
        }
        Verdict::Skip(reason) => {
            report.skip(reason, kind, name);
            None
        }
    }
}

fn unreadable(report: &mut Report, kind: Kind, count: u64) {
    if count > 0 {
        report.skipped.entry((Reason::Unreadable, kind)).or_default().count += count;
    }
}

/// Names a device or a token without the token; long device ids are cut.
fn of_device(user_id: &str, device_id: Option<&str>) -> String {
    match device_id {
        None => user_id.to_owned(),
        Some(id) if id.chars().count() > 40 => {
            format!("{user_id}, device {}…", id.chars().take(40).collect::<String>())
        }
        Some(id) => format!("{user_id}, device {id}"),
    }
}
