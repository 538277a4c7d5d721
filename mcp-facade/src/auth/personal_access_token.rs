//! The written form of a personal access token: `lfpat.<id>.<secret>`.
//!
//! Not here: looking it up, comparing its digest, expiry and revocation, which are the directory's.

use crate::limits::TOKEN_BYTES_MAX;
use crate::secret::Secret;

/// The word that every personal access token starts with.
pub const PREFIX: &str = "lfpat";

/// A well-formed token. `id` and `secret` are not empty and hold ASCII letters, digits, `-` and `_` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalAccessToken {
    /// Names the token; not secret.
    pub id: String,
    /// Proves it.
    pub secret: Secret,
}

impl PersonalAccessToken {
    /// Whether a text is meant as a personal access token, well-formed or not.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text == PREFIX || text.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('.'))
    }

    /// The parts of `text`: exactly three, parted by full stops.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let mut parts = text.split('.');
        let (prefix, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let well_formed = prefix == PREFIX && parts.next().is_none() && is_word(id) && is_word(secret);
        well_formed.then(|| Self {
            id: id.to_owned(),
            secret: Secret::new(secret),
        })
    }
}

fn is_word(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_are_a_token() {
        let token = PersonalAccessToken::parse("lfpat.0198c-1_a.S3cret_-x").expect("well-formed");
        assert_eq!(token.id, "0198c-1_a");
        assert_eq!(token.secret.expose(), "S3cret_-x");
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "lfpat",
            "lfpat.",
            "lfpat..",
            "lfpat.a",
            "lfpat.a.",
            "lfpat..b",
            "lfpat.a.b.c",
            "LFPAT.a.b",
            "xlfpat.a.b",
            "lfpat.a b.c",
            "lfpat.a.b=",
            "lfpat.a.b/",
            " lfpat.a.b",
            "lfpat.ä.b",
        ] {
            assert_eq!(PersonalAccessToken::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_bad_one_is_still_meant_as_one() {
        assert!(PersonalAccessToken::is_meant("lfpat.a"));
        assert!(PersonalAccessToken::is_meant("lfpat"));
        assert!(!PersonalAccessToken::is_meant("lfpatx.a.b"));
    }
}
