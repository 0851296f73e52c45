//! Lines that an owner pastes into a terminal.

/// The command that enables the device, with `CODE1` and `CODE2` to be replaced by two consecutive codes.
pub fn enable_command(user: &str, serial_number: &str) -> String {
    format!(
        "aws iam enable-mfa-device --user-name {} --serial-number {} --authentication-code1 CODE1 \
         --authentication-code2 CODE2",
        shell_quoted(user),
        shell_quoted(serial_number)
    )
}

/// `text` as one word of a POSIX shell, whatever it holds.
pub(crate) fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
