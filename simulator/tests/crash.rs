//! Crashes at both levels in small numbers: the command runs the same with larger ones.

use std::path::Path;
use std::sync::LazyLock;

use loonflow_simulator::crash::case::{CrashCase, FORMAT, Level};
use loonflow_simulator::crash::engine_walk::Base;
use loonflow_simulator::crash::trouble::Trouble;
use loonflow_simulator::crash::walk::Setting;
use loonflow_simulator::crash::{CrashReport, walks};
use loonflow_simulator::hunt::generate::definitions;
use loonflow_simulator::world::inputs;
use loonflow_simulator::world::tape::Tape;
use serde_json::Value as Json;

struct Fixtures {
    setting: Setting,
    directory: Json,
    definitions: Vec<Json>,
}

static FIXTURES: LazyLock<Fixtures> = LazyLock::new(|| {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures"));
    let definitions = inputs::definitions(&[root.join("workflows")]).expect("fixtures");
    let workflows: Vec<_> = definitions
        .iter()
        .map(|one| one.runnable().expect("sound").clone())
        .collect();
    let file = root.join("directory/acme.json");
    let (source, directory) = inputs::directory(Some(&file), &workflows).expect("a directory");
    Fixtures {
        setting: Setting { directory, workflows },
        directory: source,
        definitions: definitions.into_iter().map(|one| one.named()).collect(),
    }
});

fn boundary(n_seeds: u64, n_threads: usize) -> CrashReport {
    walks(1, n_seeds, n_threads, &|seed| FIXTURES.setting.walk(seed, 40))
}

/// As a person would see it.
fn told(level: Level, report: &CrashReport) -> String {
    let Some((seed, broken, rounds)) = report.failure.clone() else {
        return String::new();
    };
    let case = CrashCase {
        format: FORMAT,
        level,
        shows: broken.invariant.to_owned(),
        found: broken.found,
        directory: FIXTURES.directory.clone(),
        definitions: FIXTURES.definitions.clone(),
        seed,
        rounds,
    };
    case.story().join("\n")
}

#[test]
fn whatever_dies_nothing_is_lost_halved_or_doubled() {
    let report = boundary(3, 2);
    assert!(report.failure.is_none(), "{}", told(Level::Boundary, &report));
    assert!(report.n_crashes > 1_000, "{report:?}");
    assert_eq!(report.by_trouble.len(), Trouble::ALL.len());
}

#[test]
fn a_walk_is_a_function_of_its_seed_whatever_the_threads() {
    assert_eq!(boundary(2, 1).hash, boundary(2, 2).hash);
}

/// Over definitions that nobody thought of.
#[test]
fn nothing_is_lost_on_random_definitions_either() {
    let report = walks(1, 12, 2, &|seed| {
        let given = definitions::given(&mut Tape::random(seed));
        let setting = Setting {
            directory: given.directory,
            workflows: given.versions,
        };
        setting.walk(seed, 12)
    });
    assert!(report.failure.is_none(), "{:?}", report.failure);
}

#[test]
fn an_engine_that_is_killed_loses_halves_and_doubles_nothing() {
    let fixtures = &*FIXTURES;
    let base = Base::new(fixtures.setting.clone(), &fixtures.directory, &fixtures.definitions).expect("a base");
    let report = walks(1, 4, 2, &|seed| base.walk(seed, 25));
    assert!(report.failure.is_none(), "{}", told(Level::Actors, &report));
    assert!(report.n_crashes > 40, "{report:?}");
}

/// What must hold can fail: each invariant notices when it does not.
mod notices {
    use std::sync::Arc;

    use loonflow_engine::runtime::Done;
    use loonflow_engine::ticket::{Refusal, Rest, Ticket};
    use loonflow_engine::view::ticket_list::TenantIndex;
    use loonflow_simulator::crash::boundary::Process;
    use loonflow_simulator::crash::invariants::{self, Broken};
    use loonflow_simulator::crash::walk::Walk;
    use loonflow_storage::{EventLog as _, MemoryLog};

    use super::FIXTURES;

    /// A log of a walk with tickets on it, and the tickets.
    fn walked() -> (MemoryLog, Vec<Arc<Ticket>>) {
        let report = FIXTURES.setting.walk(7, 30);
        assert!(report.failure.is_none());
        let mut walk = Walk::new(&FIXTURES.setting, 7).expect("an empty disk");
        for round in &report.past {
            walk.play(round).expect("as before");
        }
        let log = walk.log().fork();
        let mut process = Process::start(log.clone(), FIXTURES.setting.directory.clone()).expect("it starts");
        let tickets = walk
            .tickets()
            .iter()
            .map(|id| process.ticket(*id).expect("it reads").expect("a ticket"));
        let tickets = tickets.collect();
        (log, tickets)
    }

    fn names(broken: Result<(), Broken>) -> &'static str {
        broken.expect_err("it does not hold").invariant
    }

    #[test]
    fn when_it_does_not_hold() {
        let (log, tickets) = walked();
        let ticket = tickets.iter().find(|ticket| !ticket.is_discarded).expect("a ticket");
        let commits = log.read_all(0, usize::MAX).expect("it reads");
        let done = Done {
            ticket_id: ticket.id,
            version: ticket.version,
            act_state: ticket.act_state,
            current_nodes: Vec::new(),
            replayed: false,
        };
        invariants::acknowledged_is_kept(&commits, &done).expect("it is kept");
        assert_eq!(
            names(invariants::acknowledged_is_kept(&commits[..1], &done)),
            "acknowledged_is_kept"
        );
        assert_eq!(names(invariants::done_once(2, 1)), "done_once");
        assert_eq!(names(invariants::done_once(0, 1)), "done_once");
        assert_eq!(
            names(invariants::a_key_answers_first(&done, &Ok(done.clone()))),
            "a_key_answers_first"
        );
        let refused = Err(Refusal::TicketNotFound { id: String::new() });
        assert_eq!(
            names(invariants::other_arguments_are_refused(&refused)),
            "other_arguments_are_refused"
        );
        assert_eq!(names(invariants::versions_hold(&[], Some(&Ok(done)))), "versions_hold");
        let own: Vec<_> = commits
            .iter()
            .filter(|one| one.stream == commits[0].stream)
            .cloned()
            .collect();
        invariants::versions_hold(&own, None).expect("without gaps");
        assert_eq!(names(invariants::versions_hold(&own[1..], None)), "versions_hold");
        let mut other = Ticket::clone(ticket);
        other.title.push('?');
        invariants::replay_equals_fold(&log, ticket).expect("it is what the log says");
        assert_eq!(
            names(invariants::replay_equals_fold(&log, &other)),
            "replay_equals_fold"
        );
        let directory = &FIXTURES.setting.directory;
        let listed = invariants::lists_equal_fold(&TenantIndex::new(), &tickets, directory);
        assert_eq!(names(listed), "lists_equal_fold");
    }

    #[test]
    fn when_a_commit_is_torn() {
        let (log, _) = walked();
        let written = &log.read_all(0, 1).expect("it reads")[0];
        let mut sent = loonflow_storage::NewCommit {
            stream: written.stream.clone(),
            expected: loonflow_storage::Expected::NoStream,
            meta: written.meta.clone(),
            events: written.events.clone(),
            kv: Vec::new(),
        };
        invariants::whole_or_nothing(&log, 0, &sent, Some(true)).expect("it is whole");
        sent.events.pop();
        assert_eq!(
            names(invariants::whole_or_nothing(&log, 0, &sent, None)),
            "whole_or_nothing"
        );
        sent.events = written.events.clone();
        sent.kv.push(loonflow_storage::KvWrite {
            tree: "idempotency",
            key: vec![0],
            value: Some(vec![0]),
        });
        let half = invariants::whole_or_nothing(&log, 0, &sent, None);
        assert_eq!(
            names(half),
            "whole_or_nothing",
            "the events are there, the answer is not"
        );
    }

    #[test]
    fn when_effects_are_not_those_that_were_begun() {
        let (log, tickets) = walked();
        let ticket = tickets.iter().find(|ticket| !ticket.is_discarded).expect("a ticket");
        invariants::effects_are_found(&log, ticket).expect("what was begun is found");
        let mut other = Ticket::clone(ticket);
        let due = ticket.created_at;
        // One that waits for what nobody began, or no longer for what somebody did.
        let waits = matches!(other.tokens[0].rest, Rest::Timer { .. } | Rest::Hook { .. });
        other.tokens[0].rest = if waits { Rest::Unassigned } else { Rest::Timer { due } };
        assert_eq!(names(invariants::effects_are_found(&log, &other)), "effects_are_found");
    }
}
