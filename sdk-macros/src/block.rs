//! What steps and triggers have in common: the item, the identity, the registration.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{ItemFn, LitStr, Path};

use crate::arguments::Arguments;
use crate::case;
use crate::docs::{Docs, optional, optional_tokens};
use crate::limit;
use crate::mistakes::Mistakes;
use crate::outcomes::OutcomeList;

/// What a block is called.
pub(crate) struct Identity {
    /// An expression of type `&str`: the crate, unless the block says otherwise.
    app: TokenStream,
    function: Ident,
    name: String,
    /// The author's tokens for the name.
    name_span: Span,
    title: String,
    description: Option<String>,
    /// An expression of type `Option<Deprecation>`.
    deprecation: TokenStream,
    /// An expression of type `Option<Duration>`.
    time_limit: TokenStream,
}

impl Identity {
    /// Reads the function's name and doc comment, and the arguments that replace them.
    pub(crate) fn read(function: &ItemFn, arguments: &mut Arguments, mistakes: &mut Mistakes) -> Self {
        let ident = function.sig.ident.unraw().to_string();
        let id = arguments.text("id", mistakes);
        if let Some(id) = &id
            && !case::is_separated_by(&id.value(), '-')
        {
            let message =
                format!("the id `{}` is not in kebab-case; write `{}`", id.value(), case::kebab(&id.value()));
            mistakes.at(id, message);
        }
        let docs = Docs::of_block(&function.attrs);
        let title = arguments.text("title", mistakes).as_ref().map(LitStr::value).or(docs.title);
        Self {
            app: app(arguments, mistakes),
            function: function.sig.ident.clone(),
            name_span: id.as_ref().map_or_else(|| function.sig.ident.span(), LitStr::span),
            name: id.as_ref().map_or_else(|| case::kebab(&ident), LitStr::value),
            title: title.unwrap_or_else(|| case::title(&ident)),
            description: docs.description,
            deprecation: deprecation(arguments, mistakes),
            time_limit: limit::time_limit(arguments, mistakes),
        }
    }

    /// Registers the block. `handlers` is an expression of type `Handlers`.
    pub(crate) fn register(
        &self,
        config: &syn::Type,
        connection: &TokenStream,
        outcomes: &TokenStream,
        handlers: &TokenStream,
    ) -> TokenStream {
        let Self { app, function, name, name_span: _, title, description, deprecation, time_limit } = self;
        let description = optional(description.as_ref());
        let only_one = self.only_one();
        quote! {
            #only_one
            const _: () = {
                ::stepwell::__private::inventory::submit! {
                    ::stepwell::block::BlockDefinition {
                        app: #app,
                        app_version: ::core::env!("CARGO_PKG_VERSION"),
                        name: #name,
                        title: #title,
                        description: #description,
                        function: ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#function)),
                        source: ::core::concat!(::core::file!(), ":", ::core::line!()),
                        deprecation: #deprecation,
                        connection: <#connection as ::stepwell::connection::Connection>::ID,
                        connection_optional: <#connection as ::stepwell::connection::Connection>::OPTIONAL,
                        time_limit: #time_limit,
                        config: ::stepwell::__private::check::config_schema::<#config>,
                        checks: <#config as ::stepwell::config::Config>::checks,
                        outcomes: <#outcomes as ::stepwell::outcome::Outcomes>::descriptions,
                        handlers: #handlers,
                    }
                }
            };
        }
    }

    /// An item that a module can have once, whose name is the message if it has it twice.
    ///
    /// Blocks of different modules do not see each other here; an engine compares all ids when it starts.
    fn only_one(&self) -> TokenStream {
        let name = format!("two_blocks_have_the_id_{}", self.name.replace('-', "_"));
        let name = Ident::new(&name, self.name_span);
        quote_spanned! { self.name_span=>
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals)]
            const #name: () = ();
        }
    }
}

/// An expression of type `&str`, which `concat!` takes too: the crate, unless `app` names another.
pub(crate) fn app(arguments: &mut Arguments, mistakes: &mut Mistakes) -> TokenStream {
    let app = arguments.text("app", mistakes);
    app.map_or_else(|| quote!(::core::env!("CARGO_PKG_NAME")), |app| quote!(#app))
}

fn deprecation(arguments: &mut Arguments, mistakes: &mut Mistakes) -> TokenStream {
    let deprecated = arguments.text("deprecated", mistakes);
    let replaced_by = arguments.text("replaced_by", mistakes);
    if let Some(name) = &replaced_by
        && !case::is_separated_by(&name.value(), '-')
    {
        let message = format!(
            "`replaced_by` is the id of a block of this crate, in kebab-case; write `{}`",
            case::kebab(&name.value())
        );
        mistakes.at(name, message);
    }
    if deprecated.is_none() && replaced_by.is_none() {
        return quote!(::core::option::Option::None);
    }
    let (message, replaced_by) = (optional_tokens(deprecated), optional_tokens(replaced_by));
    quote! {
        ::core::option::Option::Some(::stepwell::block::Deprecation {
            message: #message,
            replaced_by: #replaced_by,
        })
    }
}

/// The function under the attribute, or what to emit instead: the item as it is, with the mistake.
pub(crate) fn function(item: &TokenStream, attribute: &str) -> Result<ItemFn, TokenStream> {
    syn::parse2(item.clone()).map_err(|error| {
        let is_function = item.clone().into_iter().any(|token| token.to_string() == "fn");
        let error = if is_function {
            error
        } else {
            syn::Error::new_spanned(
                item,
                format!("`#[{attribute}]` goes on an async function; move it there"),
            )
        };
        let error = error.to_compile_error();
        quote!(#item #error)
    })
}

/// Reads `outcomes(…)`, if it is there.
pub(crate) fn outcomes(arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<OutcomeList> {
    let (name, list): (Ident, TokenStream) = arguments.list("outcomes", mistakes)?;
    Some(OutcomeList::read(&name, list, mistakes))
}

/// The item, its outcomes, and either the registration or the mistakes.
pub(crate) fn assemble(
    function: &ItemFn,
    outcomes: Option<&OutcomeList>,
    registration: Option<TokenStream>,
    mistakes: Mistakes,
) -> TokenStream {
    let outcomes = outcomes.map(|outcomes| outcomes.expand(&function.sig.ident, &function.vis));
    if let Some(registration) = registration.filter(|_| mistakes.is_empty()) {
        return quote! {
        #[allow(clippy::unused_async, reason = "a block is async, whether it waits or not")]
        #function #outcomes #registration };
    }
    let errors = mistakes.into_compile_errors();
    // What nothing registers would be called unused, beside the mistake.
    quote! { #[allow(dead_code)] #function #outcomes #errors }
}

/// An optional handler's erased form: `call` with these parameters and with `handler`. `call` receives the span of
/// the handler's name.
pub(crate) fn handler(
    path: Option<&Path>,
    parameters: &TokenStream,
    call: impl FnOnce(Span, &TokenStream) -> TokenStream,
) -> TokenStream {
    let Some(path) = path else { return quote!(::core::option::Option::None) };
    // The parameters keep the hygiene of the expansion: a `macro_rules!` may have given the path.
    let call = call(path.span(), parameters);
    let named = quote_spanned!(path.span()=> let handler = ::stepwell::__private::handler::named(#path););
    quote!(::core::option::Option::Some(|#parameters| { #named #call }))
}
