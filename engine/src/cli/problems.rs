//! What is wrong with a file, each problem with its line.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::definition::{Lines, Place, Problem};

/// Describes the problems of a file.
pub(super) fn describe(file: &str, text: &str, problems: &[Problem]) -> String {
    let lines = Lines::of(text);
    let count = problems.len();
    let heading = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
    let shown: Vec<_> =
        problems.iter().map(|problem| format!("\n{}", show(Level::ERROR, file, &lines, problem))).collect();
    format!("{file} has {heading}\n{}", shown.join("\n"))
}

/// Shows what is not known of a file.
pub(super) fn show_notes(file: &str, text: &str, notes: &[Problem]) -> String {
    let lines = Lines::of(text);
    let shown: Vec<_> = notes.iter().map(|note| show(Level::NOTE, file, &lines, note)).collect();
    shown.join("\n\n")
}

fn show(level: Level<'_>, file: &str, lines: &Lines<'_>, problem: &Problem) -> String {
    let Some(place) = problem.line.zip(problem.column).map(|(line, column)| Place { line, column }) else {
        let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
        return format!("error: {path}{}", problem.message);
    };
    let line = lines.line(place.line);
    let start =
        lines.offset(place).saturating_sub(lines.offset(Place { column: 1, ..place })).min(line.len());
    let mark = AnnotationKind::Primary.span(start..start + word(&line[start..]));
    let mark = if problem.path.is_empty() { mark } else { mark.label(&problem.path) };
    let snippet = Snippet::source(line).path(file).line_start(place.line).annotation(mark);
    Renderer::plain().render(&[level.primary_title(&problem.message).element(snippet)])
}

/// How long the word at the start is, in bytes.
fn word(text: &str) -> usize {
    let end = text.find(|next: char| !next.is_alphanumeric() && !matches!(next, '_' | '-' | '.' | '/'));
    match end {
        None => text.len(),
        Some(0) => text.chars().next().map_or(0, char::len_utf8),
        Some(end) => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_at_its_line() {
        let text = "title: Flow\nsteps:\n  ask: { config: { url: 'x {{ a.b }}' } }\n";
        let path = "steps.ask.config.url";
        let located = Problem { line: Some(3), column: Some(31), ..Problem::new(path, "There is no `a`") };
        let unplaced = Problem::new("", "The file cannot be read");
        let expected = "\
flow.yaml has 2 problems

error: There is no `a`
 --> flow.yaml:3:31
  |
3 |   ask: { config: { url: 'x {{ a.b }}' } }
  |                               ^^^ steps.ask.config.url

error: The file cannot be read";
        assert_eq!(describe("flow.yaml", text, &[located, unplaced]), expected);
    }

    #[test]
    fn a_mark_is_a_word_or_a_sign() {
        assert_eq!(["url: x", "'x'", "core/log }", "", "ä"].map(word), [3, 1, 8, 0, 2]);
    }
}
