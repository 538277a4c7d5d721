//! Workflows written as lines.

use std::sync::Arc;

use crate::define::{Approval, Assign, Deadline, Field, Node, Workflow};
use crate::value::Value;
use crate::workflow::condition::Operator;
use crate::workflow::edge::EdgeKind;
use crate::workflow::{ComponentKind, Strategy, Variable, WorkflowVersion};

/// A workflow of these lines, ready to run.
///
/// ```text
/// form amount:number tags:checkbox(a|b|c) who:user*          fields beside the title; `*` takes several
/// title {amount} of {creator}                                an automatic title
/// start amount=required                                      optional where nothing is said
/// node a normal users:ann,bob whole withdraw amount=readonly strategies, flags and permissions in any order
/// node b normal users:ann deadline:PT8H calendar:office carry at:-PT1H/remind/PT1H/3 at:PT0S/escalate/bob at:PT2H/take_edge/e1
/// node c normal users:ann deadline:until/when at:PT0S/remind
/// node g exclusive default:e2
/// node t timer PT2H                                          or `timer until:when`, or `timer PT2H calendar:office`
/// node h hook
/// edge e1 reject a -> g skip                                 `skip`: though required fields are empty
/// edge e2 condition g -> end if amount > 10 and tags contains a or amount is_empty
/// ```
///
/// `start` and `end` are there without a line. At other nodes the title is shown, and what is not mentioned is hidden.
/// Flags of normal nodes: `withdraw`, `exclude_creator`, `remember`, `skip_same`, `signers` (who acts may add some); `on_creator:exclude`,
/// `on_nobody:admins`, `undo` (of the start too), `return` or `return:a,b`, `no_resume`; strategies: `random`, `voluntary`, `whole`, else any
/// one acts; `votes:count(2)+veto+in_order+abstain` says how votes count. The users wad, dis and vie are admin, dispatcher and viewer of it.
///
/// # Panics
/// On a line that does not read, and on a workflow that cannot run.
#[must_use]
pub fn flow(text: &str) -> Arc<WorkflowVersion> {
    named_flow("1.0", text)
}

/// The same, as a version of this name.
///
/// # Panics
/// As [`flow`].
#[must_use]
pub fn named_flow(version: &str, text: &str) -> Arc<WorkflowVersion> {
    let source = definition("w", version, text).definition();
    Arc::new(WorkflowVersion::load(&source).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

/// The same, as a definition that can be changed further and published.
///
/// # Panics
/// On a line that does not read.
#[must_use]
pub fn definition(id: &str, version: &str, text: &str) -> Workflow {
    let lines: Vec<(&str, &str)> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once(' ').unwrap_or_else(|| panic!("a word alone: `{line}`")))
        .collect();
    let mut fields = vec![Field::title()];
    // Which node lets one do what with which field, and at which nodes people act.
    let (mut said, mut steps) = (Vec::new(), Vec::new());
    let mut workflow = Workflow::new(id, version)
        .admins(["wad"])
        .dispatchers(["dis"])
        .viewers(["vie"]);
    for (word, rest) in &lines {
        let words: Vec<&str> = rest.split_whitespace().collect();
        match *word {
            "form" => fields.extend(words.iter().map(|word| field(word))),
            "title" => fields[0] = Field::title_from(*rest),
            "start" => {
                let start = match deadline(&words) {
                    Some(deadline) => Node::start().deadline(deadline),
                    None => Node::start(),
                };
                workflow = workflow.node(if words.contains(&"undo") {
                    start.allow_undo()
                } else {
                    start
                });
                let permissions = words.iter().filter(|word| word.contains('='));
                said.extend(permissions.map(|word| permission("start", word)));
            }
            "node" => {
                let (id, kind) = (words[0], words[1]);
                if kind == "normal" {
                    steps.push(id);
                }
                let permissions = words[2..].iter().filter(|word| word.contains('='));
                said.extend(permissions.map(|word| permission(id, word)));
                workflow = workflow.node(node(id, kind, &words[2..]));
            }
            "edge" => workflow = edge(workflow, rest, &words),
            other => panic!("a line starts with `{other}`: take form, title, start, node or edge"),
        }
    }
    for (idx, mut field) in fields.into_iter().enumerate() {
        let key = field.key().to_owned();
        for step in &steps {
            field = if idx == 0 {
                field.readonly_at(*step)
            } else {
                field.hidden_at(*step)
            };
        }
        for (node, _, permission) in said.iter().filter(|(_, field, _)| *field == key) {
            field = match permission.as_str() {
                "required" => field.required_at(*node),
                "optional" => field.optional_at(*node),
                "readonly" => field.readonly_at(*node),
                "hidden" => field.hidden_at(*node),
                other => panic!("`{key}={other}`: take required, optional, readonly or hidden"),
            };
        }
        workflow = workflow.field(field);
    }
    workflow
}

fn field(word: &str) -> Field {
    let (key, kind) = word
        .split_once(':')
        .unwrap_or_else(|| panic!("a field without a type: `{word}`"));
    let (kind, is_multiple) = kind.strip_suffix('*').map_or((kind, false), |kind| (kind, true));
    let (kind, options) = kind.split_once('(').unwrap_or((kind, ""));
    let kind = ComponentKind::parse(kind).unwrap_or_else(|| panic!("no type of a field: `{word}`"));
    let mut field = Field::new(kind, key);
    let keys: Vec<&str> = options
        .trim_end_matches(')')
        .split('|')
        .filter(|key| !key.is_empty())
        .collect();
    if !keys.is_empty() {
        field = field.options(keys.into_iter().map(|key| (key, key.to_uppercase())));
    }
    if is_multiple { field.multiple() } else { field }
}

fn permission<'t>(node: &'t str, word: &'t str) -> (&'t str, String, String) {
    let (key, permission) = word
        .split_once('=')
        .unwrap_or_else(|| panic!("no permission: `{word}`"));
    (node, key.to_owned(), permission.to_owned())
}

fn node(id: &str, kind: &str, words: &[&str]) -> Node {
    let split = |prefix: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(prefix)?.strip_prefix(':'))
    };
    let list = |prefix: &str| split(prefix).map(|named| named.split(','));
    let default = |node: Node| match split("default") {
        Some(edge) => node.default_branch(edge),
        None => node,
    };
    match kind {
        "exclusive" => default(Node::exclusive(id)),
        "inclusive" => default(Node::inclusive(id)),
        "parallel" => Node::parallel(id),
        "timer" => match (split("until"), split("duration").or(words.first().copied())) {
            (Some(field), _) => Node::timer_until(id, field),
            (None, Some(duration)) => match split("calendar") {
                Some(calendar) => Node::timer(id, duration).calendar(calendar),
                None => Node::timer(id, duration),
            },
            (None, None) => panic!("timer `{id}` does not say how long"),
        },
        "hook" => Node::hook(id, "http://hooks.example/x", "s3cret"),
        "normal" => {
            let assign = list("users").map(Assign::users);
            let assign = assign.or_else(|| list("depts").map(Assign::depts));
            let assign = assign.or_else(|| list("roles").map(Assign::roles));
            let assign = assign.or_else(|| list("ticket_field").map(Assign::fields));
            let assign = assign.or_else(|| list("parent_ticket_field").map(Assign::parent_fields));
            let assign = assign.or_else(|| split("external").map(Assign::external));
            let assign = assign.or_else(|| list("variables").map(|words| Assign::variables(words.map(variable))));
            let assign = assign.unwrap_or_else(|| panic!("node `{id}` does not say who is assigned"));
            let step = match deadline(words) {
                Some(deadline) => Node::step(id, assign).deadline(deadline),
                None => Node::step(id, assign),
            };
            words.iter().fold(step, |node, word| match *word {
                "carry" => node,
                "withdraw" => node.allow_withdraw(),
                "exclude_creator" => node.exclude_creator(),
                "remember" => node.remember_last_assignee(),
                "skip_same" => node.skip_same_approver(),
                "signers" => node.allow_add_signer(),
                word if word.starts_with("on_creator:") => node.prop("on_creator", &word["on_creator:".len()..]),
                word if word.starts_with("on_nobody:") => node.prop("on_nobody", &word["on_nobody:".len()..]),
                "undo" => node.allow_undo(),
                "return" => node.allow_return(),
                "no_resume" => node.forbid_resume(),
                word if word.starts_with("return:") => node.allow_return_to(word["return:".len()..].split(',')),
                "all" => node.strategy(Strategy::Whole),
                word if word.starts_with("votes:") => node.approval(approval(&word["votes:".len()..])),
                word if word.contains([':', '=']) => node,
                word => match Strategy::ALL.into_iter().find(|strategy| strategy.word() == word) {
                    Some(strategy) => node.strategy(strategy),
                    None => panic!("node `{id}` has the flag `{word}`, which is none"),
                },
            })
        }
        other => panic!("node `{id}` has the type `{other}`, which is none"),
    }
}

/// `percent(60)+veto+abstain`: a rule, and what goes with it.
fn approval(text: &str) -> Approval {
    let mut words = text.split('+');
    let rule = words.next().unwrap_or_default().trim_end_matches(')');
    let (rule, n) = rule.split_once('(').unwrap_or((rule, ""));
    let n = || {
        n.parse()
            .unwrap_or_else(|_| panic!("`{rule}` takes a number: `{text}`"))
    };
    let mut approval = match rule {
        "all" => Approval::all(),
        "any" => Approval::any(),
        "majority" => Approval::majority(),
        "percent" => Approval::percent(n()),
        "count" => Approval::count(n()),
        "sequence" => Approval::sequence(),
        other => panic!("no rule of a vote: `{other}`"),
    };
    for word in words {
        approval = match word {
            "veto" => approval.with_veto(),
            "in_order" => approval.in_order(),
            "abstain" => approval.with_abstention(),
            other => panic!("nothing that goes with a vote: `{other}`"),
        };
    }
    approval
}

/// `deadline:PT8H calendar:office carry at:PT0S/escalate/bob`.
fn deadline(words: &[&str]) -> Option<Deadline> {
    let of = |prefix: &'static str| words.iter().filter_map(move |word| word.strip_prefix(prefix));
    let term = of("deadline:").next()?;
    let mut deadline = match term.strip_prefix("until/") {
        Some(field) => Deadline::until_field(field),
        None => Deadline::after(term),
    };
    if let Some(calendar) = of("calendar:").next() {
        deadline = deadline.calendar(calendar);
    }
    if words.contains(&"carry") {
        deadline = deadline.carry();
    }
    for step in of("at:") {
        let parts: Vec<&str> = step.split('/').collect();
        deadline = match parts[..] {
            [at, "remind"] => deadline.remind(at),
            [at, "remind", every, times] => {
                let times = times.parse().unwrap_or_else(|_| panic!("no number: `{step}`"));
                deadline.remind_every(at, every, times)
            }
            [at, "escalate", users] => deadline.escalate(at, Assign::users(users.split(','))),
            [at, "take_edge", edge] => deadline.take_edge(at, edge),
            _ => panic!("no step of a deadline: `{step}`"),
        };
    }
    Some(deadline)
}

fn variable(word: &str) -> Variable {
    let found = Variable::ALL.iter().find(|(_, spelt)| *spelt == word);
    let (variable, _) = found.unwrap_or_else(|| panic!("no variable: `{word}`"));
    *variable
}

/// `e1 agree a -> b skip if x > 1 and y == 2 or z is_empty`.
fn edge(workflow: Workflow, rest: &str, words: &[&str]) -> Workflow {
    let [id, kind, from, _, to] = words[..5] else {
        panic!("an edge reads `e1 agree a -> b`: `{rest}`")
    };
    let kind = EdgeKind::parse(kind).unwrap_or_else(|| panic!("no type of an edge: `{kind}`"));
    let mut workflow = workflow.edge(kind, id, from, to);
    if words.contains(&"skip") {
        workflow = workflow.skipping_required_fields();
    }
    let Some((_, conditions)) = rest.split_once(" if ") else {
        return workflow;
    };
    for group in conditions.split(" or ") {
        for (idx, text) in group.split(" and ").enumerate() {
            let (field, operator, value) = condition(text);
            workflow = if idx == 0 {
                workflow.when(field, operator, value)
            } else {
                workflow.and(field, operator, value)
            };
        }
    }
    workflow
}

/// A field, an operator, and a value: JSON where it reads as such, else a text.
fn condition(text: &str) -> (&str, Operator, Value) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [field, operator, ref value @ ..] = words[..] else {
        panic!("a condition reads `amount > 10`: `{text}`")
    };
    let operator = Operator::parse(operator).unwrap_or_else(|| panic!("no operator: `{operator}`"));
    let value = value.join(" ");
    let value =
        serde_json::from_str(&value).map_or_else(|_| Value::text(value), |json: serde_json::Value| (&json).into());
    (field, operator, value)
}
