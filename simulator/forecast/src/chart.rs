//! Charts as SVG text. Colours of text and lines are set by the page, so that they can be read on light and dark.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::quantity::shown_number;

/// A line over time, or a spread.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its values, part by part.
    pub values: Vec<f64>,
}

/// Ink: the page's style sheet finds it by this colour and replaces it.
const INK: RGBColor = RGBColor(1, 1, 1);
/// As `INK`, for lines of the grid.
const FAINT: RGBColor = RGBColor(2, 2, 2);
/// Colours of lines, which stand out on light and dark. The page's legends use the same ones in this order.
const LINES: [RGBColor; 6] = [
    RGBColor(59, 130, 246),
    RGBColor(234, 137, 26),
    RGBColor(16, 160, 110),
    RGBColor(220, 80, 110),
    RGBColor(150, 100, 240),
    RGBColor(120, 140, 160),
];
const SIZE: (u32, u32) = (860, 280);
const FONT: &str = "sans-serif";
const FONT_SIZE: i32 = 15;

/// A unit of time for an axis that reaches so far.
fn unit_for(to_ms: f64) -> (f64, &'static str) {
    [
        (86_400_000.0, 3.0, "days"),
        (3_600_000.0, 2.0, "hours"),
        (60_000.0, 2.0, "minutes"),
        (1_000.0, 2.0, "seconds"),
    ]
    .into_iter()
    .find(|(unit, least, _)| to_ms >= unit * least)
    .map_or((1.0, "milliseconds"), |(unit, _, word)| (unit, word))
}

/// Lines over time, in parts of equal length.
///
/// # Errors
/// What the plotting crate says.
pub fn course(lines: &[Line], bin_ms: f64, height_name: &str) -> anyhow::Result<String> {
    let n_bins = lines.iter().map(|line| line.values.len()).max().unwrap_or(0).max(1);
    let (unit, word) = unit_for(bin_ms * n_bins as f64);
    let step = bin_ms / unit;
    let most = highest(lines);
    draw((0.0..step * n_bins as f64, 0.0..most), (word, height_name), |chart| {
        for (idx, line) in lines.iter().enumerate() {
            let color = LINES[idx % LINES.len()];
            // A part's mean stands in its middle.
            let points = line
                .values
                .iter()
                .enumerate()
                .map(|(bin, value)| ((bin as f64 + 0.5) * step, *value));
            chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
        }
        Ok(())
    })
}

/// How times are spread: bars for one, lines for several, with marks.
///
/// # Errors
/// What the plotting crate says.
pub fn spread(lines: &[(Line, f64)], marks: &[(f64, &str)]) -> anyhow::Result<String> {
    let ends = lines.iter().map(|(line, bin_ms)| line.values.len() as f64 * bin_ms);
    let to_ms = ends.fold(1.0, f64::max);
    let (unit, word) = unit_for(to_ms);
    let finest = lines.iter().map(|(_, bin_ms)| *bin_ms).fold(f64::INFINITY, f64::min);
    let shares: Vec<Line> = lines
        .iter()
        .map(|(line, bin_ms)| as_share(line, finest / bin_ms))
        .collect();
    let most = highest(&shares);
    draw((0.0..to_ms / unit, 0.0..most), (word, "share of cases, %"), |chart| {
        for (idx, (line, (_, bin_ms))) in shares.iter().zip(lines).enumerate() {
            let color = LINES[idx % LINES.len()];
            let step = bin_ms / unit;
            let bins = line.values.iter().enumerate();
            if lines.len() == 1 {
                chart.draw_series(bins.map(|(bin, share)| {
                    let from = bin as f64 * step;
                    Rectangle::new(
                        [(from + 0.08 * step, 0.0), (from + 0.92 * step, *share)],
                        color.filled(),
                    )
                }))?;
            } else {
                let points = bins.map(|(bin, share)| ((bin as f64 + 0.5) * step, *share));
                chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
            }
        }
        for (idx, (at_ms, name)) in marks.iter().enumerate() {
            let at = at_ms / unit;
            let style = INK.stroke_width(1);
            chart.draw_series(std::iter::once(PathElement::new(vec![(at, 0.0), (at, most)], style)))?;
            let text = TextStyle::from((FONT, FONT_SIZE))
                .color(&INK)
                .pos(Pos::new(HPos::Left, VPos::Top));
            let height = most * (1.0 - 0.09 * idx as f64);
            chart.draw_series(std::iter::once(Text::new(format!(" {name}"), (at, height), text)))?;
        }
        Ok(())
    })
}

/// Counts as shares of all, in percent, per part of the finest length, so that lines can be compared.
fn as_share(line: &Line, scale: f64) -> Line {
    let all = line.values.iter().sum::<f64>().max(1.0) / scale;
    Line {
        name: line.name.clone(),
        values: line.values.iter().map(|count| 100.0 * count / all).collect(),
    }
}

/// The top of the axis: a little above the highest.
fn highest(lines: &[Line]) -> f64 {
    let most = lines
        .iter()
        .flat_map(|line| &line.values)
        .fold(0.0f64, |most, value| most.max(*value));
    if most > 0.0 { most * 1.08 } else { 1.0 }
}

type Axes<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

fn draw(
    ranges: (std::ops::Range<f64>, std::ops::Range<f64>),
    names: (&str, &str),
    fill: impl FnOnce(&mut Axes<'_, '_>) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let mut text = String::new();
    {
        let area: DrawingArea<SVGBackend<'_>, Shift> = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        let label = TextStyle::from((FONT, FONT_SIZE)).color(&INK);
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(44)
            .y_label_area_size(58)
            .build_cartesian_2d(ranges.0, ranges.1)
            .map_err(failure)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(FAINT.mix(0.0))
            .bold_line_style(FAINT.stroke_width(1))
            .axis_style(INK.stroke_width(1))
            .label_style(label.clone())
            .axis_desc_style(label)
            .x_desc(names.0)
            .y_desc(names.1)
            .x_labels(10)
            .y_labels(5)
            .x_label_formatter(&|value| at_axis(*value))
            .y_label_formatter(&|value| at_axis(*value))
            .draw()
            .map_err(failure)?;
        fill(&mut chart)?;
        area.present().map_err(failure)?;
    }
    Ok(text)
}

/// A number at an axis, without zeros that say nothing.
fn at_axis(value: f64) -> String {
    let shown = shown_number(value);
    if shown.contains('.') {
        shown.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        shown
    }
}

fn failure(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("a chart cannot be drawn: {error}")
}
