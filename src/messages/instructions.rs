//! How an owner enrolls, step by step.

use crate::messages::format::Links;
use crate::messages::owner::OwnerNotice;
use crate::model::commands::{enable_command, show_command};

impl OwnerNotice<'_> {
    fn prepared_device(&self) -> String {
        let user = self.user();
        let links = Links(self.account);
        let secret = self.facts.secret.as_ref().map_or("", |secret| &secret.name);
        let show = show_command(self.account, secret);
        let enable = enable_command(self.account, user, &self.account.serial_number(user, self.version()));
        let (place, mut steps) = match links.cloudshell().filter(|_| self.facts.has_password()) {
            Some(cloudshell) => (
                "IN AWS CLOUDSHELL",
                vec![
                    Step {
                        words: format!(
                            "Sign in to the AWS console as the user {user} itself, with its password (not in a\n\
                             switched role, and not with session-token credentials):"
                        ),
                        paste: links.sign_in(),
                    },
                    Step {
                        words: "Open AWS CloudShell, a terminal in your browser with nothing to install, and wait\n\
                                for its prompt, a line that ends in $:"
                            .to_owned(),
                        paste: Some(cloudshell),
                    },
                ],
            ),
            None => (
                "WITH THE AWS CLI",
                vec![Step {
                    words: format!(
                        "Open a terminal with the AWS CLI and jq and the access key of the user {user} itself (not\n\
                         a role, and not session-token credentials). This shows who you are there:"
                    ),
                    paste: Some(format!("aws sts get-caller-identity --region {}", self.account.region)),
                }],
            ),
        };
        steps.extend([
            Step {
                words: "Copy this line, paste it there and press Enter. A QR code appears (if it does not fit,\n\
                        make the window larger or the font smaller and run the line again):"
                    .to_owned(),
                paste: Some(show),
            },
            Step {
                words: "In the authenticator app choose to add an account and scan the QR code. The app then shows\n\
                        a code of six digits, and a new one every 30 seconds. (No camera? Run the line above with\n\
                        .seed in place of .qr_text and type what it shows into the app, as a time-based key.)"
                    .to_owned(),
                paste: None,
            },
            Step {
                words: "Paste this line, but do not press Enter yet. Put the code that the app shows in place of\n\
                        CODE1, wait for the next code, put that in place of CODE2, and press Enter:"
                    .to_owned(),
                paste: Some(enable),
            },
            Step {
                words: format!(
                    "No message means that it worked. If a code was refused, run the line again with two new\n\
                     codes, one right after the other. At the end type clear and press Enter, so that the QR\n\
                     code does not stay on the screen{}.",
                    if self.facts.has_password() { ", and sign out: the next time you sign in with a code" } else { "" }
                ),
                paste: None,
            },
        ]);
        format!("THE PREPARED DEVICE, {place} (about three minutes)\n\n{}", numbered(&steps))
    }

    /// The ways to enroll that work for this owner, or all ways if that is not known.
    pub(crate) fn ways(&self) -> String {
        if self.kept_from_the_seed() {
            return self.console_wizard();
        }
        let hindered = match self.facts.blockers.sure().next().is_some() {
            false => String::new(),
            true => "A POLICY STANDS IN THE WAY\n\n\
                     Your security operations have been told which. If a command below is denied, ask them.\n\n"
                .to_owned(),
        };
        [hindered, self.prepared_device(), self.console_wizard()].concat()
    }

    /// Whether a policy surely keeps the owner from the prepared device, but not from enrolling in the console.
    pub(crate) fn kept_from_the_seed(&self) -> bool {
        let blockers = &self.facts.blockers;
        self.facts.has_password() && blockers.keeps_from_seed() && !blockers.is_unable_to_enroll(false)
    }

    fn console_wizard(&self) -> String {
        if !self.facts.has_password() {
            return String::new();
        }
        let links = Links(self.account);
        let steps = [
            Step { words: format!("Sign in as {}:", self.user()), paste: links.sign_in() },
            Step { words: "Open your security credentials:".to_owned(), paste: links.security_credentials() },
            Step {
                words: format!(
                    "Under \"Multi-factor authentication (MFA)\" choose \"Assign MFA device\" and follow the pages.{}",
                    if self.kept_from_the_seed() {
                        ""
                    } else {
                        "\nThis makes a device of its own; the prepared one is then removed."
                    }
                ),
                paste: None,
            },
        ];
        let title = if self.kept_from_the_seed() {
            "HOW TO SET IT UP, IN THE CONSOLE (for an authenticator app, a passkey or a security key)"
        } else {
            "OR THE CONSOLE'S OWN WAY (also for a passkey or a security key, and whenever the way above is denied)"
        };
        format!("{title}\n\n{}", numbered(&steps))
    }
}

/// One step of a way to enroll: what to do, and what to open or paste.
struct Step {
    words: String,
    paste: Option<String>,
}

fn numbered(steps: &[Step]) -> String {
    let step = |(number, Step { words, paste }): (usize, &Step)| {
        let words = words.replace('\n', "\n   ");
        let paste = paste.as_ref().map_or(String::new(), |line| format!("\n     {line}\n"));
        format!("{number}. {words}\n{paste}\n")
    };
    (1..).zip(steps).map(step).collect()
}
