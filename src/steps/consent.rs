//! Consent: the vendor's application gets a service principal in the customer's tenant.

mod undo;

use async_trait::async_trait;
use uuid::Uuid;

use super::run::WaitDescription;
use super::{ObservedState, Step, StepError, StepRun};
use crate::azure::{ApiError, ServicePrincipal};
use crate::limits;
use crate::plan::{
    ActionRequired, ChangeAction, ConsentMode as Mode, PeeringIntent, RunGoal, StepDecision, StepEvent, StepId,
    VendorApp,
};

const STEP: StepId = StepId::Consent;

pub struct ConsentStep;

#[async_trait]
impl Step for ConsentStep {
    fn title(&self) -> &'static str {
        "Admin consent"
    }

    async fn observe(&self, run: &StepRun) -> Result<(), StepError> {
        let given = given(&run.intent);
        // What is removed or deleted has to be the vendor's beyond doubt.
        if let Some(given) = given.as_ref().filter(|_| run.intent.goal == RunGoal::SetUp) {
            run.update_state(|facts| facts.principal = Some(given.clone()));
        } else {
            let read = match read(run).await {
                Ok(principal) => Some(principal),
                // Many a pipeline may not read the directory; that is no reason to stop.
                Err(error) if error.status() == Some(403) => None,
                Err(error) => return Err(StepError::api("looking for the service principal", &error)),
            };
            run.update_state(|facts| seen(facts, given, read));
        }
        undo::look_elsewhere(run).await
    }

    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        let Some(app) = &intent.vendor_app else {
            return StepDecision::InPlace("nobody needs consent".to_owned());
        };
        match (&facts.principal, intent.consent) {
            (Some(principal), _) if !principal.account_enabled => StepDecision::Blocked(disabled(intent, principal)),
            (Some(principal), _) => {
                StepDecision::InPlace(format!("{} has a service principal here", principal.display_name))
            }
            (None, _) if facts.directory_is_closed => StepDecision::Blocked(closed(intent, app)),
            (None, Mode::Create) => StepDecision::Create(format!("a service principal for {}", app.name)),
            (None, Mode::Browser) => StepDecision::Create(format!(
                "a service principal for {}, by the admin-consent page",
                app.name
            )),
            (None, Mode::Wait) => StepDecision::Await {
                what: format!("an administrator consents to {}", app.name),
                usually: "as long as that takes".to_owned(),
            },
        }
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        let Some(app) = &run.intent.vendor_app else {
            return Ok(());
        };
        match run.intent.consent {
            Mode::Create => return create(run, app).await,
            Mode::Browser => {
                let (open, url) = (run.open_page.clone(), app.consent_url.clone());
                // A text browser takes the terminal and comes back when it is closed.
                let opened = tokio::task::spawn_blocking(move || open(&url)).await.unwrap_or(false);
                run.tell(
                    STEP,
                    StepEvent::OpenPage {
                        url: app.consent_url.clone(),
                        opened,
                    },
                );
            }
            Mode::Wait => run.tell(
                STEP,
                StepEvent::OpenPage {
                    url: app.consent_url.clone(),
                    opened: false,
                },
            ),
        }
        let principal = wait_for_principal(run, app).await?;
        created(run, principal.id);
        run.update_state(|facts| facts.principal = Some(principal));
        Ok(())
    }

    async fn confirm(&self, run: &StepRun) -> Result<(), StepError> {
        let app = run.intent.vendor_app.as_ref();
        let Some(app) = app.filter(|_| run.intent.consent == Mode::Create) else {
            return Ok(());
        };
        let principal = wait_for_principal(run, app).await?;
        run.update_state(|facts| facts.principal = Some(principal));
        Ok(())
    }

    fn plan_removal(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        undo::plan_removal(intent, facts)
    }

    async fn remove(&self, run: &StepRun) -> Result<(), StepError> {
        undo::remove(run).await
    }
}

/// The service principal by the object id that the operator gave: the directory need not be asked.
fn given(intent: &PeeringIntent) -> Option<ServicePrincipal> {
    let app = intent.vendor_app.as_ref()?;
    Some(ServicePrincipal {
        id: app.principal_id?,
        app_id: app.id,
        display_name: app.name.clone(),
        account_enabled: true,
        owner_tenant: None,
    })
}

/// Notes what the directory says (`None`: it is closed), and whether the id that was given agrees.
fn seen(facts: &mut ObservedState, given: Option<ServicePrincipal>, read: Option<Option<ServicePrincipal>>) {
    facts.directory_is_closed |= read.is_none();
    let read = read.map(|read| (read.as_ref().map(|read| read.id), read));
    (facts.principal_is_anothers, facts.principal) = match (given, read) {
        (Some(given), Some((id, _))) if id != Some(given.id) => (true, Some(given)),
        (given, Some((_, read))) => (false, read.or(given)),
        (given, None) => (false, given),
    };
}

async fn read(run: &StepRun) -> Result<Option<ServicePrincipal>, ApiError> {
    match &run.intent.vendor_app {
        Some(app) => run.azure.service_principal(app.id).await,
        None => Ok(None),
    }
}

/// Creates the service principal, and notes it.
async fn create(run: &StepRun, app: &VendorApp) -> Result<(), StepError> {
    run.tell(STEP, StepEvent::Doing("creating the service principal".to_owned()));
    let mut tries = 1;
    loop {
        match run.azure.create_service_principal(app.id).await {
            Ok(principal) => {
                created(run, principal.id);
                run.update_state(|facts| facts.principal = Some(principal));
                return Ok(());
            }
            // It is there, and that is what was wanted: by somebody who was faster, or by a try whose answer was lost.
            Err(error) if error.status() == Some(409) => {
                let principal = wait_for_principal(run, app).await?;
                if tries > 1 {
                    created(run, principal.id);
                }
                run.update_state(|facts| facts.principal = Some(principal));
                return Ok(());
            }
            Err(error) if error.status() == Some(403) => {
                let stop = StepError::api("creating the service principal", &error);
                return Err(stop.or_action_required(|| hold(&run.intent, app)));
            }
            // There can be only one for an application, so asking twice does no harm.
            Err(error) if error.in_doubt() && tries < limits::DOUBTFUL_TRIES => {
                tries += 1;
                run.pause(STEP, limits::INITIAL_POLL_INTERVAL).await;
            }
            Err(error) => return Err(StepError::api("creating the service principal", &error)),
        }
    }
}

fn created(run: &StepRun, id: Uuid) {
    let id = id.to_string();
    run.changed(STEP, ChangeAction::Created, "servicePrincipal", id);
}

async fn wait_for_principal(run: &StepRun, app: &VendorApp) -> Result<ServicePrincipal, StepError> {
    let awaited = if run.intent.consent == Mode::Create {
        WaitDescription::replication("until the service principal is visible")
    } else {
        WaitDescription {
            what: "until somebody accepts on that page",
            usually: None,
            someone_else: true,
            hold: hold(&run.intent, app),
        }
    };
    let look = async || {
        read(run)
            .await
            .map_err(|error| StepError::api("looking for the service principal", &error))
    };
    run.poll_until(STEP, &awaited, look).await
}

fn administrator(intent: &PeeringIntent) -> String {
    format!(
        "an Application Administrator, Cloud Application Administrator or Global Administrator of {}",
        intent.tenant_label()
    )
}

/// Entra stores the consent, then looks for an address to return to: many vendors register none.
const NO_REPLY_ADDRESS: &str =
    "(if that page ends with AADSTS500113, no reply address, after you accepted: consent is stored all the same)";

fn hold(intent: &PeeringIntent, app: &VendorApp) -> ActionRequired {
    ActionRequired {
        who: administrator(intent),
        why: format!(
            "{} has no service principal in the tenant; consent takes a directory role.",
            app.name
        ),
        packet: vec![
            format!("Open as an administrator, and accept: {}", app.consent_url),
            NO_REPLY_ADDRESS.to_owned(),
            format!("or run: az ad sp create --id {}", app.id),
        ],
        answer: None,
    }
}

fn closed(intent: &PeeringIntent, app: &VendorApp) -> ActionRequired {
    ActionRequired {
        who: administrator(intent),
        why: "This sign-in may not read the directory, so it cannot tell the object id of the service principal."
            .to_owned(),
        packet: vec![
            format!("Open as an administrator, and accept: {}", app.consent_url),
            NO_REPLY_ADDRESS.to_owned(),
            format!("then: az ad sp show --id {} --query id --output tsv", app.id),
            "and run the same command again with --vendor-principal-id and what that printed.".to_owned(),
        ],
        answer: None,
    }
}

fn disabled(intent: &PeeringIntent, principal: &ServicePrincipal) -> ActionRequired {
    ActionRequired {
        who: administrator(intent),
        why: format!(
            "{} is switched off in the tenant: it cannot sign in.",
            principal.display_name
        ),
        packet: vec![format!(
            "az ad sp update --id {} --set accountEnabled=true",
            principal.id
        )],
        answer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::samples;

    #[test]
    fn consent_verifies_given_id_with_directory() {
        let (_, facts) = samples::kong_done();
        let kongs = facts.principal.expect("the sample has one");
        let mut other = kongs.clone();
        other.id = Uuid::from_u128(0xbad);
        // (given, read, whether it is another's, whether the directory is closed)
        let table = [
            (None, Some(Some(&kongs)), false, false),
            (Some(&kongs), Some(Some(&kongs)), false, false),
            (Some(&other), Some(Some(&kongs)), true, false),
            (Some(&other), Some(None), true, false),
            (Some(&other), None, false, true),
        ];
        for (given, read, anothers, closed) in table {
            let mut facts = ObservedState::default();
            seen(&mut facts, given.cloned(), read.map(|read| read.cloned()));
            let found = (facts.principal_is_anothers, facts.directory_is_closed);
            assert_eq!(found, (anothers, closed), "{given:?} {read:?}");
            assert_eq!(facts.principal.as_ref(), given.or(Some(&kongs)));
        }
    }

    #[test]
    fn decisions() {
        let (intent, facts) = samples::kong_done();
        let state = |mode: Mode, facts: &ObservedState| {
            let intent = PeeringIntent {
                consent: mode,
                ..intent.clone()
            };
            (
                ConsentStep.decide(&intent, facts).verb(),
                ConsentStep.decide(&intent, facts).writes(),
            )
        };
        let none = ObservedState {
            principal: None,
            ..facts.clone()
        };
        assert_eq!(state(Mode::Create, &facts), ("in place", false));
        assert_eq!(state(Mode::Wait, &facts), ("in place", false));
        assert_eq!(state(Mode::Create, &none), ("create", true));
        assert_eq!(state(Mode::Browser, &none), ("create", true));
        assert_eq!(state(Mode::Wait, &none), ("wait", false));
        let mut off = facts.clone();
        off.principal.as_mut().expect("the sample has one").account_enabled = false;
        assert_eq!(state(Mode::Create, &off), ("blocked", false));
    }
}
