//! Two answers side by side.

use rpc::Json;

/// What belongs to a process, its directory or its moment, by method and path, places in arrays left out.
const OWN: [(&str, &str); 23] = [
    ("getblockchaininfo", ".warnings"),
    ("getnetworkinfo", ".warnings"),
    ("getmininginfo", ".warnings"),
    // Of the last block that it made itself.
    ("getmininginfo", ".currentblockweight"),
    ("getmininginfo", ".currentblocktx"),
    // They fill up with time.
    ("getnetworkinfo", ".inv_buckets.inbound.count_tok"),
    ("getnetworkinfo", ".inv_buckets.inbound.size_tok"),
    ("getnetworkinfo", ".inv_buckets.outbound.count_tok"),
    ("getnetworkinfo", ".inv_buckets.outbound.size_tok"),
    ("getblocktemplate", ".longpollid"),
    ("gettxoutsetinfo", ".disk_size"),
    ("getmempoolinfo", ".usage"),
    ("getnettotals", ".timemillis"),
    ("getmemoryinfo", ".locked.used"),
    ("getmemoryinfo", ".locked.free"),
    ("getmemoryinfo", ".locked.locked"),
    ("getmemoryinfo", ".locked.total"),
    ("getmemoryinfo", ".locked.chunks_used"),
    ("getmemoryinfo", ".locked.chunks_free"),
    ("getrpcinfo", ".active_commands.duration"),
    ("getrpcinfo", ".logpath"),
    ("savemempool", ".filename"),
    // Ours has caches of another kind.
    ("getchainstates", ".chainstates"),
];

/// What differs between our answer and the judge's.
pub(super) fn differences(method: &str, ours: &Json, judge: &Json) -> Vec<String> {
    let mut found = Vec::new();
    walk(method, "", ours, judge, &mut found);
    found
}

fn walk(method: &str, path: &str, ours: &Json, judge: &Json, found: &mut Vec<String>) {
    if OWN.iter().any(|(of, own)| *of == method && *own == path) {
        return;
    }
    match (ours, judge) {
        (Json::Obj(here), Json::Obj(there)) => {
            if !here.keys().eq(there.keys()) {
                let names = |keys: &rpc::Object| keys.keys().collect::<Vec<_>>().join(" ");
                found.push(format!("at {path} has the keys [{}], not [{}]", names(here), names(there)));
            }
            for (key, value) in here.iter() {
                if let Some(other) = there.get(key) {
                    walk(method, &format!("{path}.{key}"), value, other, found);
                }
            }
        }
        (Json::Arr(here), Json::Arr(there)) if here.len() == there.len() => {
            for (value, other) in here.iter().zip(there) {
                walk(method, path, value, other, found);
            }
        }
        _ if ours == judge => {}
        _ => {
            let short = |json: &Json| json.write().chars().take(200).collect::<String>();
            found.push(format!("at {path} is {}, not {}", short(ours), short(judge)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpc::{arr, obj};

    #[test]
    fn values_keys_and_their_order_count() {
        let of = |ours: &Json, judge: &Json| differences("getrpcinfo", ours, judge);
        let one = obj! { "a" => 1, "b" => arr![obj! { "c" => "x" }] };
        assert_eq!(of(&one, &one), Vec::<String>::new());
        let other = obj! { "b" => arr![obj! { "c" => "y" }], "a" => 1 };
        assert_eq!(of(&one, &other), ["at  has the keys [a b], not [b a]", r#"at .b.c is "x", not "y""#]);
        assert_eq!(of(&arr![1], &arr![1, 2]), ["at  is [1], not [1,2]"]);
        let of_process = |path: &str| obj! { "logpath" => path };
        assert_eq!(of(&of_process("one"), &of_process("other")), Vec::<String>::new());
    }
}
