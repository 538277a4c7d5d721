//! The program that hunts one bug in a copy of the engine, where `.ci/bugs` put it.
//!
//! Not here: the hunt itself (`hunt::selftest`).

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use loonflow_engine::workflow::WorkflowVersion;

use crate::crash::walk::Setting;
use crate::hunt::selftest::{Ground, Hunt, Switch, hunt};
use crate::program::output::Output;
use crate::world::inputs;

/// Hunts one bug.
#[derive(Debug, Parser)]
struct HuntArgs {
    /// Its name. Without one no bug is on, and nothing may be found.
    name: Option<String>,
    /// Definitions, or folders with `*.json` in them, that every other turn goes over.
    #[arg(long, value_name = "FILE")]
    definitions: Vec<PathBuf>,
    /// Their directory.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Turns: four runs of the fuzz and one walk with crashes.
    #[arg(long, default_value_t = 200)]
    turns: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The program that hunts one bug: a line that says how it was found, and exit code 0 where all is as it should be.
///
/// # Errors
/// Where the arguments name no bug, or files that cannot be used.
pub fn main(switch: Switch) -> anyhow::Result<ExitCode> {
    let args = HuntArgs::parse();
    let ground = ground(&args)?;
    // The engine panics over some bugs; what it says then is no news.
    std::panic::set_hook(Box::new(|_| {}));
    let name = args.name.as_deref();
    let hunt = hunt(name, switch, &ground)?;
    Output::new(false).line(told(&hunt));
    let is_well = match (name, &hunt.found) {
        (Some(_), Some(found)) => found.small.is_told_again,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    Ok(ExitCode::from(u8::from(!is_well)))
}

fn ground(args: &HuntArgs) -> anyhow::Result<Ground> {
    let mut ground = Ground {
        definitions: Vec::new(),
        directory: None,
        setting: None,
        n_turns: args.turns,
        seed: args.seed,
    };
    if args.definitions.is_empty() {
        return Ok(ground);
    }
    let definitions = inputs::definitions(&args.definitions)?;
    let workflows: Vec<Arc<WorkflowVersion>> = definitions
        .iter()
        .map(|one| one.runnable().cloned())
        .collect::<anyhow::Result<_>>()?;
    let (source, directory) = inputs::directory(args.directory.as_deref(), &workflows)?;
    ground.definitions = definitions.iter().map(inputs::Definition::named).collect();
    ground.directory = Some(source);
    ground.setting = Some(Setting { directory, workflows });
    Ok(ground)
}

fn told(hunt: &Hunt) -> String {
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let how = match &hunt.found {
        None => "nothing found".to_owned(),
        Some(found) => {
            let unit = if found.by == "fuzz" { "steps" } else { "rounds" };
            let again = if found.small.is_told_again {
                ""
            } else {
                ", NOT TOLD AGAIN by its case"
            };
            format!(
                "{} by {}, seed {}, {} {unit} in {:.0} ms{again}",
                found.by,
                found.invariant,
                found.seed,
                found.small.n_left,
                ms(found.small.took),
            )
        }
    };
    format!("{:>8} steps {:>8.0} ms  {how}", hunt.n_steps, ms(hunt.took))
}
