//! What the engine logs as errors, into the trace of the world.

use std::fmt::{Debug, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::sim::Sim;

/// Messages that no fault of a world explains.
const NEVER: [&str; 3] = ["did not fit", "is left as it is", "cannot be read"];
/// One that several engines explain: whoever takes over from a dead one repeats the calls of the living ones as well.
const REPEATED: &str = "the result of an activation call did not fit";

struct IntoTrace(Arc<Sim>);

/// Traces what is logged on this thread until the guard is dropped.
pub(crate) fn into(sim: &Arc<Sim>) -> DefaultGuard {
    tracing::subscriber::set_default(tracing_subscriber::registry().with(IntoTrace(Arc::clone(sim))))
}

impl<S: Subscriber> Layer<S> for IntoTrace {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let mut message = Message::default();
        event.record(&mut message);
        self.0.trace(format!("logged: {}{}", message.text, message.fields));
        let repeated = self.0.shared().is_some() && message.text == REPEATED;
        if !repeated && NEVER.iter().any(|never| message.text.contains(never)) {
            self.0.broken(format!("the engine logs: {}{}", message.text, message.fields));
        }
    }
}

#[derive(Default)]
struct Message {
    text: String,
    fields: String,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.text = format!("{value:?}");
        } else {
            // A string takes everything.
            let _ = write!(self.fields, ", {} {value:?}", field.name());
        }
    }
}
