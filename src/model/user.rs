//! A user and its devices, as IAM shows them.

use crate::model::arn::Arn;
use jiff::Timestamp;

/// Whether `name` can be the name of an IAM user: 1 to 64 of `[A-Za-z0-9_+=,.@-]`.
pub fn is_user_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// An IAM user as `ListUsers` and `GetUser` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The friendly name. After a user is deleted, another person may get its name.
    pub name: String,
    /// The unique id (`AIDA…`). AWS never reuses it.
    pub id: String,
    /// The ARN, path included.
    pub arn: String,
    /// When the user was created, to the second.
    pub created_at: Timestamp,
}

impl User {
    /// The path: `/`, `/team-a/`.
    pub fn path(&self) -> &str {
        let resource = Arn::parse(&self.arn).and_then(|arn| arn.resource.strip_prefix("user"));
        resource.and_then(|path| path.rfind('/').map(|end| &path[..=end])).unwrap_or("/")
    }
}

/// A virtual MFA device as `ListVirtualMFADevices` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The device's ARN.
    pub serial_number: String,
    /// The ARN of the user (or root) it is assigned to; `None`: unassigned.
    pub assigned_to: Option<String>,
}

/// An MFA device assigned to a user, as `ListMFADevices` shows it: virtual, hardware, passkey or FIDO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedDevice {
    /// The serial number: an ARN, or that of a hardware token.
    pub serial_number: String,
    /// When it was enabled.
    pub enabled_at: Timestamp,
}

/// Which of mfa-warden's managed policies are attached to a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attached {
    /// The enrollment policy.
    pub enrollment: bool,
    /// The quarantine policy.
    pub quarantine: bool,
}

/// Whether `text` can be the unique id of an IAM user: 16 to 128 letters, digits and underscores (IAM API reference,
/// `User`). Ids from AWS begin with `AIDA` (IAM user guide, "IAM identifiers"); ids from emulators need not.
pub fn is_unique_id(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
