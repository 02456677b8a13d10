//! The word that was probably meant: "Did you mean 'x'?" for values that are chosen from a known set.

/// The least likeness (Jaro–Winkler, 0 to 1) at which a word counts as a misspelling of another.
const LIKENESS: f64 = 0.8;

/// The known word that is most like `text`, where one is close.
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    let rated = known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&text, &word.to_lowercase()), word));
    let close = rated.filter(|(likeness, _)| *likeness > LIKENESS);
    close
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, word)| word)
}

/// ` Did you mean 'x'?`, or nothing where no known word is close.
pub fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(text, known).map_or_else(String::new, |word| format!(" Did you mean '{word}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_suggests_only_close_words() {
        const KNOWN: [&str; 9] = [
            "kong",
            "aiven",
            "dragonfly",
            "azure-cli",
            "usgov",
            "consent",
            "network",
            "shop",
            "Contoso Production",
        ];
        let table = [
            ("kongg", Some("kong")),
            ("azurecli", Some("azure-cli")),
            ("usgv", Some("usgov")),
            ("consnt", Some("consent")),
            ("netwrk", Some("network")),
            ("shp", Some("shop")),
            ("contoso prodution", Some("Contoso Production")),
            ("nope", None),
            ("none", None),
            ("", None),
            ("aws", None),
        ];
        for (text, expected) in table {
            assert_eq!(nearest(text, KNOWN), expected, "{text}");
        }
        assert_eq!(did_you_mean("KONGG", KNOWN), " Did you mean 'kong'?");
        assert_eq!(did_you_mean("nope", KNOWN), "");
    }
}
