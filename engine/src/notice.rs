//! What people are told: which events there are, and a message about one, in the reader's language, with what the reader
//! may see and nothing else (semantics: notices).
//!
//! ```text
//! owed (ticket::notices) ─▶ Draft ── templates, words, fields ──▶ Notice ── escaped, cut ──▶ Content of a channel
//! ```
//! Pure functions over the ticket as the commit left it that owes the notice. Not here: who is told (`ticket::notices`),
//! when it is sent and how often it is tried (the runtime's outbox), how bytes reach anybody (whoever implements the port).

pub mod content;
pub mod digest;
pub mod draft;
pub mod escape;
pub mod words;

pub use crate::account::notice_event::NoticeEvent;
pub use content::{Content, Mail};
pub use draft::{Draft, Fact, Notice, Reader};
pub use words::Lang;
