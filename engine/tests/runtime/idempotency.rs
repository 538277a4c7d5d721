//! Repeats of a call answer what the first one did (semantics: idempotency).

use std::collections::BTreeMap;

use loonflow_engine::runtime::{ActAnswer, ActRequest, Caller, CreateRequest, Done, HistoryQuery, Idempotency};
use loonflow_engine::ticket::{Action, Refusal};

use crate::fixture::{World, agree, comment, done, handle, key, leave};

#[tokio::test]
async fn a_repeat_answers_what_the_first_call_did() {
    let world = World::in_memory().await;
    let dev = world.caller("dev");
    let create = CreateRequest {
        idempotency: key("k1", 1),
        ..leave("2")
    };
    let first = done(
        world
            .engine
            .tickets()
            .create(&dev, create.clone())
            .await
            .unwrap()
            .unwrap(),
    );
    let again = done(world.engine.tickets().create(&dev, create).await.unwrap().unwrap());
    assert!(!first.replayed);
    assert_eq!(
        again,
        Done {
            replayed: true,
            ..first.clone()
        }
    );

    let erin = world.caller("erin");
    let id = first.ticket_id;
    // The version that was right the first time is stale by then: the key is looked up before it.
    let request = ActRequest {
        idempotency: key("k1", 2),
        expected_version: Some(first.version),
        ..handle(id, agree("approve_yes"))
    };
    let approved = done(
        world
            .engine
            .tickets()
            .act(&erin, request.clone())
            .await
            .unwrap()
            .unwrap(),
    );
    world
        .act("hana", id, (Action::Accept, None), BTreeMap::new())
        .await
        .unwrap();
    let again = done(world.engine.tickets().act(&erin, request).await.unwrap().unwrap());
    assert_eq!(
        again,
        Done {
            replayed: true,
            ..approved
        },
        "the first answer, not the present state"
    );
}

#[tokio::test]
async fn a_key_with_other_arguments_is_refused_and_keys_are_each_users_own() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let request = |fingerprint| ActRequest {
        idempotency: key("k", fingerprint),
        ..handle(id, comment("x"))
    };
    let dev = world.caller("dev");
    world.engine.tickets().act(&dev, request(1)).await.unwrap().unwrap();
    let refused = world.engine.tickets().act(&dev, request(2)).await.unwrap();
    assert_eq!(refused, Err(Refusal::IdempotencyMismatch { key: "k".into() }));
    let other = done(
        world
            .engine
            .tickets()
            .act(&world.caller("erin"), request(3))
            .await
            .unwrap()
            .unwrap(),
    );
    assert!(!other.replayed);
}

/// A program that knew calls by another digest wrote its answers down under that one; a repeat brings both.
#[tokio::test]
async fn a_key_from_before_is_known_by_its_older_digest() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let dev = world.caller("dev");
    let brings = |name: &str, fingerprint, older: Option<u8>| {
        key(name, fingerprint).map(|one| Idempotency {
            older: older.map(|older| [older; 32]),
            ..one
        })
    };
    let handled = |fingerprint, older| ActRequest {
        idempotency: brings("h", fingerprint, older),
        ..handle(id, comment("x"))
    };
    let created = |fingerprint, older| CreateRequest {
        idempotency: brings("c", fingerprint, older),
        ..leave("1")
    };
    let first = done(
        world
            .engine
            .tickets()
            .act(&dev, handled(1, None))
            .await
            .unwrap()
            .unwrap(),
    );
    let again = done(
        world
            .engine
            .tickets()
            .act(&dev, handled(2, Some(1)))
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!((again.replayed, again.version), (true, first.version));
    let first = done(
        world
            .engine
            .tickets()
            .create(&dev, created(1, None))
            .await
            .unwrap()
            .unwrap(),
    );
    let again = done(
        world
            .engine
            .tickets()
            .create(&dev, created(2, Some(1)))
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!((again.replayed, again.ticket_id), (true, first.ticket_id));

    // Neither digest is the answer's: another call. A new answer is kept under the new digest alone.
    let refused = world.engine.tickets().act(&dev, handled(2, Some(3))).await.unwrap();
    assert_eq!(refused, Err(Refusal::IdempotencyMismatch { key: "h".into() }));
    let next = |fingerprint, older| ActRequest {
        idempotency: brings("n", fingerprint, older),
        ..handle(id, comment("y"))
    };
    world
        .engine
        .tickets()
        .act(&dev, next(5, Some(4)))
        .await
        .unwrap()
        .unwrap();
    let refused = world.engine.tickets().act(&dev, next(4, None)).await.unwrap();
    assert_eq!(refused, Err(Refusal::IdempotencyMismatch { key: "n".into() }));
}

#[tokio::test]
async fn refusals_and_rehearsals_keep_no_key() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let erin = world.caller("erin");
    let request = |action, fingerprint, dry_run| ActRequest {
        idempotency: key("k", fingerprint),
        dry_run,
        ..handle(id, action)
    };
    world
        .engine
        .tickets()
        .act(&erin, request(agree("no_such_edge"), 1, false))
        .await
        .unwrap()
        .unwrap_err();
    world
        .engine
        .tickets()
        .act(&erin, request(agree("approve_yes"), 2, true))
        .await
        .unwrap()
        .unwrap();
    let real = done(
        world
            .engine
            .tickets()
            .act(&erin, request(agree("approve_yes"), 3, false))
            .await
            .unwrap()
            .unwrap(),
    );
    assert!(!real.replayed);
}

#[tokio::test]
async fn a_key_has_a_bound() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let long = "k".repeat(loonflow_engine::limits::IDEMPOTENCY_KEY_BYTES_MAX + 1);
    let request = ActRequest {
        idempotency: key(&long, 1),
        ..handle(id, comment("x"))
    };
    let refused = world.engine.tickets().act(&world.caller("dev"), request).await.unwrap();
    assert_eq!(refused.unwrap_err().code(), "invalid_argument");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_calls_at_once_with_one_key_one_writes() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    for round in 0..10 {
        let ask = |caller: Caller| {
            let engine = world.engine.clone();
            let handled = ActRequest {
                idempotency: key(&format!("h{round}"), 1),
                ..handle(id, comment("once"))
            };
            let created = CreateRequest {
                idempotency: key(&format!("c{round}"), 1),
                ..leave("1")
            };
            tokio::spawn(async move {
                let handled = engine.tickets().act(&caller, handled).await.unwrap().unwrap();
                (
                    done(handled),
                    done(engine.tickets().create(&caller, created).await.unwrap().unwrap()),
                )
            })
        };
        let calls: Vec<_> = (0..16).map(|_| ask(world.caller("dev"))).collect();
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.unwrap());
        }
        assert_eq!(answers.iter().filter(|(handled, _)| !handled.replayed).count(), 1);
        assert_eq!(answers.iter().filter(|(_, created)| !created.replayed).count(), 1);
        let same = |(handled, created): &(Done, Done)| (handled.version, created.ticket_id);
        assert!(answers.iter().all(|one| same(one) == same(&answers[0])));
    }
    let query = HistoryQuery {
        with_effects: false,
        from_version: 0,
        page: 1,
        per_page: 100,
        reverse: false,
    };
    let history = world
        .engine
        .tickets()
        .history(&world.caller("dev"), id, query)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(history.total, 11, "the creation and one comment a round");
}

#[tokio::test]
async fn a_call_that_was_given_up_still_counts_once() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let dev = world.caller("dev");
    let request = ActRequest {
        idempotency: key("k", 1),
        ..handle(id, comment("once"))
    };
    // Dropped after one poll: it may or may not have got as far as the log.
    let given_up = world.engine.tickets().act(&dev, request.clone());
    let polled = tokio::time::timeout(std::time::Duration::ZERO, given_up).await;
    assert!(matches!(polled, Err(_) | Ok(Ok(Ok(ActAnswer::Done(_))))));
    world.engine.tickets().act(&dev, request).await.unwrap().unwrap();
    let query = HistoryQuery {
        with_effects: false,
        from_version: 0,
        page: 1,
        per_page: 100,
        reverse: false,
    };
    let history = world.engine.tickets().history(&dev, id, query).await.unwrap().unwrap();
    assert_eq!(history.total, 2);
}
