//! `#[config]`.

mod field;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, FieldsNamed};

use self::field::ConfigField;
use crate::data::{derives, title};
use crate::docs::Docs;
use crate::mistakes::Mistakes;

/// Expands the attribute.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    if !arguments.is_empty() {
        mistakes.at(arguments, "`#[config]` has no arguments; remove them");
    }
    let Some(mut input) = mistakes.keep(syn::parse2::<DeriveInput>(item.clone())) else {
        let errors = mistakes.into_compile_errors();
        return quote!(#item #errors);
    };
    if !input.generics.params.is_empty() {
        mistakes.at(&input.generics, "a config has no generics, since its form is fixed; name the types");
    }
    let name = input.ident.clone();
    let defaults = match named(&mut input, &mut mistakes) {
        Some(fields) => decorate(&name, fields, &mut mistakes),
        None => Vec::new(),
    };
    expand_checked(&input, &defaults, mistakes)
}

fn named<'a>(input: &'a mut DeriveInput, mistakes: &mut Mistakes) -> Option<&'a mut FieldsNamed> {
    let name = input.ident.clone();
    match &mut input.data {
        Data::Struct(data) => match &mut data.fields {
            Fields::Named(fields) => return Some(fields),
            Fields::Unnamed(fields) => mistakes.at(
                fields,
                format!("a config has named fields, which become its form; write `struct {name} {{ … }}`"),
            ),
            Fields::Unit => mistakes.at(
                &name,
                format!("a config has named fields; write `struct {name} {{}}`, or take `NoConfig`"),
            ),
        },
        Data::Enum(data) => mistakes.at(
            data.enum_token,
            "a config is a struct with named fields; put `#[data]` on the enum and make it a field of one",
        ),
        Data::Union(data) => mistakes.at(data.union_token, "a config is a struct with named fields"),
    }
    None
}

/// Puts what the fields say into attributes of the derives. Returns the functions that give defaults.
fn decorate(config: &Ident, fields: &mut FieldsNamed, mistakes: &mut Mistakes) -> Vec<TokenStream> {
    let names: Vec<String> =
        fields.named.iter().filter_map(|field| Some(field.ident.as_ref()?.unraw().to_string())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fields
        .named
        .iter_mut()
        .filter_map(|field| ConfigField::read(field, &names, mistakes)?.decorate(config, field))
        .collect()
}

fn expand_checked(input: &DeriveInput, defaults: &[TokenStream], mistakes: Mistakes) -> TokenStream {
    let name = &input.ident;
    if !matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)))
        || !input.generics.params.is_empty()
    {
        let errors = mistakes.into_compile_errors();
        return quote!(#input #errors);
    }
    let derives = derives();
    let schema = title(&Docs::of_label(&input.attrs));
    let errors = mistakes.into_compile_errors();
    quote! {
        #derives
        #[serde(deny_unknown_fields)]
        #schema
        #input

        #[automatically_derived]
        impl ::stepwell::config::Config for #name {}

        #[automatically_derived]
        #[allow(clippy::unnecessary_wraps, reason = "a default has its field's type")]
        impl #name {
            #(#defaults)*
        }

        #errors
    }
}
