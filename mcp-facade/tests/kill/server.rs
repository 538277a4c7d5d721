//! The real binary: as a server that can be killed, and as the commands around it.
//!
//! Not here: what is asked of the server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time for a start over a log of some megabytes, in a debug build on a machine that does other things too.
const START_MAX: Duration = Duration::from_secs(60);

/// A server process; killed at the latest when it is dropped.
pub(crate) struct Server {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    /// Where it takes calls.
    pub(crate) url: String,
    /// From the start of the process until it was ready.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts the binary on a free port and waits until it is ready.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// The same with further flags of `serve`.
    pub(crate) async fn start_with(data: &Path, flags: &[&str]) -> Self {
        let started = Instant::now();
        let mut child = command(data)
            .args(["serve", "--port", "0"])
            .args(flags)
            .env("LOONFLOW_LOG", "warn,loonflow_mcp_facade::serve=info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let lines = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, addresses) = mpsc::channel();
        let stderr = std::thread::spawn(move || {
            let mut kept = String::new();
            for line in lines.lines().map_while(Result::ok) {
                match address(&line) {
                    Some(address) => drop(sender.send(address)),
                    None => kept = kept + &line + "\n",
                }
            }
            kept
        });
        // Closed without an address when the process ends early.
        let address = tokio::task::spawn_blocking(move || addresses.recv_timeout(START_MAX));
        let address = address.await.expect("no panic");
        let mut server = Self {
            child,
            stderr: Some(stderr),
            url: format!("http://{}", address.as_deref().unwrap_or_default()),
            started_in: Duration::ZERO,
        };
        assert!(address.is_ok(), "the server did not begin to listen: {}", server.kill());
        server.wait_until_ready(started).await;
        server.started_in = started.elapsed();
        server
    }

    async fn wait_until_ready(&mut self, started: Instant) {
        let client = reqwest::Client::new();
        let url = format!("{}/readyz", self.url);
        while started.elapsed() < START_MAX {
            let answer = client.get(&url).timeout(Duration::from_secs(5)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("the server was not ready in time: {}", self.kill());
    }

    /// SIGKILL: no handler runs, nothing is flushed. Says what it had logged as warnings.
    pub(crate) fn kill(&mut self) -> String {
        // Fails only where it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.stderr
            .take()
            .map_or_else(String::new, |stderr| stderr.join().expect("no panic"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The address in the log line that says where the server listens.
fn address(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    (line["message"] == "listening").then(|| line["address"].as_str().map(str::to_owned))?
}

/// Runs a command to its end and gives its standard output.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> String {
    let output = command(data).args(arguments).output().expect("the command starts");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loonflow-ticket"));
    // Whatever the environment sets is another server's.
    command.env_clear().arg("--data").arg(data);
    command
}
