//! A browser of one person as far as HTTP goes: it keeps cookies, sends forms from a page of the server, follows nothing by
//! itself.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub struct Page {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub text: String,
}

impl Page {
    /// A header as text; empty where it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Where it sends one.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The value of an element's attribute `value`, by its id.
    ///
    /// # Panics
    /// When there is no such element.
    #[must_use]
    pub fn value_of(&self, attribute: &str) -> String {
        let (_, rest) = self
            .text
            .split_once(attribute)
            .unwrap_or_else(|| panic!("no {attribute}: {}", self.text));
        let (_, rest) = rest.split_once("value=\"").expect("has a value");
        rest.split('"').next().expect("ends").to_owned()
    }
}

/// See the module.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    url: String,
    /// `name=value`; empty for none.
    pub cookie: String,
}

impl Browser {
    /// A browser that was never here.
    ///
    /// # Panics
    /// When no client can be made.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        Self {
            http: http.expect("a client is made"),
            url: format!("http://{address}"),
            cookie: String::new(),
        }
    }

    /// Sends a request as it is written, with the cookie.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Page {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).body(body);
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer comes");
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(set) = headers.get(SET_COOKIE).and_then(|set| set.to_str().ok()) {
            let pair = set.split(';').next().unwrap_or_default();
            self.cookie = if pair.ends_with('=') {
                String::new()
            } else {
                pair.to_owned()
            };
        }
        let text = response.text().await.expect("the answer is whole");
        Page { status, headers, text }
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Sends a form of a page of the server.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let origin = self.url.clone();
        self.post_from(&[("origin", &origin)], path, fields).await
    }

    /// Sends a form with headers that say where it comes from.
    pub async fn post_from(&mut self, headers: &[(&str, &str)], path: &str, fields: &[(&str, &str)]) -> Page {
        let encoded = |text: &str| -> String {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
                    _ => format!("%{byte:02X}"),
                })
                .collect()
        };
        let form: Vec<String> = fields
            .iter()
            .map(|(key, value)| format!("{key}={}", encoded(value)))
            .collect();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain([kind]).collect();
        self.send(Method::POST, path, &headers, form.join("&")).await
    }

    /// Signs in.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        self.post("/sign-in", &[("email", email), ("password", password)]).await
    }

    /// A call of the REST interface.
    pub async fn rest(&mut self, method: Method, path: &str, token: &str, body: &Value) -> Page {
        let bearer = format!("Bearer {token}");
        let headers: &[(&str, &str)] = if token.is_empty() {
            &[]
        } else {
            &[("authorization", &bearer)]
        };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, &format!("/api/v1.0{path}"), headers, body).await
    }
}
