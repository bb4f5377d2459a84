//! The rates as a bar chart.

use super::report::{Figure, Report, short};

const ROW: usize = 26;
const LABELS: usize = 250;
const BARS: usize = 420;
const VALUES: usize = 110;

/// An SVG with a bar for each rate, those of a database side by side.
pub(super) fn svg(report: &Report) -> String {
    let rates: Vec<&Figure> = report
        .figures
        .iter()
        .filter(|figure| figure.name.ends_with("rate") && !figure.name.contains("answer"))
        .collect();
    let most = rates.iter().map(|figure| figure.median()).fold(1.0, f64::max);
    let width = LABELS + BARS + VALUES;
    let height = (rates.len() + 1) * ROW;
    let bars: String = rates.iter().enumerate().map(|(row, figure)| bar(row, figure, most)).collect();
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<rect width="{width}" height="{height}" fill="#fff"/>
{bars}</svg>
"##
    )
}

/// The bar of a figure, with what it is on its left and how much it is on its right.
fn bar(row: usize, figure: &Figure, most: f64) -> String {
    let top = row * ROW + ROW / 2;
    let (text, height) = (top + ROW / 2, ROW - 8);
    #[expect(clippy::cast_precision_loss, reason = "they are a few hundred")]
    let (begin, longest) = (LABELS as f64, BARS as f64);
    let length = figure.median() / most * longest;
    let fill = if figure.name.starts_with("floor") { "#bbb" } else { "#36c" };
    let (database, name, median) = (&figure.database, &figure.name, short(figure.median()));
    let unit = figure.unit.split(',').next().unwrap_or_default();
    format!(
        r#"<text x="{:.1}" y="{text}" text-anchor="end">{database} {name}</text>
<rect x="{begin:.1}" y="{top}" width="{length:.1}" height="{height}" fill="{fill}"/>
<text x="{:.1}" y="{text}">{median} {unit}</text>
"#,
        begin - 8.0,
        begin + length + 6.0,
    )
}
