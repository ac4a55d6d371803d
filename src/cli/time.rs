//! Times as people type them.

use chrono::{DateTime, Duration, Local, NaiveDate, NaiveDateTime, TimeZone as _, Utc};

use super::Trouble;

/// A point in time: RFC 3339, a date, a word, or so long ago. Dates and times without a zone are UTC.
pub(super) fn point(option: &str, typed: &str) -> Result<DateTime<Utc>, Trouble> {
    let now = Utc::now();
    let midnight = |date: NaiveDate| Utc.from_utc_datetime(&date.and_time(chrono::NaiveTime::MIN));
    let today = now.date_naive();
    let text = typed.trim();
    let found = match text.to_ascii_lowercase().as_str() {
        "now" => Some(now),
        "today" => Some(midnight(today)),
        "yesterday" => Some(midnight(today - Duration::days(1))),
        _ => None,
    };
    let found = found
        .or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()))
        .or_else(|| Some(midnight(text.parse::<NaiveDate>().ok()?)))
        .or_else(|| {
            [
                "%Y-%m-%dT%H:%M:%S%.f",
                "%Y-%m-%d %H:%M:%S%.f",
                "%Y-%m-%dT%H:%M",
                "%Y-%m-%d %H:%M",
            ]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(|time| Utc.from_utc_datetime(&time))
        })
        .or_else(|| now.checked_sub_signed(parse_duration(text.strip_prefix('-')?)?));
    found.ok_or_else(|| {
        Trouble::Usage(format!(
            "{option} {typed}: this is no time; write 2026-11-24T10:00:00Z, 2026-11-24 (UTC), today, yesterday, or -3h"
        ))
    })
}

/// A duration such as `90s`, `15m`, `3h` or `7d`.
pub(super) fn duration(option: &str, typed: &str) -> Result<Duration, Trouble> {
    parse_duration(typed.trim()).ok_or_else(|| {
        Trouble::Usage(format!(
            "{option} {typed}: this is no duration; write a number and s, m, h, d or w, such as 90s or 3h"
        ))
    })
}

fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: i64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .ok()
        .filter(|n| *n >= 0)?;
    match unit {
        's' => Duration::try_seconds(number),
        'm' => Duration::try_minutes(number),
        'h' => Duration::try_hours(number),
        'd' => Duration::try_days(number),
        'w' => Duration::try_weeks(number),
        _ => None,
    }
}

/// How times are shown.
#[derive(Clone, Copy)]
pub(super) struct Zone {
    pub(super) local: bool,
}

impl Zone {
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
                .format("%H:%M:%S%.3f")
                .to_string(),
            false => time.format("%H:%M:%S%.3fZ").to_string(),
        }
    }

    /// The hour.
    pub(super) fn hour(self, time: DateTime<Utc>) -> String {
        match self.local {
            true => time
                .with_timezone(&Local)
                .format("%Y-%m-%d %H:00")
                .to_string(),
            false => time.format("%Y-%m-%d %H:00Z").to_string(),
        }
    }
}

/// `340 ms`, `12 s`, `7 min`, `3 h`, `2 d`.
pub(super) fn spoken(duration: Duration) -> String {
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
        let read = |typed: &str| point("--since", typed).ok();
        let day = Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).single();
        assert_eq!(read("2026-11-24"), day);
        assert_eq!(read("2026-11-24T00:00:00Z"), day);
        assert_eq!(read("2026-11-24T01:00:00+01:00"), day);
        assert_eq!(read("2026-11-24 00:00"), day);
        for typed in ["now", "Today", "yesterday", "-3h", "-90s", "-2w"] {
            assert!(
                read(typed).is_some_and(|time| time <= Utc::now()),
                "{typed}"
            );
        }
        let then = read("-3h").unwrap_or_default();
        assert_eq!((Utc::now() - then).num_minutes(), 180);
        for typed in [
            "",
            "3h",
            "tomorrow",
            "2026-13-01",
            "-3",
            "-h",
            "--3h",
            "-99999999999999d",
        ] {
            assert!(read(typed).is_none(), "{typed}");
        }
    }
}
