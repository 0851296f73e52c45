//! The seed of a virtual MFA device, and the secret value that hands it to its owner.

use crate::model::account::Account;
use crate::model::commands::enable_command;
use crate::model::text::rfc3339;
use crate::model::user::User;
use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use zeroize::Zeroizing;

/// The base32 seed of a TOTP device (RFC 4648, RFC 6238).
///
/// It has no `Debug`, `Display`, `Clone` or `Serialize`, so that no log line, error or answer can hold it, and
/// its memory is zeroed when it is dropped. [`secret_value`] is the one place that reads it.
///
/// ```compile_fail
/// fn print(seed: mfa_warden::seed::Seed) { println!("{seed:?}"); }
/// ```
/// ```compile_fail
/// fn copy(seed: &mfa_warden::seed::Seed) -> mfa_warden::seed::Seed { seed.clone() }
/// ```
pub struct Seed(Zeroizing<String>);

impl Seed {
    /// Takes what `CreateVirtualMFADevice` answers with (`Base32StringSeed`): the bytes of the base32 text. Bytes
    /// that are no such text are taken for the key itself, as RFC 6238 knows it, and encoded. `None`: shorter than
    /// the 80 bits that authenticators accept at the least.
    pub fn from_answer(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        let end = bytes.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
        let digits = &bytes[..end];
        let is_base32 = digits.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
        let text =
            if is_base32 { String::from_utf8(digits.to_vec()).ok()? } else { BASE32_NOPAD.encode(&bytes) };
        (text.len() >= 16).then(|| Seed(Zeroizing::new(text)))
    }
}

/// `otpauth` labels and issuers: everything but RFC 3986's unreserved characters is escaped.
const LABEL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `otpauth` URI (Key URI Format): what an authenticator shows is `AWS <account>` and the user's name.
fn otpauth_uri(seed: &Seed, account: &Account, user: &str) -> Zeroizing<String> {
    let issuer = format!("AWS {}", account.id);
    let issuer = utf8_percent_encode(&issuer, LABEL);
    let user = utf8_percent_encode(user, LABEL);
    let parts = [
        &format!("otpauth://totp/{issuer}:{user}?secret="),
        seed.0.as_str(),
        &format!("&issuer={issuer}&algorithm=SHA1&digits=6&period=30"),
    ];
    // Allocated once: a string that grows leaves what it held behind, where nothing zeroes it.
    let mut uri = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| uri.push_str(part));
    uri
}

/// The URI's QR code in Unicode half blocks, two modules a character. Light modules are drawn and dark ones
/// left blank, quiet zone included: right on a dark terminal, which CloudShell's is.
fn qr_text(uri: &str) -> Zeroizing<String> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::L)
        .expect("an otpauth URI of an IAM user is far shorter than the 2,953 bytes a QR code holds");
    let text = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    Zeroizing::new(text)
}

/// The most bytes of a secret's value (Secrets Manager's quotas).
const LONGEST_VALUE: usize = 65_536;

/// The secret's value: one JSON object for the owner's eyes only. Like the seed in it, it cannot be printed or copied, and is
/// zeroed when dropped. Only [`secret_value`] makes one.
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// The JSON, for the one request that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Makes the secret's value.
pub fn secret_value(
    seed: &Seed,
    account: &Account,
    user: &User,
    serial_number: &str,
    created_at: Timestamp,
) -> SecretValue {
    #[derive(serde::Serialize)]
    struct Value<'a> {
        account: &'a str,
        user: &'a str,
        serial_number: &'a str,
        seed: &'a str,
        otpauth_uri: &'a str,
        qr_text: &'a str,
        enable_command: &'a str,
        created_at: String,
    }
    let uri = otpauth_uri(seed, account, &user.name);
    let value = Value {
        account: &account.id,
        user: &user.name,
        serial_number,
        seed: &seed.0,
        otpauth_uri: &uri,
        qr_text: &qr_text(&uri),
        enable_command: &enable_command(&user.name, serial_number),
        created_at: rfc3339(created_at),
    };
    // Allocated once, as the URI is; AWS takes no longer value.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_VALUE));
    serde_json::to_writer(&mut *bytes, &value).expect("strings always serialise");
    SecretValue(Zeroizing::new(String::from_utf8(std::mem::take(&mut *bytes)).expect("JSON is UTF-8")))
}
