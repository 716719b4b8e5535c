//! Help pages, the list of methods, OpenRPC, Markdown.

use super::{engine, identity};
use crate::{Arg, Example, Json, MethodDoc, Res, arr, method, obj};

/// The page of a method that is described and never run.
fn page(doc: &MethodDoc) -> String {
    crate::help::page(doc, &identity())
}

#[test]
fn a_short_page() {
    let expected = r#"getblockhash height

Returns hash of block at height provided.

Arguments:
1. height    (numeric, required) The height index

Result:
"hex"    (string) The block hash

Examples:
> bitcoin-cli getblockhash 1000
> curl --user myusername --data-binary '{"jsonrpc": "2.0", "id": "curltest", "method": "getblockhash", "params": [1000]}' -H 'content-type: application/json' http://127.0.0.1:8332/
"#;
    assert_eq!(engine().registry().directory().help("getblockhash"), expected);
}

fn createrawtransaction() -> MethodDoc {
    let input = Arg::obj(
        "",
        "",
        [
            Arg::hex("txid", "The transaction id"),
            Arg::num("vout", "The output number"),
            Arg::num("sequence", "The sequence number").hint("depends on the other arguments"),
        ],
    )
    .optional();
    let to_address = Arg::obj_user_keys("", "", [Arg::amount("address", "The address and the amount")]).optional();
    let data = Arg::obj("", "", [Arg::hex("data", "What to carry")]).optional();
    method("rawtransactions", "createrawtransaction", "Create a transaction.\nReturns it.\n")
        .arg(Arg::arr("inputs", "The inputs", [input]))
        .arg(
            Arg::arr("outputs", "The outputs.\nEach key once.\n    Indented.\n\nLast.", [to_address, data])
                .skip_type_check(),
        )
        .arg(Arg::num("locktime", "Raw locktime").default(0))
        .arg(Arg::bool("replaceable", "May be replaced").default(true))
        .arg(Arg::num("later", "Not for eyes").optional().hidden())
        .result(Res::hex("transaction", "hex string of the transaction"))
        .example_cli("\"[]\" \"{}\"")
}

#[test]
fn a_page_with_nested_arguments() {
    let expected = r#"createrawtransaction [{"txid":"hex","vout":n,"sequence":n},...] [{"address":amount,...},{"data":"hex"},...] ( locktime replaceable )

Create a transaction.
Returns it.

Arguments:
1. inputs                      (json array, required) The inputs
     [
       {                       (json object)
         "txid": "hex",        (string, required) The transaction id
         "vout": n,            (numeric, required) The output number
         "sequence": n,        (numeric, optional, default=depends on the other arguments) The sequence number
       },
       ...
     ]
2. outputs                     (json array, required) The outputs.
                               Each key once.
                               Indented.
                               
Last.
     [
       {                       (json object)
         "address": amount,    (numeric or string, required) The address and the amount
         ...
       },
       {                       (json object)
         "data": "hex",        (string, required) What to carry
       },
       ...
     ]
3. locktime                    (numeric, optional, default=0) Raw locktime
4. replaceable                 (boolean, optional, default=true) May be replaced

Result:
"hex"    (string) hex string of the transaction

Examples:
> bitcoin-cli createrawtransaction "[]" "{}"
"#;
    assert_eq!(page(&createrawtransaction()), expected);
}

#[test]
fn a_page_with_options_and_several_results() {
    let options = [
        Arg::bool("verbose", "Say more").default(false),
        Arg::arr("list|names", "Some", [Arg::str("name", "One").optional()]).optional(),
        Arg::range("span", "From to").optional().type_words("n or [n,n]", "numeric or array of two"),
    ];
    let doc = method("util", "show", "Shows.")
        .arg(Arg::str("what", "What to show").optional().oneline("\"anything\""))
        .arg(Arg::obj_named("options", "", options).optional())
        .arg(Arg::str("last", "Needed"))
        .result(Res::none("", "").when("if there is nothing"))
        .result(
            Res::obj(
                "",
                "Everything",
                [
                    Res::amount("amount", "How much"),
                    Res::time("time", "When").optional(),
                    Res::obj_dyn("by_name", "", [Res::bool("name", "Whether")]),
                    Res::arr("list", "", [Res::str("", "An item")]),
                    Res::arr_fixed("pair", "", [Res::num("", "first"), Res::any("", "second")]),
                    Res::obj("nothing", "", []),
                    Res::num("first", "").elide("Same as before"),
                    Res::num("second", "").skip_in_help(),
                ],
            )
            .when("verbose=true"),
        )
        .result(Res::any("", "secret").skip_in_help())
        .example(Example::CliNamed { method: "show".into(), args: vec![("what".into(), Json::from("b'ar"))] })
        .example(Example::RpcNamed { method: "show".into(), args: vec![("n".into(), Json::from(1))] })
        .example_text("And so on\n");
    let expected = r#"show ( "anything" {"verbose":bool,"list":["name",...],"span":n or [n,n],...} ) "last"

Shows.

Arguments:
1. what       (string, optional) What to show
2. options    (json object, optional) Options object that can be used to pass named arguments, listed below.
3. last       (string, required) Needed

Named Arguments:
verbose           (boolean, optional, default=false) Say more
list              (json array, optional) Some
     [
       "name",    (string) One
       ...
     ]
span              (numeric or array of two, optional) From to

Result (if there is nothing):
null    (json null)

Result (verbose=true):
{                           (json object) Everything
  "amount" : n,             (numeric) How much
  "time" : xxx,             (numeric, optional) When
  "by_name" : {             (json object)
    "name" : true|false,    (boolean) Whether
    ...
  },
  "list" : [                (json array)
    "str",                  (string) An item
    ...
  ],
  "pair" : [                (json array)
    n,                      (numeric) first
    xxx                     (any) second
  ],
  "nothing" : {}            (empty JSON object)
  ...                       Same as before
}

Examples:
> bitcoin-cli -named show what='b'''ar'
> curl --user myusername --data-binary '{"jsonrpc": "2.0", "id": "curltest", "method": "show", "params": {"n":1}}' -H 'content-type: application/json' http://127.0.0.1:8332/
And so on
"#;
    assert_eq!(page(&doc), expected);
}

#[test]
fn the_list_of_methods() {
    let engine = engine();
    let directory = engine.registry().directory();
    let expected = "== Blockchain ==\ngetblockcount\ngetblockhash height\n\n== Control ==\ngetrpcinfo\nhelp ( \"command\" )\n\n\
                    == Util ==\ntyped ( count flag {\"mode\":\"str\",\"fee_rate\":amount,...} )";
    assert_eq!(directory.help(""), expected);
    assert_eq!(directory.help("foo"), "help: unknown command: foo");
    assert!(directory.help("echojson").starts_with("echojson ( \"arg0\" \"arg1\""));
    let names = ["echojson", "getblockcount", "getblockhash", "getrpcinfo", "help", "typed", "wrong"];
    assert_eq!(directory.names(), names);
}

#[test]
fn conversions() {
    let engine = engine();
    let Json::Arr(rows) = engine.registry().directory().arg_map() else { panic!("no array") };
    for row in [
        arr!["getblockhash", 0, "height", false],
        arr!["help", 0, "command", true],
        arr!["typed", 0, "count", false],
        arr!["typed", 0, "number", false],
        arr!["typed", 2, "options", false],
        arr!["typed", 2, "mode", true],
        arr!["typed", 2, "fee_rate", false],
    ] {
        assert!(rows.contains(&row), "{row}");
    }
}

#[test]
fn what_only_we_have_is_in_no_table_of_conversions() {
    let blocks = Arg::num("nblocks", "How many").optional().hidden().ours();
    let doc = method("hidden", "generate", "Replaced.").arg(blocks).result(Res::any("", "").skip_in_help());
    assert_eq!(page(&doc), "generate\n\nReplaced.\n");
    assert!(crate::openrpc::arg_map(&doc).is_empty());
    assert!(crate::markdown::page(&doc, &identity()).contains("| `nblocks` | number |  | How many |"));
    assert_eq!(crate::client::positional("generate", &["5"]), Ok(arr![5]));
}

#[test]
fn openrpc() {
    let engine = engine();
    let document = engine.registry().directory().openrpc(false);
    assert_eq!(document.get("openrpc"), &Json::from("1.4.1"));
    assert_eq!(document.get("info").get("title"), &Json::from("Bitcoin Core JSON-RPC"));
    let names: Vec<&Json> = document.get("methods").as_arr().unwrap().iter().map(|method| method.get("name")).collect();
    assert_eq!(names.len(), 5);
    assert_eq!(engine.registry().directory().openrpc(true).get("methods").len(), 7);
    // The document is JSON for others too.
    let _: serde_json::Value = serde_json::from_str(&document.write()).unwrap();

    let method = crate::openrpc::method(&createrawtransaction(), false);
    assert_eq!(method.get("params").len(), 4);
    assert_eq!(crate::openrpc::method(&createrawtransaction(), true).get("params").len(), 5);
    let hex = obj! { "type" => "string", "pattern" => "^[0-9a-fA-F]+$" };
    let address = obj! {
        "type" => "object",
        "additionalProperties" => obj! { "oneOf" => arr![obj! { "type" => "number" }, obj! { "type" => "string" }] },
        "description" => "The address and the amount",
    };
    let data = obj! {
        "type" => "object",
        "properties" => obj! { "data" => obj! {
            "type" => "string", "pattern" => "^[0-9a-fA-F]+$", "description" => "What to carry",
        } },
        "additionalProperties" => false,
        "required" => arr!["data"],
    };
    let outputs = obj! { "oneOf" => arr![
        obj! { "type" => "array", "items" => obj! { "anyOf" => arr![address, data] } },
        obj! { "type" => "object" },
    ] };
    assert_eq!(method.get("params").at(1).get("schema"), &outputs);
    assert_eq!(method.get("params").at(2).get("schema").get("default"), &Json::from(0));
    assert_eq!(method.get("result").get("schema"), &hex);
}

#[test]
fn schemas_of_special_arguments() {
    let doc = method("util", "m", "")
        .arg(Arg::num("hash_or_height", "").skip_type_check().type_words("", "string or numeric"))
        .arg(Arg::range("range", "").hint("all"))
        .arg(Arg::str("old|older", "Old").optional().placeholder())
        .arg(Arg::num("odd", "").type_words("x", "something else").optional())
        .result(Res::obj("", "", [Res::obj("scanning", "", [Res::num("n", "")]).skip_type_check()]));
    let method = crate::openrpc::method(&doc, false);
    let schema = |place: usize| method.get("params").at(place).get("schema").write();
    assert_eq!(schema(0), r#"{"oneOf":[{"type":"integer"},{"type":"string"}]}"#);
    assert_eq!(
        schema(1),
        concat!(
            r#"{"oneOf":[{"type":"number"},{"type":"array","items":[{"type":"number"},{"type":"number"}],"#,
            r#""additionalItems":false,"minItems":2,"maxItems":2}],"x-bitcoin-default-hint":"all"}"#
        )
    );
    assert_eq!(
        method.get("params").at(2).write(),
        concat!(
            r#"{"name":"old","required":false,"schema":{"type":"string"},"x-bitcoin-aliases":["older"],"#,
            r#""x-bitcoin-placeholder":true,"description":"Old"}"#
        )
    );
    assert_eq!(schema(3), r#"{"type":"number","x-bitcoin-type-override":"something else"}"#);
    let scanning = method.get("result").get("schema").get("properties").get("scanning");
    assert_eq!(scanning.get("oneOf").at(1), &obj! { "const" => false });
}

#[test]
fn markdown() {
    let page = crate::markdown::page(&createrawtransaction(), &identity());
    assert!(page.starts_with("# createrawtransaction\n\n```\ncreaterawtransaction [{"), "{page}");
    assert!(page.contains("| `inputs[].txid` | hex string | required | The transaction id |\n"), "{page}");
    assert!(page.contains("| `locktime` | number | `0` | Raw locktime |\n"), "{page}");
    assert!(page.contains("\n## Result\n\n```\n\"hex\"    (string) hex string of the transaction\n```\n"), "{page}");
    let engine = engine();
    assert!(
        engine.registry().directory().markdown("getblockhash").unwrap().contains("> bitcoin-cli getblockhash 1000")
    );
    assert_eq!(engine.registry().directory().markdown("nothing"), None);
}

#[test]
fn contradictions_are_found() {
    let sound = createrawtransaction();
    assert_eq!(sound.problems(), Vec::<String>::new());
    let result = || Res::none("", "");
    for (doc, expected) in [
        (method("a", "m", "\nx").result(result()), "the description starts with an empty line"),
        (method("a", "m", "x"), "no result is described"),
        (
            method("a", "m", "x").arg(Arg::num("p", "")).arg(Arg::num("q|p", "")).result(result()),
            "argument name p is used twice",
        ),
        (
            method("a", "m", "x")
                .arg(Arg::num("p", ""))
                .arg(Arg::obj_named("o", "", [Arg::num("p", "").optional()]))
                .result(result()),
            "option name p is used twice",
        ),
        (
            method("a", "m", "x").arg(Arg::num("p", "").default("text")).result(result()),
            "argument p has a default of another type",
        ),
        (
            method("a", "m", "x").arg(Arg::arr("p", "", [])).result(result()),
            "argument p has the wrong content for its type",
        ),
        (method("a", "m", "x").result(Res::arr("l", "", [])), "result \"l\" has the wrong content for its type"),
        (
            method("a", "m", "x").result(Res::obj("l", "", [result().skip_in_help()])),
            "result \"l\" shows none of its content in help",
        ),
        (
            method("a", "m", "x").arg(Arg::num("p", "").oneline("\"p\"")).result(result()),
            "argument p is no string but is quoted in the first line of the help",
        ),
    ] {
        assert_eq!(doc.problems(), [expected]);
    }
    let shared = Arg::obj_named("o", "", [Arg::num("p", "").optional().also_positional()]);
    assert_eq!(
        method("a", "m", "x").arg(Arg::num("p", "")).arg(shared).result(result()).problems(),
        Vec::<String>::new()
    );
}
