//! How a command reaches the data: through the server that has the log open, else by opening it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use loonflow_mcp_facade::admin;
use serde_json::Value;
use tokio::sync::mpsc;

use super::operator::{Operator, Request};
use super::store::{self, Store};

/// Items that the operator's answer may be ahead of what was printed.
const ITEMS_AHEAD_MAX: usize = 64;

/// The way to the data.
pub(crate) enum Door {
    /// A server runs on this data directory.
    Server(PathBuf),
    /// None does: the store is open in this process.
    Own(Store),
    /// The log alone, for what must work also when the engine cannot start.
    Log(Operator),
}

/// What a command needs of the data directory where no server runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The engine, over a log that is made where it is missing.
    Engine,
    /// The engine, over a log that is there.
    ExistingEngine,
    /// The log, which is there.
    ExistingLog,
}

impl Door {
    /// Finds the way.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) async fn open(data: &Path, need: Need) -> anyhow::Result<Self> {
        if admin::is_served(data).await {
            return Ok(Self::Server(data.to_owned()));
        }
        match need {
            Need::Engine => Store::open(data, None).await.map(Self::Own),
            Need::ExistingEngine => {
                store::require_log(data)?;
                Store::open(data, None).await.map(Self::Own)
            }
            Need::ExistingLog => {
                let log = store::open_existing_log(data)?;
                Ok(Self::Log(Operator::of_log(
                    log,
                    store::open_files(&store::files_path(data))?,
                )))
            }
        }
    }

    /// Carries a request out and gives each item of the answer to `each`.
    ///
    /// # Errors
    /// The sentence of a refusal, or what `each` says.
    pub(crate) async fn ask(
        &self,
        request: Request,
        mut each: impl FnMut(Value) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let operator = match self {
            Self::Server(data) => return Ok(admin::ask(data, &request, each).await?),
            Self::Own(store) => Operator::of_store(store),
            Self::Log(operator) => operator.clone(),
        };
        let (sender, mut items) = mpsc::channel(ITEMS_AHEAD_MAX);
        let answering = tokio::spawn(async move { operator.answer(request, sender).await });
        while let Some(item) = items.recv().await {
            each(item)?;
        }
        answering.await?.map_err(|sentence| anyhow!(sentence))
    }

    /// Leaves everything on disk, where it was this process's to open.
    ///
    /// # Errors
    /// When the log could not be closed.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Server(_) => Ok(()),
            Self::Own(store) => store.close().await,
            Self::Log(operator) => {
                let log = Arc::clone(operator.log());
                Ok(tokio::task::spawn_blocking(move || log.close()).await??)
            }
        }
    }
}
