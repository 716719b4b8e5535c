//! Results in the form that CI services read.

use std::fmt::Write as _;

use crate::runner::{Outcome, Report};

/// The results as JUnit XML.
pub fn xml(reports: &[Report]) -> String {
    let count = |wanted: fn(&Outcome) -> bool| reports.iter().filter(|report| wanted(&report.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let head = format!("tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\"", reports.len());
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<testsuite name=\"functional\" {head}>");
    for report in reports {
        let (name, seconds) = (escaped(&report.name), report.took.as_secs_f64());
        let _ = write!(out, "  <testcase name=\"{name}\" time=\"{seconds:.3}\">");
        match &report.outcome {
            Outcome::Passed => {}
            Outcome::Failed(text) => {
                let _ = write!(out, "<failure>{}</failure>", escaped(text));
            }
            Outcome::Skipped(text) => {
                let _ = write!(out, "<skipped message=\"{}\"/>", escaped(text));
            }
        }
        out.push_str("</testcase>\n");
    }
    out + "</testsuite>\n"
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            // XML has no way to write other control characters.
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_are_counted_and_texts_are_escaped() {
        let report = |name: &str, outcome| Report { name: name.into(), outcome, took: Duration::from_millis(1500) };
        let text = xml(&[
            report("a", Outcome::Passed),
            report("b", Outcome::Failed("1 < 2 & \u{1b}[m".into())),
            report("c", Outcome::Skipped("no \"x\"".into())),
        ]);
        assert!(text.contains("tests=\"3\" failures=\"1\" skipped=\"1\""));
        assert!(text.contains("<testcase name=\"a\" time=\"1.500\"></testcase>"));
        assert!(text.contains("<failure>1 &lt; 2 &amp; \u{fffd}[m</failure>"));
        assert!(text.contains("<skipped message=\"no &quot;x&quot;\"/>"));
    }
}
