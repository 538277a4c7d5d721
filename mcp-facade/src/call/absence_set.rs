//! Saying that somebody will be absent, and handing over what they hold.
//!
//! Not here: who may, what fits (the engine).

use loonflow_engine::runtime::AbsenceRequest;
use serde::Serialize;

use super::CallContext;
use crate::arguments::Arguments;
use crate::error::ApiError;
use crate::wire::absence::{Absence, HandedOver};

/// An absence to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Who is absent; `None` for the caller.
    pub user_id: Option<String>,
    /// Who stands in.
    pub delegate_id: String,
    /// A time, or the first day.
    pub from: String,
    /// A time, or the last day.
    pub to: String,
    /// For which workflows; empty for all.
    pub workflow_ids: Vec<String>,
    /// Whether to hand over what the person holds.
    pub hand_over: bool,
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        Ok(Self {
            user_id: arguments.optional_string("user_id")?,
            delegate_id: arguments.required_string("delegate_id")?,
            from: arguments.required_string("from")?,
            to: arguments.required_string("to")?,
            workflow_ids: arguments.comma_separated("workflow_ids")?,
            hand_over: arguments.boolean("hand_over", false)?,
        })
    }
}

/// The absence, and what was handed over.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// The absence: a new one, or the one that said the same.
    pub absence: Absence,
    /// What was handed over; absent where that was not asked for.
    #[serde(flatten)]
    pub handed_over: Option<HandedOver>,
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let (engine, caller) = (context.engine().clone(), context.caller.clone());
    let user = params.user_id.map_or_else(|| caller.user_id.clone(), Into::into);
    let request = AbsenceRequest {
        user,
        delegate: params.delegate_id.into(),
        from: params.from,
        to: params.to,
        workflows: params.workflow_ids.into_iter().map(Into::into).collect(),
        hand_over: params.hand_over,
    };
    let report = context
        .finish_operator(async move {
            let absences = engine.absences();
            absences.set(&caller.tenant_id, Some(&caller.user_id), request).await
        })
        .await?;
    let directory = context.directory()?;
    Ok(Answer {
        absence: Absence::of(&report.absence, &directory, context.state.now()),
        handed_over: report.handed_over.map(HandedOver::from),
    })
}
