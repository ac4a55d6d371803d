//! The front door: the builder, and the handle of a trail that runs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::subscriber::NoSubscriber;
use tracing::{Subscriber, dispatcher};
use tracing_appender::rolling::Rotation;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{BuilderConfig, Config, KeySource, Retention};
use crate::destination::Destinations;
use crate::environment::EnvSource;
use crate::error::{Error, ErrorKind, Result};
use crate::redact::internal::CustomRedactor;
use crate::redact::{Keys, Redact, Rules};
use crate::write::{self, Confirm, Core, Entry, EventDelivery, Health, Status};

/// Switches the audit trail on with the defaults of the environment, under a global
/// subscriber of its own.
///
/// ```no_run
/// fn main() -> Result<(), stinger_audit::Error> {
///     stinger_audit::enable()?;
///     stinger_audit::log_prompt("What is the capital of France?")
/// }
/// ```
///
/// # Errors
///
/// As for [`Builder::enable`].
pub fn enable() -> Result<Audit> {
    builder().enable()
}

/// Begins the settings of a trail with its destinations: a path, `"stdout"`, or a list of both.
///
/// ```no_run
/// # fn main() -> Result<(), stinger_audit::Error> {
/// stinger_audit::to(["./logs/audit.log", "stdout"]).redact_pii(true).enable()?;
/// # Ok(()) }
/// ```
pub fn to(destinations: impl Into<Destinations>) -> Builder {
    let mut builder = builder();
    builder.config.destinations = Some(destinations.into());
    builder
}

/// Begins the settings of a trail with the destination that the environment decides.
pub fn builder() -> Builder {
    Builder {
        config: BuilderConfig::default(),
    }
}

/// Opens the trail with the defaults of the environment, as a layer for a registry of the
/// application's own.
///
/// ```no_run
/// use tracing_subscriber::prelude::*;
///
/// # fn main() -> Result<(), stinger_audit::Error> {
/// tracing_subscriber::registry()
///     .with(stinger_audit::layer()?)
///     .with(tracing_subscriber::fmt::layer())
///     .init();
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As for [`Builder::open`].
///
/// # Panics
///
/// As for [`Audit::layer`], when it is added to a subscriber.
pub fn layer<S>() -> Result<impl Layer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    builder().layer()
}

/// The handle of the process's trail: the first that was opened and is not closed.
pub fn audit() -> Option<Audit> {
    write::current().map(Audit::on)
}

/// Settings of a trail. What is not set is decided by the environment.
#[derive(Clone)]
#[must_use = "settings do nothing until enable(), open() or layer()"]
pub struct Builder {
    config: BuilderConfig,
}

impl Builder {
    /// Whether personal data and secrets are taken out of texts: see [`redact`](crate::redact).
    /// Default: everywhere but in development.
    ///
    /// `false` is taken in production too, from code only, and stands in `trail_opened`.
    pub fn redact_pii(mut self, redact: bool) -> Builder {
        self.config.redact_pii = Some(redact);
        self
    }

    /// A redactor of the application's own, in front of the built-in rules; each call adds one. One
    /// that panics withholds the text, and the record says so; how long they take stands in
    /// [`status`](Audit::status).
    ///
    /// ```
    /// let builder = stinger_audit::to("stdout")
    ///     .custom_redactor(|text: &str| text.replace("Project Falcon", "[PROJECT]"));
    /// ```
    pub fn custom_redactor(self, redactor: impl Redact + 'static) -> Builder {
        let name = match self.config.custom_redactors.len() {
            0 => "custom_redactor".to_owned(),
            others => format!("custom_redactor {}", others + 1),
        };
        self.named_redactor(name, redactor)
    }

    /// [`custom_redactor`](Builder::custom_redactor), under a name for status and records.
    pub fn named_redactor(
        mut self,
        name: impl Into<String>,
        redactor: impl Redact + 'static,
    ) -> Builder {
        let custom = CustomRedactor::new(name.into(), Arc::new(redactor));
        self.config.custom_redactors.push(custom);
        self
    }

    /// What is redacted, and how. Default: every kind of value, as tags, in every text.
    ///
    /// ```
    /// use stinger_audit::redact::{Entity, Replacement, Rules};
    ///
    /// let rules = Rules::new().replacement(Entity::CreditCard, Replacement::Mask);
    /// let builder = stinger_audit::to("./logs/audit.log").redaction(rules);
    /// ```
    pub fn redaction(mut self, rules: Rules) -> Builder {
        self.config.redaction = rules;
        self
    }

    /// The file of the keys with which values are tagged. Default: `redaction.keys` in the directory
    /// of the trail. The file is made where there is none, and its directory too. A trail on stdout has none, and
    /// its values are not tagged.
    ///
    /// Whoever may read the trail and the keys can tell whom a tag stands for: keep them apart
    /// where different people may.
    pub fn redaction_keys(mut self, path: impl Into<PathBuf>) -> Builder {
        self.config.redaction_keys = Some(KeySource::File(path.into()));
        self
    }

    /// The keys themselves, from a vault for instance.
    pub fn redaction_keyring(mut self, keys: Keys) -> Builder {
        self.config.redaction_keys = Some(KeySource::Keyring(keys));
        self
    }

    /// Whether the trail is sealed (default: it is): signed checkpoints in it prove that no record was
    /// changed, removed or added since, and `stinger-audit verify` checks them.
    ///
    /// Where it is switched off for a while, `verify` finds the records of that time for good: no seal was made
    /// over them when they were written, and anybody could have added them.
    pub fn sealing(mut self, seal: bool) -> Builder {
        self.config.sealing = Some(seal);
        self
    }

    /// The directory in which the key is kept that signs the next seal, as `NAME.sealkey` for the trail
    /// `NAME` (default: that of the trail). It is made where it does not exist. The key changes every
    /// second in which something is recorded, and nobody needs to keep a copy.
    pub fn seal_keys(mut self, directory: impl Into<PathBuf>) -> Builder {
        self.config.seal_keys = Some(directory.into());
        self
    }

    /// Whether the typed functions return an error from the moment at which the trail cannot be
    /// written until a record is durable again, so that the service can refuse to answer. What they
    /// were called with may be recorded all the same ([`ErrorKind::Unwritable`] says when it was lost): do
    /// not repeat it. Default: `false`, the application goes on.
    pub fn fail_safe(mut self, fail_safe: bool) -> Builder {
        self.config.fail_safe = Some(fail_safe);
        self
    }

    /// How often a new file is begun. Default: [`Rotation::DAILY`].
    pub fn rotation(mut self, rotation: Rotation) -> Builder {
        self.config.rotation = Some(rotation);
        self
    }

    /// How long closed files are kept. Default: for ever.
    pub fn retention(mut self, retention: Retention) -> Builder {
        self.config.retention = Some(retention);
        self
    }

    /// How many bytes of records may wait for the disk: the size of the journal. Default: 8 MiB;
    /// at least 64 KiB.
    ///
    /// A record larger than a quarter of that does not go through the journal. It waits in memory, and the call that
    /// records it returns when its line is written ([`enqueue_timeout`](Builder::enqueue_timeout) says how long it
    /// waits). Such records share as many bytes again; a single one may be larger.
    pub fn buffer_capacity(mut self, bytes: usize) -> Builder {
        self.config.buffer_capacity = Some(bytes);
        self
    }

    /// How long an emitting thread waits for room in a full buffer before the record is
    /// counted as lost. Default: 5 s.
    ///
    /// A record larger than a quarter of [`buffer_capacity`](Builder::buffer_capacity) has this time to be written. If the
    /// writer has not begun with it by then, it is taken out and counted as lost: with [`Duration::ZERO`] that is nearly
    /// every such record. If the writer has begun with it, the thread waits for the outcome of that attempt, up to 10 s
    /// more. On stdout, FIFOs and devices, nobody waits for a large record to be written, but only for room.
    pub fn enqueue_timeout(mut self, timeout: Duration) -> Builder {
        self.config.enqueue_timeout = Some(timeout);
        self
    }

    /// How often a `trail_heartbeat` record is written, so that silence shows in the trail.
    /// Default: 60 s; at least 1 s.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Builder {
        self.config.heartbeat_interval = Some(interval);
        self
    }

    /// How few bytes may be left on the disk before a `trail_low_disk` record warns.
    /// Default: 100 MiB.
    pub fn low_disk_threshold(mut self, bytes: u64) -> Builder {
        self.config.low_disk_threshold = Some(bytes);
        self
    }

    /// Opens the trail under a global subscriber of its own.
    ///
    /// # Errors
    ///
    /// As for [`open`](Builder::open); and where a global subscriber is installed already.
    pub fn enable(self) -> Result<Audit> {
        if !dispatcher::get_default(|dispatch| dispatch.is::<NoSubscriber>()) {
            // The subscriber of a parent process feeds the trail that its forked child opens.
            return match write::current().is_some_and(|core| core.is_forked()) {
                true => self.open(),
                false => Err(subscriber_installed()),
            };
        }
        let audit = self.open()?;
        let layer = write::filtered(audit.core().cloned(), true);
        let subscriber = tracing_subscriber::registry().with(layer);
        if dispatcher::set_global_default(subscriber.into()).is_err() {
            audit.close()?;
            return Err(subscriber_installed());
        }
        if let Some(core) = audit.core() {
            core.check_log_backend();
        }
        Ok(audit)
    }

    /// Opens the trail and returns the layer that feeds it. [`audit`] has its handle.
    ///
    /// # Errors
    ///
    /// As for [`open`](Builder::open).
    pub fn layer<S>(self) -> Result<impl Layer<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Ok(self.open()?.layer())
    }

    /// Opens the trail. The typed functions reach it at once, macros through its
    /// [`layer`](Audit::layer).
    ///
    /// # Errors
    ///
    /// A setting that is impossible or, in production, refused; a destination that cannot be
    /// written; a trail that another writer holds.
    pub fn open(self) -> Result<Audit> {
        let checked = self.config.redaction.check(true, write::is_fixed);
        let config = checked.map_err(Error::from);
        let config = config.and_then(|()| self.config.clone().resolve(&EnvSource::of_process()));
        let config = match config {
            Ok(config) => config,
            Err(refused) => return Err(self.recorded(refused)),
        };
        let shown = config.clone();
        match write::open(config) {
            Ok(Some(core)) => Ok(Audit::on(core)),
            Ok(None) => Ok(Audit {
                running: Running::Off(Arc::new(shown)),
            }),
            Err(error) => Err(self.recorded(BuilderConfig::refused(&shown, error))),
        }
    }

    /// Records an attempt to switch the trail off, and passes the error on.
    fn recorded(self, error: Error) -> Error {
        if matches!(error.kind(), ErrorKind::Refused { .. }) {
            let recorded = self
                .config
                .for_refusal(&EnvSource::of_process())
                .and_then(|config| write::record_refusal(config, &format!("{error:?}")));
            if let Err(unrecorded) = recorded {
                write::warn(&format!(
                    "the refusal could not be recorded: {unrecorded:?}"
                ));
            }
        }
        error
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("destinations", &self.config.destinations)
            .field("redact_pii", &self.config.redact_pii)
            .field("fail_safe", &self.config.fail_safe)
            .field("rotation", &self.config.rotation)
            .field("retention", &self.config.retention)
            .finish_non_exhaustive()
    }
}

fn subscriber_installed() -> Error {
    Error::from(match write::current() {
        Some(core) => ErrorKind::AlreadyEnabled {
            trail: core.config().outputs.trail.to_string(),
        },
        None => ErrorKind::SubscriberInstalled,
    })
}

/// The handle of a trail. Clones speak of the same trail.
///
/// Nothing depends on keeping it: the trail runs until [`close`](Audit::close) or the end of
/// the process.
#[derive(Clone)]
pub struct Audit {
    running: Running,
}

#[derive(Clone)]
enum Running {
    On(Arc<Core>),
    /// Switched off, which only development allows.
    Off(Arc<Config>),
}

impl Audit {
    pub(crate) fn on(core: Arc<Core>) -> Audit {
        Audit {
            running: Running::On(core),
        }
    }

    /// A layer that feeds this trail, for a registry of the application's own.
    ///
    /// # Panics
    ///
    /// When it is added to a subscriber that takes no filters, such as `fmt().finish()`:
    /// [does not currently support filters](crate#does-not-currently-support-filters) says what to do.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        write::filtered(self.core().cloned(), false)
    }

    /// Records an entry in this trail, whatever the thread's subscriber.
    ///
    /// # Errors
    ///
    /// The trail is closed; or, under fail-safe, it cannot be written.
    pub fn log(&self, entry: Entry<'_>) -> Result<()> {
        self.core().map_or(Ok(()), |core| entry.log_to(core))
    }

    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        match &self.running {
            Running::On(core) => Some(core),
            Running::Off(_) => None,
        }
    }

    #[cfg(feature = "tower")]
    pub(crate) fn is_down(&self) -> bool {
        self.core().is_some_and(|core| core.is_down())
    }

    pub(crate) fn is_fail_safe(&self) -> bool {
        self.core().is_some_and(|core| core.config().fail_safe)
    }

    /// How the trail is doing, and under which settings it runs.
    pub fn status(&self) -> Status {
        match &self.running {
            Running::On(core) => core.status(),
            Running::Off(config) => Status::idle(config),
        }
    }

    /// Whether the trail records, for a readiness probe.
    pub fn health(&self) -> Health {
        self.status().health()
    }

    /// Waits until everything that was recorded before is written: handed to the system,
    /// visible to readers, safe from the end of this process.
    ///
    /// # Errors
    ///
    /// A write failed meanwhile, or the destination did not answer for 10 seconds; the
    /// records wait, and writing goes on being tried. Or an event came after [`close`](Audit::close), and
    /// is not in the trail.
    pub fn flush(&self) -> Result<()> {
        self.core().map_or(Ok(()), |core| core.flush())
    }

    /// Waits until everything that was recorded before, by any thread, is on the medium
    /// (fdatasync; threads that wait at the same time share one). Where the trail is stdout
    /// this is [`flush`](Audit::flush).
    ///
    /// # Errors
    ///
    /// A write or a sync failed meanwhile, or the destination did not answer for 10 seconds: what was
    /// recorded is not known to be on the medium, and waits; do not record it again. Or an event came after
    /// [`close`](Audit::close), and is not in the trail.
    pub fn confirm(&self) -> Result<()> {
        self.core().map_or(Ok(()), |core| core.confirm())
    }

    /// [`confirm`](Audit::confirm) as a future, which needs no particular runtime.
    ///
    /// # Errors
    ///
    /// As for `confirm`; a destination that does not answer keeps the future pending.
    pub fn confirm_async(&self) -> Confirm {
        Confirm::new(self.core().cloned())
    }

    /// Writes what is recorded, ends the trail with a `trail_closed` record, and frees it
    /// for another writer. Events that come later are counted, and typed functions return an
    /// error.
    ///
    /// # Errors
    ///
    /// Not everything could be written within 10 seconds, to which threads that wait for room may
    /// add as much again.
    pub fn close(&self) -> Result<()> {
        self.core().map_or(Ok(()), |core| core.close())
    }

    /// Asks whether bare `event!` macros reach the trail from the calling thread. What it
    /// finds stands in [`status`](Audit::status) too.
    pub fn check_event_delivery(&self) -> EventDelivery {
        self.core().map_or(EventDelivery { lowest: None }, |core| {
            core.check_event_delivery()
        })
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("status", &self.status())
            .finish()
    }
}
