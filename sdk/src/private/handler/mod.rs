//! What a handler that an attribute names must look like.
//!
//! A bound such as `H: FnOnce(Request, C, FinishContext<S, K>) -> F` would have rustc speak of closures. Here any
//! function is a [`Handler`] of what it takes, so that the checks see its arguments as one tuple and what it returns
//! as one type: `…Arguments` and `…Result` of each handler say how it must look. An argument that merely disagrees
//! with the block is left to the `Same…` checks, which say more.

pub mod step;
pub mod trigger;

use std::future::Future;
use std::marker::PhantomData;

/// A handler that an attribute names, once its arguments are known.
pub struct Named<H, A: 'static> {
    handler: H,
    arguments: PhantomData<fn(A)>,
}

/// Finds out what a handler takes.
///
/// The expansion calls this in a statement of its own, before anything is demanded of the arguments: otherwise
/// rustc would take the demand for what they are, and report the function as not matching them.
pub const fn named<H: Handler<A>, A>(handler: H) -> Named<H, A> {
    Named { handler, arguments: PhantomData }
}

impl<H: Handler<A>, A> Named<H, A> {
    pub(crate) fn call(self, arguments: A) -> H::Returned {
        self.handler.call(arguments)
    }
}

/// A function with arguments `A`, whatever they are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler",
    label = "expected the name of an async function",
    note = "a handler takes the config and its context, some handlers also the request"
)]
pub trait Handler<A> {
    /// What the function returns.
    type Returned;

    /// Calls it.
    fn call(self, arguments: A) -> Self::Returned;
}

macro_rules! handler {
    ($($type:ident $value:ident),*) => {
        #[diagnostic::do_not_recommend]
        impl<H, R, $($type),*> Handler<($($type,)*)> for H
        where
            H: FnOnce($($type),*) -> R,
        {
            type Returned = R;

            fn call(self, ($($value,)*): ($($type,)*)) -> R {
                self($($value),*)
            }
        }
    };
}

// Also more than any handler takes, so that a wrong number is reported as wrong types are.
handler!();
handler!(A a);
handler!(A a, B b);
handler!(A a, B b, C c);
handler!(A a, B b, C c, D d);
handler!(A a, B b, C c, D d, E e);
handler!(A a, B b, C c, D d, E e, F f);

/// What an async function returns.
#[diagnostic::on_unimplemented(
    message = "this handler is not async; write `async fn`",
    label = "returns `{Self}` at once",
    note = "the engine awaits handlers, so each is an `async fn`, whether it waits for something or not"
)]
pub trait Asynchronous {
    /// What it returns in the end.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output> + 'static;

    /// The future.
    fn future(self) -> Self::Future;
}

#[diagnostic::do_not_recommend]
impl<F: Future + 'static> Asynchronous for F {
    type Output = F::Output;
    type Future = F;

    fn future(self) -> F {
        self
    }
}
