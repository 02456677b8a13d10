//! What a program in a pseudo-terminal has shown so far: its bytes, the screen that they make, how it ended. Threads
//! fill it in, and every wait sleeps on a condition variable that they ring.

use std::io::Read;
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Lines that have left the screen at its top and can still be asked for.
const SCROLLBACK: usize = 5_000;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Absent where a signal ended it.
    pub code: Option<u32>,
    pub signal: Option<String>,
}

impl Exit {
    pub fn with_code(code: u32) -> Self {
        Exit {
            code: Some(code),
            signal: None,
        }
    }
}

impl From<portable_pty::ExitStatus> for Exit {
    /// portable-pty reports a death by signal as exit code 1 as well; a test must not take the one for the other.
    fn from(status: portable_pty::ExitStatus) -> Self {
        match status.signal() {
            Some(signal) => Exit {
                code: None,
                signal: Some(signal.to_owned()),
            },
            None => Exit::with_code(status.exit_code()),
        }
    }
}

/// What has been seen of the program so far.
pub struct Seen {
    pub terminal: vt100::Parser,
    pub raw: Vec<u8>,
    /// Everything written has been read: the program and its children have let go of the terminal.
    pub closed: bool,
    pub exit: Option<Exit>,
}

/// The reading threads' and the test's common view of it; whoever changes it wakes whoever waits.
#[derive(Clone)]
pub struct Watch(Arc<(Mutex<Seen>, Condvar)>);

impl Watch {
    /// Of a screen of so many rows and columns, with nothing on it.
    pub fn new(size: (u16, u16)) -> Self {
        let (rows, cols) = cells(size);
        let terminal = vt100::Parser::new(rows, cols, SCROLLBACK);
        let seen = Seen {
            terminal,
            raw: Vec::new(),
            closed: false,
            exit: None,
        };
        Watch(Arc::new((Mutex::new(seen), Condvar::new())))
    }

    pub fn resize(&self, size: (u16, u16)) {
        let (rows, cols) = cells(size);
        self.change(|seen| seen.terminal.set_size(rows, cols));
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().expect("no reader panics")
    }

    pub fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen());
        self.0.1.notify_all();
    }

    /// Waits until `look` finds something, `hopeless` is true, or the deadline has passed.
    pub fn until<T>(
        &self,
        limit: Duration,
        hopeless: impl Fn(&Seen) -> bool,
        mut look: impl FnMut(&mut Seen) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + limit;
        let mut seen = self.seen();
        loop {
            if let Some(found) = look(&mut seen) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || hopeless(&seen) {
                return None;
            }
            seen = self.0.1.wait_timeout(seen, left).expect("no reader panics").0;
        }
    }

    /// Reads until the other end is closed.
    pub fn read_all(&self, mut reader: impl Read) {
        let mut buffer = [0; 16 * 1024];
        // Linux reports the other end's closing as an error (EIO), macOS as an end of file.
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            self.change(|seen| {
                seen.terminal.process(&buffer[..count]);
                seen.raw.extend_from_slice(&buffer[..count]);
            });
        }
        self.change(|seen| seen.closed = true);
    }
}

/// The text of a screen, without blanks at the ends of lines and without empty lines at its end.
pub fn text_of(screen: &vt100::Screen) -> String {
    tidy(&screen.contents())
}

fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// What was written, without its escape sequences.
pub fn plain(raw: &[u8]) -> String {
    console::strip_ansi_codes(&String::from_utf8_lossy(raw)).replace('\r', "")
}

/// The text of a screen with the lines above it that have left it.
pub fn scrolled(screen: &mut vt100::Screen) -> String {
    let width = screen.size().1.get();
    let mut text = String::new();
    for back in (1..=screen.scrollback_len()).rev() {
        screen.set_scrollback(back);
        text.extend(screen.rows(0, width).next());
        if !screen.row_wrapped(0) {
            text.push('\n');
        }
    }
    screen.set_scrollback(0);
    tidy(&(text + &screen.contents()))
}

fn cells((rows, cols): (u16, u16)) -> (NonZeroU16, NonZeroU16) {
    (
        NonZeroU16::new(rows).expect("a row at least"),
        NonZeroU16::new(cols).expect("a column at least"),
    )
}
