//! The async function that a block is made of.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, ItemFn, PathArguments, PathSegment, ReturnType, Type};

use crate::mistakes::Mistakes;

/// What kind of block the function is, for messages.
pub(crate) struct Shape {
    pub(crate) kind: &'static str,
    pub(crate) parameters: &'static str,
    /// The type of each parameter, where the engine gives it.
    pub(crate) given: &'static [Option<&'static str>],
    pub(crate) returns: &'static str,
}

/// The types of a well-formed function.
pub(crate) struct Signature {
    /// The first parameter.
    pub(crate) first: Type,
    pub(crate) config: Type,
    pub(crate) context: Type,
    /// `T` in `Result<T, …>`.
    pub(crate) result: Type,
    /// The return type, `Result<T, …>`.
    pub(crate) returned: Type,
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
        let parameters = parameters?;
        let first = parameters.first()?.clone();
        let [.., config, context] = parameters.as_slice() else { return None };
        let (config, context) = (config.clone(), context.clone());
        let (result, returned) = result.filter(|_| is_right)?;
        Some(Self { first, config, context, result, returned })
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
    if types.len() != shape.given.len() {
        let message = format!(
            "a {} takes {} arguments, this function takes {}; write `{}`",
            shape.kind,
            shape.given.len(),
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
    if let Some(misplaced) = misplaced(&types, shape) {
        let message =
            format!("a {} takes its arguments in another order; write `{}`", shape.kind, shape.parameters);
        mistakes.at(misplaced, message);
        return None;
    }
    Some(types)
}

/// The first type that the engine gives at another place. An alias goes unseen; the types are checked all the same.
fn misplaced<'a>(types: &'a [Type], shape: &Shape) -> Option<&'a Type> {
    types.iter().zip(shape.given).find_map(|(ty, given)| {
        let name = last_segment(ty)?.ident.to_string();
        (Some(name.as_str()) != *given && shape.given.contains(&Some(name.as_str()))).then_some(ty)
    })
}

/// `T` in `Result<T, …>`, and the whole.
fn result(function: &ItemFn, shape: &Shape, mistakes: &mut Mistakes) -> Option<(Type, Type)> {
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
    result.map(|result| (result, (**returned).clone()))
}

fn first_argument_of_result(returned: &Type) -> Option<Type> {
    let last = last_segment(returned).filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    })
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    if let Type::Path(path) = ty { path.path.segments.last() } else { None }
}

/// `<ty as ::stepwell::…::trait>::name`, spanned so that an error underlines `ty`.
pub(crate) fn projection(ty: &Type, of: &TokenStream, name: &str) -> TokenStream {
    let (first, last) = ends(ty);
    let name = syn::Ident::new(name, last);
    let open = quote_spanned!(first=> <);
    let close = quote_spanned!(last=> as #of>::#name);
    quote::quote!(#open #ty #close)
}

/// `function::<generics>(arguments)`, spanned so that an error of the whole call underlines `ty`.
pub(crate) fn call_at(
    ty: &Type,
    function: &TokenStream,
    generics: &TokenStream,
    arguments: &TokenStream,
) -> TokenStream {
    let (first, last) = ends(ty);
    let function: TokenStream = function.clone().into_iter().map(|token| spanned(token, first)).collect();
    let generics = quote_spanned!(first=> ::<#generics>);
    let arguments = quote_spanned!(last=> (#arguments));
    quote::quote!(#function #generics #arguments)
}

fn spanned(mut token: TokenTree, span: Span) -> TokenTree {
    token.set_span(span);
    token
}

/// The spans of the first and the last token.
pub(crate) fn ends(ty: &Type) -> (Span, Span) {
    let mut tokens = ty.to_token_stream().into_iter();
    let first = tokens.next().map_or_else(|| ty.span(), |token| token.span());
    let last = tokens.last().map_or(first, |token| token.span());
    (first, last)
}
