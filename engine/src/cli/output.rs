//! Tables and JSON on stdout.

use std::io::Write as _;

use serde_json::Value;

use super::Print;

/// Prints a value as JSON.
pub(super) fn json(value: &Value) {
    line(&format!("{value:#}"));
}

/// Prints what a server has answered: as JSON, or in words.
pub(super) fn answer(print: Print, value: &Value, words: &str) {
    if print.json {
        json(value);
    } else {
        line(words);
    }
}

/// Prints a line. A reader that has gone away, such as `head`, is no error.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a text as it is.
pub(super) fn text(text: &str) {
    let _ = write!(std::io::stdout(), "{text}");
}

/// Prints rows below their headings.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) {
    line(&format_table(headings, rows));
}

fn format_table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let format = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![format(headings.to_vec())];
    lines.extend(rows.iter().map(|row| format(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// A field of a JSON value as a cell: text as it is, nothing for null.
pub(super) fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The items of a listing.
pub(super) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The number of a version that was just enabled, and where its trigger receives requests, if it does.
pub(super) fn enabled(version: &Value) -> String {
    let (number, url) = (cell(version, "/number"), cell(version, "/trigger_callback_url"));
    if url.is_empty() { number } else { format!("{number}; its trigger receives requests at\n  {url}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "long cell".to_owned()], vec!["longer".to_owned(), String::new()]];
        assert_eq!(format_table(&["ID", "TEXT"], &rows), "ID      TEXT\na       long cell\nlonger");
    }
}
