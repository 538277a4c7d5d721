//! Every refusal of the engine is a row of the table, with a sentence, a next step, and details of a known shape.

use loonflow_engine::account::decide::Refusal as AccountRefusal;
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::OperatorRefusal;
use loonflow_engine::ticket::{ActionKind, Available, FieldProblem, FieldProblemKind};
use loonflow_engine::workflow::decide::Refusal as WorkflowRefusal;

use super::*;

const FIELD_KINDS: [FieldProblemKind; 6] = [
    FieldProblemKind::Unknown,
    FieldProblemKind::NotEditable,
    FieldProblemKind::Invalid,
    FieldProblemKind::UnknownFile,
    FieldProblemKind::FileType,
    FieldProblemKind::Missing,
];

fn fields(kind: FieldProblemKind) -> Refusal {
    Refusal::Fields {
        problems: vec![FieldProblem {
            key: "days".into(),
            kind,
            problem: "is wrong".to_owned(),
            allowed: "a number".to_owned(),
        }],
    }
}

/// The variant behind this one; a new variant does not compile until it has a place here, and so a test.
fn next(refusal: Option<&Refusal>) -> Option<Refusal> {
    let text = || "x".to_owned();
    Some(match refusal {
        None => Refusal::TicketNotFound { id: text() },
        Some(Refusal::TicketNotFound { .. }) => Refusal::WorkflowNotFound { id: text() },
        Some(Refusal::WorkflowNotFound { .. }) => Refusal::PermissionDenied {
            what: text(),
            who_may: text(),
        },
        Some(Refusal::PermissionDenied { .. }) => Refusal::AppNotAllowed { app: text() },
        Some(Refusal::AppNotAllowed { .. }) => Refusal::ActionNotAvailable {
            action_type: "agree",
            action_id: text(),
            available: vec![Available {
                kind: ActionKind::Agree,
                edge: Some("e".into()),
                node: "n".into(),
            }],
        },
        Some(Refusal::ActionNotAvailable { .. }) => Refusal::AmbiguousNode {
            action_id: text(),
            nodes: vec!["n".into(), "m".into()],
        },
        Some(Refusal::AmbiguousNode { .. }) => fields(FieldProblemKind::Unknown),
        Some(Refusal::Fields { .. }) => Refusal::NoBranchMatches {
            node: "n".into(),
            name: text(),
        },
        Some(Refusal::NoBranchMatches { .. }) => Refusal::NoAssignee {
            node: "n".into(),
            name: text(),
            reason: text(),
        },
        Some(Refusal::NoAssignee { .. }) => Refusal::OutsideUnavailable {
            place: text(),
            host: text(),
            why: text(),
        },
        Some(Refusal::OutsideUnavailable { .. }) => Refusal::CreationRefused {
            hook: text(),
            said: text(),
        },
        Some(Refusal::CreationRefused { .. }) => Refusal::SubWorkflowNotAllowed {
            node: "n".into(),
            workflow: text(),
            allowed: text(),
        },
        Some(Refusal::SubWorkflowNotAllowed { .. }) => Refusal::SubTicketLimit {
            open_max: 1,
            depth_max: 1,
        },
        Some(Refusal::SubTicketLimit { .. }) => Refusal::SubTicketsOpen {
            node: "n".into(),
            open: TicketId::parse("00000000-0000-7000-9000-000000000001")
                .into_iter()
                .collect(),
        },
        Some(Refusal::SubTicketsOpen { .. }) => Refusal::argument(Argument::Fields, "x", "it is wrong"),
        Some(Refusal::InvalidArgument { .. }) => Refusal::VersionConflict {
            expected: 1,
            current: 2,
        },
        Some(Refusal::VersionConflict { .. }) => Refusal::IdempotencyMismatch { key: text() },
        Some(Refusal::IdempotencyMismatch { .. }) => Refusal::TooManyMoves { node: "n".into() },
        Some(Refusal::TooManyMoves { .. }) => Refusal::NotWaiting { what: text() },
        Some(Refusal::NotWaiting { .. }) => Refusal::MigrationImpossible {
            node: "n".into(),
            target: "m".into(),
            problem: text(),
        },
        Some(Refusal::MigrationImpossible { .. }) => Refusal::TicketFull {
            n_events: 1,
            n_bytes: 1,
            is_for_comments_only: false,
        },
        Some(Refusal::TicketFull { .. }) => Refusal::UnknownFile { id: text() },
        Some(Refusal::UnknownFile { .. }) => Refusal::FileErased { id: text() },
        Some(Refusal::FileErased { .. }) => Refusal::QuotaExceeded {
            whose: "the files of the tenant",
            n: 2,
            n_max: 1,
            unit: "bytes",
        },
        Some(Refusal::QuotaExceeded { .. }) => Refusal::FileTooLarge { n_bytes_max: 1 },
        Some(Refusal::FileTooLarge { .. }) => Refusal::FilesNotKept,
        Some(Refusal::FilesNotKept) => return None,
    })
}

fn all() -> Vec<Refusal> {
    let mut found: Vec<Refusal> = std::iter::successors(next(None), |refusal| next(Some(refusal))).collect();
    found.extend(FIELD_KINDS.map(fields));
    found
}

#[test]
fn every_refusal_has_a_row() {
    for refusal in all() {
        let word = refusal.code();
        let error = ApiError::from(refusal);
        assert_eq!(error.code.as_str(), word);
        assert!(!error.message.is_empty() && !error.message.ends_with('.'), "{error}");
        assert!(!error.hint.is_empty() && !error.hint.ends_with('.'), "{error}");
        let listed = error.details.as_array();
        let shaped = listed.map_or(error.details.is_object(), |entries| {
            entries.iter().all(Value::is_object)
        });
        assert!(shaped, "{error}: {}", error.details);
    }
    for problem in [
        AuthProblem::Invalid,
        AuthProblem::Expired,
        AuthProblem::Revoked,
        AuthProblem::UserInactive,
        AuthProblem::DirectoryUnreadable,
    ] {
        assert_eq!(ApiError::from(problem).code.as_str(), problem.code());
    }
}

#[test]
fn every_refusal_of_an_operator_has_a_row() {
    let account = [
        AccountRefusal::Invalid { problems: vec![] },
        AccountRefusal::UserNotFound { id: "u".into() },
        AccountRefusal::AccessTokenNotFound { id: "t".into() },
        AccountRefusal::InvalidArgument { problem: String::new() },
        AccountRefusal::PermissionDenied,
    ];
    let workflow = [
        WorkflowRefusal::Invalid { problems: vec![] },
        WorkflowRefusal::VersionExists { name: "1".into() },
        WorkflowRefusal::VersionNotFound { name: "1".into() },
        WorkflowRefusal::OtherWorkflow {
            expected: "a".into(),
            found: "b".into(),
        },
        WorkflowRefusal::PermissionDenied,
    ];
    let own = [
        OperatorRefusal::InvalidDirectory { problems: vec![] },
        OperatorRefusal::TenantNotFound { id: "t".to_owned() },
    ];
    let all = account
        .map(OperatorRefusal::from)
        .into_iter()
        .chain(workflow.map(OperatorRefusal::from))
        .chain(own);
    for refusal in all {
        let word = refusal.code();
        let error = ApiError::from(refusal);
        assert_eq!(error.code.as_str(), word);
        assert!(!error.hint.is_empty() && !error.hint.ends_with('.'), "{error}");
    }
}

#[test]
fn what_was_sent_comes_back_shortened() {
    let long = "x".repeat(1_000_000);
    for refusal in [
        Refusal::WorkflowNotFound { id: long.clone() },
        Refusal::IdempotencyMismatch { key: long.clone() },
        Refusal::Fields {
            problems: vec![FieldProblem {
                key: long.as_str().into(),
                kind: FieldProblemKind::Unknown,
                problem: long.clone(),
                allowed: long.clone(),
            }],
        },
    ] {
        let error = ApiError::from(refusal);
        let bytes = error.to_string().len() + error.details.to_string().len();
        assert!(bytes < 16_000, "{bytes}");
    }
}

#[test]
fn a_missing_argument_is_asked_for() {
    let error = ApiError::from(Refusal::argument(Argument::Comment, "", "a comment must say something"));
    assert_eq!(
        error.to_string(),
        "invalid_argument: argument `action_props.comment` is missing: a comment must say something. \
         Send `action_props.comment`."
    );
}

/// The engine names an argument as a part of a request; here it has the wire's name and the place where its value is found.
#[test]
fn every_argument_has_the_name_that_clients_know() {
    let mut names = std::collections::BTreeSet::new();
    for argument in Argument::ALL {
        let error = ApiError::from(Refusal::argument(argument, "x", "it is wrong"));
        let name = error.details["argument"].as_str().unwrap().to_owned();
        assert_eq!(error.message, format!("argument `{name}` cannot be `x`: it is wrong"));
        assert!(names.insert(name), "{error}");
    }
}

#[test]
fn the_next_step_says_what_the_facts_allow() {
    let hint = |refusal: Refusal| ApiError::from(refusal).hint;
    let of = |argument, value: &str| hint(Refusal::argument(argument, value, "it is wrong"));
    assert_eq!(
        of(Argument::TargetUser, "7"),
        "call `user_list` to find people, and send the `id`"
    );
    assert_eq!(
        of(Argument::Cc, "a@b.example"),
        "this is an e-mail address: call `user_list` with `search_value` `a@b.example` and send the `id`"
    );
    assert_eq!(of(Argument::PerPage, "7"), "mend the argument and call again");
    assert_eq!(
        of(Argument::Node, "c"),
        "call `ticket_prepare_handle`, whose actions name their `node_id`"
    );
    let not_available = |available| {
        hint(Refusal::ActionNotAvailable {
            action_type: "agree",
            action_id: "x".to_owned(),
            available,
        })
    };
    assert_eq!(not_available(vec![]), "there is nothing you can do on this ticket now");
    let one = |kind, edge: Option<&str>| Available {
        kind,
        edge: edge.map(Into::into),
        node: "n".into(),
    };
    assert_eq!(
        not_available(vec![one(ActionKind::Agree, Some("ok")), one(ActionKind::Forward, None)]),
        "available now (type/id): `agree`/`ok`, `forward`/`forward`"
    );
    let full = |is_for_comments_only| {
        hint(Refusal::TicketFull {
            n_events: 1,
            n_bytes: 1,
            is_for_comments_only,
        })
    };
    assert!(full(true).contains("without a further comment"), "{}", full(true));
    assert!(full(false).contains("force_close"), "{}", full(false));
    assert_eq!(
        hint(Refusal::PermissionDenied {
            what: "x".to_owned(),
            who_may: "y".to_owned()
        }),
        "ask one of them, or call `ticket_prepare_handle` to see what you can do"
    );
}
