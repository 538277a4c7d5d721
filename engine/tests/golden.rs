//! What is on disk is frozen: one golden file per event and schema, never edited. A file that does not match any more
//! means that logs written before cannot be read: add a schema with an upcast in `codec` instead.
//!
//! `GOLDEN=write cargo test -p loonflow-engine --test golden` writes files that are missing, and only those.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use loonflow_engine::id::{FileId, TicketId, TokenId};
use loonflow_engine::ticket::act_state::ActState;
use loonflow_engine::ticket::event::{
    ActionTaken, AskedQuestion, Branch, ChildEnd, EffectId, Event, FieldChange, Meta, OwedChild, OwedEffect, Processor,
    TicketCreated, Via,
};
use loonflow_engine::ticket::token::{Consult, ForkId, Rest, Share};
use loonflow_engine::ticket::{ActionKind, Ballot, BallotShare, DropReason, ShareState, SignerPosition};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::ApprovalRule;
use loonflow_engine::{codec, workflow};

mod golden {
    /// Directories.
    pub(crate) mod directory;
    /// What an undo puts back.
    pub(crate) mod going_back;
    /// What people are told.
    pub(crate) mod notices;
}

/// One of each variant, with every optional part there somewhere.
fn samples() -> Vec<Event> {
    let id = TicketId::parse("01939f5a-3c00-7000-8000-000000000001").unwrap();
    let fork = ForkId {
        version: 7,
        split: "split".into(),
    };
    let token = TokenId(3);
    let effect = EffectId { version: 12, index: 1 };
    let (ada, wes) = ("ada", "wes");
    let entered = |rest: Rest| Event::NodeEntered {
        token,
        node: "approve".into(),
        rest,
        pool: Some(vec![ada.into(), wes.into()]),
        remembered: true,
    };
    let dropped = |user: &str, why| Event::ShareDropped {
        token,
        user: user.into(),
        why,
    };
    let map = [
        ("n".to_owned(), Value::Number("1.50".into())),
        ("b".to_owned(), Value::Bool(true)),
    ];
    vec![
        Event::TicketCreated(Box::new(TicketCreated {
            ticket_id: id,
            tenant_id: "acme".into(),
            workflow_id: "leave".into(),
            version_name: "1.0".into(),
            start: "start".into(),
            creator: ada.into(),
            app: "loonflow".into(),
            parent: Some((id, "prepare".into())),
            cc: vec![wes.into()],
        })),
        Event::ActionTaken(Box::new(ActionTaken {
            kind: ActionKind::Discard,
            action_id: "discard".into(),
            node: Some("start".into()),
            token: Some(token),
            target: Some(wes.into()),
            comment: Some("größer".into()),
        })),
        Event::FieldsChanged {
            changes: vec![FieldChange {
                key: "systems".into(),
                from: Some(Value::Null),
                to: Value::List(vec![Value::text("crm"), Value::Map(map.into_iter().collect())]),
            }],
        },
        Event::TitleChanged {
            title: "A title".into(),
        },
        Event::EdgeTaken {
            token,
            edge: "yes".into(),
            from: "a".into(),
            to: "b".into(),
        },
        Event::Forked {
            token,
            fork: fork.clone(),
            branches: vec![Branch {
                token: TokenId(4),
                edge: "x".into(),
                to: "legal".into(),
            }],
        },
        Event::JoinAwaited {
            token,
            node: "join".into(),
        },
        Event::Joined {
            fork: fork.clone(),
            node: "join".into(),
            tokens: vec![token, TokenId(300)],
            into: token,
        },
        Event::ForkLeft {
            fork: fork.clone(),
            token,
            cancelled: vec![TokenId(4)],
        },
        Event::TokensReplaced {
            removed: vec![token],
            token: TokenId(5),
            node: "start".into(),
        },
        entered(Rest::Held {
            holders: vec![ada.into()],
            consult: Some(Consult {
                by: ada.into(),
                to: wes.into(),
            }),
        }),
        entered(Rest::Offered {
            candidates: vec![ada.into(), wes.into()],
        }),
        entered(Rest::Shared {
            shares: vec![Share {
                holder: ada.into(),
                vote: Some("yes".into()),
                consulted: Some(wes.into()),
            }],
        }),
        entered(Rest::Unassigned),
        entered(Rest::Ended),
        Event::TimerSet {
            token,
            node: "wait".into(),
            due: Timestamp(1_795_339_800_000),
        },
        Event::TimerFired {
            token,
            node: "wait".into(),
        },
        Event::HookRequested {
            token,
            node: "deploy".into(),
            attempt: 2,
        },
        Event::HookSucceeded {
            token,
            node: "deploy".into(),
        },
        Event::HookFailed {
            token,
            node: "deploy".into(),
            reason: "timed out".into(),
        },
        Event::Accepted {
            token,
            user: ada.into(),
        },
        Event::Forwarded {
            token,
            from: ada.into(),
            to: wes.into(),
        },
        Event::Consulted {
            token,
            by: ada.into(),
            to: wes.into(),
        },
        Event::ConsultSubmitted { token, by: wes.into() },
        Event::VoteCast {
            token,
            user: ada.into(),
            edge: "yes".into(),
        },
        Event::ForceForwarded { token, to: wes.into() },
        Event::StateChanged { to: ActState::Closed },
        Event::InterventionNeeded {
            reason: "nobody".into(),
        },
        Event::InterventionEnded,
        Event::Discarded,
        Event::Migrated {
            from: "1.0".into(),
            to: "2.0".into(),
            tokens: vec![(token, "b".into())],
            forks: vec![(fork, "split2".into())],
        },
        Event::EffectsOwed {
            effects: vec![OwedEffect::EventHook {
                hook: "audit".into(),
                event: "finish".into(),
            }],
        },
        Event::EffectDone {
            effect,
            note: Some("status 204".into()),
        },
        Event::EffectParked {
            effect,
            reason: "status 500".into(),
            n_tries: 10,
        },
        Event::EffectRetried { effect },
        Event::EffectSkipped { effect },
        Event::HookAccepted {
            token,
            node: "deploy".into(),
            attempt: 2,
            due: Some(Timestamp(1_795_339_800_000)),
        },
        Event::WaitSkipped {
            token,
            node: "wait".into(),
        },
        Event::ChildOpened {
            child: id,
            token,
            node: "parts".into(),
            workflow_id: "part".into(),
            by: Some(ada.into()),
        },
        Event::ChildEnded {
            child: id,
            state: ChildEnd::Rejected,
        },
        Event::ActedAs { via: Via::Spawn },
        Event::FileErased {
            file: FileId(uuid::Uuid::from_u128(7)),
            reason: "names a patient".into(),
        },
        Event::Asked {
            questions: vec![AskedQuestion {
                id: "0a1b".into(),
                kind: "assignees".into(),
                place: "approve".into(),
                host: "who.example".into(),
                outcome: "people".into(),
                n: 2,
            }],
        },
        Event::EffectsOwed {
            effects: vec![
                OwedEffect::Child(Box::new(OwedChild {
                    child: id,
                    workflow_id: "part".into(),
                    creator: ada.into(),
                    action_id: Some("go".into()),
                    fields: [("title".into(), Value::text("T"))].into(),
                    token,
                    node: "parts".into(),
                })),
                OwedEffect::TellParent {
                    parent: id,
                    state: ChildEnd::Finished,
                },
                OwedEffect::CloseChild {
                    child: id,
                    by: ada.into(),
                },
            ],
        },
        entered(Rest::Voting(Box::new(Ballot {
            rule: ApprovalRule::Percent(60),
            veto: true,
            abstain: false,
            shares: vec![
                BallotShare {
                    holder: ada.into(),
                    state: ShareState::Voted {
                        edge: "yes".into(),
                        version: 300,
                    },
                    consulted: None,
                    after: None,
                },
                BallotShare {
                    holder: wes.into(),
                    state: ShareState::Open,
                    consulted: Some(ada.into()),
                    after: Some(1),
                },
                BallotShare {
                    holder: ada.into(),
                    state: ShareState::Dropped,
                    consulted: None,
                    after: Some(2),
                },
            ],
        }))),
        dropped(ada, DropReason::Abstained),
        dropped(wes, DropReason::Deactivated),
        Event::VoteTakenBack {
            token,
            user: ada.into(),
        },
        Event::HolderDropped {
            token,
            user: wes.into(),
        },
        Event::DeadlineSet {
            token,
            node: "approve".into(),
            spent_ms: 10_800_000,
            due: Some(Timestamp(1_795_339_800_000)),
            stands: false,
            steps: vec![(0, Timestamp(1_795_336_200_000)), (2, Timestamp(1_795_339_800_000))],
        },
        Event::DeadlineReached {
            token,
            node: "approve".into(),
            step: 2,
            nth: 1,
            missed: 3,
            next: Some(Timestamp(1_795_343_400_000)),
        },
        Event::Escalated {
            token,
            to: vec!["ada".into(), "wes".into()],
        },
        Event::Substituted {
            token,
            pairs: vec![(ada.into(), wes.into())],
        },
        Event::HandedOver {
            token,
            from: ada.into(),
            to: wes.into(),
            by: Some(ada.into()),
        },
        Event::SignerAdded {
            token,
            by: ada.into(),
            user: wes.into(),
            position: SignerPosition::After,
        },
        Event::ApprovalSkipped {
            token,
            user: wes.into(),
            agreed_at: 300,
        },
        dropped(ada, DropReason::HandedOver),
        dropped(ada, DropReason::TakenBack),
        Event::ConsultTakenBack {
            token,
            by: ada.into(),
            to: wes.into(),
        },
        Event::GivenBack {
            token,
            candidates: vec![ada.into(), wes.into()],
        },
        Event::TokenReturned {
            token,
            from: "finance".into(),
            to: "approve".into(),
            resume: Some(vec![ada.into()]),
        },
        Event::Resumed {
            token,
            from: "approve".into(),
            edge: "ok".into(),
            to: "finance".into(),
        },
        Event::UndoKept,
        Event::Undone(Box::new(golden::going_back::undone())),
        golden::notices::owed(token),
    ]
}

fn golden(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let hex = hex.trim();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn check(name: &str, encoded: &[u8]) -> Vec<u8> {
    let path = golden(name);
    if !path.exists() && std::env::var("GOLDEN").is_ok_and(|mode| mode == "write") {
        fs::write(&path, hex(encoded) + "\n").unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no golden file `{name}`: see the header"));
    assert_eq!(stored.trim(), hex(encoded), "`{name}` is written otherwise now");
    bytes(&stored)
}

#[test]
fn every_ticket_event_is_written_and_read_as_ever() {
    let mut n_of_name = std::collections::BTreeMap::new();
    for event in samples() {
        let n = n_of_name.entry(event.name()).or_insert(0);
        *n += 1;
        let kind = codec::ticket_kind(&event);
        let stored = check(
            &format!("{kind}.{}.{n}.hex", codec::TICKET_SCHEMA),
            &codec::encode(&event),
        );
        assert_eq!(
            codec::decode_ticket(&kind, codec::TICKET_SCHEMA, &stored).unwrap(),
            event
        );
    }
}

#[test]
fn every_file_is_still_read() {
    let names: BTreeSet<String> = samples().iter().map(codec::ticket_kind).collect();
    let mut n_read = 0;
    for entry in fs::read_dir(golden("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(kind) = names.iter().find(|kind| name.starts_with(&format!("{kind}."))) else {
            continue;
        };
        let schema: u16 = name[kind.len() + 1..].split('.').next().unwrap().parse().unwrap();
        let stored = bytes(&fs::read_to_string(golden(&name)).unwrap());
        assert!(codec::decode_ticket(kind, schema, &stored).is_ok(), "{name}");
        n_read += 1;
    }
    assert!(n_read >= samples().len());
}

#[test]
fn metas_are_written_and_read_as_ever() {
    let at = Timestamp(1_795_339_800_000);
    let nobodys = |by| Meta {
        at,
        by,
        app: None,
        access_token: None,
    };
    let metas = [
        Meta {
            at,
            by: Processor::User("ada".into()),
            app: Some("loonflow".into()),
            access_token: Some("t1".into()),
        },
        nobodys(Processor::Timer),
        nobodys(Processor::Hook),
        nobodys(Processor::System),
    ];
    for (n, meta) in metas.iter().enumerate() {
        let stored = check(&format!("meta.1.{n}.hex"), &codec::encode(meta));
        assert_eq!(&codec::decode::<Meta>("meta", 1, &stored).unwrap(), meta);
    }
}

#[test]
fn damage_is_an_error_never_a_panic() {
    for event in samples() {
        let whole = codec::encode(&event);
        for cut in 0..whole.len() {
            let _ = codec::decode_ticket(&codec::ticket_kind(&event), 1, &whole[..cut]);
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(codec::decode_ticket(&codec::ticket_kind(&event), 1, &longer).is_err());
    }
    // A length far beyond the limit must not be believed.
    assert!(
        codec::decode_ticket(
            "ticket.title_changed",
            1,
            &[3, 253, 255, 255, 255, 255, 255, 255, 255, 127]
        )
        .is_err()
    );
    assert!(codec::decode_ticket("ticket.title_changed", 2, &[]).is_err());
    assert!(codec::decode_ticket("other", 1, &[]).is_err());
}

fn workflow_samples() -> Vec<workflow::event::Event> {
    use workflow::event::Event;
    let at = Timestamp(1_795_339_800_000);
    vec![
        Event::VersionPublished {
            version_name: "1.0".into(),
            source: "{}".into(),
            digest: [9; 32],
            state: workflow::VersionState::Default,
            at,
            by: Some("ada".into()),
        },
        Event::VersionStateChanged {
            version_name: "1.0".into(),
            state: workflow::VersionState::Archived,
            at,
            by: None,
        },
    ]
}

#[test]
fn every_directory_and_workflow_event_is_written_and_read_as_ever() {
    for (n, event) in golden::directory::samples().iter().enumerate() {
        let kind = codec::account_kind(event);
        let stored = check(
            &format!("{kind}.{}.{n}.hex", codec::ACCOUNT_SCHEMA),
            &codec::encode(event),
        );
        assert_eq!(
            &codec::decode_account(&kind, codec::ACCOUNT_SCHEMA, &stored).unwrap(),
            event
        );
        assert!(codec::decode_account(&kind, codec::ACCOUNT_SCHEMA + 1, &stored).is_err());
    }
    for (n, event) in workflow_samples().iter().enumerate() {
        let kind = codec::workflow_kind(event);
        let stored = check(
            &format!("{kind}.{}.{n}.hex", codec::WORKFLOW_SCHEMA),
            &codec::encode(event),
        );
        assert_eq!(
            &codec::decode_workflow(&kind, codec::WORKFLOW_SCHEMA, &stored).unwrap(),
            event
        );
        assert!(codec::decode_workflow(&kind, codec::WORKFLOW_SCHEMA + 1, &stored).is_err());
    }
}
