//! A line on standard error while an account is read.

use mfa_warden::run::progress::Progress;
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;
use tokio::time::Instant;

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Does `work`, and shows on a terminal that it goes on, and how far `run` is.
pub async fn with_progress<T>(what: &str, run: Option<&Progress>, work: impl Future<Output = T>) -> T {
    if !stderr().is_terminal() {
        return work.await;
    }
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    tokio::pin!(work);
    for frame in FRAMES.iter().cycle() {
        tokio::select! {
            biased;
            done = &mut work => {
                let _ = write!(stderr(), "\r\x1b[K");
                return done;
            }
            _ = ticks.tick() => {
                let far = run.map(how_far).unwrap_or_default();
                let _ = write!(stderr(), "\r\x1b[K{frame} {what}{far} ({} s)", begun.elapsed().as_secs());
                let _ = stderr().flush();
            }
        }
    }
    work.await
}

fn how_far(run: &Progress) -> String {
    match run.to_look_at() {
        0 => String::new(),
        users => format!(": examined {} of {users} users", run.looked_at()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_account_is_listed_nothing_is_said_of_users() {
        assert_eq!(how_far(&Progress::default()), "");
    }
}
