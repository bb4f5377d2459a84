//! The arguments of an attribute: `name`, `name = value` and `name(list)`.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{LitStr, Token};

use crate::mistakes::Mistakes;
use crate::suggest;

/// The arguments of one attribute, each known and given once.
pub(crate) struct Arguments(Vec<Argument>);

struct Argument {
    name: Ident,
    value: Value,
}

/// What an argument is given that may be written in two ways.
pub(crate) enum Given {
    Value(TokenStream),
    List(TokenStream),
}

enum Value {
    Flag,
    Assigned(TokenStream),
    List(Group),
}

impl Arguments {
    /// Reads the arguments of `attribute`; unknown, repeated and malformed ones become mistakes.
    pub(crate) fn read(
        tokens: TokenStream,
        attribute: &str,
        known: &[&str],
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut arguments: Vec<Argument> = Vec::new();
        for tokens in split_at_commas(tokens) {
            let Some(argument) = mistakes.keep(Argument::parse.parse2(tokens)) else { continue };
            let name = argument.name.unraw().to_string();
            if !known.contains(&name.as_str()) {
                let mend = suggest::mend(&name, known);
                mistakes.at(&argument.name, format!("`{attribute}` has no argument `{name}`; {mend}"));
            } else if arguments.iter().any(|earlier| earlier.name == argument.name) {
                mistakes.at(&argument.name, format!("`{name}` is given twice; remove one"));
            } else {
                arguments.push(argument);
            }
        }
        Self(arguments)
    }

    /// The value of `name = value`, parsed. `example` shows how to write it.
    pub(crate) fn value<T: Parse>(
        &mut self,
        name: &str,
        example: &str,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let argument = self.take(name)?;
        if let Value::Assigned(value) = argument.value {
            if let Ok(value) = syn::parse2(value.clone()) {
                return Some(value);
            }
            mistakes.at(value, format!("`{name}` cannot have this value; write `{example}`"));
        } else {
            mistakes.at(&argument.name, format!("`{name}` needs a value; write `{example}`"));
        }
        None
    }

    /// The text of `name = "text"`, which must not be empty.
    pub(crate) fn text(&mut self, name: &str, mistakes: &mut Mistakes) -> Option<LitStr> {
        let text: LitStr = self.value(name, &format!("{name} = \"…\""), mistakes)?;
        if text.value().trim().is_empty() {
            mistakes.at(&text, format!("`{name}` is empty; write a text, or remove the argument"));
            return None;
        }
        Some(text)
    }

    /// The word of `name = word`, one of these.
    pub(crate) fn choice(&mut self, name: &str, words: &[&str], mistakes: &mut Mistakes) -> Option<Ident> {
        let word: Ident = self.value(name, &format!("{name} = {}", words[0]), mistakes)?;
        if words.iter().any(|known| word == known) {
            return Some(word);
        }
        let mend = suggest::mend(&word.to_string(), words);
        mistakes.at(&word, format!("`{name}` cannot be `{word}`; {mend}"));
        None
    }

    /// The name and the contents of `name(…)`.
    pub(crate) fn list(&mut self, name: &str, mistakes: &mut Mistakes) -> Option<(Ident, TokenStream)> {
        let argument = self.take(name)?;
        if let Value::List(group) = argument.value {
            return Some((argument.name, group.stream()));
        }
        mistakes.at(&argument.name, format!("`{name}` takes a list; write `{name}(…)`"));
        None
    }

    /// The name and what is given as `name = value` or `name(…)`. `example` shows how to write it.
    pub(crate) fn either(
        &mut self,
        name: &str,
        example: &str,
        mistakes: &mut Mistakes,
    ) -> Option<(Ident, Given)> {
        let Argument { name: ident, value } = self.take(name)?;
        let given = match value {
            Value::Assigned(value) => Given::Value(value),
            Value::List(group) => Given::List(group.stream()),
            Value::Flag => {
                mistakes.at(&ident, format!("`{name}` needs a value; write `{example}`"));
                return None;
            }
        };
        Some((ident, given))
    }

    /// Whether `name` is given, on its own.
    pub(crate) fn flag(&mut self, name: &str, mistakes: &mut Mistakes) -> bool {
        let Some(argument) = self.take(name) else { return false };
        if !matches!(argument.value, Value::Flag) {
            mistakes.at(&argument.name, format!("`{name}` takes no value; write `{name}` alone"));
        }
        true
    }

    fn take(&mut self, name: &str) -> Option<Argument> {
        let index = self.0.iter().position(|argument| argument.name.unraw() == name)?;
        Some(self.0.remove(index))
    }
}

impl Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = Ident::parse_any(input)?;
        let value = if input.is_empty() {
            Value::Flag
        } else if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Assigned(input.parse()?)
        } else {
            match input.parse()? {
                TokenTree::Group(group) => Value::List(group),
                other => return Err(syn::Error::new_spanned(other, "expected `,`, `=` or `(…)`")),
            }
        };
        if input.is_empty() { Ok(Self { name, value }) } else { Err(input.error("expected `,`")) }
    }
}

/// The parts between the commas that are in no bracket. Each can then be parsed on its own, so that a mistake in
/// one does not hide another.
pub(crate) fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            parts.push(TokenStream::new());
        } else if let Some(part) = parts.last_mut() {
            part.extend([token]);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
