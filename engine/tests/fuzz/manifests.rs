//! Manifests, as lock files and binaries bring them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use stepwell::manifest::{App, Manifest};
use stepwell_engine::validate::{check, compare};

use crate::values::Bytes;

/// The built-in blocks.
static CORE: LazyLock<App> = LazyLock::new(|| {
    let apps = Manifest::registered().apps;
    apps.into_iter().find(|app| app.name == "core").unwrap()
});

/// Replaces or removes something somewhere in a value.
fn alter(value: &mut Value, bytes: &mut Bytes<'_>) {
    match value {
        Value::Object(fields) if !fields.is_empty() && bytes.next() > 20 => {
            let at = bytes.next() % fields.len();
            if bytes.next() < 20 {
                let name = fields.keys().nth(at).cloned().unwrap_or_default();
                fields.shift_remove(&name);
            } else if let Some((_, field)) = fields.iter_mut().nth(at) {
                alter(field, bytes);
            }
        }
        Value::Array(items) if !items.is_empty() && bytes.next() > 20 => {
            let at = bytes.next() % items.len();
            alter(&mut items[at], bytes);
        }
        value => *value = bytes.value(),
    }
}

#[test]
fn any_manifest_is_checked_and_compared_or_an_error() {
    static ALTERED: AtomicUsize = AtomicUsize::new(0);
    let core = &*CORE;
    let written = serde_json::to_value(core).unwrap();
    assert_eq!(serde_json::from_value::<App>(written.clone()).unwrap(), *core);
    bolero::check!().with_iterations(500).for_each(|input: &[u8]| {
        let mut bytes = Bytes::new(input);
        let mut altered = written.clone();
        for _ in 0..=bytes.next() % 3 {
            alter(&mut altered, &mut bytes);
        }
        let _ = serde_json::from_slice::<App>(input);
        let Ok(app) = serde_json::from_value::<App>(altered) else { return };
        ALTERED.fetch_add(1, Ordering::SeqCst);
        let again = serde_json::to_value(&app).unwrap();
        assert_eq!(serde_json::from_value::<App>(again).unwrap(), app);
        check([&app]);
        compare(core, Some(&app));
        compare(&app, Some(core));
    });
    assert!(ALTERED.load(Ordering::SeqCst) > 0, "some are manifests");
}
