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
    /// The file or directory that only a container has.
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

/// Files and directories that container engines and Kubernetes leave.
const CONTAINER_FILES: [&str; 4] = [
    "/.dockerenv",
    "/run/.containerenv",
    "/run/secrets/kubernetes.io",
    "/run/systemd/container",
];

/// Variables that orchestrators and container engines set for what they run.
const CONTAINER_VARIABLES: [&str; 9] = [
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_PORT",
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
    "AWS_LAMBDA_FUNCTION_NAME",
    "K_SERVICE",
    "CONTAINER_APP_NAME",
    "NOMAD_ALLOC_ID",
    // systemd's and podman's word for what they run in.
    "container",
];

/// The variable of this project, which alone makes a container a developer's machine.
const OWN: &str = NAMES[0];

/// The environment and the reason for it.
///
/// Variables are statements; what container engines and orchestrators leave are traces. Of several statements the
/// strictest wins, and of equally strict ones the first. Where there is a trace, only the project's own variable makes
/// it development: `DEBUG` and the like are for the application, and would write unredacted texts to the cluster's logs.
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
    let strictest = stated.iter().map(|(environment, _)| *environment).max();
    let is_own = stated.first().is_some_and(|(_, why)| why.starts_with(OWN));
    let trace = trace_of_container(env);
    let is_overruled = strictest == Some(Environment::Development) && !is_own;
    if let Some(trace) = trace.as_ref().filter(|_| is_overruled) {
        let stated: Vec<_> = stated.into_iter().map(|(_, why)| why).collect();
        let reason = format!(
            "{trace} (stricter than {}; in a container only {OWN}=development switches redaction off)",
            stated.join(", ")
        );
        return (Environment::Container, reason);
    }
    if let Some(strictest) = strictest {
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
    if let Some(trace) = trace {
        return (Environment::Container, trace);
    }
    if env.is_interactive_debug_build {
        let reason = "nothing says otherwise, and this is a debug build on a terminal";
        return (Environment::Development, reason.to_owned());
    }
    (Environment::Production, "nothing says otherwise".to_owned())
}

/// What shows that the process runs in a container or a cluster.
fn trace_of_container(env: &EnvSource) -> Option<String> {
    let is_set = |name: &&&str| env.variable(name).is_some_and(|value| !value.is_empty());
    let variable = CONTAINER_VARIABLES.iter().find(is_set);
    let file = env.container_file.map(|file| format!("{file} exists"));
    file.or_else(|| variable.map(|name| format!("{name} is set")))
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
    fn in_a_container_or_a_cluster_only_the_own_variable_makes_it_development() {
        use Environment::{Container, Development, Production};
        let statements = [
            ("DEBUG", "true"),
            ("DEV", "1"),
            ("ENVIRONMENT", "development"),
            ("APP_ENV", "local"),
        ];
        for trace in CONTAINER_VARIABLES {
            for statement in statements {
                let variables = [statement, (trace, "10.0.0.1")];
                let (environment, reason) = detect(&EnvSource::with(&variables));
                assert_eq!(environment, Container, "{variables:?}: {reason}");
                let says = format!("{trace} is set (stricter than {}", statement.0);
                assert!(reason.starts_with(&says), "{reason}");
                assert_eq!(detect(&EnvSource::with(&[statement])).0, Development);
                assert_eq!(
                    detect(&EnvSource::with(&[statement]).in_container()).0,
                    Container
                );

                let own = [
                    statement,
                    (trace, "10.0.0.1"),
                    ("STINGER_ENV", "development"),
                ];
                assert_eq!(detect(&EnvSource::with(&own)).0, Development);
                let strict = [statement, (trace, "10.0.0.1"), ("PROD", "true")];
                assert_eq!(detect(&EnvSource::with(&strict)).0, Production);
            }
        }
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
