//! The vendors with which each side makes its own direction (Aiven, Dragonfly), and another tenant: command lines, the
//! document, and the proofs that all of them share.

use reqwest::Method;
use serde_json::{Value, json};

use super::cli::{Ran, Run, peerctl};
use super::colleague::Colleague;
use super::kong::{SUBSCRIPTION, TENANT, VNET_ID};
use super::served::{Body, Served, poll};

/// The project VPC that is ready, 10.130.0.0/24.
pub const VPC: &str = "7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401";
pub const AIVEN_TENANT: &str = "5c8e2d64-1b7a-4e93-b0f6-a9d47c3e1f32";
pub const AIVEN_NETWORK: &str = "/subscriptions/55a4f0e6-a8ea-4d4f-8162-7e93a40d5245/resourceGroups/rg-aiven/providers/Microsoft.Network/virtualNetworks/aiven-westeurope";
/// The private network that is ready, 192.168.0.0/16, as Dragonfly's console shows it.
pub const DRAGONFLY_ACCOUNT: &str = "/subscriptions/66b501f7-b9fb-4e50-9273-8fa4b51e6356/resourceGroups/dfcloud-rg-1";
pub const DRAGONFLY_VPC: &str = "dfcloud-cache-eastus2";
pub const DRAGONFLY_NETWORK_ID: &str = "net_7k2m9qx4a";
/// Fabrikam.
pub const PARTNER_TENANT: &str = "8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43";
pub const PARTNER_GROUP: &str = "/subscriptions/77c61208-ca0c-4f61-a384-90b5c62f7467/resourceGroups/rg-partner";

/// One vendor, as its tests name it.
#[derive(Clone, Copy)]
pub struct Party {
    pub name: &'static str,
    pub app_id: &'static str,
    pub role: &'static str,
    pub inputs: &'static [&'static str],
    pub token: &'static str,
    pub peering: &'static str,
    /// The state in which it is done, in the vendor's word, and the one in which it failed.
    pub ready: &'static str,
    pub failed: &'static str,
    /// Its connections in the dump of the world.
    pub dump: &'static str,
}

pub const AIVEN: Party = Party {
    name: "aiven",
    app_id: "55f300d4-fc50-4c5e-9222-e90a6e2187fb",
    role: "Aiven Peering",
    inputs: &[
        "--set",
        "project=demo",
        "--set",
        "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401",
    ],
    token: "AIVEN_AUTH_TOKEN",
    peering: "vnet-app-aiven-peering",
    ready: "ACTIVE",
    failed: "INVALID_SPECIFICATION",
    dump: "aivenPeeringConnections",
};

pub const DRAGONFLY: Party = Party {
    name: "dragonfly",
    app_id: "ac30c41f-1eab-4f45-9024-70decee5559d",
    role: "dfcloud-peering-role",
    inputs: &["--set", "network=cache-eastus2"],
    token: "DFCLOUD_API_KEY",
    peering: "vnet-app-dfcloud-peering",
    ready: "active",
    failed: "failed",
    dump: "dragonflyConnections",
};

impl Party {
    /// Its command line, without a question, with every input; `more` comes last.
    pub fn command_line(&self, more: &[&str]) -> Vec<String> {
        let inputs = [self.inputs, more].concat();
        with_inputs(self.name, &inputs)
    }

    pub fn setup(&self, sandbox: &Served, more: &[&str]) -> Run {
        peerctl(self.command_line(more)).envs(sandbox.env())
    }

    /// A whole run; its JSON document.
    #[track_caller]
    pub fn run(&self, sandbox: &Served, more: &[&str], code: i32) -> Value {
        let flags = [&["-o", "json"], more].concat();
        self.setup(sandbox, &flags).run().expect_code(code).json()
    }

    /// The same, which has to end with everything in place, something changed, and no credential left.
    #[track_caller]
    pub fn done(&self, sandbox: &Served, more: &[&str]) -> Value {
        let document = self.run(sandbox, more, 0);
        assert_eq!(document["outcome"], "done", "{document:#}");
        assert_in_place(&document);
        self.assert_one_of_each(sandbox);
        assert_no_credential(sandbox);
        document
    }

    /// The same, which has to find everything in place.
    #[track_caller]
    pub fn unchanged(&self, sandbox: &Served, more: &[&str]) {
        let writes = sandbox.writes().len();
        let document = self.run(sandbox, more, 0);
        assert_eq!(document["outcome"], "unchanged", "{document:#}");
        assert_eq!(document["stats"]["writes"], 0, "{document:#}");
        assert_in_place(&document);
        assert_eq!(sandbox.writes().len(), writes, "{:?}", sandbox.writes());
    }

    /// One connection at the vendor, and one peering on either side, both Connected.
    #[track_caller]
    pub fn assert_one_of_each(&self, sandbox: &Served) {
        let state = sandbox.state();
        assert_eq!(state[self.dump].as_array().map(Vec::len), Some(1), "{state:#}");
        let ours = peerings(&state, "vnet-app", "10.20.0.0/16");
        assert_eq!(ours.len(), 1, "{ours:?}");
        assert_eq!(ours[0]["state"], "Connected", "{ours:?}");
        assert_eq!(ours[0]["allowVirtualNetworkAccess"], true, "{ours:?}");
    }

    /// The vendor's one connection, as the dump has it.
    #[track_caller]
    pub fn connection(&self, sandbox: &Served) -> Value {
        sandbox.state()[self.dump][0].clone()
    }

    /// The vendor's word for where its one connection stands; empty where it has none.
    #[track_caller]
    pub fn state(&self, sandbox: &Served) -> String {
        let connection = self.connection(sandbox);
        let word = connection["state"].as_str().or(connection["status"].as_str());
        word.unwrap_or_default().to_owned()
    }

    /// Deletes the one connection through the vendor's API, as somebody else.
    #[track_caller]
    pub fn deletes_connection(&self, sandbox: &Served) {
        let path = match self.name {
            "aiven" => format!(
                "/v1/project/demo/vpcs/{VPC}/peering-connections/peer-accounts/{SUBSCRIPTION}/peer-resource-groups/rg-network/peer-vpcs/vnet-app"
            ),
            _ => {
                let list = self.api(sandbox, Method::GET, "/v1/connections", None);
                format!("/v1/connections/{}", list[0]["connection_id"].as_str().expect("an id"))
            }
        };
        self.api(sandbox, Method::DELETE, &path, None);
        let gone = || self.state(sandbox).is_empty().then_some(());
        poll(super::DEADLINE, gone).expect("it is deleted");
    }

    /// Asks the vendor through its API, as somebody else, for a connection with `vnet-app` and that application.
    #[track_caller]
    pub fn asks(&self, sandbox: &Served, own_app: &str) {
        let (path, body) = match self.name {
            "aiven" => (
                format!("/v1/project/demo/vpcs/{VPC}/peering-connections"),
                json!({
                    "peer_cloud_account": SUBSCRIPTION, "peer_resource_group": "rg-network", "peer_vpc": "vnet-app",
                    "peer_azure_app_id": own_app, "peer_azure_tenant_id": TENANT,
                }),
            ),
            _ => (
                "/v1/connections".to_owned(),
                json!({
                    "name": "by-hand", "network_id": DRAGONFLY_NETWORK_ID,
                    "peer": {
                        "account_id": SUBSCRIPTION, "vpc_id": "vnet-app", "cidr_block": "10.20.0.0/16",
                        "azure": {
                            "resource_group": "rg-network", "tenant_id": TENANT, "app_object_id": own_app,
                            "use_remote_gateways": false,
                        },
                    },
                }),
            ),
        };
        self.api(sandbox, Method::POST, &path, Some(body));
    }

    #[track_caller]
    fn api(&self, sandbox: &Served, method: Method, path: &str, body: Option<Value>) -> Value {
        let token = sandbox.value(self.token).to_owned();
        let body = body.map_or(Body::None, Body::Json);
        let (status, answer) = sandbox.send(method.clone(), path, Some(&token), body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Fills in the form of the vendor's console.
    #[track_caller]
    pub fn fills_in_the_form(&self, sandbox: &Served, own_app: &str) {
        let (path, names) = match self.name {
            "aiven" => (
                format!("/aiven/vpcs/{VPC}/peering-connections"),
                [
                    "peer_cloud_account",
                    "peer_resource_group",
                    "peer_vpc",
                    "peer_azure_tenant_id",
                    "peer_azure_app_id",
                ],
            ),
            _ => (
                format!("/dragonfly/networks/{DRAGONFLY_NETWORK_ID}/connections"),
                ["account_id", "resource_group", "vpc_id", "tenant_id", "app_object_id"],
            ),
        };
        let values = [SUBSCRIPTION, "rg-network", "vnet-app", TENANT, own_app];
        let form = names
            .iter()
            .zip(values)
            .map(|(name, value)| ((*name).to_owned(), value.to_owned()));
        let (status, page) = sandbox.send(Method::POST, &path, None, Body::Form(form.collect()));
        assert_eq!(status, 200, "the console takes the form: {page}");
    }
}

/// The flags of every run, whatever the vendor.
pub fn with_inputs(vendor: &str, more: &[&str]) -> Vec<String> {
    let own = ["azure", "setup", "--no-input", "--yes", "--vendor", vendor];
    let vnet = ["--resource-group", "rg-network", "--vnet", "vnet-app"];
    let named = more.contains(&"--vnet") || more.contains(&"--vnet-id");
    let vnet: &[&str] = if named { &[] } else { &vnet };
    let group: &[&str] = if more.contains(&"--vnet") {
        &["--resource-group", "rg-network"]
    } else {
        &[]
    };
    let all = own.iter().chain(vnet).chain(group).chain(more);
    all.map(|text| (*text).to_owned()).collect()
}

/// The id of one of Fabrikam's networks.
pub fn partner(vnet: &str) -> String {
    format!("{PARTNER_GROUP}/providers/Microsoft.Network/virtualNetworks/{vnet}")
}

/// The peerings of the network of this name and address space.
pub fn peerings(state: &Value, name: &str, prefix: &str) -> Vec<Value> {
    let vnets = state["virtualNetworks"].as_array().expect("networks");
    let end = format!("/{name}");
    let found = vnets.iter().find(|vnet| {
        vnet["id"].as_str().is_some_and(|id| id.ends_with(&end)) && vnet["addressSpace"].to_string().contains(prefix)
    });
    found.expect("the network")["peerings"]
        .as_array()
        .expect("a list")
        .clone()
}

#[track_caller]
pub fn step<'a>(document: &'a Value, id: &str) -> &'a Value {
    let steps = document["steps"].as_array().expect("steps");
    let found = steps.iter().find(|step| step["id"] == id);
    found.unwrap_or_else(|| panic!("{id} in {document:#}"))
}

/// What a step did: action and kind of each change.
#[track_caller]
pub fn changes(document: &Value, id: &str) -> Vec<String> {
    let changes = step(document, id)["changes"].as_array().expect("changes");
    let word = |change: &Value, key: &str| change[key].as_str().unwrap_or_default().to_owned();
    changes
        .iter()
        .map(|change| format!("{} {}", word(change, "action"), word(change, "kind")))
        .collect()
}

#[track_caller]
pub fn assert_in_place(document: &Value) {
    let steps = document["steps"].as_array().expect("steps");
    assert!(
        !steps.is_empty() && steps.iter().all(|step| step["after"] == "in-place"),
        "{document:#}"
    );
    let directions = document["peerings"].as_array().expect("peerings");
    let seen: Vec<String> = directions
        .iter()
        .map(|one| format!("{} {} {}", one["direction"], one["state"], one["syncLevel"]).replace('"', ""))
        .collect();
    assert_eq!(
        seen,
        ["local Connected FullyInSync", "remote Connected FullyInSync"],
        "{document:#}"
    );
}

/// The customer's applications that peerctl made, as the dump has them.
#[track_caller]
pub fn own_apps(sandbox: &Served) -> Vec<Value> {
    let state = sandbox.state();
    let all = state["applications"].as_array().expect("applications");
    let ours = |app: &&Value| {
        app["uniqueName"]
            .as_str()
            .is_some_and(|name| name.starts_with("peerctl-"))
    };
    all.iter().filter(ours).cloned().collect()
}

/// No credential of setup's is left on any application.
#[track_caller]
pub fn assert_no_credential(sandbox: &Served) {
    assert_eq!(credentials(sandbox), 0, "{:#}", sandbox.state()["applications"]);
}

/// How many credentials of setup's there are.
#[track_caller]
pub fn credentials(sandbox: &Served) -> usize {
    let state = sandbox.state();
    let all = state["applications"].as_array().expect("applications").iter();
    let passwords = all.filter_map(|app| app["passwords"].as_array());
    let setups = |name: &&Value| name.as_str().is_some_and(|name| name.starts_with("peerctl setup"));
    let certificates = state["applications"].as_array().expect("applications").iter();
    let certificates = certificates.filter_map(|app| app["certificates"].as_array());
    passwords.chain(certificates).flatten().filter(setups).count()
}

/// How many requests a fault has hit so far.
#[track_caller]
pub fn struck(sandbox: &Served) -> usize {
    let log = sandbox.requests();
    let requests = log["requests"].as_array().expect("a log").iter();
    requests.filter(|request| request.get("fault").is_some()).count()
}

/// As one line: tables and messages are laid out for a terminal.
pub fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that a run said.
pub fn said(ran: &Ran) -> String {
    words(&format!("{} {}", ran.stderr, ran.stdout))
}

impl Colleague<'_> {
    /// Registers an application, as from the vendor's documentation; gives its client id and its object id.
    #[track_caller]
    pub fn registers(&self, name: &str, audience: &str) -> (String, String) {
        let body = json!({"displayName": name, "signInAudience": audience});
        let made = self.azure(Method::POST, "/v1.0/applications", Some(body));
        let text = |key: &str| made[key].as_str().expect("an id").to_owned();
        (text("appId"), text("id"))
    }

    /// Gives an application a service principal; its object id.
    #[track_caller]
    pub fn makes_principal(&self, app_id: &str) -> String {
        let made = self.azure(Method::POST, "/v1.0/servicePrincipals", Some(json!({"appId": app_id})));
        made["id"].as_str().expect("an id").to_owned()
    }

    /// The object id of an application's service principal.
    #[track_caller]
    pub fn principal_of(&self, app_id: &str) -> String {
        let path = format!("/v1.0/servicePrincipals(appId='{app_id}')");
        let found = self.azure(Method::GET, &path, None);
        found["id"].as_str().expect("the principal").to_owned()
    }

    /// Adds a client secret; its text.
    #[track_caller]
    pub fn adds_secret(&self, object_id: &str, name: &str) -> String {
        let body = json!({"passwordCredential": {"displayName": name}});
        let made = self.azure(
            Method::POST,
            &format!("/v1.0/applications/{object_id}/addPassword"),
            Some(body),
        );
        made["secretText"].as_str().expect("a secret").to_owned()
    }

    /// Adds a client secret under the name of setup's, as a run did that was killed so many minutes ago.
    #[track_caller]
    pub fn leaves_credential(&self, object_id: &str, minutes: i64) {
        let starts = time::OffsetDateTime::now_utc() - time::Duration::minutes(minutes);
        let moment = |moment: time::OffsetDateTime| {
            let moment = moment.replace_nanosecond(0).expect("a whole second");
            moment
                .format(&time::format_description::well_known::Rfc3339)
                .expect("a moment")
        };
        let body = json!({"passwordCredential": {
            "displayName": "peerctl setup 1d0c9a52-6a5b-4a40-9f6e-3c1f5b7e8d21",
            "startDateTime": moment(starts), "endDateTime": moment(starts + time::Duration::HOUR),
        }});
        let path = format!("/v1.0/applications/{object_id}/addPassword");
        self.azure(Method::POST, &path, Some(body));
    }

    /// The object id of the application of that unique name.
    #[track_caller]
    pub fn object_id(&self, unique_name: &Value) -> String {
        let path = format!(
            "/v1.0/applications(uniqueName='{}')",
            unique_name.as_str().expect("a name")
        );
        let found = self.azure(Method::GET, &path, None);
        found["id"].as_str().expect("an id").to_owned()
    }

    /// Makes a person an owner of the application.
    #[track_caller]
    pub fn makes_owner(&self, object_id: &str, owner: &str) {
        let body = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{owner}")});
        let path = format!("/v1.0/applications/{object_id}/owners/$ref");
        self.azure(Method::POST, &path, Some(body));
    }

    /// Takes away every role of the principal at `vnet-app`.
    #[track_caller]
    pub fn removes_roles_of(&self, principal: &str) {
        let path = format!(
            "{VNET_ID}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"
        );
        let found = self.azure(Method::GET, &path, None);
        let all = found["value"].as_array().expect("a list").iter();
        let own: Vec<&Value> = all
            .filter(|one| one["properties"]["principalId"] == principal && one["properties"]["scope"] == VNET_ID)
            .collect();
        assert!(!own.is_empty(), "{found}");
        for one in own {
            let id = one["id"].as_str().expect("an id");
            self.azure(Method::DELETE, &format!("{id}?api-version=2022-04-01"), None);
        }
    }

    /// Deletes our direction.
    #[track_caller]
    pub fn deletes_peering(&self, name: &str) {
        let path = format!("{VNET_ID}/virtualNetworkPeerings/{name}?api-version=2024-03-01");
        self.azure(Method::DELETE, &path, None);
    }
}
