//! The demo's tokens: made once and kept in a file of the demo's directory, for its owner only.
//!
//! The engine keeps digests alone, so a token that is to be printed again must be kept somewhere; here it opens example
//! data and nothing else. One that is no longer good is made anew.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::token;
use loonflow_engine::runtime::Engine;

use super::{PEOPLE, kept};

/// Label by which people know them in a list.
const LABEL: &str = "demo";

/// One of the demo's people, with what opens the demo to them.
pub(super) struct DemoPerson {
    pub(super) role: &'static str,
    pub(super) email: String,
    pub(super) password: String,
    pub(super) token: String,
}

/// The tokens of a run before, made where they are missing or no longer good.
pub(super) async fn keep(
    engine: &Engine,
    directory: &Directory,
    data: &Path,
    passwords: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<DemoPerson>> {
    let before = kept::read(data, kept::TOKENS);
    let mut tokens = Vec::new();
    for (role, name) in PEOPLE {
        let user = directory.users.values().find(|user| user.name == name);
        let user = user.with_context(|| format!("the demo has no user `{name}`"))?;
        // Looked at and not used: the list of tokens says when somebody did.
        let good = before.get(role).filter(|text| {
            let (id, secret) = token::split(text).unzip();
            let known = id.and_then(|id| directory.access_tokens.get(&id));
            known.is_some_and(|known| {
                known.user_id == user.id
                    && known.revoked_at.is_none()
                    && secret.is_some_and(|secret| token::digest(secret) == known.sha256)
            })
        });
        let token = match good {
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
        tokens.push(DemoPerson {
            role,
            email: user.email.clone(),
            password: passwords.get(role).cloned().unwrap_or_default(),
            token,
        });
    }
    let now: BTreeMap<String, String> = tokens
        .iter()
        .map(|one| (one.role.to_owned(), one.token.clone()))
        .collect();
    kept::write(data, kept::TOKENS, &now)?;
    Ok(tokens)
}
