//! Lines and columns of a text.

/// A place in a file: its line and the character in it, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// A text without its byte order mark, and where its lines begin.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Lines end as YAML's do: with LF, CR or both.
    pub(crate) fn of(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let bytes = text.as_bytes();
        let ends = (0..bytes.len())
            .filter(|&at| bytes[at] == b'\n' || bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        Self { text, starts: [0].into_iter().chain(ends.map(|at| at + 1)).collect() }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// A line without its end; nothing for one that there is not.
    pub(crate) fn line(&self, line: usize) -> &'t str {
        let Some(start) = line.checked_sub(1).and_then(|index| self.starts.get(index)) else { return "" };
        let end = self.starts.get(line).copied().unwrap_or(self.text.len());
        self.text[*start..end].trim_end_matches(['\n', '\r'])
    }

    /// The byte at a place; the end of the text for what is beyond it.
    pub(crate) fn offset(&self, place: Place) -> usize {
        let Some(start) = self.starts.get(place.line.saturating_sub(1)) else { return self.text.len() };
        let rest = &self.text[*start..];
        let within = rest.char_indices().nth(place.column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        start + within
    }

    /// The place of a byte that begins a character.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let before = self.text.get(self.starts[line - 1]..offset).unwrap_or_default();
        Place { line, column: before.chars().count() + 1 }
    }
}
