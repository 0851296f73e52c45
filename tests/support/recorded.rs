//! Writes down which calls the function makes while it is tested, for tests/policies to judge: `make test` names the
//! folder in `MFA_WARDEN_CALLS`.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

/// The parameters that policies look at. Values, and seeds above all, are not among them.
const JUDGED: [&str; 15] = [
    "UserName",
    "PolicyArn",
    "PolicySourceArn",
    "Path",
    "VirtualMFADeviceName",
    "SerialNumber",
    "TopicArn",
    "ResourceArn",
    "SubscriptionArn",
    "Protocol",
    "Name",
    "SecretId",
    "BlockPublicPolicy",
    "VersionStage",
    "ForceDeleteWithoutRecovery",
];

static FOLDER: LazyLock<Option<PathBuf>> =
    LazyLock::new(|| std::env::var_os("MFA_WARDEN_CALLS").map(PathBuf::from));
static KNOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Writes down one call, once: a Query call by its form, or a JSON call of Secrets Manager by its body.
pub fn record(api: &str, form: &BTreeMap<String, String>, body: &str) {
    let Some(folder) = &*FOLDER else { return };
    let (service, all) = match form.get("Version").map(String::as_str) {
        Some("2010-05-08") => ("iam", json!(form)),
        Some("2010-03-31") => ("sns", json!(form)),
        _ if api.contains("Trail") => ("cloudtrail", json!({})),
        _ => ("secretsmanager", serde_json::from_str(body).unwrap_or_default()),
    };
    let judged = |name: &&str| Some(((*name).to_owned(), all.get(*name)?.clone()));
    let mut parameters: Map<String, Value> = JUDGED.iter().filter_map(judged).collect();
    if let Some(tags) = all["Tags"].as_array() {
        parameters.insert("TagKeys".to_owned(), tags.iter().map(|tag| tag["Key"].clone()).collect());
    }
    let keys = form.iter().filter(|(name, _)| name.starts_with("Tags.member.") && name.ends_with(".Key"));
    if service == "sns" && api == "TagResource" {
        parameters.insert("TagKeys".to_owned(), keys.map(|(_, key)| key.clone()).collect());
    }
    let line = json!({"action": format!("{service}:{api}"), "parameters": parameters}).to_string();
    if KNOWN.lock().unwrap().insert(line.clone()) {
        std::fs::create_dir_all(folder).unwrap();
        let file = folder.join(format!("{}.jsonl", std::process::id()));
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        // In one piece: other tests write too.
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}
