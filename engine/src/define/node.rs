//! Nodes of a process, and their deadlines.

use serde_json::{Value as Json, json};

use super::{Object, set, texts};
use crate::workflow::{OnCreator, OnNobody, Strategy, Variable};

/// Who is assigned at a step.
#[derive(Clone, Debug)]
pub struct Assign {
    kind: &'static str,
    whom: Json,
}

impl Assign {
    /// These users.
    #[must_use]
    pub fn users<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::of("users", texts(ids))
    }

    /// Active members of these departments and those below them.
    #[must_use]
    pub fn depts<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::of("depts", texts(ids))
    }

    /// Active members of these roles.
    #[must_use]
    pub fn roles<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self::of("roles", texts(ids))
    }

    /// Whoever stands so to the creator.
    #[must_use]
    pub fn variables(variables: impl IntoIterator<Item = Variable>) -> Self {
        Self::of("variables", texts(variables.into_iter().map(Variable::word)))
    }

    /// Users named in fields of the ticket.
    #[must_use]
    pub fn fields<T: Into<String>>(keys: impl IntoIterator<Item = T>) -> Self {
        Self::of("ticket_field", texts(keys))
    }

    /// Users named in fields of the parent ticket.
    #[must_use]
    pub fn parent_fields<T: Into<String>>(keys: impl IntoIterator<Item = T>) -> Self {
        Self::of("parent_ticket_field", texts(keys))
    }

    /// Whoever an outside address names.
    #[must_use]
    pub fn external(url: impl Into<String>) -> Self {
        Self::of("external", json!(url.into()))
    }

    fn of(kind: &'static str, whom: Json) -> Self {
        Self { kind, whom }
    }

    /// As a rule of its own.
    fn json(self) -> Json {
        json!({ "assignee_type": self.kind, "assignee": self.whom })
    }
}

/// How the votes of a step count that asks everybody.
#[derive(Clone, Debug)]
pub struct Approval {
    given: Object,
}

impl Approval {
    /// Everybody has to agree.
    #[must_use]
    pub fn all() -> Self {
        Self::of("all")
    }

    /// One who agrees is enough.
    #[must_use]
    pub fn any() -> Self {
        Self::of("any")
    }

    /// More than half have to agree.
    #[must_use]
    pub fn majority() -> Self {
        Self::of("majority")
    }

    /// So many of a hundred have to agree, rounded up.
    #[must_use]
    pub fn percent(n: u32) -> Self {
        Self::of("percent").set("n", n)
    }

    /// So many have to agree, however many are asked.
    #[must_use]
    pub fn count(n: u32) -> Self {
        Self::of("count").set("n", n)
    }

    /// Everybody has to agree, one after the other.
    #[must_use]
    pub fn sequence() -> Self {
        Self::of("sequence")
    }

    /// The first who rejects ends it.
    #[must_use]
    pub fn with_veto(self) -> Self {
        self.set("veto", true)
    }

    /// People vote one after the other.
    #[must_use]
    pub fn in_order(self) -> Self {
        self.set("in_order", true)
    }

    /// People may go without a vote.
    #[must_use]
    pub fn with_abstention(self) -> Self {
        self.set("abstain", true)
    }

    fn of(rule: &str) -> Self {
        Self { given: Object::new() }.set("rule", rule)
    }

    fn set(mut self, key: &str, value: impl Into<Json>) -> Self {
        set(&mut self.given, key, value);
        self
    }
}

/// A node. `start` and `end` are there without a word; a workflow names the others.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) id: String,
    pub(super) kind: &'static str,
    name: Option<String>,
    props: Object,
}

impl Node {
    /// A step where people act: any one of those assigned, unless [`strategy`](Self::strategy) says otherwise.
    #[must_use]
    pub fn step(id: impl Into<String>, assign: Assign) -> Self {
        Self::of("normal", id)
            .prop("assignee_type", assign.kind)
            .prop("assignee", assign.whom)
            .strategy(Strategy::Direct)
    }

    /// Takes the first way out whose conditions hold.
    #[must_use]
    pub fn exclusive(id: impl Into<String>) -> Self {
        Self::of("exclusive", id)
    }

    /// Takes every way out at once.
    #[must_use]
    pub fn parallel(id: impl Into<String>) -> Self {
        Self::of("parallel", id)
    }

    /// Takes every way out whose conditions hold.
    #[must_use]
    pub fn inclusive(id: impl Into<String>) -> Self {
        Self::of("inclusive", id)
    }

    /// Waits for so long, in ISO 8601: `PT2H`, `P3D`.
    #[must_use]
    pub fn timer(id: impl Into<String>, duration: impl Into<String>) -> Self {
        Self::of("timer", id).prop("duration", duration.into())
    }

    /// Counts the timer's duration as working time of a calendar of the tenant: of days, hours, minutes and seconds.
    #[must_use]
    pub fn calendar(self, calendar: impl Into<String>) -> Self {
        self.prop("calendar", calendar.into())
    }

    /// Waits for the instant in a date or datetime field.
    #[must_use]
    pub fn timer_until(id: impl Into<String>, field: impl Into<String>) -> Self {
        Self::of("timer", id).prop("until_field", field.into())
    }

    /// Posts to an address and waits for its answer; `token` signs what is posted.
    #[must_use]
    pub fn hook(id: impl Into<String>, url: impl Into<String>, token: impl Into<String>) -> Self {
        Self::of("hook", id)
            .prop("hook_url", url.into())
            .prop("hook_token", token.into())
    }

    /// Of a hook: a good answer only means that it was taken on, and a call-back follows; `within` such a duration
    /// (`PT2H`), where it has to.
    #[must_use]
    pub fn calls_back(self, within: Option<&str>) -> Self {
        let node = self.prop("is_async", true);
        match within {
            Some(within) => node.prop("callback_within", within),
            None => node,
        }
    }

    /// The start or the end, to give it a name or a property.
    pub(super) fn of(kind: &'static str, id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind,
            name: None,
            props: Object::new(),
        }
    }

    /// The start node, to give it a name; it is the creator's.
    #[must_use]
    pub fn start() -> Self {
        Self::of("start", "start")
    }

    /// The end node, to give it a name.
    #[must_use]
    pub fn end() -> Self {
        Self::of("end", "end")
    }

    /// What people read; without it, the id.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How several assignees of a step act.
    #[must_use]
    pub fn strategy(self, strategy: Strategy) -> Self {
        self.prop("assignment_strategy", strategy.word())
    }

    /// Everybody assigned at a step votes, and this is how the votes count.
    #[must_use]
    pub fn approval(self, approval: Approval) -> Self {
        self.strategy(Strategy::Whole).prop("approval", approval.given)
    }

    /// The edge that an exclusive or inclusive node takes where no condition holds.
    #[must_use]
    pub fn default_branch(self, edge: impl Into<String>) -> Self {
        self.prop("default_branch", edge.into())
    }

    /// The creator is never assigned at this step.
    #[must_use]
    pub fn exclude_creator(self) -> Self {
        self.prop("exclude_creator", true)
    }

    /// What becomes of the creator among those assigned at this step.
    #[must_use]
    pub fn on_creator(self, what: OnCreator) -> Self {
        self.prop("on_creator", what.word())
    }

    /// Who is assigned at this step where nobody is found.
    #[must_use]
    pub fn on_nobody(self, what: OnNobody) -> Self {
        self.prop("on_nobody", what.word())
    }

    /// Whoever agreed before, with nothing changed since, need not act at this step.
    #[must_use]
    pub fn skip_same_approver(self) -> Self {
        self.prop("skip_same_approver", true)
    }

    /// Whoever can act at this step may have others act as well.
    #[must_use]
    pub fn allow_add_signer(self) -> Self {
        self.prop("allow_add_signer", true)
    }

    /// A ticket that comes back to this step goes to whoever handled it last.
    #[must_use]
    pub fn remember_last_assignee(self) -> Self {
        self.prop("remember_last_assignee", true)
    }

    /// The creator may withdraw while the ticket is here.
    #[must_use]
    pub fn allow_withdraw(self) -> Self {
        self.prop("allow_withdraw", true)
    }

    /// Whoever acts at this step may send a ticket back to any node of people that it has been on.
    #[must_use]
    pub fn allow_return(self) -> Self {
        self.prop("allow_return", true)
    }

    /// The same, to these nodes alone.
    #[must_use]
    pub fn allow_return_to<T: Into<String>>(self, nodes: impl IntoIterator<Item = T>) -> Self {
        self.prop("allow_return", texts(nodes))
    }

    /// A ticket that is sent back from this step never comes straight back to it.
    #[must_use]
    pub fn forbid_resume(self) -> Self {
        self.prop("allow_resume", false)
    }

    /// Whoever takes an edge or votes here may undo it; of the start or a step.
    #[must_use]
    pub fn allow_undo(self) -> Self {
        self.prop("allow_undo", true)
    }

    /// When a stay here is due; of the start or a step.
    #[must_use]
    pub fn deadline(self, deadline: Deadline) -> Self {
        self.prop("deadline", deadline.json())
    }

    /// Any other property of its kind.
    #[must_use]
    pub fn prop(mut self, key: &str, value: impl Into<Json>) -> Self {
        set(&mut self.props, key, value);
        self
    }

    pub(super) fn json(&self, permissions: Object) -> Json {
        let mut props = self.props.clone();
        set(&mut props, "field_permissions", permissions);
        json!({
            "id": self.id,
            "name": self.name.as_deref().unwrap_or(&self.id),
            "type": self.kind,
            "props": props,
        })
    }
}

/// When a stay at a node is due, and what happens around that.
#[derive(Clone, Debug, Default)]
pub struct Deadline {
    keys: Object,
    steps: Vec<Json>,
}

impl Deadline {
    /// After so much working time, in ISO 8601 of days, hours, minutes and seconds: `PT8H`, `P3D`.
    #[must_use]
    pub fn after(budget: impl Into<String>) -> Self {
        Self::default().key("after", budget.into())
    }

    /// At the instant in a date or datetime field.
    #[must_use]
    pub fn until_field(field: impl Into<String>) -> Self {
        Self::default().key("until_field", field.into())
    }

    /// Counts working time of a calendar of the tenant.
    #[must_use]
    pub fn calendar(self, calendar: impl Into<String>) -> Self {
        self.key("calendar", calendar.into())
    }

    /// What the node's last stay has spent counts on.
    #[must_use]
    pub fn carry(self) -> Self {
        self.key("carry", true)
    }

    /// Reminds those who can act, so long after the due instant, or before it: `-P1D`.
    #[must_use]
    pub fn remind(self, at: &str) -> Self {
        self.step(json!({ "at": at, "do": "remind" }))
    }

    /// Reminds them so many times, so far apart.
    #[must_use]
    pub fn remind_every(self, at: &str, every: &str, times: u32) -> Self {
        self.step(json!({ "at": at, "do": "remind", "every": every, "times": times }))
    }

    /// Lets others hold the node from then on.
    #[must_use]
    pub fn escalate(self, at: &str, to: Assign) -> Self {
        self.step(json!({ "at": at, "do": "escalate", "to": to.json() }))
    }

    /// Takes an edge out of the node.
    #[must_use]
    pub fn take_edge(self, at: &str, edge: &str) -> Self {
        self.step(json!({ "at": at, "do": "take_edge", "edge": edge }))
    }

    fn step(mut self, step: Json) -> Self {
        self.steps.push(step);
        self
    }

    fn key(mut self, key: &str, value: impl Into<Json>) -> Self {
        set(&mut self.keys, key, value);
        self
    }

    fn json(self) -> Json {
        let mut keys = self.keys;
        set(&mut keys, "steps", self.steps);
        Json::Object(keys)
    }
}
