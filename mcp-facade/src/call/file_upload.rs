//! A small file, sent whole; larger ones go to `POST /files` (contract: files).
//!
//! Not here: what becomes of it (the engine), how a large one is taken in (`http::files`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loonflow_engine::ticket::FileInfo;
use loonflow_engine::value::Value as EngineValue;
use serde::Serialize;
use serde_json::Value;

use super::CallContext;
use crate::arguments::Arguments;
use crate::error::{ApiError, Code};
use crate::limits::{FILE_BASE64_BYTES_MAX, FILE_NAME_BYTES_MAX};

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct Params {
    name: String,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Params")
            .field("n_bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Params {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `invalid_argument`, `payload_too_large`.
    pub fn parse(arguments: &mut Arguments) -> Result<Self, ApiError> {
        let name = arguments.required_string("name")?;
        let text = arguments.required_string("base64")?;
        if text.len() > FILE_BASE64_BYTES_MAX {
            let message = format!("`base64` has {} bytes, over {FILE_BASE64_BYTES_MAX}", text.len());
            return Err(ApiError::new(Code::PayloadTooLarge, message)
                .with_hint("send a larger file to `POST /files`, as one part of `multipart/form-data`"));
        }
        let unreadable = |_| {
            ApiError::invalid_argument("base64", "argument `base64` is not base64")
                .with_hint("send the file's bytes in the standard alphabet, with `=` at the end")
        };
        Ok(Self {
            name: checked_name(&name)?.to_owned(),
            bytes: STANDARD.decode(text.trim()).map_err(unreadable)?,
        })
    }
}

/// A name of at most so many bytes; what it is cleaned to is shorter.
pub(crate) fn checked_name(name: &str) -> Result<&str, ApiError> {
    if name.len() > FILE_NAME_BYTES_MAX {
        let message = format!("the file's name has {} bytes, over {FILE_NAME_BYTES_MAX}", name.len());
        return Err(ApiError::invalid_argument("name", message).with_hint("shorten it"));
    }
    Ok(name)
}

/// The file, as fields and answers have it.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// What a field names it by.
    pub id: String,
    /// Its cleaned name.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

impl From<&FileInfo> for Answer {
    fn from(info: &FileInfo) -> Self {
        let text = |key: &str| match &info.to_value() {
            EngineValue::Map(entries) => entries
                .get(key)
                .and_then(EngineValue::as_text)
                .unwrap_or_default()
                .to_owned(),
            EngineValue::Null
            | EngineValue::Bool(_)
            | EngineValue::Number(_)
            | EngineValue::Text(_)
            | EngineValue::List(_) => String::new(),
        };
        Self {
            id: info.id.to_string(),
            name: info.name.clone(),
            size: info.n_bytes,
            media_type: info.media_type.clone(),
            sha256: text("sha256"),
        }
    }
}

impl Answer {
    /// As an object.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Answers the call.
///
/// # Errors
/// Why it was refused.
pub(crate) async fn run(context: &CallContext, params: Params) -> Result<Answer, ApiError> {
    let (engine, caller) = (context.engine().clone(), context.caller.clone());
    let uploaded = async move {
        let mut upload = match engine.files().upload(&caller).await? {
            Ok(upload) => upload,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = upload.write(&params.bytes).await? {
            return Ok(Err(refusal));
        }
        upload.finish(&params.name).await
    };
    Ok(Answer::from(&context.finish(uploaded).await?))
}
