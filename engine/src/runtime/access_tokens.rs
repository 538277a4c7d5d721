//! Personal access tokens: made, listed and taken back; and whose a token is that somebody brings.
//!
//! Not here: their form and their digest (`account::token`).

use std::sync::PoisonError;

use crate::account;
use crate::account::token::{self, Secret};
use crate::id::{AccessTokenId, TenantId, UserId};
use crate::runtime::OperatorAnswer;
use crate::runtime::engine::Engine;
use crate::runtime::fault::{AuthProblem, Fault, OperatorRefusal};
use crate::runtime::registry::Change;
use crate::runtime::request::AccessTokenInfo;
use crate::time::Timestamp;

/// The tree of when tokens were last used.
pub(crate) const TOKEN_USED: &str = "token_used";
/// A token's last use is written at most this often (semantics: access-tokens).
const TOKEN_USED_EVERY_MS: i64 = 60_000;

/// Personal access tokens.
#[derive(Clone, Copy, Debug)]
pub struct AccessTokens<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// Personal access tokens.
    #[must_use]
    pub fn access_tokens(&self) -> AccessTokens<'_> {
        AccessTokens { engine: self }
    }
}

impl AccessTokens<'_> {
    /// Makes a personal access token for a user; its text is shown this once.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn create(
        self,
        tenant: &TenantId,
        user: &UserId,
        label: &str,
        days: Option<u32>,
    ) -> OperatorAnswer<(AccessTokenId, Secret)> {
        let random = &self.engine.inner.shared.ports.random;
        let id = AccessTokenId::new(token::hex(&random.secret_bytes()[..8]));
        let text = token::compose(&id, random.secret_bytes());
        let Some((_, secret)) = token::split(text.expose()) else {
            return Err(Fault::Inconsistent {
                what: "a token that does not read".into(),
            });
        };
        let command = account::command::Command::CreateAccessToken {
            id: id.clone(),
            user: user.clone(),
            label: label.to_owned(),
            sha256: token::digest(secret),
            expires_in_days: days,
        };
        let change = Change::Account {
            tenant: tenant.clone(),
            command: Box::new(command),
        };
        Ok(self.engine.change(change).await?.map(|_| (id, text)))
    }

    /// A user's personal access tokens, by id, revoked and expired ones included.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn list(self, tenant: &TenantId, user: &UserId) -> OperatorAnswer<Vec<AccessTokenInfo>> {
        let Some(directory) = self.engine.directories().of(tenant) else {
            return Ok(Err(OperatorRefusal::TenantNotFound { id: tenant.to_string() }));
        };
        let log = self.engine.inner.shared.log.clone();
        let own: Vec<_> = directory.access_tokens_of(user).cloned().collect();
        // What this process noted may be on its way to the log still.
        let noted: Vec<Option<Timestamp>> = {
            let used = self.engine.inner.tokens_used.lock();
            let used = used.unwrap_or_else(PoisonError::into_inner);
            own.iter().map(|one| used.get(&one.id).copied()).collect()
        };
        let read = tokio::task::spawn_blocking(move || -> Result<Vec<AccessTokenInfo>, Fault> {
            let tokens = own.iter().zip(noted).map(|(one, noted)| {
                let last_used_at = match noted {
                    Some(noted) => Some(noted),
                    None => {
                        let used = log.kv_get(TOKEN_USED, one.id.as_str().as_bytes())?;
                        used.and_then(|bytes| Some(Timestamp(i64::from_be_bytes(bytes.try_into().ok()?))))
                    }
                };
                Ok(AccessTokenInfo {
                    id: one.id.clone(),
                    label: one.label.clone(),
                    created_at: one.created_at,
                    expires_at: one.expires_at,
                    revoked_at: one.revoked_at,
                    last_used_at,
                })
            });
            tokens.collect()
        });
        Ok(Ok(read.await.map_err(|_| Fault::WorkerDied)??))
    }

    /// Takes a user's personal access token back; once more changes nothing.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn revoke(self, tenant: &TenantId, user: &UserId, id: &AccessTokenId) -> OperatorAnswer<()> {
        let command = account::command::Command::RevokeAccessToken {
            id: id.clone(),
            by: user.clone(),
        };
        let change = Change::Account {
            tenant: tenant.clone(),
            command: Box::new(command),
        };
        Ok(self.engine.change(change).await?.map(|_| ()))
    }

    /// Whose a personal access token is. No request waits for it: a look-up, one SHA-256.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn identify(self, id: &str, secret: &str) -> Result<(TenantId, UserId, AccessTokenId), AuthProblem> {
        let inner = &self.engine.inner;
        let tenant_id = inner.registry.tenant_of_token(id).ok_or(AuthProblem::Invalid)?;
        let tenant = inner.registry.find(&tenant_id);
        let tenant = tenant
            .map_err(|_| AuthProblem::DirectoryUnreadable)?
            .ok_or(AuthProblem::Invalid)?;
        let found = tenant.directory.access_tokens.get(id).ok_or(AuthProblem::Invalid)?;
        let now = inner.shared.ports.clock.now();
        token::verify(found, secret, now).map_err(|problem| match problem {
            token::TokenProblem::Wrong => AuthProblem::Invalid,
            token::TokenProblem::Expired => AuthProblem::Expired,
            token::TokenProblem::Revoked => AuthProblem::Revoked,
        })?;
        inner.registry.active_user(&tenant_id, &found.user_id)?;
        self.note_use(&found.id, now);
        Ok((tenant_id, found.user_id.clone(), found.id.clone()))
    }

    /// Writes down, in the background, that a token was used; at most once a minute.
    fn note_use(self, id: &AccessTokenId, now: Timestamp) {
        {
            let mut used = self
                .engine
                .inner
                .tokens_used
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match used.get(id) {
                Some(last) if now.0 - last.0 < TOKEN_USED_EVERY_MS => return,
                Some(_) | None => used.insert(id.clone(), now),
            };
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (log, id) = (self.engine.inner.shared.log.clone(), id.clone());
        runtime.spawn_blocking(move || {
            if let Err(error) = log.kv_put(TOKEN_USED, id.as_str().as_bytes(), Some(&now.0.to_be_bytes())) {
                tracing::warn!(%error, "a token's last use could not be written down");
            }
        });
    }
}
