//! `serve`: log, engine, admin socket, transport; at a stop the calls in flight, then the engine, then the log.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use loonflow_mcp_facade::config::Config;
use loonflow_mcp_facade::{AppState, admin, cli, serve};
use loonflow_outbound::{HttpOutside, Settings};

use super::jwt_key;
use super::operator::Operator;
use super::store::{Serving, Store};

/// Serves until a signal, or on stdio until the client closes.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, flags: cli::Serve) -> anyhow::Result<ExitCode> {
    let config = config(flags)?;
    let store = Store::open(data, Some(serving(&config))).await?;
    serve_store(&config, data, store, |_address| Ok(())).await
}

/// The settings of a serving process, from flags and environment.
///
/// # Errors
/// The first setting that does not hold.
pub(crate) fn config(flags: cli::Serve) -> anyhow::Result<Config> {
    Ok(Config::check(&flags.written(), |name| std::env::var(name).ok())?)
}

/// What a server's engine has beside its log.
pub(crate) fn serving(config: &Config) -> Serving {
    let outside = HttpOutside::new(Settings {
        allow: config.allow_outbound.clone(),
        ..Settings::default()
    });
    Serving {
        outside: Arc::new(outside),
        public_url: config.call_back_url(),
        link_url: config.options.public_url.clone(),
        clock_ahead_ms: config.clock_ahead_ms,
        file_bytes_of_tenant_max: config.file_bytes_of_tenant_max,
    }
}

/// Serves an open store. `listening` is told the address as soon as connections are taken; on stdio it is not called.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn serve_store(
    config: &Config,
    data: &Path,
    store: Store,
    listening: impl FnOnce(SocketAddr) -> std::io::Result<()>,
) -> anyhow::Result<ExitCode> {
    let mut options = config.options.clone();
    if options.jwt_secret.is_none() {
        options.jwt_secret = match jwt_key::kept(data) {
            Ok(key) => Some(key),
            Err(error) => {
                store.close().await?;
                return Err(error);
            }
        };
    }
    let state = AppState::with_clocks(
        store.engine.clone(),
        store.clock.clone(),
        store.machine_clock.clone(),
        options,
    );
    let listener =
        admin::listen(data).with_context(|| format!("the admin socket in `{}` cannot be opened", data.display()))?;
    let operator = Operator::of_store(&store);
    let answer = move |request, items| {
        let operator = operator.clone();
        async move { operator.answer(request, items).await }
    };
    let serving_admin = tokio::spawn(admin::serve(listener, state.stop().clone(), answer));
    let served = serve::run(config, &state, |address| {
        if let Err(error) = listening(address) {
            tracing::warn!(%error, "standard output is closed");
        }
    })
    .await;
    state.stop().cancel();
    let _ = serving_admin.await;
    // Before the log is released: whoever opens it next makes a socket of its own.
    let _ = std::fs::remove_file(admin::socket_path(data));
    let closed = store.close().await;
    served.map_err(anyhow::Error::msg)?;
    closed?;
    Ok(ExitCode::SUCCESS)
}
