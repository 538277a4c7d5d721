//! What the shim has noted: writes, truncations, syncs, renames and removals below a folder, with their times.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One thing done to the disk. Times are nanoseconds of the monotonic clock, before and after the call.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) began: u64,
    pub(crate) ended: u64,
    /// Path below the watched folder, with a leading slash; empty for the folder itself.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { n_bytes: usize },
    Sync,
    Rename { to: String },
    Remove,
}

/// The file of what the life says.
pub(crate) const WORDS: &str = "/words";

/// Reads a recording; its last record may have been cut by the kill.
pub(crate) fn read(path: &Path) -> Vec<Event> {
    let bytes = fs::read(path).unwrap_or_default();
    let mut rest = &bytes[..];
    let mut events = Vec::new();
    while let Some((event, after)) = take(rest) {
        events.push(event);
        rest = after;
    }
    events
}

fn take(bytes: &[u8]) -> Option<(Event, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut rest = &bytes[end + 1..];
    let mut words = head.splitn(6, ' ');
    let kind = words.next()?;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (began, ended, at, n_bytes) = (number()?, number()?, number()?, number()?);
    let path = words.next()?.to_owned();
    let at = usize::try_from(at).ok()?;
    let mut data = || {
        let (data, after) = rest.split_at_checked(usize::try_from(n_bytes).ok()?)?;
        rest = after;
        Some(data.to_vec())
    };
    let kind = match kind {
        "w" => Kind::Write { at, bytes: data()? },
        "r" => Kind::Rename {
            to: String::from_utf8(data()?).ok()?,
        },
        "t" => Kind::Truncate { n_bytes: at },
        "s" => Kind::Sync,
        "u" => Kind::Remove,
        other => panic!("the shim has no record `{other}`"),
    };
    let event = Event {
        began,
        ended,
        path,
        kind,
    };
    Some((event, rest))
}

/// A killed process may have written what it had no time to note: notes it from the files as they are.
pub(crate) fn complete(events: &mut Vec<Event>, base: &BTreeMap<String, Vec<u8>>, root: &Path, now: u64) {
    let mut noted = base.clone();
    for event in events.iter() {
        let file = noted.entry(event.path.clone());
        match &event.kind {
            Kind::Write { at, bytes } => write(file.or_default(), *at, bytes),
            Kind::Truncate { n_bytes } => file.or_default().resize(*n_bytes, 0),
            Kind::Rename { to } => {
                let moved = noted.remove(&event.path).unwrap_or_default();
                noted.insert(to.clone(), moved);
            }
            Kind::Remove => drop(noted.remove(&event.path)),
            Kind::Sync => {}
        }
    }
    for (path, bytes) in files(root) {
        // What was said and not noted has no time; it counts as not said.
        if path == WORDS {
            continue;
        }
        let known = noted.entry(path.clone()).or_default();
        let mut note = |kind| {
            events.push(Event {
                began: now,
                ended: now,
                path: path.clone(),
                kind,
            });
        };
        if bytes.len() < known.len() {
            known.truncate(bytes.len());
            note(Kind::Truncate { n_bytes: bytes.len() });
        }
        for (page, piece) in bytes.chunks(4096).enumerate() {
            let at = page * 4096;
            if known.get(at..at + piece.len()) != Some(piece) {
                note(Kind::Write {
                    at,
                    bytes: piece.to_vec(),
                });
            }
        }
    }
}

/// Puts bytes into a file, which grows where it must.
pub(crate) fn write(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Every file below a folder, by its path with a leading slash.
pub(crate) fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(root).expect("below the root");
            found.insert(format!("/{}", below.display()), fs::read(&path).expect("a file"));
        }
    }
    found
}
