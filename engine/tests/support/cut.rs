//! A server whose connections break.

use super::support::postgres::Server;

impl Server {
    /// Cuts all connections to a database.
    pub(crate) async fn cut_connections(&self, url: &str) {
        let (_, name) = url.rsplit_once('/').expect("a URL names its database");
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        self.connect("postgres").await.execute(sql, &[&name]).await.expect("a superuser may");
    }
}
