//! Context of a request: the verified caller and the callers of the auxiliary tokens.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::errors::ArmRefusal;
use crate::sandbox::message::IncomingRequest;
use crate::sandbox::token::{self, InvalidToken, TokenCaller};
use crate::sandbox::world::SandboxWorld;

/// A request with its callers.
pub(super) struct ArmContext<'a> {
    pub(super) request: &'a IncomingRequest,
    pub(super) caller: TokenCaller,
    /// Those of `x-ms-authorization-auxiliary`.
    pub(super) auxiliary: Vec<TokenCaller>,
}

impl<'a> ArmContext<'a> {
    /// Checks the tokens.
    ///
    /// # Errors
    /// 401 in ARM's words.
    pub(super) fn authenticate(world: &SandboxWorld, request: &'a IncomingRequest) -> Result<Self, ArmRefusal> {
        let tenant = tenant_of_path(world, request);
        let Some(token) = request.bearer() else {
            let text = "Authentication failed. The 'Authorization' header is missing.";
            return Err(ArmRefusal::unauthenticated("AuthenticationFailed", text, &tenant));
        };
        let caller = check(world, request, token, &tenant)?;
        let mut auxiliary = Vec::new();
        let values = request.headers.get_all("x-ms-authorization-auxiliary").iter();
        let values = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']));
        for value in values.map(str::trim).filter(|value| !value.is_empty()) {
            let token = value.split_once(' ').map_or(value, |(_, token)| token.trim());
            auxiliary.push(check(world, request, token, &tenant)?);
        }
        if auxiliary.len() > 3 {
            let text = "The header 'x-ms-authorization-auxiliary' holds more than 3 tokens.";
            return Err(ArmRefusal::new(400, "InvalidAuxiliaryTokens", text));
        }
        Ok(Self {
            request,
            caller,
            auxiliary,
        })
    }

    /// The caller as a tenant knows them: by the primary token or by an auxiliary one.
    pub(super) fn caller_in(&self, tenant: Uuid) -> Option<&TokenCaller> {
        std::iter::once(&self.caller)
            .chain(&self.auxiliary)
            .find(|caller| caller.tenant == tenant)
    }

    /// The subscription of the path; it was checked before.
    pub(super) fn subscription(&self) -> Uuid {
        let given = self.request.segments.get(1);
        given.and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_default()
    }

    /// The id of the resource in the path, as the client wrote it; of what lies below it, the id of the one that holds it.
    pub(super) fn resource_id(&self) -> String {
        let end = self.request.segments.len().min(8);
        format!("/{}", self.request.segments[..end].join("/"))
    }

    /// The token is of another tenant than the subscription.
    pub(super) fn wrong_tenant(&self, right: Uuid) -> ArmRefusal {
        let text = format!(
            "The access token is from the wrong issuer 'https://sts.windows.net/{}/'. It must match the tenant \
             'https://sts.windows.net/{right}/' associated with this subscription. Please use the authority (URL) \
             'https://login.windows.net/{right}' to get the token. Note, if the subscription is transferred to another \
             tenant there is no impact to the services, but information about new tenant could take time to propagate \
             (up to an hour). If you just transferred your subscription and see this error message, please try back \
             later.",
            self.caller.tenant
        );
        ArmRefusal::unauthenticated("InvalidAuthenticationTokenTenant", text, &right.to_string())
    }

    /// One page of a list, with `nextLink` where there is more; only what is on the page is written out.
    pub(super) fn page<T>(
        &self,
        world: &SandboxWorld,
        items: impl Iterator<Item = T>,
        write: impl Fn(T) -> Value,
    ) -> Value {
        let from = self
            .request
            .query("$skiptoken")
            .and_then(|token| token.parse().ok())
            .unwrap_or(0);
        let mut rest = items.skip(from);
        let page: Vec<Value> = rest.by_ref().take(world.page_size).map(write).collect();
        let next = from + page.len();
        let mut body = json!({ "value": page });
        if rest.next().is_some() {
            let query = self.request.query_with("$skiptoken", &next.to_string());
            body["nextLink"] = format!("{}{}?{query}", self.request.origin, self.request.path).into();
        }
        body
    }
}

/// The tenant that a challenge names: the subscription's, as ARM reveals it.
fn tenant_of_path(world: &SandboxWorld, request: &IncomingRequest) -> String {
    let id = request.segments.get(1).and_then(|id| Uuid::parse_str(id).ok());
    let found = id.and_then(|id| world.subscription(id));
    let found = found.filter(|found| !world.nameless.contains(&found.id));
    found.map_or_else(|| "common".to_owned(), |found| found.tenant.to_string())
}

fn check(
    world: &SandboxWorld,
    request: &IncomingRequest,
    token: &str,
    tenant: &str,
) -> Result<TokenCaller, ArmRefusal> {
    let caller = token::verify(world, token).map_err(|invalid| match invalid {
        InvalidToken::Forged => {
            ArmRefusal::unauthenticated("InvalidAuthenticationToken", "The access token is invalid.", tenant)
        }
        InvalidToken::Expired(at) => {
            let ended = OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let text = format!(
                "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
                american(ended),
                american(world.wall_clock())
            );
            ArmRefusal::unauthenticated("ExpiredAuthenticationToken", text, tenant)
        }
    })?;
    if token::is_audience(&caller.audience, &request.origin, token::ARM) {
        return Ok(caller);
    }
    let text = format!(
        "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with one of \
         the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net',\
         'https://management.azure.com/','https://management.azure.com'.",
        caller.audience
    );
    Err(ArmRefusal::unauthenticated(
        "InvalidAuthenticationTokenAudience",
        text,
        tenant,
    ))
}

/// `11/24/2025 11:31:00 PM`, as ARM writes times in this one message.
fn american(time: OffsetDateTime) -> String {
    let (hour, half) = match time.hour() {
        0 => (12, "AM"),
        hour @ 1..=11 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    format!(
        "{}/{}/{} {hour}:{:02}:{:02} {half}",
        u8::from(time.month()),
        time.day(),
        time.year(),
        time.minute(),
        time.second()
    )
}
