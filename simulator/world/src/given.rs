//! What a run begins with: people, and the definitions they work on.

use std::sync::Arc;

use anyhow::anyhow;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::{World, directory_from};

/// People and definitions.
#[derive(Clone, Debug)]
pub struct Given {
    /// The directory as its file has it.
    pub source: Json,
    /// The same, read.
    pub directory: Arc<Directory>,
    /// The definitions, ready to run.
    pub versions: Vec<Arc<WorkflowVersion>>,
}

impl Given {
    /// A directory, and definitions that are known to run.
    ///
    /// # Errors
    /// Where the directory cannot be read.
    pub fn read(source: &Json, versions: Vec<Arc<WorkflowVersion>>) -> anyhow::Result<Self> {
        let directory = directory_from(source).map_err(|why| anyhow!("the directory cannot be read: {why}"))?;
        Ok(Self {
            source: source.clone(),
            directory,
            versions,
        })
    }

    /// A world of it, without tickets.
    #[must_use]
    pub fn world(&self, seed: u64) -> World {
        World::new(Arc::clone(&self.directory), self.versions.clone(), seed)
    }
}
