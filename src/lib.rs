//! mfa-warden brings every IAM user under MFA. It finds users without MFA and prepares a virtual MFA device for each. It
//! keeps the seed in Secrets Manager for the owner alone and tells the owner through SNS how to enroll. It follows up until
//! the owner has enrolled, and then destroys the seed.
//!
//! # The flow
//!
//! mfa-warden is a level-triggered reconciler. An event says only *whom to look at*; the truth is what AWS says now. Every
//! run does four steps, for one user or for all:
//!
//! ```text
//! observe (AWS reads)  ->  judge (pure)  ->  plan (pure)  ->  execute (AWS writes)
//!  run::observe            rules::judge      rules::plan      run::execute
//! ```
//!
//! A second run changes nothing. A run that dies anywhere leaves a state that the next run recognizes and repairs. There is
//! no database: IAM and Secrets Manager hold the state.
//!
//! # The floors
//!
//! ```text
//! main.rs   bin/warden                      entries: clock, environment, terminal
//!           handler                         one invocation
//!           run                             the only floor that knows rules and AWS
//! messages     reporting     aws            words for people | formats for machines | one file a service
//!           rules                           decisions: facts in, data out
//!           model                           nouns
//! ```
//!
//! A floor names only floors below it, and floors side by side do not know each other. `model`, `rules`, `messages` and
//! `reporting` are pure: no network, no clock, no environment, no log. `tests/architecture.rs` holds this.
//!
//! # Where do I put …?
//!
//! | change | where | its test |
//! |---|---|---|
//! | a setting | [`model::settings`], `src/bin/warden/settings.rs`, `template.yaml`, the table in `README.md` | in [`model::settings`], `tests/policies/readme.test.js` |
//! | an event | [`rules::trigger`], a sample in `events/`, the rule in `template.yaml` | `tests/rules/trigger.rs` |
//! | a message to owners | [`messages::owner`], [`messages::instructions`] | `tests/messages/owner.rs` |
//! | a message to operations | [`messages::operations`] for people, [`reporting::summary`] for machines | `tests/messages/operations.rs`, `tests/reporting/summary.rs` |
//! | an AWS call | [`aws`], the role in `template.yaml` with its reason | `tests/aws`, `tests/policies/role.test.js` |
//! | an action | [`model::action`], `run/execute.rs` | `tests/rules/plan.rs`, `tests/run` |
//! | a rule | [`model::rule`], [`rules::plan`], [`messages::rules`], the table below | `tests/rules/table.rs` |
//! | something that a secret's tags remember | [`model::record`] | `tests/rules/enrollment_state.rs` |
//! | a metric or an alarm | [`reporting::metrics`], `template.yaml` | `tests/reporting/metrics.rs`, `tests/policies/alarms.test.js` |
//! | a command of `warden` | `src/bin/warden` | `tests/cli` |
//!
//! # An enrollment
//!
//! An enrollment is a secret and a device that name each other. The secret is `mfa-warden/<UserId>` with a tag that says the
//! same id. A secret that lacks either belongs to somebody else and is never touched
//! ([`model::enrollment::Secret::owner_id`]). The id of its current version is a `UUIDv7`, which tells when the seed was
//! made. The device is `/mfa-warden/<user name>.<last 8 characters of the version id>`. The enrollment is *usable* when that
//! device exists, unassigned, under the user's present name. It is *broken* when the device does not exist although AWS's
//! listings have had the time to settle. The secret is created first and deleted last, so no half-done work is invisible.
//!
//! A seed is written only into a secret that this function made: created in this run, or holding a version that the
//! function made. Any other secret of that name and tag may have been prepared by somebody
//! ([`model::enrollment::Doubt`]). It is deleted and created again first.
//!
//! A new version becomes current by a compare-and-swap on `AWSCURRENT` ([`aws::secrets::Secrets::claim`]), the first one
//! against none. Of two runs at once one wins; the other deletes the device it made and tells nobody. Calls that change a
//! secret name it by its ARN: the very secret that was seen, and not another that has taken its name since.
//!
//! # Telling
//!
//! An invitation goes out at least once. The run that won the version publishes it and then notes it. A run that finds a
//! version won earlier and not told first proves that it can note anything. Every other message goes out at most once: it is
//! noted and then published. So a lasting refusal to note costs one message, and no death of the process loses an invitation.
//!
//! # Time
//!
//! The grace period counts from the first notice that went out ([`model::enrollment::Secret::first_notice_at`]). What a user
//! used up of it in an enrollment that was closed lately is gone ([`model::enrollment::Secret::grace`]). A user is
//! quarantined only when the owner is known to have received a notice of the current version, long enough ago for one
//! reminder ([`model::enrollment::Secret::is_warned`]), and is able to enroll
//! ([`model::known::Known::is_able_to_enroll`]).
//!
//! # The decision table
//!
//! The first row that applies decides. [`rules::plan`] has one function a row, `tests/rules/table.rs` one test a row, and
//! each outcome and its log line name the row in their field `rule`. `warden explain USER` shows it.
//!
//! | rule | applies when | what follows |
//! |---|---|---|
//! | `unknown` | something of the user could not be read | nothing is done; the user is reported |
//! | `user_gone` | there is no such user any more | close in silence, or delete the devices that are left |
//! | `has_mfa` | the user has an MFA device | close, notify(enrolled) where the owner was invited |
//! | `need_not_enroll` | the user is exempt, or outside `MFA_SCOPE` | close, notify(withdrawn) where the owner was invited |
//! | `foreign_secret` | somebody else's secret has the name that the user's would have | nothing is prepared; failed; a quarantine is lifted |
//! | `never_reached` | a device is prepared, no notice is known to have reached the owner, and none can reach it now | close in silence |
//! | `outside_pilot` | the user is outside `PILOT`, and no notice went out | nothing new is begun; deferred |
//! | `unreachable` | no device is prepared, and no message can reach the owner | nothing is prepared; reported |
//! | `not_prepared` | no device is prepared | provision, attach the enrollment policy, notify(invitation) |
//! | `broken` | the secret or its device cannot be used, or somebody else changed the secret | provision, attach the enrollment policy, notify(invitation) |
//! | `offer_too_old` | the seed is older than `OFFER_TTL` | provision, attach the enrollment policy, notify(invitation) |
//! | `settling` | the device was made so lately that listings may not show it yet | nothing |
//! | `invitation_due` | the owner was not invited to this device, is reachable and did not receive the invitation, or is somebody else now | notify(invitation) |
//! | `quarantine_not_told` | the user is quarantined, and the owner was not told | notify(quarantined) |
//! | `unable_to_enroll` | a quarantine is due, and the owner is not known to be able to enroll | no quarantine; reported with what stands in the way; notify(reminder) where one is due |
//! | `outside_quarantine_hours` | a quarantine is due, and it is outside `QUARANTINE_HOURS` | deferred; notify(reminder) where one is due |
//! | `quarantine_due` | a quarantine is due: `AFTER_GRACE=quarantine`, overdue, warned, able to enroll | quarantine, notify(quarantined); `MAX_QUARANTINES` a run, the rest is deferred |
//! | `reminder_due` | the last notice is older than `REMIND_EVERY` | notify(reminder) |
//! | `nothing_due` | nothing else applies | nothing |
//!
//! Besides, whatever row decides, but for the first:
//!
//! - Devices of an open enrollment that are not the current version's are deleted.
//! - An open enrollment gets the enrollment policy where it is not attached, and the secret policy that this version writes
//!   where it has another (`put_policy`).
//! - A policy that is attached without need is detached. So is the quarantine policy where the user cannot enroll.
//! - With `SUBSCRIBE_OWNERS`, an owner with an e-mail address and no subscription is asked to confirm one.
//!
//! # What is deliberately absent
//!
//! - No database, no state outside IAM, Secrets Manager and the tags of the operations topic.
//! - No port traits and no mocks of our own: the core takes plain structs, and the edge is tested over HTTP.
//! - No `EnableMFADevice` and no `GetSecretValue` in the function: it can neither finish an enrollment nor read a seed.
//! - No text of an event in any message: an event names a user, and nothing else of it is used.
//!
//! # Unknown is never none
//!
//! A read that failed makes its user *unknown*, and nothing is done to an unknown user. Lists are read whole or not at
//! all. The credential report only ever vouches for users, never against them.
//!
//! # What is never logged
//!
//! Seeds, the secret's value, QR codes, `otpauth` URIs, TOTP codes. A seed lives in [`model::seed::Seed`], which cannot be
//! printed or copied and is zeroed when dropped. It leaves the process in one request: `PutSecretValue`. Below `INFO` the
//! logs hold this crate's own lines only ([`logging`]), because the HTTP stack's would hold requests.

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
