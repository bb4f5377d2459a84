//! The blocks that the core carries out itself, and what they mean for the graph.

/// Waits for parallel paths.
pub(crate) const JOIN: &str = "core/join";
/// Goes through a list.
pub(crate) const FOR_EACH: &str = "core/for-each";
/// Repeats until something holds.
pub(crate) const REPEAT: &str = "core/repeat";
/// Calls another workflow.
pub(crate) const CALL: &str = "core/call-workflow";
/// The trigger of a workflow that is called.
pub(crate) const WORKFLOW_CALLED: &str = "core/workflow-called";
/// The trigger of a workflow that people start.
pub(crate) const MANUAL: &str = "core/manual";
/// Ends the run.
pub(crate) const STOP: &str = "core/stop";

/// The outcome that leads into a loop.
pub(crate) fn loop_edge(block: &str) -> Option<&'static str> {
    match block {
        FOR_EACH => Some("each"),
        REPEAT => Some("round"),
        _ => None,
    }
}
