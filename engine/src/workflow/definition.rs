//! Reads a definition's JSON into nodes, edges, form, rights and hooks (semantics: definitions), and notes every wrong
//! shape.
//!
//! Not here: the reading of the form and of the process (`definition::{form,process}`), rules that look at more than
//! one part (`validate`). Of keys that nothing reads the reader warns (`keys`); they stay in `source`, which is kept
//! whole. Each reader has the list of its keys beside it. Where something is missing or wrong, a problem is noted and a
//! stand-in takes its place so that the other rules can still run; a definition with such a problem is never published.

use serde_json::Value as Json;

use crate::account::notice_event::NoticeEvent;
use crate::account::token::Secret;
use crate::id::{AppName, ChannelId, FieldKey, VersionName, WorkflowId};
use crate::limits::WORKFLOW_CHANNELS_MAX;
use crate::text::is_blank;
use crate::workflow::edge::Edge;
use crate::workflow::form::Form;
use crate::workflow::node::Node;
use crate::workflow::problem::Problem;
use crate::workflow::{EventHook, Localized, NotificationInfo, PermissionInfo};

mod form;
mod process;
pub(crate) mod reader;

use reader::{Place, Reader, is_http};

/// The event of hooks that are asked before a ticket is sent, and may refuse.
pub(crate) const PRE_CREATE: &str = "pre_create";

/// Events that an event hook may ask for (semantics: effects).
pub const HOOK_EVENTS: [&str; 6] = [PRE_CREATE, "create", "reject", "withdraw", "force_close", "finish"];

/// JSON Schema (draft 2020-12) of definitions, for editors: what `check --strict` says, as far as a schema can. The tests
/// hold it against the keys that are read here.
pub const SCHEMA: &str = include_str!("../../schemas/workflow.json");

/// Keys of a definition.
const KEYS: [&str; 4] = ["basic_info", "form_schema", "process_schema", "advanced_schema"];
/// Keys of `basic_info`.
const BASIC_KEYS: [&str; 4] = ["id", "name", "description", "version"];
/// Keys of `advanced_schema`.
const ADVANCED_KEYS: [&str; 3] = ["notification_info", "permission_info", "customization_info"];

/// What a definition says, part by part.
#[derive(Debug)]
pub struct Definition {
    /// `basic_info.id`, else the file's stem.
    pub workflow_id: WorkflowId,
    /// `basic_info.version`.
    pub version_name: VersionName,
    /// `basic_info.name`.
    pub name: String,
    /// `basic_info.description`.
    pub description: String,
    /// `form_schema`.
    pub form: Form,
    /// Whether every field was taken in; else fields may seem to be missing.
    pub form_is_whole: bool,
    /// `process_schema.node_info_list`.
    pub nodes: Vec<Node>,
    /// `process_schema.edge_info_list`.
    pub edges: Vec<Edge>,
    /// Whether every node and edge was taken in with its id and type; else some may seem to be missing.
    pub process_is_whole: bool,
    /// `advanced_schema.permission_info`.
    pub permission: PermissionInfo,
    /// `advanced_schema.customization_info.authorized_app_id_list`.
    pub authorized_apps: std::collections::BTreeSet<AppName>,
    /// `advanced_schema.notification_info`.
    pub notification: NotificationInfo,
    /// `advanced_schema.customization_info.hook_info_list`.
    pub event_hooks: Vec<EventHook>,
    /// Problems that keep it from being published, and do not keep a version from running that was published before
    /// there was a rule: what they are about is not there.
    pub of_new: Vec<Problem>,
}

/// Reads a definition. What comes back beside problems holds stand-ins and is only fit for further checks.
#[must_use]
pub fn read(source: &Json, file_stem: Option<&str>) -> (Definition, Vec<Problem>) {
    let mut reader = Reader::default();
    let whole = Place::of("the definition");
    if !source.is_object() {
        reader.error(
            "wrong_type",
            &whole,
            "is no JSON object: give one with `basic_info`, `form_schema`, `process_schema`",
        );
    }
    reader.keys(source, &KEYS, "", &whole);
    let basic = reader.object(source, "basic_info", &whole);
    let place = Place::of("`basic_info`");
    reader.keys(basic, &BASIC_KEYS, "", &place);
    let id = reader.text(basic, "id", &place);
    let id = if id.trim().is_empty() {
        file_stem.unwrap_or_default().to_owned()
    } else {
        id
    };
    if id.trim().is_empty() {
        reader.error("missing_id", &place, "has no `id`: give the workflow one");
    }
    let version_name = reader.text(basic, "version", &place);
    if version_name.trim().is_empty() {
        reader.error(
            "version_missing",
            &place,
            "has no `version`: name this version, for instance `1.0`",
        );
    }
    let name = reader.text(basic, "name", &place);
    let description = reader.text(basic, "description", &place);

    reader.was_whole();
    let schema = reader.object(source, "form_schema", &whole);
    let form = form::read(&mut reader, schema);
    let form_is_whole = reader.was_whole();
    let process = reader.object(source, "process_schema", &whole);
    let (nodes, edges) = process::read(&mut reader, process);
    let process_is_whole = reader.was_whole();

    let advanced = reader.object(source, "advanced_schema", &whole);
    let place = Place::of("`advanced_schema`");
    reader.keys(advanced, &ADVANCED_KEYS, "", &place);
    let permission = reader.object(advanced, "permission_info", &place);
    let permission = permission_info(&mut reader, permission);
    let notification = reader.object(advanced, "notification_info", &place);
    let notification = notification_info(&mut reader, notification);
    let customization = reader.object(advanced, "customization_info", &place);
    let place = Place::of("`customization_info`");
    reader.keys(customization, &["authorized_app_id_list", "hook_info_list"], "", &place);
    let authorized_apps = reader.texts(customization, "authorized_app_id_list", &place);
    let event_hooks = event_hooks(&mut reader, customization, &place);

    let definition = Definition {
        name: if is_blank(&name) { id.clone() } else { name },
        workflow_id: id.into(),
        version_name: version_name.into(),
        description,
        form,
        form_is_whole,
        nodes,
        edges,
        process_is_whole,
        permission,
        authorized_apps: authorized_apps.into_iter().map(AppName::from).collect(),
        notification,
        event_hooks,
        of_new: reader.take_of_new(),
    };
    (definition, reader.into_problems())
}

fn permission_info(reader: &mut Reader, info: &Json) -> PermissionInfo {
    let place = Place::of("`permission_info`");
    let known = [
        "admin_id_list",
        "dispatcher_id_list",
        "viewer_id_list",
        "viewer_dept_id_list",
    ];
    reader.keys(info, &known, "", &place);
    let mut ids = |name: &str| reader.texts(info, name, &place).into_iter();
    PermissionInfo {
        admins: ids("admin_id_list").map(Into::into).collect(),
        dispatchers: ids("dispatcher_id_list").map(Into::into).collect(),
        viewers: ids("viewer_id_list").map(Into::into).collect(),
        viewer_depts: ids("viewer_dept_id_list").map(Into::into).collect(),
    }
}

fn notification_info(reader: &mut Reader, info: &Json) -> NotificationInfo {
    let place = Place::of("`notification_info`");
    let known = [
        "title_template",
        "content_template",
        "selected_channel_list",
        "events",
        "fields",
    ];
    reader.keys(info, &known, "", &place);
    // Versions that were published before any notice was sent may say anything here.
    let mut of_new = Vec::new();
    let mut wrong = |code, sentence: String| of_new.push(Problem::error(code, format!("{} {sentence}", place.what)));
    let mut words = |name: &str| {
        let items = match &info[name] {
            Json::Null => return None,
            Json::Array(items) => items.as_slice(),
            Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
                wrong("wrong_type", format!("has `{name}` that is no list"));
                &[]
            }
        };
        if items.iter().any(|item| !item.is_string()) {
            wrong("wrong_type", format!("has something in `{name}` that is no text"));
        }
        let texts = items.iter().filter_map(Json::as_str);
        Some(texts.map(str::to_owned).collect::<Vec<String>>())
    };
    let (channels, events, fields) = (words("selected_channel_list"), words("events"), words("fields"));
    let mut channels: Vec<ChannelId> = channels.unwrap_or_default().into_iter().map(ChannelId::from).collect();
    let mut seen = std::collections::BTreeSet::new();
    channels.retain(|channel| seen.insert(channel.clone()));
    if channels.len() > WORKFLOW_CHANNELS_MAX {
        let sentence = format!(
            "names {} channels: at most {WORKFLOW_CHANNELS_MAX} are allowed",
            channels.len()
        );
        wrong("too_many_channels", sentence);
        channels.truncate(WORKFLOW_CHANNELS_MAX);
    }
    let events = events.map_or_else(
        || NoticeEvent::USUAL.to_vec(),
        |words| {
            let read = words.iter().filter_map(|word| {
                let event = NoticeEvent::parse(word).filter(|event| event.is_chosen());
                if event.is_none() {
                    let known = NoticeEvent::ALL.into_iter().filter(|event| event.is_chosen());
                    let known: Vec<&str> = known.map(NoticeEvent::word).collect();
                    let sentence = format!("asks for the event `{word}`: take some of {}", known.join(", "));
                    wrong("unknown_event", sentence);
                }
                event
            });
            read.collect()
        },
    );
    let mut localized = |name: &str| {
        let texts = match &info[name] {
            Json::Null => Vec::new(),
            Json::String(text) if text.trim().is_empty() => Vec::new(),
            Json::String(text) => vec![(String::new(), text.clone())],
            Json::Object(texts) => {
                if texts.values().any(|text| !text.is_string()) {
                    wrong(
                        "wrong_type",
                        format!("has a `{name}` with a language whose text is none"),
                    );
                }
                let texts = texts
                    .iter()
                    .filter_map(|(lang, text)| Some((lang.clone(), text.as_str()?.to_owned())));
                texts.collect()
            }
            Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
                wrong(
                    "wrong_type",
                    format!("has a `{name}` that is neither a text nor texts by language"),
                );
                Vec::new()
            }
        };
        Localized { texts }
    };
    let notification = NotificationInfo {
        title_template: localized("title_template"),
        content_template: localized("content_template"),
        channels,
        events,
        fields: fields.unwrap_or_default().into_iter().map(FieldKey::from).collect(),
    };
    reader.note_of_new(of_new);
    notification
}

fn event_hooks(reader: &mut Reader, customization: &Json, place: &Place) -> Vec<EventHook> {
    let mut hooks = Vec::new();
    for info in reader.objects(customization, "hook_info_list", place) {
        let name = reader.text(info, "name", place);
        let place = Place::of(format!("event hook `{name}`"));
        reader.keys(
            info,
            &["id", "name", "description", "url", "token", "event_list"],
            "",
            &place,
        );
        let url = reader.text(info, "url", &place);
        if !is_http(&url) {
            reader.error("hook_without_url", &place, "has no http or https `url`: give it one");
        }
        let events = reader.texts(info, "event_list", &place);
        for unknown in events.iter().filter(|event| !HOOK_EVENTS.contains(&event.as_str())) {
            let sentence = format!("asks for the event `{unknown}`: take one of {}", HOOK_EVENTS.join(", "));
            reader.error("unknown_event", &place, &sentence);
        }
        let id = reader.text(info, "id", &place);
        let token = Secret::new(reader.text(info, "token", &place));
        if token.is_empty() {
            let sentence =
                "has no `token`: its calls are not signed, so the receiver cannot tell them from a stranger's";
            reader.warning("hook_without_token", &place, sentence);
        }
        hooks.push(EventHook {
            id,
            name,
            url,
            token,
            events,
        });
    }
    hooks
}
