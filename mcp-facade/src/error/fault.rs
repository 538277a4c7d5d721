//! A fault of the engine in the words of the wire: `overloaded` where a repeat may help, codes of their own for a full and
//! for a stopped log and for something stored that does not read, else `internal_error`; the cause is in the server's log
//! only, once, under the request's id.

use loonflow_engine::runtime::Fault;
use serde_json::json;

use super::{ApiError, Code};

/// Seconds after which a call is worth repeating where the engine does not say.
const RETRY_S: u64 = 1;

impl ApiError {
    /// What a client is told of a fault; writes the line of the log that tells the rest.
    #[must_use]
    pub fn of_fault(fault: &Fault, request_id: &str) -> Self {
        let uncertain = "look at the ticket, or repeat the call with the same idempotency key";
        // Many of these come at once, and the request log has a line for each anyway.
        let is_told = matches!(fault, Fault::Overloaded { .. } | Fault::Closed);
        if !is_told {
            tracing::error!(request_id, error = chain(fault), "the engine could not finish a call");
        }
        match fault {
            Fault::Overloaded { retry_after_s } => Self::overloaded(
                "more calls are under way than the server takes",
                (*retry_after_s).into(),
            ),
            Fault::Closed => Self::overloaded("the server is stopping", RETRY_S),
            Fault::Full => Self::new(Code::StorageFull, "the server's disk is full, and nothing was written"),
            Fault::Stopped { .. } => Self::new(
                Code::StorageStopped,
                "the server takes no changes since a write to its disk failed, and nothing was written",
            ),
            Fault::Uncertain { .. } => Self::new(
                Code::StorageStopped,
                "a write to the server's disk failed, and the call may have been carried out",
            )
            .with_hint(format!("wait a minute, then {uncertain}")),
            Fault::WorkerDied => {
                Self::overloaded("the call was interrupted and may have been carried out", RETRY_S).with_hint(uncertain)
            }
            Fault::Unreadable { what, .. } => Self::new(
                Code::StoredDataUnreadable,
                format!("{what} cannot be read from the server's log"),
            )
            .with_details(json!({ "request_id": request_id })),
            Fault::Storage(_) if fault.is_retryable() => {
                Self::overloaded("the call could not be carried out just now", RETRY_S)
            }
            Fault::Storage(_) | Fault::Codec(_) | Fault::Inconsistent { .. } => Self::internal(request_id),
        }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
