//! observe -> judge -> plan -> act, for one user and for all of them.

use crate::act::{Actor, Stop};
use crate::aws::credential_report::{CredentialReport, Vouched};
use crate::aws::{AwsError, Clients};
use crate::config::{Scope, Settings};
use crate::facts::{
    Account, Device, Root, SECRET_PREFIX, Secret, Unreadable, User, UserFacts, user_of_device,
};
use crate::plan::{Action, plan};
use crate::report::{Answer, Ending, Outcome};
use crate::verdict::{Status, Verdict, judge};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
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
    /// Plan only.
    pub dry_run: bool,
    /// When to stop starting on users.
    pub stop_at: Instant,
    /// Users that may still be provisioned.
    pub provisions_left: AtomicU32,
}

/// A user to be looked at alone.
struct Candidate {
    user: User,
    /// The user's tags, where they were read with the user.
    tags: Option<BTreeMap<String, String>>,
    secret: Option<Secret>,
    /// Whether `secret` was read by name in this run, and not taken from a listing that may lag.
    secret_is_fresh: bool,
    /// Unassigned devices of ours under the user's name.
    devices: Vec<String>,
}

/// What became of a user, and what was done.
type Turn = (Outcome, Vec<Action>);

impl Run<'_> {
    /// Looks at every user of the account.
    ///
    /// # Errors
    /// When users, devices or secrets cannot be listed; nothing was changed then.
    pub async fn sweep(&self) -> Result<Answer, AwsError> {
        let Clients { iam, secrets, .. } = self.clients;
        let mut answer = Answer::new("sweep", self.dry_run, &self.account.id);
        // Devices before users: a new user's device is never taken for nobody's.
        let listing = async { Ok((iam.virtual_mfa_devices(false).await?, iam.users().await?)) };
        let report = async {
            let waited = tokio::time::timeout_at(self.stop_at, iam.credential_report()).await;
            Ok(waited.unwrap_or_else(|_| {
                Err(Unreadable("the deadline came before the credential report".to_owned()))
            }))
        };
        let root = async { Ok(iam.root().await) };
        let ((devices, users), secrets, report, root) =
            futures_util::try_join!(listing, secrets.list(), report, root)?;
        let report = report.unwrap_or_else(|unreadable| {
            answer.warnings.push(format!(
                "no credential report, so that every user without a listed device is looked at alone: {unreadable}"
            ));
            CredentialReport::default()
        });
        warn_of_root(root, report.root_mfa, &mut answer);

        let Sorted { settled, mut suspects, nobodys } =
            sort(users, devices, secrets, &report, self.settings.scope);
        for status in settled {
            answer.users.add(status);
        }
        tracing::info!(
            users = answer.users.total as usize + suspects.len(),
            suspects = suspects.len(),
            "account listed"
        );
        // So that users that always fail cannot keep others from their turn when time is short.
        fastrand::shuffle(&mut suspects);
        let mut turns =
            stream::iter(suspects).map(|candidate| self.turn(candidate)).buffer_unordered(AT_ONCE);
        while let Some((outcome, done)) = turns.next().await {
            answer.users.add(outcome.verdict);
            answer.add(outcome, &done);
        }
        for serial_number in nobodys {
            let (outcome, done) = self.clear_away(serial_number).await;
            answer.add(outcome, &done);
        }
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
            answer.warnings.push(format!("there is no IAM user `{name}`"));
            return Ok(answer);
        };
        let secret = secrets.describe(&format!("{SECRET_PREFIX}{}", user.id)).await?;
        let devices = unassigned_by_user(&devices).remove(&user.name.to_ascii_lowercase());
        let candidate = Candidate {
            user,
            tags: Some(tags),
            secret,
            secret_is_fresh: true,
            devices: devices.unwrap_or_default(),
        };
        let (outcome, done) = self.turn(candidate).await;
        answer.users.add(outcome.verdict);
        answer.add(outcome, &done);
        Ok(answer)
    }

    /// One user's turn, from looking to acting.
    async fn turn(&self, candidate: Candidate) -> Turn {
        let User { name, id, .. } = candidate.user.clone();
        let outcome = |verdict: Verdict, actions: &[Action], result| Outcome {
            user: name.clone(),
            user_id: id.clone(),
            verdict: verdict.status,
            reason: verdict.reason,
            actions: actions.iter().map(ToString::to_string).collect(),
            result,
        };
        if Instant::now() >= self.stop_at {
            let verdict =
                Verdict { status: Status::Unknown, reason: "not looked at before the deadline".to_owned() };
            return (outcome(verdict, &[], Ending::Deferred), Vec::new());
        }
        let (verdict, planned) = self.look(candidate).await;
        let (done, ending) = match planned {
            None => (Vec::new(), Ending::None),
            Some((_, actions)) if actions.is_empty() => (Vec::new(), Ending::None),
            Some((_, actions)) if !self.may_provision(&actions) => (Vec::new(), Ending::Deferred),
            Some((_, actions)) if self.dry_run => (actions, Ending::Planned),
            Some((facts, actions)) => self.carry_out(facts, actions, &verdict).await,
        };
        let outcome = outcome(verdict, &done, ending);
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
            && !actions.is_empty()
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
        (verdict, facts.ok().map(|facts| (facts, actions)))
    }

    /// Reads what is to be known of one user. Any read that fails makes the whole user unknown.
    async fn observe(&self, candidate: Candidate) -> Result<UserFacts, Unreadable> {
        let iam = &self.clients.iam;
        let Candidate { user: listed, tags, secret, secret_is_fresh: _, devices } = candidate;
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
        };
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

    /// Acts; the first failure ends the plan of this user.
    async fn carry_out(
        &self,
        mut facts: UserFacts,
        actions: Vec<Action>,
        verdict: &Verdict,
    ) -> (Vec<Action>, Ending) {
        let Run { clients, settings, account, clock, .. } = *self;
        let actor = Actor { clients, settings, account, clock };
        let mut done = Vec::new();
        let mut planned_again = false;
        let mut queue = actions.into_iter();
        while let Some(action) = queue.next() {
            match actor.act(&action, &mut facts).await {
                Ok(()) => done.push(action),
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
                    queue = plan(&facts, verdict, settings, clock()).into_iter();
                }
            }
        }
        let ending = if done.is_empty() { Ending::None } else { Ending::Done };
        (done, ending)
    }

    /// Deletes an unassigned device of ours whose user is in no listing.
    async fn clear_away(&self, serial_number: String) -> Turn {
        let user = user_of_device(&serial_number).unwrap_or(&serial_number).to_owned();
        let action = Action::DeleteDevice { serial_number: serial_number.clone() };
        let deleted = if self.dry_run {
            Ok(Ending::Planned)
        } else {
            self.clients.iam.delete_virtual_mfa_device(&serial_number).await.map(|()| Ending::Done)
        };
        let (done, result) = match deleted {
            Ok(ending) => (vec![action], ending),
            Err(error) => (Vec::new(), Ending::Failed(error.to_string())),
        };
        let outcome = Outcome {
            user,
            user_id: String::new(),
            verdict: Status::NotApplicable,
            reason: format!("there is no such user, and its device {serial_number} is left over"),
            actions: done.iter().map(ToString::to_string).collect(),
            result,
        };
        (outcome, done)
    }
}

/// The users of an account, sorted into those settled by the listings and those to be looked at alone.
struct Sorted {
    settled: Vec<Status>,
    suspects: Vec<Candidate>,
    /// Unassigned devices of ours that no user's name fits.
    nobodys: Vec<String>,
}

/// Settles a user by the live device list or by the credential report; a user with a secret or a device of ours
/// is always looked at.
fn sort(
    users: Vec<User>,
    devices: Vec<Device>,
    mut secrets: BTreeMap<String, Secret>,
    report: &CredentialReport,
    scope: Scope,
) -> Sorted {
    let mut unassigned = unassigned_by_user(&devices);
    let enrolled: HashSet<&str> = devices.iter().filter_map(|device| device.assigned_to.as_deref()).collect();
    let mut settled = Vec::new();
    let mut suspects = Vec::new();
    for user in users {
        let secret = secrets.remove(&user.id);
        let devices = unassigned.remove(&user.name.to_ascii_lowercase()).unwrap_or_default();
        let vouched = if enrolled.contains(user.arn.as_str()) {
            Some(Vouched::Mfa)
        } else {
            report.vouches_for(&user, scope)
        };
        match vouched {
            Some(Vouched::Mfa) if secret.is_none() && devices.is_empty() => settled.push(Status::Compliant),
            Some(Vouched::OutOfScope) if secret.is_none() && devices.is_empty() => {
                settled.push(Status::NotApplicable)
            }
            _ => suspects.push(Candidate { user, tags: None, secret, secret_is_fresh: false, devices }),
        }
    }
    let mut nobodys: Vec<String> = unassigned.into_values().flatten().collect();
    nobodys.sort();
    Sorted { settled, suspects, nobodys }
}

/// Unassigned devices of ours by the lower-case name of their user (IAM's names are unique without regard to
/// case).
fn unassigned_by_user(devices: &[Device]) -> HashMap<String, Vec<String>> {
    let mut by_user: HashMap<String, Vec<String>> = HashMap::new();
    for device in devices.iter().filter(|device| device.assigned_to.is_none()) {
        if let Some(user) = user_of_device(&device.serial_number) {
            by_user.entry(user.to_ascii_lowercase()).or_default().push(device.serial_number.clone());
        }
    }
    by_user
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
