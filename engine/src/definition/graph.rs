//! The graph of a definition: what is reachable, what comes before what, what may run twice.
//!
//! A definition may hold a thousand steps and fifty thousand edges, and anybody may ask for a check: nothing here
//! takes longer than steps × edges, counted in words of [`NodeSet`]s.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::control::JOIN;
use super::{Definition, Edges, StepInstance};

/// The trigger's node; the steps follow in the order of the definition.
const TRIGGER: usize = 0;

/// How many edges a workflow may have, so that a check stays quick.
pub(super) const MOST_EDGES: usize = 50_000;

/// Where a run goes several ways at once: the steps that one outcome leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fork<'a> {
    /// The step, or `trigger`.
    pub(super) from: &'a str,
    pub(super) outcome: &'a str,
}

/// The trigger, the steps that a run can come to, and the edges between them.
pub(super) struct Graph<'a> {
    names: Vec<&'a str>,
    joins: Vec<bool>,
    /// The joins that wait for all paths.
    joins_all: Vec<bool>,
    forks: Vec<(usize, &'a str, Vec<usize>)>,
    next: Vec<Vec<usize>>,
    /// The reachable nodes; but for cycles, each after all that lead to it.
    order: Vec<usize>,
    /// Where each node stands in the order; `None` where it is not reachable.
    position: Vec<Option<usize>>,
    /// For each node, it and all that can follow it.
    reached: Vec<NodeSet>,
    cycles: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    pub(super) fn of(definition: &'a Definition) -> Self {
        let names: Vec<&str> =
            ["trigger"].into_iter().chain(definition.steps.keys().map(String::as_str)).collect();
        let joins =
            [false].into_iter().chain(definition.steps.values().map(|step| step.block == JOIN)).collect();
        let joins_all = [false].into_iter().chain(definition.steps.values().map(joins_all)).collect();
        let outgoing: Vec<&Edges> = [&definition.trigger.on]
            .into_iter()
            .chain(definition.steps.values().map(|step| &step.on))
            .collect();
        let mut forks = Vec::new();
        let mut next: Vec<Vec<usize>> = Vec::new();
        for (node, edges) in outgoing.into_iter().enumerate() {
            let mut all = BTreeSet::new();
            for (outcome, targets) in &edges.0 {
                let targets: BTreeSet<usize> = targets
                    .iter()
                    .filter_map(|target| definition.steps.get_index_of(target.as_str()))
                    .map(|index| index + 1)
                    .collect();
                all.extend(targets.iter().copied());
                if targets.len() > 1 {
                    forks.push((node, outcome.as_str(), targets.into_iter().collect()));
                }
            }
            next.push(all.into_iter().collect());
        }
        // The error handler is begun by the run itself.
        next[TRIGGER].extend(
            definition
                .on_error
                .iter()
                .filter_map(|step| definition.steps.get_index_of(step))
                .map(|index| index + 1),
        );
        let (position, reached) = (vec![None; names.len()], vec![NodeSet::empty(names.len()); names.len()]);
        let (order, cycles) = (Vec::new(), Vec::new());
        let mut graph = Self { names, joins, joins_all, forks, next, order, position, reached, cycles };
        graph.walk();
        graph.reach();
        graph
    }

    /// Notes what can follow each node: it and what can follow those that it leads to.
    fn reach(&mut self) {
        for &node in self.order.iter().rev() {
            let mut reached = NodeSet::empty(self.names.len());
            reached.insert(node);
            for next in self.onward(node) {
                reached.add(&self.reached[next]);
            }
            self.reached[node] = reached;
        }
    }

    /// Orders the reachable nodes depth first and notes a cycle for each step that one comes back to.
    fn walk(&mut self) {
        let mut seen = vec![false; self.names.len()];
        let mut open_at: Vec<Option<usize>> = vec![None; self.names.len()];
        let mut heads = BTreeSet::new();
        let mut path = vec![(TRIGGER, 0)];
        seen[TRIGGER] = true;
        open_at[TRIGGER] = Some(0);
        while let Some((node, child)) = path.last_mut() {
            let Some(&next) = self.next[*node].get(*child) else {
                open_at[*node] = None;
                self.order.push(*node);
                path.pop();
                continue;
            };
            *child += 1;
            if let Some(start) = open_at[next] {
                if heads.insert(next) {
                    self.cycles.push(path[start..].iter().map(|(node, _)| *node).collect());
                }
            } else if !seen[next] {
                seen[next] = true;
                open_at[next] = Some(path.len());
                path.push((next, 0));
            }
        }
        self.order.reverse();
        for (position, node) in self.order.iter().enumerate() {
            self.position[*node] = Some(position);
        }
    }

    /// Cycles, at least one through every group of steps that go in a circle.
    pub(super) fn cycles(&self) -> impl Iterator<Item = Vec<&'a str>> {
        self.cycles.iter().map(|cycle| cycle.iter().map(|node| self.names[*node]).collect())
    }

    /// The nodes that follow a node, except those that a cycle leads back to.
    fn onward(&self, node: usize) -> impl Iterator<Item = usize> {
        self.next[node].iter().copied().filter(move |next| self.position[*next] > self.position[node])
    }

    /// For each step that a run can come to, the steps that every path to it has passed.
    pub(super) fn always_before(&self) -> HashMap<&'a str, BTreeSet<&'a str>> {
        let mut passed: Vec<Option<NodeSet>> = vec![None; self.names.len()];
        passed[TRIGGER] = Some(NodeSet::empty(self.names.len()));
        let mut beside = HashMap::new();
        for &node in &self.order {
            if self.joins_all[node] {
                passed[node] = self.joined(node, &passed, &mut beside);
            }
            let Some(before) = &passed[node] else { continue };
            let mut on_this_way = before.clone();
            on_this_way.insert(node);
            for next in self.onward(node) {
                match &mut passed[next] {
                    Some(passed) => passed.keep(&on_this_way),
                    empty => *empty = Some(on_this_way.clone()),
                }
            }
        }
        let names = |set: &NodeSet| {
            (1..self.names.len()).filter(|node| set.has(*node)).map(|node| self.names[node]).collect()
        };
        self.order
            .iter()
            .filter(|node| **node != TRIGGER)
            .filter_map(|node| Some((self.names[*node], names(passed[*node].as_ref()?))))
            .collect()
    }

    /// What has been passed at a join of all paths: whichever path is taken, it and those that run beside it. A path
    /// that ends early is not thought of; a step that misses its data then fails and says so.
    fn joined(
        &self,
        join: usize,
        passed: &[Option<NodeSet>],
        beside: &mut HashMap<usize, NodeSet>,
    ) -> Option<NodeSet> {
        let ways: Vec<(usize, NodeSet)> = (0..self.names.len())
            .filter(|node| self.onward(*node).any(|next| next == join))
            .filter_map(|node| {
                let mut way = passed[node].clone()?;
                way.insert(node);
                Some((node, way))
            })
            .collect();
        let mut joined: Option<NodeSet> = None;
        for (node, way) in &ways {
            let beside = beside.entry(*node).or_insert_with(|| self.beside(*node));
            let mut together = way.clone();
            for (other, way) in &ways {
                if beside.has(*other) {
                    together.add(way);
                }
            }
            match &mut joined {
                Some(joined) => joined.keep(&together),
                empty => *empty = Some(together),
            }
        }
        joined
    }

    /// The nodes that a run may come to beside this one: those of the other branches of a fork, without those that
    /// can follow on every branch that leads here.
    fn beside(&self, node: usize) -> NodeSet {
        let mut beside = NodeSet::empty(self.names.len());
        for (_, _, branches) in self.forks.iter().filter(|(from, ..)| self.reached[*from].has(node)) {
            let mut others = NodeSet::empty(self.names.len());
            let mut own: Option<NodeSet> = None;
            for reached in branches.iter().map(|branch| &self.reached[*branch]) {
                match &mut own {
                    _ if !reached.has(node) => others.add(reached),
                    Some(own) => own.keep(reached),
                    empty => *empty = Some(reached.clone()),
                }
            }
            if let Some(own) = own {
                others.remove_all(&own);
                beside.add(&others);
            }
        }
        beside
    }

    /// Steps where branches meet that a single run may both take, without a join, and where they part.
    ///
    /// Two branches of a fork are followed side by side, always advancing the one that is behind, so that
    /// each pair of steps is seen once. What comes after a meeting is not reported again.
    pub(super) fn parallel_merges(&self) -> BTreeMap<&'a str, Fork<'a>> {
        let mut merges = BTreeMap::new();
        let mut seen = NodeSet::empty(self.names.len() * self.names.len());
        let mut pairs = Vec::new();
        let mut visit = |one: usize, other: usize, pairs: &mut Vec<(usize, usize)>| {
            let (behind, ahead) =
                if self.position[one] < self.position[other] { (one, other) } else { (other, one) };
            if seen.insert(behind * self.names.len() + ahead) {
                pairs.push((behind, ahead));
            }
        };
        for (from, outcome, branches) in &self.forks {
            if self.position[*from].is_none() {
                continue;
            }
            for (index, one) in branches.iter().enumerate() {
                for other in &branches[index + 1..] {
                    visit(*one, *other, &mut pairs);
                }
            }
            while let Some((behind, ahead)) = pairs.pop() {
                for next in self.onward(behind) {
                    if next != ahead {
                        visit(next, ahead, &mut pairs);
                    } else if !self.joins[next] {
                        merges.entry(self.names[next]).or_insert(Fork { from: self.names[*from], outcome });
                    }
                }
            }
        }
        merges
    }
}

/// Whether a step is a join that waits for all paths.
fn joins_all(step: &StepInstance) -> bool {
    step.block == JOIN && step.config.get("wait_for").is_none_or(|wait_for| wait_for == "all")
}

/// The steps that every path to this step has passed.
pub(crate) fn passed_before(definition: &Definition, step: &str) -> BTreeSet<String> {
    let passed = Graph::of(definition).always_before().remove(step).unwrap_or_default();
    passed.into_iter().map(ToOwned::to_owned).collect()
}

/// This step and all that can follow it.
pub(crate) fn reachable_from<'a>(definition: &'a Definition, step: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::from([step]);
    let mut open = vec![step];
    while let Some(step) = open.pop() {
        let edges = definition.steps.get(step).map(|step| step.on.0.values());
        for target in edges.into_iter().flatten().flatten() {
            if reached.insert(target) {
                open.push(target);
            }
        }
    }
    reached
}

/// A set of small numbers.
#[derive(Debug, Clone)]
struct NodeSet(Vec<u64>);

impl NodeSet {
    fn empty(capacity: usize) -> Self {
        Self(vec![0; capacity.div_ceil(64)])
    }

    /// Adds a number; says whether it is new.
    fn insert(&mut self, number: usize) -> bool {
        let new = !self.has(number);
        self.0[number / 64] |= 1 << (number % 64);
        new
    }

    fn has(&self, number: usize) -> bool {
        self.0[number / 64] & (1 << (number % 64)) != 0
    }

    /// Adds what the other has.
    fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// Removes what the other has.
    fn remove_all(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// Keeps what the other has too.
    fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }
}
