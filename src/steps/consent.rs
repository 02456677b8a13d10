//! Consent: the vendor's application gets a service principal in the customer's tenant.

use async_trait::async_trait;
use uuid::Uuid;

use super::run::{Awaited, FIRST_WAIT, TRIES};
use super::{Facts, Run, Step, Stop};
use crate::azure::{ApiError, ServicePrincipal};
use crate::plan::{Action, Change, Consent as Mode, Decision, Hold, Intent, StepEvent, StepId, StepState};

const STEP: StepId = StepId::Consent;

pub struct Consent;

#[async_trait]
impl Step for Consent {
    fn title(&self) -> &'static str {
        "Admin consent"
    }

    async fn observe(&self, run: &Run) -> Result<(), Stop> {
        let principal = read(run)
            .await
            .map_err(|error| Stop::api("looking for the service principal", &error))?;
        run.learn(|facts| facts.principal = principal);
        Ok(())
    }

    fn decide(&self, intent: &Intent, facts: &Facts) -> Decision {
        let application = &intent.vendor.application.name;
        match (&facts.principal, intent.consent) {
            (Some(principal), _) if !principal.account_enabled => Decision::Blocked(disabled(intent, principal)),
            (Some(principal), _) => {
                Decision::InPlace(format!("{} has a service principal here", principal.display_name))
            }
            (None, Mode::Create) => Decision::Create(format!("a service principal for {application}")),
            (None, Mode::Browser) => Decision::Create(format!(
                "a service principal for {application}, by the admin-consent page"
            )),
            (None, Mode::Wait) => Decision::Await {
                what: format!("an administrator consents to {application}"),
                usually: "as long as that takes".to_owned(),
            },
        }
    }

    async fn act(&self, run: &Run, _decision: &Decision) -> Result<(), Stop> {
        let mut told = false;
        match run.intent.consent {
            Mode::Create => told = create(run).await?,
            Mode::Browser => {
                let url = run.intent.consent_url.clone();
                let opened = (run.open_page)(&url);
                run.tell(STEP, StepEvent::OpenPage { url, opened });
            }
            Mode::Wait => {
                run.tell(
                    STEP,
                    StepEvent::OpenPage {
                        url: run.intent.consent_url.clone(),
                        opened: false,
                    },
                );
            }
        }
        let principal = wait_for_principal(run).await?;
        if !told {
            created(run, principal.id);
        }
        run.learn(|facts| facts.principal = Some(principal));
        Ok(())
    }
}

async fn read(run: &Run) -> Result<Option<ServicePrincipal>, ApiError> {
    run.azure.service_principal(run.intent.app_id).await
}

/// Creates the service principal. Says whether all is told about it: where the answer was lost, its id is not known.
async fn create(run: &Run) -> Result<bool, Stop> {
    run.tell(STEP, StepEvent::Doing("creating the service principal".to_owned()));
    let mut tries = 1;
    loop {
        match run.azure.create_service_principal(run.intent.app_id).await {
            Ok(principal) => {
                created(run, principal.id);
                return Ok(true);
            }
            // It is there, and that is what was wanted: by somebody who was faster, or by a try whose answer was lost.
            Err(error) if error.status() == Some(409) => return Ok(tries == 1),
            Err(error) if error.status() == Some(403) => {
                return Err(Stop::Held {
                    state: StepState::Blocked,
                    hold: hold(&run.intent),
                });
            }
            // There can be only one for an application, so asking twice does no harm.
            Err(error) if error.in_doubt() && tries < TRIES => {
                tries += 1;
                run.pause(STEP, FIRST_WAIT).await;
            }
            Err(error) => return Err(Stop::api("creating the service principal", &error)),
        }
    }
}

fn created(run: &Run, id: Uuid) {
    run.changed(
        STEP,
        Change {
            action: Action::Created,
            kind: "servicePrincipal".into(),
            id: id.to_string(),
        },
    );
}

async fn wait_for_principal(run: &Run) -> Result<ServicePrincipal, Stop> {
    let by_hand = run.intent.consent != Mode::Create;
    let what = if by_hand {
        "until somebody accepts on that page"
    } else {
        "until the service principal is visible"
    };
    let awaited = Awaited {
        what,
        usually: (!by_hand).then_some("seconds"),
        someone_else: by_hand,
        hold: hold(&run.intent),
    };
    let look = async || {
        read(run)
            .await
            .map_err(|error| Stop::api("looking for the service principal", &error))
    };
    run.until(STEP, &awaited, look).await
}

fn administrator(intent: &Intent) -> String {
    format!(
        "an Application Administrator, Cloud Application Administrator or Global Administrator of {}",
        intent.tenant_label()
    )
}

fn hold(intent: &Intent) -> Hold {
    Hold {
        who: administrator(intent),
        why: format!(
            "{} has no service principal in the tenant; consent takes a directory role.",
            intent.vendor.application.name
        ),
        packet: vec![
            format!("Open as an administrator, and accept: {}", intent.consent_url),
            format!("or run: az ad sp create --id {}", intent.app_id),
        ],
    }
}

fn disabled(intent: &Intent, principal: &ServicePrincipal) -> Hold {
    Hold {
        who: administrator(intent),
        why: format!(
            "{} is switched off in the tenant: it cannot sign in.",
            principal.display_name
        ),
        packet: vec![format!(
            "az ad sp update --id {} --set accountEnabled=true",
            principal.id
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::facts::samples;

    #[test]
    fn decisions() {
        let (intent, facts) = samples::kong_done();
        let state = |mode: Mode, facts: &Facts| {
            let intent = Intent {
                consent: mode,
                ..intent.clone()
            };
            (
                Consent.decide(&intent, facts).verb(),
                Consent.decide(&intent, facts).writes(),
            )
        };
        let none = Facts {
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
