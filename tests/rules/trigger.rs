//! Every sample in events/ means what its name says.

use crate::builders::account;
use mfa_warden::rules::trigger::{Trigger, WATCHED};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn samples() -> BTreeMap<String, Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/events");
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), serde_json::from_str(&text).unwrap())
    };
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).map(read).collect()
}

#[test]
fn every_sample_leads_to_what_its_name_says() {
    let meaning = |(name, event): (&String, &Value)| {
        let means = match Trigger::parse(event, &account()) {
            Ok(Trigger::Sweep { dry_run }) => format!("sweep, dry run {dry_run}"),
            Ok(Trigger::Check { user, dry_run, changed, source: _ }) => {
                format!("check of {user}, dry run {dry_run}, news {changed}")
            }
            Ok(Trigger::CheckTrails { dry_run }) => format!("look at the trails, dry run {dry_run}"),
            Ok(Trigger::Ignore(reason)) => format!("ignored: {reason}"),
            Err(error) => format!("error: {error}"),
        };
        format!("{name}: {means}\n")
    };
    let meanings: String = samples().iter().map(meaning).collect();
    insta::assert_snapshot!(meanings);
}

#[test]
fn there_is_a_sample_of_every_watched_event() {
    let names: Vec<Value> = samples().values().map(|event| event["detail"]["eventName"].clone()).collect();
    for watched in WATCHED {
        assert!(names.contains(&json!(watched)), "{watched}");
    }
}

#[test]
fn the_template_watches_the_same_events() {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml")).unwrap();
    let rule = template.split("eventName:").nth(1).unwrap().split("errorCode").next().unwrap();
    let listed: Vec<&str> = rule.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    assert_eq!(listed, WATCHED);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "sweep",
            "check",
            "check_trails",
            "Scheduled Event",
            "aws.events",
            "iam.amazonaws.com",
            "alice",
            "AWS API Call via CloudTrail",
            "DeleteVirtualMFADevice",
            "CreateUser",
            "123456789012"
        ])
        .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "action",
        "user",
        "dry_run",
        "detail",
        "detail-type",
        "source",
        "account",
        "eventSource",
        "eventName",
        "requestParameters",
        "userName",
        "serialNumber",
        "userIdentity",
        "type",
        "errorCode",
    ]);
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_event_makes_the_parser_panic_and_only_possible_names_come_out(event in any_json()) {
        if let Ok(Trigger::Check { user, .. }) = Trigger::parse(&event, &account()) {
            prop_assert!(mfa_warden::model::user::is_user_name(&user));
        }
    }
}
