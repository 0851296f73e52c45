//! Which trails could deliver IAM events.

use crate::builders::*;
use mfa_warden::model::account::Account;
use mfa_warden::model::trail::{IamEvents, Trail};
use mfa_warden::rules::trail::{TAG, Told, candidates};

fn trail(name: &str) -> Trail {
    Trail {
        arn: name.to_owned(),
        home_region: "us-east-1".to_owned(),
        is_multi_region: true,
        is_organization: false,
        has_global_events: true,
    }
}

#[test]
fn a_trail_delivers_iam_events_where_it_applies_and_only_if_it_has_those_of_global_services() {
    let elsewhere = Trail { home_region: "eu-west-1".to_owned(), ..trail("elsewhere") };
    let trails = [
        Trail { is_multi_region: false, ..trail("here") },
        elsewhere.clone(),
        Trail { is_multi_region: false, ..elsewhere.clone() },
        Trail { has_global_events: false, ..trail("regional") },
        Trail { is_organization: true, ..trail("organization") },
    ];
    let found = candidates(&trails, "us-east-1");
    let names: Vec<&str> = found.into_iter().map(|trail| trail.arn.as_str()).collect();
    assert_eq!(names, ["organization", "here", "elsewhere"]);
}

#[test]
fn iam_events_arrive_in_one_region_of_a_partition() {
    let here = |partition: &str, region: &str| {
        let account = Account { partition: partition.to_owned(), region: region.to_owned(), ..account() };
        account.gets_iam_events()
    };
    assert!(here("aws", "us-east-1") && !here("aws", "eu-central-1"));
    assert!(here("aws-cn", "cn-north-1") && !here("aws-cn", "cn-northwest-1"));
}

#[test]
fn operations_hear_of_a_problem_that_they_were_not_told_of_its_end_and_of_a_lasting_one_each_week() {
    use IamEvents::{Account, Elsewhere, None as Nothing, Organization, Unknown};
    let news = |found: IamEvents, told: IamEvents, ago_: &str| {
        found.is_news(Some(Told { events: told, at: ago(ago_) }), now())
    };
    for (found, is_news) in
        [(Account, false), (Organization, false), (Elsewhere, false), (Nothing, true), (Unknown, true)]
    {
        assert_eq!(found.is_news(None, now()), is_news, "{found:?}");
        for told in [Account, Organization, Elsewhere] {
            assert_eq!(news(found, told, "1d"), is_news, "{found:?} after {told:?}");
        }
    }
    for (told, found, is_news) in [
        (Nothing, Nothing, false),
        (Unknown, Unknown, false),
        (Nothing, Unknown, true),
        (Unknown, Nothing, true),
        (Nothing, Account, true),
        (Unknown, Organization, true),
    ] {
        assert_eq!(news(found, told, "6d"), is_news, "{found:?} after {told:?}");
    }
    assert!(news(Nothing, Nothing, "7d") && news(Unknown, Unknown, "8d") && !news(Account, Account, "30d"));
}

#[test]
fn what_was_told_is_read_from_its_tag_and_nothing_else_counts() {
    for events in IamEvents::ALL {
        let told = Told { events, at: ago("3d") };
        assert_eq!(Told::read(&[(TAG.to_owned(), told.tag())].into(), now()), Some(told));
    }
    for (key, value) in [
        (TAG, "nonsense"),
        (TAG, "none"),
        (TAG, "none yesterday"),
        (TAG, "none 2999-01-01T00:00:00Z"),
        ("told", "none 2026-06-01T00:00:00Z"),
    ] {
        assert_eq!(Told::read(&[(key.to_owned(), value.to_owned())].into(), now()), None, "{key}={value}");
    }
}

#[test]
fn the_template_and_the_function_agree_where_iam_events_arrive() {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml")).unwrap();
    let condition = template.split("  IamEventsArriveHere: !Or\n").nth(1).unwrap();
    let listed: Vec<&str> = condition
        .lines()
        .map_while(|line| line.strip_prefix("    - !Equals [!Ref AWS::Region, ")?.strip_suffix(']'))
        .collect();
    let partitions =
        ["aws", "aws-us-gov", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];
    let known = partitions.map(|partition| {
        let account =
            Account { partition: partition.to_owned(), region: "elsewhere".to_owned(), ..account() };
        account.iam_region().to_owned()
    });
    assert_eq!(listed, known);
}
