//! A ticket under way, and what people do with it: decided and folded without an engine.

use std::sync::{Arc, LazyLock};

use super::people::directory;
use crate::account::directory::Directory;
use crate::id::TicketId;
use crate::ticket::offer::offered;
use crate::ticket::{
    Act, Action, ActionKind, Command, Context, Create, Draw, EffectOutcome, Event, HookOutcome, OfferedActions,
    Refusal, Rest, Ticket, Work, apply, decide,
};
use crate::time::Timestamp;
use crate::value::Value;
use crate::workflow::WorkflowVersion;

static DIRECTORY: LazyLock<Arc<Directory>> = LazyLock::new(|| directory(&["off"]));

/// When stories begin: 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// A ticket under way.
#[derive(Clone, Debug)]
pub struct Story {
    /// The version it is on.
    pub workflow: Arc<WorkflowVersion>,
    /// The people, who may change between two steps.
    pub directory: Arc<Directory>,
    /// The ticket as it is.
    pub ticket: Ticket,
    /// What time it is.
    pub now: Timestamp,
    /// What the last command caused.
    pub events: Vec<Event>,
    /// The seed of the next draw.
    pub seed: u64,
}

/// What is sent with an action.
#[derive(Clone, Default)]
pub struct With {
    /// The node it is at, where several would do.
    pub node: Option<&'static str>,
    /// The user it concerns.
    pub target: Option<&'static str>,
    /// The node it leads to.
    pub to_node: Option<&'static str>,
    /// Whether it comes straight back from there.
    pub resume: bool,
    /// What is said with it.
    pub comment: Option<&'static str>,
    /// Values for the form.
    pub fields: Vec<(&'static str, Value)>,
}

/// The id of every ticket of a story.
#[must_use]
pub fn ticket_id() -> TicketId {
    TicketId::parse("01939f5a-3c00-7000-8000-000000000001").unwrap()
}

/// The creation of a ticket titled `T`.
pub fn creation(creator: &str, edge: Option<&str>) -> Create {
    Create {
        via: None,
        ticket_id: ticket_id(),
        by: creator.into(),
        app: "loonflow".into(),
        take: edge.map(Into::into),
        fields: [("title".into(), Value::text("T"))].into(),
        comment: None,
        cc: Vec::new(),
        parent: None,
    }
}

impl Story {
    /// Ann creates a ticket titled `T` and takes the first edge out of start.
    pub fn submit(workflow: &Arc<WorkflowVersion>) -> Self {
        Self::submit_with(workflow, "ann", &[]).unwrap()
    }

    /// The same by somebody, with fields.
    ///
    /// # Errors
    /// The refusal.
    pub fn submit_with(
        workflow: &Arc<WorkflowVersion>,
        creator: &str,
        fields: &[(&'static str, Value)],
    ) -> Result<Self, Refusal> {
        let edge = workflow
            .ways_out(&workflow.start().id)
            .next()
            .unwrap()
            .id
            .as_str()
            .to_owned();
        Self::create(workflow, creator, Some(&edge), fields)
    }

    /// Somebody creates a ticket titled `T`; without an edge, a draft.
    ///
    /// # Errors
    /// The refusal.
    pub fn create(
        workflow: &Arc<WorkflowVersion>,
        creator: &str,
        edge: Option<&str>,
        fields: &[(&'static str, Value)],
    ) -> Result<Self, Refusal> {
        let mut create = creation(creator, edge);
        if workflow.form.automatic_title().is_some() {
            create.fields.clear();
        }
        let fields = fields.iter().map(|(key, value)| ((*key).into(), value.clone()));
        create.fields.extend(fields);
        let command = Command::Create(create);
        let context = context(workflow, &DIRECTORY, NOW, Draw::Seed(0));
        let events = decide(None, &command, &context)?;
        let meta = command.meta(&context);
        let ticket = events
            .iter()
            .fold(None, |ticket, event| apply(ticket, event, &meta))
            .unwrap();
        let (workflow, directory) = (workflow.clone(), DIRECTORY.clone());
        Ok(Self {
            workflow,
            directory,
            ticket,
            now: NOW,
            events,
            seed: 1,
        })
    }

    /// Decides any command and folds what it does. A dry run must decide alike.
    ///
    /// # Errors
    /// The refusal.
    pub fn command(&mut self, command: &Command) -> Result<(), Refusal> {
        let directory = self.directory.clone();
        let workflow = self.workflow.clone();
        let dry = decide(
            Some(&self.ticket),
            command,
            &context(&workflow, &directory, self.now, Draw::Preview),
        );
        let context = context(&workflow, &directory, self.now, Draw::Seed(self.seed));
        self.seed += 1;
        let events = decide(Some(&self.ticket), command, &context);
        assert_eq!(
            dry.as_ref().err(),
            events.as_ref().err(),
            "dry run and real call refuse alike"
        );
        let events = events?;
        let names = |events: &[Event]| events.iter().map(Event::name).collect::<Vec<_>>();
        assert_eq!(names(&dry?), names(&events), "dry run and real call do alike");
        let meta = command.meta(&context);
        let version = self.ticket.version;
        for event in &events {
            self.ticket.apply(event, &meta);
        }
        assert_eq!(
            self.ticket.version,
            version + events.len() as u64,
            "the version counts events"
        );
        self.events = events;
        Ok(())
    }

    /// The command of an action.
    pub fn handle(&self, who: &str, kind: &str, id: &str, with: &With) -> Command {
        let kind = ActionKind::parse(kind).expect("a word");
        Command::Act(Act {
            closes_children: false,
            by: who.into(),
            action: Action::of(kind, id, with.target.map(Into::into), with.to_node.map(Into::into))
                .resuming(with.resume),
            at: with.node.map(Into::into),
            comment: with.comment.map(Into::into),
            fields: with
                .fields
                .iter()
                .map(|(key, value)| ((*key).into(), value.clone()))
                .collect(),
        })
    }

    /// Takes an action by its kind and id, with what goes with it.
    ///
    /// # Errors
    /// The refusal.
    pub fn act_with(&mut self, who: &str, kind: &str, id: &str, with: With) -> Result<&mut Self, Refusal> {
        self.command(&self.handle(who, kind, id, &with))?;
        Ok(self)
    }

    /// Takes an edge, or an action by its word; panics on a refusal.
    pub fn act(&mut self, who: &str, id: &str) -> &mut Self {
        self.try_act(who, id)
            .unwrap_or_else(|refusal| panic!("{who} {id}: {refusal}"));
        self
    }

    /// Takes an edge, or an action by its word.
    ///
    /// # Errors
    /// The refusal.
    pub fn try_act(&mut self, who: &str, id: &str) -> Result<&mut Self, Refusal> {
        self.act_with(who, &self.kind_of(id), id, With::default())
    }

    /// Takes an action that concerns somebody: forward, consult, force_forward.
    ///
    /// # Errors
    /// The refusal.
    pub fn to(&mut self, who: &str, word: &str, target: &'static str) -> Result<&mut Self, Refusal> {
        self.act_with(
            who,
            word,
            word,
            With {
                target: Some(target),
                ..With::default()
            },
        )
    }

    /// Sends a token back to a node, and says why.
    ///
    /// # Errors
    /// The refusal.
    pub fn back(&mut self, who: &str, to_node: &'static str, resume: bool) -> Result<&mut Self, Refusal> {
        self.act_with(
            who,
            "return_to",
            "return_to",
            With {
                to_node: Some(to_node),
                resume,
                comment: Some("not yet"),
                ..With::default()
            },
        )
    }

    /// The code of a refusal.
    pub fn refused(&mut self, who: &str, id: &str) -> &'static str {
        self.try_act(who, id).expect_err("a refusal").code()
    }

    fn kind_of(&self, id: &str) -> String {
        let kind = self.workflow.edge(&id.into()).and_then(ActionKind::of_edge);
        kind.map_or_else(|| id.to_owned(), |kind| kind.word().to_owned())
    }

    /// The timer that the ticket waits for comes due.
    ///
    /// # Errors
    /// The refusal, before it is due.
    pub fn fire(&mut self) -> Result<(), Refusal> {
        let token = self
            .ticket
            .tokens
            .iter()
            .find(|token| matches!(token.rest, Rest::Timer { .. }))
            .unwrap()
            .id;
        self.command(&Command::FireTimer { token })
    }

    /// The first alarm of a deadline comes due: of this step.
    ///
    /// # Errors
    /// The refusal, before it is due.
    pub fn reach(&mut self, step: u32) -> Result<(), Refusal> {
        let is_it = |work: &Work| work.step().is_some_and(|(_, of, _)| of == step);
        let found = self.ticket.effects.iter().find(|(_, open)| is_it(&open.work));
        let (effect, _) = found.expect("an alarm");
        let outcome = EffectOutcome::CameDue;
        self.command(&Command::CloseEffect { effect, outcome })
    }

    /// The alarms of deadlines in the order in which they fire: `0@2026-01-05T09:00:00.000Z`.
    pub fn alarms(&self) -> String {
        let open = self.ticket.effects.iter();
        let mut alarms: Vec<_> = open
            .filter_map(|(id, open)| open.work.step().map(|(_, step, due)| (due, id, step)))
            .collect();
        alarms.sort_unstable();
        let told = alarms
            .iter()
            .map(|(due, _, step)| format!("{step}@{}", due.to_rfc3339()));
        told.collect::<Vec<_>>().join(" ")
    }

    /// The hook that the ticket waits for answers.
    ///
    /// # Errors
    /// The refusal.
    pub fn report(&mut self, outcome: HookOutcome) -> Result<(), Refusal> {
        let token = self
            .ticket
            .tokens
            .iter()
            .find(|token| matches!(token.rest, Rest::Hook { .. }))
            .unwrap();
        let Rest::Hook { attempt, .. } = token.rest else {
            panic!("no hook")
        };
        self.command(&Command::ReportHook {
            token: token.id,
            attempt,
            outcome,
        })
    }

    /// Where the ticket is: `on_going a(ann|bob) m(merge)`.
    pub fn at(&self) -> String {
        let mut told = self.ticket.act_state.word().to_owned();
        for token in &self.ticket.tokens {
            let names =
                |users: &[crate::id::UserId]| users.iter().map(|user| user.as_str()).collect::<Vec<_>>().join("|");
            let rest = match &token.rest {
                Rest::Moving => "moving".to_owned(),
                Rest::Joining => "merge".to_owned(),
                Rest::Unassigned => "nobody".to_owned(),
                Rest::Held { holders, consult: None } => names(holders),
                Rest::Held {
                    consult: Some(consult), ..
                } => format!("{} asks {}", consult.by, consult.to),
                Rest::Offered { candidates } => format!("{}?", names(candidates)),
                Rest::Voting(ballot) => {
                    let shares = ballot.kept().map(|share| match (share.vote(), &share.consulted) {
                        (Some(vote), _) => format!("{}:{vote}", share.holder),
                        (None, Some(asked)) => format!("{} asks {asked}", share.holder),
                        (None, None) => share.holder.to_string(),
                    });
                    shares.collect::<Vec<_>>().join("&")
                }
                Rest::Shared { .. } => "as it was".to_owned(),
                Rest::Timer { due } => due.to_rfc3339(),
                Rest::Hook { attempt, failed: None } => format!("hook {attempt}"),
                Rest::Hook {
                    attempt,
                    failed: Some(_),
                } => format!("hook {attempt} failed"),
                Rest::Ended => String::new(),
            };
            told.push_str(&if rest.is_empty() {
                format!(" {}", token.node)
            } else {
                format!(" {}({rest})", token.node)
            });
        }
        told
    }

    /// The ids of the tokens, oldest first.
    pub fn token_ids(&self) -> Vec<u64> {
        self.ticket.tokens.iter().map(|token| token.id.0).collect()
    }

    /// What a user is offered.
    pub fn offered(&self, who: &str) -> OfferedActions {
        let context = context(&self.workflow, &self.directory, self.now, Draw::Preview);
        offered(&self.ticket, &who.into(), &context)
    }

    /// The ids of what a user is offered, in order, admin actions last.
    pub fn offers(&self, who: &str) -> String {
        self.offered(who)
            .iter()
            .map(|action| action.id.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// What a decision looks at.
#[must_use]
pub fn context<'a>(workflow: &'a WorkflowVersion, directory: &'a Directory, now: Timestamp, draw: Draw) -> Context<'a> {
    Context {
        now,
        directory,
        workflow,
        draw,
        parent: None,
        migrate_to: None,
        replies: None,
        files: crate::ticket::Files::AsDescribed,
    }
}
