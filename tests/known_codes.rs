//! Every code of the table that the sandbox can produce: a set-up runs into it and says what the table has.

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use peerctl::errors::known::{KnownError, all, lookup};
use serde_json::Value;
use support::both_sides::{AIVEN, DRAGONFLY, PARTNER_TENANT, partner, with_inputs};
use support::cli::peerctl;
use support::kong::{LIMITED, NETWORK};
use support::served::Served;

/// Who the set-up is with.
#[derive(Clone, Copy)]
enum With {
    Kong,
    Aiven,
    Dragonfly,
    /// Fabrikam, both directions by one's own sign-in.
    Partner,
}

use With::{Aiven, Dragonfly, Kong, Partner};

impl With {
    fn command_line(self, more: &[&str]) -> Vec<String> {
        let network = format!("network={NETWORK}");
        let (id, tenant) = (
            format!("remote-vnet-id={}", partner("vnet-partner")),
            format!("remote-tenant-id={PARTNER_TENANT}"),
        );
        let (vendor, inputs): (&str, &[&str]) = match self {
            Kong => ("kong", &["--set", &network]),
            Aiven => (AIVEN.name, AIVEN.inputs),
            Dragonfly => (DRAGONFLY.name, DRAGONFLY.inputs),
            Partner => ("generic", &["--set", &id, "--set", &tenant]),
        };
        // Nothing that passes by itself is waited for.
        let common = ["-o", "json", "--timeout", "0s"];
        with_inputs(vendor, &[inputs, &common, more].concat())
    }
}

/// How a set-up gets into a refusal.
#[derive(Clone, Copy)]
enum By {
    /// The sandbox's own rules: flags, and environment.
    Rules(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// A fault: method and path, and the status with what stands behind it before the code.
    Fault(&'static str, &'static str),
}

use By::{Fault, Rules};

/// With whom, how, which code, and what its message has to have for this meaning.
type Row = (With, By, &'static str, &'static str);

const THE_NETWORK: &str = "GET */virtualNetworks/vnet-app";
const A_ROLE: &str = "PUT */roleDefinitions/*";
const AN_ASSIGNMENT: &str = "PUT */roleAssignments/*";
const A_PEERING: &str = "PUT */virtualNetworkPeerings/*";
const A_TOKEN: &str = "POST */oauth2/v2.0/token";
const A_PRINCIPAL: &str = "POST */servicePrincipals";
const PRINCIPALS: &str = "GET */servicePrincipals*";
const AN_APPLICATION: &str = "PATCH */applications*";
const KONNECT: &str = "GET */cloud-gateways/networks";
const AT_AIVEN: &str = "GET /v1/project/*";
const AT_DRAGONFLY: &str = "GET /v1/networks";

const NOBODY: &str = "9c0d7e5a-1111-4222-8333-444455556666";
const KONGS_TENANT: &str = "d90f1c7e-2f34-4c55-8a7b-6d3e9b0a5c21";
const KONGS_VNET: &str = "/subscriptions/e4a3b2c1-97d9-4c3e-b051-6d8203fc4134/resourceGroups/rg-konnect/providers/Microsoft.Network/virtualNetworks/eastus2-network";
const NO_SUBSCRIPTION: &str = "/subscriptions/9c0d7e5a-1111-4222-8333-444455556666/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-app";
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/azure/identity/test-certificate.pem");

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // What the sandbox's own rules refuse.
    (Kong, Rules(&[], &[("AZURE_CLIENT_SECRET", "wrong")]), "AADSTS7000215", ""),
    (Kong, Rules(&[], &[("AZURE_CLIENT_ID", NOBODY)]), "AADSTS700016", ""),
    (Kong, Rules(&[], &[("AZURE_TENANT_ID", NOBODY)]), "AADSTS90002", ""),
    (Kong, Rules(&[], &[("AZURE_TENANT_ID", KONGS_TENANT)]), "AADSTS7000229", ""),
    (Kong, Rules(&[], &[("AZURE_CLIENT_SECRET", ""), ("AZURE_CLIENT_CERTIFICATE_PATH", CERTIFICATE)]), "AADSTS700027", ""),
    (Kong, Rules(&["--vnet-id", KONGS_VNET], &[]), "InvalidAuthenticationTokenTenant", ""),
    (Kong, Rules(&["--vnet-id", NO_SUBSCRIPTION], &[]), "SubscriptionNotFound", ""),
    (Kong, Fault(AN_ASSIGNMENT, "409"), "ScopeLocked", ""),
    (Kong, Rules(&[], &LIMITED), "Authorization_RequestDenied", "backing application"),
    (Kong, Rules(&[], &[("KONNECT_TOKEN", "kpat_wrong")]), "KonnectUnauthorized", ""),
    (Kong, Rules(&[], &[("KONNECT_TOKEN", "kpat_powerless000000000000000000000000000000")]), "KonnectForbidden", ""),
    (Aiven, Rules(&[], &[("AIVEN_AUTH_TOKEN", "wrong")]), "AivenUnauthorized", ""),
    (Dragonfly, Rules(&[], &[("DFCLOUD_API_KEY", "wrong")]), "DragonflyUnauthorized", ""),
    // Rights, and who asks.
    (Kong, Fault(THE_NETWORK, "403"), "AuthorizationFailed", ""),
    (Kong, Fault(AN_ASSIGNMENT, "403"), "AuthorizationFailed", "an authorization with ABAC condition that is not fulfilled"),
    (Kong, Fault(THE_NETWORK, "403"), "DenyAssignmentAuthorizationFailed", ""),
    (Kong, Fault(AN_ASSIGNMENT, "403"), "AuthorizationFailed", "the access is denied because of the deny assignment with name 'x'"),
    (Partner, Fault(A_PEERING, "403"), "LinkedAuthorizationFailed", "and is blocked by deny assignments on the '1' linked scope(s)"),
    (Partner, Fault(A_PEERING, "403"), "LinkedAuthorizationFailed", "something else is missing"),
    (Kong, Fault(THE_NETWORK, "401"), "InvalidAuthenticationToken", ""),
    (Kong, Fault(THE_NETWORK, "401"), "InvalidAuthenticationTokenAudience", ""),
    (Kong, Fault(THE_NETWORK, "401"), "ExpiredAuthenticationToken", ""),
    (Kong, Fault(THE_NETWORK, "401"), "AuthenticationFailed", ""),
    (Kong, Fault(A_ROLE, "403"), "LinkedAuthorizationFailed", "to perform action(s) roleDefinitions/write"),
    (Partner, Fault(A_PEERING, "403"), "LinkedAuthorizationFailed", "is not authorized to access linked subscription"),
    (Kong, Fault(THE_NETWORK, "403"), "LinkedAuthorizationFailed", "virtualNetworks/peer/action"),
    (Partner, Fault(A_PEERING, "403"), "LinkedAuthorizationFailed", "the linked subscription was not found"),
    // Roles.
    (Kong, Fault(AN_ASSIGNMENT, "400"), "PrincipalNotFound", ""),
    (Kong, Fault(AN_ASSIGNMENT, "404"), "RoleDefinitionDoesNotExist", ""),
    (Kong, Fault(A_ROLE, "409"), "RoleDefinitionWithSameNameExists", ""),
    (Kong, Fault(A_ROLE, "400"), "RoleDefinitionLimitExceeded", ""),
    (Kong, Fault(A_ROLE, "400"), "InvalidActionOrNotAction", ""),
    (Kong, Fault(A_ROLE, "400"), "RoleDefinitionHasAssignments", ""),
    (Kong, Fault(AN_ASSIGNMENT, "400"), "RoleAssignmentLimitExceeded", ""),
    (Kong, Fault(AN_ASSIGNMENT, "400"), "RoleAssignmentUpdateNotPermitted", ""),
    (Kong, Fault(AN_ASSIGNMENT, "400"), "UnmatchedPrincipalType", ""),
    (Kong, Fault(AN_ASSIGNMENT, "400"), "RoleAssignmentScopeNotAssignableToRoleDefinition", ""),
    // Resources.
    // A network that is not there is told by setup in words of its own; what is gone in the middle of a run, by these.
    (Partner, Fault(A_PEERING, "404"), "ResourceNotFound", ""),
    (Partner, Fault(A_PEERING, "404"), "ResourceGroupNotFound", ""),
    (Partner, Fault(A_PEERING, "404"), "ParentResourceNotFound", ""),
    (Partner, Fault(A_PEERING, "404"), "NotFound", ""),
    (Kong, Fault(THE_NETWORK, "400"), "InvalidSubscriptionId", ""),
    (Kong, Fault(THE_NETWORK, "400"), "NoRegisteredProviderFound", ""),
    (Partner, Fault(A_PEERING, "403"), "RequestDisallowedByPolicy", ""),
    (Partner, Fault(A_PEERING, "409"), "MissingSubscriptionRegistration", ""),
    (Partner, Fault(A_PEERING, "409"), "ReadOnlyDisabledSubscription", ""),
    (Partner, Fault(A_PEERING, "400"), "VnetAddressSpacesOverlap", ""),
    (Partner, Fault(A_PEERING, "400"), "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", ""),
    (Partner, Fault(A_PEERING, "400"), "ChangingRemoteVirtualNetworkNotAllowed", ""),
    (Partner, Fault(A_PEERING, "400"), "AnotherPeeringAlreadyReferencesRemoteVnet", ""),
    (Partner, Fault(A_PEERING, "400"), "RemotePeeringIsDisconnected", ""),
    (Partner, Fault(A_PEERING, "400"), "InvalidGlobalResourceReference", ""),
    (Partner, Fault(A_PEERING, "400"), "InvalidResourceReference", ""),
    (Partner, Fault(A_PEERING, "400"), "InvalidResourceName", ""),
    (Partner, Fault(A_PEERING, "400"), "RemoteVnetHasNoGateways", ""),
    (Partner, Fault(A_PEERING, "400"), "ReferencedResourceNotProvisioned", ""),
    (Partner, Fault(A_PEERING, "400"), "ReferencedResourceNotProvisioned", "Resource is in Failed state and the last operation"),
    (Partner, Fault(A_PEERING, "400"), "ReferencedResourceNotProvisioned", "the provisioning state is 'Failed'"),
    (Partner, Fault(A_PEERING, "400"), "ReferencedResourceNotProvisioned", "Resource is in Canceled state"),
    (Partner, Fault(A_PEERING, "400"), "ReferencedResourceNotProvisioned", "Resource is in Deleting state"),
    (Partner, Fault(A_PEERING, "403"), "RequestDisallowedByAzure", "disallowed by Azure. Reasons: 'MFA is required.'"),
    (Partner, Fault(A_PEERING, "403"), "RequestDisallowedByAzure", ""),
    (Partner, Fault(A_PEERING, "409"), "SubscriptionNotRegistered", ""),
    (Partner, Fault(A_PEERING, "400"), "VnetPeeringLimitReached", ""),
    (Partner, Fault(A_PEERING, "409"), "AnotherOperationInProgress", ""),
    (Partner, Fault(A_PEERING, "409"), "CanceledAndSupersededDueToAnotherOperation", ""),
    (Partner, Fault(A_PEERING, "409"), "RetryableErrorDueToAnotherOperation", ""),
    // A wait of ten minutes is longer than any that is waited out before it is told.
    (Partner, Fault(A_PEERING, "429:600"), "RetryableError", ""),
    (Kong, Fault(THE_NETWORK, "429:600"), "TooManyRequests", ""),
    (Kong, Fault(THE_NETWORK, "429:600"), "SubscriptionRequestsThrottled", ""),
    (Kong, Fault(THE_NETWORK, "429:600"), "TenantRequestsThrottled", ""),
    (Kong, Fault(THE_NETWORK, "429:600"), "RateLimiting", ""),
    (Kong, Fault(THE_NETWORK, "429:600"), "ResourceRequestsThrottled", ""),
    (Kong, Fault(THE_NETWORK, "500:600"), "InternalServerError", ""),
    (Kong, Fault(THE_NETWORK, "503:600"), "ServiceUnavailable", ""),
    (Kong, Fault(THE_NETWORK, "504:600"), "GatewayTimeout", ""),
    // Microsoft Graph.
    (Kong, Fault(A_PRINCIPAL, "403"), "Authorization_RequestDenied", "Insufficient privileges"),
    (Kong, Fault(PRINCIPALS, "401"), "InvalidAuthenticationToken", "Access token validation failure. Invalid audience."),
    (Kong, Fault(A_PRINCIPAL, "400"), "NoBackingApplicationObject", ""),
    (Kong, Fault(PRINCIPALS, "400"), "Request_ResourceNotFound", ""),
    (Aiven, Fault(AN_APPLICATION, "400"), "SignInAudienceNotAllowedAsPerAppPolicy", ""),
    (Aiven, Fault(AN_APPLICATION, "400"), "Directory_QuotaExceeded", ""),
    (Aiven, Fault(AN_APPLICATION, "400"), "Request_BadRequest", "Another object with the same value for property uniqueName already exists."),
    // Entra.
    (Kong, Fault(A_TOKEN, "401"), "AADSTS7000222", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50076", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50079", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS53003", ""),
    (Kong, Fault(A_TOKEN, "401"), "AADSTS7000112", ""),
    (Kong, Fault(A_TOKEN, "401"), "AADSTS7000218", ""),
    (Kong, Fault(A_TOKEN, "401"), "AADSTS50027", ""),
    (Kong, Fault(A_TOKEN, "401"), "AADSTS700024", ""),
    (Kong, Fault(A_TOKEN, "401"), "AADSTS700211", ""),
    (Kong, Fault(A_TOKEN, "401"), "AADSTS700212", ""),
    (Kong, Fault(A_TOKEN, "401"), "AADSTS700213", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS70021", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS500011", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS65001", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50020", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS90072", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50034", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50057", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50126", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50074", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50078", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50173", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS70043", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS700082", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50158", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS53000", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS53001", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS530035", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS530036", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS70018", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS70019", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS70020", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS500021", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS500212", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS500213", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS500014", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS650052", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50105", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS501051", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50194", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS530003", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS53011", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50097", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS90093", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS65005", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS650057", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS7000012", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50128", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS900023", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50059", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS530032", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50055", ""),
    (Kong, Fault(A_TOKEN, "400"), "AADSTS50053", ""),
    (Kong, Fault(A_TOKEN, "503:600"), "AADSTS90033", ""),
    // The vendors.
    (Kong, Fault(KONNECT, "403:Quota Exceeded"), "KonnectQuotaExceeded", ""),
    (Kong, Fault(KONNECT, "400:Invalid Request"), "KonnectInvalidRequest", ""),
    (Kong, Fault(KONNECT, "409"), "KonnectConflict", ""),
    (Kong, Fault(KONNECT, "404"), "KonnectNotFound", ""),
    (Aiven, Fault(AT_AIVEN, "403"), "AivenForbidden", ""),
    (Aiven, Fault(AT_AIVEN, "404"), "AivenNotFound", ""),
    (Aiven, Fault(AT_AIVEN, "400"), "AivenBadRequest", ""),
    (Aiven, Fault(AT_AIVEN, "409"), "AivenConflict", ""),
    (Dragonfly, Fault(AT_DRAGONFLY, "403"), "DragonflyForbidden", ""),
    (Dragonfly, Fault(AT_DRAGONFLY, "404"), "DragonflyNotFound", ""),
    (Dragonfly, Fault(AT_DRAGONFLY, "400"), "DragonflyBadRequest", ""),
    (Dragonfly, Fault(AT_DRAGONFLY, "409"), "DragonflyConflict", ""),
];

/// What no set-up in the sandbox ends with, and why.
const NOT_DRIVEN: &[(&[&str], &str)] = &[
    (
        &["RoleAssignmentExists", "Request_MultipleObjectsWithSameKeyValue"],
        "setup takes it for what it wanted, and goes on",
    ),
    (
        &[
            "CredentialTypeNotAllowedAsPerAppPolicy",
            "CredentialInvalidLifetimeAsPerAppPolicy",
        ],
        "setup uses a certificate in place of a secret, and continues",
    ),
    (&["InProgress"], "a quarter of an hour passes before it is said"),
    (
        &["AADSTS65004", "AADSTS90094", "AADSTS500113", "AADSTS50011"],
        "said on the consent page, to the person in the browser",
    ),
];

/// States are no refusals: setup waits for them, mends them, or shows them as they are.
fn is_driven_otherwise(known: &KnownError) -> bool {
    known.state || NOT_DRIVEN.iter().any(|(codes, _)| codes.contains(&known.code.as_str()))
}

/// The fault rule that brings the code. Vendors' codes are made of name and status (or title), which it has already.
fn rule(at: &str, status: &str, code: &str, message: &str) -> String {
    let vendors = ["Konnect", "Aiven", "Dragonfly"]
        .iter()
        .any(|name| code.starts_with(name));
    if vendors {
        return format!("{at}={status}");
    }
    let message = if message.is_empty() { "As it happens." } else { message };
    format!("{at}={status}:{code}:{message}")
}

/// Runs into the refusal; what is wrong about it.
fn check(&(with, by, code, message): &Row) -> Result<(), String> {
    let known = lookup(code, message).ok_or("it is not in the table")?;
    let (faults, flags, env): (Vec<String>, &[&str], &[(&str, &str)]) = match by {
        Rules(flags, env) => (Vec::new(), flags, env),
        Fault(at, status) => (vec!["--fault".to_owned(), rule(at, status, code, message)], &[], &[]),
    };
    let sandbox = Served::start(["--lag", "none"].map(str::to_owned).into_iter().chain(faults));
    let run = peerctl(with.command_line(flags))
        .envs(sandbox.env())
        .envs(env.iter().copied());
    let ran = run.run();
    let document: Value = serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}\n{ran}"))?;
    said(known, &document).map_err(|why| format!("{why}\n{:#}\n{}", document["error"], ran.stderr))
}

/// Whether the document has the code, and with it what the table says: as its error, or as what holds up a step that
/// somebody else has to do.
fn said(known: &KnownError, document: &Value) -> Result<(), String> {
    let error = &document["error"];
    let steps = document["steps"].as_array().into_iter().flatten();
    let answers: Vec<&str> = steps
        .filter_map(|step| step["actionRequired"]["response"].as_str())
        .collect();
    let answer = format!("returned {}. {}", known.code, known.meaning);
    if answers.iter().any(|text| text.contains(&answer)) {
        return Ok(());
    }
    if error["code"] != known.code.as_str() {
        return Err("it ended otherwise".to_owned());
    }
    if known.kind.is_some_and(|kind| error["kind"] != serde_json::json!(kind)) {
        return Err(format!("its kind should be {:?}", known.kind));
    }
    if !error["why"].as_str().is_some_and(|why| why.starts_with(&known.meaning)) {
        return Err(format!("it should mean: {}", known.meaning));
    }
    // How to sign in is told by the sign-in, with the tenant's id and in the words of its way.
    let (open, closed): (Vec<&String>, Vec<&String>) =
        known.remedies.iter().partition(|line| line.contains("THE-TENANT"));
    let told: Vec<String> = serde_json::from_value(error["remedies"].clone()).unwrap_or_default();
    let own = told.iter().filter(|line| !closed.contains(line)).count();
    let as_it_is = told
        .iter()
        .any(|line| line.contains("THE-TENANT") || line.contains("az login"));
    match closed.iter().all(|line| told.contains(line)) && (own > 0) != open.is_empty() {
        true if open.is_empty() || !as_it_is => Ok(()),
        _ => Err(format!("its remedies should be {:?}", known.remedies)),
    }
}

#[test]
fn a_setup_that_runs_into_a_known_code_says_what_the_table_has() {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(row) = ROWS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = check(row) {
                        let (code, message) = (row.2, row.3);
                        wrong
                            .lock()
                            .expect("no panic")
                            .push(format!("{code} {message:?}: {why}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(
        wrong.is_empty(),
        "{} of {}:\n\n{}",
        wrong.len(),
        ROWS.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn no_entry_of_the_table_is_forgotten() {
    let driven: Vec<&KnownError> = ROWS.iter().filter_map(|row| lookup(row.2, row.3)).collect();
    for known in all() {
        let is_driven = driven.iter().any(|other| std::ptr::eq(*other, known));
        assert!(
            is_driven != is_driven_otherwise(known),
            "{} ({:?}) needs a row, or a reason why there is none; not both",
            known.code,
            known.contains
        );
    }
    for (codes, why) in NOT_DRIVEN {
        assert!(!why.is_empty());
        for code in *codes {
            assert!(lookup(code, "").is_some(), "{code} is not in the table");
        }
    }
}
