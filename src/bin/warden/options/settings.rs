//! The function's settings as options, made from the function's table and read by the function's parser.

use anyhow::{anyhow, bail};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use mfa_warden::Settings;
use mfa_warden::model::account::Account;
use mfa_warden::model::arn::Arn;
use mfa_warden::model::language::Language;
use mfa_warden::model::settings::{ConfigError, Misplaced, SETTINGS, Setting, SettingProblem};
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// The settings that a plan depends on: all that have an option.
pub type SettingsArgs = Given<Every>;

/// The settings that `status` needs.
pub type StatusSettingsArgs = Given<OfStatus>;

/// The settings that a message to an owner depends on.
pub type PreviewSettingsArgs = Given<OfMessages>;

/// The values given by option or variable, by the variable's name. `O`: the options of the command.
#[derive(Debug, Default, Clone)]
pub struct Given<O>(BTreeMap<&'static str, String>, PhantomData<O>);

/// Which settings are options of a command.
pub trait Options {
    /// These settings.
    fn all() -> impl Iterator<Item = &'static Setting>;
}

/// Every setting that has an option and changes a plan.
#[derive(Debug, Default, Clone)]
pub struct Every;

impl Options for Every {
    fn all() -> impl Iterator<Item = &'static Setting> {
        let is_of_plans = |setting: &&Setting| !OF_MESSAGES_ONLY.contains(&setting.variable);
        SETTINGS.iter().filter(|setting| setting.option.is_some()).filter(is_of_plans)
    }
}

/// Settings that change what messages say, and no plan.
const OF_MESSAGES_ONLY: [&str; 3] = ["CONTACT", LANGUAGE, "PREFER"];

/// The settings that a message to an owner depends on.
#[derive(Debug, Default, Clone)]
pub struct OfMessages;

impl Options for OfMessages {
    fn all() -> impl Iterator<Item = &'static Setting> {
        let wanted = [
            OWNER_TOPIC,
            "MFA_SCOPE",
            "REMIND_EVERY",
            "GRACE_PERIOD",
            "OFFER_TTL",
            "AFTER_GRACE",
            "QUARANTINE_POLICY_ARN",
            "FUNCTION_ROLE_ARN",
            "RETIRE",
        ];
        let is_wanted = move |setting: &&Setting| {
            wanted.contains(&setting.variable) || OF_MESSAGES_ONLY.contains(&setting.variable)
        };
        SETTINGS.iter().filter(is_wanted)
    }
}

/// The settings that `status` needs.
#[derive(Debug, Default, Clone)]
pub struct OfStatus;

impl Options for OfStatus {
    fn all() -> impl Iterator<Item = &'static Setting> {
        let wanted = ["GRACE_PERIOD", "REMIND_EVERY", "QUARANTINE_POLICY_ARN", OPS_TOPIC];
        Every::all().filter(move |setting| wanted.contains(&setting.variable))
    }
}

const OWNER_TOPIC: &str = "OWNER_TOPIC_ARN";
const OPS_TOPIC: &str = "OPS_TOPIC_ARN";
const LANGUAGE: &str = "LANGUAGE";
const HEADING: &str = "Settings of the function";

fn option(setting: &'static Setting) -> Arg {
    let help = match setting.default {
        "" => setting.help.to_owned(),
        default => format!("{} [default: {default}]", setting.help),
    };
    let option = setting.option.unwrap_or(setting.variable);
    Arg::new(setting.variable)
        .long(option)
        .env(setting.variable)
        .hide_env_values(true)
        .value_name(setting.value_name)
        .help_heading(HEADING)
        .help(help)
}

impl<O: Options> FromArgMatches for Given<O> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = |setting: &'static Setting| {
            let value = matches.get_one::<String>(setting.variable)?;
            let is_given = matches.value_source(setting.variable) != Some(ValueSource::EnvVariable);
            // Many terminals set a LANGUAGE of their own (gettext), as a list or a locale. The function's is one code.
            let is_ours = setting.variable != LANGUAGE || Language::all().any(|one| one.code() == value);
            (is_given || is_ours).then(|| (setting.variable, value.clone()))
        };
        Ok(Given(O::all().filter_map(value).collect(), PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}

impl<O: Options> Args for Given<O> {
    fn augment_args(command: Command) -> Command {
        command.args(O::all().map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<O> Given<O> {
    /// The settings that were given, and the defaults of all others.
    ///
    /// # Errors
    /// One message that names every option that is wrong.
    pub fn read(&self) -> anyhow::Result<Settings> {
        read(&self.0)
    }

    /// Whether the owner topic was given.
    pub fn names_topic(&self) -> bool {
        self.names(OWNER_TOPIC)
    }

    /// Whether the operations topic was given.
    pub fn names_ops_topic(&self) -> bool {
        self.names(OPS_TOPIC)
    }

    fn names(&self, topic: &str) -> bool {
        self.0.get(topic).is_some_and(|arn| !arn.is_empty())
    }
}

impl PreviewSettingsArgs {
    /// The settings of a message. The policy of a quarantine, and the role, are made up where they are missing: messages
    /// do not name them.
    ///
    /// # Errors
    /// One message that names every option that is wrong.
    pub fn of_message(&self) -> anyhow::Result<Settings> {
        let mut given = self.0.clone();
        let arns = [OWNER_TOPIC, "QUARANTINE_POLICY_ARN", "FUNCTION_ROLE_ARN"];
        let mut arns = arns.iter().filter_map(|name| Arn::parse(given.get(name)?));
        let account = arns.find_map(|arn| Account::of(arn, arn.region));
        let account = account.unwrap_or_else(|| Account {
            partition: "aws".to_owned(),
            region: "us-east-1".to_owned(),
            id: "000000000000".to_owned(),
        });
        for (variable, arn) in [
            ("QUARANTINE_POLICY_ARN", account.policy_arn("mfa-warden-quarantine")),
            ("FUNCTION_ROLE_ARN", account.role_arn("mfa-warden")),
        ] {
            given.entry(variable).or_insert(arn);
        }
        read(&given)
    }
}

impl SettingsArgs {
    /// The settings for the account that they are tried in.
    ///
    /// # Errors
    /// One message that names every option that names another account, partition or region.
    pub fn at(&self, settings: Settings, account: &Account) -> anyhow::Result<Settings> {
        let misplaced = settings.misplaced(account);
        let is_given = |one: &Misplaced| self.0.get(one.variable).is_some_and(|value| !value.is_empty());
        let misplaced: Vec<String> = misplaced
            .into_iter()
            .filter(is_given)
            .map(|Misplaced { variable, place, here }| {
                format!("{variable} is in {place}, and you are in {here}")
            })
            .collect();
        if !misplaced.is_empty() {
            let misplaced = misplaced.join("; ");
            bail!(
                "{misplaced}. Give the settings of the function in this account and region, or choose its account and \
                 region (--profile, --region)"
            );
        }
        let own = || account.role_arn("mfa-warden");
        Ok(Settings {
            function_role_arn: Some(settings.function_role_arn.clone().unwrap_or_else(own)),
            ..settings
        })
    }
}

fn read(given: &BTreeMap<&str, String>) -> anyhow::Result<Settings> {
    // The function's parser needs topics in the account of the other ARNs, so missing topics get made-up names there. A
    // dry run publishes nothing.
    let set = |name: &str| given.get(name).filter(|value| !value.is_empty()).cloned();
    let arns =
        [OWNER_TOPIC, OPS_TOPIC, "ENROLLMENT_POLICY_ARN", "QUARANTINE_POLICY_ARN", "FUNCTION_ROLE_ARN"]
            .map(set);
    let arn = arns.into_iter().flatten().next().unwrap_or_default();
    let arn = Arn::parse(&arn).map(|arn| (arn.partition, arn.region, arn.account));
    let (partition, region, account) = arn.unwrap_or(("aws", "", "000000000000"));
    let region = if region.is_empty() { "us-east-1" } else { region };
    let account =
        Account { partition: partition.to_owned(), region: region.to_owned(), id: account.to_owned() };
    let topic = |name: &str| Some(account.topic_arn(name));
    Settings::from_env(|name| match name {
        OWNER_TOPIC => set(name).or_else(|| topic("no-topic-of-owners")),
        OPS_TOPIC => set(name).or_else(|| topic("no-topic-of-operations")),
        "DRY_RUN" => Some("true".to_owned()),
        _ => given.get(name).cloned(),
    })
    .map_err(|error| anyhow!(explain(&error)))
}

fn explain(error: &ConfigError) -> String {
    let line = |SettingProblem { variable, words }: &SettingProblem| {
        let setting = SETTINGS.iter().find(|setting| setting.variable == *variable);
        match setting.and_then(|setting| setting.option) {
            Some(option) => format!("\n- --{option}: {words}"),
            None => format!("\n- {words}"),
        }
    };
    format!(
        "the settings need correcting; each is an option or an environment variable:{}",
        error.problems().iter().map(line).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(values: &[(&'static str, &str)]) -> SettingsArgs {
        Given(values.iter().map(|(variable, value)| (*variable, (*value).to_owned())).collect(), PhantomData)
    }

    #[test]
    fn an_option_goes_before_its_variable_and_each_setting_is_read() {
        let command = SettingsArgs::augment_args(Command::new("warden"));
        for setting in Every::all() {
            let option = setting.option.unwrap();
            let matches =
                command.clone().try_get_matches_from(["warden", &format!("--{option}"), "x"]).unwrap();
            let args = SettingsArgs::from_arg_matches(&matches).unwrap();
            assert_eq!(args.0.get(setting.variable).map(String::as_str), Some("x"), "{option}");
        }
    }

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
        let wrong = given(&[("MFA_SCOPE", "everyone"), ("SETTLE", "soon"), ("AFTER_GRACE", "quarantine")]);
        insta::assert_snapshot!(wrong.read().unwrap_err());
    }

    #[test]
    fn settings_of_another_account_are_refused_by_name() {
        let args = given(&[("OWNER_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:owners")]);
        let account = |id: &str| Account {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            id: id.to_owned(),
        };
        let settings = args.at(args.read().unwrap(), &account("123456789012")).unwrap();
        assert_eq!(settings.function_role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/mfa-warden"));
        let refused = args.at(args.read().unwrap(), &account("210987654321")).unwrap_err().to_string();
        assert!(refused.starts_with("OWNER_TOPIC_ARN is in account 123456789012"), "{refused}");
        assert!(SettingsArgs::default().at(settings, &account("123456789012")).is_ok());
    }
}
