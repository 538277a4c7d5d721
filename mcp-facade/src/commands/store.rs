//! The data directory: the log in it, and the engine over the log.
//!
//! ```text
//! <data>/log/          the log, opened by one process at a time
//! <data>/files/        bytes of files, under the lock of the log
//! <data>/admin.sock    how commands reach the server that has it open
//! ```

use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use loonflow_engine::port::Clock;
use loonflow_engine::runtime::{Engine, EngineOptions, Outside, Ports};
use loonflow_mcp_facade::shifted_clock::ShiftedClock;
use loonflow_storage::{BlobStore, DiskBlobs, Error, EventLog, SledLog, SledOptions};

/// Time to flush and close at a stop, of the ten seconds that it may take.
const CLOSE_MAX: Duration = Duration::from_millis(2_500);

/// What a server's engine has beside its log.
pub(crate) struct Serving {
    /// Who calls outside addresses.
    pub(crate) outside: Arc<dyn Outside>,
    /// Where hooks call back.
    pub(crate) public_url: Option<String>,
    /// Where links in notices lead.
    pub(crate) link_url: Option<String>,
    /// Milliseconds that its clock is ahead of the machine's, and can be moved on from; `None` for the machine's own.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// Bytes that the files of one tenant may have; `None` for the usual room.
    pub(crate) file_bytes_of_tenant_max: Option<u64>,
}

/// An engine over the log of a data directory.
pub(crate) struct Store {
    /// The log.
    pub(crate) log: Arc<dyn EventLog>,
    /// Bytes of files.
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// The engine.
    pub(crate) engine: Engine,
    /// The engine's clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The same where it can be moved on.
    pub(crate) shifted_clock: Option<Arc<ShiftedClock>>,
    /// The machine's.
    pub(crate) machine_clock: Arc<dyn Clock>,
}

impl Store {
    /// Opens the log, which is made where it is missing, and starts the engine. `serving` is given where a server starts;
    /// a command of a moment calls nobody, and knows no other time than the machine's.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) async fn open(data: &Path, serving: Option<Serving>) -> anyhow::Result<Self> {
        let log = open_log(data)?;
        let blobs = open_files(&files_path(data))?;
        let mut ports = Ports::system();
        ports.blobs = Some(Arc::clone(&blobs));
        let mut options = EngineOptions::default();
        let machine_clock = Arc::clone(&ports.clock);
        let mut shifted_clock = None;
        if let Some(serving) = serving {
            ports.outside = Some(serving.outside);
            options.public_url = serving.public_url;
            options.link_url = serving.link_url;
            if let Some(n_bytes) = serving.file_bytes_of_tenant_max {
                options.file_bytes_of_tenant_max = n_bytes;
            }
            if let Some(ahead_ms) = serving.clock_ahead_ms {
                let clock = Arc::new(ShiftedClock::ahead_of(Arc::clone(&machine_clock), ahead_ms));
                ports.clock = clock.clone();
                shifted_clock = Some(clock);
            }
        }
        let clock = Arc::clone(&ports.clock);
        let engine = Engine::start(Arc::clone(&log), ports, options)
            .await
            .context("the engine could not be started; `loonflow-ticket verify` looks for damage in the log")?;
        Ok(Self {
            log,
            blobs,
            engine,
            clock,
            shifted_clock,
            machine_clock,
        })
    }

    /// Finishes what is under way, and leaves everything on disk.
    ///
    /// # Errors
    /// When the log could not be synced.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        let closed = async {
            self.engine.close().await.context("the engine could not be closed")?;
            let log = self.log;
            tokio::task::spawn_blocking(move || log.close())
                .await
                .context("the log could not be closed")?
                .context("the log could not be synced at its end")
        };
        tokio::time::timeout(CLOSE_MAX, closed)
            .await
            .context("the log was not closed in time; what was answered is on disk")?
    }
}

/// Where the log of a data directory is.
pub(crate) fn log_path(data: &Path) -> PathBuf {
    data.join("log")
}

/// Where the bytes of files of a data directory are.
pub(crate) fn files_path(data: &Path) -> PathBuf {
    data.join("files")
}

/// Opens the bytes of files, whose directory is made where it is missing. Only for whoever has the log open.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn open_files(path: &Path) -> anyhow::Result<Arc<dyn BlobStore>> {
    let opened = DiskBlobs::open(path);
    let opened = opened.with_context(|| format!("the files in `{}` cannot be opened", path.display()))?;
    Ok(Arc::new(opened))
}

/// Opens the log of a data directory, which is made where it is missing, for its owner only.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn open_log(data: &Path) -> anyhow::Result<Arc<dyn EventLog>> {
    make_directory(data)?;
    let path = log_path(data);
    // Its own, also where the data directory is one that others may read.
    make_directory(&path)?;
    for directory in [data, &path] {
        check_permissions(directory)?;
    }
    Ok(Arc::new(open_at(&path, data)?))
}

/// The same where there must be one.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn open_existing_log(data: &Path) -> anyhow::Result<Arc<dyn EventLog>> {
    require_log(data)?;
    open_log(data)
}

/// Refuses a data directory without a log: what only reads does not make one.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn require_log(data: &Path) -> anyhow::Result<()> {
    if !has_log(data)? {
        bail!(
            "there is no log in `{}`; name the data directory with `--data`, or begin one with `import` or `serve`",
            data.display()
        );
    }
    Ok(())
}

/// Whether there is a log in a data directory. One that this user may not look into is not taken for an empty one.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn has_log(data: &Path) -> anyhow::Result<bool> {
    log_path(data)
        .try_exists()
        .map_err(|error| out_of_reach(data, "read", error.kind(), error.to_string()))
}

/// A data directory that cannot be read, written or made: what is wrong, with the way out where there is one.
fn out_of_reach(data: &Path, verb: &str, kind: ErrorKind, system: String) -> anyhow::Error {
    let shown = data.display();
    // Of the kinds of errors only those with a way out of their own.
    if kind == ErrorKind::PermissionDenied {
        anyhow!(
            "the data directory `{shown}` may not be {verb} by this user; run the command as the user of the server, or \
             name another directory with `--data`"
        )
    } else if kind == ErrorKind::NotADirectory || kind == ErrorKind::AlreadyExists {
        anyhow!("`{shown}` is not a directory, nor can one be made there; name the data directory with `--data`")
    } else if kind == ErrorKind::ReadOnlyFilesystem {
        anyhow!(
            "the data directory `{shown}` cannot be {verb}, for its file system is mounted read-only; mount it for writing, \
             or name another directory with `--data`"
        )
    } else {
        anyhow!("the data directory `{shown}` cannot be {verb}: {system}")
    }
}

/// Makes a directory, for its owner only, where it is missing.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn make_directory(data: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|error| out_of_reach(data, "made", error.kind(), error.to_string()))
}

/// Refuses a directory that everybody on the machine may write, for whoever does can put another log in its place, and
/// warns of what is less bad: groups are something that an operator sets up, as for a volume of a container, and whoever
/// may list the data directory still cannot read the log in it.
///
/// # Errors
/// A sentence for the operator.
fn check_permissions(directory: &Path) -> anyhow::Result<()> {
    const WRITTEN_BY_ALL: u32 = 0o002;
    const WRITTEN_BY_GROUP: u32 = 0o020;
    const READ_BY_OTHERS: u32 = 0o055;
    let shown = directory.display();
    let metadata =
        std::fs::metadata(directory).with_context(|| format!("the permissions of `{shown}` cannot be read"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & WRITTEN_BY_ALL != 0 {
        bail!(
            "everybody on this machine may write in `{shown}` (mode {mode:o}); keep it for its owner with `chmod 700`, or \
             name another directory with `--data`"
        );
    }
    if mode & WRITTEN_BY_GROUP != 0 {
        tracing::warn!(directory = %shown, "the group of the directory may write in it; `chmod 700` keeps it for its owner");
    } else if mode & READ_BY_OTHERS != 0 {
        tracing::warn!(directory = %shown, "others may read the directory; `chmod 700` keeps it for its owner");
    }
    Ok(())
}

/// Opens the log at a path of its own; `data` is what the operator knows.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn open_at(path: &Path, data: &Path) -> anyhow::Result<SledLog> {
    let shown = data.display();
    SledLog::open(path, SledOptions::default()).map_err(|error| match error {
        Error::AlreadyOpen { .. } => anyhow!(
            "the data directory `{shown}` is in use by another process; stop that one, or name another with `--data`"
        ),
        Error::FormatVersion { found, supported } => anyhow!(
            "the log in `{shown}` has format version {found}, and this program reads {supported}; \
             use the program that wrote it, and carry the data over with `export` and `restore`"
        ),
        Error::Corrupt { .. } => anyhow::Error::new(error).context(format!(
            "the log in `{shown}` cannot be opened; restore it from an export"
        )),
        Error::Full => anyhow!("the disk of `{shown}` is full"),
        Error::Io {
            kind: kind @ (ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem),
            ..
        } => out_of_reach(data, "written", kind, error.to_string()),
        Error::Io { .. }
        | Error::Conflict { .. }
        | Error::Overloaded { .. }
        | Error::Stopped { .. }
        | Error::Closed
        | Error::Invalid { .. }
        | Error::Uncertain { .. } => {
            anyhow::Error::new(error).context(format!("the log in `{shown}` cannot be opened"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(data: &Path) -> [String; 2] {
        let read = require_log(data).expect_err("is no data directory").to_string();
        let made = make_directory(data).expect_err("cannot be one").to_string();
        [read, made]
    }

    /// What a user is told who is not root; how the system refuses is seen in the tests of the whole binary.
    #[test]
    fn each_way_out_is_told_with_the_path() {
        for (kind, words) in [
            (
                ErrorKind::PermissionDenied,
                "may not be written by this user; run the command as the user of the server",
            ),
            (ErrorKind::ReadOnlyFilesystem, "mounted read-only; mount it for writing"),
            (ErrorKind::NotADirectory, "is not a directory"),
            (ErrorKind::AlreadyExists, "is not a directory"),
            (ErrorKind::TimedOut, "cannot be written: the system's words"),
        ] {
            let told = out_of_reach(
                Path::new("/srv/tickets"),
                "written",
                kind,
                "the system's words".to_owned(),
            );
            let told = told.to_string();
            assert!(told.contains("`/srv/tickets`") && told.contains(words), "{told}");
            assert!(kind == ErrorKind::TimedOut || told.contains("`--data`"), "{told}");
        }
    }

    #[test]
    fn a_file_where_a_directory_should_be_is_told() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        for data in [file.clone(), file.join("below")] {
            for told in refused(&data) {
                assert!(
                    told.contains("is not a directory") && told.contains("`--data`"),
                    "{told}"
                );
                assert!(told.contains(&format!("`{}`", data.display())), "{told}");
            }
        }
        assert!(!has_log(folder.path()).expect("may be read"));
    }
}
