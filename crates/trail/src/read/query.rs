use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};

use crate::format::json;
use crate::record::{Decision, EventType, Record};

/// What to select from a trail. Values of one key are alternatives, keys are combined.
///
/// ```
/// use stinger_audit_trail::read::Query;
///
/// let blocked_or_warned_today = Query::new()
///     .user_id("u-7")
///     .decision("block")
///     .decision("warn")
///     .last(chrono::Duration::hours(24));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a query selects nothing by itself; give it to Trail::query"]
pub struct Query {
    names: [Vec<String>; Name::ALL.len()],
    /// Whether an id that is named stands for all that begin with it.
    prefixes: bool,
    event_types: Vec<EventType>,
    decisions: Vec<Decision>,
    filter_names: Vec<String>,
    tags: Vec<String>,
    texts: Vec<String>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

/// What a record can be selected by, the most selective first.
#[derive(Clone, Copy)]
pub(super) enum Name {
    Conversation,
    Request,
    Session,
    User,
    Ip,
    Tenant,
    Model,
}

impl Name {
    const ALL: [Name; 7] = [
        Name::Conversation,
        Name::Request,
        Name::Session,
        Name::User,
        Name::Ip,
        Name::Tenant,
        Name::Model,
    ];

    /// Those that indexes know.
    pub(super) const INDEXED: [Name; 5] = [
        Name::Conversation,
        Name::User,
        Name::Session,
        Name::Request,
        Name::Tenant,
    ];

    pub(super) fn of(self, record: &Record) -> Option<&str> {
        let id = match self {
            Name::Conversation => &record.conversation_id,
            Name::Request => &record.request_id,
            Name::Session => &record.session_id,
            Name::User => &record.user_id,
            Name::Ip => &record.user_ip,
            Name::Tenant => &record.tenant_id,
            Name::Model => return record.model(),
        };
        id.as_deref()
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $method:ident $name:ident;)*) => {
        $($(#[$doc])*
        pub fn $method(mut self, name: impl Into<String>) -> Query {
            self.names[Name::$name as usize].push(name.into());
            self
        })*
    };
}

impl Query {
    /// Selects every record.
    pub fn new() -> Query {
        Query::default()
    }

    names! {
        /// Records of this conversation.
        conversation_id Conversation;
        /// Records of this tenant.
        tenant_id Tenant;
        /// Records of this user.
        user_id User;
        /// Records of this session.
        session_id Session;
        /// Records of this request.
        request_id Request;
        /// Records of this model: the one that answered, or the one that was asked if that is not known.
        model_used Model;
    }

    /// Records of users at this address, however it is spelled: `::ffff:192.0.2.1` is `192.0.2.1`.
    pub fn user_ip(mut self, address: impl Into<String>) -> Query {
        let address = address.into();
        let canonical = address.parse::<IpAddr>();
        let canonical = canonical.map(|address| address.to_canonical().to_string());
        self.names[Name::Ip as usize].push(canonical.unwrap_or(address));
        self
    }

    /// Takes ids, addresses and models for the beginnings of what is meant.
    pub fn by_prefix(mut self) -> Query {
        self.prefixes = true;
        self
    }

    /// Records in which a value with this tag was redacted: `[EMAIL:k1:9GZ4M2QX7R1B]`, as
    /// [`Keys::tags`](stinger_audit_redaction::Keys::tags) gives it, what stands between the brackets, or
    /// `k1:9GZ4M2QX7R1B`, as `redactions` have it, of whatever kind.
    pub fn tag(mut self, tag: impl AsRef<str>) -> Query {
        let tag = tag.as_ref().trim_start_matches('[').trim_end_matches(']');
        self.tags.push(tag.to_owned());
        self
    }

    /// Records of this type.
    pub fn event_type(mut self, event_type: impl Into<EventType>) -> Query {
        self.event_types.push(event_type.into());
        self
    }

    /// Records in which a guardrail decided this.
    ///
    /// With [`filter_name`](Query::filter_name), one and the same decision must match both.
    pub fn decision(mut self, decision: impl Into<Decision>) -> Query {
        self.decisions.push(decision.into());
        self
    }

    /// Records in which this guardrail decided something.
    pub fn filter_name(mut self, name: impl Into<String>) -> Query {
        self.filter_names.push(name.into());
        self
    }

    /// Records in whose prompt, response, reasons, rules or other fields this text stands,
    /// in upper or lower case.
    pub fn text(mut self, text: impl AsRef<str>) -> Query {
        self.texts.push(text.as_ref().to_lowercase());
        self
    }

    /// Records from this time on.
    pub fn since(mut self, time: DateTime<Utc>) -> Query {
        self.since = Some(time);
        self
    }

    /// Records before this time.
    pub fn until(mut self, time: DateTime<Utc>) -> Query {
        self.until = Some(time);
        self
    }

    /// Records of the time up to now. A duration that is longer than time is selects all.
    pub fn last(self, duration: Duration) -> Query {
        let since = Utc::now().checked_sub_signed(duration);
        self.since(since.unwrap_or(DateTime::<Utc>::MIN_UTC))
    }

    /// Records of the last hour.
    pub fn last_hour(self) -> Query {
        self.last(Duration::hours(1))
    }

    /// Whether the query selects a record.
    pub fn selects(&self, record: &Record) -> bool {
        let is_named = |name: Name| self.is_named(&self.names[name as usize], name.of(record));
        Name::ALL.into_iter().all(is_named)
            && one_of(&self.event_types, Some(&record.event_type))
            && self.since.is_none_or(|since| record.timestamp >= since)
            && self.until.is_none_or(|until| record.timestamp < until)
            && self.selects_decision(record)
            && self.selects_tag(record)
            && self.selects_text(record)
    }

    fn is_named(&self, wanted: &[String], found: Option<&str>) -> bool {
        let matches = |wanted: &String| match (self.prefixes, found) {
            (true, Some(found)) => found.starts_with(wanted.as_str()),
            (false, Some(found)) => found == wanted,
            (_, None) => false,
        };
        wanted.is_empty() || wanted.iter().any(matches)
    }

    fn selects_tag(&self, record: &Record) -> bool {
        if self.tags.is_empty() {
            return true;
        }
        let of_user = || [&record.user_id, &record.user_ip].into_iter().flatten();
        self.tags.iter().any(|wanted| {
            let (kind, wanted) = kind_and_tag(wanted);
            let is_user = of_user().any(|found| {
                let found = found
                    .strip_prefix('[')
                    .and_then(|found| found.strip_suffix(']'));
                let found = found.and_then(|found| found.split_once(':'));
                found.is_some_and(|(found_kind, tag)| {
                    tag == wanted && kind.is_none_or(|kind| kind == found_kind)
                })
            });
            let is_told = || {
                record.redactions.iter().any(|told| {
                    told.tag.as_deref() == Some(wanted)
                        && kind.is_none_or(|kind| kind == told.kind.as_str())
                })
            };
            is_user || is_told()
        })
    }

    /// Whether the query names ids, which may have been meant as beginnings.
    pub fn has_names(&self) -> bool {
        self.names.iter().any(|names| !names.is_empty())
    }

    /// The ids that are asked for, of each kind that indexes know. None is if the query names their beginnings.
    pub(super) fn ids(&self) -> impl Iterator<Item = (Name, &[String])> {
        let asked = Name::INDEXED.map(|name| (name, &self.names[name as usize][..]));
        let is_asked = |(_, ids): &(Name, &[String])| !(ids.is_empty() || self.prefixes);
        asked.into_iter().filter(is_asked)
    }

    /// From and to which time records are selected.
    pub(super) fn span(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        (self.since, self.until)
    }

    /// Whether an index can tell which parts of a file hold nothing that is selected.
    #[doc(hidden)]
    pub fn spares_reading(&self) -> bool {
        self.ids().next().is_some() || self.since.is_some() || self.until.is_some()
    }

    /// Whether nothing but times is asked for.
    #[doc(hidden)]
    pub fn is_only_times(&self) -> bool {
        let times = Query {
            since: self.since,
            until: self.until,
            ..Query::new()
        };
        *self == times
    }

    /// What stands in the line of every record that is selected: one of these texts, as the
    /// trail writes them. `None`: nothing that can be said.
    pub(super) fn needles(&self) -> Option<Vec<Vec<u8>>> {
        let encoded = |text: &str, is_whole: bool| {
            let mut needle = Vec::new();
            json::push_string(&mut needle, text);
            if !is_whole {
                needle.pop();
            }
            needle
        };
        if let Some(names) = self.names.iter().find(|names| !names.is_empty()) {
            let names = names.iter().map(|name| encoded(name, !self.prefixes));
            return Some(names.collect());
        }
        // A tag stands in the text, and with its kind and key in the list.
        if !self.tags.is_empty() {
            let tag = |tag: &String| kind_and_tag(tag).1.into();
            return Some(self.tags.iter().map(tag).collect());
        }
        let lists: [Vec<&str>; 3] = [
            self.filter_names.iter().map(String::as_str).collect(),
            self.decisions.iter().map(Decision::as_str).collect(),
            self.event_types.iter().map(EventType::as_str).collect(),
        ];
        let words = lists.into_iter().find(|words| !words.is_empty())?;
        Some(words.into_iter().map(|word| encoded(word, true)).collect())
    }

    fn selects_decision(&self, record: &Record) -> bool {
        if self.decisions.is_empty() && self.filter_names.is_empty() {
            return true;
        }
        record.guardrail_decisions.iter().any(|found| {
            one_of(&self.decisions, Some(&found.decision))
                && one_of(&self.filter_names, Some(&found.filter_name))
        })
    }

    fn selects_text(&self, record: &Record) -> bool {
        if self.texts.is_empty() {
            return true;
        }
        let has = |text: &str| {
            let text = text.to_lowercase();
            self.texts
                .iter()
                .any(|wanted| text.contains(wanted.as_str()))
        };
        let in_decisions = || {
            record.guardrail_decisions.iter().any(|found| {
                found.reason.as_deref().is_some_and(has)
                    || found.rule_triggered.as_deref().is_some_and(has)
                    || found.other.values().any(|value| has_text(value, &has))
            })
        };
        let in_calls = || {
            let calls = serde_json::to_value(&record.tool_calls);
            calls.is_ok_and(|calls| has_text(&calls, &has))
        };
        // Those that no other filter asks for.
        let ids = [
            &record.turn_id,
            &record.agent_id,
            &record.event_id,
            &record.trace_id,
            &record.span_id,
        ];
        record.prompt.as_deref().is_some_and(has)
            || record.response.as_deref().is_some_and(has)
            || in_decisions()
            || in_calls()
            || record.problems.iter().any(|problem| has(problem))
            || ids.into_iter().flatten().any(|id| has(id))
            || record.other.values().any(|value| has_text(value, &has))
    }
}

/// The kind, where a tag has one, and the id of the key with the digest.
fn kind_and_tag(tag: &str) -> (Option<&str>, &str) {
    match tag.split_once(':') {
        Some((kind, tag)) if tag.contains(':') => (Some(kind), tag),
        _ => (None, tag),
    }
}

fn one_of<T: PartialEq>(wanted: &[T], found: Option<&T>) -> bool {
    wanted.is_empty() || found.is_some_and(|found| wanted.contains(found))
}

fn has_text(value: &serde_json::Value, has: &impl Fn(&str) -> bool) -> bool {
    match value {
        serde_json::Value::String(text) => has(text),
        serde_json::Value::Array(items) => items.iter().any(|item| has_text(item, has)),
        serde_json::Value::Object(map) => map
            .iter()
            .any(|(key, value)| has(key) || has_text(value, has)),
        scalar => has(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(extra: &str) -> Record {
        let line = format!(
            r#"{{"seq":1,"timestamp":"2026-11-23T10:00:00Z","event_type":"user_prompt"{extra}}}"#
        );
        serde_json::from_str(&line).expect("a record")
    }

    #[test]
    fn values_of_a_key_are_alternatives_and_keys_are_combined() {
        let record = record(r#","user_id":"u1","conversation_id":"c1""#);
        assert!(Query::new().selects(&record));
        assert!(Query::new().user_id("u0").user_id("u1").selects(&record));
        assert!(
            Query::new()
                .user_id("u1")
                .conversation_id("c1")
                .selects(&record)
        );
        assert!(
            !Query::new()
                .user_id("u1")
                .conversation_id("c2")
                .selects(&record)
        );
        assert!(!Query::new().session_id("s").selects(&record));
        assert!(Query::new().event_type("user_prompt").selects(&record));
    }

    #[test]
    fn start_and_end_both_count() {
        let record = record("");
        let time = record.timestamp;
        let second = Duration::seconds(1);
        assert!(
            Query::new()
                .since(time)
                .until(time + second)
                .selects(&record)
        );
        assert!(
            !Query::new()
                .since(time - second)
                .until(time)
                .selects(&record)
        );
        assert!(!Query::new().since(time + second).selects(&record));
    }

    #[test]
    fn all_of_time_is_longer_than_time() {
        assert!(Query::new().last(Duration::MAX).selects(&record("")));
    }

    #[test]
    fn one_decision_must_match_both_filter_and_verdict() {
        let record = record(
            r#","guardrail_decisions":[{"filter_name":"pii","decision":"allow"},{"filter_name":"injection","decision":"block"}]"#,
        );
        assert!(Query::new().decision("block").selects(&record));
        assert!(
            Query::new()
                .filter_name("pii")
                .decision("ALLOW")
                .selects(&record)
        );
        assert!(
            !Query::new()
                .filter_name("pii")
                .decision("block")
                .selects(&record)
        );
    }

    #[test]
    fn text_is_found_wherever_it_stands() {
        let record = record(
            r#","prompt":"Über den Wolken","guardrail_decisions":[{"reason":"Toxic"}],"note":{"Deep":["here"]}"#,
        );
        for text in ["über", "WOLKEN", "toxic", "deep", "Here"] {
            assert!(Query::new().text(text).selects(&record), "{text}");
        }
        assert!(!Query::new().text("absent").selects(&record));
    }
}
