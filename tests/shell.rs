//! At home in a shell: manual pages, the help and its topics.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::cli::{Ran, peerctl, program};

/// Where a program is, if it is installed; else a line that says what is not tried.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped, because there is no {name}");
    }
    found
}

/// Every command by its words, the whole program first: what there are pages of.
fn commands() -> Vec<Vec<String>> {
    let (_folder, pages) = pages();
    let words = pages.into_iter().map(|(name, _)| name);
    let words = words.map(|name| {
        name.trim_end_matches(".1")
            .split('-')
            .skip(1)
            .map(str::to_owned)
            .collect()
    });
    words.collect()
}

fn pages() -> (tempfile::TempDir, Vec<(String, PathBuf)>) {
    let folder = tempfile::tempdir().expect("a folder");
    // A folder that is not there yet is made.
    let manual = folder.path().join("man1");
    peerctl(["man".as_ref(), manual.as_os_str()]).run().expect_code(0);
    let files = fs::read_dir(&manual)
        .expect("it is made")
        .map(|entry| entry.expect("an entry"));
    let mut files: Vec<(String, PathBuf)> = files
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    files.sort();
    (folder, files)
}

// ---- manual pages -----------------------------------------------------------------------------------------------

/// A page as a reader sees it, without what overstrikes; as it is written where nothing here can show it.
fn shown(page: &Path) -> String {
    let man_db = || {
        let man = installed("man")?;
        let version = program(&man, ["--version"]).run();
        version.stdout.starts_with("man 2").then_some(man)
    };
    let ran = if let Some(mandoc) = installed("mandoc") {
        program(mandoc, ["-Tutf8".as_ref(), "-Werror".as_ref(), page.as_os_str()])
            .run()
            .expect_code(0)
    } else if let Some(man) = man_db() {
        program(man, ["--warnings".as_ref(), "-l".as_ref(), page.as_os_str()])
            .env("MANWIDTH", "100")
            .run()
            .expect_code(0)
    } else {
        return fs::read_to_string(page).expect("the page");
    };
    assert_eq!(ran.stderr, "", "{ran}");
    let mut out = String::new();
    for c in ran.stdout.chars() {
        if c == '\u{8}' {
            out.pop();
        } else {
            out.push(c);
        }
    }
    out
}

#[test]
fn every_command_has_a_manual_page() {
    let (_folder, pages) = pages();
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["peerctl.1", "peerctl-azure.1", "peerctl-azure-setup.1", "peerctl-man.1"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
    for (name, page) in &pages {
        let text = shown(page);
        let whole = name == "peerctl.1";
        let more: &[&str] = if whole {
            &[
                "AUTHENTICATION",
                "ENVIRONMENT",
                "EXIT STATUS",
                "FORMATS",
                "PEERCTL_STATE_DIR",
            ]
        } else {
            &["SEE ALSO", "peerctl(1)"]
        };
        for part in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"]
            .iter()
            .chain(more)
        {
            assert!(text.contains(part), "{part} in {name}:\n{text}");
        }
    }
}

#[test]
fn one_page_is_printed_and_a_folder_that_is_none_is_refused() {
    let ran = peerctl(["man"]).run().expect_code(0);
    assert!(ran.stdout.starts_with(".TH PEERCTL 1 "), "{ran}");
    let refused = peerctl(["man", "file/man1"]);
    fs::write(refused.home().join("file"), "").expect("a file");
    let refused = refused.run().expect_code(2);
    assert!(
        refused.stderr.contains("The folder file/man1 cannot be made."),
        "{refused}"
    );
}

// ---- help -------------------------------------------------------------------------------------------------------

const TOPICS: [&str; 4] = ["authentication", "environment", "exit-codes", "formats"];

fn help(words: &[&str]) -> Ran {
    peerctl(["help"].iter().chain(words)).run()
}

#[test]
fn every_command_shows_examples() {
    for words in commands() {
        let ran = peerctl(words.iter().map(String::as_str).chain(["--help"]))
            .run()
            .expect_code(0);
        let examples = ran.stdout.split_once("\nExample");
        assert!(examples.is_some_and(|(_, rest)| rest.contains("\n  peerctl")), "{ran}");
    }
}

#[test]
fn the_help_lists_the_topics_and_shows_each() {
    let listed = peerctl(["--help"]).run().expect_code(0).stdout;
    let (_, listed) = listed.split_once("Help topics").expect("they are listed");
    for topic in TOPICS {
        assert!(listed.contains(topic), "{topic} in {listed}");
        let ran = help(&[topic]).expect_code(0);
        assert!(ran.stdout.contains("\n    ") && ran.stderr.is_empty(), "{ran}");
        // For a screen of any width; commands are for copying.
        let wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("  peerctl");
        assert_eq!(ran.stdout.lines().find(wide), None);
    }
}

#[test]
fn help_of_a_command_is_claps_own() {
    for words in [&["azure"][..], &["azure", "setup"], &["explain"]] {
        let by_flag = peerctl(words.iter().chain(&["--help"])).run().expect_code(0);
        assert_eq!(help(words).expect_code(0).stdout, by_flag.stdout);
    }
}

#[test]
fn a_topic_that_is_none_is_refused_with_those_there_are() {
    let ran = help(&["enviroment"]).expect_code(2);
    assert!(
        ran.stderr
            .contains("'enviroment' is neither a command nor a help topic."),
        "{ran}"
    );
    for topic in TOPICS {
        assert!(ran.stderr.contains(topic), "{ran}");
    }
    // A command that is none is no question for help.
    let ran = peerctl(["environment"]).run().expect_code(2);
    assert!(ran.stderr.contains("unrecognized subcommand"), "{ran}");
}

/// The names of environment variables in a text.
fn variables(text: &str) -> BTreeSet<&str> {
    let names = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    names.filter(|name| is_variable(name)).collect()
}

/// Also those without an underscore that anybody would know.
fn is_variable(name: &str) -> bool {
    const OURS: [&str; 7] = [
        "PEERCTL_",
        "AZURE_",
        "KONNECT_",
        "AIVEN_",
        "DFCLOUD_",
        "IDENTITY_",
        "XDG_",
    ];
    const KNOWN: [&str; 4] = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LOCALAPPDATA"];
    let ours = |prefix: &&str| name.starts_with(*prefix) && !name.ends_with('_');
    OURS.iter().any(|prefix| ours(&prefix)) || KNOWN.contains(&name)
}

/// Variables that stand in quotes in the program's sources and profiles, the embedded Azure's and the tests' aside.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("sandbox") {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.contains("tests") || name.ends_with(".toml") && name != "known.toml" {
            let text = fs::read_to_string(&path).expect("a source");
            let program = text.split("#[cfg(test)]").next().unwrap_or_default();
            let whole = program.split('"').skip(1).step_by(2).filter(|text| is_variable(text));
            whole.for_each(|name| *found += &format!("{name} "));
        }
    }
}

#[test]
fn the_environment_topic_names_every_variable_that_is_read_and_no_other() {
    let shown = help(&["environment"]).expect_code(0).stdout;
    let mut read = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut read);
    let (shown, read) = (variables(&shown), variables(&read));
    assert!(
        read.contains("PEERCTL_STATE_DIR") && read.contains("KONNECT_TOKEN"),
        "{read:?}"
    );
    let untold: Vec<&&str> = read.difference(&shown).collect();
    assert!(untold.is_empty(), "read, and not in the topic: {untold:?}");
    // Examples, and what others read for us.
    const OTHERS: [&str; 4] = [
        "PEERCTL_SET_KEY",
        "PEERCTL_SET_NETWORK",
        "PEERCTL_SET_APP_ID",
        "IDENTITY_HEADER",
    ];
    let unread: Vec<&&str> = shown.difference(&read).filter(|name| !OTHERS.contains(name)).collect();
    assert!(unread.is_empty(), "in the topic, and not read: {unread:?}");
}
