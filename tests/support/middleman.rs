//! A different server in the sandbox's place: it asks the sandbox, and says the same in another manner, as another
//! implementation of the same interfaces might.
//!
//! ```ignore
//! let other = Middleman::start(&sandbox, Manners { paged: true, ..Manners::default() });
//! peerctl(["azure", "setup"]).envs(other.env()).run().expect_code(0);
//! ```

mod manners;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use manners::{backwards, gzip, lower_ids, strip};
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::served::Served;
use super::temporary_folder;

/// How it differs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manners {
    /// Fields in the opposite order, and unknown ones in every object.
    pub other_order: bool,
    /// Nothing that is null or empty, and nothing that only decorates.
    pub bare: bool,
    /// ARM ids in lower case.
    pub lower_case: bool,
    /// Lists in pages of one, after a first one that is empty.
    pub paged: bool,
    /// A peering's write is accepted with 202 and `CloudLocation`, and nothing else.
    pub by_location: bool,
    /// A write says nothing of its operation: 200 where there was 201, and `Updating` in the body.
    pub silent: bool,
    /// The first requests are turned away, with a date to come back at.
    pub throttles: bool,
    /// Errors say more, and in another order, than their code and message.
    pub talkative: bool,
    /// Bodies are compressed, and come in small pieces.
    pub packed: bool,
    /// Whatever there is, two requests are said to be left.
    pub stingy: bool,
    /// Requests to this service are refused with this status, and the whole request stands in the answer's message,
    /// details and headers, as a gateway under repair may have it.
    pub echoes: Option<(Side, u16)>,
}

/// Whose interface a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    SignIn,
    Azure,
    Graph,
    Vendor,
}

impl Side {
    fn of(path: &str) -> Self {
        let azure = ["/subscriptions", "/providers", "/tenants"];
        match path {
            path if path.contains("/oauth2/") => Self::SignIn,
            path if path.starts_with("/v1.0/") => Self::Graph,
            path if azure.iter().any(|start| path.starts_with(start)) => Self::Azure,
            _ => Self::Vendor,
        }
    }
}

/// A running one, gone with the value.
pub struct Middleman {
    env: BTreeMap<String, String>,
    desk: Arc<Desk>,
    _folder: TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Middleman {
    #[track_caller]
    pub fn start(sandbox: &Served, manners: Manners) -> Self {
        Self::named(sandbox, manners, &[])
    }

    /// One that can show a certificate for these names, too: for who comes by a proxy.
    #[track_caller]
    pub fn named(sandbox: &Served, manners: Manners, names: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (acceptor, certificate) = tls(names);
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("a port");
        let origin = format!(
            "https://localhost:{}",
            listener.local_addr().expect("an address").port()
        );
        let behind = sandbox.value("KONNECT_API_URL").to_owned();
        let ca = std::fs::read(sandbox.value("REQUESTS_CA_BUNDLE")).expect("the sandbox's certificate");
        let desk = Arc::new(Desk {
            manners,
            client: client(&ca),
            behind: behind.clone(),
            origin: origin.clone(),
            state: Mutex::default(),
        });
        runtime.spawn(accept(listener, acceptor, desk.clone()));

        let folder = temporary_folder();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let cloud = std::fs::read_to_string(sandbox.value("PEERCTL_CLOUD")).expect("the sandbox's cloud");
        let mut cloud: Value = serde_json::from_str(&cloud.replace(&behind, &origin)).expect("a document");
        cloud["caBundle"] = certificate.clone().into();
        std::fs::write(at("cloud.json"), cloud.to_string()).expect("a file");
        std::fs::write(at("ca.pem"), certificate).expect("a file");
        let mut env: BTreeMap<String, String> = sandbox
            .env()
            .iter()
            .map(|(name, value)| (name.clone(), value.replace(&behind, &origin)))
            .collect();
        for (name, file) in [
            ("PEERCTL_CLOUD", "cloud.json"),
            ("REQUESTS_CA_BUNDLE", "ca.pem"),
            ("SSL_CERT_FILE", "ca.pem"),
        ] {
            env.insert(name.to_owned(), at(file));
        }
        Self {
            env,
            desk,
            _folder: folder,
            _runtime: runtime,
        }
    }

    /// What a client needs in its environment.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// Which manners changed an answer so far, by their fields' names.
    pub fn shown(&self) -> BTreeSet<&'static str> {
        self.desk.state.lock().expect("nobody panicked").shown.clone()
    }
}

fn client(ca: &[u8]) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem_bundle(ca).expect("certificates");
    let builder = reqwest::Client::builder().tls_certs_only(ca).no_proxy().http1_only();
    builder.build().expect("a client")
}

/// A certificate of its own for this machine and these names, which is its own issuer's, and the issuer's as PEM.
fn tls(names: &[&str]) -> (TlsAcceptor, String) {
    let (ca_key, leaf_key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let mut ca = CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = ca.self_signed(&ca_key).expect("a certificate");
    let pem = issuer.pem();
    let leaf = CertificateParams::new(
        names
            .iter()
            .chain(&["localhost"])
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    )
    .expect("names");
    let leaf = leaf
        .signed_by(&leaf_key, &Issuer::new(ca, ca_key))
        .expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("a configuration");
    (TlsAcceptor::from(Arc::new(config)), pem)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, desk: Arc<Desk>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, desk) = (acceptor.clone(), desk.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = hyper::service::service_fn(move |request| {
                let desk = desk.clone();
                async move { Ok::<_, std::convert::Infallible>(desk.serve(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Whether a header says how much is left.
fn is_count(name: &str) -> bool {
    name.starts_with("x-ms-ratelimit-remaining-") || name == "x-ms-user-quota-remaining"
}

type Pieces = StreamBody<futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, std::convert::Infallible>>>>;

/// An answer on its way.
struct Said {
    method: String,
    path: String,
    status: u16,
    headers: HeaderMap,
    body: Value,
}

/// Where requests arrive.
struct Desk {
    manners: Manners,
    client: reqwest::Client,
    behind: String,
    origin: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is still to come of a list, or of an operation, by its token.
    kept: HashMap<usize, Value>,
    turned_away: HashSet<String>,
    count: usize,
    shown: BTreeSet<&'static str>,
}

impl Desk {
    async fn serve(&self, request: Request<Incoming>) -> Response<Pieces> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let method = head.method.to_string();
        let mut said = Said {
            method,
            path,
            status: 200,
            headers: HeaderMap::new(),
            body: Value::Null,
        };
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        if self.echoes(&mut said, &head.headers, &body) || self.answers_itself(&mut said) {
            return self.written(said);
        }
        let url = format!("{}{}", self.behind, said.path);
        // `Host` is sent on as it is (HTTP/2 would not): the sandbox's links then lead here.
        let mut headers = head.headers;
        headers.remove("accept-encoding");
        let answer = self
            .client
            .request(head.method, url)
            .headers(headers)
            .body(body)
            .send()
            .await;
        let answer = answer.expect("the sandbox answers");
        said.status = answer.status().as_u16();
        said.headers = answer.headers().clone();
        said.body = serde_json::from_slice(&answer.bytes().await.expect("a whole answer")).unwrap_or(Value::Null);
        self.another_manner(&mut said);
        self.written(said)
    }

    /// The request sent back as a refusal, in every form that a service may give it.
    fn echoes(&self, said: &mut Said, headers: &HeaderMap, body: &Bytes) -> bool {
        let Some((_, status)) = self.manners.echoes.filter(|(side, _)| *side == Side::of(&said.path)) else {
            return false;
        };
        self.state.lock().expect("nobody panicked").shown.insert("echoes");
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()));
        let lines: Vec<String> = lines.collect();
        let body = String::from_utf8_lossy(body);
        let decoded: Vec<String> = url::form_urlencoded::parse(body.as_bytes())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let plain = format!(
            "{} {} {} {body} {}",
            said.method,
            said.path,
            lines.join(" "),
            decoded.join(" ")
        );
        let percent: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &plain);
        let text = format!("you sent {plain}, which is {percent}, which is {base64}");
        said.status = status;
        let token = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let id = token
            .split(' ')
            .next_back()
            .unwrap_or_default()
            .parse()
            .expect("a value");
        for name in ["x-ms-correlation-request-id", "request-id", "x-ms-request-id"] {
            said.headers.insert(name, Clone::clone(&id));
        }
        said.body = match Side::of(&said.path) {
            Side::SignIn => json!({"error": "invalid_client", "error_description": format!("AADSTS7000215: {text}"),
                "correlation_id": token}),
            Side::Vendor => json!({"title": "Invalid Request", "detail": text, "instance": token,
                "invalid_parameters": [{"field": "all", "reason": text}]}),
            Side::Azure | Side::Graph => json!({"error": {"code": "BadRequest", "message": text,
                "details": [{"code": text, "message": text}], "innerError": {"request-id": token}}}),
        };
        true
    }

    /// What the sandbox is not asked: the next page, the end of an operation, and whom to turn away.
    fn answers_itself(&self, said: &mut Said) -> bool {
        let mut state = self.state.lock().expect("nobody panicked");
        if let Some(token) = said
            .path
            .split("skipToken=")
            .nth(1)
            .and_then(|token| token.parse::<usize>().ok())
        {
            said.body = state.kept.remove(&token).unwrap_or(Value::Null);
            return true;
        }
        if let Some(token) = said.path.strip_prefix("/providers/Other.Server/results/") {
            let token: usize = token.parse().unwrap_or_default();
            // The first look finds it running still.
            if state.turned_away.insert(said.path.clone()) {
                said.status = 202;
                said.headers.insert("retry-after", "1".parse().expect("a value"));
            } else {
                said.body = state.kept.remove(&token).unwrap_or(Value::Null);
            }
            return true;
        }
        let azure = said.path.starts_with("/subscriptions");
        if self.manners.throttles && azure && state.turned_away.len() < 2 && state.turned_away.insert(said.path.clone())
        {
            said.status = 429;
            state.shown.insert("throttles");
            let dates = [
                ("date", "Sat, 21 Nov 2026 10:00:00 GMT"),
                ("retry-after", "Sat, 21 Nov 2026 10:00:01 GMT"),
            ];
            for (name, value) in dates {
                said.headers.insert(name, value.parse().expect("a value"));
            }
            said.body = json!({"error": {"code": "TooManyRequests", "message": "Slower, please."}});
            return true;
        }
        false
    }

    fn another_manner(&self, said: &mut Said) {
        let Manners {
            lower_case,
            by_location,
            silent,
            talkative,
            paged,
            bare,
            stingy,
            ..
        } = self.manners;
        let arm = ["/subscriptions", "/tenants", "/providers"]
            .iter()
            .any(|start| said.path.starts_with(start));
        let graph = said.path.starts_with("/v1.0/");
        let peering = said.method == "PUT" && said.path.contains("/virtualNetworkPeerings/") && said.status < 300;
        let several = said.body["value"].as_array().is_some_and(|items| items.len() > 1);
        if lower_case && arm {
            self.show("lower_case", || lower_ids(&mut said.body));
        }
        if by_location && peering {
            self.show("by_location", || self.accept(said));
        }
        if silent && said.status == 201 {
            said.status = 200;
            self.show("silent", || said.headers.remove("azure-asyncoperation"));
        }
        if talkative && said.body["error"].is_object() {
            let more = json!({"innererror": {"exceptiontype": "X", "trace": []}, "details": null, "target": null,
                "additionalInfo": [{"type": "Other", "info": {"a": 1}}]});
            let error = said.body["error"].as_object_mut().expect("an object");
            self.show("talkative", || {
                error.extend(more.as_object().cloned().expect("an object"))
            });
        }
        if paged && several && (arm || graph) {
            self.show("paged", || {
                self.page(said, if graph { "@odata.nextLink" } else { "nextLink" })
            });
        }
        let counts: Vec<_> = said
            .headers
            .keys()
            .filter(|name| is_count(name.as_str()))
            .cloned()
            .collect();
        if stingy && !counts.is_empty() {
            self.show("stingy", || {
                let two = |name| said.headers.insert(name, "2".parse().expect("a value"));
                counts.into_iter().map(two).for_each(drop);
            });
        }
        if bare && (arm || graph) {
            self.show("bare", || strip(&mut said.body));
        }
    }

    /// Does what one of the manners is, and notes that it was done.
    fn show<T>(&self, manner: &'static str, change: impl FnOnce() -> T) {
        self.state.lock().expect("nobody panicked").shown.insert(manner);
        change();
    }

    /// The answer to a write is its acceptance; what it wrote is to be had elsewhere, later.
    fn accept(&self, said: &mut Said) {
        let token = self.keep(said.body.take());
        said.headers.remove("azure-asyncoperation");
        let place = format!("{}/providers/Other.Server/results/{token}", self.origin);
        said.headers.insert("location", place.parse().expect("a value"));
        said.status = 202;
    }

    fn keep(&self, body: Value) -> usize {
        let mut state = self.state.lock().expect("nobody panicked");
        state.count += 1;
        let token = state.count;
        state.kept.insert(token, body);
        token
    }

    /// Every item on a page of its own, after an empty one.
    fn page(&self, said: &mut Said, link: &str) {
        let items = said.body["value"].as_array().cloned().unwrap_or_default();
        let path = said.path.split('?').next().unwrap_or_default().to_owned();
        let to = |token| format!("{}{path}?api-version=2023-11-01&%24skipToken={token}", self.origin);
        let mut next = None;
        for item in items.into_iter().rev() {
            let mut page = json!({"value": [item]});
            // Some services say "no more" by an empty link.
            page[link] = next.map_or_else(String::new, to).into();
            next = Some(self.keep(page));
        }
        said.body = json!({"value": []});
        if let Some(token) = next {
            said.body[link] = to(token).into();
        }
    }

    fn written(&self, said: Said) -> Response<Pieces> {
        let mut text = if said.body.is_null() {
            String::new()
        } else {
            said.body.to_string()
        }
        .into_bytes();
        if self.manners.other_order && said.body.is_object() {
            self.show("other_order", || text = backwards(&said.body).into_bytes());
        }
        let mut answer = Response::new(());
        *answer.status_mut() = StatusCode::from_u16(said.status).expect("a status");
        *answer.headers_mut() = said.headers;
        answer.headers_mut().remove("content-length");
        let mut size = text.len().max(1);
        if self.manners.packed && !text.is_empty() {
            self.show("packed", || text = gzip(&text));
            answer
                .headers_mut()
                .insert("content-encoding", "gzip".parse().expect("a value"));
            size = 11;
        }
        let pieces: Vec<_> = text
            .chunks(size)
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        answer.map(|()| StreamBody::new(futures::stream::iter(pieces)))
    }
}
