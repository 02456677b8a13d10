//! The wizard in a pseudo-terminal: wait for what a person would see, press what a person would press.
//!
//! ```ignore
//! let mut wizard = Wizard::start(["azure", "setup", "--sandbox"], (24, 80), NO_ENV);
//! wizard.wait_for("Which vendor?");
//! wizard.answer("kong");
//! wizard.answer(keys::ENTER);
//! assert_eq!(wizard.wait_exit(), Exit::with_code(0));
//! ```
//!
//! What the program writes goes into a terminal emulator ([`super::terminal`]), and a test goes on the moment the text
//! is there.

use std::ffi::OsString;
use std::io::Write;
use std::time::{Duration, Instant};

use portable_pty::{ChildKiller, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use super::served::Served;
pub use super::terminal::Exit;
use super::terminal::{Watch, plain, scrolled, text_of};
use super::{DEADLINE, PEERCTL, clean_environment, temporary_folder};

/// What the keys of a terminal send.
pub mod keys {
    pub const ENTER: &str = "\r";
    pub const UP: &str = "\x1b[A";
    pub const DOWN: &str = "\x1b[B";
    pub const ESC: &str = "\x1b";
    pub const CTRL_C: &str = "\x03";
    pub const BACKSPACE: &str = "\x7f";
    pub const SPACE: &str = " ";
    pub const TAB: &str = "\t";
}

/// For programs that need no environment beyond the clean one.
pub const NO_ENV: [(&str, &str); 0] = [];

/// A screen on which every line has room.
pub const LARGE: (u16, u16) = (40, 200);

/// `azure setup` against a sandbox of its own process. The subscription is left to be asked for; `without` names what
/// else is not in the environment, `env` what is there besides.
pub fn against(sandbox: &Served, args: &[&str], without: &[&str], env: &[(&str, &str)]) -> Wizard {
    let exported = sandbox
        .env()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let variables: Vec<(&str, &str)> = exported
        .filter(|(name, _)| *name != "AZURE_SUBSCRIPTION_ID" && !without.contains(name))
        .chain(env.iter().copied())
        .collect();
    let args: Vec<&str> = ["azure", "setup"].into_iter().chain(args.iter().copied()).collect();
    Wizard::start(args, LARGE, variables)
}

/// An escape byte and what follows it are read as one key if they arrive together, so nothing follows this soon.
/// The one pause in here: it is part of what is typed, and waits for nothing.
const AFTER_ESC: Duration = Duration::from_millis(150);

/// A program in a pseudo-terminal, ended when the value goes away.
pub struct Wizard {
    watch: Watch,
    killer: Box<dyn ChildKiller + Send + Sync>,
    process_id: Option<u32>,
    writer: Box<dyn Write + Send>,
    last_esc: Option<Instant>,
    home: TempDir,
    // Last, because dropping it takes the terminal away.
    master: Box<dyn MasterPty + Send>,
}

impl Wizard {
    /// Starts `peerctl` with these arguments on a screen of `size` (rows, columns), with a clean environment and `env`.
    pub fn start<A, E, K, V>(args: A, size: (u16, u16), env: E) -> Self
    where
        A: IntoIterator,
        A::Item: Into<OsString>,
        E: IntoIterator<Item = (K, V)>,
        K: Into<OsString>,
        V: Into<OsString>,
    {
        Self::start_program(PEERCTL, args, size, env)
    }

    /// The same for any program: `sh -c 'peerctl … > file'`, the printed script, `az`.
    pub fn start_program<A, E, K, V>(program: &str, args: A, size: (u16, u16), env: E) -> Self
    where
        A: IntoIterator,
        A::Item: Into<OsString>,
        E: IntoIterator<Item = (K, V)>,
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let home = temporary_folder();
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in clean_environment(home.path()) {
            command.env(name, value);
        }
        for (name, value) in env {
            command.env(name.into(), value.into());
        }
        command.args(args.into_iter().map(Into::into).collect::<Vec<OsString>>());
        command.cwd(home.path());

        let (rows, cols) = size;
        let pty = native_pty_system()
            .openpty(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .expect("a pseudo-terminal");
        let mut child = pty
            .slave
            .spawn_command(command)
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        // Only the program may hold the other end, or its closing is never seen.
        drop(pty.slave);

        let watch = Watch::new(size);
        let reader = pty.master.try_clone_reader().expect("a reader");
        let (killer, process_id) = (child.clone_killer(), child.process_id());
        let writer = pty.master.take_writer().expect("a writer");
        std::thread::spawn({
            let watch = watch.clone();
            move || watch.read_all(reader)
        });
        std::thread::spawn({
            let watch = watch.clone();
            move || {
                let exit = child.wait().expect("the program's exit status").into();
                watch.change(|seen| seen.exit = Some(exit));
            }
        });
        Wizard {
            watch,
            killer,
            process_id,
            writer,
            last_esc: None,
            home,
            master: pty.master,
        }
    }

    /// The program's home and working folder.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    // ---- waiting --------------------------------------------------------------------------------------------------

    /// Waits until `text` is shown: on the screen, or above it if a fast program has pushed it off already. Panics with
    /// the screen if it does not come, or if the program ends first.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait_for_any(&[text]);
    }

    /// Waits until one of `texts` is shown, and says which (the first of the list, if several are there).
    #[track_caller]
    pub fn wait_for_any(&self, texts: &[&str]) -> usize {
        let found = self.watch.until(
            DEADLINE,
            |seen| seen.closed,
            |seen| {
                let shown = scrolled(seen.terminal.screen_mut());
                texts.iter().position(|text| shown.contains(text))
            },
        );
        found.unwrap_or_else(|| self.fail(&format!("one of {texts:?}")))
    }

    /// Waits until `text` has been written at any time, also if it was painted over since, as progress is.
    #[track_caller]
    pub fn wait_for_output(&self, text: &str) {
        let found = self.watch.until(
            DEADLINE,
            |seen| seen.closed,
            |seen| plain(&seen.raw).contains(text).then_some(()),
        );
        if found.is_none() {
            self.fail(&format!("{text:?} in the output"));
        }
    }

    /// Waits until `look` finds what it wants on the screen; `what` names it should it never come.
    #[track_caller]
    pub fn wait_until<T>(&self, what: &str, mut look: impl FnMut(&vt100::Screen) -> Option<T>) -> T {
        let found = self
            .watch
            .until(DEADLINE, |seen| seen.closed, |seen| look(seen.terminal.screen()));
        found.unwrap_or_else(|| self.fail(what))
    }

    /// Waits until the program has ended and all it wrote has been read.
    #[track_caller]
    pub fn wait_exit(&self) -> Exit {
        let exit = self
            .watch
            .until(DEADLINE, |_| false, |seen| seen.exit.clone().filter(|_| seen.closed));
        exit.unwrap_or_else(|| self.fail("the end of the program"))
    }

    /// The same, after a set-up that has asked: Enter at its offer saves no answers.
    #[track_caller]
    pub fn exit_unsaved(&mut self) -> Exit {
        self.wait_for("Save these answers as a profile?");
        self.answer(keys::ENTER);
        self.wait_exit()
    }

    // ---- typing ---------------------------------------------------------------------------------------------------

    /// Sends `text` at once, whether or not anything reads it yet: for Ctrl-C while the program works, and for typing
    /// ahead. To answer a prompt, use [`SetupWizard::answer`].
    pub fn send(&mut self, text: &str) {
        if let Some(at) = self.last_esc.take() {
            std::thread::sleep(AFTER_ESC.saturating_sub(at.elapsed()));
        }
        self.writer
            .write_all(text.as_bytes())
            .and_then(|()| self.writer.flush())
            .expect("the program's terminal is open");
        if text.ends_with(keys::ESC) {
            self.last_esc = Some(Instant::now());
        }
    }

    /// Types `text` key by key, each once the program reads keys: what is typed any sooner is discarded. Wait for the
    /// prompt's text first: the one before may still be reading. Enter waits for a list that has no rows yet.
    #[track_caller]
    pub fn answer(&mut self, text: &str) {
        for key in split_keys(text) {
            if key == keys::ENTER {
                self.wait_until("rows to choose from", |screen| {
                    (!screen.contents().contains("  Reading…")).then_some(())
                });
            }
            self.wait_for_key_reader();
            self.send(key);
        }
    }

    /// A prompt has the terminal give it every key at once while it reads. Nothing tells of that change, so it is polled.
    #[track_caller]
    fn wait_for_key_reader(&self) {
        let end = Instant::now() + DEADLINE;
        while self.has_mode("ICANON") {
            if Instant::now() > end || self.watch.seen().closed {
                self.fail("a prompt that reads keys");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether the terminal echoes what is typed, as it does before and after a run.
    pub fn echoes(&self) -> bool {
        self.has_mode("ECHO")
    }

    fn has_mode(&self, mode: &str) -> bool {
        let modes = self.master.get_termios().expect("a terminal has modes");
        modes.local_flags.iter_names().any(|(name, _)| name == mode)
    }

    // ---- looking --------------------------------------------------------------------------------------------------

    /// The text on the screen now, without blanks at the ends of lines and without empty lines at its end.
    pub fn screen(&self) -> String {
        text_of(self.watch.seen().terminal.screen())
    }

    /// The screen with its colours, for [`super::svg`].
    pub fn picture(&self) -> vt100::Screen {
        self.watch.seen().terminal.screen().clone()
    }

    /// The screen and, above it, the lines that have left it at its top: what a person sees who scrolls up.
    pub fn scrolled(&self) -> String {
        scrolled(&mut self.picture())
    }

    /// Everything ever written, escape sequences taken out: to prove that something was never shown.
    pub fn transcript(&self) -> String {
        plain(&self.watch.seen().raw)
    }

    /// What was written, as it was written.
    pub fn raw(&self) -> Vec<u8> {
        self.watch.seen().raw.clone()
    }

    pub fn cursor_visible(&self) -> bool {
        !self.watch.seen().terminal.screen().hide_cursor()
    }

    /// The cursor's row and column, from 0.
    pub fn cursor(&self) -> (u16, u16) {
        self.watch.seen().terminal.screen().cursor_position()
    }

    /// Another size, as when a person drags the window's corner.
    pub fn resize(&self, (rows, cols): (u16, u16)) {
        self.watch.resize((rows, cols));
        self.master
            .resize(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .expect("a terminal can be resized");
    }

    #[track_caller]
    fn fail(&self, wanted: &str) -> ! {
        let (exit, closed) = {
            let seen = self.watch.seen();
            (seen.exit.clone(), seen.closed)
        };
        let state = match exit {
            Some(exit) => format!("the program ended: {exit:?}"),
            None if closed => "the program let go of the terminal".to_owned(),
            None => format!("nothing within {} s", DEADLINE.as_secs()),
        };
        panic!(
            "waited for {wanted}; {state}\n---- screen ----\n{}\n---- end ----",
            self.scrolled()
        );
    }
}

impl Drop for Wizard {
    fn drop(&mut self) {
        if self.watch.seen().exit.is_some() {
            return;
        }
        // A hang-up first, as when a window is closed; then, for a program that is deaf to it, the hard way.
        let _ = self.killer.kill();
        let ended = self
            .watch
            .until(Duration::from_secs(2), |_| false, |seen| seen.exit.clone());
        if let (None, Some(id)) = (ended, self.process_id) {
            let _ = std::process::Command::new("sh")
                .args(["-c", &format!("kill -KILL {id}")])
                .status();
            let _ = self
                .watch
                .until(Duration::from_secs(2), |_| false, |seen| seen.exit.clone());
        }
    }
}

/// Cuts what is typed into keys: an arrow is three bytes and one key.
fn split_keys(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = if rest.starts_with("\x1b[") {
            3.min(rest.len())
        } else {
            first.len_utf8()
        };
        let (key, after) = rest.split_at(length);
        rest = after;
        Some(key)
    })
}
