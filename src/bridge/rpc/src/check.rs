//! Requests and answers against the description.

use crate::error::RpcError;
use crate::json::{Json, Object};
use crate::method::{Arg, MethodDoc, Res, ResType};

/// Whether so many places may be given.
pub(crate) fn arg_count_fits(doc: &MethodDoc, count: usize) -> bool {
    let required = doc.args.iter().rposition(|arg| !arg.is_optional()).map_or(0, |last| last + 1);
    (required..=doc.args.len()).contains(&count)
}

/// Whether the arguments have the types of the description. What the description leaves to the method passes.
pub(crate) fn check_args(doc: &MethodDoc, params: &Json) -> Result<(), RpcError> {
    let mut mismatches = Object::new();
    for (index, arg) in doc.args.iter().enumerate() {
        if let Some(mismatch) = arg_mismatch(arg, params.at(index)) {
            mismatches.set(format!("Position {} ({})", index + 1, arg.names), mismatch);
        }
    }
    if mismatches.is_empty() {
        return Ok(());
    }
    Err(RpcError::wrong_type(format!("Wrong type passed:\n{}", Json::from(mismatches).write_indented(4))))
}

fn arg_mismatch(arg: &Arg, value: &Json) -> Option<String> {
    if arg.skip_type_check || (arg.is_optional() && value.is_null()) {
        return None;
    }
    let (expected, got) = (arg.kind.json_type()?, value.type_name());
    (expected != got).then(|| format!("JSON value of type {got} is not of expected type {expected}"))
}

/// Whether the answer has one of the described shapes. The error tells the differences.
pub(crate) fn check_result(doc: &MethodDoc, value: &Json) -> Result<(), String> {
    let mut mismatches = Vec::new();
    for result in &doc.results {
        match result_mismatch(result, value) {
            Some(mismatch) => mismatches.push(mismatch),
            None => return Ok(()),
        }
    }
    let explanation = match mismatches.as_slice() {
        [] => "no possible results defined".to_owned(),
        [single] => single.write_indented(4),
        _ => Json::Arr(mismatches).write_indented(4),
    };
    Err(format!("RPC call \"{}\" returned incorrect type:\n{explanation}", doc.name))
}

/// Whether a value has this shape.
pub(crate) fn fits(doc: &Res, value: &Json) -> bool {
    result_mismatch(doc, value).is_none()
}

fn result_mismatch(doc: &Res, value: &Json) -> Option<Json> {
    if doc.skip_type_check {
        return None;
    }
    let (expected, got) = (doc.kind.json_type()?, value.type_name());
    if expected != got {
        return Some(format!("returned type is {got}, but declared as {expected} in doc").into());
    }
    let errors: Object = match value {
        Json::Arr(items) => {
            // The last description stands for all further elements.
            let last = doc.inner.len().checked_sub(1)?;
            let checked = items.iter().enumerate().filter_map(|(index, item)| {
                Some((index.to_string(), result_mismatch(doc.inner.get(index.min(last))?, item)?))
            });
            checked.collect()
        }
        Json::Obj(object) if doc.kind == ResType::ObjDyn => {
            let inner = doc.inner.first()?;
            object.iter().filter_map(|(key, item)| Some((key.to_owned(), result_mismatch(inner, item)?))).collect()
        }
        Json::Obj(object) => member_mismatches(doc, object),
        _ => return None,
    };
    (!errors.is_empty()).then(|| errors.into())
}

fn member_mismatches(doc: &Res, object: &Object) -> Object {
    let mut errors = Object::new();
    for key in object.keys() {
        if !doc.inner.iter().any(|inner| inner.key == key) {
            errors.set(key.to_owned(), "key returned that was not in doc");
        }
    }
    for inner in &doc.inner {
        match object.get(&inner.key) {
            Some(item) => {
                if let Some(mismatch) = result_mismatch(inner, item) {
                    errors.set(inner.key.clone(), mismatch);
                }
            }
            None if !inner.optional => {
                errors.set(inner.key.clone(), "key missing, despite not being optional in doc");
            }
            None => {}
        }
    }
    errors
}
