//! Files in fields: which a value may name, what is stored of them, what is left of an erased one (semantics: files).

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::define::Field;
use loonflow_engine::id::{FieldKey, FileId};
use loonflow_engine::ticket::{
    Act, Action, Command, Context, Create, Drafts, Draw, Event, FileInfo, Files, Meta, Refusal, Ticket, apply, decide,
};
use loonflow_engine::value::Value;
use loonflow_engine::view::flow_history;
use loonflow_engine::workflow::validate::{ValidationContext, check};
use loonflow_engine::workflow::{FieldPermission, WorkflowVersion};
use serde_json::json;

use crate::play::{DIRECTORY, NOW, context, creation, flow};

fn file(n: u128, name: &str, media_type: &str) -> FileInfo {
    FileInfo {
        id: FileId(uuid::Uuid::from_u128(n)),
        name: name.to_owned(),
        n_bytes: 5,
        media_type: media_type.to_owned(),
        sha256: [u8::try_from(n).expect("is small"); 32],
    }
}

fn pdf(n: u128) -> FileInfo {
    file(n, &format!("{n}.pdf"), "application/pdf")
}

fn id(n: u128) -> String {
    pdf(n).id.to_string()
}

/// A workflow with a field for a file and one for several, which `b` does not show.
fn two_fields() -> Arc<WorkflowVersion> {
    flow(
        "form one:file many:file*
         node a normal users:bob one=optional many=optional
         node b normal users:cat one=optional
         edge go agree start -> a
         edge on agree a -> b
         edge back reject b -> a
         edge ok agree b -> end",
    )
}

struct Desk {
    workflow: Arc<WorkflowVersion>,
    drafts: Drafts,
    ticket: Option<Ticket>,
    commits: Vec<(Meta, Vec<Event>)>,
}

impl Desk {
    fn new(workflow: Arc<WorkflowVersion>, drafts: impl IntoIterator<Item = FileInfo>) -> Self {
        Self {
            workflow,
            drafts: Drafts(drafts.into_iter().map(|info| (info.id, info)).collect()),
            ticket: None,
            commits: Vec::new(),
        }
    }

    fn command(&mut self, command: &Command) -> Result<(), Refusal> {
        let context = Context {
            files: Files::Drafts(&self.drafts),
            ..context(&self.workflow, &DIRECTORY, NOW, Draw::Seed(0))
        };
        let events = decide(self.ticket.as_ref(), command, &context)?;
        let meta = command.meta(&context);
        for event in &events {
            self.ticket = apply(self.ticket.take(), event, &meta);
        }
        self.commits.push((meta, events));
        Ok(())
    }

    fn create(&mut self, fields: &serde_json::Value) -> Result<(), Refusal> {
        let mut create: Create = creation("ann", Some("go"));
        create.fields.extend(values(fields));
        self.command(&Command::Create(create))
    }

    fn act(&mut self, user: &str, edge: &str, fields: &serde_json::Value) -> Result<(), Refusal> {
        self.command(&Command::Act(Act {
            closes_children: false,
            by: user.into(),
            action: Action::take(edge),
            at: None,
            comment: None,
            fields: values(fields),
        }))
    }

    fn erase(&mut self, n: u128, by: &str) -> Result<(), Refusal> {
        self.command(&Command::EraseFile {
            file: pdf(n).id,
            by: by.into(),
            reason: "names a patient".to_owned(),
        })
    }

    fn ticket(&self) -> &Ticket {
        self.ticket.as_ref().expect("there is one")
    }

    fn field(&self, key: &str) -> serde_json::Value {
        let value = self.ticket().fields.get(key);
        value.map_or(serde_json::Value::Null, serde_json::Value::from)
    }
}

fn values(fields: &serde_json::Value) -> BTreeMap<FieldKey, Value> {
    let fields = fields.as_object().expect("an object").iter();
    fields.map(|(key, value)| (key.as_str().into(), value.into())).collect()
}

fn descriptor(info: &FileInfo) -> serde_json::Value {
    serde_json::Value::from(&info.to_value())
}

fn code(result: Result<(), Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.code(), |()| "")
}

#[test]
fn a_value_names_ids_and_the_events_say_what_each_is() {
    let mut desk = Desk::new(two_fields(), (1..6).map(pdf));
    desk.create(&json!({"one": id(1), "many": [id(2), {"id": id(3), "name": "what the sender says"}, id(2)]}))
        .expect("is taken");
    assert_eq!(desk.field("one"), descriptor(&pdf(1)));
    assert_eq!(desk.field("many"), json!([descriptor(&pdf(2)), descriptor(&pdf(3))]));
    let mut desk = Desk::new(two_fields(), (1..6).map(pdf));
    desk.create(&json!({"many": format!("{}, {}", id(4), id(5)), "one": [id(1)]}))
        .expect("is taken");
    assert_eq!(desk.field("many"), json!([descriptor(&pdf(4)), descriptor(&pdf(5))]));
    assert_eq!(desk.field("one"), json!([descriptor(&pdf(1))]));
    assert_eq!(desk.ticket().files.len(), 3);
}

#[test]
fn what_is_neither_a_draft_nor_in_the_ticket_is_unknown() {
    for value in [
        json!(id(9)),
        json!("a.pdf"),
        json!({"name": "a.pdf"}),
        descriptor(&pdf(9)),
        json!({"id": "1"}),
    ] {
        let mut desk = Desk::new(two_fields(), [pdf(1)]);
        assert_eq!(code(desk.create(&json!({ "one": value }))), "unknown_file", "{value}");
        assert!(desk.ticket.is_none());
    }
    for value in [
        json!([id(1), id(1)]),
        json!(format!("{0},{0}", id(1))),
        json!(5),
        json!([[id(1)]]),
        json!([{}]),
    ] {
        let mut desk = Desk::new(two_fields(), [pdf(1)]);
        assert_eq!(
            code(desk.create(&json!({ "one": value }))),
            "invalid_field_value",
            "{value}"
        );
    }
}

#[test]
fn without_files_a_field_takes_none_and_says_so() {
    let workflow = two_fields();
    let mut create = creation("ann", Some("go"));
    create.fields.extend(values(&json!({"one": id(1)})));
    let context = Context {
        files: Files::Unkept,
        ..context(&workflow, &DIRECTORY, NOW, Draw::Seed(0))
    };
    let refused = decide(None, &Command::Create(create), &context).expect_err("nobody keeps files");
    assert_eq!(refused.code(), "invalid_field_value");
    assert!(refused.to_string().contains("no files are kept here"), "{refused}");
}

#[test]
fn a_file_of_the_ticket_may_be_named_again_where_it_is_seen() {
    let mut desk = Desk::new(two_fields(), [pdf(1), pdf(2)]);
    desk.create(&json!({"one": id(1), "many": [id(2)]})).expect("is taken");
    // Both are in the ticket, and no drafts any more.
    desk.drafts = Drafts::default();
    desk.act(
        "bob",
        "on",
        &json!({"one": id(2), "many": [descriptor(&pdf(2)), id(1)]}),
    )
    .expect("both are seen");
    assert_eq!(desk.field("one"), descriptor(&pdf(2)));
    // At `b` the field of the second is hidden, and so is whatever was in it alone.
    let mut desk = Desk::new(two_fields(), [pdf(1), pdf(2)]);
    desk.create(&json!({"one": id(1), "many": [id(2)]})).expect("is taken");
    desk.act("bob", "on", &json!({})).expect("goes on");
    desk.drafts = Drafts::default();
    assert_eq!(code(desk.act("cat", "ok", &json!({"one": id(2)}))), "unknown_file");
    desk.act("cat", "back", &json!({"one": ""})).expect("is emptied");
    // Taken out, it stays the ticket's.
    desk.act("bob", "on", &json!({"one": id(1)})).expect("was in it before");
    assert_eq!(desk.field("one"), descriptor(&pdf(1)));
}

#[test]
fn an_erased_file_leaves_no_name_and_no_digest() {
    let mut desk = Desk::new(two_fields(), [pdf(1), pdf(2)]);
    desk.create(&json!({"one": id(1), "many": [id(2), id(1)]}))
        .expect("is taken");
    assert_eq!(code(desk.erase(1, "bob")), "permission_denied");
    assert_eq!(code(desk.erase(7, "adm")), "unknown_file");
    desk.erase(1, "adm").expect("is erased");
    assert_eq!(code(desk.erase(1, "adm")), "file_erased");
    let gone = json!({"id": id(1), "erased": true});
    assert_eq!(desk.field("one"), gone);
    assert_eq!(desk.field("many"), json!([descriptor(&pdf(2)), gone]));
    // Forms come back as they were shown.
    desk.act("bob", "on", &json!({"one": gone, "many": [id(2), gone]}))
        .expect("nothing changes");
    assert_eq!(code(desk.act("cat", "ok", &json!({"one": [id(9)]}))), "unknown_file");
    let permissions: BTreeMap<FieldKey, FieldPermission> = ["one", "many"]
        .map(|key| (key.into(), FieldPermission::Readonly))
        .into();
    let history = flow_history::entries(&desk.commits, &desk.workflow, &DIRECTORY, &permissions);
    let told = format!("{history:?}");
    assert!(
        !told.contains("1.pdf") && told.contains("2.pdf") && !told.contains(&"01".repeat(32)),
        "{told}"
    );
    let entry = history
        .iter()
        .find(|entry| entry.action_type == "file_erase")
        .expect("is told");
    assert_eq!(entry.comment.as_deref(), Some("names a patient"));
    assert_eq!(entry.by.as_ref().map(|by| by.id.as_str()), Some("adm"));
}

#[test]
fn key_file_accept() {
    let with = |accept: serde_json::Value| {
        let field = Field::new(loonflow_engine::workflow::ComponentKind::File, "doc").prop("accept", accept);
        let workflow = loonflow_engine::define::Workflow::new("w", "1")
            .field(Field::title())
            .field(field)
            .node(loonflow_engine::define::Node::step(
                "a",
                loonflow_engine::define::Assign::users(["bob"]),
            ))
            .agree("go", "start", "a")
            .agree("ok", "a", "end");
        let (version, problems) = check(&workflow.definition(), None, &ValidationContext::default());
        version.map(Arc::new).ok_or_else(|| format!("{problems:?}"))
    };
    let drafts = || {
        [
            pdf(1),
            file(2, "a.png", "image/png"),
            file(3, "table.CSV", "application/octet-stream"),
        ]
    };
    for (accept, taken) in [
        (json!(["application/pdf"]), [true, false, false]),
        (json!(["image/*", ".csv"]), [false, true, true]),
        (json!([]), [true, true, true]),
        (json!(null), [true, true, true]),
    ] {
        for (n, is_taken) in (1..).zip(taken) {
            let mut desk = Desk::new(with(accept.clone()).expect("is sound"), drafts());
            let expected = if is_taken { "" } else { "file_type_not_allowed" };
            assert_eq!(code(desk.create(&json!({"doc": id(n)}))), expected, "{accept} {n}");
        }
    }
    for accept in [json!("application/pdf"), json!(["pdf"]), json!([5])] {
        let problems = with(accept.clone()).expect_err("is no list of types");
        assert!(problems.contains("bad_accept"), "{accept}: {problems}");
    }
}
