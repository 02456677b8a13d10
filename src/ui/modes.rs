//! The terminal's modes. Prompts change them for one key at a time; what arrives in between would be echoed into the
//! picture (or, where a token is pasted, into the open), and a run that is stopped must leave them as they were.

#[cfg(unix)]
mod unix {
    use rustix::process::getpgrp;
    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    /// How standard input's terminal was set.
    pub struct Modes(Option<Termios>);

    impl Modes {
        /// As they are now; nothing where there is no terminal.
        pub fn now() -> Self {
            Self(tcgetattr(stdin()).ok())
        }

        /// Sets them again.
        pub fn restore(&self) {
            if let Some(modes) = &self.0 {
                set(modes);
            }
        }

        /// Sets them with a change, and gives how they were.
        fn with(change: impl FnOnce(&mut Termios)) -> Self {
            let before = Self::now();
            if let Some(mut modes) = before.0.clone() {
                change(&mut modes);
                set(&modes);
            }
            before
        }
    }

    fn set(modes: &Termios) {
        // Who sets them from the background is stopped by the system.
        if tcgetpgrp(stdin()) == Ok(getpgrp()) {
            // A terminal that refuses, or is gone, is no worse than before.
            let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
        }
    }

    /// No `^C` where the cursor stands, for as long as this lives: it would push the live lines out of their place, and
    /// one of them would stay.
    pub struct NoCaret(Modes);

    impl NoCaret {
        pub fn begin() -> Self {
            Self(Modes::with(|modes| modes.local_modes.remove(LocalModes::ECHOCTL)))
        }
    }

    impl Drop for NoCaret {
        fn drop(&mut self) {
            self.0.restore();
        }
    }

    /// No echo for as long as this lives, and every key (Ctrl-C too) goes to the prompt: as a signal between two keys it
    /// would have the terminal restored while the prompt is about to change it again.
    pub struct NoEcho(Modes);

    impl NoEcho {
        pub fn begin() -> Self {
            let by_line = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
            Self(Modes::with(|modes| {
                modes.local_modes.remove(by_line);
                modes.special_codes[SpecialCodeIndex::VMIN] = 1;
                modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            }))
        }
    }

    impl Drop for NoEcho {
        fn drop(&mut self) {
            self.0.restore();
        }
    }
}

#[cfg(not(unix))]
mod other {
    /// Keys are read without echo here, whatever the modes.
    pub struct Modes;

    impl Modes {
        pub fn now() -> Self {
            Self
        }

        pub fn restore(&self) {}
    }

    pub struct NoEcho;

    impl NoEcho {
        pub fn begin() -> Self {
            Self
        }
    }

    pub struct NoCaret;

    impl NoCaret {
        pub fn begin() -> Self {
            Self
        }
    }
}

#[cfg(not(unix))]
pub use other::{Modes, NoCaret, NoEcho};
#[cfg(unix)]
pub use unix::{Modes, NoCaret, NoEcho};
