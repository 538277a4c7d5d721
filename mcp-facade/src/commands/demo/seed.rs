//! The demo's tickets: stories in a small file, told by driving the engine with its real commands.
//!
//! Not here: rules; a step that the engine refuses ends the demo with its sentence. `@name` in a field is that user's
//! id, `?node` in `who` is whoever was drawn at the node.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail};
use futures::future::try_join_all;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::permission::OWN_APPLICATION;
use loonflow_engine::id::{FieldKey, UserId};
use loonflow_engine::runtime::{ActAnswer, ActRequest, Caller, Category, CreateRequest, Done, Engine, ListQuery};
use loonflow_engine::ticket::{Action, ActionKind};
use loonflow_engine::value::Value as FieldValue;
use serde::Deserialize;
use serde_json::{Map, Value};

const STORIES: &str = include_str!("../../../assets/demo/tickets.json");

/// One ticket and what happened to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    workflow: String,
    creator: String,
    /// The edge out of start; without it, a draft.
    action: Option<String>,
    #[serde(default)]
    fields: Map<String, Value>,
    comment: Option<String>,
    #[serde(default)]
    then: Vec<Step>,
}

/// One action on it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    who: String,
    /// The action's type, and for an edge its id.
    r#do: String,
    node: Option<String>,
    target: Option<String>,
    #[serde(default)]
    fields: Map<String, Value>,
    comment: Option<String>,
}

/// Creates the demo's tickets where an admin sees none yet. Says how many there are now.
///
/// # Errors
/// What the engine said to a step that it did not take.
pub(super) async fn seed(engine: &Engine, directory: &Directory, admin: &str) -> anyhow::Result<u64> {
    let people = People { directory };
    let stories: Vec<Story> = serde_json::from_str(STORIES).context("the demo's stories cannot be read")?;
    if n_tickets(engine, &people, admin).await? == 0 {
        // Side by side: the log writes many tickets' commits at once.
        try_join_all(stories.iter().map(|story| tell(engine, &people, story))).await?;
    }
    n_tickets(engine, &people, admin).await
}

async fn n_tickets(engine: &Engine, people: &People<'_>, admin: &str) -> anyhow::Result<u64> {
    let query = ListQuery {
        category: Category::All,
        ..ListQuery::default()
    };
    let page = engine
        .tickets()
        .list(&people.caller(admin)?, query)
        .await?
        .map_err(|refusal| anyhow!("{refusal}"))?;
    Ok(page.total as u64)
}

async fn tell(engine: &Engine, people: &People<'_>, story: &Story) -> anyhow::Result<()> {
    let request = CreateRequest {
        workflow_id: story.workflow.as_str().into(),
        version_name: None,
        take: story.action.as_deref().map(Into::into),
        fields: people.fields(&story.fields)?,
        comment: story.comment.clone(),
        cc: Vec::new(),
        parent: None,
        dry_run: false,
        idempotency: None,
    };
    let created = engine
        .tickets()
        .create(&people.caller(&story.creator)?, request)
        .await?;
    let place = || format!("a `{}` ticket of `{}`", story.workflow, story.creator);
    let mut done = done(created.map_err(|refusal| anyhow!("{}: {refusal}", place()))?)?;
    for step in &story.then {
        let caller = match step.who.strip_prefix('?') {
            Some(node) => people.caller_of(drawn(&done, node)?),
            None => people.caller(&step.who)?,
        };
        let (action_type, action_id) = step.r#do.split_once(' ').unwrap_or((&step.r#do, &step.r#do));
        let kind = ActionKind::parse(action_type).with_context(|| format!("no action `{}`", step.r#do))?;
        let target = step.target.as_deref().map(|name| people.id(name)).transpose()?;
        let action = Action::of(kind, action_id, target, None);
        let request = ActRequest {
            at: step.node.as_deref().map(Into::into),
            comment: step.comment.clone(),
            fields: people.fields(&step.fields)?,
            expected_version: Some(done.version),
            ..ActRequest::new(done.ticket_id, action)
        };
        let handled = engine.tickets().act(&caller, request).await?;
        done = self::done(handled.map_err(|refusal| anyhow!("{}, `{}`: {refusal}", place(), step.r#do))?)?;
    }
    Ok(())
}

fn done(answer: ActAnswer) -> anyhow::Result<Done> {
    match answer {
        ActAnswer::Done(done) => Ok(done),
        ActAnswer::Preview(_) => bail!("a real call was answered with a preview"),
    }
}

fn drawn<'a>(done: &'a Done, node: &str) -> anyhow::Result<&'a UserId> {
    let at = done.current_nodes.iter().find(|one| one.node_id.as_str() == node);
    let person = at.and_then(|one| one.assignees.first());
    person
        .map(|person| &person.id)
        .with_context(|| format!("nobody is at node `{node}`"))
}

/// The people of the demo, by name.
struct People<'a> {
    directory: &'a Directory,
}

impl People<'_> {
    fn id(&self, name: &str) -> anyhow::Result<UserId> {
        let user = self.directory.users.values().find(|user| user.name == name);
        user.map(|user| user.id.clone())
            .with_context(|| format!("no user `{name}`"))
    }

    fn caller(&self, name: &str) -> anyhow::Result<Caller> {
        Ok(self.caller_of(&self.id(name)?))
    }

    fn caller_of(&self, user: &UserId) -> Caller {
        Caller {
            tenant_id: self.directory.tenant.id.clone(),
            user_id: user.clone(),
            app: OWN_APPLICATION.into(),
            access_token: None,
        }
    }

    fn fields(&self, fields: &Map<String, Value>) -> anyhow::Result<BTreeMap<FieldKey, FieldValue>> {
        let one = |(key, value): (&String, &Value)| {
            let value = match value.as_str().and_then(|text| text.strip_prefix('@')) {
                Some(name) => FieldValue::text(self.id(name)?.as_str()),
                None => FieldValue::from(value),
            };
            Ok((FieldKey::from(key.as_str()), value))
        };
        fields.iter().map(one).collect()
    }
}
