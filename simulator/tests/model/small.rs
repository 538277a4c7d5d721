//! Small definitions for what the fixtures do not reach: random walks over all of them, and for each a few steps with
//! what the semantics say must come of them, so that engine and model are not wrong together.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use loonflow_engine::ticket::{Event, Rest};
use loonflow_simulator::world::step::next_step;
use loonflow_simulator::world::tape::Tape;
use proptest::prelude::*;

use crate::pair::{Fixtures, Pair, fixtures_of};
use crate::text::{definition, directory};

/// By name.
pub(crate) const DEFINITIONS: [(&str, &str); 16] = [
    (
        "inclusive_with_default",
        "form amount:number tags:checkbox(a|b|c)
         start amount=optional tags=optional
         node g inclusive default:none
         node a normal users:ann tags=optional
         node b normal users:bob,cat whole
         node c normal users:cat
         node d normal users:dan
         node m inclusive
         node z normal users:dan withdraw
         edge go agree start -> g
         edge to_a condition g -> a if tags contains a
         edge to_b condition g -> b if tags contains b or amount > 100
         edge to_c condition g -> c if tags contains c and amount not_in 9,20000
         edge none condition g -> d
         edge a_ok agree a -> m
         edge a_back reject a -> start
         edge b_ok agree b -> m
         edge b_no reject b -> end
         edge c_ok agree c -> m
         edge c_mad reject c -> end
         edge d_ok agree d -> m
         edge m_on other m -> z
         edge z_ok agree z -> end
         edge z_back reject z -> start",
    ),
    (
        "shared_merge",
        "node s1 parallel
         node s2 parallel
         node a normal users:ann
         node b normal users:bob
         node c normal users:cat,dan
         node m parallel
         node z normal users:dan
         edge go agree start -> s1
         edge x1 condition s1 -> a
         edge x2 condition s1 -> s2
         edge y1 condition s2 -> b
         edge y2 condition s2 -> c
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge b_no reject b -> a
         edge c_ok agree c -> m
         edge c_no reject c -> z
         edge on other m -> z
         edge z_ok agree z -> end
         edge z_no reject z -> s1",
    ),
    (
        "shared_normal_merge",
        "form amount:number
         node s1 inclusive default:x2
         node s2 parallel
         node a normal users:ann
         node b normal users:bob
         node c normal users:cat
         node m normal users:ann,bob,dan random
         edge go agree start -> s1
         edge x1 condition s1 -> a if amount > 1
         edge x2 condition s1 -> s2
         edge y1 condition s2 -> b
         edge y2 condition s2 -> c
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge c_ok agree c -> m
         edge m_ok agree m -> end
         edge m_again reject m -> b
         edge m_start other m -> start",
    ),
    (
        "two_on_one_node",
        "node s parallel
         node a normal users:ann,bob
         node b normal users:bob
         node x normal users:ann,bob withdraw
         node c normal users:cat
         node m parallel
         edge go agree start -> s
         edge e1 condition s -> a
         edge e2 condition s -> b
         edge e3 condition s -> c
         edge a_ok agree a -> x
         edge b_ok agree b -> x
         edge x_ok agree x -> m
         edge x_again other x -> a
         edge c_ok agree c -> m
         edge done other m -> end",
    ),
    (
        "whole_with_reject",
        "form note:text
         node v normal users:ann,bob,cat whole note=required
         node w normal roles:crew all exclude_creator
         edge go agree start -> v
         edge v_yes agree v -> w
         edge v_also other v -> end skip
         edge v_no reject v -> start skip
         edge w_yes agree w -> end
         edge w_no reject w -> end",
    ),
    (
        "remembered",
        "node a normal users:ann,bob,cat,off voluntary remember
         node b normal depts:top random remember exclude_creator
         node z normal variables:creator
         edge go agree start -> a
         edge a_ok agree a -> b
         edge b_ok agree b -> z
         edge b_no reject b -> a
         edge z_no reject z -> a
         edge z_ok agree z -> end",
    ),
    (
        "excluded_creator",
        "node a normal users:ann,bob,off exclude_creator
         node b normal variables:creator_dept_approver,creator_dept_leader exclude_creator withdraw
         node c normal users:cat exclude_creator
         edge go agree start -> a
         edge a_ok agree a -> b
         edge a_c other a -> c
         edge b_ok agree b -> end
         edge c_ok agree c -> end
         edge b_no reject b -> start",
    ),
    (
        "timers",
        "form when:datetime day:date
         node t1 timer until:when
         node t2 timer until:day
         node t3 timer P1DT2H
         node a normal users:ann withdraw when=optional
         node b normal users:off
         edge go agree start -> t1
         edge e1 agree t1 -> t2
         edge e2 agree t2 -> a
         edge a_ok agree a -> t3
         edge a_no reject a -> t1
         edge a_end reject a -> end
         node t4 timer PT1H
         edge a_gone reject a -> t4
         edge e4 other t4 -> end
         edge e3 other t3 -> b
         edge b_ok agree b -> end",
    ),
    (
        "hooks",
        "node s parallel
         node h hook
         node k hook
         node a normal users:ann withdraw
         node m parallel
         node g exclusive
         node l hook
         edge go agree start -> s
         edge e1 condition s -> h
         edge e2 condition s -> a
         edge h_on agree h -> m
         edge a_ok agree a -> m
         edge a_no reject a -> k
         edge k_on reject k -> g
         edge g_on condition g -> a
         edge m_on other m -> l
         edge l_on agree l -> end",
    ),
    (
        "by_field",
        "form who:user* boss:user
         node a normal ticket_field:who voluntary who=optional boss=optional
         node b normal ticket_field:boss,who whole
         node c normal parent_ticket_field:boss
         edge go agree start -> a
         edge a_ok agree a -> b
         edge a_self other a -> a
         edge b_ok agree b -> end
         edge b_c other b -> c
         edge c_ok agree c -> end",
    ),
    (
        "no_branch",
        "form amount:number
         node a normal users:bob withdraw amount=optional
         node g exclusive
         node h inclusive
         node x normal users:ann
         node y normal users:cat
         node m inclusive
         edge go agree start -> a
         edge on agree a -> g
         edge over other a -> h
         edge back condition g -> a if amount > 100
         edge out condition g -> end if amount > 1 and amount <= 100
         edge p condition h -> x if amount >= 20000
         edge q condition h -> y if amount < 20
         edge x_ok agree x -> m
         edge y_ok agree y -> m
         edge m_on other m -> end",
    ),
    (
        "nested_with_asides",
        "node s1 parallel
         node s2 parallel
         node j1 parallel
         node j2 parallel
         node legal normal users:ann
         node tech normal users:bob
         node ops normal users:cat
         node fix normal users:dan
         node sum normal users:dan
         edge go agree start -> s1
         edge x1 condition s1 -> legal
         edge x2 condition s1 -> s2
         edge y1 condition s2 -> tech
         edge y2 condition s2 -> ops
         edge legal_ok agree legal -> j1
         edge legal_no reject legal -> start
         edge tech_ok agree tech -> j2
         edge tech_fix reject tech -> fix
         edge fix_ok agree fix -> tech
         edge fix_end reject fix -> end
         edge tech_out reject tech -> sum
         edge ops_ok agree ops -> j2
         edge ops_no reject ops -> s2
         edge j2o other j2 -> sum
         edge sum_ok agree sum -> j1
         edge sum_no reject sum -> s2
         edge j1o other j1 -> end",
    ),
    (
        "branches_that_leave",
        "form amount:number
         node s inclusive default:stay
         node g exclusive default:g_stay
         node a normal users:ann
         node b normal users:bob
         node m parallel
         node z normal users:dan
         edge go agree start -> s
         edge leave condition s -> g if amount > 1
         edge stay condition s -> a
         edge also condition s -> b if amount > 100
         edge g_out reject g -> z if amount > 2000
         edge g_stay condition g -> b
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge b_z reject b -> z
         edge z_ok agree z -> end
         edge z_b other z -> b
         edge on other m -> end",
    ),
    (
        "titles",
        "form amount:number tags:checkbox(a|b) who:user* where:department note:textarea
         title {amount}: {tags} {who} {where} by {creator} at { created_at } {note}
         node a normal users:ann amount=required tags=optional who=optional title=readonly note=optional
         node b normal users:bob title=optional amount=readonly note=hidden
         edge go agree start -> a
         edge a_ok agree a -> b
         edge b_ok agree b -> end
         edge b_no reject b -> a",
    ),
    (
        "hidden_and_required",
        "form secret:text shown:text late:text info:creator_info outside:externaldata
         start secret=hidden shown=required late=hidden outside=hidden info=readonly title=readonly
         node a normal users:ann,bob voluntary secret=optional shown=readonly late=required info=readonly outside=readonly
         node b normal users:ann title=hidden secret=hidden shown=optional
         edge go agree start -> a
         edge a_ok agree a -> b
         edge a_skip other a -> b skip
         edge b_ok agree b -> end
         edge b_no reject b -> start",
    ),
    (
        "gateways_in_a_row",
        "form amount:number day:date
         node g1 exclusive default:d1
         node g2 exclusive default:d2
         node p parallel
         node q inclusive
         node a normal users:ann,bob
         node b normal users:bob
         node m exclusive
         edge go agree start -> g1
         edge c1 condition g1 -> g2 if amount >= 9
         edge d1 condition g1 -> q if amount < 1
         edge c2 condition g2 -> end if day == 2026-01-31
         edge d2 condition g2 -> p
         edge q_on other q -> p
         edge p1 condition p -> a
         edge p2 condition p -> b
         edge p3 condition p -> m
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge b_no reject b -> start
         edge m_on condition m -> g1 if amount > 7000
         edge m_end condition m -> end",
    ),
];

pub(crate) static SMALL: LazyLock<Fixtures> = LazyLock::new(|| {
    let definitions = DEFINITIONS.map(|(id, text)| definition(id, "1.0", text));
    fixtures_of(directory(), &definitions)
});

/// Walks over one definition, several or all; what was seen on the way.
fn walk(only: &[usize], choices: Vec<u16>, seed: u64, seen: &mut BTreeSet<&'static str>) -> Result<(), String> {
    let mut pair = Pair::new(&SMALL, seed);
    if !only.is_empty() {
        let ids = only.iter().map(|idx| DEFINITIONS[idx % DEFINITIONS.len()].0);
        let ids: BTreeSet<&str> = ids.collect();
        pair.world.workflows.retain(|id, _| ids.contains(id.as_str()));
    }
    let mut tape = Tape::new(choices);
    let mut n_steps = 0;
    while !tape.is_used_up() {
        if tape.next(40) == 39 {
            let gone = ["ann", "bob", "cat", "dan"][tape.next(4)];
            let also = ["off", "ann", "wad"][tape.next(3)];
            pair.deactivate(&SMALL, &[gone, also, "off"][tape.next(3)..]);
        }
        let Some(step) = next_step(&mut pair.world, &mut tape) else {
            continue;
        };
        let before = step.ticket.map(|idx| pair.world.tickets[idx].commits.len());
        pair.step(step.ticket, &step.workflow, &step.command)?;
        note(
            &pair,
            step.ticket
                .filter(|idx| Some(pair.world.tickets[*idx].commits.len()) != before),
            seen,
        );
        n_steps += 1;
        if n_steps % 16 == 0 {
            pair.check_offers()?;
        }
    }
    Ok(())
}

/// Situations that the walks must get into.
const SITUATIONS: [&str; 12] = [
    "two tokens of one ticket on one node that people handle",
    "a merge joined twice in one step",
    "a merge joined",
    "a fork of one branch",
    "a fork left, others cancelled",
    "a vote that leaves the node as it is",
    "a draw",
    "a remembered handler",
    "nobody assigned",
    "a consulted share",
    "a forward",
    "a ticket that needs help",
];

fn note(pair: &Pair, changed: Option<usize>, seen: &mut BTreeSet<&'static str>) {
    let Some(recorded) = changed.map(|idx| &pair.world.tickets[idx]) else {
        return;
    };
    let ticket = &recorded.ticket;
    let Some((_, events)) = recorded.commits.last() else {
        return;
    };
    let n_joined = events
        .iter()
        .filter(|event| matches!(event, Event::Joined { .. }))
        .count();
    let mut is = |so: bool, what: &'static str| {
        assert!(SITUATIONS.contains(&what), "{what} is listed");
        if so {
            seen.insert(what);
        }
    };
    let handled: Vec<_> = ticket
        .tokens
        .iter()
        .filter(|token| matches!(token.rest, Rest::Held { .. }))
        .map(|token| &token.node)
        .collect();
    let nodes: BTreeSet<_> = handled.iter().collect();
    is(nodes.len() < handled.len(), SITUATIONS[0]);
    is(n_joined > 1, SITUATIONS[1]);
    is(n_joined == 1, SITUATIONS[2]);
    is(ticket.intervention.is_some(), SITUATIONS[11]);
    let mut has_vote = false;
    for event in events {
        has_vote |= matches!(event, Event::VoteCast { .. });
        is(
            matches!(event, Event::Forked { branches, .. } if branches.len() == 1),
            SITUATIONS[3],
        );
        is(
            matches!(event, Event::ForkLeft { cancelled, .. } if !cancelled.is_empty()),
            SITUATIONS[4],
        );
        is(matches!(event, Event::NodeEntered { pool: Some(_), .. }), SITUATIONS[6]);
        is(
            matches!(event, Event::NodeEntered { remembered: true, .. }),
            SITUATIONS[7],
        );
        is(
            matches!(
                event,
                Event::NodeEntered {
                    rest: Rest::Unassigned,
                    ..
                }
            ),
            SITUATIONS[8],
        );
        is(matches!(event, Event::Forwarded { .. }), SITUATIONS[10]);
    }
    is(
        has_vote && !events.iter().any(|event| matches!(event, Event::EdgeTaken { .. })),
        SITUATIONS[5],
    );
    let is_consulted = |rest: &Rest| match rest {
        Rest::Voting(ballot) => ballot.shares.iter().any(|share| share.consulted.is_some()),
        Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Held { .. }
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Timer { .. }
        | Rest::Hook { .. }
        | Rest::Ended => false,
    };
    is(
        ticket.tokens.iter().any(|token| is_consulted(&token.rest)),
        SITUATIONS[9],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// The engine does what the model does on definitions made for the corners of the rules.
    #[test]
    fn corners_are_the_same(
        seed in any::<u64>(),
        only in prop::collection::vec(any::<usize>(), 1..4),
        choices in prop::collection::vec(any::<u16>(), 0..1500),
    ) {
        walk(&only, choices, seed, &mut BTreeSet::new()).map_err(TestCaseError::fail)?;
    }
}

/// The corners are reached: every situation, and every waiting node of every small definition.
#[test]
fn walks_get_into_the_corners() {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut seen = BTreeSet::new();
    for seed in 0..480 {
        let choices = (0..1200).map(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 40) as u16
        });
        let idx = usize::try_from(seed).expect("small");
        walk(&[idx], choices.collect(), seed, &mut seen).expect("no difference");
    }
    let missed: Vec<_> = SITUATIONS.iter().filter(|what| !seen.contains(*what)).collect();
    assert!(missed.is_empty(), "never seen: {missed:?}");
}
