//! The door behind the tools: who a credential belongs to, and the answer to each operation.
//!
//! Not here: the wire. An [`Operation`] is what a tool's arguments were parsed to; an answer is the object that the tool
//! shows. A call is authenticated before it is parsed to the end, and carried out only for an authenticated [`Caller`].

use futures::future::BoxFuture;
use serde_json::Value;

use crate::auth::Identity;
use crate::error::ApiError;
use crate::mcp::tools::{
    ticket_create, ticket_detail, ticket_handle, ticket_history, ticket_list, ticket_prepare_create,
    ticket_prepare_handle, user_list, workflow_list,
};

/// An active user of a tenant, and the application that speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's id; the one thing about a caller that the request log shows.
    pub user_id: String,
    /// The user's tenant.
    pub tenant_id: String,
    /// The application, known to the tenant.
    pub app_name: String,
    /// The personal access token's id, where one was used; the history names it.
    pub token_id: Option<String>,
}

/// One call of one tool, parsed.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is the tool of its name")]
pub enum Operation {
    TicketList(ticket_list::Params),
    TicketDetail(ticket_detail::Params),
    TicketPrepareHandle(ticket_prepare_handle::Params),
    TicketHandle(ticket_handle::Params),
    UserList(user_list::Params),
    WorkflowList(workflow_list::Params),
    TicketPrepareCreate(ticket_prepare_create::Params),
    TicketCreate(ticket_create::Params),
    TicketHistory(ticket_history::Params),
}

/// What the facade asks of whatever stands behind it.
pub trait Backend: Send + Sync + 'static {
    /// The active user that `identity` belongs to. `app_name` is the application that the call names; `None` asks only
    /// whether the credential is good.
    ///
    /// # Errors
    /// `token_invalid`, `token_expired`, `token_revoked`, `user_inactive`, `app_not_allowed`.
    fn authenticate<'a>(
        &'a self,
        identity: &'a Identity,
        app_name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Caller, ApiError>>;

    /// Carries an operation out, or says why not. A success is a JSON object.
    ///
    /// # Errors
    /// Any code of the table but those of [`Backend::authenticate`].
    fn carry_out<'a>(&'a self, caller: &'a Caller, operation: Operation) -> BoxFuture<'a, Result<Value, ApiError>>;

    /// Whether calls can be answered: the log is open, projections are caught up.
    ///
    /// # Errors
    /// What is still missing, in a few words without a path.
    fn ready(&self) -> Result<(), String>;
}
