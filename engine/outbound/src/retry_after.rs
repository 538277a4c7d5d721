//! `Retry-After`: seconds, or a date.
//!
//! Not here: who heeds it (the engine). A date counts from the response's own `Date`, so that a wrong clock on either side
//! changes nothing; where there is none, from the try.

use std::time::{Duration, SystemTime};

use hyper::HeaderMap;
use hyper::header::{DATE, HeaderName, RETRY_AFTER};
use loonflow_engine::time::Timestamp;

use crate::limits::RETRY_AFTER_MAX;

/// How long to wait, if the response says so in a way that can be read.
pub(crate) fn read(headers: &HeaderMap, at: Timestamp) -> Option<Duration> {
    let text = text(headers, &RETRY_AFTER)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits are a long time.
        let wait = text.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs);
        return Some(wait.min(RETRY_AFTER_MAX));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let said = self::text(headers, &DATE).and_then(|text| httpdate::parse_http_date(text).ok());
    let from = match said {
        Some(date) => date,
        None => SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).ok()?),
    };
    Some(until.duration_since(from).unwrap_or_default().min(RETRY_AFTER_MAX))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        // 1994-11-06T08:49:37Z
        read(&headers, Timestamp(784_111_777_000)).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(check("120", None), Some(120));
        assert_eq!(check(" 0 ", None), Some(0));
        assert_eq!(check("99999999999999999999999", None), Some(RETRY_AFTER_MAX.as_secs()));
        assert_eq!(check("Sun, 06 Nov 1994 08:50:07 GMT", None), Some(30));
        assert_eq!(
            check("Sun, 06 Nov 1994 08:50:07 GMT", Some("Sun, 06 Nov 1994 08:50:00 GMT")),
            Some(7)
        );
        assert_eq!(check("Sun, 06 Nov 1994 08:50:07 GMT", Some("soon")), Some(30));
        assert_eq!(check("Sun, 06 Nov 1994 08:00:00 GMT", None), Some(0));
        assert_eq!(
            check("Fri, 31 Dec 9999 23:59:59 GMT", None),
            Some(RETRY_AFTER_MAX.as_secs())
        );
        for bad in ["", "soon", "-1", "1.5", "+3", "Sun, 06 Nov 1994"] {
            assert_eq!(check(bad, None), None, "{bad}");
        }
        assert_eq!(read(&HeaderMap::new(), Timestamp(0)), None);
    }
}
