//! What operators ask: whether we live, and how we are.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

use crate::{
    app::App,
    store,
    web::{refusal::RETRY_AFTER_SECONDS, request::client_ip},
};

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts collecting metrics, once for the process.
pub fn install_metrics() {
    METRICS.get_or_init(|| PrometheusBuilder::new().install_recorder().ok());
}

/// `GET /health`: 200 while the database answers.
pub async fn health(State(app): State<App>) -> Response {
    match app.db.ping().await {
        Ok(()) => "OK".into_response(),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            let retry_after = [(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))];
            (StatusCode::SERVICE_UNAVAILABLE, retry_after, "the database does not answer").into_response()
        }
    }
}

/// `GET /metrics` in the Prometheus text format, for the configured networks only.
pub async fn metrics(State(app): State<App>, parts: Parts) -> Response {
    let may_see = client_ip(&parts, &app)
        .is_some_and(|ip| app.config.telemetry.metrics.allow.iter().any(|network| network.contains(&ip)));
    let Some(Some(handle)) = METRICS.get().filter(|_| may_see) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Ok(waiting) = store::job::count(&app.db).await {
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("keymaker_jobs_waiting").set(waiting as f64);
    }
    if let Ok(waiting) = store::mail::count(&app.db).await {
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!("keymaker_mails_waiting").set(waiting as f64);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}

/// Counts requests by route and status. The route is the pattern, never the path: that may hold an id.
pub async fn count(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<axum::extract::MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    metrics::counter!("keymaker_http_requests_total", "route" => route, "status" => response.status().as_u16().to_string())
        .increment(1);
    response
}
