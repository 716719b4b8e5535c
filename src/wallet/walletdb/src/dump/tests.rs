//! Dumps that are wrong, and what is said about them.

use std::path::PathBuf;

use primitives::hex;

use super::*;
use crate::{Key, Record};

fn format() -> Format {
    let bitcoin = coin::by_id("bitcoin").unwrap();
    Format::for_chain(bitcoin, bitcoin.main())
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a wallet of a dump.
    fn create(&self, text: &str) -> Result<(), DumpError> {
        fs::write(self.at("in.dump"), text).unwrap();
        let options = OpenOptions::NEW.unsafe_sync(true);
        create_from_dump(&self.at("in.dump"), &self.at("w"), format(), options)
    }

    fn refusal(&self, text: &str) -> String {
        let error = self.create(text).unwrap_err().to_string();
        assert!(!self.at("w").exists(), "{error}");
        error
    }
}

fn with_checksum(lines: &str) -> String {
    let sum = sha256d::Hash::hash(lines.as_bytes()).to_byte_array();
    format!("{lines}checksum,{}\n", hex::encode(&sum))
}

const HEAD: &str = "BITCOIN_CORE_WALLET_DUMP,1\nformat,sqlite\n";

#[test]
fn a_wallet_becomes_text_and_a_wallet_again() {
    let place = Place::new();
    let wallet = WalletFile::in_memory(format()).unwrap();
    let big = Record::Name { address: "a".into(), label: "x".repeat(100_000).into() };
    wallet.put(&Record::Version(7)).unwrap();
    wallet.put(&big).unwrap();
    dump(&wallet, &place.at("out.dump")).unwrap();
    let text = fs::read_to_string(place.at("out.dump")).unwrap();
    assert!(text.starts_with("BITCOIN_CORE_WALLET_DUMP,1\nformat,sqlite\n0776657273696f6e,07000000\n"), "{text:.200}");
    place.create(&text).unwrap();
    let copy = WalletFile::open(&place.at("w"), format()).unwrap();
    assert_eq!(copy.get(&Key::Version), Ok(Some(Record::Version(7))));
    assert_eq!(copy.get(&Key::Name("a".into())), Ok(Some(big)));
    let error = dump(&wallet, &place.at("out.dump")).unwrap_err().to_string();
    let shown = place.at("out.dump").display().to_string();
    assert_eq!(
        error,
        format!("File {shown} already exists. If you are sure this is what you want, move it out of the way first.")
    );
    let nowhere = place.at("absent/out.dump");
    let error = dump(&wallet, &nowhere).unwrap_err().to_string();
    assert_eq!(error, format!("Unable to open {} for writing", nowhere.display()));
}

#[test]
fn heads_of_other_kinds_are_refused() {
    let place = Place::new();
    assert_eq!(
        place.refusal("not_the_right_magic,1\n"),
        "Error: Dumpfile identifier record is incorrect. Got \"not_the_right_magic\", expected \
         \"BITCOIN_CORE_WALLET_DUMP\"."
    );
    assert!(place.refusal("").starts_with("Error: Dumpfile identifier record is incorrect. Got \"\""));
    for version in ["0", "2"] {
        assert_eq!(
            place.refusal(&format!("BITCOIN_CORE_WALLET_DUMP,{version}\n")),
            format!(
                "Error: Dumpfile version is not supported. This version of bitcoin-wallet only supports version 1 \
                 dumpfiles. Got dumpfile with version {version}"
            )
        );
    }
    for version in ["", "x", "+1", "-1", " 1", "4294967296"] {
        assert_eq!(
            place.refusal(&format!("BITCOIN_CORE_WALLET_DUMP,{version}\n")),
            format!("Error: Unable to parse version {version} as a uint32_t")
        );
    }
    assert_eq!(
        place.refusal("BITCOIN_CORE_WALLET_DUMP,1\nkind,sqlite\n"),
        "Error: Dumpfile format record is incorrect. Got \"kind\", expected \"format\"."
    );
    assert_eq!(
        place.refusal("BITCOIN_CORE_WALLET_DUMP,1\nformat,bdb\n"),
        "Error: Dumpfile specifies an unsupported database format (bdb). Only sqlite database dumps are supported"
    );
}

#[test]
fn records_must_be_digits_and_the_sum_must_be_right() {
    let place = Place::new();
    assert_eq!(place.refusal(&format!("{HEAD}xy,00\n")), "Error: Got key that was not hex: xy");
    assert_eq!(place.refusal(&format!("{HEAD}00,abc\n")), "Error: Got value that was not hex: abc");
    assert_eq!(place.refusal(&format!("{HEAD}00,00\n")), "Error: Missing checksum");
    let zeros = "0".repeat(64);
    assert_eq!(place.refusal(&format!("{HEAD}00,00\nchecksum,{zeros}\n")), "Error: Missing checksum");
    for sum in ["", "x", "1111", &"3".repeat(66)] {
        assert_eq!(place.refusal(&format!("{HEAD}00,00\nchecksum,{sum}\n")), "Error: Checksum is not the correct size");
    }
    let lines = format!("{HEAD}00,00\n");
    let ones = "1".repeat(64);
    let computed = hex::encode(&sha256d::Hash::hash(lines.as_bytes()).to_byte_array());
    assert_eq!(
        place.refusal(&format!("{lines}checksum,{ones}\n")),
        format!("Error: Dumpfile checksum does not match. Computed {computed}, expected {ones}")
    );
    // What has no key or no value is counted and left out.
    place.create(&with_checksum(&format!("{HEAD},00\n00,\n\u{20},\n01,02\n"))).unwrap();
    let wallet = WalletFile::open(&place.at("w"), format()).unwrap();
    assert_eq!(wallet.get_bytes(&[1]).unwrap().unwrap().as_slice(), [2]);
    assert_eq!(wallet.get_bytes(&[0]).unwrap(), None);
}

#[test]
fn what_is_there_stays_there() {
    let place = Place::new();
    fs::create_dir(place.at("w")).unwrap();
    place.create(HEAD).unwrap_err();
    assert!(place.at("w").is_dir(), "the directory was not ours");
    assert!(!place.at("w/wallet.dat").exists());
    place.create(&with_checksum(HEAD)).unwrap();
    let error = place.create(&with_checksum(HEAD)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Failed to create database path '{}'. Database already exists.", place.at("w").display())
    );
    assert!(place.at("w/wallet.dat").exists());
    let absent = place.at("absent.dump");
    let error = create_from_dump(&absent, &place.at("v"), format(), OpenOptions::NEW).unwrap_err();
    assert_eq!(error.to_string(), format!("Dump file {} does not exist.", absent.display()));
}
