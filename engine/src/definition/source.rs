//! The text of a workflow file: its value, and the place of everything in it.

use std::borrow::Cow;
use std::collections::HashMap;

use indexmap::IndexMap;
use indexmap::map::Entry;
use saphyr::{Marker, Scalar, ScalarStyle, ScanError, Tag};
use saphyr_parser::{Event, Parser, Span};
use serde_json::{Number, Value};

use super::lines::{Lines, Place};
use super::parse::{DEEPEST, LONGEST_TEXT, join, nests_too_deep};
use super::{Definition, Parsed, Problem};

/// A workflow file that could be read as YAML or JSON.
pub struct Source<'t> {
    lines: Lines<'t>,
    root: Node,
}

/// A value and where it stands.
#[derive(Clone)]
struct Node {
    start: Place,
    end: Place,
    /// How much it is: its texts' bytes and one for each value.
    size: usize,
    /// How many lists and maps are within each other.
    depth: usize,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// With the quote that it stands in.
    Scalar(Value, Option<char>),
    List(Vec<Node>),
    /// Each with the place of its name.
    Map(IndexMap<String, (Place, Node)>),
}

impl<'t> Source<'t> {
    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// What keeps it from being a single value, such as a field that is given twice; each with its line and column.
    pub fn read(text: &'t str) -> Result<Self, Vec<Problem>> {
        if text.len() > LONGEST_TEXT {
            let message = format!("The definition is longer than {LONGEST_TEXT} bytes; split the workflow");
            return Err(vec![Problem::new("", message)]);
        }
        let lines = Lines::of(text);
        let mut loader = Loader::default();
        // Event by event: the parser's own `load` takes more stack the deeper the text is.
        for event in Parser::new_from_str(lines.text()) {
            let read =
                event.map_err(|error| syntax(&error)).and_then(|(event, span)| loader.take(event, span));
            if let Err(problem) = read {
                loader.problems.push(problem);
                break;
            }
        }
        if !loader.problems.is_empty() {
            return Err(loader.problems);
        }
        Ok(Self { lines, root: loader.documents.pop().unwrap_or_else(|| Node::null(Place::START)) })
    }

    /// The file's value.
    pub(super) fn value(&self) -> Value {
        self.root.value()
    }

    /// Reads the definition that the file holds.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its form, each problem with its line and column.
    pub fn parse(&self) -> Result<Parsed, Vec<Problem>> {
        Definition::from_value(&self.value()).map_err(|mut problems| {
            self.locate(&mut problems);
            problems
        })
    }

    /// Tells problems their lines and columns: those of the field, or of the map in which it is missing; of the
    /// part of a text that is wrong.
    pub fn locate(&self, problems: &mut [Problem]) {
        for problem in problems.iter_mut().filter(|problem| problem.line.is_none()) {
            let place = self.place(&problem.path, problem.at);
            (problem.line, problem.column) = (Some(place.line), Some(place.column));
        }
    }

    fn place(&self, path: &str, at: Option<usize>) -> Place {
        let (mut node, mut place, mut rest) = (&self.root, self.root.start, path);
        while !rest.is_empty() {
            let Some((name, at, child)) = node.child(rest) else { return place };
            (node, place) = (child, at);
            rest = &rest[name.len()..];
            rest = rest.strip_prefix('.').unwrap_or(rest);
        }
        at.and_then(|at| self.within(node, at)).unwrap_or(place)
    }

    /// The place of a character of a text. Spaces and line breaks are where a text may differ from what it is in the
    /// file, so the other characters are counted.
    fn within(&self, node: &Node, at: usize) -> Option<Place> {
        let Kind::Scalar(Value::String(text), quote) = &node.kind else { return None };
        let mut left = text.chars().take(at).filter(|next| !next.is_whitespace()).count();
        let (start, end) = (self.lines.offset(node.start), self.lines.offset(node.end));
        let mut characters = self.lines.text().get(start..end)?.char_indices();
        if quote.is_some() {
            characters.next();
        }
        while let Some((index, mut character)) = characters.next() {
            if *quote == Some('\'') && character == '\'' {
                characters.next();
            } else if *quote == Some('"') && character == '\\' {
                character = escaped(&mut characters);
            }
            if character.is_whitespace() {
                continue;
            }
            if left == 0 {
                return Some(self.lines.place(start + index));
            }
            left -= 1;
        }
        None
    }
}

/// Passes an escape sequence behind its backslash. What it gives is a space, or some other character.
fn escaped(characters: &mut std::str::CharIndices<'_>) -> char {
    let kind = characters.next().map_or('\\', |(_, kind)| kind);
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    for _ in 0..digits {
        characters.next();
    }
    if matches!(kind, 'n' | 't' | 'r' | 'v' | 'f' | 'N' | 'L' | 'P' | '_') { ' ' } else { kind }
}

impl Node {
    fn null(at: Place) -> Self {
        Self { start: at, end: at, size: 1, depth: 0, kind: Kind::Scalar(Value::Null, None) }
    }

    fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value, _) => value.clone(),
            Kind::List(items) => items.iter().map(Self::value).collect(),
            Kind::Map(fields) => {
                fields.iter().map(|(name, (_, node))| (name.clone(), node.value())).collect()
            }
        }
    }

    /// The child that a path begins with, its name or index, and its place.
    fn child<'n>(&'n self, path: &'n str) -> Option<(&'n str, Place, &'n Self)> {
        match &self.kind {
            Kind::Scalar(..) => None,
            Kind::List(items) => {
                let index = path.split('.').next().unwrap_or(path);
                let item = items.get(index.parse::<usize>().ok()?)?;
                Some((index, item.start, item))
            }
            // A name may have dots itself.
            Kind::Map(fields) => fields
                .iter()
                .filter(|(name, _)| {
                    path.strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                })
                .max_by_key(|(name, _)| name.len())
                .map(|(name, (place, node))| (name.as_str(), *place, node)),
        }
    }
}

/// Builds the value of what the parser finds.
#[derive(Default)]
struct Loader {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// How much aliases have repeated.
    repeated: usize,
    documents: Vec<Node>,
    problems: Vec<Problem>,
}

/// A list or map whose end has not come yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The name that waits for its value.
    name: Option<(String, Place)>,
}

impl Loader {
    /// Takes what the parser has found next. What nests too deep ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let (start, end) = (place(&span.start), place(&span.end));
        match event {
            Event::SequenceStart(anchor, tag) => {
                self.open(Kind::List(Vec::new()), anchor, tag.as_deref(), start);
            }
            Event::MappingStart(anchor, tag) => {
                self.open(Kind::Map(IndexMap::new()), anchor, tag.as_deref(), start);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, anchor, .. }) = self.open.pop() {
                    node.end = end;
                    self.add(node, anchor);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let quote = match style {
                    ScalarStyle::SingleQuoted => Some('\''),
                    ScalarStyle::DoubleQuoted => Some('"'),
                    _ => None,
                };
                let value = scalar(text, style, tag.as_ref()).unwrap_or_else(|message| {
                    self.problem(message, start);
                    Value::Null
                });
                let size = 1 + value.as_str().map_or(0, str::len);
                self.add(Node { start, end, size, depth: 0, kind: Kind::Scalar(value, quote) }, anchor);
            }
            Event::Alias(anchor) => self.repeat(anchor, start, end),
            Event::DocumentStart(_) if !self.documents.is_empty() => {
                self.problem("A file holds one workflow; put the other into a file of its own", start);
            }
            _ => {}
        }
        if self.open.len() > DEEPEST { Err(self.told("", nests_too_deep(), start)) } else { Ok(()) }
    }

    fn open(&mut self, kind: Kind, anchor: usize, tag: Option<&Tag>, at: Place) {
        let own = if matches!(kind, Kind::List(_)) { "seq" } else { "map" };
        if tag.is_some_and(|tag| !tag.is_yaml_core_schema() || tag.suffix != own) {
            self.problem(TAGGED, at);
        }
        self.open.push(Open { node: Node { depth: 1, kind, ..Node::null(at) }, anchor, name: None });
    }

    /// Takes a value that is complete.
    fn add(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(Open { node: parent, name, .. }) = self.open.last_mut() else {
            self.documents.push(node);
            return;
        };
        match (&mut parent.kind, name.take()) {
            (Kind::Map(_), None) => {
                let at = node.start;
                *name = Some((String::new(), at));
                match node.kind {
                    Kind::Scalar(Value::String(text), _) => *name = Some((text, at)),
                    Kind::Scalar(value, _) => *name = Some((value.to_string(), at)),
                    Kind::List(_) | Kind::Map(_) => {
                        self.problem("The name of a field is a text; write one before the `:`", at);
                    }
                }
            }
            (Kind::Map(fields), Some((name, at))) => {
                parent.size += name.len() + node.size;
                parent.depth = parent.depth.max(1 + node.depth);
                match fields.entry(name) {
                    Entry::Vacant(field) => {
                        field.insert((at, node));
                    }
                    Entry::Occupied(field) => {
                        let line = field.get().0.line;
                        let message =
                            format!("`{}` stands on line {line} already; remove one of the two", field.key());
                        let name = field.key().clone();
                        self.problem_at(&name, message, at);
                    }
                }
            }
            (Kind::List(items), _) => {
                parent.size += node.size;
                parent.depth = parent.depth.max(1 + node.depth);
                items.push(node);
            }
            (Kind::Scalar(..), _) => unreachable!("only lists and maps are open"),
        }
    }

    /// Repeats what an anchor names, within bounds: a few lines of aliases can stand for more than any memory.
    fn repeat(&mut self, anchor: usize, start: Place, end: Place) {
        let Some(node) = self.anchors.get(&anchor) else {
            self.problem("This alias stands within what it repeats; write the value itself", start);
            return self.add(Node::null(start), 0);
        };
        self.repeated = self.repeated.saturating_add(node.size);
        if self.repeated > LONGEST_TEXT {
            if self.problems.is_empty() {
                let message =
                    format!("The aliases repeat more than {LONGEST_TEXT} bytes; split the workflow");
                self.problem(message, start);
            }
            return self.add(Node::null(start), 0);
        }
        if self.open.len() + node.depth > DEEPEST {
            if self.problems.is_empty() {
                self.problem(nests_too_deep(), start);
            }
            return self.add(Node::null(start), 0);
        }
        let node = Node { start, end, ..node.clone() };
        self.add(node, 0);
    }

    fn problem(&mut self, message: impl Into<String>, at: Place) {
        self.problem_at("", message, at);
    }

    /// A problem of a field of what is open.
    fn problem_at(&mut self, field: &str, message: impl Into<String>, at: Place) {
        let problem = self.told(field, message, at);
        self.problems.push(problem);
    }

    fn told(&self, field: &str, message: impl Into<String>, at: Place) -> Problem {
        let path = self.open.iter().fold(String::new(), |path, open| match (&open.node.kind, &open.name) {
            (Kind::List(items), _) => join(&path, &items.len().to_string()),
            (_, Some((name, _))) => join(&path, name),
            _ => path,
        });
        let (line, column) = (Some(at.line), Some(at.column));
        Problem { line, column, ..Problem::new(join(&path, field), message) }
    }
}

const TAGGED: &str = "A workflow has no tags such as `!name`; remove it";

/// The value of a text that stands outside of quotes or within.
fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Cow<'_, Tag>>) -> Result<Value, &'static str> {
    if tag.is_some_and(|tag| !tag.is_yaml_core_schema()) {
        return Err(TAGGED);
    }
    if style != ScalarStyle::Plain && tag.is_some_and(|tag| tag.suffix != "str") {
        return Err("A text in quotes has no other type; remove the tag, or the quotes");
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if style == ScalarStyle::Plain && tag.is_none() && is_whole && text.parse::<i64>().is_err() {
        // Whole numbers beyond those with a sign; others would be rounded.
        return text.parse::<u64>().map(Value::from).map_err(
            |_| "This whole number is too large to be kept as it is; write it as a text, in quotes",
        );
    }
    match Scalar::parse_from_cow_and_metadata(text, style, tag) {
        Some(Scalar::Null) => Ok(Value::Null),
        Some(Scalar::Boolean(value)) => Ok(value.into()),
        Some(Scalar::Integer(value)) => Ok(value.into()),
        Some(Scalar::FloatingPoint(value)) => Number::from_f64(value.0)
            .map(Value::Number)
            .ok_or("JSON has no such number; write a finite one, or a text in quotes"),
        Some(Scalar::String(text)) => Ok(text.into()),
        None => Err("The value does not fit its tag; remove the tag"),
    }
}

fn place(mark: &Marker) -> Place {
    Place { line: mark.line(), column: mark.col() + 1 }
}

fn syntax(error: &ScanError) -> Problem {
    let Place { line, column } = place(error.marker());
    let message = match error.info() {
        "recursion limit exceeded" => nests_too_deep(),
        info => format!("The file cannot be read as YAML or JSON: {info}; correct it"),
    };
    Problem { line: Some(line), column: Some(column), ..Problem::new("", message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file and says where paths are.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, Option<usize>, usize, usize)]) {
        let source = Source::read(text).unwrap_or_else(|problems| panic!("{problems:?}"));
        for &(path, at, line, column) in expected {
            assert_eq!(source.place(path, at), Place { line, column }, "{path} {at:?} in {text}");
        }
    }

    #[test]
    fn fields_and_items_have_places() {
        check(
            "a: 1\nb:\n  c.d: [x, 'y']\n  e: { f: 2 }\n",
            &[
                ("", None, 1, 1),
                ("a", None, 1, 1),
                ("b.c.d", None, 3, 3),
                ("b.c.d.1", None, 3, 12),
                ("b.e.f", None, 4, 8),
                ("b.e.missing.deeper", None, 4, 3),
                ("b.c.d.7", None, 3, 3),
            ],
        );
        check("\u{feff}{\"a\": {\r\n \"ä\": 1, \"b\": 2}}", &[("a.b", None, 2, 10)]);
        check("a: &x { b: 1 }\nc: *x\n", &[("c", None, 2, 1), ("c.b", None, 1, 9)]);
    }

    #[test]
    fn characters_of_a_text_have_places_however_it_is_written() {
        check("a: Hi {{ b }}", &[("a", Some(3), 1, 7), ("a", Some(6), 1, 10), ("a", Some(99), 1, 1)]);
        check("a: 'it''s {{ b }}'", &[("a", Some(5), 1, 11)]);
        check("a: \"\\u00e4\\n\\\"x\\\" {{ b }}\"", &[("a", Some(6), 1, 19)]);
        check("a: |\n  one\n  two {{ b }}\n", &[("a", Some(8), 3, 7)]);
        check(
            "a: >-\n  one\n  two {{ b }}\n\n  three {{ c }}\n",
            &[("a", Some(8), 3, 7), ("a", Some(22), 5, 9)],
        );
        check("a: one\n  two {{ b }}\n", &[("a", Some(8), 2, 7)]);
    }

    #[test]
    fn every_field_that_is_given_twice_is_told_with_its_places() {
        let text = "a: 1\nb:\n  - { c: 1, c: 2 }\n  - d: 1\n    \"d\": 2\na: 2\n";
        let problems = Source::read(text).err().unwrap();
        let found: Vec<_> = problems.iter().map(|one| (one.path.as_str(), one.line, one.column)).collect();
        assert_eq!(
            found,
            [("b.0.c", Some(3), Some(13)), ("b.1.d", Some(5), Some(5)), ("a", Some(6), Some(1))]
        );
        assert_eq!(problems[2].message, "`a` stands on line 1 already; remove one of the two");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for (text, path, line, words) in [
            ("a: 1\nb: [2, .inf]\n", "b.1", 2, "finite"),
            ("a: !x 1\n", "a", 1, "no tags"),
            ("a: 1\n---\nb: 1\n", "", 2, "one workflow"),
            ("a: 1\n? [b]\n: c\n", "", 2, "is a text"),
            ("a: &x [*x]\n", "a.0", 1, "within what it repeats"),
            ("a: [\n", "", 2, "cannot be read"),
        ] {
            let problems = Source::read(text).err().unwrap();
            let problem = &problems[0];
            assert!(
                problem.path == path && problem.line == Some(line) && problem.message.contains(words),
                "{text}: {problems:?}"
            );
        }
    }

    #[test]
    fn scalars_are_what_json_has() {
        let text =
            "[~, true, 12, 18446744073709551615, -3, 0x10, 1.5, 1e3, yes, '12', \"a\\tb\", 2020-01-01]";
        let expected =
            r#"[null,true,12,18446744073709551615,-3,16,1.5,1000.0,"yes","12","a\tb","2020-01-01"]"#;
        assert_eq!(Source::read(text).ok().unwrap().root.value().to_string(), expected);
    }
}
