//! Sub-tickets at work: opened first, created then, waited for; what follows when they end, or never come.

use std::sync::Arc;

use loonflow_engine::define::{Assign, Field, Node, People, Person, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{
    ActRequest, Caller, Category, Engine, EngineOptions, Error, HistoryQuery, ListQuery, Ports, PublishRequest,
};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_engine::ticket::Action;
use loonflow_storage::{EventLog, MemoryLog};
use serde_json::json;

use crate::fixture::{standing, until};

struct World {
    engine: Engine,
    clock: ManualClock,
}

/// A workflow of one step, for sub-tickets.
fn part() -> Workflow {
    Workflow::new("part", "1")
        .field(Field::title())
        .field(Field::text("what"))
        .node(Node::step("do", Assign::users(["cat"])))
        .agree("go", "start", "do")
        .agree("done", "do", "end")
        .reject("no", "do", "end")
}

/// A parent whose node `wait` has these properties besides; both it and `after` are bob's.
fn parent(props: impl IntoIterator<Item = (&'static str, serde_json::Value)>) -> Workflow {
    let mut wait = Node::step("wait", Assign::users(["bob"]));
    for (key, value) in props {
        wait = wait.prop(key, value);
    }
    Workflow::new("w", "1")
        .field(Field::title())
        .field(Field::select("systems", [("mail", "Mail"), ("wiki", "Wiki"), ("git", "Git")]).multiple())
        .node(wait)
        .node(Node::step("after", Assign::users(["bob"])))
        .node(Node::step("sorry", Assign::users(["bob"])))
        .agree("go", "start", "wait")
        .agree("on", "wait", "after")
        .reject("off", "wait", "sorry")
        .agree("close", "after", "end")
        .agree("give_up", "sorry", "end")
}

impl World {
    async fn new(workflows: impl IntoIterator<Item = Workflow>) -> Self {
        let clock = ManualClock::at(NOW);
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            ..Ports::system()
        };
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let engine = Engine::start(log, ports, EngineOptions::default()).await.unwrap();
        let people = People::of("shop", "shop.example")
            .user("ann")
            .user("bob")
            .user("cat")
            .person(Person::new("adm").admin());
        engine.directories().import(&people.directory()).await.unwrap().unwrap();
        for workflow in workflows {
            let published = engine.workflows().publish(PublishRequest::new("shop", workflow)).await;
            published.unwrap().unwrap();
        }
        Self { engine, clock }
    }

    async fn submit(&self, systems: &[&str]) -> TicketId {
        let ann = self.engine.as_user("shop", "ann");
        let systems: Vec<String> = systems.iter().map(|one| (*one).to_owned()).collect();
        let create = ann.create("w").set("title", "T").set("systems", systems);
        create.take("go").await.unwrap().ticket_id
    }

    async fn at(&self, ticket: TicketId) -> String {
        standing(&self.engine.as_user("shop", "adm"), ticket).await
    }

    async fn comes_to(&self, ticket: TicketId, at: &str) {
        until(at, async || self.at(ticket).await == at).await;
    }

    /// Sub-tickets of a ticket, by title; waits until there are so many.
    async fn children(&self, parent: TicketId, n: usize) -> Vec<TicketId> {
        let adm = self.engine.as_user("shop", "adm");
        let mut rows = Vec::new();
        until("all sub-tickets are listed", async || {
            let query = ListQuery {
                category: Category::All,
                parent_ticket_id: Some(parent),
                ..ListQuery::default()
            };
            let page = adm.tickets(query).await.unwrap();
            rows = page.rows.iter().map(|row| (row.title.clone(), row.id)).collect();
            assert!(rows.len() <= n, "{rows:?}");
            rows.len() == n
        })
        .await;
        rows.sort();
        rows.into_iter().map(|(_, id)| id).collect()
    }

    async fn open_below(&self, user: &str, parent: TicketId) -> Result<TicketId, Error> {
        let user = self.engine.as_user("shop", user);
        let create = user.create("part").set("title", "P").below(parent, "wait");
        create.take("go").await.map(|done| done.ticket_id)
    }

    async fn take(&self, user: &str, ticket: TicketId, edge: &str) -> Result<(), String> {
        let taken = self.engine.as_user("shop", user).on(ticket).take(edge).await;
        taken
            .map(drop)
            .map_err(|error| error.refusal().map_or("fault", |refusal| refusal.code()).to_owned())
    }
}

#[tokio::test]
async fn a_node_waits_for_the_sub_tickets_that_people_open() {
    let props = [
        ("sub_workflows", json!(["part"])),
        ("wait_for_sub_tickets", json!(true)),
    ];
    let world = World::new([part(), parent(props)]).await;
    let ticket = world.submit(&[]).await;
    let denied = world.open_below("ann", ticket).await.unwrap_err();
    assert_eq!(
        denied.refusal().unwrap().code(),
        "permission_denied",
        "ann cannot act there"
    );
    let one = world.open_below("bob", ticket).await.unwrap();
    let two = world.open_below("adm", ticket).await.unwrap();
    assert_eq!(
        world.take("bob", ticket, "on").await,
        Err("sub_tickets_open".to_owned())
    );
    let bob = world.engine.as_user("shop", "bob").on(ticket).detail().await.unwrap();
    assert!(
        !bob.offered.actions.iter().any(|one| one.kind.is_edge()),
        "what is offered works"
    );
    bob.offered
        .actions
        .iter()
        .find(|one| one.kind.word() == "forward")
        .unwrap();
    world.take("cat", one, "done").await.unwrap();
    assert_eq!(
        world.take("bob", ticket, "on").await,
        Err("sub_tickets_open".to_owned())
    );
    world.take("cat", two, "no").await.unwrap();
    until("the way out is open", async || {
        world.take("bob", ticket, "on").await.is_ok()
    })
    .await;
    assert_eq!(world.at(ticket).await, "on_going after");
    let late = world.open_below("bob", ticket).await.unwrap_err();
    assert_eq!(
        late.refusal().unwrap().code(),
        "invalid_argument",
        "it is not at this node any more"
    );
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_node_names_the_workflows_that_it_takes() {
    let world = World::new([part(), parent([])]).await;
    let ticket = world.submit(&[]).await;
    let refused = world.open_below("bob", ticket).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code(), "sub_workflow_not_allowed");
    world.engine.close().await.unwrap();
}

/// Onboarding: one sub-ticket for each system, and the parent goes on when all are done.
#[tokio::test]
async fn a_node_opens_one_for_each_entry_and_goes_on_after_the_last() {
    let spawn = json!([{ "workflow": "part", "each": "systems",
        "fields": { "what": { "entry": true }, "title": { "field": "title" } } }]);
    let props = [
        ("spawn", spawn),
        ("wait_for_sub_tickets", json!(true)),
        ("auto_edge", json!("on")),
        ("auto_edge_failed", json!("off")),
    ];
    let world = World::new([part(), parent(props)]).await;
    let ticket = world.submit(&["mail", "wiki"]).await;
    let children = world.children(ticket, 2).await;
    assert_eq!(world.at(ticket).await, "on_going wait");
    assert_eq!(
        world.take("bob", ticket, "on").await,
        Err("sub_tickets_open".to_owned())
    );
    let mut whats = Vec::new();
    for child in &children {
        let detail = world.engine.as_user("shop", "cat").on(*child).detail().await.unwrap();
        whats.push(detail.values["what"].as_str().unwrap().to_owned());
        assert_eq!(
            (detail.row.title.as_str(), detail.row.creator.id.as_str()),
            ("T", "ann")
        );
    }
    whats.sort();
    assert_eq!(whats, ["mail", "wiki"]);
    world.take("cat", children[0], "done").await.unwrap();
    assert_eq!(world.at(ticket).await, "on_going wait");
    world.take("cat", children[1], "done").await.unwrap();
    world.comes_to(ticket, "on_going after").await;

    // One that did not finish leads elsewhere, and decides the state.
    let ticket = world.submit(&["git"]).await;
    let children = world.children(ticket, 1).await;
    world.take("cat", children[0], "no").await.unwrap();
    world.comes_to(ticket, "rejected sorry").await;

    // With nothing to open there is nothing to wait for.
    let ticket = world.submit(&[]).await;
    assert_eq!(world.at(ticket).await, "on_going after");
    world.engine.close().await.unwrap();
}

/// What cannot be created is an incident of the parent, which goes on without it once somebody says so.
#[tokio::test]
async fn a_sub_ticket_that_cannot_be_created_is_an_incident() {
    let spawn = json!([{ "workflow": "gone" }, { "workflow": "part", "fields": { "title": { "value": "P" } } }]);
    let props = [
        ("spawn", spawn),
        ("wait_for_sub_tickets", json!(true)),
        ("auto_edge", json!("on")),
    ];
    let world = World::new([part(), parent(props)]).await;
    let ticket = world.submit(&[]).await;
    let children = world.children(ticket, 1).await;
    world.comes_to(ticket, "on_going wait !").await;
    world.take("cat", children[0], "done").await.unwrap();
    let adm = world.engine.as_user("shop", "adm");
    let incidents = adm.on(ticket).detail().await.unwrap().incidents;
    assert_eq!(incidents.len(), 1);
    assert!(
        incidents[0].last_error.starts_with("workflow_not_found"),
        "{incidents:?}"
    );
    adm.on(ticket)
        .act(Action::Skip {
            effect: Some(incidents[0].effect),
        })
        .await
        .unwrap();
    world.comes_to(ticket, "on_going after").await;
    world.engine.close().await.unwrap();
}

/// Each stay opens its own, and children of a stay that is over go on unwaited.
#[tokio::test]
async fn a_loop_opens_afresh() {
    let spawn = json!([{ "workflow": "part", "fields": { "title": { "value": "P" } } }]);
    let props = [
        ("spawn", spawn),
        ("wait_for_sub_tickets", json!(true)),
        ("auto_edge", json!("on")),
    ];
    let world = World::new([part(), parent(props)]).await;
    let ticket = world.submit(&[]).await;
    let first = world.children(ticket, 1).await[0];
    let adm = world.engine.as_user("shop", "adm");
    adm.on(ticket)
        .act(Action::ForceAlterNode { to: "wait".into() })
        .await
        .unwrap();
    let both = world.children(ticket, 2).await;
    world.take("cat", first, "done").await.unwrap();
    let second = both.into_iter().find(|id| *id != first).unwrap();
    until("it is noted", async || {
        let history = adm.on(ticket).history(HistoryQuery::default()).await.unwrap();
        history.rows.iter().any(|entry| entry.action_type == "child_ended")
    })
    .await;
    assert_eq!(
        world.at(ticket).await,
        "on_going wait",
        "the first one was of the stay before"
    );
    world.take("cat", second, "done").await.unwrap();
    world.comes_to(ticket, "on_going after").await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn what_is_open_is_closed_with_its_parent_where_asked_to() {
    let spawn = json!([{ "workflow": "part", "count": 2, "fields": { "title": { "value": "P" } } }]);
    let world = World::new([part(), parent([("spawn", spawn)])]).await;
    let (kept, closed) = (world.submit(&[]).await, world.submit(&[]).await);
    let (of_kept, of_closed) = (world.children(kept, 2).await, world.children(closed, 2).await);
    let caller = Caller {
        tenant_id: "shop".into(),
        user_id: "adm".into(),
        app: "loonflow".into(),
        access_token: None,
    };
    for (ticket, closes_children) in [(kept, false), (closed, true)] {
        let mut request = ActRequest::new(ticket, Action::ForceClose);
        request.closes_children = closes_children;
        world.engine.tickets().act(&caller, request).await.unwrap().unwrap();
    }
    for child in of_closed {
        world.comes_to(child, "closed end").await;
    }
    for child in of_kept {
        assert_eq!(world.at(child).await, "on_going do");
    }
    world.engine.close().await.unwrap();
}

/// A creation that is refused leaves nothing that the parent would wait for.
#[tokio::test]
async fn what_is_refused_is_not_waited_for() {
    let props = [
        ("sub_workflows", json!(["part"])),
        ("wait_for_sub_tickets", json!(true)),
    ];
    let world = World::new([part(), parent(props)]).await;
    let ticket = world.submit(&[]).await;
    let bob = world.engine.as_user("shop", "bob");
    let refused = bob
        .create("part")
        .set("nothing", "x")
        .below(ticket, "wait")
        .take("go")
        .await;
    assert_eq!(refused.unwrap_err().refusal().unwrap().code(), "unknown_field");
    let rehearsed = bob
        .create("part")
        .set("title", "P")
        .below(ticket, "wait")
        .take("go")
        .rehearse()
        .await;
    rehearsed.unwrap();
    world.take("bob", ticket, "on").await.unwrap();
    world.engine.close().await.unwrap();
}

/// A draft counts from its sending; until then nobody waits for it.
#[tokio::test]
async fn a_draft_counts_from_its_sending() {
    let props = [
        ("sub_workflows", json!(["part"])),
        ("wait_for_sub_tickets", json!(true)),
    ];
    let world = World::new([part(), parent(props)]).await;
    let (early, late) = (world.submit(&[]).await, world.submit(&[]).await);
    let bob = world.engine.as_user("shop", "bob");
    let draft = |parent| bob.create("part").set("title", "P").below(parent, "wait");
    let (sent, left) = (
        draft(early).await.unwrap().ticket_id,
        draft(late).await.unwrap().ticket_id,
    );
    world.take("bob", late, "on").await.unwrap();
    world.take("bob", sent, "go").await.unwrap();
    assert_eq!(world.take("bob", early, "on").await, Err("sub_tickets_open".to_owned()));
    world.take("bob", left, "go").await.unwrap();
    assert_eq!(
        world.at(left).await,
        "on_going do",
        "it is below its parent by name alone"
    );
    world.clock.pass_ms(600_000);
    until("it was looked for", async || world.engine.effects().n_open() == 0).await;
    assert_eq!(
        world.take("bob", early, "on").await,
        Err("sub_tickets_open".to_owned()),
        "it is there"
    );
    world.take("cat", sent, "done").await.unwrap();
    world.comes_to(early, "on_going wait").await;
    world.engine.close().await.unwrap();
}
