//! Signatures of a post, over the very bytes that are sent (semantics: effects).
//!
//! ```text
//! webhook-signature   v1,<base64 of HMAC-SHA-256(key, "<id>.<seconds>.<body>")>   one a secret, parted by blanks
//! signature           <lower-case hexadecimal of HMAC-SHA-256(key, "<seconds>.<body>")>   with the first secret
//! ```
//!
//! A secret's key are its bytes; where it begins with `whsec_`, those that the rest is base64 of.
//! Source: Standard Webhooks 1.0.0; the second is that of Loonflow.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use loonflow_engine::account::token::{Secret, hex};
use sha2::Sha256;

use crate::limits::SECRETS_MAX;

/// Secrets are often copied without the signs at their end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Two headers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signatures {
    /// `webhook-signature`
    pub(crate) standard: String,
    /// `signature`
    pub(crate) first: String,
}

/// A token that cannot sign, told without it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadToken {
    /// By its place, from 1.
    #[error("secret {0} of the token begins with `whsec_`, and what follows is no base64")]
    NoBase64(usize),
    #[error("the token has more than {SECRETS_MAX} secrets")]
    TooMany,
}

/// Signs with each secret of a token; `None` where there is none.
///
/// # Errors
/// When a secret cannot be read.
pub(crate) fn sign(token: &Secret, id: &str, seconds: &str, body: &[u8]) -> Result<Option<Signatures>, BadToken> {
    let (mut standard, mut first) = (Vec::new(), None);
    for (idx, secret) in token.expose().split_whitespace().enumerate() {
        if idx == SECRETS_MAX {
            return Err(BadToken::TooMany);
        }
        let keyed = keyed(secret).ok_or(BadToken::NoBase64(idx + 1))?;
        let signed = digest(&keyed, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body]);
        standard.push(format!("v1,{}", STANDARD.encode(signed)));
        if idx == 0 {
            first = Some(hex(&digest(&keyed, &[seconds.as_bytes(), b".", body])));
        }
    }
    Ok(first.map(|first| Signatures {
        standard: standard.join(" "),
        first,
    }))
}

fn keyed(secret: &str) -> Option<Hmac<Sha256>> {
    let key = match secret.strip_prefix("whsec_") {
        // Nothing is no secret: everybody could sign with it.
        Some(encoded) => LENIENT.decode(encoded).ok().filter(|key| !key.is_empty())?,
        None => secret.as_bytes().to_vec(),
    };
    // Keys of every length are taken.
    Hmac::new_from_slice(&key).ok()
}

fn digest(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECONDS: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const SIGNED_PLAIN: &str = "v1,tgOMx2V+ymftc5zrV4Kwy5UOWZAx1XMh0yu4Sm/6/r0=";

    fn signed(token: &str) -> Result<Option<(String, String)>, BadToken> {
        let signed = sign(&Secret::new(token), ID, SECONDS, BODY)?;
        Ok(signed.map(|signatures| (signatures.standard, signatures.first)))
    }

    /// Recorded: the first from the specification, the others with `openssl dgst -sha256 -hmac`.
    #[test]
    fn recorded_signatures_are_made_again() {
        let of_first = "e96203c6de850e7dc1fde7489ef6140b402d3a5a64fe250cd2eef9830fac1cef";
        let of_plain = "4aae3ff2805a31c595686774fb9b8f5f3d7419c24b5c2e72ddf5749fe4023ab6";
        for (token, standard, first) in [
            (SECRET, SIGNED.to_owned(), of_first),
            ("plain", SIGNED_PLAIN.to_owned(), of_plain),
            ("  plain ", SIGNED_PLAIN.to_owned(), of_plain),
            (&format!("{SECRET} plain"), format!("{SIGNED} {SIGNED_PLAIN}"), of_first),
            (
                &format!("plain\t{SECRET}"),
                format!("{SIGNED_PLAIN} {SIGNED}"),
                of_plain,
            ),
        ] {
            assert_eq!(signed(token), Ok(Some((standard, first.to_owned()))), "{token}");
        }
    }

    #[test]
    fn padding_may_be_left_out() {
        let padded = signed("whsec_c2VjcmV0IQ==").unwrap();
        assert_eq!(signed("whsec_c2VjcmV0IQ").unwrap(), padded);
        assert_eq!(signed("secret!").unwrap(), padded);
    }

    #[test]
    fn tokens_that_cannot_sign_are_told_by_place() {
        assert_eq!(signed("").unwrap(), None);
        assert_eq!(signed(" ").unwrap(), None);
        assert_eq!(signed("whsec_").unwrap_err(), BadToken::NoBase64(1));
        let told = signed("plain whsec_hush!hush").unwrap_err();
        assert_eq!(told, BadToken::NoBase64(2));
        assert!(!told.to_string().contains("hush"), "{told}");
        assert!(signed(&"a ".repeat(SECRETS_MAX)).is_ok());
        assert_eq!(signed(&"a ".repeat(SECRETS_MAX + 1)).unwrap_err(), BadToken::TooMany);
    }
}
