//! Testing a workflow of one's own: the rules that matter to its owner, as tests without an engine.
//!
//! `cargo test -p loonflow-engine --example own_workflow --features test-util`

use std::sync::Arc;

use loonflow_engine::test_util::{Story, flow};
use loonflow_engine::workflow::WorkflowVersion;

/// Expenses: the boss approves, never their own; above 500 the crew must agree, everyone of it.
fn expenses() -> Arc<WorkflowVersion> {
    flow(
        "form amount:number reason:text
         start amount=required reason=optional
         node boss normal users:bob,dan exclude_creator amount=readonly
         node large exclusive default:small
         node crew normal users:ann,cat whole amount=readonly
         edge claim agree start -> boss
         edge approve agree boss -> large
         edge send_back reject boss -> start
         edge big condition large -> crew if amount > 500
         edge small condition large -> end
         edge pay agree crew -> end
         edge veto reject crew -> end",
    )
}

fn main() {
    let story = Story::submit_with(&expenses(), "ann", &[("amount", 40.into())]);
    assert!(story.is_ok_and(|story| story.at() == "on_going boss(bob|dan)"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(by: &str, amount: i64) -> Story {
        Story::submit_with(&expenses(), by, &[("amount", amount.into())]).expect("anyone may claim")
    }

    #[test]
    fn a_small_claim_needs_the_boss_alone() {
        assert_eq!(claim("ann", 40).act("bob", "approve").at(), "finished end");
    }

    #[test]
    fn nobody_approves_their_own() {
        let mut story = claim("bob", 40);
        assert_eq!(story.at(), "on_going boss(dan)");
        assert_eq!(story.refused("bob", "approve"), "permission_denied");
    }

    #[test]
    fn a_large_claim_needs_everyone_of_the_crew() {
        let mut story = claim("ann", 900);
        assert_eq!(story.act("bob", "approve").at(), "on_going crew(ann&cat)");
        assert_eq!(story.act("cat", "pay").at(), "on_going crew(ann&cat:pay)");
        assert_eq!(story.act("ann", "veto").at(), "rejected end");
    }

    #[test]
    fn an_amount_is_needed() {
        let refusal = Story::submit_with(&expenses(), "ann", &[]).expect_err("refused");
        assert_eq!(refusal.code(), "missing_required_fields");
    }
}
