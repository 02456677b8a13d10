//! What goes wrong between the program and its Azure: which request, and how. A line carries every request of one run.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use peerctl::azure::{HttpTransport, TransportError};
use peerctl::sandbox::{RequestOutcome, Sandbox};
use serde_json::json;
use tokio::sync::Notify;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    ThrottledFor(u64),
    Throttled,
    Status(u16),
    /// 409 of Azure Resource Manager: another operation is in progress.
    Busy,
    /// Nobody listens: the request never left.
    Refused,
    ResetBefore,
    ResetAfter,
    /// No answer; the request had no effect.
    Stall,
    /// No answer; the request took effect.
    StallAfter,
    /// The request took effect, and a gateway answers in its place: 502, 504.
    StatusAfter(u16),
    /// The request took effect, and half of the answer's body came.
    Half,
    /// The request took effect, and its answer is not JSON.
    NotJsonAfter,
    /// 200 with a body that is not JSON.
    NotJson,
    /// 502 with a proxy's page.
    Html,
    /// A read answers as it did before the latest write; a write goes through.
    Stale,
    /// 401: the token's time is over.
    Expired,
    /// 401 with a claims challenge.
    Challenged,
    /// The process ends before the request leaves.
    KilledBefore,
    /// The process ends when the request has taken effect, before its answer is here.
    KilledAfter,
}

impl Fault {
    pub const ALL: [Self; 21] = [
        Self::ThrottledFor(3),
        Self::Throttled,
        Self::Status(500),
        Self::Status(502),
        Self::Status(503),
        Self::Status(408),
        Self::Busy,
        Self::Refused,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Stall,
        Self::StallAfter,
        Self::StatusAfter(502),
        Self::StatusAfter(504),
        Self::Half,
        Self::NotJsonAfter,
        Self::NotJson,
        Self::Html,
        Self::Stale,
        Self::Expired,
        Self::Challenged,
    ];
    /// What ends the process.
    pub const KILLS: [Self; 2] = [Self::KilledBefore, Self::KilledAfter];
}

/// What goes wrong in one run.
#[derive(Debug, Clone, Default)]
pub struct Trouble {
    /// By the number of the request that is struck, from 0.
    at: BTreeMap<usize, Fault>,
    /// Every request from that one on.
    from: Option<(usize, Fault)>,
    /// By lot: the seed, and how many of a thousand requests are struck.
    lots: Option<(u64, u64)>,
}

/// Everything goes well.
pub fn none() -> Trouble {
    Trouble::default()
}

/// One fault, at one request.
pub fn one(at: usize, fault: Fault) -> Trouble {
    several([(at, fault)])
}

/// Several faults, each at a request of its own.
pub fn several(at: impl IntoIterator<Item = (usize, Fault)>) -> Trouble {
    Trouble {
        at: at.into_iter().collect(),
        ..Trouble::default()
    }
}

/// It never gets better: every request from `from` on is struck.
pub fn lasting(from: usize, fault: Fault) -> Trouble {
    Trouble {
        from: Some((from, fault)),
        ..Trouble::default()
    }
}

/// `of_a_thousand` requests are struck by a fault each; `seed` says which, and by what.
pub fn by_lot(seed: u64, of_a_thousand: u64) -> Trouble {
    Trouble {
        lots: Some((seed, of_a_thousand)),
        ..Trouble::default()
    }
}

impl Trouble {
    fn fault(&self, number: usize) -> Option<Fault> {
        let lasting = self.from.filter(|(from, _)| number >= *from).map(|(_, fault)| fault);
        let drawn = || {
            let (seed, of_a_thousand) = self.lots?;
            let lot = scrambled(seed ^ scrambled(number as u64));
            let struck = lot % 1000 < of_a_thousand;
            let faults = Fault::ALL.len() + Fault::KILLS.len();
            let which = usize::try_from((lot / 1000) % faults as u64).expect("a small number");
            struck.then(|| *Fault::ALL.iter().chain(&Fault::KILLS).nth(which).expect("one of them"))
        };
        self.at.get(&number).copied().or(lasting).or_else(drawn)
    }
}

/// SplitMix64: neighbouring numbers become far ones.
pub fn scrambled(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The way from one run to the world. Once it is cut, nothing goes through any more.
#[derive(Debug)]
pub struct Line {
    sandbox: Sandbox,
    trouble: Trouble,
    sent: AtomicUsize,
    /// Faults that struck, and those among them that found nothing to do.
    struck: AtomicUsize,
    missed: AtomicUsize,
    is_cut: AtomicBool,
    writes: Mutex<Vec<usize>>,
    cut: Notify,
    /// What each read answered last, and before the latest write.
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    now: BTreeMap<String, Response<Bytes>>,
    before: BTreeMap<String, Response<Bytes>>,
}

impl Line {
    pub fn new(sandbox: Sandbox, trouble: Trouble) -> Arc<Self> {
        Arc::new(Self {
            sandbox,
            trouble,
            sent: AtomicUsize::new(0),
            struck: AtomicUsize::new(0),
            missed: AtomicUsize::new(0),
            is_cut: AtomicBool::new(false),
            writes: Mutex::default(),
            cut: Notify::new(),
            seen: Mutex::default(),
        })
    }

    /// Comes back when the process is to end.
    pub async fn killed(&self) {
        self.cut.notified().await;
    }

    /// How many requests left.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many faults did something.
    pub fn struck(&self) -> usize {
        self.struck.load(Ordering::Relaxed) - self.missed.load(Ordering::Relaxed)
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
        self.cut.notify_one();
    }

    /// The numbers of those that may have written.
    pub fn writes(&self) -> Vec<usize> {
        self.writes.lock().expect("no panic").clone()
    }

    async fn through(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (method, url) = (request.method().clone(), request.uri().to_string());
        let answer = match self.sandbox.exchange(request).await {
            RequestOutcome::Answer(answer) => answer,
            RequestOutcome::Reset | RequestOutcome::Truncated(_) => return Err(broken()),
            RequestOutcome::Stall => pending().await,
        };
        let mut seen = self.seen.lock().expect("no test panics while it holds this");
        if method == Method::GET {
            seen.now.insert(url, answer.clone());
        } else if !url.contains("/oauth2/") {
            seen.before = seen.now.clone();
        }
        Ok(answer)
    }

    async fn strike(&self, fault: Fault, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match fault {
            Fault::ThrottledFor(seconds) => Ok(refused(
                429,
                "TooManyRequests",
                Some(("retry-after", seconds.to_string())),
            )),
            Fault::Throttled => Ok(refused(429, "TooManyRequests", None)),
            Fault::Status(status) => Ok(refused(status, "ServerBusy", None)),
            Fault::Busy => Ok(refused(409, "AnotherOperationInProgress", None)),
            Fault::Refused => Err(TransportError::Connect {
                host: "azure.test".to_owned(),
                why: "connection refused".to_owned(),
            }),
            Fault::ResetBefore => Err(broken()),
            Fault::ResetAfter => {
                self.through(request).await?;
                Err(broken())
            }
            Fault::StatusAfter(status) => {
                self.through(request).await?;
                Ok(refused(status, "GatewayTimeout", None))
            }
            Fault::Half => {
                let (head, body) = self.through(request).await?.into_parts();
                Ok(Response::from_parts(head, body.slice(..body.len() / 2)))
            }
            Fault::NotJsonAfter => {
                self.through(request).await?;
                Ok(answer(200, "text/plain", "all is well", None))
            }
            Fault::Stall => pending().await,
            Fault::StallAfter => {
                self.through(request).await?;
                pending().await
            }
            Fault::NotJson => Ok(answer(200, "text/plain", "all is well", None)),
            Fault::Html => Ok(answer(502, "text/html", "<html><h1>Bad gateway</h1></html>", None)),
            Fault::Stale => {
                let url = request.uri().to_string();
                let old = {
                    let seen = self.seen.lock().expect("no test panics while it holds this");
                    seen.before
                        .get(&url)
                        .filter(|_| request.method() == Method::GET)
                        .cloned()
                };
                match old {
                    Some(old) => Ok(old),
                    None => {
                        self.missed.fetch_add(1, Ordering::Relaxed);
                        self.through(request).await
                    }
                }
            }
            Fault::Expired => Ok(refused(401, "ExpiredAuthenticationToken", None)),
            Fault::Challenged => {
                let claims = "Bearer error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\"";
                Ok(refused(
                    401,
                    "InvalidAuthenticationToken",
                    Some(("www-authenticate", claims.to_owned())),
                ))
            }
            Fault::KilledBefore => {
                self.cut();
                pending().await
            }
            Fault::KilledAfter => {
                self.through(request).await?;
                self.cut();
                pending().await
            }
        }
    }
}

#[async_trait]
impl HttpTransport for Line {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if self.is_cut.load(Ordering::Relaxed) {
            return pending().await;
        }
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        if request.method() != Method::GET && !request.uri().path().contains("/oauth2/") {
            self.writes.lock().expect("no panic").push(number);
        }
        match self.trouble.fault(number) {
            Some(fault) => {
                self.struck.fetch_add(1, Ordering::Relaxed);
                self.strike(fault, request).await
            }
            None => self.through(request).await,
        }
    }
}

fn broken() -> TransportError {
    TransportError::Broken {
        host: "azure.test".to_owned(),
        why: "connection reset by peer".to_owned(),
    }
}

/// An error answer that ARM, Graph, Entra and the vendors could each have sent.
fn refused(status: u16, code: &str, header: Option<(&'static str, String)>) -> Response<Bytes> {
    let body = json!({ "error": { "code": code, "message": "by the simulation" } });
    answer(status, "application/json", &body.to_string(), header)
}

fn answer(status: u16, kind: &str, body: &str, header: Option<(&'static str, String)>) -> Response<Bytes> {
    let mut builder = Response::builder()
        .status(StatusCode::from_u16(status).expect("a status"))
        .header("content-type", kind);
    if let Some((name, value)) = header {
        builder = builder.header(name, value);
    }
    builder.body(Bytes::from(body.to_owned())).expect("an answer")
}
