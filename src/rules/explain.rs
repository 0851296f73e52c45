//! Why a row of the decision table applies to a user, and what would change that. Each possible change is applied to the
//! facts, and the table decides again.

use crate::model::delivery::Delivery;
use crate::model::enrollment::created_at;
use crate::model::facts::UserFacts;
use crate::model::known::Known;
use crate::model::rule::Rule;
use crate::model::settings::{AfterGrace, Settings};
use crate::model::user::AssignedDevice;
use crate::model::verdict::{Status, Verdict};
use crate::rules::judge::{EXEMPT_TAG, judge};
use crate::rules::plan::{Next, Plan, Question, next};
use jiff::{SignedDuration, Timestamp};

/// What is known about one user, and what follows.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The facts.
    pub facts: UserFacts,
    /// The verdict.
    pub verdict: Verdict,
    /// The plan, with the row that decided it.
    pub plan: Plan,
    /// What would change the row, in reading order.
    pub changes: Vec<(Change, Rule)>,
}

/// A possible change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The user enables an MFA device.
    Enrolls,
    /// The user loses its MFA devices.
    LosesMfa,
    /// A tag exempts the user.
    Exempted,
    /// Messages reach the owner.
    Reached,
    /// Messages no longer reach the owner.
    Unreached,
    /// Everything that keeps the owner from enrolling is removed.
    Unblocked,
    /// The user is inside `PILOT`.
    Admitted,
    /// `AFTER_GRACE=quarantine` is set.
    QuarantineSet,
    /// Only time passes, until then.
    Until(Timestamp),
}

/// The verdict and the plan for `facts`. A question that was not asked gets the usual answer.
fn decide(facts: &UserFacts, settings: &Settings, now: Timestamp) -> (Verdict, Plan) {
    let mut facts = facts.clone();
    let verdict = judge(&Ok(facts.clone()), settings.scope, now);
    loop {
        match next(&facts, &verdict, settings, now) {
            Next::Do(plan) => return (verdict, plan),
            Next::Learn(Question::Secret) => facts.secret_is_fresh = true,
            Next::Learn(Question::Device) => facts.absence_is_sure = true,
            Next::Learn(Question::Delivery) => facts.delivery = Known::Is(Delivery::Reached),
            Next::Learn(Question::Blockers) => facts.blockers = Known::Is(Vec::new()),
        }
    }
}

/// Explains the plan for a user. `facts` hold the answers to every question of the planner.
pub fn explain(facts: UserFacts, settings: &Settings, now: Timestamp) -> Explanation {
    let (verdict, plan) = decide(&facts, settings, now);
    let mut changes = Vec::new();
    let mut try_one = |change: Change, changed: &UserFacts, settings: &Settings, at: Timestamp| {
        let (_, would) = decide(changed, settings, at);
        if would.rule != plan.rule {
            changes.push((change, would.rule));
        }
    };
    let with = |change: &dyn Fn(&mut UserFacts)| {
        let mut changed = facts.clone();
        change(&mut changed);
        changed
    };
    if facts.mfa_devices.is_empty() {
        let device = AssignedDevice { serial_number: String::new(), enabled_at: now };
        try_one(Change::Enrolls, &with(&|facts| facts.mfa_devices.push(device.clone())), settings, now);
    } else {
        // For a user with MFA the password was not read; assume that there is one.
        let loses = |facts: &mut UserFacts| {
            facts.mfa_devices.clear();
            facts.password = Known::Is(true);
        };
        try_one(Change::LosesMfa, &with(&loses), settings, now);
    }
    if verdict.status == Status::NonCompliant {
        let exempt = |facts: &mut UserFacts| {
            facts.tags.retain(|key, _| !key.eq_ignore_ascii_case(EXEMPT_TAG));
            facts.tags.insert(EXEMPT_TAG.to_owned(), "permanent example".to_owned());
        };
        try_one(Change::Exempted, &with(&exempt), settings, now);
        match facts.delivery {
            Known::Is(Delivery::Reached) => {
                let gone = |facts: &mut UserFacts| facts.delivery = Known::Is(Delivery::Unreached);
                try_one(Change::Unreached, &with(&gone), settings, now);
            }
            Known::Is(_) | Known::Unreadable => {
                try_one(
                    Change::Reached,
                    &with(&|facts| facts.delivery = Known::Is(Delivery::Reached)),
                    settings,
                    now,
                );
            }
            Known::NotAsked => {}
        }
        let unblock = |facts: &mut UserFacts| facts.blockers = Known::Is(Vec::new());
        try_one(Change::Unblocked, &with(&unblock), settings, now);
        if settings.pilot.is_some() {
            try_one(Change::Admitted, &facts, &Settings { pilot: None, ..settings.clone() }, now);
        }
        if settings.after_grace == AfterGrace::Notify {
            let set = Settings { after_grace: AfterGrace::Quarantine, ..settings.clone() };
            try_one(Change::QuarantineSet, &facts, &set, now);
        }
    }
    changes.extend(next_by_time(&facts, settings, now, plan.rule));
    Explanation { facts, verdict, plan, changes }
}

/// When the row changes if nothing happens, and to which.
fn next_by_time(
    facts: &UserFacts,
    settings: &Settings,
    now: Timestamp,
    rule: Rule,
) -> Option<(Change, Rule)> {
    let secret = facts.secret.as_ref()?;
    let made_at = secret.current_version.as_deref().and_then(created_at);
    let told_at = secret.last_notice_at();
    let first = secret.first_notice_at(now);
    let heard = secret.heard_at(now);
    let after = |from: Option<Timestamp>, time: SignedDuration| from?.checked_add(time).ok();
    let moments = [
        after(made_at, settings.settle),
        after(told_at, settings.remind_every),
        after(first, secret.grace(settings)),
        after(heard, settings.warning_time()),
        after(made_at, settings.warning_time()),
        after(made_at, settings.offer_ttl),
    ];
    let mut moments: Vec<Timestamp> = moments.into_iter().flatten().filter(|at| *at >= now).collect();
    let hours_begin: Vec<Timestamp> =
        moments.iter().chain([&now]).filter_map(|at| hours_after(settings, *at)).collect();
    moments.extend(hours_begin);
    moments.sort_unstable();
    moments.into_iter().find_map(|moment| {
        // Each limit must be exceeded.
        let at = moment.checked_add(SignedDuration::from_secs(1)).ok()?;
        let (_, would) = decide(facts, settings, at);
        // A device that no listing shows yet may still appear.
        let is_news = would.rule != rule && would.rule != Rule::Broken;
        is_news.then_some((Change::Until(moment), would.rule))
    })
}

/// When `QUARANTINE_HOURS` next begin after `time`, within eight days; `None`: `time` is within them, or none are set.
fn hours_after(settings: &Settings, time: Timestamp) -> Option<Timestamp> {
    let hours = settings.quarantine_hours.as_ref().filter(|hours| !hours.allow(time))?;
    let minute = time.as_second().div_euclid(60) * 60;
    let minutes = (1..8 * 24 * 60).map_while(|n| Timestamp::from_second(minute + n * 60).ok());
    minutes.into_iter().find(|minute| hours.allow(*minute))
}
