//! Calls over TLS: who is believed, and for which name.

use std::sync::Arc;

use loonflow_engine::runtime::{NoResponse, Response};
use loonflow_outbound::{AllowList, Authorities, HttpOutside, Settings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Step, answer, failed, read, response, send};

/// A server with a certificate for a name; its port, and the certificate.
async fn serve(name: &str) -> (u16, Vec<u8>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            while read(&mut stream).await.is_some() {
                let steps = [Step::Send(response("200 OK", "", b"{}"))];
                if answer(&mut stream, &steps).await.is_none() {
                    break;
                }
            }
        }
    });
    (port, cert.der().to_vec())
}

async fn call(believed: Authorities, host: &str, port: u16) -> Result<Response, NoResponse> {
    let client = HttpOutside::new(Settings {
        allow: AllowList::parse(["localhost", "127.0.0.1"]).unwrap(),
        authorities: believed,
        ..Settings::default()
    });
    send(&client, &format!("https://{host}:{port}/secret")).await
}

#[tokio::test]
async fn a_certificate_counts_for_its_name_if_its_authority_is_believed() {
    let (port, certificate) = serve("localhost").await;
    let these = Authorities::These(vec![certificate]);
    for host in ["localhost", "LOCALHOST"] {
        assert_eq!(call(these.clone(), host, port).await.unwrap().body, b"{}");
    }
    let told = failed(call(these, "127.0.0.1", port).await);
    assert!(told.starts_with("`127.0.0.1` cannot be spoken to over TLS: "), "{told}");
    let (_, other) = serve("localhost").await;
    let told = failed(call(Authorities::These(vec![other]), "localhost", port).await);
    assert!(told.starts_with("`localhost` cannot be spoken to over TLS: "), "{told}");
    let (of_address, certificate) = serve("127.0.0.1").await;
    assert_eq!(
        call(Authorities::These(vec![certificate]), "127.0.0.1", of_address)
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn a_machine_that_believes_nobody_calls_nobody() {
    let (port, _) = serve("localhost").await;
    let told = failed(call(Authorities::These(Vec::new()), "localhost", port).await);
    assert!(
        told.contains("no list of certificate authorities; SSL_CERT_FILE can name one"),
        "{told}"
    );
}

/// The machine's own authorities believe in no stranger.
#[tokio::test]
async fn a_certificate_of_nobody_is_refused() {
    let (port, _) = serve("localhost").await;
    failed(call(Authorities::OfMachine, "localhost", port).await);
}
