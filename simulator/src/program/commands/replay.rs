//! `replay`: runs a case again and tells its story.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::hunt::story;
use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::prove::check::{self, Again};
use crate::world::case::{Case, FORMAT};
use crate::world::inputs;

/// Runs a case again, with every check after every step, and tells what happens. A case of `check` is checked again too.
///
/// Exit code 1 while it fails as it did, or in another way; 0 once nothing fails any more; 2 where a bound is met before
/// that is known.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A case, as `fuzz`, `check` or `shrink` saves it.
    pub case: PathBuf,
}

pub(crate) fn run(args: &ReplayArgs, output: &Output) -> anyhow::Result<Verdict> {
    let case = read(&args.case)?;
    let of_check = check::is_of_check(&case);
    let again = of_check.then(|| check::again(&case)).transpose();
    let again = again.with_context(|| format!("`{}` cannot be judged", args.case.display()))?;
    let told = story::told(&case);
    output.line(told.text());
    let failure = told.failure.as_ref();
    let judged = match (failure, &again) {
        (Some(failure), _) => Judged {
            sentence: if failure.invariant == case.shows {
                format!("`{}` still does not hold", case.shows)
            } else if of_check {
                format!("the invariant `{}` does not hold", failure.invariant)
            } else {
                format!("`{}` holds now, but `{}` does not", case.shows, failure.invariant)
            },
            fails: vec![failure.invariant.clone()],
            found: Some(failure.found.clone()),
            verdict: Verdict::Defect,
        },
        (None, None) => Judged::fine(format!("nothing fails any more: `{}` holds", case.shows)),
        (None, Some(Again::Gone)) => Judged::fine(format!(
            "nothing is wrong any more: `check` finds no `{}`, nor anything else",
            case.shows
        )),
        (None, Some(Again::Found(finding))) => Judged {
            sentence: format!("`check` still finds `{}`: {}", case.shows, finding.message),
            fails: vec![finding.code.to_owned()],
            found: Some(finding.message.clone()),
            verdict: Verdict::Defect,
        },
        (None, Some(Again::Others(findings))) => {
            let messages: Vec<&str> = findings.iter().map(|one| one.message.as_str()).collect();
            Judged {
                sentence: format!(
                    "`check` finds no `{}` there any more, but: {}",
                    case.shows,
                    messages.join("; ")
                ),
                fails: findings.iter().map(|one| one.code.to_owned()).collect(),
                found: Some(messages.join("; ")),
                verdict: Verdict::Defect,
            }
        }
        (None, Some(Again::Unknown(bounds))) => Judged {
            sentence: format!(
                "whether `{}` is still there is not known: {}",
                case.shows,
                bounds.join("; ")
            ),
            fails: Vec::new(),
            found: None,
            verdict: Verdict::Unknown,
        },
    };
    output.line(&judged.sentence);
    let as_before = judged.fails.contains(&case.shows) && !matches!(again, Some(Again::Others(_)));
    output.result(&json!({
        "shows": case.shows, "fails": judged.fails.first(), "found": judged.found, "as_before": as_before,
        "story": told.lines,
    }));
    Ok(judged.verdict)
}

/// What a replay comes to.
struct Judged {
    sentence: String,
    fails: Vec<String>,
    found: Option<String>,
    verdict: Verdict,
}

impl Judged {
    fn fine(sentence: String) -> Self {
        Self {
            sentence,
            fails: Vec::new(),
            found: None,
            verdict: Verdict::Fine,
        }
    }
}

/// Reads a case.
pub(crate) fn read(path: &Path) -> anyhow::Result<Case> {
    let shown = path.display();
    let text = inputs::text_of(path)?;
    let case: Case = serde_json::from_str(&text)
        .with_context(|| format!("`{shown}` is no case: give a file that `fuzz`, `check` or `shrink` wrote"))?;
    anyhow::ensure!(
        (1..=FORMAT).contains(&case.format),
        "`{shown}` has format {}, this program reads 1 to {FORMAT}: read it with a newer one",
        case.format
    );
    Ok(case)
}
