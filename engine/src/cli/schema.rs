//! `schema`.

use stepwell::manifest::Manifest;

use super::output;
use crate::definition::file_schema;

/// Prints the JSON schema of workflow files with the blocks of this binary.
pub(super) fn run() {
    output::json(&file_schema(&Manifest::registered()));
}
