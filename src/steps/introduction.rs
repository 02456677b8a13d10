//! Who signed in, and what that tells: asked for once, while other things are read already.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::azure::{ApiError, Azure, Subscription, WhoAmI};
use crate::domain::TenantId;
use crate::errors::{Kind, Problem};
use crate::plan::{Event, SignedIn};

use super::Sink;

/// What the sign-in tells.
#[derive(Debug, Clone)]
pub struct Introduced {
    /// As people know it.
    pub who: SignedIn,
    pub tenant: TenantId,
    /// The tenant's display name, or its default domain.
    pub tenant_name: Option<String>,
    /// The subscriptions that it sees in the tenant.
    pub subscriptions: Arc<[Subscription]>,
}

/// The answer to who signed in; clones share it, and whoever waits for it first has it asked for.
pub type Introduction = Shared<BoxFuture<'static, Result<Introduced, Problem>>>;

/// Asks who signed in, and tells `sink`. `wanted` is the tenant that the sign-in has to be to, where one was named.
///
/// # Errors
/// When there is no token or the subscriptions cannot be read; a sign-in to another tenant.
pub fn introduce(azure: Azure, wanted: Option<TenantId>, sink: Sink) -> Introduction {
    ask(azure, wanted, sink).boxed().shared()
}

async fn ask(azure: Azure, wanted: Option<TenantId>, sink: Sink) -> Result<Introduced, Problem> {
    let failed = |doing: &str, error: ApiError| Problem::from_api(doing, &error);
    let for_its_name = async {
        if azure.identity().is_application() {
            azure.prepare_graph().await;
        }
    };
    let (who, ()) = tokio::join!(azure.who_am_i(), for_its_name);
    let who = who.map_err(|error| failed("signing in", error))?;
    same_tenant(wanted, &who)?;
    let (tenants, subscriptions, name) = tokio::join!(azure.tenants(), azure.subscriptions(), name(&azure, &who));
    let subscriptions = subscriptions.map_err(|error| failed("reading the subscriptions", error))?;
    // The name is for people; without it the id serves.
    let tenant = tenants
        .unwrap_or_default()
        .into_iter()
        .find(|tenant| tenant.id == who.tenant);
    let tenant_name = tenant.and_then(|tenant| tenant.name.or(tenant.default_domain));
    let label = tenant_name
        .as_ref()
        .map_or_else(|| who.tenant.to_string(), |name| format!("{name} ({})", who.tenant));
    let signed_in = SignedIn {
        name,
        tenant: label,
        cloud: azure.cloud().name.clone(),
    };
    sink(Event::SignedIn(signed_in.clone()));
    Ok(Introduced {
        who: signed_in,
        tenant: who.tenant,
        tenant_name,
        subscriptions: subscriptions.into(),
    })
}

/// A managed identity signs in to its own tenant, whatever was asked.
fn same_tenant(wanted: Option<TenantId>, who: &WhoAmI) -> Result<(), Problem> {
    match wanted {
        Some(wanted) if wanted != who.tenant => {
            let what = format!("The sign-in is to tenant {}, not to {wanted}.", who.tenant);
            let why = "This identity cannot sign in to the tenant that --tenant-id names.";
            let remedy = format!("az login --tenant {wanted}, or leave --tenant-id out.");
            Err(Problem::new(Kind::SignIn, what, why).remedy(remedy))
        }
        _ => Ok(()),
    }
}

/// A user's name is in the token; an application's has to be asked for, and is not worth failing for.
async fn name(azure: &Azure, who: &WhoAmI) -> String {
    let Some(app_id) = who.app_id.filter(|_| !who.is_user) else {
        return who.name.clone();
    };
    match azure.service_principal(app_id).await {
        Ok(Some(principal)) => principal.display_name,
        Ok(None) | Err(_) => who.name.clone(),
    }
}
