//! Who is calling: from credentials as they come to an [`Identity`] that the engine's directory can look up.
//!
//! Not here: whether the user exists and is active, whether a personal access token is known, expired or revoked, and
//! what the application may use; that is the directory's (the engine), asked by `caller`.
//!
//! Passwords and how often they may be tried: `attempts`. Order of sources: `credentials`. Forms: `personal_access_token` (`lfpat.…`), `jwt` (anything else).

pub mod attempts;
pub mod caller;
pub mod credentials;
pub mod jwt;
pub mod personal_access_token;

use crate::error::{ApiError, Code};
use crate::limits::TOKEN_BYTES_MAX;

pub use attempts::Attempts;
pub use credentials::{Credential, Source};
pub use jwt::JwtVerifier;
pub use personal_access_token::PersonalAccessToken;

/// What a credential claims, as far as it can be checked without the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A personal access token, well-formed but not yet looked up.
    PersonalAccessToken(PersonalAccessToken),
    /// A JWT whose signature and end were checked: the user's e-mail address, as directories keep it.
    Email(String),
}

/// Reads a credential.
///
/// `now_s` is the time in seconds since 1970; `jwt` is absent when no key is configured.
///
/// # Errors
/// [`Code::TokenInvalid`] or [`Code::TokenExpired`]; the message never repeats any part of the token.
pub fn identify(credential: &Credential, jwt: Option<&JwtVerifier>, now_s: u64) -> Result<Identity, ApiError> {
    let token = credential.token.expose();
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed(credential.source));
    }
    if PersonalAccessToken::is_meant(token) {
        return PersonalAccessToken::parse(token)
            .map(Identity::PersonalAccessToken)
            .ok_or_else(|| malformed(credential.source));
    }
    match jwt {
        Some(verifier) => verifier.verify(token, now_s).map(Identity::Email),
        None => Err(ApiError::new(
            Code::TokenInvalid,
            "the token is no personal access token, and this server takes no JWT",
        )
        .with_hint("use a personal access token, `lfpat.<id>.<secret>`")),
    }
}

fn malformed(source: Source) -> ApiError {
    ApiError::new(
        Code::TokenInvalid,
        format!("the token in {} is malformed", source.words()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn identify_text(token: &str) -> Result<Identity, ApiError> {
        let verifier = JwtVerifier::new(&Secret::new("0123456789abcdef0123456789abcdef"));
        let credential = Credential {
            source: Source::Argument,
            token: Secret::new(token),
        };
        identify(&credential, Some(&verifier), 1_000)
    }

    #[test]
    fn personal_access_tokens_and_jwts_are_told_apart() {
        assert!(matches!(
            identify_text("lfpat.abc.def"),
            Ok(Identity::PersonalAccessToken(_))
        ));
        assert!(matches!(identify_text("abc.def.ghi"), Err(error) if error.code == Code::TokenInvalid));
    }

    #[test]
    fn what_is_no_token_at_all_is_refused_without_being_repeated() {
        for token in [
            "",
            "lfpat.",
            "lfpat",
            "lfpat.x",
            "lfpat.x.",
            "lfpat..y",
            "two words",
            "ünïcode",
            "a\nb",
        ] {
            let error = identify_text(token).expect_err(token);
            assert_eq!(error.code, Code::TokenInvalid, "{token}");
            assert!(
                token.is_empty() || token == "lfpat" || !error.to_string().contains(token),
                "{error}"
            );
        }
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        assert!(matches!(identify_text(&long), Err(error) if error.code == Code::TokenInvalid));
    }

    #[test]
    fn without_a_key_a_jwt_is_refused() {
        let credential = Credential {
            source: Source::Environment,
            token: Secret::new("a.b.c"),
        };
        let error = identify(&credential, None, 0).expect_err("no key");
        assert_eq!(error.code, Code::TokenInvalid);
    }
}
