//! The process and what it said.

use crate::cloud::Cloud;
use crate::gate::Gate;
use assert_cmd::Command;

/// What a process said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// An access key's id and secret, and a session token.
pub type Keys = (String, String, Option<String>);

/// A region, and nothing else of AWS.
pub const ENVIRONMENT: [(&str, &str); 4] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
];

/// `warden` with nothing of the environment but what a test gives it.
pub fn warden() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.env_clear().envs(ENVIRONMENT);
    command
}

/// `warden` at this gate, with an operator's credentials.
pub fn operator(gate: &Gate) -> Command {
    with_keys(gate, &("test".to_owned(), "test".to_owned(), None))
}

/// `warden` at this gate, with these credentials.
pub fn with_keys(gate: &Gate, (id, secret, token): &Keys) -> Command {
    let mut command = warden();
    command
        .env("AWS_ENDPOINT_URL", &gate.url)
        .env("AWS_ACCESS_KEY_ID", id)
        .env("AWS_SECRET_ACCESS_KEY", secret);
    if let Some(token) = token {
        command.env("AWS_SESSION_TOKEN", token);
    }
    command
}

/// An access key of that user.
pub async fn keys(cloud: &Cloud, user: &str) -> Keys {
    let key = cloud.iam.create_access_key().user_name(user).send().await.unwrap().access_key.unwrap();
    (key.access_key_id, key.secret_access_key, None)
}

/// Runs it to its end.
pub fn run(mut command: Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs it with these arguments.
pub fn say(mut command: Command, arguments: &[&str]) -> Said {
    command.args(arguments);
    run(command)
}
