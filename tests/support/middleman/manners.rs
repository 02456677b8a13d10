//! The same document in other words.

use serde_json::{Map, Value, json};

/// Ids as some services write them: `resourcegroups`, `microsoft.network`, names in lower case.
pub fn lower_ids(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("/subscriptions/") => *text = text.to_lowercase(),
        Value::Array(items) => items.iter_mut().for_each(lower_ids),
        Value::Object(fields) => fields.values_mut().for_each(lower_ids),
        _ => (),
    }
}

/// Nothing that is null or empty, and nothing that only decorates.
pub fn strip(value: &mut Value) {
    const DECORATION: [&str; 10] = [
        "etag",
        "type",
        "resourceGuid",
        "createdOn",
        "updatedOn",
        "createdBy",
        "updatedBy",
        "routeServiceVips",
        "@odata.context",
        "count",
    ];
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(fields) => {
            // The kind of a role is no decoration, and a list says that it is empty.
            fields.retain(|name, value| {
                let empty = value.is_null() || name != "value" && value.as_array().is_some_and(Vec::is_empty);
                let decorates = DECORATION.contains(&name.as_str()) && value != "CustomRole" && value != "BuiltInRole";
                !empty && !decorates
            });
            fields.values_mut().for_each(strip);
        }
        _ => (),
    }
}

/// JSON with the fields of every object in the opposite order, and one in front that nobody knows.
pub fn backwards(value: &Value) -> String {
    let object = |fields: &Map<String, Value>| {
        let unknown = "\"someNewField\":{\"of\":[\"a later version\",null,1.5]}".to_owned();
        let known = fields
            .iter()
            .rev()
            .map(|(name, value)| format!("{}:{}", json!(name), backwards(value)));
        std::iter::once(unknown)
            .chain(known)
            .collect::<Vec<_>>()
            .join(",\r\n  ")
    };
    match value {
        Value::Object(fields) => format!("{{\r\n  {}\r\n}}", object(fields)),
        Value::Array(items) => format!("[{}]", items.iter().map(backwards).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// A gzip file whose one block is stored as it is.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut sum = u32::MAX;
    for byte in data {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks = data.chunks(usize::from(u16::MAX));
    let last = blocks.len() - 1;
    for (number, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).expect("a block's length");
        file.push(u8::from(number == last));
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    file.extend((!sum).to_le_bytes());
    file.extend(u32::try_from(data.len()).expect("a file's length").to_le_bytes());
    file
}
