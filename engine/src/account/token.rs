//! Personal access tokens and other secrets (semantics: access-tokens).
//!
//! A token reads `lfpat.<token id>.<secret>`: the id is public and finds the entry, the secret is 32 random bytes in
//! hexadecimal, shown once. Only its SHA-256 is kept and compared in constant time; a slow hash would add nothing, for
//! the secret cannot be guessed, and would cost every call.
//!
//! Not here: where random bytes come from (`port::RandomSource`), when a token was last used (no event).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::id::{AccessTokenId, UserId};
use crate::time::Timestamp;

/// First part of every token's text.
pub const PREFIX: &str = "lfpat";

/// A text that is never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text: only for the one who signs or checks with it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A personal access token as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// Public part, by which it is found.
    pub id: AccessTokenId,
    /// Whose it is.
    pub user_id: UserId,
    /// What its user calls it.
    pub label: String,
    /// SHA-256 of the secret.
    pub sha256: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl AccessToken {
    /// Whether it works at an instant.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for AccessToken {
    /// Without the digest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("expires_at", &self.expires_at)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}

/// Why a token does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// The secret is not this token's.
    #[error("the access token is not valid")]
    Wrong,
    /// Its end has come.
    #[error("the access token has expired")]
    Expired,
    /// Its user took it back.
    #[error("the access token was revoked")]
    Revoked,
}

impl TokenProblem {
    /// Stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Wrong => "token_invalid",
            Self::Expired => "token_expired",
            Self::Revoked => "token_revoked",
        }
    }
}

/// The whole token from its id and 32 random bytes: shown once, never kept.
#[must_use]
pub fn compose(id: &AccessTokenId, secret_bytes: [u8; 32]) -> Secret {
    Secret(format!("{PREFIX}.{id}.{}", hex(&secret_bytes)))
}

/// Splits a token's text into its id and secret; `None` where it is none.
#[must_use]
pub fn split(text: &str) -> Option<(AccessTokenId, &str)> {
    let (id, secret) = text.trim().strip_prefix(PREFIX)?.strip_prefix('.')?.split_once('.')?;
    (!id.is_empty() && !secret.is_empty()).then(|| (AccessTokenId::from(id), secret))
}

/// What is kept of a secret: the third part of a token's text.
#[must_use]
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whether a secret is the token's and the token works at this instant. The secret is looked at first, so nobody
/// without it learns whether a token has ended.
///
/// # Errors
/// Why it does not work.
pub fn verify(token: &AccessToken, secret: &str, now: Timestamp) -> Result<(), TokenProblem> {
    if !bool::from(digest(secret).ct_eq(&token.sha256)) {
        return Err(TokenProblem::Wrong);
    }
    if token.revoked_at.is_some() {
        return Err(TokenProblem::Revoked);
    }
    if token.is_live(now) {
        Ok(())
    } else {
        Err(TokenProblem::Expired)
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
            }
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_composed_split_and_verified() {
        let id = AccessTokenId::from("abc");
        let text = compose(&id, [0xa5; 32]);
        assert_eq!(text.expose(), format!("lfpat.abc.{}", "a5".repeat(32)));
        assert_eq!(format!("{text:?}"), "Secret(…)");
        let (found, secret) = split(text.expose()).unwrap();
        assert_eq!(found, id);
        let token = AccessToken {
            id,
            user_id: "u".into(),
            label: String::new(),
            sha256: digest(secret),
            created_at: Timestamp(0),
            expires_at: Some(Timestamp(10)),
            revoked_at: None,
        };
        assert_eq!(verify(&token, secret, Timestamp(9)), Ok(()));
        assert_eq!(verify(&token, "other", Timestamp(9)), Err(TokenProblem::Wrong));
        assert_eq!(verify(&token, secret, Timestamp(10)), Err(TokenProblem::Expired));
        let revoked = AccessToken {
            revoked_at: Some(Timestamp(5)),
            ..token
        };
        assert_eq!(verify(&revoked, secret, Timestamp(9)), Err(TokenProblem::Revoked));
        assert_eq!(verify(&revoked, "other", Timestamp(9)), Err(TokenProblem::Wrong));
        assert!(!format!("{revoked:?}").contains("sha256"));
        for bad in [
            "",
            "lfpat",
            "lfpat.a",
            "lfpat..b",
            "lfpat.a.",
            "other.a.b",
            "lfpatx.a.b",
        ] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }
}
