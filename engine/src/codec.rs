//! Events ⇄ bytes: the one place where events take the form they have on disk.
//!
//! An event is stored under a stable type name with a schema number; the payload is bincode 2, standard
//! configuration, with a limit on what is decoded. bincode is positional: variants and fields are only ever
//! appended through a new schema with an upcast here, proven by the golden files of every old one.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of one decoded item: bounds memory when a stored length is damaged. Twice the largest definition with room.
const DECODED_BYTES_MAX: usize = 4 << 20;

/// Why stored bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Written by a newer version of this program, or not by it at all.
    #[error("unknown type `{kind}` with schema {schema}")]
    Unknown {
        /// The stored type name.
        kind: String,
        /// The stored schema number.
        schema: u16,
    },
    /// The bytes do not decode.
    #[error("`{kind}` with schema {schema} does not decode: {reason}")]
    Damaged {
        /// The stored type name.
        kind: String,
        /// The stored schema number.
        schema: u16,
        /// What bincode says.
        reason: String,
    },
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<DECODED_BYTES_MAX>()
}

/// Encodes any of our own stored types.
///
/// # Panics
/// Never for types of this crate: they hold nothing that the codec cannot carry, which the golden files show.
#[must_use]
pub fn encode<T: Serialize>(item: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(item, bincode::config::standard()).expect("our stored types always encode")
}

/// As [`encode`], behind what the buffer has already.
///
/// # Panics
/// As [`encode`].
pub fn encode_into<T: Serialize>(item: &T, bytes: &mut Vec<u8>) {
    bincode::serde::encode_into_std_write(item, bytes, bincode::config::standard())
        .expect("our stored types always encode");
}

/// Decodes what [`encode`] wrote; trailing bytes are damage.
pub fn decode<T: DeserializeOwned>(kind: &str, schema: u16, bytes: &[u8]) -> Result<T, CodecError> {
    let damaged = |reason: String| CodecError::Damaged {
        kind: kind.to_owned(),
        schema,
        reason,
    };
    let (item, read) =
        bincode::serde::decode_from_slice(bytes, config()).map_err(|error| damaged(error.to_string()))?;
    if read == bytes.len() {
        Ok(item)
    } else {
        Err(damaged(format!("{} bytes are left over", bytes.len() - read)))
    }
}

/// Schema number under which ticket events are written today.
pub const TICKET_SCHEMA: u16 = 1;
/// Schema number under which the meta of a commit is written today.
pub const META_SCHEMA: u16 = 1;
/// Schema number under which directory events are written today.
pub const ACCOUNT_SCHEMA: u16 = 1;
/// Schema number under which workflow events are written today.
pub const WORKFLOW_SCHEMA: u16 = 1;

/// The stored type name of a ticket event: `ticket.` and its name.
#[must_use]
pub fn ticket_kind(event: &crate::ticket::Event) -> String {
    format!("ticket.{}", event.name())
}

/// Reads a stored ticket event of any schema there ever was.
pub fn decode_ticket(kind: &str, schema: u16, payload: &[u8]) -> Result<crate::ticket::Event, CodecError> {
    match (kind.strip_prefix("ticket."), schema) {
        (Some(_), 1) => decode(kind, schema, payload),
        _ => Err(CodecError::Unknown {
            kind: kind.to_owned(),
            schema,
        }),
    }
}

/// The stored type name of a directory event.
#[must_use]
pub fn account_kind(event: &crate::account::event::Event) -> String {
    format!("account.{}", event.name())
}

/// Reads a stored directory event of any schema there ever was.
pub fn decode_account(kind: &str, schema: u16, payload: &[u8]) -> Result<crate::account::event::Event, CodecError> {
    match (kind.strip_prefix("account."), schema) {
        (Some(_), 1) => decode(kind, schema, payload),
        _ => Err(CodecError::Unknown {
            kind: kind.to_owned(),
            schema,
        }),
    }
}

/// The stored type name of a workflow event.
#[must_use]
pub fn workflow_kind(event: &crate::workflow::event::Event) -> String {
    format!("workflow.{}", event.name())
}

/// Reads a stored workflow event of any schema there ever was.
pub fn decode_workflow(kind: &str, schema: u16, payload: &[u8]) -> Result<crate::workflow::event::Event, CodecError> {
    match (kind.strip_prefix("workflow."), schema) {
        (Some(_), 1) => decode(kind, schema, payload),
        _ => Err(CodecError::Unknown {
            kind: kind.to_owned(),
            schema,
        }),
    }
}
