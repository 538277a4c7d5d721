//! Who is called and who is not: spellings of this machine's addresses, names that lead there, names that change.

use std::future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loonflow_engine::runtime::NoResponse;
use loonflow_outbound::{AllowList, HttpOutside, Resolve, Resolved, Settings};

use crate::server::{Server, allowing, failed, refused, send};

/// Spellings of 127.0.0.1.
const LOCAL: [&str; 25] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.1.",
    "2130706433",
    "2130706433.",
    "0x7f000001",
    "0X7F000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "0177.0.0.01",
    "017700000001",
    "0177.0x0.1",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "127。0。0。1",
    "127．0．0．1",
    "１２７.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
];

#[tokio::test]
async fn this_machine_is_called_only_where_it_is_listed() {
    let server = Server::answering("200 OK", "", b"").await;
    let port = server.port();
    let (by_default, other) = (allowing(&[]), allowing(&["127.0.0.1:1", "10.0.0.0/8", "localhost"]));
    for spelling in LOCAL {
        for client in [&by_default, &other] {
            let told = refused(send(client, &format!("http://ann:secret@{spelling}:{port}/secret")).await);
            assert!(
                told.contains("is no address of the public internet") && !told.contains("secret"),
                "{told}"
            );
        }
        refused(send(&by_default, &format!("https://{spelling}:{port}/")).await);
    }
    assert_eq!(server.n_opened(), 0);
    let listed = allowing(&[&format!("127.0.0.1:{port}")]);
    for spelling in LOCAL {
        let response = send(&listed, &format!("http://{spelling}:{port}/")).await;
        assert_eq!(response.expect(spelling).status, 200, "{spelling}");
    }
    assert_eq!(server.seen().len(), LOCAL.len());
}

#[tokio::test]
async fn ipv6_is_called_only_where_it_is_listed() {
    let server = Server::start_at(
        "[::1]:0",
        vec![crate::server::Step::Send(crate::server::response("200 OK", "", b""))],
    );
    let server = server.await;
    for spelling in ["[::1]", "[0:0:0:0:0:0:0:1]", "[::0.0.0.1]"] {
        let url = format!("http://{spelling}:{}/", server.port());
        refused(send(&allowing(&["127.0.0.0/8"]), &url).await);
        assert_eq!(send(&allowing(&["::1"]), &url).await.unwrap().status, 200);
    }
    assert_eq!(server.n_opened(), 3);
}

/// What the system resolves for itself, without a server of names.
#[tokio::test]
async fn a_name_of_this_machine_is_called_only_where_it_is_listed() {
    let server = Server::answering("200 OK", "", b"").await;
    for name in ["localhost", "LOCALHOST"] {
        let url = format!("http://{name}:{}/", server.port());
        let told = refused(send(&allowing(&["10.0.0.0/8", "*.localhost", "localhost:1"]), &url).await);
        assert!(
            told.contains("resolves to an address that is not of the public internet"),
            "{told}"
        );
        assert_eq!(server.n_opened(), 0);
    }
    let url = format!("http://localhost:{}/", server.port());
    for entry in ["localhost", &format!("localhost:{}", server.port())] {
        assert_eq!(send(&allowing(&[entry]), &url).await.unwrap().status, 200);
    }
    // By what it resolves to.
    assert_eq!(send(&allowing(&["127.0.0.1", "::1"]), &url).await.unwrap().status, 200);
}

#[tokio::test]
async fn what_is_no_web_address_is_refused() {
    let client = allowing(&["127.0.0.0/8"]);
    for url in [
        "",
        "secret",
        "ftp://127.0.0.1/secret",
        "file:///secret",
        "http://",
        "unix:///secret",
        "gopher://127.0.0.1:1/secret",
    ] {
        let told = refused(send(&client, url).await);
        assert!(!told.contains("secret"), "{told}");
    }
}

/// Answers differently each time.
struct Changing {
    answers: Vec<Vec<&'static str>>,
    n_asked: AtomicUsize,
}

impl Resolve for Changing {
    fn resolve(&self, _: &str) -> Resolved {
        let n_before = self.n_asked.fetch_add(1, Ordering::SeqCst);
        let answer = self
            .answers
            .get(n_before)
            .ok_or_else(|| io::Error::other("asked too often"));
        Box::pin(future::ready(answer.map(|texts| {
            texts.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect()
        })))
    }
}

fn changing(allowed: &str, answers: &[&[&'static str]]) -> (HttpOutside, Arc<Changing>) {
    let resolver = Arc::new(Changing {
        answers: answers.iter().map(|answer| answer.to_vec()).collect(),
        n_asked: AtomicUsize::new(0),
    });
    let client = HttpOutside::new(Settings {
        allow: AllowList::parse([allowed]).unwrap(),
        resolver: Arc::clone(&resolver) as Arc<dyn Resolve>,
        ..Settings::default()
    });
    (client, resolver)
}

/// The first answer is good, the second leads to this machine: nothing is connected to that was not in the answer that
/// was checked, and the next connection asks, and checks, anew.
#[tokio::test]
async fn a_name_that_changes_leads_nowhere() {
    let inside = Server::answering("200 OK", "", b"").await;
    let outside = Server::start_at("127.0.0.2:0", vec![]).await;
    let url = format!("http://rebind.example:{}/", inside.port());
    // 127.0.0.2 stands for the public internet: nobody listens there at this port.
    let (client, resolver) = changing(
        "127.0.0.2",
        &[&["127.0.0.2"], &["127.0.0.1"], &["127.0.0.2", "127.0.0.1"]],
    );
    assert!(matches!(send(&client, &url).await, Err(NoResponse::Failed(_))));
    assert_eq!(
        resolver.n_asked.load(Ordering::SeqCst),
        1,
        "resolved once for one connection"
    );
    refused(send(&client, &url).await);
    refused(send(&client, &url).await);
    assert_eq!(resolver.n_asked.load(Ordering::SeqCst), 3);
    assert_eq!((inside.n_opened(), outside.n_opened()), (0, 0));
}

/// A connection that is kept stays with the address that was checked, whatever the name says now.
#[tokio::test]
async fn a_kept_connection_stays_where_it_is() {
    let server = Server::answering("200 OK", "", b"").await;
    let (client, resolver) = changing("127.0.0.1", &[&["127.0.0.1"]]);
    for _ in 0..3 {
        send(&client, &format!("http://a.example:{}/", server.port()))
            .await
            .unwrap();
    }
    assert_eq!((resolver.n_asked.load(Ordering::SeqCst), server.n_opened()), (1, 1));
}

/// Who does not answer is passed over for the next of its addresses.
#[tokio::test]
async fn the_next_address_is_tried() {
    let server = Server::answering("200 OK", "", b"").await;
    let (client, _) = changing("127.0.0.0/8", &[&["127.0.0.2", "127.0.0.3", "127.0.0.1"]]);
    send(&client, &format!("http://a.example:{}/", server.port()))
        .await
        .unwrap();
    assert_eq!(server.n_opened(), 1);
    let none: &[&str] = &[];
    let (client, _) = changing("127.0.0.0/8", &[none]);
    failed(send(&client, "http://a.example/").await);
}
