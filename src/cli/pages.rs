//! Every command line of peerctl's on the front page and on those in .github/docs is one that it takes.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::Cli;

/// The lines of a page's code blocks for a shell, one that goes on in the next counted as one.
fn typed(page: &str) -> Vec<String> {
    let page = page.replace('\r', "");
    let blocks = page.split("```").skip(1).step_by(2);
    let shell = blocks.filter_map(|block| block.strip_prefix("console\n").or(block.strip_prefix("sh\n")));
    let lines = shell.map(|block| block.replace("\\\n", " "));
    lines
        .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The words of a command, without what the shell keeps for itself, and without what stands for more.
fn words(line: &str) -> Vec<String> {
    let words = shlex::split(line).unwrap_or_else(|| panic!("no shell takes {line}"));
    let of_the_shell = |word: &String| word.starts_with(['>', '|', '&']) || word.starts_with("2>");
    let own = words.into_iter().take_while(|word| !of_the_shell(word));
    own.filter(|word| word != "…").collect()
}

#[test]
fn pages_contain_only_valid_commands() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(top.join(".github/docs")).expect("the pages").flatten();
    let mut pages: Vec<PathBuf> = docs.map(|entry| entry.path()).collect();
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    let mut commands = 0;
    for page in pages.into_iter().chain([top.join("README.md")]) {
        let text = fs::read_to_string(&page).expect("a page");
        for line in typed(&text).iter().filter(|line| line.starts_with("peerctl ")) {
            let parsed = Cli::try_parse_from(words(line));
            assert!(
                parsed.is_ok(),
                "{}: {line}\n{}",
                page.display(),
                parsed.expect_err("it is wrong")
            );
            commands += 1;
        }
    }
    assert!(commands > 25, "{commands}");
}
