//! One embedded Azure in this process, and whole runs over it: the program's own seam (`HttpTransport`), no socket, and a
//! clock that jumps to whatever is waited for next.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::join_all;
use peerctl::azure::{AzureCloud, HttpTransport, RequestSender};
use peerctl::errors::{RunError, RunErrorKind, RunOutcome};
use peerctl::input::{
    EnvironmentVariables, GatherOptions as Switches, GivenInputs, InputError, InputOptions, RunContext, SignIns,
    WizardState, gather,
};
use peerctl::plan::{CheckResult, CheckVerdict, RunEvent, RunGoal, StepEvent, StepId};
use peerctl::sandbox::{Lag, Sandbox, SandboxOptions};
use peerctl::steps::{EventSink, RunMarkers, SharedState, StepRun};
use peerctl::{doctor, engine};
use serde_json::{Value, json};

use super::trouble::{Line, Trouble};

pub const ORIGIN: &str = "https://azure.test/";
pub const VNET: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-app";

/// Who is peered with, and the inputs that say so.
pub type Party = (&'static str, &'static [&'static str]);

pub const KONG: Party = ("kong", &["network=eastus2-network"]);
pub const AIVEN: Party = ("aiven", &["project=demo", "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401"]);
pub const DRAGONFLY: Party = ("dragonfly", &["network=cache-eastus2"]);
pub const PARTNER: Party = (
    "generic",
    &[
        "remote-tenant-id=8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43",
        "remote-vnet-id=/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner/providers/Microsoft.Network/virtualNetworks/vnet-partner",
    ],
);
pub const PARTIES: [Party; 4] = [KONG, AIVEN, DRAGONFLY, PARTNER];

/// One of several links that are set up side by side.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub party: Party,
    pub vnet: &'static str,
    /// An application that the operator brings.
    pub own_app: Option<&'static str>,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    SetUp,
    Status,
    Doctor,
    Repair,
    TearDown,
}

impl Job {
    fn goal(self) -> RunGoal {
        match self {
            Self::SetUp | Self::Status | Self::Doctor => RunGoal::SetUp,
            Self::Repair => RunGoal::Repair,
            Self::TearDown => RunGoal::TearDown { consent: true },
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// `None`: killed.
    pub outcome: Option<RunOutcome>,
    pub problem: Option<RunError>,
    /// How many requests left.
    pub requests: usize,
    /// How many faults did something.
    pub struck: usize,
    /// The numbers of those that may have written.
    pub writes: Vec<usize>,
    /// Where it stopped for somebody else, and why.
    pub held: Vec<String>,
    /// Virtual time that passed.
    pub took: std::time::Duration,
}

impl Ended {
    pub fn is_well(&self) -> bool {
        matches!(self.outcome, Some(RunOutcome::Done | RunOutcome::Unchanged))
    }
}

/// A world, and what it is reached by.
pub struct World {
    pub sandbox: Sandbox,
    cloud: AzureCloud,
    vars: EnvironmentVariables,
    /// `--timeout`, where it is not the default.
    pub timeout: Option<&'static str>,
    /// The waves of the last run.
    pub waves: AtomicU64,
}

impl World {
    pub fn new(lag: Lag, seed: u64) -> Self {
        Self::with(SandboxOptions {
            lag,
            seed,
            ..SandboxOptions::default()
        })
    }

    pub fn with(options: SandboxOptions) -> Self {
        let sandbox = Sandbox::new(options);
        let origin = ORIGIN.parse().expect("an address");
        let mut document = sandbox.cloud_json(&origin, "");
        // No certificate is looked at where there is no socket.
        document["caBundle"].take();
        let cloud = AzureCloud::from_json(&document.to_string(), "the simulation", Path::new(".")).expect("a cloud");
        let exports = sandbox.exports(&origin).into_iter();
        let vars = EnvironmentVariables::default().with(exports.map(|(name, value)| (name.to_owned(), value)));
        Self {
            sandbox,
            cloud,
            vars,
            timeout: None,
            waves: AtomicU64::default(),
        }
    }

    /// An independent copy of the world as its last request left it.
    pub fn fork(&self) -> Self {
        Self {
            sandbox: self.sandbox.fork(),
            cloud: self.cloud.clone(),
            vars: self.vars.clone(),
            timeout: self.timeout,
            waves: AtomicU64::default(),
        }
    }

    /// The canonical dump of everything. An application's id is its name, and any other id that the world has drawn is
    /// `#`: which one it is depends on what was drawn before.
    pub async fn shape(&self) -> Value {
        static FRESH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let fresh = FRESH.get_or_init(|| async { Self::new(Lag::None, 1).dump().await.to_string() });
        let (dump, fresh) = (self.dump().await, fresh.await);
        let principals = dump["servicePrincipals"].as_array().expect("principals").iter();
        let names = principals.map(|one| (text(&one["appId"]).to_owned(), text(&one["displayName"]).to_owned()));
        let names: BTreeMap<String, String> = names.filter(|(id, _)| !fresh.contains(id.as_str())).collect();
        anonymous(dump, &|run| match names.get(run) {
            Some(name) => name.clone(),
            None if fresh.contains(run) => run.to_owned(),
            None => "#".to_owned(),
        })
    }

    /// The canonical dump of everything.
    pub async fn dump(&self) -> Value {
        self.ask("GET", "_sandbox/state", None, &Value::Null).await
    }

    /// What was asked of the sandbox, oldest first: its log.
    pub async fn log(&self) -> Vec<Value> {
        let log = self.ask("GET", "_sandbox/requests", None, &Value::Null).await;
        log["requests"].as_array().expect("a list").clone()
    }

    /// A request of somebody else's, as the operator where there is a token; the answer, where it is JSON.
    async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Value {
        let mut request = http::Request::builder().method(method).uri(format!("{ORIGIN}{path}"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self
            .sandbox
            .handle(request.body(Bytes::from(body)).expect("a request"))
            .await;
        assert!(answer.status().is_success(), "{method} {path}: {answer:?}");
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }

    /// Everything that there is by its ID.
    pub async fn inventory(&self) -> BTreeMap<String, Value> {
        let all = self.ask("GET", "_sandbox/inventory", None, &Value::Null).await;
        all.as_object().expect("an object").clone().into_iter().collect()
    }

    /// The operator makes a custom role of these actions, by hand, assignable in that subscription alone.
    pub async fn make_role(&self, subscription: &str, name: &str, actions: &[&str]) {
        let scope = format!("/subscriptions/{subscription}");
        let path = format!(
            "{scope}/providers/Microsoft.Authorization/roleDefinitions/5a1e5a1e-0000-4000-8000-000000000001?api-version=2022-04-01"
        );
        let role = json!({ "properties": { "roleName": name, "description": "by hand", "type": "CustomRole",
            "permissions": [{ "actions": actions, "notActions": [] }], "assignableScopes": [scope] } });
        assert!(self.colleague("PUT", &path, &role).await, "{path}");
    }

    /// A colleague's request to ARM or Graph, with the operator's rights; whether it succeeded.
    pub async fn colleague(&self, method: &str, path: &str, body: &Value) -> bool {
        let var = |name| self.vars.get(name).expect("an export");
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", var("AZURE_CLIENT_ID")),
            ("client_secret", var("AZURE_CLIENT_SECRET")),
            ("scope", "https://management.core.windows.net//.default".to_owned()),
        ];
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let token = format!("{ORIGIN}{}/oauth2/v2.0/token", var("AZURE_TENANT_ID"));
        let request = http::Request::post(token).header("content-type", "application/x-www-form-urlencoded");
        let answer = self.sandbox.handle(request.body(Bytes::from(form)).expect("a request"));
        let answer: Value = serde_json::from_slice(answer.await.body()).expect("a token");
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{ORIGIN}{}", path.trim_start_matches('/')))
            .header("authorization", format!("Bearer {}", text(&answer["access_token"])))
            .body(Bytes::from(body.to_string()));
        let answer = self.sandbox.handle(request.expect("a request")).await;
        answer.status().is_success()
    }

    /// Somebody deletes the other side's direction of the link.
    pub async fn break_link(&self) {
        let dump = self.dump().await;
        let vnets = dump["virtualNetworks"].as_array().expect("networks");
        let theirs = vnets.iter().flat_map(|vnet| {
            let peerings = vnet["peerings"].as_array().expect("peerings");
            let ours = peerings.iter().filter(|peering| peering["remote"] == VNET);
            ours.map(|peering| {
                format!(
                    "{}/virtualNetworkPeerings/{}",
                    text(&vnet["id"]),
                    text(&peering["name"])
                )
            })
        });
        // Networks of Contoso's own are peered with it from the beginning.
        let new: Vec<String> = theirs
            .filter(|id| !id.contains("/rg-network") && !id.contains("/rg-hub"))
            .collect();
        assert_eq!(new.len(), 1, "one link was made: {new:?}");
        self.edit(&json!({ "remove": new[0] })).await;
    }

    /// A change that only a test makes.
    pub async fn edit(&self, change: &Value) {
        self.ask("POST", "_sandbox/edit", None, change).await;
    }

    /// One whole run, from its inputs to its end, as the command line would make it with `--no-input --yes`.
    pub async fn run(&self, party: Party, job: Job, trouble: Trouble) -> Ended {
        let line = Line::new(self.sandbox.clone(), trouble);
        let held = Arc::new(Mutex::new(Vec::new()));
        let begun = tokio::time::Instant::now();
        let ended = tokio::select! {
            biased;
            () = line.killed() => None,
            ended = self.run_over(party, job, line.clone(), noting(&held)) => Some(ended),
        };
        let (outcome, problem) = match ended {
            Some((outcome, problem)) => (Some(outcome), problem),
            None => (None, None),
        };
        ended_by(outcome, problem, &line, &held, begun)
    }

    /// The rows side by side, as `azure apply` would set them up; how the whole ended is how the worst of them did.
    pub async fn apply(&self, rows: &[Row], trouble: Trouble) -> Ended {
        let line = Line::new(self.sandbox.clone(), trouble);
        let held = Arc::new(Mutex::new(Vec::new()));
        let begun = tokio::time::Instant::now();
        let around = self.around(line.clone(), noting(&held));
        let around = RunContext {
            sign_ins: Some(SignIns::telling(Arc::clone(&around.sink))),
            ..around
        };
        let company = SharedState::of(3, RunMarkers::default());
        let one = async |row: &Row| match self.begin(*row, Job::SetUp, &around).await {
            Err(ended) => ended,
            Ok((mut run, _)) => {
                run.company = Arc::clone(&company);
                carried_out(&run, Job::SetUp).await
            }
        };
        let ended = tokio::select! {
            biased;
            () = line.killed() => None,
            ended = join_all(rows.iter().map(one)) => Some(ended),
        };
        let rank = |(outcome, _): &(RunOutcome, Option<RunError>)| match outcome {
            RunOutcome::Unchanged => 0,
            RunOutcome::Done => 1,
            RunOutcome::Waiting => 2,
            RunOutcome::Blocked => 3,
            _ => 4,
        };
        let worst = ended.and_then(|ended| ended.into_iter().max_by_key(rank));
        let (outcome, problem) = worst.map_or((None, None), |(outcome, problem)| (Some(outcome), problem));
        ended_by(outcome, problem, &line, &held, begun)
    }

    fn around(&self, transport: Arc<dyn HttpTransport>, sink: EventSink) -> RunContext {
        RunContext {
            vars: self.vars.clone(),
            cloud: Some(self.cloud.clone()),
            sink,
            transport: Some(transport),
            sign_ins: None,
        }
    }

    /// The same by any other way to the world; `sink` is told what happens.
    pub async fn run_over(
        &self,
        party: Party,
        job: Job,
        transport: Arc<dyn HttpTransport>,
        sink: EventSink,
    ) -> (RunOutcome, Option<RunError>) {
        let row = Row {
            party,
            vnet: VNET,
            own_app: None,
        };
        let (run, wire) = match self.begin(row, job, &self.around(transport, sink)).await {
            Ok(begun) => begun,
            Err(ended) => return ended,
        };
        let ended = carried_out(&run, job).await;
        self.waves.store(wire.stats().waves, Ordering::Relaxed);
        ended
    }

    /// A set-up whose operator signs in by a code, which is entered that much after it was told; the ids of the checks of
    /// which nothing could be said.
    pub async fn run_by_code(&self, party: Party, entered_after: std::time::Duration) -> (Ended, Vec<&'static str>) {
        let line = Line::new(self.sandbox.clone(), Trouble::default());
        let (held, unknown) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (code, told) = tokio::sync::mpsc::unbounded_channel();
        let (begun, mut told) = (tokio::time::Instant::now(), told);
        let sink: EventSink = {
            let unknown = Arc::clone(&unknown);
            Arc::new(move |event| match event {
                RunEvent::EnterCode { code: entered, .. } => code.send(entered).expect("somebody waits"),
                RunEvent::Planned(plan) => {
                    let checks = plan
                        .checks
                        .iter()
                        .filter(|check| check.verdict == CheckVerdict::Unknown);
                    unknown.lock().expect("no panic").extend(checks.map(|check| check.id));
                }
                _ => {}
            })
        };
        let row = Row {
            party,
            vnet: VNET,
            own_app: None,
        };
        let mut around = self.around(line.clone(), sink);
        around.vars = around
            .vars
            .with([("PEERCTL_AUTH".to_owned(), "device-code".to_owned())]);
        let runs = async {
            match self.begin(row, Job::SetUp, &around).await {
                Ok((run, _)) => carried_out(&run, Job::SetUp).await,
                Err(ended) => ended,
            }
        };
        let enters = async {
            let code: String = told.recv().await.expect("a code");
            tokio::time::sleep(entered_after).await;
            let form = [
                ("code", code.as_str()),
                ("account", "alex@contoso.onmicrosoft.com"),
                ("decision", "accept"),
            ];
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish();
            let request = http::Request::post(format!("{ORIGIN}devicelogin"));
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = self.sandbox.handle(request.body(Bytes::from(form)).expect("a request"));
            assert!(answer.await.status().is_success());
        };
        let ((outcome, problem), ()) = tokio::join!(runs, enters);
        let unknown = std::mem::take(&mut *unknown.lock().expect("no panic"));
        (ended_by(Some(outcome), problem, &line, &held, begun), unknown)
    }

    /// A run with its inputs.
    async fn begin(
        &self,
        row: Row,
        job: Job,
        around: &RunContext,
    ) -> Result<(StepRun, RequestSender), (RunOutcome, Option<RunError>)> {
        let Row { party, vnet, own_app } = row;
        let sets: Vec<String> = party.1.iter().map(|set| (*set).to_owned()).collect();
        let flags = [
            ("vendor", Some(party.0)),
            ("vnet-id", Some(vnet)),
            ("own-app", own_app),
            ("timeout", self.timeout),
        ];
        let given = GivenInputs::new(flags, &sets, around.vars.clone()).expect("good inputs");
        let manner = InputOptions {
            prompter: None,
            dry_run: false,
            survey: false,
            narrow: true,
            also_missing: Vec::new(),
            options: Switches {
                goal: job.goal(),
                ..Switches::default()
            },
        };
        let gathered = match gather(WizardState::new(given), around, manner).await {
            Ok(gathered) => gathered,
            Err(InputError::Problem(problem)) => return Err((RunOutcome::Failed, Some(*problem))),
            Err(InputError::Cancelled) => return Err((RunOutcome::Cancelled, None)),
        };
        let session = gathered.session.expect("a run signs in");
        let wire = session.wire().clone();
        let run = StepRun::new(
            gathered.intent,
            session.azure,
            session.introduction,
            gathered.connector,
            Arc::new(|_| false),
            Arc::clone(&around.sink),
        );
        Ok((run, wire))
    }
}

async fn carried_out(run: &StepRun, job: Job) -> (RunOutcome, Option<RunError>) {
    if job == Job::Doctor {
        return match engine::run_preflight(run, &doctor::CHECKS).await {
            Ok(_) => (RunOutcome::Unchanged, None),
            Err(problem) => (RunOutcome::Failed, Some(problem)),
        };
    }
    let plan = match job {
        Job::Status => engine::observe_again(run).await,
        _ => engine::refresh(run).await,
    };
    match plan {
        Err(problem) => (RunOutcome::Failed, Some(problem)),
        Ok(plan) if job == Job::Status => match plan.is_in_place(StepId::Verification) {
            true => (RunOutcome::Unchanged, None),
            false => (RunOutcome::Waiting, None),
        },
        Ok(plan) if !plan.blockers().is_empty() => (RunOutcome::Blocked, Some(said(&plan.blockers()))),
        Ok(_) => engine::execute(run).await,
    }
}

fn ended_by(
    outcome: Option<RunOutcome>,
    problem: Option<RunError>,
    line: &Line,
    held: &Mutex<Vec<String>>,
    begun: tokio::time::Instant,
) -> Ended {
    Ended {
        outcome,
        problem,
        requests: line.sent(),
        struck: line.struck(),
        writes: line.writes(),
        held: std::mem::take(&mut *held.lock().expect("no panic")),
        took: begun.elapsed(),
    }
}

/// What blocks, as the command line would say it.
fn said(blockers: &[&CheckResult]) -> RunError {
    let details: Vec<&str> = blockers.iter().map(|check| check.detail.as_str()).collect();
    RunError::new(RunErrorKind::Preflight, blockers[0].id, details.join("; "))
}

/// Notes where a run stops for somebody else.
fn noting(held: &Arc<Mutex<Vec<String>>>) -> EventSink {
    let held = Arc::clone(held);
    Arc::new(move |event| {
        if let RunEvent::Step(id, StepEvent::Held { hold, .. }) = event {
            let why = format!("{id}: {} ({:?})", hold.why, hold.answer);
            held.lock().expect("no panic").push(why);
        }
    })
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn anonymous(value: Value, name: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(without_ids(&text, name)),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(|item| anonymous(item, name)).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (without_ids(&key, name), anonymous(value, name)))
            .collect(),
        other => other,
    }
}

/// Runs of eight and more hexadecimal digits (dashes between them) by their names.
fn without_ids(text: &str, name: &impl Fn(&str) -> String) -> String {
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(hex) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !hex(c)).unwrap_or(from.len()));
        let digits = run.chars().filter(char::is_ascii_hexdigit).count();
        out.push_str(before);
        out.push_str(&if digits >= 8 { name(run) } else { run.to_owned() });
        rest = after;
    }
    out.push_str(rest);
    out
}
