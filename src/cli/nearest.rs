//! Nothing matches: what was asked for that the trail does not know, and what it knows instead.

use std::collections::BTreeSet;

use super::args::Filters;
use super::source::Input;
use super::text::one_line;
use crate::read::{Query, Stats};
use crate::record::{EventType, Record};

/// So many names are told.
const NAMED: usize = 5;

/// Says on stderr that no record matches, and why where it is a name that the trail does not have.
pub(super) fn tell(input: &Input, filters: &Filters) {
    let mut parts = vec!["no record matches".to_owned()];
    // A stream was read already.
    if let Input::Trail { .. } = input {
        parts.extend(names(input, filters));
        parts.extend(ids(input, filters));
    }
    eprintln!("stinger-audit: {}", one_line(&parts.join("; ")));
}

/// Tenants, users, models, types and guardrails, of which a trail is counted.
fn names(input: &Input, filters: &Filters) -> Vec<String> {
    let asked = [
        &filters.event,
        &filters.filter,
        &filters.tenant,
        &filters.user,
        &filters.model,
    ];
    if asked.into_iter().all(|values| values.is_empty()) {
        return Vec::new();
    }
    let Stats {
        event_types,
        decisions,
        tenants,
        users,
        models,
        ..
    } = input.stats(Query::new());
    let known: [(&str, &[String], Vec<&String>); 5] = [
        ("event", &filters.event, event_types.keys().collect()),
        ("filter", &filters.filter, decisions.keys().collect()),
        ("tenant", &filters.tenant, tenants.keys().collect()),
        ("user", &filters.user, users.keys().collect()),
        ("model", &filters.model, models.keys().collect()),
    ];
    let mut told = Vec::new();
    for (kind, values, known) in known {
        for value in values {
            // The trail's own records are not counted.
            let is_own = kind == "event" && EventType::names_trail(value);
            if !is_own && !known.contains(&value) {
                let mut names = near(value, &known);
                if names.is_empty() && matches!(kind, "event" | "filter") {
                    names = known.iter().map(|name| name.as_str()).collect();
                }
                told.push(unknown(kind, value, &names));
            }
        }
    }
    told
}

/// Ids, of which there may be too many to count: those that begin with what was typed.
fn ids(input: &Input, filters: &Filters) -> Vec<String> {
    type Id = fn(&Record) -> Option<&String>;
    type Ask = fn(Query, &str) -> Query;
    let kinds: [(&str, &[String], Ask, Id); 4] = [
        (
            "conversation",
            &filters.conversation,
            |query, id| query.conversation_id(id),
            |record| record.conversation_id.as_ref(),
        ),
        (
            "session",
            &filters.session,
            |query, id| query.session_id(id),
            |record| record.session_id.as_ref(),
        ),
        (
            "request",
            &filters.request,
            |query, id| query.request_id(id),
            |record| record.request_id.as_ref(),
        ),
        (
            "ip",
            &filters.ip,
            |query, id| query.user_ip(id),
            |record| record.user_ip.as_ref(),
        ),
    ];
    let mut told = Vec::new();
    for (kind, values, ask, id) in kinds {
        for value in values {
            let lines = input.lines(ask(Query::new(), value).by_prefix()).0;
            let known: BTreeSet<String> = lines
                .flatten()
                .filter_map(|line| id(&line.record).cloned())
                .collect();
            if !known.contains(value) {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                told.push(unknown(kind, value, &names));
            }
        }
    }
    told
}

fn unknown(kind: &str, value: &str, names: &[&str]) -> String {
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = names[..names.len().min(NAMED)].join(", ");
    match names {
        [] => format!("the trail has no {kind} {value}"),
        [name] => format!("the trail has no {kind} {value}, but {name}"),
        _ => format!("the trail has no {kind} {value}, but {named}{more}"),
    }
}

/// Names that are like what was typed, the most alike first.
fn near<'k>(typed: &str, known: &[&'k String]) -> Vec<&'k str> {
    let wanted = typed.to_lowercase();
    let score = |name: &&'k String| {
        let name = name.to_lowercase();
        let most = (wanted.chars().count() / 3).max(1);
        let score = match () {
            () if name.starts_with(&wanted) => 0,
            () if name.contains(&wanted) => 1,
            () => 1 + distance(&wanted, &name, most)?,
        };
        Some(score)
    };
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .filter_map(|name| Some((score(name)?, name.as_str())))
        .collect();
    near.sort();
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many characters differ, are missing or too many, if they are no more than `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_named() {
        let known = ["u-10", "u-11", "U-1", "pii", "prompt_injection"].map(str::to_owned);
        let known: Vec<&String> = known.iter().collect();
        assert_eq!(near("u-1", &known), ["U-1", "u-10", "u-11"]);
        assert_eq!(near("promt_injection", &known), ["prompt_injection"]);
        assert_eq!(near("PII", &known), ["pii"]);
        assert!(near("toxicity", &known).is_empty());
        assert_eq!(distance("kitten", "sitting", 3), Some(3));
        assert_eq!(distance("kitten", "sitting", 2), None);
    }
}
