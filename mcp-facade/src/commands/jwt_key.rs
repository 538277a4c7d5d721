//! The key of JWTs where the operator names none: the server's own, made at the first start and kept in the data directory, for
//! its owner only. So `login` works without a setting, and what it answered goes on working after a restart.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loonflow_engine::account::token;
use loonflow_engine::runtime::Ports;
use loonflow_mcp_facade::config::JWT_SECRET_VARIABLE;
use loonflow_mcp_facade::limits::JWT_SECRET_BYTES_MIN;
use loonflow_mcp_facade::secret::Secret;

use super::whole_file::WholeFile;

/// The kept key, which is made where there is none. Whoever removes the file ends all JWTs of `login` at the next start.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn kept(data: &Path) -> anyhow::Result<Secret> {
    let path = path(data);
    let shown = path.display();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = token::hex(&Ports::system().random.secret_bytes());
            let mut file = WholeFile::create(&path)?;
            file.write_all(key.as_bytes())?;
            file.finish().with_context(|| format!("`{shown}` cannot be written"))?;
            return Ok(Secret::new(key));
        }
        Err(error) => return Err(error).with_context(|| format!("the key of JWTs in `{shown}` cannot be read")),
    };
    let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "others may read the key of JWTs in `{shown}` (mode {mode:o}) and sign in as anybody; remove the file, and the \
             server makes another"
        );
    }
    let key = text.trim();
    if key.len() < JWT_SECRET_BYTES_MIN {
        bail!(
            "the key of JWTs in `{shown}` has {} bytes, where {JWT_SECRET_BYTES_MIN} are the least; remove the file, and the \
             server makes another, or set {JWT_SECRET_VARIABLE}",
            key.len()
        );
    }
    Ok(Secret::new(key))
}

fn path(data: &Path) -> PathBuf {
    data.join("jwt.key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let data = folder.path();
        let key = kept(data).expect("is made");
        assert_eq!(key.expose().len(), 64);
        assert_eq!(kept(data).expect("is read"), key);
        let mode = |mode| std::fs::set_permissions(path(data), std::fs::Permissions::from_mode(mode)).expect("is set");
        assert_eq!(
            std::fs::metadata(path(data)).expect("is there").permissions().mode() & 0o777,
            0o600
        );
        mode(0o640);
        let refused = kept(data).expect_err("others may read it").to_string();
        assert!(
            refused.contains("remove the file") && !refused.contains(key.expose()),
            "{refused}"
        );
        mode(0o600);
        std::fs::write(path(data), "short").expect("is written");
        let refused = kept(data).expect_err("is too short").to_string();
        assert!(refused.contains("5 bytes") && !refused.contains("short;"), "{refused}");
        std::fs::remove_file(path(data)).expect("is removed");
        assert_ne!(kept(data).expect("is made anew"), key);
    }
}
