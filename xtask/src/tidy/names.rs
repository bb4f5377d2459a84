//! Names of tests that carry the id of a lifecycle rule, such as `t3_failed_activation_is_not_enabled`.

use super::source::Source;

/// The letters that rule ids begin with.
const FAMILIES: [char; 5] = ['t', 's', 'd', 'g', 'o'];

/// The ids of the rules in the document: what stands in bold at the beginning of a list item.
pub(super) fn rules(document: &str) -> Vec<String> {
    let items = document.lines().filter_map(|line| line.strip_prefix("- **")?.split_once("**"));
    items.map(|(id, _)| id.to_owned()).filter(|id| is_rule_id(id)).collect()
}

/// What is wrong with the names of the tests in this file.
pub(super) fn check(source: &Source, rules: &[String]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut follows_test_attribute = false;
    for (number, line) in source.lines() {
        let line = line.trim();
        if line.starts_with("#[") {
            follows_test_attribute |= line.starts_with("#[test") || line.contains("::test");
            continue;
        }
        if follows_test_attribute
            && let Some(name) = function_name(line)
            && let Some(mistake) = mistake(name, rules)
        {
            mistakes.push(format!("{}:{number}: `{name}`: {mistake}", source.path));
        }
        follows_test_attribute = false;
    }
    mistakes
}

pub(super) fn function_name(line: &str) -> Option<&str> {
    let after = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    after.split(['(', '<']).next()
}

fn mistake(name: &str, rules: &[String]) -> Option<String> {
    let (first, rest) = name.split_once('_').unwrap_or((name, ""));
    if !looks_like_a_rule_id(first) {
        return None;
    }
    if !is_rule_id(first) {
        return Some("a rule's id is a letter and a number, followed by `_`".to_owned());
    }
    if !rules.iter().any(|rule| rule == first) {
        return Some(format!("docs/lifecycle.md has no rule {first}"));
    }
    if rest.split('_').filter(|word| !word.is_empty()).count() < 2 {
        return Some("after the rule's id, the name says what is proven".to_owned());
    }
    None
}

/// Whether the name's first word is meant as a rule's id: one of the letters, then a digit.
fn looks_like_a_rule_id(word: &str) -> bool {
    let mut characters = word.chars();
    let family = characters.next().is_some_and(|first| FAMILIES.contains(&first.to_ascii_lowercase()));
    family && characters.next().is_some_and(|second| second.is_ascii_digit())
}

pub(super) fn is_rule_id(word: &str) -> bool {
    let Some(number) = word.strip_prefix(FAMILIES) else { return false };
    !number.is_empty() && !number.starts_with('0') && number.chars().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# Rules\n\n- **t3** If …\n- **d12** **+** A callback …\n- **Word** not a rule\n";

    #[test]
    fn rules_are_read_from_the_document() {
        assert_eq!(rules(DOCUMENT), ["t3", "d12"]);
    }

    #[test]
    fn names_carry_rules_that_exist_and_say_what_is_proven() {
        let check = |name: &str| {
            let text = format!("#[tokio::test]\n#[ignore]\nasync fn {name}() {{\n");
            super::check(&Source::new("a.rs", &text), &rules(DOCUMENT)).len()
        };
        for good in
            ["t3_failed_activation_is_not_enabled", "d12_a_callback_waits", "the_rest", "decides_well"]
        {
            assert_eq!(check(good), 0, "{good}");
        }
        for bad in
            ["t4_there_is_no_such_rule", "t3", "t3_x", "t3failed_is_not_enabled", "d012_a_callback_waits"]
        {
            assert_eq!(check(bad), 1, "{bad}");
        }
    }

    #[test]
    fn functions_that_are_not_tests_are_named_freely() {
        assert_eq!(check(&Source::new("a.rs", "fn t4_helper() {"), &[]), Vec::<String>::new());
    }
}
