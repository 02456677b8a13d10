//! What is wanted: every input of a run, resolved. Nothing in here is a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

use super::{Card, CardValue};
use crate::domain::{TenantId, VnetId};
use crate::vendors::{DnsMapping, Profile};

/// How the vendor's service principal comes into the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Open Entra's admin-consent page and wait until somebody has accepted.
    Browser,
    /// Create it through Microsoft Graph.
    Create,
    /// Only wait until somebody has consented.
    Wait,
}

/// How the vendor learns which network to peer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendorAccess {
    /// Through the vendor's API.
    Api,
    /// A person pastes the values into the vendor's console.
    Manual,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ }) => {
        impl $type {
            /// Every word that the command line takes.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
        }
        impl FromStr for $type {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("'{text}' is none of {}", Self::WORDS.join(", "))),
                }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}
words!(Consent { Browser = "browser", Create = "create", Wait = "wait" });
words!(VendorAccess { Api = "api", Manual = "manual" });

/// Everything that a run has to know before it reads anything.
#[derive(Debug, Clone)]
pub struct Intent {
    pub vendor: Profile,
    pub tenant: TenantId,
    /// The tenant's display name, where Azure told it.
    pub tenant_name: Option<String>,
    pub vnet: VnetId,
    /// The vendor's application.
    pub app_id: Uuid,
    pub consent: Consent,
    /// Where an administrator accepts the vendor's application.
    pub consent_url: url::Url,
    pub access: VendorAccess,
    /// Base address of the vendor's API.
    pub vendor_api: Option<url::Url>,
    /// `--set` values by key, in the order given.
    pub vendor_inputs: BTreeMap<String, Vec<String>>,
    pub dns: Vec<DnsMapping>,
    /// Which of the network's peerings is meant, where more than one could be.
    pub peering_name: Option<String>,
    /// How long to wait for the vendor and for replication, in all.
    pub timeout: Duration,
    pub no_wait: bool,
}

impl Intent {
    /// The first value given for a vendor input.
    pub fn vendor_input(&self, key: &str) -> Option<&str> {
        self.vendor_inputs
            .get(key)
            .and_then(|values| values.first())
            .map(String::as_str)
    }

    /// "Contoso (11111111-…)", or the id alone.
    pub fn tenant_label(&self) -> String {
        self.tenant_name
            .as_ref()
            .map_or_else(|| self.tenant.to_string(), |name| format!("{name} ({})", self.tenant))
    }

    /// The name of the request at the vendor.
    pub fn request_name(&self) -> &str {
        self.vendor_input("name").unwrap_or(&self.vnet.name)
    }

    /// What the vendor has to be told, for its console, under its own labels.
    pub fn card(&self) -> Card {
        let values = BTreeMap::from([
            ("tenant", self.tenant.to_string()),
            ("subscription", self.vnet.subscription.to_string()),
            ("resource-group", self.vnet.resource_group.clone()),
            ("vnet", self.vnet.name.clone()),
        ]);
        let filled = self.vendor.hand_off_values(&values).into_iter();
        let mut values: Vec<CardValue> = filled.map(|(label, value)| CardValue { label, value }).collect();
        for mapping in &self.dns {
            let servers: Vec<String> = mapping.servers.iter().map(ToString::to_string).collect();
            let value = format!("{} → {}", mapping.domains.join(", "), servers.join(", "));
            values.push(CardValue {
                label: "DNS mapping".to_owned(),
                value,
            });
        }
        Card {
            place: self.vendor.hand_off.place.clone(),
            values,
        }
    }
}
