//! Writes and syncs that fail: with EIO or ENOSPC, at each call in turn, once or for ever.
//!
//! What is asked: nothing that was acknowledged is lost, nothing that was refused is there, every answer to a reader is
//! right or an error, the log says of itself how it is, and it takes appends again by itself once the fault has passed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use loonflow_storage::{Error, EventLog, Expected, Head, LogStatus, SledLog, StreamId};

use crate::life::{Mouth, commit, options};
use crate::{Shim, number};

/// Set for the process that meets the faults: its folder.
pub(crate) const LIFE: &str = "POWER_FAULTS";
const PASSES: &str = "POWER_FAULTS_PASS";

/// How long a log may need to come back: a few of its tries.
const BACK_WITHIN: Duration = Duration::from_secs(8);
const N_COMMITS: u64 = 30;

/// The process: appends, says what it was answered, and reads everything back after each failure.
pub(crate) fn live(root: &Path) -> ExitCode {
    let passes = number(PASSES, 0) == 1;
    // Beside the folder that fails.
    let mouth = Mouth::open(&root.with_file_name("words"));
    let log = match SledLog::open(root.join("log"), options()) {
        Ok(log) => log,
        Err(error) => {
            mouth.say(&format!("failed {error}"));
            return ExitCode::SUCCESS;
        }
    };
    let stream = StreamId::new("a");
    let mut head: Option<Head> = None;
    let mut acknowledged = Vec::new();
    for n in 0..N_COMMITS {
        let id = n.to_string();
        let expected = head.map_or(Expected::NoStream, |head| Expected::Version(head.version));
        match block_on(log.append(commit(&stream, expected, &id, 3_000))) {
            Ok(new) => {
                mouth.say(&format!("ack {id}"));
                acknowledged.push(id);
                head = Some(new);
            }
            Err(Error::Uncertain { .. }) => {
                mouth.say(&format!("uncertain {id}"));
                // What the log holds is the truth, once it can be asked.
                let deadline = Instant::now() + if passes { BACK_WITHIN } else { Duration::ZERO };
                while !matches!(log.status(), LogStatus::Open) && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(10));
                }
                if let Ok(found) = log.head(&stream) {
                    head = found;
                }
            }
            Err(_) => {
                mouth.say(&format!("refused {id}"));
                std::thread::sleep(Duration::from_millis(30));
            }
        }
        if let Ok(commits) = log.read_stream(&stream, 0) {
            let found: Vec<_> = commits
                .iter()
                .filter_map(|commit| id_of(&commit.events[0].payload))
                .collect();
            if let Some(gone) = acknowledged.iter().find(|id| !found.contains(id)) {
                mouth.say(&format!("wrong `{gone}` was acknowledged and is not read"));
            }
        }
    }
    let deadline = Instant::now() + BACK_WITHIN;
    let mut last = append_last(&log, &stream);
    while passes && last.is_err() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        last = append_last(&log, &stream);
    }
    match (last, log.status()) {
        (Ok(()), LogStatus::Open) => mouth.say("ack last"),
        (Ok(()), status) => mouth.say(&format!("wrong appends are taken and the log says {status:?}")),
        (Err(error), LogStatus::Open) => mouth.say(&format!("wrong the log says it is open and answers: {error}")),
        (Err(error), _) if passes => mouth.say(&format!("wrong the log is not back: {error}")),
        (Err(_), _) => {}
    }
    ExitCode::SUCCESS
}

fn append_last(log: &SledLog, stream: &StreamId) -> Result<(), Error> {
    let head = log.head(stream)?;
    let expected = head.map_or(Expected::NoStream, |head| Expected::Version(head.version));
    block_on(log.append(commit(stream, expected, "last", 10))).map(drop)
}

fn id_of(payload: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(payload);
    text.split('@').nth(1).map(str::to_owned)
}

/// Every fault at every call in turn; whether nothing was wrong.
pub(crate) fn run(shim: &Shim) -> bool {
    let every = number("POWER_FAULTS_EVERY", 7);
    let (mut n_runs, mut n_bad, mut n_acks) = (0, 0, 0);
    for on in ["write", "sync"] {
        for errno in ["5", "28"] {
            for passes in [true, false] {
                for call in (1..=70).step_by(usize::try_from(every).expect("a step")) {
                    n_runs += 1;
                    match meet(shim, on, errno, passes, call) {
                        Ok(n) => n_acks += n,
                        Err(what) => {
                            n_bad += 1;
                            let times = if passes { "once" } else { "for ever" };
                            println!("errno {errno} on {on} {call}, {times}: {what}");
                        }
                    }
                }
            }
        }
    }
    println!("{n_runs} runs with a failing write or sync, {n_acks} commits acknowledged, {n_bad} runs bad");
    n_bad == 0 && n_acks > n_runs
}

fn meet(shim: &Shim, on: &str, errno: &str, passes: bool, call: u64) -> Result<usize, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("disk");
    fs::create_dir(&root).expect("a folder");
    let mut command = shim.command(LIFE, &root);
    command
        .env(PASSES, u8::from(passes).to_string())
        .env("EIO_ON", on)
        .env("EIO_ERRNO", errno)
        .env("EIO_AFTER", call.to_string());
    if passes {
        command.env("EIO_TIMES", "1");
    }
    let status = command.status().expect("a life");
    let said = fs::read_to_string(root.with_file_name("words")).unwrap_or_default();
    let of = |kind: &str| -> BTreeSet<String> {
        let words = said.lines().filter_map(|line| line.strip_prefix(kind));
        words.map(|word| word.trim_start().to_owned()).collect()
    };
    if let Some(wrong) = of("wrong").into_iter().next() {
        return Err(wrong);
    }
    if !status.success() {
        return Err(format!("the process ended with {status}"));
    }
    let log = SledLog::open(root.join("log"), options()).map_err(|error| format!("it cannot be opened: {error}"))?;
    let commits = log.read_all(0, usize::MAX).map_err(|error| error.to_string())?;
    let found: BTreeSet<_> = commits
        .iter()
        .filter_map(|commit| id_of(&commit.events[0].payload))
        .collect();
    let acks = of("ack");
    if let Some(gone) = acks.difference(&found).next() {
        return Err(format!("`{gone}` was acknowledged and is gone"));
    }
    if let Some(there) = of("refused").intersection(&found).next() {
        return Err(format!("`{there}` was refused and is there"));
    }
    log.verify().map_err(|error| format!("it is not sound: {error}"))?;
    Ok(acks.len())
}
