//! Whatever an event holds, the parser names what to look at, ignores it, or says on one short line what was expected.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mfa_warden::model::account::Account;
use mfa_warden::model::user::is_user_name;
use mfa_warden::rules::trigger::Trigger;

fuzz_target!(|bytes: &[u8]| {
    let Ok(event) = serde_json::from_slice(bytes) else { return };
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:mfa-warden";
    let account = Account::from_function_arn(arn).expect("the ARN of a function");
    match Trigger::parse(&event, &account) {
        Ok(Trigger::Check { user, .. }) => assert!(is_user_name(&user)),
        Ok(Trigger::Sweep { .. } | Trigger::CheckTrails { .. }) => {}
        Ok(Trigger::Ignore(reason)) => assert!(reason.len() < 200 && !reason.contains(char::is_control)),
        Err(error) => {
            let message = error.to_string();
            assert!(message.chars().count() < 1000 && !message.contains(char::is_control));
        }
    }
});
