//! Named arguments to arguments in their places.

use std::collections::BTreeMap;

use crate::error::RpcError;
use crate::json::{Json, Object};
use crate::method::ArgName;

/// Puts the members of `params` where `names` says. Options that have no place of their own are gathered in the object
/// that follows them. A member `args` that holds an array, unless the method has an argument of that name, gives the
/// first places, and named arguments come after them.
///
/// Places that were not named before one that was are `null`; nothing is added after the last that was named, because
/// some methods look at the number of arguments.
pub fn to_positional(params: Object, names: &[ArgName]) -> Result<Vec<Json>, RpcError> {
    let mut given = Given::new(params)?;
    let mut places: Vec<Json> = Vec::new();
    let mut hole = 0;
    let mut initial_hole = 0;
    let mut first_named: Option<&ArgName> = None;
    let mut options = Object::new();
    for name in names {
        let found = given.take(name);
        if name.named_only {
            if let Some((key, value)) = found {
                if options.contains(&key) {
                    return Err(twice(&key));
                }
                options.push(key, value);
            }
            continue;
        }
        if found.is_none() && options.is_empty() {
            hole += 1;
            if places.is_empty() {
                initial_hole = hole;
            }
            continue;
        }
        places.extend(std::iter::repeat_n(Json::Null, hole));
        hole = 0;
        first_named.get_or_insert(name);
        if let Some((key, value)) = found {
            if let Some(option) = options.keys().next() {
                return Err(RpcError::invalid_parameter(format!("Parameter {key} conflicts with parameter {option}")));
            }
            places.push(value);
        } else {
            places.push(std::mem::take(&mut options).into());
        }
    }
    if let Some(mut positional) = given.take_args() {
        if let Some(name) = first_named
            && initial_hole < positional.len()
        {
            let names = &name.names;
            let text = format!("Parameter {names} specified twice both as positional and named argument");
            return Err(RpcError::invalid_parameter(text));
        }
        if positional.len() < places.len() {
            positional.extend(places.drain(positional.len()..));
        }
        places = positional;
    }
    match given.0.into_values().min_by_key(|(order, ..)| *order) {
        Some((_, key, _)) => Err(RpcError::invalid_parameter(format!("Unknown named parameter {key}"))),
        None => Ok(places),
    }
}

fn twice(key: &str) -> RpcError {
    RpcError::invalid_parameter(format!("Parameter {key} specified multiple times"))
}

/// The members that were not used yet, with the order in which they came.
struct Given(BTreeMap<String, (usize, String, Json)>);

impl Given {
    fn new(params: Object) -> Result<Self, RpcError> {
        let mut members = BTreeMap::new();
        for (order, (key, value)) in params.into_iter().enumerate() {
            let key = key.into_owned();
            if members.contains_key(&key) {
                return Err(twice(&key));
            }
            members.insert(key.clone(), (order, key, value));
        }
        Ok(Self(members))
    }

    fn take(&mut self, name: &ArgName) -> Option<(String, Json)> {
        let (_, key, value) = name.names.split('|').find_map(|alias| self.0.remove(alias))?;
        Some((key, value))
    }

    fn take_args(&mut self) -> Option<Vec<Json>> {
        match self.0.remove("args")? {
            (_, _, Json::Arr(items)) => Some(items),
            // Anything else under that name is dropped, as Bitcoin Core drops it.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use proptest::prelude::*;

    fn names() -> Vec<ArgName> {
        let name = |names: &'static str, named_only| ArgName { names: names.into(), named_only };
        vec![
            name("arg1", false),
            name("arg2|second", false),
            name("opt1", true),
            name("opt2|alias", true),
            name("arg2", true),
            name("options", false),
            name("arg5", false),
        ]
    }

    fn transform(text: &str, names: &[ArgName]) -> String {
        let Some(Json::Obj(params)) = parse(text.as_bytes()) else { panic!("{text} is no object") };
        match to_positional(params, names) {
            Ok(places) => Json::Arr(places).write(),
            Err(error) => error.message.into_owned(),
        }
    }

    #[test]
    fn arguments_find_their_places() {
        for (given, expected) in [
            ("{}", "[]"),
            (r#"{"arg1":1}"#, "[1]"),
            (r#"{"arg2":2}"#, "[null,2]"),
            (r#"{"second":2,"arg1":1}"#, "[1,2]"),
            (r#"{"arg5":null}"#, "[null,null,null,null]"),
            (r#"{"arg1":1,"arg5":5}"#, "[1,null,null,5]"),
            (r#"{"opt1":1}"#, r#"[null,null,{"opt1":1}]"#),
            (r#"{"alias":1,"opt1":2,"arg1":0}"#, r#"[0,null,{"opt1":2,"alias":1}]"#),
            (r#"{"options":{"x":1}}"#, r#"[null,null,{"x":1}]"#),
            (r#"{"options":{},"opt1":1}"#, "Parameter options conflicts with parameter opt1"),
            (r#"{"arg1":1,"arg1":2}"#, "Parameter arg1 specified multiple times"),
            (r#"{"args":[1,2]}"#, "[1,2]"),
            (r#"{"args":[1],"arg2":2}"#, "[1,2]"),
            (r#"{"args":[1],"arg5":5}"#, "[1,null,null,5]"),
            (r#"{"args":[1],"opt1":5}"#, r#"[1,null,{"opt1":5}]"#),
            (r#"{"args":[],"arg1":1}"#, "[1]"),
            (
                r#"{"args":[1,2],"arg2":3}"#,
                "Parameter arg2|second specified twice both as positional and named argument",
            ),
            (r#"{"args":[1,2,3],"opt1":5}"#, "Parameter options specified twice both as positional and named argument"),
            (r#"{"args":5}"#, "[]"),
            (r#"{"zzz":1,"aaa":2}"#, "Unknown named parameter zzz"),
        ] {
            assert_eq!(transform(given, &names()), expected, "{given}");
        }
    }

    #[test]
    fn a_method_may_have_an_argument_called_args() {
        let names = vec![ArgName { names: "args".into(), named_only: false }];
        assert_eq!(transform(r#"{"args":[1]}"#, &names), "[[1]]");
    }

    proptest! {
        #[test]
        fn any_members_are_answered(keys in prop::collection::vec("arg[1-5]|opt[12]|options|args|second|x", 0..8)) {
            let params: Object = keys.into_iter().map(|key| (key, Json::Arr(vec![Json::from(1)]))).collect();
            let _ = to_positional(params, &names());
        }
    }
}
