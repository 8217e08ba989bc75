//! requirements.txt (pip's "Requirements File Format"): pins, hashes, markers, extras, includes, constraints.
//!
//! Only `name==version` says which version is installed; for a name without one a constraints file may say it.
//! Anything else is told as an entry that could not be used; a version is never guessed. A marker does not
//! exclude: what another platform installs counts. The `# via` comments of pip-compile and uv say who asks.

use super::pypi::{self, Nodes};
use super::requirement_line::{self as line, Line};
use crate::acquire::graph::{Edge, Root};
use crate::acquire::{Blemish, Include, Reading, Source};
use crate::model::package::{Origin, Scope};
use std::collections::BTreeMap;

/// Constraints files that one file may name, and those that they name in turn.
const MOST_CONSTRAINTS: usize = 100;

/// Reads a requirements file.
///
/// # Errors
/// Never: each line stands for itself.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let mut desk = Desk { constraints: constraints(source), ..Desk::default() };
    for piece in line::pieces(source.text) {
        match piece.comment {
            Some(comment) => desk.read_comment(comment),
            None => desk.read_line(&piece.text, piece.offset),
        }
        if piece.unfinished {
            desk.reading.blemish(piece.offset, "the file ends in the middle of this line: it is cut off");
        }
    }
    Ok(desk.finish(source.path))
}

/// Whether a text of no known name is a requirements file: its first requirement is a pin.
#[must_use]
pub fn begins_with_a_pin(text: &str) -> bool {
    let mut lines = line::pieces(text).filter(|piece| piece.comment.is_none()).map(|piece| line::parse(&piece.text));
    matches!(lines.find(|line| !matches!(line, Line::Ignored | Line::Index(_))), Some(Line::Package { version: Some(_), .. }))
}

/// Pins of the constraints files that this file names. They install nothing.
fn constraints(source: &Source<'_>) -> BTreeMap<String, String> {
    let mut pins = BTreeMap::new();
    let mut queue: Vec<String> = line::pieces(source.text).filter_map(|piece| line::option(&piece.text, ["--constraint", "-c"])).collect();
    let mut read = 0;
    while let Some(path) = queue.pop() {
        read += 1;
        let Some(text) = source.beside(&path).filter(|_| read <= MOST_CONSTRAINTS) else { continue };
        for piece in line::pieces(&text).filter(|piece| piece.comment.is_none()) {
            if let Line::Package { name, version: Some(version), .. } = line::parse(&piece.text) {
                pins.insert(pypi::normal(&name), version);
            }
            let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let next = line::option(&piece.text, ["--constraint", "-c"]).or_else(|| line::option(&piece.text, ["--requirement", "-r"]));
            queue.extend(next.map(|next| format!("{folder}{next}")));
        }
    }
    pins
}

#[derive(Default)]
struct Desk {
    reading: Reading,
    nodes: Nodes,
    constraints: BTreeMap<String, String>,
    index: Option<Origin>,
    last: Option<usize>,
    in_via: bool,
    via: Vec<(usize, String)>,
}

impl Desk {
    fn read_line(&mut self, text: &str, offset: usize) {
        (self.last, self.in_via) = (None, false);
        match line::parse(text) {
            Line::Include(path) => self.reading.includes.push(Include { path, offset }),
            Line::Index(url) => self.index = Some(pypi::index_origin(&url)),
            Line::Ignored => {}
            Line::Wrong(reason) => self.reading.blemish(offset, reason),
            Line::Package { name, version, address, integrity, written } => {
                let pinned = version.or_else(|| self.constraints.get(&pypi::normal(&name)).cloned().filter(|_| address.is_none()));
                let origin = address.map(|address| line::origin(&address));
                if pinned.is_none() && origin.is_none() {
                    let reason =
                        format!("`{}` is not pinned to one version: write `{name}==VERSION`, or check a lockfile", line::clip(&written));
                    return self.reading.blemish(offset, reason);
                }
                self.last = self.nodes.add(&mut self.reading, &name, &pinned.unwrap_or_default(), offset, |found| {
                    found.integrity = integrity;
                    found.origin = origin.unwrap_or(Origin::Public);
                });
            }
        }
    }

    /// `# via flask`, or `# via` with one asker on each of the following lines.
    fn read_comment(&mut self, comment: &str) {
        let Some(last) = self.last else { return };
        let comment = comment.trim_start_matches('#').trim();
        let asker = match comment.strip_prefix("via").filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            Some(rest) => {
                self.in_via = true;
                rest.trim()
            }
            None if self.in_via => comment,
            None => return,
        };
        self.via.extend(asker.split(", ").filter(|asker| !asker.is_empty()).map(|asker| (last, asker.to_owned())));
    }

    fn finish(mut self, path: &str) -> Reading {
        if let Some(index) = self.index {
            self.reading.found.iter_mut().filter(|found| found.origin == Origin::Public).for_each(|found| found.origin = index.clone());
        }
        let mut root = Root { name: path.to_owned(), asks: Vec::new() };
        for (to, asker) in self.via {
            // What is no package of this file is a file or project that asks for it directly.
            let askers = if asker.contains([' ', '/']) { &[][..] } else { self.nodes.of_name(asker.split('[').next().unwrap_or_default()) };
            if askers.is_empty() && !asker.starts_with("-c ") {
                root.asks.push(Edge { to, scope: Scope::Production });
            }
            askers.iter().for_each(|from| self.reading.graph.add(*from, Edge { to, scope: Scope::Production }));
        }
        if !root.asks.is_empty() {
            self.reading.graph.roots.push(root);
        }
        self.reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::readers::testing::{names, paths, read_text, read_with};

    #[test]
    fn pins_with_everything_around_them() {
        let text = "# comment\nDjango==2.2.0  # old\nrequests[security]==2.6.0 ; python_version < '3' \\\n  --hash=sha256:aa \\\n  --hash sha256:bb\r\n\
                    zope.interface (==5.0)\n-r other.txt\n--extra-index-url https://example.test/\n-e .\nfoo @ git+https://example.test/foo@1\n\
                    -e git+https://example.test/bar.git#egg=bar[x]&subdirectory=y\n";
        let reading = read_text(read, "requirements.txt", text).unwrap();
        assert_eq!(
            names(&reading),
            ["pkg:pypi/django@2.2.0", "pkg:pypi/requests@2.6.0", "pkg:pypi/zope.interface@5.0", "pkg:pypi/foo", "pkg:pypi/bar"]
        );
        assert_eq!(reading.found[1].integrity, ["sha256:aa", "sha256:bb"]);
        assert!(matches!((&reading.found[3].origin, &reading.found[4].origin), (Origin::Git(_), Origin::Git(_))));
        assert_eq!(reading.includes[0].path, "other.txt");
        assert!(text[reading.found[1].offset..].starts_with("requests"));
        assert!(reading.blemishes.is_empty() && reading.graph.directs().is_none(), "{:?}", reading.blemishes);
    }

    #[test]
    fn what_is_not_pinned_is_said_never_guessed() {
        let reading = read_text(read, "requirements.txt", "flask>=1.0\nnumpy\npandas==1.*\n./local.whl\n???\na==1 \\\n").unwrap();
        assert_eq!((names(&reading), reading.blemishes.len()), (vec!["pkg:pypi/a@1"], 6));
        assert!(reading.blemishes[0].reason.contains("flask") && reading.blemishes[5].reason.contains("cut off"));
    }

    #[test]
    fn constraints_pin_and_install_nothing() {
        let neighbours = [("c/constraints.txt", "flask==1.1\nunused==9\n-c more.txt\n"), ("c/more.txt", "numpy==2.0\n")];
        let reading = read_with(read, "requirements.txt", "-c c/constraints.txt\nFlask\nnumpy>=1\n", &neighbours).unwrap();
        assert_eq!(names(&reading), ["pkg:pypi/flask@1.1", "pkg:pypi/numpy@2.0"]);
        assert!(reading.blemishes.is_empty() && reading.includes.is_empty());
    }

    #[test]
    fn another_index_marks_every_package() {
        let reading = read_text(read, "requirements.txt", "--index-url https://pypi.example.test/simple\na==1\n").unwrap();
        assert_eq!(reading.found[0].origin, Origin::Registry("https://pypi.example.test/simple".to_owned()));
    }

    #[test]
    fn comments_of_the_compilers_give_paths() {
        let text = "a==1\n    # via -r requirements.in\nb==1\n    # via\n    #   a\n    #   app (pyproject.toml)\nc==1  # via b\n";
        let reading = read_text(read, "requirements.txt", text).unwrap();
        assert_eq!(paths(&reading), ["requirements.txt a@1", "requirements.txt b@1", "requirements.txt b@1 c@1"]);
        assert_eq!(reading.graph.directs().unwrap().into_iter().collect::<Vec<_>>(), [0, 1]);
    }
}
