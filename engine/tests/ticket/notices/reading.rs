//! Messages as they read, in each language and over each kind of channel; and what is never in one.

use std::sync::Arc;

use loonflow_engine::account::channel::PostKind;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::define::Person;
use loonflow_engine::id::UserId;
use loonflow_engine::notice::{Draft, Notice, NoticeEvent, Reader, content};
use loonflow_engine::test_util::{Story, directory_of};
use loonflow_engine::ticket::EffectId;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{people, with};

const TEXT: &str = "form amount:number reason:text secret:text half:text
    start amount=required reason=optional secret=optional half=optional
    node a normal users:bob deadline:PT8H at:PT0S/remind amount=readonly reason=readonly secret=hidden half=readonly
    node b normal users:cat amount=readonly reason=readonly secret=hidden half=hidden
    edge submit agree start -> a
    edge yes agree a -> b
    edge done agree b -> end";

struct World {
    directory: Arc<Directory>,
    workflow: Arc<WorkflowVersion>,
    story: Story,
}

impl World {
    fn new(info: &Json, reason: &str, secret: &str) -> Self {
        let zhang = Person::new("zhang").named("张伟").with("lang", "zh-CN");
        let directory = directory_of(&people().person(zhang));
        let workflow = with(&directory, TEXT, info);
        let fields = [
            ("amount", Value::from(100)),
            ("reason", Value::text(reason)),
            ("secret", Value::text(secret)),
            ("half", Value::text("half-told")),
        ];
        let mut story = Story::submit_with(&workflow, "ann", &fields).expect("it is sent");
        story.directory = Arc::clone(&directory);
        Self {
            directory,
            workflow,
            story,
        }
    }

    fn draft<'w>(&'w self, event: NoticeEvent, by: &'w UserId) -> Draft<'w> {
        let token = self.story.ticket.tokens.first();
        Draft {
            ticket: &self.story.ticket,
            workflow: &self.workflow,
            directory: &self.directory,
            event,
            token: token.map(|token| token.id),
            node: token.map(|token| &token.node),
            by: Some(by),
            comment: Some("please {secret}"),
            public_url: Some("https://tickets.x.example/"),
        }
    }

    fn read(&self, event: NoticeEvent, who: &str) -> Notice {
        let by = UserId::from("ann");
        let draft = self.draft(event, &by);
        match self.directory.user(&who.into()) {
            Some(user) => draft.read_by(&Reader::Person(user)),
            None => draft.read_by(&Reader::Group),
        }
    }
}

fn told(notice: &Notice) -> String {
    let facts = notice.facts.iter().map(|fact| format!("{}={}", fact.name, fact.value));
    let facts: Vec<String> = facts.collect();
    format!(
        "{} | {} | {}",
        notice.title,
        notice.text.replace('\n', "/"),
        facts.join("; ")
    )
}

#[test]
fn without_a_template_it_says_what_there_is_to_know() {
    let world = World::new(
        &json!({"selected_channel_list": ["mail"], "fields": ["amount", "secret"]}),
        "r",
        "s3cret",
    );
    assert_eq!(
        told(&world.read(NoticeEvent::Assigned, "bob")),
        "To do: T |  | Workflow=w; Step=a; State=ongoing; Waiting for=bob; Due=2026-01-01 08:00:00 +0000; By=ann; \
         Comment=please {secret}; amount=100"
    );
    assert_eq!(
        told(&world.read(NoticeEvent::Reminder, "zhang")),
        "催办：T |  | 流程=w; 节点=a; 状态=进行中; 待处理人=bob; 截止时间=2026-01-01 08:00:00 +0000; 操作人=ann; \
         意见=please {secret}; amount=100"
    );
    let link = world.read(NoticeEvent::Assigned, "bob").link;
    assert_eq!(
        link.as_deref(),
        Some("https://tickets.x.example/t/01939f5a-3c00-7000-8000-000000000001")
    );
}

#[test]
fn key_notification_title_template_and_content_template() {
    let info = json!({
        "selected_channel_list": ["mail"],
        "title_template": {"de": "{title} wartet", "zh": "{title} 待处理"},
        "content_template": "{event} {creator} {created_at} {ticket_id} {workflow} {workflow_name} {node_name} {act_state} \
                             {actor} {waiting_for} {due} {amount} [{secret}] {reason} {link}",
    });
    let world = World::new(&info, "{title} {secret}", "s3cret");
    let bob = world.read(NoticeEvent::Assigned, "bob");
    assert_eq!(
        told(&bob),
        "T wartet | To do ann 2026-01-01 00:00:00 +0000 01939f5a-3c00-7000-8000-000000000001 w w a ongoing ann bob \
         2026-01-01 08:00:00 +0000 100 [] {title} {secret} \
         https://tickets.x.example/t/01939f5a-3c00-7000-8000-000000000001 | ",
        "a value is no template, and what bob may not see at his node is empty"
    );
    assert_eq!(bob.link, None, "the text has it");
    assert_eq!(world.read(NoticeEvent::Assigned, "zhang").title, "T 待处理");
    for wrong in ["{nobody}", "{", "{title"] {
        let mut info = info.clone();
        info["title_template"]["zh"] = wrong.into();
        let source = loonflow_engine::test_util::definition("w", "1.0", TEXT)
            .advanced("notification_info", info)
            .definition();
        let problems = loonflow_engine::workflow::validate::check(&source, None, &Default::default()).1;
        assert_eq!(
            problems.iter().map(|one| one.code).collect::<Vec<_>>(),
            ["bad_template"],
            "{wrong}"
        );
    }
}

#[test]
fn key_notification_fields() {
    let info =
        json!({"selected_channel_list": ["chat"], "fields": ["half", "amount", "secret"], "content_template": "x"});
    let world = World::new(&info, "r", "s3cret");
    assert_eq!(
        told(&world.read(NoticeEvent::Assigned, "bob")),
        "To do: T | x | half=half-told; amount=100"
    );
    // In a group is everybody; what is hidden from anybody is not told there.
    assert_eq!(
        told(&world.read(NoticeEvent::Assigned, "a group")),
        "To do: T | x | amount=100"
    );
    for fields in [json!(["gone"]), json!("amount")] {
        let mut info = info.clone();
        info["fields"] = fields;
        let source = loonflow_engine::test_util::definition("w", "1.0", TEXT)
            .advanced("notification_info", info)
            .definition();
        let problems = loonflow_engine::workflow::validate::check(&source, None, &Default::default()).1;
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}

/// A notice with every sign that means something to somebody.
fn odd() -> Notice {
    let info = json!({"selected_channel_list": ["mail"], "fields": ["reason"], "content_template": "a <b>\n{reason}"});
    World::new(
        &info,
        "<!channel> <at user_id=\"all\"></at> <@all> @all [x](y) *z* \u{202e}&\u{0}",
        "s",
    )
    .read(NoticeEvent::Assigned, "bob")
}

#[test]
fn a_mail_has_a_part_for_each_program() {
    let mail = content::mail(&odd());
    assert_eq!(mail.subject, "To do: T");
    assert_eq!(
        mail.text,
        "a <b>\n<!channel> <at user_id=\"all\"></at> <@all> @all [x](y) *z* &\n\n\
         reason: <!channel> <at user_id=\"all\"></at> <@all> @all [x](y) *z* &\n\n\
         https://tickets.x.example/t/01939f5a-3c00-7000-8000-000000000001"
    );
    let odd = "&lt;!channel&gt; &lt;at user_id=&quot;all&quot;&gt;&lt;/at&gt; &lt;@all&gt; @all [x](y) *z* &amp;";
    assert_eq!(
        mail.html,
        format!(
            "<h1>To do: T</h1>\n<p>a &lt;b&gt;<br>\n{odd}</p>\n<table>\n\
             <tr><th align=\"left\">reason</th><td>{odd}</td></tr>\n</table>\n\
             <p><a href=\"https://tickets.x.example/t/01939f5a-3c00-7000-8000-000000000001\">Open the ticket</a></p>\n"
        )
    );
}

#[test]
fn each_chat_reads_it_in_its_own_form() {
    let link = "https://tickets.x.example/t/01939f5a-3c00-7000-8000-000000000001";
    let plain = "<!channel> <at user_id=\"all\"></at> <@all> @all [x](y) *z* &";
    let body = |kind| Json::Object(content::chat(kind, &odd()));
    let slack = "&lt;!channel&gt; &lt;at user_id=\"all\"&gt;&lt;/at&gt; &lt;@all&gt; @all [x](y) *z* &amp;";
    assert_eq!(
        body(PostKind::Slack),
        json!({"text": format!("*To do: T*\na &lt;b&gt;\n{slack}\nreason: {slack}\n<{link}|Open the ticket>")})
    );
    let run = |text: &str| json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text}]});
    let mut title = run("To do: T");
    title["inlines"][0]["weight"] = "bolder".into();
    title["inlines"][0]["size"] = "large".into();
    assert_eq!(
        body(PostKind::Teams),
        json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [title, run("a <b>"), run(plain), run(&format!("reason: {plain}"))],
                "actions": [{"type": "Action.OpenUrl", "title": "Open the ticket", "url": link}],
            },
        }]})
    );
    let text = |content: &str| json!({"tag": "plain_text", "content": content});
    assert_eq!(
        body(PostKind::Feishu),
        json!({"msg_type": "interactive", "card": {
            "header": {"title": text("To do: T")},
            "elements": [
                {"tag": "div", "text": text(&format!("a <b>\n{plain}"))},
                {"tag": "div", "text": text(&format!("reason: {plain}"))},
                {"tag": "action", "actions": [
                    {"tag": "button", "text": text("Open the ticket"), "type": "primary", "url": link},
                ]},
            ],
        }})
    );
    let odd =
        "&lt;\\!channel&gt; &lt;at user\\_id=\"all\"&gt;&lt;/at&gt; &lt;@all&gt; @all \\[x\\]\\(y\\) \\*z\\* &amp;";
    let markdown = format!("### To do: T\n\na &lt;b&gt;\n\n{odd}\n\nreason: {odd}\n\n[Open the ticket]({link})");
    assert_eq!(
        body(PostKind::DingTalk),
        json!({
            "msgtype": "markdown",
            "markdown": {"title": "To do: T", "text": markdown},
            "at": {"isAtAll": false},
        })
    );
    assert_eq!(
        body(PostKind::WeCom),
        json!({"msgtype": "markdown", "markdown": {"content": markdown}})
    );
}

#[test]
fn a_program_reads_the_ticket_and_what_people_are_told() {
    let info = json!({"selected_channel_list": ["mail"], "content_template": "x"});
    let world = World::new(&info, "r", "s3cret");
    let (by, bob) = (UserId::from("ann"), world.directory.user(&"bob".into()).unwrap());
    let draft = world.draft(NoticeEvent::Assigned, &by);
    let reader = Reader::Person(bob);
    let of = (EffectId::of(9), 12, crate::play::NOW);
    let body = content::webhook(&draft, &draft.read_by(&reader), &"bot".into(), (&reader, &[bob]), of).unwrap();
    assert_eq!(body["type"], "notice");
    assert_eq!(
        body["fields"],
        json!({"amount": 100, "half": "half-told", "reason": "r"})
    );
    assert_eq!(
        body["notice"],
        json!({
            "event": "assigned",
            "channel_id": "bot",
            "to": [{"user_id": "bob", "name": "bob", "email": "bob@x.example"}],
            "lang": "en",
            "title": "To do: T",
            "text": "x",
            "link": "https://tickets.x.example/t/01939f5a-3c00-7000-8000-000000000001",
        })
    );
}

fn all_forms(notice: &Notice) -> Vec<String> {
    let mail = content::mail(notice);
    let mut forms = vec![mail.subject, mail.text, mail.html];
    let chats = PostKind::ALL
        .into_iter()
        .map(|kind| Json::Object(content::chat(kind, notice)).to_string());
    forms.extend(chats);
    forms
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever a template asks for and a value says, what is hidden from the reader is not in the message.
    #[test]
    fn a_hidden_field_never_leaves(
        names in proptest::collection::vec(prop_oneof!["secret", "half", "reason", "comment", "title", "due"], 0..6),
        reason in "[a-z{}<>*&@ ]{0,30}",
        fields in proptest::sample::subsequence(vec!["secret", "half", "amount", "reason"], 0..4),
    ) {
        let template: String = names.iter().map(|name| format!("{{{name}}} ")).collect();
        let info = json!({
            "selected_channel_list": ["mail"], "fields": fields, "title_template": template, "content_template": template,
        });
        let world = World::new(&info, &reason, "Hush-7c1f");
        for (who, may_see_half) in [("bob", true), ("zhang", true), ("a group", false)] {
            for form in all_forms(&world.read(NoticeEvent::Assigned, who)) {
                prop_assert!(!form.contains("Hush-7c1f"), "{who}: {form}");
                prop_assert!(may_see_half || !form.contains("half-told"), "{who}: {form}");
            }
        }
    }

    /// No value becomes a call to everybody, mark-up, or more than a chat takes.
    #[test]
    fn nothing_calls_everybody(reason in "(<!(channel|here|everyone)>|<at user_id=.all.>|<@all>|@all|[*_<>&\\[\\]()待\u{202e}\u{7}]){0,900}") {
        let info = json!({"selected_channel_list": ["mail"], "fields": ["reason"], "content_template": "{reason}"});
        let notice = World::new(&info, &reason.chars().take(1_900).collect::<String>(), "s").read(NoticeEvent::Assigned, "bob");
        let slack = content::chat(PostKind::Slack, &notice);
        let text = slack["text"].as_str().unwrap();
        prop_assert_eq!(text.matches('<').count(), 1, "the link's alone");
        let (wecom, ding) = (content::chat(PostKind::WeCom, &notice), content::chat(PostKind::DingTalk, &notice));
        for markdown in [wecom["markdown"]["content"].as_str().unwrap(), ding["markdown"]["text"].as_str().unwrap()] {
            prop_assert!(markdown.len() <= 4_096 && !markdown.contains('<'), "{}", markdown);
            prop_assert!(markdown.ends_with(')'), "the link is there: {}", markdown);
        }
        prop_assert_eq!(&ding["at"], &json!({"isAtAll": false}));
        let feishu = Json::Object(content::chat(PostKind::Feishu, &notice)).to_string();
        prop_assert!(!feishu.contains("\"tag\":\"at\"") && !feishu.contains("lark_md"));
        let teams = Json::Object(content::chat(PostKind::Teams, &notice)).to_string();
        prop_assert!(!teams.contains("\"entities\"") && teams.len() < 28_000);
        let is_unseen = |form: &String| form.contains(['\u{202e}', '\u{7}']);
        prop_assert!(!all_forms(&notice).iter().any(is_unseen));
    }
}
