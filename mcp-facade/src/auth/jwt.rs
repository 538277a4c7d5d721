//! JWTs signed with HS256 by a shared key: signature, end, and the e-mail address in claim `data.email`.
//!
//! Not here: whether that user exists. Other algorithms are refused before a key is touched, `none` among them.
//!
//! The cryptography is `hmac` and `sha2` alone: the bundles that jsonwebtoken offers bring RSA (which has an open
//! advisory) or a C build, and neither is used here.

use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier as Verify, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation};
use loonflow_engine::account::email;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{ApiError, Code};
use crate::secret::Secret;

/// Seconds that a token's start (`nbf`) may lie in the future, for clocks that differ. Its end has no such grace.
const START_LEEWAY_S: f64 = 60.0;

/// Checks tokens against one key.
#[derive(Clone)]
pub struct JwtVerifier {
    key: DecodingKey,
    validation: Validation,
}

impl JwtVerifier {
    /// A verifier for the key's bytes as written in the setting. The caller has checked its length.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        install_provider();
        let mut validation = Validation::new(Algorithm::HS256);
        // Time is checked below against the given clock; audiences and issuers are not part of the contract.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        Self {
            key: DecodingKey::from_secret(key.expose().as_bytes()),
            validation,
        }
    }

    /// The e-mail address of a good token, as directories keep it. `now_s` is seconds since 1970.
    ///
    /// What is not understood is refused: extensions that the issuer calls critical, a time that is no number, and a key
    /// that is there twice, of which every reader takes another.
    ///
    /// # Errors
    /// [`Code::TokenExpired`] when the end is reached, [`Code::TokenInvalid`] for everything else.
    pub fn verify(&self, token: &str, now_s: u64) -> Result<String, ApiError> {
        let token = jsonwebtoken::decode::<Unambiguous>(token, &self.key, &self.validation)
            .map_err(|error| invalid(reason(&error)))?;
        if token.header.crit.is_some() {
            return Err(invalid(
                "it has critical extensions (header `crit`), and this server knows none",
            ));
        }
        let Unambiguous(claims) = token.claims;
        let Some(end_s) = claims.get("exp").and_then(Value::as_f64) else {
            return Err(invalid("it has no end (claim `exp`, seconds since 1970)"));
        };
        #[expect(clippy::cast_precision_loss, reason = "exact up to the year 285 million")]
        let now_s = now_s as f64;
        if end_s <= now_s {
            return Err(ApiError::new(Code::TokenExpired, "the JWT's time is over"));
        }
        if let Some(start) = claims.get("nbf") {
            match start.as_f64() {
                Some(start_s) if start_s <= now_s + START_LEEWAY_S => {}
                Some(_) => return Err(invalid("its time has not begun (claim `nbf`)")),
                None => {
                    return Err(invalid(
                        "its beginning is no number of seconds since 1970 (claim `nbf`)",
                    ));
                }
            }
        }
        let email = claims
            .get("data")
            .and_then(|data| data.get("email"))
            .and_then(Value::as_str);
        let email = email::folded(email.unwrap_or_default());
        if email.is_empty() {
            return Err(invalid("it names no user (claim `data.email`)"));
        }
        Ok(email)
    }
}

impl std::fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JwtVerifier([secret])")
    }
}

/// JSON in which no object has a key twice.
#[derive(Clone)]
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnambiguousVisitor).map(Self)
    }
}

struct UnambiguousVisitor;

impl<'de> Visitor<'de> for UnambiguousVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON in which no object has a key twice")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Unambiguous(value))) = entries.next_entry::<String, _>()? {
            if object.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("a key is there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

fn invalid(why: &str) -> ApiError {
    ApiError::new(Code::TokenInvalid, format!("the JWT is not valid: {why}"))
}

/// The reason in words of our own: the library's may quote parts of the token.
fn reason(error: &Error) -> &'static str {
    // The library's list of kinds is open, and all others mean that it is no JWT.
    if matches!(error.kind(), ErrorKind::InvalidSignature) {
        "it is signed with another key"
    } else if matches!(
        error.kind(),
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName
    ) {
        "its algorithm is not HS256"
    } else {
        "it cannot be read"
    }
}

/// Signs claims with HS256: for tools and tests that play the part of the issuer.
///
/// # Errors
/// When the claims cannot be written as JSON.
pub fn sign(claims: &Value, key: &Secret) -> Result<String, Error> {
    install_provider();
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        claims,
        &EncodingKey::from_secret(key.expose().as_bytes()),
    )
}

/// Gives jsonwebtoken its cryptography, once per process; one that is there already stays.
fn install_provider() {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| CryptoProvider {
        signer_factory: |algorithm, key| {
            if *algorithm != Algorithm::HS256 || key.family() != AlgorithmFamily::Hmac {
                return Err(ErrorKind::InvalidAlgorithm.into());
            }
            Ok(Box::new(Hs256::new(key.as_bytes())?))
        },
        verifier_factory: |algorithm, key| {
            if *algorithm != Algorithm::HS256 || key.family() != AlgorithmFamily::Hmac {
                return Err(ErrorKind::InvalidAlgorithm.into());
            }
            Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)?))
        },
        key_utils: KeyUtils::new_unimplemented(),
    });
    // An earlier installation (ours, or that of an embedding program) is as good.
    let _ = provider.install_default();
}

/// HMAC with SHA-256 over `header.payload`.
struct Hs256(Hmac<sha2::Sha256>);

impl Hs256 {
    fn new(key: &[u8]) -> Result<Self, Error> {
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // `verify_slice` compares in constant time and refuses other lengths.
        self.0
            .clone()
            .chain_update(message)
            .verify_slice(signature)
            .map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verify for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW_S: u64 = 1_800_000_000;

    fn key() -> Secret {
        Secret::new("a key of thirty-two bytes or more")
    }

    fn check(token: &str) -> Result<String, Code> {
        JwtVerifier::new(&key()).verify(token, NOW_S).map_err(|error| {
            assert!(
                token.len() < 8 || !error.to_string().contains(token),
                "the token is shown: {error}"
            );
            error.code
        })
    }

    fn signed(claims: &Value) -> String {
        sign(claims, &key()).expect("claims are JSON")
    }

    /// A token with the given header, unsigned or signed as `signature` says.
    fn crafted(header: &Value, claims: &Value, signature: &str) -> String {
        format!(
            "{}.{}.{signature}",
            base64url(&header.to_string()),
            base64url(&claims.to_string())
        )
    }

    fn base64url(text: &str) -> String {
        base64url_bytes(text.as_bytes())
    }

    fn base64url_bytes(bytes: &[u8]) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut out = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for digit in 0..=chunk.len() {
                out.push(char::from(ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize]));
            }
        }
        out
    }

    fn good() -> Value {
        json!({ "exp": NOW_S + 60, "data": { "email": " Ada@Example.COM " } })
    }

    #[test]
    fn a_good_token_names_its_user() {
        assert_eq!(check(&signed(&good())), Ok("ada@example.com".to_owned()));
    }

    #[test]
    fn a_token_ends() {
        let mut claims = good();
        claims["exp"] = json!(NOW_S);
        assert_eq!(check(&signed(&claims)), Err(Code::TokenExpired));
        claims["exp"] = json!(NOW_S as f64 + 0.5);
        assert!(check(&signed(&claims)).is_ok());
    }

    #[test]
    fn a_token_without_an_end_or_with_a_strange_one_is_invalid() {
        for exp in [json!(null), json!("2030-01-01"), json!(true), json!({})] {
            let mut claims = good();
            claims["exp"] = exp;
            assert_eq!(check(&signed(&claims)), Err(Code::TokenInvalid));
        }
        assert_eq!(
            check(&signed(&json!({ "data": { "email": "a@b.c" } }))),
            Err(Code::TokenInvalid)
        );
    }

    #[test]
    fn a_token_without_a_user_is_invalid() {
        for data in [
            json!(null),
            json!({}),
            json!({ "email": "" }),
            json!({ "email": 5 }),
            json!("a@b.c"),
        ] {
            let mut claims = good();
            claims["data"] = data;
            assert_eq!(check(&signed(&claims)), Err(Code::TokenInvalid));
        }
        assert_eq!(
            check(&signed(&json!({ "exp": NOW_S + 1, "email": "a@b.c" }))),
            Err(Code::TokenInvalid)
        );
    }

    #[test]
    fn a_token_that_has_not_begun_is_invalid() {
        let mut claims = good();
        claims["nbf"] = json!(NOW_S + 61);
        assert_eq!(check(&signed(&claims)), Err(Code::TokenInvalid));
        claims["nbf"] = json!(NOW_S + 59);
        assert!(check(&signed(&claims)).is_ok());
        for nbf in [
            json!("4000000000"),
            json!("soon"),
            json!(null),
            json!(true),
            json!([]),
            json!({}),
        ] {
            claims["nbf"] = nbf;
            assert_eq!(check(&signed(&claims)), Err(Code::TokenInvalid), "{claims}");
        }
    }

    /// Signed as they are: with a header and claims that no library of ours would write.
    fn signed_raw(header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let signer = Hs256::new(key().expose().as_bytes()).expect("a key");
        let signature = signer.try_sign(message.as_bytes()).expect("signs");
        format!("{message}.{}", base64url_bytes(&signature))
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        const HEADER: &str = r#"{"alg":"HS256"}"#;
        let end = NOW_S + 60;
        let good = format!(r#"{{"exp":{end},"data":{{"email":"ada@example.com"}}}}"#);
        assert_eq!(check(&signed_raw(HEADER, &good)), Ok("ada@example.com".to_owned()));
        for header in [
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","crit":["urn:example:unknown"]}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":"x"}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
        ] {
            assert_eq!(check(&signed_raw(header, &good)), Err(Code::TokenInvalid), "{header}");
        }
        for claims in [
            format!(r#"{{"exp":{end},"data":{{"email":"dev@example.com","email":"ada@example.com"}}}}"#),
            format!(r#"{{"exp":{end},"data":{{"email":"dev@example.com"}},"data":{{"email":"ada@example.com"}}}}"#),
            format!(r#"{{"exp":1,"exp":{end},"data":{{"email":"ada@example.com"}}}}"#),
            format!(r#"{{"exp":{end},"nbf":{end},"nbf":0,"data":{{"email":"ada@example.com"}}}}"#),
            format!(r#"{{"exp":{end},"data":{{"email":"ada@example.com"}},"other":[{{"a":1,"a":2}}]}}"#),
        ] {
            assert_eq!(check(&signed_raw(HEADER, &claims)), Err(Code::TokenInvalid), "{claims}");
        }
    }

    /// Another's address stays another's: the directory has neither.
    #[test]
    fn only_ascii_is_folded() {
        for (email, kept) in [
            ("\u{212a}im@example.com", "\u{212a}im@example.com"),
            ("\u{85}kim@example.com", "\u{85}kim@example.com"),
            ("kim@example.com\u{3000}", "kim@example.com\u{3000}"),
            (" KIM@example.com ", "kim@example.com"),
        ] {
            let claims = json!({ "exp": NOW_S + 60, "data": { "email": email } });
            assert_eq!(check(&signed(&claims)).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn another_key_is_refused() {
        let token = sign(&good(), &Secret::new("another key of thirty-two bytes!!")).expect("claims are JSON");
        assert_eq!(check(&token), Err(Code::TokenInvalid));
    }

    #[test]
    fn algorithm_none_and_every_other_one_are_refused() {
        for algorithm in [
            "none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "XX",
        ] {
            let header = json!({ "alg": algorithm, "typ": "JWT" });
            for signature in ["", "AAAA"] {
                assert_eq!(
                    check(&crafted(&header, &good(), signature)),
                    Err(Code::TokenInvalid),
                    "{algorithm}"
                );
            }
        }
        // The right signature under another algorithm's name is no way in either.
        let token = signed(&good());
        let (_, rest) = token.split_once('.').expect("three parts");
        let renamed = format!("{}.{rest}", base64url(r#"{"alg":"none"}"#));
        assert_eq!(check(&renamed), Err(Code::TokenInvalid));
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = signed(&good());
        let mut parts = token.split('.');
        let (header, _, signature) = (
            parts.next().expect("1"),
            parts.next().expect("2"),
            parts.next().expect("3"),
        );
        let other = base64url(&json!({ "exp": NOW_S + 60, "data": { "email": "root@example.com" } }).to_string());
        assert_eq!(check(&format!("{header}.{other}.{signature}")), Err(Code::TokenInvalid));
        assert_eq!(check(&token[..token.len() - 2]), Err(Code::TokenInvalid));
        for text in ["a.b.c", "..", "a", "a.b", "a.b.c.d", "ey.ey.ey"] {
            assert_eq!(check(text), Err(Code::TokenInvalid), "{text}");
        }
    }
}
