//! No seed leaves the process but in `PutSecretValue`: the binary at its most talkative, over every path, with a proxy
//! that reads all that it sends.

use crate::cloud::{Cloud, PROVISION};
use crate::process::{Function, Request, environment};
use crate::proxy::{Fate, Proxy};
use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every form in which a seed could show up.
fn forms(seed: &str) -> Vec<String> {
    let key = BASE32_NOPAD.decode(seed.trim_end_matches('=').as_bytes()).unwrap();
    let mut forms = vec![seed.to_owned(), seed.to_lowercase()];
    for bytes in [key.as_slice(), seed.as_bytes()] {
        forms.extend([
            BASE64.encode(bytes),
            BASE64URL_NOPAD.encode(bytes),
            HEXLOWER.encode(bytes),
            HEXUPPER.encode(bytes),
            format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
            format!("{bytes:x?}").trim_matches(['[', ']']).to_owned(),
        ]);
    }
    forms
}

/// The codes that an authenticator shows ten minutes before and after.
fn codes(seed: &str, now: u64) -> Vec<String> {
    let uri = format!("otpauth://totp/x:y?secret={}&issuer=x&algorithm=SHA1&digits=6&period=30", seed);
    let totp = totp_rs::Totp::from_url(uri).unwrap();
    (0..40).map(|step| totp.generate(now - 600 + step * 30).to_string()).collect()
}

/// The numbers of six digits in a text, but for those of timestamps.
fn numbers(text: &str) -> BTreeSet<&str> {
    let numbers =
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).filter(|word| word.len() == 6);
    numbers.filter(|word| word.bytes().all(|b| b.is_ascii_digit())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_leave_the_process_in_put_secret_value_and_nowhere_else() {
    let cloud = Cloud::new().await;
    let proxy = Proxy::start(cloud.account.clone());
    let mut environment = environment(&proxy.endpoint, &cloud.account);
    environment.extend([("SETTLE", "1s"), ("REMIND_EVERY", "1s")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let function = Function::start(&environment, &cloud.account);
    let mut answers = Vec::new();
    let invoke = async |event: Value| tokio::task::block_in_place(|| function.invoke(&event));
    let check = |user: &str| json!({"action": "check", "user": user});

    // A provision that nothing disturbs, a reminder, a renewal, an enrollment.
    cloud.user("alice").await;
    answers.push(invoke(json!({"action": "sweep"})).await);
    let until = async |answers: &mut Vec<(String, Value)>, wanted: &str| {
        // Time has to pass, and the function's clock is the real one.
        for _ in 0..1000 {
            answers.push(invoke(check("alice")).await);
            if answers.last().unwrap().1["outcomes"][0]["actions"][0] == wanted {
                return;
            }
        }
        panic!("{wanted} never came: {:?}", answers.last());
    };
    until(&mut answers, "notify(reminder)").await;
    let device = cloud.devices().await.remove(0);
    cloud.iam.delete_virtual_mfa_device().serial_number(device).send().await.unwrap();
    until(&mut answers, "provision").await;
    let device = cloud.devices().await.remove(0);
    cloud.enable("alice", &device).await;
    answers.push(invoke(check("alice")).await);
    assert_eq!(answers.last().unwrap().1["actions"]["close"], 1, "{answers:?}");

    // Provisions that are disturbed at every call, in every way.
    for api in PROVISION.into_iter().chain(["DescribeSecret"]) {
        for fate in Fate::ALL {
            let user = format!("{api}-{fate:?}");
            cloud.user(&user).await;
            proxy.doom(api, fate);
            answers.push(invoke(check(&user)).await);
            proxy.pardon();
            answers.push(invoke(check(&user)).await);
        }
    }
    // A lost swap, and what is no event at all.
    cloud.user("bob").await;
    answers.push(invoke(check("bob")).await);
    let device = cloud.devices().await.into_iter().find(|serial| serial.contains("/bob.")).unwrap();
    cloud.iam.delete_virtual_mfa_device().serial_number(device).send().await.unwrap();
    proxy.doom("UpdateSecretVersionStage", Fate::Denied);
    answers.push(invoke(check("bob")).await);
    proxy.pardon();
    answers.push(invoke(json!({"action": "swoop"})).await);
    answers.push(invoke(json!({"action": "sweep"})).await);
    answers.push(invoke(json!({"action": "sweep", "dry_run": true})).await);

    let logs = function.end();
    let seen = proxy.seen();
    assert!(seen.seeds.len() > 20, "{} seeds", seen.seeds.len());
    assert!(logs.lines().any(|line| line.contains("\"level\":\"DEBUG\"")) && logs.lines().count() > 100);
    let now = jiff::Timestamp::now().as_second().unsigned_abs();
    let (stores, others): (Vec<&Request>, Vec<&Request>) =
        seen.requests.iter().partition(|request| request.api() == "PutSecretValue");
    let others: Vec<String> = others
        .into_iter()
        .map(|request| {
            percent_encoding::percent_decode_str(&request.body).decode_utf8_lossy().into_owned()
                + &request.head
        })
        .collect();
    let told = format!("{logs}\n{answers:?}\n{}", others.concat());
    let numbers = numbers(&told);
    let mut stored = 0;
    for seed in &seen.seeds {
        stored += usize::from(stores.iter().any(|request| request.body.contains(seed.as_str())));
        for form in forms(seed) {
            assert!(!told.contains(&form), "a seed got out as {form}");
        }
        let shown = codes(seed, now).into_iter().find(|code| numbers.contains(code.as_str()));
        assert_eq!(shown, None, "a code got out");
    }
    // What is looked for would be found: here it is where it belongs.
    assert!(stored > 10, "{stored} seeds stored");
    // The value is ASCII JSON in a string of JSON.
    for (part, as_stored) in [("otpauth://", "otpauth://"), ("\u{2588}\u{2588}", r"\\u2588\\u2588")] {
        assert!(stores.iter().any(|request| request.body.contains(as_stored)), "{part} is stored");
        let forms = [part, as_stored, &as_stored.replace(r"\\", r"\")];
        assert!(!forms.iter().any(|form| told.contains(form)), "{part} got out");
    }
}
