//! HCL, laid out as `terraform fmt` lays it out: two spaces a level, one blank line between blocks, and the `=` of
//! neighbouring lines in one column.

use crate::domain::{is_terminal_control, lines, sanitize_for_terminal};

/// Columns of a comment, without its indent.
const COMMENT: usize = 110;

/// The right side of an argument.
#[derive(Debug, Clone)]
pub(super) enum HclValue {
    /// Data: quoted, and nothing in it is a template.
    Text(String),
    /// An expression, as it stands.
    Code(String),
    List(Vec<HclValue>),
    Object(Vec<(&'static str, HclValue)>),
}

/// Data.
pub(super) fn text(text: impl ToString) -> HclValue {
    HclValue::Text(text.to_string())
}

/// An expression.
pub(super) fn code(code: impl Into<String>) -> HclValue {
    HclValue::Code(code.into())
}

/// Data, several times.
pub(super) fn texts<T: ToString>(texts: impl IntoIterator<Item = T>) -> HclValue {
    HclValue::List(texts.into_iter().map(text).collect())
}

/// Expressions, several times.
pub(super) fn codes<T: Into<String>>(codes: impl IntoIterator<Item = T>) -> HclValue {
    HclValue::List(codes.into_iter().map(code).collect())
}

/// A literal that HCL reads as this text. What a terminal would obey or hide is written as its number.
pub(super) fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    let mut chars = text.chars().peekable();
    let mut before = '"';
    while let Some(c) = chars.next() {
        match c {
            // A pipeline's log obeys "##[".
            '#' if before == '#' => out.push_str("\\u0023"),
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // Twice, it begins no template.
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([c, c]),
            c if is_terminal_control(c) && c > '\u{ffff}' => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c if is_terminal_control(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        before = c;
    }
    out + "\""
}

/// One line: what stands before the `=`, and what from it on. A line that opens a list or an object has no `=` of its
/// own here, because none is brought into its column.
struct HclLine {
    depth: usize,
    lead: String,
    assigned: Option<String>,
}

/// A file, or what a block holds.
#[derive(Default)]
pub(super) struct HclBody {
    depth: usize,
    lines: Vec<HclLine>,
    /// Whether the last line is a block: no argument follows it without a blank line.
    after_block: bool,
}

impl HclBody {
    /// An argument.
    pub(super) fn set(&mut self, name: &str, value: impl Into<HclValue>) -> &mut Self {
        if self.after_block {
            self.apart();
        }
        self.after_block = false;
        self.value(self.depth, name, value.into(), "");
        self
    }

    /// A block: `head` is its type and labels.
    pub(super) fn block(&mut self, head: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.apart();
        let mut inner = Self {
            depth: self.depth + 1,
            ..Self::default()
        };
        fill(&mut inner);
        self.after_block = true;
        if inner.lines.is_empty() {
            self.line(self.depth, format!("{head} {{}}"), None);
            return self;
        }
        self.line(self.depth, format!("{head} {{"), None);
        self.lines.extend(inner.lines);
        self.line(self.depth, "}", None);
        self
    }

    /// A resource.
    pub(super) fn resource(&mut self, kind: &str, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.block(&format!("resource \"{kind}\" \"{name}\""), fill)
    }

    /// A paragraph of comment, with what follows it. Two in a row are two paragraphs of one.
    pub(super) fn comment(&mut self, text: &str) -> &mut Self {
        if self.lines.last().is_some_and(is_comment) {
            self.line(self.depth, "#", None);
        }
        self.apart();
        for line in lines(&sanitize_for_terminal(text), COMMENT) {
            self.line(self.depth, format!("# {line}"), None);
        }
        self
    }

    /// Lines of comment as they are: commands, and values to copy.
    pub(super) fn verbatim<T: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = T>) -> &mut Self {
        for line in lines {
            self.line(
                self.depth,
                format!("#     {}", sanitize_for_terminal(line.as_ref())),
                None,
            );
        }
        self
    }

    /// Ends what a comment belongs to: what follows stands apart from it.
    pub(super) fn blank(&mut self) -> &mut Self {
        self.line(0, "", None);
        self
    }

    /// A blank line before what follows, where there is none and no comment of it.
    fn apart(&mut self) {
        if self
            .lines
            .last()
            .is_some_and(|line| !line.lead.is_empty() && !is_comment(line))
        {
            self.blank();
        }
    }

    fn line(&mut self, depth: usize, lead: impl Into<String>, assigned: Option<String>) {
        self.lines.push(HclLine {
            depth,
            lead: lead.into(),
            assigned,
        });
    }

    /// `name = value`, or the value alone where it has no name; `end` comes behind it.
    fn value(&mut self, depth: usize, name: &str, value: HclValue, end: &str) {
        let opens = |bracket: char| match name {
            "" => bracket.to_string(),
            name => format!("{name} = {bracket}"),
        };
        match value {
            HclValue::List(items) if items.len() > 1 || items.iter().any(is_object) => {
                self.line(depth, opens('['), None);
                for item in items {
                    self.value(depth + 1, "", item, ",");
                }
                self.line(depth, format!("]{end}"), None);
            }
            HclValue::Object(members) => {
                self.line(depth, opens('{'), None);
                for (name, value) in members {
                    self.value(depth + 1, name, value, "");
                }
                self.line(depth, format!("}}{end}"), None);
            }
            value if name.is_empty() => self.line(depth, format!("{}{end}", in_line(&value)), None),
            value => self.line(depth, name, Some(in_line(&value))),
        }
    }
}

impl From<&str> for HclValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for HclValue {
    fn from(value: bool) -> Self {
        Self::Code(value.to_string())
    }
}

impl std::fmt::Display for HclBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neighbours with a `=` have it in one column.
        for neighbours in self.lines.chunk_by(|a, b| a.assigned.is_some() && b.assigned.is_some()) {
            let column = neighbours.iter().map(|line| line.lead.len()).max().unwrap_or_default();
            for line in neighbours {
                let indent = "  ".repeat(line.depth);
                match &line.assigned {
                    Some(value) => writeln!(f, "{indent}{:column$} = {value}", line.lead)?,
                    None => writeln!(f, "{indent}{}", line.lead)?,
                }
            }
        }
        Ok(())
    }
}

fn is_comment(line: &HclLine) -> bool {
    line.lead.starts_with('#')
}

fn is_object(value: &HclValue) -> bool {
    matches!(value, HclValue::Object(_))
}

fn in_line(value: &HclValue) -> String {
    match value {
        HclValue::Text(text) => quoted(text),
        HclValue::Code(code) => code.clone(),
        HclValue::List(items) => format!("[{}]", items.iter().map(in_line).collect::<Vec<_>>().join(", ")),
        HclValue::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hcl_layout_matches_terraform_fmt() {
        let mut file = HclBody::default();
        file.comment("One.").blank().comment("Two.").block("locals", |body| {
            body.set("a", "1").set("long_name", true);
            body.set("list", texts(["x", "y"])).set("b", texts(["z"]));
            body.block("features", |_| {}).set("c", code("var.c"));
            body.set(
                "object",
                HclValue::Object(vec![("k", text("v")), ("longer", code("1"))]),
            );
        });
        let expected = "# One.\n\n# Two.\nlocals {\n  a         = \"1\"\n  long_name = true\n  list = [\n    \"x\",\n    \"y\",\n  ]\n  \
                        b = [\"z\"]\n\n  features {}\n\n  c = var.c\n  object = {\n    k      = \"v\"\n    longer = 1\n  }\n}\n";
        assert_eq!(file.to_string(), expected);
    }

    proptest::proptest! {
        #[test]
        fn a_parser_gives_back_every_text(text in r#"([${%}"\\\n]|\PC|.){0,40}"#) {
            let body: hcl_edit::structure::Body = format!("a = {}\n", quoted(&text)).parse().expect("HCL");
            let read = body.get_attribute("a").and_then(|argument| argument.value.as_str());
            proptest::prop_assert_eq!(read, Some(text.as_str()));
        }
    }

    #[test]
    fn hcl_escapes_templates_and_quotes() {
        let table = [
            ("vnet-app", r#""vnet-app""#),
            (r#"a"b\"#, r#""a\"b\\""#),
            ("${x} %{if} $$ %", r#""$${x} %%{if} $$ %""#),
            ("a\nb\t", r#""a\nb\u0009""#),
            ("\u{1b}[2J\u{202e}", r#""\u001b[2J\u202e""#),
        ];
        for (text, expected) in table {
            assert_eq!(quoted(text), expected);
        }
    }
}
