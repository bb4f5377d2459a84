//! `new`: a crate to start from.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Done, Failure, output};

/// The sources that this binary was built from.
const SOURCES: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The files of the crate with what they hold. `{{name}}` and the like are filled in; other braces stay.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("src/main.rs", include_str!("template/main.rs.txt")),
    ("tests/blocks.rs", include_str!("template/blocks.rs.txt")),
    ("workflows/welcome.yaml", include_str!("template/welcome.yaml.txt")),
    (".github/workflows/ci.yml", include_str!("template/ci.yml.txt")),
    ("blocks.lock.json", include_str!("template/blocks.lock.json.txt")),
    ("README.md", include_str!("template/README.md.txt")),
    (".gitignore", include_str!("template/gitignore.txt")),
    ("rustfmt.toml", include_str!("template/rustfmt.toml.txt")),
];

/// Names that a crate of blocks cannot have: Rust's own, and those that it depends on.
const TAKEN: &[&str] =
    &["alloc", "core", "proc-macro", "std", "stepwell", "stepwell-engine", "test", "tokio"];

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The directory to make; its last part names the crate, such as `my-blocks`
    path: PathBuf,
    /// Depend on the published version, even where the sources of this binary are at hand
    #[arg(long)]
    published: bool,
}

impl New {
    pub(super) fn run(self) -> Done {
        let name = name_of(&self.path)?;
        if self.path.exists() {
            return Err(Failure(format!("{} exists already; choose another name", self.path.display())));
        }
        let sources = Path::new(SOURCES).parent().filter(|sources| !self.published && sources.is_dir());
        for (file, text) in FILES {
            let path = self.path.join(file);
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            fs::write(path, fill(text, &name, sources))?;
        }
        output::line(&format!("Made the crate `{name}` in {}", self.path.display()));
        output::line(&format!("Go on with: cd {} && cargo test && cargo run -- serve", self.path.display()));
        Ok(())
    }
}

fn name_of(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let words = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.split('-').all(words) {
        return Err(Failure(format!(
            "`{name}` cannot name a crate of blocks; use lower-case words with hyphens, such as `my-blocks`"
        )));
    }
    if TAKEN.contains(&name) {
        return Err(Failure(format!("`{name}` is the name of another crate; choose another")));
    }
    Ok(name.to_owned())
}

fn fill(text: &str, name: &str, sources: Option<&Path>) -> String {
    let dependency = |package: &str, folder: &str| match sources {
        Some(sources) => format!("{{ path = \"{}\" }}", sources.join(folder).display()),
        None => format!("{VERSION:?} # {package}"),
    };
    text.replace("{{name}}", name)
        .replace("{{crate}}", &name.replace('-', "_"))
        .replace("{{stepwell}}", &dependency("the block SDK", "sdk"))
        .replace("{{stepwell-engine}}", &dependency("the engine and its testing kit", "engine"))
}
