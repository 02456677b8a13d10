//! Runs of one process side by side: what several of them need is done once and by one at a time, they share the own
//! application's credential, and no more of them work at a time than is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as Queue, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use uuid::Uuid;

use super::own_app::CreatedCredential;
use super::run::lock;
use super::{RunMarkers, StepError, StepRun};
use crate::azure::RoleDefinition;
use crate::domain::{TenantId, VnetId};
use crate::plan::{ActionRequired, PeeringIntent, StepEvent, StepId};

/// The runs that know of each other. A run alone is a company, too.
pub struct SharedState {
    /// In the names of the credentials that these runs create.
    run_id: Uuid,
    /// Markers of other runs that have ended.
    markers: RunMarkers,
    /// A credential of these runs could not be removed.
    left_behind: AtomicBool,
    queues: Mutex<BTreeMap<String, Arc<Queue<Option<Instant>>>>>,
    credentials: Mutex<BTreeMap<Uuid, Arc<Queue<Vec<SharedCredential>>>>>,
    /// Names of peerings that the runs have reserved: the network, the name, the other network.
    names: Mutex<Vec<(VnetId, String, VnetId)>>,
    /// As they were written last.
    roles: Mutex<BTreeMap<(TenantId, Uuid), RoleDefinition>>,
    /// Roles by their names, as Resource Graph has them; it is asked once for all. None where there is but one run.
    searched: Option<Queue<BTreeMap<RoleQuery, Vec<RoleDefinition>>>>,
    desks: Arc<Semaphore>,
}

/// In which tenant roles of which names are looked for.
type RoleQuery = (TenantId, Vec<String>);

impl SharedState {
    /// That of a run alone.
    pub fn alone(markers: RunMarkers) -> Arc<Self> {
        Self::with(1, None, markers)
    }

    /// One in which `desks` runs work at a time; those that wait for somebody else do not count.
    pub fn of(desks: usize, markers: RunMarkers) -> Arc<Self> {
        Self::with(desks, Some(Queue::default()), markers)
    }

    fn with(
        desks: usize,
        searched: Option<Queue<BTreeMap<RoleQuery, Vec<RoleDefinition>>>>,
        markers: RunMarkers,
    ) -> Arc<Self> {
        Arc::new(Self {
            run_id: Uuid::new_v4(),
            markers,
            left_behind: AtomicBool::new(false),
            searched,
            queues: Mutex::default(),
            credentials: Mutex::default(),
            names: Mutex::default(),
            roles: Mutex::default(),
            desks: Arc::new(Semaphore::new(desks)),
        })
    }

    /// Returns the ID that distinguishes the credentials that these runs create from those of other processes.
    pub(super) fn run_id(&self) -> Uuid {
        self.run_id
    }

    /// Notes that a credential was removed, or could not be. Once none is left, other runs need not know of these runs.
    pub(super) async fn cleaned_up(&self, removed: bool) {
        if !removed {
            self.left_behind.store(true, Ordering::Relaxed);
        }
        let queues: Vec<_> = lock(&self.credentials).values().cloned().collect();
        for queue in queues {
            if !queue.lock().await.is_empty() {
                return;
            }
        }
        if !self.left_behind.load(Ordering::Relaxed) {
            self.markers.end(self.run_id);
        }
    }

    /// The marks of the runs on this machine.
    pub(super) fn markers(&self) -> &RunMarkers {
        &self.markers
    }

    /// The credentials in use of the application with this object id. While the queue is held, none is made or removed.
    pub(super) fn credentials(&self, application: Uuid) -> Arc<Queue<Vec<SharedCredential>>> {
        let mut credentials = lock(&self.credentials);
        Arc::clone(credentials.entry(application).or_default())
    }

    /// Has `choose` choose a name for a peering of `vnet` with `remote`, beside those that other runs have taken there.
    pub(super) fn name(&self, vnet: &VnetId, remote: &VnetId, choose: impl Fn(BTreeSet<String>) -> String) -> String {
        let mut names = lock(&self.names);
        let others = names.iter().filter(|(at, _, with)| at == vnet && with != remote);
        let name = choose(others.map(|(_, name, _)| name.to_lowercase()).collect());
        names.push((vnet.clone(), name.clone(), remote.clone()));
        name
    }

    /// Returns the result of `search` for roles with these names, or the result for another run if that run has
    /// searched already. The roles that the runs write themselves are returned by [`SharedState::roles`].
    pub(super) async fn searched<E>(
        &self,
        tenant: TenantId,
        names: &[String],
        search: impl Future<Output = Result<Vec<RoleDefinition>, E>>,
    ) -> Result<Vec<RoleDefinition>, E> {
        let Some(searched) = &self.searched else {
            return search.await;
        };
        let mut searched = searched.lock().await;
        let key = (tenant, names.to_vec());
        if let Some(found) = searched.get(&key) {
            return Ok(found.clone());
        }
        let found = search.await?;
        searched.insert(key, found.clone());
        Ok(found)
    }

    /// Notes a role that was written: lists of other subscriptions do not show it for minutes.
    pub(super) fn wrote(&self, tenant: TenantId, role: &RoleDefinition) {
        lock(&self.roles).insert((tenant, role.guid), role.clone());
    }

    /// The roles of the tenant that the company has written.
    pub(super) fn roles(&self, tenant: TenantId) -> Vec<RoleDefinition> {
        let roles = lock(&self.roles);
        let here = roles.iter().filter(|((of, _), _)| *of == tenant);
        here.map(|(_, role)| role.clone()).collect()
    }

    /// A role as it was read, with the scopes that the company has added to it since.
    pub(super) fn up_to_date(&self, tenant: TenantId, mut role: RoleDefinition) -> RoleDefinition {
        let roles = lock(&self.roles);
        let written = roles.get(&(tenant, role.guid)).into_iter();
        for scope in written.flat_map(|written| &written.assignable_scopes) {
            if !role
                .assignable_scopes
                .iter()
                .any(|known| known.eq_ignore_ascii_case(scope))
            {
                role.assignable_scopes.push(scope.clone());
            }
        }
        role
    }

    fn queue(&self, what: String) -> Arc<Queue<Option<Instant>>> {
        Arc::clone(lock(&self.queues).entry(what).or_default())
    }

    async fn desk(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.desks).acquire_owned().await.ok()
    }
}

/// A credential, and how many runs use it.
pub struct SharedCredential {
    pub minted: Arc<CreatedCredential>,
    pub users: usize,
}

/// The turn to write what others of the company may want to write, too. It ends when this is dropped.
pub struct ExclusiveLock {
    last: OwnedMutexGuard<Option<Instant>>,
    /// Somebody else has had it since the run read what there is.
    pub outdated: bool,
}

impl Drop for ExclusiveLock {
    fn drop(&mut self) {
        *self.last = Some(Instant::now());
    }
}

/// Waits for the run's turn at a step; `None` where nobody else writes the same.
///
/// # Errors
/// Held where the run's time is up before it comes.
pub async fn turn(run: &StepRun, step: StepId) -> Result<Option<ExclusiveLock>, StepError> {
    let Some(what) = shared(&run.intent, step) else {
        return Ok(None);
    };
    let queue = run.company.queue(what);
    let last = match Arc::clone(&queue).try_lock_owned() {
        Ok(last) => last,
        Err(_) => {
            run.tell(step, StepEvent::Doing("another row does the same first".to_owned()));
            // Who has it may be waiting for a person, and for a desk then.
            let turn = run.desk.release_while(&run.company, run.in_time(queue.lock_owned()));
            turn.await.ok_or_else(|| StepError::waiting(after_another()))?
        }
    };
    let read = run.facts().read_at;
    let outdated = last.is_some_and(|last| read.is_none_or(|read| last > read));
    Ok(Some(ExclusiveLock { last, outdated }))
}

fn after_another() -> ActionRequired {
    ActionRequired {
        who: "another row of the file".to_owned(),
        why: "It does the same first, and is not done yet.".to_owned(),
        packet: vec!["Run the same command again.".to_owned()],
        answer: None,
    }
}

/// Returns the resource that a step writes and that this run shares with other runs.
fn shared(intent: &PeeringIntent, step: StepId) -> Option<String> {
    let tenant = intent.tenant;
    match step {
        StepId::Consent => intent.vendor_app.as_ref().map(|app| format!("{tenant} {}", app.id)),
        StepId::OwnApp => intent.own_app.as_ref().map(|app| format!("{tenant} {}", app.label())),
        // A role is found by its actions, whichever vendor it was made for.
        StepId::RoleDefinition => Some(format!("{tenant} roles")),
        StepId::RoleAssignment => Some(format!("{} assignments", intent.vnet)),
        StepId::VendorRequest | StepId::Peering | StepId::Verification | StepId::CleanUp => None,
    }
}

/// Permit of one run to work while the number of concurrent runs is limited. A run holds its permit as long as any part
/// of it works, and releases the permit while all parts wait for others.
#[derive(Default)]
pub struct RunPermit {
    occupied: Mutex<PermitState>,
    /// One part of the run goes for a desk; the others wait for it.
    going: Queue<()>,
}

#[derive(Default)]
struct PermitState {
    permit: Option<OwnedSemaphorePermit>,
    /// Parts that are at work, or about to be.
    working: usize,
}

impl RunPermit {
    /// A place at it for a part of the run that is about to work.
    pub fn seat(&self) -> WorkGuard<'_> {
        lock(&self.occupied).working += 1;
        WorkGuard(self)
    }

    /// Gets up while `waiting`; without a seat there is nothing to get up from.
    pub(super) async fn release_while<T>(&self, company: &SharedState, waiting: impl Future<Output = T>) -> T {
        if lock(&self.occupied).working == 0 {
            return waiting.await;
        }
        let up = SuspendedWork::from(self);
        let waited = waiting.await;
        drop(up);
        self.exclusive_lock(company).await;
        waited
    }

    /// Waits until the run has a desk.
    async fn exclusive_lock(&self, company: &SharedState) {
        let _alone = self.going.lock().await;
        if lock(&self.occupied).permit.is_none() {
            let permit = company.desk().await;
            lock(&self.occupied).permit = permit;
        }
    }

    fn up(&self) {
        let mut occupied = lock(&self.occupied);
        occupied.working -= 1;
        if occupied.working == 0 {
            occupied.permit = None;
        }
    }
}

/// A part of the run that is at work, or about to be, until this is dropped.
pub struct WorkGuard<'a>(&'a RunPermit);

impl WorkGuard<'_> {
    /// Sits down, once there is a free desk.
    pub async fn acquire(&self, company: &SharedState) {
        self.0.exclusive_lock(company).await;
    }
}

impl Drop for WorkGuard<'_> {
    fn drop(&mut self) {
        self.0.up();
    }
}

/// A part that has got up; dropped, it is about to work again.
struct SuspendedWork<'a>(&'a RunPermit);

impl<'a> SuspendedWork<'a> {
    fn from(desk: &'a RunPermit) -> Self {
        desk.up();
        Self(desk)
    }
}

impl Drop for SuspendedWork<'_> {
    fn drop(&mut self) {
        lock(&self.0.occupied).working += 1;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn shared_permit_released_while_waiting() {
        let company = SharedState::of(1, RunMarkers::default());
        let (first, second) = (RunPermit::default(), RunPermit::default());
        let (seat, other) = (first.seat(), second.seat());
        seat.acquire(&company).await;
        assert!(other.acquire(&company).now_or_never().is_none(), "there is one desk");
        let (over, end) = tokio::sync::oneshot::channel::<()>();
        let mut away = Box::pin(first.release_while(&company, end));
        assert!((&mut away).now_or_never().is_none());
        other.acquire(&company).now_or_never().expect("it is free now");
        over.send(()).expect("somebody waits");
        assert!((&mut away).now_or_never().is_none(), "the other one sits there");
        drop(other);
        away.await.expect("the wait is over");
        assert!(second.seat().acquire(&company).now_or_never().is_none());
    }

    #[test]
    fn shared_runs_pick_distinct_peering_names() {
        let vnet = |name: &str| -> VnetId {
            let group = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/g";
            format!("{group}/providers/Microsoft.Network/virtualNetworks/{name}")
                .parse()
                .expect("an id")
        };
        let company = SharedState::of(2, RunMarkers::default());
        let name = |at: &str, with: &str| {
            company.name(&vnet(at), &vnet(with), |taken| match taken.contains("to-hub") {
                true => "to-hub-2".to_owned(),
                false => "to-Hub".to_owned(),
            })
        };
        assert_eq!(name("v1", "hub"), "to-Hub");
        assert_eq!(name("v1", "another-hub"), "to-hub-2");
        // The same link again, and another network.
        assert_eq!(
            (name("v1", "hub"), name("v2", "hub")),
            ("to-Hub".to_owned(), "to-Hub".to_owned())
        );
    }

    /// One part waits for somebody else all the time, the other comes and goes.
    #[tokio::test]
    async fn shared_permit_kept_while_steps_work() {
        let company = SharedState::of(1, RunMarkers::default());
        let (desk, next) = (RunPermit::default(), RunPermit::default());
        let (waits, works) = (desk.seat(), desk.seat());
        waits.acquire(&company).await;
        works.acquire(&company).await;
        let mut away = Box::pin(desk.release_while(&company, std::future::pending::<()>()));
        assert!((&mut away).now_or_never().is_none());
        let seat = next.seat();
        assert!(seat.acquire(&company).now_or_never().is_none(), "one part works");
        let mut short = Box::pin(desk.release_while(&company, tokio::task::yield_now()));
        assert!((&mut short).now_or_never().is_none());
        short.await;
        drop(works);
        seat.acquire(&company).now_or_never().expect("nobody works there");
    }

    #[tokio::test]
    async fn shared_release_without_permit_is_noop() {
        let company = SharedState::of(1, RunMarkers::default());
        RunPermit::default().release_while(&company, async {}).await;
        let desk = RunPermit::default();
        desk.seat().acquire(&company).now_or_never().expect("it is free");
        RunPermit::default()
            .seat()
            .acquire(&company)
            .now_or_never()
            .expect("it is free again");
    }
}
