//! Names of streams, and commits as the log stores them.
//!
//! | stream | name | kinds |
//! |---|---|---|
//! | a tenant's directory | `dir/<tenant>` | `account.*` |
//! | a workflow | `wf/<tenant>/<workflow>` | `workflow.*` |
//! | a ticket | `t/<tenant>/<uuid>` | `ticket.*` |
//!
//! The tenant is part of every name, so an id of another tenant names a stream that is not there. Tickets of a tenant
//! lie side by side in order of creation. Ids that are long or hold a separator go in by their SHA-256.

use std::sync::Arc;

use loonflow_storage::{Commit, Expected, NewCommit, StoredEvent, StreamId};
use sha2::{Digest, Sha256};

use crate::codec::{self, CodecError};
use crate::id::{TenantId, TicketId, WorkflowId};
use crate::runtime::fault::Fault;
use crate::ticket::event::{Event, Meta};

/// Longest id that goes into a name as it is: two of them and a UUID stay under the log's bound.
const PLAIN_BYTES_MAX: usize = 72;

/// An id as it stands in a name.
pub(crate) fn part(id: &str) -> String {
    let is_plain = id.len() <= PLAIN_BYTES_MAX && !id.is_empty() && !id.contains(['/', '\0', '#']);
    if is_plain {
        id.to_owned()
    } else {
        let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
        format!("#{}", crate::account::token::hex(&digest))
    }
}

pub(crate) fn directory(tenant: &TenantId) -> StreamId {
    StreamId::new(format!("dir/{}", part(tenant.as_str())))
}

pub(crate) fn workflow(tenant: &TenantId, workflow: &WorkflowId) -> StreamId {
    StreamId::new(format!("wf/{}/{}", part(tenant.as_str()), part(workflow.as_str())))
}

pub(crate) fn ticket(tenant: &TenantId, ticket: TicketId) -> StreamId {
    StreamId::new(format!("t/{}/{ticket}", part(tenant.as_str())))
}

/// The ticket of a stream's name; `None` for other kinds of streams.
pub(crate) fn ticket_of(stream: &StreamId) -> Option<TicketId> {
    let rest = stream.as_str().strip_prefix("t/")?;
    TicketId::parse(rest.rsplit_once('/')?.1)
}

/// The tenant's part of a ticket stream's name.
pub(crate) fn tenant_part(stream: &StreamId) -> &str {
    stream.as_str().split('/').nth(1).unwrap_or_default()
}

/// A commit of a ticket; nothing stands beside it in the log yet where `version` is 0.
pub(crate) fn ticket_commit(stream: StreamId, version: u64, meta: &Meta, events: &[Event]) -> NewCommit {
    let stored = events.iter().map(|event| StoredEvent {
        kind: Arc::from(codec::ticket_kind(event)),
        schema: codec::TICKET_SCHEMA,
        payload: codec::encode(event),
    });
    NewCommit {
        stream,
        expected: expected(version),
        meta: codec::encode(meta),
        events: stored.collect(),
        kv: Vec::new(),
    }
}

pub(crate) fn expected(version: u64) -> Expected {
    if version == 0 {
        Expected::NoStream
    } else {
        Expected::Version(version)
    }
}

pub(crate) fn read_meta(commit: &Commit) -> Result<Meta, CodecError> {
    codec::decode("meta", codec::META_SCHEMA, &commit.meta)
}

pub(crate) fn read_ticket_events(commit: &Commit) -> Result<Vec<Event>, CodecError> {
    commit
        .events
        .iter()
        .map(|stored| codec::decode_ticket(&stored.kind, stored.schema, &stored.payload))
        .collect()
}

/// What a commit of a ticket says that is at `version` (0: not there yet), or in words why that cannot be told: it does
/// not decode, or does not follow what was before.
pub(crate) fn read_ticket(commit: &Commit, version: u64) -> Result<(Meta, Vec<Event>), String> {
    let meta = read_meta(commit).map_err(|error| error.to_string())?;
    let events = read_ticket_events(commit).map_err(|error| error.to_string())?;
    if commit.first_version > version + 1 {
        return Err(format!("version {} follows version {version}", commit.first_version));
    }
    if version == 0 {
        let is_creation = matches!(events.first(), Some(Event::TicketCreated(created))
            if ticket(&created.tenant_id, created.ticket_id) == commit.stream);
        if !is_creation {
            return Err("it does not begin with its own creation".into());
        }
    }
    Ok((meta, events))
}

/// The fault of a ticket's stream that cannot be read.
pub(crate) fn unreadable_ticket(stream: &StreamId, why: impl Into<String>) -> Fault {
    let what = match ticket_of(stream) {
        Some(ticket) => format!("ticket `{ticket}`"),
        None => format!("stream `{stream}`"),
    };
    Fault::Unreadable { what, why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_fit() {
        let id = TicketId::parse("01939f5a-3c00-7000-8000-000000000001").unwrap();
        let plain = ticket(&"acme".into(), id);
        assert_eq!(plain.as_str(), "t/acme/01939f5a-3c00-7000-8000-000000000001");
        assert_eq!(ticket_of(&plain), Some(id));
        let long = "x".repeat(500);
        for odd in ["a/b", "", "#a", "a\0b", long.as_str()] {
            assert_eq!(ticket_of(&ticket(&odd.into(), id)), Some(id), "{odd}");
            assert_ne!(workflow(&odd.into(), &"w".into()), workflow(&"a".into(), &"b/w".into()));
            let _ = (directory(&odd.into()), workflow(&odd.into(), &odd.into()));
        }
        assert_eq!(ticket_of(&directory(&"acme".into())), None);
    }
}
