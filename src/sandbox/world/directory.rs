//! What the directories hold: tenants, applications with their credentials, service principals.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Since, World};

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Tenant {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) domain: String,
}

/// An application registration in its home tenant.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Application {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) app_id: Uuid,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) tenant: Uuid,
    pub(in crate::sandbox) audience: Audience,
    /// The key that a client chose; unique in the tenant, and never changed.
    pub(in crate::sandbox) unique_name: Option<String>,
    pub(in crate::sandbox) description: Option<String>,
    pub(in crate::sandbox) notes: Option<String>,
    pub(in crate::sandbox) tags: Vec<String>,
    pub(in crate::sandbox) passwords: Vec<Password>,
    /// Thumbprints of registered certificates, as `x5t` carries them.
    pub(in crate::sandbox) certificates: Vec<String>,
    pub(in crate::sandbox) keys: Vec<Key>,
    pub(in crate::sandbox) federated: Vec<Federated>,
    /// Object ids of people and service principals that may change it.
    pub(in crate::sandbox) owners: Vec<Uuid>,
    /// What else a client wrote.
    pub(in crate::sandbox) kept: Map<String, Value>,
    pub(in crate::sandbox) since: Since,
}

impl Application {
    /// Whether it can have a service principal in `tenant`.
    pub(in crate::sandbox) fn is_for(&self, tenant: Uuid) -> bool {
        self.tenant == tenant || self.audience.admits_others()
    }
}

/// `signInAudience`: whose sign-in an application takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Audience {
    MyOrg,
    MultipleOrgs,
    OrgsAndPersonal,
    Personal,
}

impl Audience {
    const NAMES: [(Self, &'static str); 4] = [
        (Self::MyOrg, "AzureADMyOrg"),
        (Self::MultipleOrgs, "AzureADMultipleOrgs"),
        (Self::OrgsAndPersonal, "AzureADandPersonalMicrosoftAccount"),
        (Self::Personal, "PersonalMicrosoftAccount"),
    ];

    pub(in crate::sandbox) fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(audience, _)| *audience == self);
        found.map_or("AzureADMyOrg", |(_, name)| name)
    }

    pub(in crate::sandbox) fn parse(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(audience, _)| *audience)
    }

    /// Whether other tenants can have a service principal of it.
    pub(in crate::sandbox) fn admits_others(self) -> bool {
        matches!(self, Self::MultipleOrgs | Self::OrgsAndPersonal)
    }
}

/// A client secret.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Password {
    pub(in crate::sandbox) key: Uuid,
    pub(in crate::sandbox) name: Option<String>,
    pub(in crate::sandbox) text: String,
    pub(in crate::sandbox) start: OffsetDateTime,
    pub(in crate::sandbox) end: OffsetDateTime,
    pub(in crate::sandbox) since: Since,
}

/// A registered certificate.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Key {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) name: Option<String>,
    /// In DER form.
    pub(in crate::sandbox) certificate: Vec<u8>,
    pub(in crate::sandbox) start: OffsetDateTime,
    pub(in crate::sandbox) end: OffsetDateTime,
    pub(in crate::sandbox) since: Since,
}

/// An object that was deleted, and when.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Deleted<T> {
    pub(in crate::sandbox) object: T,
    pub(in crate::sandbox) at: Duration,
}

/// The tenant's default app management policy: which credentials applications may be given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppPolicy {
    /// `passwordAddition`.
    pub(in crate::sandbox) forbids_secrets: bool,
    /// `passwordLifetime`, in seconds.
    pub(in crate::sandbox) longest_secret: Option<u64>,
    /// `trustedCertificateAuthority`: no certificate but of an authority that the tenant trusts.
    pub(in crate::sandbox) trusted_certificates: bool,
    /// `asymmetricKeyLifetime`, in seconds.
    pub(in crate::sandbox) longest_key: Option<u64>,
    /// Nobody may read the policy.
    pub(in crate::sandbox) hidden: bool,
}

impl AppPolicy {
    pub(in crate::sandbox) fn is_enabled(&self) -> bool {
        self.forbids_secrets || self.trusted_certificates || self.longest_secret.or(self.longest_key).is_some()
    }
}

/// A federated identity credential.
#[derive(Debug, Clone, Deserialize)]
pub struct Federated {
    #[serde(default)]
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) issuer: String,
    pub(in crate::sandbox) subject: String,
    pub(in crate::sandbox) audience: String,
}

/// A service principal: an application's representation in one tenant.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Principal {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) app_id: Uuid,
    pub(in crate::sandbox) tenant: Uuid,
    pub(in crate::sandbox) name: String,
    /// Template ids of its directory roles.
    pub(in crate::sandbox) directory_roles: Vec<Uuid>,
    pub(in crate::sandbox) passwords: Vec<Password>,
    pub(in crate::sandbox) keys: Vec<Key>,
    pub(in crate::sandbox) owners: Vec<Uuid>,
    /// What else a client wrote.
    pub(in crate::sandbox) kept: Map<String, Value>,
    /// Whether it may read the directory through Graph.
    pub(in crate::sandbox) reads_directory: bool,
    pub(in crate::sandbox) since: Since,
}

/// A person in one tenant; in another one the same person has another object id.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    pub(in crate::sandbox) upn: String,
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) tenant: Uuid,
    /// The service principal whose equal the person is: in Azure and in the directory it may do the same.
    pub(in crate::sandbox) like: Uuid,
    /// Signs in with a password alone, unless claims demand more.
    #[serde(default)]
    pub(in crate::sandbox) password_only: bool,
}

impl World {
    /// A person of that name, as a tenant knows it; where any will do, the first that does.
    pub(in crate::sandbox) fn user(&self, upn: &str, tenant: Option<Uuid>) -> Option<&User> {
        let here = |user: &User| tenant.is_none_or(|tenant| user.tenant == tenant);
        let mut users = self.users.iter();
        users.find(|user| here(user) && user.upn.eq_ignore_ascii_case(upn))
    }

    /// A tenant by id or domain.
    pub(in crate::sandbox) fn tenant(&self, name: &str) -> Option<&Tenant> {
        let id = Uuid::parse_str(name).ok();
        self.tenants
            .iter()
            .find(|tenant| Some(tenant.id) == id || tenant.domain.eq_ignore_ascii_case(name))
    }

    pub(in crate::sandbox) fn application(&self, app_id: Uuid) -> Option<&Application> {
        self.applications
            .iter()
            .find(|application| application.app_id == app_id)
    }

    /// The application's service principal in a tenant.
    pub(in crate::sandbox) fn principal(&self, tenant: Uuid, app_id: Uuid) -> Option<&Principal> {
        self.principals
            .iter()
            .find(|principal| principal.tenant == tenant && principal.app_id == app_id)
    }

    /// Makes an application's service principal in a tenant, in which it has none yet, and gives its object id.
    pub(in crate::sandbox) fn add_principal(&mut self, tenant: Uuid, app_id: Uuid, name: String) -> Uuid {
        let id = self
            .ids
            .named(&["servicePrincipal", &tenant.to_string(), &app_id.to_string()]);
        let since = Since::At(self.now);
        self.principals.push(Principal {
            id,
            app_id,
            tenant,
            name,
            directory_roles: Vec::new(),
            passwords: Vec::new(),
            keys: Vec::new(),
            owners: Vec::new(),
            kept: Map::new(),
            reads_directory: false,
            since,
        });
        id
    }
}
