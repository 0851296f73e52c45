//! `status`: the open enrolments.

use crate::args::{Global, StatusArgs};
use crate::connect::{connect, read_only};
use crate::output::{Format, Look, cell, count, csv, lines, plain, print, short};
use crate::progress::shown;
use comfy_table::Color;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::facts::{Account, Secret, User, born, rfc3339, tag};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::process::ExitCode;

/// One open enrolment. Times are RFC 3339, UTC.
#[derive(Debug, Serialize)]
struct Enrolment {
    /// The user's present name; of a user that is gone, the name when the secret was created.
    user: String,
    user_id: String,
    state: State,
    /// When the user was first seen without MFA: the secret's creation.
    open_since: String,
    /// When the current seed was made; `None`: there is none yet.
    seed_since: Option<String>,
    notices: u32,
    last_notice_at: Option<String>,
    /// How long the grace period has been over.
    overdue_seconds: Option<i64>,
    /// When the owner was told of the quarantine.
    quarantined_at: Option<String>,
    #[serde(skip)]
    ages: Ages,
}

#[derive(Debug)]
struct Ages {
    open: SignedDuration,
    seed: Option<SignedDuration>,
    last_notice: Option<SignedDuration>,
    quarantined: Option<SignedDuration>,
}

/// What kind of enrolment it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// A seed waits for its owner.
    Open,
    /// The secret has no version of ours; the next run makes one.
    NoSeed,
    /// Someone deleted the secret with a recovery window; the next run mends it.
    Deleting,
    /// The user is in no listing; the next run closes the enrolment.
    UserGone,
}

impl State {
    fn words(self) -> (&'static str, Color) {
        match self {
            State::Open => ("open", Color::Reset),
            State::NoSeed => ("no seed yet", Color::Yellow),
            State::Deleting => ("being deleted", Color::Yellow),
            State::UserGone => ("user gone", Color::DarkGrey),
        }
    }
}

/// Lists the open enrolments.
///
/// # Errors
/// When secrets or users cannot be listed.
pub async fn status(
    global: &Global,
    args: &StatusArgs,
    clock: fn() -> Timestamp,
) -> anyhow::Result<ExitCode> {
    let settings = args.settings.read()?;
    let connection = connect(global).await?;
    let clients = read_only(&connection.config);
    // Secrets before users: a new user's secret is never taken for that of a user that is gone.
    let reading =
        async { Ok::<_, anyhow::Error>((clients.secrets.list().await?, clients.iam.users().await?)) };
    let (secrets, users) = shown("Reading the enrolments", reading).await?;
    let enrolments = enrolments(secrets, users, settings.grace_period, clock());
    print(&match Format::from(args.format) {
        Format::Json => as_json(&connection.account, &enrolments)?,
        Format::Csv => as_csv(&enrolments)?,
        Format::Table => as_table(&connection.account, &enrolments, Look::new(global)),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What is known of each secret, the longest open first.
fn enrolments(
    secrets: BTreeMap<String, Secret>,
    users: Vec<User>,
    grace_period: SignedDuration,
    now: Timestamp,
) -> Vec<Enrolment> {
    let names: HashMap<String, String> = users.into_iter().map(|user| (user.id, user.name)).collect();
    let mut secrets: Vec<(String, Secret)> = secrets.into_iter().collect();
    secrets.sort_by_key(|(_, secret)| secret.noncompliant_since());
    let enrolment = |(user_id, secret): (String, Secret)| {
        let time = |key: &str| secret.tags.get(key).and_then(|time| time.parse::<Timestamp>().ok());
        let age = |time: Timestamp| now.duration_since(time);
        let open = age(secret.noncompliant_since());
        let seed = secret.current_version.as_deref().and_then(born);
        let state = match names.get(&user_id) {
            None => State::UserGone,
            Some(_) if secret.scheduled_for_deletion => State::Deleting,
            Some(_) if seed.is_none() => State::NoSeed,
            Some(_) => State::Open,
        };
        Enrolment {
            // Whoever may describe secrets could put anything into a description.
            user: names.get(&user_id).cloned().unwrap_or_else(|| plain(secret.user_name())),
            state,
            open_since: rfc3339(secret.noncompliant_since()),
            seed_since: seed.map(rfc3339),
            notices: secret.notices(),
            last_notice_at: time(tag::LAST_NOTICE_AT).map(rfc3339),
            overdue_seconds: secret.overdue_by(grace_period, now).map(|time| time.as_secs()),
            quarantined_at: time(tag::QUARANTINED_AT).map(rfc3339),
            ages: Ages {
                open,
                seed: seed.map(age),
                last_notice: time(tag::LAST_NOTICE_AT).map(age),
                quarantined: time(tag::QUARANTINED_AT).map(age),
            },
            user_id,
        }
    };
    secrets.into_iter().map(enrolment).collect()
}

fn as_table(account: &Account, enrolments: &[Enrolment], look: Look) -> String {
    let mut text = format!("Account {}, region {}\n\n", account.id, account.region);
    if !enrolments.is_empty() {
        let heads =
            ["USER", "STATE", "OPEN FOR", "SEED AGE", "NOTICES", "LAST NOTICE", "OVERDUE BY", "QUARANTINED"];
        let mut table = look.table(heads);
        let or_none = |age: Option<SignedDuration>| age.map_or("-".to_owned(), short);
        let ago =
            |age: Option<SignedDuration>| age.map_or("-".to_owned(), |age| format!("{} ago", short(age)));
        for enrolment in enrolments {
            let Enrolment { user, state, notices, overdue_seconds, ages, .. } = enrolment;
            let (state, colour) = state.words();
            let overdue = or_none(overdue_seconds.map(SignedDuration::from_secs));
            let overdue = cell(&overdue).fg(if overdue == "-" { Color::Reset } else { Color::Red });
            table.add_row([
                cell(user),
                cell(state).fg(colour),
                cell(&short(ages.open)),
                cell(&or_none(ages.seed)),
                cell(&notices.to_string()),
                cell(&ago(ages.last_notice)),
                overdue,
                cell(&ago(ages.quarantined)),
            ]);
        }
        let _ = writeln!(text, "{}", lines(&table));
    }
    let number = |wanted: &dyn Fn(&Enrolment) -> bool| enrolments.iter().filter(|e| wanted(e)).count();
    let open = u32::try_from(enrolments.len()).unwrap_or(u32::MAX);
    let _ = writeln!(
        text,
        "{}, {} overdue, {} quarantined.",
        count(open, "open enrolment"),
        number(&|enrolment| enrolment.overdue_seconds.is_some()),
        number(&|enrolment| enrolment.quarantined_at.is_some()),
    );
    text
}

fn as_json(account: &Account, enrolments: &[Enrolment]) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Status<'a> {
        account: &'a str,
        region: &'a str,
        enrolments: &'a [Enrolment],
    }
    let Account { id, region, .. } = account;
    Ok(serde_json::to_string_pretty(&Status { account: id, region, enrolments })? + "\n")
}

fn as_csv(enrolments: &[Enrolment]) -> anyhow::Result<String> {
    let row = |enrolment: &Enrolment| {
        let Enrolment { user, user_id, state, open_since, seed_since, notices, .. } = enrolment;
        let state = serde_json::to_value(state).ok().and_then(|state| state.as_str().map(str::to_owned));
        [
            user.clone(),
            user_id.clone(),
            state.unwrap_or_default(),
            open_since.clone(),
            seed_since.clone().unwrap_or_default(),
            notices.to_string(),
            enrolment.last_notice_at.clone().unwrap_or_default(),
            enrolment.overdue_seconds.map_or(String::new(), |seconds| seconds.to_string()),
            enrolment.quarantined_at.clone().unwrap_or_default(),
        ]
    };
    let heads = [
        "user",
        "user_id",
        "state",
        "open_since",
        "seed_since",
        "notices",
        "last_notice_at",
        "overdue_seconds",
        "quarantined_at",
    ];
    csv(heads, enrolments.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-20T12:00:00Z";
    /// Born on 2026-03-01T10:00:00Z.
    const VERSION: &str = "019ca8d7-2d00-7000-8000-0123456789ab";

    fn secret(user: &str, created_at: &str, version: Option<&str>, tags: &[(&str, &str)]) -> Secret {
        Secret {
            name: format!("mfa-warden/{user}"),
            description: mfa_warden::facts::description(user),
            created_at: created_at.parse().unwrap(),
            current_version: version.map(str::to_owned),
            scheduled_for_deletion: false,
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        }
    }

    fn all() -> Vec<Enrolment> {
        let at = "2026-03-01T10:00:00Z";
        let told = [
            (tag::NOTICES, "4"),
            (tag::LAST_NOTICE_AT, "2026-03-19T10:00:00Z"),
            (tag::QUARANTINED_AT, "2026-03-16T10:00:00Z"),
        ];
        let deleting =
            Secret { scheduled_for_deletion: true, ..secret("carol", at, Some(VERSION), &told[..2]) };
        let secrets = [
            ("A1", secret("anna", at, Some(VERSION), &told)),
            ("A2", secret("ben", "2026-03-20T11:59:30Z", None, &[])),
            ("A3", deleting),
            ("A4", secret("da\u{1b}[2Jve", "2026-03-20T09:00:00Z", Some(VERSION), &[(tag::NOTICES, "many")])),
        ];
        let user = |id: &str, name: &str| User {
            name: name.to_owned(),
            id: id.to_owned(),
            arn: String::new(),
            created_at: at.parse().unwrap(),
        };
        enrolments(
            secrets.into_iter().map(|(id, secret)| (id.to_owned(), secret)).collect(),
            vec![user("A1", "anna.renamed"), user("A2", "ben"), user("A3", "carol")],
            SignedDuration::from_hours(14 * 24),
            NOW.parse().unwrap(),
        )
    }

    fn account() -> Account {
        Account { partition: "aws".to_owned(), region: "eu-west-1".to_owned(), id: "123456789012".to_owned() }
    }

    #[test]
    fn the_table_tells_state_age_notices_and_who_is_overdue() {
        let table = as_table(&account(), &all(), Look { width: Some(100), colour: false });
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
        insta::assert_snapshot!(table);
    }

    #[test]
    fn json_and_csv_tell_times_instead_of_ages() {
        insta::assert_snapshot!("json", as_json(&account(), &all()).unwrap());
        insta::assert_snapshot!("csv", as_csv(&all()).unwrap());
    }

    #[test]
    fn no_enrolment_is_one_line() {
        let table = as_table(&account(), &[], Look { width: None, colour: false });
        assert!(table.ends_with("\n\n0 open enrolments, 0 overdue, 0 quarantined.\n"), "{table}");
    }
}
