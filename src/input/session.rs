//! From a cloud, a way to sign in and a vendor to clients that can be called.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use url::Url;

use super::values::timeout;
use super::{EnvironmentVariables, GivenInputs};
use crate::azure::{
    AllowedHosts, AuthMethod, AzureClient, AzureCloud, AzureIdentity, CodePresenter, HttpTransport, HttpsTransport,
    NoticeWhy, ProxySettings, RequestSender, SignInCode, TransportOptions, WireNotice,
};
use crate::domain::{TenantId, did_you_mean};
use crate::errors::{RunError, RunErrorKind};
use crate::plan::RunEvent;
use crate::steps::{EventSink, SignInReport, report_sign_in};
use crate::vendors::{VendorApi, VendorConnector, VendorProfile, connect};

/// Context of a run that isn't one of its inputs.
#[derive(Clone)]
pub struct RunContext {
    pub vars: EnvironmentVariables,
    /// The cloud, where it is not named by an input: the embedded one.
    pub cloud: Option<AzureCloud>,
    pub sink: EventSink,
    /// Transport for requests other than HTTPS: an embedded Azure that needs no socket.
    pub transport: Option<Arc<dyn HttpTransport>>,
    /// The sign-ins that it shares with other runs.
    pub sign_ins: Option<SignIns>,
}

/// Sign-ins that several runs share: one for each tenant, cloud and way to sign in.
#[derive(Clone)]
pub struct SignIns {
    sink: EventSink,
    known: Arc<Mutex<BTreeMap<[String; 3], SignInSession>>>,
}

impl SignIns {
    /// None yet; `sink` is told of each.
    pub fn telling(sink: EventSink) -> Self {
        Self {
            sink,
            known: Arc::default(),
        }
    }

    fn session(&self, given: &GivenInputs, around: &RunContext) -> Result<SignInSession, RunError> {
        let key = ["cloud", "auth", "tenant-id"].map(|id| given.get(id).unwrap_or_default().to_owned());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = known.get(&key) {
            return Ok(session.fork(&around.sink));
        }
        // One code serves every tenant that knows the person.
        let by_person = known
            .iter()
            .find(|(other, session)| other[..2] == key[..2] && session.takes_a_person());
        let session = match by_person.zip(tenant(given)?) {
            Some(((_, session), tenant)) => session.in_tenant(tenant, &self.sink),
            None => SignInSession::open_telling(given, around, &self.sink)?,
        };
        let apart = session.fork(&around.sink);
        known.insert(key, session);
        Ok(apart)
    }

    /// Returns the request senders of the sign-ins themselves, apart from those of the runs.
    pub fn wires(&self) -> Vec<RequestSender> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|session| session.wire.clone()).collect()
    }
}

/// Clients of one run: they share one wire.
#[derive(Clone)]
pub struct SignInSession {
    pub azure: AzureClient,
    /// Report of the signed-in identity, requested when it's needed.
    pub introduction: SignInReport,
    /// Whether the sign-in method was selected by its name.
    chosen: bool,
    wire: RequestSender,
}

impl SignInSession {
    /// A sign-in of its own, or one that is shared.
    ///
    /// # Errors
    /// A cloud or a way to sign in that cannot be used; nothing is sent yet.
    pub fn open(given: &GivenInputs, around: &RunContext) -> Result<Self, RunError> {
        match &around.sign_ins {
            Some(shared) => shared.session(given, around),
            None => Self::open_telling(given, around, &around.sink),
        }
    }

    /// Returns a session of the same identity in another tenant.
    fn in_tenant(&self, tenant: TenantId, sink: &EventSink) -> Self {
        let identity = self.azure.identity().in_tenant(tenant);
        let azure = self.azure.acting_as(identity, Vec::new());
        Self {
            introduction: report_sign_in(azure.clone(), Arc::clone(sink)),
            azure,
            chosen: self.chosen,
            wire: self.wire.clone(),
        }
    }

    /// Returns the same sign-in with a request sender of its own.
    fn fork(&self, sink: &EventSink) -> Self {
        let wire = with_observer(self.wire.fork(), sink);
        Self {
            azure: self.azure.by(wire.clone()),
            introduction: self.introduction.clone(),
            chosen: self.chosen,
            wire,
        }
    }

    fn open_telling(given: &GivenInputs, around: &RunContext, sink: &EventSink) -> Result<Self, RunError> {
        let cloud = cloud(given, around)?;
        let hosts: AllowedHosts = cloud.origins().into_iter().collect();
        let transport = match &around.transport {
            Some(transport) => Arc::clone(transport),
            None => https(&cloud, around)?,
        };
        if around.cloud.is_none() && !cloud.is_well_known() {
            let host = host_of(&cloud.login);
            let by = given.name_of("cloud");
            sink(RunEvent::Notice(format!(
                "Signing in at {host} (cloud {}, by {by})",
                cloud.name
            )));
        }
        let wire = with_observer(RequestSender::new(transport, hosts), sink);
        let tenant = tenant(given)?;
        let auth = auth(given)?;
        let variable = |name: &str| around.vars.get(name);
        let identity = AzureIdentity::new(auth, &variable, tenant, &cloud, wire.clone()).map_err(|error| {
            RunError::new(RunErrorKind::Usage, "There is no sign-in to use.", error.to_string())
                .remedy("Give what is missing, or sign in in another way: peerctl help authentication")
        })?;
        let identity = identity.with_person(CodePresenter {
            tell: code_told(sink),
            within: timeout(given)?,
        });
        let azure = AzureClient::new(cloud, wire.clone(), identity);
        Ok(Self {
            introduction: report_sign_in(azure.clone(), Arc::clone(sink)),
            chosen: auth != AuthMethod::Auto,
            azure,
            wire,
        })
    }

    /// The vendor's API with this token.
    ///
    /// # Errors
    /// A profile that names no API, a host that isn't allowed, or a connector that does not exist.
    pub fn connector(
        &self,
        given: &GivenInputs,
        vendor: &VendorProfile,
        token: SecretString,
        inputs: &BTreeMap<String, Vec<String>>,
    ) -> Result<Arc<dyn VendorConnector>, RunError> {
        let unusable = |why: String| {
            RunError::new(
                RunErrorKind::Usage,
                format!("{} has no API that peerctl can use.", vendor.name),
                why,
            )
            .remedy("Use --vendor-access manual.")
        };
        check_trust(given, vendor)?;
        let Some(base) = vendor_api(given.vars(), vendor)? else {
            return Err(unusable("Its profile names none.".to_owned()));
        };
        let wire = self.wire.also_to_vendor(&base);
        connect(vendor, base, token, wire, inputs).map_err(unusable)
    }

    /// Returns whether `problem` is that no sign-in method was selected and none is available that works unattended: az
    /// isn't installed or has no signed-in account.
    pub fn found_no_way(&self, problem: &RunError) -> bool {
        let without_a_word_of_entras = problem.kind == RunErrorKind::SignIn && problem.code.is_none();
        !self.chosen && without_a_word_of_entras && self.azure.identity().client_id().is_none()
    }

    /// Returns whether a person has to enter a code first.
    pub fn takes_a_person(&self) -> bool {
        self.azure.identity().takes_a_person()
    }

    /// Returns the request sender, which counts the requests.
    pub fn wire(&self) -> &RequestSender {
        &self.wire
    }
}

/// Gives a code to whoever reads along.
fn code_told(sink: &EventSink) -> Arc<dyn Fn(SignInCode) + Send + Sync> {
    let sink = Arc::clone(sink);
    Arc::new(move |code| {
        let SignInCode {
            page,
            code,
            tenant,
            life,
        } = code;
        sink(RunEvent::EnterCode {
            page,
            code,
            tenant,
            life,
        });
    })
}

fn https(cloud: &AzureCloud, around: &RunContext) -> Result<Arc<dyn HttpTransport>, RunError> {
    // The embedded Azure is on this machine.
    let proxies = match &around.cloud {
        Some(_) => ProxySettings::none(),
        None => ProxySettings::from_environment(&|name| around.vars.get_set(name)).map_err(|error| {
            let what = format!("The proxy address in {} can't be used.", error.variable);
            RunError::new(RunErrorKind::Usage, what, error.to_string())
                .remedy(format!("Correct {0}, or unset it.", error.variable))
        })?,
    };
    let options = TransportOptions {
        extra_roots_pem: cloud.ca_bundle.clone(),
        proxies,
    };
    let transport = HttpsTransport::new(&options)
        .map_err(|error| RunError::new(RunErrorKind::Network, "No HTTPS client can be made.", error.to_string()))?;
    Ok(Arc::new(transport))
}

fn with_observer(wire: RequestSender, sink: &EventSink) -> RequestSender {
    let sink = Arc::clone(sink);
    wire.with_observer(Arc::new(move |notice: WireNotice| {
        sink(RunEvent::Notice(notice_text(&notice)));
    }))
}

fn notice_text(notice: &WireNotice) -> String {
    let why = match &notice.why {
        NoticeWhy::Status(429) => format!("{} asks to slow down", notice.service),
        NoticeWhy::Status(status) => format!("{} answers {status}", notice.service),
        NoticeWhy::NoAnswer(why) => format!("{}: {why}", notice.service),
        NoticeWhy::Budget(what) => {
            return format!(
                "{} takes only so many {what} at a time; going on more slowly for at least {:.0} s, so that none is refused",
                notice.service,
                notice.wait.as_secs_f32().max(1.0)
            );
        }
    };
    format!(
        "{why}; trying again in {:.1} s ({})",
        notice.wait.as_secs_f32(),
        notice.tried
    )
}

/// The cloud of this run.
///
/// # Errors
/// A name or a file that is none.
pub fn cloud(given: &GivenInputs, around: &RunContext) -> Result<AzureCloud, RunError> {
    if let Some(cloud) = &around.cloud {
        return Ok(cloud.clone());
    }
    let name = given.get("cloud").unwrap_or("public");
    AzureCloud::from_name_or_file(name).map_err(|error| {
        RunError::new(
            RunErrorKind::Usage,
            format!("{} {name} cannot be used.", given.name_of("cloud")),
            format!("{error}."),
        )
        .remedy("Give public, usgov, china, or a file with what `az cloud show --output json` prints.")
    })
}

/// `--tenant-id`, where it is given.
///
/// # Errors
/// When it is no GUID.
pub fn tenant(given: &GivenInputs) -> Result<Option<TenantId>, RunError> {
    let parse = |text: &str| {
        text.parse().map_err(|_| {
            RunError::new(
                RunErrorKind::Usage,
                format!("{} '{text}' is not a tenant ID.", given.name_of("tenant-id")),
                "A tenant ID is a GUID; a domain of the tenant, such as contoso.onmicrosoft.com, is looked up.",
            )
            .remedy("az account show --query tenantId --output tsv")
        })
    };
    given.get("tenant-id").map(parse).transpose()
}

fn auth(given: &GivenInputs) -> Result<AuthMethod, RunError> {
    let text = given.get("auth").unwrap_or("auto");
    text.parse().map_err(|_| {
        let words: Vec<String> = AuthMethod::ALL.iter().map(ToString::to_string).collect();
        RunError::new(
            RunErrorKind::Usage,
            format!("{} '{text}' is not a way to sign in.", given.name_of("auth")),
            format!(
                "It is one of {}.{}",
                words.join(", "),
                did_you_mean(text, AuthMethod::ALL.map(AuthMethod::name))
            ),
        )
    })
}

/// Base address of the vendor's API: the environment's, else the profile's.
///
/// # Errors
/// When the environment's is no address that a token may be sent to.
pub fn vendor_api(vars: &EnvironmentVariables, vendor: &VendorProfile) -> Result<Option<Url>, RunError> {
    let Some(VendorApi { api, api_env, .. }) = &vendor.access else {
        return Ok(None);
    };
    let text = vars.named(api_env)?.unwrap_or_else(|| api.clone());
    let url: Option<Url> = text.parse().ok();
    let bare = |url: &Url| url.username().is_empty() && url.password().is_none();
    match url.filter(|url| url.scheme() == "https" && url.has_host() && bare(url)) {
        Some(url) => Ok(Some(url)),
        None => Err(RunError::new(
            RunErrorKind::Usage,
            format!("The address in {api_env} can't be used."),
            "The token goes to an https address only, without a user name and a password in it.",
        )
        .remedy(format!("Set {api_env} to an address such as {api}, or unset it."))),
    }
}

/// The host that the operator has to allow before the token goes there, where a profile from a file names it.
///
/// # Errors
/// As [`vendor_api`].
pub(super) fn untrusted_host(given: &GivenInputs, vendor: &VendorProfile) -> Result<Option<String>, RunError> {
    let base = match vendor.needs_trust() {
        true => vendor_api(given.vars(), vendor)?,
        false => None,
    };
    let host = base.as_ref().map(host_of);
    let allowed = |host: &String| {
        let trusted = given.get("trust-vendor-host");
        trusted.is_some_and(|trusted| trusted.eq_ignore_ascii_case(host))
    };
    Ok(host.filter(|host| !allowed(host)))
}

/// Refuses to send a token to a host that only a profile's file names.
///
/// # Errors
/// The host, the variable, and the flag that allows it.
pub(super) fn check_trust(given: &GivenInputs, vendor: &VendorProfile) -> Result<(), RunError> {
    let (Some(host), Some(access)) = (untrusted_host(given, vendor)?, &vendor.access) else {
        return Ok(());
    };
    let what = format!(
        "{} would send the token in {} to {host}.",
        given.name_of("vendor"),
        access.token_env
    );
    let why = "The vendor profile is a file, and a file alone doesn't decide where a token goes.";
    let problem = RunError::new(RunErrorKind::Usage, what, why);
    Err(problem.remedy(format!(
        "To allow it: --trust-vendor-host {host} (or PEERCTL_TRUST_VENDOR_HOST={host})"
    )))
}

/// Host and, where it is not the usual one, port.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns the request sender for a request that needs no sign-in.
///
/// # Errors
///
/// There's no HTTPS client.
pub(super) fn look_up_wire(cloud: &AzureCloud, around: &RunContext) -> Result<RequestSender, RunError> {
    let transport = match &around.transport {
        Some(transport) => Arc::clone(transport),
        None => https(cloud, around)?,
    };
    let hosts: AllowedHosts = cloud.origins().into_iter().collect();
    Ok(with_observer(RequestSender::new(transport, hosts), &around.sink))
}

/// The vendor's token, from the environment.
///
/// # Errors
/// When it holds what no header can: a line end inside, say.
pub fn vendor_token(vars: &EnvironmentVariables, vendor: &VendorProfile) -> Result<Option<SecretString>, RunError> {
    let Some(access) = &vendor.access else { return Ok(None) };
    let Some(token) = vars.named(&access.token_env)? else {
        return Ok(None);
    };
    let token = token.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        let what = format!("{} holds no token.", access.token_env);
        return Err(RunError::new(
            RunErrorKind::Usage,
            what,
            "It is empty, or has characters that no token has.",
        ));
    }
    Ok(Some(SecretString::from(token)))
}
