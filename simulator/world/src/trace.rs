//! The hash of a run: every step and what became of it goes in, so two runs that differ anywhere differ here.
//!
//! Fed are bytes that do not depend on the machine, the build or the number of threads: texts with their lengths,
//! numbers in a fixed form, events as `codec` stores them.

use loonflow_engine::codec;
use loonflow_engine::id::{EdgeId, NodeId, UserId};
use loonflow_engine::ticket::Event;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::case::{CaseStep, Fields};

/// Bytes that are hashed at once.
const HASHED_AT_ONCE: usize = 8 << 10;

/// SHA-256 over a run's steps and outcomes.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: Sha256,
    /// Bytes not hashed yet: many blocks at once are hashed faster than one after the other.
    bytes: Vec<u8>,
}

impl Trace {
    /// Takes in a step whose outcome follows.
    pub fn step(&mut self, step: &CaseStep) {
        feed_step(&mut self.bytes, step);
    }

    /// Takes in that the last step was carried out, and its events.
    pub fn done(&mut self, events: &[Event]) {
        self.bytes.push(b'+');
        codec::encode_into(&events, &mut self.bytes);
        self.flush();
    }

    /// Takes in that the last step was turned down, and why.
    pub fn refused(&mut self, code: &str) {
        self.bytes.push(b'-');
        feed(&mut self.bytes, code);
        self.flush();
    }

    /// Takes in that the last step was not one on a ticket.
    pub fn nothing(&mut self) {
        self.bytes.push(b'.');
        self.flush();
    }

    /// Takes in another hash: that of a part of this run.
    pub fn part(&mut self, digest: &[u8; 32]) {
        self.bytes.extend(digest);
        self.flush();
    }

    /// The hash so far.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.hash.clone().chain_update(&self.bytes).finalize().into()
    }

    fn flush(&mut self) {
        if self.bytes.len() >= HASHED_AT_ONCE {
            self.hash.update(&self.bytes);
            self.bytes.clear();
        }
    }
}

/// A digest as people copy it.
#[must_use]
pub fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn feed(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn feed_some(bytes: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => {
            bytes.push(1);
            feed(bytes, text);
        }
        None => bytes.push(0),
    }
}

fn feed_fields(bytes: &mut Vec<u8>, fields: &Fields) {
    bytes.extend((fields.len() as u64).to_le_bytes());
    for (key, value) in fields {
        feed(bytes, key.as_str());
        feed_json(bytes, value);
    }
}

/// Each part begins with its kind and length, so that no two contents give the same bytes.
fn feed_json(bytes: &mut Vec<u8>, json: &Json) {
    match json {
        Json::Null => bytes.push(b'0'),
        Json::Bool(is_true) => bytes.push(if *is_true { b'y' } else { b'n' }),
        Json::Number(number) => {
            bytes.push(b'#');
            feed(bytes, &number.to_string());
        }
        Json::String(text) => {
            bytes.push(b't');
            feed(bytes, text);
        }
        Json::Array(items) => {
            bytes.push(b'a');
            bytes.extend((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| feed_json(bytes, item));
        }
        Json::Object(entries) => {
            bytes.push(b'o');
            bytes.extend((entries.len() as u64).to_le_bytes());
            for (key, value) in entries {
                feed(bytes, key);
                feed_json(bytes, value);
            }
        }
    }
}

fn feed_step(bytes: &mut Vec<u8>, step: &CaseStep) {
    let ticket_of = |bytes: &mut Vec<u8>, tag: u8, ticket: usize| {
        bytes.push(tag);
        bytes.extend((ticket as u64).to_le_bytes());
    };
    match step {
        CaseStep::Pass { ms } => {
            bytes.push(1);
            bytes.extend(ms.to_le_bytes());
        }
        CaseStep::Publish { definition } => {
            bytes.push(2);
            feed_json(bytes, definition);
        }
        CaseStep::Directory { directory } => {
            bytes.push(3);
            feed_json(bytes, directory);
        }
        CaseStep::Create {
            workflow,
            creator,
            action_id,
            fields,
            comment,
            cc,
        } => {
            bytes.push(4);
            feed(bytes, workflow.as_str());
            feed(bytes, creator.as_str());
            feed_some(bytes, action_id.as_ref().map(EdgeId::as_str));
            feed_fields(bytes, fields);
            feed_some(bytes, comment.as_deref());
            for user in cc {
                feed_some(bytes, Some(user.as_str()));
            }
        }
        CaseStep::Handle {
            ticket,
            operator,
            action_type,
            action_id,
            node_id,
            comment,
            target_assignee_id,
            target_node_id,
            resume,
            fields,
        } => {
            ticket_of(bytes, 5, *ticket);
            feed(bytes, operator.as_str());
            feed(bytes, action_type);
            feed(bytes, action_id);
            feed_some(bytes, node_id.as_ref().map(NodeId::as_str));
            feed_some(bytes, comment.as_deref());
            feed_some(bytes, target_assignee_id.as_ref().map(UserId::as_str));
            feed_some(bytes, target_node_id.as_ref().map(NodeId::as_str));
            // Traces from before it could be said stay what they are.
            if *resume {
                feed(bytes, "resume");
            }
            feed_fields(bytes, fields);
        }
        CaseStep::ReachDeadline { ticket, token, step } => {
            ticket_of(bytes, 10, *ticket);
            bytes.extend(token.to_le_bytes());
            bytes.extend(step.to_le_bytes());
        }
        CaseStep::FireTimer { ticket, token } => {
            ticket_of(bytes, 6, *ticket);
            bytes.extend(token.to_le_bytes());
        }
        CaseStep::ReportHook {
            ticket,
            token,
            attempt,
            failed,
        } => {
            ticket_of(bytes, 7, *ticket);
            bytes.extend(token.to_le_bytes());
            bytes.extend(attempt.to_le_bytes());
            feed_some(bytes, failed.as_deref());
        }
        CaseStep::ReviewHolders { ticket } => ticket_of(bytes, 8, *ticket),
        CaseStep::HandOver { ticket, user } => {
            ticket_of(bytes, 11, *ticket);
            feed(bytes, user.as_str());
        }
        CaseStep::Migrate {
            ticket,
            operator,
            nodes,
        } => {
            ticket_of(bytes, 9, *ticket);
            feed_some(bytes, operator.as_ref().map(UserId::as_str));
            for (from, to) in nodes {
                feed(bytes, from.as_str());
                feed(bytes, to.as_str());
            }
        }
    }
}
