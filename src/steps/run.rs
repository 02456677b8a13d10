//! What a step has at hand while it runs: the intent, the APIs, the facts, and a way to wait that people can follow.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use url::Url;

use super::Facts;
use crate::azure::{ApiError, Azure, Subscription};
use crate::errors::{Problem, known};
use crate::plan::{Change, Event, Hold, Intent, StepEvent, StepId, StepState};
use crate::vendors::Connector;

/// Takes every event of a run.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;
/// Opens a page in a browser; says whether one was opened.
pub type Opener = Arc<dyn Fn(&Url) -> bool + Send + Sync>;

/// How often a write that may not be repeated blindly is tried, each time after a look at what came of the last one.
pub const TRIES: u32 = 3;
/// The first wait between two looks; each wait is half as long again, up to the longest.
pub const FIRST_WAIT: Duration = Duration::from_millis(400);
/// Minutes pass in some waits: a look every ten seconds is soon enough, and far below any limit of Azure's.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Why a step does not go on.
#[derive(Debug)]
pub enum Stop {
    Failed(Box<Problem>),
    /// Somebody else has to act first.
    Held {
        state: StepState,
        hold: Hold,
    },
}

impl Stop {
    /// What an API answered while `doing`.
    pub fn api(doing: &str, error: &ApiError) -> Self {
        Problem::from_api(doing, error).into()
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(Box::new(problem))
    }
}

/// One run of a set-up.
pub struct Run {
    pub intent: Intent,
    pub azure: Azure,
    pub connector: Option<Arc<dyn Connector>>,
    pub open_page: Opener,
    sink: Sink,
    facts: Mutex<Facts>,
    subscriptions: OnceCell<Vec<Subscription>>,
    deadline: Instant,
    waited: Mutex<BTreeMap<StepId, Duration>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make what was noted wrong.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    /// A run that begins now: its time-out counts from here.
    pub fn new(
        intent: Intent,
        azure: Azure,
        connector: Option<Arc<dyn Connector>>,
        open_page: Opener,
        sink: Sink,
    ) -> Self {
        Self {
            deadline: Instant::now() + intent.timeout,
            intent,
            azure,
            connector,
            open_page,
            sink,
            facts: Mutex::default(),
            subscriptions: OnceCell::new(),
            waited: Mutex::default(),
        }
    }

    /// What has been read so far.
    pub fn facts(&self) -> Facts {
        lock(&self.facts).clone()
    }

    /// Notes what was read.
    pub fn learn(&self, note: impl FnOnce(&mut Facts)) {
        note(&mut lock(&self.facts));
    }

    /// The subscriptions that the operator sees, asked for once.
    ///
    /// # Errors
    /// What Azure answered.
    pub async fn subscriptions(&self) -> Result<&[Subscription], ApiError> {
        self.subscriptions
            .get_or_try_init(|| self.azure.subscriptions())
            .await
            .map(Vec::as_slice)
    }

    /// Tells the screens.
    pub fn emit(&self, event: Event) {
        (self.sink)(event);
    }

    /// Tells the screens about one step.
    pub fn tell(&self, step: StepId, event: StepEvent) {
        self.emit(Event::Step(step, event));
    }

    /// Tells the screens that something was written.
    pub fn changed(&self, step: StepId, change: Change) {
        self.tell(step, StepEvent::Changed(change));
    }

    /// How long the step has waited for others.
    pub fn waited(&self, step: StepId) -> Duration {
        lock(&self.waited).get(&step).copied().unwrap_or_default()
    }

    /// Waits before what failed is tried again, but not beyond the run's time.
    pub async fn pause(&self, step: StepId, wait: Duration) {
        let wait = wait.min(self.deadline.saturating_duration_since(Instant::now()));
        sleep(wait).await;
        *lock(&self.waited).entry(step).or_default() += wait;
    }

    fn out_of_time(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Repeats `attempt` while its refusal is known to pass by itself (something just written has not arrived
    /// everywhere), with new tokens, until the run's time is up.
    ///
    /// # Errors
    /// The first refusal that does not pass, or the last one when time is up.
    pub async fn patiently<T, F, A>(&self, step: StepId, doing: &str, mut attempt: A) -> Result<T, Stop>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, ApiError>>,
    {
        let mut wait = FIRST_WAIT;
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let Some(known) = known::passes(&error).filter(|_| !self.out_of_time()) else {
                return Err(Stop::api(doing, &error));
            };
            let usually = Some("seconds, at times some minutes".to_owned());
            self.tell(
                step,
                StepEvent::Waiting {
                    what: known.meaning.clone(),
                    usually,
                },
            );
            self.pause(step, wait).await;
            wait = longer(wait);
            // Azure keeps what a token may do for as long as the token lives in some places.
            self.azure.identity().forget();
        }
    }

    /// Looks again and again until there is something to see.
    ///
    /// # Errors
    /// `Held` with `hold` when the run's time is up (or at once where the run shall not wait); what `look` gave up on.
    pub async fn until<T, F, L>(&self, step: StepId, awaited: &Awaited<'_>, mut look: L) -> Result<T, Stop>
    where
        L: FnMut() -> F,
        F: Future<Output = Result<Option<T>, Stop>>,
    {
        let mut wait = FIRST_WAIT;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            let patience = !(awaited.someone_else && self.intent.no_wait);
            if !patience || self.out_of_time() {
                return Err(Stop::Held {
                    state: StepState::Waiting,
                    hold: awaited.hold.clone(),
                });
            }
            let usually = awaited.usually.map(str::to_owned);
            self.tell(
                step,
                StepEvent::Waiting {
                    what: awaited.what.to_owned(),
                    usually,
                },
            );
            self.pause(step, wait).await;
            wait = longer(wait);
        }
    }
}

fn longer(wait: Duration) -> Duration {
    (wait * 3 / 2).min(LONGEST_WAIT)
}

/// What is waited for, in words, and what to hand over when it does not come.
pub struct Awaited<'a> {
    pub what: &'a str,
    pub usually: Option<&'a str>,
    /// A person or the vendor, not replication: `--no-wait` does not wait for these.
    pub someone_else: bool,
    pub hold: Hold,
}
