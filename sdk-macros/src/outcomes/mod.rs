//! Outcomes: the list `outcomes(…)` of a block, and `#[derive(Outcomes)]`, which it expands to.

mod attribute;
mod derive;
mod list;

pub(crate) use derive::derive;
pub(crate) use list::OutcomeList;

use proc_macro2::Span;
use quote::ToTokens;

use crate::case;
use crate::mistakes::Mistakes;

/// Ids that the engine gives to ways of ending that every block has.
const RESERVED: [&str; 2] = ["error", "deadline"];

/// Checks that an outcome may have this id.
fn check_id(id: &str, at: &impl ToTokens, mistakes: &mut Mistakes) {
    if RESERVED.contains(&id) {
        mistakes.at(
            at,
            format!("`{id}` is what the engine calls an ending of its own; give the outcome another name"),
        );
    } else if !case::is_separated_by(id, '_') {
        mistakes.at(at, format!("the outcome `{id}` is not in snake_case; write `{}`", case::snake(id)));
    }
}

/// An identifier for an outcome's variant, if the outcome's id gives one.
fn variant(id: &str, span: Span) -> Option<syn::Ident> {
    let name = case::pascal(id);
    let mut variant: syn::Ident = syn::parse_str(&name).ok()?;
    variant.set_span(span);
    Some(variant)
}
