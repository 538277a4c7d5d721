//! What an undo puts back, every optional part there somewhere.

use loonflow_engine::id::{NodeId, TicketId, TokenId};
use loonflow_engine::test_util::{Story, flow};
use loonflow_engine::ticket::act_state::ActState;
use loonflow_engine::ticket::clock::{LastRun, Run};
use loonflow_engine::ticket::event::EffectId;
use loonflow_engine::ticket::token::{ForkId, Rest};
use loonflow_engine::ticket::{Back, Clock, OwedAgain, Token, Undone};
use loonflow_engine::time::Timestamp;

pub(crate) fn undone() -> Undone {
    // One that has been somewhere, and on which somebody has agreed.
    let mut story = Story::submit(&flow(
        "node a normal users:ann
         node b normal users:ann
         edge go agree start -> a
         edge ok agree a -> b
         edge done agree b -> end",
    ));
    story.act("ann", "ok");
    let at = Timestamp(1_795_339_800_000);
    let token = Token {
        id: TokenId(3),
        node: "approve".into(),
        forks: vec![ForkId {
            version: 7,
            split: "split".into(),
        }],
        rest: Rest::Timer { due: at },
        visit: 9,
        since: at,
        candidates: vec!["ada".into()],
        path: story.ticket.tokens[0].path.clone(),
        back: Some(Box::new(Back::ToCome {
            to: "finance".into(),
            people: vec!["wes".into()],
        })),
    };
    let run = Run {
        spent_ms: 3_600_000,
        since: at,
        until: Some(at),
    };
    let effect = EffectId { version: 12, index: 1 };
    let (of, node) = (TokenId(4), NodeId::from("hook"));
    Undone {
        commit: 20,
        ended: vec![TokenId(3)],
        tokens: vec![
            token.clone(),
            Token {
                back: Some(Box::new(Back::HasCome)),
                ..token
            },
        ],
        last_token: TokenId(4),
        act_state: ActState::Rejected,
        last_handlers: vec![("approve".into(), Some("ada".into())), ("finance".into(), None)],
        last_voters: vec![("approve".into(), Some(vec!["ada".into()])), ("finance".into(), None)],
        clocks: vec![Clock {
            token: TokenId(3),
            visit: 9,
            node: "approve".into(),
            run,
            due: Some(at),
            done: vec![(0, 2)],
            passed: Some((5, at)),
            is_void: false,
        }],
        last_clocks: vec![
            (
                "approve".into(),
                Some(LastRun {
                    run,
                    done: vec![(1, 1)],
                }),
            ),
            ("finance".into(), None),
        ],
        owed: vec![
            OwedAgain::Hook {
                effect,
                since: at,
                token: of,
                node: node.clone(),
                attempt: 3,
                first_attempt: 2,
                is_accepted: true,
                failed: Some(("no answer".into(), at)),
            },
            OwedAgain::NoCallBack {
                effect,
                since: at,
                token: of,
                node: node.clone(),
                due: at,
            },
            OwedAgain::Child {
                effect,
                since: at,
                token: of,
                node,
                child: TicketId::parse("01939f5a-3c00-7000-8000-000000000001").unwrap(),
                parked: Some(("refused".into(), 10, at)),
            },
        ],
        round: (*story.ticket.round).clone(),
        stand_ins: (*story.ticket.stand_ins).clone(),
        signers: (*story.ticket.signers).clone(),
    }
}
