//! Secrets in a definition, which a diagram that goes from hand to hand should not carry: whatever the engine shows nobody
//! ([`is_secret`]), and in addresses names, passwords and parameters that are called secrets.
//!
//! Not taken: the addresses themselves, without which a hook is none; a path that is a secret stays in them.

use loonflow_engine::workflow::ComponentKind;
use loonflow_engine::workflow::secrets::is_secret;
use serde_json::{Map, Value as Json};
use url::Url;
use url::form_urlencoded::parse;

/// Places that are named; a definition with more has as many secrets taken.
const PLACES_MAX: usize = 20;

/// Where secrets were.
#[derive(Default)]
pub(super) struct Taken(Vec<String>);

impl Taken {
    /// Takes them out of what surrounds nodes and edges.
    pub(super) fn of_definition(definition: &mut Map<String, Json>) -> Self {
        let mut taken = Self::default();
        let rows = list(definition, &["form_schema", "component_info_list"]);
        for component in rows
            .iter_mut()
            .flat_map(|row| row.get_mut("children").and_then(Json::as_array_mut))
            .flatten()
        {
            let kind = component
                .get("type")
                .and_then(Json::as_str)
                .and_then(ComponentKind::parse);
            if !kind.is_some_and(ComponentKind::is_external) {
                continue;
            }
            let key = component
                .get("component_key")
                .and_then(Json::as_str)
                .unwrap_or_default();
            let place = format!("{key}.props");
            if let Some(props) = component.get_mut("props") {
                taken.take(props, true, &place);
            }
        }
        let hooks = list(definition, &["advanced_schema", "customization_info", "hook_info_list"]);
        for (idx, hook) in hooks.iter_mut().enumerate() {
            taken.address(hook.get_mut("url"), &format!("hook_info_list.{idx}.url"));
        }
        taken.entries(definition, false, "");
        taken
    }

    /// Takes them out of a node. Its permissions are named by fields, which may be called anything.
    pub(super) fn of_node(node: &mut Map<String, Json>) -> Self {
        let mut taken = Self::default();
        let mut kept = Map::new();
        if let Some(props) = node.get_mut("props").and_then(Json::as_object_mut) {
            kept.extend(
                ["field_permissions", "hook_url"]
                    .iter()
                    .filter_map(|name| props.remove_entry(*name)),
            );
            taken.address(kept.get_mut("hook_url"), "props.hook_url");
            if props.get("assignee_type").and_then(Json::as_str) == Some("external") {
                taken.address(props.get_mut("assignee"), "props.assignee");
            }
        }
        taken.entries(node, false, "");
        if let Some(props) = node.get_mut("props").and_then(Json::as_object_mut) {
            props.extend(kept);
        }
        taken
    }

    /// Takes them out of an edge.
    pub(super) fn of_edge(edge: &mut Map<String, Json>) -> Self {
        let mut taken = Self::default();
        taken.entries(edge, false, "");
        taken
    }

    /// The places, for whoever reads the diagram; `None` where there was none.
    pub(super) fn places(&self) -> Option<String> {
        let named = &self.0[..self.0.len().min(PLACES_MAX)];
        let more = if self.0.len() > PLACES_MAX { ", …" } else { "" };
        (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
    }

    fn entries(&mut self, entries: &mut Map<String, Json>, is_external: bool, place: &str) {
        let place_of = |name: &str| {
            if place.is_empty() {
                name.to_owned()
            } else {
                format!("{place}.{name}")
            }
        };
        entries.retain(|name, value| {
            let is_taken = is_secret(name, is_external);
            if is_taken && says_something(value) {
                self.0.push(place_of(name));
            }
            !is_taken
        });
        for (name, value) in entries {
            self.take(value, is_external, &place_of(name));
        }
    }

    fn take(&mut self, json: &mut Json, is_external: bool, place: &str) {
        match json {
            Json::Object(entries) => self.entries(entries, is_external, place),
            Json::Array(items) => {
                for (idx, item) in items.iter_mut().enumerate() {
                    self.take(item, is_external, &format!("{place}.{idx}"));
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    fn address(&mut self, text: Option<&mut Json>, place: &str) {
        if let Some(Json::String(text)) = text
            && let Some(without) = address_without_secrets(text)
        {
            *text = without;
            self.0.push(place.to_owned());
        }
    }
}

fn says_something(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Bool(_) | Json::Number(_) => true,
        Json::Array(items) => items.iter().any(says_something),
        Json::Object(entries) => entries.values().any(says_something),
    }
}

/// The address without name, password and parameters that are called secrets; `None` where it has none of them.
fn address_without_secrets(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    let is_named = !url.username().is_empty() || url.password().is_some();
    let query = url.query().unwrap_or_default().to_owned();
    let is_shown = |pair: &&str| parse(pair.as_bytes()).all(|(name, _)| !is_secret(&name, false));
    let shown: Vec<&str> = query.split('&').filter(is_shown).collect();
    let is_without = shown.len() < query.split('&').count();
    if !is_named && !is_without {
        return None;
    }
    // They fail on addresses without a host, which have no name either.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    if is_without {
        url.set_query((!shown.is_empty()).then(|| shown.join("&")).as_deref());
    }
    Some(url.into())
}

/// The list at a path; empty where there is none.
fn list<'a>(definition: &'a mut Map<String, Json>, path: &[&str]) -> &'a mut [Json] {
    let (first, rest) = path.split_first().unwrap_or((&"", &[]));
    let found = definition.get_mut(*first);
    let found = rest.iter().fold(found, |found, name| found?.get_mut(*name));
    found.and_then(Json::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_is_no_secret() {
        for (address, without) in [
            ("https://hooks.example/a?b=1", None),
            ("no address", None),
            ("mailto:a@b.example", None),
            ("https://ann@hooks.example/a", Some("https://hooks.example/a")),
            (
                "https://ann:pw@hooks.example:8443/a?b=1#c",
                Some("https://hooks.example:8443/a?b=1#c"),
            ),
            (
                "https://hooks.example/a?access_token=s&b=1",
                Some("https://hooks.example/a?b=1"),
            ),
            ("https://hooks.example/?api%2Dkey=s", Some("https://hooks.example/")),
        ] {
            assert_eq!(address_without_secrets(address).as_deref(), without, "{address}");
        }
    }
}
