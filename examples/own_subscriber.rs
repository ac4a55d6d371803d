//! The audit layer beside an application's own subscriber: the log goes to stderr under its
//! own filter, the audit trail to its file, and neither shows up in the other.
//!
//! Run it with `cargo run --example own_subscriber`; `RUST_LOG=warn` quiets the log, and the
//! trail not at all.

use std::io::IsTerminal as _;

use stinger_audit::TARGET;
use stinger_audit::read::Trail;
use tracing::{debug, info, info_span, warn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("stinger-audit-{}", std::process::id()));
    let path = directory.join("audit.log");

    // The filter is put on the log's own layer. A filter on the whole registry would take
    // audit events of macros with it; the trail would say so, as `trail_events_filtered`.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("debug"));
    let log = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(stinger_audit::to(&path).redact_pii(true).layer()?)
        .with(log.with_filter(filter))
        .init();

    let _request = info_span!("request", user_id = "u-7", request_id = "r-1").entered();
    debug!("connecting to the model");
    stinger_audit::log_prompt("My card is 4111 1111 1111 1111, is that a good number?")?;
    info!(target: TARGET, event_type = "tool_call", tool = "luhn_check", arguments = "…");
    warn!(latency_ms = 812, "the model is slow today");
    stinger_audit::log_response("It is well formed.")?;

    if let Some(audit) = stinger_audit::audit() {
        audit.flush()?;
    }
    println!("\nThe log above has no audit text. The trail has nothing else:\n");
    for record in Trail::open(&path)?.records() {
        println!("{}", serde_json::to_string(&record?)?);
    }
    Ok(())
}
