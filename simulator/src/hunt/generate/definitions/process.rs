//! A random process: blocks within blocks, then edges that follow no structure.
//!
//! ```text
//!  block = normal | timer | hook | exclusive(blocks…) | parallel(blocks…) merge | inclusive(blocks…) merge
//!  chain = block, block, …          a split at the end of a branch may share the merge of the split around it
//! ```

use serde_json::{Value as Json, json};

use super::Names;
use super::condition::groups;
use super::deadline;
use super::directory::CALENDARS;
use super::form::Form;
use crate::world::tape::Tape;

/// Nodes of a definition at most, about: the last block may go a little beyond.
const NODES_MAX: usize = 14;
/// How deep blocks nest at most.
const DEPTH_MAX: usize = 3;

const STRATEGIES: [&str; 5] = ["direct", "random", "voluntary", "whole", "all"];

/// An edge whose target is not there yet.
#[derive(Clone, Debug)]
struct Pending {
    id: String,
    source: String,
    kind: &'static str,
    props: Json,
}

/// A part of a process: where it begins, and the edges that lead out of it.
struct Block {
    entry: String,
    exits: Vec<Pending>,
}

/// A process under construction.
pub struct Builder<'a> {
    tape: &'a mut Tape,
    form: &'a Form,
    names: &'a Names,
    nodes: Vec<Json>,
    edges: Vec<Json>,
    n_ids: usize,
}

impl<'a> Builder<'a> {
    /// Nothing yet.
    pub fn new(tape: &'a mut Tape, form: &'a Form, names: &'a Names) -> Self {
        Self {
            tape,
            form,
            names,
            nodes: Vec::new(),
            edges: Vec::new(),
            n_ids: 0,
        }
    }

    /// Edges so far.
    #[must_use]
    pub fn n_edges(&self) -> usize {
        self.edges.len()
    }

    /// `process_schema`.
    #[must_use]
    pub fn done(self) -> Json {
        json!({ "node_info_list": self.nodes, "edge_info_list": self.edges })
    }

    /// Start, a chain of blocks, end.
    pub fn structure(&mut self) {
        let permissions = self.permissions(true);
        let start = self.node("start", json!({ "field_permissions": permissions, "allow_undo": true }));
        let mut exits = vec![self.person_edge(&start, "agree")];
        if self.tape.chance(1, 6) {
            exits.push(self.person_edge(&start, "other"));
        }
        let n_blocks = 1 + self.tape.next(3);
        let exits = self.chain(exits, n_blocks, 0, false);
        let end = self.node("end", json!({ "field_permissions": {} }));
        self.connect(exits, &end);
    }

    /// Reject edges and other ways that people may take: back, on, out of a split, to the end.
    pub fn unstructured(&mut self) {
        let is_normal = |node: &&Json| node["type"] == "normal";
        let normal: Vec<String> = self.nodes.iter().filter(is_normal).map(id_of).collect();
        let all: Vec<String> = self.nodes.iter().map(id_of).collect();
        for (idx, node) in normal.iter().enumerate() {
            if self.tape.chance(1, 2) {
                let target = match self.tape.next(8) {
                    0..=2 => all[0].clone(),
                    3 | 4 => normal[self.tape.next(idx + 1)].clone(),
                    5 => all[all.len() - 1].clone(),
                    _ => all[self.tape.next(all.len())].clone(),
                };
                let edge = self.person_edge(node, "reject");
                self.connect(vec![edge], &target);
            }
            if self.tape.chance(1, 6) {
                // Back within a branch is a loop with several tokens; on or out of it most often is no sound split.
                let target = match self.tape.next(3) {
                    0 => normal[self.tape.next(idx + 1)].clone(),
                    _ => all[1 + self.tape.next(all.len() - 1)].clone(),
                };
                let kind = ["agree", "other"][self.tape.next(2)];
                let edge = self.person_edge(node, kind);
                self.connect(vec![edge], &target);
            }
        }
    }

    /// Deadlines of some of the nodes that people leave.
    pub fn deadlines(&mut self) {
        for node in &mut self.nodes {
            if (node["type"] == "start" || node["type"] == "normal") && self.tape.chance(1, 4) {
                let ways = self.edges.iter().filter(|edge| edge["source_node_id"] == node["id"]);
                let ways: Vec<String> = ways.map(id_of).collect();
                node["props"]["deadline"] = deadline::of(self.tape, self.form, self.names, &ways);
            }
        }
    }

    fn id(&mut self, word: &str) -> String {
        self.n_ids += 1;
        format!("{word}_{}", self.n_ids)
    }

    fn node(&mut self, kind: &str, props: Json) -> String {
        let id = if matches!(kind, "start" | "end") {
            kind.to_owned()
        } else {
            self.id(kind)
        };
        self.nodes
            .push(json!({ "id": id, "name": id, "type": kind, "props": props }));
        id
    }

    /// An edge that a person takes.
    fn person_edge(&mut self, source: &str, kind: &'static str) -> Pending {
        let skips = kind == "reject" && self.tape.chance(1, 2) || self.tape.chance(1, 8);
        Pending {
            id: self.id(kind),
            source: source.to_owned(),
            kind,
            props: if skips {
                json!({ "skip_fields_required_check": true })
            } else {
                json!({})
            },
        }
    }

    /// An edge that leaves a gateway, a timer or a hook without conditions.
    fn plain_edge(&mut self, source: &str) -> Pending {
        Pending {
            id: self.id("on"),
            source: source.to_owned(),
            kind: ["condition", "agree", "other"][self.tape.next(3)],
            props: json!({}),
        }
    }

    fn connect(&mut self, exits: Vec<Pending>, target: &str) {
        for edge in exits {
            self.edges.push(json!({
                "id": edge.id, "name": edge.id, "type": edge.kind, "source_node_id": edge.source,
                "target_node_id": target, "props": edge.props,
            }));
        }
    }

    /// Blocks one after the other; what leads out of the last of them.
    fn chain(&mut self, mut exits: Vec<Pending>, n_blocks: usize, depth: usize, in_split: bool) -> Vec<Pending> {
        for idx in 0..n_blocks {
            let is_last = idx + 1 == n_blocks;
            let block = self.block(depth, in_split && is_last);
            self.connect(exits, &block.entry);
            exits = block.exits;
        }
        exits
    }

    /// `may_share`: it ends a branch of a split, so its own split may do without a merge of its own.
    fn block(&mut self, depth: usize, may_share: bool) -> Block {
        let is_room = depth < DEPTH_MAX && self.nodes.len() < NODES_MAX;
        match self.tape.next(if is_room { 14 } else { 8 }) {
            0..=5 => self.normal(),
            6 => self.timer(),
            7 => self.hook(),
            8 | 9 => self.exclusive(depth),
            10 | 11 => self.split("parallel", depth, may_share),
            _ => self.split("inclusive", depth, may_share),
        }
    }

    fn normal(&mut self) -> Block {
        let mut props = assignment(self.tape, self.form, self.names);
        props["field_permissions"] = self.permissions(false);
        let entry = self.node("normal", props);
        let mut exits = vec![self.person_edge(&entry, "agree")];
        if self.tape.chance(1, 8) {
            exits.push(self.person_edge(&entry, "other"));
        }
        Block { entry, exits }
    }

    fn timer(&mut self) -> Block {
        let dates: Vec<_> = self.form.of_kinds(&["date", "datetime"]).collect();
        let mut props = json!({ "field_permissions": {}, "allow_withdraw": self.tape.next(2) == 0 });
        match self.tape.pick(&dates) {
            Some(field) if self.tape.chance(1, 2) => props["until_field"] = json!(field.key),
            Some(_) | None if self.tape.chance(1, 3) => {
                props["duration"] = json!(["PT2H", "P1D", "PT0S", "P2DT90M"][self.tape.next(4)]);
                props["calendar"] = json!(CALENDARS[self.tape.next(CALENDARS.len())]);
            }
            Some(_) | None => props["duration"] = json!(["PT2H", "P1D", "PT0S", "P1M"][self.tape.next(4)]),
        }
        let entry = self.node("timer", props);
        let exits = vec![self.plain_edge(&entry)];
        Block { entry, exits }
    }

    fn hook(&mut self) -> Block {
        let props = json!({
            "field_permissions": {}, "hook_url": "https://hooks.example/post", "hook_token": "t",
            "is_async": self.tape.next(2) == 0, "allow_withdraw": self.tape.next(2) == 0,
        });
        let entry = self.node("hook", props);
        let exits = vec![self.plain_edge(&entry)];
        Block { entry, exits }
    }

    /// Edges with conditions out of a gateway, and which of them is the default.
    fn ways(&mut self, gateway: &str, n_ways: usize) -> (Vec<Pending>, Option<String>) {
        let default = (!self.tape.chance(1, 5)).then(|| self.tape.next(n_ways));
        let mut ways = Vec::new();
        for idx in 0..n_ways {
            let mut edge = self.plain_edge(gateway);
            edge.kind = "condition";
            if default != Some(idx) || self.tape.chance(1, 4) {
                edge.props = json!({ "condition_groups": groups(self.tape, self.form, self.names) });
            }
            ways.push(edge);
        }
        let default = default.map(|idx| ways[idx].id.clone());
        (ways, default)
    }

    fn exclusive(&mut self, depth: usize) -> Block {
        let entry = self.node("exclusive", json!({ "field_permissions": {} }));
        let n_ways = 2 + self.tape.next(2);
        let (ways, default) = self.ways(&entry, n_ways);
        self.set_default(&entry, default);
        let mut exits = Vec::new();
        let mut is_bare = false;
        for way in ways {
            // At most one way leads straight on: two that do would only differ by name.
            let n_blocks = if is_bare { 1 } else { self.tape.next(3).min(1) };
            is_bare |= n_blocks == 0;
            exits.extend(self.chain(vec![way], n_blocks, depth + 1, false));
        }
        if self.tape.chance(1, 2) {
            let join = self.node("exclusive", json!({ "field_permissions": {} }));
            self.connect(exits, &join);
            exits = vec![self.plain_edge(&join)];
        }
        Block { entry, exits }
    }

    fn split(&mut self, kind: &str, depth: usize, may_share: bool) -> Block {
        let entry = self.node(kind, json!({ "field_permissions": {}, "allow_withdraw": true }));
        let n_ways = 2 + self.tape.next(2);
        let ways = if kind == "inclusive" {
            let (ways, default) = self.ways(&entry, n_ways);
            self.set_default(&entry, default);
            ways
        } else {
            (0..n_ways).map(|_| self.plain_edge(&entry)).collect()
        };
        let mut exits = Vec::new();
        let mut is_bare = false;
        for way in ways {
            let n_blocks = if is_bare { 1 } else { self.tape.next(6).min(2) };
            is_bare |= n_blocks == 0;
            exits.extend(self.chain(vec![way], n_blocks, depth + 1, true));
        }
        if may_share && self.tape.chance(1, 2) {
            return Block { entry, exits };
        }
        match self.tape.next(3) {
            0 => {
                let block = self.normal();
                self.connect(exits, &block.entry);
                Block {
                    entry,
                    exits: block.exits,
                }
            }
            merge => {
                let kind = ["parallel", "inclusive"][merge - 1];
                let merge = self.node(kind, json!({ "field_permissions": {} }));
                self.connect(exits, &merge);
                let exits = vec![self.plain_edge(&merge)];
                Block { entry, exits }
            }
        }
    }

    fn set_default(&mut self, gateway: &str, default: Option<String>) {
        let node = self.nodes.iter_mut().find(|node| node["id"] == gateway);
        if let (Some(node), Some(default)) = (node, default) {
            node["props"]["default_branch"] = json!(default);
        }
    }

    /// What a node lets one do with each field; at start something can be filled in.
    fn permissions(&mut self, is_start: bool) -> Json {
        let mut found = json!({});
        for field in &self.form.fields {
            let word = permission(self.tape, field.is_stored(), is_start && field.is_automatic_title());
            if let Some(word) = word {
                found[&field.key] = json!(word);
            }
        }
        let is_writable = |word: &Json| word == "optional" || word == "required";
        let has_input = found.as_object().is_some_and(|found| found.values().any(is_writable));
        let mut fillable = self
            .form
            .fields
            .iter()
            .filter(|field| field.is_stored() && !field.is_automatic_title());
        if let Some(field) = fillable.next().filter(|_| is_start && !has_input) {
            found[&field.key] = json!("optional");
        }
        found
    }
}

fn id_of(node: &Json) -> String {
    node["id"].as_str().unwrap_or_default().to_owned()
}

/// What a node may say about a field; `None` where it says nothing.
pub(super) fn permission(tape: &mut Tape, is_stored: bool, is_hidden: bool) -> Option<&'static str> {
    let roll = tape.next(12);
    if is_hidden {
        return roll.is_multiple_of(2).then_some("hidden");
    }
    match roll {
        0 | 1 => None,
        2 | 3 => Some("hidden"),
        4 | 5 => Some("readonly"),
        _ if !is_stored => Some("readonly"),
        6..=9 => Some("optional"),
        _ => Some("required"),
    }
}

/// Who is assigned to a normal node and how, as its `props` say it.
pub(super) fn assignment(tape: &mut Tape, form: &Form, names: &Names) -> Json {
    let user_fields: Vec<_> = form.of_kinds(&["user"]).collect();
    // Mostly rules that find somebody: a definition in which nobody can be assigned is soon told.
    let (kind, named) = match tape.next(32) {
        0..=14 => ("users", Names::some(tape, &names.users, 3)),
        15..=18 => ("depts", Names::some(tape, &names.depts, 2)),
        19..=22 => ("roles", Names::some(tape, &names.roles, 2)),
        23..=27 => {
            let variables = ["creator", "creator_dept_approver", "creator_dept_leader"].map(str::to_owned);
            ("variables", Names::some(tape, &variables, 2))
        }
        28 => ("parent_ticket_field", vec!["owner".to_owned()]),
        _ => match tape.pick(&user_fields) {
            Some(field) => ("ticket_field", vec![field.key.clone()]),
            None => ("users", names.users.clone()),
        },
    };
    let strategy = STRATEGIES[tape.next(STRATEGIES.len())];
    let mut props = json!({
        "assignee_type": kind, "assignee": named.join(","),
        "assignment_strategy": strategy,
        "allow_withdraw": tape.chance(1, 2), "exclude_creator": tape.chance(1, 6),
        "remember_last_assignee": tape.chance(1, 4),
    });
    // What is above is known of a creator's department alone.
    let is_of_department = kind == "variables" && !named.iter().any(|one| one == "creator");
    let above = if is_of_department { &["next_above"][..] } else { &[] };
    if tape.chance(1, 3) {
        let words = [&["allow", "exclude"][..], above].concat();
        props["on_creator"] = json!(words[tape.next(words.len())]);
    }
    if tape.chance(1, 3) {
        let words = [&["refuse", "admins"][..], above].concat();
        props["on_nobody"] = json!(words[tape.next(words.len())]);
    }
    props["allow_undo"] = json!(tape.chance(1, 2));
    props["allow_add_signer"] = json!(tape.chance(1, 4));
    if tape.chance(1, 2) {
        props["allow_return"] = json!(true);
    }
    if tape.chance(1, 6) {
        props["allow_resume"] = json!(false);
    }
    if ["whole", "all"].contains(&strategy) && tape.next(4) != 0 {
        props["approval"] = approval(tape);
    }
    props
}

/// How votes are counted: small numbers, so that they are often right and now and then too high.
fn approval(tape: &mut Tape) -> Json {
    let rules = ["all", "any", "majority", "percent", "count", "sequence"];
    let rule = rules[tape.next(rules.len())];
    let mut found = json!({
        "rule": rule, "veto": tape.chance(1, 4), "in_order": tape.chance(1, 3), "abstain": tape.chance(1, 2),
    });
    match rule {
        "percent" => found["n"] = json!([1, 34, 50, 67, 100][tape.next(5)]),
        "count" => found["n"] = json!([1, 2, 2, 3][tape.next(4)]),
        _ => {}
    }
    found
}
