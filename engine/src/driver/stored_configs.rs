//! Whether a block that accepts less than it did still takes the configs of a version.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Inner;
use crate::definition::{CatalogBlock, Definition, Problem};
use crate::expr::Template;
use crate::model::VersionId;
use crate::secrets::{Place, sealed_paths};
use crate::store::{StoreError, VersionRow};
use crate::validate::Breakage;

impl Inner {
    /// What of a version's configs a block does not take any more, given what it has changed in its configs.
    pub(super) async fn refused_configs(
        &self,
        version: VersionId,
        block: &CatalogBlock,
        changes: &[Breakage],
    ) -> Result<Vec<String>, StoreError> {
        // Without its definition a version has nothing that could go on.
        let Some(row) = self.store.version(version).await? else { return Ok(Vec::new()) };
        Ok(self.refused(&row, block, changes))
    }

    fn refused(&self, row: &VersionRow, block: &CatalogBlock, changes: &[Breakage]) -> Vec<String> {
        let Ok(parsed) = Definition::from_json(&row.definition) else {
            return changes.iter().map(ToString::to_string).collect();
        };
        let (mut definition, id, workflow) = (parsed.definition, &block.manifest.id, &row.workflow.0);
        let instances = definition.configs_mut().into_iter().filter(|(_, of, _)| of == id);
        let mut refused = Vec::new();
        for (place, _, config) in instances {
            // A secret that cannot be opened is for the call to tell.
            let _ = self.keys.open_config(Place { workflow, block: id }, config);
            for problem in problems(block, config, changes) {
                refused.push(format!(
                    "`{id}` does not take the config of `{place}` in version {} of `{workflow}` any more: {problem}; correct the workflow and enable it again, or start a binary with the block's earlier release for what is under way",
                    row.number
                ));
            }
        }
        refused
    }
}

/// What is wrong with one config, or may be: what an expression has given to a run that is under way was judged as the
/// block was then.
fn problems(block: &CatalogBlock, config: &Value, changes: &[Breakage]) -> Vec<String> {
    let told = |problems: &[Problem]| -> Vec<String> {
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
    };
    let template = match Template::compile(config) {
        Ok(template) => template,
        Err(problems) => return told(&problems),
    };
    let open = template.templated().iter().cloned().chain(sealed_paths(config)).collect();
    let mut found = told(&block.validate_constants(config, &open));
    let templated: BTreeSet<&str> = template.templated().iter().map(|path| top(path)).collect();
    found.extend(changes.iter().filter_map(|Breakage { path, change, .. }| {
        let field = top(path.strip_prefix("config").unwrap_or(path).trim_start_matches('.'));
        let is_given = if field.is_empty() { !templated.is_empty() } else { templated.contains(field) };
        is_given.then(|| format!("{path}: {change}, and its value comes from an expression"))
    }));
    found
}

/// The field of the config that a path leads into.
fn top(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}
