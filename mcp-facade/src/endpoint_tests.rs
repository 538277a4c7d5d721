//! The endpoint from outside: rmcp's own client and raw HTTP, in both eras of the protocol and over stdio, in front of the
//! engine over a log in memory.
//!
//! Not here: the rules of tickets; a dry run and a real call of each kind are enough to see that they arrive.

mod call_backs;
mod connections;
mod raw_http;
mod storage;
mod tokens;
mod web;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, ErrorCode, ProtocolVersion};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::http::{app, listen};
use crate::mcp::TicketServer;
use crate::mcp::tools::{self, Declaration, Effect, Toolset};
use crate::secret::Secret;
use crate::state::{AppState, Options};
use crate::testing::World;

/// Time that anything here may take, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn options() -> Options {
    Options {
        jwt_secret: Some(Secret::new(KEY)),
        ..Options::default()
    }
}

/// A tool that does `run` and nothing else.
const fn declare(name: &'static str, run: tools::Run) -> Declaration {
    Declaration {
        name,
        title: "t",
        description: "d",
        input: &[],
        output: &[],
        effect: Effect::Reads,
        whole: "ask for less",
        run,
    }
}

/// Tools that live as long as a test needs them.
fn toolset(declarations: &[Declaration]) -> &'static Toolset {
    Box::leak(Box::new(Toolset::new(declarations)))
}

/// A tool, `waits`, that answers when its gate opens. A tool keeps nothing of its own, so each test has a static gate.
macro_rules! behind {
    ($gate:path) => {
        toolset(&[declare("waits", |_, _| {
            async {
                $gate.notified().await;
                Ok(json!({}))
            }
            .boxed()
        })])
    };
}
use behind;

/// Looks until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether something goes on for as long as a test can afford to look. What would end too late to be seen is not found;
/// what goes on is never taken for ended.
async fn goes_on(ends: impl Future + Unpin) -> bool {
    tokio::time::timeout(Duration::from_millis(50), ends).await.is_err()
}

async fn start(state: &AppState) -> SocketAddr {
    serve(state, app(state.clone())).await.0
}

async fn serve(state: &AppState, app: axum::Router) -> (SocketAddr, tokio::task::JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has one");
    (
        address,
        tokio::spawn(listen::serve(listener, app, state.stop().clone())),
    )
}

fn http_transport(address: SocketAddr, token: &str) -> StreamableHttpClientTransport<reqwest::Client> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(format!("http://{address}/mcp"));
    if !token.is_empty() {
        config = config.auth_header(token);
    }
    StreamableHttpClientTransport::with_client(reqwest::Client::new(), config)
}

type Client = RunningService<RoleClient, ClientConfig>;

async fn call(client: &Client, tool: &'static str, arguments: Value) -> Result<CallToolResult, ServiceError> {
    let Value::Object(arguments) = arguments else {
        unreachable!("an object")
    };
    client
        .call_tool(CallToolRequestParams::new(tool).with_arguments(arguments))
        .await
}

fn code(result: &CallToolResult) -> String {
    assert_eq!(result.is_error, Some(true), "{result:?}");
    let structured = result.structured_content.as_ref().expect("is there");
    let code = structured["error"]["code"].as_str().expect("is there").to_owned();
    assert!(text(result).starts_with(&format!("{code}: ")), "{result:?}");
    code
}

fn text(result: &CallToolResult) -> String {
    result.content[0].as_text().expect("is text").text.clone()
}

async fn done(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let result = call(client, tool, arguments).await.expect("answers");
    assert_eq!(result.is_error, Some(false), "{result:?}");
    let structured = result.structured_content.clone().expect("is there");
    assert_eq!(
        serde_json::from_str::<Value>(&text(&result)).expect("is JSON"),
        structured
    );
    structured
}

/// What every client may expect, whatever the transport and the era: it finds a workflow, creates a ticket, sees it in
/// its list and in full, rehearses an action and takes it, and is refused in words.
async fn walk(client: &Client, token: &str) {
    let tools = client.list_all_tools().await.expect("lists");
    assert_eq!(tools.len(), 13);
    let with = |mut arguments: Value| {
        arguments["access_token"] = json!(token);
        arguments
    };

    let workflows = done(client, "workflow_list", with(json!({ "search_value": "leave" }))).await;
    let workflow = &workflows["workflow_list"][0]["id"];
    let form = done(
        client,
        "ticket_prepare_create",
        with(json!({ "workflow_id": workflow })),
    )
    .await;
    let mut body = form["example"].clone();
    let rehearsed = done(client, "ticket_create", with(body.clone())).await;
    assert_eq!(
        (&rehearsed["dry_run"], &rehearsed["status"]),
        (&json!(true), &json!("validated"))
    );
    assert!(rehearsed.get("ticket_id").is_none(), "{rehearsed}");
    body["dry_run"] = json!(false);
    let created = done(client, "ticket_create", with(body)).await;
    let ticket = created["ticket_id"].clone();
    assert_eq!(created["current_nodes"], rehearsed["preview"]["current_nodes"]);

    let list = done(
        client,
        "ticket_list",
        with(json!({ "category": "owner", "ticket_ids": ticket })),
    )
    .await;
    assert_eq!((&list["total"], &list["ticket_list"][0]["id"]), (&json!(1), &ticket));
    let detail = done(client, "ticket_detail", with(json!({ "ticket_id": ticket }))).await;
    assert_eq!(detail["version"], created["version"]);
    let comment = json!({
        "ticket_id": ticket, "action_type": "add_comment", "action_id": "add_comment",
        "action_props": { "comment": "hello" }, "dry_run": true,
    });
    let rehearsed = done(client, "ticket_handle", with(comment.clone())).await;
    assert_eq!(rehearsed["preview"]["events"], json!(["action_taken"]));
    let mut real = comment;
    real["dry_run"] = json!("false");
    real["action_props"] = json!("{\"comment\": \"hello\"}");
    let handled = done(client, "ticket_handle", with(real)).await;
    assert_eq!(
        (&handled["status"], &handled["replayed"]),
        (&json!("handled"), &json!(false))
    );
    let history = done(
        client,
        "ticket_history",
        with(json!({ "ticket_id": ticket, "reverse": 1 })),
    )
    .await;
    assert_eq!(history["history"][0]["comment"], "hello");
    let users = done(client, "user_list", with(json!({ "search_value": "ada@acme" }))).await;
    assert_eq!(users["user_list"][0]["name"], "ada");

    let refused = call(client, "ticket_detail", with(json!({ "ticket_id": "none" }))).await;
    assert_eq!(code(&refused.expect("answers")), "ticket_not_found");
    let refused = call(client, "ticket_detail", json!({ "tiket_id": "7" }))
        .await
        .expect("answers");
    assert_eq!(code(&refused), "invalid_argument");
    assert!(text(&refused).contains("`ticket_id`"), "{refused:?}");
    let refused = call(client, "ticket_list", with(json!({ "app_name": "other" }))).await;
    assert_eq!(code(&refused.expect("answers")), "app_not_allowed");
    let refused = call(client, "ticket_list", json!({ "access_token": "lfpat.ada.wrong" })).await;
    assert_eq!(code(&refused.expect("answers")), "token_invalid");

    match call(client, "tiket_list", json!({})).await {
        Err(ServiceError::McpError(error)) => {
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
            assert!(error.message.contains("`ticket_list`"), "{error:?}");
        }
        other => panic!("an unknown tool is a protocol error, got {other:?}"),
    }
}

#[tokio::test]
async fn a_client_of_each_era_walks_over_http() {
    let world = World::new(options()).await;
    let good = world.token("dev").await;
    let address = start(&world.state).await;
    let client = ClientConfig::default()
        .serve_with_lifecycle(http_transport(address, &good), ClientLifecycleMode::Initialize)
        .await
        .expect("initializes");
    assert_eq!(
        client
            .peer_info()
            .expect("is there")
            .server_info
            .as_ref()
            .map(|info| info.name.as_str()),
        Some("loonflow-ticket")
    );
    walk(&client, "").await;
    let client = ClientConfig::default()
        .serve_with_lifecycle(
            http_transport(address, &good),
            ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        )
        .await
        .expect("discovers");
    walk(&client, "").await;
}

type Serving = tokio::task::JoinHandle<Result<(), String>>;

/// A server at the other end of a pipe, as over stdio.
fn serve_pipe(state: &AppState, server: TicketServer) -> (tokio::io::DuplexStream, Serving) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(far);
    let state = state.clone();
    let serving = tokio::spawn(async move { crate::stdio::serve_streams(server, &state, input, output).await });
    (near, serving)
}

#[tokio::test]
async fn a_client_walks_over_stdio() {
    let world = World::new(options()).await;
    let (near, serving) = serve_pipe(&world.state, TicketServer::new(world.state.clone()));
    let client = ClientConfig::default().serve(near).await.expect("initializes");
    walk(&client, &world.token("dev").await).await;
    let result = call(&client, "ticket_detail", json!({ "ticket_id": "7" }))
        .await
        .expect("answers");
    assert_eq!(code(&result), "token_missing");
    let large = json!({ "ticket_id": "x".repeat(2 * 1024 * 1024) });
    assert_eq!(
        code(&call(&client, "ticket_detail", large).await.expect("answers")),
        "payload_too_large"
    );
    client.cancel().await.expect("closes");
    assert_eq!(serving.await.expect("ends"), Ok(()));
}

#[tokio::test]
async fn stdio_stops_after_the_calls_in_flight() {
    static GO_ON: Notify = Notify::const_new();
    let world = World::new(options()).await;
    let good = world.token("dev").await;
    let server = TicketServer::with_tools(world.state.clone(), behind!(GO_ON));
    let (near, mut serving) = serve_pipe(&world.state, server);
    let client = Arc::new(ClientConfig::default().serve(near).await.expect("initializes"));
    let waits = tokio::spawn({
        let client = Arc::clone(&client);
        async move { call(&client, "waits", json!({ "access_token": good })).await }
    });
    let calls = world.state.calls();
    until("the call is there", || !calls.is_empty()).await;
    world.state.stop().cancel();
    until("the stop waits for calls", || calls.is_closed()).await;
    assert!(goes_on(&mut serving).await, "a call is in flight");
    GO_ON.notify_one();
    assert_eq!(waits.await.expect("ends").expect("answers").is_error, Some(false));
    assert_eq!(serving.await.expect("ends"), Ok(()));
}

/// A change goes on when its client hangs up, and a stop waits for it.
#[tokio::test]
async fn a_change_is_finished_when_its_client_has_hung_up() {
    let world = World::new(options()).await;
    let identity = crate::auth::Identity::Email("dev@acme.example".to_owned());
    let context = crate::call::CallContext {
        state: world.state.clone(),
        caller: crate::auth::caller::caller(&world.engine, &identity, "loonflow").expect("is known"),
        request_id: "1".to_owned(),
    };
    let (go_on, goes) = tokio::sync::oneshot::channel();
    let (finished, was_finished) = tokio::sync::oneshot::channel();
    let change = context.finish(async move {
        goes.await.expect("the test opens it");
        let _ = finished.send(());
        Ok(Ok(()))
    });
    // Asked once, and given up.
    assert!(change.now_or_never().is_none());
    let mut stopping = Box::pin(crate::stop::drain(&world.state));
    assert!(goes_on(&mut stopping).await, "the change is not finished");
    go_on.send(()).expect("the change goes on");
    assert!(stopping.await);
    was_finished.await.expect("was finished");
}
