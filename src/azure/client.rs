//! What the steps call.
use super::cloud::Cloud;
use super::error::ApiError;
use super::identity::{Identity, WhoAmI};
use super::wire::Wire;

/// Azure, as one signed-in identity sees it; clones share everything.
#[derive(Clone)]
pub struct Azure {
    cloud: Cloud,
    wire: Wire,
    identity: Identity,
}

impl Azure {
    pub fn new(cloud: Cloud, wire: Wire, identity: Identity) -> Self {
        Self { cloud, wire, identity }
    }
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }
    pub fn wire(&self) -> &Wire {
        &self.wire
    }
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
    /// # Errors
    /// When no token can be had, or it cannot be read.
    pub async fn who_am_i(&self) -> Result<WhoAmI, ApiError> {
        todo!()
    }
}
