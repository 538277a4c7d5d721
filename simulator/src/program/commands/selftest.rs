//! `selftest`: a table of which mistakes put in on purpose are found, and how fast.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::prove::selftest;

/// Looks for mistakes that were put in on purpose, and for alarms where there is none.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// The folder with `defects` and `twins`.
    #[arg(long, default_value = "simulator/selftest")]
    pub folder: PathBuf,
}

pub(crate) fn run(args: &SelftestArgs, output: &Output) -> anyhow::Result<Verdict> {
    let lines = selftest::run(&args.folder)?;
    let (mut n_defects, mut n_found, mut n_alarms) = (0, 0, 0);
    for line in &lines {
        let word = match (&line.expected, line.is_right) {
            (Some(_), true) => "found",
            (Some(_), false) => "MISSED",
            (None, true) => "quiet",
            (None, false) => "ALARM",
        };
        n_defects += usize::from(line.expected.is_some());
        n_found += usize::from(line.expected.is_some() && line.is_right);
        n_alarms += usize::from(line.expected.is_none() && !line.is_right);
        output.line(format!(
            "{word:7} {:9.3} ms  {:60} {:22} {}{}",
            line.took.as_secs_f64() * 1e3,
            line.shown,
            line.expected.as_deref().unwrap_or("-"),
            line.found.join(", "),
            if line.is_played {
                ""
            } else {
                "  (the engine does not go the way that is told)"
            }
        ));
    }
    let slowest = lines.iter().map(|line| line.took).max().unwrap_or_default();
    let n_twins = lines.len() - n_defects;
    output.line(format!(
        "{n_found} of {n_defects} defects found, {n_alarms} alarms on {n_twins} twins, the slowest in {:.3} ms",
        slowest.as_secs_f64() * 1e3
    ));
    let are_all_played = lines.iter().all(|line| line.is_played);
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            json!({
                "file": line.shown, "expected": line.expected, "found": line.found, "is_right": line.is_right,
                "is_played": line.is_played, "ms": line.took.as_secs_f64() * 1e3,
            })
        })
        .collect();
    output.result(&json!({
        "defects": n_defects, "found": n_found, "twins": n_twins, "alarms": n_alarms, "definitions": rows,
    }));
    let is_fine = n_found == n_defects && n_alarms == 0 && are_all_played;
    Ok(if is_fine { Verdict::Fine } else { Verdict::Defect })
}
