//! Where the benches of the core play: the fixtures' directory, one of their workflows, commands on it.

use std::collections::BTreeMap;
use std::path::Path;

use loonflow_engine::account::{self, directory::Directory, import::DirectoryFile};
use loonflow_engine::id::{FieldKey, TicketId, UserId};
use loonflow_engine::ticket::{Act, Action, ActionKind, Command, Context, Create, Draw};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;

/// Where a case plays.
pub(crate) struct Stage {
    directory: Directory,
    workflow: WorkflowVersion,
}

fn read(path: &str) -> serde_json::Value {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).join(path);
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

impl Stage {
    pub(crate) fn new(workflow: &str) -> Self {
        let file = DirectoryFile::parse(&read("directory/acme.json")).expect("a directory");
        let empty = Directory::empty(file.tenant.id.clone());
        let command = account::command::Command::Import {
            file: Box::new(file),
            hashes: BTreeMap::new(),
        };
        let foreign = Default::default();
        let context = account::command::Context {
            now: Timestamp(0),
            foreign: &foreign,
        };
        let events = account::decide::decide(&empty, &command, &context).expect("it fits");
        let directory = events.iter().fold(empty, account::apply::apply);
        let workflow = WorkflowVersion::load(&read(&format!("workflows/{workflow}.json"))).expect("a definition");
        Self { directory, workflow }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: Timestamp(1_767_225_600_000),
            directory: &self.directory,
            workflow: &self.workflow,
            draw: Draw::Seed(7),
            parent: None,
            migrate_to: None,
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
        }
    }

    pub(crate) fn user(&self, name: &str) -> UserId {
        let user = self.directory.users.values().find(|user| user.name == name);
        user.expect("a user of the fixtures").id.clone()
    }

    pub(crate) fn create_command(&self, fields: &[(&str, Value)]) -> Command {
        Command::Create(Create {
            via: None,
            ticket_id: TicketId::parse("01939f5a-3c00-7000-8000-000000000001").expect("an id"),
            by: self.user("dev"),
            app: "loonflow".into(),
            take: Some("submit".into()),
            fields: fields
                .iter()
                .map(|(key, value)| (FieldKey::from(*key), value.clone()))
                .collect(),
            comment: None,
            cc: Vec::new(),
            parent: None,
        })
    }

    /// A comment, or an agree edge.
    pub(crate) fn act(&self, name: &str, action_id: &str) -> Command {
        let is_comment = action_id == ActionKind::AddComment.word();
        let kind = if is_comment {
            ActionKind::AddComment
        } else {
            ActionKind::Agree
        };
        Command::Act(Act {
            closes_children: false,
            comment: Some("Seen, thank you; we come back to it tomorrow morning.".to_owned()),
            ..Act::new(self.user(name), Action::of(kind, action_id, None, None))
        })
    }
}

pub(crate) fn leave() -> [(&'static str, Value); 4] {
    let text = Value::text;
    [
        ("leave_type", text("annual")),
        ("leave_start", text("2026-03-02")),
        ("leave_end", text("2026-03-06")),
        ("days", Value::Number("5".into())),
    ]
}
