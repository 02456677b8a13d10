//! Azure's built-in roles: those that matter to networks and their rights.

use uuid::Uuid;

use crate::sandbox::world::{CreatedAt, DefinitionRecord, PermissionRecord};

/// The actions that Contributor may not do.
const NOT_FOR_CONTRIBUTORS: &[&str] = &[
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
    "Microsoft.Blueprint/blueprintAssignments/write",
    "Microsoft.Blueprint/blueprintAssignments/delete",
    "Microsoft.Compute/galleries/share/action",
    "Microsoft.Purview/consents/write",
    "Microsoft.Purview/consents/delete",
    "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
];

const FOR_NETWORK_CONTRIBUTORS: &[&str] = &[
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Network/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
];

/// The roles that every tenant has.
pub(in crate::sandbox) fn builtin_roles() -> Vec<DefinitionRecord> {
    vec![
        role(
            0x8e3a_f657_a8ff_443c_a75c_2fe8_c4bc_b635,
            "Owner",
            "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
            &["*"],
            &[],
        ),
        role(
            0xb249_88ac_6180_42a0_ab88_20f7_382d_d24c,
            "Contributor",
            "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage \
             assignments in Azure Blueprints, or share image galleries.",
            &["*"],
            NOT_FOR_CONTRIBUTORS,
        ),
        role(
            0xacdd_72a7_3385_48ef_bd42_f606_fba8_1ae7,
            "Reader",
            "View all resources, but does not allow you to make any changes.",
            &["*/read"],
            &[],
        ),
        role(
            0x4d97_b98b_1d4f_4787_a291_c678_34d2_12e7,
            "Network Contributor",
            "Lets you manage networks, but not access to them.",
            FOR_NETWORK_CONTRIBUTORS,
            &[],
        ),
        role(
            0x18d7_d88d_d35e_4fb5_a5c3_7773_c20a_72d9,
            "User Access Administrator",
            "Lets you manage user access to Azure resources.",
            &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
            &[],
        ),
    ]
}

fn role(guid: u128, name: &str, description: &str, actions: &[&str], not_actions: &[&str]) -> DefinitionRecord {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let permission = PermissionRecord {
        actions: owned(actions),
        not_actions: owned(not_actions),
        ..PermissionRecord::default()
    };
    DefinitionRecord {
        guid: Uuid::from_u128(guid),
        tenant: None,
        name: name.to_owned(),
        description: Some(description.to_owned()),
        permissions: vec![permission],
        scopes: vec!["/".to_owned()],
        since: CreatedAt::Always,
        updated: CreatedAt::Always,
        author: None,
    }
}
