//! Files of a ticket (semantics: files): a value names them by id, and the events carry what each is.
//!
//! Here: what a ticket knows of those it has. Not here: which a command may name (`file_rules`), their bytes, who may
//! upload and how much (`runtime::files`).
//!
//! Invariant: a ticket knows every file that any of its events names, also one that is in no field any more; of an
//! erased one it knows that it was there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::account::token::hex;
use crate::id::{FieldKey, FileId};
use crate::ticket::Ticket;
use crate::ticket::event::FieldChange;
use crate::value::Value;
use crate::workflow::{Component, Form};

/// What a file is: everything of it but its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its id, never made from its bytes: whoever has the bytes cannot tell it.
    pub id: FileId,
    /// Its cleaned name.
    pub name: String,
    /// How many bytes it has.
    pub n_bytes: u64,
    /// Its media type, found in the bytes.
    pub media_type: String,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

impl FileInfo {
    /// As values of fields and answers have it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Map(BTreeMap::from([
            ("id".to_owned(), Value::Text(self.id.to_string())),
            ("name".to_owned(), Value::Text(self.name.clone())),
            ("size".to_owned(), Value::Number(self.n_bytes.to_string())),
            ("type".to_owned(), Value::Text(self.media_type.clone())),
            ("sha256".to_owned(), Value::Text(hex(&self.sha256))),
        ]))
    }

    /// Reads what [`to_value`](Self::to_value) wrote; `None` for a value that describes no file whole.
    #[must_use]
    pub fn of_value(value: &Value) -> Option<Self> {
        let Value::Map(entries) = value else { return None };
        let text = |key: &str| entries.get(key).and_then(Value::as_text);
        let Value::Number(n_bytes) = entries.get("size")? else {
            return None;
        };
        let digits = text("sha256")?.as_bytes();
        let mut sha256 = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in sha256.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self {
            id: FileId::parse(text("id")?)?,
            name: text("name")?.to_owned(),
            n_bytes: n_bytes.parse().ok()?,
            media_type: text("type")?.to_owned(),
            sha256,
        })
    }
}

/// A file that a ticket has, or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketFile {
    /// What it is; of an erased one neither name nor digest.
    pub info: FileInfo,
    /// The fields that name it, or did: whoever sees one of them may read it.
    pub fields: BTreeSet<FieldKey>,
    /// Whether an admin had its bytes taken away.
    pub is_erased: bool,
}

/// Drafts of whoever acts: files that they uploaded and that are in no ticket yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drafts(pub BTreeMap<FileId, FileInfo>);

/// Which files a decision may take into a ticket, besides those that are in it.
#[derive(Clone, Copy, Debug, Default)]
pub enum Files<'a> {
    /// None: nobody keeps files here.
    #[default]
    Unkept,
    /// These.
    Drafts(&'a Drafts),
    /// Whatever a value describes whole: for whoever plays a ticket through without files, never for a server.
    AsDescribed,
}

/// The ids that the values of file fields name, for whoever looks drafts up: at most as many as one field may have in
/// each.
#[must_use]
pub fn named_ids(form: &Form, fields: &BTreeMap<FieldKey, Value>) -> BTreeSet<FileId> {
    let of_files = fields
        .iter()
        .filter(|(key, _)| form.component(key).is_some_and(Component::is_file));
    of_files
        .flat_map(|(_, value)| entries(value).into_iter().take(crate::limits::PARTS_MAX))
        .filter_map(|entry| id_of(&entry))
        .collect()
}

/// The descriptors and ids in a value: of a list, of a text parted by commas, or one alone.
pub(crate) fn entries(value: &Value) -> Vec<Value> {
    match value {
        Value::List(items) => items.clone(),
        Value::Text(text) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            // One more than may be: then it is refused.
            parts.take(crate::limits::PARTS_MAX + 1).map(Value::text).collect()
        }
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::Map(_) => vec![value.clone()],
    }
}

pub(crate) fn id_of(entry: &Value) -> Option<FileId> {
    match entry {
        Value::Text(text) => FileId::parse(text),
        Value::Map(entries) => FileId::parse(entries.get("id")?.as_text()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => None,
    }
}

impl Ticket {
    /// Notes the files that changed fields name.
    pub(crate) fn note_files(&mut self, changes: &[FieldChange]) {
        for change in changes {
            for info in entries(&change.to).iter().filter_map(FileInfo::of_value) {
                let file = Arc::make_mut(&mut self.files)
                    .entry(info.id)
                    .or_insert_with(|| TicketFile {
                        info,
                        fields: BTreeSet::new(),
                        is_erased: false,
                    });
                file.fields.insert(change.key.clone());
            }
        }
    }

    /// Forgets what an erased file was, in the fields too.
    pub(crate) fn forget_file(&mut self, id: FileId) {
        let Some(file) = Arc::make_mut(&mut self.files).get_mut(&id) else {
            return;
        };
        file.is_erased = true;
        file.info = FileInfo {
            id,
            name: String::new(),
            n_bytes: file.info.n_bytes,
            media_type: String::new(),
            sha256: [0; 32],
        };
        let keys = file.fields.clone();
        let fields = Arc::make_mut(&mut self.fields);
        for key in &keys {
            if let Some(value) = fields.get_mut(key) {
                *value = masked(value, &|one| one == id);
            }
        }
    }
}

/// A value in which nothing is left of erased files but that they were there.
#[must_use]
pub fn masked(value: &Value, is_erased: &dyn Fn(FileId) -> bool) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(|item| masked(item, is_erased)).collect()),
        Value::Map(_) => match FileInfo::of_value(value).filter(|info| is_erased(info.id)) {
            Some(info) => Value::Map(BTreeMap::from([
                ("id".to_owned(), Value::Text(info.id.to_string())),
                ("erased".to_owned(), Value::Bool(true)),
            ])),
            None => value.clone(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => value.clone(),
    }
}
