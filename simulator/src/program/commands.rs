//! What each subcommand does: reads its inputs, calls the library, tells the result. No rule of its own.
//!
//! A new job: its file here, a variant in `cli::Command`, an arm in [`run()`].

use crate::program::cli::{Command, Verdict};
use crate::program::output::Output;

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
