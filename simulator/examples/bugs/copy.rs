//! The copy of the workspace in which the bugs are: what git has, with every edit as a switch, and the hunter.
//!
//! A file is written only where it differs, so that a second build takes up where the first one was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::edit::switched;
use crate::list::Bug;

/// What there is in the copy alone.
const SWITCH: &str = include_str!("../../bugs/switch.rs");
const HUNT: &str = include_str!("../../bugs/hunt.rs");
const ENGINE: &str = "engine/src/lib.rs";
const WORKSPACE: &str = "Cargo.toml";
const MANIFEST: &str = "engine/Cargo.toml";
const LINTS: &str = "[lints]\nworkspace = true\n";

/// Writes the copy.
pub(crate) fn write(root: &Path, copy: &Path, bugs: &[Bug]) -> anyhow::Result<()> {
    let mut files = BTreeMap::new();
    for path in tracked(root)? {
        // What is deleted and not yet committed is still listed.
        if let Ok(bytes) = std::fs::read(root.join(&path)) {
            files.insert(path, bytes);
        }
    }
    put_in(&mut files, bugs)?;
    let kept: BTreeSet<PathBuf> = files.keys().map(|path| copy.join(path)).collect();
    remove_others(copy, &kept)?;
    for (path, bytes) in files {
        let path = copy.join(path);
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            continue;
        }
        let folder = path.parent().context("a file is in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        std::fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// What git has, and what is new.
fn tracked(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = git.output().context("git does not start")?;
    ensure!(
        output.status.success(),
        "git lists no files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).context("a file's name is no UTF-8")?;
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

fn put_in(files: &mut BTreeMap<String, Vec<u8>>, bugs: &[Bug]) -> anyhow::Result<()> {
    let mut by_file: BTreeMap<&str, Vec<&Bug>> = BTreeMap::new();
    for bug in bugs {
        by_file.entry(&bug.file).or_default().push(bug);
    }
    let mut broken = Vec::new();
    for (file, bugs) in by_file {
        match switched(text(files, file)?, &bugs) {
            Ok(text) => {
                files.insert(file.to_owned(), text.into_bytes());
            }
            Err(these) => broken.extend(these.iter().map(ToString::to_string)),
        }
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    let engine = format!("{}\npub mod bugs;\n", text(files, ENGINE)?);
    // Wrong code has what lints are against; here nobody wants to read of it.
    let manifest = text(files, MANIFEST)?;
    ensure!(manifest.contains(LINTS), "`{MANIFEST}` has no `{LINTS}`");
    let manifest = manifest.replace(LINTS, "[lints.rust]\nwarnings = \"allow\"\n");
    let names: Vec<&str> = bugs.iter().map(|bug| bug.name.as_str()).collect();
    let switch = SWITCH.replace("{ NAMES }", &format!("{{ {} }}", names.join(" ")));
    files.insert(ENGINE.to_owned(), engine.into_bytes());
    files.insert(MANIFEST.to_owned(), manifest.into_bytes());
    files.insert(
        WORKSPACE.to_owned(),
        of_another_version(text(files, WORKSPACE)?)?.into_bytes(),
    );
    files.insert("engine/src/bugs.rs".to_owned(), switch.into_bytes());
    files.insert("simulator/examples/hunt.rs".to_owned(), HUNT.into());
    Ok(())
}

/// The manifest of the workspace with another version for its packages. In one target folder cargo tells packages apart
/// by name and version, and by their path only as seen from the workspace: with the same version it could take an engine
/// with bugs in it for the real one.
fn of_another_version(manifest: &str) -> anyhow::Result<String> {
    let (before, after) = manifest
        .split_once("[workspace.package]\nversion = \"")
        .with_context(|| format!("`{WORKSPACE}` does not begin `[workspace.package]` with the version"))?;
    let (version, after) = after.split_once('"').context("a version ends")?;
    Ok(format!(
        "{before}[workspace.package]\nversion = \"{version}-bugs\"{after}"
    ))
}

fn text<'f>(files: &'f BTreeMap<String, Vec<u8>>, file: &str) -> anyhow::Result<&'f str> {
    let bytes = files.get(file).with_context(|| format!("there is no `{file}`"))?;
    Ok(std::str::from_utf8(bytes)?)
}

/// Removes what the workspace no longer has.
fn remove_others(folder: &Path, kept: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, kept)?;
        } else if !kept.contains(&path) {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    Ok(())
}
