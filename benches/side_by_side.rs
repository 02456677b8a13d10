//! peerctl against the documented way: the same peering on the same sandbox, once by `peerctl azure setup`, once by the
//! az script that `--dry-run` prints, run by the real `az`.
//!
//! ```sh
//! PEERCTL_AZ=/path/to/az cargo bench --bench side_by_side
//! ```
//!
//! Every answer of the sandbox takes 50 ms, which is a round trip to a region nearby; replication and the vendors' own
//! work take no time, since both would wait for them alike. It prints the table that the README shows.

#[cfg(not(unix))]
fn main() {
    eprintln!("The az script is one of bash; this benchmark runs where there is one.");
}

#[cfg(unix)]
#[path = "../tests/support/mod.rs"]
mod support;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    side_by_side::main()
}

#[cfg(unix)]
mod side_by_side {
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use anyhow::{Context, bail, ensure};
    use wait4::Wait4;

    use super::support::az::Az;
    use super::support::kong::{TENANT, VNET_ID};
    use super::support::served::Served;
    use super::support::{PEERCTL, real_az};

    const LATENCY: &str = "50ms";
    /// Runs of peerctl; the median counts. The script takes minutes, and once is enough for its order of magnitude.
    const RUNS: usize = 9;

    const VENDORS: [(&str, &[&str]); 3] = [
        ("kong", &["--set", "network=eastus2-network"]),
        (
            "aiven",
            &[
                "--set",
                "project=demo",
                "--set",
                "vpc=7a61c0de-3b52-4c1f-9d84-e0f1a2b3c401",
            ],
        ),
        ("dragonfly", &["--set", "network=cache-eastus2"]),
    ];

    /// What one way of doing it took.
    #[derive(Clone, Copy)]
    struct Cost {
        wall: Duration,
        /// Of all its processes together.
        cpu: Duration,
        /// Of the largest of its processes, in bytes.
        memory: u64,
        requests: usize,
    }

    pub fn main() -> anyhow::Result<()> {
        // `cargo test --benches` and the like ask for a list, or for nothing to be measured.
        if !std::env::args().any(|argument| argument == "--bench") {
            return Ok(());
        }
        let Some(az) = real_az("the comparison with the printed script") else {
            return Ok(());
        };
        println!("| vendor | | wall time | requests | processor time | largest process |");
        println!("|---|---|---|---|---|---|");
        for (vendor, inputs) in VENDORS {
            let sandbox = Served::start(["--latency", LATENCY, "--lag", "none"]);
            let arguments = |more: &[&str]| -> Vec<String> {
                let own = ["azure", "setup", "--no-input", "--vendor", vendor, "--vnet-id", VNET_ID];
                let all = own.iter().chain(inputs).chain(more);
                all.map(|text| (*text).to_owned()).collect()
            };
            let ours = peerctl(&sandbox, &arguments(&["--yes", "-o", "json"]))?;
            let left = sandbox.state();
            sandbox.reset();
            let script = script(
                &sandbox,
                &arguments(&["--dry-run", "--vendor-access", "api", "--tenant-id", TENANT]),
            )?;
            let theirs = by_az(&az, &sandbox, &script)?;
            ensure!(left == sandbox.state(), "{vendor}: the two ways leave different worlds");
            for (name, cost) in [("peerctl", ours), ("the az script", theirs)] {
                println!(
                    "| {vendor} | {name} | {:.2} s | {} | {:.2} s | {} MB |",
                    cost.wall.as_secs_f64(),
                    cost.requests,
                    cost.cpu.as_secs_f64(),
                    cost.memory / 1_000_000
                );
            }
            println!(
                "| | ratio | {:.0} × | {:.1} × | {:.0} × | {:.1} × |",
                theirs.wall.as_secs_f64() / ours.wall.as_secs_f64(),
                theirs.requests as f64 / ours.requests as f64,
                theirs.cpu.as_secs_f64() / ours.cpu.as_secs_f64(),
                theirs.memory as f64 / ours.memory as f64
            );
        }
        Ok(())
    }

    /// Several fresh set-ups; the one with the median wall time.
    fn peerctl(sandbox: &Served, arguments: &[String]) -> anyhow::Result<Cost> {
        let mut costs = Vec::new();
        for _ in 0..RUNS {
            sandbox.reset();
            let mut command = Command::new(PEERCTL);
            command
                .args(arguments)
                .envs(sandbox.env())
                .env("PEERCTL_STATE_DIR", "none");
            costs.push(cost(sandbox, &mut command, "")?);
        }
        costs.sort_by_key(|cost| cost.wall);
        Ok(costs[RUNS / 2])
    }

    fn script(sandbox: &Served, arguments: &[String]) -> anyhow::Result<String> {
        let printed = Command::new(PEERCTL).args(arguments).envs(sandbox.env()).output()?;
        ensure!(
            printed.status.success(),
            "no script: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
        Ok(String::from_utf8(printed.stdout)?)
    }

    fn by_az(az: &Path, sandbox: &Served, script: &str) -> anyhow::Result<Cost> {
        // Whoever runs the script has signed in before.
        let _ = Az::signed_in(az.to_owned(), sandbox);
        let own = az.parent().unwrap_or(Path::new("/"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path: Vec<PathBuf> = std::iter::once(own.to_owned())
            .chain(std::env::split_paths(&path))
            .collect();
        let mut command = Command::new("bash");
        command
            .arg("-s")
            .envs(sandbox.env())
            .env("PATH", std::env::join_paths(path)?);
        cost(sandbox, &mut command, script)
    }

    fn cost(sandbox: &Served, command: &mut Command, input: &str) -> anyhow::Result<Cost> {
        let before = requests(sandbox);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let began = Instant::now();
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().with_context(|| program.clone())?;
        let mut stdin = child.stdin.take().context("it was piped")?;
        stdin.write_all(input.as_bytes())?;
        drop(stdin);
        let mut said = child.stderr.take().context("it was piped")?;
        let said = std::thread::spawn(move || std::io::read_to_string(&mut said));
        let used = child.wait4()?;
        let wall = began.elapsed();
        if !used.status.success() {
            let said = said.join().map_err(|_| anyhow::anyhow!("no panic"))??;
            bail!("{program} ended with {}: {said}", used.status);
        }
        Ok(Cost {
            wall,
            cpu: used.rusage.utime + used.rusage.stime,
            memory: used.rusage.maxrss,
            requests: requests(sandbox) - before,
        })
    }

    /// What clients have asked so far; a vendor's control plane is no client.
    fn requests(sandbox: &Served) -> usize {
        let log = sandbox.requests();
        let all = log["requests"].as_array().into_iter().flatten();
        all.filter(|request| request.get("actor").is_none()).count()
    }
}
