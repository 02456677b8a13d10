//! Results of the checks, as text: blocking results first, passed checks last.

use console::style;

use super::layout::{beside, is_command};
use crate::domain::{lines, sanitize_for_terminal};
use crate::plan::{CheckResult, CheckSeverity, CheckVerdict};

/// Columns of the ids in the list of what is fine.
const IDS: usize = 20;

/// The findings for standard output, at most `width` columns wide where their words allow. `names` are the network's and
/// the vendor's.
pub fn findings(checks: &[CheckResult], (vnet, vendor): (&str, &str), width: usize) -> String {
    let (fine, mut told): (Vec<&CheckResult>, Vec<&CheckResult>) = checks.iter().partition(|check| check.ok);
    told.sort_by_key(|check| (check.verdict, check.severity));
    let mut out = lines(&headline(checks, vnet, vendor), width);
    for check in told {
        out.push(String::new());
        out.extend(finding(check, width));
    }
    if !fine.is_empty() {
        out.extend([String::new(), "Fine:".to_owned()]);
        for check in fine {
            out.extend(row(check.id, &check.detail, width));
            // What can be done, not what has to be.
            let remedies = check
                .remedies
                .iter()
                .map(|remedy| format!("    {}", sanitize_for_terminal(remedy)));
            out.extend(remedies);
        }
    }
    out.join("\n")
}

/// The list of checks with what each is for.
pub fn probes<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>, width: usize) -> String {
    rows.flat_map(|(id, meaning)| row(id, meaning, width))
        .collect::<Vec<_>>()
        .join("\n")
}

fn headline(checks: &[CheckResult], vnet: &str, vendor: &str) -> String {
    let count = |wanted: &dyn Fn(&CheckResult) -> bool| checks.iter().filter(|check| wanted(check)).count();
    let blocking = count(&CheckResult::blocks);
    let warnings = count(&|check| check.is_problem() && !check.blocks());
    let unknown = count(&|check| check.verdict == CheckVerdict::Unknown);
    let blocks = match blocking {
        0 => "nothing blocks".to_owned(),
        1 => "1 check blocks".to_owned(),
        count => format!("{count} checks block"),
    };
    let warnings = match warnings {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        count => format!(", {count} warnings"),
    };
    let unknown = match unknown {
        0 => String::new(),
        count => format!(", {count} could not be told"),
    };
    format!(
        "{} and {}: {blocks}{warnings}{unknown}.",
        sanitize_for_terminal(vnet),
        sanitize_for_terminal(vendor)
    )
}

/// One finding: what, why it matters, what to do.
fn finding(check: &CheckResult, width: usize) -> Vec<String> {
    let mark = match (check.verdict, check.severity) {
        (CheckVerdict::Problem, CheckSeverity::Error) => style("✘ BLOCKS").red().bold(),
        (CheckVerdict::Problem, CheckSeverity::Warning) => style("! Warning").yellow(),
        (CheckVerdict::Unknown, _) => style("? Not known").dim(),
        (CheckVerdict::Ok, _) => style("✔ Fine").green(),
    };
    let mut out = vec![format!("{mark}: {}", style(check.id).bold())];
    let room = width.saturating_sub(2);
    let indented = |text: &str| {
        lines(&sanitize_for_terminal(text), room)
            .into_iter()
            .map(|line| format!("  {line}"))
    };
    out.extend(indented(&check.detail));
    if let Some(meaning) = check.meaning.filter(|_| check.is_problem()) {
        out.extend(labelled("Why:", meaning, room));
    }
    for (index, remedy) in check.remedies.iter().enumerate() {
        let label = if index == 0 { "Do:" } else { "" };
        // A command is for copying: it stays whole.
        if is_command(remedy) {
            out.push(format!("  {label:<5}{}", sanitize_for_terminal(remedy)));
        } else {
            out.extend(labelled(label, remedy, room));
        }
    }
    out
}

fn labelled(label: &str, text: &str, room: usize) -> Vec<String> {
    let folded = lines(&sanitize_for_terminal(text), room.saturating_sub(5));
    let head = |index: usize| if index == 0 { label } else { "" };
    folded
        .into_iter()
        .enumerate()
        .map(|(index, line)| format!("  {:<5}{line}", head(index)))
        .collect()
}

fn row(id: &str, text: &str, width: usize) -> Vec<String> {
    beside(&format!("  {id}"), IDS + 2, &[text], width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &'static str, verdict: CheckVerdict, severity: CheckSeverity) -> CheckResult {
        CheckResult {
            id,
            severity,
            verdict,
            ok: verdict == CheckVerdict::Ok,
            detail: format!("what {id} found, in a sentence that is long enough to be folded on a narrow terminal"),
            meaning: (verdict != CheckVerdict::Ok).then_some("It matters."),
            remedies: vec![
                "az lock delete --name a-name-that-is-long-enough-to-need-more-than-forty-columns".to_owned(),
            ],
        }
    }

    #[test]
    fn findings_order_blocking_first() {
        let checks = [
            check("fine", CheckVerdict::Ok, CheckSeverity::Error),
            check("unknown", CheckVerdict::Unknown, CheckSeverity::Error),
            check("warns", CheckVerdict::Problem, CheckSeverity::Warning),
            check("blocks", CheckVerdict::Problem, CheckSeverity::Error),
        ];
        let text = findings(&checks, ("vnet-app", "Kong"), 80);
        assert!(
            text.starts_with("vnet-app and Kong: 1 check blocks, 1 warning, 1 could not be told."),
            "{text}"
        );
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
        assert!(at("BLOCKS: blocks") < at("Warning: warns") && at("Warning: warns") < at("Not known: unknown"));
        assert!(at("Not known: unknown") < at("Fine:") && at("Fine:") < at("  fine  "));
    }

    #[test]
    fn findings_fold_text_not_commands() {
        let text = findings(
            &[check("blocks", CheckVerdict::Problem, CheckSeverity::Error)],
            ("v", "k"),
            40,
        );
        for line in text.lines() {
            assert!(line.chars().count() <= 40 || line.contains("az lock"), "{line}");
        }
        assert!(text.contains("forty-columns"), "{text}");
    }
}
