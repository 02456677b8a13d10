//! What a tag releases: the scripts in .github/release on made-up programs, and that everything which names an archive
//! (workflow, `cargo binstall`, Homebrew, winget, the container image) names the same.
#![cfg(unix)]

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::cli::{Ran, program};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn read(file: impl AsRef<Path>) -> String {
    let file = file.as_ref();
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[track_caller]
fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn manifest() -> toml::Table {
    toml::from_str(&read(top().join("Cargo.toml"))).expect("a manifest")
}

fn workflow(name: &str) -> Value {
    yaml(&read(top().join(".github/workflows").join(name)))
}

/// The targets that the workflow builds.
fn targets() -> Vec<String> {
    let include = workflow("release.yml")["jobs"]["build"]["strategy"]["matrix"]["include"].take();
    let targets = include.as_array().expect("a matrix").iter();
    targets
        .map(|one| one["target"].as_str().expect("a target").to_owned())
        .collect()
}

/// Runs a script of .github/release in `folder`, as the workflow does at the top of the repository.
#[track_caller]
fn script(name: &str, folder: &Path, args: &[&str]) -> Ran {
    program(top().join(".github/release").join(name), args)
        .in_folder(folder)
        .run()
}

/// A folder like the top of the repository, as far as the scripts look at it, and the program in it, as one that is built
/// for another machine would be.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["Cargo.toml", "README.md", "CHANGELOG.md", "LICENSE"] {
        std::fs::copy(top().join(file), folder.path().join(file)).expect("a copy");
    }
    // Not its many megabytes in every archive.
    let says = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_peerctl"));
    for name in ["peerctl", "peerctl.exe"] {
        let file = folder.path().join(name);
        std::fs::write(&file, &says).expect("a program");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    folder
}

fn is_windows(target: &str) -> bool {
    target.contains("windows")
}

/// Whether the archive for Windows can be made here; the gate always can.
fn zips() -> bool {
    let zip = Command::new("zip").arg("-v").stdout(Stdio::null()).status();
    let can = zip.is_ok_and(|status| status.success());
    if !can {
        eprintln!("skipped, because there is no zip: the archive for Windows");
    }
    can
}

/// Packs every target of the workflow into `dist`.
#[track_caller]
fn packed(folder: &Path) -> PathBuf {
    for target in targets() {
        if is_windows(&target) && !zips() {
            std::fs::create_dir_all(folder.join("dist")).expect("a folder");
            std::fs::write(folder.join(format!("dist/peerctl-{VERSION}-{target}.zip")), "").expect("a file");
            continue;
        }
        let program = if is_windows(&target) {
            "./peerctl.exe"
        } else {
            "./peerctl"
        };
        script("pack.sh", folder, &[&target, program, "dist"]).expect_code(0);
    }
    folder.join("dist")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// What is in an archive, as far as it can be listed without another program.
#[track_caller]
fn listed(archive: &Path) -> String {
    if archive.extension().is_some_and(|ending| ending == "zip") {
        // A zip ends with its table of contents, which is not compressed.
        return String::from_utf8_lossy(&std::fs::read(archive).expect("an archive")).into_owned();
    }
    program("tar", ["-tzf", &archive.display().to_string()])
        .run()
        .expect_code(0)
        .stdout
}

// ------------------------------------------------------------------------------------------------ the notes

#[test]
fn a_tag_is_released_with_its_section_of_the_changelog_or_not_at_all() {
    let changelog = "# Changelog\n\n## [Unreleased]\n\n- Later.\n\n## [0.2.0] - 2027-01-31\n\n### Added\n\n- This.\n\n\
                     ## [0.1.0] - 2026-12-24\n\n- That.\n\n[0.2.0]: https://x/0.2.0\n[0.1.0]: https://x/0.1.0\n";
    let undated = changelog.replace(" - 2027-01-31", " - unreleased");
    let empty = changelog.replace("### Added\n\n- This.\n", "");
    let table = [
        ("v0.2.0", "0.2.0", changelog, Ok("### Added\n\n- This.")),
        ("v0.1.0", "0.1.0", changelog, Ok("- That.")),
        ("v0.2.0", "0.2.1", changelog, Err("Cargo.toml has the version 0.2.1")),
        ("0.2.0", "0.2.0", changelog, Err("Cargo.toml has the version 0.2.0")),
        ("v0.2", "0.2", changelog, Err("CHANGELOG.md has no section")),
        ("v0.2.0", "0.2.0", &undated, Err("without a date")),
        ("v0.2.0", "0.2.0", &empty, Err("CHANGELOG.md says nothing about it")),
    ];
    for (tag, version, changelog, expected) in table {
        let folder = tempfile::tempdir().expect("a folder");
        let cargo = format!("[package]\nname = \"x\"\nversion = \"{version}\"\n\n[dependencies.y]\nversion = \"9\"\n");
        std::fs::write(folder.path().join("Cargo.toml"), cargo).expect("a file");
        std::fs::write(folder.path().join("CHANGELOG.md"), changelog).expect("a file");
        let ran = script("notes.sh", folder.path(), &[tag]);
        match expected {
            Ok(notes) => assert_eq!(ran.expect_code(0).stdout.trim(), notes, "{tag}"),
            Err(why) => {
                let ran = ran.expect_code(1);
                assert!(ran.stderr.contains(why) && ran.stdout.is_empty(), "{why}\n{ran}");
            }
        }
    }
}

#[test]
fn the_changelog_has_the_version_of_the_manifest_or_nothing_is_released_yet() {
    let ran = script("notes.sh", top(), &[&format!("v{VERSION}")]);
    assert!(ran.code == Some(0) || ran.stderr.contains("without a date"), "{ran}");
}

// ------------------------------------------------------------------------------------------------ archives

#[test]
fn every_archive_has_the_name_and_the_program_that_binstall_looks_for() {
    let folder = repository();
    let dist = packed(folder.path());
    let manifest = manifest();
    let package = &manifest["package"];
    let ways = &package["metadata"]["binstall"];
    let mut expected = BTreeSet::new();
    for target in targets() {
        let way = |key: &str| {
            let own = ways["overrides"].get(&target).and_then(|own| own.get(key));
            let text = own.unwrap_or(&ways[key]).as_str().expect("a text");
            let values = [
                ("{ repo }", package["repository"].as_str().expect("an address")),
                ("{ version }", VERSION),
                ("{ target }", &target),
                ("{ bin }", "peerctl"),
                ("{ binary-ext }", if is_windows(&target) { ".exe" } else { "" }),
            ];
            let filled = values
                .iter()
                .fold(text.to_owned(), |text, (key, value)| text.replace(key, value));
            assert!(!filled.contains('{'), "{filled}");
            filled
        };
        let url = way("pkg-url");
        let (place, name) = url.rsplit_once('/').expect("a path");
        assert_eq!(
            place,
            format!("https://github.com/peerctl/peerctl/releases/download/v{VERSION}")
        );
        let ending = if way("pkg-fmt") == "zip" { ".zip" } else { ".tar.gz" };
        assert!(name.ends_with(ending), "{name}");
        expected.insert(name.to_owned());
        if ending == ".zip" && !zips() {
            continue;
        }
        let listed = listed(&dist.join(name));
        let stem = name.strip_suffix(ending).expect("its ending");
        let more = [
            "README.md",
            "CHANGELOG.md",
            "LICENSE",
            "man/peerctl.1",
            "man/peerctl-azure-setup.1",
            "completions/peerctl.bash",
            "completions/_peerctl",
            "completions/peerctl.fish",
            "completions/_peerctl.ps1",
            "completions/peerctl.elv",
        ];
        let more = more.map(|file| format!("{stem}/{file}"));
        for file in more.into_iter().chain([way("bin-dir")]) {
            assert!(listed.contains(&file), "{file} in {name}: {listed}");
        }
    }
    assert_eq!(names(&dist), expected);
}

#[test]
fn a_program_that_does_not_tell_of_itself_is_not_packed() {
    let folder = repository();
    let file = folder.path().join("peerctl");
    for (says, why) in [
        ("#!/bin/sh\n[ \"$1\" != completions ]\n", ""),
        ("#!/bin/sh\n", "no man page"),
    ] {
        std::fs::write(&file, says).expect("a program");
        let ran = script(
            "pack.sh",
            folder.path(),
            &["x86_64-unknown-linux-gnu", "./peerctl", "dist"],
        );
        let ran = ran.expect_code(1);
        assert!(ran.stderr.contains(why), "{ran}");
        assert!(names(&folder.path().join("dist")).is_empty());
    }
}

#[test]
fn what_is_built_is_what_the_dependencies_are_judged_for() {
    let deny: toml::Table = toml::from_str(&read(top().join("deny.toml"))).expect("a table");
    let judged = deny["graph"]["targets"].as_array().expect("targets").iter();
    let judged: BTreeSet<String> = judged.filter_map(|one| Some(one.as_str()?.to_owned())).collect();
    assert_eq!(targets().into_iter().collect::<BTreeSet<_>>(), judged);
}

#[test]
fn the_debian_package_finds_what_was_packed() {
    let folder = repository();
    packed(folder.path());
    let manifest = manifest();
    let deb = manifest["package"]["metadata"]["deb"].as_table().expect("a table");
    // Those that cargo-deb's documentation lists, of those that are used here: it does not mind a wrong one.
    let known = [
        "assets",
        "copyright",
        "depends",
        "extended-description",
        "license-file",
        "maintainer",
        "section",
    ];
    assert_eq!(deb.keys().map(String::as_str).collect::<BTreeSet<_>>(), known.into());
    for asset in deb["assets"].as_array().expect("assets") {
        let [source, goal, mode] = [0, 1, 2].map(|n| asset[n].as_str().expect("a text"));
        // cargo-deb puts the profile's folder in the place of this one.
        let source = source
            .strip_prefix("target/release/")
            .unwrap_or(source)
            .replace('*', "peerctl");
        assert!(folder.path().join(&source).is_file(), "{source}");
        let expected = if source == "peerctl" {
            ("usr/bin/", "755")
        } else {
            (goal, "644")
        };
        assert_eq!((goal, mode), expected, "{source}");
    }
}

// ------------------------------------------------------------------------------------------------ manifests

#[test]
fn the_manifests_name_the_archives_by_their_sums() {
    let folder = repository();
    let dist = packed(folder.path());
    std::fs::write(dist.join("peerctl.cdx.json"), "{}").expect("a file");
    let archives = names(&dist);
    script("manifests.sh", folder.path(), &["dist"]).expect_code(0);
    program("sha256sum", ["--check", "--strict", "SHA256SUMS"])
        .in_folder(&dist)
        .run()
        .expect_code(0);
    let sums = read(dist.join("SHA256SUMS"));
    let sums: Vec<(&str, &str)> = sums.lines().filter_map(|line| line.split_once("  ")).collect();
    assert_eq!(
        sums.iter().map(|(_, name)| (*name).to_owned()).collect::<BTreeSet<_>>(),
        archives
    );
    let sum = |name: &str| sums.iter().find(|(_, own)| *own == name).map(|(sum, _)| *sum);

    let formula = read(dist.join("peerctl.rb"));
    let mut pairs = 0;
    let mut lines = formula.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(url) = line.strip_prefix("url \"").and_then(|rest| rest.strip_suffix('"')) else {
            continue;
        };
        let name = url.rsplit('/').next().expect("a name");
        let expected = format!("sha256 \"{}\"", sum(name).expect(name));
        assert_eq!(lines.next(), Some(expected.as_str()), "{name}");
        pairs += 1;
    }
    assert_eq!(pairs, 4, "{formula}");

    let manifests = [
        "Peerctl.Peerctl",
        "Peerctl.Peerctl.installer",
        "Peerctl.Peerctl.locale.en-US",
    ];
    for name in manifests {
        let manifest = yaml(&read(dist.join(format!("{name}.yaml"))));
        assert_eq!(manifest["PackageVersion"], VERSION, "{name}");
    }
    let installer = yaml(&read(dist.join("Peerctl.Peerctl.installer.yaml")));
    let zip = format!("peerctl-{VERSION}-x86_64-pc-windows-msvc.zip");
    let own = &installer["Installers"][0];
    assert!(
        own["InstallerUrl"].as_str().is_some_and(|url| url.ends_with(&zip)),
        "{own}"
    );
    assert_eq!(own["InstallerSha256"].as_str(), sum(&zip));
    let inside = installer["NestedInstallerFiles"][0]["RelativeFilePath"].as_str();
    let inside = inside.expect("a path").replace('\\', "/");
    assert!(!zips() || listed(&dist.join(&zip)).contains(&inside), "{inside}");

    let filled = [formula]
        .into_iter()
        .chain(manifests.map(|name| read(dist.join(format!("{name}.yaml")))));
    for text in filled {
        assert!(!text.contains("@VERSION") && !text.contains("@SHA"), "{text}");
    }
}

#[test]
fn an_archive_that_is_missing_is_named() {
    let folder = repository();
    let dist = packed(folder.path());
    let gone = format!("peerctl-{VERSION}-aarch64-apple-darwin.tar.gz");
    std::fs::remove_file(dist.join(&gone)).expect("it was there");
    let ran = script("manifests.sh", folder.path(), &["dist"]).expect_code(1);
    assert!(ran.stderr.contains(&format!("peerctl.rb names {gone}")), "{ran}");
}

// ------------------------------------------------------------------------------------------------ the image

#[test]
fn the_image_is_made_of_the_programs_of_the_musl_archives() {
    let folder = repository();
    packed(folder.path());
    script("stage.sh", folder.path(), &["dist", "context"]).expect_code(0);
    for platform in ["linux/amd64", "linux/arm64"] {
        let staged = folder.path().join("context").join(platform);
        assert_eq!(names(&staged), BTreeSet::from(["peerctl".to_owned()]));
        assert_eq!(read(staged.join("peerctl")), read(folder.path().join("peerctl")));
    }
    let file = read(top().join(".github/release/Dockerfile"));
    for line in [
        "FROM gcr.io/distroless/static-debian12:nonroot",
        "COPY --chmod=0755 ${TARGETPLATFORM}/peerctl /peerctl",
        "ENTRYPOINT [\"/peerctl\"]",
    ] {
        assert!(file.lines().any(|own| own == line), "{line}");
    }
    std::fs::remove_file(
        folder
            .path()
            .join(format!("dist/peerctl-{VERSION}-aarch64-unknown-linux-musl.tar.gz")),
    )
    .expect("it was there");
    let ran = script("stage.sh", folder.path(), &["dist", "again"]).expect_code(1);
    assert!(ran.stderr.contains("one archive for aarch64"), "{ran}");
}

// ------------------------------------------------------------------------------------------------ workflows

/// Every step of a workflow.
fn steps(workflow: &Value) -> Vec<Value> {
    let jobs = workflow["jobs"].as_object().expect("jobs").values();
    jobs.flat_map(|job| job["steps"].as_array().cloned().expect("steps"))
        .collect()
}

#[test]
fn the_workflows_run_what_is_there_with_the_rights_that_it_takes() {
    let writes = |workflow: &Value| {
        let jobs = workflow["jobs"].as_object().expect("jobs").iter();
        let rights = |job: &Value| job["permissions"].as_object().cloned().unwrap_or_default();
        jobs.flat_map(|(id, job)| {
            let rights = rights(job).into_iter().filter(|(_, right)| right == "write");
            rights.map(|(right, _)| format!("{id} {right}")).collect::<Vec<_>>()
        })
        .collect::<BTreeSet<_>>()
    };
    let table: [(&str, &[&str]); 3] = [
        ("ci.yml", &[]),
        (
            "release.yml",
            &["draft attestations", "draft contents", "draft id-token"],
        ),
        ("image.yml", &["image attestations", "image id-token", "image packages"]),
    ];
    for (name, expected) in table {
        let workflow = workflow(name);
        assert_eq!(
            workflow["permissions"],
            serde_json::json!({"contents": "read"}),
            "{name}"
        );
        assert_eq!(
            writes(&workflow),
            expected.iter().map(|one| (*one).to_owned()).collect(),
            "{name}"
        );
        for step in steps(&workflow) {
            if let Some(action) = step["uses"].as_str() {
                let (_, version) = action.split_once('@').expect("a version");
                // A tag can be moved; a commit can't.
                let is_commit = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(is_commit, "{action}");
                let keeps = &step["with"]["persist-credentials"];
                assert!(
                    !action.starts_with("actions/checkout@") || *keeps == false,
                    "{name}: {step}"
                );
            }
            let run = step["run"].as_str().unwrap_or_default();
            let verifies = run.matches("gh attestation verify").count();
            assert_eq!(verifies, run.matches("--signer-workflow").count(), "{run}");
            assert!(!run.contains("rustup") || !run.contains("stable"), "{run}");
            // What comes from outside comes by the environment: in the text of a script it would be a part of it.
            assert!(!run.contains("${{ github"), "{run}");
            let scripts = run
                .split_whitespace()
                .filter(|word| word.starts_with(".github/") && word.ends_with(".sh"));
            for script in scripts {
                let mode = std::fs::metadata(top().join(script))
                    .expect(script)
                    .permissions()
                    .mode();
                assert_ne!(mode & 0o111, 0, "{script} can be run");
            }
        }
    }
}

#[test]
fn every_python_package_has_its_hashes() {
    for name in ["requirements", "requirements-clients"] {
        let wanted = read(top().join(format!(".ci/{name}.in")));
        let locked = read(top().join(format!(".ci/{name}.txt")));
        for package in wanted.lines().filter(|line| !line.starts_with('#')) {
            assert!(locked.contains(&format!("\n{package} \\\n")), "{name}: {package}");
        }
        let entries = locked
            .split("\n")
            .filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty());
        for entry in entries {
            assert!(entry.contains("==") && entry.ends_with('\\'), "{name}: {entry}");
        }
    }
    assert!(read(top().join(".ci/run")).contains("--require-hashes"));
}
