//! Hashes of passwords: argon2id in PHC form (semantics: directory).
//!
//! Salts arrive as data, like all randomness. Hashing is slow on purpose: never call it from `decide`, and for a whole
//! file only for those whose hash does not fit (`missing_hashes`).

use std::collections::BTreeMap;

#[cfg(feature = "passwords")]
use argon2::{
    Argon2, Params,
    password_hash::{CustomizedPasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use super::directory::Directory;
use super::import::DirectoryFile;
use super::token::Secret;
use crate::id::UserId;
use crate::limits::PASSWORD_BYTES_MAX;

/// KiB of memory for one hash: the first choice of OWASP's password storage cheat sheet, 19 MiB with two passes.
pub const MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over it.
pub const PASSES: u32 = 2;

/// A hash that no password fits, made as the others are: to check against where nobody has one, in the same time.
pub const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password with 16 random bytes of salt; `None` for one that is empty or too long, and in a build
/// without the feature `passwords`, where no file that is read has one.
#[must_use]
pub fn hash(password: &Secret, salt: [u8; 16]) -> Option<String> {
    if password.is_empty() || password.expose().len() > PASSWORD_BYTES_MAX {
        return None;
    }
    argon2id(password.expose().as_bytes(), salt)
}

#[cfg(feature = "passwords")]
fn argon2id(password: &[u8], salt: [u8; 16]) -> Option<String> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).ok()?;
    let hash = Argon2::default().hash_password_with_params(password, &salt, params);
    hash.ok().map(|hash| hash.to_string())
}

#[cfg(not(feature = "passwords"))]
fn argon2id(_password: &[u8], _salt: [u8; 16]) -> Option<String> {
    None
}

/// Whether a password fits a hash, whatever the cost it was made with; compared in constant time.
#[must_use]
pub fn verify(password: &Secret, hash: &str) -> bool {
    password.expose().len() <= PASSWORD_BYTES_MAX && fits(password.expose().as_bytes(), hash)
}

#[cfg(feature = "passwords")]
fn fits(password: &[u8], hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

#[cfg(not(feature = "passwords"))]
fn fits(_password: &[u8], _hash: &str) -> bool {
    false
}

/// Hashes for those users of a file whose password is new or another than before: what `Command::Import` needs beside
/// the file. Hashes that fit stay, so importing a file again changes nothing.
pub fn missing_hashes(
    file: &DirectoryFile,
    directory: &Directory,
    salt: &mut dyn FnMut() -> [u8; 16],
) -> BTreeMap<UserId, String> {
    let mut hashes = BTreeMap::new();
    for entry in &file.users {
        let Some(password) = &entry.password else { continue };
        let before = directory
            .user(&entry.user.id)
            .and_then(|user| user.password_hash.as_deref());
        if before.is_none_or(|before| !verify(password, before)) {
            hashes.extend(hash(password, salt()).map(|hash| (entry.user.id.clone(), hash)));
        }
    }
    hashes
}

#[cfg(all(test, feature = "passwords"))]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_hash_and_no_other() {
        let hash = hash(&Secret::new("change-me"), [7; 16]).unwrap();
        let made_as = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(hash.starts_with(made_as), "{hash}");
        assert!(NOBODYS.starts_with(made_as) && NOBODYS.len() == hash.len());
        assert!(PasswordHash::new(NOBODYS).is_ok(), "it is checked like any other");
        assert!(!verify(&Secret::new("change-me"), NOBODYS));
        assert!(verify(&Secret::new("change-me"), &hash));
        assert!(!verify(&Secret::new("change me"), &hash));
        assert!(!verify(&Secret::new("change-me"), "no hash"));
        assert_eq!(super::hash(&Secret::new(""), [7; 16]), None);
        assert_eq!(
            super::hash(&Secret::new("x".repeat(PASSWORD_BYTES_MAX + 1)), [7; 16]),
            None
        );
    }
}
