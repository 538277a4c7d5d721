//! Random walks over the seven fixtures.

use loonflow_engine::ticket::Command;
use loonflow_simulator::world::step::next_step;
use loonflow_simulator::world::tape::Tape;
use proptest::prelude::*;

use crate::pair::{FIXTURES, Pair};

/// Walks along a tape; how many steps were taken and how many carried out, or the first difference.
fn walk(choices: Vec<u16>, seed: u64, with_directory: bool) -> Result<(usize, usize), String> {
    let mut pair = Pair::new(&FIXTURES, seed);
    let users = Pair::user_ids(&FIXTURES);
    let mut tape = Tape::new(choices);
    let (mut n_steps, mut n_done) = (0, 0);
    while !tape.is_used_up() {
        if with_directory && tape.next(25) == 24 {
            let gone: Vec<&str> = (0..tape.next(4))
                .map(|_| users[tape.next(users.len())].as_str())
                .collect();
            pair.deactivate(&FIXTURES, &gone);
            for idx in 0..pair.world.tickets.len() {
                let ticket = &pair.world.tickets[idx].ticket;
                let workflow = pair.world.workflow_of(ticket).expect("its workflow").clone();
                n_done += usize::from(pair.step(Some(idx), &workflow, &Command::ReviewHolders)?);
                n_steps += 1;
            }
        }
        let Some(step) = next_step(&mut pair.world, &mut tape) else {
            continue;
        };
        n_done += usize::from(pair.step(step.ticket, &step.workflow, &step.command)?);
        n_steps += 1;
        if n_steps % 16 == 0 {
            pair.check_offers()?;
        }
    }
    Ok((n_steps, n_done))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// The engine does what the model does: on every fixture, over random walks, with people who leave and come back.
    #[test]
    fn the_engine_does_what_the_model_does(
        seed in any::<u64>(),
        with_directory in any::<bool>(),
        choices in prop::collection::vec(any::<u16>(), 0..1500),
    ) {
        walk(choices, seed, with_directory).map_err(TestCaseError::fail)?;
    }
}

/// Long walks from fixed seeds: both kinds of answers are met often.
#[test]
fn walks_meet_both_answers() {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let (mut n_steps, mut n_done) = (0, 0);
    for seed in 0..60 {
        let choices = (0..1500).map(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 40) as u16
        });
        let (steps, done) = walk(choices.collect(), seed, seed % 2 == 0).expect("no difference");
        n_steps += steps;
        n_done += done;
    }
    assert!(
        n_steps > 3_000 && n_done * 4 > n_steps && n_done * 4 < n_steps * 3,
        "{n_done} of {n_steps}"
    );
}
