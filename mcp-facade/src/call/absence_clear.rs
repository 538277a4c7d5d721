//! Taking an absence back.
//!
//! Not here: whose it may be (the engine).

use loonflow_engine::id::AbsenceId;
use serde::Serialize;

use super::CallContext;
use crate::arguments::Arguments;
use crate::error::ApiError;

/// The absence to clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Its id.
    pub absence_id: String,
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        Ok(Self {
            absence_id: arguments.required_string("absence_id")?,
        })
    }
}

/// The absence that counts no longer.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Its id.
    pub cleared: AbsenceId,
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let (engine, caller) = (context.engine().clone(), context.caller.clone());
    let id = AbsenceId::from(params.absence_id);
    let cleared = id.clone();
    context
        .finish_operator(async move {
            let absences = engine.absences();
            absences.clear(&caller.tenant_id, Some(&caller.user_id), &id).await
        })
        .await?;
    Ok(Answer { cleared })
}
