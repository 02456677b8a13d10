//! What a stranger has in the world before a run, and does between two: drawn by lot. The strangers' requests are written
//! out here, so that what peerctl finds was not made by peerctl's own code.

use std::collections::BTreeMap;

use peerctl::domain::own_app_unique_name;
use peerctl::limits;
use serde_json::{Value, json};

use super::trouble::{none, scrambled};
use super::world::{AIVEN, DRAGONFLY, Job, KONG, PARTIES, PARTNER, Party, VNET, World};

const HERE: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01";
const STAGING: &str = "/subscriptions/22e1c7b3-75b7-4a1c-9e3f-4b6081da2f12";
const UNSEEN: &str = "/subscriptions/0badc0de-0000-4000-8000-00000000cafe";
const KONGS: &str = "/subscriptions/e4a3b2c1-97d9-4c3e-b051-6d8203fc4134";
const AIVENS: &str = "/subscriptions/55a4f0e6-a8ea-4d4f-8162-7e93a40d5245";
const DRAGONFLYS: &str = "/subscriptions/66b501f7-b9fb-4e50-9273-8fa4b51e6356";
const FABRIKAMS: &str = "/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467";
/// A service principal of Contoso's that a colleague uses.
const COLLEAGUE: &str = "9f7e6d5c-4b3a-4921-87d6-e5f4a3b2c113";
const TENANT: &str = "6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10";
const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";
const KONG_ACTIONS: [&str; 4] = [
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete",
];
const NETWORK_CONTRIBUTOR: &str = "4d97b98b-1d4f-4787-a291-c67834d212e7";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// Lots drawn one after the other; the same seed gives the same ones.
pub struct Lots(u64);

impl Lots {
    pub fn new(seed: u64) -> Self {
        Self(scrambled(seed))
    }

    pub fn draw(&mut self, most: usize) -> usize {
        self.0 = scrambled(self.0);
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.draw(of.len())]
    }
}

/// The subscription of a party's networks, a space of the network, one that covers it, and one within.
fn network(party: Party) -> (&'static str, [&'static str; 3]) {
    match party {
        KONG => (KONGS, ["10.0.0.0/16", "10.0.0.0/9", "10.0.7.0/24"]),
        AIVEN => (AIVENS, ["10.130.0.0/24", "10.130.0.0/16", "10.130.0.128/25"]),
        DRAGONFLY => (DRAGONFLYS, ["192.168.0.0/16", "192.168.0.0/15", "192.168.9.0/24"]),
        _ => (FABRIKAMS, ["10.150.0.0/16", "10.150.0.0/15", "10.150.3.0/24"]),
    }
}

fn role_names(party: Party) -> &'static [&'static str] {
    match party {
        KONG => &[
            "Kong Cloud Gateway Peering Creator",
            "Kong Cloud Gateway Peering Creator - Kong",
            "Kong Cloud Gateway Peering Creator - peerctl 11d0b6a2",
        ],
        AIVEN => &[
            "Aiven Peering",
            "aiven-role",
            "Aiven Peering - peerctl 11d0b6a2",
            "peerctl Peering Writer 11d0b6a2",
        ],
        DRAGONFLY => &["dfcloud-peering-role", "dfcloud-peering-role - peerctl 11d0b6a2"],
        _ => &["Network Peering"],
    }
}

fn vendor_app(party: Party) -> Option<&'static str> {
    match party {
        KONG => Some("207b296f-cf25-4d23-9eba-9a2c41dc62ca"),
        AIVEN => Some("55f300d4-fc50-4c5e-9222-e90a6e2187fb"),
        DRAGONFLY => Some("ac30c41f-1eab-4f45-9024-70decee5559d"),
        _ => None,
    }
}

/// One to four things of strangers beside the party's link; what they are, in words.
pub async fn beside(world: &World, party: Party, lots: &mut Lots) -> Vec<String> {
    let mut planted = Vec::new();
    for number in 0..=lots.draw(4) {
        planted.push(match lots.draw(11) {
            0..=3 => peering(world, party, number, lots).await,
            4..=6 => role(world, party, number, lots).await,
            7 => application(world, party, lots).await,
            8 => consent(world, party, lots).await,
            9 => {
                let scope = *lots.pick(&[HERE, VNET]);
                let role = *lots.pick(&[NETWORK_CONTRIBUTOR, READER]);
                assign(world, scope, role, COLLEAGUE).await;
                format!("the colleague has {role} at {scope}")
            }
            _ => link(world, party, lots).await,
        });
    }
    planted
}

async fn peering(world: &World, party: Party, number: usize, lots: &mut Lots) -> String {
    let names = [
        "vnet-app-to-vnet-partner",
        "customer-11d0b6a2",
        "vnet-app-peering",
        "to-payments",
        "kong",
    ];
    let name = format!("{}-{number}", lots.pick(&names));
    let (vendors, spaces) = network(party);
    let subscription = *lots.pick(&[UNSEEN, STAGING, KONGS, AIVENS, DRAGONFLYS, FABRIKAMS]);
    // With the vendor's addresses in the vendor's tenant it would be the vendor's.
    let space = match subscription == vendors {
        true => ["172.31.0.0/16", "172.30.0.0/24"][number % 2],
        false => *lots.pick(&[spaces[0], spaces[1], spaces[2], "172.29.0.0/16"]),
    };
    let state = *lots.pick(&["Connected", "Initiated", "Disconnected"]);
    let limited = json!({ "peerCompleteVnets": false, "localSubnetNames": ["snet-api"], "remoteSubnetNames": ["a"] });
    let properties = lots
        .pick(&[json!({}), limited, json!({ "allowForwardedTraffic": true })])
        .clone();
    let remote =
        format!("{subscription}/resourceGroups/rg-theirs/providers/Microsoft.Network/virtualNetworks/vnet-{number}");
    let said = format!("peering {name} with {remote}, {space}, {state}, {properties}");
    let id = format!("{VNET}/virtualNetworkPeerings/{name}");
    let peering = json!({ "id": id, "remote": remote, "prefixes": [space], "state": state, "properties": properties });
    world.edit(&json!({ "peering": peering })).await;
    said
}

async fn role(world: &World, party: Party, number: usize, lots: &mut Lots) -> String {
    let name = match lots.draw(4) {
        0 => format!("By hand {number}"),
        _ => (*lots.pick(role_names(party))).to_owned(),
    };
    let exact: Vec<&str> = match party {
        KONG => KONG_ACTIONS.to_vec(),
        _ => vec![PEER],
    };
    let more = [exact.clone(), vec!["Microsoft.Compute/virtualMachines/read"]].concat();
    let (actions, held) = match lots.draw(6) {
        0 => (exact, lots.draw(2) == 0),
        1 => (more, lots.draw(2) == 0),
        2 => (vec!["*"], false),
        3 => (vec!["Microsoft.Network/*"], lots.draw(2) == 0),
        // One that lacks actions and that nobody holds is completed, as documented.
        4 => (vec!["Microsoft.Network/virtualNetworks/read"], true),
        _ => (exact, true),
    };
    let scopes = lots.pick(&[vec![HERE], vec![STAGING], vec![HERE, STAGING]]).clone();
    let held = held && scopes.contains(&HERE);
    // One of another subscription that lacks actions is never completed.
    let guid = format!("5a1e5a1e-0000-4000-8000-00000000000{number}");
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleDefinitions/{guid}?api-version=2022-04-01",
        scopes[0]
    );
    let body = json!({ "properties": { "roleName": name, "description": "by hand", "type": "CustomRole",
        "permissions": [{ "actions": actions, "notActions": [] }], "assignableScopes": scopes } });
    if !world.colleague("PUT", &path, &body).await {
        return format!("no second role {name}");
    }
    let holder = *lots.pick(&[HERE, VNET]);
    if held {
        assign(world, holder, &guid, COLLEAGUE).await;
    }
    format!(
        "role {name} of {actions:?} for {scopes:?}{}",
        if held {
            format!(", held at {holder}")
        } else {
            String::new()
        }
    )
}

async fn assign(world: &World, scope: &str, role: &str, principal: &str) {
    let guid = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_URL,
        format!("{scope} {role} {principal}").as_bytes(),
    );
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}?api-version=2022-04-01");
    let role = format!("{HERE}/providers/Microsoft.Authorization/roleDefinitions/{role}");
    let body = json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal" } });
    world.colleague("PUT", &path, &body).await;
}

/// An application with the display name, or the unique name, of the one that setup registers.
async fn application(world: &World, party: Party, lots: &mut Lots) -> String {
    let (tenant, vnet) = (TENANT.parse().expect("an ID"), VNET.parse().expect("an ID"));
    let unique = own_app_unique_name(tenant, &vnet, party.0);
    let vendor = if party == AIVEN { "Aiven" } else { "Dragonfly Cloud" };
    let display = format!("peerctl: vnet-app and {vendor}");
    let mut body = json!({ "displayName": display, "signInAudience": "AzureADMultipleOrgs" });
    let named = lots.draw(2) == 0;
    if named {
        body["uniqueName"] = unique.into();
    }
    if !world.colleague("POST", "/v1.0/applications", &body).await {
        return "no second application".to_owned();
    }
    // Until every replica has it.
    tokio::time::sleep(limits::CREDENTIAL_LIFE).await;
    let inventory = world.inventory().await;
    let found = inventory
        .iter()
        .find(|(id, app)| is_application(id) && app["displayName"] == display.as_str());
    let id = found.expect("it was created").0.clone();
    let access = open(world, &id, lots).await;
    format!(
        "application {display}, {} unique name, with {access}",
        if named { "its" } else { "no" }
    )
}

/// Gives the colleague a way into the application.
async fn open(world: &World, id: &str, lots: &mut Lots) -> &'static str {
    let (path, body, said) = match lots.draw(3) {
        0 => (
            "addPassword",
            json!({ "passwordCredential": { "displayName": "a colleague's" } }),
            "a secret",
        ),
        1 => (
            "owners/$ref",
            json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{COLLEAGUE}") }),
            "an owner",
        ),
        _ => (
            "federatedIdentityCredentials",
            json!({ "name": "ci", "issuer": "https://ci.example", "subject": "repo:contoso/app", "audiences": ["api://x"] }),
            "a federated credential",
        ),
    };
    match world.colleague("POST", &format!("/v1.0/{id}/{path}"), &body).await {
        true => said,
        // A second one of the same kind.
        false => "nothing more",
    }
}

/// A colleague consented to the vendor's application for other work, and gave it a role.
async fn consent(world: &World, party: Party, lots: &mut Lots) -> String {
    let Some(app) = vendor_app(party) else {
        return "no application to consent to".to_owned();
    };
    world
        .colleague("POST", "/v1.0/servicePrincipals", &json!({ "appId": app }))
        .await;
    tokio::time::sleep(limits::CREDENTIAL_LIFE).await;
    let inventory = world.inventory().await;
    let found = inventory
        .iter()
        .find(|(_, one)| one["appId"] == app && one["tenant"] == TENANT);
    let principal = found.expect("it was consented to").0.rsplit('/').next().expect("an ID");
    let scope = *lots.pick(&[STAGING, HERE]);
    assign(world, scope, READER, principal).await;
    format!("consent to {app}, which reads {scope}")
}

/// Another vendor's link, of another run.
async fn link(world: &World, party: Party, lots: &mut Lots) -> String {
    let others: Vec<Party> = PARTIES
        .into_iter()
        .filter(|other| *other != party && *other != PARTNER)
        .collect();
    let other = *lots.pick(&others);
    let ended = world.run(other, Job::SetUp, none()).await;
    format!("a link with {}: {:?}", other.0, ended.outcome)
}

/// Something that a stranger does to what setup made; gives it in words, and the IDs of what is the stranger's now.
pub async fn between(world: &World, strangers: &BTreeMap<String, Value>, lots: &mut Lots) -> (String, Vec<String>) {
    let inventory = world.inventory().await;
    let ours = |wanted: fn(&str) -> bool| {
        let mut new = inventory
            .iter()
            .filter(|(id, _)| !strangers.contains_key(*id) && wanted(id));
        new.next().map(|(id, body)| (id.clone(), body.clone()))
    };
    let role = || ours(|id| id.starts_with("roleDefinitions/"));
    let said = match (lots.draw(4), ours(is_application), role()) {
        (0, Some((id, _)), _) => {
            let said = open(world, &id, lots).await;
            let told = format!("setup's application gets {said}");
            return (told, vec![id]);
        }
        (1, _, Some((id, _))) => {
            let guid = id.rsplit('/').next().expect("an ID");
            assign(world, HERE, guid, COLLEAGUE).await;
            return ("setup's role is assigned to the colleague".to_owned(), vec![id]);
        }
        (2, _, Some((id, body))) if body["assignableScopes"] == json!([HERE]) => {
            let guid = id.rsplit('/').next().expect("an ID");
            let path =
                format!("{HERE}/providers/Microsoft.Authorization/roleDefinitions/{guid}?api-version=2022-04-01");
            let mut role = body.clone();
            role["permissions"][0]["actions"]
                .as_array_mut()
                .expect("actions")
                .push("Microsoft.Compute/virtualMachines/read".into());
            let body = json!({ "properties": { "roleName": role["roleName"], "description": role["description"],
                "type": "CustomRole", "permissions": role["permissions"], "assignableScopes": role["assignableScopes"] } });
            assert!(world.colleague("PUT", &path, &body).await, "{body}");
            return ("setup's role gets another action".to_owned(), vec![id]);
        }
        _ => {
            let (scope, level) = (*lots.pick(&[HERE, VNET]), *lots.pick(&["CanNotDelete", "ReadOnly"]));
            world.edit(&json!({ "lock": { "scope": scope, "level": level } })).await;
            format!("a lock {level} at {scope}")
        }
    };
    (said, Vec::new())
}

/// Whether it is an application's ID, and not one of its credentials'.
pub fn is_application(id: &str) -> bool {
    id.strip_prefix("applications/").is_some_and(|rest| !rest.contains('/'))
}
