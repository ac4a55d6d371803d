//! The middleware: attribution of requests, refusal while the trail is down, and requests that
//! leave no record.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use http::{Request, Response};
use stinger_audit::read::{FindingKind, Trail};
use stinger_audit::record::Record;
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
    run(bench, service.oneshot(request)).expect("infallible")
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
    assert_eq!(response.headers()["x-request-id"], "given-1");
    assert_eq!(
        response.body(),
        "Some(\"given-1\")",
        "the handler sees it too"
    );
    let record = bench.one();
    assert_eq!(record.request_id.as_deref(), Some("given-1"));
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
        request("/v1/c", &[("x-request-id", &"i".repeat(129))]),
    );
    let nobody = [("x-request-id", "same"), ("x-user", ""), ("x-session", "")];
    send(&bench, request("/v1/d", &nobody));
    send(&bench, request("/v1/e", &[("x-request-id", "same")]));
    let records = bench.records();
    assert_eq!(records.len(), 5);
    assert_eq!(records[0].user_agent.as_deref(), Some(long.as_str()));
    assert!(
        records
            .iter()
            .all(|record| record.user_id.is_none() && record.session_id.is_none()),
        "a missing user is nobody"
    );
    let id = |record: &Record| record.request_id.clone().expect("an id");
    for made in &records[..3] {
        assert_eq!(id(made).as_bytes()[14], b'7', "a UUIDv7: {}", id(made));
    }
    assert_ne!(id(&records[1]), id(&records[2]));
    assert_eq!(
        (id(&records[3]).as_str(), id(&records[4]).as_str()),
        ("same", "same")
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
