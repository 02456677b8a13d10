//! Clean-up: no credential of the own application's stays behind, this run's or one of a run that was killed.

use async_trait::async_trait;
use uuid::Uuid;

use super::own_app::CREDENTIAL;
use super::{Facts, Lease, Run, Step, Stop};
use crate::azure::Application;
use crate::limits;
use crate::plan::{Action, Decision, Intent, StepEvent, StepId};

const STEP: StepId = StepId::CleanUp;

pub struct CleanUp;

#[async_trait]
impl Step for CleanUp {
    fn title(&self) -> &'static str {
        "Clean-up"
    }

    /// Reads nothing of its own: the own application was read with its credentials.
    async fn observe(&self, _run: &Run) -> Result<(), Stop> {
        Ok(())
    }

    fn decide(&self, _intent: &Intent, facts: &Facts) -> Decision {
        let change = |what: String| Decision::Change {
            what,
            differences: Vec::new(),
        };
        match (
            facts.credential_made,
            facts.own_app.as_ref().map_or(0, |app| leftovers(app).len()),
        ) {
            (true, _) => change("remove the credential of this run".to_owned()),
            (false, 0) => Decision::InPlace("no credential is left behind".to_owned()),
            (false, 1) => change("remove a credential that an earlier run left behind".to_owned()),
            (false, count) => change(format!("remove {count} credentials that earlier runs left behind")),
        }
    }

    async fn act(&self, run: &Run, _decision: &Decision) -> Result<(), Stop> {
        clean_up(run).await
    }

    fn undoing(&self, intent: &Intent, facts: &Facts) -> Decision {
        match self.decide(intent, facts) {
            Decision::InPlace(what) => Decision::Absent(what),
            leftover => Decision::Remove {
                what: leftover.what().trim_start_matches("remove ").to_owned(),
                kept: Vec::new(),
            },
        }
    }

    async fn undo(&self, run: &Run) -> Result<(), Stop> {
        clean_up(run).await
    }
}

/// The credentials of ours that it has.
pub fn leftovers(application: &Application) -> Vec<Uuid> {
    let ours = application
        .passwords
        .iter()
        .filter(|password| password.display_name.as_deref() == Some(CREDENTIAL));
    ours.map(|password| password.key_id).collect()
}

/// Removes every credential that setup made, once no run beside this one uses it; also called when a run is cancelled.
///
/// # Errors
/// What Graph answered; the credential then ends by itself, an hour after it was made.
pub async fn clean_up(run: &Run) -> Result<(), Stop> {
    let Some(application) = run.facts().own_app else {
        return Ok(());
    };
    let queue = run.company.credentials(application.id);
    let mut leases = queue.lock().await;
    if let Some(mine) = run.minted()
        && let Some(at) = leases.iter().position(|lease| lease.minted.key_id == mine.key_id)
    {
        leases[at].users -= 1;
        if leases[at].users > 0 {
            // Whoever is the last removes it.
            run.set_minted(None);
            run.learn(|facts| facts.credential_made = false);
            return Ok(());
        }
        leases.remove(at);
    }
    let removed = remove_all(run, &application, &in_use(&leases)).await;
    if removed.is_err() {
        // It may be gone all the same: nobody else is to use it, and it is looked for by its name.
        run.set_minted(None);
        run.learn(|facts| facts.credential_in_doubt = true);
    }
    removed
}

/// The credentials that runs beside this one use.
pub(super) fn in_use(leases: &[Lease]) -> Vec<Uuid> {
    leases.iter().map(|lease| lease.minted.key_id).collect()
}

/// Removes every credential that setup made but those `spared`.
pub(super) async fn remove_all(run: &Run, application: &Application, spared: &[Uuid]) -> Result<(), Stop> {
    run.tell(STEP, StepEvent::Doing("removing the credential".to_owned()));
    for key in left(run, application).await? {
        if spared.contains(&key) {
            continue;
        }
        let doing = "removing the own application's credential";
        run.patiently(STEP, doing, &[], || run.azure.remove_password(application.id, key))
            .await?;
        run.changed(STEP, Action::Deleted, "passwordCredential", key.to_string());
    }
    run.set_minted(None);
    run.learn(|facts| {
        facts.credential_made = false;
        if let Some(app) = &mut facts.own_app {
            app.passwords
                .retain(|password| password.display_name.as_deref() != Some(CREDENTIAL));
        }
    });
    Ok(())
}

/// What is left of ours once the credential of this run is removed. That one is known by its id, so it goes while the
/// others are looked for; where Graph does not find it yet, or another one may have been made, they are looked for first.
async fn left(run: &Run, application: &Application) -> Result<Vec<Uuid>, Stop> {
    let minted = run.minted().map(|minted| minted.key_id);
    let Some(minted) = minted.filter(|_| !run.facts().credential_in_doubt) else {
        return credentials(run, application.app_id).await;
    };
    let (removed, read) = tokio::join!(
        run.azure.remove_password(application.id, minted),
        run.azure.application(application.app_id)
    );
    if !matches!(removed, Ok(true)) {
        return credentials(run, application.app_id).await;
    }
    run.changed(STEP, Action::Deleted, "passwordCredential", minted.to_string());
    run.set_minted(None);
    run.learn(|facts| facts.credential_made = false);
    let mut keys = match read {
        Ok(Some(read)) => leftovers(&read),
        Ok(None) | Err(_) => credentials(run, application.app_id).await?,
    };
    // An answer that is behind does not show what was seen before.
    keys.extend(leftovers(application));
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| *key != minted);
    Ok(keys)
}

/// The credentials of ours, read anew: the answer that would have told of one may have been lost. One of this very
/// moment is not in every answer yet, and as long as it is not there it cannot be removed: so it is looked for again.
async fn credentials(run: &Run, app_id: Uuid) -> Result<Vec<Uuid>, Stop> {
    let made = run.minted().map(|minted| minted.key_id);
    let mut wait = limits::FIRST_LOOK;
    let mut looks = 1;
    loop {
        let read = run.azure.application(app_id).await;
        let read = read.map_err(|error| Stop::api("reading the own application's credentials", &error))?;
        let keys = read.as_ref().map(leftovers).unwrap_or_default();
        let expected = match made {
            Some(made) => keys.contains(&made),
            None => !run.facts().credential_made || !keys.is_empty(),
        };
        if expected || looks == limits::CREDENTIAL_LOOKS {
            return Ok(keys);
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
        looks += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::PasswordCredential;
    use crate::steps::samples;

    #[test]
    fn only_credentials_of_ours_are_leftovers() {
        let (intent, mut facts) = samples::kong_done();
        let password = |name: &str| PasswordCredential {
            key_id: Uuid::new_v4(),
            display_name: Some(name.to_owned()),
            ends: None,
        };
        facts.own_app = Some(samples::own_app(vec![password("the team's own")]));
        assert_eq!(CleanUp.decide(&intent, &facts).verb(), "in place");
        facts.own_app = Some(samples::own_app(vec![password(CREDENTIAL), password("the team's own")]));
        assert_eq!(CleanUp.decide(&intent, &facts).verb(), "change");
        facts.own_app = None;
        facts.credential_made = true;
        assert_eq!(CleanUp.decide(&intent, &facts).verb(), "change");
    }
}
