//! The credential of a run: a client secret, or a certificate where a policy forbids secrets. It lives for an hour at most
//! by Azure's clock, and only in this process's memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::time::Instant;
use uuid::Uuid;

use super::access::credential_name;
use super::{STEP, Wanted};
use crate::azure::{AppCredential, AppRegistration, AzureIdentity, SignInCertificate, is_app_policy};
use crate::errors::{RunError, RunErrorKind};
use crate::limits;
use crate::plan::{ActionRequired, ChangeAction, PeeringIntent, StepEvent};
use crate::steps::clean_up::{in_use, remove_all};
use crate::steps::{SharedCredential, StepError, StepRun};

/// A credential that was created for this run, and for those beside it.
pub struct CreatedCredential {
    pub key_id: Uuid,
    pub is_certificate: bool,
    credential: AppCredential,
    made: Instant,
    /// A look has found it in the application's list.
    seen: AtomicBool,
    /// Number of consecutive reads that did not find it.
    missed: AtomicU32,
}

/// State of the credential that a run signs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialPresence {
    /// It is listed, or may have been created too short a time ago to be.
    Expected,
    /// Somebody removed it.
    Removed,
    /// The application was deleted.
    AppDeleted,
}

/// The own application's identity in the customer's tenant: with the operator's credential where one was brought, else
/// with one that is created for this run.
///
/// # Errors
/// When there is no application, or no credential can be created.
pub async fn identity(run: &StepRun) -> Result<AzureIdentity, StepError> {
    let Some(application) = run.facts().own_app else {
        return Err(RunError::new(RunErrorKind::NotFound, "There is no own application.", "").into());
    };
    let credential = match (&run.app_credential, run.created_credential()) {
        (Some(brought), _) if is_given(run) => brought.clone(),
        (_, Some(minted)) => minted.credential.clone(),
        (_, None) => shared(run, &application).await?.credential.clone(),
    };
    let azure = &run.azure;
    Ok(AzureIdentity::application(
        azure.cloud(),
        azure.wire().clone(),
        run.intent.tenant,
        application.app_id,
        credential,
    ))
}

fn is_given(run: &StepRun) -> bool {
    matches!(run.intent.own_app, Some(Wanted::Given(_)))
}

/// The credential that a run beside this one uses, as long as it is not too old; or a new one.
async fn shared(run: &StepRun, application: &AppRegistration) -> Result<Arc<CreatedCredential>, StepError> {
    let queue = run.company.credentials(application.id);
    let mut leases = queue.lock().await;
    let lasts = |lease: &&mut SharedCredential| lease.minted.made.elapsed() < limits::CREDENTIAL_SHARED;
    let minted = if let Some(lease) = leases.iter_mut().find(lasts) {
        lease.users += 1;
        run.update_state(|facts| facts.credential_made = true);
        Arc::clone(&lease.minted)
    } else {
        let minted = Arc::new(create_credential(run, application, &in_use(&leases)).await?);
        leases.push(SharedCredential {
            minted: Arc::clone(&minted),
            users: 1,
        });
        minted
    };
    run.set_minted(Some(Arc::clone(&minted)));
    Ok(minted)
}

/// Looks whether the credential that this run signs in with is still listed.
pub async fn presence(run: &StepRun) -> CredentialPresence {
    let (Some(minted), Some(application)) = (run.created_credential(), run.facts().own_app) else {
        return CredentialPresence::Expected;
    };
    let Ok(read) = run.azure.application(application.app_id).await else {
        return CredentialPresence::Expected;
    };
    let listed = read.as_ref().is_some_and(|app| {
        let mut all = app.passwords.iter().chain(&app.keys);
        all.any(|one| one.key_id == minted.key_id)
    });
    if listed {
        minted.seen.store(true, Ordering::Relaxed);
        minted.missed.store(0, Ordering::Relaxed);
        return CredentialPresence::Expected;
    }
    // One of this moment is not in every answer yet, and an answer may be behind.
    let missed = minted.missed.fetch_add(1, Ordering::Relaxed) + 1;
    let was_there = minted.seen.load(Ordering::Relaxed) || minted.made.elapsed() >= limits::COUNTED_STILL;
    if !was_there || missed < limits::MISSED_LOOKS {
        return CredentialPresence::Expected;
    }
    if read.is_some() {
        CredentialPresence::Removed
    } else {
        CredentialPresence::AppDeleted
    }
}

/// Forgets a credential that was removed, so that the next sign-in creates another one.
pub async fn forget(run: &StepRun) {
    let (Some(minted), Some(application)) = (run.created_credential(), run.facts().own_app) else {
        return;
    };
    let queue = run.company.credentials(application.id);
    queue.lock().await.retain(|lease| lease.minted.key_id != minted.key_id);
    run.set_minted(None);
}

/// Says that the application was deleted under the run's hands.
pub fn app_deleted(run: &StepRun) -> RunError {
    let name = run.facts().own_app.map_or_else(String::new, |app| app.display_name);
    let mut problem = RunError::new(
        RunErrorKind::Conflict,
        format!("The application {name} was deleted while this run used it."),
        "Another run (a teardown of this peering?) or an administrator deleted it.",
    );
    problem.remedies = vec!["Once no other run works on this peering, run the same command again.".to_owned()];
    problem
}

async fn create_credential(
    run: &StepRun,
    application: &AppRegistration,
    in_use: &[Uuid],
) -> Result<CreatedCredential, StepError> {
    run.tell(STEP, StepEvent::Doing("creating a credential for this run".to_owned()));
    run.company.markers().begin(run.company.run_id());
    let forbidden = run
        .facts()
        .app_restrictions
        .known()
        .and_then(|found| found.secrets.clone());
    let by_policy = match forbidden {
        Some(policy) => format!("policy \"{policy}\""),
        None => match mint_secret(run, application, in_use).await {
            Err(StepError::Failed(problem)) if is_app_policy(problem.code.as_deref()) => problem.why,
            minted => return minted,
        },
    };
    mint_certificate(run, application, &by_policy).await
}

async fn mint_secret(
    run: &StepRun,
    application: &AppRegistration,
    in_use: &[Uuid],
) -> Result<CreatedCredential, StepError> {
    let doing = "creating a credential for the own application";
    let (object_id, name) = (application.id, credential_name(run.company.run_id()));
    // Noted before it is asked for: should the answer be lost, clean-up looks for it all the same.
    run.update_state(|facts| facts.credential_made = true);
    let also = ["Request_ResourceNotFound"];
    let mut tries = 1;
    let password = loop {
        let attempt = || async {
            match run.azure.add_password(object_id, &name, limits::CREDENTIAL_LIFE).await {
                Err(error) if error.in_doubt() => Ok(Err(error)),
                other => other.map(Ok),
            }
        };
        let asked = match run.retry_while_replicating(STEP, doing, &also, attempt).await {
            Err(StepError::Failed(problem)) if is_app_policy(problem.code.as_deref()) => {
                run.update_state(|facts| facts.credential_made = false);
                return Err(StepError::Failed(problem));
            }
            Err(StepError::Failed(problem)) if problem.kind == RunErrorKind::Permission => {
                // Refused is not lost: there is nothing to look for.
                run.update_state(|facts| facts.credential_made = false);
                return Err(StepError::blocked(no_credential(&run.intent, application), &problem));
            }
            asked => asked?,
        };
        match asked {
            Ok(password) => break password,
            Err(error) if tries == limits::DOUBTFUL_TRIES => return Err(StepError::api(doing, &error)),
            // It may be there, but nobody knows its text any more.
            Err(_) => {
                run.update_state(|facts| facts.credential_in_doubt = true);
                remove_all(run, application, in_use).await?;
            }
        }
        tries += 1;
        run.update_state(|facts| facts.credential_made = true);
    };
    let id = format!("{} (for an hour at most)", password.key_id);
    run.changed(STEP, ChangeAction::Created, "passwordCredential", id);
    Ok(CreatedCredential {
        key_id: password.key_id,
        is_certificate: false,
        credential: AppCredential::Secret(password.secret),
        made: Instant::now(),
        seen: AtomicBool::new(false),
        missed: AtomicU32::new(0),
    })
}

/// Creates a certificate, for use if a policy forbids client secrets.
async fn mint_certificate(
    run: &StepRun,
    application: &AppRegistration,
    by_policy: &str,
) -> Result<CreatedCredential, StepError> {
    let doing = "registering a certificate with the own application";
    let said = "a policy forbids client secrets: creating a certificate";
    run.tell(STEP, StepEvent::Doing(said.to_owned()));
    let (name, now) = (credential_name(run.company.run_id()), run.azure.wire().service_time());
    let created = {
        let name = name.clone();
        tokio::task::spawn_blocking(move || SignInCertificate::self_signed(&name, now, limits::CREDENTIAL_LIFE)).await
    };
    let failed = |why: String| RunError::new(RunErrorKind::Azure, "No certificate can be created.", why);
    let certificate = created.map_err(|error| failed(error.to_string()))?.map_err(failed)?;
    let key_id = Uuid::new_v4();
    run.update_state(|facts| facts.credential_made = true);
    let life = limits::CREDENTIAL_LIFE;
    let attempt = || {
        let key = (key_id, name.as_str());
        run.azure.add_certificate(application.id, key, certificate.der(), life)
    };
    match run
        .retry_while_replicating(STEP, doing, &["Request_ResourceNotFound"], attempt)
        .await
    {
        Err(StepError::Failed(problem)) if is_app_policy(problem.code.as_deref()) => {
            run.update_state(|facts| facts.credential_made = false);
            return Err(all_forbidden(application, by_policy, &problem).into());
        }
        Err(StepError::Failed(problem)) if problem.kind == RunErrorKind::Permission => {
            run.update_state(|facts| facts.credential_made = false);
            return Err(StepError::blocked(no_credential(&run.intent, application), &problem));
        }
        registered => registered?,
    }
    let id = format!("{key_id} (a certificate, for an hour at most; client secrets are forbidden)");
    run.changed(STEP, ChangeAction::Created, "keyCredential", id);
    Ok(CreatedCredential {
        key_id,
        is_certificate: true,
        credential: AppCredential::Key(Arc::new(certificate)),
        made: Instant::now(),
        seen: AtomicBool::new(false),
        missed: AtomicU32::new(0),
    })
}

/// No credential that setup could create is allowed; a directory role does not change that.
fn all_forbidden(application: &AppRegistration, by_policy: &str, refused: &RunError) -> RunError {
    let mut problem = RunError::new(
        RunErrorKind::Azure,
        format!("No credential can be created for {}.", application.display_name),
        format!(
            "The tenant's app management policies forbid client secrets ({by_policy}) and certificates of its own ({}).",
            refused.why
        ),
    );
    problem.code.clone_from(&refused.code);
    problem.correlation_id.clone_from(&refused.correlation_id);
    problem.remedies = exemption(Some(application.app_id));
    problem
}

/// Returns the remedies if policies forbid secrets and certificates.
pub fn exemption(application: Option<Uuid>) -> Vec<String> {
    let id = application.map_or_else(|| "APP-ID".to_owned(), |id| id.to_string());
    vec![
        format!("Ask a Global Administrator for an app management policy that exempts the application {id}."),
        "Or use an application with a credential that the policies allow: --own-app APP-ID with \
         PEERCTL_OWN_APP_CERTIFICATE_PATH or PEERCTL_OWN_APP_FEDERATED_TOKEN_FILE."
            .to_owned(),
    ]
}

/// Returns the required action if the operator may not create a credential: someone else can provide one.
fn no_credential(intent: &PeeringIntent, app: &AppRegistration) -> ActionRequired {
    let id = app.app_id;
    ActionRequired {
        who: format!(
            "an owner of the application {}, or an Application Administrator of {}",
            app.display_name,
            intent.tenant_label()
        ),
        why: format!(
            "{} writes the local peering, and this sign-in may not create a credential for it.",
            app.display_name
        ),
        packet: vec![
            format!("az ad app credential reset --id {id} --append --query password --output tsv"),
            format!("Then run the same command again with --own-app {id} and that in PEERCTL_OWN_APP_SECRET."),
        ],
        answer: None,
    }
}
