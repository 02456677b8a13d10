//! `peerctl azure setup`: the whole peering.

mod args;

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use time::OffsetDateTime;

pub use args::Args;

use super::output::{Format, OutputArgs, manner_of, print, screen};
use super::record;
use super::stop::asked_to_stop;
use crate::azure::{Sending, Wire};
use crate::engine;
use crate::errors::{Kind, Outcome, Problem};
use crate::input::{Asker, Conversation, Gathered, Given, Halt, Surroundings, Vars, gather, own_app_credential};
use crate::plan::{Event, Plan, Stats, VendorAccess};
use crate::render::{Record, Report, az, command_line};
use crate::steps::{Opener, Run, Sink, clean_up};
use crate::ui::{self, Answer, LinePrompter, Manner, Modes, Prompter, TerminalPrompter, indented, summary};

/// Enough for a new token and the removal of a credential; who will not wait presses Ctrl-C again.
const LAST_ACT: Duration = Duration::from_secs(15);

/// Runs the set-up and prints its result.
///
/// # Errors
/// When the embedded Azure cannot start, or standard output cannot be written.
pub async fn run(args: Args, output: &OutputArgs) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let mut vars = Vars::of_process();
    let screen = screen(output, &vars);
    let report = Arc::new(Mutex::new(Report::new("azure setup")));
    let embedded = if args.sandbox {
        Some(super::sandbox::embed().await?)
    } else {
        None
    };
    if let Some(embedded) = &embedded {
        screen.on(&Event::Notice(embedded.welcome.clone()));
        // The real sign-in, network and vendor have no place in a rehearsal.
        vars = vars
            .without(&["AZURE_", "PEERCTL_", "KONNECT_", "AIVEN_", "DFCLOUD_"])
            .with(embedded.variables.clone());
    }
    let sink: Sink = {
        let report = Arc::clone(&report);
        Arc::new(move |event| {
            lock(&report).on(&event);
            screen.on(&event);
        })
    };
    let around = Surroundings {
        vars,
        cloud: embedded.as_ref().map(|embedded| embedded.cloud.clone()),
        sink,
    };
    let command = Command {
        args,
        output,
        around,
        report,
        begun,
        wire: Mutex::default(),
        run: Mutex::default(),
        again: Mutex::default(),
    };
    let modes = Modes::now();
    let ended = tokio::select! {
        ended = command.go() => ended?,
        () = asked_to_stop() => {
            command.take_back().await;
            Ended::cancelled()
        }
    };
    // Ctrl-C at a prompt comes both ways, as a signal and as the prompt's answer.
    if ended.outcome == Outcome::Cancelled && ended.text.is_none() {
        command.tidy_terminal(&modes);
    }
    command.finish(ended)
}

struct Command<'a> {
    args: Args,
    output: &'a OutputArgs,
    around: Surroundings,
    report: Arc<Mutex<Report>>,
    begun: Instant,
    wire: Mutex<Option<Wire>>,
    /// The run that is under way, for what has to be taken back when it is stopped.
    run: Mutex<Option<Arc<Run>>>,
    /// The command line that does the same without a question, once it is known.
    again: Mutex<Option<String>>,
}

/// How the command ended, and what it prints in text mode.
struct Ended {
    outcome: Outcome,
    problem: Option<Problem>,
    text: Option<String>,
}

/// Whether the plan was carried out, or the user wants to the question before.
enum Turn {
    Ended(Ended),
    Back(Box<Conversation>),
}

impl Ended {
    fn cancelled() -> Self {
        Self {
            outcome: Outcome::Cancelled,
            problem: None,
            text: None,
        }
    }

    fn problem(outcome: Outcome, problem: Problem) -> Self {
        Self {
            outcome,
            problem: Some(problem),
            text: None,
        }
    }
}

impl Command<'_> {
    async fn go(&self) -> anyhow::Result<Ended> {
        if let Err(problem) = record::check_ticket(self.args.report.as_deref()) {
            return Ok(Ended::problem(Outcome::Usage, problem));
        }
        let mut talk = match self.given() {
            Ok(given) => Conversation::new(given),
            Err(problem) => return Ok(Ended::problem(Outcome::Usage, problem)),
        };
        loop {
            let gathered = match self.gather(talk).await {
                Ok(gathered) => gathered,
                Err(Halt::Cancelled) => return Ok(Ended::cancelled()),
                Err(Halt::Problem(problem)) => {
                    let outcome = outcome_of(&problem);
                    return Ok(Ended::problem(outcome, *problem));
                }
            };
            if self.args.dry_run {
                print(az::script(&gathered.intent).trim_end())?;
                return Ok(Ended {
                    outcome: Outcome::Unchanged,
                    problem: None,
                    text: None,
                });
            }
            match self.set_up(gathered).await {
                Turn::Ended(ended) => return Ok(ended),
                Turn::Back(before) => talk = *before,
            }
        }
    }

    /// Removes the credential of a run that is stopped, and says where that could not be done.
    async fn take_back(&self) {
        let run = lock(&self.run).clone();
        let Some(run) = run.filter(|run| run.facts().credential_made) else {
            return;
        };
        let say = |text: &str| (self.around.sink)(Event::Notice(text.to_owned()));
        say("Removing the own application's credential; Ctrl-C again leaves that to the next run.");
        let removed = tokio::select! {
            removed = tokio::time::timeout(LAST_ACT, clean_up(&run)) => matches!(removed, Ok(Ok(()))),
            () = asked_to_stop() => false,
        };
        if !removed {
            say("The credential is not removed yet. It ends within the hour, and the next run removes it.");
        }
    }

    fn given(&self) -> Result<Given, Problem> {
        let vars = self.around.vars.clone();
        Given::new(self.args.flags(), &self.args.sets, vars).map_err(|set| {
            Problem::new(
                Kind::Usage,
                format!("--set {set} cannot be used."),
                "It has the form KEY=VALUE.",
            )
        })
    }

    async fn gather(&self, talk: Conversation) -> Result<Gathered, Halt> {
        let args = &self.args;
        let prompter = self.prompter();
        let also_missing = if args.yes || args.dry_run || prompter.is_some() {
            Vec::new()
        } else {
            vec!["--yes: nobody is there to confirm the plan".to_owned()]
        };
        let manner = crate::input::Manner {
            prompter,
            dry_run: args.dry_run,
            also_missing,
            options: args.options(),
        };
        gather(talk, &self.around, manner).await
    }

    /// Gives the terminal back as it was found: a prompt may have been stopped in the middle.
    fn tidy_terminal(&self, modes: &Modes) {
        modes.restore();
        if !ui::someone_answers() {
            return;
        }
        let terminal = console::Term::stderr();
        // Where standard error is gone there is nothing to tidy.
        if self.rich() {
            let _ = terminal.show_cursor();
        }
        // The prompt's own line stays; what follows begins below it.
        let _ = terminal.write_line("");
    }

    fn rich(&self) -> bool {
        manner_of(self.output, &self.around.vars) == Manner::Rich
    }

    fn prompter(&self) -> Option<Arc<dyn Prompter>> {
        if self.args.no_input || !ui::someone_answers() {
            return None;
        }
        Some(if self.rich() {
            Arc::new(TerminalPrompter)
        } else {
            Arc::new(LinePrompter)
        })
    }

    async fn set_up(&self, gathered: Gathered) -> Turn {
        let again = self.again(&gathered);
        self.asked(&gathered);
        let Gathered {
            intent,
            session,
            connector,
            mut talk,
            ..
        } = gathered;
        let Some(session) = session else {
            let why = "A run other than a dry run always signs in.";
            let problem = Problem::new(Kind::SignIn, "There is no session.", why);
            return Turn::Ended(Ended::problem(Outcome::Failed, problem));
        };
        *lock(&self.wire) = Some(session.wire().clone());
        *lock(&self.again) = Some(again.clone());
        let (vnet, vendor) = (intent.vnet.name.clone(), intent.vendor.name.clone());
        let mut run = Run::new(
            intent,
            session.azure,
            connector,
            opener(),
            Arc::clone(&self.around.sink),
        );
        run.app_credential = own_app_credential(&talk.given);
        let run = Arc::new(run);
        *lock(&self.run) = Some(Arc::clone(&run));
        let (outcome, problem) = match engine::survey(&run).await {
            Err(problem) => (outcome_of(&problem), Some(problem)),
            Ok(plan) => match self.decide(&run, &plan).await {
                Ok(Some(ended)) => ended,
                Ok(None) if talk.back() => return Turn::Back(Box::new(talk)),
                Ok(None) | Err(_) => return Turn::Ended(Ended::cancelled()),
            },
        };
        let text = {
            let mut report = lock(&self.report).clone();
            report.on(&Event::Ended {
                outcome,
                problem: None,
                stats: Stats::default(),
            });
            let again = self.prompter().map(|_| again.as_str());
            summary(&report, &vnet, &vendor, again, ui::width())
        };
        Turn::Ended(Ended {
            outcome,
            problem,
            text: Some(text),
        })
    }

    /// How the run ended; `None` where the user wants to the question before.
    ///
    /// # Errors
    /// When the user left.
    async fn decide(&self, run: &Run, plan: &Plan) -> Result<Option<(Outcome, Option<Problem>)>, Halt> {
        if let Some(problem) = blocked(plan) {
            return Ok(Some((Outcome::Blocked, Some(problem))));
        }
        let ask = plan.writes() && !self.args.yes;
        if let Some(prompter) = self.prompter().filter(|_| ask) {
            if let Some(role) = &run.intent.vendor.role {
                run.emit(Event::Notice(format!(
                    "{} may then {}",
                    run.intent.vendor.short_name, role.grants
                )));
            }
            match Asker(prompter).confirm("Go ahead?".to_owned()).await? {
                Answer::Value(true) => {}
                Answer::Value(false) => return Ok(Some((Outcome::Cancelled, None))),
                Answer::Back => return Ok(None),
            }
        }
        Ok(Some(engine::carry_out(run).await))
    }

    /// The command line that does the same without a question.
    fn again(&self, gathered: &Gathered) -> String {
        let mut flags = gathered.talk.given.flags(&gathered.vendor_inputs);
        if self.args.sandbox {
            // The embedded Azure brings its own of these.
            flags.retain(|(flag, _)| flag != "--cloud" && flag != "--auth");
            flags.insert(0, ("--sandbox".to_owned(), String::new()));
        }
        let switches = self.args.switches().into_iter().filter(|(_, on)| *on);
        flags.extend(switches.map(|(flag, _)| (flag.to_owned(), String::new())));
        flags.extend(["--no-input", "--yes"].map(|flag| (flag.to_owned(), String::new())));
        let line = command_line("azure setup", &flags, ui::width() - 2);
        // A token is no argument; the embedded Azure brings its own.
        let access = gathered.intent.vendor.access.as_ref();
        match access.filter(|_| gathered.intent.access == VendorAccess::Api && !self.args.sandbox) {
            Some(access) => format!("# {} is in the environment\n{line}", access.token_env),
            None => line,
        }
    }

    fn asked(&self, gathered: &Gathered) {
        let intent = &gathered.intent;
        let mut inputs = BTreeMap::from([
            ("tenantId".to_owned(), Value::from(intent.tenant.to_string())),
            ("vnetId".to_owned(), Value::from(intent.vnet.to_string())),
            ("consent".to_owned(), Value::from(intent.consent.to_string())),
            ("vendorAccess".to_owned(), Value::from(intent.access.to_string())),
        ]);
        if let Some(app) = &intent.vendor_app {
            inputs.insert("applicationId".to_owned(), Value::from(app.id.to_string()));
        }
        let sets: serde_json::Map<String, Value> = gathered
            .vendor_inputs
            .iter()
            .map(|(key, values)| (key.clone(), Value::from(values.clone())))
            .collect();
        inputs.insert("set".to_owned(), Value::Object(sets));
        let mut report = lock(&self.report);
        report.asked(&intent.vendor.id, &gathered.cloud, inputs);
        // A rehearsal's world is gone with the run.
        if !self.args.sandbox {
            report.undone_by(record::undo_line(&gathered.talk.given.flags(&gathered.vendor_inputs)));
        }
    }

    /// What is said to a user who left in the middle.
    fn stopped(&self) -> String {
        let written = lock(&self.report).changes().next().is_some();
        let stopped = if written {
            "Stopped. Nothing is left half done: run it again, and it goes on from here."
        } else {
            "Stopped; nothing was written."
        };
        match lock(&self.again).as_ref().filter(|_| written) {
            Some(again) => format!("{stopped}\n\n{}", indented(again)),
            None => stopped.to_owned(),
        }
    }

    fn finish(&self, ended: Ended) -> anyhow::Result<Outcome> {
        let wire = lock(&self.wire).take();
        let sent = wire.as_ref().map(Wire::stats).unwrap_or_default();
        let elapsed_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let stats = Stats {
            requests: sent.requests,
            writes: sent.writes,
            elapsed_ms,
        };
        let outcome = ended.outcome;
        (self.around.sink)(Event::Ended {
            outcome,
            problem: ended.problem,
            stats,
        });
        if self.args.dry_run && matches!(outcome, Outcome::Unchanged) {
            return Ok(outcome);
        }
        let record = self.keep(wire.map(|wire| wire.sent()).unwrap_or_default());
        let record = record.map(|file| format!("\n\nRecord: {file}")).unwrap_or_default();
        match self.output.output {
            Format::Json => print(&lock(&self.report).json())?,
            Format::Text => match ended.text {
                // On a terminal the result stands apart from the progress above it.
                Some(text) if stdout().is_terminal() => print(&format!("\n{text}{record}"))?,
                Some(text) => print(&format!("{text}{record}"))?,
                None if outcome == Outcome::Cancelled => print(&format!("{}{record}", self.stopped()))?,
                None => {}
            },
        }
        Ok(outcome)
    }

    /// Writes the record and the ticket, as far as they are wanted; the record's file.
    fn keep(&self, sending: Sending) -> Option<String> {
        let ended = OffsetDateTime::now_utc();
        let record = Record::new(lock(&self.report).clone(), ended - self.begun.elapsed(), ended, sending);
        let ticket = self.args.report.as_deref();
        let file = record::keep(record, &self.around.vars, self.args.sandbox, ticket)?;
        lock(&self.report).recorded_in(file.clone());
        Some(file)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make what was noted wrong.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn outcome_of(problem: &Problem) -> Outcome {
    if problem.kind == Kind::Usage {
        Outcome::Usage
    } else {
        Outcome::Failed
    }
}

fn blocked(plan: &Plan) -> Option<Problem> {
    let blockers = plan.blockers();
    let first = blockers.first()?;
    let details: Vec<&str> = blockers.iter().map(|check| check.detail.as_str()).collect();
    let mut problem = Problem::new(
        Kind::Preflight,
        format!("Check {} failed; nothing was written.", first.id),
        details.join("; "),
    );
    problem.remedies = blockers.iter().flat_map(|check| check.remedies.clone()).collect();
    Some(problem)
}

/// Opens pages in the user's browser; only where there is somebody to look at it.
fn opener() -> Opener {
    Arc::new(|url| ui::someone_answers() && webbrowser::open(url.as_str()).is_ok())
}
