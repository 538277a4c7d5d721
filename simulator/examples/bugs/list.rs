//! The list of bugs: `simulator/bugs/*.toml`, read and held against its own rules.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// Where bugs stand: the switch is a module of this crate.
const ENGINE: &str = "engine/src/";

/// A bug, as an edit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bug {
    /// What it is called.
    pub(crate) name: String,
    /// What goes wrong, in a sentence.
    pub(crate) sentence: String,
    /// The file, from the root of the workspace.
    pub(crate) file: String,
    /// The place, as it stands once in the file; left out where `right` does.
    at: Option<String>,
    /// The expression that stands there, once.
    pub(crate) right: String,
    /// What stands there instead while the bug is on.
    pub(crate) wrong: String,
}

impl Bug {
    /// What stands once in the file.
    pub(crate) fn at(&self) -> &str {
        self.at.as_deref().unwrap_or(&self.right)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bug: Vec<Bug>,
}

/// Reads every `*.toml` of a folder, by name.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Bug>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder `{}`", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut bugs = Vec::new();
    for path in paths {
        let read = std::fs::read_to_string(&path).map_err(anyhow::Error::from);
        let read = read.and_then(|text| of_text(&text));
        bugs.extend(read.with_context(|| format!("`{}` is no list of bugs", path.display()))?);
    }
    let problems = problems(&bugs);
    if !problems.is_empty() {
        bail!("the list of bugs: {}", problems.join("; "));
    }
    Ok(bugs)
}

/// The bugs of one file.
pub(crate) fn of_text(text: &str) -> anyhow::Result<Vec<Bug>> {
    Ok(toml::from_str::<File>(text)?.bug)
}

/// What is wrong with a list in itself.
pub(crate) fn problems(bugs: &[Bug]) -> Vec<String> {
    let mut problems = Vec::new();
    let (mut names, mut sentences) = (BTreeSet::new(), BTreeSet::new());
    for bug in bugs {
        let name = &bug.name;
        let mut wrong = |what: &str| problems.push(format!("`{name}` {what}"));
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            wrong("is no name of a variant");
        }
        if !names.insert(name) {
            wrong("is there twice");
        }
        if !sentences.insert(&bug.sentence) {
            wrong("has the sentence of another one");
        }
        if !bug.file.starts_with(ENGINE) {
            wrong("is not in the engine");
        }
        if bug.right.split_whitespace().eq(bug.wrong.split_whitespace()) {
            wrong("changes nothing");
        }
    }
    problems
}
