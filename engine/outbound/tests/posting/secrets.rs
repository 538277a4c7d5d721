//! What is never shown: addresses beyond their host, bodies, tokens.

use std::time::Duration;

use loonflow_engine::account::token::Secret;
use loonflow_engine::runtime::{NoResponse, Outside, Post};

use crate::server::{Server, Step, allowing, local, post};

fn secretive(url: &str) -> Post {
    Post {
        body: b"{\"secret\": 1}".to_vec(),
        token: Secret::new("whsec_c2VjcmV0 secret"),
        timeout: Duration::from_millis(300),
        response_bytes_max: 20,
        ..post(url)
    }
}

#[tokio::test]
async fn no_error_and_no_debug_holds_a_secret() {
    let held = Server::start(vec![Step::Hold]).await;
    let garbage = Server::start(vec![Step::Send(b"secret nonsense\r\n\r\n".to_vec()), Step::Close]).await;
    let header = b"HTTP/1.1 200 OK\r\nsecret\x01secret: secret\r\n\r\n".to_vec();
    let header = Server::start(vec![Step::Send(header), Step::Close]).await;
    let large = Server::answering("200 OK", "", b"secret secret secret secret").await;
    let closed = Server::start(vec![Step::Close]).await;
    let mut urls = vec![
        "secret".to_owned(),
        "ftp://secret:secret@127.0.0.1/secret".to_owned(),
        "http://secret:secret@127.0.0.1:1/secret?secret#secret".to_owned(),
        "https://secret:secret@127.0.0.1:1/secret?secret#secret".to_owned(),
        "http://secret:secret@10.0.0.1/secret?secret#secret".to_owned(),
        "http://secret:secret@localhost/secret?secret#secret".to_owned(),
        "http://secret:secret@[::zz]/secret?secret#secret".to_owned(),
    ];
    for server in [&held, &garbage, &header, &large, &closed] {
        for scheme in ["http", "https"] {
            urls.push(format!(
                "{scheme}://secret:secret@{}/secret?secret#secret",
                server.address
            ));
        }
    }
    for url in urls {
        for client in [local(), allowing(&[])] {
            let post = secretive(&url);
            let shown = format!("{post:?} {client:?}");
            let told = match client.post(post).await {
                Err(NoResponse::Refused(told) | NoResponse::Failed(told)) => told,
                Ok(response) => panic!("{url}: {response:?}"),
            };
            assert!(!told.contains("secret") && !told.contains("c2VjcmV0"), "{url}: {told}");
            assert!(
                !shown.contains("secret") && !shown.contains("c2VjcmV0") && !shown.contains("127.0"),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_that_cannot_sign_is_told_by_its_place() {
    let server = Server::answering("200 OK", "", b"").await;
    for (token, told) in [
        (
            "whsec_hush!",
            "secret 1 of the token begins with `whsec_`, and what follows is no base64",
        ),
        (
            "plain whsec_",
            "secret 2 of the token begins with `whsec_`, and what follows is no base64",
        ),
        ("a b c d e f g h i", "the token has more than 8 secrets"),
    ] {
        let post = Post {
            token: Secret::new(token),
            ..post(&server.url("/"))
        };
        assert_eq!(local().post(post).await, Err(NoResponse::Refused(told.to_owned())));
    }
    assert_eq!(server.n_opened(), 0);
}
