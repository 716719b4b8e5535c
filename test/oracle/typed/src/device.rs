//! Devices that sign, as `-signer` reaches them: a script that says what one would say.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use crate::raw::TPUB;
use crate::shape;
use crate::tape::Tape;

/// The program of a device.
#[derive(Debug)]
pub struct Device {
    script: PathBuf,
    /// What it says that it shows.
    shown: PathBuf,
}

impl Device {
    /// A device whose program lies in `dir`.
    pub fn new(dir: &Path) -> Result<Device> {
        let device = Device { script: dir.join("script"), shown: dir.join("shown") };
        let script = format!(
            r#"case " $* " in
*" enumerate "*) echo '[{{"fingerprint": "00000001", "model": "box"}}]' ;;
*" getdescriptors "*) echo '{{"receive": ["wpkh([00000001/84h/1h/0h]{TPUB}/0/*)"], "internal": []}}' ;;
*) cat '{}' ;;
esac
"#,
            device.shown.display()
        );
        fs::write(&device.script, script)?;
        Ok(device)
    }

    /// The option that names it.
    pub fn option(&self) -> String {
        format!("-signer=sh {}", self.script.display())
    }
}

/// A wallet whose keys are in the device.
pub fn all(tape: &mut Tape, device: &Device) -> Result<()> {
    tape.at(None);
    tape.ask(shape!(raw EnumerateSigners), "enumeratesigners", &json!([]))?;
    let arguments = json!(["device", true, false, "", false, true, null, true]);
    tape.ask(shape!(raw CreateWallet), "createwallet", &arguments)?;
    tape.at(Some("device"));
    tape.ask(shape!(GetWalletInfo), "getwalletinfo", &json!([]))?;
    let address = tape.quietly("getnewaddress", &json!(["", "bech32"]))?;
    fs::write(&device.shown, json!({ "address": address }).to_string())?;
    tape.ask(shape!(WalletDisplayAddress), "walletdisplayaddress", &json!([address]))?;
    Ok(())
}
