//! Output: formats, tables, colors, and text that cannot control a terminal.

use crate::options::{FormatArgs, Global, When};
use anstream::{AutoStream, ColorChoice};
use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use jiff::SignedDuration;
use mfa_warden::model::text::printable;
use std::io::{ErrorKind, Write, stderr, stdout};

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Csv,
}

impl From<FormatArgs> for Format {
    fn from(FormatArgs { json, csv }: FormatArgs) -> Self {
        match (json, csv) {
            (true, _) => Format::Json,
            (false, true) => Format::Csv,
            (false, false) => Format::Table,
        }
    }
}

/// What standard output can show.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns; `None`: not a terminal, so lines may have any length.
    pub width: Option<u16>,
    /// Whether to color.
    pub color: bool,
}

impl Look {
    /// The look of standard output.
    pub fn new(global: &Global) -> Self {
        let color = match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => AutoStream::choice(&stdout()) != ColorChoice::Never,
        };
        Look { width: terminal_size::terminal_size_of(stdout()).map(|(width, _)| width.0), color }
    }

    /// An empty table with these column heads.
    pub fn table<const N: usize>(&self, heads: [&str; N]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(self.width.unwrap_or(u16::MAX));
        table.force_no_tty();
        if self.color {
            table.enforce_styling();
        }
        table.set_header(heads.map(|head| Cell::new(head).add_attribute(Attribute::Bold)));
        for (column, at) in table.column_iter_mut().zip(1..) {
            column.set_padding((0, if at < N { 2 } else { 0 }));
        }
        table
    }
}

/// A cell with text that came from AWS.
pub fn cell(text: &str) -> Cell {
    Cell::new(plain(text))
}

/// A table's lines, without spaces at their ends.
pub fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// `text` without control characters, which could repaint a terminal.
pub fn plain(text: &str) -> String {
    printable(text)
}

/// The same for a message of several lines.
fn plain_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Prints an error to standard error, in lines that fit it. It omits the causes: below an AWS error they are the SDK's
/// inner workings.
pub fn complain(error: &anyhow::Error) {
    let width = terminal_size::terminal_size_of(stderr()).map(|(width, _)| width.0);
    eprintln!("{}", wrapped(&plain_lines(&format!("warden: {error}")), width));
}

/// `text` with its lines broken between words.
pub fn wrapped(text: &str, width: Option<u16>) -> String {
    let width = width.map_or(usize::MAX, usize::from);
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut broken = String::new();
        for word in line.split(' ') {
            if !broken.is_empty() && broken.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut broken));
            } else if !broken.is_empty() {
                broken.push(' ');
            }
            broken.push_str(word);
        }
        lines.push(broken);
    }
    lines.join("\n")
}

/// Prints to standard output. A reader that stops early (`warden plan | head`) is no error.
///
/// # Errors
/// When it cannot be written.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Records as CSV, with `heads` as the first line.
///
/// # Errors
/// When the writer fails, which does not happen in memory.
pub fn csv<const N: usize>(
    heads: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(heads)?;
    for row in rows {
        writer.write_record(row.map(|field| inert(&field)))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// The field in a form that no spreadsheet takes for a formula.
fn inert(field: &str) -> String {
    let field = plain(field);
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field }
}

/// A duration in its two largest units.
pub fn short(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m"),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// `1 user`, `2 users`.
pub fn count(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3600, "1h 0m"), (90_000, "1d 1h"), (-5, "0s")]
        {
            assert_eq!(short(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn messages_break_between_words() {
        assert_eq!(wrapped("one two three\n\nfour", Some(7)), "one two\nthree\n\nfour");
        assert_eq!(wrapped("one two", None), "one two");
        assert_eq!(wrapped("averylongword x", Some(3)), "averylongword\nx");
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{7f}"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(plain_lines("a\nb\r"), "a\nb\u{fffd}");
    }
}
