//! Status of a link, as text: every step, both directions, the state that the vendor reports, and who has to act next.

use super::layout::step_lines;
use super::summary::{RunEnd, directions, summary};
use crate::domain::{lines, sanitize_for_terminal};
use crate::errors::RunOutcome;
use crate::plan::{HealthStatus, LinkHealth, NextAction, RunPlan};
use crate::render::RunReport;

/// The lines for standard output, at most `width` columns wide where commands allow.
pub fn status(report: &RunReport, plan: &RunPlan, standing: &LinkHealth, names: (&str, &str), width: usize) -> String {
    let (vnet, vendor) = names;
    let mut out = lines(&headline(standing, vnet, vendor), width);
    out.push(String::new());
    out.extend(step_lines(plan, width, |step| step.state().to_string()));
    out.extend(directions(report, names, width));
    if let Some(request) = &standing.request {
        let reason = request.reason.as_ref().map(|reason| format!(" ({reason})"));
        let text = format!(
            "{vendor} says: {} \"{}\" is {}{}",
            request.kind,
            request.name,
            request.state,
            reason.unwrap_or_default()
        );
        out.extend(indented(&text, width));
    }
    let findings: Vec<String> = report
        .checks()
        .iter()
        .filter(|check| check.is_problem())
        .flat_map(|check| {
            indented(
                &format!("{}: {}", check.id, sanitize_for_terminal(&check.detail)),
                width,
            )
        })
        .collect();
    if !findings.is_empty() {
        out.extend([String::new(), "Worth knowing:".to_owned()]);
        out.extend(findings);
    }
    out.extend(turns(standing, width));
    out.join("\n")
}

/// The lines for standard output when a repair had nothing to do; `standing` is where the link stands.
pub fn left_alone(standing: &LinkHealth, names: (&str, &str), width: usize) -> String {
    let said = match standing.verdict {
        HealthStatus::Works => "Nothing to repair.",
        HealthStatus::Waiting | HealthStatus::Broken => "Nothing is broken.",
    };
    let mut out = lines(&format!("{said} {}", headline(standing, names.0, names.1)), width);
    out.extend(turns(standing, width));
    out.join("\n")
}

/// The lines for standard output when a repair is over; `before` is where the link stood when it began.
pub fn repaired(report: &RunReport, before: &LinkHealth, names: (&str, &str), end: &RunEnd, width: usize) -> String {
    let vendor = names.1;
    let mut out = vec![summary(report, names, end, width)];
    let theirs: Vec<String> = before
        .faults
        .iter()
        .filter(|_| report.outcome() != RunOutcome::Done)
        .filter_map(|fault| fault.theirs.as_ref())
        .flat_map(|does| indented(&sanitize_for_terminal(does), width))
        .collect();
    if !theirs.is_empty() {
        out.extend([String::new(), format!("What only {vendor} can do:")]);
        out.extend(theirs);
    }
    out.join("\n")
}

fn turns(standing: &LinkHealth, width: usize) -> Vec<String> {
    if standing.next.is_empty() {
        return Vec::new();
    }
    let turns = standing.next.iter().flat_map(|next| turn(next, width));
    [String::new(), "Next:".to_owned()].into_iter().chain(turns).collect()
}

fn headline(standing: &LinkHealth, vnet: &str, vendor: &str) -> String {
    let why = sanitize_for_terminal(standing.why.trim_end_matches('.'));
    match standing.verdict {
        HealthStatus::Works => format!("{vnet} and {vendor} are peered: {why}."),
        HealthStatus::Waiting if !standing.faults.is_empty() => {
            format!("{vnet} and {vendor} are peered, and {vendor} has to sync. {why}.")
        }
        HealthStatus::Waiting => format!("{vnet} and {vendor} are not peered yet: {why}."),
        HealthStatus::Broken => format!("The link of {vnet} and {vendor} is broken. {why}."),
    }
}

/// One turn in one line, for a live one.
pub fn turn_line(next: &NextAction) -> String {
    let usually = next.usually.as_ref().map(|usually| format!("; usually {usually}"));
    sanitize_for_terminal(&format!("{}: {}{}", next.who, next.what, usually.unwrap_or_default()))
}

fn turn(next: &NextAction, width: usize) -> Vec<String> {
    let mut out = indented(&turn_line(next), width);
    // Commands are for copying: they are not folded.
    out.extend(
        next.packet
            .iter()
            .map(|line| format!("    {}", sanitize_for_terminal(line))),
    );
    out
}

fn indented(text: &str, width: usize) -> Vec<String> {
    lines(text, width.saturating_sub(2))
        .into_iter()
        .map(|line| format!("  {line}"))
        .collect()
}
