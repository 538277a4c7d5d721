//! The definitions and the directory that the tests work on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use serde_json::Value as Json;

/// Folder of the fixtures that all packages share.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures")
}

/// The seven definitions with their names.
pub(crate) fn sources() -> Vec<(String, Json)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("workflows"))
        .expect("fixtures")
        .map(|one| one.expect("an entry").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 7);
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).expect("a fixture");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).expect("JSON"))
    };
    files.into_iter().map(read).collect()
}

/// One of them.
pub(crate) fn source(name: &str) -> Json {
    let found = sources().into_iter().find(|(one, _)| one == name);
    found.map(|(_, source)| source).expect("a fixture of that name")
}

/// The version of a definition that must be sound.
pub(crate) fn version(source: &Json) -> Arc<WorkflowVersion> {
    match check(source, None, &ValidationContext::default()) {
        (Some(version), _) => Arc::new(version),
        (None, problems) => panic!("{}", shown(&problems)),
    }
}

/// Problems as one text.
pub(crate) fn shown(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The directory that the fixtures' people are in.
pub(crate) fn directory_source() -> Json {
    let text = std::fs::read_to_string(root().join("directory/acme.json")).expect("a fixture");
    serde_json::from_str(&text).expect("JSON")
}
