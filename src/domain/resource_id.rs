//! Azure resource ids: the case that was given is kept, comparison ignores it, and every name is checked
//! against Azure's own rules before it can reach a URL (`../` would climb out of its segment).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An Entra tenant's id.
pub type TenantId = Uuid;
/// An Azure subscription's id.
pub type SubscriptionId = Uuid;

/// Why a text is not an Azure resource id, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error(
        "'{0}' is not the id of a virtual network. It looks like /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Network/virtualNetworks/NAME."
    )]
    NotAVnet(String),
    #[error("'{0}' is not a subscription id (a GUID such as 00000000-0000-0000-0000-000000000000).")]
    NotAGuid(String),
    #[error(
        "'{0}' is not a resource group name: up to 90 letters, digits, '-', '_', '.', '(' or ')', not ending with '.'."
    )]
    BadGroup(String),
    #[error(
        "'{0}' is not a virtual network name: 2 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit and ending with one or with '_'."
    )]
    BadVnet(String),
    #[error(
        "'{0}' is not a peering name: up to 80 letters, digits, '-', '_' or '.', starting with a letter, digit or '_' and ending with one."
    )]
    BadPeering(String),
}

/// A virtual network: `/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/virtualNetworks/{v}`.
#[derive(Debug, Clone)]
pub struct VnetId {
    pub subscription: SubscriptionId,
    pub resource_group: String,
    pub name: String,
}

impl VnetId {
    /// Builds an id from its parts.
    ///
    /// # Errors
    /// When a name breaks Azure's naming rules.
    pub fn new(subscription: SubscriptionId, resource_group: &str, name: &str) -> Result<Self, IdError> {
        Ok(Self {
            subscription,
            resource_group: check_group(resource_group)?,
            name: check_vnet(name)?,
        })
    }

    /// Reads the network out of what people have at hand: its ID, the ID of a part of it (a subnet, a peering), or the
    /// address of its page in the portal.
    ///
    /// # Errors
    /// As parsing an ID; the text names what was given.
    pub fn from_input(text: &str) -> Result<Self, IdError> {
        const NETWORK: usize = 9;
        let trimmed = text.trim();
        let is_address = trimmed.to_ascii_lowercase().starts_with("https://");
        let decoded = percent_encoding::percent_decode_str(trimmed).decode_utf8_lossy();
        let whole = if is_address { decoded.as_ref() } else { trimmed };
        let at = whole.to_ascii_lowercase().find("/subscriptions/");
        let Some(at) = at.filter(|at| is_address || *at == 0) else {
            return text.parse();
        };
        let path = whole[at..].split(['?', '#', '&']).next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').take(NETWORK).collect();
        parts.join("/").parse().map_err(|error| match error {
            IdError::NotAVnet(_) => IdError::NotAVnet(text.to_owned()),
            other => other,
        })
    }

    /// `/subscriptions/{s}`, the scope at which a custom role is assignable.
    pub fn subscription_scope(&self) -> String {
        subscription_scope(self.subscription)
    }

    /// The id of one of this network's peerings.
    ///
    /// # Errors
    /// When the name breaks Azure's naming rules.
    pub fn peering(&self, name: &str) -> Result<PeeringId, IdError> {
        Ok(PeeringId {
            vnet: self.clone(),
            name: check_peering(name)?,
        })
    }
}

/// `/subscriptions/{s}`.
pub fn subscription_scope(subscription: SubscriptionId) -> String {
    format!("/subscriptions/{subscription}")
}

/// Checks a resource group name against Azure's rules and gives it back.
///
/// # Errors
/// When it breaks them.
pub fn check_group(name: &str) -> Result<String, IdError> {
    let ok = (1..=90).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
        && !name.ends_with('.');
    if ok {
        Ok(name.to_owned())
    } else {
        Err(IdError::BadGroup(name.to_owned()))
    }
}

/// Checks a virtual network name against Azure's rules and gives it back.
///
/// # Errors
/// When it breaks them.
pub fn check_vnet(name: &str) -> Result<String, IdError> {
    if well_formed(name, 64, |first| first.is_ascii_alphanumeric()) && name.len() >= 2 {
        Ok(name.to_owned())
    } else {
        Err(IdError::BadVnet(name.to_owned()))
    }
}

/// Checks a peering name against Azure's rules (`^\w([\w.-]{0,78}\w)?$`, ASCII) and gives it back.
///
/// # Errors
/// When it breaks them.
pub fn check_peering(name: &str) -> Result<String, IdError> {
    // A peering's name may begin with '_', a network's may not.
    if well_formed(name, 80, |first| first.is_ascii_alphanumeric() || first == '_') {
        Ok(name.to_owned())
    } else {
        Err(IdError::BadPeering(name.to_owned()))
    }
}

fn well_formed(name: &str, longest: usize, begins: fn(char) -> bool) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let edge = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=longest).contains(&name.len()) && name.chars().all(inner) && name.starts_with(begins) && name.ends_with(edge)
}

/// The segments of an id after checking that they stand under the expected literal names (any case).
fn segments<'a, const N: usize>(text: &'a str, literals: &[(usize, &str)]) -> Option<[&'a str; N]> {
    let parts: Vec<&str> = text.trim().trim_end_matches('/').split('/').collect();
    let parts: [&str; N] = parts.try_into().ok()?;
    let matches = literals.iter().all(|(at, word)| parts[*at].eq_ignore_ascii_case(word));
    (parts[0].is_empty() && matches).then_some(parts)
}

impl FromStr for VnetId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parts: [&str; 9] = segments(
            text,
            &[
                (1, "subscriptions"),
                (3, "resourceGroups"),
                (5, "providers"),
                (6, "Microsoft.Network"),
                (7, "virtualNetworks"),
            ],
        )
        .ok_or_else(|| IdError::NotAVnet(text.to_owned()))?;
        let subscription = parts[2].parse().map_err(|_| IdError::NotAGuid(parts[2].to_owned()))?;
        Self::new(subscription, parts[4], parts[8])
    }
}

impl fmt::Display for VnetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/virtualNetworks/{}",
            self.subscription, self.resource_group, self.name
        )
    }
}

impl PartialEq for VnetId {
    fn eq(&self, other: &Self) -> bool {
        self.subscription == other.subscription
            && self.resource_group.eq_ignore_ascii_case(&other.resource_group)
            && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for VnetId {}

impl Hash for VnetId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_string().to_ascii_lowercase().hash(state);
    }
}

/// One direction of a peering, as a child of its virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeeringId {
    pub vnet: VnetId,
    pub name: String,
}

impl FromStr for PeeringId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (vnet, name) = text
            .trim_end_matches('/')
            .rsplit_once('/')
            .and_then(|(head, name)| Some((head.rsplit_once('/')?, name)))
            .filter(|((_, kind), _)| kind.eq_ignore_ascii_case("virtualNetworkPeerings"))
            .map(|((vnet, _), name)| (vnet, name))
            .ok_or_else(|| IdError::BadPeering(text.to_owned()))?;
        vnet.parse::<VnetId>()?.peering(name)
    }
}

impl fmt::Display for PeeringId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/virtualNetworkPeerings/{}", self.vnet, self.name)
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(VnetId);
as_text!(PeeringId);

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "7d3c1f0a-3f6e-4c1b-9f5e-0a1b2c3d4e5f";

    fn vnet(group: &str, name: &str) -> Result<VnetId, IdError> {
        VnetId::new(SUB.parse().expect("a GUID"), group, name)
    }

    #[test]
    fn vnet_id_parsed_from_child_ids() {
        let id = "/subscriptions/11d0b6a2-64a6-4f0b-8d2e-3a5f70c91e01/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/vnet-app";
        let encoded = id.replace('/', "%2F");
        let table = [
            (id.to_owned(), true),
            (format!(" {id}/\n"), true),
            (format!("{id}/subnets/api"), true),
            (format!("{id}/virtualNetworkPeerings/kong"), true),
            (
                format!(
                    "https://portal.azure.com/#@contoso.onmicrosoft.com/resource{}/overview",
                    id
                ),
                true,
            ),
            (
                format!("https://portal.azure.us/#view/HubsExtension/ResourceMenuBlade/id/{encoded}"),
                true,
            ),
            (
                format!("https://management.azure.com{}?api-version=2024-03-01", id),
                true,
            ),
            (format!("x{id}"), false),
            (id.replace("virtualNetworks", "virtualMachines"), false),
            ("https://portal.azure.com/#home".to_owned(), false),
        ];
        for (text, expected) in table {
            let read = VnetId::from_input(&text);
            assert_eq!(read.is_ok(), expected, "{text}: {read:?}");
            if let Ok(read) = read {
                assert_eq!(read.to_string(), id, "{text}");
            }
        }
    }

    #[test]
    fn resource_id_compare_ignores_case() {
        let given =
            format!("/SUBSCRIPTIONS/{SUB}/resourcegroups/RG-Net/Providers/microsoft.network/virtualnetworks/VNet-App");
        let id: VnetId = given.parse().expect("an id in any case");
        assert_eq!(id.name, "VNet-App");
        assert_eq!(id, vnet("rg-net", "vnet-app").expect("a good id"));
        assert!(
            id.to_string()
                .ends_with("/resourceGroups/RG-Net/providers/Microsoft.Network/virtualNetworks/VNet-App")
        );
    }

    #[test]
    fn resource_id_rejects_url_altering_names() {
        for bad in [
            "", "../x", "a/b", "a?b", "a#b", "a b", "-a", "a-", ".a", "a.", "a\n", "a%2f", "é",
        ] {
            assert!(vnet("rg", bad).is_err(), "virtual network name {bad:?}");
            assert!(
                vnet("rg", "ok").expect("a good id").peering(bad).is_err(),
                "peering name {bad:?}"
            );
        }
        for bad in ["", "a/b", "..", "a.", "a b", "a?"] {
            assert!(vnet(bad, "vnet").is_err(), "resource group {bad:?}");
        }
        assert!(vnet("rg-(prod)_1", "v_1.net-2_").is_ok());
        assert!(vnet("rg", "ok").expect("a good id").peering("_to-hub").is_ok());
    }

    #[test]
    fn vnet_id_error_shows_example() {
        for bad in [
            "vnet-app",
            "/subscriptions/x",
            &format!("/subscriptions/{SUB}/resourceGroups/rg"),
            "",
        ] {
            let message = bad.parse::<VnetId>().expect_err("not an id").to_string();
            assert!(
                message.contains("/subscriptions/SUBSCRIPTION/resourceGroups"),
                "{message}"
            );
        }
    }

    #[test]
    fn peering_id_round_trips_text() {
        let id = vnet("rg", "vnet-app")
            .expect("a good id")
            .peering("to-kong")
            .expect("a good name");
        assert_eq!(id.to_string().parse::<PeeringId>(), Ok(id));
    }
}
