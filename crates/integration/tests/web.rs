//! The middleware: attribution of requests, refusal while the trail is down, and requests that
//! leave no record.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use axum::body::Bytes;
use futures_util::stream::unfold;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use stinger_audit::read::{FindingKind, Trail};
use stinger_audit::record::Record;
use stinger_audit::redact::{IdentifierPolicy, Rules};
use stinger_audit::web::{Identity, RequestLayer};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

#[path = "../../../tests/common/mod.rs"]
mod common;
use common::Bench;

fn layer(bench: &Bench) -> RequestLayer {
    RequestLayer::new(&bench.audit)
        .trusted_proxy("10.0.0.0/8")
        .expect("a network")
        .audited(|path| path.starts_with("/v1/"))
        .identity(|parts| {
            let header = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
            Identity {
                tenant_id: header("x-tenant"),
                user_id: header("x-user"),
                session_id: header("x-session"),
            }
        })
}

async fn handler(request: Request<String>) -> Result<Response<String>, Infallible> {
    if request.uri().path() == "/v1/missing" {
        let missing = Response::builder().status(404).body(String::new());
        return Ok(missing.expect("a response"));
    }
    if request.uri().path() != "/v1/silent" {
        tokio::task::yield_now().await;
        stinger_audit::log_prompt(request.body()).expect("recorded");
    }
    Ok(Response::new(format!(
        "{:?}",
        request.headers().get("x-request-id")
    )))
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<String> {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer: SocketAddr = "10.0.0.1:4711".parse().expect("an address");
    request
        .extension(peer)
        .body("the prompt".to_owned())
        .expect("a request")
}

fn run<T>(bench: &Bench, future: impl Future<Output = T>) -> T {
    bench.emit(|| {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(future)
    })
}

fn send(bench: &Bench, request: Request<String>) -> Response<String> {
    let service = layer(bench).layer(service_fn(handler));
    run(bench, async {
        let response = service.oneshot(request).await.expect("infallible");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("infallible").to_bytes();
        let body = String::from_utf8(body.into()).expect("a text");
        Response::from_parts(head, body)
    })
}

#[test]
fn a_request_attributes_its_records_and_a_spoofed_address_does_not_count() {
    let bench = Bench::new();
    let response = send(
        &bench,
        request(
            "/v1/chat",
            &[
                ("x-forwarded-for", "203.0.113.9, 198.51.100.7"),
                ("user-agent", "agent/1.0"),
                ("x-request-id", "given-1"),
                ("x-tenant", "t-1"),
                ("x-user", "u-7"),
                ("x-session", "s-1"),
            ],
        ),
    );
    let id = response.headers()["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    assert_eq!(
        response.body(),
        &format!("Some({id:?})"),
        "the handler sees it too"
    );
    let record = bench.one();
    assert_eq!(record.request_id.as_ref(), Some(&id));
    assert_eq!(record.client_request_id.as_deref(), Some("given-1"));
    assert_eq!(record.user_ip.as_deref(), Some("198.51.100.7"));
    assert_eq!(record.user_agent.as_deref(), Some("agent/1.0"));
    assert_eq!(record.tenant_id.as_deref(), Some("t-1"));
    assert_eq!(record.user_id.as_deref(), Some("u-7"));
    assert_eq!(record.session_id.as_deref(), Some("s-1"));
}

#[test]
fn odd_requests_are_recorded_as_what_they_are() {
    let bench = Bench::new();
    let long = "x".repeat(1 << 20);
    send(&bench, request("/v1/a", &[("user-agent", &long)]));
    send(&bench, request("/v1/b", &[("x-request-id", "with space")]));
    send(
        &bench,
        request("/v1/c", &[("x-request-id", &"i".repeat(600))]),
    );
    let nobody = [("x-request-id", "same"), ("x-user", ""), ("x-session", "")];
    send(&bench, request("/v1/d", &nobody));
    send(&bench, request("/v1/e", &[("x-request-id", "same")]));
    let records = bench.records();
    assert_eq!(records.len(), 5);
    assert_eq!(records[0].user_agent.as_deref(), Some(&long[..512]));
    assert!(
        records
            .iter()
            .all(|record| record.user_id.is_none() && record.session_id.is_none()),
        "a missing user is nobody"
    );
    let id = |record: &Record| record.request_id.clone().expect("an id");
    for made in &records {
        assert_eq!(id(made).as_bytes()[14], b'7', "a UUIDv7: {}", id(made));
    }
    assert_ne!(id(&records[3]), id(&records[4]));
    let of_client: Vec<_> = records
        .iter()
        .map(|record| record.client_request_id.as_deref())
        .collect();
    let cut = "i".repeat(512);
    assert_eq!(
        of_client,
        [
            None,
            Some("with space"),
            Some(cut.as_str()),
            Some("same"),
            Some("same")
        ]
    );
    assert!(
        records[2]
            .problems
            .iter()
            .any(|problem| problem.contains("client_request_id is longer"))
    );
}

#[test]
fn a_client_s_request_id_is_kept_but_for_personal_data_and_secrets_in_it() {
    let bench = Bench::with(|builder| builder.redact_pii(true));
    for id in [
        "trace-4711",
        "ann@example.com",
        "Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    ] {
        send(
            &bench,
            request(
                "/v1/a",
                &[("x-request-id", id), ("x-session", "session-0815")],
            ),
        );
    }
    let records = bench.records();
    let of_client: Vec<_> = records
        .iter()
        .map(|record| record.client_request_id.as_deref().expect("an id"))
        .collect();
    assert_eq!(of_client[0], "trace-4711");
    assert!(of_client[1].starts_with("[EMAIL:"), "{of_client:?}");
    assert!(!of_client[2].contains("ghp_"), "{of_client:?}");
    let text = std::fs::read_to_string(bench.path()).expect("readable");
    assert!(
        !text.contains("ann@example") && !text.contains("session-0815"),
        "{text}"
    );
}

#[test]
fn a_request_without_a_record_on_an_audited_route_is_one() {
    let bench = Bench::new();
    send(&bench, request("/v1/silent", &[("x-user", "u-7")]));
    send(&bench, request("/health", &[]));
    send(&bench, request("/v1/missing", &[("x-user", "a scanner")]));
    // One that the client gives up before it is done.
    let mut service = layer(&bench).layer(service_fn(|_: Request<String>| async {
        std::future::pending::<Result<Response<String>, Infallible>>().await
    }));
    bench.emit(|| drop(service.call(request("/v1/slow", &[]))));
    let records = bench.records();
    let seen: Vec<_> = records
        .iter()
        .filter(|record| record.event_type.as_str() == "request_unaudited")
        .map(|record| record.other["path"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(seen, ["/v1/silent", "/v1/missing", "/v1/slow"]);
    assert_eq!(records[0].user_id.as_deref(), Some("u-7"));
    assert_eq!(records[0].other["status"], 200);
    let cancelled = records.last().expect("a record");
    assert_eq!(cancelled.other["cancelled"], true);
    // Whoever scans for paths is in the trail, and no finding.
    let report = Trail::open(bench.path()).expect("a trail").check();
    let found = report.findings.into_iter();
    let unaudited = found.filter(|found| found.kind == FindingKind::Unaudited);
    let details: Vec<_> = unaudited.map(|found| found.detail).collect();
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(!details.iter().any(|detail| detail.contains("/v1/missing")));
}

#[test]
fn what_a_client_may_make_long_is_cut_and_the_record_says_so() {
    let rules = Rules::new().id("session_id", IdentifierPolicy::Keep);
    let bench = Bench::with(|builder| builder.redact_pii(true).redaction(rules));
    // A cut before the redaction would leave half of the address.
    let agent = format!(
        "{}ann@example.com {}",
        "x ".repeat(251),
        "y".repeat(100_000)
    );
    let user = "é".repeat(300);
    let tenant = "t".repeat(512);
    let headers = [("x-tenant", tenant.as_str()), ("user-agent", &agent)];
    let mut request = request("/v1/chat", &headers);
    let bytes = HeaderValue::from_bytes(user.as_bytes()).expect("a value");
    request.headers_mut().insert("x-user", bytes);
    let layer = layer(&bench).identity(|parts| Identity {
        user_id: String::from_utf8(parts.headers["x-user"].as_bytes().to_vec()).ok(),
        tenant_id: parts.headers["x-tenant"].to_str().ok().map(Into::into),
        session_id: Some("s".repeat(513)),
    });
    let service = layer.layer(service_fn(handler));
    run(&bench, service.oneshot(request)).expect("infallible");
    let record = bench.one();
    let agent = record.user_agent.as_deref().expect("an agent");
    assert!(agent.len() <= 512 && !agent.contains("ann"), "{agent}");
    assert!(
        agent.starts_with("x x ") && agent.contains("[EMAIL"),
        "{agent}"
    );
    assert_eq!(record.user_id, Some("é".repeat(256)));
    assert_eq!(record.session_id, Some("s".repeat(512)));
    assert_eq!(record.tenant_id, Some(tenant));
    let expected = ["user_agent", "user_id", "session_id"]
        .map(|key| format!("{key} is longer than 512 bytes and was cut"));
    assert_eq!(record.problems, expected);
}

#[test]
fn a_conflict_about_the_client_stands_in_each_record_that_has_its_address() {
    let bench = Bench::new();
    let both = [
        ("forwarded", "for=203.0.113.9"),
        ("x-forwarded-for", "198.51.100.7"),
    ];
    let named = layer(&bench).proxy_header(HeaderName::from_static("x-real-ip"));
    let service = layer(&bench).layer(service_fn(|_: Request<String>| async {
        stinger_audit::log_prompt("one").expect("recorded");
        let other = stinger_audit::emit::response("two").user_ip("::ffff:192.0.2.1");
        other.log().expect("recorded");
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    run(&bench, service.oneshot(request("/v1/chat", &both))).expect("infallible");
    let unknown = [("x-real-ip", "unknown"), ("x-forwarded-for", "10.0.0.1")];
    run(
        &bench,
        named
            .layer(service_fn(handler))
            .oneshot(request("/v1/chat", &unknown)),
    )
    .expect("infallible");
    let conflict =
        "forwarded does not name the client that user_ip names; only x-forwarded-for counts";
    let hidden =
        "x-real-ip holds no address where a proxy reports its client's; user_ip is the proxy's own";
    let expected: [(_, &[&str]); 3] = [
        ("198.51.100.7", &[conflict]),
        ("192.0.2.1", &[]),
        ("10.0.0.1", &[hidden]),
    ];
    let records = bench.records();
    assert_eq!(records.len(), expected.len());
    for (record, (address, problems)) in records.iter().zip(expected) {
        assert_eq!(record.user_ip.as_deref(), Some(address), "{record:#?}");
        assert_eq!(record.problems, problems, "{record:#?}");
    }
}

/// Records when it is dropped, as a body does whose client has gone away.
struct Records(&'static str);

impl Drop for Records {
    fn drop(&mut self) {
        stinger_audit::log_response(self.0).expect("recorded");
    }
}

/// A body of three pieces. It records the first, and all of them at its end, however it ends.
fn streaming() -> impl http_body::Body<Data = Bytes, Error = Infallible> {
    let pieces = unfold((0, Records("the end")), |(piece, end)| async move {
        tokio::task::yield_now().await;
        if piece == 0 {
            stinger_audit::log_prompt("in the stream").expect("recorded");
        }
        let frame = Frame::data(Bytes::from_static(b"piece"));
        (piece < 3).then_some((Ok(frame), (piece + 1, end)))
    });
    StreamBody::new(Box::pin(pieces))
}

#[test]
fn what_a_body_records_while_it_streams_belongs_to_its_request() {
    // The client takes the whole body, goes away within it, or before it begins.
    for (taken, recorded) in [(4, 2), (1, 2), (0, 1)] {
        let bench = Bench::new();
        let service = layer(&bench).layer(service_fn(|_: Request<String>| async {
            Ok::<_, Infallible>(Response::new(streaming()))
        }));
        let headers = [("x-user", "u-7"), ("x-request-id", "r-1")];
        run(&bench, async {
            let response = service.oneshot(request("/v1/chat", &headers)).await;
            let mut body = response.expect("infallible").into_body();
            for _ in 0..taken {
                body.frame().await;
            }
            if taken > 3 {
                assert_eq!(
                    bench.records().len(),
                    recorded,
                    "the end is recorded at the end"
                );
                assert!(body.is_end_stream());
            }
        });
        let records = bench.records();
        assert_eq!(records.len(), recorded, "{taken}: {records:#?}");
        for record in &records {
            assert_ne!(record.event_type.as_str(), "request_unaudited");
            assert_eq!(record.user_id.as_deref(), Some("u-7"), "{record:#?}");
            assert!(record.request_id.is_some(), "{record:#?}");
        }
        assert_eq!(records[recorded - 1].response.as_deref(), Some("the end"));
    }
}

#[test]
fn a_silent_request_is_recorded_when_its_body_has_ended() {
    let bench = Bench::new();
    let service = layer(&bench).layer(service_fn(handler));
    run(&bench, async {
        let response = service.oneshot(request("/v1/silent", &[])).await;
        let mut body = response.expect("infallible").into_body();
        assert!(body.size_hint().exact().is_some_and(|length| length > 0));
        assert_eq!(
            bench.records().len(),
            0,
            "its body may still record something"
        );
        while body.frame().await.is_some() {}
        assert_eq!(bench.one().event_type.as_str(), "request_unaudited");
    });
    assert_eq!(bench.one().other["status"], 200);
}

#[test]
fn a_handler_that_records_when_it_is_cancelled_is_no_silent_request() {
    let bench = Bench::new();
    let mut service = layer(&bench).layer(service_fn(|_: Request<String>| {
        let end = Records("cancelled");
        async {
            let _end = end;
            std::future::pending::<Result<Response<String>, Infallible>>().await
        }
    }));
    bench.emit(|| drop(service.call(request("/v1/slow", &[("x-user", "u-7")]))));
    let record = bench.one();
    assert_eq!(record.response.as_deref(), Some("cancelled"));
    assert_eq!(record.user_id.as_deref(), Some("u-7"));
}

#[test]
fn a_prompt_without_an_outcome_is_found_conversation_or_not() {
    let bench = Bench::new();
    let answers = service_fn(|request: Request<String>| async move {
        stinger_audit::log_prompt(request.body()).expect("recorded");
        match request.uri().path() {
            "/v1/answered" => stinger_audit::log_response("Paris."),
            "/v1/blocked" => stinger_audit::emit::event("refused")
                .blocked("pii", "a number")
                .log(),
            _ => Ok(()),
        }
        .expect("recorded");
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let layer = layer(&bench);
    for path in ["/v1/answered", "/v1/blocked", "/v1/forgotten"] {
        let service = layer.layer(answers);
        run(&bench, service.oneshot(request(path, &[]))).expect("infallible");
    }
    let records = bench.records();
    let forgotten = records.last().expect("records");
    let report = Trail::open(bench.path()).expect("a trail").check();
    let found: Vec<_> = report.findings.iter().collect();
    let [found] = &found[..] else {
        panic!("{report:#?}");
    };
    assert_eq!(
        (found.kind, found.seq),
        (FindingKind::NoOutcome, Some(forgotten.seq))
    );
    let request_id = forgotten.request_id.as_deref().expect("an id");
    assert!(found.detail.contains(request_id), "{}", found.detail);
}

#[test]
fn a_service_that_fails_without_a_record_leaves_one() {
    let bench = Bench::new();
    let failing = service_fn(|_: Request<String>| async {
        tokio::task::yield_now().await;
        Err::<Response<String>, _>("no upstream")
    });
    let service = layer(&bench).layer(failing);
    let failed = run(
        &bench,
        service.oneshot(request("/v1/chat", &[("x-user", "u-7")])),
    );
    assert_eq!(failed.expect_err("the error goes on"), "no upstream");
    let record = bench.one();
    assert_eq!(record.event_type.as_str(), "request_unaudited");
    assert_eq!(record.other["failed"], true);
    assert!(!record.other.contains_key("status"));
    assert_eq!(record.user_id.as_deref(), Some("u-7"));
}

#[test]
fn a_silent_request_is_noticed_behind_a_reload_layer_too() {
    use tracing_subscriber::layer::SubscriberExt as _;
    let _first = Bench::new();
    let bench = Bench::new();
    let service = layer(&bench).layer(service_fn(handler));
    let (hidden, _handle) = tracing_subscriber::reload::Layer::new(bench.audit.layer());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(hidden), || {
        let silent = service.oneshot(request("/v1/silent", &[("x-user", "u-7")]));
        let response = runtime.expect("a runtime").block_on(silent);
        assert_eq!(response.expect("infallible").status(), 200);
    });
    let record = bench.one();
    assert_eq!(record.event_type.as_str(), "request_unaudited");
    assert_eq!(record.user_id.as_deref(), Some("u-7"));
}

#[test]
fn while_the_trail_is_down_requests_are_refused_before_their_handler() {
    let bench = Bench::new();
    bench.audit.close().expect("closed");
    let response = send(&bench, request("/v1/chat", &[]));
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.body(), "");
    assert_eq!(
        bench.audit.status().records.after_close,
        0,
        "the handler did not run"
    );
}
