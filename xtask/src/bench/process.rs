//! What a process takes, as the kernel counts it.

use std::fs;
use std::path::Path;

use super::{Outcome, failed};
use crate::failure::Failure;

/// The kernel counts CPU in hundredths of a second for programs.
const TICKS: f64 = 100.0;

/// The CPU-seconds that a process has taken.
pub(super) fn cpu(process: u32) -> Outcome<f64> {
    let stat = stat(process)?;
    Ok(stat.own)
}

/// The CPU-seconds of a process and its children, those that have ended as well.
pub(super) fn cpu_of_family(parent: u32) -> Outcome<f64> {
    let head = stat(parent)?;
    let mut total = head.own + head.ended_children;
    for entry in fs::read_dir("/proc").map_err(failed("/proc"))?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end while the others are looked at.
        if let Ok(stat) = stat(id)
            && stat.parent == parent
        {
            total += stat.own;
        }
    }
    Ok(total)
}

/// The resident memory of a process that no file stands behind, in MB (10⁶ bytes).
pub(super) fn anonymous_memory(process: u32) -> Outcome<f64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).map_err(failed(&path))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes
        .map(|kibibytes| kibibytes * 1024.0 / 1e6)
        .ok_or_else(|| Failure::new(format!("{path} has no RssAnon")))
}

/// The bytes of a file.
pub(super) fn size(path: &Path) -> Outcome<f64> {
    let bytes = fs::metadata(path).map_err(failed(&path.display().to_string()))?.len();
    #[expect(clippy::cast_precision_loss, reason = "no file here has 2^52 bytes")]
    Ok(bytes as f64)
}

struct Stat {
    parent: u32,
    own: f64,
    ended_children: f64,
}

fn stat(process: u32) -> Outcome<Stat> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).map_err(failed(&path))?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> =
        text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let field = |index: usize| -> Outcome<f64> {
        let value = fields.get(index).and_then(|field| field.parse().ok());
        value.ok_or_else(|| Failure::new(format!("{path} is not understood")))
    };
    let parent = fields.get(1).and_then(|field| field.parse().ok()).unwrap_or_default();
    Ok(Stat {
        parent,
        own: (field(11)? + field(12)?) / TICKS,
        ended_children: (field(13)? + field(14)?) / TICKS,
    })
}
