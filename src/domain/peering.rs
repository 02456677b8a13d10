//! The state of one direction of a peering, in Azure's own words.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Makes an enum of Azure's words that keeps a word it does not know instead of failing on it.
macro_rules! azure_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
            /// A word that Azure has added since.
            Other(String),
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case(stringify!($word)) { return Self::$word; })+
                Self::Other(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$word => stringify!($word),)+
                    Self::Other(text) => text,
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?.as_str()))
            }
        }
    };
}

azure_words! {
    /// `peeringState` of a virtual network peering.
    PeeringState {
        /// This direction exists, the other does not yet.
        Initiated,
        /// Both directions exist.
        Connected,
        /// The other direction was deleted. Written again, this one is `Initiated`.
        Disconnected,
    }
}

azure_words! {
    /// `peeringSyncLevel`: whether both sides know each other's present address space.
    SyncLevel {
        FullyInSync,
        LocalNotInSync,
        RemoteNotInSync,
        LocalAndRemoteNotInSync,
    }
}

/// The subnets that a peering links, by name, where it does not link the whole networks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeeredSubnets {
    /// Subnets of the network that has the peering.
    pub local: Vec<String>,
    /// Subnets of the other network.
    pub remote: Vec<String>,
}

impl PeeredSubnets {
    /// Returns the same subnets, seen from the other network.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self {
            local: self.remote,
            remote: self.local,
        }
    }
}

impl SyncLevel {
    /// Returns the same level, seen from the other direction.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        match self {
            Self::LocalNotInSync => Self::RemoteNotInSync,
            Self::RemoteNotInSync => Self::LocalNotInSync,
            same => same.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peering_state_keeps_unknown_value() {
        assert_eq!(PeeringState::from("connected"), PeeringState::Connected);
        assert_eq!(PeeringState::from("Quiescent").to_string(), "Quiescent");
        assert_eq!(SyncLevel::from("LocalNotInSync"), SyncLevel::LocalNotInSync);
    }
}
