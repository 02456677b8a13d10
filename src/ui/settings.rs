//! Inputs as a table: what each is, and where that came from.

use console::{Alignment, measure_text_width, pad_str};

use crate::domain::{lines, sanitize_for_terminal};

/// Columns of a value beyond which it does not push the others' sources to the right.
const LONG: usize = 36;

/// One input.
#[derive(Debug)]
pub struct DisplaySetting {
    pub name: String,
    /// None where it is not set, or is to have none.
    pub values: Vec<String>,
    /// Empty where it is not set.
    pub from: String,
}

/// A line each, at most `width` columns wide where values allow: these are for copying, and stay whole.
pub fn settings(settings: &[DisplaySetting], width: usize) -> Vec<String> {
    let names = settings.iter().map(|one| measure_text_width(&one.name)).max();
    let values = settings
        .iter()
        .flat_map(|one| &one.values)
        .map(|one| measure_text_width(one));
    let values = values.filter(|columns| *columns <= LONG).max();
    let (names, values) = (names.unwrap_or(0), values.unwrap_or(0));
    let pad = |text: &str, columns| pad_str(text, columns, Alignment::Left, None).into_owned();
    let row = |one: &DisplaySetting| -> Vec<String> {
        let texts: Vec<String> = match one.values.as_slice() {
            [] if one.from.is_empty() => vec!["not set".to_owned()],
            [] => vec!["none".to_owned()],
            values => values.iter().map(|value| sanitize_for_terminal(value)).collect(),
        };
        let beside = texts.iter().enumerate().map(|(index, text)| match index {
            0 => format!("  {}  {}  {}", pad(&one.name, names), pad(text, values), one.from),
            _ => format!("  {}  {text}", pad("", names)),
        });
        let beside: Vec<String> = beside.map(|line| line.trim_end().to_owned()).collect();
        if beside.iter().all(|line| measure_text_width(line) <= width) {
            return beside;
        }
        let below = lines(&one.from, width.saturating_sub(4))
            .into_iter()
            .filter(|line| !line.is_empty());
        let below = texts.into_iter().chain(below).map(|text| format!("    {text}"));
        std::iter::once(format!("  {}", one.name)).chain(below).collect()
    };
    settings.iter().flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, values: &[&str], from: &str) -> DisplaySetting {
        DisplaySetting {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            from: from.to_owned(),
        }
    }

    #[test]
    fn settings_use_columns_or_blocks() {
        let id = "/subscriptions/11d0b6a2/resourceGroups/rg-network/vnet-app";
        let rows = [
            setting("vendor", &["kong"], "flag"),
            setting("vnet-id", &[id], "PEERCTL_VNET_ID"),
            setting("set dns", &["a", "b\u{1b}"], "profile x, line 4"),
            setting("auth", &[], ""),
            setting("set a", &[], "flag"),
        ];
        let long = format!("  vnet-id  {id}  PEERCTL_VNET_ID");
        let wide = [
            "  vendor   kong  flag",
            &long,
            "  set dns  a     profile x, line 4",
            "           b\u{fffd}",
            "  auth     not set",
            "  set a    none  flag",
        ];
        assert_eq!(settings(&rows, usize::MAX), wide);
        let narrow = settings(&rows, 30);
        let value = format!("    {id}");
        let expected = [
            "  vendor   kong  flag",
            "  vnet-id",
            &value,
            "    PEERCTL_VNET_ID",
            "  set dns",
            "    a",
            "    b\u{fffd}",
        ];
        assert_eq!(narrow[..7], expected);
        assert!(
            narrow.iter().all(|line| line.chars().count() <= 30 || *line == value),
            "{narrow:?}"
        );
    }
}
