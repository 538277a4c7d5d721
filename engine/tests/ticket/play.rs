//! A ticket to play with. A workflow is written as lines:
//!
//! ```text
//! form amount:number note:text                 fields beside the title
//! node a normal users:ann,bob whole [flags]    flags: withdraw exclude_creator remember; fields as key=permission
//! node g exclusive default:e2
//! edge e1 agree a -> g
//! edge e2 condition g -> end if amount > 10
//! ```
//! `start` and `end` are there without a line; `start` may write every field. Users: ann bob cat dan (normal),
//! adm (tenant admin), wad (the workflow's admin), dis (dispatcher), vie (viewer), out (nobody's), off (inactive).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use loonflow_engine::account::{self, directory::Directory, import::DirectoryFile};
use loonflow_engine::id::TicketId;
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{
    Act, Action, Command, Context, Create, Draw, Event, HookOutcome, Refusal, Rest, Ticket, apply, decide,
};
use loonflow_engine::ticket::{ActionKind, OfferedActions};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::{Value as Json, json};

pub(crate) static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(|| directory(&["off"]));

pub(crate) const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// The directory with these users inactive.
pub(crate) fn directory(inactive: &[&str]) -> Arc<Directory> {
    let user = |id: &str| {
        json!({
            "id": id, "name": id, "alias": format!("{}.", id.to_uppercase()), "email": format!("{id}@x.example"),
            "type": if id == "adm" { "admin" } else { "normal" }, "is_active": !inactive.contains(&id),
            "depts": [{"dept_id": if id == "cat" { "sub" } else { "top" }, "is_primary": true}],
            "roles": if ["ann", "bob", "off"].contains(&id) { json!(["crew"]) } else { json!([]) },
        })
    };
    let users: Vec<Json> = ["ann", "bob", "cat", "dan", "adm", "wad", "dis", "vie", "out", "off"]
        .into_iter()
        .map(user)
        .collect();
    let file = json!({
        "tenant": {"id": "t", "name": "T", "domain": "x.example", "time_zone": "UTC"},
        "users": users,
        "depts": [
            {"id": "top", "name": "Top", "parent_id": null, "leader": "dan", "approvers": ["bob"]},
            {"id": "sub", "name": "Sub", "parent_id": "top", "leader": null, "approvers": []},
            {"id": "far", "name": "Far", "parent_id": null, "leader": null, "approvers": []},
        ],
        "roles": [{"id": "crew", "name": "crew"}, {"id": "empty", "name": "empty"}],
        "applications": [{"name": "loonflow", "workflow_ids": "*"}],
    });
    let file = DirectoryFile::parse(&file).expect("a directory");
    let directory = Directory::new(file.tenant.clone());
    let command = account::command::Command::Import {
        file: Box::new(file),
        hashes: BTreeMap::new(),
    };
    let foreign = Default::default();
    let context = account::command::Context {
        now: Timestamp(0),
        foreign: &foreign,
    };
    let events = account::decide::decide(&directory, &command, &context).expect("it fits");
    Arc::new(events.iter().fold(directory, account::apply::apply))
}

/// Reads a workflow; panics on one that does not validate.
pub(crate) fn flow(text: &str) -> Arc<WorkflowVersion> {
    named_flow("1.0", text)
}

pub(crate) fn named_flow(version: &str, text: &str) -> Arc<WorkflowVersion> {
    let mut fields: Vec<(String, Json)> = vec![("title".into(), json!({"type": "title"}))];
    let mut nodes: Vec<Json> = Vec::new();
    let mut edges: Vec<Json> = Vec::new();
    let mut start = serde_json::Map::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[0] {
            "form" => {
                for word in &words[1..] {
                    let (key, kind) = word.split_once(':').unwrap();
                    fields.push((key.into(), json!({"type": kind})));
                }
            }
            "title" => {
                let template = line.strip_prefix("title ").unwrap();
                fields[0].1 = json!({"type": "title", "props":
                    {"title_generate_mode": "automatic", "title_template": template}});
                start.insert("title".into(), json!("hidden"));
            }
            "start" => {
                for word in &words[1..] {
                    let (key, permission) = word.split_once('=').unwrap();
                    start.insert(key.into(), json!(permission));
                }
            }
            "node" => nodes.push(node(&words)),
            "edge" => edges.push(edge(line, &words)),
            other => panic!("line starts with `{other}`"),
        }
    }
    for (key, _) in &fields {
        start.entry(key.clone()).or_insert(json!("optional"));
    }
    nodes.insert(
        0,
        json!({"id": "start", "name": "Start", "type": "start", "props": {"field_permissions": start}}),
    );
    nodes.push(json!({"id": "end", "name": "End", "type": "end", "props": {"field_permissions": {}}}));
    let component = |(key, one): &(String, Json)| {
        let props = one.get("props").cloned().unwrap_or(json!({}));
        let children = json!([{"id": format!("c_{key}"), "type": one["type"], "component_key": key,
            "component_name": key, "props": props}]);
        json!({"id": format!("r_{key}"), "type": "row", "component_key": format!("r_{key}"), "children": children})
    };
    let source = json!({
        "basic_info": {"id": "w", "name": "W", "description": "", "version": version},
        "form_schema": {"component_info_list": fields.iter().map(component).collect::<Vec<_>>()},
        "process_schema": {"node_info_list": nodes, "edge_info_list": edges},
        "advanced_schema": {"permission_info":
            {"admin_id_list": ["wad"], "dispatcher_id_list": ["dis"], "viewer_id_list": ["vie"]}},
    });
    Arc::new(WorkflowVersion::load(&source).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

fn node(words: &[&str]) -> Json {
    let mut props = serde_json::Map::new();
    let mut permissions = serde_json::Map::new();
    permissions.insert("title".into(), json!("readonly"));
    if words[2] == "normal" {
        props.insert("assignment_strategy".into(), json!("direct"));
    }
    for word in &words[3..] {
        let rule = ["users", "roles", "depts", "variables", "ticket_field"];
        match (word.split_once(':'), word.split_once('=')) {
            (Some(("default", edge)), _) => drop(props.insert("default_branch".into(), json!(edge))),
            (Some(("duration", span)), _) => drop(props.insert("duration".into(), json!(span))),
            (Some(("until", key)), _) => drop(props.insert("until_field".into(), json!(key))),
            (Some((kind, who)), _) if rule.contains(&kind) => {
                props.insert("assignee_type".into(), json!(kind));
                props.insert("assignee".into(), json!(who));
            }
            (_, Some((key, permission))) => drop(permissions.insert(key.into(), json!(permission))),
            _ => match *word {
                "withdraw" => drop(props.insert("allow_withdraw".into(), json!(true))),
                "exclude_creator" => drop(props.insert("exclude_creator".into(), json!(true))),
                "remember" => drop(props.insert("remember_last_assignee".into(), json!(true))),
                "random" | "voluntary" | "whole" | "all" => {
                    props.insert("assignment_strategy".into(), json!(word));
                }
                other => panic!("flag `{other}`"),
            },
        }
    }
    if words[2] == "hook" {
        props.insert("hook_url".into(), json!("http://hooks.example/x"));
        props.insert("hook_token".into(), json!("s3cret"));
    }
    props.insert("field_permissions".into(), Json::Object(permissions));
    json!({"id": words[1], "name": words[1], "type": words[2], "props": props})
}

fn edge(line: &str, words: &[&str]) -> Json {
    let mut props = json!({});
    if words.contains(&"skip") {
        props["skip_fields_required_check"] = json!(true);
    }
    if let Some((_, condition)) = line.split_once(" if ") {
        let groups = condition.split(" or ").map(|group| {
            let conditions = group.split(" and ").map(|one| {
                let parts: Vec<&str> = one.split_whitespace().collect();
                json!({"field_name": parts[0], "operator": parts[1], "value": parts.get(2).unwrap_or(&"")})
            });
            json!({"conditions": conditions.collect::<Vec<_>>()})
        });
        props["condition_groups"] = groups.collect();
    }
    json!({"id": words[1], "name": words[1], "type": words[2], "source_node_id": words[3],
        "target_node_id": words[5], "props": props})
}

/// A ticket under way.
#[derive(Clone, Debug)]
pub(crate) struct Play {
    pub(crate) workflow: Arc<WorkflowVersion>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) ticket: Ticket,
    pub(crate) now: Timestamp,
    /// What the last command caused.
    pub(crate) events: Vec<Event>,
    pub(crate) seed: u64,
}

/// What is sent with an action.
#[derive(Clone, Default)]
pub(crate) struct With {
    pub(crate) node: Option<&'static str>,
    pub(crate) target: Option<&'static str>,
    pub(crate) to_node: Option<&'static str>,
    pub(crate) comment: Option<&'static str>,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

pub(crate) fn ticket_id() -> TicketId {
    TicketId::parse("01939f5a-3c00-7000-8000-000000000001").unwrap()
}

/// The creation of a ticket titled `T`.
pub(crate) fn creation(creator: &str, edge: Option<&str>) -> Create {
    Create {
        ticket_id: ticket_id(),
        by: creator.into(),
        app: "loonflow".into(),
        take: edge.map(Into::into),
        fields: [("title".into(), Value::text("T"))].into(),
        comment: None,
        cc: Vec::new(),
        parent: None,
    }
}

impl Play {
    /// Ann creates a ticket titled `T` and takes the first edge out of start.
    pub(crate) fn submit(workflow: &Arc<WorkflowVersion>) -> Self {
        Self::submit_with(workflow, "ann", &[]).unwrap()
    }

    pub(crate) fn submit_with(
        workflow: &Arc<WorkflowVersion>,
        creator: &str,
        fields: &[(&'static str, Value)],
    ) -> Result<Self, Refusal> {
        let edge = workflow
            .ways_out(&workflow.start().id)
            .next()
            .unwrap()
            .id
            .as_str()
            .to_owned();
        Self::create(workflow, creator, Some(&edge), fields)
    }

    pub(crate) fn create(
        workflow: &Arc<WorkflowVersion>,
        creator: &str,
        edge: Option<&str>,
        fields: &[(&'static str, Value)],
    ) -> Result<Self, Refusal> {
        let mut create = creation(creator, edge);
        if workflow.form.automatic_title().is_some() {
            create.fields.clear();
        }
        let fields = fields.iter().map(|(key, value)| ((*key).into(), value.clone()));
        create.fields.extend(fields);
        let command = Command::Create(create);
        let context = context(workflow, &DIRECTORY, NOW, Draw::Seed(0));
        let events = decide(None, &command, &context)?;
        let meta = command.meta(&context);
        let ticket = events
            .iter()
            .fold(None, |ticket, event| apply(ticket, event, &meta))
            .unwrap();
        let (workflow, directory) = (workflow.clone(), DIRECTORY.clone());
        Ok(Self {
            workflow,
            directory,
            ticket,
            now: NOW,
            events,
            seed: 1,
        })
    }

    pub(crate) fn command(&mut self, command: &Command) -> Result<(), Refusal> {
        let directory = self.directory.clone();
        let workflow = self.workflow.clone();
        let dry = decide(
            Some(&self.ticket),
            command,
            &context(&workflow, &directory, self.now, Draw::Preview),
        );
        let context = context(&workflow, &directory, self.now, Draw::Seed(self.seed));
        self.seed += 1;
        let events = decide(Some(&self.ticket), command, &context);
        assert_eq!(
            dry.as_ref().err(),
            events.as_ref().err(),
            "dry run and real call refuse alike"
        );
        let events = events?;
        let names = |events: &[Event]| events.iter().map(Event::name).collect::<Vec<_>>();
        assert_eq!(names(&dry?), names(&events), "dry run and real call do alike");
        let meta = command.meta(&context);
        let version = self.ticket.version;
        for event in &events {
            self.ticket.apply(event, &meta);
        }
        assert_eq!(
            self.ticket.version,
            version + events.len() as u64,
            "the version counts events"
        );
        self.events = events;
        Ok(())
    }

    /// The command of an action.
    pub(crate) fn handle(&self, who: &str, kind: &str, id: &str, with: &With) -> Command {
        let kind = ActionKind::parse(kind).expect("a word");
        Command::Act(Act {
            by: who.into(),
            action: Action::of(kind, id, with.target.map(Into::into), with.to_node.map(Into::into)),
            at: with.node.map(Into::into),
            comment: with.comment.map(Into::into),
            fields: with
                .fields
                .iter()
                .map(|(key, value)| ((*key).into(), value.clone()))
                .collect(),
        })
    }

    pub(crate) fn act_with(&mut self, who: &str, kind: &str, id: &str, with: With) -> Result<&mut Self, Refusal> {
        self.command(&self.handle(who, kind, id, &with))?;
        Ok(self)
    }

    /// Takes an edge, or an action by its word; panics on a refusal.
    pub(crate) fn act(&mut self, who: &str, id: &str) -> &mut Self {
        self.try_act(who, id)
            .unwrap_or_else(|refusal| panic!("{who} {id}: {refusal}"));
        self
    }

    pub(crate) fn try_act(&mut self, who: &str, id: &str) -> Result<&mut Self, Refusal> {
        self.act_with(who, &self.kind_of(id), id, With::default())
    }

    pub(crate) fn to(&mut self, who: &str, word: &str, target: &'static str) -> Result<&mut Self, Refusal> {
        self.act_with(
            who,
            word,
            word,
            With {
                target: Some(target),
                ..With::default()
            },
        )
    }

    /// The code of a refusal.
    pub(crate) fn refused(&mut self, who: &str, id: &str) -> &'static str {
        self.try_act(who, id).expect_err("a refusal").code()
    }

    fn kind_of(&self, id: &str) -> String {
        let kind = self.workflow.edge(&id.into()).and_then(ActionKind::of_edge);
        kind.map_or_else(|| id.to_owned(), |kind| kind.word().to_owned())
    }

    pub(crate) fn fire(&mut self) -> Result<(), Refusal> {
        let token = self
            .ticket
            .tokens
            .iter()
            .find(|token| matches!(token.rest, Rest::Timer { .. }))
            .unwrap()
            .id;
        self.command(&Command::FireTimer { token })
    }

    pub(crate) fn report(&mut self, outcome: HookOutcome) -> Result<(), Refusal> {
        let token = self
            .ticket
            .tokens
            .iter()
            .find(|token| matches!(token.rest, Rest::Hook { .. }))
            .unwrap();
        let Rest::Hook { attempt, .. } = token.rest else {
            unreachable!()
        };
        self.command(&Command::ReportHook {
            token: token.id,
            attempt,
            outcome,
        })
    }

    /// Where the ticket is: `on_going a(ann|bob) m(merge)`.
    pub(crate) fn at(&self) -> String {
        let mut told = self.ticket.act_state.word().to_owned();
        for token in &self.ticket.tokens {
            let names = |users: &[loonflow_engine::id::UserId]| {
                users.iter().map(|user| user.as_str()).collect::<Vec<_>>().join("|")
            };
            let rest = match &token.rest {
                Rest::Moving => "moving".to_owned(),
                Rest::Joining => "merge".to_owned(),
                Rest::Unassigned => "nobody".to_owned(),
                Rest::Held { holders, consult: None } => names(holders),
                Rest::Held {
                    consult: Some(consult), ..
                } => format!("{} asks {}", consult.by, consult.to),
                Rest::Offered { candidates } => format!("{}?", names(candidates)),
                Rest::Shared { shares } => {
                    let shares = shares.iter().map(|share| match (&share.vote, &share.consulted) {
                        (Some(vote), _) => format!("{}:{vote}", share.holder),
                        (None, Some(asked)) => format!("{} asks {asked}", share.holder),
                        (None, None) => share.holder.to_string(),
                    });
                    shares.collect::<Vec<_>>().join("&")
                }
                Rest::Timer { due } => due.to_rfc3339(),
                Rest::Hook { attempt, failed: None } => format!("hook {attempt}"),
                Rest::Hook {
                    attempt,
                    failed: Some(_),
                } => format!("hook {attempt} failed"),
                Rest::Ended => String::new(),
            };
            told.push_str(&if rest.is_empty() {
                format!(" {}", token.node)
            } else {
                format!(" {}({rest})", token.node)
            });
        }
        told
    }

    /// The ids of the tokens, oldest first.
    pub(crate) fn token_ids(&self) -> Vec<u64> {
        self.ticket.tokens.iter().map(|token| token.id.0).collect()
    }

    /// What a user is offered.
    pub(crate) fn offered(&self, who: &str) -> OfferedActions {
        let context = context(&self.workflow, &self.directory, self.now, Draw::Preview);
        offered(&self.ticket, &who.into(), &context)
    }

    /// The ids of what a user is offered, in order, admin actions last.
    pub(crate) fn offers(&self, who: &str) -> String {
        self.offered(who)
            .iter()
            .map(|action| action.id.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

pub(crate) fn context<'a>(
    workflow: &'a WorkflowVersion,
    directory: &'a Directory,
    now: Timestamp,
    draw: Draw,
) -> Context<'a> {
    Context {
        now,
        directory,
        workflow,
        draw,
        parent: None,
        migrate_to: None,
    }
}
