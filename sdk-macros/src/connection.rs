//! `#[connection(…)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Data, DeriveInput, Expr, ExprArray, ExprLit, Fields, Lit, LitStr, Token};

use crate::arguments::Arguments;
use crate::block::app;
use crate::case;
use crate::data::{derives_of_secret, label_fields, title};
use crate::docs::{Docs, optional};
use crate::mistakes::Mistakes;
use crate::suggest;

const ARGUMENTS: [&str; 7] = ["id", "app", "title", "bearer", "basic", "header", "oauth2"];
/// The field that the engine fills with the token of OAuth 2.
const ACCESS_TOKEN: &str = "access_token";

/// Expands the attribute.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let mut arguments = Arguments::read(arguments, "connection", &ARGUMENTS, &mut mistakes);
    let Some(mut input) = mistakes.keep(syn::parse2::<DeriveInput>(item.clone())) else {
        let errors = mistakes.into_compile_errors();
        return quote!(#item #errors);
    };
    let fields = fields(&input, &mut mistakes);
    let method = Method::read(&input, &fields, &mut arguments, &mut mistakes);
    let docs = Docs::of_label(&input.attrs);
    let ident = input.ident.unraw().to_string();
    let name = name(&ident, &mut arguments, &mut mistakes);
    let app = app(&mut arguments, &mut mistakes);
    let given = arguments.text("title", &mut mistakes).as_ref().map(LitStr::value);
    let title_text = given.or_else(|| docs.title.clone()).unwrap_or_else(|| case::title(&ident));
    if let Data::Struct(data) = &mut input.data {
        label_fields(&mut data.fields);
    }
    if !mistakes.is_empty() {
        let errors = mistakes.into_compile_errors();
        return quote!(#[allow(dead_code)] #item #errors);
    }
    let (derives, schema) = (derives_of_secret(), title(&docs));
    let (ty, description) = (&input.ident, optional(docs.description.as_ref()));
    let (kind, authorize) = (method.kind(), method.authorize());
    let shown = ty.to_string();
    quote! {
        #derives
        #schema
        #input

        #[automatically_derived]
        impl ::core::fmt::Debug for #ty {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.write_str(#shown)
            }
        }

        #[automatically_derived]
        impl ::stepwell::connection::Connection for #ty {
            const ID: ::core::option::Option<&'static str> =
                ::core::option::Option::Some(::core::concat!(#app, "/", #name));

            fn from_credentials(
                credentials: ::stepwell::__private::serde_json::Value,
            ) -> ::core::result::Result<Self, ::stepwell::__private::serde_json::Error> {
                ::stepwell::__private::serde_json::from_value(credentials)
            }

            fn to_credentials(
                &self,
            ) -> ::core::result::Result<
                ::stepwell::__private::serde_json::Value,
                ::stepwell::__private::serde_json::Error,
            > {
                ::stepwell::__private::serde_json::to_value(self)
            }

            #authorize
        }

        const _: () = {
            ::stepwell::__private::inventory::submit! {
                ::stepwell::connection::ConnectionDefinition {
                    app: #app,
                    app_version: ::core::env!("CARGO_PKG_VERSION"),
                    name: #name,
                    title: #title_text,
                    description: #description,
                    source: ::core::concat!(::core::file!(), ":", ::core::line!()),
                    method: #kind,
                    credentials: ::stepwell::__private::credential::schema::<#ty>,
                }
            }
        };
    }
}

fn name(ident: &str, arguments: &mut Arguments, mistakes: &mut Mistakes) -> String {
    let Some(id) = arguments.text("id", mistakes) else { return case::kebab(ident) };
    if !case::is_separated_by(&id.value(), '-') {
        let message =
            format!("the id `{}` is not in kebab-case; write `{}`", id.value(), case::kebab(&id.value()));
        mistakes.at(&id, message);
    }
    id.value()
}

/// The names of the fields.
fn fields(input: &DeriveInput, mistakes: &mut Mistakes) -> Vec<Ident> {
    if !input.generics.params.is_empty() {
        mistakes.at(&input.generics, "a connection has no generics, since its form is fixed; name the types");
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().filter_map(|field| field.ident.clone()).collect(),
            Fields::Unnamed(_) | Fields::Unit => {
                let name = &input.ident;
                let message = format!(
                    "a connection has named fields, which a person fills in; write `struct {name} {{ api_key: Secret<String> }}`"
                );
                mistakes.at(name, message);
                Vec::new()
            }
        },
        Data::Enum(_) | Data::Union(_) => {
            mistakes.at(&input.ident, "a connection is a struct with named fields; make this one");
            Vec::new()
        }
    }
}

/// How the credentials come about and are used.
enum Method {
    Fields,
    Bearer(Ident),
    Basic(Ident, Ident),
    Header(LitStr, Ident),
    OAuth2 { authorize_url: LitStr, token_url: LitStr, scopes: Vec<LitStr>, access_token: Ident },
}

impl Method {
    fn read(
        input: &DeriveInput,
        fields: &[Ident],
        arguments: &mut Arguments,
        mistakes: &mut Mistakes,
    ) -> Self {
        let bearer: Option<Ident> = arguments.value("bearer", "bearer = api_key", mistakes);
        let basic = basic(arguments, mistakes);
        let header = header(arguments, mistakes);
        let oauth2 = arguments.list("oauth2", mistakes);
        let mut methods = Vec::new();
        if let Some(field) = bearer {
            check_field(&field, fields, mistakes);
            methods.push((field.clone(), Self::Bearer(field)));
        }
        if let Some((user, password)) = basic {
            check_field(&user, fields, mistakes);
            check_field(&password, fields, mistakes);
            methods.push((user.clone(), Self::Basic(user, password)));
        }
        if let Some((name, field)) = header {
            check_field(&field, fields, mistakes);
            methods.push((field.clone(), Self::Header(name, field)));
        }
        if let Some((at, list)) = oauth2
            && let Some(method) = Self::oauth2(input, fields, &at, list, mistakes)
        {
            methods.push((at, method));
        }
        for (at, _) in methods.iter().skip(1) {
            mistakes.at(
                at,
                "a connection is used in one way; keep one of `bearer`, `basic`, `header` and `oauth2`",
            );
        }
        methods.into_iter().next().map_or(Self::Fields, |(_, method)| method)
    }

    fn oauth2(
        input: &DeriveInput,
        fields: &[Ident],
        at: &Ident,
        list: TokenStream,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let known = ["authorize_url", "token_url", "scopes"];
        let mut arguments = Arguments::read(list, "oauth2", &known, mistakes);
        let authorize_url = url("authorize_url", at, &mut arguments, mistakes);
        let token_url = url("token_url", at, &mut arguments, mistakes);
        let scopes = scopes(&mut arguments, mistakes);
        let access_token = fields.iter().find(|field| *field == ACCESS_TOKEN).cloned();
        if access_token.is_none() {
            let message =
                "the engine puts the token of OAuth 2 into a field; add `access_token: Secret<String>`";
            mistakes.at(&input.ident, message);
        }
        Some(Self::OAuth2 {
            authorize_url: authorize_url?,
            token_url: token_url?,
            scopes,
            access_token: access_token?,
        })
    }

    /// An expression of type `Method`.
    fn kind(&self) -> TokenStream {
        let method = quote!(::stepwell::connection::Method);
        match self {
            Self::Fields => quote!(#method::Fields),
            Self::Bearer(_) => quote!(#method::Bearer),
            Self::Basic(..) => quote!(#method::Basic),
            Self::Header(name, _) => quote!(#method::Header(#name)),
            Self::OAuth2 { authorize_url, token_url, scopes, .. } => quote! {
                #method::OAuth2(::stepwell::connection::OAuth2 {
                    authorize_url: #authorize_url,
                    token_url: #token_url,
                    scopes: &[#(#scopes),*],
                })
            },
        }
    }

    /// The method `authorize`, unless the default will do.
    fn authorize(&self) -> TokenStream {
        let credential = quote!(::stepwell::__private::credential);
        let body = match self {
            Self::Fields => return TokenStream::new(),
            Self::Bearer(field) | Self::OAuth2 { access_token: field, .. } => {
                quote_spanned!(field.span()=> #credential::bearer(request, &self.#field))
            }
            Self::Basic(user, password) => {
                quote_spanned!(user.span()=> #credential::basic(request, &self.#user, &self.#password))
            }
            Self::Header(name, field) => {
                quote_spanned!(field.span()=> #credential::header(request, #name, &self.#field))
            }
        };
        quote! {
            fn authorize(
                &self,
                request: ::stepwell::http_client::RequestBuilder,
            ) -> ::stepwell::http_client::RequestBuilder {
                #body
            }
        }
    }
}

fn check_field(field: &Ident, fields: &[Ident], mistakes: &mut Mistakes) {
    if fields.iter().any(|known| known == field) {
        return;
    }
    let names: Vec<String> = fields.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    mistakes.at(field, format!("there is no field `{field}`; {}", suggest::mend(&field.to_string(), &names)));
}

/// `basic(user, password)`.
fn basic(arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<(Ident, Ident)> {
    let (at, list) = arguments.list("basic", mistakes)?;
    let parsed = Punctuated::<Ident, Token![,]>::parse_terminated.parse2(list);
    let fields: Vec<Ident> = parsed.into_iter().flatten().collect();
    if let [user, password] = fields.as_slice() {
        return Some((user.clone(), password.clone()));
    }
    mistakes.at(at, "`basic` names two fields; write `basic(user, password)`");
    None
}

/// `header("X-Api-Key" = api_key)`.
fn header(arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<(LitStr, Ident)> {
    let (at, list) = arguments.list("header", mistakes)?;
    let parse = |input: syn::parse::ParseStream<'_>| {
        let name: LitStr = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok((name, input.parse::<Ident>()?))
    };
    let Ok((name, field)) = parse.parse2(list) else {
        mistakes.at(at, "`header` names a header and a field; write `header(\"X-Api-Key\" = api_key)`");
        return None;
    };
    let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if name.value().is_empty() || !name.value().chars().all(letter) {
        mistakes
            .at(&name, format!("`{}` is not the name of a header; write one like `X-Api-Key`", name.value()));
        return None;
    }
    Some((name, field))
}

fn url(name: &str, at: &Ident, arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<LitStr> {
    let before = mistakes.len();
    let Some(url) = arguments.text(name, mistakes) else {
        if mistakes.len() == before {
            mistakes.at(at, format!("`oauth2` needs `{name}`; add `{name} = \"https://…\"`"));
        }
        return None;
    };
    if !url.value().starts_with("https://") {
        mistakes.at(&url, format!("`{name}` carries secrets, so it begins with `https://`"));
    }
    Some(url)
}

fn scopes(arguments: &mut Arguments, mistakes: &mut Mistakes) -> Vec<LitStr> {
    let example = "scopes = [\"repo\"]";
    let Some(list) = arguments.value::<ExprArray>("scopes", example, mistakes) else { return Vec::new() };
    let mut scopes = Vec::new();
    for scope in list.elems {
        match scope {
            Expr::Lit(ExprLit { lit: Lit::Str(scope), .. }) => scopes.push(scope),
            other => mistakes.at(other, format!("a scope is a text; write `{example}`")),
        }
    }
    scopes
}
