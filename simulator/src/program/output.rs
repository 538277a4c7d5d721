//! Where results go: text for people or one JSON object on stdout, progress and failures on stderr.

use std::io::Write;

/// Where a job's results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    is_json: bool,
}

impl Output {
    /// With `is_json`, text lines are dropped and the JSON object is printed; else the other way round.
    #[must_use]
    pub fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Whether the caller wants JSON: then a job need not prepare text.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// A line for people.
    pub fn line(&self, text: impl std::fmt::Display) {
        if !self.is_json {
            // A reader that went away is not a failure of the job.
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }

    /// A remark beside a result that is itself a text: on stderr, so that the result can be piped on.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        if !self.is_json {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// The result for programs, once per run.
    pub fn result(&self, json: &serde_json::Value) {
        if self.is_json {
            let _ = writeln!(std::io::stdout().lock(), "{json}");
        }
    }

    /// Why the job could not be carried out.
    pub(crate) fn failure(&self, error: &anyhow::Error) {
        if self.is_json {
            self.result(&serde_json::json!({ "error": format!("{error:#}") }));
        } else {
            let _ = writeln!(std::io::stderr().lock(), "loonflow-simulate: {error:#}");
        }
    }
}
