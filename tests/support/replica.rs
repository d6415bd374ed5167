//! A second server on the database of the first, as a replica is, or as the same one is after its configuration changed.

use std::collections::BTreeMap;

use keymaker::{app, app::App, config};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{Server, variable};

/// It stops when it is dropped.
pub struct Replica {
    pub app: App,
    pub base: String,
    running: JoinHandle<()>,
}

impl Server {
    /// Starts a server with the settings of this one and others over them, on the same database and by the same clock.
    pub async fn replica(&self, settings: &[(&str, &str)]) -> Replica {
        let mut environment: BTreeMap<String, String> = self.environment.clone();
        environment.extend(settings.iter().map(|(key, value)| (variable(key), (*value).to_owned())));
        let config = config::development(self.data_directory(), &environment).unwrap_or_else(|p| panic!("{p}"));
        let db = keymaker::store::db::Db::open(config.database.uri(), 10).await.unwrap();
        let app = app::build(config, db, self.clock.clone(), self.app.homeserver.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = format!("http://{address}{}", app.config.http.public_base.path());
        let running = tokio::spawn({
            let app = app.clone();
            async move { keymaker::server::serve(app, vec![listener], std::future::pending::<()>()).await.unwrap() }
        });
        Replica { app, base, running }
    }
}

impl Replica {
    /// An address of the first server, at this one.
    pub fn instead_of(&self, server: &Server, address: &str) -> String {
        address.replacen(&server.base, &self.base, 1)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.running.abort();
    }
}
