//! Redaction: text in, text out. Knows nothing of tracing, files or threads.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

mod patterns;

pub use patterns::Patterns;

/// Takes out of a text what must not stand in the trail.
///
/// Called on the thread that emits the event, before anything else sees the text.
/// A closure `Fn(&str) -> String` is one:
///
/// ```
/// use stinger_audit::redact::Redact;
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

/// What a redactor that panicked leaves of the text.
pub(crate) const WITHHELD: &str = "[withheld: the redactor failed]";

/// The redactors of a trail, one behind the other.
///
/// The application's own runs first, so that the built-in patterns have the last word.
#[derive(Clone, Default)]
pub(crate) struct Chain {
    custom: Option<Arc<dyn Redact>>,
    builtin: Option<Arc<Patterns>>,
}

/// The text is withheld: a redactor panicked on it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Withheld;

impl Chain {
    pub(crate) fn new(custom: Option<Arc<dyn Redact>>, builtin: bool) -> Chain {
        Chain {
            custom,
            builtin: builtin.then(|| Arc::new(Patterns::new())),
        }
    }

    /// Whether the application's own redactor is among them.
    pub(crate) fn has_custom(&self) -> bool {
        self.custom.is_some()
    }

    pub(crate) fn apply<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Withheld> {
        let Some(custom) = &self.custom else {
            return Ok(self.apply_builtin(text));
        };
        // A redactor sees only the text it is given, and its own broken state is its own.
        match catch_unwind(AssertUnwindSafe(|| custom.redact(text))) {
            Ok(Cow::Borrowed(text)) => Ok(self.apply_builtin(text)),
            Ok(Cow::Owned(text)) => Ok(Cow::Owned(self.apply_builtin(&text).into_owned())),
            Err(_) => Err(Withheld),
        }
    }

    fn apply_builtin<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.builtin {
            Some(patterns) => patterns.redact(text),
            None => Cow::Borrowed(text),
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("custom", &self.custom.is_some())
            .field("builtin", &self.builtin.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_patterns_have_the_last_word() {
        let custom: Arc<dyn Redact> = Arc::new(|text: &str| text.replace("name", "a@b.com"));
        let chain = Chain::new(Some(custom), true);
        assert_eq!(chain.apply("name").expect("text"), "[EMAIL]");
    }

    #[test]
    fn a_panicking_redactor_withholds_the_text() {
        let custom: Arc<dyn Redact> = Arc::new(|text: &str| -> String {
            assert!(text != "secret", "refused");
            text.to_owned()
        });
        let chain = Chain::new(Some(custom), true);
        assert_eq!(chain.apply("secret"), Err(Withheld));
        assert_eq!(chain.apply("other").expect("text"), "other");
    }
}
