//! What arguments become, and which calls are the same call.

use std::collections::BTreeSet;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{AppName, TenantId, TicketId, UserId};
use loonflow_engine::runtime::{ActRequest, Caller, Category, Idempotency, ListQuery};
use loonflow_engine::ticket::{ActState, ActionKind};
use serde_json::{Value, json};

use super::ticket_handle::action;
use super::{ticket_create, ticket_handle, ticket_list};
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::mcp::tools;
use crate::testing::NOW;
use crate::wire::request::ticket_id;

fn arguments(tool: &str, sent: Value) -> Arguments {
    let Value::Object(sent) = sent else {
        unreachable!("an object")
    };
    Arguments::new(sent, &tools::all().find(tool).expect("a tool").arguments).expect("known")
}

fn caller(user: &str, app: &str) -> Caller {
    Caller {
        tenant_id: TenantId::from("t"),
        user_id: UserId::from(user),
        app: AppName::from(app),
        access_token: None,
    }
}

fn handled_by(caller: &Caller, sent: Value) -> Result<ActRequest, ApiError> {
    let params = ticket_handle::Params::parse(&mut arguments("ticket_handle", sent))?;
    let action = action(&params.action_type, &params.action_id).expect("an action");
    ticket_handle::request_of(&params, ticket_id(&params.ticket_id)?, action, caller)
}

fn request(sent: Value) -> Result<ActRequest, ApiError> {
    let mut whole =
        json!({ "ticket_id": "00000000-0000-7000-9000-000000000001", "action_type": "agree", "action_id": "e" });
    whole
        .as_object_mut()
        .expect("an object")
        .extend(sent.as_object().cloned().expect("an object"));
    handled_by(&caller("u", "loonflow"), whole)
}

#[test]
fn an_action_without_an_edge_needs_no_id() {
    for (action_type, action_id, expected) in [
        ("agree", "e1", Some((ActionKind::Agree, "e1"))),
        ("agree", "", Some((ActionKind::Agree, ""))),
        ("add_comment", "", Some((ActionKind::AddComment, "add_comment"))),
        ("accept", "", Some((ActionKind::Accept, "accept"))),
        ("accept", "accept", Some((ActionKind::Accept, "accept"))),
        ("accept", "e1", Some((ActionKind::Agree, "e1"))),
        ("forward", "x", Some((ActionKind::Forward, "x"))),
        ("approve", "e1", None),
        ("", "", None),
    ] {
        let expected = expected.map(|(kind, id)| (kind, id.to_owned()));
        assert_eq!(action(action_type, action_id), expected, "{action_type} {action_id}");
    }
}

#[test]
fn the_properties_of_an_action_are_known_texts() {
    let found = request(json!({ "action_props": {
        "comment": " so ", "node_id": "n", "target_assignee_id": "", "target_node_id": null,
    }}));
    let found = found.expect("holds");
    assert_eq!(found.comment.as_deref(), Some(" so "));
    assert_eq!(found.at, Some("n".into()));
    assert_eq!((found.action.to_user(), found.action.to_node()), (None, None));
    let refuse = |props: Value| {
        request(json!({ "action_props": props }))
            .expect_err("refused")
            .to_string()
    };
    insta::assert_snapshot!(refuse(json!({ "coment": "x" })), @"invalid_argument: `action_props` has no key `coment`. Did you mean `comment`? if so send that, else leave it out; there are `children`, `comment`, `effect`, `node_id`, `position`, `resume`, `target_assignee_id`, `target_node_id`.");
    insta::assert_snapshot!(refuse(json!({ "node_id": 5 })), @"invalid_argument: argument `action_props.node_id` must be a string, got the number `5`. Send `action_props.node_id` as a string.");
}

#[test]
fn a_key_belongs_to_one_call() {
    let fingerprint = |user: &str, app: &str, sent: Value| {
        let mut whole = json!({
            "ticket_id": "00000000-0000-7000-9000-000000000001", "action_type": "agree", "action_id": "e",
            "idempotency_key": "k",
        });
        whole
            .as_object_mut()
            .expect("an object")
            .extend(sent.as_object().cloned().expect("an object"));
        let request = handled_by(&caller(user, app), whole).expect("holds");
        request.idempotency.expect("has a key").fingerprint
    };
    let first = fingerprint("u", "loonflow", json!({ "fields": { "a": 1, "b": [2] } }));
    for (same, sent) in [
        ("order", json!({ "fields": { "b": [2], "a": 1 } })),
        (
            "token",
            json!({ "fields": { "a": 1, "b": [2] }, "access_token": "lfpat.a.b" }),
        ),
        (
            "spelling",
            json!({ "handle_request": { "fields": "{\"a\": 1, \"b\": [2]}" } }),
        ),
        (
            "another key",
            json!({ "fields": { "a": 1, "b": [2] }, "idempotency_key": "l" }),
        ),
    ] {
        assert_eq!(fingerprint("u", "loonflow", sent), first, "{same}");
    }
    for (other, sent) in [
        ("fields", json!({ "fields": { "a": 2, "b": [2] } })),
        ("action", json!({ "fields": { "a": 1, "b": [2] }, "action_id": "f" })),
        (
            "comment",
            json!({ "fields": { "a": 1, "b": [2] }, "action_props": { "comment": "x" } }),
        ),
        (
            "version",
            json!({ "fields": { "a": 1, "b": [2] }, "expected_version": 3 }),
        ),
    ] {
        assert_ne!(fingerprint("u", "loonflow", sent), first, "{other}");
    }
    let fields = json!({ "fields": { "a": 1, "b": [2] } });
    assert_ne!(fingerprint("v", "loonflow", fields.clone()), first);
    assert_ne!(fingerprint("u", "bot", fields), first);
    let long = request(json!({ "idempotency_key": "k".repeat(129) })).expect_err("too long");
    assert_eq!(long.details["argument"], "idempotency_key");
}

/// Answers are kept for two days, so a server that was replaced meanwhile meets digests of the arguments as they were sent.
/// They are what they were then.
#[test]
fn keys_from_before_are_known_by_what_was_sent() {
    let hex = |digest: [u8; 32]| -> String { digest.iter().map(|byte| format!("{byte:02x}")).collect() };
    let older =
        |idempotency: Option<Idempotency>| hex(idempotency.expect("has a key").older.expect("has an older one"));
    let commented = json!({
        "action_type": "add_comment", "action_id": "", "action_props": { "comment": "x", "node_id": null },
        "expected_version": 3, "idempotency_key": "k",
    });
    assert_eq!(
        older(request(commented).expect("holds").idempotency),
        "f783d8c2d053fd231f60bbac43b264ae912855d0eeb5d2feab492c589a27abf3"
    );
    let created = json!({
        "workflow_id": "w", "version_name": " ", "action_id": "go", "action_props": { "comment": "" },
        "fields": { "title": "x", "n": 0.5 }, "cc_to_user_id_list": "a, b", "idempotency_key": "k",
    });
    let created = ticket_create::Params::parse(&mut arguments("ticket_create", created)).expect("parses");
    let created = ticket_create::request_of(&created, &caller("u", "loonflow")).expect("holds");
    assert_eq!(
        older(created.idempotency),
        "f94ed4cb2bb705e908e4a6c1fb9eb67c4ecd65614f03e1f81c75cdc5267b6721"
    );
}

fn listed(sent: Value) -> Result<ListQuery, ApiError> {
    let params = ticket_list::Params::parse(&mut arguments("ticket_list", sent))?;
    let tenant = loonflow_engine::account::Tenant {
        id: "t".into(),
        name: "T".to_owned(),
        domain: "t.example".to_owned(),
        time_zone: "Asia/Shanghai".to_owned(),
    };
    ticket_list::query(&params, &Directory::new(tenant), NOW)
}

#[test]
fn a_list_without_bounds_goes_back_three_years() {
    let query = listed(json!({})).expect("holds");
    assert_eq!(
        query.created_from.expect("set").to_rfc3339(),
        "2023-11-22T09:30:00.000Z"
    );
    assert_eq!(query.created_to.expect("set").to_rfc3339(), "2026-11-22T10:30:00.000Z");
    assert_eq!(
        (query.category, query.page, query.per_page, query.newest_first),
        (Category::Duty, 1, 10, true)
    );
    let query = listed(json!({ "create_end": "2026-11-22" })).expect("holds");
    assert_eq!(query.created_from, None);
    assert_eq!(query.created_to.expect("set").to_rfc3339(), "2026-11-22T15:59:59.999Z");
}

#[test]
fn ids_that_could_not_exist_match_nothing() {
    let query = listed(json!({ "ticket_ids": "7, x" })).expect("holds");
    assert_eq!(query.ticket_ids, Some(BTreeSet::new()));
    let query = listed(json!({ "parent_ticket_id": "x" })).expect("holds");
    assert_eq!(query.ticket_ids, Some(BTreeSet::new()));
    assert_eq!(listed(json!({})).expect("holds").ticket_ids, None);
    assert_eq!(
        ticket_id("x").expect_err("none").code,
        crate::error::Code::TicketNotFound
    );
}

#[test]
fn states_are_words() {
    for (word, state) in [
        ("on_going", ActState::OnGoing),
        ("on-going", ActState::OnGoing),
        ("Finished", ActState::Finished),
    ] {
        assert_eq!(
            listed(json!({ "act_state": word })).expect("holds").act_state,
            Some(state)
        );
    }
    insta::assert_snapshot!(
        listed(json!({ "act_state": "ongoing" })).expect_err("refused"),
        @"invalid_argument: argument `act_state` must be one of `in_draft`, `on_going`, `rejected`, `withdrawn`, `finished`, `closed`, got `ongoing`. Did you mean `on_going`? if not, send one of `in_draft`, `on_going`, `rejected`, `withdrawn`, `finished`, `closed`."
    );
}

#[test]
fn a_parent_is_named_with_its_node() {
    let created = |sent: Value| {
        let params = ticket_create::Params::parse(&mut arguments("ticket_create", sent)).expect("parses");
        ticket_create::request_of(&params, &caller("u", "loonflow"))
    };
    let ticket = "00000000-0000-7000-9000-000000000001";
    let whole = created(json!({
        "workflow_id": "w", "parent_ticket_id": ticket, "parent_ticket_node_id": "n",
        "cc_to_user_id_list": ["a"], "action_props": { "cc_to_user_id_list": "b, c", "comment": "x" },
    }));
    let whole = whole.expect("holds");
    assert_eq!(
        whole.parent,
        Some((TicketId::parse(ticket).expect("an id"), "n".into()))
    );
    assert_eq!(whole.cc, ["a", "b", "c"].map(UserId::from));
    for half in [
        json!({ "workflow_id": "w", "parent_ticket_id": ticket }),
        json!({ "workflow_id": "w", "parent_ticket_node_id": "n" }),
    ] {
        assert_eq!(
            created(half).expect_err("half").code,
            crate::error::Code::InvalidArgument
        );
    }
}
