//! The binary as Lambda runs it: its environment, the Lambda Runtime API, its logs.

use crate::cloud::moto_endpoint;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:mfa-warden";

/// The function in a process of its own; killed at the end, however that comes.
struct Function(Child);

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn function(environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mfa-warden"));
    command.env_clear().envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_wrong_environment_ends_the_start_with_one_message_naming_every_problem() {
    let output = function(&[("MFA_SCOPE", "everyone"), ("DRY_RUN", "yes")]).output().unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    for problem in [
        "OWNER_TOPIC_ARN is missing",
        "OPS_TOPIC_ARN is missing",
        "MFA_SCOPE is `everyone`",
        "DRY_RUN is `yes`",
    ] {
        assert!(message.contains(problem), "{message}");
    }
}

/// One request to the Runtime API: its path and body.
fn read_request(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (path, String::from_utf8(body).unwrap())
}

/// Runs the events through the function, one after the other; what it answered, and all that it logged.
fn run(events: &[Value], level: &str) -> (Vec<(String, Value)>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let endpoint = moto_endpoint();
    let mut child = Function(
        function(&[
            ("AWS_LAMBDA_RUNTIME_API", &address),
            ("AWS_LAMBDA_FUNCTION_NAME", "mfa-warden"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_LEVEL", level),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("OWNER_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:owners"),
            ("OPS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:ops"),
            ("REMIND_EVERY", "3d"),
        ])
        .spawn()
        .unwrap(),
    );
    let (logged, logs) = mpsc::channel();
    for pipe in [
        Box::new(child.0.stdout.take().unwrap()) as Box<dyn Read + Send>,
        Box::new(child.0.stderr.take().unwrap()),
    ] {
        let logged = logged.clone();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = BufReader::new(pipe).read_to_string(&mut text);
            let _ = logged.send(text);
        });
    }
    drop(logged);
    let (mut waiting, mut answers) = (events.iter(), Vec::new());
    while answers.len() < events.len() {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (path, body) = read_request(&stream);
        let answer = if path.ends_with("/next") {
            let event = waiting.next().unwrap().to_string();
            let deadline = "4102444800000"; // the year 2100, in milliseconds
            format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                 Lambda-Runtime-Deadline-Ms: {deadline}\r\nLambda-Runtime-Invoked-Function-Arn: {ARN}\r\n\
                 Content-Length: {}\r\n\r\n{event}",
                event.len()
            )
        } else {
            let kind = path.rsplit('/').next().unwrap().to_owned();
            answers.push((kind, serde_json::from_str(&body).unwrap()));
            "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned()
        };
        stream.write_all(answer.as_bytes()).unwrap();
    }
    drop(child);
    (answers, logs.iter().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_runtime_api_it_answers_logs_json_and_never_logs_a_seed_at_any_level() {
    // The process cannot be sent into an account of its own, so that this one test has moto's default account.
    let shared = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("us-east-1"))
        .endpoint_url(moto_endpoint())
        .credentials_provider(aws_sdk_iam::config::SharedCredentialsProvider::new(
            aws_sdk_iam::config::Credentials::for_tests(),
        ))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let iam = aws_sdk_iam::Client::new(&shared);
    let sns = aws_sdk_sns::Client::new(&shared);
    let secrets = aws_sdk_secretsmanager::Client::new(&shared);
    for topic in ["owners", "ops"] {
        sns.create_topic().name(topic).send().await.unwrap();
    }
    let alice = iam.create_user().user_name("alice").send().await.unwrap().user.unwrap().user_id;
    iam.create_login_profile().user_name("alice").password("correct horse").send().await.unwrap();

    let events =
        [json!({"action": "sweep"}), json!({"action": "swoop"}), json!({"action": "check", "user": "alice"})];
    let (answers, logs) = tokio::task::spawn_blocking(move || run(&events, "TRACE")).await.unwrap();
    let kinds: Vec<&str> = answers.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["response", "error", "response"]);
    assert_eq!(answers[0].1["actions"]["provision"], 1);
    assert!(answers[1].1["errorMessage"].as_str().unwrap().contains("Expected {\"action\":\"sweep\"}"));
    assert_eq!(answers[2].1["outcomes"][0]["result"], "none");

    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()));
    assert!(lines.iter().any(|line| line["message"] == "sweep finished" && line["users"] == 1), "{logs}");
    assert!(lines.iter().any(|line| line["level"] == "DEBUG"), "the level is that of the environment");

    let value = secrets.get_secret_value().secret_id(format!("mfa-warden/{alice}")).send().await.unwrap();
    let value: Value = serde_json::from_str(&value.secret_string.unwrap()).unwrap();
    let seed = value["seed"].as_str().unwrap();
    let told = format!("{logs}{answers:?}");
    for form in forms(seed) {
        assert!(!told.contains(&form), "a seed was logged");
    }
}

/// The forms in which a seed could show up.
fn forms(seed: &str) -> Vec<String> {
    let key = data_encoding::BASE32_NOPAD.decode(seed.as_bytes()).unwrap();
    vec![
        seed.to_owned(),
        seed.to_lowercase(),
        data_encoding::BASE64.encode(&key),
        data_encoding::BASE64.encode(seed.as_bytes()),
        data_encoding::HEXLOWER.encode(&key),
        data_encoding::HEXUPPER.encode(&key),
        format!("{:?}", seed.as_bytes()),
    ]
}
