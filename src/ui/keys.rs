//! Waiting for a key and for something else at once: rows of a list that come, a line that is to stand above it.

#[cfg(unix)]
mod unix {
    use std::io::{self, Read, Write, stdin};
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;

    use console::{Key, Term};
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    /// Wakes the prompt that listens.
    #[derive(Clone)]
    pub struct KeyWaker(Arc<UnixStream>);

    impl KeyWaker {
        pub fn ring(&self) {
            // Where it is full, it rings already.
            let _ = (&*self.0).write(&[1]);
        }
    }

    /// Hears keys and the bell.
    pub struct KeyReader {
        bell: KeyWaker,
        heard: UnixStream,
    }

    impl KeyReader {
        pub fn new() -> io::Result<Self> {
            let (heard, rung) = UnixStream::pair()?;
            heard.set_nonblocking(true)?;
            rung.set_nonblocking(true)?;
            Ok(Self {
                bell: KeyWaker(Arc::new(rung)),
                heard,
            })
        }

        pub fn bell(&self) -> KeyWaker {
            self.bell.clone()
        }

        /// The next key; nothing where the bell rang first. The terminal has to be without echo and lines.
        pub fn listen(&self, term: &Term) -> io::Result<Option<Key>> {
            let keys = stdin();
            loop {
                let mut both = [
                    PollFd::new(&keys, PollFlags::IN),
                    PollFd::new(&self.heard, PollFlags::IN),
                ];
                match poll(&mut both, None) {
                    Err(Errno::INTR) => continue,
                    other => other?,
                };
                // A key is about what is on the screen now. One that cannot be waited for is read all the same: then the
                // bell is heard with the next key.
                if !both[0].revents().is_empty() {
                    return term.read_key().map(Some);
                }
                if !both[1].revents().is_empty() {
                    // All rings are one.
                    while matches!((&self.heard).read(&mut [0; 64]), Ok(1..)) {}
                    return Ok(None);
                }
            }
        }
    }

    /// The next key, where there is nothing else to wait for.
    pub fn next(term: &Term) -> io::Result<Key> {
        term.read_key()
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use console::{Key, Term};

    /// Maximum time that a wake-up signal may go unnoticed.
    const PATIENCE: Duration = Duration::from_millis(30);

    /// Wakes the prompt that listens.
    #[derive(Clone)]
    pub struct Bell(Sender<()>);

    impl KeyWaker {
        pub fn ring(&self) {
            // Where nobody listens any more, nobody is woken.
            let _ = self.0.send(());
        }
    }

    /// Hears keys and the bell.
    pub struct Ear {
        bell: KeyWaker,
        rung: Receiver<()>,
    }

    type Coming = Receiver<io::Result<Key>>;

    /// A key that a thread reads. A prompt that ends before it comes leaves it to the next one.
    static COMING: Mutex<Option<Coming>> = Mutex::new(None);

    fn coming() -> MutexGuard<'static, Option<Coming>> {
        COMING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(term: &Term) -> Coming {
        let (sender, receiver) = channel();
        let term = term.clone();
        std::thread::spawn(move || sender.send(term.read_key()));
        receiver
    }

    impl KeyReader {
        pub fn new() -> io::Result<Self> {
            let (sender, rung) = channel();
            Ok(Self {
                bell: KeyWaker(sender),
                rung,
            })
        }

        pub fn bell(&self) -> KeyWaker {
            self.bell.clone()
        }

        /// The next key; nothing where the bell rang first.
        pub fn listen(&self, term: &Term) -> io::Result<Option<Key>> {
            let key = coming().take().unwrap_or_else(|| read(term));
            loop {
                match key.recv_timeout(PATIENCE) {
                    Ok(key) => return key.map(Some),
                    Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if self.rung.try_iter().count() > 0 {
                    *coming() = Some(key);
                    return Ok(None);
                }
            }
        }
    }

    /// The next key, where there is nothing else to wait for.
    pub fn next(term: &Term) -> io::Result<Key> {
        let before = coming().take();
        match before {
            Some(key) => key.recv().unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into())),
            None => term.read_key(),
        }
    }
}

#[cfg(not(unix))]
pub use other::{Bell, Ear, next};
#[cfg(unix)]
pub use unix::{KeyReader, KeyWaker, next};
