//! What of a sweep lasts until someone mends it, so that operations hear what changed and not the same thing at every
//! sweep. Pure; a tag of the operations topic is its memory.

use crate::model::action::Postponed;
use crate::model::hash::fnv1a_64;
use crate::model::outcome::{Answer, Ending, Outcome};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

pub(crate) fn is_newly_unreachable(outcome: &Outcome, since: Since<'_>) -> bool {
    outcome.unreachable.is_some() && since.has_grown(Trouble::Unreachable)
}

/// A kind of trouble that users can be in from sweep to sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
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

impl Trouble {
    /// All kinds.
    pub const ALL: [Trouble; 7] = [
        Trouble::Failed,
        Trouble::Overdue,
        Trouble::Unreachable,
        Trouble::Blocked,
        Trouble::Reattached,
        Trouble::CatchAll,
        Trouble::Deferred,
    ];

    /// Its name in the tag and in what machines get.
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Failed => "failed",
            Trouble::Overdue => "overdue",
            Trouble::Unreachable => "unreachable",
            Trouble::Blocked => "blocked",
            Trouble::Reattached => "reattached",
            Trouble::CatchAll => "catch_all",
            Trouble::Deferred => "deferred",
        }
    }

    fn has(self, outcome: &Outcome) -> bool {
        match self {
            Trouble::Failed => outcome.cause().is_some(),
            Trouble::Overdue => outcome.overdue().is_some(),
            Trouble::Unreachable => outcome.is_unreachable(),
            Trouble::Blocked => !outcome.spared.is_empty(),
            Trouble::Reattached => outcome.reattached,
            Trouble::CatchAll => false,
            Trouble::Deferred => {
                outcome.result == Ending::Deferred && outcome.postponed != Some(Postponed::Pilot)
            }
        }
    }
}

/// The users in one kind of trouble: how many, and a digest of who (FNV-1a of their unique ids and names, each with a NUL
/// behind it). Version 0.1.0 wrote digests that mean nothing to any other build: `None`, and the number alone counts.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    users: usize,
    digest: Option<u64>,
}

impl PartialEq for Crowd {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (self.digest, other.digest) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        self.users == other.users && is_same
    }
}

impl Eq for Crowd {}

/// Who was in which trouble, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// When the sweep began.
    pub at: Timestamp,
    crowds: BTreeMap<Trouble, Crowd>,
}

impl Standing {
    /// What a sweep that began at `at` found.
    pub fn of(answer: &Answer, at: Timestamp) -> Self {
        let crowd = |trouble: Trouble| {
            let outcomes = answer.outcomes.iter().filter(|outcome| trouble.has(outcome));
            // By the unique id; of what is left over from users that are gone there may be none.
            let mut members: Vec<_> =
                outcomes.map(|outcome| (outcome.user_id.as_str(), outcome.user.as_str())).collect();
            if trouble == Trouble::CatchAll {
                members = answer.catch_all.iter().flatten().map(|one| (one.as_str(), "")).collect();
            }
            members.sort_unstable();
            let bytes =
                members.iter().flat_map(|(id, name)| [id.as_bytes(), b"\0", name.as_bytes(), b"\0"].concat());
            let digest = Some(fnv1a_64(&bytes.collect::<Vec<u8>>()));
            // That there is no such subscription is known too where somebody looked.
            let is_known = trouble == Trouble::CatchAll && answer.catch_all.is_some();
            (is_known || !members.is_empty()).then_some((trouble, Crowd { users: members.len(), digest }))
        };
        Standing { at, crowds: Trouble::ALL.into_iter().filter_map(crowd).collect() }
    }

    /// Keeps what was told of subscriptions where this run did not look at them.
    pub fn remembering(mut self, before: Option<&Standing>, answer: &Answer) -> Self {
        let told = before.and_then(|before| before.crowds.get(&Trouble::CatchAll)).copied();
        if let Some(told) = told.filter(|_| answer.catch_all.is_none()) {
            self.crowds.insert(Trouble::CatchAll, told);
        }
        self
    }

    /// Reads what [`Display`](fmt::Display) wrote; `None`: it is none of that, or it is of the future: somebody else wrote
    /// it, and it must not silence anything.
    pub fn parse(tag: &str, now: Timestamp) -> Option<Self> {
        let mut words = tag.split(' ');
        let at = words.next()?.parse().ok().filter(|at: &Timestamp| *at <= now)?;
        let crowd = |word: &str| {
            let (name, crowd) = word.split_once('=')?;
            let trouble = Trouble::ALL.into_iter().find(|trouble| trouble.name() == name)?;
            let (users, digest) = crowd.split_once(':')?;
            let written = u64::from_str_radix(digest, 16).ok()?;
            let digest = (digest.len() == 16).then_some(written);
            Some((trouble, Crowd { users: users.parse().ok()?, digest }))
        };
        Some(Standing { at, crowds: words.map(crowd).collect::<Option<_>>()? })
    }

    /// How many users are in that trouble.
    pub fn users(&self, trouble: Trouble) -> usize {
        self.crowds.get(&trouble).map_or(0, |crowd| crowd.users)
    }
}

/// What there is to tell, and what was told last.
#[derive(Debug, Clone, Copy)]
pub struct Since<'a> {
    /// The trouble that was told last; `None`: none, or nobody knows.
    pub before: Option<&'a Standing>,
    /// The trouble there is now.
    pub now: &'a Standing,
}

impl Since<'_> {
    /// The kinds of trouble that other users are in than were told last; than nobody, where nothing was told.
    pub fn changed(&self) -> Vec<Trouble> {
        let (before, now) = (self.before.map(|before| &before.crowds), &self.now.crowds);
        // A subscription is no trouble by itself: it is news only where it is known that it was not there.
        let is_unknown =
            |of: Option<&BTreeMap<Trouble, Crowd>>| of.is_none_or(|of| !of.contains_key(&Trouble::CatchAll));
        let is_first = |trouble: &Trouble| *trouble == Trouble::CatchAll && is_unknown(before);
        let differs = |trouble: &Trouble| {
            now.get(trouble) != before.and_then(|before| before.get(trouble)) && !is_first(trouble)
        };
        Trouble::ALL.into_iter().filter(differs).collect()
    }

    /// Whether the user has become overdue since; all have where nobody was. (A grace period that was shortened meanwhile
    /// moves users into the past.)
    pub fn is_newly_overdue(&self, outcome: &Outcome) -> bool {
        let others = self.before.filter(|before| before.users(Trouble::Overdue) > 0);
        let told = others.map(|before| self.now.at.duration_since(before.at));
        outcome.overdue().is_some_and(|time| told.is_none_or(|told| time < told))
    }

    /// Whether other users are in that trouble than were told last, and not only fewer.
    pub fn has_grown(&self, trouble: Trouble) -> bool {
        let before = self.before.map_or(0, |before| before.users(trouble));
        let now = self.now.users(trouble);
        now > 0 && self.changed().contains(&trouble) && now >= before
    }

    /// Whether the sweep that gave `answer` found news: somebody got into trouble. Getting out of it is told by the run
    /// that did it, but for failures, which end by themselves. Failures that last, and an owner topic that nobody listens
    /// to, are news once a day (in UTC), for nobody else follows them up.
    pub fn is_news(&self, answer: &Answer) -> bool {
        let Since { before, now } = *self;
        let day = |standing: &Standing| standing.at.strftime("%F").to_string();
        let is_new_day = before.is_none_or(|before| day(now) != day(before));
        if answer.nobody_listens && is_new_day {
            return true;
        }
        let Some(before) = before else {
            return now.crowds.keys().any(|trouble| *trouble != Trouble::CatchAll);
        };
        let more = |trouble| now.users(trouble) > before.users(trouble);
        let any = |wanted: &dyn Fn(&Outcome) -> bool| answer.outcomes.iter().any(wanted);
        Trouble::ALL.into_iter().any(|trouble| match trouble {
            Trouble::Failed => self.changed().contains(&trouble) || (now.users(trouble) > 0 && is_new_day),
            Trouble::Overdue => more(trouble) || any(&|outcome| self.is_newly_overdue(outcome)),
            Trouble::Unreachable | Trouble::Blocked | Trouble::Reattached | Trouble::CatchAll => {
                self.has_grown(trouble)
            }
            // Sweeps take users in random order, and so leave others each time.
            Trouble::Deferred => more(trouble),
        })
    }
}

/// As the value of a tag: SNS takes letters, digits, spaces and `_.:/=+-@`, 256 of them.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To the nanosecond: who became overdue in the same second must not be told twice.
        self.at.fmt(f)?;
        self.crowds.iter().try_for_each(|(trouble, crowd)| {
            write!(f, " {}={}:", trouble.name(), crowd.users)?;
            match crowd.digest {
                Some(digest) => write!(f, "{digest:016x}"),
                // As it was read.
                None => f.write_str("0"),
            }
        })
    }
}
