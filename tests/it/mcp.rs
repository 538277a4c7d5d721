//! The protocol: both eras and streams, the list of tools, protocol errors, the spellings that real clients send.

use std::time::{Duration, Instant};

use loonflow_mcp_facade::limits::TOOLS_LIST_BYTES_MAX;
use loonflow_mcp_facade::mcp::TicketServer;
use loonflow_mcp_facade::secret::Secret;
use loonflow_mcp_facade::state::Options;
use loonflow_mcp_facade::stdio;
use loonflow_tests::server::JWT_KEY;
use loonflow_tests::{Client, Raw, TestServer, Transport};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

/// The contract's tools and their arguments, besides `access_token` and `app_name`.
const CONTRACT: [(&str, &[&str]); 13] = [
    (
        "ticket_list",
        &[
            "act_state",
            "category",
            "create_end",
            "create_start",
            "creator_id",
            "due_before",
            "node_ids",
            "order_by",
            "overdue",
            "page",
            "parent_ticket_id",
            "per_page",
            "reverse",
            "search_value",
            "ticket_ids",
            "workflow_ids",
        ],
    ),
    ("ticket_detail", &["ticket_id", "whole_field"]),
    ("ticket_prepare_handle", &["ticket_id"]),
    (
        "ticket_handle",
        &[
            "action_id",
            "action_props",
            "action_type",
            "dry_run",
            "expected_version",
            "fields",
            "handle_request",
            "idempotency_key",
            "ticket_id",
        ],
    ),
    (
        "user_list",
        &["dept_id", "page", "per_page", "search_value", "simple", "user_ids"],
    ),
    ("workflow_list", &["page", "per_page", "search_value"]),
    ("ticket_prepare_create", &["version_name", "workflow_id"]),
    (
        "ticket_create",
        &[
            "action_id",
            "action_props",
            "cc_to_user_id_list",
            "dry_run",
            "fields",
            "idempotency_key",
            "parent_ticket_id",
            "parent_ticket_node_id",
            "version_name",
            "workflow_id",
        ],
    ),
    (
        "ticket_history",
        &[
            "from_version",
            "page",
            "per_page",
            "reverse",
            "ticket_id",
            "with_effects",
        ],
    ),
    (
        "absence_set",
        &["delegate_id", "from", "hand_over", "to", "user_id", "workflow_ids"],
    ),
    ("absence_clear", &["absence_id"]),
    ("absence_list", &["page", "per_page", "user_id"]),
    ("file_upload", &["base64", "name"]),
];

/// What an assistant does all day: lists, reads, rehearses, acts.
async fn walk(server: &TestServer, transport: Transport) {
    let dev = server.client_over(transport, "dev").await;
    let erin = server.client_over(transport, "erin").await;
    assert_eq!(dev.tools().await.len(), CONTRACT.len());
    let form = dev
        .call("ticket_prepare_create", json!({ "workflow_id": "leave" }))
        .await
        .ok();
    let mut example = form["example"].clone();
    let dry = dev.call("ticket_create", example.clone()).await.ok();
    assert_eq!(dry["dry_run"], true, "the example is a rehearsal that passes");
    example["dry_run"] = false.into();
    let created = dev.call("ticket_create", example).await.ok();

    let duty = erin.call("ticket_list", json!({})).await.ok();
    assert_eq!(duty["total"], 1);
    let row = &duty["ticket_list"][0];
    assert_eq!(row["id"], created["ticket_id"]);
    let detail = erin.call("ticket_detail", json!({ "ticket_id": row["id"] })).await.ok();
    assert_eq!(&detail["ticket"], row);
    let mut handle = json!({
        "ticket_id": row["id"], "action_type": "agree", "action_id": "approve_yes",
        "expected_version": detail["version"], "dry_run": true
    });
    let dry = erin.call("ticket_handle", handle.clone()).await.ok();
    handle["dry_run"] = false.into();
    let real = erin.call("ticket_handle", handle).await.ok();
    assert_eq!(real["current_nodes"], dry["preview"]["current_nodes"]);
    assert_eq!(erin.call("ticket_list", json!({})).await.ok()["total"], 0);
    let stranger = server.client_over(transport, "faye").await;
    let refused = stranger
        .call("ticket_detail", json!({ "ticket_id": created["ticket_id"] }))
        .await;
    refused.refused("ticket_not_found");
}

#[tokio::test]
async fn a_client_of_2025_06_18_walks() {
    let server = TestServer::start().await;
    let client = server.client_over(Transport::Http20250618, "dev").await;
    assert_eq!(client.server(), ("loonflow-ticket".to_owned(), "2025-06-18".to_owned()));
    walk(&server, Transport::Http20250618).await;
}

#[tokio::test]
async fn a_client_of_2025_11_25_walks() {
    let server = TestServer::start().await;
    let client = server.client_over(Transport::Http, "dev").await;
    assert_eq!(client.server(), ("loonflow-ticket".to_owned(), "2025-11-25".to_owned()));
    walk(&server, Transport::Http).await;
}

#[tokio::test]
async fn a_client_of_2026_07_28_walks_without_initialize() {
    walk(&TestServer::start().await, Transport::Http20260728).await;
}

#[tokio::test]
async fn a_client_walks_over_streams() {
    walk(&TestServer::start().await, Transport::Streams).await;
}

/// What goes over the wire in the newest revision, without a client's help.
#[tokio::test]
async fn the_newest_revision_is_served_request_by_request() {
    let server = TestServer::start().await;
    let raw = server.raw("ada");
    let tools = raw.request_newest("tools/list", json!({})).await;
    assert_eq!(
        tools["result"]["tools"].as_array().map(Vec::len),
        Some(CONTRACT.len()),
        "{tools}"
    );
    assert_eq!(tools["result"]["resultType"], "complete");
    let list = raw.call_newest("ticket_list", json!({ "category": "all" })).await.ok();
    assert_eq!(list["total"], 0);
    let unknown = raw
        .request_newest("tools/call", json!({ "name": "no_tool", "arguments": {} }))
        .await;
    assert_eq!(unknown["error"]["code"], -32602);
    let unknown = raw.request_newest("no/method", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32601);
    let discovered = raw.request_newest("server/discover", json!({})).await;
    let versions = discovered["result"]["supportedVersions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!(versions.contains(&json!("2026-07-28")), "{discovered}");
}

#[tokio::test]
async fn the_tools_and_their_arguments_are_the_contracts() {
    let server = TestServer::start().await;
    let listed = server.client("dev").await.tools().await;
    let names: Vec<&str> = listed.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(names, CONTRACT.map(|(name, _)| name));
    for (tool, (name, arguments)) in listed.iter().zip(CONTRACT) {
        let properties = tool.input_schema["properties"]
            .as_object()
            .expect("properties are an object");
        let mut expected: Vec<&str> = arguments.iter().copied().chain(["access_token", "app_name"]).collect();
        expected.sort_unstable();
        let mut found: Vec<&str> = properties.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{name}");
        assert_eq!(properties["app_name"]["default"], "loonflow");
        let annotations = tool.annotations.as_ref().expect("annotations are there");
        let changes = matches!(name, "ticket_handle" | "absence_set" | "absence_clear");
        let reads = !changes && !["ticket_create", "file_upload"].contains(&name);
        assert_eq!(annotations.read_only_hint, Some(reads), "{name}");
        assert_eq!(annotations.destructive_hint, Some(changes), "{name}");
        assert!(tool.title.as_ref().is_some_and(|title| !title.is_empty()), "{name}");
        assert!(tool.description.as_ref().is_some_and(|text| text.len() > 40), "{name}");
        assert!(tool.output_schema.is_some(), "{name}");
    }
}

/// Strict clients drop a tool, or all of them, over `$ref`, unions, null types or a missing description.
#[tokio::test]
async fn the_list_of_tools_is_small_and_plain() {
    let server = TestServer::start().await;
    // The list needs no token.
    let answer = server.raw("").request("tools/list", json!({})).await;
    let bytes = answer["result"].to_string().len();
    assert!(bytes < TOOLS_LIST_BYTES_MAX, "{bytes}");
    for tool in answer["result"]["tools"].as_array().expect("tools are listed") {
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{}", tool["name"]);
            assert_plain(&tool[schema], &format!("{} {schema}", tool["name"]));
        }
    }
}

fn assert_plain(schema: &Value, place: &str) {
    const KNOWN: [&str; 8] = [
        "type",
        "description",
        "default",
        "properties",
        "required",
        "items",
        "enum",
        "minimum",
    ];
    for key in schema.as_object().expect("a schema is an object").keys() {
        assert!(KNOWN.contains(&key.as_str()) || key == "maximum", "{place}: {key}");
    }
    assert!(schema["type"].is_string(), "{place}: {schema}");
    assert_ne!(schema.get("default"), Some(&Value::Null), "{place}");
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        assert!(
            property["description"].as_str().is_some_and(|text| !text.is_empty()),
            "{place}.{name}"
        );
        assert_plain(property, &format!("{place}.{name}"));
    }
    if let Some(items) = schema.get("items") {
        assert_plain(items, &format!("{place}[]"));
    }
}

#[tokio::test]
async fn what_is_no_tool_or_method_is_a_protocol_error() {
    let server = TestServer::start().await;
    for transport in [Transport::Http, Transport::Http20260728, Transport::Streams] {
        let client = server.client_over(transport, "dev").await;
        let error = client
            .try_call("tiket_list", json!({}))
            .await
            .expect_err("there is no such tool");
        assert_eq!(error.code.0, -32602, "{transport:?}");
        assert!(error.message.contains("`ticket_list`"), "{error:?}");
    }
    let raw = server.raw("dev");
    for (method, params, code) in [
        ("no/method", json!({}), -32601),
        ("tickets/list", json!(null), -32601),
        ("tools/call", json!({ "name": 5 }), -32602),
        ("tools/call", json!({ "name": "ticket_list", "arguments": [1] }), -32602),
    ] {
        let answer = raw.request(method, params.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{method} {params}: {answer}");
    }
}

/// A client from before required tokens sees a reason, not a broken connection.
#[tokio::test]
async fn an_old_client_without_a_token_gets_a_tool_error() {
    let server = TestServer::start().await;
    for transport in [Transport::Http20250618, Transport::Http20260728, Transport::Streams] {
        let client = Client::connect(&server, transport, "").await;
        assert_eq!(client.tools().await.len(), CONTRACT.len());
        for (tool, _) in CONTRACT {
            let error = client.call(tool, json!({})).await.refused("token_missing");
            assert!(
                error["hint"].as_str().is_some_and(|hint| hint.contains("access_token")),
                "{error}"
            );
        }
    }
}

/// A leave request at erin's, and its client.
async fn at_erin(server: &TestServer) -> (Raw, String) {
    let fields = json!({ "leave_type": "sick", "leave_start": "2026-12-01", "leave_end": "2026-12-01", "days": 1 });
    let leave = json!({ "workflow_id": "leave", "action_id": "submit", "fields": fields });
    let created = server.raw("dev").call("ticket_create", leave).await.ok();
    let ticket = created["ticket_id"].as_str().expect("a ticket has an id").to_owned();
    (server.raw("erin"), ticket)
}

#[tokio::test]
async fn handle_request_is_merged_and_wins() {
    let server = TestServer::start().await;
    let (erin, ticket) = at_erin(&server).await;
    let dana = server.id("dana");
    let request = json!({
        "action_type": "agree", "action_id": "approve_yes",
        "action_props": { "comment": "inner" }, "fields": { "stand_in": dana }
    });
    let outer = json!({
        "ticket_id": ticket, "action_type": "reject", "action_id": "approve_no", "dry_run": true,
        "action_props": { "comment": "outer", "node_id": "approve" }, "fields": { "days": 1, "stand_in": "nobody" }
    });
    for inner in [request.clone(), json!(request.to_string())] {
        let mut arguments = outer.clone();
        arguments["handle_request"] = inner;
        let dry = erin.call("ticket_handle", arguments).await.ok();
        assert_eq!(dry["validated_action"]["action_type"], "agree");
        assert_eq!(dry["validated_action"]["action_id"], "approve_yes");
        assert_eq!(
            dry["validated_action"]["action_props"],
            json!({ "comment": "inner", "node_id": "approve" })
        );
        assert_eq!(dry["provided_fields"], json!(["days", "stand_in"]));
        assert_eq!(
            dry["preview"]["field_changes"],
            json!([{ "key": "stand_in", "from": null, "to": dana }])
        );
    }
    // What is not sent in it stays as it is outside, and objects may come as JSON texts.
    let arguments = json!({
        "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "dry_run": "true",
        "action_props": "{\"comment\":\"text\"}", "fields": "{\"days\":1}", "handle_request": {}
    });
    let dry = erin.call("ticket_handle", arguments).await.ok();
    assert_eq!(dry["validated_action"]["action_props"], json!({ "comment": "text" }));
    let wrong = json!({ "ticket_id": ticket, "handle_request": { "action_tipe": "agree" } });
    let error = erin.call("ticket_handle", wrong).await.refused("invalid_argument");
    let hint = error["hint"].as_str().expect("a text");
    assert!(hint.starts_with("did you mean `action_type`?"), "{hint}");
}

#[tokio::test]
async fn null_counts_as_not_sent() {
    let server = TestServer::start().await;
    let (erin, ticket) = at_erin(&server).await;
    let all_null = |tool: &str, keep: Value| {
        let (_, names) = CONTRACT.into_iter().find(|(name, _)| *name == tool).expect("a tool");
        let mut arguments = keep;
        for name in names.iter().chain(&["access_token", "app_name"]) {
            if arguments.get(*name).is_none() {
                arguments[*name] = Value::Null;
            }
        }
        arguments
    };
    let bare = erin.call("ticket_list", json!({})).await.ok();
    assert_eq!(
        erin.call("ticket_list", all_null("ticket_list", json!({}))).await.ok(),
        bare
    );
    let bare = erin.call("user_list", json!({})).await.ok();
    assert_eq!(
        erin.call("user_list", all_null("user_list", json!({}))).await.ok(),
        bare
    );
    let handle = json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "dry_run": true });
    let bare = erin.call("ticket_handle", handle.clone()).await.ok();
    assert_eq!(
        erin.call("ticket_handle", all_null("ticket_handle", handle)).await.ok(),
        bare
    );
    let arguments = json!({ "ticket_id": null });
    erin.call("ticket_detail", arguments).await.refused("invalid_argument");
    let no_arguments = erin.request("tools/call", json!({ "name": "ticket_list" })).await;
    assert_eq!(no_arguments["result"]["isError"], false);
}

#[tokio::test]
async fn numbers_and_booleans_may_come_as_clients_send_them() {
    let server = TestServer::start().await;
    let (erin, ticket) = at_erin(&server).await;
    for five in [json!(5), json!(5.0), json!("5"), json!(" 5 "), json!("5.0")] {
        let list = erin.call("ticket_list", json!({ "per_page": five })).await;
        if five == "5.0" {
            // A text is read as an integer, not as a float.
            list.refused("invalid_argument");
        } else {
            assert_eq!(list.ok()["per_page"], 5, "{five}");
        }
    }
    for simple in [json!(false), json!("false"), json!("False")] {
        let users = erin.call("user_list", json!({ "simple": simple })).await.ok();
        assert!(users["user_list"][0].get("phone").is_some(), "{simple}");
    }
    for dry_run in [json!(true), json!("true"), json!("TRUE")] {
        let handle =
            json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "dry_run": dry_run });
        assert_eq!(erin.call("ticket_handle", handle).await.ok()["dry_run"], true);
    }
    let version = erin.call("ticket_detail", json!({ "ticket_id": ticket })).await.ok()["version"].clone();
    for version in [json!(version.to_string()), json!(version.as_f64()), json!("0")] {
        let handle = json!({
            "ticket_id": ticket, "action_type": "agree", "action_id": "approve_yes", "dry_run": true,
            "expected_version": version
        });
        erin.call("ticket_handle", handle).await.ok();
    }
}

/// With Nagle's delay every answer would wait about 44 ms; without it one takes a few, so the fastest of many tells.
#[tokio::test]
async fn no_answer_waits_40_ms() {
    let server = TestServer::start().await;
    let raw = server.raw("erin");
    let client = server.client("erin").await;
    for what in ["ping", "list", "client"] {
        let mut fastest = Duration::MAX;
        for _ in 0..30 {
            let started = Instant::now();
            match what {
                "ping" => assert_eq!(raw.request("ping", json!({})).await["result"], json!({})),
                "list" => drop(raw.call("ticket_list", json!({})).await.ok()),
                _ => drop(client.call("ticket_list", json!({})).await.ok()),
            }
            fastest = fastest.min(started.elapsed());
        }
        assert!(fastest < Duration::from_millis(30), "{what}: {fastest:?}");
    }
}

#[tokio::test]
async fn health_is_told_without_a_token() {
    let server = TestServer::start().await;
    let raw = server.raw("");
    assert_eq!(raw.get("/healthz").await, 200);
    assert_eq!(raw.get("/readyz").await, 200);
    assert_eq!(raw.get("/mcp").await, 405);
    assert_eq!(raw.get("/elsewhere").await, 404);
    server.engine.close().await.expect("the engine closes");
    assert_eq!(raw.get("/healthz").await, 200);
    assert_eq!(raw.get("/readyz").await, 503);
    server
        .raw("erin")
        .call("ticket_detail", json!({ "ticket_id": "x" }))
        .await
        .refused("ticket_not_found");
    let create = json!({ "workflow_id": "leave" });
    server
        .raw("erin")
        .call("ticket_create", create)
        .await
        .refused("overloaded");
}

/// On stdio a person's token comes from the environment; one in the arguments goes before it.
#[tokio::test]
async fn over_streams_the_environments_token_serves() {
    let jwt = json!({ "exp": 4_000_000_000_i64, "data": { "email": "dev@acme.example" } });
    let server = TestServer::start_with(Options {
        environment_token: Some(Secret::new(TestServer::jwt(&jwt, JWT_KEY))),
        ..Options::default()
    })
    .await;
    let client = Client::connect(&server, Transport::Streams, "").await;
    let created = client
        .call("ticket_create", json!({ "workflow_id": "leave" }))
        .await
        .ok();
    assert_eq!(created["current_nodes"][0]["assignees"][0]["name"], "dev");
    let as_erin = json!({ "workflow_id": "leave", "access_token": server.token("erin") });
    let created = client.call("ticket_create", as_erin).await.ok();
    assert_eq!(created["current_nodes"][0]["assignees"][0]["name"], "erin");
}

/// A line that is no protocol does not end the conversation.
#[tokio::test]
async fn over_streams_rubbish_is_survived() {
    let server = TestServer::start().await;
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(far);
    let state = server.state.clone();
    let serving =
        tokio::spawn(
            async move { stdio::serve_streams(TicketServer::new(state.clone()), &state, input, output).await },
        );
    let (answers, mut requests) = tokio::io::split(near);
    let mut answers = tokio::io::BufReader::new(answers).lines();
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" }
    } });
    let mut sent = format!(
        "{initialize}\n{}\n",
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
    )
    .into_bytes();
    sent.extend(b"\n{\nnull\n[]\n{\"jsonrpc\":\"2.0\"}\n\xff\x00\xfe\n");
    sent.extend(
        json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" })
            .to_string()
            .into_bytes(),
    );
    sent.push(b'\n');
    requests.write_all(&sent).await.expect("is written");
    loop {
        let line = answers
            .next_line()
            .await
            .expect("reads")
            .expect("the conversation goes on");
        let answer: Value = serde_json::from_str(&line).expect("nothing but protocol is written");
        if answer["id"] == 2 {
            assert_eq!(answer["result"], json!({}));
            break;
        }
    }
    drop((requests, answers));
    assert_eq!(serving.await.expect("does not panic"), Ok(()));
}
