//! `#[options]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use crate::block;
use crate::function::{Shape, Signature, projection};
use crate::mistakes::Mistakes;

const SHAPE: Shape = Shape {
    kind: "function with `#[options]`",
    parameters: "(query: OptionsQuery, cx: OptionsContext)",
    given: &[Some("OptionsQuery"), None],
    returns: "Result<Vec<Choice>, StepError>",
};

/// Expands the attribute.
pub(crate) fn expand(arguments: &TokenStream, item: &TokenStream) -> TokenStream {
    let function = match block::function(item, "options") {
        Ok(function) => function,
        Err(instead) => return instead,
    };
    let mut mistakes = Mistakes::default();
    if !arguments.is_empty() {
        mistakes.at(arguments, "`#[options]` has no arguments; remove them");
    }
    let ident = &function.sig.ident;
    let registration = Signature::read(&function, &SHAPE, &mut mistakes).map(|signature| {
        let Signature { config: query, context, result, .. } = signature;
        let name = ident.unraw().to_string();
        let connection =
            projection(&context, &quote!(::stepwell::__private::check::LookUpContext), "Connection");
        let call = quote_spanned! { ident.span()=>
            ::stepwell::__private::adapt::options::<#query, #context, #result, _, _>(invocation, #ident)
        };
        quote! {
            ::stepwell::__private::inventory::submit! {
                ::stepwell::options::OptionsDefinition {
                    app: ::core::env!("CARGO_PKG_NAME"),
                    app_version: ::core::env!("CARGO_PKG_VERSION"),
                    name: #name,
                    source: ::core::concat!(::core::file!(), ":", ::core::line!()),
                    connection: <#connection as ::stepwell::connection::Connection>::ID,
                    connection_optional: <#connection as ::stepwell::connection::Connection>::OPTIONAL,
                    handler: |invocation| #call,
                }
            }
        }
    });
    block::assemble(&function, None, registration, mistakes)
}
