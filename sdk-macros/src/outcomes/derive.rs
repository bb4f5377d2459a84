//! `#[derive(Outcomes)]`: variant names become ids, fields become data.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, FieldsNamed, LitStr, Type, Variant};

use super::attribute::OutcomeAttribute;
use super::check_id;
use crate::case;
use crate::condition::Condition;
use crate::docs::{Docs, optional};
use crate::mistakes::Mistakes;

/// Expands the derive.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let Some(input) = mistakes.keep(syn::parse2(input)) else { return mistakes.into_compile_errors() };
    let outcomes = read(&input, &mut mistakes);
    let implementation = implement(&input.ident, &outcomes);
    let errors = mistakes.into_compile_errors();
    quote!(#implementation #errors)
}

/// The enum and its implementation, where the enum's mistakes were reported already.
pub(super) fn emit_unchecked(item: TokenStream) -> TokenStream {
    let Ok(mut input) = syn::parse2::<DeriveInput>(item.clone()) else { return item };
    let outcomes = read(&input, &mut Mistakes::default());
    let implementation = implement(&input.ident, &outcomes);
    if let Data::Enum(data) = &mut input.data {
        for variant in &mut data.variants {
            variant.attrs.retain(|attribute| !attribute.path().is_ident("outcome"));
        }
    }
    quote!(#input #implementation)
}

const ARGUMENTS: [&str; 3] = ["id", "when", "each"];

struct Outcome {
    variant: Ident,
    id: String,
    title: String,
    description: Option<String>,
    data: OutcomeData,
    attribute: OutcomeAttribute,
}

enum OutcomeData {
    None,
    One(Box<Type>),
    Fields(Vec<Field>),
}

struct Field {
    ident: Ident,
    ty: Type,
    docs: Docs,
}

fn read(input: &DeriveInput, mistakes: &mut Mistakes) -> Vec<Outcome> {
    let Data::Enum(data) = &input.data else {
        mistakes.at(&input.ident, "outcomes are the variants of an enum; make this an enum");
        return Vec::new();
    };
    if !input.generics.params.is_empty() {
        mistakes
            .at(&input.generics, "outcomes have no generics, since a manifest describes them; remove these");
    }
    if data.variants.is_empty() {
        mistakes.at(&input.ident, "a block has at least one outcome; add a variant");
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    for variant in &data.variants {
        let Some(outcome) = Outcome::read(variant, mistakes) else { continue };
        if outcomes.iter().any(|earlier| earlier.id == outcome.id) {
            let message = format!("the outcome `{}` is given twice; rename one", outcome.id);
            mistakes.at(&variant.ident, message);
        }
        outcomes.push(outcome);
    }
    outcomes
}

impl Outcome {
    fn read(variant: &Variant, mistakes: &mut Mistakes) -> Option<Self> {
        let name = variant.ident.unraw().to_string();
        let attribute =
            OutcomeAttribute::read(&variant.attrs, &ARGUMENTS, (&name, &variant.fields), mistakes);
        let id = attribute.id.as_ref().map_or_else(|| case::snake(&name), LitStr::value);
        match &attribute.id {
            Some(literal) => check_id(&id, literal, mistakes),
            None => check_id(&id, &variant.ident, mistakes),
        }
        let data = match &variant.fields {
            Fields::Unit => OutcomeData::None,
            Fields::Named(fields) => OutcomeData::Fields(named(fields)),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                OutcomeData::One(Box::new(fields.unnamed[0].ty.clone()))
            }
            Fields::Unnamed(fields) => {
                mistakes.at(fields, "an outcome carries one type, or named fields; name these");
                return None;
            }
        };
        let Docs { title, description } = Docs::of_label(&variant.attrs);
        let title = title.unwrap_or_else(|| case::title(&id));
        Some(Self { variant: variant.ident.clone(), id, title, description, data, attribute })
    }
}

fn named(fields: &FieldsNamed) -> Vec<Field> {
    let field = |field: &syn::Field| {
        Some(Field { ident: field.ident.clone()?, ty: field.ty.clone(), docs: Docs::of_label(&field.attrs) })
    };
    fields.named.iter().filter_map(field).collect()
}

fn implement(name: &Ident, outcomes: &[Outcome]) -> TokenStream {
    let descriptions = outcomes.iter().map(Outcome::describe);
    let arms = outcomes.iter().map(Outcome::arm);
    quote! {
        #[automatically_derived]
        impl ::stepwell::outcome::Outcomes for #name {
            fn descriptions() -> ::std::vec::Vec<::stepwell::outcome::OutcomeDescription> {
                ::std::vec![#(#descriptions),*]
            }

            fn into_outcome(
                self,
            ) -> ::core::result::Result<
                ::stepwell::outcome::Outcome,
                ::stepwell::__private::serde_json::Error,
            > {
                match self { #(#arms)* }
            }
        }
    }
}

impl Outcome {
    fn describe(&self) -> TokenStream {
        let Self { id, title, description, data, attribute, .. } = self;
        let description = optional(description.as_ref());
        let schema = match data {
            OutcomeData::None => quote!(::core::option::Option::None),
            OutcomeData::One(ty) if attribute.carries_name => {
                quote_spanned!(ty.span()=> ::stepwell::__private::outcome::named_schema::<#ty>())
            }
            OutcomeData::One(ty) => {
                quote!(::core::option::Option::Some(::stepwell::__private::outcome::schema::<#ty>()))
            }
            OutcomeData::Fields(fields) => {
                let fields = fields.iter().map(|Field { ident, ty, docs }| {
                    let name = ident.unraw().to_string();
                    let (title, description) =
                        (optional(docs.title.as_ref()), optional(docs.description.as_ref()));
                    quote_spanned!(ty.span()=> .field::<#ty>(#name, #title, #description))
                });
                quote! {
                    ::core::option::Option::Some(
                        ::stepwell::__private::outcome::FieldSchemas::new() #(#fields)* .into_schema()
                    )
                }
            }
        };
        let conditions: Vec<TokenStream> = attribute.when.iter().map(Condition::construct).collect();
        let when = (!conditions.is_empty()).then(|| quote!(.when(::std::vec![#(#conditions),*])));
        let each = attribute.each.as_ref().map(|field| quote!(.each(#field)));
        quote!(::stepwell::__private::outcome::describe(#id, #title, #description, #schema) #when #each)
    }

    fn arm(&self) -> TokenStream {
        let Self { variant, id, data, attribute, .. } = self;
        match data {
            OutcomeData::None => quote! {
                Self::#variant => ::core::result::Result::Ok(::stepwell::__private::outcome::without_data(#id)),
            },
            OutcomeData::One(ty) if attribute.carries_name => quote_spanned! { ty.span()=>
                Self::#variant(data) => ::stepwell::__private::outcome::named(data),
            },
            OutcomeData::One(ty) => quote_spanned! { ty.span()=>
                Self::#variant(data) => ::stepwell::__private::outcome::with_data(#id, &data),
            },
            OutcomeData::Fields(fields) => {
                let binding =
                    |(index, field): (usize, &Field)| format_ident!("field_{index}", span = field.ty.span());
                let bindings: Vec<Ident> = fields.iter().enumerate().map(binding).collect();
                let idents = fields.iter().map(|field| &field.ident);
                let values = fields.iter().zip(&bindings).map(|(Field { ident, ty, .. }, binding)| {
                    let name = ident.unraw().to_string();
                    quote_spanned!(ty.span()=> .field(#name, &#binding)?)
                });
                quote! {
                    Self::#variant { #(#idents: #bindings),* } => ::core::result::Result::Ok(
                        ::stepwell::__private::outcome::FieldValues::new() #(#values)* .into_outcome(#id)
                    ),
                }
            }
        }
    }
}
