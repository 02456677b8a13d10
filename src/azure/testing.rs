//! A transport for unit tests: scripted answers, and a record of what was asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::client::AzureClient;
use super::cloud::AzureCloud;
use super::identity::{AuthMethod, AzureIdentity};
use super::request_sender::{AllowedHosts, RequestSender};
use super::transport::{HttpTransport, TransportError};

pub(super) type ScriptedAnswer = Result<http::Response<Bytes>, TransportError>;
type ScriptRule = Box<dyn Fn(&http::Request<Bytes>) -> ScriptedAnswer + Send + Sync>;

/// Answers in order, or by a function of the request once the script is used up.
#[derive(Default)]
pub(super) struct TransportScript {
    answers: Mutex<VecDeque<ScriptedAnswer>>,
    rule: Option<ScriptRule>,
    asked: Mutex<Vec<http::Request<Bytes>>>,
}

impl std::fmt::Debug for TransportScript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl TransportScript {
    pub(super) fn new(answers: impl IntoIterator<Item = ScriptedAnswer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            ..Self::default()
        })
    }

    pub(super) fn rule(rule: impl Fn(&http::Request<Bytes>) -> ScriptedAnswer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            rule: Some(Box::new(rule)),
            ..Self::default()
        })
    }

    pub(super) fn wire(self: &Arc<Self>) -> RequestSender {
        let hosts = [
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
        ];
        let allowed = hosts
            .iter()
            .fold(AllowedHosts::new(), |allowed, host| allowed.and(&host.parse().unwrap()));
        RequestSender::new(self.clone(), allowed)
    }

    /// `METHOD URL` of every request so far.
    pub(super) fn lines(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|request| format!("{} {}", request.method(), request.uri()))
            .collect()
    }

    pub(super) fn requests(&self) -> Vec<http::Request<Bytes>> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|request| {
                let mut copy = http::Request::new(request.body().clone());
                *copy.method_mut() = request.method().clone();
                *copy.uri_mut() = request.uri().clone();
                *copy.headers_mut() = request.headers().clone();
                copy
            })
            .collect()
    }
}

#[async_trait]
impl HttpTransport for TransportScript {
    async fn send(&self, request: http::Request<Bytes>) -> ScriptedAnswer {
        // As on a network, others run meanwhile.
        tokio::task::yield_now().await;
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.unwrap_or_else(|| match &self.rule {
            Some(rule) => rule(&request),
            None => panic!("one request too many: {} {}", request.method(), request.uri()),
        });
        self.asked.lock().unwrap().push(request);
        answer
    }
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> ScriptedAnswer {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Ok(builder.body(body.into()).unwrap())
}

pub(super) fn json(status: u16, body: &Value) -> ScriptedAnswer {
    answer(status, &[("content-type", "application/json")], body.to_string())
}

/// Azure with this behind ARM and Graph, signed in with tokens `token-1`, `token-2`, …
pub(super) fn azure(
    rule: impl Fn(&http::Request<Bytes>) -> ScriptedAnswer + Send + Sync + 'static,
) -> (AzureClient, Arc<TransportScript>) {
    let count = AtomicUsize::new(0);
    let script = TransportScript::rule(move |request| {
        if request.uri().host() != Some("login.microsoftonline.com") {
            return rule(request);
        }
        let token = format!("token-{}", count.fetch_add(1, Ordering::SeqCst) + 1);
        json(
            200,
            &json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": token }),
        )
    });
    let vars = |name: &str| match name {
        "AZURE_CLIENT_ID" => Some("app-1".to_owned()),
        "AZURE_TENANT_ID" => Some("contoso.com".to_owned()),
        "AZURE_CLIENT_SECRET" => Some("top-secret".to_owned()),
        _ => None,
    };
    let identity = AzureIdentity::new(
        AuthMethod::Environment,
        &vars,
        None,
        &AzureCloud::public(),
        script.wire(),
    )
    .unwrap();
    (AzureClient::new(AzureCloud::public(), script.wire(), identity), script)
}

/// As [`azure`], with these answers one after the other.
pub(super) fn azure_in_order(answers: impl IntoIterator<Item = ScriptedAnswer>) -> (AzureClient, Arc<TransportScript>) {
    let answers = Mutex::new(answers.into_iter().collect::<VecDeque<_>>());
    azure(move |request| {
        let next = answers.lock().unwrap().pop_front();
        next.unwrap_or_else(|| panic!("one request too many: {} {}", request.method(), request.uri()))
    })
}

/// `METHOD URL` of every request to ARM and Graph, without the hosts.
pub(super) fn lines_without_hosts(script: &TransportScript) -> Vec<String> {
    let lines = script.lines().into_iter();
    lines
        .filter(|line| !line.contains("login.microsoftonline.com"))
        .map(|line| {
            line.replace("https://management.azure.com", "")
                .replace("https://graph.microsoft.com", "")
        })
        .collect()
}

/// The JSON body of a request.
pub(super) fn body(request: &http::Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

pub(super) fn broken() -> ScriptedAnswer {
    Err(TransportError::Broken {
        host: "management.azure.com".into(),
        why: "reset".into(),
    })
}

pub(super) fn unreachable() -> ScriptedAnswer {
    Err(TransportError::Connect {
        host: "management.azure.com".into(),
        why: "refused".into(),
    })
}
