//! What may be named where.

use super::source::Source;

/// Words that may stand only in certain folders.
struct Boundary {
    /// Where the words are looked for.
    within: &'static str,
    /// The folders in `within` where they may stand.
    except: &'static [&'static str],
    words: &'static [&'static str],
    /// Spelling differs from `words` but is allowed.
    allowed: &'static [&'static str],
    reason: &'static str,
}

const BOUNDARIES: [Boundary; 6] = [
    Boundary {
        within: "engine",
        except: &["engine/src/store", "engine/tests/support"],
        words: &[
            "SELECT ",
            "INSERT INTO ",
            "INSERT OR ",
            "DELETE FROM ",
            "CREATE TABLE ",
            "rusqlite",
            "tokio_postgres",
        ],
        allowed: &[],
        reason: "SQL lies under engine/src/store",
    },
    Boundary {
        within: "sdk",
        except: &[],
        words: &["axum", "tokio::", "rusqlite", "reqwest"],
        allowed: &[],
        reason: "the SDK has no runtime, server, client or database of its own",
    },
    Boundary {
        within: "engine",
        except: &["engine/src/http"],
        words: &["axum"],
        allowed: &[],
        reason: "axum lies under engine/src/http",
    },
    Boundary {
        within: "engine/src/core",
        except: &[],
        words: &[
            "std::time",
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
            "tokio",
            "std::fs",
            "std::net",
            "new_v4",
            "now_v7",
            "new_v7",
            "getrandom",
            "rand::",
            "async fn",
            "async move",
            ".await",
        ],
        allowed: &["std::time::Duration"],
        reason: "the core knows no clock, no randomness, no IO and no async",
    },
    Boundary {
        within: "engine/src/core",
        except: &[],
        words: &["crate::store", "crate::driver", "crate::http", "crate::secrets", "crate::cli"],
        allowed: &[],
        reason: "the core depends on the model alone",
    },
    Boundary {
        within: "engine/src/validate",
        except: &[],
        words: &[
            "crate::core",
            "crate::store",
            "crate::driver",
            "crate::http",
            "crate::cli",
            "tokio",
            "async fn",
        ],
        allowed: &[],
        reason: "manifests are validated without anything that runs",
    },
];

/// What in this file crosses a boundary.
pub(super) fn check(source: &Source) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (number, line) in source.code() {
        let mut say = |what: &str, reason: &str| {
            mistakes.push(format!("{}:{number}: `{}`: {reason}", source.path, what.trim()));
        };
        for boundary in &BOUNDARIES {
            if let Some(word) = boundary.crossed_by(source, line) {
                say(word, boundary.reason);
            }
        }
        if line.contains(".unwrap()") {
            say(".unwrap()", "outside tests, `expect` names the invariant");
        }
        // What the macros expand to may allow lints that the author never sees.
        if line.contains("#[allow(") && !source.is_in("sdk-macros") {
            say("#[allow(", "`#[expect(lint, reason = \"…\")]` says why");
        }
    }
    mistakes
}

impl Boundary {
    fn crossed_by(&self, source: &Source, line: &str) -> Option<&'static str> {
        if !source.is_in(self.within) || self.except.iter().any(|folder| source.is_in(folder)) {
            return None;
        }
        let line = self.allowed.iter().fold(line.to_owned(), |line, allowed| line.replace(allowed, ""));
        self.words.iter().copied().find(|word| line.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, line: &str) -> usize {
        check(&Source::new(path, line)).len()
    }

    #[test]
    fn each_word_may_stand_in_its_room_only() {
        let cases = [
            ("engine/src/store/sqlite/runs.rs", "engine/src/driver/mod.rs", "\"SELECT id FROM runs\""),
            ("engine/src/http/routes/runs.rs", "engine/src/driver/mod.rs", "use axum::Router;"),
            ("engine/src/driver/clock.rs", "engine/src/core/run/mod.rs", "let now = Timestamp::now();"),
            ("engine/src/driver/clock.rs", "engine/src/core/run/mod.rs", "use std::time::Instant;"),
            ("engine/src/core/run/mod.rs", "sdk/src/http_client.rs", "reqwest"),
            ("engine/src/driver/mod.rs", "engine/src/core/mod.rs", "use crate::store::Store;"),
            ("engine/src/driver/mod.rs", "engine/src/validate/lock.rs", "use crate::driver::Driver;"),
            ("engine/src/driver/tests.rs", "engine/src/driver/mod.rs", "x.unwrap();"),
        ];
        for (room, elsewhere, line) in cases {
            assert_eq!(count(room, line), 0, "{room}: {line}");
            assert_eq!(count(elsewhere, line), 1, "{elsewhere}: {line}");
        }
    }

    #[test]
    fn the_core_may_speak_of_durations() {
        assert_eq!(count("engine/src/core/run/mod.rs", "use std::time::Duration;"), 0);
    }
}
