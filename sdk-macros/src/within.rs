//! Where the configs within a type lie in its JSON, by the names that serde gives.
//!
//! What serde's attributes mean is read by the library that serde's and schemars' own derives read them with.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use serde_derive_internals::ast::{Container, Data, Field, Style, Variant};
use serde_derive_internals::attr::TagType;
use serde_derive_internals::name::Name;
use serde_derive_internals::{Ctxt, Derive};
use syn::{DeriveInput, Type};

use crate::config::types::{innermost, last_segment};

/// Types that hold no config, for which nothing is expanded.
const LEAVES: [&str; 18] = [
    "bool", "char", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
    "f32", "f64", "String", "Value",
];

/// The method `checks_within` of a config, if it or something in it may have rules.
pub(crate) fn of_config<'f>(
    has_rules: bool,
    fields: impl IntoIterator<Item = (&'f str, &'f Type)>,
) -> Option<TokenStream> {
    let own = has_rules.then(|| {
        quote!(::stepwell::config::Checks::add(<Self as ::stepwell::config::Config>::CHECKS, value, found);)
    });
    let fields = fields.into_iter().filter_map(|(name, ty)| named(ty, &[name]));
    method(own.into_iter().chain(fields))
}

/// The method `checks_within` of a type that is `#[data]`, if something in it may have rules.
pub(crate) fn of_data(input: &DeriveInput) -> Option<TokenStream> {
    let context = Ctxt::new();
    let container = Container::from_ast(
        &context,
        input,
        Derive::Deserialize,
        &Ident::new("__private", Span::call_site()),
    );
    // What is wrong with the attributes, serde's own derive reports.
    context.check().ok()?;
    let container = container?;
    let attributes = &container.attrs;
    if attributes.type_from().is_some() || attributes.type_try_from().is_some() {
        return None;
    }
    match &container.data {
        Data::Struct(style, fields) => method([of_fields(*style, fields)].into_iter().flatten()),
        Data::Enum(variants) => {
            method(variants.iter().filter_map(|variant| of_variant(variant, attributes.tag())))
        }
    }
}

fn method(statements: impl Iterator<Item = TokenStream>) -> Option<TokenStream> {
    let statements: Vec<_> = statements.collect();
    (!statements.is_empty()).then(|| {
        quote! {
            fn checks_within<'v>(
                value: &'v ::stepwell::__private::serde_json::Value,
                found: &mut ::std::vec::Vec<::stepwell::config::Checks<'v>>,
            ) {
                #[allow(unused_imports)]
                use ::stepwell::__private::within::{HoldsConfigs as _, HoldsNone as _};
                #(#statements)*
            }
        }
    })
}

/// Looks into `value`, which is what a variant holds, if it is that variant.
fn of_variant(variant: &Variant<'_>, tag: &TagType) -> Option<TokenStream> {
    if variant.attrs.skip_deserializing() || variant.attrs.deserialize_with().is_some() {
        return None;
    }
    let fields = of_fields(variant.style, &variant.fields)?;
    let names = names(variant.attrs.aliases());
    let within = quote!(::stepwell::__private::within);
    let ident = &variant.ident;
    Some(match tag {
        _ if variant.attrs.untagged() => untagged(ident, &fields),
        TagType::None => untagged(ident, &fields),
        TagType::External => quote!(#(#within::at(value, #names, found, |value, found| { #fields });)*),
        TagType::Internal { tag } => quote!(if #within::is_tagged(value, #tag, &[#(#names),*]) { #fields }),
        TagType::Adjacent { tag, content } => quote! {
            if #within::is_tagged(value, #tag, &[#(#names),*]) {
                #within::at(value, #content, found, |value, found| { #fields });
            }
        },
    })
}

/// Only the whole value tells which variant it is.
fn untagged(ident: &Ident, fields: &TokenStream) -> TokenStream {
    quote! {
        if let ::core::option::Option::Some(Self::#ident { .. }) =
            ::stepwell::__private::within::parse::<Self>(value)
        {
            #fields
        }
    }
}

/// Looks into the fields of `value`.
fn of_fields(style: Style, fields: &[Field<'_>]) -> Option<TokenStream> {
    let read = fields.iter().enumerate().filter_map(|(index, field)| {
        let attributes = &field.attrs;
        if attributes.skip_deserializing() || attributes.deserialize_with().is_some() {
            return None;
        }
        match style {
            Style::Newtype => whole(field.ty),
            _ if attributes.flatten() || attributes.transparent() => whole(field.ty),
            Style::Tuple => at(field.ty, quote!(&#index)),
            Style::Struct | Style::Unit => named(field.ty, &names(attributes.aliases())),
        }
    });
    let statements: Vec<_> = read.collect();
    (!statements.is_empty()).then(|| quote!(#(#statements)*))
}

fn names(names: &BTreeSet<Name>) -> Vec<&str> {
    names.iter().map(|name| name.value.as_str()).collect()
}

/// The type of a field, unless it holds no config.
fn probe(ty: &Type) -> Option<TokenStream> {
    let is_leaf =
        last_segment(innermost(ty)).is_some_and(|last| LEAVES.iter().any(|leaf| last.ident == leaf));
    (!is_leaf).then(|| quote!((&&::stepwell::__private::within::Type::<#ty>::new())))
}

fn whole(ty: &Type) -> Option<TokenStream> {
    let probe = probe(ty)?;
    Some(quote!(#probe.checks(value, found);))
}

fn at(ty: &Type, name: impl ToTokens) -> Option<TokenStream> {
    let looked = whole(ty)?;
    Some(quote!(::stepwell::__private::within::at(value, #name, found, |value, found| { #looked });))
}

fn named(ty: &Type, names: &[&str]) -> Option<TokenStream> {
    let looked: Vec<_> = names.iter().filter_map(|name| at(ty, name)).collect();
    (!looked.is_empty()).then(|| quote!(#(#looked)*))
}
