//! The demo's passwords: one for each of its people, drawn once. Nobody else of the example organisation has one, for a password
//! that stands in a public file opens a demo to whoever can connect.

use std::collections::BTreeMap;
use std::path::Path;

use loonflow_engine::runtime::Ports;
use serde_json::Value;

use super::{PEOPLE, kept};

/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Passwords by role, those of a run before where there are any.
///
/// # Errors
/// When they cannot be kept.
pub(super) fn keep(data: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut passwords = kept::read(data, kept::PASSWORDS);
    passwords.retain(|role, _| PEOPLE.iter().any(|(known, _)| known == role));
    for (role, _) in PEOPLE {
        passwords.entry(role.to_owned()).or_insert_with(drawn);
    }
    kept::write(data, kept::PASSWORDS, &passwords)?;
    Ok(passwords)
}

/// Twelve letters in groups of four: 60 bits.
fn drawn() -> String {
    let bytes = Ports::system().random.secret_bytes();
    let letters: Vec<char> = bytes[..12]
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// Puts them into the directory in place of those that stand in it.
pub(super) fn put(directory: &mut Value, passwords: &BTreeMap<String, String>) {
    for user in directory["users"].as_array_mut().into_iter().flatten() {
        let role = PEOPLE
            .iter()
            .find(|(_, name)| user["name"] == *name)
            .map(|(role, _)| *role);
        let password = role.and_then(|role| passwords.get(role));
        if let Some(user) = user.as_object_mut() {
            match password {
                Some(password) => user.insert("password".to_owned(), password.as_str().into()),
                None => user.remove("password"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_can_be_typed_and_not_guessed() {
        let (one, other) = (drawn(), drawn());
        assert_ne!(one, other);
        assert_eq!(one.len(), 14);
        assert!(
            one.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{one}"
        );
    }
}
