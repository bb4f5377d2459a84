//! Text with expressions in it.

use std::collections::{BTreeMap, HashSet};
use std::io;

use minijinja::value::ValueKind;
use minijinja::{ErrorKind, Expression};
use serde_json::Value;

use super::variables::Scope;
use super::words::{copes_with_missing, path, position, stranger, words};
use super::{LENIENT, LONGEST_CONFIG, MOST_WORDS, STRICT, too_long};

/// How much of an expression is shown that has too many words, in characters.
const SHOWN: usize = 40;

/// A string of a config.
pub(super) enum Text {
    /// Without expressions.
    Plain(String),
    /// One expression alone, which keeps its type.
    Value(Part),
    /// Expressions among text.
    Mixed(Vec<Segment>),
}

pub(super) enum Segment {
    Text(String),
    Expression(Part),
}

/// A compiled expression.
pub(super) struct Part {
    source: String,
    /// How many characters of the field come before it.
    at: usize,
    kind: Kind,
}

enum Kind {
    /// A path of these names and nothing else. It is compiled again where it leads nowhere: a compiled expression takes
    /// over 10 KB, and most are paths.
    Path(Vec<String>),
    Other(Expression<'static, 'static>),
}

/// Why a string cannot be compiled.
pub(super) struct Unreadable {
    pub(super) message: String,
    /// How many characters come before what is wrong.
    pub(super) at: usize,
}

/// How a string reads a variable.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// Whether it says what to do where the variable is missing.
    pub(super) optional: bool,
    /// How many characters come before it.
    pub(super) at: usize,
}

impl Text {
    /// Compiles a string.
    pub(super) fn compile(text: &str) -> Result<Self, Unreadable> {
        let unreadable =
            |message, rest: &str| Unreadable { message, at: text[..text.len() - rest.len()].chars().count() };
        if let Some((_, after)) = text.split_once("{%") {
            let message =
                "Statements (`{% … %}`) are not supported; use an expression, such as `{{ a if b else c }}`";
            return Err(Unreadable { at: unreadable(String::new(), after).at - 2, message: message.into() });
        }
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (source, after) = split_expression(after).ok_or_else(|| {
                let message = format!("The expression `{{{{{after}` is not closed; end it with `}}}}`");
                unreadable(message, &rest[before.len()..])
            })?;
            if !before.is_empty() {
                segments.push(Segment::Text(before.to_owned()));
            }
            segments.push(Segment::Expression(Part::compile(source, text)?));
            rest = after;
        }
        if segments.is_empty() {
            return Ok(Self::Plain(text.to_owned()));
        }
        if !rest.is_empty() {
            segments.push(Segment::Text(rest.to_owned()));
        }
        match <[Segment; 1]>::try_from(segments) {
            Ok([Segment::Expression(part)]) => Ok(Self::Value(part)),
            Ok([text]) => Ok(Self::Mixed(vec![text])),
            Err(segments) => Ok(Self::Mixed(segments)),
        }
    }

    fn parts(&self) -> Vec<&Part> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Value(part) => vec![part],
            Self::Mixed(segments) => segments
                .iter()
                .filter_map(|segment| match segment {
                    Segment::Text(_) => None,
                    Segment::Expression(part) => Some(part),
                })
                .collect(),
        }
    }

    /// The variables that it reads. Of several readings the first is told that needs the variable.
    pub(super) fn variables(&self) -> BTreeMap<String, Reading> {
        let mut variables: BTreeMap<String, Reading> = BTreeMap::new();
        for part in self.parts() {
            let optional = copes_with_missing(&part.source);
            for name in part.kind.variables() {
                let at = part.at + position(&part.source, &name);
                let reading = Reading { optional, at };
                let known = variables.entry(name).or_insert(reading);
                if known.optional && !optional {
                    *known = reading;
                }
            }
        }
        variables
    }

    /// Its expressions that are paths and nothing else, and how many characters come before each.
    pub(super) fn paths(&self) -> Vec<(Vec<String>, usize)> {
        self.parts().into_iter().filter_map(|part| Some((path(&part.source)?, part.at))).collect()
    }

    /// Whether it is one expression alone.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// What it stands for.
    pub(super) fn resolve(&self, scope: &Scope<'_>) -> Result<Value, String> {
        match self {
            Self::Plain(text) => Ok(Value::String(text.clone())),
            Self::Value(part) => {
                if let Some(value) = part.at_path(scope) {
                    return Ok(value.clone());
                }
                let json = part.json(&part.eval(scope)?)?;
                serde_json::from_slice(&json).map_err(|error| part.no_json(&error))
            }
            Self::Mixed(segments) => {
                let mut text = String::new();
                for segment in segments {
                    match segment {
                        Segment::Text(plain) => text.push_str(plain),
                        Segment::Expression(part) => text.push_str(&part.text(scope)?),
                    }
                    if text.len() > LONGEST_CONFIG {
                        return Err(too_long());
                    }
                }
                Ok(Value::String(text))
            }
        }
    }
}

impl Kind {
    /// The variables that it reads.
    fn variables(&self) -> HashSet<String> {
        match self {
            Self::Path(names) => names.first().cloned().into_iter().collect(),
            Self::Other(expression) => expression.undeclared_variables(false),
        }
    }
}

impl Part {
    /// Compiles an expression of a field; problems say at which character of the field they are.
    fn compile(source: &str, field: &str) -> Result<Self, Unreadable> {
        let source = source.trim();
        // The source is a part of the field.
        let start = source.as_ptr().addr() - field.as_ptr().addr();
        let before = |offset: usize| field.get(..start + offset).unwrap_or(field).chars().count();
        let at = before(0);
        let unreadable = |message: String| Unreadable { message, at };
        if source.is_empty() {
            let message = "The expression is empty; write a variable between `{{` and `}}`";
            return Err(unreadable(message.into()));
        }
        if words(source).iter().filter(|word| !word.is_text()).count() > MOST_WORDS {
            return Err(unreadable(format!(
                "The expression `{}…` has more than {MOST_WORDS} words and signs; do part of it in a step of its own",
                source.chars().take(SHOWN).collect::<String>()
            )));
        }
        let placed = |message: String, offset: usize| {
            let at = before(offset);
            Unreadable { message: format!("{message} (at character {} of the field)", at + 1), at }
        };
        if let Some((offset, message)) = stranger(source) {
            return Err(placed(message, offset));
        }
        let expression = expression(source).map_err(|error| {
            let offset = error.range().map_or(0, |range| range.start);
            placed(format!("The expression `{source}` cannot be read: {}", describe(&error)), offset)
        })?;
        // An index may be one of a list or a name, which Jinja tells apart.
        let path = path(source).filter(|names| names.iter().all(|name| name.parse::<usize>().is_err()));
        // `true` and `none` look like names.
        let path = path.filter(|names| expression.undeclared_variables(false).contains(&names[0]));
        let kind = path.map_or(Kind::Other(expression), Kind::Path);
        Ok(Self { source: source.to_owned(), at, kind })
    }

    /// The value of an expression that is a path to something that there is. Jinja would say the same, and says what is
    /// wrong otherwise.
    fn at_path<'a>(&self, scope: &Scope<'a>) -> Option<&'a Value> {
        match &self.kind {
            Kind::Path(names) => scope.at(names),
            Kind::Other(_) => None,
        }
    }

    fn eval(&self, scope: &Scope<'_>) -> Result<minijinja::Value, String> {
        let evaluated = match &self.kind {
            Kind::Path(_) => expression(&self.source).and_then(|expression| expression.eval(scope.all())),
            Kind::Other(expression) => expression.eval(scope.all()),
        };
        let value = evaluated.map_err(|error| format!("`{}`: {}", self.source, describe(&error)))?;
        if value.is_undefined() {
            return Err(format!("`{}` is undefined", self.source));
        }
        Ok(value)
    }

    /// A value as JSON. It is bounded while it is written, since a short expression can stand for an endless list.
    fn json(&self, value: &minijinja::Value) -> Result<Vec<u8>, String> {
        let mut json = Bounded(Vec::new());
        serde_json::to_writer(&mut json, value)
            .map_err(|error| if error.is_io() { too_long() } else { self.no_json(&error) })?;
        Ok(json.0)
    }

    fn no_json(&self, error: &dyn std::error::Error) -> String {
        format!("`{}` has no JSON form: {error}", self.source)
    }

    fn text(&self, scope: &Scope<'_>) -> Result<String, String> {
        if let Some(Value::String(text)) = self.at_path(scope) {
            return Ok(text.clone());
        }
        let value = self.eval(scope)?;
        match value.kind() {
            ValueKind::None => {
                Err(format!("`{}` is null and cannot stand in a text; give it a `default`", self.source))
            }
            ValueKind::Map | ValueKind::Seq | ValueKind::Iterable => {
                String::from_utf8(self.json(&value)?).map_err(|error| self.no_json(&error))
            }
            // As in JSON, not as in Python.
            ValueKind::Bool => Ok(value.is_true().to_string()),
            _ => Ok(value.to_string()),
        }
    }
}

/// Compiles an expression with the surroundings that it asks for.
fn expression(source: &str) -> Result<Expression<'static, 'static>, minijinja::Error> {
    let environment = if copes_with_missing(source) { &LENIENT } else { &STRICT };
    environment.compile_expression_owned(source.to_owned())
}

/// JSON that is no longer than a config may be.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST_CONFIG {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The expression up to its `}}`, and what follows. Brackets and quotes within it do not end it.
fn split_expression(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut open = 0_usize;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(quoted), character) if character == quoted => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => open += 1,
            (None, '}') if open > 0 => open -= 1,
            (None, '}') if characters.peek().is_some_and(|(_, next)| *next == '}') => {
                return Some((&text[..index], &text[index + 2..]));
            }
            (Some(_) | None, _) => {}
        }
    }
    None
}

/// What went wrong, and the mend where a bound was met.
fn describe(error: &minijinja::Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => {
            "this takes more work than an expression may do; use less data, or a step of its own".to_owned()
        }
        (_, Some(detail)) if detail.contains("recursion limit") => {
            "this is nested too deep; do part of it in a step of its own".to_owned()
        }
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}
