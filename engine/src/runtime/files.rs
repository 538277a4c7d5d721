//! Files: uploading them, reading them, taking them away (semantics: files).
//!
//! Not here: which files a value may name (`ticket::file_rules`), where they are kept (`kept_files`), and drafts that a
//! command names (`in_hand`).

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use crate::account::permission;
use crate::id::{FieldKey, FileId, TenantId, TicketId, UserId};
use crate::runtime::Answer;
use crate::runtime::engine::Engine;
use crate::runtime::fault::Fault;
use crate::runtime::kept_files::{Kept, Upload, blocking, is_over, records};
use crate::runtime::request::{Caller, Done};
use crate::ticket::{Command, FileInfo, Refusal};
use crate::value::Value;
use crate::view::ticket_detail;
use crate::workflow::{FieldPermission, Form};

mod in_hand;

/// Bytes that are read at a time.
const BITE_BYTES: usize = 64 << 10;

/// Files of tickets and drafts of people.
#[derive(Clone, Copy, Debug)]
pub struct Files<'e> {
    engine: &'e Engine,
}

impl Engine {
    /// Files of tickets and drafts of people.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files { engine: self }
    }

    /// Files of a parent in the values that its sub-ticket is created with, as files of the creator's own.
    pub(crate) async fn copied_files(
        &self,
        tenant: &TenantId,
        between: (TicketId, TicketId),
        creator: &UserId,
        form: &Form,
        mut fields: BTreeMap<FieldKey, Value>,
    ) -> Result<BTreeMap<FieldKey, Value>, Fault> {
        let is_file = |key: &FieldKey| form.component(key).is_some_and(|component| component.is_file());
        let Some(kept) = self.inner.shared.files.clone() else {
            return Ok(fields);
        };
        if !fields.keys().any(is_file) {
            return Ok(fields);
        }
        let of_files: Vec<(FieldKey, Value)> = fields
            .iter()
            .filter(|(key, _)| is_file(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let (tenant, creator, now) = (tenant.clone(), creator.clone(), self.inner.shared.ports.clock.now());
        let copied = blocking(move || {
            let copy = |(key, value): (FieldKey, Value)| {
                let copied = kept.copy(&tenant, between, &creator, &value, now)?;
                Ok((key, copied))
            };
            of_files.into_iter().map(copy).collect::<Result<Vec<_>, Fault>>()
        });
        fields.extend(copied.await?);
        Ok(fields)
    }
}

/// A file that is being read.
pub struct OpenFile {
    /// What it is.
    pub info: FileInfo,
    bytes: Option<Box<dyn Read + Send>>,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl OpenFile {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the disk does not give them.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(mut bytes) = self.bytes.take() else {
            return Ok(None);
        };
        let (bytes, bite) = blocking(move || {
            let mut bite = vec![0; BITE_BYTES];
            let n = bytes
                .read(&mut bite)
                .map_err(|error| loonflow_storage::Error::io("read the bytes of a file", &error))?;
            bite.truncate(n);
            Ok((bytes, bite))
        })
        .await?;
        if bite.is_empty() {
            return Ok(None);
        }
        self.bytes = Some(bytes);
        Ok(Some(bite))
    }
}

impl Files<'_> {
    fn kept(self) -> Result<Arc<Kept>, Refusal> {
        self.engine.inner.shared.files.clone().ok_or(Refusal::FilesNotKept)
    }

    /// Begins to take a file in, in somebody's name.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn upload(self, caller: &Caller) -> Answer<Upload> {
        let kept = match self.kept() {
            Ok(kept) => kept,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let shared = &self.engine.inner.shared;
        let is_active =
            |tenant: &crate::runtime::registry::TenantState| tenant.directory.active_user(&caller.user_id).is_some();
        if !shared
            .registry
            .find(&caller.tenant_id)?
            .is_some_and(|tenant| is_active(&tenant))
        {
            return Ok(Err(Refusal::PermissionDenied {
                what: "an upload".into(),
                who_may: "any active user of the tenant may".into(),
            }));
        }
        Upload::begin(kept, shared.ports.clone(), caller.clone()).await
    }

    /// Opens a file to read: a draft of the caller's own, or one of a ticket that they may view, in a field that they
    /// see. Any other is unknown.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn open(self, caller: &Caller, id: FileId) -> Answer<OpenFile> {
        let kept = match self.kept() {
            Ok(kept) => kept,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = self.engine.inner.shared.ports.clock.now();
        let found = {
            let (kept, caller) = (kept.clone(), caller.clone());
            blocking(move || {
                let draft = records::draft(&*kept.log, &caller.tenant_id, &caller.user_id, id)?;
                if let Some(draft) = draft.filter(|draft| !is_over(draft, now)) {
                    return Ok(Some((draft.info, None)));
                }
                let attached = records::attached(&*kept.log, &caller.tenant_id, id)?;
                Ok(attached.map(|attached| (attached.info, Some(attached.ticket))))
            })
            .await?
        };
        let unknown = || Refusal::UnknownFile { id: id.to_string() };
        let Some((info, ticket)) = found else {
            return Ok(Err(unknown()));
        };
        if let Some(ticket) = ticket {
            match self.check_seen(caller, ticket, id).await? {
                Ok(()) => {}
                Err(refusal @ (Refusal::FileErased { .. } | Refusal::AppNotAllowed { .. })) => return Ok(Err(refusal)),
                Err(_) => return Ok(Err(unknown())),
            }
        }
        let blob = records::blob(&caller.tenant_id, &info);
        let bytes = blocking(move || Ok(kept.store.open(&blob)?)).await?;
        match bytes {
            Some(bytes) => Ok(Ok(OpenFile {
                info,
                bytes: Some(bytes),
            })),
            None => Err(Fault::Inconsistent {
                what: format!("the bytes of file `{id}` are not there"),
            }),
        }
    }

    async fn check_seen(self, caller: &Caller, ticket: TicketId, id: FileId) -> Answer<()> {
        let seen = match self.engine.viewable(caller, ticket).await? {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let unknown = || Refusal::UnknownFile { id: id.to_string() };
        let Some(file) = seen.ticket.files.get(&id) else {
            return Ok(Err(unknown()));
        };
        let now = self.engine.inner.shared.ports.clock.now();
        let permissions = ticket_detail::permissions(
            &seen.ticket,
            &seen.workflow,
            &seen.tenant.directory,
            &caller.user_id,
            now,
        );
        let is_seen = |key: &FieldKey| {
            let permission = permissions.get(key);
            permission.is_some_and(|permission| *permission != FieldPermission::Hidden)
        };
        if !file.fields.iter().any(is_seen) {
            return Ok(Err(unknown()));
        }
        Ok(if file.is_erased {
            Err(Refusal::FileErased { id: id.to_string() })
        } else {
            Ok(())
        })
    }

    /// Where a file is fetched; `None` where nobody knows the server's address.
    #[must_use]
    pub fn url(self, id: FileId) -> Option<String> {
        let base = self.engine.inner.options.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/files/{id}"))
    }

    /// Takes away what nobody uses: drafts that were not used for a day, and bytes that no file has. The engine does so
    /// every hour by itself. How many drafts, and bytes of how many files, went.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep(self) -> Result<(usize, usize), Fault> {
        let shared = &self.engine.inner.shared;
        let Some(kept) = shared.files.clone() else {
            return Ok((0, 0));
        };
        let now = shared.ports.clock.now();
        blocking(move || kept.sweep(now)).await
    }

    /// Takes the bytes of a ticket's file away for good, as an admin of the tenant, who says why. They go once no other
    /// file has the same.
    ///
    /// # Errors
    /// A fault; the refusal is inside.
    pub async fn erase(self, tenant: &TenantId, by: &UserId, id: FileId, reason: &str) -> Answer<Done> {
        let kept = match self.kept() {
            Ok(kept) => kept,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let directory = self.engine.inner.registry.find(tenant)?;
        let is_admin = directory.is_some_and(|tenant| {
            let user = tenant.directory.user(by);
            user.is_some_and(|user| permission::is_tenant_admin(user))
        });
        let found = {
            let (kept, tenant) = (kept.clone(), tenant.clone());
            blocking(move || records::attached(&*kept.log, &tenant, id)).await?
        };
        // Whoever may not erase is not told which files there are.
        let Some(found) = found.filter(|_| is_admin) else {
            return Ok(Err(if is_admin {
                Refusal::UnknownFile { id: id.to_string() }
            } else {
                Refusal::PermissionDenied {
                    what: "erasing a file".into(),
                    who_may: "the tenant's admins may".into(),
                }
            }));
        };
        let command = Command::EraseFile {
            file: id,
            by: by.clone(),
            reason: reason.to_owned(),
        };
        let erased = self.engine.engine_command(tenant, found.ticket, command).await?;
        if erased.is_ok() {
            let blob = records::blob(tenant, &found.info);
            blocking(move || kept.remove_uncounted(&blob)).await?;
        }
        Ok(erased)
    }
}
