//! Where audit events get lost with an ordinary layer: the typed functions are recorded
//! exactly once in every case, bare macros are recorded or the probe says that they are
//! not, and the application's own layer loses no line and shows no audit text.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use stinger_audit::{Audit, TARGET};
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Level, Subscriber, dispatcher, info, info_span, warn};
use tracing_subscriber::filter::{EnvFilter, Targets, dynamic_filter_fn, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;
use tracing_subscriber::{Layer, Registry};

mod common;
use common::Bench;

const SECRET: &str = "audited text";

/// What the application's own log shows.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
    fn lines(&self, with: &str) -> usize {
        self.text()
            .lines()
            .filter(|line| line.contains(with))
            .count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;
    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

fn fmt<S>(
    log: &Log,
) -> tracing_subscriber::fmt::Layer<
    S,
    tracing_subscriber::fmt::format::DefaultFields,
    tracing_subscriber::fmt::format::Format,
    Log,
>
where
    S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(log.clone())
}

fn both(number: usize) {
    info!(target: TARGET, event_type = "bare", prompt = SECRET, number);
    stinger_audit::emit::prompt(SECRET)
        .field("number", number)
        .log()
        .expect("recorded");
}

fn numbers(bench: &Bench, event_type: &str) -> Vec<u64> {
    let records = bench.records().into_iter();
    records
        .filter(|record| record.event_type.as_str() == event_type)
        .filter_map(|record| record.other["number"].as_u64())
        .collect()
}

/// Runs a scenario with the audit layer inside and outside of the application's layer.
fn in_both_orders(scenario: impl Fn(&Bench, &dyn Fn(&Log) -> Dispatch)) {
    let inside = Bench::new();
    scenario(&inside, &|log| {
        Dispatch::new(
            Registry::default()
                .with(inside.audit.layer())
                .with(fmt(log)),
        )
    });
    let outside = Bench::new();
    scenario(&outside, &|log| {
        Dispatch::new(
            Registry::default()
                .with(fmt(log))
                .with(outside.audit.layer()),
        )
    });
}

fn expect_all(bench: &Bench, log: &Log, count: usize) {
    let expected: Vec<_> = (0..count as u64).collect();
    assert_eq!(numbers(bench, "bare"), expected, "bare macros");
    assert_eq!(numbers(bench, "user_prompt"), expected, "typed functions");
    assert!(!log.text().contains(SECRET), "{}", log.text());
}

#[test]
fn asking_whether_something_is_enabled_loses_nothing() {
    in_both_orders(|bench, dispatch| {
        let log = Log::default();
        dispatcher::with_default(&dispatch(&log), || {
            for number in 0..100 {
                let _ = tracing::enabled!(target: "app", Level::TRACE);
                let _ = tracing::event_enabled!(target: "app", Level::DEBUG);
                both(number);
                info!("app line");
            }
        });
        expect_all(bench, &log, 100);
        assert_eq!(log.lines("app line"), 100);
    });
}

#[test]
fn an_event_in_the_arguments_of_another_loses_nothing() {
    fn inner(number: usize) -> &'static str {
        both(number);
        "value"
    }
    in_both_orders(|bench, dispatch| {
        let log = Log::default();
        dispatcher::with_default(&dispatch(&log), || {
            for number in 0..100 {
                info!(value = inner(number), "app line");
                tracing::trace!(value = inner(1_000), "off or on");
            }
        });
        let typed = numbers(bench, "user_prompt");
        assert_eq!(typed.iter().filter(|&&number| number < 100).count(), 100);
        assert_eq!(typed, numbers(bench, "bare"));
        assert_eq!(log.lines("app line"), 100);
        assert!(!log.text().contains(SECRET));
    });
}

/// Every filter that the application may put on its own layer.
fn filtered_layers(log: &Log) -> Vec<(&'static str, Box<dyn Layer<Registry> + Send + Sync>)> {
    let (reloadable, _) = reload::Layer::new(LevelFilter::INFO);
    vec![
        ("none", fmt(log).boxed()),
        (
            "LevelFilter",
            fmt(log).with_filter(LevelFilter::INFO).boxed(),
        ),
        (
            "EnvFilter",
            fmt(log).with_filter(EnvFilter::new("info")).boxed(),
        ),
        (
            "EnvFilter with span fields",
            fmt(log)
                .with_filter(EnvFilter::new("info,[{k=1}]=trace"))
                .boxed(),
        ),
        (
            "Targets",
            fmt(log)
                .with_filter(Targets::new().with_default(Level::INFO))
                .boxed(),
        ),
        (
            "filter_fn",
            fmt(log)
                .with_filter(filter_fn(|m| *m.level() <= Level::INFO))
                .boxed(),
        ),
        (
            "dynamic_filter_fn",
            fmt(log)
                .with_filter(dynamic_filter_fn(|m, _| *m.level() <= Level::INFO))
                .boxed(),
        ),
        ("reload", fmt(log).with_filter(reloadable).boxed()),
        (
            "refuses audit",
            fmt(log)
                .with_filter(filter_fn(|m| m.target() != TARGET))
                .boxed(),
        ),
    ]
}

#[test]
fn the_wall_hides_audit_text_under_every_filter_and_no_line_or_span_is_lost_by_it() {
    for outside in [false, true] {
        for index in 0..9 {
            let (bench, log) = (Bench::new(), Log::default());
            let (name, layer) = filtered_layers(&log).swap_remove(index);
            let dispatch = match outside {
                true => Dispatch::new(Registry::default().with(layer).with(bench.audit.layer())),
                false => Dispatch::new(
                    Registry::default()
                        .with(bench.audit.layer().boxed())
                        .with(filtered_outer(&log, index)),
                ),
            };
            dispatcher::with_default(&dispatch, || {
                for number in 0..1_000 {
                    both(number);
                    let _attributed = info_span!("attributed", user_id = "u", number).entered();
                    info!("line in span");
                    both(1_000 + number);
                    let _plain = info_span!("plain").entered();
                    info!("line in plain");
                }
            });
            let what = format!(
                "{name}, audit layer {}",
                if outside { "outside" } else { "inside" }
            );
            assert_eq!(numbers(&bench, "bare").len(), 2_000, "{what}");
            assert_eq!(numbers(&bench, "user_prompt").len(), 2_000, "{what}");
            assert!(!log.text().contains(SECRET), "{what}");
            let in_span = log
                .text()
                .lines()
                .filter(|line| line.contains("attributed{") && line.contains("line in span"))
                .count();
            assert_eq!(in_span, 1_000, "{what}: lines in their span");
            let in_plain = log
                .text()
                .lines()
                .filter(|line| line.contains(":plain") && line.contains("line in plain"))
                .count();
            assert_eq!(in_plain, 1_000, "{what}: lines in the plain span");
        }
    }
}

type Inner = tracing_subscriber::layer::Layered<Box<dyn Layer<Registry> + Send + Sync>, Registry>;

/// The same filters, on a layer around the audit layer.
fn filtered_outer(log: &Log, index: usize) -> Box<dyn Layer<Inner> + Send + Sync> {
    let (reloadable, _) = reload::Layer::new(LevelFilter::INFO);
    match index {
        0 => fmt(log).boxed(),
        1 => fmt(log).with_filter(LevelFilter::INFO).boxed(),
        2 => fmt(log).with_filter(EnvFilter::new("info")).boxed(),
        3 => fmt(log)
            .with_filter(EnvFilter::new("info,[{k=1}]=trace"))
            .boxed(),
        4 => fmt(log)
            .with_filter(Targets::new().with_default(Level::INFO))
            .boxed(),
        5 => fmt(log)
            .with_filter(filter_fn(|m| *m.level() <= Level::INFO))
            .boxed(),
        6 => fmt(log)
            .with_filter(dynamic_filter_fn(|m, _| *m.level() <= Level::INFO))
            .boxed(),
        7 => fmt(log).with_filter(reloadable).boxed(),
        _ => fmt(log)
            .with_filter(filter_fn(|m| m.target() != TARGET))
            .boxed(),
    }
}

/// The typed functions are recorded once; the bare macros are not, and the probe says so.
fn expect_typed_and_a_warning(bench: &Bench, audit: &Audit, dispatch: &Dispatch, log: &Log) {
    dispatcher::with_default(dispatch, || {
        for number in 0..10 {
            both(number);
            warn!("app line");
        }
        assert!(!audit.check_event_delivery().is_complete());
    });
    assert_eq!(numbers(bench, "user_prompt"), (0..10).collect::<Vec<_>>());
    assert_eq!(numbers(bench, "bare"), [0; 0]);
    assert!(audit.status().events_filtered.is_some(), "status() says so");
    assert!(!log.text().contains(SECRET));
    let told = common::all_records(&bench.path());
    assert!(
        told.iter()
            .any(|record| record.event_type.as_str() == "trail_events_filtered")
    );
}

#[test]
fn a_global_filter_starves_macros_and_is_noticed() {
    for directives in ["error", "warn", "off,app=trace", "warn,stinger::audit=off"] {
        for outside in [false, true] {
            let (bench, log) = (Bench::new(), Log::default());
            let filter = || EnvFilter::new(directives);
            let dispatch = match outside {
                true => Dispatch::new(
                    Registry::default()
                        .with(filter())
                        .with(fmt(&log))
                        .with(bench.audit.layer()),
                ),
                false => Dispatch::new(
                    Registry::default()
                        .with(bench.audit.layer())
                        .with(fmt(&log))
                        .with(filter()),
                ),
            };
            expect_typed_and_a_warning(&bench, &bench.audit, &dispatch, &log);
        }
    }
}

#[test]
fn a_reloaded_filter_starves_macros_and_is_noticed_and_so_is_its_end() {
    let (bench, log) = (Bench::new(), Log::default());
    let (filter, handle) = reload::Layer::new(LevelFilter::TRACE);
    let dispatch = Dispatch::new(
        Registry::default()
            .with(filter)
            .with(fmt(&log))
            .with(bench.audit.layer()),
    );
    dispatcher::with_default(&dispatch, || {
        info!(target: TARGET, event_type = "early", number = 0);
        assert!(bench.audit.check_event_delivery().is_complete());
        handle.reload(LevelFilter::OFF).expect("reloaded");
    });
    expect_typed_and_a_warning(&bench, &bench.audit, &dispatch, &log);
    dispatcher::with_default(&dispatch, || {
        handle.reload(LevelFilter::INFO).expect("reloaded");
        info!(target: TARGET, event_type = "late", number = 1);
        assert_eq!(bench.audit.check_event_delivery().lowest, Some(Level::INFO));
    });
    assert_eq!(bench.audit.status().events_filtered, None);
    assert_eq!(
        (numbers(&bench, "early"), numbers(&bench, "late")),
        (vec![0], vec![1])
    );
}

#[test]
fn a_filter_that_passes_the_events_and_drops_the_spans_costs_only_their_attribution() {
    let (bench, log) = (Bench::new(), Log::default());
    let filter = EnvFilter::new("error,stinger::audit=info");
    let dispatch = Dispatch::new(
        Registry::default()
            .with(filter)
            .with(fmt(&log))
            .with(bench.audit.layer()),
    );
    dispatcher::with_default(&dispatch, || {
        let _span = info_span!("request", user_id = "u").entered();
        both(0);
    });
    expect_all(&bench, &log, 1);
}

/// Needs a process of its own: the process's trail is what is fallen back to.
#[test]
fn without_the_layer_in_the_threads_subscriber_typed_functions_reach_the_processs_trail() {
    if !in_a_process_of_its_own(
        "without_the_layer_in_the_threads_subscriber_typed_functions_reach_the_processs_trail",
    ) {
        return;
    }
    let (bench, log) = (Bench::new(), Log::default());
    let audit = Dispatch::new(Registry::default().with(bench.audit.layer()));
    dispatcher::set_global_default(audit).expect("the first");
    let none = Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let other = Dispatch::new(Registry::default().with(fmt(&log)));
    let _span = info_span!("request", user_id = "u").entered();
    dispatcher::with_default(&none, || {
        stinger_audit::emit::prompt(SECRET)
            .field("number", 0)
            .log()
            .expect("recorded");
        assert_eq!(
            bench.audit.check_event_delivery().lowest,
            None,
            "noticed where it is asked"
        );
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            dispatcher::with_default(&other, || {
                both(1);
                assert_eq!(bench.audit.check_event_delivery().lowest, None);
                let text = log.text();
                assert!(text.contains("looks whether audit events"), "{text}");
                assert!(!text.contains("ERROR"), "an alarm: {text}");
                let events_filtered = bench.audit.status().events_filtered;
                assert!(events_filtered.is_some_and(|why| why.contains("in clear")));
            });
        });
    });
    both(2);
    assert_eq!(numbers(&bench, "user_prompt"), [0, 1, 2]);
    assert_eq!(numbers(&bench, "bare"), [2]);
    let users: Vec<_> = bench
        .records()
        .into_iter()
        .map(|record| record.user_id)
        .collect();
    let u = Some("u".to_owned());
    assert_eq!(
        users,
        [u.clone(), None, u.clone(), u],
        "the spans of the thread still count"
    );
    // The bare macro went to a subscriber that the trail has no part in.
    assert_eq!(log.lines(SECRET), 1);
}

/// Needs a process of its own: it looks at the global subscriber.
#[test]
fn the_watch_notices_a_starved_global_subscriber_within_seconds() {
    if !in_a_process_of_its_own("the_watch_notices_a_starved_global_subscriber_within_seconds") {
        return;
    }
    let bench = Bench::new();
    let subscriber = Registry::default()
        .with(EnvFilter::new("error"))
        .with(bench.audit.layer());
    dispatcher::set_global_default(Dispatch::new(subscriber)).expect("the first");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(15);
    while bench.audit.status().events_filtered.is_none() {
        assert!(std::time::Instant::now() < deadline, "not noticed");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Runs the test of that name again, in a process that runs nothing else. `true` in there.
fn in_a_process_of_its_own(test: &str) -> bool {
    const MARK: &str = "STINGER_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    false
}
