//! What a call may use while it is answered.

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::runtime::{Caller, Engine, Fault, OperatorRefusal};
use loonflow_engine::ticket::Refusal;

use crate::error::{ApiError, Code};
use crate::state::AppState;

/// See the module.
pub struct CallContext {
    /// The process's state; the door to the engine is in it.
    pub state: AppState,
    /// Who is calling.
    pub caller: Caller,
    /// The request's id.
    pub request_id: String,
}

impl CallContext {
    /// The door to the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.state.engine()
    }

    /// The directory of the caller's tenant: names of people and departments, the time zone.
    ///
    /// # Errors
    /// `token_invalid` when the tenant is not there, which the credential has ruled out.
    pub fn directory(&self) -> Result<Arc<Directory>, ApiError> {
        self.engine()
            .directories()
            .of(&self.caller.tenant_id)
            .ok_or_else(|| ApiError::new(Code::TokenInvalid, "the token's organisation is not here"))
    }

    /// What the engine answered, or what the client is told instead.
    ///
    /// # Errors
    /// The code of the refusal, `overloaded` or `internal_error`.
    pub fn answered<T>(&self, answer: Result<Result<T, Refusal>, Fault>) -> Result<T, ApiError> {
        match answer {
            Ok(answer) => answer.map_err(ApiError::from),
            Err(fault) => Err(ApiError::of_fault(&fault, &self.request_id)),
        }
    }

    /// The same for what concerns no ticket.
    ///
    /// # Errors
    /// As [`CallContext::answered`].
    pub fn answered_operator<T>(&self, answer: Result<Result<T, OperatorRefusal>, Fault>) -> Result<T, ApiError> {
        match answer {
            Ok(answer) => answer.map_err(ApiError::from),
            Err(fault) => Err(ApiError::of_fault(&fault, &self.request_id)),
        }
    }

    /// As [`CallContext::finish`], for what concerns no ticket.
    ///
    /// # Errors
    /// As [`CallContext::answered`].
    pub async fn finish_operator<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<Result<T, OperatorRefusal>, Fault>> + Send + 'static,
    ) -> Result<T, ApiError> {
        match self.state.calls().spawn(question).await {
            Ok(answer) => self.answered_operator(answer),
            // It panicked; the panic hook has logged what and where.
            Err(_ended) => Err(ApiError::internal(&self.request_id)),
        }
    }

    /// Asks the engine in a task of its own, so that a client that hangs up does not stop a change half-way; a stop
    /// of the process waits for it.
    ///
    /// # Errors
    /// As [`CallContext::answered`].
    pub async fn finish<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<Result<T, Refusal>, Fault>> + Send + 'static,
    ) -> Result<T, ApiError> {
        match self.state.calls().spawn(question).await {
            Ok(answer) => self.answered(answer),
            // It panicked; the panic hook has logged what and where.
            Err(_ended) => Err(ApiError::internal(&self.request_id)),
        }
    }
}
