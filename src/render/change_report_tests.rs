use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::azure::{AzureService, PendingRecord};
use crate::domain::{StepId, StepState, sanitize_for_terminal};
use crate::errors::RunErrorKind;
use crate::plan::ChangeAction;
use crate::plan::{
    ActionRequired, CheckResult, CheckSeverity, CheckVerdict, PlannedStep, ResourceChange, RunEvent, RunPlan, RunStats,
    SignedIn, StepEvent,
};
use crate::render::RunReport;

const BEGUN: OffsetDateTime = datetime!(2026-11-21 07:30 UTC);

/// Name with characters that have an effect in Markdown or in a terminal.
const HOSTILE: &str = "a|b`c``` <img src=x> [d](http://e) \u{1b}[2J\r\n# f \u{202e}*g*";

fn sent(n: u64, status: u16, writes: bool) -> RequestRecord {
    RequestRecord {
        n,
        wave: Some(n),
        at: BEGUN,
        service: AzureService::Arm,
        method: "GET".to_owned(),
        url: format!("https://management.azure.com/{HOSTILE}"),
        writes,
        status: Some(status),
        failure: None,
        correlation_id: Some(format!("id-{n}|")),
        client_request_id: Uuid::nil(),
        ms: 1,
        never_arrived: false,
    }
}

fn record(events: &[RunEvent], sending: PendingRecord) -> RunRecord {
    let mut report = RunReport::new("azure setup");
    let inputs = BTreeMap::from([("vnetId".to_owned(), Value::from(format!("/x/{HOSTILE}")))]);
    report.asked(HOSTILE, HOSTILE, inputs);
    report.undone_by("peerctl azure teardown \\\n    --vendor kong".to_owned());
    events.iter().for_each(|event| report.on(event));
    RunRecord::new(report, BEGUN, BEGUN, sending)
}

/// A run in which everything that comes from outside is hostile.
fn hostile_events() -> Vec<RunEvent> {
    let text = || HOSTILE.to_owned();
    let name = SignedIn {
        name: text(),
        id: text(),
        tenant: text(),
        tenant_id: text(),
        tenant_name: Some(text()),
        cloud: text(),
    };
    let decision = crate::plan::StepDecision::Change {
        what: text(),
        differences: vec![text()],
    };
    let step = PlannedStep {
        id: StepId::Peering,
        title: "Peering",
        decision,
        unread: false,
    };
    let check = CheckResult {
        id: "nsg-rules",
        severity: CheckSeverity::Warning,
        verdict: CheckVerdict::Problem,
        ok: false,
        detail: text(),
        meaning: None,
        remedies: vec![text()],
    };
    let plan = RunPlan {
        dns: Vec::new(),
        steps: vec![step],
        checks: vec![check],
    };
    let change = ResourceChange {
        action: ChangeAction::Created,
        kind: text(),
        id: text(),
    };
    let hold = ActionRequired {
        who: text(),
        why: text(),
        packet: vec![text()],
        answer: None,
    };
    let held = StepEvent::Held {
        state: StepState::Waiting,
        hold,
        rights: false,
        waited: std::time::Duration::ZERO,
    };
    vec![
        RunEvent::SignedIn(name),
        RunEvent::Planned(plan),
        RunEvent::Step(StepId::Peering, StepEvent::Changed(change)),
        RunEvent::Step(StepId::Peering, held),
        RunEvent::Ended {
            outcome: RunOutcome::Failed,
            problem: Some(RunError::new(RunErrorKind::Azure, text(), text()).remedy(text())),
            stats: RunStats::default(),
        },
    ]
}

/// The columns of a row: pipes that are not escaped.
fn columns(line: &str) -> usize {
    line.replace("\\\\", "").replace("\\|", "").matches('|').count()
}

#[test]
fn change_report_escapes_names() {
    let requests = vec![sent(1, 200, true)];
    let text = ticket(&record(&hostile_events(), PendingRecord { requests, left_out: 0 }));
    assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text}");
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).skip(1).collect();
    let expected = [
        "What failed",
        "Who has to act",
        "What was decided",
        "What was changed",
        "How to undo it",
        "Peerings at the end",
        "Checks",
        "Requests",
    ];
    assert_eq!(headings, expected.map(|heading| format!("## {heading}")));
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("| ")) {
        let head = lines[..at]
            .iter()
            .rposition(|line| !line.starts_with('|'))
            .map_or(0, |before| before + 1);
        assert_eq!(columns(line), columns(lines[head]), "{line}");
    }
    // Outside of code, which has a fence of one backtick more than it holds itself, HTML is a text.
    let fenced = sanitize_for_terminal(HOSTILE);
    for line in lines.iter().filter(|line| line.contains(" <img") && **line != fenced) {
        assert!(line.contains("````"), "{line}");
    }
}

#[test]
fn change_report_truncates_long_list() {
    let mut requests: Vec<RequestRecord> = (1..=300).map(|n| sent(n, 200, false)).collect();
    requests[10] = sent(11, 201, true);
    requests[20] = sent(21, 404, false);
    let text = ticket(&record(&[], PendingRecord { requests, left_out: 5 }));
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("2026-11-21T07:30:00.000Z | Azure"))
        .collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].starts_with("| 11 |") && rows[1].starts_with("| 21 |"), "{text}");
    assert!(text.contains("\n303 more are not shown"), "{text}");
}
