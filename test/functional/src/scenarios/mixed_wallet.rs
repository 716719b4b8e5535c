//! A wallet goes from one daemon to the other and back: what one wrote the other opens, knows and spends. Both make one, in
//! the clear and encrypted.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use rpc::{Code, Json};

use super::mixed_sync::{agree, meet};
use crate::node::Node;
use crate::stage::{Stage, Whose, expect_equal};

const LABEL: &str = "savings";
const PASSPHRASE: &str = "two boats at low tide";
/// What a wallet says of itself, and has to say again elsewhere.
const QUESTIONS: [&str; 6] =
    ["getbalances", "listdescriptors", "listlabels", "getaddressesbylabel", "listtransactions", "listunspent"];

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_judge()?;
    let options = ["-fallbackfee=0.0001", "-keypool=10"];
    let mut judge = stage.start_listening(Whose::Judge, "judge", &options)?;
    let mut ours = stage.start_listening(Whose::Ours, "ours", &options)?;
    meet(&mut ours, &judge, true)?;
    for (name, passphrase) in [("theirs", ""), ("theirs, encrypted", PASSPHRASE)] {
        Trip { stage, name, passphrase }.play(&mut judge, &mut ours)?;
    }
    for (name, passphrase) in [("ours", ""), ("ours, encrypted", PASSPHRASE)] {
        Trip { stage, name, passphrase }.play(&mut ours, &mut judge)?;
    }
    ours.stop()?;
    judge.stop()
}

/// One wallet on its way.
struct Trip<'a> {
    stage: &'a Stage,
    name: &'static str,
    passphrase: &'static str,
}

impl Trip<'_> {
    fn play(&self, home: &mut Node, away: &mut Node) -> Result<()> {
        let no = Json::Bool(false);
        home.create_wallet(&[self.name.into(), no.clone(), no, self.passphrase.into()])?;
        let mut addresses = Vec::new();
        // Not every coin has every kind.
        let kinds: &[&str] = match self.stage.coin.id {
            "bitcoin" => &["legacy", "p2sh-segwit", "bech32", "bech32m"],
            _ => &["", ""],
        };
        for kind in kinds {
            let kind = if kind.is_empty() { Json::Null } else { (*kind).into() };
            addresses.push(home.call("getnewaddress", &[LABEL.into(), kind])?.as_str()?.to_owned());
        }
        for address in &addresses {
            home.mine(1, address)?;
        }
        home.mine(100, self.stage.address()?)?;
        self.pay(home, "at home")?;
        home.mine(1, self.stage.address()?)?;
        agree(home, away)?;

        let before = answers(home, &addresses)?;
        self.carry(home, away)?;
        expect_equal(&format!("{} abroad", self.name), &answers(away, &addresses)?, &before)?;
        self.pay(away, "abroad")?;
        // A transaction need not have come to the other one's pool by now; a block brings it.
        away.mine(1, self.stage.address()?)?;
        agree(home, away)?;

        let before = answers(away, &addresses)?;
        self.carry(away, home)?;
        expect_equal(&format!("{} at home again", self.name), &answers(home, &addresses)?, &before)?;
        self.pay(home, "at home again")?;
        let list = home.call("listtransactions", &["*".into(), 1000.into()])?;
        let remarks = list.as_arr()?.iter().filter_map(|row| row.get("comment").as_str().ok());
        expect_equal("payments", &remarks.collect::<Vec<_>>(), &vec!["at home", "abroad", "at home again"])?;
        home.mine(1, self.stage.address()?)?;
        agree(home, away)?;
        home.call("unloadwallet", &[self.name.into()]).map(drop)
    }

    /// Spends. An encrypted wallet does that only when it was unlocked.
    fn pay(&self, node: &mut Node, remark: &str) -> Result<()> {
        let params = [self.stage.address()?.into(), Json::amount(150_000_000), remark.into()];
        if !self.passphrase.is_empty() {
            node.refuses("sendtoaddress", &params, Code::WALLET_UNLOCK_NEEDED, "walletpassphrase")?;
            let wrong = ["nobody's".into(), 60.into()];
            node.refuses("walletpassphrase", &wrong, Code::WALLET_PASSPHRASE_INCORRECT, "incorrect")?;
            node.call("walletpassphrase", &[self.passphrase.into(), 600.into()])?;
        }
        node.call("sendtoaddress", &params)?;
        if !self.passphrase.is_empty() {
            node.call("walletlock", &[])?;
        }
        Ok(())
    }

    /// Closes the wallet here and opens a copy of its file there.
    fn carry(&self, from: &mut Node, to: &mut Node) -> Result<()> {
        from.call("unloadwallet", &[self.name.into()])?;
        let file = |node: &Node| node.net().join("wallets").join(self.name).join("wallet.dat");
        let (source, target) = (file(from), file(to));
        fs::create_dir_all(target.parent().unwrap_or(Path::new("")))?;
        fs::copy(&source, &target)?;
        let opened = to.call("loadwallet", &[self.name.into()])?;
        ensure!(opened.get("warnings").is_null(), "it was opened with a warning: {}", opened.write());
        Ok(())
    }
}

/// What a wallet says. Rows of a list that has no order are sorted.
fn answers(node: &mut Node, addresses: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for question in QUESTIONS {
        let params: &[Json] = match question {
            "getaddressesbylabel" => &[LABEL.into()],
            "listtransactions" => &["*".into(), 1000.into()],
            _ => &[],
        };
        let answer = node.call(question, params)?;
        let mut rows: Vec<String> = answer.as_arr().unwrap_or_default().iter().map(Json::write).collect();
        if question == "listunspent" {
            rows.sort_unstable();
        }
        all.push(if rows.is_empty() { answer.write() } else { rows.join("\n") });
    }
    let info = node.call("getwalletinfo", &[])?;
    for field in ["txcount", "keypoolsize", "keypoolsize_hd_internal", "birthtime", "flags"] {
        all.push(format!("{field}: {}", info.get(field).write()));
    }
    for address in addresses {
        all.push(node.call("getaddressinfo", &[address.as_str().into()])?.write());
    }
    Ok(all)
}
