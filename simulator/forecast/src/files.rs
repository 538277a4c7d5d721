//! Forecasts and comparisons as CSV files: one table each, a header line, times in milliseconds.

use std::path::Path;

use anyhow::Context as _;

use super::compare::Comparison;
use super::report::Forecast;

/// Writes a text into a file.
///
/// # Errors
/// Names the file.
pub fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))
}

/// Writes the tables of a forecast into a folder, which is made where it is missing.
///
/// # Errors
/// Names the file.
pub fn forecast(found: &Forecast, folder: &Path) -> anyhow::Result<()> {
    let measures = found.measures.iter().map(|one| {
        let estimate = &one.estimate;
        let unit = format!("{:?}", one.measure.unit).to_lowercase();
        vec![
            one.measure.key.clone(),
            unit,
            number(estimate.mean),
            maybe(estimate.low),
            maybe(estimate.high),
        ]
    });
    table(
        folder,
        "measures.csv",
        &["measure", "unit", "mean", "low", "high"],
        measures,
    )?;
    let nodes = found.nodes.iter().map(|node| {
        vec![
            node.id.clone(),
            node.name.clone(),
            node.kind.to_owned(),
            number(node.visits_per_case),
            number(node.wait.mean_ms),
            number(node.wait.p90_ms),
            number(node.wait_off_duty),
            number(node.work.mean_ms),
            number(node.pause_per_case_ms),
            number(node.stay_per_case_ms),
            node.queue_most.to_string(),
        ]
    });
    let header = [
        "node",
        "name",
        "kind",
        "visits_per_case",
        "wait_mean_ms",
        "wait_p90_ms",
        "wait_off_duty_share",
        "work_mean_ms",
        "pause_per_case_ms",
        "stay_per_case_ms",
        "queue_most",
    ];
    table(folder, "nodes.csv", &header, nodes)?;
    let people = found.people.iter().map(|person| {
        let of = |end: fn(&super::estimate::Estimate) -> Option<f64>| maybe(person.utilisation.as_ref().and_then(end));
        vec![
            person.id.clone(),
            person.name.clone(),
            of(|one| Some(one.mean)),
            of(|one| one.low),
            of(|one| one.high),
            number(person.done),
        ]
    });
    let header = ["person", "name", "utilisation", "low", "high", "done_per_replication"];
    table(folder, "people.csv", &header, people)?;
    let edges = found.edges.iter().map(|edge| {
        let kind = edge.kind.to_owned();
        vec![
            edge.id.clone(),
            kind,
            edge.from.clone(),
            edge.to.clone(),
            number(edge.per_case),
        ]
    });
    table(folder, "edges.csv", &["edge", "kind", "from", "to", "per_case"], edges)?;
    let course = &found.course;
    let mut header = vec!["from_ms".to_owned(), "open".to_owned()];
    header.extend(course.queues.keys().map(|node| format!("queue:{node}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = course.open.iter().enumerate().map(|(idx, open)| {
        let from_ms = i64::try_from(idx).unwrap_or(0) * course.bin_ms;
        let mut row = vec![from_ms.to_string(), number(*open)];
        row.extend(
            course
                .queues
                .values()
                .map(|means| means.get(idx).map_or(String::new(), |mean| number(*mean))),
        );
        row
    });
    table(folder, "course.csv", &header, rows)
}

/// Writes the differences into a folder, which is made where it is missing.
///
/// # Errors
/// Names the file.
pub fn comparison(found: &Comparison, folder: &Path) -> anyhow::Result<()> {
    let rows = found.differences.iter().map(|one| {
        let difference = &one.difference;
        vec![
            one.measure.key.clone(),
            format!("{:?}", one.measure.unit).to_lowercase(),
            number(one.before),
            number(one.after),
            number(difference.mean),
            maybe(difference.low),
            maybe(difference.high),
            one.verdict.word().to_owned(),
        ]
    });
    let header = [
        "measure",
        "unit",
        "before",
        "after",
        "difference",
        "low",
        "high",
        "verdict",
    ];
    table(folder, "differences.csv", &header, rows)
}

fn table(folder: &Path, name: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let file = folder.join(name);
    let write = || -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_path(&file)?;
        writer.write_record(header)?;
        for row in rows {
            writer.write_record(row)?;
        }
        writer.flush()?;
        Ok(())
    };
    write().with_context(|| format!("cannot write `{}`", file.display()))
}

fn number(number: f64) -> String {
    number.to_string()
}

fn maybe(value: Option<f64>) -> String {
    value.map(number).unwrap_or_default()
}
