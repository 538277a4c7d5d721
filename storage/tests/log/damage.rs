//! Damage below the database, in its file: what was durable is there, or opening and `verify` say that it is not.

use std::path::Path;

use futures::executor::block_on;
use loonflow_storage::{Error, EventLog, SledLog};

use crate::fixture::{commit, open, options};

const N_COMMITS: u64 = 60;

/// A log of some segments, closed.
fn filled(directory: &Path) {
    let log = open(directory);
    let payload = "some payload that fills pages ".repeat(100);
    for version in 0..N_COMMITS {
        block_on(log.append(commit("a", version, &[payload.as_str()]))).expect("appended");
    }
    log.close().expect("closed");
}

/// Everything, or an error that calls it damage. `Io`: the database has errors of its own for a damaged file.
fn check(directory: &Path, what: &str) -> Option<Error> {
    let answer = SledLog::open(directory, options()).and_then(|log| {
        let position = log.last_position();
        log.verify().map(|report| (position, report.n_commits))
    });
    match answer {
        Ok(found) => {
            assert_eq!(found, (N_COMMITS, N_COMMITS), "{what} lost commits and nothing said so");
            None
        }
        Err(error @ (Error::Corrupt { .. } | Error::Io { .. })) => Some(error),
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Files of the log that hold what was appended.
fn files(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).expect("the folder").map(|entry| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("a plain name")
    });
    names
        .filter(|name| name == "db" || name.starts_with("journal."))
        .collect()
}

/// A copy of a log with a byte flipped at a share of each of these files.
fn flipped(sound: &Path, names: &[String], (part, parts): (usize, usize)) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for entry in std::fs::read_dir(sound).expect("the folder") {
        let entry = entry.expect("an entry");
        if entry.path().is_file() {
            std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("copied");
        }
    }
    for name in names {
        let path = directory.path().join(name);
        let mut bytes = std::fs::read(&path).expect("the file");
        let used = bytes.iter().rposition(|&byte| byte != 0).expect("something is in it");
        bytes[used * part / parts] ^= 0x10;
        std::fs::write(path, bytes).expect("written");
    }
    directory
}

#[test]
fn a_flipped_byte_anywhere_in_one_file_loses_nothing() {
    let sound = tempfile::tempdir().expect("a directory");
    filled(sound.path());
    let names = files(sound.path());
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        for part in 0..=32 {
            let directory = flipped(sound.path(), std::slice::from_ref(name), (part, 32));
            // Believed as it was closed, damage inside shows when it is read; then all of it is looked at.
            if check(directory.path(), "as it was closed").is_some() {
                assert_eq!(check(directory.path(), &format!("`{name}` at {part}/32")), None);
            }
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_in_both_files_is_no_silent_loss() {
    let sound = tempfile::tempdir().expect("a directory");
    filled(sound.path());
    let names = files(sound.path());
    let mut n_noticed = 0;
    for part in 0..=32 {
        let directory = flipped(sound.path(), &names, (part, 32));
        n_noticed += usize::from(check(directory.path(), &format!("both at {part}/32")).is_some());
    }
    assert!(n_noticed > 0, "no damage was ever noticed");
}

#[test]
fn files_that_lost_their_end_or_all_are_told_from_new_ones() {
    for keep in [0, 1, 2] {
        let directory = tempfile::tempdir().expect("a directory");
        filled(directory.path());
        for name in files(directory.path()) {
            let path = directory.path().join(name);
            let bytes = std::fs::read(&path).expect("the file");
            std::fs::write(&path, &bytes[..bytes.len() * keep / 4]).expect("written");
        }
        check(directory.path(), &format!("{keep} quarters")).expect("the loss is told");
        // The first opening has not made a sound log of it.
        assert!(check(directory.path(), "again").is_some());
    }
}

#[test]
fn the_operator_can_go_on_with_what_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    filled(directory.path());
    std::fs::remove_file(directory.path().join("journal")).expect("removed");
    for name in files(directory.path()) {
        std::fs::remove_file(directory.path().join(name)).expect("removed");
    }
    let error = check(directory.path(), "no file at all").expect("the loss is told");
    let Error::Corrupt { position, what } = error else {
        panic!("{error}")
    };
    assert_eq!(position, Some(1));
    assert!(
        what.contains("ends at position `0`") && what.contains("`60`") && what.contains("restore"),
        "{what}"
    );
    std::fs::remove_file(directory.path().join("watermark")).expect("removed");
    let log = open(directory.path());
    assert_eq!(log.last_position(), 0);
    block_on(log.append(commit("a", 0, &["again"]))).expect("appended");
}

#[test]
fn a_watermark_that_is_torn_or_missing_is_no_alarm() {
    let directory = tempfile::tempdir().expect("a directory");
    filled(directory.path());
    let path = directory.path().join("watermark");
    for bytes in [vec![], vec![7; 5], vec![0xff; 24]] {
        std::fs::write(&path, bytes).expect("written");
        assert_eq!(check(directory.path(), "a bad watermark"), None);
        // And it is a good one again.
        let names = files(directory.path());
        let kept: Vec<_> = names
            .iter()
            .map(|name| std::fs::read(directory.path().join(name)).expect("read"))
            .collect();
        for name in &names {
            std::fs::remove_file(directory.path().join(name)).expect("removed");
        }
        assert!(check(directory.path(), "no file at all").is_some());
        for (name, bytes) in names.iter().zip(kept) {
            std::fs::write(directory.path().join(name), bytes).expect("written");
        }
    }
}
