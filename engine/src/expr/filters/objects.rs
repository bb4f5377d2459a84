//! Maps, lists and JSON.

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, State};

use super::refuse;

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("keys", keys);
    environment.add_filter("values", values);
    environment.add_filter("merge", merge);
    environment.add_filter("get", get);
    environment.add_filter("chunk", chunk);
    environment.add_filter("contains", contains);
    environment.add_filter("fromjson", from_json);
}

fn keys(map: &Value) -> Result<Vec<Value>, Error> {
    Ok(entries(map)?.into_iter().map(|(key, _)| key).collect())
}

fn values(map: &Value) -> Result<Vec<Value>, Error> {
    Ok(entries(map)?.into_iter().map(|(_, value)| value).collect())
}

/// Both maps in one; where both have a key, the second's value counts.
fn merge(map: &Value, other: &Value) -> Result<Value, Error> {
    Ok(Value::from_pairs(entries(map)?.into_iter().chain(entries(other)?)))
}

/// What stands at a path such as `owner.name` or `items.0`, or else the alternative, or `null`.
fn get(value: &Value, path: &str, alternative: Option<Value>) -> Value {
    let mut here = value.clone();
    for name in path.split('.') {
        let found = match (here.kind(), name.parse::<usize>()) {
            (ValueKind::Seq, Ok(index)) => here.get_item_by_index(index),
            _ => here.get_attr(name),
        };
        here = match found {
            Ok(found) if !found.is_undefined() => found,
            _ => return alternative.unwrap_or_else(|| Value::from(())),
        };
    }
    here
}

/// Lists of at most so many items.
fn chunk(list: &Value, size: usize) -> Result<Vec<Vec<Value>>, Error> {
    if size == 0 {
        return Err(refuse("A chunk has at least one item"));
    }
    let items: Vec<Value> = list.try_iter()?.collect();
    Ok(items.chunks(size).map(<[Value]>::to_vec).collect())
}

/// Whether a list has an item, a map a key, or a text a part.
fn contains(state: &State<'_, '_>, value: &Value, part: &Value) -> Result<bool, Error> {
    minijinja::tests::is_in(state, part, value)
}

fn from_json(text: &str) -> Result<Value, Error> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| refuse(format!("The text is not JSON: {error}")))?;
    Ok(Value::from(minijinja::value::Serde(value)))
}

fn entries(map: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if map.kind() != ValueKind::Map {
        return Err(refuse("Only a map has keys and values"));
    }
    map.try_iter()?.map(|key| map.get_item(&key).map(|value| (key, value))).collect()
}
