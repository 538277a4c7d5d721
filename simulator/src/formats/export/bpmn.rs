//! A definition as BPMN 2.0 XML with its diagram, for drawing tools, other engines and analysis.
//!
//! The diagram means what the engine does, as far as BPMN can say it: see the table in `drawing` for the gateways that
//! are added for that, and for what is not said ([`not_said`]). Everything a
//! definition holds beyond BPMN stands in extension elements, so that `import::bpmn` gives back an equal definition.
//! What does not come back: secrets, unless asked for, which are tokens of hooks and whatever else the engine shows nobody
//! (addresses stay without names, passwords and secret parameters; mind those whose path is a secret);
//! characters in names that XML cannot carry, which become U+FFFD; what somebody changed in the diagram meanwhile, for
//! there BPMN's word counts.
//!
//! Not here: reading BPMN (`import`).

use loonflow_engine::workflow::WorkflowVersion;

mod drawing;
mod layout;
mod secrets;
mod write;

pub(crate) use drawing::left_fork;
pub use drawing::not_said;
pub(crate) use write::{DC, DI, MODEL, SECRETS_LEFT_OUT};

/// Namespace of the extension elements.
pub const NAMESPACE: &str = "urn:loonflow:bpmn:1";

/// The version as a BPMN document; the same version gives the same bytes.
///
/// With `with_secrets` tokens of hooks and other secrets stand in it too.
#[must_use]
pub fn bpmn(version: &WorkflowVersion, with_secrets: bool) -> String {
    let drawing = drawing::Drawing::of(version);
    let layout = layout::Layout::of(version, &drawing);
    write::Sheet {
        version,
        drawing,
        layout,
        with_secrets,
    }
    .write()
}
