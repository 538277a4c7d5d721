//! What an operator asks of files.

use loonflow_engine::id::FileId;
use serde_json::json;

use super::{Items, Operator, give, worded};

impl Operator {
    /// Erases a file in the name of an admin of its tenant.
    pub(super) async fn erase_file(
        &self,
        file_id: &str,
        email: &str,
        reason: &str,
        items: &Items,
    ) -> Result<(), String> {
        let (tenant, user) = self.user(email)?;
        let id = FileId::parse(file_id).ok_or_else(|| format!("file `{file_id}` was not found"))?;
        let erased = self.engine()?.files().erase(&tenant, &user, id, reason).await;
        let done = erased
            .map_err(|fault| fault.to_string())?
            .map_err(|refusal| worded(&refusal.into()))?;
        give(items, json!({ "ticket_id": done.ticket_id.to_string() })).await
    }
}
