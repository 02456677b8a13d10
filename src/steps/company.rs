//! Runs of one process side by side: what several of them need is done once and by one at a time, they share the own
//! application's credential, and no more of them work at a time than is wanted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Mutex as Queue, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use uuid::Uuid;

use super::Run;
use super::own_app::Minted;
use crate::azure::RoleDefinition;
use crate::domain::TenantId;
use crate::plan::{Intent, StepEvent, StepId};

/// The runs that know of each other. A run alone is a company, too.
pub struct Company {
    queues: Mutex<BTreeMap<String, Arc<Queue<Option<Instant>>>>>,
    credentials: Mutex<BTreeMap<Uuid, Arc<Queue<Weak<Minted>>>>>,
    /// As they were written last.
    roles: Mutex<BTreeMap<(TenantId, Uuid), RoleDefinition>>,
    desks: Arc<Semaphore>,
}

impl Company {
    /// One in which `desks` runs work at a time; those that wait for somebody else do not count.
    pub fn of(desks: usize) -> Arc<Self> {
        Arc::new(Self {
            queues: Mutex::default(),
            credentials: Mutex::default(),
            roles: Mutex::default(),
            desks: Arc::new(Semaphore::new(desks)),
        })
    }

    /// The credential in use of the application with this object id. While the queue is held, none is made or removed.
    pub(super) fn credential(&self, application: Uuid) -> Arc<Queue<Weak<Minted>>> {
        let mut credentials = lock(&self.credentials);
        Arc::clone(credentials.entry(application).or_default())
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

/// The turn to write what others of the company may want to write, too. It ends when this is dropped.
pub struct Turn {
    last: OwnedMutexGuard<Option<Instant>>,
    /// Somebody else has had it since the run read what there is.
    pub outdated: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.last = Some(Instant::now());
    }
}

/// Waits for the run's turn at a step; `None` where nobody else writes the same.
pub async fn turn(run: &Run, step: StepId) -> Option<Turn> {
    let queue = run.company.queue(shared(&run.intent, step)?);
    let last = match Arc::clone(&queue).try_lock_owned() {
        Ok(last) => last,
        Err(_) => {
            run.tell(step, StepEvent::Doing("another row does the same first".to_owned()));
            queue.lock_owned().await
        }
    };
    let read = run.facts().read_at;
    let outdated = last.is_some_and(|last| read.is_none_or(|read| last > read));
    Some(Turn { last, outdated })
}

/// What a step writes that is not this run's alone.
fn shared(intent: &Intent, step: StepId) -> Option<String> {
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

/// Where a run works: given up while all that it does is to wait for somebody else.
#[derive(Default)]
pub struct Desk(Mutex<Occupied>);

#[derive(Default)]
struct Occupied {
    permit: Option<OwnedSemaphorePermit>,
    away: usize,
}

impl Desk {
    /// Sits down, once there is a free one.
    pub async fn take(&self, company: &Company) {
        let permit = company.desk().await;
        lock(&self.0).permit = permit;
    }

    /// Gets up for good.
    pub fn leave(&self) {
        lock(&self.0).permit = None;
    }

    /// Gets up while `waiting`, and waits for a free one then. A run that never sat down does not.
    pub(super) async fn away<T>(&self, company: &Company, waiting: impl Future<Output = T>) -> T {
        let sits = {
            let mut occupied = lock(&self.0);
            let sits = occupied.permit.is_some() || occupied.away > 0;
            if sits {
                occupied.away += 1;
                occupied.permit = None;
            }
            sits
        };
        let waited = waiting.await;
        if sits {
            let needed = {
                let mut occupied = lock(&self.0);
                occupied.away -= 1;
                occupied.permit.is_none()
            };
            if needed {
                self.take(company).await;
            }
        }
        waited
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make what was noted wrong.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_somebody_else_makes_room_for_the_next() {
        let company = Company::of(1);
        let (first, second) = (Desk::default(), Desk::default());
        first.take(&company).await;
        assert!(second.take(&company).now_or_never().is_none(), "there is one desk");
        let (over, end) = tokio::sync::oneshot::channel::<()>();
        let mut away = Box::pin(first.away(&company, end));
        assert!((&mut away).now_or_never().is_none());
        second.take(&company).now_or_never().expect("it is free now");
        over.send(()).expect("somebody waits");
        assert!((&mut away).now_or_never().is_none(), "the other one sits there");
        second.leave();
        away.await.expect("the wait is over");
        assert!(second.take(&company).now_or_never().is_none());
    }

    #[tokio::test]
    async fn who_never_sat_down_takes_no_desk() {
        let company = Company::of(1);
        Desk::default().away(&company, async {}).await;
        Desk::default().take(&company).now_or_never().expect("it is free");
    }
}
