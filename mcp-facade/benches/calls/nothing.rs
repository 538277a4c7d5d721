//! The measure of all calls: an rmcp server whose tools do nothing but answer what they were given before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use loonflow_mcp_facade::http::{MCP_PATH, listen};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

/// Makes this program such a server; a directory follows.
pub(crate) const FLAG: &str = "--serve-nothing";
/// The answers, by the tool's name.
pub(crate) const ANSWERS: &str = "answers.json";
/// Where the server writes its port.
pub(crate) const PORT: &str = "port";

/// Serves until it is killed, as the real server does: same runtime, accept loop and settings of rmcp.
pub(crate) fn serve(directory: &Path) {
    let answers = std::fs::read(directory.join(ANSWERS)).expect("the answers");
    let answers: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&answers).expect("answers");
    let answers = answers.into_iter();
    let server = Nothing(Arc::new(
        answers
            .map(|(tool, answer)| (tool, CallToolResult::structured(answer)))
            .collect(),
    ));
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .enforce_origin_validation();
    let sessions = Arc::new(NeverSessionManager::default());
    let mcp = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    let app = Router::new().route_service(MCP_PATH, mcp);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (listener, address) = listen::bind("127.0.0.1", 0).await.expect("a port");
        let port = directory.join(PORT);
        let partial = directory.join("port.partial");
        std::fs::write(&partial, address.port().to_string()).expect("the port is written");
        std::fs::rename(&partial, &port).expect("the port is written");
        listen::serve(listener, app, CancellationToken::new()).await;
    });
}

#[derive(Clone)]
struct Nothing(Arc<BTreeMap<String, CallToolResult>>);

impl ServerHandler for Nothing {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match self.0.get(&*request.name) {
            Some(answer) => Ok(answer.clone().into()),
            None => Err(ErrorData::invalid_params("no such tool", None)),
        }
    }
}
