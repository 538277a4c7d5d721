//! Export and import as JSON lines.

use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use loonflow_storage::backup::{BackupReport, export, import};
use loonflow_storage::{Error, EventLog, MemoryLog};

use crate::fixture::{Fixture, commit, event, memory, sled, with_kv};

fn filled() -> Fixture {
    let fixture = sled();
    let log = &fixture.log;
    for version in 0..700 {
        drop(log.append(commit(&format!("s{}", version % 7), version / 7, &["x", "y"][..1])));
    }
    let mut large = commit("large", 0, &[]);
    large.events = vec![event((0..=255).cycle().take(100 << 10).collect())];
    block_on(log.append(with_kv(large, "k", Some(b"\0\xff")))).unwrap();
    log.kv_put("other", b"\xfe", Some(b"")).unwrap();
    fixture
}

fn exported(log: &dyn EventLog) -> (String, BackupReport) {
    let mut out = Vec::new();
    let report = export(log, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), report)
}

fn imported(text: &str) -> (Result<BackupReport, Error>, MemoryLog) {
    let log = MemoryLog::new();
    (import(&log, &mut text.as_bytes()), log)
}

#[test]
fn an_import_gives_the_same_log() {
    let source = filled();
    let (text, report) = exported(&*source.log);
    assert_eq!(
        report,
        BackupReport {
            n_commits: 701,
            n_entries: 2
        }
    );
    for target in [memory(), sled()] {
        // A small buffer, so that lines come in pieces.
        let mut input = BufReader::with_capacity(7, text.as_bytes());
        assert_eq!(import(&*target.log, &mut input), Ok(report));
        assert_eq!(target.log.read_all(0, 1000), source.log.read_all(0, 1000));
        assert_eq!(target.log.kv_get("index", b"k"), Ok(Some(b"\0\xff".to_vec())));
        assert_eq!(target.log.verify(), source.log.verify());
        assert_eq!(exported(&*target.log).0, text);
        assert!(matches!(
            import(&*target.log, &mut text.as_bytes()),
            Err(Error::Invalid { .. })
        ));
    }
}

#[test]
fn a_damaged_export_is_refused() {
    let source = memory();
    block_on(source.log.append(commit("a", 0, &["1"]))).unwrap();
    block_on(source.log.append(commit("a", 1, &["2"]))).unwrap();
    block_on(source.log.append(commit("b", 0, &["3"]))).unwrap();
    let (text, _) = exported(&*source.log);
    let lines: Vec<&str> = text.lines().collect();
    let without = |skip: usize| -> String {
        lines
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != skip)
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    };
    let corrupt = |text: &str, position: Option<u64>| match imported(text).0 {
        Err(Error::Corrupt { position: found, what }) => assert_eq!(found, position, "{what}"),
        other => panic!("{other:?} for {text}"),
    };
    corrupt("", None);
    corrupt(&without(0), None);
    corrupt(&without(1), Some(1));
    corrupt(&without(2), Some(2));
    corrupt(&without(3), None);
    corrupt(&without(4), None);
    corrupt(
        &text.replace("\"position\":2,\"stream\":\"a\"", "\"position\":2,\"stream\":\"b\""),
        Some(2),
    );
    corrupt(&text.replace("\"stream\":\"a\"", "\"stream\":\"\""), None);
    corrupt(&text.replace("\"n_commits\":3", "\"n_commits\":4"), None);
    corrupt(&text[..text.len() / 2], None);
    let newer = text.replace("\"version\":1}", "\"version\":2}");
    assert_eq!(imported(&newer).0, Err(Error::FormatVersion { found: 2, supported: 1 }));
    assert!(imported(&text).0.is_ok());
}

#[test]
fn an_export_runs_beside_appends() {
    let source = filled();
    let log: Arc<dyn EventLog> = Arc::clone(&source.log);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut version = 0;
            while !is_done.load(Ordering::Relaxed) {
                let commit = with_kv(commit("live", version, &["x"]), &format!("live{version}"), Some(b"v"));
                block_on(log.append(commit)).unwrap();
                version += 1;
            }
        });
        for _ in 0..5 {
            let (text, report) = exported(&*source.log);
            let (imported, target) = imported(&text);
            assert_eq!(imported, Ok(report));
            // No entry without its commit.
            let n_live = target
                .head(&crate::fixture::stream("live"))
                .unwrap()
                .map_or(0, |head| head.version);
            let n_entries = target.kv_scan("index", Some(b"live"), usize::MAX).unwrap().len() as u64;
            assert!(n_entries <= n_live, "{n_entries} entries, {n_live} commits");
        }
        is_done.store(true, Ordering::Relaxed);
    });
}
