//! The example's gateway as it would be without an audit trail: the same model, guardrails and shapes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream::{Stream, StreamExt as _, unfold};
use stinger_audit::record::Decision;
use stinger_audit::turn::Chunk as _;

use crate::server;
use gateway::model::{Pieces, StandIn};
use gateway::openai::{self, ChatRequest, Finish};
use gateway::{Limiter, guardrails, user};

struct Gateway {
    model: StandIn,
    limiter: Limiter,
}

pub fn serve() {
    let gateway = Arc::new(Gateway {
        model: StandIn::default(),
        limiter: Limiter::new(u32::MAX),
    });
    let router = Router::new()
        .route("/v1/chat/completions", post(chat))
        .with_state(gateway);
    server::runtime().block_on(server::serve(router));
}

fn refusal(status: StatusCode, code: &str, why: &str) -> Response {
    (status, Json(openai::error(code, why))).into_response()
}

async fn chat(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Bytes) -> Response {
    let bad = |why: &str| refusal(StatusCode::BAD_REQUEST, "invalid_request_error", why);
    let Some(user) = user(&headers) else {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_api_key", "no key");
    };
    let Ok(request) = serde_json::from_slice::<ChatRequest>(&body) else {
        return bad("no chat request");
    };
    let Some(asked) = request.asked() else {
        return bad("there is no message of the user's");
    };
    let (prompt, tool) = (&asked.prompt, asked.tool.as_deref());
    if gateway.limiter.check(&user).decision == Decision::Block {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return refusal(status, "rate_limit_exceeded", "too many requests");
    }
    let Ok(verdict) = guardrails::injection(prompt);
    if verdict.decision == Decision::Block {
        return bad("the prompt was refused");
    }
    let id = headers
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    if request.stream {
        let pieces = gateway.model.stream(prompt, tool);
        return Sse::new(events(id.to_owned(), request.model, pieces)).into_response();
    }
    let Ok(answer) = gateway.model.complete(prompt, tool).await else {
        return refusal(StatusCode::BAD_GATEWAY, "model_error", "overloaded");
    };
    let tokens = openai::tokens(prompt) + openai::tokens(answer.text());
    let completion = match is_confidential(answer.text()) {
        true => openai::completion(id, &request.model, None, tokens, Finish::ContentFilter),
        false => openai::completion(id, &request.model, Some(&answer), tokens, Finish::Stop),
    };
    Json(completion).into_response()
}

fn is_confidential(answer: &str) -> bool {
    let Ok(verdict) = guardrails::confidential(answer);
    verdict.decision == Decision::Block
}

enum Step {
    Pieces(Pieces, String),
    Done,
    End,
}

fn events(
    id: String,
    model: String,
    pieces: Pieces,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let event = |data: String| Ok(Event::default().data(data));
    unfold(Step::Pieces(pieces, String::new()), move |step| {
        let (id, model) = (id.clone(), model.clone());
        async move {
            let (mut pieces, mut text) = match step {
                Step::Pieces(pieces, text) => (pieces, text),
                Step::Done => return Some((event("[DONE]".to_owned()), Step::End)),
                Step::End => return None,
            };
            let finish = match pieces.next().await {
                Some(Ok(piece)) => {
                    text += piece.text().unwrap_or_default();
                    if !is_confidential(&text) {
                        let chunk = openai::chunk(&id, &model, Some(&piece), None);
                        return Some((event(chunk.to_string()), Step::Pieces(pieces, text)));
                    }
                    Finish::ContentFilter
                }
                Some(Err(error)) => {
                    let failed = openai::error("model_error", &error.to_string());
                    return Some((event(failed.to_string()), Step::End));
                }
                None => Finish::Stop,
            };
            let chunk = openai::chunk(&id, &model, None, Some(finish));
            Some((event(chunk.to_string()), Step::Done))
        }
    })
}
