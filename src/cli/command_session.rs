//! The frame of every command on a peering: inputs, a sign-in, a run, Ctrl-C, and one result.

use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use time::OffsetDateTime;

use super::browser;
use super::cancellation::{asked_to_stop, redraw_when_resized, take_back, tidy_terminal};
use super::command_result::{CommandFlow, CommandResult};
use super::config;
use super::output::{OutputArgs, OutputFormat, print, screen};
use super::pasted_text::{self, PastedText};
use super::record;
use super::rerun_command::RepeatCommand;
use super::sandbox::{EmbeddedSandbox, embed};
use super::target::TargetArgs;
use crate::azure::{PendingRecord, RequestRecord, RequestSender};
use crate::domain::sanitize_for_terminal;
use crate::engine;
use crate::errors::{RunError, RunErrorKind, RunOutcome};
use crate::input::{
    self, AsyncPrompter, EnvironmentVariables, GatherOptions, GatheredInputs, GivenInputs, InputError, RunContext,
    WizardState, gather, own_app_credential,
};
use crate::plan::{LinkHealth, RunEvent, RunPlan, RunStats, StepEvent, StepId};
use crate::render::{RunRecord, RunReport};
use crate::steps::{EventSink, SharedState, StepRun, UrlOpener, views};
use crate::ui::{
    self, EchoOff, LinePrompter, PromptQuestion, PromptResult, Prompter, RunDisplay, RunEnd, TerminalMode,
    TerminalPrompter, TermiosGuard,
};

/// Columns of a command line in a document.
pub const DOCUMENT: usize = 100;
/// Settings that a command passes to its session.
pub struct CommandSpec<'a> {
    /// `azure setup`.
    pub name: &'static str,
    pub target: &'a TargetArgs,
    /// Inputs that only this command takes by flag, by their ids.
    pub flags: Vec<(&'static str, Option<&'a str>)>,
    /// Switches that only a flag turns on, as (switch, on). A profile can also turn them on.
    pub switches: Vec<(&'static str, bool)>,
    pub options: GatherOptions,
    /// Confirmation of the plan by a flag; `None` if there is nothing to confirm.
    pub yes: Option<bool>,
    /// Only a script or a document is wanted.
    pub dry_run: bool,
    /// `true` if the current state is included.
    pub survey: bool,
    /// The file of the ticket, where one is wanted.
    pub ticket: Option<&'a Path>,
    /// The command that undoes this one.
    pub undo: Option<&'static str>,
    /// The steps that somebody else can be handed, one by one.
    pub hands_over: &'static [StepId],
    /// Ask for what tells which peering is meant, and no more.
    pub narrow: bool,
    /// `true` if the answers can be saved in a profile.
    pub saves: bool,
}

impl<'a> CommandSpec<'a> {
    /// A command that only reads.
    pub fn new(name: &'static str, target: &'a TargetArgs) -> Self {
        Self {
            name,
            target,
            flags: Vec::new(),
            switches: Vec::new(),
            options: GatherOptions::default(),
            yes: None,
            dry_run: false,
            survey: false,
            ticket: None,
            undo: None,
            hands_over: &[],
            narrow: true,
            saves: false,
        }
    }
}

/// Environment in which a command runs.
pub struct CommandEnvironment {
    pub vars: EnvironmentVariables,
    pub manner: TerminalMode,
    pub screen: Arc<dyn RunDisplay>,
    /// A rehearsal's Azure, for as long as it lasts.
    pub embedded: Option<EmbeddedSandbox>,
}

impl CommandEnvironment {
    /// The real Azure's, or a rehearsal's.
    ///
    /// # Errors
    /// When the embedded Azure cannot start.
    pub async fn set(rehearsal: bool, output: &OutputArgs) -> anyhow::Result<Self> {
        let mut vars = EnvironmentVariables::of_process();
        // A rehearsal has other inputs, and the same terminal.
        let manner = ui::manner(output.plain, &|name| vars.get(name));
        let screen = screen(output, manner);
        let embedded = if rehearsal { Some(embed().await?) } else { None };
        if let Some(embedded) = &embedded {
            screen.on(&RunEvent::Notice(embedded.welcome.clone()));
            vars = embedded.vars(vars);
        }
        Ok(Self {
            vars,
            manner,
            screen,
            embedded,
        })
    }
}

/// The command while it is under way.
pub struct CommandSession<'a> {
    errand: CommandSpec<'a>,
    output: &'a OutputArgs,
    manner: TerminalMode,
    around: RunContext,
    report: Arc<Mutex<RunReport>>,
    begun: Instant,
    wire: Mutex<Option<RequestSender>>,
    /// The run that is under way, for what has to be taken back when it is stopped.
    run: Mutex<Option<Arc<StepRun>>>,
    known: Arc<Mutex<RepeatCommand>>,
}

/// Carries out a command: gathers what must be known, hands it to `work`, and prints the one result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run_command<'a, W>(errand: CommandSpec<'a>, output: &'a OutputArgs, work: W) -> anyhow::Result<RunOutcome>
where
    W: AsyncFn(&CommandSession<'a>, GatheredInputs) -> anyhow::Result<CommandFlow>,
{
    let begun = Instant::now();
    let CommandEnvironment {
        vars,
        manner,
        screen,
        embedded,
    } = CommandEnvironment::set(errand.target.sandbox, output).await?;
    let report = Arc::new(Mutex::new(RunReport::new(errand.name)));
    let known = Arc::new(Mutex::new(RepeatCommand::default()));
    let sink: EventSink = {
        let (report, known, hands_over) = (Arc::clone(&report), Arc::clone(&known), errand.hands_over);
        let over = AtomicBool::new(false);
        Arc::new(move |mut event| {
            // What was still under way ends in its own way, and that is nobody's business any more.
            if over.fetch_or(matches!(event, RunEvent::Ended { .. }), Ordering::Relaxed) {
                return;
            }
            if let RunEvent::Step(id, StepEvent::Held { hold, rights: true, .. }) = &mut event
                && hands_over.contains(id)
            {
                hold.packet.push(lock(&known).handoff_command(*id));
            }
            lock(&report).on(&event);
            screen.on(&event);
        })
    };
    let around = RunContext {
        vars,
        cloud: embedded.as_ref().map(|embedded| embedded.cloud.clone()),
        sink,
        transport: None,
        sign_ins: None,
    };
    let frame = CommandSession {
        errand,
        output,
        manner,
        around,
        report,
        begun,
        wire: Mutex::default(),
        run: Mutex::default(),
        known,
    };
    let modes = TermiosGuard::now();
    let _echo_off = frame.rich().then(EchoOff::begin);
    let _resizes = redraw_when_resized();
    let ended = tokio::select! {
        // First, so that a signal finds us listening however soon the first prompt is there.
        biased;
        () = asked_to_stop() => {
            frame.take_back().await;
            CommandResult::cancelled()
        }
        ended = frame.go(work) => ended?,
    };
    let outcome = frame.finish(ended, &modes)?;
    // The run is over, whatever comes of this.
    tokio::select! {
        biased;
        () = asked_to_stop() => tidy_terminal(&modes, frame.manner),
        _ = frame.offer_to_save(outcome) => {}
    }
    Ok(outcome)
}

impl<'a> CommandSession<'a> {
    async fn go<W>(&self, work: W) -> anyhow::Result<CommandResult>
    where
        W: AsyncFn(&CommandSession<'a>, GatheredInputs) -> anyhow::Result<CommandFlow>,
    {
        if let Err(problem) = record::check_change_report(self.errand.ticket, &self.around.vars) {
            return Ok(CommandResult::by(problem));
        }
        let mut talk = match self.given() {
            Ok(given) => WizardState::new(given),
            Err(problem) => return Ok(CommandResult::by(problem)),
        };
        loop {
            let gathered = match self.gather(talk).await {
                Ok(gathered) => gathered,
                Err(halt) => return Ok(halt.into()),
            };
            match work(self, gathered).await? {
                CommandFlow::Ended(ended) => return Ok(ended),
                CommandFlow::Back(before) => talk = *before,
            }
        }
    }

    fn given(&self) -> Result<GivenInputs, RunError> {
        let given = self.errand.target.given(&self.errand.flags, &self.around.vars)?;
        if let Some(profile) = given.profile() {
            // It may be the default one, which nobody has named.
            self.tell(RunEvent::Notice(format!(
                "Profile {} of {}",
                profile.name,
                profile.file.display()
            )));
        }
        Ok(given)
    }

    async fn gather(&self, talk: WizardState) -> Result<GatheredInputs, InputError> {
        let prompter = self.prompter();
        let unconfirmed = self.errand.yes == Some(false) && !self.errand.dry_run && prompter.is_none();
        let also_missing = if unconfirmed {
            vec!["--yes: nobody is there to confirm the plan".to_owned()]
        } else {
            Vec::new()
        };
        let manner = input::InputOptions {
            prompter,
            dry_run: self.errand.dry_run,
            survey: self.errand.survey,
            narrow: self.errand.narrow,
            also_missing,
            options: {
                let switches = talk.given.switches(&self.errand.switches);
                self.errand.options.clone().switched_on(&switches)
            },
        };
        gather(talk, &self.around, manner).await
    }

    /// A run over what was gathered, and the conversation that led to it.
    ///
    /// # Errors
    /// When nobody signed in, as only a dry run may.
    pub fn begin(&self, gathered: GatheredInputs) -> Result<(Arc<StepRun>, WizardState), RunError> {
        self.note(&gathered);
        let (mut run, wire, talk) = run_of(gathered, &self.around.sink)?;
        run.company = SharedState::alone(record::markers(&self.around.vars, self.errand.target.sandbox));
        let run = Arc::new(run);
        *lock(&self.wire) = Some(wire);
        *lock(&self.run) = Some(Arc::clone(&run));
        Ok((run, talk))
    }

    /// Notes what was asked for: in the document, and for the command line that says the same.
    pub fn note(&self, gathered: &GatheredInputs) {
        pasted_text::note(&mut lock(&self.report), gathered);
        let taken = gathered.intent.steps();
        let left_out = gathered
            .intent
            .all_steps()
            .into_iter()
            .filter(|step| !taken.contains(step));
        lock(&self.report).leaves_out(left_out.collect());
        let (talk, rehearsal) = (&gathered.talk, self.errand.target.sandbox);
        let switches = talk.given.switches(&self.errand.switches);
        *lock(&self.known) = RepeatCommand {
            answers: talk
                .has_asked()
                .then(|| pasted_text::answers(gathered, &switches, rehearsal)),
            switches,
            ..pasted_text::known(gathered, PastedText::among(&self.around.vars, rehearsal))
        };
        // A rehearsal's world is gone with the run.
        if let Some(undo) = self.errand.undo.filter(|_| !self.errand.target.sandbox) {
            let line = lock(&self.known).sibling(undo, DOCUMENT);
            lock(&self.report).undone_by(line);
        }
    }

    /// The command line that does the same without a question; `None` as long as the inputs are not complete.
    pub fn again(&self) -> Option<String> {
        let errand = &self.errand;
        let width = ui::width() - 2;
        lock(&self.known).again(errand.name, &errand.options.share, errand.yes.is_some(), width)
    }

    /// Returns the state of the link, and adds it to the screen and the document.
    pub fn standing(&self, run: &StepRun, plan: &RunPlan) -> LinkHealth {
        let (facts, known) = (run.facts(), lock(&self.known));
        // For copying out of a terminal of any width.
        let line = |command| known.sibling(command, usize::MAX);
        let (setup, repair) = (line("azure setup"), line("azure repair"));
        drop(known);
        let standing = engine::standing(&run.intent, &facts, plan, &setup, &repair);
        self.tell(RunEvent::Standing(standing.clone()));
        self.tell(RunEvent::Peerings(views(&run.intent, &facts)));
        standing
    }

    /// Offers to save the answers as a profile, after a set-up that has asked and went through. Of a rehearsal they are
    /// of use to another rehearsal alone: it offers that where the command line names a file for them.
    ///
    /// # Errors
    /// When the user left.
    async fn offer_to_save(&self, outcome: RunOutcome) -> Result<(), InputError> {
        let (target, file) = (self.errand.target, &self.errand.target.profile.file);
        let went_through = matches!(outcome, RunOutcome::Done | RunOutcome::Unchanged | RunOutcome::Waiting);
        let wanted = self.errand.saves && went_through && self.output.output == OutputFormat::Text;
        let prompter = self
            .prompter()
            .filter(|_| wanted && (!target.sandbox || file.is_named()));
        let answers = lock(&self.known).answers.take();
        match prompter.zip(answers) {
            Some((prompter, answers)) => {
                config::offer(&AsyncPrompter(prompter), &answers, file, &self.around.vars).await
            }
            None => Ok(()),
        }
    }

    /// Returns the prompter for questions; `None` if there is none.
    pub fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        prompter(self.errand.target.no_input, self.manner)
    }

    /// Returns whether a user has to confirm: the command line doesn't do so.
    pub fn asks(&self) -> bool {
        self.errand.yes == Some(false) && self.prompter().is_some()
    }

    /// Asks for leave where the command line does not give it.
    ///
    /// # Errors
    /// When the user left.
    pub async fn confirm(&self, question: &str) -> Result<PromptResult<bool>, InputError> {
        let Some(prompter) = self.prompter().filter(|_| self.asks()) else {
            return Ok(PromptResult::Value(true));
        };
        let help = "y carries out the plan above; n stops, and nothing is written. Flag: --yes.";
        let answer = AsyncPrompter(prompter)
            .confirm(PromptQuestion::new(question, help), false)
            .await;
        self.read_again();
        answer
    }

    /// Asks for confirmation of a removal, which the name of the network confirms; an empty line means no.
    ///
    /// # Errors
    /// When the user left.
    pub async fn confirm_removal(&self, network: &str) -> Result<PromptResult<bool>, InputError> {
        let Some(prompter) = self.prompter().filter(|_| self.asks()) else {
            return Ok(PromptResult::Value(true));
        };
        let name = sanitize_for_terminal(network);
        let question = PromptQuestion::new(
            format!("Type the network's name to delete these: {name} (empty: delete nothing)"),
            format!(
                "The name of your virtual network, {name}, confirms the plan above. The network itself stays. Flag: --yes."
            ),
        );
        let meant = name.clone();
        let check = move |text: &str| match text {
            text if text == meant || ["", "n", "no"].contains(&text) => Ok(()),
            text => Err(format!("'{text}' is not '{meant}'. Nothing was deleted.")),
        };
        let answer = AsyncPrompter(prompter).text(question, Box::new(check)).await;
        self.read_again();
        Ok(match answer? {
            PromptResult::Value(text) => PromptResult::Value(text == name),
            PromptResult::Back => PromptResult::Back,
        })
    }

    /// Has what was read count no more: the world may have changed while the question was there.
    fn read_again(&self) {
        if let Some(run) = lock(&self.run).as_ref() {
            run.update_state(|facts| facts.read_at = None);
        }
    }

    /// Tells the screen and the document.
    pub fn tell(&self, event: RunEvent) {
        (self.around.sink)(event);
    }

    /// Tells the document alone.
    pub fn note_event(&self, event: &RunEvent) {
        lock(&self.report).on(event);
    }

    /// The document as it would be if the command ended so now.
    pub fn report(&self, outcome: RunOutcome) -> RunReport {
        let mut report = lock(&self.report).clone();
        report.on(&RunEvent::Ended {
            outcome,
            problem: None,
            stats: RunStats::default(),
        });
        report
    }

    /// Removes the credential of a run that is stopped, and says where that could not be done.
    async fn take_back(&self) {
        let run = lock(&self.run).clone();
        take_back(run, |text| self.tell(RunEvent::Notice(text.to_owned()))).await;
    }

    fn rich(&self) -> bool {
        self.manner == TerminalMode::Rich
    }

    /// Returns the parts of the result apart from the document, for a run that ends this way; the document is updated,
    /// too.
    pub fn run_end(&self, ended: &CommandResult, run: &StepRun) -> RunEnd {
        let is_over = matches!(ended.outcome, RunOutcome::Waiting | RunOutcome::Failed) && run.out_of_time();
        if is_over {
            lock(&self.report).ran_out_of_time();
        }
        let sent = lock(&self.wire).as_ref().map(RequestSender::sent).unwrap_or_default();
        let end = self.end_of(&sent);
        let only = run.intent.share.only.clone();
        RunEnd {
            problem: ended.problem.as_ref().map(|problem| problem.kind),
            timed_out: is_over.then_some(run.intent.timeout),
            first_use: engine::first_use(&run.intent, &run.facts()),
            again: self.prompter().and_then(|_| self.again()),
            // A teardown takes more back than some steps.
            undo: end.undo.clone().filter(|_| only.is_empty()),
            only,
            ..end
        }
    }

    /// Returns the result of a run that was stopped.
    fn stopped(&self, sending: &PendingRecord) -> String {
        let end = RunEnd {
            again: self.again(),
            ..self.end_of(sending)
        };
        ui::interrupted(&lock(&self.report), &end, ui::room())
    }

    fn end_of(&self, sending: &PendingRecord) -> RunEnd {
        // A rehearsal's world is gone with the run.
        let undo = self.errand.undo.filter(|_| !self.errand.target.sandbox);
        let known = lock(&self.known);
        // A command that is folded into many short lines is no longer easy to copy.
        let room = ui::width().saturating_sub(8);
        let line = |command| known.sibling(command, if room < 60 { usize::MAX } else { room });
        let known_target = !known.peering.is_empty();
        RunEnd {
            // An answer may be lost with the run that waited for it.
            wrote: sending.requests.iter().any(RequestRecord::may_have_changed),
            check: undo.filter(|_| known_target).map(|_| line("azure status")),
            undo: undo.filter(|_| known_target).map(line),
            elapsed: self.begun.elapsed(),
            ..RunEnd::default()
        }
    }

    fn finish(&self, ended: CommandResult, modes: &TermiosGuard) -> anyhow::Result<RunOutcome> {
        let wire = lock(&self.wire).take();
        let stats = stats(wire.as_ref(), self.begun);
        let outcome = ended.outcome;
        self.tell(RunEvent::Ended {
            outcome,
            problem: ended.problem,
            stats,
        });
        // Ctrl-C at a prompt comes both ways, as a signal and as the prompt's answer. Live lines are gone by now: they
        // are taken away from where the cursor was left.
        if outcome == RunOutcome::Cancelled && ended.text.is_none() {
            tidy_terminal(modes, self.manner);
        }
        if ended.printed {
            return Ok(outcome);
        }
        let sending = wire.map(|wire| wire.sent()).unwrap_or_default();
        let stopped = (outcome == RunOutcome::Cancelled).then(|| self.stopped(&sending));
        let record = self.keep(sending);
        let record = record.map(|file| format!("\n\nRecord: {file}")).unwrap_or_default();
        match self.output.output {
            OutputFormat::Json => print(&lock(&self.report).json())?,
            OutputFormat::Text => match ended.text {
                // On a terminal the result stands apart from the progress above it.
                Some(text) if stdout().is_terminal() => {
                    let text = if self.rich() { text } else { ui::in_words(&text) };
                    print(&format!("\n{text}{record}"))?;
                }
                Some(text) => print(&format!("{text}{record}"))?,
                None => {
                    if let Some(stopped) = stopped {
                        print(&format!("{stopped}{record}"))?;
                    }
                }
            },
        }
        Ok(outcome)
    }

    /// Writes the record and the ticket, as far as they are wanted; the record's file.
    fn keep(&self, sending: PendingRecord) -> Option<String> {
        let ended = OffsetDateTime::now_utc();
        let record = RunRecord::new(lock(&self.report).clone(), ended - self.begun.elapsed(), ended, sending);
        let rehearsal = self.errand.target.sandbox;
        let file = record::keep(record, &self.around.vars, rehearsal, self.errand.ticket)?;
        lock(&self.report).recorded_in(file.clone());
        Some(file)
    }
}

/// The run over what was gathered, the wire that counts for it, and the conversation that led to it.
///
/// # Errors
/// When nobody signed in, as only a dry run may.
pub fn run_of(gathered: GatheredInputs, sink: &EventSink) -> Result<(StepRun, RequestSender, WizardState), RunError> {
    let GatheredInputs {
        intent,
        session,
        connector,
        talk,
        ..
    } = gathered;
    let session = session.ok_or_else(|| {
        let why = "A run other than a dry run always signs in.";
        RunError::new(RunErrorKind::SignIn, "There is no session.", why)
    })?;
    let wire = session.wire().clone();
    let sink = Arc::clone(sink);
    let mut run = StepRun::new(intent, session.azure, session.introduction, connector, opener(), sink);
    run.app_credential = own_app_credential(&talk.given);
    Ok((run, wire, talk))
}

/// Returns what the wire sent, if there is one, and the time since `begun`.
pub fn stats(wire: Option<&RequestSender>, begun: Instant) -> RunStats {
    let sent = wire.map(RequestSender::stats).unwrap_or_default();
    RunStats {
        requests: sent.requests,
        writes: sent.writes,
        sequential_requests: sent.waves,
        elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make what was noted wrong.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the prompter for questions; `None` if there is none.
pub fn prompter(no_input: bool, manner: TerminalMode) -> Option<Arc<dyn Prompter>> {
    if no_input || !ui::someone_answers() {
        return None;
    }
    Some(match manner {
        TerminalMode::Rich => Arc::new(TerminalPrompter),
        TerminalMode::Plain => Arc::new(LinePrompter),
    })
}

/// Opens pages in the user's browser; only where there is somebody to look at it.
fn opener() -> UrlOpener {
    Arc::new(|url| ui::someone_answers() && browser::open(url))
}
