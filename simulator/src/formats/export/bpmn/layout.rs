//! Where shapes and flows lie: where the definition says, if nothing then lies on something else, else in layers from
//! left to right.
//!
//! Positions in a definition are taken as middles. Added shapes stand beside their nodes, and existing layouts leave
//! little room there, so a definition's positions are stretched up to [`SCALE_MAX`] times.

use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use super::drawing::{Added, Drawing};

/// How far a definition's own positions are stretched at most.
const SCALE_MAX: u32 = 4;
/// Free space between a node and what was added beside it.
const GAP: f64 = 20.0;
/// Free space that a definition's own positions must leave between shapes, or they are stretched.
const ROOM: f64 = 10.0;
/// What an added shape takes of a line, its gap included.
const ADDED_WIDTH: f64 = 70.0;
/// Free space between layers, for flows to change their height in.
const LAYER_GAP: f64 = 60.0;
/// From the middle of one node to that of the node below.
const ROW_HEIGHT: f64 = 120.0;
/// Passes that put each node at the middle of its neighbours; more change little.
const SWEEPS: usize = 4;
/// Room between flows that lead below everything else.
const LANE_HEIGHT: f64 = 15.0;
/// Shapes up to which flows look for a way around them; each flow looks at each shape.
const AROUND_MAX: usize = 500;

/// A point of the plane; y grows downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Where everything lies.
#[derive(Debug)]
pub(super) struct Layout {
    /// Middles of shapes.
    pub(super) middles: Vec<Point>,
    /// Waypoints of flows.
    pub(super) waypoints: Vec<Vec<Point>>,
    /// How far the definition's own positions are stretched; none where they are not used.
    pub(super) scale: Option<u32>,
}

impl Layout {
    pub(super) fn of(version: &WorkflowVersion, drawing: &Drawing) -> Self {
        let own = own_positions(version);
        let stretched = own.and_then(|own| {
            (1..=SCALE_MAX).find_map(|scale| {
                let stretch = |at: &Point| Point {
                    x: at.x * f64::from(scale),
                    y: at.y * f64::from(scale),
                };
                let middles = place(drawing, &own.iter().map(stretch).collect::<Vec<_>>());
                is_clear(drawing, &middles).then_some((middles, scale))
            })
        });
        let (middles, scale) = match stretched {
            Some((middles, scale)) => (middles, Some(scale)),
            None => (place(drawing, &layered(version, drawing)), None),
        };
        let waypoints = waypoints(drawing, &middles);
        Self {
            middles,
            waypoints,
            scale,
        }
    }
}

/// The definition's positions, where every node has one within what drawings use.
fn own_positions(version: &WorkflowVersion) -> Option<Vec<Point>> {
    let nodes = version
        .source
        .get("process_schema")?
        .get("node_info_list")?
        .as_array()?;
    let found: Vec<Point> = nodes
        .iter()
        .filter_map(|node| {
            let at = |name: &str| node.get("layout")?.get(name).and_then(Json::as_f64);
            let (x, y) = (at("x")?, at("y")?);
            (x.abs() < 1e6 && y.abs() < 1e6).then_some(Point { x, y })
        })
        .collect();
    (found.len() == version.nodes.len()).then_some(found)
}

/// Middles of all shapes, from those of the nodes.
fn place(drawing: &Drawing, nodes: &[Point]) -> Vec<Point> {
    let place = |shape: &super::drawing::Shape| {
        let node = nodes[shape.node];
        let (width, _) = drawing.shapes[shape.node].kind.size();
        let (own_width, _) = shape.kind.size();
        let x = match shape.added {
            None => node.x,
            Some(Added::Choice) => node.x + width / 2.0 + GAP + own_width / 2.0,
            Some(Added::Start | Added::Join | Added::Pass) => {
                // A rank is small: there are no more joins than splits.
                let further = ADDED_WIDTH * (f64::from(u32::try_from(shape.rank).unwrap_or(u32::MAX)) - 1.0);
                node.x - width / 2.0 - GAP - own_width / 2.0 - further
            }
        };
        Point { x, y: node.y }
    };
    drawing.shapes.iter().map(place).collect()
}

/// Left, right, top and bottom of a shape.
type Box = (f64, f64, f64, f64);

fn boxes(drawing: &Drawing, middles: &[Point]) -> Vec<Box> {
    let of = |(shape, at): (&super::drawing::Shape, &Point)| {
        let (width, height) = shape.kind.size();
        let (across, down) = (width / 2.0, height / 2.0);
        (at.x - across, at.x + across, at.y - down, at.y + down)
    };
    drawing.shapes.iter().zip(middles).map(of).collect()
}

/// Whether no shape lies on another or touches it.
fn is_clear(drawing: &Drawing, middles: &[Point]) -> bool {
    let mut boxes = boxes(drawing, middles);
    boxes.sort_by(|a, b| a.0.total_cmp(&b.0));
    boxes.iter().enumerate().all(|(idx, one)| {
        let mut near = boxes[idx + 1..].iter().take_while(|other| other.0 < one.1 + ROOM);
        near.all(|other| other.3 + ROOM <= one.2 || other.2 >= one.3 + ROOM)
    })
}

/// Positions by layer: the longest way from start when ways back are left out.
fn layered(version: &WorkflowVersion, drawing: &Drawing) -> Vec<Point> {
    let layer = layers(version);
    let n_layers = layer.iter().max().map_or(0, |last| last + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); n_layers];
    for (node, layer) in layer.iter().enumerate() {
        rows[*layer].push(node);
    }
    sort_rows(version, &mut rows, &layer);
    let mut points = vec![Point::default(); version.nodes.len()];
    // Of each node how many shapes were added before and behind it.
    let mut ranks = vec![[0usize; 2]; version.nodes.len()];
    for shape in drawing.shapes.iter().filter(|shape| shape.added.is_some()) {
        let rank = &mut ranks[shape.node][usize::from(shape.added == Some(Added::Choice))];
        *rank = shape.rank.max(*rank);
    }
    let mut left = 0.0;
    for row in &rows {
        let widest = |is_behind: bool| {
            let ranks = row
                .iter()
                .map(|node| ranks[*node][usize::from(is_behind)])
                .max()
                .unwrap_or(0);
            ADDED_WIDTH * f64::from(u32::try_from(ranks).unwrap_or(u32::MAX))
        };
        let width = row
            .iter()
            .map(|node| drawing.shapes[*node].kind.size().0)
            .fold(0.0, f64::max);
        let middle = left + widest(false) + width / 2.0;
        for (idx, node) in row.iter().enumerate() {
            // Half rows so that each layer lies around the same line.
            let above = f64::from(u32::try_from(row.len().saturating_sub(1)).unwrap_or(u32::MAX)) / 2.0;
            let y = (f64::from(u32::try_from(idx).unwrap_or(u32::MAX)) - above) * ROW_HEIGHT;
            points[*node] = Point { x: middle, y };
        }
        left = middle + width / 2.0 + widest(true) + LAYER_GAP;
    }
    points
}

/// The layer of each node.
fn layers(version: &WorkflowVersion) -> Vec<usize> {
    let order = forward_order(version);
    let mut place = vec![usize::MAX; version.nodes.len()];
    for (at, node) in order.iter().enumerate() {
        place[*node] = at;
    }
    let mut layer = vec![0; version.nodes.len()];
    for node in &order {
        for edge in &version.graph.ways_out[*node] {
            let target = version.graph.node_idx[&version.edges[*edge].target];
            if place[target] > place[*node] {
                layer[target] = layer[target].max(layer[*node] + 1);
            }
        }
    }
    layer
}

/// Nodes so that every edge but those that lead back goes forward: reverse post-order, on a stack of our own.
fn forward_order(version: &WorkflowVersion) -> Vec<usize> {
    let mut is_seen = vec![false; version.nodes.len()];
    let mut done = Vec::new();
    let roots = std::iter::once(version.graph.start_idx).chain(0..version.nodes.len());
    for root in roots {
        if std::mem::replace(&mut is_seen[root], true) {
            continue;
        }
        let mut stack = vec![(root, 0)];
        while let Some((node, next)) = stack.pop() {
            // The last way first, so that the first way comes out first of all.
            let ways = &version.graph.ways_out[node];
            let Some(edge) = ways.len().checked_sub(next + 1).and_then(|idx| ways.get(idx)) else {
                done.push(node);
                continue;
            };
            stack.push((node, next + 1));
            let target = version.graph.node_idx[&version.edges[*edge].target];
            if !std::mem::replace(&mut is_seen[target], true) {
                stack.push((target, 0));
            }
        }
    }
    done.reverse();
    done
}

/// Sorts each row by the middles of neighbours, left to right and back again.
fn sort_rows(version: &WorkflowVersion, rows: &mut [Vec<usize>], layer: &[usize]) {
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); version.nodes.len()];
    for edge in &version.edges {
        let (source, target) = (
            version.graph.node_idx[&edge.source],
            version.graph.node_idx[&edge.target],
        );
        neighbours[source].push(target);
        neighbours[target].push(source);
    }
    let mut height = vec![0.0; version.nodes.len()];
    let settle = |row: &[usize], height: &mut Vec<f64>| {
        for (idx, node) in row.iter().enumerate() {
            height[*node] = f64::from(u32::try_from(2 * idx).unwrap_or(u32::MAX))
                - f64::from(u32::try_from(row.len()).unwrap_or(u32::MAX));
        }
    };
    rows.iter().for_each(|row| settle(row, &mut height));
    for sweep in 0..SWEEPS {
        let is_forward = sweep % 2 == 0;
        let places: Vec<usize> = if is_forward {
            (0..rows.len()).collect()
        } else {
            (0..rows.len()).rev().collect()
        };
        for at in places {
            let looked_at = |other: &&usize| {
                if is_forward {
                    layer[**other] < at
                } else {
                    layer[**other] > at
                }
            };
            let mean = |node: usize| {
                let heights: Vec<f64> = neighbours[node]
                    .iter()
                    .filter(looked_at)
                    .map(|other| height[*other])
                    .collect();
                if heights.is_empty() {
                    height[node]
                } else {
                    heights.iter().sum::<f64>() / f64::from(u32::try_from(heights.len()).unwrap_or(u32::MAX))
                }
            };
            let mut keyed: Vec<(f64, usize)> = rows[at].iter().map(|node| (mean(*node), *node)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[at] = keyed.into_iter().map(|(_, node)| node).collect();
            settle(&rows[at], &mut height);
        }
    }
}

/// Flows to the right bend once on their way, where they cross no shape; all others go below everything.
fn waypoints(drawing: &Drawing, middles: &[Point]) -> Vec<Vec<Point>> {
    let boxes = boxes(drawing, middles);
    let mut lane = boxes.iter().map(|one| one.3).fold(f64::MIN, f64::max) + 2.0 * LANE_HEIGHT;
    let point = |x: f64, y: f64| Point { x, y };
    let mut found = Vec::new();
    for flow in &drawing.flows {
        let (from, to) = (middles[flow.source], middles[flow.target]);
        let (leaves, enters) = (boxes[flow.source].1, boxes[flow.target].0);
        let bent = |at: f64| {
            let at = at.round();
            vec![
                point(leaves, from.y),
                point(at, from.y),
                point(at, to.y),
                point(enters, to.y),
            ]
        };
        let ways = if enters < leaves {
            Vec::new()
        } else if (from.y - to.y).abs() < 1.0 {
            vec![vec![point(leaves, from.y), point(enters, to.y)]]
        } else {
            vec![
                bent((leaves + enters) / 2.0),
                bent(enters - LANE_HEIGHT),
                bent(leaves + LANE_HEIGHT),
            ]
        };
        let is_free = |way: &&Vec<Point>| {
            boxes.len() > AROUND_MAX
                || boxes.iter().enumerate().all(|(idx, shape)| {
                    idx == flow.source || idx == flow.target || !way.windows(2).any(|two| crosses(two, shape))
                })
        };
        let way = ways.iter().find(is_free).cloned().unwrap_or_else(|| {
            lane += LANE_HEIGHT;
            vec![
                point(from.x, boxes[flow.source].3),
                point(from.x, lane),
                point(to.x, lane),
                point(to.x, boxes[flow.target].3),
            ]
        });
        found.push(way);
    }
    found
}

/// Whether a line along an axis goes through a shape.
fn crosses(line: &[Point], shape: &Box) -> bool {
    let [a, b] = line else { return false };
    let (left, right) = (a.x.min(b.x), a.x.max(b.x));
    let (top, bottom) = (a.y.min(b.y), a.y.max(b.y));
    left < shape.1 && right > shape.0 && top < shape.3 && bottom > shape.2
}
