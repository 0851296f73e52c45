//! The languages of messages to owners.

include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// A language of messages to owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(&'static str);

impl Language {
    /// English: the language where no other is asked for.
    pub const ENGLISH: Language = Language("en");

    /// Every language that there are messages in.
    pub fn all() -> impl Iterator<Item = Language> {
        LANGUAGES.iter().map(|code| Language(code))
    }

    /// Reads a language tag (BCP 47), in any case: `de`, `de-AT`, `DE_de`, or the first of several (`de:en`). Only the language counts. `None`: there are no
    /// messages in it.
    pub fn read(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_', ':']).next()?;
        Language::all().find(|known| known.0.eq_ignore_ascii_case(language))
    }

    /// Its code (ISO 639-1), such as `de`.
    pub fn code(self) -> &'static str {
        self.0
    }
}
