//! Timers and hooks of a real server: a clock that is moved on, `deliveries`, `status`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use loonflow_mcp_facade::auth::jwt;
use loonflow_mcp_facade::secret::Secret;
use serde_json::{Value, json};

use super::process::{Server, acme, binary, done, run, text};

/// Time that anything here may take, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Answers each request well, and closes; gives its address.
fn receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("has one").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            // A body is JSON, so it ends with a brace.
            while !request.ends_with(b"}") {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(n_bytes) => request.extend_from_slice(&piece[..n_bytes]),
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        }
    });
    address
}

/// A file with the errand, which calls that address.
fn errand(folder: &Path, address: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/errand.json");
    let source = std::fs::read_to_string(source).expect("is there");
    let file = folder.join("errand.json");
    std::fs::write(&file, source.replace("127.0.0.1:18080", address)).expect("written");
    file
}

/// Looks until a command prints what it should.
fn until(data: &Path, arguments: &[&str], words: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let out = done(data, arguments);
        if out.contains(words) {
            return out;
        }
        let deliveries = || done(data, &["deliveries"]);
        assert!(
            Instant::now() < deadline,
            "no `{words}` in time: {out} {}",
            deliveries()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_timer_is_tried_without_waiting() {
    let data = acme(&[]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let address = receiver();
    done(data.path(), &["import", text(&errand(folder.path(), &address))]);
    let token = done(
        data.path(),
        &["token", "create", "--email", "dev@acme.example", "--expires", "1"],
    );
    let token = token.trim();
    for command in ["clock", "deliveries"] {
        let refused = run(data.path(), &[command]);
        assert!(
            refused.code == 1 && refused.err.contains("no server runs"),
            "{}",
            refused.err
        );
    }

    let mut binary = binary();
    binary.env("LOONFLOW_JWT_SECRET", KEY).env("LOONFLOW_LOG", "trace");
    let flags = ["serve", "--clock", "+2h", "--allow-outbound", "127.0.0.0/8"];
    let server = Server::start_as(binary, data.path(), &flags);
    assert!(
        server.log().contains("for trying out, not for work"),
        "{}",
        server.log()
    );
    let arguments = json!({ "workflow_id": "errand", "action_id": "send", "fields": { "title": "Milk" } });
    let created = server.call(token, "ticket_create", arguments).await;
    let ticket = created["ticket_id"].as_str().unwrap_or_else(|| panic!("{created}"));
    let status = until(data.path(), &["status"], ", 1 effect open");
    assert!(status.starts_with("ready, at position "), "{status}");
    let shown = done(data.path(), &["clock"]);
    assert!(shown.ends_with(", 2h ahead of the machine\n"), "{shown}");

    let moved = done(data.path(), &["clock", "+3h"]);
    assert!(moved.ends_with(", 5h ahead of the machine\n"), "{moved}");
    until(data.path(), &["status"], ", 0 effects open");
    let detail = server
        .call(token, "ticket_detail", json!({ "ticket_id": ticket }))
        .await;
    assert_eq!(detail["ticket"]["act_state"], "finished", "{detail}");

    let all = done(data.path(), &["deliveries"]);
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(lines.len(), 3, "{all}");
    for (line, path) in lines.iter().zip(["audit", "call", "audit"]) {
        let words: Vec<&str> = line.split("  ").collect();
        assert_eq!(words.len(), 6, "{line}");
        assert!(
            words[0].ends_with('Z') && words[1] == ticket && words[2].ends_with(".0"),
            "{line}"
        );
        assert_eq!(
            (words[3], words[4]),
            (format!("{address}/{path}").as_str(), "200"),
            "{line}"
        );
        assert!(words[5].ends_with(" ms"), "{line}");
    }
    assert_eq!(done(data.path(), &["deliveries", "--ticket", ticket]), all);
    let last = done(data.path(), &["deliveries", "--limit", "1"]);
    assert_eq!(last.trim_end(), lines[0]);
    let other = "00000000-0000-7000-8000-000000000001";
    assert_eq!(done(data.path(), &["deliveries", "--ticket", other]), "");
    for (arguments, words) in [
        (&["deliveries", "--ticket", "x"][..], "ticket `x` was not found"),
        (&["clock", "-2h"], "goes forward only"),
        (&["clock", "soon"], "must be a span"),
        (&["clock", "99y"], "must be a span"),
        (&["clock", "36600d"], "a century ahead"),
    ] {
        let refused = run(data.path(), arguments);
        assert!(
            refused.code == 1 && refused.err.contains(words),
            "{arguments:?}: {}",
            refused.err
        );
    }

    // A token that ends within a day goes by that clock; a JWT goes by the machine's, whoever made it.
    done(data.path(), &["clock", "+2d"]);
    let refused = server.call(token, "ticket_list", json!({})).await;
    assert_eq!(refused["error"]["code"], "token_expired", "{refused}");
    let now_s = jiff::Timestamp::now().as_second();
    let claims = json!({ "exp": now_s + 600, "data": { "email": "dev@acme.example" } });
    let jwt = jwt::sign(&claims, &Secret::new(KEY)).expect("is signed");
    let list: Value = server.call(&jwt, "ticket_list", json!({ "category": "owner" })).await;
    assert_eq!(list["total"], 1, "{list}");

    // Even the finest log has neither the address of a call-back nor a secret of a hook.
    let guessed = format!("http://{}/hooks/lfcb.guessed", server.address);
    let answer = reqwest::Client::new()
        .post(guessed)
        .body("{}")
        .send()
        .await
        .expect("answers");
    assert_eq!(answer.status(), 404);
    let log = server.log();
    assert!(log.contains("TRACE"), "it is fine");
    for secret in ["lfcb.", "the-secret-of-the"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    assert_eq!(server.stop().code(), Some(0));

    let server = Server::start(data.path());
    let refused = run(data.path(), &["clock", "+2h"]);
    assert!(
        refused.code == 1 && refused.err.contains("started with `--clock`"),
        "{}",
        refused.err
    );
    assert_eq!(done(data.path(), &["deliveries"]), "");
    assert_eq!(server.stop().code(), Some(0));
}
