//! The few calls of a file system that keeping bytes needs, as a trait: a test cuts the power between any two of them.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// What is known of a file.
pub(super) struct Found {
    pub(super) n_bytes: u64,
    pub(super) changed_at: SystemTime,
}

pub(super) trait Files: fmt::Debug + Send + Sync + 'static {
    /// Makes a directory whose parent is there; one that is there already is no error.
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes a file, which must not be there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Written>>;
    /// Gives a file another name, in place of what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Puts the names in a directory on the device.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;
    fn find(&self, path: &Path) -> io::Result<Found>;
    /// Names in a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
}

/// A file that is being written.
pub(super) trait Written: Send {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Puts its bytes on the device.
    fn sync(&mut self) -> io::Result<()>;
}

/// The machine's.
#[derive(Debug)]
pub(super) struct MachineFiles;

impl Written for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Files for MachineFiles {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        // For its owner only, as the log.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Written>> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(path)?))
    }

    fn find(&self, path: &Path) -> io::Result<Found> {
        let found = fs::metadata(path)?;
        Ok(Found {
            n_bytes: found.len(),
            changed_at: found.modified()?,
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            // A name that is no text is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}
