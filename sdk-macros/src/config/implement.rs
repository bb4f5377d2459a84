//! The implementations that a config needs, each under the bounds of its fields.
//!
//! The usual derives state no bounds without parameters, so that a field whose type is not data would be an error in
//! each of them. These rely on the bounds, so that what misses one is the only error. serde and schemars derive on a
//! hidden copy of the struct that has the bounds: on the struct itself, everyone who names it would have to meet them.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, parse_quote};

use crate::data::title;
use crate::docs::Docs;

/// Implements `Clone`, `Debug`, `Serialize`, `Deserialize` and `JsonSchema`.
pub(super) fn implement(input: &DeriveInput, bounds: &[TokenStream]) -> TokenStream {
    let (copies, json) = (copies(input, bounds), json(input, bounds));
    quote!(#copies #json)
}

/// The struct without the attributes that only derives know.
pub(super) fn without_helpers(input: &DeriveInput) -> DeriveInput {
    let mut plain = input.clone();
    plain.attrs.retain(|attribute| !is_helper(attribute));
    if let Data::Struct(data) = &mut plain.data {
        for field in &mut data.fields {
            field.attrs.retain(|attribute| !is_helper(attribute));
        }
    }
    plain
}

fn copies(input: &DeriveInput, bounds: &[TokenStream]) -> TokenStream {
    let name = &input.ident;
    let shown = name.to_string();
    let fields = fields(input);
    let names = fields.iter().map(ToString::to_string);
    quote! {
        #[automatically_derived]
        impl ::core::clone::Clone for #name where #(#bounds),* {
            fn clone(&self) -> Self {
                Self { #(#fields: ::core::clone::Clone::clone(&self.#fields)),* }
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Debug for #name where #(#bounds),* {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.debug_struct(#shown) #(.field(#names, &self.#fields))* .finish()
            }
        }
    }
}

fn json(input: &DeriveInput, bounds: &[TokenStream]) -> TokenStream {
    let name = &input.ident;
    let shown = name.to_string();
    let (serde, schemars) = (quote!(::stepwell::__private::serde), quote!(::stepwell::__private::schemars));
    let schema = title(&Docs::of_label(&input.attrs));
    let mut copy = input.clone();
    copy.attrs.retain(is_helper);
    copy.vis = parse_quote!();
    copy.ident = Ident::new("Json", name.span());
    copy.generics.where_clause = Some(parse_quote!(where #(#bounds),*));
    if let Data::Struct(data) = &mut copy.data {
        for field in &mut data.fields {
            field.attrs.retain(is_helper);
        }
    }
    quote! {
        const _: () = {
            #[derive(#serde::Serialize, #serde::Deserialize, #schemars::JsonSchema)]
            #[serde(crate = "::stepwell::__private::serde", remote = #shown, rename = #shown, deny_unknown_fields)]
            #[schemars(crate = "::stepwell::__private::schemars")]
            #[allow(dead_code)]
            #schema
            #copy

            #[automatically_derived]
            impl #serde::Serialize for #name where #(#bounds),* {
                fn serialize<S: #serde::Serializer>(
                    &self,
                    serializer: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    Json::serialize(self, serializer)
                }
            }

            #[automatically_derived]
            impl<'de> #serde::Deserialize<'de> for #name where #(#bounds),* {
                fn deserialize<D: #serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    Json::deserialize(deserializer)
                }
            }

            #[automatically_derived]
            impl #schemars::JsonSchema for #name where #(#bounds),* {
                fn inline_schema() -> bool {
                    <Json as #schemars::JsonSchema>::inline_schema()
                }

                fn schema_name() -> ::std::borrow::Cow<'static, str> {
                    <Json as #schemars::JsonSchema>::schema_name()
                }

                fn schema_id() -> ::std::borrow::Cow<'static, str> {
                    <Json as #schemars::JsonSchema>::schema_id()
                }

                fn json_schema(generator: &mut #schemars::SchemaGenerator) -> #schemars::Schema {
                    <Json as #schemars::JsonSchema>::json_schema(generator)
                }
            }
        };
    }
}

fn fields(input: &DeriveInput) -> Vec<&Ident> {
    match &input.data {
        Data::Struct(data) => data.fields.iter().filter_map(|field| field.ident.as_ref()).collect(),
        Data::Enum(_) | Data::Union(_) => Vec::new(),
    }
}

fn is_helper(attribute: &Attribute) -> bool {
    attribute.path().is_ident("serde") || attribute.path().is_ident("schemars")
}
