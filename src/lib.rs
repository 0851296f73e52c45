//! mfa-warden brings every IAM user under MFA: it finds users without MFA, prepares a virtual MFA device for each,
//! keeps the seed in Secrets Manager for the owner alone, tells the owner through SNS how to enrol, follows up until
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
//! state that the next run recognises and mends. There is no database: IAM and Secrets Manager hold the state.
//!
//! | module | what it knows |
//! |---|---|
//! | [`config`] | the settings, from the environment |
//! | [`trigger`] | event -> sweep, check of a user, or ignore |
//! | [`facts`] | what is known of the account, a user, an enrolment |
//! | [`verdict`] | facts -> verdict with its reason |
//! | [`plan`](mod@plan) | facts, verdict, settings, time -> actions |
//! | [`act`] | one action -> AWS calls, in the order that keeps a seed safe |
//! | [`audience`] | who listens to the owner topic, read once a run |
//! | [`reach`] | subscriptions and filters -> whether a message arrives |
//! | [`preflight`] | what keeps an owner from enrolling |
//! | [`reconcile`] | sweep and check: who is looked at, and the four steps for each |
//! | [`handler`] | one invocation: event in, answer out, operations told |
//! | [`notice`], [`operations`], [`report`], [`metrics`], [`seed`] | texts, answers, metrics, the seed and the secret's value |
//! | [`standing`] | what lasts from sweep to sweep, so that operations hear what changed |
//! | [`aws`] | the edge: one file a service |
//!
//! Everything but [`aws`], [`act`], [`audience`], [`reconcile`] and [`handler`] is pure: it takes facts and never
//! clients, clocks or environment variables.
//!
//! # The command line
//!
//! `src/bin/warden`, built with the feature `cli`, is for people. Operators run [`reconcile`]'s sweep and check as dry
//! runs with their own credentials (`plan`, `check`), behind clients that refuse whatever does not only read, and list
//! the open enrolments (`status`). Owners set up the prepared device (`enroll`). The function is built without it.
//!
//! # An enrolment
//!
//! An enrolment is a secret and a device that name each other. The secret is `mfa-warden/<UserId>`; the id of its
//! current version is a `UUIDv7`, which tells when the seed was born; the device is
//! `/mfa-warden/<user name>.<last 8 characters of the version id>`. It is *sound* when that device exists, unassigned,
//! under the user's present name, and *broken* when it does not although AWS's listings have had the time to settle.
//! The secret is created first and deleted last, so that no half-done work is ever invisible.
//!
//! A new version becomes current by a compare-and-swap on `AWSCURRENT` ([`aws::secrets::Secrets::claim`]): of two runs
//! at once one wins, and the other deletes the device it made and tells nobody.
//!
//! # The decision table
//!
//! The first row that fits, and strays and policies besides. `tests/core/plan.rs` has a test a row.
//!
//! | verdict | enrolment | plan |
//! |---|---|---|
//! | unknown | any | nothing; reported |
//! | non-compliant | none or broken | provision, attach enrolment policy, notify(invitation) |
//! | non-compliant | sound, seed older than `OFFER_TTL` | provision, notify(invitation) |
//! | non-compliant | sound, owner never told of this version | notify(invitation) |
//! | non-compliant | sound, the invitation reached nobody and the owner is within reach now | notify(invitation); with a new seed where a quarantine could follow at once |
//! | non-compliant | sound, older than `GRACE_PERIOD`, `AFTER_GRACE=quarantine`, invitation heard | quarantine, notify(quarantined) |
//! | non-compliant | sound, last notice older than `REMIND_EVERY`, or it reached nobody and the owner is within reach now | notify(reminder) |
//! | non-compliant | sound, otherwise | nothing; subscribe, with `SUBSCRIBE_OWNERS` and an e-mail address without a subscription |
//! | compliant | sound or broken | close, notify(enrolled) |
//! | exempt, not applicable | sound or broken | close, notify(withdrawn) |
//! | user gone | secret left | close, in silence |
//! | any but unknown | devices of ours that are not the current version's | delete each |
//! | non-compliant | open, enrolment policy not attached | attach |
//! | any but unknown | a policy of ours attached without need | detach |
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

pub mod act;
pub mod audience;
pub mod aws;
pub mod config;
pub mod facts;
pub mod handler;
pub mod logging;
pub mod metrics;
pub mod notice;
pub mod operations;
pub mod owner_policy;
pub mod plan;
pub mod preflight;
pub mod reach;
pub mod recipient;
pub mod reconcile;
pub mod report;
pub mod seed;
pub mod standing;
pub mod text;
pub mod trigger;
pub mod verdict;

pub use config::Settings;
pub use handler::Warden;
