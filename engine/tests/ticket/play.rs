//! What the tests of the game play with.

use std::sync::{Arc, LazyLock};

use loonflow_engine::account::directory::Directory;
pub(crate) use loonflow_engine::test_util::{
    NOW, Story as Play, With, absent, context, creation, directory, flow, named_flow, ticket_id,
};

pub(crate) static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(|| directory(&["off"]));
