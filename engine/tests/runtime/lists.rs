//! Lists: own changes at once, the same after a restart, nothing of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{Caller, CreateRequest, EngineOptions};
use loonflow_engine::ticket::{ActState, Action};
use loonflow_engine::view::row::TicketRow;
use loonflow_engine::view::ticket_list::{Category, ListQuery};
use loonflow_storage::{EventLog, MemoryLog};

use crate::fixture::{GLOBEX, World, agree, caller_of, done, incident, leave, users_like};

fn query(category: Category) -> ListQuery {
    ListQuery {
        category,
        per_page: 100,
        ..ListQuery::default()
    }
}

impl World {
    async fn ids(&self, caller: &Caller, query: ListQuery) -> Vec<TicketId> {
        let page = self.engine.tickets().list(caller, query).await.unwrap().unwrap();
        page.rows.into_iter().map(|row| row.id).collect()
    }

    /// What every user sees in every category.
    async fn all_lists(&self) -> BTreeMap<(String, &'static str), Vec<TicketRow>> {
        let mut lists = BTreeMap::new();
        for name in ["ada", "wes", "erin", "dev", "hana", "hugo", "olga", "omar", "fin"] {
            for category in Category::ALL {
                let Ok(page) = self
                    .engine
                    .tickets()
                    .list(&self.caller(name), query(category))
                    .await
                    .unwrap()
                else {
                    assert_eq!(category, Category::All, "only `all` is for some alone");
                    continue;
                };
                lists.insert((name.to_owned(), category.word()), page.rows);
            }
        }
        lists
    }

    /// Leave requests and incidents in various states, and a draft.
    async fn play(&self) {
        for round in 0..6 {
            let id = self.leave("2").await;
            self.ports.pass(1_000);
            if round % 2 == 0 {
                self.act("erin", id, agree("approve_yes"), BTreeMap::new())
                    .await
                    .unwrap();
            }
            if round % 4 == 0 {
                self.act("hana", id, (Action::Accept, None), BTreeMap::new())
                    .await
                    .unwrap();
            }
            let title = format!("Incident {round} of the web");
            self.engine
                .tickets()
                .create(&self.caller("olga"), incident(&title))
                .await
                .unwrap()
                .unwrap();
        }
        let draft = CreateRequest {
            take: None,
            ..leave("1")
        };
        self.engine
            .tickets()
            .create(&self.caller("dev"), draft)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_acted_sees_it_in_the_next_list() {
    let world = World::in_memory().await;
    for _ in 0..50 {
        let id = world.leave("2").await;
        assert!(
            world
                .ids(&world.caller("dev"), query(Category::Owner))
                .await
                .contains(&id)
        );
        assert!(
            world
                .ids(&world.caller("erin"), query(Category::Duty))
                .await
                .contains(&id)
        );
        world
            .act("erin", id, agree("approve_yes"), BTreeMap::new())
            .await
            .unwrap();
        assert!(
            !world
                .ids(&world.caller("erin"), query(Category::Duty))
                .await
                .contains(&id)
        );
        assert!(
            world
                .ids(&world.caller("erin"), query(Category::Worked))
                .await
                .contains(&id)
        );
    }
}

#[tokio::test]
async fn each_category_shows_what_it_says() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let shows = async |name: &str| {
        let mut found = Vec::new();
        for category in Category::ALL {
            let page = world
                .engine
                .tickets()
                .list(&world.caller(name), query(category))
                .await
                .unwrap();
            match page {
                Ok(page) if page.rows.iter().any(|row| row.id == id) => found.push(category.word()),
                Ok(page) => assert!(page.rows.is_empty() && page.total == 0),
                Err(refusal) => assert_eq!((category, refusal.code()), (Category::All, "permission_denied")),
            }
        }
        found.join(" ")
    };
    assert_eq!(shows("dev").await, "owner relation worked");
    assert_eq!(shows("erin").await, "duty relation");
    assert_eq!(shows("hana").await, "view intervene", "a dispatcher");
    assert_eq!(shows("hugo").await, "view", "of a viewer department");
    assert_eq!(shows("wes").await, "view intervene", "the workflow's admin");
    assert_eq!(shows("ada").await, "view intervene all", "the tenant's admin");
    assert_eq!(shows("fin").await, "", "a stranger");
}

#[tokio::test]
async fn filters_narrow_and_pages_end() {
    let world = World::in_memory().await;
    world.play().await;
    let ada = world.caller("ada");
    let all = query(Category::All);
    let total = world
        .engine
        .tickets()
        .list(&ada, all.clone())
        .await
        .unwrap()
        .unwrap()
        .total;
    assert_eq!(total, 12, "the draft is its creator's alone");
    let found = async |query: ListQuery| world.engine.tickets().list(&ada, query).await.unwrap().unwrap().total;
    let search = |text: &str| ListQuery {
        search: text.into(),
        ..all.clone()
    };
    assert_eq!(found(search("INCIDENT 3")).await, 1);
    assert_eq!(found(search("of the")).await, 6);
    assert_eq!(
        found(search("3")).await,
        1 + 6,
        "a day in March is in every other title"
    );
    assert_eq!(found(search("no such words")).await, 0);
    let workflow_ids = ["incident".into()].into_iter().collect();
    assert_eq!(
        found(ListQuery {
            workflow_ids,
            ..all.clone()
        })
        .await,
        6
    );
    let node_ids = ["approve".into(), "file".into()].into_iter().collect();
    assert_eq!(
        found(ListQuery {
            node_ids,
            ..all.clone()
        })
        .await,
        6
    );
    assert_eq!(
        found(ListQuery {
            act_state: Some(ActState::OnGoing),
            ..all.clone()
        })
        .await,
        12
    );
    assert_eq!(
        found(ListQuery {
            creator_id: Some(world.user("olga")),
            ..all.clone()
        })
        .await,
        6
    );
    assert_eq!(
        found(ListQuery {
            ticket_ids: Some(Default::default()),
            ..all.clone()
        })
        .await,
        0
    );

    let mut seen = Vec::new();
    for page in 1..=3 {
        let answer = world
            .engine
            .tickets()
            .list(
                &ada,
                ListQuery {
                    page,
                    per_page: 5,
                    ..all.clone()
                },
            )
            .await
            .unwrap()
            .unwrap();
        assert_eq!((answer.page, answer.total, answer.has_more), (page, total, page < 3));
        seen.extend(answer.rows.into_iter().map(|row| (row.created_at, row.id)));
    }
    let mut sorted = seen.clone();
    sorted.sort_by(|left, right| right.cmp(left));
    sorted.dedup();
    assert_eq!(seen, sorted, "newest first, ties by id, each once");
    let past = world
        .engine
        .tickets()
        .list(
            &ada,
            ListQuery {
                page: 99,
                per_page: 5,
                ..all.clone()
            },
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!((past.page, past.rows.len(), past.has_more), (3, 2, false));
    let oldest = world
        .ids(
            &ada,
            ListQuery {
                newest_first: false,
                ..all.clone()
            },
        )
        .await;
    let newest: Vec<_> = seen.iter().rev().map(|(_, id)| *id).collect();
    assert_eq!(oldest, newest);
    // Whoever asks checks the bounds of a page; here a nonsensical one is answered, never a panic.
    for (page, per_page) in [(0, 0), (1, 0), (0, 10), (u32::MAX, u32::MAX)] {
        let asked = ListQuery {
            page,
            per_page,
            ..all.clone()
        };
        let answer = world.engine.tickets().list(&ada, asked).await.unwrap().unwrap();
        assert_eq!(answer.total, total, "page {page}, per_page {per_page}");
        assert!(answer.page >= 1, "page {page}, per_page {per_page}");
    }
}

#[tokio::test]
async fn created_between_is_inclusive() {
    let world = World::in_memory().await;
    let mut instants = Vec::new();
    for _ in 0..4 {
        instants.push(world.ports.now());
        world.leave("2").await;
        world.ports.pass(10_000);
    }
    let between = async |from: usize, to: usize| {
        let query = ListQuery {
            created_from: Some(instants[from]),
            created_to: Some(instants[to]),
            ..query(Category::Owner)
        };
        world
            .engine
            .tickets()
            .list(&world.caller("dev"), query)
            .await
            .unwrap()
            .unwrap()
            .total
    };
    assert_eq!(
        (
            between(0, 3).await,
            between(1, 2).await,
            between(2, 2).await,
            between(3, 0).await
        ),
        (4, 2, 1, 0)
    );
}

#[tokio::test]
async fn nothing_crosses_a_tenant() {
    let world = World::in_memory().await;
    world.play().await;
    let gina = caller_of(GLOBEX, "00000000-0000-7000-8000-000000000901");
    for category in Category::ALL {
        if let Ok(page) = world.engine.tickets().list(&gina, query(category)).await.unwrap() {
            assert_eq!((page.total, page.rows.len()), (0, 0), "{}", category.word());
        }
    }
    assert_eq!(
        world
            .engine
            .workflows()
            .startable(&gina, "", 1, 100)
            .await
            .unwrap()
            .unwrap()
            .total,
        0
    );
    let users = world
        .engine
        .directories()
        .users(&gina, users_like(""))
        .await
        .unwrap()
        .unwrap();
    assert!(
        users.rows.iter().all(|user| user.email.ends_with("@globex.example")),
        "{users:?}"
    );
}

/// With a checkpoint after each few commits, with one at close only, and with none: the lists are the same.
#[tokio::test]
async fn lists_are_the_same_after_a_restart() {
    for checkpoint_commits in [1, 7, 1_000_000] {
        let log = MemoryLog::new();
        let options = EngineOptions {
            checkpoint_commits,
            ..EngineOptions::default()
        };
        let world = World::filled(Arc::new(log.clone()), options.clone()).await;
        world.play().await;
        let live = world.all_lists().await;
        assert!(live.values().any(|rows| rows.len() > 5));
        let ports = Arc::clone(&world.ports);
        world.engine.close().await.unwrap();

        log.reopen();
        let again = World::over(Arc::new(log.clone()), Arc::clone(&ports), options.clone()).await;
        assert_eq!(again.all_lists().await, live, "from the checkpoint");
        again.play().await;
        let more = again.all_lists().await;
        again.engine.close().await.unwrap();

        // The same history without any checkpoint, snapshot or index.
        let bare = MemoryLog::new();
        log.reopen();
        for commit in log.read_all(0, usize::MAX).unwrap() {
            let expected = match commit.first_version {
                1 => loonflow_storage::Expected::NoStream,
                version => loonflow_storage::Expected::Version(version - 1),
            };
            let (stream, meta, events) = (commit.stream.clone(), commit.meta.clone(), commit.events.clone());
            let commit = loonflow_storage::NewCommit {
                stream,
                expected,
                meta,
                events,
                kv: Vec::new(),
            };
            bare.append_now(commit).unwrap();
        }
        for tree in log.kv_trees().unwrap() {
            for (key, value) in log.kv_scan(&tree, None, usize::MAX).unwrap() {
                bare.kv_put(&tree, &key, Some(&value)).unwrap();
            }
        }
        let rebuilt = World::over(Arc::new(bare), ports, options).await;
        assert_eq!(rebuilt.all_lists().await, more, "rebuilt from the events alone");
    }
}

/// Whatever is in a list can be opened by whoever sees it there, and says the same.
#[tokio::test]
async fn lists_agree_with_details() {
    let world = World::in_memory().await;
    world.play().await;
    for ((name, category), rows) in world.all_lists().await {
        for row in rows {
            let detail = world
                .engine
                .tickets()
                .detail(&world.caller(&name), row.id)
                .await
                .unwrap();
            let detail = detail.unwrap_or_else(|refusal| panic!("{name} sees {} in {category}: {refusal}", row.id));
            assert_eq!(detail.row, row);
        }
    }
}

#[tokio::test]
async fn a_discarded_draft_leaves_every_list() {
    let world = World::in_memory().await;
    let dev = world.caller("dev");
    let draft = CreateRequest {
        take: None,
        ..leave("1")
    };
    let id = done(world.engine.tickets().create(&dev, draft).await.unwrap().unwrap()).ticket_id;
    assert_eq!(world.ids(&dev, query(Category::Owner)).await, [id]);
    world
        .act("dev", id, (Action::Discard, None), BTreeMap::new())
        .await
        .unwrap();
    for rows in world.all_lists().await.values() {
        assert!(rows.is_empty());
    }
}
