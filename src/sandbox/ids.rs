//! Ids that look random and are the same in every run with the same seed.

use std::collections::HashMap;

use uuid::{Builder, Uuid};

/// Makes ids. Those of things that stay in the world are derived from what the thing is, so that two clients that race
/// each other still leave the same world; those of requests and operations come from a seeded sequence.
#[derive(Debug, Clone)]
pub(super) struct IdGenerator {
    seed: u64,
    sequence: u64,
    named: HashMap<String, u32>,
}

impl IdGenerator {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            sequence: seed,
            named: HashMap::new(),
        }
    }

    /// The next id of the sequence.
    pub(super) fn next(&mut self) -> Uuid {
        let (high, low) = (self.draw(), self.draw());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// An id for the thing named by `parts`; asked for again (the thing was removed and made anew), another one.
    pub(super) fn named(&mut self, parts: &[&str]) -> Uuid {
        let name = parts.join("\n").to_lowercase();
        let count = self.named.entry(name.clone()).or_default();
        *count += 1;
        let text = format!("{}\n{name}\n{count}", self.seed);
        let hashed = Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes());
        Builder::from_random_bytes(*hashed.as_bytes()).into_uuid()
    }

    /// SplitMix64: enough for ids that only have to differ.
    fn draw(&mut self) -> u64 {
        self.sequence = self.sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.sequence;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// An id that always belongs to `text` (etags, `resourceGuid`).
pub(super) fn derived(text: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.to_lowercase().as_bytes())
}
