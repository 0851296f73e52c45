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
/// It has no `Debug`, `Display`, `Clone` or `Serialize`, so that no log line, error or answer can hold it. Its memory is
/// zeroed when it is dropped. Only [`secret_value`] reads it.
///
/// It can be held, and neither printed nor copied:
///
/// ```
/// fn hold(seed: mfa_warden::model::seed::Seed) -> mfa_warden::model::seed::Seed { seed }
/// ```
/// ```compile_fail
/// fn print(seed: mfa_warden::model::seed::Seed) { println!("{seed:?}"); }
/// ```
/// ```compile_fail
/// fn copy(seed: &mfa_warden::model::seed::Seed) -> mfa_warden::model::seed::Seed { seed.clone() }
/// ```
pub struct Seed(Zeroizing<String>);

impl Seed {
    /// Takes `Base32StringSeed` from the answer of `CreateVirtualMFADevice`: the bytes of the base32 text. Bytes that
    /// are not base32 text count as the raw key of RFC 6238 and are encoded. `None`: shorter than 80 bits, the minimum
    /// that authenticators accept.
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

/// The escapes for `otpauth` labels and issuers: everything but RFC 3986's unreserved characters.
const LABEL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `otpauth` URI (Key URI Format). An authenticator shows `AWS <account>` and the user's name.
fn otpauth_uri(seed: &Seed, account: &Account, user: &str) -> Zeroizing<String> {
    let issuer = format!("AWS {}", account.id);
    let issuer = utf8_percent_encode(&issuer, LABEL);
    let user = utf8_percent_encode(user, LABEL);
    let parts = [
        &format!("otpauth://totp/{issuer}:{user}?secret="),
        seed.0.as_str(),
        &format!("&issuer={issuer}&algorithm=SHA1&digits=6&period=30"),
    ];
    // Allocated once: a string that grows leaves a copy of its content behind, which nothing zeroes.
    let mut uri = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| uri.push_str(part));
    uri
}

/// White on black, whatever the terminal's own colors are (ECMA-48, SGR; the 256 colors of xterm). Some apps cannot read
/// an inverted QR code, so the code must not be inverted on a light background.
pub const WHITE_ON_BLACK: &str = "\x1b[38;5;231;48;5;16m";

/// Restores the terminal's own colors.
pub const PLAIN: &str = "\x1b[0m";

/// The URI's QR code in Unicode half blocks, two modules per character. Light modules and the quiet zone are drawn, dark
/// modules are left blank.
fn qr_text(uri: &str) -> Zeroizing<String> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::L)
        .expect("an otpauth URI of an IAM user is far shorter than the 2,953 bytes a QR code holds");
    let drawn = Zeroizing::new(
        code.render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .quiet_zone(true)
            .build(),
    );
    let lines = drawn.lines().count();
    // Allocated once, like the URI.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_VALUE));
    for (at, line) in drawn.lines().enumerate() {
        let end = if at + 1 < lines { "\n" } else { "" };
        [WHITE_ON_BLACK, line, PLAIN, end].into_iter().for_each(|part| text.push_str(part));
    }
    text
}

/// The most bytes that a secret's value can have (Secrets Manager's quotas).
const LONGEST_VALUE: usize = 65_536;

/// The secret's value: one JSON object for the owner alone. Like the seed in it, it cannot be printed or copied, and is
/// zeroed when dropped. Only [`secret_value`] makes one.
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// The JSON, for the one request that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// JSON in ASCII, everything else escaped: no encoding between Secrets Manager and the owner's terminal can spoil it. In
/// JSON only strings hold anything else.
fn ascii(json: &str) -> Zeroizing<String> {
    // Allocated once, like the URI. AWS accepts no longer value.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_VALUE));
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
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
        enable_command: &enable_command(account, &user.name, serial_number),
        created_at: rfc3339(created_at),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_VALUE));
    serde_json::to_writer(&mut *bytes, &value).expect("strings always serialize");
    SecretValue(ascii(str::from_utf8(&bytes).expect("JSON is UTF-8")))
}
