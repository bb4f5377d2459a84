//! One field of a config: its label, its help and `#[field(…)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Field, Lit, LitStr, Type, parse_quote};

use super::check::FieldCheck;
use super::check_other_field;
use super::options::Options;
use super::types::{argument_of_option, last_segment};
use crate::arguments::Arguments;
use crate::case;
use crate::condition::{AllowsText, Condition};
use crate::data::title;
use crate::docs::Docs;
use crate::mistakes::Mistakes;
use crate::suggest;

const ARGUMENTS: [&str; 12] = [
    "label",
    "help",
    "placeholder",
    "default",
    "check",
    "multiline",
    "options",
    "depends_on",
    "show_if",
    "variables",
    "widget",
    "group",
];

/// What a field says of itself.
pub(super) struct ConfigField {
    ident: Ident,
    docs: Docs,
    placeholder: Option<LitStr>,
    default: Option<Expr>,
    check: Option<FieldCheck>,
    multiline: bool,
    options: Option<Options>,
    show_if: Vec<Condition>,
    variables: Option<LitStr>,
    widget: Option<LitStr>,
    group: Option<LitStr>,
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
        let read = Self {
            docs: docs(field, &ident, &mut arguments, mistakes),
            placeholder: arguments.text("placeholder", mistakes),
            default: arguments.value("default", "default = …", mistakes),
            check: FieldCheck::read(&ident, names, &mut arguments, mistakes),
            multiline: arguments.flag("multiline", mistakes),
            options: Options::read(&ident, &field.ty, names, &mut arguments, mistakes),
            show_if: show_if(&ident, names, &mut arguments, mistakes),
            variables: variables(&mut arguments, mistakes),
            widget: widget(&mut arguments, mistakes),
            group: arguments.text("group", mistakes),
            ident,
        };
        if !read.show_if.is_empty() && read.default.is_none() && argument_of_option(&field.ty).is_none() {
            let message = format!(
                "`{}` has no value while `show_if` hides it; make it `Option<{}>`, or give it a `default`",
                read.ident.unraw(),
                shown(&field.ty)
            );
            mistakes.at(&field.ty, message);
        }
        if let (Some(options), Some(default)) = (&read.options, &read.default) {
            options.check_default(default, mistakes);
        }
        Some(read)
    }

    /// Its name, and the name of the function that gives its default.
    pub(super) fn name(&self) -> (&Ident, Option<Ident>) {
        (&self.ident, self.default.as_ref().map(|_| default_function(&self.ident)))
    }

    /// The rule that the field says it must keep.
    pub(super) fn rule(&self) -> Option<(&Ident, &FieldCheck)> {
        Some((&self.ident, self.check.as_ref()?))
    }

    /// Adds the attributes of the derives. Returns the function that gives the default, if there is one.
    pub(super) fn decorate(&self, config: &Ident, field: &mut Field) -> Option<TokenStream> {
        let title = title(&self.docs);
        field.attrs.push(parse_quote!(#title));
        if let Some(restriction) = self.options.as_ref().and_then(Options::restriction) {
            field.attrs.push(parse_quote!(#restriction));
        }
        if let Some(extension) = self.extension() {
            field.attrs.push(parse_quote!(#[schemars(extend("x-stepwell" = #extension))]));
        }
        let default = self.default.as_ref()?;
        let function = default_function(&self.ident);
        let path = LitStr::new(&format!("{config}::{function}"), self.ident.span());
        field.attrs.push(parse_quote!(#[serde(default = #path)]));
        let ty = &field.ty;
        let value = default_value(default, ty);
        Some(quote! {
            fn #function() -> #ty { #value }
        })
    }

    /// A check of what the field names elsewhere.
    pub(super) fn check(&self) -> Option<TokenStream> {
        self.options.as_ref().and_then(Options::check)
    }

    /// What the schema says for the editor beyond JSON Schema.
    fn extension(&self) -> Option<TokenStream> {
        let text = |key: &str, value: Option<&LitStr>| value.map(|value| quote!(#key: #value));
        let conditions = self.show_if.iter().map(Condition::json);
        let entries: Vec<TokenStream> = [
            text("group", self.group.as_ref()),
            text("widget", self.widget.as_ref()),
            text("placeholder", self.placeholder.as_ref()),
            self.multiline.then(|| quote!("multiline": true)),
            self.options.as_ref().map(Options::hint),
            (!self.show_if.is_empty()).then(|| quote!("show_if": [#(#conditions),*])),
            text("variables", self.variables.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!entries.is_empty()).then(|| quote!({ #(#entries),* }))
    }
}

fn default_function(field: &Ident) -> Ident {
    format_ident!("__default_{}", field.unraw())
}

/// What the doc comment says, unless `label` and `help` say otherwise.
fn docs(field: &Field, ident: &Ident, arguments: &mut Arguments, mistakes: &mut Mistakes) -> Docs {
    let Docs { title, description } = Docs::of_label(&field.attrs);
    let label = arguments.text("label", mistakes).as_ref().map(LitStr::value);
    let help = arguments.text("help", mistakes).as_ref().map(LitStr::value);
    let name = || case::title(&ident.unraw().to_string());
    Docs { title: Some(label.or(title).unwrap_or_else(name)), description: help.or(description) }
}

fn show_if(
    ident: &Ident,
    names: &[&str],
    arguments: &mut Arguments,
    mistakes: &mut Mistakes,
) -> Vec<Condition> {
    let Some((at, given)) = arguments.either("show_if", "show_if = \"field\"", mistakes) else {
        return Vec::new();
    };
    let conditions = Condition::read(&at, given, AllowsText::Yes, mistakes);
    for condition in &conditions {
        check_other_field(&condition.field, condition.span, ident, names, mistakes);
    }
    conditions
}

fn variables(arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<LitStr> {
    let variables = arguments.text("variables", mistakes)?;
    if variables.value() != "never" {
        let mend = suggest::mend(&variables.value(), &["never"]);
        mistakes.at(&variables, format!("`variables` cannot be `{}`; {mend}", variables.value()));
    }
    Some(variables)
}

fn widget(arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<LitStr> {
    let widget = arguments.text("widget", mistakes)?;
    let name = widget.value();
    if !case::is_separated_by(&name, '_') {
        let message = format!("the widget `{name}` is not in snake_case; write `{}`", case::snake(&name));
        mistakes.at(&widget, message);
    }
    Some(widget)
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

/// A type as a person writes it.
fn shown(ty: &Type) -> String {
    ty.to_token_stream().to_string().replace(" < ", "<").replace(" >", ">").replace(" :: ", "::")
}
