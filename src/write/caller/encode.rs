//! From an event to a frame, on the emitting thread.
//!
//! Values of the application run here (`Debug`, `Display`, redactors), with no lock and no
//! `RefCell` held: they may panic, and they may emit events of their own.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::field::{Field, Visit};

use super::clock;
use super::fields::FieldWriter;
use crate::redact::internal::RedactionPipeline;
use crate::write::journal::frame::{self, Value};

thread_local! {
    /// A buffer to encode into. It is taken while in use, so that an event that is emitted
    /// while another one is encoded finds none and makes its own.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// How many events are being encoded on this thread, one inside the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A buffer that grew past this is not kept for the next event.
const SPARE_KEPT: usize = 256 << 10;

/// How deep events may be emitted from inside others, by their own values.
const DEEPEST: u32 = 8;

/// Encodes one event: `fill` adds its fields, `take` gets the frame.
///
/// `None`: the frame would be longer than 4 GiB, or events are emitted from inside events
/// without end, and this one is where that is cut.
pub(crate) fn encode<T>(
    redactors: &RedactionPipeline,
    fill: impl FnOnce(&mut FieldWriter<'_>),
    take: impl FnOnce(&[u8]) -> T,
) -> Option<T> {
    let depth = Depth::enter();
    let withhold = match depth.0 {
        DEEPEST.. => return None,
        _ if depth.0 == DEEPEST - 1 => Some("[withheld: a value that emits events without end]"),
        _ => None,
    };
    let mut out = SPARE.try_with(Cell::take).unwrap_or_default();
    out.clear();
    frame::begin(&mut out, clock::micros());
    let mut fields = FieldWriter::new(redactors, out, withhold);
    fill(&mut fields);
    let mut out = fields.finish();
    let taken = frame::end(&mut out).map(|()| take(&out));
    if out.capacity() <= SPARE_KEPT {
        let _ = SPARE.try_with(|spare| spare.set(out));
    }
    taken
}

/// Counts an event in while it is being encoded. A panic counts it out again.
struct Depth(u32);

impl Depth {
    #[inline]
    fn enter() -> Depth {
        Depth(
            DEPTH
                .try_with(|depth| depth.replace(depth.get() + 1))
                .unwrap_or(0),
        )
    }
}

impl Drop for Depth {
    #[inline]
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(self.0));
    }
}

impl Visit for FieldWriter<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field_of(field, Value::Str(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field_of(field, Value::U64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        // A number that is written without a type is one of these, and mostly a count.
        let value = u64::try_from(value).map_or(Value::I64(value), Value::U64);
        self.field_of(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            // JSON readers round numbers of this size.
            Err(_) => self.field_of(field, Value::Str(&value.to_string())),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.field_of(field, Value::Str(&value.to_string())),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field_of(field, Value::F64(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field_of(field, Value::Bool(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        let mut text = String::with_capacity(value.len());
        let mut strange = 0;
        for chunk in value.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                strange += 1;
                // Writing to a String cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        if strange > 0 {
            let name = field.name();
            self.problem(format!(
                "{strange} bytes of {name} are no UTF-8 and stand as \\xNN"
            ));
        }
        self.field_of(field, Value::Str(&text));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &Chained(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = field.name();
        let mut text = String::new();
        match catch_unwind(AssertUnwindSafe(|| write!(text, "{value:?}"))) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.problem(format!("formatting {name} failed")),
            Err(_) => {
                text.push_str("[the value panicked while it was formatted]");
                self.problem(format!("formatting {name} panicked"));
            }
        }
        self.field_of(field, Value::Str(&text));
    }
}

/// An error with its causes, in one sentence.
struct Chained<'a>(&'a (dyn Error + 'static));

impl fmt::Debug for Chained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        // Not endless, whatever an error says its cause is.
        let mut cause = self.0.source();
        for _ in 0..16 {
            let Some(error) = cause else {
                break;
            };
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
