//! A crate's blocks compared with those that its lock file promises.

mod change;
#[cfg(test)]
mod tests;

use serde_json::json;
use stepwell::manifest::{App, BlockManifest, HandlerKind};
use stepwell::outcome::OutcomeDescription;

pub use change::{Breakage, Comparison, Endangered, Notice};

use super::schema::{self, Finding, Reliance, Weight};

/// Every change that would break a workflow in use or a run that waits, and those that a reader should know of.
/// `new` is `None` if the crate has no blocks any more.
pub fn compare(old: &App, new: Option<&App>) -> Comparison {
    let mut comparison = Comparison::default();
    for old in &old.blocks {
        let new = new.and_then(|app| app.blocks.iter().find(|block| block.id == old.id));
        let mut block = Block { id: &old.id, comparison: &mut comparison };
        match new {
            Some(new) => block.compare(old, new),
            None => {
                block.breaks(Endangered::Workflow, "", "the block is gone", "steps that use it would fail");
            }
        }
    }
    comparison
}

/// Whether a lock file says something else than the crate, apart from its version.
pub(super) fn differs(old: &App, new: Option<&App>) -> bool {
    new.is_none_or(|new| App { version: old.version.clone(), ..new.clone() } != *old)
}

/// Whether a block takes every config of another.
pub(super) fn takes_configs_of(old: &BlockManifest, new: &BlockManifest) -> Vec<String> {
    schema::compare(Reliance::Stored, "config", old.config.as_value(), new.config.as_value())
        .into_iter()
        .filter(|finding| finding.weight == Weight::Break)
        .map(|Finding { path, change, .. }| format!("{path}: {change}"))
        .collect()
}

/// The comparison of one block.
struct Block<'a> {
    id: &'a str,
    comparison: &'a mut Comparison,
}

impl Block<'_> {
    fn compare(&mut self, old: &BlockManifest, new: &BlockManifest) {
        if old.kind != new.kind {
            let change = format!("it was a {:?} and is now a {:?}", old.kind, new.kind).to_lowercase();
            return self.breaks(
                Endangered::Workflow,
                "",
                &change,
                "it could no longer stand where it stands",
            );
        }
        let configs =
            schema::compare(Reliance::Stored, "config", old.config.as_value(), new.config.as_value());
        self.take(configs, Endangered::Workflow, "configs would be refused");
        for old in &old.outcomes {
            self.outcome(old, new.outcomes.iter().find(|outcome| outcome.id == old.id));
        }
        if old.takes_requests && !new.takes_requests {
            let reason = "what senders have been told to send would be refused";
            self.breaks(Endangered::Workflow, "takes_requests", "it takes no requests any more", reason);
        }
        self.connection(old, new);
        self.state(old, new);
        self.registration(old, new);
        for handler in old.handlers.iter().filter(|handler| !new.handlers.contains(handler)) {
            let (endangered, reason) = relies_on(*handler);
            let name = format!("{handler:?}").to_lowercase();
            self.breaks(endangered, &format!("handlers.{name}"), "the handler is gone", reason);
        }
    }

    fn connection(&mut self, old: &BlockManifest, new: &BlockManifest) {
        let Some(asked) = &new.connection else { return };
        let unasked = "nobody has given it the connection that it now asks for";
        let (change, reason) = match (&old.connection, old.connection_optional, new.connection_optional) {
            (Some(old), ..) if old != asked => (format!("it was `{old}`, now `{asked}`"), unasked),
            (Some(_), true, false) | (None, _, false) => (format!("it now needs `{asked}`"), unasked),
            (Some(_), false, true) => (
                format!("`{asked}` is now optional"),
                "steps that name none would no longer have the one called `default`",
            ),
            (Some(_), ..) | (None, _, true) => return,
        };
        self.breaks(Endangered::Workflow, "connection", &change, reason);
    }

    fn outcome(&mut self, old: &OutcomeDescription, new: Option<&OutcomeDescription>) {
        let path = format!("outcomes.{}", old.id);
        let Some(new) = new else {
            let reason = "edges that follow it would lead nowhere";
            return self.breaks(Endangered::Workflow, &path, "the outcome is gone", reason);
        };
        if new.when.iter().any(|condition| !old.when.contains(condition)) || new.each != old.each {
            let reason = "edges that follow it may lead nowhere";
            self.breaks(Endangered::Workflow, &path, "it now depends on the config in another way", reason);
        }
        let reason = "later steps that use the data would fail";
        match (&old.schema, &new.schema) {
            (Some(old), Some(new)) => {
                let data = schema::compare(Reliance::Read, &path, old.as_value(), new.as_value());
                self.take(data, Endangered::Workflow, reason);
            }
            (Some(_), None) => self.breaks(Endangered::Workflow, &path, "its data is gone", reason),
            (None, _) => {}
        }
    }

    fn state(&mut self, old: &BlockManifest, new: &BlockManifest) {
        let reason = "their states could not be read";
        match (&old.state, &new.state) {
            (Some(old), Some(new)) => {
                let states = schema::compare(Reliance::Stored, "state", old.as_value(), new.as_value());
                self.take(states, Endangered::WaitingRun, reason);
            }
            (Some(_), None) => self.breaks(Endangered::WaitingRun, "state", "it is gone", reason),
            (None, _) => {}
        }
    }

    fn registration(&mut self, old: &BlockManifest, new: &BlockManifest) {
        let reason = "registrations of enabled triggers could not be read";
        // A trigger without `activate` is called with `null`.
        let none = json!({ "type": "null" });
        let (old, new) = match (&old.registration, &new.registration) {
            (None, None) => return,
            (Some(_), None) => {
                return self.breaks(Endangered::Workflow, "registration", "it is gone", reason);
            }
            (old, Some(new)) => (old.as_ref().map_or(&none, |old| old.as_value()), new.as_value()),
        };
        let registrations = schema::compare(Reliance::Stored, "registration", old, new);
        self.take(registrations, Endangered::Workflow, reason);
    }

    fn take(&mut self, findings: Vec<Finding>, endangered: Endangered, reason: &str) {
        for Finding { path, change, weight } in findings {
            match weight {
                Weight::Break => self.breaks(endangered, &path, &change, reason),
                Weight::Notice => {
                    self.comparison.notices.push(Notice { block: self.id.to_owned(), path, change });
                }
            }
        }
    }

    fn breaks(&mut self, endangered: Endangered, path: &str, change: &str, reason: &str) {
        self.comparison.breakages.push(Breakage {
            block: self.id.to_owned(),
            path: path.to_owned(),
            change: change.to_owned(),
            endangered,
            reason: reason.to_owned(),
        });
    }
}

/// What would be left alone without a handler.
fn relies_on(handler: HandlerKind) -> (Endangered, &'static str) {
    use Endangered::{WaitingRun, Workflow};
    match handler {
        HandlerKind::Finish => (WaitingRun, "their callbacks could not be taken"),
        HandlerKind::Wake => (WaitingRun, "nothing would happen at their wake times"),
        HandlerKind::Cancel => {
            (WaitingRun, "what they have registered outside would stay when they are cancelled")
        }
        HandlerKind::Deactivate => (Workflow, "what enabled triggers have registered outside would stay"),
        HandlerKind::Activate => {
            (Workflow, "their triggers would not be registered when they are enabled again")
        }
        HandlerKind::Handshake => (Workflow, "their triggers could not be enabled again"),
        HandlerKind::Renew => (Workflow, "registrations of enabled triggers would expire"),
        HandlerKind::Tick => (Workflow, "ticks of enabled triggers would start nothing"),
        HandlerKind::Trigger | HandlerKind::Execute => (Workflow, "the block could not be called"),
    }
}
