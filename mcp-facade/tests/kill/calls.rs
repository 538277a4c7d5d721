//! What clients ask of the server, and what they remember of it.
//!
//! Each call that changes something carries a comment and an idempotency key of its own, so that the history of a
//! ticket tells which calls are there, and how often.

use std::time::Duration;

use serde_json::{Value, json};

/// Longer than the server takes for anything.
const CALL_MAX: Duration = Duration::from_secs(60);

/// The people who act, with their places in [`Door::tokens`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    /// Sees every ticket.
    Admin,
    /// Asks for leave.
    Creator,
    /// Approves it.
    Approver,
    /// Files it.
    Clerk,
}

impl Person {
    /// All of them, in the order of their tokens.
    pub(crate) const ALL: [Self; 4] = [Self::Admin, Self::Creator, Self::Approver, Self::Clerk];

    /// Account name and first part of the e-mail address.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "ada",
            Self::Creator => "dev",
            Self::Approver => "erin",
            Self::Clerk => "hana",
        }
    }
}

/// The way to a running server.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    /// In the order of [`Person::ALL`].
    pub(crate) tokens: Vec<String>,
}

/// No answer came.
#[derive(Debug)]
pub(crate) struct Gone;

impl Door {
    /// Calls a tool and gives `structuredContent`; a refusal is the test's own mistake, or a finding.
    pub(crate) async fn call(&self, who: Person, tool: &str, arguments: &Value) -> Result<Value, Gone> {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments },
        });
        let answer = self
            .http
            .post(format!("{}/mcp", self.url))
            .bearer_auth(&self.tokens[who as usize])
            .header("mcp-protocol-version", "2025-06-18")
            .timeout(CALL_MAX)
            .json(&body)
            .send()
            .await
            .map_err(|_| Gone)?;
        let mut answer: Value = answer.json().await.map_err(|_| Gone)?;
        let result = answer["result"].take();
        assert!(
            result["isError"] == false,
            "{} called {tool} with {arguments} and got {result} {answer}",
            who.name()
        );
        Ok(result["structuredContent"].clone())
    }

    /// The same of a server that nobody kills.
    pub(crate) async fn ask(&self, who: Person, tool: &str, arguments: Value) -> Value {
        let answer = self.call(who, tool, &arguments).await;
        answer.unwrap_or_else(|Gone| panic!("no answer to {tool} {arguments}"))
    }

    /// All rows of a paged list, and its total.
    pub(crate) async fn all(&self, who: Person, tool: &str, key: &str, mut arguments: Value) -> (Vec<Value>, u64) {
        let mut rows = Vec::new();
        arguments["per_page"] = json!(100);
        for page in 1.. {
            arguments["page"] = json!(page);
            let mut answer = self.ask(who, tool, arguments.clone()).await;
            let Value::Array(more) = answer[key].take() else {
                panic!("{tool} answered no {key}: {answer}");
            };
            rows.extend(more);
            if answer["has_more"] == false {
                return (rows, answer["total"].as_u64().expect("a total"));
            }
        }
        unreachable!("a list ends")
    }
}

/// A call that changes something.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) who: Person,
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
}

impl Call {
    /// The comment, which no other call has.
    pub(crate) fn mark(&self) -> &str {
        self.arguments["idempotency_key"].as_str().expect("a text")
    }
}

/// What the server answered to one.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) call: Call,
    pub(crate) ticket: String,
    pub(crate) version: u64,
    /// As the answer said it: done before, and only the answer given again.
    pub(crate) replayed: bool,
}

impl Answered {
    pub(crate) fn new(call: Call, answer: &Value) -> Self {
        Self {
            ticket: answer["ticket_id"].as_str().expect("a ticket").to_owned(),
            version: answer["version"].as_u64().expect("a version"),
            replayed: answer["replayed"].as_bool().expect("a flag"),
            call,
        }
    }
}

/// A client: asks for leave and takes each request through its workflow, once more after a rejection, and between
/// comments on tickets that all clients share.
pub(crate) struct Client {
    name: String,
    n_calls: u64,
    random: Random,
    /// Its own ticket, its version where nobody else writes to it, and how far it is in [`STEPS`].
    own: Option<(String, u64, usize)>,
    shared: Vec<String>,
}

/// The life of a client's own ticket: who does what.
const STEPS: [(Person, &str, &str); 8] = [
    (Person::Creator, "add_comment", "add_comment"),
    (Person::Approver, "reject", "approve_no"),
    (Person::Creator, "agree", "submit"),
    (Person::Approver, "agree", "approve_yes"),
    (Person::Clerk, "accept", "accept"),
    (Person::Clerk, "add_comment", "add_comment"),
    (Person::Clerk, "agree", "file_done"),
    (Person::Creator, "add_comment", "add_comment"),
];

impl Client {
    pub(crate) fn new(name: String, seed: u64, shared: Vec<String>) -> Self {
        Self {
            name,
            n_calls: 0,
            random: Random(seed),
            own: None,
            shared,
        }
    }

    /// What it asks next.
    pub(crate) fn next(&mut self) -> Call {
        self.n_calls += 1;
        let mark = format!("{}-{}", self.name, self.n_calls);
        if let Some(ticket) = self.shared.get(self.random.below(self.shared.len() * 4)) {
            let who = [Person::Creator, Person::Approver][self.random.below(2)];
            return handle(who, ticket, ("add_comment", "add_comment"), 0, &mark);
        }
        match &self.own {
            None => create(&mark),
            Some((ticket, version, step)) => {
                let (who, kind, id) = STEPS[*step];
                handle(who, ticket, (kind, id), *version, &mark)
            }
        }
    }

    /// Takes note of what became of it.
    pub(crate) fn done(&mut self, answered: &Answered) {
        let is_shared = self.shared.contains(&answered.ticket);
        let step = match &self.own {
            _ if is_shared => return,
            None => 0,
            Some((_, _, step)) => step + 1,
        };
        self.own = (step < STEPS.len()).then(|| (answered.ticket.clone(), answered.version, step));
    }
}

/// A request for leave.
pub(crate) fn create(mark: &str) -> Call {
    Call {
        who: Person::Creator,
        tool: "ticket_create",
        arguments: json!({
            "workflow_id": "leave",
            "action_id": "submit",
            "fields": { "leave_type": "annual", "leave_start": "2026-12-01", "leave_end": "2026-12-02", "days": 2 },
            "action_props": { "comment": mark },
            "idempotency_key": mark,
        }),
    }
}

fn handle(who: Person, ticket: &str, (kind, id): (&str, &str), version: u64, mark: &str) -> Call {
    let fields = if id == "file_done" {
        json!({ "hr_note": mark })
    } else {
        json!({})
    };
    Call {
        who,
        tool: "ticket_handle",
        arguments: json!({
            "ticket_id": ticket,
            "action_type": kind,
            "action_id": id,
            "action_props": { "comment": mark },
            "fields": fields,
            "expected_version": version,
            "idempotency_key": mark,
        }),
    }
}

/// Numbers from a seed (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 16).expect("48 bits") % end
    }
}
