//! Tenants, subscriptions, and all virtual networks at once.
use super::client::Azure;
use super::error::ApiError;
use super::model::{Subscription, Tenant, VnetList};
use crate::domain::SubscriptionId;

impl Azure {
    pub async fn tenants(&self) -> Result<Vec<Tenant>, ApiError> {
        todo!()
    }
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, ApiError> {
        todo!()
    }
    pub async fn vnets(&self, _subscriptions: &[SubscriptionId]) -> Result<VnetList, ApiError> {
        todo!()
    }
}
