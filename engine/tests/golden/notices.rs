//! Samples of what people are told, and over which channels.

use loonflow_engine::account::channel::{
    Channel, ChosenNotices, Digest, MailTls, NoticeChoice, PostKind, Posting, Relay, Route,
};
use loonflow_engine::account::event::Event as Chosen;
use loonflow_engine::account::token::Secret;
use loonflow_engine::id::TokenId;
use loonflow_engine::notice::NoticeEvent;
use loonflow_engine::ticket::event::{Event, OwedEffect, OwedNotice};

pub(crate) fn owed(token: TokenId) -> Event {
    Event::EffectsOwed {
        effects: vec![
            OwedEffect::Notice(Box::new(OwedNotice {
                event: NoticeEvent::Assigned,
                channel: "mail".into(),
                to: vec!["ada".into()],
                token: Some(token),
                node: Some("approve".into()),
            })),
            OwedEffect::Notice(Box::new(OwedNotice {
                event: NoticeEvent::Incident,
                channel: "chat".into(),
                to: vec!["ada".into(), "wes".into()],
                token: None,
                node: None,
            })),
        ],
    }
}

pub(crate) fn chosen() -> Vec<Chosen> {
    vec![
        Chosen::ChannelsPut(vec![
            Channel {
                id: "mail".into(),
                route: Route::Mail(Relay {
                    host: "relay.example".into(),
                    port: 587,
                    tls: MailTls::StartTls,
                    user: "tickets".into(),
                    password: Secret::new("change-me"),
                    from: "Tickets <tickets@acme.example>".into(),
                }),
            },
            Channel {
                id: "chat".into(),
                route: Route::Post(Posting {
                    kind: PostKind::WeCom,
                    url: Secret::new("https://chat.example/send?key=k"),
                    secret: Secret::new("s"),
                }),
            },
        ]),
        Chosen::LanguageChanged("zh".into()),
        Chosen::NoticesChosen(ChosenNotices {
            user: "ada".into(),
            choice: NoticeChoice {
                off: vec![NoticeEvent::Reminder, NoticeEvent::Recalled],
                digest: Digest::Daily,
            },
        }),
    ]
}
