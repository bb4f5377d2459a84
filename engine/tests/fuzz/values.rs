//! Values and texts that random bytes stand for.

use serde_json::{Number, Value};

/// How deep a value nests at most: a value that an engine keeps.
const DEEPEST: usize = 8;

/// Bytes that are taken one by one; when they have run out, zeros.
pub(crate) struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    pub(crate) fn next(&mut self) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.next() % choices.len()]
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.0.next().copied().unwrap_or_default())
    }

    /// A text of characters that parsers stumble over, and others.
    pub(crate) fn text(&mut self) -> String {
        const SPECIAL: [char; 16] = [
            'a',
            'b',
            '_',
            '\0',
            '"',
            '\\',
            '\n',
            '{',
            '}',
            '%',
            '.',
            '-',
            'ä',
            '\u{fffd}',
            '\u{1f600}',
            '1',
        ];
        (0..self.next() % 12).map(|_| self.one_of(&SPECIAL)).collect()
    }

    /// Tokens one after the other, until the bytes have run out.
    pub(crate) fn tokens(&mut self, tokens: &[&str]) -> String {
        let mut text = String::new();
        while !self.is_empty() {
            text.push_str(self.one_of(tokens));
        }
        text
    }

    pub(crate) fn value(&mut self) -> Value {
        self.value_within(DEEPEST)
    }

    fn value_within(&mut self, levels: usize) -> Value {
        match self.next() % if levels == 0 { 6 } else { 8 } {
            0 => Value::Null,
            1 => Value::Bool(self.next() % 2 == 1),
            2 => Value::Number(i64::from_le_bytes(self.array()).into()),
            3 => Value::Number(u64::from_le_bytes(self.array()).into()),
            4 => Number::from_f64(f64::from_bits(u64::from_le_bytes(self.array())))
                .map_or(Value::Null, Value::Number),
            5 => Value::String(self.text()),
            6 => (0..self.next() % 5).map(|_| self.value_within(levels - 1)).collect(),
            _ => {
                let fields = (0..self.next() % 5).map(|_| (self.text(), self.value_within(levels - 1)));
                Value::Object(fields.collect())
            }
        }
    }
}
