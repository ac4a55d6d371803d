//! What the environment says about the run: how many rounds, and of whom.

use std::env;

use crate::rivals::{self, Candidate, Role};

const ROUNDS: &str = "STINGER_BENCH_ROUNDS";
const ONLY: &str = "STINGER_BENCH_ONLY";
const DEFAULT_ROUNDS: usize = 7;

pub struct Settings {
    pub rounds: usize,
    /// Parts of names; none stands for everybody.
    only: Vec<String>,
}

impl Settings {
    pub fn from_environment() -> Settings {
        Settings {
            rounds: given(ROUNDS).map_or(DEFAULT_ROUNDS, |value| rounds(&value)),
            only: given(ONLY).map_or_else(Vec::new, |value| only(&value)),
        }
    }

    pub fn wants(&self, candidate: &Candidate) -> bool {
        self.only.is_empty()
            || matches!(candidate.role, Role::Peer)
            || self.only.iter().any(|part| candidate.name.contains(part))
    }
}

fn given(variable: &str) -> Option<String> {
    match env::var(variable) {
        Ok(value) => Some(value),
        Err(env::VarError::NotPresent) => None,
        Err(error) => panic!("{variable}: {error}"),
    }
}

fn rounds(value: &str) -> usize {
    match value.parse() {
        Ok(rounds) if rounds > 0 => rounds,
        _ => panic!("{ROUNDS} must be a whole number of at least 1, not {value:?}"),
    }
}

fn only(value: &str) -> Vec<String> {
    let parts: Vec<String> = value
        .split(',')
        .map(|part| part.trim().to_owned())
        .collect();
    for part in &parts {
        let known = rivals::ALL
            .iter()
            .any(|candidate| !part.is_empty() && candidate.name.contains(part));
        assert!(known, "{ONLY}: {part:?} is in none of {}", names());
    }
    parts
}

fn names() -> String {
    let names: Vec<&str> = rivals::ALL.iter().map(|candidate| candidate.name).collect();
    names.join(", ")
}
