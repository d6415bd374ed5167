//! HTTPS as a reverse proxy gives it: an authority of this run, certificates for this machine, and a listener that
//! takes off TLS in front of the real router or of a relying party.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// What a certificate is good for: the browser's name of this machine, its address, and the application of the stories,
/// which the server finds on this machine.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", APPLICATION];
pub const APPLICATION: &str = "app.example.com";

struct Authority {
    pem: String,
    server: Arc<ServerConfig>,
    folder: TempDir,
}

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "The authority of the stories");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let pem = certificate.pem();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("authority.pem"), &pem).unwrap();
        Authority { pem, server: Arc::new(server_config(&Issuer::new(params, key))), folder }
    })
}

fn server_config(issuer: &Issuer<'_, KeyPair>) -> ServerConfig {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
    params.distinguished_name.push(DnType::CommonName, NAMES[0]);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

/// The authority's certificate, as clients of this process take it.
pub fn root() -> reqwest::Certificate {
    reqwest::Certificate::from_pem(authority().pem.as_bytes()).unwrap()
}

/// The authority's certificate, as text.
pub fn root_pem() -> &'static str {
    &authority().pem
}

/// Where other programs find the authority's certificate (`NODE_EXTRA_CA_CERTS`, `REQUESTS_CA_BUNDLE`).
pub fn root_file() -> PathBuf {
    let folder: &Path = authority().folder.path();
    folder.join("authority.pem")
}

/// Takes TLS off every connection and carries what is inside to `inner`.
pub async fn serve(listener: TcpListener, inner: SocketAddr) {
    let acceptor = TlsAcceptor::from(authority().server.clone());
    while let Ok((outer, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Whoever hangs up in between wanted nothing more.
            if let Ok(mut outer) = acceptor.accept(outer).await
                && let Ok(mut inner) = TcpStream::connect(inner).await
            {
                let _ = copy_bidirectional(&mut outer, &mut inner).await;
            }
        });
    }
}
