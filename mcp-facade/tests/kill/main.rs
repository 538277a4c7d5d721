//! SIGKILL in the middle of work: the real server process is killed at a random moment while many clients write,
//! started again on the same data, and asked for everything that it had answered.
//!
//! A short run by default. The run of the figures:
//! `KILL_ROUNDS=20 KILL_HANDLES=2000 cargo test --release -p loonflow-mcp-facade --test kill -- --nocapture`
//! (`KILL_SEED` too; the moment of the kill depends on the machine as well).
//!
//! What is owed the outside: `effects`, with numbers of its own.
//!
//! Not here: loss of power, which takes the pages that were never synced (`storage`'s own tests).

mod calls;
mod checks;
mod effects;
mod receiver;
mod server;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use tokio::sync::Notify;

use calls::{Answered, Call, Client, Door, Gone, Person, Random, create};
use server::Server;

const N_CLIENTS: usize = 32;
/// Tickets that all clients comment on.
const N_SHARED: usize = 4;
/// The longest wait between the call at which the server is killed and the kill.
const KILL_JITTER_US: usize = 4_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_there_once_after_sigkill() {
    let n_rounds = number("KILL_ROUNDS", 3);
    let n_handles = number("KILL_HANDLES", 100);
    let seed = number("KILL_SEED", 1);
    let directory = tempfile::tempdir().expect("a directory");
    let mut run = Run::prepare(directory.path(), seed).await;
    for round in 1..=n_rounds {
        let line = run.round(n_handles).await;
        eprintln!("round {round} of {n_rounds}, seed {seed}: {line}");
    }
    let everything = checks::check(&run.door, &run.answered, &[]).await;
    assert!(
        everything.lost.is_empty() && everything.doubled.is_empty(),
        "{everything:?}"
    );
    for state in ["served", "killed"] {
        let verified = server::run(directory.path(), &["verify"]);
        assert!(verified.starts_with("the log is sound"), "{state}: {verified}");
        run.server.kill();
    }
    eprintln!(
        "{} calls answered, on {} tickets; restarts took {:?}",
        run.answered.len(),
        everything.n_tickets,
        run.restarts
    );
}

/// A number from the environment.
pub(crate) fn number<T: FromStr>(name: &str, otherwise: T) -> T {
    let Ok(text) = std::env::var(name) else {
        return otherwise;
    };
    text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
}

struct Run<'a> {
    data: &'a Path,
    server: Server,
    door: Door,
    random: Random,
    clients: Vec<Client>,
    answered: Vec<Answered>,
    restarts: Vec<Duration>,
}

impl<'a> Run<'a> {
    async fn prepare(data: &'a Path, seed: u64) -> Self {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures");
        let files = ["directory/acme", "workflows/leave"].map(|name| format!("{fixtures}/{name}.json"));
        server::run(data, &["import", &files[0], &files[1]]);
        let token = |person: &Person| {
            let email = format!("{}@acme.example", person.name());
            server::run(data, &["token", "create", "--email", &email])
                .trim()
                .to_owned()
        };
        let tokens = Person::ALL.iter().map(token).collect();
        let server = Server::start(data).await;
        let door = Door {
            http: reqwest::Client::new(),
            url: server.url.clone(),
            tokens,
        };
        let mut answered = Vec::new();
        for idx in 0..N_SHARED {
            let call = create(&format!("shared-{idx}"));
            let answer = door.ask(call.who, call.tool, call.arguments.clone()).await;
            answered.push(Answered::new(call, &answer));
        }
        let shared: Vec<String> = answered.iter().map(|one| one.ticket.clone()).collect();
        let mut random = Random(seed);
        let clients = (0..N_CLIENTS)
            .map(|idx| Client::new(format!("client-{idx}"), random.below(usize::MAX) as u64, shared.clone()))
            .collect();
        Self {
            data,
            server,
            door,
            random,
            clients,
            answered,
            restarts: Vec::new(),
        }
    }

    /// Kills the server somewhere within so many handles, starts it again, checks, and finishes the handles.
    async fn round(&mut self, n_handles: usize) -> String {
        let budget = Arc::new(AtomicUsize::new(n_handles));
        let kill = Arc::new(Kill {
            n_answers: AtomicUsize::new(n_handles / 10 + self.random.below(n_handles * 8 / 10)),
            reached: Notify::new(),
        });
        let jitter = Duration::from_micros(self.random.below(KILL_JITTER_US) as u64);
        let working = self.work(&budget, Some(&kill));
        kill.reached.notified().await;
        tokio::time::sleep(jitter).await;
        let warnings = self.server.kill();
        assert!(!warnings.contains("panicked"), "{warnings}");
        let (before, unanswered) = self.collect(working).await;

        self.server = Server::start(self.data).await;
        self.door.url.clone_from(&self.server.url);
        self.restarts.push(self.server.started_in);
        let open: Vec<Call> = unanswered.iter().flatten().cloned().collect();
        let found = checks::check(&self.door, &self.answered, &open).await;
        assert!(found.lost.is_empty(), "answered, but lost: {:?}", found.lost);
        assert!(found.doubled.is_empty(), "done twice: {:?}", found.doubled);
        self.repeat_answered(before).await;
        let n_replayed = self.repeat_unanswered(unanswered).await;
        assert_eq!(n_replayed, found.n_unanswered_done, "replayed, and found before");

        let working = self.work(&budget, None);
        let (_, unanswered) = self.collect(working).await;
        assert!(
            unanswered.iter().all(Option::is_none),
            "the server is there, but {unanswered:?}"
        );
        format!(
            "killed after {before} answers, {} unanswered ({n_replayed} of them done), ready after {:?}, {} tickets, \
             {} answers in all, 0 lost, 0 doubled",
            open.len(),
            self.server.started_in,
            found.n_tickets,
            self.answered.len(),
        )
    }

    /// Starts all clients, until the budget of handles is spent or the server is gone.
    fn work(&mut self, budget: &Arc<AtomicUsize>, kill: Option<&Arc<Kill>>) -> Vec<tokio::task::JoinHandle<Worked>> {
        let clients = std::mem::take(&mut self.clients).into_iter();
        clients
            .map(|client| tokio::spawn(work(client, self.door.clone(), budget.clone(), kill.cloned())))
            .collect()
    }

    /// Takes what the clients remember. Gives the number of answers, and each client's call without one.
    async fn collect(&mut self, working: Vec<tokio::task::JoinHandle<Worked>>) -> (usize, Vec<Option<Call>>) {
        let before = self.answered.len();
        let mut unanswered = Vec::new();
        for worked in join_all(working).await {
            let worked = worked.expect("no client panicked");
            self.clients.push(worked.client);
            self.answered.extend(worked.answered);
            unanswered.push(worked.unanswered);
        }
        (self.answered.len() - before, unanswered)
    }

    /// Repeats the last `n` answered calls: each is answered as before, and said to be.
    async fn repeat_answered(&self, n: usize) {
        let recent = &self.answered[self.answered.len() - n..];
        futures::stream::iter(recent)
            .for_each_concurrent(N_CLIENTS, |one| async {
                let answer = self
                    .door
                    .ask(one.call.who, one.call.tool, one.call.arguments.clone())
                    .await;
                let again = Answered::new(one.call.clone(), &answer);
                assert_eq!(
                    (again.replayed, &again.ticket, again.version),
                    (true, &one.ticket, one.version),
                    "{:?}",
                    one.call
                );
            })
            .await;
    }

    /// Repeats what was not answered, as a client does. Gives the number of those that had been done.
    async fn repeat_unanswered(&mut self, unanswered: Vec<Option<Call>>) -> usize {
        let mut n_replayed = 0;
        for (client, call) in self.clients.iter_mut().zip(unanswered) {
            let Some(call) = call else { continue };
            let answer = self.door.ask(call.who, call.tool, call.arguments.clone()).await;
            let answered = Answered::new(call, &answer);
            n_replayed += usize::from(answered.replayed);
            client.done(&answered);
            self.answered.push(answered);
        }
        n_replayed
    }
}

/// When to kill: after so many more answers.
struct Kill {
    n_answers: AtomicUsize,
    reached: Notify,
}

/// What a client comes back with.
struct Worked {
    client: Client,
    answered: Vec<Answered>,
    unanswered: Option<Call>,
}

async fn work(mut client: Client, door: Door, budget: Arc<AtomicUsize>, kill: Option<Arc<Kill>>) -> Worked {
    let mut answered = Vec::new();
    let one_less = |left: usize| left.checked_sub(1);
    while budget
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
        .is_ok()
    {
        let call = client.next();
        if call.tool == "ticket_create" {
            // Only handles count.
            budget.fetch_add(1, Ordering::Relaxed);
        }
        let answer = match door.call(call.who, call.tool, &call.arguments).await {
            Ok(answer) => answer,
            Err(Gone) => {
                return Worked {
                    client,
                    answered,
                    unanswered: Some(call),
                };
            }
        };
        let one = Answered::new(call, &answer);
        assert!(!one.replayed, "a new key: {one:?}");
        client.done(&one);
        answered.push(one);
        if let Some(kill) = &kill
            && kill.n_answers.fetch_sub(1, Ordering::Relaxed) == 1
        {
            kill.reached.notify_one();
        }
    }
    Worked {
        client,
        answered,
        unanswered: None,
    }
}
