//! `serve`: start, stop, settings, and stdio.

use serde_json::{Value, json};

use super::process::{
    Server, acme, asset, binary, binary_under, done, invalid, run, run_as, run_with_input, run_with_input_as, text,
};

#[tokio::test]
async fn a_server_starts_answers_and_stops() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let data = folder.path().join("data");
    let server = Server::start(&data);
    assert!(server.out.is_empty(), "{}", server.out);
    for (path, status) in [("healthz", 200), ("readyz", 200), ("mcp", 405), ("x", 404)] {
        let answer = reqwest::get(format!("http://{}/{path}", server.address))
            .await
            .expect("answers");
        assert_eq!(answer.status(), status, "{path}");
    }
    let refused = server.call("lfpat.a.b", "ticket_list", json!({})).await;
    assert_eq!(refused["error"]["code"], "token_invalid");

    let second = run(&data, &["serve", "--port", "0"]);
    assert_eq!(second.code, 1);
    assert!(second.err.contains("is in use by another process"), "{}", second.err);
    assert_eq!(server.stop().code(), Some(0));
    let server = Server::start(&data);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_bad_setting_stops_the_start_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let data = folder.path().join("data");
    for (arguments, setting) in [
        (&["serve", "--transport", "sse"][..], "LOONFLOW_MCP_TRANSPORT"),
        (&["serve", "--port", "x"], "LOONFLOW_MCP_PORT"),
        (&["serve", "--allow-outbound", "*"], "LOONFLOW_ALLOW_OUTBOUND"),
        (&["demo", "--allowed-origin", "x"], "LOONFLOW_MCP_ALLOWED_ORIGINS"),
    ] {
        let refused = run(&data, arguments);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(setting), "{}", refused.err);
        assert!(!data.exists());
    }
    let version = run(&data, &["--version"]);
    assert_eq!(
        version.out.trim(),
        concat!("loonflow-ticket ", env!("CARGO_PKG_VERSION"))
    );
}

/// What the help says of exit codes holds. 0 and 1 of a server: above.
#[test]
fn exit_codes_are_as_told() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let data = folder.path().join("data");
    let sound = asset("leave.json");
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["check", text(&sound)], 0),
        (&["check", text(&invalid("no_end_node.json"))], 1),
        (&["check", "no such file"], 1),
        (&["verify"], 1),
        (&["export"], 1),
        (&["serve", "--port", "x"], 1),
        (&[], 2),
        (&["sing"], 2),
        (&["serve", "--no-such-flag"], 2),
    ] {
        assert_eq!(run(&data, arguments).code, code, "{arguments:?}");
    }
}

/// A soft limit of open files is raised, and connections leave room for the log; too low a hard one stops the start.
#[test]
fn open_files_are_seen_to_before_anybody_connects() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let server = Server::start_as(
        binary_under("ulimit -Sn 256"),
        &folder.path().join("raised"),
        &["serve"],
    );
    let soft = server.open_files_max();
    assert!(soft > 1024, "{soft}");
    assert_eq!(server.stop().code(), Some(0));
    let refused = run_as(
        binary_under("ulimit -n 128"),
        &folder.path().join("low"),
        &["serve", "--port", "0"],
    );
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("`ulimit -n`"), "{}", refused.err);
}

/// A directory that everybody may write is refused, whatever the command; one that others may read is warned about.
#[test]
fn a_data_directory_that_others_may_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("temporary directory");
    let data = folder.path().join("data");
    let permit = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("may be set");
    };
    let acme = asset("acme.json");
    let import = ["import", text(&acme)];
    done(&data, &import);
    for (mode, is_refused, is_warned) in [
        (0o700, false, false),
        (0o755, false, true),
        (0o770, false, true),
        (0o777, true, false),
        (0o1777, true, false),
    ] {
        for path in [&data, &data.join("log")] {
            permit(path, mode);
            let run = run(&data, &import);
            assert_eq!(run.code, i32::from(is_refused), "{mode:o} {}", run.err);
            assert_eq!(
                run.err.contains("chmod 700"),
                is_refused || is_warned,
                "{mode:o} {}",
                run.err
            );
            permit(path, 0o700);
        }
    }
}

/// A person sees that calls are refused, in their client's log or in an answer, and what to do about it.
#[test]
fn stdio_says_what_to_do_about_its_token() {
    let data = acme(&["leave.json"]);
    let make = || {
        done(data.path(), &["token", "create", "--email", "dev@acme.example"])
            .trim()
            .to_owned()
    };
    let (good, revoked) = (make(), make());
    let id = revoked.split('.').nth(1).expect("has parts");
    done(data.path(), &["token", "revoke", "--email", "dev@acme.example", id]);
    let list = |arguments: Value| {
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
        }});
        let call = json!({ "name": "workflow_list", "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call });
        [
            hello,
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            call,
        ]
    };
    let served = |token: Option<&str>, arguments: Value| {
        let mut binary = binary();
        if let Some(token) = token {
            binary.env("LOONFLOW_MCP_ACCESS_TOKEN", token);
        }
        let run = run_with_input_as(
            binary,
            data.path(),
            &["serve", "--transport", "stdio"],
            &list(arguments),
        );
        assert_eq!(run.code, 0, "{}", run.err);
        let answer: Value = serde_json::from_str(run.out.lines().last().expect("answers")).expect("is JSON");
        (answer["result"]["structuredContent"].clone(), run.err)
    };
    let start = "start the server with";
    let variable = "in the environment variable `LOONFLOW_MCP_ACCESS_TOKEN`";
    for (token, code) in [
        (None, "token_missing"),
        (Some(""), "token_missing"),
        (Some("lfpat.no.such"), "token_invalid"),
        (Some("lfpat.cut"), "token_invalid"),
        (Some("eyJ.a.jwt"), "token_invalid"),
        (Some(revoked.as_str()), "token_revoked"),
    ] {
        let (answer, log) = served(token, json!({}));
        assert_eq!(answer["error"]["code"], code, "{token:?}: {answer}");
        let hint = answer["error"]["hint"].as_str().expect("a hint");
        assert!(
            hint.starts_with(start) && hint.contains(variable) && hint.contains("`access_token`"),
            "{hint}"
        );
        let warned = log
            .lines()
            .find(|line| line.contains("\"WARN\"") && line.contains(code));
        let warned = warned.unwrap_or_else(|| panic!("{token:?}: no warning at the start: {log}"));
        assert!(warned.contains(variable), "{warned}");
        let secret = token.and_then(|token| token.split('.').nth(2)).unwrap_or("no secret");
        assert!(
            !log.contains(secret) && !answer.to_string().contains(secret),
            "{answer} {log}"
        );
        // A call's own token goes before it, a good one and a bad one, whose hint is another.
        let (answer, _) = served(token, json!({ "access_token": good }));
        assert_eq!(answer["workflow_list"][0]["id"], "leave", "{answer}");
        let (answer, _) = served(token, json!({ "access_token": revoked }));
        assert_eq!(answer["error"]["hint"], "use another token of yours", "{answer}");
    }
    let (answer, log) = served(Some(&good), json!({}));
    assert_eq!(answer["workflow_list"][0]["id"], "leave", "{answer}");
    assert!(!log.contains("LOONFLOW_MCP_ACCESS_TOKEN"), "{log}");
}

/// Nothing but the protocol on standard output.
#[test]
fn stdio_speaks_the_protocol_and_nothing_else() {
    let data = acme(&["leave.json"]);
    let token = done(data.path(), &["token", "create", "--email", "dev@acme.example"]);
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    }});
    let list = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {
        "name": "workflow_list", "arguments": { "access_token": token.trim() },
    }});
    let lines = [
        hello,
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }),
        list,
    ];
    let served = run_with_input(data.path(), &["serve", "--transport", "stdio"], &lines);
    assert_eq!(served.code, 0, "{}", served.err);
    let answers: Vec<Value> = served
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("is the protocol"))
        .collect();
    assert_eq!(answers.len(), 3, "{}", served.out);
    assert_eq!(answers[1]["result"]["tools"].as_array().map(Vec::len), Some(13));
    assert_eq!(
        answers[2]["result"]["structuredContent"]["workflow_list"][0]["id"],
        "leave"
    );
    assert!(!served.err.contains(token.trim()));
}
