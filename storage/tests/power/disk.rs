//! The disk as it may be after a cut.

use std::collections::BTreeMap;

use crate::Random;
use crate::recording::{Event, Kind, write};

/// A page of the cache: what the kernel writes as one.
const PAGE_BYTES: usize = 4096;

/// What a run of the harness believes of a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    /// They do what they promise.
    Kept,
    /// They do nothing, as if the log had not called them.
    LeftOut,
}

/// One thing done to a file, whatever its name.
enum Op {
    Write {
        began: u64,
        ended: u64,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        ended: u64,
        n_bytes: usize,
    },
}

/// A file: what it was at the beginning, what was done to it, and until when everything is on the device.
#[derive(Default)]
struct File {
    base: Vec<u8>,
    ops: Vec<Op>,
    synced: u64,
}

/// A change of names.
enum Change {
    Make { path: String, file: usize },
    Rename { from: String, to: String },
    Remove { path: String },
}

/// The files on the device after a cut at a moment, built from what they were and what was noted. What had begun before
/// the cut may be there; what a sync that had ended before it covers, is.
pub(crate) fn after_cut(
    base: &BTreeMap<String, Vec<u8>>,
    events: &[Event],
    cut: u64,
    syncs: Syncs,
    random: &mut Random,
) -> BTreeMap<String, Vec<u8>> {
    let mut files: Vec<File> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (path, bytes) in base {
        names.insert(path.clone(), files.len());
        files.push(File {
            base: bytes.clone(),
            ..File::default()
        });
    }
    let mut on_device = names.clone();
    let mut changes: Vec<Change> = Vec::new();
    let mut n_durable = 0;
    for event in events.iter().take_while(|event| event.began < cut) {
        let path = &event.path;
        let mut file = |names: &mut BTreeMap<String, usize>| {
            *names.entry(path.clone()).or_insert_with(|| {
                files.push(File::default());
                changes.push(Change::Make {
                    path: path.clone(),
                    file: files.len() - 1,
                });
                files.len() - 1
            })
        };
        match &event.kind {
            Kind::Write { at, bytes } => {
                let file = file(&mut names);
                files[file].ops.push(Op::Write {
                    began: event.began,
                    ended: event.ended,
                    at: *at,
                    bytes: bytes.clone(),
                });
            }
            Kind::Truncate { n_bytes } => {
                let file = file(&mut names);
                files[file].ops.push(Op::Truncate {
                    ended: event.ended,
                    n_bytes: *n_bytes,
                });
            }
            Kind::Rename { to } => {
                if let Some(file) = names.remove(path) {
                    names.insert(to.clone(), file);
                }
                changes.push(Change::Rename {
                    from: path.clone(),
                    to: to.clone(),
                });
            }
            Kind::Remove => {
                names.remove(path);
                changes.push(Change::Remove { path: path.clone() });
            }
            Kind::Sync if event.ended >= cut || syncs == Syncs::LeftOut => {}
            Kind::Sync => match names.get(path) {
                Some(&file) => files[file].synced = files[file].synced.max(event.began),
                // A folder: the names in it are on the device.
                None => n_durable = changes.len(),
            },
        }
    }
    let n_changes = n_durable + as_index(random.below((changes.len() - n_durable) as u64 + 1));
    for change in changes.into_iter().take(n_changes) {
        match change {
            Change::Make { path, file } => drop(on_device.insert(path, file)),
            Change::Rename { from, to } => {
                if let Some(file) = on_device.remove(&from) {
                    on_device.insert(to, file);
                }
            }
            Change::Remove { path } => drop(on_device.remove(&path)),
        }
    }
    // Of a hundred pages that were not synced, so many are there.
    let percent = random.pick(&[0, 50, 90, 100]);
    on_device
        .into_iter()
        .map(|(path, file)| (path, bytes_of(&files[file], percent, random)))
        .collect()
}

fn bytes_of(file: &File, percent: u64, random: &mut Random) -> Vec<u8> {
    let mut bytes = file.base.clone();
    for op in &file.ops {
        match op {
            Op::Truncate { ended, n_bytes } => {
                if *ended <= file.synced || random.percent(percent) {
                    bytes.resize(*n_bytes, 0);
                }
            }
            Op::Write {
                began,
                ended,
                at,
                bytes: written,
            } => {
                debug_assert!(began <= ended);
                let is_synced = *ended <= file.synced;
                let mut from = 0;
                while from < written.len() {
                    let to = written.len().min(from + PAGE_BYTES - (at + from) % PAGE_BYTES);
                    if is_synced || random.percent(percent) {
                        write(&mut bytes, at + from, &written[from..to]);
                    }
                    from = to;
                }
            }
        }
    }
    bytes
}

fn as_index(n: u64) -> usize {
    usize::try_from(n).expect("an index")
}
