//! The production transport: one reqwest client on rustls and ring.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Client};
use tokio::sync::Mutex;

use super::proxy::ProxySettings;
use super::transport::{HttpTransport, TransportError};
use crate::limits;

/// Options of the production transport.
#[derive(Debug, Clone, Default)]
pub struct TransportOptions {
    /// Certificates (PEM, one or several) that are trusted besides the system's.
    pub extra_roots_pem: Option<String>,
    pub proxies: ProxySettings,
}

/// Why the client cannot be built: certificates that cannot be read, or a system without any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot set up TLS: {0}")]
pub struct TlsError(String);

/// Sends requests with reqwest: the system's trust store and what is added to it, the proxies that it is given, no
/// redirects (one could carry a token elsewhere), and no retries, which are [`super::RequestSender`]'s part.
#[derive(Clone)]
pub struct HttpsTransport {
    client: Client,
    proxies: ProxySettings,
    entrance: Arc<HttpsConnector>,
}

/// The way through a proxy. The first request goes alone, and a refusal of it answers all others: a wrong password is
/// tried once.
#[derive(Default)]
struct HttpsConnector {
    open: AtomicBool,
    refused: Mutex<Option<TransportError>>,
}

impl fmt::Debug for HttpsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpsTransport")
    }
}

impl HttpsTransport {
    /// Builds the client; this reads the system's trust store.
    ///
    /// # Errors
    /// When the extra certificates are no PEM certificates, or there is no usable trust store.
    pub fn new(options: &TransportOptions) -> Result<Self, TlsError> {
        // Fails only where a provider is installed already; then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("peerctl/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(limits::CONNECT)
            .timeout(limits::REQUEST);
        builder = options
            .proxies
            .apply(builder)
            .map_err(|error| TlsError(chain(&error)))?;
        if let Some(pem) = &options.extra_roots_pem {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| TlsError(chain(&error)))?;
            if roots.is_empty() {
                return Err(TlsError("the CA bundle holds no PEM certificate".to_owned()));
            }
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(|error| TlsError(chain(&error)))?;
        Ok(Self {
            client,
            proxies: options.proxies.clone(),
            entrance: Arc::default(),
        })
    }

    async fn carry(
        &self,
        host: &str,
        proxy: Option<&'static str>,
        request: reqwest::Request,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let answer = self.client.execute(request).await;
        let mut answer = answer.map_err(|error| failure(host, proxy, &error))?;
        let mut head = http::Response::new(());
        *head.status_mut() = answer.status();
        *head.version_mut() = answer.version();
        *head.headers_mut() = std::mem::take(answer.headers_mut());
        let body = whole_body(host, answer).await?;
        Ok(head.map(|()| body))
    }
}

#[async_trait]
impl HttpTransport for HttpsTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let request = reqwest::Request::try_from(request).map_err(|error| TransportError::NotAllowed {
            host: host.clone(),
            why: chain(&error),
        })?;
        let proxy = self
            .proxies
            .variable(request.url().scheme(), request.url().host_str().unwrap_or_default());
        if proxy.is_none() || self.entrance.open.load(Ordering::Acquire) {
            return self.carry(&host, proxy, request).await;
        }
        let mut refused = self.entrance.refused.lock().await;
        if let Some(error) = &*refused {
            return Err(error.clone());
        }
        if self.entrance.open.load(Ordering::Acquire) {
            drop(refused);
            return self.carry(&host, proxy, request).await;
        }
        let answer = self.carry(&host, proxy, request).await;
        match &answer {
            Ok(_) => self.entrance.open.store(true, Ordering::Release),
            Err(error @ TransportError::Proxy { .. }) => *refused = Some(error.clone()),
            Err(_) => {}
        }
        answer
    }
}

async fn whole_body(host: &str, mut answer: reqwest::Response) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    // Once the head is here the request has been carried out: whatever happens now leaves that open no more.
    while let Some(chunk) = answer.chunk().await.map_err(|error| after_the_head(host, &error))? {
        if body.len() + chunk.len() > limits::BODY {
            return Err(TransportError::TooLarge {
                host: host.to_owned(),
                limit: limits::BODY,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failure(host: &str, proxy: Option<&'static str>, error: &reqwest::Error) -> TransportError {
    let host = host.to_owned();
    let why = chain(error);
    if let Some(variable) = proxy
        && why.contains("proxy authorization required")
    {
        let why = "it returned 407 (Proxy Authentication Required): the user name or password is missing or wrong. In the \
                   variable, write '@' as %40, '#' as %23 and '\\' as %5C";
        return TransportError::Proxy {
            host,
            variable,
            why: why.to_owned(),
        };
    }
    let why = match proxy {
        Some(variable) => format!("{why} (through the proxy in {variable})"),
        None => why,
    };
    if let Some(why) = tls(&why) {
        return TransportError::Tls { host, why };
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => TransportError::Connect {
            host,
            why: format!("no response for {} s", limits::CONNECT.as_secs()),
        },
        (true, false) => TransportError::Connect { host, why },
        (false, true) => TransportError::Timeout {
            host,
            seconds: limits::REQUEST.as_secs(),
        },
        (false, false) => TransportError::Broken { host, why },
    }
}

fn after_the_head(host: &str, error: &reqwest::Error) -> TransportError {
    let host = host.to_owned();
    if error.is_timeout() {
        TransportError::Timeout {
            host,
            seconds: limits::REQUEST.as_secs(),
        }
    } else {
        TransportError::Broken {
            host,
            why: chain(error),
        }
    }
}

/// A refused certificate in plain words: rustls' own are for programmers, and reqwest has no error kind for it.
fn tls(why: &str) -> Option<String> {
    let (_, reason) = why.split_once("invalid peer certificate: ")?;
    Some(if reason.starts_with("UnknownIssuer") {
        "its certificate was issued by an untrusted authority. If a proxy inspects TLS, specify the proxy's CA with \
         SSL_CERT_FILE, or as caBundle in a cloud file"
            .to_owned()
    } else if reason.to_ascii_lowercase().starts_with("expired") || reason.contains("expired") {
        "its certificate has expired, or this machine's clock is wrong".to_owned()
    } else if reason.contains("NotValidForName") || reason.contains("not valid for name") {
        "its certificate is for a different host name".to_owned()
    } else {
        format!("its certificate was rejected: {reason}")
    })
}

/// The innermost causes are what tells people something; the outer ones repeat the URL, queries and all.
fn chain(error: &dyn Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last().is_none_or(|last: &String| *last != text) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() {
        without_url(error)
    } else {
        causes.join(": ")
    }
}

fn without_url(error: &dyn Error) -> String {
    let text = error.to_string();
    text.split(" for url (").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with `bytes` and closes it.
    async fn serve(bytes: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&bytes).await;
        });
        format!("http://{address}/x?secret=1")
    }

    async fn fetch(url: &str) -> Result<http::Response<Bytes>, TransportError> {
        let transport = HttpsTransport::new(&TransportOptions::default()).unwrap();
        transport
            .send(http::Request::get(url).body(Bytes::new()).unwrap())
            .await
    }

    #[tokio::test]
    async fn https_reads_whole_body_without_redirects() {
        let url =
            serve(b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 5\r\n\r\nhello".into()).await;
        let answer = fetch(&url).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (302, &b"hello"[..]));
        assert_eq!(answer.headers()["location"], "http://elsewhere/");
    }

    #[tokio::test]
    async fn https_separates_unsent_from_broken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let refused = fetch(&format!("http://{address}/")).await.unwrap_err();
        assert!(
            matches!(refused, TransportError::Connect { .. }) && !refused.may_have_taken_effect(),
            "{refused}"
        );
        for cut in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf"] {
            let broken = fetch(&serve(cut.into()).await).await.unwrap_err();
            assert!(matches!(broken, TransportError::Broken { .. }), "{broken}");
            assert!(!broken.to_string().contains("secret"), "{broken}");
        }
        let mut large = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        large.resize(limits::BODY + 100_000, b'x');
        let error = fetch(&serve(large).await).await.unwrap_err();
        assert!(matches!(error, TransportError::TooLarge { .. }), "{error}");
    }

    /// A CA of its own, and a server with a certificate of it for `name` that answers every connection with 204.
    async fn serve_tls(name: &str) -> (String, String) {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(params, ca_key)).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![leaf.der().clone()], key).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        (url, ca)
    }

    #[tokio::test]
    async fn https_private_ca_needs_configuration() {
        let (url, ca) = serve_tls("127.0.0.1").await;
        let error = fetch(&url).await.unwrap_err();
        assert!(
            matches!(&error, TransportError::Tls { why, .. } if why.contains("SSL_CERT_FILE")),
            "{error}"
        );
        assert!(!error.may_have_taken_effect());
        let trusting = HttpsTransport::new(&TransportOptions {
            extra_roots_pem: Some(ca),
            ..TransportOptions::default()
        })
        .unwrap();
        let get = |url: &str| http::Request::get(url).body(Bytes::new()).unwrap();
        assert_eq!(trusting.send(get(&url)).await.unwrap().status(), 204);

        let (url, ca) = serve_tls("elsewhere.example").await;
        let trusting = HttpsTransport::new(&TransportOptions {
            extra_roots_pem: Some(ca),
            ..TransportOptions::default()
        })
        .unwrap();
        let error = trusting.send(get(&url)).await.unwrap_err();
        assert!(
            matches!(&error, TransportError::Tls { why, .. } if why.contains("different host name")),
            "{error}"
        );
    }

    #[test]
    fn https_rejects_empty_ca_bundle() {
        for pem in ["", "nonsense"] {
            let options = TransportOptions {
                extra_roots_pem: Some(pem.to_owned()),
                ..TransportOptions::default()
            };
            assert!(HttpsTransport::new(&options).is_err(), "{pem:?}");
        }
    }

    #[test]
    fn an_unknown_issuer_is_explained() {
        let why = tls("error trying to connect: invalid peer certificate: UnknownIssuer").unwrap();
        assert!(why.contains("SSL_CERT_FILE"), "{why}");
        assert_eq!(tls("connection refused"), None);
    }
}
