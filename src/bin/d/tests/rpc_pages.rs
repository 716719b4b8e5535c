//! `doc/rpc/` says what the descriptions say: which methods of Bitcoin Core there are, and how each is called. After a
//! change, `UPDATE_RPC_PAGES=1 cargo nextest run -p bin-d rpc_pages` writes the pages anew.

#![expect(clippy::disallowed_methods, reason = "how a test is told to write what it checks")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use rpc::{Directory, Identity, Registry};

/// Every method of Bitcoin Core 31.99, those that `help` hides included.
const CORE: &str = "abandontransaction abortprivatebroadcast abortrescan addconnection addhdkey addnode addpeeraddress \
    analyzepsbt backupwallet bumpfee clearbanned combinepsbt combinerawtransaction converttopsbt createmultisig createpsbt \
    createrawtransaction createwallet createwalletdescriptor decodepsbt decoderawtransaction decodescript deriveaddresses \
    derivehdkey descriptorprocesspsbt disconnectnode dumptxoutset echo echoipc echojson encryptwallet enumeratesigners \
    estimaterawfee estimatesmartfee exportasmap exportwatchonlywallet finalizepsbt fundrawtransaction generate \
    generateblock generatetoaddress generatetodescriptor getaddednodeinfo getaddressesbylabel getaddressinfo getaddrmaninfo \
    getbalance getbalances getbestblockhash getblock getblockchaininfo getblockcount getblockfilter getblockfrompeer \
    getblockhash getblockheader getblockstats getblocktemplate getchainstates getchaintips getchaintxstats \
    getconnectioncount getdeploymentinfo getdescriptoractivity getdescriptorinfo getdifficulty gethdkeys getindexinfo \
    getmemoryinfo getmempoolancestors getmempoolcluster getmempooldescendants getmempoolentry getmempoolfeeratediagram \
    getmempoolinfo getmininginfo getnettotals getnetworkhashps getnetworkinfo getnewaddress getnodeaddresses getopenrpcinfo \
    getorphantxs getpeerinfo getprioritisedtransactions getprivatebroadcastinfo getrawaddrman getrawchangeaddress \
    getrawmempool getrawtransaction getreceivedbyaddress getreceivedbylabel getrpcinfo gettransaction gettxout \
    gettxoutproof gettxoutsetinfo gettxspendingprevout getwalletinfo getzmqnotifications help importdescriptors \
    importmempool importprunedfunds invalidateblock joinpsbts keypoolrefill listaddressgroupings listbanned listdescriptors \
    listlabels listlockunspent listreceivedbyaddress listreceivedbylabel listsinceblock listtransactions listunspent \
    listwalletdir listwallets loadtxoutset loadwallet lockunspent logging migratewallet mockscheduler ping preciousblock \
    prioritisetransaction pruneblockchain psbtbumpfee reconsiderblock removeprunedfunds rescanblockchain restorewallet \
    rpc.discover savemempool scanblocks scantxoutset send sendall sendmany sendmsgtopeer sendrawtransaction sendtoaddress \
    setban setlabel setmocktime setnetworkactive setwalletflag signmessage signmessagewithprivkey signrawtransactionwithkey \
    signrawtransactionwithwallet simulaterawtransaction stop submitblock submitheader submitpackage \
    syncwithvalidationinterfacequeue testmempoolaccept unloadwallet uptime utxoupdatepsbt validateaddress verifychain \
    verifymessage verifytxoutproof waitforblock waitforblockheight waitfornewblock walletcreatefundedpsbt \
    walletdisplayaddress walletlock walletpassphrase walletpassphrasechange walletprocesspsbt";

/// What a method that is there does not do.
const LESS: [(&str, &str); 2] = [
    ("exportasmap", "no map of autonomous systems is built in"),
    ("migratewallet", "legacy wallets are refused, with what else can migrate them"),
];

/// A method that the node asks of the wallet's process and clients cannot call.
const INTERNAL: &str = "publicscripts";

/// Every page by its file's name.
fn pages() -> BTreeMap<String, String> {
    let coin = coin::by_id("bitcoin").expect("one of the six");
    let directory = Directory::new(Identity { version: String::new(), bug_url: String::new(), ..Identity::of(coin) });
    let mut categories = BTreeMap::new();
    let wallet = engine::rpc::methods();
    let wallet: Vec<_> = wallet.into_iter().filter(|method| method.doc.name != INTERNAL).collect();
    categories.extend(wallet.iter().map(|method| (method.doc.name.to_string(), method.doc.category.to_string())));
    let node = daemon::rpc::methods();
    categories.extend(node.iter().map(|method| (method.doc.name.to_string(), method.doc.category.to_string())));
    Registry::new(directory.clone()).add_all(wallet);
    // Where both have one, the node's is the one that clients see.
    Registry::new(directory.clone()).add_all(node);

    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for (name, category) in &categories {
        let page = pages.entry(format!("{category}.md")).or_insert_with(|| format!("# RPC methods: {category}\n"));
        let text = directory.markdown(name).expect("every method was described to the directory");
        // Every heading one level lower: the file has one of its own.
        for line in text.trim_end().lines() {
            page.push('\n');
            page.push_str(if line.starts_with('#') { "#" } else { "" });
            page.push_str(line.trim_end());
        }
        page.push('\n');
        rows.insert(name, format!("| [{name}]({category}.md) | yes |\n"));
    }
    let core: BTreeSet<&str> = CORE.split_whitespace().collect();
    let lacking: Vec<_> = core.iter().filter(|name| !rows.contains_key(*name)).collect();
    assert_eq!(lacking, Vec::<&&str>::new(), "Bitcoin Core has these");
    for (name, what) in LESS {
        rows.entry(name).and_modify(|row| *row = row.replace("| yes |", &format!("| yes, but {what} |")));
    }
    let ours = rows.iter_mut().filter(|(name, _)| !core.contains(*name));
    ours.for_each(|(_, row)| *row = row.replace("| yes |", "| yes; Bitcoin Core has none |"));
    let table: String = rows.values().map(String::as_str).collect();
    let text = "# RPC methods\n\nEvery method of Bitcoin Core 31.99 and every one of ours. The pages are made of the descriptions \
                that `help` prints,\nby the test `rpc_pages` of `bin-d`, which fails when they differ. Names, ports and units are \
                those of Bitcoin; other\ncoins print their own.\n\n| method | there |\n| --- | --- |\n";
    pages.insert("README.md".to_owned(), format!("{text}{table}"));
    pages
}

#[test]
fn the_pages_say_what_the_descriptions_say() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../doc/rpc");
    let update = env::var_os("UPDATE_RPC_PAGES").is_some();
    let wanted = pages();
    for (file, text) in &wanted {
        if update {
            fs::write(dir.join(file), text).unwrap();
        }
        let found = fs::read_to_string(dir.join(file)).unwrap_or_default();
        assert!(found == *text, "doc/rpc/{file} is not current; see the top of this test");
    }
    let found = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stray: Vec<String> = found.filter(|file| !wanted.contains_key(file)).collect();
    assert_eq!(stray, Vec::<String>::new(), "nothing writes these");
}
