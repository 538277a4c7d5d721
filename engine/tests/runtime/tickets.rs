//! One ticket under many hands; rehearsals; timers and hooks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use loonflow_engine::effect::{Awaited, Effect};
use loonflow_engine::runtime::{ActAnswer, ActRequest, HistoryQuery};
use loonflow_engine::ticket::{ActState, Action, HookOutcome, Refusal};
use loonflow_engine::value::Value;

use crate::fixture::{GLOBEX, World, agree, caller_of, comment, done, fields, handle, incident, leave};

const HISTORY: HistoryQuery = HistoryQuery {
    with_effects: false,
    from_version: 0,
    page: 1,
    per_page: 100,
    reverse: false,
};

#[tokio::test]
async fn a_leave_request_goes_from_start_to_end() {
    let world = World::in_memory().await;
    let id = world.leave("3").await;
    let detail = world
        .engine
        .tickets()
        .detail(&world.caller("erin"), id)
        .await
        .unwrap()
        .unwrap();
    assert!(detail.offered.iter().any(|one| one.id == "approve_yes"));

    world
        .act("erin", id, agree("approve_yes"), BTreeMap::new())
        .await
        .unwrap();
    world
        .act("hana", id, (Action::Accept, None), BTreeMap::new())
        .await
        .unwrap();
    let last = world
        .act("hana", id, agree("file_done"), fields([("hr_note", "ok")]))
        .await
        .unwrap();
    assert_eq!(last.act_state, ActState::Finished);

    let history = world
        .engine
        .tickets()
        .history(&world.caller("dev"), id, HISTORY)
        .await
        .unwrap()
        .unwrap();
    let told: Vec<&str> = history.rows.iter().map(|entry| entry.action_id.as_str()).collect();
    assert_eq!(told, ["submit", "approve_yes", "accept", "file_done"]);
    assert_eq!(history.rows.last().unwrap().version, last.version);
    let newest = HistoryQuery {
        per_page: 1,
        reverse: true,
        ..HISTORY
    };
    let newest = world
        .engine
        .tickets()
        .history(&world.caller("dev"), id, newest)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(newest.rows[0].action_id, "file_done");
    assert!(newest.has_more);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_on_one_ticket_never_interleave() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let before = world
        .engine
        .tickets()
        .detail(&world.caller("dev"), id)
        .await
        .unwrap()
        .unwrap()
        .row
        .version;
    let tasks: Vec<_> = (0..64)
        .map(|idx| {
            let (engine, caller) = (world.engine.clone(), world.caller("dev"));
            tokio::spawn(async move {
                engine
                    .tickets()
                    .act(&caller, handle(id, comment(&format!("c{idx}"))))
                    .await
            })
        })
        .collect();
    let mut versions = BTreeSet::new();
    for task in tasks {
        assert!(
            versions.insert(done(task.await.unwrap().unwrap().unwrap()).version),
            "a version was given twice"
        );
    }
    // A comment is one event: each of them got a version of its own, without gaps.
    assert_eq!(
        versions.into_iter().collect::<Vec<_>>(),
        (before + 1..=before + 64).collect::<Vec<_>>()
    );
    let history = world
        .engine
        .tickets()
        .history(&world.caller("dev"), id, HISTORY)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(history.total, 65);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_accept_one_wins() {
    let world = World::in_memory().await;
    for _ in 0..20 {
        let id = world.leave("2").await;
        world
            .act("erin", id, agree("approve_yes"), BTreeMap::new())
            .await
            .unwrap();
        let claims: Vec<_> = ["hana", "hugo"]
            .into_iter()
            .map(|name| {
                let (engine, caller) = (world.engine.clone(), world.caller(name));
                let request = handle(id, (Action::Accept, None));
                tokio::spawn(async move { engine.tickets().act(&caller, request).await.unwrap() })
            })
            .collect();
        let mut n_won = 0;
        for claim in claims {
            match claim.await.unwrap() {
                Ok(_) => n_won += 1,
                Err(refusal) => assert!(matches!(
                    refusal,
                    Refusal::PermissionDenied { .. } | Refusal::ActionNotAvailable { .. }
                )),
            }
        }
        assert_eq!(n_won, 1);
    }
}

#[tokio::test]
async fn a_stale_version_is_refused_dry_and_real() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let version = world
        .engine
        .tickets()
        .detail(&world.caller("dev"), id)
        .await
        .unwrap()
        .unwrap()
        .row
        .version;
    for dry_run in [true, false] {
        let request = ActRequest {
            expected_version: Some(version - 1),
            dry_run,
            ..handle(id, comment("x"))
        };
        let refused = world.engine.tickets().act(&world.caller("dev"), request).await.unwrap();
        assert_eq!(
            refused,
            Err(Refusal::VersionConflict {
                expected: version - 1,
                current: version
            })
        );
        // Whoever may not see the ticket learns nothing of its version.
        let request = ActRequest {
            expected_version: Some(1),
            dry_run,
            ..handle(id, comment("x"))
        };
        let refused = world.engine.tickets().act(&world.caller("fin"), request).await.unwrap();
        assert_eq!(refused, Err(Refusal::TicketNotFound { id: id.to_string() }));
    }
    let request = ActRequest {
        expected_version: Some(version),
        ..handle(id, comment("x"))
    };
    assert_eq!(
        done(
            world
                .engine
                .tickets()
                .act(&world.caller("dev"), request)
                .await
                .unwrap()
                .unwrap()
        )
        .version,
        version + 1
    );
}

#[tokio::test]
async fn a_rehearsal_says_what_the_call_does_and_does_nothing() {
    let world = World::in_memory().await;
    let dev = world.caller("dev");
    // Triage is drawn at random: the rehearsal takes no draw and names the whole pool.
    let request = incident("Web is down");
    let n_draws = world.ports.n_draws.load(Ordering::SeqCst);
    let rehearsal = loonflow_engine::runtime::CreateRequest {
        dry_run: true,
        ..request.clone()
    };
    let ActAnswer::Preview(created) = world.engine.tickets().create(&dev, rehearsal).await.unwrap().unwrap() else {
        panic!("a preview was asked for")
    };
    assert_eq!(world.ports.n_draws.load(Ordering::SeqCst), n_draws);
    assert!(created.pools.contains_key("triage"));
    assert_eq!(created.version, 0);
    let id = done(world.engine.tickets().create(&dev, request).await.unwrap().unwrap()).ticket_id;
    let after = world.engine.tickets().detail(&dev, id).await.unwrap().unwrap();
    assert_eq!(after.row.act_state, created.act_state);
    assert_eq!(after.row.version, created.events.len() as u64);

    let triager = after.row.current_nodes[0].assignees[0].id.clone();
    let caller = caller_of(crate::fixture::ACME, triager.as_str());
    let request = ActRequest {
        fields: fields([("severity", "sev1")]),
        ..handle(id, agree("triaged"))
    };
    let rehearsal = ActRequest {
        dry_run: true,
        ..request.clone()
    };
    let ActAnswer::Preview(preview) = world.engine.tickets().act(&caller, rehearsal).await.unwrap().unwrap() else {
        panic!("a preview was asked for")
    };
    assert_eq!(
        world.engine.tickets().detail(&dev, id).await.unwrap().unwrap().row,
        after.row,
        "nothing changed"
    );
    let real = done(world.engine.tickets().act(&caller, request).await.unwrap().unwrap());
    assert_eq!(real.version, preview.version + preview.events.len() as u64);
    assert_eq!(
        (real.act_state, real.current_nodes),
        (preview.act_state, preview.current_nodes)
    );
}

#[tokio::test]
async fn who_may_not_see_a_ticket_hears_that_there_is_none() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let gina = caller_of(GLOBEX, "00000000-0000-7000-8000-000000000901");
    let draft = loonflow_engine::runtime::CreateRequest {
        take: None,
        ..leave("1")
    };
    let draft = done(
        world
            .engine
            .tickets()
            .create(&world.caller("dev"), draft)
            .await
            .unwrap()
            .unwrap(),
    )
    .ticket_id;
    let unknown = loonflow_engine::id::TicketId(uuid::Uuid::from_u128(7));
    let not_found = |id: loonflow_engine::id::TicketId| Refusal::TicketNotFound { id: id.to_string() };
    for (caller, id) in [
        (gina, id),
        (world.caller("fin"), id),
        (world.caller("ada"), draft),
        (world.caller("ada"), unknown),
    ] {
        assert_eq!(
            world.engine.tickets().detail(&caller, id).await.unwrap().unwrap_err(),
            not_found(id)
        );
        assert_eq!(
            world
                .engine
                .tickets()
                .history(&caller, id, HISTORY)
                .await
                .unwrap()
                .unwrap_err(),
            not_found(id)
        );
        for dry_run in [true, false] {
            let request = ActRequest {
                dry_run,
                ..handle(id, comment("x"))
            };
            assert_eq!(
                world.engine.tickets().act(&caller, request).await.unwrap().unwrap_err(),
                not_found(id)
            );
        }
    }
    // A discarded draft is gone for its creator too.
    world
        .act("dev", draft, (Action::Discard, None), BTreeMap::new())
        .await
        .unwrap();
    assert_eq!(
        world
            .engine
            .tickets()
            .detail(&world.caller("dev"), draft)
            .await
            .unwrap()
            .unwrap_err(),
        not_found(draft)
    );
}

#[tokio::test]
async fn an_application_uses_only_what_it_may() {
    let world = World::in_memory().await;
    let as_app = |name: &str, app: &str| {
        let mut caller = world.caller(name);
        caller.app = app.into();
        caller
    };
    let leave_id = world.leave("2").await;
    for app in ["helpdesk-bot", "nobody-knows-it"] {
        let caller = as_app("dev", app);
        let refused = world
            .engine
            .tickets()
            .detail(&caller, leave_id)
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(refused.code(), "app_not_allowed", "{app}");
        let refused = world
            .engine
            .tickets()
            .act(&caller, handle(leave_id, comment("x")))
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(refused.code(), "app_not_allowed", "{app}");
        let refused = world
            .engine
            .tickets()
            .create(&caller, leave("1"))
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(refused.code(), "app_not_allowed", "{app}");
    }
    let bot = as_app("dev", "helpdesk-bot");
    world
        .engine
        .tickets()
        .create(&bot, incident("By a bot"))
        .await
        .unwrap()
        .unwrap();
    let startable = world
        .engine
        .workflows()
        .startable(&bot, "", 1, 100)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        startable
            .rows
            .iter()
            .map(|one| one.workflow_id.as_str())
            .collect::<Vec<_>>(),
        ["incident"]
    );
}

#[tokio::test]
async fn a_timer_fires_when_it_is_due_and_once() {
    let world = World::in_memory().await;
    let dev = world.caller("dev");
    let id = done(
        world
            .engine
            .tickets()
            .create(&dev, incident("Web is down"))
            .await
            .unwrap()
            .unwrap(),
    )
    .ticket_id;
    let triager = world
        .engine
        .tickets()
        .detail(&dev, id)
        .await
        .unwrap()
        .unwrap()
        .row
        .current_nodes[0]
        .assignees[0]
        .clone();
    world
        .act(&triager.name, id, agree("triaged"), BTreeMap::new())
        .await
        .unwrap();
    world
        .act("olga", id, (Action::Accept, None), BTreeMap::new())
        .await
        .unwrap();
    world
        .act("olga", id, agree("fixed"), fields([("root_cause", "a cable")]))
        .await
        .unwrap();
    let open = world.engine.effects().awaited(id).await.unwrap().unwrap();
    let [
        Awaited {
            effect: Effect::Timer { token, node, due },
            failed: None,
        },
    ] = open.as_slice()
    else {
        panic!("{open:?}")
    };
    assert_eq!(
        (node.as_str(), *due),
        ("cool_down", world.ports.now().plus_ms(86_400_000))
    );

    let early = world.engine.effects().fire_timer(id, *token).await.unwrap();
    assert_eq!(early.unwrap_err().code(), "not_waiting");
    world.ports.pass(86_400_000);
    let fired = world.engine.effects().fire_timer(id, *token).await.unwrap().unwrap();
    assert_eq!(fired.current_nodes[0].node_id.as_str(), "confirm");
    let again = world.engine.effects().fire_timer(id, *token).await.unwrap();
    assert_eq!(again.unwrap_err().code(), "not_waiting");
    assert_eq!(world.engine.effects().awaited(id).await.unwrap().unwrap(), []);
}

#[tokio::test]
async fn a_hook_reports_once_and_can_be_retried() {
    let world = World::in_memory().await;
    let request = loonflow_engine::runtime::CreateRequest {
        workflow_id: "release".into(),
        fields: [("title", "R1"), ("service", "web"), ("version", "1.2")]
            .map(|(key, value)| (key.into(), Value::text(value)))
            .into_iter()
            .collect(),
        ..leave("1")
    };
    let id = done(
        world
            .engine
            .tickets()
            .create(&world.caller("dev"), request)
            .await
            .unwrap()
            .unwrap(),
    )
    .ticket_id;
    world.act("dev", id, agree("ready"), BTreeMap::new()).await.unwrap();
    for name in ["erin", "olga"] {
        world.act(name, id, agree("go"), BTreeMap::new()).await.unwrap();
    }
    let open = world.engine.effects().awaited(id).await.unwrap().unwrap();
    let [
        Awaited {
            effect: Effect::Hook { token, attempt: 1, .. },
            failed: None,
        },
    ] = open.as_slice()
    else {
        panic!("{open:?}")
    };
    let report = |attempt, outcome| world.engine.effects().report_hook(id, *token, attempt, outcome);
    report(1, HookOutcome::Failed("no route".into()))
        .await
        .unwrap()
        .unwrap();
    world
        .act("wes", id, (Action::RetryHook { effect: None }, None), BTreeMap::new())
        .await
        .unwrap();
    let late = report(1, HookOutcome::Failed("no route".into())).await.unwrap();
    assert_eq!(
        late.unwrap_err().code(),
        "not_waiting",
        "that the first request failed is known"
    );
    let done = report(1, HookOutcome::Succeeded).await.unwrap().unwrap();
    assert_eq!(
        done.current_nodes[0].node_id.as_str(),
        "verify",
        "an answer belongs to the visit, not to the attempt"
    );
    let again = report(2, HookOutcome::Succeeded).await.unwrap();
    assert_eq!(again.unwrap_err().code(), "not_waiting", "one answer is enough");
}
