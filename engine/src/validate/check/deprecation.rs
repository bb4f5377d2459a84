//! A deprecated block says why, and what takes its place can.

use stepwell::manifest::{App, BlockManifest};

use super::Findings;
use crate::validate::compare::takes_configs_of;

pub(super) fn check(found: &mut Findings, app: &App, block: &BlockManifest) {
    let Some(deprecation) = &block.deprecated else { return };
    if deprecation.message.as_deref().is_none_or(|message| message.trim().is_empty()) {
        found.add("deprecated", "it gives no reason; say why with `deprecated = \"…\"`");
    }
    let Some(id) = &deprecation.replaced_by else { return };
    let path = "deprecated.replaced_by";
    if *id == block.id {
        return found.add(path, "the block is said to replace itself; name another");
    }
    let Some(other) = app.blocks.iter().find(|other| other.id == *id) else {
        return found.add(path, format!("`{}` has no block `{id}`; name one of its blocks", app.name));
    };
    if other.kind != block.kind {
        return found
            .add(path, format!("`{id}` is of another kind; a step replaces a step, a trigger a trigger"));
    }
    for refused in takes_configs_of(block, other) {
        found.add(path, format!("`{id}` does not take every config of this block: {refused}"));
    }
}
