//! Files at work: uploaded, put into tickets, read by whoever sees them, erased, swept.

use std::collections::BTreeSet;
use std::sync::Arc;

use loonflow_engine::define::{Assign, Field, Node, People, Person, Workflow};
use loonflow_engine::id::{FileId, TicketId, UserId};
use loonflow_engine::limits::{DRAFT_KEEP_MS, DRAFTS_OF_USER_MAX, FILE_BYTES_MAX};
use loonflow_engine::runtime::as_user::AsUser;
use loonflow_engine::runtime::verify::{Step, verify};
use loonflow_engine::runtime::{Caller, Engine, EngineOptions, Error, HistoryQuery, Ports, PublishRequest};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_engine::ticket::{Action, FileInfo, Refusal};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::ComponentKind;
use loonflow_storage::Error::Full;
use loonflow_storage::{BlobStore, EventLog, Fault, FaultyLog, MemoryBlobs, MemoryLog};

use crate::fixture::until;

struct World {
    engine: Engine,
    log: Arc<dyn EventLog>,
    blobs: MemoryBlobs,
    clock: ManualClock,
}

/// A document at start, which `check` shows and `file` does not; another that nobody sees after start.
fn documents() -> Workflow {
    let kind = ComponentKind::File;
    Workflow::new("docs", "1")
        .field(Field::title())
        .field(
            Field::new(kind, "doc")
                .multiple()
                .optional_at("check")
                .hidden_at("file"),
        )
        .field(
            Field::new(kind, "secret")
                .hidden_at("check")
                .hidden_at("file")
                .hidden_at("end"),
        )
        .node(Node::step("check", Assign::users(["bob"])))
        .node(Node::step("file", Assign::users(["cat"])))
        .agree("go", "start", "check")
        .agree("on", "check", "file")
        .agree("done", "file", "end")
}

/// A parent whose node opens a sub-ticket that gets the documents.
fn parent() -> Workflow {
    let spawn =
        serde_json::json!([{ "workflow": "part", "fields": { "title": { "value": "T" }, "doc": { "field": "doc" } } }]);
    Workflow::new("whole", "1")
        .field(Field::title())
        .field(Field::new(ComponentKind::File, "doc").multiple())
        .node(Node::step("wait", Assign::users(["bob"])).prop("spawn", spawn))
        .agree("go", "start", "wait")
        .agree("on", "wait", "end")
}

fn part() -> Workflow {
    Workflow::new("part", "1")
        .field(Field::title())
        .field(Field::new(ComponentKind::File, "doc").multiple())
        .node(Node::step("do", Assign::users(["cat"])))
        .agree("go", "start", "do")
        .agree("done", "do", "end")
}

fn people(tenant: &str) -> serde_json::Value {
    People::of(tenant, format!("{tenant}.example"))
        .user("ann")
        .user("bob")
        .user("cat")
        .user("dan")
        .person(Person::new("adm").admin())
        .directory()
}

impl World {
    async fn over(log: Arc<dyn EventLog>, options: EngineOptions) -> Self {
        let world = Self::start(log, MemoryBlobs::new(), ManualClock::at(NOW), options).await;
        for tenant in ["shop", "yard"] {
            let imported = world.engine.directories().import(&people(tenant)).await;
            imported.expect("no fault").expect("imports");
            for workflow in [documents(), part(), parent()] {
                let published = world
                    .engine
                    .workflows()
                    .publish(PublishRequest::new(tenant, workflow))
                    .await;
                published.expect("no fault").expect("publishes");
            }
        }
        world
    }

    async fn again(log: Arc<dyn EventLog>, blobs: MemoryBlobs, clock: ManualClock) -> Self {
        Self::start(log, blobs, clock, EngineOptions::default()).await
    }

    async fn start(log: Arc<dyn EventLog>, blobs: MemoryBlobs, clock: ManualClock, options: EngineOptions) -> Self {
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            blobs: Some(Arc::new(blobs.clone())),
            ..Ports::system()
        };
        let engine = Engine::start(log.clone(), ports, options).await.expect("starts");
        Self {
            engine,
            log,
            blobs,
            clock,
        }
    }

    async fn new() -> Self {
        Self::over(Arc::new(MemoryLog::new()), EngineOptions::default()).await
    }

    async fn upload(&self, caller: &Caller, bytes: &[u8]) -> Result<FileInfo, Refusal> {
        let mut upload = self.engine.files().upload(caller).await.expect("no fault")?;
        for piece in bytes.chunks(100_000) {
            upload.write(piece).await.expect("no fault")?;
        }
        upload.finish("../a.pdf").await.expect("no fault")
    }

    /// A draft of ann's.
    async fn draft(&self, bytes: &[u8]) -> FileInfo {
        self.upload(&caller("shop", "ann"), bytes).await.expect("has room")
    }

    async fn read(&self, tenant: &str, user: &str, id: FileId) -> Result<Vec<u8>, &'static str> {
        let opened = self
            .engine
            .files()
            .open(&caller(tenant, user), id)
            .await
            .expect("no fault");
        let mut file = opened.map_err(|refusal| refusal.code())?;
        let mut bytes = Vec::new();
        while let Some(bite) = file.next().await.expect("is read") {
            bytes.extend(bite);
        }
        Ok(bytes)
    }

    async fn submit(&self, key: &str, ids: &[FileId]) -> Result<TicketId, Error> {
        let ann = self.engine.as_user("shop", "ann");
        let create = ann.create("docs").set("title", "T").set(key, named(ids)).take("go");
        create.await.map(|done| done.ticket_id)
    }

    fn user(&self, user: &str) -> AsUser<'_> {
        self.engine.as_user("shop", user)
    }

    fn pass_ms(&self, ms: i64) {
        self.clock.pass_ms(ms);
    }

    fn n_bytes_kept(&self) -> usize {
        self.blobs.scan(None, usize::MAX).expect("is listed").len()
    }

    fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        let verified = verify(&*self.log, Some(&self.blobs), &mut |step| {
            if let Step::Bad(finding) = step {
                found.push(finding.to_string());
            }
            std::ops::ControlFlow::Continue(())
        });
        verified.expect("the log reads");
        found
    }
}

fn caller(tenant: &str, user: &str) -> Caller {
    Caller {
        tenant_id: tenant.into(),
        user_id: user.into(),
        app: "loonflow".into(),
        access_token: None,
    }
}

fn named(ids: &[FileId]) -> Value {
    Value::List(ids.iter().map(|id| Value::Text(id.to_string())).collect())
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Refused(refusal)) => refusal.code().to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_draft_is_its_uploaders_alone() {
    let world = World::new().await;
    let info = world.draft(b"%PDF-1.7 and so on").await;
    assert_eq!(
        (info.name.as_str(), info.n_bytes, info.media_type.as_str()),
        ("a.pdf", 18, "application/pdf")
    );
    assert_eq!(world.draft(b"no type").await.media_type, "application/octet-stream");
    assert_eq!(
        world.read("shop", "ann", info.id).await.as_deref(),
        Ok(&b"%PDF-1.7 and so on"[..])
    );
    for (tenant, user) in [("shop", "bob"), ("shop", "adm"), ("yard", "ann")] {
        assert_eq!(
            world.read(tenant, user, info.id).await,
            Err("unknown_file"),
            "{tenant} {user}"
        );
    }
    // The same bytes are another file, and kept once; those of another tenant are its own.
    let again = world.draft(b"%PDF-1.7 and so on").await;
    assert_ne!(again.id, info.id);
    assert_eq!((again.sha256, world.n_bytes_kept()), (info.sha256, 2));
    world
        .upload(&caller("yard", "ann"), b"no type")
        .await
        .expect("has room");
    assert_eq!(world.n_bytes_kept(), 3);
    // Somebody else's draft cannot be put into a ticket.
    let bob = world.user("bob");
    let taken = bob
        .create("docs")
        .set("title", "T")
        .set("doc", named(&[info.id]))
        .take("go")
        .await;
    assert_eq!(code(taken), "unknown_file");
}

#[tokio::test]
async fn whoever_sees_the_field_reads_the_file() {
    let world = World::new().await;
    let (doc, secret) = (world.draft(b"doc").await.id, world.draft(b"secret").await.id);
    let create = world
        .user("ann")
        .create("docs")
        .set("title", "T")
        .set("doc", named(&[doc]));
    let ticket = create
        .set("secret", named(&[secret]))
        .take("go")
        .await
        .expect("is taken")
        .ticket_id;
    for (user, of_doc, of_secret) in [
        ("ann", Ok(b"doc".to_vec()), Ok(b"secret".to_vec())),
        ("bob", Ok(b"doc".to_vec()), Err("unknown_file")),
        ("cat", Err("unknown_file"), Err("unknown_file")),
        ("dan", Err("unknown_file"), Err("unknown_file")),
        ("adm", Ok(b"doc".to_vec()), Ok(b"secret".to_vec())),
    ] {
        assert_eq!(world.read("shop", user, doc).await, of_doc, "{user}");
        assert_eq!(world.read("shop", user, secret).await, of_secret, "{user}");
    }
    // Where the field is hidden from whoever acts, so is the file; out of the field it stays for the history.
    world
        .user("bob")
        .on(ticket)
        .take("on")
        .set("doc", "")
        .await
        .expect("goes on");
    assert_eq!(world.read("shop", "cat", doc).await, Err("unknown_file"));
    assert_eq!(world.read("shop", "bob", doc).await, Ok(b"doc".to_vec()));
    assert_eq!(world.findings(), Vec::<String>::new());
}

#[tokio::test]
async fn a_draft_goes_into_one_ticket() {
    let world = World::new().await;
    let doc = world.draft(b"doc").await.id;
    let ids = [doc];
    let (one, other) = tokio::join!(world.submit("doc", &ids), world.submit("doc", &ids));
    let n_taken = [&one, &other].iter().filter(|taken| taken.is_ok()).count();
    assert_eq!(n_taken, 1, "{one:?} {other:?}");
    assert_eq!(code(world.submit("doc", &[doc]).await), "unknown_file");
    // A rehearsal takes nothing.
    let doc = world.draft(b"doc").await.id;
    let create = || {
        world
            .user("ann")
            .create("docs")
            .set("title", "T")
            .set("doc", named(&[doc]))
            .take("go")
    };
    let preview = create().rehearse().await.expect("is previewed");
    assert!(format!("{preview:?}").contains("a.pdf"));
    create().rehearse().await.expect("once more");
    create().await.expect("the real one");
    create().rehearse().await.expect_err("it is in a ticket now");
}

#[tokio::test]
async fn what_nobody_uses_for_a_day_goes_and_a_rehearsal_is_no_use() {
    let world = World::new().await;
    let (used, rehearsed, taken) = (
        world.draft(b"used").await.id,
        world.draft(b"rehearsed").await.id,
        world.draft(b"taken").await.id,
    );
    world.submit("doc", &[taken]).await.expect("is taken");
    world.pass_ms(DRAFT_KEEP_MS / 2);
    let create = |id| {
        world
            .user("ann")
            .create("docs")
            .set("title", "T")
            .set("doc", named(&[id]))
    };
    // Refused for another reason: whoever sent it is about to send it again.
    create(used)
        .set("nonsense", "x")
        .take("go")
        .await
        .expect_err("has no such field");
    create(rehearsed).take("go").rehearse().await.expect("is previewed");
    world.pass_ms(DRAFT_KEEP_MS / 2 + 1);
    assert_eq!(
        world.read("shop", "ann", rehearsed).await,
        Err("unknown_file"),
        "before it is swept"
    );
    world.engine.files().sweep().await.expect("sweeps");
    assert_eq!(world.n_bytes_kept(), 2);
    assert_eq!(code(create(rehearsed).take("go").await), "unknown_file");
    create(used).take("go").await.expect("was kept");
    world.pass_ms(10 * DRAFT_KEEP_MS);
    world.engine.files().sweep().await.expect("sweeps");
    assert_eq!((world.n_bytes_kept(), world.findings()), (2, Vec::new()));
}

#[tokio::test]
async fn bytes_that_two_files_share_go_with_the_second() {
    let world = World::new().await;
    let (one, other) = (world.draft(b"same").await.id, world.draft(b"same").await.id);
    let first = world.submit("doc", &[one]).await.expect("is taken");
    world.submit("doc", &[other]).await.expect("is taken");
    let erase = |by: &'static str, id| {
        let engine = &world.engine;
        async move {
            let by = UserId::from(by);
            let erased = engine
                .files()
                .erase(&"shop".into(), &by, id, "it names a patient")
                .await;
            erased.expect("no fault").map(drop).map_err(|refusal| refusal.code())
        }
    };
    assert_eq!(erase("bob", one).await, Err("permission_denied"));
    let unknown = FileId(uuid::Uuid::from_u128(1));
    assert_eq!(erase("adm", unknown).await, Err("unknown_file"));
    assert_eq!(
        erase("bob", unknown).await,
        Err("permission_denied"),
        "nobody else is told which there are"
    );
    assert_eq!(erase("adm", one).await, Ok(()));
    assert_eq!(erase("adm", one).await, Err("file_erased"));
    assert_eq!(world.read("shop", "ann", one).await, Err("file_erased"));
    assert_eq!(world.read("shop", "dan", one).await, Err("unknown_file"));
    assert_eq!(world.read("shop", "ann", other).await, Ok(b"same".to_vec()));
    assert_eq!((world.n_bytes_kept(), world.findings()), (1, Vec::new()));
    assert_eq!(erase("adm", other).await, Ok(()));
    assert_eq!((world.n_bytes_kept(), world.findings()), (0, Vec::new()));
    let history = world
        .user("ann")
        .on(first)
        .history(HistoryQuery::default())
        .await
        .expect("is told");
    let told = format!("{:?}", history.rows);
    assert!(
        told.contains("file_erase") && told.contains("it names a patient") && !told.contains("a.pdf"),
        "{told}"
    );
    let detail = world.user("ann").on(first).detail().await.expect("is shown");
    assert_eq!(
        detail.values["doc"],
        serde_json::json!([{ "id": one.to_string(), "erased": true }])
    );
}

#[tokio::test]
async fn a_draft_that_is_thrown_away_takes_its_files_along() {
    let world = World::new().await;
    let doc = world.draft(b"doc").await.id;
    let create = world
        .user("ann")
        .create("docs")
        .set("title", "T")
        .set("doc", named(&[doc]));
    let ticket = create.await.expect("a draft").ticket_id;
    world
        .user("ann")
        .on(ticket)
        .act(Action::Discard)
        .await
        .expect("is thrown away");
    world.pass_ms(DRAFT_KEEP_MS * 2);
    world.engine.files().sweep().await.expect("sweeps");
    assert_eq!((world.n_bytes_kept(), world.findings()), (0, Vec::new()));
    assert_eq!(world.read("shop", "ann", doc).await, Err("unknown_file"));
}

#[tokio::test]
async fn a_sub_ticket_gets_files_of_its_own_to_the_same_bytes() {
    let world = World::new().await;
    let doc = world.draft(b"doc").await.id;
    let create = world
        .user("ann")
        .create("whole")
        .set("title", "T")
        .set("doc", named(&[doc]))
        .take("go");
    let above = create.await.expect("is taken").ticket_id;
    let children = || async {
        let detail = world.user("ann").on(above).detail().await.expect("is shown");
        detail.children.first().map(|child| child.id)
    };
    until("a sub-ticket", async || children().await.is_some()).await;
    let below = children().await.expect("is there");
    let detail = world.user("cat").on(below).detail().await.expect("is shown");
    let id = detail.values["doc"][0]["id"]
        .as_str()
        .and_then(FileId::parse)
        .expect("a file");
    assert_ne!(id, doc);
    assert_eq!(world.read("shop", "cat", id).await, Ok(b"doc".to_vec()));
    assert_eq!(
        world.read("shop", "cat", doc).await,
        Err("unknown_file"),
        "a place in one gives no right on the other"
    );
    let erased = world.engine.files().erase(&"shop".into(), &"adm".into(), doc, "").await;
    erased.expect("no fault").expect("is erased");
    assert_eq!(world.read("shop", "cat", id).await, Ok(b"doc".to_vec()));
    assert_eq!((world.n_bytes_kept(), world.findings()), (1, Vec::new()));
}

#[tokio::test]
async fn files_have_bounds() {
    let options = EngineOptions {
        file_bytes_of_tenant_max: 1_000,
        ..EngineOptions::default()
    };
    let world = World::over(Arc::new(MemoryLog::new()), options).await;
    let ann = caller("shop", "ann");
    world.upload(&ann, &[1; 600]).await.expect("has room");
    let refused = world.upload(&ann, &[2; 600]).await.expect_err("has none");
    assert_eq!(refused.code(), "quota_exceeded");
    assert_eq!(world.n_bytes_kept(), 1, "nothing of it stays");
    world
        .upload(&caller("yard", "ann"), &[2; 600])
        .await
        .expect("another tenant's");
    let mut upload = world
        .engine
        .files()
        .upload(&ann)
        .await
        .expect("no fault")
        .expect("begins");
    let bite = vec![0; 1 << 20];
    let mut refused = None;
    for _ in 0..=FILE_BYTES_MAX >> 20 {
        refused = upload.write(&bite).await.expect("no fault").err();
    }
    assert_eq!(refused.expect("is too large").code(), "payload_too_large");
    let bob = caller("shop", "bob");
    for n in 0..DRAFTS_OF_USER_MAX {
        let taken = world.upload(&bob, &[]).await;
        assert!(taken.is_ok(), "{n}: {taken:?}");
    }
    assert_eq!(
        world.upload(&bob, &[]).await.expect_err("too many").code(),
        "quota_exceeded"
    );
}

#[tokio::test]
async fn without_a_store_nobody_uploads() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let engine = Engine::start(log, Ports::system(), EngineOptions::default())
        .await
        .expect("starts");
    let upload = engine.files().upload(&caller("shop", "ann")).await.expect("no fault");
    assert_eq!(upload.expect_err("none is kept").code(), "files_not_kept");
    // An engine that is in memory altogether has one.
    let engine = Engine::builder().start().await.expect("starts");
    engine
        .directories()
        .import(&people("shop"))
        .await
        .expect("no fault")
        .expect("imports");
    let upload = engine.files().upload(&caller("shop", "ann")).await.expect("no fault");
    upload
        .expect("is taken")
        .finish("a")
        .await
        .expect("no fault")
        .expect("has room");
}

/// The log fails, or the process dies, at each of its appends: whoever starts again finds every file that a ticket names,
/// and no bytes beside.
#[tokio::test]
async fn a_failing_log_loses_no_file_of_a_ticket() {
    for fault in [
        Fault::UncertainLost,
        Fault::UncertainWritten,
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Refuse(Full),
    ] {
        for n_before in 0..4 {
            let (inner, when) = (Arc::new(MemoryLog::new()), format!("{fault:?} after {n_before}"));
            let log = Arc::new(FaultyLog::new(inner.clone(), []));
            let world = World::over(log.clone(), EngineOptions::default()).await;
            let ann = caller("shop", "ann");
            log.schedule(n_before, fault.clone());
            let mut answered = BTreeSet::new();
            for n in 0..6_u8 {
                // It is stopped, or dead, from then on.
                let Ok(Ok(mut upload)) = world.engine.files().upload(&ann).await else {
                    break;
                };
                upload.write(&[n]).await.expect("no fault").expect("is small");
                let Ok(Ok(info)) = upload.finish("a").await else { break };
                if world.submit("doc", &[info.id]).await.is_ok() {
                    answered.insert(info.id);
                }
            }
            let (blobs, clock) = (world.blobs.clone(), world.clock.clone());
            drop(world);
            let world = World::again(inner, blobs, clock).await;
            world.pass_ms(DRAFT_KEEP_MS * 2);
            world.engine.files().sweep().await.expect("sweeps");
            assert_eq!(world.findings(), Vec::<String>::new(), "{when}");
            for id in &answered {
                assert!(world.read("shop", "ann", *id).await.is_ok(), "{when}");
            }
            let n_kept = world.n_bytes_kept();
            assert!(
                n_kept == answered.len() || n_kept == answered.len() + 1,
                "{when}: {n_kept}"
            );
        }
    }
}
