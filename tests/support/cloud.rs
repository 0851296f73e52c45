//! An emulated AWS account for one test, with real SDK clients over HTTP and a record of every request.

#[path = "notice.rs"]
mod notice;
#[path = "recorded.rs"]
mod recorded;

use self::notice::valid;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_iam::config::{Credentials, SharedAsyncSleep, SharedCredentialsProvider};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextMut,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;
use mfa_warden::aws::Clients;
use mfa_warden::aws::cloudtrail::CloudTrail;
use mfa_warden::aws::iam::Iam;
use mfa_warden::aws::secrets::Secrets;
use mfa_warden::aws::sns::Sns;
use mfa_warden::{Settings, Warden};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// One request that went out: the API's name and its parameters.
#[derive(Debug, Clone)]
pub struct Call {
    pub api: String,
    pub body: String,
}

impl Call {
    /// A parameter of a Query (form-encoded) or JSON request, at a path such as `Tags/0/Key`.
    pub fn parameter(&self, name: &str) -> Option<String> {
        if let Ok(json) = serde_json::from_str::<Value>(&self.body) {
            return json
                .pointer(&format!("/{name}"))
                .map(|v| v.as_str().map_or(v.to_string(), str::to_owned));
        }
        form(&self.body).remove(name)
    }
}

fn form(body: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect()
}

/// A message that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub topic: String,
    pub subject: String,
    pub text: String,
    pub attributes: BTreeMap<String, String>,
}

/// Sends the requests into this test's account and writes them down.
#[derive(Debug, Clone)]
struct Recorder {
    account: String,
    calls: Arc<Mutex<Vec<Call>>>,
    /// The API whose calls do not get through, and a text that their bodies hold.
    outage: Outage,
    users_hidden: Arc<AtomicBool>,
    users_hidden_once: Arc<AtomicBool>,
    devices_hidden_once: Arc<AtomicBool>,
    devices_unassigned: Arc<AtomicBool>,
    mailboxes_pending: Arc<AtomicBool>,
    /// Whether these are the function's requests, and not the test's.
    ours: bool,
    death: Arc<Mutex<Death>>,
}

/// When the process dies, as far as the account can see.
#[derive(Debug, Clone, Copy, Default)]
pub struct Death {
    /// Calls made so far.
    pub calls: usize,
    /// Before this call (counted from 1) gets out.
    pub before: Option<usize>,
    /// After this call was performed, its answer lost.
    pub after: Option<usize>,
}

/// The API that is down, a part of the requests that it is down for, and what is said of it.
type Outage = Arc<Mutex<Option<(String, String, Option<String>)>>>;

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let death = *self.death.lock().unwrap();
        if death.after == Some(death.calls) {
            // AWS has performed the call, and nobody reads its answer.
            *context.response_mut().body_mut() = "".into();
            return Err("the process is dead".into());
        }
        if self.devices_unassigned.load(Ordering::Relaxed) {
            let response = context.response_mut();
            let body = response.body().bytes().map(|body| String::from_utf8_lossy(body).into_owned());
            if let Some(body) = body.filter(|body| body.contains("<ListVirtualMFADevicesResult>")) {
                *response.body_mut() = without(&without(&body, "EnableDate"), "User").into();
            }
        }
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Ok(output)) = context.output_or_error_mut() else { return Ok(()) };
        if let Some(listed) = output.downcast_mut::<ListSubscriptionsByTopicOutput>()
            && self.mailboxes_pending.load(Ordering::Relaxed)
        {
            for subscription in listed.subscriptions.iter_mut().flatten() {
                if subscription.protocol.as_deref() == Some("email") {
                    subscription.subscription_arn = Some("PendingConfirmation".to_owned());
                }
            }
        }
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("x-moto-account-id", self.account.clone());
        let body =
            request.body().bytes().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
        let target =
            request.headers().get("x-amz-target").and_then(|t| t.rsplit('.').next().map(str::to_owned));
        let api = target.or_else(|| form(&body).remove("Action")).unwrap_or_default();
        self.calls.lock().unwrap().push(Call { api: api.clone(), body: body.clone() });
        if self.ours {
            recorded::record(&api, &form(&body), &body);
            let mut death = self.death.lock().unwrap();
            death.calls += 1;
            if death.before.is_some_and(|at| death.calls >= at)
                || death.after.is_some_and(|at| death.calls > at)
            {
                return Err("the process is dead".into());
            }
        }
        let hidden = api == "ListUsers"
            && (self.users_hidden.load(Ordering::Relaxed)
                || (self.ours && self.users_hidden_once.swap(false, Ordering::Relaxed)));
        let without_devices = api == "ListVirtualMFADevices"
            && self.ours
            && self.devices_hidden_once.swap(false, Ordering::Relaxed);
        if hidden || without_devices {
            // A path prefix that no user has; devices in use, which a prepared device is not.
            let body = if hidden {
                "Action=ListUsers&Version=2010-05-08&PathPrefix=%2Fnobody%2F"
            } else {
                "Action=ListVirtualMFADevices&Version=2010-05-08&AssignmentStatus=Assigned"
            };
            *request.body_mut() = body.into();
            request.headers_mut().insert("content-length", body.len().to_string());
        }
        match &*self.outage.lock().unwrap() {
            Some((down, part, said))
                if *down == api
                    && percent_encoding::percent_decode_str(&body)
                        .decode_utf8_lossy()
                        .contains(part.as_str()) =>
            {
                Err(said.clone().unwrap_or_else(|| format!("{api} is down")).into())
            }
            _ => Ok(()),
        }
    }
}

/// The XML without the elements of that name.
fn without(xml: &str, element: &str) -> String {
    let (start, end) = (format!("<{element}>"), format!("</{element}>"));
    let mut parts = xml.split(&start);
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.filter_map(|part| part.split_once(&end)).map(|(_, rest)| rest).collect::<String>()
}

struct Moto {
    // Its standard input closes with this process, and then the server ends.
    _process: Child,
    endpoint: String,
}

/// The Python that has what the tests need.
pub fn python() -> String {
    std::env::var("MFA_WARDEN_PYTHON")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/bin/python").to_owned())
}

static MOTO: LazyLock<Moto> = LazyLock::new(|| {
    let python = python();
    let mut process = Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/serve_moto.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {python} ({error}): `make test` sets it up"));
    let mut port = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
    assert!(!port.trim().is_empty(), "moto did not start");
    Moto { endpoint: format!("http://127.0.0.1:{}", port.trim()), _process: process }
});

/// Where the emulator listens.
pub fn moto_endpoint() -> String {
    MOTO.endpoint.clone()
}

/// Makes a queue, which takes what its topic sends. (One call needs no client of its own.)
fn create_queue(account: &str, name: &str) {
    let body = format!("Action=CreateQueue&QueueName={name}&Version=2012-11-05");
    let host = MOTO.endpoint.trim_start_matches("http://");
    let mut moto = std::net::TcpStream::connect(host).unwrap();
    write!(
        moto,
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nx-moto-account-id: {account}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut moto, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

thread_local! {
    // Every test has a thread of its own.
    static AHEAD: std::cell::Cell<jiff::SignedDuration> = const { std::cell::Cell::new(jiff::SignedDuration::ZERO) };
}

/// The function's clock where a test has set one: so far ahead of the real one.
fn ahead() -> Timestamp {
    Timestamp::now() + AHEAD.get()
}

static ACCOUNTS: AtomicU64 = AtomicU64::new(1);

/// An account of its own for one test.
pub struct Cloud {
    pub account: String,
    pub iam: aws_sdk_iam::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub sns: aws_sdk_sns::Client,
    pub warden: Warden,
    calls: Arc<Mutex<Vec<Call>>>,
    outage: Outage,
    users_hidden: Arc<AtomicBool>,
    users_hidden_once: Arc<AtomicBool>,
    devices_hidden_once: Arc<AtomicBool>,
    devices_unassigned: Arc<AtomicBool>,
    mailboxes_pending: Arc<AtomicBool>,
    death: Arc<Mutex<Death>>,
}

/// The calls of a provision that change something, from the secret to the note that its owner was told.
pub const PROVISION: [&str; 6] = [
    "CreateSecret",
    "PutResourcePolicy",
    "CreateVirtualMFADevice",
    "PutSecretValue",
    "Publish",
    "TagResource",
];

pub const DEADLINE: Duration = Duration::from_secs(600);

impl Cloud {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// An account whose function has these settings besides its topics.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::in_account(Self::next_account(), settings).await
    }

    pub fn next_account() -> String {
        format!("{:012}", ACCOUNTS.fetch_add(1, Ordering::Relaxed) + 100_000_000_000)
    }

    /// An account in which somebody listens to every owner.
    pub async fn in_account(account: String, settings: &[(&str, &str)]) -> Self {
        let cloud = Self::with_nobody_listening(account, settings).await;
        cloud.listen(&cloud.warden.settings.owner_topic_arn, "owners").await;
        cloud
    }

    /// Ends every subscription of the operations topic, as a link in a message's footer does.
    pub async fn end_operations_subscriptions(&self) {
        let topic_arn = &self.warden.settings.ops_topic_arn;
        let listed = self.sns.list_subscriptions_by_topic().topic_arn(topic_arn).send().await.unwrap();
        for subscription in listed.subscriptions.unwrap_or_default() {
            let arn = subscription.subscription_arn.unwrap();
            self.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
        }
    }

    /// Subscribes a queue to a topic.
    async fn listen(&self, topic_arn: &str, queue: &str) {
        create_queue(&self.account, queue);
        let endpoint = format!("arn:aws:sqs:us-east-1:{}:{queue}", self.account);
        let subscribe = self.sns.subscribe().topic_arn(topic_arn).protocol("sqs").endpoint(endpoint);
        subscribe.send().await.unwrap();
    }

    /// An account whose owner topic has no subscription; that of operations has one.
    pub async fn with_nobody_listening(account: String, settings: &[(&str, &str)]) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&MOTO.endpoint)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep))
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .build();
        let users_hidden = Arc::<AtomicBool>::default();
        let users_hidden_once = Arc::<AtomicBool>::default();
        let devices_hidden_once = Arc::<AtomicBool>::default();
        let devices_unassigned = Arc::<AtomicBool>::default();
        let mailboxes_pending = Arc::<AtomicBool>::default();
        let death = Arc::<Mutex<Death>>::default();
        let recorder = |calls: &Arc<Mutex<Vec<Call>>>, outage: &Outage, ours: bool| Recorder {
            ours,
            death: death.clone(),
            users_hidden: users_hidden.clone(),
            users_hidden_once: users_hidden_once.clone(),
            devices_hidden_once: devices_hidden_once.clone(),
            devices_unassigned: devices_unassigned.clone(),
            mailboxes_pending: mailboxes_pending.clone(),
            account: account.clone(),
            calls: calls.clone(),
            outage: outage.clone(),
        };
        let (calls, outage) = (Arc::default(), Arc::default());
        let ours = recorder(&calls, &outage, true);
        let tests = recorder(&Arc::default(), &Arc::default(), false);
        let iam = |by: &Recorder| {
            let conf = aws_sdk_iam::config::Builder::from(&config).interceptor(by.clone());
            aws_sdk_iam::Client::from_conf(conf.build())
        };
        let secrets = |by: &Recorder| {
            let conf = aws_sdk_secretsmanager::config::Builder::from(&config).interceptor(by.clone());
            aws_sdk_secretsmanager::Client::from_conf(conf.build())
        };
        let sns = |by: &Recorder| {
            let conf = aws_sdk_sns::config::Builder::from(&config).interceptor(by.clone());
            aws_sdk_sns::Client::from_conf(conf.build())
        };
        let cloudtrail = |by: &Recorder| {
            let conf = aws_sdk_cloudtrail::config::Builder::from(&config).interceptor(by.clone());
            aws_sdk_cloudtrail::Client::from_conf(conf.build())
        };
        let topic = |name: &'static str| {
            let sns = sns(&tests);
            async move { sns.create_topic().name(name).send().await.unwrap().topic_arn.unwrap() }
        };
        let mut environment: BTreeMap<String, String> =
            settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        environment.insert("OWNER_TOPIC_ARN".to_owned(), topic("owners").await);
        environment.insert("OPS_TOPIC_ARN".to_owned(), topic("ops").await);
        let role = format!("arn:aws:iam::{account}:role/mfa-warden");
        environment.entry("FUNCTION_ROLE_ARN".to_owned()).or_insert(role);
        let cloud = Cloud {
            warden: Warden {
                settings: Settings::from_env(|name| environment.get(name).cloned()).unwrap(),
                clients: Clients {
                    cloudtrail: CloudTrail(cloudtrail(&ours)),
                    iam: Iam(iam(&ours)),
                    secrets: Secrets(secrets(&ours)),
                    sns: Sns(sns(&ours)),
                    calls: Default::default(),
                },
                clock: Timestamp::now,
            },
            iam: iam(&tests),
            secrets: secrets(&tests),
            sns: sns(&tests),
            account,
            calls,
            outage,
            users_hidden,
            users_hidden_once,
            devices_hidden_once,
            devices_unassigned,
            mailboxes_pending,
            death,
        };
        cloud.listen(&cloud.warden.settings.ops_topic_arn, "ops").await;
        cloud
    }

    /// From now on the function's clock is that many hours ahead.
    pub fn wait(&mut self, hours: i64) {
        AHEAD.set(AHEAD.get() + jiff::SignedDuration::from_hours(hours));
        self.warden.clock = ahead;
    }

    /// The messages to owners since the last look: to whom, and of what kind.
    pub fn told(&self) -> Vec<(String, String)> {
        let messages = published(&self.calls()).into_iter().filter(|message| message.topic == "owners");
        messages
            .map(|message| (message.attributes["recipient"].clone(), message.attributes["kind"].clone()))
            .collect()
    }

    /// An account with both policies, in which quarantines follow and somebody listens to every owner.
    pub async fn quarantining(settings: &[(&str, &str)]) -> Self {
        let account = Self::next_account();
        let arn = |name: &str| format!("arn:aws:iam::{account}:policy/{name}");
        let (enrollment, quarantine) = (arn("mfa-warden-enrollment"), arn("mfa-warden-quarantine"));
        let own = [
            ("ENROLLMENT_POLICY_ARN", enrollment.as_str()),
            ("QUARANTINE_POLICY_ARN", quarantine.as_str()),
            ("AFTER_GRACE", "quarantine"),
        ];
        let cloud = Self::in_account(account.clone(), &[&own, settings].concat()).await;
        for name in ["mfa-warden-enrollment", "mfa-warden-quarantine"] {
            let document =
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#;
            let policy = cloud.iam.create_policy().policy_name(name).policy_document(document);
            policy.send().await.unwrap();
        }
        cloud
    }

    /// The names of our policies that are attached to the user.
    pub async fn attached(&self, user: &str) -> Vec<String> {
        let listed = self.iam.list_attached_user_policies().user_name(user).send().await.unwrap();
        let policies = listed.attached_policies.unwrap_or_default().into_iter();
        let mut names: Vec<String> = policies.filter_map(|policy| policy.policy_name).collect();
        names.sort();
        names
    }

    /// From now on the function's process dies at this call; the calls are counted from one again.
    pub fn let_die(&self, death: Death) {
        *self.death.lock().unwrap() = death;
    }

    /// The calls made since the last [`Cloud::let_die`].
    pub fn calls_made(&self) -> usize {
        self.death.lock().unwrap().calls
    }

    /// A user with a console password.
    pub async fn user(&self, name: &str) -> String {
        let id = self.user_without_password(name, "/").await;
        self.iam.create_login_profile().user_name(name).password("correct horse").send().await.unwrap();
        id
    }

    pub async fn user_without_password(&self, name: &str, path: &str) -> String {
        let created = self.iam.create_user().user_name(name).path(path).send().await.unwrap();
        created.user.unwrap().user_id
    }

    /// Subscribes an owner to its own messages by mail, confirmed.
    pub async fn subscribe(&self, address: &str) {
        let request = self.sns.subscribe().topic_arn(&self.warden.settings.owner_topic_arn);
        let filter = json!({"recipient": [address]}).to_string();
        request.protocol("email").endpoint(address).attributes("FilterPolicy", filter).send().await.unwrap();
    }

    pub async fn tag(&self, user: &str, key: &str, value: &str) {
        let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value).build().unwrap();
        self.iam.tag_user().user_name(user).tags(tag).send().await.unwrap();
    }

    /// Assigns an MFA device of the user's own making.
    pub async fn enroll(&self, user: &str) -> String {
        let created =
            self.iam.create_virtual_mfa_device().virtual_mfa_device_name(user).send().await.unwrap();
        let serial = created.virtual_mfa_device.unwrap().serial_number;
        self.enable(user, &serial).await;
        serial
    }

    pub async fn enable(&self, user: &str, serial: &str) {
        let request = self.iam.enable_mfa_device().user_name(user).serial_number(serial);
        request.authentication_code1("123456").authentication_code2("654321").send().await.unwrap();
    }

    pub async fn sweep(&self) -> Value {
        self.handle(json!({"action": "sweep"})).await.unwrap()
    }

    pub async fn sweep_result(&self) -> anyhow::Result<Value> {
        self.handle(json!({"action": "sweep"})).await
    }

    pub async fn check(&self, user: &str) -> Value {
        self.check_result(user).await.unwrap()
    }

    pub async fn check_result(&self, user: &str) -> anyhow::Result<Value> {
        self.handle(json!({"action": "check", "user": user})).await
    }

    pub async fn handle(&self, event: Value) -> anyhow::Result<Value> {
        self.handle_within(event, DEADLINE).await
    }

    pub async fn handle_within(&self, event: Value, time_left: Duration) -> anyhow::Result<Value> {
        let arn = format!("arn:aws:lambda:us-east-1:{}:function:mfa-warden", self.account);
        Ok(serde_json::to_value(self.warden.handle(&event, &arn, time_left).await?)?)
    }

    /// The function's requests since the last look.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// From now on the function's `ListUsers` shows nobody, as a listing that lags behind.
    pub fn hide_users(&self) {
        self.users_hidden.store(true, Ordering::Relaxed);
    }

    /// The function's next `ListUsers` shows nobody, as if all were renamed between two of its pages.
    pub fn hide_users_once(&self) {
        self.users_hidden_once.store(true, Ordering::Relaxed);
    }

    pub fn hide_prepared_devices_once(&self) {
        self.devices_hidden_once.store(true, Ordering::Relaxed);
    }

    /// Users are listed again.
    pub fn show_users(&self) {
        self.users_hidden.store(false, Ordering::Relaxed);
    }

    /// From now on the function's `ListVirtualMFADevices` shows every device as unassigned.
    pub fn show_devices_unassigned(&self) {
        self.devices_unassigned.store(true, Ordering::Relaxed);
    }

    /// From now on the function sees no mailbox confirmed.
    pub fn leave_mailboxes_pending(&self) {
        self.mailboxes_pending.store(true, Ordering::Relaxed);
    }

    /// From now on that API fails for the function.
    pub fn take_down(&self, api: &str) {
        self.take_down_for(api, "");
    }

    /// From now on that API fails for the function where the request holds `part`.
    pub fn take_down_for(&self, api: &str, part: &str) {
        *self.outage.lock().unwrap() = Some((api.to_owned(), part.to_owned(), None));
    }

    /// The same with these words.
    pub fn take_down_saying(&self, api: &str, words: &str) {
        *self.outage.lock().unwrap() = Some((api.to_owned(), String::new(), Some(words.to_owned())));
    }

    pub fn restore(&self) {
        *self.outage.lock().unwrap() = None;
    }

    /// Unassigned devices that mfa-warden prepared.
    pub async fn devices(&self) -> Vec<String> {
        let listed = self
            .iam
            .list_virtual_mfa_devices()
            .assignment_status(aws_sdk_iam::types::AssignmentStatusType::Unassigned)
            .send()
            .await
            .unwrap();
        let mut serials: Vec<String> =
            listed.virtual_mfa_devices.into_iter().map(|device| device.serial_number).collect();
        serials.retain(|serial| serial.contains(":mfa/mfa-warden/"));
        serials.sort();
        serials
    }

    /// The secret's value as its owner would read it.
    pub async fn value(&self, user_id: &str) -> Value {
        serde_json::from_str(&self.read(user_id).await.secret_string.unwrap()).unwrap()
    }

    /// The id of the secret's current version.
    pub async fn current(&self, user_id: &str) -> String {
        self.read(user_id).await.version_id.unwrap()
    }

    async fn read(&self, user_id: &str) -> GetSecretValueOutput {
        let request = self.secrets.get_secret_value().secret_id(format!("mfa-warden/{user_id}"));
        // AWS's default too; moto's is the version that was current first.
        request.version_stage("AWSCURRENT").send().await.unwrap()
    }

    pub async fn secret_tags(&self, user_id: &str) -> BTreeMap<String, String> {
        let request = self.secrets.describe_secret().secret_id(format!("mfa-warden/{user_id}"));
        let tags = request.send().await.unwrap().tags.unwrap_or_default();
        tags.into_iter().map(|tag| (tag.key.unwrap(), tag.value.unwrap())).collect()
    }

    /// Asserts that there is exactly one sound enrollment: the current version, its device, and no other.
    pub async fn assert_sound(&self, user: &str, user_id: &str) {
        let version = self.current(user_id).await;
        let suffix = &version[version.len() - 8..];
        let serial = format!("arn:aws:iam::{}:mfa/mfa-warden/{user}.{suffix}", self.account);
        let mut devices = self.devices().await;
        devices.retain(|device| device.contains(&format!("/{user}.")));
        assert_eq!(devices, std::slice::from_ref(&serial));
        assert_eq!(self.value(user_id).await["serial_number"], serial);
        assert_eq!(self.secret_tags(user_id).await["mfa-warden:notified"], suffix);
    }
}

/// The messages among the calls.
pub fn published(calls: &[Call]) -> Vec<Published> {
    let publish = |call: &Call| {
        let mut form = form(&call.body);
        let mut attributes = BTreeMap::new();
        for entry in 1.. {
            let part = |name: &str| format!("MessageAttributes.entry.{entry}.{name}");
            let Some(name) = form.remove(&part("Name")) else { break };
            assert_eq!(form[&part("Value.DataType")], "String");
            attributes.insert(name, form[&part("Value.StringValue")].clone());
        }
        let topic = form["TopicArn"].rsplit(':').next().unwrap().to_owned();
        // What mailboxes get, and what machines get.
        assert_eq!(form["MessageStructure"], "json");
        let each: BTreeMap<String, String> = serde_json::from_str(&form["Message"]).unwrap();
        let text = each["default"].clone();
        if topic == "owners" {
            let data = valid(&each["sqs"]);
            assert_eq!((&data["text"], &data["subject"]), (&json!(text), &json!(form["Subject"])));
            for (name, value) in &attributes {
                assert_eq!(data[name], json!(value), "{name}");
            }
            for protocol in ["lambda", "http", "https", "firehose"] {
                assert_eq!(each[protocol], each["sqs"]);
            }
        }
        Published { topic, subject: form["Subject"].clone(), text, attributes }
    };
    calls.iter().filter(|call| call.api == "Publish").map(publish).collect()
}

/// The names of the calls, in order.
pub fn names(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.api.as_str()).collect()
}

/// The calls that change something.
pub fn writes(calls: &[Call]) -> Vec<&str> {
    let reads = ["List", "Get", "Describe", "GenerateCredentialReport", "Simulate"];
    names(calls).into_iter().filter(|name| !reads.iter().any(|read| name.starts_with(read))).collect()
}

/// Sleeps by tokio's clock.
#[derive(Debug)]
struct TokioSleep;

impl aws_sdk_iam::config::AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_iam::config::Sleep {
        aws_sdk_iam::config::Sleep::new(tokio::time::sleep(duration))
    }
}
