//! A log that takes no writes: probes say so, and callers get a code with a next step of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use loonflow_storage::{Fault, FaultyLog, MemoryLog, SledLog, SledOptions};
use serde_json::{Value, json};

use super::raw_http::{answer, post, tool_call};
use super::{KEY, options, start};
use crate::secret::Secret;
use crate::testing::World;

async fn ready(address: SocketAddr) -> (u16, Value) {
    let response = reqwest::get(format!("http://{address}/readyz")).await.expect("answers");
    (response.status().as_u16(), answer(response).await)
}

/// The result of a call by dev: no token is made, for that would be a write.
async fn call(world: &World, address: SocketAddr, tool: &str, arguments: Value) -> Value {
    let claims = json!({ "exp": world.state.now_s() + 60, "data": { "email": "dev@acme.example" } });
    let jwt = crate::auth::jwt::sign(&claims, &Secret::new(KEY)).expect("signs");
    let bearer = format!("Bearer {jwt}");
    let answer = answer(post(address, &[("authorization", &bearer)], tool_call(tool, &arguments)).await).await;
    answer["result"]["structuredContent"].clone()
}

fn leave() -> Value {
    json!({ "workflow_id": "leave", "fields": { "reason": "x" } })
}

#[tokio::test]
async fn a_stopped_log_is_told_to_probes_and_to_callers() {
    let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), []));
    let world = World::over(log.clone(), options()).await;
    let address = start(&world.state).await;
    assert_eq!(ready(address).await, (200, json!({ "status": "ready" })));

    log.schedule(0, Fault::UncertainLost);
    let error = call(&world, address, "ticket_create", leave()).await["error"].clone();
    assert_eq!(error["code"], "storage_stopped", "{error}");
    let hint = error["hint"].as_str().expect("is there");
    assert!(hint.contains("idempotency key"), "{hint}");
    let (status, body) = ready(address).await;
    let reason = body["reason"].as_str().expect("is there");
    assert!(status == 503 && reason.starts_with("stopped: "), "{status} {body}");
    // Reading goes on.
    let list = call(&world, address, "ticket_list", json!({})).await;
    assert_eq!(list["total"], 0, "{list}");

    // The next write finds a log that has stopped.
    let error = call(&world, address, "ticket_create", leave()).await["error"].clone();
    assert_eq!(error["code"], "storage_stopped", "{error}");
    assert!(
        error["message"]
            .as_str()
            .expect("is there")
            .contains("nothing was written"),
        "{error}"
    );

    log.reopen();
    assert_eq!(ready(address).await.0, 200);
    let made = call(&world, address, "ticket_create", leave()).await;
    assert!(made["ticket_id"].is_string(), "{made}");
}

#[tokio::test]
async fn a_full_disk_is_told_to_probes_and_to_callers() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let open = |free_space_bytes_min| {
        let options = SledOptions {
            free_space_bytes_min,
            ..SledOptions::default()
        };
        Arc::new(SledLog::open(folder.path(), options).expect("opens"))
    };
    let world = World::over(open(0), options()).await;
    world.engine.close().await.expect("closes");
    drop(world);
    // No disk has so much room.
    let world = World::over(open(u64::MAX), options()).await;
    let address = start(&world.state).await;
    let full = json!({ "status": "not ready", "reason": "full" });
    assert_eq!(ready(address).await, (503, full));
    let error = call(&world, address, "ticket_create", leave()).await["error"].clone();
    assert_eq!(error["code"], "storage_full", "{error}");
    assert!(
        !error["hint"].as_str().expect("is there").starts_with("call again"),
        "{error}"
    );
    let list = call(&world, address, "ticket_list", json!({})).await;
    assert_eq!(list["total"], 0, "{list}");
    let health = reqwest::get(format!("http://{address}/healthz"))
        .await
        .expect("answers");
    assert_eq!(health.status(), 200);
}
