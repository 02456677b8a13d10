//! Context of a step while it runs: the intent, the APIs, the facts, and a way to wait with visible progress.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use url::Url;

use super::confirmed::ConfirmedPlan;
use super::own_app::CreatedCredential;
use super::{ObservedState, RunMarkers, RunPermit, SharedState, SignInReport};
use crate::azure::{ApiError, AppCredential, AzureClient, SubscriptionInfo, awaiting};
use crate::errors::{ErrorCause, RunError, RunErrorKind, known};
use crate::limits;
use crate::plan::{
    ActionRequired, ChangeAction, PeeringIntent, ResourceChange, RunEvent, SignedIn, StepEvent, StepId, StepState,
};
use crate::vendors::VendorConnector;

/// Takes every event of a run.
pub type EventSink = Arc<dyn Fn(RunEvent) + Send + Sync>;
/// Opens a page in a browser; says whether one was opened.
pub type UrlOpener = Arc<dyn Fn(&Url) -> bool + Send + Sync>;

/// Why a step does not go on.
#[derive(Debug)]
pub enum StepError {
    Failed(Box<RunError>),
    /// Somebody else has to act first.
    Held {
        state: StepState,
        hold: ActionRequired,
    },
}

impl StepError {
    /// Creates an error from the response of an API while `doing`.
    pub fn api(doing: &str, error: &ApiError) -> Self {
        RunError::from_api(doing, error).into()
    }

    /// This operator may not; `hold` says who may. What Azure answered goes with it.
    pub fn blocked(mut hold: ActionRequired, problem: &RunError) -> Self {
        hold.answer = Some(problem.answer());
        Self::Held {
            state: StepState::Blocked,
            hold,
        }
    }

    /// Converts a failure that is caused by a missing role into a required action for someone who has that role: `hold`
    /// specifies who. A failure that applies to everyone stays a failure.
    #[must_use]
    pub fn or_action_required(self, hold: impl FnOnce() -> ActionRequired) -> Self {
        match self {
            Self::Failed(problem) if problem.cause == ErrorCause::MissingRole => Self::blocked(hold(), &problem),
            stop => stop,
        }
    }

    /// Somebody else is at work.
    pub fn waiting(hold: ActionRequired) -> Self {
        Self::Held {
            state: StepState::Waiting,
            hold,
        }
    }
}

impl From<RunError> for StepError {
    fn from(problem: RunError) -> Self {
        Self::Failed(Box::new(problem))
    }
}

/// One run of a set-up.
pub struct StepRun {
    pub intent: PeeringIntent,
    pub azure: AzureClient,
    pub connector: Option<Arc<dyn VendorConnector>>,
    pub open_page: UrlOpener,
    /// The own application's credential, where the operator brings one.
    pub app_credential: Option<AppCredential>,
    /// The runs beside which it works.
    pub company: Arc<SharedState>,
    /// Its place among them.
    pub desk: RunPermit,
    introduction: SignInReport,
    sink: EventSink,
    facts: Mutex<ObservedState>,
    confirmed: OnceLock<ConfirmedPlan>,
    minted: Mutex<Option<Arc<CreatedCredential>>>,
    deadline: OnceCell<Instant>,
    waited: Mutex<BTreeMap<StepId, WaitOutcome>>,
}

/// Time that a step has waited, and the end of the last wait: waits at the same time count once.
#[derive(Clone, Copy, Default)]
struct WaitOutcome {
    time: Duration,
    until: Option<Instant>,
}

impl WaitOutcome {
    fn add(&mut self, from: Instant, until: Instant) {
        let from = self.until.map_or(from, |covered| covered.max(from));
        self.time += until.saturating_duration_since(from);
        self.until = Some(from.max(until));
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make what was noted wrong.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StepRun {
    /// A run that has not begun.
    pub fn new(
        intent: PeeringIntent,
        azure: AzureClient,
        introduction: SignInReport,
        connector: Option<Arc<dyn VendorConnector>>,
        open_page: UrlOpener,
        sink: EventSink,
    ) -> Self {
        Self {
            intent,
            azure,
            connector,
            open_page,
            app_credential: None,
            company: SharedState::alone(RunMarkers::default()),
            desk: RunPermit::default(),
            introduction,
            sink,
            facts: Mutex::default(),
            confirmed: OnceLock::new(),
            minted: Mutex::default(),
            deadline: OnceCell::new(),
            waited: Mutex::default(),
        }
    }

    /// The time-out counts from here: reading the plan costs nobody patience.
    pub fn begin(&self) {
        // A second beginning changes nothing.
        let _ = self.deadline.set(Instant::now() + self.intent.timeout);
    }

    /// Returns the state that has been read so far.
    pub fn facts(&self) -> ObservedState {
        lock(&self.facts).clone()
    }

    /// Notes what was read.
    pub fn update_state(&self, note: impl FnOnce(&mut ObservedState)) {
        note(&mut lock(&self.facts));
    }

    /// Takes the plan as it stands for the one that was shown and confirmed: from here on nothing else is written.
    pub fn confirm(&self) {
        // A second confirmation changes nothing.
        let _ = self.confirmed.set(ConfirmedPlan::of(&self.intent, &self.facts()));
    }

    /// The plan that was confirmed, once one was.
    pub(super) fn confirmed(&self) -> Option<&ConfirmedPlan> {
        self.confirmed.get()
    }

    /// The credential that this run made or shares, if there is one.
    pub(super) fn created_credential(&self) -> Option<Arc<CreatedCredential>> {
        lock(&self.minted).clone()
    }

    pub(super) fn set_minted(&self, minted: Option<Arc<CreatedCredential>>) {
        *lock(&self.minted) = minted;
    }

    /// Waits until it is known who signed in.
    ///
    /// # Errors
    /// When nobody could, or to another tenant.
    pub async fn introduced(&self) -> Result<SignedIn, RunError> {
        let introduced = self.introduction.clone().await?;
        self.intent.tenant_name.note(introduced.tenant_name);
        Ok(introduced.who)
    }

    /// The subscriptions that the operator sees.
    ///
    /// # Errors
    /// As [`StepRun::introduced`].
    pub async fn subscriptions(&self) -> Result<Arc<[SubscriptionInfo]>, RunError> {
        Ok(self.introduction.clone().await?.subscriptions)
    }

    /// Tells the screens.
    pub fn emit(&self, event: RunEvent) {
        (self.sink)(event);
    }

    /// Tells the screens about one step.
    pub fn tell(&self, step: StepId, event: StepEvent) {
        self.emit(RunEvent::Step(step, event));
    }

    /// Tells the screens that something was written.
    pub fn changed(&self, step: StepId, action: ChangeAction, kind: impl Into<String>, id: impl Into<String>) {
        let (kind, id) = (kind.into(), id.into());
        self.tell(step, StepEvent::Changed(ResourceChange { action, kind, id }));
    }

    /// Returns the time that the step has waited for others.
    pub fn waited(&self, step: StepId) -> Duration {
        lock(&self.waited)
            .get(&step)
            .map_or(Duration::ZERO, |waited| waited.time)
    }

    /// Waits, but not past the run's time.
    pub async fn pause(&self, step: StepId, wait: Duration) {
        let left = self
            .deadline
            .get()
            .map_or(wait, |end| end.saturating_duration_since(Instant::now()));
        let (from, wait) = (Instant::now(), wait.min(left));
        sleep(wait).await;
        lock(&self.waited).entry(step).or_default().add(from, from + wait);
    }

    /// Returns the result of `work`, unless the run's time expires first.
    pub async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.deadline.get() {
            Some(end) => tokio::time::timeout_at(*end, work).await.ok(),
            None => Some(work.await),
        }
    }

    /// Returns whether the run's time has expired.
    pub fn out_of_time(&self) -> bool {
        self.deadline.get().is_some_and(|end| Instant::now() >= *end)
    }

    /// Repeats `attempt` while its refusal is known to pass by itself (something just written has not arrived
    /// everywhere), with new tokens. `also` names codes that pass here although they do not elsewhere: a sign-in with
    /// a credential of this very minute.
    ///
    /// # Errors
    /// The first refusal that does not pass, or the last one when replication should long be over.
    pub async fn retry_while_replicating<T, F, A>(
        &self,
        step: StepId,
        doing: &str,
        also: &[&str],
        attempt: A,
    ) -> Result<T, StepError>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, ApiError>>,
    {
        let passes = |error: &ApiError| is_one_of(error, also) || known::passes(error).is_some();
        self.retry_if(step, doing, passes, attempt).await
    }

    /// Repeats `attempt` in the same way, if only the caller knows which refusals are temporary.
    ///
    /// # Errors
    /// As [`StepRun::retry_while_replicating`].
    pub async fn retry_if<T, F, A, P>(
        &self,
        step: StepId,
        doing: &str,
        passes: P,
        mut attempt: A,
    ) -> Result<T, StepError>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, ApiError>>,
        P: Fn(&ApiError) -> bool,
    {
        let (mut wait, end) = (limits::INITIAL_POLL_INTERVAL, Instant::now() + limits::REPLICATION);
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if !passes(&error) {
                return Err(StepError::api(doing, &error));
            }
            if self.out_of_time() || Instant::now() >= end {
                let mut problem = RunError::from_api(doing, &error);
                problem.why = format!("{} {}", problem.why, self.gave_up());
                return Err(problem.into());
            }
            let code = crate::domain::sanitize_for_terminal(error.code().unwrap_or_default());
            let what = format!("until what was just written is known everywhere ({code})");
            let usually = Some("seconds, at times some minutes".to_owned());
            self.tell(step, StepEvent::Waiting { what, usually });
            self.pause(step, wait).await;
            wait = longer(wait);
            // Azure keeps what a token may do for as long as the token lives in some places.
            self.azure.identity().forget();
        }
    }

    /// Why nothing more is tried: the run's time is over, or that of replication.
    fn gave_up(&self) -> String {
        if self.out_of_time() {
            self.over()
        } else {
            let minutes = limits::REPLICATION.as_secs() / 60;
            format!("It was tried for {minutes} minutes, longer than replication takes.")
        }
    }

    /// "--timeout 6s is over."
    fn over(&self) -> String {
        format!("--timeout {} is over.", humantime::format_duration(self.intent.timeout))
    }

    /// Looks again and again until there is something to see. A network that is away for a while is waited out too.
    ///
    /// # Errors
    /// `CachedToken` with the hold when the run's time is up (or at once where the run shall not wait); what `look` gave up on.
    pub async fn poll_until<T, F, L>(
        &self,
        step: StepId,
        awaited: &WaitDescription<'_>,
        mut look: L,
    ) -> Result<T, StepError>
    where
        L: FnMut() -> F,
        F: Future<Output = Result<Option<T>, StepError>>,
    {
        let (mut wait, replication) = (limits::INITIAL_POLL_INTERVAL, Instant::now() + limits::REPLICATION);
        loop {
            let mut what = awaited.what.to_owned();
            let seen = if awaited.someone_else {
                awaiting(look()).await
            } else {
                look().await
            };
            match seen {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(StepError::Failed(problem)) if problem.kind == RunErrorKind::Network && !self.out_of_time() => {
                    what = format!("{} Trying again.", problem.what);
                }
                Err(stop) => return Err(stop),
            }
            let give_up = if awaited.someone_else {
                self.intent.no_wait
            } else {
                Instant::now() >= replication
            };
            if give_up || self.out_of_time() {
                let mut hold = awaited.hold.clone();
                if self.out_of_time() && !give_up {
                    hold.why = format!("{} {}", hold.why, self.over());
                }
                return Err(StepError::waiting(hold));
            }
            let usually = awaited.usually.map(str::to_owned);
            self.tell(step, StepEvent::Waiting { what, usually });
            let pause = self.pause(step, wait);
            if awaited.someone_else {
                self.desk.release_while(&self.company, pause).await;
            } else {
                pause.await;
            }
            wait = longer(wait);
        }
    }
}

/// Returns the result of several parallel operations: failures come before operations that only wait for others.
pub fn every(ended: Vec<Result<(), StepError>>) -> Result<(), StepError> {
    let mut stops: Vec<StepError> = ended.into_iter().filter_map(Result::err).collect();
    stops.sort_by_key(|stop| !matches!(stop, StepError::Failed(_)));
    stops.into_iter().next().map_or(Ok(()), Err)
}

/// Returns whether the refusal has one of these codes.
pub fn is_one_of(error: &ApiError, codes: &[&str]) -> bool {
    error
        .code()
        .is_some_and(|code| codes.iter().any(|known| known.eq_ignore_ascii_case(code)))
}

fn longer(wait: Duration) -> Duration {
    (wait * 3 / 2).min(limits::LONGEST_POLL_INTERVAL)
}

/// Description of what is waited for, and what to hand over if it does not arrive.
pub struct WaitDescription<'a> {
    pub what: &'a str,
    pub usually: Option<&'a str>,
    /// A person or the vendor, not replication: `--no-wait` does not wait for these.
    pub someone_else: bool,
    pub hold: ActionRequired,
}

impl<'a> WaitDescription<'a> {
    /// Something that was written a moment ago, on its way to where it is read.
    pub fn replication(what: &'a str) -> Self {
        Self {
            what,
            usually: Some("seconds, at times some minutes"),
            someone_else: false,
            hold: ActionRequired {
                who: "Azure".to_owned(),
                why: "It was written, but cannot be read everywhere yet.".to_owned(),
                packet: vec!["Run the same command again in a few minutes.".to_owned()],
                answer: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_concurrent_waits_are_combined() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut waited = WaitOutcome::default();
        waited.add(start, start + second);
        waited.add(start, start + second);
        waited.add(start + second / 2, start + second * 2);
        waited.add(start + second * 5, start + second * 6);
        assert_eq!(waited.time, second * 3);
    }

    #[test]
    fn run_reports_failure_before_wait() {
        let held = || {
            let hold = WaitDescription::replication("until").hold;
            Err(StepError::waiting(hold))
        };
        let failed = || Err(StepError::from(RunError::new(RunErrorKind::Conflict, "what", "why")));
        assert!(every(vec![Ok(()), Ok(())]).is_ok());
        assert!(matches!(every(vec![held(), Ok(())]), Err(StepError::Held { .. })));
        assert!(matches!(every(vec![held(), failed()]), Err(StepError::Failed(_))));
    }
}
