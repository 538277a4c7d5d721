//! Files of the demo with secrets by role: made once, kept in the demo's directory for its owner only.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

/// Tokens by role.
pub(super) const TOKENS: &str = "demo-tokens.json";
/// Passwords by role.
pub(super) const PASSWORDS: &str = "demo-passwords.json";

/// Secrets by role; none where they cannot be read: then they are made anew.
pub(super) fn read(data: &Path, file: &str) -> BTreeMap<String, String> {
    let bytes = std::fs::read(data.join(file)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Keeps secrets by role, where they are others than before.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn write(data: &Path, file: &str, now: &BTreeMap<String, String>) -> anyhow::Result<()> {
    if read(data, file) == *now {
        return Ok(());
    }
    written(data, file, &serde_json::to_vec(now)?)
        .with_context(|| format!("`{file}` of the demo cannot be kept in `{}`", data.display()))
}

fn written(data: &Path, file: &str, bytes: &[u8]) -> io::Result<()> {
    // A file of its own, whatever was in its place: nobody else's mode, nobody else's link.
    removed(data, file)?;
    let mut opened = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(data.join(file))?;
    opened.write_all(bytes)
}

/// Removes both files, where they are there.
pub(super) fn forget(data: &Path) -> io::Result<()> {
    removed(data, TOKENS)?;
    removed(data, PASSWORDS)
}

fn removed(data: &Path, file: &str) -> io::Result<()> {
    match std::fs::remove_file(data.join(file)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
