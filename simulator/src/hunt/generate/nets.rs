//! Random definitions: blocks within blocks, then a few changes that may well break them. Small on purpose, so that an
//! exhaustive walk of the engine is feasible and every kind of mistake is frequent.

use loonflow_engine::workflow::WorkflowVersion;
use serde_json::{Value as Json, json};

/// SplitMix64: spreads a seed over all bits, and its successors over all numbers.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What may come up.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Nothing but what a plain net can say: free choices, no inclusive splits, no timers, everybody assigned.
    pub is_plain: bool,
    /// Many branches, most of which have a field of their own; gateways right behind splits.
    pub is_wide: bool,
    /// Blocks, about.
    pub n_blocks: usize,
    /// Changes made afterwards, at most.
    pub n_changes: usize,
}

struct Maker {
    dice: Dice,
    style: Style,
    nodes: Vec<Json>,
    edges: Vec<Json>,
    n_fields: usize,
    budget: usize,
}

/// What an edge has besides its ends.
type Props = Json;

/// A definition that the engine can load, and what it loads as; every third or so has a defect.
#[must_use]
pub fn loadable(seed: u64, style: Style) -> (Json, WorkflowVersion) {
    (0..1000)
        .find_map(|attempt| {
            let mut maker = Maker {
                dice: Dice(seed * 1000 + attempt),
                style,
                nodes: Vec::new(),
                edges: Vec::new(),
                n_fields: 0,
                budget: style.n_blocks,
            };
            maker.make();
            let mut loaded = maker.loaded(seed)?;
            // A change that keeps it from loading is taken back, so that those that stay are worth something.
            for _ in 0..maker.dice.below(style.n_changes + 1) {
                for _ in 0..10 {
                    let before = (maker.nodes.clone(), maker.edges.clone());
                    maker.change();
                    if let Some(now) = maker.loaded(seed) {
                        loaded = now;
                        break;
                    }
                    (maker.nodes, maker.edges) = before;
                }
            }
            Some(loaded)
        })
        .expect("one in a thousand loads")
}

impl Maker {
    fn make(&mut self) {
        let start = self.node("start", json!({}));
        let n_top = 1 + self.dice.below(3);
        let mut at = (start, "agree".to_owned(), json!({}));
        for _ in 0..n_top {
            let (entry, exit) = self.block(0);
            self.edge(&at.0, &entry, &at.1, at.2);
            at = exit;
        }
        let end = self.node("end", json!({}));
        self.edge(&at.0, &end, &at.1, at.2);
        self.permissions();
    }

    fn loaded(&self, seed: u64) -> Option<(Json, WorkflowVersion)> {
        let source = self.source(seed);
        let version = WorkflowVersion::load(&source).ok()?;
        Some((source, version))
    }

    fn source(&self, seed: u64) -> Json {
        let fields: Vec<Json> = (0..self.n_fields).map(|field| self.field(field)).collect();
        json!({
            "basic_info": { "id": format!("random_{seed}"), "name": "Random", "version": "1" },
            "form_schema": { "component_info_list": [
                { "id": "row", "type": "row", "component_key": "row", "children": fields },
            ] },
            "process_schema": { "node_info_list": self.nodes, "edge_info_list": self.edges },
            "advanced_schema": {},
        })
    }

    fn node(&mut self, kind: &str, props: Json) -> String {
        let id = match kind {
            "start" | "end" => kind.to_owned(),
            _ => format!("{}{}", &kind[..1], self.nodes.len()),
        };
        self.nodes
            .push(json!({ "id": id, "name": id, "type": kind, "props": props }));
        id
    }

    fn edge(&mut self, from: &str, to: &str, kind: &str, props: Props) -> String {
        let id = format!("e{}", self.edges.len());
        self.edges.push(json!({
            "id": id, "name": id, "type": kind, "source_node_id": from, "target_node_id": to, "props": props,
        }));
        id
    }

    /// Its entry, and how its exit is left.
    fn block(&mut self, depth: usize) -> (String, (String, String, Props)) {
        self.budget = self.budget.saturating_sub(1);
        let is_leaf = depth >= 3 || self.budget == 0;
        let kind = if self.style.is_wide && !is_leaf {
            3 + self.dice.below(6)
        } else {
            self.dice.below(10)
        };
        match if is_leaf { 0 } else { kind } {
            0..=2 => self.task(),
            3 => {
                let (entry, exit) = self.block(depth + 1);
                let (second, last) = self.block(depth + 1);
                self.edge(&exit.0, &second, &exit.1, exit.2);
                (entry, last)
            }
            4..=6 => self.branches(depth, "parallel"),
            7 if !self.style.is_plain => self.branches(depth, "inclusive"),
            7 | 8 => self.branches(depth, "exclusive"),
            _ if self.style.is_plain => self.task(),
            _ => {
                let kind = if self.dice.one_in(2) { "timer" } else { "hook" };
                let props = if kind == "timer" {
                    json!({ "duration": "PT1H" })
                } else {
                    json!({ "hook_url": "https://hooks.example/x" })
                };
                let id = self.node(kind, props);
                (id.clone(), (id, "other".to_owned(), json!({})))
            }
        }
    }

    fn task(&mut self) -> (String, (String, String, Props)) {
        let strategies: &[&str] = if self.style.is_plain {
            &["direct"]
        } else {
            &["direct", "whole", "voluntary"]
        };
        let strategy = strategies[self.dice.below(strategies.len())];
        let assignee = ["ann", "bob", "ann,bob"][self.dice.below(3)];
        let mut props = json!({
            "assignee_type": "users", "assignee": assignee, "assignment_strategy": strategy, "field_permissions": {},
        });
        if !self.style.is_plain && self.dice.one_in(8) {
            props["assignee_type"] = json!("ticket_field");
            props["assignee"] = json!("who");
        } else if !self.style.is_plain && self.dice.one_in(10) {
            props["exclude_creator"] = json!(true);
        }
        let id = self.node("normal", props);
        (id.clone(), (id, "agree".to_owned(), json!({})))
    }

    fn branches(&mut self, depth: usize, kind: &str) -> (String, (String, String, Props)) {
        let n_branches = 2 + self.dice.below(if self.style.is_wide { 3 } else { 2 });
        let field = self.pick_field();
        let has_default = kind != "parallel" && self.dice.one_in(3);
        let split = self.node(kind, json!({}));
        let place = self.nodes.len() - 1;
        let is_same = kind == "exclusive" && self.dice.one_in(2);
        let merge = self.node(if is_same { "exclusive" } else { "parallel" }, json!({}));
        for branch in 0..n_branches {
            let is_default = has_default && branch + 1 == n_branches;
            let field = if self.style.is_wide && branch > 0 && !self.dice.one_in(3) {
                self.pick_field()
            } else {
                field
            };
            let props = match kind {
                "parallel" => json!({}),
                _ if is_default => json!({}),
                _ => self.condition(field, branch, n_branches),
            };
            let edge = if kind != "parallel" && self.dice.one_in(6) {
                self.edge(&split, &merge, "condition", props)
            } else {
                let (entry, exit) = self.block(depth + 1);
                let edge = self.edge(&split, &entry, "condition", props);
                self.edge(&exit.0, &merge, &exit.1, exit.2);
                edge
            };
            if is_default {
                self.nodes[place]["props"]["default_branch"] = json!(edge);
            }
        }
        (split, (merge, "other".to_owned(), json!({})))
    }

    /// A plain net's choices are free, so each choice has a field of its own there.
    fn pick_field(&mut self) -> usize {
        let is_own = self.style.is_wide && self.n_fields < 6 && !self.dice.one_in(4);
        if self.style.is_plain || self.n_fields < 2 || is_own {
            self.n_fields += 1;
            self.n_fields - 1
        } else {
            self.dice.below(self.n_fields)
        }
    }

    /// Fields are choices among three, in turn with numbers from 0 to 9 where data count.
    fn field(&self, field: usize) -> Json {
        let key = format!("f{field}");
        if self.is_number(field) {
            json!({ "id": key, "type": "number", "component_key": key, "component_name": key,
                "props": { "min": 0, "max": 9, "allow_decimal": false } })
        } else {
            let options: Vec<Json> = ["0", "1", "2"]
                .iter()
                .map(|one| json!({ "key": one, "label": one }))
                .collect();
            json!({ "id": key, "type": "select", "component_key": key, "component_name": key,
                "props": { "options_with_keys": options } })
        }
    }

    fn is_number(&self, field: usize) -> bool {
        !self.style.is_plain && field % 2 == 1
    }

    fn condition(&mut self, field: usize, branch: usize, n_branches: usize) -> Props {
        let never = self.dice.one_in(if self.style.is_plain { 6 } else { 25 });
        let (operator, value) = match (self.is_number(field), never) {
            (true, true) => (">", json!(9)),
            (true, false) if branch == 0 => ("<", json!(4)),
            (true, false) if branch == 1 => (">=", json!(4 + self.dice.below(2))),
            (true, false) => ("is_empty", json!("")),
            (false, true) => ("==", json!("9")),
            // The last branch takes what is left.
            (false, false) if branch + 1 == n_branches => (">=", json!(branch.to_string())),
            (false, false) => ("==", json!(branch.to_string())),
        };
        json!({ "condition_groups": [{ "conditions": [
            { "field_name": format!("f{field}"), "operator": operator, "value": value },
        ] }] })
    }

    fn permissions(&mut self) {
        let plain = self.style.is_plain;
        let n_fields = self.n_fields;
        for node in 0..self.nodes.len() {
            let kind = self.nodes[node]["type"].clone();
            if kind != json!("start") && kind != json!("normal") {
                continue;
            }
            for field in 0..n_fields {
                let permission = match self.dice.below(4) {
                    _ if plain => "required",
                    0 => "required",
                    1 => "optional",
                    _ if kind == json!("start") => "required",
                    _ => "readonly",
                };
                self.nodes[node]["props"]["field_permissions"][format!("f{field}")] = json!(permission);
            }
            if !plain && kind == json!("start") {
                let permission = if self.dice.one_in(2) { "required" } else { "optional" };
                self.nodes[node]["props"]["field_permissions"]["who"] = json!(permission);
            }
        }
    }

    fn change(&mut self) {
        if self.edges.is_empty() {
            return;
        }
        let edge = self.dice.below(self.edges.len());
        let target = self.nodes[self.dice.below(self.nodes.len())]["id"].clone();
        match self.dice.below(if self.style.is_plain { 4 } else { 6 }) {
            0 => self.edges[edge]["target_node_id"] = target,
            1 | 2 => {
                // A way that a person can take to anywhere.
                let tasks: Vec<String> = self
                    .nodes
                    .iter()
                    .filter(|node| node["type"] == json!("normal"))
                    .map(|node| node["id"].as_str().unwrap_or_default().to_owned())
                    .collect();
                let kind = if self.style.is_plain || self.dice.one_in(3) {
                    "other"
                } else {
                    "reject"
                };
                if !tasks.is_empty() {
                    let from = tasks[self.dice.below(tasks.len())].clone();
                    self.edge(&from, target.as_str().unwrap_or_default(), kind, json!({}));
                }
            }
            3 => {
                self.edges.remove(edge);
            }
            4 => {
                let node = self.dice.below(self.nodes.len());
                if let Some(props) = self.nodes[node]["props"].as_object_mut() {
                    props.remove("default_branch");
                }
            }
            _ => self.edges[edge]["props"]["skip_fields_required_check"] = json!(true),
        }
    }
}

/// The field that names people, and a directory that has them.
#[must_use]
pub fn with_people(mut source: Json) -> Json {
    let who = json!({ "id": "who", "type": "user", "component_key": "who", "component_name": "who", "props": {} });
    if let Some(children) = source["form_schema"]["component_info_list"][0]["children"].as_array_mut() {
        children.push(who);
    }
    source
}

/// Three people, of whom anybody may create tickets.
#[must_use]
pub fn directory() -> Json {
    let user = |id: &str| {
        json!({ "id": id, "name": id, "alias": id, "email": format!("{id}@random.example"), "type": "admin",
            "is_active": true, "depts": [{ "dept_id": "all", "is_primary": true }], "roles": [] })
    };
    json!({
        "tenant": { "id": "random", "name": "Random", "domain": "random.example" },
        "users": [user("ann"), user("bob"), user("cem")],
        "depts": [{ "id": "all", "name": "All", "parent_id": null, "leader": null, "approvers": [] }],
        "roles": [], "applications": [{ "name": "loonflow", "workflow_ids": "*" }],
    })
}
