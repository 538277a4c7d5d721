//! Reads a scenario's file, and those it is based on, into a scenario whose paths stand on their own.
//!
//! A file with `based_on` is a change to another one (a merge patch, RFC 7386): objects are merged key by key, `null`
//! takes a key away, anything else replaces. That is how a what-if is written.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use loonflow_world::inputs;
use serde_json::Value as Json;

use super::scenario::Scenario;

/// Files based on files: more is a loop.
const BASES_MAX: usize = 8;
/// Bytes of a scenario: it holds rules, and times seen, not tables.
const BYTES_MAX: u64 = 16 << 20;

/// A scenario with the paths it names made whole.
///
/// # Errors
/// A sentence that names the file, the key and what is wrong with it.
pub fn scenario(path: &Path) -> anyhow::Result<Scenario> {
    from_json(merged(path, 0)?).with_context(|| format!("`{}` is no scenario", path.display()))
}

/// A scenario from JSON that is based on nothing.
///
/// # Errors
/// A sentence that names the key and what is wrong with it.
pub fn from_json(json: Json) -> anyhow::Result<Scenario> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner();
        if path == "." {
            anyhow::anyhow!("{why}")
        } else {
            anyhow::anyhow!("`{path}`: {why}")
        }
    })
}

fn merged(path: &Path, depth: usize) -> anyhow::Result<Json> {
    let shown = path.display();
    if depth > BASES_MAX {
        bail!("`{shown}`: `based_on` leads on more than {BASES_MAX} times; does it lead back to itself?");
    }
    let n_bytes = std::fs::metadata(path)
        .with_context(|| format!("cannot read `{shown}`"))?
        .len();
    if n_bytes > BYTES_MAX {
        bail!("`{shown}` has {n_bytes} bytes, more than the {BYTES_MAX} a scenario may have");
    }
    let text = inputs::text_of(path)?;
    let mut json = inputs::json(&text, &shown.to_string())?;
    let Some(entries) = json.as_object_mut() else {
        bail!("`{shown}` is no scenario: its text is no JSON object");
    };
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let whole = |named: &str| -> String {
        let named = PathBuf::from(named);
        folder.join(named).display().to_string()
    };
    for key in ["definition", "directory"] {
        if let Some(Json::String(named)) = entries.get_mut(key) {
            *named = whole(named);
        }
    }
    match entries.remove("based_on") {
        None => Ok(json),
        Some(Json::String(base)) => {
            let mut base = merged(Path::new(&whole(&base)), depth + 1)?;
            patch(&mut base, json);
            Ok(base)
        }
        Some(_) => bail!("`{shown}`: `based_on` must be the path of a scenario"),
    }
}

fn patch(target: &mut Json, change: Json) {
    match (target, change) {
        (Json::Object(target), Json::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    patch(target.entry(key).or_insert(Json::Null), value);
                }
            }
        }
        (target, mut change) => {
            strip_nulls(&mut change);
            *target = change;
        }
    }
}

/// In a patch, `null` only ever takes away.
fn strip_nulls(json: &mut Json) {
    if let Json::Object(entries) = json {
        entries.retain(|_, value| !value.is_null());
        entries.values_mut().for_each(strip_nulls);
    }
}
