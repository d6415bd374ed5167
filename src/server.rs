//! Running the service: sockets, workers and an orderly end.

use std::{future::IntoFuture, net::SocketAddr, time::Duration};

use thiserror::Error;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    app::{App, BuildError},
    error,
    flows::client_registration::sync_configured,
    jobs,
    store::db::DatabaseError,
    web,
};

/// How long requests that are under way may take when the service stops.
const GRACE: Duration = Duration::from_secs(10);

/// Why the service does not run, as one sentence.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: std::io::Error },
    #[error("{0} names no address to listen on")]
    NoAddress(String),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the service could not be prepared: {0}")]
    Prepare(#[from] error::Error),
    #[error("the service stopped: {0}")]
    Io(#[from] std::io::Error),
}

/// Opens the sockets of one configured address; a host name may stand for several.
///
/// # Errors
/// When none can be opened, for instance because the port is in use.
pub async fn listen(address: &str) -> Result<Vec<TcpListener>, ServerError> {
    let failed = |source| ServerError::Listen { address: address.to_owned(), source };
    let mut listeners = Vec::new();
    for socket in tokio::net::lookup_host(address).await.map_err(failed)? {
        match TcpListener::bind(socket).await {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 has no `::1`; a port that is taken is an error all the same.
            Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => {}
            Err(error) => return Err(failed(error)),
        }
    }
    match listeners.is_empty() {
        true => Err(ServerError::NoAddress(address.to_owned())),
        false => Ok(listeners),
    }
}

/// Serves until `stop` completes, then lets what is under way finish.
///
/// # Errors
/// When a socket fails.
pub async fn serve(
    app: App,
    listeners: Vec<TcpListener>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    web::install_metrics();
    sync_configured(&app).await?;
    let (stopping, stopped) = watch::channel(false);
    let workers = jobs::start(&app, &stopped);
    let router = web::router(app.clone());
    let mut servers = JoinSet::new();
    for listener in listeners {
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let mut stopped = stopped.clone();
        let graceful = async move {
            let _ = stopped.wait_for(|is_stopping| *is_stopping).await;
        };
        servers.spawn(axum::serve(listener, service).with_graceful_shutdown(graceful).into_future());
    }
    stop.await;
    tracing::info!("stopping");
    let _ = stopping.send(true);
    let _ = tokio::time::timeout(GRACE, async {
        servers.join_all().await;
        workers.join_all().await;
    })
    .await;
    app.db.close().await;
    Ok(())
}
