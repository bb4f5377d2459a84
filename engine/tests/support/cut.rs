//! A server whose connections break, and whose processes are declared dead.

use std::time::Duration;

use super::support::postgres::Server;

/// How long to wait before looking again whether connections are gone.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

impl Server {
    /// Cuts all connections to a database. Returns when they are gone, and with them what they had not committed.
    pub(crate) async fn cut_connections(&self, url: &str) {
        let admin = self.connect("postgres").await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY($1)";
        let connected = "SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE datname = $1";
        let connections = admin.query_one(connected, &[&name(url)]).await.expect("a superuser may");
        let connections: Vec<i32> = connections.get(0);
        while !admin.query(sql, &[&connections]).await.expect("a superuser may").is_empty() {
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    /// Declares all processes of a database dead, as after their leases.
    pub(crate) async fn bury_processes(&self, url: &str) {
        self.cut_connections(url).await;
        let sql = "UPDATE processes SET expires_at = now() WHERE expires_at > now()";
        self.connect(name(url)).await.execute(sql, &[]).await.expect("the database is set up");
    }

    /// Removes a database.
    pub(crate) async fn remove(&self, url: &str) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", name(url));
        self.connect("postgres").await.batch_execute(&sql).await.expect("a superuser may");
    }
}

fn name(url: &str) -> &str {
    url.rsplit_once('/').expect("a URL names its database").1
}
