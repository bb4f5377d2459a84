//! `#[config]`.

mod check;
mod field;
mod implement;
mod options;
pub(crate) mod types;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, FieldsNamed, Type};

use self::field::ConfigField;
use crate::mistakes::Mistakes;
use crate::{suggest, within};

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
    let fields = match named(&mut input, &mut mistakes) {
        Some(fields) => decorate(&name, fields, &mut mistakes),
        None => Decorated::default(),
    };
    expand_checked(&input, &fields, mistakes)
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

/// What stands beside the struct.
#[derive(Default)]
struct Decorated {
    names: Vec<String>,
    /// The types of the fields.
    field_types: Vec<Type>,
    /// The functions that give defaults.
    defaults: Vec<TokenStream>,
    /// Checks of the functions that fields name.
    checks: Vec<TokenStream>,
    /// The rules that the config's values must keep.
    rules: Vec<TokenStream>,
    /// What the types of fields must be.
    bounds: Vec<TokenStream>,
}

/// Puts what the fields say into attributes of the derives.
fn decorate(config: &Ident, fields: &mut FieldsNamed, mistakes: &mut Mistakes) -> Decorated {
    let names: Vec<String> =
        fields.named.iter().filter_map(|field| Some(field.ident.as_ref()?.unraw().to_string())).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut defaults, mut checks, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for field in &mut fields.named {
        let Some(read) = ConfigField::read(field, &known, mistakes) else { continue };
        defaults.extend(read.decorate(config, field));
        checks.extend(read.check());
        said.push((read, field.ty.clone()));
    }
    let field_of = |name: &Ident| {
        let of_name = |(read, _): &&(ConfigField, Type)| read.name().0.unraw() == name.unraw();
        let (read, ty) = said.iter().find(of_name)?;
        let (_, default) = read.name();
        Some((ty.clone(), default.map(|default| quote!(#config::#default))))
    };
    let rules = said.iter().filter_map(|(read, _)| read.rule());
    let rules = rules.filter_map(|(ident, rule)| rule.expand(ident, field_of)).collect();
    let bounds = fields.named.iter().filter_map(|field| types::bound(&field.ty, config)).collect();
    let field_types = fields.named.iter().map(|field| field.ty.clone()).collect();
    Decorated { names, field_types, defaults, checks, rules, bounds }
}

/// Checks that the field `ident` may depend on the field `name`.
fn check_other_field(name: &str, at: Span, ident: &Ident, names: &[&str], mistakes: &mut Mistakes) {
    if ident.unraw() == name {
        mistakes.push(syn::Error::new(at, "a field cannot depend on itself; name another field"));
    } else if !names.contains(&name) {
        let others: Vec<&str> = names.iter().copied().filter(|other| ident.unraw() != other).collect();
        let message = format!("there is no field `{name}`; {}", suggest::mend(name, &others));
        mistakes.push(syn::Error::new(at, message));
    }
}

fn expand_checked(input: &DeriveInput, fields: &Decorated, mistakes: Mistakes) -> TokenStream {
    let name = &input.ident;
    if !matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)))
        || !input.generics.params.is_empty()
    {
        let errors = mistakes.into_compile_errors();
        return quote!(#input #errors);
    }
    let Decorated { names, field_types, defaults, checks, rules, bounds } = fields;
    let implementations = implement::implement(input, bounds);
    let plain = implement::without_helpers(input);
    let checks = checks.iter().filter(|_| mistakes.is_empty());
    let checks = quote!(#(#checks)*);
    let has_rules = !rules.is_empty() && mistakes.is_empty();
    let within = within::of_config(has_rules, names.iter().map(String::as_str).zip(field_types));
    let rules =
        has_rules.then(|| quote!(const CHECKS: &'static [::stepwell::config::FieldCheck] = &[#(#rules),*];));
    let errors = mistakes.into_compile_errors();
    quote! {
        #plain

        #implementations

        #[automatically_derived]
        impl ::stepwell::data::Data for #name where #(#bounds),* {}

        #[automatically_derived]
        impl ::stepwell::config::ConfigField for #name where #(#bounds),* { #within }

        #[automatically_derived]
        impl ::stepwell::config::Config for #name where #(#bounds),* {
            const FIELDS: &'static [&'static str] = &[#(#names),*];
            #rules
        }

        #[automatically_derived]
        #[allow(clippy::unnecessary_wraps, reason = "a default has its field's type")]
        impl #name {
            #(#defaults)*
        }

        #checks
        #errors
    }
}
