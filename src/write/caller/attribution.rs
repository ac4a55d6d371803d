//! Who an event is about, from the spans around it.
//!
//! The layer keeps a table of its own, from span to [`Scope`], and each thread a stack of
//! the scopes it has entered: an event finds its scope at the top of the stack, without the
//! registry's locks, and a scope that is still in use outlives its span's end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing::field::{Field, Visit};
use tracing::span;

use super::encode::encode;
use super::fields::FieldWriter;
use super::span_values::{KeyAnnotations, SpanValues};
use super::trace::Trace;
use crate::format::internal::Key;
use crate::redact::internal::RedactionPipeline;
use crate::write::journal::frame::{self, Name, Value};
use crate::write::lock;

/// What one span says, in front of what the spans around it say.
pub(crate) struct Scope {
    parent: Option<Arc<Scope>>,
    /// The values that the span was made with.
    own: SpanValues,
    /// Those that it was given later, which go first. Most spans have none and take no lock.
    late: Mutex<SpanValues>,
    has_late: AtomicBool,
    /// Tokens, until the record that they belong to takes them.
    usage: Mutex<SpanValues>,
    has_usage: AtomicBool,
    /// Whether a record was attributed by it.
    has_records: AtomicBool,
}

impl Scope {
    fn new(parent: Option<Arc<Scope>>, own: SpanValues) -> Scope {
        let (own, usage) = own.split_usage();
        Scope {
            parent,
            own,
            late: Mutex::default(),
            has_late: AtomicBool::new(false),
            has_usage: AtomicBool::new(!usage.is_empty()),
            usage: Mutex::new(usage),
            has_records: AtomicBool::new(false),
        }
    }

    /// Calls `each` for what the spans say, but for their usage: the nearest first.
    #[cold]
    pub(crate) fn each(&self, mut each: impl FnMut(&SpanValues)) {
        let mut scope = Some(self);
        while let Some(found) = scope {
            each(&lock(&found.late));
            each(&found.own);
            scope = found.parent.as_deref();
        }
    }

    /// Attributes a record by the values of every span, the nearest first. Where a key comes twice, the first value
    /// counts. Usage goes to one record: the response takes it away, from all of the spans.
    #[inline]
    pub(crate) fn attribute(&self, fields: &mut FieldWriter<'_>) {
        let mut scope = Some(self);
        while let Some(found) = scope {
            // The line is shared by all threads in the span: it is written once.
            if !found.has_records.load(Ordering::Relaxed) {
                found.has_records.store(true, Ordering::Relaxed);
            }
            if found.has_late.load(Ordering::Acquire) {
                fields.attribute(&lock(&found.late));
            }
            fields.attribute(&found.own);
            if found.has_usage.load(Ordering::Acquire) && fields.takes_usage() {
                let mut usage = lock(&found.usage);
                fields.attribute(&std::mem::take(&mut *usage));
                found.has_usage.store(false, Ordering::Release);
            }
            scope = found.parent.as_deref();
        }
    }

    #[cfg(feature = "tower")]
    pub(crate) fn has_records(&self) -> bool {
        self.has_records.load(Ordering::Relaxed)
    }

    /// Sets a value, and has each record that takes it say what is wrong with it.
    #[cfg(feature = "tower")]
    pub(crate) fn set_doubtful(
        &self,
        redactors: &RedactionPipeline,
        key: Key,
        text: &str,
        problems: Vec<String>,
    ) {
        self.set(collect(redactors, |fields, annotations| {
            fields.key(key, Value::Str(text));
            problems
                .into_iter()
                .for_each(|problem| fields.problem(problem));
            annotations.extend(fields.take_annotations().map(|of_key| (key, of_key)));
        }));
    }

    fn set(&self, values: SpanValues) {
        let (shared, usage) = values.split_usage();
        for (new, values, has_values) in [
            (shared, &self.late, &self.has_late),
            (usage, &self.usage, &self.has_usage),
        ] {
            if !new.is_empty() {
                let mut values = lock(values);
                let old = std::mem::replace(&mut *values, new);
                values.append(old);
                has_values.store(true, Ordering::Release);
            }
        }
    }
}

/// What surrounds a record: the spans around it and the trace it belongs to. A turn keeps the context
/// of its beginning, because its end may come on a task that is in no span.
#[derive(Clone, Default)]
pub(crate) struct RecordContext {
    pub(crate) scope: Option<Arc<Scope>>,
    pub(crate) trace: Option<Trace>,
}

impl RecordContext {
    /// Puts what a turn says in front of what is around it.
    pub(crate) fn with_texts(
        mut self,
        redactors: &RedactionPipeline,
        texts: &[(Key, String)],
    ) -> RecordContext {
        let own = values_of_texts(redactors, texts);
        self.scope = Some(Arc::new(Scope::new(self.scope, own)));
        self
    }

    /// Changes what a turn says.
    pub(crate) fn set_text(&self, redactors: &RedactionPipeline, key: Key, text: &str) {
        if let Some(scope) = &self.scope {
            scope.set(values_of_texts(redactors, &[(key, text.to_owned())]));
        }
    }
}

impl From<Option<Arc<Scope>>> for RecordContext {
    fn from(scope: Option<Arc<Scope>>) -> RecordContext {
        RecordContext { scope, trace: None }
    }
}

/// The attribution fields among a span's values.
///
/// They pass through the same encoder as an event's fields, so that types and redaction
/// are the same; what is no attribution is left to whoever else listens.
pub(crate) fn values(
    redactors: &RedactionPipeline,
    record: impl FnOnce(&mut dyn Visit),
) -> SpanValues {
    collect(redactors, |fields, annotations| {
        record(&mut OnlyAttribution {
            fields,
            annotations,
        });
    })
}

fn values_of_texts(redactors: &RedactionPipeline, texts: &[(Key, String)]) -> SpanValues {
    collect(redactors, |fields, annotations| {
        for (key, text) in texts {
            fields.key(*key, Value::Str(text));
            annotations.extend(fields.take_annotations().map(|of_key| (*key, of_key)));
        }
    })
}

fn collect(
    redactors: &RedactionPipeline,
    fill: impl FnOnce(&mut FieldWriter<'_>, &mut KeyAnnotations),
) -> SpanValues {
    let (mut found, mut annotations) = (SpanValues::default(), Vec::new());
    encode(
        redactors,
        |fields| fill(fields, &mut annotations),
        |frame| {
            let Some((frame, _)) = frame::split_first(frame) else {
                return;
            };
            for (name, value) in frame.fields {
                if let Name::Key(key) = name
                    && key.is_attribution()
                {
                    found.push(key, value);
                }
            }
        },
    );
    found.annotate(annotations);
    found
}

/// Whether a span with these fields can attribute an event.
pub(crate) fn attributes(fields: &tracing::field::FieldSet) -> bool {
    fields.iter().any(|field| attributed(&field).is_some())
}

/// The key that a span's field sets.
fn attributed(field: &Field) -> Option<Key> {
    Key::of(field.name()).filter(|key| key.is_attribution())
}

/// Takes a span's attribution, and what is to be said of each value beside it.
struct OnlyAttribution<'a, 'r> {
    fields: &'a mut FieldWriter<'r>,
    annotations: &'a mut KeyAnnotations,
}

impl<'r> OnlyAttribution<'_, 'r> {
    fn take(&mut self, field: &Field, record: impl FnOnce(&mut FieldWriter<'r>)) {
        let Some(key) = attributed(field) else {
            return;
        };
        // The second of two values stands beside the key, which no record takes.
        let is_second = self.fields.has(key);
        record(self.fields);
        if let Some(annotations) = self.fields.take_annotations()
            && !is_second
        {
            self.annotations.push((key, annotations));
        }
    }
}

macro_rules! only_attribution {
    ($($method:ident($type:ty))*) => {
        impl Visit for OnlyAttribution<'_, '_> {
            $(fn $method(&mut self, field: &Field, value: $type) {
                self.take(field, |fields| fields.$method(field, value));
            })*
        }
    };
}

only_attribution! {
    record_str(&str)
    record_u64(u64)
    record_i64(i64)
    record_u128(u128)
    record_i128(i128)
    record_f64(f64)
    record_bool(bool)
    record_bytes(&[u8])
    record_error(&(dyn std::error::Error + 'static))
    record_debug(&dyn std::fmt::Debug)
}

const SHARDS: usize = 16;

/// The scopes of the spans that are alive. Spans without attribution of their own share
/// the scope of the span around them; those that have none around them are not in it.
#[derive(Default)]
pub(crate) struct Spans {
    shards: [Mutex<HashMap<u64, Arc<Scope>>>; SHARDS],
}

impl Spans {
    pub(crate) fn get(&self, id: &span::Id) -> Option<Arc<Scope>> {
        self.shard(id).get(&id.into_u64()).cloned()
    }

    /// Adds a span that says `values`, inside the span whose scope is `parent`.
    pub(crate) fn insert(
        &self,
        id: &span::Id,
        parent: Option<Arc<Scope>>,
        values: Option<SpanValues>,
    ) {
        let scope = match (values, parent) {
            (Some(values), parent) => Arc::new(Scope::new(parent, values)),
            (None, Some(parent)) => parent,
            (None, None) => return,
        };
        self.shard(id).insert(id.into_u64(), scope);
    }

    /// Adds what a span says late. The span must have been inserted with values of its own.
    pub(crate) fn set(&self, id: &span::Id, values: SpanValues) {
        if let Some(scope) = self.get(id) {
            scope.set(values);
        }
    }

    pub(crate) fn remove(&self, id: &span::Id) {
        // Dropped behind the lock: a scope may be the last of a long chain.
        let _scope = self.shard(id).remove(&id.into_u64());
    }

    fn shard(&self, id: &span::Id) -> MutexGuard<'_, HashMap<u64, Arc<Scope>>> {
        let shard = &self.shards[id.into_u64() as usize % SHARDS];
        lock(shard)
    }
}

/// One span that this thread is in.
struct Entered {
    layer: LayerId,
    id: u64,
    scope: Option<Arc<Scope>>,
    /// The thread was in this span already, which does not make it the current one again.
    again: bool,
}

/// Whose span it is: span ids are a layer's own, and a process may have several layers
/// and several trails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct LayerId {
    pub(crate) layer: u64,
    pub(crate) trail: u64,
}

thread_local! {
    static STACK: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// The thread enters a span.
pub(crate) fn enter(layer: LayerId, id: &span::Id, scope: Option<Arc<Scope>>) {
    let id = id.into_u64();
    // No code of the application runs while the stack is borrowed.
    let _ = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let again = stack
            .iter()
            .any(|entered| entered.layer == layer && entered.id == id);
        stack.push(Entered {
            layer,
            id,
            scope,
            again,
        });
    });
}

/// The thread leaves a span, which need not be the one it entered last.
pub(crate) fn exit(layer: LayerId, id: &span::Id) {
    let id = id.into_u64();
    let _left = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let place = stack
            .iter()
            .rposition(|entered| entered.layer == layer && entered.id == id)?;
        Some(stack.remove(place))
    });
}

/// The scope that the thread is in, among those whose layer is `of`.
#[inline]
pub(crate) fn current(of: impl Fn(LayerId) -> bool) -> Option<Arc<Scope>> {
    STACK
        .try_with(|stack| {
            let stack = stack.borrow();
            let current = stack
                .iter()
                .rfind(|entered| of(entered.layer) && !entered.again)?;
            current.scope.clone()
        })
        .ok()
        .flatten()
}
