//! An organisation to try things on: Acme's people and seven workflows, as the files that are read everywhere else
//! (feature `demo`).
//!
//! The texts are the package's own fixtures, so what a demonstration shows is what the tests run on. Not here: tickets,
//! which whoever demonstrates creates.

/// Acme's directory, with passwords in plain text as a directory file may have them.
pub const DIRECTORY: &str = include_str!("../fixtures/directory/acme.json");

/// Acme's workflows with their ids, in the order in which they name each other.
pub const WORKFLOWS: [(&str, &str); 7] = [
    ("leave", include_str!("../fixtures/workflows/leave.json")),
    ("purchase", include_str!("../fixtures/workflows/purchase.json")),
    ("incident", include_str!("../fixtures/workflows/incident.json")),
    ("access", include_str!("../fixtures/workflows/access.json")),
    ("onboarding", include_str!("../fixtures/workflows/onboarding.json")),
    ("release", include_str!("../fixtures/workflows/release.json")),
    ("nested", include_str!("../fixtures/workflows/nested.json")),
];

/// One of [`WORKFLOWS`].
#[must_use]
pub fn workflow(id: &str) -> Option<&'static str> {
    WORKFLOWS.iter().find(|(one, _)| *one == id).map(|(_, text)| *text)
}
