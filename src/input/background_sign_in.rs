//! Background work while a person reads the first questions: the sign-in and a first search for virtual networks.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use tokio::task::JoinSet;

use super::GivenInputs;
use super::gather::TenantHints;
use super::search::{SearchScope, VnetSearch, usable};
use super::session::{RunContext, SignInSession};
use super::values::subscription;
use crate::domain::{AddressSpace, VnetId};
use crate::errors::{RunError, RunErrorKind};
use crate::plan::RunEvent;
use crate::steps::EventSink;
use crate::ui::ListItems;

/// Events of the session. The identity that signed in is kept until it's needed and then sent to the screen. A request
/// that has to wait is reported immediately, because a person waits with it.
#[derive(Clone)]
struct DeferredEvents {
    kept: Arc<Mutex<Option<Vec<RunEvent>>>>,
    screen: EventSink,
}

impl DeferredEvents {
    fn new(screen: &EventSink) -> Self {
        Self {
            kept: Arc::new(Mutex::new(Some(Vec::new()))),
            screen: Arc::clone(screen),
        }
    }

    fn say(&self, event: RunEvent) {
        match &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(kept) if matches!(event, RunEvent::SignedIn(_)) => kept.push(event),
            _ => (self.screen)(event),
        }
    }

    /// Tells what was kept, and from here on all at once.
    fn tell(&self) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.into_iter().flatten().for_each(|event| (self.screen)(event));
    }
}

/// The sign-in of a conversation, and what it has told so far.
pub struct BackgroundSignIn {
    pub session: SignInSession,
    coming: JoinSet<Result<(TenantHints, Option<VnetSearch>), RunError>>,
    known: Option<TenantHints>,
    said: DeferredEvents,
    /// Results of the first search, if it has begun.
    ahead: ListItems,
    searches: Vec<VnetSearch>,
    _tokens: JoinSet<()>,
}

impl BackgroundSignIn {
    /// Begins to sign in, and then to look for the networks that `given` leaves open.
    ///
    /// # Errors
    /// A cloud or a way to sign in that cannot be used.
    pub fn begin(given: &GivenInputs, around: &RunContext) -> Result<Self, RunError> {
        let (said, ahead) = (DeferredEvents::new(&around.sink), ListItems::default());
        let around = RunContext {
            sink: {
                let said = said.clone();
                Arc::new(move |event| said.say(event))
            },
            ..around.clone()
        };
        let session = SignInSession::open(given, &around)?;
        let mut tokens = JoinSet::new();
        if given.get("vendor").is_none() || is_open(given) {
            let azure = session.azure.clone();
            // The directory is asked a little later.
            tokens.spawn(async move { azure.prepare_graph().await });
        }
        let mut coming = JoinSet::new();
        coming.spawn({
            let (session, given, rows) = (session.clone(), given.clone(), ahead.clone());
            async move {
                let known = TenantHints::from(session.introduction.clone().await?);
                let scope = open_scope(&given, &known);
                let search =
                    scope.map(|scope| VnetSearch::begin(&session.azure, scope, &known.subscriptions, &given, rows));
                Ok((known, search))
            }
        });
        Ok(Self {
            session,
            coming,
            known: None,
            said,
            ahead,
            searches: Vec::new(),
            _tokens: tokens,
        })
    }

    /// Returns the results of the sign-in. Waits for a sign-in that's still under way, and sends the events that were
    /// kept to the screen.
    ///
    /// # Errors
    ///
    /// The sign-in failed.
    pub async fn known(&mut self) -> Result<&TenantHints, RunError> {
        if self.known.is_none() {
            let ended = self.coming.join_next().await;
            let (known, search) = ended.and_then(Result::ok).unwrap_or_else(|| Err(broken_off()))?;
            self.said.tell();
            self.searches.extend(search);
            self.known = Some(known);
        }
        self.known.as_ref().ok_or_else(broken_off)
    }

    /// Notices a sign-in that is over, without waiting for one that is not.
    ///
    /// # Errors
    /// When it failed.
    pub fn poll(&mut self) -> Result<(), RunError> {
        self.known().now_or_never().map_or(Ok(()), |known| known.map(drop))
    }

    /// The rows of the search for the networks that `given` leaves open, without waiting for the sign-in.
    ///
    /// # Errors
    /// As [`BackgroundSignIn::networks`].
    pub fn rows(&mut self, given: &GivenInputs) -> Result<ListItems, RunError> {
        // As long as nobody is signed in nothing is answered, so that it is the first search that is wanted.
        let ahead = self.ahead.clone();
        let search = self.networks(given).now_or_never();
        search.map_or(Ok(ahead), |search| Ok(search?.rows.clone()))
    }

    /// The search for the networks that `given` leaves open: in its subscription, or in all of them.
    ///
    /// # Errors
    /// When the sign-in failed, or `given` names a subscription that is none.
    pub async fn networks(&mut self, given: &GivenInputs) -> Result<&mut VnetSearch, RunError> {
        let known = self.known().await?;
        let scope = match given.get("subscription") {
            Some(_) => SearchScope::One(subscription(given, known)?),
            None => SearchScope::All,
        };
        let begun = self.searches.iter().position(|search| search.scope == scope);
        let at = match begun {
            Some(at) => at,
            None => {
                let search = self.begin_search(scope, given).await?;
                self.searches.push(search);
                self.searches.len() - 1
            }
        };
        Ok(&mut self.searches[at])
    }

    /// The addresses of a network that was on a menu.
    pub fn address_space(&self, vnet: &str, resource_group: &str) -> Option<&AddressSpace> {
        let is_it = |id: &VnetId| id.name == vnet && id.resource_group == resource_group;
        self.searches.iter().rev().find_map(|search| {
            let at = search.ids.iter().position(is_it)?;
            search.spaces.get(at)
        })
    }

    async fn begin_search(&mut self, scope: SearchScope, given: &GivenInputs) -> Result<VnetSearch, RunError> {
        let everywhere = self.searches.iter_mut().find(|search| search.scope == SearchScope::All);
        if let (SearchScope::One(subscription), Some(everywhere)) = (scope, everywhere)
            && let Some(search) = everywhere.narrowed(subscription)
        {
            return Ok(search);
        }
        let azure = self.session.azure.clone();
        let subscriptions = &self.known().await?.subscriptions;
        Ok(VnetSearch::begin(
            &azure,
            scope,
            subscriptions,
            given,
            ListItems::default(),
        ))
    }
}

/// Returns whether the network has to be chosen.
pub fn is_open(given: &GivenInputs) -> bool {
    let named = given.get("vnet").is_some() && given.get("resource-group").is_some();
    given.get("vnet-id").is_none() && !named
}

/// Returns the scope to search, if a network has to be chosen at all.
fn open_scope(given: &GivenInputs, known: &TenantHints) -> Option<SearchScope> {
    if !is_open(given) {
        return None;
    }
    if given.get("subscription").is_some() {
        // One that is none is refused when it is needed.
        return subscription(given, known).ok().map(SearchScope::One);
    }
    let mut usable = usable(&known.subscriptions);
    match (usable.next(), usable.next()) {
        (Some(_), Some(_)) => Some(SearchScope::All),
        (only, _) => only.map(|only| SearchScope::One(only.id)),
    }
}

fn broken_off() -> RunError {
    RunError::new(
        RunErrorKind::SignIn,
        "The sign-in broke off.",
        "It was stopped from within.",
    )
}
