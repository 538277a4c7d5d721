//! The harness: lives and cuts, and what is found after each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::time::Duration;

use loonflow_storage::{EventLog, SledLog};

use crate::disk::{Syncs, after_cut};
use crate::life::options;
use crate::recording::{self, Event, Kind, WORDS};
use crate::{Random, Shim, number};

/// Set for the process that lives: its folder.
pub(crate) const LIFE: &str = "POWER_LIFE";
/// Its seed.
pub(crate) const SEED: &str = "POWER_LIFE_SEED";
/// Whether its values are of 100 kB.
pub(crate) const BIG: &str = "POWER_LIFE_BIG";

/// Cuts of a run, unless `POWER_CUTS` says otherwise.
const N_CUTS: u64 = 160;
/// Cuts without syncs: enough to fail many times over.
const N_CUTS_WITHOUT_SYNCS: u64 = 24;
/// Cuts in one history of lives.
const N_CUTS_PER_HISTORY: u64 = 40;
const N_LIVES: u64 = 5;

/// What was said before a cut.
#[derive(Default)]
struct Said {
    acks: BTreeSet<String>,
    entries: BTreeSet<String>,
    restored: Vec<(String, u64)>,
}

/// A life as noted, on the disk it began with.
struct Life {
    base: BTreeMap<String, Vec<u8>>,
    events: Vec<Event>,
    /// Said in earlier lives, so it holds whenever this one is cut.
    before: Vec<String>,
}

#[derive(Default)]
struct Tally {
    n_cuts: u64,
    n_bad: u64,
    by_moment: BTreeMap<String, (u64, u64)>,
}

/// Lives and cuts; whether nothing was lost, and the simulation can fail.
pub(crate) fn run(shim: &Shim) -> bool {
    let (n_cuts, seed) = (number("POWER_CUTS", N_CUTS), number("POWER_SEED", 1));
    let mut kept = Tally::default();
    let mut left_out = Tally::default();
    let mut history = 0;
    while kept.n_cuts < n_cuts {
        let mut random = Random(seed * 1_000 + history);
        // Every third history has large values.
        let lives = live(shim, &mut random, seed * 1_000 + history, history % 3 == 2);
        let n = N_CUTS_PER_HISTORY.min(n_cuts - kept.n_cuts);
        cut(&lives, n, Syncs::Kept, &mut random, &mut kept);
        if left_out.n_cuts < N_CUTS_WITHOUT_SYNCS {
            cut(
                &lives,
                N_CUTS_WITHOUT_SYNCS / 2,
                Syncs::LeftOut,
                &mut random,
                &mut left_out,
            );
        }
        history += 1;
    }
    println!("cuts by moment, and how many of them lost something or left a log that does not open:");
    for (moment, (n, n_bad)) in &kept.by_moment {
        println!("  {moment:<16} {n:>5} {n_bad:>4}");
    }
    println!(
        "{} cuts, {} bad; with the syncs left out {} of {}",
        kept.n_cuts, kept.n_bad, left_out.n_bad, left_out.n_cuts
    );
    kept.n_bad == 0 && left_out.n_bad > 0
}

/// A history of lives: some end by themselves, some are killed, and after some the power is cut, so that the next one
/// opens what was left.
fn live(shim: &Shim, random: &mut Random, seed: u64, is_big: bool) -> Vec<Life> {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("disk");
    fs::create_dir(&root).expect("a folder");
    let recording = directory.path().join("recording");
    let mut lives: Vec<Life> = Vec::new();
    let mut life = Life {
        base: BTreeMap::new(),
        events: Vec::new(),
        before: Vec::new(),
    };
    for n in 0..N_LIVES {
        let mut child = shim
            .command(LIFE, &root)
            .env(SEED, (seed * 100 + n).to_string())
            .env(BIG, u8::from(is_big).to_string())
            .env("JOURNAL", &recording)
            .spawn()
            .expect("a life");
        if random.percent(60) {
            std::thread::sleep(Duration::from_millis(20 + random.below(400)));
            // It may have ended by itself.
            let _ = child.kill();
        }
        child.wait().expect("the end of a life");
        let mut events = recording::read(&recording);
        fs::remove_file(&recording).unwrap_or_default();
        let now = events.last().map_or(0, |event| event.ended) + 1;
        let so_far = life.events.len();
        life.events.append(&mut events);
        recording::complete(&mut life.events, &life.base, &root, now);
        for word in words(&life.events[so_far..], u64::MAX) {
            assert!(!word.starts_with("failed"), "history {seed}, life {n}: {word}");
        }
        if random.percent(40) {
            let last = life.events.last().map_or(1, |event| event.ended);
            let first = life.events.get(so_far).map_or(0, |event| event.began);
            let moment = first + random.below(last - first + 1);
            let disk = after_cut(&life.base, &life.events, moment, Syncs::Kept, random);
            put(&disk, &root);
            let mut before = life.before.clone();
            before.extend(words(&life.events, moment));
            let next = Life {
                base: disk,
                events: Vec::new(),
                before,
            };
            lives.push(std::mem::replace(&mut life, next));
        }
    }
    lives.push(life);
    lives.retain(|life| !life.events.is_empty());
    lives
}

/// Lines said before a moment.
fn words(events: &[Event], cut: u64) -> Vec<String> {
    let mut said = Vec::new();
    for event in events.iter().filter(|event| event.ended < cut && event.path == WORDS) {
        if let Kind::Write { bytes, .. } = &event.kind {
            said.extend(String::from_utf8_lossy(bytes).lines().map(str::to_owned));
        }
    }
    said
}

/// What a life does when, by the times at which it begins.
fn moments(life: &Life) -> HashMap<String, Vec<(u64, u64)>> {
    let mut found: HashMap<String, Vec<(u64, u64)>> = HashMap::new();
    let mut current: Option<(String, u64)> = None;
    let end = life.events.last().map_or(0, |event| event.ended);
    for event in life.events.iter().filter(|event| event.path == WORDS) {
        let Kind::Write { bytes, .. } = &event.kind else {
            continue;
        };
        for word in String::from_utf8_lossy(bytes).lines() {
            if let Some(next) = word.strip_prefix("begin ") {
                if let Some((moment, since)) = current.take() {
                    found.entry(moment).or_default().push((since, event.began));
                }
                current = Some((next.to_owned(), event.began));
            }
        }
    }
    if let Some((moment, since)) = current {
        found.entry(moment).or_default().push((since, end));
    }
    found.remove("nothing");
    found
}

fn cut(lives: &[Life], n_cuts: u64, syncs: Syncs, random: &mut Random, tally: &mut Tally) {
    for _ in 0..n_cuts {
        let life = &lives[usize::try_from(random.below(lives.len() as u64)).expect("an index")];
        let moments = moments(life);
        let mut names: Vec<_> = moments.keys().collect();
        names.sort_unstable();
        let Some(&moment) = names.get(usize::try_from(random.below(names.len() as u64)).expect("an index")) else {
            continue;
        };
        let (since, until) = random.pick(&moments[moment]);
        let at = since + random.below(until - since + 1);
        let disk = after_cut(&life.base, &life.events, at, syncs, random);
        let mut said = life.before.clone();
        said.extend(words(&life.events, at));
        let what = look(&disk, &said);
        tally.n_cuts += 1;
        let (n, n_bad) = tally.by_moment.entry(moment.clone()).or_default();
        *n += 1;
        if let Err(what) = what {
            tally.n_bad += 1;
            *n_bad += 1;
            if syncs == Syncs::Kept {
                println!("a cut while {moment}: {what}");
            }
        }
    }
}

fn put(disk: &BTreeMap<String, Vec<u8>>, root: &Path) {
    fs::remove_dir_all(root).expect("removed");
    fs::create_dir_all(root).expect("a folder");
    for (path, bytes) in disk {
        let path = root.join(&path[1..]);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }
}

/// Opens the log on a disk and looks for everything that was acknowledged.
fn look(disk: &BTreeMap<String, Vec<u8>>, words: &[String]) -> Result<(), String> {
    let directory = tempfile::tempdir().expect("a directory");
    put(disk, directory.path());
    let mut said = Said::default();
    for word in words {
        match word.split(' ').collect::<Vec<_>>()[..] {
            ["ack", id] => drop(said.acks.insert(id.to_owned())),
            ["entry", key] => drop(said.entries.insert(key.to_owned())),
            ["restored", name, n] => said.restored.push((name.to_owned(), n.parse().expect("a number"))),
            _ => {}
        }
    }
    let log = open(&directory.path().join("log"))?;
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    let commits = log
        .read_all(0, usize::MAX)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    for commit in &commits {
        for event in &commit.events {
            let text = String::from_utf8_lossy(&event.payload);
            *found
                .entry(text.split('@').nth(1).unwrap_or_default().to_owned())
                .or_default() += 1;
        }
    }
    if let Some((twice, _)) = found.iter().find(|(_, n)| **n > 1) {
        return Err(format!("`{twice}` is there twice"));
    }
    for id in &said.acks {
        if !found.contains_key(id) {
            return Err(format!("`{id}` was acknowledged and is gone"));
        }
    }
    // Entries of commits are there with them and only with them.
    let with = log
        .kv_scan("with", None, usize::MAX)
        .map_err(|error| error.to_string())?;
    let with: BTreeSet<String> = with
        .into_iter()
        .map(|(key, _)| String::from_utf8_lossy(&key).into_owned())
        .collect();
    if with.len() != found.len() || !with.iter().all(|id| found.contains_key(id)) {
        return Err(format!("{} entries beside {} commits", with.len(), found.len()));
    }
    for key in &said.entries {
        let value = log.kv_get("alone", key.as_bytes()).map_err(|error| error.to_string())?;
        if value.is_none_or(|value| value != vec![7; 6_000]) {
            return Err(format!("entry `{key}` was acknowledged and is gone"));
        }
    }
    log.verify().map_err(|error| format!("it is not sound: {error}"))?;
    drop(log);
    // What was believed once is found again.
    let again = open(&directory.path().join("log"))?;
    if again.last_position() != commits.len() as u64 {
        return Err("the second opening finds another log".to_owned());
    }
    for (name, n) in said.restored {
        let restored = open(&directory.path().join(&name))?;
        if restored.last_position() != n {
            return Err(format!("`{name}` was restored and is not whole"));
        }
    }
    Ok(())
}

fn open(path: &Path) -> Result<SledLog, String> {
    SledLog::open(path, options()).map_err(|error| format!("it cannot be opened: {error}"))
}
