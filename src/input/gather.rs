//! From what was given to everything that a run has to know; asking what is missing, or naming all of it at once.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use uuid::Uuid;

use super::given::{missing_line, set_variable};
use super::session::{Session, Surroundings, cloud, tenant, vendor_api, vendor_token};
use super::wizard::{Asker, Wizard, ask_vendor};
use super::{Given, Halt};
use crate::azure::{Subscription, WhoAmI};
use crate::domain::{SubscriptionId, TenantId, VnetId};
use crate::errors::{Kind, Problem};
use crate::plan::{Consent, Event, Intent, SignedIn, VendorAccess};
use crate::ui::Prompter;
use crate::vendors::{Connector, Profile, Wanted, profile};

/// Enough for Kong's usual 40 minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Everything that a run has to know, and the clients to do it with.
pub struct Gathered {
    pub intent: Intent,
    /// Absent where nothing had to be asked of Azure: a dry run with every input given.
    pub session: Option<Session>,
    pub connector: Option<Arc<dyn Connector>>,
    /// What was given and answered, for the command line that says the same.
    pub given: Given,
    pub vendor_inputs: BTreeMap<String, Vec<String>>,
    /// Name of the cloud.
    pub cloud: String,
}

/// How the inputs are gathered.
pub struct Manner {
    /// Who answers questions; `None`: nobody.
    pub prompter: Option<Arc<dyn Prompter>>,
    /// Only a script is wanted: sign in only for what is not given.
    pub dry_run: bool,
    /// What else is missing if nobody answers (`--yes`).
    pub also_missing: Vec<String>,
    pub no_wait: bool,
}

/// Gathers everything.
///
/// # Errors
/// Every missing input at once where nobody answers; a malformed one; a sign-in that fails; the user who leaves.
pub async fn gather(mut given: Given, around: &Surroundings, manner: Manner) -> Result<Gathered, Halt> {
    let asker = manner.prompter.map(Asker);
    let vendor = vendor(&mut given, asker.as_ref(), &manner.also_missing).await?;
    if asker.is_none() {
        let missing: Vec<String> = missing(&given, &vendor, manner.dry_run)?
            .into_iter()
            .chain(manner.also_missing)
            .collect();
        if !missing.is_empty() {
            return Err(inputs_missing(missing).into());
        }
    }
    check(&given, &vendor)?;
    let mut token = vendor_token(given.vars(), &vendor).filter(|_| given.get("vendor-access") != Some("manual"));
    let complete =
        tenant(&given)?.is_some() && missing(&given, &vendor, manner.dry_run)?.is_empty() && subscription_is_id(&given);
    if manner.dry_run && complete {
        let intent = intent(
            &given,
            around,
            vendor,
            Known {
                tenant: tenant(&given)?,
                ..Known::default()
            },
            false,
        )?;
        return finish(given, around, intent, None, token);
    }
    let session = Session::open(&given, around, &vendor)?;
    let mut known = sign_in(&session, &given, around).await?;
    if let Some(asker) = asker {
        let subscriptions = known.subscriptions;
        let mut wizard = Wizard {
            asker,
            given,
            session: &session,
            vendor: &vendor,
            token,
            subscriptions,
        };
        wizard.ask().await?;
        (given, token, known.subscriptions) = (wizard.given, wizard.token, wizard.subscriptions);
    }
    let intent = intent(&given, around, vendor, known, manner.no_wait)?;
    finish(given, around, intent, Some(session), token)
}

fn finish(
    given: Given,
    around: &Surroundings,
    intent: Intent,
    session: Option<Session>,
    token: Option<SecretString>,
) -> Result<Gathered, Halt> {
    let connector = match (&session, intent.access, token) {
        (Some(session), VendorAccess::Api, Some(token)) => {
            Some(session.connector(given.vars(), &intent.vendor, token)?)
        }
        _ => None,
    };
    let cloud = cloud(&given, around)?.name;
    let vendor_inputs = intent.vendor_inputs.clone();
    Ok(Gathered {
        intent,
        session,
        connector,
        given,
        vendor_inputs,
        cloud,
    })
}

async fn vendor(given: &mut Given, asker: Option<&Asker>, also_missing: &[String]) -> Result<Profile, Halt> {
    if let Some(name) = given.get("vendor") {
        return profile(name).map_err(|error| {
            let problem = Problem::new(
                Kind::Usage,
                format!("--vendor {name} cannot be used."),
                error.to_string(),
            );
            problem
                .remedy("peerctl vendors lists the vendors that it knows.")
                .into()
        });
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

/// The ids of what is missing to name the virtual network.
fn missing_vnet(given: &Given) -> Vec<&'static str> {
    if given.get("vnet-id").is_some() {
        return Vec::new();
    }
    ["subscription", "resource-group", "vnet"]
        .into_iter()
        .filter(|id| given.get(id).is_none())
        .collect()
}

/// A line for every input without which nothing can be done and that nobody will answer.
fn missing(given: &Given, vendor: &Profile, dry_run: bool) -> Result<Vec<String>, Problem> {
    let mut lines: Vec<String> = missing_vnet(given).into_iter().map(missing_line).collect();
    let inputs = vendor_inputs(given, vendor)?;
    let with_api = access(given, vendor)? == VendorAccess::Api;
    for input in &vendor.inputs {
        let wanted = match input.wanted {
            Wanted::Always => true,
            Wanted::WithApi => with_api,
            Wanted::Never => false,
        };
        if wanted && !inputs.contains_key(&input.key) {
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
        .filter(|api| with_api && !dry_run && given.vars().get(&api.token_env).is_none())
    {
        lines.push(format!(
            "{}: {}, {} (environment only)",
            api.token_env, api.token_label, api.token_help
        ));
    }
    Ok(lines)
}

fn inputs_missing(lines: Vec<String>) -> Problem {
    let what = match lines.len() {
        1 => "An input is missing.".to_owned(),
        count => format!("{count} inputs are missing."),
    };
    let mut problem = Problem::new(
        Kind::Usage,
        what,
        "Nobody is asked: there is no terminal, or --no-input was given.",
    );
    problem.remedies = lines;
    problem
}

/// Refuses what is malformed before anything is asked of anybody.
fn check(given: &Given, vendor: &Profile) -> Result<(), Problem> {
    parsed::<Consent>(given, "consent")?;
    timeout(given)?;
    vendor_inputs(given, vendor)?;
    dns(given, vendor)?;
    app_id(given, vendor)?;
    vendor_api(given.vars(), vendor)?;
    let name_of = |id, check: fn(&str) -> Result<String, crate::domain::IdError>| match given.get(id) {
        Some(text) => check(text).map(|_| ()).map_err(|error| malformed(id, error)),
        None => Ok(()),
    };
    name_of("resource-group", crate::domain::check_group)?;
    name_of("vnet", crate::domain::check_vnet)?;
    name_of("peering-name", crate::domain::check_peering)?;
    parsed::<VnetId>(given, "vnet-id").map(|_| ())
}

fn malformed(id: &str, why: impl Display) -> Problem {
    Problem::new(Kind::Usage, format!("--{id} cannot be used."), why.to_string())
}

fn parsed<T: FromStr<Err: Display>>(given: &Given, id: &str) -> Result<Option<T>, Problem> {
    given
        .get(id)
        .map(|text| text.parse().map_err(|error| malformed(id, error)))
        .transpose()
}

fn timeout(given: &Given) -> Result<Duration, Problem> {
    let Some(text) = given.get("timeout") else {
        return Ok(DEFAULT_TIMEOUT);
    };
    humantime::parse_duration(text)
        .map_err(|error| malformed("timeout", format!("'{text}': {error}; say 30m or 1h30m.")))
}

fn access(given: &Given, vendor: &Profile) -> Result<VendorAccess, Problem> {
    let default = match vendor_token(given.vars(), vendor) {
        Some(_) => VendorAccess::Api,
        None => VendorAccess::Manual,
    };
    Ok(parsed(given, "vendor-access")?.unwrap_or(default))
}

fn vendor_inputs(given: &Given, vendor: &Profile) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    given.vendor_inputs(vendor).map_err(|key| {
        let keys: Vec<&str> = vendor.inputs.iter().map(|input| input.key.as_str()).collect();
        let what = format!("--set {key}=… is no input of {}.", vendor.name);
        Problem::new(Kind::Usage, what, format!("It has {}.", keys.join(", ")))
            .remedy(format!("peerctl vendors {} says what each means.", vendor.id))
    })
}

fn dns(given: &Given, vendor: &Profile) -> Result<Vec<crate::vendors::DnsMapping>, Problem> {
    let inputs = vendor_inputs(given, vendor)?;
    let texts = inputs.get("dns").cloned().unwrap_or_default();
    texts
        .iter()
        .map(|text| text.parse().map_err(|error| malformed("set dns", error)))
        .collect()
}

/// The vendor's application id: the profile's, unless another one is given.
///
/// # Errors
/// When the one given is no GUID.
pub fn app_id(given: &Given, vendor: &Profile) -> Result<Uuid, Problem> {
    let inputs = vendor_inputs(given, vendor)?;
    let Some(text) = inputs.get("app-id").and_then(|values| values.first()) else {
        return Ok(vendor.application.app_id);
    };
    text.parse()
        .map_err(|_| malformed("set app-id", format!("'{text}' is no application id (a GUID).")))
}

fn subscription_is_id(given: &Given) -> bool {
    given.get("vnet-id").is_some()
        || given
            .get("subscription")
            .is_some_and(|text| text.parse::<Uuid>().is_ok())
}

/// The subscription's id, by id or by name.
///
/// # Errors
/// When no subscription, or more than one, has that name.
pub fn subscription(given: &Given, subscriptions: &[Subscription]) -> Result<SubscriptionId, Problem> {
    let text = given.get("subscription").unwrap_or_default();
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let named: Vec<&Subscription> = subscriptions
        .iter()
        .filter(|one| one.name.eq_ignore_ascii_case(text))
        .collect();
    match named.as_slice() {
        [one] => Ok(one.id),
        [] => {
            let names: Vec<&str> = subscriptions.iter().map(|one| one.name.as_str()).collect();
            let why = format!(
                "This sign-in sees: {}.",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            );
            Err(
                Problem::new(Kind::NotFound, format!("There is no subscription '{text}'."), why)
                    .remedy("Give --subscription one of these names, or an id."),
            )
        }
        many => {
            let ids: Vec<String> = many.iter().map(|one| one.id.to_string()).collect();
            Err(Problem::new(
                Kind::Usage,
                format!("{} subscriptions are named '{text}'.", many.len()),
                "The name does not say which.",
            )
            .remedy(format!("Give --subscription one of {}", ids.join(", "))))
        }
    }
}

/// What the sign-in told.
#[derive(Default)]
struct Known {
    tenant: Option<TenantId>,
    tenant_name: Option<String>,
    subscriptions: Vec<Subscription>,
}

async fn sign_in(session: &Session, given: &Given, around: &Surroundings) -> Result<Known, Problem> {
    let azure = &session.azure;
    let who = azure
        .who_am_i()
        .await
        .map_err(|error| Problem::from_api("signing in", &error))?;
    let (tenants, subscriptions, name) = tokio::join!(azure.tenants(), azure.subscriptions(), name(session, &who));
    let subscriptions = subscriptions.map_err(|error| Problem::from_api("reading the subscriptions", &error))?;
    // The name is for people; without it the id serves.
    let tenant = tenants
        .unwrap_or_default()
        .into_iter()
        .find(|tenant| tenant.id == who.tenant);
    let tenant_name = tenant.and_then(|tenant| tenant.name.or(tenant.default_domain));
    let label = tenant_name
        .as_ref()
        .map_or_else(|| who.tenant.to_string(), |name| format!("{name} ({})", who.tenant));
    let cloud = cloud(given, around)?.name;
    (around.sink)(Event::SignedIn(SignedIn {
        name,
        tenant: label,
        cloud,
    }));
    Ok(Known {
        tenant: Some(who.tenant),
        tenant_name,
        subscriptions,
    })
}

/// A user's name is in the token; an application's has to be asked for, and is not worth failing for.
async fn name(session: &Session, who: &WhoAmI) -> String {
    let Some(app_id) = who.app_id.filter(|_| !who.is_user) else {
        return who.name.clone();
    };
    match session.azure.service_principal(app_id).await {
        Ok(Some(principal)) => principal.display_name,
        Ok(None) | Err(_) => who.name.clone(),
    }
}

fn intent(
    given: &Given,
    around: &Surroundings,
    vendor: Profile,
    known: Known,
    no_wait: bool,
) -> Result<Intent, Problem> {
    let cloud = cloud(given, around)?;
    let Some(tenant) = known.tenant else {
        return Err(inputs_missing(vec![missing_line("tenant-id")]));
    };
    let vnet = match parsed::<VnetId>(given, "vnet-id")? {
        Some(id) => id,
        None => {
            let subscription = subscription(given, &known.subscriptions)?;
            let part = |id| given.get(id).unwrap_or_default();
            VnetId::new(subscription, part("resource-group"), part("vnet")).map_err(|error| malformed("vnet", error))?
        }
    };
    let app_id = app_id(given, &vendor)?;
    Ok(Intent {
        tenant,
        tenant_name: known.tenant_name,
        vnet,
        app_id,
        consent: parsed(given, "consent")?.unwrap_or(Consent::Create),
        consent_url: cloud.admin_consent_url(tenant, app_id),
        access: access(given, &vendor)?,
        vendor_api: vendor_api(given.vars(), &vendor)?,
        vendor_inputs: vendor_inputs(given, &vendor)?,
        dns: dns(given, &vendor)?,
        peering_name: given.get("peering-name").map(str::to_owned),
        timeout: timeout(given)?,
        no_wait,
        vendor,
    })
}
