//! Contents of the directories: tenants, applications with their credentials, service principals.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CreatedAt, SandboxWorld};

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct TenantRecord {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) domain: String,
}

/// An application registration in its home tenant.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct ApplicationRecord {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) app_id: Uuid,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) tenant: Uuid,
    pub(in crate::sandbox) audience: SignInAudience,
    /// The key that a client chose; unique in the tenant, and never changed.
    pub(in crate::sandbox) unique_name: Option<String>,
    pub(in crate::sandbox) description: Option<String>,
    pub(in crate::sandbox) notes: Option<String>,
    pub(in crate::sandbox) tags: Vec<String>,
    pub(in crate::sandbox) passwords: Vec<PasswordCredential>,
    /// Thumbprints of registered certificates, as `x5t` carries them.
    pub(in crate::sandbox) certificates: Vec<String>,
    pub(in crate::sandbox) keys: Vec<KeyCredential>,
    pub(in crate::sandbox) federated: Vec<FederatedCredential>,
    /// Object ids of people and service principals that may change it.
    pub(in crate::sandbox) owners: Vec<Uuid>,
    /// Other properties that a client wrote.
    pub(in crate::sandbox) kept: Map<String, Value>,
    pub(in crate::sandbox) since: CreatedAt,
}

impl ApplicationRecord {
    /// Returns whether the application can have a service principal in `tenant`.
    pub(in crate::sandbox) fn is_for(&self, tenant: Uuid) -> bool {
        self.tenant == tenant || self.audience.admits_others()
    }
}

/// `signInAudience`: whose sign-in an application takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum SignInAudience {
    MyOrg,
    MultipleOrgs,
    OrgsAndPersonal,
    Personal,
}

impl SignInAudience {
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

    /// Returns whether other tenants can have a service principal of the application.
    pub(in crate::sandbox) fn admits_others(self) -> bool {
        matches!(self, Self::MultipleOrgs | Self::OrgsAndPersonal)
    }
}

/// A client secret.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct PasswordCredential {
    pub(in crate::sandbox) key: Uuid,
    pub(in crate::sandbox) name: Option<String>,
    pub(in crate::sandbox) text: String,
    pub(in crate::sandbox) start: OffsetDateTime,
    pub(in crate::sandbox) end: OffsetDateTime,
    pub(in crate::sandbox) since: CreatedAt,
}

/// A registered certificate.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct KeyCredential {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) name: Option<String>,
    /// In DER form.
    pub(in crate::sandbox) certificate: Vec<u8>,
    pub(in crate::sandbox) start: OffsetDateTime,
    pub(in crate::sandbox) end: OffsetDateTime,
    pub(in crate::sandbox) since: CreatedAt,
}

/// An object that was deleted, and when.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct DeletedRecord<T> {
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
pub struct FederatedCredential {
    #[serde(default)]
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) issuer: String,
    pub(in crate::sandbox) subject: String,
    pub(in crate::sandbox) audience: String,
}

/// A service principal: an application's representation in one tenant.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct PrincipalRecord {
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) app_id: Uuid,
    pub(in crate::sandbox) tenant: Uuid,
    pub(in crate::sandbox) name: String,
    /// Template ids of its directory roles.
    pub(in crate::sandbox) directory_roles: Vec<Uuid>,
    pub(in crate::sandbox) passwords: Vec<PasswordCredential>,
    pub(in crate::sandbox) keys: Vec<KeyCredential>,
    pub(in crate::sandbox) owners: Vec<Uuid>,
    /// Other properties that a client wrote.
    pub(in crate::sandbox) kept: Map<String, Value>,
    /// Whether the service principal may read the directory through Graph.
    pub(in crate::sandbox) reads_directory: bool,
    pub(in crate::sandbox) since: CreatedAt,
}

/// A person in one tenant; in another one the same person has another object id.
#[derive(Debug, Clone, Deserialize)]
pub struct UserRecord {
    pub(in crate::sandbox) upn: String,
    pub(in crate::sandbox) id: Uuid,
    pub(in crate::sandbox) tenant: Uuid,
    /// The service principal whose equal the person is: in Azure and in the directory it may do the same.
    pub(in crate::sandbox) like: Uuid,
    /// Signs in with a password alone, unless claims demand more.
    #[serde(default)]
    pub(in crate::sandbox) password_only: bool,
}

impl SandboxWorld {
    /// A person of that name, as a tenant knows it; where any will do, the first that does.
    pub(in crate::sandbox) fn user(&self, upn: &str, tenant: Option<Uuid>) -> Option<&UserRecord> {
        let here = |user: &UserRecord| tenant.is_none_or(|tenant| user.tenant == tenant);
        let mut users = self.users.iter();
        users.find(|user| here(user) && user.upn.eq_ignore_ascii_case(upn))
    }

    /// A tenant by id or domain.
    pub(in crate::sandbox) fn tenant(&self, name: &str) -> Option<&TenantRecord> {
        let id = Uuid::parse_str(name).ok();
        self.tenants
            .iter()
            .find(|tenant| Some(tenant.id) == id || tenant.domain.eq_ignore_ascii_case(name))
    }

    pub(in crate::sandbox) fn application(&self, app_id: Uuid) -> Option<&ApplicationRecord> {
        self.applications
            .iter()
            .find(|application| application.app_id == app_id)
    }

    /// The application's service principal in a tenant.
    pub(in crate::sandbox) fn principal(&self, tenant: Uuid, app_id: Uuid) -> Option<&PrincipalRecord> {
        self.principals
            .iter()
            .find(|principal| principal.tenant == tenant && principal.app_id == app_id)
    }

    /// Makes an application's service principal in a tenant, in which it has none yet, and gives its object id.
    pub(in crate::sandbox) fn add_principal(&mut self, tenant: Uuid, app_id: Uuid, name: String) -> Uuid {
        let id = self
            .ids
            .named(&["servicePrincipal", &tenant.to_string(), &app_id.to_string()]);
        let since = CreatedAt::At(self.now);
        self.principals.push(PrincipalRecord {
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
