//! Signing in with a certificate: a client assertion (RFC 7523) signed by ring. `azure_identity` has a credential for
//! it that brings OpenSSL along.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::Generate;
use rsa::pkcs8::EncodePrivateKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

use crate::azure::request_sender::RequestSender;
use crate::{files, limits};

/// A private key and the certificates that belong to it, the key's own first.
pub struct SignInCertificate {
    key: RsaKeyPair,
    chain: Vec<CertificateDer<'static>>,
}

impl SignInCertificate {
    /// A new key, and a certificate for it that it signed itself; nothing of it is written anywhere.
    ///
    /// # Errors
    /// A sentence that says what the system lacks.
    pub fn self_signed(name: &str, now: OffsetDateTime, lifetime: Duration) -> Result<Self, String> {
        let cannot = |error: &dyn fmt::Display| format!("Can't create a certificate: {error}.");
        // Entra accepts no other keys in client assertions, and ring generates none.
        let new = rsa::PrivateKey::try_generate().map_err(|error| cannot(&error))?;
        let pkcs8 = new.to_pkcs8_der().map_err(|error| cannot(&error))?;
        let key = RsaKeyPair::from_pkcs8(pkcs8.as_bytes()).map_err(|error| cannot(&error))?;
        let der = PrivatePkcs8KeyDer::from(pkcs8.as_bytes());
        let signer = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256).map_err(|error| cannot(&error))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = now - Duration::from_secs(60);
        params.not_after = now + lifetime;
        let certificate = params.self_signed(&signer).map_err(|error| cannot(&error))?;
        Ok(Self {
            key,
            chain: vec![certificate.der().clone()],
        })
    }

    /// The certificate in DER form.
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// # Errors
    /// A sentence that names the file and says what is wrong with it.
    pub(super) fn from_file(file: &Path) -> Result<Self, String> {
        let pem = files::read(file).map_err(|error| format!("Cannot read {}: {error}.", file.display()))?;
        Self::from_pem(&pem).map_err(|why| format!("{}: {why}", file.display()))
    }

    fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            "no unencrypted private key in PEM format. To convert a .pfx: openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes"
        })?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err("the private key is not an RSA key; Microsoft Entra accepts only RSA keys".to_owned()),
        };
        let key = key.map_err(|error| format!("the private key is not an RSA key of 2048 bits or more: {error}"))?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let mut chain = chain.map_err(|error| format!("can't read a certificate: {error}"))?;
        // The key's public half stands in its certificate as it is, byte for byte; files come in any order.
        let public = key.public_key().as_ref();
        let own = chain
            .iter()
            .position(|der| der.windows(public.len()).any(|window| window == public));
        let own = own.ok_or("no certificate in the file matches the private key")?;
        chain.swap(0, own);
        Ok(Self { key, chain })
    }

    /// The assertion with which `client` asks `audience` (the token endpoint) for a token.
    fn assertion(&self, client: &str, audience: &str, now: OffsetDateTime) -> Result<String, String> {
        let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.chain[0]);
        let certificates: Vec<String> = self.chain.iter().map(|der| STANDARD.encode(der)).collect();
        let now = now.unix_timestamp();
        let header = json!({
            "alg": "RS256",
            "typ": "JWT",
            "x5t": URL_SAFE_NO_PAD.encode(thumbprint.as_ref()),
            "x5c": certificates,
        });
        let payload = json!({
            "aud": audience,
            "iss": client,
            "sub": client,
            "jti": Uuid::new_v4(),
            "nbf": now,
            "iat": now,
            "exp": now.saturating_add_unsigned(limits::ASSERTION.as_secs()),
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&payload));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| "the private key can't sign".to_owned())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Gives `azure_identity` a new assertion whenever it asks for a token.
pub(super) struct SignedAssertion {
    certificate: Arc<SignInCertificate>,
    client: String,
    audience: String,
    /// Knows the service's time.
    wire: RequestSender,
}

impl SignedAssertion {
    pub(super) fn new(
        certificate: Arc<SignInCertificate>,
        authority: &Url,
        tenant: &str,
        client: &str,
        wire: RequestSender,
    ) -> Self {
        let mut endpoint = authority.clone();
        endpoint.set_path(&format!("{tenant}/oauth2/v2.0/token"));
        Self {
            certificate,
            client: client.to_owned(),
            audience: endpoint.to_string(),
            wire,
        }
    }
}

impl fmt::Debug for SignedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedAssertion({})", self.client)
    }
}

#[async_trait]
impl ClientAssertion for SignedAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.certificate
            .assertion(&self.client, &self.audience, self.wire.service_time())
            .map_err(|why| Error::with_message(ErrorKind::Credential, why))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key and a self-signed certificate made for these tests; they open nothing.
    pub(in super::super) const PEM: &str = include_str!("test-certificate.pem");

    #[test]
    fn certificate_assertion_has_valid_signature() {
        let certificate = SignInCertificate::from_pem(PEM.as_bytes()).unwrap();
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let endpoint = "https://login.microsoftonline.com/t/oauth2/v2.0/token";
        let jwt = certificate.assertion("app-1", endpoint, now).unwrap();
        let parts: Vec<&str> = jwt.split('.').collect();
        let read = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        let (header, payload) = (read(parts[0]), read(parts[1]));
        let der = STANDARD.decode(header["x5c"][0].as_str().unwrap()).unwrap();
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &der));
        assert_eq!(
            (header["alg"].as_str(), header["x5t"].as_str()),
            (Some("RS256"), Some(thumbprint.as_str()))
        );
        assert_eq!(
            (payload["iss"].as_str(), payload["sub"].as_str()),
            (Some("app-1"), Some("app-1"))
        );
        assert_eq!(
            (payload["aud"].as_str(), payload["exp"].as_i64()),
            (Some(endpoint), Some(1_800_000_600))
        );
        assert_ne!(
            certificate.assertion("app-1", endpoint, now).unwrap(),
            jwt,
            "jti is used once"
        );

        let public = certificate.key.public_key().as_ref();
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, public);
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        assert!(
            key.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature)
                .is_ok()
        );
    }

    #[test]
    fn self_signed_certificate_carries_its_key() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let certificate = SignInCertificate::self_signed("peerctl setup", now, Duration::from_secs(3_600)).unwrap();
        let public = certificate.key.public_key().as_ref();
        assert!(certificate.der().windows(public.len()).any(|window| window == public));
        let jwt = certificate
            .assertion("app-1", "https://login/t/oauth2/v2.0/token", now)
            .unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, public);
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verify(signed.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn certificate_file_error_states_cause() {
        let (key, certificate) = PEM.split_once("-----BEGIN CERTIFICATE-----").unwrap();
        let certificate = format!("-----BEGIN CERTIFICATE-----{certificate}");
        let table = [
            ("", "no unencrypted private key"),
            (&certificate, "no unencrypted"),
            (key, "matches the private key"),
        ];
        for (pem, expected) in table {
            let why = SignInCertificate::from_pem(pem.as_bytes()).err().unwrap();
            assert!(why.contains(expected), "{why}");
        }
        assert!(
            SignInCertificate::from_pem(format!("{certificate}\n{key}").as_bytes()).is_ok(),
            "in any order"
        );
        let why = SignInCertificate::from_file(Path::new("/no/such.pem")).err().unwrap();
        assert!(why.contains("/no/such.pem"), "{why}");
    }
}
