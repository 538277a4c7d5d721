//! The whole log for an operator: exported as JSON lines, and walked. Both run off the async threads, and end when
//! nobody listens any more.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use loonflow_engine::runtime::verify::{self, Step, Verified};
use loonflow_engine::runtime::{Engine, Fault};
use loonflow_storage::backup::{self, Since};
use loonflow_storage::{BlobStore, Error, EventLog};
use serde_json::{Value, json};

use super::{Items, with_causes};

/// Bytes of lines that go as one item.
const ITEM_BYTES: usize = 64 * 1024;

/// Commits between two items that say how far a walk is: by them it is noticed that nobody listens.
const COMMITS_BETWEEN_NEWS: u64 = 10_000;

/// Gives the export as texts of whole lines.
///
/// # Errors
/// A sentence.
pub(super) async fn export(
    log: Arc<dyn EventLog>,
    blobs: Arc<dyn BlobStore>,
    since: Since,
    items: Items,
) -> Result<(), String> {
    blocking(move || {
        let mut out = ItemWriter {
            items,
            lines: Vec::with_capacity(2 * ITEM_BYTES),
        };
        backup::export_with_files(&*log, Some(&*blobs), &since, &mut out)?;
        Ok(out.flush().map_err(|error| Error::io("send the export", &error))?)
    })
    .await
}

/// Gives every bad thing that a walk finds, up to a bound, and at last what it has counted.
///
/// # Errors
/// The sentence that names the first bad record of the log itself.
pub(super) async fn verify(
    log: Arc<dyn EventLog>,
    blobs: Arc<dyn BlobStore>,
    engine: Option<Engine>,
    items: Items,
) -> Result<(), String> {
    blocking(move || {
        let report = log.verify()?;
        let verified = verify_log(&*log, &*blobs, engine.as_ref(), &items)?;
        let counts = json!({
            "n_streams": report.n_streams,
            "n_commits": report.n_commits,
            "n_events": report.n_events,
            "n_directories": verified.n_directories,
            "n_workflows": verified.n_workflows,
            "n_tickets": verified.n_tickets,
            "n_listed": verified.n_listed,
            "n_snapshots": verified.n_snapshots,
            "n_files": verified.n_files,
            "n_bad": verified.n_bad,
        });
        let _ = items.blocking_send(json!({ "counts": counts }));
        Ok(())
    })
    .await
}

/// Walks what the events of a log say, where a server runs beside its engine. Blocking. Each bad thing is an item
/// `bad`.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn verify_log(
    log: &dyn EventLog,
    blobs: &dyn BlobStore,
    engine: Option<&Engine>,
    items: &Items,
) -> Result<Verified, Fault> {
    let mut told = 0;
    let mut watch = |step: Step<'_>| {
        let item = match step {
            Step::Moved(position) if position >= told + COMMITS_BETWEEN_NEWS => {
                told = position;
                json!({ "position": position })
            }
            Step::Moved(_) => return ControlFlow::Continue(()),
            Step::Bad(finding) => json!({ "bad": finding.to_string() }),
        };
        match items.blocking_send(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    match engine {
        Some(engine) => engine.verify(&mut watch),
        None => verify::verify(log, Some(blobs), &mut watch),
    }
}

async fn blocking(work: impl FnOnce() -> Result<(), Fault> + Send + 'static) -> Result<(), String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => Ok(()),
        // The log's own sentence says it all.
        Ok(Err(Fault::Storage(error))) => Err(with_causes(&error)),
        Ok(Err(fault)) => Err(with_causes(&fault)),
        Err(_panic) => Err("the work broke off".to_owned()),
    }
}

/// Sends lines in bites; waits for a reader that is slower than the log.
struct ItemWriter {
    items: Items,
    lines: Vec<u8>,
}

impl Write for ItemWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.extend_from_slice(bytes);
        // Only at the end of a line is the text whole.
        if self.lines.len() >= ITEM_BYTES && self.lines.ends_with(b"\n") {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let text = String::from_utf8(std::mem::take(&mut self.lines)).map_err(io::Error::other)?;
        self.items
            .blocking_send(Value::String(text))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
