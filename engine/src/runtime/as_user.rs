//! The engine as one person uses it: `engine.as_user(tenant, user).on(ticket).take(edge).await`.
//!
//! Each of these is a [`CreateRequest`] or an [`ActRequest`] under way; awaiting it takes the action, and
//! `rehearse` says what it would come to and changes nothing.
//!
//! Not here: who the person is. Whoever calls has made sure of that.

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::account::permission::OWN_APPLICATION;
use crate::id::{AppName, EdgeId, FieldKey, NodeId, TenantId, TicketId, UserId, VersionName, WorkflowId};
use crate::runtime::engine::Engine;
use crate::runtime::error::Error;
use crate::runtime::fault::Fault;
use crate::runtime::request::{ActAnswer, ActRequest, Caller, CreateRequest, Done, HistoryQuery, Idempotency, Page};
use crate::ticket::Action;
use crate::value::Value;
use crate::view::flow_history::HistoryEntry;
use crate::view::preview::Preview;
use crate::view::row::TicketRow;
use crate::view::ticket_detail::TicketDetail;
use crate::view::ticket_list::ListQuery;

/// The engine as a person sees it.
#[derive(Clone, Debug)]
pub struct AsUser<'e> {
    engine: &'e Engine,
    caller: Caller,
}

impl Engine {
    /// The engine as a user of a tenant sees it, through the built-in application.
    #[must_use]
    pub fn as_user(&self, tenant: impl Into<TenantId>, user: impl Into<UserId>) -> AsUser<'_> {
        AsUser {
            engine: self,
            caller: Caller {
                tenant_id: tenant.into(),
                user_id: user.into(),
                app: OWN_APPLICATION.into(),
                access_token: None,
            },
        }
    }
}

impl<'e> AsUser<'e> {
    /// Through another application.
    #[must_use]
    pub fn through(mut self, app: impl Into<AppName>) -> Self {
        self.caller.app = app.into();
        self
    }

    /// A new ticket of a workflow: a draft, unless an edge is taken.
    pub fn create(&self, workflow: impl Into<WorkflowId>) -> Creating<'e> {
        Creating {
            engine: self.engine,
            caller: self.caller.clone(),
            request: CreateRequest::new(workflow.into()),
            key: None,
        }
    }

    /// A ticket that is there.
    #[must_use]
    pub fn on(&self, ticket: TicketId) -> OnTicket<'e> {
        OnTicket {
            engine: self.engine,
            caller: self.caller.clone(),
            ticket,
        }
    }

    /// Finds tickets.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn tickets(&self, query: ListQuery) -> Result<Page<TicketRow>, Error> {
        Ok(self.engine.tickets().list(&self.caller, query).await??)
    }
}

/// A ticket as a person sees it.
#[derive(Clone, Debug)]
pub struct OnTicket<'e> {
    engine: &'e Engine,
    caller: Caller,
    ticket: TicketId,
}

impl<'e> OnTicket<'e> {
    /// The ticket: fields, where it is, what the person may do.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn detail(&self) -> Result<TicketDetail, Error> {
        Ok(self.engine.tickets().detail(&self.caller, self.ticket).await??)
    }

    /// What happened to it, as far as the person may see it.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn history(&self, query: HistoryQuery) -> Result<Page<HistoryEntry>, Error> {
        let history = self.engine.tickets().history(&self.caller, self.ticket, query);
        Ok(history.await??)
    }

    /// Any action.
    pub fn act(&self, action: Action) -> Acting<'e> {
        Acting {
            engine: self.engine,
            caller: self.caller.clone(),
            request: ActRequest::new(self.ticket, action),
            key: None,
        }
    }

    /// Takes an edge: agree, reject or other, as the workflow has it.
    pub fn take(&self, edge: impl Into<EdgeId>) -> Acting<'e> {
        self.act(Action::take(edge))
    }

    /// Claims a node that several may have.
    pub fn accept(&self) -> Acting<'e> {
        self.act(Action::Accept)
    }

    /// Gives the place to someone else.
    pub fn forward(&self, to: impl Into<UserId>) -> Acting<'e> {
        self.act(Action::Forward { to: to.into() })
    }

    /// Says something.
    pub fn comment(&self, text: impl Into<String>) -> Acting<'e> {
        self.act(Action::AddComment).comment(text)
    }

    /// Takes the ticket back to its creator.
    pub fn withdraw(&self) -> Acting<'e> {
        self.act(Action::Withdraw)
    }
}

/// An action under way.
#[derive(Debug)]
#[must_use = "nothing happens until it is awaited"]
pub struct Acting<'e> {
    engine: &'e Engine,
    caller: Caller,
    request: ActRequest,
    key: Option<String>,
}

impl Acting<'_> {
    /// Sends a value for the form.
    pub fn set(mut self, field: impl Into<FieldKey>, value: impl Into<Value>) -> Self {
        self.request.fields.insert(field.into(), value.into());
        self
    }

    /// Says something with it.
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.request.comment = Some(text.into());
        self
    }

    /// At this node, where several would do.
    pub fn at(mut self, node: impl Into<NodeId>) -> Self {
        self.request.at = Some(node.into());
        self
    }

    /// Only if the ticket is still at this version.
    pub fn expecting(mut self, version: u64) -> Self {
        self.request.expected_version = Some(version);
        self
    }

    /// Once for this key of the person's: a repeat is answered with the first answer.
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    fn keyed(mut self) -> Self {
        let request = &mut self.request;
        request.idempotency = self.key.take().map(|key| {
            let action = &request.action;
            let kind = action.said_kind().map(|kind| kind.word());
            let action = json!([kind, action.id(), action.to_user(), action.to_node()]);
            let asked = json!([
                request.ticket_id.to_string(),
                action,
                request.at,
                request.comment,
                of_fields(&request.fields),
                request.expected_version,
            ]);
            idempotency(key, &asked)
        });
        self
    }

    /// What it would come to; nothing changes.
    ///
    /// # Errors
    /// Why it would be refused, or why there is no answer.
    pub async fn rehearse(mut self) -> Result<Preview, Error> {
        self.request.dry_run = true;
        previewed(self.engine.tickets().act(&self.caller, self.request).await??)
    }
}

impl<'e> IntoFuture for Acting<'e> {
    type Output = Result<Done, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'e>>;

    fn into_future(self) -> Self::IntoFuture {
        let this = self.keyed();
        Box::pin(async move { done(this.engine.tickets().act(&this.caller, this.request).await??) })
    }
}

/// A creation under way.
#[derive(Debug)]
#[must_use = "nothing happens until it is awaited"]
pub struct Creating<'e> {
    engine: &'e Engine,
    caller: Caller,
    request: CreateRequest,
    key: Option<String>,
}

impl Creating<'_> {
    /// Takes an edge out of start at once; without one, the ticket is a draft that only its creator sees.
    pub fn take(mut self, edge: impl Into<EdgeId>) -> Self {
        self.request.take = Some(edge.into());
        self
    }

    /// Sends a value for the form.
    pub fn set(mut self, field: impl Into<FieldKey>, value: impl Into<Value>) -> Self {
        self.request.fields.insert(field.into(), value.into());
        self
    }

    /// Says something with it.
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.request.comment = Some(text.into());
        self
    }

    /// On this version of the workflow; without one, the default version.
    pub fn version(mut self, name: impl Into<VersionName>) -> Self {
        self.request.version_name = Some(name.into());
        self
    }

    /// Puts a user in copy, who may then see it.
    pub fn cc(mut self, user: impl Into<UserId>) -> Self {
        self.request.cc.push(user.into());
        self
    }

    /// Below a ticket that is at this node.
    pub fn below(mut self, parent: TicketId, node: impl Into<NodeId>) -> Self {
        self.request.parent = Some((parent, node.into()));
        self
    }

    /// Once for this key of the person's: a repeat is answered with the first answer.
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    fn keyed(mut self) -> Self {
        let request = &mut self.request;
        request.idempotency = self.key.take().map(|key| {
            let parent = request.parent.as_ref();
            let asked = json!([
                request.workflow_id,
                request.version_name,
                request.take,
                request.comment,
                request.cc,
                parent.map(|(ticket, node)| json!([ticket.to_string(), node])),
                of_fields(&request.fields),
            ]);
            idempotency(key, &asked)
        });
        self
    }

    /// What it would come to; nothing is created.
    ///
    /// # Errors
    /// Why it would be refused, or why there is no answer.
    pub async fn rehearse(mut self) -> Result<Preview, Error> {
        self.request.dry_run = true;
        previewed(self.engine.tickets().create(&self.caller, self.request).await??)
    }
}

impl<'e> IntoFuture for Creating<'e> {
    type Output = Result<Done, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'e>>;

    fn into_future(self) -> Self::IntoFuture {
        let this = self.keyed();
        Box::pin(async move { done(this.engine.tickets().create(&this.caller, this.request).await??) })
    }
}

fn done(answer: ActAnswer) -> Result<Done, Error> {
    match answer {
        ActAnswer::Done(done) => Ok(done),
        ActAnswer::Preview(_) => Err(mixed_up()),
    }
}

fn previewed(answer: ActAnswer) -> Result<Preview, Error> {
    match answer {
        ActAnswer::Preview(preview) => Ok(*preview),
        ActAnswer::Done(_) => Err(mixed_up()),
    }
}

/// The engine answers a rehearsal with a preview, and nothing else.
fn mixed_up() -> Error {
    Error::Failed(Fault::Inconsistent {
        what: "a rehearsal was answered for the real call, or the other way round".to_owned(),
    })
}

/// Lists only, so that the text of what was asked does not depend on the order in which a map is written.
fn of_fields(fields: &BTreeMap<FieldKey, Value>) -> Json {
    fields
        .iter()
        .map(|(key, value)| json!([key, Json::from(value)]))
        .collect()
}

fn idempotency(key: String, asked: &Json) -> Idempotency {
    Idempotency {
        key,
        fingerprint: Sha256::digest(asked.to_string()).into(),
        older: None,
    }
}
