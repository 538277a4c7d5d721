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

#[test]
fn a_flipped_byte_anywhere_in_the_file_is_no_silent_loss() {
    let sound = tempfile::tempdir().expect("a directory");
    filled(sound.path());
    let bytes = std::fs::read(sound.path().join("db")).expect("the file");
    let used = bytes.iter().rposition(|&byte| byte != 0).expect("something is in it");
    let mut n_noticed = 0;
    for step in 0..32 {
        let directory = tempfile::tempdir().expect("a directory");
        for entry in std::fs::read_dir(sound.path()).expect("the folder") {
            let entry = entry.expect("an entry");
            if entry.path().is_file() {
                std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("copied");
            }
        }
        let at = used * step / 32;
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(directory.path().join("db"), damaged).expect("written");
        n_noticed += usize::from(check(directory.path(), &format!("byte {at} of {used}")).is_some());
    }
    assert!(n_noticed > 0, "no damage was ever noticed");
}

#[test]
fn a_file_that_lost_its_end_or_all_is_told_from_a_new_one() {
    for keep in [0, 1, 2] {
        let directory = tempfile::tempdir().expect("a directory");
        filled(directory.path());
        let db = directory.path().join("db");
        let bytes = std::fs::read(&db).expect("the file");
        std::fs::write(&db, &bytes[..bytes.len() * keep / 4]).expect("written");
        for snapshot in std::fs::read_dir(directory.path()).expect("the folder") {
            let path = snapshot.expect("an entry").path();
            if path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("snap."))
            {
                std::fs::remove_file(path).expect("removed");
            }
        }
        let error = check(directory.path(), &format!("{keep} quarters")).expect("the loss is told");
        let told = error.to_string();
        assert!(
            told.contains("watermark") || !matches!(error, Error::Corrupt { .. }),
            "{told}"
        );
        // The first opening has not made a sound log of it.
        assert!(check(directory.path(), "again").is_some());
    }
}

#[test]
fn the_operator_can_go_on_with_what_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    filled(directory.path());
    std::fs::remove_file(directory.path().join("db")).expect("removed");
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
        let db = std::fs::read(directory.path().join("db")).expect("read");
        std::fs::remove_file(directory.path().join("db")).expect("removed");
        assert!(check(directory.path(), "no file at all").is_some());
        std::fs::write(directory.path().join("db"), db).expect("written");
    }
}
