//! `--dry-run --format az-ps`: the az commands quoted for PowerShell. No PowerShell runs here: what is run is the same
//! commands, put into bash word by word, by the real az.
#![cfg(unix)]

mod support;

use support::az::Az;
use support::both_sides::{assert_no_credential, changes};
use support::dry_runs::{among_secrets, offline, runs};
use support::kong::{TENANT, VNET_ID};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::served::Served;

const POWERSHELL: [&str; 2] = ["--format", "az-ps"];

fn printed(vendor: &str, more: &[String]) -> String {
    let format = POWERSHELL.map(str::to_owned);
    let all: Vec<String> = more.iter().cloned().chain(format).collect();
    offline(vendor, VNET_ID, &all).run().expect_code(0).stdout
}

/// Its lines, without comments and empty ones.
fn commands(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect()
}

#[test]
fn every_vendors_commands_are_printed_without_a_network_or_a_sign_in() {
    for (vendor, more) in runs() {
        let text = printed(vendor, &more);
        let commands = commands(&text);
        assert_eq!(commands[0], format!("az login --tenant {TENANT}"), "{text}");
        assert!(text.contains(VNET_ID), "{text}");
        // Nothing that is bash and not PowerShell.
        for line in &commands {
            let plain = !line.contains("$(") && !line.contains('`') && !line.ends_with('\\') && !line.contains("&&");
            assert!(plain, "{line}");
        }
        let last = commands.last().expect("a command");
        assert!(
            last.starts_with("peerctl azure setup --vendor ")
                || last.contains(" else { az network vnet peering create "),
            "{text}"
        );
    }
}

#[test]
fn az_is_set_to_another_cloud_before_the_sign_in() {
    let login = format!("az login --tenant {TENANT}");
    for (cloud, name) in [("usgov", "AzureUSGovernment"), ("china", "AzureChinaCloud")] {
        for (vendor, more) in runs() {
            let more: Vec<String> = more.into_iter().chain(["--cloud", cloud].map(str::to_owned)).collect();
            let text = printed(vendor, &more);
            let set = format!("az cloud set --name {name}");
            assert_eq!(commands(&text)[..2], [set.as_str(), login.as_str()], "{text}");
        }
    }
}

#[test]
fn a_value_is_one_word_and_nothing_else() {
    let name = "it's $(reboot) `n \u{2019}; exit".to_owned();
    let more = ["--set", "network=n", "--set"].map(str::to_owned);
    let more: Vec<String> = more.into_iter().chain([format!("name={name}")]).collect();
    let text = printed("kong", &more);
    let quoted = name.replace('\'', "''").replace('\u{2019}', "\u{2019}\u{2019}");
    assert!(text.contains(&format!("--set 'name={quoted}'")), "{text}");
}

#[test]
fn no_secret_is_in_it_and_it_looks_at_nothing() {
    among_secrets("az-ps");
    let more = ["--set", "network=n", "--format", "az-ps", "--refresh"].map(str::to_owned);
    let ran = offline("kong", VNET_ID, &more).run().expect_code(2);
    assert!(ran.stderr.contains("--refresh can't be used"), "{ran}");
}

#[test]
fn role_is_assigned_only_with_the_documented_actions() {
    let more = ["--set", "network=n"].map(str::to_owned);
    let text = printed("kong", &more);
    let commands = commands(&text);
    let at = |part: &str| commands.iter().position(|line| line.contains(part)).expect(part);
    let (judged, assigned) = (at("$role = if ("), at("az role assignment create"));
    assert!(judged < assigned, "{text}");
    for action in support::kong::ACTIONS {
        assert!(commands[judged].contains(&format!("'{action}'")), "{text}");
    }
    assert!(commands[judged].contains("else { throw "), "{text}");
    assert!(commands[assigned].contains("--role $role "), "{text}");
}

/// The same in bash: an assignment, a text that goes to a file, a sign-in without a browser.
fn in_bash(text: &str) -> String {
    let line = |line: &str| {
        if line == "$role = $null" {
            return "role=".to_owned();
        }
        if let Some((_, role)) = line
            .strip_prefix("$role = if ")
            .and_then(|line| line.split_once(") { "))
        {
            let (role, _) = role.split_once(" } else { throw ").expect("a refusal");
            return format!("role={}", role.replace("''", "'\\''"));
        }
        if let Some((name, command)) = line.strip_prefix('$').and_then(|line| line.split_once(" = ")) {
            return format!("{name}=$({command})");
        }
        if let Some(file) = line.strip_prefix("'@ | Set-Content -Encoding ascii ") {
            return format!("JSON\nmv text.json {file}");
        }
        if let Some(tenant) = line.strip_prefix("az login --tenant ") {
            return format!(
                "az login --service-principal --username \"$AZURE_CLIENT_ID\" --password=\"$AZURE_CLIENT_SECRET\" \
                 --tenant {tenant} --output none"
            );
        }
        if let Some((shown, rest)) = line
            .strip_prefix("if (")
            .and_then(|line| line.split_once(" 2>$null) { "))
        {
            let (update, create) = rest.split_once(" } else { ").expect("two branches");
            let create = create.trim_end_matches(" }");
            return format!("if [[ -n $({shown} 2>/dev/null || true) ]]; then {update}; else {create}; fi");
        }
        match line {
            "@'" => "cat >text.json <<'JSON'".to_owned(),
            line if line.starts_with("peerctl ") => "printf '%s\\n' \"own=${app_id:-}\"".to_owned(),
            line => line
                .replace("Remove-Item ", "rm ")
                .replace("''", "'\\''")
                // PowerShell hands a variable over as one word.
                .replace("--role $role ", "--role \"$role\" "),
        }
    };
    let lines = text.lines().filter(|line| !line.is_empty()).map(line);
    std::iter::once("set -e".to_owned())
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn by_the_real_az_setup_has_the_rest_to_do_and_no_more() {
    let Some(az) = support::real_az("the commands for PowerShell") else {
        return;
    };
    for link in [KONG, AIVEN, DRAGONFLY, GENERIC] {
        let sandbox = Served::start(["--lag", "none"]);
        let text = link.command(&sandbox, "setup", &[&["--dry-run"], &POWERSHELL[..]].concat());
        let script = in_bash(&text.run().expect_code(0).stdout);
        let ran = Az::signed_in(az.clone(), &sandbox).bash(&script).expect_code(0);
        let own = ran.stdout.lines().find_map(|line| line.strip_prefix("own="));
        judged(&sandbox, &link, own.unwrap_or_default());
    }
}

#[track_caller]
fn judged(sandbox: &Served, link: &Link, own_app: &str) {
    let own = ["--own-app", own_app];
    let own: &[&str] = if own_app.is_empty() { &[] } else { &own };
    let document = link.run(sandbox, "setup", own, 0);
    let by_az = ["consent", "own-app", "role-definition", "role-assignment"];
    let steps = document["steps"].as_array().expect("steps").iter();
    let ids = steps.map(|step| step["id"].as_str().expect("an id"));
    for step in ids.filter(|id| by_az.contains(id)) {
        // The credential of the run itself is made and removed in any.
        let mut written = changes(&document, step);
        written.retain(|change| change != "created passwordCredential");
        assert_eq!(written, Vec::<String>::new(), "{} {step}", link.vendor);
    }
    let whole = link.vendor == GENERIC.vendor;
    assert_eq!(
        document["outcome"],
        if whole { "unchanged" } else { "done" },
        "{document:#}"
    );
    assert_no_credential(sandbox);
}
