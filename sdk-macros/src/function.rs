//! The async function that a block is made of.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, ItemFn, PathArguments, ReturnType, Type};

use crate::mistakes::Mistakes;

/// What kind of block the function is, for messages.
pub(crate) struct Shape {
    pub(crate) kind: &'static str,
    pub(crate) parameters: &'static str,
    pub(crate) parameter_count: usize,
    pub(crate) returns: &'static str,
}

/// The types of a well-formed function.
pub(crate) struct Signature {
    pub(crate) config: Type,
    pub(crate) context: Type,
    /// `T` in `Result<T, …>`.
    pub(crate) result: Type,
}

impl Signature {
    /// Checks the function. Every mistake is reported; `None` if there is one.
    pub(crate) fn read(function: &ItemFn, shape: &Shape, mistakes: &mut Mistakes) -> Option<Self> {
        let mut found = Mistakes::default();
        let signature = &function.sig;
        let name = &signature.ident;
        if signature.asyncness.is_none() {
            found.at(signature.fn_token, format!("a {} is async; write `async fn {name}`", shape.kind));
        }
        if !signature.generics.params.is_empty() {
            found.at(
                &signature.generics,
                format!("a {} has no generics, since the engine calls it; name the types", shape.kind),
            );
        }
        let parameters = parameters(function, shape, &mut found);
        let result = result(function, shape, &mut found);
        let is_right = found.is_empty();
        mistakes.push_all(found);
        let mut parameters = parameters?;
        let context = parameters.pop()?;
        let config = parameters.pop()?;
        result.filter(|_| is_right).map(|result| Self { config, context, result })
    }
}

fn parameters(function: &ItemFn, shape: &Shape, mistakes: &mut Mistakes) -> Option<Vec<Type>> {
    let signature = &function.sig;
    let mut types = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                mistakes.at(
                    receiver,
                    format!(
                        "a {} is a free function; remove `self` and write `{}`",
                        shape.kind, shape.parameters
                    ),
                );
                return None;
            }
            FnArg::Typed(argument) => types.push((*argument.ty).clone()),
        }
    }
    if types.len() != shape.parameter_count {
        let message = format!(
            "a {} takes {} arguments, this function takes {}; write `{}`",
            shape.kind,
            shape.parameter_count,
            types.len(),
            shape.parameters
        );
        if signature.inputs.is_empty() {
            mistakes.at(&signature.ident, message);
        } else {
            mistakes.at(&signature.inputs, message);
        }
        return None;
    }
    Some(types)
}

fn result(function: &ItemFn, shape: &Shape, mistakes: &mut Mistakes) -> Option<Type> {
    let ReturnType::Type(_, returned) = &function.sig.output else {
        mistakes.at(
            &function.sig.ident,
            format!("a {} returns a `Result`; add `-> {}`", shape.kind, shape.returns),
        );
        return None;
    };
    let result = first_argument_of_result(returned);
    if result.is_none() {
        mistakes.at(returned, format!("a {} returns a `Result`; write `{}`", shape.kind, shape.returns));
    }
    result
}

fn first_argument_of_result(returned: &Type) -> Option<Type> {
    let Type::Path(path) = returned else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    })
}

/// `<ty as ::stepwell::…::trait>::name`, spanned so that an error underlines `ty`.
pub(crate) fn projection(ty: &Type, of: &TokenStream, name: &str) -> TokenStream {
    let (first, last) = ends(ty);
    let name = syn::Ident::new(name, last);
    let open = quote_spanned!(first=> <);
    let close = quote_spanned!(last=> as #of>::#name);
    quote::quote!(#open #ty #close)
}

/// The spans of the first and the last token.
pub(crate) fn ends(ty: &Type) -> (Span, Span) {
    let mut tokens = ty.to_token_stream().into_iter();
    let first = tokens.next().map_or_else(|| ty.span(), |token| token.span());
    let last = tokens.last().map_or(first, |token| token.span());
    (first, last)
}
