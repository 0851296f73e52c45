//! What of a sweep lasts until someone mends it, so that operations hear what changed and not the same thing at every
//! sweep. Pure; a tag of the operations topic is its memory.

use crate::model::action::Postponed;
use crate::model::hash::fnv1a_64;
use crate::model::outcome::{Answer, Outcome, UserResult};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

pub(crate) fn is_newly_unreachable(outcome: &Outcome, since: Changes<'_>) -> bool {
    outcome.unreachable.is_some() && since.has_grown(Problem::Unreachable)
}

/// A kind of problem that users can be in from sweep to sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// Failed, or could not be read.
    Failed,
    /// Beyond the grace period.
    Overdue,
    /// No message reaches the owner.
    Unreachable,
    /// Overdue and warned, and not quarantined, because something keeps the owner from enrolling.
    Blocked,
    /// The enrollment policy had to be attached again: another tool detaches it.
    Reattached,
    /// A subscription of the owner topic counts for every owner. (These are subscriptions, and no users.)
    CatchAll,
    /// Left to the next run, and not for being outside the pilot.
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

    /// Its name in the tag and in what machines get.
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

/// The users in one kind of problem: how many, and a digest of who (FNV-1a of their unique ids and names, each with a NUL
/// behind it). Version 0.1.0 wrote digests that mean nothing to any other build: `None`, and the number alone counts.
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

/// Who was in which problem, and when.
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
            // By the unique id; of what is left over from users that are gone there may be none.
            let mut members: Vec<_> =
                outcomes.map(|outcome| (outcome.user_id.as_str(), outcome.user.as_str())).collect();
            if problem == Problem::CatchAll {
                members = answer.catch_all.iter().flatten().map(|one| (one.as_str(), "")).collect();
            }
            members.sort_unstable();
            let bytes =
                members.iter().flat_map(|(id, name)| [id.as_bytes(), b"\0", name.as_bytes(), b"\0"].concat());
            let digest = Some(fnv1a_64(&bytes.collect::<Vec<u8>>()));
            // That there is no such subscription is known too where somebody looked.
            let is_known = problem == Problem::CatchAll && answer.catch_all.is_some();
            (is_known || !members.is_empty()).then_some((problem, Group { users: members.len(), digest }))
        };
        Snapshot { at, groups: Problem::ALL.into_iter().filter_map(group).collect() }
    }

    /// Keeps what was told of subscriptions where this run did not look at them.
    pub fn remembering(mut self, before: Option<&Snapshot>, answer: &Answer) -> Self {
        let told = before.and_then(|before| before.groups.get(&Problem::CatchAll)).copied();
        if let Some(told) = told.filter(|_| answer.catch_all.is_none()) {
            self.groups.insert(Problem::CatchAll, told);
        }
        self
    }

    /// Reads what [`Display`](fmt::Display) wrote; `None`: it is none of that, or it is of the future: somebody else wrote
    /// it, and it must not silence anything.
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

    /// How many users are in that problem.
    pub fn users(&self, problem: Problem) -> usize {
        self.groups.get(&problem).map_or(0, |group| group.users)
    }
}

/// What there is to tell, and what was told last.
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// The problems that were told last; `None`: none, or nobody knows.
    pub before: Option<&'a Snapshot>,
    /// The problems that there are now.
    pub now: &'a Snapshot,
}

impl Changes<'_> {
    /// The kinds of problem that other users are in than were told last; than nobody, where nothing was told.
    pub fn changed(&self) -> Vec<Problem> {
        let (before, now) = (self.before.map(|before| &before.groups), &self.now.groups);
        // A subscription is no problem by itself: it is news only where it is known that it was not there.
        let is_unknown =
            |of: Option<&BTreeMap<Problem, Group>>| of.is_none_or(|of| !of.contains_key(&Problem::CatchAll));
        let is_first = |problem: &Problem| *problem == Problem::CatchAll && is_unknown(before);
        let differs = |problem: &Problem| {
            now.get(problem) != before.and_then(|before| before.get(problem)) && !is_first(problem)
        };
        Problem::ALL.into_iter().filter(differs).collect()
    }

    /// Whether the user has become overdue since; all have where nobody was. (A grace period that was shortened meanwhile
    /// moves users into the past.)
    pub fn is_newly_overdue(&self, outcome: &Outcome) -> bool {
        let others = self.before.filter(|before| before.users(Problem::Overdue) > 0);
        let told = others.map(|before| self.now.at.duration_since(before.at));
        outcome.overdue().is_some_and(|time| told.is_none_or(|told| time < told))
    }

    /// Whether other users are in that problem than were told last, and not only fewer.
    pub fn has_grown(&self, problem: Problem) -> bool {
        let before = self.before.map_or(0, |before| before.users(problem));
        let now = self.now.users(problem);
        now > 0 && self.changed().contains(&problem) && now >= before
    }

    /// Whether the sweep that gave `answer` found news: somebody got a problem. Getting out of it is told by the run
    /// that did it, but for failures, which end by themselves. Failures that last, and an owner topic that nobody listens
    /// to, are news once a day (in UTC), for nobody else follows them up.
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
            // Sweeps take users in random order, and so leave others each time.
            Problem::Deferred => more(problem),
        })
    }
}

/// As the value of a tag: SNS takes letters, digits, spaces and `_.:/=+-@`, 256 of them.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To the nanosecond: who became overdue in the same second must not be told twice.
        self.at.fmt(f)?;
        self.groups.iter().try_for_each(|(problem, group)| {
            write!(f, " {}={}:", problem.name(), group.users)?;
            match group.digest {
                Some(digest) => write!(f, "{digest:016x}"),
                // As it was read.
                None => f.write_str("0"),
            }
        })
    }
}
