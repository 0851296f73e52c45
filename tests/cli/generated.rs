//! What is generated from the arguments.

use crate::terminal::{say, warden};

#[test]
fn there_are_completions_for_the_usual_shells() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = say(warden(), &["completions", shell]);
        assert_eq!(said.code, 0);
        assert!(said.out.contains("enroll") && said.out.contains("max-provisions"), "{shell}");
    }
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let page = say(warden(), &["man"]).out;
    assert!(page.contains(".TH warden 1") && page.contains("warden\\-enroll"), "{page}");
    for command in ["plan", "check", "status", "enroll"] {
        let page = say(warden(), &["man", command]).out;
        assert!(page.contains(&format!(".TH warden-{command} 1")), "{page}");
    }
    assert_eq!(say(warden(), &["man", "sweep"]).code, 1);
}

#[test]
fn the_help_says_what_the_audit_will_see_and_what_exit_codes_mean() {
    let help = say(warden(), &["plan", "--help"]).out;
    assert!(help.contains("GenerateCredentialReport") && help.contains("Exit codes:"), "{help}");
    insta::assert_snapshot!("help", say(warden(), &["--help"]).out);
}
