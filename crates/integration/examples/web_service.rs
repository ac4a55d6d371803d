// The README's service, which a test includes: this is no doc comment of a module.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::post;
use stinger_audit::web::{Identity, RequestLayer};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let audit = stinger_audit::to("./logs/audit.log")
        .fail_safe(true)
        .open()?;
    tracing_subscriber::registry()
        .with(audit.layer())
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .init();

    let requests = RequestLayer::new(&audit)
        // Without this and into_make_service_with_connect_info below no record has a user_ip.
        .peer(|request| {
            let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
            peer.map(|ConnectInfo(address)| address.ip())
        })
        // nginx on this machine.
        .trusted_proxy("127.0.0.1")?
        // As your authentication has found it.
        .identity(|request| Identity {
            user_id: request.extensions.get::<String>().cloned(),
            ..Identity::default()
        })
        .audited(|path| path.starts_with("/v1/"));
    let router = Router::new().route("/v1/chat", post(chat)).layer(requests);

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut terminated = signal(SignalKind::terminate())?;
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            terminated.recv().await;
        })
        .await?;
    audit.close()?;
    Ok(())
}

async fn chat(prompt: String) -> Result<String, StatusCode> {
    stinger_audit::log_prompt(&prompt).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let response = "Paris.".to_owned();
    stinger_audit::log_response(&response).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(response)
}
