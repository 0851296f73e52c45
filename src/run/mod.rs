//! Observe, judge, plan, act: for one user and for all users.

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
pub mod trail;
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
use crate::rules::ownership::DevicesWithoutSecret;
use crate::run::memory::Memory;
use crate::run::progress::Progress;
use crate::run::subscriptions::OwnerTopic;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// Users worked on at once: enough to hide AWS's latency, few enough for IAM's undocumented rate limit.
const AT_ONCE: usize = 8;

/// The time from the last start of a turn to the moment when running turns are cut off.
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
    /// The clock. Only a program's entry point knows the real one.
    pub clock: fn() -> Timestamp,
    /// When the run began. A user that was overdue then is reported as overdue.
    pub began: Timestamp,
    /// Whether the run only plans.
    pub dry_run: bool,
    /// When the run stops starting turns.
    pub stop_at: Instant,
    /// When running turns are cut off. The rest of the time is for the report to operations.
    pub give_up_at: Instant,
    /// How many users may still be provisioned.
    pub provisions_left: AtomicU32,
    /// How many users may still be quarantined.
    pub quarantines_left: AtomicU32,
    /// The IP address behind the change that triggered this run, as its event reports it.
    pub source: Option<IpAddr>,
    /// The owner topic's subscriptions.
    pub owner_topic: OwnerTopic<'a>,
    /// What the function remembers beyond single users.
    pub memory: Memory<'a>,
    /// The progress of the run.
    pub progress: Progress,
    /// The second listing of devices, if one was needed, and its time.
    pub devices_again: OnceCell<(Timestamp, Vec<Device>)>,
    /// The prepared devices whose secrets are not in this region, once the run has listed what it looks at.
    pub devices_without_secret: OnceLock<DevicesWithoutSecret>,
}

/// A user that gets a turn of its own.
struct Candidate {
    user: User,
    /// The user's tags, if they were read with the user.
    tags: Option<BTreeMap<String, String>>,
    secret: Option<Secret>,
    /// Whether a secret that mfa-warden did not make has the name of the user's secret.
    foreign_secret: bool,
    /// Whether `secret` was read by name in this run, and not taken from a listing that may lag.
    secret_is_fresh: bool,
    /// mfa-warden's unassigned devices that belong to the user.
    devices: Vec<String>,
    attached: Known<Attached>,
    /// Whether the listing of devices shows one assigned to the user.
    enrolled: bool,
}

/// What a turn is about.
enum Subject {
    /// A user that IAM listed.
    Present(Candidate),
    /// What a deleted user left.
    Gone(UserFacts),
}

/// The outcome of a user's turn, and the actions that were done.
type Turn = (Outcome, Vec<Action>);

impl<'a> Run<'a> {
    /// A run with its settings' limits. It starts no turn after `stop_at`, and cuts off running turns some seconds
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
            devices_without_secret: OnceLock::new(),
        }
    }
}

impl Run<'_> {
    /// Cuts off a read at the deadline, so that time remains for the report to operations.
    async fn in_time<T>(
        &self,
        attempted: &str,
        read: impl Future<Output = Result<T, AwsError>>,
    ) -> Result<T, AwsError> {
        // Boxed, because the SDK's futures are large and stacks are small.
        let read = tokio::time::timeout_at(self.give_up_at, Box::pin(read)).await;
        read.unwrap_or_else(|_| Err(AwsError::late(attempted)))
    }

    /// Adds to the answer what the run learned about reaching owners, and records who was seen to wait.
    async fn conclude(&self, answer: &mut Answer) {
        answer.warnings.extend(self.owner_topic.warnings());
        if self.owner_topic.is_known() {
            answer.catch_all = Known::Is(self.owner_topic.catch_all());
        }
        answer.nobody_listens = self.owner_topic.is_deaf();
        if !self.dry_run {
            self.memory.note_waiting().await;
        }
    }
}
