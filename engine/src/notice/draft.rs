//! A notice in the reader's language, with what the reader may see (semantics: notices).
//!
//! A person reads what they would see on the ticket at the node that the notice is about; a group reads what nobody has
//! hidden from them anywhere. A template is filled in once: what a value says is never read as a template.

use crate::account::User;
use crate::account::directory::Directory;
use crate::account::person::Person;
use crate::id::{FieldKey, NodeId, TokenId, UserId};
use crate::limits::{ROW_ASSIGNEES_MAX, TITLE_CHARS_MAX};
use crate::notice::words::Label;
use crate::notice::{Lang, NoticeEvent, escape};
use crate::ticket::{Ticket, Token, visibility};
use crate::workflow::form::title::{CREATED_AT, CREATOR};
use crate::workflow::{ComponentKind, FieldPermission, Node, NodeKind, WorkflowVersion, template};

/// Characters of a message's title: one line of a mail program.
pub const NOTICE_TITLE_CHARS_MAX: usize = 200;
/// Characters of a message's text: a page; the ticket itself has the rest. Every chat takes so many.
pub const NOTICE_TEXT_CHARS_MAX: usize = 3_000;
/// Fields beside the text.
pub const FACTS_MAX: usize = 20;
/// Characters of each.
pub const FACT_CHARS_MAX: usize = 200;

/// Who reads it.
#[derive(Clone, Copy, Debug)]
pub enum Reader<'r> {
    /// One person.
    Person(&'r User),
    /// Whoever is in a group.
    Group,
}

/// What a notice is made from.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'d> {
    /// The ticket as the commit left it that owes the notice.
    pub ticket: &'d Ticket,
    /// The version that the ticket is on.
    pub workflow: &'d WorkflowVersion,
    /// The tenant's directory.
    pub directory: &'d Directory,
    /// What it is about.
    pub event: NoticeEvent,
    /// The token that it is about.
    pub token: Option<TokenId>,
    /// Its node in that version.
    pub node: Option<&'d NodeId>,
    /// Who caused the commit; `None` for the engine.
    pub by: Option<&'d UserId>,
    /// What they wrote with it.
    pub comment: Option<&'d str>,
    /// Where the server is reached.
    pub public_url: Option<&'d str>,
}

/// A notice as it reads, before it is given the form of a channel: without control marks, and not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its language, as far as the words are built in.
    pub lang: Lang,
    /// One line.
    pub title: String,
    /// What it says; may be empty.
    pub text: String,
    /// What stands beside it.
    pub facts: Vec<Fact>,
    /// Where the ticket is, where the text does not say so.
    pub link: Option<String>,
}

/// A value with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it says.
    pub value: String,
}

impl Draft<'_> {
    /// The notice as somebody reads it.
    #[must_use]
    pub fn read_by(&self, reader: &Reader<'_>) -> Notice {
        let own = match reader {
            Reader::Person(user) => user.lang.as_str(),
            Reader::Group => "",
        };
        let tags = [own, self.directory.lang.as_str()];
        let info = &self.workflow.notification;
        let lang = Lang::of(&tags);
        let value_of = |name: &str| self.named(name, reader, lang);
        let title = match info.title_template.in_one_of(&tags) {
            Some(text) => template::render(text, &value_of),
            None => format!("{}{}{}", lang.event(self.event), lang.colon(), self.ticket.title),
        };
        let text = info.content_template.in_one_of(&tags);
        let mut facts = if text.is_some() { Vec::new() } else { self.usual(lang) };
        let text = text.map(|text| template::render(text, &value_of)).unwrap_or_default();
        for key in &info.fields {
            let component = self.workflow.form.component(key);
            if let (Some(component), Some(value)) = (component, self.field(key, reader)) {
                facts.push(Fact {
                    name: component.shown_name().to_owned(),
                    value,
                });
            }
        }
        let text = escape::cut(escape::clean(&text).trim(), NOTICE_TEXT_CHARS_MAX);
        let link = self.link().filter(|link| !text.contains(link.as_str()));
        facts.retain(|fact| !fact.value.trim().is_empty());
        facts.truncate(FACTS_MAX);
        for fact in &mut facts {
            fact.name = escape::line(&fact.name, FACT_CHARS_MAX);
            fact.value = escape::line(&fact.value, FACT_CHARS_MAX);
        }
        Notice {
            lang,
            title: escape::line(&title, NOTICE_TITLE_CHARS_MAX),
            text,
            facts,
            link,
        }
    }

    /// Whether a reader may see a field's value.
    #[must_use]
    pub fn shows(&self, key: &FieldKey, reader: &Reader<'_>) -> bool {
        let form = &self.workflow.form;
        if form.title_key() == Some(key) {
            return true;
        }
        let is_hidden_at = |node: &Node| form.permission_at(node, key) == FieldPermission::Hidden;
        match reader {
            Reader::Group => {
                let with_people = |node: &&Node| matches!(node.kind, NodeKind::Start | NodeKind::Normal(_));
                !self.workflow.nodes.iter().filter(with_people).any(is_hidden_at)
            }
            Reader::Person(user) => {
                let acts_at = |token: &&Token| token.rest.waiting().any(|waiting| *waiting == user.id);
                let acting = self.ticket.tokens.iter().find(acts_at).map(|token| &token.node);
                let node = self.node.or(acting);
                let permissions = visibility::field_permissions(self.workflow, node);
                permissions.get(key).is_some_and(|one| *one != FieldPermission::Hidden)
            }
        }
    }

    /// Where the ticket is; `None` where nobody knows the server's address.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        let base = self.public_url?.trim_end_matches('/');
        Some(format!("{base}/t/{}", self.ticket.id))
    }

    fn named(&self, name: &str, reader: &Reader<'_>, lang: Lang) -> Option<String> {
        let ticket = self.ticket;
        Some(match name {
            "title" => ticket.title.chars().take(TITLE_CHARS_MAX).collect(),
            CREATOR => self.person(&ticket.creator),
            CREATED_AT => ticket.created_at.to_answer(self.directory.zone()),
            "ticket_id" => ticket.id.to_string(),
            "workflow" => self.workflow.workflow_id.to_string(),
            "workflow_name" => self.workflow.name.clone(),
            "node_name" => self.node_names(lang),
            "act_state" => lang.state(ticket.act_state).to_owned(),
            "event" => lang.event(self.event).to_owned(),
            "actor" => self.by.map(|by| self.person(by))?,
            "comment" => self.comment?.to_owned(),
            "waiting_for" => self.waiting_for(lang),
            "due" => self.due()?,
            "link" => self.link()?,
            key => self.field(&FieldKey::from(key), reader)?,
        })
    }

    /// A field's value as people read it; `None` where there is none, or the reader may not see it.
    fn field(&self, key: &FieldKey, reader: &Reader<'_>) -> Option<String> {
        let component = self.workflow.form.component(key)?;
        let value = self.ticket.value_of(key, &self.workflow.form)?;
        if !self.shows(key, reader) {
            return None;
        }
        let text = component.shown_text(&value, self.directory);
        Some(if component.kind == ComponentKind::Richtext {
            escape::without_markup(&text)
        } else {
            text
        })
    }

    /// What a message says of which nobody has said what it is to say.
    fn usual(&self, lang: Lang) -> Vec<Fact> {
        let facts = [
            (Label::Workflow, self.workflow.name.clone()),
            (Label::Node, self.node_names(lang)),
            (Label::State, lang.state(self.ticket.act_state).to_owned()),
            (Label::WaitingFor, self.waiting_for(lang)),
            (Label::Due, self.due().unwrap_or_default()),
            (Label::By, self.by.map(|by| self.person(by)).unwrap_or_default()),
            (Label::Comment, self.comment.unwrap_or_default().to_owned()),
        ];
        let facts = facts.into_iter().map(|(label, value)| Fact {
            name: lang.label(label).to_owned(),
            value,
        });
        facts.collect()
    }

    fn person(&self, id: &UserId) -> String {
        Person::of(id, self.directory).shown().to_owned()
    }

    /// The tokens that it is about: that of the notice, else all.
    fn tokens(&self) -> impl Iterator<Item = &Token> {
        let is_meant = |token: &&Token| self.token.is_none_or(|id| id == token.id);
        self.ticket.tokens.iter().filter(is_meant)
    }

    fn node_names(&self, lang: Lang) -> String {
        let name = |id: &NodeId| {
            self.workflow
                .node(id)
                .map_or_else(|| id.to_string(), |node| node.name.clone())
        };
        if let Some(node) = self.node {
            return name(node);
        }
        let mut names: Vec<String> = self.tokens().map(|token| name(&token.node)).collect();
        names.dedup();
        names.truncate(ROW_ASSIGNEES_MAX);
        names.join(lang.comma())
    }

    fn waiting_for(&self, lang: Lang) -> String {
        let mut users: Vec<&UserId> = Vec::new();
        for user in self.tokens().flat_map(|token| token.rest.waiting()) {
            if !users.contains(&user) && users.len() <= ROW_ASSIGNEES_MAX {
                users.push(user);
            }
        }
        let is_more = users.len() > ROW_ASSIGNEES_MAX;
        let mut names: Vec<String> = users
            .into_iter()
            .take(ROW_ASSIGNEES_MAX)
            .map(|user| self.person(user))
            .collect();
        if is_more {
            names.push("…".to_owned());
        }
        names.join(lang.comma())
    }

    fn due(&self) -> Option<String> {
        let clocks = self.tokens().filter_map(|token| self.ticket.clocks.of(token));
        let due = clocks.filter_map(|clock| clock.due).min()?;
        Some(due.to_answer(self.directory.zone()))
    }
}
