//! Words of others: what somebody may write where this function reads, and what is never shown of it.

/// Mentions, links, markup, terminal escapes, other directions, lines, and the beginning of a formula.
pub const HOSTILE: &str = "=@here \u{1b}[2J<b>evil</b> https://evil.example/x [click](y) `rm` \u{202e}\u{200b}\u{feff}|evil\r\nevil";

/// The same without what XML cannot hold, or what moto writes into XML as it is.
pub const HOSTILE_IN_XML: &str =
    "=@here evil https://evil.example/x [click](y) `rm` \u{202e}\u{200b}\u{feff}|evil \u{2028}evil";

/// Whether a text for people holds nothing that is a link, a mention, a markup or an order to a terminal.
#[track_caller]
pub fn assert_harmless(window: &str, text: &str) {
    assert!(!text.contains("://evil") && !text.contains("evil.example/x)"), "{window}: a link: {text}");
    assert!(
        !text.split([' ', '(', '"', '\n']).any(|word| word.starts_with("@here")),
        "{window}: a mention: {text}"
    );
    for markup in ["<b>", "[click]", "`rm`", "|evil"] {
        assert!(!text.contains(markup), "{window}: markup: {text}");
    }
    let obeyed = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}\u{feff}\u{2028}".contains(c);
    assert!(!text.contains(obeyed), "{window}: {text:?}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("evil")), "{window}: a line: {text}");
}
