//! Loss of power, simulated: a process works on a log under a shim that notes its writes and syncs; then the disk is
//! built as it may be after a cut at some moment, the log on it is opened, and everything that had been acknowledged
//! before the cut is looked for.
//!
//! ```text
//! cargo test -p loonflow-storage --test power                          a few hundred cuts
//! POWER_CUTS=2000 POWER_SEED=7 cargo test -p loonflow-storage --test power    more of them, others
//! ```
//! The disk keeps what was synced. Of what was not, it keeps any 4 KiB pages, in any order; names change in order, up
//! to some point after the last sync of their directory. A part of the run leaves the syncs out of account and
//! must find losses: a simulation that cannot fail shows nothing.
//!
//! `faults` has the other half: writes and syncs that fail, once or for ever.
//!
//! Needs a C compiler for the shim, as the workspace does anyway.

#![expect(clippy::print_stdout, reason = "a program whose output is its report")]

mod disk;
mod faults;
mod life;
mod recording;
mod run;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    if let Some(root) = std::env::var_os(run::LIFE) {
        return life::live(root.as_ref());
    }
    if let Some(root) = std::env::var_os(faults::LIFE) {
        return faults::live(root.as_ref());
    }
    // Panics of the database on a damaged file are caught, and would fill pages.
    std::panic::set_hook(Box::new(|panic| {
        let is_ours = panic.location().is_some_and(|at| at.file().contains("tests/power"));
        if is_ours {
            eprintln!("{panic}");
        }
    }));
    let shim = Shim::build();
    let results = [run::run(&shim), faults::run(&shim)];
    let n_failed = results.iter().filter(|is_good| !**is_good).count();
    println!("{} passed, {n_failed} failed", results.len() - n_failed);
    ExitCode::from(u8::from(n_failed > 0))
}

/// A setting of the run.
fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

/// The shim as a library.
struct Shim {
    _directory: tempfile::TempDir,
    library: PathBuf,
}

impl Shim {
    fn build() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let library = directory.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/shim.c");
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-w", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status()
            .expect("a C compiler called `cc`");
        assert!(status.success(), "the shim does not compile");
        Self {
            _directory: directory,
            library,
        }
    }

    /// This program once more, with the shim over everything below a folder.
    fn command(&self, life: &str, root: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .env(life, root)
            .env("LD_PRELOAD", &self.library)
            .env("WATCH", root)
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command
    }
}

/// A small generator (SplitMix64): the same run for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let n = self.below(of.len() as u64);
        of[usize::try_from(n).expect("an index")]
    }

    /// True in so many of a hundred cases.
    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
