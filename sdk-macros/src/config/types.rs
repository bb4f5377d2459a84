//! What can be read off the type of a field.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// Types around the one that matters: of each the last argument.
const WRAPPERS: [&str; 7] = ["Option", "Vec", "Box", "BTreeSet", "HashSet", "BTreeMap", "HashMap"];

/// The type `T` in `Option<T>`.
pub(super) fn argument_of_option(ty: &Type) -> Option<&Type> {
    argument_of(ty, &["Option"])
}

/// The type within options, boxes, lists and maps.
pub(crate) fn innermost(ty: &Type) -> &Type {
    argument_of(ty, &WRAPPERS).map_or(ty, innermost)
}

/// The last part of a path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    let Type::Path(path) = ty else { return None };
    path.path.segments.last()
}

/// The bound that the innermost type must meet, `Type: ConfigField`, where the author has named it. An impl that states
/// it may rely on it: where the type misses it, that is the only error. None for `config` itself, which would go round
/// in a circle.
pub(super) fn bound(ty: &Type, config: &Ident) -> Option<TokenStream> {
    let ty = innermost(ty);
    if last_segment(ty).is_some_and(|last| last.ident == *config) {
        return None;
    }
    // Of the macro, at the author's token: a bound that is met without parameters is none of the author's business.
    let at = |span: Span| Span::call_site().located_at(span);
    let (first, _) = crate::function::ends(ty);
    let located = ty.to_token_stream().into_iter().map(|mut token| {
        token.set_span(at(token.span()));
        token
    });
    let located: TokenStream = located.collect();
    let bound = quote_spanned!(at(first)=> : ::stepwell::config::ConfigField);
    Some(quote!(#located #bound))
}

fn argument_of<'a>(ty: &'a Type, names: &[&str]) -> Option<&'a Type> {
    let wrapper = last_segment(ty).filter(|last| names.iter().any(|name| last.ident == name))?;
    let PathArguments::AngleBracketed(arguments) = &wrapper.arguments else { return None };
    match arguments.args.last()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}
