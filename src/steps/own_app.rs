//! Own application: the customer's multi-tenant application that writes our direction with tokens of both tenants.
//!
//! It is found by its unique name, never by its display name. Its credential lives an hour at most and in memory only;
//! it is made when the first token is needed and removed by the step clean-up.

pub(super) mod undo;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::time::Instant;
use uuid::Uuid;

use super::clean_up::{in_use, remove_all};
use super::run::Awaited;
use super::{Facts, Lease, Run, Step, Stop};
use crate::azure::{ApiError, AppCredential, Application, Identity, ServicePrincipal};
use crate::errors::{Kind, Problem, known};
use crate::limits;
use crate::plan::{Action, Decision, Hold, Intent, OwnApp as Wanted, StepEvent, StepId};

const STEP: StepId = StepId::OwnApp;
/// The display name of every credential that setup makes: by it the next run knows what to remove.
pub const CREDENTIAL: &str = "peerctl setup";
/// What Graph says of an application that it has just made itself: it has not arrived everywhere.
const JUST_MADE: [&str; 3] = [
    "must in the local tenant",
    "must be in the local tenant",
    "does not reference a valid application",
];
const MULTI_TENANT: [&str; 2] = ["AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"];

/// A credential that was made for this run, and for those beside it.
pub struct Minted {
    pub key_id: Uuid,
    pub secret: SecretString,
    made: Instant,
}

pub struct OwnApp;

#[async_trait]
impl Step for OwnApp {
    fn title(&self) -> &'static str {
        "Own application"
    }

    async fn observe(&self, run: &Run) -> Result<(), Stop> {
        let (application, likely) = tokio::join!(read(run), likely_principals(run));
        let application = match application {
            Ok(application) => application,
            Err(error) if error.status() == Some(403) => {
                run.learn(|facts| facts.directory_is_closed = true);
                return Ok(());
            }
            Err(error) => return Err(Stop::api("looking for the own application", &error)),
        };
        let Some(application) = application else { return Ok(()) };
        let is_its = |one: &ServicePrincipal| one.app_id == application.app_id;
        let principal = match likely.map(|found| found.into_iter().find(is_its)) {
            Ok(None) if matches!(run.intent.own_app, Some(Wanted::Given(_))) => None,
            Ok(Some(principal)) => Some(principal),
            Ok(None) | Err(_) => principal(run, application.app_id).await?,
        };
        run.learn(|facts| {
            facts.own_app = Some(application);
            facts.own_principal = principal;
        });
        undo::look_closer(run).await
    }

    fn decide(&self, intent: &Intent, facts: &Facts) -> Decision {
        let Some(wanted) = &intent.own_app else {
            return Decision::InPlace("none is needed".to_owned());
        };
        let label = wanted.label();
        match (&facts.own_app, &facts.own_principal, wanted) {
            (Some(app), _, _) if !MULTI_TENANT.contains(&app.sign_in_audience.as_str()) => {
                Decision::Blocked(single_tenant(app))
            }
            (Some(app), Some(_), _) => Decision::InPlace(format!(
                "{} ({}) and its service principal",
                app.display_name, app.app_id
            )),
            _ if facts.directory_is_closed => Decision::Blocked(closed(intent)),
            (None, _, Wanted::Given(id)) => Decision::Blocked(unknown(*id)),
            (Some(app), None, _) => Decision::Create(format!("a service principal for {}", app.display_name)),
            (None, _, Wanted::Made { .. }) => Decision::Create(format!(
                "multi-tenant application \"{label}\" and its service principal"
            )),
        }
    }

    async fn act(&self, run: &Run, _decision: &Decision) -> Result<(), Stop> {
        let application = match run.facts().own_app {
            Some(application) => application,
            None => make(run).await?,
        };
        if run.facts().own_principal.is_none() {
            make_principal(run, &application).await?;
        }
        Ok(())
    }

    async fn confirm(&self, run: &Run) -> Result<(), Stop> {
        match run.facts().own_app {
            Some(application) => wait_for_principal(run, &application).await,
            None => Ok(()),
        }
    }

    fn undoing(&self, intent: &Intent, facts: &Facts) -> Decision {
        undo::undoing(intent, facts)
    }

    async fn undo(&self, run: &Run) -> Result<(), Stop> {
        undo::undo(run).await
    }
}

async fn read(run: &Run) -> Result<Option<Application>, ApiError> {
    match &run.intent.own_app {
        Some(Wanted::Made { unique_name, .. }) => run.azure.application_by_unique_name(unique_name).await,
        Some(Wanted::Given(id)) => run.azure.application(*id).await,
        None => Ok(None),
    }
}

/// Service principals that may be the own application's, asked for before its id is known: by its display name, which
/// somebody may have changed. Where the id was given, there is no other.
async fn likely_principals(run: &Run) -> Result<Vec<ServicePrincipal>, ApiError> {
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

async fn principal(run: &Run, app_id: Uuid) -> Result<Option<ServicePrincipal>, Stop> {
    let principal = run.azure.service_principal(app_id).await;
    principal.map_err(|error| Stop::api("looking for the own application's service principal", &error))
}

/// The vendor's request may name an application already: one that a colleague made from the vendor's documentation. Then
/// that one is used, and no other is made.
///
/// # Errors
/// What Graph answered.
pub async fn adopt(run: &Run) -> Result<(), Stop> {
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
    let found = found.map_err(|error| Stop::api("looking for the application that the vendor knows", &error))?;
    if let Some(application) = found.filter(|app| MULTI_TENANT.contains(&app.sign_in_audience.as_str())) {
        let principal = principal(run, application.app_id).await?;
        run.learn(|facts| {
            facts.own_app = Some(application);
            facts.own_principal = principal;
        });
    }
    Ok(())
}

async fn make(run: &Run) -> Result<Application, Stop> {
    let Some(Wanted::Made {
        unique_name,
        display_name,
    }) = &run.intent.own_app
    else {
        return Err(Problem::new(Kind::NotFound, "The own application is not there.", "").into());
    };
    run.tell(STEP, StepEvent::Doing(format!("creating {display_name}")));
    let notes = run.intent.own_app_notes();
    let upsert = || run.azure.upsert_application(unique_name, display_name, &notes);
    // One that a run before made a moment ago is there, but not to be read yet.
    let made = run.patiently(STEP, "creating the own application", &[], upsert).await;
    let made = made.map_err(|stop| stop.or_hold(|| closed(&run.intent)))?;
    run.changed(STEP, Action::Created, "application", made.app_id.to_string());
    run.learn(|facts| {
        facts.own_app = Some(made.clone());
        facts.own_app_is_new = true;
    });
    Ok(made)
}

async fn make_principal(run: &Run, application: &Application) -> Result<(), Stop> {
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
    let created = run.while_it_passes(STEP, doing, passes, create).await;
    let created = created.map_err(|stop| stop.or_hold(|| closed(&run.intent)))?;
    let Some(created) = created else {
        return wait_for_principal(run, application).await;
    };
    run.changed(STEP, Action::Created, "servicePrincipal", created.id.to_string());
    run.learn(|facts| facts.own_principal = Some(created));
    Ok(())
}

async fn wait_for_principal(run: &Run, application: &Application) -> Result<(), Stop> {
    let awaited = Awaited::replication("until the own application's service principal is visible");
    let found = run
        .until(STEP, &awaited, async || principal(run, application.app_id).await)
        .await?;
    run.learn(|facts| facts.own_principal = Some(found));
    Ok(())
}

/// The own application's identity in the customer's tenant: with the operator's credential where one was brought, else
/// with one that is made for this run.
///
/// # Errors
/// When there is no application, or no credential can be made.
pub async fn identity(run: &Run) -> Result<Identity, Stop> {
    let Some(application) = run.facts().own_app else {
        return Err(Problem::new(Kind::NotFound, "The own application is not there.", "").into());
    };
    let credential = match (&run.app_credential, run.minted()) {
        (Some(brought), _) if matches!(run.intent.own_app, Some(Wanted::Given(_))) => brought.clone(),
        (_, Some(minted)) => AppCredential::Secret(minted.secret.clone()),
        (_, None) => AppCredential::Secret(credential(run, &application).await?.secret.clone()),
    };
    let azure = &run.azure;
    Ok(Identity::application(
        azure.cloud(),
        azure.wire().clone(),
        run.intent.tenant,
        application.app_id,
        credential,
    ))
}

/// The application that the operator brings and its identity in our tenant, where its credential is brought too.
pub fn brought(run: &Run) -> Option<(Uuid, Identity)> {
    let (Some(Wanted::Given(app)), Some(credential)) = (&run.intent.own_app, &run.app_credential) else {
        return None;
    };
    let azure = &run.azure;
    let wire = azure.wire().clone();
    let identity = Identity::application(azure.cloud(), wire, run.intent.tenant, *app, credential.clone());
    Some((*app, identity))
}

/// The credential that a run beside this one uses, as long as it is not too old; or a new one.
async fn credential(run: &Run, application: &Application) -> Result<Arc<Minted>, Stop> {
    let queue = run.company.credentials(application.id);
    let mut leases = queue.lock().await;
    let lasts = |lease: &&mut Lease| lease.minted.made.elapsed() < limits::CREDENTIAL_SHARED;
    let minted = if let Some(lease) = leases.iter_mut().find(lasts) {
        lease.users += 1;
        run.learn(|facts| facts.credential_made = true);
        Arc::clone(&lease.minted)
    } else {
        let minted = Arc::new(mint(run, application, &in_use(&leases)).await?);
        leases.push(Lease {
            minted: Arc::clone(&minted),
            users: 1,
        });
        minted
    };
    run.set_minted(Some(Arc::clone(&minted)));
    Ok(minted)
}

async fn mint(run: &Run, application: &Application, in_use: &[Uuid]) -> Result<Minted, Stop> {
    run.tell(STEP, StepEvent::Doing("making a credential for this run".to_owned()));
    let doing = "making a credential for the own application";
    let object_id = application.id;
    // Noted before it is asked for: should the answer be lost, clean-up looks for it all the same.
    run.learn(|facts| facts.credential_made = true);
    let also = ["Request_ResourceNotFound"];
    let mut tries = 1;
    let password = loop {
        let attempt = || async {
            match run
                .azure
                .add_password(object_id, CREDENTIAL, limits::CREDENTIAL_LIFE)
                .await
            {
                Err(error) if error.in_doubt() => Ok(Err(error)),
                other => other.map(Ok),
            }
        };
        let asked = match run.patiently(STEP, doing, &also, attempt).await {
            Err(Stop::Failed(problem)) if problem.kind == Kind::Permission => {
                // Refused is not lost: there is nothing to look for.
                run.learn(|facts| facts.credential_made = false);
                return Err(Stop::blocked(no_credential(&run.intent, application), &problem));
            }
            asked => asked?,
        };
        match asked {
            Ok(password) => break password,
            Err(error) if tries == limits::DOUBTFUL_TRIES => return Err(Stop::api(doing, &error)),
            // It may be there, but nobody knows its text any more.
            Err(_) => {
                run.learn(|facts| facts.credential_in_doubt = true);
                remove_all(run, application, in_use).await?;
            }
        }
        tries += 1;
        run.learn(|facts| facts.credential_made = true);
    };
    let minted = Minted {
        key_id: password.key_id,
        secret: password.secret,
        made: Instant::now(),
    };
    let id = format!("{} (for an hour at most)", minted.key_id);
    run.changed(STEP, Action::Created, "passwordCredential", id);
    Ok(minted)
}

/// Who may not make a credential can be given one.
fn no_credential(intent: &Intent, app: &Application) -> Hold {
    let id = app.app_id;
    Hold {
        who: format!(
            "an owner of the application {}, or an Application Administrator of {}",
            app.display_name,
            intent.tenant_label()
        ),
        why: format!(
            "Our direction is written by {}, and this sign-in may make no credential for it.",
            app.display_name
        ),
        packet: vec![
            format!("az ad app credential reset --id {id} --append --query password --output tsv"),
            format!("then run the same command again with --own-app {id} and that in PEERCTL_OWN_APP_SECRET."),
        ],
        answer: None,
    }
}

fn single_tenant(app: &Application) -> Hold {
    Hold {
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

fn unknown(id: Uuid) -> Hold {
    Hold {
        who: "whoever gave you the application's id".to_owned(),
        why: format!("The tenant has no application {id}, or this sign-in cannot see it."),
        packet: vec![format!("az ad app show --id {id}")],
        answer: None,
    }
}

fn closed(intent: &Intent) -> Hold {
    Hold {
        who: format!(
            "an Application Administrator or Application Developer of {}",
            intent.tenant_label()
        ),
        why: "Registering an application takes a directory role that you do not have.".to_owned(),
        packet: crate::render::az::own_app(intent),
        answer: None,
    }
}
