//! `peerctl explain CODE`: what an error or a state means and what to do, from the table that every command uses.

use std::io::{Read, stdin};

use anyhow::Context;
use console::style;
use serde_json::{Value, json};

use super::output::{OutputArgs, OutputFormat, complain, print};
use crate::domain::{harmless_json, lines, sanitize_for_terminal};
use crate::errors::family::{family, near};
use crate::errors::known::all;
use crate::errors::search::{CatalogMatch, search};
use crate::errors::{ErrorService, KnownError, RunError, RunErrorKind, RunOutcome};
use crate::ui::{NARROW, hanging_indent, problem_text, room, width};

/// More than any error message; what comes on standard input may have no end.
const LONGEST: u64 = 1024 * 1024;
/// A code is shorter; what is longer is told by its beginning.
const LONGEST_CODE: usize = 60;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// Code, state or quoted message; - reads standard input
    ///
    /// Examples: AADSTS7000215, 7000215, Initiated, PENDING_PEER. Without it, peerctl lists all known codes.
    #[arg(value_name = "CODE")]
    text: Vec<String>,
}

const EXAMPLES: &str = "Examples:\n  peerctl explain LinkedAuthorizationFailed\n  \
az network vnet peering create … 2>&1 | peerctl explain -";

/// Explains, or lists.
///
/// # Errors
/// When standard input cannot be read or standard output cannot be written.
pub fn run(args: &ExplainArgs, output: &OutputArgs) -> anyhow::Result<RunOutcome> {
    if args.text.is_empty() {
        print(&match output.output {
            OutputFormat::Text => list(),
            OutputFormat::Json => document(&groups(), &[])?,
        })?;
        return Ok(RunOutcome::Done);
    }
    let text = match args.text.as_slice() {
        [only] if only == "-" => read()?,
        words => words.join(" "),
    };
    let found = search(&text);
    // A code that is not known is like a vendor that is not known: what was given cannot be used. A script can tell
    // that (2) from a run that failed (1).
    let outcome = if found.known.is_empty() {
        RunOutcome::Usage
    } else {
        RunOutcome::Done
    };
    match output.output {
        OutputFormat::Json => print(&document(&found.known, &found.unknown)?)?,
        OutputFormat::Text if found.known.is_empty() => complain(&not_known(&found)),
        OutputFormat::Text => print(&pages(&found))?,
    }
    Ok(outcome)
}

fn read() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    stdin()
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Every code with all its meanings, service by service; a service's states come last.
fn groups() -> Vec<Vec<&'static KnownError>> {
    let mut groups: Vec<Vec<&'static KnownError>> = Vec::new();
    for speaker in ErrorService::ALL {
        for state in [false, true] {
            for known in all()
                .iter()
                .filter(|known| known.service == speaker && known.state == state)
            {
                let same =
                    |group: &&mut Vec<&'static KnownError>| group[0].service == speaker && group[0].code == known.code;
                match groups.iter_mut().find(same) {
                    Some(group) => group.push(known),
                    None => groups.push(vec![known]),
                }
            }
        }
    }
    groups
}

// ------------------------------------------------------------------------------------------------ text

fn list() -> String {
    let room = room();
    let mut out = Vec::new();
    let mut heading = None;
    let groups = groups();
    for group in &groups {
        let first = group[0];
        if heading != Some((first.service, first.state)) {
            heading = Some((first.service, first.state));
            if !out.is_empty() {
                out.push(String::new());
            }
            let states = if first.state { ", states" } else { "" };
            let text = format!("{}{states}", first.service);
            out.extend(
                lines(&text, room)
                    .into_iter()
                    .map(|line| style(line).bold().to_string()),
            );
        }
        // The usual one, where the message can say more.
        let usual = group.iter().find(|known| known.contains.is_none()).unwrap_or(&first);
        let meaning = match group.len() {
            1 => first.meaning.clone(),
            many => format!("{} ({many} meanings)", usual.meaning.trim_end_matches('.')),
        };
        if room < NARROW {
            out.push(format!("  {}", first.code));
            out.push(shortened(&format!("    {meaning}"), room));
        } else {
            out.push(shortened(&format!("  {:<32}  {meaning}", first.code), room));
        }
    }
    out.push(String::new());
    let last = format!("{} codes and states. For details: peerctl explain CODE", groups.len());
    out.extend(lines(&last, room));
    out.join("\n")
}

/// One line of at most `room` columns.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn pages(found: &CatalogMatch) -> String {
    let known = found.known.iter().map(|group| page(group));
    let unknown = found.unknown.iter().map(|code| {
        let family = family(code);
        let code = shortened(&sanitize_for_terminal(code), LONGEST_CODE);
        let mut out = folded(&format!("Unknown code: {}.", style(code).bold()), "");
        out += &labelled("In general: ", family.meaning);
        if let Some(url) = &family.look_up {
            out += &labelled("Look it up: ", url);
        }
        out.trim_end().to_owned()
    });
    known.chain(unknown).collect::<Vec<_>>().join("\n\n")
}

fn page(group: &[&KnownError]) -> String {
    let first = group[0];
    let state = if first.state { ", a state" } else { "" };
    let mut out = folded(&format!("{} ({}{state})", style(&first.code).bold(), first.service), "");
    if group.len() > 1 {
        let many = format!("It has {} meanings, depending on the message.", group.len());
        out += &folded(&many, "  ");
    }
    for known in group {
        if group.len() > 1 {
            let when = match &known.contains {
                Some(text) => format!("If the message contains \"{text}\":"),
                None => "Otherwise:".to_owned(),
            };
            out += "\n";
            out += &folded(&when, "  ");
        }
        out += &labelled("Means:  ", &known.meaning);
        out += &labelled("Class:  ", known.class.words());
        for (index, remedy) in known.remedies.iter().enumerate() {
            out += &labelled(if index == 0 { "Do:     " } else { "        " }, remedy);
        }
        out += &labelled("Source: ", &known.source);
    }
    out.trim_end().to_owned()
}

fn folded(text: &str, head: &str) -> String {
    let lines = lines(text, width().saturating_sub(head.len()));
    lines.iter().map(|line| format!("{head}{line}\n")).collect()
}

/// A text behind its label, folded to the terminal's width. A command at its end stays whole, for copying.
fn labelled(label: &str, text: &str) -> String {
    let starts = |at: &usize| ["az ", "peerctl "].iter().any(|name| text[*at..].starts_with(name));
    let behind = text.match_indices(": ").map(|(at, _)| at + 2);
    let command = [0].into_iter().chain(behind).find(starts).unwrap_or(text.len());
    // In no text is this character, which belongs to nobody.
    const KEPT: char = '\u{e000}';
    let whole = text[command..].replace(' ', &KEPT.to_string());
    let folded = hanging_indent(&format!("  {label}"), &format!("{}{whole}", &text[..command]), width());
    folded.join("\n").replace(KEPT, " ") + "\n"
}

/// Returns the text for a code that isn't known.
fn not_known(found: &CatalogMatch) -> String {
    let Some(code) = found.unknown.first() else {
        return problem(
            "The text contains no code.".to_owned(),
            "Codes look like AuthorizationFailed, AADSTS7000215 or PENDING_PEER.".to_owned(),
            vec!["To list known codes: peerctl explain".to_owned()],
        );
    };
    let family = family(code);
    let near = near(code).into_iter().map(|code| format!("peerctl explain {code}"));
    let look_up = family.look_up.map_or_else(
        || "Run peerctl explain with the full message that came with the code.".to_owned(),
        |url| format!("Look it up: {url}"),
    );
    let remedies = near.chain([look_up]).collect();
    problem(
        format!(
            "Unknown code: {}.",
            shortened(&sanitize_for_terminal(code), LONGEST_CODE)
        ),
        family.meaning.to_owned(),
        remedies,
    )
}

fn problem(what: String, why: String, remedies: Vec<String>) -> String {
    let mut problem = RunError::new(RunErrorKind::Usage, what, why);
    problem.remedies = remedies;
    problem_text(&problem, width())
}

// ------------------------------------------------------------------------------------------------ JSON

fn document(known: &[Vec<&KnownError>], unknown: &[String]) -> anyhow::Result<String> {
    let codes: Vec<Value> = known.iter().map(|group| code(group)).collect();
    let unknown: Vec<Value> = unknown
        .iter()
        .map(|code| {
            let family = family(code);
            json!({"code": code, "family": family.meaning, "lookUp": family.look_up, "near": near(code)})
        })
        .collect();
    let document = json!({"schema": 1, "command": "explain", "codes": codes, "unknown": unknown});
    Ok(harmless_json(&serde_json::to_string_pretty(&document)?))
}

fn code(group: &[&KnownError]) -> Value {
    let meanings: Vec<Value> = group
        .iter()
        .map(|known| {
            json!({
                "messageContains": known.contains, "class": known.class, "kind": known.kind,
                "meaning": known.meaning, "remedies": known.remedies, "source": known.source,
            })
        })
        .collect();
    json!({"code": group[0].code, "service": group[0].service, "state": group[0].state, "meanings": meanings})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explain_list_line_fits_terminal() {
        assert_eq!(shortened("one two three", 13), "one two three");
        assert_eq!(shortened("one two three", 9), "one two…");
    }

    #[test]
    fn explain_folds_text_not_commands() {
        let long = "word ".repeat(40);
        assert!(
            labelled("Do: ", &long)
                .lines()
                .all(|line| line.chars().count() <= width())
        );
        let command =
            "az network vnet peering delete --resource-group a-long-name --vnet-name another-long-name --name p";
        for text in [command.to_owned(), format!("{long}so: {command}")] {
            assert!(labelled("Do: ", &text).contains(command), "{text}");
        }
    }
}
