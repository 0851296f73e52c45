//! `enroll`: an owner sets up the prepared device, from the QR code to the proof that it is enabled.

use crate::connect::{Connection, connect_in, foreign_endpoint};
use crate::options::{EnrollArgs, Global};
use crate::terminal::output::{Look, plain, print};
use anyhow::{anyhow, bail};
use aws_sdk_iam::error::ProvideErrorMetadata;
use mfa_warden::aws::again::ask_again;
use mfa_warden::aws::iam::Iam;
use mfa_warden::aws::{AwsError, said, without_words};
use mfa_warden::messages::enroll::Said;
use mfa_warden::model::arn::Arn;
use mfa_warden::model::enrollment::{SECRET_PREFIX, user_of_device};
use mfa_warden::model::language::Language;
use mfa_warden::model::seed::{PLAIN, WHITE_ON_BLACK};
use mfa_warden::model::text::{printable, shown};
use mfa_warden::model::user::{AssignedDevice, Device, is_user_name};
use serde::Deserialize;
use std::io::{IsTerminal, stdin};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// How many times codes are asked for.
const TRIES: u32 = 3;

/// Pauses before IAM is asked again whether it lists the device, in milliseconds: its listings may lag.
const PAUSES: [u64; 2] = [1000, 2000];

/// Sets up the prepared device.
///
/// # Errors
/// When the caller is not an IAM user, nothing is prepared or readable, or no codes were accepted. The message says what
/// to do.
pub async fn enroll(global: &Global, args: &EnrollArgs) -> anyhow::Result<ExitCode> {
    let language = args.language();
    let connection = connect_in(language, global).await?;
    let user = user_name(&connection.arn).map_err(|who| anyhow!(who.words(language)))?;
    let iam = Iam(aws_sdk_iam::Client::new(&connection.config));
    // Before the seed is read: a user who has MFA need not see it. A failed read does not mean "no device", but it is
    // no reason to stop: a user may be allowed to enable a device and not to list devices.
    let has_none = match iam.mfa_devices(user).await {
        Ok(devices) if !devices.is_empty() => {
            print(&enrolled_already(user, &devices, language))?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(_) => true,
        // IAM would refuse to enable the device too, after the codes.
        Err(error) => match connection.refusal(&error.into()).await {
            Some(refusal) => bail!(refusal),
            None => false,
        },
    };
    let (version, value) = match read_secret(&connection).await {
        Ok(read) => read,
        Err(Unread::NotOurs) => bail!(Said::NotOurs.words(language)),
        Err(Unread::Refused { code, said }) => {
            let is_prepared = match code.as_deref() {
                Some("ResourceNotFoundException") => is_prepared(&iam, user).await,
                _ => None,
            };
            let there = global.command_in(Some("REGION"), "enroll");
            let region = &connection.account.region;
            let unread = Sought { region, has_none, is_prepared, there: &there };
            bail!(explain_read(code.as_deref(), &said, unread).words(language))
        }
    };
    let prepared: Prepared =
        serde_json::from_str(&value).map_err(|_| anyhow!(Said::NotOurs.words(language)))?;
    let expected = connection.account.serial_number(user, &version);
    prepared.verify(&expected, language).map_err(|why| anyhow!(why))?;
    let look = Look::new(global);
    if let Some(endpoint) = foreign_endpoint(&connection.config) {
        print(&(Said::OtherEndpoint { url: &printable(&endpoint) }.words(language) + "\n\n"))?;
    }
    let again = global.command("enroll");
    let shows_seed = (!args.show_seed).then(|| global.command("enroll --show-seed"));
    let account = &connection.account.id;
    print(&invitation(user, account, &prepared, shows_seed.as_deref(), &again, look, language))?;
    let serial_number = &prepared.serial_number;
    for tries_left in (0..TRIES).rev() {
        let refusal = match ask_for_codes(&again, language)? {
            Err(why) => Refusal { again: true, text: why.words(language) },
            Ok([first, second]) => {
                let request = iam.0.enable_mfa_device().user_name(user).serial_number(serial_number);
                match request.authentication_code1(first).authentication_code2(second).send().await {
                    Ok(_) => {
                        print(&done(
                            user,
                            serial_number,
                            is_listed(&iam, user, serial_number).await,
                            language,
                        ))?;
                        return Ok(ExitCode::SUCCESS);
                    }
                    Err(error) => {
                        let words = error.message().unwrap_or_default();
                        let said = said(error.meta(), &error);
                        let explained = explain_enable(error.code(), words, &said, &again, language);
                        // AccessDenied would have come before, if it was about the credentials.
                        let text = match error.code() {
                            Some("InvalidClientTokenId") => {
                                let failure = AwsError::new("enable the MFA device", error);
                                connection.refusal(&failure.into()).await
                            }
                            _ => None,
                        };
                        text.map_or(explained, |text| Refusal { again: false, text })
                    }
                }
            }
        };
        if !refusal.again {
            // An earlier attempt may have enabled the device although its answer was lost.
            if is_listed(&iam, user, serial_number).await {
                print(&done(user, serial_number, true, language))?;
                return Ok(ExitCode::SUCCESS);
            }
            bail!(refusal.text);
        }
        print(&format!("\n   {}\n", refusal.text.replace('\n', "\n   ")))?;
        if tries_left == 0 {
            bail!(Said::NotAccepted { again: &again }.words(language));
        }
    }
    Ok(ExitCode::FAILURE)
}

/// The part of the secret's value that is used here. Fields that hold a seed are zeroed when dropped. The copies in the
/// HTTP stack and in standard output are out of reach.
#[derive(Deserialize)]
struct Prepared {
    serial_number: String,
    seed: Zeroizing<String>,
    qr_text: Zeroizing<String>,
}

impl Prepared {
    /// The lines of the QR code without their colors, which this command sets itself.
    fn qr_lines(&self) -> impl Iterator<Item = &str> {
        self.qr_text.split('\n').map(|line| {
            line.strip_prefix(WHITE_ON_BLACK).and_then(|line| line.strip_suffix(PLAIN)).unwrap_or(line)
        })
    }

    /// Whether the function prepared this value for this user, and it shows nothing unexpected. With a seed that an
    /// attacker wrote, the attacker's phone would be the second factor.
    fn verify(&self, serial_number: &str, language: Language) -> Result<(), String> {
        if self.serial_number != serial_number {
            let (named, expected) = (&shown(&self.serial_number), &shown(serial_number));
            return Err(Said::OtherDevice { named, expected }.words(language));
        }
        let is_drawn = |c: char| matches!(c, ' ' | '\u{2580}' | '\u{2584}' | '\u{2588}');
        let is_base32 = |b: u8| matches!(b, b'A'..=b'Z' | b'2'..=b'7');
        if self.qr_lines().all(|line| line.chars().all(is_drawn)) && self.seed.bytes().all(is_base32) {
            Ok(())
        } else {
            Err(Said::NotOurs.words(language))
        }
    }
}

/// Why there is no value.
enum Unread {
    /// mfa-warden did not write it.
    NotOurs,
    /// AWS refused to show it.
    Refused { code: Option<String>, said: String },
}

/// The secret's version and value.
async fn read_secret(connection: &Connection) -> Result<(String, Zeroizing<String>), Unread> {
    let Connection { config, user_id, .. } = connection;
    let secrets = aws_sdk_secretsmanager::Client::new(config);
    let request = secrets.get_secret_value().secret_id(format!("{SECRET_PREFIX}{user_id}"));
    match request.version_stage("AWSCURRENT").send().await {
        Ok(answer) => match (answer.version_id, answer.secret_string) {
            (Some(version), Some(value)) => Ok((version, Zeroizing::new(value))),
            _ => Err(Unread::NotOurs),
        },
        // The answer may carry a seed: the error repeats none of its words.
        Err(error) => {
            let (code, said) = without_words(&error);
            Err(Unread::Refused { code, said })
        }
    }
}

/// Whether IAM has an unassigned device that was prepared for the user; `None`: it does not tell. The enrollment policy
/// does not allow to ask.
async fn is_prepared(iam: &Iam, user: &str) -> Option<bool> {
    let devices = iam.virtual_mfa_devices(true).await.ok()?;
    let is_own = |device: &Device| {
        let named = user_of_device(&device.serial_number);
        device.assigned_to.is_none() && named.is_some_and(|named| named.eq_ignore_ascii_case(user))
    };
    Some(devices.iter().any(is_own))
}

/// Whether IAM lists the device as the user's. Asks again if not, because listings lag.
async fn is_listed(iam: &Iam, user: &str, serial_number: &str) -> bool {
    let look = async || {
        let devices = iam.mfa_devices(user).await.unwrap_or_default();
        devices.iter().any(|device| device.serial_number == *serial_number)
    };
    ask_again(&PAUSES, look, |is_listed| *is_listed).await
}

/// The name in an IAM user's ARN, or who the caller is instead.
fn user_name(arn: &str) -> Result<&str, Caller> {
    let resource = Arn::parse(arn).map_or("", |arn| arn.resource);
    if resource == "root" {
        return Err(Caller::Root);
    }
    if let Some(role) = resource.strip_prefix("assumed-role/") {
        return Err(Caller::Role(shown(role.split('/').next().unwrap_or_default())));
    }
    let name = resource.strip_prefix("user/").and_then(|path| path.rsplit('/').next());
    name.filter(|name| is_user_name(name)).ok_or_else(|| Caller::Other(shown(arn)))
}

/// A caller who is no IAM user, and so has no MFA device.
#[derive(Debug, PartialEq, Eq)]
enum Caller {
    Root,
    Role(String),
    Other(String),
}

impl Caller {
    fn words(&self, language: Language) -> String {
        match self {
            Caller::Root => Said::Root,
            Caller::Role(role) => Said::Role { role },
            Caller::Other(arn) => Said::NoUser { arn },
        }
        .words(language)
    }
}

fn enrolled_already(user: &str, devices: &[AssignedDevice], language: Language) -> String {
    let is_prepared = devices.iter().any(|device| user_of_device(&device.serial_number).is_some());
    let devices: String =
        devices.iter().map(|device| format!("  {}\n", plain(&device.serial_number))).collect();
    format!("{}\n{devices}", Said::EnrolledAlready { user, is_prepared }.words(language))
}

/// What the owner sees before the codes are asked for. `shows_seed`: the command that shows the seed as text; `None`: this
/// one does. `again`: the command that enrolls.
fn invitation(
    user: &str,
    account: &str,
    prepared: &Prepared,
    shows_seed: Option<&str>,
    again: &str,
    look: Look,
    language: Language,
) -> Zeroizing<String> {
    let columns = prepared.qr_lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let narrow = look.width.is_some_and(|width| usize::from(width) < columns);
    // With room for all of it: a string that grows leaves copies of the seed behind.
    let commands = again.len() + shows_seed.map_or(0, str::len);
    let mut text = Zeroizing::new(String::with_capacity(2 * prepared.qr_text.len() + commands + 4096));
    let line = |said: Said<'_>| said.words(language) + "\n";
    text.push_str(&line(Said::Ready { user, account }));
    if narrow {
        text.push_str(&line(Said::Narrow { columns, again }));
    }
    text.push('\n');
    for line in prepared.qr_lines() {
        // White on black, whatever the terminal's own colors: some apps cannot read an inverted code.
        let (before, after) = if look.color { (WHITE_ON_BLACK, PLAIN) } else { ("", "") };
        text.push_str(before);
        text.extend(line.chars().filter(|c| !c.is_control()));
        text.push_str(after);
        text.push('\n');
    }
    text.push('\n');
    if let Some(command) = shows_seed {
        text.push_str(&line(Said::NoCamera { command }));
    } else {
        text.push_str(&Said::SetupKey.words(language));
        text.push_str("  ");
        for (at, digit) in prepared.seed.chars().filter(|c| !c.is_control()).enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(digit);
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&line(Said::TwoCodes));
    text
}

/// Two codes, or why the input is not two codes.
fn ask_for_codes(again: &str, language: Language) -> anyhow::Result<Result<[String; 2], Said<'static>>> {
    let first = match code(&ask("\n", Said::AskFirst, again, language)?) {
        Ok(first) => first,
        Err(why) => return Ok(Err(why)),
    };
    Ok(code(&ask("", Said::AskSecond, again, language)?)
        .and_then(|second| if first == second { Err(Said::SameCode) } else { Ok([first, second]) }))
}

fn ask(before: &str, question: Said<'_>, again: &str, language: Language) -> anyhow::Result<String> {
    print(&format!("{before}{} ", question.words(language)))?;
    let mut line = String::new();
    let typed = stdin().is_terminal();
    if stdin().read_line(&mut line)? == 0 {
        print("\n")?;
        bail!(Said::NoInput { again }.words(language));
    }
    if !typed {
        // A terminal already shows the end of the line that was typed.
        print("\n")?;
    }
    Ok(line)
}

/// The six digits of a code as typed, perhaps with the spaces that some apps show.
fn code(typed: &str) -> Result<String, Said<'static>> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_code { Ok(digits) } else { Err(Said::NoCode) }
}

/// Why the device was not enabled.
struct Refusal {
    /// Whether other codes may help.
    again: bool,
    text: String,
}

/// Whether AWS refuses a second device because the session has no MFA. AWS says so with several codes.
fn needs_mfa(words: &str) -> bool {
    words.to_lowercase().contains("authenticated with an mfa device")
}

/// `words`: AWS's own. `said`: the same with the code, fit to be shown.
fn explain_enable(code: Option<&str>, words: &str, said: &str, again: &str, language: Language) -> Refusal {
    let why = shown(code.unwrap_or("-"));
    let told = match code {
        _ if needs_mfa(words) => Said::NeedsMfa { code: &why },
        Some("InvalidAuthenticationCode" | "InvalidAuthenticationCodeException") => Said::WrongCodes,
        Some("EntityAlreadyExists") => Said::Exists { again },
        Some("LimitExceeded") => Said::Limit { said },
        Some("EntityTemporarilyUnmodifiable") => Said::Busy { again },
        Some("NoSuchEntity") => Said::Gone { again },
        _ if is_denied(code) => Said::EnableDenied { said },
        _ => Said::EnableFailed { said, again },
    };
    Refusal { again: matches!(told, Said::WrongCodes), text: told.words(language) }
}

/// Where the secret was sought, and what else is known.
#[derive(Clone, Copy)]
struct Sought<'a> {
    region: &'a str,
    /// Whether IAM said that the user has no MFA device; otherwise that is unknown.
    has_none: bool,
    /// Whether IAM has a device that was prepared for the user; `None`: unknown.
    is_prepared: Option<bool>,
    /// The command for another region.
    there: &'a str,
}

fn explain_read<'a>(code: Option<&str>, said: &'a str, sought: Sought<'a>) -> Said<'a> {
    let Sought { region, has_none, is_prepared, there } = sought;
    match code {
        Some("ResourceNotFoundException") => Said::NoSecret { region, has_none, is_prepared, there },
        Some("InvalidRequestException") => Said::SecretGoing { said },
        _ if is_denied(code) => Said::ReadDenied { region, said, there },
        _ => Said::ReadFailed { said },
    }
}

fn is_denied(code: Option<&str>) -> bool {
    matches!(code, Some("AccessDenied" | "AccessDeniedException"))
}

fn done(user: &str, serial_number: &str, is_listed: bool, language: Language) -> String {
    let device = &plain(serial_number);
    format!("\n{}\n", Said::Done { user, device, is_listed }.words(language))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: Language = Language::ENGLISH;

    fn prepared() -> Prepared {
        Prepared {
            serial_number: "arn:aws:iam::123456789012:mfa/mfa-warden/anna.0a1b2c3d".to_owned(),
            seed: Zeroizing::new("JBSWY3DPEHPK3PXPJBSWY3DP".to_owned()),
            qr_text: Zeroizing::new("▄▄▄▄\n█▀▀█".to_owned()),
        }
    }

    #[test]
    fn only_an_iam_user_enrolls() {
        assert_eq!(user_name("arn:aws:iam::123456789012:user/anna"), Ok("anna"));
        assert_eq!(user_name("arn:aws-cn:iam::123456789012:user/team/a/wei,chen"), Ok("wei,chen"));
        let refused = [
            "arn:aws:iam::123456789012:root",
            "arn:aws:sts::123456789012:assumed-role/Admin/anna",
            "arn:aws:sts::123456789012:federated-user/anna",
        ];
        insta::assert_snapshot!(refused.map(|arn| user_name(arn).unwrap_err().words(EN)).join("\n\n"));
    }

    #[test]
    fn only_the_device_of_the_own_name_and_version_is_enabled_and_only_blocks_are_drawn() {
        let expected = "arn:aws:iam::123456789012:mfa/mfa-warden/anna.0a1b2c3d";
        assert_eq!(prepared().verify(expected, EN), Ok(()));
        for other in [
            "arn:aws:iam::123456789012:mfa/mfa-warden/anna.deadbeef",
            "arn:aws:iam::123456789012:mfa/mfa-warden/mallory.0a1b2c3d",
            "arn:aws:iam::123456789012:mfa/anna.0a1b2c3d",
            "arn:aws:iam::210987654321:mfa/mfa-warden/anna.0a1b2c3d",
            "GAKT00012345",
            "",
        ] {
            let forged = Prepared { serial_number: other.to_owned(), ..prepared() };
            let why = forged.verify(expected, EN).unwrap_err();
            assert!(why.contains("Nothing was enabled: tell the people who run mfa-warden"), "{why}");
        }
        let colored = Prepared {
            qr_text: Zeroizing::new(format!("{WHITE_ON_BLACK}▄▄{PLAIN}\n{WHITE_ON_BLACK}█▀{PLAIN}")),
            ..prepared()
        };
        assert_eq!(colored.verify(expected, EN), Ok(()));
        assert_eq!(colored.qr_lines().collect::<Vec<_>>(), ["▄▄", "█▀"]);
        let inside = format!("{WHITE_ON_BLACK}█\u{1b}[2J{PLAIN}");
        for qr_text in [&inside, "\u{1b}[2J", "scan https://evil.example", "█▀\u{202e}", "█\r█"] {
            let forged = Prepared { qr_text: Zeroizing::new(qr_text.to_owned()), ..prepared() };
            assert_eq!(forged.verify(expected, EN), Err(Said::NotOurs.words(EN)), "{qr_text:?}");
        }
        let forged = Prepared { seed: Zeroizing::new("call 0800".to_owned()), ..prepared() };
        assert_eq!(forged.verify(expected, EN), Err(Said::NotOurs.words(EN)));
    }

    #[test]
    fn the_seed_is_shown_only_when_asked_for() {
        let look = Look { width: Some(100), color: false };
        let shows = Some("warden enroll --show-seed");
        let without = invitation("anna", "123456789012", &prepared(), shows, "warden enroll", look, EN);
        assert!(!without.contains("JBSW"));
        insta::assert_snapshot!("without_the_seed", without.as_str());
        insta::assert_snapshot!(
            "with_the_seed",
            invitation("anna", "123456789012", &prepared(), None, "warden enroll", look, EN).as_str()
        );
    }

    #[test]
    fn a_window_too_narrow_for_the_code_is_named() {
        let look = Look { width: Some(3), color: false };
        let text = invitation("anna", "1", &prepared(), None, "warden enroll --region=eu-west-1", look, EN);
        assert!(text.contains("`warden enroll --region=eu-west-1` again"), "{}", text.as_str());
        assert!(text.contains("make it 4 columns wide"), "{}", text.as_str());
    }

    #[test]
    fn the_code_is_drawn_white_on_black_where_there_are_colors() {
        let drawn = |color| {
            invitation("anna", "1", &prepared(), None, "warden enroll", Look { width: None, color }, EN)
        };
        let text = drawn(true);
        assert!(text.contains(&format!("{WHITE_ON_BLACK}█▀▀█{PLAIN}\n")));
        let plain = drawn(false);
        assert!(plain.contains("█▀▀█\n") && !plain.contains('\u{1b}'));
    }

    #[test]
    fn six_digits_are_a_code_however_they_are_spaced() {
        assert_eq!(code(" 123 456\r\n"), Ok("123456".to_owned()));
        for typed in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert!(code(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn only_wrong_codes_are_asked_for_again() {
        let codes = [
            "InvalidAuthenticationCode",
            "EntityAlreadyExists",
            "LimitExceeded",
            "EntityTemporarilyUnmodifiable",
            "NoSuchEntity",
            "AccessDenied",
            "ServiceFailure",
        ];
        let explained = codes.map(|code| {
            let said = format!("{code}: <what AWS said>");
            let Refusal { again, text } = explain_enable(Some(code), "", &said, "warden enroll", EN);
            assert_eq!(again, code == "InvalidAuthenticationCode");
            format!("== {code}\n{text}")
        });
        insta::assert_snapshot!(explained.join("\n\n"));
    }

    #[test]
    fn a_second_device_needs_mfa_whatever_code_aws_says_it_with() {
        let words =
            "MultiFactorAuthentication failed, please Ensure that you are authenticated with an MFA Device.";
        for code in ["AccessDenied", "EntityTemporarilyUnmodifiable", "InvalidAuthenticationCode", "New"] {
            let Refusal { again, text } = explain_enable(Some(code), words, "JBSWY3DP", "warden enroll", EN);
            assert!(!again && text.contains(code), "{text}");
            let what_to_do =
                "registers a second device only after you have signed out and signed in again with MFA";
            assert!(text.contains(what_to_do) && !text.contains("JBSW"), "{text}");
        }
    }

    fn sought(has_none: bool, is_prepared: Option<bool>) -> Sought<'static> {
        Sought { region: "eu-west-1", has_none, is_prepared, there: "warden enroll --region=REGION" }
    }

    #[test]
    fn a_secret_that_is_not_here_is_told_as_far_as_it_is_known() {
        let known =
            [(true, Some(true)), (true, Some(false)), (true, None), (false, Some(false)), (false, None)];
        let explained = known.map(|(has_none, is_prepared)| {
            let text =
                explain_read(Some("ResourceNotFoundException"), "", sought(has_none, is_prepared)).words(EN);
            assert_eq!(text.contains("If you have set up MFA already, all is well"), !has_none, "{text}");
            assert_eq!(text.contains("a device is prepared for you"), is_prepared == Some(true), "{text}");
            assert_eq!(text.contains("--region"), is_prepared != Some(false), "{text}");
            format!("== no MFA: {has_none}, prepared: {is_prepared:?}\n{text}")
        });
        insta::assert_snapshot!(explained.join("\n\n"));
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_explained() {
        let codes = [
            "ResourceNotFoundException",
            "InvalidRequestException",
            "AccessDeniedException",
            "DecryptionFailure",
        ];
        let explained = codes.map(|code| {
            format!(
                "== {code}\n{}",
                explain_read(Some(code), &format!("{code}: <what AWS said>"), sought(true, None)).words(EN)
            )
        });
        insta::assert_snapshot!(explained.join("\n\n"));
    }
}
