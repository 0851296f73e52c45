//! The arguments.

pub mod settings;

use self::settings::{PreviewSettingsArgs, SettingsArgs, StatusSettingsArgs};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use mfa_warden::model::commands::shell_word;
use mfa_warden::model::language::Language;
use mfa_warden::model::user::is_user_name;
use std::ffi::OsString;

/// Shows what mfa-warden would do, and sets up MFA.
///
/// For operators: `plan`, `check`, `explain` and `status` read an account with your credentials. They change nothing.
/// `preview` prints the messages to owners.
/// For owners: `enroll` sets up the MFA device that was prepared for you.
///
/// Credentials, profiles and regions work as in the AWS CLI. Use the region where the function runs, because its
/// secrets are there.
#[derive(Debug, Parser)]
#[command(name = "warden", version, arg_required_else_help = true, after_long_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  success; for plan and check: every user that needs MFA has it
  1  failure, or wrong arguments; for plan and check also: some users could not be read,
     and no other user is without MFA
  2  for plan and check only: some users are without MFA, whether or not others could be read";

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Profile of the AWS configuration; it overrides credentials in the environment, as in the AWS CLI
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region where mfa-warden runs [default: as in the AWS CLI]
    #[arg(long, global = true, value_name = "NAME")]
    pub region: Option<String>,
    /// Send every request to this URL instead of AWS
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// When to color the output; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

impl Global {
    /// A command of this program, to paste: with the profile, region and endpoint that were given to this one.
    pub fn command(&self, command: &str) -> String {
        self.command_in(self.region.as_deref(), command)
    }

    /// The same in another region.
    pub fn command_in(&self, region: Option<&str>, command: &str) -> String {
        let options = [
            ("profile", self.profile.as_deref()),
            ("region", region),
            ("endpoint-url", self.endpoint_url.as_deref()),
        ];
        let given = options.into_iter().filter_map(|(option, value)| Some((option, value?)));
        // A value behind `=` may begin with a dash.
        let given: String =
            given.map(|(option, value)| format!(" --{option}={}", shell_word(value))).collect();
        format!("warden {command}{given}")
    }
}

/// When to color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

/// The format of an answer.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct FormatArgs {
    /// JSON instead of a table
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// CSV instead of a table
    #[arg(long)]
    pub csv: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Plan(PlanArgs),
    Check(CheckArgs),
    Explain(ExplainArgs),
    Status(StatusArgs),
    Preview(PreviewArgs),
    Enroll(EnrollArgs),
    /// Print completions for a shell
    Completions {
        /// Name of the shell
        shell: Shell,
    },
    /// Print the man page
    Man {
        /// Command to describe [default: the page that lists the commands]
        command: Option<String>,
    },
}

/// Show who is without MFA and what a sweep would do
///
/// Runs the function's own sweep as a dry run, with your credentials. It changes nothing. Like the function, it asks
/// IAM for a new credential report, so CloudTrail shows the call GenerateCredentialReport.
///
/// Users that plainly have MFA or are out of scope are only counted. Pass the settings that the function has, as
/// options or in the same environment variables. Without the ARNs of its policies, the plan does not show where they
/// would be attached. Without the ARN of the owner topic, it does not show which owners would be reached.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct PlanArgs {
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Show the verdict on one user and what the function would do
///
/// Runs the function's own check as a dry run, with your credentials. It changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct CheckArgs {
    /// Name of the IAM user; behind `--` if it begins with a hyphen: `-- -alice`
    #[arg(value_parser = user_name)]
    pub user: String,
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Explain what the function does for one user, and what would change it
///
/// For a help desk. Names the row of the decision table that applies, the facts behind it, and what would follow if one
/// of them changed. Runs the function's own check as a dry run, with your credentials. It changes nothing.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Name of the IAM user; behind `--` if it begins with a hyphen: `-- -alice`
    #[arg(value_parser = user_name)]
    pub user: String,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

fn user_name(text: &str) -> Result<String, String> {
    if is_user_name(text) {
        Ok(text.to_owned())
    } else {
        Err("an IAM user name has 1 to 64 letters, digits or `_+=,.@-`".to_owned())
    }
}

/// List the open enrollments: who was invited when, and who is overdue
///
/// Reads four lists: the unassigned virtual MFA devices, mfa-warden's secrets (never their values), the IAM users, and
/// the users that the quarantine policy is attached to. That policy is `mfa-warden-quarantine`, unless you name another.
/// The list of secrets may lag by minutes.
///
/// Secrets are in one region, and IAM is the same in all. If there are prepared devices whose secrets are not in this
/// region, it says so.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    pub settings: StatusSettingsArgs,
}

/// Print a message as its owner would get it
///
/// For operators, to read and approve the messages before the first one goes out. The user is made up. It makes no AWS
/// call and sends nothing. Pass the settings that the function has, as options or in the same environment variables.
#[derive(Debug, clap::Args)]
pub struct PreviewArgs {
    /// The message
    #[arg(long, value_enum, value_name = "KIND", default_value = "invitation")]
    pub kind: Kind,
    /// Name of the made-up IAM user
    #[arg(long, value_name = "NAME", default_value = "alice", value_parser = user_name)]
    pub user: String,
    /// The user has an access key and no console password
    #[arg(long)]
    pub without_password: bool,
    /// A policy keeps the user from the prepared device, so only the console's own way is shown
    #[arg(long, conflicts_with = "without_password")]
    pub console_only: bool,
    /// A policy perhaps keeps the user from enrolling at all
    #[arg(long, conflicts_with = "console_only")]
    pub blocked: bool,
    /// For a reminder: the time to enroll is over
    #[arg(long)]
    pub overdue: bool,
    /// For `enrolled`: by a passkey, and not by the prepared device
    #[arg(long)]
    pub by_passkey: bool,
    /// For `withdrawn`: because the user is exempt, and not because it has no password
    #[arg(long)]
    pub exempt: bool,
    /// The form for machines: queues, functions and HTTPS endpoints
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: PreviewSettingsArgs,
}

/// The kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Invitation,
    Reminder,
    Quarantined,
    Enrolled,
    Withdrawn,
}

/// Set up the MFA device that was prepared for you
///
/// For owners, with the credentials of the IAM user itself: not a role, not root. Shows the QR code for your
/// authenticator app, asks for two codes in a row, and enables the device. It may be run again at any time.
///
/// The QR code is the secret of your second factor: show it to no one, and clear the screen afterwards.
#[derive(Debug, clap::Args)]
pub struct EnrollArgs {
    /// Show the setup key as text too, to type it into the app by hand
    #[arg(long)]
    pub show_seed: bool,
    /// Language: en or de [default: as the terminal's LC_ALL, LC_MESSAGES or LANG says]
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    pub language: Option<Language>,
    #[arg(long, env = "LC_ALL", hide = true)]
    lc_all: Option<OsString>,
    #[arg(long, env = "LC_MESSAGES", hide = true)]
    lc_messages: Option<OsString>,
    #[arg(long, env = "LANG", hide = true)]
    lang: Option<OsString>,
}

impl EnrollArgs {
    /// The language that was chosen, or the terminal's (POSIX, "Internationalization Variables"), or English.
    pub fn language(&self) -> Language {
        let mut of_terminal = [&self.lc_all, &self.lc_messages, &self.lang].into_iter().flatten();
        let of_terminal = of_terminal.find(|locale| !locale.is_empty());
        let of_terminal = of_terminal.and_then(|locale| Language::read(locale.to_str()?));
        self.language.or(of_terminal).unwrap_or(Language::ENGLISH)
    }
}

fn language(text: &str) -> Result<Language, String> {
    Language::read(text).ok_or_else(|| {
        let known: Vec<&str> = Language::all().map(Language::code).collect();
        format!("there are no messages in it; there are: {}", known.join(", "))
    })
}
