//! observe -> judge -> plan -> act, for one user and for all of them.

use crate::act::{Actor, Stop};
use crate::audience::Audience;
use crate::aws::credential_report::{CredentialReport, Vouched};
use crate::aws::{AwsError, Clients};
use crate::config::{Scope, Settings};
use crate::facts::{
    Account, Attached, Device, Root, SECRET_PREFIX, Secret, Unreadable, User, UserFacts, is_made_for,
    is_unique_id, is_user_name, user_of_device,
};
use crate::memory::Memory;
use crate::notice;
use crate::plan::{Action, Next, Notice, Obstacle, Plan, Postponed, Question, next};
use crate::preflight::Preflight;
use crate::report::{Answer, Ending, Open, Outcome};
use crate::text::shown;
use crate::verdict::{Status, Verdict, judge};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// Users worked on at once: enough to hide AWS's latency, few enough for IAM's undocumented rate.
const AT_ONCE: usize = 8;

/// Between the moment when no user is begun any more and the one when users that were begun are cut off.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

/// Names of others' secrets in one warning.
const NAMED: usize = 5;

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
    pub audience: Audience<'a>,
    /// What is remembered beyond single users.
    pub memory: Memory<'a>,
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
    attached: Option<Attached>,
    /// Whether the listing of devices shows one assigned to the user.
    enrolled: bool,
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
            audience: Audience::new(&clients.sns, &settings.owner_topic_arn),
            memory: Memory::new(&clients.sns, &settings.ops_topic_arn, clock),
            devices_again: OnceCell::new(),
        }
    }
}

impl Run<'_> {
    /// Looks at every user of the account.
    ///
    /// # Errors
    /// When users, devices or secrets cannot be listed; nothing was changed then.
    pub async fn sweep(&self) -> Result<Answer, AwsError> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut answer = Answer::new("sweep", self.dry_run, &self.account.id);
        // Devices and secrets before users: what a new user has is never taken for nobody's.
        let listing = self.in_time("list the account", async {
            let (devices, secrets) = futures_util::try_join!(iam.virtual_mfa_devices(false), secrets.list())?;
            Ok((devices, secrets, iam.users().await?))
        });
        let report = async {
            let waited = tokio::time::timeout_at(self.stop_at, iam.credential_report()).await;
            let late = |_| Err(Unreadable("the deadline came before the credential report".to_owned()));
            Ok(waited.unwrap_or_else(late))
        };
        // Where the report says that the root user has MFA, nothing is to be asked of it.
        let report_and_root = async {
            let report: Result<_, AwsError> = report.await;
            let report = report?;
            let is_covered = report.as_ref().is_ok_and(|report| report.root_mfa == Some(true));
            let root = self.in_time("read the account summary", iam.root());
            Ok((report, if is_covered { None } else { Some(root.await) }))
        };
        let attachments =
            async { Ok(self.in_time("list whom our policies are attached to", self.attachments()).await) };
        let ((devices, secrets, users), (report, root), attachments) =
            futures_util::try_join!(listing, report_and_root, attachments)?;
        let report = report.unwrap_or_else(|unreadable| {
            answer.warnings.push(format!(
                "no credential report, so that every user without a listed device is looked at alone: {unreadable}"
            ));
            CredentialReport::default()
        });
        if let Some(root) = root {
            warn_of_root(root, report.root_mfa, &mut answer);
        }
        let attachments = attachments.map_err(|error| warn_of_attachments(&error, &mut answer)).ok();

        let enrolled: HashSet<&str> =
            devices.iter().filter_map(|device| device.assigned_to.as_deref()).collect();
        let mut belongings = Belongings::new(&devices, secrets);
        warn_of_others(&belongings.foreign, &mut answer);
        let present = names_of(&users);
        let mut suspects = Vec::new();
        for user in users {
            let secret = belongings.secrets.remove(&user.id);
            let foreign_secret = belongings.foreign.contains(&user.id);
            let devices = belongings.devices_of(&user, secret.as_ref(), &present);
            let attached = attachments.as_ref().map(|attachments| attachments.of(&user.id));
            let ours =
                secret.is_some() || !devices.is_empty() || attached.is_some_and(|a| a != Attached::default());
            let enrolled = enrolled.contains(user.arn.as_str());
            let vouched =
                if enrolled { Some(Vouched::Mfa) } else { report.vouches_for(&user, self.settings.scope) };
            match vouched {
                Some(Vouched::Mfa) if !ours => answer.users.add(Status::Compliant),
                Some(Vouched::OutOfScope) if !ours => answer.users.add(Status::NotApplicable),
                _ => {
                    suspects.push(Candidate {
                        user,
                        tags: None,
                        secret,
                        foreign_secret,
                        secret_is_fresh: false,
                        devices,
                        attached,
                        enrolled,
                    });
                }
            }
        }
        tracing::info!(settled = answer.users.total, suspects = suspects.len(), "account listed");
        // So that users that always fail cannot keep others from their turn when time is short.
        fastrand::shuffle(&mut suspects);
        let mut turns =
            stream::iter(suspects).map(|candidate| self.turn(candidate)).buffer_unordered(AT_ONCE);
        while let Some((outcome, done)) = turns.next().await {
            answer.users.add(outcome.verdict);
            answer.add(outcome, &done);
        }
        self.clear_away(belongings, &mut answer).await;
        self.conclude(&mut answer);
        answer.outcomes.sort_by(|a, b| a.user.cmp(&b.user));
        Ok(answer)
    }

    /// Looks at one user.
    ///
    /// # Errors
    /// When AWS does not say whether there is such a user, or what it has; nothing was changed then.
    pub async fn check(&self, name: &str) -> Result<Answer, AwsError> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut answer = Answer::new("check", self.dry_run, &self.account.id);
        let reading = self.in_time("read the user", async {
            let devices = iam.virtual_mfa_devices(true).await?;
            let (found, root) = futures_util::join!(iam.user(name), iam.root());
            Ok((devices, found, root))
        });
        let (devices, found, root) = reading.await?;
        warn_of_root(root, None, &mut answer);
        let Some((user, tags)) = found? else {
            // Only complete listings tell what belongs to no one.
            let listing =
                self.in_time("list the account", async { Ok((secrets.list().await?, iam.users().await?)) });
            let (secrets, users) = listing.await?;
            let mut belongings = Belongings::new(&devices, secrets);
            warn_of_others(&belongings.foreign, &mut answer);
            let present = names_of(&users);
            for user in users {
                let secret = belongings.secrets.remove(&user.id);
                belongings.devices_of(&user, secret.as_ref(), &present);
            }
            answer.warnings.push(format!("there is no IAM user `{}`", shown(name)));
            self.clear_away(belongings, &mut answer).await;
            return Ok(answer);
        };
        let attached = self.in_time("list the attached policies", self.attached(&user)).await;
        let attached = attached.map_err(|error| warn_of_attachments(&error, &mut answer)).ok();
        let (secret, foreign_secret) = self.in_time("describe the secret", self.describe(&user)).await?;
        if foreign_secret {
            warn_of_others(&[user.id.clone()].into(), &mut answer);
        }
        let mut belongings = Belongings::new(&devices, Vec::new());
        let mut present = HashSet::new();
        for former in belongings.former_names(&user, secret.as_ref()) {
            let found = self.in_time("read the user that a device is named after", iam.user(&former)).await?;
            if found.is_some() {
                present.insert(former);
            }
        }
        let devices = belongings.devices_of(&user, secret.as_ref(), &present);
        let candidate = Candidate {
            user,
            tags: Some(tags),
            secret,
            foreign_secret,
            secret_is_fresh: true,
            devices,
            attached,
            enrolled: false,
        };
        let (outcome, done) = self.turn(candidate).await;
        answer.users.add(outcome.verdict);
        answer.add(outcome, &done);
        self.conclude(&mut answer);
        Ok(answer)
    }

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
        answer.warnings.extend(self.audience.troubles());
        answer.catch_all = self.audience.is_known().then(|| self.audience.catch_all());
        answer.nobody_listens = self.audience.is_deaf();
    }

    /// All users that our policies are attached to.
    async fn attachments(&self) -> Result<Attachments, AwsError> {
        let users = async |arn: &Option<String>| match arn {
            Some(arn) => self.clients.iam.users_of_policy(arn).await,
            None => Ok(HashSet::new()),
        };
        let Settings { enrollment_policy_arn, quarantine_policy_arn, .. } = self.settings;
        let (enrollment, quarantine) =
            futures_util::try_join!(users(enrollment_policy_arn), users(quarantine_policy_arn))?;
        Ok(Attachments { enrollment, quarantine })
    }

    /// Which of our policies are attached to one user.
    async fn attached(&self, user: &User) -> Result<Attached, AwsError> {
        let Settings { enrollment_policy_arn, quarantine_policy_arn, .. } = self.settings;
        if enrollment_policy_arn.is_none() && quarantine_policy_arn.is_none() {
            return Ok(Attached::default());
        }
        let policies = self.clients.iam.attached_policies(&user.name).await?;
        let is_attached = |arn: &Option<String>| arn.as_ref().is_some_and(|arn| policies.contains(arn));
        Ok(Attached {
            enrollment: is_attached(enrollment_policy_arn),
            quarantine: is_attached(quarantine_policy_arn),
        })
    }

    /// One user's turn, from looking to acting, within the deadline.
    async fn turn(&self, candidate: Candidate) -> Turn {
        let User { name, id, .. } = candidate.user.clone();
        let open = candidate.secret.as_ref().map(|secret| self.open(secret, candidate.attached));
        let left = |reason: &str| {
            let outcome = Outcome {
                open: open.clone(),
                postponed: Some(Postponed::Deadline),
                ..Outcome::new(&name, &id, Status::Unknown, reason.to_owned(), &[], Ending::Deferred)
            };
            (outcome, Vec::new())
        };
        if Instant::now() >= self.stop_at {
            return left("not looked at before the deadline");
        }
        match tokio::time::timeout_at(self.give_up_at, Box::pin(self.work(candidate))).await {
            Ok((outcome, done)) => {
                log(&outcome);
                (outcome, done)
            }
            // As if the process had died here: the next run mends it.
            Err(_) => {
                tracing::warn!(user = name, user_id = id, "cut off at the deadline: the next run goes on");
                left("cut off at the deadline; the next run goes on")
            }
        }
    }

    /// Observes, judges, plans and acts.
    async fn work(&self, candidate: Candidate) -> Turn {
        let User { name, id, .. } = candidate.user.clone();
        let (listed, attached) = (candidate.secret.clone(), candidate.attached);
        let now = (self.clock)();
        let mut observed = self.observe(candidate).await;
        let mut verdict = judge(&observed, self.settings.scope, now);
        let planned = match &mut observed {
            Ok(facts) => self.plan(facts, &verdict, now).await,
            Err(_) => Ok(Plan::default()),
        };
        let (mut facts, mut plan) = match (observed, planned) {
            (Ok(facts), Ok(plan)) => (facts, plan),
            (Err(unreadable), _) | (Ok(_), Err(unreadable)) => {
                verdict = Verdict { status: Status::Unknown, reason: unreadable.0 };
                let open = listed.as_ref().map(|secret| self.open(secret, attached));
                let outcome = Outcome::new(&name, &id, verdict.status, verdict.reason, &[], Ending::None);
                return (Outcome { open, ..outcome }, Vec::new());
            }
        };
        let before = facts.secret.clone();
        let is_changed =
            before.as_ref().is_some_and(|secret| secret.recipient_changed(&facts.recipient(self.settings)));
        self.limit(&mut plan);
        let actions = std::mem::take(&mut plan.actions);
        let (done, ending) = if actions.is_empty() {
            (Vec::new(), Ending::None)
        } else if self.dry_run {
            (actions, Ending::Planned)
        } else {
            self.carry_out(&mut facts, actions, &verdict, &mut plan).await
        };
        let ending = match (plan.obstacle, ending) {
            (Some(Obstacle::ForeignSecret), Ending::Done | Ending::Planned | Ending::None) => {
                Ending::Failed(in_the_way(&id))
            }
            (_, ending) => ending,
        };
        let ending = match ending {
            Ending::Done | Ending::Planned | Ending::None if plan.postponed.is_some() => Ending::Deferred,
            ending => ending,
        };
        let now = (self.clock)();
        let recipient = facts.recipient(self.settings);
        let hindrance = facts.reach.and_then(|reach| reach.hindrance(&recipient));
        let unreachable = hindrance.filter(|_| verdict.status == Status::NonCompliant);
        let closed = done.iter().any(|action| matches!(action, Action::Close { .. }));
        if let Some(life) = before.as_ref().filter(|_| closed).and_then(|secret| secret.seed_age(now)) {
            verdict.reason += &lived(life);
        }
        let age = |secret: &Secret| {
            let first = secret.first_notice_at(now)?;
            Some(now.duration_since(first).saturating_add(secret.grace_used()))
        };
        let grace_used = before.as_ref().filter(|_| closed).and_then(age);
        let made_anew = facts.secret.as_ref().filter(|_| before.is_none());
        if let Some(used) = made_anew.map(Secret::grace_used).filter(|used| used.is_positive()) {
            verdict.reason += &format!(
                "; it was without MFA before, and {} of its grace period are used up",
                notice::words(used)
            );
        }
        let told_farewell = done.iter().filter_map(Action::notice).any(is_farewell);
        if closed && !told_farewell && verdict.status != Status::NonCompliant {
            let why = if before.as_ref().is_some_and(|secret| secret.was_bidden_farewell(now)) {
                "; its owner has been told already"
            } else {
                "; its owner is told nothing, for nobody was invited"
            };
            verdict.reason += why;
        }
        if let Some(hindrance) = unreachable.as_ref().filter(|_| plan.unreachable) {
            verdict.reason += &format!("; nothing is prepared: {hindrance}");
        }
        if let Some(postponed) = plan.postponed {
            verdict.reason += &format!("; {postponed}");
        }
        if is_changed {
            verdict.reason += "; the owner tag names somebody else than was invited";
        }
        let denied = facts.preflight.as_ref().filter(|_| verdict.status == Status::NonCompliant);
        let denied = denied.map(|answer| answer.blockers().map(ToString::to_string).collect());
        let is_open = verdict.status == Status::NonCompliant && !(closed && self.dry_run);
        let open = facts.secret.as_ref().filter(|_| is_open);
        let open = open.map(|secret| self.open(secret, facts.attached));
        let is_again = |action: &Action| matches!(action, Action::Attach | Action::Quarantine);
        let is_mended = !done.is_empty() && done.iter().all(is_again) && before.is_some();
        let outcome = Outcome {
            open,
            unreachable,
            denied: denied.unwrap_or_default(),
            spared: plan.spared,
            postponed: plan.postponed,
            recipient_changed: is_changed,
            reattached: is_mended,
            grace_used,
            source: self.source.filter(|_| closed && verdict.status == Status::Compliant),
            enabled_at: facts.mfa_devices.iter().map(|device| device.enabled_at).max(),
            ..Outcome::new(&name, &id, verdict.status, verdict.reason, &done, ending)
        };
        (outcome, done)
    }

    /// An enrolment as its secret tells of it.
    fn open(&self, secret: &Secret, attached: Option<Attached>) -> Open {
        let now = (self.clock)();
        Open {
            seed_age: secret.seed_age(now),
            overdue: secret.overdue_by(self.settings, self.began),
            quarantined: attached.is_some_and(|attached| attached.quarantine),
            unheard: secret.lost(now).is_some(),
        }
    }

    /// Asks the planner, and learns what it wants to know, until it says what to do.
    async fn plan(
        &self,
        facts: &mut UserFacts,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Plan, Unreadable> {
        loop {
            match next(facts, verdict, self.settings, now) {
                Next::Do(plan) => return Ok(plan),
                Next::Learn(question) => self.learn(question, facts, now).await?,
            }
        }
    }

    async fn learn(
        &self,
        question: Question,
        facts: &mut UserFacts,
        now: Timestamp,
    ) -> Result<(), Unreadable> {
        match question {
            Question::Secret => {
                (facts.secret, facts.foreign_secret) = self.describe(&facts.user).await?;
                facts.secret_is_fresh = true;
            }
            Question::Device => {
                let list = || self.clients.iam.virtual_mfa_devices(false);
                let version = facts.secret.as_ref().and_then(|secret| secret.current_version.as_deref());
                let seed_age = facts.secret.as_ref().and_then(|secret| secret.seed_age(now));
                // One listing does for all, but for a version that had not settled when it was made.
                let is_settled = |at: Timestamp| {
                    seed_age.is_some_and(|age| age - now.duration_since(at) > self.settings.settle)
                };
                let again = async || Ok::<_, AwsError>(((self.clock)(), list().await?));
                let shared = self.devices_again.get_or_try_init(again).await?;
                let own;
                let devices = if is_settled(shared.0) {
                    &shared.1
                } else {
                    own = list().await?;
                    &own
                };
                let wanted = version.map(|version| self.account.serial_number(&facts.user.name, version));
                if let Some(found) =
                    devices.iter().find(|device| Some(&device.serial_number) == wanted.as_ref())
                {
                    if found.assigned_to.as_ref() == Some(&facts.user.arn) {
                        return Err(Unreadable(format!(
                            "its device {} was enabled a moment ago",
                            shown(&found.serial_number)
                        )));
                    }
                    facts.devices.extend(found.assigned_to.is_none().then(|| found.serial_number.clone()));
                }
                facts.absence_is_sure = true;
            }
            Question::Delivery => {
                let recipient = facts.recipient(self.settings);
                let attributes = |one: &str| {
                    notice::attributes(Notice::Invitation, one, &facts.user.name, &self.account.id)
                };
                facts.reach = Some(self.audience.reach(&recipient, attributes).await);
            }
            Question::Preflight => {
                let key = self.settings.secret_kms_key_id.as_deref();
                let asked = self.clients.iam.simulate(&facts.user, self.account, key, now).await;
                facts.preflight = Some(asked.map_or_else(
                    |error| {
                        self.audience
                            .trouble(format!("cannot tell what keeps owners from enrolling: {error}"));
                        Preflight::Unanswered
                    },
                    Preflight::Answered,
                ));
            }
        }
        Ok(())
    }

    /// Takes one of the run's provisions and quarantines where the plan needs them.
    fn limit(&self, plan: &mut Plan) {
        let take = |left: &AtomicU32| {
            let one_less = |left: u32| left.checked_sub(1);
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
        };
        let has = |plan: &Plan, wanted: &dyn Fn(&Action) -> bool| plan.actions.iter().any(wanted);
        if has(plan, &|action| matches!(action, Action::Provision { .. })) && !take(&self.provisions_left) {
            // Whoever is to be free is so all the same.
            plan.actions.retain(|action| matches!(action, Action::Detach(_)));
            plan.postponed = Some(Postponed::MaxProvisions);
        }
        if has(plan, &|action| *action == Action::Quarantine) && !take(&self.quarantines_left) {
            let is_of_it =
                |action: &Action| matches!(action, Action::Quarantine | Action::Notify(Notice::Quarantined));
            plan.actions.retain(|action| !is_of_it(action));
            plan.actions.extend(plan.instead.take());
            plan.postponed = Some(Postponed::MaxQuarantines);
        }
    }

    /// Reads what is to be known of one user. Any read that fails makes the whole user unknown.
    async fn observe(&self, candidate: Candidate) -> Result<UserFacts, Unreadable> {
        let iam = &self.clients.iam;
        let Candidate {
            user: listed,
            tags,
            secret,
            foreign_secret,
            secret_is_fresh,
            devices,
            attached,
            enrolled,
        } = candidate;
        let (user, tags) = match tags {
            Some(tags) => (listed, tags),
            None => match iam.user(&listed.name).await? {
                Some((user, tags)) if user.id == listed.id => (user, tags),
                _ => {
                    return Err(Unreadable(format!(
                        "IAM listed the user `{}` and then did not find it: it was made, renamed or deleted a moment ago",
                        shown(&listed.name)
                    )));
                }
            },
        };
        let mut facts = UserFacts {
            mfa_devices: iam.mfa_devices(&user.name).await?,
            password: false,
            active_access_key: false,
            user,
            tags,
            secret,
            secret_is_fresh,
            foreign_secret,
            devices,
            attached,
            reach: None,
            preflight: None,
            absence_is_sure: false,
            version_is_new: false,
        };
        // A device that was enabled since the devices were listed is in use, and not ours to delete any more.
        let is_assigned =
            |serial: &String| facts.mfa_devices.iter().any(|device| device.serial_number == *serial);
        facts.devices.retain(|serial| !is_assigned(serial));
        if enrolled && facts.mfa_devices.is_empty() {
            return Err(Unreadable(format!(
                "IAM lists a device of `{}` as assigned, and then none of its devices: one of the two lags behind",
                facts.user.name
            )));
        }
        // Whoever has MFA needs no further look: no credential changes the verdict.
        if facts.mfa_devices.is_empty() {
            facts.password = iam.has_password(&facts.user.name).await?;
            if self.settings.scope == Scope::Credentials && !facts.password {
                facts.active_access_key = iam.has_active_access_key(&facts.user.name).await?;
            }
        }
        Ok(facts)
    }

    /// The user's secret, and whether one that is not ours bears its name.
    async fn describe(&self, user: &User) -> Result<(Option<Secret>, bool), AwsError> {
        let found = self.clients.secrets.describe(&format!("{SECRET_PREFIX}{}", user.id)).await?;
        Ok(match found {
            Some(secret) if secret.owner_id() == Some(user.id.as_str()) => (Some(secret), false),
            Some(_) => (None, true),
            None => (None, false),
        })
    }

    /// Acts; the first failure ends the plan of this user, but for a policy that could not be attached.
    async fn carry_out(
        &self,
        facts: &mut UserFacts,
        actions: Vec<Action>,
        verdict: &Verdict,
        plan: &mut Plan,
    ) -> (Vec<Action>, Ending) {
        let Run { clients, settings, account, clock, ref audience, ref memory, source, .. } = *self;
        let actor = Actor { clients, settings, account, clock, audience, memory, source };
        let mut done = Vec::new();
        let mut unattached = None;
        let ended = self.go_through(&actor, facts, actions, verdict, plan, &mut done, &mut unattached).await;
        // Who is quarantined, and neither given the policy nor known to be allowed to enrol by any other, is locked out.
        let is_quarantined = facts.attached.is_some_and(|attached| attached.quarantine);
        let is_unable = facts.preflight.as_ref().is_none_or(|answer| answer.is_unable_to_enroll(true));
        if unattached.is_some() && is_quarantined && is_unable {
            let lift = Action::Detach(crate::plan::Policy::Quarantine);
            match actor.act(&lift, verdict, facts).await {
                Ok(()) => done.push(lift),
                Err(Stop::Failed(cause)) => return (done, Ending::Failed(cause)),
                Err(_) => {}
            }
        }
        let ending = match (ended, unattached) {
            (Some(ending), _) => ending,
            (None, Some(cause)) => Ending::Failed(cause),
            (None, None) if done.is_empty() => Ending::None,
            (None, None) => Ending::Done,
        };
        (done, ending)
    }

    /// One action after the other, until one ends the plan early: then why. `unattached`: why the enrollment policy could
    /// not be attached.
    #[expect(clippy::too_many_arguments, reason = "what one user's turn is made of")]
    async fn go_through(
        &self,
        actor: &Actor<'_>,
        facts: &mut UserFacts,
        actions: Vec<Action>,
        verdict: &Verdict,
        plan: &mut Plan,
        done: &mut Vec<Action>,
        unattached: &mut Option<String>,
    ) -> Option<Ending> {
        let mut planned_again = false;
        let mut queue = actions.into_iter();
        while let Some(action) = queue.next() {
            if action == Action::Quarantine && unattached.is_some() {
                // Denied everything but enrolling, and not allowed to enrol: that would be a lockout.
                return None;
            }
            match actor.act(&action, verdict, facts).await {
                Ok(()) => done.push(action),
                // Whoever cannot be given the policy must hear of the device all the same: many need no policy.
                Err(Stop::Failed(cause)) if action == Action::Attach => *unattached = Some(cause),
                Err(Stop::LeftUndone | Stop::Destroyed) => {}
                Err(Stop::Lost) => {
                    plan.postponed = Some(Postponed::Race);
                    return Some(Ending::Deferred);
                }
                Err(Stop::Failed(cause)) => return Some(Ending::Failed(cause)),
                Err(Stop::SecretChanged) if planned_again => {
                    let cause = "its secret changed twice meanwhile: another run is at work on it, or somebody deletes it";
                    return Some(Ending::Failed(cause.to_owned()));
                }
                Err(Stop::SecretChanged) => {
                    planned_again = true;
                    self.give_back(std::iter::once(&action).chain(queue.as_slice()));
                    let now = (self.clock)();
                    let learned = self.learn(Question::Secret, facts, now).await;
                    let planned = match learned {
                        Ok(()) => self.plan(facts, verdict, now).await,
                        Err(unreadable) => Err(unreadable),
                    };
                    match planned {
                        Ok(again) => {
                            *plan = again;
                            self.limit(plan);
                            queue = std::mem::take(&mut plan.actions).into_iter();
                        }
                        Err(unreadable) => return Some(Ending::Failed(unreadable.0)),
                    }
                }
            }
        }
        None
    }

    /// Gives back what a plan took of the run's limits and did not use.
    fn give_back<'a>(&self, unused: impl Iterator<Item = &'a Action>) {
        for action in unused {
            match action {
                Action::Provision { .. } => drop(self.provisions_left.fetch_add(1, Ordering::Relaxed)),
                Action::Quarantine => drop(self.quarantines_left.fetch_add(1, Ordering::Relaxed)),
                _ => {}
            }
        }
    }

    /// Ends what belongs to no user: secrets by the unique id in their name, and unassigned devices of ours. What one
    /// complete listing of users lacks may have been renamed between two of its pages, and IAM cannot be asked for an id:
    /// a second complete listing, begun after the first had ended, has to lack it too.
    async fn clear_away(&self, belongings: Belongings, answer: &mut Answer) {
        let now = (self.clock)();
        let Belongings { mut devices, secrets, .. } = belongings;
        if secrets.is_empty() && devices.values().all(Vec::is_empty) {
            return;
        }
        let listed = tokio::time::timeout_at(self.give_up_at, self.clients.iam.users()).await;
        let users = match listed {
            Ok(Ok(users)) => users,
            Ok(Err(error)) => {
                answer
                    .warnings
                    .push(format!("cannot tell what is left over from users that are gone: {error}"));
                return;
            }
            Err(_) => {
                answer
                    .warnings
                    .push("the deadline came before what is left over from users that are gone".to_owned());
                return;
            }
        };
        if users.is_empty() && !self.has_no_user(answer).await {
            return;
        }
        let ids: HashSet<&str> = users.iter().map(|user| user.id.as_str()).collect();
        let present = names_of(&users);
        devices.retain(|user, _| !present.contains(user));
        let mut leftovers = Vec::new();
        for (user_id, secret) in secrets {
            let devices = take_version(&mut devices, secret.current_version.as_deref(), &present);
            if ids.contains(user_id.as_str()) {
                continue;
            }
            match self.in_time("read the user of a secret", self.is_gone(&user_id, &secret, now)).await {
                Ok(true) => leftovers.push(Leftover {
                    user: secret.user_name().to_owned(),
                    user_id,
                    reason: format!(
                        "there is no user with this id any more{}",
                        secret.seed_age(now).map_or(String::new(), lived)
                    ),
                    devices,
                    secret: Some(secret),
                }),
                Ok(false) => {}
                Err(error) => {
                    answer
                        .warnings
                        .push(format!("cannot tell whether the user of `{}` is gone: {error}", secret.name));
                }
            }
        }
        let mut nobodys: Vec<String> = devices.into_values().flatten().collect();
        nobodys.sort();
        leftovers.extend(nobodys.into_iter().map(|serial_number| Leftover {
            user: user_of_device(&serial_number).unwrap_or_default().to_owned(),
            user_id: String::new(),
            reason: format!("there is no such user, and its device {} is left over", shown(&serial_number)),
            devices: vec![serial_number],
            secret: None,
        }));
        let mut buried =
            stream::iter(leftovers).map(|leftover| self.bury(leftover)).buffer_unordered(AT_ONCE);
        while let Some((outcome, done)) = buried.next().await {
            answer.add(outcome, &done);
        }
    }

    /// Whether IAM counts no user either, before an empty listing ends all that there is.
    async fn has_no_user(&self, answer: &mut Answer) -> bool {
        let warning = match self.in_time("read the account summary", self.clients.iam.user_count()).await {
            Ok(Some(0)) => return true,
            Ok(count) => format!(
                "IAM lists no user, and counts {}: nothing was taken for left over",
                count.map_or("nobody knows how many".to_owned(), |count| count.to_string())
            ),
            Err(error) => {
                format!(
                    "IAM lists no user, and nobody knows whether there is none, so nothing was taken for left over: {error}"
                )
            }
        };
        answer.warnings.push(warning);
        false
    }

    /// Whether the user of a secret is gone, who is in no listing. While the secret is so young that the listing of
    /// users may lag behind its creation, IAM is asked for the user itself.
    async fn is_gone(&self, user_id: &str, secret: &Secret, now: Timestamp) -> Result<bool, AwsError> {
        if now.duration_since(secret.created_at) > self.settings.settle {
            return Ok(true);
        }
        if !is_user_name(secret.user_name()) {
            return Ok(false);
        }
        let found = self.clients.iam.user(secret.user_name()).await?;
        Ok(found.is_none_or(|(user, _)| user.id != user_id))
    }

    /// Deletes what belongs to no one, the secret last: till then it shows that there is something left to do.
    async fn bury(&self, leftover: Leftover) -> Turn {
        let Clients { iam, secrets, .. } = self.clients;
        let Leftover { user, user_id, reason, secret, devices } = leftover;
        let delete = async || {
            for serial_number in &devices {
                iam.delete_virtual_mfa_device(serial_number).await?;
            }
            match &secret {
                Some(secret) => secrets.delete(secret.id()).await,
                None => Ok(()),
            }
        };
        let result = if Instant::now() >= self.stop_at {
            Ending::Deferred
        } else if self.dry_run {
            Ending::Planned
        } else {
            match tokio::time::timeout_at(self.give_up_at, Box::pin(delete())).await {
                Ok(Ok(())) => Ending::Done,
                Ok(Err(error)) => Ending::Failed(error.to_string()),
                Err(_) => Ending::Deferred,
            }
        };
        let done = match (&result, secret) {
            (Ending::Done | Ending::Planned, Some(secret)) => {
                vec![Action::Close { secret: secret.name, policies: Vec::new(), devices, farewell: None }]
            }
            (Ending::Done | Ending::Planned, None) => {
                devices.into_iter().map(|serial_number| Action::DeleteDevice { serial_number }).collect()
            }
            _ => Vec::new(),
        };
        let user = shown(&user);
        tracing::info!(user, user_id, reason, result = ?result, "left over from `{user}`");
        let postponed = (result == Ending::Deferred).then_some(Postponed::Deadline);
        let outcome = Outcome::new(&user, &user_id, Status::NotApplicable, reason, &done, result);
        (Outcome { postponed, ..outcome }, done)
    }
}

/// Why nothing can be prepared for a user.
fn in_the_way(user_id: &str) -> String {
    format!(
        "somebody else's secret bears the name `{SECRET_PREFIX}{user_id}`, which this user's would have: it lacks \
         mfa-warden's tag, is left alone, and has to be removed by whoever made it"
    )
}

fn is_farewell(notice: Notice) -> bool {
    matches!(notice, Notice::Enrolled | Notice::Withdrawn)
}

/// Logs what became of a user.
fn log(outcome: &Outcome) {
    let Outcome { user, user_id, reason, .. } = outcome;
    match &outcome.result {
        Ending::Failed(cause) => tracing::error!(user, user_id, cause, "user `{user}` failed"),
        Ending::None if outcome.verdict == Status::Unknown => {
            tracing::error!(user, user_id, cause = reason, "user `{user}` is unreadable");
        }
        Ending::None => tracing::debug!(user, user_id, reason, "nothing to do for `{user}`"),
        result => {
            let actions = outcome.actions.join(", ");
            tracing::info!(user, user_id, reason, actions, result = ?result, "user `{user}`");
        }
    }
}

/// A seed's life, as reasons tell it.
fn lived(life: SignedDuration) -> String {
    format!("; its seed existed for {}", notice::words(life))
}

/// What is left of a user that is gone.
struct Leftover {
    user: String,
    user_id: String,
    reason: String,
    secret: Option<Secret>,
    devices: Vec<String>,
}

/// The unique ids of the users that each of our policies is attached to.
struct Attachments {
    enrollment: HashSet<String>,
    quarantine: HashSet<String>,
}

impl Attachments {
    fn of(&self, user_id: &str) -> Attached {
        Attached {
            enrollment: self.enrollment.contains(user_id),
            quarantine: self.quarantine.contains(user_id),
        }
    }
}

/// Secrets by user id, and unassigned devices of ours by the lower-case name of their user (IAM's names are unique
/// without regard to case). Users take theirs; what remains is nobody's.
struct Belongings {
    devices: HashMap<String, Vec<String>>,
    secrets: BTreeMap<String, Secret>,
    /// What follows [`SECRET_PREFIX`] in the names of secrets that are not ours. They are never touched.
    foreign: HashSet<String>,
}

impl Belongings {
    fn new(devices: &[Device], secrets: Vec<Secret>) -> Self {
        let mut by_user: HashMap<String, Vec<String>> = HashMap::new();
        for device in devices.iter().filter(|device| device.assigned_to.is_none()) {
            if let Some(user) = user_of_device(&device.serial_number) {
                by_user.entry(user.to_ascii_lowercase()).or_default().push(device.serial_number.clone());
            }
        }
        let mut belongings =
            Belongings { devices: by_user, secrets: BTreeMap::new(), foreign: HashSet::new() };
        for secret in secrets {
            match secret.owner_id().map(str::to_owned) {
                Some(user_id) => drop(belongings.secrets.insert(user_id, secret)),
                None => {
                    belongings.foreign.insert(secret.name[SECRET_PREFIX.len()..].to_owned());
                }
            }
        }
        belongings
    }

    /// The user's devices: by its name, and by the version they were made for under a former name. What is named after
    /// somebody `present` (names in lower case) is theirs: whoever can write versions can choose what they end in.
    fn devices_of(&mut self, user: &User, secret: Option<&Secret>, present: &HashSet<String>) -> Vec<String> {
        let mut devices = self.devices.remove(&user.name.to_ascii_lowercase()).unwrap_or_default();
        let version = secret.and_then(|secret| secret.current_version.as_deref());
        devices.extend(take_version(&mut self.devices, version, present));
        devices
    }

    /// The other names, in lower case, under which a device may have been made for the user's secret.
    fn former_names(&self, user: &User, secret: Option<&Secret>) -> Vec<String> {
        let own = user.name.to_ascii_lowercase();
        let Some(version) = secret.and_then(|secret| secret.current_version.as_deref()) else {
            return Vec::new();
        };
        let is_of_version = |serials: &[String]| serials.iter().any(|serial| is_made_for(serial, version));
        let others = self.devices.iter().filter(|(name, serials)| **name != own && is_of_version(serials));
        others.map(|(name, _)| name.clone()).collect()
    }
}

/// The names of the users, in lower case: IAM's names are unique without regard to case.
fn names_of(users: &[User]) -> HashSet<String> {
    users.iter().map(|user| user.name.to_ascii_lowercase()).collect()
}

/// Takes the devices made for `version` under names that nobody `present` has.
fn take_version(
    devices: &mut HashMap<String, Vec<String>>,
    version: Option<&str>,
    present: &HashSet<String>,
) -> Vec<String> {
    let Some(version) = version else {
        return Vec::new();
    };
    let former = devices.iter_mut().filter(|(name, _)| !present.contains(*name));
    former.flat_map(|(_, own)| own.extract_if(.., |serial| is_made_for(serial, version))).collect()
}

fn warn_of_others(foreign: &HashSet<String>, answer: &mut Answer) {
    if foreign.is_empty() {
        return;
    }
    // Those that a user's secret would be named like first: they stand in the way.
    let mut names: Vec<&String> = foreign.iter().collect();
    names.sort_by_key(|name| (!is_unique_id(name), name.as_str()));
    let named: Vec<String> =
        names.iter().take(NAMED).map(|name| shown(&format!("{SECRET_PREFIX}{name}"))).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    answer.warnings.push(format!(
        "secrets that mfa-warden did not make bear its prefix and are left alone (each of its own is named after a user's \
         unique id and has a tag that says the same): {}{more}",
        named.join(", ")
    ));
}

fn warn_of_attachments(error: &AwsError, answer: &mut Answer) {
    answer.warnings.push(format!(
        "cannot tell whom our policies are attached to, so that none is attached or detached: {error}"
    ));
}

fn warn_of_root(root: Result<Root, AwsError>, reported_mfa: Option<bool>, answer: &mut Answer) {
    const NO_MFA: &str = "the root user has a password and no MFA: sign in as root and assign an MFA device, or \
                          remove its credentials by central root access";
    match (root, reported_mfa) {
        (Ok(Root { mfa: false, password: true }), _) | (Err(_), Some(false)) => {
            answer.warnings.push(NO_MFA.to_owned());
        }
        (Ok(_), _) | (Err(_), Some(true)) => {}
        (Err(error), None) => {
            answer.warnings.push(format!("cannot tell whether the root user has MFA: {error}"));
        }
    }
}
