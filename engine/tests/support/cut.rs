//! A server whose connections break, and whose processes are declared dead.

use super::support::postgres::Server;

impl Server {
    /// Cuts all connections to a database. Returns when they are gone, and what they had not committed.
    pub(crate) async fn cut_connections(&self, url: &str) {
        let (_, name) = url.rsplit_once('/').expect("a URL names its database");
        let sql = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1";
        self.connect("postgres").await.execute(sql, &[&name]).await.expect("a superuser may");
    }

    /// Declares all processes of a database dead, as after their leases.
    pub(crate) async fn bury_processes(&self, url: &str) {
        self.cut_connections(url).await;
        let (_, name) = url.rsplit_once('/').expect("a URL names its database");
        let sql = "UPDATE processes SET expires_at = now() WHERE expires_at > now()";
        self.connect(name).await.execute(sql, &[]).await.expect("the database is set up");
    }

    /// Removes a database.
    pub(crate) async fn remove(&self, url: &str) {
        let (_, name) = url.rsplit_once('/').expect("a URL names its database");
        let sql = format!("DROP DATABASE {name} WITH (FORCE)");
        self.connect("postgres").await.batch_execute(&sql).await.expect("a superuser may");
    }
}
