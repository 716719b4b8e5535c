//! Tests of devices that sign: the program is a shell script, the chain a fake.

use std::path::PathBuf;
use std::time::Duration;

use ::rpc::{Json, json};
use descriptors::Notation;
use interfaces::WalletLoader;
use platform::SystemClock;
use platform::command::Limits;
use proptest::prelude::*;

use super::ask::{ask_within, split};
use super::{DeviceError, answers};
use crate::loader::tests::{call, loader};

/// A key that everybody knows, as a device would give it away.
const TPUB: &str =
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B";
const ONE: &str = r#"[{"fingerprint": "00000001", "model": "pocket"}]"#;

fn value(text: &str) -> Json {
    json::parse(text.as_bytes()).unwrap()
}

/// A program that answers with the files in its directory, by what it is asked, and notes what that was.
struct Device(tempfile::TempDir);

impl Device {
    fn new() -> Self {
        let device = Device(tempfile::tempdir().unwrap());
        let script = "cd \"${0%/*}\"; echo \"$*\" >> asked\n\
                      for word in enumerate getdescriptors displayaddress; do\n\
                      case \" $* \" in *\" $word \"*) cat $word; exit;; esac; done\n\
                      echo 'no such thing' >&2; echo more >&2; exit 7\n";
        std::fs::write(device.path("script"), script).unwrap();
        device.answers("enumerate", ONE);
        let lists = |change: u8| {
            let text = |head: &str, tail: &str| format!("\"{head}([00000001/84h/1h/0h]{TPUB}/{change}/*{tail}\"");
            [text("wpkh", ")"), text("sh(wpkh", "))"), text("combo", ")")].join(",")
        };
        device.answers("getdescriptors", &format!(r#"{{"receive": [{}], "internal": [{}]}}"#, lists(0), lists(1)));
        device
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn answers(&self, word: &str, answer: &str) {
        std::fs::write(self.path(word), format!("{answer}\nand something that is not read\n")).unwrap();
    }

    fn option(&self) -> String {
        format!("-signer=sh {}", self.path("script").display())
    }

    fn asked(&self) -> Vec<String> {
        std::fs::read_to_string(self.path("asked")).unwrap().lines().map(str::to_owned).collect()
    }
}

const CREATE: &str = r#"["w", true, false, "", false, true, null, true]"#;

#[test]
fn a_wallet_has_the_descriptors_of_its_device_and_shows_addresses_on_it() {
    let (dir, device) = (tempfile::tempdir().unwrap(), Device::new());
    let wallets = loader(dir.path(), &[&device.option()]);
    call(&*wallets, "", "createwallet", CREATE).unwrap();
    let info = |wallets: &dyn WalletLoader| call(wallets, "w", "getwalletinfo", "[]").unwrap();
    let found = info(&*wallets);
    assert!(found.get("external_signer").is_true() && found.get("private_keys_enabled").as_bool() == Ok(false));
    // Two kinds that give addresses, two scripts ahead of each; the third kind is no kind.
    assert_eq!(found.get("keypoolsize").as_int(), Ok(4));
    let address = call(&*wallets, "w", "getnewaddress", r#"["", "bech32"]"#).unwrap();
    let address = address.as_str().unwrap();
    let list = call(&*wallets, "", "enumeratesigners", "[]").unwrap();
    assert_eq!(list, value(r#"{"signers": [{"fingerprint": "00000001", "name": "pocket"}]}"#));

    let show = || call(&*wallets, "w", "walletdisplayaddress", &format!("[\"{address}\"]"));
    device.answers("displayaddress", &format!(r#"{{"address": "{address}"}}"#));
    assert_eq!(show().unwrap().get("address").as_str(), Ok(address));
    let asked = device.asked();
    assert_eq!(asked[1], "--fingerprint 00000001 --chain regtest getdescriptors --account 0");
    let last = asked.last().unwrap();
    assert!(last.contains("displayaddress --desc wpkh([00000001/84h/1h/0h/0/0]"), "{last}");
    device.answers("displayaddress", r#"{"address": "another"}"#);
    assert_eq!(show().unwrap_err(), "Signer echoed unexpected address another");
    let other = call(&*wallets, "w", "walletdisplayaddress", r#"["bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"]"#);
    assert_eq!(other.unwrap_err(), "There is no ScriptPubKeyManager for this address");
    assert_eq!(call(&*wallets, "w", "walletdisplayaddress", r#"["x"]"#).unwrap_err(), "Invalid address");

    let text =
        "Error: sendtoaddress and sendmany are not supported for wallets with external signers; use send instead";
    let pay = call(&*wallets, "w", "sendtoaddress", &format!("[\"{address}\", 1]"));
    assert_eq!(pay.unwrap_err(), text);
    wallets.stop().unwrap();
    // The file says what it is, and opens where no device is.
    let wallets = loader(dir.path(), &[]);
    call(&*wallets, "", "loadwallet", r#"["w"]"#).unwrap();
    assert!(info(&*wallets).get("external_signer").is_true());
    assert_eq!(info(&*wallets).get("keypoolsize").as_int(), Ok(4));
    let missing = call(&*wallets, "w", "walletdisplayaddress", &format!("[\"{address}\"]"));
    assert_eq!(missing.unwrap_err(), "restart bitcoind with -signer=<cmd>");
    wallets.stop().unwrap();
}

#[test]
fn no_wallet_is_made_without_exactly_one_device_that_answers_well() {
    let (dir, device) = (tempfile::tempdir().unwrap(), Device::new());
    let wallets = loader(dir.path(), &[&device.option()]);
    let refused = || call(&*wallets, "", "createwallet", CREATE).unwrap_err();
    device.answers("enumerate", "[]");
    assert_eq!(refused(), "No external signers found");
    device.answers("enumerate", r#"[{"fingerprint": "00000001"}, {"fingerprint": "00000002"}]"#);
    assert_eq!(refused(), "More than one external signer found. Please connect only one at a time.");
    device.answers("enumerate", "{\"invalid json\"}");
    assert_eq!(refused(), "Unable to parse JSON: {\"invalid json\"}");
    device.answers("enumerate", ONE);
    device.answers("getdescriptors", r#"{"receive": ["wpkh(no)"], "internal": []}"#);
    let told = refused();
    assert!(told.starts_with("SetupDescriptorScriptPubKeyMans: Invalid descriptor \"wpkh(no)\" ("), "{told}");
    std::fs::remove_file(device.path("script")).unwrap();
    let told = refused();
    assert!(
        told.starts_with("RunCommandParseJSON error: process(sh ") && told.contains(" enumerate) returned "),
        "{told}"
    );
    let keys = call(&*wallets, "", "createwallet", r#"["w", false, false, "", false, true, null, true]"#);
    assert_eq!(keys.unwrap_err(), "Private keys must be disabled when using an external signer");
    // Nothing of it is left that would be in the way.
    assert_eq!(call(&*wallets, "", "listwalletdir", "[]").unwrap().get("wallets").len(), 0);
    wallets.stop().unwrap();

    let wallets = loader(dir.path(), &["-signer=no-such-program"]);
    let told = call(&*wallets, "", "enumeratesigners", "[]").unwrap_err();
    assert_eq!(told, "execve failed: No such file or directory (2)");
    wallets.stop().unwrap();
    let wallets = loader(dir.path(), &[]);
    let told = call(&*wallets, "", "enumeratesigners", "[]").unwrap_err();
    assert_eq!(told, "Error: restart bitcoind with -signer=<cmd>");
    wallets.stop().unwrap();
}

fn ask(script: &str, limits: Limits) -> Result<Json, DeviceError> {
    let words = ["sh", "-c", script].map(str::to_owned);
    ask_within(&SystemClock::new(), &words, "", limits)
}

#[test]
fn a_program_that_fails_is_told_by_its_first_line() {
    let limits = Limits { time: Duration::from_mins(1), bytes: 100 };
    let failed = ask("echo oh >&2; echo more >&2; exit 2", limits).unwrap_err().to_string();
    assert!(failed.ends_with("returned 2: oh\n"), "{failed}");
    let endless = ask("yes", limits).unwrap_err().to_string();
    assert!(endless.ends_with("gave an answer of more than 100 bytes"), "{endless}");
    let silent = ask("exec sleep 1000", Limits { time: Duration::from_millis(100), ..limits }).unwrap_err().to_string();
    assert!(silent.ends_with("gave no answer within 0 seconds"), "{silent}");
    assert_eq!(ask("echo 1; echo 2", limits).unwrap(), value("1"));
    assert_eq!(ask(":", limits).unwrap_err(), DeviceError::NotJson(String::new()));
}

#[test]
fn commands_are_split_at_blanks_only() {
    assert_eq!(split("a 'b c'\td"), ["a", "'b", "c'", "d"]);
    assert_eq!(split(" a"), ["", "a"]);
}

#[test]
fn devices_are_listed_once_and_checked() {
    let names = |text: &str| {
        answers::devices("hwi", &value(text))
            .map(|all| all.into_iter().map(|it| (it.fingerprint, it.name)).collect::<Vec<_>>())
    };
    let twice =
        r#"[{"fingerprint":"0000000a","model":"x"},{"fingerprint":"0000000a"},{"fingerprint":"0000000B","model":7}]"#;
    let pair = |fingerprint: &str, name: &str| (fingerprint.to_owned(), name.to_owned());
    assert_eq!(names(twice).unwrap(), [pair("0000000a", "x"), pair("0000000B", "")]);
    for (text, told) in [
        ("{}", "'hwi' received invalid response, expected array of signers"),
        (r#"[{"error": "lost"}]"#, "'hwi' error: lost"),
        (r#"[{"error": 7}]"#, "'hwi' error"),
        ("[7]", "'hwi' received invalid response, missing signer fingerprint"),
        (r#"[{"fingerprint": "0000001"}]"#, "'hwi' received invalid fingerprint, must be 8 hex characters"),
        (r#"[{"fingerprint": "0000000g"}]"#, "'hwi' received invalid fingerprint, must be 8 hex characters"),
        (r#"[{"fingerprint": 7}]"#, "'hwi' received invalid fingerprint, must be 8 hex characters"),
    ] {
        assert_eq!(names(text).unwrap_err().to_string(), told);
    }
}

#[test]
fn what_is_shown_must_be_the_address() {
    let told = |text: &str| answers::shown(&value(text), "a").map_err(|error| error.to_string());
    assert_eq!(told(r#"{"address": "a"}"#), Ok(()));
    // A null is no error.
    assert_eq!(told(r#"{"address": "a", "error": null}"#), Ok(()));
    assert_eq!(told(r#"{"address": "b"}"#).unwrap_err(), "Signer echoed unexpected address b");
    assert_eq!(told(r#"{"address": "a", "error": "no"}"#).unwrap_err(), "Signer returned error: no");
    for other in ["{}", "[]", "7", r#"{"address": 7}"#] {
        assert_eq!(told(other).unwrap_err(), "Signer did not echo address");
    }
}

#[test]
fn what_was_signed_is_a_psbt_or_a_reason() {
    use answers::Signed;
    assert_eq!(answers::signed(&value(r#"{"psbt": "x", "error": null}"#)), Signed::Psbt("x"));
    assert_eq!(answers::signed(&value(r#"{"psbt": "x", "error": "no"}"#)), Signed::Refused("no"));
    assert_eq!(answers::signed(&value("[]")), Signed::Neither);
}

proptest! {
    #[test]
    fn any_answer_is_read_without_harm(text in r#"(\{|\[|\}|\]|"|,|:|fingerprint|error|receive|internal|psbt|7|null| ){0,30}"#) {
        let Some(answer) = json::parse(text.as_bytes()) else { return Ok(()) };
        let coin = coin::by_id("bitcoin").unwrap();
        let notation = Notation::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap());
        let _ = answers::devices("hwi", &answer);
        let _ = answers::descriptors(&answer, &notation);
        let _ = answers::shown(&answer, "a");
        let _ = answers::signed(&answer);
    }
}
