//! Which module knows which: no circle but those of parent and child, and the few that are named here with their reason.
//!
//! Read from `use` lines and paths that begin with `crate::`. A module and its parent may know each other, so such arrows
//! do not count. Wings of the simulator that are packages of their own are read as its modules, which they are to whoever
//! uses it; what packages link is read from their manifests.

use std::collections::{BTreeMap, BTreeSet};

use crate::pages::page;
use crate::tidy::sources;

/// A module without the name of its crate: `ticket::action::forward`.
type Module = String;

/// Circles that may be: modules of one matter, cut in two for length or for reading.
const KNOWN: &[(&str, &[&str])] = &[
    // A command carries the file that an import makes commands of.
    ("engine", &["account::command", "account::import"]),
    // An index and what it stores of itself.
    ("engine", &["view::ticket_list::index", "view::ticket_list::segments"]),
    // The index of the log, and its reading and writing halves.
    ("storage", &["sled::batch", "sled::index", "sled::kv", "sled::reader"]),
    // The naive model, and the simulation of people, are each one text in several files.
    ("simulator", &["hunt::model::definition", "hunt::model::graph"]),
    (
        "simulator",
        &[
            "hunt::model::acts",
            "hunt::model::assign",
            "hunt::model::back",
            "hunt::model::conditions",
            "hunt::model::deadlines",
            "hunt::model::files",
            "hunt::model::forms",
            "hunt::model::moves",
            "hunt::model::offers",
            "hunt::model::ticket",
            "hunt::model::votes",
        ],
    ),
    ("simulator", &["prove::check::game", "prove::check::state"]),
    ("simulator", &["prove::check::choose", "prove::check::fire"]),
    ("simulator", &["forecast::agenda", "forecast::desk"]),
    ("simulator", &["forecast::goal", "forecast::report"]),
    (
        "simulator",
        &["forecast::measure", "forecast::observed", "forecast::plan"],
    ),
];

/// Rooms of the engine in the order in which they stand on each other; each may know those before it.
const FLOORS: &[&[&str]] = &[
    &["demo", "limits", "id", "text", "keys", "time", "value", "port"],
    &["calendar"],
    &["account"],
    &["workflow"],
    &["define"],
    &["ticket", "effect"],
    &["codec", "view", "notice", "test_util"],
    &["runtime"],
    // A package of its own, on the port that the runtime has for it.
    &["outbound"],
];

/// Wings of the simulator in the order in which they stand on each other, whether modules or packages; wings of one floor
/// do not know each other.
const WINGS: &[&[&str]] = &[
    &["world"],
    &["prove", "crash", "forecast", "record"],
    &["formats"],
    &["hunt"],
    &["program"],
];

/// Packages that others may link, with those of this workspace that they link themselves.
const LINKS: &[(&str, &[&str])] = &[
    ("storage", &[]),
    ("engine", &["loonflow-storage"]),
    ("engine/outbound", &["loonflow-engine"]),
    ("simulator/world", &["loonflow-engine"]),
    ("simulator/prove", &["loonflow-engine", "loonflow-world"]),
    ("simulator/forecast", &["loonflow-engine", "loonflow-world"]),
    (
        "simulator",
        &[
            "loonflow-engine",
            "loonflow-forecast",
            "loonflow-prove",
            "loonflow-storage",
            "loonflow-world",
        ],
    ),
    (
        "mcp-facade",
        &[
            "loonflow-engine",
            "loonflow-outbound",
            "loonflow-prove",
            "loonflow-storage",
        ],
    ),
];

/// Wings that are packages, and stand on the engine's core alone.
const PURE: &[&str] = &["simulator/world", "simulator/prove", "simulator/forecast"];

/// Arrows to a room above, each with its reason.
const ABOVE: &[(&str, &str)] = &[
    // Rights of a user come from versions of workflows; no rule of a workflow asks for them but who may publish.
    ("account::permission", "workflow"),
    // The bound on an entry of a directory is one on what is stored.
    ("account::decide", "codec"),
];

/// A source file as a module: its name, and its code with paths from the root of the package. A package inside is a
/// module, and its files are modules below it.
fn module(package: &str, path: &str, text: &str) -> Option<(Module, String)> {
    let path = path.strip_prefix(package)?.strip_prefix('/')?.strip_suffix(".rs")?;
    let (wing, path) = match path.strip_prefix("src/") {
        Some(path) => ("", path),
        None => path.split_once("/src/")?,
    };
    let is_root = path == "lib" || path == "main";
    if path.ends_with("tests") || path.contains("/tests/") || (is_root && wing.is_empty()) {
        return None;
    }
    let (path, mut code) = (path.replace('/', "::"), code_of(text));
    if wing.is_empty() {
        return Some((path, code));
    }
    code = code.replace("crate::", &format!("crate::{wing}::"));
    for other in PURE
        .iter()
        .filter_map(|other| other.strip_prefix(&format!("{package}/")))
    {
        code = code.replace(&format!("loonflow_{other}::"), &format!("crate::{other}::"));
    }
    let name = if is_root {
        wing.to_owned()
    } else {
        format!("{wing}::{path}")
    };
    Some((name, code))
}

/// Every module of a package with those it knows.
fn arrows(package: &str) -> BTreeMap<Module, BTreeSet<Module>> {
    let texts: BTreeMap<Module, String> = sources()
        .into_iter()
        .filter_map(|(path, text)| module(package, &path, &text))
        .collect();
    let resolve = |path: &str| {
        let mut path = path.to_owned();
        while !texts.contains_key(&path) {
            path.truncate(path.rfind("::")?);
        }
        Some(path)
    };
    let known = |module: &Module, text: &String| {
        let paths = paths_of(text, module);
        let known = paths.iter().filter_map(|path| resolve(path));
        known.filter(|other| other != module).collect()
    };
    texts
        .iter()
        .map(|(module, text)| (module.clone(), known(module, text)))
        .collect()
}

/// Without comments and without tests.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths within the crate that a text names, from its root.
fn paths_of(text: &str, module: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split("use ").skip(1) {
        let tree = part.split(';').next().unwrap_or_default();
        if ["crate", "super", "self"].iter().any(|root| tree.starts_with(root)) {
            expand("", tree, &mut found);
        }
    }
    for part in text.split("crate::").skip(1) {
        let end = part.find(|c: char| c != ':' && c != '_' && !c.is_alphanumeric());
        found.push(format!("crate::{}", &part[..end.unwrap_or(part.len())]));
    }
    found.iter().map(|path| from_root(path, module)).collect()
}

/// Takes `a::{b, c::{d}}` apart.
fn expand(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        found.push(format!(
            "{prefix}{}",
            tree.split(" as ").next().unwrap_or_default().trim()
        ));
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut start) = (0, 0);
    for (idx, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &inner[start..idx], found);
                start = idx + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        expand(&prefix, &inner[start..], found);
    }
}

fn from_root(path: &str, module: &str) -> String {
    if let Some(path) = path.strip_prefix("crate::") {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = module.split("::").collect();
    let mut path = path;
    while let Some(rest) = path.strip_prefix("super") {
        parts.pop();
        path = rest.strip_prefix("::").unwrap_or(rest);
    }
    parts.push(path.strip_prefix("self::").unwrap_or(path));
    parts.join("::")
}

fn is_parent(one: &str, other: &str) -> bool {
    other.strip_prefix(one).is_some_and(|rest| rest.starts_with("::"))
}

/// Groups of modules that reach each other.
fn circles(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Vec<Module>> {
    let reach = |from: &Module| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            let next = arrows.get(module).into_iter().flatten();
            for other in next.filter(|other| !is_parent(module, other) && !is_parent(other, module)) {
                if reached.insert(other) {
                    open.push(other);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = arrows.keys().map(|module| (module, reach(module))).collect();
    let of = |module: &Module| -> Vec<Module> {
        let both = reached[module].iter().filter(|other| reached[**other].contains(module));
        both.map(|other| (*other).clone()).collect()
    };
    arrows.keys().map(of).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn no_circle_but_those_that_are_known() {
    for package in ["engine", "storage", "mcp-facade", "simulator"] {
        let found = circles(&arrows(package));
        let known: BTreeSet<Vec<Module>> = KNOWN
            .iter()
            .filter(|(of, _)| *of == package)
            .map(|(_, circle)| circle.iter().map(|module| (*module).to_owned()).collect())
            .collect();
        let new: Vec<_> = found.difference(&known).collect();
        assert!(new.is_empty(), "{package}: modules that know each other: {new:#?}");
        let gone: Vec<_> = known.difference(&found).collect();
        assert!(gone.is_empty(), "{package}: take these circles off the list: {gone:#?}");
    }
}

/// Arrows that lead up, and where `apart` is asked for, from one room to another of its floor.
fn upward(package: &str, floors: &[&[&str]], above: &[(&str, &str)], apart: bool) -> Vec<String> {
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let floor = |module: &str| floors.iter().position(|floor| floor.contains(&room(module).as_str()));
    let mut wrong = Vec::new();
    for (module, known) in arrows(package) {
        if module.starts_with("bin::") {
            continue;
        }
        let here = floor(&module).unwrap_or_else(|| panic!("`{module}` has no place in the list of rooms"));
        let leads_up = |other: &Module| {
            floor(other) > Some(here) || (apart && floor(other) == Some(here) && room(other) != room(&module))
        };
        let is_named = |other: &Module| above.contains(&(module.as_str(), other.as_str()));
        let up = known.iter().filter(|other| leads_up(other) && !is_named(other));
        wrong.extend(up.map(|other| format!("{module} knows {other}")));
    }
    wrong
}

#[test]
fn rooms_of_the_engine_know_those_below() {
    let wrong = upward("engine", FLOORS, ABOVE, false);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn wings_of_the_simulator_know_those_below() {
    let wrong = upward("simulator", WINGS, &[], true);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The engine speaks of people, nodes and fields; how a request is spelt is the facade's.
#[test]
fn the_core_knows_no_word_of_the_wire() {
    let words = [
        "action_props",
        "target_assignee_id\"",
        "ticket_prepare_",
        "`ticket_list`",
        "`workflow_list`",
    ];
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("engine/src/") && !path.ends_with("tests.rs"))
        .filter(|(_, text)| words.iter().any(|word| code_of(text).contains(word)))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a package links, with the line of its manifest that says so.
fn linked(package: &str) -> BTreeMap<String, String> {
    let manifest = page(&format!("{package}/Cargo.toml"));
    let (_, rest) = manifest.split_once("\n[dependencies]\n").expect("it links something");
    let section = rest.split("\n[").next().unwrap_or(rest);
    let lines = section
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let named = lines.map(|line| {
        let name = line.split(['.', ' ', '=']).next().unwrap_or(line);
        (name.to_owned(), line.to_owned())
    });
    named.collect()
}

/// The server proves definitions and does no more of what the simulator does.
#[test]
fn packages_link_those_below() {
    for (package, expected) in LINKS {
        let found = linked(package).into_keys().filter(|name| name.starts_with("loonflow-"));
        assert_eq!(found.collect::<Vec<_>>(), *expected, "{package}");
    }
    let workspace = page("Cargo.toml");
    let (_, members) = workspace.split_once("\nmembers = [").expect("it has members");
    let members = members.split(']').next().unwrap_or(members);
    let found: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    let known = LINKS.iter().map(|(package, _)| *package).chain(["tests"]);
    assert_eq!(found, known.collect(), "another package: say in `LINKS` what it links");
}

/// Proofs and forecasts wait for nothing, and only forecasts draw lots and charts.
#[test]
fn wings_that_are_packages_link_little() {
    let core = page("Cargo.toml");
    let core = core.lines().find(|line| line.starts_with("loonflow-engine = "));
    assert!(
        core.is_some_and(|line| line.contains("default-features = false")),
        "{core:?}"
    );
    for package in PURE {
        let linked = linked(package);
        assert_eq!(
            linked["loonflow-engine"], "loonflow-engine.workspace = true",
            "{package}"
        );
        for machine in ["clap", "futures", "getrandom", "loonflow-storage", "ractor", "tokio"] {
            assert!(!linked.contains_key(machine), "{package}: {machine}");
        }
    }
    let of_forecasts = [
        "comfy-table",
        "csv",
        "hdrhistogram",
        "minijinja",
        "plotters",
        "rand",
        "rand_distr",
        "rand_pcg",
        "statrs",
    ];
    for (package, _) in LINKS {
        let linked = linked(package);
        let found = of_forecasts.iter().filter(|name| linked.contains_key(**name));
        let expected: &[&str] = if *package == "simulator/forecast" {
            &of_forecasts
        } else {
            &[]
        };
        assert_eq!(found.copied().collect::<Vec<_>>(), expected, "{package}");
    }
}
