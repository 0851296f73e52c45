//! The messages to owners, rendered: a text in each language (`templates/<language>/<message>.txt`), whose first line is
//! the subject. The compiler checks the templates.

use crate::messages::context::{DeviceKind, Enrolled, Offer, Unit, Withdrawn, WithdrawnReason};
use crate::messages::enroll::Said;
use crate::model::language::Language;

/// The most characters of a subject (SNS API reference, `Publish`).
const LONGEST_SUBJECT: usize = 99;

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// A message and its context.
pub(super) enum Template {
    Invitation(Offer),
    Reminder(Offer),
    Quarantined(Offer),
    Enrolled(Enrolled),
    Withdrawn(Withdrawn),
}

impl Template {
    /// The subject and the text.
    pub(super) fn render(&self, language: Language) -> (String, String) {
        let rendered = match self {
            Template::Invitation(context) => invitation(language.code(), context),
            Template::Reminder(context) => reminder(language.code(), context),
            Template::Quarantined(context) => quarantined(language.code(), context),
            Template::Enrolled(context) => enrolled(language.code(), context),
            Template::Withdrawn(context) => withdrawn(language.code(), context),
        };
        // A template fails only if writing into a string does.
        let rendered = rendered.unwrap_or_default();
        let (subject, text) = rendered.split_once('\n').unwrap_or_default();
        // A name made safe to show may be longer than IAM allows.
        let subject = subject.trim_start_matches("Subject: ").chars().take(LONGEST_SUBJECT).collect();
        (subject, format!("{}\n", text.trim()))
    }
}
