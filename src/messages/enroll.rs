//! What `warden enroll` says to an owner, in the owner's language, and what `warden` says to everybody about credentials. It
//! holds no seed and no code.

use crate::messages::templates::enroll;
use crate::model::language::Language;

/// What it says. Text of others is made safe to show before it comes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// The user has MFA; `devices`: each on a line of its own.
    EnrolledAlready {
        /// The user's name.
        user: &'a str,
        /// Whether the prepared device is among them.
        is_prepared: bool,
    },
    /// The secret does not hold what mfa-warden writes.
    NotOurs,
    /// The secret names another device than the one that was prepared.
    OtherDevice {
        /// The device that it names.
        named: &'a str,
        /// The prepared device.
        expected: &'a str,
    },
    /// Requests do not go to AWS.
    OtherEndpoint {
        /// Where they go.
        url: &'a str,
    },
    /// A device is ready; the QR code follows.
    Ready {
        /// The user's name.
        user: &'a str,
        /// The account's id.
        account: &'a str,
    },
    /// The window is too narrow for the QR code.
    Narrow {
        /// How wide it must be.
        columns: usize,
        /// The command to run again.
        again: &'a str,
    },
    /// How to see the setup key as text.
    NoCamera {
        /// The command.
        command: &'a str,
    },
    /// What stands before the setup key.
    SetupKey,
    /// How to type the codes.
    TwoCodes,
    /// The question for the first code.
    AskFirst,
    /// The question for the second code.
    AskSecond,
    /// Both codes are the same.
    SameCode,
    /// What was typed is no code.
    NoCode,
    /// There was nothing to read.
    NoInput {
        /// The command to run again.
        again: &'a str,
    },
    /// No codes were accepted.
    NotAccepted {
        /// The command to run again.
        again: &'a str,
    },
    /// AWS refused the codes.
    WrongCodes,
    /// AWS takes a second device only in a session with MFA.
    NeedsMfa {
        /// AWS's code.
        code: &'a str,
    },
    /// The device is enabled, but not listed.
    Exists {
        /// The command to run again.
        again: &'a str,
    },
    /// The user has as many devices as IAM allows.
    Limit {
        /// What AWS said.
        said: &'a str,
    },
    /// IAM is busy with the user.
    Busy {
        /// The command to run again.
        again: &'a str,
    },
    /// The prepared device is gone.
    Gone {
        /// The command to run again.
        again: &'a str,
    },
    /// The user may not enable a device.
    EnableDenied {
        /// What AWS said.
        said: &'a str,
    },
    /// Anything else.
    EnableFailed {
        /// What AWS said.
        said: &'a str,
        /// The command to run again.
        again: &'a str,
    },
    /// There is no secret in this region.
    NoSecret {
        /// The region.
        region: &'a str,
        /// Whether IAM said that the user has no MFA device.
        has_none: bool,
        /// Whether IAM has a device that was prepared for the user; `None`: unknown.
        is_prepared: Option<bool>,
        /// The command for another region.
        there: &'a str,
    },
    /// The secret is about to be deleted or replaced.
    SecretGoing {
        /// What AWS said.
        said: &'a str,
    },
    /// The user may not read the secret, or there is none.
    ReadDenied {
        /// The region.
        region: &'a str,
        /// What AWS said.
        said: &'a str,
        /// The command for another region.
        there: &'a str,
    },
    /// Anything else.
    ReadFailed {
        /// What AWS said.
        said: &'a str,
    },
    /// The user has MFA now.
    Done {
        /// The user's name.
        user: &'a str,
        /// The device.
        device: &'a str,
        /// Whether IAM lists it.
        is_listed: bool,
    },
    /// No region is set.
    NoRegion,
    /// AWS names no account.
    NoAccount {
        /// The caller's ARN.
        arn: &'a str,
    },
    /// The profile gives no credentials.
    NoProfile {
        /// Its name.
        profile: &'a str,
    },
    /// There are no credentials.
    NoCredentials {
        /// How to sign in.
        login: &'a str,
    },
    /// The credentials cannot be loaded.
    BadCredentials {
        /// Why.
        why: &'a str,
        /// How to sign in.
        login: &'a str,
        /// The profile whose role demands MFA, if that may be why.
        mfa_profile: Option<&'a str>,
    },
    /// AWS does not say who the caller is.
    Unidentified {
        /// What AWS said.
        said: &'a str,
        /// How to sign in.
        login: &'a str,
    },
    /// AWS gives no answer.
    Unreachable {
        /// What was said.
        said: &'a str,
    },
    /// IAM refuses the session token.
    SessionToken {
        /// What failed.
        failure: &'a str,
    },
    /// IAM does not know the access key.
    UnknownKey {
        /// What failed.
        failure: &'a str,
    },
    /// The caller is the root user.
    Root,
    /// The caller is a role.
    Role {
        /// Its name.
        role: &'a str,
    },
    /// The caller is something else.
    NoUser {
        /// Its ARN.
        arn: &'a str,
    },
}

impl Said<'_> {
    /// The words.
    pub fn words(self, language: Language) -> String {
        // A template fails only if writing into a string does.
        enroll(language.code(), &self).unwrap_or_default()
    }
}
