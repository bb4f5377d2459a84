//! What was measured: figures of several rounds, as JSON and as a table.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Outcome, failed, targets};

/// Everything that one call has measured.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct Report {
    /// The conditions: what was measured where.
    pub(super) conditions: BTreeMap<String, String>,
    pub(super) figures: Vec<Figure>,
}

/// One figure, by round.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Figure {
    /// `sqlite` or `postgres`.
    pub(super) database: String,
    /// Its workload, and what was measured, such as `run3.64.rate`.
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) rounds: Vec<f64>,
}

impl Figure {
    pub(super) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
    }

    /// The least and the most.
    pub(super) fn spread(&self) -> (f64, f64) {
        let sorted = self.sorted();
        (sorted[0], sorted[sorted.len() - 1])
    }

    /// What a quarter of the rounds is below, and a quarter above.
    pub(super) fn middle_half(&self) -> (f64, f64) {
        let sorted = self.sorted();
        let last = sorted.len() - 1;
        (sorted[last / 4], sorted[last - last / 4])
    }

    fn row(&self, earlier: Option<&Report>) -> String {
        let (least, most) = self.spread();
        let target = targets::verdict(&self.database, &self.name, self.median()).unwrap_or_default();
        let before = earlier.and_then(|earlier| earlier.get(&self.database, &self.name)).map(Self::median);
        let ratio =
            before.filter(|before| *before != 0.0).map(|before| format!("{:.2}", self.median() / before));
        format!(
            "| {} | {} | {} | {} … {} | {} | {target} | {} |",
            self.database,
            self.name,
            short(self.median()),
            short(least),
            short(most),
            self.unit,
            ratio.unwrap_or_default()
        )
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl Report {
    /// Notes what a round has measured.
    pub(super) fn note(&mut self, database: &str, name: &str, unit: &str, value: f64) {
        let known = self.figures.iter_mut().find(|figure| figure.database == database && figure.name == name);
        match known {
            Some(figure) => figure.rounds.push(value),
            None => self.figures.push(Figure {
                database: database.to_owned(),
                name: name.to_owned(),
                unit: unit.to_owned(),
                rounds: vec![value],
            }),
        }
    }

    pub(super) fn get(&self, database: &str, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.database == database && figure.name == name)
    }

    /// The table: each figure with its spread, its target, and its ratio to an earlier report.
    pub(super) fn table(&self, earlier: Option<&Report>) -> String {
        let mut lines = vec![
            "| database | figure | median | spread | unit | target | to earlier |".to_owned(),
            "| --- | --- | ---: | --- | --- | --- | ---: |".to_owned(),
        ];
        lines.extend(self.figures.iter().map(|figure| figure.row(earlier)));
        lines.join("\n")
    }

    pub(super) fn write(&self, path: &Path) -> Outcome<()> {
        let json = serde_json::to_string_pretty(self).map_err(failed("the report"))?;
        std::fs::write(path, json + "\n").map_err(failed(&path.display().to_string()))
    }

    pub(super) fn read(path: &Path) -> Outcome<Self> {
        let named = path.display().to_string();
        let json = std::fs::read_to_string(path).map_err(failed(&named))?;
        serde_json::from_str(&json).map_err(failed(&named))
    }
}

/// A number with the digits that matter.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        middle if middle >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
