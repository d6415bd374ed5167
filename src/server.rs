//! Running the service: sockets, workers and an orderly end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt;

use crate::{
    app::{App, BuildError},
    error,
    flows::{client_registration::sync_configured, keys},
    jobs,
    store::db::DatabaseError,
    web,
};

/// Connections beyond this number wait to be accepted (INV-13).
const MOST_CONNECTIONS: usize = 8192;
/// How long a client may take over the head of a request, and keep a connection without one. Longer than reverse
/// proxies keep theirs, so that they never send into one that we are closing.
const HEADER_PATIENCE: Duration = Duration::from_secs(90);
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
/// When the service cannot be prepared.
pub async fn serve(
    app: App,
    listeners: Vec<TcpListener>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    web::install_metrics();
    sync_configured(&app).await?;
    keys::prepare(&app).await?;
    let (stopping, stopped) = watch::channel(false);
    let mut tasks = jobs::start(&app, &stopped);
    let router = web::router(app.clone());
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    for listener in listeners {
        tasks.spawn(accept(listener, router.clone(), places.clone(), stopped.clone()));
    }
    stop.await;
    tracing::info!("stopping");
    let _ = stopping.send(true);
    let all_done = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all_done).await;
    app.db.close().await;
    Ok(())
}

/// Accepts connections, HTTP/1.1 and HTTP/2 with prior knowledge (Synapse's `force_http2`), until the service stops.
async fn accept(listener: TcpListener, router: Router, places: Arc<Semaphore>, mut stopped: watch::Receiver<bool>) {
    let open = GracefulShutdown::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|is_stopping| *is_stopping) => break,
        };
        match accepted {
            Ok((stream, peer)) => serve_connection(stream, peer, &router, &open, place),
            Err(error) => {
                // Out of file descriptors, or the peer was gone already: neither is cured by trying at once.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    open.shutdown().await;
}

fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    open: &GracefulShutdown,
    place: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    let service = router.clone().map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADER_PATIENCE);
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
    let connection = open.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended badly");
        }
        drop(place);
    });
}
