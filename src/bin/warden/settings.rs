//! The function's settings as options, read by the function's own parser.

use anyhow::{anyhow, bail};
use clap::Args;
use mfa_warden::Settings;
use mfa_warden::model::account::Account;
use mfa_warden::model::settings::ConfigError;

/// The settings that a plan depends on.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings, as the function has them")]
pub struct SettingsArgs {
    /// Whom MFA is demanded of: console, credentials or all [default: console]
    #[arg(long, env = "MFA_SCOPE", hide_env_values = true)]
    pub scope: Option<String>,
    /// IAM user tag that names who is told [default: email]
    #[arg(long, env = "OWNER_TAG", hide_env_values = true, value_name = "KEY")]
    pub owner_tag: Option<String>,
    #[command(flatten)]
    pub times: Times,
    /// Age at which an unused seed is replaced [default: 30d]
    #[arg(long, env = "OFFER_TTL", hide_env_values = true, value_name = "DURATION")]
    pub offer_ttl: Option<String>,
    /// What follows the grace period: notify or quarantine [default: notify]
    #[arg(long, env = "AFTER_GRACE", hide_env_values = true, value_name = "WHAT")]
    pub after_grace: Option<String>,
    /// SNS topic that owners subscribe to; with it the plan tells who would not be reached
    #[arg(long, env = "OWNER_TOPIC_ARN", hide_env_values = true, value_name = "ARN")]
    pub owner_topic_arn: Option<String>,
    /// Whether owners without a subscription are subscribed: true or false [default: false]
    #[arg(long, env = "SUBSCRIBE_OWNERS", hide_env_values = true, value_name = "BOOL")]
    pub subscribe_owners: Option<String>,
    /// Managed policy attached while an enrollment is open
    #[arg(long, env = "ENROLLMENT_POLICY_ARN", hide_env_values = true, value_name = "ARN")]
    pub enrollment_policy_arn: Option<String>,
    #[command(flatten)]
    pub quarantine_policy_arn: QuarantinePolicy,
    /// Users provisioned in one run at most [default: 100]
    #[arg(long, env = "MAX_PROVISIONS", hide_env_values = true, value_name = "NUMBER")]
    pub max_provisions: Option<String>,
    /// Users quarantined in one run at most [default: 10]
    #[arg(long, env = "MAX_QUARANTINES", hide_env_values = true, value_name = "NUMBER")]
    pub max_quarantines: Option<String>,
    /// When quarantines may begin: `Mon-Thu 09:00-16:00 Europe/Berlin` [default: at any time]
    #[arg(long, env = "QUARANTINE_HOURS", hide_env_values = true, value_name = "HOURS")]
    pub quarantine_hours: Option<String>,
    /// The users to begin with: an IAM path (`/team-a/`) or a tag (`team=payments`) [default: all]
    #[arg(long, env = "PILOT", hide_env_values = true, value_name = "WHO")]
    pub pilot: Option<String>,
    /// The function's role, which alone may change the secrets [default: role/mfa-warden of the account]
    #[arg(long, env = "FUNCTION_ROLE_ARN", hide_env_values = true, value_name = "ARN")]
    pub function_role_arn: Option<String>,
    /// Whether IAM's simulator is asked what keeps owners from enrolling: true or false [default: false]
    #[arg(long, env = "PREFLIGHT", hide_env_values = true, value_name = "BOOL")]
    pub preflight: Option<String>,
    /// How long AWS's listings may lag behind its writes [default: 5m]
    #[arg(long, env = "SETTLE", hide_env_values = true, value_name = "DURATION")]
    pub settle: Option<String>,
}

/// A setting that `status` has too.
#[derive(Debug, Default, Args)]
pub struct QuarantinePolicy {
    /// Managed policy of the quarantine
    #[arg(long, env = "QUARANTINE_POLICY_ARN", hide_env_values = true, value_name = "ARN")]
    pub quarantine_policy_arn: Option<String>,
}

/// Settings that `status` has too.
#[derive(Debug, Default, Args)]
pub struct Times {
    /// Time a user may stay without MFA: 12h, 3d [default: 14d]
    #[arg(long, env = "GRACE_PERIOD", hide_env_values = true, value_name = "DURATION")]
    pub grace_period: Option<String>,
    /// Time between two notices to one owner [default: 3d]
    #[arg(long, env = "REMIND_EVERY", hide_env_values = true, value_name = "DURATION")]
    pub remind_every: Option<String>,
}

impl SettingsArgs {
    /// The settings.
    ///
    /// # Errors
    /// One message that names every option that is wrong.
    pub fn read(&self) -> anyhow::Result<Settings> {
        read(&self.given())
    }

    /// The settings in the account that they are to be tried in.
    ///
    /// # Errors
    /// One message that names every option that is of another account, partition or region.
    pub fn at(&self, settings: Settings, account: &Account) -> anyhow::Result<Settings> {
        let given = self.given();
        let is_given = |problem: &String| {
            let mut set = given.iter().filter(|(_, _, value)| value.as_ref().is_some_and(|v| !v.is_empty()));
            set.any(|(variable, _, _)| problem.starts_with(&format!("{variable} ")))
        };
        let misplaced = settings.misplaced(&account.partition, &account.region, &account.id);
        let misplaced: Vec<String> = misplaced.into_iter().filter(is_given).collect();
        if !misplaced.is_empty() {
            let misplaced = misplaced.join("; ").replace("the function runs", "you are");
            bail!(
                "{misplaced}. Give the settings of the function in this account and region (--profile, --region)"
            );
        }
        let Account { partition, id, .. } = account;
        let own = || format!("arn:{partition}:iam::{id}:role/mfa-warden");
        Ok(Settings {
            function_role_arn: Some(settings.function_role_arn.clone().unwrap_or_else(own)),
            ..settings
        })
    }

    fn given(&self) -> Vec<Given<'_>> {
        let SettingsArgs {
            scope,
            owner_tag,
            times,
            offer_ttl,
            after_grace,
            owner_topic_arn,
            subscribe_owners,
            enrollment_policy_arn,
            quarantine_policy_arn,
            max_provisions,
            max_quarantines,
            quarantine_hours,
            pilot,
            function_role_arn,
            preflight,
            settle,
        } = self;
        vec![
            ("MFA_SCOPE", "--scope", scope),
            ("OWNER_TAG", "--owner-tag", owner_tag),
            times.grace_period(),
            times.remind_every(),
            ("OFFER_TTL", "--offer-ttl", offer_ttl),
            ("AFTER_GRACE", "--after-grace", after_grace),
            (OWNER_TOPIC, "--owner-topic-arn", owner_topic_arn),
            ("SUBSCRIBE_OWNERS", "--subscribe-owners", subscribe_owners),
            ("ENROLLMENT_POLICY_ARN", "--enrollment-policy-arn", enrollment_policy_arn),
            quarantine_policy_arn.given(),
            ("MAX_PROVISIONS", "--max-provisions", max_provisions),
            ("MAX_QUARANTINES", "--max-quarantines", max_quarantines),
            ("QUARANTINE_HOURS", "--quarantine-hours", quarantine_hours),
            ("PILOT", "--pilot", pilot),
            ("FUNCTION_ROLE_ARN", "--function-role-arn", function_role_arn),
            ("PREFLIGHT", "--preflight", preflight),
            ("SETTLE", "--settle", settle),
        ]
    }

    /// Whether the topic of the owners was given.
    pub fn names_topic(&self) -> bool {
        self.owner_topic_arn.as_ref().is_some_and(|arn| !arn.is_empty())
    }
}

/// The settings that `status` needs.
#[derive(Debug, Default, Args)]
pub struct StatusSettingsArgs {
    #[command(flatten)]
    pub times: Times,
    #[command(flatten)]
    pub quarantine_policy_arn: QuarantinePolicy,
}

impl StatusSettingsArgs {
    /// The settings, all others at their defaults.
    ///
    /// # Errors
    /// One message that names every option that is wrong.
    pub fn read(&self) -> anyhow::Result<Settings> {
        read(&[self.times.grace_period(), self.times.remind_every(), self.quarantine_policy_arn.given()])
    }
}

impl QuarantinePolicy {
    fn given(&self) -> Given<'_> {
        ("QUARANTINE_POLICY_ARN", "--quarantine-policy-arn", &self.quarantine_policy_arn)
    }
}

impl Times {
    fn grace_period(&self) -> Given<'_> {
        ("GRACE_PERIOD", "--grace-period", &self.grace_period)
    }

    fn remind_every(&self) -> Given<'_> {
        ("REMIND_EVERY", "--remind-every", &self.remind_every)
    }
}

/// A variable of the function, its option, and the value given by either.
type Given<'a> = (&'a str, &'a str, &'a Option<String>);

const OWNER_TOPIC: &str = "OWNER_TOPIC_ARN";

fn read(given: &[Given]) -> anyhow::Result<Settings> {
    // The function's parser wants topics, of the account of all else. Nothing is published here: a dry run tells nobody.
    let value = |name: &str| given.iter().find(|(variable, _, _)| *variable == name)?.2.clone();
    let set = |name: &str| value(name).filter(|value| !value.is_empty());
    let arns = [OWNER_TOPIC, "ENROLLMENT_POLICY_ARN", "QUARANTINE_POLICY_ARN", "FUNCTION_ROLE_ARN"].map(set);
    let arn = arns.into_iter().flatten().next().unwrap_or_default();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let (partition, region, account) = match parts[..] {
        ["arn", partition, _, region, account, _] => (partition, region, account),
        _ => ("aws", "", "000000000000"),
    };
    let region = if region.is_empty() { "us-east-1" } else { region };
    let topic = |name: &str| Some(format!("arn:{partition}:sns:{region}:{account}:{name}"));
    Settings::from_env(|name| match name {
        OWNER_TOPIC => set(name).or_else(|| topic("no-topic-of-owners")),
        "OPS_TOPIC_ARN" => topic("no-topic-of-operations"),
        "DRY_RUN" => Some("true".to_owned()),
        _ => value(name),
    })
    .map_err(|error| anyhow!(explain(&error, given)))
}

fn explain(error: &ConfigError, given: &[Given]) -> String {
    let option = |problem: &str| {
        let mut given = given.iter();
        given.find(|(variable, _, _)| problem.starts_with(&format!("{variable} "))).map(|given| given.1)
    };
    let line = |problem: &String| match option(problem) {
        Some(option) => format!("\n- {option}: {problem}"),
        None => format!("\n- {problem}"),
    };
    format!(
        "the settings need correcting; each is an option or an environment variable:{}",
        error.problems().iter().map(line).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_options_the_settings_are_the_functions_defaults() {
        let settings = SettingsArgs::default().read().unwrap();
        let topic = |name: &str| match name {
            "OWNER_TOPIC_ARN" => Some("arn:aws:sns:us-east-1:000000000000:no-topic-of-owners".to_owned()),
            "OPS_TOPIC_ARN" => Some("arn:aws:sns:us-east-1:000000000000:no-topic-of-operations".to_owned()),
            _ => None,
        };
        let defaults = Settings::from_env(topic).unwrap();
        assert_eq!(settings, Settings { dry_run: true, ..defaults });
    }

    #[test]
    fn every_wrong_option_is_named_in_one_message() {
        let wrong = SettingsArgs {
            scope: Some("everyone".to_owned()),
            settle: Some("soon".to_owned()),
            after_grace: Some("quarantine".to_owned()),
            ..SettingsArgs::default()
        };
        insta::assert_snapshot!(wrong.read().unwrap_err());
    }

    #[test]
    fn settings_of_another_account_are_refused_by_name() {
        let given = SettingsArgs {
            owner_topic_arn: Some("arn:aws:sns:eu-west-1:123456789012:owners".to_owned()),
            ..SettingsArgs::default()
        };
        let account = |id: &str| Account {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            id: id.to_owned(),
        };
        let settings = given.at(given.read().unwrap(), &account("123456789012")).unwrap();
        assert_eq!(settings.function_role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/mfa-warden"));
        let refused = given.at(given.read().unwrap(), &account("210987654321")).unwrap_err().to_string();
        assert!(refused.starts_with("OWNER_TOPIC_ARN is in account 123456789012"), "{refused}");
        assert!(SettingsArgs::default().at(settings, &account("123456789012")).is_ok());
    }
}
