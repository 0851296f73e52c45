//! Messages to owners are short and plain, in every language: an employee has three minutes.

use crate::builders::*;
use mfa_warden::messages::enroll::Said;
use mfa_warden::messages::owner::OwnerNotice;
use mfa_warden::model::account::Account;
use mfa_warden::model::action::Notice;
use mfa_warden::model::blocker::{Blocker, Cause, Need};
use mfa_warden::model::facts::UserFacts;
use mfa_warden::model::known::Known;
use mfa_warden::model::language::Language;
use mfa_warden::model::message::OwnerMessage;
use mfa_warden::model::record::tag;
use mfa_warden::model::settings::SETTINGS;
use mfa_warden::model::user::{AssignedDevice, Attached};
use std::collections::{BTreeMap, BTreeSet};

const ALL: [Notice; 5] =
    [Notice::Invitation, Notice::Reminder, Notice::Quarantined, Notice::Enrolled, Notice::Withdrawn];

/// A message in a language, with what else makes it longer or shorter.
fn message(
    notice: Notice,
    language: Language,
    facts: &UserFacts,
    account: &Account,
    more: &[(&str, &str)],
) -> OwnerMessage {
    let settings = settings(&[more, &[("LANGUAGE", language.code())]].concat());
    let verdict = verdict_of(facts, &settings);
    let source = Some("203.0.113.7".parse().unwrap());
    let notice =
        OwnerNotice { notice, account, settings: &settings, verdict: &verdict, facts, source, now: now() };
    notice.message("alice@example.com")
}

/// Every form that a message can have.
fn every_form(mut of: impl FnMut(&OwnerMessage)) {
    let quarantine = [("AFTER_GRACE", "quarantine"), ("QUARANTINE_POLICY_ARN", QUARANTINE)];
    let sets: [&[(&str, &str)]; 5] = [
        &[],
        &quarantine,
        &[("PREFER", "console"), ("CONTACT", "the service desk in building 4, extension 4242 or 4243")],
        &[("MFA_SCOPE", "all"), quarantine[0], quarantine[1]],
        &[("REMIND_EVERY", "1d"), ("PREFER", "console"), ("MFA_SCOPE", "credentials")],
    ];
    let denied = Blocker {
        action: "secretsmanager:GetSecretValue".to_owned(),
        need: Need::ReadSeed,
        cause: Cause::Policies(vec!["ForceMFA".to_owned()]),
        is_unsure: false,
    };
    let changes: [fn(&mut UserFacts); 5] = [
        |_| (),
        |facts| facts.password = Known::Is(false),
        |facts| facts.attached = Known::Is(Attached { enrollment: true, quarantine: true }),
        |facts| drop(secret(facts).tags.insert(tag::NOTIFIED.to_owned(), "0a1b2c3d".to_owned())),
        |facts| drop(facts.tags.insert("mfa-exempt".to_owned(), "permanent robot".to_owned())),
    ];
    let accounts = [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-new", "new-north-1")];
    for language in Language::all() {
        for (partition, region) in accounts {
            let account = Account { partition: partition.to_owned(), region: region.to_owned(), ..account() };
            for more in sets {
                for change in changes {
                    for age in ["0s", "20d"] {
                        for blockers in [Known::NotAsked, Known::Is(vec![denied.clone()])] {
                            let mut facts = enrolled_since(user("alice"), age);
                            change(&mut facts);
                            facts.blockers = blockers;
                            for notice in ALL {
                                if notice == Notice::Enrolled {
                                    let prepared = secret(&mut facts).current_version.clone().unwrap();
                                    facts.mfa_devices =
                                        [account.serial_number("alice", &prepared), "X1".to_owned()]
                                            .map(|serial_number| AssignedDevice {
                                                serial_number,
                                                enabled_at: now(),
                                            })
                                            .into();
                                }
                                of(&message(notice, language, &facts, &account, more));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The lines that are no command and no link.
fn prose(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with("     ")).collect()
}

fn is_heading(line: &str) -> bool {
    let words: String =
        line.split(" (").next().unwrap_or_default().chars().filter(|c| c.is_alphabetic()).collect();
    words.len() > 5 && words == words.to_uppercase()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).collect()
}

/// The sentences of the prose, without numbers of steps, headings and names that somebody chose.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for line in prose(text).into_iter().filter(|line| !is_heading(line)) {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || ". -".contains(c));
        let mut rest = String::new();
        for word in line.split_whitespace() {
            rest.push_str(word);
            rest.push(' ');
            // A day of the month ends no sentence.
            let is_day = word.trim_end_matches('.').parse::<u32>().is_ok();
            if word.ends_with(['.', '?', ':']) && !is_day {
                sentences.push(std::mem::take(&mut rest));
            }
        }
        sentences.push(rest);
    }
    sentences.retain(|sentence| !words(sentence).is_empty());
    sentences
}

/// Roughly the syllables of an English word: groups of vowels, without a silent e at its end.
fn syllables(word: &str) -> usize {
    let word: String = word.to_lowercase().chars().filter(|c| c.is_ascii_alphabetic()).collect();
    let is_vowel = |c: char| "aeiouy".contains(c);
    let groups = word.chars().zip(std::iter::once(' ').chain(word.chars()));
    let groups = groups.filter(|(c, before)| is_vowel(*c) && !is_vowel(*before)).count();
    let is_silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    (groups - usize::from(is_silent)).max(1)
}

/// Flesch's reading ease: 60 and more is plain English.
fn reading_ease(text: &str) -> f64 {
    let sentences = sentences(text);
    let words: Vec<&str> = sentences.iter().flat_map(|sentence| words(sentence)).collect();
    let count = |number: usize| f64::from(u32::try_from(number).unwrap());
    let syllables: usize = words.iter().map(|word| syllables(word)).sum();
    206.835
        - 1.015 * count(words.len()) / count(sentences.len())
        - 84.6 * count(syllables) / count(words.len())
}

#[test]
fn the_first_thing_to_do_comes_within_forty_words_and_the_whole_has_at_most_250() {
    let mut longest = 0;
    every_form(|message| {
        let prose = prose(&message.text);
        let all: usize = prose.iter().map(|line| words(line).len()).sum();
        longest = longest.max(all);
        assert!(all <= 250, "{all} words: {}", message.text);
        if message.deadline.is_some() {
            let before = prose.iter().take_while(|line| !line.starts_with("1. "));
            let before: usize = before.map(|line| words(line).len()).sum();
            assert!(before <= 40, "{before} words: {}", message.text);
        }
    });
    assert!(longest > 150, "{longest}");
}

#[test]
fn no_sentence_has_more_than_twenty_words() {
    every_form(|message| {
        for sentence in sentences(&message.text) {
            let count = words(&sentence).len();
            assert!(count <= 20, "{count} words: {sentence}");
        }
    });
}

#[test]
fn english_reads_easily() {
    let mut least: f64 = 100.0;
    every_form(|message| {
        if message.language == Language::ENGLISH {
            let ease = reading_ease(&message.text);
            least = least.min(ease);
            assert!(ease >= 60.0, "{ease}: {}", message.text);
        }
    });
    assert!(least < 95.0, "{least}: the measure measures nothing");
}

#[test]
fn nothing_is_left_of_the_templates_and_no_gap_is_wider_than_a_line() {
    every_form(|message| {
        let text = format!("{}\n{}", message.subject, message.text);
        assert!(!text.contains("{{") && !text.contains("}}") && !text.contains("{%"), "{text}");
        assert!(!text.contains("\n\n\n") && text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
        assert!(!text.contains(" \n") && !text.contains("  .") && !text.contains(" ,"), "{text}");
        let numbers = text.lines().filter_map(|line| line.split_once(". ")?.0.parse::<u32>().ok());
        let mut before = 0;
        for number in numbers {
            assert!(number == before + 1 || number == 1, "step {number} after {before}: {text}");
            before = number;
        }
    });
}

#[test]
fn a_german_message_has_no_english_sentence_and_each_language_its_own_dates() {
    let facts = enrolled_since(user("alice"), "0s");
    let texts: Vec<String> = Language::all()
        .map(|language| message(Notice::Reminder, language, &facts, &account(), &[]).text)
        .collect();
    let [german, english] = &texts[..] else { panic!("a new language: add its date here") };
    assert!(german.contains("29. Juni 2026, 12:00 Uhr UTC") && english.contains("29 June 2026, 12:00 UTC"));
    for word in [" the ", " your ", " with "] {
        assert!(english.contains(word) && !german.contains(word), "{word}: {german}");
    }
}

#[test]
fn the_users_tag_chooses_the_language_and_else_the_setting_and_else_english() {
    let language = |tag: Option<&str>, more: &[(&str, &str)]| {
        let mut facts = enrolled_since(user("alice"), "1d");
        if let Some(tag) = tag {
            facts.tags.insert("Language".to_owned(), tag.to_owned());
        }
        let settings = settings(more);
        let verdict = verdict_of(&facts, &settings);
        let account = account();
        let notice = OwnerNotice {
            notice: Notice::Reminder,
            account: &account,
            settings: &settings,
            verdict: &verdict,
            facts: &facts,
            source: None,
            now: now(),
        };
        notice.message("alice@example.com").language.code()
    };
    assert_eq!(language(None, &[]), "en");
    assert_eq!(language(None, &[("LANGUAGE", "de")]), "de");
    for tag in ["de", "DE", "de-AT", "de_CH", " de "] {
        assert_eq!(language(Some(tag), &[]), "de", "{tag}");
    }
    assert_eq!(language(Some("en"), &[("LANGUAGE", "de")]), "en");
    for unknown in ["", "fr", "klingon", "\u{202e}de"] {
        assert_eq!(language(Some(unknown), &[("LANGUAGE", "de")]), "de", "{unknown}");
    }
    assert_eq!(language(Some("de"), &[("LANGUAGE_TAG", "sprache")]), "en", "another tag is meant");
}

/// What a template speaks of: the fields and files that it names.
fn placeholders(template: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let in_tags = |open: &str, close: &str| -> Vec<String> {
        let tags = template.split(open).skip(1).filter_map(|tag| tag.split(close).next());
        tags.flat_map(|tag| tag.split(|c| !is_name(c)).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let is_field =
        |word: &String| ["m.", "p.", "span.", "when.", "device."].iter().any(|of| word.starts_with(of));
    let shown = in_tags("{{", "}}").into_iter().filter(|word| !word.is_empty());
    in_tags("{%", "%}").into_iter().filter(is_field).chain(shown).collect()
}

#[test]
fn the_templates_of_every_language_speak_of_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/messages/templates");
    let files = |language: Language| -> BTreeMap<String, BTreeSet<String>> {
        let entries = std::fs::read_dir(format!("{folder}/{}", language.code())).unwrap();
        let read = |path: std::path::PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), placeholders(&text))
        };
        entries.map(|entry| read(entry.unwrap().path())).collect()
    };
    let english = files(Language::ENGLISH);
    assert!(
        english.values().any(|names| names.contains("m.user") && names.contains("m.account")),
        "{english:?}"
    );
    for language in Language::all() {
        assert_eq!(files(language), english, "{}", language.code());
    }
}

#[test]
fn whatever_the_command_line_says_to_an_owner_it_says_in_every_language() {
    let again = "warden enroll";
    let all = [
        Said::EnrolledAlready { user: "anna", is_prepared: true },
        Said::EnrolledAlready { user: "anna", is_prepared: false },
        Said::NotOurs,
        Said::OtherDevice { named: "<named>", expected: "<expected>" },
        Said::OtherEndpoint { url: "<url>" },
        Said::Ready { user: "anna", account: "123456789012" },
        Said::Narrow { columns: 61, again },
        Said::NoCamera { command: "warden enroll --show-seed" },
        Said::SetupKey,
        Said::TwoCodes,
        Said::AskFirst,
        Said::AskSecond,
        Said::SameCode,
        Said::NoCode,
        Said::NoInput { again },
        Said::NotAccepted { again },
        Said::WrongCodes,
        Said::NeedsMfa { code: "AccessDenied" },
        Said::Exists { again },
        Said::Limit { said: "<said>" },
        Said::Busy { again },
        Said::Gone { again },
        Said::EnableDenied { said: "<said>" },
        Said::EnableFailed { said: "<said>", again },
        Said::NoSecret { region: "eu-west-1", has_none: true, is_prepared: Some(true), there: again },
        Said::NoSecret { region: "eu-west-1", has_none: false, is_prepared: Some(false), there: again },
        Said::NoSecret { region: "eu-west-1", has_none: false, is_prepared: None, there: again },
        Said::SecretGoing { said: "<said>" },
        Said::ReadDenied { region: "eu-west-1", said: "<said>", there: again },
        Said::ReadFailed { said: "<said>" },
        Said::Done { user: "anna", device: "<device>", is_listed: true },
        Said::Done { user: "anna", device: "<device>", is_listed: false },
        Said::NoRegion,
        Said::NoAccount { arn: "<arn>" },
        Said::NoProfile { profile: "prod" },
        Said::NoCredentials { login: "<login>" },
        Said::BadCredentials { why: "<why>", login: "<login>", mfa_profile: None },
        Said::BadCredentials { why: "<why>", login: "<login>", mfa_profile: Some("prod") },
        Said::Unidentified { said: "<said>", login: "<login>" },
        Said::Unreachable { said: "<said>" },
        Said::SessionToken { failure: "<failure>" },
        Said::UnknownKey { failure: "<failure>" },
        Said::Root,
        Said::Role { role: "Admin" },
        Said::NoUser { arn: "<arn>" },
    ];
    for language in Language::all() {
        let words: Vec<String> = all.iter().map(|said| said.words(language)).collect();
        for text in &words {
            assert!(!text.is_empty() && !text.contains("{{") && text.trim_end() == text, "{text:?}");
        }
        insta::assert_snapshot!(format!("enroll_{}", language.code()), words.join("\n---\n"));
    }
    let distinct: BTreeSet<String> =
        Language::all().flat_map(|language| all.map(|said| said.words(language))).collect();
    assert_eq!(distinct.len(), 2 * all.len(), "two languages, and no text twice");
}

#[test]
fn the_template_and_the_help_offer_every_language() {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml")).unwrap();
    let codes: Vec<&str> = Language::all().map(Language::code).collect();
    let parameter = template.split("\n  Language:\n").nth(1).unwrap();
    let allowed = parameter.split("AllowedValues: [").nth(1).unwrap().split(']').next().unwrap();
    assert_eq!(allowed.split(", ").collect::<Vec<_>>(), codes);
    let setting = SETTINGS.iter().find(|setting| setting.variable == "LANGUAGE").unwrap();
    for code in codes {
        assert!(setting.expected.contains(&format!("`{code}`")), "{}", setting.expected);
        assert!(setting.help.contains(code), "{}", setting.help);
    }
}
