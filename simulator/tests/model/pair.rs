//! The engine and the model side by side: every step goes to both, and they are held against each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, NodeId};
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::offer::offered;
use loonflow_engine::ticket::{Act, Action, Command, Context, Draw, decide_with_outcome, visibility};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::hunt::model::{Model, compare};
use loonflow_simulator::world::case::CaseStep;
use loonflow_simulator::world::{World, directory_from};
use serde_json::Value as Json;

/// The fixtures: a directory and definitions, as JSON and as the engine reads them.
pub(crate) struct Fixtures {
    pub(crate) directory_json: Json,
    pub(crate) directory: Arc<Directory>,
    pub(crate) workflows: Vec<Arc<WorkflowVersion>>,
    /// With all definitions published.
    pub(crate) model: Model,
}

pub(crate) static FIXTURES: LazyLock<Fixtures> = LazyLock::new(|| {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures"));
    let read = |path: &Path| -> Json {
        let text = std::fs::read_to_string(path).expect("a fixture");
        serde_json::from_str(&text).expect("JSON")
    };
    let mut files: Vec<_> = std::fs::read_dir(root.join("workflows"))
        .expect("fixtures")
        .map(|one| one.expect("an entry").path())
        .collect();
    files.sort();
    let definitions: Vec<Json> = files.iter().map(|path| read(path)).collect();
    fixtures_of(read(&root.join("directory/acme.json")), &definitions)
});

pub(crate) fn fixtures_of(directory_json: Json, definitions: &[Json]) -> Fixtures {
    let mut model = Model::new(&directory_json).expect("a directory");
    let mut workflows = Vec::new();
    for definition in definitions {
        let loaded = WorkflowVersion::load(definition);
        workflows.push(Arc::new(
            loaded.unwrap_or_else(|problems| panic!("{}: {problems:?}", definition["basic_info"])),
        ));
        model.publish(definition).expect("a sound definition");
    }
    Fixtures {
        directory: directory_from(&directory_json).expect("a directory"),
        directory_json,
        workflows,
        model,
    }
}

/// Both worlds.
pub(crate) struct Pair {
    pub(crate) world: World,
    pub(crate) model: Model,
}

impl Pair {
    pub(crate) fn new(fixtures: &Fixtures, seed: u64) -> Self {
        Self {
            world: World::new(fixtures.directory.clone(), fixtures.workflows.clone(), seed),
            model: fixtures.model.clone(),
        }
    }

    /// One command for both; whether it was carried out, or how they differ.
    pub(crate) fn step(
        &mut self,
        ticket: Option<usize>,
        workflow: &Arc<WorkflowVersion>,
        command: &Command,
    ) -> Result<bool, String> {
        let step = CaseStep::from_command(ticket, &workflow.workflow_id, command).ok_or("no step of a case")?;
        let engine = self.world.carry_out(ticket, workflow, command);
        let drawn = engine
            .as_ref()
            .map_or_else(|_| Vec::new(), |(_, events)| compare::drawn(events));
        let answer = self.model.step(&step, self.world.now.0, &drawn);
        let told = |why: String| format!("{why}\nstep: {step:?}");
        compare::answer(&self.model, &answer, engine.as_ref().map(|(idx, _)| *idx)).map_err(told)?;
        if let Some(idx) = engine.as_ref().map_or(ticket, |(idx, _)| Some(*idx)) {
            compare::ticket(&self.model, idx, None, &self.world.tickets[idx].ticket).map_err(told)?;
        }
        Ok(engine.is_ok())
    }

    /// A ticket goes over to a version that the model has published last.
    pub(crate) fn migrate(
        &mut self,
        idx: usize,
        from: &WorkflowVersion,
        to: &WorkflowVersion,
        operator: Option<&str>,
        nodes: BTreeMap<NodeId, NodeId>,
    ) -> Result<bool, String> {
        let command = Command::Migrate {
            operator: operator.map(Into::into),
            nodes,
        };
        let step = CaseStep::from_command(Some(idx), &from.workflow_id, &command).ok_or("no step of a case")?;
        let context = Context {
            migrate_to: Some(to),
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
            ..self.world.context(from, Draw::Preview)
        };
        let engine = decide_with_outcome(Some(&self.world.tickets[idx].ticket), &command, &context);
        let meta = command.meta(&context);
        let answer = self.model.step(&step, self.world.now.0, &[]);
        let told = |why: String| format!("{why}\nstep: {step:?}");
        compare::answer(&self.model, &answer, engine.as_ref().map(|_| idx)).map_err(told)?;
        let done = engine.is_ok();
        if let Ok((events, ticket)) = engine {
            self.world.tickets[idx].commits.push((meta, events));
            self.world.tickets[idx].ticket = ticket;
        }
        compare::ticket(&self.model, idx, None, &self.world.tickets[idx].ticket).map_err(told)?;
        Ok(done)
    }

    /// Offers and view of every ticket, for everyone and for one who is nobody.
    pub(crate) fn check_offers(&self) -> Result<(), String> {
        for (idx, recorded) in self.world.tickets.iter().enumerate() {
            let ticket = &recorded.ticket;
            let workflow = self.world.workflow_of(ticket).ok_or("no workflow")?;
            let context = self.world.context(workflow, Draw::Preview);
            let nobody = "nobody".into();
            for user in self.world.directory.users.keys().chain([&nobody]) {
                let offers = offered(ticket, user, &context);
                compare::offers(&self.model, idx, user.as_str(), &offers)?;
                let sees = visibility::may_view(ticket, user, &self.world.directory, workflow);
                compare::seen(&self.model, idx, user.as_str(), sees, workflow, &offers)?;
            }
        }
        Ok(())
    }

    /// The directory with some users inactive, in both.
    pub(crate) fn deactivate(&mut self, fixtures: &Fixtures, inactive: &[&str]) {
        let mut changed = fixtures.directory_json.clone();
        for user in changed["users"].as_array_mut().expect("users") {
            let is_gone = inactive.iter().any(|id| user["id"] == **id);
            user["is_active"] = Json::Bool(!is_gone);
        }
        self.world.directory = directory_from(&changed).expect("a directory");
        self.model.set_directory(&changed).expect("a directory");
    }

    /// The ids of a directory's users, in order.
    pub(crate) fn user_ids(fixtures: &Fixtures) -> Vec<String> {
        let users: BTreeMap<_, _> = fixtures.directory.users.iter().collect();
        users.keys().map(|id| id.as_str().to_owned()).collect()
    }
}

/// An edge taken by somebody, with fields.
pub(crate) fn edge(who: &str, kind: &str, id: &str, fields: BTreeMap<FieldKey, Value>) -> Command {
    let kind = ActionKind::parse(kind).expect("a word");
    Command::Act(Act {
        closes_children: false,
        fields,
        ..Act::new(who, Action::of(kind, id, None, None))
    })
}
