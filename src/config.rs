//! Types of settings: retention, rotation, destinations, and the keys of the redaction.

mod keyring;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use tracing_appender::rolling::Rotation;

pub use self::keyring::rotate_redaction_keys;
pub use crate::destination::{Destination, Destinations};
use crate::destination::{Output, Outputs};
use crate::environment::{EnvSource, Environment, detect, truth};
use crate::error::{Error, ErrorKind, InvalidSetting, Refusal, Result};
use crate::format::Period;
use crate::format::internal::create_private_dir;
use crate::redact::internal::{CustomRedactor, RedactionPipeline};
use crate::redact::{Keys, Redactor, Rules};
use crate::rotation::period;

/// How long the trail's closed files are kept.
///
/// ```
/// use stinger_audit::config::Retention;
///
/// let three_months = Retention::days(90);
/// let at_most_a_thousand_of_them = Retention::days(90).and_files(1000);
/// ```
///
/// A file goes when it is older than the days, or when there are more files than allowed,
/// the oldest first, and never the one that is being written. A `trail_pruned` record
/// names it before it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub(crate) days: Option<u32>,
    pub(crate) files: Option<usize>,
}

impl Retention {
    /// Keeps a file for this many days after the last record in it.
    pub fn days(days: u32) -> Retention {
        Retention {
            days: Some(days),
            files: None,
        }
    }

    /// Keeps this many files, with the one that is being written.
    pub fn files(files: usize) -> Retention {
        Retention {
            days: None,
            files: Some(files),
        }
    }

    /// And at most this many days.
    pub fn and_days(self, days: u32) -> Retention {
        Retention {
            days: Some(days),
            ..self
        }
    }

    /// And at most this many files.
    pub fn and_files(self, files: usize) -> Retention {
        Retention {
            files: Some(files),
            ..self
        }
    }
}

/// Settings as given in code; what is not given is decided by the environment.
#[derive(Clone, Default)]
pub(crate) struct BuilderConfig {
    pub(crate) destinations: Option<Destinations>,
    pub(crate) redact_pii: Option<bool>,
    pub(crate) fail_safe: Option<bool>,
    pub(crate) custom_redactors: Vec<CustomRedactor>,
    pub(crate) redaction: Rules,
    pub(crate) redaction_keys: Option<KeySource>,
    pub(crate) rotation: Option<Rotation>,
    pub(crate) retention: Option<Retention>,
    pub(crate) sealing: Option<bool>,
    pub(crate) seal_keys: Option<PathBuf>,
    pub(crate) buffer_capacity: Option<usize>,
    pub(crate) enqueue_timeout: Option<Duration>,
    pub(crate) heartbeat_interval: Option<Duration>,
    pub(crate) low_disk_threshold: Option<u64>,
}

/// Settings as they are meant.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) enabled: bool,
    pub(crate) environment: Environment,
    pub(crate) environment_reason: String,
    pub(crate) outputs: Outputs,
    /// Whether the environment's variable named the places.
    pub(crate) destination_from_env: bool,
    pub(crate) redact_pii: bool,
    pub(crate) redaction: Rules,
    pub(crate) redaction_keys: Option<KeySource>,
    /// What stands of them when the trail is open.
    pub(crate) redactors: RedactionPipeline,
    pub(crate) fail_safe: bool,
    pub(crate) rotation: Period,
    pub(crate) retention: Option<Retention>,
    pub(crate) sealing: bool,
    /// Where the keys of the seals are kept. `None`: beside the trail.
    pub(crate) seal_keys: Option<PathBuf>,
    /// Bytes of records that may wait for the disk.
    pub(crate) buffer_capacity: usize,
    /// How long an emitting thread waits for room among them.
    pub(crate) enqueue_timeout: Duration,
    /// How often a heartbeat is written.
    pub(crate) heartbeat_interval: Duration,
    /// Bytes left on the disk below which the trail warns.
    pub(crate) low_disk_threshold: u64,
}

const BUFFER_CAPACITY: usize = 8 << 20;
const SMALLEST_BUFFER_CAPACITY: usize = 64 << 10;
const ENQUEUE_TIMEOUT: Duration = Duration::from_secs(5);
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(60);
const SHORTEST_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
const LOW_DISK_THRESHOLD: u64 = 100 << 20;

const PREFIX: &str = "STINGER_AUDIT_";
const ENABLED: &str = "STINGER_AUDIT_ENABLED";
const DESTINATION: &str = "STINGER_AUDIT_DESTINATION";
const REDACT_PII: &str = "STINGER_AUDIT_REDACT_PII";
const FAIL_SAFE: &str = "STINGER_AUDIT_FAIL_SAFE";
const REDACTION_KEYS: &str = "STINGER_AUDIT_REDACTION_KEYS";
const SEAL_KEYS: &str = "STINGER_AUDIT_SEAL_KEYS";
const OURS: [&str; 6] = [
    ENABLED,
    DESTINATION,
    REDACT_PII,
    FAIL_SAFE,
    REDACTION_KEYS,
    SEAL_KEYS,
];

/// Where the keys of the redaction come from.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    File(PathBuf),
    Keyring(Keys),
}

/// The file of keys that a trail makes in its directory.
const KEYS_FILE: &str = "redaction.keys";

impl BuilderConfig {
    /// What the settings mean here. The environment's variables come before the code,
    /// the code before the defaults of the environment.
    pub(crate) fn resolve(self, env: &EnvSource) -> Result<Config> {
        let (environment, environment_reason) = detect(env);
        let guard = Guard {
            environment,
            reason: &environment_reason,
        };

        refuse_unknown(env)?;
        let enabled = read_truth(env, ENABLED)?.unwrap_or(true);
        if !enabled {
            guard.refuse(ENABLED, "false", Refusal::SwitchesOff)?;
        }
        let redact_stated = read_truth(env, REDACT_PII)?;
        if redact_stated == Some(false) {
            guard.refuse(REDACT_PII, "false", Refusal::SwitchesRedactionOff)?;
        }
        let redact_pii = redact_stated
            .or(self.redact_pii)
            .unwrap_or(environment.is_guarded());
        let fail_safe_stated = read_truth(env, FAIL_SAFE)?;
        if fail_safe_stated == Some(false) && self.fail_safe == Some(true) {
            guard.refuse(FAIL_SAFE, "false", Refusal::TakesFailSafeBack)?;
        }
        let fail_safe = fail_safe_stated.or(self.fail_safe).unwrap_or(false);

        let stated = env.variable(DESTINATION);
        let destination_from_env = stated.is_some();
        let outputs = match stated {
            Some(list) => match Destinations::from_list(list).resolve() {
                Ok(outputs) => outputs,
                Err(error)
                    if environment.is_guarded() && Destinations::from_list(list).keep_nothing() =>
                {
                    return Err(guard.refusal(
                        DESTINATION,
                        list,
                        Refusal::KeepsNothing,
                        Some(error),
                    ));
                }
                Err(error) => {
                    return Err(Error::from(ErrorKind::Setting {
                        setting: DESTINATION.to_owned(),
                        value: list.to_owned(),
                        reason: InvalidSetting::Destination,
                        source: Some(error),
                    }));
                }
            },
            None => match &self.destinations {
                Some(destinations) => destinations.resolve()?,
                None => default_outputs(environment)?,
            },
        };

        let rotation = period(&self.rotation.unwrap_or(Rotation::DAILY))?;
        if let Some(retention) = self.retention {
            check_retention(retention, rotation, &outputs)?;
        }
        let buffer_capacity = self.buffer_capacity.unwrap_or(BUFFER_CAPACITY);
        if buffer_capacity < SMALLEST_BUFFER_CAPACITY {
            let reason = InvalidSetting::SmallBuffer(SMALLEST_BUFFER_CAPACITY);
            return Err(Error::setting("buffer_capacity", buffer_capacity, reason));
        }
        let heartbeat_interval = self.heartbeat_interval.unwrap_or(HEARTBEAT_INTERVAL);
        if heartbeat_interval < SHORTEST_HEARTBEAT_INTERVAL {
            let (shown, reason) = (
                format!("{heartbeat_interval:?}"),
                InvalidSetting::ShortInterval,
            );
            return Err(Error::setting("heartbeat_interval", shown, reason));
        }
        Ok(Config {
            enabled,
            environment,
            outputs,
            destination_from_env,
            redact_pii,
            redaction: self.redaction,
            redaction_keys: env
                .variable(REDACTION_KEYS)
                .map(|path| KeySource::File(path.into()))
                .or(self.redaction_keys),
            redactors: RedactionPipeline::new(self.custom_redactors, None),
            fail_safe,
            rotation,
            retention: self.retention,
            sealing: self.sealing.unwrap_or(true),
            seal_keys: env
                .variable(SEAL_KEYS)
                .map(PathBuf::from)
                .or(self.seal_keys),
            buffer_capacity,
            enqueue_timeout: self.enqueue_timeout.unwrap_or(ENQUEUE_TIMEOUT),
            heartbeat_interval,
            low_disk_threshold: self.low_disk_threshold.unwrap_or(LOW_DISK_THRESHOLD),
            environment_reason,
        })
    }

    /// What became of settings under which the trail could not be opened: where a variable named stdout and that
    /// keeps nothing, it is an attempt to switch the trail off. A place that cannot be written is a mistake.
    pub(crate) fn refused(settings: &Config, error: Error) -> Error {
        let keeps_nothing = matches!(
            error.kind(),
            ErrorKind::Destination { destination, .. } if destination == "stdout"
        );
        if !settings.destination_from_env || !keeps_nothing || !settings.environment.is_guarded() {
            return error;
        }
        let guard = Guard {
            environment: settings.environment,
            reason: &settings.environment_reason,
        };
        guard.refusal(DESTINATION, "stdout", Refusal::KeepsNothing, Some(error))
    }

    /// Settings under which a refused attempt can be recorded: the code's own, else the
    /// defaults of production, and nothing from the environment.
    pub(crate) fn for_refusal(self, env: &EnvSource) -> Result<Config> {
        let destinations = self
            .destinations
            .clone()
            .filter(|destinations| destinations.resolve().is_ok());
        BuilderConfig {
            destinations,
            ..self
        }
        .resolve(&env.without_prefix(PREFIX))
    }
}

impl Config {
    /// Makes the redactors, with their keys. The directory of the trail must be there.
    ///
    /// # Errors
    ///
    /// The keys cannot be read or made.
    pub(crate) fn make_redactors(&mut self, is_fixed: fn(&str) -> bool) -> Result<()> {
        if !self.redact_pii {
            return Ok(());
        }
        let keys = match (&self.redaction_keys, &self.outputs.trail) {
            (Some(KeySource::Keyring(keys)), _) => Some(keys.clone()),
            (Some(KeySource::File(path)), _) => {
                // As the directory of the seal keys.
                if let Some(directory) = path.parent() {
                    create_private_dir(directory)
                        .map_err(|error| Error::io("create the directory", directory, error))?;
                }
                Some(keyring::open(path)?)
            }
            (None, Output::Files(name)) => Some(keyring::open(&name.directory().join(KEYS_FILE))?),
            // Nothing that stays: the next process could not make the same tags.
            (None, _) => None,
        };
        self.redaction.check(keys.is_some(), is_fixed)?;
        let builtin = Redactor::new(self.redaction.clone(), keys);
        self.redactors = RedactionPipeline::new(self.redactors.custom().to_vec(), Some(builtin));
        Ok(())
    }
}

/// Refuses, where the environment is guarded, what its variables must not do there.
struct Guard<'a> {
    environment: Environment,
    reason: &'a str,
}

impl Guard<'_> {
    fn refuse(&self, setting: &'static str, value: &str, reason: Refusal) -> Result<()> {
        match self.environment.is_guarded() {
            true => Err(self.refusal(setting, value, reason, None)),
            false => Ok(()),
        }
    }

    fn refusal(
        &self,
        setting: &'static str,
        value: &str,
        reason: Refusal,
        source: Option<Error>,
    ) -> Error {
        Error::from(ErrorKind::Refused {
            setting,
            value: value.to_owned(),
            reason,
            source,
            environment: self.environment,
            environment_reason: self.reason.to_owned(),
        })
    }
}

/// A variable that looks like a setting and is none is a mistake that nobody would notice.
fn refuse_unknown(env: &EnvSource) -> Result<()> {
    let unknown = env
        .with_prefix(PREFIX)
        .find(|(name, _)| !OURS.contains(name));
    match unknown {
        None => Ok(()),
        Some((name, value)) => Err(Error::setting(name, value, InvalidSetting::Unknown(&OURS))),
    }
}

fn read_truth(env: &EnvSource, name: &str) -> Result<Option<bool>> {
    let read = |value| {
        truth(value).ok_or_else(|| Error::setting(name, value, InvalidSetting::NotABoolean))
    };
    env.variable(name).map(read).transpose()
}

fn default_outputs(environment: Environment) -> Result<Outputs> {
    let destination = match environment {
        Environment::Production => "./audit.log",
        _ => "stdout",
    };
    Destinations::from(destination).resolve()
}

fn check_retention(retention: Retention, rotation: Period, outputs: &Outputs) -> Result<()> {
    let has_files = std::iter::once(&outputs.trail)
        .chain(&outputs.copies)
        .any(|output| matches!(output, Output::Files(_)));
    let reason = if retention.days == Some(0) || retention.files == Some(0) {
        InvalidSetting::KeepsNothing
    } else if rotation == Period::Never {
        InvalidSetting::NeverRolls
    } else if !has_files {
        InvalidSetting::NoFiles
    } else {
        return Ok(());
    };
    Err(Error::setting("retention", retention, reason))
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.days, self.files) {
            (Some(days), Some(files)) => write!(f, "{days} days, {files} files"),
            (Some(days), None) => write!(f, "{days} days"),
            (None, Some(files)) => write!(f, "{files} files"),
            (None, None) => f.write_str("everything"),
        }
    }
}

#[cfg(test)]
mod tests;
