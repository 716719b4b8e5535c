//! Answers as an earlier release gave them (`-rpccompat`): without what its clients have no field for.

use crate::check;
use crate::json::Json;
use crate::method::{MethodDoc, Res, ResType};

/// Takes from an answer every member whose description says that it came after `release`.
pub(crate) fn leave_out_newer(doc: &MethodDoc, release: u32, answer: &mut Json) {
    // Of several shapes the answer has the first that fits; one that fits none is left to the checks.
    if let Some(shape) = doc.results.iter().find(|shape| check::fits(shape, answer)) {
        prune(shape, release, answer);
    }
}

fn prune(shape: &Res, release: u32, value: &mut Json) {
    match value {
        Json::Arr(items) => {
            // The last description stands for all further elements.
            let Some(last) = shape.inner.len().checked_sub(1) else { return };
            for (index, item) in items.iter_mut().enumerate() {
                if let Some(inner) = shape.inner.get(index.min(last)) {
                    prune(inner, release, item);
                }
            }
        }
        Json::Obj(members) if shape.kind == ResType::ObjDyn => {
            if let Some(inner) = shape.inner.first() {
                members.iter_mut().for_each(|(_, member)| prune(inner, release, member));
            }
        }
        Json::Obj(members) => {
            for inner in &shape.inner {
                if inner.since > release {
                    members.remove(&inner.key);
                } else if let Some((_, member)) = members.iter_mut().find(|(key, _)| *key == inner.key) {
                    prune(inner, release, member);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::method::method;

    fn doc() -> MethodDoc {
        let row = || [Res::num("old", ""), Res::num("new", "").since(32), Res::num("newer", "").since(33)];
        method("test", "shapes", "")
            .result(Res::str("", "").when("briefly"))
            .result(Res::arr("", "", [Res::obj("", "", row())]))
            .result(Res::obj(
                "",
                "",
                [
                    Res::obj_dyn("by name", "", [Res::obj("", "", row())]).optional(),
                    Res::arr_fixed("two", "", [Res::num("", ""), Res::obj("", "", row())]).optional(),
                    Res::arr("all new", "", [Res::num("", "")]).since(32).optional(),
                ],
            ))
    }

    #[track_caller]
    fn check(release: u32, answer: &str, expected: &str) {
        let mut answer = json::parse(answer.as_bytes()).unwrap();
        leave_out_newer(&doc(), release, &mut answer);
        assert_eq!(answer.write(), expected);
    }

    #[test]
    fn members_that_came_later_are_left_out_wherever_they_are() {
        let row = r#"{"old":1,"new":2,"newer":3}"#;
        let of_31 = r#"{"old":1}"#;
        check(31, &format!("[{row},{row}]"), &format!("[{of_31},{of_31}]"));
        check(
            31,
            &format!(r#"{{"by name":{{"a":{row},"new":{row}}}}}"#),
            &format!(r#"{{"by name":{{"a":{of_31},"new":{of_31}}}}}"#),
        );
        check(31, &format!(r#"{{"two":[1,{row}],"all new":[1]}}"#), &format!(r#"{{"two":[1,{of_31}]}}"#));
        check(32, &format!("[{row}]"), r#"[{"old":1,"new":2}]"#);
        check(33, &format!("[{row}]"), &format!("[{row}]"));
    }

    #[test]
    fn what_no_shape_describes_stays() {
        check(31, r#""brief""#, r#""brief""#);
        check(31, r#"{"new":1}"#, r#"{"new":1}"#);
        check(31, "7", "7");
    }
}
