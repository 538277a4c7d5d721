//! The command line: one variant per job, each carried out by its own file in `commands`.
//!
//! Exit codes: 0 fine, 1 a defect was found, 2 unknown (a bound was met), 3 the call cannot be carried out as it is.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::program::commands;
use crate::program::commands::export::ExportArgs;
use crate::program::commands::fuzz::FuzzArgs;
use crate::program::commands::import::ImportArgs;
use crate::program::commands::replay::ReplayArgs;
use crate::program::commands::shadow::ShadowArgs;
use crate::program::commands::shrink::ShrinkArgs;
use crate::program::output::Output;

/// Finds what is wrong with a workflow, or with the engine, before a person does.
#[derive(Debug, Parser)]
#[command(name = "loonflow-simulate", version, about, long_about = None)]
pub struct Cli {
    /// Answer with one JSON object on stdout instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The jobs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Walks at random and checks the engine after every step.
    Fuzz(FuzzArgs),
    /// Runs a case again and tells its story.
    Replay(ReplayArgs),
    /// Makes a case as small as it gets.
    Shrink(ShrinkArgs),
    /// Kills the engine everywhere between decision and answer, and looks what is left.
    Crash(crate::program::commands::crash::CrashArgs),
    /// Prove or refute that definitions are sound.
    Check(crate::program::commands::check::CheckArgs),
    /// Find mistakes that were put in on purpose.
    Selftest(crate::program::commands::selftest::SelftestArgs),
    /// Write definitions, logs of tickets, or findings in open formats.
    ///
    /// Definitions (pnml, bpmn, mermaid): one file each; with several definitions `--out` names a folder. Logs (xes,
    /// ocel): of recorded tickets with `--data` or `--log`, else of tickets that are played on the definitions. Findings
    /// (junit): what validation says of the definitions; exit code 1 where it is an error.
    Export(ExportArgs),
    /// Read a BPMN 2.0 document as a definition.
    ///
    /// The definition goes to stdout, or to the file named with `--out`; what could not be taken over as it stands is
    /// told by the id of the element, with the way out. Exit code 1: something was lost, or the definition cannot be
    /// published as it is.
    Import(ImportArgs),
    /// Do again on a new version what was done on recorded tickets.
    ///
    /// Tells where that comes out differently. Exit code 1: some ticket gets stuck, or something that was done is no
    /// longer allowed. Exit code 2: there are no tickets. Other people or other nodes are told and are no defect: they
    /// may be what the new version is for.
    Shadow(ShadowArgs),
    /// Forecast how people will fare under load, on the real engine.
    Run(commands::run::Args),
    /// What if: forecast two scenarios on the same draws and say where they differ.
    Compare(commands::compare::Args),
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing is wrong: exit code 0.
    Fine,
    /// Something is wrong: exit code 1.
    Defect,
    /// A bound was met before an answer was found: exit code 2.
    Unknown,
}

impl Verdict {
    /// The process's exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Defect => 1,
            Self::Unknown => 2,
        }
    }

    /// The worse of two: a defect counts more than an unknown, an unknown more than nothing.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Defect, _) | (_, Self::Defect) => Self::Defect,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Fine, Self::Fine) => Self::Fine,
        }
    }
}

/// The call cannot be carried out as it is: bad arguments or files.
const USAGE: u8 = 3;

/// Parses the arguments of the process and carries the job out.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_asked_for = !error.use_stderr();
            // Where stdout is closed nobody is left to tell.
            let _ = error.print();
            return ExitCode::from(if is_asked_for { 0 } else { USAGE });
        }
    };
    let output = Output::new(cli.json);
    match crate::program::commands::run(&cli.command, &output) {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(error) => {
            output.failure(&error);
            ExitCode::from(USAGE)
        }
    }
}
