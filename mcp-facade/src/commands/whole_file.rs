//! A file that appears under its name only when it is whole and on disk, for its owner only.
//!
//! It is written beside its place, under a random name that nobody could have put there before: no link is followed, no
//! other's file is taken over, nothing that is not a file is waited for.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use tempfile::{Builder, NamedTempFile};

/// A file on its way; dropped before [`WholeFile::finish`] it leaves nothing behind.
pub(crate) struct WholeFile {
    partial: NamedTempFile,
    place: PathBuf,
}

impl WholeFile {
    /// Begins a file. One that is at its place stays until the new one is whole; a link there is replaced, not followed.
    ///
    /// # Errors
    /// When something stands there that is no file, or the directory cannot be written.
    pub(crate) fn create(place: &Path) -> anyhow::Result<Self> {
        let shown = place.display();
        // Also what a link leads to: whoever names `/dev/stdout` does not want it replaced.
        if std::fs::metadata(place).is_ok_and(|found| !found.is_file()) {
            bail!("`{shown}` is not a file; name one, or write to standard output with `-`");
        }
        let Some(name) = place.file_name() else {
            bail!("`{shown}` does not end with the name of a file");
        };
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let directory = directory_of(place);
        // Made with mode 600, by an exclusive creation.
        let partial = Builder::new().prefix(&prefix).suffix(".partial").tempfile_in(directory);
        let partial = partial.map_err(|error| {
            let why = if error.kind() == ErrorKind::PermissionDenied {
                format!("this user may not write in `{}`", directory.display())
            } else if error.kind() == ErrorKind::NotFound {
                format!("there is no directory `{}`", directory.display())
            } else {
                return anyhow::Error::new(error).context(format!("`{shown}` cannot be written"));
            };
            anyhow!("`{shown}` cannot be written: {why}; name a file elsewhere, or write to standard output with `-`")
        })?;
        Ok(Self {
            partial,
            place: place.to_owned(),
        })
    }

    /// Syncs what was written, moves it to its place, and syncs the directory.
    ///
    /// # Errors
    /// What the system says; then the place is as it was.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.partial.as_file().sync_all()?;
        self.partial.persist(&self.place)?;
        File::open(directory_of(&self.place))?.sync_all()
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.partial.flush()
    }
}

fn directory_of(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn write(place: &Path) -> anyhow::Result<()> {
        let mut file = WholeFile::create(place)?;
        file.write_all(b"new")?;
        Ok(file.finish()?)
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let (place, other) = (folder.path().join("export"), folder.path().join("other"));
        std::fs::write(&other, "old").expect("written");
        symlink(&other, &place).expect("linked");
        write(&place).expect("is written");
        assert_eq!(std::fs::read(&other).expect("reads"), b"old");
        assert_eq!(std::fs::read(&place).expect("reads"), b"new");
        assert!(std::fs::symlink_metadata(&place).expect("is there").is_file());
    }

    #[test]
    fn the_file_is_new_and_its_owners_alone() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let place = folder.path().join("export");
        std::fs::write(&place, "old").expect("written");
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o666)).expect("set");
        let before = std::fs::metadata(&place).expect("is there").ino();
        write(&place).expect("is written");
        let after = std::fs::metadata(&place).expect("is there");
        assert_eq!(after.permissions().mode() & 0o777, 0o600);
        assert_ne!(after.ino(), before);
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1);
    }

    #[test]
    fn what_is_no_file_is_refused_and_a_broken_write_leaves_nothing() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("`mkfifo` runs").success());
        for place in [pipe.as_path(), folder.path(), Path::new("/dev/null"), Path::new("/")] {
            let refused = write(place).expect_err("is no file").to_string();
            assert!(refused.contains("is not a file"), "{refused}");
        }
        drop(WholeFile::create(&folder.path().join("export")).expect("begins"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1);
    }
}
