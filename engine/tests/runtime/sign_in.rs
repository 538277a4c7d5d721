//! Signing in: passwords, and what ends a session (semantics: sessions).

use std::sync::Arc;

use loonflow_engine::account::token::Secret;
use loonflow_engine::limits::SESSION_IDLE_MS;
use loonflow_engine::runtime::{AuthProblem, Engine, EngineOptions};
use loonflow_storage::{EventLog, MemoryLog};
use serde_json::Value;

use super::fixture::{World, directory};

const EMAIL: &str = "erin@acme.example";

fn check(engine: &Engine, email: &str, password: &str) -> Result<String, AuthProblem> {
    let found = engine.sign_in().check_password(email, &Secret::new(password));
    found.map(|who| who.user_id.to_string())
}

async fn begun(engine: &Engine) -> Secret {
    let who = engine
        .sign_in()
        .check_password(EMAIL, &Secret::new("change-me"))
        .unwrap();
    engine.sign_in().begin(&who).await.unwrap()
}

fn goes_on(engine: &Engine, secret: &Secret) -> Result<(), AuthProblem> {
    engine.sign_in().identify(secret.expose()).map(|_who| ())
}

/// Acme with a password of Erin's, and what else is to change of her.
fn with_erin(change: impl Fn(&mut Value)) -> Value {
    let mut acme = directory("acme");
    let users = acme["users"].as_array_mut().unwrap();
    let erin = users.iter_mut().find(|user| user["name"] == "erin").unwrap();
    erin["password"] = "change-me".into();
    change(erin);
    acme
}

async fn world_over(log: Arc<dyn EventLog>) -> World {
    let world = World::filled(log, EngineOptions::default()).await;
    import(&world.engine, &with_erin(|_| {})).await;
    world
}

async fn world() -> World {
    world_over(Arc::new(MemoryLog::new())).await
}

async fn import(engine: &Engine, directory: &Value) {
    engine.directories().import(directory).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_password_is_its_users_and_nobody_learns_more() {
    let world = world().await;
    let engine = &world.engine;
    let erin = check(engine, " Erin@ACME.example ", "change-me").unwrap();
    let directory = engine.directories().of(&super::fixture::ACME.into()).unwrap();
    assert_eq!(directory.user_by_email(EMAIL).unwrap().id.as_str(), erin);
    let long = "x".repeat(5_000);
    for (email, password) in [
        (EMAIL, "change-m"),
        (EMAIL, ""),
        (EMAIL, long.as_str()),
        ("nobody@acme.example", "change-me"),
        ("", ""),
    ] {
        assert_eq!(check(engine, email, password), Err(AuthProblem::Invalid), "{email}");
    }
    import(engine, &with_erin(|erin| erin["is_active"] = false.into())).await;
    assert_eq!(check(engine, EMAIL, "change-me"), Err(AuthProblem::UserInactive));
    assert_eq!(check(engine, EMAIL, "wrong"), Err(AuthProblem::Invalid));
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_not_its_end() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let world = world_over(log.clone()).await;
    let (kept, ended) = (begun(&world.engine).await, begun(&world.engine).await);
    assert_eq!(goes_on(&world.engine, &kept), Ok(()));
    world.engine.sign_in().end(ended.expose()).await.unwrap();
    world.engine.sign_in().end("never there").await.unwrap();
    assert_eq!(goes_on(&world.engine, &ended), Err(AuthProblem::Expired));
    assert!(!format!("{kept:?} {:?}", world.engine).contains(kept.expose()));

    let ports = world.ports.clone();
    let again = World::over(log.clone(), ports.clone(), EngineOptions::default()).await;
    assert_eq!(goes_on(&again.engine, &kept), Ok(()));
    assert_eq!(goes_on(&again.engine, &ended), Err(AuthProblem::Expired));
    // What the log holds is no secret.
    for (key, value) in log.kv_scan("session", None, 10).unwrap() {
        for bytes in [key, value] {
            assert!(!String::from_utf8_lossy(&bytes).contains(kept.expose()));
        }
    }
    ports.pass(SESSION_IDLE_MS);
    assert_eq!(goes_on(&again.engine, &kept), Err(AuthProblem::Expired));
}

#[tokio::test]
async fn another_password_or_a_deactivation_ends_a_session() {
    let world = world().await;
    let engine = &world.engine;
    let session = begun(engine).await;
    import(engine, &with_erin(|erin| erin["alias"] = "Erin".into())).await;
    assert_eq!(goes_on(engine, &session), Ok(()));
    import(engine, &with_erin(|erin| erin["password"] = "another".into())).await;
    assert_eq!(goes_on(engine, &session), Err(AuthProblem::Expired));
    import(engine, &with_erin(|_| {})).await;

    let session = begun(engine).await;
    import(engine, &with_erin(|erin| erin["is_active"] = false.into())).await;
    assert!(goes_on(engine, &session).is_err());
    import(engine, &with_erin(|_| {})).await;
    assert_eq!(goes_on(engine, &session), Err(AuthProblem::Expired));
    assert_eq!(goes_on(engine, &begun(engine).await), Ok(()));
}

#[tokio::test]
async fn a_use_is_told_before_it_is_written() {
    let world = world().await;
    let engine = &world.engine;
    let who = engine
        .sign_in()
        .check_password(EMAIL, &Secret::new("change-me"))
        .unwrap();
    let made = engine
        .access_tokens()
        .create(&who.tenant_id, &who.user_id, "laptop", None)
        .await;
    let (id, text) = made.unwrap().unwrap();
    let used = || async {
        let listed = engine.access_tokens().list(&who.tenant_id, &who.user_id).await;
        listed.unwrap().unwrap()[0].last_used_at
    };
    assert_eq!(used().await, None);
    let secret = text.expose().rsplit('.').next().unwrap();
    engine.access_tokens().identify(id.as_str(), secret).unwrap();
    assert_eq!(used().await, Some(world.ports.now()));
}
