//! Clean-up: no credential of the own application stays behind, of this run or of one that was killed. What another run may
//! still be using stays: its credential ends by itself, an hour after it was created.

use async_trait::async_trait;
use uuid::Uuid;

use super::own_app::access::{credential_name, is_over, is_setups, run_of};
use super::{ObservedState, SharedCredential, Step, StepError, StepRun};
use crate::azure::{AppRegistration, ListedCredential};
use crate::limits;
use crate::plan::{ChangeAction, PeeringIntent, StepDecision, StepEvent, StepId};

const STEP: StepId = StepId::CleanUp;

pub struct CleanUp;

#[async_trait]
impl Step for CleanUp {
    fn title(&self) -> &'static str {
        "Clean-up"
    }

    /// Reads nothing of its own: the own application was read with its credentials.
    async fn observe(&self, _run: &StepRun) -> Result<(), StepError> {
        Ok(())
    }

    fn decide(&self, _intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        let change = |what: String| StepDecision::Change {
            what,
            differences: Vec::new(),
        };
        match (facts.credential_made, leftovers(facts).len()) {
            (true, _) => change("remove the credential of this run".to_owned()),
            (false, 0) if in_use_elsewhere(facts) => StepDecision::InPlace(
                "no credential is left behind, but for one that another run may be using; it ends within the hour"
                    .to_owned(),
            ),
            (false, 0) => StepDecision::InPlace("no credential is left behind".to_owned()),
            (false, 1) => change("remove a credential that an earlier run left behind".to_owned()),
            (false, count) => change(format!("remove {count} credentials that earlier runs left behind")),
        }
    }

    async fn act(&self, run: &StepRun, _decision: &StepDecision) -> Result<(), StepError> {
        clean_up(run).await
    }

    fn plan_removal(&self, intent: &PeeringIntent, facts: &ObservedState) -> StepDecision {
        match self.decide(intent, facts) {
            StepDecision::InPlace(what) => StepDecision::Absent(what),
            leftover => StepDecision::Remove {
                what: leftover.what().trim_start_matches("remove ").to_owned(),
                kept: Vec::new(),
            },
        }
    }

    async fn remove(&self, run: &StepRun) -> Result<(), StepError> {
        clean_up(run).await
    }
}

/// Credentials of the own application that earlier runs left behind: no run can be using them any more.
pub fn leftovers(facts: &ObservedState) -> Vec<&ListedCredential> {
    let over = |one: &ListedCredential| {
        let ended = run_of(one).is_some_and(|run| facts.ended_runs.contains(&run));
        ended || facts.service_time.is_some_and(|now| is_over(one, now))
    };
    let all = facts.own_app.iter().flat_map(setups_credentials);
    all.filter(|one| over(one)).collect()
}

/// Another run may be using one.
fn in_use_elsewhere(facts: &ObservedState) -> bool {
    let count = facts.own_app.iter().flat_map(setups_credentials).count();
    count > leftovers(facts).len()
}

fn setups_credentials(application: &AppRegistration) -> impl Iterator<Item = &ListedCredential> {
    let all = application.passwords.iter().chain(&application.keys);
    all.filter(|one| is_setups(one))
}

/// Returns the credentials of an application that this run removes: its own, and those that earlier runs left behind.
fn removable(run: &StepRun, application: &AppRegistration) -> Vec<Uuid> {
    let (own, now) = (credential_name(run.company.run_id()), run.azure.wire().service_time());
    let ended = |one: &ListedCredential| run_of(one).is_some_and(|other| run.company.markers().has_ended(other));
    let goes = |one: &&ListedCredential| one.display_name.as_ref() == Some(&own) || is_over(one, now) || ended(one);
    setups_credentials(application)
        .filter(goes)
        .map(|one| one.key_id)
        .collect()
}

/// Removes this run's credential, once no run beside this one uses it, and those that are left of earlier ones; also called
/// when a run is canceled.
///
/// # Errors
/// What Graph answered; the credential then ends by itself, an hour after it was made.
pub async fn clean_up(run: &StepRun) -> Result<(), StepError> {
    let Some(application) = run.facts().own_app else {
        return Ok(());
    };
    let queue = run.company.credentials(application.id);
    let mut leases = queue.lock().await;
    if let Some(mine) = run.created_credential()
        && let Some(at) = leases.iter().position(|lease| lease.minted.key_id == mine.key_id)
    {
        leases[at].users -= 1;
        if leases[at].users > 0 {
            // Whoever is the last removes it.
            run.set_minted(None);
            run.update_state(|facts| facts.credential_made = false);
            return Ok(());
        }
        leases.remove(at);
    }
    let removed = remove_all(run, &application, &in_use(&leases)).await;
    if removed.is_err() {
        // It may be gone all the same: nobody else is to use it, and it is looked for by its name.
        run.set_minted(None);
        run.update_state(|facts| facts.credential_in_doubt = true);
    }
    drop(leases);
    run.company.cleaned_up(removed.is_ok()).await;
    removed
}

/// The credentials that runs beside this one use.
pub(super) fn in_use(leases: &[SharedCredential]) -> Vec<Uuid> {
    leases.iter().map(|lease| lease.minted.key_id).collect()
}

/// Removes the credentials of this process and what is left of earlier runs, but those `spared`.
pub(super) async fn remove_all(run: &StepRun, application: &AppRegistration, spared: &[Uuid]) -> Result<(), StepError> {
    run.tell(STEP, StepEvent::Doing("removing the credential".to_owned()));
    let mut keys = left(run, application).await?;
    keys.retain(|key| !spared.contains(key));
    let minted = run
        .created_credential()
        .filter(|minted| minted.is_certificate)
        .map(|minted| minted.key_id);
    let certificate = |key: &Uuid| minted == Some(*key) || application.keys.iter().any(|one| one.key_id == *key);
    let (certificates, passwords): (Vec<Uuid>, Vec<Uuid>) = keys.iter().partition(|key| certificate(key));
    let doing = "removing the own application's credential";
    for key in passwords {
        run.retry_while_replicating(STEP, doing, &[], || run.azure.remove_password(application.id, key))
            .await?;
        run.changed(STEP, ChangeAction::Deleted, "passwordCredential", key.to_string());
    }
    if !certificates.is_empty() {
        let attempt = || run.azure.remove_certificates(application.id, &certificates);
        run.retry_while_replicating(STEP, doing, &[], attempt).await?;
    }
    for key in certificates {
        run.changed(STEP, ChangeAction::Deleted, "keyCredential", key.to_string());
    }
    run.set_minted(None);
    run.update_state(|facts| {
        facts.credential_made = false;
        if let Some(app) = &mut facts.own_app {
            app.passwords.retain(|one| !keys.contains(&one.key_id));
            app.keys.retain(|one| !keys.contains(&one.key_id));
        }
    });
    Ok(())
}

/// Returns the credentials of setup that remain after the credential of this run is removed. The ID of that credential
/// is known, so it is removed while the others are read. If Graph does not find it yet, or if another one may have been
/// created, the others are read first.
async fn left(run: &StepRun, application: &AppRegistration) -> Result<Vec<Uuid>, StepError> {
    let minted = run.created_credential().filter(|minted| !minted.is_certificate);
    let Some(minted) = minted.filter(|_| !run.facts().credential_in_doubt) else {
        return credentials(run, application.app_id).await;
    };
    let minted = minted.key_id;
    let (removed, read) = tokio::join!(
        run.azure.remove_password(application.id, minted),
        run.azure.application(application.app_id)
    );
    if !matches!(removed, Ok(true)) {
        return credentials(run, application.app_id).await;
    }
    run.changed(STEP, ChangeAction::Deleted, "passwordCredential", minted.to_string());
    run.set_minted(None);
    run.update_state(|facts| facts.credential_made = false);
    let mut keys = match read {
        Ok(Some(read)) => removable(run, &read),
        Ok(None) | Err(_) => credentials(run, application.app_id).await?,
    };
    // An answer that is behind does not show what was seen before.
    keys.extend(removable(run, application));
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| *key != minted);
    Ok(keys)
}

/// The credentials of ours, read anew: the answer that would have told of one may have been lost. One of this very
/// moment is not in every answer yet, and as long as it is not there it cannot be removed: so it is looked for again.
async fn credentials(run: &StepRun, app_id: Uuid) -> Result<Vec<Uuid>, StepError> {
    let minted = run.created_credential();
    let (made, is_certificate) = match &minted {
        Some(minted) => (Some(minted.key_id), minted.is_certificate),
        None => (None, false),
    };
    let mut wait = limits::INITIAL_POLL_INTERVAL;
    let mut looks = 1;
    loop {
        let read = run.azure.application(app_id).await;
        let read = read.map_err(|error| StepError::api("reading the own application's credentials", &error))?;
        let mut keys = read.as_ref().map(|app| removable(run, app)).unwrap_or_default();
        let expected = match made {
            Some(made) => keys.contains(&made),
            None => !run.facts().credential_made || !keys.is_empty(),
        };
        if expected || looks == limits::CREDENTIAL_LOOKS {
            // A certificate is removed by writing the list without it, whether this answer has it or not.
            keys.extend(made.filter(|made| is_certificate && !keys.contains(made)));
            return Ok(keys);
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
        looks += 1;
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::steps::samples;

    #[test]
    fn clean_up_keeps_active_run_credential() {
        let (intent, mut facts) = samples::kong_done();
        let verb = |facts: &ObservedState| CleanUp.decide(&intent, facts).verb();
        let other = format!("peerctl setup {}", Uuid::from_u128(7));
        let (during, after) = (datetime!(2026-11-21 09:30 UTC), datetime!(2026-11-21 10:30 UTC));
        // (credentials, the time, what is done)
        let table = [
            (vec!["the team's own"], after, "in place"),
            (vec![other.as_str(), "the team's own"], after, "change"),
            (vec![other.as_str()], during, "in place"),
            (vec!["peerctl setup"], after, "change"),
        ];
        for (names, now, expected) in table {
            let listed = names.iter().map(|name| samples::credential(name)).collect();
            facts.own_app = Some(samples::own_app(listed));
            facts.service_time = Some(now);
            assert_eq!(verb(&facts), expected, "{names:?} at {now}");
        }
        facts.own_app = None;
        facts.credential_made = true;
        assert_eq!(verb(&facts), "change");
    }
}
