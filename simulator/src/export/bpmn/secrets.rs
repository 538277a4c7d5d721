//! Tokens of hooks in a definition: secrets, which a diagram that goes from hand to hand should not carry.

use serde_json::{Map, Value as Json};

/// Takes the token of a hook node out of its properties; whether there was one.
pub(super) fn take_from_props(props: &mut Map<String, Json>) -> bool {
    let taken = props.remove("hook_token");
    taken.is_some_and(|token| token.as_str().is_none_or(|text| !text.is_empty()))
}

/// Takes the tokens of event hooks out of a definition; whether there was one.
pub(super) fn take_from_definition(definition: &mut Map<String, Json>) -> bool {
    let hooks = definition
        .get_mut("advanced_schema")
        .and_then(|advanced| advanced.get_mut("customization_info"))
        .and_then(|info| info.get_mut("hook_info_list"))
        .and_then(Json::as_array_mut);
    let mut is_any = false;
    for hook in hooks.into_iter().flatten().filter_map(Json::as_object_mut) {
        let taken = hook.remove("token");
        is_any |= taken.is_some_and(|token| token.as_str().is_none_or(|text| !text.is_empty()));
    }
    is_any
}
