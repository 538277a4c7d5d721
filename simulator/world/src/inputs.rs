//! Reads what jobs work on: definitions and a directory, from files, with sentences where they cannot be used.
//!
//! Where no directory is given, a stand-in is made that has everybody the definitions name, so that one file alone can
//! be checked and simulated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::value::number;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use loonflow_engine::workflow::{AssigneeRule, WorkflowVersion};
use serde_json::{Value as Json, json};

use crate::directory_from;

/// The text of a file, without the mark that some editors begin a UTF-8 text with.
///
/// # Errors
/// Where it cannot be read, or is no UTF-8.
pub fn text_of(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let text = number::utf8(&bytes).map_err(|why| anyhow::anyhow!("`{}` {why}", path.display()))?;
    Ok(text.to_owned())
}

/// One definition, read from a file.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Where it came from, as shown to people.
    pub shown: String,
    /// The file's stem: names the workflow where the definition does not.
    pub stem: Option<String>,
    /// As it stands in the file.
    pub source: Json,
    /// The version, where no problem is an error.
    pub version: Option<Arc<WorkflowVersion>>,
    /// What validation finds, without a directory.
    pub problems: Vec<Problem>,
}

impl Definition {
    /// From JSON text.
    ///
    /// # Errors
    /// Where it is no JSON object.
    pub fn from_text(text: &str, path: &Path) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        let source = json(text, &shown)?;
        if !source.is_object() {
            bail!("`{shown}` is no definition: its text is no JSON object");
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let (version, problems) = check(&source, stem.as_deref(), &ValidationContext::default());
        Ok(Self {
            shown,
            stem,
            source,
            version: version.map(Arc::new),
            problems,
        })
    }

    /// As it stands in the file, with the workflow's id filled in where the file's name gives it.
    #[must_use]
    pub fn named(&self) -> Json {
        let mut named = self.source.clone();
        if let Some(version) = &self.version {
            named["basic_info"]["id"] = version.workflow_id.as_str().into();
        }
        named
    }

    /// The version to run.
    ///
    /// # Errors
    /// Its problems as one sentence, where an error keeps it from running.
    pub fn runnable(&self) -> anyhow::Result<&Arc<WorkflowVersion>> {
        let errors: Vec<String> = self
            .problems
            .iter()
            .filter(|problem| problem.is_error())
            .map(ToString::to_string)
            .collect();
        match &self.version {
            Some(version) => Ok(version),
            None => bail!("`{}` cannot run: {}", self.shown, errors.join("; ")),
        }
    }
}

/// Reads definitions, from files and from folders (every `*.json` in them, by name).
///
/// # Errors
/// The first file that cannot be read or is no JSON object.
pub fn definitions(paths: &[PathBuf]) -> anyhow::Result<Vec<Definition>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found: Vec<PathBuf> = std::fs::read_dir(path)
                .with_context(|| format!("cannot read the folder `{}`", path.display()))?
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
                .collect();
            found.sort();
            files.append(&mut found);
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        bail!("no definition was named: give files, or folders with `*.json` in them");
    }
    files
        .iter()
        .map(|path| {
            let text = text_of(path)?;
            Definition::from_text(&text, path)
        })
        .collect()
}

/// Reads the JSON of a file, of which no digit is lost.
///
/// # Errors
/// Where it is none, with the name that the file is shown by.
pub fn json(text: &str, shown: &str) -> anyhow::Result<Json> {
    number::read_file(text.as_bytes()).map_err(|why| anyhow::anyhow!("`{shown}` {why}"))
}

/// Reads a directory file, or makes the stand-in for the given versions.
///
/// # Errors
/// Where the file cannot be read or is no directory.
pub fn directory(path: Option<&Path>, versions: &[Arc<WorkflowVersion>]) -> anyhow::Result<(Json, Arc<Directory>)> {
    let source = match path {
        Some(path) => {
            let text = text_of(path)?;
            json(&text, &path.display().to_string())?
        }
        None => stand_in(versions),
    };
    let directory = directory_from(&source).map_err(|why| match path {
        Some(path) => anyhow::anyhow!("`{}` is no directory: {why}", path.display()),
        None => anyhow::anyhow!("the stand-in directory cannot be made: {why}"),
    })?;
    Ok((source, directory))
}

/// A directory that has everybody the versions name: their users, departments, roles and applications, and four people
/// besides: an admin, a creator, the leader and approver of the creator's department, and a stranger.
#[must_use]
pub fn stand_in(versions: &[Arc<WorkflowVersion>]) -> Json {
    let mut users: BTreeSet<String> = ["admin", "creator", "approver", "stranger"].map(str::to_owned).into();
    let mut depts: BTreeSet<String> = BTreeSet::new();
    let mut roles: BTreeSet<String> = BTreeSet::new();
    let mut apps: BTreeSet<String> = BTreeSet::new();
    for version in versions {
        apps.extend(version.authorized_apps.iter().map(|app| app.as_str().to_owned()));
        apps.remove("loonflow");
        let permission = &version.permission;
        let named = permission
            .admins
            .iter()
            .chain(&permission.dispatchers)
            .chain(&permission.viewers);
        users.extend(named.map(|user| user.as_str().to_owned()));
        depts.extend(permission.viewer_depts.iter().map(|dept| dept.as_str().to_owned()));
        for node in &version.nodes {
            let Some(props) = node.kind.as_normal() else { continue };
            match &props.assignee {
                AssigneeRule::Users(named) => users.extend(named.iter().map(|one| one.as_str().to_owned())),
                AssigneeRule::Depts(named) => depts.extend(named.iter().map(|one| one.as_str().to_owned())),
                AssigneeRule::Roles(named) => roles.extend(named.iter().map(|one| one.as_str().to_owned())),
                AssigneeRule::Variables(_)
                | AssigneeRule::TicketField(_)
                | AssigneeRule::ParentTicketField(_)
                | AssigneeRule::External(_) => {}
            }
        }
    }
    // Who is in which department and roles; everybody else works for the stand-in department.
    let mut members: BTreeMap<String, (String, Vec<String>)> = users
        .into_iter()
        .map(|user| (user, (STAND_IN_DEPT.to_owned(), Vec::new())))
        .collect();
    let mut dept_list = vec![json!({
        "id": STAND_IN_DEPT, "name": "Stand-in", "parent_id": null, "leader": "approver", "approvers": ["approver"],
    })];
    for dept in &depts {
        for member in members_of(dept) {
            members.insert(member, (dept.clone(), Vec::new()));
        }
        let [lead, _] = members_of(dept);
        dept_list.push(json!({ "id": dept, "name": dept, "parent_id": null, "leader": lead, "approvers": [lead] }));
    }
    for role in &roles {
        for member in members_of(role) {
            let entry = members
                .entry(member)
                .or_insert_with(|| (STAND_IN_DEPT.to_owned(), Vec::new()));
            entry.1.push(role.clone());
        }
    }
    let user_list: Vec<Json> = members
        .iter()
        .enumerate()
        .map(|(idx, (user, (dept, roles)))| {
            json!({
                "id": user, "name": user, "alias": user, "email": format!("user{idx}@simulation.example"),
                "type": if user == "admin" { "admin" } else { "normal" }, "is_active": true,
                "depts": [{ "dept_id": dept, "is_primary": true }], "roles": roles,
            })
        })
        .collect();
    let mut app_list = vec![json!({ "name": "loonflow", "workflow_ids": "*" })];
    app_list.extend(apps.iter().map(|app| json!({ "name": app, "workflow_ids": [] })));
    let role_list: Vec<Json> = roles.iter().map(|role| json!({ "id": role, "name": role })).collect();
    json!({
        "tenant": { "id": "simulation", "name": "Simulation", "domain": "simulation.example" },
        "users": user_list, "depts": dept_list, "roles": role_list,
        "applications": app_list,
    })
}

const STAND_IN_DEPT: &str = "stand_in_dept";

/// The stand-in members of a department or role.
fn members_of(group: &str) -> [String; 2] {
    [format!("{group}_member_1"), format!("{group}_member_2")]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stand-in of every fixture imports, and each fixture has nothing to complain about in it.
    #[test]
    fn the_stand_in_has_everybody() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../engine/fixtures/workflows");
        let all = definitions(&[folder]).expect("fixtures");
        assert_eq!(all.len(), 7);
        for one in &all {
            let versions = [Arc::clone(one.runnable().expect("sound"))];
            let (_, directory) = directory(None, &versions).expect("a directory");
            let context = ValidationContext {
                directory: Some(&directory),
                known_workflows: None,
            };
            let (_, problems) = check(&one.source, one.stem.as_deref(), &context);
            assert!(!problems.iter().any(Problem::is_error), "{}: {problems:?}", one.shown);
        }
    }
}
