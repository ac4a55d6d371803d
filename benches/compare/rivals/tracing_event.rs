//! The record as a `tracing` event within two spans, the same call site for every contender that
//! is a layer.

use stinger_audit::TARGET;
use tracing::{Dispatch, dispatcher, info, info_span};

use super::{Texts, about, record};

pub fn in_spans(dispatch: &Dispatch, work: &mut dyn FnMut()) {
    dispatcher::with_default(dispatch, || {
        let _request = info_span!(
            "request",
            user_id = about::USER_ID,
            session_id = about::SESSION_ID
        )
        .entered();
        let _turn = info_span!(
            "turn",
            conversation_id = about::CONVERSATION_ID,
            request_id = about::REQUEST_ID
        )
        .entered();
        work();
    });
}

pub fn emit(texts: &Texts) {
    info!(
        target: TARGET,
        event_type = record::EVENT_TYPE,
        user_ip = record::USER_IP,
        user_agent = record::USER_AGENT,
        prompt = texts.prompt.as_str(),
        response = texts.response.as_str(),
        filter_name = record::FILTER_NAME,
        decision = record::DECISION,
        confidence = record::CONFIDENCE,
        processing_time_ms = record::PROCESSING_TIME_MS,
        model_used = record::MODEL_USED,
        tokens_processed = record::TOKENS_PROCESSED,
        turn_number = record::TURN_NUMBER,
    );
}
