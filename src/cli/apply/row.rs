//! One row: a whole set-up beside others.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use time::OffsetDateTime;

use super::Args;
use crate::azure::{Sending, Sent, Wire};
use crate::cli::again::Known;
use crate::cli::asked::Pasted;
use crate::cli::ended::{Ended, blocked};
use crate::cli::frame::{DOCUMENT, lock, run_of, stats};
use crate::cli::{asked, record};
use crate::domain::VnetId;
use crate::engine;
use crate::errors::{Kind, Outcome, Problem};
use crate::input::{Conversation, Gathered, Given, Halt, Manner, Options, REHEARSED, Row, Surroundings, gather};
use crate::plan::{Event, StepEvent};
use crate::render::{Record, Report};
use crate::steps::{Company, Run, Sink};
use crate::ui::Screen;

/// A row that is to be set up.
pub struct Job {
    row: Row,
    screen: Arc<dyn Screen>,
    company: Arc<Company>,
    around: Surroundings,
    no_wait: bool,
    trust_vendor_host: Option<String>,
    rehearsal: bool,
    pasted: Pasted,
    ticket: Option<PathBuf>,
    begun: Instant,
    report: Arc<Mutex<Report>>,
    known: Arc<Mutex<Known>>,
    state: Mutex<State>,
}

/// How far it has come.
#[derive(Default)]
struct State {
    run: Option<Arc<Run>>,
    wire: Option<Wire>,
    /// Whether there is something to write.
    writes: bool,
    /// Whether its steps are under way.
    carries_out: bool,
    over: bool,
}

impl Job {
    pub fn new(
        (row, screen): (Row, Arc<dyn Screen>),
        company: Arc<Company>,
        around: &Surroundings,
        pasted: Pasted,
        args: &Args,
    ) -> Self {
        let report = Arc::new(Mutex::new(Report::new("azure apply")));
        let known = Arc::new(Mutex::new(Known::default()));
        let sink: Sink = {
            let (report, known, screen) = (Arc::clone(&report), Arc::clone(&known), Arc::clone(&screen));
            Arc::new(move |mut event| {
                if let Event::Step(id, StepEvent::Held { hold, rights: true, .. }) = &mut event {
                    hold.packet.push(lock(&known).hand_over(*id));
                }
                lock(&report).on(&event);
                if !matches!(event, Event::Ended { .. }) {
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
            around: Surroundings { sink, ..around.clone() },
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
    pub fn report(&self) -> Report {
        lock(&self.report).clone()
    }

    /// Whether something is to be written for it.
    pub fn writes(&self) -> bool {
        lock(&self.state).writes
    }

    /// What it is about, if that is known: no other row may say the same.
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
    pub async fn gather(&self) -> Result<(), Problem> {
        let flags = self
            .row
            .flags()
            .filter(|(id, _)| !(self.rehearsal && REHEARSED.contains(id)));
        let trusted = ("trust-vendor-host", self.trust_vendor_host.as_deref());
        let flags = flags.map(|(id, value)| (id, Some(value))).chain([trusted]);
        let given = Given::new(flags, &self.row.sets(), self.around.vars.clone());
        let given = given.map_err(|set| Problem::new(Kind::Usage, format!("{set} cannot be used."), ""))?;
        let no_wait = self.no_wait.then_some("no-wait");
        let switches: Vec<&str> = self.row.switches().chain(no_wait).collect();
        let manner = Manner {
            prompter: None,
            dry_run: false,
            survey: false,
            narrow: false,
            also_missing: Vec::new(),
            options: Options::default().switched_on(&switches),
        };
        let gathered = match gather(Conversation::new(given), &self.around, manner).await {
            Ok(gathered) => gathered,
            Err(Halt::Problem(problem)) => return Err(*problem),
            Err(Halt::Cancelled) => {
                let why = "A question was withdrawn that nobody was asked.";
                return Err(Problem::new(Kind::Usage, "The inputs are not complete.", why));
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

    fn note(&self, gathered: &Gathered) {
        asked::note(&mut lock(&self.report), gathered);
        let known = asked::known(gathered, self.pasted);
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
    pub async fn sign_in(&self) -> Result<(), Problem> {
        let Some(run) = self.run() else { return Ok(()) };
        let who = run.introduced().await?;
        lock(&self.report).on(&Event::SignedIn(who));
        Ok(())
    }

    /// Ends the row by a problem.
    pub fn fail(&self, problem: Problem) {
        // What is found so late is wrong for this row alone, and others may have been written.
        self.end(Ended::new(Outcome::Failed, Some(problem)));
    }

    /// Reads what there is and decides what is to be done; a row that must not begin is over.
    pub async fn survey(&self) {
        let Some(run) = self.run() else { return };
        let seat = run.desk.seat();
        seat.down(&self.company).await;
        let planned = engine::survey(&run).await;
        drop(seat);
        match planned {
            Err(problem) => self.fail(problem),
            Ok(plan) => match blocked(&plan) {
                Some(problem) => self.end(Ended::new(Outcome::Blocked, Some(problem))),
                None => lock(&self.state).writes = plan.writes(),
            },
        }
    }

    /// Nothing is done about it: the document says so, and the plan is told of all rows together.
    pub fn leave_at_plan(&self, outcome: Outcome) {
        if self.run().is_some() {
            self.settle(Ended::new(outcome, None));
        }
    }

    /// Does what is to be done.
    pub async fn carry_out(&self) {
        let Some(run) = self.run() else { return };
        lock(&self.state).carries_out = true;
        let (outcome, problem) = engine::carry_out(&run).await;
        self.end(Ended::new(outcome, problem));
    }

    /// Its run, as long as it is not over.
    fn run(&self) -> Option<Arc<Run>> {
        let state = lock(&self.state);
        state.run.clone().filter(|_| !state.over)
    }

    fn end(&self, ended: Ended) {
        let event = self.settle(ended);
        self.screen.on(&event);
    }

    /// Notes how it ended, and keeps what is to be kept of it.
    fn settle(&self, ended: Ended) -> Event {
        let event = Event::Ended {
            outcome: ended.outcome,
            problem: ended.problem,
            stats: stats(lock(&self.state).wire.as_ref(), self.begun),
        };
        lock(&self.report).on(&event);
        let mut state = lock(&self.state);
        state.over = true;
        let sending = state.wire.as_ref().map(Wire::sent).unwrap_or_default();
        drop(state);
        if let Some(file) = self.keep(sending) {
            lock(&self.report).recorded_in(file);
        }
        event
    }

    /// Tells something on its line of the screen.
    pub fn notice(&self, text: &str) {
        (self.around.sink)(Event::Notice(text.to_owned()));
    }

    /// Its run, whether it is over or not.
    pub fn last_run(&self) -> Option<Arc<Run>> {
        lock(&self.state).run.clone()
    }

    /// Whether something was written for it, or may have been.
    pub fn may_have_changed(&self) -> bool {
        let sending = lock(&self.state).wire.as_ref().map(Wire::sent).unwrap_or_default();
        sending.requests.iter().any(Sent::may_have_changed)
    }

    /// Ends it where it is not over: it was stopped.
    pub fn stop(&self) {
        if lock(&self.state).carries_out && self.run().is_some() {
            self.end(Ended::cancelled());
        } else {
            self.leave_at_plan(Outcome::Cancelled);
        }
    }

    fn keep(&self, sending: Sending) -> Option<String> {
        let ended = OffsetDateTime::now_utc();
        let record = Record::new(self.report(), ended - self.begun.elapsed(), ended, sending);
        record::keep(record, &self.around.vars, self.rehearsal, self.ticket.as_deref())
    }
}
