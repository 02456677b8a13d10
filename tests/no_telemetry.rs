//! No telemetry: a run contacts the cloud's hosts and the vendor's, and nobody else.
//!
//! The program is run as anybody runs it, for Azure's public cloud and the vendors' own addresses. A proxy, which is the
//! one way out, notes every host that is asked for and leads it to a sandbox; where there is strace, every address that a
//! process connects to has to be the proxy's. And nothing else in the sources, or among the dependencies, has the means.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources that are part of the program, by path, without their tests.
fn sources() -> Vec<(String, String)> {
    let mut folders = vec![top().join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.path())
        {
            let name = path
                .strip_prefix(top())
                .expect("inside")
                .display()
                .to_string()
                .replace('\\', "/");
            let tests = name.contains("/tests") || name.ends_with("_tests.rs");
            if path.is_dir() && !tests {
                folders.push(path);
            } else if name.ends_with(".rs") && !tests {
                let text = fs::read_to_string(&path).expect("a source");
                let own = text
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                found.push((name, own));
            }
        }
    }
    assert!(found.len() > 150, "{}", found.len());
    found
}

#[test]
fn one_file_can_send_one_can_listen_one_can_start_a_program_and_one_a_browser() {
    let table: [(&[&str], &[&str]); 4] = [
        (
            &["reqwest::", "hyper::client", "client::legacy"],
            // The second one tells the client of the first its proxies.
            &["src/azure/https.rs", "src/azure/proxy.rs"],
        ),
        (
            &[
                "tokio::net",
                "TcpStream",
                "TcpListener",
                "UdpSocket",
                "UnixStream",
                "lookup_host",
                "ToSocketAddrs",
            ],
            // The second one has a pair of sockets, each connected with the other alone: it wakes who waits for a key.
            &["src/sandbox/serve.rs", "src/ui/keys.rs"],
        ),
        (
            &["process::Command", "process::{"],
            &["src/azure/identity/child.rs", "src/child.rs"],
        ),
        (&["webbrowser::"], &["src/cli/browser.rs"]),
    ];
    for (words, expected) in table {
        let has = |text: &str| words.iter().any(|word| text.contains(word));
        let found: BTreeSet<String> = sources()
            .into_iter()
            .filter(|(_, text)| has(text))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            found,
            expected.iter().map(|name| (*name).to_owned()).collect(),
            "{words:?}"
        );
    }
}

#[test]
fn among_the_dependencies_http_is_ours_alone() {
    let lock: toml::Table =
        toml::from_str(&fs::read_to_string(top().join("Cargo.lock")).expect("the lock")).expect("a table");
    let packages = lock["package"].as_array().expect("packages");
    let users = |name: &str| -> BTreeSet<&str> {
        let uses = |package: &&toml::Value| {
            let dependencies = package
                .get("dependencies")
                .and_then(toml::Value::as_array)
                .into_iter()
                .flatten();
            let mut names = dependencies.filter_map(|one| one.as_str()?.split(' ').next());
            names.any(|one| one == name)
        };
        packages
            .iter()
            .filter(uses)
            .filter_map(|package| package["name"].as_str())
            .collect()
    };
    for (name, expected) in [
        ("reqwest", &["peerctl"][..]),
        ("hyper", &["hyper-rustls", "hyper-util", "peerctl", "reqwest"]),
        ("hyper-util", &["hyper-rustls", "peerctl", "reqwest"]),
        ("webbrowser", &["peerctl"]),
    ] {
        assert_eq!(users(name), expected.iter().copied().collect(), "{name}");
    }
}

/// Trust in the proxy's certificates is given by the environment, which is the platform's own affair elsewhere.
#[cfg(target_os = "linux")]
mod run {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::process::{Command, Stdio};
    use std::sync::{Arc, Mutex};

    use super::support::cli::{Ran, Run, peerctl, program};
    use super::support::link::{AIVEN, DRAGONFLY, GENERIC, KONG};
    use super::support::middleman::{Manners, Middleman};
    use super::support::served::Served;
    use super::support::{PEERCTL, kong};
    use super::*;

    const AZURE: [&str; 3] = [
        "login.microsoftonline.com",
        "management.azure.com",
        "graph.microsoft.com",
    ];
    const VENDORS: [&str; 3] = ["global.api.konghq.com", "api.aiven.io", "api.dragonflydb.cloud"];

    /// The only way out of a run: it notes who is asked for, and leads to a sandbox.
    struct Proxy {
        port: u16,
        asked: Arc<Mutex<BTreeSet<String>>>,
        sandbox: Served,
        middleman: Middleman,
    }

    impl Proxy {
        fn start() -> Self {
            let sandbox = Served::start(["--lag", "none"]);
            let middleman = Middleman::named(&sandbox, Manners::default(), &[AZURE, VENDORS].concat());
            let behind = middleman.env()["KONNECT_API_URL"]
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok());
            let behind: u16 = behind.expect("a port");
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let asked = Arc::new(Mutex::new(BTreeSet::new()));
            let noted = Arc::clone(&asked);
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let noted = Arc::clone(&noted);
                    std::thread::spawn(move || lead(stream, behind, &noted));
                }
            });
            Self {
                port,
                asked,
                sandbox,
                middleman,
            }
        }

        /// Who was asked for since the last look.
        fn asked(&self) -> BTreeSet<String> {
            std::mem::take(&mut self.asked.lock().expect("nobody panicked"))
        }

        /// The command, with nothing of the sandbox's but who signs in, as for Azure itself.
        #[track_caller]
        fn run(&self, line: &[String]) -> Ran {
            let proxy = format!("http://127.0.0.1:{}", self.port);
            let own = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
            let tokens = ["KONNECT_TOKEN", "AIVEN_AUTH_TOKEN", "DFCLOUD_API_KEY"];
            let values = own.iter().chain(&tokens).map(|name| (*name, self.sandbox.value(name)));
            let traced = Traced::new(line);
            let run = traced
                .run()
                .envs(values)
                .env("AZURE_SUBSCRIPTION_ID", kong::SUBSCRIPTION);
            let run = run.env("SSL_CERT_FILE", &self.middleman.env()["SSL_CERT_FILE"]);
            let run = run.envs(["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, &proxy)));
            let ran = run.env("PEERCTL_STATE_DIR", "none").run();
            if let Some(connected) = traced.connected() {
                let nobody = self.asked.lock().expect("nobody panicked").is_empty();
                let proxy = (!nobody).then(|| format!("127.0.0.1:{}", self.port));
                assert_eq!(connected, proxy.into_iter().collect(), "{ran}");
            }
            ran
        }
    }

    fn lead(mut client: TcpStream, behind: u16, noted: &Mutex<BTreeSet<String>>) {
        let mut reader = BufReader::new(client.try_clone().expect("a stream"));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
        let mut words = head.split(' ');
        let (method, goal) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        noted.lock().expect("nobody panicked").insert(goal.to_owned());
        if method != "CONNECT" {
            let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
            return;
        }
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).expect("the middleman");
        if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_err() {
            return;
        }
        let (back, on) = (
            server.try_clone().expect("a stream"),
            client.try_clone().expect("a stream"),
        );
        std::thread::spawn(move || carry(back, on));
        carry(reader.into_inner(), server);
    }

    /// Until one of the two has ended; then the other is told.
    fn carry(mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    }

    /// A run under strace, where there is one.
    struct Traced<'a> {
        line: &'a [String],
        folder: Option<tempfile::TempDir>,
    }

    impl<'a> Traced<'a> {
        fn new(line: &'a [String]) -> Self {
            let version = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
            let there = version.is_ok_and(|status| status.success());
            if !there {
                eprintln!("skipped, because there is no strace: which addresses are connected to");
            }
            let folder = there.then(|| tempfile::tempdir().expect("a folder"));
            Self { line, folder }
        }

        fn file(&self) -> Option<PathBuf> {
            self.folder.as_ref().map(|folder| folder.path().join("calls"))
        }

        fn run(&self) -> Run {
            let Some(file) = self.file() else {
                return peerctl(self.line.to_vec());
            };
            let file = file.display().to_string();
            let own = ["-f", "-qq", "-e", "trace=%network", "-o", &file, PEERCTL].map(str::to_owned);
            program("strace", own.into_iter().chain(self.line.iter().cloned()))
        }

        /// Every address of the internet that a call names as one to go to.
        fn connected(&self) -> Option<BTreeSet<String>> {
            let calls = fs::read_to_string(self.file()?).expect("strace has written");
            let to = |line: &&str| {
                ["connect(", "sendto(", "sendmsg(", "sendmmsg("]
                    .iter()
                    .any(|call| line.contains(call))
            };
            let part = |line: &str, before: &str| {
                let (_, rest) = line.split_once(before)?;
                Some(rest.split([')', '"']).next().unwrap_or_default().to_owned())
            };
            let addresses = calls
                .lines()
                .filter(to)
                .filter(|line| line.contains("AF_INET"))
                .map(|line| {
                    let host = part(line, "inet_addr(\"").or(part(line, "inet_pton(AF_INET6, \""));
                    let port = part(line, "_port=htons(");
                    format!("{}:{}", host.unwrap_or_default(), port.unwrap_or_default())
                });
            Some(addresses.collect())
        }
    }

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_link_from_its_beginning_to_its_end_asks_the_cloud_and_the_vendor_and_nobody_else() {
        for (link, vendor) in [
            (KONG, Some(VENDORS[0])),
            (AIVEN, Some(VENDORS[1])),
            (DRAGONFLY, Some(VENDORS[2])),
            (GENERIC, None),
        ] {
            let proxy = Proxy::start();
            let mut asked = BTreeSet::new();
            for command in ["doctor", "setup", "status", "repair", "teardown"] {
                let mut line = link.line(command, &[]);
                line.retain(|word| command != "doctor" || word != "--yes");
                let ran = proxy.run(&line);
                // A doctor's warnings do not block.
                let ran = ran.expect_code(0);
                let now = proxy.asked();
                assert!(!now.is_empty(), "{command} asks\n{ran}");
                asked.extend(now);
            }
            let expected = AZURE.iter().chain(&vendor).map(|host| format!("{host}:443")).collect();
            assert_eq!(asked, expected, "{}", link.vendor);
            assert!(!proxy.sandbox.writes().is_empty());
        }
    }

    #[test]
    fn what_needs_no_network_asks_nobody() {
        let proxy = Proxy::start();
        let script = KONG.line(
            "setup",
            &["--dry-run", "--vendor-access", "api", "--tenant-id", kong::TENANT],
        );
        for line in [
            words(&["--version"]),
            words(&["vendors", "kong"]),
            words(&["explain", "AADSTS7000215"]),
            script,
        ] {
            proxy.run(&line).expect_code(0);
        }
        assert_eq!(proxy.asked(), BTreeSet::new());
    }

    #[test]
    fn a_rehearsal_stays_on_this_machine() {
        let proxy = Proxy::start();
        let line = KONG.line("setup", &["--sandbox", "--subscription", "Contoso Production"]);
        let traced = Traced::new(&line);
        let address = format!("http://127.0.0.1:{}", proxy.port);
        let run = traced
            .run()
            .envs(["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, &address)));
        let ran = run.run().expect_code(0);
        assert_eq!(proxy.asked(), BTreeSet::new());
        if let Some(connected) = traced.connected() {
            let here = |address: &String| address.starts_with("127.0.0.1:") || address.starts_with("::1:");
            assert!(
                !connected.is_empty() && connected.iter().all(here),
                "{connected:?}\n{ran}"
            );
        }
    }
}
