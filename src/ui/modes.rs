//! The terminal's modes. Prompts change them for one key at a time; what arrives in between would be echoed into the
//! picture (or, where a token is pasted, into the open), and a run that is stopped must leave them as they were.

#[cfg(unix)]
mod unix {
    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

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
                // Where the terminal is gone there is nothing to restore.
                let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
            }
        }
    }

    /// No echo for as long as this lives, and every key (Ctrl-C too) goes to the prompt: as a signal between two keys it
    /// would have the terminal restored while the prompt is about to change it again.
    pub struct NoEcho(Modes);

    impl NoEcho {
        pub fn begin() -> Self {
            let before = Modes::now();
            if let Some(mut modes) = before.0.clone() {
                let by_line = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
                modes.local_modes.remove(by_line);
                modes.special_codes[SpecialCodeIndex::VMIN] = 1;
                modes.special_codes[SpecialCodeIndex::VTIME] = 0;
                // A terminal that refuses is no worse than before.
                let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
            }
            Self(before)
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
}

#[cfg(not(unix))]
pub use other::{Modes, NoEcho};
#[cfg(unix)]
pub use unix::{Modes, NoEcho};
