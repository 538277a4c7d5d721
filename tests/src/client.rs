//! rmcp's own client: what assistants are built with. Over HTTP in either era of the protocol, and over streams.

use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, ErrorData, ProtocolVersion, Tool};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::{Map, Value};

use loonflow_mcp_facade::arguments::ACCESS_TOKEN;
use loonflow_mcp_facade::mcp::TicketServer;
use loonflow_mcp_facade::stdio;

use crate::server::TestServer;

/// How a client speaks to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTP with `initialize`, the newest revision that has it.
    Http,
    /// HTTP with `initialize`, revision 2025-06-18.
    Http20250618,
    /// HTTP without `initialize`, revision 2026-07-28.
    Http20260728,
    /// A pair of streams, as over stdio; the token goes into each call's arguments.
    Streams,
}

/// A client of one person.
pub struct Client {
    service: RunningService<RoleClient, ClientConfig>,
    /// Sent as an argument where the transport has no headers.
    access_token: Option<String>,
}

/// What a tool answered. That text and structure say the same has been asserted.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Whether it is a refusal.
    pub is_error: bool,
    /// `structuredContent`.
    pub structured: Value,
    /// The text.
    pub text: String,
}

impl Client {
    /// Connects; an empty token is not sent.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn connect(server: &TestServer, transport: Transport, token: &str) -> Self {
        let config = match transport {
            Transport::Http20250618 => ClientConfig::default().with_protocol_version(ProtocolVersion::V_2025_06_18),
            Transport::Http | Transport::Http20260728 | Transport::Streams => {
                ClientConfig::default().with_protocol_version(ProtocolVersion::V_2025_11_25)
            }
        };
        let lifecycle = match transport {
            Transport::Http | Transport::Http20250618 | Transport::Streams => ClientLifecycleMode::Initialize,
            Transport::Http20260728 => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        };
        let service = match transport {
            Transport::Http | Transport::Http20250618 | Transport::Http20260728 => {
                let mut http = StreamableHttpClientTransportConfig::with_uri(format!("http://{}/mcp", server.address));
                if !token.is_empty() {
                    http = http.auth_header(token);
                }
                let http = StreamableHttpClientTransport::with_client(reqwest::Client::new(), http);
                config.serve_with_lifecycle(http, lifecycle).await
            }
            Transport::Streams => {
                let (near, far) = tokio::io::duplex(64 * 1024);
                let (input, output) = tokio::io::split(far);
                let state = server.state.clone();
                tokio::spawn(async move {
                    stdio::serve_streams(TicketServer::new(state.clone()), &state, input, output).await
                });
                config.serve_with_lifecycle(near, lifecycle).await
            }
        };
        Self {
            service: service.expect("the client connects"),
            access_token: (transport == Transport::Streams && !token.is_empty()).then(|| token.to_owned()),
        }
    }

    /// The server's name, and the revision that was agreed on.
    ///
    /// # Panics
    /// When the server did not say.
    #[must_use]
    pub fn server(&self) -> (String, String) {
        let info = self.service.peer_info().expect("the server says who it is");
        let name = info.server_info.as_ref().map(|info| info.name.clone());
        (name.expect("the server has a name"), info.protocol_version.to_string())
    }

    /// All tools.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn tools(&self) -> Vec<Tool> {
        self.service.list_all_tools().await.expect("tools are listed")
    }

    /// Calls a tool.
    ///
    /// # Panics
    /// When the answer is a protocol error.
    pub async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        match self.try_call(tool, arguments).await {
            Ok(outcome) => outcome,
            Err(error) => panic!("{tool}: {error:?}"),
        }
    }

    /// Calls a tool that may not be one.
    ///
    /// # Errors
    /// A protocol error.
    ///
    /// # Panics
    /// When the connection fails, or the arguments are no object.
    pub async fn try_call(&self, tool: &str, arguments: Value) -> Result<Outcome, ErrorData> {
        let Value::Object(mut arguments) = arguments else {
            panic!("arguments are an object, not {arguments}");
        };
        if let Some(token) = &self.access_token {
            let sent = arguments.entry(ACCESS_TOKEN);
            sent.or_insert_with(|| token.clone().into());
        }
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        match self.service.call_tool(params).await {
            Ok(result) => Ok(Outcome::of(&result)),
            Err(ServiceError::McpError(error)) => Err(error),
            Err(error) => panic!("{tool}: {error:?}"),
        }
    }
}

impl Outcome {
    fn of(result: &CallToolResult) -> Self {
        let text = match result.content.as_slice() {
            // Behind the text come links to files, and nothing else.
            [content, links @ ..] if links.iter().all(|link| link.as_resource_link().is_some()) => {
                content.as_text().expect("the content is text").text.clone()
            }
            other => panic!("a text is sent, not {other:?}"),
        };
        Self::checked(
            result.is_error == Some(true),
            result.structured_content.clone().expect("structured content is sent"),
            text,
        )
    }

    /// Reads the `result` of a raw answer.
    ///
    /// # Panics
    /// When it is no tool result, or when its text and structure do not say the same.
    #[must_use]
    pub fn of_json(answer: &Value) -> Self {
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("a tool result has a text: {answer}"));
        Self::checked(
            result["isError"] == true,
            result["structuredContent"].clone(),
            text.to_owned(),
        )
    }

    /// Some clients show only the text, others only the structure: both must be complete.
    fn checked(is_error: bool, structured: Value, text: String) -> Self {
        if is_error {
            let error = &structured["error"];
            let word = |key: &str| {
                error[key]
                    .as_str()
                    .unwrap_or_else(|| panic!("no `{key}` in {structured}"))
            };
            let (code, message, hint) = (word("code"), word("message"), word("hint"));
            let rest = text.strip_prefix(&format!("{code}: {message}. "));
            let rest = rest.and_then(|rest| rest.strip_suffix('.'));
            let same = rest.is_some_and(|rest| rest.to_lowercase() == hint.to_lowercase());
            assert!(same, "{text:?} says something else than {structured}");
            assert!(error.get("details").is_some(), "no details in {structured}");
        } else {
            let parsed: Map<String, Value> =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(Value::Object(parsed), structured, "text and structure differ");
        }
        Self {
            is_error,
            structured,
            text,
        }
    }

    /// The code of a refusal, `ok` for a success.
    #[must_use]
    pub fn code(&self) -> &str {
        let code = self.structured["error"]["code"].as_str();
        code.filter(|_| self.is_error).unwrap_or("ok")
    }

    /// The answer of a success.
    ///
    /// # Panics
    /// When it was refused.
    pub fn ok(self) -> Value {
        assert!(!self.is_error, "refused: {}", self.text);
        self.structured
    }

    /// `error` of a refusal with this code.
    ///
    /// # Panics
    /// When it is none.
    pub fn refused(self, code: &str) -> Value {
        assert_eq!(self.code(), code, "{}", self.text);
        self.structured["error"].clone()
    }
}
