//! Requests as nobody should send them.

use std::ops::AsyncFnOnce;

use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use stinger_audit::read::Turn;
use stinger_audit::record::Record;

use crate::evidence::Evidence;
use crate::load::{Answer, Ask, Client, Got};
use crate::server::{Server, Settings, runtime};

/// The second client's address is a trusted proxy's.
const PROXY: &str = "127.0.0.11/32";

/// What the trail holds when the clients have asked.
fn asked(ask: impl AsyncFnOnce(&[Client])) -> Evidence {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        trail: dir.path().join("audit.log"),
        fail_safe: true,
        trusted: vec![PROXY.to_owned()],
        ..Settings::default()
    };
    let server = Server::start("audited", &settings);
    let clients = Client::several(2, server.address);
    runtime().block_on(ask(&clients));
    server.stop();
    Evidence::read(&settings.trail)
}

fn plain(id: &str) -> Ask {
    Ask {
        id: id.to_owned(),
        is_attack: false,
        stream: false,
        leaves: None,
        ..Ask::of("odd", 2)
    }
}

async fn answer(client: &Client, request: Request<Full<Bytes>>) -> Answer {
    match client.send(request, None).await {
        Got::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

async fn works(client: &Client, id: &str) {
    let answer = answer(client, client.request(&plain(id))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn with(request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    let mut request = request;
    let value = HeaderValue::from_str(value).expect("a header");
    let headers = request.headers_mut();
    headers.insert(HeaderName::from_static(name), value);
    request
}

fn of<'e>(evidence: &'e Evidence, request_id: &str) -> Vec<&'e Record> {
    evidence
        .records
        .iter()
        .filter(|record| record.client_request_id.as_deref() == Some(request_id))
        .collect()
}

pub fn only_a_trusted_proxy_says_where_a_request_comes_from() {
    let evidence = asked(async |clients| {
        for (client, id) in clients.iter().zip(["spoofed", "proxied"]) {
            let request = client.request(&plain(id));
            let request = with(request, "x-forwarded-for", "198.51.100.1, 203.0.113.9");
            assert_eq!(answer(client, request).await.status, 200);
        }
    });
    for (id, address) in [("spoofed", "127.0.0.10"), ("proxied", "203.0.113.9")] {
        let records = of(&evidence, id);
        assert_eq!(records.len(), 5, "{records:#?}");
        for record in records {
            assert_eq!(record.user_ip.as_deref(), Some(address), "{record:?}");
        }
    }
}

pub fn headers_of_any_size_leave_the_gateway_working() {
    let long = "x".repeat(60 << 10);
    let evidence = asked(async |clients| {
        let client = &clients[0];
        let request = with(client.request(&plain("long")), "user-agent", &long);
        assert_eq!(answer(client, request).await.status, 200);
        // The server refuses this one before any layer sees it, so that nothing is recorded.
        let request = with(
            client.request(&plain("huge")),
            "user-agent",
            &"x".repeat(1 << 20),
        );
        match client.send(request, None).await {
            Got::Answer(answer) => {
                println!("a header of 1 MiB is answered with {}", answer.status);
                assert_eq!(answer.status, 431);
            }
            // The connection may be closed while the client is still sending.
            other => println!("a header of 1 MiB: {other:?}"),
        }
        works(client, "then").await;
        works(&clients[1], "then-another").await;
    });
    for record in of(&evidence, "long") {
        assert_eq!(record.user_agent.as_deref(), Some(&long[..512]));
        assert_eq!(
            record.problems,
            ["user_agent is longer than 512 bytes and was cut"]
        );
    }
    for (id, count) in [("long", 5), ("huge", 0), ("then", 5)] {
        assert_eq!(of(&evidence, id).len(), count, "{id}");
    }
}

pub fn what_never_becomes_a_turn_is_recorded_and_equal_ids_are_told_apart() {
    let evidence = asked(async |clients| {
        let client = &clients[0];
        let mut nobody = client.request(&plain("nobody"));
        nobody.headers_mut().remove("authorization");
        let refused = answer(client, nobody).await;
        assert_eq!(refused.status, 401);
        assert_eq!(refused.error.as_deref(), Some("invalid_api_key"));

        let mut no_json = client.request(&plain("no-json"));
        *no_json.body_mut() = Full::from("{\"model\": ");
        assert_eq!(answer(client, no_json).await.status, 400);

        let mut elsewhere = client.request(&plain("elsewhere"));
        *elsewhere.uri_mut() = http::Uri::from_static("/v1/embeddings");
        assert_eq!(answer(client, elsewhere).await.status, 404);

        for client in clients {
            works(client, "same").await;
        }
    });
    for (id, status, user) in [("nobody", 401, None), ("no-json", 400, Some("c0"))] {
        let records = of(&evidence, id);
        assert_eq!(records.len(), 1, "{records:#?}");
        assert_eq!(records[0].event_type.as_str(), "request_rejected");
        assert_eq!(records[0].other["status"], status);
        assert_eq!(records[0].user_ip.as_deref(), Some("127.0.0.10"));
        assert_eq!(records[0].user_id.as_deref(), user);
    }
    let elsewhere = of(&evidence, "elsewhere");
    assert_eq!(elsewhere.len(), 1, "{elsewhere:#?}");
    assert_eq!(elsewhere[0].event_type.as_str(), "request_unaudited");
    assert_eq!(elsewhere[0].other["status"], 404);

    let turns = evidence.turns("same");
    assert_eq!(turns.len(), 2, "{turns:#?}");
    for (turn, user) in turns.iter().zip(["c0", "c1"]) {
        assert!(turn.completeness().is_complete(), "{turn:#?}");
        assert_eq!(turn.records.len(), 5, "{turn:#?}");
        assert_eq!(turn.records[0].user_id.as_deref(), Some(user));
    }
    let id = |turn: &Turn| turn.records[0].turn_id.clone();
    assert_ne!(id(&turns[0]), id(&turns[1]));
}
