//! What both daemons say about themselves under the names of every coin, and what they refuse. The test that takes this
//! in names the file, the scratch directory and what stands behind a coin's name.

use super::{FILE, SCRATCH, SUFFIX, support::Installed};

/// The file under the daemon's name of every coin.
pub(crate) fn installed() -> Installed {
    let names: Vec<String> = coin::all().iter().map(|coin| name_of(coin.id)).collect();
    Installed::new(FILE, SCRATCH, &names)
}

/// What the daemon of this coin is called.
fn name_of(coin: &str) -> String {
    format!("{coin}{SUFFIX}")
}

#[test]
fn the_version_names_the_coin_and_the_program() {
    let installed = installed();
    for coin in coin::all() {
        let name = name_of(coin.id);
        let ran = installed.run(&name, &["-version"]);
        let first = format!("{} daemon version v{} {name}\n", coin.client_name, env!("CARGO_PKG_VERSION"));
        assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    }
}

#[test]
fn help_shows_the_coins_own_names() {
    let installed = installed();
    for coin in coin::all() {
        let name = name_of(coin.id);
        for option in ["-help", "-h", "-?", "--help", "-help-debug"] {
            let ran = installed.run(&name, &[option]);
            assert!(ran.stdout.contains(&format!("Usage: {name} [options]\n")), "{}", ran.stdout);
            assert!(ran.stdout.contains(coin.conf_file) && ran.stdout.contains("\nOptions:\n"), "{}", ran.stdout);
            assert!(coin.id == "bitcoin" || !ran.stdout.contains("bitcoin.conf"), "{}", ran.stdout);
            assert_eq!(ran.stdout.contains("-mocktime"), option == "-help-debug");
            assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        }
    }
    assert_eq!(std::fs::read_dir(installed.home()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn wrong_options_are_refused() {
    let installed = installed();
    for coin in coin::all() {
        let name = name_of(coin.id);
        for (arguments, text) in [
            (&["-fakearg"][..], "Error parsing command line arguments: Invalid parameter -fakearg".to_owned()),
            (
                &["-regtest", "token"],
                format!("Command line contains unexpected token 'token', see {name} -h for a list of options."),
            ),
            (&["-datadir=nowhere"], "Specified data directory \"nowhere\" does not exist.".to_owned()),
        ] {
            let ran = installed.run(&name, arguments);
            assert_eq!((ran.stdout.as_str(), ran.stderr, ran.code), ("", format!("Error: {text}\n"), Some(1)));
        }
    }
}

#[test]
fn another_name_explains_itself() {
    let (own, wrong) = (format!("bulkhead{SUFFIX}"), format!("my{SUFFIX}"));
    let installed = Installed::new(FILE, SCRATCH, &[own.as_str(), &wrong, "bitcoin-wallet"]);
    for name in [own, wrong] {
        let ran = installed.run(&name, &["-version"]);
        assert_eq!((ran.stdout.as_str(), ran.code), ("", Some(1)));
        assert!(ran.stderr.contains(&format!("'{name}' names neither")), "{}", ran.stderr);
    }
    let ran = installed.run("bitcoin-wallet", &["-version"]);
    assert!(ran.stderr.contains(&format!("installed as <coin>{SUFFIX}")), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_symbolic_link_counts_by_its_own_name_first() {
    let installed = installed();
    let elsewhere = format!("link/{}", name_of("freicoin"));
    for (link, to, coin) in [("syscoin-link", "syscoin", "syscoin"), (elsewhere.as_str(), "bitcoin", "freicoin")] {
        std::fs::create_dir_all(installed.path().join("link")).unwrap();
        std::os::unix::fs::symlink(installed.path().join(name_of(to)), installed.path().join(link)).unwrap();
        let ran = installed.run(link, &["-version"]);
        let named = format!(" {}\n", name_of(coin));
        assert!(ran.stdout.ends_with('\n') && ran.stdout.contains(&named), "{}", ran.stdout);
    }
}
