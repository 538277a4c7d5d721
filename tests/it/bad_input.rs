//! What careless and hostile clients send: always a clear error, never a panic, and nothing changed.

/// Types, ranges and names of arguments.
mod arguments;
/// Bodies that are too large, or no protocol at all.
mod bodies;
/// Every row of the token table.
mod tokens;
/// Fields, versions and idempotency keys of calls that change something.
mod writes;

use loonflow_tests::TestServer;
use serde_json::{Value, json};

/// Arguments that create a leave request of one day, at erin's at once.
fn leave() -> Value {
    let fields = json!({ "leave_type": "sick", "leave_start": "2026-12-01", "leave_end": "2026-12-01", "days": 1 });
    json!({ "workflow_id": "leave", "action_id": "submit", "fields": fields })
}

/// A leave request of dev's at erin's: its id.
async fn leave_at_erin(server: &TestServer) -> String {
    let created = server.raw("dev").call("ticket_create", leave()).await.ok();
    created["ticket_id"].as_str().expect("a ticket has an id").to_owned()
}

/// `into` with the keys of `more`.
pub(crate) fn with(mut into: Value, more: &Value) -> Value {
    let map = into.as_object_mut().expect("an object");
    map.extend(more.as_object().cloned().unwrap_or_default());
    into
}
