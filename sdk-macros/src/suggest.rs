//! The name that an author probably meant.

/// How many letters a near miss may differ in.
const NEAR: usize = 2;

/// " (did you mean `…`?)" if one of the names is near, otherwise the names.
pub(crate) fn mend(given: &str, names: &[&str]) -> String {
    let near = names
        .iter()
        .map(|name| (distance(given, name), name))
        .filter(|(distance, name)| *distance <= NEAR && *distance < name.len())
        .min();
    if let Some((_, name)) = near {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "there is none".to_owned(),
        [name] => format!("there is only {name}"),
        [first @ .., last] => format!("there are {} and {last}", first.join(", ")),
    }
}

/// The number of letters to insert, remove, replace or swap with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for row in 0..=left.len() {
        for column in 0..=right.len() {
            table[row][column] = if row == 0 || column == 0 {
                row + column
            } else {
                let same = left[row - 1] == right[column - 1];
                let swapped = row > 1
                    && column > 1
                    && left[row - 1] == right[column - 2]
                    && left[row - 2] == right[column - 1];
                let changed = (table[row - 1][column] + 1)
                    .min(table[row][column - 1] + 1)
                    .min(table[row - 1][column - 1] + usize::from(!same));
                if swapped { changed.min(table[row - 2][column - 2] + 1) } else { changed }
            };
        }
    }
    table[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_suggested() {
        assert_eq!(mend("finsh", &["finish", "cancel"]), "did you mean `finish`?");
        assert_eq!(mend("cancle", &["finish", "cancel"]), "did you mean `cancel`?");
    }

    #[test]
    fn otherwise_the_names_are_listed() {
        assert_eq!(mend("colour", &["finish", "cancel", "id"]), "there are `finish`, `cancel` and `id`");
    }
}
