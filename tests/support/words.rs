//! Words that user-visible texts avoid, and where to look for them: what reads as translated, or is a private metaphor.

/// Words that start with one of these are not used, whatever they end in.
const STEMS: [&str; 6] = ["mend", "nobody", "rehears", "somebody", "survey", "whoever"];

/// Words and groups of words that are not used.
const GROUPS: [&str; 16] = [
    "anew",
    "besides",
    "go on",
    "goes on",
    "going on",
    "of azure's",
    "of entra's",
    "of peerctl's",
    "of setup's",
    "our direction",
    "packet",
    "packets",
    "takes a role",
    "theirs",
    "told",
    "whose turn",
];

/// Returns the avoided words in a text, each with the words around it. Names in braces, paths and flags are not words.
pub fn avoided(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('’', "'");
    let is_name = |word: &&str| {
        word.contains(['/', '{', '$']) || word.trim_start_matches('`').starts_with("--") || word.ends_with(".rs")
    };
    let words: Vec<&str> = lower
        .split_whitespace()
        .filter(|word| !is_name(word))
        .flat_map(|word| word.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-'))
        .map(|word| word.trim_matches(['\'', '-']))
        .filter(|word| !word.is_empty())
        .collect();
    let starts = |at: usize, group: &str| {
        let group: Vec<&str> = group.split(' ').collect();
        words[at..].starts_with(&group)
    };
    // "'x' is no tenant", but not "there is no tenant" and "it is no longer needed".
    let negates = |at: usize| {
        let after = words.get(at + 2).copied().unwrap_or_default();
        let is_there = at > 0 && words[at - 1] == "there";
        starts(at, "is no") && !is_there && !["", "longer", "more"].contains(&after)
    };
    let is_avoided = |at: &usize| {
        let is_stem = STEMS.iter().any(|stem| words[*at].starts_with(stem));
        is_stem || GROUPS.iter().any(|group| starts(*at, group)) || negates(*at)
    };
    let around = |at: usize| words[at.saturating_sub(4)..words.len().min(at + 5)].join(" ");
    (0..words.len()).filter(is_avoided).map(around).collect()
}

/// Returns the string literals of a Rust file that read as text, without those of its tests.
pub fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, here) = rest.split_at(at);
        rest = if here.starts_with("//") {
            here.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(text) = here.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before[..before.len() - hashes].ends_with('r');
            let end = if is_raw {
                text.find(&format!("\"{}", "#".repeat(hashes))).map(|end| end + 1)
            } else {
                closing(here)
            };
            let end = end.unwrap_or(here.len() - 1);
            let literal = here[1..end].replace("\\n", " ").replace('\\', " ");
            found.extend(literal.trim().contains(' ').then_some(literal));
            &here[end + 1..]
        } else if here.starts_with("'\"'") || here.starts_with("'\\\"'") {
            &here[here[1..].find('\'').map_or(1, |end| end + 2)..]
        } else {
            &here[1..]
        };
    }
    found
}

/// Where the string that the text starts with ends.
fn closing(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends.then_some(at)
    })
}
