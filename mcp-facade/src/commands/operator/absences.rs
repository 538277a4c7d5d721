//! Absences, as an operator sets, clears and lists them; people are named by their addresses.

use loonflow_engine::account::absence::Absence;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{AbsenceId, UserId};
use loonflow_engine::runtime::AbsenceRequest;
use loonflow_engine::time::Timestamp;
use loonflow_mcp_facade::wire::absence::HandedOver;
use serde_json::{Value, json};

use super::{Items, Operator, give, refused};

/// See `Request::SetAbsence`.
pub(super) struct Set {
    pub(super) email: String,
    pub(super) delegate: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) workflows: Vec<String>,
    pub(super) hand_over: bool,
}

impl Operator {
    pub(super) async fn set_absence(&self, set: Set, items: &Items) -> Result<(), String> {
        let (tenant, user) = self.user(&set.email)?;
        let (of_delegate, delegate) = self.user(&set.delegate)?;
        if of_delegate != tenant {
            return Err(format!("`{}` and `{}` are not of one tenant", set.email, set.delegate));
        }
        let request = AbsenceRequest {
            user,
            delegate,
            from: set.from,
            to: set.to,
            workflows: set.workflows.into_iter().map(Into::into).collect(),
            hand_over: set.hand_over,
        };
        let engine = self.engine()?;
        let report = refused(engine.absences().set(&tenant, None, request).await, items).await?;
        let directory = engine.directories().of(&tenant).ok_or("the tenant is gone")?;
        give(items, row(&report.absence, &directory)).await?;
        if let Some(handed_over) = report.handed_over {
            let told = serde_json::to_value(HandedOver::from(handed_over)).map_err(|error| error.to_string())?;
            give(items, told).await?;
        }
        Ok(())
    }

    pub(super) async fn clear_absence(&self, email: &str, id: String, items: &Items) -> Result<(), String> {
        let (tenant, user) = self.user(email)?;
        let engine = self.engine()?;
        let of_user = refused(engine.absences().list(&tenant, None, &user).await, items).await?;
        let id = AbsenceId::from(id);
        if !of_user.iter().any(|absence| absence.id == id && absence.user == user) {
            return Err(format!("`{email}` has no absence `{id}` that is not over"));
        }
        refused(engine.absences().clear(&tenant, None, &id).await, items).await
    }

    pub(super) async fn list_absences(&self, email: &str, items: &Items) -> Result<(), String> {
        let (tenant, user) = self.user(email)?;
        let engine = self.engine()?;
        let absences = refused(engine.absences().list(&tenant, None, &user).await, items).await?;
        let directory = engine.directories().of(&tenant).ok_or("the tenant is gone")?;
        for absence in absences {
            give(items, row(&absence, &directory)).await?;
        }
        Ok(())
    }
}

fn row(absence: &Absence, directory: &Directory) -> Value {
    let email = |user: &UserId| {
        directory
            .user(user)
            .map_or_else(|| user.to_string(), |user| user.email.clone())
    };
    let time = |at: Timestamp| at.to_answer(directory.zone());
    json!({
        "id": absence.id.as_str(),
        "user": email(&absence.user),
        "delegate": email(&absence.delegate),
        "from": time(absence.from),
        "to": time(absence.to),
        "workflow_ids": absence.workflows.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
    })
}
