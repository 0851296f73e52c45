//! Lines that an owner pastes into a terminal: in bash, zsh, PowerShell or cmd, with any name that IAM allows.

use crate::model::account::Account;
use crate::model::enrollment::version_suffix;

/// The command that enables the device, with `CODE1` and `CODE2` to be replaced by two consecutive codes. It names IAM's
/// region: without one the AWS CLI may ask the IAM of another partition.
pub fn enable_command(account: &Account, user: &str, serial_number: &str) -> String {
    // A value that begins with a dash must be joined to its option.
    let between = if user.starts_with('-') { '=' } else { ' ' };
    format!(
        "aws iam enable-mfa-device --region {} --user-name{between}{} --serial-number {} --authentication-code1 CODE1 \
         --authentication-code2 CODE2",
        shell_word(account.iam_region()),
        shell_word(user),
        shell_word(serial_number)
    )
}

/// One line to paste into CloudShell, or into a terminal with the AWS CLI and jq, in bash or zsh: it shows the QR code,
/// asks for two codes, and enables the device. It asks again up to three times. A subshell keeps its variables. At its end,
/// also after Ctrl-C, it clears the screen and what was scrolled off it.
///
/// At most 700 characters with any name that IAM allows, in every partition: people should be able to read what they
/// paste. Both calls name the secret's region: without one the AWS CLI may ask the IAM of another partition.
pub fn enroll_command(account: &Account, user: &str, version: &str, secret: &str) -> String {
    let Account { partition, region, id } = account;
    format!(
        "(u='{user}' m=;set -- --region {region};aws secretsmanager get-secret-value $@ --secret-id {secret} --query \
         SecretString --output text|jq -nr input.qr_text 2>&-||exit;trap 'printf \"\\33c\\33[3J%s\\n\" \"$m\";exit' 0 2 \
         3;for n in 1 2 3 4;do echo Code for $u in {id}:;read a;echo Next code:;read b;m=$(aws iam enable-mfa-device $@ \
         --user-name=$u --serial-number arn:{partition}:iam::{id}:mfa/mfa-warden/$u.{suffix} \
         --authentication-code1=${{a// }} --authentication-code2=${{b// }} 2>&1)&&m=Done;case $m in *yExists*|*'an \
         MFA'*)m='You have MFA';exit;;*ticationCode*)m='Wrong code';echo $m;;*)exit;esac;done)",
        user = user.replace('\'', r"'\''"),
        region = shell_word(region),
        secret = shell_word(secret),
        suffix = version_suffix(version),
    )
}

/// The command that shows the QR code of a secret.
pub(crate) fn show_command(account: &Account, secret: &str) -> String {
    format!(
        "aws secretsmanager get-secret-value --region {} --secret-id {} --query SecretString --output text \
         | jq -r .qr_text",
        shell_word(&account.region),
        shell_word(secret)
    )
}

/// `text` as one shell word, or its end. Names that IAM allows need no quotes, except for a comma and a leading `@`, which
/// PowerShell interprets, and a leading `=`, which zsh does. They get double quotes: in cmd, single quotes would be part of
/// the word. Other text is quoted for POSIX shells.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_+=.@-/:".contains(c);
    if !text.is_empty() && !text.starts_with(['@', '=']) && text.chars().all(is_plain) {
        text.to_owned()
    } else if text.chars().all(|c| is_plain(c) || c == ',') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
