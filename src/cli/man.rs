//! `peerctl man [DIR]`: the manual pages, made from what the help is made from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::file::{FileReaders, write_whole};
use super::help::{HelpBlock, TOPICS, parts};
use super::output::{print, refuse};
use crate::errors::{RunError, RunErrorKind, RunOutcome};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// Write the pages of all commands to this folder, creating it if needed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:\n  peerctl man | man -l -\n  \
peerctl man ~/.local/share/man/man1 && man peerctl-azure-setup";

/// Prints peerctl's own page, or writes all pages.
///
/// # Errors
/// When standard output, or a file of the folder, cannot be written.
pub fn run(args: &ManArgs) -> anyhow::Result<RunOutcome> {
    // No page for each command of `help`.
    let mut command = super::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &args.folder else {
        print(page(&command)?.1.trim_end())?;
        return Ok(RunOutcome::Done);
    };
    if let Err(error) = fs::create_dir_all(folder) {
        let what = format!("The folder {} cannot be made.", folder.display());
        return Ok(refuse(&RunError::new(RunErrorKind::Usage, what, error.to_string())));
    }
    write_pages(&command, folder)?;
    Ok(RunOutcome::Done)
}

fn write_pages(command: &Command, folder: &Path) -> anyhow::Result<()> {
    let (name, text) = page(command)?;
    let file = folder.join(name);
    write_whole(&file, &text, FileReaders::Usual).with_context(|| format!("cannot write {}", file.display()))?;
    command
        .get_subcommands()
        .try_for_each(|subcommand| write_pages(subcommand, folder))
}

/// The page of one command: the name of its file, and its text.
fn page(command: &Command) -> io::Result<(String, String)> {
    let man = Man::new(command.clone());
    let name = command.get_display_name().unwrap_or(command.get_name());
    // Not by clap_mangen, which leaves an empty date out, so that what follows is taken for it.
    let head = format!(
        ".TH {} 1 \"\" \"peerctl {}\" \"peerctl manual\"\n",
        name.to_uppercase(),
        env!("CARGO_PKG_VERSION")
    );
    let mut out = head.into_bytes();
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    out.extend(options(&man)?.bytes());
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    let mut rest = Roff::default();
    // What stands at the end of the help; clap_mangen would call all of it EXTRA.
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    let is_whole = command.get_name() == env!("CARGO_PKG_NAME");
    // The whole program's page has the topics themselves.
    let blocks = after
        .split("\n\n")
        .filter(|block| !is_whole || block.starts_with("Example"));
    at_the_end(&mut rest, blocks);
    if is_whole {
        for topic in &TOPICS {
            rest.control("SH", [title(topic.name).as_str()]);
            topic_text(&mut rest, &topic.text());
        }
    } else {
        rest.control("SH", ["SEE ALSO"]).text([bold("peerctl"), roman("(1)")]);
    }
    rest.to_writer(&mut out)?;
    Ok((man.get_filename(), String::from_utf8_lossy(&out).into_owned()))
}

/// Returns the section with the options. The headings of the help become its subsections.
fn options(man: &Man) -> io::Result<String> {
    let mut rendered = Vec::new();
    man.render_options_section(&mut rendered)?;
    let rendered = String::from_utf8_lossy(&rendered).replace(".SH ", ".SS ");
    let own = rendered.strip_prefix(".SS OPTIONS\n").unwrap_or(&rendered);
    Ok(format!(".SH OPTIONS\n{own}"))
}

/// A manual calls exit codes so.
fn title(topic: &str) -> String {
    match topic {
        "exit-codes" => "EXIT STATUS".to_owned(),
        other => other.to_uppercase(),
    }
}

/// Writes the sections at the end of a command's help, block by block.
fn at_the_end<'a>(roff: &mut Roff, blocks: impl Iterator<Item = &'a str>) {
    let mut noted = false;
    for block in blocks.filter(|block| !block.is_empty()) {
        if let Some(rest) = block.strip_prefix("Exit codes: ") {
            roff.control("SH", ["EXIT STATUS"])
                .text([roman(rest.replace('\n', " "))]);
        } else if let Some(rest) = block.strip_prefix("Examples:\n").or(block.strip_prefix("Example:\n")) {
            roff.control("SH", ["EXAMPLES"]);
            as_it_stands(roff, rest);
        } else {
            let begins = if noted { ("PP", None) } else { ("SH", Some("NOTES")) };
            roff.control(begins.0, begins.1);
            roff.text([roman(block.replace('\n', " "))]);
            noted = true;
        }
    }
}

fn as_it_stands(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn topic_text(roff: &mut Roff, text: &str) {
    let all: Vec<HelpBlock<'_>> = parts(text).collect();
    for (index, part) in all.iter().enumerate() {
        match part {
            HelpBlock::Heading(heading) => {
                roff.control("SS", [*heading]);
            }
            HelpBlock::Sentence(term) if matches!(all.get(index + 1), Some(HelpBlock::Meaning(_))) => {
                roff.control("TP", []).text([bold(*term)]);
            }
            HelpBlock::Sentence(text) => {
                roff.control("PP", []).text([roman(*text)]);
            }
            HelpBlock::Meaning(text) => {
                roff.text([roman(*text)]);
            }
            HelpBlock::Command(command) => as_it_stands(roff, &format!("  {command}")),
            HelpBlock::Blank => {}
        }
    }
}
