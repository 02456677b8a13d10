//! Documents that are a promise to scripts.

use std::path::Path;

use serde_json::Value;

/// Compares with `tests/golden/NAME`. The document is a promise to scripts: when it changes on purpose, renew the file
/// by the test that failed with `PEERCTL_RENEW_GOLDEN=1`, read the difference, and commit it.
#[track_caller]
pub fn compare_with_golden(name: &str, document: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    // serde_json sorts keys here, so the order in which they are printed is compared nowhere.
    let text = serde_json::to_string_pretty(document).expect("it is JSON") + "\n";
    if std::env::var_os("PEERCTL_RENEW_GOLDEN").is_some() {
        std::fs::write(&file, &text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&file).expect("the golden file can be read");
    assert!(
        golden.replace("\r\n", "\n") == text,
        "differs from {}; it is now:\n{text}",
        file.display()
    );
}
