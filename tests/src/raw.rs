//! Requests over HTTP as a test writes them, header by header, in either era of the protocol.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::Outcome;

/// The revision without `initialize`.
pub const NEWEST: &str = "2026-07-28";

/// A connection pool with one person's token.
#[derive(Clone)]
pub struct Raw {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Raw {
    /// An empty token is not sent.
    ///
    /// # Panics
    /// When no client can be made.
    #[must_use]
    pub fn new(address: SocketAddr, token: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build();
        Self {
            http: http.expect("a client is made"),
            url: format!("http://{address}"),
            token: token.to_owned(),
        }
    }

    /// Posts a body to `/mcp`, with the token and `headers`.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn post(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (StatusCode, Vec<u8>) {
        let mut request = self
            .http
            .post(format!("{}/mcp", self.url))
            .header("content-type", "application/json");
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.expect("an answer comes");
        let status = response.status();
        (status, response.bytes().await.expect("the answer is whole").to_vec())
    }

    /// The same, where the answer is JSON.
    ///
    /// # Panics
    /// When it is not.
    pub async fn post_json(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        let (status, answer) = self.post(headers, body).await;
        let parsed = serde_json::from_slice(&answer);
        (
            status,
            parsed.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer))),
        )
    }

    /// Status of a `GET`.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> StatusCode {
        let response = self.http.get(format!("{}{path}", self.url)).send().await;
        response.expect("an answer comes").status()
    }

    /// A request of the era of `initialize`; sessions are not needed here.
    pub async fn request(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post_json(&[], body.to_string()).await.1
    }

    /// A request of the newest revision: version and client in `_meta`, headers that say the same.
    ///
    /// # Panics
    /// When `params` are no object.
    pub async fn request_newest(&self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": NEWEST,
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let name = params["name"].as_str().map(str::to_owned);
        let mut headers = vec![("mcp-protocol-version", NEWEST), ("mcp-method", method)];
        if let Some(name) = &name {
            headers.push(("mcp-name", name));
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post_json(&headers, body.to_string()).await.1
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        self.call_with(&[], tool, arguments).await
    }

    /// Calls a tool with further headers.
    pub async fn call_with(&self, headers: &[(&str, &str)], tool: &str, arguments: Value) -> Outcome {
        let (_, answer) = self.post_json(headers, tool_call(tool, &arguments)).await;
        Outcome::of_json(&answer)
    }

    /// Calls a tool in the newest revision.
    pub async fn call_newest(&self, tool: &str, arguments: Value) -> Outcome {
        let params = json!({ "name": tool, "arguments": arguments });
        Outcome::of_json(&self.request_newest("tools/call", params).await)
    }
}

/// The body of a call.
#[must_use]
pub fn tool_call(tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}
