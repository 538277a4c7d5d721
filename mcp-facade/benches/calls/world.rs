//! The data that calls are about, and the calls.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::client::{Connection, request};
use crate::nothing;
use crate::process::{self, Process};

/// Tickets before the approver, [`TICKETS_PER_CLIENT`] for each of the most clients.
const N_TICKETS: usize = 256;
const TICKETS_PER_CLIENT: usize = 4;

/// What is measured. Reads come first: the others change the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Detail,
    List,
    DryRun,
    Handle,
    Create,
}

impl Case {
    pub(crate) const ALL: [Self; 5] = [Self::Detail, Self::List, Self::DryRun, Self::Handle, Self::Create];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Detail => "detail",
            Self::List => "list",
            Self::DryRun => "dryrun",
            Self::Handle => "handle",
            Self::Create => "create",
        }
    }

    fn tool(self) -> &'static str {
        match self {
            Self::Detail => "ticket_detail",
            Self::List => "ticket_list",
            Self::DryRun | Self::Handle => "ticket_handle",
            Self::Create => "ticket_create",
        }
    }
}

/// A tenant with tickets.
pub(crate) struct World {
    creator: String,
    approver: String,
    tickets: Vec<String>,
    /// Real handles of each ticket so far: even, and it is before the approver.
    n_handled: Vec<Cell<usize>>,
    n_calls: Cell<u64>,
}

impl World {
    /// Imports, creates the tickets over HTTP, and keeps an answer of each case for the server that does nothing.
    pub(crate) async fn prepare(directory: &Path) -> (Self, Process) {
        let data = directory.join("data");
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures");
        let files = ["directory/acme", "workflows/leave"].map(|name| format!("{fixtures}/{name}.json"));
        process::run(&data, &["import", &files[0], &files[1]]);
        let token = |name: &str| {
            let email = format!("{name}@acme.example");
            process::run(&data, &["token", "create", "--email", &email])
                .trim()
                .to_owned()
        };
        let mut world = Self {
            creator: token("dev"),
            approver: token("erin"),
            tickets: Vec::new(),
            n_handled: vec![Cell::new(0); N_TICKETS],
            n_calls: Cell::new(0),
        };
        let server = Process::ticket_server(&data).await;
        let mut connection = Connection::open(server.port).await;
        while world.tickets.len() < N_TICKETS {
            let answer = connection.exchange(&world.call(Case::Create, 0, 0, true)).await;
            let ticket = structured(answer)["ticket_id"].as_str().map(str::to_owned);
            world.tickets.push(ticket.expect("a ticket"));
        }
        let mut answers = BTreeMap::new();
        for case in Case::ALL {
            let answer = connection.exchange(&world.call(case, 0, 0, true)).await;
            answers.insert(case.name(), structured(answer));
            if case == Case::Handle {
                // There and back again.
                connection.exchange(&world.call(case, 0, 0, true)).await;
            }
        }
        let answers = serde_json::to_vec(&answers).expect("JSON");
        std::fs::write(directory.join(nothing::ANSWERS), answers).expect("the answers are kept");
        (world, server)
    }

    /// The call that a client makes as its nth; the server that does nothing knows it by the name of the case.
    pub(crate) fn call(&self, case: Case, client_idx: usize, nth: usize, is_real: bool) -> Vec<u8> {
        let tool = if is_real { case.tool() } else { case.name() };
        let ticket_idx = client_idx * TICKETS_PER_CLIENT + nth % TICKETS_PER_CLIENT;
        let ticket = self.tickets.get(ticket_idx).map_or("", String::as_str);
        let key = self.n_calls.get();
        self.n_calls.set(key + 1);
        match case {
            Case::Detail => request(&self.approver, tool, &format!(r#"{{"ticket_id":"{ticket}"}}"#)),
            Case::List => request(&self.approver, tool, r#"{"category":"duty","per_page":20}"#),
            Case::DryRun => {
                let arguments = format!(
                    r#"{{"ticket_id":"{ticket}","action_type":"agree","action_id":"approve_yes","dry_run":true}}"#
                );
                request(&self.approver, tool, &arguments)
            }
            Case::Handle => {
                let n_handled = &self.n_handled[ticket_idx];
                let (who, action) = if n_handled.get().is_multiple_of(2) {
                    (&self.approver, r#""action_type":"reject","action_id":"approve_no""#)
                } else {
                    (&self.creator, r#""action_type":"agree","action_id":"submit""#)
                };
                if is_real {
                    n_handled.set(n_handled.get() + 1);
                }
                let arguments = format!(
                    r#"{{"ticket_id":"{ticket}",{action},"action_props":{{"comment":"as agreed"}},"idempotency_key":"{key}"}}"#
                );
                request(who, tool, &arguments)
            }
            Case::Create => {
                let arguments = format!(
                    r#"{{"workflow_id":"leave","action_id":"submit","fields":{{"leave_type":"annual","leave_start":"2026-12-01","leave_end":"2026-12-02","days":2}},"idempotency_key":"{key}"}}"#
                );
                request(&self.creator, tool, &arguments)
            }
        }
    }
}

/// What a tool answered.
fn structured(answer: &[u8]) -> Value {
    let mut answer: Value = serde_json::from_slice(answer).expect("JSON");
    answer["result"]["structuredContent"].take()
}
