//! What an operator asks of effects: what became of calls, and a clock that can be moved on.

use loonflow_engine::id::TicketId;
use loonflow_mcp_facade::shifted_clock::span_text;
use serde_json::json;

use super::{Items, Operator, give};

impl Operator {
    /// The last tries of calls over all tenants, the newest first.
    pub(super) async fn deliveries(&self, ticket: Option<&str>, limit: u32, items: &Items) -> Result<(), String> {
        let engine = self.engine()?;
        let ticket = match ticket {
            None => None,
            Some(text) => Some(TicketId::parse(text).ok_or_else(|| format!("ticket `{text}` was not found"))?),
        };
        let n_max = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for tenant in engine.directories().tenants() {
            found.extend(engine.effects().deliveries(&tenant.id, ticket, n_max));
        }
        // Each tenant's are in their order already, and stay in it.
        found.sort_by_key(|one| std::cmp::Reverse(one.at));
        for one in found.into_iter().take(n_max) {
            let item = json!({
                "at": one.at.to_string(),
                "ticket": one.ticket.to_string(),
                "effect": one.effect.to_string(),
                "target": one.target,
                "status": one.status,
                "error": one.error,
                "ms": one.ms,
            });
            give(items, item).await?;
        }
        Ok(())
    }

    /// Moves the clock on, where it is one for trying out, and says what it shows.
    pub(super) async fn clock(&self, by_ms: Option<i64>, items: &Items) -> Result<(), String> {
        let Some(clock) = &self.shifted_clock else {
            return Err(
                "this server runs on the machine's clock; one that is started with `--clock` can be moved".into(),
            );
        };
        if let Some(by_ms) = by_ms {
            clock.move_on(by_ms)?;
            tracing::warn!(ahead = span_text(clock.ahead_ms()), "the clock was moved on");
        }
        let now = loonflow_engine::port::Clock::now(&**clock);
        give(
            items,
            json!({ "now": now.to_string(), "ahead": span_text(clock.ahead_ms()) }),
        )
        .await
    }
}
