//! mfa-warden brings every IAM user under MFA: it finds users without MFA, prepares a virtual MFA device for each,
//! keeps the seed in Secrets Manager for the owner alone, tells the owner through SNS how to enroll, follows up until
//! that is done, and then destroys the seed.
//!
//! # The flow
//!
//! A level-triggered reconciler. An event says only *whom to look at* ([`trigger`]); the truth is what AWS says now.
//! Every run is
//!
//! ```text
//! observe (AWS reads)  ->  judge (pure)  ->  plan (pure)  ->  act (AWS writes)
//!  reconcile, aws::*        verdict          plan             act, aws::*
//! ```
//!
//! for one user or for all. Running it twice changes nothing the second time, and a run that dies anywhere leaves a
//! state that the next run recognizes and mends. There is no database: IAM and Secrets Manager hold the state.
//!
//! | module | what it knows |
//! |---|---|
//! | [`config`] | the settings, from the environment |
//! | [`trigger`] | event -> sweep, check of a user, or ignore |
//! | [`facts`] | what is known of the account, a user, an enrollment, and what a secret's tags remember |
//! | [`recipient`] | the one notion of whom a message goes to |
//! | [`text`] | words of others, as they may be shown |
//! | [`verdict`] | facts -> verdict with its reason |
//! | [`plan`](mod@plan) | facts, verdict, settings, time -> what to do, or what has to be learned first |
//! | [`owner_policy`] | who may read a seed, and who may change anything about its secret |
//! | [`act`] | one action -> AWS calls, in the order that keeps a seed safe |
//! | [`audience`] | who listens to the owner topic, read once a run |
//! | [`reach`] | subscriptions and filters -> whether a message arrives |
//! | [`preflight`] | what keeps an owner from enrolling |
//! | [`reconcile`] | sweep and check: who is looked at, and the four steps for each |
//! | [`handler`] | one invocation: event in, answer out, operations told |
//! | [`notice`], [`operations`], [`report`], [`metrics`], [`seed`] | texts, answers, metrics, the seed and the secret's value |
//! | [`standing`] | what lasts from sweep to sweep, so that operations hear what changed |
//! | [`history`] | how much of their grace periods users have used up before |
//! | [`memory`] | the tags of the operations topic, where both are kept |
//! | [`aws`] | the edge: one file a service |
//!
//! Everything but [`aws`], [`act`], [`audience`], [`memory`], [`reconcile`] and [`handler`] is pure: it takes facts and never
//! clients, clocks or environment variables.
//!
//! # The command line
//!
//! `src/bin/warden`, built with the feature `cli`, is for people. Operators run [`reconcile`]'s sweep and check as dry
//! runs with their own credentials (`plan`, `check`), behind clients that refuse whatever does not only read, and list
//! the open enrollments (`status`). Owners set up the prepared device (`enroll`). The function is built without it.
//!
//! # An enrollment
//!
//! An enrollment is a secret and a device that name each other. The secret is `mfa-warden/<UserId>` with a tag that says the
//! same id; what lacks either is somebody else's and is never touched ([`facts::Secret::owner_id`]). The id of its current
//! version is a `UUIDv7`, which tells when the seed was born; the device is
//! `/mfa-warden/<user name>.<last 8 characters of the version id>`. The enrollment is *sound* when that device exists,
//! unassigned, under the user's present name, and *broken* when it does not although AWS's listings have had the time to
//! settle. The secret is created first and deleted last, so that no half-done work is ever invisible.
//!
//! A seed is written only into a secret that this function made: created in this run, or holding a version of ours. Any
//! other of that name and tag may have been prepared by somebody ([`facts::Doubt`]); it is deleted and made anew first.
//!
//! A new version becomes current by a compare-and-swap on `AWSCURRENT` ([`aws::secrets::Secrets::claim`]), the first one
//! against none: of two runs at once one wins, and the other deletes the device it made and tells nobody. Calls that change
//! a secret name it by its ARN: the very secret that was seen, and not another that has come under its name since.
//!
//! # Telling
//!
//! An invitation goes out at least once: in the run that won the version it is published and then noted; a run that finds
//! a version won earlier and not told first proves that it can note anything. Every other message goes out at most once: it
//! is noted and then published. So a lasting refusal to note costs one message, and no death of the process loses an
//! invitation.
//!
//! # Time
//!
//! The grace period counts from the first notice that went out ([`facts::Secret::first_notice_at`]). What a user used up of
//! it in an enrollment that was closed lately is gone ([`facts::Secret::grace`]). Nobody is quarantined
//! who is not known to have heard of the current version for long enough to be reminded once
//! ([`facts::Secret::is_warned`]), or who could not enroll ([`preflight::Preflight::is_able_to_enroll`]).
//!
//! # The decision table
//!
//! The first row that fits, and strays and policies besides. `tests/rules/plan.rs` has a test a row.
//!
//! | verdict | enrollment | plan |
//! |---|---|---|
//! | unknown | any | nothing; reported |
//! | non-compliant | somebody else's secret bears the name | nothing; failed |
//! | non-compliant | none, user outside `PILOT` | nothing new is begun; deferred |
//! | non-compliant | none, owner surely unreachable | nothing is prepared; reported; subscribe, with `SUBSCRIBE_OWNERS` and an e-mail address without a subscription |
//! | non-compliant | open, owner not known to have heard anything, and surely unreachable | close in silence |
//! | non-compliant | none or broken, replicated or rotated | provision, attach enrollment policy, notify(invitation) |
//! | non-compliant | sound, seed older than `OFFER_TTL` | provision, notify(invitation) |
//! | non-compliant | sound, never told of this version; or told, not known to have heard, and within reach now; or the owner tag names somebody else | notify(invitation) |
//! | non-compliant | sound, quarantined, not told of it | notify(quarantined) |
//! | non-compliant | sound, overdue, `AFTER_GRACE=quarantine`, warned, able to enroll, not quarantined, within `PILOT` | quarantine, notify(quarantined); `MAX_QUARANTINES` a run, within `QUARANTINE_HOURS`; the rest is deferred |
//! | non-compliant | sound, last notice older than `REMIND_EVERY` | notify(reminder) |
//! | non-compliant | sound, otherwise; or its device is not listed yet | nothing |
//! | compliant | secret left | close, notify(enrolled) where the owner was invited |
//! | exempt, not applicable | secret left | close, notify(withdrawn) where the owner was invited |
//! | user gone | secret left | close, in silence |
//! | any but unknown | devices of ours that are not the current version's | delete each |
//! | non-compliant | open, enrollment policy not attached | attach |
//! | non-compliant | open, the secret's policy is not the one this version writes | put_policy |
//! | any but unknown | a policy of ours attached without need; the quarantine policy where the user cannot enroll | detach |
//!
//! # Unknown is never none
//!
//! A read that failed makes its user *unknown*, and nothing is done to an unknown user. Lists are read whole or not at
//! all. The credential report only ever vouches for users, never against them.
//!
//! # What is never logged
//!
//! Seeds, the secret's value, QR codes, `otpauth` URIs, TOTP codes. A seed lives in [`seed::Seed`], which cannot be
//! printed or copied and is zeroed when dropped, and leaves the process in one request: `PutSecretValue`. Below `INFO`
//! the logs hold this crate's own lines only ([`logging`]), because the HTTP stack's would hold requests.

pub mod aws;
pub mod handler;
pub mod logging;
pub mod messages;
pub mod model;
pub mod reporting;
pub mod rules;
pub mod run;

pub use handler::Warden;
pub use model::settings::Settings;
