//! The filters: which records a command reads.

use chrono::{DateTime, Utc};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::exit::CommandError;
use super::time::{self, Zone};
use stinger_audit_trail::read::Query;

/// Which records.
#[derive(Args)]
#[command(
    next_help_heading = "Filters (repeat one to match any of its values; different ones must all match)"
)]
pub(super) struct Filters {
    /// The id of the conversation
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) conversation: Vec<String>,
    /// The id of the tenant
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) tenant: Vec<String>,
    /// The id of the user
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) user: Vec<String>,
    /// The id of the session
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) session: Vec<String>,
    /// The id of the request
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) request: Vec<String>,
    /// The IP address of the user
    #[arg(long, value_name = "ADDRESS", value_parser = NonEmptyStringValueParser::new())]
    pub(super) ip: Vec<String>,
    /// The event type, such as user_prompt, llm_response or guardrail_decision
    #[arg(long, value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    pub(super) event: Vec<String>,
    /// What a guardrail decided: allow, warn, block, modify, error or skipped
    #[arg(long, value_name = "DECISION", value_parser = NonEmptyStringValueParser::new())]
    decision: Vec<String>,
    /// The guardrail that decided (its filter_name)
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) filter: Vec<String>,
    /// The model that was used
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) model: Vec<String>,
    /// A text in a prompt, a response, a reason or any other text, in upper or lower case
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    text: Vec<String>,
    /// The tag of a redacted value; `stinger-audit tag` prints it
    #[arg(long, value_name = "TAG", value_parser = NonEmptyStringValueParser::new())]
    tag: Vec<String>,
    /// At or after this time: 2026-11-24T10:00:00Z, "2026-11-24 10:00 +0200", 10:00Z, today, yesterday, -3h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Within this time until now: 90s, 15min, 1h30m, 7d
    #[arg(long, value_name = "DURATION", conflicts_with = "since")]
    last: Option<String>,
}

impl Filters {
    /// The query that they make. Times without a zone are in `zone`.
    pub(super) fn query(&self, zone: Zone) -> Result<Query, CommandError> {
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
            query = query.decision(parse_decision(decision)?);
        }
        for tag in &self.tag {
            query = query.tag(parse_tag(tag)?);
        }
        if let Some(since) = &self.since {
            query = query.since(time::parse_time("--since", since, zone)?);
        }
        if let Some(until) = self.until(zone)? {
            query = query.until(until);
        }
        if let Some(last) = &self.last {
            query = query.last(time::parse_duration("--last", last)?);
        }
        Ok(query)
    }

    pub(super) fn until(&self, zone: Zone) -> Result<Option<DateTime<Utc>>, CommandError> {
        let until = self.until.as_deref();
        until
            .map(|until| time::parse_time("--until", until, zone))
            .transpose()
    }

    /// The filters as they were typed, for the head of an export.
    pub(super) fn as_typed(&self) -> Vec<String> {
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

/// Any other word is a mistake: it would match nothing.
fn parse_decision(word: &str) -> Result<&str, CommandError> {
    const WORDS: [&str; 6] = ["allow", "warn", "block", "modify", "error", "skipped"];
    match WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        true => Ok(word),
        false => Err(CommandError::Usage(format!(
            "--decision {word}: not a decision; write one of {}",
            WORDS.join(", ")
        ))),
    }
}

/// A tag as a text, a record's `redactions` or the command `tag` spells it.
fn parse_tag(typed: &str) -> Result<String, CommandError> {
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
        _ => Err(CommandError::Usage(format!(
            "--tag {typed}: not a tag; write [EMAIL:k1:9GZ4M2QX7R1B] or k1:9GZ4M2QX7R1B; \
             `stinger-audit tag` prints the tag of a value, and --text searches texts"
        ))),
    }
}
