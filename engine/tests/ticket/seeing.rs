//! Who sees a ticket, and which of its fields (semantics: visibility, hidden-values).

use loonflow_engine::account::directory::Directory;
use loonflow_engine::ticket::{Command, Create, Draw, Refusal, decide_with_outcome, visibility};
use loonflow_engine::value::Value;
use loonflow_engine::view::{flow_history, ticket_detail};

use crate::play::{DIRECTORY, NOW, Play, context, creation, flow};

const FORM: &str = "
    form open:text hidden:text late:text
    start open=optional hidden=hidden late=hidden
    node a normal users:bob open=readonly
    node b normal users:cat open=readonly late=optional
    edge go agree start -> a
    edge ok agree a -> b
    edge done agree b -> end";

#[test]
fn whoever_is_or_was_part_of_it_sees_it() {
    let mut play = Play::submit(&flow(FORM));
    let sees = |play: &Play| -> String {
        let users = DIRECTORY.users.keys();
        let seeing = users.filter(|user| visibility::may_view(&play.ticket, user, &DIRECTORY, &play.workflow));
        seeing.map(|user| user.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(sees(&play), "adm ann bob dis vie wad");
    play.act("bob", "ok");
    assert_eq!(sees(&play), "adm ann bob cat dis vie wad");
    play.to("cat", "consult", "dan").unwrap();
    assert_eq!(sees(&play), "adm ann bob cat dan dis vie wad");
    play.act("dis", "force_close");
    assert_eq!(sees(&play), "adm ann bob cat dan dis vie wad");
}

#[test]
fn whoever_is_in_copy_sees_it() {
    let workflow = flow(FORM);
    let create = |cc: &[&str]| {
        let command = Command::Create(Create {
            via: None,
            cc: cc.iter().map(|user| (*user).into()).collect(),
            ..creation("ann", Some("go"))
        });
        let context = context(&workflow, &DIRECTORY, NOW, Draw::Seed(0));
        decide_with_outcome(None, &command, &context).map(|(_, ticket)| ticket)
    };
    let ticket = create(&["out"]).unwrap();
    let sees = |user: &str| visibility::may_view(&ticket, &user.into(), &DIRECTORY, &workflow);
    assert!(sees("out") && sees("ann") && sees("bob") && !sees("dan"));
    for cc in ["off", "nobody"] {
        assert_eq!(create(&[cc]).unwrap_err().code(), "invalid_argument", "{cc}");
    }
}

#[test]
fn namesakes_of_another_tenant_and_strangers_see_nothing() {
    let play = Play::submit(&flow(FORM));
    let mut other = Directory::clone(&DIRECTORY);
    other.tenant.id = "another".into();
    for user in ["ann", "bob", "adm", "wad", "vie"] {
        let user = user.into();
        assert!(
            visibility::may_view(&play.ticket, &user, &DIRECTORY, &play.workflow),
            "{user}"
        );
        assert!(
            !visibility::may_view(&play.ticket, &user, &other, &play.workflow),
            "{user}"
        );
    }
    assert!(!visibility::may_view(
        &play.ticket,
        &"nobody".into(),
        &DIRECTORY,
        &play.workflow
    ));
    let mut of_nobody = play.ticket.clone();
    of_nobody.creator = "nobody".into();
    assert!(!visibility::may_view(
        &of_nobody,
        &"nobody".into(),
        &DIRECTORY,
        &play.workflow
    ));
}

#[test]
fn only_active_users_start_a_ticket() {
    let workflow = flow(FORM);
    for creator in ["off", "nobody"] {
        for edge in [Some("go"), None] {
            let refused = Play::create(&workflow, creator, edge, &[]).err();
            let code = refused.as_ref().map(Refusal::code);
            assert_eq!(code, Some("permission_denied"), "{creator} {edge:?}");
        }
    }
}

#[test]
fn who_acts_sees_the_node_and_others_what_some_node_shows() {
    let mut play = Play::submit_with(&flow(FORM), "ann", &[("open", Value::text("o"))]).unwrap();
    play.act("bob", "ok");
    play.act_with(
        "cat",
        "forward",
        "forward",
        crate::play::With {
            target: Some("dan"),
            ..Default::default()
        },
    )
    .unwrap();
    let shown = |play: &Play, who: &str| -> String {
        let detail = ticket_detail::detail(&play.ticket, &play.workflow, &DIRECTORY, &who.into(), play.now);
        let shown = detail
            .permissions
            .iter()
            .filter(|(_, permission)| permission.word() != "hidden");
        shown
            .map(|(key, permission)| format!("{key}={}", permission.word()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(shown(&play, "dan"), "late=optional open=readonly title=readonly");
    assert_eq!(shown(&play, "ann"), "late=readonly open=readonly title=readonly");
}

#[test]
fn a_hidden_value_is_in_no_answer() {
    let workflow = flow(
        "form open:text secret:text
         start open=optional secret=optional
         node a normal users:bob open=readonly
         edge go agree start -> a
         edge ok agree a -> end",
    );
    let fields = [("open", Value::text("o")), ("secret", Value::text("XYZZY"))];
    let play = Play::submit_with(&workflow, "ann", &fields).unwrap();
    let told = |who: &str| {
        let detail = ticket_detail::detail(&play.ticket, &play.workflow, &DIRECTORY, &who.into(), play.now);
        let permissions = visibility::field_permissions(&play.workflow, play.offered(who).acting_node());
        let meta = loonflow_engine::ticket::Meta {
            at: play.now,
            by: loonflow_engine::ticket::Processor::User("ann".into()),
            app: None,
            access_token: None,
        };
        let entries = flow_history::entries(&[(meta, play.events.clone())], &play.workflow, &DIRECTORY, &permissions);
        format!("{:?} {entries:?}", detail.values)
    };
    assert!(!told("bob").contains("XYZZY"), "bob acts at a node that hides it");
    assert!(
        told("ann").contains("XYZZY"),
        "start does not hide it, so other viewers see it"
    );
}

#[test]
fn detail_says_what_every_token_waits_for() {
    let workflow = flow(
        "node s parallel
         node a normal users:ann
         node b normal users:bob,cat voluntary
         node m parallel
         edge go agree start -> s
         edge x condition s -> a
         edge y condition s -> b
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge out other m -> end",
    );
    let mut play = Play::submit(&workflow);
    play.act("ann", "a_ok");
    let detail = ticket_detail::detail(&play.ticket, &play.workflow, &DIRECTORY, &"ann".into(), play.now);
    let told: Vec<String> = detail
        .waiting_for
        .iter()
        .map(|one| {
            let people: Vec<_> = one.people.iter().map(|person| person.shown()).collect();
            format!("{} {} {people:?} {:?}", one.node_id, one.kind.word(), one.missing)
        })
        .collect();
    assert_eq!(told, ["m merge [] [(b, \"b\")]", "b accept [\"BOB.\", \"CAT.\"] []"]);
}
