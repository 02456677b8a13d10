//! Helpers that the walks share: requests with tokens, and the usual steps.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, SandboxOptions};

pub(super) const TENANT: &str = "6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10";
pub(super) const KONG_TENANT: &str = "d90f1c7e-2f34-4c55-8a7b-6d3e9b0a5c21";
pub(super) const OPERATOR: &str = "a3c1d2e4-5f60-4718-92a3-b4c5d6e7f801";
pub(super) const LIMITED: &str = "c5e3f4a6-7182-4930-a4b5-d6e7f8091a23";
pub(super) const PIPELINE: &str = "d6f405b7-8293-4a41-b5c6-e7f8091a2b34";
pub(super) const KONG: &str = "207b296f-cf25-4d23-9eba-9a2c41dc62ca";
pub(super) const SUB: &str = "11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01";
pub(super) const STAGING: &str = "22e1c7b3-75b7-4a1c-9e3f-4b6081da2f12";
pub(super) const KONG_SUB: &str = "e4a3b2c1-97d9-4c3e-b051-6d8203fc4134";
pub(super) const VNET: &str = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-app";
pub(super) const NETWORK: &str = "36ae63d3-efd1-4bec-b246-62aa5d3f5695";
pub(super) const KONNECT: &str = "kpat_sandbox00000000000000000000000000000000";
pub(super) const ROLE: &str = "11111111-2222-4333-8444-555555555555";
pub(super) const GRANT: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
pub(super) const ACTIONS: [&str; 5] = [
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete",
    "Microsoft.Network/virtualNetworks/peer/action",
];

/// An answer with its body read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Value,
    pub(super) text: String,
}

impl Seen {
    /// ARM's or Graph's error code.
    pub(super) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(super) fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        self.body
    }
}

/// A client with a token.
pub(super) struct SandboxClient {
    pub(super) sandbox: Sandbox,
    pub(super) token: String,
    pub(super) auxiliary: Option<String>,
}

pub(super) fn sandbox(options: SandboxOptions) -> Sandbox {
    Sandbox::new(options)
}

pub(super) async fn raw(sandbox: &Sandbox, request: Request<Bytes>) -> Seen {
    let answer = sandbox.handle(request).await;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    Seen {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

pub(super) async fn form(sandbox: &Sandbox, path: &str, fields: &[(&str, &str)]) -> Seen {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("https://localhost:1{path}"));
    raw(sandbox, request.body(Bytes::from(body)).expect("a request")).await
}

pub(super) async fn token(sandbox: &Sandbox, tenant: &str, app: &str, secret: &str) -> Seen {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", app),
        ("client_secret", secret),
        ("scope", "https://management.core.windows.net//.default"),
    ];
    form(sandbox, &format!("/{tenant}/oauth2/v2.0/token"), &fields).await
}

pub(super) async fn sign_in(sandbox: &Sandbox, tenant: &str, app: &str, secret: &str) -> SandboxClient {
    let body = token(sandbox, tenant, app, secret).await.ok();
    let token = body["access_token"].as_str().expect("a token").to_owned();
    SandboxClient {
        sandbox: sandbox.clone(),
        token,
        auxiliary: None,
    }
}

pub(super) async fn operator(sandbox: &Sandbox) -> SandboxClient {
    sign_in(sandbox, TENANT, OPERATOR, "sandbox~operator~secret").await
}

pub(super) async fn limited(sandbox: &Sandbox) -> SandboxClient {
    sign_in(sandbox, TENANT, LIMITED, "sandbox~limited~secret").await
}

pub(super) fn konnect(sandbox: &Sandbox) -> SandboxClient {
    SandboxClient {
        sandbox: sandbox.clone(),
        token: KONNECT.to_owned(),
        auxiliary: None,
    }
}

impl SandboxClient {
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Seen {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://localhost:1{path}"));
        request = request.header("authorization", format!("Bearer {}", self.token));
        if let Some(token) = &self.auxiliary {
            request = request.header("x-ms-authorization-auxiliary", format!("Bearer {token}"));
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        raw(&self.sandbox, request.body(body).expect("a request")).await
    }

    /// An ARM request; the API version is added.
    pub(super) async fn arm(&self, method: Method, path: &str, body: Option<Value>) -> Seen {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.send(method, &format!("{path}{mark}api-version=2023-11-01"), body)
            .await
    }

    pub(super) async fn get(&self, path: &str) -> Seen {
        self.arm(Method::GET, path, None).await
    }

    pub(super) async fn peer(&self, vnet: &str, name: &str, remote: &str) -> Seen {
        let body = json!({"properties": {"remoteVirtualNetwork": {"id": remote}}});
        self.arm(
            Method::PUT,
            &format!("{vnet}/virtualNetworkPeerings/{name}"),
            Some(body),
        )
        .await
    }
}

/// Consent through Graph: Kong's service principal, and its object id.
pub(super) async fn consent(client: &SandboxClient) -> String {
    let created = client
        .send(Method::POST, "/v1.0/servicePrincipals", Some(json!({"appId": KONG})))
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    created.body["id"].as_str().expect("an id").to_owned()
}

pub(super) async fn define(client: &SandboxClient, actions: &[&str]) -> Seen {
    let body = json!({"properties": {
        "roleName": "Kong Cloud Gateway Peering Creator",
        "description": "Perform cross-tenant network peering.",
        "type": "CustomRole",
        "permissions": [{"actions": actions}],
        "assignableScopes": [format!("/subscriptions/{SUB}")],
        "createdOn": null,
    }});
    let path = format!("/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}");
    client.arm(Method::PUT, &path, Some(body)).await
}

pub(super) async fn assign(client: &SandboxClient, principal: &str) -> Seen {
    assign_at(client, principal, VNET).await
}

/// Asks Konnect for the peering, and gives the transit gateway's path.
pub(super) async fn request(sandbox: &Sandbox, network: &str, vnet: &str) -> Seen {
    let parts: Vec<&str> = vnet.split('/').collect();
    let body = json!({
        "name": "peer-vnet-app",
        "transit_gateway_attachment_config": {
            "kind": "azure-vnet-peering-attachment",
            "tenant_id": TENANT,
            "subscription_id": parts[2],
            "resource_group_name": parts[4],
            "vnet_name": parts[8],
        },
    });
    let path = format!("/v2/cloud-gateways/networks/{network}/transit-gateways");
    konnect(sandbox).send(Method::POST, &path, Some(body)).await
}

pub(super) async fn gateway(sandbox: &Sandbox, created: &Seen) -> Value {
    let id = created.body["id"].as_str().expect("an id");
    let path = format!("/v2/cloud-gateways/networks/{NETWORK}/transit-gateways/{id}");
    konnect(sandbox).send(Method::GET, &path, None).await.body
}

pub(super) fn get_request(path: &str) -> Request<Bytes> {
    Request::builder()
        .uri(format!("https://localhost:1{path}"))
        .body(Bytes::new())
        .expect("a request")
}

pub(super) async fn assign_at(client: &SandboxClient, principal: &str, scope: &str) -> Seen {
    let body = json!({"properties": {
        "roleDefinitionId": format!("/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"),
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }});
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{GRANT}");
    client.arm(Method::PUT, &path, Some(body)).await
}
