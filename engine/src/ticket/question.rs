//! What a decision needs to know from outside: it asks, the runtime fetches, and the decision is made again with the
//! replies in its context (semantics: effects).
//!
//! Not here: fetching. A replay asks nothing: what was answered is in the events.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::account::directory::Directory;
use crate::account::token::{Secret, hex};
use crate::effect::answer;
use crate::id::{FieldKey, NodeId, UserId};
use crate::ticket::Ticket;
use crate::ticket::event::AskedQuestion;
use crate::workflow::form::component::Source;
use crate::workflow::{EventHook, WorkflowVersion};

/// Something that only an outside address knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub kind: QuestionKind,
    /// The node or event hook that asks.
    pub place: String,
    /// Who is asked; it may carry credentials.
    url: String,
    /// Key of the signature.
    token: Secret,
    /// What is sent along.
    body: Json,
}

/// Kinds of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum QuestionKind {
    /// Who is assigned at a node.
    Assignees,
    /// Whether a ticket may be sent.
    PreCreate,
    /// The value of a field that is fetched when shown. No decision asks for it.
    External,
}

impl QuestionKind {
    /// Its stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Assignees => "assignees",
            Self::PreCreate => "pre_create",
            Self::External => "external",
        }
    }
}

/// The same for the same question, and for no other: the first half of a SHA-256, in hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(String);

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Question {
    /// Who is assigned at a node, for the ticket with what the command says. It holds no version, time or chance, so the
    /// same command asks the same again.
    pub(crate) fn assignees(
        ticket: &Ticket,
        node: &NodeId,
        (url, token): (&str, &Secret),
        workflow: &WorkflowVersion,
    ) -> Self {
        Self {
            kind: QuestionKind::Assignees,
            place: node.to_string(),
            url: url.to_owned(),
            token: token.clone(),
            body: body(ticket, workflow, node),
        }
    }

    /// Whether the ticket may be sent, with what the command says.
    pub(crate) fn pre_create(ticket: &Ticket, hook: &EventHook, workflow: &WorkflowVersion) -> Self {
        Self {
            kind: QuestionKind::PreCreate,
            place: hook.shown_id().to_owned(),
            url: hook.url.clone(),
            token: hook.token.clone(),
            body: body(ticket, workflow, &workflow.start().id),
        }
    }

    /// The value of a field, for whoever is shown the ticket.
    #[must_use]
    pub fn external(
        ticket: &Ticket,
        key: &FieldKey,
        source: &Source,
        viewer: &UserId,
        workflow: &WorkflowVersion,
    ) -> Self {
        let node = ticket.tokens.first().map_or(&workflow.start().id, |token| &token.node);
        let mut body = body(ticket, workflow, node);
        body["field_key"] = json!(key);
        body["viewer_id"] = json!(viewer);
        Self {
            kind: QuestionKind::External,
            place: key.to_string(),
            url: source.url.clone(),
            token: source.token.clone(),
            body,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> QuestionId {
        let parts = json!([self.kind.word(), self.place, self.url, self.body.to_string()]);
        let digest = hex(&Sha256::digest(parts.to_string()));
        QuestionId(digest.chars().take(32).collect())
    }

    /// Who is asked. It may carry credentials: it is for whoever asks, and for nobody to see.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Key of the signature: for whoever asks, and for nobody to see.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// What is sent along.
    #[must_use]
    pub fn body(&self) -> &Json {
        &self.body
    }

    /// The same, with those fields alone that somebody may see: for a page that says what would be sent.
    #[must_use]
    pub fn shown(mut self, shows: impl Fn(&str) -> bool) -> Self {
        if let Some(fields) = self.body.get_mut("fields").and_then(Json::as_object_mut) {
            fields.retain(|key, _| shows(key));
        }
        self
    }

    /// The host that is asked: all of the address that people are shown.
    #[must_use]
    pub fn host(&self) -> String {
        let url = url::Url::parse(self.url.trim()).ok();
        url.and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// What every question sends along: no version, time or chance.
fn body(ticket: &Ticket, workflow: &WorkflowVersion, node: &NodeId) -> Json {
    let fields = ticket.fields.iter();
    let fields: Json = fields
        .map(|(key, value)| (key.to_string(), Json::from(value)))
        .collect();
    json!({
        "ticket_id": ticket.id.to_string(),
        "workflow_id": workflow.workflow_id,
        "workflow_version": workflow.version_name,
        "node_id": node,
        "creator_id": ticket.creator,
        "title": ticket.title,
        "fields": fields,
    })
}

impl fmt::Debug for Question {
    /// Without the address and what is sent along: the one may carry credentials, the other what a node hides.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("kind", &self.kind)
            .field("place", &self.place)
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// What was answered to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// These people, by id or by e-mail address; those who are not in the directory drop out.
    People(Vec<String>),
    /// The value of a field.
    Value(Json),
    /// The ticket may be sent.
    Agreed,
    /// It may not.
    Refused {
        /// Why, in the words of whoever was asked.
        said: String,
    },
}

/// Replies by question; they count within one command only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    known: BTreeMap<QuestionId, (AskedQuestion, Reply)>,
    /// Whether nobody is asked any more: what is not known names nobody.
    is_over: bool,
}

/// What counts for a question that nobody answers any more.
const NOBODY: &Reply = &Reply::People(Vec::new());

impl Reply {
    /// Reads what was answered to a question of this kind.
    ///
    /// # Errors
    /// In what it does not fit.
    pub fn read(kind: QuestionKind, status: u16, body: &[u8]) -> Result<Self, String> {
        match kind {
            QuestionKind::Assignees => {
                let data = answer::read(status, body)?;
                let people = serde_json::from_value(data).map(Self::People);
                people.map_err(|_| "`data` is no list of user ids or e-mail addresses".to_owned())
            }
            QuestionKind::External => answer::read(status, body).map(Self::Value),
            QuestionKind::PreCreate => Ok(match answer::read_verdict(status, body)? {
                Ok(()) => Self::Agreed,
                Err(said) => Self::Refused { said },
            }),
        }
    }
}

impl Replies {
    /// For a command that has asked in vain as often as it may: every question names nobody.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self {
            known: BTreeMap::new(),
            is_over: true,
        }
    }

    /// Notes a reply.
    pub fn insert(&mut self, question: &Question, reply: Reply) {
        let (outcome, n) = match &reply {
            Reply::People(people) => ("people", people.len()),
            Reply::Value(_) => ("value", 0),
            Reply::Agreed => ("agreed", 0),
            Reply::Refused { .. } => ("refused", 0),
        };
        let asked = AskedQuestion {
            id: question.id().to_string(),
            kind: question.kind.word().to_owned(),
            place: question.place.clone(),
            host: question.host(),
            outcome: outcome.to_owned(),
            n: u32::try_from(n).unwrap_or(u32::MAX),
        };
        self.known.insert(question.id(), (asked, reply));
    }

    /// What was answered to a question so far.
    #[must_use]
    pub fn get(&self, question: &QuestionId) -> Option<&Reply> {
        let known = self.known.get(question).map(|(_, reply)| reply);
        known.or(self.is_over.then_some(NOBODY))
    }

    /// What was asked, for the record.
    pub(crate) fn asked(&self) -> Vec<AskedQuestion> {
        self.known.values().map(|(asked, _)| asked.clone()).collect()
    }

    /// The users that a reply names, in its order; at most `limits::ASSIGNEES_MAX` entries are looked at.
    pub(crate) fn people(reply: &Reply, directory: &Directory) -> Vec<UserId> {
        let named = match reply {
            Reply::People(named) => named.as_slice(),
            Reply::Value(_) | Reply::Agreed | Reply::Refused { .. } => &[],
        };
        let known = named.iter().take(crate::limits::ASSIGNEES_MAX).filter_map(|one| {
            let by_id = directory.user(&one.as_str().into());
            by_id.or_else(|| directory.user_by_email(one))
        });
        known.map(|user| user.id.clone()).collect()
    }
}
