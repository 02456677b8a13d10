//! App management policies (Microsoft Graph v1.0): which credentials an application may be given.

use serde::Deserialize;
use time::OffsetDateTime;

use super::applications::moment;
use super::call::{ApiCall, ApiReply};
use super::client::AzureClient;
use super::error::{ApiError, AzureService};
use super::graph::ABSENT;
use super::mgmt_adapter;
use super::model::AppRestrictions;

/// Suffix of the codes with which Graph refuses a credential because of a policy.
const BY_POLICY: &str = "AsPerAppPolicy";

/// Returns whether Graph refused a credential because of an app management policy. No directory role helps in this
/// case.
pub fn is_app_policy(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.ends_with(BY_POLICY))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownPolicy {
    display_name: Option<String>,
    #[serde(default)]
    is_enabled: bool,
    /// The tenant's default policy.
    application_restrictions: Option<ShownRestrictions>,
    /// One of an application's own.
    restrictions: Option<ShownRestrictions>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownRestrictions {
    password_credentials: Option<Vec<ShownRestriction>>,
    key_credentials: Option<Vec<ShownRestriction>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownRestriction {
    restriction_type: Option<String>,
    state: Option<String>,
    restrict_for_apps_created_after_date_time: Option<String>,
}

impl ShownPolicy {
    /// Returns whether the policy forbids the subject of this restriction for an application created at that time;
    /// `None` where it has no such rule.
    fn forbids(&self, kind: &str, created: Option<OffsetDateTime>) -> Option<bool> {
        let restrictions = self.application_restrictions.as_ref().or(self.restrictions.as_ref())?;
        let passwords = restrictions.password_credentials.iter().flatten();
        let mut all = passwords.chain(restrictions.key_credentials.iter().flatten());
        let found = all.find(|one| one.restriction_type.as_deref() == Some(kind))?;
        let after = found
            .restrict_for_apps_created_after_date_time
            .as_deref()
            .and_then(moment);
        let reaches = match (created, after) {
            (Some(created), Some(after)) => created >= after,
            _ => true,
        };
        let enabled = found
            .state
            .as_deref()
            .is_none_or(|state| state.eq_ignore_ascii_case("enabled"));
        Some(self.is_enabled && enabled && reaches)
    }
}

impl AzureClient {
    /// Returns the restrictions that the tenant's policies set for the application with this unique name, or for one to
    /// be created under it.
    ///
    /// # Errors
    /// When the policies can't be read: not every identity may read them.
    pub async fn app_restrictions(&self, unique_name: &str) -> Result<AppRestrictions, ApiError> {
        let url = self.graph_url("policies/defaultAppManagementPolicy", &[]);
        let default: ShownPolicy = self.send(ApiCall::get(AzureService::Graph, url)).await?.json()?;
        let kinds = ["passwordAddition", "trustedCertificateAuthority"];
        if !kinds.iter().any(|kind| default.forbids(kind, None) == Some(true)) {
            return Ok(AppRestrictions::default());
        }
        // A policy of the application's own goes before the default; and older applications may be spared.
        let key = self.key_by_unique_name(unique_name);
        let own = self.list(
            AzureService::Graph,
            self.graph_url(&format!("{key}/appManagementPolicies"), &[]),
        );
        let created = self.send(ApiCall::get(
            AzureService::Graph,
            self.graph_url(&key, &[("$select", "createdDateTime")]),
        ));
        let (own, created) = tokio::join!(own, created);
        let own: Vec<ShownPolicy> = mgmt_adapter::or_absent(own, &ABSENT)?.unwrap_or_default();
        let created = mgmt_adapter::or_absent(created, &ABSENT)?;
        let created: Option<ShownMoment> = created.map(ApiReply::json).transpose()?;
        let created = created.and_then(|shown| moment(shown.created_date_time.as_deref()?));
        let [secrets, certificates] = kinds.map(|kind| {
            let said = own
                .iter()
                .find_map(|policy| Some((policy.forbids(kind, created)?, policy)));
            let said = said.or_else(|| Some((default.forbids(kind, created)?, &default)));
            said.filter(|(forbids, _)| *forbids)
                .map(|(_, policy)| policy.display_name.clone().unwrap_or_default())
        });
        Ok(AppRestrictions { secrets, certificates })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownMoment {
    created_date_time: Option<String>,
}
