//! `--dry-run --format terraform`: offline, canonical, with nothing in it that the providers do not have, without a secret;
//! and with an import block for each thing that a survey finds.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use peerctl::domain::role_assignment_guid;
use serde::Deserialize;
use serde_json::{Value, json};
use support::both_sides::AIVEN_NETWORK;
use support::cli::program;
use support::colleague::Colleague;
use support::dry_runs::{OWN_APP, among_secrets, offline, runs};
use support::hcl::{Block, Hcl};
use support::kong::{ACTIONS, ROLE_TOO, SUBSCRIPTION, TENANT, VNET_ID};
use support::link::{AIVEN, DRAGONFLY, GENERIC, KONG, Link};
use support::served::Served;
use uuid::Uuid;

/// An Owner in Azure that may not read the directory.
const PIPELINE: [(&str, &str); 2] = [
    ("AZURE_CLIENT_ID", "d6f405b7-8293-4a41-b5c6-e7f8091a2b34"),
    ("AZURE_CLIENT_SECRET", "sandbox~pipeline~secret"),
];
const TERRAFORM: [&str; 2] = ["--format", "terraform"];
const SURVEY: [&str; 4] = ["--dry-run", "--format", "terraform", "--refresh"];

/// Every kind of run's configuration, made without a network; and in other clouds.
fn configurations() -> Vec<(String, String)> {
    let mut all = runs();
    all.push(("atlas", Vec::new()));
    all.push(("confluent", vec!["--set".to_owned(), "environment=env-1".to_owned()]));
    for cloud in ["usgov", "china"] {
        let generic = all.iter().find(|(vendor, _)| *vendor == "generic").cloned();
        let (vendor, more) = generic.expect("one is there");
        all.push((vendor, [more, vec!["--cloud".to_owned(), cloud.to_owned()]].concat()));
    }
    let printed = |(vendor, more): (&str, Vec<String>)| {
        let more = [more, TERRAFORM.map(str::to_owned).to_vec()].concat();
        let ran = offline(vendor, VNET_ID, &more).run().expect_code(0);
        assert_eq!(ran.stderr, "", "{ran}");
        (format!("{vendor} {more:?}"), ran.stdout)
    };
    all.into_iter().map(printed).collect()
}

#[track_caller]
fn surveyed(link: &Link, sandbox: &Served, more: &[&str]) -> String {
    let writes = sandbox.writes();
    let ran = link
        .command(sandbox, "setup", &[&SURVEY, more].concat())
        .run()
        .expect_code(0);
    assert_eq!(sandbox.writes(), writes, "a look writes nothing");
    canonical(&ran.stdout);
    follows_the_schemas(link.vendor, &ran.stdout);
    ran.stdout
}

// ---------------------------------------------------------------------------------------------------------- the form

/// Laid out as `terraform fmt` lays it out, judged line by line; and by terraform itself, where there is one.
#[track_caller]
fn canonical(text: &str) {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = text.lines().collect();
    let mut depth = 0;
    for (number, line) in lines.iter().enumerate() {
        let at = format!("line {}: {line}\n{text}", number + 1);
        let (bare, next) = (line.trim(), lines.get(number + 1).copied().unwrap_or_default());
        if bare.starts_with('#') {
            assert!(bare == "#" || bare.starts_with("# "), "{at}");
            continue;
        }
        assert_eq!(*line, line.trim_end(), "nothing behind the end: {at}");
        assert!(!line.contains('\t'), "{at}");
        if bare.is_empty() {
            assert!(
                !next.is_empty() && !next.trim().starts_with(['}', ']']),
                "one blank line, and none at an end: {at}"
            );
            continue;
        }
        depth -= usize::from(bare.starts_with(['}', ']']));
        assert_eq!(indent(line), 2 * depth, "two spaces a level: {at}");
        depth += usize::from(bare.ends_with(['{', '[']));
        assert!(
            !bare.ends_with('{') || !next.is_empty(),
            "no blank line at a beginning: {at}"
        );
        if depth == 0 && bare == "}" {
            assert!(next.is_empty(), "blocks stand apart: {at}");
        }
        if let (Some(here), Some(there)) = (assigned(line), assigned(next)) {
            assert_eq!(here, there, "neighbours have their = in one column: {at}");
        }
    }
    assert_eq!(depth, 0, "{text}");
    // Wider than the longest name of its neighbours, no column is.
    for group in lines.chunk_by(|a, b| assigned(a).is_some() && assigned(b).is_some()) {
        let Some(column) = assigned(group[0]) else { continue };
        let longest = group
            .iter()
            .map(|line| line.split(" =").next().unwrap_or_default().trim_end().len());
        assert_eq!(longest.max(), Some(column - 1), "{group:#?}");
    }
}

/// The column of the `=` of an argument that is whole on its line.
fn assigned(line: &str) -> Option<usize> {
    let column = line.find(" = ").filter(|_| !line.trim().starts_with('#'))?;
    (!line.ends_with(['{', '['])).then_some(column + 1)
}

#[test]
fn every_configuration_is_as_terraform_fmt_would_have_it() {
    let terraform = Command::new("terraform")
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    if !terraform {
        eprintln!("skipped, because there is no terraform: what its own fmt says of the configurations");
    }
    for (what, text) in configurations() {
        canonical(&text);
        if terraform {
            let formatted = program("terraform", ["fmt", "-"])
                .stdin(text.as_str())
                .run()
                .expect_code(0);
            assert_eq!(formatted.stdout, text, "{what}");
        }
    }
}

#[test]
fn the_judge_of_the_form_sees_what_terraform_fmt_would_change() {
    for wrong in [
        "a {\n   b = 1\n}\n",
        "a {\n  b = 1\n  long = 2\n}\n",
        "a {\n  b    = 1\n  c    = 2\n}\n",
        "a {\n  b = 1 \n}\n",
        "a {\n\n  b = 1\n}\n",
        "a {\n}\nb {\n}\n",
        "a {\n}\n\n\nb {\n}\n",
    ] {
        assert!(std::panic::catch_unwind(|| canonical(wrong)).is_err(), "{wrong}");
    }
}

// ------------------------------------------------------------------------------------------------------ the providers

#[derive(Deserialize)]
struct Schemas {
    block: Vec<Schema>,
}

/// What a block may have, as its provider's sources say.
#[derive(Deserialize)]
struct Schema {
    kind: String,
    r#type: String,
    source: String,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    computed: Vec<String>,
    #[serde(default)]
    blocks: Vec<String>,
}

fn schemas() -> Vec<Schema> {
    let schemas: Schemas = toml::from_str(include_str!("terraform/schemas.toml")).expect("the table");
    assert!(schemas.block.iter().all(|schema| !schema.source.is_empty()));
    schemas.block
}

/// What Terraform itself takes in every block of that kind.
fn metas(kind: &str) -> &'static [&'static str] {
    match kind {
        "resource" => &["provider", "depends_on", "lifecycle.ignore_changes"],
        "data" => &["provider", "depends_on"],
        _ => &[],
    }
}

/// Every argument is one that its provider has, none that it needs is missing, and what is referred to is there.
#[track_caller]
fn follows_the_schemas(what: &str, text: &str) {
    let (file, schemas) = (Hcl::read(text), schemas());
    let schema_of = |block: &Block| {
        let label = block.labels.first().map_or("", String::as_str);
        schemas
            .iter()
            .find(|schema| schema.kind == block.kind && schema.r#type == label)
    };
    for block in &file.blocks {
        if !["provider", "resource", "data"].contains(&block.kind.as_str()) {
            continue;
        }
        let schema = schema_of(block).unwrap_or_else(|| panic!("{what}: no schema for {:?}", block.labels));
        let mut known = schema
            .required
            .iter()
            .chain(&schema.optional)
            .map(String::as_str)
            .chain(metas(&block.kind).iter().copied());
        for path in block.paths() {
            assert!(
                known.clone().any(|known| known == path),
                "{what}: {:?} has no {path}",
                block.labels
            );
        }
        for nested in &block.nested {
            assert!(
                schema.blocks.contains(nested) || nested == "lifecycle",
                "{what}: {:?} has no {nested}",
                block.labels
            );
        }
        // What is needed within an object is needed where the object is there.
        let within = |path: &str| {
            path.rsplit_once('.')
                .is_none_or(|(outer, _)| block.get(outer).is_some())
        };
        let missing = schema
            .required
            .iter()
            .find(|path| within(path) && block.get(path).is_none());
        assert_eq!(missing, None, "{what}: {:?}", block.labels);
        let _ = known.next();
    }
    for reference in file.references() {
        refers_to_something(what, &file, &reference, &schemas);
    }
    uses_what_it_declares(what, &file);
}

#[track_caller]
fn refers_to_something(what: &str, file: &Hcl, reference: &[String], schemas: &[Schema]) {
    let words: Vec<&str> = reference.iter().map(String::as_str).collect();
    let said = words.join(".");
    let has = |kind: &str, labels: &[&str]| {
        file.blocks
            .iter()
            .any(|block| block.kind == kind && block.labels == labels)
    };
    match words.as_slice() {
        ["var", name] => assert!(has("variable", &[name]), "{what}: {said}"),
        ["local", name] => {
            let locals = file.blocks.iter().find(|block| block.kind == "locals").expect("locals");
            assert!(locals.get(name).is_some(), "{what}: {said}");
        }
        [provider, alias] if has("provider", &[provider]) => {
            let mut named = file.all("provider", provider);
            assert!(named.any(|block| block.text("alias") == Some(alias)), "{what}: {said}");
        }
        ["data", kind, name, attribute @ ..] | [kind, name, attribute @ ..] => {
            let block = if words[0] == "data" { "data" } else { "resource" };
            assert!(has(block, &[kind, name]), "{what}: {said}");
            let schema = schemas
                .iter()
                .find(|schema| schema.kind == block && schema.r#type == *kind);
            let schema = schema.unwrap_or_else(|| panic!("{what}: {said}"));
            let mut readable = schema.required.iter().chain(&schema.optional).chain(&schema.computed);
            let attribute = attribute.join(".");
            assert!(
                attribute.is_empty() || readable.any(|known| *known == attribute),
                "{what}: {said}"
            );
        }
        _ => panic!("{what}: {said}"),
    }
}

/// Nobody is asked for what is not used, and every provider that is used is required, and the other way round.
#[track_caller]
fn uses_what_it_declares(what: &str, file: &Hcl) {
    let references = file.references();
    for variable in file.blocks.iter().filter(|block| block.kind == "variable") {
        let name = &variable.labels[0];
        assert!(
            references.iter().any(|one| one[0] == "var" && one[1] == *name),
            "{what}: {name}"
        );
        assert!(variable.text("description").is_some() && variable.code("type").as_deref() == Some("string"));
    }
    let terraform = file
        .blocks
        .iter()
        .find(|block| block.kind == "terraform")
        .expect("a terraform block");
    let required = terraform
        .paths()
        .filter_map(|path| path.strip_prefix("required_providers."));
    let required: Vec<&str> = required.filter(|path| !path.contains('.')).collect();
    let mut used: Vec<&str> = file
        .blocks
        .iter()
        .filter(|block| ["resource", "data"].contains(&block.kind.as_str()))
        .filter_map(|block| block.labels[0].split('_').next())
        .collect();
    used.sort_unstable();
    used.dedup();
    let mut sorted = required.clone();
    sorted.sort_unstable();
    // azurerm is there for what the other blocks are about, also where none of them is of it.
    assert!(
        used.iter().all(|used| sorted.contains(used)),
        "{what}: {used:?} {sorted:?}"
    );
    for name in required {
        assert!(file.all("provider", name).count() > 0, "{what}: {name}");
        assert!(name == "azurerm" || used.contains(&name), "{what}: {name}");
    }
}

#[test]
fn every_block_is_one_that_its_provider_has() {
    for (what, text) in configurations() {
        follows_the_schemas(&what, &text);
    }
}

#[test]
fn each_kind_of_run_asks_the_vendor_in_its_own_way() {
    let request = |vendor: &str, flags: &[&str]| {
        let ran = offline(vendor, VNET_ID, &[flags, &TERRAFORM].concat())
            .run()
            .expect_code(0);
        let file = Hcl::read(&ran.stdout);
        let own = ["azurerm", "azuread"];
        let asks = file.blocks.iter().find(|block| {
            block.kind == "resource" && !own.contains(&block.labels[0].split('_').next().unwrap_or_default())
        });
        (asks.map(|block| block.labels[0].clone()), ran.stdout)
    };
    let api = "--vendor-access=api";
    for (vendor, flags, expected) in [
        (
            "kong",
            &[api, "--set", "network=n"][..],
            "konnect_cloud_gateway_transit_gateway",
        ),
        (
            "aiven",
            &[api, "--set", "project=p", "--set", "vpc=v"],
            "aiven_azure_vpc_peering_connection",
        ),
        ("dragonfly", &[api, "--set", "network=n"], "dfcloud_connection"),
    ] {
        assert_eq!(request(vendor, flags).0.as_deref(), Some(expected));
    }
    // What no provider does is said, with the values to enter.
    for (vendor, label) in [
        ("kong", "VNET Name"),
        ("atlas", "VNet Name"),
        ("confluent", "Azure VNet Name"),
    ] {
        let environment: &[&str] = if vendor == "confluent" {
            &["--set", "environment=env-1"]
        } else {
            &[]
        };
        let (asks, text) = request(vendor, &[&["--vendor-access", "manual"], environment].concat());
        assert_eq!(asks, None, "{text}");
        assert!(text.contains(&format!("#     {label}: vnet-app\n")), "{text}");
    }
    let (_, text) = request("aiven", &["--vendor-access", "manual"]);
    assert!(
        text.contains("#     Application object ID: the output own_application_client_id\n"),
        "{text}"
    );
}

#[test]
fn both_directions_have_an_output_and_the_other_tenants_token_goes_along() {
    for (what, text) in configurations() {
        let file = Hcl::read(&text);
        file.one("output", "our_direction");
        let by_hand = file.all("output", "their_direction").count() == 0;
        assert!(!by_hand || text.contains("By hand"), "{what}");
        for peering in file.all("resource", "azurerm_virtual_network_peering") {
            let alias = peering.code("provider");
            let alias = alias.as_deref().map(|alias| alias.trim_start_matches("azurerm."));
            let mut providers = file.all("provider", "azurerm");
            let provider = providers
                .find(|block| block.text("alias") == alias)
                .expect("its provider");
            assert!(provider.get("auxiliary_tenant_ids").is_some(), "{what}: {peering:?}");
        }
    }
}

#[test]
fn another_cloud_is_said_to_both_providers() {
    for (what, text) in configurations() {
        let file = Hcl::read(&text);
        let expected = [("usgov", "usgovernment"), ("china", "china")];
        let expected = expected
            .into_iter()
            .find(|(cloud, _)| what.contains(cloud))
            .map(|(_, name)| name);
        for provider in ["azurerm", "azuread"]
            .iter()
            .flat_map(|name| file.all("provider", name))
        {
            assert_eq!(provider.text("environment"), expected, "{what}");
        }
    }
}

// --------------------------------------------------------------------------------------------------- secrets and data

#[test]
fn what_is_secret_is_a_variable_that_is_kept_nowhere() {
    for (_, ran) in among_secrets("terraform") {
        let file = Hcl::read(&ran.stdout);
        let takers = file.blocks.iter().filter(|block| block.get("client_secret").is_some());
        let taken: Vec<Option<String>> = takers.map(|block| block.code("client_secret")).collect();
        assert!(
            taken
                .iter()
                .all(|code| code.as_deref() == Some("var.own_application_client_secret")),
            "{ran}"
        );
        for variable in file.all("variable", "own_application_client_secret") {
            for property in ["sensitive", "ephemeral"] {
                assert_eq!(variable.code(property).as_deref(), Some("true"), "{ran}");
            }
        }
        assert_eq!(
            file.all("variable", "own_application_client_secret").count(),
            usize::from(!taken.is_empty())
        );
    }
}

#[test]
fn hostile_values_stay_data() {
    for value in [
        "${file(\"/etc/passwd\")} %{ for x in y }",
        "\" }\nresource \"x\" \"y\" {}\n#",
        "$${a} \\${b} \\\" \u{1b}[2J \u{202e}",
        "*/ /* <<EOF\nEOF\n",
    ] {
        let (name, network) = (format!("name={value}"), format!("network={value}"));
        let flags = ["--vendor-access", "api", "--set", &name, "--set", &network];
        let ran = offline("kong", VNET_ID, &[&flags[..], &TERRAFORM].concat())
            .run()
            .expect_code(0);
        canonical(&ran.stdout);
        let file = Hcl::read(&ran.stdout);
        let gateway = file.one("resource", "konnect_cloud_gateway_transit_gateway");
        assert_eq!(gateway.text("azure_transit_gateway.name"), Some(value), "{ran}");
        assert!(
            file.one("variable", "vendor_network_id")
                .text("description")
                .is_some_and(|text| text.contains(value))
        );
        let resources = file.blocks.iter().filter(|block| block.kind == "resource");
        assert_eq!(resources.count(), 4, "{ran}");
    }
}

#[test]
fn what_a_vendor_profile_says_of_itself_stays_data_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("own.toml").display().to_string();
    let breaks = r#"\nresource \"x\" \"y\" {}\n${file(\"/etc/passwd\")}"#;
    for vendor in ["kong", "aiven"] {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/vendors/{vendor}.toml"));
        let mut text = std::fs::read_to_string(built_in)
            .expect("the profile")
            .replace('\r', "");
        let lines = [
            "short-name = \"",
            "name = \"",
            "usual-wait = \"",
            "request = \"",
            "description = \"",
            "where = \"",
            "{ label = \"",
        ];
        for begin in lines {
            assert!(text.contains(&format!("\n{begin}")) || text.contains(begin), "{begin}");
            text = text.replacen(&format!("\n{begin}"), &format!("\n{begin}{breaks}"), 1);
        }
        std::fs::write(&file, text).expect("a file");
        for access in [
            &["--vendor-access", "manual"][..],
            &["--vendor-access", "api", "--set", "network=n"],
            &["--vendor-access", "api", "--set", "project=p", "--set", "vpc=v"],
        ] {
            if access.contains(&"network=n") != (vendor == "kong") && access.contains(&"api") {
                continue;
            }
            let ran = offline(&file, VNET_ID, &[access, &TERRAFORM].concat())
                .run()
                .expect_code(0);
            canonical(&ran.stdout);
            follows_the_schemas(vendor, &ran.stdout);
            let read = Hcl::read(&ran.stdout);
            assert!(read.blocks.iter().all(|block| block.labels != ["x", "y"]), "{ran}");
            assert!(ran.stdout.contains("$${file("), "{ran}");
        }
    }
}

// ------------------------------------------------------------------------------------------------------- what is there

#[test]
fn where_nobody_looked_nothing_is_imported_and_that_is_said() {
    for (what, text) in configurations() {
        assert!(Hcl::read(&text).imports().is_empty(), "{what}");
        assert!(
            text.contains("With --refresh, peerctl reads existing resources"),
            "{what}"
        );
    }
}

#[test]
fn what_a_finished_set_up_made_is_imported_whole() {
    for link in [KONG, AIVEN, DRAGONFLY, GENERIC] {
        let sandbox = Served::start(["--lag", "none"]);
        link.set_up(&sandbox, &[]);
        let text = surveyed(&link, &sandbox, &[]);
        let (file, imports) = (Hcl::read(&text), Hcl::read(&text).imports());
        let resources = file.blocks.iter().filter(|block| block.kind == "resource");
        let resources: Vec<String> = resources.map(|block| block.labels.join(".")).collect();
        let imported: Vec<&String> = imports.keys().collect();
        assert_eq!(imported.len(), resources.len(), "{imported:?} {resources:?}\n{text}");
        assert!(resources.iter().all(|address| imports.contains_key(address)), "{text}");
        // Nothing is left to ask for but the secret.
        let mut variables = file.blocks.iter().filter(|block| block.kind == "variable");
        assert!(
            variables.all(|variable| variable.labels == ["own_application_client_secret"]),
            "{text}"
        );
        for id in imports.values() {
            exists(&sandbox, id);
        }
    }
}

/// Whether the sandbox knows what an import block names, by the provider's form of its id.
#[track_caller]
fn exists(sandbox: &Served, id: &str) {
    let colleague = Colleague::of(sandbox);
    let arm = |id: &str, version: &str| {
        // The other tenant's are looked for in the dump.
        if id.contains("rg-partner") {
            let name = id.rsplit('/').next().unwrap_or_default();
            return assert!(sandbox.state().to_string().contains(name), "{id}");
        }
        colleague.azure(reqwest::Method::GET, &format!("{id}?api-version={version}"), None);
    };
    match id {
        id if id.starts_with("/servicePrincipals/") || id.starts_with("/applications/") => {
            colleague.azure(reqwest::Method::GET, &format!("/v1.0{id}"), None);
        }
        id if id.contains("|/subscriptions/") => arm(id.split('|').next().unwrap_or_default(), "2022-04-01"),
        id if id.contains("roleAssignments") => arm(id, "2022-04-01"),
        id if id.contains("virtualNetworkPeerings") => arm(id, "2024-03-01"),
        id if id.starts_with('{') => {
            let id: Value = serde_json::from_str(id).expect("Konnect's id is JSON");
            let found = colleague.gateways();
            assert!(found.iter().any(|gateway| gateway["id"] == id["id"]), "{id}");
            assert_eq!(id["network_id"], support::kong::NETWORK_ID);
        }
        id if id.starts_with("demo/") => {
            assert_eq!(id, format!("demo/{}/{SUBSCRIPTION}/vnet-app", support::both_sides::VPC));
        }
        id => assert!(id.starts_with("conn_"), "{id}"),
    }
}

#[test]
fn an_assignment_gets_the_id_that_setup_gives_it() {
    let sandbox = Served::start(["--lag", "none"]);
    let before = Hcl::read(&surveyed(&KONG, &sandbox, &[]));
    let expression = before
        .one("resource", "azurerm_role_assignment")
        .code("name")
        .expect("a name");
    KONG.set_up(&sandbox, &[]);
    let file = Hcl::read(&surveyed(&KONG, &sandbox, &[]));
    let imports = file.imports();
    let principal: Uuid = imports["azuread_service_principal.vendor"]
        .rsplit('/')
        .next()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let role = file
        .one("resource", "azurerm_role_definition")
        .text("role_definition_id")
        .expect("an id")
        .to_owned();
    let setups = imports["azurerm_role_assignment.vendor"]
        .rsplit('/')
        .next()
        .expect("an id")
        .to_owned();
    // What Terraform makes of the expression, with what its references then stand for.
    let values = BTreeMap::from([
        ("local.tenant_id", TENANT.to_owned()),
        ("local.vnet_id", VNET_ID.to_owned()),
        ("azuread_service_principal.vendor.object_id", principal.to_string()),
        ("azurerm_role_definition.vendor.role_definition_id", role.clone()),
    ]);
    let list = expression.split(['[', ']']).nth(1).expect("a list");
    let parts: Vec<String> = list
        .split(", ")
        .map(|part| values.get(part).cloned().unwrap_or(part.trim_matches('"').to_owned()))
        .collect();
    let namespace: Uuid = expression
        .split('"')
        .nth(1)
        .and_then(|id| id.parse().ok())
        .expect("a namespace");
    assert!(
        expression.starts_with("uuidv5(") && expression.contains(r#"lower(join("\n", ["#),
        "{expression}"
    );
    let terraforms = Uuid::new_v5(&namespace, parts.join("\n").to_lowercase().as_bytes());
    assert_eq!(terraforms.to_string(), setups);
    let ours = role_assignment_guid(
        TENANT.parse().expect("a GUID"),
        &VNET_ID.parse().expect("an id"),
        principal,
        role.parse().expect("a GUID"),
    );
    assert_eq!(ours, terraforms);
}

#[test]
fn a_colleagues_role_is_imported_as_it_is_and_gets_what_it_lacks() {
    let sandbox = Served::start(["--lag", "none"]);
    let colleague = Colleague::of(&sandbox);
    let guid = "0d5e3c1a-0000-4000-8000-000000000001";
    colleague.writes_role(SUBSCRIPTION, guid, ROLE_TOO, &ACTIONS[..4], &[SUBSCRIPTION]);
    let file = Hcl::read(&surveyed(&KONG, &sandbox, &[]));
    let role = file.one("resource", "azurerm_role_definition");
    let here = [format!("/subscriptions/{SUBSCRIPTION}")];
    assert_eq!(role.text("role_definition_id"), Some(guid));
    assert_eq!(role.text("name"), Some(ROLE_TOO));
    assert_eq!(role.text("description"), Some("By a colleague."));
    assert_eq!(role.text("scope"), Some(here[0].as_str()));
    assert_eq!(role.texts("assignable_scopes"), here);
    assert_eq!(role.texts("permissions.actions"), ACTIONS);
    let id = format!(
        "{0}/providers/Microsoft.Authorization/roleDefinitions/{guid}|{0}",
        here[0]
    );
    let expected = BTreeMap::from([("azurerm_role_definition.vendor".to_owned(), id)]);
    assert_eq!(file.imports(), expected, "what is not there is made, not imported");
}

#[test]
fn wide_role_is_neither_imported_nor_assigned() {
    let sandbox = Served::start(["--lag", "none"]);
    let guid = "0d5e3c1a-0000-4000-8000-000000000001";
    Colleague::of(&sandbox).writes_role(SUBSCRIPTION, guid, ROLE_TOO, &["*"], &[SUBSCRIPTION]);
    let file = Hcl::read(&surveyed(&KONG, &sandbox, &[]));
    let role = file.one("resource", "azurerm_role_definition");
    assert_ne!(role.text("role_definition_id"), Some(guid));
    assert_eq!(role.texts("permissions.actions"), ACTIONS);
    assert_eq!(file.imports(), BTreeMap::new());
}

#[test]
fn half_a_set_up_is_imported_and_what_stands_in_the_way_is_said() {
    let sandbox = Served::start(["--lag", "none"]);
    let colleague = Colleague::of(&sandbox);
    colleague.consents();
    colleague.asks_kong();
    assert_eq!(colleague.gateways()[0]["state"], "error");
    let text = surveyed(&KONG, &sandbox, &[]);
    let imports = Hcl::read(&text).imports();
    assert_eq!(
        imports.keys().collect::<Vec<_>>(),
        ["azuread_service_principal.vendor"],
        "{text}"
    );
    assert!(text.contains("is error and has to go first"), "{text}");
}

#[test]
fn a_peering_that_is_disconnected_is_not_taken_over() {
    let sandbox = Served::start(["--lag", "none"]);
    AIVEN.set_up(&sandbox, &[]);
    let ours = "azurerm_virtual_network_peering.ours";
    assert!(Hcl::read(&surveyed(&AIVEN, &sandbox, &[])).imports().contains_key(ours));
    support::both_sides::AIVEN.deletes_connection(&sandbox);
    let disconnected = || {
        let text = surveyed(
            &AIVEN,
            &sandbox,
            &[
                "--set",
                &format!("to-network-id={AIVEN_NETWORK}"),
                "--set",
                "to-tenant-id=5c8e2d64-1b7a-4e93-b0f6-a9d47c3e1f32",
            ],
        );
        (!Hcl::read(&text).imports().contains_key(ours)).then_some(text)
    };
    let text = support::served::poll(support::DEADLINE, disconnected).expect("it becomes Disconnected");
    assert!(
        text.contains("is Disconnected") && text.contains("peerctl azure repair"),
        "{text}"
    );
}

#[test]
fn import_keeps_what_replaces_a_peering() {
    let sandbox = Served::start(["--lag", "none"]);
    GENERIC.set_up(&sandbox, &[]);
    let id = format!("{VNET_ID}/virtualNetworkPeerings/vnet-app-to-vnet-partner");
    let properties = serde_json::json!({"peerCompleteVnets": false, "localSubnetNames": ["snet-api"], "remoteSubnetNames": ["default"],
        "enableOnlyIPv6Peering": true});
    let body = serde_json::json!({"peering": {"id": id, "properties": properties}});
    let (status, _) = sandbox.send(
        reqwest::Method::POST,
        "/_sandbox/edit",
        None,
        support::served::Body::Json(body),
    );
    assert_eq!(status, 204);
    let text = surveyed(&GENERIC, &sandbox, &[]);
    canonical(&text);
    let file = Hcl::read(&text);
    let peerings: Vec<_> = file.all("resource", "azurerm_virtual_network_peering").collect();
    let ours = peerings
        .iter()
        .find(|block| block.labels.ends_with(&["ours".to_owned()]))
        .expect("ours");
    let theirs = peerings
        .iter()
        .find(|block| block.labels.ends_with(&["theirs".to_owned()]))
        .expect("theirs");
    let complete = "peer_complete_virtual_networks_enabled";
    assert_eq!(ours.code(complete).as_deref(), Some("false"), "{text}");
    assert_eq!(ours.texts("local_subnet_names"), ["snet-api"]);
    assert_eq!(ours.texts("remote_subnet_names"), ["default"]);
    assert_eq!(ours.code("only_ipv6_peering_enabled").as_deref(), Some("true"));
    assert!(theirs.get(complete).is_none(), "{text}");
}

#[test]
fn import_keeps_the_connection_as_its_vendor_has_it() {
    let sandbox = Served::start(["--lag", "none"]);
    DRAGONFLY.set_up(&sandbox, &[]);
    let text = surveyed(&DRAGONFLY, &sandbox, &[]);
    let file = Hcl::read(&text);
    let connection = file.one("resource", "dfcloud_connection");
    // As a text, because it is what the connection has; whatever the network says today.
    assert_eq!(connection.text("peer.region"), Some("eastus2"), "{text}");
    assert!(!text.contains("data \"azurerm_virtual_network\""), "{text}");
}

#[test]
fn gateway_transit_comes_first() {
    let sandbox = Served::start(["--lag", "none"]);
    let text = surveyed(&GENERIC, &sandbox, &["--use-remote-gateways"]);
    canonical(&text);
    let file = Hcl::read(&text);
    let peerings: Vec<_> = file.all("resource", "azurerm_virtual_network_peering").collect();
    let [ours, theirs] = [0, 1].map(|at| peerings[at]);
    assert_eq!(theirs.code("allow_gateway_transit").as_deref(), Some("true"), "{text}");
    assert!(
        ours.code("depends_on")
            .is_some_and(|on| on.contains("azurerm_virtual_network_peering.theirs")),
        "{text}"
    );
    assert!(theirs.get("depends_on").is_none(), "{text}");
}

#[test]
fn a_role_that_reaches_the_network_from_above_is_left_where_it_is() {
    let sandbox = Served::start(["--lag", "none"]);
    let principal = Colleague::of(&sandbox).consents();
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let contributor = "4d97b98b-1d4f-4787-a291-c67834d212e7";
    let path = format!(
        "{scope}/providers/Microsoft.Authorization/roleAssignments/0d5e3c1a-0000-4000-8000-0000000000b1?api-version=2022-04-01"
    );
    let role = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{contributor}");
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"}});
    Colleague::of(&sandbox).azure(reqwest::Method::PUT, &path, Some(body));
    let text = surveyed(&KONG, &sandbox, &[]);
    let file = Hcl::read(&text);
    assert_eq!(file.all("resource", "azurerm_role_definition").count(), 0, "{text}");
    assert_eq!(file.all("resource", "azurerm_role_assignment").count(), 0, "{text}");
    assert!(
        text.contains("\"Network Contributor\" at") && text.contains("nothing to assign"),
        "{text}"
    );
}

#[test]
fn what_this_sign_in_may_not_read_is_said() {
    let sandbox = Served::start(["--lag", "none"]);
    let ran = KONG
        .command(&sandbox, "setup", &SURVEY)
        .envs(PIPELINE)
        .run()
        .expect_code(0);
    assert!(ran.stdout.contains("may not read everything"), "{ran}");
    // Without the vendor's token there is nobody to ask what the vendor knows.
    let ran = KONG.command(&sandbox, "setup", &[&SURVEY[..], &["--vendor-access", "api"]].concat());
    let ran = ran.env("KONNECT_TOKEN", "").run().expect_code(0);
    assert!(ran.stdout.contains("what Kong knows"), "{ran}");
    canonical(&ran.stdout);
}

// --------------------------------------------------------------------------------------------------------- the command

#[test]
fn a_format_that_does_not_exist_and_flags_that_do_not_fit_are_refused() {
    let own_app = ["--own-app", OWN_APP];
    for (flags, said) in [
        (
            &["--dry-run", "--format", "pulumi"][..],
            &["'pulumi'", "az", "terraform"][..],
        ),
        (&["--format", "terraform"], &["--dry-run"]),
        (&["--refresh"], &["--dry-run"]),
        (&["--dry-run", "--refresh"], &["--refresh", "--format terraform"]),
    ] {
        let all = ["azure", "setup", "--no-input", "--vendor", "generic"]
            .iter()
            .chain(&own_app)
            .chain(flags);
        let partner = format!("remote-vnet-id={}", support::both_sides::partner("vnet-partner"));
        let inputs = [
            "--tenant-id",
            TENANT,
            "--vnet-id",
            VNET_ID,
            "--set",
            &partner,
            "--set",
            "remote-tenant-id=8e6d4f20-5a3b-4c17-9d28-7b1a0c9e5f43",
        ];
        let ran = support::cli::peerctl(all.copied().chain(inputs)).run().expect_code(2);
        assert_eq!(ran.stdout, "", "{ran}");
        for words in said {
            assert!(ran.stderr.contains(words), "{words}: {ran}");
        }
    }
}
