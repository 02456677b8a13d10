//! Profiles and cloud files: those that are there, with something changed by lot.

use std::collections::BTreeMap;
use std::path::Path;

use peerctl::azure::AzureCloud;
use peerctl::sandbox::SandboxEstate;
use peerctl::vendors::{filled, profile, profiles};
use proptest::prelude::*;
use uuid::Uuid;

use super::{config, hostile};

const TOML: &[&str] = &[
    "\"",
    "\"\"\"",
    "[access]\n",
    "[[inputs]]\n",
    "= ",
    "{vnet}",
    "{",
    "}",
    ":lower}",
    "https://",
    "http://",
    "true",
    "[]",
    "9223372036854775808",
    "\\u001b",
    "#",
    "\n",
    "api = \"https://elsewhere.example\"\n",
];
const JSON: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "null",
    "1e999",
    "https://",
    "http://",
    "\\u0000",
    "@",
    "/path",
    "?q",
    "#f",
    "elsewhere.example",
    "\\ud800",
    ":443",
    "caBundle",
];
const CLOUD: &str = r#"{"name": "AzureCloud", "endpoints": {"activeDirectory": "https://login.microsoftonline.com",
  "activeDirectoryResourceId": "https://management.core.windows.net/", "resourceManager": "https://management.azure.com/",
  "microsoftGraphResourceId": "https://graph.microsoft.com/"}}"#;

/// `text` with some of it replaced: where (in thousandths), how many characters, and by what.
fn mutated(text: &str, cuts: &[(usize, usize, String)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (at, length, with) in cuts {
        let at = (at * chars.len() / 1000).min(chars.len());
        let end = (at + length).min(chars.len());
        chars.splice(at..end, with.chars());
    }
    chars.into_iter().collect()
}

fn cuts(words: &'static [&'static str]) -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    let cut = (
        0_usize..1000,
        prop_oneof![Just(0_usize), 0_usize..12, 0_usize..400],
        hostile(words),
    );
    prop::collection::vec(cut, 1..4)
}

fn built_in(index: usize) -> String {
    let names: Vec<&str> = profiles().iter().map(|vendor| vendor.id.as_str()).collect();
    let file = format!("src/vendors/{}.toml", names[index % names.len()]);
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a profile")
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_changed_profile_is_refused_or_keeps_the_rules(index in 0_usize..6, cuts in cuts(TOML)) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("own.toml");
        std::fs::write(&file, mutated(&built_in(index), &cuts)).expect("a file");
        let Ok(vendor) = profile(&file.display().to_string()) else { return Ok(()) };
        if let Some(access) = &vendor.access {
            prop_assert!(access.api.starts_with("https://"));
            let token_is_known = profiles().iter().filter_map(|known| known.access.as_ref())
                .find(|known| known.token_env == access.token_env);
            if let Some(known) = token_is_known {
                let host = |api: &str| url::Url::parse(api).expect("checked").host_str().expect("a host").to_owned();
                let domain = |host: &str| host.rsplitn(3, '.').take(2).collect::<Vec<_>>().join(".");
                prop_assert_eq!(domain(&host(&access.api)), domain(&host(&known.api)));
            }
        }
        if let Some(role) = &vendor.role {
            prop_assert!(role.actions.iter().all(|action| action.contains('/') && !action.contains('*')));
        }
        let values = BTreeMap::from([("vnet", "{tenant}".to_owned()), ("tenant", "{vnet}".to_owned())]);
        vendor.hand_off_values(&values);
    }

    #[test]
    fn a_value_is_filled_in_as_it_is(value in hostile(TOML), other in hostile(TOML), around in "[a-z ]{0,5}") {
        let values = BTreeMap::from([("vnet", value.clone()), ("tenant", other.clone())]);
        let text = filled(&format!("{around}{{vnet}}{around}{{tenant:lower}}{{unknown}}"), &values);
        prop_assert_eq!(text, format!("{around}{value}{around}{}{{unknown}}", other.to_lowercase()));
    }

    #[test]
    fn any_template_is_filled(template in hostile(TOML), value in hostile(TOML)) {
        filled(&template, &BTreeMap::from([("vnet", value)]));
    }

    #[test]
    fn a_changed_cloud_is_refused_or_consents_at_its_own_login_host(cuts in cuts(JSON)) {
        let Ok(cloud) = AzureCloud::from_json(&mutated(CLOUD, &cuts), "cloud.json", Path::new("/nowhere")) else {
            return Ok(());
        };
        let page = cloud.admin_consent_url(Uuid::from_u128(1), Uuid::from_u128(2));
        prop_assert_eq!(page.origin(), cloud.login.origin());
        prop_assert!(cloud.origins().iter().all(|url| url.scheme() == "https" && url.path() == "/"));
        prop_assert!(page.username().is_empty() && page.password().is_none() && page.path().ends_with("/adminconsent"));
    }

    #[test]
    fn a_changed_estate_is_read_or_refused(cuts in cuts(TOML)) {
        let text = include_str!("../../src/sandbox/estate/contoso.toml");
        let _ = SandboxEstate::parse(&mutated(text, &cuts));
    }
}
