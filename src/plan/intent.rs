//! Intent of a run: every input, resolved. It contains no secret.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use uuid::Uuid;

use super::{
    CardValue, ForeignRoleNames, ManualInstructions, OwnAppRole, OwnRole, RoleGrant, RoleGrantee, StepId,
    StepSelection, own_role_names,
};
use crate::domain::{AddressSpace, TenantId, VnetId, role_definition_guid};
use crate::render::ShellWord;
use crate::vendors::{CreatedBy, DnsMapping, InputSuggestion, NewRequest, VendorProfile, filled, profiles};

/// Goal of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunGoal {
    /// Creates the missing objects; existing ones stay.
    #[default]
    SetUp,
    /// Allows broken objects to be deleted and created again.
    Repair,
    /// Removes the objects that setup created, including the vendor's service principal if `consent` is set.
    TearDown { consent: bool },
}

/// Method by which the vendor's service principal gets into the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentMode {
    /// Open Entra's admin-consent page and wait until somebody has accepted.
    Browser,
    /// Create it through Microsoft Graph.
    Create,
    /// Only wait until somebody has consented.
    Wait,
}

/// Method by which the vendor learns which network to peer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendorAccess {
    /// Through the vendor's API.
    Api,
    /// A person pastes the values into the vendor's console.
    Manual,
}

words!(ConsentMode { Browser = "browser", Create = "create", Wait = "wait" });
words!(VendorAccess { Api = "api", Manual = "manual" });

/// The vendor's multi-tenant application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorApp {
    pub id: Uuid,
    pub name: String,
    /// Page on which an administrator accepts the application.
    pub consent_url: url::Url,
    /// The object id of its service principal, where the operator gave it.
    pub principal_id: Option<Uuid>,
}

/// Settings that the local direction allows beyond traffic between the two networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeeringSettings {
    pub allow_forwarded_traffic: bool,
    pub allow_gateway_transit: bool,
    pub use_remote_gateways: bool,
}

impl PeeringSettings {
    /// Returns the requested settings, by the names of the peering's properties.
    pub fn properties(self) -> Vec<&'static str> {
        let all = [
            ("allowForwardedTraffic", self.allow_forwarded_traffic),
            ("allowGatewayTransit", self.allow_gateway_transit),
            ("useRemoteGateways", self.use_remote_gateways),
        ];
        all.iter()
            .filter(|(_, wanted)| *wanted)
            .map(|(name, _)| *name)
            .collect()
    }
}

/// The customer's multi-tenant application that writes our direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnApp {
    /// Found by its unique name, or made.
    Made { unique_name: String, display_name: String },
    /// One that the operator brings, by its application (client) id.
    Given(Uuid),
}

/// The other side of the peering, as Azure knows it.
pub use crate::vendors::RemoteNetwork as Remote;

/// The tenant's display name; Azure tells it while other things are read already. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct TenantName(Arc<OnceLock<String>>);

impl TenantName {
    /// Notes the name, where Azure told one.
    pub fn note(&self, name: Option<String>) {
        if let Some(name) = name {
            // It is noted once; later answers say the same.
            let _ = self.0.set(name);
        }
    }
}

/// Everything that a run has to know before it reads anything.
#[derive(Debug, Clone)]
pub struct PeeringIntent {
    pub vendor: VendorProfile,
    pub tenant: TenantId,
    pub tenant_name: TenantName,
    pub vnet: VnetId,
    /// The vendor's application; absent where none needs a service principal in the tenant.
    pub vendor_app: Option<VendorApp>,
    pub consent: ConsentMode,
    /// The customer's own application, where one writes the peering.
    pub own_app: Option<OwnApp>,
    pub own_app_role: OwnAppRole,
    pub access: VendorAccess,
    /// Base address of the vendor's API.
    pub vendor_api: Option<url::Url>,
    /// `--set` values by key, in the order given.
    pub vendor_inputs: BTreeMap<String, Vec<String>>,
    pub dns: Vec<DnsMapping>,
    /// Name of the network's peering, where more than one could be meant.
    pub peering_name: Option<String>,
    pub peering_settings: PeeringSettings,
    /// Time limit for waiting for the vendor and for replication, in all.
    pub timeout: Duration,
    pub no_wait: bool,
    pub goal: RunGoal,
    pub share: StepSelection,
}

impl PeeringIntent {
    /// The first value given for a vendor input.
    pub fn vendor_input(&self, key: &str) -> Option<&str> {
        self.vendor_inputs
            .get(key)
            .and_then(|values| values.first())
            .map(String::as_str)
    }

    /// The vendor's network, by name or id, where it was given.
    pub fn vendor_network(&self) -> Option<&str> {
        let mut inputs = self.vendor.inputs.iter();
        let input = inputs.find(|input| input.suggest == Some(InputSuggestion::Networks))?;
        self.vendor_input(&input.key)
    }

    /// Returns the vendor network if the value is certainly its ID: IDs of Konnect and Aiven are GUIDs, and any other
    /// value is a name.
    pub fn vendor_network_id(&self) -> Option<&str> {
        self.vendor_network().filter(|given| given.parse::<Uuid>().is_ok())
    }

    /// "Contoso (11111111-…)", or the id alone.
    pub fn tenant_label(&self) -> String {
        self.tenant_name
            .0
            .get()
            .map_or_else(|| self.tenant.to_string(), |name| format!("{name} ({})", self.tenant))
    }

    /// The name of the request at the vendor.
    pub fn request_name(&self) -> &str {
        self.vendor_input("name").unwrap_or(&self.vnet.name)
    }

    /// The steps of this run, in the order in which they are shown: where only some are taken, those and what they need.
    pub fn steps(&self) -> Vec<StepId> {
        let mut steps = self.all_steps();
        if !self.share.only.is_empty() {
            let mut wanted = self.share.only.clone();
            let mut next = 0;
            while let Some(step) = wanted.get(next).copied() {
                wanted.extend(self.needs(step));
                next += 1;
            }
            let after = |step: &StepId| step.always_runs() && step.needs().iter().any(|needed| wanted.contains(needed));
            steps.retain(|step| wanted.contains(step) || after(step));
        }
        steps
    }

    /// The steps that the vendor's way takes.
    pub fn all_steps(&self) -> Vec<StepId> {
        let wanted = |id: &StepId| match id {
            StepId::Consent => self.vendor_app.is_some(),
            StepId::OwnApp | StepId::CleanUp => self.own_app.is_some(),
            StepId::RoleDefinition | StepId::RoleAssignment => !self.grants().is_empty(),
            StepId::VendorRequest => self.vendor.peering.created_by != CreatedBy::Customer,
            StepId::Peering | StepId::Verification => true,
        };
        match self.goal {
            RunGoal::TearDown { .. } => StepId::REMOVAL_ORDER.into_iter().filter(wanted).collect(),
            RunGoal::SetUp | RunGoal::Repair => StepId::ALL.into_iter().filter(wanted).collect(),
        }
    }

    /// The steps that have to be over before this one can begin. One that the vendor's way does without hands on what it
    /// needs itself.
    pub fn needs(&self, step: StepId) -> Vec<StepId> {
        let needed = match self.goal {
            RunGoal::TearDown { .. } => step.removed_after(),
            RunGoal::SetUp | RunGoal::Repair => step.needs(),
        };
        let steps = self.all_steps();
        let here = |&needed: &StepId| match steps.contains(&needed) {
            true => vec![needed],
            false => self.needs(needed),
        };
        needed.iter().flat_map(here).collect()
    }

    /// Returns whether a person carries out the step in the vendor's console.
    pub fn is_by_hand(&self, step: StepId) -> bool {
        step == StepId::VendorRequest && self.access == VendorAccess::Manual
    }

    /// Returns whether the run removes objects.
    pub fn tears_down(&self) -> bool {
        matches!(self.goal, RunGoal::TearDown { .. })
    }

    /// The other side, where its direction is ours to write, too: it lies in another tenant of one's own.
    pub fn other_side_of_ours(&self) -> Option<Remote> {
        self.configured_remote()
            .filter(|_| self.vendor.peering.created_by == CreatedBy::Customer)
    }

    /// Returns the role grants at the virtual network.
    pub fn grants(&self) -> Vec<RoleGrant> {
        let vendor = self
            .vendor
            .role
            .as_ref()
            .zip(self.vendor_app.as_ref())
            .map(|(role, app)| RoleGrant {
                to: RoleGrantee::Vendor,
                application: app.name.clone(),
                names: role
                    .names
                    .iter()
                    .map(|name| filled(name, &self.template_values()))
                    .collect(),
                description: role.description.clone(),
                actions: role.actions.clone(),
                built_in: None,
            });
        let both = self.vendor.peering.created_by == CreatedBy::Customer;
        let own = self
            .own_app
            .as_ref()
            .map(|app| self.own_app_role.grant(app.label(), self.vnet.subscription, both));
        vendor.into_iter().chain(own).collect()
    }

    /// The id that the custom role of a grant gets, whoever writes it: setup, the az script or Terraform.
    pub fn role_guid(&self, grant: &RoleGrant) -> Uuid {
        let owner = grant.owner(&self.vendor.id);
        role_definition_guid(self.tenant, &self.vnet.subscription_scope(), owner, grant.name())
    }

    /// The custom roles that setup may create for a grant, in the order in which it takes the first free one.
    pub fn own_roles(&self, grant: &RoleGrant) -> Vec<OwnRole> {
        let (scope, owner) = (self.vnet.subscription_scope(), grant.owner(&self.vendor.id));
        let names = own_role_names(grant.name(), self.vnet.subscription).into_iter();
        let own = names.map(|name| OwnRole {
            guid: role_definition_guid(self.tenant, &scope, owner, &name),
            name,
        });
        own.collect()
    }

    /// The names of roles that this grant does not share, although they may have the same actions: each vendor has its
    /// own documented role.
    pub fn foreign_role_names(&self, grant: &RoleGrant) -> ForeignRoleNames {
        let mut foreign = ForeignRoleNames::default();
        if grant.to == RoleGrantee::OwnApp {
            return foreign;
        }
        let others = profiles().iter().filter(|vendor| vendor.id != self.vendor.id);
        for name in others
            .filter_map(|vendor| vendor.role.as_ref())
            .flat_map(|role| &role.names)
        {
            let name = name.to_lowercase();
            match name.split_once('{') {
                Some((fixed, _)) => foreign.prefixes.push(fixed.to_owned()),
                None => {
                    foreign.prefixes.push(format!("{name} - peerctl "));
                    foreign.names.push(name);
                }
            }
        }
        foreign.prefixes.push("peerctl ".to_owned());
        foreign
    }

    /// The grant to the vendor.
    pub fn vendor_grant(&self) -> Option<RoleGrant> {
        self.grants().into_iter().find(|grant| grant.to == RoleGrantee::Vendor)
    }

    /// The other side, where the inputs alone say it: `tenant` is the vendor's fixed one or an input, the network an
    /// input or a template over inputs.
    pub fn configured_remote(&self) -> Option<Remote> {
        let inputs: BTreeMap<&str, String> = self
            .vendor_inputs
            .iter()
            .filter_map(|(key, values)| Some((key.as_str(), values.first()?.clone())))
            .collect();
        let input = |keys: [&str; 2]| keys.into_iter().find_map(|key| inputs.get(key).cloned());
        let way = &self.vendor.peering;
        let tenant = way
            .tenant
            .or_else(|| input(["to-tenant-id", "remote-tenant-id"])?.parse().ok())?;
        let network = input(["to-network-id", "remote-vnet-id"]);
        let template = way.remote_vnet.as_ref().map(|template| filled(template, &inputs));
        let vnet = network.or(template)?.parse().ok()?;
        Some(Remote { tenant, vnet })
    }

    /// The operator's own sign-in writes the peering, with tokens of both tenants.
    pub fn operator_writes(&self) -> bool {
        self.own_app.is_none() && self.vendor.peering.created_by == CreatedBy::Customer
    }

    /// The name that our direction gets.
    pub fn default_peering_name(&self) -> String {
        let remote = self
            .configured_remote()
            .map_or_else(|| "remote".to_owned(), |remote| remote.vnet.name);
        let values = BTreeMap::from([("vnet", self.vnet.name.clone()), ("remote", remote)]);
        let template = self.vendor.peering.name.as_deref().unwrap_or("{vnet}-peering");
        // Azure's limit is 80 characters, and a network's name may have 64 of them.
        let name: String = filled(template, &values).chars().take(80).collect();
        let name = name.trim_end_matches(['-', '.']).to_owned();
        self.peering_name.clone().unwrap_or(name)
    }

    /// The name that the other direction gets, where it is ours to write.
    pub fn remote_peering_name(&self, remote: &Remote) -> String {
        let name = format!("{}-to-{}", remote.vnet.name, self.vnet.name);
        name.chars().take(80).collect()
    }

    /// Returns the notes of the own application, which explain its purpose to anyone who finds it.
    pub fn own_app_notes(&self) -> String {
        format!("Made by peerctl to peer {} with {}.", self.vnet, self.vendor.name)
    }

    /// Returns the request to the vendor, with the known properties of the network and of the own application.
    pub fn new_request(&self, location: &str, address_space: &AddressSpace, own_app: Option<Uuid>) -> NewRequest {
        NewRequest {
            name: self.request_name().to_owned(),
            tenant: self.tenant,
            vnet: self.vnet.clone(),
            location: location.to_owned(),
            address_space: address_space.clone(),
            own_app,
            dns: self.dns.clone(),
        }
    }

    /// The own application as Graph is asked for it.
    pub fn own_app_body(&self, display_name: &str) -> serde_json::Value {
        serde_json::json!({
            "displayName": display_name,
            "notes": self.own_app_notes(),
            "signInAudience": "AzureADMultipleOrgs",
        })
    }

    /// Returns the values that the templates of a profile can name: the network's parts and the vendor inputs.
    fn template_values(&self) -> BTreeMap<&str, String> {
        let inputs = self
            .vendor_inputs
            .iter()
            .filter_map(|(key, values)| Some((key.as_str(), values.first()?.clone())));
        let network = [
            ("tenant", self.tenant.to_string()),
            ("subscription", self.vnet.subscription.to_string()),
            ("resource-group", self.vnet.resource_group.clone()),
            ("vnet", self.vnet.name.clone()),
            ("vnet-id", self.vnet.to_string()),
        ];
        inputs.chain(network).collect()
    }

    /// The vendor's next step once the link works, and the command that tests it.
    pub fn next_step(&self) -> Option<(String, Option<String>)> {
        let next = self.vendor.next.as_ref()?;
        let values = self.template_values();
        let test = next.test.as_ref().map(|test| filled(test, &values));
        Some((filled(&next.step, &values), test))
    }

    /// Returns the values to enter in the vendor's console, under its own labels. `own_app` is the own application's
    /// client ID, once it's known.
    pub fn card(&self, own_app: Option<Uuid>) -> ManualInstructions {
        let mut values = self.template_values();
        let own_app = own_app.map_or_else(|| "(made by the step own-app)".to_owned(), |id| id.to_string());
        values.insert("own-app", own_app);
        let quoted = values
            .iter()
            .map(|(name, value)| (*name, ShellWord(value).to_string()))
            .collect();
        let before = self
            .vendor
            .hand_off
            .before
            .iter()
            .map(|text| match text.split_whitespace().next() {
                // In a command, a value is one word of a shell.
                Some("az") => filled(text, &quoted),
                _ => filled(text, &values),
            })
            .collect();
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
        ManualInstructions {
            place: self.vendor.hand_off.place.clone(),
            values,
            before,
            returns: self.vendor.hand_off.returns.clone(),
        }
    }
}

impl OwnApp {
    /// Returns the display label.
    pub fn label(&self) -> String {
        match self {
            Self::Made { display_name, .. } => display_name.clone(),
            Self::Given(id) => format!("your application {id}"),
        }
    }
}
