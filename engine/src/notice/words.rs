//! Built-in words, in the two languages that there are (semantics: notices).

use super::NoticeEvent;
use crate::ticket::ActState;

/// A language with built-in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Chinese, simplified.
    Zh,
}

/// A word that stands beside a value, or on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Before the workflow's name.
    Workflow,
    /// Before the node's name.
    Node,
    /// Before the state.
    State,
    /// Before those who can act.
    WaitingFor,
    /// Before the due instant.
    Due,
    /// Before whoever caused it.
    By,
    /// Before a comment.
    Comment,
    /// On the link.
    Open,
}

impl Lang {
    /// The first of some tags that has built-in words; English for none of them. `zh-CN` has those of `zh`.
    #[must_use]
    pub fn of(tags: &[&str]) -> Self {
        let known = tags.iter().find_map(|tag| {
            let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
            if primary.eq_ignore_ascii_case("zh") {
                Some(Self::Zh)
            } else if primary.eq_ignore_ascii_case("en") {
                Some(Self::En)
            } else {
                None
            }
        });
        known.unwrap_or(Self::En)
    }

    /// Its tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// What has happened.
    #[must_use]
    pub fn event(self, event: NoticeEvent) -> &'static str {
        let (en, zh) = match event {
            NoticeEvent::Assigned => ("To do", "待处理"),
            NoticeEvent::Reminder => ("Reminder", "催办"),
            NoticeEvent::Answered => ("Answered", "已答复"),
            NoticeEvent::Returned => ("Returned", "已退回"),
            NoticeEvent::Finished => ("Ended", "已结束"),
            NoticeEvent::Closed => ("Closed", "已关闭"),
            NoticeEvent::Commented => ("New comment", "新评论"),
            NoticeEvent::Recalled => ("No longer to do", "无需处理"),
            NoticeEvent::Incident => ("Needs help", "需要介入"),
        };
        self.one(en, zh)
    }

    /// A ticket's state.
    #[must_use]
    pub fn state(self, state: ActState) -> &'static str {
        let (en, zh) = match state {
            ActState::InDraft => ("in draft", "草稿中"),
            ActState::OnGoing => ("ongoing", "进行中"),
            ActState::Rejected => ("rejected", "被拒绝"),
            ActState::Withdrawn => ("withdrawn", "已撤回"),
            ActState::Finished => ("finished", "已完成"),
            ActState::Closed => ("closed", "已关闭"),
        };
        self.one(en, zh)
    }

    /// A label.
    #[must_use]
    pub fn label(self, label: Label) -> &'static str {
        let (en, zh) = match label {
            Label::Workflow => ("Workflow", "流程"),
            Label::Node => ("Step", "节点"),
            Label::State => ("State", "状态"),
            Label::WaitingFor => ("Waiting for", "待处理人"),
            Label::Due => ("Due", "截止时间"),
            Label::By => ("By", "操作人"),
            Label::Comment => ("Comment", "意见"),
            Label::Open => ("Open the ticket", "查看工单"),
        };
        self.one(en, zh)
    }

    /// The title of a message about several things.
    #[must_use]
    pub fn several(self, n: usize) -> String {
        match self {
            Self::En => format!("{n} notices"),
            Self::Zh => format!("{n} 条通知"),
        }
    }

    /// That a message leaves some out.
    #[must_use]
    pub fn more(self, n: usize) -> String {
        match self {
            Self::En => format!("and {n} more"),
            Self::Zh => format!("另有 {n} 条"),
        }
    }

    /// Between a label and its value.
    #[must_use]
    pub fn colon(self) -> &'static str {
        self.one(": ", "：")
    }

    /// Between names.
    #[must_use]
    pub fn comma(self) -> &'static str {
        self.one(", ", "、")
    }

    fn one(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}
