//! Entries of an import on their way into the log.

use super::line::Entry;
use crate::error::Error;
use crate::event_log::EventLog;

/// Entries written at a time.
const BITE: usize = 1024;
/// Bytes of entries written at a time.
const BITE_BYTES: usize = 16 << 20;
/// Threads that write them: each waits for the disk, and the log takes what waits at a moment in one batch.
const N_THREADS: usize = 64;

/// Entries that are not written yet.
#[derive(Default)]
pub(super) struct Entries {
    waiting: Vec<Entry>,
    n_bytes: usize,
}

impl Entries {
    /// Takes an entry in; writes all that wait when they are many.
    pub(super) fn push(&mut self, log: &dyn EventLog, entry: Entry) -> Result<(), Error> {
        self.n_bytes += entry.key.0.len() + entry.value.0.len();
        self.waiting.push(entry);
        if self.waiting.len() >= BITE || self.n_bytes >= BITE_BYTES {
            return self.write(log);
        }
        Ok(())
    }

    /// Writes all that wait.
    pub(super) fn write(&mut self, log: &dyn EventLog) -> Result<(), Error> {
        let put = |share: &[Entry]| {
            share
                .iter()
                .try_for_each(|entry| log.kv_put(&entry.tree, &entry.key.0, Some(&entry.value.0)))
        };
        let share = self.waiting.len().div_ceil(N_THREADS).max(1);
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .waiting
                .chunks(share)
                .map(|share| scope.spawn(move || put(share)))
                .collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(written) => written,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        self.waiting.clear();
        self.n_bytes = 0;
        Ok(())
    }
}
