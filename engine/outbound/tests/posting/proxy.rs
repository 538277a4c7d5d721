//! Nothing goes through a proxy that the environment names: it would connect in our place, past the guard.

use std::process::Command;

use crate::server::{Server, local, send};

/// Names the address that the process of [`as_the_parent_says`] posts to.
const TARGET: &str = "OUTBOUND_TEST_TARGET";

/// Does nothing, unless it is started by [`the_environments_proxies_are_passed_over`].
#[tokio::test]
async fn as_the_parent_says() {
    if let Ok(url) = std::env::var(TARGET) {
        assert_eq!(send(&local(), &url).await.unwrap().status, 200);
    }
}

/// In a process of its own, since an environment is one for all tests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environments_proxies_are_passed_over() {
    let (server, proxy) = (
        Server::answering("200 OK", "", b"").await,
        Server::answering("200 OK", "", b"").await,
    );
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "proxy::as_the_parent_says"])
        .env(TARGET, server.url("/"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, proxy.url("")).env(name.to_lowercase(), proxy.url(""));
    }
    child
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("REQUEST_METHOD");
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((server.seen().len(), proxy.n_opened()), (1, 0));
}
