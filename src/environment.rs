//! Where the service runs: what the environment says, and why it is taken for what.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal, stdout};
use std::path::Path;

use serde::Serialize;

/// What a service runs in, which decides the defaults. Ordered by strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Environment {
    /// A developer's machine: records go to stdout, not redacted.
    Development,
    /// A container: records go to stdout, redacted.
    Container,
    /// Anything that matters, and anything unknown: records go to `./audit.log`, redacted.
    Production,
}

impl Environment {
    /// The word, as it stands in `trail_opened`.
    pub fn as_str(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Container => "container",
            Environment::Production => "production",
        }
    }

    /// Whether the environment alone cannot switch the trail or its redaction off here.
    pub fn is_guarded(self) -> bool {
        self >= Environment::Container
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the environment of the process says.
#[derive(Clone, Default)]
pub(crate) struct EnvSource {
    variables: BTreeMap<String, String>,
    /// The file that only a container has.
    container_file: Option<&'static str>,
    /// A debug build whose stdout is a terminal.
    is_interactive_debug_build: bool,
}

impl EnvSource {
    /// That of this process. Values that are not UTF-8 are unknown values, not absent ones.
    pub(crate) fn of_process() -> EnvSource {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let mut files = CONTAINER_FILES.into_iter();
        EnvSource {
            variables: variables.collect(),
            container_file: files.find(|file| Path::new(file).exists()),
            is_interactive_debug_build: cfg!(debug_assertions) && stdout().is_terminal(),
        }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The variables whose names begin like this.
    pub(crate) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let begins = move |(name, _): &(&String, &String)| name.starts_with(prefix);
        let variables = self.variables.iter().filter(begins);
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same without the variables whose names begin like this.
    pub(crate) fn without_prefix(&self, prefix: &str) -> EnvSource {
        let mut env = self.clone();
        env.variables.retain(|name, _| !name.starts_with(prefix));
        env
    }
}

/// Variables that name the environment, first the one that is asked first.
const NAMES: [&str; 3] = ["STINGER_ENV", "ENVIRONMENT", "APP_ENV"];

/// Variables that are true or false, and what they say when they are true.
const FLAGS: [(&str, Environment); 4] = [
    ("DEV", Environment::Development),
    ("DEBUG", Environment::Development),
    ("PROD", Environment::Production),
    ("DOCKER", Environment::Container),
];

const CONTAINER_FILES: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The environment and the reason for it.
///
/// Variables are statements; files and Kubernetes's variable are only traces, and are
/// looked for when nothing was stated. Of several statements the strictest wins, and of
/// equally strict ones the first.
pub(crate) fn detect(env: &EnvSource) -> (Environment, String) {
    let mut stated: Vec<(Environment, String)> = Vec::new();
    for name in NAMES {
        if let Some(value) = env.variable(name).filter(|value| !value.trim().is_empty()) {
            stated.push(match named(value) {
                Some(environment) => (environment, format!("{name}={value}")),
                None => (
                    Environment::Production,
                    format!(
                        "{name}={value} is no environment known here, which counts as production"
                    ),
                ),
            });
        }
    }
    for (name, environment) in FLAGS {
        if env.variable(name).and_then(truth) == Some(true) {
            stated.push((environment, format!("{name} is set")));
        }
    }
    if let Some(strictest) = stated.iter().map(|(environment, _)| *environment).max() {
        let (deciding, overruled): (Vec<_>, Vec<_>) = stated
            .into_iter()
            .partition(|(environment, _)| *environment == strictest);
        let mut reason = deciding[0].1.clone();
        if !overruled.is_empty() {
            let weaker: Vec<_> = overruled.into_iter().map(|(_, why)| why).collect();
            reason.push_str(&format!(" (stricter than {})", weaker.join(", ")));
        }
        return (strictest, reason);
    }
    if let Some(file) = env.container_file {
        return (Environment::Container, format!("{file} exists"));
    }
    if env.variable("KUBERNETES_SERVICE_HOST").is_some() {
        return (
            Environment::Container,
            "KUBERNETES_SERVICE_HOST is set".to_owned(),
        );
    }
    if env.is_interactive_debug_build {
        let reason = "nothing says otherwise, and this is a debug build on a terminal";
        return (Environment::Development, reason.to_owned());
    }
    (Environment::Production, "nothing says otherwise".to_owned())
}

fn named(value: &str) -> Option<Environment> {
    match value.trim().to_ascii_lowercase().as_str() {
        "dev" | "development" | "local" => Some(Environment::Development),
        "docker" | "container" | "kubernetes" => Some(Environment::Container),
        "prod" | "production" => Some(Environment::Production),
        _ => None,
    }
}

/// A truth value as people write it in the environment.
pub(crate) fn truth(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl EnvSource {
        pub(crate) fn with(variables: &[(&str, &str)]) -> EnvSource {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            EnvSource {
                variables: variables.iter().map(owned).collect(),
                ..EnvSource::default()
            }
        }

        pub(crate) fn in_container(self) -> EnvSource {
            EnvSource {
                container_file: Some("/.dockerenv"),
                ..self
            }
        }
    }

    #[test]
    fn the_strictest_statement_wins_and_the_reason_says_so() {
        use Environment::{Container, Development, Production};
        for (variables, expected) in [
            (&[("STINGER_ENV", "development")][..], Development),
            (&[("STINGER_ENV", "DEV")], Development),
            (&[("ENVIRONMENT", "Production")], Production),
            (&[("APP_ENV", "prod")], Production),
            (&[("APP_ENV", "staging")], Production),
            (
                &[("STINGER_ENV", "dev"), ("ENVIRONMENT", "prod")],
                Production,
            ),
            (&[("PROD", "true"), ("DEBUG", "true")], Production),
            (&[("DEBUG", "1")], Development),
            (&[("DEV", "yes"), ("DOCKER", "1")], Container),
            (&[("DEBUG", "false")], Production),
            (&[("DEBUG", "express:*")], Production),
            (&[("STINGER_ENV", "")], Production),
            (&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")], Container),
            (&[], Production),
        ] {
            let (environment, reason) = detect(&EnvSource::with(variables));
            assert_eq!(environment, expected, "{variables:?}: {reason}");
        }
        let (_, reason) = detect(&EnvSource::with(&[("PROD", "true"), ("DEBUG", "true")]));
        assert_eq!(reason, "PROD is set (stricter than DEBUG is set)");
    }

    #[test]
    fn traces_count_only_where_nothing_was_stated() {
        let interactive = |variables| EnvSource {
            is_interactive_debug_build: true,
            ..EnvSource::with(variables)
        };
        let in_container = |variables| interactive(variables).in_container();
        assert_eq!(detect(&in_container(&[])).0, Environment::Container);
        let env = in_container(&[("STINGER_ENV", "development")]);
        assert_eq!(detect(&env).0, Environment::Development);
        assert_eq!(detect(&interactive(&[])).0, Environment::Development);
    }
}
