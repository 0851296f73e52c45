//! A small model of an AWS account, spoken to by the real SDK clients through an HTTP client of its own.
//!
//! It is strict where AWS is strict, and stricter where this project's invariants say so: a call that breaks one is
//! written down as a violation. Its listings can lag behind its writes, as AWS's do.

#[path = "../support/recorded.rs"]
mod recorded;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_iam::config::retry::{ClientRateLimiter, RetryPartition, TokenBucket};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use jiff::{SignedDuration, Timestamp};
use mfa_warden::aws::Clients;
use mfa_warden::aws::cloudtrail::CloudTrail;
use mfa_warden::aws::iam::Iam;
use mfa_warden::aws::secrets::Secrets;
use mfa_warden::aws::sns::Sns;
use mfa_warden::{Settings, Warden};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

pub const ACCOUNT: &str = "123456789012";
pub const ROLE: &str = "arn:aws:iam::123456789012:role/mfa-warden";
/// Somebody else's, under our prefix.
pub const FOREIGN: &str = "mfa-warden/smtp-relay";
pub const ENROLLMENT: &str = "arn:aws:iam::123456789012:policy/mfa-warden-enrollment";
pub const QUARANTINE: &str = "arn:aws:iam::123456789012:policy/mfa-warden-quarantine";

thread_local! {
    // Every test has a thread and a runtime of its own, and so a time of its own.
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

pub fn now() -> Timestamp {
    NOW.get()
}

/// Sets every test's first moment.
pub fn begin() {
    begin_at("2026-06-15T12:00:00Z".parse().unwrap());
}

pub fn begin_at(time: Timestamp) {
    NOW.set(time);
}

pub fn advance(duration: SignedDuration) {
    NOW.set(now().checked_add(duration).unwrap());
}

#[derive(Debug, Clone, Default)]
pub struct User {
    pub id: String,
    pub created_at: Timestamp,
    pub password: bool,
    pub tags: BTreeMap<String, String>,
    pub mfa: BTreeSet<String>,
    pub attached: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub struct Device {
    pub seed: String,
    /// The unique id of the user it is assigned to.
    pub user: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Secret {
    /// What Secrets Manager adds to the name in the ARN.
    pub added: String,
    pub created_at: Timestamp,
    pub description: String,
    pub tags: BTreeMap<String, String>,
    pub policy: Option<String>,
    pub deleted: bool,
    /// Version id -> value, stages.
    pub versions: BTreeMap<String, (String, BTreeSet<String>)>,
}

impl Secret {
    pub fn current(&self) -> Option<&str> {
        let is_current =
            |(_, (_, stages)): &(&String, &(String, BTreeSet<String>))| stages.contains("AWSCURRENT");
        self.versions.iter().find(is_current).map(|(id, _)| id.as_str())
    }
}

#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub kind: String,
    pub user: String,
    pub text: String,
    /// Whether anybody got it.
    pub heard: bool,
}

/// What the listings show.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub users: BTreeMap<String, User>,
    pub devices: BTreeMap<String, Device>,
    pub secrets: BTreeMap<String, Secret>,
}

#[derive(Debug, Clone)]
pub struct World {
    /// Pages are short, so that everything takes several.
    pub page_length: usize,
    pub state: State,
    /// What the listings show instead, while they lag behind.
    pub listed: Option<State>,
    report: Option<(Timestamp, String)>,
    pub messages: Vec<Message>,
    /// The suffixes of versions that were told of before there was a record of messages.
    told_earlier: BTreeSet<String>,
    /// How many of them had gone out before what is judged began.
    pub told_before: usize,
    /// The owner topic's subscription lets nothing through.
    pub deaf: bool,
    /// The tags of the operations topic.
    topic_tags: BTreeMap<String, String>,
    /// The suffix of every version that ever was current.
    winners: BTreeSet<String>,
    next_id: u64,
    pub violations: Vec<String>,
    pub writes: Vec<String>,
}

impl Default for World {
    fn default() -> Self {
        World {
            page_length: 3,
            state: State::default(),
            listed: None,
            report: None,
            messages: Vec::new(),
            told_earlier: BTreeSet::new(),
            told_before: 0,
            deaf: false,
            topic_tags: BTreeMap::new(),
            winners: BTreeSet::new(),
            next_id: 0,
            violations: Vec::new(),
            writes: Vec::new(),
        }
    }
}

type Answer = Result<String, (u16, &'static str, &'static str)>;

const NO_SUCH_ENTITY: (u16, &str, &str) = (404, "NoSuchEntity", "there is none");

impl World {
    /// An account that other runs have worked in.
    pub fn of(state: State) -> Self {
        let winners = state.secrets.values().filter_map(|secret| secret.current().map(suffix)).collect();
        let told =
            state.secrets.values().filter_map(|secret| secret.tags.get("mfa-warden:notified").cloned());
        let told_earlier = told.collect();
        World { state, winners, told_earlier, next_id: 10_000, ..World::default() }
    }

    pub fn create_user(&mut self, name: &str, password: bool) {
        self.next_id += 1;
        let id = format!("AIDAEXAMPLE{:010}", self.next_id);
        let user = User { id, created_at: now(), password, ..User::default() };
        self.state.users.insert(name.to_owned(), user);
    }

    pub fn delete_user(&mut self, name: &str) {
        if let Some(user) = self.state.users.remove(name) {
            self.state.devices.retain(|_, device| device.user.as_ref() != Some(&user.id));
        }
    }

    pub fn user(&mut self, name: &str) -> &mut User {
        self.state.users.get_mut(name).unwrap()
    }

    pub fn secret_of(&mut self, name: &str) -> Option<&mut Secret> {
        let id = &self.state.users.get(name)?.id;
        self.state.secrets.get_mut(&format!("mfa-warden/{id}"))
    }

    /// The prepared device of the user, if its seed can be had from the secret.
    pub fn prepared(&mut self, name: &str) -> Option<String> {
        let secret = self.secret_of(name)?;
        let value = secret.versions[secret.current()?].0.clone();
        let value: Value = serde_json::from_str(&value).unwrap();
        let serial = value["serial_number"].as_str().unwrap().to_owned();
        self.state.devices.get(&serial).filter(|device| device.user.is_none())?;
        Some(serial)
    }

    pub fn enable(&mut self, name: &str, serial: &str) {
        let id = self.user(name).id.clone();
        self.state.devices.get_mut(serial).unwrap().user = Some(id);
        self.user(name).mfa.insert(serial.to_owned());
    }

    /// Assigns a device of the user's own making.
    pub fn enroll(&mut self, name: &str) {
        self.next_id += 1;
        let serial = format!("arn:aws:iam::{ACCOUNT}:mfa/own-{}", self.next_id);
        self.state.devices.insert(serial.clone(), Device { seed: String::new(), user: None });
        self.enable(name, &serial);
    }

    pub fn deactivate(&mut self, name: &str) {
        for serial in std::mem::take(&mut self.user(name).mfa) {
            if let Some(device) = self.state.devices.get_mut(&serial) {
                device.user = None;
            }
        }
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(user) = self.state.users.remove(from) {
            self.state.users.insert(to.to_owned(), user);
        }
    }

    /// Nobody hears anything who was never invited.
    pub fn assert_spared(&self, user: &str, context: &str) {
        let told = |message: &&Message| message.topic == "owners" && message.user == user;
        assert!(
            !self.messages[self.told_before..].iter().any(|message| told(&message)),
            "{context}: {user} was told something"
        );
    }

    /// Every message but an invitation goes out at most once while nothing else happens; an invitation that was published
    /// may go out again where the process died before it was noted.
    pub fn assert_told_once(&self, context: &str) {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for message in self.messages[self.told_before..].iter().filter(|one| one.topic == "owners") {
            *counts.entry((&message.user, &message.kind)).or_default() += 1;
        }
        for ((user, kind), count) in counts {
            let most = if kind == "invitation" { 2 } else { 1 };
            assert!(count <= most, "{context}: {user} got {count} messages of the kind {kind}");
        }
    }

    /// From and to where a page goes.
    fn page(&self, marker: &str, length: usize) -> (usize, usize) {
        let from = marker.parse().unwrap_or(0).min(length);
        (from, (from + self.page_length).min(length))
    }

    fn arn(name: &str) -> String {
        format!("arn:aws:iam::{ACCOUNT}:user/{name}")
    }

    fn violated(&mut self, what: String) {
        self.violations.push(what);
    }

    /// Performs one call.
    fn perform(&mut self, api: &str, p: &dyn Fn(&str) -> String, body: &Value) -> Answer {
        if !["List", "Get", "Describe", "Generate"].iter().any(|read| api.starts_with(read)) {
            self.writes.push(api.to_owned());
        }
        // Only listings lag behind.
        let listed = match api.starts_with("List") {
            true => self.listed.as_ref().unwrap_or(&self.state).clone(),
            false => State::default(),
        };
        match api {
            "ListUsers" => {
                let (from, to) = self.page(&p("Marker"), listed.users.len());
                let members: String = listed
                    .users
                    .iter()
                    .skip(from)
                    .take(to - from)
                    .map(|(name, user)| member(&user_xml(name, user)))
                    .collect();
                Ok(format!("<Users>{members}</Users>{}", more(to, listed.users.len())))
            }
            "ListVirtualMFADevices" => {
                let unassigned = p("AssignmentStatus") == "Unassigned";
                let name_of = |id: &str| listed.users.iter().find(|(_, user)| user.id == id);
                let shown: Vec<String> = listed
                    .devices
                    .iter()
                    .filter(|(_, device)| !unassigned || device.user.is_none())
                    .map(|(serial, device)| {
                        let user = device.user.as_deref().and_then(name_of);
                        let user = user.map_or(String::new(), |(name, user)| {
                            format!(
                                "<User>{}</User><EnableDate>2026-01-01T00:00:00Z</EnableDate>",
                                user_xml(name, user)
                            )
                        });
                        member(&format!("<SerialNumber>{serial}</SerialNumber>{user}"))
                    })
                    .collect();
                let (from, to) = self.page(&p("Marker"), shown.len());
                Ok(format!(
                    "<VirtualMFADevices>{}</VirtualMFADevices>{}",
                    shown[from..to].concat(),
                    more(to, shown.len())
                ))
            }
            "GetUser" => {
                let name = p("UserName");
                let user = self.state.users.get(&name).ok_or(NO_SUCH_ENTITY)?;
                let tags: String = user
                    .tags
                    .iter()
                    .map(|(key, value)| member(&format!("<Key>{key}</Key><Value>{value}</Value>")))
                    .collect();
                Ok(format!("<User>{}<Tags>{tags}</Tags></User>", user_xml(&name, user)))
            }
            "GetLoginProfile" => {
                let name = p("UserName");
                let user = self.state.users.get(&name).ok_or(NO_SUCH_ENTITY)?;
                if !user.password {
                    return Err(NO_SUCH_ENTITY);
                }
                Ok(format!(
                    "<LoginProfile><UserName>{name}</UserName><CreateDate>{}</CreateDate></LoginProfile>",
                    user.created_at
                ))
            }
            "ListMFADevices" => {
                let name = p("UserName");
                let user = self.state.users.get(&name).ok_or(NO_SUCH_ENTITY)?;
                let device = |serial: &String| {
                    member(&format!(
                        "<UserName>{name}</UserName><SerialNumber>{serial}</SerialNumber><EnableDate>2026-01-01T00:00:00Z</EnableDate>"
                    ))
                };
                Ok(format!("<MFADevices>{}</MFADevices>", user.mfa.iter().map(device).collect::<String>()))
            }
            "GetAccountSummary" => {
                let entry = |key: &str, value: usize| {
                    format!("<entry><key>{key}</key><value>{value}</value></entry>")
                };
                let users = entry("Users", self.state.users.len());
                Ok(format!("<SummaryMap>{}{users}</SummaryMap>", entry("AccountMFAEnabled", 1)))
            }
            "GenerateCredentialReport" => {
                // AWS makes a new one every four hours at most.
                if self
                    .report
                    .as_ref()
                    .is_none_or(|(made, _)| now().duration_since(*made) >= SignedDuration::from_hours(4))
                {
                    self.report = Some((now(), credential_report(&self.state)));
                }
                Ok("<State>COMPLETE</State>".to_owned())
            }
            "GetCredentialReport" => {
                let report = &self.report.as_ref().ok_or((410, "ReportNotPresent", "none"))?.1;
                Ok(format!("<Content>{}</Content>", data_encoding::BASE64.encode(report.as_bytes())))
            }
            "ListEntitiesForPolicy" => {
                let arn = p("PolicyArn");
                let users = listed.users.iter().filter(|(_, user)| user.attached.contains(&arn));
                let user = |(name, user): (&String, &User)| {
                    member(&format!("<UserName>{name}</UserName><UserId>{}</UserId>", user.id))
                };
                Ok(format!("<PolicyUsers>{}</PolicyUsers>", users.map(user).collect::<String>()))
            }
            "ListAttachedUserPolicies" => {
                let user = self.state.users.get(&p("UserName")).ok_or(NO_SUCH_ENTITY)?;
                let policy =
                    |arn: &String| member(&format!("<PolicyName>p</PolicyName><PolicyArn>{arn}</PolicyArn>"));
                Ok(format!(
                    "<AttachedPolicies>{}</AttachedPolicies>",
                    user.attached.iter().map(policy).collect::<String>()
                ))
            }
            "AttachUserPolicy" | "DetachUserPolicy" => {
                let arn = p("PolicyArn");
                if ![ENROLLMENT, QUARANTINE].contains(&arn.as_str()) {
                    self.violated(format!("{api} of {arn}"));
                }
                let user = self.state.users.get_mut(&p("UserName")).ok_or(NO_SUCH_ENTITY)?;
                if api == "AttachUserPolicy" {
                    user.attached.insert(arn);
                } else if !user.attached.remove(&arn) {
                    return Err(NO_SUCH_ENTITY);
                }
                Ok(String::new())
            }
            "CreateVirtualMFADevice" => {
                let serial = format!("arn:aws:iam::{ACCOUNT}:mfa{}{}", p("Path"), p("VirtualMFADeviceName"));
                if p("Path") != "/mfa-warden/" {
                    self.violated(format!("created {serial}"));
                }
                if self.state.devices.contains_key(&serial) {
                    return Err((409, "EntityAlreadyExists", "taken"));
                }
                self.next_id += 1;
                let seed = data_encoding::BASE32_NOPAD.encode(format!("{:040}", self.next_id).as_bytes());
                let blob = data_encoding::BASE64.encode(seed.as_bytes());
                let answer = format!(
                    "<VirtualMFADevice><SerialNumber>{serial}</SerialNumber><Base32StringSeed>{blob}</Base32StringSeed></VirtualMFADevice>"
                );
                self.state.devices.insert(serial, Device { seed, user: None });
                Ok(answer)
            }
            "DeleteVirtualMFADevice" => {
                let serial = p("SerialNumber");
                if !serial.contains(":mfa/mfa-warden/") {
                    self.violated(format!("deleted {serial}"));
                }
                let device = self.state.devices.get(&serial).ok_or(NO_SUCH_ENTITY)?;
                if device.user.is_some() {
                    return Err((409, "DeleteConflict", "the device is assigned"));
                }
                self.state.devices.remove(&serial);
                Ok(String::new())
            }
            "ListTagsForResource" => {
                let tags = self
                    .topic_tags
                    .iter()
                    .map(|(key, value)| member(&format!("<Key>{key}</Key><Value>{value}</Value>")));
                Ok(format!("<Tags>{}</Tags>", tags.collect::<String>()))
            }
            "TagResource" if body.is_null() => {
                for n in 1.. {
                    let (key, value) =
                        (p(&format!("Tags.member.{n}.Key")), p(&format!("Tags.member.{n}.Value")));
                    if key.is_empty() {
                        break;
                    }
                    self.topic_tags.insert(key, value);
                }
                Ok(String::new())
            }
            // A queue that takes everything, or nothing.
            "ListSubscriptionsByTopic" => Ok(format!(
                "<Subscriptions>{}</Subscriptions>",
                member(
                    "<SubscriptionArn>arn:aws:sns:us-east-1:123456789012:owners:1</SubscriptionArn><Protocol>sqs</Protocol>"
                )
            )),
            "GetSubscriptionAttributes" => {
                let filter =
                    "<entry><key>FilterPolicy</key><value>{\"recipient\":[\"nobody\"]}</value></entry>";
                Ok(format!("<Attributes>{}</Attributes>", if self.deaf { filter } else { "" }))
            }
            "Publish" => {
                self.publish(p);
                Ok("<MessageId>1</MessageId>".to_owned())
            }
            _ => self.secrets_manager(api, body, &listed).map(|answer| answer.to_string()),
        }
    }

    fn publish(&mut self, p: &dyn Fn(&str) -> String) {
        let attribute = |name: &str| {
            let entry = (1..=8).find(|n| p(&format!("MessageAttributes.entry.{n}.Name")) == name);
            entry.map_or(String::new(), |n| p(&format!("MessageAttributes.entry.{n}.Value.StringValue")))
        };
        let message = Message {
            topic: p("TopicArn").rsplit(':').next().unwrap_or_default().to_owned(),
            kind: attribute("kind"),
            user: attribute("user"),
            text: p("Message"),
            heard: !self.deaf,
        };
        if let Some(suffix) = offered(&message.text)
            && !self.winners.contains(&suffix)
        {
            self.violated(format!("{} of {} for {suffix}, which never won", message.kind, message.user));
        }
        if self
            .state
            .devices
            .values()
            .any(|device| !device.seed.is_empty() && message.text.contains(&device.seed))
        {
            self.violated(format!("a seed in a message to {}", message.topic));
        }
        self.messages.push(message);
    }

    fn secrets_manager(
        &mut self,
        api: &str,
        body: &Value,
        listed: &State,
    ) -> Result<Value, (u16, &'static str, &'static str)> {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let not_found = (400, "ResourceNotFoundException", "there is none");
        let tags = || {
            let tags = body["Tags"].as_array().cloned().unwrap_or_default();
            tags.into_iter().map(|tag| {
                (tag["Key"].as_str().unwrap().to_owned(), tag["Value"].as_str().unwrap().to_owned())
            })
        };
        if api == "ListSecrets" {
            let (from, to) = self.page(&text("NextToken"), listed.secrets.len());
            let shown: Vec<Value> = listed
                .secrets
                .iter()
                .skip(from)
                .take(to - from)
                .map(|(name, secret)| secret_json(name, secret, "SecretVersionsToStages"))
                .collect();
            let next = (to < listed.secrets.len()).then(|| to.to_string());
            return Ok(json!({"SecretList": shown, "NextToken": next}));
        }
        if api == "CreateSecret" {
            let name = text("Name");
            if !name.starts_with("mfa-warden/AIDA") || !body["SecretString"].is_null() {
                self.violated(format!("created the secret {name} or gave it a value before a policy"));
            }
            match self.state.secrets.get(&name) {
                Some(secret) if secret.deleted => {
                    return Err((400, "InvalidRequestException", "scheduled for deletion"));
                }
                Some(_) => return Err((400, "ResourceExistsException", "exists")),
                None => {}
            }
            self.next_id += 1;
            let added = format!("{:06}", self.next_id);
            let arn = format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}-{added}");
            let secret = Secret {
                added,
                created_at: now(),
                description: text("Description"),
                tags: tags().collect(),
                ..Secret::default()
            };
            self.state.secrets.insert(name.clone(), secret);
            return Ok(json!({"Name": name, "ARN": arn}));
        }
        let id = text("SecretId");
        let (name, added) =
            match id.split_once(":secret:").and_then(|(_, resource)| resource.rsplit_once('-')) {
                Some((name, added)) => (name.to_owned(), Some(added.to_owned())),
                None => (id, None),
            };
        // Another secret of the same name is another.
        if added
            .is_some_and(|added| self.state.secrets.get(&name).is_some_and(|secret| secret.added != added))
        {
            return if api == "DeleteSecret" { Ok(json!({})) } else { Err(not_found) };
        }
        let is_ours = |secret: &Secret| {
            let id = name.strip_prefix("mfa-warden/").unwrap_or_default();
            id.starts_with("AIDA") && secret.tags.get("mfa-warden:user-id").is_some_and(|tag| tag == id)
        };
        if api != "DescribeSecret" && self.state.secrets.get(&name).is_some_and(|secret| !is_ours(secret)) {
            self.violated(format!("{api} of {name}, which is somebody else's"));
        }
        let Some(secret) = self.state.secrets.get_mut(&name) else {
            // A forced deletion of what is gone is no error.
            return if api == "DeleteSecret" { Ok(json!({})) } else { Err(not_found) };
        };
        if secret.deleted && !["DescribeSecret", "RestoreSecret", "DeleteSecret"].contains(&api) {
            return Err((400, "InvalidRequestException", "scheduled for deletion"));
        }
        match api {
            "DescribeSecret" => return Ok(secret_json(&name, secret, "VersionIdsToStages")),
            "PutResourcePolicy" => {
                secret.policy = Some(text("ResourcePolicy"));
                if !text("ResourcePolicy").contains(&format!("{ROLE}\"")) {
                    self.violations.push(format!("a policy of {name} that lets others change it"));
                }
                if body["BlockPublicPolicy"] != true {
                    self.violated(format!("a policy of {name} without BlockPublicPolicy"));
                }
            }
            "PutSecretValue" => {
                let version = text("ClientRequestToken");
                let first = secret.versions.is_empty();
                let mut stages: BTreeSet<String> = body["VersionStages"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|s| s.as_str().unwrap().to_owned())
                    .collect();
                for (_, others) in secret.versions.values_mut() {
                    others.retain(|stage| !stages.contains(stage));
                }
                if first {
                    stages.insert("AWSCURRENT".to_owned());
                    self.winners.insert(suffix(&version));
                }
                let id = name.rsplit('/').next().unwrap();
                let closed = secret.policy.as_ref().is_some_and(|policy| policy.contains(id));
                secret.versions.insert(version.clone(), (text("SecretString"), stages.clone()));
                if !closed {
                    self.violated(format!("a value in {name} before its owner's policy"));
                }
                return Ok(json!({"VersionId": version, "VersionStages": stages}));
            }
            "UpdateSecretVersionStage" => {
                let (from, to) = (text("RemoveFromVersionId"), text("MoveToVersionId"));
                let stage = text("VersionStage");
                let holder = secret.versions.iter().find(|(_, (_, stages))| stages.contains(&stage));
                let holder = holder.map(|(id, _)| id.clone()).unwrap_or_default();
                // Without a version to take it from, the stage must be nowhere.
                if holder != from {
                    return Err((400, "InvalidParameterException", "the stage is elsewhere"));
                }
                if let Some((_, stages)) = secret.versions.get_mut(&from) {
                    stages.remove(&stage);
                }
                secret.versions.get_mut(&to).ok_or(not_found)?.1.insert(stage);
                self.winners.insert(suffix(&to));
            }
            "TagResource" => {
                for (key, value) in tags() {
                    let fits = value.chars().count() < 256
                        && value.chars().all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c));
                    if !fits || key == "mfa-warden:user-id" {
                        self.violations.push(format!("the tag {key} = {value} of {name}"));
                    }
                    secret.tags.insert(key, value);
                }
            }
            "RestoreSecret" => secret.deleted = false,
            "DeleteSecret" => {
                if body["ForceDeleteWithoutRecovery"] != true {
                    self.violations.push(format!("{name} deleted with a recovery window"));
                }
                self.state.secrets.remove(&name);
            }
            _ => self.violated(format!("an unexpected call: {api}")),
        }
        Ok(json!({}))
    }
}

fn suffix(version: &str) -> String {
    version[version.len() - 8..].to_owned()
}

/// The version that a message offers, by the device in its command.
fn offered(text: &str) -> Option<String> {
    let command = text.lines().find(|line| line.contains("enable-mfa-device"))?;
    let serial = command.split("--serial-number ").nth(1)?.split(' ').next()?.trim_matches('"');
    Some(suffix(serial))
}

fn more(to: usize, length: usize) -> String {
    if to < length {
        format!("<IsTruncated>true</IsTruncated><Marker>{to}</Marker>")
    } else {
        "<IsTruncated>false</IsTruncated>".to_owned()
    }
}

fn member(inner: &str) -> String {
    format!("<member>{inner}</member>")
}

fn user_xml(name: &str, user: &User) -> String {
    format!(
        "<Path>/</Path><UserName>{name}</UserName><UserId>{}</UserId><Arn>{}</Arn><CreateDate>{}</CreateDate>",
        user.id,
        World::arn(name),
        user.created_at
    )
}

fn secret_json(name: &str, secret: &Secret, versions: &str) -> Value {
    let tags: Vec<Value> =
        secret.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let stages: BTreeMap<&String, &BTreeSet<String>> = secret
        .versions
        .iter()
        .filter(|(_, (_, stages))| !stages.is_empty())
        .map(|(id, (_, stages))| (id, stages))
        .collect();
    let mut answer = json!({
        "Name": name, "Description": secret.description, "Tags": tags,
        "ARN": format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}-{}", secret.added),
        "CreatedDate": secret.created_at.as_second(),
    });
    answer[versions] = json!(stages);
    if secret.deleted {
        answer["DeletedDate"] = json!(now().as_second());
    }
    answer
}

fn credential_report(state: &State) -> String {
    let mut report = "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_2_active\n\
                      <root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,true,false,false\n"
        .to_owned();
    for (name, user) in &state.users {
        let created = user.created_at.to_string().replace('Z', "+00:00");
        let (password, mfa) = (user.password, !user.mfa.is_empty());
        let _ = writeln!(report, "{name},{},{created},{password},{mfa},false,false", World::arn(name));
    }
    report
}

/// A run's line to the account: where it breaks, and who lets it go on.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub fault: Arc<Mutex<Fault>>,
    pub gate: Option<Arc<Gate>>,
}

/// One attempt fewer than the function makes.
const HELD_UP_AT_MOST: u32 = 5;

/// How a run's calls fail.
#[derive(Debug, Default)]
pub struct Fault {
    /// Calls made so far.
    pub calls: usize,
    /// The process dies before this call (counted from 1).
    pub dies_before: Option<usize>,
    /// The process dies after this call was performed, and never sees the answer.
    pub dies_after: Option<usize>,
    /// The API that fails while the line stands, and how: an HTTP status and an error code.
    pub refused: Option<(&'static str, u16, &'static str)>,
    /// One in so many calls is throttled, by this generator.
    pub throttled: Option<(u32, fastrand::Rng)>,
    /// How often each request was throttled: AWS slows callers down, and lets each request through in the end.
    pub held_up: BTreeMap<String, u32>,
    pub log: Vec<String>,
}

/// Lets calls through one by one.
#[derive(Debug)]
pub struct Gate {
    pub waiting: Mutex<usize>,
    pub permits: Semaphore,
}

#[derive(Debug, Clone)]
struct Connector {
    world: Arc<Mutex<World>>,
    line: Line,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Connector { world, line } = self.clone();
        HttpConnectorFuture::new(async move {
            if let Some(gate) = &line.gate {
                *gate.waiting.lock().unwrap() += 1;
                gate.permits.acquire().await.unwrap().forget();
                *gate.waiting.lock().unwrap() -= 1;
            }
            let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
            let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
            let form: BTreeMap<String, String> = if target.is_none() { form(&body) } else { BTreeMap::new() };
            let api = target.map_or_else(|| form["Action"].clone(), str::to_owned);
            recorded::record(&api, &form, &body);
            let dead = |_| ConnectorError::io("the process is dead".into());
            let mut fault = line.fault.lock().unwrap();
            fault.calls += 1;
            fault.log.push(api.clone());
            let call = fault.calls;
            if fault.dies_before.is_some_and(|at| call >= at) || fault.dies_after.is_some_and(|at| call > at)
            {
                return Err(dead(()));
            }
            let chosen = fault.throttled.as_mut().is_some_and(|(one_in, random)| random.u32(0..*one_in) == 0);
            let times = fault.held_up.entry(format!("{api} {body}")).or_default();
            let throttled = chosen && *times < HELD_UP_AT_MOST;
            *times += u32::from(throttled);
            let answer = match fault.refused {
                _ if throttled => Err((400, "Throttling", "Rate exceeded")),
                Some((refused, status, code)) if refused == api => Err((status, code, "refused")),
                _ => {
                    let json: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
                    let parameter = |name: &str| form.get(name).cloned().unwrap_or_default();
                    world.lock().unwrap().perform(&api, &parameter, &json)
                }
            };
            if fault.dies_after == Some(call) {
                return Err(dead(()));
            }
            Ok(response(&api, target.is_some(), answer))
        })
    }
}

fn response(api: &str, json: bool, answer: Answer) -> HttpResponse {
    let (status, body) = match answer {
        Ok(answer) if json => (200, answer),
        Ok(answer) => (200, format!("<{api}Response><{api}Result>{answer}</{api}Result></{api}Response>")),
        Err((status, code, message)) if json => {
            (status, json!({"__type": code, "message": message}).to_string())
        }
        Err((status, code, message)) => (
            status,
            format!(
                "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            ),
        ),
    };
    HttpResponse::new(status.try_into().unwrap(), body.into())
}

fn form(body: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect()
}

/// The account and the function that keeps it.
#[derive(Debug, Clone, Default)]
pub struct Account {
    pub world: Arc<Mutex<World>>,
}

pub const SWEEP: &str = r#"{"action":"sweep"}"#;

pub fn check(user: &str) -> String {
    json!({"action": "check", "user": user}).to_string()
}

impl Account {
    pub fn edit<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock().unwrap())
    }

    pub fn warden(&self, line: &Line, retries: RetryConfig) -> Warden {
        let connector = SharedHttpConnector::new(Connector { world: self.world.clone(), line: line.clone() });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(retries)
            .sleep_impl(SharedAsyncSleep::new(TokioClock::started()))
            .time_source(SharedTimeSource::new(TokioClock::started()))
            .build();
        let environment = |name: &str| {
            let value = match name {
                "OWNER_TOPIC_ARN" => "arn:aws:sns:us-east-1:123456789012:owners",
                "OPS_TOPIC_ARN" => "arn:aws:sns:us-east-1:123456789012:ops",
                "ENROLLMENT_POLICY_ARN" => ENROLLMENT,
                "QUARANTINE_POLICY_ARN" => QUARANTINE,
                "FUNCTION_ROLE_ARN" => ROLE,
                "AFTER_GRACE" => "quarantine",
                "MAX_PROVISIONS" => "100000",
                _ => return None,
            };
            Some(value.to_owned())
        };
        // The SDK keeps one rate for all clients of a process, and these live in times of their own.
        let partition = || {
            let rate = ClientRateLimiter::new(TokioClock::BEGINNING.as_secs_f64());
            RetryPartition::custom("model")
                .client_rate_limiter(rate)
                .token_bucket(TokenBucket::default())
                .build()
        };
        let iam = aws_sdk_iam::config::Builder::from(&config).retry_partition(partition());
        let secrets = aws_sdk_secretsmanager::config::Builder::from(&config).retry_partition(partition());
        let sns = aws_sdk_sns::config::Builder::from(&config).retry_partition(partition());
        let cloudtrail = aws_sdk_cloudtrail::config::Builder::from(&config).retry_partition(partition());
        let clients = Clients {
            cloudtrail: CloudTrail(aws_sdk_cloudtrail::Client::from_conf(cloudtrail.build())),
            iam: Iam(aws_sdk_iam::Client::from_conf(iam.build())),
            secrets: Secrets(aws_sdk_secretsmanager::Client::from_conf(secrets.build())),
            sns: Sns(aws_sdk_sns::Client::from_conf(sns.build())),
            calls: Default::default(),
        };
        Warden { settings: Settings::from_env(environment).unwrap(), clients, clock: now }
    }

    /// Runs one event over a line that may break.
    pub async fn run_over(&self, line: &Line, event: &str) -> anyhow::Result<Value> {
        self.handle(self.warden(line, RetryConfig::disabled()), event, Duration::from_secs(900)).await
    }

    pub async fn handle(&self, warden: Warden, event: &str, time_left: Duration) -> anyhow::Result<Value> {
        let event: Value = serde_json::from_str(event).unwrap();
        let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:mfa-warden");
        Ok(serde_json::to_value(warden.handle(&event, &arn, time_left).await?)?)
    }

    /// Runs one event with nothing in its way.
    pub async fn run(&self, event: &str) -> Value {
        self.run_over(&Line::default(), event).await.unwrap()
    }

    /// After runs that may have broken off: one clean run mends everything (a second one quarantines users whose
    /// owners were told only now), and from then on there is nothing to do.
    pub async fn assert_converges(&self, context: &str) {
        self.edit(|world| {
            world.listed = None;
            world.deaf = false;
        });
        for _ in 0..2 {
            let answer = self.run(SWEEP).await;
            assert_eq!(answer["failed"], 0, "{context}: {answer}");
            assert_eq!(answer["users"]["unknown"], 0, "{context}: {answer}");
            self.assert_sound(context);
        }
        self.edit(|world| world.writes.clear());
        self.run(SWEEP).await;
        self.edit(|world| {
            assert_eq!(world.writes, Vec::<String>::new(), "{context}: a clean run more does something")
        });
    }

    /// The invariants of the account's state, judged by the account itself.
    pub fn assert_sound(&self, context: &str) {
        self.edit(|world| {
            assert_eq!(world.violations, Vec::<String>::new(), "{context}");
            let State { users, devices, secrets } = &world.state;
            let mut expected_secrets = BTreeSet::new();
            let mut expected_devices = BTreeSet::new();
            for (name, user) in users {
                let exempt = user.tags.contains_key("mfa-exempt");
                if !user.password || !user.mfa.is_empty() || exempt {
                    assert_eq!(user.attached, BTreeSet::new(), "{context}: {name} keeps a policy");
                    continue;
                }
                let secret_name = format!("mfa-warden/{}", user.id);
                let secret =
                    secrets.get(&secret_name).unwrap_or_else(|| panic!("{context}: {name} has no secret"));
                let version = secret.current().unwrap_or_else(|| panic!("{context}: {name} has no version"));
                let serial = format!("arn:aws:iam::{ACCOUNT}:mfa/mfa-warden/{name}.{}", suffix(version));
                let device = devices
                    .get(&serial)
                    .unwrap_or_else(|| panic!("{context}: {name} has no device {serial}"));
                let value: Value = serde_json::from_str(&secret.versions[version].0).unwrap();
                assert_eq!(value["serial_number"], serial, "{context}");
                assert_eq!(value["seed"], device.seed, "{context}: the seed of {name} is lost");
                assert!(secret.policy.as_ref().is_some_and(|policy| policy.contains(&user.id)), "{context}");
                let told = |message: &&Message| {
                    let this = message.user == *name && offered(&message.text) == Some(suffix(version));
                    this && (message.heard || world.deaf)
                };
                assert!(
                    world.messages.iter().any(|message| told(&message))
                        || world.told_earlier.contains(&suffix(version)),
                    "{context}: {name} was never told of {version}"
                );
                assert!(user.attached.contains(ENROLLMENT), "{context}: {name} lacks the enrollment policy");
                // Versions before kept no time of the first notice.
                let first = secret.tags.get("mfa-warden:first-notice-at");
                let first = first.and_then(|time| time.parse().ok()).filter(|time| *time <= now());
                let since = first.unwrap_or(secret.created_at).max(secret.created_at);
                let overdue = now().duration_since(since) > SignedDuration::from_hours(14 * 24);
                assert!(
                    overdue || !user.attached.contains(QUARANTINE),
                    "{context}: {name} is quarantined early"
                );
                expected_secrets.insert(secret_name);
                expected_devices.insert(serial);
            }
            if let Some(foreign) = secrets.get(FOREIGN) {
                assert_eq!(foreign.tags, BTreeMap::new(), "{context}");
            }
            let secrets: BTreeSet<String> = secrets.keys().filter(|name| *name != FOREIGN).cloned().collect();
            assert_eq!(secrets, expected_secrets, "{context}: secrets");
            let unassigned = devices
                .iter()
                .filter(|(serial, device)| device.user.is_none() && serial.contains("/mfa-warden/"));
            let unassigned: BTreeSet<String> = unassigned.map(|(serial, _)| serial.clone()).collect();
            assert_eq!(unassigned, expected_devices, "{context}: devices");
        });
    }
}

/// Tells time and sleeps by tokio's clock, which tests pause: retries take no time and still see it pass.
#[derive(Debug)]
struct TokioClock(tokio::time::Instant);

impl TokioClock {
    const BEGINNING: Duration = Duration::from_secs(1_700_000_000);

    fn started() -> Self {
        TokioClock(tokio::time::Instant::now())
    }
}

impl AsyncSleep for TokioClock {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}

impl TimeSource for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Self::BEGINNING + self.0.elapsed()
    }
}
