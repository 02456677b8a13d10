//! Own application: the customer's multi-tenant application that writes our direction with tokens of both tenants.
//!
//! It is found by its unique name, never by its display name, and one that this run did not create is only used where
//! nobody else can use it. Its credential lives an hour at most and in memory only; it is created when the first token is
//! needed and removed by the step clean-up.

pub(super) mod access;
pub(super) mod credential;
pub(super) mod undo;

use async_trait::async_trait;
use tokio::time::Instant;
use uuid::Uuid;

pub use self::access::CREDENTIAL;
pub use self::credential::CreatedCredential;
use super::run::WaitDescription;
use super::{ObservedState, Step, StepError, StepRun};
use crate::azure::{ApiError, AppRegistration, AzureIdentity, ServicePrincipal};
use crate::errors::{RunError, RunErrorKind, known};
use crate::limits;
use crate::plan::{ActionRequired, ChangeAction, OwnApp as Wanted, PeeringIntent, StepDecision, StepEvent, StepId};

const STEP: StepId = StepId::OwnApp;
/// Messages of Graph about an application that it has just created: it is not replicated everywhere yet.
const JUST_MADE: [&str; 3] = [
    "must in the local tenant",
    "must be in the local tenant",
    "does not reference a valid application",
];
/// Message of Graph if a deleted application still has the unique name.
const NAME_IS_TAKEN: &str = "same value for property uniqueName";
const MULTI_TENANT: [&str; 2] = ["AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"];

pub struct OwnAppStep;

#[async_trait]
impl Step for OwnAppStep {
    fn title(&self) -> &'static str {
        "Own application"
    }

    async fn observe(&self, run: &StepRun) -> Result<(), StepError> {
        let (application, likely) = tokio::join!(read(run), likely_principals(run));
        let application = match application {
            Ok(application) => application,
            Err(error) if error.status() == Some(403) => {
                run.update_state(|facts| facts.directory_is_closed = true);
                return Ok(());
            }
            Err(error) => return Err(StepError::api("looking for the own application", &error)),
        };
        let Some(application) = application else {
            return look_among_deleted(run).await;
        };
        let is_its = |one: &ServicePrincipal| one.app_id == application.app_id;
        let principal = match likely.map(|found| found.into_iter().find(is_its)) {
            Ok(None) if matches!(run.intent.own_app, Some(Wanted::Given(_))) => None,
            Ok(Some(principal)) => Some(principal),
            Ok(None) | Err(_) => principal(run, application.app_id).await?,
        };
        let left = application.passwords.iter().chain(&application.keys);
        let runs = left.filter_map(access::run_of);
        let ended = runs.filter(|other| run.company.markers().has_ended(*other)).collect();
        run.update_state(|facts| {
            facts.ended_runs = ended;
            facts.own_app = Some(application);
            facts.own_principal = principal;
            facts.service_time = Some(run.azure.wire().service_time());
        });
        tokio::try_join!(access::read(run), undo::look_elsewhere(run)).map(drop)
    }

    fn decide(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        let Some(wanted) = &intent.own_app else {
            return StepDecision::InPlace("none is needed".to_owned());
        };
        let label = wanted.label();
        match (&facts.own_app, &facts.own_principal, wanted) {
            (Some(app), _, _) if !MULTI_TENANT.contains(&app.sign_in_audience.as_str()) => {
                StepDecision::Blocked(single_tenant(app))
            }
            (Some(app), Some(_), Wanted::Made { .. }) if !facts.own_app_is_new => StepDecision::InPlace(format!(
                "{} ({}) and its service principal, not created in this run",
                app.display_name, app.app_id
            )),
            (Some(app), Some(_), _) => StepDecision::InPlace(format!(
                "{} ({}) and its service principal",
                app.display_name, app.app_id
            )),
            _ if facts.directory_is_closed => StepDecision::Blocked(closed(intent)),
            (None, _, Wanted::Given(id)) => StepDecision::Blocked(unknown(*id)),
            (Some(app), None, Wanted::Made { .. }) if !facts.own_app_is_new => StepDecision::Create(format!(
                "a service principal for {} ({}), not created in this run",
                app.display_name, app.app_id
            )),
            (Some(app), None, _) => StepDecision::Create(format!("a service principal for {}", app.display_name)),
            (None, _, Wanted::Made { .. }) if facts.deleted_app.is_some() => StepDecision::Create(format!(
                "application \"{label}\" is restored: it was deleted within the last 30 days"
            )),
            (None, _, Wanted::Made { .. }) => StepDecision::Create(format!(
                "multi-tenant application \"{label}\" and its service principal"
            )),
        }
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        let application = match run.facts().own_app {
            Some(application) => application,
            None => make(run).await?,
        };
        if run.facts().own_principal.is_none() {
            make_principal(run, &application).await?;
        }
        Ok(())
    }

    async fn confirm(&self, run: &StepRun) -> Result<(), StepError> {
        match run.facts().own_app {
            Some(application) => wait_for_principal(run, &application).await,
            None => Ok(()),
        }
    }

    fn plan_removal(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        undo::plan_removal(intent, facts)
    }

    async fn remove(&self, run: &StepRun) -> Result<(), StepError> {
        undo::remove(run).await
    }
}

async fn read(run: &StepRun) -> Result<Option<AppRegistration>, ApiError> {
    match &run.intent.own_app {
        Some(Wanted::Made { unique_name, .. }) => run.azure.application_by_unique_name(unique_name).await,
        Some(Wanted::Given(id)) => run.azure.application(*id).await,
        None => Ok(None),
    }
}

/// Service principals that may be the own application's, asked for before its id is known: by its display name, which
/// somebody may have changed. Where the id was given, there is no other.
async fn likely_principals(run: &StepRun) -> Result<Vec<ServicePrincipal>, ApiError> {
    match &run.intent.own_app {
        Some(Wanted::Made { display_name, .. }) => run.azure.service_principals_named(display_name).await,
        Some(Wanted::Given(id)) => run
            .azure
            .service_principal(*id)
            .await
            .map(|one| one.into_iter().collect()),
        None => Ok(Vec::new()),
    }
}

async fn principal(run: &StepRun, app_id: Uuid) -> Result<Option<ServicePrincipal>, StepError> {
    let principal = run.azure.service_principal(app_id).await;
    principal.map_err(|error| StepError::api("looking for the own application's service principal", &error))
}

/// A deleted application keeps its unique name: setup restores it, teardown deletes it for good.
async fn look_among_deleted(run: &StepRun) -> Result<(), StepError> {
    let Some(Wanted::Made { unique_name, .. }) = &run.intent.own_app else {
        return Ok(());
    };
    match run.azure.deleted_application(unique_name).await {
        Ok(deleted) => {
            run.update_state(|facts| facts.deleted_app = deleted);
            Ok(())
        }
        // Whoever may not read them learns of one from the refusal of its name.
        Err(error) if matches!(error.status(), Some(400..=499)) => Ok(()),
        Err(error) => Err(StepError::api("looking for a deleted application", &error)),
    }
}

/// The vendor's request may name an application already: one that a colleague created from the vendor's documentation.
/// Then that one is used, and no other is created; whether others can use it is a check's business.
///
/// # Errors
/// What Graph answered.
pub async fn use_existing_app(run: &StepRun) -> Result<(), StepError> {
    let facts = run.facts();
    let named = facts.request.as_ref().and_then(|request| request.own_app);
    let ours = facts.own_app.as_ref().map(|app| app.app_id);
    let (Some(Wanted::Made { .. }), Some(named)) = (&run.intent.own_app, named) else {
        return Ok(());
    };
    if ours == Some(named) || facts.directory_is_closed {
        return Ok(());
    }
    let found = run.azure.application(named).await;
    let found = found.map_err(|error| StepError::api("looking for the application that the vendor knows", &error))?;
    if let Some(application) = found.filter(|app| MULTI_TENANT.contains(&app.sign_in_audience.as_str())) {
        let principal = principal(run, application.app_id).await?;
        run.update_state(|facts| {
            facts.own_app = Some(application);
            facts.own_principal = principal;
        });
        access::read(run).await?;
    }
    Ok(())
}

async fn make(run: &StepRun) -> Result<AppRegistration, StepError> {
    let Some(Wanted::Made {
        unique_name,
        display_name,
    }) = &run.intent.own_app
    else {
        return Err(RunError::new(RunErrorKind::NotFound, "The own application is not there.", "").into());
    };
    if let Some(deleted) = run.facts().deleted_app {
        return restore(run, deleted).await;
    }
    run.tell(STEP, StepEvent::Doing(format!("creating {display_name}")));
    let notes = run.intent.own_app_notes();
    let upsert = || run.azure.upsert_application(unique_name, display_name, &notes);
    // One that a run before made a moment ago is there, but not to be read yet.
    let made = run
        .retry_while_replicating(STEP, "creating the own application", &[], upsert)
        .await;
    let (made, created) = match made {
        Err(StepError::Failed(problem)) if problem.why.contains(NAME_IS_TAKEN) => {
            look_among_deleted(run).await?;
            let deleted = run.facts().deleted_app.ok_or(StepError::Failed(problem))?;
            return restore(run, deleted).await;
        }
        made => made.map_err(|stop| stop.or_action_required(|| closed(&run.intent)))?,
    };
    run.update_state(|facts| {
        facts.own_app = Some(made.clone());
        facts.own_app_is_new = created;
    });
    if created {
        run.changed(STEP, ChangeAction::Created, "application", made.app_id.to_string());
        return Ok(made);
    }
    // Somebody registered one under the name since the plan was made, or the answer to an earlier try was lost.
    run.changed(STEP, ChangeAction::Updated, "application", made.app_id.to_string());
    relied_on(run, made).await
}

/// Restores the deleted application, with the IDs that it had: the vendor may know them.
async fn restore(run: &StepRun, deleted: AppRegistration) -> Result<AppRegistration, StepError> {
    access::prove(run)?;
    run.tell(STEP, StepEvent::Doing(format!("restoring {}", deleted.display_name)));
    let attempt = || run.azure.restore(deleted.id);
    let restored = run
        .retry_while_replicating(STEP, "restoring the deleted application", &[], attempt)
        .await;
    restored.map_err(|stop| stop.or_action_required(|| closed(&run.intent)))?;
    run.changed(
        STEP,
        ChangeAction::Created,
        "application",
        format!("{} (restored)", deleted.app_id),
    );
    run.update_state(|facts| {
        facts.deleted_app = None;
        facts.own_app = Some(deleted.clone());
    });
    let awaited = WaitDescription::replication("until the restored application is visible");
    let look = async || {
        let found = run.azure.application(deleted.app_id).await;
        found.map_err(|error| StepError::api("reading the restored application", &error))
    };
    let found = run.poll_until(STEP, &awaited, look).await?;
    run.update_state(|facts| facts.own_app = Some(found.clone()));
    relied_on(run, found).await
}

/// The application, once it is known that nobody else can use it; with its service principal, where it has one.
async fn relied_on(run: &StepRun, application: AppRegistration) -> Result<AppRegistration, StepError> {
    let found = principal(run, application.app_id).await?;
    run.update_state(|facts| facts.own_principal = found);
    access::read(run).await?;
    access::prove(run)?;
    Ok(application)
}

async fn make_principal(run: &StepRun, application: &AppRegistration) -> Result<(), StepError> {
    run.tell(STEP, StepEvent::Doing("creating its service principal".to_owned()));
    let create = || async {
        match run.azure.create_service_principal(application.app_id).await {
            Ok(created) => Ok(Some(created)),
            // It is there: an earlier try's answer was lost.
            Err(error) if error.status() == Some(409) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let (made_now, begun) = (run.facts().own_app_is_new, Instant::now());
    let passes = |error: &ApiError| {
        // One that a run before made a moment ago is as new as one of this run; how long ago, nobody says.
        let may_be_new = made_now || begun.elapsed() < limits::COUNTED_STILL;
        let fresh = may_be_new && JUST_MADE.iter().any(|text| error.message().contains(text));
        fresh || (error.status() != Some(403) && known::passes(error).is_some())
    };
    let doing = "creating the own application's service principal";
    let created = run.retry_if(STEP, doing, passes, create).await;
    let created = created.map_err(|stop| stop.or_action_required(|| closed(&run.intent)))?;
    let Some(created) = created else {
        return wait_for_principal(run, application).await;
    };
    run.changed(STEP, ChangeAction::Created, "servicePrincipal", created.id.to_string());
    run.update_state(|facts| facts.own_principal = Some(created));
    Ok(())
}

async fn wait_for_principal(run: &StepRun, application: &AppRegistration) -> Result<(), StepError> {
    let awaited = WaitDescription::replication("until the own application's service principal is visible");
    let found = run
        .poll_until(STEP, &awaited, async || principal(run, application.app_id).await)
        .await?;
    run.update_state(|facts| facts.own_principal = Some(found));
    Ok(())
}

/// The application that the operator brings and its identity in our tenant, where its credential is brought too.
pub fn brought(run: &StepRun) -> Option<(Uuid, AzureIdentity)> {
    let (Some(Wanted::Given(app)), Some(credential)) = (&run.intent.own_app, &run.app_credential) else {
        return None;
    };
    let azure = &run.azure;
    let wire = azure.wire().clone();
    let identity = AzureIdentity::application(azure.cloud(), wire, run.intent.tenant, *app, credential.clone());
    Some((*app, identity))
}

fn single_tenant(app: &AppRegistration) -> ActionRequired {
    ActionRequired {
        who: "an owner of the application, or an Application Administrator".to_owned(),
        why: format!(
            "{} is not multi-tenant ({}), so it cannot sign in to the vendor's tenant.",
            app.display_name, app.sign_in_audience
        ),
        packet: vec![format!(
            "az ad app update --id {} --sign-in-audience AzureADMultipleOrgs",
            app.app_id
        )],
        answer: None,
    }
}

fn unknown(id: Uuid) -> ActionRequired {
    ActionRequired {
        who: "whoever gave you the application's id".to_owned(),
        why: format!("The tenant has no application {id}, or this sign-in cannot see it."),
        packet: vec![format!("az ad app show --id {id}")],
        answer: None,
    }
}

fn closed(intent: &PeeringIntent) -> ActionRequired {
    ActionRequired {
        who: format!(
            "an Application Administrator or Application Developer of {}",
            intent.tenant_label()
        ),
        why: "Registering an application takes a directory role that you do not have.".to_owned(),
        packet: crate::render::az::own_app(intent),
        answer: None,
    }
}
