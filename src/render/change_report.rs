//! The record of a run for people: what a change ticket wants, as Markdown.

use serde_json::Value;

use super::RunRecord;
use super::markdown::{block, code, table, text};
use crate::azure::RequestRecord;
use crate::domain::utc;
use crate::errors::{RunError, RunOutcome};
use crate::limits;
use crate::plan::{CheckVerdict, LinkDefect, PeeringDirection};

/// The first line of every file of tickets, by which one is known for what it is. Markdown does not show it.
pub const TICKET: &str = "<!-- peerctl report -->";

/// One run as a chapter; [`TICKET`] is not in it.
pub fn ticket(record: &RunRecord) -> String {
    let report = record.report();
    let sections = [
        Some(format!("# {}", title(record))),
        Some(summary(record)),
        wrong(record),
        report.error().map(error),
        waiting(record),
        Some(section("What was decided", decided(record))),
        Some(section("What was changed", changed(record))),
        undo(record),
        Some(section("Peerings at the end", peerings(record))),
        Some(section("Checks", checks(record))),
        Some(section("Requests", requests(record))),
    ];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    sections.join("\n\n") + "\n"
}

fn section(heading: &str, body: String) -> String {
    format!("## {heading}\n\n{body}")
}

fn vnet(record: &RunRecord) -> &str {
    record.report().vnet().unwrap_or("the virtual network")
}

fn vendor(record: &RunRecord) -> &str {
    record.report().vendor().unwrap_or("the vendor")
}

fn title(record: &RunRecord) -> String {
    let (vnet, vendor) = (text(vnet(record)), text(vendor(record)));
    format!("peerctl {}: {vnet} and {vendor}", record.report().command())
}

fn summary(record: &RunRecord) -> String {
    let report = record.report();
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push([name.to_owned(), value]);
        }
    };
    row("Outcome", outcome(report.outcome()).to_owned());
    if let Some(who) = report.who() {
        row("Run by", text(&who.name));
        row("Tenant", text(&who.tenant));
    }
    row("Cloud", text(report.cloud().unwrap_or_default()));
    row("Begun", utc(record.begun()));
    row("Ended", utc(record.ended()));
    for (name, value) in report.inputs() {
        row(&format!("Input {}", text(name)), input(value));
    }
    let stats = report.stats();
    row(
        "Requests",
        format!(
            "{}, {} of them writes; {} sequential",
            stats.requests, stats.writes, stats.sequential_requests
        ),
    );
    row("Program", text(&record.program()));
    row("Record", code(report.record().unwrap_or_default()));
    table(["", ""], rows)
}

fn outcome(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Done => "done",
        RunOutcome::Unchanged => "unchanged: everything was in place already",
        RunOutcome::Waiting => "waiting for someone else",
        RunOutcome::Blocked => "blocked by a check; nothing was written",
        RunOutcome::Failed | RunOutcome::Usage => "failed",
        RunOutcome::Cancelled => "stopped by the user",
    }
}

/// A text as it is; `key=value` for the vendor's own inputs.
fn input(value: &Value) -> String {
    match value {
        Value::String(value) => code(value),
        Value::Array(values) => values.iter().map(input).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => {
            let values = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let pair = |key: &str, value: &Value| code(&format!("{key}={}", value.as_str().unwrap_or_default()));
            let pairs = fields
                .iter()
                .flat_map(|(key, value)| values(value).into_iter().map(move |value| pair(key, &value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
        other => code(&other.to_string()),
    }
}

/// Returns the findings of a repair.
fn wrong(record: &RunRecord) -> Option<String> {
    let faults = &record.report().standing()?.faults;
    let line = |fault: &LinkDefect| {
        let does = [fault.ours.as_deref(), fault.theirs.as_deref()];
        let sentences = [Some(fault.what.as_str())].into_iter().chain(does).flatten();
        format!("- {}", text(&sentences.collect::<Vec<_>>().join(" ")))
    };
    let lines: Vec<String> = faults.iter().map(line).collect();
    (!lines.is_empty()).then(|| section("What was wrong", lines.join("\n")))
}

fn error(problem: &RunError) -> String {
    let mut lines = vec![text(&problem.what), text(&problem.why)];
    if let Some(id) = &problem.correlation_id {
        lines.push(format!("Correlation id {}", code(id)));
    }
    lines.retain(|line| !line.is_empty());
    let mut body = lines.join("\n\n");
    if !problem.remedies.is_empty() {
        body += &format!(
            "\n\nWhat to do:\n\n{}",
            block(problem.remedies.iter().map(String::as_str))
        );
    }
    section("What failed", body)
}

fn waiting(record: &RunRecord) -> Option<String> {
    let holds: Vec<String> = record
        .report()
        .holds()
        .map(|(step, hold)| {
            let head = format!("**{step}**: {} Next: {}", text(&hold.why), text(&hold.who));
            if hold.packet.is_empty() {
                head
            } else {
                format!("{head}\n\n{}", block(hold.packet.iter().map(String::as_str)))
            }
        })
        .collect();
    (!holds.is_empty()).then(|| section("Who has to act", holds.join("\n\n")))
}

fn decided(record: &RunRecord) -> String {
    let steps = record
        .report()
        .plan()
        .map(|plan| plan.steps.as_slice())
        .unwrap_or_default();
    let rows = steps.iter().map(|step| {
        let mut what = vec![text(step.decision.what())];
        what.extend(step.decision.details().iter().map(|detail| text(detail)));
        [step.id.to_string(), step.decision.verb().to_owned(), what.join("<br>")]
    });
    table(["Step", "Decision", "What"], rows)
}

fn changed(record: &RunRecord) -> String {
    let rows: Vec<[String; 4]> = record
        .report()
        .changes()
        .map(|(step, change)| {
            [
                step.to_string(),
                change.action.to_string(),
                text(&change.kind),
                code(&change.id),
            ]
        })
        .collect();
    match (rows.is_empty(), record.changed_something()) {
        (false, _) => table(["Step", "Action", "What", "Id"], rows),
        (true, true) => "A write was sent and not confirmed; see the requests.".to_owned(),
        (true, false) => "Nothing was written.".to_owned(),
    }
}

fn undo(record: &RunRecord) -> Option<String> {
    let line = record.report().undo().filter(|_| record.changed_something())?;
    let says = "This removes what peerctl made and nothing else, in reverse order; it shows its plan and asks first.";
    Some(section("How to undo it", format!("{says}\n\n{}", block(line.lines()))))
}

fn peerings(record: &RunRecord) -> String {
    let (vnet, vendor) = (text(vnet(record)), text(vendor(record)));
    let rows: Vec<[String; 5]> = record
        .report()
        .peerings()
        .iter()
        .map(|view| {
            let direction = match view.direction {
                PeeringDirection::Local => format!("{vnet} → {vendor}"),
                PeeringDirection::Remote => format!("{vendor} → {vnet}"),
            };
            let (state, sync) = (view.state.to_string(), view.sync_level.to_string());
            [
                direction,
                text(&state),
                text(&sync),
                text(&view.address_space),
                code(&view.id),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "The run ended before they were looked at.".to_owned();
    }
    table(["Direction", "State", "Sync level", "Address space", "Id"], rows)
}

fn checks(record: &RunRecord) -> String {
    let rows: Vec<[String; 3]> = record
        .report()
        .checks()
        .iter()
        .map(|check| {
            let found = match (check.verdict, check.blocks()) {
                (CheckVerdict::Ok, _) => "ok",
                (CheckVerdict::Unknown, _) => "not known",
                (CheckVerdict::Problem, true) => "blocks",
                (CheckVerdict::Problem, false) => "warning",
            };
            let said = std::iter::once(&check.detail).chain(&check.remedies);
            let said: Vec<String> = said.map(|line| text(line)).collect();
            [check.id.to_owned(), found.to_owned(), said.join("<br>")]
        })
        .collect();
    table(["Check", "Result", "Detail"], rows)
}

fn requests(record: &RunRecord) -> String {
    let (all, left_out) = record.requests();
    let long = all.len() > limits::TICKET_REQUESTS || left_out > 0;
    let matters = |sent: &&RequestRecord| !long || sent.writes || sent.status.is_none_or(|status| status >= 400);
    let shown: Vec<&RequestRecord> = all.iter().filter(matters).collect();
    let shown = &shown[shown.len().saturating_sub(limits::TICKET_REQUESTS)..];
    let rows = shown.iter().map(|sent| {
        let status = sent.status.map(|status| status.to_string());
        [
            sent.n.to_string(),
            utc(sent.at),
            sent.service.to_string(),
            text(&sent.method),
            code(&sent.url),
            status.unwrap_or_else(|| sent.failure.unwrap_or_default().to_owned()),
            code(sent.correlation_id.as_deref().unwrap_or_default()),
            sent.ms.to_string(),
        ]
    });
    let head = [
        "N",
        "Time",
        "Service",
        "Method",
        "URL",
        "Status",
        "Correlation id",
        "ms",
    ];
    let rows = table(head, rows);
    let missing = all.len() as u64 + left_out - shown.len() as u64;
    if missing == 0 {
        return rows;
    }
    format!("{rows}\n\n{missing} more are not shown: they only read, or came earlier.")
}

#[cfg(test)]
#[path = "change_report_tests.rs"]
mod tests;
