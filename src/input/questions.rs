//! The questions one by one: what is asked, and where its suggestions come from.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::background_sign_in::is_open;
use super::gather::{TenantHints, allow_host};
use super::search::{SearchScope, usable};
use super::values::{app_id, check_domains, check_vendor_input};
use super::wizard::{QuestionOutcome, SelectOutcome, SetupWizard};
use super::{InputError, ValueSource, menu};
use crate::azure::{ApiError, SubscriptionInfo};
use crate::domain::{AddressSpace, VnetId};
use crate::errors::{RunError, RunErrorKind as ErrorKind};
use crate::plan::{ConsentMode, RunEvent, VendorAccess};
use crate::ui::{ListItem, ListItems, PromptQuestion, PromptResult};
use crate::vendors::{InputSuggestion, InputType, VendorInput, VendorNetwork};

impl SetupWizard<'_> {
    pub(super) async fn subscription(&mut self) -> Result<QuestionOutcome, InputError> {
        if self.talk.given.get("subscription").is_some() || self.talk.given.get("vnet-id").is_some() {
            return Ok(QuestionOutcome::Passed);
        }
        let rows = ListItems::default().headed(menu::SUBSCRIPTIONS);
        let entry = &mut *self.entry;
        let filling = async {
            let known = entry.known().await?;
            let usable: Vec<&SubscriptionInfo> = usable(&known.subscriptions).collect();
            match usable.as_slice() {
                [] => Err(no_subscription(known).into()),
                [only] => Ok(Some(only.id)),
                many => {
                    rows.push([menu::everywhere()]);
                    rows.push(many.iter().map(|one| menu::subscription(one)));
                    rows.complete(None);
                    Ok(None)
                }
            }
        };
        let question = PromptQuestion::new(
            "Subscription",
            "The subscription of your virtual network. Flag: --subscription, or AZURE_SUBSCRIPTION_ID.",
        );
        let chosen = self.asker.choose_meanwhile(question, &rows, filling).await?;
        let index = match chosen {
            SelectOutcome::Answer(PromptResult::Back) => return Ok(QuestionOutcome::Back),
            SelectOutcome::Answer(PromptResult::Value(index)) => index,
            SelectOutcome::Settled(only) => {
                self.talk.given.answer("subscription", only.to_string());
                return Ok(QuestionOutcome::Passed);
            }
        };
        let known = self.entry.known().await?;
        // The first row is all of them.
        let chosen = index.checked_sub(1).and_then(|at| usable(&known.subscriptions).nth(at));
        self.talk.everywhere = chosen.is_none();
        if let Some(chosen) = chosen {
            self.talk.given.answer("subscription", chosen.id.to_string());
        }
        Ok(QuestionOutcome::Answered)
    }

    pub(super) async fn vnet(&mut self) -> Result<QuestionOutcome, InputError> {
        if !is_open(&self.talk.given) {
            return Ok(QuestionOutcome::Passed);
        }
        let given = &self.talk.given;
        let rows = self.entry.rows(given)?;
        let filling = async {
            let search = self.entry.networks(given).await?;
            let filled = search.fill().await;
            filled.map_err(|error| failed("reading the virtual networks", &error))?;
            if let Some(notice) = search.notice.take() {
                (self.sink)(RunEvent::Notice(notice));
            }
            match search.ids.is_empty() {
                true => Err(no_vnet(search.scope).into()),
                false => Ok(None::<()>),
            }
        };
        let question = PromptQuestion::new(
            "Virtual network",
            "Your network that is peered with the other one. It isn't listed? Its subscription is another one, or this \
             sign-in can't read it. Flag: --vnet-id.",
        );
        let chosen = self.asker.choose_meanwhile(question, &rows, filling).await?;
        let SelectOutcome::Answer(PromptResult::Value(index)) = chosen else {
            return Ok(QuestionOutcome::Back);
        };
        let chosen = self.entry.networks(given).await?.ids[index].clone();
        let given = &mut self.talk.given;
        if given.get("subscription").is_none() {
            given.answer("subscription", chosen.subscription.to_string());
        }
        given.answer("resource-group", chosen.resource_group);
        given.answer("vnet", chosen.name);
        Ok(QuestionOutcome::Answered)
    }

    pub(super) async fn vendor_token(&mut self) -> Result<QuestionOutcome, InputError> {
        let Some(access) = &self.vendor.access else {
            return Ok(QuestionOutcome::Passed);
        };
        let manual = self.talk.given.get("vendor-access") == Some("manual");
        if self.talk.token.is_some() || manual {
            return Ok(QuestionOutcome::Passed);
        }
        let question = format!("{} (empty: paste values by hand)", access.token_label);
        let help = format!(
            "{}: with it peerctl makes the request at {} and lists your networks there. Without it you paste values into \
             the vendor's console. It is never stored. Variable: {}.",
            capital(&access.token_help),
            self.vendor.short_name,
            access.token_env
        );
        let PromptResult::Value(token) = self.asker.secret(PromptQuestion::new(question, help)).await? else {
            return Ok(QuestionOutcome::Back);
        };
        let by_hand = token.expose_secret().is_empty();
        if !by_hand {
            allow_host(&mut self.talk.given, self.vendor, Some(self.asker)).await?;
        }
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
        Ok(QuestionOutcome::Answered)
    }

    pub(super) async fn vendor_input(&mut self, input: &VendorInput) -> Result<QuestionOutcome, InputError> {
        let inputs = self.talk.given.vendor_inputs(self.vendor).unwrap_or_default();
        let needed = self.vendor.needs(input, self.talk.token.is_some());
        // Whoever gave an empty one wants none.
        let told = inputs.contains_key(&input.key) || !needed && self.talk.given.source_of_set(&input.key).is_some();
        if told || !(needed || input.ask) {
            return Ok(QuestionOutcome::Passed);
        }
        match (input.suggest, self.talk.token.clone()) {
            (Some(InputSuggestion::Networks), Some(token)) => self.network(input, token, &inputs).await,
            (Some(InputSuggestion::Tenant), _) => self.tenant(input, &inputs).await,
            (Some(InputSuggestion::Networks), None) if !self.vendor.needs(input, false) => Ok(QuestionOutcome::Passed),
            _ => self.line(input).await,
        }
    }

    async fn network(
        &mut self,
        input: &VendorInput,
        token: SecretString,
        inputs: &BTreeMap<String, Vec<String>>,
    ) -> Result<QuestionOutcome, InputError> {
        let connector = self
            .entry
            .session
            .connector(&self.talk.given, self.vendor, token, inputs)?;
        let ours = self.own_addresses();
        let mut networks = Vec::new();
        let rows = ListItems::default().headed(menu::NETWORKS);
        let filling = async {
            networks = (connector.networks().await).map_err(|error| failed("reading the vendor's networks", &error))?;
            networks.retain(|network| network.other_cloud.is_none());
            if networks.is_empty() {
                let what = format!("{} has no networks to peer with.", self.vendor.name);
                return Err(RunError::new(ErrorKind::NotFound, what, "The token sees none.").into());
            }
            rows.push(menu::networks(&networks, ours.as_ref()));
            rows.complete(None);
            Ok(None::<()>)
        };
        let asked = self.asker.choose_meanwhile(explained(input), &rows, filling).await;
        let index = match asked {
            Ok(SelectOutcome::Answer(PromptResult::Value(index))) => index,
            Ok(_) => return Ok(QuestionOutcome::Back),
            Err(InputError::Problem(problem)) if self.can_be_answered_again(&problem) => {
                (self.sink)(RunEvent::Notice(format!("{} {}", problem.what, problem.why)));
                return Ok(QuestionOutcome::Back);
            }
            Err(halt) => return Err(halt),
        };
        let chosen = &networks[index];
        let shared = ours.is_some_and(|ours| !ours.overlaps(&chosen.address_space).is_empty());
        // Who has not chosen their own network here can't choose another one.
        if shared && self.talk.given.source("vnet") == Some(ValueSource::Answer) {
            let what = format!(
                "{} ({}) shares addresses with your network, and Azure refuses such a peering. Choose another one; Esc \
                 leads back to your own network.",
                chosen.name, chosen.address_space
            );
            (self.sink)(RunEvent::Notice(what));
            return Ok(QuestionOutcome::Again);
        }
        self.talk
            .given
            .answer_set(&input.key, vec![unambiguous(&networks, index)]);
        Ok(QuestionOutcome::Answered)
    }

    /// The addresses of the network that was chosen, as far as they are known.
    fn own_addresses(&self) -> Option<AddressSpace> {
        let given = &self.talk.given;
        let space = self
            .entry
            .address_space(given.get("vnet")?, given.get("resource-group")?);
        space.cloned()
    }

    /// Returns whether another answer to the previous question may help, because the problem is about an answer for the
    /// vendor.
    fn can_be_answered_again(&self, problem: &RunError) -> bool {
        let about_the_answer = match problem.kind {
            ErrorKind::SignIn => self.talk.given.source("vendor-access") == Some(ValueSource::Answer),
            kind => matches!(kind, ErrorKind::Permission | ErrorKind::NotFound),
        };
        about_the_answer && self.told_the_vendor()
    }

    /// The tenant of the network that the answer before names: Azure knows it, whoever may see that network.
    async fn tenant(
        &mut self,
        input: &VendorInput,
        inputs: &BTreeMap<String, Vec<String>>,
    ) -> Result<QuestionOutcome, InputError> {
        let networks = self.vendor.inputs.iter().filter(|one| one.kind == InputType::VnetId);
        let mut named = networks.filter_map(|one| VnetId::from_input(inputs.get(&one.key)?.first()?).ok());
        let Some(vnet) = named.next() else {
            return self.line(input).await;
        };
        let Some(tenant) = self.entry.session.azure.tenant_of(vnet.subscription).await else {
            return self.line(input).await;
        };
        (self.sink)(RunEvent::Notice(format!("{} lies in tenant {tenant}", vnet.name)));
        self.talk.given.answer_set(&input.key, vec![tenant.to_string()]);
        self.talk.told.push(input.key.clone());
        Ok(QuestionOutcome::Passed)
    }

    /// A line, or several until an empty one where the input may be repeated.
    async fn line(&mut self, input: &VendorInput) -> Result<QuestionOutcome, InputError> {
        let needed = self.vendor.needs(input, self.talk.token.is_some());
        let hint = match (input.kind, needed) {
            (InputType::Dns, _) => " (domain or domain=server ip; empty: none)",
            (_, false) => " (empty: none)",
            (_, true) => "",
        };
        let mut values = Vec::new();
        loop {
            let check = {
                let (input, first) = (input.clone(), values.is_empty());
                move |text: &str| match text {
                    "" if needed && first => Err("This is needed.".to_owned()),
                    "" => Ok(()),
                    // The servers are chosen next.
                    text if input.kind == InputType::Dns && !text.contains('=') => check_domains(text),
                    text => check_vendor_input(&input, text),
                }
            };
            let mut question = explained(input);
            question.text = if values.is_empty() {
                format!("{}{hint}", input.label)
            } else {
                format!("{}, one more (empty: no more)", input.label)
            };
            let PromptResult::Value(text) = self.asker.text(question, Box::new(check)).await? else {
                return Ok(QuestionOutcome::Back);
            };
            let text = match input.kind {
                InputType::Dns if !text.is_empty() && !text.contains('=') => match self.dns_mapping(&text).await? {
                    Some(mapping) => mapping,
                    None => continue,
                },
                _ => text,
            };
            let end = text.is_empty() || !input.repeatable;
            values.extend(Some(text).filter(|text| !text.is_empty()));
            if end {
                break;
            }
        }
        if !values.is_empty() {
            self.talk.given.answer_set(&input.key, values);
        }
        Ok(QuestionOutcome::Answered)
    }

    pub(super) async fn consent(&mut self) -> Result<QuestionOutcome, InputError> {
        if self.talk.given.get("consent").is_some() {
            return Ok(QuestionOutcome::Passed);
        }
        let Some(app_id) = app_id(&self.talk.given, self.vendor)? else {
            return Ok(QuestionOutcome::Passed);
        };
        self.signed_in().await?;
        match self.entry.session.azure.service_principal(app_id).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(QuestionOutcome::Passed),
            // Who may not read the directory is told by the plan what to do.
            Err(error) if error.status() == Some(403) => return Ok(QuestionOutcome::Passed),
            Err(error) => return Err(failed("looking for the service principal", &error).into()),
        }
        let modes = [ConsentMode::Create, ConsentMode::Browser, ConsentMode::Wait];
        let items = [
            "Create it now (takes an Application Administrator)",
            "Open the admin-consent page in a browser, and accept there",
            "Somebody else accepts on that page; wait for it",
        ];
        let question = format!(
            "Consent for {} (your tenant has no service principal of it yet)",
            self.vendor.short_name
        );
        let rows = ListItems::of(items.map(|item| ListItem::new([item])));
        let help = format!(
            "{} acts in your tenant as a service principal of its application, which an administrator has to allow once. \
             Flag: --consent create, browser or wait.",
            self.vendor.short_name
        );
        let answer = self.asker.choose(PromptQuestion::new(question, help), rows).await?;
        let PromptResult::Value(index) = answer else {
            return Ok(QuestionOutcome::Back);
        };
        self.talk.given.answer("consent", modes[index].to_string());
        Ok(QuestionOutcome::Answered)
    }
}

/// The question for a vendor's input, with what its profile says of it.
fn explained(input: &VendorInput) -> PromptQuestion {
    let help = format!("{}. Flag: --set {}=VALUE.", capital(&input.help), input.key);
    PromptQuestion::new(&*input.label, help)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// The network's name; its id where another one has the same name.
fn unambiguous(networks: &[VendorNetwork], index: usize) -> String {
    let chosen = &networks[index];
    let alone = networks.iter().filter(|other| other.name == chosen.name).count() == 1;
    if alone { chosen.name.clone() } else { chosen.id.clone() }
}

fn failed(doing: &str, error: &ApiError) -> RunError {
    RunError::from_api(doing, error)
}

fn no_subscription(known: &TenantHints) -> RunError {
    let problem = RunError::new(
        ErrorKind::NotFound,
        "This sign-in sees no subscription.",
        "It has no role in any subscription of the tenant.",
    );
    known.or_elsewhere(problem.remedy("Ask for a role on the network's subscription, or sign in to its tenant."))
}

fn no_vnet(scope: SearchScope) -> RunError {
    let (place, list) = match scope {
        SearchScope::One(id) => (
            format!("subscription {id}"),
            format!("az network vnet list --subscription {id} --output table"),
        ),
        SearchScope::All => (
            "any subscription".to_owned(),
            "az network vnet list --output table".to_owned(),
        ),
    };
    let what = format!("There is no such virtual network in {place}.");
    RunError::new(ErrorKind::NotFound, what, "Azure finds none that this sign-in can see.").remedy(list)
}
