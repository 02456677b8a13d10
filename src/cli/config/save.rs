//! The offer, at the end of a run that has asked, to save the answers as a profile.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::Value;

use super::location::{ConfigLocation, FileArgs, shown};
use crate::cli::file::{FileReaders, write_whole};
use crate::domain::lines;
use crate::errors::RunError;
use crate::files;
use crate::input::config::{ConfigFile, check_name};
use crate::input::{AsyncPrompter, EnvironmentVariables, InputError, SETS, SourceFile, is_file};
use crate::render::command_line;
use crate::ui::{self, ListItem, ListItems, PromptQuestion, PromptResult};

/// Inputs and answers of a run, in the form of a profile.
#[derive(Debug, Default)]
pub struct ProfileAnswers {
    /// With the input's id, in the table's order.
    pub values: Vec<(&'static str, String)>,
    pub switches: Vec<&'static str>,
    /// The vendor's inputs, by key.
    pub sets: BTreeMap<String, Vec<String>>,
    /// Flags that a profile can't have and that the next command line needs.
    pub beside: Vec<(String, String)>,
    /// A name to suggest.
    pub name: String,
    /// Of the embedded Azure.
    pub rehearsal: bool,
}

/// Asks whether to save the answers and under which name, does it, and says how they are used. That it cannot be done is
/// said, and the run is none the worse for it.
///
/// # Errors
/// When the user left.
pub async fn offer(
    asker: &AsyncPrompter,
    answers: &ProfileAnswers,
    args: &FileArgs,
    vars: &EnvironmentVariables,
) -> Result<(), InputError> {
    // Without a place for the file there is nothing to offer; and one that was no configuration has ended the run.
    let Ok((place, config)) = args
        .place(vars)
        .and_then(|place| place.read().map(|config| (place, config)))
    else {
        return Ok(());
    };
    let taken: Vec<String> = config
        .iter()
        .flat_map(ConfigFile::profiles)
        .map(|(name, ..)| name.to_owned())
        .collect();
    let Some(name) = ask(asker, &suggested(&answers.name, &taken), taken).await? else {
        return Ok(());
    };
    let profile = profile(&name, answers);
    let (sentence, below) = match save(&place, &profile) {
        Ok(()) => {
            let file = shown(&place.file);
            let flags = [
                answers.rehearsal.then(|| ("--sandbox".to_owned(), String::new())),
                args.is_named()
                    .then(|| ("--config".to_owned(), place.file.to_string_lossy().into_owned())),
                Some(("--profile".to_owned(), name.clone())),
            ];
            let flags: Vec<(String, String)> = flags.into_iter().flatten().chain(answers.beside.clone()).collect();
            let line = ui::indented(&command_line("azure setup", &flags, ui::width() - 2));
            (format!("Saved as the profile {name} in {file}. The next time:"), line)
        }
        Err(error) => {
            let why = format!("{error:#}");
            let sentence = format!("The answers are not saved: {}.", why.trim_end_matches(['.', ' ']));
            match sound(&profile) {
                Ok(()) => (format!("{sentence} To add by hand:"), ui::indented(&profile)),
                Err(_) => (sentence, String::new()),
            }
        }
    };
    lines(&sentence, ui::width()).iter().for_each(|line| ui::tell(line));
    below.lines().for_each(ui::tell);
    Ok(())
}

/// The name to save under; `None` where it is not wanted.
async fn ask(asker: &AsyncPrompter, suggested: &str, taken: Vec<String>) -> Result<Option<String>, InputError> {
    // Apart from the result above it.
    ui::tell("");
    let items = [
        "No".to_owned(),
        format!("Yes, as {suggested}"),
        "Yes, under another name".to_owned(),
    ];
    let help = "A profile keeps the inputs of this run under a name, without secrets: --profile NAME gives them again.";
    let rows = ListItems::of(items.map(|item| ListItem::new([item])));
    match asker
        .choose(PromptQuestion::new("Save these answers as a profile?", help), rows)
        .await?
    {
        PromptResult::Value(1) => return Ok(Some(suggested.to_owned())),
        PromptResult::Value(2) => {}
        _ => return Ok(None),
    }
    let check = move |name: &str| {
        check_name(name).map_err(|why| format!("{why}."))?;
        match taken.iter().any(|other| other == name) {
            true => Err("There is one of that name already, and it stays as it is.".to_owned()),
            false => Ok(()),
        }
    };
    Ok(
        match asker
            .text(PromptQuestion::new("Name of the profile", help), Box::new(check))
            .await?
        {
            PromptResult::Value(name) => Some(name),
            PromptResult::Back => None,
        },
    )
}

/// A name that no profile has yet: `kong-vnet-app`, or `kong-vnet-app-2`.
fn suggested(name: &str, taken: &[String]) -> String {
    let plain = |c: char| if check_name(&c.to_string()).is_ok() { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches('-').to_owned();
    let free = |name: &String| !taken.contains(name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(free).unwrap_or(name)
}

/// Adds the profile at the end of the file; all else in it stays as it is.
fn save(place: &ConfigLocation, profile: &str) -> anyhow::Result<()> {
    let told = |problem: RunError| anyhow::anyhow!("{} {}", problem.what, problem.why);
    sound(profile).map_err(told)?;
    let before = place.text().map_err(told)?.unwrap_or_default();
    let text = with_profile(&before, profile);
    // Where the file has its profiles in another way than as tables, TOML takes no table beside them.
    if ConfigFile::read(&SourceFile::new(&place.file, &text)).is_err() {
        anyhow::bail!("a table cannot be added to {} as it is written", shown(&place.file));
    }
    let file = target(&place.file)?;
    let written = || {
        let folder = file.parent().context("it has no folder")?;
        files::make_folder(folder).with_context(|| format!("the folder {} cannot be made", shown(folder)))?;
        let readers = if file.exists() {
            FileReaders::Usual
        } else {
            FileReaders::Owner
        };
        write_whole(&file, &text, readers)
    };
    written().with_context(|| format!("{} cannot be written", shown(&file)))
}

/// Checks whether a file accepts the profile. A vendor's input that looks like a secret is never accepted.
///
/// # Errors
/// The reason why it doesn't.
fn sound(profile: &str) -> Result<(), RunError> {
    ConfigFile::read(&SourceFile::new("the profile", profile)).map(|_| ())
}

/// The file that a link leads to is written, not the link.
fn target(file: &Path) -> anyhow::Result<PathBuf> {
    if fs::symlink_metadata(file).is_err() {
        return Ok(std::path::absolute(file)?);
    }
    file.canonicalize()
        .with_context(|| format!("{} leads nowhere", shown(file)))
}

/// A text with more at its end, below an empty line, in the line ends that it has.
fn with_profile(before: &str, profile: &str) -> String {
    let between = match before {
        "" => "",
        before if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let more = format!("{between}{profile}");
    let more = if before.contains("\r\n") {
        more.replace('\n', "\r\n")
    } else {
        more
    };
    format!("{before}{more}")
}

/// The profile as TOML.
fn profile(name: &str, answers: &ProfileAnswers) -> String {
    let mut lines = vec![format!("[profiles.{}]", key(name))];
    let values = answers.values.iter();
    lines.extend(values.map(|(id, value)| format!("{id} = {}", Value::String(lasting(id, value)))));
    lines.extend(answers.switches.iter().map(|switch| format!("{switch} = true")));
    for (name, values) in &answers.sets {
        let mut values: Vec<Value> = values.iter().cloned().map(Value::String).collect();
        let value = if values.len() == 1 {
            values.remove(0)
        } else {
            Value::Array(values)
        };
        lines.push(format!("{SETS}.{} = {value}", key(name)));
    }
    lines.join("\n") + "\n"
}

/// A key as TOML has it.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.chars().all(bare) && !name.is_empty() {
        true => name.to_owned(),
        false => Value::String(name.to_owned()).to_string(),
    }
}

/// The path of a file means the same from any folder.
fn lasting(id: &str, value: &str) -> String {
    let path = is_file(id, value).then(|| std::path::absolute(value).ok()).flatten();
    path.map_or_else(|| value.to_owned(), |path| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> ProfileAnswers {
        ProfileAnswers {
            values: vec![("vendor", "kong".into()), ("vnet-id", "/sub/x \"y\"".into())],
            switches: vec!["no-wait"],
            sets: BTreeMap::from([
                ("dns".into(), vec!["a=1".into(), "b=2".into()]),
                ("name".into(), Vec::new()),
                ("network".into(), vec!["n".into()]),
            ]),
            ..ProfileAnswers::default()
        }
    }

    #[test]
    fn config_save_keeps_other_content() {
        for before in [
            "",
            "# mine\n[profiles.a]\nvnet = 'v' # so\n",
            "default-profile = 'a'\r\n[profiles.a]\r\n",
            "[profiles]",
        ] {
            for name in ["kong-vnet", "kong.v2", "größe"] {
                let text = with_profile(before, &profile(name, &answers()));
                assert!(text.starts_with(before), "{text}");
                assert_eq!(
                    text.matches('\n').count() == text.matches("\r\n").count(),
                    before.contains('\r'),
                    "{text:?}"
                );
                let config = ConfigFile::read(&SourceFile::new("f", &text))
                    .unwrap_or_else(|problem| panic!("{problem} in {text}"));
                let written = config
                    .choose(Some((name, "test")))
                    .expect("it is there")
                    .expect("it is there")
                    .written;
                let values: Vec<(&str, &str)> =
                    written.values.iter().map(|(id, at)| (*id, at.value.as_str())).collect();
                assert_eq!(values, [("vendor", "kong"), ("vnet-id", "/sub/x \"y\"")]);
                assert!(written.switches["no-wait"].value);
                assert_eq!(written.set_texts(), ["dns=a=1", "dns=b=2", "network=n"]);
            }
        }
    }

    #[test]
    fn config_save_suggests_free_name() {
        let table = [
            ("kong-vnet-app", &[][..], "kong-vnet-app"),
            (
                "kong-vnet-app",
                &["kong-vnet-app", "kong-vnet-app-2"],
                "kong-vnet-app-3",
            ),
            ("-my vendor_v.1", &[], "my-vendor_v.1"),
        ];
        for (name, taken, expected) in table {
            let taken: Vec<String> = taken.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(suggested(name, &taken), expected);
            assert_eq!(check_name(expected), Ok(()));
        }
    }
}
