//! `peerctl sandbox` as a process of its own: for tests that run several programs against one world, and for clients
//! that are not ours.
//!
//! ```ignore
//! let sandbox = Served::start(["--lag", "typical"]);
//! peerctl(["azure", "setup", "--no-input"]).envs(sandbox.env()).run().expect_code(0);
//! assert_eq!(sandbox.requests().as_array().unwrap().len(), 14);
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{DEADLINE, PEERCTL, clean_environment, temporary_folder};

/// A running sandbox, told to stop (and waited for) when the value goes away.
pub struct Served {
    child: Child,
    env: BTreeMap<String, String>,
    folder: TempDir,
}

impl Served {
    /// Starts it with these arguments more, and returns once it serves.
    #[track_caller]
    pub fn start<A>(args: A) -> Self
    where
        A: IntoIterator,
        A::Item: Into<OsString>,
    {
        let folder = temporary_folder();
        let env_file = folder.path().join("env.sh");
        let said = folder.path().join("said.txt");
        let mut child = Command::new(PEERCTL)
            .arg("sandbox")
            .arg("--env-file")
            .arg(&env_file)
            .args(args.into_iter().map(Into::into).collect::<Vec<OsString>>())
            .env_clear()
            .envs(clean_environment(folder.path()))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said).expect("a file for what it says"))
            .spawn()
            .expect("peerctl can be started");
        match wait_for_file(&env_file, &mut child) {
            Ok(text) => {
                let mut env = parse_exports(&text);
                // The runs on one sandbox are those of one machine: they know which of them have ended.
                let state = folder.path().join("state").display().to_string();
                env.insert("PEERCTL_STATE_DIR".to_owned(), state);
                Served { child, env, folder }
            }
            Err(why) => {
                let _ = child.kill();
                let _ = child.wait();
                let said = std::fs::read_to_string(&said).unwrap_or_default();
                panic!("no sandbox: {why}\n---- stderr ----\n{said}\n---- end ----");
            }
        }
    }

    /// What a client needs in its environment: addresses, credentials, the CA.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// One of them.
    #[track_caller]
    pub fn value(&self, name: &str) -> &str {
        self.env
            .get(name)
            .unwrap_or_else(|| panic!("the sandbox exports no {name}: {:?}", self.env.keys()))
    }

    /// The sandbox's own folder, gone when it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The canonical dump of the world: equal for equal worlds.
    #[track_caller]
    pub fn state(&self) -> Value {
        self.ask(reqwest::Method::GET, "/_sandbox/state")
    }

    /// The requests so far, oldest first.
    #[track_caller]
    pub fn requests(&self) -> Value {
        self.ask(reqwest::Method::GET, "/_sandbox/requests")
    }

    /// A fresh world, as at the start.
    #[track_caller]
    pub fn reset(&self) {
        self.ask(reqwest::Method::POST, "/_sandbox/reset");
    }

    /// What clients changed so far, one line a request: method, path, status. The vendor's control plane is no client.
    #[track_caller]
    pub fn writes(&self) -> Vec<String> {
        let requests = self.requests();
        let writes = requests["requests"].as_array().into_iter().flatten();
        writes
            .filter(|request| request["write"] == true)
            .map(|request| {
                let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
                let url = text("url");
                let path = url.split('?').next().unwrap_or_default();
                format!("{} {path} {}", text("method"), request["status"])
            })
            .collect()
    }

    /// Every request so far: method and address.
    #[track_caller]
    pub fn asked(&self) -> Vec<String> {
        let requests = self.requests();
        let all = requests["requests"].as_array().into_iter().flatten();
        let text = |request: &Value, key: &str| request[key].as_str().unwrap_or_default().to_owned();
        all.map(|request| format!("{} {}", text(request, "method"), text(request, "url")))
            .collect()
    }

    #[track_caller]
    fn ask(&self, method: reqwest::Method, path: &str) -> Value {
        let (status, body) = self.send(method, path, None, Body::None);
        assert!((200..300).contains(&status), "{path}: {status} {body}");
        body
    }

    /// One request of anybody's, with a bearer token where there is one: the status, and the body where it is JSON.
    #[track_caller]
    pub fn send(&self, method: reqwest::Method, path: &str, bearer: Option<&str>, body: Body) -> (u16, Value) {
        let answer = self.ask_in_full(method, path, bearer, body);
        (answer.status, answer.body)
    }

    /// The same, with what accompanies the answer.
    #[track_caller]
    pub fn ask_in_full(&self, method: reqwest::Method, path: &str, bearer: Option<&str>, body: Body) -> Answer {
        // One origin serves everything; Konnect's address is the one that comes as it is.
        let url = format!("{}{path}", self.value("KONNECT_API_URL"));
        let request = (method, url.clone(), bearer.map(str::to_owned), body);
        let key = self.value("SANDBOX_KEY").to_owned();
        fetch(request, key, self.value("REQUESTS_CA_BUNDLE").into()).unwrap_or_else(|error| panic!("{url}: {error:#}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // As an operator stops it: SIGTERM. Where there is no such thing, or it is deaf to it, it is ended.
        if cfg!(unix) {
            let _ = Command::new("sh")
                .args(["-c", &format!("kill -TERM {}", self.child.id())])
                .status();
            let _ = poll(Duration::from_secs(5), || self.child.try_wait().ok().flatten());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    /// Null where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// A header's value; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

/// What a request carries.
pub enum Body {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
}

/// One request, on a thread of its own: a test may already be inside an asynchronous runtime.
fn fetch(
    (method, url, bearer, body): (reqwest::Method, String, Option<String>, Body),
    key: String,
    ca: PathBuf,
) -> anyhow::Result<Answer> {
    let on_thread = move || -> anyhow::Result<Answer> {
        // Whoever comes second is refused, and all is well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(ca)?)?;
        let client = reqwest::Client::builder()
            .tls_certs_only(ca)
            .no_proxy()
            .timeout(DEADLINE)
            .build()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut request = client.request(method, url).header("x-sandbox-key", key);
            if let Some(bearer) = bearer {
                request = request.bearer_auth(bearer);
            }
            let (kind, text) = match body {
                Body::None => ("application/json", String::new()),
                Body::Json(value) => ("application/json", value.to_string()),
                Body::Form(pairs) => {
                    let form = url::form_urlencoded::Serializer::new(String::new())
                        .extend_pairs(pairs)
                        .finish();
                    ("application/x-www-form-urlencoded", form)
                }
            };
            let answer = request.header("content-type", kind).body(text).send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let body = serde_json::from_str(&answer.text().await?).unwrap_or(Value::Null);
            Ok(Answer { status, headers, body })
        })
    };
    std::thread::spawn(on_thread).join().expect("no panic while asking")
}

/// The file's text, once it is there. It is written under another name and renamed, so there is no half of it.
fn wait_for_file(file: &Path, child: &mut Child) -> Result<String, String> {
    let found = poll(DEADLINE, || match std::fs::read_to_string(file) {
        Ok(text) => Some(Ok(text)),
        Err(_) => child
            .try_wait()
            .ok()
            .flatten()
            .map(|status| Err(format!("it ended at once: {status}"))),
    });
    found.unwrap_or_else(|| {
        Err(format!(
            "{} was not written within {} s",
            file.display(),
            DEADLINE.as_secs()
        ))
    })
}

/// Looks again and again, for what cannot ring: a file, another process.
pub fn poll<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The lines `export NAME='value'` of a shell file; in a value, `'\''` stands for an apostrophe.
pub fn parse_exports(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("export ")?.split_once('='))
        .map(|(name, quoted)| {
            let bare = quoted
                .strip_prefix('\'')
                .and_then(|rest| rest.strip_suffix('\''))
                .unwrap_or(quoted);
            (name.to_owned(), bare.replace("'\\''", "'"))
        })
        .collect()
}
