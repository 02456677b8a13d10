//! The sentences that every screen shares.

use std::time::Duration;

use crate::domain::{harmless, lines};
use crate::errors::Problem;
use crate::plan::{Card, Decision, Hold, Plan, StepState};

/// The plan, a few lines a step, at most `width` columns wide.
pub fn plan_lines(plan: &Plan, width: usize) -> Vec<String> {
    step_lines(plan, width, |decision| decision.verb().to_owned())
}

/// Every step with a word for it, and what it is about.
pub fn step_lines(plan: &Plan, width: usize, word: fn(&Decision) -> String) -> Vec<String> {
    const LABELS: usize = 2 + 16 + 2 + 9 + 2;
    let room = width.saturating_sub(LABELS).max(20);
    let mut out = Vec::new();
    for step in &plan.steps {
        let mut text = lines(&harmless(step.decision.what()), room);
        let details = step.decision.details();
        text.extend(details.iter().flat_map(|detail| lines(&harmless(detail), room)));
        for (index, line) in text.iter().enumerate() {
            let (id, word) = if index == 0 {
                (step.id.name(), word(&step.decision))
            } else {
                ("", String::new())
            };
            out.push(format!("  {id:<16}  {word:<9}  {line}"));
        }
    }
    out
}

/// A failure in its four parts, at most `width` columns wide where its words allow.
pub fn problem_text(problem: &Problem, width: usize) -> String {
    let indent = "        ";
    let mut out = Vec::new();
    for line in problem.to_string().lines().map(harmless) {
        let label = line.char_indices().nth(indent.len()).map_or(0, |(at, _)| at);
        // Commands to copy stay whole; only the sentences of "Why" and the first line are folded.
        let folds = line.starts_with("Error:") || line.starts_with("  Why:");
        if !folds || label == 0 {
            out.push(line);
            continue;
        }
        let head = if line.starts_with("Error:") { 0 } else { label };
        for (index, part) in lines(&line[head..], width.saturating_sub(indent.len()))
            .into_iter()
            .enumerate()
        {
            out.push(if index == 0 {
                format!("{}{part}", &line[..head])
            } else {
                format!("{indent}{part}")
            });
        }
    }
    out.join("\n")
}

/// How a step that is over stands: there as it shall be, or gone.
pub fn settled(state: StepState) -> &'static str {
    match state {
        StepState::Missing => "gone",
        _ => "in place",
    }
}

/// The hand-off card.
pub fn card_lines(card: &Card) -> Vec<String> {
    let labels: Vec<String> = card.values.iter().map(|value| harmless(&value.label)).collect();
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut out: Vec<String> = Vec::new();
    if !card.before.is_empty() {
        out.push("Before that:".to_owned());
        out.extend(card.before.iter().map(|line| format!("    {}", harmless(line))));
        out.push(String::new());
    }
    out.extend([
        format!("Enter these values at {}", harmless(&card.place)),
        String::new(),
    ]);
    out.extend(
        labels
            .iter()
            .zip(&card.values)
            .map(|(label, value)| format!("    {label:<longest$}  {}", harmless(&value.value))),
    );
    out
}

/// Who has to act, and what to hand over.
pub fn hold_lines(hold: &Hold) -> Vec<String> {
    let mut out = vec![harmless(&hold.why), format!("Next: {}", harmless(&hold.who))];
    out.extend(hold.packet.iter().map(|line| format!("    {}", harmless(line))));
    out.extend(
        hold.answer
            .iter()
            .map(|answer| format!("(Azure: {})", harmless(answer))),
    );
    out
}

/// Without the one symbol that says something by itself: not everybody sees it.
pub fn in_words(text: &str) -> String {
    text.replace(" → ", " to ")
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
    use crate::errors::Kind;

    #[test]
    fn a_problem_is_folded_and_its_commands_are_not() {
        let command = "az network vnet peering delete --resource-group a-long-name --vnet-name another-long-name";
        let problem = Problem::new(
            Kind::Azure,
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
    fn durations_are_read_at_a_glance() {
        assert_eq!(duration(Duration::from_millis(1900)), "1 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
    }

    #[test]
    fn large_numbers_are_read_at_a_glance() {
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
