//! What every block must keep to.

use std::collections::{BTreeMap, BTreeSet};

use stepwell::manifest::{App, BlockManifest};

use super::looked_up;

/// The longest title, in characters: more does not fit a palette.
const LONGEST_TITLE: usize = 60;

/// The largest schema as JSON, in bytes: the editor holds those of all blocks at once.
const LARGEST_SCHEMA: usize = 64 * 1024;

/// Every mistake in these crates, in words.
pub(super) fn check(apps: &BTreeMap<String, App>) -> Vec<String> {
    let mut mistakes = Vec::new();
    for app in apps.values() {
        mistakes.extend(looked_up::check(app));
    }
    let mut ids = BTreeSet::new();
    for block in apps.values().flat_map(|app| &app.blocks) {
        if !ids.insert(&block.id) {
            mistakes
                .push(format!("{}: two blocks have this id; give one another with `id = \"…\"`", block.id));
        }
        mistakes.extend(check_block(block).into_iter().map(|mistake| format!("{}: {mistake}", block.id)));
    }
    mistakes
}

fn check_block(block: &BlockManifest) -> Vec<String> {
    let mut mistakes = Vec::new();
    mistakes.extend(check_title("title", &block.title));
    let mut schemas = vec![("config".to_owned(), Some(&block.config))];
    schemas.push(("state".to_owned(), block.state.as_ref()));
    schemas.push(("registration".to_owned(), block.registration.as_ref()));
    let mut ids = BTreeSet::new();
    for outcome in &block.outcomes {
        let path = format!("outcomes.{}", outcome.id);
        if !ids.insert(&outcome.id) {
            mistakes.push(format!("{path}: two outcomes have this id"));
        }
        if !is_snake_case(&outcome.id) {
            mistakes.push(format!("{path}: an outcome's id is in snake_case, such as `not_found`"));
        }
        mistakes.extend(check_title(&format!("{path}.title"), &outcome.title));
        let fields = outcome.when.iter().map(|condition| &condition.field).chain(&outcome.each);
        let unknown = fields.filter(|field| block.config.pointer(&format!("/properties/{field}")).is_none());
        mistakes.extend(unknown.map(|field| {
            format!("{path}: it depends on `{field}`, but the config has no such field; name one that it has")
        }));
        schemas.push((path, outcome.schema.as_ref()));
    }
    for (path, schema) in schemas {
        let bytes = schema.map_or(0, |schema| schema.as_value().to_string().len());
        if bytes > LARGEST_SCHEMA {
            mistakes
                .push(format!("{path}: its schema has {bytes} bytes, at most {LARGEST_SCHEMA} are allowed"));
        }
    }
    mistakes
}

fn check_title(path: &str, title: &str) -> Option<String> {
    let length = title.chars().count();
    if title.trim().is_empty() {
        return Some(format!("{path}: it is missing; the first line of the doc comment gives it"));
    }
    (length > LONGEST_TITLE)
        .then(|| format!("{path}: it has {length} characters, at most {LONGEST_TITLE} are allowed"))
}

fn is_snake_case(id: &str) -> bool {
    let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_');
    id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.chars().all(allowed)
        && !id.contains("__")
        && !id.ends_with('_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mistakes(change: impl FnOnce(&mut App)) -> Vec<String> {
        let mut app: App =
            serde_json::from_str(include_str!("fixtures/lock.json")).expect("it is well-formed");
        change(&mut app);
        check(&[(app.name.clone(), app)].into())
    }

    #[test]
    fn well_formed_blocks_have_no_mistakes() {
        assert_eq!(mistakes(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn ids_are_unique_and_those_of_outcomes_in_snake_case() {
        let twice = mistakes(|app| {
            let block = app.blocks[1].clone();
            app.blocks.push(block);
        });
        assert_eq!(twice, ["shop/greet: two blocks have this id; give one another with `id = \"…\"`"]);
        for id in ["notFound", "not-found", "_found", "found_", "not__found", "", "2nd"] {
            let bad = mistakes(|app| app.blocks[1].outcomes[0].id = id.to_owned());
            assert_eq!(
                bad,
                [format!("shop/greet: outcomes.{id}: an outcome's id is in snake_case, such as `not_found`")]
            );
        }
    }

    #[test]
    fn titles_are_there_and_short() {
        let missing = mistakes(|app| app.blocks[1].title = " ".to_owned());
        assert_eq!(missing, ["shop/greet: title: it is missing; the first line of the doc comment gives it"]);
        let long = mistakes(|app| app.blocks[1].outcomes[0].title = "x".repeat(61));
        assert_eq!(
            long,
            ["shop/greet: outcomes.greeted.title: it has 61 characters, at most 60 are allowed"]
        );
    }

    #[test]
    fn outcomes_depend_on_fields_that_there_are() {
        let missing = mistakes(|app| app.blocks[1].outcomes[0].each = Some("cases".to_owned()));
        let expected = "it depends on `cases`, but the config has no such field; name one that it has";
        assert_eq!(missing, [format!("shop/greet: outcomes.greeted: {expected}")]);
    }

    #[test]
    fn schemas_are_bounded() {
        let large = mistakes(|app| {
            let schema = json!({ "description": "x".repeat(LARGEST_SCHEMA) });
            app.blocks[1].config = schema.try_into().expect("it is a schema");
        });
        assert_eq!(large, ["shop/greet: config: its schema has 65554 bytes, at most 65536 are allowed"]);
    }
}
