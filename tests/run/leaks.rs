//! No seed leaves the process but in `PutSecretValue`: the binary at its most talkative, over every path, with a proxy
//! that reads all that it sends.

use crate::cloud::{Cloud, PROVISION, moto_endpoint};
use crate::process::{Function, Request, environment};
use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How a call fares that the proxy was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// AWS says no.
    Denied,
    /// AWS performs it, and the connection breaks before the answer.
    Lost,
    /// The answer is no answer of AWS.
    Garbled,
    /// AWS performs it, and answers with an error that repeats the request and the answer.
    Echoed,
    /// A proxy in the way answers with a page that shows both.
    Paged,
    /// The answer breaks off in the middle.
    CutOff,
    /// The answer has other types than AWS's, with all that it held.
    Mistyped,
}

impl Fate {
    const ALL: [Fate; 7] =
        [Fate::Denied, Fate::Lost, Fate::Garbled, Fate::Echoed, Fate::Paged, Fate::CutOff, Fate::Mistyped];
}

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<Request>,
    /// Seeds as `CreateVirtualMFADevice` handed them out.
    seeds: BTreeSet<String>,
    fate: Option<(String, Fate)>,
}

/// Between the function and moto.
struct Proxy {
    endpoint: String,
    seen: Arc<Mutex<Seen>>,
}

impl Proxy {
    fn start(account: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (account, seen) = (account.clone(), shared.clone());
                std::thread::spawn(move || pass_on(connection.unwrap(), &account, &seen));
            }
        });
        Proxy { endpoint, seen }
    }

    fn doom(&self, api: &str, fate: Fate) {
        self.seen.lock().unwrap().fate = Some((api.to_owned(), fate));
    }

    fn pardon(&self) {
        self.seen.lock().unwrap().fate = None;
    }
}

/// One request: on to moto, and its answer back.
fn pass_on(mut function: TcpStream, account: &str, seen: &Mutex<Seen>) {
    let Some(request) = Request::read(&mut BufReader::new(&function)) else { return };
    let api = request.api();
    let fate = {
        let doom = &mut seen.lock().unwrap().fate;
        let fate = doom.as_ref().filter(|(doomed, _)| *doomed == api).map(|(_, fate)| *fate);
        // Once, so that the SDK's next attempt meets what the first has left.
        if fate == Some(Fate::Lost) {
            *doom = None;
        }
        fate
    };
    seen.lock().unwrap().requests.push(request.clone());
    if fate == Some(Fate::Denied) {
        // In the words of all three services at once; each SDK reads its own.
        let query =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let json = r#"{"__type":"AccessDeniedException","message":"no"}"#;
        let body = if request.body.starts_with('{') { json } else { query };
        let _ = answer(&mut function, 403, body);
        return;
    }
    let (first, rest) = request.head.split_once("\r\n").unwrap();
    let mut moto = TcpStream::connect(moto_endpoint().trim_start_matches("http://")).unwrap();
    let head = format!("{first}\r\nConnection: close\r\nx-moto-account-id: {account}\r\n{rest}");
    moto.write_all(head.as_bytes()).unwrap();
    moto.write_all(request.body.as_bytes()).unwrap();
    let mut response = Vec::new();
    moto.read_to_end(&mut response).unwrap();
    let text = String::from_utf8_lossy(&response);
    if let Some((_, rest)) = text.split_once("<Base32StringSeed>") {
        let blob = rest.split_once('<').unwrap().0;
        let seed = String::from_utf8(BASE64.decode(blob.as_bytes()).unwrap()).unwrap();
        seen.lock().unwrap().seeds.insert(seed);
    }
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let both = format!("1 validation error detected: {} {body}", request.body);
    let is_json = request.body.starts_with('{');
    let escaped = both.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match fate {
        Some(Fate::Lost) => {}
        Some(Fate::Echoed) => {
            let echo = if is_json {
                json!({"__type": "ValidationException", "message": both}).to_string()
            } else {
                format!(
                    "<ErrorResponse><Error><Code>ValidationError</Code><Message>{escaped}</Message></Error></ErrorResponse>"
                )
            };
            let _ = answer(&mut function, 400, &echo);
        }
        Some(Fate::Paged) => {
            let _ = answer(&mut function, 403, &format!("<html><body><pre>{escaped}</pre></body></html>"));
        }
        Some(Fate::CutOff) => {
            let _ = function.write_all(&response[..response.len() - body.len() / 3]);
        }
        Some(Fate::Mistyped) => {
            let mistyped = if is_json {
                let all = [both.as_str()];
                json!({"VersionId": all, "ARN": {"x": both}, "VersionStages": both, "CreatedDate": both})
                    .to_string()
            } else {
                body.replace("Seed>", "Seed><member>").replace("SerialNumber>", "SerialNumber><member>")
            };
            let _ = answer(&mut function, 200, &mistyped);
        }
        Some(Fate::Garbled) => {
            // All of the answer, and so its seed, where the SDK expects something else.
            let garbled = text.split_once("\r\n\r\n").unwrap().1.replace("Response>", "Rseponse>");
            let _ = answer(&mut function, 200, &garbled);
        }
        _ => {
            let _ = function.write_all(&response);
        }
    }
}

fn answer(to: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(to, "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

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
    let seen = proxy.seen.lock().unwrap();
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
