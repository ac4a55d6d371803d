use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::line_mapper::Line;
use crate::error::Error;
use crate::record::Record;

/// What a selection of records comes to. Serialises to JSON.
#[derive(Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Records, the trail's own not counted.
    pub records: u64,
    /// From the first to the last of them.
    pub from: Option<DateTime<Utc>>,
    /// The time of the last.
    pub to: Option<DateTime<Utc>>,
    /// By type.
    pub event_types: BTreeMap<String, u64>,
    /// What each guardrail decided, and how often.
    pub decisions: BTreeMap<String, BTreeMap<String, u64>>,
    /// Records of each tenant.
    pub tenants: BTreeMap<String, u64>,
    /// Records of each user.
    pub users: BTreeMap<String, u64>,
    /// Responses of each model; of the one that was asked, if the one that answered is not known.
    pub models: BTreeMap<String, u64>,
    /// By the hour that they begin, UTC.
    pub hours: BTreeMap<DateTime<Utc>, Hour>,
    /// `processing_time_ms` of the records that have it.
    pub processing_time_ms: Histogram,
    /// `latency_ms` of the decisions that have it, by guardrail.
    pub guardrail_latency_ms: BTreeMap<String, Histogram>,
    /// Sum of `tokens_processed`, which stands in the record of the response.
    pub tokens: u64,
    /// Values that were redacted, by kind.
    pub redactions: BTreeMap<String, u64>,
    /// Lines that could not be read: any of them might have been selected.
    #[serde(skip)]
    pub unreadable: Vec<Error>,
}

/// What happened in an hour.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Hour {
    /// Records.
    pub records: u64,
    /// Records in which a guardrail decided to block.
    pub blocked: u64,
}

/// How a quantity is spread. Percentiles are within 3 %.
///
/// In JSON it has `count`, `mean`, `p50`, `p99`, `max`, the `sum` in millionths, and `buckets`: how many values have
/// the same `floor(20 * ln(value))`. Histograms are added up by the last three.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Histogram {
    count: u64,
    /// In millionths, so that sums of parts and of the whole are the same.
    sum: u64,
    max: f64,
    /// Counts by logarithm.
    buckets: BTreeMap<i32, u64>,
}

/// Buckets to a factor of e.
const FINENESS: f64 = 20.0;

impl Histogram {
    fn add(&mut self, value: f64) {
        if !value.is_finite() || value < 0.0 {
            return;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add((value * 1e6).round() as u64);
        self.max = self.max.max(value);
        let bucket = (value.max(1e-6).ln() * FINENESS).floor() as i32;
        *self.buckets.entry(bucket).or_default() += 1;
    }

    fn merge(&mut self, other: Histogram) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
        merge(&mut self.buckets, other.buckets, |ours, theirs| {
            *ours += theirs
        });
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; 0 of none.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / 1e6 / self.count.max(1) as f64
    }

    /// The greatest of them.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// The value that so many percent are not above.
    pub fn percentile(&self, percent: f64) -> f64 {
        let wanted = (self.count as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= wanted {
                let middle = (f64::from(*bucket) + 0.5) / FINENESS;
                return middle.exp().min(self.max);
            }
        }
        0.0
    }
}

impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("count", &self.count)?;
        map.serialize_entry("mean", &self.mean())?;
        map.serialize_entry("p50", &self.percentile(50.0))?;
        map.serialize_entry("p99", &self.percentile(99.0))?;
        map.serialize_entry("max", &self.max)?;
        map.serialize_entry("sum", &self.sum)?;
        map.serialize_entry("buckets", &self.buckets)?;
        map.end()
    }
}

impl Stats {
    /// Counts what these lines say.
    pub fn of(lines: impl IntoIterator<Item = Result<Line, Error>>) -> Stats {
        let mut stats = Stats::default();
        stats.add_lines(lines);
        stats
    }

    /// Counts what these lines say, too.
    pub fn add_lines(&mut self, lines: impl IntoIterator<Item = Result<Line, Error>>) {
        for line in lines {
            match line {
                Ok(line) if line.record.is_about_trail() => {}
                Ok(line) => self.add(&line.record),
                Err(error) => self.unreadable.push(error),
            }
        }
    }

    /// Takes in what other records came to.
    pub(super) fn merge(&mut self, other: Stats) {
        let add = |ours: &mut u64, theirs: u64| *ours += theirs;
        self.records += other.records;
        self.from = [self.from, other.from].into_iter().flatten().min();
        self.to = [self.to, other.to].into_iter().flatten().max();
        merge(&mut self.event_types, other.event_types, add);
        merge(&mut self.decisions, other.decisions, |ours, theirs| {
            merge(ours, theirs, add)
        });
        merge(&mut self.tenants, other.tenants, add);
        merge(&mut self.users, other.users, add);
        merge(&mut self.models, other.models, add);
        merge(&mut self.hours, other.hours, |ours, theirs| {
            ours.records += theirs.records;
            ours.blocked += theirs.blocked;
        });
        self.processing_time_ms.merge(other.processing_time_ms);
        merge(
            &mut self.guardrail_latency_ms,
            other.guardrail_latency_ms,
            Histogram::merge,
        );
        self.tokens += other.tokens;
        merge(&mut self.redactions, other.redactions, add);
        self.unreadable.extend(other.unreadable);
    }

    /// Takes in a record; none that the trail wrote about itself.
    pub(super) fn add(&mut self, record: &Record) {
        let count = |map: &mut BTreeMap<String, u64>, key: &str, more: u64| match map.get_mut(key) {
            Some(count) => *count += more,
            None => {
                map.insert(key.to_owned(), more);
            }
        };
        self.records += 1;
        self.from = Some(
            self.from
                .map_or(record.timestamp, |from| from.min(record.timestamp)),
        );
        self.to = Some(
            self.to
                .map_or(record.timestamp, |to| to.max(record.timestamp)),
        );
        count(&mut self.event_types, record.event_type.as_str(), 1);
        if let Some(tenant) = &record.tenant_id {
            count(&mut self.tenants, tenant, 1);
        }
        if let Some(user) = &record.user_id {
            count(&mut self.users, user, 1);
        }
        if let Some(model) = record.model().filter(|_| record.is_answer()) {
            count(&mut self.models, model, 1);
        }
        for decision in &record.guardrail_decisions {
            let filter = self
                .decisions
                .entry(decision.filter_name.clone())
                .or_default();
            count(filter, decision.decision.as_str(), 1);
            if let Some(latency) = decision.latency_ms {
                let spread = self
                    .guardrail_latency_ms
                    .entry(decision.filter_name.clone());
                spread.or_default().add(latency);
            }
        }
        let hour = record.timestamp.duration_trunc(TimeDelta::hours(1));
        let hour = self
            .hours
            .entry(hour.unwrap_or(record.timestamp))
            .or_default();
        hour.records += 1;
        hour.blocked += u64::from(record.blocking().is_some());
        if let Some(time) = record.processing_time_ms {
            self.processing_time_ms.add(time);
        }
        self.tokens += record.tokens_processed.unwrap_or(0);
        for (kind, number) in &record.redaction_counts {
            count(&mut self.redactions, kind, *number);
        }
    }
}

fn merge<K: Ord, V: Default>(
    ours: &mut BTreeMap<K, V>,
    theirs: BTreeMap<K, V>,
    add: impl Fn(&mut V, V),
) {
    for (key, value) in theirs {
        add(ours.entry(key).or_default(), value);
    }
}
