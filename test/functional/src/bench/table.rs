//! What a bench found, for a person and for a program.

use rpc::{Json, Object};

use super::{Better, Row};

/// The middle of some values, and how far they lie apart.
fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => None,
        values if values.len().is_multiple_of(2) => Some(f64::midpoint(values[middle - 1], values[middle])),
        values => Some(values[middle]),
    }
}

impl Row {
    /// Ours to theirs, pair by pair.
    fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect()
    }

    /// Whether the target is met; nothing without a rival or a target.
    fn verdict(&self) -> Option<bool> {
        let (ratio, target) = (median(&self.ratios())?, self.figure.target?);
        Some(match self.figure.better {
            Better::More => ratio >= target,
            Better::Less => ratio <= target,
        })
    }
}

/// A table of medians.
pub(super) fn text(rows: &[Row]) -> String {
    let mut out = format!("{:34} {:>12} {:>12} {:>7} {:>15}  {}\n", "", "ours", "rival", "ratio", "of pairs", "target");
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| short(value, row.figure.unit));
        let ratios = row.ratios();
        let spread = match (ratios.iter().copied().reduce(f64::min), ratios.iter().copied().reduce(f64::max)) {
            (Some(least), Some(most)) => format!("{least:.2} to {most:.2}"),
            _ => String::new(),
        };
        let ratio = median(&ratios).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let sign = match row.figure.better {
            Better::More => ">=",
            Better::Less => "<=",
        };
        let target = row.figure.target.map_or_else(String::new, |target| format!("{sign} {target}"));
        let verdict = match row.verdict() {
            None => "",
            Some(true) => " met",
            Some(false) => " missed",
        };
        let (ours, theirs) = (number(median(&row.ours)), number(median(&row.theirs)));
        let line = format!("{:34} {ours:>12} {theirs:>12} {ratio:>7} {spread:>15}  {target}{verdict}", row.figure.name);
        out += line.trim_end();
        out.push('\n');
    }
    out
}

fn short(value: f64, unit: &str) -> String {
    match unit {
        "s" if value < 1.0 => format!("{:.1} ms", value * 1000.0),
        "s" => format!("{value:.2} s"),
        _ if value >= 1000.0 => format!("{value:.0} {unit}"),
        _ => format!("{value:.1} {unit}"),
    }
}

/// The same with every run, for a program.
pub(super) fn json(report: &[(String, Vec<Row>)]) -> String {
    let numbers = |values: &[f64]| values.iter().map(|value| Json::real(*value)).collect::<Json>();
    let mut all = Object::new();
    for (name, rows) in report {
        let rows = rows.iter().map(|row| {
            let mut object = Object::new()
                .with("figure", row.figure.name.clone())
                .with("unit", row.figure.unit)
                .with("ours", numbers(&row.ours))
                .with("rival", numbers(&row.theirs));
            if let Some(ratio) = median(&row.ratios()) {
                object.push("ratio", Json::real(ratio));
            }
            if let Some(target) = row.figure.target {
                object.push("target", Json::real(target));
            }
            object
        });
        all.push(name.clone(), rows.collect::<Json>());
    }
    Json::from(all).write_indented(1) + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::Figure;
    use super::*;

    fn row(ours: &[f64], theirs: &[f64]) -> Row {
        Row { figure: Figure::seconds("work", 0.0).target(0.5), ours: ours.to_vec(), theirs: theirs.to_vec() }
    }

    #[test]
    fn ratios_are_of_pairs() {
        let row = row(&[1.0, 3.0, 2.0], &[4.0, 3.0, 8.0]);
        assert_eq!(row.ratios(), [0.25, 1.0, 0.25]);
        assert_eq!(row.verdict(), Some(true));
        let shown = text(&[row]);
        assert!(shown.contains("2.00 s") && shown.contains("0.25 to 1.00") && shown.contains("<= 0.5 met"), "{shown}");
    }

    #[test]
    fn without_a_rival_figures_stand_alone() {
        let row = row(&[0.25], &[]);
        assert_eq!(row.verdict(), None);
        let shown = text(std::slice::from_ref(&row));
        assert!(shown.contains("250.0 ms") && !shown.contains("met"), "{shown}");
        assert!(rpc::json::parse(json(&[("a".to_owned(), vec![row])]).as_bytes()).is_some());
    }

    #[test]
    fn medians_of_even_numbers_lie_between() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0]), Some(2.0));
    }
}
