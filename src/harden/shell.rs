//! The commands of a shell script, as far as hardening rules ask: words with quotes resolved, split at operators (POSIX Shell Command
//! Language, 2.2, 2.3 and 2.10).

/// Words before a command that are not the command.
const BEFORE: [&str; 14] = ["!", "{", "}", "(", ")", "if", "then", "else", "elif", "while", "until", "do", "exec", "time"];
/// Commands that run another.
const RUNNERS: [&str; 4] = ["sudo", "env", "nohup", "command"];

/// The commands of a script, each as its words; assignments before a command are left out.
#[must_use]
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    for words in split(script) {
        let mut words = words.as_slice();
        let mut after_runner = false;
        while let Some((first, rest)) = words.split_first() {
            let assigns = first
                .split_once('=')
                .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            let runs = RUNNERS.contains(&first.as_str());
            if !(assigns || runs || BEFORE.contains(&first.as_str()) || after_runner && first.starts_with('-')) {
                break;
            }
            after_runner |= runs;
            words = rest;
        }
        match words {
            [] => {}
            [shell, rest @ ..] if is_shell(shell) && rest.iter().any(|word| word.starts_with('-') && word.ends_with('c')) => {
                let at = rest.iter().position(|word| word.starts_with('-') && word.ends_with('c')).unwrap_or(0);
                out.extend(rest.get(at + 1).map(|inner| commands_below(inner)).unwrap_or_default());
            }
            words => out.push(words.to_vec()),
        }
    }
    out
}

/// A script in a script; one more level only, so that no text makes a deep stack.
fn commands_below(script: &str) -> Vec<Vec<String>> {
    split(script).into_iter().filter(|words| !words.is_empty()).collect()
}

/// Whether a command is a shell.
#[must_use]
pub fn is_shell(command: &str) -> bool {
    matches!(command.rsplit('/').next().unwrap_or(command), "sh" | "bash" | "ash" | "dash" | "ksh" | "zsh")
}

fn split(script: &str) -> Vec<Vec<String>> {
    let mut out = vec![Vec::new()];
    let (mut word, mut quoted) = (String::new(), false);
    let mut letters = script.chars().peekable();
    let mut depth = 0_usize;
    fn end(out: &mut [Vec<String>], word: &mut String, quoted: &mut bool) {
        if !word.is_empty() || *quoted {
            if let Some(last) = out.last_mut() {
                last.push(std::mem::take(word));
            }
            *quoted = false;
        }
    }
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                quoted = true;
                word.extend(letters.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                quoted = true;
                while let Some(c) = letters.next().filter(|c| *c != '"') {
                    word.push(if c == '\\' { letters.next().unwrap_or(c) } else { c });
                }
            }
            '\\' => match letters.next() {
                Some('\n') | None => {}
                Some(c) => word.push(c),
            },
            '$' if letters.peek() == Some(&'(') => {
                depth += 1;
                word.push(letter);
            }
            ')' if depth > 0 => {
                depth -= 1;
                word.push(letter);
            }
            '#' if word.is_empty() && !quoted => {
                letters.by_ref().take_while(|c| *c != '\n').for_each(drop);
                out.push(Vec::new());
            }
            ';' | '&' | '|' | '\n' | '(' | ')' if depth == 0 && !(letter == '&' && word.ends_with('>')) => {
                end(&mut out, &mut word, &mut quoted);
                out.push(Vec::new());
            }
            c if c.is_whitespace() && depth == 0 => end(&mut out, &mut word, &mut quoted),
            c => word.push(c),
        }
    }
    end(&mut out, &mut word, &mut quoted);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_becomes_commands() {
        let script = "set -ex; A=1 apt-get update && if true; then sudo apt-get install -y 'a b' \"c\\\"d\" >/dev/null 2>&1 || exit 1; fi # end\n\
                      x $(cat y; z) | sh -c 'rm -rf /a && b'";
        let commands = commands(script);
        let shown: Vec<String> = commands.iter().map(|words| words.join("·")).collect();
        assert_eq!(
            shown,
            [
                "set·-ex",
                "apt-get·update",
                "true",
                "apt-get·install·-y·a b·c\"d·>/dev/null·2>&1",
                "exit·1",
                "fi",
                "x·$(cat y; z)",
                "rm·-rf·/a",
                "b"
            ]
        );
    }
}
