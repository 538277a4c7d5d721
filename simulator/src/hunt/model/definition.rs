//! A definition as the model reads it from its JSON (semantics: definitions): nodes, edges, fields, rights, in plain
//! structs.
//!
//! Not here: merges and regions (`graph`), whether a definition is sound. Nodes, edges and fields are named by their
//! place in the definition; a name that is nowhere is left out.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::Id;
use super::graph::{self, Split};
use super::values;
use super::working;

/// One version of a workflow.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) workflow: Id,
    pub(super) version: Id,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) fields: Vec<Field>,
    /// The title among the fields.
    pub(super) title: Option<usize>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// By node: where the tokens of a split come together.
    pub(super) splits: Vec<Option<Split>>,
    pub(super) admins: BTreeSet<Id>,
    pub(super) dispatchers: BTreeSet<Id>,
    pub(super) viewers: BTreeSet<Id>,
    pub(super) viewer_depts: BTreeSet<Id>,
    /// Event hooks: what each is called, and the events it is told of.
    pub(super) hooks: Vec<(Id, Vec<Id>)>,
    pub(super) source: Json,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: Id,
    pub(super) kind: NodeKind,
    /// By field.
    pub(super) permissions: Vec<Permission>,
    pub(super) allow_withdraw: bool,
    pub(super) allow_undo: bool,
    pub(super) deadline: Option<Deadline>,
    /// Edges that leave it, in definition order.
    pub(super) ways: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Deadline {
    pub(super) term: Term,
    pub(super) calendar: Id,
    pub(super) carry: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Term {
    After(working::Budget),
    Until(usize),
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: working::Budget,
    /// Between two times, and how many in all.
    pub(super) every: working::Budget,
    pub(super) times: u32,
    pub(super) does: Does,
}

#[derive(Debug)]
pub(super) enum Does {
    Remind,
    Escalate(Normal),
    TakeEdge(usize),
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Start,
    Normal(Normal),
    End,
    Exclusive {
        default: Option<usize>,
    },
    Parallel,
    Inclusive {
        default: Option<usize>,
    },
    TimerFor(Box<jiff::Span>),
    /// So much working time, by a calendar.
    TimerBudget(working::Budget, Id),
    TimerUntil(Option<usize>),
    Hook,
}

impl Normal {
    /// Whether the creator may not act.
    pub(super) fn excludes(&self) -> bool {
        self.on_creator != "allow"
    }
}

#[derive(Debug)]
pub(super) struct Normal {
    pub(super) assignee_type: String,
    pub(super) assignee: Vec<Id>,
    pub(super) strategy: String,
    /// `allow`, `exclude` or `next_above`.
    pub(super) on_creator: &'static str,
    /// `refuse`, `next_above` or `admins`.
    pub(super) on_nobody: &'static str,
    /// Whether those who are away are stood in for: not at the start, wherever the rule is from.
    pub(super) follows: bool,
    pub(super) remember_last_assignee: bool,
    pub(super) approval: Approval,
    /// `true`, or a list of nodes.
    pub(super) allow_add_signer: bool,
    pub(super) allow_return: Json,
    pub(super) allow_resume: bool,
}

/// How votes are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approval {
    pub(super) word: String,
    pub(super) n: u64,
    pub(super) veto: bool,
    pub(super) in_order: bool,
    pub(super) abstain: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Hidden,
    Readonly,
    Optional,
    Required,
}

#[derive(Debug)]
pub(super) struct Edge {
    pub(super) id: Id,
    /// `agree`, `reject`, `other` or `condition`.
    pub(super) kind: String,
    pub(super) from: usize,
    pub(super) to: usize,
    /// Or-ed groups of and-ed conditions; none of them empty.
    pub(super) groups: Vec<Vec<Condition>>,
    pub(super) skips_required: bool,
}

#[derive(Debug)]
pub(super) struct Condition {
    pub(super) field: Option<usize>,
    pub(super) operator: String,
    pub(super) value: Json,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: Id,
    /// The component's type.
    pub(super) kind: String,
    pub(super) multiple: bool,
    /// Key and label.
    pub(super) options: Vec<(String, String)>,
    pub(super) min: Option<Decimal>,
    pub(super) max: Option<Decimal>,
    pub(super) decimals: Option<u32>,
    pub(super) allows_negative: bool,
    /// `accept` of a file field.
    pub(super) accept: Vec<String>,
    /// Of an automatic title.
    pub(super) template: Option<String>,
}

/// Components that show something about the ticket and are always read-only.
const INFORMATION: [&str; 6] = [
    "creator_info",
    "created_at",
    "act_state",
    "workflow_info",
    "current_assignee_infos",
    "ticket_node_infos",
];

impl Definition {
    pub(super) fn read(source: &Json) -> Result<Self, String> {
        let basic = &source["basic_info"];
        let process = &source["process_schema"];
        let rights = &source["advanced_schema"]["permission_info"];
        let rows = list(&source["form_schema"], "component_info_list");
        let fields: Vec<Field> = rows
            .iter()
            .flat_map(|row| list(row, "children"))
            .map(read_field)
            .collect();
        let mut nodes = Vec::new();
        let node_list = list(process, "node_info_list");
        let edge_list = list(process, "edge_info_list");
        let node_at = |id: &str| node_list.iter().position(|node| text(node, "id") == id);
        for node in node_list {
            nodes.push(read_node(node, &fields, edge_list)?);
        }
        let mut edges = Vec::new();
        for (idx, edge) in edge_list.iter().enumerate() {
            let ends = [text(edge, "source_node_id"), text(edge, "target_node_id")].map(node_at);
            let [Some(from), Some(to)] = ends else {
                return Err(format!("edge `{}` hangs loose", text(edge, "id")));
            };
            nodes[from].ways.push(idx);
            edges.push(read_edge(edge, from, to, &fields));
        }
        let only = |is: fn(&NodeKind) -> bool| nodes.iter().position(|node| is(&node.kind));
        let start = only(|kind| matches!(kind, NodeKind::Start)).ok_or("there is no start node")?;
        let end = only(|kind| matches!(kind, NodeKind::End)).ok_or("there is no end node")?;
        let splits = graph::splits(&nodes, &edges, start, end)?;
        let set = |word| ids(rights, word).into_iter().collect();
        let hooks = list(&source["advanced_schema"]["customization_info"], "hook_info_list").iter();
        let hooks = hooks.map(|hook| {
            let id = text(hook, "id");
            let called = if id.trim().is_empty() { text(hook, "name") } else { id };
            (Id::from(called), ids(hook, "event_list"))
        });
        let named = |word| match text(basic, word) {
            "" => Err(format!("`basic_info` has no `{word}`")),
            name => Ok(Id::from(name)),
        };
        Ok(Self {
            workflow: named("id")?,
            version: named("version")?,
            title: fields.iter().position(|field| field.kind == "title"),
            nodes,
            edges,
            fields,
            start,
            end,
            splits,
            admins: set("admin_id_list"),
            dispatchers: set("dispatcher_id_list"),
            viewers: set("viewer_id_list"),
            viewer_depts: set("viewer_dept_id_list"),
            hooks: hooks.collect(),
            source: source.clone(),
        })
    }

    pub(super) fn node_at(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| &*node.id == id)
    }

    pub(super) fn field_at(&self, key: &str) -> Option<usize> {
        self.fields.iter().position(|field| &*field.key == key)
    }

    /// The merge of a split.
    pub(super) fn merge_of(&self, split: usize) -> Option<usize> {
        self.splits[split].as_ref().map(|split| split.merge)
    }

    /// Whether a node lies in the region of a split; of a node that is none, no.
    pub(super) fn in_region(&self, split: usize, node: usize) -> bool {
        self.splits[split].as_ref().is_some_and(|split| split.region[node])
    }
}

fn read_node(node: &Json, fields: &[Field], edge_list: &[Json]) -> Result<Node, String> {
    let props = &node["props"];
    let id = text(node, "id");
    let default = || {
        let named = text(props, "default_branch");
        edge_list
            .iter()
            .position(|edge| !named.is_empty() && text(edge, "id") == named)
    };
    let kind = match text(node, "type") {
        "start" => NodeKind::Start,
        "end" => NodeKind::End,
        "normal" => NodeKind::Normal(Normal {
            assignee_type: text(props, "assignee_type").to_owned(),
            assignee: ids(props, "assignee"),
            strategy: text(props, "assignment_strategy").to_owned(),
            on_creator: match text(props, "on_creator") {
                "next_above" => "next_above",
                "exclude" => "exclude",
                _ if props["exclude_creator"] == true => "exclude",
                _ => "allow",
            },
            on_nobody: match text(props, "on_nobody") {
                "next_above" => "next_above",
                "admins" => "admins",
                _ => "refuse",
            },
            follows: true,
            remember_last_assignee: props["remember_last_assignee"] == true,
            approval: read_approval(&props["approval"]),
            allow_add_signer: props["allow_add_signer"] == true,
            allow_return: props["allow_return"].clone(),
            allow_resume: props["allow_resume"] != false,
        }),
        "exclusive" => NodeKind::Exclusive { default: default() },
        "parallel" => NodeKind::Parallel,
        "inclusive" => NodeKind::Inclusive { default: default() },
        "timer" => match text(props, "duration").trim() {
            "" => {
                let key = text(props, "until_field").trim();
                NodeKind::TimerUntil(fields.iter().position(|field| &*field.key == key))
            }
            duration => {
                let unread = || format!("node `{id}` has the duration `{duration}`");
                match text(props, "calendar").trim() {
                    "" => NodeKind::TimerFor(Box::new(duration.parse().map_err(|_| unread())?)),
                    calendar => {
                        let budget = working::Budget::read(duration).ok_or_else(unread)?;
                        NodeKind::TimerBudget(budget, calendar.into())
                    }
                }
            }
        },
        "hook" => NodeKind::Hook,
        other => return Err(format!("node `{id}` has the type `{other}`")),
    };
    let permission = |field: &Field| {
        let said = match text(&props["field_permissions"], &field.key) {
            "hidden" => Some(Permission::Hidden),
            "readonly" => Some(Permission::Readonly),
            "optional" => Some(Permission::Optional),
            "required" => Some(Permission::Required),
            _ => None,
        };
        let is_information = INFORMATION.contains(&field.kind.as_str());
        match said {
            None if is_information => Permission::Readonly,
            None => Permission::Hidden,
            Some(Permission::Optional | Permission::Required) if is_information || field.kind == "externaldata" => {
                Permission::Readonly
            }
            Some(said) => said,
        }
    };
    Ok(Node {
        id: id.into(),
        kind,
        permissions: fields.iter().map(permission).collect(),
        allow_withdraw: props["allow_withdraw"] == true,
        allow_undo: props["allow_undo"] == true,
        deadline: read_deadline(&props["deadline"], fields, edge_list),
        ways: Vec::new(),
    })
}

/// Without a word it takes everybody; a sequence takes everybody, one after the other.
fn read_approval(approval: &Json) -> Approval {
    let word = match text(approval, "rule") {
        "" | "sequence" => "all",
        word => word,
    };
    Approval {
        word: word.to_owned(),
        n: approval["n"].as_u64().unwrap_or(0),
        veto: approval["veto"] == true,
        in_order: approval["in_order"] == true || text(approval, "rule") == "sequence",
        abstain: approval["abstain"] == true,
    }
}

fn read_deadline(json: &Json, fields: &[Field], edge_list: &[Json]) -> Option<Deadline> {
    let term = match text(json, "until_field") {
        "" => Term::After(working::Budget::read(text(json, "after"))?),
        key => Term::Until(fields.iter().position(|field| &*field.key == key)?),
    };
    let steps = list(json, "steps").iter().filter_map(|step| {
        let every = working::Budget::read(text(step, "every"));
        let times = step["times"].as_u64().and_then(|times| times.try_into().ok());
        Some(Step {
            at: working::Budget::read(text(step, "at")).unwrap_or_default(),
            every: every.unwrap_or_default(),
            times: if every.is_some() { times.unwrap_or(10) } else { 1 },
            does: match text(step, "do") {
                "remind" => Does::Remind,
                "escalate" => Does::Escalate(Normal {
                    assignee_type: text(&step["to"], "assignee_type").to_owned(),
                    assignee: ids(&step["to"], "assignee"),
                    strategy: "direct".to_owned(),
                    on_creator: "allow",
                    on_nobody: "refuse",
                    follows: false,
                    remember_last_assignee: false,
                    approval: read_approval(&Json::Null),
                    allow_add_signer: false,
                    allow_return: Json::Null,
                    allow_resume: true,
                }),
                _ => Does::TakeEdge(edge_list.iter().position(|edge| edge["id"] == step["edge"])?),
            },
        })
    });
    Some(Deadline {
        term,
        calendar: text(json, "calendar").into(),
        carry: json["carry"] == true,
        steps: steps.collect(),
    })
}

fn read_edge(edge: &Json, from: usize, to: usize, fields: &[Field]) -> Edge {
    let props = &edge["props"];
    let read_condition = |condition: &Json| {
        let key = match text(condition, "field_name") {
            "" => text(condition, "field_key"),
            key => key,
        };
        Condition {
            field: fields.iter().position(|field| &*field.key == key),
            operator: text(condition, "operator").trim().to_owned(),
            value: condition["value"].clone(),
        }
    };
    let groups = list(props, "condition_groups").iter();
    let groups = groups.map(|group| list(group, "conditions").iter().map(read_condition).collect());
    Edge {
        id: text(edge, "id").into(),
        kind: match text(edge, "type") {
            "accept" => "agree".to_owned(),
            kind => kind.to_owned(),
        },
        from,
        to,
        groups: groups.filter(|group: &Vec<Condition>| !group.is_empty()).collect(),
        skips_required: props["skip_fields_required_check"] == true,
    }
}

fn read_field(component: &Json) -> Field {
    let kind = text(component, "type");
    let props = &component["props"];
    let number = |word: &str| values::number_in(&props[word]);
    let option = |option: &Json| {
        // Existing definitions number their options.
        let key = match option["key"].as_number() {
            Some(number) => number.to_string(),
            None => text(option, "key").trim().to_owned(),
        };
        let label = text(option, "label");
        let label = if label.trim().is_empty() {
            key.clone()
        } else {
            label.to_owned()
        };
        (key, label)
    };
    let has_options = ["select", "radio", "checkbox"].contains(&kind);
    Field {
        key: text(component, "component_key").into(),
        kind: kind.to_owned(),
        accept: list(props, "accept")
            .iter()
            .filter_map(|entry| Some(entry.as_str()?.trim().to_lowercase()))
            .collect(),
        multiple: props["multiple"].as_bool().unwrap_or(kind == "checkbox"),
        options: if has_options {
            list(props, "options_with_keys").iter().map(option).collect()
        } else {
            Vec::new()
        },
        min: number("min"),
        max: number("max"),
        decimals: if props["allow_decimal"] == false {
            Some(0)
        } else {
            number("precision").and_then(|digits| digits.try_into().ok())
        },
        allows_negative: props["allow_negative"] != false,
        template: (kind == "title" && props["title_generate_mode"] == "automatic")
            .then(|| text(props, "title_template").to_owned()),
    }
}

/// A text of an object; empty where there is none.
pub(super) fn text<'a>(json: &'a Json, word: &str) -> &'a str {
    json.get(word).and_then(Json::as_str).unwrap_or_default()
}

/// A list of an object; empty where there is none.
pub(super) fn list<'a>(json: &'a Json, word: &str) -> &'a [Json] {
    json.get(word).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Ids from a list or a comma separated text, each once.
pub(super) fn ids(json: &Json, word: &str) -> Vec<Id> {
    let given: Vec<&str> = match json[word].as_str() {
        Some(text) => text.split(',').collect(),
        None => list(json, word).iter().filter_map(Json::as_str).collect(),
    };
    let mut found: Vec<Id> = Vec::new();
    for id in given.into_iter().map(str::trim).filter(|id| !id.is_empty()) {
        if !found.iter().any(|known| &**known == id) {
            found.push(id.into());
        }
    }
    found
}
