//! Histories of tickets, page by page: a page reads the commits of its rows and no others.
//!
//! What a row needs of those before it, and where its commit lies, is kept in an outline per ticket
//! (`view::flow_history`), made from the log once and then only continued. Outlines of the tickets asked for last are
//! kept. Few pages are read at once; others wait in the order in which they came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use loonflow_storage::{EventLog, StreamId};
use tokio::sync::Semaphore;

use crate::id::{TenantId, TicketId};
use crate::limits;
use crate::runtime::fault::Fault;
use crate::runtime::request::{HistoryQuery, Page};
use crate::runtime::{Answer, streams};
use crate::ticket::event::{Event, Meta};
use crate::ticket::{Argument, Refusal, Ticket};
use crate::view::flow_history::{HistoryEntry, Outline, OutlineRow};

/// Pages read at once: each holds a commit and a page in memory, and a processor.
const READERS_MAX: usize = 4;
/// Outlines kept: a ticket of the most events has one of about a megabyte.
const OUTLINES_MAX: usize = 16;
/// Tickets that hold more are outlined one after the other: their streams are read whole for it, once.
const LARGE_BYTES: u64 = 1 << 20;

type Key = (TenantId, TicketId);

/// See the module.
#[derive(Debug)]
pub(crate) struct Histories {
    readers: Arc<Semaphore>,
    kept: Mutex<Kept>,
    /// Held while a large ticket is outlined.
    large: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
struct Kept {
    outlines: HashMap<Key, (u64, Arc<Mutex<Outline>>)>,
    n_asked: u64,
}

impl Default for Histories {
    fn default() -> Self {
        Self {
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            kept: Mutex::default(),
            large: Arc::default(),
        }
    }
}

impl Histories {
    /// The outline of a ticket; the one asked for longest ago goes where there are too many.
    fn outline(&self, key: Key) -> Arc<Mutex<Outline>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.n_asked += 1;
        let n_asked = kept.n_asked;
        if let Some((last_asked, outline)) = kept.outlines.get_mut(&key) {
            *last_asked = n_asked;
            return outline.clone();
        }
        if kept.outlines.len() >= OUTLINES_MAX {
            let oldest = kept.outlines.iter().min_by_key(|(_, (last_asked, _))| *last_asked);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                kept.outlines.remove(&oldest);
            }
        }
        let outline = Arc::<Mutex<Outline>>::default();
        kept.outlines.insert(key, (n_asked, outline.clone()));
        outline
    }

    /// Reads a page of a ticket as it is at least; `tell` makes an entry of a row and its commit.
    pub(crate) async fn page(
        &self,
        log: Arc<dyn EventLog>,
        ticket: &Ticket,
        query: HistoryQuery,
        tell: impl Fn(&OutlineRow, &Meta, &[Event]) -> HistoryEntry + Send + 'static,
    ) -> Answer<Page<HistoryEntry>> {
        let permit = self.readers.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Fault::Closed)?;
        let key = (ticket.tenant_id.clone(), ticket.id);
        let outline = self.outline(key.clone());
        let (version, is_large) = (ticket.version, ticket.n_bytes > LARGE_BYTES);
        let large = self.large.clone();
        let read = tokio::task::spawn_blocking(move || {
            // Held until the page is read, whoever has gone away meanwhile.
            let _permit = permit;
            let stream = streams::ticket(&key.0, key.1);
            let rows = {
                let mut outline = outline.lock().unwrap_or_else(PoisonError::into_inner);
                if outline.version() < version {
                    let _alone = is_large.then(|| large.lock().unwrap_or_else(PoisonError::into_inner));
                    go_on(&*log, &stream, &mut outline)?;
                }
                rows_of(&outline, query)
            };
            read_rows(&*log, &stream, rows, tell)
        });
        read.await.map_err(|_| Fault::WorkerDied)?
    }
}

/// Continues an outline to the end of its stream.
fn go_on(log: &dyn EventLog, stream: &StreamId, outline: &mut Outline) -> Result<(), Fault> {
    for commit in log.read_stream(stream, outline.version())? {
        let (meta, events) =
            streams::read_ticket(&commit, outline.version()).map_err(|why| streams::unreadable_ticket(stream, why))?;
        outline.push(commit.position, &meta, &events);
    }
    Ok(())
}

/// The rows of a page.
fn rows_of(outline: &Outline, query: HistoryQuery) -> Page<OutlineRow> {
    let all = outline.rows();
    let from = all.partition_point(|row| row.version < query.from_version);
    let is_asked = |row: &&OutlineRow| query.with_effects || !row.is_bookkeeping;
    let mut rows: Vec<&OutlineRow> = all[from..].iter().filter(is_asked).collect();
    if query.reverse {
        rows.reverse();
    }
    Page::cut(&rows, query.page, query.per_page).map(OutlineRow::clone)
}

fn read_rows(
    log: &dyn EventLog,
    stream: &StreamId,
    page: Page<OutlineRow>,
    tell: impl Fn(&OutlineRow, &Meta, &[Event]) -> HistoryEntry,
) -> Answer<Page<HistoryEntry>> {
    let mut entries: Vec<HistoryEntry> = Vec::with_capacity(page.rows.len());
    let mut n_bytes = 0;
    for row in &page.rows {
        let found = log.read_all(row.position.saturating_sub(1), 1)?;
        let commit = found.first().filter(|commit| commit.stream == *stream);
        let Some(commit) = commit else {
            let why = format!("its commit is not at position {}", row.position);
            return Err(streams::unreadable_ticket(stream, why));
        };
        let (meta, events) = streams::read_ticket(commit, commit.first_version.saturating_sub(1))
            .map_err(|why| streams::unreadable_ticket(stream, why))?;
        let entry = tell(row, &meta, &events);
        n_bytes += entry.n_bytes();
        if n_bytes > limits::HISTORY_PAGE_BYTES_MAX && !entries.is_empty() {
            let problem = format!(
                "so many entries of this page hold more than {} bytes; ask for fewer",
                limits::HISTORY_PAGE_BYTES_MAX
            );
            return Ok(Err(Refusal::argument(Argument::PerPage, page.per_page, problem)));
        }
        entries.push(entry);
    }
    Ok(Ok(Page {
        rows: entries,
        page: page.page,
        per_page: page.per_page,
        total: page.total,
        has_more: page.has_more,
    }))
}
