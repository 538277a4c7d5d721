//! Addresses at which asynchronous hooks call back, and who may: whoever was sent the address (semantics: hooks).
//!
//! ```text
//! <public url>/hooks/lfcb.<webhook-id>.<base64url of HMAC-SHA256(key, "cb." + webhook-id)>
//! ```
//! It is the same for every try of an effect, and nothing is stored for it. The key is drawn once and kept in the log's
//! key-value store: in the data directory and its backups, and in no export.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use loonflow_storage::EventLog;
use sha2::Sha256;

use crate::effect::body::{parse_webhook_id, webhook_id};
use crate::id::TicketId;
use crate::port::RandomSource;
use crate::runtime::fault::Fault;
use crate::ticket::EffectId;

/// The tree of what the server keeps for itself.
pub(crate) const TREE: &str = "server";
const KEY: &[u8] = b"call_back_key";
const PREFIX: &str = "lfcb.";
/// Bytes that no token has; longer ones are not looked at.
const TOKEN_BYTES_MAX: usize = 200;

/// See the module.
pub(crate) struct CallBacks {
    key: [u8; 32],
    public_url: Option<String>,
}

impl CallBacks {
    /// With the key that a log holds; the first time one is drawn. Blocking.
    ///
    /// # Errors
    /// When the log does not take it.
    pub(crate) fn load(
        log: &dyn EventLog,
        random: &Arc<dyn RandomSource>,
        public_url: Option<String>,
    ) -> Result<Self, Fault> {
        let stored = log.kv_get(TREE, KEY)?.and_then(|bytes| bytes.try_into().ok());
        let key = match stored {
            Some(key) => key,
            None => {
                let key = random.secret_bytes();
                log.kv_put(TREE, KEY, Some(&key))?;
                key
            }
        };
        Ok(Self { key, public_url })
    }

    /// Where the hook of an effect calls back; `None` where nobody knows the server's address.
    pub(crate) fn url(&self, ticket: TicketId, effect: EffectId) -> Option<String> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/hooks/{}", self.token(ticket, effect)))
    }

    fn token(&self, ticket: TicketId, effect: EffectId) -> String {
        let id = webhook_id(ticket, effect);
        let mac = URL_SAFE_NO_PAD.encode(self.mac(&id).finalize().into_bytes());
        format!("{PREFIX}{id}.{mac}")
    }

    /// The effect that a token was made for; `None` for one that was not made here. The comparison tells no time.
    pub(crate) fn read(&self, token: &str) -> Option<(TicketId, EffectId)> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (id, mac) = token.strip_prefix(PREFIX)?.split_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        self.mac(id).verify_slice(&mac).ok()?;
        parse_webhook_id(id)
    }

    fn mac(&self, id: &str) -> Hmac<Sha256> {
        // A key of any length will do, so there is no error to give back.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| Hmac::new(&Default::default()));
        mac.update(b"cb.");
        mac.update(id.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: u8) -> CallBacks {
        CallBacks {
            key: [key; 32],
            public_url: Some("https://tickets.example/".into()),
        }
    }

    #[test]
    fn a_token_opens_its_own_effect_alone() {
        let ticket = TicketId::parse("01939f5a-3c00-7000-8000-000000000001").unwrap();
        let effect = EffectId::of(12);
        let url = of(1).url(ticket, effect).unwrap();
        let token = url.strip_prefix("https://tickets.example/hooks/").unwrap();
        assert_eq!(of(1).read(token), Some((ticket, effect)));
        assert_eq!(of(2).read(token), None, "another server's key");
        let other = of(1).token(ticket, EffectId::of(13));
        let (_, mac) = other.rsplit_once('.').unwrap();
        let (id, _) = token.rsplit_once('.').unwrap();
        let long = format!("{token}x");
        for false_one in ["", "lfcb.", &format!("{id}.{mac}"), id, &token[5..], &long] {
            assert_eq!(of(1).read(false_one), None, "{false_one}");
        }
    }
}
