//! The frame of every command on a peering: inputs, a sign-in, a run, Ctrl-C, and one result.

use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use time::OffsetDateTime;

use super::again::Known;
use super::asked::{self, Pasted};
use super::browser;
use super::config;
use super::ended::{Ended, Turn};
use super::output::{Format, OutputArgs, print, screen};
use super::record;
use super::sandbox::{Embedded, embed};
use super::stop::{asked_to_stop, redraw_when_resized, take_back, tidy_terminal};
use super::target::TargetArgs;
use crate::azure::{Sending, Sent, Wire};
use crate::domain::harmless;
use crate::engine;
use crate::errors::{Kind, Outcome, Problem};
use crate::input::{
    self, Asker, Conversation, Gathered, Given, Halt, Options, Surroundings, Vars, gather, own_app_credential,
};
use crate::plan::{Event, Plan, Standing, Stats, StepEvent, StepId};
use crate::render::{Record, Report};
use crate::steps::{Company, Opener, Run, Sink, views};
use crate::ui::{
    self, Answer, EchoOff, LinePrompter, Manner, Modes, Prompter, Question, RunEnd, Screen, TerminalPrompter,
};

/// Columns of a command line in a document.
pub const DOCUMENT: usize = 100;
/// What a command wants of the frame.
pub struct Errand<'a> {
    /// `azure setup`.
    pub name: &'static str,
    pub target: &'a TargetArgs,
    /// Inputs that only this command takes by flag, by their ids.
    pub flags: Vec<(&'static str, Option<&'a str>)>,
    /// What a flag alone switches on, as (switch, on). A profile may switch it on, too.
    pub switches: Vec<(&'static str, bool)>,
    pub options: Options,
    /// Whether the plan is confirmed by a flag; `None` where there is nothing to confirm.
    pub yes: Option<bool>,
    /// Only a script or a document is wanted.
    pub dry_run: bool,
    /// What is there is wanted with it.
    pub survey: bool,
    /// The file of the ticket, where one is wanted.
    pub ticket: Option<&'a Path>,
    /// The command that undoes this one.
    pub undo: Option<&'static str>,
    /// The steps that somebody else can be handed, one by one.
    pub hands_over: &'static [StepId],
    /// Ask for what tells which peering is meant, and no more.
    pub narrow: bool,
    /// Whether its answers are worth a profile.
    pub saves: bool,
}

impl<'a> Errand<'a> {
    /// A command that only reads.
    pub fn new(name: &'static str, target: &'a TargetArgs) -> Self {
        Self {
            name,
            target,
            flags: Vec::new(),
            switches: Vec::new(),
            options: Options::default(),
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

/// Where a command plays.
pub struct Scene {
    pub vars: Vars,
    pub manner: Manner,
    pub screen: Arc<dyn Screen>,
    /// A rehearsal's Azure, for as long as it lasts.
    pub embedded: Option<Embedded>,
}

impl Scene {
    /// The real Azure's, or a rehearsal's.
    ///
    /// # Errors
    /// When the embedded Azure cannot start.
    pub async fn set(rehearsal: bool, output: &OutputArgs) -> anyhow::Result<Self> {
        let mut vars = Vars::of_process();
        // A rehearsal has other inputs, and the same terminal.
        let manner = ui::manner(output.plain, &|name| vars.get(name));
        let screen = screen(output, manner);
        let embedded = if rehearsal { Some(embed().await?) } else { None };
        if let Some(embedded) = &embedded {
            screen.on(&Event::Notice(embedded.welcome.clone()));
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
pub struct Frame<'a> {
    errand: Errand<'a>,
    output: &'a OutputArgs,
    manner: Manner,
    around: Surroundings,
    report: Arc<Mutex<Report>>,
    begun: Instant,
    wire: Mutex<Option<Wire>>,
    /// The run that is under way, for what has to be taken back when it is stopped.
    run: Mutex<Option<Arc<Run>>>,
    known: Arc<Mutex<Known>>,
}

/// Carries out a command: gathers what must be known, hands it to `work`, and prints the one result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn conduct<'a, W>(errand: Errand<'a>, output: &'a OutputArgs, work: W) -> anyhow::Result<Outcome>
where
    W: AsyncFn(&Frame<'a>, Gathered) -> anyhow::Result<Turn>,
{
    let begun = Instant::now();
    let Scene {
        vars,
        manner,
        screen,
        embedded,
    } = Scene::set(errand.target.sandbox, output).await?;
    let report = Arc::new(Mutex::new(Report::new(errand.name)));
    let known = Arc::new(Mutex::new(Known::default()));
    let sink: Sink = {
        let (report, known, hands_over) = (Arc::clone(&report), Arc::clone(&known), errand.hands_over);
        let over = AtomicBool::new(false);
        Arc::new(move |mut event| {
            // What was still under way ends in its own way, and that is nobody's business any more.
            if over.fetch_or(matches!(event, Event::Ended { .. }), Ordering::Relaxed) {
                return;
            }
            if let Event::Step(id, StepEvent::Held { hold, rights: true, .. }) = &mut event
                && hands_over.contains(id)
            {
                hold.packet.push(lock(&known).hand_over(*id));
            }
            lock(&report).on(&event);
            screen.on(&event);
        })
    };
    let around = Surroundings {
        vars,
        cloud: embedded.as_ref().map(|embedded| embedded.cloud.clone()),
        sink,
        transport: None,
        sign_ins: None,
    };
    let frame = Frame {
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
    let modes = Modes::now();
    let _echo_off = frame.rich().then(EchoOff::begin);
    let _resizes = redraw_when_resized();
    let ended = tokio::select! {
        // First, so that a signal finds us listening however soon the first prompt is there.
        biased;
        () = asked_to_stop() => {
            frame.take_back().await;
            Ended::cancelled()
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

impl<'a> Frame<'a> {
    async fn go<W>(&self, work: W) -> anyhow::Result<Ended>
    where
        W: AsyncFn(&Frame<'a>, Gathered) -> anyhow::Result<Turn>,
    {
        if let Err(problem) = record::check_ticket(self.errand.ticket, &self.around.vars) {
            return Ok(Ended::by(problem));
        }
        let mut talk = match self.given() {
            Ok(given) => Conversation::new(given),
            Err(problem) => return Ok(Ended::by(problem)),
        };
        loop {
            let gathered = match self.gather(talk).await {
                Ok(gathered) => gathered,
                Err(halt) => return Ok(halt.into()),
            };
            match work(self, gathered).await? {
                Turn::Ended(ended) => return Ok(ended),
                Turn::Back(before) => talk = *before,
            }
        }
    }

    fn given(&self) -> Result<Given, Problem> {
        let given = self.errand.target.given(&self.errand.flags, &self.around.vars)?;
        if let Some(profile) = given.profile() {
            // It may be the default one, which nobody has named.
            self.tell(Event::Notice(format!(
                "Profile {} of {}",
                profile.name,
                profile.file.display()
            )));
        }
        Ok(given)
    }

    async fn gather(&self, talk: Conversation) -> Result<Gathered, Halt> {
        let prompter = self.prompter();
        let unconfirmed = self.errand.yes == Some(false) && !self.errand.dry_run && prompter.is_none();
        let also_missing = if unconfirmed {
            vec!["--yes: nobody is there to confirm the plan".to_owned()]
        } else {
            Vec::new()
        };
        let manner = input::Manner {
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
    pub fn begin(&self, gathered: Gathered) -> Result<(Arc<Run>, Conversation), Problem> {
        self.note(&gathered);
        let (mut run, wire, talk) = run_of(gathered, &self.around.sink)?;
        run.company = Company::alone(record::markers(&self.around.vars, self.errand.target.sandbox));
        let run = Arc::new(run);
        *lock(&self.wire) = Some(wire);
        *lock(&self.run) = Some(Arc::clone(&run));
        Ok((run, talk))
    }

    /// Notes what was asked for: in the document, and for the command line that says the same.
    pub fn note(&self, gathered: &Gathered) {
        asked::note(&mut lock(&self.report), gathered);
        let taken = gathered.intent.steps();
        let left_out = gathered
            .intent
            .all_steps()
            .into_iter()
            .filter(|step| !taken.contains(step));
        lock(&self.report).leaves_out(left_out.collect());
        let (talk, rehearsal) = (&gathered.talk, self.errand.target.sandbox);
        let switches = talk.given.switches(&self.errand.switches);
        *lock(&self.known) = Known {
            answers: talk.has_asked().then(|| asked::answers(gathered, &switches, rehearsal)),
            switches,
            ..asked::known(gathered, Pasted::among(&self.around.vars, rehearsal))
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

    /// Where the link stands; told to the screen and the document.
    pub fn standing(&self, run: &Run, plan: &Plan) -> Standing {
        let (facts, known) = (run.facts(), lock(&self.known));
        // For copying out of a terminal of any width.
        let line = |command| known.sibling(command, usize::MAX);
        let (setup, repair) = (line("azure setup"), line("azure repair"));
        drop(known);
        let standing = engine::standing(&run.intent, &facts, plan, &setup, &repair);
        self.tell(Event::Standing(standing.clone()));
        self.tell(Event::Peerings(views(&run.intent, &facts)));
        standing
    }

    /// Offers to save the answers as a profile, after a set-up that has asked and went through. Of a rehearsal they are
    /// of use to another rehearsal alone: it offers that where the command line names a file for them.
    ///
    /// # Errors
    /// When the user left.
    async fn offer_to_save(&self, outcome: Outcome) -> Result<(), Halt> {
        let (target, file) = (self.errand.target, &self.errand.target.profile.file);
        let went_through = matches!(outcome, Outcome::Done | Outcome::Unchanged | Outcome::Waiting);
        let wanted = self.errand.saves && went_through && self.output.output == Format::Text;
        let prompter = self
            .prompter()
            .filter(|_| wanted && (!target.sandbox || file.is_named()));
        let answers = lock(&self.known).answers.take();
        match prompter.zip(answers) {
            Some((prompter, answers)) => config::offer(&Asker(prompter), &answers, file, &self.around.vars).await,
            None => Ok(()),
        }
    }

    /// Who answers questions; `None`: nobody.
    pub fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        prompter(self.errand.target.no_input, self.manner)
    }

    /// Whether somebody has to give leave: the command line does not.
    pub fn asks(&self) -> bool {
        self.errand.yes == Some(false) && self.prompter().is_some()
    }

    /// Asks for leave where the command line does not give it.
    ///
    /// # Errors
    /// When the user left.
    pub async fn confirm(&self, question: &str) -> Result<Answer<bool>, Halt> {
        let Some(prompter) = self.prompter().filter(|_| self.asks()) else {
            return Ok(Answer::Value(true));
        };
        let help = "y carries out the plan above; n stops, and nothing is written. Flag: --yes.";
        let answer = Asker(prompter).confirm(Question::new(question, help), false).await;
        self.read_again();
        answer
    }

    /// The same for a removal, which the name of the network confirms; an empty line says no.
    ///
    /// # Errors
    /// When the user left.
    pub async fn confirm_removal(&self, network: &str) -> Result<Answer<bool>, Halt> {
        let Some(prompter) = self.prompter().filter(|_| self.asks()) else {
            return Ok(Answer::Value(true));
        };
        let name = harmless(network);
        let question = Question::new(
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
        let answer = Asker(prompter).text(question, Box::new(check)).await;
        self.read_again();
        Ok(match answer? {
            Answer::Value(text) => Answer::Value(text == name),
            Answer::Back => Answer::Back,
        })
    }

    /// Has what was read count no more: the world may have changed while the question was there.
    fn read_again(&self) {
        if let Some(run) = lock(&self.run).as_ref() {
            run.learn(|facts| facts.read_at = None);
        }
    }

    /// Tells the screen and the document.
    pub fn tell(&self, event: Event) {
        (self.around.sink)(event);
    }

    /// Tells the document alone.
    pub fn note_event(&self, event: &Event) {
        lock(&self.report).on(event);
    }

    /// The document as it would be if the command ended so now.
    pub fn report(&self, outcome: Outcome) -> Report {
        let mut report = lock(&self.report).clone();
        report.on(&Event::Ended {
            outcome,
            problem: None,
            stats: Stats::default(),
        });
        report
    }

    /// Removes the credential of a run that is stopped, and says where that could not be done.
    async fn take_back(&self) {
        let run = lock(&self.run).clone();
        take_back(run, |text| self.tell(Event::Notice(text.to_owned()))).await;
    }

    fn rich(&self) -> bool {
        self.manner == Manner::Rich
    }

    /// What the result says beside the document, where the run ends so; the document is told, too.
    pub fn run_end(&self, ended: &Ended, run: &Run) -> RunEnd {
        let is_over = matches!(ended.outcome, Outcome::Waiting | Outcome::Failed) && run.out_of_time();
        if is_over {
            lock(&self.report).ran_out_of_time();
        }
        let sent = lock(&self.wire).as_ref().map(Wire::sent).unwrap_or_default();
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

    /// The same of a run that was stopped.
    fn stopped(&self, sending: &Sending) -> String {
        let end = RunEnd {
            again: self.again(),
            ..self.end_of(sending)
        };
        ui::interrupted(&lock(&self.report), &end, ui::room())
    }

    fn end_of(&self, sending: &Sending) -> RunEnd {
        // A rehearsal's world is gone with the run.
        let undo = self.errand.undo.filter(|_| !self.errand.target.sandbox);
        let known = lock(&self.known);
        // A command that is folded into many short lines is no longer easy to copy.
        let room = ui::width().saturating_sub(8);
        let line = |command| known.sibling(command, if room < 60 { usize::MAX } else { room });
        let known_target = !known.peering.is_empty();
        RunEnd {
            // An answer may be lost with the run that waited for it.
            wrote: sending.requests.iter().any(Sent::may_have_changed),
            check: undo.filter(|_| known_target).map(|_| line("azure status")),
            undo: undo.filter(|_| known_target).map(line),
            elapsed: self.begun.elapsed(),
            ..RunEnd::default()
        }
    }

    fn finish(&self, ended: Ended, modes: &Modes) -> anyhow::Result<Outcome> {
        let wire = lock(&self.wire).take();
        let stats = stats(wire.as_ref(), self.begun);
        let outcome = ended.outcome;
        self.tell(Event::Ended {
            outcome,
            problem: ended.problem,
            stats,
        });
        // Ctrl-C at a prompt comes both ways, as a signal and as the prompt's answer. Live lines are gone by now: they
        // are taken away from where the cursor was left.
        if outcome == Outcome::Cancelled && ended.text.is_none() {
            tidy_terminal(modes, self.manner);
        }
        if ended.printed {
            return Ok(outcome);
        }
        let sending = wire.map(|wire| wire.sent()).unwrap_or_default();
        let stopped = (outcome == Outcome::Cancelled).then(|| self.stopped(&sending));
        let record = self.keep(sending);
        let record = record.map(|file| format!("\n\nRecord: {file}")).unwrap_or_default();
        match self.output.output {
            Format::Json => print(&lock(&self.report).json())?,
            Format::Text => match ended.text {
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
    fn keep(&self, sending: Sending) -> Option<String> {
        let ended = OffsetDateTime::now_utc();
        let record = Record::new(lock(&self.report).clone(), ended - self.begun.elapsed(), ended, sending);
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
pub fn run_of(gathered: Gathered, sink: &Sink) -> Result<(Run, Wire, Conversation), Problem> {
    let Gathered {
        intent,
        session,
        connector,
        talk,
        ..
    } = gathered;
    let session = session.ok_or_else(|| {
        let why = "A run other than a dry run always signs in.";
        Problem::new(Kind::SignIn, "There is no session.", why)
    })?;
    let wire = session.wire().clone();
    let sink = Arc::clone(sink);
    let mut run = Run::new(intent, session.azure, session.introduction, connector, opener(), sink);
    run.app_credential = own_app_credential(&talk.given);
    Ok((run, wire, talk))
}

/// What was sent by the wire, if there is one, and how long it has been since `begun`.
pub fn stats(wire: Option<&Wire>, begun: Instant) -> Stats {
    let sent = wire.map(Wire::stats).unwrap_or_default();
    Stats {
        requests: sent.requests,
        writes: sent.writes,
        waves: sent.waves,
        elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make what was noted wrong.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who answers questions; `None`: nobody.
pub fn prompter(no_input: bool, manner: Manner) -> Option<Arc<dyn Prompter>> {
    if no_input || !ui::someone_answers() {
        return None;
    }
    Some(match manner {
        Manner::Rich => Arc::new(TerminalPrompter),
        Manner::Plain => Arc::new(LinePrompter),
    })
}

/// Opens pages in the user's browser; only where there is somebody to look at it.
fn opener() -> Opener {
    Arc::new(|url| ui::someone_answers() && browser::open(url))
}
