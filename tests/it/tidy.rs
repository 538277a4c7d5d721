//! Habits that no lint of the compiler holds: headers of modules, what the core may not know, sizes, the top level.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use loonflow_tests::fixtures::root;

/// Lines of a source file: what is longer wants to be two.
const LINES_MAX: usize = 600;

/// Folders of packages; the workspace has no others, and `engine` and `simulator` hold packages inside.
const PACKAGES: [&str; 5] = ["engine", "storage", "mcp-facade", "simulator", "tests"];

/// Every file of the packages.
fn files() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = PACKAGES.iter().map(|package| root.join(package)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            // A package's own build, where somebody made one.
            if path.file_name().is_some_and(|name| name != "target") {
                open.extend(
                    fs::read_dir(&path)
                        .expect("a folder reads")
                        .map(|entry| entry.expect("an entry reads").path()),
                );
            }
        } else {
            found.push(path);
        }
    }
    found
}

/// Every source file of the workspace: its path from the root, and its text.
pub(crate) fn sources() -> Vec<(String, String)> {
    let root = root();
    let is_source = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let mut found: Vec<(String, String)> = files()
        .into_iter()
        .filter(is_source)
        .map(|path| {
            let shown = path.strip_prefix(&root).expect("below the root");
            let text = fs::read_to_string(&path).expect("a file reads");
            (shown.to_string_lossy().into_owned(), text)
        })
        .collect();
    found.sort();
    assert!(found.len() > 100, "{} files", found.len());
    found
}

/// Files of which `is_wrong` holds, all at once.
fn check(what: &str, is_wrong: impl Fn(&str, &str) -> bool) {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(path, text)| is_wrong(path, text))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

#[test]
fn every_file_says_what_it_is() {
    check("no header `//! …` on the first line", |_, text| {
        text.lines()
            .next()
            .is_none_or(|line| !line.starts_with("//! ") || line.len() < 15)
    });
}

#[test]
fn no_file_is_too_long() {
    check("over 600 lines", |_, text| text.lines().count() > LINES_MAX);
}

#[test]
fn modules_are_files_beside_their_folder() {
    check("`mod.rs`", |path, _| path.ends_with("/mod.rs"));
    // The test of the list of bugs is about a program that is an example.
    let may_point = ["tests/it/tidy.rs", "simulator/tests/bugs.rs"];
    check("a module is elsewhere", |path, text| {
        !may_point.contains(&path) && text.lines().any(|line| line.trim_start().starts_with("#[path"))
    });
}

/// Found where it is code: not in a comment, and not in this file's own list.
#[test]
fn nothing_is_left_over() {
    let left_over = [
        "dbg!(",
        "#[ignore",
        "#[allow(",
        "#![allow(",
        "#[should_panic",
        "todo!(",
        "unimplemented!(",
    ];
    check("left over", |path, text| {
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        path != "tests/it/tidy.rs"
            && text
                .lines()
                .filter(is_code)
                .any(|line| left_over.iter().any(|word| line.contains(word)))
    });
}

/// The core never waits, reads no file and no clock; its tests may read the fixtures.
#[test]
fn the_core_knows_no_machine() {
    let machine = [
        "tokio",
        "ractor",
        "std::fs",
        "std::net",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "loonflow_storage",
    ];
    check("the core knows the machine", |path, text| {
        let Some(path) = path.strip_prefix("engine/src/") else {
            return false;
        };
        if path.starts_with("runtime") || path.ends_with("tests.rs") || path.contains("/tests/") {
            return false;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        code.lines()
            .filter(is_code)
            .any(|line| machine.iter().any(|word| line.contains(word)))
    });
}

/// The log knows no ticket, and only the facade's binary opens one.
#[test]
fn layers_know_only_what_is_below() {
    check("a layer knows one above it", |path, text| {
        let knows = |name: &str| {
            text.lines()
                .any(|line| line.trim_start().starts_with("use ") && line.contains(name))
        };
        let knows_a_wing = || {
            ["simulator", "world", "prove", "forecast"]
                .iter()
                .any(|wing| knows(&format!("loonflow_{wing}")))
        };
        match path.split('/').next() {
            Some("storage") => knows("loonflow_engine") || knows("loonflow_mcp_facade") || knows_a_wing(),
            Some("engine") => knows("loonflow_mcp_facade") || knows_a_wing(),
            Some("simulator") => knows("loonflow_mcp_facade"),
            Some(_) | None => false,
        }
    });
}

#[test]
fn the_top_level_is_as_agreed() {
    let mut found: BTreeSet<String> = fs::read_dir(root())
        .expect("the root reads")
        .map(|entry| {
            entry
                .expect("an entry reads")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !name.starts_with('.'))
        .collect();
    // The build's own folder.
    found.remove("target");
    let mut agreed: BTreeSet<String> = PACKAGES.map(str::to_owned).into();
    agreed.extend(["Cargo.toml", "Cargo.lock", "LICENSE", "README.md"].map(str::to_owned));
    assert_eq!(found, agreed);
}

/// What two packages read is one file.
#[test]
fn no_json_file_is_there_twice() {
    let mut seen: BTreeMap<Vec<u8>, PathBuf> = BTreeMap::new();
    for path in files() {
        if path.extension().is_some_and(|extension| extension == "json") {
            let bytes = fs::read(&path).expect("a file reads");
            if let Some(other) = seen.insert(bytes, path.clone()) {
                panic!("{} is {}", path.display(), other.display());
            }
        }
    }
}

/// Files that tests read are part of the project: nothing points out of it.
#[test]
fn the_project_stands_alone() {
    let out = ["../shared", "/work/", "/home/", "/root/"];
    check("points out of the project", |path, text| {
        path != "tests/it/tidy.rs" && out.iter().any(|word| text.contains(word))
    });
    assert!(Path::new(&root()).join("README.md").is_file());
}
