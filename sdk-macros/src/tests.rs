//! What the macros expand to, to be read: one snapshot per kind of item.
//!
//! The expansion is text to whoever debugs a block, and a change of it is a change for every author's crate.

use std::mem;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, File, Item, Stmt, parse_quote};

use crate::{config, data, outcomes, step, trigger};

#[test]
fn a_step_without_further_handlers() {
    let item = quote! {
        /// Find an email address
        ///
        /// Asks the provider.
        pub async fn find_email(config: FindEmail, cx: ExecuteContext) -> Result<FindEmailOutcome, StepError> {
            todo!()
        }
    };
    check("step", &step::expand(quote!(outcomes(found { email: String }, not_found)), &item));
}

#[test]
fn a_step_with_every_handler_and_argument() {
    let arguments = quote! {
        finish = receive,
        wake = remind,
        cancel = handlers::forget,
        id = "ask",
        title = "Ask somebody",
        time_limit = "10m",
        concurrency = 4,
        if_interrupted = fail,
        deprecated = "nobody asks any more",
        replaced_by = "tell",
    };
    let item = quote! {
        async fn ask_somebody(config: NoConfig, cx: ExecuteContext<Chat>) -> Result<Execution<Answer, Asked>, StepError> {
            todo!()
        }
    };
    check("step_with_everything", &step::expand(arguments, &item));
}

#[test]
fn a_trigger_with_every_handler_and_argument() {
    let arguments = quote! {
        activate = add,
        deactivate = remove,
        handshake = greet,
        renew = extend,
        tick = poll,
        switch = overlap,
        missed_ticks = skip,
    };
    let item = quote! {
        /// Issue opened
        async fn issue_opened(request: Request, config: Repository, cx: TriggerContext<Webhook>) -> Result<Trigger<Opened, Dedupe>, TriggerError> {
            todo!()
        }
    };
    check("trigger_with_everything", &trigger::expand(arguments, &item));
}

#[test]
fn a_config_with_every_argument() {
    let item = quote! {
        /// Who to look for.
        pub struct FindEmail {
            /// First name
            ///
            /// As in the passport.
            #[field(placeholder = "Ada", default = "Ada")]
            first_name: String,
            company: Option<String>,
            #[field(multiline, show_if = "company", check = is_short(first_name))]
            notes: Option<String>,
        }
    };
    check("config", &config::expand(TokenStream::new(), &item));
}

#[test]
fn an_enum_of_data() {
    let item = quote! {
        /// How an answer came
        enum Answer {
            /// By mail
            Mail { address: String },
            Never,
        }
    };
    check("data", &data::expand(TokenStream::new(), &item));
}

#[test]
fn outcomes_that_blocks_share() {
    let item = quote! {
        enum Answer {
            /// Found
            Found { email: String },
            #[outcome(id = "nothing")]
            NotFound,
            Several(Vec<String>),
        }
    };
    check("outcomes", &outcomes::derive(item));
}

#[test]
fn a_step_with_mistakes_is_emitted_all_the_same() {
    let arguments = quote!(outcomes(found, NotFound), cancel = forget, titel = "Find");
    let item = quote! {
        fn find(config: NoConfig) -> FindOutcome {
            todo!()
        }
    };
    check("step_with_mistakes", &step::expand(arguments, &item));
}

fn check(name: &str, expansion: &TokenStream) {
    let mut file: File = syn::parse2(expansion.clone()).expect("an expansion is items");
    let registration = file.items.iter_mut().find_map(take_registration);
    let mut text = prettyplease::unparse(&file);
    if let Some(registration) = registration {
        text = text.replace(HERE, &pretty(&registration));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

/// Where the registration stood.
const HERE: &str = "registration_of_the_block";

/// Takes out what is given to `submit!`, since what is given to a macro is not formatted.
fn take_registration(item: &mut Item) -> Option<Expr> {
    let Item::Const(item) = item else { return None };
    let Expr::Block(block) = &mut *item.expr else { return None };
    block.block.stmts.iter_mut().find_map(|statement| {
        let Stmt::Macro(submit) = statement else { return None };
        let tokens = mem::replace(&mut submit.mac.tokens, HERE.parse().expect("an identifier"));
        Some(syn::parse2(tokens).expect("a block's definition is an expression"))
    })
}

/// The expression, formatted, without a first indentation.
fn pretty(expression: &Expr) -> String {
    let file: File = parse_quote! { const _: () = { #expression }; };
    let text = prettyplease::unparse(&file);
    let lines = text.lines().skip(1).filter(|line| *line != "};");
    lines.map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n").trim_start().to_owned()
}
