//! Where the service runs: what the environment says, and why it is taken for what.

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

/// What is asked of the world around the process. Tests ask another one.
pub(crate) trait EnvSource {
    fn variable(&self, name: &str) -> Option<String>;
    /// The names of all variables that are set.
    fn names(&self) -> Vec<String>;
    fn exists(&self, path: &str) -> bool;
    /// A debug build whose stdout is a terminal.
    fn is_interactive_debug_build(&self) -> bool;
}

/// The process's own surroundings.
pub(crate) struct ProcessEnv;

impl EnvSource for ProcessEnv {
    fn variable(&self, name: &str) -> Option<String> {
        // Bytes that are not UTF-8 make an unknown value, not an absent one.
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn names(&self) -> Vec<String> {
        let names = std::env::vars_os().map(|(name, _)| name);
        names.filter_map(|name| name.into_string().ok()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn is_interactive_debug_build(&self) -> bool {
        cfg!(debug_assertions) && stdout().is_terminal()
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
pub(crate) fn detect(env: &impl EnvSource) -> (Environment, String) {
    let mut stated: Vec<(Environment, String)> = Vec::new();
    for name in NAMES {
        if let Some(value) = env.variable(name).filter(|value| !value.trim().is_empty()) {
            stated.push(match named(&value) {
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
        let value = env.variable(name);
        if value.as_deref().and_then(truth) == Some(true) {
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
    if let Some(file) = CONTAINER_FILES.into_iter().find(|file| env.exists(file)) {
        return (Environment::Container, format!("{file} exists"));
    }
    if env.variable("KUBERNETES_SERVICE_HOST").is_some() {
        return (
            Environment::Container,
            "KUBERNETES_SERVICE_HOST is set".to_owned(),
        );
    }
    if env.is_interactive_debug_build() {
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
pub(crate) mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(Default)]
    pub(crate) struct FakeEnv {
        pub(crate) variables: HashMap<&'static str, &'static str>,
        pub(crate) files: Vec<&'static str>,
        pub(crate) interactive: bool,
    }

    impl FakeEnv {
        pub(crate) fn with(variables: &[(&'static str, &'static str)]) -> FakeEnv {
            FakeEnv {
                variables: variables.iter().copied().collect(),
                ..FakeEnv::default()
            }
        }
    }

    impl EnvSource for FakeEnv {
        fn variable(&self, name: &str) -> Option<String> {
            self.variables.get(name).map(|value| (*value).to_owned())
        }
        fn names(&self) -> Vec<String> {
            self.variables
                .keys()
                .map(|name| (*name).to_owned())
                .collect()
        }
        fn exists(&self, path: &str) -> bool {
            self.files.contains(&path)
        }
        fn is_interactive_debug_build(&self) -> bool {
            self.interactive
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
            let (environment, reason) = detect(&FakeEnv::with(variables));
            assert_eq!(environment, expected, "{variables:?}: {reason}");
        }
        let (_, reason) = detect(&FakeEnv::with(&[("PROD", "true"), ("DEBUG", "true")]));
        assert_eq!(reason, "PROD is set (stricter than DEBUG is set)");
    }

    #[test]
    fn traces_count_only_where_nothing_was_stated() {
        let mut env = FakeEnv {
            files: vec!["/run/.containerenv"],
            interactive: true,
            ..FakeEnv::default()
        };
        assert_eq!(detect(&env).0, Environment::Container);
        env.variables.insert("STINGER_ENV", "development");
        assert_eq!(detect(&env).0, Environment::Development);
        let env = FakeEnv {
            interactive: true,
            ..FakeEnv::default()
        };
        assert_eq!(detect(&env).0, Environment::Development);
    }
}
