//! Deadlines carried out (semantics: deadlines): in time, once, over restarts, and by the calendars of the moment.

use std::sync::Arc;

use loonflow_engine::define::{Assign, Deadline, Field, Hours, Node, People, Person, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{
    Category, Engine, EngineOptions, HistoryQuery, ListQuery, Order, Ports, PublishRequest,
};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_engine::ticket::Action;
use loonflow_engine::time::Timestamp;
use loonflow_storage::{EventLog, MemoryLog};

use crate::fixture::until;

const HOUR_MS: i64 = 3_600_000;

struct World {
    engine: Engine,
    clock: ManualClock,
    log: Arc<MemoryLog>,
}

fn people(hours: Option<&str>) -> People {
    let people = People::of("shop", "shop.example").user("ann").user("bob").user("eve");
    let people = people.person(Person::new("adm").admin());
    match hours {
        Some(hours) => {
            people.calendar(Hours::of("office").on(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], &[hours]))
        }
        None => people,
    }
}

impl World {
    async fn new(deadline: Deadline) -> Self {
        let world = Self::over(Arc::new(MemoryLog::new()), ManualClock::at(NOW)).await;
        world.import(&people(Some("00:00-24:00"))).await;
        let workflow = Workflow::new("w", "1")
            .field(Field::title())
            .node(Node::step("check", Assign::users(["bob"])).deadline(deadline))
            .agree("go", "start", "check")
            .agree("ok", "check", "end")
            .reject("no", "check", "end");
        let published = world.engine.workflows().publish(PublishRequest::new("shop", workflow));
        published.await.unwrap().unwrap();
        world
    }

    async fn over(log: Arc<MemoryLog>, clock: ManualClock) -> Self {
        let shared: Arc<dyn EventLog> = log.clone();
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            ..Ports::system()
        };
        let engine = Engine::start(shared, ports, EngineOptions::default()).await.unwrap();
        Self { engine, clock, log }
    }

    async fn import(&self, people: &People) {
        let imported = self.engine.directories().import(&people.directory()).await;
        imported.unwrap().unwrap();
    }

    /// As after a stop: another engine over the same log.
    async fn restarted(self) -> Self {
        self.engine.close().await.unwrap();
        Self::over(Arc::new(self.log.fork()), self.clock).await
    }

    async fn submit(&self) -> TicketId {
        let ann = self.engine.as_user("shop", "ann");
        ann.create("w").set("title", "T").take("go").await.unwrap().ticket_id
    }

    /// State, holders, how many steps of deadlines were reached.
    async fn at(&self, ticket: TicketId) -> String {
        let adm = self.engine.as_user("shop", "adm");
        let detail = adm.on(ticket).detail().await.unwrap();
        let nodes = detail.row.current_nodes.iter();
        let people = nodes.flat_map(|node| &node.assignees).map(|person| person.id.as_str());
        let people: Vec<&str> = people.collect();
        let history = adm.on(ticket).history(HistoryQuery::default()).await.unwrap();
        let reached = history.rows.iter().filter_map(|entry| entry.deadline);
        let reached: Vec<String> = reached.map(|(step, does)| format!("{step}:{does}")).collect();
        format!(
            "{} {} [{}]",
            detail.row.act_state.word(),
            people.join(","),
            reached.join(" ")
        )
    }

    async fn comes_to(&self, ticket: TicketId, at: &str) {
        until(at, async || self.at(ticket).await == at).await;
    }

    async fn due(&self, ticket: TicketId) -> Option<Timestamp> {
        let adm = self.engine.as_user("shop", "adm");
        adm.on(ticket).detail().await.unwrap().row.due
    }

    async fn listed(&self, query: ListQuery) -> Vec<TicketId> {
        let adm = self.engine.as_user("shop", "adm");
        let query = ListQuery {
            category: Category::All,
            ..query
        };
        let page = adm.tickets(query).await.unwrap();
        page.rows.iter().map(|row| row.id).collect()
    }
}

fn in_steps() -> Deadline {
    let deadline = Deadline::after("PT4H").calendar("office").remind("-PT1H");
    let deadline = deadline.escalate("PT0S", Assign::users(["eve"]));
    deadline.take_edge("PT2H", "no")
}

#[tokio::test]
async fn steps_are_done_in_time() {
    let world = World::new(in_steps()).await;
    let ticket = world.submit().await;
    world.clock.pass_ms(3 * HOUR_MS - 1);
    let other = world.submit().await;
    assert_eq!(world.at(ticket).await, "on_going bob []");
    world.clock.pass_ms(1);
    world.comes_to(ticket, "on_going bob [0:remind]").await;
    world.clock.pass_ms(HOUR_MS);
    world.comes_to(ticket, "on_going eve [0:remind 1:escalate]").await;
    world.clock.pass_ms(2 * HOUR_MS);
    world
        .comes_to(ticket, "rejected  [0:remind 1:escalate 2:take_edge]")
        .await;
    world.comes_to(other, "on_going bob [0:remind]").await;
    assert_eq!(world.engine.effects().n_open(), 2);
    world.engine.close().await.unwrap();
}

/// What came due while nothing ran is done at the start, the oldest first, and once.
#[tokio::test]
async fn what_came_due_while_nothing_ran_is_done_at_the_start() {
    let world = World::new(in_steps()).await;
    let ticket = world.submit().await;
    let world = {
        let World { engine, clock, log } = world;
        engine.close().await.unwrap();
        clock.pass_ms(4 * HOUR_MS);
        World::over(Arc::new(log.fork()), clock).await
    };
    world.comes_to(ticket, "on_going eve [0:remind 1:escalate]").await;
    let world = world.restarted().await;
    assert_eq!(world.at(ticket).await, "on_going eve [0:remind 1:escalate]");
    // A clock that is set back delays, and makes nothing happen twice.
    world.clock.pass_ms(-3 * HOUR_MS);
    world.clock.pass_ms(5 * HOUR_MS);
    world
        .comes_to(ticket, "rejected  [0:remind 1:escalate 2:take_edge]")
        .await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn another_calendar_moves_what_is_open() {
    let world = World::new(in_steps()).await;
    let ticket = world.submit().await;
    assert_eq!(world.due(ticket).await, Some(NOW.plus_ms(4 * HOUR_MS)));
    world.clock.pass_ms(HOUR_MS);
    // An hour is spent; three are left, of which today has two.
    world.import(&people(Some("02:00-04:00"))).await;
    assert_eq!(world.due(ticket).await, Some(NOW.plus_ms(27 * HOUR_MS)));
    let world = world.restarted().await;
    world.clock.pass_ms(4 * HOUR_MS);
    world.comes_to(ticket, "on_going bob [0:remind]").await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn lists_are_filtered_and_ordered_by_deadline() {
    let world = World::new(Deadline::after("PT4H")).await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(world.submit().await);
        world.clock.pass_ms(HOUR_MS);
    }
    let draft = world.engine.as_user("shop", "adm").create("w").set("title", "D").await;
    let draft = draft.unwrap().ticket_id;
    // The second is asked about, and its clock stands.
    let bob = world.engine.as_user("shop", "bob");
    bob.on(tickets[1])
        .act(Action::Consult { to: "eve".into() })
        .await
        .unwrap();
    let by_due = || ListQuery {
        order: Order::Due,
        ..ListQuery::default()
    };
    let expected = vec![tickets[0], tickets[2], tickets[1], draft];
    assert_eq!(world.listed(by_due()).await, expected);
    for (page, ids) in expected.iter().enumerate() {
        let query = ListQuery {
            page: u32::try_from(page).unwrap() + 1,
            per_page: 1,
            ..by_due()
        };
        assert_eq!(world.listed(query).await, [*ids]);
    }
    let due = NOW.plus_ms(4 * HOUR_MS);
    let overdue = |due_by| ListQuery {
        due_by: Some(due_by),
        ..ListQuery::default()
    };
    assert_eq!(world.listed(overdue(due)).await, [tickets[0]]);
    assert_eq!(world.listed(overdue(due.plus_ms(-1))).await, []);
    let before = ListQuery {
        due_before: Some(due.plus_ms(2 * HOUR_MS)),
        ..by_due()
    };
    assert_eq!(world.listed(before).await, [tickets[0]]);
    let world = world.restarted().await;
    assert_eq!(world.listed(by_due()).await, expected);
    let detail = world
        .engine
        .as_user("shop", "adm")
        .on(tickets[1])
        .detail()
        .await
        .unwrap();
    let clock = detail.waiting_for[0].clock.clone().unwrap();
    assert!(clock.paused && detail.row.paused && detail.row.due.is_none());
    assert_eq!(clock.remaining_ms, Some(2 * HOUR_MS));
    assert_eq!(detail.row.waiting_since, Some(NOW.plus_ms(HOUR_MS)));
    world.engine.close().await.unwrap();
}
