//! `outcomes(found { email: String }, not_found, other(Data))`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Fields, Type, Visibility, token};

use super::attribute::OutcomeAttribute;
use super::{check_id, derive, variant};
use crate::arguments::split_at_commas;
use crate::case;
use crate::mistakes::Mistakes;

/// The id is the outcome's name.
const ARGUMENTS: [&str; 2] = ["when", "each"];

/// The outcomes that a block declares in its attribute.
pub(crate) struct OutcomeList {
    outcomes: Vec<Outcome>,
    has_mistakes: bool,
}

struct Outcome {
    attributes: Vec<Attribute>,
    id: Ident,
    fields: Fields,
    /// The fields of the config that its attributes name.
    config_fields: Vec<(String, Span)>,
}

impl OutcomeList {
    /// Reads the list. What can be read is kept, so that the enum exists even if a part is wrong.
    pub(crate) fn read(name: &Ident, tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut found = Mistakes::default();
        let mut outcomes: Vec<Outcome> = Vec::new();
        let parts = split_at_commas(tokens);
        if parts.is_empty() {
            found.at(name, "a block has at least one outcome; name it: `outcomes(done)`");
        }
        for part in parts {
            let Some(mut outcome) = found.keep(Outcome::parse.parse2(part)) else { continue };
            let id = outcome.id.unraw().to_string();
            if variant(&id, outcome.id.span()).is_none() {
                found.at(&outcome.id, format!("`{id}` cannot name an outcome; give it another name"));
                continue;
            }
            if outcomes.iter().any(|earlier| case::pascal(&earlier.id.to_string()) == case::pascal(&id)) {
                found.at(&outcome.id, format!("the outcome `{id}` is given twice; remove or rename one"));
                continue;
            }
            check_id(&id, &outcome.id, &mut found);
            if let Fields::Unnamed(fields) = &outcome.fields
                && fields.unnamed.len() != 1
            {
                found.at(
                    fields,
                    format!(
                        "the outcome carries one type, `{id}(Type)`, or named fields, `{id} {{ name: Type }}`"
                    ),
                );
                continue;
            }
            let attribute =
                OutcomeAttribute::read(&outcome.attributes, &ARGUMENTS, (&id, &outcome.fields), &mut found);
            outcome.config_fields = attribute.fields().collect();
            outcomes.push(outcome);
        }
        let has_mistakes = !found.is_empty();
        if has_mistakes {
            mistakes.push_all(found);
        }
        Self { outcomes, has_mistakes }
    }

    /// Checks that the config has the fields that outcomes name.
    pub(crate) fn check_fields(&self, config: &Type) -> TokenStream {
        let fields = self.outcomes.iter().flat_map(|outcome| &outcome.config_fields);
        let checks = fields.map(|(name, span)| {
            let config_name = config.to_token_stream().to_string();
            let message = format!("the config `{config_name}` has no field `{name}`; name one that it has");
            quote_spanned! { *span=>
                const _: () = ::core::assert!(
                    ::stepwell::__private::check::has_field(
                        <#config as ::stepwell::config::Config>::FIELDS,
                        #name,
                    ),
                    #message
                );
            }
        });
        quote!(#(#checks)*)
    }

    /// The enum. If the list has mistakes, they were reported: the derive must not report them again.
    pub(crate) fn expand(&self, function: &Ident, visibility: &Visibility) -> TokenStream {
        let name =
            Ident::new(&format!("{}Outcome", case::pascal(&function.unraw().to_string())), function.span());
        let variants = self.outcomes.iter().filter_map(Outcome::expand);
        let doc = format!("The outcomes of [`{function}`].");
        let item = quote_spanned! { function.span()=>
            #[doc = #doc]
            #[allow(missing_docs, clippy::large_enum_variant, reason = "outcomes are described by their titles")]
            #[derive(::core::fmt::Debug)]
            #visibility enum #name { #(#variants),* }
        };
        if self.has_mistakes {
            return derive::emit_unchecked(item);
        }
        quote! { #[derive(::stepwell::Outcomes)] #item }
    }
}

impl Outcome {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let id = input.call(Ident::parse_any).map_err(|error| {
            syn::Error::new(error.span(), "expected an outcome, such as `found { email: String }`")
        })?;
        let fields = if input.peek(token::Brace) {
            Fields::Named(input.parse()?)
        } else if input.peek(token::Paren) {
            Fields::Unnamed(input.parse()?)
        } else {
            Fields::Unit
        };
        if !input.is_empty() {
            return Err(input.error("expected `,`, `{ … }` or `(…)` after the outcome's name"));
        }
        Ok(Self { attributes, id, fields, config_fields: Vec::new() })
    }

    fn expand(&self) -> Option<TokenStream> {
        let Self { attributes, id, fields, .. } = self;
        let name = id.unraw().to_string();
        let variant = variant(&name, id.span())?;
        // The derive reads the id off the variant's name, which loses an underscore before a digit.
        let explicit = (case::snake(&variant.to_string()) != name)
            .then(|| quote_spanned!(id.span()=> #[outcome(id = #name)]));
        Some(quote! { #(#attributes)* #explicit #variant #fields })
    }
}
