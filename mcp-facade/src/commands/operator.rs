//! What an operator at the machine can ask of the log and the engine, the same through the admin socket and in the
//! process of a command: nobody's rights are asked, the socket's owner is the operator.
//!
//! Not here: what is printed (each command). Items of an answer are JSON; a refusal ends it with a sentence.

mod absences;
mod backup;
mod effects;
mod files;
mod workflows;

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::account::decide::Refusal as AccountRefusal;
use loonflow_engine::account::import::ImportProblem;
use loonflow_engine::id::{AccessTokenId, NodeId, TenantId, TicketId, UserId};
use loonflow_engine::port::Clock;
use loonflow_engine::runtime::{AccessTokenInfo, Engine, Fault, ImportOptions, OperatorRefusal};
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::decide::Refusal as WorkflowRefusal;
use loonflow_engine::workflow::problem::Problem;
use loonflow_mcp_facade::error::ApiError;
use loonflow_mcp_facade::shifted_clock::ShiftedClock;
use loonflow_storage::backup::Since;
use loonflow_storage::{BlobStore, EventLog};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

pub(crate) use self::backup::verify_log;
use self::workflows::Publish;
use super::store::Store;

/// One request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Bring a tenant's directory to what a file says; `whole`: and to nothing else.
    ImportDirectory {
        directory: Value,
        #[serde(default)]
        whole: bool,
        #[serde(default)]
        dry_run: bool,
    },
    /// Publish a version of a workflow; `tenant` is a domain, needed where there are several.
    PublishWorkflow {
        definition: Value,
        file_stem: Option<String>,
        tenant: Option<String>,
        candidate: bool,
        #[serde(default)]
        dry_run: bool,
    },
    /// Make a version of a workflow the default, a candidate or archived.
    SetVersionState {
        tenant: Option<String>,
        workflow_id: String,
        version: String,
        state: String,
    },
    /// List the versions of all workflows.
    ListVersions { tenant: Option<String> },
    /// Make a personal access token.
    CreateToken {
        email: String,
        label: String,
        days: Option<u32>,
    },
    /// List a user's tokens.
    ListTokens { email: String },
    /// Revoke one of a user's tokens.
    RevokeToken { email: String, id: String },
    /// Say that somebody is away; people by their addresses.
    SetAbsence {
        email: String,
        delegate: String,
        from: String,
        to: String,
        workflows: Vec<String>,
        hand_over: bool,
    },
    /// Take an absence of a user back.
    ClearAbsence { email: String, id: String },
    /// List absences that concern a user.
    ListAbsences { email: String },
    /// Move a ticket to another version.
    MigrateTicket {
        ticket_id: String,
        version: String,
        nodes: BTreeMap<String, String>,
        email: String,
    },
    /// Take a file's bytes away for good.
    EraseFile {
        file_id: String,
        email: String,
        reason: String,
    },
    /// The log as JSON lines, whole or what came after an export; items are texts of some lines each.
    Export { since: Since },
    /// Walk the whole log and everything in it.
    Verify,
    /// How the engine is: whether it is ready, how many effects are open, and what it does not serve.
    Status,
    /// What became of the last calls to hooks.
    Deliveries { ticket: Option<String>, limit: u32 },
    /// What the engine's clock shows; before that it is moved on by so many milliseconds.
    Clock { by_ms: Option<i64> },
}

/// Carries requests out.
#[derive(Clone)]
pub(crate) struct Operator {
    log: Arc<dyn EventLog>,
    blobs: Arc<dyn BlobStore>,
    engine: Option<Engine>,
    clock: Option<Arc<dyn Clock>>,
    shifted_clock: Option<Arc<ShiftedClock>>,
}

/// The items of an answer on their way.
pub(crate) type Items = mpsc::Sender<Value>;

impl Operator {
    /// On an open store.
    pub(crate) fn of_store(store: &Store) -> Self {
        Self {
            log: Arc::clone(&store.log),
            blobs: Arc::clone(&store.blobs),
            engine: Some(store.engine.clone()),
            clock: Some(Arc::clone(&store.clock)),
            shifted_clock: store.shifted_clock.clone(),
        }
    }

    /// On a log alone, and the bytes of files beside it.
    pub(crate) fn of_log(log: Arc<dyn EventLog>, blobs: Arc<dyn BlobStore>) -> Self {
        Self {
            log,
            blobs,
            engine: None,
            clock: None,
            shifted_clock: None,
        }
    }

    /// The log.
    pub(crate) fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// Carries a request out.
    ///
    /// # Errors
    /// The sentence of a refusal or a fault.
    pub(crate) async fn answer(&self, request: Request, items: Items) -> Result<(), String> {
        match request {
            Request::Export { since } => backup::export(Arc::clone(&self.log), self.blobs.clone(), since, items).await,
            Request::Verify => {
                let (log, blobs) = (Arc::clone(&self.log), self.blobs.clone());
                backup::verify(log, blobs, self.engine.clone(), items).await
            }
            Request::EraseFile { file_id, email, reason } => self.erase_file(&file_id, &email, &reason, &items).await,
            Request::Status => self.status(&items).await,
            Request::Deliveries { ticket, limit } => self.deliveries(ticket.as_deref(), limit, &items).await,
            Request::Clock { by_ms } => self.clock(by_ms, &items).await,
            Request::ImportDirectory {
                directory,
                whole,
                dry_run,
            } => {
                let options = ImportOptions { whole, dry_run };
                self.import_directory(directory, options, &items).await
            }
            Request::PublishWorkflow {
                definition,
                file_stem,
                tenant,
                candidate,
                dry_run,
            } => {
                let what = Publish {
                    definition,
                    file_stem,
                    tenant,
                    candidate,
                    dry_run,
                };
                self.publish(what, &items).await
            }
            Request::SetVersionState {
                tenant,
                workflow_id,
                version,
                state,
            } => {
                self.set_version_state(tenant.as_deref(), workflow_id, version, &state, &items)
                    .await
            }
            Request::ListVersions { tenant } => self.list_versions(tenant.as_deref(), &items).await,
            Request::CreateToken { email, label, days } => {
                let (tenant, user) = self.user(&email)?;
                let made = self
                    .engine()?
                    .access_tokens()
                    .create(&tenant, &user, &label, days)
                    .await;
                let (id, text) = refused(made, &items).await?;
                give(&items, json!({ "id": id.as_str(), "token": text.expose() })).await
            }
            Request::ListTokens { email } => self.list_tokens(&email, &items).await,
            Request::RevokeToken { email, id } => {
                let (tenant, user) = self.user(&email)?;
                let revoked = self
                    .engine()?
                    .access_tokens()
                    .revoke(&tenant, &user, &AccessTokenId::from(id))
                    .await;
                refused(revoked, &items).await
            }
            Request::SetAbsence {
                email,
                delegate,
                from,
                to,
                workflows,
                hand_over,
            } => {
                let set = absences::Set {
                    email,
                    delegate,
                    from,
                    to,
                    workflows,
                    hand_over,
                };
                self.set_absence(set, &items).await
            }
            Request::ClearAbsence { email, id } => self.clear_absence(&email, id, &items).await,
            Request::ListAbsences { email } => self.list_absences(&email, &items).await,
            Request::MigrateTicket {
                ticket_id,
                version,
                nodes,
                email,
            } => self.migrate(&ticket_id, version, nodes, &email, &items).await,
        }
    }

    async fn status(&self, items: &Items) -> Result<(), String> {
        let engine = self.engine()?.clone();
        // It asks the file system.
        let asked = tokio::task::spawn_blocking(move || {
            (
                engine.readiness().reason(),
                engine.unreadable(),
                engine.effects().n_open(),
            )
        });
        let (reason, unreadable, n_open) = asked.await.map_err(|_| "the work broke off".to_owned())?;
        let how = json!({
            "not_ready": reason,
            "position": self.log.last_position(),
            "n_open_effects": n_open,
        });
        give(items, how).await?;
        for one in unreadable {
            give(items, json!({ "stream": one.stream, "why": one.why })).await?;
        }
        Ok(())
    }

    fn engine(&self) -> Result<&Engine, String> {
        self.engine.as_ref().ok_or_else(|| "this needs the engine".to_owned())
    }

    /// A user by e-mail address, active or not: tokens of a user who left can still be revoked.
    fn user(&self, email: &str) -> Result<(TenantId, UserId), String> {
        let engine = self.engine()?;
        let found = engine.directories().tenants().into_iter().find_map(|tenant| {
            let directory = engine.directories().of(&tenant.id)?;
            let user = directory.user_by_email(email)?;
            Some((tenant.id, user.id.clone()))
        });
        found.ok_or_else(|| {
            format!("there is no user with the e-mail address `{email}`; import a directory that has one")
        })
    }

    /// The tenant of a domain, or the only one.
    fn tenant(&self, domain: Option<&str>) -> Result<TenantId, String> {
        let engine = self.engine()?;
        let tenants = engine.directories().tenants();
        if let Some(domain) = domain {
            return engine.directories().by_domain(domain).ok_or_else(|| {
                let folded = domain.trim().to_lowercase();
                if tenants.iter().any(|tenant| tenant.domain.to_lowercase() == folded) {
                    format!("several tenants have the domain `{domain}`; import one of them with another domain")
                } else {
                    format!("there is no tenant `{domain}`; import its directory first")
                }
            });
        }
        match tenants.as_slice() {
            [] => Err("there is no tenant yet; import a directory first".to_owned()),
            [tenant] => Ok(tenant.id.clone()),
            several => {
                let domains: Vec<String> = several.iter().map(|tenant| format!("`{}`", tenant.domain)).collect();
                Err(format!(
                    "there are several tenants; name one with `--tenant`: {}",
                    domains.join(", ")
                ))
            }
        }
    }

    async fn import_directory(&self, directory: Value, options: ImportOptions, items: &Items) -> Result<(), String> {
        let engine = self.engine()?;
        let imported = engine.directories().import_as(directory, options).await;
        let report = refused(imported, items).await?;
        for warning in &report.warnings {
            give(items, import_problem(warning, false)).await?;
        }
        let missing: Vec<&str> = report.missing.first.iter().map(|(_, email)| email.as_str()).collect();
        let report = json!({
            "domain": report.domain,
            "n_changes": report.n_changed,
            "n_users": report.n_users,
            "n_reviewed": report.n_reviewed,
            "n_missing": report.missing.n_users,
            "missing": missing,
            "whole": options.whole,
            "dry_run": options.dry_run,
        });
        give(items, report).await
    }

    async fn list_tokens(&self, email: &str, items: &Items) -> Result<(), String> {
        let (tenant, user) = self.user(email)?;
        let engine = self.engine()?;
        let tokens = refused(engine.access_tokens().list(&tenant, &user).await, items).await?;
        let directory = engine.directories().of(&tenant).ok_or("the tenant is gone")?;
        let time = |at: Option<Timestamp>| at.map(|at| at.to_answer(directory.zone()));
        for token in tokens {
            let row = json!({
                "id": token.id.as_str(),
                "label": token.label,
                "created_at": time(Some(token.created_at)),
                "expires_at": time(token.expires_at),
                "last_used_at": time(token.last_used_at),
                "revoked_at": time(token.revoked_at),
                "state": self.state_of(&token),
            });
            give(items, row).await?;
        }
        Ok(())
    }

    fn state_of(&self, token: &AccessTokenInfo) -> &'static str {
        let now = self.clock.as_ref().map_or(Timestamp(0), |clock| clock.now());
        if token.revoked_at.is_some() {
            "revoked"
        } else if token.expires_at.is_some_and(|end| end <= now) {
            "expired"
        } else {
            "live"
        }
    }

    async fn migrate(
        &self,
        ticket_id: &str,
        version: String,
        nodes: BTreeMap<String, String>,
        email: &str,
        items: &Items,
    ) -> Result<(), String> {
        let (tenant, user) = self.user(email)?;
        let ticket = TicketId::parse(ticket_id).ok_or_else(|| format!("ticket `{ticket_id}` was not found"))?;
        let nodes = nodes
            .into_iter()
            .map(|(old, new)| (NodeId::from(old), NodeId::from(new)))
            .collect();
        let migrated = self
            .engine()?
            .tickets()
            .migrate(&tenant, ticket, &version.into(), nodes, Some(&user))
            .await;
        let done = migrated
            .map_err(|fault| fault.to_string())?
            .map_err(|refusal| worded(&refusal.into()))?;
        let nodes: Vec<&str> = done.current_nodes.iter().map(|node| node.node_id.as_str()).collect();
        give(items, json!({ "version": done.version, "nodes": nodes })).await
    }
}

/// Gives an item.
///
/// # Errors
/// When whoever asked is gone.
async fn give(items: &Items, item: Value) -> Result<(), String> {
    items.send(item).await.map_err(|_| "nobody listens any more".to_owned())
}

/// The answer of the engine; of a refusal every problem is an item of its own.
async fn refused<T>(answer: Result<Result<T, OperatorRefusal>, Fault>, items: &Items) -> Result<T, String> {
    let refusal = match answer.map_err(|fault| with_causes(&fault))? {
        Ok(answer) => return Ok(answer),
        Err(refusal) => refusal,
    };
    match &refusal {
        OperatorRefusal::Account(AccountRefusal::Invalid { problems })
        | OperatorRefusal::InvalidDirectory { problems } => {
            for one in problems {
                give(items, import_problem(one, true)).await?;
            }
            Err(format!(
                "{}: the directory has {} problem(s)",
                refusal.code(),
                problems.len()
            ))
        }
        OperatorRefusal::Workflow(WorkflowRefusal::Invalid { problems }) => {
            for one in problems {
                give(items, problem(one)).await?;
            }
            let n_errors = problems.iter().filter(|one| one.is_error()).count();
            Err(format!("{}: the definition has {n_errors} error(s)", refusal.code()))
        }
        OperatorRefusal::TenantNotFound { .. } | OperatorRefusal::Account(_) | OperatorRefusal::Workflow(_) => {
            Err(worded(&refusal.into()))
        }
    }
}

/// A refusal as the operator reads it, on a line of its own.
fn worded(error: &ApiError) -> String {
    format!("{}: {}; {}", error.code, error.message, error.hint)
}

/// An error and what caused it: the operator is told all of it.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// A problem of a directory.
pub(crate) fn import_problem(one: &ImportProblem, is_error: bool) -> Value {
    json!({ "problem": { "code": one.code, "is_error": is_error, "message": one.message } })
}

/// A problem of a definition, with its place.
pub(crate) fn problem(problem: &Problem) -> Value {
    json!({ "problem": {
        "code": problem.code,
        "is_error": problem.is_error(),
        "message": problem.message,
        "node": problem.node.as_ref().map(|node| node.as_str()),
        "edge": problem.edge.as_ref().map(|edge| edge.as_str()),
        "field": problem.field.as_ref().map(|field| field.as_str()),
    }})
}

/// A problem as a line for people; `None` for an item that is none.
pub(crate) fn problem_line(item: &Value) -> Option<String> {
    let problem = item.get("problem")?;
    let word = if problem["is_error"] == true {
        "error"
    } else {
        "warning"
    };
    let places: String = ["node", "edge", "field"]
        .iter()
        .filter_map(|kind| Some(format!(" {kind} `{}`", problem[*kind].as_str()?.escape_debug())))
        .collect();
    let code = problem["code"].as_str().unwrap_or_default();
    let message = problem["message"].as_str().unwrap_or_default();
    Some(format!("{word} {code}{places}: {message}"))
}
