//! `#[outcome(id = "…", when(…), each = "…")]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Fields, LitStr, Type};

use crate::arguments::Arguments;
use crate::condition::{AllowsText, Condition};
use crate::mistakes::Mistakes;

/// What an outcome says of itself.
#[derive(Default)]
pub(super) struct OutcomeAttribute {
    pub(super) id: Option<LitStr>,
    pub(super) when: Vec<Condition>,
    pub(super) each: Option<LitStr>,
    /// Whether the outcome carries which of the names it is, or should.
    pub(super) carries_name: bool,
}

impl OutcomeAttribute {
    /// Reads the attributes of the outcome `name` with these data; `known` are the arguments that it may have.
    pub(super) fn read(
        attributes: &[Attribute],
        known: &[&str],
        (name, fields): (&str, &Fields),
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut tokens = TokenStream::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("outcome")) {
            if let Some(list) = mistakes.keep(attribute.meta.require_list()) {
                let list = &list.tokens;
                tokens.extend(quote!(#list,));
            }
        }
        let mut arguments = Arguments::read(tokens, "outcome", known, mistakes);
        let id = arguments.text("id", mistakes);
        let when = arguments
            .either("when", "when(kind = \"issue\")", mistakes)
            .map(|(at, given)| Condition::read(&at, given, AllowsText::No, mistakes))
            .unwrap_or_default();
        let before = mistakes.len();
        let each = arguments.text("each", mistakes);
        let carries = match fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Some(&fields.unnamed[0].ty),
            Fields::Unnamed(_) | Fields::Named(_) | Fields::Unit => None,
        };
        match (&each, carries) {
            (Some(each), None) => {
                let message = format!(
                    "an outcome with `each` carries which of the names it is; write `{name}(Named)`, or `{name}(Named<MyData>)`"
                );
                mistakes.at(each, message);
            }
            (None, Some(ty)) if is_named(ty) && mistakes.len() == before => {
                let message = "`Named` says which name of the config the outcome is; say where the names are: `#[outcome(each = \"my_field\")]`";
                mistakes.at(ty, message);
            }
            _ => {}
        }
        let carries_name = each.is_some() || carries.is_some_and(is_named);
        Self { id, when, each, carries_name }
    }

    /// The fields of the config that it names, each with its place.
    pub(super) fn fields(&self) -> impl Iterator<Item = (String, Span)> + '_ {
        let conditions = self.when.iter().map(|condition| (condition.field.clone(), condition.span));
        conditions.chain(self.each.iter().map(|each| (each.value(), each.span())))
    }
}

fn is_named(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Named")
}
