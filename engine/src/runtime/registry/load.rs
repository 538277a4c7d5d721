//! How directories and workflows come from the log at a start, and which of them are kept out because they cannot be
//! read: each alone, so that one bad event locks nobody else out.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use loonflow_storage::{Error, EventLog, StreamId};

use super::{Entry, Registry, SCHEMA, TREE, TenantState};
use crate::account::{self, directory::Directory};
use crate::codec::{self, CodecError};
use crate::id::{TenantId, WorkflowId};
use crate::runtime::fault::Fault;
use crate::runtime::streams;
use crate::ticket::Ticket;
use crate::workflow::{self, Workflow, WorkflowVersion};

/// What could not be read when the log was opened, and why.
#[derive(Debug, Default)]
pub(super) struct KeptOut {
    tenants: BTreeMap<TenantId, String>,
    workflows: BTreeMap<(TenantId, WorkflowId), String>,
}

impl Registry {
    /// Folds every directory and workflow from the log. One that cannot be read is kept out alone. Blocking.
    pub(crate) fn load(&self, log: &dyn EventLog) -> Result<(), Fault> {
        /// Streams read in one go: bounds memory.
        const BATCH: usize = 1_000;
        let mut after: Option<Vec<u8>> = None;
        let (mut directories, mut workflows) = (Vec::new(), Vec::new());
        loop {
            let entries = log.kv_scan(TREE, after.as_deref(), BATCH)?;
            for (key, value) in &entries {
                match codec::decode(TREE, SCHEMA, value) {
                    Ok(Entry::Directory(tenant)) => directories.push(tenant),
                    Ok(Entry::Workflow(tenant, id)) => workflows.push((tenant, id)),
                    Err(error) => self.keep_out_stream(&String::from_utf8_lossy(key), &error.to_string()),
                }
            }
            match entries.last() {
                Some((key, _)) if entries.len() == BATCH => after = Some(key.clone()),
                Some(_) | None => break,
            }
        }
        for tenant in directories {
            let stream = streams::directory(&tenant);
            let before = Directory::empty(tenant.clone());
            let (mut directory, why) = fold(log, &stream, before, codec::decode_account, |directory, event| {
                account::apply::apply(directory, &event)
            })?;
            directory.forget_staged();
            if let Some(why) = why {
                // Whose the tokens and addresses are is still told, so that nobody is called unknown.
                self.put_index(&directory);
                self.keep_out(&stream, Entry::Directory(tenant), &why);
            } else if directory.is_named() || !directory.has_open_import() {
                // A tenant whose first import was never finished is not there.
                self.put_directory(directory);
            }
        }
        for (tenant, id) in workflows {
            let stream = streams::workflow(&tenant, &id);
            let before = Workflow::new(tenant.clone(), id.clone());
            let (workflow, why) = fold(log, &stream, before, codec::decode_workflow, |workflow, event| {
                workflow::apply::apply(workflow, &event)
            })?;
            if let Some(why) = why {
                self.keep_out(&stream, Entry::Workflow(tenant, id), &why);
            } else if self.check_tenant(&tenant).is_ok() {
                self.put_workflow(&tenant, workflow);
            }
        }
        Ok(())
    }

    /// Keeps a directory or workflow out, and names it.
    fn keep_out(&self, stream: &StreamId, entry: Entry, why: &str) {
        self.unreadable.note(stream.as_str(), why);
        let mut kept_out = self.kept_out.write().unwrap_or_else(PoisonError::into_inner);
        match entry {
            Entry::Directory(tenant) => {
                kept_out.tenants.insert(tenant, why.to_owned());
            }
            Entry::Workflow(tenant, id) => {
                kept_out.workflows.insert((tenant, id), why.to_owned());
            }
        }
    }

    /// The same for a stream of which only the name is known; ids stand in it as they are unless they are long.
    fn keep_out_stream(&self, name: &str, why: &str) {
        let Some(stream) = StreamId::try_new(name) else { return };
        match *name.split('/').collect::<Vec<_>>() {
            ["dir", tenant] => self.keep_out(&stream, Entry::Directory(tenant.into()), why),
            ["wf", tenant, id] => self.keep_out(&stream, Entry::Workflow(tenant.into(), id.into()), why),
            _ => self.unreadable.note(name, why),
        }
    }

    /// Whether a tenant's directory could be read; true of one that is not there.
    pub(crate) fn check_tenant(&self, tenant: &TenantId) -> Result<(), Fault> {
        let kept_out = self.kept_out.read().unwrap_or_else(PoisonError::into_inner);
        match kept_out.tenants.get(tenant) {
            Some(why) => Err(Fault::Unreadable {
                what: format!("the directory of tenant `{tenant}`"),
                why: why.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Whether a workflow could be read; true of one that is not there.
    pub(crate) fn check_workflow(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<(), Fault> {
        let kept_out = self.kept_out.read().unwrap_or_else(PoisonError::into_inner);
        match kept_out.workflows.get(&(tenant.clone(), workflow.clone())) {
            Some(why) => Err(Fault::Unreadable {
                what: format!("workflow `{workflow}`"),
                why: why.clone(),
            }),
            None => Ok(()),
        }
    }

    /// A tenant, `None` where there is no such one.
    pub(crate) fn find(&self, tenant: &TenantId) -> Result<Option<Arc<TenantState>>, Fault> {
        self.check_tenant(tenant)?;
        Ok(self.tenant(tenant))
    }

    /// The version that a ticket is on. It cannot be absent, so that is a fault.
    pub(crate) fn version_of(&self, tenant: &TenantState, ticket: &Ticket) -> Result<Arc<WorkflowVersion>, Fault> {
        if let Some(version) = tenant.version(&ticket.workflow_id, &ticket.version_name) {
            return Ok(version.clone());
        }
        self.check_workflow(&ticket.tenant_id, &ticket.workflow_id)?;
        Err(Fault::Inconsistent {
            what: format!("version `{}` of workflow `{}`", ticket.version_name, ticket.workflow_id),
        })
    }

    /// Tenants that are there, those kept out included.
    pub(crate) fn tenant_ids(&self) -> Vec<TenantId> {
        let kept_out = self.kept_out.read().unwrap_or_else(PoisonError::into_inner);
        self.tenants
            .load()
            .keys()
            .chain(kept_out.tenants.keys())
            .cloned()
            .collect()
    }
}

/// Folds a stream's events, as far as they can be read: what came of it, and why it ends there where it does.
fn fold<T, E>(
    log: &dyn EventLog,
    stream: &StreamId,
    before: T,
    decode: impl Fn(&str, u16, &[u8]) -> Result<E, CodecError>,
    mut apply: impl FnMut(T, E) -> T,
) -> Result<(T, Option<String>), Fault> {
    let commits = match log.read_stream(stream, 0) {
        Ok(commits) => commits,
        Err(error @ Error::Corrupt { .. }) => return Ok((before, Some(error.to_string()))),
        Err(error) => return Err(error.into()),
    };
    let mut folded = before;
    for stored in commits.iter().flat_map(|commit| &commit.events) {
        match decode(&stored.kind, stored.schema, &stored.payload) {
            Ok(event) => folded = apply(folded, event),
            Err(error) => return Ok((folded, Some(error.to_string()))),
        }
    }
    Ok((folded, None))
}
