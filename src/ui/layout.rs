//! The sentences that every screen shares.

use std::time::Duration;

use console::{Alignment, measure_text_width, pad_str};
use url::Url;

use crate::domain::{lines, sanitize_for_terminal};
use crate::errors::RunError;
use crate::plan::{ActionRequired, ManualInstructions, PlannedStep, RunPlan, StepState};
use crate::vendors::DnsMapping;

/// The plan, a few lines a step, at most `width` columns wide.
pub fn plan_lines(plan: &RunPlan, width: usize) -> Vec<String> {
    let steps = step_lines(plan, width, |step| step.decision.verb().to_owned());
    steps.into_iter().chain(mapping_lines(&plan.dns, width)).collect()
}

/// The DNS mappings as a table, a domain a row, below an empty line.
fn mapping_lines(mappings: &[DnsMapping], width: usize) -> Vec<String> {
    const HEADING: &str = "DNS mapping";
    let rows = mappings.iter().flat_map(|mapping| {
        let servers: Vec<String> = mapping.servers.iter().map(ToString::to_string).collect();
        let servers = servers.join(", ");
        mapping
            .domains
            .iter()
            .map(move |domain| (domain.as_str(), servers.clone()))
    });
    let rows: Vec<(&str, String)> = rows.collect();
    let Some(longest) = rows.iter().map(|(domain, _)| domain.len().max(HEADING.len())).max() else {
        return Vec::new();
    };
    let column = 2 + longest + 2;
    let fits = column + "255.255.255.255".len() <= width;
    let row = |domain: &str, servers: &str| match fits {
        true => beside(&format!("  {domain}"), column, &[servers], width),
        false => vec![format!("  {domain}"), format!("    {servers}")],
    };
    let heading = row(HEADING, "DNS servers");
    let rows = rows.iter().flat_map(|(domain, servers)| row(domain, servers));
    std::iter::once(String::new()).chain(heading).chain(rows).collect()
}

/// Below this many columns there is no room for two things side by side.
pub const NARROW: usize = 60;

/// A head and what belongs to it: beside it from column `column` on, or, where there is little room, below it.
pub fn beside(head: &str, column: usize, texts: &[&str], width: usize) -> Vec<String> {
    let narrow = width < NARROW;
    let indent = if narrow { 4 } else { column };
    let room = width.saturating_sub(indent).max(16);
    let texts = texts.iter().filter(|text| !text.is_empty());
    let mut text = texts.flat_map(|text| lines(&sanitize_for_terminal(text), room));
    let first = if narrow { None } else { text.next() };
    let first = first.map_or_else(
        || head.trim_end().to_owned(),
        |first| format!("{}{first}", pad_str(head, column, Alignment::Left, None)),
    );
    let rest = text.map(|line| format!("{:indent$}{line}", ""));
    [first].into_iter().chain(rest).collect()
}

/// A text behind a head; what does not fit goes on below it, two columns further to the right. Where there is little
/// room, a long head stands above it.
pub fn hanging_indent(head: &str, text: &str, width: usize) -> Vec<String> {
    let indent = measure_text_width(head) + 2;
    if width < NARROW && indent > 6 {
        let head = Some(head.trim_end()).filter(|head| !head.is_empty());
        let below = hanging_indent("    ", text, width);
        return head.map(str::to_owned).into_iter().chain(below).collect();
    }
    let folded = lines(&sanitize_for_terminal(text), width.saturating_sub(indent).max(8));
    let line = |(index, line)| match index {
        0 => format!("{head}{line}"),
        _ => format!("{:indent$}{line}", ""),
    };
    folded.into_iter().enumerate().map(line).collect()
}

/// Every step with a word for it, and what it is about.
pub fn step_lines(plan: &RunPlan, width: usize, word: fn(&PlannedStep) -> String) -> Vec<String> {
    const LABELS: usize = 2 + 16 + 2 + 9 + 2;
    let step = |step: &PlannedStep| {
        let (name, word) = (step.id.name(), word(step));
        let head = if width >= NARROW {
            format!("  {name:<16}  {word:<9}")
        } else if name.len() + word.len() + 4 <= width {
            format!("  {name}: {word}")
        } else {
            format!("  {name}:\n    {word}")
        };
        let details = step.decision.details();
        let details = details.iter().map(String::as_str);
        let texts: Vec<&str> = std::iter::once(step.decision.what()).chain(details).collect();
        beside(&head, LABELS, &texts, width)
    };
    plan.steps.iter().flat_map(step).collect()
}

/// A failure in its four parts, at most `width` columns wide where its words allow.
pub fn problem_text(problem: &RunError, width: usize) -> String {
    const LABEL: usize = 8;
    let mut out = Vec::new();
    let mut part = |label: &str, text: &str| {
        // A command is for copying: it stays whole, and a script keeps its lines.
        let whole = is_command(text) || text.contains('\n');
        let folded: Vec<String> = if whole {
            text.lines().map(sanitize_for_terminal).collect()
        } else {
            lines(&sanitize_for_terminal(text), width.saturating_sub(LABEL))
        };
        for (index, line) in folded.into_iter().enumerate() {
            let label = if index == 0 { label } else { "        " };
            out.push(format!("{label}{line}"));
        }
    };
    part("Error: ", &problem.what);
    if !problem.why.is_empty() {
        part("  Why:  ", &problem.why);
    }
    for (index, remedy) in problem.remedies.iter().enumerate() {
        part(if index == 0 { "  Do:   " } else { "        " }, remedy);
    }
    if let Some(reference) = problem.reference() {
        part("  Ref:  ", &reference);
    }
    out.join("\n")
}

/// Returns whether the text contains something to copy into a shell.
pub fn is_command(text: &str) -> bool {
    let az = |word: &str| word == "az" || word.ends_with("$(az");
    text.starts_with("peerctl ") || text.split_whitespace().any(az)
}

/// Returns the state of a step that is completed: in place, or gone.
pub fn settled(state: StepState) -> &'static str {
    match state {
        StepState::Missing => "gone",
        _ => "in place",
    }
}

/// The hand-off card; its values stay whole, for copying.
pub fn card_lines(card: &ManualInstructions, width: usize) -> Vec<String> {
    let labels: Vec<String> = card
        .values
        .iter()
        .map(|value| sanitize_for_terminal(&value.label))
        .collect();
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut out: Vec<String> = Vec::new();
    if !card.before.is_empty() {
        out.push("Before that:".to_owned());
        out.extend(card.before.iter().flat_map(|line| match is_command(line) {
            // A command is for copying: it stays whole.
            true => vec![format!("    {}", sanitize_for_terminal(line))],
            false => hanging_indent("    ", line, width),
        }));
        out.push(String::new());
    }
    out.extend(lines(
        &format!("Enter these values at {}", sanitize_for_terminal(&card.place)),
        width,
    ));
    out.push(String::new());
    let values = card.values.iter().map(|value| sanitize_for_terminal(&value.value));
    let beside: Vec<String> = labels
        .iter()
        .zip(values.clone())
        .map(|(label, value)| format!("    {label:<longest$}  {value}"))
        .collect();
    if beside.iter().all(|row| row.chars().count() <= width) {
        out.extend(beside);
    } else {
        for (label, value) in labels.iter().zip(values) {
            out.extend(lines(label, width));
            out.push(format!("  {value}"));
        }
    }
    out
}

/// Returns who has to act, and what to hand over; commands are not wrapped, so that they can be copied.
pub fn hold_lines(hold: &ActionRequired, width: usize) -> Vec<String> {
    let mut out = lines(&sanitize_for_terminal(&hold.why), width);
    out.extend(lines(&format!("Next: {}", sanitize_for_terminal(&hold.who)), width));
    match hold.packet.as_slice() {
        [sentence] if !is_command(sentence) => out.extend(hanging_indent("    ", sentence, width)),
        packet => out.extend(packet.iter().map(|line| format!("    {}", sanitize_for_terminal(line)))),
    }
    let answer = hold.answer.iter();
    out.extend(answer.flat_map(|answer| lines(&format!("(Azure: {})", sanitize_for_terminal(answer)), width)));
    out
}

/// Without the one symbol that says something by itself: not everybody sees it.
pub fn in_words(text: &str) -> String {
    text.replace(" → ", " to ")
}

/// Returns the instructions for signing in with a code.
pub fn enter_code(page: &Url, code: &str, tenant: Option<&str>, life: Duration) -> String {
    let whereto = tenant
        .map(|tenant| format!(" to tenant {tenant}, too"))
        .unwrap_or_default();
    let life = match life.as_secs() {
        whole @ 60.. if whole % 60 == 0 => format!("{} min", whole / 60),
        _ => duration(life),
    };
    sanitize_for_terminal(&format!(
        "To sign in{whereto}, open {page} and enter the code {code} (good for {life})"
    ))
}

/// `12 s`, `3 min 20 s`.
pub fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// `20,000`.
pub fn counted(number: usize) -> String {
    let digits = number.to_string();
    let comma = |(at, digit)| match (digits.len() - at) % 3 {
        0 if at > 0 => [Some(','), Some(digit)],
        _ => [None, Some(digit)],
    };
    digits.chars().enumerate().flat_map(comma).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::RunErrorKind;

    #[test]
    fn layout_folds_problem_not_commands() {
        let command = "az network vnet peering delete --resource-group a-long-name --vnet-name another-long-name";
        let problem = RunError::new(
            RunErrorKind::Azure,
            "The peering is in a state that nobody expected here.",
            "Because of a long story that needs more than one line.",
        )
        .remedy(command);
        let text = problem_text(&problem, 40);
        assert!(
            text.lines()
                .filter(|line| !line.contains(command))
                .all(|line| line.chars().count() <= 40),
            "{text}"
        );
        assert!(text.contains(command), "{text}");
        assert!(text.contains("\n  Why:  Because"), "{text}");
    }

    #[test]
    fn layout_device_code_is_escaped() {
        let page = Url::parse("https://microsoft.com/devicelogin").expect("a page");
        let table = [
            (
                "ABCD-EFGH",
                None,
                900,
                "To sign in, open https://microsoft.com/devicelogin and enter the code ABCD-EFGH (good for 15 min)",
            ),
            (
                "A\u{1b}[2J",
                Some("t-1"),
                61,
                "To sign in to tenant t-1, too, open https://microsoft.com/devicelogin and enter the code A\u{fffd}[2J \
                 (good for 1 min 01 s)",
            ),
        ];
        for (code, tenant, seconds, expected) in table {
            let told = enter_code(&page, code, tenant, Duration::from_secs(seconds));
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn durations_are_read_at_a_glance() {
        assert_eq!(duration(Duration::from_millis(1900)), "1 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
    }

    #[test]
    fn layout_groups_large_numbers() {
        let table = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (25_000, "25,000"),
            (1_234_567, "1,234,567"),
        ];
        for (number, expected) in table {
            assert_eq!(counted(number), expected);
        }
    }
}
