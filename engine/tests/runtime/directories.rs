//! Large directories, directories of several tenants, people who left.

use std::sync::Arc;

use loonflow_engine::account::token;
use loonflow_engine::id::TenantId;
use loonflow_engine::runtime::{AuthProblem, EngineOptions, ImportOptions};
use loonflow_engine::time::Timestamp;
use loonflow_storage::{Error, EventLog, Fault, FaultyLog, MemoryLog};
use serde_json::{Value, json};

use crate::fixture::{ACME, GLOBEX, World, directory, until};

const KESTREL: &str = "t-k";
const WHOLE: ImportOptions = ImportOptions {
    whole: true,
    dry_run: false,
};

/// A directory of `mira`, an admin, and so many others, each of whose entries has `padding` more bytes.
fn kestrel(n_others: usize, padding: usize) -> Value {
    let person = |n: usize| {
        json!({
            "id": format!("u-{n}"), "name": format!("n{n}"), "email": format!("n{n}@kestrel.example"), "type": "normal",
            "avatar": "x".repeat(padding), "depts": [{"dept_id": "d-yard", "is_primary": true}],
        })
    };
    let mira = json!({"id": "u-mira", "name": "mira", "email": "mira@kestrel.example", "type": "admin"});
    let users: Vec<Value> = [mira].into_iter().chain((0..n_others).map(person)).collect();
    json!({
        "tenant": {"id": KESTREL, "name": "Kestrel Yard", "domain": "kestrel.example", "time_zone": "Europe/Berlin"},
        "users": users,
        "depts": [{"id": "d-yard", "name": "Yard"}],
        "applications": [{"name": "loonflow", "workflow_ids": "*"}],
    })
}

fn n_users(world: &World) -> Option<usize> {
    let directory = world.engine.directories().of(&KESTREL.into())?;
    Some(directory.users.len())
}

async fn import(world: &World, file: &Value) -> usize {
    world
        .engine
        .directories()
        .import(file)
        .await
        .unwrap()
        .unwrap()
        .n_changed
}

async fn over(log: &Arc<FaultyLog>) -> World {
    let log = Arc::clone(log) as Arc<dyn EventLog>;
    World::over(log, Arc::default(), EngineOptions::default()).await
}

/// 10,001 entries, and 9 MB of entries: more than one commit takes.
#[tokio::test]
async fn a_directory_of_any_size_is_imported_and_read_again() {
    for (n_others, padding) in [(10_001, 0), (900, 10_000)] {
        let log = MemoryLog::new();
        let world = World::over(Arc::new(log.clone()), Arc::default(), EngineOptions::default()).await;
        let file = kestrel(n_others, padding);
        assert_eq!(import(&world, &file).await, n_others + 4);
        assert_eq!(n_users(&world), Some(n_others + 1));
        let last = log.last_position();
        assert!(last > 1, "several commits");
        assert_eq!(import(&world, &file).await, 0);
        assert_eq!(log.last_position(), last);
        world.engine.close().await.unwrap();
        log.reopen();
        let again = World::over(Arc::new(log), Arc::default(), EngineOptions::default()).await;
        assert_eq!(n_users(&again), Some(n_others + 1));
        let found = again.engine.directories().identify_email("n7@kestrel.example");
        assert_eq!(found, Ok((KESTREL.into(), "u-7".into())));
        assert_eq!(import(&again, &file).await, 0);
    }
}

/// In an import of one commit and of several: all of them count as one entry, a rehearsal says so and leaves them.
#[tokio::test]
async fn calendars_are_imported_and_read_again() {
    for n_others in [0, 2_500] {
        let log = MemoryLog::new();
        let world = World::over(Arc::new(log.clone()), Arc::default(), EngineOptions::default()).await;
        let mut file = kestrel(n_others, 0);
        file["tenant"]["calendars"] = json!([{"id": "yard", "week": {"sat": ["06:00-07:00"]}}]);
        assert_eq!(import(&world, &file).await, n_others + 5);
        assert_eq!(import(&world, &file).await, 0);
        assert_eq!(
            import(&world, &kestrel(n_others, 0)).await,
            0,
            "what the file does not name stays"
        );

        file["tenant"]["calendars"] = json!([]);
        let rehearsal = ImportOptions {
            whole: false,
            dry_run: true,
        };
        let report = world.engine.directories().import_as(file.clone(), rehearsal).await;
        assert_eq!(report.unwrap().unwrap().n_changed, 1);
        world.engine.close().await.unwrap();
        log.reopen();
        let again = World::over(Arc::new(log), Arc::default(), EngineOptions::default()).await;
        let has_hours = || {
            let directory = again.engine.directories().of(&KESTREL.into()).expect("a tenant");
            let yard = "yard".into();
            directory.calendar(&yard).is_some() && !directory.working_time(Some(&yard)).is_working(Timestamp(0))
        };
        assert!(has_hours());
        assert_eq!(import(&again, &file).await, 1);
        assert!(!has_hours());
    }
}

#[tokio::test]
async fn readers_see_the_old_directory_until_the_last_commit_is_on_disk() {
    let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), []));
    let world = over(&log).await;
    import(&world, &kestrel(1, 0)).await;
    // 2,500 entries: three commits, and one that ends them.
    log.schedule(3, Fault::Hold);
    let n_before = log.n_appends();
    let engine = world.engine.clone();
    let importing = tokio::spawn(async move { engine.directories().import(&kestrel(2_501, 0)).await });
    until("the last commit is held", async || log.n_appends() == n_before + 4).await;
    assert_eq!(n_users(&world), Some(2));
    assert!(world.engine.directories().identify_email("n7@kestrel.example").is_err());
    log.release();
    assert_eq!(importing.await.unwrap().unwrap().unwrap().n_changed, 2_500);
    assert_eq!(n_users(&world), Some(2_502));
}

#[tokio::test]
async fn half_an_import_is_never_seen_and_in_nobodys_way() {
    let faults = [
        Fault::Refuse(Error::Full),
        Fault::UncertainWritten,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ];
    for fault in faults {
        for n_between in 0..3 {
            let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), []));
            let world = over(&log).await;
            import(&world, &kestrel(1, 0)).await;
            log.schedule(n_between, fault.clone());
            world.engine.directories().import(&kestrel(2_501, 0)).await.unwrap_err();
            assert_eq!(n_users(&world), Some(2), "{fault:?}");
            let tell = || format!("{fault:?} at commit {n_between}");
            log.reopen();
            // After a crash another process goes on.
            let is_crash = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
            let world = if is_crash { over(&log).await } else { world };
            assert_eq!(n_users(&world), Some(2), "{}", tell());
            let tenant = TenantId::from(KESTREL);
            let made = world
                .engine
                .access_tokens()
                .create(&tenant, &"u-0".into(), "", None)
                .await;
            let (id, text) = made.unwrap().unwrap();
            let (_, secret) = token::split(text.expose()).unwrap();
            assert!(
                world.engine.access_tokens().identify(id.as_str(), secret).is_ok(),
                "{}",
                tell()
            );
            assert_eq!(n_users(&world), Some(2), "{}", tell());
            assert_eq!(import(&world, &kestrel(2_501, 0)).await, 2_500, "{}", tell());
            assert_eq!(n_users(&world), Some(2_502), "{}", tell());
            let again = over(&log).await;
            assert_eq!(n_users(&again), Some(2_502), "{}", tell());
            assert!(
                again.engine.access_tokens().identify(id.as_str(), secret).is_ok(),
                "{}",
                tell()
            );
        }
    }
}

#[tokio::test]
async fn a_tenant_whose_first_import_broke_off_is_not_there() {
    let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), []));
    let world = over(&log).await;
    log.schedule(1, Fault::CrashAfter);
    world.engine.directories().import(&kestrel(2_500, 0)).await.unwrap_err();
    log.reopen();
    let world = over(&log).await;
    assert_eq!(world.engine.directories().tenants(), []);
    assert_eq!(world.engine.directories().by_domain("kestrel.example"), None);
    import(&world, &kestrel(2_500, 0)).await;
    assert_eq!(n_users(&over(&log).await), Some(2_501));
}

#[tokio::test]
async fn an_entry_that_could_not_be_read_again_is_refused() {
    let world = World::over(Arc::new(MemoryLog::new()), Arc::default(), EngineOptions::default()).await;
    let refused = world
        .engine
        .directories()
        .import(&kestrel(1, 5 << 20))
        .await
        .unwrap()
        .unwrap_err();
    assert!(refused.to_string().contains("user `u-0` takes"), "{refused}");
    assert_eq!(world.engine.directories().tenants(), []);
}

#[tokio::test]
async fn a_domain_is_one_tenants_own() {
    let world = World::in_memory().await;
    import(&world, &kestrel(1, 0)).await;
    let mut other = kestrel(1, 0);
    other["tenant"] = json!({"id": "a-third", "name": "X", "domain": " Kestrel.Example"});
    other["users"] = json!([{"id": "u-zoe", "name": "zoe", "email": "zoe@third.example", "type": "admin"}]);
    let refused = world.engine.directories().import(&other).await.unwrap().unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("the domain `kestrel.example` is another tenant's"),
        "{refused}"
    );
    assert_eq!(
        world.engine.directories().by_domain("KESTREL.example"),
        Some(KESTREL.into())
    );
    // Nor by a change of one's own.
    let mut globex = directory("globex");
    globex["tenant"]["domain"] = json!("kestrel.example");
    world.engine.directories().import(&globex).await.unwrap().unwrap_err();
    other["tenant"]["domain"] = json!("third.example");
    import(&world, &other).await;
    assert_eq!(
        world.engine.directories().by_domain("globex.example"),
        Some(GLOBEX.into())
    );
}

#[tokio::test]
async fn whoever_the_file_leaves_out_is_told_and_goes_where_it_is_whole() {
    let world = World::in_memory().await;
    let (acme, dev) = (TenantId::from(ACME), world.user("dev"));
    let (id, text) = world
        .engine
        .access_tokens()
        .create(&acme, &dev, "ci", None)
        .await
        .unwrap()
        .unwrap();
    let (_, secret) = token::split(text.expose()).unwrap();
    let identify = || world.engine.access_tokens().identify(id.as_str(), secret);
    let mut file = directory("acme");
    let users = file["users"].as_array_mut().unwrap();
    users.retain(|user| user["name"] != "dev" && user["name"] != "erin");
    let held = world.leave("2").await;

    let report = world.engine.directories().import(&file).await.unwrap().unwrap();
    assert_eq!((report.n_changed, report.missing.n_users), (0, 2));
    assert!(
        report
            .missing
            .first
            .contains(&(dev.clone(), "dev@acme.example".to_owned()))
    );
    assert!(identify().is_ok(), "an import takes nothing away by itself");

    let rehearsal = ImportOptions { dry_run: true, ..WHOLE };
    let report = world
        .engine
        .directories()
        .import_as(file.clone(), rehearsal)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((report.n_changed, report.missing.n_users), (2, 2));
    assert!(identify().is_ok(), "a rehearsal changes nothing");

    let report = world
        .engine
        .directories()
        .import_as(file.clone(), WHOLE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((report.n_changed, report.n_reviewed), (2, 1));
    assert_eq!(identify(), Err(AuthProblem::UserInactive));
    let detail = world
        .engine
        .tickets()
        .detail(&world.caller("ada"), held)
        .await
        .unwrap()
        .unwrap();
    assert!(detail.row.needs_intervention, "erin held it");
    let report = world
        .engine
        .directories()
        .import_as(file, WHOLE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((report.n_changed, report.missing.n_users), (0, 0));
    import(&world, &directory("acme")).await;
    assert!(identify().is_ok(), "who comes back has the tokens from before");

    let nobody = json!({"tenant": directory("acme")["tenant"], "users": []});
    let refused = world
        .engine
        .directories()
        .import_as(nobody, WHOLE)
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        refused.to_string().contains("no active user of type `admin`"),
        "{refused}"
    );
}

/// Ids of which lists could not be made come in no more; those that are in a log stay in use.
#[tokio::test]
async fn ids_can_stand_in_lists() {
    let world = World::over(Arc::new(MemoryLog::new()), Arc::default(), EngineOptions::default()).await;
    for (pointer, id) in [
        ("/users/1/id", "CN=Lia,OU=Yard"),
        ("/tenant/id", "t k "),
        ("/applications/0/name", "a\u{1}"),
    ] {
        let mut file = kestrel(1, 0);
        *file.pointer_mut(pointer).unwrap() = json!(id);
        let refused = world.engine.directories().import(&file).await.unwrap().unwrap_err();
        assert!(
            refused.to_string().contains(&format!("`{}`", id.escape_debug())),
            "{refused}"
        );
    }
}
