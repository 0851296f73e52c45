//! observe -> judge -> plan -> act, for one user and for all of them.

mod check;
mod execute;
mod leftovers;
pub mod memory;
mod notify;
mod observe;
pub mod progress;
mod provision;
mod publish;
mod reconcile;
pub mod subscriptions;
mod sweep;
mod warnings;

use crate::aws::{AwsError, Clients};
use crate::model::account::Account;
use crate::model::action::Action;
use crate::model::enrollment::Secret;
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::outcome::{Answer, Outcome};
use crate::model::settings::Settings;
use crate::model::user::{Attached, Device, User};
use crate::run::memory::Memory;
use crate::run::progress::Progress;
use crate::run::subscriptions::OwnerTopic;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// Users worked on at once: enough to hide AWS's latency, few enough for IAM's undocumented rate.
const AT_ONCE: usize = 8;

/// Between the moment when no user is begun any more and the one when users that were begun are cut off.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

/// One run: a sweep or a check.
#[derive(Debug)]
pub struct Run<'a> {
    /// The AWS clients.
    pub clients: &'a Clients,
    /// The settings.
    pub settings: &'a Settings,
    /// The account.
    pub account: &'a Account,
    /// The clock; only the entry knows the real one.
    pub clock: fn() -> Timestamp,
    /// When the run began: who was overdue then is reported as overdue.
    pub began: Timestamp,
    /// Plan only.
    pub dry_run: bool,
    /// When to stop starting on users.
    pub stop_at: Instant,
    /// When to cut off what was begun: the rest of the time is for telling operations.
    pub give_up_at: Instant,
    /// Users that may still be provisioned.
    pub provisions_left: AtomicU32,
    /// Users that may still be quarantined.
    pub quarantines_left: AtomicU32,
    /// Where the change that this run was woken for came from, as its event reports.
    pub source: Option<IpAddr>,
    /// Who listens to the owner topic.
    pub owner_topic: OwnerTopic<'a>,
    /// What is remembered beyond single users.
    pub memory: Memory<'a>,
    /// How far the run is.
    pub progress: Progress,
    /// The second listing of devices, where one was needed.
    pub devices_again: OnceCell<(Timestamp, Vec<Device>)>,
}

/// A user to be looked at alone.
struct Candidate {
    user: User,
    /// The user's tags, where they were read with the user.
    tags: Option<BTreeMap<String, String>>,
    secret: Option<Secret>,
    /// Somebody else's secret bears the name that the user's would have.
    foreign_secret: bool,
    /// Whether `secret` was read by name in this run, and not taken from a listing that may lag.
    secret_is_fresh: bool,
    /// Unassigned devices of ours that belong to the user.
    devices: Vec<String>,
    attached: Known<Attached>,
    /// Whether the listing of devices shows one assigned to the user.
    enrolled: bool,
}

/// Whom a turn is about.
enum Subject {
    /// A user that IAM listed.
    Present(Candidate),
    /// What is left of a user that is gone.
    Gone(UserFacts),
}

/// What became of a user, and what was done.
type Turn = (Outcome, Vec<Action>);

impl<'a> Run<'a> {
    /// A run with its settings' limits, that stops starting on users at `stop_at` and cuts off what was begun some seconds
    /// later.
    pub fn new(
        clients: &'a Clients,
        settings: &'a Settings,
        account: &'a Account,
        clock: fn() -> Timestamp,
        dry_run: bool,
        stop_at: Instant,
    ) -> Self {
        Run {
            clients,
            settings,
            account,
            clock,
            began: clock(),
            dry_run,
            stop_at,
            give_up_at: stop_at + LAST_MOMENTS,
            provisions_left: AtomicU32::new(settings.max_provisions),
            quarantines_left: AtomicU32::new(settings.max_quarantines),
            source: None,
            owner_topic: OwnerTopic::new(&clients.sns, &settings.owner_topic_arn),
            memory: Memory::new(&clients.sns, &settings.ops_topic_arn, clock),
            progress: Progress::default(),
            devices_again: OnceCell::new(),
        }
    }
}

impl Run<'_> {
    /// Cuts a read off at the deadline, so that there is time to tell operations.
    async fn in_time<T>(
        &self,
        attempted: &str,
        read: impl Future<Output = Result<T, AwsError>>,
    ) -> Result<T, AwsError> {
        // The SDK's futures are large, and stacks are not.
        let read = tokio::time::timeout_at(self.give_up_at, Box::pin(read)).await;
        read.unwrap_or_else(|_| Err(AwsError::late(attempted)))
    }

    /// What the run learned about reaching owners.
    fn conclude(&self, answer: &mut Answer) {
        answer.warnings.extend(self.owner_topic.warnings());
        answer.catch_all = self.owner_topic.is_known().then(|| self.owner_topic.catch_all());
        answer.nobody_listens = self.owner_topic.is_deaf();
    }
}
