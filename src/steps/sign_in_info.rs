//! Information about the signed-in identity: requested once, in parallel with other reads.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::azure::{ApiError, AzureClient, SubscriptionInfo, TenantInfo, WhoAmI};
use crate::domain::TenantId;
use crate::errors::RunError;
use crate::plan::{RunEvent, SignedIn};

use super::EventSink;

/// Information from the sign-in.
#[derive(Debug, Clone)]
pub struct SignInInfo {
    /// As people know it.
    pub who: SignedIn,
    pub tenant: TenantId,
    /// The tenant's display name, or its default domain.
    pub tenant_name: Option<String>,
    /// The subscriptions that it sees in the tenant.
    pub subscriptions: Arc<[SubscriptionInfo]>,
    /// The other tenants that know the one who signed in; none where that cannot be told.
    pub elsewhere: Arc<[OtherTenant]>,
}

/// A further tenant that knows whoever signed in.
#[derive(Debug, Clone)]
pub struct OtherTenant {
    /// Its name and id.
    pub tenant: String,
    /// Instructions for signing in there, line by line.
    pub sign_in: Vec<String>,
}

impl OtherTenant {
    fn new(tenant: TenantInfo, azure: &AzureClient) -> Self {
        Self {
            sign_in: azure.identity().sign_in_to(tenant.id),
            tenant: label(tenant.id, named(tenant).as_deref()),
        }
    }
}

/// The answer to who signed in; clones share it, and whoever waits for it first has it asked for.
pub type SignInReport = Shared<BoxFuture<'static, Result<SignInInfo, RunError>>>;

/// Asks who signed in, and tells `sink`.
///
/// # Errors
/// When there is no token or the subscriptions cannot be read.
pub fn report_sign_in(azure: AzureClient, sink: EventSink) -> SignInReport {
    ask(azure, sink).boxed().shared()
}

async fn ask(azure: AzureClient, sink: EventSink) -> Result<SignInInfo, RunError> {
    let failed = |doing: &str, error: ApiError| RunError::from_api(doing, &error);
    let for_its_name = async {
        if azure.identity().client_id().is_some() {
            azure.prepare_graph().await;
        }
    };
    let (who, ()) = tokio::join!(azure.who_am_i(), for_its_name);
    let who = who.map_err(|error| failed("signing in", error))?;
    let (tenants, subscriptions, name) = tokio::join!(azure.tenants(), azure.subscriptions(), name(&azure, &who));
    // The name is for people; without it the id serves.
    let tenants = tenants.unwrap_or_default().into_iter();
    let (own, elsewhere): (Vec<_>, Vec<_>) = tenants.partition(|tenant| tenant.id == who.tenant);
    let tenant_name = own.into_iter().next().and_then(named);
    let signed_in = SignedIn {
        name,
        id: who.object_id.to_string(),
        tenant: label(who.tenant, tenant_name.as_deref()),
        tenant_id: who.tenant.to_string(),
        tenant_name: tenant_name.clone(),
        cloud: azure.cloud().name.clone(),
    };
    sink(RunEvent::SignedIn(signed_in.clone()));
    let subscriptions = subscriptions.map_err(|error| failed("reading the subscriptions", error))?;
    Ok(SignInInfo {
        who: signed_in,
        tenant: who.tenant,
        tenant_name,
        subscriptions: subscriptions.into(),
        elsewhere: elsewhere
            .into_iter()
            .map(|tenant| OtherTenant::new(tenant, &azure))
            .collect(),
    })
}

fn named(tenant: TenantInfo) -> Option<String> {
    tenant.name.or(tenant.default_domain)
}

fn label(id: TenantId, name: Option<&str>) -> String {
    name.map_or_else(|| id.to_string(), |name| format!("{name} ({id})"))
}

/// A user's name is in the token; an application's has to be asked for, and is not worth failing for.
async fn name(azure: &AzureClient, who: &WhoAmI) -> String {
    let Some(app_id) = who.app_id.filter(|_| !who.is_user) else {
        return who.name.clone();
    };
    match azure.service_principal(app_id).await {
        Ok(Some(principal)) => principal.display_name,
        Ok(None) | Err(_) => who.name.clone(),
    }
}
