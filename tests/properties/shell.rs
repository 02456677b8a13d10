//! Words for bash: whatever is in a value, bash gives it back.

use std::io::Write;
use std::process::{Command, Stdio};

use peerctl::render::{ShellWord, command_line, quoted};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{config, hostile, obeyed};

const WORDS: &[&str] = &[
    "$(touch x)",
    "`id`",
    "';",
    "\\",
    "\"",
    "${HOME}",
    "-n",
    "!!",
    "\u{1b}[2J",
    "$'",
    "\n",
];

/// What bash makes of the script, cut at the end of each value.
fn values(script: &str) -> Vec<String> {
    let mut bash = Command::new("bash")
        .args(["--norc", "-s"])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash runs");
    let mut stdin = bash.stdin.take().expect("a pipe");
    let script = script.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
    let output = bash.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads its script");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn bash_gives_every_quoted_value_back() {
    let mut runner = TestRunner::new(config());
    let strategy = hostile(WORDS);
    let mut texts: Vec<String> = (0..2_000)
        .map(|_| {
            strategy
                .new_tree(&mut runner)
                .expect("a text")
                .current()
                .replace('\0', "")
        })
        .collect();
    // Every character of its own, and before a digit, where a number of an escape could run on.
    let all = (1..0x2100).chain(0x1_f300..0x1_f310).filter_map(char::from_u32);
    texts.extend(all.flat_map(|c| [c.to_string(), format!("\u{1b}{c}0aF")]));
    let mut script = String::new();
    for text in &texts {
        script.push_str(&format!(
            "printf '%s\\0' {}\nprintf '%s\\0' {}\n",
            quoted(text),
            ShellWord(text)
        ));
    }
    let given = values(&script);
    assert_eq!(given.len(), 2 * texts.len());
    for (text, pair) in texts.iter().zip(given.chunks(2)) {
        assert_eq!(pair, [text.as_str(), text.as_str()], "{}", quoted(text));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_word_can_be_looked_at(text in hostile(WORDS)) {
        prop_assert!(!obeyed(&quoted(&text)) && !obeyed(&ShellWord(&text).to_string()));
    }

    #[test]
    fn a_command_line_can_be_looked_at(value in hostile(WORDS), width in 0_usize..200) {
        let flags = [("--set".to_owned(), format!("network={value}")), ("--sandbox".to_owned(), String::new())];
        prop_assert!(!obeyed(&command_line("azure setup", &flags, width)));
    }
}
