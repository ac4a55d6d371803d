//! Middleware for the web: who a request is about, before its handler runs. Feature `tower`.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::{Span, info_span};

use crate::audit::Audit;
use crate::error::{Error, InvalidSetting, Result};
use crate::format::internal::Key;
use crate::write::{self, FieldValue, SpanUsage, event};

mod body;
mod forwarded;

pub use body::ResponseBody;

use forwarded::{Network, Proxies};

const REQUEST_ID: &str = "x-request-id";
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID);

/// A `tower::Layer` that opens the attribution span of each request: `request_id`, `client_request_id`, `user_ip`,
/// `user_agent`, and the tenant, user and session that the application finds in it.
///
/// The response's body is part of the request, to its end or until it is dropped: what it records while it streams is
/// attributed, too.
///
/// While the trail has tripped under fail-safe, or is closed, requests are answered with 503
/// and `Retry-After` before their handler runs. A request on an audited route that ends without
/// any record is recorded as `request_unaudited`.
///
/// ```no_run
/// use stinger_audit::web::{Identity, RequestLayer};
///
/// # fn main() -> Result<(), stinger_audit::Error> {
/// let audit = stinger_audit::enable()?;
/// let layer = RequestLayer::new(&audit)
///     .trusted_proxy("10.0.0.0/8")?
///     .audited(|path| path.starts_with("/v1/"))
///     .identity(|request| Identity {
///         user_id: request.headers.get("x-user").and_then(|user| user.to_str().ok()).map(Into::into),
///         ..Identity::default()
///     });
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct RequestLayer {
    config: Arc<Config>,
}

/// Who a request is about, as far as the application can tell. An empty id is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The customer or organisation.
    pub tenant_id: Option<String>,
    /// The user.
    pub user_id: Option<String>,
    /// The user's session.
    pub session_id: Option<String>,
}

/// Something that the application finds in a request.
type Find<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

#[derive(Clone)]
struct Config {
    audit: Audit,
    proxies: Proxies,
    peer: Find<Option<IpAddr>>,
    identity: Find<Identity>,
    audited: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl RequestLayer {
    /// A layer that trusts no proxy, knows no user, and takes no route for audited.
    pub fn new(audit: &Audit) -> RequestLayer {
        RequestLayer {
            config: Arc::new(Config {
                audit: audit.clone(),
                proxies: Proxies {
                    networks: Vec::new(),
                    header: HeaderName::from_static("x-forwarded-for"),
                },
                peer: Arc::new(|parts| {
                    let peer = parts.extensions.get::<std::net::SocketAddr>();
                    peer.map(std::net::SocketAddr::ip)
                }),
                identity: Arc::new(|_| Identity::default()),
                audited: Arc::new(|_| false),
            }),
        }
    }

    /// Believes this proxy, or network of proxies, about the client's address. Name proxies only: a client with such an
    /// address can choose which one is recorded.
    ///
    /// The header that the proxy sets, `X-Forwarded-For` or the one that [`proxy_header`](RequestLayer::proxy_header)
    /// names, is read from its end. The first address in it that is no trusted proxy's is the client's. If the header
    /// has no address where a proxy should have written one, such as `unknown`, `user_ip` is that proxy's own
    /// address, and the record's `problems` say so.
    ///
    /// # Errors
    ///
    /// It is no address and no network in CIDR notation.
    pub fn trusted_proxy(mut self, network: &str) -> Result<RequestLayer> {
        let parsed = Network::parse(network)
            .ok_or_else(|| Error::setting("trusted_proxy", network, InvalidSetting::NotANetwork))?;
        self.change().proxies.networks.push(parsed);
        Ok(self)
    }

    /// Names the one header in which your proxies report the client's address. Default: `X-Forwarded-For`.
    ///
    /// `Forwarded` is read by RFC 7239, any other header as a list of addresses, such as `X-Real-IP`. No other
    /// header counts: most proxies pass it on as the client sent it. If `Forwarded` or `X-Forwarded-For` names another
    /// client, the record's `problems` say so.
    pub fn proxy_header(mut self, header: HeaderName) -> RequestLayer {
        self.change().proxies.header = header;
        self
    }

    /// How the peer's address is found. Default: a `SocketAddr` among the request's extensions.
    /// With axum it is in `ConnectInfo<SocketAddr>`.
    pub fn peer(
        mut self,
        peer: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> RequestLayer {
        self.change().peer = Arc::new(peer);
        self
    }

    /// How tenant, user and session are found.
    pub fn identity(
        mut self,
        identity: impl Fn(&Parts) -> Identity + Send + Sync + 'static,
    ) -> RequestLayer {
        self.change().identity = Arc::new(identity);
        self
    }

    /// On which paths a request that leaves no record is recorded as that. For `check` it is a finding, unless the answer
    /// was 404 or 405, because a scan for paths asks no model, or 101, because the request goes on as another protocol.
    ///
    /// The request ends with its response's body. What another task records later, as a WebSocket's does, comes too late
    /// for this, and has the request's attribution only if the task is [instrumented](tracing::Instrument) with its span.
    pub fn audited(
        mut self,
        audited: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> RequestLayer {
        self.change().audited = Arc::new(audited);
        self
    }

    fn change(&mut self) -> &mut Config {
        Arc::make_mut(&mut self.config)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> RequestService<S> {
        RequestService {
            inner,
            config: self.config.clone(),
        }
    }
}

/// The service that [`RequestLayer`] makes.
#[derive(Clone, Debug)]
pub struct RequestService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S, B, R> Service<Request<B>> for RequestService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<S::Future> {
        let (mut parts, body) = request.into_parts();
        let request_id = uuid::Uuid::now_v7().to_string();
        if self.config.audit.is_down() {
            return ResponseFuture {
                handler: None,
                span: Span::none(),
                request_id,
                end: None,
            };
        }
        let (span, usage) = self.config.span(&parts, &request_id);
        let end = (self.config.audited)(parts.uri.path()).then(|| End {
            audit: self.config.audit.clone(),
            usage,
            span: span.clone(),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            ending: ("cancelled", true.into()),
        });
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            // Handlers further in see the id that the records carry.
            parts.headers.insert(REQUEST_ID, value);
        }
        let future = span.in_scope(|| self.inner.call(Request::from_parts(parts, body)));
        ResponseFuture {
            handler: Some(future),
            span,
            request_id,
            end,
        }
    }
}

impl Config {
    fn span(&self, parts: &Parts, request_id: &str) -> (Span, Option<SpanUsage>) {
        let client = self.proxies.client((self.peer)(parts), &parts.headers);
        let user_ip = client.address.map(|address| address.to_string());
        let header = |name| {
            let value = parts.headers.get(name)?.as_bytes();
            (!value.is_empty()).then(|| String::from_utf8_lossy(value))
        };
        let (agent, client_id) = (header(USER_AGENT), header(CLIENT_REQUEST_ID));
        let found = (self.identity)(parts);
        let named = |id: Option<String>| id.filter(|id| !id.is_empty());
        let span = info_span!(
            "request",
            request_id,
            client_request_id = client_id.as_deref(),
            user_ip = user_ip.as_deref(),
            user_agent = agent.as_deref(),
            tenant_id = named(found.tenant_id),
            user_id = named(found.user_id),
            session_id = named(found.session_id),
        );
        let usage = SpanUsage::new(&span);
        if let (Some(usage), Some(user_ip), [_, ..]) = (&usage, &user_ip, &client.problems[..]) {
            usage.set_doubtful(Key::UserIp, user_ip, client.problems);
        }
        (span, usage)
    }
}

/// Sees to it that a request on an audited route leaves a record, also when it is cancelled.
struct End {
    audit: Audit,
    usage: Option<SpanUsage>,
    span: Span,
    method: String,
    path: String,
    /// How the request ended, as a field of the record. Until it does, a drop means that it was cancelled.
    ending: (&'static str, FieldValue<'static>),
}

impl Drop for End {
    fn drop(&mut self) {
        // Without the layer in the thread's subscriber nobody counted.
        let Some(false) = self.usage.as_ref().map(SpanUsage::has_records) else {
            return;
        };
        let entry = event("request_unaudited")
            .field("method", self.method.as_str())
            .field("path", self.path.as_str())
            .field(self.ending.0, self.ending.1.clone());
        let logged = self.span.in_scope(|| self.audit.log(entry));
        if let Err(error) = logged {
            write::warn(&format!(
                "a request ended without a record, which could not be recorded: {error:?}"
            ));
        }
    }
}

pin_project! {
    /// The answer to a request.
    pub struct ResponseFuture<F> {
        // `None`: the request is refused, or answered.
        #[pin]
        handler: Option<F>,
        span: Span,
        request_id: String,
        end: Option<End>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // A cancelled handler may record its end.
            let _entered = this.span.enter();
            this.handler.set(None);
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let answered = match this.handler.as_mut().as_pin_mut() {
            Some(handler) => {
                let _entered = this.span.enter();
                let answered = ready!(handler.poll(context));
                this.handler.set(None);
                answered.map(|response| response.map(Some))
            }
            None => {
                let mut response = Response::new(None);
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
                Ok(response)
            }
        };
        let mut end = this.end.take();
        if let Some(end) = &mut end {
            end.ending = match &answered {
                Ok(response) => ("status", response.status().as_u16().into()),
                Err(_) => ("failed", true.into()),
            };
        }
        let mut response = answered?.map(|body| ResponseBody::new(body, this.span.clone(), end));
        if let Ok(value) = HeaderValue::from_str(this.request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        Poll::Ready(Ok(response))
    }
}
