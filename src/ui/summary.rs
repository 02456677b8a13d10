//! The result as text: what there is now, what was created, and how to do the same again.

use std::time::Duration;

use super::layout::{beside, duration, hanging_indent};
use crate::domain::{lines, sanitize_for_terminal};
use crate::errors::{RunErrorKind, RunOutcome};
use crate::plan::{FirstUse, PeeringDirection, PeeringView, StepId};
use crate::render::RunReport;

/// Information that is shown at the end of a run in addition to its report.
#[derive(Debug, Default)]
pub struct RunEnd {
    /// The kind of the problem that ended it.
    pub problem: Option<RunErrorKind>,
    /// Whether anything was written, or may have been.
    pub wrote: bool,
    /// The steps of `--only`.
    pub only: Vec<StepId>,
    /// `--timeout`, where the time was over first.
    pub timed_out: Option<Duration>,
    /// The command line that needs no answers, where some were given.
    pub again: Option<String>,
    /// The vendor's next step, and the test of the connection.
    pub first_use: Option<FirstUse>,
    /// The command line that shows the state.
    pub check: Option<String>,
    /// The command line that undoes the run.
    pub undo: Option<String>,
    pub elapsed: Duration,
}

/// The lines for standard output when a run is over.
pub fn summary(report: &RunReport, (vnet, vendor): (&str, &str), end: &RunEnd, width: usize) -> String {
    let outcome = report.outcome();
    let mut out = lines(&headline(outcome, vnet, vendor, end), width);
    out.extend(directions(report, (vnet, vendor), width));
    out.extend(remarks(report, width));
    out.extend(changes(report, "What was written:", width));
    if matches!(outcome, RunOutcome::Done | RunOutcome::Unchanged) && end.only.is_empty() {
        out.extend(end.first_use.iter().flat_map(|first_use| next_lines(first_use, width)));
    }
    out.extend(footer(outcome, end));
    // The same command line only leads to the same refusal where something has to be fixed first.
    let helps = match outcome {
        RunOutcome::Done | RunOutcome::Unchanged | RunOutcome::Waiting | RunOutcome::Cancelled => true,
        RunOutcome::Failed => end.problem.is_some_and(passes),
        RunOutcome::Blocked | RunOutcome::Usage => false,
    };
    if let Some(again) = end.again.as_ref().filter(|_| helps) {
        out.push(String::new());
        out.push("The same without questions:".to_owned());
        out.push(indented(again));
    }
    out.join("\n")
}

/// The lines for standard output when something was to be removed: what went, and what stays.
pub fn removed(report: &RunReport, (vnet, vendor): (&str, &str), end: &RunEnd, width: usize) -> String {
    let outcome = report.outcome();
    let headline = match outcome {
        RunOutcome::Done => format!("Removed: what setup had made to peer {vnet} with {vendor}."),
        RunOutcome::Unchanged => format!("Nothing to remove: {vnet} has nothing of setup's for {vendor}."),
        other => headline(other, vnet, vendor, end),
    };
    let mut out = lines(&headline, width);
    out.extend(changes(report, "What was removed:", width));
    // Who said no keeps everything.
    let kept = report.kept().filter(|_| outcome != RunOutcome::Cancelled);
    let kept: Vec<String> = kept
        .flat_map(|text| lines(&sanitize_for_terminal(text), width.saturating_sub(2)))
        .collect();
    if !kept.is_empty() {
        out.extend([String::new(), "What stays:".to_owned()]);
        out.extend(kept.into_iter().map(|line| format!("  {line}")));
    }
    out.extend(footer(outcome, end));
    out.join("\n")
}

/// Returns what was written before the run was stopped, and how to undo it.
pub fn interrupted(report: &RunReport, end: &RunEnd, width: usize) -> String {
    let headline = match end.wrote {
        true => "Stopped. Run the same command again to continue; completed steps are skipped.",
        false => "Stopped; nothing was written.",
    };
    let mut out = lines(headline, width);
    if end.wrote {
        out.extend(changes(report, "What was written:", width));
        out.extend(footer(RunOutcome::Cancelled, end));
        if let Some(again) = &end.again {
            out.extend([String::new(), indented(again)]);
        }
    }
    out.join("\n")
}

/// Returns what to do next at the vendor, and how to test the connection, below an empty line.
fn next_lines(first_use: &FirstUse, width: usize) -> Vec<String> {
    let FirstUse { step, test, place } = first_use;
    let rows = [
        ("Next:", Some(step)),
        ("Test:", test.as_ref()),
        ("From:", place.as_ref()),
    ];
    let rows = rows.into_iter().filter_map(|(label, text)| Some((label, text?)));
    let rows = rows.flat_map(|(label, text)| match label {
        // A command is for copying: it stays whole.
        "Test:" => vec![format!("{label:<8}{}", sanitize_for_terminal(text))],
        _ => beside(label, 8, &[text], width),
    });
    std::iter::once(String::new()).chain(rows).collect()
}

/// Returns how to check the result, how to undo it, and the duration of the run.
fn footer(outcome: RunOutcome, end: &RunEnd) -> Vec<String> {
    let is_there = matches!(outcome, RunOutcome::Done | RunOutcome::Waiting);
    let rows = [
        ("Check:", end.check.clone().filter(|_| is_there)),
        ("Undo:", end.undo.clone().filter(|_| end.wrote)),
        (
            "Took:",
            (end.wrote && outcome != RunOutcome::Cancelled).then(|| duration(end.elapsed)),
        ),
    ];
    let rows = rows.into_iter().filter_map(|(label, text)| Some((label, text?)));
    let rows: Vec<String> = rows
        .map(|(label, text)| format!("{label:<8}{}", text.replace('\n', "\n        ")))
        .collect();
    match rows.is_empty() {
        true => rows,
        false => std::iter::once(String::new()).chain(rows).collect(),
    }
}

/// Returns whether a problem of that kind can be temporary.
fn passes(kind: RunErrorKind) -> bool {
    matches!(kind, RunErrorKind::Network | RunErrorKind::Timeout)
}

fn changes(report: &RunReport, heading: &str, width: usize) -> Vec<String> {
    let changes: Vec<String> = report
        .changes()
        .map(|(step, change)| {
            // The name at the end of the id tells it from its neighbours; whole ids are in the JSON document.
            let name = change.id.rsplit('/').next().unwrap_or(&change.id);
            let (head, name) = (
                format!("  {:<15}  {} {}", step.name(), change.action, change.kind),
                sanitize_for_terminal(name),
            );
            // Ids are for copying: one that does not fit has a line of its own.
            let (head_is, name_is) = (head.chars().count(), name.chars().count());
            if head_is + 1 + name_is <= width {
                format!("{head} {name}")
            } else if head_is <= width {
                format!("{head}\n    {name}")
            } else {
                let what = hanging_indent("    ", &format!("{} {}", change.action, change.kind), width);
                format!("  {}\n{}\n    {name}", step.name(), what.join("\n"))
            }
        })
        .collect();
    if changes.is_empty() {
        return changes;
    }
    [String::new(), heading.to_owned()].into_iter().chain(changes).collect()
}

/// The lines of `text`, two columns further to the right.
pub fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The checks on what a working link may still lack.
const TRAFFIC: [&str; 5] = ["vnet-state", "nsg-rules", "routes", "dns-servers", "dns-hint"];

/// Returns what may still block traffic, and name resolution.
fn remarks(report: &RunReport, width: usize) -> Vec<String> {
    if !matches!(report.outcome(), RunOutcome::Done | RunOutcome::Unchanged) {
        return Vec::new();
    }
    let about = report.checks().iter().filter(|check| TRAFFIC.contains(&check.id));
    let worth_saying = about.filter(|check| check.is_problem() || check.id == "dns-hint");
    let said = worth_saying.flat_map(|check| std::iter::once(&check.detail).chain(&check.remedies));
    let said: Vec<String> = said
        .flat_map(|text| lines(&sanitize_for_terminal(text), width.saturating_sub(2)))
        .collect();
    if said.is_empty() {
        return Vec::new();
    }
    let mut out = vec![String::new()];
    out.extend(lines("For traffic and names:", width));
    out.extend(said.into_iter().map(|line| format!("  {line}")));
    out
}

fn headline(outcome: RunOutcome, vnet: &str, vendor: &str, end: &RunEnd) -> String {
    const SKIPPED: &str = "completed steps are skipped";
    match outcome {
        RunOutcome::Done | RunOutcome::Unchanged if !end.only.is_empty() => only_some(outcome, &end.only),
        RunOutcome::Done => format!("Done: {vnet} and {vendor} are peered."),
        RunOutcome::Unchanged => format!("Unchanged: {vnet} and {vendor} were peered already; nothing was written."),
        RunOutcome::Waiting => match end.timed_out {
            Some(timeout) => format!(
                "Not finished: --timeout {} is over. Run the same command again to continue; {SKIPPED}.",
                humantime::format_duration(timeout)
            ),
            None => format!("Waiting for someone else. Run the same command again afterwards; {SKIPPED}."),
        },
        RunOutcome::Blocked => "Blocked: nothing was written.".to_owned(),
        RunOutcome::Failed => match (end.problem.is_none_or(passes), end.wrote) {
            (true, _) => format!("Failed. Run the same command again; {SKIPPED}."),
            (false, true) => format!("Failed. Solve the problem above, then run the command again; {SKIPPED}."),
            (false, false) => {
                "Failed; nothing was written. Solve the problem above, then run the command again.".to_owned()
            }
        },
        RunOutcome::Cancelled if !end.wrote => "Stopped; nothing was written.".to_owned(),
        RunOutcome::Cancelled => format!("Stopped. Run the same command again to continue; {SKIPPED}."),
        RunOutcome::Usage => String::new(),
    }
}

/// Some steps alone say nothing about the link.
fn only_some(outcome: RunOutcome, only: &[StepId]) -> String {
    let names: Vec<&str> = only.iter().map(|step| step.name()).collect();
    let verb = if only.len() == 1 { "is" } else { "are" };
    let names = names.join(", ");
    match outcome {
        RunOutcome::Done => format!("Done: {names} {verb} in place. Other steps weren't checked (--only)."),
        _ => format!(
            "Unchanged: {names} {verb} in place already; nothing was written. Other steps weren't checked (--only)."
        ),
    }
}

/// Both directions of the link, as far as they are known, below an empty line.
pub fn directions(report: &RunReport, (vnet, vendor): (&str, &str), width: usize) -> Vec<String> {
    let views = report.peerings().iter();
    let lines: Vec<String> = views
        .flat_map(|view| hanging_indent("  ", &direction(view, vnet, vendor), width))
        .collect();
    if lines.is_empty() {
        return lines;
    }
    [String::new()].into_iter().chain(lines).collect()
}

fn direction(view: &PeeringView, vnet: &str, vendor: &str) -> String {
    let (from, to) = match view.direction {
        PeeringDirection::Local => (vnet, vendor),
        PeeringDirection::Remote => (vendor, vnet),
    };
    let space = if view.address_space.is_empty() {
        String::new()
    } else {
        format!(" ({})", view.address_space)
    };
    let subnets = view.subnets.as_ref().map(|subnets| {
        let (from, to) = (subnets.local.join(", "), subnets.remote.join(", "));
        format!("; only subnets {from} → {to}")
    });
    // Words of Azure's that we do not know are shown as they come.
    format!(
        "{from} → {to}: {}, {}{space}{}",
        view.state,
        view.sync_level,
        subnets.unwrap_or_default()
    )
}
