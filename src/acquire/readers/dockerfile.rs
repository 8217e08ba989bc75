//! Dockerfiles (Docker's "Dockerfile reference", syntax 1.7): parser directives, continuation lines, comments between them, heredocs,
//! shell and JSON form, stages and build arguments.

use super::super::{Blemish, Reading, Source};
use crate::model::dockerfile::{Allow, Dockerfile, Instruction, Stage};
use std::collections::BTreeMap;

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];
/// Instructions that may have heredocs.
const WITH_HEREDOCS: [&str; 3] = ["ADD", "COPY", "RUN"];

/// Reads a Dockerfile.
///
/// # Errors
/// Never: what is odd in it is a blemish.
pub fn read(source: &Source<'_>) -> Result<Reading, Blemish> {
    let mut reading = Reading::default();
    let mut dockerfile = Dockerfile { path: source.path.to_owned(), ..Dockerfile::default() };
    let mut arguments = BTreeMap::new();
    for instruction in instructions(source.text, &mut reading) {
        if instruction.keyword == "FROM" && !instruction.onbuild {
            dockerfile.stages.push(stage(instruction, &arguments));
        } else if let Some(stage) = dockerfile.stages.last_mut() {
            stage.instructions.push(instruction);
        } else if instruction.keyword == "ARG" {
            for word in instruction.text.split_whitespace() {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                arguments.insert(name.to_owned(), filled(value.trim_matches(['"', '\'']), &arguments));
            }
            dockerfile.arguments.push(instruction);
        } else {
            reading.blemish(offset_of(source.text, instruction.line), format!("`{}` stands before the first FROM", instruction.keyword));
        }
    }
    if dockerfile.stages.is_empty() {
        reading.blemish(0, "it has no FROM".to_owned());
    }
    reading.dockerfile = Some(dockerfile);
    Ok(reading)
}

fn offset_of(text: &str, line: u32) -> usize {
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    text.split_inclusive('\n').take(before).map(str::len).sum()
}

fn stage(from: Instruction, arguments: &BTreeMap<String, String>) -> Stage {
    let words: Vec<&str> = from.text.split_whitespace().collect();
    let base = filled(words.first().copied().unwrap_or_default().trim_matches('"'), arguments);
    let name = match words.as_slice() {
        [_, word, name, ..] if word.eq_ignore_ascii_case("as") => Some((*name).to_owned()),
        _ => None,
    };
    Stage { from, base, name, instructions: Vec::new() }
}

/// A text with its build arguments filled in; one without a value stays as it is written.
fn filled(text: &str, arguments: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (whole, body) = match after.strip_prefix('{').and_then(|inner| inner.find('}').map(|end| &inner[..end])) {
            Some(body) => (body.len() + 2, body),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (end, &after[..end])
            }
        };
        let name = &body[..body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(body.len())];
        let value = arguments.get(name).filter(|value| !value.is_empty()).map(String::as_str);
        let other = body.split_once(":-").or_else(|| body.split_once('-')).map(|(_, other)| other);
        match (value, other) {
            (Some(value), _) => out.push_str(value),
            (None, Some(other)) => out.push_str(other),
            (None, None) => out.push_str(&rest[at..=at + whole]),
        }
        rest = &after[whole..];
    }
    out.push_str(rest);
    out
}

/// The character that continues a line: a parser directive may change it.
fn escape(text: &str) -> char {
    for line in text.lines() {
        let Some((key, value)) = line.trim().strip_prefix('#').and_then(|directive| directive.split_once('=')) else { break };
        if key.trim().eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}

fn instructions(text: &str, reading: &mut Reading) -> Vec<Instruction> {
    let escape = escape(text);
    let mut out = Vec::new();
    let mut allows = Vec::new();
    let mut lines = (1_u32..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            // Comments right above an instruction are beside it; an empty line parts them.
            if line.is_empty() {
                allows.clear()
            } else {
                allows.extend(allow(line, number))
            }
            continue;
        }
        let mut joined = line.to_owned();
        while let Some(open) = joined.strip_suffix(escape) {
            joined = open.to_owned();
            match lines.next() {
                Some((number, more)) if more.trim_start().starts_with('#') => {
                    allows.extend(allow(more.trim(), number));
                    joined.push(escape);
                }
                Some((_, more)) if more.trim().is_empty() => joined.push(escape),
                Some((_, more)) => {
                    joined.push(' ');
                    joined.push_str(more.trim());
                }
                None => break,
            }
        }
        let mut instruction = split(&joined);
        instruction.line = number;
        instruction.allows = std::mem::take(&mut allows);
        if WITH_HEREDOCS.contains(&instruction.keyword.as_str()) {
            for (word, tabs) in heredocs(&instruction.text) {
                match body(&mut lines, &word, tabs) {
                    Ok(body) => instruction.heredocs.push(body),
                    Err(body) => {
                        instruction.heredocs.push(body);
                        reading.blemish(offset_of(text, number), format!("the heredoc `{word}` does not end"));
                    }
                }
            }
        }
        if KEYWORDS.contains(&instruction.keyword.as_str()) {
            out.push(instruction);
        } else {
            reading.blemish(offset_of(text, number), format!("`{}` is no instruction of Dockerfiles", instruction.keyword));
        }
    }
    out
}

/// The lines of a heredoc up to its word; an error has those up to the file's end.
fn body<'a>(lines: &mut impl Iterator<Item = (u32, &'a str)>, word: &str, tabs: bool) -> Result<String, String> {
    let mut out = String::new();
    for (_, line) in lines {
        let line = if tabs { line.trim_start_matches('\t') } else { line };
        if line.trim_end_matches('\r') == word {
            return Ok(out);
        }
        out.push_str(line);
        out.push('\n');
    }
    Err(out)
}

/// `# scacheck: allow RULE reason`
fn allow(comment: &str, line: u32) -> Option<Allow> {
    let rest = comment.trim_start_matches('#').trim().strip_prefix("scacheck:")?.trim().strip_prefix("allow")?.trim();
    let (rule, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some(Allow { rule: rule.to_owned(), reason: reason.trim().to_owned(), line })
}

/// Keyword, flags and arguments.
fn split(text: &str) -> Instruction {
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let keyword = keyword.to_ascii_uppercase();
    if keyword == "ONBUILD" {
        return Instruction { onbuild: true, ..split(rest.trim()) };
    }
    let mut flags = Vec::new();
    let mut rest = rest.trim();
    while let Some(flag) = rest.strip_prefix("--") {
        let end = flag.find(char::is_whitespace).unwrap_or(flag.len());
        let (name, value) = flag[..end].split_once('=').unwrap_or((&flag[..end], ""));
        flags.push((name.to_ascii_lowercase(), value.to_owned()));
        rest = flag[end..].trim_start();
    }
    let json = if rest.starts_with('[') { serde_json::from_str(rest).ok() } else { None };
    Instruction { keyword, flags, text: rest.to_owned(), json, ..Instruction::default() }
}

/// The words of heredocs in an instruction, and whether leading tabs are dropped: `<<EOF`, `<<-"EOF"`; not `<<<`.
fn heredocs(text: &str) -> Vec<(String, bool)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("<<") {
        let after = &rest[at + 2..];
        rest = after;
        if after.starts_with('<') {
            rest = after.trim_start_matches('<');
            continue;
        }
        let (tabs, word) = after.strip_prefix('-').map_or((false, after), |word| (true, word));
        let word = word.trim_start_matches(['"', '\'']);
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
        if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            out.push((word[..end].to_owned(), tabs));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::tree::Memory;

    fn dockerfile(text: &str) -> (Dockerfile, Vec<Blemish>) {
        let tree = Memory::of("Dockerfile", Vec::new());
        let reading = read(&Source { text, path: "Dockerfile", tree: &tree, distro: None }).unwrap();
        (reading.dockerfile.unwrap(), reading.blemishes)
    }

    #[test]
    fn everything_a_dockerfile_may_hold() {
        let text = "# syntax=docker/dockerfile:1\nARG TAG=12\nARG REG\nFROM --platform=linux/amd64 ${REG:-docker.io/}debian:$TAG AS Build\n\
                    # scacheck: allow 4.9-add-instruction unpacks\n# a word\nADD a.tar /\n\nrun apt-get update && \\\n  # between\n\n  apt-get install -y gcc\n\
                    RUN <<EOF cat <<-'TWO' >x\nset -e\nFROM nothing\nEOF\n\tbody\n\tTWO\nONBUILD RUN [\"sh\", \"-c\", \"x\"]\n\
                    FROM build\nCOPY --from=build --chown=a:b /x /y\nCMD [\"/y\"]\n";
        let (file, blemishes) = dockerfile(text);
        assert!(blemishes.is_empty(), "{blemishes:?}");
        assert_eq!(file.stages.len(), 2);
        let build = &file.stages[0];
        assert_eq!((build.base.as_str(), build.name.as_deref()), ("docker.io/debian:12", Some("Build")));
        let [add, run, heredoc, onbuild] = build.instructions.as_slice() else { panic!("{build:?}") };
        assert_eq!((add.line, add.allows[0].rule.as_str(), add.allows[0].reason.as_str()), (7, "4.9-add-instruction", "unpacks"));
        assert_eq!((run.keyword.as_str(), run.line, run.text.as_str()), ("RUN", 9, "apt-get update &&  apt-get install -y gcc"));
        assert_eq!(heredoc.heredocs, ["set -e\nFROM nothing\n", "body\n"]);
        assert!(onbuild.onbuild && onbuild.json.as_ref().is_some_and(|words| words.len() == 3));
        assert_eq!(file.stages[1].instructions[0].flags, [("from".into(), "build".into()), ("chown".into(), "a:b".into())]);
        assert_eq!(file.lineage(), [0, 1]);
    }

    #[test]
    fn windows_files_and_mistakes() {
        let (file, _) = dockerfile("# escape=`\r\nFROM x\r\nRUN a `\r\n  b\r\n");
        assert_eq!(file.stages[0].instructions[0].text, "a  b");
        let (file, blemishes) = dockerfile("FROM scratch\nFORM x\nRUN <<EOF\nnever ends\n");
        assert_eq!((file.stages[0].instructions.len(), blemishes.len()), (1, 2), "{blemishes:?}");
        assert_eq!(dockerfile("RUN x\n").1.len(), 2);
        assert_eq!(filled("$A/${B}/${C:-d}", &BTreeMap::from([("A".into(), "1".into())])), "1/${B}/d");
    }
}
