//! Who receives a message: one definition for the owner tag, subscriptions, filters and the mailer. Pure.

use std::collections::BTreeMap;
use std::fmt;

/// The most characters that an address can have (RFC 5321, 4.5.3.1, without the angle brackets).
const LONGEST: usize = 254;

/// One e-mail address: ASCII, without blanks around it, its domain in lower case. Domains ignore case (RFC 4343), but
/// subscription filters do not. The part before the `@` is kept as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

impl Address {
    /// Reads `local@domain.tld`; `None`: `text` is not an address. Quoted local parts, comments and bare host names are
    /// refused, because mail tools do not agree on them.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@')?;
        let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let is_label = |label: &str| {
            let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
        };
        let dots = |part: &str| part.starts_with('.') || part.ends_with('.') || part.contains("..");
        let local_fits = (1..=64).contains(&local.len()) && local.chars().all(is_atom) && !dots(local);
        let domain_fits = domain.contains('.') && domain.split('.').all(is_label);
        (text.len() <= LONGEST && local_fits && domain_fits)
            .then(|| Address(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same mailbox in practice: case is ignored.
    pub fn is_same(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.trim())
    }
}

/// Who receives the messages about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// One address or several; each receives the messages.
    Addresses(Vec<Address>),
    /// A word without an `@`, or the user's own name. A tool of the operator has to know who that is.
    Name(String),
    /// The value holds an `@` but is not an address: nobody can be told.
    Malformed(String),
}

impl Recipient {
    /// The recipient for a user with these tags: the owner tag's value, or the user's name if the value is missing or
    /// empty. Tag keys of users ignore case (IAM user guide, "Tagging IAM resources").
    pub fn of(tags: &BTreeMap<String, String>, owner_tag: &str, user: &str) -> Self {
        match tag_value(tags, owner_tag).map(str::trim).filter(|value| !value.is_empty()) {
            Some(value) => Recipient::parse(value),
            None => match Address::parse(user) {
                Some(address) => Recipient::Addresses(vec![address]),
                // A user name may hold an `@` without being an address.
                None => Recipient::Name(user.to_owned()),
            },
        }
    }

    /// Reads the value of an owner tag. Blanks or `:;,/` separate several addresses, if every part is an address. (An
    /// address may hold a slash itself.)
    fn parse(value: &str) -> Self {
        if !value.contains('@') {
            return Recipient::Name(value.to_owned());
        }
        if let Some(address) = Address::parse(value) {
            return Recipient::Addresses(vec![address]);
        }
        for separators in [":;, ", ":;, /"] {
            let parts = value.split(|c: char| c.is_whitespace() || separators.contains(c));
            let parts: Option<Vec<Address>> =
                parts.filter(|part| !part.is_empty()).map(Address::parse).collect();
            if let Some(mut addresses) = parts.filter(|parts| !parts.is_empty()) {
                let mut known = std::collections::HashSet::new();
                addresses.retain(|address| known.insert(address.0.to_ascii_lowercase()));
                return Recipient::Addresses(addresses);
            }
        }
        Recipient::Malformed(value.to_owned())
    }

    /// Every recipient: the values of the message attribute `recipient`.
    pub fn each(&self) -> Vec<&str> {
        match self {
            Recipient::Addresses(addresses) => addresses.iter().map(Address::as_str).collect(),
            Recipient::Name(name) | Recipient::Malformed(name) => vec![name],
        }
    }
}

/// The value of the tag `mfa-warden:recipient`: only characters that Secrets Manager accepts, and no more than it accepts.
/// Any other character is written as its number in hexadecimal between two `=`.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&remembered(&self.each()))
    }
}

/// The most characters that a tag's value can have (Secrets Manager API reference, `Tag`).
const LONGEST_TAG: usize = 255;

/// Recipients as one tag's value. If they do not fit, those in the middle are left out: the first and the last recipient
/// stay.
pub fn remembered(recipients: &[&str]) -> String {
    let mut written: Vec<String> = recipients.iter().map(|recipient| escaped(recipient)).collect();
    loop {
        let text = written.join(" ");
        if text.chars().count() <= LONGEST_TAG {
            return text;
        }
        if written.len() < 2 {
            return text.chars().take(LONGEST_TAG).collect();
        }
        written.remove(written.len() / 2);
    }
}

/// The recipients in a tag's value that [`remembered`] wrote.
pub fn recalled(tag: &str) -> Vec<String> {
    tag.split(' ').filter(|word| !word.is_empty()).map(unescaped).collect()
}

fn escaped(recipient: &str) -> String {
    let mut text = String::new();
    for c in recipient.chars() {
        if c.is_alphanumeric() || "+-._:/@".contains(c) {
            text.push(c);
        } else {
            text.push_str(&format!("={:X}=", u32::from(c)));
        }
    }
    text
}

fn unescaped(word: &str) -> String {
    let mut text = String::new();
    for (at, part) in word.split('=').enumerate() {
        match char::from_u32(u32::from_str_radix(part, 16).unwrap_or(u32::MAX)) {
            Some(c) if at % 2 == 1 => text.push(c),
            _ => text.push_str(part),
        }
    }
    text
}

/// The value of a user's tag. Keys ignore case.
pub fn tag_value<'a>(tags: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    let same = |other: &str| other == key || other.to_lowercase() == key.to_lowercase();
    tags.iter().find(|(other, _)| same(other)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(tag: &str) -> Recipient {
        Recipient::of(&[("Email".to_owned(), tag.to_owned())].into(), "email", "alice")
    }

    fn addresses(each: &[&str]) -> Recipient {
        Recipient::Addresses(each.iter().map(|address| Address::parse(address).unwrap()).collect())
    }

    #[test]
    fn the_owner_tag_is_read_as_people_write_it() {
        for (tag, expected) in [
            ("ann@corp.example ", addresses(&["ann@corp.example"])),
            (" Ann@Corp.Example", addresses(&["Ann@corp.example"])),
            ("ann@corp.example:bob@corp.example", addresses(&["ann@corp.example", "bob@corp.example"])),
            ("ann@corp.example bob@corp.example", addresses(&["ann@corp.example", "bob@corp.example"])),
            ("ann@corp.example / bob@corp.example", addresses(&["ann@corp.example", "bob@corp.example"])),
            ("ann@corp.example/bob@corp.example", addresses(&["ann@corp.example", "bob@corp.example"])),
            ("ann@corp.example:ANN@corp.example", addresses(&["ann@corp.example"])),
            ("a/b=c+d@corp.example", addresses(&["a/b=c+d@corp.example"])),
            ("payments-team", Recipient::Name("payments-team".to_owned())),
            ("", Recipient::Name("alice".to_owned())),
            ("  ", Recipient::Name("alice".to_owned())),
        ] {
            assert_eq!(of(tag), expected, "{tag:?}");
        }
        for tag in [
            "ann@",
            "@corp.example",
            "ann@corp",
            "ann@@corp.example",
            "ann@corp.example:bob",
            "a b@c",
            "ann@-a.b",
            "ann@a-.b",
            ".ann@corp.example",
            "ann.@corp.example",
            "an..n@corp.example",
        ] {
            assert_eq!(of(tag), Recipient::Malformed(tag.trim().to_owned()), "{tag:?}");
        }
    }

    #[test]
    fn without_a_tag_the_users_name_is_who_is_told_whatever_it_holds() {
        let of = |name: &str| Recipient::of(&BTreeMap::new(), "email", name);
        assert_eq!(of("ann@corp.example"), addresses(&["ann@corp.example"]));
        assert_eq!(of("o+c=a,l@e.x-a_m@"), Recipient::Name("o+c=a,l@e.x-a_m@".to_owned()));
    }

    #[test]
    fn domains_have_no_case_and_what_stands_before_them_has() {
        assert_eq!(of("Ann@CORP.example").each(), ["Ann@corp.example"]);
    }

    #[test]
    fn what_does_not_fit_the_tag_is_left_out_from_the_middle() {
        let many: Vec<String> = (0..20).map(|n| format!("owner-number-{n}@corp.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let kept = recalled(&remembered(&many));
        assert!(kept.len() > 3);
        assert_eq!((kept.first().unwrap().as_str(), kept.last().unwrap().as_str()), (many[0], many[19]));
        // Each comma takes four characters.
        let too_long = ",".repeat(100);
        assert_eq!(remembered(&["ann", &too_long]), "ann");
        assert_eq!(remembered(&[&too_long]).chars().count(), LONGEST_TAG);
    }

    #[test]
    fn the_lengths_of_an_address_are_those_of_rfc_5321() {
        let local = |length| Address::parse(&format!("{}@corp.example", "a".repeat(length))).is_some();
        assert!(local(1) && local(64) && !local(65));
        let label = |length| Address::parse(&format!("ann@{}.example", "a".repeat(length))).is_some();
        assert!(label(1) && label(63) && !label(64) && !label(0));
        let labels = format!("{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        let whole = |local: usize| Address::parse(&format!("{}@{labels}", "a".repeat(local))).is_some();
        assert!(whole(LONGEST - 1 - labels.len()) && !whole(LONGEST - labels.len()));
    }

    proptest! {
        #[test]
        fn a_recipient_is_remembered_in_the_letters_of_a_tag(name in "[\\w+=,.@-]{1,64}") {
            let tag = remembered(&[&name]);
            prop_assert!(tag.chars().all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c)), "{tag}");
            if tag.chars().count() < LONGEST_TAG {
                prop_assert_eq!(recalled(&tag), [name]);
            }
        }
    }
}
