//! The local admin socket: how the command line talks to a running server, which holds the log locked.
//!
//! Not here: the requests themselves; both sides are generic over any request that is JSON. A Unix socket `admin.sock`
//! in the data directory, for its owner only (0600); no network, no token.
//!
//! One connection is one request: the client sends one JSON line; the server answers one JSON line for each item and one
//! last line that says how it ended. An answer without a last line was cut off.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::limits::{ADMIN_CONNECTIONS_MAX, ADMIN_LINE_BYTES_MAX, ADMIN_REQUEST_MAX, ADMIN_UNREAD_MAX};

/// Items that the server may be ahead of a slow reader.
const ITEMS_AHEAD_MAX: usize = 64;

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// One item.
    Item(Value),
    /// The end, and how it went: nothing, or the sentence of a refusal.
    End(Result<(), String>),
}

/// Why a request to a running server did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server runs on this data directory.
    #[error("no server runs on this data directory")]
    NotRunning,
    /// The server refused; its sentence.
    #[error("{0}")]
    Refused(String),
    /// The connection failed or was cut off.
    #[error("the connection to the running server failed")]
    Connection(#[from] io::Error),
}

impl Error {
    /// Whether the answer did not come, rather than being a refusal.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        matches!(self, Self::Connection(_))
    }
}

/// The socket of a data directory.
#[must_use]
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Bytes of a socket's path beyond which the system refuses it (108 on Linux, 104 elsewhere, its end included).
const PATH_BYTES_MAX: usize = 100;

/// A path of the socket that the system takes: one through the opened directory where the plain one is too long. The
/// directory must stay open while the path is used.
fn short_path(data: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let path = socket_path(data);
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return Ok((path, None));
    }
    let directory = File::open(data)?;
    let through = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    Ok((socket_path(&through), Some(directory)))
}

/// Opens the socket. The caller holds the log's lock, so a socket that is there is left over from a crash.
///
/// It is made in a directory that its owner alone may enter and moved to its place when its mode is set: nobody connects
/// before, and whatever stands in its place is replaced, not followed.
///
/// # Errors
/// When the directory is not writable.
pub fn listen(data: &Path) -> io::Result<UnixListener> {
    let private = tempfile::Builder::new()
        .prefix(".admin.")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(data)?;
    let (path, _directory) = short_path(private.path())?;
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    std::fs::rename(&path, socket_path(data))?;
    Ok(listener)
}

/// Answers requests until `stop`. `answer` sends items and says how it ended; a request that cannot be read is refused.
pub async fn serve<Request, Answer, Future>(listener: UnixListener, stop: CancellationToken, answer: Answer)
where
    Request: DeserializeOwned + Send + 'static,
    Answer: Fn(Request, mpsc::Sender<Value>) -> Future + Send + Sync + 'static,
    Future: std::future::Future<Output = Result<(), String>> + Send + 'static,
{
    let answer = Arc::new(answer);
    let answering = Arc::new(Semaphore::new(ADMIN_CONNECTIONS_MAX));
    let unread = Arc::new(Semaphore::new(ADMIN_UNREAD_MAX));
    loop {
        let Ok(reading) = Arc::clone(&unread).acquire_owned().await else {
            return;
        };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the admin socket could not accept");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stop.cancelled() => return,
        };
        let (answer, answering) = (Arc::clone(&answer), Arc::clone(&answering));
        tokio::spawn(async move {
            let (input, output) = stream.into_split();
            // Those that send nothing are in nobody's way for long, and not at all in that of who waits for an answer.
            let line = tokio::time::timeout(ADMIN_REQUEST_MAX, read_request(input)).await;
            drop(reading);
            let Ok(_permit) = answering.acquire().await else { return };
            let served = match line {
                Ok(Ok(line)) => answer_one(line, output, &*answer).await,
                Ok(Err(error)) => Err(error),
                Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
            };
            if let Err(error) = served {
                tracing::debug!(%error, "an admin connection ended early");
            }
        });
    }
}

async fn read_request(input: OwnedReadHalf) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut input = BufReader::new(input).take(ADMIN_LINE_BYTES_MAX as u64);
    input.read_until(b'\n', &mut line).await?;
    Ok(line)
}

async fn answer_one<Request, Answer, Future>(line: Vec<u8>, output: OwnedWriteHalf, answer: &Answer) -> io::Result<()>
where
    Request: DeserializeOwned + Send + 'static,
    Answer: Fn(Request, mpsc::Sender<Value>) -> Future,
    Future: std::future::Future<Output = Result<(), String>> + Send + 'static,
{
    let mut output = BufWriter::new(output);
    // A whole directory takes a while to read.
    let read = tokio::task::spawn_blocking(move || serde_json::from_slice(&line));
    let end = match read.await? {
        Err(error) => Err(format!("the request cannot be read: {error}")),
        Ok(request) => {
            let (sender, mut items) = mpsc::channel(ITEMS_AHEAD_MAX);
            // A task of its own, so that a panic in it ends one answer and not the socket.
            let answering = tokio::spawn(answer(request, sender));
            while let Some(item) = items.recv().await {
                write_line(&mut output, &Line::Item(item)).await?;
            }
            answering
                .await
                .unwrap_or_else(|_panic| Err("the server could not finish this request".to_owned()))
        }
    };
    write_line(&mut output, &Line::End(end)).await?;
    output.flush().await
}

async fn write_line(output: &mut (impl AsyncWriteExt + Unpin), line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    output.write_all(&text).await
}

async fn connect(data: &Path) -> io::Result<UnixStream> {
    let (path, _directory) = short_path(data)?;
    UnixStream::connect(path).await
}

/// Whether a server runs on a data directory.
pub async fn is_served(data: &Path) -> bool {
    connect(data).await.is_ok()
}

/// Sends a request to the server that runs on `data` and gives each item of the answer to `each`.
///
/// # Errors
/// [`Error::NotRunning`] when nothing listens, so that the caller may open the log itself.
pub async fn ask<Request: Serialize>(
    data: &Path,
    request: &Request,
    mut each: impl FnMut(Value) -> io::Result<()>,
) -> Result<(), Error> {
    let mut stream = match connect(data).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(Error::NotRunning);
        }
        Err(error) => return Err(error.into()),
    };
    let mut text = serde_json::to_vec(request).map_err(io::Error::from)?;
    text.push(b'\n');
    if text.len() > ADMIN_LINE_BYTES_MAX {
        return Err(Error::Refused(format!(
            "the request has {} bytes, and a running server takes {ADMIN_LINE_BYTES_MAX}; stop it and run the command again",
            text.len()
        )));
    }
    stream.write_all(&text).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line).map_err(io::Error::from)? {
            Line::Item(item) => each(item)?,
            Line::End(Ok(())) => return Ok(()),
            Line::End(Err(sentence)) => return Err(Error::Refused(sentence)),
        }
    }
    Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        Count { to: u32 },
        Refuse,
        Panic,
    }

    async fn answer(request: Request, items: mpsc::Sender<Value>) -> Result<(), String> {
        match request {
            Request::Count { to } => {
                for n in 0..to {
                    let _ = items.send(n.into()).await;
                }
                Ok(())
            }
            Request::Refuse => Err("not today".to_owned()),
            Request::Panic => panic!("a bug"),
        }
    }

    async fn ask_for(data: &Path, request: &impl Serialize) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        let asked = ask(data, request, |item| {
            items.push(item);
            Ok(())
        });
        asked.await.map_err(|error| error.to_string())?;
        Ok(items)
    }

    /// More of them than are answered at once, and a request after them.
    #[tokio::test]
    async fn silent_connections_hold_nobody_up() {
        let data = tempfile::tempdir().expect("temporary directory");
        let serving = tokio::spawn(serve(
            listen(data.path()).expect("listens"),
            CancellationToken::new(),
            answer,
        ));
        let mut silent = Vec::new();
        for _ in 0..12 {
            silent.push(connect(data.path()).await.expect("connects"));
        }
        let started = tokio::time::Instant::now();
        let counted = ask_for(data.path(), &Request::Count { to: 3 }).await;
        assert_eq!(counted.map(|items| items.len()), Ok(3));
        assert!(started.elapsed() < ADMIN_REQUEST_MAX, "{:?}", started.elapsed());
        // They are closed in time.
        let mut end = [0; 1];
        assert!(silent[0].read(&mut end).await.is_ok_and(|n_bytes| n_bytes == 0));
        serving.abort();
    }

    #[tokio::test]
    async fn a_long_path_is_no_hindrance() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let data = folder.path().join("x".repeat(150));
        std::fs::create_dir(&data).expect("made");
        assert!(!is_served(&data).await);
        let serving = tokio::spawn(serve(listen(&data).expect("listens"), CancellationToken::new(), answer));
        assert_eq!(
            ask_for(&data, &Request::Count { to: 3 }).await.map(|items| items.len()),
            Ok(3)
        );
        serving.abort();
    }

    #[tokio::test]
    async fn a_request_is_answered_item_by_item() {
        let data = tempfile::tempdir().expect("temporary directory");
        assert_eq!(
            ask_for(data.path(), &Request::Refuse).await,
            Err(Error::NotRunning.to_string())
        );

        let stop = CancellationToken::new();
        let listener = listen(data.path()).expect("listens");
        let mode = std::fs::metadata(socket_path(data.path()))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let serving = tokio::spawn(serve(listener, stop.clone(), answer));

        let items = ask_for(data.path(), &Request::Count { to: 1000 })
            .await
            .expect("counts");
        assert_eq!((items.len(), items.last()), (1000, Some(&999.into())));
        assert_eq!(
            ask_for(data.path(), &Request::Refuse).await,
            Err("not today".to_owned())
        );
        assert!(
            ask_for(data.path(), &Request::Panic)
                .await
                .expect_err("panics")
                .contains("could not finish")
        );
        assert!(
            ask_for(data.path(), &"nonsense")
                .await
                .expect_err("unknown")
                .contains("cannot be read")
        );

        stop.cancel();
        serving.await.expect("ends");
        assert_eq!(
            ask_for(data.path(), &Request::Refuse).await,
            Err(Error::NotRunning.to_string())
        );
        // A socket left over from a crash is in nobody's way, and what a link leads to is left alone.
        drop(listen(data.path()).expect("listens again"));
        let (socket, other) = (socket_path(data.path()), data.path().join("other"));
        std::fs::remove_file(&socket).expect("removed");
        std::fs::write(&other, "mine").expect("written");
        std::os::unix::fs::symlink(&other, &socket).expect("linked");
        drop(listen(data.path()).expect("listens in its place"));
        assert_eq!(std::fs::read(&other).expect("reads"), b"mine");
        let mut names: Vec<_> = std::fs::read_dir(data.path())
            .expect("reads")
            .map(|entry| entry.expect("reads").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["admin.sock", "other"]);
    }
}
