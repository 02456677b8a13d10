//! Messages that arrive while a prompt is open: shown above it if the prompt makes room, otherwise after it is closed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use console::Term;

use super::keys::KeyWaker;
use crate::domain::mask;

/// The terminal has one prompt at a time.
static OPEN: Mutex<Option<OpenPrompt>> = Mutex::new(None);

struct OpenPrompt {
    told: Vec<String>,
    bell: Option<KeyWaker>,
}

fn open() -> MutexGuard<'static, Option<OpenPrompt>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line to standard error, but never into a prompt.
pub fn tell(line: &str) {
    let line = &*mask(line);
    let mut open = open();
    match &mut *open {
        Some(open) => {
            open.told.push(line.to_owned());
            if let Some(bell) = &open.bell {
                bell.ring();
            }
        }
        None => write(line),
    }
}

/// Wakes the prompt that is open, to draw itself again: the window has another size.
pub fn redraw() {
    if let Some(bell) = open().as_ref().and_then(|open| open.bell.as_ref()) {
        bell.ring();
    }
}

fn write(line: &str) {
    // Where standard error is gone, there is nobody to tell.
    let _ = Term::stderr().write_line(line);
}

/// A prompt that is open for as long as this lives.
pub struct ActivePrompt(());

impl ActivePrompt {
    /// One that makes room for lines above it when its bell rings.
    pub fn above(bell: KeyWaker) -> Self {
        Self::begin(Some(bell))
    }

    /// One that cannot.
    pub fn alone() -> Self {
        Self::begin(None)
    }

    fn begin(bell: Option<KeyWaker>) -> Self {
        *open() = Some(OpenPrompt { told: Vec::new(), bell });
        Self(())
    }

    /// The lines that are to stand above it since the last time.
    pub fn told(&self) -> Vec<String> {
        open()
            .as_mut()
            .map(|open| std::mem::take(&mut open.told))
            .unwrap_or_default()
    }
}

impl Drop for ActivePrompt {
    fn drop(&mut self) {
        let mut open = open();
        open.take()
            .into_iter()
            .flat_map(|open| open.told)
            .for_each(|line| write(&line));
    }
}
