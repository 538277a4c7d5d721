//! Pages of the repository say what the code does: links lead somewhere, and the contract names every tool and code.

use std::collections::BTreeSet;
use std::fs;

use loonflow_mcp_facade::error::Code;
use loonflow_mcp_facade::mcp::tools;
use loonflow_tests::fixtures::root;

use crate::tidy::sources;

/// A page, by its path from the root.
pub(crate) fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Headings of a page as browsers name them: the same on GitHub and in rustdoc.
pub(crate) fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let headings = page.lines().filter(|line| {
        is_code ^= line.trim_start().starts_with("```");
        !is_code && line.starts_with('#')
    });
    let anchor = |line: &str| {
        let heading = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        heading.replace(|c: char| !(c.is_alphanumeric() || "-_".contains(c)), "")
    };
    headings.map(anchor).collect()
}

/// Pages for people, in the order in which they read them.
const PAGES: [&str; 9] = [
    "README.md",
    ".github/ARCHITECTURE.md",
    ".github/CONTRIBUTING.md",
    ".github/MEASUREMENTS.md",
    ".github/SECURITY.md",
    "engine/docs/definition.md",
    "engine/docs/directory.md",
    "engine/docs/semantics.md",
    "mcp-facade/docs/contract.md",
];

/// Targets of the links of a page, `[words](target)`.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1);
    targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

#[test]
fn every_link_leads_somewhere() {
    for path in PAGES {
        let text = page(path);
        for link in links(&text).filter(|link| !link.starts_with("http")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = match file {
                "" => path.to_owned(),
                file => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    root().join(folder).join(file).to_string_lossy().into_owned()
                }
            };
            assert!(root().join(&file).exists(), "{path}: `{link}`");
            assert!(
                anchor.is_empty() || anchors(&page(&file)).contains(anchor),
                "{path}: `{link}`"
            );
        }
    }
}

/// What stands between backticks and names something in a package is there; `<name>` is whatever is new.
#[test]
fn every_path_exists() {
    let packages = ["engine/", "storage/", "mcp-facade/", "simulator/", "tests/"];
    for path in PAGES {
        let text = page(path);
        // Blocks of code would shift what is inside and what is outside.
        let text: String = text.split("```").step_by(2).collect();
        let words = text.split('`').skip(1).step_by(2);
        for word in words.filter(|word| packages.iter().any(|package| word.starts_with(package))) {
            let there = word.split('<').next().unwrap_or(word);
            assert!(root().join(there).exists(), "{path}: `{word}`");
        }
    }
}

/// Comments cite the pages as `(semantics: game, merges)` and `(contract: errors)`, never by numbers, which move.
#[test]
fn every_citation_names_a_section() {
    let mut n_found = 0;
    for (name, path) in [
        ("semantics", "engine/docs/semantics.md"),
        ("contract", "mcp-facade/docs/contract.md"),
    ] {
        let there = anchors(&page(path));
        for (source, text) in sources() {
            if source == "tests/it/pages.rs" {
                continue;
            }
            for cited in text.split(&format!("({name}: ")).skip(1) {
                let (cited, _) = cited.split_once(')').unwrap_or((cited, ""));
                for section in cited.split(", ") {
                    assert!(there.contains(section), "{source}: `({name}: {cited})`");
                    n_found += 1;
                }
            }
            let mut after = text
                .split(&name[1..])
                .skip(1)
                .map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
            let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
            assert!(!after.any(is_number), "{source}: cites the {name} by number");
        }
    }
    assert!(n_found > 100, "{n_found}");
}

/// The part of a page below one heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("there is no section `{heading}`"));
    rest.split("\n## ").next().unwrap_or(rest)
}

#[test]
fn the_contract_names_every_code() {
    let errors = page("mcp-facade/docs/contract.md");
    let errors = section(&errors, "Errors");
    let missing = Code::ALL.iter().filter(|code| !errors.contains(&format!("`{code}`")));
    assert_eq!(missing.collect::<Vec<_>>(), [] as [&Code; 0]);
}

/// Each tool has a section, with all its arguments; what all tools or all lists share has sections of its own.
#[test]
fn the_contract_names_every_tool_and_argument() {
    let contract = page("mcp-facade/docs/contract.md");
    let shared = ["access_token", "app_name", "page", "per_page"];
    for tool in tools::all().listed() {
        let told = section(&contract, &tool.name);
        let arguments = tool.input_schema["properties"].as_object().expect("an object");
        for argument in arguments.keys().filter(|name| !shared.contains(&name.as_str())) {
            assert!(told.contains(&format!("`{argument}`")), "{}: `{argument}`", tool.name);
        }
    }
}
