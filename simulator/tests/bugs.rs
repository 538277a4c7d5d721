//! The list of bugs that are put into a copy of the engine (`.ci/bugs`): each can still be put in.

use std::collections::BTreeMap;
use std::path::Path;

#[path = "../examples/bugs/edit.rs"]
mod edit;
#[path = "../examples/bugs/list.rs"]
mod list;

use edit::switched;
use list::Bug;
use loonflow_simulator::hunt::selftest::{Ground, hunt};

fn bugs(entries: &str) -> Vec<Bug> {
    list::of_text(entries).expect("a list")
}

/// What becomes of a text with the bugs of a list, or what does not apply.
fn edited(text: &str, entries: &str) -> String {
    let bugs = bugs(entries);
    switched(text, &bugs.iter().collect::<Vec<_>>()).unwrap_or_else(|broken| {
        let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

fn entry(name: &str, at: Option<&str>, right: &str, wrong: &str) -> String {
    let at = at.map(|at| format!("at = '''{at}'''\n")).unwrap_or_default();
    format!(
        "[[bug]]\nname = '{name}'\nsentence = 'so goes {name}'\nfile = 'engine/src/a.rs'\n{at}right = '''{right}'''\n\
         wrong = '''{wrong}'''\n"
    )
}

#[test]
fn every_bug_of_the_list_applies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let bugs = list::read(&root.join("simulator/bugs")).expect("the list reads");
    let mut by_file: BTreeMap<&str, Vec<&Bug>> = BTreeMap::new();
    for bug in &bugs {
        by_file.entry(&bug.file).or_default().push(bug);
    }
    let mut broken = Vec::new();
    for (file, bugs) in by_file {
        match std::fs::read_to_string(root.join(file)) {
            Ok(text) => broken.extend(switched(&text, &bugs).err().into_iter().flatten()),
            Err(error) => panic!("`{}`: `{file}` cannot be read: {error}", bugs[0].name),
        }
    }
    let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(
        lines.is_empty(),
        "say in simulator/bugs what these are now:\n{}",
        lines.join("\n")
    );
}

/// The hunt itself, which has bugs only in the copy.
#[test]
fn where_no_bug_is_on_nothing_is_found() {
    let ground = Ground {
        definitions: Vec::new(),
        directory: None,
        setting: None,
        n_turns: 2,
        seed: 1,
    };
    let hunt = hunt(None, |_| {}, &ground).expect("the fuzz runs");
    assert!(hunt.found.is_none(), "{:#?}", hunt.found);
    assert!(hunt.n_steps > 1_000, "{} steps", hunt.n_steps);
}

#[test]
fn an_edit_becomes_a_switch() {
    let text = "fn f(a: u8) -> bool {\n    a > 1\n        && is_even(a)\n}\n";
    assert_eq!(
        edited(text, &entry("One", None, "a > 1", "true")),
        "fn f(a: u8) -> bool {\n    crate::bugs::switch!(One, true, a > 1)\n        && is_even(a)\n}\n"
    );
    // Two beside each other, one of them named by its surroundings; white space is white space.
    let two = entry("One", None, "is_even(a)", "false") + &entry("Two", Some("a > 1 && is_even"), "a > 1", "a >= 1");
    assert_eq!(
        edited(text, &two),
        "fn f(a: u8) -> bool {\n    crate::bugs::switch!(Two, a >= 1, a > 1)\n        && \
         crate::bugs::switch!(One, false, is_even(a))\n}\n"
    );
    assert_eq!(
        edited("1 => { go() }\n_ => {}\n", &entry("One", None, "{ go() }", "stay()")),
        "1 => { crate::bugs::switch!(One, stay(), { go() }) }\n_ => {}\n"
    );
}

#[test]
fn an_edit_that_does_not_apply_is_named() {
    let text = "let ways = 1;\nlet always = ways + two;\nlet other = 1;\n";
    let all = entry("Gone", None, "ways - two", "1")
        + &entry("Twice", Some("ways"), "ways", "2")
        + &entry("Elsewhere", Some("let other = 1"), "ways", "3")
        + &entry("Parted", None, "wa ys", "4");
    assert_eq!(
        edited(text, &all),
        "`Gone` no longer applies: `engine/src/a.rs` does not have `ways - two`\n\
         `Twice` no longer applies: `engine/src/a.rs` has `ways` 2 times\n\
         `Elsewhere` no longer applies: `engine/src/a.rs` does not have `ways`\n\
         `Parted` no longer applies: `engine/src/a.rs` does not have `wa ys`"
    );
    let over_each_other = entry("Outer", None, "ways + two", "1") + &entry("Inner", None, "two", "2");
    assert_eq!(
        edited(text, &over_each_other),
        "`Inner` no longer applies: `engine/src/a.rs` has the bug `Outer` there"
    );
}

#[test]
fn a_list_has_rules_of_its_own() {
    let same = bugs(&(entry("One", None, "a", "b") + &entry("One", None, "c  d", "c\nd")));
    assert_eq!(
        list::problems(&same),
        [
            "`One` is there twice",
            "`One` has the sentence of another one",
            "`One` changes nothing"
        ]
    );
    let elsewhere = entry("not a name", None, "a", "b").replace("engine/src", "storage/src");
    assert_eq!(
        list::problems(&bugs(&elsewhere)),
        [
            "`not a name` is no name of a variant",
            "`not a name` is not in the engine"
        ]
    );
    let unknown = entry("One", None, "a", "b") + "write = 'c'\n";
    assert!(
        list::of_text(&unknown)
            .expect_err("no such key")
            .to_string()
            .contains("write")
    );
}
