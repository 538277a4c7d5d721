//! The one table of error codes, and [`ApiError`]: what any refused request answers.
//!
//! Not here: how an error becomes a tool result (`mcp::tool_error`) or an HTTP answer (`http`). The engine's refusals
//! arrive with a stable code of their own, which is a row of [`Code::ALL`], and with facts, but without a caller's words:
//! `refusal`, `operator` and `fault` give them.
//!
//! Text form: `<code>: <sentence>. <what to do>.` No text here ever holds a path, a token, or another tenant's data.

mod fault;
mod operator;
mod refusal;

use std::fmt;

use serde_json::{Map, Value, json};

use crate::limits::PROBLEMS_MAX;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident $code:literal $status:literal $hint:literal),+ $(,)?) => {
        /// A stable code of the wire, the HTTP status it has outside of MCP, and what to do about it by default.
        ///
        /// Inside MCP a refused call is a tool result, so the status shows only where there is no protocol yet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $variant),+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// HTTP status of an answer outside of the protocol.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// The next step where the one who raises the error knows no better one.
            #[must_use]
            pub const fn default_hint(self) -> &'static str {
                match self { $(Self::$variant => $hint),+ }
            }
        }
    };
}

codes! {
    /// No credential came with a call that needs one.
    TokenMissing "token_missing" 401
        "send a token in the header `Authorization: Bearer <token>` or in the argument `access_token`",
    /// A credential that is malformed, unknown, signed with another key, or has no e-mail or end.
    TokenInvalid "token_invalid" 401 "ask for a new token",
    /// A credential whose time is over.
    TokenExpired "token_expired" 401 "ask for a new token",
    /// A personal access token that its owner took back.
    TokenRevoked "token_revoked" 401 "use another token of yours",
    /// The credential's user is deactivated.
    UserInactive "user_inactive" 403 "ask an administrator of your organisation to activate the user",
    /// E-mail address and password do not belong together, or nobody has the address.
    WrongPassword "wrong_password" 401 "check both and try again",
    /// Too many attempts to sign in failed.
    TooManyAttempts "too_many_attempts" 429 "wait and try again",
    /// What was asked for needs a setting that this server does not have.
    NotConfigured "not_configured" 501 "ask the operator of the server",
    /// The application is unknown or has no leave for the workflow.
    AppNotAllowed "app_not_allowed" 403 "use an `app_name` that is allowed for this workflow, or leave it out",
    /// No such ticket, or not one the caller's tenant has.
    TicketNotFound "ticket_not_found" 404 "call `ticket_list` to see the tickets you may open",
    /// No such workflow or version for this caller.
    WorkflowNotFound "workflow_not_found" 404 "call `workflow_list` to see the workflows you may start",
    /// No such version of a workflow.
    VersionNotFound "version_not_found" 404 "list the workflow's versions for their names",
    /// No such tenant; operators only.
    TenantNotFound "tenant_not_found" 404 "import the tenant's directory first",
    /// No such personal access token of this user.
    AccessTokenNotFound "access_token_not_found" 404 "list your own tokens for their ids",
    /// The user has as many personal access tokens that work as a user may have.
    TooManyAccessTokens "too_many_access_tokens" 409 "revoke one that you no longer use",
    /// No such user for this caller.
    UserNotFound "user_not_found" 404 "look the user up in the directory",
    /// The caller may not do or see this; the message says who may.
    PermissionDenied "permission_denied" 403 "ask one of them, or call `ticket_prepare_handle` to see what you can do",
    /// An argument is unknown, missing, of the wrong type or out of range.
    InvalidArgument "invalid_argument" 400 "mend the argument and call again",
    /// The action is not one that the caller is offered now.
    ActionNotAvailable "action_not_available" 409 "there is nothing you can do on this ticket now",
    /// Several nodes fit and the call does not say which.
    AmbiguousNode "ambiguous_node" 409 "say which in `action_props.node_id`",
    /// Fields that the node requires are empty.
    MissingRequiredFields "missing_required_fields" 422 "mend these fields and call again",
    /// A field that is read-only or hidden at the node was to change.
    FieldNotEditable "field_not_editable" 422 "mend these fields and call again",
    /// A key that is no field of the form.
    UnknownField "unknown_field" 422 "mend these fields and call again",
    /// A value that does not fit its field.
    InvalidFieldValue "invalid_field_value" 422 "mend these fields and call again",
    /// No such file, or none that the caller may have.
    UnknownFile "unknown_file" 404 "upload the file with `file_upload` or `POST /files`, and send the id that is answered",
    /// A field takes files of other types.
    FileTypeNotAllowed "file_type_not_allowed" 422 "send a file of a type that the field takes",
    /// The bytes of a file were taken away for good.
    FileErased "file_erased" 410 "do without it: an administrator had it erased",
    /// There is no room for another file.
    QuotaExceeded "quota_exceeded" 409 "use the files that you have uploaded, or wait a day until they are gone; for more room ask the operator",
    /// The server keeps no files.
    FilesNotKept "files_not_kept" 501 "ask the operator of the server",
    /// No way out of a gateway holds and it has no default.
    NoBranchMatches "no_branch_matches" 409 "change the values it decides on, or ask the workflow's admin for a default way out",
    /// A node's rule found nobody.
    NoAssignee "no_assignee" 409 "choose other values, or ask the workflow's admin to mend the assignees of that node",
    /// An outside address that has to be asked gave no answer.
    OutsideUnavailable "outside_unavailable" 503 "nothing changed: call again in a moment, or ask the workflow's admin to look at that address",
    /// An event hook that is asked before a ticket is sent did not agree.
    CreationRefused "creation_refused" 422 "mend what it says, and send the ticket again",
    /// More automatic moves than one command may cause.
    TooManyMoves "too_many_moves" 409 "ask the workflow's admin to mend the loop",
    /// The parent's node takes sub-tickets of other workflows only.
    SubWorkflowNotAllowed "sub_workflow_not_allowed" 409 "take one of the workflows that the node names",
    /// As many sub-tickets are open as may be, or they are as deep as may be.
    SubTicketLimit "sub_ticket_limit" 409 "finish some of the sub-tickets first",
    /// The node waits for its children.
    SubTicketsOpen "sub_tickets_open" 409 "finish the sub-tickets listed in the details first",
    /// Nothing waits for what was reported: a timer or hook that went on meanwhile.
    NotWaiting "not_waiting" 409 "read the ticket again",
    /// A token's node has no counterpart in the version to migrate to.
    MigrationImpossible "migration_impossible" 409 "map the node to one of the same type in the new version",
    /// The ticket has as many events, or as much in them, as a ticket may have.
    TicketFull "ticket_full" 409 "ask one of the workflow's admins to close it with `force_close`, and go on in a new ticket",
    /// Another absence of the same person is at the same time.
    AbsenceOverlaps "absence_overlaps" 409 "clear the other one with `absence_clear`, or choose other days or other workflows",
    /// A directory that does not fit; operators only.
    InvalidDirectory "invalid_directory" 422 "mend what is listed and import again",
    /// A definition with errors; operators only.
    InvalidDefinition "invalid_definition" 422 "mend what is listed and publish again",
    /// A published version came again with other content; operators only.
    VersionExists "version_exists" 409 "a published version never changes: give the new content another `basic_info.version`",
    /// A definition was sent to another workflow; operators only.
    OtherWorkflow "other_workflow" 409 "correct `basic_info.id`",
    /// The ticket changed since the caller looked.
    VersionConflict "version_conflict" 409 "read the ticket again and decide anew",
    /// An idempotency key came again with other arguments.
    IdempotencyMismatch "idempotency_mismatch" 409 "use a new key for a new request",
    /// The request is larger than the server reads.
    PayloadTooLarge "payload_too_large" 413 "send less at once",
    /// The answer is larger than the server sends.
    AnswerTooLarge "answer_too_large" 413 "ask for less at once",
    /// No permit, no time, or too many calls.
    Overloaded "overloaded" 503 "wait and call again",
    /// What is stored of this ticket, workflow or tenant cannot be read; everything else goes on.
    StoredDataUnreadable "stored_data_unreadable" 500
        "tell an operator, who finds what cannot be read in the server's log; calling again will not help",
    /// The server's disk is full, so no change is taken; nothing of the call was written.
    StorageFull "storage_full" 507
        "tell an operator that the server's disk is full, and call again once there is room; reading goes on meanwhile",
    /// The server's log has failed, so no change is taken until it comes back.
    StorageStopped "storage_stopped" 503
        "wait a minute and call again; if it stays, tell an operator; reading goes on meanwhile",
    /// A fault of the server; its log says more under the request's id.
    Internal "internal_error" 500 "call again, and if it stays, give the request id to an operator",
}

impl Code {
    /// The code spelt `text`, if there is one.
    #[must_use]
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request was turned down, in the words that the client sees.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The stable code.
    pub code: Code,
    /// What is wrong: lower case, no full stop, values in backticks.
    pub message: String,
    /// The next step: an imperative, no full stop.
    pub hint: String,
    /// Facts for a program: a list where several things are listed (one entry per field, action or node), else an
    /// object of named facts (`current_version`, `retry_after_seconds`, `argument`); `{}` when there are none.
    pub details: Value,
}

impl ApiError {
    /// An error with its code's own hint and no details.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: code.default_hint().to_owned(),
            details: Value::Object(Map::new()),
        }
    }

    /// The same with another next step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with details; a list is cut at [`PROBLEMS_MAX`] entries.
    #[must_use]
    pub fn with_details(mut self, mut details: Value) -> Self {
        if let Value::Array(entries) = &mut details {
            entries.truncate(PROBLEMS_MAX);
        }
        self.details = details;
        self
    }

    /// `invalid_argument`, naming the argument in text and details.
    pub fn invalid_argument(argument: &str, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message).with_details(json!({ "argument": argument }))
    }

    /// `overloaded` with the whole seconds after which another try makes sense (at least one).
    pub fn overloaded(message: impl Into<String>, retry_after_seconds: u64) -> Self {
        let seconds = retry_after_seconds.max(1);
        Self::new(Code::Overloaded, message)
            .with_hint(format!(
                "wait {seconds} second{} and call again",
                if seconds == 1 { "" } else { "s" }
            ))
            .with_details(json!({ "retry_after_seconds": seconds }))
    }

    /// `internal_error`; what happened is in the log only.
    pub fn internal(request_id: &str) -> Self {
        Self::new(Code::Internal, "the server could not finish this call")
            .with_details(json!({ "request_id": request_id }))
    }

    /// The object of `structuredContent.error`: `code`, `message`, `hint`, `details`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "code": self.code.as_str(),
            "message": self.message,
            "hint": self.hint,
            "details": self.details,
        })
    }
}

impl fmt::Display for ApiError {
    /// `<code>: <sentence>. <what to do>.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hint = self.hint.chars();
        let first = hint
            .next()
            .map(|c| c.to_ascii_uppercase())
            .into_iter()
            .collect::<String>();
        write!(f, "{}: {}. {first}{}.", self.code, self.message, hint.as_str())
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn text_form_has_code_sentence_and_next_step() {
        let error = ApiError::new(Code::TicketNotFound, "there is no ticket `42`");
        assert_eq!(
            error.to_string(),
            "ticket_not_found: there is no ticket `42`. Call `ticket_list` to see the tickets you may open."
        );
    }

    #[test]
    fn overloaded_says_how_long_to_wait() {
        let error = ApiError::overloaded("too many calls at once", 0);
        assert_eq!(
            error.to_string(),
            "overloaded: too many calls at once. Wait 1 second and call again."
        );
        assert_eq!(error.to_json()["details"]["retry_after_seconds"], 1);
    }

    #[test]
    fn codes_are_distinct_words_and_found_again() {
        let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for &code in Code::ALL {
            assert_eq!(Code::from_wire(code.as_str()), Some(code));
            assert!(!code.default_hint().ends_with('.'), "{code}");
            assert!((400..600).contains(&code.status()), "{code}");
        }
        assert_eq!(Code::from_wire("nonsense"), None);
    }

    #[test]
    fn problem_lists_are_cut() {
        let entries: Vec<Value> = (0..200).map(|n| json!({ "key": n })).collect();
        let error =
            ApiError::new(Code::InvalidFieldValue, "many fields do not fit").with_details(Value::Array(entries));
        assert_eq!(error.details.as_array().map(Vec::len), Some(PROBLEMS_MAX));
    }

    #[test]
    fn the_table_of_codes() {
        let table: Vec<String> = Code::ALL
            .iter()
            .map(|code| format!("{} {}", code.status(), code.as_str()))
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
