//! The two servers as processes of their own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::nothing;

const START_MAX: Duration = Duration::from_secs(60);

/// A server; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) port: u16,
    /// Whether it is the ticket server.
    pub(crate) is_real: bool,
}

impl Process {
    /// The ticket server over a data directory.
    pub(crate) async fn ticket_server(data: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let child = ticket_command(data)
            .args(["serve", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let process = Self {
            child,
            port,
            is_real: true,
        };
        process.wait_until_it_listens().await;
        process
    }

    /// The server that does nothing; its answers are in the directory.
    pub(crate) async fn do_nothing(directory: &Path) -> Self {
        let this = std::env::current_exe().expect("this program");
        let child = Command::new(this)
            .arg(nothing::FLAG)
            .arg(directory)
            .spawn()
            .expect("the server starts");
        let mut process = Self {
            child,
            port: 0,
            is_real: false,
        };
        let started = Instant::now();
        while process.port == 0 {
            let port = std::fs::read_to_string(directory.join(nothing::PORT));
            process.port = port.map_or(0, |port| port.parse().expect("a port"));
            pause(started).await;
        }
        process
    }

    async fn wait_until_it_listens(&self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            pause(started).await;
        }
    }

    /// Processor time used so far; nothing where the system does not say.
    pub(crate) fn cpu_time(&self) -> Duration {
        // In hundredths of a second, on every Linux.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The second field, the name in parentheses, may have blanks; user and system time are fields 14 and 15.
        let (_, after_name) = stat.rsplit_once(')').unwrap_or_default();
        let fields = after_name.split_whitespace().skip(11).take(2);
        TICK * fields.filter_map(|field| field.parse::<u32>().ok()).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only where it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn pause(started: Instant) {
    assert!(started.elapsed() < START_MAX, "a server did not start");
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// Runs a command of the binary and gives its standard output.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> String {
    let output = ticket_command(data)
        .args(arguments)
        .output()
        .expect("the command starts");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out
}

fn ticket_command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loonflow-ticket"));
    // Whatever the environment sets is another server's.
    command.env_clear().arg("--data").arg(data);
    command
}
