//! What of a definition nobody is shown: the one list, for answers of the engine and for exports that go from hand to
//! hand.
//!
//! Entries are known by their names, for most of what stands in `props`, `label` and `layout` is its owner's own.

use serde_json::Value as Json;

/// Parts of names of properties that are secrets wherever they stand, in small letters without what parts words: of
/// components, of edges, in labels and layouts.
const SECRET_WORDS: [&str; 18] = [
    "accesskey",
    "apikey",
    "authorization",
    "clientkey",
    "cookie",
    "credential",
    "encryptionkey",
    "header",
    "hookkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "signature",
    "signingkey",
    "signkey",
    "token",
];
/// Further ones where a component talks to the outside: its addresses often carry credentials.
const SOURCE_WORDS: [&str; 5] = ["url", "uri", "endpoint", "auth", "body"];

/// A copy of some JSON without the entries whose names say that they are secrets, at any depth.
pub(crate) fn without_secrets(json: &Json, is_external: bool) -> Json {
    match json {
        Json::Object(entries) => Json::Object(
            entries
                .iter()
                .filter(|(name, _)| !is_secret(name, is_external))
                .map(|(name, value)| (name.clone(), without_secrets(value, is_external)))
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.iter().map(|item| without_secrets(item, is_external)).collect()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}

/// Whether an entry of this name is a secret; `is_external` where it belongs to what talks to the outside.
#[must_use]
pub fn is_secret(name: &str, is_external: bool) -> bool {
    let name = name.to_lowercase().replace(['-', '_', ' ', '.'], "");
    SECRET_WORDS.iter().any(|word| name.contains(word))
        || (name.contains("hook") && name.contains("url"))
        || (is_external && SOURCE_WORDS.iter().any(|word| name.contains(word)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_leave_no_trace() {
        let props = json!({
            "url": "https://user:pw@example/x", "Access-Token": "t", "headers": {"Authorization": "b"},
            "inner": [{"password": "p", "kept": 1}], "hook_url": "h", "columns": ["a"], "private_key": "k",
            "signature_key": "k", "hookToken": "t", "API-Key": "k", "signing.key": "k",
        });
        assert_eq!(
            without_secrets(&props, true),
            json!({"inner": [{"kept": 1}], "columns": ["a"]})
        );
        assert_eq!(
            without_secrets(&props, false),
            json!({"url": "https://user:pw@example/x", "inner": [{"kept": 1}], "columns": ["a"]})
        );
    }
}
