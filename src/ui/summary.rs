//! The result as text: what there is now, what was created, and how to do the same again.

use crate::domain::{harmless, lines};
use crate::errors::Outcome;
use crate::plan::{Direction, PeeringView};
use crate::render::Report;

/// The lines for standard output when a run is over. `again` is the command line that needs no answers, where some
/// were given.
pub fn summary(report: &Report, vnet: &str, vendor: &str, again: Option<&str>, width: usize) -> String {
    let wrote = report.changes().next().is_some();
    let mut out = vec![headline(report.outcome(), vnet, vendor, wrote)];
    if !report.peerings().is_empty() {
        out.push(String::new());
        out.extend(report.peerings().iter().map(|view| direction(view, vnet, vendor)));
    }
    out.extend(remarks(report, width));
    out.extend(changes(report, "What was written:", width));
    if let Some(again) = again {
        out.push(String::new());
        out.push("The same without questions:".to_owned());
        out.push(indented(again));
    }
    out.join("\n")
}

/// The lines for standard output when something was to be removed: what went, and what stays.
pub fn removed(report: &Report, vnet: &str, vendor: &str, width: usize) -> String {
    let mut out = vec![match report.outcome() {
        Outcome::Done => format!("Removed: what setup had made to peer {vnet} with {vendor}."),
        Outcome::Unchanged => format!("Nothing to remove: {vnet} has nothing of setup's for {vendor}."),
        other => headline(other, vnet, vendor, report.changes().next().is_some()),
    }];
    out.extend(changes(report, "What was removed:", width));
    let kept: Vec<String> = report
        .kept()
        .flat_map(|text| lines(&harmless(text), width.saturating_sub(2)))
        .collect();
    if !kept.is_empty() {
        out.extend([String::new(), "What stays:".to_owned()]);
        out.extend(kept.into_iter().map(|line| format!("  {line}")));
    }
    out.join("\n")
}

fn changes(report: &Report, heading: &str, width: usize) -> Vec<String> {
    let changes: Vec<String> = report
        .changes()
        .map(|(step, change)| {
            // The name at the end of the id tells it from its neighbours; whole ids are in the JSON document.
            let name = change.id.rsplit('/').next().unwrap_or(&change.id);
            let (head, name) = (
                format!("  {:<15}  {} {}", step.name(), change.action, change.kind),
                harmless(name),
            );
            // Ids are for copying: one that does not fit has a line of its own.
            let together = head.chars().count() + 1 + name.chars().count();
            if together <= width {
                format!("{head} {name}")
            } else {
                format!("{head}\n    {name}")
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
const TRAFFIC: [&str; 4] = ["vnet-state", "nsg-rules", "routes", "dns-hint"];

/// What may still be in the way of traffic, and of names.
fn remarks(report: &Report, width: usize) -> Vec<String> {
    if !matches!(report.outcome(), Outcome::Done | Outcome::Unchanged) {
        return Vec::new();
    }
    let about = report.checks().iter().filter(|check| TRAFFIC.contains(&check.id));
    let worth_saying = about.filter(|check| check.is_problem() || check.id == "dns-hint");
    let said = worth_saying.flat_map(|check| std::iter::once(&check.detail).chain(&check.remedies));
    let lines: Vec<String> = said
        .flat_map(|text| lines(&harmless(text), width.saturating_sub(2)))
        .collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let heading = ["".to_owned(), "For traffic and names:".to_owned()];
    heading
        .into_iter()
        .chain(lines.into_iter().map(|line| format!("  {line}")))
        .collect()
}

fn headline(outcome: Outcome, vnet: &str, vendor: &str, wrote: bool) -> String {
    match outcome {
        Outcome::Done => format!("Done: {vnet} and {vendor} are peered."),
        Outcome::Unchanged => format!("Unchanged: {vnet} and {vendor} were peered already; nothing was written."),
        Outcome::Waiting => "Waiting for someone else. Run the same command again; it goes on from here.".to_owned(),
        Outcome::Blocked => "Blocked: nothing was written.".to_owned(),
        Outcome::Failed => "Failed. Run the same command again; it goes on from here.".to_owned(),
        Outcome::Cancelled if !wrote => "Stopped; nothing was written.".to_owned(),
        Outcome::Cancelled => "Stopped. Run the same command again; it goes on from here.".to_owned(),
        Outcome::Usage => String::new(),
    }
}

/// One direction of the link, in a line.
pub fn direction(view: &PeeringView, vnet: &str, vendor: &str) -> String {
    let (from, to) = match view.direction {
        Direction::Local => (vnet, vendor),
        Direction::Remote => (vendor, vnet),
    };
    let space = if view.address_space.is_empty() {
        String::new()
    } else {
        format!(" ({})", view.address_space)
    };
    // Words of Azure's that we do not know are shown as they come.
    harmless(&format!("  {from} → {to}: {}, {}{space}", view.state, view.sync_level))
}
