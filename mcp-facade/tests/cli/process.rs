//! Runs the binary: to its end with [`Run`], or as a server that is stopped with SIGTERM.
//!
//! Invariant: no process outlives its test.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Time that anything here may take, on a slow and busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A file of the example organisation.
pub(crate) fn asset(name: &str) -> PathBuf {
    let folder = if name == "acme.json" { "directory" } else { "workflows" };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../engine/fixtures")
        .join(folder)
        .join(name)
}

/// A definition with one error, which is its name.
pub(crate) fn invalid(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../engine/fixtures/invalid")
        .join(name)
}

/// The binary with nothing of this process's settings.
pub(crate) fn binary() -> Command {
    without_settings(Command::new(env!("CARGO_BIN_EXE_loonflow-ticket")))
}

/// The same after the shell has set limits.
pub(crate) fn binary_under(limits: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]);
    shell.arg(env!("CARGO_BIN_EXE_loonflow-ticket"));
    without_settings(shell)
}

/// The same without what lets root pass over permissions. Root needs `setpriv` for it, which every Linux has
/// (util-linux): a test that is passed over shows nothing.
pub(crate) fn binary_without_rights() -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return binary();
    }
    let mut setpriv = Command::new("setpriv");
    setpriv.arg("--bounding-set=-all");
    setpriv.arg(env!("CARGO_BIN_EXE_loonflow-ticket"));
    without_settings(setpriv)
}

/// The same with SIGINT as it is at a terminal: shells have what they start in the background ignore it.
pub(crate) fn binary_at_a_terminal() -> Command {
    let env = || {
        let mut env = Command::new("env");
        env.arg("--default-signal=INT");
        env
    };
    let works = env()
        .arg("true")
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        return binary();
    }
    let mut command = env();
    command.arg(env!("CARGO_BIN_EXE_loonflow-ticket"));
    without_settings(command)
}

fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOONFLOW_")) {
        command.env_remove(name);
    }
    command
}

/// How a command ended.
pub(crate) struct Run {
    /// As the help tells.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs a command on a data directory to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Run {
    run_as(binary(), data, arguments)
}

/// The same with a binary that was prepared.
pub(crate) fn run_as(mut binary: Command, data: &Path, arguments: &[&str]) -> Run {
    let output = binary
        .arg("--data")
        .arg(data)
        .args(arguments)
        .output()
        .expect("the binary runs");
    Run {
        code: output.status.code().expect("ends by itself"),
        out: String::from_utf8(output.stdout).expect("is text"),
        err: String::from_utf8(output.stderr).expect("is text"),
    }
}

/// The same, which must succeed; gives standard output.
pub(crate) fn done(data: &Path, arguments: &[&str]) -> String {
    let run = run(data, arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {} {}", run.out, run.err);
    run.out
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("is text")
}

/// A directory with Acme and some of its workflows in it.
pub(crate) fn acme(workflows: &[&str]) -> tempfile::TempDir {
    let data = tempfile::tempdir().expect("temporary directory");
    let files: Vec<PathBuf> = workflows
        .iter()
        .map(|name| asset(name))
        .chain([asset("acme.json")])
        .collect();
    let arguments: Vec<&str> = std::iter::once("import")
        .chain(files.iter().map(|file| text(file)))
        .collect();
    done(data.path(), &arguments);
    data
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
    /// What it has printed before it listened.
    pub(crate) out: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts `serve` on a free port.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &["serve"])
    }

    /// Starts a command that serves, on a free port.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Self {
        Self::start_as(binary(), data, arguments)
    }

    /// The same with a binary that was prepared.
    pub(crate) fn start_as(mut binary: Command, data: &Path, arguments: &[&str]) -> Self {
        let printed = data.parent().expect("has one").join(format!(
            "{}.out",
            data.file_name().and_then(|name| name.to_str()).expect("is text")
        ));
        let mut child = binary
            .arg("--data")
            .arg(data)
            .args(arguments)
            .args(["--port", "0"])
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&printed).expect("can be made"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("is piped")).lines();
        let mut seen = String::new();
        let address = loop {
            let Some(line) = lines.next() else {
                let _ = child.wait();
                panic!("the server did not start: {seen}");
            };
            let line = line.expect("is text");
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if let (Some(address), "listening") = (entry["address"].as_str(), entry["message"].as_str().unwrap_or("")) {
                break address.to_owned();
            }
            seen.push_str(&line);
        };
        // Read on, so that the server never waits for a full pipe.
        let log = Arc::new(Mutex::new(seen));
        std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in lines.map_while(Result::ok) {
                    *log.lock().expect("no panic") += &line;
                }
            }
        });
        let started = Instant::now();
        let expected = arguments.contains(&"demo");
        let mut out = std::fs::read_to_string(&printed).expect("is there");
        while expected && !out.trim_end().ends_with('}') {
            assert!(started.elapsed() < DEADLINE, "nothing was printed");
            std::thread::sleep(Duration::from_millis(20));
            out = std::fs::read_to_string(&printed).expect("is there");
        }
        let _ = std::fs::remove_file(printed);
        Self {
            child,
            address,
            out,
            log,
        }
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn stop(self) -> ExitStatus {
        self.signal("TERM");
        let started = Instant::now();
        let status = self.ended();
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "a stop takes ten seconds at most"
        );
        status
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        ended(&mut self.child)
    }

    /// The soft limit of open files that it runs under.
    pub(crate) fn open_files_max(&self) -> u64 {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.child.id())).expect("is there");
        let line = limits.lines().find(|line| line.starts_with("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().nth(3));
        soft.and_then(|soft| soft.parse().ok()).expect("is a number")
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Calls a tool; gives `structuredContent`.
    pub(crate) async fn call(&self, token: &str, tool: &str, arguments: Value) -> Value {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments },
        });
        let request = reqwest::Client::new()
            .post(format!("http://{}/mcp", self.address))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(body.to_string());
        let answer = request.send().await.expect("answers").bytes().await.expect("a body");
        let answer: Value = serde_json::from_slice(&answer).expect("is JSON");
        answer["result"]["structuredContent"].clone()
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(sent.expect("`kill` runs").success());
}

/// Waits for the end of a process of ours.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("is ours") {
            return status;
        }
        if started.elapsed() > DEADLINE {
            let _ = child.kill();
            panic!("the process does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command with lines on its standard input, to its end.
pub(crate) fn run_with_input(data: &Path, arguments: &[&str], lines: &[Value]) -> Run {
    run_with_input_as(binary(), data, arguments, lines)
}

/// The same with a binary that was prepared.
pub(crate) fn run_with_input_as(mut binary: Command, data: &Path, arguments: &[&str], lines: &[Value]) -> Run {
    use std::io::Write;

    let mut child = binary
        .arg("--data")
        .arg(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("is piped");
    let mut answers = BufReader::new(child.stdout.take().expect("is piped"));
    let mut out = String::new();
    for line in lines {
        writeln!(input, "{line}").expect("takes a line");
        // A request is answered before the next is sent; a notification is not.
        if line.get("id").is_some() {
            answers.read_line(&mut out).expect("answers");
        }
    }
    drop(input);
    answers.read_to_string(&mut out).expect("is text");
    let output = child.wait_with_output().expect("ends");
    Run {
        code: output.status.code().expect("ends by itself"),
        out,
        err: String::from_utf8(output.stderr).expect("is text"),
    }
}
