//! SIGINT and SIGTERM: what a process does at the first and at a second one, and the exit codes that the help tells.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::process::{Server, acme, asset, binary_at_a_terminal, done, ended, run, signal, text};

/// A call whose body does not come: a server that stops waits for it, for seconds.
fn unfinished_call(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).expect("connects");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\
         Expect: 100-continue\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).expect("takes it");
    // It says so once it reads the body.
    let mut answer = [0; 12];
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("is set");
    stream.read_exact(&mut answer).expect("answers");
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream.write_all(b"{\"jsonrpc\":").expect("takes it");
    stream
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    for (first, second) in [("INT", "INT"), ("TERM", "INT"), ("INT", "TERM")] {
        let data = acme(&[]);
        let server = Server::start_as(binary_at_a_terminal(), data.path(), &["serve"]);
        let call = unfinished_call(&server);
        server.signal(first);
        // It takes no new connection, and is still there for the call.
        let started = Instant::now();
        while TcpStream::connect(&server.address).is_ok() {
            assert!(started.elapsed() < Duration::from_secs(30), "it does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
        let began = Instant::now();
        server.signal(second);
        assert_eq!(server.ended().code(), Some(130), "{first} {second}");
        assert!(began.elapsed() < Duration::from_secs(3), "at once");
        drop(call);
        // What was answered is on disk, as after a crash.
        assert!(done(data.path(), &["verify"]).contains("the log is sound"));
    }
}

/// One is enough where nothing is in flight, and the code is that of a stop that went well.
#[test]
fn a_first_signal_stops_a_server_in_order() {
    for name in ["INT", "TERM"] {
        let data = acme(&[]);
        let server = Server::start_as(binary_at_a_terminal(), data.path(), &["serve"]);
        server.signal(name);
        assert_eq!(server.ended().code(), Some(0), "{name}");
        let mut child = spawn(data.path(), &["serve", "--transport", "stdio"]);
        let mut lines = BufReader::new(child.stderr.take().expect("is piped")).lines();
        // Its warning that it has no token comes when signals are seen to.
        let is_told = |line: &str| line.contains("LOONFLOW_MCP_ACCESS_TOKEN");
        assert!(lines.any(|line| is_told(&line.expect("is text"))), "it does not begin");
        signal(&child, name);
        assert_eq!(ended(&mut child).code(), Some(0), "stdio {name}");
    }
}

fn spawn(data: &Path, arguments: &[&str]) -> Child {
    let mut command = binary_at_a_terminal();
    command.arg("--data").arg(data).args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}

/// Ctrl-C while a command works: SIGINT ends it, which shells tell as 130, and what it had begun is in nobody's way.
#[test]
fn ctrl_c_ends_a_long_command_and_the_next_one_goes_through() {
    const SIGINT: i32 = 2;
    let data = acme(&["leave.json"]);
    let whole = done(data.path(), &["export"]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let place = folder.path().join("data");

    // A restore that has read a part of what comes.
    let mut restoring = spawn(&place, &["restore", "-"]);
    let half = whole.lines().next().expect("has a header");
    let mut input = restoring.stdin.take().expect("is piped");
    writeln!(input, "{half}").expect("takes it");
    let started = Instant::now();
    while !place.join("log.restoring").exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&restoring, "INT");
    assert_eq!(ended(&mut restoring).signal(), Some(SIGINT));
    assert!(!place.join("log").exists(), "nothing that could be served");
    let nothing = run(&place, &["verify"]);
    assert!(
        nothing.code == 1 && nothing.err.contains("there is no log"),
        "{}",
        nothing.err
    );
    let file = folder.path().join("whole.jsonl");
    std::fs::write(&file, &whole).expect("written");
    done(&place, &["restore", text(&file)]);
    assert_eq!(done(&place, &["export"]), whole);

    // An import that waits for a file that does not come.
    let pipe = folder.path().join("pipe.json");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("`mkfifo` runs").success());
    let mut importing = spawn(&place, &["import", text(&pipe)]);
    // It is there once the pipe opens for writing.
    let writer = std::fs::OpenOptions::new().write(true).open(&pipe).expect("is read");
    signal(&importing, "INT");
    assert_eq!(ended(&mut importing).signal(), Some(SIGINT));
    drop(writer);
    assert_eq!(done(&place, &["export"]), whole);
    done(&place, &["import", text(&asset("incident.json"))]);
}
