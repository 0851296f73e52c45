//! Text from outside, made safe to show in a message, an answer, a table, a file or on a terminal: tags, names,
//! descriptions, policy names, errors and ARNs. Others may have chosen it. Pure.

use jiff::Timestamp;

/// A time as this project writes it: RFC 3339, UTC, whole seconds, `Z`.
pub fn rfc3339(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// The most characters that are shown of a name or a tag's value: the longest tag value that IAM allows.
pub const LONGEST: usize = 256;

/// The most characters that are shown of what AWS said.
pub const LONGEST_ERROR: usize = 600;

/// Shown instead of an `@` that begins a mention. ASCII, so that its bytes are its characters.
const AT: &str = "(at)";

/// A name or a tag's value, safe to show: one line of limited length, without links, mentions, markup or invisible
/// characters. The words stay the same.
pub fn shown(words: &str) -> String {
    shown_within(words, LONGEST)
}

/// [`shown`] with another length, counted in shown characters: `(at)` is four. If the text is cut, `…` is added.
pub fn shown_within(words: &str, longest: usize) -> String {
    let mut text = String::new();
    // The last character shown. A mention begins where no word goes on; a link has a colon and two slashes.
    let mut before = ' ';
    let mut left = longest;
    let mut rest = words.chars().peekable();
    while let Some(c) = rest.next() {
        let is_mention = c == '@' && begins_mention(before);
        let length = if is_mention { AT.len() } else { 1 };
        if left < length {
            text.push('…');
            break;
        }
        left -= length;
        let alone = !goes_on(before) && rest.peek().is_none_or(|next| !goes_on(*next));
        let c = match c {
            _ if c.is_whitespace() => ' ',
            _ if is_mention => {
                text.push_str(AT);
                before = '@';
                continue;
            }
            // `a:/` followed by another slash would be a link.
            '/' if text.ends_with(":/") => ' ',
            '[' => '(',
            ']' => ')',
            '*' if alone => '*',
            '`' => '\'',
            '<' | '>' | '{' | '}' | '|' | '*' | '~' | '^' | '\\' => '?',
            _ if is_invisible(c) => '?',
            c => c,
        };
        text.push(c);
        before = c;
    }
    text
}

/// mfa-warden's own text around a valid IAM name. Only the name may begin like a mention.
pub fn unmentioned(text: &str) -> String {
    let mut before = ' ';
    let mut one = |c: char| {
        let is_mention = c == '@' && begins_mention(before);
        before = c;
        if is_mention { AT.to_owned() } else { c.to_string() }
    };
    text.chars().map(&mut one).collect()
}

/// Text of several sentences for a terminal or a table. Only invisible characters are replaced: a terminal might obey them.
pub fn printable(text: &str) -> String {
    text.replace(|c: char| is_invisible(c) && c != '\u{fffd}', "\u{fffd}")
}

/// Whether an `@` that follows `before` begins a mention, and not the domain of an address.
fn begins_mention(before: char) -> bool {
    !(before.is_alphanumeric() || before == '_')
}

/// Whether the character continues a word, as in an e-mail address.
fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || "_.+-=@".contains(c)
}

/// Control and format characters: terminal escapes, bidirectional overrides, zero widths, tags (Unicode's general
/// categories Cc, Cf, Co, and its line and paragraph separators), and the replacement character for invalid input.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{890}' | '\u{891}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e000}'..='\u{f8ff}'
            | '\u{e0000}'..='\u{10ffff}')
}

/// The text without the part before the `@` of each e-mail address: more people read logs than messages.
pub fn without_addresses(text: &str) -> String {
    let is_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_{|}~.".contains(c);
    let mut shown = String::with_capacity(text.len());
    for (at, part) in text.split('@').enumerate() {
        if at > 0 {
            let kept = shown.trim_end_matches(is_local).len();
            shown.truncate(kept);
            shown.push_str("…@");
        }
        shown.push_str(part);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_written_in_whole_seconds_of_utc() {
        assert_eq!(rfc3339("2026-06-15T14:00:00.987+02:00".parse().unwrap()), "2026-06-15T12:00:00Z");
    }

    #[test]
    fn words_stay_words() {
        for (words, expected) in [
            ("alice", "alice"),
            ("break-glass, see TICKET-12", "break-glass, see TICKET-12"),
            ("ann@corp.example", "ann@corp.example"),
            ("o+c=a,l@e.x-a_m", "o+c=a,l@e.x-a_m"),
            ("a\r\nb\tc", "a  b c"),
            ("https://evil.example/x", "https:/ evil.example/x"),
            ("x:///y", "x:/ /y"),
            ("@channel hello @here", "(at)channel hello (at)here"),
            ("(@here)", "((at)here)"),
            ("-@here =@here .@here", "-(at)here =(at)here .(at)here"),
            ("<https://a|b> [click](x) `rm` *now* ~no~", "?https:/ a?b? (click)(x) 'rm' ?now? ?no?"),
            ("on resource: *", "on resource: *"),
            ("\u{1b}[31mred", "?(31mred"),
            ("a\u{202e}b\u{200b}c\u{feff}", "a?b?c?"),
            ("mot de passe oublié, 日本", "mot de passe oublié, 日本"),
        ] {
            assert_eq!(shown(words), expected, "{words:?}");
        }
    }

    #[test]
    fn what_is_long_is_cut_where_it_shows() {
        let text = shown(&"a".repeat(5000));
        assert_eq!(text.chars().count(), LONGEST + 1);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn a_name_that_begins_like_a_mention_is_none_and_is_otherwise_as_it_is() {
        for (text, expected) in [
            ("read the user `@here`", "read the user `(at)here`"),
            ("ann@corp.example", "ann@corp.example"),
            ("a_@b", "a_@b"),
            ("@@x", "(at)(at)x"),
            ("", ""),
        ] {
            assert_eq!(unmentioned(text), expected, "{text}");
        }
    }

    #[test]
    fn text_for_a_terminal_keeps_all_but_what_nobody_would_see() {
        assert_eq!(printable("a [b](c) `d` é \u{1b}[31m\u{202e}"), "a [b](c) `d` é \u{fffd}[31m\u{fffd}");
        assert_eq!(printable("was no character: \u{fffd}"), "was no character: \u{fffd}");
    }

    #[test]
    fn addresses_lose_what_stands_before_the_at_and_nothing_else() {
        for (text, expected) in [
            ("ann@corp.example", "…@corp.example"),
            ("to ann+x@corp.example and <o'hara@x.example>.", "to …@corp.example and <…@x.example>."),
            ("a@b@c", "…@…@c"),
            ("@here", "…@here"),
            ("no address: x.y+z", "no address: x.y+z"),
            ("", ""),
        ] {
            assert_eq!(without_addresses(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_is_a_link_a_mention_a_line_or_a_markup(words in any::<String>()) {
            let text = shown(&words);
            prop_assert!(!text.contains("://"), "{text:?}");
            prop_assert!(!text.contains(['<', '>', '`', '[', ']', '|', '\n', '\r', '\u{1b}']), "{text:?}");
            prop_assert!(!text.contains(char::is_control));
            prop_assert!(!text.split(' ').any(|word| word.starts_with('@')), "{text:?}");
            let again = shown(&text);
            prop_assert_eq!(again.trim_end_matches('…'), text.trim_end_matches('…'));
        }

        #[test]
        fn what_is_shown_is_no_longer_than_asked_for(words in "(@|a| |\\PC){0,60}", longest in 0..40_usize) {
            let text = shown_within(&words, longest);
            prop_assert!(text.trim_end_matches('…').chars().count() <= longest, "{text:?}");
            prop_assert!(text.chars().count() <= longest + 1, "{text:?}");
        }
    }
}
