//! Values of fields as JSON: which are empty, which parts they have, what they say as numbers, instants, times.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value as Json;

/// The last instant that counts: end of the year 9999.
pub(super) const LAST_MS: i64 = 253_402_300_799_999;
/// The first: beginning of the year 1.
pub(super) const FIRST_MS: i64 = -62_135_596_800_000;

/// Whether a field counts as not filled in.
pub(super) fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(_) | Json::Number(_) => false,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
    }
}

/// The texts in a value: elements of a list, or of a comma separated text, trimmed; blank ones left out.
pub(super) fn parts(value: &Json) -> Vec<String> {
    let pieces: Vec<String> = match value {
        Json::String(text) => text.split(',').map(str::to_owned).collect(),
        Json::Array(items) => items.iter().filter_map(scalar).collect(),
        Json::Number(_) | Json::Bool(_) | Json::Null | Json::Object(_) => scalar(value).into_iter().collect(),
    };
    let trimmed = pieces.iter().map(|piece| piece.trim());
    trimmed.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

/// The text of a single value.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A value read as one text.
pub(super) fn as_one_text(value: &Json) -> String {
    value.as_str().map_or_else(|| parts(value).join(","), str::to_owned)
}

/// A decimal of at most 28 digits.
pub(super) fn number(text: &str) -> Option<Decimal> {
    let text = Some(text.trim()).filter(|text| !text.contains('_'))?;
    let plain = Decimal::from_str_exact(text).ok();
    plain.or_else(|| Decimal::from_scientific(text).ok())
}

/// A decimal from a JSON number or a text.
pub(super) fn number_in(value: &Json) -> Option<Decimal> {
    match value {
        Json::Number(found) => number(&found.to_string()),
        Json::String(text) => number(text),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A time of day, `HH:MM` or more, as nanoseconds since midnight.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    let text = text.trim();
    let is_plain = text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || ":.,".contains(c));
    let time: jiff::civil::Time = is_plain.then(|| text.parse().ok())??;
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some(seconds * 1_000_000_000 + i64::from(time.subsec_nanosecond()))
}

/// An instant in UTC milliseconds from `YYYY-MM-DD[ HH:MM:SS[ +ZZZZ]]` or ISO 8601; without an offset it is in the
/// tenant's zone, without a time the day's first.
pub(super) fn instant(text: &str, zone: &TimeZone) -> Option<i64> {
    let text = text.trim();
    let ms = plain_instant(text, zone).or_else(|| unusual_instant(text, zone))?;
    (FIRST_MS..=LAST_MS).contains(&ms).then_some(ms)
}

/// `YYYY-MM-DD` and `YYYY-MM-DD HH:MM:SS`, which nearly all are, counted by hand; a zone other than UTC is asked of the
/// library.
fn plain_instant(text: &str, zone: &TimeZone) -> Option<i64> {
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let is_at = |at: usize, expected: u8| text.as_bytes().get(at) == Some(&expected);
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    if !is_at(4, b'-') || !is_at(7, b'-') || !(1..=12).contains(&month) || year == 0 {
        return None;
    }
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in = [
        31,
        if is_leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let month_idx = usize::try_from(month - 1).ok()?;
    if !(1..=days_in[month_idx]).contains(&day) {
        return None;
    }
    let of_day = match text.len() {
        10 => 0,
        19 if is_at(10, b' ') && is_at(13, b':') && is_at(16, b':') => {
            let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
            if hour > 23 || minute > 59 || second > 59 {
                return None;
            }
            hour * 3600 + minute * 60 + second
        }
        _ => return None,
    };
    let before = year - 1;
    let days = before * 365 + before / 4 - before / 100 + before / 400 + days_in[..month_idx].iter().sum::<i64>() + day;
    // Day 719,163 of year 1 is 1970-01-01.
    let local_ms = ((days - 719_163) * 86_400 + of_day) * 1_000;
    if *zone == TimeZone::UTC {
        return Some(local_ms);
    }
    match text
        .parse::<jiff::civil::DateTime>()
        .ok()?
        .to_zoned_datetime(zone.clone())
    {
        Ok(zoned) => Some(zoned.timestamp().as_millisecond()),
        // The library's instants end a day before its dates do.
        Err(_) => Some(local_ms - offset_ms(i64::MAX, zone)),
    }
}

/// How far a zone is ahead of UTC at an instant.
fn offset_ms(ms: i64, zone: &TimeZone) -> i64 {
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
    i64::from(zone.to_offset(instant).seconds()) * 1_000
}

/// Everything else that a text may be, read by the library of dates.
fn unusual_instant(text: &str, zone: &TimeZone) -> Option<i64> {
    if let Ok(exact) = text.parse::<jiff::Timestamp>() {
        return Some(exact.as_millisecond());
    }
    let mut plain = text.to_owned();
    // `+0800` and ` +0800` are `+08:00`.
    if text.len() > 11
        && let Some(at) = text[11..].rfind(['+', '-'])
    {
        let (time, offset) = text.split_at(at + 11);
        if offset.len() == 5 && offset[1..].bytes().all(|byte| byte.is_ascii_digit()) {
            plain = format!("{}{}:{}", time.trim_end(), &offset[..3], &offset[3..]);
        }
        if let Ok(exact) = plain.parse::<jiff::Timestamp>() {
            return Some(exact.as_millisecond());
        }
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    Some(local.to_zoned_datetime(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// The day of an instant, as people of the tenant count it: days since 1970-01-01.
pub(super) fn day_of(ms: i64, zone: &TimeZone) -> i64 {
    (ms + offset_ms(ms, zone)).div_euclid(86_400_000)
}
