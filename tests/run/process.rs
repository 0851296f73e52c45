//! The binary as Lambda runs it: its environment, the Lambda Runtime API, its logs.

use crate::cloud::moto_endpoint;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The account that moto puts a process into.
const DEFAULT: &str = "123456789012";

/// The settings that the process needs, at an emulator's address.
pub fn environment(endpoint: &str, account: &str) -> Vec<(String, String)> {
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:{account}:{name}");
    let (owners, ops) = (topic("owners"), topic("ops"));
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "mfa-warden"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("OWNER_TOPIC_ARN", &owners),
        ("OPS_TOPIC_ARN", &ops),
        // As talkative as anybody could make it, every part of it by name.
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("RUST_LOG", "trace,aws_smithy_runtime=trace,aws_config=trace,hyper=trace,hyper_util=trace,h2=trace,rustls=trace"),
        ("RUST_BACKTRACE", "full"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn command(environment: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mfa-warden"));
    command.env_clear().envs(environment.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_wrong_environment_ends_the_start_with_one_message_naming_every_problem() {
    let wrong = [("MFA_SCOPE", "everyone"), ("DRY_RUN", "yes")];
    let output = command(&wrong.map(|(name, value)| (name.to_owned(), value.to_owned()))).output().unwrap();
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

/// The function in a process of its own behind a Lambda Runtime API; killed at the end, however that comes.
pub struct Function {
    arn: String,
    process: Child,
    runtime_api: TcpListener,
    logs: mpsc::Receiver<String>,
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Function {
    pub fn start(environment: &[(String, String)], account: &str) -> Self {
        let runtime_api = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = runtime_api.local_addr().unwrap().to_string();
        let mut process = command(environment).env("AWS_LAMBDA_RUNTIME_API", address).spawn().unwrap();
        let (logged, logs) = mpsc::channel();
        for pipe in [
            Box::new(process.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(process.stderr.take().unwrap()),
        ] {
            let logged = logged.clone();
            std::thread::spawn(move || {
                let mut text = String::new();
                let _ = BufReader::new(pipe).read_to_string(&mut text);
                let _ = logged.send(text);
            });
        }
        let arn = format!("arn:aws:lambda:us-east-1:{account}:function:mfa-warden");
        Function { arn, process, runtime_api, logs }
    }

    /// Hands it one event; `response` or `error`, and the body.
    pub fn invoke(&self, event: &Value) -> (String, Value) {
        loop {
            let (mut stream, _) = self.runtime_api.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let request = Request::read(&mut BufReader::new(&stream)).unwrap();
            if request.path().ends_with("/next") {
                let event = event.to_string();
                let deadline = "4102444800000"; // the year 2100, in milliseconds
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                     Lambda-Runtime-Deadline-Ms: {deadline}\r\nLambda-Runtime-Invoked-Function-Arn: {}\r\n\
                     Content-Length: {}\r\n\r\n{event}",
                    self.arn,
                    event.len()
                );
                stream.write_all(answer.as_bytes()).unwrap();
            } else {
                let accepted = "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(accepted.as_bytes()).unwrap();
                let kind = request.path().rsplit('/').next().unwrap().to_owned();
                return (kind, serde_json::from_str(&request.body).unwrap());
            }
        }
    }

    /// Ends the process; all that it logged.
    pub fn end(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.logs.iter().collect()
    }
}

/// An HTTP request: its head as it came, and its body.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: String,
}

impl Request {
    /// The next request on the connection; `None` at its end.
    pub fn read(connection: &mut impl BufRead) -> Option<Self> {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            if connection.read_line(&mut head).ok()? == 0 {
                return None;
            }
            let line = head[start..].trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).ok()?;
        Some(Request { head, body: String::from_utf8(body).unwrap() })
    }

    /// Whether its service speaks JSON, and not XML.
    pub fn is_json(&self) -> bool {
        self.body.starts_with('{')
    }

    fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The AWS API that it calls.
    pub fn api(&self) -> String {
        let target = self.head.lines().find_map(|line| line.strip_prefix("x-amz-target: "));
        let target = target.and_then(|target| target.rsplit('.').next());
        let action = self.body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        target.or(action).unwrap_or_default().trim().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_runtime_api_it_answers_and_logs_json() {
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
    for topic in ["owners", "ops"] {
        sns.create_topic().name(topic).send().await.unwrap();
    }
    // Her name is no address, and so a team's mailbox passes her messages on.
    let owners = format!("arn:aws:sns:us-east-1:{DEFAULT}:owners");
    sns.subscribe().topic_arn(owners).protocol("email").endpoint("team@example.com").send().await.unwrap();
    iam.create_user().user_name("alice").send().await.unwrap();
    iam.create_login_profile().user_name("alice").password("correct horse").send().await.unwrap();

    let events =
        [json!({"action": "sweep"}), json!({"action": "swoop"}), json!({"action": "check", "user": "alice"})];
    let (answers, logs) = tokio::task::spawn_blocking(move || {
        let function = Function::start(&environment(&moto_endpoint(), DEFAULT), DEFAULT);
        let answers: Vec<(String, Value)> = events.iter().map(|event| function.invoke(event)).collect();
        (answers, function.end())
    })
    .await
    .unwrap();
    let kinds: Vec<&str> = answers.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["response", "error", "response"]);
    assert_eq!(answers[0].1["actions"]["provision"], 1);
    assert!(answers[1].1["errorMessage"].as_str().unwrap().contains("Expected {\"action\":\"sweep\"}"));
    assert_eq!(answers[2].1["outcomes"][0]["result"], "none");

    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let (metrics, lines): (Vec<Value>, Vec<Value>) =
        lines.into_iter().partition(|line| line["_aws"].is_object());
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()));
    let [sweep, check] = &metrics[..] else { panic!("a line of metrics a run: {metrics:?}") };
    assert_eq!(
        (&sweep["Action"], &sweep["Provisions"], &sweep["OpenEnrollments"]),
        (&json!("sweep"), &json!(1), &json!(1))
    );
    assert!(sweep["AwsCalls"].as_u64().unwrap() > 10, "{sweep}");
    assert_eq!((&check["Action"], &check["Users"]), (&json!("check"), &Value::Null));
    assert!(lines.iter().any(|line| line["message"] == "sweep finished" && line["users"] == 1), "{logs}");
    assert!(lines.iter().any(|line| line["level"] == "DEBUG"), "the level is that of the environment");
}
