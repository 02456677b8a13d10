//! Somebody else at work in the same world: a colleague in the portal, an administrator, a person at Konnect's console.
//! Their requests are written out here, so that what peerctl finds was not made by peerctl's own code.

use reqwest::Method;
use serde_json::{Value, json};

use super::kong::{APP_ID, NETWORK_ID, SUBSCRIPTION, TENANT, VNET_ID};
use super::served::{Answer, Body, Served};

const ROLES: &str = "providers/Microsoft.Authorization/roleDefinitions";
const ASSIGNMENTS: &str = "providers/Microsoft.Authorization/roleAssignments";
const API_VERSION: &str = "api-version=2022-04-01";

/// Signed in as the estate's operator, who may do everything in the customer's tenant.
pub struct Colleague<'a> {
    sandbox: &'a Served,
    token: String,
}

impl<'a> Colleague<'a> {
    #[track_caller]
    pub fn of(sandbox: &'a Served) -> Self {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", sandbox.value("AZURE_CLIENT_ID")),
            ("client_secret", sandbox.value("AZURE_CLIENT_SECRET")),
            ("scope", "https://management.core.windows.net//.default"),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let path = format!("/{TENANT}/oauth2/v2.0/token");
        let (status, answer) = sandbox.send(Method::POST, &path, None, Body::Form(form));
        assert_eq!(status, 200, "{answer}");
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        Self { sandbox, token }
    }

    /// A request to ARM or Graph, which has to succeed.
    #[track_caller]
    pub fn azure(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.send(method, path, &self.token, body)
    }

    /// A request to ARM or Graph, whatever comes of it.
    #[track_caller]
    pub fn tries(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let body = body.map_or(Body::None, Body::Json);
        self.sandbox.ask_in_full(method, path, Some(&self.token), body)
    }

    /// A request to Konnect's API, below `/v2/cloud-gateways`, which has to succeed.
    #[track_caller]
    pub fn konnect(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let path = format!("/v2/cloud-gateways{path}");
        self.send(method, &path, self.sandbox.value("KONNECT_TOKEN"), body)
    }

    #[track_caller]
    fn send(&self, method: Method, path: &str, bearer: &str, body: Option<Value>) -> Value {
        let body = body.map_or(Body::None, Body::Json);
        let (status, answer) = self.sandbox.send(method.clone(), path, Some(bearer), body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Consents to Kong's application; gives the service principal's object id.
    #[track_caller]
    pub fn consents(&self) -> String {
        let made = self.azure(Method::POST, "/v1.0/servicePrincipals", Some(json!({"appId": APP_ID})));
        made["id"].as_str().expect("an id").to_owned()
    }

    /// The object id of Kong's service principal.
    #[track_caller]
    pub fn principal(&self) -> String {
        let path = format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{APP_ID}'");
        let found = self.azure(Method::GET, &path, None);
        found["value"][0]["id"].as_str().expect("Kong's principal").to_owned()
    }

    #[track_caller]
    pub fn removes_principal(&self) {
        let path = format!("/v1.0/servicePrincipals/{}", self.principal());
        self.azure(Method::DELETE, &path, None);
    }

    /// Creates or replaces a custom role in the subscription, assignable at `scopes`.
    #[track_caller]
    pub fn writes_role(&self, subscription: &str, guid: &str, name: &str, actions: &[&str], scopes: &[&str]) {
        let scopes: Vec<String> = scopes.iter().map(|id| format!("/subscriptions/{id}")).collect();
        let path = format!("/subscriptions/{subscription}/{ROLES}/{guid}?{API_VERSION}");
        let body = json!({"properties": {
            "roleName": name,
            "description": "By a colleague.",
            "permissions": [{"actions": actions}],
            "assignableScopes": scopes,
        }});
        self.azure(Method::PUT, &path, Some(body));
    }

    /// The GUID of the custom role of that name.
    #[track_caller]
    pub fn role_guid(&self, name: &str) -> String {
        let path = format!("/subscriptions/{SUBSCRIPTION}/{ROLES}?{API_VERSION}&$filter=type%20eq%20'CustomRole'");
        let found = self.azure(Method::GET, &path, None);
        let roles = found["value"].as_array().expect("a list");
        let role = roles.iter().find(|role| role["properties"]["roleName"] == name);
        let role = role.unwrap_or_else(|| panic!("no role {name} in {found}"));
        role["name"].as_str().expect("a GUID").to_owned()
    }

    /// Assigns the role to the principal at the network.
    #[track_caller]
    pub fn assigns(&self, assignment: &str, role: &str, principal: &str) {
        let path = format!("{VNET_ID}/{ASSIGNMENTS}/{assignment}?{API_VERSION}");
        let body = json!({"properties": {
            "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/{ROLES}/{role}"),
            "principalId": principal,
            "principalType": "ServicePrincipal",
        }});
        self.azure(Method::PUT, &path, Some(body));
    }

    /// Takes away what Kong's principal has at the network.
    #[track_caller]
    pub fn removes_assignment(&self) {
        let principal = self.principal();
        let path = format!("{VNET_ID}/{ASSIGNMENTS}?{API_VERSION}&$filter=atScope()");
        let found = self.azure(Method::GET, &path, None);
        let all = found["value"].as_array().expect("a list");
        let own = all
            .iter()
            .find(|one| one["properties"]["principalId"] == principal.as_str());
        let id = own.expect("an assignment of Kong's")["id"].as_str().expect("an id");
        self.azure(Method::DELETE, &format!("{id}?{API_VERSION}"), None);
    }

    /// The transit gateways of the ready Konnect network.
    #[track_caller]
    pub fn gateways(&self) -> Vec<Value> {
        let found = self.konnect(Method::GET, &format!("/networks/{NETWORK_ID}/transit-gateways"), None);
        found["data"].as_array().expect("a list").clone()
    }

    /// Enters the hand-off's values into Konnect, for `vnet-app`.
    #[track_caller]
    pub fn asks_kong(&self) {
        let body = json!({
            "name": "by-hand",
            "transit_gateway_attachment_config": {
                "kind": "azure-vnet-peering-attachment",
                "tenant_id": TENANT,
                "subscription_id": SUBSCRIPTION,
                "resource_group_name": "rg-network",
                "vnet_name": "vnet-app",
            },
        });
        let path = format!("/networks/{NETWORK_ID}/transit-gateways");
        self.konnect(Method::POST, &path, Some(body));
    }

    /// The same in the form of Konnect's console.
    #[track_caller]
    pub fn fills_in_the_form(&self) {
        let values = [
            ("tenant_id", TENANT),
            ("subscription_id", SUBSCRIPTION),
            ("resource_group_name", "rg-network"),
            ("vnet_name", "vnet-app"),
        ];
        let form = values.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let path = format!("/konnect/networks/{NETWORK_ID}/virtual-network-peering");
        let (status, _) = self.sandbox.send(Method::POST, &path, None, Body::Form(form));
        assert_eq!(status, 200, "the console takes the form");
    }

    /// Peers one network with another one of the tenant, in this direction alone.
    #[track_caller]
    pub fn peers(&self, vnet: &str, name: &str, remote: &str) {
        let path = format!("{vnet}/virtualNetworkPeerings/{name}?api-version=2024-03-01");
        let body = json!({"properties": {
            "remoteVirtualNetwork": {"id": remote},
            "allowVirtualNetworkAccess": true,
        }});
        self.azure(Method::PUT, &path, Some(body));
    }

    /// Deletes every transit gateway of the network.
    #[track_caller]
    pub fn deletes_gateways(&self) {
        for gateway in self.gateways() {
            let id = gateway["id"].as_str().expect("an id");
            self.konnect(
                Method::DELETE,
                &format!("/networks/{NETWORK_ID}/transit-gateways/{id}"),
                None,
            );
        }
        assert_eq!(self.gateways(), Vec::<Value>::new());
    }
}
