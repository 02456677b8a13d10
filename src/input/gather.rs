//! From what was given to everything that a run has to know; asking what is missing, or naming all of it at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::background_sign_in::BackgroundSignIn;
use super::given_inputs::{missing_line, set_variable};
use super::session::{RunContext, SignInSession, check_trust, cloud, tenant, untrusted_host, vendor_api, vendor_token};
use super::table::VNET_PARTS;
use super::tenant_domain::{settle_tenant, settle_vendor_tenants};
use super::values::{
    access, app_id, check, dns, malformed, own_app, parsed, subscription, subscription_is_id, timeout, vendor_inputs,
    vendor_tenant,
};
use super::wizard::{AsyncPrompter, FIRST, SetupWizard, WizardState, ask_vendor};
use super::{GivenInputs, InputError};
use crate::azure::{AuthMethod, SubscriptionInfo};
use crate::domain::{TenantId, VnetId};
use crate::errors::{RunError, RunErrorKind};
use crate::limits;
use crate::plan::{
    ConsentMode, PeeringIntent, PeeringSettings, RunEvent, RunGoal, StepSelection, TenantName, VendorAccess, VendorApp,
};
use crate::steps::{EventSink, OtherTenant, SignInInfo};
use crate::ui::{PromptQuestion, PromptResult, Prompter, tell};
use crate::vendors::{ProfileError, VendorConnector, VendorProfile, profile};

/// Why an input is missing that a person could have been asked for.
pub const NOBODY_ASKED: &str = "Nobody is asked: there is no terminal, or --no-input was given.";

/// Everything that a run has to know, and the clients to do it with.
pub struct GatheredInputs {
    pub intent: PeeringIntent,
    /// Absent where nothing had to be asked of Azure: a dry run with every input given.
    pub session: Option<SignInSession>,
    pub connector: Option<Arc<dyn VendorConnector>>,
    /// Given values and answers, for the equivalent command line and for the way back to a question.
    pub talk: WizardState,
    pub vendor_inputs: BTreeMap<String, Vec<String>>,
    /// Name of the cloud.
    pub cloud: String,
}

/// Options for gathering the inputs.
pub struct InputOptions {
    /// Prompter that answers questions; `None` if no one answers.
    pub prompter: Option<Arc<dyn Prompter>>,
    /// Only a script or a document is wanted: sign in only for what is not given.
    pub dry_run: bool,
    /// Sign in all the same: what is there is wanted, too.
    pub survey: bool,
    /// Ask for what tells which peering is meant, and no more.
    pub narrow: bool,
    /// Other inputs that are missing if no one answers (`--yes`).
    pub also_missing: Vec<String>,
    pub options: GatherOptions,
}

/// Options that aren't inputs of the table: switches and the goal of the run.
#[derive(Debug, Clone, Default)]
pub struct GatherOptions {
    pub no_wait: bool,
    pub peering_settings: PeeringSettings,
    pub goal: RunGoal,
    pub share: StepSelection,
}

impl GatherOptions {
    /// Returns the options with these [`super::SWITCHES`] on.
    #[must_use]
    pub fn switched_on(mut self, switches: &[&str]) -> Self {
        let on = |switch| switches.contains(&switch);
        self.no_wait = on("no-wait");
        self.peering_settings = PeeringSettings {
            allow_forwarded_traffic: on("allow-forwarded-traffic"),
            allow_gateway_transit: on("allow-gateway-transit"),
            use_remote_gateways: on("use-remote-gateways"),
        };
        self
    }
}

/// Gathers everything.
///
/// # Errors
/// Every missing input at once where nobody answers; a malformed one; a sign-in that fails; the user who leaves.
pub async fn gather(
    mut talk: WizardState,
    around: &RunContext,
    manner: InputOptions,
) -> Result<GatheredInputs, InputError> {
    let asker = manner.prompter.clone().map(AsyncPrompter);
    settle_tenant(&mut talk.given, around).await?;
    // While somebody reads the first question, the sign-in is under way; a script may need none.
    if asker.is_some() && !manner.dry_run {
        talk.entered
            .get_or_insert_with(|| BackgroundSignIn::begin(&talk.given, around));
    }
    loop {
        let vendor = vendor(&mut talk.given, asker.as_ref(), &manner.also_missing).await?;
        let unasked = asker.is_none() && !manner.dry_run && !manner.options.share.is_preparation();
        settle_vendor_tenants(&mut talk.given, around, &vendor, unasked).await?;
        if asker.is_none() {
            let missing: Vec<String> = missing(&talk.given, &vendor, &manner)?
                .into_iter()
                .chain(manner.also_missing.iter().cloned())
                .collect();
            if !missing.is_empty() {
                return Err(inputs_missing(missing).into());
            }
        }
        check(&talk.given, &vendor)?;
        let by_hand = talk.given.get("vendor-access") == Some("manual");
        if talk.token.is_none() && !by_hand {
            talk.token = vendor_token(talk.given.vars(), &vendor)?;
            if talk.token.is_some() && (manner.survey || !manner.dry_run) {
                allow_host(&mut talk.given, &vendor, asker.as_ref()).await?;
            }
        }
        if manner.dry_run && !manner.survey && complete(&talk.given, &vendor, &manner)? {
            let known = TenantHints {
                tenant: tenant(&talk.given)?,
                ..TenantHints::default()
            };
            let intent = intent(&talk.given, around, vendor, known, manner.options.clone())?;
            return finish(talk, around, intent, None);
        }
        let Some(asker) = &asker else {
            let session = SignInSession::open(&talk.given, around)?;
            (around.sink)(RunEvent::SigningIn { under_way: true });
            let known = known(&session, &talk.given, &manner).await;
            (around.sink)(RunEvent::SigningIn { under_way: false });
            let known = known?;
            let intent = intent(&talk.given, around, vendor, known, manner.options)?;
            return finish(talk, around, intent, Some(session));
        };
        let entered = talk.entered.take();
        let mut entry = entered.unwrap_or_else(|| BackgroundSignIn::begin(&talk.given, around))?;
        let mut wizard = SetupWizard {
            asker,
            talk: &mut talk,
            entry: &mut entry,
            vendor: &vendor,
            sink: &around.sink,
            narrow: manner.narrow,
            preparation: manner.options.share.is_preparation(),
        };
        let known = match run_prompts(&mut wizard).await {
            Ok(PromptResult::Value(known)) => known,
            Ok(PromptResult::Back) => {
                talk.entered = Some(Ok(entry));
                if !talk.back() {
                    tell(FIRST);
                }
                continue;
            }
            Err(InputError::Problem(problem)) if entry.session.found_no_way(&problem) => {
                if !offer_code(asker, &problem, &around.sink).await? {
                    return Err(InputError::Problem(problem));
                }
                talk.given.answer("auth", AuthMethod::DeviceCode.name());
                continue;
            }
            Err(halt) => return Err(halt),
        };
        let session = entry.session.clone();
        talk.entered = Some(Ok(entry));
        let intent = intent(&talk.given, around, vendor, known, manner.options)?;
        return finish(talk, around, intent, Some(session));
    }
}

/// Has the operator allow the host that a profile's file sends the vendor's token to.
///
/// # Errors
/// When nobody can be asked, or the operator says no.
pub(super) async fn allow_host(
    given: &mut GivenInputs,
    vendor: &VendorProfile,
    asker: Option<&AsyncPrompter>,
) -> Result<(), InputError> {
    let Some(host) = untrusted_host(given, vendor)? else {
        return Ok(());
    };
    let Some(asker) = asker else {
        return Ok(check_trust(given, vendor)?);
    };
    let variable = vendor.access.as_ref().map_or("", |access| &access.token_env);
    let file = given.get("vendor").unwrap_or_default();
    let question = PromptQuestion::new(
        format!("Send the vendor's token ({variable}) to {host}, as the vendor profile {file} says?"),
        "The profile comes from a file, so the host that gets the token is confirmed. Flag: --trust-vendor-host.",
    );
    match asker.confirm(question, false).await? {
        PromptResult::Value(true) => {
            given.answer("trust-vendor-host", host);
            Ok(())
        }
        PromptResult::Value(false) | PromptResult::Back => Err(InputError::Cancelled),
    }
}

/// Asks what is missing, and waits for what the sign-in tells.
async fn run_prompts(wizard: &mut SetupWizard<'_>) -> Result<PromptResult<TenantHints>, InputError> {
    match wizard.ask().await? {
        PromptResult::Value(()) => Ok(PromptResult::Value(wizard.signed_in().await?)),
        PromptResult::Back => Ok(PromptResult::Back),
    }
}

/// Nobody is signed in, but somebody is there: whether they want to sign in by a code.
async fn offer_code(asker: &AsyncPrompter, problem: &RunError, sink: &EventSink) -> Result<bool, InputError> {
    sink(RunEvent::Notice(problem.why.clone()));
    let question = PromptQuestion::new(
        "Sign in with a code that you enter in a browser, here or on another machine?",
        "Nothing on this machine is signed in. Flag: --auth device-code.",
    );
    Ok(asker.confirm(question, true).await? == PromptResult::Value(true))
}

/// Returns whether a dry run can do without questions.
fn complete(given: &GivenInputs, vendor: &VendorProfile, manner: &InputOptions) -> Result<bool, RunError> {
    Ok(tenant(given)?.is_some() && missing(given, vendor, manner)?.is_empty() && subscription_is_id(given))
}

fn finish(
    talk: WizardState,
    around: &RunContext,
    intent: PeeringIntent,
    session: Option<SignInSession>,
) -> Result<GatheredInputs, InputError> {
    let connector = match (&session, intent.access, &talk.token) {
        (Some(session), VendorAccess::Api, Some(token)) => {
            Some(session.connector(&talk.given, &intent.vendor, token.clone(), &intent.vendor_inputs)?)
        }
        _ => None,
    };
    let cloud = cloud(&talk.given, around)?.name;
    let vendor_inputs = intent.vendor_inputs.clone();
    Ok(GatheredInputs {
        intent,
        session,
        connector,
        talk,
        vendor_inputs,
        cloud,
    })
}

async fn vendor(
    given: &mut GivenInputs,
    asker: Option<&AsyncPrompter>,
    also_missing: &[String],
) -> Result<VendorProfile, InputError> {
    if given.get("vendor").is_some() {
        return Ok(vendor_of(given)?);
    }
    let Some(asker) = asker else {
        let always = missing_vnet(given).into_iter().map(missing_line);
        let all = std::iter::once(missing_line("vendor"))
            .chain(always)
            .chain(also_missing.iter().cloned());
        return Err(inputs_missing(all.collect()).into());
    };
    let vendor = ask_vendor(asker).await?.clone();
    given.answer("vendor", vendor.id.clone());
    Ok(vendor)
}

/// The vendor that was given.
///
/// # Errors
/// None, or one that is neither known nor a profile's file.
pub fn vendor_of(given: &GivenInputs) -> Result<VendorProfile, RunError> {
    let name = given.get("vendor").unwrap_or_default();
    profile(name).map_err(|error| unusable_vendor(&format!("{} {name}", given.name_of("vendor")), &error))
}

/// The error for a vendor that is neither known nor the file of a profile.
pub fn unusable_vendor(given_as: &str, error: &ProfileError) -> RunError {
    let problem = RunError::new(
        RunErrorKind::Usage,
        format!("{given_as} cannot be used."),
        error.to_string(),
    );
    problem.remedy(match error {
        ProfileError::Unknown { .. } => "peerctl vendors lists the vendors that it knows.",
        ProfileError::Malformed { .. } => "peerctl vendors --schema prints what a profile consists of.",
    })
}

/// The ids of what is missing to name the virtual network.
fn missing_vnet(given: &GivenInputs) -> Vec<&'static str> {
    if given.get("vnet-id").is_some() {
        return Vec::new();
    }
    VNET_PARTS.into_iter().filter(|id| given.get(id).is_none()).collect()
}

/// A line for every input without which nothing can be done and that nobody will answer.
fn missing(given: &GivenInputs, vendor: &VendorProfile, manner: &InputOptions) -> Result<Vec<String>, RunError> {
    let mut lines: Vec<String> = missing_vnet(given).into_iter().map(missing_line).collect();
    if manner.options.share.is_preparation() {
        // Whoever was handed such a step knows nothing of the vendor's network, and has no token.
        return Ok(lines);
    }
    let inputs = vendor_inputs(given, vendor)?;
    let with_api = access(given, vendor)? == VendorAccess::Api;
    for input in &vendor.inputs {
        if vendor.needs(input, with_api) && !inputs.contains_key(&input.key) {
            lines.push(format!(
                "--set {0}=… or {1}: {2}",
                input.key,
                set_variable(&input.key),
                input.help
            ));
        }
    }
    // A script reads the token where it runs.
    if let Some(api) = vendor
        .access
        .as_ref()
        .filter(|api| with_api && !manner.dry_run && given.vars().get(&api.token_env).is_none())
    {
        lines.push(format!(
            "{}: {}, {} (environment only)",
            api.token_env, api.token_label, api.token_help
        ));
    }
    Ok(lines)
}

fn inputs_missing(lines: Vec<String>) -> RunError {
    let what = match lines.len() {
        1 => "An input is missing.".to_owned(),
        count => format!("{count} inputs are missing."),
    };
    let mut problem = RunError::new(RunErrorKind::Usage, what, NOBODY_ASKED);
    problem.remedies = lines;
    problem
}

/// Returns the results of the sign-in that are needed before the run. A run with a known target reads everything at
/// once, including the identity that signed in. No reading of the current state stays valid for as long as a person may
/// take to enter a code.
async fn known(session: &SignInSession, given: &GivenInputs, manner: &InputOptions) -> Result<TenantHints, RunError> {
    match tenant(given)? {
        Some(tenant) if !manner.dry_run && subscription_is_id(given) && !session.takes_a_person() => Ok(TenantHints {
            tenant: Some(tenant),
            ..TenantHints::default()
        }),
        _ => Ok(session.introduction.clone().await?.into()),
    }
}

/// Results of the sign-in.
#[derive(Clone, Default)]
pub struct TenantHints {
    tenant: Option<TenantId>,
    tenant_name: Option<String>,
    pub(super) subscriptions: Arc<[SubscriptionInfo]>,
    /// The other tenants that know the one who signed in.
    elsewhere: Arc<[OtherTenant]>,
}

impl TenantHints {
    /// Adds to `problem` the other tenants that know the signed-in identity, and how to search there: a resource that
    /// isn't visible from this tenant may be in one of them.
    pub(super) fn or_elsewhere(&self, mut problem: RunError) -> RunError {
        let others = || self.elsewhere.iter().take(limits::NAMED_TENANTS);
        let tenants: Vec<&str> = others().map(|one| one.tenant.as_str()).collect();
        if !tenants.is_empty() {
            problem.why = format!("{} Tenants that know you, too: {}.", problem.why, tenants.join(", "));
        }
        problem.remedies.extend(others().flat_map(|one| one.sign_in.clone()));
        problem
    }
}

impl From<SignInInfo> for TenantHints {
    fn from(introduced: SignInInfo) -> Self {
        Self {
            tenant: Some(introduced.tenant),
            tenant_name: introduced.tenant_name,
            subscriptions: introduced.subscriptions,
            elsewhere: introduced.elsewhere,
        }
    }
}

fn intent(
    given: &GivenInputs,
    around: &RunContext,
    mut vendor: VendorProfile,
    known: TenantHints,
    options: GatherOptions,
) -> Result<PeeringIntent, RunError> {
    vendor.peering.tenant = vendor_tenant(given, &vendor)?;
    let GatherOptions {
        no_wait,
        peering_settings,
        goal,
        share,
    } = options;
    let cloud = cloud(given, around)?;
    let Some(tenant) = known.tenant else {
        return Err(inputs_missing(vec![missing_line("tenant-id")]));
    };
    let vnet = match parsed::<VnetId>(given, "vnet-id")? {
        Some(id) => id,
        None => {
            let subscription = subscription(given, &known)?;
            let part = |id| given.get(id).unwrap_or_default();
            VnetId::new(subscription, part("resource-group"), part("vnet"))
                .map_err(|error| malformed(given, "vnet", error))?
        }
    };
    let principal_id = parsed(given, "vendor-principal-id")?;
    let application = app_id(given, &vendor)?.zip(vendor.application.as_ref());
    let vendor_app = application.map(|(id, application)| VendorApp {
        id,
        name: application.name.clone(),
        consent_url: cloud.admin_consent_url(tenant, id),
        principal_id,
    });
    let tenant_name = TenantName::default();
    tenant_name.note(known.tenant_name);
    Ok(PeeringIntent {
        tenant,
        tenant_name,
        own_app: own_app(given, &vendor, tenant, &vnet)?,
        own_app_role: parsed(given, "own-app-role")?.unwrap_or_default(),
        vnet,
        vendor_app,
        consent: parsed(given, "consent")?.unwrap_or(ConsentMode::Create),
        access: access(given, &vendor)?,
        vendor_api: vendor_api(given.vars(), &vendor)?,
        vendor_inputs: vendor_inputs(given, &vendor)?,
        dns: dns(given, &vendor)?,
        peering_name: given.get("peering-name").map(str::to_owned),
        peering_settings,
        timeout: timeout(given)?,
        no_wait,
        goal,
        share,
        vendor,
    })
}
