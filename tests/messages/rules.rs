//! The decision table in words is the decision table.

use mfa_warden::messages::rules::{applies, follows};
use mfa_warden::model::rule::Rule;

#[test]
fn the_crates_documentation_has_every_row_in_order_and_no_other() {
    let front_page = include_str!("../../src/lib.rs");
    let rows: Vec<&str> = front_page.lines().filter(|line| line.starts_with("//! | `")).collect();
    let table: Vec<String> = Rule::ALL
        .into_iter()
        .map(|rule| format!("//! | `{}` | {} | {} |", rule.name(), applies(rule), follows(rule)))
        .collect();
    let found: Vec<&str> = rows
        .into_iter()
        .filter(|row| Rule::ALL.iter().any(|rule| row.starts_with(&format!("//! | `{rule}` |"))))
        .collect();
    assert_eq!(found.join("\n"), table.join("\n"));
}
