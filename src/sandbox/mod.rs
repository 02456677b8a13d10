//! The embedded Azure: a world small enough to hold in memory, and strict enough to be believed.
//!
//! It stands for Entra, Microsoft Graph, Azure Resource Manager and the vendors' control planes. Time is tokio's, so a
//! test that pauses it sees hours of replication pass in no time; nothing runs in the background: what is to happen
//! later is an event that is settled before the next request is looked at, so the same requests leave the same world.
//!
//! - [`estate`](SandboxEstate): what is in the world at its beginning, as data.
//! - `world`: the state, and the queue of what is still to happen; `timing`: how long things take.
//! - `entra`, `graph`, `arm`, `vendors`: one folder for each service, answering from the world.
//! - `budgets`: how much ARM takes of one principal before it refuses.
//! - `faults`, `journal`, `control`: what goes wrong on demand, the log of requests, `/_sandbox`.
//! - [`serve`]: all of it on one TLS port; `request_guard`: what it refuses there.

mod arm;
mod budgets;
mod control;
mod entra;
mod estate;
mod faults;
mod graph;
mod ids;
mod inventory;
mod journal;
mod message;
mod page;
mod request_guard;
mod router;
pub mod serve;
#[cfg(test)]
mod tests;
mod timing;
mod token;
mod vendors;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

pub use budgets::{BudgetLimit, BudgetLimits};
pub use estate::{EstateCredentials, SandboxEstate};
use faults::InjectedFaults;
pub use faults::{FaultRule, InjectedFault};
use message::IncomingRequest;
pub use request_guard::KEY_HEADER;
use router::SandboxService;
pub use timing::Lag;
use world::SandboxWorld;

/// Options of the world to create.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Seed of the IDs; the same seed gives the same IDs.
    pub seed: u64,
    /// Added to every answer.
    pub latency: Duration,
    /// Replication and the vendor's work.
    pub lag: Lag,
    /// Faults to inject.
    pub faults: Vec<FaultRule>,
    /// Limits at which ARM refuses requests.
    pub limits: BudgetLimits,
    /// Content of the world.
    pub estate: SandboxEstate,
    /// Number of items that a list returns at once.
    pub page_size: usize,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            seed: 2026,
            latency: Duration::ZERO,
            lag: Lag::default(),
            faults: Vec::new(),
            limits: BudgetLimits::default(),
            estate: SandboxEstate::default(),
            page_size: 100,
        }
    }
}

/// Outcome of one request.
#[derive(Debug)]
pub enum RequestOutcome {
    /// A whole answer.
    Answer(Response<Bytes>),
    /// The connection broke, before or after the request took effect.
    Reset,
    /// The answer's head and half of its body came, then the connection broke.
    Truncated(Response<Bytes>),
    /// No answer ever comes.
    Stall,
}

/// The embedded Azure. Clones share one world.
#[derive(Debug, Clone)]
pub struct Sandbox {
    shared: Arc<SandboxShared>,
}

#[derive(Debug)]
struct SandboxShared {
    options: SandboxOptions,
    state: Mutex<SandboxState>,
}

#[derive(Debug, Clone)]
struct SandboxState {
    began: Instant,
    /// The age of the world when it began here: a copy's time continues.
    age: Duration,
    world: SandboxWorld,
    faults: InjectedFaults,
}

impl SandboxState {
    fn new(options: &SandboxOptions) -> Self {
        Self {
            began: Instant::now(),
            age: Duration::ZERO,
            world: SandboxWorld::new(
                &options.estate,
                options.seed,
                options.lag,
                options.page_size,
                options.limits,
            ),
            faults: InjectedFaults::new(&options.faults),
        }
    }

    fn exchange(&mut self, request: &IncomingRequest) -> RequestOutcome {
        self.world.settle(self.age + self.began.elapsed());
        let service = router::service(request);
        if service == SandboxService::Control {
            return RequestOutcome::Answer(router::answer(&mut self.world, service, request));
        }
        let fault = self.faults.match_fault(request);
        let mut exchange = match &fault {
            None => RequestOutcome::Answer(router::answer(&mut self.world, service, request)),
            Some(InjectedFault::Status(refusal)) => RequestOutcome::Answer(faults::refusal(service, refusal)),
            Some(InjectedFault::Garbage) => RequestOutcome::Answer(faults::garbage()),
            Some(InjectedFault::Challenge) => RequestOutcome::Answer(faults::challenge(service)),
            Some(InjectedFault::ResetBefore) => RequestOutcome::Reset,
            Some(InjectedFault::Stall) => RequestOutcome::Stall,
            Some(InjectedFault::StallAfter) => {
                router::answer(&mut self.world, service, request);
                RequestOutcome::Stall
            }
            Some(InjectedFault::ResetAfter) => {
                router::answer(&mut self.world, service, request);
                RequestOutcome::Reset
            }
            Some(InjectedFault::Truncate) => {
                RequestOutcome::Truncated(faults::half(router::answer(&mut self.world, service, request)))
            }
        };
        if let RequestOutcome::Answer(answer) = &mut exchange {
            message::date(answer, self.world.wall_clock());
        }
        let answer = match &exchange {
            RequestOutcome::Answer(answer) | RequestOutcome::Truncated(answer) => Some(answer),
            RequestOutcome::Reset | RequestOutcome::Stall => None,
        };
        let now = self.world.now;
        let journal = &mut self.world.journal;
        journal.record(now, service, request, answer, None, fault.as_ref());
        exchange
    }
}

impl Sandbox {
    /// Makes a fresh world.
    pub fn new(options: SandboxOptions) -> Self {
        let state = Mutex::new(SandboxState::new(&options));
        Self {
            shared: Arc::new(SandboxShared { options, state }),
        }
    }

    /// Returns an independent copy of the world as its last request left it; its time continues from there, on the
    /// clock of the caller.
    pub fn fork(&self) -> Self {
        let options = self.shared.options.clone();
        let world = self.state().clone();
        let state = Mutex::new(SandboxState {
            began: Instant::now(),
            age: world.world.now,
            ..world
        });
        Self {
            shared: Arc::new(SandboxShared { options, state }),
        }
    }

    /// Returns the outcome of one request, including connections that break.
    pub async fn exchange(&self, request: Request<Bytes>) -> RequestOutcome {
        let request = IncomingRequest::new(request);
        if control::is_reset(&request) {
            *self.state() = SandboxState::new(&self.shared.options);
            return RequestOutcome::Answer(message::empty(StatusCode::NO_CONTENT));
        }
        let (exchange, began, wave) = {
            let mut state = self.state();
            let wave = state.world.journal.wave();
            (state.exchange(&request), state.began, wave)
        };
        if !self.shared.options.latency.is_zero() {
            tokio::time::sleep(self.shared.options.latency).await;
        }
        let mut state = self.state();
        // What was under way when the world was made anew belongs to none of the new one's waves.
        if state.began == began && router::service(&request) != SandboxService::Control {
            state.world.journal.answer_leaves(wave);
        }
        exchange
    }

    /// Answers one request, as Azure, Entra, Graph or a vendor would. A connection that a fault breaks is answered
    /// with status 502 here, and one that stalls is never answered; [`Sandbox::exchange`] tells them apart.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self.exchange(request).await {
            RequestOutcome::Answer(answer) => answer,
            RequestOutcome::Reset | RequestOutcome::Truncated(_) => message::empty(StatusCode::BAD_GATEWAY),
            RequestOutcome::Stall => std::future::pending().await,
        }
    }

    /// The variables, in order, that point a client at this sandbox served at `origin`.
    pub fn exports(&self, origin: &Url) -> Vec<(&'static str, String)> {
        let credentials = self.shared.options.estate.credentials();
        vec![
            ("AZURE_TENANT_ID", credentials.tenant_id.to_string()),
            ("AZURE_CLIENT_ID", credentials.client_id.to_string()),
            ("AZURE_CLIENT_SECRET", credentials.client_secret),
            ("AZURE_SUBSCRIPTION_ID", credentials.subscription_id.to_string()),
            ("KONNECT_TOKEN", credentials.konnect_token),
            ("KONNECT_API_URL", bare(origin)),
            ("AIVEN_AUTH_TOKEN", credentials.aiven_token),
            ("AIVEN_WEB_URL", bare(origin)),
            ("DFCLOUD_API_KEY", credentials.dragonfly_key),
            ("DFCLOUD_API_URL", bare(origin)),
            ("AZURE_AUTHORITY_HOST", bare(origin)),
            ("AZURE_CORE_INSTANCE_DISCOVERY", "false".to_owned()),
            ("AZURE_CORE_COLLECT_TELEMETRY", "false".to_owned()),
        ]
    }

    /// Name and text of the files that make a folder a configuration of `az` (`AZURE_CONFIG_DIR`) whose active cloud is
    /// this sandbox, served at `origin`: what `az cloud register` and `az cloud set` would write. The last keeps `az`
    /// from asking the world for its newest version.
    pub fn az_config(&self, origin: &Url) -> [(&'static str, String); 3] {
        let bare = bare(origin);
        let config = "[cloud]\nname = sandbox\n\n[core]\ninstance_discovery = false\ncollect_telemetry = false\n";
        let cloud = format!(
            "[sandbox]\n\
             endpoint_active_directory = {bare}\n\
             endpoint_active_directory_resource_id = https://management.core.windows.net/\n\
             endpoint_management = https://management.core.windows.net/\n\
             endpoint_resource_manager = {bare}\n\
             endpoint_microsoft_graph_resource_id = {bare}/\n\
             endpoint_active_directory_graph_resource_id = {bare}/\n"
        );
        let checked = r#"{"versions": {}, "update_time": "2100-01-01 00:00:00.000000"}"#;
        [
            ("config", config.to_owned()),
            ("clouds.config", cloud),
            ("versionCheck.json", checked.to_owned()),
        ]
    }

    /// Returns the output of `az cloud show` for a custom cloud at `origin`, and `caBundle`: the CA's certificate as
    /// PEM.
    pub fn cloud_json(&self, origin: &Url, ca_pem: &str) -> serde_json::Value {
        let bare = bare(origin);
        let slash = format!("{bare}/");
        json!({
            "name": "sandbox",
            "profile": "latest",
            "isActive": true,
            "endpoints": {
                "activeDirectory": bare,
                "activeDirectoryDataLakeResourceId": null,
                "activeDirectoryGraphResourceId": slash,
                "activeDirectoryResourceId": "https://management.core.windows.net/",
                "management": "https://management.core.windows.net/",
                "microsoftGraphResourceId": slash,
                "resourceManager": slash,
            },
            "suffixes": {},
            "caBundle": ca_pem,
        })
    }

    fn state(&self) -> MutexGuard<'_, SandboxState> {
        // A panic elsewhere leaves a world that is still good for looking at.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bare(origin: &Url) -> String {
    origin.as_str().trim_end_matches('/').to_owned()
}
