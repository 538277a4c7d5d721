//! Workflows and directories written in Rust: they yield the same JSON as the files that people write, and are checked,
//! stored and shown in the same way.
//!
//! ```
//! use loonflow_engine::define::{Assign, Field, Node, Workflow};
//! use loonflow_engine::workflow::condition::Operator;
//!
//! let purchase = Workflow::new("purchase", "1.0")
//!     .field(Field::title().required_at("start"))
//!     .field(Field::number("price").required_at("start").prop("min", 0))
//!     .node(Node::step("manager", Assign::users(["bob"])))
//!     .node(Node::exclusive("how_much").default_branch("small"))
//!     .node(Node::step("finance", Assign::roles(["finance"])))
//!     .agree("ask", "start", "manager")
//!     .agree("approve", "manager", "how_much")
//!     .reject("send_back", "manager", "start")
//!     .way("large", "how_much", "finance").when("price", Operator::Greater, 1_000)
//!     .way("small", "how_much", "end")
//!     .agree("pay", "finance", "end");
//! let (version, problems) = purchase.check();
//! assert!(version.is_some(), "{problems:?}");
//! ```
//!
//! Not here: what the parts mean, which is said where the JSON is described
//! ([`writing_definitions`](crate::writing_definitions), [`writing_directories`](crate::writing_directories)); whether they
//! are right (`workflow::validate`, `account::import`).

mod field;
mod node;
mod people;
mod workflow;

pub use field::Field;
pub use node::{Approval, Assign, Deadline, Node};
pub use people::{Hours, People, Person};
pub use workflow::Workflow;

/// A JSON object under way.
type Object = serde_json::Map<String, serde_json::Value>;

/// Sets an entry.
fn set(object: &mut Object, key: &str, value: impl Into<serde_json::Value>) {
    object.insert(key.to_owned(), value.into());
}

/// Texts as a JSON list.
fn texts<T: Into<String>>(from: impl IntoIterator<Item = T>) -> serde_json::Value {
    from.into_iter()
        .map(|one| serde_json::Value::String(one.into()))
        .collect()
}
