//! Runs: the same for any number of threads, with enough that is refused, and with every goal seen.

use loonflow_simulator::hunt::coverage::report::percent;
use loonflow_simulator::hunt::fuzz::{Fuzz, Session};
use loonflow_simulator::hunt::generate::requests::{Habits, People};
use loonflow_simulator::hunt::goals::Goal;
use loonflow_simulator::hunt::start::Start;
use loonflow_simulator::hunt::watch::Checks;
use loonflow_simulator::world::replay::command_of;
use loonflow_simulator::world::tape::Tape;
use proptest::prelude::*;

use super::{acme, assert_nothing_failed, fixture};

/// 200 seeds over one thread and over two, in two orders: one hash.
#[test]
fn a_run_is_a_function_of_its_seeds() {
    let fuzz = Fuzz::new().seeds(200).steps(25);
    let (one, two) = (fuzz.clone().threads(1).run(), fuzz.clone().threads(2).run());
    let (one, two) = (one.expect("a run"), two.expect("a run"));
    assert_nothing_failed(&one);
    assert_eq!(one.hash, two.hash);
    assert_eq!(one.coverage.json(false), two.coverage.json(false));
    assert_eq!(one.goals.seen(), two.goals.seen());
    let other = fuzz.seed(2).run().expect("a run");
    assert_ne!(one.hash, other.hash, "another first seed is another run");
}

/// Random definitions: every rule holds, every built-in goal is seen, every action done, and three in ten requests at
/// the least are illegal or malformed.
#[test]
fn random_definitions_keep_every_rule() {
    let report = Fuzz::new()
        .seeds(350)
        .seed(1000)
        .steps(120)
        .threads(2)
        .run()
        .expect("a run");
    assert_nothing_failed(&report);
    let [requests, refused] = report.coverage.requests;
    assert!(percent(refused, requests) >= 30.0, "{refused} of {requests}");
    let unseen: Vec<_> = report.goals.seen().into_iter().filter(|(_, n)| *n == 0).collect();
    assert!(unseen.is_empty(), "never seen: {unseen:?}");
    assert_eq!(report.coverage.actions_never_done(), [""; 0]);
}

/// The fixtures by the fixtures' people: every rule holds, and every node, edge and action is reached.
#[test]
fn fixtures_keep_every_rule() {
    let names = [
        "access",
        "incident",
        "leave",
        "nested",
        "onboarding",
        "purchase",
        "release",
    ];
    let mut fuzz = Fuzz::new().directory(acme()).seeds(150).steps(150).threads(2);
    for name in names {
        fuzz = fuzz.definition(fixture(name));
    }
    let report = fuzz.goal(Goal::Node("nowhere".into())).run().expect("a run");
    assert_nothing_failed(&report);
    let summary = report.coverage.summary();
    assert_eq!(report.coverage.versions.len(), names.len());
    for version in report.coverage.versions.values() {
        let never = version.nodes.iter().filter(|n| **n == 0).count();
        assert_eq!(never, 0, "{:?}", summary.nodes.missed);
    }
    assert_eq!(report.coverage.actions_never_done(), [""; 0]);
    let missed: Vec<String> = report.goals.missed().iter().map(ToString::to_string).collect();
    assert_eq!(missed, ["node:nowhere"]);
}

/// 100,000 rehearsals, of every kind of step and most of them refused, leave the world's hash as it is.
#[test]
fn dry_runs_change_nothing() {
    let mut tape = Tape::random(5);
    let start = Start::random(&mut tape);
    let mut session = Session::new(&start, 5, &Checks::default(), &[], &mut tape);
    session.run(&mut tape, 150).expect("nothing fails");
    let world = &session.watch.world;
    let before = world.digest();
    let mut people = People::new(&start.given.source, Habits::drawn(&mut tape));
    let (mut n_done, mut n_refused) = (0, 0);
    while n_done + n_refused < 100_000 {
        let step = people.next(world, &mut tape);
        let Some(translated) = command_of(world, &step) else {
            continue;
        };
        match world.rehearse(translated.ticket, &translated.workflow, &translated.command) {
            Ok(_) => n_done += 1,
            Err(_) => n_refused += 1,
        }
    }
    assert!(
        n_done > 10_000 && n_refused > 10_000,
        "{n_done} done, {n_refused} refused"
    );
    assert_eq!(world.digest(), before);
}

/// Bad inputs are told, not run.
#[test]
fn what_cannot_run_is_refused() {
    let mut headless = fixture("leave");
    headless["process_schema"]["node_info_list"] = serde_json::json!([]);
    for (fuzz, told) in [
        (Fuzz::new().definition(headless), "no `start` node"),
        (Fuzz::new().directory(acme()), "without definitions"),
        (
            Fuzz::new()
                .definition(fixture("leave"))
                .directory(serde_json::json!({})),
            "the directory cannot be read",
        ),
    ] {
        let error = format!("{:#}", fuzz.run().expect_err("refused"));
        assert!(error.contains(told), "{error}");
    }
    for goal in ["node", "action:fly", "state:over", "weather:rain"] {
        assert!(goal.parse::<Goal>().is_err(), "{goal}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    /// Definitions, people and steps from one tape of choices, so that proptest shrinks all of them at once.
    #[test]
    fn tapes_keep_every_rule(seed in any::<u64>(), choices in prop::collection::vec(any::<u16>(), 0..3000)) {
        let mut tape = Tape::new(choices);
        let start = Start::random(&mut tape);
        let checks = Checks { sample_every: 16, counts: false, ..Checks::default() };
        let mut session = Session::new(&start, seed, &checks, &[], &mut tape);
        let result = session.run(&mut tape, u64::MAX);
        prop_assert!(result.is_ok(), "{:?}\n{:#?}", result, session.steps);
    }
}
