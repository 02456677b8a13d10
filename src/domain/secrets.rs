//! The secrets of this process, and the one function that every output passes: a service, a proxy or a helper program
//! may send back what it was given, in whatever encoding, and none of it is shown.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Replacement for a secret.
pub const REDACTED: &str = "[redacted]";

/// A shorter text is masked only if it has a digit or a symbol: a plain word of that length stands in many a sentence.
const SHORT: usize = 8;
/// A text below this length isn't masked: it would tear holes into everything.
const SHORTEST: usize = 5;

static KNOWN: RwLock<SecretRegistry> = RwLock::new(SecretRegistry {
    raw: BTreeSet::new(),
    needles: Vec::new(),
    by_head: BTreeMap::new(),
});

/// The first bytes of a needle, by which it is looked up.
const HEAD: usize = 4;

struct SecretRegistry {
    raw: BTreeSet<String>,
    /// The secrets and their base64 forms; other encodings are read while comparing.
    needles: Vec<String>,
    /// The needles by their first bytes: a process that runs long has thousands.
    by_head: BTreeMap<[u8; HEAD], Vec<usize>>,
}

/// Takes note of a secret: from now on [`mask`] hides it.
pub fn remember_secret(secret: &str) {
    let secret = secret.trim();
    let plain_word = secret.chars().all(char::is_alphabetic);
    if secret.len() < SHORTEST || secret.len() < SHORT && plain_word {
        return;
    }
    if KNOWN
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .raw
        .contains(secret)
    {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if known.raw.insert(secret.to_owned()) {
        for needle in forms(secret) {
            let place = known.needles.len();
            if let Some(head) = needle.as_bytes().first_chunk() {
                known.by_head.entry(*head).or_default().push(place);
            }
            known.needles.push(needle);
        }
    }
}

/// Returns whether the text is, or contains, a secret of this process.
pub fn holds_secret(text: &str) -> bool {
    matches!(mask(text), Cow::Owned(_))
}

/// Returns the text with [`REDACTED`] in place of every known secret (as it is, percent-, form-, JSON-, HTML- or
/// base64-encoded, also where its end is cut off), of every JSON web token, and of a name and password in an address.
pub fn mask(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let bytes = text.as_bytes();
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (skip, length) = match userinfo(rest) {
            0 => (0, known.secret(rest).max(web_token(rest))),
            length => ("://".len(), length),
        };
        if length == 0 {
            at += 1;
            continue;
        }
        let mut end = at + skip + length;
        while !text.is_char_boundary(end) {
            end += 1;
        }
        out.push_str(&text[copied..at + skip]);
        out.push_str(REDACTED);
        (copied, at) = (end, end);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// The secret itself, and what base64 makes of it at each of the three places where it can stand among other bytes.
fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([secret.to_owned()]);
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret.as_bytes());
        // The first and the last letters also depend on what stands beside the secret.
        let (from, whole) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.extend(
                encoded
                    .get(from..whole)
                    .filter(|form| form.len() >= SHORTEST)
                    .map(str::to_owned),
            );
        }
    }
    forms
}

impl SecretRegistry {
    /// The length of the secret that `text` begins with; 0 where it begins with none.
    fn secret(&self, text: &[u8]) -> usize {
        let longest = |places: &Vec<usize>| {
            let needles = places.iter().filter_map(|place| self.needles.get(*place));
            needles
                .map(|needle| begins_with(text, needle.as_bytes()))
                .max()
                .unwrap_or(0)
        };
        let Some(head) = text.first_chunk::<HEAD>() else {
            return 0;
        };
        if !head.iter().any(|byte| ENCODINGS.contains(byte)) {
            return self.by_head.get(head).map_or(0, longest);
        }
        let mut heads = Vec::new();
        read_heads(text, [0; HEAD], 0, &mut heads);
        let found = heads.iter().filter_map(|head| self.by_head.get(head));
        found.map(longest).max().unwrap_or(0)
    }
}

/// Returns the length of the part of `text` that matches the needle, whose end may be cut off; 0 if too little of it
/// matches.
fn begins_with(text: &[u8], needle: &[u8]) -> usize {
    // Half of a long one is enough to know it by, and too much to show.
    let enough = needle.len().min(16.max(needle.len() / 2)).min(32);
    let (mut at, mut same) = (0, 0);
    for byte in needle {
        let Some(length) = encoded(&text[at..], *byte) else {
            break;
        };
        at += length;
        same += 1;
    }
    if same < enough { 0 } else { at }
}

/// Adds every way to read the first bytes of a text in which encodings stand.
fn read_heads(text: &[u8], head: [u8; HEAD], read: usize, heads: &mut Vec<[u8; HEAD]>) {
    if read == HEAD {
        heads.push(head);
        return;
    }
    for (byte, length) in readings(text).into_iter().flatten() {
        let mut head = head;
        head[read] = byte;
        read_heads(&text[length..], head, read + 1, heads);
    }
}

/// Bytes that an encoded byte begins with.
const ENCODINGS: [u8; 4] = *b"%\\&+";

/// The length of what stands for `byte` at the beginning of `text`: the byte, or one of its encodings.
fn encoded(text: &[u8], byte: u8) -> Option<usize> {
    let mut readings = readings(text).into_iter().flatten();
    readings.find_map(|(read, length)| (read == byte).then_some(length))
}

/// The bytes that the beginning of `text` can stand for, each with its length there.
fn readings(text: &[u8]) -> [Option<(u8, usize)>; 3] {
    let Some(first) = text.first() else {
        return [None; 3];
    };
    let hex = |digits: &[u8], length: usize| {
        let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
        Some((u8::from_str_radix(digits, 16).ok()?, length))
    };
    let [one, other] = match text {
        [b'+', ..] => [Some((b' ', 1)), None],
        [b'%', b'2', b'5', rest @ ..] => [hex(rest, 5), Some((b'%', 3))],
        [b'%', rest @ ..] => [hex(rest, 3), None],
        [b'\\', b'u', b'0', b'0', rest @ ..] => [hex(rest, 6), Some((b'u', 2))],
        [b'\\', next, ..] => [Some((*next, 2)), None],
        [b'&', ..] => {
            let mut entities = ENTITIES
                .iter()
                .filter(|(_, entity)| text.starts_with(entity.as_bytes()));
            [entities.next().map(|(byte, entity)| (*byte, entity.len())), None]
        }
        _ => [None, None],
    };
    [Some((*first, 1)), one, other]
}

const ENTITIES: [(u8, &str); 5] = [
    (b'&', "&amp;"),
    (b'<', "&lt;"),
    (b'>', "&gt;"),
    (b'"', "&quot;"),
    (b'\'', "&#39;"),
];

/// The length of the JSON web token that `text` begins with: two parts at least, so that a claims challenge, which is to
/// be copied, isn't one.
fn web_token(text: &[u8]) -> usize {
    const LEAST: [usize; 2] = [10, 4];
    if !text.starts_with(b"eyJ") {
        return 0;
    }
    let part = |from: usize| {
        let letter = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        text[from..].iter().take_while(letter).count()
    };
    let mut end = part(0);
    if end < LEAST[0] || text.get(end) != Some(&b'.') || part(end + 1) < LEAST[1] {
        return 0;
    }
    while text.get(end) == Some(&b'.') && part(end + 1) > 0 {
        end += 1 + part(end + 1);
    }
    end
}

/// The length of the name and password behind the `://` that `text` begins with.
fn userinfo(text: &[u8]) -> usize {
    let Some(rest) = text.strip_prefix(b"://") else {
        return 0;
    };
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>\\".contains(byte);
    let authority = rest.iter().position(ends).unwrap_or(rest.len());
    rest[..authority].iter().rposition(|byte| *byte == b'@').unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has everything that encodings differ in.
    const SECRET: &str = "k~8 Q/\"+canary\\ü&end";

    #[test]
    fn mask_secret_hides_any_encoding() {
        remember_secret(SECRET);
        let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let json = serde_json::to_string(SECRET).expect("a text");
        let table = [
            SECRET.to_owned(),
            percent.to_uppercase(),
            percent.replace('%', "%25"),
            percent,
            form,
            json.trim_matches('"').to_owned(),
            SECRET.replace('/', "\\/").replace('&', "\\u0026").replace('"', "\\\""),
            SECRET.replace('&', "&amp;").replace('"', "&quot;"),
        ];
        for encoded in table {
            let masked = mask(&format!("you sent '{encoded}', no")).into_owned();
            assert!(masked.starts_with("you sent '[redacted]"), "{encoded}: {masked}");
            assert!(
                masked.ends_with("', no") && !masked.contains("nary"),
                "{encoded}: {masked}"
            );
        }
        let cut = format!("cut: {}", &SECRET[..17]);
        assert_eq!(mask(&cut), "cut: [redacted]");
    }

    #[test]
    fn mask_base64_hides_any_offset() {
        const TOKEN: &str = "base64~canary~token~1";
        remember_secret(TOKEN);
        for before in ["", "a", "ab", "user:", "Bearer "] {
            for after in ["", "x", "yz"] {
                let plain = format!("{before}{TOKEN}{after}");
                for encoded in [STANDARD_NO_PAD.encode(&plain), URL_SAFE_NO_PAD.encode(&plain)] {
                    let masked = mask(&encoded).into_owned();
                    assert!(masked.contains(REDACTED), "{plain}: {masked}");
                    // What the edges show is no whole letter of it.
                    assert!(
                        masked.len() < before.len() * 2 + after.len() * 2 + REDACTED.len() + 6,
                        "{masked}"
                    );
                }
            }
        }
    }

    #[test]
    fn mask_web_token_keeps_claims_challenge() {
        let table = [
            (
                "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln, no",
                "Bearer [redacted], no",
            ),
            ("eyJhbGciOiJub25lIn0.eyJzdWIi", "[redacted]"),
            (
                "--claims-challenge \"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\".",
                "--claims-challenge \"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\".",
            ),
            ("eyJhY2Nlc3NfdG9rZW4iOnt9fQ. Then", "eyJhY2Nlc3NfdG9rZW4iOnt9fQ. Then"),
        ];
        for (text, expected) in table {
            assert_eq!(mask(text), expected);
        }
    }

    #[test]
    fn mask_password_in_address() {
        let table = [
            (
                "proxy http://user:p%40ss@proxy:8080/ fails",
                "proxy http://[redacted]@proxy:8080/ fails",
            ),
            ("'https://u:p@w@h'", "'https://[redacted]@h'"),
            ("https://host/path@2 and a@b", "https://host/path@2 and a@b"),
        ];
        for (text, expected) in table {
            assert_eq!(mask(text), expected);
        }
    }

    #[test]
    fn remember_secret_ignores_common_words() {
        for word in ["", "ab1", "secret", "  "] {
            remember_secret(word);
        }
        assert_eq!(mask("the secret ab1"), "the secret ab1");
        remember_secret("hunter2");
        assert_eq!(mask("it is hunter2"), "it is [redacted]");
    }
}
