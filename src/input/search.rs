//! A search for virtual networks whose finds are the rows of a menu.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::task::JoinSet;

use super::{GivenInputs, menu};
use crate::azure::{ApiError, AzureClient, DiscoveryEvent, ListedVnet, SubscriptionInfo};
use crate::domain::{AddressSpace, SubscriptionId, VnetId, sanitize_for_terminal};
use crate::limits;
use crate::ui::{ListItems, counted};

/// Scope of a search for networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchScope {
    One(SubscriptionId),
    /// In every subscription that can be used.
    All,
}

/// State of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SearchState {
    Looking,
    /// Everything was read but what was refused.
    Whole,
    CutShort,
}

/// A search that is under way. It reads a little ahead, and then waits until somebody looks.
pub struct VnetSearch {
    pub scope: SearchScope,
    /// Rows of the menu, including those still to come.
    pub rows: ListItems,
    /// The network of each row.
    pub ids: Vec<VnetId>,
    /// And its addresses.
    pub spaces: Vec<AddressSpace>,
    /// Message to show to a person once.
    pub notice: Option<String>,
    state: SearchState,
    finds: mpsc::Receiver<Result<DiscoveryEvent, ApiError>>,
    /// The search itself, which ends with this.
    _looking: JoinSet<()>,
    /// Names of the network's resource group and of the network itself, as far as they're given.
    wanted: (Option<String>, Option<String>),
    /// The subscriptions that are searched.
    names: HashMap<SubscriptionId, String>,
    refused: Vec<(SubscriptionId, ApiError)>,
}

impl VnetSearch {
    /// Begins to look in `subscriptions` for the networks that `given` leaves open; they come into `rows`.
    pub fn begin(
        azure: &AzureClient,
        scope: SearchScope,
        subscriptions: &[SubscriptionInfo],
        given: &GivenInputs,
        rows: ListItems,
    ) -> Self {
        let searched: Vec<SubscriptionId> = match scope {
            SearchScope::One(id) => vec![id],
            SearchScope::All => usable(subscriptions).map(|one| one.id).collect(),
        };
        let (sender, finds) = mpsc::channel(limits::ANSWERS_AHEAD);
        let mut looking = JoinSet::new();
        let azure = azure.clone();
        looking.spawn(async move { azure.find_vnets(&searched, sender).await });
        let part = |id| given.get(id).map(str::to_owned);
        Self {
            scope,
            rows: rows.headed(menu::vnets(scope == SearchScope::All)),
            ids: Vec::new(),
            spaces: Vec::new(),
            notice: None,
            state: SearchState::Looking,
            finds,
            _looking: looking,
            wanted: (part("resource-group"), part("vnet")),
            names: usable(subscriptions).map(|one| (one.id, one.name.clone())).collect(),
            refused: Vec::new(),
        }
    }

    /// Takes what is found until nothing more comes. It may be left at any time, and goes on when it is called again.
    ///
    /// # Errors
    /// When nothing at all can be read.
    pub async fn fill(&mut self) -> Result<(), ApiError> {
        while self.state == SearchState::Looking {
            let found = self.finds.recv().await;
            self.take(found)?;
        }
        Ok(())
    }

    /// Returns the results for one of its subscriptions, where no more can be known, so that nothing has to be
    /// requested again.
    pub fn narrowed(&mut self, subscription: SubscriptionId) -> Option<Self> {
        while self.state == SearchState::Looking {
            let found = match self.finds.try_recv() {
                Ok(found) => Some(found),
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => break,
            };
            self.take(found).ok()?;
        }
        let told = self.state == SearchState::Whole && !self.refused.iter().any(|(id, _)| *id == subscription);
        let mine = |at: &usize| told && self.ids[*at].subscription == subscription;
        let mine: Vec<usize> = (0..self.ids.len()).filter(mine).collect();
        // Where there are none, Azure is asked once more: a network of a minute ago may be missing here.
        (!mine.is_empty()).then(|| Self {
            scope: SearchScope::One(subscription),
            rows: self.rows.only(&mine, menu::SUBSCRIPTION),
            ids: mine.iter().map(|at| self.ids[*at].clone()).collect(),
            spaces: mine.iter().map(|at| self.spaces[*at].clone()).collect(),
            notice: None,
            state: SearchState::Whole,
            finds: mpsc::channel(1).1,
            _looking: JoinSet::new(),
            wanted: self.wanted.clone(),
            names: HashMap::new(),
            refused: Vec::new(),
        })
    }

    fn take(&mut self, found: Option<Result<DiscoveryEvent, ApiError>>) -> Result<(), ApiError> {
        match found {
            Some(Ok(DiscoveryEvent::Vnets(vnets))) => self.add(vnets),
            Some(Ok(DiscoveryEvent::Refused(subscription, error))) => self.refused.push((subscription, error)),
            Some(Ok(DiscoveryEvent::Unread(why))) => {
                let note = self.unread(why.as_ref());
                self.end(SearchState::CutShort, Some(note));
            }
            Some(Err(error)) => {
                self.end(SearchState::CutShort, None);
                return Err(error);
            }
            None => self.end(SearchState::Whole, None),
        }
        Ok(())
    }

    fn add(&mut self, mut vnets: Vec<ListedVnet>) {
        let (group, name) = &self.wanted;
        let wanted = |given: &Option<String>, name: &str| {
            given
                .as_ref()
                .is_none_or(|given| given.to_lowercase() == name.to_lowercase())
        };
        vnets.retain(|vnet| wanted(group, &vnet.id.resource_group) && wanted(name, &vnet.id.name));
        let of = |vnet: &ListedVnet| match self.scope {
            SearchScope::One(_) => None,
            SearchScope::All => Some(self.names.get(&vnet.id.subscription).map_or("", String::as_str)),
        };
        self.rows.push(vnets.iter().map(|vnet| menu::vnet(vnet, of(vnet))));
        for vnet in vnets {
            self.ids.push(vnet.id);
            self.spaces.push(vnet.address_space);
        }
    }

    fn end(&mut self, state: SearchState, note: Option<String>) {
        self.state = state;
        self.rows.complete(note);
        self.notice = self.refused.first().map(|(_, error)| {
            let (count, all) = (self.refused.len(), self.names.len());
            format!(
                "{} of {} subscriptions do not list their virtual networks ({}): theirs are not among these.",
                counted(count),
                counted(all),
                said(error)
            )
        });
    }

    /// Returns the note for a menu that doesn't show everything.
    fn unread(&self, why: Option<&ApiError>) -> String {
        match (why, self.scope) {
            (Some(error), _) => format!("There are more, but they cannot be read ({}).", said(error)),
            (None, SearchScope::All) => format!(
                "There are more than {}. Is yours not here? Go back, and choose its subscription first.",
                counted(self.ids.len())
            ),
            (None, SearchScope::One(_)) => format!(
                "There are more than {}. Is yours not here? Start again with --vnet-id.",
                counted(self.ids.len())
            ),
        }
    }
}

/// The subscriptions in which something can be written.
pub fn usable(subscriptions: &[SubscriptionInfo]) -> impl Iterator<Item = &SubscriptionInfo> {
    let gone = |one: &&SubscriptionInfo| matches!(one.state.as_str(), "Disabled" | "Deleted");
    subscriptions.iter().filter(move |one| !gone(one))
}

fn said(error: &ApiError) -> String {
    sanitize_for_terminal(error.code().unwrap_or(&error.message()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::azure::{AzureService, FailureKind};
    use crate::domain::AddressSpace;

    const ONE: SubscriptionId = Uuid::from_u128(1);
    const TWO: SubscriptionId = Uuid::from_u128(2);

    fn vnet(subscription: SubscriptionId, name: &str) -> ListedVnet {
        ListedVnet {
            id: VnetId::new(subscription, "rg-net", name).expect("an id"),
            location: "westus".to_owned(),
            address_space: AddressSpace::from_texts(["10.0.0.0/16"]),
        }
    }

    fn refusal() -> ApiError {
        ApiError {
            service: AzureService::Arm,
            tried: "GET".to_owned(),
            failure: FailureKind::Refused {
                status: 403,
                code: "AuthorizationFailed".to_owned(),
                message: "No.".to_owned(),
                details: Vec::new(),
                retry_after: None,
            },
            correlation_id: None,
            sign_in: Vec::new(),
            challenge: None,
        }
    }

    /// A search that finds this.
    fn search(scope: SearchScope, found: impl IntoIterator<Item = Result<DiscoveryEvent, ApiError>>) -> VnetSearch {
        let (sender, finds) = mpsc::channel(9);
        found
            .into_iter()
            .for_each(|found| sender.try_send(found).expect("there is room"));
        VnetSearch {
            scope,
            rows: ListItems::default(),
            ids: Vec::new(),
            spaces: Vec::new(),
            notice: None,
            state: SearchState::Looking,
            finds,
            _looking: JoinSet::new(),
            wanted: (None, None),
            names: HashMap::from([(ONE, "First".to_owned()), (TWO, "Second".to_owned())]),
            refused: Vec::new(),
        }
    }

    fn pages() -> [Result<DiscoveryEvent, ApiError>; 2] {
        [
            Ok(DiscoveryEvent::Vnets(vec![vnet(ONE, "vnet-a"), vnet(TWO, "vnet-b")])),
            Ok(DiscoveryEvent::Vnets(vec![vnet(ONE, "vnet-c")])),
        ]
    }

    fn names(search: &VnetSearch) -> Vec<&str> {
        search.ids.iter().map(|id| id.name.as_str()).collect()
    }

    #[tokio::test]
    async fn menu_contains_only_open_inputs() {
        let mut search = search(SearchScope::All, pages());
        search.wanted = (Some("RG-net".to_owned()), Some("VNET-b".to_owned()));
        search.fill().await.expect("found");
        assert_eq!((names(&search), search.rows.len()), (vec!["vnet-b"], 1));
    }

    #[tokio::test]
    async fn menu_skips_fully_known_subscription() {
        let mut all = search(SearchScope::All, pages());
        let one = all.narrowed(ONE).expect("everything is known");
        assert_eq!(
            (one.scope, names(&one), one.rows.len()),
            (SearchScope::One(ONE), vec!["vnet-a", "vnet-c"], 2)
        );
        assert!(
            all.narrowed(Uuid::from_u128(3)).is_none(),
            "nothing is known of that one"
        );
        for last in [
            Ok(DiscoveryEvent::Refused(ONE, refusal())),
            Ok(DiscoveryEvent::Unread(None)),
            Err(refusal()),
        ] {
            let mut all = search(SearchScope::All, pages().into_iter().chain([last]));
            assert!(all.narrowed(ONE).is_none());
        }
        // Still looking.
        let (sender, finds) = mpsc::channel(1);
        let mut looking = search(SearchScope::All, []);
        looking.finds = finds;
        sender
            .try_send(Ok(DiscoveryEvent::Vnets(vec![vnet(ONE, "vnet-a")])))
            .expect("there is room");
        assert!(looking.narrowed(ONE).is_none());
        assert_eq!(names(&looking), ["vnet-a"], "and nothing is lost");
    }

    #[tokio::test]
    async fn menu_reports_missing_choice() {
        let mut refused = search(
            SearchScope::All,
            [Ok(DiscoveryEvent::Refused(TWO, refusal()))].into_iter().chain(pages()),
        );
        refused.fill().await.expect("found");
        let notice = refused.notice.expect("a notice");
        assert!(notice.starts_with("1 of 2 subscriptions do not list their virtual networks (AuthorizationFailed)"));

        for (scope, why, note) in [
            (
                SearchScope::All,
                None,
                "There are more than 0. Is yours not here? Go back, and choose its subscription first.",
            ),
            (
                SearchScope::One(ONE),
                None,
                "There are more than 0. Is yours not here? Start again with --vnet-id.",
            ),
            (
                SearchScope::All,
                Some(&refusal()),
                "There are more, but they cannot be read (AuthorizationFailed).",
            ),
        ] {
            assert_eq!(search(scope, []).unread(why), note);
        }
    }

    #[tokio::test]
    async fn a_search_that_fails_says_why() {
        let mut search = search(SearchScope::One(ONE), [Err(refusal())]);
        assert_eq!(
            search.fill().await.expect_err("it failed").code(),
            Some("AuthorizationFailed")
        );
    }
}
