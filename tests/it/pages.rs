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

/// First and second cells of the tables whose first column has a name.
fn rows<'a>(page: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    let mut is_within = false;
    for line in page.lines() {
        let mut cells = line.split('|').skip(1).map(str::trim);
        match (cells.next(), cells.next()) {
            (Some(first), Some(_)) if first == name => is_within = true,
            (Some(first), Some(second)) if is_within => found.push((first, second)),
            _ => is_within = false,
        }
    }
    found
}

/// Words between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Words between backquotes in the first column of tables.
fn named<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    rows(page, name).iter().flat_map(|(first, _)| quoted(first)).collect()
}

fn sorted<T: Ord>(words: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut words: Vec<T> = words.into_iter().collect();
    words.sort();
    words
}

/// Each once, and no other: in the table, or in the sentence on what operators alone are told.
#[test]
fn the_contract_names_every_code() {
    let contract = page("mcp-facade/docs/contract.md");
    let errors = section(&contract, "Errors");
    let (_, operators) = errors
        .split_once(" further answer ")
        .expect("says what operators are told");
    let told = named(errors, "code").into_iter().chain(quoted(operators));
    let codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(sorted(told), sorted(codes.iter().map(String::as_str)));
}

/// Codes that a source file gives to problems, and whether they are of errors. Those that go through a variable are not
/// seen.
fn problem_codes(text: &str) -> impl Iterator<Item = (&str, &'static str)> {
    let calls = [
        ("error(", "error"),
        ("unknown(", "error"),
        ("warning(", "warning"),
        ("warn(", "warning"),
    ];
    calls.into_iter().flat_map(move |(call, severity)| {
        let arguments = text.split(call).skip(1);
        let literals = arguments.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
        // Others are sentences: `#[error("…")]`.
        let is_code = |code: &&str| code.chars().all(|c| c == '_' || c.is_ascii_lowercase());
        literals
            .map(|(code, _)| code)
            .filter(is_code)
            .map(move |code| (code, severity))
    })
}

/// Each once, and none that the prover does not have.
#[test]
fn the_page_on_definitions_names_every_finding() {
    let definition = page("engine/docs/definition.md");
    let told = named(section(&definition, "Findings of `--simulate`"), "code");
    let sources: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("simulator/prove/src/check") && !path.ends_with("tests.rs"))
        .map(|(_, text)| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned())
        .collect();
    // A code stands in front of its severity, with or without a call around the two.
    let before = sources.iter().flat_map(|text| {
        let parts: Vec<&str> = text.split("Severity::").collect();
        let n_before = parts.len().saturating_sub(1);
        let codes = parts.into_iter().take(n_before).filter_map(|part| {
            let part = part.trim_end().trim_end_matches("if reads {").trim_end();
            part.strip_suffix("\",")?.rsplit('"').next().map(str::to_owned)
        });
        codes.collect::<Vec<_>>()
    });
    let codes: BTreeSet<String> = before.collect();
    assert_eq!(sorted(told), sorted(codes.iter().map(String::as_str)));
}

/// Each once, with its severity, and none that no source file has.
#[test]
fn the_page_on_definitions_names_every_problem() {
    let definition = page("engine/docs/definition.md");
    let rows = rows(section(&definition, "Problems"), "code");
    let told: Vec<(&str, &str)> = rows
        .iter()
        .flat_map(|(codes, severity)| quoted(codes).map(|code| (code, *severity)))
        .collect();
    let once: BTreeSet<&str> = told.iter().map(|(code, _)| *code).collect();
    assert_eq!(once.len(), told.len(), "a code is there twice: {told:?}");
    let sources: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("engine/src/workflow") && !path.ends_with("tests.rs"))
        .map(|(_, text)| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned())
        .collect();
    let mut n_found = 0;
    for code in sources.iter().flat_map(|text| problem_codes(text)) {
        assert!(told.contains(&code), "the page does not tell of {code:?}");
        n_found += 1;
    }
    assert!(n_found > 60, "{n_found}");
    for code in once {
        let literal = format!("\"{code}\"");
        assert!(
            sources.iter().any(|text| text.contains(&literal)),
            "there is no `{code}`"
        );
    }
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

/// Each once, and no other.
#[test]
fn the_readme_names_every_tool() {
    let readme = page("README.md");
    let tools = tools::all().listed();
    let names = tools.iter().map(|tool| tool.name.as_ref());
    assert_eq!(sorted(named(&readme, "tool")), sorted(names));
}
