//! If no record matches: which values of the filters the trail does not have, and similar ones that it has.

use std::collections::BTreeSet;

use super::exit::{Answer, CommandResult};
use super::filters::Filters;
use super::source::{Input, ReadErrors};
use super::text::{listed, one_line};
use stinger_audit_trail::read::{Query, Stats};
use stinger_audit_trail::record::{EventType, Record};

/// Ends a command that found so many records. If it found none, says so on stderr.
pub(super) fn finish(
    found: u64,
    input: &Input,
    filters: &Filters,
    read_errors: ReadErrors,
) -> CommandResult {
    if found == 0 {
        report(input, filters);
    }
    read_errors.finish()?;
    Ok(Answer::of(found > 0))
}

/// Says that no record matches, and which values of the filters the trail does not have.
fn report(input: &Input, filters: &Filters) {
    let mut parts = vec!["no record matches".to_owned()];
    // A stream was read already.
    if let Input::Trail { .. } = input {
        parts.extend(names(input, filters));
        parts.extend(ids(input, filters));
    }
    eprintln!("stinger-audit: {}", one_line(&parts.join("; ")));
}

/// Tenants, users, models, event types and guardrails: a trail can count them.
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
    let mut unknown_values = Vec::new();
    for (kind, values, known) in known {
        for value in values {
            // The trail's own records are not counted.
            let is_own = kind == "event" && EventType::from(value.as_str()).is_about_trail();
            if !is_own && !known.contains(&value) {
                let mut names = near(value, &known);
                if names.is_empty() && matches!(kind, "event" | "filter") {
                    names = known.iter().map(|name| name.as_str()).collect();
                }
                unknown_values.push(unknown(kind, value, &names));
            }
        }
    }
    unknown_values
}

/// Ids, of which there may be too many to count: those that begin with what was typed.
fn ids(input: &Input, filters: &Filters) -> Vec<String> {
    type Ask = fn(Query, &str) -> Query;
    type Id = fn(&Record) -> Option<&String>;
    // A filter, and its key: a method of `Query` and a field of `Record`.
    macro_rules! kinds {
        ($($kind:ident: $key:ident),*) => {
            [$((stringify!($kind), &filters.$kind, |query, id| query.$key(id), |record| record.$key.as_ref())),*]
        };
    }
    let kinds: [(&str, &[String], Ask, Id); 4] = kinds!(
        conversation: conversation_id,
        session: session_id,
        request: request_id,
        ip: user_ip
    );
    let mut unknown_values = Vec::new();
    for (kind, values, ask, id) in kinds {
        for value in values {
            let lines = input.lines(ask(Query::new(), value).by_prefix()).0;
            let known: BTreeSet<String> = lines
                .flatten()
                .filter_map(|line| id(&line.record).cloned())
                .collect();
            if !known.contains(value) {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                unknown_values.push(unknown(kind, value, &names));
            }
        }
    }
    unknown_values
}

fn unknown(kind: &str, value: &str, names: &[&str]) -> String {
    match names {
        [] => format!("the trail has no {kind} {value}"),
        _ => format!("the trail has no {kind} {value}; it has {}", listed(names)),
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
