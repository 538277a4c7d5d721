//! Directories, workflows, credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::{User, token};
use loonflow_engine::id::{TenantId, UserId};
use loonflow_engine::runtime::{AuthProblem, Caller, Engine, EngineOptions, PublishRequest, UserQuery};
use loonflow_engine::value::number;
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
        .directories()
        .import(&directory("acme"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((report.tenant_id, report.n_reviewed), (acme.clone(), 0));
    let source = Arc::new(fixture("workflows/leave.json"));
    let state = VersionState::Default;
    let report = world
        .engine
        .workflows()
        .publish(PublishRequest {
            file_stem: Some("leave".into()),
            state,
            ..PublishRequest::new(acme.clone(), source)
        })
        .await
        .unwrap()
        .unwrap();
    assert!(!report.is_new);
    assert_eq!(log.last_position(), before);
}

/// A definition is stored as text and read again at the start: a number that came back as another would make the very
/// same file another content.
#[tokio::test]
async fn the_same_numbers_are_the_same_content_after_a_restart() {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    let acme = TenantId::from(ACME);
    // Kept in a key that is the user's own, and where the engine reads them.
    let numbers = "[0.1, 0.30000000000000004, 1e23, 5e-324, 2.225073858507201e-308, 1.7976931348623157e308, -0.0, 1.0, 1E2, \
                   123456789.12345679, 9007199254740993, 18446744073709551615, -9223372036854775808, 4.35]";
    let mut source = fixture("workflows/leave.json").to_string();
    source = source.replacen('{', &format!("{{\"_numbers\": {numbers}, "), 1);
    let read = || -> serde_json::Value {
        let mut json: serde_json::Value = number::read_file(source.as_bytes()).unwrap();
        json["basic_info"]["version"] = json!("9");
        let row = &mut json["form_schema"]["component_info_list"][0];
        let amount: serde_json::Value = serde_json::from_str(
            r#"{"id": "c-amount", "type": "number", "component_key": "amount", "component_name": "Amount",
                "props": {"min": 0.1, "max": 123456789.12345679}}"#,
        )
        .unwrap();
        row["children"].as_array_mut().unwrap().push(amount);
        json
    };
    let state = VersionState::Default;
    let published = world
        .engine
        .workflows()
        .publish(PublishRequest {
            file_stem: Some("leave".into()),
            state,
            ..PublishRequest::new(acme.clone(), read())
        })
        .await;
    assert!(published.unwrap().unwrap().is_new);
    let (ports, before) = (Arc::clone(&world.ports), log.last_position());
    world.engine.close().await.unwrap();
    log.reopen();
    let again = World::over(Arc::new(log.clone()), ports, EngineOptions::default()).await;
    let stored = again.engine.workflows().of(&acme);
    let stored = stored.iter().find(|one| one.id.as_str() == "leave").unwrap();
    let version = stored.version_named(&"9".into()).unwrap();
    assert_eq!(*version.source, read());
    // As the file says, and as the admin socket or another server would pass it on.
    let stored = serde_json::from_str(&version.source.to_string()).unwrap();
    for same in [read(), stored] {
        let published = again
            .engine
            .workflows()
            .publish(PublishRequest {
                file_stem: Some("leave".into()),
                state,
                ..PublishRequest::new(acme.clone(), same)
            })
            .await;
        assert!(!published.unwrap().unwrap().is_new);
    }
    let mut other = read();
    other["_numbers"][0] = json!(0.100_000_000_000_000_02);
    let refused = again
        .engine
        .workflows()
        .publish(PublishRequest {
            file_stem: Some("leave".into()),
            state,
            ..PublishRequest::new(acme.clone(), other)
        })
        .await;
    assert_eq!(refused.unwrap().unwrap_err().code(), "version_exists");
    assert_eq!(log.last_position(), before);
    for lost in [
        "1e400",
        "-1e400",
        "123456789.123456789",
        "18446744073709551617",
        "1e-400",
    ] {
        number::read_file(source.replacen("0.1", lost, 1).as_bytes()).unwrap_err();
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_whole() {
    let world = World::in_memory().await;
    // An address of a user of another tenant.
    let mut file = directory("globex");
    file["users"][0]["email"] = json!("DEV@acme.example");
    let refused = world.engine.directories().import(&file).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), "invalid_directory");
    let bad = Arc::new(fixture("invalid/no_end_node.json"));
    let state = VersionState::Default;
    let refused = world
        .engine
        .workflows()
        .publish(PublishRequest {
            state,
            ..PublishRequest::new(ACME, bad)
        })
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(refused.code(), "invalid_definition");
    let source = Arc::new(fixture("workflows/leave.json"));
    let nowhere = TenantId::from("nowhere");
    world
        .engine
        .workflows()
        .publish(PublishRequest {
            state,
            ..PublishRequest::new(nowhere.clone(), source.clone())
        })
        .await
        .unwrap()
        .unwrap_err();
    // A user of type `normal` publishes nothing.
    let dev = world.user("dev");
    let refused = world
        .engine
        .workflows()
        .publish(PublishRequest {
            state,
            operator: Some(dev.clone()),
            ..PublishRequest::new(ACME, source)
        })
        .await
        .unwrap();
    assert_eq!(refused.unwrap_err().code(), "permission_denied");
}

#[tokio::test]
async fn directories_and_workflows_are_there_after_a_restart() {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    let names = |engine: &Engine| {
        let tenants = engine
            .directories()
            .tenants()
            .into_iter()
            .map(|tenant| tenant.domain)
            .collect::<Vec<_>>();
        let workflows = engine
            .workflows()
            .of(&ACME.into())
            .iter()
            .map(|one| one.id.to_string())
            .collect::<Vec<_>>();
        (tenants, workflows, engine.directories().by_domain("GLOBEX.example"))
    };
    let live = names(&world.engine);
    assert_eq!(
        (live.0.len(), live.1.len(), live.2.clone()),
        (2, 7, Some(GLOBEX.into()))
    );
    let (acme, dev) = (TenantId::from(ACME), world.user("dev"));
    let (id, text) = world
        .engine
        .access_tokens()
        .create(&acme, &dev, "ci", None)
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
        again.engine.access_tokens().identify(id.as_str(), secret),
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
            .access_tokens()
            .create(&acme, &dev, "ci", days)
            .await
            .unwrap()
            .unwrap()
    };
    let (id, text) = make(Some(2)).await;
    let (split, secret) = token::split(text.expose()).unwrap();
    assert_eq!(split, id);
    let identify = |id: &str, secret: &str| world.engine.access_tokens().identify(id, secret);
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
        .access_tokens()
        .revoke(&acme, &erin, &id)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(refused.code(), "access_token_not_found", "it is dev's");
    world
        .engine
        .directories()
        .import(&directory_without("acme", &["dev"]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(identify(id.as_str(), secret), Err(AuthProblem::UserInactive));
    world
        .engine
        .directories()
        .import(&directory("acme"))
        .await
        .unwrap()
        .unwrap();
    world
        .engine
        .access_tokens()
        .revoke(&acme, &dev, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(identify(id.as_str(), secret), Err(AuthProblem::Revoked));
    let listed = world.engine.access_tokens().list(&acme, &dev).await.unwrap().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().any(|one| one.id == id && one.revoked_at.is_some()));
}

#[tokio::test]
async fn a_user_has_its_own_tokens_only() {
    let world = World::in_memory().await;
    let (dev, erin) = (world.caller("dev"), world.caller("erin"));
    let (id, _) = world
        .engine
        .access_tokens()
        .create(&dev.tenant_id, &dev.user_id, "laptop", Some(30))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        world
            .engine
            .access_tokens()
            .list(&dev.tenant_id, &dev.user_id)
            .await
            .unwrap()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        world
            .engine
            .access_tokens()
            .list(&erin.tenant_id, &erin.user_id)
            .await
            .unwrap()
            .unwrap()
            .len(),
        0
    );
    world
        .engine
        .access_tokens()
        .revoke(&erin.tenant_id, &erin.user_id, &id)
        .await
        .unwrap()
        .unwrap_err();
    world
        .engine
        .access_tokens()
        .revoke(&dev.tenant_id, &dev.user_id, &id)
        .await
        .unwrap()
        .unwrap();
    world
        .engine
        .access_tokens()
        .create(&dev.tenant_id, &dev.user_id, "too long", Some(731))
        .await
        .unwrap()
        .unwrap_err();
}

#[tokio::test]
async fn an_address_finds_its_user() {
    let world = World::in_memory().await;
    let found = world.engine.directories().identify_email(" DEV@acme.example ");
    assert_eq!(found, Ok((ACME.into(), world.user("dev"))));
    assert_eq!(
        world.engine.directories().identify_email("gone@acme.example"),
        Err(AuthProblem::UserInactive)
    );
    assert_eq!(
        world.engine.directories().identify_email("nobody@acme.example"),
        Err(AuthProblem::Invalid)
    );
    assert!(
        world
            .engine
            .directories()
            .has_application(&ACME.into(), &"loonflow".into())
    );
    assert!(
        world
            .engine
            .directories()
            .has_application(&ACME.into(), &"helpdesk-bot".into())
    );
    assert!(
        !world
            .engine
            .directories()
            .has_application(&ACME.into(), &"other".into())
    );
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
        let detail = world
            .engine
            .tickets()
            .detail(&world.caller("ada"), id)
            .await
            .unwrap()
            .unwrap();
        detail.row.needs_intervention
    };
    let report = world
        .engine
        .directories()
        .import(&directory_without("acme", &["erin"]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report.n_reviewed, 1);
    assert_eq!((needs_help(held).await, needs_help(passed_on).await), (true, false));
    world
        .engine
        .directories()
        .import(&directory("acme"))
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
            .tickets()
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
            .tickets()
            .migrate(&acme, id, &version, BTreeMap::new(), operator.as_ref())
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
        .tickets()
        .migrate(&GLOBEX.into(), id, &"1.0".into(), BTreeMap::new(), None)
        .await
        .unwrap();
    assert_eq!(elsewhere.unwrap_err().code(), "ticket_not_found");
}

#[tokio::test]
async fn users_are_found_by_part_of_a_name() {
    let world = World::in_memory().await;
    let dev = world.caller("dev");
    let names = async |query: UserQuery| {
        let page = world.engine.directories().users(&dev, query).await.unwrap().unwrap();
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
    let past = world.engine.directories().users(&dev, past).await.unwrap().unwrap();
    assert_eq!((past.page, past.rows.len(), past.has_more), (3, 4, false));
}

/// Whatever is asked for, all pages together are what a look at everybody gives, in the order of ids.
#[tokio::test]
async fn pages_of_users_are_the_whole_in_order() {
    let world = World::in_memory().await;
    let person = |n: usize| {
        let depts: &[_] = match (!n.is_multiple_of(3), n.is_multiple_of(2)) {
            (true, true) => &["d-yard", "d-hall"],
            (true, false) => &["d-yard"],
            (false, true) => &["d-hall"],
            (false, false) => &[],
        };
        let depts: Vec<_> = depts
            .iter()
            .map(|id| json!({ "dept_id": id, "is_primary": *id == depts[0] }))
            .collect();
        json!({
            "id": format!("u-{n}"), "name": if n.is_multiple_of(5) { format!("Łódź {n}") } else { format!("Name {n}") },
            "email": format!("n{n}@kestrel.example"), "type": if n == 0 { "admin" } else { "normal" },
            "is_active": n % 7 != 1, "depts": depts,
        })
    };
    let users: Vec<_> = (0..57).map(person).collect();
    let file = json!({
        "tenant": { "id": "t-k", "name": "Kestrel", "domain": "kestrel.example" }, "users": users,
        "depts": [{ "id": "d-yard", "name": "Yard", "parent_id": "d-hall" }, { "id": "d-hall", "name": "Hall" }, { "id": "d-none", "name": "None" }],
        "applications": [{ "name": "loonflow", "workflow_ids": "*" }],
    });
    world.engine.directories().import(&file).await.unwrap().unwrap();
    // Somebody moves, so that the indexes have been changed and not only built.
    let mut moved = file.clone();
    moved["users"][2]["depts"] = json!([{ "dept_id": "d-hall", "is_primary": true }]);
    moved["users"][4]["depts"] = json!([]);
    world.engine.directories().import(&moved).await.unwrap().unwrap();
    let directory = world.engine.directories().of(&"t-k".into()).unwrap();
    let caller = Caller {
        tenant_id: "t-k".into(),
        user_id: "u-0".into(),
        app: "loonflow".into(),
        access_token: None,
    };
    let ids: Vec<UserId> = ["u-4", "u-30", "u-2", "u-2", "nobody", "u-12"]
        .map(UserId::from)
        .to_vec();
    let mut n_found = Vec::new();
    for search in ["", " ", "name 1", "ŁÓDŹ", "N4@KESTREL", "none such"] {
        for dept in [None, Some("d-yard"), Some("d-hall"), Some("d-none"), Some("no such")] {
            for user_ids in [None, Some(ids.clone()), Some(Vec::new())] {
                let needle = search.trim().to_lowercase();
                let fits = |user: &&Arc<User>| {
                    user_ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
                        && dept.is_none_or(|dept| user.depts.iter().any(|one| one.dept_id.as_str() == dept))
                        && (user.name.to_lowercase().contains(&needle) || user.email.contains(&needle))
                };
                let expected: Vec<UserId> = directory
                    .users
                    .values()
                    .filter(fits)
                    .map(|user| user.id.clone())
                    .collect();
                let mut seen = Vec::new();
                for page in 1.. {
                    let query = UserQuery {
                        search: search.to_owned(),
                        user_ids: user_ids.clone(),
                        dept_id: dept.map(Into::into),
                        page,
                        per_page: 7,
                    };
                    let found = world.engine.directories().users(&caller, query).await.unwrap().unwrap();
                    assert_eq!(
                        (found.total as usize, found.page),
                        (expected.len(), page),
                        "{search} {dept:?}"
                    );
                    seen.extend(found.rows.iter().map(|user| user.id.clone()));
                    if !found.has_more {
                        break;
                    }
                }
                assert_eq!(seen, expected, "{search} {dept:?} {user_ids:?}");
                n_found.push(seen.len());
            }
        }
    }
    assert!(
        n_found.contains(&57) && n_found.iter().filter(|n| **n > 7).count() > 5,
        "{n_found:?}"
    );
}
