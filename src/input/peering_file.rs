//! Many peerings in one file: what each of them needs, under the names of the flags.
//!
//! ```toml
//! [defaults]
//! vendor = "kong"
//! set = { network = "my-network" }
//!
//! [[peering]]
//! name = "shop"
//! vnet-id = "/subscriptions/…"
//!
//! [[peering]]
//! vnet-ids = ["/subscriptions/…", "/subscriptions/…"]
//! ```

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::profile_file::{ProfileValues, SourceFile, WithLine, in_order, refuse, string};
use super::table::VNET_PARTS;
use crate::domain::VnetId;
use crate::errors::RunError;

const NAME: &str = "name";
const DEFAULTS: &str = "defaults";
const ROWS: &str = "peering";
/// Several networks that are peered alike: a row each.
const VNETS: &str = "vnet-ids";

/// One peering of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringSpec {
    /// Its own, or made of the network's and the vendor's.
    pub name: String,
    /// Line of the file in which the peering begins, from 1.
    pub line: usize,
    inputs: ProfileValues,
}

impl PeeringSpec {
    /// The inputs, as flags.
    pub fn flags(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.inputs.values.iter().map(|(id, at)| (*id, at.value.as_str()))
    }

    /// The vendor's inputs, as `--set` takes them.
    pub fn sets(&self) -> Vec<String> {
        self.inputs.set_texts()
    }

    /// The switches that are on.
    pub fn switches(&self) -> impl Iterator<Item = &'static str> {
        let switches = self.inputs.switches.iter();
        switches.filter(|(_, at)| at.value).map(|(switch, _)| *switch)
    }
}

/// The peerings of a file, in their order.
///
/// # Errors
/// What cannot be read, with its line: a table or a key that is none, a value of another type, two rows of one name.
pub fn listed(text: &SourceFile) -> Result<Vec<PeeringSpec>, RunError> {
    let file = text.parse()?;
    for (key, _) in in_order(&file) {
        let name = key.as_ref().as_ref();
        if ![DEFAULTS, ROWS].contains(&name) {
            let why = format!("There are the table [{DEFAULTS}] and the tables [[{ROWS}]].");
            return Err(text.refuse(&key.span(), format!("'{name}' is neither"), why));
        }
    }
    let defaults = match file.get(DEFAULTS) {
        Some(value) => {
            let part = PeeringTable::read(table(DEFAULTS, value, text)?, text)?;
            if part.name.is_some() {
                let why = "Each row has its own.";
                return Err(text.refuse(&value.span(), format!("{DEFAULTS} has a {NAME}"), why));
            }
            part
        }
        None => PeeringTable::default(),
    };
    let Some(found) = file.get(ROWS) else {
        let why = format!("Each peering is a table that begins with [[{ROWS}]].");
        return Err(refuse(text.file(), 1, "there is no peering in it", why));
    };
    let no_list = || {
        text.refuse(
            &found.span(),
            format!("{ROWS} is no list of peerings"),
            format!("Write [[{ROWS}]] before each."),
        )
    };
    let list = found.as_ref().as_array().filter(|list| !list.is_empty());
    let mut parts = Vec::new();
    for value in list.ok_or_else(no_list)?.iter() {
        let line = text.line(&value.span());
        let part = PeeringTable::read(table(ROWS, value, text)?, text)?.over(&defaults, text)?;
        parts.extend(part.rows(line, text)?);
    }
    named(parts, text)
}

/// The rows under names that tell them apart: networks of one name are told by their resource group, and by their
/// subscription.
fn named(parts: Vec<(Vec<String>, PeeringSpec)>, text: &SourceFile) -> Result<Vec<PeeringSpec>, RunError> {
    let mut rows: Vec<PeeringSpec> = Vec::new();
    for (names, mut row) in parts.clone() {
        let others = || parts.iter().filter(|(_, other)| *other != row);
        let is_its_own = |(at, name): &(usize, &String)| {
            !others().any(|(theirs, _)| theirs.get(*at).or(theirs.last()) == Some(*name))
        };
        let own = names.iter().enumerate().find(is_its_own);
        row.name = own
            .map(|(_, name)| name.clone())
            .or(names.last().cloned())
            .unwrap_or_default();
        if let Some(before) = rows.iter().find(|before| before.name == row.name) {
            let what = format!("'{}' is the name of the row of line {} already", row.name, before.line);
            let why = "A peering's name identifies it, and --peering selects it.";
            let problem = refuse(text.file(), row.line, what, why);
            return Err(problem.remedy("Give one of them another name = \"…\"."));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn table<'t, 'i>(name: &str, value: &'t Spanned<DeValue<'i>>, text: &SourceFile) -> Result<&'t DeTable<'i>, RunError> {
    let table = value.as_ref().as_table();
    table.ok_or_else(|| text.refuse(&value.span(), format!("{name} is no table"), ""))
}

/// The inputs of a table, and the rows that it stands for.
#[derive(Default)]
struct PeeringTable {
    name: Option<String>,
    vnets: Vec<WithLine<String>>,
    inputs: ProfileValues,
}

impl PeeringTable {
    fn read(table: &DeTable<'_>, text: &SourceFile) -> Result<Self, RunError> {
        let inputs = ProfileValues::read(table, text, &[NAME, VNETS])?;
        let name = table.get(NAME).map(|value| string(NAME, value, text)).transpose()?;
        let name = name.filter(|name| !name.trim().is_empty());
        let vnets = match table.get(VNETS) {
            Some(value) => vnets(value, text)?,
            None => Vec::new(),
        };
        let named = VNET_PARTS
            .iter()
            .chain(&["vnet-id"])
            .find(|id| inputs.values.contains_key(*id));
        if let (Some(first), Some(named)) = (vnets.first(), named) {
            let what = format!("{VNETS} names the virtual networks already, and so does {named}");
            return Err(refuse(text.file(), first.line, what, ""));
        }
        Ok(Self { name, vnets, inputs })
    }

    /// Returns the values of this table, completed with those of `defaults`.
    fn over(mut self, defaults: &Self, text: &SourceFile) -> Result<Self, RunError> {
        let has = |inputs: &ProfileValues, ids: &[&str]| ids.iter().any(|id| inputs.values.contains_key(id));
        let whole = !self.vnets.is_empty() || has(&self.inputs, &["vnet-id"]);
        let in_parts = has(&self.inputs, &VNET_PARTS);
        // A network is named in one way, and a vendor's inputs are of no use to another one.
        let fits = |id: &str| match id {
            "vnet-id" => !whole && !in_parts,
            id if VNET_PARTS.contains(&id) => !whole,
            _ => true,
        };
        let same_vendor = !has(&self.inputs, &["vendor"]);
        for (id, at) in defaults.inputs.values.iter().filter(|(id, _)| fits(id)) {
            self.inputs.values.entry(id).or_insert_with(|| at.clone());
        }
        for (switch, at) in &defaults.inputs.switches {
            self.inputs.switches.entry(switch).or_insert_with(|| at.clone());
        }
        for (key, at) in defaults.inputs.sets.iter().filter(|_| same_vendor) {
            self.inputs.sets.entry(key.clone()).or_insert_with(|| at.clone());
        }
        if !whole && !in_parts {
            self.vnets.clone_from(&defaults.vnets);
        }
        self.inputs.agrees(text.file())?;
        Ok(self)
    }

    /// Its rows, each with the names that it may have, the shortest first.
    fn rows(self, line: usize, text: &SourceFile) -> Result<Vec<(Vec<String>, PeeringSpec)>, RunError> {
        let Self { name, vnets, inputs } = self;
        let of = |vnet: Option<WithLine<String>>| {
            let mut inputs = inputs.clone();
            let several = vnet.is_some();
            inputs.values.extend(vnet.map(|vnet| ("vnet-id", vnet)));
            let value = |id: &str| inputs.values.get(id).map(|at| at.value.as_str());
            let networks = networks(value("vnet-id").or_else(|| value("vnet")).unwrap_or("?"));
            let names = match &name {
                Some(name) if several => networks.iter().map(|network| format!("{name}-{network}")).collect(),
                Some(name) => vec![name.clone()],
                None => {
                    let vendor = vendor(value("vendor"));
                    networks.iter().map(|network| format!("{network}-{vendor}")).collect()
                }
            };
            let name = String::new();
            (names, PeeringSpec { name, line, inputs })
        };
        if vnets.is_empty() {
            return Ok(vec![of(None)]);
        }
        let mut seen = BTreeSet::new();
        let twice = vnets.iter().find(|vnet| !seen.insert(vnet.value.to_lowercase()));
        if let Some(twice) = twice {
            return Err(refuse(
                text.file(),
                twice.line,
                "this virtual network is in the list twice",
                "",
            ));
        }
        Ok(vnets.into_iter().map(|vnet| of(Some(vnet))).collect())
    }
}

/// Returns the names that a virtual network can have in the file: its name alone, with its resource group, and with the
/// beginning of its subscription's ID. A malformed ID is refused later.
fn networks(vnet: &str) -> Vec<String> {
    let Ok(id) = vnet.parse::<VnetId>() else {
        return vec![vnet.rsplit('/').next().unwrap_or(vnet).to_owned()];
    };
    let subscription: String = id.subscription.to_string().chars().take(8).collect();
    vec![
        id.name.clone(),
        format!("{}-{}", id.name, id.resource_group),
        format!("{}-{}-{subscription}", id.name, id.resource_group),
    ]
}

/// A vendor's name, or what its profile's file is called.
fn vendor(given: Option<&str>) -> String {
    let given = given.unwrap_or("?");
    let file = std::path::Path::new(given).file_stem();
    file.map_or_else(|| given.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn vnets(value: &Spanned<DeValue<'_>>, text: &SourceFile) -> Result<Vec<WithLine<String>>, RunError> {
    let no_list = || {
        let why = "It is a list of ARM ids: vnet-ids = [\"/subscriptions/…\"].";
        text.refuse(&value.span(), format!("{VNETS} is no list of texts"), why)
    };
    let list = value.as_ref().as_array().ok_or_else(no_list)?;
    let each = |value: &Spanned<DeValue<'_>>| {
        let line = text.line(&value.span());
        string(VNETS, value, text).map(|value| WithLine { value, line })
    };
    let vnets: Vec<WithLine<String>> = list.iter().map(each).collect::<Result<_, _>>()?;
    if vnets.is_empty() {
        return Err(no_list());
    }
    Ok(vnets)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const A: &str = "/subscriptions/5c1e0a52-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/a";
    const B: &str = "/subscriptions/5c1e0a52-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/b";

    fn rows(text: &str) -> Result<Vec<PeeringSpec>, RunError> {
        listed(&SourceFile::new("many.toml", text.replace("{A}", A).replace("{B}", B)))
    }

    /// Name, inputs and vendor's inputs of each row.
    fn told(text: &str) -> Vec<(String, BTreeMap<&'static str, String>, Vec<String>)> {
        let rows = rows(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
        let told = |row: &PeeringSpec| {
            let flags = row.flags().map(|(id, value)| (id, value.to_owned())).collect();
            (row.name.clone(), flags, row.sets())
        };
        rows.iter().map(told).collect()
    }

    fn inputs(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        pairs.iter().map(|(id, value)| (*id, (*value).to_owned())).collect()
    }

    #[test]
    fn peering_file_rows_override_defaults() {
        let text = "[defaults]\nvendor = \"kong\"\nsubscription = \"s\"\nset = { network = \"n\", dns = \"d\" }\n\
                    [[peering]]\nvnet = \"v\"\nresource-group = \"g\"\n\
                    [[peering]]\nname = \"b\"\nvnet-id = \"{B}\"\nset = { network = \"m\" }\n\
                    [[peering]]\nvendor = \"./some/mine.toml\"\nvnet-id = \"{A}\"\n";
        let sets = |network: &str| vec!["dns=d".to_owned(), format!("network={network}")];
        let first = inputs(&[
            ("vendor", "kong"),
            ("subscription", "s"),
            ("resource-group", "g"),
            ("vnet", "v"),
        ]);
        assert_eq!(
            told(text),
            [
                ("v-kong".to_owned(), first, sets("n")),
                ("b".to_owned(), inputs(&[("vendor", "kong"), ("vnet-id", B)]), sets("m")),
                (
                    "a-mine".to_owned(),
                    inputs(&[("vendor", "./some/mine.toml"), ("vnet-id", A)]),
                    Vec::new()
                ),
            ]
        );
    }

    #[test]
    fn peering_file_pairs_networks_with_vendors() {
        let text = "[defaults]\nvnet-ids = [\"{A}\", \"{B}\"]\n[[peering]]\nvendor = \"kong\"\n\
                    [[peering]]\nname = \"x\"\nvendor = \"aiven\"\n[[peering]]\nvendor = \"dragonfly\"\nvnet-id = \"{A}\"\n";
        let names: Vec<String> = told(text).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["a-kong", "b-kong", "x-a", "x-b", "a-dragonfly"]);
    }

    #[test]
    fn peering_file_distinguishes_equal_names() {
        let vnet = |subscription: u8, group: &str| {
            format!(
                "/subscriptions/5c1e0a5{subscription}-0000-4000-8000-000000000001/resourceGroups/{group}/providers/\
                 Microsoft.Network/virtualNetworks/va"
            )
        };
        let [a, b, c] = [vnet(1, "g"), vnet(1, "h"), vnet(2, "g")];
        let names = |list: &[&String], name: &str| -> Vec<String> {
            let text = format!("[[peering]]\nvendor = 'kong'\n{name}\nvnet-ids = {list:?}\n");
            told(&text).into_iter().map(|(name, ..)| name).collect()
        };
        assert_eq!(names(&[&a, &b], ""), ["va-g-kong", "va-h-kong"]);
        assert_eq!(names(&[&a, &c], "name = 'x'"), ["x-va-g-5c1e0a51", "x-va-g-5c1e0a52"]);
        assert_eq!(
            names(&[&a, &b, &c], ""),
            ["va-g-5c1e0a51-kong", "va-h-kong", "va-g-5c1e0a52-kong"]
        );
    }

    #[test]
    fn peering_file_error_names_line() {
        let table = [
            ("", 1, "there is no peering in it"),
            ("\n[peerings]", 2, "'peerings' is neither"),
            ("peering = 1", 1, "peering is no list"),
            ("peering = []", 1, "peering is no list"),
            ("[defaults]\nname = \"a\"\n[[peering]]", 1, "defaults has a name"),
            (
                "[defaults]\nuse-remote-gateways = true\n[[peering]]\nallow-gateway-transit = true",
                2,
                "cannot be used together",
            ),
            ("peering = [1]", 1, "peering is no table"),
            ("defaults = 1\n[[peering]]", 1, "defaults is no table"),
            ("[[peering]]\nvent = \"a\"", 2, "'vent' is no input"),
            ("[[peering]]\nname = 1", 2, "name is a text"),
            ("[[peering]]\nvnet-ids = \"a\"", 2, "vnet-ids is no list"),
            ("[[peering]]\nvnet-ids = []", 2, "vnet-ids is no list"),
            ("[[peering]]\nvnet-ids = [\n\"a\",\n1]", 4, "vnet-ids is a text"),
            ("[[peering]]\nvnet-ids = [\n\"a\",\n\"A\"]", 4, "in the list twice"),
            ("[[peering]]\nvnet = \"v\"\nvnet-ids = [\"a\"]", 3, "and so does vnet"),
            (
                "[[peering]]\nname = \"a\"\n\n[[peering]]\nname = \"a\"",
                4,
                "'a' is the name of the row of line 1",
            ),
        ];
        for (text, line, what) in table {
            let problem = rows(text).expect_err(text);
            let expected = format!("many.toml, line {line}: ");
            assert!(
                problem.what.starts_with(&expected) && problem.what.contains(what),
                "{text}: {problem}"
            );
        }
    }
}
