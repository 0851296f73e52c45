//! mfa-warden brings every IAM user under MFA. It finds users without MFA and prepares a virtual MFA device for each. It
//! keeps the seed in Secrets Manager for the owner alone and tells the owner through SNS how to enroll. It follows up until
//! the owner has enrolled, and then destroys the seed.
//!
//! # The flow
//!
//! mfa-warden is a level-triggered reconciler. An event says only *which user to look at*; every fact is read from AWS
//! again. Every run does four steps, for one user or for all:
//!
//! ```text
//! observe (AWS reads)  ->  judge (pure)  ->  plan (pure)  ->  execute (AWS writes)
//!  run::observe            rules::judge      rules::plan      run::execute
//! ```
//!
//! A second run changes nothing. If a run dies at any point, the next run recognizes the state and repairs it. There is no
//! database: IAM and Secrets Manager hold the state.
//!
//! # The floors
//!
//! ```text
//! main.rs   bin/warden                      entries: clock, environment, terminal
//!           handler                         one invocation
//!           run                             the four steps of a run
//! messages     reporting                    texts for people | formats for machines
//!           words             aws           reasons, failures and warnings in words | one file a service
//!           rules                           decisions: facts in, data out
//!           model                           nouns
//! ```
//!
//! A floor names only floors below it, and floors side by side do not know each other. `aws` names only `model`. A trait's
//! `impl` needs a type or a trait of its own floor; only `words` may write types of `model` for people (`Display`).
//! `model`, `rules`, `words`, `messages` and `reporting` are pure: no network, no clock, no environment, no log.
//! `tests/architecture.rs` checks this.
//!
//! # Where do I put …?
//!
//! | change | where | its test |
//! |---|---|---|
//! | a setting | [`model::settings`], `src/bin/warden/options/settings.rs`, `template.yaml`, the table in `README.md` | in [`model::settings`], `tests/policies/readme.test.js` |
//! | an event | [`rules::trigger`], a sample in `events/`, the rule in `template.yaml` | `tests/rules/trigger.rs` |
//! | a message to owners | its text in each folder of `src/messages/templates`; what it may speak of: `src/messages/context.rs`, [`messages::owner`] | `tests/messages/owner.rs`, `tests/messages/plain.rs` |
//! | the line that owners paste | [`model::commands`], its table in `README.md` | `tests/messages/line.rs`, `tests/stack/test_line.py` |
//! | the form of messages for machines | [`reporting::notice`], `events/schema/notice.json` | `tests/messages/owner.rs`, `tests/stack/test_relay.py` |
//! | a message to operations | [`messages::operations`] for people, [`reporting::summary`] for machines | `tests/messages/operations.rs`, `tests/reporting/summary.rs` |
//! | an AWS call | [`aws`], the role in `template.yaml` with its reason | `tests/aws`, `tests/policies/role.test.js` |
//! | an action | [`model::action`], `run/execute.rs` | `tests/rules/plan.rs`, `tests/run` |
//! | a rule | [`model::rule`], [`rules::plan`], [`messages::rules`], the table below | `tests/rules/table.rs` |
//! | something that a secret's tags record | [`model::record`] | `tests/model/record.rs` |
//! | a language | a folder in `src/messages/templates` with the same files (`build.rs` finds it), `Language` in `template.yaml` | `tests/messages/plain.rs` |
//! | a metric | [`reporting::metrics`], the dashboard in `template.yaml` | `tests/reporting/metrics.rs`, `tests/policies/dashboard.test.js` |
//! | an alarm | `template.yaml` | `tests/policies/alarms.test.js` |
//! | a command of `warden` | `src/bin/warden/commands`, its options in `src/bin/warden/options` | `tests/cli` |
//!
//! # An enrollment
//!
//! An enrollment is a secret and a device that name each other. The secret is `mfa-warden/<UserId>`, with a tag that holds
//! the same id. A secret that lacks the name or the tag belongs to somebody else and is never touched
//! ([`model::enrollment::Secret::owner_id`]). The id of its current version is a `UUIDv7`, which tells when the seed was
//! made. The device is `/mfa-warden/<user name>.<last 8 characters of the version id>`. The enrollment is *usable* when that
//! device exists, unassigned, under the user's present name. It is *broken* when the device is still missing after AWS's
//! listings had time to settle. The secret is created first and deleted last, so unfinished work is always visible.
//!
//! The function writes a seed only into a secret that it made itself: created in this run, or holding a version that the
//! function made. Any other secret of that name and tag may be somebody else's work
//! ([`model::enrollment::Doubt`]). The function first deletes that secret and creates it again.
//!
//! A new version becomes current by a compare-and-swap on `AWSCURRENT` ([`aws::secrets::Secrets::claim`]). For the
//! first version it expects none. Of two concurrent runs one wins; the other deletes its device and sends no message. Calls
//! that change a secret name it by its ARN, so they never change a newer secret of the same name.
//!
//! # Telling
//!
//! An invitation goes out at least once. The run that won the version publishes the invitation and then records it in a tag.
//! If nobody was told of an earlier run's version, the run first writes a tag, to prove that it can. Every other message goes out at most once: it is recorded and then published. So if tags cannot be written at all, only one message
//! goes out, and a crash never loses an invitation.
//!
//! # Time
//!
//! The grace period counts from the first notice that went out ([`model::enrollment::Secret::first_notice_at`]). Time that a
//! user spent in a recently closed enrollment is subtracted ([`model::enrollment::Secret::grace`]). A user is quarantined
//! only if the owner is known to have received a notice of the current version, long enough ago for one reminder
//! (`rules/enrollment_state.rs`: [`model::enrollment::Secret::is_warned`]), and is able to enroll (`rules/blockers.rs`:
//! [`model::known::Known::is_able_to_enroll`]).
//!
//! # The decision table
//!
//! The first row that applies decides. [`rules::plan`] has one function for each row, and `tests/rules/table.rs` one
//! test; `tests/rules/plan.rs` has the odd cases. Each outcome and its log line name the row in the field `rule`. `warden explain USER` shows it.
//!
//! | rule | applies when | what follows |
//! |---|---|---|
//! | `unknown` | something about the user could not be read | nothing is done; the user is reported |
//! | `user_gone` | there is no such user any more | close without a message, or delete leftover devices |
//! | `has_mfa` | the user has an MFA device | close, notify(enrolled) where the owner was invited |
//! | `need_not_enroll` | the user is exempt, or outside `MFA_SCOPE` | close, notify(withdrawn) where the owner was invited |
//! | `retiring` | `RETIRE=true` | close, notify(withdrawn) where the owner was invited |
//! | `foreign_secret` | somebody else's secret has the name that the user's would have | nothing is prepared; failed; a quarantine is lifted |
//! | `never_reached` | a device is prepared, but no notice is known to have arrived, and none can now | close without a message |
//! | `outside_pilot` | the user is outside `PILOT`, and no notice went out | nothing new is begun; deferred |
//! | `unreachable` | no device is prepared, and no message can reach the owner | nothing is prepared; reported |
//! | `not_prepared` | no device is prepared | provision, attach the enrollment policy, notify(invitation) |
//! | `broken` | the secret or its device cannot be used, or somebody else changed the secret | provision, attach the enrollment policy, notify(invitation) |
//! | `offer_too_old` | the seed is older than `OFFER_TTL` | provision, attach the enrollment policy, notify(invitation) |
//! | `settling` | the device is so new that listings may not show it yet | nothing |
//! | `invitation_due` | the owner was not invited to this device, missed the invitation but can be reached now, or has changed | notify(invitation) |
//! | `quarantine_not_told` | the user is quarantined, and the owner was not told | notify(quarantined) |
//! | `unable_to_enroll` | a quarantine is due, but it is not known that the owner can enroll | no quarantine; what blocks enrollment is reported; notify(reminder) where one is due |
//! | `outside_quarantine_hours` | a quarantine is due, but the time is outside `QUARANTINE_HOURS` | deferred; notify(reminder) where one is due |
//! | `quarantine_due` | a quarantine is due: `AFTER_GRACE=quarantine`, overdue, warned, able to enroll | quarantine, notify(quarantined); at most `MAX_QUARANTINES` a run, the rest is deferred |
//! | `reminder_due` | the last notice is older than `REMIND_EVERY` | notify(reminder) |
//! | `nothing_due` | nothing else applies | nothing |
//!
//! In addition, for every row except the first:
//!
//! - Devices of an open enrollment that do not belong to the current version are deleted.
//! - For an open enrollment, the enrollment policy is attached if it is missing. A resource policy that this version did
//!   not write is replaced (`put_policy`).
//! - A policy that is not needed is detached. The quarantine policy is also detached if the user cannot enroll.
//! - With `SUBSCRIBE_OWNERS`, an owner with an e-mail address and no subscription is asked to confirm one, and asked
//!   again where the link of the last mail no longer works ([`rules::asked`]).
//!
//! # Beyond users
//!
//! A look at the CloudTrail trails (`{"action":"check_trails"}`) has a schedule of its own, once a day, so that a sweep
//! needs neither the calls nor a memory of the day ([`run::trail`]). What it told operations is in a tag of their topic; a
//! sweep reads that tag with the others and repeats the warning.
//!
//! # What is deliberately absent
//!
//! - No database, no state outside IAM, Secrets Manager and the tags of the operations topic.
//! - No port traits and no handwritten mocks: the core takes plain structs, and the edge is tested over HTTP.
//! - No `EnableMFADevice` and no `GetSecretValue` in the function: it can neither finish an enrollment nor read a seed.
//! - No free text from events in messages: an event gives a user's name, and the IP address behind the change.
//!
//! # Invariants
//!
//! | always | shown by |
//! |---|---|
//! | Unknown is never none: a failed read makes its user *unknown*, and nothing is done to that user. A listing counts as whole only when its last page says so. The credential report can vouch for a user and never counts against one. | `tests/simulation/outages.rs`, `tests/aws/pages.rs` |
//! | The role cannot read a seed. A seed leaves the process in one request, `PutSecretValue`. | `tests/policies/role.test.js`, `tests/run/leaks.rs` |
//! | A secret is closed to all but its owner before it holds a seed. | `tests/run/sweep.rs`, `tests/simulation/crashes.rs` |
//! | Only unassigned devices under `/mfa-warden/` are deleted, and only secrets that have mfa-warden's name and tag. | `tests/run/ownership.rs`, `tests/rules/ownership.rs` |
//! | If a run dies after any call, the next run leaves one usable enrollment for each user without MFA, and nothing orphaned. Two runs at once do no harm. | `tests/simulation/crashes.rs`, `tests/simulation/races.rs` |
//! | A dry run changes nothing. | `tests/run/sweep.rs` |
//! | Events change nothing that a sweep would not change. | `tests/rules/trigger.rs`, `tests/simulation/lives.rs` |
//! | No user is quarantined who was not warned, was not reached, or cannot enroll. | `tests/rules/plan.rs`, `tests/simulation/lives.rs` |
//!
//! # What is never logged
//!
//! Seeds, the secret's value, QR codes, `otpauth` URIs, TOTP codes, e-mail addresses. A seed lives in
//! [`model::seed::Seed`], which cannot be printed or copied and is zeroed when dropped. It leaves the process in one
//! request: `PutSecretValue`. Of an address only the domain is logged ([`model::text::without_addresses`]), also in the
//! error that the function returns, because Lambda logs it. The log names users, so a user name that is an address stays.
//! Below `INFO` only this crate logs ([`logging`]): the HTTP stack would log requests.

pub mod aws;
pub mod handler;
pub mod logging;
pub mod messages;
pub mod model;
pub mod reporting;
pub mod rules;
pub mod run;
pub mod words;

pub use handler::Warden;
pub use model::settings::Settings;
