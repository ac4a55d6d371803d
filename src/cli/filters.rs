//! The filters: which records a command reads.

use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Trouble;
use super::time::{self, Zone};
use crate::read::Query;

/// Which records. A repeated option means "or", different options mean "and".
#[derive(Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// Of this conversation
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) conversation: Vec<String>,
    /// For this tenant
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) tenant: Vec<String>,
    /// For this user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) user: Vec<String>,
    /// Of this session
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) session: Vec<String>,
    /// Of this request
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) request: Vec<String>,
    /// For users at this address
    #[arg(long, value_name = "ADDRESS", value_parser = NonEmptyStringValueParser::new())]
    pub(super) ip: Vec<String>,
    /// Of this type, such as user_prompt
    #[arg(long, value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    pub(super) event: Vec<String>,
    /// In which a guardrail decided this: allow, warn, block, modify, error, skipped
    #[arg(long, value_name = "DECISION", value_parser = NonEmptyStringValueParser::new())]
    decision: Vec<String>,
    /// In which this guardrail decided
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) filter: Vec<String>,
    /// Of this model
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) model: Vec<String>,
    /// In whose texts this stands, in upper or lower case
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    text: Vec<String>,
    /// In which a value with this tag was redacted: see the command `tag`
    #[arg(long, value_name = "TAG", value_parser = NonEmptyStringValueParser::new())]
    tag: Vec<String>,
    /// From this time on: 2026-11-24T10:00:00Z, 2026-11-24 10:00 +0200, 10:00Z, today, yesterday, -3h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Of this long ago until now: 90s, 15min, 1h30m, 7d
    #[arg(long, value_name = "DURATION", conflicts_with = "since")]
    last: Option<String>,
}

impl Filters {
    /// What they select. Times without a zone are of `zone`.
    pub(super) fn query(&self, zone: Zone) -> Result<Query, Trouble> {
        let mut query = Query::new();
        query = each(query, &self.conversation, Query::conversation_id);
        query = each(query, &self.tenant, Query::tenant_id);
        query = each(query, &self.user, Query::user_id);
        query = each(query, &self.session, Query::session_id);
        query = each(query, &self.request, Query::request_id);
        query = each(query, &self.ip, Query::user_ip);
        query = each(query, &self.event, Query::event_type);
        query = each(query, &self.filter, Query::filter_name);
        query = each(query, &self.model, Query::model_used);
        query = each(query, &self.text, Query::text);
        for decision in &self.decision {
            query = query.decision(known_decision(decision)?);
        }
        for tag in &self.tag {
            query = query.tag(known_tag(tag)?);
        }
        if let Some(since) = &self.since {
            query = query.since(time::point("--since", since, zone)?);
        }
        if let Some(until) = self.until(zone)? {
            query = query.until(until);
        }
        if let Some(last) = &self.last {
            query = query.last(time::duration("--last", last)?);
        }
        Ok(query)
    }

    pub(super) fn until(&self, zone: Zone) -> Result<Option<DateTime<Utc>>, Trouble> {
        let until = self.until.as_deref();
        until
            .map(|until| time::point("--until", until, zone))
            .transpose()
    }

    /// The filters in words, for the head of an export.
    pub(super) fn words(&self) -> Vec<String> {
        let lists = [
            ("conversation", &self.conversation),
            ("tenant", &self.tenant),
            ("user", &self.user),
            ("session", &self.session),
            ("request", &self.request),
            ("ip", &self.ip),
            ("event", &self.event),
            ("decision", &self.decision),
            ("filter", &self.filter),
            ("model", &self.model),
            ("text", &self.text),
            ("tag", &self.tag),
        ];
        let lists = lists
            .into_iter()
            .flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
        let times = [
            ("since", &self.since),
            ("until", &self.until),
            ("last", &self.last),
        ];
        let times = times
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}")));
        lists.chain(times).collect()
    }
}

/// Adds each of the values to what a query asks for.
fn each(query: Query, values: &[String], add: fn(Query, String) -> Query) -> Query {
    values.iter().cloned().fold(query, add)
}

/// A word that is none of the six is a mistake that would find nothing.
fn known_decision(word: &str) -> Result<&str, Trouble> {
    const WORDS: [&str; 6] = ["allow", "warn", "block", "modify", "error", "skipped"];
    match WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        true => Ok(word),
        false => Err(Trouble::Usage(format!(
            "--decision {word}: there is no such decision; there are {}",
            WORDS.join(", ")
        ))),
    }
}

/// A tag as a text, the list of redactions or the command `tag` has it.
fn known_tag(typed: &str) -> Result<String, Trouble> {
    let tag = typed.trim().trim_start_matches('[').trim_end_matches(']');
    let mut parts = tag.rsplitn(3, ':');
    let (digest, key, kind) = (parts.next(), parts.next(), parts.next());
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric())
    };
    let digest = digest.map(str::to_ascii_uppercase);
    match (digest, key) {
        (Some(digest), Some(key))
            if digest.len() == 12 && is_word(&digest) && is_word(key) && kind != Some("") =>
        {
            let kind = kind.map_or(String::new(), |kind| format!("{kind}:"));
            Ok(format!("{kind}{key}:{digest}"))
        }
        _ => Err(Trouble::Usage(format!(
            "--tag {typed}: this is no tag; write [EMAIL:k1:9GZ4M2QX7R1B] or k1:9GZ4M2QX7R1B; \
             the command `tag` makes one of a value, and --text finds what stands in a text"
        ))),
    }
}
