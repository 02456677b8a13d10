//! The pages in .github/docs and the front page: their links lead somewhere, the facts on them are the profiles', and what
//! they tell to type works. That every command line on them can be parsed is a test beside the parser.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use peerctl::azure::AzureCloud;
use peerctl::domain::SubscriptionId;
use peerctl::plan::OwnAppRole;
use peerctl::vendors::{CreatedBy, InputRequirement, OwnAppWay, VendorProfile, profile};

use support::cli::peerctl;
use support::words;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn read(file: impl AsRef<Path>) -> String {
    let file = file.as_ref();
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.replace('\r', "")
}

/// Every page, those of the top, of .github and of its docs.
fn pages() -> Vec<PathBuf> {
    let folders = ["", ".github", ".github/docs"].map(|folder| top().join(folder));
    let entries = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder").flatten());
    let pages = entries.map(|entry| entry.path());
    let pages: Vec<PathBuf> = pages
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// The lines that are no code.
fn prose(text: &str) -> String {
    let parts = text.split("```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}

/// A heading as GitHub names it in a link.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let plain = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            plain
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
                .collect()
        })
        .collect()
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut links = 0;
    for page in pages() {
        let text = read(&page);
        for target in prose(&text)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => page.clone(),
                file => page.parent().expect("a folder").join(file),
            };
            assert!(file.exists(), "{}: {target}", page.display());
            assert!(
                anchor.is_empty() || anchors(&read(&file)).contains(anchor),
                "{}: {target}",
                page.display()
            );
            links += 1;
        }
    }
    assert!(links > 20, "{links}");
}

// ------------------------------------------------------------------------------------------------ facts

const BEGIN: &str = "<!-- from the profile: ";
const END: &str = "<!-- end -->";

/// What an action allows, for somebody who has to agree to it.
fn allows(action: &str) -> &'static str {
    match action.strip_prefix("Microsoft.Network/virtualNetworks/") {
        Some("read") => "read the network: address space and subnets",
        Some("virtualNetworkPeerings/read") => "read its peerings and their state",
        Some("virtualNetworkPeerings/write") => "create and change its peerings",
        Some("virtualNetworkPeerings/delete") => "delete its peerings",
        Some("peer/action") => {
            "make another network the other end of a peering with it; this alone changes nothing here"
        }
        _ => panic!("what does {action} allow?"),
    }
}

fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(N));
    let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    [line(head.to_vec()), rule].into_iter().chain(rows).collect()
}

/// Who gets which role, action by action.
fn granted(vendor: &VendorProfile) -> Option<String> {
    let role = |actions: &[String]| {
        let rows: Vec<[String; 2]> = actions
            .iter()
            .map(|action| [format!("`{action}`"), allows(action).to_owned()])
            .collect();
        table(["action", "allows"], &rows)
    };
    let theirs = vendor.application.as_ref().zip(vendor.role.as_ref()).map(|(application, theirs)| {
        let (who, id) = (&vendor.short_name, application.app_id);
        format!(
            "{who}'s application, `{id}`, gets a service principal in your tenant, which alone grants nothing; and, at the \
             one network, the role \"{}\" with\n\n{}",
            vendor.role_name(),
            role(&theirs.actions)
        )
    });
    let own = match vendor.peering.own_app {
        OwnAppWay::No => None,
        OwnAppWay::Needed => Some("An application of yours that is known in both tenants gets, at the one network,"),
        OwnAppWay::Possible => Some("With `--own-app`, your application gets, at the one network,"),
    };
    let own = own.map(|who| {
        let both = vendor.peering.created_by == CreatedBy::Customer;
        let grant = OwnAppRole::LeastPrivilege.grant(String::new(), SubscriptionId::nil(), both);
        // The name ends with a mark of the subscription.
        let name = grant.name().trim_end_matches(['0', ' ']);
        format!("{who} the role \"{name} …\" with\n\n{}", role(&grant.actions))
    });
    let parts: Vec<String> = [theirs, own].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// Which hosts are asked, by whom.
fn hosts(vendor: &VendorProfile) -> String {
    let cloud = AzureCloud::public();
    let host = |url: &str| {
        let url: url::Url = url.parse().expect("an address");
        format!("`{}`", url.host_str().expect("a host"))
    };
    let [login, arm, graph] = cloud.origins().map(|url| host(url.as_str()));
    let mut rows = vec![
        [login, "sign-in".to_owned(), "–".to_owned()],
        [
            arm,
            "the network, roles, assignments, peerings".to_owned(),
            "Azure".to_owned(),
        ],
        [
            graph,
            "applications, service principals, consent".to_owned(),
            "Azure".to_owned(),
        ],
    ];
    if let Some(access) = &vendor.access {
        let token = format!("`{}`", access.token_env);
        rows.push([host(&access.api), format!("the {}", access.request), token]);
    }
    table(["host (public cloud)", "for", "token"], &rows)
}

/// What the vendor is told, under its own labels.
fn told(vendor: &VendorProfile) -> Option<String> {
    let meaning = |value: &str| match value.trim_matches(['{', '}']).split(':').next() {
        Some("tenant") => "your tenant ID",
        Some("subscription") => "the subscription ID",
        Some("resource-group") => "the resource group's name",
        Some("vnet") => "the virtual network's name",
        Some("own-app") => "your application's client ID",
        _ => panic!("what is {value}?"),
    };
    let values = vendor.hand_off.values.iter();
    let rows: Vec<[String; 2]> = values
        .map(|value| [value.label.clone(), meaning(&value.value).to_owned()])
        .collect();
    let head = format!("{} field", vendor.short_name);
    (!rows.is_empty()).then(|| table([&head, "value"], &rows))
}

fn inputs(vendor: &VendorProfile) -> String {
    let wanted = |wanted| match wanted {
        InputRequirement::Always => "yes",
        InputRequirement::WithApi => "with its API",
        InputRequirement::ByHand => "without its API",
        InputRequirement::Never => "no",
    };
    let one = |input: &peerctl::vendors::VendorInput| {
        [
            format!("`--set {}=…`", input.key),
            input.help.clone(),
            wanted(input.wanted).to_owned(),
        ]
    };
    let rows: Vec<[String; 3]> = vendor.inputs.iter().map(one).collect();
    table(["input", "description", "required"], &rows)
}

/// How the link is made, in one sentence or two.
fn way(vendor: &VendorProfile) -> String {
    let who = match vendor.peering.created_by {
        CreatedBy::Vendor => format!("{} creates both sides.", vendor.short_name),
        CreatedBy::EachSide => format!(
            "{} creates the remote peering, your application the local one.",
            vendor.short_name
        ),
        CreatedBy::Customer => "You create both sides, or each side creates its own.".to_owned(),
    };
    let name = vendor
        .peering
        .name
        .as_ref()
        .map(|name| format!(" The local peering is named `{name}`."));
    let ports: Vec<String> = vendor.peering.ports.iter().map(ToString::to_string).collect();
    let ports = (!ports.is_empty()).then(|| format!(" Traffic uses TCP port {}.", ports.join(", ")));
    let wait = format!(" This usually takes {}.", vendor.usual_wait);
    [Some(who), name, ports, Some(wait)].into_iter().flatten().collect()
}

/// Everything on a vendor's page that its profile says.
fn facts(vendor: &VendorProfile) -> String {
    let parts = [
        Some(way(vendor)),
        granted(vendor),
        told(vendor),
        Some(hosts(vendor)),
        Some(inputs(vendor)),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|part| part.trim_end().to_owned())
        .collect();
    parts.join("\n\n")
}

#[test]
fn the_facts_on_a_vendors_page_are_those_of_its_profile() {
    let mut vendors = BTreeSet::new();
    for page in pages() {
        let text = read(&page);
        let Some((head, rest)) = text.split_once(BEGIN) else {
            continue;
        };
        let (id, rest) = rest.split_once(" -->\n").expect("the vendor's name");
        let (_, tail) = rest.split_once(END).expect("an end");
        let vendor = profile(id).expect("a vendor");
        let written = format!("{head}{BEGIN}{id} -->\n{}\n{END}{tail}", facts(&vendor));
        vendors.insert(id.to_owned());
        if std::env::var_os("PEERCTL_RECORD").is_some() {
            fs::write(&page, written).expect("the page can be written");
            continue;
        }
        let page = page.display();
        assert_eq!(
            text, written,
            "PEERCTL_RECORD=1 cargo test --test pages facts writes {page} anew"
        );
    }
    let expected = ["aiven", "dragonfly", "generic", "kong"].map(str::to_owned);
    assert_eq!(vendors, expected.into());
}

// ------------------------------------------------------------------------------------------------ what they tell to type

#[cfg(unix)]
mod typed {
    use super::support::cli::{Ran, program};
    use super::support::served::Served;
    use super::*;

    /// What a page tells to type into a console: its blocks, one after the other.
    fn typed(page: &str) -> String {
        let text = read(top().join(".github/docs").join(page));
        let blocks = text.split("```console\n").skip(1);
        let blocks: Vec<&str> = blocks.filter_map(|block| block.split("```").next()).collect();
        assert!(!blocks.is_empty(), "{page}");
        blocks.join("\n")
    }

    /// Types it, in a folder with these files, against a sandbox.
    #[track_caller]
    fn by_bash(sandbox: &Served, script: &str, files: &[(&str, &str)]) -> Ran {
        let run = program("bash", ["-euo", "pipefail", "-c", script]).peerctl_on_path();
        for (name, text) in files {
            fs::write(run.home().join(name), text).expect("a file");
        }
        let run = run.envs(sandbox.env()).env("PEERCTL_STATE_DIR", "none");
        run.run().expect_code(0)
    }

    #[test]
    fn a_vendors_page_tells_a_link_from_its_beginning_to_its_end() {
        for page in ["kong.md", "aiven.md", "dragonfly.md", "another-tenant.md"] {
            let sandbox = Served::start(["--lag", "none"]);
            let before = sandbox.state();
            let ran = by_bash(&sandbox, &typed(page), &[]);
            assert!(ran.stdout.contains("Connected"), "{page}\n{ran}");
            assert_eq!(sandbox.state(), before, "{page}: all that was made is gone again");
        }
    }

    #[test]
    fn a_pipeline_reads_the_document() {
        let ran = by_bash(&Served::start(["--lag", "none"]), &typed("pipelines.md"), &[]);
        assert!(ran.stdout.ends_with("done\nConnected\nConnected\n"), "{ran}");
    }

    #[test]
    fn a_profile_of_ones_own_is_written_with_its_schema_and_tried() {
        let page = read(top().join(".github/docs/vendor-profile.md"));
        let toml = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let script = typed("vendor-profile.md") + "\ncat vendor-profile.schema.json >&2; bash -n example.sh\n";
        let files = [("example.toml", toml.expect("a profile"))];
        let ran = by_bash(&Served::start(["--lag", "none"]), &script, &files);
        assert!(ran.stdout.starts_with("Example Cloud, clusters\n"), "{ran}");
        let schema = read(top().join("src/vendors/profile.schema.json"));
        assert!(ran.stderr.ends_with(&schema), "{ran}");
    }

    #[test]
    fn a_rehearsal_in_one_process() {
        let ran = by_bash(&Served::start(["--lag", "none"]), &typed("sandbox.md"), &[]);
        assert!(ran.stdout.contains("Connected"), "{ran}");
    }
}

/// Texts that keep a word which [`words`] avoids, with a reason.
const KEPT: [(&str, &str); 0] = [];

/// Adds the avoided words of a text, with the place where it stands.
fn note(found: &mut Vec<String>, place: &str, text: &str) {
    let kept = |words: &str| {
        KEPT.iter()
            .any(|(at, text)| place.ends_with(at) && words.contains(text))
    };
    let avoided = words::avoided(text).into_iter().filter(|words| !kept(words));
    found.extend(avoided.map(|words| format!("{place}: {words}")));
}

#[test]
fn help_and_manual_avoid_words_of_the_list() {
    let mut found = Vec::new();
    let folder = tempfile::tempdir().expect("a folder");
    peerctl(["man".as_ref(), folder.path().as_os_str()])
        .run()
        .expect_code(0);
    for entry in fs::read_dir(folder.path()).expect("a folder").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        note(&mut found, &name, &read(entry.path()));
        let words = name.split('.').next().unwrap_or_default().split('-').skip(1);
        let words: Vec<&str> = words.collect();
        for flag in ["-h", "--help"] {
            let ran = peerctl(words.iter().copied().chain([flag])).run();
            note(&mut found, &format!("{} {flag}", words.join(" ")), &ran.stdout);
        }
    }
    for topic in [
        "authentication",
        "configuration",
        "environment",
        "exit-codes",
        "formats",
    ] {
        note(&mut found, topic, &peerctl(["help", topic]).run().expect_code(0).stdout);
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn knowledge_and_profiles_avoid_words_of_the_list() {
    let mut found = Vec::new();
    for known in peerctl::errors::known::all() {
        for text in known.remedies.iter().chain([&known.meaning]) {
            note(&mut found, &known.code, text);
        }
    }
    let checks = peerctl(["azure", "doctor", "--list"]).run().expect_code(0).stdout;
    note(&mut found, "doctor --list", &checks);
    for vendor in ["kong", "aiven", "dragonfly", "atlas", "confluent", "generic"] {
        let text = peerctl(["vendors", vendor]).run().expect_code(0).stdout;
        note(&mut found, vendor, &text);
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn pages_avoid_words_of_the_list() {
    let mut found = Vec::new();
    for page in pages() {
        note(&mut found, &page.display().to_string(), &read(&page));
    }
    assert_eq!(found, [""; 0]);
}

/// Folders whose messages are checked.
const CHECKED: [&str; 4] = ["src/azure", "src/doctor", "src/errors", "src/vendors"];

#[test]
fn messages_in_the_code_avoid_words_of_the_list() {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = CHECKED.map(|folder| top().join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.path().display().to_string());
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                for literal in words::literals(&read(&path)) {
                    note(&mut found, &name, &literal);
                }
            }
        }
    }
    found.sort();
    assert_eq!(found, [""; 0]);
}

#[test]
fn avoided_words_are_found_and_allowed_ones_are_not() {
    let refused = [
        "'x' is no tenant ID.",
        "Mend it, then go on.",
        "Somebody else's turn",
        "Azure told us",
    ];
    for text in refused {
        assert!(!words::avoided(text).is_empty(), "{text}");
    }
    for text in [
        "It is no longer needed.",
        "There is no Azure CLI.",
        "recommended",
        "Go online",
    ] {
        assert_eq!(words::avoided(text), [""; 0], "{text}");
    }
    let source = "let a = \"one text\"; // \"not this\"\nlet b = '\"'; let c = r#\"raw \"text\"#; let d = \"word\";\n\
                  #[cfg(test)]\nmod tests { \"nor this\" }";
    assert_eq!(words::literals(source), ["one text", "raw \"text"]);
}
