//! Answers that no service should give: whatever comes back, a run ends in time, with words, asks nobody else, and
//! shows nothing that a terminal would obey.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use peerctl::azure::{HttpTransport, PendingRecord, TransportError};
use peerctl::errors::{RunError, RunOutcome};
use peerctl::limits;
use peerctl::plan::{RunEvent, RunStats, StepEvent};
use peerctl::render::{RunRecord, RunReport, ticket};
use peerctl::sandbox::{RequestOutcome, Sandbox};
use peerctl::ui;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::trouble::scrambled;
use super::world::{Job, ORIGIN, PARTIES};
use super::{Start, all, held, sampled, simulated};

const ELSEWHERE: &str = "https://elsewhere.example/collect?token=";
/// Colours, a cleared screen, a title, C1's CSI, DEL, text turned round, a forged line.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{202e}\u{2066}\nError: forged\r";

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    Empty,
    JustNull,
    JustText,
    JustList,
    NoUtf8,
    Nested,
    Long,
    /// Every number is one that no type holds.
    HugeNumbers,
    NegativeNumbers,
    /// Every leaf is null.
    Nulls,
    /// The list of a page is two thousand entries long.
    Crowds,
    /// Every key twice, the second time with null.
    Twice,
    /// Every text has escape sequences behind it; and every text but ids, addresses and words of a protocol.
    Escapes,
    EscapesInNames,
    /// One field, drawn by lot, is of another type, gone, or hostile text.
    Drawn(u64),
    NextElsewhere,
    NextPlain,
    NextInACircle,
    /// An operation whose state is to be asked of somebody else; at this machine; in a circle.
    OperationElsewhere,
    LocationElsewhere,
    OperationPlain,
    LocationInACircle,
    Redirect(u16),
    Status(u16),
    RetryAfter(&'static str),
    /// Nothing is said to be left, whatever is asked.
    NothingLeft,
    /// An error with escape sequences in its code, its message and its details.
    RefusedInColour,
}

const LIES: [Lie; 35] = [
    Lie::Empty,
    Lie::JustNull,
    Lie::JustText,
    Lie::JustList,
    Lie::NoUtf8,
    Lie::Nested,
    Lie::Long,
    Lie::HugeNumbers,
    Lie::NegativeNumbers,
    Lie::Nulls,
    Lie::Crowds,
    Lie::Twice,
    Lie::Escapes,
    Lie::EscapesInNames,
    Lie::NextElsewhere,
    Lie::NextPlain,
    Lie::NextInACircle,
    Lie::OperationElsewhere,
    Lie::LocationElsewhere,
    Lie::OperationPlain,
    Lie::LocationInACircle,
    Lie::Redirect(301),
    Lie::Redirect(307),
    Lie::Redirect(308),
    Lie::Status(100),
    Lie::Status(204),
    Lie::Status(299),
    Lie::Status(999),
    Lie::RetryAfter("99999999999999999999"),
    Lie::RetryAfter("18446744073709551615"),
    Lie::RetryAfter("-1"),
    Lie::RetryAfter("Fri, 31 Dec 9999 23:59:59 GMT"),
    Lie::RetryAfter("soon"),
    Lie::NothingLeft,
    Lie::RefusedInColour,
];

/// The headers that say how much is left.
const COUNTS: [&str; 6] = [
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-ratelimit-remaining-subscription-writes",
    "x-ms-ratelimit-remaining-subscription-deletes",
    "x-ms-ratelimit-remaining-tenant-reads",
    "x-ms-ratelimit-remaining-tenant-writes",
    "x-ms-user-quota-remaining",
];

/// What those do that go on for the rest of a run.
const LASTING: [Lie; 8] = [
    Lie::NextInACircle,
    Lie::LocationInACircle,
    Lie::EscapesInNames,
    Lie::RetryAfter("99999999999999999999"),
    Lie::RetryAfter("-1"),
    Lie::NothingLeft,
    Lie::Status(100),
    Lie::RefusedInColour,
];

impl Lie {
    fn told(self, url: &str, answer: Response<Bytes>) -> Response<Bytes> {
        match self {
            Self::Empty => with_body(answer, ""),
            Self::JustNull => with_body(answer, "null"),
            Self::JustText => with_body(answer, "\"text\""),
            Self::JustList => with_body(answer, "[[]]"),
            Self::NoUtf8 => with_body(
                answer,
                &b"{\"value\":[{\"name\":\"\xff\xfe\x80\"}],\"id\":\"\xc3\x28\"}"[..],
            ),
            Self::Nested => with_body(answer, format!("{{\"value\":{}", "[".repeat(200_000))),
            Self::Redirect(status) => redirected(answer, status, ELSEWHERE),
            Self::Status(status) => with_status(answer, status),
            Self::RetryAfter(wait) => with_header(with_status(answer, 429), "retry-after", wait),
            Self::NothingLeft => COUNTS
                .into_iter()
                .fold(answer, |answer, name| with_header(answer, name, "0")),
            Self::OperationElsewhere => accepted(answer, "azure-asyncoperation", ELSEWHERE),
            Self::LocationElsewhere => accepted(answer, "location", ELSEWHERE),
            Self::OperationPlain => accepted(answer, "azure-asyncoperation", "http://azure.test/operation"),
            Self::LocationInACircle => accepted(answer, "location", url),
            Self::Twice => {
                let text = String::from_utf8_lossy(answer.body()).into_owned();
                with_body(answer, twice(&text))
            }
            Self::RefusedInColour => {
                let detail = json!({ "code": ESCAPES, "message": ESCAPES });
                let error = json!({ "code": format!("Odd{ESCAPES}"), "message": ESCAPES, "details": [detail] });
                let body = json!({ "error": error, "title": ESCAPES, "detail": ESCAPES, "message": ESCAPES });
                with_body(with_status(answer, 400), body.to_string())
            }
            _ => match serde_json::from_slice(answer.body()) {
                Ok(mut document) => {
                    self.bends(url, &mut document);
                    with_body(answer, document.to_string().replace("\"HUGE\"", "1e999"))
                }
                Err(_) => answer,
            },
        }
    }

    /// What it makes of a JSON document.
    fn bends(self, url: &str, document: &mut Value) {
        let mut count = 0;
        match self {
            Self::Drawn(lot) => {
                each(document, "", &mut |_, _| count += 1);
                let at = scrambled(lot) % count.max(1);
                let mut seen = 0;
                each(document, "", &mut |_, value| {
                    if seen == at {
                        *value = another(lot / 7, value);
                    }
                    seen += 1;
                });
            }
            Self::NextElsewhere => point(document, ELSEWHERE),
            Self::NextPlain => point(document, "http://azure.test/next"),
            Self::NextInACircle => point(document, url),
            _ => each(document, "", &mut |key, value| self.bend(key, value)),
        }
    }

    fn bend(self, key: &str, value: &mut Value) {
        match (self, &mut *value) {
            (Self::Long, Value::String(text)) => text.push_str(&"x".repeat(200_000)),
            (Self::HugeNumbers, Value::Number(_)) => *value = json!("HUGE"),
            (Self::NegativeNumbers, Value::Number(_)) => *value = json!(-9_223_372_036_854_775_808_i64),
            (Self::Nulls, Value::String(_) | Value::Number(_) | Value::Bool(_)) => *value = Value::Null,
            (Self::Crowds, Value::Array(items)) => {
                if let Some(first) = items.first().filter(|_| is_page(key)).cloned() {
                    items.resize(2_000, first);
                }
            }
            (Self::Escapes, Value::String(text)) => text.push_str(ESCAPES),
            (Self::EscapesInNames, Value::String(text)) if is_for_people(key, text) => text.push_str(ESCAPES),
            _ => {}
        }
    }
}

/// Whether it is what a page of a list has its entries under.
fn is_page(key: &str) -> bool {
    matches!(key, "value" | "data" | "peering_connections")
}

/// Whether a program makes nothing of it but to show it.
fn is_for_people(key: &str, text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "access_token",
        "token_type",
        "type",
        "actions",
        "notActions",
        "provisioningState",
        "addressPrefixes",
        "appId",
        "id",
        "name",
        "principalType",
        "cloud",
        "cidr_block",
        "roleName",
    ];
    let is_id = text.contains('/') || text.contains("://") || (text.len() == 36 && text.matches('-').count() == 4);
    !is_id && !WORDS.contains(&key)
}

/// Every value of the document that is below a key or in a list, children first.
fn each(value: &mut Value, key: &str, visit: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| each(value, key, visit)),
        Value::Array(items) => items.iter_mut().for_each(|value| each(value, key, visit)),
        _ => {}
    }
    visit(key, value);
}

/// Something else in its place.
fn another(lot: u64, value: &Value) -> Value {
    let odd = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!(ESCAPES),
        json!("../../../x?y#z"),
        json!("99999999-9999-9999-9999-999999999999"),
        json!("10.0.0.0/999"),
        json!("9999-99-99T99:99:99Z"),
        json!("ü".repeat(70_000)),
        json!([]),
        json!({}),
        json!([value]),
        json!({ "value": value }),
    ];
    odd[usize::try_from(scrambled(lot) % odd.len() as u64).expect("a small number")].clone()
}

fn point(document: &mut Value, link: &str) {
    if let Value::Object(fields) = document {
        for name in ["nextLink", "@odata.nextLink", "$skipToken", "next"] {
            fields.insert(name.to_owned(), json!(link));
        }
        fields.insert(
            "meta".to_owned(),
            json!({ "page": { "next": link, "total": 1_000_000, "size": 1, "number": 1 } }),
        );
    }
}

/// `{"a":1` becomes `{"a":1,"a":null`, roughly: every object ends with each of its keys again.
fn twice(text: &str) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Object(fields) => {
                let key = |name: &str| Value::from(name).to_string();
                out.push('{');
                for (name, value) in fields {
                    out.push_str(&key(name));
                    out.push(':');
                    write(value, out);
                    out.push(',');
                }
                let again: Vec<String> = fields.keys().map(|name| format!("{}:null", key(name))).collect();
                out.push_str(&again.join(","));
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    match serde_json::from_str(text) {
        Ok(value) => write(&value, &mut out),
        Err(_) => out.push_str(text),
    }
    out
}

fn with_body(mut answer: Response<Bytes>, body: impl Into<Vec<u8>>) -> Response<Bytes> {
    *answer.body_mut() = Bytes::from(body.into());
    answer
}

fn with_status(mut answer: Response<Bytes>, status: u16) -> Response<Bytes> {
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    answer
}

fn with_header(mut answer: Response<Bytes>, name: &'static str, value: &str) -> Response<Bytes> {
    let value = HeaderValue::from_str(value).expect("a header's value");
    answer.headers_mut().insert(HeaderName::from_static(name), value);
    answer
}

fn redirected(answer: Response<Bytes>, status: u16, to: &str) -> Response<Bytes> {
    with_header(with_status(answer, status), "location", to)
}

fn accepted(answer: Response<Bytes>, name: &'static str, to: &str) -> Response<Bytes> {
    with_header(with_status(answer, 202), name, to)
}

/// The way to a world that lies about one of its answers, or about all from that one on.
#[derive(Debug)]
struct Liar {
    sandbox: Sandbox,
    lie: Lie,
    at: usize,
    lasting: bool,
    sent: AtomicUsize,
    /// Whom else the run wanted to speak to.
    elsewhere: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpTransport for Liar {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let url = request.uri().to_string();
        if !url.starts_with(ORIGIN) {
            self.elsewhere.lock().expect("no panic").push(url.clone());
        }
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let RequestOutcome::Answer(answer) = self.sandbox.exchange(request).await else {
            unreachable!("this world has no faults of its own");
        };
        match number == self.at || (self.lasting && number > self.at) {
            true => Ok(self.lie.told(&url, answer)),
            false => Ok(answer),
        }
    }
}

/// A run that is lied to: what is wrong with how it takes it.
fn takes_it(start: &Start, lie: Lie, at: usize, lasting: bool) -> Result<(), String> {
    let (party, job) = (start.party, start.job);
    let case = format!(
        "{} {job:?} {lie:?} at {at}{}",
        party.0,
        if lasting { " and on" } else { "" }
    );
    let tried = catch_unwind(AssertUnwindSafe(|| {
        simulated(async {
            let mut world = start.world.fork();
            world.timeout = Some("5m");
            let liar = Arc::new(Liar {
                sandbox: world.sandbox.clone(),
                lie,
                at,
                lasting,
                sent: AtomicUsize::new(0),
                elsewhere: Mutex::default(),
            });
            let (told, begun) = (Arc::new(Mutex::new(Vec::new())), tokio::time::Instant::now());
            let sink = Arc::clone(&told);
            let sink = Arc::new(move |event: RunEvent| sink.lock().expect("no panic").push(event));
            let (outcome, problem) = world.run_over(party, job, liar.clone(), sink).await;
            let took = begun.elapsed();
            let elsewhere = liar.elsewhere.lock().expect("no panic").clone();
            if !elsewhere.is_empty() {
                return Err(format!("it asked {elsewhere:?}"));
            }
            if took > Duration::from_secs(5 * 60) + limits::CALL + limits::CALL {
                return Err(format!("it took {took:?}"));
            }
            let events = told.lock().expect("no panic").clone();
            shown_harmlessly(&events, outcome, problem)
        })
    }));
    tried
        .unwrap_or_else(|panic| Err(format!("it panicked: {:?}", panic.downcast_ref::<String>())))
        .map_err(|why| format!("{case}: {why}"))
}

/// Everything that a person or a program would be shown of the run.
fn shown_harmlessly(events: &[RunEvent], outcome: RunOutcome, problem: Option<RunError>) -> Result<(), String> {
    let mut report = RunReport::new("azure setup");
    let mut shown: Vec<(&str, String)> = Vec::new();
    for event in events {
        report.on(event);
        match event {
            RunEvent::Planned(plan) => shown.push(("the plan", ui::plan_lines(plan, 100).join("\n"))),
            RunEvent::Step(_, StepEvent::OpenPage { url, .. }) if !url.as_str().starts_with(ORIGIN) => {
                return Err(format!("it would open {url}"));
            }
            _ => {}
        }
    }
    if let Some(problem) = &problem {
        shown.push(("the problem", ui::problem_text(problem, 100)));
        if problem.what.is_empty() || problem.why.is_empty() {
            return Err(format!("it ended without a word: {problem:?}"));
        }
    }
    if let (Some(plan), Some(standing)) = (report.plan(), report.standing()) {
        shown.push((
            "the status",
            ui::status(&report, plan, standing, ("vnet-app", "vendor"), 100),
        ));
    }
    let stats = RunStats::default();
    report.on(&RunEvent::Ended {
        outcome,
        problem,
        stats,
    });
    let (names, end) = (("vnet-app", "vendor"), ui::RunEnd::default());
    shown.push(("the summary", ui::summary(&report, names, &end, 100)));
    shown.push(("what is removed", ui::removed(&report, names, &end, 100)));
    shown.push(("what is interrupted", ui::interrupted(&report, &end, 100)));
    shown.push(("the document", report.json()));
    let now = OffsetDateTime::UNIX_EPOCH;
    let record = RunRecord::new(report, now, now, PendingRecord::default());
    shown.push(("the ticket", ticket(&record)));
    shown.push(("the record", record.json()));
    for (what, text) in shown {
        let reorders = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let obeyed = |c: &char| (c.is_control() && *c != '\n') || reorders(c);
        if let Some(found) = text.chars().find(obeyed) {
            let line = text.lines().find(|line| line.contains(found)).unwrap_or_default();
            return Err(format!("{what} has {found:?}: {line:?}"));
        }
        if text.lines().any(|line| line.starts_with("Error: forged")) {
            return Err(format!("{what} has a line that an answer made:\n{text}"));
        }
    }
    Ok(())
}

fn lied_to(what: &str, job: Job, lies: &[Lie], usual: u64, lasting: bool) {
    let starts = PARTIES.map(|party| Start::of(party, job));
    let mut cases = Vec::new();
    for start in &starts {
        for at in 0..start.requests {
            cases.extend(lies.iter().map(|lie| (start, *lie, at)));
        }
    }
    let tried = all(&sampled(cases, usual), |(start, lie, at)| {
        takes_it(start, *lie, *at, lasting).map(|()| true)
    });
    held(what, &tried);
}

#[test]
fn a_set_up_takes_every_hostile_answer_to_every_request() {
    const WHAT: &str = "a set-up: each of its requests × each hostile answer (a sample)";
    lied_to(WHAT, Job::SetUp, &LIES, 300, false);
}

#[test]
fn every_field_of_an_answer_can_be_another() {
    const WHAT: &str = "a set-up: each of its requests × a field of its answer, by lot, that is of another kind";
    let lies: Vec<Lie> = (0..40).map(|lot| Lie::Drawn(scrambled(lot))).collect();
    lied_to(WHAT, Job::SetUp, &lies, 300, false);
}

#[test]
fn a_service_that_never_stops_lying_is_given_up() {
    const WHAT: &str = "a set-up: each of its requests × hostile answers from there on (a sample)";
    lied_to(WHAT, Job::SetUp, &LASTING, 40, true);
}

#[test]
fn a_look_a_repair_and_a_teardown_take_hostile_answers_too() {
    let mut lies = LIES.to_vec();
    lies.extend((0..20).map(|lot| Lie::Drawn(scrambled(lot))));
    let what = |job: &str| format!("{job}: each of its requests × each hostile answer (a sample)");
    lied_to(&what("a status"), Job::Status, &lies, 50, false);
    lied_to(&what("a repair"), Job::Repair, &lies, 50, false);
    lied_to(&what("a teardown"), Job::TearDown, &lies, 50, false);
}
