//! The mistakes of one block, collected so that they are reported together.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Mistakes, each at the author's own token.
#[derive(Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// Adds a mistake at these tokens. The message names the mistake, then the mend.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds a mistake that a parser has found.
    pub(crate) fn push(&mut self, mistake: syn::Error) {
        match &mut self.0 {
            Some(mistakes) => mistakes.combine(mistake),
            None => self.0 = Some(mistake),
        }
    }

    /// Adds the mistakes of a part.
    pub(crate) fn push_all(&mut self, mistakes: Self) {
        if let Some(mistakes) = mistakes.0 {
            self.push(mistakes);
        }
    }

    /// The parsed value, or `None` after adding the parser's mistake.
    pub(crate) fn keep<T>(&mut self, parsed: syn::Result<T>) -> Option<T> {
        parsed.map_err(|mistake| self.push(mistake)).ok()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |mistakes| mistakes.into_iter().count())
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of them as `compile_error!`s; nothing if there is none.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(|mistakes| mistakes.to_compile_error()).unwrap_or_default()
    }
}
