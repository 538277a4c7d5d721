//! The whole log for an operator: exported as JSON lines, and walked. Both run off the async threads.

use std::io::{self, Write};
use std::sync::Arc;

use loonflow_storage::{Error, EventLog, backup};
use serde_json::{Value, json};

use super::{Items, with_causes};

/// Bytes of lines that go as one item.
const ITEM_BYTES: usize = 64 * 1024;

/// Gives the export as texts of whole lines.
///
/// # Errors
/// A sentence.
pub(super) async fn export(log: Arc<dyn EventLog>, items: Items) -> Result<(), String> {
    blocking(move || {
        let mut out = ItemWriter {
            items,
            lines: Vec::with_capacity(2 * ITEM_BYTES),
        };
        backup::export(&*log, &mut out)?;
        out.flush().map_err(|error| Error::io("send the export", &error))
    })
    .await
}

/// Gives what a walk over the log has counted.
///
/// # Errors
/// The sentence that names the first bad record.
pub(super) async fn verify(log: Arc<dyn EventLog>, items: Items) -> Result<(), String> {
    blocking(move || {
        let report = log.verify()?;
        let counts = json!({
            "n_streams": report.n_streams,
            "n_commits": report.n_commits,
            "n_events": report.n_events,
        });
        let _ = items.blocking_send(counts);
        Ok(())
    })
    .await
}

async fn blocking(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| with_causes(&error)),
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
