use super::*;
use crate::environment::EnvSource;

fn resolve(variables: &[(&'static str, &'static str)]) -> Result<Config> {
    BuilderConfig::default().resolve(&EnvSource::with(variables))
}

#[test]
fn the_environment_decides_what_is_not_given() {
    for (value, destination, redact_pii) in [
        ("development", "stdout", false),
        ("container", "stdout", true),
        ("production", "./audit.log", true),
    ] {
        let settings = resolve(&[("STINGER_ENV", value)]).expect("settings");
        assert_eq!(settings.outputs.trail.to_string(), destination);
        assert_eq!(settings.redact_pii, redact_pii);
    }
}

#[test]
fn variables_override_the_code_in_development() {
    let given = || BuilderConfig {
        destinations: Some("stdout".into()),
        redact_pii: Some(true),
        ..BuilderConfig::default()
    };
    let settings = given()
        .resolve(&EnvSource::with(&[
            ("STINGER_ENV", "dev"),
            ("STINGER_AUDIT_ENABLED", "off"),
            ("STINGER_AUDIT_DESTINATION", "a.log, stdout"),
            ("STINGER_AUDIT_REDACT_PII", "No"),
            ("STINGER_AUDIT_FAIL_SAFE", "1"),
        ]))
        .expect("settings");
    assert!(!settings.enabled && !settings.redact_pii && settings.fail_safe);
    assert_eq!(settings.outputs.trail.to_string(), "./a.log");
    assert_eq!(settings.outputs.copies, [Output::Stdout]);
}

#[test]
fn in_production_variables_cannot_weaken_the_trail_but_code_may_turn_redaction_off() {
    for (name, value) in [
        ("STINGER_AUDIT_ENABLED", "false"),
        ("STINGER_AUDIT_REDACT_PII", "0"),
        ("STINGER_AUDIT_DESTINATION", "/dev/null"),
        ("STINGER_AUDIT_DESTINATION", ""),
    ] {
        let Err(error) = resolve(&[(name, value)]) else {
            panic!("{name}={value} was taken");
        };
        assert!(matches!(error.kind(), ErrorKind::Refused { .. }), "{error}");
    }
    let given = BuilderConfig {
        redact_pii: Some(false),
        ..BuilderConfig::default()
    };
    let settings = given.resolve(&EnvSource::default()).expect("settings");
    assert_eq!(settings.environment, Environment::Production);
    assert!(!settings.redact_pii);
}

#[test]
fn a_variable_takes_back_only_the_fail_safe_that_the_code_does_not_ask_for() {
    let fail_safe = |environment, code, variable: &'static str| {
        let given = BuilderConfig {
            fail_safe: code,
            ..BuilderConfig::default()
        };
        let variables = [
            ("STINGER_ENV", environment),
            ("STINGER_AUDIT_FAIL_SAFE", variable),
        ];
        match given.resolve(&EnvSource::with(&variables)) {
            Ok(settings) => Some(settings.fail_safe),
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Refused { setting, value, .. }
                        if *setting == "STINGER_AUDIT_FAIL_SAFE" && value == "false"),
                    "{error}"
                );
                None
            }
        }
    };
    assert_eq!(fail_safe("production", Some(true), "false"), None);
    assert_eq!(fail_safe("container", Some(true), "false"), None);
    assert_eq!(fail_safe("development", Some(true), "false"), Some(false));
    for code in [None, Some(false)] {
        assert_eq!(fail_safe("production", code, "false"), Some(false));
        assert_eq!(fail_safe("production", code, "true"), Some(true));
    }
    assert_eq!(fail_safe("production", Some(true), "true"), Some(true));
}

#[test]
fn nothing_given_means_the_documented_defaults() {
    let settings = resolve(&[]).expect("settings");
    assert!(settings.enabled && settings.sealing && settings.redact_pii && !settings.fail_safe);
    assert_eq!(settings.environment, Environment::Production);
    assert_eq!(settings.environment_reason, "nothing says otherwise");
    assert_eq!(settings.rotation, Period::Daily);
    assert_eq!(settings.retention, None);
    assert_eq!(settings.seal_keys, None);
    assert!(settings.redaction_keys.is_none());
    assert_eq!(settings.buffer_capacity, 8 << 20);
    assert_eq!(settings.enqueue_timeout, Duration::from_secs(5));
    assert_eq!(settings.heartbeat_interval, Duration::from_secs(60));
    assert_eq!(settings.low_disk_threshold, 100 << 20);
}

#[test]
fn the_smallest_and_largest_values_are_taken_as_they_are() {
    let given = BuilderConfig {
        buffer_capacity: Some(64 << 10),
        enqueue_timeout: Some(Duration::ZERO),
        heartbeat_interval: Some(Duration::from_secs(1)),
        low_disk_threshold: Some(u64::MAX),
        sealing: Some(false),
        seal_keys: Some("keys".into()),
        ..BuilderConfig::default()
    };
    let settings = given.resolve(&EnvSource::default()).expect("settings");
    assert_eq!(settings.buffer_capacity, 64 << 10);
    assert_eq!(settings.enqueue_timeout, Duration::ZERO);
    assert_eq!(settings.heartbeat_interval, Duration::from_secs(1));
    assert_eq!(settings.low_disk_threshold, u64::MAX);
    assert!(!settings.sealing);
    assert_eq!(settings.seal_keys, Some("keys".into()));
}

#[test]
fn retention_and_rotation_are_told_in_words() {
    for (retention, parts, words) in [
        (Retention::days(90), (Some(90), None), "90 days"),
        (Retention::files(1000), (None, Some(1000)), "1000 files"),
        (
            Retention::days(90).and_files(1000),
            (Some(90), Some(1000)),
            "90 days, 1000 files",
        ),
        (
            Retention::files(1000).and_days(90),
            (Some(90), Some(1000)),
            "90 days, 1000 files",
        ),
        (
            Retention::days(90).and_files(1000).and_days(7).and_files(5),
            (Some(7), Some(5)),
            "7 days, 5 files",
        ),
    ] {
        assert_eq!((retention.days, retention.files), parts);
        assert_eq!(retention.to_string(), words);
    }
    for (rotation, word) in [
        (Rotation::MINUTELY, "minutely"),
        (Rotation::HOURLY, "hourly"),
        (Rotation::DAILY, "daily"),
        (Rotation::WEEKLY, "weekly"),
        (Rotation::NEVER, "never"),
    ] {
        let period = period(&rotation).expect("a known rotation");
        assert_eq!(period.as_str(), word);
    }
}

#[test]
fn a_refusal_is_recorded_where_the_code_says_or_the_environment_defaults_to() {
    let recorded = |destinations: Option<Destinations>, env: &EnvSource| {
        let given = BuilderConfig {
            destinations,
            ..BuilderConfig::default()
        };
        let settings = given.for_refusal(env).expect("settings");
        assert!(settings.enabled);
        (settings.environment, settings.outputs.trail.to_string())
    };
    let off = [
        ("STINGER_AUDIT_ENABLED", "false"),
        ("STINGER_AUDIT_DESTINATION", "elsewhere.log"),
    ];
    let env = EnvSource::with(&off);
    let production = |target: &str| (Environment::Production, target.to_owned());
    assert_eq!(recorded(None, &env), production("./audit.log"));
    assert_eq!(
        recorded(Some("code.log".into()), &env),
        production("./code.log")
    );
    assert_eq!(
        recorded(Some("/dev/null".into()), &env),
        production("./audit.log")
    );
    let in_container = EnvSource::with(&off).in_container();
    assert_eq!(
        recorded(None, &in_container),
        (Environment::Container, "stdout".to_owned())
    );
}

#[test]
fn what_is_impossible_is_an_error_that_says_what_to_do() {
    let wrong_word = resolve(&[("STINGER_AUDIT_FAIL_SAFE", "maybe")])
        .err()
        .expect("an error");
    assert!(
        wrong_word.to_string().contains("write true or false"),
        "{wrong_word}"
    );
    let unknown = resolve(&[("STINGER_AUDIT_REDACT", "true")])
        .err()
        .expect("an error");
    assert!(
        unknown.to_string().contains("there is no such setting"),
        "{unknown}"
    );
    for (given, says) in [
        (
            BuilderConfig {
                retention: Some(Retention::files(0)),
                ..BuilderConfig::default()
            },
            "keep 1 or more",
        ),
        (
            BuilderConfig {
                retention: Some(Retention::days(0)),
                ..BuilderConfig::default()
            },
            "keep 1 or more",
        ),
        (
            BuilderConfig {
                retention: Some(Retention::files(3)),
                rotation: Some(Rotation::NEVER),
                ..BuilderConfig::default()
            },
            "choose a rotation",
        ),
        (
            BuilderConfig {
                retention: Some(Retention::files(3)),
                destinations: Some("stdout".into()),
                ..BuilderConfig::default()
            },
            "name a file",
        ),
        (
            BuilderConfig {
                buffer_capacity: Some(10),
                ..BuilderConfig::default()
            },
            "65536 bytes or more",
        ),
        (
            BuilderConfig {
                buffer_capacity: Some((64 << 10) - 1),
                ..BuilderConfig::default()
            },
            "65536 bytes or more",
        ),
        (
            BuilderConfig {
                heartbeat_interval: Some(Duration::from_millis(1)),
                ..BuilderConfig::default()
            },
            "choose 1 second or more",
        ),
        (
            BuilderConfig {
                heartbeat_interval: Some(Duration::from_millis(999)),
                ..BuilderConfig::default()
            },
            "choose 1 second or more",
        ),
    ] {
        let error = given
            .resolve(&EnvSource::default())
            .err()
            .expect("an error");
        assert!(error.to_string().contains(says), "{error}");
    }
}
