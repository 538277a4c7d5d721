//! Random commits on few tickets by few people, and what may be asked of their lists.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{created, entered, id, meta, node, titled, user, version};
use crate::id::{TokenId, UserId, VersionName, WorkflowId};
use crate::ticket::event::{ActionTaken, FieldChange};
use crate::ticket::{ActState, ActionKind, Ballot, Event, Meta, Rest};
use crate::time::Timestamp;
use crate::value::Value;
use crate::view::ticket_list::{Category, ListQuery, Order, Viewer};
use crate::workflow::Approval;

/// Few characters, so that needles are found, and such whose case is folded in unusual ways.
const TITLE: &str = "[aAbBΣσς中İ -]{0,7}";

/// One commit: of which ticket, what is known of it besides.
pub(super) type Commit = (u8, Meta, Vec<Event>);

fn a_user() -> impl Strategy<Value = UserId> {
    (0..4_u8).prop_map(user)
}

fn some_users() -> impl Strategy<Value = Vec<UserId>> {
    btree_set(0..4_u8, 1..3).prop_map(|users| users.into_iter().map(user).collect())
}

fn a_rest() -> impl Strategy<Value = Rest> {
    prop_oneof![
        some_users().prop_map(Rest::held),
        some_users().prop_map(|candidates| Rest::Offered { candidates }),
        some_users().prop_map(|users| Rest::Voting(Box::new(Ballot::new(users, Approval::default())))),
        Just(Rest::Ended),
    ]
}

fn an_event() -> impl Strategy<Value = Event> {
    let token = TokenId(1);
    let taken = move |(kind, node): (ActionKind, u8)| {
        Event::ActionTaken(Box::new(ActionTaken {
            kind,
            action_id: kind.word().to_owned(),
            node: Some(super::node(node)),
            token: Some(token),
            target: None,
            comment: None,
        }))
    };
    let change = FieldChange {
        key: "days".into(),
        from: None,
        to: Value::text("3".to_owned()),
    };
    prop_oneof![
        4 => TITLE.prop_map(titled),
        4 => (0..3_u8, a_rest()).prop_map(|(at, rest)| entered(node(at), rest)),
        4 => select(&ActState::ALL[1..]).prop_map(|to| Event::StateChanged { to }),
        3 => (select(&[ActionKind::Agree, ActionKind::AddComment][..]), 0..3_u8).prop_map(taken),
        1 => a_user().prop_map(move |user| Event::Accepted { token, user }),
        1 => (a_user(), a_user()).prop_map(move |(from, to)| Event::Forwarded { token, from, to }),
        1 => (a_user(), a_user()).prop_map(move |(by, to)| Event::Consulted { token, by, to }),
        1 => (a_user(), Just("agree")).prop_map(move |(user, edge)| Event::VoteCast { token, user, edge: edge.into() }),
        1 => (0..2_usize, 0..3_u8).prop_map(move |(to, at)| Event::Migrated {
            from: "v1".into(),
            to: version(to).1,
            tokens: vec![(token, node(at))],
            forks: Vec::new(),
        }),
        1 => Just(Event::FieldsChanged { changes: vec![change] }),
        1 => Just(Event::Discarded),
    ]
}

/// Creations of few tickets, their times in no order and often the same, and commits on them or on none.
pub(super) fn a_commit() -> impl Strategy<Value = Commit> {
    let creation = (
        (0..14_u8, 0..6_i64, a_user(), 0..3_usize),
        option::weighted(0.3, 0..3_u8),
        vec(a_user(), 0..2),
        vec(an_event(), 0..3),
    )
        .prop_map(|((ticket, at, by, on), parent, cc, rest)| {
            let first = created(ticket, by.clone(), on, parent, cc);
            (ticket, meta(at, by), [vec![first], rest].concat())
        });
    let change = (0..14_u8, 0..9_i64, a_user(), vec(an_event(), 1..4))
        .prop_map(|(ticket, at, by, events)| (ticket, meta(at, by), events));
    prop_oneof![creation, change]
}

fn some_versions() -> impl Strategy<Value = BTreeSet<(WorkflowId, VersionName)>> {
    btree_set((0..3_usize).prop_map(version), 0..4)
}

pub(super) fn a_viewer() -> impl Strategy<Value = Viewer> {
    let all = BTreeSet::from([version(0), version(1), version(2)]);
    (
        a_user(),
        any::<bool>(),
        some_versions(),
        some_versions(),
        prop_oneof![3 => Just(all.clone()), 1 => some_versions()],
    )
        .prop_map(move |(user, is_tenant_admin, view, intervene, allowed)| Viewer {
            user,
            is_tenant_admin,
            view: if is_tenant_admin {
                all.clone()
            } else {
                &view | &intervene
            },
            intervene: if is_tenant_admin { all.clone() } else { intervene },
            allowed,
        })
}

pub(super) fn a_query() -> impl Strategy<Value = ListQuery> {
    let seldom = 0.25;
    (
        (select(&Category::ALL[..]), "|[aAbBΣσς中İ -]{0,4}", any::<bool>()),
        (option::weighted(seldom, 0..6_i64), option::weighted(seldom, 0..6_i64)),
        (option::weighted(seldom, 0..3_usize), btree_set(0..3_u8, 0..2)),
        option::weighted(seldom, btree_set(0..16_u8, 0..6)),
        option::weighted(seldom, select(&ActState::ALL[..])),
        (option::weighted(seldom, a_user()), option::weighted(seldom, 0..4_u8)),
        (0..5_u32, 1..6_u32),
    )
        .prop_map(
            |(first, created, workflow_and_nodes, ids, act_state, kin, paging)| ListQuery {
                category: first.0,
                search: first.1,
                newest_first: first.2,
                due_by: None,
                due_before: None,
                order: Order::Created,
                created_from: created.0.map(Timestamp),
                created_to: created.1.map(Timestamp),
                workflow_ids: workflow_and_nodes.0.into_iter().map(|on| version(on).0).collect(),
                node_ids: workflow_and_nodes.1.into_iter().map(node).collect(),
                ticket_ids: ids.map(|ids| ids.into_iter().map(id).collect()),
                act_state,
                creator_id: kin.0,
                parent_ticket_id: kin.1.map(id),
                page: paging.0,
                per_page: paging.1,
            },
        )
}
