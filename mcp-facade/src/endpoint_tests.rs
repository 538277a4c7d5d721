//! The endpoint from outside: rmcp's own client and raw HTTP, in both eras of the protocol and over stdio, in front of a
//! backend that knows two tokens and answers what it was asked.
//!
//! Not here: anything about tickets.

mod raw_http;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, ErrorCode, ProtocolVersion};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::auth::Identity;
use crate::backend::{Backend, Caller, Operation};
use crate::error::{ApiError, Code};
use crate::http::{app, listen};
use crate::mcp::TicketServer;
use crate::secret::Secret;
use crate::state::{AppState, Options};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const GOOD: &str = "lfpat.ada.secret";

/// Knows `lfpat.ada.secret` and `ada@example.com`; answers the caller and the operation as it was parsed.
struct Echo;

impl Backend for Echo {
    fn authenticate<'a>(
        &'a self,
        identity: &'a Identity,
        app_name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Caller, ApiError>> {
        let known = match identity {
            Identity::PersonalAccessToken(token) => token.id == "ada" && token.secret.expose() == "secret",
            Identity::Email(email) => email == "ada@example.com",
        };
        let outcome = if !known {
            Err(ApiError::new(Code::TokenInvalid, "the token is unknown"))
        } else if app_name.is_some_and(|name| name != "loonflow") {
            Err(ApiError::new(Code::AppNotAllowed, "the application is unknown"))
        } else {
            Ok(Caller {
                user_id: "ada".to_owned(),
                tenant_id: "t".to_owned(),
                app_name: app_name.unwrap_or_default().to_owned(),
                token_id: None,
            })
        };
        async move { outcome }.boxed()
    }

    fn carry_out<'a>(&'a self, caller: &'a Caller, operation: Operation) -> BoxFuture<'a, Result<Value, ApiError>> {
        async move {
            if let Operation::TicketDetail(params) = &operation {
                if params.ticket_id == "slow" {
                    tokio::time::sleep(Duration::from_millis(600)).await;
                } else if params.ticket_id == "none" {
                    return Err(ApiError::new(Code::TicketNotFound, "there is no ticket `none`"));
                }
            }
            Ok(json!({ "caller": caller.user_id, "operation": format!("{operation:?}") }))
        }
        .boxed()
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

fn state(options: Options) -> AppState {
    AppState::new(Arc::new(Echo), options, 0)
}

fn options() -> Options {
    Options {
        jwt_secret: Some(Secret::new(KEY)),
        ..Options::default()
    }
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

/// What every client may expect, whatever the transport and the era.
async fn walk(client: &Client, token: &str) {
    let tools = client.list_all_tools().await.expect("lists");
    assert_eq!(tools.len(), 9);

    let result = call(
        client,
        "ticket_detail",
        json!({ "ticket_id": "7", "access_token": token }),
    )
    .await
    .expect("answers");
    assert_eq!(result.is_error, Some(false));
    let structured = result.structured_content.clone().expect("is there");
    assert_eq!(structured["caller"], "ada");
    assert_eq!(
        serde_json::from_str::<Value>(&text(&result)).expect("is JSON"),
        structured
    );

    let result = call(
        client,
        "ticket_detail",
        json!({ "ticket_id": "none", "access_token": token }),
    )
    .await;
    assert_eq!(code(&result.expect("answers")), "ticket_not_found");
    let result = call(client, "ticket_detail", json!({ "tiket_id": "7" }))
        .await
        .expect("answers");
    assert_eq!(code(&result), "invalid_argument");
    assert!(text(&result).contains("`ticket_id`"), "{result:?}");
    let result = call(
        client,
        "ticket_list",
        json!({ "app_name": "other", "access_token": token }),
    )
    .await;
    assert_eq!(code(&result.expect("answers")), "app_not_allowed");
    let result = call(client, "ticket_list", json!({ "access_token": "lfpat.ada.wrong" })).await;
    assert_eq!(code(&result.expect("answers")), "token_invalid");

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
    let state = state(options());
    let address = start(&state).await;
    let client = ClientConfig::default()
        .serve_with_lifecycle(http_transport(address, GOOD), ClientLifecycleMode::Initialize)
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
            http_transport(address, GOOD),
            ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        )
        .await
        .expect("discovers");
    walk(&client, "").await;
}

#[tokio::test]
async fn a_client_walks_over_stdio() {
    let state = state(options());
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(far);
    let server = TicketServer::new(state.clone());
    let serving = tokio::spawn({
        let state = state.clone();
        async move { crate::stdio::serve_streams(server, &state, input, output).await }
    });
    let client = ClientConfig::default().serve(near).await.expect("initializes");
    walk(&client, GOOD).await;
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
    let state = state(options());
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(far);
    let server = TicketServer::new(state.clone());
    let serving = tokio::spawn({
        let state = state.clone();
        async move { crate::stdio::serve_streams(server, &state, input, output).await }
    });
    let client = Arc::new(ClientConfig::default().serve(near).await.expect("initializes"));
    let slow = tokio::spawn({
        let client = Arc::clone(&client);
        async move {
            call(
                &client,
                "ticket_detail",
                json!({ "ticket_id": "slow", "access_token": GOOD }),
            )
            .await
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    state.stop().cancel();
    assert_eq!(slow.await.expect("ends").expect("answers").is_error, Some(false));
    assert_eq!(serving.await.expect("ends"), Ok(()));
}
