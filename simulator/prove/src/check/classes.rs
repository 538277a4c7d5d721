//! Values as far as a gateway looks at them: which classes make its conditions hold, and whether any leave it nothing
//! to go on with.
//!
//! Not here: which conditions hold together (`conditions`), and what a token does then (`choose`).

use super::domain::{Domain, EMPTY};
use super::game::{Game, Holders, Kind, NodeInfo, number};

/// Combinations of classes looked at of one edge, and of edges of one gateway.
const BOXES_MAX: usize = 4_096;

/// Classes of some fields, any of one with any of the others, with which an edge's conditions hold or do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classes {
    pub(crate) sets: Vec<(u8, u64)>,
    pub(crate) holds: bool,
}

impl Classes {
    pub(crate) fn narrow(&self, data: &mut [u64]) {
        for (field, set) in &self.sets {
            data[usize::from(*field)] &= set;
        }
    }
}

impl Game<'_> {
    /// Finds for each node whether it may refuse a token, and how many automatic moves may follow there.
    pub(super) fn find_firm(&mut self) {
        let possible = self.possible();
        let mut counted = vec![None; self.nodes.len()];
        for idx in 0..self.nodes.len() {
            let may_refuse = self.leaves_something_over(idx, &possible) || self.may_have_nobody(idx, &possible);
            let n_moves = self.count_moves(number(idx), &mut counted);
            self.nodes[idx].may_refuse = may_refuse;
            self.nodes[idx].n_moves = n_moves;
        }
    }

    /// Of each field the classes it may be in once start has been left.
    fn possible(&self) -> Vec<u64> {
        let of_field = |(idx, field): (usize, &Domain)| {
            let bit = 1 << idx;
            let not_empty = field.all() & !(1 << EMPTY);
            let always_fills = |(place, node): (usize, &NodeInfo)| {
                let ways = node.out.iter().map(|edge| &self.edges[usize::from(*edge)]);
                let is_start = place == usize::from(self.start);
                let must = node.requires & bit != 0 && !ways.into_iter().any(|edge| edge.skips_required);
                must || (node.writes & bit == 0 && !is_start)
            };
            let writers = self.nodes.iter().filter(|node| node.writes & bit != 0).count();
            if field.is_automatic || self.nodes.iter().enumerate().all(always_fills) {
                not_empty
            } else if writers == 0 {
                1 << EMPTY
            } else {
                field.all()
            }
        };
        self.fields.iter().enumerate().map(of_field).collect()
    }

    /// Whether nobody may be assigned at a node with fields in these classes.
    fn may_have_nobody(&self, node: usize, data: &[u64]) -> bool {
        match &self.nodes[node].holders {
            Holders::Somebody => false,
            Holders::Nobody => true,
            Holders::ByFields(fields) => !fields
                .iter()
                .any(|(field, classes)| data[usize::from(*field)] & !classes == 0),
        }
    }

    /// Whether no way out of a gateway may open with fields in these classes; true where that is too much to look at.
    fn leaves_something_over(&self, node: usize, data: &[u64]) -> bool {
        let node = &self.nodes[node];
        if !matches!(node.kind, Kind::Exclusive | Kind::Inclusive) || node.default.is_some() {
            return false;
        }
        let mut budget = BOXES_MAX;
        let asked: Vec<u16> = node.out.clone();
        self.may_all_fail(&asked, data, &mut budget)
    }

    fn may_all_fail(&self, edges: &[u16], data: &[u64], budget: &mut usize) -> bool {
        let Some((first, others)) = edges.split_first() else {
            return true;
        };
        let Some(boxes) = self.boxes(*first, data).filter(|_| *budget > 0) else {
            return true;
        };
        *budget -= 1;
        boxes.iter().filter(|one| !one.holds).any(|one| {
            let mut data = data.to_vec();
            one.narrow(&mut data);
            self.may_all_fail(others, &data, budget)
        })
    }

    /// Automatic moves that may follow on entering a node; counted once for each node.
    fn count_moves(&self, node: u16, counted: &mut [Option<usize>]) -> usize {
        if let Some(known) = counted[usize::from(node)] {
            return known;
        }
        let info = &self.nodes[usize::from(node)];
        let is_gateway = matches!(info.kind, Kind::Exclusive | Kind::Inclusive | Kind::Parallel);
        // Whoever comes back here has gone round.
        counted[usize::from(node)] = Some(usize::MAX);
        let targets = info.out.iter().map(|edge| self.edges[usize::from(*edge)].target);
        let behind = targets.filter(|_| is_gateway).fold(0_usize, |sum, target| {
            let one = self.count_moves(target, counted);
            if info.kind == Kind::Exclusive {
                sum.max(one)
            } else {
                sum.saturating_add(one)
            }
        });
        let found = behind.saturating_add(1);
        counted[usize::from(node)] = Some(found);
        found
    }

    /// Classes of the fields that an edge looks at, told apart only as far as its conditions do; none where that is too
    /// much to look at.
    pub(crate) fn boxes(&self, edge: u16, data: &[u64]) -> Option<Vec<Classes>> {
        let fields = &self.edges[usize::from(edge)].reads;
        let n_combinations = fields.iter().try_fold(1_usize, |product, field| {
            product.checked_mul(data[usize::from(*field)].count_ones() as usize)
        });
        n_combinations.filter(|n| *n <= BOXES_MAX)?;
        Some(self.boxes_of(edge, fields, data, &mut Vec::new()))
    }

    fn boxes_of(&self, edge: u16, fields: &[u8], data: &[u64], chosen: &mut Vec<(u8, usize)>) -> Vec<Classes> {
        let Some((field, others)) = fields.split_first() else {
            let class_of = |field: u8| {
                chosen
                    .iter()
                    .find(|(one, _)| *one == field)
                    .map_or(EMPTY, |(_, class)| *class)
            };
            return vec![Classes {
                sets: Vec::new(),
                holds: self.holds(edge, &class_of),
            }];
        };
        // Classes for which the other fields decide alike are one.
        let mut groups: Vec<(u64, Vec<Classes>)> = Vec::new();
        for class in (0..64).filter(|class| data[usize::from(*field)] >> class & 1 == 1) {
            chosen.push((*field, class));
            let behind = self.boxes_of(edge, others, data, chosen);
            chosen.pop();
            match groups.iter_mut().find(|(_, known)| *known == behind) {
                Some((set, _)) => *set |= 1 << class,
                None => groups.push((1 << class, behind)),
            }
        }
        let with = |(set, behind): (u64, Vec<Classes>)| {
            behind.into_iter().map(move |one| Classes {
                sets: std::iter::once((*field, set)).chain(one.sets).collect(),
                holds: one.holds,
            })
        };
        groups.into_iter().flat_map(with).collect()
    }
}
