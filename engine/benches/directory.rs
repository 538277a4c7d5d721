//! A directory of many people through the engine's door: its import, the same file again, a change of one person, a
//! token, and a start over the log.
//!
//! `cargo bench -p loonflow-engine --bench directory [-- --people 100000]`; with `--test` a tiny run.
//!
//! The log is on the disk of the build, each commit synced. People have no passwords, whose hashes are slow on purpose.
//! Not included: reading the file as JSON, and the way through the admin socket. Aimed at for 100,000 people on an idle
//! machine: seconds for the import, under 100 ms for a change of one.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use loonflow_engine::runtime::{Engine, EngineOptions, Ports};
use loonflow_storage::{EventLog, SledLog, SledOptions};
use serde_json::{Value, json};

const TENANT: &str = "t-k";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mut after = args.iter().skip_while(|arg| *arg != "--people");
    let asked = after.nth(1).and_then(|value| value.parse().ok());
    let is_test = args.iter().any(|arg| arg == "--test");
    let n_people = asked.unwrap_or(if is_test { 1_500 } else { 100_000 });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(n_people));
}

async fn measure(n_people: usize) {
    let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("a directory");
    let (engine, log) = start(folder.path()).await;
    let all = directory((0..n_people).map(|n| person(n, "")));
    timed("import of all", import(&engine, &all, n_people + 3)).await;
    timed("the same again", import(&engine, &all, 0)).await;
    for alias in ["one", "two", "three"] {
        let one = directory([person(n_people / 2, alias)].into_iter());
        timed("a change of one", import(&engine, &one, 1)).await;
    }
    let token = async {
        let made = engine
            .access_tokens()
            .create(&TENANT.into(), &"u-7".into(), "bench", None)
            .await;
        made.expect("no fault").expect("u-7 is there");
    };
    timed("a token", token).await;
    stop(engine, log).await;
    let (again, log) = timed("a start", start(folder.path())).await;
    let n_read = again
        .directories()
        .of(&TENANT.into())
        .map_or(0, |read| read.users.len());
    assert_eq!(n_read, n_people, "all are read again");
    stop(again, log).await;
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    let ms = started.elapsed().as_secs_f64() * 1e3;
    writeln!(std::io::stdout(), "{what:<16} {ms:>9.1} ms").expect("stdout");
    done
}

async fn start(folder: &Path) -> (Engine, Arc<dyn EventLog>) {
    let log = SledLog::open(folder, SledOptions::default()).expect("a log");
    let log: Arc<dyn EventLog> = Arc::new(log);
    let engine = Engine::start(Arc::clone(&log), Ports::system(), EngineOptions::default()).await;
    (engine.expect("the engine starts"), log)
}

async fn stop(engine: Engine, log: Arc<dyn EventLog>) {
    engine.close().await.expect("the engine closes");
    drop(engine);
    let closed = tokio::task::spawn_blocking(move || log.close()).await;
    closed.expect("no panic").expect("the log closes");
}

async fn import(engine: &Engine, file: &Value, n_expected: usize) {
    let report = engine
        .directories()
        .import(file)
        .await
        .expect("no fault")
        .expect("it fits");
    assert_eq!(report.n_changed, n_expected, "entries that change");
}

fn person(n: usize, alias: &str) -> Value {
    json!({
        "id": format!("u-{n}"), "name": format!("n{n}"), "email": format!("n{n}@kestrel.example"), "type": "normal",
        "alias": alias, "depts": [{"dept_id": "d-yard", "is_primary": true}],
    })
}

fn directory(people: impl Iterator<Item = Value>) -> Value {
    json!({
        "tenant": {"id": TENANT, "name": "Kestrel Yard", "domain": "kestrel.example", "time_zone": "Europe/Berlin"},
        "users": people.collect::<Vec<Value>>(),
        "depts": [{"id": "d-yard", "name": "Yard"}],
        "applications": [{"name": "loonflow", "workflow_ids": "*"}],
    })
}
