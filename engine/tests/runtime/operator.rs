//! Directories, workflows, credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::token;
use loonflow_engine::id::TenantId;
use loonflow_engine::runtime::{AuthProblem, EngineHandle, EngineOptions, UserQuery};
use loonflow_engine::workflow::VersionState;
use loonflow_storage::{EventLog, MemoryLog};
use serde_json::json;

use crate::fixture::{ACME, GLOBEX, World, agree, comment, directory, directory_without, fixture, users_like};

#[tokio::test]
async fn importing_and_publishing_again_writes_nothing() {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    let before = log.last_position();
    let acme = TenantId::from(ACME);
    let report = world
        .engine
        .import_directory(&directory("acme"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((report.tenant_id, report.n_reviewed), (acme.clone(), 0));
    let source = Arc::new(fixture("workflows/leave.json"));
    let state = VersionState::Default;
    let report = world
        .engine
        .publish_workflow(&acme, source, Some("leave"), state, None)
        .await
        .unwrap()
        .unwrap();
    assert!(!report.is_new);
    assert_eq!(log.last_position(), before);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_whole() {
    let world = World::in_memory().await;
    // An address of a user of another tenant.
    let mut file = directory("globex");
    file["users"][0]["email"] = json!("DEV@acme.example");
    let refused = world.engine.import_directory(&file).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), "invalid_directory");
    let bad = Arc::new(fixture("invalid/no_end_node.json"));
    let state = VersionState::Default;
    let refused = world
        .engine
        .publish_workflow(&ACME.into(), bad, None, state, None)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(refused.code(), "invalid_definition");
    let source = Arc::new(fixture("workflows/leave.json"));
    let nowhere = TenantId::from("nowhere");
    world
        .engine
        .publish_workflow(&nowhere, source.clone(), None, state, None)
        .await
        .unwrap()
        .unwrap_err();
    // A user of type `normal` publishes nothing.
    let dev = world.user("dev");
    let refused = world
        .engine
        .publish_workflow(&ACME.into(), source, None, state, Some(&dev))
        .await
        .unwrap();
    assert_eq!(refused.unwrap_err().code(), "permission_denied");
}

#[tokio::test]
async fn directories_and_workflows_are_there_after_a_restart() {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    let names = |engine: &EngineHandle| {
        let tenants = engine
            .tenants()
            .into_iter()
            .map(|tenant| tenant.domain)
            .collect::<Vec<_>>();
        let workflows = engine
            .workflows_of(&ACME.into())
            .iter()
            .map(|one| one.id.to_string())
            .collect::<Vec<_>>();
        (tenants, workflows, engine.tenant_by_domain("GLOBEX.example"))
    };
    let live = names(&world.engine);
    assert_eq!(
        (live.0.len(), live.1.len(), live.2.clone()),
        (2, 7, Some(GLOBEX.into()))
    );
    let (acme, dev) = (TenantId::from(ACME), world.user("dev"));
    let (id, text) = world
        .engine
        .create_access_token(&acme, &dev, "ci", None)
        .await
        .unwrap()
        .unwrap();
    let ports = Arc::clone(&world.ports);
    world.engine.close().await.unwrap();
    log.reopen();
    let again = World::over(Arc::new(log), ports, EngineOptions::default()).await;
    assert_eq!(names(&again.engine), live);
    let (_, secret) = token::split(text.expose()).unwrap();
    assert_eq!(
        again.engine.identify_access_token(id.as_str(), secret),
        Ok((acme, dev, id))
    );
}

#[tokio::test]
async fn a_token_is_good_until_it_is_not() {
    let world = World::in_memory().await;
    let (acme, dev) = (TenantId::from(ACME), world.user("dev"));
    let make = async |days| {
        world
            .engine
            .create_access_token(&acme, &dev, "ci", days)
            .await
            .unwrap()
            .unwrap()
    };
    let (id, text) = make(Some(2)).await;
    let (split, secret) = token::split(text.expose()).unwrap();
    assert_eq!(split, id);
    let identify = |id: &str, secret: &str| world.engine.identify_access_token(id, secret);
    assert_eq!(
        identify(id.as_str(), secret),
        Ok((acme.clone(), dev.clone(), id.clone()))
    );
    assert_eq!(identify(id.as_str(), "other"), Err(AuthProblem::Invalid));
    assert_eq!(identify("unknown", secret), Err(AuthProblem::Invalid));
    world.ports.pass(2 * 86_400_000);
    assert_eq!(identify(id.as_str(), secret), Err(AuthProblem::Expired));

    let (id, text) = make(None).await;
    let (_, secret) = token::split(text.expose()).unwrap();
    let erin = world.user("erin");
    let refused = world
        .engine
        .revoke_access_token(&acme, &erin, &id)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(refused.code(), "access_token_not_found", "it is dev's");
    world
        .engine
        .import_directory(&directory_without("acme", &["dev"]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(identify(id.as_str(), secret), Err(AuthProblem::UserInactive));
    world
        .engine
        .import_directory(&directory("acme"))
        .await
        .unwrap()
        .unwrap();
    world
        .engine
        .revoke_access_token(&acme, &dev, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(identify(id.as_str(), secret), Err(AuthProblem::Revoked));
    let listed = world.engine.list_access_tokens(&acme, &dev).await.unwrap().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().any(|one| one.id == id && one.revoked_at.is_some()));
}

#[tokio::test]
async fn a_user_has_its_own_tokens_only() {
    let world = World::in_memory().await;
    let (dev, erin) = (world.caller("dev"), world.caller("erin"));
    let (id, _) = world
        .engine
        .create_own_access_token(&dev, "laptop", Some(30))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        world.engine.list_own_access_tokens(&dev).await.unwrap().unwrap().len(),
        1
    );
    assert_eq!(
        world.engine.list_own_access_tokens(&erin).await.unwrap().unwrap().len(),
        0
    );
    world
        .engine
        .revoke_own_access_token(&erin, &id)
        .await
        .unwrap()
        .unwrap_err();
    world.engine.revoke_own_access_token(&dev, &id).await.unwrap().unwrap();
    world
        .engine
        .create_own_access_token(&dev, "too long", Some(731))
        .await
        .unwrap()
        .unwrap_err();
}

#[tokio::test]
async fn an_address_finds_its_user() {
    let world = World::in_memory().await;
    let found = world.engine.identify_email(" DEV@acme.example ");
    assert_eq!(found, Ok((ACME.into(), world.user("dev"))));
    assert_eq!(
        world.engine.identify_email("gone@acme.example"),
        Err(AuthProblem::UserInactive)
    );
    assert_eq!(
        world.engine.identify_email("nobody@acme.example"),
        Err(AuthProblem::Invalid)
    );
    assert!(world.engine.application(&ACME.into(), &"loonflow".into()));
    assert!(world.engine.application(&ACME.into(), &"helpdesk-bot".into()));
    assert!(!world.engine.application(&ACME.into(), &"other".into()));
}

#[tokio::test]
async fn tickets_of_a_user_who_left_need_help_until_it_is_back() {
    let world = World::in_memory().await;
    let held = world.leave("2").await;
    let passed_on = world.leave("2").await;
    world
        .act("erin", passed_on, agree("approve_yes"), BTreeMap::new())
        .await
        .unwrap();
    let needs_help = async |id| {
        let detail = world.engine.detail(&world.caller("ada"), id).await.unwrap().unwrap();
        detail.row.needs_intervention
    };
    let report = world
        .engine
        .import_directory(&directory_without("acme", &["erin"]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report.n_reviewed, 1);
    assert_eq!((needs_help(held).await, needs_help(passed_on).await), (true, false));
    world
        .engine
        .import_directory(&directory("acme"))
        .await
        .unwrap()
        .unwrap();
    // Whoever came back can act; that ends it at the latest.
    world
        .act("erin", held, agree("approve_yes"), BTreeMap::new())
        .await
        .unwrap();
    assert!(!needs_help(held).await);
}

#[tokio::test]
async fn a_ticket_stays_on_its_version_until_it_is_migrated() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    world
        .publish("leave", |source| {
            source["basic_info"]["version"] = json!("2.0");
            source["basic_info"]["name"] = json!("Leave, new");
        })
        .await;
    let name = async |id| {
        world
            .engine
            .detail(&world.caller("dev"), id)
            .await
            .unwrap()
            .unwrap()
            .row
            .workflow_name
    };
    let newer = world.leave("3").await;
    assert_eq!(
        (name(id).await.as_str(), name(newer).await.as_str()),
        ("Leave request", "Leave, new")
    );
    let acme = TenantId::from(ACME);
    let migrate = async |operator: Option<&str>| {
        let operator = operator.map(|name| world.user(name));
        let version = "2.0".into();
        world
            .engine
            .migrate_ticket(&acme, id, &version, BTreeMap::new(), operator.as_ref())
            .await
            .unwrap()
    };
    assert_eq!(migrate(Some("dev")).await.unwrap_err().code(), "permission_denied");
    migrate(Some("wes")).await.unwrap();
    assert_eq!(name(id).await, "Leave, new");
    world
        .act("dev", id, comment("still here"), BTreeMap::new())
        .await
        .unwrap();
    let elsewhere = world
        .engine
        .migrate_ticket(&GLOBEX.into(), id, &"1.0".into(), BTreeMap::new(), None)
        .await
        .unwrap();
    assert_eq!(elsewhere.unwrap_err().code(), "ticket_not_found");
}

#[tokio::test]
async fn users_are_found_by_part_of_a_name() {
    let world = World::in_memory().await;
    let dev = world.caller("dev");
    let names = async |query: UserQuery| {
        let page = world.engine.users(&dev, query).await.unwrap().unwrap();
        assert_eq!(page.total as usize, page.rows.len());
        page.rows
            .iter()
            .map(|user| user.name.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names(users_like("OPS")).await, "olga omar");
    assert_eq!(names(users_like("gone@")).await, "gone", "inactive users too");
    assert_eq!(names(users_like("")).await.split(' ').count(), 14);
    let platform = UserQuery {
        dept_id: Some("00000000-0000-7000-8000-000000000202".into()),
        ..users_like("")
    };
    assert_eq!(names(platform).await, "erin", "people linked to it, not to those below");
    let past = UserQuery {
        page: 9,
        per_page: 5,
        ..users_like("")
    };
    let past = world.engine.users(&dev, past).await.unwrap().unwrap();
    assert_eq!((past.page, past.rows.len(), past.has_more), (3, 4, false));
}
