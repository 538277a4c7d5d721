//! A refusal of what an operator asks, in the words of the wire.

use loonflow_engine::account::decide::Refusal as AccountRefusal;
use loonflow_engine::limits::{ACCESS_TOKEN_DAYS_MAX, TEXT_CHARS_MAX};
use loonflow_engine::runtime::OperatorRefusal;
use loonflow_engine::workflow::decide::Refusal as WorkflowRefusal;

use super::ApiError;
use super::refusal::code_of;

impl From<OperatorRefusal> for ApiError {
    fn from(refusal: OperatorRefusal) -> Self {
        let error = Self::new(code_of(refusal.code()), refusal.to_string());
        match refusal {
            OperatorRefusal::Account(AccountRefusal::InvalidArgument { .. }) => error.with_hint(format!(
                "give a label of at most {TEXT_CHARS_MAX} characters and 1 to {ACCESS_TOKEN_DAYS_MAX} days, or none"
            )),
            OperatorRefusal::Account(AccountRefusal::AbsenceNotYours) => {
                error.with_hint("leave `user_id` out for yourself, or ask an admin of the tenant")
            }
            OperatorRefusal::Account(AccountRefusal::PermissionDenied) => error.with_hint("ask an admin of the tenant"),
            OperatorRefusal::Workflow(WorkflowRefusal::PermissionDenied) => {
                error.with_hint("ask a user of type `admin` or `workflow_admin`")
            }
            OperatorRefusal::Account(_)
            | OperatorRefusal::Workflow(_)
            | OperatorRefusal::InvalidDirectory { .. }
            | OperatorRefusal::TenantNotFound { .. } => error,
        }
    }
}
