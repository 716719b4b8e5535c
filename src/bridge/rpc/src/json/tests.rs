//! JSON against the rules of UniValue, and against serde_json.

use proptest::prelude::*;

use super::{Json, JsonError, MAX_DEPTH, Object, members, parse};
use crate::obj;

fn read(text: &str) -> Option<Json> {
    parse(text.as_bytes())
}

#[test]
fn refused() {
    for text in [
        "",
        " ",
        "\"never ends",
        "[\"unclosed\"",
        "{unquoted: 1}",
        "[\"extra comma\",]",
        "[\"double extra comma\",,]",
        "[ , 1]",
        "[1],",
        "[1]]",
        "{\"extra comma\": true,}",
        "{\"after close\": true} \"x\"",
        "{\"expression\": 1 + 2}",
        "{\"zeroes\": 013}",
        "{\"hex\": 0x14}",
        "[\"\\x15\"]",
        "[\\naked]",
        "[\"\\017\"]",
        "{\"missing colon\" null}",
        "{\"double colon\":: null}",
        "{\"comma\", null}",
        "[\"colon\": false]",
        "[truth]",
        "['single']",
        "[\"a\ttab\"]",
        "[\"a\nbreak\"]",
        "[0e]",
        "[0e+]",
        "[0e+-1]",
        "{\"open\": true,",
        "[\"mismatch\"}",
        "{} garbage",
        "[ true true ]",
        "{\"a\":}",
        "{\"a\":1 \"b\":2}",
        "{,}",
        "{\"a\"}",
        "[\"\\ud834\"]",
        "[\"\\udd61\"]",
        "[\"\\ud834\\ud834\"]",
        "[\"\\u12g4\"]",
        "[\"\\u12",
        "nul",
        "truefalse",
        "1.",
        ".1",
        "1.e5",
        "+1",
        "-",
        "--1",
        "1 2",
        "\u{feff}1",
        "[1]\0",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
    for bytes in [&b"[\"\xd3\"]"[..], b"[\"\xff\"]", b"[\"\x80\"]", b"[\"\xf0\x9f\x98\"]", b"[\"\xf7\xbf\xbf\xbf\"]"] {
        assert_eq!(parse(bytes), None, "{bytes:?}");
    }
}

#[test]
fn strings() {
    for (text, expected) in [
        (r#""\u0022""#, "\""),
        (r#""\u0191""#, "\u{191}"),
        (r#""\u2191""#, "\u{2191}"),
        (r#""\ud834\udd61""#, "\u{1d161}"),
        (r#""\ud840\udc00""#, "\u{20000}"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        ("\"a§■𐎒𝅘𝅥𝅯\"", "a§■𐎒𝅘𝅥𝅯"),
        ("\"\u{7f}\"", "\u{7f}"),
    ] {
        assert_eq!(read(text), Some(Json::str(expected)), "{text}");
    }
    // Overlong, and surrogates written as UTF-8: UniValue takes them and makes them well-formed.
    assert_eq!(parse(b"\"\xc1\x81\""), Some(Json::str("A")));
    assert_eq!(parse(b"\"\xed\xa0\xb4\xed\xb5\xa1\""), Some(Json::str("\u{1d161}")));
}

#[test]
fn strings_of_any_length() {
    for length in 0..50 {
        let plain = "x".repeat(length);
        assert_eq!(read(&format!("\"{plain}\"")), Some(Json::str(plain.clone())));
        assert_eq!(read(&format!("\"{plain}\\n{plain}\"")), Some(Json::str(format!("{plain}\n{plain}"))));
        assert_eq!(read(&format!("\"{plain}\n{plain}\"")), None, "{length}");
        assert_eq!(read(&format!("\"{plain}")), None, "{length}");
    }
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(MAX_DEPTH)).is_some());
    assert!(read(&nested(MAX_DEPTH + 1)).is_none());
    assert!(read(&"[".repeat(1_000_000)).is_none());
    assert!(read(&"{\"a\":".repeat(1_000_000)).is_none());
}

#[test]
fn escapes_are_univalues() {
    let all: String = (0_u8..0x80).map(char::from).collect();
    let expected = concat!(
        r#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f"#,
        r"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f",
        r##" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\u007f""##
    );
    assert_eq!(Json::str(all.clone()).write(), expected);
    assert_eq!(read(expected), Some(Json::str(all)));
}

#[test]
fn layout() {
    let value = obj! { "a" => vec![1, 2], "b" => Json::object(), "c" => Json::Arr(vec![]), "d" => Json::Null };
    assert_eq!(value.write(), r#"{"a":[1,2],"b":{},"c":[],"d":null}"#);
    let indented = "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {\n  },\n  \"c\": [\n  ],\n  \"d\": null\n}";
    assert_eq!(value.write_indented(2), indented);
    assert_eq!(Json::Bool(true).write_indented(4), "true");
}

#[test]
fn numbers_keep_their_text() {
    for text in ["0", "-0", "1.10", "1E5", "1e-07", "123456789012345678901234567890.123", "-5"] {
        assert_eq!(read(text).unwrap().write(), text);
        assert_eq!(Json::number(text), read(text));
    }
    for text in [" 1", "1 ", "nan", "true", ""] {
        assert_eq!(Json::number(text), None);
    }
    assert_eq!(Json::from(u64::MAX).write(), "18446744073709551615");
    assert_eq!(Json::from(i64::MIN).write(), "-9223372036854775808");
}

#[test]
fn amounts_have_eight_decimals() {
    for (amount, text) in [
        (0, "0.00000000"),
        (1, "0.00000001"),
        (2_099_999_999_999_999, "20999999.99999999"),
        (-100_000_000, "-1.00000000"),
        (-10_000_000, "-0.10000000"),
        (i64::MAX, "92233720368.54775807"),
        (i64::MIN, "-92233720368.54775808"),
    ] {
        assert_eq!(Json::amount(amount).write(), text);
    }
}

#[test]
fn doubles_have_sixteen_digits() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1.0 / 3.0, "0.3333333333333333"),
        (4.656_542_373_906_925e-10, "4.656542373906925e-10"),
        (1e15, "1000000000000000"),
        (1e16, "1e+16"),
        (123_456_789_012_345_678.0, "1.234567890123457e+17"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-05"),
        (-7.21, "-7.21"),
        (1.234_567_890_123_456e22, "1.234567890123456e+22"),
        (1e300, "1e+300"),
        (9_007_199_254_740_991.0, "9007199254740991"),
        (0.1 + 0.2, "0.3"),
    ] {
        assert_eq!(Json::real(value).write(), text, "{value:?}");
    }
    // Bits, and what the `%.16g` of C makes of them.
    for (bits, text) in [
        (0xf2a7_4de4_52e6_b438, "-1.989032661366619e+244"),
        (0xc125_4f7b_4de6_bc41, "-698301.6521509961"),
        (0x41fc_1235_56c2_cec2, "7535285612.175478"),
        (0xd23f_0824_128b_2f33, "-1.543283541734056e+88"),
        (0x40f1_8540_2347_c830, "71764.00861337851"),
        (0x4044_2286_2037_e49b, "40.26971819619322"),
        (0xe8e2_5d94_0ed9_0475, "-1.716053763046621e+197"),
        (0x40cd_0bbb_b24d_45c0, "14871.4663788405"),
        (0x3e4a_42b3_f865_f869, "1.222852553657066e-08"),
        (0x6b0d_549b_6f03_675a, "4.708325160387546e+207"),
        (0xc12a_4102_4e42_7481, "-860289.1528507621"),
        (0x3e9c_ac05_1a96_7752, "4.27245391587901e-07"),
        (0x0f21_ddb6_6cad_4a26, "8.779753225680271e-236"),
        (0x4123_f310_7faa_06d8, "653704.249344076"),
        (0x3ed0_53cf_dbf1_5dd9, "3.892753226506873e-06"),
        (0xa170_b338_3926_3059, "-1.306052388527796e-147"),
        (0x410f_1c93_8ef9_29c8, "254866.4448111786"),
        (0x43c5_20a8_8536_2674, "3.044803928287668e+18"),
        (0x95e6_0af5_93bd_04cf, "-3.51527970626667e-203"),
        (0xc109_3978_67d4_9564, "-206639.0506984397"),
        (0x43f1_c42f_ce2c_288c, "2.048321210609099e+19"),
        (0x8e81_973e_0bec_d7b0, "-8.441872792105456e-239"),
        (0x4125_e111_d610_db68, "716936.9180973591"),
        (0x3fd0_06e2_509b_0fe2, "0.2504201686062953"),
    ] {
        assert_eq!(Json::real(f64::from_bits(bits)).write(), text);
    }
    assert_eq!(Json::real(f64::NAN), Json::Null);
    assert_eq!(Json::real(f64::INFINITY), Json::Null);
}

#[test]
fn reading_says_what_is_wrong() {
    let text = |error: JsonError| error.to_string();
    assert_eq!(text(Json::from(0).as_str().unwrap_err()), "JSON value of type number is not of expected type string");
    assert_eq!(text(Json::Null.as_bool().unwrap_err()), "JSON value of type null is not of expected type bool");
    assert_eq!(text(Json::object().as_arr().unwrap_err()), "JSON value of type object is not of expected type array");
    assert_eq!(
        text(Json::Arr(vec![]).as_obj().unwrap_err()),
        "JSON value of type array is not of expected type object"
    );
    assert_eq!(read("1e3").unwrap().as_int::<i64>(), Err(JsonError::IntegerRange));
    assert_eq!(read("-1").unwrap().as_int::<u64>(), Err(JsonError::IntegerRange));
    assert_eq!(read("2147483648").unwrap().as_int::<i32>(), Err(JsonError::IntegerRange));
    assert_eq!(read("-2147483648").unwrap().as_int(), Ok(i32::MIN));
    assert_eq!(read("1e400").unwrap().as_f64(), Err(JsonError::DoubleRange));
    assert_eq!(read("1.5e2").unwrap().as_f64(), Ok(150.0));
}

#[test]
fn objects_keep_order_and_repeats() {
    let value = read(r#"{"b":1,"a":2,"b":3}"#).unwrap();
    assert_eq!(value.write(), r#"{"b":1,"a":2,"b":3}"#);
    assert_eq!(value.get("b"), &Json::from(1));
    assert_eq!(value.at(2), &Json::from(3));
    assert_eq!(value.get("c"), &Json::Null);
    let mut object = Object::new().with("x", 1);
    object.set("x", 2);
    object.set("y", 3);
    assert_eq!(object.remove("x"), Some(Json::from(2)));
    assert_eq!(Json::from(object).write(), r#"{"y":3}"#);
}

#[test]
fn what_is_passed_on_is_checked_and_keeps_its_text() {
    let reply = r#" {"result":[ {"a":1.50,"b":"\u0041"},[]],"error":null,"id":"x\n", "o":{}} "#;
    let found = members(reply).unwrap();
    let (result, empty) = (found.get("result").unwrap(), found.get("o").unwrap());
    assert_eq!(result.write(), r#"[ {"a":1.50,"b":"\u0041"},[]]"#);
    assert_eq!((result.type_name(), empty.type_name()), ("array", "object"));
    assert_eq!((found.get("error"), found.get("id")), (Some(&Json::Null), Some(&Json::str("x\n"))));
    assert!(result.as_arr().is_err() && result.get("a").is_null() && result.is_empty());
    assert_eq!(Some(result.clone().opened()), read(r#"[{"a":1.50,"b":"A"},[]]"#));
    let around = Json::from(vec![result.clone(), 1.into()]);
    assert_eq!(around.write(), r#"[[ {"a":1.50,"b":"\u0041"},[]],1]"#);
    for wrong in ["", "[]", "1", "{", "{}x", r#"{"a"}"#, r#"{"a":[1,]}"#, r#"{"a":{"b":01}}"#, r#"{"a":["\ud800"]}"#] {
        assert_eq!(members(wrong), None, "{wrong}");
    }
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::real),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            // Keys are unique here: serde_json keeps the last of a repeated key, UniValue the first.
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|pairs| Json::from(pairs.into_iter().collect::<Object>())),
        ]
    })
}

fn same(ours: &Json, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Json::Null, serde_json::Value::Null) => true,
        (Json::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Json::Str(a), serde_json::Value::String(b)) => a == b,
        (Json::Num(_), serde_json::Value::Number(b)) => match (ours.as_int::<i64>(), ours.as_int::<u64>()) {
            (Ok(a), _) => b.as_i64() == Some(a) || (a == 0 && b.as_f64() == Some(0.0)),
            (_, Ok(a)) => b.as_u64() == Some(a),
            _ => ours.as_f64().ok().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() <= b.abs() * 1e-15),
        },
        (Json::Arr(a), serde_json::Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Obj(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn serde_reads_what_we_write(value in any_json()) {
        let theirs: serde_json::Value = serde_json::from_str(&value.write()).unwrap();
        prop_assert!(same(&value, &theirs));
        let indented: serde_json::Value = serde_json::from_str(&value.write_indented(2)).unwrap();
        prop_assert_eq!(indented, theirs);
    }

    #[test]
    fn we_read_what_we_write(value in any_json()) {
        prop_assert_eq!(read(&value.write()), Some(value.clone()));
        prop_assert_eq!(read(&value.write_indented(3)), Some(value));
    }

    #[test]
    fn both_accept_the_same_texts(text in r#"[\[\]{}:,"a\\u0-9eE+.\- tn]{0,24}"#) {
        // A raw value is checked for syntax only, not for the range of its numbers.
        let theirs: Result<&serde_json::value::RawValue, _> = serde_json::from_str(&text);
        prop_assert_eq!(read(&text).is_some(), theirs.is_ok());
        // And so is what is only passed on.
        let object = format!("{{\"a\":{text}}}");
        prop_assert_eq!(members(&object).is_some(), read(&object).is_some());
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(value) = parse(&bytes) {
            prop_assert_eq!(read(&value.write()), Some(value));
        }
    }

    #[test]
    fn doubles_come_back(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
        let back = Json::real(value).as_f64().unwrap();
        prop_assert!((back - value).abs() <= value.abs() * 1e-15);
    }
}
