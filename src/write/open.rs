//! Opening a trail: destinations first, then its own records, then the worker.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing_appender::non_blocking::NonBlockingBuilder;

use super::journal::Journal;
use super::registry::{SWITCHED_OFF, remember};
use super::worker::Worker;
use super::worker::copies::CopyFeed;
use super::worker::files::{ExistingTrail, file_name};
use super::worker::monitor;
use super::worker::render::Renderer;
use super::worker::seal::Sealer;
use super::worker::sink::Sink;
use super::worker::turn_tracker::TurnTracker;
use super::{Core, lock, warn};
use crate::config::Config;
use crate::destination::{Output, Outputs};
use crate::error::{Error, ErrorKind, Result};
use crate::format::internal::{hostname, record_heads};
use crate::record::system::{FORMAT, Opened, Recovered, Refused, Torn};
use crate::redact::Redactor;

/// Opens the trail, and answers when its first record is written. `None`: it is switched off.
pub(crate) fn open(config: Config) -> Result<Option<Arc<Core>>> {
    if !config.enabled {
        SWITCHED_OFF.store(true, Ordering::Relaxed);
        return Ok(None);
    }
    adopt_orphans(&config);
    let core = start(config, |_| {})?;
    super::exit::close_at_exit();
    remember(&core);
    monitor::start(&core);
    Ok(Some(core))
}

/// Opens the trail only to record that somebody tried to switch it off.
pub(crate) fn record_refusal(config: Config, refusal: &str) -> Result<()> {
    let core = start(config, |core| {
        let refused = refusal.to_owned();
        core.queue_system_record(Refused { refused });
    })?;
    core.close()
}

/// Writes out what dead processes have left in journals of the same pattern, each to its own
/// trail. A journal whose process lives is left alone: its trail is locked.
fn adopt_orphans(config: &Config) {
    let Some(pattern) = &config.outputs.pattern else {
        return;
    };
    let orphans = match pattern.with_journals() {
        Ok(orphans) => orphans,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return warn(&format!("couldn't look for journals left behind: {error}")),
    };
    for orphan in orphans {
        let shown = orphan.path().display().to_string();
        let outputs = Outputs {
            trail: Output::Files(orphan),
            copies: Vec::new(),
            pattern: None,
        };
        let adopted = start(
            Config {
                outputs,
                ..config.clone()
            },
            |_| {},
        );
        match adopted.and_then(|core| core.close()) {
            Err(error) if !matches!(error.kind(), ErrorKind::Locked { .. }) => {
                warn(&format!(
                    "{shown}: what it left could not be written: {error:?}"
                ));
            }
            _ => {}
        }
    }
}

fn start(mut config: Config, then: impl FnOnce(&Core)) -> Result<Arc<Core>> {
    let (sink, found) = Sink::open(&config.outputs.trail, &config)?;
    config.make_redactors(super::is_fixed)?;
    let mut copies = Vec::new();
    for output in &config.outputs.copies {
        copies.push((Sink::open(output, &config)?.0, output.to_string()));
    }
    let core = run(config, sink, found, copies, then)?;
    // The trail's first record must reach the medium before anything is promised.
    if let Err(error) = core.confirm() {
        let _ = core.close();
        return Err(error);
    }
    Ok(core)
}

/// Starts the threads of a trail whose destinations are open.
pub(super) fn run(
    config: Config,
    sink: Sink,
    mut found: ExistingTrail,
    copies: Vec<(Sink, String)>,
    then: impl FnOnce(&Core),
) -> Result<Arc<Core>> {
    let last_seq = found.last.as_ref().map(|last| last.seq);
    // Who closes a trail in order removes its journal.
    let was_closed = match &config.outputs.trail {
        Output::Files(name) => !name.journal().exists(),
        _ => false,
    };
    // First: a key that is refused leaves no journal behind.
    let (mut sealer, wrong) = match config.sealing {
        true => {
            let (sealer, wrong) = Sealer::open(&config, was_closed, found.files.as_mut())?;
            (Some(sealer), wrong)
        }
        false => (None, None),
    };
    let (journal, recovered) = match &config.outputs.trail {
        Output::Files(name) => {
            let path = name.journal();
            let mut files = found.files.as_mut();
            let mut records_from = |seq| match files.as_deref_mut() {
                Some(files) => Box::new(record_heads(files, seq)) as Box<dyn Iterator<Item = _>>,
                None => Box::new(std::iter::empty()),
            };
            Journal::open(&path, config.buffer_capacity, last_seq, &mut records_from)
                .map_err(|error| Error::io("open the journal", &path, error))?
        }
        output => {
            let journal = Journal::in_memory(config.buffer_capacity)
                .map_err(|error| Error::no_resources(output, error))?;
            (journal, Recovered::default())
        }
    };
    let core = Arc::new(Core::new(config, journal));
    let copies = copies
        .into_iter()
        .map(|(sink, destination)| CopyFeed::start(&core, sink, destination))
        .collect::<Result<Vec<_>>>()?;

    let losses = core.journal.unrecorded_losses();
    let has_losses = losses.is_some();
    if let Some(inherited) = losses {
        *lock(&core.losses) = inherited;
    }
    if let Some(sealer) = &mut sealer {
        sealer.run_id = core.run_id_of_records();
        let identity = sealer.identity();
        if let Output::Files(_) = core.config.outputs.trail {
            let advice = match sealer.is_new() {
                true => "; keep it elsewhere, for `stinger-audit verify --key`",
                false => "",
            };
            core.warn(format_args!("sealed; its first key is {identity}{advice}"));
        }
        let _ = core.identity.set(identity);
    }
    let seq = last_seq.map_or(0, |last| last + 1);
    // They follow what another process left in the journal.
    let is_unclosed = found.last.as_ref().is_some_and(|last| !last.ends_trail());
    let has_found = has_losses || !found.torn.is_empty() || recovered != Recovered::default();
    if is_unclosed || has_found {
        core.queue_system_record(recovery(&found, recovered));
    }
    if let Some(wrong) = wrong {
        core.warn(format_args!(
            "its seals are broken: {}; trail_seal_broken in it says more",
            wrong.happened
        ));
        core.queue_system_record(wrong);
    }
    core.queue_system_record(opened(&core));
    let mut turns = TurnTracker::new(found.is_whole());
    found
        .recent
        .iter()
        .for_each(|record| turns.remember(record));
    let renderer = Renderer::new(turns, core.run_id_of_records());
    let worker = Worker::new(core.clone(), sink, copies, renderer, sealer, seq);
    let (mut doorbell, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(1)
        .thread_name("stinger-audit")
        .finish(worker);
    *lock(&core.guard) = Some(guard);
    // The channel is empty and its worker alive: this neither blocks nor fails.
    let _ = doorbell.write_all(b"!");
    then(&core);
    Ok(core)
}

fn opened(core: &Core) -> Opened {
    let config = &core.config;
    let copies = config.outputs.copies.iter();
    let builtin = config.redactors.builtin();
    Opened {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id: Some(core.run_id.clone()),
        environment: config.environment.as_str().to_owned(),
        environment_reason: config.environment_reason.clone(),
        destination: config.outputs.trail.to_string(),
        copies: copies.map(Output::to_string).collect(),
        redact_pii: config.redact_pii,
        custom_redactor: config.redactors.has_custom(),
        redaction_key: builtin.and_then(Redactor::key_id).map(str::to_owned),
        fail_safe: config.fail_safe,
        identity: core.identity.get().cloned(),
        rotation: config.rotation.as_str().to_owned(),
        retention: config.retention.map(|retention| retention.to_string()),
        hostname: hostname(),
        pid: std::process::id(),
    }
}

/// What is recorded of a writer that did not end in order, after `journal` of the journal.
fn recovery(found: &ExistingTrail, journal: Recovered) -> Recovered {
    let torn = found.torn.iter().map(|(path, line)| Torn {
        file: file_name(path),
        bytes: line.bytes,
        sha256: line.sha256.clone(),
    });
    Recovered {
        torn: torn.collect(),
        last_seq: found.last.as_ref().map(|last| last.seq),
        last_seen: found.last.as_ref().map(|last| last.timestamp),
        ..journal
    }
}
