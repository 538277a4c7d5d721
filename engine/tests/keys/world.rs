//! A started engine that runs drafts, with a receiver on the other side.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loonflow_engine::define::{People, Person};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::as_user::AsUser;
use loonflow_engine::runtime::error::Error;
use loonflow_engine::runtime::{Engine, EngineOptions, NoResponse, Outside, Ports, Post, PublishRequest, Response};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_engine::view::ticket_detail::TicketDetail;
use loonflow_storage::MemoryLog;
use serde_json::{Value as Json, json};

use crate::draft::Draft;

/// Answers each post with what is said here, and keeps it.
#[derive(Clone)]
struct Receiver {
    says: Json,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Outside for Receiver {
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        self.posts.lock().unwrap().push(post);
        let body = self.says.to_string().into_bytes();
        Box::pin(async move {
            Ok(Response {
                status: 200,
                body,
                retry_after: None,
            })
        })
    }
}

/// Tenant `t` with ann, bob, cat and the administrator adm.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
    receiver: Receiver,
}

impl World {
    /// Runs these workflows; every post is answered with this.
    pub(crate) async fn of(drafts: &[Draft], says: Json) -> Self {
        let clock = ManualClock::at(NOW);
        let receiver = Receiver {
            says,
            posts: Arc::default(),
        };
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            outside: Some(Arc::new(receiver.clone())),
            ..Ports::system()
        };
        let options = EngineOptions {
            public_url: Some("https://tickets.example/".into()),
            ..EngineOptions::default()
        };
        let engine = Engine::start(Arc::new(MemoryLog::new()), ports, options).await.unwrap();
        let people = ["ann", "bob", "cat", "wad"]
            .into_iter()
            .fold(People::of("t", "x.example"), |people, id| {
                people.person(Person::new(id))
            })
            .person(Person::new("adm").admin());
        let mut directory = people.directory();
        directory["applications"] =
            json!([{"name": "bot", "token": "tok_of_the_bot_application_0001", "workflow_ids": []}]);
        engine.directories().import(&directory).await.unwrap().unwrap();
        for draft in drafts {
            let request = PublishRequest::new("t", draft.0.clone());
            engine.workflows().publish(request).await.unwrap().unwrap();
        }
        Self {
            engine,
            clock,
            receiver,
        }
    }

    /// Ann creates a ticket of `w` titled `T` and takes `go`, with one more field.
    pub(crate) async fn try_submit(&self, field: Option<(&str, &str)>) -> Result<TicketId, Error> {
        let mut creating = self.engine.as_user("t", "ann").create("w").set("title", "T");
        if let Some((key, value)) = field {
            creating = creating.set(key, value);
        }
        Ok(creating.take("go").await?.ticket_id)
    }

    pub(crate) async fn submit(&self) -> TicketId {
        self.try_submit(None).await.unwrap()
    }

    /// What was posted, once there are so many.
    pub(crate) async fn posts(&self, n: usize) -> Vec<Post> {
        until("it was posted to", async || {
            self.receiver.posts.lock().unwrap().len() >= n
        })
        .await;
        self.receiver.posts.lock().unwrap().clone()
    }

    /// Its state and where it is, as the administrator sees it.
    pub(crate) async fn at(&self, ticket: TicketId) -> String {
        standing(&self.engine.as_user("t", "adm").on(ticket).detail().await.unwrap())
    }

    pub(crate) async fn comes_to(&self, ticket: TicketId, at: &str) {
        until(at, async || self.at(ticket).await == at).await;
    }

    /// Its sub-tickets, once there are so many.
    pub(crate) async fn children(&self, ticket: TicketId, n: usize) -> Vec<TicketId> {
        self.children_seen_by(&self.engine.as_user("t", "adm"), ticket, n).await
    }

    pub(crate) async fn children_seen_by(&self, who: &AsUser<'_>, ticket: TicketId, n: usize) -> Vec<TicketId> {
        let of = async || -> Vec<TicketId> {
            let detail = who.on(ticket).detail().await.unwrap();
            detail.children.iter().map(|child| child.id).collect()
        };
        until("its sub-tickets are there", async || of().await.len() == n).await;
        of().await
    }

    /// The code of a refusal, or `done`.
    pub(crate) async fn take(&self, who: &str, ticket: TicketId, edge: &str) -> &'static str {
        match self.engine.as_user("t", who).on(ticket).take(edge).await {
            Ok(_) => "done",
            Err(Error::Refused(refusal)) => refusal.code(),
            Err(other) => panic!("{other}"),
        }
    }
}

/// A ticket's state, and where it is.
pub(crate) fn standing(detail: &TicketDetail) -> String {
    let nodes: Vec<_> = detail
        .row
        .current_nodes
        .iter()
        .map(|node| node.node_id.as_str())
        .collect();
    format!("{} {}", detail.row.act_state.word(), nodes.join(","))
}

/// Looks until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let patience = Duration::from_secs(60);
    assert!(
        tokio::time::timeout(patience, looking).await.is_ok(),
        "not in time: {what}"
    );
}
