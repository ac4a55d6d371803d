//! The program of the README's first page.
//!
//! Run it with `cargo run --example quickstart`.

use stinger_audit::record::GuardrailDecision;
use tracing::{info, info_span};

fn main() -> Result<(), stinger_audit::Error> {
    stinger_audit::enable()?;

    let _request = info_span!("request", user_id = "u-7", conversation_id = "c-42").entered();
    stinger_audit::log_prompt("I'm ann@example.com. What is the capital of France?")?;
    stinger_audit::log_guardrail_decision(GuardrailDecision::allow("prompt_injection"))?;
    stinger_audit::log_response("Paris.")?;
    info!(target: stinger_audit::TARGET, event_type = "session_ended");
    Ok(())
}
