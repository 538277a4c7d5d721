//! Absences set while an engine runs: kept over a restart and an import, and what somebody holds handed over.

use std::sync::Arc;

use loonflow_engine::id::{TenantId, UserId};
use loonflow_engine::runtime::{AbsenceReport, AbsenceRequest, EngineOptions, HandOverReport, HistoryQuery};
use loonflow_storage::MemoryLog;

use crate::fixture::{ACME, GLOBEX, World, agree, directory, directory_without, fields, until};

/// `erin` is away for some days from now on, and `dana` stands in.
fn away(world: &World, user: &str, delegate: &str) -> AbsenceRequest {
    let from = world.ports.now();
    AbsenceRequest {
        user: world.user(user),
        delegate: world.user(delegate),
        from: from.to_rfc3339(),
        to: from.plus_ms(5 * 86_400_000).to_rfc3339(),
        workflows: Vec::new(),
        hand_over: false,
    }
}

async fn set(world: &World, by: Option<&str>, request: AbsenceRequest) -> Result<AbsenceReport, &'static str> {
    let by = by.map(|name| world.user(name));
    let set = world.engine.absences().set(&ACME.into(), by.as_ref(), request).await;
    set.unwrap().map_err(|refusal| refusal.code())
}

async fn holders(world: &World, ticket: loonflow_engine::id::TicketId) -> Vec<String> {
    let detail = world
        .engine
        .tickets()
        .detail(&world.caller("ada"), ticket)
        .await
        .unwrap()
        .unwrap();
    let people = detail.waiting_for.into_iter().flat_map(|one| one.people);
    people.map(|person| person.name).collect()
}

#[tokio::test]
async fn work_goes_to_who_stands_in_and_an_import_and_a_restart_keep_that() {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    let report = set(&world, Some("erin"), away(&world, "erin", "dana")).await.unwrap();
    assert_eq!((report.absence.user, report.handed_over), (world.user("erin"), None));
    assert_eq!(holders(&world, world.leave("1").await).await, ["dana"]);

    let mut file = directory("acme");
    file["users"][3]["alias"] = "D.".into();
    let imported = world.engine.directories().import(&file).await.unwrap().unwrap();
    assert_eq!(imported.n_changed, 1);
    assert_eq!(holders(&world, world.leave("1").await).await, ["dana"]);

    let ports = Arc::clone(&world.ports);
    world.engine.close().await.unwrap();
    let world = World::over(Arc::new(log.fork()), ports, EngineOptions::default()).await;
    assert_eq!(holders(&world, world.leave("1").await).await, ["dana"]);
    let again = set(&world, Some("erin"), away(&world, "erin", "dana")).await;
    assert_eq!(
        again.unwrap().absence.id,
        report.absence.id,
        "the same once more is the same"
    );

    // Over once its end has come, without anybody's doing.
    world.ports.pass(5 * 86_400_000);
    assert_eq!(holders(&world, world.leave("1").await).await, ["erin"]);
    let listed = world
        .engine
        .absences()
        .list(&ACME.into(), None, &world.user("erin"))
        .await;
    assert_eq!(listed.unwrap().unwrap(), []);
}

#[tokio::test]
async fn whose_it_is_and_admins_set_list_and_clear() {
    let world = World::in_memory().await;
    let absences = world.engine.absences();
    let acme = TenantId::from(ACME);
    assert_eq!(
        set(&world, Some("dev"), away(&world, "erin", "dana"))
            .await
            .unwrap_err(),
        "permission_denied"
    );
    let mut foreign = away(&world, "erin", "dana");
    let gina = world.engine.directories().of(&GLOBEX.into()).unwrap();
    let gina = gina.users.values().find(|user| user.name == "gina").unwrap().id.clone();
    foreign.delegate = gina.clone();
    assert_eq!(set(&world, Some("erin"), foreign).await.unwrap_err(), "user_not_found");
    let mut misspelt = away(&world, "erin", "dana");
    misspelt.workflows = vec!["leaf".into()];
    assert_eq!(
        set(&world, Some("erin"), misspelt).await.unwrap_err(),
        "invalid_argument"
    );

    let id = set(&world, Some("ada"), away(&world, "erin", "dana"))
        .await
        .unwrap()
        .absence
        .id;
    let list = async |by: &str, user: &UserId| {
        let listed = absences.list(&acme, Some(&world.user(by)), user).await.unwrap();
        listed.map(|all| all.len()).map_err(|refusal| refusal.code())
    };
    let (erin, dana) = (world.user("erin"), world.user("dana"));
    assert_eq!(list("erin", &erin).await, Ok(1));
    assert_eq!(list("dana", &dana).await, Ok(1), "for whom they stand in");
    assert_eq!(list("ada", &erin).await, Ok(1));
    assert_eq!(list("dana", &erin).await, Err("permission_denied"));

    let clear = async |by: &str, id| {
        let cleared = absences.clear(&acme, Some(&world.user(by)), id).await.unwrap();
        cleared.map_err(|refusal| refusal.code())
    };
    assert_eq!(clear("dana", &id).await, Err("invalid_argument"));
    assert_eq!(clear("erin", &id).await, Ok(()));
    assert_eq!(clear("erin", &id).await, Err("invalid_argument"));
    let of_globex = absences.clear(&GLOBEX.into(), Some(&gina), &id).await.unwrap();
    assert_eq!(
        of_globex.unwrap_err().code(),
        "invalid_argument",
        "another tenant's is not there"
    );
    assert_eq!(holders(&world, world.leave("1").await).await, ["erin"]);
}

/// What erin holds goes to dana; what dana stands in for is said in a history; a repeat does no harm.
#[tokio::test]
async fn what_is_held_is_handed_over_once() {
    let world = World::in_memory().await;
    let mut tickets = Vec::new();
    for _ in 0..20 {
        tickets.push(world.leave("1").await);
    }
    // One of the candidates of the next step.
    world
        .act("erin", tickets[0], agree("approve_yes"), fields([]))
        .await
        .unwrap();
    let early = AbsenceRequest {
        from: world.ports.now().plus_ms(60_000).to_rfc3339(),
        hand_over: true,
        ..away(&world, "erin", "dana")
    };
    assert_eq!(set(&world, Some("erin"), early).await.unwrap_err(), "invalid_argument");
    let request = AbsenceRequest {
        hand_over: true,
        ..away(&world, "erin", "dana")
    };
    let report = set(&world, Some("erin"), request.clone()).await.unwrap();
    let moved = |n_moved| {
        Some(HandOverReport {
            n_moved,
            ..HandOverReport::default()
        })
    };
    assert_eq!(report.handed_over, moved(19));
    assert_eq!(holders(&world, tickets[1]).await, ["dana"]);
    let again = set(&world, Some("ada"), request).await.unwrap();
    assert_eq!((again.absence.id, again.handed_over), (report.absence.id, moved(0)));

    let hana = AbsenceRequest {
        hand_over: true,
        ..away(&world, "hana", "hugo")
    };
    let hana = set(&world, None, hana).await.unwrap();
    assert_eq!(hana.handed_over, moved(1), "a candidate");
    assert_eq!(holders(&world, tickets[0]).await, ["hugo"], "who is alone holds it");

    world
        .act("dana", tickets[1], agree("approve_yes"), fields([]))
        .await
        .unwrap();
    let query = HistoryQuery::default();
    let caller = world.caller("erin");
    let history = world
        .engine
        .tickets()
        .history(&caller, tickets[1], query)
        .await
        .unwrap();
    let told: Vec<String> = history
        .expect("whose place it was goes on seeing it")
        .rows
        .iter()
        .map(|entry| {
            let name = |person: &Option<loonflow_engine::account::person::Person>| {
                person.as_ref().map_or_else(String::new, |person| person.name.clone())
            };
            let absent: Vec<&str> = entry.on_behalf_of.iter().map(|person| person.name.as_str()).collect();
            format!(
                "{} by {} for {} to {}",
                entry.action_type,
                name(&entry.by),
                absent.join("+"),
                name(&entry.target)
            )
        })
        .collect();
    assert!(
        told.contains(&"hand_over by erin for erin to dana".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"agree by dana for erin to ".to_owned()), "{told:?}");
}

/// A ticket that cannot be handed over is named with the reason, and the others are.
#[tokio::test]
async fn what_cannot_be_handed_over_is_left() {
    let world = World::in_memory().await;
    world
        .publish("leave", |source| {
            source["basic_info"]["version"] = "2.0".into();
            let nodes = source["process_schema"]["node_info_list"].as_array_mut().unwrap();
            let approve = nodes.iter_mut().find(|node| node["id"] == "approve").unwrap();
            approve["props"]["on_creator"] = "exclude".into();
        })
        .await;
    let ticket = world.leave("1").await;
    // Whoever asked for it stands in, and may not approve it.
    let request = AbsenceRequest {
        hand_over: true,
        ..away(&world, "erin", "dev")
    };
    let report = set(&world, Some("erin"), request).await.unwrap();
    let expected = HandOverReport {
        left: vec![(ticket, "no_assignee")],
        ..HandOverReport::default()
    };
    assert_eq!(report.handed_over, Some(expected));
    assert_eq!(holders(&world, ticket).await, ["erin"]);
}

/// Whoever stands in and is deactivated: what they hold is looked at as ever, and new work goes to who is absent.
#[tokio::test]
async fn who_stands_in_leaves() {
    let world = World::in_memory().await;
    set(&world, Some("erin"), away(&world, "erin", "dana")).await.unwrap();
    let held = world.leave("1").await;
    let file = directory_without("acme", &["dana"]);
    world.engine.directories().import(&file).await.unwrap().unwrap();
    until("the ticket needs help", async || {
        let detail = world
            .engine
            .tickets()
            .detail(&world.caller("ada"), held)
            .await
            .unwrap()
            .unwrap();
        detail.intervention.is_some()
    })
    .await;
    assert_eq!(holders(&world, world.leave("1").await).await, ["erin"]);
    world
        .engine
        .directories()
        .import(&directory("acme"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(holders(&world, world.leave("1").await).await, ["dana"], "it was kept");
}
