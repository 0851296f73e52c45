//! Problems that last until somebody solves them. Operations are told what changed, not the same thing at every sweep.
//! Pure; a tag of the operations topic stores what was told last.

use crate::model::action::Postponed;
use crate::model::hash::fnv1a_64;
use crate::model::outcome::{Answer, Outcome, UserResult};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

/// A kind of problem that users can have from sweep to sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// The work on the user failed, or the user could not be read.
    Failed,
    /// The grace period is over.
    Overdue,
    /// No message reaches the owner.
    Unreachable,
    /// The user is overdue and warned, but not quarantined, because something keeps the owner from enrolling.
    Blocked,
    /// The enrollment policy had to be attached again, because another tool detaches it.
    Reattached,
    /// A subscription to the owner topic counts for every owner. (Its members are subscriptions, not users.)
    CatchAll,
    /// The user is left to the next run, for a reason other than the pilot.
    Deferred,
}

impl Problem {
    /// All kinds.
    pub const ALL: [Problem; 7] = [
        Problem::Failed,
        Problem::Overdue,
        Problem::Unreachable,
        Problem::Blocked,
        Problem::Reattached,
        Problem::CatchAll,
        Problem::Deferred,
    ];

    /// Its name in the tag and in messages for machines.
    pub fn name(self) -> &'static str {
        match self {
            Problem::Failed => "failed",
            Problem::Overdue => "overdue",
            Problem::Unreachable => "unreachable",
            Problem::Blocked => "blocked",
            Problem::Reattached => "reattached",
            Problem::CatchAll => "catch_all",
            Problem::Deferred => "deferred",
        }
    }

    fn has(self, outcome: &Outcome) -> bool {
        match self {
            Problem::Failed => outcome.cause().is_some(),
            Problem::Overdue => outcome.overdue().is_some(),
            Problem::Unreachable => outcome.is_unreachable(),
            Problem::Blocked => !outcome.not_quarantined.is_empty(),
            Problem::Reattached => outcome.reattached,
            Problem::CatchAll => false,
            Problem::Deferred => {
                outcome.result == UserResult::Deferred && outcome.postponed != Some(Postponed::Pilot)
            }
        }
    }
}

/// The users with one kind of problem: their number, and a digest of who they are (FNV-1a of their unique ids and names,
/// each followed by a NUL). Digests of version 0.1.0 mean nothing to other builds: they are read as `None`, and then only
/// the number counts.
#[derive(Debug, Clone, Copy)]
struct Group {
    users: usize,
    digest: Option<u64>,
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (self.digest, other.digest) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        self.users == other.users && is_same
    }
}

impl Eq for Group {}

/// Which users had which problem, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When the sweep began.
    pub at: Timestamp,
    groups: BTreeMap<Problem, Group>,
}

impl Snapshot {
    /// What a sweep that began at `at` found.
    pub fn of(answer: &Answer, at: Timestamp) -> Self {
        let group = |problem: Problem| {
            let outcomes = answer.outcomes.iter().filter(|outcome| problem.has(outcome));
            // Sorted by unique id, which is empty where only devices of a deleted user are left.
            let mut members: Vec<_> =
                outcomes.map(|outcome| (outcome.user_id.as_str(), outcome.user.as_str())).collect();
            if problem == Problem::CatchAll {
                members =
                    answer.catch_all.value().into_iter().flatten().map(|one| (one.as_str(), "")).collect();
            }
            members.sort_unstable();
            let bytes =
                members.iter().flat_map(|(id, name)| [id.as_bytes(), b"\0", name.as_bytes(), b"\0"].concat());
            let digest = Some(fnv1a_64(&bytes.collect::<Vec<u8>>()));
            // If the run looked, the absence of such subscriptions is known too.
            let is_known = problem == Problem::CatchAll && answer.catch_all.value().is_some();
            (is_known || !members.is_empty()).then_some((problem, Group { users: members.len(), digest }))
        };
        Snapshot { at, groups: Problem::ALL.into_iter().filter_map(group).collect() }
    }

    /// Keeps the subscriptions of `before` if this run did not look at them.
    pub fn remembering(mut self, before: Option<&Snapshot>, answer: &Answer) -> Self {
        let told = before.and_then(|before| before.groups.get(&Problem::CatchAll)).copied();
        if let Some(told) = told.filter(|_| answer.catch_all.value().is_none()) {
            self.groups.insert(Problem::CatchAll, told);
        }
        self
    }

    /// Reads what [`Display`](fmt::Display) wrote; `None`: the tag has another form, or its time is in the future. Then
    /// somebody else wrote it, and it must not silence anything.
    pub fn parse(tag: &str, now: Timestamp) -> Option<Self> {
        let mut words = tag.split(' ');
        let at = words.next()?.parse().ok().filter(|at: &Timestamp| *at <= now)?;
        let group = |word: &str| {
            let (name, group) = word.split_once('=')?;
            let problem = Problem::ALL.into_iter().find(|problem| problem.name() == name)?;
            let (users, digest) = group.split_once(':')?;
            let written = u64::from_str_radix(digest, 16).ok()?;
            let digest = (digest.len() == 16).then_some(written);
            Some((problem, Group { users: users.parse().ok()?, digest }))
        };
        Some(Snapshot { at, groups: words.map(group).collect::<Option<_>>()? })
    }

    /// How many users have that problem.
    pub fn users(&self, problem: Problem) -> usize {
        self.groups.get(&problem).map_or(0, |group| group.users)
    }
}

/// The problems now, and those that were told last.
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// The problems that were told last; `None`: none, or unknown.
    pub before: Option<&'a Snapshot>,
    /// The problems now.
    pub now: &'a Snapshot,
}

impl Changes<'_> {
    /// The kinds of problem whose users differ from those told last. If nothing was told, every kind that has users.
    pub fn changed(&self) -> Vec<Problem> {
        let (before, now) = (self.before.map(|before| &before.groups), &self.now.groups);
        // A subscription is no problem by itself. It is news only if it is known to be new.
        let is_unknown =
            |of: Option<&BTreeMap<Problem, Group>>| of.is_none_or(|of| !of.contains_key(&Problem::CatchAll));
        let is_first = |problem: &Problem| *problem == Problem::CatchAll && is_unknown(before);
        let differs = |problem: &Problem| {
            now.get(problem) != before.and_then(|before| before.get(problem)) && !is_first(problem)
        };
        Problem::ALL.into_iter().filter(differs).collect()
    }

    /// Whether the user became overdue since the last message. If nobody was overdue then, every overdue user counts: if
    /// `GRACE_PERIOD` was shortened, users became overdue at a time in the past.
    pub fn is_newly_overdue(&self, outcome: &Outcome) -> bool {
        let others = self.before.filter(|before| before.users(Problem::Overdue) > 0);
        let told = others.map(|before| self.now.at.duration_since(before.at));
        outcome.overdue().is_some_and(|time| told.is_none_or(|told| time < told))
    }

    /// Whether no message reaches the user's owner, and more users than before are in that state, or others.
    pub fn is_newly_unreachable(&self, outcome: &Outcome) -> bool {
        outcome.unreachable.is_some() && self.has_grown(Problem::Unreachable)
    }

    /// Whether the users with that problem differ from those told last, and are not fewer.
    pub fn has_grown(&self, problem: Problem) -> bool {
        let before = self.before.map_or(0, |before| before.users(problem));
        self.changed().contains(&problem) && self.now.users(problem) >= before
    }

    /// Whether the sweep that gave `answer` found news: a user got a problem. The run that solves a problem reports that
    /// itself. Failures end without such a run, so their end is news too. Lasting failures and an owner topic without
    /// subscriptions are news once a day (UTC), because nobody else follows them up.
    pub fn is_news(&self, answer: &Answer) -> bool {
        let Changes { before, now } = *self;
        let day = |snapshot: &Snapshot| snapshot.at.strftime("%F").to_string();
        let is_new_day = before.is_none_or(|before| day(now) != day(before));
        if answer.nobody_listens && is_new_day {
            return true;
        }
        let Some(before) = before else {
            return now.groups.keys().any(|problem| *problem != Problem::CatchAll);
        };
        let more = |problem| now.users(problem) > before.users(problem);
        let any = |wanted: &dyn Fn(&Outcome) -> bool| answer.outcomes.iter().any(wanted);
        Problem::ALL.into_iter().any(|problem| match problem {
            Problem::Failed => self.changed().contains(&problem) || (now.users(problem) > 0 && is_new_day),
            Problem::Overdue => more(problem) || any(&|outcome| self.is_newly_overdue(outcome)),
            Problem::Unreachable | Problem::Blocked | Problem::Reattached | Problem::CatchAll => {
                self.has_grown(problem)
            }
            // Sweeps take users in random order, so each sweep defers other users.
            Problem::Deferred => more(problem),
        })
    }
}

/// The value of a tag: SNS accepts up to 256 letters, digits, spaces and `_.:/=+-@`.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To the nanosecond: a user that became overdue in the same second must not be told twice.
        self.at.fmt(f)?;
        self.groups.iter().try_for_each(|(problem, group)| {
            write!(f, " {}={}:", problem.name(), group.users)?;
            match group.digest {
                Some(digest) => write!(f, "{digest:016x}"),
                // A digest that was read as `None`.
                None => f.write_str("0"),
            }
        })
    }
}
