//! Tenants whose texts are withheld: a record is known to be one of theirs before its first text is written.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::field::{Field, Visit};

use super::{FieldWriter, text_of};
use crate::format::internal::Key;
use crate::redact::internal::WITHHELD_BY_RULE;
use crate::write::caller::span_values::SpanValues;
use crate::write::journal::frame::Value;

impl FieldWriter<'_> {
    /// Whether a record has to be asked for its tenant.
    #[inline]
    pub(crate) fn withholds_tenants(&self) -> bool {
        self.redactors.withholds_tenants()
    }

    /// Withholds the texts that come from here on, if this tenant's are withheld. Of several tenants one is enough.
    pub(crate) fn tenant(&mut self, tenant: Value<'_>) {
        if text_of(tenant).is_some_and(|tenant| self.redactors.withholds_tenant(&tenant)) {
            self.withhold.get_or_insert(WITHHELD_BY_RULE);
        }
    }

    /// Asks a span for its tenant.
    pub(crate) fn tenant_of(&mut self, values: &SpanValues) {
        for (key, value) in values.iter() {
            if let Value::Str(tenant) = value
                && key == Key::TenantId
                && let Ok(tenant) = str::from_utf8(tenant)
            {
                self.tenant(Value::Str(tenant));
            }
        }
    }

    /// Asks an event for its tenant.
    #[inline]
    pub(crate) fn find_tenant(&mut self, record: impl FnOnce(&mut dyn Visit)) {
        if self.withholds_tenants() {
            record(&mut TenantOf(self));
        }
    }
}

struct TenantOf<'a, 'r>(&'a mut FieldWriter<'r>);

impl Visit for TenantOf<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if Key::of(field.name()) == Some(Key::TenantId) {
            self.0.tenant(Value::Str(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if Key::of(field.name()) == Some(Key::TenantId)
            && let Ok(text) = catch_unwind(AssertUnwindSafe(|| format!("{value:?}")))
        {
            self.0.tenant(Value::Str(&text));
        }
    }
}
