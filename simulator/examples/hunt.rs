//! Hunts the planted bugs (feature `planted`) and prints what found each.

fn main() {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    #[cfg(feature = "planted")]
    {
        use loonflow_engine::planted::Bug;
        use loonflow_simulator::selftest::bugs::{Budget, hunt};
        std::panic::set_hook(Box::new(|_| {}));
        let only = std::env::args().nth(2);
        let n_turns = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10);
        for bug in Bug::ALL
            .iter()
            .filter(|bug| only.as_deref().is_none_or(|only| bug.name() == only))
        {
            let hunt = hunt(*bug, Budget { n_turns, seed: 1 }).expect("a hunt");
            let how = hunt.found.map_or("NOT FOUND".to_owned(), |found| {
                format!(
                    "{} {}: {}",
                    found.by,
                    found.invariant,
                    found.found.chars().take(100).collect::<String>()
                )
            });
            writeln!(
                out,
                "{:<24} {:>7} steps {:>6} ms  {how}",
                bug.name(),
                hunt.n_steps,
                hunt.took.as_millis()
            )
            .expect("a line");
        }
    }
    #[cfg(not(feature = "planted"))]
    writeln!(out, "build with --features planted").expect("a line");
}
