//! What a key costs in a list of 20,000 virtual networks.
//!
//! ```sh
//! cargo bench --bench filter
//! ```

use divan::Bencher;
use peerctl::ui::{ListFilter, ListItem};

/// As many as 2,000 subscriptions with ten networks each.
const NETWORKS: usize = 20_000;

fn main() {
    divan::main();
}

fn rows() -> Vec<ListItem> {
    let row = |number: usize| {
        let name = format!("vnet-{number:05}");
        let subscription = format!("Contoso Landing Zone {:04}", number / 10);
        ListItem::new([name.as_str(), "rg-network", "westeurope", subscription.as_str()])
    };
    (0..NETWORKS).map(row).collect()
}

/// The key after nothing was typed: every row is looked at.
#[divan::bench(args = ["v", "1", "vnet-1 west", "zone 0199"])]
fn first_key(bencher: Bencher, typed: &str) {
    let rows = rows();
    bencher
        .with_inputs(ListFilter::default)
        .bench_refs(|filter| filter.update(typed, &rows));
}

/// The key after another one: only what fitted that is looked at.
#[divan::bench]
fn next_key(bencher: Bencher) {
    let rows = rows();
    let typed = || {
        let mut filter = ListFilter::default();
        filter.update("vnet-1", &rows);
        filter
    };
    bencher
        .with_inputs(typed)
        .bench_refs(|filter| filter.update("vnet-12", &rows));
}

/// What no row has as it is: rows with its letters in their order are looked for.
#[divan::bench]
fn misspelt(bencher: Bencher) {
    let rows = rows();
    bencher
        .with_inputs(ListFilter::default)
        .bench_refs(|filter| filter.update("vnt-19", &rows));
}
