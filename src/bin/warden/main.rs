//! `warden`: the command line of operators (`plan`, `check`, `explain`, `status`, `preview`) and of owners (`enroll`).
//!
//! The operators' commands run the function's own code and change nothing; [`read_only::ReadOnly`] enforces that.

mod commands;
mod connect;
mod options;
mod other_region;
mod read_only;
mod terminal;

use clap::Parser;
use commands::{enroll, explain, generate, plan, preview, status};
use jiff::Timestamp;
use options::{Args, Command};
use std::process::ExitCode;

// The one place that reads the clock. clap and the SDK read the environment.
#[expect(clippy::disallowed_methods)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let clock: fn() -> Timestamp = Timestamp::now;
    let Args { global, command } = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            // clap exits with 2 on wrong arguments, which would mean "users without MFA" here.
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let ended = match command {
        Command::Plan(options) => plan::plan(&global, &options, clock).await,
        Command::Check(options) => plan::check(&global, &options, clock).await,
        Command::Explain(options) => explain::explain(&global, &options, clock).await,
        Command::Status(options) => status::status(&global, &options, clock).await,
        Command::Preview(options) => preview::preview(&global, &options, clock),
        Command::Enroll(options) => enroll::enroll(&global, &options).await,
        Command::Completions { shell } => generate::completions(shell),
        Command::Man { command } => generate::man(command.as_deref()),
    };
    ended.unwrap_or_else(|error| {
        terminal::output::complain(&error);
        ExitCode::FAILURE
    })
}
