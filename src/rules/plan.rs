//! The decision table: facts, verdict and settings -> what to do, or what must be known first. One function for each row, in
//! the order of [`Rule::ALL`]. The first row that applies decides.

use crate::model::action::{Action, Notice, Obstacle, Policy, Postponed};
use crate::model::blocker::{Blocker, NotQuarantined};
use crate::model::delivery::Delivery;
use crate::model::enrollment::{Doubt, Enrollment, Secret, created_at};
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::recipient::Recipient;
use crate::model::rule::Rule;
use crate::model::settings::{AfterGrace, Settings};
use crate::model::verdict::{Status, Verdict};
use jiff::Timestamp;

/// What follows from the facts.
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for a moment")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This question must be answered first.
    Learn(Question),
    /// This plan is to be carried out.
    Do(Plan),
}

/// A fact that is read only if a plan needs it, and at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The user's secret as it is now: listings may lag.
    Secret,
    /// Whether a second listing shows the version's device, which the first may have missed.
    Device,
    /// Whether messages reach the owner.
    Delivery,
    /// What keeps the owner from enrolling.
    Blockers,
}

/// What is to be done for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The row of the table that decided.
    pub rule: Rule,
    /// The actions, in order.
    pub actions: Vec<Action>,
    /// What was left to a later run, and why.
    pub postponed: Option<Postponed>,
    /// What blocks any action until somebody removes it.
    pub obstacle: Option<Obstacle>,
    /// Why the user is not quarantined, although it is overdue and was warned.
    pub not_quarantined: Vec<NotQuarantined>,
    /// The action to take instead if the quarantine is left to a later run.
    pub instead: Option<Action>,
}

impl Plan {
    /// An empty plan by this rule.
    pub fn by(rule: Rule) -> Self {
        Plan {
            rule,
            actions: Vec::new(),
            postponed: None,
            obstacle: None,
            not_quarantined: Vec::new(),
            instead: None,
        }
    }

    /// A plan by this rule with these actions.
    fn of(rule: Rule, actions: impl IntoIterator<Item = Action>) -> Self {
        Plan { actions: actions.into_iter().collect(), ..Plan::by(rule) }
    }

    /// Whether the plan does nothing and leaves nothing to report.
    fn is_empty(&self) -> bool {
        *self == Plan::by(self.rule) && self.rule != Rule::Unreachable
    }
}

/// Plans for one user.
pub fn next(facts: &UserFacts, verdict: &Verdict, settings: &Settings, now: Timestamp) -> Next {
    let case = Case { facts, verdict, settings, now };
    let decided = Rule::ALL.into_iter().find_map(|rule| case.decide(rule).transpose());
    // The last row applies to everybody.
    let decided = decided.unwrap_or(Ok(Plan::by(Rule::NothingDue)));
    // A listing of secrets only finds candidates: before anything is done, the secret is read by name.
    let has_something = facts.secret.is_some() || facts.foreign_secret || !facts.devices.is_empty();
    let is_stale = has_something && !facts.secret_is_fresh;
    match decided {
        Ok(plan) if is_stale && !plan.is_empty() => Next::Learn(Question::Secret),
        Ok(plan) => Next::Do(plan),
        Err(Question::Blockers | Question::Device) if is_stale => Next::Learn(Question::Secret),
        Err(question) => Next::Learn(question),
    }
}

/// The result of a row: a plan; `None`: the row does not apply; or a question to answer first.
type Row = Result<Option<Plan>, Question>;

/// One user at one moment.
#[derive(Clone, Copy)]
struct Case<'a> {
    facts: &'a UserFacts,
    verdict: &'a Verdict,
    settings: &'a Settings,
    now: Timestamp,
}

impl<'a> Case<'a> {
    /// The result of this row. Each row may rely on the fact that no earlier row applies.
    fn decide(&self, rule: Rule) -> Row {
        match rule {
            Rule::Unknown => self.unknown(),
            Rule::UserGone => self.user_gone(),
            Rule::HasMfa => self.has_mfa(),
            Rule::NeedNotEnroll => self.need_not_enroll(),
            Rule::Retiring => self.retiring(),
            Rule::ForeignSecret => self.foreign_secret(),
            Rule::NeverReached => self.never_reached(),
            Rule::OutsidePilot => self.outside_pilot(),
            Rule::Unreachable => self.unreachable(),
            Rule::NotPrepared => self.not_prepared(),
            Rule::Broken => self.broken(),
            Rule::OfferTooOld => self.offer_too_old(),
            Rule::Settling => self.settling(),
            Rule::InvitationDue => self.invitation_due(),
            Rule::QuarantineNotTold => self.quarantine_not_told(),
            Rule::UnableToEnroll => self.unable_to_enroll(),
            Rule::OutsideQuarantineHours => self.outside_quarantine_hours(),
            Rule::QuarantineDue => self.quarantine_due(),
            Rule::ReminderDue => self.reminder_due(),
            Rule::NothingDue => self.nothing_due(),
        }
    }

    fn unknown(&self) -> Row {
        let is_unknown = self.verdict.status == Status::Unknown;
        Ok(is_unknown.then(|| Plan::by(Rule::Unknown)))
    }

    /// `run::leftovers` says who is gone, by complete listings.
    fn user_gone(&self) -> Row {
        Ok(self.facts.is_gone.then(|| self.closing(Rule::UserGone, None)))
    }

    fn has_mfa(&self) -> Row {
        let has_mfa = self.verdict.status == Status::Compliant;
        Ok(has_mfa.then(|| self.closing(Rule::HasMfa, Some(Notice::Enrolled))))
    }

    fn need_not_enroll(&self) -> Row {
        let need_not = matches!(self.verdict.status, Status::Exempt | Status::NotApplicable);
        Ok(need_not.then(|| self.closing(Rule::NeedNotEnroll, Some(Notice::Withdrawn))))
    }

    /// Nothing is begun, and what is open is withdrawn. The owner is told that MFA may still be required.
    fn retiring(&self) -> Row {
        Ok(self.settings.retire.then(|| self.closing(Rule::Retiring, Some(Notice::Withdrawn))))
    }

    /// A user who is offered nothing must not be quarantined. Nothing else is removed: the secret may get a lost tag back.
    fn foreign_secret(&self) -> Row {
        let lift = self.facts.is_quarantined().then_some(Action::Detach(Policy::Quarantine));
        let obstacle = Some(Obstacle::ForeignSecret);
        let plan = Plan { obstacle, ..Plan::of(Rule::ForeignSecret, lift) };
        Ok(self.facts.foreign_secret.then_some(plan))
    }

    /// A seed is not kept for an owner who cannot be told of it. After an owner has received a notice, the enrollment goes
    /// on: unsubscribing does not end it.
    fn never_reached(&self) -> Row {
        let Some(secret) = self.facts.secret.as_ref().filter(|secret| secret.never_delivered(self.now))
        else {
            return Ok(None);
        };
        if !self.delivery()?.is_surely_not() {
            return Ok(None);
        }
        let actions = std::iter::once(self.close(secret, None)).chain(self.subscription());
        Ok(Some(Plan::of(Rule::NeverReached, actions)))
    }

    /// Outside the pilot, an enrollment continues only if a notice went out.
    fn outside_pilot(&self) -> Row {
        let secret = self.facts.secret.as_ref();
        let is_told = secret.is_some_and(|secret| secret.first_notice_at(self.now).is_some());
        let actions = match secret {
            None => self.leftovers(),
            Some(_) => self.lifting(None).into_iter().collect(),
        };
        let plan = Plan { postponed: Some(Postponed::Pilot), ..Plan::of(Rule::OutsidePilot, actions) };
        Ok((!self.is_admitted() && !is_told).then_some(plan))
    }

    fn unreachable(&self) -> Row {
        if self.facts.secret.is_some() || !self.delivery()?.is_surely_not() {
            return Ok(None);
        }
        let actions = self.leftovers().into_iter().chain(self.subscription());
        Ok(Some(Plan::of(Rule::Unreachable, actions)))
    }

    fn not_prepared(&self) -> Row {
        match &self.facts.secret {
            None => self.provisioning(Rule::NotPrepared, None),
            Some(_) => Ok(None),
        }
    }

    fn broken(&self) -> Row {
        if self.settings.subscribe_owners {
            self.delivery()?;
        }
        let doubt = self.facts.doubt(self.settings, self.now);
        let is_tampered_with = matches!(doubt, Some(Doubt::Replicated | Doubt::Rotates));
        match self.facts.enrollment(self.settings.settle, self.now) {
            Enrollment::Missing => Err(Question::Device),
            Enrollment::None | Enrollment::Broken => self.provisioning(Rule::Broken, doubt),
            Enrollment::Usable { .. } | Enrollment::Settling if is_tampered_with => {
                self.provisioning(Rule::Broken, doubt)
            }
            Enrollment::Usable { .. } | Enrollment::Settling => Ok(None),
        }
    }

    /// An expired seed is replaced even if its owner was never told of it: an invitation to a seed that is about to be
    /// replaced would only confuse.
    fn offer_too_old(&self) -> Row {
        let is_too_old = |version| {
            created_at(version)
                .is_some_and(|made_at| self.now.duration_since(made_at) > self.settings.offer_ttl)
        };
        match self.version() {
            Some(version) if is_too_old(version) => {
                self.provisioning(Rule::OfferTooOld, self.facts.doubt(self.settings, self.now))
            }
            _ => Ok(None),
        }
    }

    fn settling(&self) -> Row {
        self.lift()?;
        if self.version().is_some() { Ok(None) } else { self.follow_up(Rule::Settling, []) }
    }

    fn invitation_due(&self) -> Row {
        let (Some(secret), Some(version)) = (&self.facts.secret, self.version()) else { return Ok(None) };
        let is_told = secret.notified_of(version);
        // Asked only if the notice may not have arrived: asking costs calls.
        let is_again = secret.undelivered(self.now) && self.delivery()? == Known::Is(Delivery::Reached);
        let is_somebody_else =
            secret.recipient_changed(&self.recipient()) && !self.delivery()?.is_surely_not();
        if is_told && !is_again && !is_somebody_else {
            return Ok(None);
        }
        self.delivery()?;
        self.blockers()?;
        self.follow_up(Rule::InvitationDue, [Action::Notify(Notice::Invitation)])
    }

    fn quarantine_not_told(&self) -> Row {
        let Some(secret) = &self.facts.secret else { return Ok(None) };
        let goes_on = self.facts.is_quarantined() && self.is_due() && self.lift()?.is_none();
        if !goes_on || secret.told_of_quarantine(self.now) {
            return Ok(None);
        }
        if secret.heard_at(self.now).is_none() {
            self.delivery()?;
        }
        self.follow_up(Rule::QuarantineNotTold, [Action::Notify(Notice::Quarantined)])
    }

    fn unable_to_enroll(&self) -> Row {
        if !self.quarantine_may_begin()? || !self.settings.preflight {
            return Ok(None);
        }
        let blockers = self.blockers()?;
        if blockers.is_able_to_enroll() {
            return Ok(None);
        }
        let not_quarantined = blockers.reasons_not_to_quarantine();
        let plan = self.follow_up(Rule::UnableToEnroll, self.reminder()?)?;
        Ok(plan.map(|plan| Plan { not_quarantined, ..plan }))
    }

    fn outside_quarantine_hours(&self) -> Row {
        let in_hours = self.settings.quarantine_hours.as_ref().is_none_or(|hours| hours.allow(self.now));
        if in_hours || !self.quarantine_may_begin()? {
            return Ok(None);
        }
        let plan = self.follow_up(Rule::OutsideQuarantineHours, self.reminder()?)?;
        Ok(plan.map(|plan| Plan { postponed: Some(Postponed::QuarantineHours), ..plan }))
    }

    fn quarantine_due(&self) -> Row {
        let Some(secret) = &self.facts.secret else { return Ok(None) };
        if !self.quarantine_may_begin()? {
            return Ok(None);
        }
        // If the owner was told recently, another tool detached the policy since: that is no news to the owner.
        let is_told = secret.was_told_of_quarantine_within(self.settings.remind_every, self.now);
        let notify = (!is_told).then_some(Action::Notify(Notice::Quarantined));
        let plan = self.follow_up(Rule::QuarantineDue, std::iter::once(Action::Quarantine).chain(notify))?;
        // Before a quarantine the owner has received a notice, so it does not matter whether messages arrive now.
        let is_reminder_due = secret.reminder_due(self.settings.remind_every, self.now);
        let instead = is_reminder_due.then_some(Action::Notify(Notice::Reminder));
        Ok(plan.map(|plan| Plan { instead, ..plan }))
    }

    fn reminder_due(&self) -> Row {
        match self.reminder()? {
            Some(reminder) => self.follow_up(Rule::ReminderDue, [reminder]),
            None => Ok(None),
        }
    }

    fn nothing_due(&self) -> Row {
        self.follow_up(Rule::NothingDue, [])
    }

    /// A reminder, where one is due.
    fn reminder(&self) -> Result<Option<Action>, Question> {
        let Some(secret) = &self.facts.secret else { return Ok(None) };
        if !secret.reminder_due(self.settings.remind_every, self.now) {
            return Ok(None);
        }
        self.delivery()?;
        self.blockers()?;
        Ok(Some(Action::Notify(Notice::Reminder)))
    }

    /// Whether a quarantine may begin. Other rows check blockers and `QUARANTINE_HOURS`.
    fn quarantine_may_begin(&self) -> Result<bool, Question> {
        let Some(secret) = &self.facts.secret else { return Ok(false) };
        let is_warned = secret.is_warned(&self.recipient(), self.settings, self.now);
        let is_known = self.facts.attached.value().is_some();
        let may =
            self.is_due() && is_warned && self.is_admitted() && is_known && !self.facts.is_quarantined();
        Ok(may && self.lift()?.is_none())
    }

    /// What an open enrollment needs besides what is due now.
    fn follow_up(&self, rule: Rule, due: impl IntoIterator<Item = Action>) -> Row {
        let put_policy = (!self.facts.has_current_policy(self.settings)).then_some(Action::PutPolicy);
        let orphaned = self.facts.orphaned_devices().into_iter();
        let orphaned = orphaned.map(|serial_number| Action::DeleteDevice { serial_number });
        // A quarantine is lifted first, so that a later failure cannot prevent it.
        let actions = self.lift()?.into_iter().chain(put_policy).chain(self.attaching()).chain(due);
        Ok(Some(Plan::of(rule, actions.chain(orphaned).chain(self.subscription()))))
    }

    /// A new version, and an invitation to it.
    fn provisioning(&self, rule: Rule, doubt: Option<Doubt>) -> Row {
        self.delivery()?;
        self.blockers()?;
        let secret = &self.facts.secret;
        let provision = Action::Provision {
            secret: secret.clone(),
            doubt: secret.as_ref().and(doubt),
            superseded: self.facts.devices.clone(),
        };
        // If the secret is created again, the clock begins again.
        let kept = secret.as_ref().filter(|_| doubt.is_none());
        // A quarantine is lifted first, so that a later failure cannot prevent it.
        let actions = self.lifting(kept).into_iter().chain([provision]).chain(self.attaching());
        let actions = actions.chain([Action::Notify(Notice::Invitation)]);
        Ok(Some(Plan::of(rule, actions.chain(self.subscription()))))
    }

    /// The end of the quarantine of an open enrollment, if the quarantine has no reason or the user cannot enroll.
    fn lift(&self) -> Result<Option<Action>, Question> {
        if !self.facts.is_quarantined() {
            return Ok(None);
        }
        self.blockers()?;
        Ok(self.lifting(self.facts.secret.as_ref()))
    }

    /// The end of a quarantine that has no reason (any more), or whose user cannot enroll. `secret`: the secret that stays.
    fn lifting(&self, secret: Option<&Secret>) -> Option<Action> {
        let attached = *self.facts.attached.value().filter(|attached| attached.quarantine)?;
        let is_due = self.settings.after_grace == AfterGrace::Quarantine
            && secret.is_some_and(|secret| secret.overdue_by(self.settings, self.now).is_some());
        let policy_counts = self.settings.enrollment_policy_arn.is_none() || attached.enrollment;
        let is_unable = self.facts.blockers.is_unable_to_enroll(policy_counts);
        (!is_due || is_unable).then_some(Action::Detach(Policy::Quarantine))
    }

    fn attaching(&self) -> Option<Action> {
        let is_missing = self.facts.attached.is_and(|attached| !attached.enrollment);
        (self.settings.enrollment_policy_arn.is_some() && is_missing).then_some(Action::Attach)
    }

    fn subscription(&self) -> Option<Action> {
        let is_unasked = matches!(self.facts.delivery, Known::Is(Delivery::Unreached | Delivery::Lapsed));
        let is_wanted = self.settings.subscribe_owners && is_unasked;
        let has_address = matches!(self.recipient(), Recipient::Addresses(_));
        (is_wanted && has_address).then_some(Action::Subscribe)
    }

    /// A plan that removes everything that mfa-warden made for the user.
    fn closing(&self, rule: Rule, closing_notice: Option<Notice>) -> Plan {
        let Some(secret) = &self.facts.secret else { return Plan::of(rule, self.leftovers()) };
        // Without an invitation there is no closing notice: an attacker who can create secrets could otherwise make
        // mfa-warden write to everybody. A secret that somebody scheduled for deletion is restored first, so its owner
        // still gets the notice.
        let is_due = !secret.closing_notice_sent(self.now) && secret.was_invited();
        Plan::of(rule, [self.close(secret, closing_notice.filter(|_| is_due))])
    }

    fn close(&self, secret: &Secret, closing_notice: Option<Notice>) -> Action {
        Action::Close {
            secret: secret.id().to_owned(),
            policies: self.attached_policies().collect(),
            devices: self.facts.devices.clone(),
            closing_notice,
        }
    }

    /// Actions that remove mfa-warden's policies and devices from a user without an open enrollment.
    fn leftovers(&self) -> Vec<Action> {
        let devices = self.facts.devices.iter().cloned();
        let delete = devices.map(|serial_number| Action::DeleteDevice { serial_number });
        self.attached_policies().map(Action::Detach).chain(delete).collect()
    }

    fn attached_policies(&self) -> impl Iterator<Item = Policy> + use<> {
        let attached = self.facts.attached.value().copied().unwrap_or_default();
        // The quarantine policy first: with that policy alone a user could do nothing at all.
        let policies = [(attached.quarantine, Policy::Quarantine), (attached.enrollment, Policy::Enrollment)];
        policies.into_iter().filter_map(|(attached, policy)| attached.then_some(policy))
    }

    /// The usable version; `None`: there is none, or its device is not listed yet.
    fn version(&self) -> Option<&'a str> {
        match self.facts.enrollment(self.settings.settle, self.now) {
            Enrollment::Usable { version, .. } => Some(version),
            _ => None,
        }
    }

    fn recipient(&self) -> Recipient {
        self.facts.recipient(self.settings)
    }

    fn is_admitted(&self) -> bool {
        let Case { facts, settings, .. } = self;
        settings.pilot.as_ref().is_none_or(|pilot| pilot.admits(&facts.user, &facts.tags))
    }

    /// Whether a quarantine is due, looking only at the setting and the time.
    fn is_due(&self) -> bool {
        let secret = self.facts.secret.as_ref();
        self.settings.after_grace == AfterGrace::Quarantine
            && secret.is_some_and(|secret| secret.overdue_by(self.settings, self.now).is_some())
    }

    /// Whether messages reach the owner.
    fn delivery(&self) -> Result<Known<Delivery>, Question> {
        match self.facts.delivery {
            Known::NotAsked => Err(Question::Delivery),
            known => Ok(known),
        }
    }

    /// What the simulator said, if it is asked at all.
    fn blockers(&self) -> Result<&'a Known<Vec<Blocker>>, Question> {
        match &self.facts.blockers {
            Known::NotAsked if self.settings.preflight => Err(Question::Blockers),
            known => Ok(known),
        }
    }
}
