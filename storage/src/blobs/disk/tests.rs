//! The power is cut, and the process killed, before and after every call to the file system. The model keeps what was
//! synced and nothing else, or, at its most spiteful, every name and only those bytes that were synced.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::super::files::Found;
use super::super::{MemoryBlobs, is_sound};
use super::*;

const SPACE: [u8; SPACE_BYTES] = [7; SPACE_BYTES];
const OTHER: [u8; SPACE_BYTES] = [9; SPACE_BYTES];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// A killed process: what it wrote is there.
    Kill,
    /// Names and bytes that were not synced are gone.
    Power,
    /// Names are there that were not synced, with bytes that were not.
    SpitefulPower,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Directory,
    File(usize),
}

#[derive(Debug, Default)]
struct Model {
    names: BTreeMap<PathBuf, Entry>,
    synced_names: BTreeMap<PathBuf, Entry>,
    /// Bytes of each file, and how many of them are on the device.
    bytes: Vec<(Vec<u8>, usize)>,
    /// Calls that are still carried out.
    n_left: usize,
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Model>>);

impl Disk {
    fn with<T>(&self, act: impl FnOnce(&mut Model) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn call<T>(&self, act: impl FnOnce(&mut Model) -> io::Result<T>) -> io::Result<T> {
        self.with(|model| {
            model.n_left = model.n_left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
            act(model)
        })
    }

    fn cut(&self, how: Cut) {
        self.with(|model| {
            model.n_left = usize::MAX;
            if how == Cut::Power {
                // A name whose directory has none is gone with it.
                let names = model.synced_names.clone();
                let is_reached = |path: &Path| {
                    let mut above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
                    above.all(|above| names.get(above) == Some(&Entry::Directory))
                };
                let kept = names.iter().filter(|(path, _)| is_reached(path));
                model.names = kept.map(|(path, entry)| (path.clone(), entry.clone())).collect();
            }
            if how != Cut::Kill {
                for (bytes, n_synced) in &mut model.bytes {
                    bytes.truncate(*n_synced);
                }
            }
            model.synced_names = model.names.clone();
        });
    }
}

struct ModelFile(Disk, usize);

impl Written for ModelFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.call(|model| {
            model.bytes[self.1].0.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.call(|model| {
            let (bytes, n_synced) = &mut model.bytes[self.1];
            *n_synced = bytes.len();
            Ok(())
        })
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Files for Disk {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|model| {
            model.names.insert(path.to_owned(), Entry::Directory);
            Ok(())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Written>> {
        let n = self.call(|model| {
            model.bytes.push((Vec::new(), 0));
            let n = model.bytes.len() - 1;
            match model.names.insert(path.to_owned(), Entry::File(n)) {
                None => Ok(n),
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            }
        })?;
        Ok(Box::new(ModelFile(self.clone(), n)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|model| {
            let file = model.names.remove(from).ok_or_else(not_found)?;
            model.names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|model| {
            model.synced_names.retain(|name, _| name.parent() != Some(path));
            let within = model.names.iter().filter(|(name, _)| name.parent() == Some(path));
            let within: Vec<_> = within.map(|(name, entry)| (name.clone(), entry.clone())).collect();
            model.synced_names.extend(within);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|model| model.names.remove(path).map(drop).ok_or_else(not_found))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.call(|model| match model.names.get(path) {
            Some(Entry::File(n)) => Ok(Box::new(Cursor::new(model.bytes[*n].0.clone())) as Box<dyn Read + Send>),
            Some(Entry::Directory) | None => Err(not_found()),
        })
    }

    fn find(&self, path: &Path) -> io::Result<Found> {
        self.call(|model| match model.names.get(path) {
            Some(Entry::File(n)) => Ok(Found {
                n_bytes: model.bytes[*n].0.len() as u64,
                changed_at: SystemTime::UNIX_EPOCH,
            }),
            Some(Entry::Directory) | None => Err(not_found()),
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.call(|model| {
            let within = model.names.keys().filter(|name| name.parent() == Some(path));
            let names = within.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned()));
            Ok(names.collect())
        })
    }
}

/// A disk on which the directory of the data is.
fn disk() -> Disk {
    let disk = Disk::default();
    disk.with(|model| {
        model.names.insert("data".into(), Entry::Directory);
        model.synced_names.insert("data".into(), Entry::Directory);
        model.n_left = usize::MAX;
    });
    disk
}

fn opened(disk: &Disk) -> Result<DiskBlobs, Error> {
    DiskBlobs::open_in(Arc::new(disk.clone()), "data/files".into())
}

fn put(store: &dyn BlobStore, space: [u8; SPACE_BYTES], parts: &[&[u8]]) -> Result<(BlobId, u64), Error> {
    let mut writer = store.begin()?;
    for part in parts {
        writer.write(part)?;
    }
    writer.keep(space).map(|kept| (kept.id, kept.n_bytes))
}

/// Everything that stands in the store is what its name says.
fn check(disk: &Disk, answered: &[(BlobId, u64)], when: &str) {
    let store = opened(disk).expect(when);
    let found = store.scan(None, usize::MAX).expect(when);
    for blob in &found {
        assert!(
            is_sound(&store, &blob.id, blob.n_bytes).expect(when),
            "{when}: {blob:?}"
        );
    }
    for (id, n_bytes) in answered {
        assert!(is_sound(&store, id, *n_bytes).expect(when), "{when}: lost {id:?}");
    }
    assert!(
        disk.list(Path::new("data/files/incoming")).expect(when).is_empty(),
        "{when}: what was begun stays"
    );
}

#[test]
fn what_was_answered_survives_a_cut_at_every_call() {
    for how in [Cut::Kill, Cut::Power, Cut::SpitefulPower] {
        // The same bytes twice, since the second finds the first in its place; and others.
        let mut n_calls = 0;
        loop {
            let disk = disk();
            disk.with(|model| model.n_left = n_calls);
            let mut answered = Vec::new();
            let mut life = || -> Result<(), Error> {
                let store = opened(&disk)?;
                for (space, parts) in [
                    (SPACE, &[&b"one"[..], b" and more"][..]),
                    (SPACE, &[b"one and more"]),
                    (OTHER, &[b"two"]),
                ] {
                    answered.push(put(&store, space, parts)?);
                }
                Ok(())
            };
            let is_through = life().is_ok();
            disk.cut(how);
            let when = format!("{how:?} after {n_calls} calls");
            check(&disk, &answered, &when);
            // Whoever comes next finds half of it and finishes: what they are told holds as well.
            let store = opened(&disk).expect(&when);
            let again = put(&store, SPACE, &[b"one and more"]).expect(&when);
            disk.cut(Cut::Power);
            check(&disk, &[again], &format!("{when}, and another"));
            if is_through {
                break;
            }
            n_calls += 1;
        }
        assert!(n_calls > 20, "{how:?} was cut {n_calls} times");
    }
}

/// The name of a file that a killed process put there was not on the device yet: whoever puts the same bytes there again
/// syncs it all the same.
#[test]
fn bytes_that_are_there_already_are_synced_all_the_same() {
    for n_calls in 0..40 {
        let disk = disk();
        disk.with(|model| model.n_left = n_calls);
        let first = opened(&disk).and_then(|store| put(&store, SPACE, &[b"same"]));
        disk.with(|model| model.n_left = usize::MAX);
        let second = put(&opened(&disk).expect("opens"), SPACE, &[b"same"]).expect("is kept");
        disk.cut(Cut::Power);
        check(&disk, &[second], &format!("after {n_calls} calls, {first:?}"));
    }
}

#[test]
fn both_stores_keep_the_same() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let on_disk = DiskBlobs::open(folder.path().join("files")).expect("opens");
    let in_memory = MemoryBlobs::new();
    let mut told: Vec<Vec<String>> = Vec::new();
    for store in [&on_disk as &dyn BlobStore, &in_memory] {
        let mut lines = Vec::new();
        let (one, n_bytes) = put(store, SPACE, &[b"a", b"", b"bc"]).expect("is kept");
        assert_eq!((n_bytes, store.n_bytes(&one)), (3, Ok(Some(3))));
        assert_eq!(put(store, SPACE, &[b"abc"]).expect("is kept").0, one);
        let (two, _) = put(store, OTHER, &[b"abc"]).expect("is kept");
        assert_ne!(one, two, "spaces share nothing");
        let (none, _) = put(store, SPACE, &[]).expect("is kept");
        for n in 0..20_u8 {
            put(store, OTHER, &[&[n]]).expect("is kept");
        }
        assert!(is_sound(store, &one, 3).expect("is read") && !is_sound(store, &one, 4).expect("is read"));
        drop(store.begin().expect("begins"));
        let mut after = None;
        loop {
            let bite = store.scan(after.as_ref(), 3).expect("is listed");
            let Some(last) = bite.last() else { break };
            after = Some(last.id);
            lines.extend(bite.iter().map(|blob| format!("{:?} {}", blob.id, blob.n_bytes)));
        }
        assert_eq!(lines.len(), 23);
        assert!(store.remove(&none).expect("goes") && !store.remove(&none).expect("is gone"));
        assert_eq!(store.n_bytes(&none), Ok(None));
        assert!(store.open(&none).expect("is looked for").is_none());
        told.push(lines);
    }
    assert_eq!(told[0], told[1]);
    let reopened = DiskBlobs::open(folder.path().join("files")).expect("opens again");
    assert_eq!(reopened.scan(None, 100).expect("is listed").len(), 22);
}
