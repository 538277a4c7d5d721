//! Receivers of a release's hook: failing and recovering, silent, too talkative, elsewhere, talking nonsense, down; and one
//! that may not be called.

use std::collections::BTreeSet;
use std::time::Duration;

use loonflow_outbound::{HttpOutside, Settings};
use loonflow_tests::receiver::Got;
use loonflow_tests::{Receiver, Reply};
use serde_json::json;
use standardwebhooks::Webhook;

use super::World;

/// The pauses between ten tries are an hour at most, so steps of some seconds are soon through, and short beside a pause.
const STEP: Duration = Duration::from_secs(20);

/// All are the same call: one id, one body, each signed at its own time.
fn assert_same(got: &[Got]) {
    let judge = Webhook::from_bytes(b"deploy-hook-token".to_vec()).expect("a key");
    let ids: BTreeSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    for one in got {
        assert_eq!(one.body, got[0].body);
        // The judge's own clock is the machine's, so it signs and does not look at the time.
        let at = one.header("webhook-timestamp").parse().expect("a number");
        let signed = judge.sign(one.header("webhook-id"), at, &one.body).expect("a text");
        assert_eq!(one.header("webhook-signature"), signed);
        assert_eq!(one.header("timestamp"), one.header("webhook-timestamp"));
    }
}

/// Ten tries in vain, then an incident; its sentence is given back.
async fn given_up(world: &World, ticket: &str) -> String {
    world
        .pass_until(STEP, "it is given up", async || {
            world.detail(ticket).await["ticket"]["needs_intervention"] == true
        })
        .await;
    let incident = world.incident(ticket).await;
    // The event of a hook that failed does not say how often it was tried; the log of tries does.
    assert_eq!(incident.get("n_tries"), None, "{incident}");
    assert_eq!(
        (world.n_tries(ticket), world.standing(ticket).await),
        (10, "on_going: deploy".to_owned())
    );
    incident["last_error"].as_str().expect("it says why").to_owned()
}

/// The admin has it called again, and this time it goes well.
async fn retried(world: &World, ticket: &str) {
    world.receiver.always(Reply::Good);
    world.handle("ada", ticket, "retry_hook/retry_hook", json!({})).await;
    world.finish(ticket).await;
    assert_same(&world.receiver.got("/deploy"));
    world.nothing_is_owed().await;
}

#[tokio::test]
async fn three_failures_and_then_a_success() {
    let world = World::new(Receiver::start().await, |_| {}).await;
    world
        .receiver
        .next([Reply::Status(503), Reply::Status(500), Reply::Status(404)]);
    let ticket = world.release().await;
    world
        .pass_until(STEP, "it is deployed", async || {
            world.standing(&ticket).await == "on_going: verify"
        })
        .await;
    let got = world.receiver.got("/deploy");
    assert_eq!(got.len(), 4);
    assert_same(&got);
    let times: BTreeSet<&str> = got.iter().map(|one| one.header("timestamp")).collect();
    assert_eq!(times.len(), 4, "each try has its own: {times:?}");
    let body = got[0].json();
    assert_eq!(
        (&body["type"], &body["ticket_id"], &body["node_id"]),
        (&json!("hook"), &json!(ticket), &json!("deploy"))
    );
    world.finish(&ticket).await;
    let results: Vec<(Option<u16>, bool)> = world
        .deliveries()
        .into_iter()
        .filter(|one| one.target.ends_with("/deploy"))
        .map(|one| (one.status, one.error.is_some()))
        .collect();
    assert_eq!(
        results,
        [
            (Some(200), false),
            (Some(404), true),
            (Some(500), true),
            (Some(503), true)
        ]
    );
}

/// A second each, by the machine's clock, which is the one that counts here.
#[tokio::test]
async fn silence_is_a_failure() {
    let world = World::new(Receiver::start().await, |props| props["timeout"] = json!("PT1S")).await;
    world.receiver.next([Reply::Silence, Reply::Silence]);
    let ticket = world.release().await;
    world
        .pass_until(STEP, "it is deployed", async || {
            world.standing(&ticket).await == "on_going: verify"
        })
        .await;
    let tries = world.deliveries();
    let silent: Vec<&str> = tries.iter().filter_map(|one| one.error.as_deref()).collect();
    assert_eq!(silent.len(), 2, "{tries:?}");
    assert!(silent.iter().all(|error| error.contains("within 1 s")), "{silent:?}");
    world.finish(&ticket).await;
    assert_same(&world.receiver.got("/deploy"));
}

#[tokio::test]
async fn an_answer_without_end_is_none() {
    let world = World::new(Receiver::start().await, |_| {}).await;
    world.receiver.always(Reply::Large);
    let ticket = world.release().await;
    let error = given_up(&world, &ticket).await;
    assert!(error.contains("more than 1048576 bytes"), "{error}");
    retried(&world, &ticket).await;
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    let world = World::new(Receiver::start().await, |_| {}).await;
    world.receiver.always(Reply::Garbage);
    let ticket = world.release().await;
    let error = given_up(&world, &ticket).await;
    assert!(!error.contains("welcome"), "{error}");
    retried(&world, &ticket).await;
}

/// Nobody follows; here the admin goes on without it.
#[tokio::test]
async fn being_sent_on_is_a_failure() {
    let world = World::new(Receiver::start().await, |_| {}).await;
    world.receiver.always(Reply::Elsewhere);
    let ticket = world.release().await;
    let error = given_up(&world, &ticket).await;
    assert!(error.contains("302"), "{error}");
    assert!(world.receiver.got("/elsewhere").is_empty());
    let skip = json!({ "action_props": { "node_id": "deploy" } });
    world.handle("ada", &ticket, "skip/skip", skip).await;
    world.finish(&ticket).await;
    assert_eq!(world.receiver.got("/deploy").len(), 10);
}

/// The world after its receiver has been down for so long, with a release that is to be deployed.
async fn down_for(minutes: u64) -> (World, String) {
    let over = Duration::from_secs(minutes * 60);
    let world = World::new(Receiver::down().await, |_| {}).await;
    let ticket = world.release().await;
    world
        .pass_until(STEP, "it is down long enough", async || {
            world.server.clock.passed() >= over
        })
        .await;
    assert_eq!(world.standing(&ticket).await, "on_going: deploy");
    assert!(world.n_tries(&ticket) >= 4, "{:?}", world.deliveries());
    world.receiver.come_up().await;
    (world, ticket)
}

/// Whatever was tried again and is still owed comes through by itself, and what was given up when an admin says so.
async fn comes_through(world: &World, ticket: &str) -> bool {
    let is_told = async || !world.receiver.got("/audit").is_empty();
    let needs_somebody = async || {
        let detail = world.detail(ticket).await;
        detail["ticket"]["needs_intervention"] == true
    };
    let is_deployed = async || world.standing(ticket).await == "on_going: verify";
    world
        .pass_until(STEP, "it is deployed, or somebody is needed", async || {
            needs_somebody().await || (is_deployed().await && is_told().await)
        })
        .await;
    let is_given_up = needs_somebody().await;
    if is_given_up {
        // The last try of the other lane may be still to come.
        world
            .pass_until(STEP, "nothing is tried any more", async || {
                let detail = world.detail(ticket).await;
                let n_given_up = detail["incidents"].as_array().map_or(0, Vec::len);
                n_given_up == world.server.engine.effects().n_open()
            })
            .await;
        world.handle("ada", ticket, "retry_hook/retry_hook", json!({})).await;
        world
            .pass_until(STEP, "it is deployed", async || is_deployed().await && is_told().await)
            .await;
    }
    world.finish(ticket).await;
    assert_eq!(world.receiver.got("/deploy").len(), 1);
    is_given_up
}

/// The last of ten tries comes 55 to 67 minutes after the first, as the pauses are spread.
#[tokio::test]
async fn being_down_for_less_is_bridged() {
    let (world, ticket) = down_for(50).await;
    assert!(!comes_through(&world, &ticket).await, "nobody has to do anything");
}

/// Some calls are given up within an hour and others are not.
#[tokio::test]
async fn an_hour_of_being_down_loses_nothing() {
    let (world, ticket) = down_for(60).await;
    comes_through(&world, &ticket).await;
}

#[tokio::test]
async fn being_down_for_longer_needs_somebody() {
    let (world, ticket) = down_for(180).await;
    assert!(comes_through(&world, &ticket).await, "it was given up");
}

/// Whoever lists nothing calls the public internet alone. It is told at once, by name, and trying again is of no use.
#[tokio::test]
async fn this_machine_is_not_called_unless_it_is_listed() {
    let outside = HttpOutside::new(Settings::default());
    let world = World::calling(outside, Receiver::start().await, |_| {}).await;
    let ticket = world.release().await;
    world
        .pass_until(Duration::ZERO, "it is given up", async || {
            let detail = world.detail(&ticket).await;
            detail["incidents"]
                .as_array()
                .is_some_and(|incidents| incidents.len() == 2)
        })
        .await;
    let detail = world.detail(&ticket).await;
    let incidents = detail["incidents"].as_array().expect("they are listed");
    for incident in incidents {
        let error = incident["last_error"].as_str().expect("it says why");
        assert!(
            error.contains("`127.0.0.1` is no address of the public internet") && !error.contains("/deploy"),
            "{error}"
        );
    }
    assert_eq!(world.deliveries().len(), 2, "each is tried once");
    assert!(world.receiver.got("/deploy").is_empty() && world.receiver.got("/audit").is_empty());
}
