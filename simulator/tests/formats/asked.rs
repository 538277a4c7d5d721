//! Variables that a process asks for and no form has: who answers them after an import, and what `check` says of
//! values that the requester alone decides by.

use std::sync::Arc;

use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::formats::import::bpmn::{Options, bpmn};
use loonflow_simulator::formats::import::{Imported, Level};
use loonflow_simulator::prove::check::{self, check};
use loonflow_simulator::world::inputs;
use serde_json::{Value as Json, json};

use crate::foreign::process;

const PAYOUT: &str = include_str!("samples/requester_decides.bpmn");

fn import(document: &str, fields: &[(&str, &str)]) -> anyhow::Result<Imported> {
    let mut options = Options::default();
    for (name, node) in fields {
        let nodes = options.fields.entry((*name).to_owned()).or_default();
        nodes.push((*node).to_owned());
    }
    bpmn(document.as_bytes(), &options)
}

/// `node field permission`, in the order of the nodes, without the title's.
fn permissions(imported: &Imported) -> Vec<String> {
    let nodes = imported.definition["process_schema"]["node_info_list"].as_array();
    let of_node = |node: &Json| {
        let permissions = node["props"]["field_permissions"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let id = node["id"].as_str().unwrap_or_default().to_owned();
        let said = permissions.into_iter().filter(|(key, _)| key != "title");
        said.map(|(key, said)| format!("{id} {key} {}", said.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    nodes.into_iter().flatten().flat_map(of_node).collect()
}

/// `code node field severity` of what `check` says about who decides.
fn said_of_deciders(definition: &Json) -> Vec<String> {
    let version = Arc::new(WorkflowVersion::load(definition).expect("it can be published"));
    let (source, directory) = inputs::directory(None, &[Arc::clone(&version)]).expect("a directory");
    let report = check(&version, &directory, &source, &check::Options::default());
    let findings = report.findings.iter();
    findings
        .filter(|one| matches!(one.code, "requester_decides" | "never_filled"))
        .map(|one| {
            let (node, field) = (one.node.as_deref().unwrap_or("-"), one.field.as_deref().unwrap_or("-"));
            format!("{} {} {node} {field}", one.severity.word(), one.code)
        })
        .collect()
}

#[test]
fn the_requester_does_not_decide() {
    let imported = import(PAYOUT, &[]).expect("a process");
    assert!(imported.is_whole());
    assert_eq!(permissions(&imported), ["decide approved required"]);
    let told = imported.findings.iter().find(|one| one.code == "field_put_in");
    let told = told.expect("it is told");
    assert_eq!((told.level, told.element.as_str()), (Level::Changed, "yes"));
    assert!(told.message.contains("at `decide`"), "{told}");
    // A flag is a choice of two, not a text in which somebody has to write `true`.
    let fields = &imported.definition["form_schema"]["component_info_list"];
    assert_eq!(fields[1]["children"][0]["type"], "radio");
    assert_eq!(said_of_deciders(&imported.definition), Vec::<String>::new());
}

/// Elements between, the flows that lead from one to the next, and what each node lets one do.
#[test]
fn whoever_acts_last_before_the_question_answers() {
    let user = "camunda:assignee=\"a\"";
    let hook = "<b:extensionElements><camunda:connector><camunda:inputOutput><camunda:inputParameter name=\"url\">\
                https://a.example</camunda:inputParameter></camunda:inputOutput></camunda:connector></b:extensionElements>";
    let flow = |id: &str, from: &str, to: &str| {
        format!("<b:sequenceFlow id=\"{id}\" sourceRef=\"{from}\" targetRef=\"{to}\"/>")
    };
    let asks = |id: &str, from: &str, to: &str, what: &str| {
        format!(
            "<b:sequenceFlow id=\"{id}\" sourceRef=\"{from}\" targetRef=\"{to}\">\
             <b:conditionExpression>${{{what}}}</b:conditionExpression></b:sequenceFlow>"
        )
    };
    let ends = "<b:startEvent id=\"s\"/><b:endEvent id=\"e\"/>";
    let task = |id: &str| format!("<b:userTask id=\"{id}\" {user}/>");
    let gateway = |id: &str, default: &str| format!("<b:exclusiveGateway id=\"{id}\" default=\"{default}\"/>");
    let both = |from: &str| format!("{}{}", asks("y", from, "e", "n &gt; 5"), flow("z", from, "e"));
    for (what, inside, expected, lost) in [
        (
            "nobody acts after the requester",
            format!("{}{}{}", gateway("g", "z"), flow("1", "s", "g"), both("g")),
            vec!["s n required"],
            vec![],
        ),
        (
            "a program between may compute it",
            format!(
                "{}<b:serviceTask id=\"h\">{hook}</b:serviceTask>{}{}{}{}{}",
                task("t"),
                gateway("g", "z"),
                flow("1", "s", "t"),
                flow("2", "t", "h"),
                flow("3", "h", "g"),
                both("g")
            ),
            vec!["t n required"],
            vec!["field_of_a_program"],
        ),
        (
            "what only sends computes nothing",
            format!(
                "{}<b:sendTask id=\"h\">{hook}</b:sendTask>{}{}{}{}{}",
                task("t"),
                gateway("g", "z"),
                flow("1", "s", "t"),
                flow("2", "t", "h"),
                flow("3", "h", "g"),
                both("g")
            ),
            vec!["t n required"],
            vec![],
        ),
        (
            "either of two may be the last",
            format!(
                "{}{}{}{}{}{}{}{}{}{}{}",
                gateway("c", "2"),
                task("t"),
                task("u"),
                gateway("g", "z"),
                flow("1", "s", "c"),
                asks("3", "c", "t", "m &gt; 1"),
                flow("2", "c", "u"),
                flow("4", "t", "g"),
                flow("5", "u", "g"),
                both("g"),
                ""
            ),
            vec!["s m required", "t n required", "u n required"],
            vec![],
        ),
        (
            "where another way may be taken nobody has to",
            format!(
                "{}{}{}{}{}{}{}",
                task("t"),
                gateway("c", "3"),
                gateway("g", "z"),
                flow("1", "s", "t"),
                flow("2", "t", "c"),
                asks("4", "c", "g", "m &gt; 1") + &flow("3", "c", "e"),
                both("g")
            ),
            vec!["t m required", "t n optional"],
            vec![],
        ),
        (
            "a form that only shows it lets nobody answer",
            format!(
                "<b:userTask id=\"t\" {user}><b:extensionElements><camunda:formData><camunda:formField id=\"n\" type=\"long\">\
                 <camunda:validation><camunda:constraint name=\"readonly\"/></camunda:validation></camunda:formField>\
                 </camunda:formData></b:extensionElements></b:userTask>{}{}{}{}",
                gateway("g", "z"),
                flow("1", "s", "t"),
                flow("2", "t", "g"),
                both("g")
            ),
            vec!["t n required"],
            vec![],
        ),
        (
            "a form before lets somebody answer",
            format!(
                "<b:userTask id=\"t\" {user}><b:extensionElements><camunda:formData><camunda:formField id=\"n\" type=\"long\"/>\
                 </camunda:formData></b:extensionElements></b:userTask>{}{}{}{}{}{}",
                task("u"),
                gateway("g", "z"),
                flow("1", "s", "t"),
                flow("2", "t", "u"),
                flow("3", "u", "g"),
                both("g")
            ),
            vec!["t n optional"],
            vec![],
        ),
        (
            "who is to act is named by whoever acts before",
            format!(
                "{}<b:userTask id=\"u\" camunda:assignee=\"${{boss}}\"/>{}{}{}",
                task("t"),
                flow("1", "s", "t"),
                flow("2", "t", "u"),
                flow("3", "u", "e")
            ),
            vec!["t boss required"],
            vec![],
        ),
        (
            "until when to wait is said by whoever acts before",
            format!(
                "{}<b:intermediateCatchEvent id=\"w\"><b:timerEventDefinition><b:timeDate>${{day}}</b:timeDate>\
                 </b:timerEventDefinition></b:intermediateCatchEvent>{}{}{}",
                task("t"),
                flow("1", "s", "t"),
                flow("2", "t", "w"),
                flow("3", "w", "e")
            ),
            vec!["t day required"],
            vec![],
        ),
    ] {
        let imported = import(&process(&format!("{ends}{inside}")), &[]).expect("a process");
        assert_eq!(permissions(&imported), expected, "{what}");
        let found = imported.findings.iter().filter(|one| one.level == Level::Lost);
        let found: Vec<&str> = found.map(|one| one.code).collect();
        assert_eq!(found, lost, "{what}");
    }
}

#[test]
fn the_caller_says_who_answers() {
    let imported = import(PAYOUT, &[("approved", "pay"), ("approved", "begin")]).expect("a process");
    assert_eq!(
        permissions(&imported),
        ["begin approved required", "pay approved required"]
    );
    for (field, node, why) in [
        ("approved", "ok", "take one of `begin`, `decide`, `pay`"),
        ("aproved", "decide", "nothing in the process asks for `aproved`"),
    ] {
        let error = import(PAYOUT, &[(field, node)]).expect_err("it cannot be done");
        assert!(error.to_string().contains(why), "{error:#}");
    }
}

/// The same, as an import made it before, and what else a person may draw.
#[test]
fn check_tells_what_the_requester_decides_by() {
    let imported = import(PAYOUT, &[]).expect("a process");
    for (at_start, at_decide, expected) in [
        ("optional", "hidden", vec!["warning requester_decides ok approved"]),
        ("required", "hidden", vec!["warning requester_decides ok approved"]),
        ("required", "readonly", vec!["note requester_decides ok approved"]),
        ("required", "optional", vec![]),
        ("hidden", "required", vec![]),
        ("hidden", "readonly", vec!["warning never_filled ok approved"]),
    ] {
        let mut definition = imported.definition.clone();
        let nodes = &mut definition["process_schema"]["node_info_list"];
        for (idx, said) in [(0, at_start), (1, at_decide)] {
            nodes[idx]["props"]["field_permissions"]["approved"] = json!(said);
        }
        assert_eq!(said_of_deciders(&definition), expected, "{at_start}, {at_decide}");
    }
}

/// Work that BPMN does for each of several, of every kind.
#[test]
fn work_done_several_times_is_told() {
    let letters = include_str!("samples/five_letters.bpmn");
    let imported = import(letters, &[]).expect("a process");
    let told = imported.findings.iter().find(|one| one.code == "multi_instance");
    let told = told.expect("it is told");
    assert_eq!((told.level, told.element.as_str()), (Level::Lost, "post"));
    assert!(!imported.is_whole());
    for kind in [
        "serviceTask",
        "sendTask",
        "scriptTask",
        "receiveTask",
        "businessRuleTask",
    ] {
        for (repeated, code) in [
            ("multiInstanceLoopCharacteristics", "multi_instance"),
            ("standardLoopCharacteristics", "loop"),
        ] {
            let document = process(&format!("<b:{kind} id=\"x\"><b:{repeated}/></b:{kind}>"));
            let imported = import(&document, &[]).expect("a process");
            let is_told = |one: &loonflow_simulator::formats::import::Finding| {
                one.code == code && one.element == "x" && one.level == Level::Lost
            };
            assert!(imported.findings.iter().any(is_told), "{kind} {repeated}");
        }
    }
    for kind in ["userTask", "manualTask", "task", "subProcess", "callActivity"] {
        let document = process(&format!(
            "<b:{kind} id=\"x\" camunda:assignee=\"a\"><b:multiInstanceLoopCharacteristics/></b:{kind}>"
        ));
        let imported = import(&document, &[]).expect("a process");
        assert!(
            imported.findings.iter().any(|one| one.code == "multi_instance"),
            "{kind}"
        );
        let nodes = &imported.definition["process_schema"]["node_info_list"];
        assert_eq!(nodes[0]["props"]["assignment_strategy"], "whole", "{kind}");
    }
}
