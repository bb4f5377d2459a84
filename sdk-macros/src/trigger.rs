//! `#[trigger(…)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ItemFn, Path};

use crate::arguments::Arguments;
use crate::block::{self, Identity, handler};
use crate::function::{Shape, Signature, call_at, projection};
use crate::mistakes::Mistakes;
use crate::outcomes::OutcomeList;

const ARGUMENTS: [&str; 14] = [
    "outcomes",
    "activate",
    "deactivate",
    "handshake",
    "renew",
    "tick",
    "switch",
    "missed_ticks",
    "id",
    "title",
    "app",
    "time_limit",
    "deprecated",
    "replaced_by",
];

const SHAPE: Shape = Shape {
    kind: "trigger",
    parameters: "(request: Request, config: MyConfig, cx: TriggerContext)",
    given: &[Some("Request"), None, Some("TriggerContext")],
    returns: "Result<MyOutcome, TriggerError>",
};

/// Expands the attribute.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let function = match block::function(item, "trigger") {
        Ok(function) => function,
        Err(instead) => return instead,
    };
    let mut mistakes = Mistakes::default();
    let mut arguments = Arguments::read(arguments, "trigger", &ARGUMENTS, &mut mistakes);
    let outcomes = block::outcomes(&mut arguments, &mut mistakes);
    let registration = Trigger::read(&function, &mut arguments, &mut mistakes)
        .map(|trigger| trigger.register(outcomes.as_ref()));
    block::assemble(&function, outcomes.as_ref(), registration, mistakes)
}

/// A trigger without mistakes that can be seen in its tokens.
struct Trigger<'a> {
    function: &'a ItemFn,
    identity: Identity,
    signature: Signature,
    activate: Option<Path>,
    deactivate: Option<Path>,
    handshake: Option<Path>,
    renew: Option<Path>,
    tick: Option<Path>,
    switch: Option<Ident>,
    missed: Option<Ident>,
}

impl<'a> Trigger<'a> {
    fn read(function: &'a ItemFn, arguments: &mut Arguments, mistakes: &mut Mistakes) -> Option<Self> {
        let identity = Identity::read(function, arguments, mistakes);
        let activate: Option<Path> = arguments.value("activate", "activate = my_activate", mistakes);
        let deactivate: Option<Path> = arguments.value("deactivate", "deactivate = my_deactivate", mistakes);
        let handshake: Option<Path> = arguments.value("handshake", "handshake = my_handshake", mistakes);
        let renew: Option<Path> = arguments.value("renew", "renew = my_renew", mistakes);
        let tick: Option<Path> = arguments.value("tick", "tick = my_tick", mistakes);
        let switch = arguments.choice("switch", &["replace", "overlap"], mistakes);
        let missed = arguments.choice("missed_ticks", &["once", "skip", "all"], mistakes);
        for (handler, purpose) in
            [(&renew, "`renew` renews what"), (&tick, "the first tick is named by what")]
        {
            if let (Some(handler), None) = (handler, &activate) {
                let message = format!(
                    "{purpose} `activate` returns; add `activate = my_activate` and `deactivate = my_deactivate`"
                );
                mistakes.at(handler, message);
            }
        }
        if let (Some(missed), None) = (&missed, &tick) {
            mistakes.at(
                missed,
                "a trigger without `tick` misses none; add `tick = my_tick`, or remove `missed_ticks`",
            );
        }
        match (&activate, &deactivate) {
            (Some(activate), None) => mistakes.at(
                activate,
                "what `activate` registers would stay registered for ever; add `deactivate = my_deactivate`",
            ),
            (None, Some(deactivate)) => mistakes.at(
                deactivate,
                "`deactivate` removes what `activate` registers; add `activate = my_activate`, or remove this",
            ),
            _ => {}
        }
        let signature = Signature::read(function, &SHAPE, mistakes)?;
        Some(Self {
            function,
            identity,
            signature,
            activate,
            deactivate,
            handshake,
            renew,
            tick,
            switch,
            missed,
        })
    }

    fn register(&self, list: Option<&OutcomeList>) -> TokenStream {
        let Signature { first, config, context, result, returned } = &self.signature;
        let outcomes = projection(result, &quote!(::stepwell::trigger::TriggerResult), "Outcomes");
        let receive_context = quote!(::stepwell::__private::check::ReceiveContext);
        let registration = projection(context, &receive_context, "Registration");
        let connection = projection(context, &receive_context, "Connection");
        let name = &self.function.sig.ident;
        let schema = if self.activate.is_some() {
            quote!(::core::option::Option::Some(::stepwell::__private::check::registration_schema::<#registration>))
        } else {
            quote!(::stepwell::__private::check::no_registration::<#registration>())
        };
        let overlaps = self.switch.as_ref().is_some_and(|word| word == "overlap");
        let switch = if overlaps { quote!(Overlap) } else { quote!(Replace) };
        let mark = quote!(::stepwell::__private::check::#switch);
        let inferred = quote_spanned!(name.span()=> _, _);
        let trigger = call_at(
            result,
            &quote!(::stepwell::__private::adapt::trigger),
            &quote!(#first, #config, #context, #result, #mark, #returned, #inferred),
            &quote!(invocation, request, registration, #name),
        );
        let activate = handler(self.activate.as_ref(), &quote!(invocation), |span, parameters| {
            quote_spanned! { span=>
                ::stepwell::__private::adapt::activate::<#config, #connection, #registration, _, _, _>(#parameters, handler)
            }
        });
        let deactivate = handler(
            self.deactivate.as_ref(),
            &quote!(invocation, registration),
            |span, parameters| {
                quote_spanned! { span=>
                    ::stepwell::__private::adapt::deactivate::<#config, #connection, #registration, _, _, _>(#parameters, handler)
                }
            },
        );
        let handshake = handler(self.handshake.as_ref(), &quote!(invocation, request), |span, parameters| {
            quote_spanned! { span=>
                ::stepwell::__private::adapt::handshake::<#config, #connection, _, _, _>(#parameters, handler)
            }
        });
        let renew = handler(self.renew.as_ref(), &quote!(invocation, registration), |span, parameters| {
            quote_spanned! { span=>
                ::stepwell::__private::adapt::renew::<#config, #connection, #registration, _, _, _>(#parameters, handler)
            }
        });
        let tick = handler(
            self.tick.as_ref(),
            &quote!(invocation, time, registration),
            |span, parameters| {
                quote_spanned! { span=>
                    ::stepwell::__private::adapt::tick::<#config, #connection, #registration, #outcomes, #mark, _, _, _>(
                        #parameters, handler
                    )
                }
            },
        );
        let missed = match &self.missed {
            Some(word) if word == "skip" => quote!(Skip),
            Some(word) if word == "all" => quote!(All),
            _ => quote!(Once),
        };
        let received =
            projection(first, &quote!(::stepwell::__private::handler::trigger::ReceivedRequest), "TAKEN");
        let handlers = quote! {
            ::stepwell::block::Handlers::Trigger(::stepwell::block::TriggerHandlers {
                takes_requests: #received,
                registration: #schema,
                switch: ::stepwell::block::Switch::#switch,
                missed: ::stepwell::block::MissedTicks::#missed,
                trigger: |invocation, request, registration| #trigger,
                activate: #activate,
                deactivate: #deactivate,
                handshake: #handshake,
                renew: #renew,
                tick: #tick,
            })
        };
        let registration = self.identity.register(config, &connection, &outcomes, &handlers);
        let checks = list.map(|list| list.check_fields(config));
        quote!(#registration #checks)
    }
}
