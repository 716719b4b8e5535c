//! `-getinfo`: the node and the wallet at a glance, put together from four calls, or more with several wallets.

use std::fmt::Write as _;

use rpc::{Json, JsonError};

use crate::error::CliError;
use crate::reply::{Answer, word};
use crate::session::Session;

/// The codes that switch colours on and off; all empty without colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Colors {
    reset: &'static str,
    chain: &'static str,
    network: &'static str,
    wallet: &'static str,
    balance: &'static str,
    warnings: &'static str,
}

impl Colors {
    const ON: Self = Self {
        reset: "\x1b[0m",
        chain: "\x1b[34m",
        network: "\x1b[32m",
        wallet: "\x1b[35m",
        balance: "\x1b[36m",
        warnings: "\x1b[33m",
    };

    /// What `-color` says.
    pub(crate) fn choose(option: &str, is_terminal: bool) -> Result<Self, CliError> {
        match option {
            "always" => Ok(Self::ON),
            "auto" if is_terminal => Ok(Self::ON),
            "auto" | "never" => Ok(Self::default()),
            _ => Err(CliError::Color),
        }
    }
}

/// Asks and shows. `ticker` is the unit of amounts.
pub(crate) fn run(
    session: &mut Session<'_>,
    wallet: Option<&str>,
    ticker: &str,
    colors: &Colors,
) -> Result<Answer, CliError> {
    let methods = ["getnetworkinfo", "getblockchaininfo", "getwalletinfo", "getbalances"];
    let replies = session.batch(wallet, &methods)?;
    // Without a wallet the last two fail, and that is fine.
    if let Some(failed) = replies.iter().take(2).find_map(Answer::failure) {
        return Ok(failed);
    }
    let [network, chain, wallet_info, balances] = replies.each_result()?;
    let mut text = chain_part(chain, colors)?;
    network_part(network, ticker, colors, &mut text);
    if !wallet_info.is_null() {
        wallet_part(wallet_info, colors, &mut text);
    }
    if !balances.is_null() {
        let balance = word(balances.get("mine").get("trusted"));
        let _ = write!(text, "{}Balance:{} {balance}\n\n", colors.balance, colors.reset);
    }
    if wallet.is_none() {
        balances_part(&balances_of_all(session)?, colors, &mut text);
    }
    let warnings = match network.get("warnings") {
        Json::Arr(warnings) => warnings.iter().map(word).collect::<Vec<_>>().join(", "),
        warning => word(warning),
    };
    let warnings = if warnings.is_empty() { "(none)" } else { &warnings };
    let _ = write!(text, "{}Warnings:{} {warnings}", colors.warnings, colors.reset);
    Ok(Answer::Text(text))
}

/// The results of as many responses as are wanted.
trait Results {
    fn each_result<const N: usize>(&self) -> Result<[&Json; N], CliError>;
}

impl Results for [Json] {
    fn each_result<const N: usize>(&self) -> Result<[&Json; N], CliError> {
        let results: Vec<&Json> = self.iter().map(|reply| reply.get("result")).collect();
        results.try_into().map_err(|_| CliError::BatchMember)
    }
}

fn chain_part(chain: &Json, colors: &Colors) -> Result<String, JsonError> {
    let progress = chain.get("verificationprogress").as_f64()?;
    let bar = if progress < 0.99 { progress_bar(progress) + " " } else { String::new() };
    Ok(format!(
        "{}Chain: {}{}\nBlocks: {}\nHeaders: {}\nVerification progress: {bar}{:.4}%\nDifficulty: {}\n\n",
        colors.chain,
        word(chain.get("chain")),
        colors.reset,
        word(chain.get("blocks")),
        word(chain.get("headers")),
        progress * 100.0,
        word(chain.get("difficulty")),
    ))
}

/// A bar of twenty steps. Steps that are partly done are shown twice, done and not done.
fn progress_bar(progress: f64) -> String {
    const STEP: f64 = 0.05;
    if !(0.0..=1.0).contains(&progress) {
        return String::new();
    }
    let steps = |part: f64| (0..20_u8).take_while(|step| f64::from(*step) < part / STEP).count();
    "\u{2592}".repeat(steps(progress)) + &"\u{2591}".repeat(steps(1.0 - progress))
}

fn network_part(network: &Json, ticker: &str, colors: &Colors, text: &mut String) {
    let field = |name| word(network.get(name));
    let _ = write!(
        text,
        "{}Network: in {}, out {}, total {}{}\nVersion: {}\nTime offset (s): {}\nProxies: {}\n\
         Min tx relay fee rate ({ticker}/kvB): {}\n\n",
        colors.network,
        field("connections_in"),
        field("connections_out"),
        field("connections"),
        colors.reset,
        field("version"),
        field("timeoffset"),
        proxies(network.get("networks")),
        field("relayfee"),
    );
}

/// Each proxy with the networks that are reached through it.
fn proxies(networks: &Json) -> String {
    let mut users: Vec<(String, Vec<String>)> = Vec::new();
    for network in networks.as_arr().unwrap_or_default() {
        let (proxy, name) = (word(network.get("proxy")), word(network.get("name")));
        match users.iter_mut().find(|(known, _)| *known == proxy) {
            _ if proxy.is_empty() => {}
            Some((_, names)) => names.push(name),
            None => users.push((proxy, vec![name])),
        }
    }
    if users.is_empty() {
        return "n/a".to_owned();
    }
    users.iter().map(|(proxy, names)| format!("{proxy} ({})", names.join(", "))).collect::<Vec<_>>().join(", ")
}

fn wallet_part(wallet: &Json, colors: &Colors, text: &mut String) {
    let name = shown_name(&word(wallet.get("walletname")));
    let _ = writeln!(text, "{}Wallet: {name}{}", colors.wallet, colors.reset);
    let _ = writeln!(text, "Keypool size: {}", word(wallet.get("keypoolsize")));
    if !wallet.get("unlocked_until").is_null() {
        let _ = writeln!(text, "Unlocked until: {}", word(wallet.get("unlocked_until")));
    }
}

fn shown_name(wallet: &str) -> String {
    if wallet.is_empty() { "\"\"".to_owned() } else { wallet.to_owned() }
}

/// The name and balance of each wallet, if there are several.
fn balances_of_all(session: &mut Session<'_>) -> Result<Vec<(String, String)>, CliError> {
    let wallets = session.call(None, "listwallets", Json::Arr(Vec::new()), Json::from("1"))?;
    let wallets = wallets.get("result").as_arr().unwrap_or_default();
    if wallets.len() < 2 {
        return Ok(Vec::new());
    }
    let mut balances = Vec::new();
    for wallet in wallets {
        let name = wallet.as_str()?;
        let reply = session.call(Some(name), "getbalances", Json::Arr(Vec::new()), Json::from("1"))?;
        balances.push((name.to_owned(), word(reply.get("result").get("mine").get("trusted"))));
    }
    Ok(balances)
}

fn balances_part(balances: &[(String, String)], colors: &Colors, text: &mut String) {
    if balances.is_empty() {
        return;
    }
    let width = balances.iter().map(|(_, balance)| balance.len()).max().unwrap_or(0).max(10);
    let _ = writeln!(text, "{}Balances{}", colors.balance, colors.reset);
    for (wallet, balance) in balances {
        let _ = writeln!(text, "{balance:>width$} {}", shown_name(wallet));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    const NETWORK: &str = r#"{"id":0,"result":{"version":319900,"timeoffset":0,"connections_in":1,"connections_out":2,
        "connections":3,"relayfee":0.00000100,"warnings":["one","two"],"networks":[
        {"name":"ipv4","proxy":"127.0.0.1:9050"},{"name":"i2p","proxy":"127.0.0.1:7656"},
        {"name":"onion","proxy":"127.0.0.1:9050"},{"name":"cjdns","proxy":""}]}}"#;
    const CHAIN: &str = r#"{"id":1,"result":{"chain":"regtest","blocks":5,"headers":6,"verificationprogress":0.5,
        "difficulty":4.656542373906925e-10}}"#;
    const NO_WALLET: &str = r#"{"id":2,"error":{"code":-18}},{"id":3,"error":{"code":-18}}"#;
    const WALLET: &str = r#"{"id":2,"result":{"walletname":"","keypoolsize":4000,"unlocked_until":0}},
        {"id":3,"result":{"mine":{"trusted":50.00000000}}}"#;

    fn ask(wallet: Option<&str>, colors: &Colors, answers: &[&str]) -> (Result<Answer, CliError>, Vec<String>) {
        let mut fake = Fake::answering(answers.iter().copied());
        let answer = fake.session(|session| run(session, wallet, "FRC", colors));
        (answer, fake.endpoints().into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn a_node_without_wallets() {
        let batch = format!("[{NETWORK},{CHAIN},{NO_WALLET}]");
        let (answer, _) = ask(None, &Colors::default(), &[&batch, r#"{"error":{"code":-32601,"message":"no"}}"#]);
        let bar = "\u{2592}".repeat(10) + &"\u{2591}".repeat(10);
        assert_eq!(
            answer.unwrap(),
            Answer::Text(format!(
                "Chain: regtest\nBlocks: 5\nHeaders: 6\nVerification progress: {bar} 50.0000%\n\
                 Difficulty: 4.656542373906925e-10\n\n\
                 Network: in 1, out 2, total 3\nVersion: 319900\nTime offset (s): 0\n\
                 Proxies: 127.0.0.1:9050 (ipv4, onion), 127.0.0.1:7656 (i2p)\n\
                 Min tx relay fee rate (FRC/kvB): 0.00000100\n\nWarnings: one, two"
            ))
        );
    }

    #[test]
    fn one_wallet_and_several() {
        let batch = format!("[{NETWORK},{CHAIN},{WALLET}]");
        let (answer, endpoints) = ask(Some("w"), &Colors::default(), &[&batch]);
        let Ok(Answer::Text(text)) = answer else { panic!("{answer:?}") };
        assert!(
            text.contains("Wallet: \"\"\nKeypool size: 4000\nUnlocked until: 0\nBalance: 50.00000000\n\n"),
            "{text}"
        );
        assert_eq!(endpoints, ["/wallet/w"]);

        let batch = format!("[{NETWORK},{CHAIN},{NO_WALLET}]");
        let balance = |amount: &str| format!(r#"{{"result":{{"mine":{{"trusted":{amount}}}}}}}"#);
        let answers = [&batch, r#"{"result":["","b"]}"#, &balance("1.00000000"), &balance("-120.00000000")];
        let (answer, endpoints) = ask(None, &Colors::default(), &answers);
        let Ok(Answer::Text(text)) = answer else { panic!("{answer:?}") };
        assert!(text.contains("Balances\n   1.00000000 \"\"\n-120.00000000 b\n\nWarnings:"), "{text}");
        assert_eq!(endpoints, ["/", "/", "/wallet/", "/wallet/b"]);
    }

    #[test]
    fn the_first_error_is_shown() {
        let batch = format!(r#"[{{"id":0,"error":{{"code":-28,"message":"Loading"}}}},{CHAIN},{NO_WALLET}]"#);
        let (answer, _) = ask(None, &Colors::default(), &[&batch]);
        assert!(matches!(answer, Ok(Answer::Failed(_))), "{answer:?}");
    }

    #[test]
    fn colors_are_as_the_user_wants() {
        assert_eq!(Colors::choose("auto", true).unwrap(), Colors::ON);
        assert_eq!(Colors::choose("always", false).unwrap(), Colors::ON);
        assert_eq!(Colors::choose("auto", false).unwrap(), Colors::default());
        assert_eq!(Colors::choose("never", true).unwrap(), Colors::default());
        assert!(Colors::choose("foo", true).is_err());
        let batch = format!("[{NETWORK},{CHAIN},{WALLET}]");
        let (answer, _) = ask(Some("w"), &Colors::ON, &[&batch]);
        let Ok(Answer::Text(text)) = answer else { panic!("{answer:?}") };
        assert_eq!(text.matches("\x1b[0m").count(), 5);
        assert!(text.starts_with("\x1b[34mChain: regtest\x1b[0m\n"), "{text}");
    }

    #[test]
    fn the_bar_has_twenty_steps_or_one_more() {
        for (progress, done, open) in [(0.0, 0, 20), (0.01, 1, 20), (0.98, 20, 1)] {
            assert_eq!(progress_bar(progress), "\u{2592}".repeat(done) + &"\u{2591}".repeat(open), "{progress}");
        }
        assert_eq!(progress_bar(-1.0), "");
    }
}
