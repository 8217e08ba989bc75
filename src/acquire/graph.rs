//! Who asks for whom in one lockfile: direct or transitive, the scope that follows, shortest paths to a root.
//!
//! Nodes are the packages of a reading, by their index. Roots are the project and its workspace members, with
//! what they ask for themselves. Everything here is linear in the number of edges.

use super::Found;
use crate::model::package::{PathName, Scope};
use std::collections::{BTreeSet, VecDeque};

/// Paths that are kept of one package: the shortest, and those through other packages that ask for it.
const MOST_PATHS: usize = 3;

/// Names that are kept of one path; the middle of a longer one is left out.
const LONGEST_PATH: usize = 24;

/// One request: which package, and how much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Index of the package in the reading.
    pub to: usize,
    /// What it is asked for: what is reached through here is needed for this at most.
    pub scope: Scope,
}

/// The project itself, or a member of its workspace.
#[derive(Debug, Clone, Default)]
pub struct Root {
    /// Its name; may be empty.
    pub name: String,
    /// What it asks for.
    pub asks: Vec<Edge>,
}

/// The requests of one file. Without roots nothing is said about direct and transitive.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The project and its members.
    pub roots: Vec<Root>,
    needs: Vec<Vec<Edge>>,
}

impl Graph {
    /// Says that one package asks for another.
    pub fn add(&mut self, from: usize, edge: Edge) {
        if self.needs.len() <= from {
            self.needs.resize_with(from + 1, Vec::new);
        }
        self.needs[from].push(edge);
    }

    fn needs_of(&self, from: usize) -> &[Edge] {
        self.needs.get(from).map_or(&[], Vec::as_slice)
    }

    /// Whether a root asks for each package; nothing where no root is known.
    #[must_use]
    pub fn directs(&self) -> Option<BTreeSet<usize>> {
        (!self.roots.is_empty()).then(|| self.roots.iter().flat_map(|root| &root.asks).map(|edge| edge.to).collect())
    }

    /// Gives each package the most binding scope in which a root reaches it. What no root reaches keeps its own:
    /// a request that is not understood must not make a package look unneeded.
    pub fn settle_scopes(&self, found: &mut [Found]) {
        let mut best: Vec<Option<Scope>> = vec![None; found.len()];
        // Three passes from the most binding scope down: each package is settled once.
        for pass in [Scope::Production, Scope::Optional, Scope::Development] {
            let mut queue: Vec<usize> =
                self.roots.iter().flat_map(|root| &root.asks).filter(|edge| edge.scope == pass).map(|edge| edge.to).collect();
            let inherited: Vec<usize> = (0..found.len())
                .filter(|at| best[*at].is_some())
                .flat_map(|at| self.needs_of(at))
                .filter(|edge| edge.scope == pass)
                .map(|edge| edge.to)
                .collect();
            queue.extend(inherited);
            while let Some(at) = queue.pop() {
                if best.get(at).is_none_or(Option::is_some) {
                    continue;
                }
                best[at] = Some(pass);
                queue.extend(self.needs_of(at).iter().filter(|edge| edge.scope <= pass).map(|edge| edge.to));
            }
        }
        for (found, scope) in found.iter_mut().zip(best) {
            found.scope = scope.unwrap_or(found.scope);
        }
    }

    /// For each package the shortest path from a root, then those through others that ask for it.
    #[must_use]
    pub fn paths(&self, found: &[Found]) -> Vec<Vec<Vec<PathName>>> {
        let names: Vec<PathName> = found.iter().map(label).collect();
        let roots: Vec<Option<PathName>> =
            self.roots.iter().map(|root| (!root.name.is_empty()).then(|| root.name.clone().into())).collect();
        let steps = self.reach(found.len());
        let mut askers: Vec<Vec<usize>> = vec![Vec::new(); found.len()];
        for from in (0..found.len()).filter(|from| steps[*from].is_some()) {
            for edge in self.needs_of(from).iter().filter(|edge| edge.to < found.len() && edge.to != from) {
                let Some(step) = steps[edge.to] else { continue };
                if step.asker != Some(from) && askers[edge.to].len() < 4 * MOST_PATHS {
                    askers[edge.to].push(from);
                }
            }
        }
        let path = Path { names: &names, roots: &roots, steps: &steps };
        (0..found.len())
            .map(|at| {
                let Some(step) = steps[at] else { return Vec::new() };
                let mut through: Vec<Option<usize>> = vec![step.asker];
                let mut others = std::mem::take(&mut askers[at]);
                others.sort_by_key(|asker| steps[*asker].map_or(usize::MAX, |step| step.length));
                others.dedup();
                through.extend(others.into_iter().take(MOST_PATHS - 1).map(Some));
                through.into_iter().map(|asker| path.to(at, step, asker)).collect()
            })
            .collect()
    }

    /// Breadth first from the roots; where there are none, from the packages that nobody asks for.
    fn reach(&self, count: usize) -> Vec<Option<Reached>> {
        let mut steps: Vec<Option<Reached>> = vec![None; count];
        let mut queue = VecDeque::new();
        let mut start = |at: usize, root: Option<usize>, queue: &mut VecDeque<usize>| {
            if at < count && steps[at].is_none() {
                steps[at] = Some(Reached { asker: None, root, length: 1 });
                queue.push_back(at);
            }
        };
        // Of two paths as short, the one that is needed more.
        let mut asks: Vec<(Scope, usize, usize)> = self
            .roots
            .iter()
            .enumerate()
            .flat_map(|(index, root)| root.asks.iter().map(move |edge| (edge.scope, index, edge.to)))
            .collect();
        asks.sort();
        asks.into_iter().for_each(|(_, index, to)| start(to, Some(index), &mut queue));
        if self.roots.is_empty() {
            let asked: BTreeSet<usize> = self.needs.iter().flatten().map(|edge| edge.to).collect();
            (0..count).filter(|at| !asked.contains(at)).for_each(|at| start(at, None, &mut queue));
        }
        while let Some(at) = queue.pop_front() {
            let Some(step) = steps[at] else { continue };
            for edge in self.needs_of(at) {
                if edge.to < count && steps[edge.to].is_none() {
                    steps[edge.to] = Some(Reached { asker: Some(at), root: step.root, length: step.length + 1 });
                    queue.push_back(edge.to);
                }
            }
        }
        steps
    }
}

/// How a package is first reached.
#[derive(Debug, Clone, Copy)]
struct Reached {
    asker: Option<usize>,
    root: Option<usize>,
    length: usize,
}

/// What a path is put together from.
struct Path<'a> {
    names: &'a [PathName],
    roots: &'a [Option<PathName>],
    steps: &'a [Option<Reached>],
}

impl Path<'_> {
    /// The path to a package through one that asks for it.
    fn to(&self, at: usize, own: Reached, asker: Option<usize>) -> Vec<PathName> {
        let mut names = Vec::with_capacity(own.length.min(LONGEST_PATH) + 2);
        names.push(self.names[at].clone());
        let mut next = asker;
        let root = asker.map_or(own.root, |asker| self.steps[asker].map_or(own.root, |step| step.root));
        while let Some(here) = next {
            if names.len() == LONGEST_PATH {
                names.push("…".to_owned().into());
                break;
            }
            names.push(self.names[here].clone());
            next = self.steps[here].and_then(|step| step.asker);
        }
        names.extend(root.and_then(|root| self.roots[root].clone()));
        names.reverse();
        names
    }
}

fn label(found: &Found) -> PathName {
    let name = found.purl.full_name();
    if found.version.is_empty() { name.into() } else { format!("{name}@{}", found.version).into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::{Ecosystem, Purl};

    fn found(names: &[&str]) -> Vec<Found> {
        names.iter().map(|name| Found::new(Purl::of_package(Ecosystem::Npm, name, "1").unwrap(), 0)).collect()
    }

    fn shown(graph: &Graph, found: &[Found]) -> Vec<Vec<String>> {
        let one = |path: &Vec<PathName>| path.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" ");
        graph.paths(found).iter().map(|paths| paths.iter().map(one).collect()).collect()
    }

    fn edge(to: usize, scope: Scope) -> Edge {
        Edge { to, scope }
    }

    #[test]
    fn scopes_follow_the_most_binding_way_and_paths_the_shortest() {
        use Scope::{Development, Optional, Production};
        let mut graph = Graph::default();
        graph.roots.push(Root { name: "app".into(), asks: vec![edge(0, Production), edge(1, Development)] });
        graph.add(0, edge(2, Optional));
        graph.add(1, edge(2, Production));
        graph.add(1, edge(3, Production));
        graph.add(3, edge(1, Production));
        graph.add(2, edge(9, Production));
        let mut found = found(&["a", "b", "c", "d", "lone"]);
        graph.settle_scopes(&mut found);
        let scopes: Vec<Scope> = found.iter().map(|found| found.scope).collect();
        assert_eq!(scopes, [Production, Development, Optional, Development, Production]);
        assert_eq!(graph.directs().unwrap().into_iter().collect::<Vec<_>>(), [0, 1]);
        let paths = shown(&graph, &found);
        assert_eq!(paths[2], ["app a@1 c@1", "app b@1 c@1"]);
        assert_eq!(paths[3], ["app b@1 d@1"]);
        assert!(paths[4].is_empty());
    }

    #[test]
    fn a_long_chain_is_shortened_in_the_middle() {
        let names: Vec<String> = (0..5000).map(|at| format!("p{at}")).collect();
        let found = found(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut graph = Graph::default();
        (1..5000).for_each(|at| graph.add(at - 1, edge(at, Scope::Production)));
        let path = &shown(&graph, &found)[4999][0];
        assert!(path.starts_with("… ") && path.ends_with(" p4999@1") && path.split(' ').count() == LONGEST_PATH + 1, "{path}");
        assert!(graph.directs().is_none());
    }
}
