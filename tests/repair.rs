//! `peerctl azure repair`: a link that waiting does not mend is made whole, or it is said who else has to act.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::both_sides::{
    AIVEN, AIVEN_NETWORK, DRAGONFLY, DRAGONFLY_ACCOUNT, DRAGONFLY_VPC, PARTNER_TENANT, Party, assert_in_place,
    assert_no_credential, changes, partner, said, step,
};
use support::cli::{Ran, Run, peerctl};
use support::colleague::Colleague;
use support::kong::VNET_ID;
use support::served::{Body, Served, poll};

/// A link that can be set up, broken and repaired.
#[derive(Clone, Copy, PartialEq)]
enum Link {
    Kong,
    Aiven,
    Dragonfly,
    Generic,
}

impl Link {
    fn inputs(self) -> Vec<String> {
        let texts: &[&str] = match self {
            Self::Kong => &["--vendor", "kong", "--set", "network=eastus2-network"],
            Self::Aiven => &[&["--vendor", "aiven"], AIVEN.inputs].concat(),
            Self::Dragonfly => &[&["--vendor", "dragonfly"], DRAGONFLY.inputs].concat(),
            Self::Generic => &[
                "--vendor",
                "generic",
                "--set",
                &format!("remote-vnet-id={}", partner("vnet-partner")),
                "--set",
                &format!("remote-tenant-id={PARTNER_TENANT}"),
            ],
        };
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// `peerctl azure COMMAND` on this link, with every input and without a question.
    fn args(self, command: &str, more: &[&str]) -> Vec<String> {
        let mut args: Vec<String> = ["azure", command, "--no-input", "--vnet-id", VNET_ID].map(str::to_owned).into();
        if command != "status" {
            args.push("--yes".to_owned());
        }
        args.extend(self.inputs());
        args.extend(more.iter().map(|text| (*text).to_owned()));
        args
    }

    fn run(self, sandbox: &Served, command: &str, more: &[&str]) -> Run {
        peerctl(self.args(command, more)).envs(sandbox.env())
    }

    /// Its JSON document.
    #[track_caller]
    fn document(self, sandbox: &Served, command: &str, code: i32) -> Value {
        let ran = self.run(sandbox, command, &["-o", "json"]).run();
        ran.expect_code(code).json()
    }

    /// The other side's network.
    fn their_network(self, sandbox: &Served) -> String {
        match self {
            Self::Kong => theirs(sandbox)[0].0.clone(),
            Self::Aiven => AIVEN_NETWORK.to_owned(),
            Self::Dragonfly => {
                format!("{DRAGONFLY_ACCOUNT}/providers/Microsoft.Network/virtualNetworks/{DRAGONFLY_VPC}")
            }
            Self::Generic => partner("vnet-partner"),
        }
    }

    fn party(self) -> Option<Party> {
        match self {
            Self::Aiven => Some(AIVEN),
            Self::Dragonfly => Some(DRAGONFLY),
            Self::Kong | Self::Generic => None,
        }
    }
}

/// A world in which the link was set up.
#[track_caller]
fn set_up(link: Link) -> Served {
    let sandbox = Served::start(["--lag", "none"]);
    link.run(&sandbox, "setup", &[]).run().expect_code(0);
    sandbox
}

/// Our directions, as the dump has them.
#[track_caller]
fn ours(sandbox: &Served) -> Vec<Value> {
    let state = sandbox.state();
    let vnets = state["virtualNetworks"].as_array().expect("networks");
    let own = vnets.iter().find(|vnet| vnet["id"] == VNET_ID).expect("vnet-app");
    own["peerings"].as_array().expect("a list").clone()
}

/// The other sides' directions, each with its network's id.
#[track_caller]
fn theirs(sandbox: &Served) -> Vec<(String, Value)> {
    let state = sandbox.state();
    let vnets = state["virtualNetworks"].as_array().expect("networks").iter();
    vnets
        .flat_map(|vnet| {
            let id = vnet["id"].as_str().unwrap_or_default().to_owned();
            let peerings = vnet["peerings"].as_array().cloned().unwrap_or_default();
            peerings.into_iter().map(move |peering| (id.clone(), peering))
        })
        .filter(|(_, peering)| peering["remote"] == VNET_ID)
        .collect()
}

#[track_caller]
fn edit(sandbox: &Served, change: Value) {
    let (status, _) = sandbox.send(Method::POST, "/_sandbox/edit", None, Body::Json(change.clone()));
    assert_eq!(status, 204, "{change}");
}

/// Removes a peering without asking anyone's leave: as its owner would.
#[track_caller]
fn removes(sandbox: &Served, vnet: &str, peering: &Value) {
    let name = peering["name"].as_str().expect("a name");
    edit(sandbox, json!({"remove": format!("{vnet}/virtualNetworkPeerings/{name}")}));
}

#[track_caller]
fn removes_ours(sandbox: &Served, _link: Link) {
    removes(sandbox, VNET_ID, &ours(sandbox)[0]);
}

#[track_caller]
fn removes_theirs(sandbox: &Served, _link: Link) {
    let (vnet, peering) = theirs(sandbox).remove(0);
    removes(sandbox, &vnet, &peering);
}

#[track_caller]
fn widens(sandbox: &Served, vnet: &str) {
    let state = sandbox.state();
    let vnets = state["virtualNetworks"].as_array().expect("networks");
    let found = vnets.iter().find(|found| found["id"] == vnet).expect("the network");
    let mut prefixes = found["addressSpace"].as_array().expect("prefixes").clone();
    prefixes.push(json!("10.99.0.0/16"));
    edit(sandbox, json!({"addressSpace": {"id": vnet, "prefixes": prefixes}}));
}

#[track_caller]
fn widens_ours(sandbox: &Served, _link: Link) {
    widens(sandbox, VNET_ID);
}

#[track_caller]
fn widens_theirs(sandbox: &Served, link: Link) {
    widens(sandbox, &link.their_network(sandbox));
}

/// One peering on either side, Connected, each with the addresses that the other side has now.
#[track_caller]
fn assert_whole(sandbox: &Served) {
    let (ours, theirs) = (ours(sandbox), theirs(sandbox));
    assert_eq!((ours.len(), theirs.len()), (1, 1), "{ours:#?} {theirs:#?}");
    let state = sandbox.state();
    let addresses = |id: &Value| {
        let vnets = state["virtualNetworks"].as_array().expect("networks");
        let found = vnets.iter().find(|vnet| vnet["id"] == *id);
        found.expect("the network")["addressSpace"].clone()
    };
    for half in [&ours[0], &theirs[0].1] {
        assert_eq!(half["state"], "Connected", "{half:#}");
        assert_eq!(half["remoteAddressSpace"], addresses(&half["remote"]), "{half:#}");
    }
}

/// Two dumps are equal, but for the names that vendors give their own directions.
#[track_caller]
fn assert_same_world(before: &Value, after: &Value) {
    let named = |world: &Value, list: &str| {
        let mut list = world[list].clone();
        for vnet in list.as_array_mut().into_iter().flatten() {
            for peering in vnet["peerings"].as_array_mut().into_iter().flatten() {
                if peering["name"].as_str().is_some_and(|name| name.starts_with("customer-")) {
                    peering["name"] = json!("customer-…");
                }
            }
        }
        list
    };
    for list in before.as_object().expect("a dump").keys() {
        assert_eq!(named(before, list), named(after, list), "{list}");
    }
}

/// A second repair finds nothing, says so, and writes nothing.
#[track_caller]
fn assert_nothing_to_repair(link: Link, sandbox: &Served) {
    let writes = sandbox.writes();
    let ran = link.run(sandbox, "repair", &[]).run().expect_code(0);
    assert!(ran.stdout.starts_with("Nothing to repair."), "{ran}");
    assert_eq!(sandbox.writes(), writes);
    link.document(sandbox, "status", 0);
}

// ------------------------------------------------------------------------------------------------ made whole

type Break = fn(&Served, Link);

/// Breaks the link, repairs it, and finds one link again where there was one; with halves that were removed, the very
/// world that there was before.
#[track_caller]
fn repaired(link: Link, breaks: Break, code: &str) -> (Served, Value) {
    let sandbox = set_up(link);
    let before = sandbox.state();
    breaks(&sandbox, link);
    let broken = link.document(&sandbox, "status", 4);
    assert_eq!(broken["standing"]["verdict"], "broken", "{broken:#}");
    let document = link.document(&sandbox, "repair", 0);
    assert_eq!(document["outcome"], "done", "{document:#}");
    let codes: Vec<&Value> = document["standing"]["faults"].as_array().expect("faults").iter().map(|one| &one["code"]).collect();
    assert!(codes.contains(&&json!(code)), "{document:#}");
    assert_in_place(&document);
    assert_whole(&sandbox);
    assert_no_credential(&sandbox);
    if !code.ends_with("InSync") {
        assert_same_world(&before, &sandbox.state());
    }
    assert_nothing_to_repair(link, &sandbox);
    (sandbox, document)
}

macro_rules! repaired {
    ($($test:ident: $link:ident $breaks:ident $code:literal)+) => {
        $(#[test]
        fn $test() {
            repaired(Link::$link, $breaks, $code);
        })+
    };
}

repaired! {
    kongs_half_was_removed: Kong removes_theirs "Disconnected"
    kong_and_our_half_was_removed: Kong removes_ours "Disconnected"
    aivens_half_was_removed: Aiven removes_theirs "Disconnected"
    aiven_and_our_half_was_removed: Aiven removes_ours "DELETED_BY_PEER"
    aivens_addresses_changed: Aiven widens_theirs "LocalNotInSync"
    dragonflys_half_was_removed: Dragonfly removes_theirs "Disconnected"
    dragonfly_and_our_half_was_removed: Dragonfly removes_ours "irrecoverable"
    dragonflys_addresses_changed: Dragonfly widens_theirs "LocalNotInSync"
    the_other_tenants_half_was_removed: Generic removes_theirs "Disconnected"
    another_tenant_and_our_half_was_removed: Generic removes_ours "Disconnected"
    the_other_tenants_addresses_changed: Generic widens_theirs "LocalNotInSync"
    another_tenant_and_our_addresses_changed: Generic widens_ours "RemoteNotInSync"
}
