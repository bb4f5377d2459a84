//! A database whose clock can be set, forward and back.

use crate::support::postgres::Server;

/// What the functions of the clock say in a database whose connections look there first.
const CLOCK: &str = "CREATE SCHEMA stepped;
    CREATE TABLE stepped.step (\"by\" INTERVAL NOT NULL);
    INSERT INTO stepped.step VALUES ('0');
    CREATE FUNCTION stepped.now() RETURNS timestamptz LANGUAGE sql STABLE AS
        'SELECT pg_catalog.now() + \"by\" FROM stepped.step';
    CREATE FUNCTION stepped.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        'SELECT pg_catalog.clock_timestamp() + \"by\" FROM stepped.step';";

/// Gives a new database a clock that can be set; the URL by which it is seen.
pub(crate) async fn with_clock(server: &Server, url: &str) -> String {
    server.connect(name(url)).await.batch_execute(CLOCK).await.expect("the database is new");
    format!("{url}?options=-c%20search_path%3Dpublic,stepped,pg_catalog")
}

/// Sets the clock of a database, by so much from the right time.
pub(crate) async fn set_clock(server: &Server, url: &str, by: &str) {
    let sql = format!("UPDATE stepped.step SET \"by\" = '{by}'");
    server.connect(name(url)).await.batch_execute(&sql).await.expect("it has a clock that can be set");
}

fn name(url: &str) -> &str {
    let (address, _) = url.split_once('?').unwrap_or((url, ""));
    address.rsplit_once('/').expect("a URL names its database").1
}
