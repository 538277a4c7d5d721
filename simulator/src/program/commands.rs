//! What each subcommand does: reads its inputs, calls the library, tells the result. No rule of its own.
//!
//! A new job: its file here, a variant in [`Command`], an arm in [`run()`].

use clap::Subcommand;

use crate::program::output::Output;
use crate::program::verdict::Verdict;

pub mod check;
pub mod compare;
pub mod crash;
pub mod export;
pub(crate) mod forecasting;
pub mod fuzz;
pub mod import;
pub mod replay;
pub mod run;
pub mod selftest;
pub mod shadow;
pub mod shrink;

/// The jobs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Walks at random and checks the engine after every step.
    Fuzz(fuzz::FuzzArgs),
    /// Runs a case again and tells its story.
    Replay(replay::ReplayArgs),
    /// Makes a case as small as it gets.
    Shrink(shrink::ShrinkArgs),
    /// Kills the engine everywhere between decision and answer, and looks what is left.
    Crash(crash::CrashArgs),
    /// Prove or refute that definitions are sound.
    Check(check::CheckArgs),
    /// Find mistakes that were put in on purpose.
    Selftest(selftest::SelftestArgs),
    /// Write definitions, logs of tickets, or findings in open formats.
    ///
    /// Definitions (pnml, bpmn, mermaid): one file each; with several definitions `--out` names a folder. Logs (xes,
    /// ocel): of recorded tickets with `--data` or `--log`, else of tickets that are played on the definitions. Findings
    /// (junit): what validation says of the definitions; exit code 1 where it is an error.
    Export(export::ExportArgs),
    /// Read a BPMN 2.0 document as a definition.
    ///
    /// The definition goes to stdout, or to the file named with `--out`; what could not be taken over as it stands is
    /// told by the id of the element, with the way out. Exit code 1: something was lost, or the definition cannot be
    /// published as it is.
    Import(import::ImportArgs),
    /// Do again on a new version what was done on recorded tickets.
    ///
    /// Tells where that comes out differently. Exit code 1: some ticket gets stuck, or something that was done is no
    /// longer allowed. Exit code 2: there are no tickets. Other people or other nodes are told and are no defect: they
    /// may be what the new version is for.
    Shadow(shadow::ShadowArgs),
    /// Forecast how people will fare under load, on the real engine.
    Run(run::Args),
    /// What if: forecast two scenarios on the same draws and say where they differ.
    Compare(compare::Args),
}

/// Carries a job out.
///
/// # Errors
/// A sentence that names the argument or file and the way out; exit code 3.
pub fn run(command: &Command, output: &Output) -> anyhow::Result<Verdict> {
    match command {
        Command::Fuzz(args) => fuzz::run(args, output),
        Command::Replay(args) => replay::run(args, output),
        Command::Shrink(args) => shrink::run(args, output),
        Command::Crash(args) => crash::run(args, output),
        Command::Check(args) => check::run(args, output),
        Command::Selftest(args) => selftest::run(args, output),
        Command::Export(args) => export::run(args, output),
        Command::Import(args) => import::run(args, output),
        Command::Shadow(args) => shadow::run(args, output),
        Command::Run(args) => run::run(args, output),
        Command::Compare(args) => compare::run(args, output),
    }
}
