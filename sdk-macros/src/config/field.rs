//! One field of a config: its label, its help and `#[field(…)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Expr, ExprLit, Field, GenericArgument, Lit, LitStr, PathArguments, PathSegment, Type, parse_quote,
};

use crate::arguments::Arguments;
use crate::case;
use crate::data::title;
use crate::docs::Docs;
use crate::mistakes::Mistakes;
use crate::suggest;

const ARGUMENTS: [&str; 4] = ["placeholder", "default", "multiline", "show_if"];

/// What a field says of itself.
pub(super) struct ConfigField {
    ident: Ident,
    docs: Docs,
    placeholder: Option<LitStr>,
    default: Option<Expr>,
    multiline: bool,
    show_if: Option<LitStr>,
}

impl ConfigField {
    /// Reads the field and removes its `#[field(…)]`. `names` are the names of all fields.
    pub(super) fn read(field: &mut Field, names: &[&str], mistakes: &mut Mistakes) -> Option<Self> {
        let ident = field.ident.clone()?;
        let mut tokens = TokenStream::new();
        field.attrs.retain(|attribute| {
            let is_ours = attribute.path().is_ident("field");
            if is_ours && let Some(list) = mistakes.keep(attribute.meta.require_list()) {
                let list = &list.tokens;
                tokens.extend(quote!(#list,));
            }
            !is_ours
        });
        let mut arguments = Arguments::read(tokens, "field", &ARGUMENTS, mistakes);
        let mut docs = Docs::of_label(&field.attrs);
        docs.title.get_or_insert_with(|| case::title(&ident.unraw().to_string()));
        let show_if = arguments.text("show_if", mistakes);
        check_show_if(show_if.as_ref(), &ident, names, mistakes);
        Some(Self {
            docs,
            placeholder: arguments.text("placeholder", mistakes),
            default: arguments.value("default", "default = …", mistakes),
            multiline: arguments.flag("multiline", mistakes),
            show_if,
            ident,
        })
    }

    /// Adds the attributes of the derives. Returns the function that gives the default, if there is one.
    pub(super) fn decorate(&self, config: &Ident, field: &mut Field) -> Option<TokenStream> {
        let title = title(&self.docs);
        field.attrs.push(parse_quote!(#title));
        if let Some(extension) = self.extension() {
            field.attrs.push(parse_quote!(#[schemars(extend("x-stepwell" = #extension))]));
        }
        let default = self.default.as_ref()?;
        let function = format_ident!("__default_{}", self.ident.unraw());
        let path = LitStr::new(&format!("{config}::{function}"), self.ident.span());
        field.attrs.push(parse_quote!(#[serde(default = #path)]));
        let ty = &field.ty;
        let value = default_value(default, ty);
        Some(quote! {
            fn #function() -> #ty { #value }
        })
    }

    /// What the schema says for the editor beyond JSON Schema.
    fn extension(&self) -> Option<TokenStream> {
        let text = |key: &str, value: Option<&LitStr>| value.map(|value| quote!(#key: #value));
        let entries: Vec<TokenStream> = [
            text("placeholder", self.placeholder.as_ref()),
            self.multiline.then(|| quote!("multiline": true)),
            text("show_if", self.show_if.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!entries.is_empty()).then(|| quote!({ #(#entries),* }))
    }
}

fn check_show_if(show_if: Option<&LitStr>, ident: &Ident, names: &[&str], mistakes: &mut Mistakes) {
    let Some(show_if) = show_if else { return };
    let name = show_if.value();
    if ident.unraw() == name {
        mistakes.at(show_if, "a field cannot depend on itself; name another field");
    } else if !names.contains(&name.as_str()) {
        let others: Vec<&str> = names.iter().copied().filter(|other| ident.unraw() != other).collect();
        mistakes.at(show_if, format!("there is no field `{name}`; {}", suggest::mend(&name, &others)));
    }
}

/// The default in the field's type: a literal of a `String` becomes owned, and `Option` is filled.
fn default_value(default: &Expr, ty: &Type) -> TokenStream {
    if let Some(inner) = argument_of_option(ty) {
        let value = default_value(default, inner);
        return quote_spanned!(default.span()=> ::core::option::Option::Some(#value));
    }
    match default {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. })
            if last_segment(ty).is_some_and(|last| last.ident == "String") =>
        {
            quote_spanned!(default.span()=> ::std::string::String::from(#default))
        }
        _ => quote!(#default),
    }
}

fn argument_of_option(ty: &Type) -> Option<&Type> {
    let option = last_segment(ty).filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &option.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    let Type::Path(path) = ty else { return None };
    path.path.segments.last()
}
