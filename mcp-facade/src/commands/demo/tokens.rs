//! The demo's tokens: made once and kept in a file of the demo's directory, for its owner only.
//!
//! The engine keeps digests alone, so a token that is to be printed again must be kept somewhere; here it opens example
//! data and nothing else. One that is no longer good is made anew.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::token;
use loonflow_engine::runtime::Engine;

use super::PEOPLE;

/// Label by which people know them in a list.
const LABEL: &str = "demo";

/// A token of one of the demo's people.
pub(super) struct DemoToken {
    pub(super) role: &'static str,
    pub(super) email: String,
    pub(super) token: String,
}

/// The tokens of a run before, made where they are missing or no longer good.
pub(super) async fn keep(engine: &Engine, directory: &Directory, data: &Path) -> anyhow::Result<Vec<DemoToken>> {
    let before = read(data);
    let mut tokens = Vec::new();
    for (role, name) in PEOPLE {
        let user = directory.users.values().find(|user| user.name == name);
        let user = user.with_context(|| format!("the demo has no user `{name}`"))?;
        let kept = before.get(role).filter(|text| {
            let found = token::split(text).map(|(id, secret)| engine.access_tokens().identify(id.as_str(), secret));
            matches!(found, Some(Ok((_, owner, _))) if owner == user.id)
        });
        let token = match kept {
            Some(text) => text.clone(),
            None => {
                let made = engine
                    .access_tokens()
                    .create(&directory.tenant.id, &user.id, LABEL, None)
                    .await?;
                let (_id, token) = made.map_err(|refusal| anyhow!("{refusal}"))?;
                token.expose().to_owned()
            }
        };
        tokens.push(DemoToken {
            role,
            email: user.email.clone(),
            token,
        });
    }
    let now: BTreeMap<&str, &str> = tokens.iter().map(|one| (one.role, one.token.as_str())).collect();
    if before.len() != now.len()
        || now
            .iter()
            .any(|(role, token)| before.get(*role).map(String::as_str) != Some(token))
    {
        write(data, &serde_json::to_vec(&now)?)
            .with_context(|| format!("the demo's tokens cannot be kept in `{}`", data.display()))?;
    }
    Ok(tokens)
}

/// Removes them, where there are any.
pub(super) fn forget(data: &Path) -> io::Result<()> {
    match std::fs::remove_file(path(data)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("demo-tokens.json")
}

/// Tokens by role; none where they cannot be read: then they are made anew.
fn read(data: &Path) -> BTreeMap<String, String> {
    let bytes = std::fs::read(path(data)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn write(data: &Path, bytes: &[u8]) -> io::Result<()> {
    // A file of its own, whatever was in its place: nobody else's mode, nobody else's link.
    forget(data)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path(data))?;
    file.write_all(bytes)
}
