//! `#[data]`, and the derives that it shares with `#[config]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Fields, parse_quote};

use crate::docs::Docs;
use crate::mistakes::Mistakes;
use crate::within;

/// Expands the attribute.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    if !arguments.is_empty() {
        mistakes.at(arguments, "`#[data]` has no arguments; remove them");
    }
    let Some(mut input) = mistakes.keep(syn::parse2::<DeriveInput>(item.clone())) else {
        let errors = mistakes.into_compile_errors();
        return quote!(#item #errors);
    };
    if !input.generics.params.is_empty() {
        mistakes.at(&input.generics, "`#[data]` has no generics, since its schema is fixed; name the types");
    }
    if let Data::Union(data) = &input.data {
        mistakes.at(data.union_token, "a union has no JSON form; make it a struct or an enum");
    }
    hints(&mut input, &mut mistakes);
    if !mistakes.is_empty() {
        let errors = mistakes.into_compile_errors();
        return quote!(#input #errors);
    }
    label(&mut input);
    let derives = derives();
    let schema = title(&Docs::of_label(&input.attrs));
    let name = &input.ident;
    let within = within::of_data(&input);
    quote! {
        #derives
        #schema
        #input

        #[automatically_derived]
        impl ::stepwell::data::Data for #name {}

        #[automatically_derived]
        impl ::stepwell::config::ConfigField for #name { #within }
    }
}

/// Removes `#[field(…)]`, which fields of configs alone have.
fn hints(input: &mut DeriveInput, mistakes: &mut Mistakes) {
    let (fields, mend): (Vec<&mut Fields>, _) = match &mut input.data {
        Data::Struct(data) => (vec![&mut data.fields], "make the struct `#[config]`"),
        Data::Enum(data) => (
            data.variants.iter_mut().map(|variant| &mut variant.fields).collect(),
            "let the variant hold a struct that is `#[config]`",
        ),
        Data::Union(_) => return,
    };
    for field in fields.into_iter().flatten() {
        field.attrs.retain(|attribute| {
            let is_hint = attribute.path().is_ident("field");
            if is_hint {
                mistakes.at(attribute, format!("`#[field(…)]` is for fields of a config; {mend}"));
            }
            !is_hint
        });
    }
}

/// Puts what the doc comments of fields and variants say into the schema.
fn label(input: &mut DeriveInput) {
    match &mut input.data {
        Data::Struct(data) => label_fields(&mut data.fields),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                add_label(&mut variant.attrs);
                label_fields(&mut variant.fields);
            }
        }
        Data::Union(_) => {}
    }
}

pub(crate) fn label_fields(fields: &mut Fields) {
    for field in fields {
        add_label(&mut field.attrs);
    }
}

fn add_label(attributes: &mut Vec<Attribute>) {
    let title = title(&Docs::of_label(attributes));
    if !title.is_empty() {
        attributes.push(parse_quote!(#title));
    }
}

/// The derives, through the SDK's own dependencies: an author's crate needs no other.
pub(crate) fn derives() -> TokenStream {
    let secret = derives_of_secret();
    quote! {
        #[derive(::core::fmt::Debug)]
        #secret
    }
}

/// The derives without `Debug`.
pub(crate) fn derives_of_secret() -> TokenStream {
    quote! {
        #[derive(
            ::core::clone::Clone,
            ::stepwell::__private::serde::Serialize,
            ::stepwell::__private::serde::Deserialize,
            ::stepwell::__private::schemars::JsonSchema,
        )]
        #[serde(crate = "::stepwell::__private::serde")]
        #[schemars(crate = "::stepwell::__private::schemars")]
    }
}

/// What puts a title and a description into a schema.
pub(crate) fn title(docs: &Docs) -> TokenStream {
    let Some(title) = &docs.title else { return TokenStream::new() };
    // An empty description is left out; without one, the whole doc comment would be it.
    let description = docs.description.as_deref().unwrap_or_default();
    quote!(#[schemars(title = #title, description = #description)])
}
