//! The build refuses a file that is not exactly right, and says which key is wrong.
#![expect(clippy::format_push_string, reason = "these modules belong to the build script")]

#[path = "../build/emit.rs"]
mod emit;
#[path = "../build/extra.rs"]
mod extra;
#[path = "../build/facts.rs"]
mod facts;
#[path = "../build/schema.rs"]
mod schema;

use schema::Document;

fn data(coin: &str) -> String {
    let path = format!("{}/data/{coin}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the data files are in the repository")
}

/// The error after one replacement, which must change something.
fn error(coin: &str, from: &str, to: &str) -> String {
    let text = data(coin);
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed, "{from:?} is not in {coin}.toml");
    Document::parse(&changed).map(|document| document.id().to_owned()).expect_err(from)
}

#[test]
fn the_files_themselves_are_right() {
    for coin in ["arcadia", "bitcoin", "c1pzo", "freicoin", "syscoin", "widecoin"] {
        let document = Document::parse(&data(coin)).unwrap();
        assert_eq!(document.id(), coin);
        assert!(emit::source(&document).starts_with("Coin { id: "));
    }
}

#[test]
fn a_missing_key_is_named() {
    assert!(error("bitcoin", "p2p_port = 8333\n", "").contains("missing field `p2p_port`"));
    assert!(error("bitcoin", "ticker = \"BTC\"\n", "").contains("missing field `ticker`"));
    assert!(error("freicoin", "aux_gain = [1, 64]\n", "").contains("missing field `aux_gain`"));
    assert!(error("syscoin", "min_spork_keys = 2\n", "").contains("missing field `min_spork_keys`"));
    assert!(error("freicoin", "bip9_auxpow = ", "bip9_other = ").contains("bip9_auxpow"));
    let text = data("bitcoin").replace("[regtest", "[regtets");
    assert!(Document::parse(&text).map(drop).unwrap_err().contains("regtets"));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = error("bitcoin", "p2p_port = 8333\n", "p2p_port = 8333\np2p_prot = 1\n");
    assert!(text.contains("unknown field `p2p_prot`") && text.contains("line "), "{text}");
    assert!(error("arcadia", "[main.extra]\n", "[main.extra]\nnews = 1\n").contains("unknown field `news`"));
    assert!(error("bitcoin", "max_halvings = 64\n", "max_halvings = 64\nmore = 1\n").contains("more"));
}

#[test]
fn wrong_values_are_named() {
    assert!(error("bitcoin", "magic = \"f9beb4d9\"", "magic = \"f9beb4\"").contains("is not 4 bytes of hex"));
    assert!(error("bitcoin", "magic = \"f9beb4d9\"", "magic = \"f9beb4dg\"").contains("not hex"));
    assert!(error("bitcoin", "p2p_port = 8333", "p2p_port = 83330").contains("p2p_port"));
    assert!(error("bitcoin", "bip66_height = 363725", "bip66_height = -2").contains("-2 is not a height"));
    assert!(error("bitcoin", "header_format = \"bitcoin\"", "header_format = \"bitcion\"").contains("bitcion"));
    assert!(error("bitcoin", "SCRIPT_VERIFY_NONE", "SCRIPT_VERIFY_SOME").contains("SCRIPT_VERIFY_SOME"));
    assert!(error("bitcoin", "mode = \"always\"", "mode = \"bip9\"").contains("does not fit"));
    assert!(error("bitcoin", "bip9_threshold = 1815", "bip9_threshold = 2017").contains("[Main]: bip9_threshold"));
    assert!(error("bitcoin", "reward = 5000000000", "reward = 1").contains("genesis.reward"));
    assert!(error("bitcoin", "schema = 1", "schema = 2").contains("this build reads 1"));
}
