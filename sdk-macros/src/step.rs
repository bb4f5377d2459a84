//! `#[step(…)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemFn, Path};

use crate::arguments::Arguments;
use crate::block::{self, Identity, handler};
use crate::function::{Shape, Signature, projection};
use crate::mistakes::Mistakes;

const ARGUMENTS: [&str; 5] = ["outcomes", "finish", "cancel", "id", "title"];

const SHAPE: Shape = Shape {
    kind: "step",
    parameters: "(config: MyConfig, cx: ExecuteContext)",
    parameter_count: 2,
    returns: "Result<MyOutcome, StepError>",
};

/// Expands the attribute.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = match block::function(&item, "step") {
        Ok(function) => function,
        Err(instead) => return instead,
    };
    let mut mistakes = Mistakes::default();
    let mut arguments = Arguments::read(arguments, "step", &ARGUMENTS, &mut mistakes);
    let outcomes = block::outcomes(&mut arguments, &mut mistakes);
    let registration = Step::read(&function, &mut arguments, &mut mistakes).map(|step| step.register());
    block::assemble(&function, outcomes.as_ref(), registration, mistakes)
}

/// A step without mistakes that can be seen in its tokens.
struct Step<'a> {
    function: &'a ItemFn,
    identity: Identity,
    signature: Signature,
    finish: Option<Path>,
    cancel: Option<Path>,
}

impl<'a> Step<'a> {
    fn read(function: &'a ItemFn, arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<Self> {
        let identity = Identity::read(function, arguments, mistakes);
        let finish: Option<Path> = arguments.value("finish", "finish = my_finish", mistakes);
        let cancel: Option<Path> = arguments.value("cancel", "cancel = my_cancel", mistakes);
        if let (None, Some(cancel)) = (&finish, &cancel) {
            mistakes.at(
                cancel,
                "`cancel` tears down a deferred execution, which only a step with `finish` has; add `finish = my_finish`",
            );
        }
        let signature = Signature::read(function, &SHAPE, mistakes)?;
        Some(Self { function, identity, signature, finish, cancel })
    }

    fn register(&self) -> TokenStream {
        let Signature { config, context, result } = &self.signature;
        let step_result = quote!(::stepwell::step::StepResult);
        let outcomes = projection(result, &step_result, "Outcomes");
        let state = projection(result, &step_result, "State");
        let connection =
            projection(context, &quote!(::stepwell::__private::check::StepContext), "Connection");
        let types = quote! {
            ::stepwell::__private::check::StepTypes::<#config, #connection, #state, #outcomes>::new()
        };

        let name = &self.function.sig.ident;
        let (schema, store) = if self.finish.is_some() {
            (
                quote!(::core::option::Option::Some(::stepwell::__private::check::data_schema::<#state>)),
                quote!(::stepwell::__private::adapt::store_state::<#state>),
            )
        } else {
            (quote!(::core::option::Option::None), quote!(::stepwell::__private::adapt::no_state::<#state>))
        };
        let execute = quote_spanned! { name.span()=>
            ::stepwell::__private::adapt::execute(invocation, #name, #store)
        };
        let finish = handler(self.finish.as_ref(), &quote!(invocation, request, state), |path| {
            quote_spanned! { path.span()=>
                ::stepwell::__private::adapt::finish(invocation, request, state, #types, #path)
            }
        });
        let cancel = handler(self.cancel.as_ref(), &quote!(invocation, state), |path| {
            quote_spanned! { path.span()=>
                ::stepwell::__private::adapt::cancel(invocation, state, #types, #path)
            }
        });
        let handlers = quote! {
            ::stepwell::block::Handlers::Step(::stepwell::block::StepHandlers {
                state: #schema,
                execute: |invocation| ::std::boxed::Box::pin(#execute),
                finish: #finish,
                cancel: #cancel,
            })
        };
        self.identity.register(config, &outcomes, &handlers)
    }
}
