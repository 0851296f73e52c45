//! observe -> judge -> plan -> act, for one user and for all of them.

use crate::act::{Actor, Stop};
use crate::audience::Audience;
use crate::aws::credential_report::{CredentialReport, Vouched};
use crate::aws::{AwsError, Clients};
use crate::config::{Scope, Settings};
use crate::facts::{
    Account, Attached, Device, Lost, Root, SECRET_PREFIX, Secret, Unreadable, User, UserFacts, is_user_name,
    user_of_device, version_suffix,
};
use crate::notice;
use crate::plan::{Action, Notice, plan};
use crate::report::{self, Answer, Ending, Open, Outcome};
use crate::verdict::{Status, Verdict, judge, shown};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::Instant;

/// Users worked on at once: enough to hide AWS's latency, few enough for IAM's undocumented rate.
const AT_ONCE: usize = 8;

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
    /// Users that may still be provisioned.
    pub provisions_left: AtomicU32,
    /// Who listens to the owner topic.
    pub audience: Audience<'a>,
}

/// A user to be looked at alone.
struct Candidate {
    user: User,
    /// The user's tags, where they were read with the user.
    tags: Option<BTreeMap<String, String>>,
    secret: Option<Secret>,
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
    /// A run with its settings' limits, that stops starting on users at `stop_at`.
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
            provisions_left: AtomicU32::new(settings.max_provisions),
            audience: Audience::new(&clients.sns, &settings.owner_topic_arn),
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
        let listing = async {
            let (devices, secrets) = futures_util::try_join!(iam.virtual_mfa_devices(false), secrets.list())?;
            Ok((devices, secrets, iam.users().await?))
        };
        let report = async {
            let waited = tokio::time::timeout_at(self.stop_at, iam.credential_report()).await;
            let late = |_| Err(Unreadable("the deadline came before the credential report".to_owned()));
            Ok(waited.unwrap_or_else(late))
        };
        let root = async { Ok(iam.root().await) };
        let attachments = async { Ok(self.attachments().await) };
        let ((devices, secrets, users), report, root, attachments) =
            futures_util::try_join!(listing, report, root, attachments)?;
        let report = report.unwrap_or_else(|unreadable| {
            answer.warnings.push(format!(
                "no credential report, so that every user without a listed device is looked at alone: {unreadable}"
            ));
            CredentialReport::default()
        });
        warn_of_root(root, report.root_mfa, &mut answer);
        let attachments = attachments.map_err(|error| warn_of_attachments(&error, &mut answer)).ok();

        let enrolled: HashSet<&str> =
            devices.iter().filter_map(|device| device.assigned_to.as_deref()).collect();
        let mut belongings = Belongings::new(&devices, secrets);
        let mut suspects = Vec::new();
        for user in users {
            let secret = belongings.secrets.remove(&user.id);
            let devices = belongings.devices_of(&user, secret.as_ref());
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
        answer.warnings.extend(self.audience.troubles());
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
        let devices = iam.virtual_mfa_devices(true).await?;
        let (found, root) = futures_util::join!(iam.user(name), iam.root());
        warn_of_root(root, None, &mut answer);
        let Some((user, tags)) = found? else {
            // Only complete listings tell what belongs to no one.
            let mut belongings = Belongings::new(&devices, secrets.list().await?);
            for user in iam.users().await? {
                let secret = belongings.secrets.remove(&user.id);
                belongings.devices_of(&user, secret.as_ref());
            }
            answer.warnings.push(format!("there is no IAM user `{name}`"));
            self.clear_away(belongings, &mut answer).await;
            return Ok(answer);
        };
        let attached = self.attached(&user).await;
        let attached = attached.map_err(|error| warn_of_attachments(&error, &mut answer)).ok();
        let secret = self.describe(&user).await?;
        let devices = Belongings::new(&devices, BTreeMap::new()).devices_of(&user, secret.as_ref());
        let candidate = Candidate {
            user,
            tags: Some(tags),
            secret,
            secret_is_fresh: true,
            devices,
            attached,
            enrolled: false,
        };
        let (outcome, done) = self.turn(candidate).await;
        answer.users.add(outcome.verdict);
        answer.add(outcome, &done);
        answer.warnings.extend(self.audience.troubles());
        Ok(answer)
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

    /// One user's turn, from looking to acting.
    async fn turn(&self, candidate: Candidate) -> Turn {
        let User { name, id, .. } = candidate.user.clone();
        let outcome = |verdict: Verdict, actions: &[Action], result| Outcome {
            user: name.clone(),
            user_id: id.clone(),
            verdict: verdict.status,
            reason: verdict.reason,
            actions: report::names(actions),
            result,
            open: None,
        };
        let listed = candidate.secret.clone();
        if Instant::now() >= self.stop_at {
            let verdict =
                Verdict { status: Status::Unknown, reason: "not looked at before the deadline".to_owned() };
            let open = listed.as_ref().map(|secret| self.open(secret, candidate.attached));
            return (Outcome { open, ..outcome(verdict, &[], Ending::Deferred) }, Vec::new());
        }
        let (mut verdict, mut planned) = self.look(candidate).await;
        let seen = planned.as_ref().map_or(listed.as_ref(), |(facts, _)| facts.secret.as_ref());
        let unheard_before = seen.and_then(Secret::lost).is_some();
        let (done, ending) = match &mut planned {
            None => (Vec::new(), Ending::None),
            Some((_, actions)) if actions.is_empty() => (Vec::new(), Ending::None),
            Some((_, actions)) if !self.may_provision(actions) => (Vec::new(), Ending::Deferred),
            Some((_, actions)) if self.dry_run => (std::mem::take(actions), Ending::Planned),
            Some((facts, actions)) => self.carry_out(facts, std::mem::take(actions), &verdict).await,
        };
        let now = (self.clock)();
        let facts = planned.map(|(facts, _)| facts);
        let unreachable =
            facts.as_ref().and_then(|facts| facts.reach?.hindrance(&shown(facts.recipient(self.settings))));
        let denied = facts.as_ref().map(|facts| facts.denials.iter().map(ToString::to_string).collect());
        let (secret, attached) = facts.map_or((listed, None), |facts| (facts.secret, facts.attached));
        let closed = done.iter().any(|action| matches!(action, Action::Close { .. }));
        if let Some(life) = secret.as_ref().filter(|_| closed).and_then(|secret| secret.seed_age(now)) {
            verdict.reason += &lived(life);
        }
        let waits = matches!(verdict.status, Status::NonCompliant | Status::Unknown);
        let open = secret.filter(|_| waits).map(|secret| Open {
            unreachable,
            unheard_before,
            denied: denied.unwrap_or_default(),
            ..self.open(&secret, attached)
        });
        let outcome = Outcome { open, ..outcome(verdict, &done, ending) };
        match &outcome.result {
            Ending::Failed(cause) => {
                tracing::error!(user = name, user_id = id, cause, "user `{name}` failed")
            }
            Ending::None if outcome.verdict == Status::Unknown => {
                tracing::error!(
                    user = name,
                    user_id = id,
                    cause = outcome.reason,
                    "user `{name}` is unreadable"
                );
            }
            Ending::None => tracing::debug!(
                user = name,
                user_id = id,
                reason = outcome.reason,
                "nothing to do for `{name}`"
            ),
            result => tracing::info!(
                user = name,
                user_id = id,
                reason = outcome.reason,
                actions = outcome.actions.join(", "),
                result = ?result,
                "user `{name}`"
            ),
        }
        (outcome, done)
    }

    /// An enrolment as its secret tells of it.
    fn open(&self, secret: &Secret, attached: Option<Attached>) -> Open {
        let unheard = secret.lost().is_some();
        Open {
            seed_age: secret.seed_age((self.clock)()),
            overdue: secret.overdue_by(self.settings.grace_period, self.began),
            quarantined: attached.is_some_and(|attached| attached.quarantine),
            unreachable: None,
            unheard,
            unheard_before: unheard,
            denied: Vec::new(),
        }
    }

    /// Observes, judges and plans; no plan where something was unreadable. What a listing showed of a secret only
    /// finds candidates: before anything is done the secret is read by name, and the plan made again.
    async fn look(&self, candidate: Candidate) -> (Verdict, Option<(UserFacts, Vec<Action>)>) {
        let now = (self.clock)();
        let fresh = candidate.secret_is_fresh;
        let mut facts = self.observe(candidate).await;
        let mut verdict = judge(&facts, self.settings.scope, now);
        let mut actions =
            facts.as_ref().map_or_else(|_| Vec::new(), |facts| plan(facts, &verdict, self.settings, now));
        if let Ok(known) = &mut facts
            && !fresh
            && (!actions.is_empty() || self.to_be_told(known, &actions).is_some())
            && (known.secret.is_some() || !known.devices.is_empty())
        {
            match self.describe(&known.user).await {
                Ok(secret) => {
                    known.secret = secret;
                    actions = plan(known, &verdict, self.settings, now);
                }
                Err(error) => {
                    facts = Err(error.into());
                    verdict = judge(&facts, self.settings.scope, now);
                }
            }
        }
        if let Ok(known) = &mut facts
            && verdict.status == Status::NonCompliant
            && let Some(notice) = self.to_be_told(known, &actions)
        {
            let recipient = known.recipient(self.settings);
            let attributes = notice::attributes(notice, recipient, &known.user.name, &self.account.id);
            known.reach = Some(self.audience.reach(recipient, &attributes).await);
            actions = plan(known, &verdict, self.settings, now);
        }
        (verdict, facts.ok().map(|facts| (facts, actions)))
    }

    /// What the owner is about to be told, or would be if it were within reach again.
    fn to_be_told(&self, facts: &UserFacts, actions: &[Action]) -> Option<Notice> {
        let again = |secret: &Secret| match secret.lost()? {
            Lost::Everything | Lost::Invitation => Some(Notice::Invitation),
            Lost::Later => Some(Notice::Reminder),
        };
        actions.iter().find_map(Action::notice).or_else(|| facts.secret.as_ref().and_then(again))
    }

    /// Reads what is to be known of one user. Any read that fails makes the whole user unknown.
    async fn observe(&self, candidate: Candidate) -> Result<UserFacts, Unreadable> {
        let iam = &self.clients.iam;
        let Candidate { user: listed, tags, secret, secret_is_fresh: _, devices, attached, enrolled } =
            candidate;
        let (user, tags) = match tags {
            Some(tags) => (listed, tags),
            None => match iam.user(&listed.name).await? {
                Some((user, tags)) if user.id == listed.id => (user, tags),
                _ => {
                    return Err(Unreadable(format!(
                        "IAM listed the user `{}` and then did not find it: it was made, renamed or deleted a moment ago",
                        listed.name
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
            devices,
            attached,
            reach: None,
            denials: Vec::new(),
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

    async fn describe(&self, user: &User) -> Result<Option<Secret>, AwsError> {
        self.clients.secrets.describe(&format!("{SECRET_PREFIX}{}", user.id)).await
    }

    /// Takes one of the run's provisions where the plan needs one.
    fn may_provision(&self, actions: &[Action]) -> bool {
        let provisions = actions.iter().any(|action| matches!(action, Action::Provision { .. }));
        let take = |left: u32| left.checked_sub(1);
        !provisions || self.provisions_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Acts; the first failure ends the plan of this user, but for a policy that could not be attached.
    async fn carry_out(
        &self,
        facts: &mut UserFacts,
        actions: Vec<Action>,
        verdict: &Verdict,
    ) -> (Vec<Action>, Ending) {
        let Run { clients, settings, account, clock, ref audience, .. } = *self;
        let actor = Actor { clients, settings, account, clock, audience };
        let mut done = Vec::new();
        let mut planned_again = false;
        let mut unattached = None;
        let mut queue = actions.into_iter();
        while let Some(action) = queue.next() {
            if action == Action::Quarantine
                && let Some(cause) = unattached
            {
                // Denied everything but enrolling, and not allowed to enrol: that would be a lockout.
                return (done, Ending::Failed(cause));
            }
            match actor.act(&action, verdict, facts).await {
                Ok(()) => done.push(action),
                // Whoever cannot be given the policy must hear of the device all the same: many need no policy.
                Err(Stop::Failed(cause)) if action == Action::Attach => unattached = Some(cause),
                Err(Stop::LeftUndone) => {}
                Err(Stop::Lost) => return (done, Ending::Deferred),
                Err(Stop::Failed(cause)) => return (done, Ending::Failed(cause)),
                Err(Stop::SecretExists) if planned_again => {
                    let cause =
                        "its secret exists and yet cannot be found, perhaps while it is being deleted";
                    return (done, Ending::Failed(cause.to_owned()));
                }
                Err(Stop::SecretExists) => {
                    planned_again = true;
                    match self.describe(&facts.user).await {
                        Ok(secret) => facts.secret = secret,
                        Err(error) => return (done, Ending::Failed(error.to_string())),
                    }
                    queue = plan(facts, verdict, settings, clock()).into_iter();
                }
            }
        }
        let ending = match unattached {
            Some(cause) => Ending::Failed(cause),
            None if done.is_empty() => Ending::None,
            None => Ending::Done,
        };
        (done, ending)
    }

    /// Ends what belongs to no user of complete listings: secrets by the unique id in their name, and unassigned
    /// devices of ours.
    async fn clear_away(&self, belongings: Belongings, answer: &mut Answer) {
        let now = (self.clock)();
        let Belongings { mut devices, secrets } = belongings;
        let mut leftovers = Vec::new();
        for (user_id, secret) in secrets {
            let devices = take_version(&mut devices, secret.current_version.as_deref());
            match self.is_gone(&user_id, &secret, now).await {
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
        for serial_number in nobodys {
            let user = user_of_device(&serial_number).unwrap_or_default().to_owned();
            // A device does not tell its age, and the listing of users may lag behind: IAM is asked for the user.
            match self.clients.iam.user(&user).await {
                Ok(None) => leftovers.push(Leftover {
                    user,
                    user_id: String::new(),
                    reason: format!("there is no such user, and its device {serial_number} is left over"),
                    devices: vec![serial_number],
                    secret: None,
                }),
                Ok(Some(_)) => {}
                Err(error) => {
                    answer
                        .warnings
                        .push(format!("cannot tell whether {serial_number} is anybody's: {error}"));
                }
            }
        }
        for leftover in leftovers {
            let (outcome, done) = self.bury(leftover).await;
            answer.add(outcome, &done);
        }
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
                Some(secret) => secrets.delete(&secret.name).await,
                None => Ok(()),
            }
        };
        let result = if Instant::now() >= self.stop_at {
            Ending::Deferred
        } else if self.dry_run {
            Ending::Planned
        } else {
            delete().await.map_or_else(|error| Ending::Failed(error.to_string()), |()| Ending::Done)
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
        tracing::info!(user, user_id, reason, result = ?result, "left over from `{user}`");
        let actions = report::names(&done);
        let verdict = Status::NotApplicable;
        (Outcome { user, user_id, verdict, reason, actions, result, open: None }, done)
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
}

impl Belongings {
    fn new(devices: &[Device], secrets: BTreeMap<String, Secret>) -> Self {
        let mut by_user: HashMap<String, Vec<String>> = HashMap::new();
        for device in devices.iter().filter(|device| device.assigned_to.is_none()) {
            if let Some(user) = user_of_device(&device.serial_number) {
                by_user.entry(user.to_ascii_lowercase()).or_default().push(device.serial_number.clone());
            }
        }
        Belongings { devices: by_user, secrets }
    }

    /// The user's devices: by its name, and by the version they were made for under a former name.
    fn devices_of(&mut self, user: &User, secret: Option<&Secret>) -> Vec<String> {
        let mut devices = self.devices.remove(&user.name.to_ascii_lowercase()).unwrap_or_default();
        let version = secret.and_then(|secret| secret.current_version.as_deref());
        devices.extend(take_version(&mut self.devices, version));
        devices
    }
}

/// Takes the devices made for `version`, whatever the user's name was.
fn take_version(devices: &mut HashMap<String, Vec<String>>, version: Option<&str>) -> Vec<String> {
    let Some(version) = version else {
        return Vec::new();
    };
    let suffix = format!(".{}", version_suffix(version));
    let taken = devices.values_mut().flat_map(|own| own.extract_if(.., |serial| serial.ends_with(&suffix)));
    taken.collect()
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
