//! Signing in with e-mail address and password, and the sessions that begin so (semantics: sessions).
//!
//! Not here: how often somebody may try, and where a session's secret is kept, which are the facade's; the table
//! (`sessions`).

use sha2::{Digest, Sha256};

use crate::account::token::{self, Secret};
use crate::account::{User, password};
use crate::id::{TenantId, UserId};
use crate::runtime::engine::Engine;
use crate::runtime::fault::{AuthProblem, Fault};
use crate::runtime::sessions::{self, Key, Session};

/// That somebody knew a user's password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Their tenant.
    pub tenant_id: TenantId,
    /// They themselves.
    pub user_id: UserId,
    /// Digest of the hash that the password fitted.
    password: [u8; 32],
}

/// Signing in, and what it begins.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// Signing in, and what it begins.
    #[must_use]
    pub fn sign_in(&self) -> SignIn<'_> {
        SignIn { engine: self }
    }
}

impl SignIn<'_> {
    /// Whose e-mail address and password these are. Slow on purpose: an async caller runs it off its thread, and bounds
    /// how many run at once. An unknown address takes as long as a wrong password and is refused alike.
    ///
    /// # Errors
    /// `Invalid`; `UserInactive` only to whoever knows the password.
    pub fn check_password(self, email: &str, secret: &Secret) -> Result<SignedIn, AuthProblem> {
        let registry = &self.engine.inner.registry;
        let found = registry.by_email(email).and_then(|(tenant, user)| {
            let state = registry.tenant(&tenant)?;
            state.directory.user(&user).map(|user| (tenant, user.clone()))
        });
        let hash = found.as_ref().and_then(|(_, user)| user.password_hash.as_deref());
        let fits = password::verify(secret, hash.unwrap_or(password::NOBODYS));
        match found {
            Some((tenant, user)) if fits && user.password_hash.is_some() => {
                registry.active_user(&tenant, &user.id)?;
                Ok(SignedIn {
                    tenant_id: tenant,
                    password: digest_of(&user),
                    user_id: user.id.clone(),
                })
            }
            Some(_) | None => Err(AuthProblem::Invalid),
        }
    }

    /// Begins a session; its secret is given this once. It is on disk when it is answered.
    ///
    /// # Errors
    /// A fault: there is no session.
    pub async fn begin(self, who: &SignedIn) -> Result<Secret, Fault> {
        let shared = &self.engine.inner.shared;
        let secret = Secret::new(token::hex(&shared.ports.random.secret_bytes()));
        let now = shared.ports.clock.now();
        let session = Session {
            tenant: who.tenant_id.clone(),
            user: who.user_id.clone(),
            password: who.password,
            began_at: now,
            used_at: now,
        };
        let key = token::digest(secret.expose());
        self.engine.inner.sessions.begin(&shared.log, key, session).await?;
        Ok(secret)
    }

    /// Whose session a secret is of, if it goes on: not ended, not over, the user active, the password the same. Notes that
    /// it was used.
    ///
    /// # Errors
    /// `Expired` where it does not, whatever the reason; `UserInactive` where the user is not active.
    pub fn identify(self, secret: &str) -> Result<(TenantId, UserId), AuthProblem> {
        let inner = &self.engine.inner;
        let now = inner.shared.ports.clock.now();
        let key = token::digest(secret);
        let (session, is_due) = inner.sessions.used(&key, now).ok_or(AuthProblem::Expired)?;
        inner.registry.active_user(&session.tenant, &session.user)?;
        let tenant = inner.registry.tenant(&session.tenant).ok_or(AuthProblem::Expired)?;
        let user = tenant.directory.user(&session.user).ok_or(AuthProblem::Expired)?;
        if digest_of(user) != session.password {
            return Err(AuthProblem::Expired);
        }
        if is_due && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (engine, used) = (self.engine.clone(), session.clone());
            runtime.spawn(async move { engine.note_session_use(key, used).await });
        }
        Ok((session.tenant, session.user))
    }

    /// Ends a session: whoever holds its secret is nobody from now on. One that is not there is ended already.
    ///
    /// # Errors
    /// When the log did not take it: it has ended, and a start may bring it back.
    pub async fn end(self, secret: &str) -> Result<(), Fault> {
        let key = token::digest(secret);
        self.engine.inner.sessions.end(&self.engine.inner.shared.log, key).await
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// As [`SignIn::end`].
    pub async fn end_all_of(self, tenant: &TenantId, user: &UserId) -> Result<(), Fault> {
        self.engine
            .inner
            .sessions
            .end_all(&self.engine.inner.shared.log, tenant, user)
            .await
    }
}

impl Engine {
    /// Writes down that a session was used.
    async fn note_session_use(&self, key: Key, used: Session) {
        let log = &self.inner.shared.log;
        let mut written = sessions::write(log, vec![(key, Some(used))]).await;
        // One that ended meanwhile must not come back at the next start: it left the table before it left the log.
        if !self.inner.sessions.has(&key) {
            written = sessions::write(log, vec![(key, None)]).await;
        }
        if let Err(error) = written {
            tracing::warn!(%error, "a session's last use could not be written down");
        }
    }
}

fn digest_of(user: &User) -> [u8; 32] {
    Sha256::digest(user.password_hash.as_deref().unwrap_or_default().as_bytes()).into()
}
