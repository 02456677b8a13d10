//! Information about a code that isn't in the table: the meaning of codes like it, and known codes that are similar.

use super::known::all;
use super::search::is_entra;

/// Information about a code that isn't in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFamily {
    /// General meaning of codes like it.
    pub meaning: &'static str,
    /// Place to look up such codes; `None` if the code beside it says more.
    pub look_up: Option<String>,
}

const ARM: &str = "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors";
const GRAPH: &str = "https://learn.microsoft.com/graph/errors";
const VENDOR: &str = "The vendor's API rejected the request. See the message for the reason.";
const DIRECTORY: &str = "Microsoft Graph rejected the request. See its details for the reason.";

/// Prefixes of the codes of a family, their meaning, and the place to look them up.
const BY_BEGINNING: [(&str, &str, &str); 8] = [
    (
        "Konnect",
        VENDOR,
        "https://developer.konghq.com/api/konnect/cloud-gateways",
    ),
    ("Aiven", VENDOR, "https://api.aiven.io/doc"),
    ("Dragonfly", VENDOR, "https://www.dragonflydb.io/docs/cloud"),
    ("Request_", DIRECTORY, GRAPH),
    ("Authorization_", DIRECTORY, GRAPH),
    ("Authentication_", DIRECTORY, GRAPH),
    ("Directory_", DIRECTORY, GRAPH),
    ("Service_", DIRECTORY, GRAPH),
];

/// The family of a code that is not in the table.
pub fn family(code: &str) -> ErrorFamily {
    if is_entra(code) {
        let number = &code["AADSTS".len()..];
        return ErrorFamily {
            meaning: "Microsoft Entra rejected the sign-in or the consent.",
            look_up: Some(format!("https://login.microsoftonline.com/error?code={number}")),
        };
    }
    if let Some(meaning) = code.parse().ok().and_then(of_status) {
        return ErrorFamily { meaning, look_up: None };
    }
    let mut families = BY_BEGINNING.iter();
    let (meaning, look_up) = families.find(|(head, ..)| starts_with(code, head)).map_or_else(
        || (by_its_words(code), ARM),
        |(_, meaning, look_up)| (*meaning, *look_up),
    );
    ErrorFamily {
        meaning,
        look_up: Some(look_up.to_owned()),
    }
}

fn starts_with(code: &str, head: &str) -> bool {
    code.get(..head.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(head))
}

/// HTTP's own meaning of a status.
fn of_status(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "HTTP 401: the token is missing or was rejected (sign-in).",
        403 => "HTTP 403: you don't have permission, or a policy denies it.",
        404 => "HTTP 404: it doesn't exist, or this identity can't see it.",
        408 | 504 => "HTTP 408 and 504: the request timed out. It may still have been completed.",
        409 => "HTTP 409: the resource already exists, is locked or is being changed.",
        429 => "HTTP 429: too many requests. Wait for the time in Retry-After.",
        400..=499 => "HTTP 4xx: the request was rejected, and fails again until something changes.",
        500..=599 => "HTTP 5xx: the service is temporarily unavailable. Try the same request later.",
        _ => return None,
    })
}

fn by_its_words(code: &str) -> &'static str {
    let has = |word: &str| code.to_ascii_lowercase().contains(word);
    let families: [(&[&str], &str); 7] = [
        (
            &["notfound", "doesnotexist"],
            "A resource in the request doesn't exist, or this identity can't see it.",
        ),
        (&["throttl", "toomany"], "Too many requests. Wait, then try again."),
        (
            &["limit", "quota"],
            "A limit of Azure or of the subscription was reached.",
        ),
        (
            &["authorization", "forbidden", "denied", "disallowed", "notallowed"],
            "You don't have permission, or a policy denies it.",
        ),
        (
            &["authentication", "token", "unauthorized"],
            "The sign-in was rejected.",
        ),
        (
            &["exist", "inuse", "conflict", "inprogress"],
            "The change conflicts with the current state.",
        ),
        (
            &["invalid", "malformed", "missing", "badrequest"],
            "A value in the request is missing or not valid.",
        ),
    ];
    let family = families.iter().find(|(words, _)| words.iter().any(|word| has(word)));
    family.map_or(
        "The code is unknown. See the message that came with it.",
        |(_, meaning)| meaning,
    )
}

/// The codes of the table that are most like this one.
pub fn near(code: &str) -> Vec<&'static str> {
    const MOST: usize = 5;
    const LONGEST: usize = 100;
    // Numbers are no words: a near one means something else.
    let numbered = is_entra(code) || code.bytes().all(|byte| byte.is_ascii_digit());
    if code.len() > LONGEST || numbered {
        return Vec::new();
    }
    let wanted = code.to_ascii_lowercase();
    let mut near: Vec<(usize, &'static str)> = Vec::new();
    for known in all() {
        let other = known.code.to_ascii_lowercase();
        let apart = distance(&wanted, &other);
        let within = |one: &str, other: &str| one.len() >= 6 && other.contains(one);
        let close = apart <= (wanted.len() / 4).max(2).min(wanted.len() / 2);
        if (close || within(&wanted, &other) || within(&other, &wanted))
            && !near.iter().any(|(_, code)| *code == known.code)
        {
            near.push((apart, &known.code));
        }
    }
    near.sort();
    near.into_iter().take(MOST).map(|(_, code)| code).collect()
}

/// Returns the number of letters to insert, remove, or replace to turn one text into the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_neighbours_of_unknown_codes() {
        let table = [
            ("AADSTS99999", "sign-in"),
            ("403", "HTTP 403"),
            ("418", "HTTP 4xx"),
            ("502", "HTTP 5xx"),
            ("KonnectTeapot", "vendor"),
            ("Request_Strange", "Graph"),
            ("ZoneLimitReached", "limit"),
            ("ThingNotFound", "doesn't exist"),
            ("Xyzzy", "The code is unknown"),
        ];
        for (code, meaning) in table {
            assert!(family(code).meaning.contains(meaning), "{code}: {:?}", family(code));
        }
        assert!(
            family("AADSTS99999")
                .look_up
                .is_some_and(|url| url.ends_with("code=99999"))
        );
        assert_eq!(near("AADSTS7000225"), [""; 0], "numbers are not misspelled");
        assert_eq!(near("AuthorisationFailed").first(), Some(&"AuthorizationFailed"));
        assert!(near("PeeringIsDisconnected").contains(&"RemotePeeringIsDisconnected"));
        assert_eq!(near("403"), [""; 0]);
        assert_eq!(near("Xyzzy"), [""; 0]);
    }
}
