//! What a doc comment says to the people who set up a block.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// A title and what follows it.
#[derive(Default)]
pub(crate) struct Docs {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
}

impl Docs {
    /// Of a block: the title is the first paragraph.
    pub(crate) fn of_block(attributes: &[Attribute]) -> Self {
        let lines = lines(attributes);
        let end = lines.iter().position(String::is_empty).unwrap_or(lines.len());
        Self::split(&lines, end)
    }

    /// Of a field or an outcome: the title is the first line.
    pub(crate) fn of_label(attributes: &[Attribute]) -> Self {
        let lines = lines(attributes);
        Self::split(&lines, 1)
    }

    fn split(lines: &[String], end: usize) -> Self {
        let (title, description) = lines.split_at(end.min(lines.len()));
        let text = |lines: &[String], separator| {
            let text = lines.join(separator).trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        Self { title: text(title, " "), description: text(description, "\n") }
    }
}

/// `Some(value)` or `None`, as tokens.
pub(crate) fn optional_tokens(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// `Some("text")` or `None`, as tokens.
pub(crate) fn optional(text: Option<&String>) -> TokenStream {
    optional_tokens(text)
}

/// The lines, without the leading blank ones and without the space after `///`.
fn lines(attributes: &[Attribute]) -> Vec<String> {
    let texts =
        attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
            match &attribute.meta {
                Meta::NameValue(doc) => match &doc.value {
                    Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            }
        });
    let lines: Vec<String> = texts
        .flat_map(|text| text.split('\n').map(|line| line.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    lines.into_iter().skip_while(String::is_empty).collect()
}
