//! A line on standard error while an account is read.

use std::fmt;
use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Does `work`, and shows on a terminal how far it is.
pub async fn shown<T>(what: &str, work: impl Future<Output = T>) -> T {
    if !stderr().is_terminal() {
        return work.await;
    }
    let seen = Arc::new(Seen::default());
    let filter = Targets::new().with_target("mfa_warden", Level::DEBUG);
    let _ = tracing_subscriber::registry().with(Counter(seen.clone()).with_filter(filter)).try_init();
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
                let _ = write!(stderr(), "\r\x1b[K{frame} {what}{seen} ({} s)", begun.elapsed().as_secs());
                let _ = stderr().flush();
            }
        }
    }
    work.await
}

/// How far a run is: the run's own log tells.
#[derive(Debug, Default)]
struct Seen {
    /// Users to be looked at alone.
    suspects: AtomicU64,
    /// Users looked at.
    users: AtomicU64,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suspects = self.suspects.load(Ordering::Relaxed);
        let users = self.users.load(Ordering::Relaxed).min(suspects);
        if suspects > 0 { write!(f, ": looked closely at {users} of {suspects} users") } else { Ok(()) }
    }
}

struct Counter(Arc<Seen>);

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut &*self.0);
    }
}

/// Each run logs once how many `suspects` it has, and each user's turn ends in one line with its `user_id`.
impl Visit for &Seen {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "suspects" {
            self.suspects.store(value, Ordering::Relaxed);
        }
    }

    fn record_str(&mut self, field: &Field, _: &str) {
        if field.name() == "user_id" {
            self.users.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_own_log_tells_how_far_it_is() {
        let seen = Arc::new(Seen::default());
        let logs = tracing_subscriber::registry().with(Counter(seen.clone()));
        tracing::subscriber::with_default(logs, || {
            assert_eq!(seen.to_string(), "");
            tracing::info!(settled = 5, suspects = 3_usize, "account listed");
            let (user, user_id) = ("alice", "AIDA");
            tracing::debug!(user, user_id, "nothing to do");
        });
        assert_eq!(seen.to_string(), ": looked closely at 1 of 3 users");
    }
}
