//! Export and import as JSON lines.

use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use loonflow_storage::backup::{
    BackupReport, Part, Since, export, export_since, export_with_files, import, import_chain, import_chain_with_files,
};
use loonflow_storage::blobs::is_sound;
use loonflow_storage::{BlobStore, Error, EventLog, MemoryBlobs, MemoryLog};

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
    assert_eq!((report.n_commits, report.n_entries, report.position), (701, 2, 701));
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

/// Some tools begin a text with it. It says nothing, so nothing is wrong with the export; in the middle it is a change.
#[test]
fn a_byte_order_mark_is_passed_over_and_another_encoding_is_named() {
    let source = filled();
    let (text, report) = exported(&*source.log);
    let (marked, log) = imported(&format!("\u{feff}{text}"));
    assert_eq!(marked, Ok(report));
    assert_eq!(exported(&log).0, text);
    let (plain, _) = imported(&format!("\u{feff}{}", version_1(&text)));
    assert_eq!(plain, Ok(BackupReport { digest: None, ..report }));
    let second = text.find('\n').unwrap() + 1;
    let (within, _) = imported(&format!("{}\u{feff}{}", &text[..second], &text[second..]));
    assert!(
        matches!(&within, Err(Error::Corrupt { what, .. }) if what.contains("line `2`")),
        "{within:?}"
    );

    let units = |text: &str| std::iter::once(0xfeff).chain(text.encode_utf16()).collect::<Vec<u16>>();
    for bytes in [
        units(&text).into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        units(&text).into_iter().flat_map(u16::to_be_bytes).collect(),
    ] {
        let refused = import(&MemoryLog::new(), &mut &bytes[..]);
        assert!(
            matches!(&refused, Err(Error::Corrupt { what, .. }) if what.contains("UTF-16")),
            "{refused:?}"
        );
    }
}

/// The same export as version 1 wrote it, without digests.
fn version_1(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let (content, _) = line.rsplit_once(",\"sha256\":").unwrap();
        let content = match content.split_once(",\"position\":") {
            Some((end, _)) if content.starts_with("{\"end\"") => format!("{end}}}"),
            _ => content.replace("\"version\":2,\"after\":0", "\"version\":1"),
        };
        format!("{content}}}\n")
    });
    lines.collect()
}

#[test]
fn an_export_of_version_1_is_read() {
    let source = filled();
    let (text, report) = exported(&*source.log);
    let old = version_1(&text);
    assert!(old.starts_with("{\"header\":{\"format\":\"loonflow-log\",\"version\":1}}\n"));
    assert!(old.ends_with("{\"end\":{\"n_entries\":2,\"n_commits\":701}}\n") && !old.contains("sha256"));
    let (imported, target) = imported(&old);
    assert_eq!(imported, Ok(BackupReport { digest: None, ..report }));
    assert_eq!(exported(&target).0, text);
}

#[test]
fn a_damaged_export_of_version_1_is_refused() {
    let source = memory();
    block_on(source.log.append(commit("a", 0, &["1"]))).unwrap();
    block_on(source.log.append(commit("a", 1, &["2"]))).unwrap();
    block_on(source.log.append(commit("b", 0, &["3"]))).unwrap();
    let text = version_1(&exported(&*source.log).0);
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
    corrupt(&text.replace("MQ==", "MQ="), None);
    corrupt(&text.replace("\"version\":1}", "\"version\":2}"), None);
    let newer = text.replace("\"version\":1}", "\"version\":4,\"more\":0}");
    assert_eq!(imported(&newer).0, Err(Error::FormatVersion { found: 4, supported: 3 }));
    assert!(imported(&text).0.is_ok());
}

/// The sentence with which an export is refused.
fn refusal(bytes: &[u8]) -> String {
    match import(&MemoryLog::new(), &mut &bytes[..]) {
        Err(Error::Corrupt { what, .. }) => what,
        other => panic!("{other:?} for {}", String::from_utf8_lossy(bytes)),
    }
}

#[test]
fn every_changed_character_is_refused_by_its_line() {
    let source = memory();
    block_on(source.log.append(with_kv(commit("a", 0, &["1"]), "k", Some(b"v")))).unwrap();
    block_on(source.log.append(commit("b", 0, &["2", "3"]))).unwrap();
    let bytes = exported(&*source.log).0.into_bytes();
    let mut n_line = 1;
    for (at, &byte) in bytes.iter().enumerate() {
        let changes = (0..8).map(|bit| byte ^ (1 << bit)).chain([b' ', b'0', b'"', b'}']);
        for changed in changes.filter(|changed| *changed != byte) {
            let mut damaged = bytes.clone();
            damaged[at] = changed;
            let what = refusal(&damaged);
            // A line end that comes too early leaves a line behind it; else the line itself is named.
            assert!(
                what.starts_with(&format!("line `{n_line}` of the export ")),
                "{at} {changed}: {what}"
            );
        }
        let without = [&bytes[..at], &bytes[at + 1..]].concat();
        let twice = [&bytes[..=at], &bytes[at..]].concat();
        refusal(&without);
        refusal(&twice);
        refusal(&bytes[..at]);
        n_line += usize::from(byte == b'\n');
    }
    assert!(import(&MemoryLog::new(), &mut &bytes[..]).is_ok());
}

#[test]
fn lines_that_are_missing_swapped_doubled_or_added_are_refused() {
    let (text, _) = exported(&*filled().log);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let names = |lines: &[&str], n_line: usize| {
        let what = refusal(lines.concat().as_bytes());
        assert!(what.starts_with(&format!("line `{n_line}` of ")), "{what}");
    };
    for at in [0, 1, 2, 5, 300, lines.len() - 2] {
        names(&[&lines[..at], &lines[at + 1..]].concat(), at + 1);
        names(&[&lines[..=at], &lines[at..]].concat(), at + 2);
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        names(&swapped, at + 1);
    }
    names(&lines[..lines.len() - 1], lines.len());
    names(&[&lines[..], &lines[lines.len() - 1..]].concat(), lines.len() + 1);
    names(&[&lines[..], &["\n"]].concat(), lines.len() + 1);
    // A line of another export fits no better than a changed one.
    let (other, _) = exported(&*memory().log);
    let other: Vec<&str> = other.split_inclusive('\n').collect();
    names(&[&lines[..lines.len() - 1], &other[1..]].concat(), lines.len());
}

/// An import of so many commits in a task of a runtime, where a wait has a budget of 128 steps.
fn import_in_a_task(runtime: &tokio::runtime::Runtime, n_commits: u64) {
    let source = MemoryLog::new();
    for version in 0..n_commits {
        source.append_now(commit("a", version, &["x"])).unwrap();
    }
    let text = exported(&source).0;
    let target = sled();
    let report = runtime.block_on(async { import(&*target.log, &mut text.as_bytes()) });
    assert_eq!(report.map(|report| report.n_commits), Ok(n_commits));
    // The same wait, elsewhere.
    let followed = runtime.block_on(async {
        let mut subscription = target.log.subscribe(0);
        let mut n_seen = 0;
        while n_seen < n_commits {
            n_seen += subscription.next_blocking().unwrap().len() as u64;
        }
        n_seen
    });
    assert_eq!(followed, n_commits);
}

#[test]
fn an_import_of_any_size_ends_inside_a_runtime_too() {
    let many = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for runtime in [many, one] {
        for n_commits in [10, 127, 128, 129, 5_000] {
            import_in_a_task(&runtime, n_commits);
        }
    }
}

#[test]
fn a_follower_that_blocks_ends_inside_a_runtime_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let source = sled();
    let n_seen = runtime.block_on(async {
        let mut subscription = source.log.subscribe(0);
        let mut n_seen = 0;
        for version in 0..300 {
            drop(source.log.append(commit("a", version, &["x"])));
            n_seen += subscription.next_blocking().unwrap().len();
        }
        n_seen
    });
    assert_eq!(n_seen, 300);
}

/// The export of what came after `text`.
fn increment(log: &dyn EventLog, text: &str) -> String {
    let since = Since::end_line(text.lines().last().unwrap().as_bytes()).unwrap();
    let mut out = Vec::new();
    export_since(log, &since, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn imported_chain(parts: &[&str]) -> (Result<BackupReport, Error>, MemoryLog) {
    let log = MemoryLog::new();
    let mut inputs: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let mut parts: Vec<Part<'_>> = (1..)
        .zip(&mut inputs)
        .map(|(n, input)| Part {
            name: format!("part {n}"),
            input,
        })
        .collect();
    (import_chain(&log, &mut parts), log)
}

#[test]
fn a_chain_gives_the_same_log_as_a_whole_export() {
    let source = filled();
    let log = &*source.log;
    let whole = exported(log).0;
    let at_once = increment(log, &whole);
    assert_eq!(at_once.lines().count(), 4, "no commit, but every entry");
    // Entries changed, made and removed, within commits and outside of them.
    block_on(log.append(with_kv(commit("large", 1, &["x"]), "k", None))).unwrap();
    block_on(log.append(with_kv(commit("new", 0, &["y"]), "n", Some(b"1")))).unwrap();
    log.kv_put("other", b"\xfe", Some(b"changed")).unwrap();
    log.kv_put("third", b"3", Some(b"3")).unwrap();
    let second = increment(log, &at_once);
    assert_eq!(second.matches("{\"commit\":{").count(), 2);
    log.kv_put("third", b"3", None).unwrap();
    block_on(log.append(commit("new", 1, &["z"]))).unwrap();
    let third = increment(log, &second);
    let (report, target) = imported_chain(&[&whole, &at_once, &second, &third]);
    let (now, of_whole) = exported(log);
    assert_eq!(exported(&target).0, now);
    let report = report.unwrap();
    assert_eq!(
        (report.n_commits, report.n_entries),
        (of_whole.n_commits, of_whole.n_entries)
    );
    // A part that stands for two, asked for by its position alone.
    let mut out = Vec::new();
    export_since(log, &Since::at(701), &mut out).unwrap();
    let both = String::from_utf8(out).unwrap();
    assert_eq!(exported(&imported_chain(&[&whole, &both]).1).0, now);
    // An old export can be the first.
    assert_eq!(exported(&imported_chain(&[&version_1(&whole), &both]).1).0, now);
    let old_first = increment(log, &version_1(&whole));
    let (report, target) = imported_chain(&[&version_1(&whole), &old_first]);
    assert_eq!((exported(&target).0, report.unwrap().digest), (now, None));
}

#[test]
fn parts_that_do_not_follow_one_another_are_refused() {
    let refused = |parts: &[&str], word: &str| match imported_chain(parts).0 {
        Err(Error::Invalid { what }) => assert!(what.contains(word), "{what}"),
        other => panic!("{other:?}"),
    };
    let source = filled();
    let log = &*source.log;
    let whole = exported(log).0;
    // The same log at a point, from where two go on in different ways.
    let other = imported(&whole).1;
    block_on(log.append(commit("s0", 100, &["here"]))).unwrap();
    block_on(other.append(commit("s0", 100, &["there"]))).unwrap();
    let first = increment(log, &whole);
    block_on(log.append(commit("s0", 101, &["more"]))).unwrap();
    block_on(other.append(commit("s0", 101, &["more"]))).unwrap();
    let second = increment(log, &first);
    let now = exported(log).0;
    assert!(imported_chain(&[&whole, &first, &second]).0.is_ok());
    refused(&[&first], "name the whole export before it");
    refused(&[&whole, &second], "a part is missing");
    refused(&[&whole, &second, &first], "a part is missing");
    refused(&[&whole, &first, &first], "a part is missing");
    refused(&[&whole, &whole], "is a whole export");
    let mut out = Vec::new();
    export_since(&other, &Since::at(702), &mut out).unwrap();
    refused(&[&whole, &first, &String::from_utf8(out).unwrap()], "of two logs");
    // An export that ends at the same commit, with other entries.
    log.kv_put("other", b"late", Some(b"")).unwrap();
    refused(
        &[&exported(log).0, &increment(log, &now)],
        "follows the export with digest",
    );

    let of_first = Since::end_line(first.lines().last().unwrap().as_bytes()).unwrap();
    let asked = |since: &Since| export_since(&other, since, &mut Vec::new()).unwrap_err().to_string();
    assert!(asked(&of_first).contains("is another than the one in the export before"));
    assert!(asked(&Since::at(704)).contains("the log ends at position `703`"));
    assert!(Since::end_line(whole.lines().next().unwrap().as_bytes()).is_err());
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

/// Bytes of files, of one space and two; one of them takes several lines.
fn with_files() -> (MemoryBlobs, Vec<u64>) {
    let (blobs, sizes) = (MemoryBlobs::new(), [0, 5, (2 << 20) + 1]);
    for (n, size) in (0..).zip(sizes) {
        let mut writer = blobs.begin().unwrap();
        writer.write(&vec![n; size]).unwrap();
        writer.keep([n / 2; 16]).unwrap();
    }
    let mut sizes = sizes.map(|size| size as u64).to_vec();
    sizes.sort_unstable();
    (blobs, sizes)
}

#[test]
fn files_are_in_an_export_behind_the_log() {
    let (source, (blobs, sizes)) = (filled(), with_files());
    let mut out = Vec::new();
    let report = export_with_files(&*source.log, Some(&blobs), &Since::default(), &mut out).unwrap();
    assert_eq!((report.n_files, report.n_commits), (3, 701));
    let text = String::from_utf8(out).unwrap();
    let (log, target) = (MemoryLog::new(), MemoryBlobs::new());
    let import = |text: &str, log: &MemoryLog, target: &MemoryBlobs| {
        let name = "the export".to_owned();
        let input = &mut text.as_bytes();
        import_chain_with_files(log, Some(target), &mut [Part { name, input }])
    };
    assert_eq!(import(&text, &log, &target), Ok(report));
    let kept = target.scan(None, usize::MAX).unwrap();
    let mut found: Vec<u64> = kept.iter().map(|blob| blob.n_bytes).collect();
    found.sort_unstable();
    assert_eq!(found, sizes);
    assert!(
        kept.iter()
            .all(|blob| is_sound(&target, &blob.id, blob.n_bytes).unwrap())
    );
    // A log without files is exported as ever.
    let mut out = Vec::new();
    export_with_files(&*source.log, Some(&MemoryBlobs::new()), &Since::default(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), exported(&*source.log).0);
    // What is cut, left out or changed is named. Without digests in the lines, so that it is the file that is looked at.
    let plain: Vec<String> = text
        .lines()
        .map(|line| {
            let content = line.rsplit_once(",\"sha256\":").unwrap().0;
            format!("{content}}}\n").replace("\"version\":3", "\"version\":1")
        })
        .collect();
    let refused = |lines: &[String]| {
        let refused = import(&lines.concat(), &MemoryLog::new(), &MemoryBlobs::new());
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
    };
    assert!(import(&plain.concat(), &MemoryLog::new(), &MemoryBlobs::new()).is_ok());
    let first = plain.iter().position(|line| line.starts_with("{\"file\"")).unwrap();
    for n in first..plain.len() - 1 {
        let mut without = plain.clone();
        without.remove(n);
        refused(&without);
    }
    let mut changed = plain.clone();
    let place = changed.iter().position(|line| line.contains("\"n_bytes\":5,")).unwrap();
    changed[place] = changed[place].replace("AQEBAQE=", "AQEBAQI=");
    assert_ne!(changed, plain);
    refused(&changed);
}
