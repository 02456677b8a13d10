//! Tenants by a domain of theirs: Entra tells anyone which tenant that is.

use super::session::{RunContext, cloud, look_up_wire};
use super::{GivenInputs, set_variable};
use crate::azure::{tenant_of_domain, tenant_of_subscription};
use crate::domain::VnetId;
use crate::errors::{RunError, RunErrorKind};
use crate::plan::RunEvent;
use crate::vendors::{InputSuggestion, InputType, VendorProfile};

/// Puts the tenant's ID in the place of a domain in `--tenant-id`.
///
/// # Errors
/// A domain that Entra doesn't know, or no answer.
pub(super) async fn settle_tenant(given: &mut GivenInputs, around: &RunContext) -> Result<(), RunError> {
    let Some(domain) = given.get("tenant-id").and_then(domain) else {
        return Ok(());
    };
    let tenant = look_up(&domain, &given.name_of("tenant-id"), given, around).await?;
    given.replace("tenant-id", tenant);
    Ok(())
}

/// Settles the vendor inputs that name a tenant. A tenant that isn't given is read from Azure, which tells anyone the
/// tenant of a subscription, where `unasked` is set and another input names a network.
///
/// # Errors
///
/// As [`settle_tenant`].
pub(super) async fn settle_vendor_tenants(
    given: &mut GivenInputs,
    around: &RunContext,
    vendor: &VendorProfile,
    unasked: bool,
) -> Result<(), RunError> {
    for input in vendor
        .inputs
        .iter()
        .filter(|input| input.suggest == Some(InputSuggestion::Tenant))
    {
        let values = given.set(&input.key);
        if let Some(domain) = values.first().and_then(|text| domain(text)) {
            let tenant = look_up(&domain, &given.name_of_set(&input.key), given, around).await?;
            given.answer_set(&input.key, vec![tenant]);
        } else if values.is_empty() && unasked {
            let networks = vendor.inputs.iter().filter(|one| one.kind == InputType::VnetId);
            let mut named = networks.filter_map(|one| VnetId::from_input(given.set(&one.key).first()?).ok());
            let Some(vnet) = named.next() else { continue };
            let cloud = cloud(given, around)?;
            let wire = look_up_wire(&cloud, around)?;
            if let Some(tenant) = tenant_of_subscription(&wire, &cloud, vnet.subscription).await {
                let told = format!("{} lies in tenant {tenant} ({})", vnet.name, set_variable(&input.key));
                (around.sink)(RunEvent::Notice(told));
                given.answer_set(&input.key, vec![tenant.to_string()]);
            }
        }
    }
    Ok(())
}

/// The text where it is a domain.
fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (text.contains('.') && text.len() <= 253 && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

async fn look_up(domain: &str, name: &str, given: &GivenInputs, around: &RunContext) -> Result<String, RunError> {
    let cloud = cloud(given, around)?;
    let host = cloud.login.host_str().unwrap_or_default().to_owned();
    let wire = look_up_wire(&cloud, around)?;
    let tenant = tenant_of_domain(&wire, &cloud, domain)
        .await
        .map_err(|error| match error.status() {
            Some(400 | 404) => {
                let what = format!("{name} '{domain}' is not a domain of any tenant that {host} knows.");
                RunError::new(RunErrorKind::Usage, what, error.message())
                    .remedy("az account show --query tenantId --output tsv")
            }
            _ => RunError::from_api(&format!("looking up the tenant of {domain} at {host}"), &error),
        })?;
    (around.sink)(RunEvent::Notice(format!("{domain} is tenant {tenant}, says {host}")));
    Ok(tenant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_domain_distinguished_from_ids() {
        let table = [
            ("Fabrikam.onmicrosoft.com", true),
            (" contoso.com ", true),
            ("6b1f5c5e-8a4e-4d0e-9a53-1f0c2d7e4b10", false),
            ("contoso", false),
            ("a..b", false),
            ("../x.y", false),
            ("a.b/c", false),
            ("a.b?c", false),
        ];
        for (text, expected) in table {
            assert_eq!(domain(text).is_some(), expected, "{text}");
        }
    }
}
