//! Compares `check` and the exported nets with an independent oracle, PM4Py, which runs as a program of its own.
//!
//! ```text
//! cargo run --release --example oracle -- soundness --python target/oracle/bin/python --count 2000
//! cargo run --release --example oracle -- replay --python target/oracle/bin/python --count 200
//! ```
//!
//! `soundness`: random definitions, sound and unsound alike, as PNML; woflan's verdicts must be `check`'s wherever it
//! decides. `replay`: tickets that the engine played must fit the nets of their definitions in token replay, and with one
//! event changed to one that could not happen there they must not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::{Parser, ValueEnum};
use loonflow_engine::id::EdgeId;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::formats::export::pnml::pnml;
use loonflow_simulator::program::output::Output;
use loonflow_simulator::prove::check::{Options, check, impossible_edges, markings};
use loonflow_simulator::prove::net::{Net, NotPlain, net};
use loonflow_simulator::world::directory_from;
use loonflow_simulator::world::inputs;
use serde_json::Value as Json;

mod play;

use loonflow_simulator::hunt::generate::nets::{self, Dice, Style};

/// Findings that are about the order of steps alone, which is all that a net without data says. Edges whose conditions
/// never hold are not in the net, but what lies behind them is.
const ABOUT_ORDER: [&str; 4] = ["stuck", "livelock", "dead_node", "dead_edge"];

#[derive(Debug, Parser)]
struct Arguments {
    /// What to compare.
    #[arg(value_enum)]
    what: What,
    /// A Python that has PM4Py.
    #[arg(long)]
    python: PathBuf,
    /// Definitions.
    #[arg(long, default_value_t = 200)]
    count: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Transitions of the smallest net that is asked about.
    #[arg(long, default_value_t = 6)]
    least: usize,
    /// Transitions of the largest: woflan takes seconds for more.
    #[arg(long, default_value_t = 19)]
    most: usize,
    /// Processes of the oracle.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Where nets and traces are put; emptied of them first.
    #[arg(long, default_value = "target/oracle-nets")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Verdicts of soundness.
    Soundness,
    /// Traces against nets.
    Replay,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.out).context("the folder for nets cannot be made")?;
    for entry in std::fs::read_dir(&arguments.out)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "pnml" || extension == "json")
        {
            std::fs::remove_file(path)?;
        }
    }
    match arguments.what {
        What::Soundness => soundness(&arguments),
        What::Replay => replay(&arguments),
    }
}

fn style_of(seed: u64) -> Style {
    Style {
        is_plain: true,
        is_wide: false,
        n_blocks: 4 + seed as usize % 9,
        n_changes: seed as usize % 10,
    }
}

fn soundness(arguments: &Arguments) -> anyhow::Result<()> {
    let source = nets::directory();
    let directory = directory_from(&source).map_err(anyhow::Error::msg)?;
    let options = Options {
        absent: 0,
        ..Options::default()
    };
    let mut ours: BTreeMap<String, (bool, Json)> = BTreeMap::new();
    let (mut seed, mut n_not_plain) = (arguments.seed, 0);
    while (ours.len() as u64) < arguments.count {
        let (definition, version) = nets::loadable(seed, style_of(seed));
        seed += 1;
        let version = Arc::new(version);
        let Ok(net) = net(&version, &impossible_edges(&version, &directory)) else {
            n_not_plain += 1;
            continue;
        };
        if !(arguments.least..=arguments.most).contains(&net.transitions.len()) {
            continue;
        }
        let report = check(&version, &directory, &source, &options);
        ensure!(report.bounds.is_empty(), "a bound was met: {:?}", report.bounds);
        let is_sound = !report
            .findings
            .iter()
            .any(|finding| ABOUT_ORDER.contains(&finding.code));
        let name = format!("net_{seed:06}.pnml");
        std::fs::write(arguments.out.join(&name), pnml(&net, &name))?;
        ours.insert(name, (is_sound, definition));
    }
    let jobs = arguments.jobs.to_string();
    let answer = ask(arguments, "pm4py_soundness.py", &["--jobs", &jobs])?;
    let mut differing = Vec::new();
    let (mut n_sound, mut n_unsound, mut n_undecided) = (0, 0, 0);
    for (name, (is_sound, definition)) in &ours {
        match answer["verdicts"][name].as_bool() {
            None => n_undecided += 1,
            Some(verdict) if verdict != *is_sound => {
                differing.push(format!("{name}: check {is_sound}, oracle {verdict}\n{definition}"))
            }
            Some(true) => n_sound += 1,
            Some(false) => n_unsound += 1,
        }
    }
    Output::new(false).line(format!(
        "{} nets ({n_not_plain} definitions were no plain nets): {n_sound} sound and {n_unsound} unsound by both, \
         {n_undecided} undecided by the oracle, {} verdicts differ",
        ours.len(),
        differing.len()
    ));
    ensure!(differing.is_empty(), "{}", differing.join("\n"));
    ensure!(
        n_undecided * 20 <= ours.len(),
        "the oracle left too many undecided: {}",
        answer["undecided"]
    );
    ensure!(n_sound > 0 && n_unsound > 0, "only one verdict came up");
    Ok(())
}

fn ask(arguments: &Arguments, script: &str, more: &[&str]) -> anyhow::Result<Json> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/oracle")
        .join(script);
    let answer = Command::new(&arguments.python)
        .arg(&script)
        .arg(&arguments.out)
        .args(more)
        .output()
        .with_context(|| format!("`{}` cannot be run", arguments.python.display()))?;
    if !answer.status.success() {
        bail!("the oracle failed: {}", String::from_utf8_lossy(&answer.stderr));
    }
    serde_json::from_slice(&answer.stdout).context("the oracle's answer is no JSON")
}

/// The net without edges that leave a fork early, and these; nothing where it is no plain net even so.
fn net_without_cancelling(version: &WorkflowVersion) -> Option<(Net, BTreeSet<EdgeId>)> {
    let mut left_out = BTreeSet::new();
    loop {
        match net(version, &left_out) {
            Ok(net) => return Some((net, left_out)),
            // A split takes its edges all at once: there is no leaving one out.
            Err(NotPlain::Cancelling(edge)) if left_out.contains(&edge) => return None,
            Err(NotPlain::Cancelling(edge)) => {
                left_out.insert(edge);
            }
            Err(NotPlain::Inclusive(_) | NotPlain::TooLarge) => return None,
        };
    }
}

fn replay(arguments: &Arguments) -> anyhow::Result<()> {
    let random_directory = directory_from(&nets::directory()).map_err(anyhow::Error::msg)?;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures");
    let (_, acme) = inputs::directory(Some(&fixtures.join("directory/acme.json")), &[])?;
    let mut all = Vec::new();
    for definition in inputs::definitions(&[fixtures.join("workflows")])? {
        all.push((Arc::clone(definition.runnable()?), acme.clone()));
    }
    for seed in arguments.seed..arguments.seed + arguments.count {
        let (_, version) = nets::loadable(seed, style_of(seed));
        all.push((Arc::new(version), random_directory.clone()));
        // With data, timers, hooks and edges that leave forks as well.
        let style = Style {
            is_plain: false,
            ..style_of(seed)
        };
        let source = nets::with_people(nets::loadable(seed, style).0);
        let version = WorkflowVersion::load(&source).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        all.push((Arc::new(version), random_directory.clone()));
    }
    let mut dice = Dice(arguments.seed);
    // Which of the traces of a file are as they were played.
    let mut expected: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    let mut n_not_plain = 0;
    for (idx, (version, directory)) in all.iter().enumerate() {
        let Some((net, left_out)) = net_without_cancelling(version) else {
            n_not_plain += 1;
            continue;
        };
        // More would take long, and there are others.
        let Some(kinds) = markings(version, directory, 5_000, false) else {
            continue;
        };
        let mut traces = Vec::new();
        let mut are_played = Vec::new();
        for _ in 0..5 {
            let Some(events) = play::to_the_end(version, directory, &left_out, &kinds, &mut dice) else {
                continue;
            };
            let trace = loonflow_simulator::prove::net::trace::trace(&net, &events).map_err(anyhow::Error::msg)?;
            let changed = play::with_one_changed(&net, &trace, &mut dice);
            traces.push(trace);
            are_played.push(true);
            if let Some(changed) = changed {
                traces.push(changed);
                are_played.push(false);
            }
        }
        if traces.is_empty() {
            continue;
        }
        let name = format!("net_{idx:06}");
        std::fs::write(arguments.out.join(format!("{name}.pnml")), pnml(&net, &name))?;
        std::fs::write(
            arguments.out.join(format!("{name}.traces.json")),
            serde_json::to_string(&traces)?,
        )?;
        expected.insert(format!("{name}.pnml"), are_played);
    }
    let answer = ask(arguments, "pm4py_replay.py", &[])?;
    let (mut n_played, mut n_fit, mut n_changed, mut n_changed_fit) = (0, 0, 0, 0);
    for (name, are_played) in &expected {
        for (idx, is_played) in are_played.iter().enumerate() {
            let fits = answer[name][idx]
                .as_bool()
                .with_context(|| format!("no answer for {name}, trace {idx}"))?;
            *(if *is_played { &mut n_played } else { &mut n_changed }) += 1;
            *(if *is_played { &mut n_fit } else { &mut n_changed_fit }) += usize::from(fits);
        }
    }
    Output::new(false).line(format!(
        "{} nets ({n_not_plain} definitions were no plain nets): {n_fit} of {n_played} played traces fit, \
         {n_changed_fit} of {n_changed} with one event changed",
        expected.len()
    ));
    ensure!(
        n_played > 0 && n_fit == n_played,
        "a trace that was played does not fit"
    );
    ensure!(n_changed > 0 && n_changed_fit * 100 <= n_changed, "changed traces fit");
    Ok(())
}
