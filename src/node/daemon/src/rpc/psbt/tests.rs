//! PSBTs as clients see them.

use super::pure;
use crate::testing::Asker;

const TXID: &str = "1d1d4e24ed99057e84c3f80fd8fbec79ed9e1acee37da269356ecea000000000";
const ADDRESS: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

fn asker() -> Asker {
    Asker::new("bitcoin", pure())
}

fn created(asker: &Asker, vout: u32, version: u32) -> String {
    let params =
        format!(r#"[[{{"txid":"{TXID}","vout":{vout}}}],[{{"{ADDRESS}":1.5}},{{"data":"00"}}],500,true,2,{version}]"#);
    asker.ask("createpsbt", &params).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn created_and_decoded() {
    let asker = asker();
    let shown: Vec<String> = [0, 2]
        .into_iter()
        .map(|version| {
            let psbt = created(&asker, 1, version);
            let decoded = asker.shown("decodepsbt", &format!("[\"{psbt}\"]"));
            let analyzed = asker.shown("analyzepsbt", &format!("[\"{psbt}\"]"));
            format!("{psbt}\n{decoded}\n{analyzed}")
        })
        .collect();
    insta::assert_snapshot!("created", shown.join("\n\n"));
    let error = asker.shown("createpsbt", "[[],{},0,true,2,1]");
    assert_eq!(error, "error -8: The PSBT version can only be 2 or 0");
}

#[test]
fn nothing_to_finish_is_not_finished() {
    let asker = asker();
    for version in [0, 2] {
        let psbt = created(&asker, 1, version);
        let answer = asker.ask("finalizepsbt", &format!("[\"{psbt}\"]")).unwrap();
        assert_eq!((answer.get("psbt").as_str().unwrap(), answer.get("complete").is_true()), (psbt.as_str(), false));
        let combined = asker.ask("combinepsbt", &format!("[[\"{psbt}\",\"{psbt}\"]]")).unwrap();
        assert_eq!(combined.as_str().unwrap(), psbt);
    }
}

#[test]
fn unless_asked_the_version_is_that_of_the_release() {
    let inputs = format!(r#"[{{"txid":"{TXID}","vout":0}}],[{{"data":"00"}}]"#);
    let raw = format!("0200000001{}0000000000ffffffff01000000000000000001{}00000000", "11".repeat(32), "6a");
    for (options, usual) in [(&[][..], 2), (&["-rpccompat=29"], 0), (&["-rpccompat=31"], 0)] {
        let asker = Asker::with_options("bitcoin", options, pure());
        let version = |method: &str, params: &str| -> u32 {
            let psbt = asker.ask(method, params).unwrap();
            asker.ask("decodepsbt", &format!("[{psbt}]")).unwrap().get("psbt_version").as_int().unwrap()
        };
        assert_eq!(version("createpsbt", &format!("[{inputs}]")), usual, "{options:?}");
        assert_eq!(version("createpsbt", &format!("[{inputs},0,true,2,2]")), 2, "{options:?}");
        assert_eq!(version("converttopsbt", &format!("[\"{raw}\"]")), usual, "{options:?}");
    }
}

#[test]
fn copies_only_are_combined_and_strangers_only_joined() {
    let asker = asker();
    let [a, b, a2] = [(1, 0), (2, 0), (1, 2)].map(|(vout, version)| created(&asker, vout, version));
    let pair = |method: &str, x: &str, y: &str| asker.shown(method, &format!("[[\"{x}\",\"{y}\"]]"));
    let different = "error -8: PSBTs not compatible (different transactions)";
    assert_eq!(pair("combinepsbt", &a, &b), different);
    assert_eq!(pair("combinepsbt", &a, &a2), different);
    assert_eq!(asker.shown("combinepsbt", "[[]]"), "error -8: Parameter 'txs' cannot be empty");
    assert_eq!(pair("joinpsbts", &a, &a), format!("error -8: Input {TXID}:1 exists in multiple PSBTs"));
    assert_eq!(pair("joinpsbts", &a2, &b), "error -8: joinpsbts only operates on version 0 PSBTs");
    assert_eq!(
        asker.shown("joinpsbts", &format!("[[\"{a}\"]]")),
        "error -8: At least two PSBTs are required to join PSBTs."
    );
    let joined = asker.ask("joinpsbts", &format!("[[\"{a}\",\"{b}\"]]")).unwrap();
    let decoded = asker.ask("decodepsbt", &format!("[{joined}]")).unwrap();
    let tx = decoded.get("tx");
    assert_eq!((tx.get("vin").len(), tx.get("vout").len()), (2, 4));
    assert_eq!(tx.get("locktime").as_int::<u32>(), Ok(500));
    let mut vouts: Vec<u32> = (0..2).map(|n| tx.get("vin").at(n).get("vout").as_int().unwrap()).collect();
    vouts.sort_unstable();
    assert_eq!(vouts, [1, 2]);
}

#[test]
fn what_is_no_psbt() {
    let asker = asker();
    let good = ::rpc::base64::decode(created(&asker, 1, 2).as_bytes()).unwrap();
    let shown = |bytes: &[u8]| asker.shown("decodepsbt", &format!("[\"{}\"]", ::rpc::base64::encode(bytes)));
    assert_eq!(asker.shown("decodepsbt", "[\"*\"]"), "error -22: TX decode failed invalid base64");
    assert_eq!(shown(b"psbtx"), "error -22: TX decode failed Invalid PSBT magic bytes: iostream error");
    assert_eq!(shown(&[good.as_slice(), &[0]].concat()), "error -22: TX decode failed extra data after PSBT");
    for len in 0..good.len() {
        assert!(shown(&good[..len]).starts_with("error -22: TX decode failed "), "{len}");
    }
}

#[test]
fn a_transaction_becomes_a_psbt_without_its_signatures() {
    let asker = asker();
    let raw = "02000000010000000000000000000000000000000000000000000000000000000000000001000000000151ffffffff0100e1f505000000000151\
               00000000";
    let raw: String = raw.split_whitespace().collect();
    assert_eq!(
        asker.shown("converttopsbt", &format!("[\"{raw}\"]")),
        "error -22: Inputs must not have scriptSigs and scriptWitnesses"
    );
    let psbt = asker.ask("converttopsbt", &format!("[\"{raw}\",true,null,0]")).unwrap();
    let decoded = asker.ask("decodepsbt", &format!("[{psbt}]")).unwrap();
    assert_eq!(decoded.get("tx").get("vin").at(0).get("scriptSig").get("hex").as_str(), Ok(""));
}
