//! `status`: the open enrollments.

use crate::commands::plan::warned;
use crate::connect::connect;
use crate::options::{Global, StatusArgs};
use crate::other_region;
use crate::read_only::read_only;
use crate::terminal::output::{Format, Look, cell, count, csv, lines, print, short};
use crate::terminal::progress::with_progress;
use anyhow::bail;
use comfy_table::Color;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::Settings;
use mfa_warden::aws::{AwsError, Clients};
use mfa_warden::model::account::Account;
use mfa_warden::model::enrollment::{Secret, created_at};
use mfa_warden::model::known::Known;
use mfa_warden::model::record::tag;
use mfa_warden::model::text::rfc3339;
use mfa_warden::model::text::shown;
use mfa_warden::model::trail::IamEvents;
use mfa_warden::model::user::User;
use mfa_warden::rules::ownership::DevicesWithoutSecret;
use mfa_warden::run::trail::iam_events;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::process::ExitCode;

/// One open enrollment. Times are RFC 3339, UTC.
#[derive(Debug, Serialize)]
struct Enrollment {
    /// The user's current name; for a user that is gone, its name when the secret was created.
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
    /// Whether the quarantine policy is attached; `None`: that could not be read.
    quarantined: Option<bool>,
    /// When the owner was told of the quarantine, if the quarantine lasts.
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

/// The state of an enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// A seed waits for its owner.
    Open,
    /// The same, but the last notice reached nobody.
    Unreachable,
    /// The secret has no version that the function made; the next run makes one.
    NoSeed,
    /// Somebody deleted the secret with a recovery window; the next run repairs it.
    Deleting,
    /// The user is in no listing; the next run closes the enrollment.
    UserGone,
}

impl State {
    fn words(self) -> (&'static str, Color) {
        match self {
            State::Open => ("open", Color::Reset),
            State::Unreachable => ("unreachable", Color::Yellow),
            State::NoSeed => ("no seed yet", Color::Yellow),
            State::Deleting => ("being deleted", Color::Yellow),
            State::UserGone => ("user gone", Color::DarkGrey),
        }
    }
}

/// Whether IAM events reach EventBridge in this region, in words.
fn events_in_words(events: IamEvents) -> &'static str {
    match events {
        IamEvents::Organization => "IAM events: delivered by a trail of the organization.\n",
        IamEvents::Account => "IAM events: delivered by a trail of this account.\n",
        IamEvents::None => {
            "IAM events: none. No CloudTrail trail that logs delivers them here: changed users wait for the next sweep.\n"
        }
        IamEvents::Unknown => "IAM events: unknown.\n",
        IamEvents::Elsewhere => "IAM events: not in this region. Only sweeps find changed users.\n",
    }
}

/// Whether anybody gets the messages to operations, in words.
fn operations_in_words(subscriptions: Known<usize>) -> String {
    match subscriptions {
        Known::NotAsked => {
            "Messages to operations: not checked. Give --ops-topic-arn (the stack's output OpsTopicArn).\n"
                .to_owned()
        }
        Known::Unreadable => "Messages to operations: unknown.\n".to_owned(),
        Known::Is(0) => {
            "Messages to operations: NOBODY gets them. The topic has no confirmed subscription.\n".to_owned()
        }
        Known::Is(subscriptions) => {
            let number = count(u32::try_from(subscriptions).unwrap_or(u32::MAX), "confirmed subscription");
            format!("Messages to operations: {number}.\n")
        }
    }
}

/// Lists the open enrollments.
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
    // Devices before secrets, and secrets before users: otherwise a new device could seem to have no secret, and a new
    // user's secret could seem to belong to a user that is gone.
    let reading = async {
        let devices = match clients.iam.virtual_mfa_devices(true).await {
            Ok(devices) => Ok(devices),
            Err(error) => {
                let failure = error.into();
                if let Some(refusal) = connection.refusal(&failure).await {
                    bail!(refusal);
                }
                Err(failure)
            }
        };
        let secrets = clients.secrets.list().await?;
        let policy_arn = settings.quarantine_policy_arn.clone();
        let quarantined = quarantined(&clients, &connection.account, policy_arn).await;
        let users = connection.told(clients.iam.users().await).await?;
        let events = iam_events(&clients.cloudtrail, &connection.account).await;
        let operations = match args.settings.names_ops_topic() {
            true => Some(clients.sns.subscriptions(&settings.ops_topic_arn).await),
            false => None,
        };
        Ok((devices, secrets, users, quarantined, events, operations))
    };
    let (devices, secrets, users, quarantined, events, operations) =
        with_progress("Reading the enrollments", None, reading).await?;
    if let Err(failure) = &devices {
        eprintln!(
            "warden: warning: cannot tell whether mfa-warden's secrets are in another region than {}: {failure}",
            connection.account.region
        );
    }
    let events = events.unwrap_or_else(|error| {
        eprintln!("warden: warning: cannot tell whether a trail delivers IAM events: {error}");
        IamEvents::Unknown
    });
    let operations: Known<usize> = match operations {
        None => Known::NotAsked,
        Some(Ok(listed)) => Known::Is(listed.iter().filter(|one| one.arn.is_some()).count()),
        Some(Err(error)) => {
            eprintln!(
                "warden: warning: cannot tell whether anybody gets the messages to operations: {error}"
            );
            Known::Unreadable
        }
    };
    if let Err(error) = &quarantined {
        eprintln!("warden: warning: cannot tell who is quarantined: {error}");
    }
    // A secret is mfa-warden's own only by its name and its tag.
    let listed = secrets.len();
    let secrets: BTreeMap<String, Secret> =
        secrets.into_iter().filter_map(|secret| Some((secret.owner_id()?.to_owned(), secret))).collect();
    if secrets.len() < listed {
        eprintln!(
            "warden: left out: {} under mfa-warden/ in this region that mfa-warden did not make",
            count(u32::try_from(listed - secrets.len()).unwrap_or(u32::MAX), "secret")
        );
    }
    let found = devices.ok().map(|devices| DevicesWithoutSecret::among(&devices, &secrets, &users));
    let elsewhere = found.and_then(|found| other_region::warning(found, None, &connection.account.region));
    let enrollments = enrollments(secrets, users, quarantined.ok().as_ref(), &settings, clock());
    let format = Format::from(args.format);
    let look = Look::new(global);
    print(&match format {
        Format::Json => as_json(&connection.account, &enrollments, found, events, operations)?,
        Format::Csv => as_csv(&enrollments)?,
        Format::Table => {
            let elsewhere = elsewhere.iter().map(|words| warned(words, look));
            as_table(&connection.account, &enrollments, look)
                + events_in_words(events)
                + &operations_in_words(operations)
                + &elsewhere.collect::<String>()
        }
    })?;
    if format != Format::Table {
        elsewhere.iter().for_each(|words| eprintln!("warden: warning: {words}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The unique ids of the users that the quarantine policy is attached to: the policy in the settings, or the stack's.
async fn quarantined(
    clients: &Clients,
    account: &Account,
    given: Option<String>,
) -> Result<HashSet<String>, AwsError> {
    let own = || account.policy_arn("mfa-warden-quarantine");
    let is_given = given.is_some();
    match clients.iam.users_of_policy(&given.unwrap_or_else(own)).await {
        // If the stack's own policy does not exist, nobody is quarantined by it. A policy that was given should exist.
        Err(error) if !is_given && error.is_no_such_entity() => Ok(HashSet::new()),
        read => read,
    }
}

/// The enrollments, the longest open first. `quarantined`: the ids of quarantined users; `None`: unknown.
fn enrollments(
    secrets: BTreeMap<String, Secret>,
    users: Vec<User>,
    quarantined: Option<&HashSet<String>>,
    settings: &Settings,
    now: Timestamp,
) -> Vec<Enrollment> {
    let names: HashMap<String, String> = users.into_iter().map(|user| (user.id, user.name)).collect();
    let mut secrets: Vec<(String, Secret)> = secrets.into_iter().collect();
    secrets.sort_by_key(|(_, secret)| secret.noncompliant_since());
    let enrollment = |(user_id, secret): (String, Secret)| {
        let time = |key: &str| secret.tags.get(key).and_then(|time| time.parse::<Timestamp>().ok());
        let age = |time: Timestamp| now.duration_since(time);
        let quarantined = quarantined.map(|users| users.contains(&user_id));
        let quarantined_at = time(tag::QUARANTINED_AT).filter(|_| quarantined != Some(false));
        let open = age(secret.noncompliant_since());
        let seed = secret.current_version.as_deref().and_then(created_at);
        let state = match names.get(&user_id) {
            None => State::UserGone,
            Some(_) if secret.scheduled_for_deletion => State::Deleting,
            Some(_) if seed.is_none() => State::NoSeed,
            Some(_) if secret.undelivered_notice(now).is_some() => State::Unreachable,
            Some(_) => State::Open,
        };
        Enrollment {
            // Anyone who may change a secret's description can put anything into it.
            user: names.get(&user_id).cloned().unwrap_or_else(|| shown(secret.user_name())),
            state,
            open_since: rfc3339(secret.noncompliant_since()),
            seed_since: seed.map(rfc3339),
            notices: secret.notices(),
            last_notice_at: time(tag::LAST_NOTICE_AT).map(rfc3339),
            overdue_seconds: secret.overdue_by(settings, now).map(|time| time.as_secs()),
            quarantined,
            quarantined_at: quarantined_at.map(rfc3339),
            ages: Ages {
                open,
                seed: seed.map(age),
                last_notice: time(tag::LAST_NOTICE_AT).map(age),
                quarantined: quarantined_at.map(age),
            },
            user_id,
        }
    };
    secrets.into_iter().map(enrollment).collect()
}

fn as_table(account: &Account, enrollments: &[Enrollment], look: Look) -> String {
    let mut text = format!("Account {}, region {}\n\n", account.id, account.region);
    if !enrollments.is_empty() {
        let heads =
            ["USER", "STATE", "OPEN FOR", "SEED AGE", "NOTICES", "LAST NOTICE", "OVERDUE BY", "QUARANTINED"];
        let mut table = look.table(heads);
        let or_none = |age: Option<SignedDuration>| age.map_or("-".to_owned(), short);
        let ago =
            |age: Option<SignedDuration>| age.map_or("-".to_owned(), |age| format!("{} ago", short(age)));
        for enrollment in enrollments {
            let Enrollment { user, state, notices, overdue_seconds, ages, .. } = enrollment;
            let (state, color) = state.words();
            let overdue = or_none(overdue_seconds.map(SignedDuration::from_secs));
            let overdue = cell(&overdue).fg(if overdue == "-" { Color::Reset } else { Color::Red });
            table.add_row([
                cell(user),
                cell(state).fg(color),
                cell(&short(ages.open)),
                cell(&or_none(ages.seed)),
                cell(&notices.to_string()),
                cell(&ago(ages.last_notice)),
                overdue,
                cell(&match enrollment.quarantined {
                    Some(true) if ages.quarantined.is_none() => "yes".to_owned(),
                    Some(_) => ago(ages.quarantined),
                    None => "unknown".to_owned(),
                }),
            ]);
        }
        let _ = writeln!(text, "{}", lines(&table));
    }
    let number = |wanted: &dyn Fn(&Enrollment) -> bool| enrollments.iter().filter(|e| wanted(e)).count();
    let open = u32::try_from(enrollments.len()).unwrap_or(u32::MAX);
    let quarantined = match number(&|enrollment| enrollment.quarantined.is_none()) {
        0 => format!("{} quarantined", number(&|enrollment| enrollment.quarantined == Some(true))),
        _ => "quarantined: unknown".to_owned(),
    };
    let _ = writeln!(
        text,
        "{}, {} unreachable, {} overdue, {quarantined}.",
        count(open, "open enrollment"),
        number(&|enrollment| enrollment.state == State::Unreachable),
        number(&|enrollment| enrollment.overdue_seconds.is_some()),
    );
    text
}

fn as_json(
    account: &Account,
    enrollments: &[Enrollment],
    found: Option<DevicesWithoutSecret>,
    events: IamEvents,
    operations: Known<usize>,
) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Status<'a> {
        account: &'a str,
        region: &'a str,
        /// Prepared devices whose secrets are not in this region; `None`: that could not be read.
        devices_without_secret: Option<usize>,
        iam_events: &'a str,
        /// Confirmed subscriptions of the operations topic; `None`: not asked, or that could not be read.
        operations_subscriptions: Option<usize>,
        enrollments: &'a [Enrollment],
    }
    let Account { id, region, .. } = account;
    let devices_without_secret = found.map(|found| found.devices);
    let status = Status {
        account: id,
        region,
        devices_without_secret,
        iam_events: events.name(),
        operations_subscriptions: operations.value().copied(),
        enrollments,
    };
    Ok(serde_json::to_string_pretty(&status)? + "\n")
}

fn as_csv(enrollments: &[Enrollment]) -> anyhow::Result<String> {
    let row = |enrollment: &Enrollment| {
        let Enrollment { user, user_id, state, open_since, seed_since, notices, .. } = enrollment;
        let state = serde_json::to_value(state).ok().and_then(|state| state.as_str().map(str::to_owned));
        [
            user.clone(),
            user_id.clone(),
            state.unwrap_or_default(),
            open_since.clone(),
            seed_since.clone().unwrap_or_default(),
            notices.to_string(),
            enrollment.last_notice_at.clone().unwrap_or_default(),
            enrollment.overdue_seconds.map_or(String::new(), |seconds| seconds.to_string()),
            enrollment.quarantined.map_or(String::new(), |is| is.to_string()),
            enrollment.quarantined_at.clone().unwrap_or_default(),
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
        "quarantined",
        "quarantined_at",
    ];
    csv(heads, enrollments.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-20T12:00:00Z";
    /// Made at 2026-03-01T10:00:00Z.
    const VERSION: &str = "019ca8d7-2d00-7000-8000-0123456789ab";

    fn secret(user: &str, created_at: &str, version: Option<&str>, tags: &[(&str, &str)]) -> Secret {
        Secret {
            arn: None,
            name: format!("mfa-warden/{user}"),
            description: mfa_warden::model::enrollment::description(user),
            created_at: created_at.parse().unwrap(),
            current_version: version.map(str::to_owned),
            scheduled_for_deletion: false,
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            replicated: false,
            rotates: false,
            kms_key_id: None,
        }
    }

    /// Two users were told of a quarantine; it lasts for one of them.
    fn all() -> Vec<Enrollment> {
        among(Some(&["A1", "A2"].map(str::to_owned).into()))
    }

    fn among(quarantined: Option<&HashSet<String>>) -> Vec<Enrollment> {
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
            ("A5", secret("erin", at, Some(VERSION), &[(tag::UNREACHED, "456789ab")])),
            ("A6", secret("frank", at, Some(VERSION), &told)),
            ("A4", secret("da\u{1b}[2Jve", "2026-03-20T09:00:00Z", Some(VERSION), &[(tag::NOTICES, "many")])),
        ];
        let user = |id: &str, name: &str| User {
            name: name.to_owned(),
            id: id.to_owned(),
            arn: String::new(),
            created_at: at.parse().unwrap(),
        };
        enrollments(
            secrets.into_iter().map(|(id, secret)| (id.to_owned(), secret)).collect(),
            [("A1", "anna.renamed"), ("A2", "ben"), ("A3", "carol"), ("A5", "erin"), ("A6", "frank")]
                .map(|(id, name)| user(id, name))
                .into(),
            quarantined,
            &crate::options::settings::StatusSettingsArgs::default().read().unwrap(),
            NOW.parse().unwrap(),
        )
    }

    fn account() -> Account {
        Account { partition: "aws".to_owned(), region: "eu-west-1".to_owned(), id: "123456789012".to_owned() }
    }

    #[test]
    fn the_table_tells_state_age_notices_and_who_is_overdue() {
        let table = as_table(&account(), &all(), Look { width: Some(100), color: false });
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
        insta::assert_snapshot!(table);
    }

    #[test]
    fn who_is_quarantined_is_unknown_when_it_could_not_be_read() {
        let table = as_table(&account(), &among(None), Look { width: None, color: false });
        assert!(table.contains("unknown") && table.ends_with(" quarantined: unknown.\n"), "{table}");
        let json = as_json(&account(), &among(None), None, IamEvents::Unknown, Known::Unreadable).unwrap();
        assert!(json.contains("\"quarantined\": null"), "{json}");
        assert!(json.contains("\"devices_without_secret\": null"), "{json}");
    }

    #[test]
    fn json_and_csv_tell_times_instead_of_ages() {
        insta::assert_snapshot!(
            "json",
            as_json(
                &account(),
                &all(),
                Some(DevicesWithoutSecret { devices: 2, has_others: true }),
                IamEvents::Account,
                Known::Is(2)
            )
            .unwrap()
        );
        insta::assert_snapshot!("csv", as_csv(&all()).unwrap());
    }

    #[test]
    fn no_enrollment_is_one_line() {
        let table = as_table(&account(), &[], Look { width: None, color: false });
        assert!(
            table.ends_with("\n\n0 open enrollments, 0 unreachable, 0 overdue, 0 quarantined.\n"),
            "{table}"
        );
    }

    #[test]
    fn whether_iam_events_arrive_is_said_in_words_and_in_json() {
        for (events, words) in [
            (IamEvents::Elsewhere, "not in this region"),
            (IamEvents::Unknown, "unknown"),
            (IamEvents::None, "No CloudTrail trail that logs"),
            (IamEvents::Account, "trail of this account"),
            (IamEvents::Organization, "trail of the organization"),
        ] {
            let json = as_json(&account(), &[], None, events, Known::NotAsked).unwrap();
            assert!(json.contains(&format!("\"iam_events\": \"{}\"", events.name())), "{json}");
            assert!(events_in_words(events).contains(words), "{}", events_in_words(events));
        }
    }

    #[test]
    fn nobody_who_gets_the_messages_to_operations_is_no_silence() {
        assert!(operations_in_words(Known::Is(0)).contains("NOBODY gets them"));
        assert!(operations_in_words(Known::Is(1)).ends_with(": 1 confirmed subscription.\n"));
        assert!(operations_in_words(Known::NotAsked).contains("--ops-topic-arn"));
        assert!(operations_in_words(Known::Unreadable).ends_with(": unknown.\n"));
    }
}
