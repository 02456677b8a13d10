//! At home in a shell: completions that a real shell is asked for, manual pages, the help and its topics.

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

fn script(shell: &str) -> String {
    peerctl(["completions", shell]).run().expect_code(0).stdout
}

/// A folder with the script of `shell` in a file of that name.
fn folder_with(shell: &str, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), script(shell)).expect("the script is written");
    folder
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

// ---- completions ------------------------------------------------------------------------------------------------

const VENDORS: &str = "kong aiven dragonfly atlas confluent generic another-tenant";

/// What is on the line, the last word being completed; and what is offered for it.
const PLACES: [(&str, &str); 16] = [
    ("azure te", "teardown"),
    ("azure setup --vendor ", VENDORS),
    ("azure setup --cloud ", "public usgov china"),
    (
        "azure status --auth ",
        "auto azure-cli environment workload-identity managed-identity device-code",
    ),
    ("azure setup --consent ", "create browser wait"),
    ("azure repair --vendor-access ", "api manual"),
    ("azure setup --only ro", "role-definition role-assignment"),
    ("azure setup --skip v", "vendor-request verification"),
    ("azure doctor --only ro", "role-name role-limit routes"),
    ("azure setup --set netw", "network="),
    ("sandbox --lag ", "none typical worst"),
    ("azure setup -o ", "text json"),
    ("vendors k", "kong"),
    ("config sh", "show"),
    ("explain ScopeL", "ScopeLocked"),
    ("help e", "explain environment exit-codes"),
];

fn sorted(words: &str) -> Vec<&str> {
    let words: BTreeSet<&str> = words.split_whitespace().collect();
    words.into_iter().collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let Some(bash) = installed("bash") else { return };
    let folder = folder_with("bash", "peerctl.bash");
    let ask = r#"source peerctl.bash
while IFS= read -r line; do
    read -ra COMP_WORDS <<<"peerctl $line"
    [[ $line != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _peerctl peerctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
    echo "${COMPREPLY[*]}"
done"#;
    let lines: String = PLACES.iter().map(|(line, _)| format!("{line}\n")).collect();
    let ran = program(bash, ["--norc", "-c", ask])
        .in_folder(folder.path())
        .stdin(lines)
        .run()
        .expect_code(0);
    let answers: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(answers.len(), PLACES.len(), "{ran}");
    for ((line, offered), answer) in PLACES.iter().zip(answers) {
        assert_eq!(sorted(answer), sorted(offered), "{line}");
    }
}

#[test]
fn fish_completes_commands_flags_and_values() {
    let Some(fish) = installed("fish") else { return };
    let folder = folder_with("fish", "peerctl.fish");
    for (line, offered) in PLACES {
        let ask = format!("source peerctl.fish; complete -C 'peerctl {line}'");
        let ran = program(&fish, ["-c", &ask])
            .in_folder(folder.path())
            .run()
            .expect_code(0);
        let words = ran.stdout.lines().filter_map(|line| line.split('\t').next());
        // A vendor and a cloud may be a file, too.
        let words: Vec<&str> = words.filter(|word| *word != "peerctl.fish").collect();
        assert_eq!(sorted(&words.join(" ")), sorted(offered), "{line}");
    }
}

#[cfg(unix)]
mod in_a_terminal {
    use super::*;
    use crate::support::pty::{Wizard, keys};

    /// Ctrl-U.
    const CLEAR_THE_LINE: &str = "\u{15}";

    /// What is typed, and what stands on the line after Tab.
    const TYPED: [(&str, &str); 4] = [
        ("azure doctor --only add", "--only address-overlap"),
        ("azure setup --vendor ko", "--vendor kong"),
        // A vendor is a file, too.
        ("azure setup --vendor ./mine.t", "--vendor ./mine.toml"),
        ("vendors ./mine.t", "vendors ./mine.toml"),
    ];

    fn completes(mut shell: Wizard) {
        fs::write(shell.home().join("mine.toml"), "").expect("a file of one's own");
        for (typed, completed) in TYPED {
            shell.wait_until("a prompt", |screen| {
                screen.contents().trim_end().ends_with('%').then_some(())
            });
            shell.send(&format!("peerctl {typed}{}", keys::TAB));
            shell.wait_for(completed);
            shell.send(CLEAR_THE_LINE);
        }
    }

    #[test]
    fn bash_completes_what_is_typed() {
        if installed("bash").is_none() {
            return;
        }
        let folder = folder_with("bash", "peerctl");
        let begin = format!("PS1='% '; source '{}/peerctl'\n", folder.path().display());
        fs::write(folder.path().join("begin"), begin).expect("a file to begin with");
        let args = [
            "--rcfile".into(),
            folder.path().join("begin").into_os_string(),
            "-i".into(),
        ];
        completes(Wizard::start_program(
            "bash",
            args,
            (24, 100),
            crate::support::pty::NO_ENV,
        ));
    }

    #[test]
    fn zsh_completes_what_is_typed() {
        if installed("zsh").is_none() {
            return;
        }
        let folder = folder_with("zsh", "_peerctl");
        let begin = "PS1='%% '; fpath=($ZDOTDIR $fpath); autoload -Uz compinit; compinit -u -D\n";
        fs::write(folder.path().join(".zshrc"), begin).expect("a file to begin with");
        let env = [("ZDOTDIR", folder.path())];
        completes(Wizard::start_program("zsh", ["-i"], (24, 100), env));
    }
}

#[test]
fn every_script_is_whole_and_knows_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = script(shell);
        for word in commands().iter().filter_map(|words| words.last()) {
            assert!(script.contains(word.as_str()), "{word} in {shell}'s");
        }
    }
}

#[test]
fn a_shell_that_is_none_is_refused_with_those_there_are() {
    let ran = peerctl(["completions", "tcsh"]).run().expect_code(2);
    assert!(ran.stderr.contains("bash, elvish, fish, powershell, zsh"), "{ran}");
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
                "CONFIGURATION",
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

const TOPICS: [&str; 5] = [
    "authentication",
    "configuration",
    "environment",
    "exit-codes",
    "formats",
];

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
fn group_without_command_prints_help_and_exits_0() {
    for words in [&[][..], &["azure"], &["config"]] {
        let ran = peerctl(words).run().expect_code(0);
        let help = peerctl(words.iter().chain(&["-h"])).run().expect_code(0);
        assert_eq!((ran.stderr.as_str(), &ran.stdout), ("", &help.stdout));
    }
}

#[test]
fn short_help_groups_flags_on_one_screen() {
    for command in ["setup", "apply", "status", "doctor", "repair", "teardown"] {
        let help = peerctl(["azure", command, "-h"]).run().expect_code(0).stdout;
        for heading in ["Target:", "Sign-in:", "Run:", "Global:", "Examples:"] {
            assert!(help.contains(&format!("\n{heading}\n")), "{heading} in {help}");
        }
        assert!(!help.contains("\nOptions:\n") && help.lines().count() <= 65, "{help}");
        assert_eq!(help.lines().find(|line| line.chars().count() > 100), None);
    }
}

#[test]
fn help_omits_global_options_that_a_command_ignores() {
    for (words, shown) in [
        (&["man"][..], false),
        (&["completions"], false),
        (&["explain"], true),
        (&["vendors"], true),
        (&["version"], true),
        (&["config", "show"], true),
        (&["config", "list"], true),
    ] {
        let help = peerctl(words.iter().chain(&["--help"])).run().expect_code(0).stdout;
        assert_eq!(help.contains("--output"), shown, "{help}");
        for option in ["--quiet", "--verbose", "--plain", "--log-file"] {
            assert!(!help.contains(option), "{option} in {help}");
        }
    }
}

#[test]
fn descriptions_are_phrases_without_a_full_stop() {
    for words in commands() {
        let help = peerctl(words.iter().map(String::as_str).chain(["-h"]))
            .run()
            .expect_code(0)
            .stdout;
        let about = help.lines().next().unwrap_or_default();
        assert!(!about.is_empty() && !about.ends_with('.'), "{help}");
        assert!(about.starts_with(char::is_uppercase), "{help}");
    }
}

#[test]
fn version_prints_platform_and_json() {
    let text = peerctl(["version"]).run().expect_code(0).stdout;
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.starts_with(&format!("peerctl {version}\n")), "{text}");
    let document = peerctl(["version", "-o", "json"]).run().expect_code(0).json();
    assert_eq!(
        (&document["schema"], &document["version"]),
        (&1.into(), &version.into())
    );
    let platform = document["platform"].as_str().expect("the platform");
    assert!(
        text.contains(platform) && platform.contains(std::env::consts::ARCH),
        "{text}"
    );
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
    const OURS: [&str; 8] = [
        "ACTIONS_",
        "PEERCTL_",
        "AZURE_",
        "KONNECT_",
        "AIVEN_",
        "DFCLOUD_",
        "IDENTITY_",
        "XDG_",
    ];
    const KNOWN: [&str; 5] = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LOCALAPPDATA", "APPDATA"];
    let ours = |prefix: &&str| name.starts_with(*prefix) && !name.ends_with('_');
    OURS.iter().any(ours) || KNOWN.contains(&name)
}

/// Variables that stand in quotes in the program's sources and profiles. Aside are the embedded Azure's, the tests', and
/// those that an exported configuration is read with.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("sandbox") || ["terraform", "schema.rs"].contains(&&*name) {
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
