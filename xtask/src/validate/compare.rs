//! A crate's blocks compared with those that its lock file promises.

use serde_json::Value;
use stepwell::manifest::{App, BlockManifest};
use stepwell::outcome::OutcomeDescription;

use super::breakage::Breakage;
use super::{outcome_schema, stored_schema};

/// Every change that would break a workflow in use or a run that waits. `new` is `None` if the crate has no
/// blocks any more.
pub(super) fn breakages(old: &App, new: Option<&App>) -> Vec<Breakage> {
    let mut breakages = Vec::new();
    for old in &old.blocks {
        let new = new.and_then(|app| app.blocks.iter().find(|block| block.id == old.id));
        let changes = match new {
            Some(new) => block(old, new),
            None => vec![(String::new(), "the block is gone; workflows that use it would stop".to_owned())],
        };
        let changes = changes.into_iter();
        breakages.extend(changes.map(|(path, change)| Breakage { block: old.id.clone(), path, change }));
    }
    breakages
}

fn block(old: &BlockManifest, new: &BlockManifest) -> Vec<(String, String)> {
    if old.kind != new.kind {
        return vec![(
            String::new(),
            format!("it was a {:?} and is now a {:?}", old.kind, new.kind).to_lowercase(),
        )];
    }
    let because =
        |reason: &'static str| move |(path, change): (String, String)| (path, format!("{change}; {reason}"));
    let mut changes = Vec::new();
    let config = stored_schema::refused("config", old.config.as_value(), new.config.as_value());
    changes.extend(config.into_iter().map(because("configs of existing workflows would be refused")));
    for old in &old.outcomes {
        let new = new.outcomes.iter().find(|outcome| outcome.id == old.id);
        changes.extend(outcome(old, new));
    }
    let parts = [
        ("state", &old.state, &new.state, "runs that wait could not be finished"),
        ("registration", &old.registration, &new.registration, "enabled triggers could not be called"),
    ];
    for (path, old, new, reason) in parts {
        let Some(old) = old else { continue };
        let lost = match new {
            Some(new) => stored_schema::refused(path, old.as_value(), new.as_value()),
            None => vec![(path.to_owned(), "it is gone".to_owned())],
        };
        changes.extend(lost.into_iter().map(because(reason)));
    }
    let gone = old.handlers.iter().filter(|handler| !new.handlers.contains(handler));
    changes.extend(gone.map(|handler| {
        let name = format!("{handler:?}").to_lowercase();
        (format!("handlers.{name}"), "the handler is gone; what relies on it would be left alone".to_owned())
    }));
    changes
}

fn outcome(old: &OutcomeDescription, new: Option<&OutcomeDescription>) -> Vec<(String, String)> {
    let path = format!("outcomes.{}", old.id);
    let Some(new) = new else {
        return vec![(path, "the outcome is gone; edges that follow it would lead nowhere".to_owned())];
    };
    let changes = match (&old.schema, &new.schema) {
        (Some(old), Some(new)) => outcome_schema::missing(&path, old.as_value(), new.as_value()),
        (Some(_), None) => vec![(path, "its data is gone".to_owned())],
        (None, _) => Vec::new(),
    };
    let reason = "steps that use the data would fail";
    changes.into_iter().map(|(path, change)| (path, format!("{change}; {reason}"))).collect()
}

/// Whether a lock file says something else than the crate, apart from its version.
pub(super) fn differs(old: &App, new: Option<&App>) -> bool {
    let blocks = |app: &App| serde_json::to_value(&app.blocks).unwrap_or(Value::Null);
    new.map_or(!old.blocks.is_empty(), |new| blocks(old) != blocks(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(text: &str) -> App {
        serde_json::from_str(text).expect("the fixture is well-formed")
    }

    fn lock() -> App {
        fixture(include_str!("fixtures/lock.json"))
    }

    #[test]
    fn the_same_blocks_break_nothing() {
        assert_eq!(breakages(&lock(), Some(&lock())), []);
        assert!(!differs(&lock(), Some(&lock())));
    }

    #[test]
    fn additions_differ_and_break_nothing() {
        let additions = fixture(include_str!("fixtures/additions.json"));
        assert_eq!(breakages(&lock(), Some(&additions)), []);
        assert!(differs(&lock(), Some(&additions)));
    }

    #[test]
    fn every_breaking_change_is_named_with_its_block_and_path() {
        let broken = fixture(include_str!("fixtures/broken.json"));
        let breakages: Vec<_> = breakages(&lock(), Some(&broken)).iter().map(ToString::to_string).collect();
        assert_eq!(
            breakages,
            [
                "shop/ask: config.text: its type was string, now integer; configs of existing workflows would be refused",
                "shop/ask: config.link: the field is gone; configs of existing workflows would be refused",
                "shop/ask: config.urgent: the field is new and required; give it a default; configs of existing workflows would be refused",
                "shop/ask: outcomes.approved.by: the field is gone; steps that use the data would fail",
                "shop/ask: outcomes.declined: the outcome is gone; edges that follow it would lead nowhere",
                "shop/ask: state.question_id: its type was integer, now string; runs that wait could not be finished",
                "shop/ask: handlers.cancel: the handler is gone; what relies on it would be left alone",
                "shop/greet: the block is gone; workflows that use it would stop",
                "shop/ordered: registration.secret: the field is new and required; give it a default; enabled triggers could not be called",
            ]
        );
    }

    #[test]
    fn a_crate_that_lost_its_blocks_breaks_all_of_them() {
        assert_eq!(breakages(&lock(), None).len(), 3);
        assert!(differs(&lock(), None));
    }
}
