//! `peerctl azure repair`: a link that waiting does not mend is made whole, or it is said who else has to act.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::both_sides::{
    AIVEN, AIVEN_NETWORK, AIVEN_TENANT, DRAGONFLY, DRAGONFLY_ACCOUNT, DRAGONFLY_VPC, PARTNER_TENANT, Party,
    assert_in_place, assert_no_credential, changes, partner, said, step,
};
use support::cli::{Run, peerctl};
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
        let mut args: Vec<String> = ["azure", command, "--no-input", "--vnet-id", VNET_ID]
            .map(str::to_owned)
            .into();
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
    edit(
        sandbox,
        json!({"remove": format!("{vnet}/virtualNetworkPeerings/{name}")}),
    );
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
                if peering["name"]
                    .as_str()
                    .is_some_and(|name| name.starts_with("customer-"))
                {
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
fn repaired(link: Link, breaks: Break, code: &str) {
    let sandbox = set_up(link);
    let before = sandbox.state();
    breaks(&sandbox, link);
    let broken = link.document(&sandbox, "status", 4);
    assert_eq!(broken["linkHealth"]["verdict"], "broken", "{broken:#}");
    let document = link.document(&sandbox, "repair", 0);
    assert_eq!(document["outcome"], "done", "{document:#}");
    let codes: Vec<&Value> = document["linkHealth"]["faults"]
        .as_array()
        .expect("faults")
        .iter()
        .map(|one| &one["code"])
        .collect();
    assert!(codes.contains(&&json!(code)), "{document:#}");
    assert_in_place(&document);
    assert_whole(&sandbox);
    assert_no_credential(&sandbox);
    if !code.ends_with("InSync") {
        assert_same_world(&before, &sandbox.state());
    }
    assert_nothing_to_repair(link, &sandbox);
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

#[test]
fn aivens_active_connection_may_leave_its_network_out() {
    let sandbox = set_up(Link::Aiven);
    edit(&sandbox, json!({"reticent": "aiven"}));
    widens_theirs(&sandbox, Link::Aiven);
    let document = Link::Aiven.document(&sandbox, "repair", 0);
    assert_eq!(document["outcome"], "done", "{document:#}");
    assert_whole(&sandbox);
}

// ------------------------------------------------------------------------------------------------ only what is meant

/// Gives a peering these settings, beside the network that it leads to.
#[track_caller]
fn limit(sandbox: &Served, vnet: &str, peering: &Value, properties: &Value) {
    let id = format!(
        "{vnet}/virtualNetworkPeerings/{}",
        peering["name"].as_str().expect("a name")
    );
    edit(sandbox, json!({"peering": {"id": id, "properties": properties}}));
}

/// What a peering links, and what else was set that peerctl has no word for.
fn settings(peering: &Value) -> Value {
    let mut settings = peering.clone();
    let settings_map = settings.as_object_mut().expect("an object");
    settings_map.retain(|name, _| !["name", "remote", "state", "remoteAddressSpace"].contains(&name.as_str()));
    settings
}

#[test]
fn subnet_peering_and_flags_survive_every_write() {
    let ours_is = json!({"peerCompleteVnets": false, "localSubnetNames": ["snet-api"], "remoteSubnetNames": ["default"],
        "enableOnlyIPv6Peering": true, "doNotVerifyRemoteGateways": true, "allowForwardedTraffic": true, "later": {"than": 2024}});
    let theirs_is = json!({"peerCompleteVnets": false, "localSubnetNames": ["default"], "remoteSubnetNames": ["snet-api"],
        "enableOnlyIPv6Peering": true});
    let table: [(&str, Break, &str, i32); 4] = [
        ("theirs is gone", removes_theirs, "repair", 0),
        ("ours is out of sync", widens_theirs, "repair", 0),
        ("theirs is out of sync", widens_ours, "repair", 0),
        ("more is asked for", |_, _| (), "setup", 0),
    ];
    for (what, breaks, command, code) in table {
        let sandbox = set_up(Link::Generic);
        limit(&sandbox, VNET_ID, &ours(&sandbox)[0], &ours_is);
        let (vnet, peering) = theirs(&sandbox).remove(0);
        limit(&sandbox, &vnet, &peering, &theirs_is);
        let mut expected = [settings(&ours(&sandbox)[0]), settings(&theirs(&sandbox)[0].1)];
        breaks(&sandbox, Link::Generic);
        let more: &[&str] = if command == "setup" {
            &["--allow-gateway-transit"]
        } else {
            &[]
        };
        let before = sandbox.writes().len();
        let ran = Link::Generic.run(&sandbox, command, more).run().expect_code(code);
        if command == "setup" {
            expected[0]["allowGatewayTransit"] = json!(true);
        }
        let writes = sandbox.writes().split_off(before);
        assert!(
            !writes.is_empty() && writes.iter().all(|write| write.starts_with("PUT ")),
            "{what}: {writes:?}\n{ran}"
        );
        assert_whole(&sandbox);
        assert_eq!(settings(&ours(&sandbox)[0]), expected[0], "{what}: ours");
        assert_eq!(settings(&theirs(&sandbox)[0].1), expected[1], "{what}: theirs");
        assert!(said(&ran).contains("only subnet"), "{what}\n{ran}");
    }
}

/// A recreation that is killed half-way could restore nothing, so it needs an explicit choice before it begins.
#[track_caller]
fn recreation_needs_a_choice(link: Link, properties: &Value, named: &[&str]) -> Served {
    let sandbox = set_up(link);
    limit(&sandbox, VNET_ID, &ours(&sandbox)[0], properties);
    removes_theirs(&sandbox, link);
    let before = (sandbox.state(), sandbox.writes());
    let ran = link.run(&sandbox, "repair", &[]).run().expect_code(4);
    let said = said(&ran);
    for part in ["must be deleted before", "az network vnet peering delete"]
        .iter()
        .chain(named)
    {
        assert!(said.contains(part), "{part}\n{ran}");
    }
    assert_eq!((sandbox.state(), sandbox.writes()), before);
    sandbox
}

#[test]
fn recreation_with_flags_needs_the_flags() {
    for link in [Link::Aiven, Link::Dragonfly] {
        let named = ["allowForwardedTraffic is set", "--allow-forwarded-traffic"];
        let sandbox = recreation_needs_a_choice(link, &json!({"allowForwardedTraffic": true}), &named);
        let expected = settings(&ours(&sandbox)[0]);
        link.run(&sandbox, "repair", &["--allow-forwarded-traffic"])
            .run()
            .expect_code(0);
        assert_whole(&sandbox);
        assert_eq!(settings(&ours(&sandbox)[0]), expected);
    }
}

#[test]
fn recreation_of_a_subnet_peering_is_left_to_the_operator() {
    let limited = json!({"peerCompleteVnets": false, "localSubnetNames": ["snet-api"], "remoteSubnetNames": ["a"]});
    for link in [Link::Kong, Link::Aiven, Link::Dragonfly] {
        let named = [
            "it links only subnet snet-api with subnet a",
            "az network vnet peering show",
        ];
        let sandbox = recreation_needs_a_choice(link, &limited, &named);
        // As the advice says.
        removes_ours(&sandbox, link);
        link.run(&sandbox, "repair", &[]).run().expect_code(0);
        assert_whole(&sandbox);
    }
}

#[test]
fn disconnected_under_a_delete_lock_is_written_again() {
    let sandbox = set_up(Link::Generic);
    removes_theirs(&sandbox, Link::Generic);
    edit(&sandbox, json!({"lock": {"scope": VNET_ID, "level": "CanNotDelete"}}));
    let document = Link::Generic.document(&sandbox, "repair", 0);
    assert_eq!(document["outcome"], "done", "{document:#}");
    assert_whole(&sandbox);
}

// ------------------------------------------------------------------------------------------------ the vendor's alone

/// Addresses changed, and only the vendor may write the direction that has to be synced.
#[track_caller]
fn the_vendors_to_sync(link: Link, breaks: Break, code: &str, who: &str) {
    let sandbox = set_up(link);
    breaks(&sandbox, link);
    let writes = sandbox.writes();
    let ran = link.run(&sandbox, "repair", &[]).run().expect_code(3);
    let said = said(&ran);
    assert!(
        said.contains(&format!(" is {code}: an address space has changed since")),
        "{ran}"
    );
    assert!(said.contains(&format!("Next: {who} {who} syncs the peering")), "{ran}");
    assert!(
        said.contains("What only ") && said.contains(&format!(" can do: {who} syncs ")),
        "{ran}"
    );
    let document = link.document(&sandbox, "repair", 3);
    assert_eq!(document["outcome"], "waiting");
    let fault = &document["linkHealth"]["faults"][0];
    assert_eq!(
        (&fault["code"], &fault["localFix"]),
        (&json!(code), &Value::Null),
        "{fault:#}"
    );
    assert!(
        fault["remoteFix"].as_str().is_some_and(|does| does.starts_with(who)),
        "{fault:#}"
    );
    assert_eq!(sandbox.writes(), writes, "nothing of it is ours to write");
}

macro_rules! the_vendors_to_sync {
    ($($test:ident: $link:ident $breaks:ident $code:literal $who:literal)+) => {
        $(#[test]
        fn $test() {
            the_vendors_to_sync(Link::$link, $breaks, $code, $who);
        })+
    };
}

the_vendors_to_sync! {
    kongs_addresses_changed_and_kong_syncs: Kong widens_theirs "LocalNotInSync" "Kong"
    our_addresses_changed_and_kong_syncs: Kong widens_ours "RemoteNotInSync" "Kong"
    our_addresses_changed_and_aiven_syncs: Aiven widens_ours "RemoteNotInSync" "Aiven"
    our_addresses_changed_and_dragonfly_syncs: Dragonfly widens_ours "RemoteNotInSync" "Dragonfly"
}

// ------------------------------------------------------------------------------------------------ the vendor gave up

#[test]
fn kongs_failed_request_is_made_anew_and_the_role_that_was_taken_away_is_put_back() {
    let sandbox = set_up(Link::Kong);
    let before = sandbox.state();
    let colleague = Colleague::of(&sandbox);
    colleague.deletes_gateways();
    colleague.removes_assignment();
    colleague.asks_kong();
    assert_eq!(colleague.gateways()[0]["state"], "error");
    let status = Link::Kong.document(&sandbox, "status", 4);
    assert_eq!(status["linkHealth"]["request"]["state"], "error", "{status:#}");
    let document = Link::Kong.document(&sandbox, "repair", 0);
    assert_eq!(changes(&document, "role-assignment"), ["created roleAssignment"]);
    let anew = ["deleted transit gateway", "created transit gateway"];
    assert_eq!(changes(&document, "vendor-request"), anew);
    assert_in_place(&document);
    assert_same_world(&before, &sandbox.state());
    assert_nothing_to_repair(Link::Kong, &sandbox);
}

#[track_caller]
fn a_failed_connection_is_made_anew(link: Link) {
    let (sandbox, party) = (set_up(link), link.party().expect("a vendor of each side"));
    let before = sandbox.state();
    let colleague = Colleague::of(&sandbox);
    let app = support::both_sides::own_apps(&sandbox)[0]["uniqueName"]
        .as_str()
        .expect("a name")
        .to_owned();
    let found = colleague.azure(Method::GET, &format!("/v1.0/applications(uniqueName='{app}')"), None);
    let app = found["appId"].as_str().expect("an id").to_owned();
    party.deletes_connection(&sandbox);
    for peering in ours(&sandbox) {
        removes(&sandbox, VNET_ID, &peering);
    }
    colleague.removes_roles_of(&colleague.principal_of(party.app_id));
    party.asks(&sandbox, &app);
    let failed = || (party.state(&sandbox) == party.failed).then_some(());
    poll(support::DEADLINE, failed).expect("without its role the vendor gives up");
    let document = link.document(&sandbox, "repair", 0);
    assert_eq!(changes(&document, "role-assignment"), ["created roleAssignment"]);
    assert_eq!(changes(&document, "vendor-request").len(), 2, "{document:#}");
    assert_in_place(&document);
    assert_whole(&sandbox);
    assert_no_credential(&sandbox);
    assert_same_world(&before, &sandbox.state());
    assert_nothing_to_repair(link, &sandbox);
}

#[test]
fn aivens_failed_connection_is_made_anew_and_the_role_that_was_taken_away_is_put_back() {
    a_failed_connection_is_made_anew(Link::Aiven);
}

#[test]
fn dragonflys_failed_connection_is_made_anew_and_the_role_that_was_taken_away_is_put_back() {
    a_failed_connection_is_made_anew(Link::Dragonfly);
}

// ------------------------------------------------------------------------------------------------ by hand

const BY_HAND: [&str; 3] = ["--vendor-access", "manual", "--no-wait"];

#[test]
fn by_hand_our_disconnected_half_is_deleted_and_the_packet_says_what_to_do_at_konnect() {
    let sandbox = set_up(Link::Kong);
    removes_theirs(&sandbox, Link::Kong);
    let flags = [&["-o", "json"], BY_HAND.as_slice()].concat();
    let ran = Link::Kong
        .run(&sandbox, "repair", &flags)
        .env("KONNECT_TOKEN", "")
        .run();
    let document = ran.expect_code(3).json();
    assert_eq!(changes(&document, "peering"), ["deleted virtualNetworkPeering"]);
    assert_eq!(ours(&sandbox), Vec::<Value>::new());
    assert_eq!(
        document["handOff"]["values"].as_array().map(Vec::len),
        Some(4),
        "{document:#}"
    );
    let hold = &step(&document, "peering")["actionRequired"];
    assert_eq!(hold["who"], "whoever may configure networks in Kong Konnect");
    let packet = hold["instructions"].to_string();
    for part in [
        "Delete the transit gateway for vnet-app at Konnect: ",
        "enter the 4 values",
        "run the same command again",
    ] {
        assert!(packet.contains(part), "{part}: {packet}");
    }
    // Nothing of ours is left to do, and nothing is done twice.
    let writes = sandbox.writes();
    Link::Kong
        .run(&sandbox, "repair", &BY_HAND)
        .env("KONNECT_TOKEN", "")
        .run()
        .expect_code(3);
    assert_eq!(sandbox.writes(), writes);
}

#[test]
#[cfg(unix)]
fn by_hand_a_waiting_repair_goes_on_by_itself_once_the_values_are_entered_again() {
    use support::running::Running;
    let sandbox = set_up(Link::Kong);
    let before = sandbox.state();
    removes_theirs(&sandbox, Link::Kong);
    let args = Link::Kong.args("repair", &["--vendor-access", "manual", "-o", "json"]);
    let mut running = Running::start(args, sandbox.env());
    running.wait_for("peering: waiting: Kong creates both directions");
    let colleague = Colleague::of(&sandbox);
    colleague.deletes_gateways();
    colleague.fills_in_the_form();
    let exit = running.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_in_place(&exit.json());
    assert_eq!(
        before["transitGateways"].as_array().map(Vec::len),
        Some(colleague.gateways().len())
    );
    assert_whole(&sandbox);
}

#[test]
fn by_hand_our_half_for_aiven_is_written_again_and_the_packet_says_what_to_do_at_aiven() {
    let sandbox = set_up(Link::Aiven);
    removes_theirs(&sandbox, Link::Aiven);
    let network = format!("to-network-id={AIVEN_NETWORK}");
    let tenant = format!("to-tenant-id={AIVEN_TENANT}");
    let flags = [&["-o", "json", "--set", &network, "--set", &tenant], BY_HAND.as_slice()].concat();
    let ran = Link::Aiven
        .run(&sandbox, "repair", &flags)
        .env("AIVEN_AUTH_TOKEN", "")
        .run();
    let document = ran.expect_code(3).json();
    assert_eq!(changes(&document, "peering"), ["updated virtualNetworkPeering"]);
    let packet = step(&document, "peering")["actionRequired"]["instructions"].to_string();
    assert!(
        packet.contains("Delete the peering connection for vnet-app at Aiven: "),
        "{packet}"
    );
    assert_eq!(ours(&sandbox)[0]["state"], "Initiated");
    assert_no_credential(&sandbox);
}

// ------------------------------------------------------------------------------------------------ unproven

/// The ID of Kong's service principal spares no proof where the directory says whose it is.
#[test]
fn given_principal_is_repaired_with_the_directory() {
    let sandbox = set_up(Link::Kong);
    let before = sandbox.state();
    removes_theirs(&sandbox, Link::Kong);
    let principal = Colleague::of(&sandbox).principal();
    let given = ["--vendor-principal-id", principal.as_str()];
    Link::Kong.run(&sandbox, "repair", &given).run().expect_code(0);
    assert_same_world(&before, &sandbox.state());
}

/// Whose half it is cannot be told: it is kept until it is named.
#[test]
fn unproven_peering_is_repaired_only_by_name() {
    let sandbox = set_up(Link::Kong);
    let before = sandbox.state();
    removes_theirs(&sandbox, Link::Kong);
    edit(&sandbox, json!({"nameless": "e4a3b2c1-97d9-4c3e-b051-6d8203fc4134"}));
    let (world, writes) = (sandbox.state(), sandbox.writes());
    let name = ours(&sandbox)[0]["name"].as_str().expect("a name").to_owned();
    let asks = format!("--peering-name {name}");
    let doctor = peerctl(["azure", "doctor", "--no-input", "--vnet-id", VNET_ID])
        .envs(sandbox.env())
        .args(Link::Kong.inputs());
    let doctor = doctor.run().expect_code(4);
    assert!(
        said(&doctor).contains(&asks) && !said(&doctor).contains("peering delete"),
        "{doctor}"
    );
    let setup = Link::Kong.run(&sandbox, "setup", &[]).run().expect_code(4);
    assert!(
        said(&setup).contains(&asks) && !said(&setup).contains("peering delete"),
        "{setup}"
    );
    let status = Link::Kong.document(&sandbox, "status", 4);
    let fault = &status["linkHealth"]["faults"][0];
    assert_eq!(fault["localFix"], Value::Null, "{status:#}");
    assert_eq!(
        fault["remoteFix"],
        format!("Name the right one with --peering-name: {name}.")
    );
    let repair = Link::Kong.run(&sandbox, "repair", &[]).run();
    assert!(
        matches!(repair.code, Some(3 | 4)) && said(&repair).contains(&name),
        "{repair}"
    );
    assert_eq!((sandbox.state(), sandbox.writes()), (world, writes));
    let named = ["--peering-name", name.as_str()];
    let ran = Link::Kong.run(&sandbox, "repair", &named).run();
    assert!(matches!(ran.code, Some(0 | 3)), "{ran}");
    let document = Link::Kong.document(&sandbox, "repair", 0);
    assert_in_place(&document);
    assert_same_world(&before, &sandbox.state());
}

// ------------------------------------------------------------------------------------------------ nothing to repair

#[test]
fn what_was_never_set_up_is_not_set_up_by_a_repair() {
    for link in [Link::Kong, Link::Aiven, Link::Dragonfly, Link::Generic] {
        let sandbox = Served::start(["--lag", "none"]);
        let ran = link.run(&sandbox, "repair", &[]).run().expect_code(3);
        let said = said(&ran);
        assert!(
            said.contains("Nothing is broken.") && said.contains("are not peered yet"),
            "{ran}"
        );
        assert!(
            said.contains("peerctl azure setup "),
            "it names what to run instead: {ran}"
        );
        assert_eq!(sandbox.writes(), [""; 0]);
    }
}

#[test]
fn a_link_that_works_gets_back_the_role_that_it_lost() {
    let sandbox = set_up(Link::Kong);
    let before = sandbox.state();
    Colleague::of(&sandbox).removes_assignment();
    let document = Link::Kong.document(&sandbox, "repair", 0);
    assert_eq!(changes(&document, "role-assignment"), ["created roleAssignment"]);
    assert_eq!(document["stats"]["writes"], 1);
    assert_same_world(&before, &sandbox.state());
    assert_nothing_to_repair(Link::Kong, &sandbox);
}

#[test]
fn where_neither_half_is_left_setup_is_named_and_makes_both_again() {
    // As after a repair that was killed between the two.
    let sandbox = set_up(Link::Generic);
    let before = sandbox.state();
    removes_theirs(&sandbox, Link::Generic);
    removes_ours(&sandbox, Link::Generic);
    let ran = Link::Generic.run(&sandbox, "repair", &[]).run().expect_code(3);
    assert!(said(&ran).contains("go on with peering peerctl azure setup"), "{ran}");
    Link::Generic.run(&sandbox, "setup", &[]).run().expect_code(0);
    assert_same_world(&before, &sandbox.state());
}

#[test]
fn what_is_on_its_way_is_left_alone() {
    // Konnect takes forty minutes here.
    let sandbox = Served::start(["--lag", "worst"]);
    Colleague::of(&sandbox).asks_kong();
    let writes = sandbox.writes();
    let ran = Link::Kong.run(&sandbox, "repair", &[]).run().expect_code(3);
    assert!(
        said(&ran).contains("Nothing is broken. vnet-app and Kong Konnect are not peered yet"),
        "{ran}"
    );
    let document = Link::Kong.document(&sandbox, "repair", 3);
    assert_eq!(document["outcome"], "waiting");
    assert_eq!(document["linkHealth"]["verdict"], "waiting");
    assert_eq!(document["linkHealth"]["request"]["state"], "created", "{document:#}");
    assert_eq!(sandbox.writes(), writes);
}

#[test]
fn another_tenants_half_that_we_may_not_write_is_handed_to_who_may() {
    let sandbox = Served::start(["--lag", "none"]);
    let remote = format!("remote-vnet-id={}", partner("vnet-guarded"));
    let tenant = format!("remote-tenant-id={PARTNER_TENANT}");
    let run = |command: &str| {
        let flags = [
            "--vendor",
            "generic",
            "--vnet-id",
            VNET_ID,
            "--set",
            &remote,
            "--set",
            &tenant,
        ];
        let own = ["azure", command, "--no-input", "--yes", "-o", "json"];
        peerctl(own.iter().chain(&flags)).envs(sandbox.env()).run()
    };
    run("setup").expect_code(3);
    let made = ours(&sandbox);
    let document = run("repair").expect_code(3).json();
    let packet = step(&document, "peering")["actionRequired"]["instructions"].to_string();
    assert!(packet.contains("az network vnet peering create"), "{document:#}");
    assert_eq!(ours(&sandbox), made);
}

#[test]
fn a_misspelt_peering_name_costs_no_link_that_works() {
    let sandbox = set_up(Link::Kong);
    let name = ours(&sandbox)[0]["name"].as_str().expect("a name").to_owned();
    let (world, writes) = (sandbox.state(), sandbox.writes());
    let typo = ["--peering-name", "kong-typo", "-o", "json"];
    let status = Link::Kong.run(&sandbox, "status", &typo).run().expect_code(4).json();
    let fault = &status["linkHealth"]["faults"][0];
    assert_eq!(fault["what"], "vnet-app has no peering named kong-typo.", "{status:#}");
    assert_eq!(fault["localFix"], Value::Null);
    assert_eq!(
        fault["remoteFix"],
        format!("Name the right one with --peering-name: {name}.")
    );
    assert_eq!(status["linkHealth"]["next"][0]["who"], "you", "{status:#}");
    // To the checks, too, the vendor's peering is somebody else's now.
    let repair = Link::Kong.run(&sandbox, "repair", &typo).run().expect_code(4);
    assert_eq!(repair.json()["linkHealth"]["faults"][0], *fault);
    let stale = Link::Kong.run(&sandbox, "repair", &[]);
    stale.env("PEERCTL_PEERING_NAME", "kong-old").run().expect_code(4);
    assert_eq!((sandbox.state(), sandbox.writes()), (world, writes));
    let right = ["--peering-name", &name];
    Link::Kong.run(&sandbox, "status", &right).run().expect_code(0);
}

#[test]
fn where_a_name_is_given_and_no_peering_is_left_the_name_is_asked_to_be_left_out() {
    let sandbox = set_up(Link::Kong);
    let name = ours(&sandbox)[0]["name"].as_str().expect("a name").to_owned();
    removes_theirs(&sandbox, Link::Kong);
    removes_ours(&sandbox, Link::Kong);
    let writes = sandbox.writes();
    let named = ["--peering-name", &name];
    let ran = Link::Kong.run(&sandbox, "repair", &named).run().expect_code(3);
    assert!(said(&ran).contains("Leave out --peering-name"), "{ran}");
    assert_eq!(sandbox.writes(), writes);
    Link::Kong.document(&sandbox, "repair", 0);
    assert_nothing_to_repair(Link::Kong, &sandbox);
}

// ------------------------------------------------------------------------------------------------ leave

#[test]
fn without_a_person_and_without_yes_nothing_is_repaired() {
    let sandbox = set_up(Link::Kong);
    removes_theirs(&sandbox, Link::Kong);
    let writes = sandbox.writes();
    let args = Link::Kong.args("repair", &[]).into_iter().filter(|arg| arg != "--yes");
    let ran = peerctl(args).envs(sandbox.env()).run().expect_code(2);
    assert!(
        said(&ran).contains("--yes: nobody is there to confirm the plan"),
        "{ran}"
    );
    assert_eq!(sandbox.writes(), writes);
}

#[cfg(unix)]
mod in_a_terminal {
    use super::support::pty::Wizard;
    use super::*;

    fn start(sandbox: &Served) -> Wizard {
        let questions = ["--no-input", "--yes"];
        let args = Link::Kong.args("repair", &[]);
        let args = args.into_iter().filter(|arg| !questions.contains(&arg.as_str()));
        Wizard::start(args, (40, 100), sandbox.env())
    }

    #[test]
    fn what_is_wrong_and_the_plan_are_shown_and_yes_repairs_it() {
        let sandbox = set_up(Link::Kong);
        removes_theirs(&sandbox, Link::Kong);
        let mut wizard = start(&sandbox);
        wizard.wait_for("Repair this?");
        let screen = wizard.scrolled();
        for part in [
            "is Disconnected: the other direction was deleted",
            "is deleted and requested again",
        ] {
            assert!(
                screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(part),
                "{part}\n{screen}"
            );
        }
        wizard.answer("y\r");
        assert_eq!(wizard.wait_exit().code, Some(0), "{}", wizard.transcript());
        assert_whole(&sandbox);
    }

    #[test]
    fn what_the_confirmed_plan_does_not_show_is_not_written() {
        let sandbox = set_up(Link::Kong);
        Colleague::of(&sandbox).removes_assignment();
        let mut wizard = start(&sandbox);
        wizard.wait_for("Repair this?");
        // It was not broken when the plan was made.
        removes_theirs(&sandbox, Link::Kong);
        let writes = sandbox.writes().len();
        wizard.answer("y\r");
        assert_eq!(wizard.wait_exit().code, Some(1), "{}", wizard.transcript());
        let said = support::both_sides::words(&wizard.transcript());
        assert!(said.contains("the confirmed plan does not show"), "{said}");
        let after = sandbox.writes().split_off(writes);
        assert!(after.len() == 1 && after[0].contains("/roleAssignments/"), "{after:?}");
        assert_eq!(ours(&sandbox).len(), 1);
        let document = Link::Kong.document(&sandbox, "repair", 0);
        assert_in_place(&document);
    }

    #[test]
    fn who_says_no_leaves_it_as_it_is() {
        let sandbox = set_up(Link::Kong);
        removes_theirs(&sandbox, Link::Kong);
        let writes = sandbox.writes();
        let mut wizard = start(&sandbox);
        wizard.wait_for("Repair this?");
        wizard.answer("n\r");
        assert_eq!(wizard.wait_exit().code, Some(130), "{}", wizard.transcript());
        assert_eq!(sandbox.writes(), writes);
    }
}

#[test]
fn a_report_says_what_was_wrong_and_what_was_done() {
    let sandbox = set_up(Link::Kong);
    removes_theirs(&sandbox, Link::Kong);
    let file = sandbox.folder().join("ticket.md");
    let report = ["--report", file.to_str().expect("a path")];
    Link::Kong.run(&sandbox, "repair", &report).run().expect_code(0);
    let text = std::fs::read_to_string(&file).expect("a report");
    for part in [
        "azure repair",
        "is Disconnected: the other direction was deleted",
        "| deleted | transit gateway |",
    ] {
        assert!(support::both_sides::words(&text).contains(part), "{part}\n{text}");
    }
}

// ------------------------------------------------------------------------------------------------ killed

#[cfg(unix)]
mod killed {
    use super::support::running::Running;
    use super::*;

    /// The repair is killed while it waits for the answer to a write; the next one makes the link whole.
    #[track_caller]
    fn killed_at(link: Link, breaks: Break, fault: &str) {
        let sandbox = Served::start(["--lag", "none", "--fault", fault]);
        link.run(&sandbox, "setup", &[]).run().expect_code(0);
        let mut before = sandbox.state();
        // Of these, the two that matter are looked at.
        before.as_object_mut().expect("a dump").remove("virtualNetworks");
        breaks(&sandbox, link);
        let running = Running::start(link.args("repair", &[]), sandbox.env());
        let struck = || (support::both_sides::struck(&sandbox) == 1).then_some(());
        poll(support::DEADLINE, struck).expect("the write is sent");
        assert_eq!(running.signal("KILL").wait().code, None, "{fault}");
        let document = link.document(&sandbox, "repair", 0);
        assert_in_place(&document);
        assert_whole(&sandbox);
        // The killed run's credential stays until no run can be using it: another machine's state is not known here.
        let without = |world: &Value| {
            let mut world = world.clone();
            let apps = world["applications"].as_array_mut().expect("a list");
            for app in apps {
                let secrets = app["passwords"].as_array_mut().expect("a list");
                let before = secrets.len();
                secrets.retain(|name| name.as_str().is_none_or(|name| !name.starts_with("peerctl setup ")));
                assert!(before - secrets.len() <= 1, "{app:#}");
            }
            world
        };
        assert_same_world(&without(&before), &without(&sandbox.state()));
        assert_nothing_to_repair(link, &sandbox);
    }

    macro_rules! killed_at {
        ($($test:ident: $link:ident $breaks:ident $fault:literal)+) => {
            $(#[test]
            fn $test() {
                killed_at(Link::$link, $breaks, $fault);
            })+
        };
    }

    killed_at! {
        kong_before_the_old_request_is_deleted: Kong removes_theirs "DELETE */transit-gateways/*:1=stall"
        kong_before_it_is_requested: Kong removes_theirs "POST */transit-gateways:2=stall"
        aiven_before_the_old_request_is_deleted: Aiven removes_theirs "DELETE */peering-connections/*:1=stall"
        aiven_before_our_half_is_deleted: Aiven removes_theirs "DELETE */virtualNetworkPeerings/*:1=stall"
        aiven_before_it_is_requested: Aiven removes_theirs "POST */peering-connections:2=stall"
        aiven_before_a_credential_is_made: Aiven removes_theirs "POST */addPassword:2=stall"
        aiven_before_our_half_is_written: Aiven removes_theirs "PUT */virtualNetworkPeerings/*:2=stall"
        aiven_before_the_credential_is_removed: Aiven removes_theirs "POST */removePassword:2=stall"
        aiven_before_it_is_synced: Aiven widens_theirs "PUT */virtualNetworkPeerings/*:2=stall"
        another_tenant_before_our_half_is_written: Generic removes_theirs "PUT */vnet-app/virtualNetworkPeerings/*:2=stall"
        another_tenant_before_theirs_is_written: Generic removes_theirs "PUT */vnet-partner/virtualNetworkPeerings/*:2=stall"
        another_tenant_before_ours_is_written_again: Generic removes_ours "PUT */vnet-app/virtualNetworkPeerings/*:2=stall"
    }
}
