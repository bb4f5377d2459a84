//! `check` of a field: a function that judges what the schema cannot say.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Path, Token, Type, parenthesized};

use super::check_other_field;
use super::types::argument_of_option;
use crate::arguments::Arguments;
use crate::mistakes::Mistakes;

const EXAMPLE: &str = "check = my_check` or `check = my_check(other_field)";

/// A function, and the fields that it is given besides the one that it is about.
pub(super) struct FieldCheck {
    function: Path,
    others: Vec<Ident>,
}

impl Parse for FieldCheck {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function = input.call(Path::parse_mod_style)?;
        let mut others = Punctuated::<Ident, Token![,]>::new();
        if !input.is_empty() {
            let list;
            parenthesized!(list in input);
            others = list.parse_terminated(Ident::parse_any, Token![,])?;
        }
        Ok(Self { function, others: others.into_iter().collect() })
    }
}

impl FieldCheck {
    /// Reads `check` of the field `ident`. `names` are the names of all fields.
    pub(super) fn read(
        ident: &Ident,
        names: &[&str],
        arguments: &mut Arguments,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let check: Self = arguments.value("check", EXAMPLE, mistakes)?;
        for (index, other) in check.others.iter().enumerate() {
            check_other_field(&other.unraw().to_string(), other.span(), ident, names, mistakes);
            if check.others[..index].contains(other) {
                mistakes.at(other, format!("the check is given `{other}` twice; remove one"));
            }
        }
        Some(check)
    }

    /// The entry of the config's `CHECKS`. `field_of` gives a field's type, and the function of its default.
    pub(super) fn expand(
        &self,
        ident: &Ident,
        field_of: impl Fn(&Ident) -> Option<(Type, Option<TokenStream>)>,
    ) -> Option<TokenStream> {
        let (mut names, mut arguments, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        for (index, field) in std::iter::once(ident).chain(&self.others).enumerate() {
            let (ty, default) = field_of(field)?;
            let (name, argument) = (field.unraw().to_string(), format_ident!("field_{index}"));
            let default = default.map_or_else(
                || quote!(::core::option::Option::None),
                |default| quote!(::core::option::Option::Some(#default)),
            );
            reads.push(quote! {
                let ::core::option::Option::Some(#argument) =
                    ::stepwell::__private::field::read::<#ty>(config, #name, #default)
                else {
                    return ::core::result::Result::Ok(());
                };
            });
            names.push(name);
            let is_option = argument_of_option(&ty).is_some();
            arguments.push(if is_option { quote!(#argument.as_ref()) } else { quote!(&#argument) });
        }
        let function = &self.function;
        let call = quote_spanned!(function.span()=> #function(#(#arguments),*));
        Some(quote! {
            ::stepwell::config::FieldCheck {
                reads: &[#(#names),*],
                check: |config| {
                    #(#reads)*
                    ::stepwell::__private::field::checked(#call)
                },
            }
        })
    }
}
