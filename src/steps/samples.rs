//! One finished Kong peering, for tests to take things away from.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::ObservedState;
use crate::azure::{
    AppRegistration, AzureCloud, ListedCredential, PeeringBody, RoleAssignment, RoleDefinition, RolePermission,
    ServicePrincipal, VirtualNetwork,
};
use crate::domain::{
    AddressSpace, PeeringState, SyncLevel, VnetId, own_app_unique_name, role_assignment_guid, role_definition_guid,
};
use crate::plan::{
    ConsentMode, OwnApp, OwnAppRole, PeeringIntent, RunGoal, StepDecision, TenantName, VendorAccess, VendorApp,
};
use crate::vendors::{RequestPhase, VendorNetwork, VendorRequest, profile};

/// Returns an intent, and the state after all of it is completed.
pub fn kong_done() -> (PeeringIntent, ObservedState) {
    let vendor = profile("kong").expect("kong is built in");
    let (tenant, subscription) = (Uuid::from_u128(0x7e), Uuid::from_u128(0x50b));
    let vnet = VnetId::new(subscription, "rg-network", "vnet-app").expect("good names");
    let application = vendor.application.clone().expect("kong has one");
    let intent = PeeringIntent {
        tenant,
        tenant_name: TenantName::default(),
        consent: ConsentMode::Create,
        own_app: None,
        own_app_role: OwnAppRole::default(),
        vendor_app: Some(VendorApp {
            id: application.app_id,
            name: application.name.clone(),
            consent_url: AzureCloud::public().admin_consent_url(tenant, application.app_id),
            principal_id: None,
        }),
        access: VendorAccess::Api,
        vendor_api: None,
        vendor_inputs: BTreeMap::from([("network".to_owned(), vec!["eastus2-network".to_owned()])]),
        dns: Vec::new(),
        peering_name: None,
        peering_settings: Default::default(),
        timeout: Duration::from_secs(60),
        no_wait: false,
        goal: RunGoal::SetUp,
        share: crate::plan::StepSelection::default(),
        vnet,
        vendor,
    };
    let facts = facts(&intent);
    (intent, facts)
}

/// Returns the intent and the state of [`kong_done`] with all resources created by setup, to be removed.
pub fn kong_to_take_down() -> (PeeringIntent, ObservedState) {
    let (mut intent, mut facts) = kong_done();
    intent.goal = RunGoal::TearDown { consent: true };
    let grant = intent.vendor_grant().expect("kong gets a role");
    let scope = intent.vnet.subscription_scope();
    let role = role_definition_guid(intent.tenant, &scope, &intent.vendor.id, grant.name());
    facts.roles[0].guid = role;
    let assignment = &mut facts.assignments[0];
    assignment.role = role;
    assignment.name = role_assignment_guid(intent.tenant, &intent.vnet, assignment.principal, role).to_string();
    facts.assignments_below = facts.assignments.clone();
    (intent, facts)
}

/// Returns the intent and the state of [`kong_to_take_down`] with an own application that setup created, and its role.
pub fn own_app_to_take_down() -> (PeeringIntent, ObservedState) {
    let (mut intent, mut facts) = kong_to_take_down();
    let unique_name = own_app_unique_name(intent.tenant, &intent.vnet, &intent.vendor.id);
    intent.own_app = Some(OwnApp::Made {
        unique_name: unique_name.clone(),
        display_name: "peerctl".into(),
    });
    let mut app = own_app(Vec::new());
    app.unique_name = Some(unique_name);
    let grants = intent.grants();
    let grant = grants.last().expect("the own application's");
    let scope = intent.vnet.subscription_scope();
    let mut role = facts.roles[0].clone();
    role.guid = role_definition_guid(intent.tenant, &scope, grant.owner(&intent.vendor.id), grant.name());
    role.name = grant.name().to_owned();
    role.permissions[0].actions = grant.actions.clone();
    let mut principal = facts.principal.clone().expect("kong has one");
    (principal.id, principal.app_id) = (Uuid::from_u128(0xa2), app.app_id);
    let assignment = RoleAssignment {
        name: role_assignment_guid(intent.tenant, &intent.vnet, principal.id, role.guid).to_string(),
        scope: intent.vnet.to_string(),
        role: role.guid,
        principal: principal.id,
    };
    facts.request.as_mut().expect("one").own_app = Some(app.app_id);
    facts.own_app = Some(app);
    facts.own_principal = Some(principal);
    facts.roles.push(role);
    facts.assignments.push(assignment.clone());
    facts.assignments_below.push(assignment);
    (intent, facts)
}

/// A finished link with another tenant of one's own, whose direction can be read.
pub fn another_tenant_done() -> (PeeringIntent, ObservedState) {
    let (mut intent, mut facts) = kong_done();
    intent.vendor = profile("generic").expect("built in");
    let theirs = VnetId::new(Uuid::from_u128(0xf00), "theirs", "vnet-theirs").expect("good names");
    let inputs = [
        ("remote-vnet-id", theirs.to_string()),
        ("remote-tenant-id", Uuid::from_u128(9).to_string()),
    ];
    let inputs = inputs.map(|(key, value)| (key.to_owned(), vec![value]));
    intent.vendor_inputs = inputs.into();
    (facts.network, facts.request) = (None, None);
    let ours = &mut facts.vnet.as_mut().expect("one").peerings[0];
    ours.remote_vnet = Some(theirs.clone());
    let mut other = ours.clone();
    other.id = theirs.peering("theirs-1").expect("a good name");
    other.remote_vnet = Some(intent.vnet.clone());
    facts.remote_peering = Some(other);
    (intent, facts)
}

/// Returns the decision of `undoing` after `change` was applied to a sample, as one word and its texts.
pub fn undone(
    (mut intent, mut facts): (PeeringIntent, ObservedState),
    undoing: fn(&PeeringIntent, &ObservedState) -> StepDecision,
    change: fn(&mut PeeringIntent, &mut ObservedState),
) -> (&'static str, String) {
    change(&mut intent, &mut facts);
    let decision = undoing(&intent, &facts);
    let said = format!("{}; {}", decision.what(), decision.details().join("; "));
    (decision.verb(), said)
}

fn facts(intent: &PeeringIntent) -> ObservedState {
    let space = AddressSpace::from_texts(["10.0.0.0/16"]);
    let grant = intent.vendor_grant().expect("kong gets a role");
    let permissions = vec![RolePermission {
        actions: grant.actions.clone(),
        ..RolePermission::default()
    }];
    let role = RoleDefinition {
        guid: Uuid::from_u128(0xde),
        name: intent.vendor.role_name().to_owned(),
        description: String::new(),
        custom: true,
        permissions,
        assignable_scopes: vec![intent.vnet.subscription_scope()],
    };
    let principal = ServicePrincipal {
        id: Uuid::from_u128(0x59),
        app_id: intent.vendor_app.as_ref().expect("kong has one").id,
        display_name: grant.application.clone(),
        account_enabled: true,
        owner_tenant: Some(Uuid::from_u128(0x1c0)),
    };
    let assignment = RoleAssignment {
        name: role_assignment_guid(intent.tenant, &intent.vnet, principal.id, role.guid).to_string(),
        scope: intent.vnet.to_string(),
        role: role.guid,
        principal: principal.id,
    };
    let request = VendorRequest {
        id: "gateway".into(),
        name: "vnet-app".into(),
        tenant: Some(intent.tenant),
        vnet: Some(intent.vnet.clone()),
        state: "ready".into(),
        phase: RequestPhase::Ready,
        reason: None,
        remote: None,
        own_app: None,
        attachment: serde_json::Value::Null,
        dns: Vec::new(),
    };
    ObservedState {
        principal: Some(principal),
        roles: vec![role],
        assignments: vec![assignment],
        rights_at_vnet: Some(vec![RolePermission {
            actions: vec!["*".into()],
            ..RolePermission::default()
        }]),
        rights_at_subscription: Some(vec![RolePermission {
            actions: vec!["*".into()],
            ..RolePermission::default()
        }]),
        vnet: Some(VirtualNetwork {
            id: intent.vnet.clone(),
            location: "eastus2".into(),
            address_space: AddressSpace::from_texts(["10.20.0.0/16"]),
            provisioning_state: "Succeeded".into(),
            peerings: vec![peering(intent, "kong-1", 0xf00, "10.0.0.0/16")],
            subnets: Vec::new(),
            dns_servers: Vec::new(),
        }),
        own_subscriptions: vec![intent.vnet.subscription],
        remote_tenants: BTreeMap::from([(Uuid::from_u128(0xf00), Uuid::from_u128(0x1c0))]),
        network: Some(VendorNetwork {
            id: "11111111-0000-0000-0000-000000000000".into(),
            name: "eastus2-network".into(),
            region: "eastus2".into(),
            other_cloud: None,
            address_space: space,
            state: "ready".into(),
            ready: true,
        }),
        request: Some(request),
        ..ObservedState::default()
    }
}

/// An own application with these credentials.
pub fn own_app(passwords: Vec<ListedCredential>) -> AppRegistration {
    AppRegistration {
        id: Uuid::from_u128(0xa0),
        app_id: Uuid::from_u128(0xa1),
        display_name: "peerctl".into(),
        unique_name: None,
        sign_in_audience: "AzureADMultipleOrgs".into(),
        notes: None,
        description: None,
        tags: Vec::new(),
        passwords,
        keys: Vec::new(),
    }
}

/// A secret of that name, of the hour from 9 to 10 on 21 November 2026.
pub fn credential(name: &str) -> ListedCredential {
    let starts = time::macros::datetime!(2026-11-21 09:00 UTC);
    ListedCredential {
        key_id: Uuid::from_u128(0x11),
        display_name: Some(name.to_owned()),
        starts: Some(starts),
        ends: Some(starts + time::Duration::HOUR),
    }
}

/// A working peering of the intent's network with one in `subscription`.
pub fn peering(intent: &PeeringIntent, name: &str, subscription: u128, space: &str) -> PeeringBody {
    PeeringBody {
        id: intent.vnet.peering(name).expect("a good name"),
        state: PeeringState::Connected,
        sync_level: SyncLevel::FullyInSync,
        provisioning_state: "Succeeded".into(),
        remote_vnet: VnetId::new(Uuid::from_u128(subscription), "theirs", "vnet-theirs").ok(),
        remote_address_space: AddressSpace::from_texts([space]),
        allow_virtual_network_access: true,
        allow_forwarded_traffic: false,
        allow_gateway_transit: false,
        use_remote_gateways: false,
        properties: serde_json::Map::new(),
    }
}
