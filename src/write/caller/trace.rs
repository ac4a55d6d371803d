//! The trace that a record belongs to, in OpenTelemetry's terms. Feature `opentelemetry`.

#[cfg(feature = "opentelemetry")]
use data_encoding::HEXLOWER;

/// A span's ids, in lower-case hex as they stand in a record.
#[derive(Clone, Copy)]
pub(crate) struct Trace {
    trace_id: [u8; 32],
    span_id: [u8; 16],
}

impl Trace {
    /// The ids of the thread's active OpenTelemetry span, which `tracing-opentelemetry` activates
    /// whenever one of its spans is entered.
    #[cfg(feature = "opentelemetry")]
    #[inline]
    pub(crate) fn current() -> Option<Trace> {
        use opentelemetry::Context;
        use opentelemetry::trace::TraceContextExt as _;
        Context::map_current(|context| {
            let span = context.span();
            let ids = span.span_context();
            ids.is_valid().then(|| Trace {
                trace_id: hex(&ids.trace_id().to_bytes()),
                span_id: hex(&ids.span_id().to_bytes()),
            })
        })
    }

    #[cfg(not(feature = "opentelemetry"))]
    pub(crate) fn current() -> Option<Trace> {
        None
    }

    pub(crate) fn trace_id(&self) -> &str {
        text(&self.trace_id)
    }

    pub(crate) fn span_id(&self) -> &str {
        text(&self.span_id)
    }
}

fn text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).expect("invariant: hex digits are ASCII")
}

#[cfg(feature = "opentelemetry")]
fn hex<const DIGITS: usize>(bytes: &[u8]) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    HEXLOWER.encode_mut(bytes, &mut digits);
    digits
}
