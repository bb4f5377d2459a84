//! Conditions on a config: `kind = "issue" | "pull_request", company`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Lit, LitStr, Token};

use crate::arguments::{Given, split_at_commas};
use crate::mistakes::Mistakes;

/// A condition on one field.
pub(crate) struct Condition {
    /// The name of the field.
    pub(crate) field: String,
    /// Where the author has named it.
    pub(crate) span: Span,
    any_of: Vec<TokenStream>,
}

impl Condition {
    /// Reads what `argument` is given: `= "field"`, or `(…)` with conditions of which all must hold.
    pub(crate) fn read(
        argument: &Ident,
        given: Given,
        allows_text: AllowsText,
        mistakes: &mut Mistakes,
    ) -> Vec<Self> {
        let how = format!("write `{argument}(kind = \"issue\" | \"pull_request\", company)`");
        let list = match (given, allows_text) {
            (Given::List(list), _) => list,
            (Given::Value(value), AllowsText::Yes) => {
                let Ok(name) = syn::parse2::<LitStr>(value.clone()) else {
                    let message = format!("`{argument}` takes a field's name or conditions; {how}");
                    mistakes.at(value, message);
                    return Vec::new();
                };
                return vec![Self { field: name.value(), span: name.span(), any_of: Vec::new() }];
            }
            (Given::Value(value), AllowsText::No) => {
                mistakes.at(value, format!("`{argument}` takes conditions in brackets; {how}"));
                return Vec::new();
            }
        };
        let parts = split_at_commas(list);
        if parts.is_empty() {
            mistakes.at(argument, format!("`{argument}` names no field; {how}"));
        }
        let mut conditions: Vec<Self> = Vec::new();
        for part in parts {
            let Some(condition) = mistakes.keep(Self::parse.parse2(part)) else { continue };
            if conditions.iter().any(|earlier| earlier.field == condition.field) {
                let message = format!(
                    "`{}` is given twice, and all conditions must hold; write alternatives as `{0} = \"a\" | \"b\"`",
                    condition.field
                );
                mistakes.push(syn::Error::new(condition.span, message));
                continue;
            }
            conditions.push(condition);
        }
        conditions
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let how = "write a field's name, or `field = \"a\" | \"b\"`";
        let name = input
            .call(Ident::parse_any)
            .map_err(|error| syn::Error::new(error.span(), format!("this is not a condition; {how}")))?;
        let mut any_of = Vec::new();
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            any_of.push(literal(input)?);
            while input.peek(Token![|]) {
                input.parse::<Token![|]>()?;
                any_of.push(literal(input)?);
            }
        }
        if !input.is_empty() {
            let next: proc_macro2::TokenTree = input.parse()?;
            return Err(syn::Error::new(next.span(), format!("this does not belong to a condition; {how}")));
        }
        Ok(Self { field: name.unraw().to_string(), span: name.span(), any_of })
    }

    /// The condition as a part of `json!`.
    pub(crate) fn json(&self) -> TokenStream {
        let Self { field, any_of, .. } = self;
        if any_of.is_empty() {
            quote!({ "field": #field })
        } else {
            quote!({ "field": #field, "any_of": [#(#any_of),*] })
        }
    }

    /// The condition as an expression of type `Condition`.
    pub(crate) fn construct(&self) -> TokenStream {
        let Self { field, any_of, .. } = self;
        let any_of = if any_of.is_empty() {
            quote!(::core::option::Option::None)
        } else {
            quote!(::core::option::Option::Some(
                ::std::vec![#(::stepwell::__private::serde_json::Value::from(#any_of)),*]
            ))
        };
        quote! {
            ::stepwell::config::Condition { field: ::std::string::String::from(#field), any_of: #any_of }
        }
    }
}

/// Whether `name = "field"` is a short form of `name(field)`.
#[derive(Clone, Copy)]
pub(crate) enum AllowsText {
    Yes,
    No,
}

/// A text, a whole number, or `true` or `false`.
fn literal(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let wrong = |span| syn::Error::new(span, "a value is a text, a whole number, `true` or `false`");
    let minus: Option<Token![-]> = input.parse()?;
    let span = input.span();
    match (minus, input.parse::<Lit>().map_err(|_| wrong(span))?) {
        (None, Lit::Str(text)) => Ok(quote!(#text)),
        (None, Lit::Bool(value)) => Ok(quote!(#value)),
        (minus, Lit::Int(number)) => Ok(quote!(#minus #number)),
        (_, other) => Err(wrong(other.span())),
    }
}
