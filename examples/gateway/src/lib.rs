//! The gateway itself: what becomes of a request.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{Stream, StreamExt as _, unfold};
use stinger_audit::emit::event;
use stinger_audit::record::{Decision, GuardrailDecision, Phase, ToolCall};
use stinger_audit::turn::{ResponseStream, Turn};
use stinger_audit::web::{Identity, RequestLayer};
use stinger_audit::{Audit, Error};
use tokio::net::TcpListener;

pub mod guardrails;
pub mod model;
pub mod openai;

use model::{Answer, Piece, Pieces, StandIn};
use openai::{Asked, ChatRequest, Finish};

/// What the operator chooses.
pub struct Config {
    /// Proxies whose word on the client's address is taken.
    pub trusted: Vec<String>,
    /// The header in which they report it.
    pub proxy_header: HeaderName,
    /// How many requests a user may make in a minute.
    pub per_minute: u32,
    pub model: StandIn,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            trusted: Vec::new(),
            proxy_header: HeaderName::from_static("x-forwarded-for"),
            per_minute: 600,
            model: StandIn::default(),
        }
    }
}

struct Gateway {
    audit: Audit,
    model: StandIn,
    limiter: Limiter,
}

pub fn router(audit: &Audit, config: Config) -> Result<Router, Error> {
    let mut attribution = RequestLayer::new(audit)
        .proxy_header(config.proxy_header)
        .peer(|parts| {
            let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
            peer.map(|ConnectInfo(address)| address.ip())
        })
        .identity(|parts: &Parts| Identity {
            user_id: user(&parts.headers),
            session_id: text(&parts.headers, "x-session-id"),
            ..Identity::default()
        })
        .audited(|path| path.starts_with("/v1/"));
    for proxy in &config.trusted {
        attribution = attribution.trusted_proxy(proxy)?;
    }
    let gateway = Arc::new(Gateway {
        audit: audit.clone(),
        model: config.model,
        limiter: Limiter::new(config.per_minute),
    });
    Ok(Router::new()
        .route("/v1/chat/completions", post(chat))
        .layer(attribution)
        // A probe asks whether the trail takes records; it is answered while it does not.
        .route("/health", get(health))
        .with_state(gateway))
}

pub async fn serve(
    listener: TcpListener,
    router: Router,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(stopped)
        .await
}

async fn health(State(gateway): State<Arc<Gateway>>) -> Response {
    let health = gateway.audit.health();
    let status = match health.is_ready() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}

async fn chat(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Some(user) = user(&headers) else {
        return Err(gateway.reject(StatusCode::UNAUTHORIZED, "the key is missing or unknown"));
    };
    let request: ChatRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            return Err(gateway.reject(
                StatusCode::BAD_REQUEST,
                &format!("no chat request: {error}"),
            ));
        }
    };
    let Some(asked) = request.asked() else {
        return Err(gateway.reject(StatusCode::BAD_REQUEST, "there is no message of the user's"));
    };

    let conversation = text(&headers, "x-conversation-id")
        .or_else(|| text(&headers, "x-request-id"))
        .unwrap_or_default();
    let mut turn = gateway
        .audit
        .turn(conversation)
        .model_requested(&request.model)
        .expects(["rate_limit", "prompt_injection", "confidential"])
        .field("messages_before", asked.before.clone());
    for (kind, url) in &asked.files {
        turn = turn.attachment_url(kind, url);
    }
    for result in &asked.results {
        turn = turn.tool_call(result.clone());
    }
    let mut turn = turn.begin_async(&asked.prompt).await?;

    let limit = || Ok::<_, Infallible>(gateway.limiter.check(&user));
    if turn.guardrail("rate_limit").run(limit) == Decision::Block {
        turn.block_async("too many requests").await?;
        return Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many requests",
        ));
    }
    let injection = turn.guardrail("prompt_injection");
    if injection.run(|| guardrails::injection(&asked.texts())) == Decision::Block {
        turn.block_async("the prompt was refused").await?;
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the prompt was refused",
        ));
    }
    match request.stream {
        true => Ok(gateway.answer_in_pieces(turn, &request.model, &asked)),
        false => gateway.answer(turn, &request.model, &asked).await,
    }
}

impl Gateway {
    /// Answers in one piece, which leaves only when its record is where it must be.
    async fn answer(
        &self,
        mut turn: Turn,
        model: &str,
        asked: &Asked,
    ) -> Result<Response, Refusal> {
        let (prompt, tool) = (&asked.prompt, asked.tool.as_deref());
        let answer = match self.model.complete(prompt, tool).await {
            Ok(answer) => answer,
            Err(error) => {
                turn.fail_async(&error).await?;
                return Err(Refusal::new(StatusCode::BAD_GATEWAY, &error.to_string()));
            }
        };
        let tokens = openai::tokens(prompt) + openai::tokens(answer.text());
        turn.tokens_processed(tokens);
        let id = turn.id().to_owned();
        let confidential = turn.guardrail("confidential").phase(Phase::Output);
        if confidential.run(|| guardrails::confidential(answer.text())) == Decision::Block {
            turn.block_async("the answer was withheld").await?;
            let nothing = openai::completion(&id, model, None, tokens, Finish::ContentFilter);
            return Ok(Json(nothing).into_response());
        }
        let finish = match answer {
            Answer::Call { .. } => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        let held = match &answer {
            Answer::Text(text) => turn.hold(text.as_str()),
            Answer::Refusal(why) => turn.hold(why.as_str()).field("refused", true),
            Answer::Call {
                id,
                name,
                arguments,
            } => {
                let call = ToolCall::new(name).id(id).arguments_json(arguments);
                turn.hold("").tool_call(call)
            }
        };
        turn.release_async(held.field("finish_reason", finish.as_str()))
            .await?;
        let completion = openai::completion(&id, model, Some(&answer), tokens, finish);
        Ok(Json(completion).into_response())
    }

    /// Answers piece by piece. The client is told that the answer is complete when the record
    /// of what was sent is where it must be.
    fn answer_in_pieces(&self, turn: Turn, model: &str, asked: &Asked) -> Response {
        let (id, model) = (turn.id().to_owned(), model.to_owned());
        let sent = turn
            .send_stream(self.model.stream(&asked.prompt, asked.tool.as_deref()))
            .guarded("confidential", guardrails::confidential);
        Sse::new(events(id, model, sent)).into_response()
    }

    /// Records a request that never became a turn.
    fn reject(&self, status: StatusCode, why: &str) -> Refusal {
        let rejected = event("request_rejected")
            .field("status", status.as_u16())
            .field("reason", why);
        match rejected.log() {
            Ok(()) => Refusal::new(status, why),
            Err(error) => Refusal::from(error),
        }
    }
}

/// Where a streamed answer stands.
enum Step {
    Pieces(Box<ResponseStream<Pieces>>, Finish),
    Done,
    End,
}

fn events(
    id: String,
    model: String,
    sent: ResponseStream<Pieces>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let event = |data: String| Ok(Event::default().data(data));
    unfold(Step::Pieces(Box::new(sent), Finish::Stop), move |step| {
        let (id, model) = (id.clone(), model.clone());
        async move {
            let (mut sent, finish) = match step {
                Step::Pieces(sent, finish) => (sent, finish),
                Step::Done => return Some((event("[DONE]".to_owned()), Step::End)),
                Step::End => return None,
            };
            match sent.next().await {
                Some(Ok(piece)) => {
                    let chunk = openai::chunk(&id, &model, Some(&piece), None);
                    let finish = match piece {
                        Piece::Call { .. } => Finish::ToolCalls,
                        _ => finish,
                    };
                    Some((event(chunk.to_string()), Step::Pieces(sent, finish)))
                }
                Some(Err(error)) => {
                    let failed = openai::error("model_error", &error.to_string());
                    Some((event(failed.to_string()), Step::End))
                }
                None => match sent.recorded() {
                    Ok(()) => {
                        let finish = match sent.stopped_by() {
                            Some(_) => Finish::ContentFilter,
                            None => finish,
                        };
                        let chunk = openai::chunk(&id, &model, None, Some(finish));
                        Some((event(chunk.to_string()), Step::Done))
                    }
                    Err(_) => {
                        let failed = openai::error("audit_unavailable", UNRECORDED);
                        Some((event(failed.to_string()), Step::End))
                    }
                },
            }
        }
    })
}

const UNRECORDED: &str = "the audit trail cannot be written; try again later";

/// An answer that is none.
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: &str) -> Refusal {
        Refusal {
            status,
            message: message.to_owned(),
        }
    }
}

impl From<Error> for Refusal {
    /// The trail cannot be written: under fail-safe nothing is answered.
    fn from(error: Error) -> Refusal {
        tracing::error!("{error}");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, UNRECORDED)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = match self.status {
            StatusCode::UNAUTHORIZED => "invalid_api_key",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_exceeded",
            StatusCode::SERVICE_UNAVAILABLE => "audit_unavailable",
            StatusCode::BAD_GATEWAY => "model_error",
            _ => "invalid_request_error",
        };
        let mut response = (self.status, Json(openai::error(code, &self.message))).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let soon = axum::http::HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, soon);
        }
        response
    }
}

/// Whose key it is. A real gateway looks it up; here `demo-ann` is Ann's.
pub fn user(headers: &HeaderMap) -> Option<String> {
    let key = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let user = key.strip_prefix("Bearer demo-")?;
    (!user.is_empty()).then(|| user.to_owned())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Counts each user's requests by the minute.
pub struct Limiter {
    per_minute: u32,
    users: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Limiter {
    const MINUTE: Duration = Duration::from_secs(60);

    pub fn new(per_minute: u32) -> Limiter {
        Limiter {
            per_minute,
            users: Mutex::default(),
        }
    }

    pub fn check(&self, user: &str) -> GuardrailDecision {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        users.retain(|_, (since, _)| now.duration_since(*since) < Self::MINUTE);
        let (_, count) = users.entry(user.to_owned()).or_insert((now, 0));
        *count += 1;
        match *count > self.per_minute {
            true => GuardrailDecision::from(Decision::Block).reason(format!(
                "more than {} requests in a minute",
                self.per_minute
            )),
            false => Decision::Allow.into(),
        }
    }
}
