//! For tests, of this crate and of workflows of one's own: workflows written as lines, stories told in steps, a clock
//! that stands still. Everything here panics where a test is wrong.
//!
//! ```
//! use loonflow_engine::test_util::{Story, flow};
//!
//! let leave = flow(
//!     "form days:number
//!      start days=required
//!      node boss normal users:bob exclude_creator
//!      edge ask agree start -> boss
//!      edge yes agree boss -> end
//!      edge no reject boss -> start",
//! );
//! let mut story = Story::submit_with(&leave, "ann", &[("days", 2.into())]).expect("ann may ask");
//! assert_eq!(story.at(), "on_going boss(bob)");
//! assert_eq!(story.refused("ann", "yes"), "permission_denied");
//! assert_eq!(story.act("bob", "yes").at(), "finished end");
//! ```
//!
//! Feature `test-util`. Its lines and names may change between minor versions.

mod clock;
mod flow;
mod people;
mod story;

pub use clock::ManualClock;
pub use flow::{definition, flow, named_flow};
pub use people::{absent, directory, directory_of};
pub use story::{NOW, Story, With, context, creation, ticket_id};
