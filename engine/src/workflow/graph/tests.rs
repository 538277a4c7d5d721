//! Small drawings with known merges and regions, random graphs against the definition word by word, and the largest.

use proptest::prelude::*;

use super::*;
use crate::workflow::condition::ConditionGroups;

fn node(id: &str, kind: NodeKind) -> Node {
    Node {
        id: id.into(),
        name: id.to_owned(),
        kind,
        field_permissions: BTreeMap::new(),
        allow_withdraw: false,
        allow_undo: false,
        has_bad_undo: false,
        deadline: None,
    }
}

fn edge(n: usize, source: &str, target: &str, kind: EdgeKind) -> Edge {
    Edge {
        id: format!("e{n}").into(),
        name: String::new(),
        kind,
        source: source.into(),
        target: target.into(),
        conditions: ConditionGroups::default(),
        skip_fields_required_check: false,
        props: serde_json::Value::Null,
    }
}

/// Reads `a>b c~d`: `>` is an ordinary edge, `~` a reject edge. Nodes named `s…` are parallel, the others timers,
/// which stand for any node that waits.
fn drawing(text: &str) -> (Vec<Node>, Vec<Edge>) {
    let mut nodes: Vec<Node> = Vec::new();
    let mut edges = Vec::new();
    for (n, word) in text.split_whitespace().enumerate() {
        let (source, target) = word.split_once(['>', '~']).unwrap();
        for id in [source, target] {
            if !nodes.iter().any(|node| node.id.as_str() == id) {
                let kind = match id {
                    "start" => NodeKind::Start,
                    "end" => NodeKind::End,
                    _ if id.starts_with('s') => NodeKind::Parallel,
                    _ => NodeKind::Exclusive { default_branch: None },
                };
                nodes.push(node(id, kind));
            }
        }
        edges.push(edge(
            n,
            source,
            target,
            if word.contains('~') {
                EdgeKind::Reject
            } else {
                EdgeKind::Other
            },
        ));
    }
    (nodes, edges)
}

/// Each split as `split=merge:region`, or what is wrong with it.
fn splits(text: &str) -> String {
    let (nodes, edges) = drawing(text);
    let mut graph = Graph::new(&nodes, &edges).unwrap();
    let faults = graph.find_splits(&nodes, &edges);
    let faults = faults.iter().map(|(split, fault)| match fault {
        SplitFault::NoMerge => format!("{} has no merge", nodes[*split].id),
        SplitFault::BranchMissesMerge(edge) => format!("{} loses {}", nodes[*split].id, edges[*edge].target),
    });
    let found = graph.splits.iter().map(|(id, split)| {
        let region: Vec<&str> = split.region.iter().map(NodeId::as_str).collect();
        format!("{id}={}:{}", split.merge, region.join(","))
    });
    found.chain(faults).collect::<Vec<_>>().join(" ")
}

#[test]
fn merges_and_regions() {
    for (drawing, expected) in [
        ("start>a a>end", ""),
        ("start>s s>a s>b a>m b>m m>end", "s=m:a,b,m"),
        // A single way out is no split.
        ("start>s s>a a>end", ""),
        // A branch that is the merge itself, and two branches to one node.
        ("start>s s>a s>m a>m m>end", "s=m:a,m"),
        ("start>s s>m s>m m>end", "s=m:m"),
        // Nested, with a merge each and with one for both.
        (
            "start>s1 s1>s2 s1>a s2>b s2>c b>n c>n n>m a>m m>end",
            "s1=m:a,b,c,m,n,s2 s2=n:b,c,n",
        ),
        (
            "start>s1 s1>s2 s1>a s2>b s2>c b>m c>m a>m m>end",
            "s1=m:a,b,c,m,s2 s2=m:b,c,m",
        ),
        // The second split begins where the first ends.
        (
            "start>s1 s1>a s1>b a>s2 b>s2 s2>c s2>d c>m d>m m>end",
            "s1=s2:a,b,s2 s2=m:c,d,m",
        ),
        // Loops inside a branch, and back before the split.
        ("start>s s>a s>b a>c c>a c>m b>m m>end", "s=m:a,b,c,m"),
        ("start>p p>s s>a s>b a>m a>p b>m m>end", "s=m:a,b,m"),
        ("start>s s>a s>b a>m b>m m>end m>s", "s=m:a,b,m"),
        // Reject edges do not count as ways, but what only they reach is inside unless it comes before or after.
        ("start>p p>s s>a s>b a~p b~end a>m b>m m>end", "s=m:a,b,m"),
        ("start>s s>a s>b a~fix fix>a a>m b>m m>end", "s=m:a,b,fix,m"),
        ("start>s s>a s>b a~fix fix>x x~y y>a a>m b>m m>end", "s=m:a,b,fix,m,x,y"),
        // A way past the split leads to `a` as well, so what `a` rejects to is also reached from outside.
        ("start>s s>a s>b a~fix fix>p p>a start>p a>m b>m m>end", "s=m:a,b,m"),
        (
            "start>s start>p p~fix s>a s>b a~fix fix>a a>m b>m m>end p>end",
            "s=m:a,b,m",
        ),
        ("start>s s>a s>b a~x a>m b>m m>x x>end", "s=m:a,b,m"),
        ("start>s s>a s>b a~start a>m b>m m>end", "s=m:a,b,m"),
        // What the merge rejects to is not inside.
        ("start>s s>a s>b a>m b>m m~z z>m m>end", "s=m:a,b,m"),
        // No merge, or a branch that never comes to it.
        ("start>s s>a s>b a>end b>end", "s has no merge"),
        ("start>s s>a s>b a>end b>m m>end", "s has no merge"),
        ("start>s s>a s>b a~end a>m b>m m>end", "s=m:a,b,m"),
        ("start>s s>a s>b a~start b>m m>end", "s loses a"),
        ("start>s s>a s>b a>s b>m m>end", "s loses a"),
        ("start>s s>a s>b a~end b~end", "s has no merge"),
    ] {
        assert_eq!(splits(drawing), expected, "{drawing}");
    }
}

#[test]
fn cycles_are_found_once_each() {
    let (nodes, edges) = drawing("start>a a>b b>a b>c c>c c>d d>e e>d start>f f>end d>end e>f");
    let graph = Graph::new(&nodes, &edges).unwrap();
    let names = |members: &dyn Fn(usize) -> bool| {
        let cycles = graph.cycles_among(members);
        let cycle = |cycle: &Vec<usize>| cycle.iter().map(|idx| nodes[*idx].id.as_str()).collect::<String>();
        cycles.iter().map(cycle).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&|_| true), "ab c de");
    assert_eq!(names(&|idx| nodes[idx].id.as_str() != "b"), "c de");
    assert_eq!(names(&|_| false), "");
}

#[test]
fn only_orderly_definitions_are_indexed() {
    for text in ["start>a", "a>end", "a>b"] {
        let (nodes, edges) = drawing(text);
        assert!(Graph::new(&nodes, &edges).is_none(), "{text}");
    }
    let (mut nodes, mut edges) = drawing("start>a a>end");
    edges.push(edge(9, "a", "nowhere", EdgeKind::Other));
    assert!(Graph::new(&nodes, &edges).is_none());
    edges.pop();
    nodes.push(node("a", NodeKind::Parallel));
    assert!(Graph::new(&nodes, &edges).is_none());
}

/// The definition word by word, over a table of which node reaches which.
mod naive {
    /// Whether `to` can be reached from `from` over some edges without entering one of `walls`; a node reaches itself.
    fn reaches(edges: &[(usize, usize)], n_nodes: usize, from: usize, to: usize, walls: &[usize]) -> bool {
        let mut is_reached = vec![false; n_nodes];
        is_reached[from] = !walls.contains(&from);
        for _ in 0..n_nodes {
            for (source, target) in edges {
                if is_reached[*source] && !walls.contains(target) {
                    is_reached[*target] = true;
                }
            }
        }
        is_reached[to]
    }

    pub(super) struct Case {
        pub(super) n_nodes: usize,
        pub(super) every: Vec<(usize, usize)>,
        pub(super) kept: Vec<(usize, usize)>,
    }

    impl Case {
        fn kept(&self, from: usize, to: usize, walls: &[usize]) -> bool {
            reaches(&self.kept, self.n_nodes, from, to, walls)
        }

        fn every(&self, from: usize, to: usize, walls: &[usize]) -> bool {
            reaches(&self.every, self.n_nodes, from, to, walls)
        }

        fn branches(&self, split: usize) -> Vec<usize> {
            self.every
                .iter()
                .filter(|(source, _)| *source == split)
                .map(|(_, target)| *target)
                .collect()
        }

        /// Of the nodes without which no branch reaches the end the one from which all others are still to come.
        pub(super) fn merge(&self, split: usize) -> Option<usize> {
            let (start, end) = (0, self.n_nodes - 1);
            let mut branches = self.branches(split);
            branches.retain(|branch| self.kept(*branch, end, &[]));
            let must = |node: usize| branches.iter().all(|branch| !self.kept(*branch, end, &[node]));
            let all: Vec<usize> = (0..self.n_nodes)
                .filter(|node| !branches.is_empty() && must(*node))
                .collect();
            // The nearest: without any other of them in the way it is still reached.
            let nearest = |node: &&usize| {
                let others: Vec<usize> = all.iter().copied().filter(|other| other != *node).collect();
                branches.iter().any(|branch| self.kept(*branch, **node, &others))
            };
            let merge = *all.iter().find(nearest)?;
            let comes = |branch: usize| self.kept(branch, merge, &[split, start, end]);
            (merge != start && merge != end && self.branches(split).into_iter().all(comes)).then_some(merge)
        }

        pub(super) fn region(&self, split: usize, merge: usize) -> Vec<usize> {
            let (start, end) = (0, self.n_nodes - 1);
            let walls = [split, start, end];
            let is_on_way = |node: usize| {
                node != merge
                    && self
                        .branches(split)
                        .iter()
                        .any(|branch| self.kept(*branch, node, &[split, merge, start, end]))
                    && self.kept(node, merge, &walls)
            };
            let on_way: Vec<usize> = (0..self.n_nodes).filter(|node| is_on_way(*node)).collect();
            let is_elsewhere = |node: usize| {
                walls.contains(&node)
                    || on_way.contains(&node)
                    || self.every(start, node, &[split])
                    || self.kept(merge, node, &[split])
            };
            let elsewhere: Vec<usize> = (0..self.n_nodes).filter(|node| is_elsewhere(*node)).collect();
            let rejects = self.every.iter().filter(|edge| !self.kept.contains(edge));
            let rejected: Vec<usize> = rejects
                .filter(|(source, _)| on_way.contains(source))
                .map(|(_, target)| *target)
                .collect();
            let is_inside = |node: &usize| {
                *node == merge
                    || on_way.contains(node)
                    || rejected.iter().any(|first| self.every(*first, *node, &elsewhere))
            };
            (0..self.n_nodes).filter(is_inside).collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn splits_are_what_the_definition_says(
        n_inner in 2..8_usize,
        pairs in proptest::collection::btree_set((0..9_usize, 0..9_usize), 3..24),
        rejects in proptest::collection::vec(0..4_u8, 24),
    ) {
        let n_nodes = n_inner + 2;
        // Nothing leaves the end or leads to start other than by reject, as in definitions that pass; each pair once.
        let pairs: Vec<(usize, usize, bool)> = pairs
            .into_iter()
            .zip(&rejects)
            .filter(|((source, target), _)| *source < n_nodes - 1 && *target < n_nodes)
            .map(|((source, target), reject)| (source, target, *reject == 0))
            .collect();
        let id = |idx: usize| format!("n{idx}");
        let nodes: Vec<Node> = (0..n_nodes)
            .map(|idx| {
                let kind = match idx {
                    0 => NodeKind::Start,
                    last if last == n_nodes - 1 => NodeKind::End,
                    _ if idx % 2 == 0 => NodeKind::Exclusive { default_branch: None },
                    _ => NodeKind::Parallel,
                };
                node(&id(idx), kind)
            })
            .collect();
        let edges: Vec<Edge> = pairs
            .iter()
            .enumerate()
            .map(|(n, (source, target, is_reject))| {
                edge(n, &id(*source), &id(*target), if *is_reject { EdgeKind::Reject } else { EdgeKind::Agree })
            })
            .collect();
        let mut graph = Graph::new(&nodes, &edges).unwrap();
        let faults = graph.find_splits(&nodes, &edges);
        let case = naive::Case {
            n_nodes,
            every: pairs.iter().map(|(source, target, _)| (*source, *target)).collect(),
            kept: pairs.iter().filter(|(.., is_reject)| !is_reject).map(|(source, target, _)| (*source, *target)).collect(),
        };
        for (idx, split) in nodes.iter().enumerate() {
            let is_split = matches!(split.kind, NodeKind::Parallel) && graph.ways_out[idx].len() > 1;
            let expected = if is_split { case.merge(idx) } else { None };
            let found = graph.splits.get(&split.id);
            prop_assert_eq!(found.map(|split| split.merge.to_string()), expected.map(id));
            prop_assert_eq!(is_split && found.is_none(), faults.iter().any(|(split, _)| *split == idx));
            if let (Some(found), Some(merge)) = (found, expected) {
                let region: BTreeSet<NodeId> = case.region(idx, merge).into_iter().map(|idx| id(idx).into()).collect();
                prop_assert_eq!(&found.region, &region);
            }
        }
    }
}

/// A thousand splits one inside the other, with as many edges as a definition may have: the walks stay linear.
#[test]
fn the_largest_definition_takes_a_moment() {
    let depth = 990;
    let mut text = vec!["start>s0".to_owned()];
    for level in 0..depth {
        let inner = if level + 1 < depth {
            format!("s{}", level + 1)
        } else {
            "core".to_owned()
        };
        let merged = if level == 0 {
            "out".to_owned()
        } else {
            format!("m{}", level - 1)
        };
        text.extend([
            format!("s{level}>{inner}"),
            format!("s{level}>m{level}"),
            format!("m{level}>{merged}"),
        ]);
    }
    text.push(format!("core>m{}", depth - 1));
    text.push("out>end".to_owned());
    text.extend((0..6_000).map(|n| format!("m{}~s{}", n % depth, n % 7)));
    let (nodes, edges) = drawing(&text.join(" "));
    assert!(nodes.len() <= crate::limits::NODES_MAX && edges.len() <= crate::limits::EDGES_MAX);
    let mut graph = Graph::new(&nodes, &edges).unwrap();
    assert_eq!(graph.find_splits(&nodes, &edges), []);
    assert_eq!(graph.splits.len(), depth);
    assert_eq!(graph.splits["s0"].merge.as_str(), "m0");
    assert_eq!(graph.splits["s989"].region.len(), 2);
    assert_eq!(graph.cycles_among(&|_| true).len(), 1);
}
