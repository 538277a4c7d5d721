//! The lines of an export: their JSON, and the digest that each one ends with.

use std::io::{BufRead, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::{Digest, HEX_LEN};
use crate::error::Error;
use crate::record::{Commit, Expected, NewCommit, Position, StoredEvent, StreamId, StreamVersion};

/// What the header calls the format.
pub(super) const FORMAT: &str = "loonflow-log";
/// The version that is written.
pub(super) const VERSION: u32 = 2;
/// The version that is written where there are files: their bytes are in it too.
pub(super) const VERSION_WITH_FILES: u32 = 3;
/// The version before both, which is still read: its lines carry no digests.
pub(super) const VERSION_WITHOUT_DIGESTS: u32 = 1;
/// Longest line taken: the largest commit in base64 with room for its names.
pub(super) const LINE_BYTES_MAX: u64 = 32 << 20;

/// What stands between a line's content and the digits of its digest.
const BEFORE_DIGEST: &[u8] = b",\"sha256\":\"";
/// What stands behind the digits.
const BEHIND_DIGEST: &[u8] = b"\"}";
/// What is wrong with a line that should carry a digest and does not.
pub(super) const NO_DIGEST: &str = "does not end with its digest: it was changed or cut";

/// One line. The names of the variants are the first thing in a line, which readers of exports rely on.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line.
    Header(Header),
    /// A key-value entry.
    Entry(Entry),
    /// A commit.
    Commit(CommitLine),
    /// The last line.
    End(End),
    /// Bytes of a file, from version 3 on.
    File(FileLine),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLine {
    pub(super) space: String,
    pub(super) digest: String,
    /// Of the whole file.
    pub(super) n_bytes: u64,
    /// Where in the file these bytes stand.
    pub(super) at: u64,
    pub(super) bytes: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    /// Commits up to here are in the exports before; 0 for a whole export.
    #[serde(default)]
    pub(super) after: Position,
    /// Digest of the commit at `after`; there where `after` is not 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<Digest>,
    /// Digest of the whole export before, where the one who exported had it at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) tree: String,
    pub(super) key: Bytes,
    pub(super) value: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitLine {
    pub(super) position: Position,
    stream: String,
    first_version: StreamVersion,
    meta: Bytes,
    events: Vec<EventLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    kind: String,
    schema: u16,
    payload: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) n_entries: u64,
    pub(super) n_commits: u64,
    /// Files in this export; from version 3 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) n_files: Option<u64>,
    /// Position of the last commit, in this export or before it; not in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<Position>,
    /// Digest of that commit; not in version 1, nor where there is no commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<Digest>,
}

/// Bytes that are base64 in a line.
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(&*text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl CommitLine {
    pub(super) fn of(commit: &Commit) -> Self {
        let events = commit.events.iter().map(|event| EventLine {
            kind: (*event.kind).to_owned(),
            schema: event.schema,
            payload: Bytes(event.payload.clone()),
        });
        Self {
            position: commit.position,
            stream: commit.stream.as_str().to_owned(),
            first_version: commit.first_version,
            meta: Bytes(commit.meta.clone()),
            events: events.collect(),
        }
    }

    pub(super) fn into_new(self) -> Option<NewCommit> {
        let stream = StreamId::try_new(self.stream)?;
        let expected = match self.first_version.checked_sub(1)? {
            0 => Expected::NoStream,
            version => Expected::Version(version),
        };
        let events = self.events.into_iter().map(|event| StoredEvent {
            kind: event.kind.into(),
            schema: event.schema,
            payload: event.payload.0,
        });
        Some(NewCommit {
            stream,
            expected,
            meta: self.meta.0,
            events: events.collect(),
            kv: Vec::new(),
        })
    }
}

/// A line's JSON without its closing brace, which its digest is over.
fn content(line: &Line) -> Result<Vec<u8>, Error> {
    let mut text = serde_json::to_vec(line).map_err(|error| Error::invalid(error.to_string()))?;
    text.pop();
    Ok(text)
}

/// Digest of a commit: that of the content of its line, so it is the same in every export.
pub(super) fn commit_digest(commit: &Commit) -> Result<Digest, Error> {
    Ok(Digest::of(&content(&Line::Commit(CommitLine::of(commit)))?))
}

/// Writes lines and carries their digest on.
pub(super) struct LineWriter<'a> {
    out: &'a mut dyn Write,
    /// Digest of everything written.
    pub(super) digest: Digest,
}

impl<'a> LineWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            digest: Digest::START,
        }
    }

    /// Writes one line; gives the digest of its content alone.
    pub(super) fn write(&mut self, line: &Line) -> Result<Digest, Error> {
        let mut text = content(line)?;
        let digest = Digest::of(&text);
        self.digest = self.digest.then(digest);
        text.extend_from_slice(BEFORE_DIGEST);
        text.extend_from_slice(self.digest.to_string().as_bytes());
        text.extend_from_slice(BEHIND_DIGEST);
        text.push(b'\n');
        let written = self.out.write_all(&text);
        written.map_err(|error| Error::io("write the export", &error))?;
        Ok(digest)
    }
}

/// The bytes of a line as they came, its line end left out.
pub(super) struct RawLine {
    text: Vec<u8>,
    /// Whether its line end came; without it the line may be cut.
    has_end: bool,
}

/// A line whose digest, where lines carry one, was checked.
pub(super) struct CheckedLine {
    json: Vec<u8>,
    /// Digest of its content alone.
    pub(super) content: Digest,
    pub(super) n_bytes: usize,
}

impl RawLine {
    /// The next line, `None` at the end of the input.
    pub(super) fn read(input: &mut dyn BufRead) -> Result<Option<Self>, Error> {
        let mut text = Vec::new();
        let n_bytes = input
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut text)
            .map_err(|error| Error::io("read the export", &error))?;
        if n_bytes as u64 == LINE_BYTES_MAX {
            return Err(Error::invalid(format!(
                "a line of the export has more than `{LINE_BYTES_MAX}` bytes"
            )));
        }
        let has_end = text.pop_if(|last| *last == b'\n').is_some();
        Ok((n_bytes > 0).then_some(Self { text, has_end }))
    }

    /// The line without the mark that some tools begin a UTF-8 text with. It says nothing, and no digest is over it.
    ///
    /// # Errors
    /// What is wrong with it, where it is text in another encoding, as shells may write that convert what they redirect.
    pub(super) fn without_mark(mut self) -> Result<Self, &'static str> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        if self.text.starts_with(b"\xff\xfe") || self.text.starts_with(b"\xfe\xff") {
            return Err(
                "is UTF-16: exports are UTF-8, and one that was converted cannot be checked; export to a file anew",
            );
        }
        if self.text.starts_with(BYTE_ORDER_MARK) {
            self.text.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(self)
    }

    /// Whether it ends as lines with a digest do.
    pub(super) fn has_digest(&self) -> bool {
        self.split().is_some()
    }

    fn split(&self) -> Option<(usize, Digest)> {
        let digits_end = self.text.len().checked_sub(BEHIND_DIGEST.len())?;
        let digits = digits_end.checked_sub(HEX_LEN)?;
        let content_end = digits.checked_sub(BEFORE_DIGEST.len())?;
        let is_framed = self.text[content_end..digits] == *BEFORE_DIGEST && self.text[digits_end..] == *BEHIND_DIGEST;
        let digest = Digest::parse(&self.text[digits..digits_end]).filter(|_| is_framed)?;
        Some((content_end, digest))
    }

    /// Takes a line of a version without digests as it is.
    pub(super) fn plain(self) -> CheckedLine {
        CheckedLine {
            content: Digest::of(self.text.strip_suffix(b"}").unwrap_or(&self.text)),
            n_bytes: self.text.len(),
            json: self.text,
        }
    }

    /// Checks the line's digest and carries `chain` on over it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn checked(mut self, chain: &mut Digest) -> Result<CheckedLine, &'static str> {
        if !self.has_end {
            return Err("is cut: its line end is missing");
        }
        let Some((content_end, digest)) = self.split() else {
            return Err(NO_DIGEST);
        };
        let n_bytes = self.text.len();
        self.text.truncate(content_end);
        let content = Digest::of(&self.text);
        let carried_on = chain.then(content);
        if carried_on != digest {
            return Err(
                "does not match its digest: it was changed, or a line before it is missing, doubled or in another place",
            );
        }
        *chain = carried_on;
        self.text.push(b'}');
        Ok(CheckedLine {
            json: self.text,
            content,
            n_bytes,
        })
    }
}

impl CheckedLine {
    /// Takes the line apart.
    ///
    /// # Errors
    /// Where in it something is not understood.
    pub(super) fn parse(&self) -> Result<Line, String> {
        serde_json::from_slice(&self.json).map_err(|error| format!("is not understood: {error}"))
    }

    /// The version that a header names, whatever else it holds; `None` for other lines.
    pub(super) fn version(&self) -> Option<u32> {
        #[derive(Deserialize)]
        struct Probe {
            header: Version,
        }
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let probe: Probe = serde_json::from_slice(&self.json).ok()?;
        Some(probe.header.version)
    }
}

/// Takes an end line apart by itself: what it says, and its digest, which stands for lines that are not seen.
pub(super) fn end(text: &[u8]) -> Option<(End, Option<Digest>)> {
    let raw = RawLine {
        text: text.strip_suffix(b"\n").unwrap_or(text).to_vec(),
        has_end: true,
    };
    let split = raw.split();
    let mut line = raw.plain();
    if let Some((content_end, _)) = split {
        line.json.truncate(content_end);
        line.json.push(b'}');
    }
    match line.parse() {
        Ok(Line::End(end)) => Some((end, split.map(|(_, digest)| digest))),
        Ok(Line::Header(_) | Line::Entry(_) | Line::Commit(_) | Line::File(_)) | Err(_) => None,
    }
}
