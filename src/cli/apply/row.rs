//! One row: a whole set-up beside others.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use time::OffsetDateTime;

use super::ApplyArgs;
use crate::azure::{PendingRecord, RequestRecord, RequestSender};
use crate::cli::command_result::{CommandResult, blocked};
use crate::cli::command_session::{DOCUMENT, lock, run_of, stats};
use crate::cli::pasted_text::PastedText;
use crate::cli::rerun_command::RepeatCommand;
use crate::cli::{pasted_text, record};
use crate::domain::VnetId;
use crate::engine;
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::{
    GatherOptions, GatheredInputs, GivenInputs, InputError, InputOptions, PeeringSpec, REHEARSED, RunContext,
    WizardState, gather,
};
use crate::plan::{RunEvent, StepEvent};
use crate::render::{RunRecord, RunReport};
use crate::steps::{EventSink, SharedState, StepRun};
use crate::ui::RunDisplay;

/// A row that is to be set up.
pub struct PeeringJob {
    row: PeeringSpec,
    screen: Arc<dyn RunDisplay>,
    company: Arc<SharedState>,
    around: RunContext,
    no_wait: bool,
    trust_vendor_host: Option<String>,
    rehearsal: bool,
    pasted: PastedText,
    ticket: Option<PathBuf>,
    begun: Instant,
    report: Arc<Mutex<RunReport>>,
    known: Arc<Mutex<RepeatCommand>>,
    state: Mutex<JobState>,
}

/// Progress of the row.
#[derive(Default)]
struct JobState {
    run: Option<Arc<StepRun>>,
    wire: Option<RequestSender>,
    /// `true` if there is something to write.
    writes: bool,
    /// `true` if the steps of the row are in progress.
    carries_out: bool,
    over: bool,
}

impl PeeringJob {
    pub fn new(
        (row, screen): (PeeringSpec, Arc<dyn RunDisplay>),
        company: Arc<SharedState>,
        around: &RunContext,
        pasted: PastedText,
        args: &ApplyArgs,
    ) -> Self {
        let report = Arc::new(Mutex::new(RunReport::new("azure apply")));
        let known = Arc::new(Mutex::new(RepeatCommand::default()));
        let sink: EventSink = {
            let (report, known, screen) = (Arc::clone(&report), Arc::clone(&known), Arc::clone(&screen));
            Arc::new(move |mut event| {
                if let RunEvent::Step(id, StepEvent::Held { hold, rights: true, .. }) = &mut event {
                    hold.packet.push(lock(&known).handoff_command(*id));
                }
                lock(&report).on(&event);
                if !matches!(event, RunEvent::Ended { .. }) {
                    screen.on(&event);
                }
            })
        };
        Self {
            no_wait: args.no_wait,
            trust_vendor_host: args.trust_vendor_host.clone(),
            rehearsal: args.sandbox,
            pasted,
            ticket: args.report.clone(),
            row,
            screen,
            company,
            around: RunContext { sink, ..around.clone() },
            begun: Instant::now(),
            report,
            known,
            state: Mutex::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.row.name
    }

    pub fn line(&self) -> usize {
        self.row.line
    }

    /// The document as far as it has come.
    pub fn report(&self) -> RunReport {
        lock(&self.report).clone()
    }

    /// Returns whether something is to be written for the row.
    pub fn writes(&self) -> bool {
        lock(&self.state).writes
    }

    /// Returns the subject of the row, if it is known. No other row may have the same one.
    pub fn what(&self) -> Option<String> {
        let run = lock(&self.state).run.clone()?;
        let intent = &run.intent;
        // Azure takes an id in any case.
        let value = |value: &String| {
            let id = value.parse::<VnetId>();
            id.map_or_else(|_| value.clone(), |id| id.to_string().to_lowercase())
        };
        let inputs = intent.vendor_inputs.iter();
        let inputs: Vec<_> = inputs
            .map(|(key, values)| (key, values.iter().map(value).collect::<Vec<_>>()))
            .collect();
        let vnet = intent.vnet.to_string().to_lowercase();
        Some(format!(
            "{vnet} {} {inputs:?} {:?}",
            intent.vendor.id, intent.peering_name
        ))
    }

    /// Learns what a run has to know.
    ///
    /// # Errors
    /// An input that is missing or wrong; a sign-in that fails.
    pub async fn gather(&self) -> Result<(), RunError> {
        let flags = self
            .row
            .flags()
            .filter(|(id, _)| !(self.rehearsal && REHEARSED.contains(id)));
        let trusted = ("trust-vendor-host", self.trust_vendor_host.as_deref());
        let flags = flags.map(|(id, value)| (id, Some(value))).chain([trusted]);
        let given = GivenInputs::new(flags, &self.row.sets(), self.around.vars.clone());
        let given = given.map_err(|set| RunError::new(RunErrorKind::Usage, format!("{set} cannot be used."), ""))?;
        let no_wait = self.no_wait.then_some("no-wait");
        let switches: Vec<&str> = self.row.switches().chain(no_wait).collect();
        let manner = InputOptions {
            prompter: None,
            dry_run: false,
            survey: false,
            narrow: false,
            also_missing: Vec::new(),
            options: GatherOptions::default().switched_on(&switches),
        };
        let gathered = match gather(WizardState::new(given), &self.around, manner).await {
            Ok(gathered) => gathered,
            Err(InputError::Problem(problem)) => return Err(*problem),
            Err(InputError::Cancelled) => {
                let why = "A question was withdrawn that nobody was asked.";
                return Err(RunError::new(RunErrorKind::Usage, "The inputs are not complete.", why));
            }
        };
        self.note(&gathered);
        let (mut run, wire, _) = run_of(gathered, &self.around.sink)?;
        run.company = Arc::clone(&self.company);
        let mut state = lock(&self.state);
        state.run = Some(Arc::new(run));
        state.wire = Some(wire);
        Ok(())
    }

    fn note(&self, gathered: &GatheredInputs) {
        pasted_text::note(&mut lock(&self.report), gathered);
        let known = pasted_text::known(gathered, self.pasted);
        // A rehearsal's world is gone with the run.
        if !self.rehearsal {
            lock(&self.report).undone_by(known.sibling("azure teardown", DOCUMENT));
        }
        *lock(&self.known) = known;
    }

    /// Waits until it is known who signed in for it.
    ///
    /// # Errors
    /// When nobody could.
    pub async fn sign_in(&self) -> Result<(), RunError> {
        let Some(run) = self.run() else { return Ok(()) };
        let who = run.introduced().await?;
        lock(&self.report).on(&RunEvent::SignedIn(who));
        Ok(())
    }

    /// Ends the row by a problem.
    pub fn fail(&self, problem: RunError) {
        // What is found so late is wrong for this row alone, and others may have been written.
        self.end(CommandResult::new(RunOutcome::Failed, Some(problem)));
    }

    /// Reads what there is and decides what is to be done; a row that must not begin is over.
    pub async fn refresh(&self) {
        let Some(run) = self.run() else { return };
        let seat = run.desk.seat();
        seat.acquire(&self.company).await;
        let planned = engine::refresh(&run).await;
        drop(seat);
        match planned {
            Err(problem) => self.fail(problem),
            Ok(plan) => match blocked(&plan) {
                Some(problem) => self.end(CommandResult::new(RunOutcome::Blocked, Some(problem))),
                None => lock(&self.state).writes = plan.writes(),
            },
        }
    }

    /// Nothing is done about it: the document says so, and the plan is told of all rows together.
    pub fn leave_at_plan(&self, outcome: RunOutcome) {
        if self.run().is_some() {
            self.settle(CommandResult::new(outcome, None));
        }
    }

    /// Does what is to be done.
    pub async fn execute(&self) {
        let Some(run) = self.run() else { return };
        lock(&self.state).carries_out = true;
        let (outcome, problem) = engine::execute(&run).await;
        self.end(CommandResult::new(outcome, problem));
    }

    /// Its run, as long as it is not over.
    fn run(&self) -> Option<Arc<StepRun>> {
        let state = lock(&self.state);
        state.run.clone().filter(|_| !state.over)
    }

    fn end(&self, ended: CommandResult) {
        let event = self.settle(ended);
        self.screen.on(&event);
    }

    /// Notes how it ended, and keeps what is to be kept of it.
    fn settle(&self, ended: CommandResult) -> RunEvent {
        let event = RunEvent::Ended {
            outcome: ended.outcome,
            problem: ended.problem,
            stats: stats(lock(&self.state).wire.as_ref(), self.begun),
        };
        lock(&self.report).on(&event);
        let mut state = lock(&self.state);
        state.over = true;
        let sending = state.wire.as_ref().map(RequestSender::sent).unwrap_or_default();
        drop(state);
        if let Some(file) = self.keep(sending) {
            lock(&self.report).recorded_in(file);
        }
        event
    }

    /// Tells something on its line of the screen.
    pub fn notice(&self, text: &str) {
        (self.around.sink)(RunEvent::Notice(text.to_owned()));
    }

    /// Its run, whether it is over or not.
    pub fn last_run(&self) -> Option<Arc<StepRun>> {
        lock(&self.state).run.clone()
    }

    /// Returns whether something was written for the row, or may have been.
    pub fn may_have_changed(&self) -> bool {
        let sending = lock(&self.state)
            .wire
            .as_ref()
            .map(RequestSender::sent)
            .unwrap_or_default();
        sending.requests.iter().any(RequestRecord::may_have_changed)
    }

    /// Ends it where it is not over: it was stopped.
    pub fn stop(&self) {
        if lock(&self.state).carries_out && self.run().is_some() {
            self.end(CommandResult::cancelled());
        } else {
            self.leave_at_plan(RunOutcome::Cancelled);
        }
    }

    fn keep(&self, sending: PendingRecord) -> Option<String> {
        let ended = OffsetDateTime::now_utc();
        let record = RunRecord::new(self.report(), ended - self.begun.elapsed(), ended, sending);
        record::keep(record, &self.around.vars, self.rehearsal, self.ticket.as_deref())
    }
}
