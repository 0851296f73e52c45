//! Completions and man pages.

use crate::options::Args;
use crate::terminal::output::print;
use anyhow::anyhow;
use clap::CommandFactory;
use clap_complete::Shell;
use std::process::ExitCode;

/// Prints completions.
///
/// # Errors
/// When standard output cannot be written.
pub fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "warden", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the man page, or that of one command.
///
/// # Errors
/// When there is no such command, or standard output cannot be written.
pub fn man(command: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut page = Args::command();
    page.build();
    if let Some(name) = command {
        let found = page.find_subcommand(name).ok_or_else(|| anyhow!("there is no command `{name}`"))?;
        page = found.clone();
    }
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    print(&String::from_utf8(roff)?)?;
    Ok(ExitCode::SUCCESS)
}
