//! `options` of a field: a static list, or a function that looks them up.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprArray, ExprLit, ExprPath, ExprUnary, Lit, LitStr, Path, Token, Type, UnOp};

use super::types::{innermost, last_segment};
use crate::arguments::{Arguments, Given};
use crate::mistakes::Mistakes;
use crate::suggest;

const EXAMPLE: &str = "options = [\"a\", (\"b\", \"Label of b\")]";

/// What a person can choose from.
pub(super) enum Options {
    Listed(Vec<Choice>),
    LookedUp { function: Path, depends_on: Vec<String> },
}

/// One value of a static list.
pub(super) struct Choice {
    value: TokenStream,
    /// The value as it is written, without quotes.
    text: String,
    label: String,
}

impl Options {
    /// Reads `options` and `depends_on` of the field `ident`. `names` are the names of all fields.
    pub(super) fn read(
        ident: &Ident,
        ty: &Type,
        names: &[&str],
        arguments: &mut Arguments,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let before = mistakes.len();
        let given: Option<Expr> = arguments.value("options", EXAMPLE, mistakes);
        let absent = given.is_none() && mistakes.len() == before;
        let depends_on = arguments.either("depends_on", "depends_on(workspace)", mistakes);
        let on = depends_on.map(|(at, given)| (dependencies(&at, given, ident, names, mistakes), at));
        if let (Some((_, at)), true) = (&on, absent) {
            mistakes.at(
                at,
                "`depends_on` is about a function that looks options up; add `options = my_function`",
            );
        }
        match (given?, on) {
            (Expr::Path(ExprPath { path, qself: None, .. }), on) => Some(Self::LookedUp {
                function: path,
                depends_on: on.map(|(names, _)| names).unwrap_or_default(),
            }),
            (Expr::Array(array), on) => {
                if let Some((_, at)) = on {
                    let message = "a list depends on nothing; remove `depends_on`, or name a function: `options = my_function`";
                    mistakes.at(at, message);
                }
                listed(&array, ty, mistakes).map(Self::Listed)
            }
            (other, _) => {
                let message =
                    format!("options are a list or a function; write `{EXAMPLE}` or `options = my_function`");
                mistakes.at(other, message);
                None
            }
        }
    }

    /// The entry of `x-stepwell`.
    pub(super) fn hint(&self) -> TokenStream {
        match self {
            Self::Listed(choices) => {
                let choices = choices
                    .iter()
                    .map(|Choice { value, label, .. }| quote!({ "value": #value, "label": #label }));
                quote!("options": [#(#choices),*])
            }
            Self::LookedUp { function, depends_on } => {
                let name = function.segments.last().map(|last| last.ident.unraw().to_string());
                quote!("options_source": { "function": #name, "depends_on": [#(#depends_on),*] })
            }
        }
    }

    /// What makes the schema refuse other values: an attribute of the derive.
    pub(super) fn restriction(&self) -> Option<TokenStream> {
        let Self::Listed(choices) = self else { return None };
        let values = choices.iter().map(|choice| &choice.value);
        Some(quote! {
            #[schemars(transform = |schema: &mut ::stepwell::__private::schemars::Schema| {
                ::stepwell::__private::field::restrict(schema, &[#(::stepwell::__private::serde_json::Value::from(#values)),*]);
            })]
        })
    }

    /// A check that the function is one that looks options up.
    pub(super) fn check(&self) -> Option<TokenStream> {
        let Self::LookedUp { function, .. } = self else { return None };
        Some(quote_spanned! { function.span()=>
            const _: fn() = || ::stepwell::__private::check::options_function(#function);
        })
    }

    /// Checks that a default is one of the listed values.
    pub(super) fn check_default(&self, default: &Expr, mistakes: &mut Mistakes) {
        let Self::Listed(choices) = self else { return };
        let Some((_, text, _)) = literal(default) else { return };
        if !choices.iter().any(|choice| choice.text == text) {
            let known: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
            let mend = suggest::mend(&text, &known);
            mistakes.at(default, format!("the default `{text}` is not among the options; {mend}"));
        }
    }
}

/// The names in `depends_on("a", "b")` or `depends_on = ["a", "b"]`, each with or without quotes.
fn dependencies(
    at: &Ident,
    given: Given,
    ident: &Ident,
    names: &[&str],
    mistakes: &mut Mistakes,
) -> Vec<String> {
    let example = "depends_on(\"workspace\")";
    let parsed = match given {
        Given::List(list) => Punctuated::<Expr, Token![,]>::parse_terminated.parse2(list),
        Given::Value(value) => syn::parse2::<ExprArray>(value).map(|array| array.elems),
    };
    let Ok(parsed) = parsed else {
        mistakes.at(at, format!("`depends_on` names fields; write `{example}`"));
        return Vec::new();
    };
    if parsed.is_empty() {
        mistakes.at(at, format!("`depends_on` names no field; write `{example}`, or remove it"));
    }
    let mut found: Vec<String> = Vec::new();
    for name in parsed {
        let text = match &name {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
            Expr::Path(path) if path.path.get_ident().is_some() => {
                path.path.require_ident().map(|ident| ident.unraw().to_string()).unwrap_or_default()
            }
            _ => {
                mistakes.at(name, format!("`depends_on` names fields; write `{example}`"));
                continue;
            }
        };
        super::check_other_field(&text, name.span(), ident, names, mistakes);
        if found.contains(&text) {
            mistakes.at(name, format!("`{text}` is given twice; remove one"));
        } else {
            found.push(text);
        }
    }
    found
}

fn listed(array: &ExprArray, ty: &Type, mistakes: &mut Mistakes) -> Option<Vec<Choice>> {
    if array.elems.is_empty() {
        mistakes.at(array, format!("nobody could choose from no options; write `{EXAMPLE}`"));
        return None;
    }
    let mut choices: Vec<Choice> = Vec::new();
    for option in &array.elems {
        let (value, label) = match option {
            Expr::Tuple(pair) if pair.elems.len() == 2 => (&pair.elems[0], Some(&pair.elems[1])),
            other => (other, None),
        };
        let label = label.map(|label| match label {
            Expr::Lit(ExprLit { lit: Lit::Str(label), .. }) => Ok(LitStr::value(label)),
            other => Err(other),
        });
        let (Some((tokens, text, kind)), None | Some(Ok(_))) = (literal(value), &label) else {
            let message =
                format!("an option is a text or a whole number, with or without a label; write `{EXAMPLE}`");
            mistakes.at(option, message);
            continue;
        };
        if let Some(message) = misfit(kind, ty) {
            mistakes.at(value, message);
        }
        if choices.iter().any(|earlier| earlier.text == text) {
            mistakes.at(value, format!("the option `{text}` is given twice; remove one"));
        }
        let label = label.and_then(Result::ok).unwrap_or_else(|| text.clone());
        choices.push(Choice { value: tokens, text, label });
    }
    Some(choices)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

/// The value, how it reads, and what it is.
fn literal(value: &Expr) -> Option<(TokenStream, String, Kind)> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some((quote!(#text), text.value(), Kind::Text)),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let number: i64 = number.base10_parse().ok()?;
            Some((quote!(#number), number.to_string(), Kind::Number))
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => {
            let (number, text, Kind::Number) = literal(expr)? else { return None };
            Some((quote!(-#number), format!("-{text}"), Kind::Number))
        }
        _ => None,
    }
}

/// What is wrong with an option of this kind in a field of this type, if that can be seen.
fn misfit(kind: Kind, ty: &Type) -> Option<String> {
    const NUMBERS: [&str; 10] = ["i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize"];
    let name = last_segment(innermost(ty))?.ident.to_string();
    match kind {
        Kind::Number if name == "String" => {
            Some("this option is a number, but the field holds text; put it in quotes".to_owned())
        }
        Kind::Text if NUMBERS.contains(&name.as_str()) => Some(format!(
            "this option is a text, but the field holds a number, `{name}`; write a whole number"
        )),
        _ => None,
    }
}
