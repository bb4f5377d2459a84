//! `#[step(…)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{ItemFn, Path, PathArguments, Type};

use crate::arguments::Arguments;
use crate::block::{self, Identity, handler};
use crate::function::{Shape, Signature, call_at, projection};
use crate::limit;
use crate::mistakes::Mistakes;
use crate::outcomes::OutcomeList;

const ARGUMENTS: [&str; 12] = [
    "outcomes",
    "finish",
    "wake",
    "cancel",
    "id",
    "title",
    "app",
    "time_limit",
    "concurrency",
    "if_interrupted",
    "deprecated",
    "replaced_by",
];

const SHAPE: Shape = Shape {
    kind: "step",
    parameters: "(config: MyConfig, cx: ExecuteContext)",
    given: &[None, Some("ExecuteContext")],
    returns: "Result<MyOutcome, StepError>",
};

/// Expands the attribute.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let function = match block::function(item, "step") {
        Ok(function) => function,
        Err(instead) => return instead,
    };
    let mut mistakes = Mistakes::default();
    let mut arguments = Arguments::read(arguments, "step", &ARGUMENTS, &mut mistakes);
    let outcomes = block::outcomes(&mut arguments, &mut mistakes);
    let registration =
        Step::read(&function, &mut arguments, &mut mistakes).map(|step| step.register(outcomes.as_ref()));
    block::assemble(&function, outcomes.as_ref(), registration, mistakes)
}

/// A step without mistakes that can be seen in its tokens.
struct Step<'a> {
    function: &'a ItemFn,
    identity: Identity,
    signature: Signature,
    finish: Option<Path>,
    wake: Option<Path>,
    cancel: Option<Path>,
    fails_if_interrupted: bool,
    /// An expression of type `Option<u32>`.
    concurrency: TokenStream,
}

impl<'a> Step<'a> {
    fn read(function: &'a ItemFn, arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<Self> {
        let identity = Identity::read(function, arguments, mistakes);
        let finish: Option<Path> = arguments.value("finish", "finish = my_finish", mistakes);
        let wake: Option<Path> = arguments.value("wake", "wake = my_wake", mistakes);
        let cancel: Option<Path> = arguments.value("cancel", "cancel = my_cancel", mistakes);
        let interrupted = arguments.choice("if_interrupted", &["repeat", "fail"], mistakes);
        let concurrency = limit::concurrency(arguments, mistakes);
        if let (None, None, Some(cancel)) = (&finish, &wake, &cancel) {
            mistakes.at(
                cancel,
                "`cancel` tears down a deferred execution, which only a step with `finish` or `wake` has; add `finish = my_finish`",
            );
        }
        let signature = Signature::read(function, &SHAPE, mistakes)?;
        let fails_if_interrupted = interrupted.is_some_and(|word| word == "fail");
        Some(Self { function, identity, signature, finish, wake, cancel, fails_if_interrupted, concurrency })
    }

    fn register(&self, list: Option<&OutcomeList>) -> TokenStream {
        let Signature { config, context, result, returned, .. } = &self.signature;
        let step_result = quote!(::stepwell::step::StepResult);
        let outcomes = projection(result, &step_result, "Outcomes");
        let state = projection(result, &step_result, "State");
        let connection =
            projection(context, &quote!(::stepwell::__private::check::StepContext), "Connection");
        let name = &self.function.sig.ident;
        let (schema, store) = if self.finish.is_none() && self.wake.is_none() {
            (quote!(::core::option::Option::None), quote!(::stepwell::__private::adapt::no_state::<#state>))
        } else {
            let schema = if shows_state(result) { quote!(state_schema) } else { quote!(deferred_schema) };
            (
                quote!(::core::option::Option::Some(::stepwell::__private::check::#schema::<#state>)),
                quote!(::stepwell::__private::adapt::store_state::<#state>),
            )
        };
        let inferred = quote_spanned!(name.span()=> _, _);
        let execute = call_at(
            result,
            &quote!(::stepwell::__private::adapt::execute),
            &quote!(#config, #context, #result, #returned, #inferred),
            &quote!(invocation, #name, #store),
        );
        let finish =
            handler(self.finish.as_ref(), &quote!(invocation, request, state), |span, parameters| {
                quote_spanned! { span=>
                    ::stepwell::__private::adapt::finish::<#config, #connection, #state, #outcomes, _, _, _>(
                        #parameters, handler
                    )
                }
            });
        let wake = handler(self.wake.as_ref(), &quote!(invocation, state), |span, parameters| {
            quote_spanned! { span=>
                ::stepwell::__private::adapt::wake::<#config, #connection, #state, #outcomes, _, _, _>(
                    #parameters, handler
                )
            }
        });
        let cancel = handler(self.cancel.as_ref(), &quote!(invocation, state), |span, parameters| {
            quote_spanned! { span=>
                ::stepwell::__private::adapt::cancel::<#config, #connection, #state, _, _, _>(
                    #parameters, handler
                )
            }
        });
        let if_interrupted = if self.fails_if_interrupted { quote!(Fail) } else { quote!(Repeat) };
        let concurrency = &self.concurrency;
        let handlers = quote! {
            ::stepwell::block::Handlers::Step(::stepwell::block::StepHandlers {
                state: #schema,
                if_interrupted: ::stepwell::block::IfInterrupted::#if_interrupted,
                concurrency: #concurrency,
                execute: |invocation| #execute,
                finish: #finish,
                wake: #wake,
                cancel: #cancel,
            })
        };
        let registration = self.identity.register(config, &connection, &outcomes, &handlers);
        let checks = list.map(|list| list.check_fields(config));
        quote!(#registration #checks)
    }
}

/// Whether this is written as `Execution<Outcomes, State>`.
fn shows_state(result: &Type) -> bool {
    let Type::Path(path) = result else { return false };
    path.path.segments.last().is_some_and(|last| match &last.arguments {
        PathArguments::AngleBracketed(arguments) => last.ident == "Execution" && arguments.args.len() == 2,
        _ => false,
    })
}
