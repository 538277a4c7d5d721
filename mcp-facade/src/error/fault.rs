//! A fault of the engine in the words of the wire: `overloaded` where a repeat may help, `stored_data_unreadable`
//! where something stored does not read, else `internal_error`; the cause is in the log only, once, under the request's id.

use loonflow_engine::runtime::Fault;
use serde_json::json;

use super::{ApiError, Code};

/// Seconds after which a call is worth repeating where the engine does not say.
const RETRY_S: u64 = 1;

impl ApiError {
    /// What a client is told of a fault; writes the line of the log that tells the rest.
    #[must_use]
    pub fn of_fault(fault: &Fault, request_id: &str) -> Self {
        if let Fault::Overloaded { retry_after_s } = fault {
            // Many of these come at once, and the request log has a line for each anyway.
            return Self::overloaded(
                "more calls are under way than the server takes",
                (*retry_after_s).into(),
            );
        }
        if matches!(fault, Fault::Closed) {
            return Self::overloaded("the server is stopping", RETRY_S);
        }
        tracing::error!(request_id, error = chain(fault), "the engine could not finish a call");
        if matches!(fault, Fault::WorkerDied) {
            return Self::overloaded("the call was interrupted and may have been carried out", RETRY_S)
                .with_hint("look at the ticket, or repeat the call with the same idempotency key");
        }
        if let Fault::Unreadable { what, .. } = fault {
            return Self::new(
                Code::StoredDataUnreadable,
                format!("{what} cannot be read from the server's log"),
            )
            .with_details(json!({ "request_id": request_id }));
        }
        if fault.is_retryable() {
            return Self::overloaded("the call could not be carried out just now", RETRY_S);
        }
        Self::internal(request_id)
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
