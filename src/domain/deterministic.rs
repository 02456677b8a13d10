//! Ids that a second run finds again: UUID v5 of what the thing is for.

use std::sync::LazyLock;

use uuid::Uuid;

use super::{TenantId, VnetId};

/// The root of all of peerctl's own names: UUID v5 of its repository's address in the URL namespace.
pub fn namespace() -> Uuid {
    static NAMESPACE: LazyLock<Uuid> =
        LazyLock::new(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://github.com/peerctl/peerctl"));
    *NAMESPACE
}

fn named(parts: &[&str]) -> Uuid {
    // Ids compare without case in Azure, so they are lower case here; '\n' stands in no id or name.
    Uuid::new_v5(&namespace(), parts.join("\n").to_lowercase().as_bytes())
}

/// The id of the custom role that setup creates for `vendor` in one subscription (`scope`).
pub fn role_definition_guid(tenant: TenantId, scope: &str, vendor: &str, role: &str) -> Uuid {
    named(&["roleDefinition", &tenant.to_string(), scope, vendor, role])
}

/// The id of the assignment of `role` (its GUID) to `principal` at the virtual network.
pub fn role_assignment_guid(tenant: TenantId, vnet: &VnetId, principal: Uuid, role: Uuid) -> Uuid {
    named(&[
        "roleAssignment",
        &tenant.to_string(),
        &vnet.to_string(),
        &principal.to_string(),
        &role.to_string(),
    ])
}

/// The unique name of the own application for one virtual network and vendor: `peerctl-` and a GUID.
pub fn own_app_unique_name(tenant: TenantId, vnet: &VnetId, vendor: &str) -> String {
    format!(
        "peerctl-{}",
        named(&["application", &tenant.to_string(), &vnet.to_string(), vendor])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deterministic_id_ignores_case() {
        let tenant = Uuid::from_u128(1);
        let scope = "/subscriptions/7D3C1F0A-3f6e-4c1b-9f5e-0a1b2c3d4e5f";
        let one = role_definition_guid(tenant, scope, "kong", "Role");
        assert_eq!(one, role_definition_guid(tenant, &scope.to_lowercase(), "kong", "role"));
        assert_ne!(one, role_definition_guid(Uuid::from_u128(2), scope, "kong", "Role"));
        assert_ne!(one, role_definition_guid(tenant, scope, "aiven", "Role"));
        assert_eq!(one.get_version_num(), 5);
    }
}
