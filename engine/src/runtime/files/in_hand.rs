//! Drafts that a command names: looked up before it is decided, and in hand until it is on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::{FieldKey, FileId, TenantId, UserId};
use crate::runtime::fault::Fault;
use crate::runtime::kept_files::{Claim, Kept, blocking};
use crate::runtime::slot::Shared;
use crate::ticket::{Command, Drafts, file};
use crate::time::Timestamp;
use crate::value::Value;
use crate::workflow::WorkflowVersion;

impl Command {
    /// Who acts, and the values that they send, where it has any.
    fn sent_values(&self) -> Option<(&UserId, &BTreeMap<FieldKey, Value>)> {
        match self {
            Self::Create(create) => Some((&create.by, &create.fields)),
            Self::Act(act) => Some((&act.by, &act.fields)),
            Self::FireTimer { .. }
            | Self::ReachDeadline { .. }
            | Self::ReportHook { .. }
            | Self::CloseEffect { .. }
            | Self::OpenChild(_)
            | Self::EndChild { .. }
            | Self::Migrate { .. }
            | Self::EraseFile { .. }
            | Self::ReviewHolders
            | Self::HandOver { .. }
            | Self::ReviewDeadlines { .. } => None,
        }
    }

    fn named_files(&self, workflow: &WorkflowVersion) -> BTreeSet<FileId> {
        let sent = self.sent_values();
        sent.map_or_else(BTreeSet::new, |(_, fields)| file::named_ids(&workflow.form, fields))
    }
}

async fn look_up(
    kept: Arc<Kept>,
    tenant: &TenantId,
    command: &Command,
    ids: Vec<FileId>,
    now: Timestamp,
) -> Result<Drafts, Fault> {
    let (Some((user, _)), false) = (command.sent_values(), ids.is_empty()) else {
        return Ok(Drafts::default());
    };
    let (tenant, user) = (tenant.clone(), user.clone());
    blocking(move || kept.drafts(&tenant, &user, &ids, now)).await
}

impl Shared {
    /// The drafts that a command names and whoever acts has, in hand until the claim goes; `None` where no files are
    /// kept.
    pub(crate) async fn claimed_drafts(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowVersion,
        command: &Command,
        now: Timestamp,
    ) -> Result<Option<(Drafts, Claim)>, Fault> {
        let Some(kept) = self.files.clone() else {
            return Ok(None);
        };
        let claim = kept.claim(command.named_files(workflow));
        let drafts = look_up(kept, tenant, command, claim.ids.clone(), now).await?;
        Ok(Some((drafts, claim)))
    }

    /// The same for a rehearsal, which keeps them from nobody.
    pub(crate) async fn drafts(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowVersion,
        command: &Command,
        now: Timestamp,
    ) -> Result<Option<Drafts>, Fault> {
        let Some(kept) = self.files.clone() else {
            return Ok(None);
        };
        let ids = command.named_files(workflow).into_iter().collect();
        look_up(kept, tenant, command, ids, now).await.map(Some)
    }

    /// Notes that a command used drafts and was refused: whoever made it is about to make it again.
    pub(crate) async fn note_use(
        &self,
        tenant: &TenantId,
        command: &Command,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (Some((user, _)), false) = (command.sent_values(), claim.ids.is_empty()) else {
            return Ok(());
        };
        let (kept, ids, tenant, user) = (claim.kept.clone(), claim.ids.clone(), tenant.clone(), user.clone());
        blocking(move || kept.note_use(&ids, &tenant, &user, now)).await
    }
}
