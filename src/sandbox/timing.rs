//! Durations in the sandbox: replication in Entra and Azure, long-running operations, the vendor's own work.

use std::str::FromStr;
use std::time::Duration;

/// Delay between the time the world accepts a change and the time the change takes effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lag {
    /// Everything at once.
    None,
    /// The order of things as in Azure, shortened so that a rehearsal takes seconds.
    #[default]
    Typical,
    /// The delays that Azure documents: ten minutes for an assignment, forty for Konnect.
    Worst,
}

impl FromStr for Lag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "typical" => Ok(Self::Typical),
            "worst" => Ok(Self::Worst),
            other => Err(format!("'{other}' is not a valid lag; use none, typical or worst.")),
        }
    }
}

/// The delays of one world, each counted from the write it belongs to.
#[derive(Debug, Clone)]
pub(super) struct WorldTiming {
    /// A new directory object answers `GET` by id.
    pub(super) graph_get: Duration,
    /// A new directory object is in lists.
    pub(super) graph_list: Duration,
    /// A new service principal is known to the token endpoint and to Azure's role checks.
    pub(super) principal: Duration,
    /// A new application is known to the token endpoint, and can get a service principal.
    pub(super) application: Duration,
    /// A new client secret is known to the token endpoint.
    pub(super) secret: Duration,
    /// Interval at which a client checks whether a code was entered.
    pub(super) code_interval: Duration,
    /// A new role definition is in lists.
    pub(super) definition_list: Duration,
    /// Resource Graph knows what is new.
    pub(super) resource_graph: Duration,
    /// A new role assignment is in lists.
    pub(super) assignment_list: Duration,
    /// A new role assignment counts.
    pub(super) assignment: Duration,
    /// A long-running operation of the network provider.
    pub(super) operation: Duration,
    /// Value of `Retry-After` on such an operation, in seconds.
    pub(super) retry_after: u64,
    /// The vendor begins after its API was called.
    pub(super) vendor_start: Duration,
    /// The vendor's work from its beginning to its end.
    pub(super) vendor_work: Duration,
    /// The vendor's pause before it tries again what Azure refused.
    pub(super) vendor_retry: Duration,
    /// The vendor notices what changed on a network.
    pub(super) vendor_poll: Duration,
    /// Total number of attempts that the vendor makes.
    pub(super) vendor_attempts: u32,
}

impl From<Lag> for WorldTiming {
    fn from(lag: Lag) -> Self {
        let ms = Duration::from_millis;
        let minutes = |n: u64| Duration::from_secs(n * 60);
        match lag {
            Lag::None => Self {
                graph_get: Duration::ZERO,
                graph_list: Duration::ZERO,
                principal: Duration::ZERO,
                application: Duration::ZERO,
                secret: Duration::ZERO,
                code_interval: Duration::ZERO,
                definition_list: Duration::ZERO,
                resource_graph: Duration::ZERO,
                assignment_list: Duration::ZERO,
                assignment: Duration::ZERO,
                operation: Duration::ZERO,
                retry_after: 0,
                vendor_start: Duration::ZERO,
                vendor_work: Duration::ZERO,
                vendor_retry: Duration::ZERO,
                vendor_poll: Duration::ZERO,
                vendor_attempts: 1,
            },
            Lag::Typical => Self {
                graph_get: ms(300),
                graph_list: ms(600),
                principal: ms(1000),
                application: ms(800),
                secret: ms(1200),
                code_interval: ms(1000),
                definition_list: ms(500),
                resource_graph: ms(2000),
                assignment_list: ms(300),
                assignment: ms(1500),
                operation: ms(700),
                retry_after: 1,
                vendor_start: ms(1000),
                vendor_work: ms(2000),
                vendor_retry: ms(1500),
                vendor_poll: ms(1500),
                vendor_attempts: 4,
            },
            Lag::Worst => Self {
                graph_get: ms(30_000),
                graph_list: minutes(1),
                principal: ms(150_000),
                application: minutes(1),
                secret: minutes(2),
                code_interval: ms(5000),
                definition_list: minutes(1),
                resource_graph: minutes(5),
                assignment_list: ms(30_000),
                assignment: minutes(10),
                operation: ms(30_000),
                retry_after: 10,
                vendor_start: minutes(1),
                vendor_work: minutes(40),
                vendor_retry: minutes(5),
                vendor_poll: minutes(10),
                vendor_attempts: 4,
            },
        }
    }
}
