//! The promises of [`Vault`](crate::store::Vault).

use super::sample::at;
use crate::store::{ConnectionRow, Store};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    connections_are_kept_by_kind_and_name(&fresh().await).await;
}

async fn connections_are_kept_by_kind_and_name(store: &dyn Store) {
    let row = |kind: &str, name: &str, credentials: u8, second: i64| ConnectionRow {
        kind: kind.to_owned(),
        name: name.to_owned(),
        credentials: vec![credentials],
        created_at: at(second),
        updated_at: at(second),
    };
    for (kind, name, is_new) in [
        ("b/mail", "default", true),
        ("a/mail", "Two", true),
        ("a/mail", "one", true),
        ("b/mail", "default", false),
    ] {
        let stored = store.put_connection(row(kind, name, 1, 1)).await;
        assert_eq!(stored.expect("the store works"), is_new, "{kind} {name}");
    }
    store.put_connection(row("a/mail", "one", 2, 5)).await.expect("the store works");
    let replaced = ConnectionRow { created_at: at(1), ..row("a/mail", "one", 2, 5) };
    let found = store.connection("a/mail", "one").await.expect("the store works");
    assert_eq!(found.as_ref(), Some(&replaced), "it is as old as before");
    let all = store.connections().await.expect("the store works");
    assert_eq!(all, [row("a/mail", "Two", 1, 1), replaced, row("b/mail", "default", 1, 1)]);

    assert!(store.remove_connection("a/mail", "one").await.expect("the store works"));
    assert!(!store.remove_connection("a/mail", "one").await.expect("the store works"));
    assert_eq!(store.connection("a/mail", "one").await.expect("the store works"), None);
    assert_eq!(store.connections().await.expect("the store works").len(), 2);
}
