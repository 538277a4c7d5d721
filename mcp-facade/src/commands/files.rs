//! Files that operators name: read as JSON, and told apart by their shape.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use loonflow_engine::value::number;
use serde_json::Value;

/// A file as read.
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) content: Content,
    /// Its JSON.
    pub(crate) json: Value,
}

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    /// A tenant with its users. Before workflows, which name users.
    Directory,
    /// A definition.
    Workflow,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no JSON, or is neither a directory nor a workflow.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("`{shown}` cannot be read"))?;
        let json = number::read_file(&bytes).map_err(|why| anyhow!("`{shown}` {why}"))?;
        let content = if json.get("tenant").is_some() {
            Content::Directory
        } else if ["basic_info", "process_schema", "form_schema"]
            .iter()
            .any(|key| json.get(key).is_some())
        {
            Content::Workflow
        } else {
            bail!("`{shown}` is neither a directory (it has no `tenant`) nor a workflow (it has no `process_schema`)");
        };
        Ok(Self {
            path: path.to_owned(),
            content,
            json,
        })
    }

    /// Its name without the extension: names a workflow that does not name itself.
    pub(crate) fn stem(&self) -> Option<&str> {
        self.path.file_stem()?.to_str()
    }

    /// Its name for people.
    pub(crate) fn shown(&self) -> String {
        self.path.display().to_string()
    }
}
