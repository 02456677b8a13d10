//! The questions, in order, each with suggestions from Azure or the vendor. Esc goes back to the question before.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::gather::Known;
use super::session::Session;
use super::values::{app_id, subscription};
use super::{Given, Halt, Source, menu};
use crate::azure::{ApiError, Subscription, Vnet};
use crate::errors::{Kind, Problem};
use crate::plan::{Consent, VendorAccess};
use crate::ui::{Answer, AskError, Check, Prompter};
use crate::vendors::{Connector, DnsMapping, Profile, VendorNetwork, profiles};

/// Asks without blocking the runtime: the prompts wait for keys in a thread of their own.
#[derive(Clone)]
pub struct Asker(pub Arc<dyn Prompter>);

impl Asker {
    async fn on_a_thread<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Prompter) -> Result<T, AskError> + Send + 'static,
    ) -> Result<T, Halt> {
        let prompter = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || ask(prompter.as_ref())).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Halt::Cancelled),
        }
    }

    async fn choose(&self, question: String, items: Vec<String>) -> Result<Answer<usize>, Halt> {
        self.on_a_thread(move |prompter| prompter.choose(&question, &items))
            .await
    }

    async fn text(&self, question: String, check: Check) -> Result<Answer<String>, Halt> {
        self.on_a_thread(move |prompter| prompter.text(&question, check)).await
    }

    async fn secret(&self, question: String) -> Result<Answer<SecretString>, Halt> {
        self.on_a_thread(move |prompter| prompter.secret(&question)).await
    }

    /// Yes or no.
    ///
    /// # Errors
    /// When the user left.
    pub async fn confirm(&self, question: String) -> Result<Answer<bool>, Halt> {
        self.on_a_thread(move |prompter| prompter.confirm(&question)).await
    }
}

/// Which vendor.
///
/// # Errors
/// When the user left.
pub async fn ask_vendor(asker: &Asker) -> Result<&'static Profile, Halt> {
    let items = menu::vendors(profiles());
    match asker.choose("Who do you want to peer with?".to_owned(), items).await? {
        Answer::Value(index) => Ok(&profiles()[index]),
        Answer::Back => Err(Halt::Cancelled),
    }
}

/// The questions after the vendor and the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Subscription,
    Vnet,
    Token,
    Network,
    Dns,
    Consent,
}

const ORDER: [Question; 6] = [
    Question::Subscription,
    Question::Vnet,
    Question::Token,
    Question::Network,
    Question::Dns,
    Question::Consent,
];

/// What a question came to.
enum Asked {
    /// It was put to the user and answered.
    Answered,
    /// There was nothing to ask.
    Passed,
    Back,
}

/// What is known, and which questions told it: enough to go back to one of them.
#[derive(Clone)]
pub struct Conversation {
    pub given: Given,
    /// The vendor's, from the environment or typed in.
    pub token: Option<SecretString>,
    answered: Vec<usize>,
    /// The sign-in and what it told, by the vendor that it was made for.
    pub(super) entered: Option<(String, Session, Known)>,
}

impl Conversation {
    /// Before the first question.
    pub fn new(given: Given) -> Self {
        Self {
            given,
            token: None,
            answered: Vec::new(),
            entered: None,
        }
    }

    /// Forgets the answer to the last question, so that it is put again; false where none was put.
    pub fn back(&mut self) -> bool {
        if let Some(at) = self.answered.pop() {
            self.forget(ORDER[at]);
            return true;
        }
        let asked = self.given.source("vendor") == Some(Source::Answer);
        if asked {
            self.given.forget("vendor");
            self.token = None;
        }
        asked
    }

    fn forget(&mut self, question: Question) {
        match question {
            Question::Subscription => self.given.forget("subscription"),
            Question::Vnet => ["resource-group", "vnet"]
                .into_iter()
                .for_each(|id| self.given.forget(id)),
            Question::Token => {
                self.token = None;
                self.given.forget("vendor-access");
            }
            Question::Network => self.given.forget_set("network"),
            Question::Dns => self.given.forget_set("dns"),
            Question::Consent => self.given.forget("consent"),
        }
    }
}

/// Puts the questions, with what the sign-in can suggest.
pub struct Wizard<'a> {
    pub asker: &'a Asker,
    pub talk: &'a mut Conversation,
    pub session: &'a Session,
    pub vendor: &'a Profile,
    pub subscriptions: &'a [Subscription],
}

impl Wizard<'_> {
    /// Asks everything that is not known yet; `Back` where the user wants to the question before all of these.
    ///
    /// # Errors
    /// When the user left, or something that an answer depends on cannot be read.
    pub async fn ask(&mut self) -> Result<Answer<()>, Halt> {
        let mut at = self.talk.answered.last().map_or(0, |last| last + 1);
        while let Some(question) = ORDER.get(at) {
            match self.put(*question).await? {
                Asked::Answered => self.talk.answered.push(at),
                Asked::Passed => {}
                Asked::Back => {
                    let Some(&before) = self.talk.answered.last() else {
                        return Ok(Answer::Back);
                    };
                    self.talk.back();
                    at = before;
                    continue;
                }
            }
            at += 1;
        }
        Ok(Answer::Value(()))
    }

    async fn put(&mut self, question: Question) -> Result<Asked, Halt> {
        match question {
            Question::Subscription => self.subscription().await,
            Question::Vnet => self.vnet().await,
            Question::Token => self.vendor_token().await,
            Question::Network => self.network().await,
            Question::Dns => self.dns().await,
            Question::Consent => self.consent().await,
        }
    }

    async fn subscription(&mut self) -> Result<Asked, Halt> {
        if self.talk.given.get("subscription").is_some() || self.talk.given.get("vnet-id").is_some() {
            return Ok(Asked::Passed);
        }
        let usable: Vec<&Subscription> = self
            .subscriptions
            .iter()
            .filter(|one| !matches!(one.state.as_str(), "Disabled" | "Deleted"))
            .collect();
        let usable: Vec<Subscription> = usable.into_iter().cloned().collect();
        let chosen = match usable.as_slice() {
            [] => return Err(no_subscription().into()),
            [only] => {
                let only = only.id.to_string();
                self.talk.given.answer("subscription", only);
                return Ok(Asked::Passed);
            }
            many => {
                self.asker
                    .choose("Subscription".to_owned(), menu::subscriptions(many))
                    .await?
            }
        };
        let Answer::Value(index) = chosen else {
            return Ok(Asked::Back);
        };
        self.talk.given.answer("subscription", usable[index].id.to_string());
        Ok(Asked::Answered)
    }

    async fn vnet(&mut self) -> Result<Asked, Halt> {
        if self.talk.given.get("vnet-id").is_some()
            || (self.talk.given.get("vnet").is_some() && self.talk.given.get("resource-group").is_some())
        {
            return Ok(Asked::Passed);
        }
        let subscription = subscription(&self.talk.given, self.subscriptions)?;
        let list = self.session.azure.vnets(&[subscription]).await;
        let list = list.map_err(|error| failed("reading the virtual networks", &error))?;
        let mut vnets: Vec<Vnet> = list.vnets;
        let wanted = |given: Option<&str>, name: &str| given.is_none_or(|given| given.eq_ignore_ascii_case(name));
        vnets.retain(|vnet| {
            wanted(self.talk.given.get("resource-group"), &vnet.id.resource_group)
                && wanted(self.talk.given.get("vnet"), &vnet.id.name)
        });
        vnets.sort_by_key(|vnet| (vnet.id.name.to_lowercase(), vnet.id.resource_group.to_lowercase()));
        if vnets.is_empty() {
            return Err(no_vnet(&subscription.to_string()).into());
        }
        let Answer::Value(index) = self
            .asker
            .choose("Virtual network".to_owned(), menu::vnets(&vnets))
            .await?
        else {
            return Ok(Asked::Back);
        };
        self.talk
            .given
            .answer("resource-group", vnets[index].id.resource_group.clone());
        self.talk.given.answer("vnet", vnets[index].id.name.clone());
        Ok(Asked::Answered)
    }

    async fn vendor_token(&mut self) -> Result<Asked, Halt> {
        let Some(access) = &self.vendor.access else {
            return Ok(Asked::Passed);
        };
        let manual = self.talk.given.get("vendor-access") == Some("manual");
        if self.talk.token.is_some() || manual {
            return Ok(Asked::Passed);
        }
        let question = format!("{} (empty: paste values by hand)", access.token_label);
        let Answer::Value(token) = self.asker.secret(question).await? else {
            return Ok(Asked::Back);
        };
        let by_hand = token.expose_secret().is_empty();
        self.talk.given.answer(
            "vendor-access",
            if by_hand {
                VendorAccess::Manual
            } else {
                VendorAccess::Api
            }
            .to_string(),
        );
        self.talk.token = (!by_hand).then_some(token);
        Ok(Asked::Answered)
    }

    async fn network(&mut self) -> Result<Asked, Halt> {
        let known = self
            .talk
            .given
            .vendor_inputs(self.vendor)
            .is_ok_and(|inputs| inputs.contains_key("network"));
        let (Some(token), Some(input)) = (self.talk.token.clone(), self.vendor.input("network")) else {
            return Ok(Asked::Passed);
        };
        if known {
            return Ok(Asked::Passed);
        }
        let connector: Arc<dyn Connector> = self.session.connector(self.talk.given.vars(), self.vendor, token)?;
        let networks = connector
            .networks()
            .await
            .map_err(|error| failed("reading the vendor's networks", &error))?;
        if networks.is_empty() {
            let what = format!("{} has no networks.", self.vendor.name);
            return Err(Problem::new(Kind::NotFound, what, "The token's organisation has none to peer with.").into());
        }
        let Answer::Value(index) = self
            .asker
            .choose(input.label.clone(), menu::networks(&networks))
            .await?
        else {
            return Ok(Asked::Back);
        };
        self.talk.given.answer_set("network", unambiguous(&networks, index));
        Ok(Asked::Answered)
    }

    async fn dns(&mut self) -> Result<Asked, Halt> {
        let known = self
            .talk
            .given
            .vendor_inputs(self.vendor)
            .is_ok_and(|inputs| inputs.contains_key("dns"));
        let Some(input) = self.vendor.input("dns").filter(|_| !known) else {
            return Ok(Asked::Passed);
        };
        let question = format!("{} (domain=server ip; empty: none)", input.label);
        let check = |text: &str| match text {
            "" => Ok(()),
            text => text
                .parse::<DnsMapping>()
                .map(|_| ())
                .map_err(|error| error.to_string()),
        };
        let Answer::Value(text) = self.asker.text(question, Box::new(check)).await? else {
            return Ok(Asked::Back);
        };
        if !text.is_empty() {
            self.talk.given.answer_set("dns", text);
        }
        Ok(Asked::Answered)
    }

    async fn consent(&mut self) -> Result<Asked, Halt> {
        if self.talk.given.get("consent").is_some() {
            return Ok(Asked::Passed);
        }
        let app_id = app_id(&self.talk.given, self.vendor)?;
        let principal = self.session.azure.service_principal(app_id).await;
        let principal = principal.map_err(|error| failed("looking for the service principal", &error))?;
        if principal.is_some() {
            return Ok(Asked::Passed);
        }
        let modes = [Consent::Create, Consent::Browser, Consent::Wait];
        let items = [
            "Create it now (takes an Application Administrator)",
            "Open the admin-consent page in a browser, and accept there",
            "Somebody else accepts on that page; wait for it",
        ];
        let question = format!(
            "Consent for {} (your tenant has no service principal of it yet)",
            self.vendor.short_name
        );
        let answer = self.asker.choose(question, items.map(str::to_owned).to_vec()).await?;
        let Answer::Value(index) = answer else {
            return Ok(Asked::Back);
        };
        self.talk.given.answer("consent", modes[index].to_string());
        Ok(Asked::Answered)
    }
}

/// The network's name; its id where another one has the same name.
fn unambiguous(networks: &[VendorNetwork], index: usize) -> String {
    let chosen = &networks[index];
    let alone = networks.iter().filter(|other| other.name == chosen.name).count() == 1;
    if alone { chosen.name.clone() } else { chosen.id.clone() }
}

fn failed(doing: &str, error: &ApiError) -> Problem {
    Problem::from_api(doing, error)
}

fn no_subscription() -> Problem {
    Problem::new(
        Kind::NotFound,
        "This sign-in sees no subscription.",
        "It has no role in any subscription of the tenant.",
    )
    .remedy("az login --tenant THE-TENANT-OF-THE-NETWORK, or ask for a role on the subscription.")
}

fn no_vnet(subscription: &str) -> Problem {
    let what = format!("There is no such virtual network in subscription {subscription}.");
    Problem::new(Kind::NotFound, what, "Azure finds none that this sign-in can see.").remedy(format!(
        "az network vnet list --subscription {subscription} --output table"
    ))
}
