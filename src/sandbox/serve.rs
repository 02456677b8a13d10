//! The sandbox on one TLS port of this machine, with a CA of its own.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::request_guard::RequestGuard;
use super::{RequestOutcome, Sandbox, message};

/// The longest request body that is read, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// The longest request head that is read, in bytes.
const LONGEST_HEAD: u16 = 32 * 1024;

/// Connections at the same time; more wait until one ends.
const MOST_CONNECTIONS: usize = 256;

/// Maximum duration of a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Maximum time that a connection can stay open without a request whose head is complete.
const IDLE: Duration = Duration::from_secs(20);

/// Maximum time for reading a request's body.
const BODY: Duration = Duration::from_secs(20);

/// The pause before the next connection where the system has no descriptor for one.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Time that requests in progress have to finish after the shutdown.
const GRACE: Duration = Duration::from_secs(1);

/// A sandbox that is being served; dropped, it stops.
#[derive(Debug)]
pub struct RunningServer {
    /// `https://localhost:PORT`
    pub origin: Url,
    /// The CA's certificate, as PEM.
    pub ca_pem: String,
    /// Key that the sandbox's own pages and the vendors' consoles require: in the header [`super::KEY_HEADER`], or as
    /// `?key=`.
    pub key: String,
    stop: watch::Sender<bool>,
    accepting: Vec<JoinHandle<()>>,
}

impl RunningServer {
    /// The address of the page that leads to the vendors' consoles, with the key.
    pub fn pages(&self) -> Url {
        let mut page = self.origin.clone();
        page.query_pairs_mut().append_pair("key", &self.key);
        page
    }

    /// Stops accepting, lets requests that are being answered finish, and returns when the port is free.
    pub async fn shut_down(mut self) {
        let _ = self.stop.send(true);
        for task in &mut self.accepting {
            let _ = task.await;
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.accepting.iter().for_each(JoinHandle::abort);
    }
}

/// Serves `sandbox` at `port` of the loopback interface, or at a free port.
///
/// # Errors
/// When the port cannot be had, or the certificates cannot be made.
pub async fn serve(sandbox: Sandbox, port: Option<u16>) -> io::Result<RunningServer> {
    let (config, ca_pem) = certificates().map_err(io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
    let port = listener.local_addr()?.port();
    let origin = Url::parse(&format!("https://localhost:{port}")).map_err(io::Error::other)?;
    let (stop, stopped) = watch::channel(false);
    let guard = RequestGuard::new();
    let key = guard.key().to_owned();
    let server = Arc::new(SandboxServer {
        sandbox,
        guard,
        acceptor: TlsAcceptor::from(Arc::new(config)),
        connections: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
    });
    // Some systems try `localhost` at ::1 first and wait long before they turn to 127.0.0.1.
    let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
    let listeners = std::iter::once(listener).chain(second);
    let accept = |listener| tokio::spawn(accept(listener, server.clone(), stopped.clone()));
    let accepting = listeners.map(accept).collect();
    Ok(RunningServer {
        origin,
        ca_pem,
        key,
        stop,
        accepting,
    })
}

/// State that all connections share.
struct SandboxServer {
    sandbox: Sandbox,
    guard: RequestGuard,
    acceptor: TlsAcceptor,
    connections: Arc<Semaphore>,
}

async fn accept(listener: TcpListener, server: Arc<SandboxServer>, mut stopped: watch::Receiver<bool>) {
    let watching = stopped.clone();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept_one(&listener, &server) => accepted,
            _ = stopped.changed() => break,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (server, watching) = (server.clone(), watching.clone());
        connections.spawn(async move {
            converse(stream, server, watching).await;
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    // A request that stalls on purpose would hold everything up for ever.
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

/// The next connection, with its place among those that are served at the same time.
async fn accept_one(listener: &TcpListener, server: &SandboxServer) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    match listener.accept().await {
        Ok((stream, _)) => {
            let _ = stream.set_nodelay(true);
            let permit = server.connections.clone().acquire_owned().await.ok()?;
            Some((stream, permit))
        }
        Err(error) => {
            tokio::time::sleep(back_off(&error)).await;
            None
        }
    }
}

/// The pause after a connection that couldn't be accepted. Without descriptors, accepting again at once fails in the
/// same way, as fast as the processor can; a connection that broke at once is its client's affair.
fn back_off(error: &io::Error) -> Duration {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    match error.kind() {
        ConnectionAborted | ConnectionRefused | ConnectionReset => Duration::ZERO,
        _ => BACK_OFF,
    }
}

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, server: Arc<SandboxServer>, mut stopped: watch::Receiver<bool>) {
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, server.acceptor.accept(stream)).await else {
        return;
    };
    let activity = Arc::new(ServerActivity::default());
    let service = {
        let activity = activity.clone();
        service_fn(move |request| {
            let (server, under_way) = (server.clone(), activity.begin());
            async move {
                let answer = answer(&server, request).await;
                drop(under_way);
                answer
            }
        })
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let builder = auto::Builder::new(TokioExecutor::new());
    // The protocol is known, so nothing is read without a limit to find it out.
    let mut builder = if is_http2 {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    builder.http1().max_buf_size(LONGEST_HEAD.into());
    builder.http2().max_header_list_size(LONGEST_HEAD.into());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = activity.idle() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The requests that a connection has under way.
#[derive(Debug, Default)]
struct ServerActivity {
    under_way: AtomicUsize,
    changed: Notify,
}

/// A request that is under way until this is dropped.
struct UnderWay(Arc<ServerActivity>);

impl ServerActivity {
    fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
        UnderWay(self.clone())
    }

    /// Returns when for [`IDLE`] no request was under way and none came.
    async fn idle(&self) {
        loop {
            let changed = self.changed.notified();
            if self.under_way.load(Ordering::Relaxed) > 0 {
                changed.await;
            } else if tokio::time::timeout(IDLE, changed).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
        self.0.changed.notify_one();
    }
}

/// The connection breaks: what a service returns so that hyper sends no answer.
#[derive(Debug)]
struct BrokenConnection;

impl fmt::Display for BrokenConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox breaks this connection on purpose")
    }
}

impl std::error::Error for BrokenConnection {}

async fn answer(server: &SandboxServer, request: Request<Incoming>) -> Result<Response<ServedReply>, BrokenConnection> {
    let (head, body) = request.into_parts();
    if let Err(refusal) = server.guard.check(&head) {
        return Ok(refusal.map(ServedReply::whole));
    }
    let cookie = server.guard.cookie(&head);
    let body = match tokio::time::timeout(BODY, Limited::new(body, LONGEST_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            return Ok(message::empty(StatusCode::PAYLOAD_TOO_LARGE).map(ServedReply::whole));
        }
        Ok(Err(_)) => return Err(BrokenConnection),
        Err(_) => return Ok(message::empty(StatusCode::REQUEST_TIMEOUT).map(ServedReply::whole)),
    };
    let mut exchange = server.sandbox.exchange(Request::from_parts(head, body)).await;
    if let (RequestOutcome::Answer(answer), Some(cookie)) = (&mut exchange, cookie) {
        message::set(answer, "set-cookie", &cookie);
    }
    match exchange {
        RequestOutcome::Answer(answer) => Ok(answer.map(ServedReply::whole)),
        RequestOutcome::Truncated(answer) => Ok(answer.map(ServedReply::cut)),
        RequestOutcome::Reset => Err(BrokenConnection),
        RequestOutcome::Stall => std::future::pending().await,
    }
}

/// A body that comes whole, or breaks off after what there is of it.
#[derive(Debug)]
struct ServedReply {
    rest: Option<Bytes>,
    cut: bool,
}

impl ServedReply {
    fn whole(body: Bytes) -> Self {
        Self {
            rest: (!body.is_empty()).then_some(body),
            cut: false,
        }
    }

    fn cut(body: Bytes) -> Self {
        Self {
            cut: true,
            ..Self::whole(body)
        }
    }
}

impl Body for ServedReply {
    type Data = Bytes;
    type Error = BrokenConnection;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenConnection>>> {
        match self.rest.take() {
            Some(body) => Poll::Ready(Some(Ok(Frame::data(body)))),
            None if self.cut => Poll::Ready(Some(Err(BrokenConnection))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.rest.as_ref().map_or(0, |body| body.len() as u64);
        // A body that will break off promises twice of what it has, as the whole one would have had.
        SizeHint::with_exact(if self.cut { (length * 2).max(1) } else { length })
    }
}

/// A CA, and a certificate of it for this machine's own names.
fn certificates() -> Result<(rustls::ServerConfig, String), Box<dyn std::error::Error + Send + Sync>> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, "peerctl sandbox CA");
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let leaf_key = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    leaf.extended_key_usages
        .push(rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    leaf.use_authority_key_identifier_extension = true;
    let certificate = leaf.signed_by(&leaf_key, &issuer)?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, ca_certificate.pem()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn accept_backs_off_without_descriptors() {
        let (no_descriptors, aborted) = (24, io::ErrorKind::ConnectionAborted.into());
        assert_eq!(back_off(&io::Error::from_raw_os_error(no_descriptors)), BACK_OFF);
        assert_eq!(back_off(&aborted), Duration::ZERO);
    }
}
