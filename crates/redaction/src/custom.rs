//! Redactors of the application's own.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Takes out of a text what must not stand in the trail.
///
/// Called on the thread that emits the event, before anything else sees the text.
/// A closure `Fn(&str) -> String` is one:
///
/// ```
/// use stinger_audit_redaction::Redact;
///
/// let staff = |text: &str| text.replace("E-1234", "[STAFF]");
/// assert_eq!(staff.redact("ask E-1234"), "ask [STAFF]");
/// ```
pub trait Redact: Send + Sync {
    /// The text without what must not be seen; borrowed where nothing was found.
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str>;
}

impl<F: Fn(&str) -> String + Send + Sync> Redact for F {
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Owned(self(text))
    }
}

/// A call that takes longer is slow.
const SLOW: Duration = Duration::from_millis(10);

/// A redactor of the application's own, and how it does.
#[derive(Clone)]
pub struct CustomRedactor {
    /// Its name, which is the rule in the records that it changes.
    pub name: Arc<str>,
    redactor: Arc<dyn Redact>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    panics: AtomicU64,
    slow: AtomicU64,
    nanoseconds: AtomicU64,
    longest: AtomicU64,
}

/// How a redactor of the application's own does.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RedactorStatus {
    /// Its name.
    pub name: String,
    /// Texts that it was given.
    pub calls: u64,
    /// Calls in which it panicked; the text was withheld.
    pub panics: u64,
    /// Calls that took longer than 10 ms, on the thread that emits the event.
    pub slow: u64,
    /// How long a call took on average, in microseconds.
    pub mean_us: f64,
    /// How long the longest call took, in microseconds.
    pub longest_us: f64,
}

/// The redactor panicked, and the text is withheld.
#[derive(Debug, PartialEq, Eq)]
pub struct Panicked;

impl CustomRedactor {
    /// A redactor with its name.
    pub fn new(name: impl Into<Arc<str>>, redactor: Arc<dyn Redact>) -> CustomRedactor {
        CustomRedactor {
            name: name.into(),
            redactor,
            counts: Arc::default(),
        }
    }

    /// Calls the redactor, and counts how it does.
    ///
    /// # Errors
    ///
    /// It panicked.
    pub fn apply<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Panicked> {
        let begun = Instant::now();
        // A redactor sees only the text it is given, and its own broken state is its own.
        let redacted = catch_unwind(AssertUnwindSafe(|| self.redactor.redact(text)));
        let took = begun.elapsed();
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let counts = &self.counts;
        counts.calls.fetch_add(1, Ordering::Relaxed);
        counts.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        counts.longest.fetch_max(nanoseconds, Ordering::Relaxed);
        counts
            .slow
            .fetch_add(u64::from(took > SLOW), Ordering::Relaxed);
        redacted.map_err(|_| {
            counts.panics.fetch_add(1, Ordering::Relaxed);
            Panicked
        })
    }

    /// How it does.
    pub fn status(&self) -> RedactorStatus {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let microseconds = |nanoseconds: f64| (nanoseconds / 100.0).round() / 10.0;
        let calls = read(&self.counts.calls);
        RedactorStatus {
            name: self.name.to_string(),
            calls,
            panics: read(&self.counts.panics),
            slow: read(&self.counts.slow),
            mean_us: microseconds(read(&self.counts.nanoseconds) as f64 / calls.max(1) as f64),
            longest_us: microseconds(read(&self.counts.longest) as f64),
        }
    }
}
