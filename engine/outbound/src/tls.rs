//! TLS as a client: whom it believes, and what is offered.
//!
//! Not here: when it is spoken (`connect`). The authorities are the machine's own, so an operator adds one of a company
//! where all programs find it; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Whose certificates are believed.
#[derive(Clone, Default)]
pub enum Authorities {
    /// Those that the machine believes.
    #[default]
    OfMachine,
    /// These alone, as DER.
    These(Vec<Vec<u8>>),
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfMachine => f.write_str("OfMachine"),
            Self::These(certificates) => f.debug_tuple("These").field(&certificates.len()).finish(),
        }
    }
}

/// The certificates of whoever is believed.
pub(crate) fn certificates(authorities: &Authorities) -> Vec<CertificateDer<'static>> {
    match authorities {
        // What cannot be read is left out; whoever believes nobody is told at the first call.
        Authorities::OfMachine => rustls_native_certs::load_native_certs().certs,
        Authorities::These(certificates) => certificates.iter().cloned().map(CertificateDer::from).collect(),
    }
}

/// A connector; `None` where nobody would be believed, as on a machine without a list of authorities.
pub(crate) fn connector(authorities: &Authorities) -> Option<TlsConnector> {
    let certificates = certificates(authorities);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return None;
    }
    // Named, for a process may have no default, or one that others of its crates have chosen.
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.ok()?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(TlsConnector::from(Arc::new(config)))
}
