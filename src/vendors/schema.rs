//! The schema that editors are given is the one of the types that read a profile: written by this test, with
//! `PEERCTL_RECORD=1`.

use std::path::Path;

use super::{PROFILE_SCHEMA, VendorProfile};

const FILE: &str = "src/vendors/profile.schema.json";

#[test]
fn schema_matches_types() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(VendorProfile)).expect("a document") + "\n";
    if std::env::var_os("PEERCTL_RECORD").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        std::fs::write(file, &schema).expect("the file can be written");
        return;
    }
    assert_eq!(
        PROFILE_SCHEMA.replace('\r', ""),
        schema,
        "PEERCTL_RECORD=1 cargo test --lib schema rewrites {FILE}"
    );
}
