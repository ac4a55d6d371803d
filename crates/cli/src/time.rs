//! Times as people type them.

use chrono::{
    DateTime, Duration, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat,
    TimeZone as _, Timelike as _, Utc,
};

use super::exit::CommandError;

/// A point in time: a date, a time or both, with a zone or without, a word, or a time ago. A time without a zone is
/// in `zone`; a time without a date is today's.
pub(super) fn parse_time(
    option: &str,
    typed: &str,
    zone: Zone,
) -> Result<DateTime<Utc>, CommandError> {
    let now = Utc::now();
    let text = typed.trim();
    let found = match text.to_ascii_lowercase().as_str() {
        "now" => Some(now),
        "today" => zone.start_of(zone.today(now)),
        "yesterday" => zone
            .today(now)
            .pred_opt()
            .and_then(|day| zone.start_of(day)),
        _ => match text.strip_prefix('-') {
            Some(ago) => parsed_duration(ago).and_then(|ago| now.checked_sub_signed(ago)),
            None => parsed_time(text, zone, now),
        },
    };
    found.ok_or_else(|| {
        let here = if zone.local { "local time" } else { "UTC" };
        CommandError::Usage(format!(
            "{option} {typed}: not a time; write 2026-11-24T10:00:00Z, 2026-11-24 10:00 (in {here}), \
             2026-11-24 10:00 +0200, 10:00Z (today), 2026-11-24, today, yesterday, or -3h"
        ))
    })
}

/// A date, a time, or both, with a zone or without.
fn parsed_time(text: &str, zone: Zone, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (text, offset) = split_offset(text);
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (Some(date), Some(time.trim_start())),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let date = match (date, offset) {
        (Some(date), _) => NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?,
        (None, Some(offset)) => now.with_timezone(&offset).date_naive(),
        (None, None) => zone.today(now),
    };
    let time = match time {
        Some(time) => ["%H:%M:%S%.f", "%H:%M"]
            .iter()
            .find_map(|form| NaiveTime::parse_from_str(time, form).ok())?,
        None => NaiveTime::MIN,
    };
    // No clock that people read shows a leap second.
    if time.nanosecond() >= 1_000_000_000 {
        return None;
    }
    let time = date.and_time(time);
    match offset {
        Some(offset) => Some(offset.from_local_datetime(&time).earliest()?.to_utc()),
        None => zone.of(time),
    }
}

/// A time and the zone after it: `Z`, `UTC`, `+0200`, `+02:00` or `+02`.
fn split_offset(text: &str) -> (&str, Option<FixedOffset>) {
    let utc = FixedOffset::east_opt(0);
    let upper = text.to_ascii_uppercase();
    for name in ["UTC", "GMT", "Z"] {
        if upper.ends_with(name) {
            return (text[..text.len() - name.len()].trim_end(), utc);
        }
    }
    let Some(sign) = text.rfind(['+', '-']) else {
        return (text, None);
    };
    let (time, offset) = text.split_at(sign);
    // A date without a time has signs too.
    let offset = match time.contains(':') {
        true => parse_offset(offset),
        false => None,
    };
    match offset {
        Some(offset) => (time.trim_end(), Some(offset)),
        None => (text, None),
    }
}

fn parse_offset(text: &str) -> Option<FixedOffset> {
    let digits: String = text[1..].chars().filter(|digit| *digit != ':').collect();
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = match &digits[2..] {
        "" => 0,
        minutes => minutes.parse().ok().filter(|minutes| *minutes < 60)?,
    };
    let seconds = hours * 3600 + minutes * 60;
    match text.starts_with('-') {
        true => FixedOffset::west_opt(seconds),
        false => FixedOffset::east_opt(seconds),
    }
}

/// A duration such as `90s`, `15min`, `1h30m` or `7d`.
pub(super) fn parse_duration(option: &str, typed: &str) -> Result<Duration, CommandError> {
    let Some(duration) = parsed_duration(typed.trim()) else {
        return Err(CommandError::Usage(format!(
            "{option} {typed}: not a duration; write numbers with s, m, h, d or w, such as 90s, 15min or 1h30m"
        )));
    };
    match Utc::now().checked_sub_signed(duration) {
        Some(_) => Ok(duration),
        None => Err(CommandError::Usage(format!(
            "{option} {typed}: too long; leave it out to read every record"
        ))),
    }
}

fn parsed_duration(text: &str) -> Option<Duration> {
    let mut whole = Duration::zero();
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        let number = number.parse().ok()?;
        let part = match unit {
            "s" | "sec" | "secs" | "second" | "seconds" => Duration::try_seconds(number),
            "m" | "min" | "mins" | "minute" | "minutes" => Duration::try_minutes(number),
            "h" | "hr" | "hrs" | "hour" | "hours" => Duration::try_hours(number),
            "d" | "day" | "days" => Duration::try_days(number),
            "w" | "week" | "weeks" => Duration::try_weeks(number),
            _ => None,
        };
        whole = whole.checked_add(&part?)?;
        rest = behind.trim_start();
        if rest.is_empty() {
            return Some(whole);
        }
    }
}

/// The zone in which times are shown, and in which those are that are typed without one.
#[derive(Clone, Copy)]
pub(super) struct Zone {
    pub(super) local: bool,
}

impl Zone {
    /// The default.
    pub(super) const UTC: Zone = Zone { local: false };

    /// `None`: clocks were set forward, and there was no such time.
    fn of(self, time: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.local {
            true => Some(Local.from_local_datetime(&time).earliest()?.to_utc()),
            false => Some(time.and_utc()),
        }
    }

    fn today(self, now: DateTime<Utc>) -> NaiveDate {
        match self.local {
            true => now.with_timezone(&Local).date_naive(),
            false => now.date_naive(),
        }
    }

    /// When a day begins.
    fn start_of(self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.of(day.and_time(NaiveTime::MIN))
    }

    /// Date and time to the millisecond.
    pub(super) fn full(self, time: DateTime<Utc>) -> String {
        match self.local {
            true => time
                .with_timezone(&Local)
                .format("%Y-%m-%d %H:%M:%S%.3f%:z")
                .to_string(),
            false => time.format("%Y-%m-%d %H:%M:%S%.3fZ").to_string(),
        }
    }

    /// The date.
    pub(super) fn date(self, time: DateTime<Utc>) -> String {
        match self.local {
            true => time.with_timezone(&Local).format("%Y-%m-%d").to_string(),
            false => time.format("%Y-%m-%d").to_string(),
        }
    }

    /// The time of the day.
    pub(super) fn clock(self, time: DateTime<Utc>) -> String {
        match self.local {
            true => time
                .with_timezone(&Local)
                .format("%H:%M:%S%.3f%:z")
                .to_string(),
            false => time.format("%H:%M:%S%.3fZ").to_string(),
        }
    }

    /// The hour.
    pub(super) fn hour(self, time: DateTime<Utc>) -> String {
        match self.local {
            true => time
                .with_timezone(&Local)
                .format("%Y-%m-%d %H:%M%:z")
                .to_string(),
            false => time.format("%Y-%m-%d %H:00Z").to_string(),
        }
    }
}

/// A time as the trail has it: RFC 3339 in UTC, with microseconds.
pub(super) fn to_micros(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A duration, rounded for people: `340 ms`, `12 s`, `7 min`, `3 h`, `2 d`.
pub(super) fn rounded(duration: Duration) -> String {
    let milliseconds = duration.num_milliseconds();
    match milliseconds {
        ..1_000 => format!("{milliseconds} ms"),
        1_000..120_000 => format!("{} s", milliseconds / 1_000),
        120_000..7_200_000 => format!("{} min", milliseconds / 60_000),
        7_200_000..172_800_000 => format!("{} h", milliseconds / 3_600_000),
        _ => format!("{} d", milliseconds / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_for_times_is_understood() {
        let read = |typed: &str| parse_time("--since", typed, Zone::UTC).ok();
        let day = Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).single();
        assert_eq!(read("2026-11-24"), day);
        assert_eq!(read("2026-11-24T00:00:00Z"), day);
        assert_eq!(read("2026-11-24T00:00:00.000Z"), day);
        assert_eq!(read("2026-11-24T01:00:00+01:00"), day);
        for typed in [
            "2026-11-24 00:00",
            "2026-11-24T00:00Z",
            "2026-11-24 00:00 UTC",
            "2026-11-24 00:00:00 utc",
            "2026-11-24 02:00 +0200",
            "2026-11-24T02:00+02",
            "2026-11-23 19:00:00-0500",
            "2026-11-24T05:30:00+05:30",
        ] {
            assert_eq!(read(typed), day, "{typed}");
        }
        for typed in ["now", "Today", "yesterday", "-3h", "-90s", "-2w", "-1h30m"] {
            assert!(
                read(typed).is_some_and(|time| time <= Utc::now()),
                "{typed}"
            );
        }
        let then = read("-3h").unwrap_or_default();
        assert_eq!((Utc::now() - then).num_minutes(), 180);
        let today = Utc::now().date_naive().and_hms_opt(10, 27, 0);
        let today = today.map(|time| time.and_utc());
        for typed in ["10:27Z", "10:27", "10:27:00 UTC"] {
            assert_eq!(read(typed), today, "{typed}");
        }
        for typed in [
            "",
            "3h",
            "tomorrow",
            "2026-13-01",
            "-3",
            "-h",
            "--3h",
            "-99999999999999d",
            "2026-11-24T10:27:60Z",
            "2026-11-24 10:27:60",
            "23:59:60",
            "2026-11-24 10:27 +02000",
            "2026-11-24 10:27 +99",
            "2026-11-24 10:27 CET",
            "10:27:",
        ] {
            assert!(read(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let read = |typed: &str| {
            parse_duration("--last", typed)
                .ok()
                .map(|found| found.num_seconds())
        };
        for (typed, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("15min", 900),
            ("1h30m", 5_400),
            ("1h 30min", 5_400),
            ("2days", 172_800),
            ("1w", 604_800),
        ] {
            assert_eq!(read(typed), Some(seconds), "{typed}");
        }
        for typed in [
            "",
            "h",
            "1",
            "1h30",
            "-1h",
            "1x",
            "1.5h",
            "99999999999d",
            "9999999999999999w",
        ] {
            assert_eq!(read(typed), None, "{typed}");
        }
    }
}
