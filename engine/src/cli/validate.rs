//! `validate`.

use std::path::{Path, PathBuf};

use stepwell::manifest::{App, Manifest};

use super::{Done, Failure, output};
use crate::validate::{LOCK_FILE, LockFile, check};

/// The crates whose blocks come with the engine: what they promise is the engine's concern.
const OWN_APPS: [&str; 2] = ["core", env!("CARGO_PKG_NAME")];

/// Check the registered blocks, and compare them with what was promised to workflows.
#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// A crate to validate; all but the engine's own without it
    #[arg(long = "app", value_name = "CRATE")]
    apps: Vec<String>,
    /// The lock file, or its folder: `blocks.lock.json` there, or `<CRATE>.blocks.lock.json` for each of several
    #[arg(long, value_name = "PATH", default_value = ".")]
    lock: PathBuf,
    /// Write the lock file anew, and so accept what has changed
    #[arg(long)]
    accept: bool,
}

impl Validate {
    pub(super) fn run(&self) -> Done {
        for line in self.settle(&Manifest::registered())? {
            output::line(&line);
        }
        Ok(())
    }

    /// Validates the blocks of a manifest, and gives what there is to say.
    fn settle(&self, manifest: &Manifest) -> Result<Vec<String>, Failure> {
        let apps = self.chosen(manifest)?;
        let mistakes = check(apps.iter().copied());
        if !mistakes.is_empty() {
            return Err(listed("The blocks have mistakes", &mistakes, None));
        }
        let (mut said, mut mistakes, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        for (app, path) in apps.iter().zip(lock_paths(&self.lock, &apps)?) {
            let file = LockFile::new(path, &app.name);
            if self.accept {
                let settlement = file.accept(Some(app))?;
                said.extend(settlement.accepted.iter().map(|change| format!("Accepted: {change}")));
                notices.extend(settlement.notices);
                continue;
            }
            let settlement = file.compare(Some(app))?;
            mistakes.extend(settlement.mistakes);
            notices.extend(settlement.notices);
        }
        let notices = notices.iter().map(|notice| format!("Note: {notice}"));
        if !mistakes.is_empty() {
            mistakes.extend(notices);
            let mend = "If this is meant, run `validate --accept` and commit the lock file.";
            return Err(listed("The blocks are not those of the lock file", &mistakes, Some(mend)));
        }
        said.extend(notices);
        for app in apps {
            said.push(format!("{} blocks of {} are as promised", app.blocks.len(), app.name));
        }
        Ok(said)
    }

    fn chosen<'a>(&self, manifest: &'a Manifest) -> Result<Vec<&'a App>, Failure> {
        let names: Vec<_> = manifest.apps.iter().map(|app| app.name.as_str()).collect();
        if let Some(unknown) = self.apps.iter().find(|name| !names.contains(&name.as_str())) {
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Failure(format!(
                "This binary has no blocks of `{unknown}`; it has those of: {known}. \
                 If they should be there, link their crate: `use {} as _;`",
                unknown.replace('-', "_")
            )));
        }
        let is_chosen = |name: &String| {
            if self.apps.is_empty() { !OWN_APPS.contains(&name.as_str()) } else { self.apps.contains(name) }
        };
        let apps: Vec<_> = manifest.apps.iter().filter(|app| is_chosen(&app.name)).collect();
        if apps.is_empty() {
            return Err(Failure(
                "This binary has no blocks to validate; link the crate that has them: `use my_blocks as _;`"
                    .to_owned(),
            ));
        }
        Ok(apps)
    }
}

/// Where the lock files of these crates are.
fn lock_paths(lock: &Path, apps: &[&App]) -> Result<Vec<PathBuf>, Failure> {
    match apps {
        [_] if lock.is_dir() => Ok(vec![lock.join(LOCK_FILE)]),
        [_] => Ok(vec![lock.to_owned()]),
        _ if lock.is_dir() => {
            Ok(apps.iter().map(|app| lock.join(format!("{}.{LOCK_FILE}", app.name))).collect())
        }
        _ => Err(Failure(format!(
            "{} is not a folder, and this binary has blocks of {} crates; name a folder with `--lock`, or one \
             crate with `--app`",
            lock.display(),
            apps.len()
        ))),
    }
}

fn listed(what: &str, lines: &[impl ToString], then: Option<&str>) -> Failure {
    let lines = lines.iter().map(|line| format!("  {}", line.to_string()));
    let all: Vec<_> = [format!("{what}:")].into_iter().chain(lines).chain(then.map(str::to_owned)).collect();
    Failure(all.join("\n"))
}

#[cfg(test)]
mod tests {
    use stepwell::manifest::MANIFEST_FORMAT;

    use super::*;

    fn app(name: &str, text: &str) -> App {
        let text = text.replace("shop", name);
        serde_json::from_str(&text).expect("the fixture is well-formed")
    }

    fn validate(apps: &[&str], lock: &Path, accept: bool) -> Validate {
        Validate { apps: apps.iter().map(|&name| name.to_owned()).collect(), lock: lock.to_owned(), accept }
    }

    fn manifest(apps: Vec<App>) -> Manifest {
        Manifest { format: MANIFEST_FORMAT, apps }
    }

    const LOCK: &str = include_str!("../validate/compare/fixtures/lock.json");
    const BROKEN: &str = include_str!("../validate/compare/fixtures/broken.json");

    #[test]
    fn the_only_crate_keeps_its_lock_in_the_folder_and_the_engines_own_has_none() {
        let folder = tempfile::tempdir().expect("there is room");
        let folder = folder.path();
        let blocks = manifest(vec![app("shop", LOCK), app("stepwell-engine", LOCK)]);
        let missing = validate(&[], folder, false).settle(&blocks).expect_err("there is no lock").0;
        assert!(missing.contains("shop: there is no ") && missing.contains("validate --accept"), "{missing}");
        assert_eq!(validate(&[], folder, true).settle(&blocks).expect("it is accepted").len(), 2);
        assert!(folder.join(LOCK_FILE).exists());
        let said = validate(&[], folder, false).settle(&blocks).expect("it passes");
        assert_eq!(said, ["3 blocks of shop are as promised"]);

        let broken = manifest(vec![app("shop", BROKEN)]);
        let refused = validate(&[], folder, false).settle(&broken).expect_err("it breaks").0;
        assert!(refused.lines().count() > 3 && refused.contains("breaks waiting runs"), "{refused}");
        let accepted = validate(&[], folder, true).settle(&broken).expect("it is accepted");
        assert!(accepted[0].starts_with("Accepted: shop/ask: config.text"), "{accepted:?}");
        assert!(validate(&[], folder, false).settle(&broken).is_ok());
    }

    #[test]
    fn several_crates_have_a_file_each_and_one_can_be_chosen() {
        let folder = tempfile::tempdir().expect("there is room");
        let folder = folder.path();
        let blocks = manifest(vec![app("garden", LOCK), app("shop", LOCK)]);
        validate(&[], folder, true).settle(&blocks).expect("it is accepted");
        assert!(
            folder.join("garden.blocks.lock.json").exists() && folder.join("shop.blocks.lock.json").exists()
        );
        assert!(validate(&[], folder, false).settle(&blocks).is_ok());
        assert!(validate(&["shop"], &folder.join("shop.blocks.lock.json"), false).settle(&blocks).is_ok());
        let refused =
            validate(&[], &folder.join("one.json"), false).settle(&blocks).expect_err("it is a file").0;
        assert!(refused.contains("is not a folder"), "{refused}");
        let unknown =
            validate(&["kitchen-sink"], folder, false).settle(&blocks).expect_err("it is not there").0;
        assert!(unknown.contains("garden, shop") && unknown.contains("use kitchen_sink as _;"), "{unknown}");
        let nothing = validate(&[], folder, true).settle(&manifest(Vec::new()));
        assert!(nothing.expect_err("there are none").0.contains("no blocks to validate"));
    }

    #[test]
    fn mistakes_are_refused_even_where_changes_are_accepted() {
        let folder = tempfile::tempdir().expect("there is room");
        let mut bad = app("shop", LOCK);
        bad.blocks[1].title = String::new();
        let refused =
            validate(&[], folder.path(), true).settle(&manifest(vec![bad])).expect_err("it is bad").0;
        assert!(refused.contains("shop/greet: title: it is missing"), "{refused}");
        assert!(!folder.path().join(LOCK_FILE).exists());
    }
}
