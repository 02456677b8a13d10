//! Pages: admin consent, and Konnect's console.

use bytes::Bytes;
use http::Request;

use super::support::*;
use crate::sandbox::{Lag, Sandbox, SandboxOptions};

fn at_once() -> SandboxOptions {
    SandboxOptions {
        lag: Lag::None,
        ..SandboxOptions::default()
    }
}

fn consent_path(more: &str) -> String {
    format!("/{TENANT}/adminconsent?client_id={KONG}{more}")
}

async fn principals(sandbox: &Sandbox) -> usize {
    let path = format!("/v1.0/servicePrincipals?%24filter=appId+eq+%27{KONG}%27");
    let seen = operator(sandbox).await.send(http::Method::GET, &path, None).await.ok();
    seen["value"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn consent_page_escapes_input() {
    let sandbox = sandbox(at_once());
    let page = raw(&sandbox, get_request(&consent_path("&state=%22%3E%3Cscript%3E"))).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("kong-cgw-azure-vnet-peering-app") && page.text.contains("Contoso"));
    assert!(page.text.contains("rehearsal") && !page.text.contains("<script>"));
    let unknown = raw(
        &sandbox,
        get_request(&format!("/{TENANT}/adminconsent?client_id={GRANT}")),
    )
    .await;
    assert!(
        unknown.status == 400 && unknown.text.contains("AADSTS700016"),
        "{}",
        unknown.text
    );
    let nowhere = raw(
        &sandbox,
        get_request(&format!("/none.example/adminconsent?client_id={KONG}")),
    )
    .await;
    assert!(nowhere.text.contains("AADSTS90002"), "{}", nowhere.text);
}

#[tokio::test]
async fn consent_accept_creates_principal_and_redirects() {
    let sandbox = sandbox(at_once());
    let decide = async |decision: &str, back: &str| {
        let fields = [
            ("client_id", KONG),
            ("decision", decision),
            ("redirect_uri", back),
            ("state", "s 1"),
        ];
        form(&sandbox, &format!("/{TENANT}/adminconsent"), &fields).await
    };
    let seen = decide("cancel", "http://localhost:9/done").await;
    assert!(seen.status == 302 && seen.header("location").contains("error=access_denied"));
    assert_eq!(principals(&sandbox).await, 0);
    let seen = decide("accept", "https://elsewhere.example/").await;
    assert!(seen.status == 200 && seen.text.contains("Accepted"));
    assert_eq!(principals(&sandbox).await, 1);
    let seen = decide("accept", "http://localhost:9/done").await;
    let expected = format!("http://localhost:9/done?admin_consent=True&tenant={TENANT}&state=s+1");
    assert_eq!(seen.header("location"), expected);
    assert_eq!(principals(&sandbox).await, 1, "once is enough");
}

#[tokio::test]
async fn console_creates_same_transit_gateway() {
    let sandbox = sandbox(at_once());
    let list = raw(&sandbox, get_request("/konnect")).await;
    let path = format!("/konnect/networks/{NETWORK}/virtual-network-peering");
    assert!(list.text.contains(&path) && list.text.contains("new-network"));
    let page = raw(&sandbox, get_request(&path)).await;
    for label in ["Tenant ID", "Subscription ID", "Resource group name", "VNET Name"] {
        assert!(page.text.contains(&format!("<label>{label}<")), "{label}");
    }
    let fields = |dns| {
        [
            ("tenant_id", TENANT),
            ("subscription_id", SUB),
            ("resource_group_name", "rg-network"),
            ("vnet_name", "vnet-app"),
            ("dns", dns),
        ]
    };
    let refused = form(&sandbox, &path, &fields("nonsense")).await;
    assert!(
        refused.status == 400 && refused.text.contains("DNS mapping"),
        "{}",
        refused.text
    );
    assert_eq!(
        form(&sandbox, &path, &fields("a.example,b.example=10.0.0.4"))
            .await
            .status,
        200
    );
    let gateways = konnect(&sandbox)
        .get(&format!("/v2/cloud-gateways/networks/{NETWORK}/transit-gateways"))
        .await
        .ok();
    assert_eq!(
        gateways["data"][0]["dns_config"][0]["domain_proxy_list"][1],
        "b.example"
    );
    let again = form(&sandbox, &path, &fields("")).await;
    assert!(again.status == 400 && again.text.contains("already"), "{}", again.text);
}

#[tokio::test]
async fn console_reset_restores_edit_changes_world() {
    let sandbox = sandbox(at_once());
    let dump = async || raw(&sandbox, get_request("/_sandbox/state")).await.text;
    let fresh = dump().await;
    let first = consent(&operator(&sandbox).await).await;
    assert_ne!(dump().await, fresh);
    let post = |path: &str, body: String| {
        Request::post(format!("https://localhost:1{path}"))
            .body(Bytes::from(body))
            .expect("a request")
    };
    let remove = format!("{{\"remove\":\"{first}\"}}");
    assert_eq!(raw(&sandbox, post("/_sandbox/edit", remove.clone())).await.status, 204);
    assert_eq!(raw(&sandbox, post("/_sandbox/edit", remove)).await.status, 404);
    assert_eq!(dump().await, fresh);
    assert_eq!(raw(&sandbox, post("/_sandbox/reset", String::new())).await.status, 204);
    let log = raw(&sandbox, get_request("/_sandbox/requests")).await.body;
    assert_eq!(
        (log["writes"].as_u64(), log["requests"].as_array().map(Vec::len)),
        (Some(0), Some(0))
    );
    assert_eq!(
        consent(&operator(&sandbox).await).await,
        first,
        "ids come from the seed"
    );
}
