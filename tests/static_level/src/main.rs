//! Records through macros and typed functions, and asks the probe.

use tracing::{error, info};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: static-level TRAIL")?;
    let audit = stinger_audit::to(path.as_str()).enable()?;
    info!(target: stinger_audit::TARGET, event_type = "bare info");
    error!(target: stinger_audit::TARGET, event_type = "bare error");
    stinger_audit::emit::event("typed").log()?;
    assert_eq!(audit.check_event_delivery().lowest, Some(tracing::Level::ERROR));
    Ok(())
}
