//! Handlers, and what must come with them.

use stepwell::manifest::{BlockKind, BlockManifest, HandlerKind};

use super::Findings;

const STEP: [HandlerKind; 4] =
    [HandlerKind::Execute, HandlerKind::Finish, HandlerKind::Wake, HandlerKind::Cancel];

pub(super) fn check(found: &mut Findings, block: &BlockManifest) {
    let has = |handler| block.handlers.contains(&handler);
    let (kind, needed) = match block.kind {
        BlockKind::Step => ("step", HandlerKind::Execute),
        BlockKind::Trigger => ("trigger", HandlerKind::Trigger),
    };
    if !has(needed) {
        found.add("handlers", format!("a {kind} needs the handler `{}`", name(needed)));
    }
    for handler in &block.handlers {
        if STEP.contains(handler) != (block.kind == BlockKind::Step) {
            found.add(path(*handler), format!("a {kind} has no such handler; remove it"));
        }
    }
    match block.kind {
        BlockKind::Step => check_step(found, block, has),
        BlockKind::Trigger => check_trigger(found, block, has),
    }
}

fn check_step(found: &mut Findings, block: &BlockManifest, has: impl Fn(HandlerKind) -> bool) {
    let resumes = has(HandlerKind::Finish) || has(HandlerKind::Wake);
    if block.state.is_some() && !resumes {
        found.add("state", "the step may defer, so it needs a `finish` or a `wake`");
    }
    if block.state.is_none() && resumes {
        found.add("state", "it is missing; a step with `finish` or `wake` defers with one");
    }
    if has(HandlerKind::Cancel) && !resumes {
        found.add(path(HandlerKind::Cancel), "a step that never defers has nothing to cancel; remove it");
    }
    let of_triggers = [
        ("registration", block.registration.is_some()),
        ("switch", block.switch.is_some()),
        ("missed_ticks", block.missed_ticks.is_some()),
    ];
    for (path, _) in of_triggers.into_iter().filter(|(_, present)| *present) {
        found.add(path, "only a trigger has it; remove it");
    }
}

fn check_trigger(found: &mut Findings, block: &BlockManifest, has: impl Fn(HandlerKind) -> bool) {
    let (activates, deactivates) = (has(HandlerKind::Activate), has(HandlerKind::Deactivate));
    if activates != deactivates {
        let (given, missing) = if activates {
            (HandlerKind::Activate, HandlerKind::Deactivate)
        } else {
            (HandlerKind::Deactivate, HandlerKind::Activate)
        };
        found.add(path(given), format!("it needs `{}` as its counterpart", name(missing)));
    }
    for handler in [HandlerKind::Renew, HandlerKind::Tick] {
        if has(handler) && !activates {
            found.add(path(handler), "without `activate` it is never called; add that or remove this");
        }
    }
    if block.registration.is_some() && !activates {
        found.add("registration", "nothing makes it; it needs the handlers `activate` and `deactivate`");
    }
    if block.missed_ticks.is_some() && !has(HandlerKind::Tick) {
        found.add("missed_ticks", "without `tick` there are none; remove it");
    }
    let of_steps = [
        ("state", block.state.is_some()),
        ("if_interrupted", block.if_interrupted.is_some()),
        ("concurrency", block.concurrency.is_some()),
    ];
    for (path, _) in of_steps.into_iter().filter(|(_, present)| *present) {
        found.add(path, "only a step has it; remove it");
    }
}

fn path(handler: HandlerKind) -> String {
    format!("handlers.{}", name(handler))
}

fn name(handler: HandlerKind) -> String {
    format!("{handler:?}").to_lowercase()
}
