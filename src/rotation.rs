//! How the application says when files roll, as the trail's own [`Period`].

use tracing_appender::rolling::Rotation;

use crate::error::{Error, InvalidSetting, Result};
use crate::format::Period;

/// The period of a rotation.
///
/// # Errors
///
/// A rotation that this version does not know: the names of its files would not be those of a trail.
pub(crate) fn period(rotation: &Rotation) -> Result<Period> {
    let known = [
        (Rotation::MINUTELY, Period::Minutely),
        (Rotation::HOURLY, Period::Hourly),
        (Rotation::DAILY, Period::Daily),
        (Rotation::WEEKLY, Period::Weekly),
        (Rotation::NEVER, Period::Never),
    ];
    let found = known.into_iter().find(|(known, _)| known == rotation);
    let unknown = || {
        Error::setting(
            "rotation",
            format!("{rotation:?}"),
            InvalidSetting::UnknownRotation,
        )
    };
    found.map(|(_, period)| period).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use chrono::Utc;
    use tracing_appender::rolling::RollingFileAppender;

    use super::*;
    use crate::format::TrailName;

    #[test]
    fn the_appender_names_files_as_we_do() {
        for (path, prefix, suffix) in [
            ("audit.log", "audit", Some("log")),
            ("audit", "audit", None),
            ("audit.trail.jsonl", "audit.trail", Some("jsonl")),
            (".audit", ".audit", None),
        ] {
            for rotation in [
                Rotation::MINUTELY,
                Rotation::HOURLY,
                Rotation::DAILY,
                Rotation::WEEKLY,
                Rotation::NEVER,
            ] {
                let dir = tempfile::tempdir().expect("a directory");
                let name = TrailName::new(dir.path().join(path)).expect("a name");
                let period = period(&rotation).expect("a known rotation");
                let mut builder = RollingFileAppender::builder()
                    .rotation(rotation)
                    .filename_prefix(prefix);
                if let Some(suffix) = suffix {
                    builder = builder.filename_suffix(suffix);
                }
                // Names before and after: the appender takes its own time between them.
                let before = name.file_at(Utc::now(), period);
                let mut appender = builder.build(name.directory()).expect("an appender");
                appender.write_all(b"x").expect("written");
                let after = name.file_at(Utc::now(), period);
                let files = name.files().expect("readable");
                let [file] = files.as_slice() else {
                    panic!("{path}: {files:?}");
                };
                let found = file.file_name().and_then(|n| n.to_str()).expect("UTF-8");
                assert!(found == before || found == after, "{found}, not {before}");
            }
        }
    }
}
