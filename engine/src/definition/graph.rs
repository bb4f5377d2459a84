//! The graph of a definition: what is reachable, what comes before what, what may run twice.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::{Definition, Edges};

/// An edge, from the trigger (`None`) or a step, by an outcome, to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Edge<'a> {
    pub(super) from: Option<&'a str>,
    pub(super) outcome: &'a str,
    pub(super) to: &'a str,
}

/// The steps and the edges between them that exist.
pub(super) struct Graph<'a> {
    pub(super) edges: Vec<Edge<'a>>,
    next: HashMap<&'a str, Vec<&'a str>>,
    first: Vec<&'a str>,
}

impl<'a> Graph<'a> {
    pub(super) fn of(definition: &'a Definition) -> Self {
        let mut edges = Vec::new();
        let mut add = |from: Option<&'a str>, on: &'a Edges| {
            for (outcome, targets) in &on.0 {
                let known = targets.iter().filter(|target| definition.steps.contains_key(*target));
                edges.extend(known.map(|to| Edge { from, outcome, to }));
            }
        };
        add(None, &definition.trigger.on);
        for (id, step) in &definition.steps {
            add(Some(id), &step.on);
        }
        let mut next: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut first = Vec::new();
        for edge in &edges {
            match edge.from {
                Some(from) => next.entry(from).or_default().push(edge.to),
                None => first.push(edge.to),
            }
        }
        Self { edges, next, first }
    }

    /// The steps that a run can come to.
    pub(super) fn reachable(&self) -> HashSet<&'a str> {
        self.from(&self.first)
    }

    /// These steps and all that can follow them.
    fn from(&self, steps: &[&'a str]) -> HashSet<&'a str> {
        let mut seen: HashSet<&str> = steps.iter().copied().collect();
        let mut queue: VecDeque<&str> = steps.iter().copied().collect();
        while let Some(step) = queue.pop_front() {
            for next in self.next.get(step).into_iter().flatten() {
                if seen.insert(next) {
                    queue.push_back(next);
                }
            }
        }
        seen
    }

    /// The steps in an order in which each comes after all that lead to it, or a cycle.
    pub(super) fn order(&self) -> Result<Vec<&'a str>, Vec<&'a str>> {
        let reachable = self.reachable();
        let mut incoming: BTreeMap<&str, usize> = reachable.iter().map(|step| (*step, 0)).collect();
        for edge in self.edges.iter().filter(|edge| edge.from.is_some_and(|from| reachable.contains(from))) {
            *incoming.entry(edge.to).or_default() += 1;
        }
        let mut ready: VecDeque<&str> =
            incoming.iter().filter(|(_, count)| **count == 0).map(|(step, _)| *step).collect();
        let mut order = Vec::new();
        while let Some(step) = ready.pop_front() {
            order.push(step);
            incoming.remove(step);
            for next in self.next.get(step).into_iter().flatten() {
                if let Some(count) = incoming.get_mut(next) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push_back(next);
                    }
                }
            }
        }
        match incoming.keys().next() {
            None => Ok(order),
            Some(start) => Err(self.cycle(start, &incoming)),
        }
    }

    /// A cycle among the steps that are left over. Every one of them has a predecessor that is left over too, so
    /// walking backwards must come around.
    fn cycle(&self, start: &'a str, left: &BTreeMap<&'a str, usize>) -> Vec<&'a str> {
        let mut path = vec![start];
        loop {
            let last = path[path.len() - 1];
            let before = self
                .edges
                .iter()
                .find(|edge| edge.to == last && edge.from.is_some_and(|from| left.contains_key(from)));
            let Some(from) = before.and_then(|edge| edge.from) else { return path };
            if let Some(position) = path.iter().position(|step| *step == from) {
                let mut cycle = path.split_off(position);
                cycle.reverse();
                let first = (0..cycle.len()).min_by_key(|index| cycle[*index]).unwrap_or(0);
                cycle.rotate_left(first);
                return cycle;
            }
            path.push(from);
        }
    }

    /// For each step, the steps that every path to it has passed.
    pub(super) fn always_before(&self, order: &[&'a str]) -> HashMap<&'a str, BTreeSet<&'a str>> {
        let mut before: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for step in order {
            let mut passed: Option<BTreeSet<&str>> = None;
            for edge in self.edges.iter().filter(|edge| edge.to == *step) {
                let on_this_way = match edge.from {
                    None => BTreeSet::new(),
                    Some(from) => match before.get(from) {
                        Some(earlier) => earlier.iter().copied().chain([from]).collect(),
                        None => continue,
                    },
                };
                passed = Some(match passed {
                    None => on_this_way,
                    Some(passed) => passed.intersection(&on_this_way).copied().collect(),
                });
            }
            before.insert(step, passed.unwrap_or_default());
        }
        before
    }

    /// Steps that a single run may come to on two ways, with the fork from which it goes both.
    pub(super) fn parallel_merges(&self) -> BTreeMap<&'a str, Edge<'a>> {
        let mut forks: BTreeMap<(Option<&str>, &str), Vec<Edge<'a>>> = BTreeMap::new();
        for edge in &self.edges {
            forks.entry((edge.from, edge.outcome)).or_default().push(*edge);
        }
        let mut merges = BTreeMap::new();
        for branches in forks.values().filter(|branches| branches.len() > 1) {
            let mut seen: HashMap<&str, usize> = HashMap::new();
            for (index, branch) in branches.iter().enumerate() {
                for step in self.from(&[branch.to]) {
                    match seen.get(step) {
                        Some(other) if *other != index => {
                            merges.entry(step).or_insert(*branch);
                        }
                        _ => {
                            seen.insert(step, index);
                        }
                    }
                }
            }
        }
        // Only where the ways meet: what follows a merge is reported by it.
        let met: HashSet<&str> = merges.keys().copied().collect();
        let follows = |step: &str| {
            self.edges
                .iter()
                .filter(|edge| edge.to == step)
                .all(|edge| edge.from.is_some_and(|from| met.contains(from)))
        };
        merges.retain(|step, _| !follows(step));
        merges
    }
}
