//! Invariants notice what they are there for: a world is tampered with, and the one that should complains.

use std::sync::Arc;

use loonflow_engine::id::{FieldKey, NodeId, TokenId, UserId};
use loonflow_engine::ticket::{ActState, Event, ForkId, Rest, Ticket, Token};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::{FieldPermission, WorkflowVersion};
use loonflow_simulator::hunt::fuzz::Session;
use loonflow_simulator::hunt::invariants::{self, lists, step, tenants, views};
use loonflow_simulator::hunt::start::Start;
use loonflow_simulator::hunt::watch::Checks;
use loonflow_simulator::world::World;
use loonflow_simulator::world::case::CaseStep;
use loonflow_simulator::world::tape::Tape;

use super::{acme, fixture};

/// A world of the leave request after some steps, with a ticket that a person holds at a normal node.
fn walked() -> (World, usize) {
    let version = WorkflowVersion::load(&fixture("leave")).expect("sound");
    let start = Start::read(&acme(), vec![version.into()]).expect("readable");
    for seed in 0..50 {
        let mut tape = Tape::random(seed);
        let mut session = Session::new(&start, seed, &Checks::default(), &[], &mut tape);
        session.run(&mut tape, 200).expect("nothing fails");
        let world = session.watch.world;
        let is_held = |ticket: &Ticket| {
            ticket.act_state == ActState::OnGoing
                && !ticket.fields.is_empty()
                && ticket.tokens.len() == 1
                && matches!(ticket.tokens[0].rest, Rest::Held { .. })
        };
        if let Some(idx) = world.tickets.iter().position(|one| is_held(&one.ticket)) {
            return (world, idx);
        }
    }
    panic!("no run leaves a ticket with a person")
}

#[test]
fn replay_versions_and_finality() {
    let (world, idx) = walked();
    let recorded = &world.tickets[idx];
    invariants::replay_equals_live(recorded).expect("as it is");
    let mut other = recorded.clone();
    other.ticket.title.push('!');
    invariants::replay_equals_live(&other).expect_err("another title");

    let ticket = &recorded.ticket;
    let mut later = ticket.clone();
    later.version += 1;
    let event = Event::InterventionEnded;
    step::version_grows_by_events(Some(ticket), &later, std::slice::from_ref(&event)).expect("one event");
    step::version_grows_by_events(Some(ticket), &later, &[]).expect_err("no event");
    step::version_grows_by_events(Some(ticket), &other.ticket, &[]).expect_err("changed without an event");

    let mut over = ticket.clone();
    over.tokens[0].rest = Rest::Ended;
    step::final_stays_final(Some(ticket), &later, std::slice::from_ref(&event)).expect("it was open");
    step::final_stays_final(Some(&over), &over, std::slice::from_ref(&event)).expect_err("it was over");
}

#[test]
fn only_what_is_writable_changes() {
    let (world, idx) = walked();
    let ticket = &world.tickets[idx].ticket;
    let workflow = world.workflow_of(ticket).expect("a version");
    let step = CaseStep::Create {
        workflow: "leave".into(),
        creator: ticket.creator.as_str().into(),
        action_id: None,
        fields: Default::default(),
        comment: None,
        cc: Vec::new(),
    };
    let check = |after: &Ticket| step::only_writable_fields_change(Some(ticket), after, &[], &step, workflow);
    let start = workflow.start();
    for component in workflow
        .form
        .components()
        .filter(|one| one.kind.is_stored() && one.key.as_str() != "title")
    {
        let mut after = ticket.clone();
        Arc::make_mut(&mut after.fields).insert(component.key.clone(), Value::text("tampered"));
        let is_writable = workflow.form.permission_at(start, &component.key).is_writable();
        assert_eq!(check(&after).is_ok(), is_writable, "{}", component.key);
    }
    let mut after = ticket.clone();
    Arc::make_mut(&mut after.fields).insert("unheard_of".into(), Value::text("tampered"));
    check(&after).expect_err("no such field");
    // Nothing but an edge taken by a person changes values.
    let review = CaseStep::ReviewHolders { ticket: idx };
    step::only_writable_fields_change(Some(ticket), &after, &[], &review, workflow).expect_err("nobody acted");
}

#[test]
fn tokens_forks_and_states() {
    let (world, idx) = walked();
    let ticket = &world.tickets[idx].ticket;
    let workflow = world.workflow_of(ticket).expect("a version");
    let with = |change: &dyn Fn(&mut Ticket)| {
        let mut changed = ticket.clone();
        change(&mut changed);
        changed
    };
    let rests = |ticket: &Ticket| invariants::tokens_rest_where_they_can(ticket, workflow);
    rests(ticket).expect("as it is");
    rests(&with(&|one| one.tokens.clear())).expect_err("none");
    rests(&with(&|one| one.tokens[0].rest = Rest::Moving)).expect_err("moving");
    rests(&with(&|one| one.tokens[0].rest = Rest::held(Vec::new()))).expect_err("held by nobody");
    rests(&with(&|one| one.tokens[0].node = NodeId::from("nowhere"))).expect_err("nowhere");
    rests(&with(&|one| one.tokens[0].rest = Rest::Ended)).expect_err("not at end");
    let fork = ForkId {
        version: 1,
        split: workflow.start().id.clone(),
    };
    let forked = with(&|one| one.tokens[0].forks.push(fork.clone()));
    invariants::forks_close(&forked, workflow).expect_err("outside of its region");
    invariants::state_fits_tokens(&with(&|one| one.act_state = ActState::Finished)).expect_err("not at end");
    let ended = with(&|one| {
        one.tokens = vec![Token {
            visit: 1,
            since: loonflow_engine::time::Timestamp(0),
            id: TokenId(9),
            node: workflow.end().id.clone(),
            forks: Vec::new(),
            rest: Rest::Ended,
            candidates: Vec::new(),
            path: Default::default(),
            back: None,
        }];
    });
    invariants::state_fits_tokens(&ended).expect_err("at end and on going");
}

#[test]
fn tenants_lists_and_views() {
    let (world, idx) = walked();
    let ticket = &world.tickets[idx].ticket;
    let creator = ticket.creator.clone();
    let others = tenants::namesakes(&world.directory);
    tenants::other_tenants_are_kept_out(&world, &others, idx, &creator).expect("kept out");
    tenants::other_tenants_are_kept_out(&world, &world.directory, idx, &creator).expect_err("its own tenant");

    let admin: UserId = world.directory.users.keys().next().expect("somebody").clone();
    lists::lists_equal_a_walk(&world, &lists::index_of(&world), &admin).expect("as it is");
    let mut fewer = world.clone();
    fewer.tickets.remove(0);
    lists::lists_equal_a_walk(&world, &lists::index_of(&fewer), &admin).expect_err("one is missing");

    // A stranger to the node sees what some node shows; a value of a field that none shows is said in a comment.
    let workflow = world.workflow_of(ticket).expect("a version");
    let mut leaky = world.tickets[idx].clone();
    let hidden = FieldKey::from("nowhere_shown");
    let shown = views::permissions(ticket, workflow, &world, &admin);
    assert_ne!(shown.get(&hidden), Some(&FieldPermission::Readonly));
    let secret = format!("{}99-secret", views::MARK);
    Arc::make_mut(&mut leaky.ticket.fields).insert(hidden, Value::text(secret.clone()));
    views::nothing_hidden_is_shown(&world, &leaky, &admin).expect("stored and not shown");
    leaky.ticket.intervention = Some(format!("because of {secret}"));
    views::nothing_hidden_is_shown(&world, &leaky, &admin).expect_err("said aloud");
}
