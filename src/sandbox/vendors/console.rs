//! Elements that the vendors' consoles share: tables, and a form whose labels are the vendor's own words.

use http::StatusCode;

use crate::sandbox::message::{self, FormBody, SandboxResponse, escape};
use crate::sandbox::page::frame;

/// A form of a console.
pub(super) struct ConsoleSheet<'a> {
    pub(super) title: &'a str,
    /// Description of the form: a line above the fields.
    pub(super) about: String,
    /// Name, and label as the vendor writes it.
    pub(super) fields: &'a [(&'a str, &'a str)],
    /// HTML between the fields and the button.
    pub(super) more: String,
    pub(super) button: &'a str,
}

impl ConsoleSheet<'_> {
    /// The page, filled in with what was given before; with a problem it says why that was not taken.
    pub(super) fn page(&self, given: &FormBody, problem: Option<&str>) -> SandboxResponse {
        let fields = self.fields.iter().map(|(name, label)| {
            let value = escape(given.get(name).unwrap_or_default());
            format!("<label>{label}<input name=\"{name}\" value=\"{value}\" required></label>")
        });
        let trouble = problem.map(|text| format!("<p><b>{}</b></p>", escape(text)));
        let body = format!(
            "<h1>{}</h1><p>{}</p>{}<form method=\"post\">{}{}<button class=\"primary\">{}</button></form>",
            escape(self.title),
            escape(&self.about),
            trouble.unwrap_or_default(),
            fields.collect::<String>(),
            self.more,
            escape(self.button)
        );
        let status = match problem {
            Some(_) => StatusCode::BAD_REQUEST,
            None => StatusCode::OK,
        };
        message::html(status, frame(self.title, &body))
    }

    /// Returns the error for a form in which a field is empty.
    pub(super) fn unfilled(&self, given: &FormBody) -> Option<String> {
        let empty = self.fields.iter().find(|(name, _)| field(given, name).is_empty());
        empty.map(|(_, label)| format!("{label} is required."))
    }

    /// That it was done, with the way back.
    pub(super) fn done(&self, text: &str, back: &str) -> SandboxResponse {
        let body = format!("<h1>Done</h1><p>{} <a href=\"{back}\">Back</a></p>", escape(text));
        message::html(StatusCode::OK, frame(self.title, &body))
    }
}

/// A field without the blanks that pasting brings.
pub(super) fn field(given: &FormBody, name: &str) -> String {
    given.get(name).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// A table; the cells are text.
pub(super) fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows = rows.map(|cells| cells.iter().map(|cell| escape(cell)).collect());
    raw_table(heads, rows)
}

/// A table; the cells are HTML.
pub(super) fn raw_table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let rows: String = rows
        .map(|cells| {
            let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            format!("<tr>{cells}</tr>")
        })
        .collect();
    format!("<table><tr>{heads}</tr>{rows}</table>")
}
