//! What is stored reads back.

use loonflow_engine::codec;
use loonflow_engine::ticket::{Event, Meta};

/// Every event, and who caused it when, is the same after it was stored and read back.
pub fn events_survive_storage(commits: &[(Meta, Vec<Event>)]) -> Result<(), String> {
    for (meta, events) in commits {
        let read = codec::decode::<Meta>("meta", codec::META_SCHEMA, &codec::encode(meta));
        if read.as_ref() != Ok(meta) {
            return Err(format!("{meta:?} reads back as {read:?}"));
        }
        for event in events {
            let bytes = codec::encode(event);
            let read = codec::decode_ticket(&codec::ticket_kind(event), codec::TICKET_SCHEMA, &bytes);
            if read.as_ref() != Ok(event) {
                return Err(format!("{event:?} reads back as {read:?}"));
            }
        }
    }
    Ok(())
}
