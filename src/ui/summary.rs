//! The result as text: what there is now, what was created, and how to do the same again.

use super::words::hanging;
use crate::domain::{harmless, lines};
use crate::errors::Outcome;
use crate::plan::{Direction, PeeringView};
use crate::render::Report;

/// The lines for standard output when a run is over. `again` is the command line that needs no answers, where some
/// were given.
pub fn summary(report: &Report, vnet: &str, vendor: &str, again: Option<&str>, width: usize) -> String {
    let wrote = report.changes().next().is_some();
    let mut out = lines(&headline(report.outcome(), vnet, vendor, wrote), width);
    out.extend(directions(report, (vnet, vendor), width));
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
    let headline = match report.outcome() {
        Outcome::Done => format!("Removed: what setup had made to peer {vnet} with {vendor}."),
        Outcome::Unchanged => format!("Nothing to remove: {vnet} has nothing of setup's for {vendor}."),
        other => headline(other, vnet, vendor, report.changes().next().is_some()),
    };
    let mut out = lines(&headline, width);
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
            let (head_is, name_is) = (head.chars().count(), name.chars().count());
            if head_is + 1 + name_is <= width {
                format!("{head} {name}")
            } else if head_is <= width {
                format!("{head}\n    {name}")
            } else {
                let what = hanging("    ", &format!("{} {}", change.action, change.kind), width);
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
const TRAFFIC: [&str; 4] = ["vnet-state", "nsg-rules", "routes", "dns-hint"];

/// What may still be in the way of traffic, and of names.
fn remarks(report: &Report, width: usize) -> Vec<String> {
    if !matches!(report.outcome(), Outcome::Done | Outcome::Unchanged) {
        return Vec::new();
    }
    let about = report.checks().iter().filter(|check| TRAFFIC.contains(&check.id));
    let worth_saying = about.filter(|check| check.is_problem() || check.id == "dns-hint");
    let said = worth_saying.flat_map(|check| std::iter::once(&check.detail).chain(&check.remedies));
    let said: Vec<String> = said
        .flat_map(|text| lines(&harmless(text), width.saturating_sub(2)))
        .collect();
    if said.is_empty() {
        return Vec::new();
    }
    let mut out = vec![String::new()];
    out.extend(lines("For traffic and names:", width));
    out.extend(said.into_iter().map(|line| format!("  {line}")));
    out
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

/// Both directions of the link, as far as they are known, below an empty line.
pub fn directions(report: &Report, (vnet, vendor): (&str, &str), width: usize) -> Vec<String> {
    let views = report.peerings().iter();
    let lines: Vec<String> = views
        .flat_map(|view| hanging("  ", &direction(view, vnet, vendor), width))
        .collect();
    if lines.is_empty() {
        return lines;
    }
    [String::new()].into_iter().chain(lines).collect()
}

fn direction(view: &PeeringView, vnet: &str, vendor: &str) -> String {
    let (from, to) = match view.direction {
        Direction::Local => (vnet, vendor),
        Direction::Remote => (vendor, vnet),
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
