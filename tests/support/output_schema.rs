//! Holds documents against `.github/docs/output.schema.json`. Reads the keywords that this schema uses, and no others.

use std::sync::LazyLock;

use serde_json::Value;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../.github/docs/output.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
});

const KEYWORDS: [&str; 16] = [
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "minimum",
    "anyOf",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "default",
    "examples",
];

/// Panics unless the document matches the schema.
#[track_caller]
pub fn assert_documented(document: &Value) {
    let errors = errors(&SCHEMA, document, "");
    assert!(errors.is_empty(), "{}\n{document:#}", errors.join("\n"));
}

/// Panics unless the document matches this definition of the schema.
#[track_caller]
pub fn assert_matches(definition: &str, document: &Value) {
    let errors = errors(&SCHEMA["$defs"][definition], document, definition);
    assert!(errors.is_empty(), "{}\n{document:#}", errors.join("\n"));
}

/// Returns what differs, each with its place.
fn errors(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let keywords = schema.as_object().expect("a schema is an object");
    let mut found = Vec::new();
    for keyword in keywords.keys() {
        assert!(KEYWORDS.contains(&keyword.as_str()), "the keyword {keyword} isn't read");
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        let definition = &SCHEMA["$defs"][name];
        assert!(definition.is_object(), "{name} is defined");
        found.extend(errors(definition, value, at));
    }
    if let Some(kind) = schema["type"].as_str()
        && !has_type(value, kind)
    {
        found.push(format!("{at}: not of type {kind}"));
    }
    if keywords.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: not {}", schema["const"]));
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        found.push(format!("{at}: {value} isn't one of {}", schema["enum"]));
    }
    if let Some(schemas) = schema["anyOf"].as_array() {
        let each: Vec<Vec<String>> = schemas.iter().map(|schema| errors(schema, value, at)).collect();
        if each.iter().all(|errors| !errors.is_empty()) {
            let closest = each.into_iter().min_by_key(Vec::len);
            found.extend(closest.unwrap_or_default());
        }
    }
    if let (Some(items), Some(values)) = (keywords.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            found.extend(errors(items, value, &format!("{at}/{index}")));
        }
    }
    if let Some(fields) = value.as_object() {
        for (name, value) in fields {
            let at = format!("{at}/{name}");
            match (schema["properties"].get(name), keywords.get("additionalProperties")) {
                (Some(schema), _) => found.extend(errors(schema, value, &at)),
                (None, Some(Value::Bool(false))) => found.push(format!("{at}: not in the schema")),
                (None, Some(schema @ Value::Object(_))) => found.extend(errors(schema, value, &at)),
                (None, _) => {}
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().expect("a name")) {
                found.push(format!("{at}: {name} is missing"));
            }
        }
    }
    found
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => panic!("the type {kind} isn't read"),
    }
}
