//! What a hook is sent: the ticket as the commit left it that owes the call, so every try sends the same bytes
//! (semantics: effects).

use serde::Serialize;
use serde_json::Value as Json;

use crate::id::{FieldKey, NodeId, TenantId, TicketId, UserId, VersionName, WorkflowId};
use crate::ticket::{ActState, EffectId, Ticket};
use crate::time::Timestamp;

/// The `type` of a call to a hook node; that of an event hook's is the event's word.
pub const OF_NODE: &str = "hook";

/// A call's body; the order of its keys is part of the bytes that are signed.
#[derive(Serialize)]
pub struct Body<'t> {
    /// The call's id, the same in every try; left out in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// [`OF_NODE`], or an event's word.
    pub r#type: &'t str,
    /// When the commit was decided, by RFC 3339; left out in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    tenant_id: &'t TenantId,
    ticket_id: TicketId,
    /// The ticket's version after the commit; left out in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    workflow_id: &'t WorkflowId,
    workflow_version: &'t VersionName,
    node_id: Option<&'t NodeId>,
    title: &'t str,
    act_state: ActState,
    creator_id: &'t UserId,
    parent_ticket_id: Option<TicketId>,
    fields: serde_json::Map<String, Json>,
    /// Where an asynchronous hook calls back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

impl<'t> Body<'t> {
    /// Of a ticket as the commit left it. `shows` says which fields: all of them to whom a hook posts.
    #[must_use]
    pub fn of(ticket: &'t Ticket, kind: &'t str, node: Option<&'t NodeId>, shows: impl Fn(&FieldKey) -> bool) -> Self {
        let fields = ticket.fields.iter().filter(|(key, _)| shows(key));
        Self {
            id: None,
            r#type: kind,
            timestamp: None,
            tenant_id: &ticket.tenant_id,
            ticket_id: ticket.id,
            version: None,
            workflow_id: &ticket.workflow_id,
            workflow_version: &ticket.version_name,
            node_id: node,
            title: &ticket.title,
            act_state: ticket.act_state,
            creator_id: &ticket.creator,
            parent_ticket_id: ticket.parent.as_ref().map(|(parent, _)| *parent),
            fields: fields
                .map(|(key, value)| (key.to_string(), Json::from(value)))
                .collect(),
            callback_url: None,
        }
    }

    /// As it is sent.
    #[must_use]
    pub fn sent(mut self, effect: EffectId, version: u64, at: Timestamp) -> Self {
        self.id = Some(webhook_id(self.ticket_id, effect));
        self.version = Some(version);
        self.timestamp = Some(at.to_rfc3339());
        self
    }
}

/// The header `webhook-id` of every try of an effect, by which a receiver drops what it has had already.
#[must_use]
pub fn webhook_id(ticket: TicketId, effect: EffectId) -> String {
    format!("msg_{}_{}_{}", ticket.0.simple(), effect.version, effect.index)
}

/// The effect that a `webhook-id` names.
#[must_use]
pub fn parse_webhook_id(text: &str) -> Option<(TicketId, EffectId)> {
    let mut parts = text.strip_prefix("msg_")?.split('_');
    let ticket = parts.next().filter(|hex| hex.len() == 32)?;
    let ticket = TicketId(uuid::Uuid::try_parse(ticket).ok()?);
    let effect: EffectId = format!("{}.{}", parts.next()?, parts.next()?).parse().ok()?;
    let is_it = parts.next().is_none() && webhook_id(ticket, effect) == text;
    is_it.then_some((ticket, effect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_effect_and_nothing_else_does() {
        let ticket = TicketId::parse("01939f5a-3c00-7000-8000-000000000001").unwrap();
        let effect = EffectId { version: 12, index: 3 };
        let id = webhook_id(ticket, effect);
        assert_eq!(id, "msg_01939f5a3c0070008000000000000001_12_3");
        assert_eq!(parse_webhook_id(&id), Some((ticket, effect)));
        let odd = [
            "",
            "msg_",
            "msg_01939f5a3c0070008000000000000001_12",
            "msg_01939f5a3c0070008000000000000001_12_3_4",
            "msg_01939f5a3c0070008000000000000001_012_3",
            "msg_01939F5A3C0070008000000000000001_12_3",
            "msg_01939f5a-3c00-7000-8000-000000000001_12_3",
        ];
        for odd in odd {
            assert_eq!(parse_webhook_id(odd), None, "{odd}");
        }
    }
}
