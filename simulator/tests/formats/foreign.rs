//! BPMN as other tools write it: taken over, or told by element.

use loonflow_simulator::formats::import::Imported;
use loonflow_simulator::formats::import::bpmn::{Options, bpmn};

/// A process around a few elements, with namespaces as tools bind them.
pub(crate) fn process(inside: &str) -> String {
    format!(
        "<b:definitions xmlns:b=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" \
         xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\" xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\">\
         <b:process id=\"p\">{inside}</b:process></b:definitions>"
    )
}

fn import(document: &str) -> Imported {
    bpmn(document.as_bytes(), &Options::default()).unwrap_or_else(|error| panic!("{error:#}\n{document}"))
}

/// Nodes and edges in one line each, then what was told.
fn told(imported: &Imported) -> String {
    let process = &imported.definition["process_schema"];
    let text = |json: &serde_json::Value| json.as_str().unwrap_or("-").to_owned();
    let mut lines = Vec::new();
    for node in process["node_info_list"].as_array().expect("nodes") {
        let props = node["props"].as_object().expect("props").clone();
        lines.push(format!(
            "{} {} {}",
            text(&node["type"]),
            text(&node["id"]),
            serde_json::Value::Object(props)
        ));
    }
    for edge in process["edge_info_list"].as_array().expect("edges") {
        let ends = (text(&edge["source_node_id"]), text(&edge["target_node_id"]));
        lines.push(format!(
            "{} {}: {} -> {} {}",
            text(&edge["type"]),
            text(&edge["id"]),
            ends.0,
            ends.1,
            edge["props"]
        ));
    }
    for row in imported.definition["form_schema"]["component_info_list"]
        .as_array()
        .expect("rows")
    {
        let field = &row["children"][0];
        lines.push(format!(
            "field {} {} {}",
            text(&field["component_key"]),
            text(&field["type"]),
            field["props"]
        ));
    }
    lines.extend(imported.findings.iter().map(ToString::to_string));
    lines.extend(imported.problems.iter().map(ToString::to_string));
    lines.join("\n")
}

#[test]
fn a_process_of_camunda_7_is_taken_over() {
    let imported = import(include_str!("samples/expense_camunda7.bpmn"));
    assert!(imported.is_whole());
    insta::assert_snapshot!(told(&imported));
}

#[test]
fn a_process_of_camunda_8_is_taken_over() {
    let imported = import(include_str!("samples/hire_camunda8.bpmn"));
    assert!(imported.is_whole());
    insta::assert_snapshot!(told(&imported));
}

/// A process that would be whole but for one element; the code that tells of it and its element.
#[test]
fn what_cannot_be_said_is_told_by_element() {
    let around = |inside: &str| {
        process(&format!(
            "<b:startEvent id=\"s\"/>{inside}<b:endEvent id=\"e\"/>\
             <b:sequenceFlow id=\"f1\" sourceRef=\"s\" targetRef=\"x\"/>\
             <b:sequenceFlow id=\"f2\" sourceRef=\"x\" targetRef=\"e\"/>"
        ))
    };
    for (element, code) in [
        ("<b:subProcess id=\"x\"/>", "sub_process"),
        ("<b:transaction id=\"x\"/>", "sub_process"),
        ("<b:callActivity id=\"x\"/>", "call_activity"),
        ("<b:scriptTask id=\"x\"/>", "computed_task"),
        ("<b:businessRuleTask id=\"x\"/>", "computed_task"),
        ("<b:receiveTask id=\"x\"/>", "event"),
        ("<b:eventBasedGateway id=\"x\"/>", "gateway_kind"),
        ("<b:complexGateway id=\"x\"/>", "gateway_kind"),
        ("<b:serviceTask id=\"x\"/>", "hook_without_url"),
        ("<b:userTask id=\"x\"/>", "nobody_named"),
        (
            "<b:userTask id=\"x\" camunda:assignee=\"${service.find(task)}\"/>",
            "assignee_computed",
        ),
        (
            "<b:userTask id=\"x\" camunda:candidateUsers=\"a\" camunda:candidateGroups=\"g\"/>",
            "candidates_left_out",
        ),
        (
            "<b:userTask id=\"x\" camunda:assignee=\"a\" camunda:formKey=\"embedded:a.html\"/>",
            "form_elsewhere",
        ),
        (
            "<b:userTask id=\"x\" camunda:assignee=\"a\"><b:standardLoopCharacteristics/></b:userTask>",
            "loop",
        ),
        (
            "<b:intermediateCatchEvent id=\"x\"><b:messageEventDefinition/></b:intermediateCatchEvent>",
            "event",
        ),
        (
            "<b:intermediateThrowEvent id=\"x\"><b:signalEventDefinition/></b:intermediateThrowEvent>",
            "event",
        ),
        (
            "<b:intermediateCatchEvent id=\"x\"><b:timerEventDefinition><b:timeCycle>R3/PT1H</b:timeCycle></b:timerEventDefinition></b:intermediateCatchEvent>",
            "timer",
        ),
        ("<b:exclusiveGateway id=\"x\" default=\"f9\"/>", "default_flow"),
        (
            "<b:userTask id=\"x\" camunda:assignee=\"a\"/><b:boundaryEvent id=\"y\" attachedToRef=\"x\"/>",
            "boundary_event",
        ),
        (
            "<b:userTask id=\"x\" camunda:assignee=\"a\"/><b:nonsense id=\"y\"/>",
            "unknown_element",
        ),
        (
            "<b:userTask id=\"x\" camunda:assignee=\"a\"/><b:sequenceFlow id=\"y\" sourceRef=\"x\" targetRef=\"gone\"/>",
            "loose_flow",
        ),
        (
            "<b:userTask id=\"x\" camunda:assignee=\"a\"/><b:sequenceFlow id=\"y\" sourceRef=\"e\" targetRef=\"x\"/>",
            "way_out_of_end",
        ),
    ] {
        let imported = import(&around(element));
        let lost: Vec<String> = imported
            .findings
            .iter()
            .filter(|one| one.level == loonflow_simulator::formats::import::Level::Lost)
            .map(|one| format!("{} {}", one.code, one.element))
            .collect();
        let of = if element.contains("id=\"y\"") { "y" } else { "x" };
        assert!(lost.contains(&format!("{code} {of}")), "{element}: {lost:?}");
        assert!(!imported.is_whole(), "{element}");
    }
}

#[test]
fn conditions_that_cannot_be_said_are_told() {
    let asked = |condition: &str| {
        import(&process(&format!(
            "<b:startEvent id=\"s\"/><b:exclusiveGateway id=\"x\" default=\"f3\"/><b:endEvent id=\"e\"/>\
             <b:sequenceFlow id=\"f1\" sourceRef=\"s\" targetRef=\"x\"/>\
             <b:sequenceFlow id=\"f2\" sourceRef=\"x\" targetRef=\"e\">{condition}</b:sequenceFlow>\
             <b:sequenceFlow id=\"f3\" sourceRef=\"x\" targetRef=\"e\"/>"
        )))
    };
    for condition in [
        "<b:conditionExpression>${service.ask(1)}</b:conditionExpression>",
        "<b:conditionExpression/>",
        "<b:conditionExpression language=\"JavaScript\">amount > 1</b:conditionExpression>",
    ] {
        let imported = asked(condition);
        assert!(
            imported
                .findings
                .iter()
                .any(|one| one.code == "condition" && one.element == "f2"),
            "{condition}"
        );
    }
    let imported = asked("<b:conditionExpression>= amount > 1</b:conditionExpression>");
    assert!(imported.is_whole(), "{}", told(&imported));
}

#[test]
fn graphs_of_other_shapes_become_definitions() {
    let user = "camunda:assignee=\"a\"";
    for (inside, codes) in [
        // No start and no end: both are put in.
        (
            format!("<b:userTask id=\"x\" name=\"X\" {user}/>"),
            vec!["start_put_in", "end_put_in", "title_put_in"],
        ),
        // Two starts are a choice, two ends are one.
        (
            format!(
                "<b:startEvent id=\"s\"/><b:startEvent id=\"s2\"/><b:userTask id=\"x\" {user}/><b:userTask id=\"y\" {user}/>\
                 <b:endEvent id=\"e\"/><b:endEvent id=\"e2\"/>\
                 <b:sequenceFlow id=\"1\" sourceRef=\"s\" targetRef=\"x\"/><b:sequenceFlow id=\"2\" sourceRef=\"s2\" targetRef=\"y\"/>\
                 <b:sequenceFlow id=\"3\" sourceRef=\"x\" targetRef=\"e\"/><b:sequenceFlow id=\"4\" sourceRef=\"y\" targetRef=\"e2\"/>"
            ),
            vec!["starts_merged", "ends_merged", "title_put_in"],
        ),
        // Several ways out of a task are a parallel split, and its branches meet at a task.
        (
            format!(
                "<b:startEvent id=\"s\"/><b:userTask id=\"a\" {user}/><b:userTask id=\"x\" {user}/><b:userTask id=\"y\" {user}/>\
                 <b:userTask id=\"z\" {user}/><b:endEvent id=\"e\"/>\
                 <b:sequenceFlow id=\"1\" sourceRef=\"s\" targetRef=\"a\"/><b:sequenceFlow id=\"2\" sourceRef=\"a\" targetRef=\"x\"/>\
                 <b:sequenceFlow id=\"3\" sourceRef=\"a\" targetRef=\"y\"/><b:sequenceFlow id=\"4\" sourceRef=\"x\" targetRef=\"z\"/>\
                 <b:sequenceFlow id=\"5\" sourceRef=\"y\" targetRef=\"z\"/><b:sequenceFlow id=\"6\" sourceRef=\"z\" targetRef=\"e\"/>"
            ),
            vec!["split_by_flows", "title_put_in", "implicit_join"],
        ),
    ] {
        let imported = import(&process(&inside));
        let found: Vec<&str> = imported.findings.iter().map(|one| one.code).collect();
        assert_eq!(found, codes, "{}", told(&imported));
        assert!(imported.is_whole(), "{}", told(&imported));
    }
}

#[test]
fn several_processes_want_a_choice() {
    let two = process("<b:startEvent id=\"s\"/>").replace(
        "</b:definitions>",
        "<b:process id=\"q\"><b:startEvent id=\"s3\"/></b:process></b:definitions>",
    );
    let error = bpmn(two.as_bytes(), &Options::default()).expect_err("a choice");
    assert!(error.to_string().contains("`--process`, `p`, `q`"), "{error:#}");
    let options = |id: &str| Options {
        process: Some(id.to_owned()),
        ..Options::default()
    };
    let imported = bpmn(two.as_bytes(), &options("q")).expect("a process");
    assert_eq!(imported.definition["basic_info"]["id"], "q");
    assert!(bpmn(two.as_bytes(), &options("r")).is_err());
}

#[test]
fn tasks_that_name_nobody_take_the_callers_word() {
    let options = Options {
        assignee: Some(("variables".to_owned(), "creator".to_owned())),
        ..Options::default()
    };
    let document = process("<b:userTask id=\"x\"/>");
    let imported = bpmn(document.as_bytes(), &options).expect("a process");
    assert!(imported.is_whole(), "{}", told(&imported));
}

/// An exclusive split into a parallel join: the textbook's deadlock, which no ticket meets here.
#[test]
fn what_hangs_in_bpmn_and_not_here_is_told() {
    let told_of = |document: &str| -> Vec<String> {
        let imported = import(document);
        let found = imported.findings.iter();
        let found = found.filter(|one| one.code.ends_with("_in_bpmn") || one.code == "implicit_join");
        found.map(|one| format!("{} {}", one.code, one.element)).collect()
    };
    assert_eq!(
        told_of(include_str!("samples/choice_into_and_join.bpmn")),
        ["stuck_in_bpmn both"]
    );

    let user = "camunda:assignee=\"a\"";
    let drawn = |split: &str, inner: &str, join: &str, flows: &[(&str, &str)]| {
        let flows = flows.iter().enumerate().map(|(idx, (from, to))| {
            let asks = if *from == "g" {
                "<b:conditionExpression>= n &gt; 1</b:conditionExpression>"
            } else {
                ""
            };
            format!("<b:sequenceFlow id=\"f{idx}\" sourceRef=\"{from}\" targetRef=\"{to}\">{asks}</b:sequenceFlow>")
        });
        process(&format!(
            "<b:startEvent id=\"s\"/><b:userTask id=\"t\" {user}/><b:{split}Gateway id=\"g\"/><b:userTask id=\"x\" {user}/>\
             <b:userTask id=\"y\" {user}/>{inner}<b:{join}Gateway id=\"j\"/><b:endEvent id=\"e\"/>{}",
            flows.collect::<String>()
        ))
    };
    let plain = [
        ("s", "t"),
        ("t", "g"),
        ("g", "x"),
        ("g", "y"),
        ("x", "j"),
        ("y", "j"),
        ("j", "e"),
    ];
    for (split, join, expected) in [
        ("parallel", "parallel", vec![]),
        ("exclusive", "exclusive", vec![]),
        ("inclusive", "inclusive", vec![]),
        ("parallel", "inclusive", vec![]),
        ("exclusive", "inclusive", vec![]),
        ("exclusive", "parallel", vec!["stuck_in_bpmn j"]),
        ("inclusive", "parallel", vec!["stuck_in_bpmn j"]),
        ("parallel", "exclusive", vec!["implicit_join j"]),
    ] {
        assert_eq!(
            told_of(&drawn(split, "", join, &plain)),
            expected,
            "{split} into {join}"
        );
    }
    // One branch comes by two ways, of which it takes one.
    let mut two_ways = plain.to_vec();
    two_ways.extend([("x", "c"), ("c", "j"), ("c", "j")]);
    two_ways.retain(|flow| *flow != ("x", "j"));
    let document = drawn("parallel", "<b:exclusiveGateway id=\"c\"/>", "parallel", &two_ways);
    assert_eq!(told_of(&document), ["stuck_in_bpmn j"]);
    // Two of three branches meet in an exclusive gateway before all are joined.
    let three = [
        ("s", "t"),
        ("t", "g"),
        ("g", "x"),
        ("g", "y"),
        ("g", "z"),
        ("x", "c"),
        ("y", "c"),
        ("c", "j"),
        ("z", "j"),
        ("j", "e"),
    ];
    let inner = format!("<b:userTask id=\"z\" {user}/><b:exclusiveGateway id=\"c\"/>");
    assert_eq!(
        told_of(&drawn("parallel", &inner, "parallel", &three)),
        ["twice_in_bpmn j"]
    );
}
