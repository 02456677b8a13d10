//! The sandbox on one TLS port of this machine, with a CA of its own.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
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
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{Exchange, Sandbox};

/// The longest request body that is read.
const LONGEST_BODY: usize = 1024 * 1024;

/// How long requests that are being answered may take after the end.
const GRACE: Duration = Duration::from_secs(1);

/// A sandbox that is being served; dropped, it stops.
#[derive(Debug)]
pub struct Serving {
    /// `https://localhost:PORT`
    pub origin: Url,
    /// The CA's certificate, as PEM.
    pub ca_pem: String,
    stop: watch::Sender<bool>,
    accepting: Vec<JoinHandle<()>>,
}

impl Serving {
    /// Stops accepting, lets requests that are being answered finish, and returns when the port is free.
    pub async fn shut_down(mut self) {
        let _ = self.stop.send(true);
        for task in &mut self.accepting {
            let _ = task.await;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.accepting.iter().for_each(JoinHandle::abort);
    }
}

/// Serves `sandbox` at `port` of the loopback interface, or at a free port.
///
/// # Errors
/// When the port cannot be had, or the certificates cannot be made.
pub async fn serve(sandbox: Sandbox, port: Option<u16>) -> io::Result<Serving> {
    let (config, ca_pem) = certificates().map_err(io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
    let port = listener.local_addr()?.port();
    let origin = Url::parse(&format!("https://localhost:{port}")).map_err(io::Error::other)?;
    let (stop, stopped) = watch::channel(false);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    // Some systems try `localhost` at ::1 first and wait long before they turn to 127.0.0.1.
    let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
    let listeners = std::iter::once(listener).chain(second);
    let accept = |listener| tokio::spawn(accept(listener, acceptor.clone(), sandbox.clone(), stopped.clone()));
    let accepting = listeners.map(accept).collect();
    Ok(Serving {
        origin,
        ca_pem,
        stop,
        accepting,
    })
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, sandbox: Sandbox, mut stopped: watch::Receiver<bool>) {
    let watching = stopped.clone();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        // A connection that was refused or broke at once is the client's affair.
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        connections.spawn(converse(stream, acceptor.clone(), sandbox.clone(), watching.clone()));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    // A request that stalls on purpose would hold everything up for ever.
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, acceptor: TlsAcceptor, sandbox: Sandbox, mut stopped: watch::Receiver<bool>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| answer(sandbox.clone(), request));
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The connection breaks: what a service returns so that hyper sends no answer.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox breaks this connection on purpose")
    }
}

impl std::error::Error for Broken {}

async fn answer(sandbox: Sandbox, request: Request<Incoming>) -> Result<Response<Reply>, Broken> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            let mut answer = Response::new(Reply::whole(Bytes::new()));
            *answer.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(answer);
        }
        Err(_) => return Err(Broken),
    };
    match sandbox.exchange(Request::from_parts(head, body)).await {
        Exchange::Answer(answer) => Ok(answer.map(Reply::whole)),
        Exchange::Truncated(answer) => Ok(answer.map(Reply::cut)),
        Exchange::Reset => Err(Broken),
        Exchange::Stall => std::future::pending().await,
    }
}

/// A body that comes whole, or breaks off after what there is of it.
#[derive(Debug)]
struct Reply {
    rest: Option<Bytes>,
    cut: bool,
}

impl Reply {
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

impl Body for Reply {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.rest.take() {
            Some(body) => Poll::Ready(Some(Ok(Frame::data(body)))),
            None if self.cut => Poll::Ready(Some(Err(Broken))),
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
