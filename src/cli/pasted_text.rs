//! Inputs of a run: in its document, and as command lines to continue with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::config::{self, ProfileAnswers};
use super::rerun_command::RepeatCommand;
use crate::azure::AzureCloud;
use crate::input::config::NO_PROFILE;
use crate::input::{
    EnvironmentVariables, GatheredInputs, GivenInputs, INPUTS, NEVER_IN_A_FILE, REHEARSED, VNET_PARTS, ValueSource,
};
use crate::plan::VendorAccess;
use crate::render::RunReport;

/// Notes it in the document.
pub fn note(report: &mut RunReport, gathered: &GatheredInputs) {
    let intent = &gathered.intent;
    let mut inputs = BTreeMap::from([
        ("tenantId".to_owned(), Value::from(intent.tenant.to_string())),
        ("vnetId".to_owned(), Value::from(intent.vnet.to_string())),
        ("consent".to_owned(), Value::from(intent.consent.to_string())),
        ("vendorAccess".to_owned(), Value::from(intent.access.to_string())),
    ]);
    if let Some(app) = &intent.vendor_app {
        inputs.insert("applicationId".to_owned(), Value::from(app.id.to_string()));
    }
    let sets = &gathered.vendor_inputs;
    let sets: serde_json::Map<String, Value> = sets
        .iter()
        .map(|(key, values)| (key.clone(), Value::from(values.clone())))
        .collect();
    inputs.insert("set".to_owned(), Value::Object(sets));
    report.asked(&intent.vendor.id, &gathered.cloud, inputs);
}

/// Environment that a command line meets where it is pasted.
#[derive(Debug, Clone, Copy)]
pub enum PastedText {
    /// The embedded Azure.
    Rehearsal,
    /// A profile that it does not name, and that would add what was not meant.
    BesideAProfile,
    Alone,
}

impl PastedText {
    /// Among these variables. A file is looked at for it.
    pub fn among(vars: &EnvironmentVariables, rehearsal: bool) -> Self {
        match rehearsal {
            true => Self::Rehearsal,
            false if config::counts_unasked(vars) => Self::BesideAProfile,
            false => Self::Alone,
        }
    }
}

/// For command lines on the same peering.
pub fn known(gathered: &GatheredInputs, pasted: PastedText) -> RepeatCommand {
    let intent = &gathered.intent;
    let mut flags = gathered.talk.given.flags(&gathered.vendor_inputs);
    match pasted {
        PastedText::Rehearsal => {
            // The embedded Azure brings its own.
            flags.retain(|(flag, _)| flag != "--cloud");
            flags.insert(0, ("--sandbox".to_owned(), String::new()));
        }
        // The flags say everything.
        PastedText::BesideAProfile => flags.insert(0, ("--profile".to_owned(), NO_PROFILE.to_owned())),
        PastedText::Alone => {}
    }
    // A token is no argument; the embedded Azure brings its own.
    let access = intent.vendor.access.as_ref();
    let by_api = intent.access == VendorAccess::Api && !matches!(pasted, PastedText::Rehearsal);
    let access = access.filter(|_| by_api);
    RepeatCommand {
        flags,
        peering: vec![
            ("--tenant-id".to_owned(), intent.tenant.to_string()),
            ("--vnet-id".to_owned(), intent.vnet.to_string()),
        ],
        token_env: access.map(|access| access.token_env.clone()),
        ..RepeatCommand::default()
    }
}

/// The flags that say where secrets go, which no profile takes.
fn beside(given: &GivenInputs) -> Vec<(String, String)> {
    let by_flag = |id: &&str| given.source(id) == Some(ValueSource::Flag);
    let ids = ["cloud"].into_iter().chain(NEVER_IN_A_FILE).filter(by_flag);
    let value = |id: &str| given.get(id).map(|value| (format!("--{id}"), value.to_owned()));
    let values = ids.filter_map(value);
    values
        .filter(|(flag, value)| flag != "--cloud" || AzureCloud::well_known(value).is_none())
        .collect()
}

/// For a profile, with these switches on. It names tenant and network by their ids: nothing in another shell's
/// environment changes which ones are meant.
pub fn answers(gathered: &GatheredInputs, switches: &[&'static str], rehearsal: bool) -> ProfileAnswers {
    let (intent, given) = (&gathered.intent, &gathered.talk.given);
    let value = |id: &'static str| match id {
        "tenant-id" => Some(intent.tenant.to_string()),
        "vnet-id" => Some(intent.vnet.to_string()),
        // A profile can't say where secrets go.
        "cloud" if !rehearsal => given
            .get(id)
            .filter(|name| AzureCloud::well_known(name).is_some())
            .map(str::to_owned),
        id if NEVER_IN_A_FILE.contains(&id) => None,
        id if VNET_PARTS.contains(&id) || rehearsal && REHEARSED.contains(&id) => None,
        _ => given.get(id).map(str::to_owned),
    };
    let mut sets = gathered.vendor_inputs.clone();
    // What was asked for and left empty is not asked for again.
    for input in intent.vendor.inputs.iter().filter(|input| input.ask) {
        sets.entry(input.key.clone()).or_default();
    }
    ProfileAnswers {
        values: INPUTS
            .iter()
            .filter_map(|input| Some((input.id, value(input.id)?)))
            .collect(),
        switches: switches.to_vec(),
        sets,
        beside: beside(given).into_iter().filter(|_| !rehearsal).collect(),
        name: format!("{}-{}", intent.vendor.id, intent.vnet.name),
        rehearsal,
    }
}
