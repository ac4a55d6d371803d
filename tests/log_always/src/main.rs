//! Records through macros while each of them also becomes a `log` record.
//!
//! `log_always tracer TRAIL` has LogTracer for a backend, beside an ordinary log; `log_always backend TRAIL` has one
//! that prints.

use log::{LevelFilter, Log, Metadata, Record};
use stinger_audit::TARGET;
use tracing::info;
use tracing_subscriber::prelude::*;

/// Prints what it gets, at WARN and ERROR only, as many backends do.
struct Printer;

impl Log for Printer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Warn
    }

    fn log(&self, record: &Record<'_>) {
        println!("{}", record.args());
    }

    fn flush(&self) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(mode), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: log_always tracer|backend TRAIL".into());
    };
    let builder = stinger_audit::to(path.as_str());
    let audit = if mode == "tracer" {
        tracing_log::LogTracer::init()?;
        let audit = builder.open()?;
        tracing_subscriber::registry()
            .with(audit.layer())
            .with(tracing_subscriber::fmt::layer().with_writer(std::io::stdout))
            .init();
        audit
    } else {
        log::set_logger(&Printer)?;
        log::set_max_level(LevelFilter::Trace);
        builder.enable()?
    };
    for number in 0..3 {
        info!(target: TARGET, event_type = "bare", number, prompt = "raw text of a prompt");
    }
    stinger_audit::log_prompt("raw text of a typed prompt")?;
    log::info!(target: TARGET, "raw text of a log record");
    info!("an ordinary line");
    println!("log_backend: {}", audit.status().log_backend.is_some());
    println!("log_refused: {}", audit.status().records.log_refused);
    audit.close()?;
    Ok(())
}
