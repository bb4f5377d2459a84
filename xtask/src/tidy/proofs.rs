//! `docs/rules.md`: which tests prove which lifecycle rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::names::{function_name, is_rule_id};
use super::source::Source;

/// Where the table lies.
pub(super) const TABLE: &str = "docs/rules.md";

const HEAD: &str = "# Which tests prove which rule

The rules are those of [lifecycle.md](lifecycle.md). `cargo xtask tidy --accept` writes this page.

";

/// The page, and the rules that nothing proves although the document does not call them *later*.
pub(super) fn page(rules: &[String], document: &str, sources: &[Source]) -> (String, Vec<String>) {
    let proofs = proofs(sources);
    let mut page = HEAD.to_owned();
    let mut mistakes = Vec::new();
    for rule in rules {
        let tests = proofs.get(rule.as_str()).map(Vec::as_slice).unwrap_or_default();
        if tests.is_empty() && !is_later(rule, document) {
            mistakes.push(format!(
                "docs/lifecycle.md: no test proves {rule}; write one, or mark the rule *later*"
            ));
        }
        let _ = writeln!(page, "**{rule}**{}\n", if tests.is_empty() { ": not yet" } else { "" });
        for (path, name) in tests {
            let _ = writeln!(page, "- `{name}` in [{path}](../{path})");
        }
        if !tests.is_empty() {
            page.push('\n');
        }
    }
    (format!("{}\n", page.trim_end()), mistakes)
}

/// The tests of each rule, as path and name.
fn proofs(sources: &[Source]) -> BTreeMap<&str, Vec<(&str, &str)>> {
    let mut proofs: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for source in sources {
        for name in source.lines().filter_map(|(_, line)| function_name(line.trim())) {
            for rule in name.split('_').take_while(|word| is_rule_id(word)) {
                proofs.entry(rule).or_default().push((&source.path, name));
            }
        }
    }
    proofs
}

/// Whether the document says that a rule, or a part of it, is not built yet; or that it is the editor's.
fn is_later(rule: &str, document: &str) -> bool {
    let item = document.lines().find(|line| line.starts_with(&format!("- **{rule}**")));
    rule.starts_with('g') || item.is_some_and(|item| item.contains("*later*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_proven_by_the_tests_that_carry_its_id() {
        let rules: Vec<String> = ["t1", "t2", "t3"].map(str::to_owned).into();
        let document = "- **t1** Is.\n- **t2** Will be (*later*).\n- **t3** Is.\n";
        let source = Source::new("a.rs", "fn t1_o2_it_is() {\nasync fn helper() {\n");
        let (page, mistakes) = page(&rules, document, &[source]);
        assert!(page.contains("**t1**\n\n- `t1_o2_it_is` in [a.rs](../a.rs)"), "{page}");
        assert!(page.contains("**t2**: not yet"), "{page}");
        assert_eq!(mistakes, ["docs/lifecycle.md: no test proves t3; write one, or mark the rule *later*"]);
    }
}
