//! The rules for executables of a release, and the rooms seen from outside.
//!
//! What `cargo xtask tidy` says about crates is said here about what the linker made: no line of a database of keys or
//! of signing in the node, no line of RocksDB or of the peer protocol in the wallet.

use std::path::PathBuf;

use anyhow::Result;

use super::{elf, pe};
use crate::project::Host;

/// What was read from an executable, in the form that its host has.
#[derive(Debug, Clone)]
pub(crate) enum Facts {
    Elf(elf::Facts),
    Pe(pe::Facts),
}

impl Facts {
    /// Reads an executable for `host`.
    pub(crate) fn read(host: Host, bytes: &[u8]) -> Result<Facts> {
        Ok(if host.family == "windows" { Facts::Pe(pe::read(bytes)?) } else { Facts::Elf(elf::read(bytes)?) })
    }

    fn symbols(&self) -> &[String] {
        match self {
            Facts::Elf(facts) => &facts.symbols,
            Facts::Pe(facts) => &facts.symbols,
        }
    }

    fn hardening(&self, host: Host) -> Vec<String> {
        match self {
            Facts::Elf(facts) => hardening(host, facts),
            Facts::Pe(facts) => pe::hardening(host.arch, facts),
        }
    }
}

/// Shared libraries of glibc: the loader has the processor's name behind its own.
const GLIBC: [&str; 7] =
    ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "ld-linux"];

/// Shared libraries of the compiler, which every system with a new enough glibc has. With an old one they are too old.
const OF_COMPILER: [&str; 2] = ["libgcc_s.so.1", "libstdc++.so.6"];

/// The newest version of each family of symbols that an executable may ask for. It is what Debian 12, Ubuntu 22.04
/// and what came after them have.
const NEWEST: [(&str, &[u32]); 4] =
    [("GLIBC", &[2, 35]), ("GLIBCXX", &[3, 4, 30]), ("CXXABI", &[1, 3, 13]), ("GCC", &[12, 0, 0])];

/// Rust crates and C functions that a room must not hold; a star stands for any ending.
struct Room {
    roles: &'static [&'static str],
    crates: &'static [&'static str],
    functions: &'static [&'static str],
}

const ROOMS: [Room; 2] = [
    Room {
        roles: &["node", "gui"],
        crates: &["rusqlite", "walletdb", "signer", "engine"],
        functions: &[
            "sqlite3_*",
            "secp256k1_ecdsa_sign",
            "secp256k1_ecdsa_sign_recoverable",
            "secp256k1_schnorrsig_sign*",
            "secp256k1_musig_nonce_gen*",
            "secp256k1_musig_partial_sign",
        ],
    },
    Room {
        roles: &["wallet", "gui", "cli", "coin"],
        crates: &["rocksdb", "librocksdb_sys", "store", "chainstate", "mempool", "indexes", "p2p", "net", "daemon"],
        functions: &["rocksdb_*", "_ZN7rocksdb*"],
    },
];

/// Every rule that the executable of `role` breaks, before it is stripped.
pub(crate) fn linked(role: &str, host: Host, facts: &Facts) -> Vec<String> {
    let mut faults = facts.hardening(host);
    if facts.symbols().is_empty() {
        faults.push("has no symbols, so that nobody can see what is in it".to_owned());
    }
    for room in ROOMS.iter().filter(|room| room.roles.contains(&role)) {
        for name in room.crates {
            faults.extend(found(facts, &format!("the crate {name}"), |symbol| is_of_crate(symbol, name)));
        }
        for name in room.functions {
            faults.extend(found(facts, name, |symbol| is_function(symbol, name)));
        }
    }
    faults
}

/// Every rule that the executable that is shipped breaks.
pub(crate) fn shipped(host: Host, facts: &Facts) -> Vec<String> {
    let mut faults = facts.hardening(host);
    let (debug, debug_link) = match facts {
        Facts::Elf(facts) => (facts.debug, facts.debug_link),
        Facts::Pe(facts) => (facts.debug, facts.debug_link),
    };
    if debug || !facts.symbols().is_empty() {
        faults.push("still has debug symbols".to_owned());
    }
    if !debug_link {
        faults.push("does not name the file of its debug symbols".to_owned());
    }
    faults
}

/// What holds for every ELF executable.
fn hardening(host: Host, facts: &elf::Facts) -> Vec<String> {
    let mut faults = Vec::new();
    let mut rule = |kept: bool, fault: String| {
        if !kept {
            faults.push(fault);
        }
    };
    rule(elf::machine(host.arch) == Some(facts.machine), format!("is for another processor than {}", host.arch));
    rule(facts.pie, "is not position independent".to_owned());
    rule(facts.relro && facts.bind_now, "has no full RELRO".to_owned());
    rule(facts.stack_nx, "has an executable stack".to_owned());
    rule(!facts.writable_code, "has memory that can be written and run".to_owned());
    rule(facts.run_paths.is_empty(), format!("looks for libraries in {}", facts.run_paths.join(", ")));
    for name in &facts.needed {
        let of_compiler = OF_COMPILER.iter().filter(|_| host.glibc().is_none());
        let mut allowed = GLIBC.iter().chain(of_compiler);
        rule(allowed.any(|allowed| name.starts_with(allowed)), format!("needs the library {name}"));
    }
    for version in &facts.versions {
        rule(is_old_enough(host, version), format!("needs {version}, which older systems lack"));
    }
    faults
}

/// Executables with C or C++ code in them must have been compiled with the stack protector.
pub(crate) fn protector(has_native_code: bool, facts: &Facts) -> Option<String> {
    let canary = match facts {
        Facts::Elf(facts) => facts.canary,
        Facts::Pe(facts) => facts.canary,
    };
    (has_native_code && !canary).then(|| "has native code without the stack protector".to_owned())
}

/// Folders of the building machine whose names are in the file.
pub(crate) fn places(bytes: &[u8], folders: &[PathBuf]) -> Vec<String> {
    let names = folders.iter().map(|folder| folder.to_string_lossy().into_owned());
    let found = names.filter(|name| name.len() > 1 && holds(bytes, name.as_bytes()));
    found.map(|name| format!("names the folder {name} of this machine")).collect()
}

/// Whether `part` is somewhere in `bytes`; looks closer only where its first byte is.
fn holds(bytes: &[u8], part: &[u8]) -> bool {
    let Some(&first) = part.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == first) {
        if rest[at..].starts_with(part) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

fn is_old_enough(host: Host, version: &str) -> bool {
    let numbers = |text: &str| text.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>();
    let Some((family, number)) = version.split_once('_') else { return false };
    let newest = match (family, host.glibc()) {
        ("GLIBC", Some(own)) => numbers(own).ok(),
        _ => NEWEST.iter().find(|(name, _)| *name == family).map(|(_, newest)| newest.to_vec()),
    };
    numbers(number).is_ok_and(|number| newest.is_some_and(|newest| number <= newest))
}

/// One fault with the first few symbols, if there are any.
fn found(facts: &Facts, what: &str, is_meant: impl Fn(&str) -> bool) -> Option<String> {
    let hits: Vec<&str> = facts.symbols().iter().map(String::as_str).filter(|symbol| is_meant(symbol)).collect();
    let first = hits.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    (!hits.is_empty()).then(|| format!("holds {} symbols of {what}: {first}", hits.len()))
}

/// Whether a mangled name is one of a crate, or of an implementation for one of its types.
fn is_of_crate(symbol: &str, name: &str) -> bool {
    let part = format!("{}{name}", name.len());
    if let Some(mangled) = symbol.strip_prefix("_R") {
        // A crate is `Cs`, a number in base 62, `_`, its length and its name.
        let mut starts = mangled.match_indices(&part).map(|(at, _)| &mangled[..at]);
        return starts.any(|before| {
            let Some(before) = before.strip_suffix('_') else { return before.ends_with('C') };
            let number = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
            before[number..].contains("Cs")
        });
    }
    // After the crate's name comes the length of the next part, or the end.
    let follows = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == 'E');
    symbol.strip_prefix(&format!("_ZN{part}")).is_some_and(follows) || symbol.contains(&format!("${name}.."))
}

/// Whether a C function is meant by a name, also behind the prefix that the crate of secp256k1 gives its copy.
fn is_function(symbol: &str, name: &str) -> bool {
    let plain = match symbol.strip_prefix("rustsecp256k1_v") {
        // rustsecp256k1_v0_10_0_ecdsa_sign is secp256k1_ecdsa_sign.
        Some(rest) => {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
            format!("secp256k1_{rest}")
        }
        None => symbol.to_owned(),
    };
    match name.strip_suffix('*') {
        Some(prefix) => plain.starts_with(prefix),
        None => plain == name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::elf::tests::{HARD, compiled};
    use super::super::pe::tests::{Wish, program};
    use super::*;

    fn good() -> elf::Facts {
        elf::Facts {
            machine: elf::machine("x86_64").unwrap(),
            pie: true,
            relro: true,
            bind_now: true,
            stack_nx: true,
            symbols: vec!["main".to_owned()],
            needed: vec!["libc.so.6".to_owned(), "ld-linux-x86-64.so.2".to_owned()],
            versions: ["GLIBC_2.34", "GLIBCXX_3.4.30"].map(str::to_owned).into(),
            ..elf::Facts::default()
        }
    }

    fn judged(role: &str, host: Host, facts: &elf::Facts) -> Vec<String> {
        linked(role, host, &Facts::Elf(facts.clone()))
    }

    fn host() -> Host {
        Host::named(Some("x86_64-linux-gnu")).unwrap()
    }

    #[test]
    fn each_rule_is_told_by_name() {
        assert_eq!(judged("node", host(), &good()), Vec::<String>::new());
        let faults = |change: fn(&mut elf::Facts)| {
            let mut facts = good();
            change(&mut facts);
            judged("node", host(), &facts).join("\n")
        };
        assert!(faults(|facts| facts.pie = false).contains("position independent"));
        assert!(faults(|facts| facts.bind_now = false).contains("RELRO"));
        assert!(faults(|facts| facts.stack_nx = false).contains("executable stack"));
        assert!(faults(|facts| facts.writable_code = true).contains("written and run"));
        assert!(faults(|facts| facts.run_paths = vec!["/home/me".into()]).contains("/home/me"));
        assert!(faults(|facts| facts.needed.push("libssl.so.3".into())).contains("libssl.so.3"));
        assert!(faults(|facts| _ = facts.versions.insert("GLIBC_2.38".into())).contains("GLIBC_2.38"));
        assert!(faults(|facts| _ = facts.versions.insert("OTHER_1".into())).contains("OTHER_1"));
        assert!(faults(|facts| facts.machine = 183).contains("another processor"));
        assert!(faults(|facts| facts.symbols.clear()).contains("no symbols"));
    }

    #[test]
    fn for_an_old_glibc_nothing_newer_is_asked_for() {
        let old = Host::named(Some("x86_64-linux-gnu.2.28")).unwrap();
        let mut facts = good();
        let faults = judged("node", old, &facts).join("\n");
        assert!(faults.contains("GLIBC_2.34, which older systems lack"), "{faults}");
        facts.versions = ["GLIBC_2.2.5", "GLIBC_2.28"].map(str::to_owned).into();
        assert_eq!(judged("node", old, &facts), Vec::<String>::new());
        for library in OF_COMPILER {
            facts.needed = vec![library.to_owned()];
            assert!(judged("node", old, &facts)[0].contains(library) && judged("node", host(), &facts).is_empty());
        }
    }

    #[test]
    fn folders_of_the_building_machine_are_found() {
        let folders = [PathBuf::from("/home/me/build"), PathBuf::from("/home/me/.cargo")];
        assert!(places(b"x\0/src/a.rs\0/home/me", &folders).is_empty());
        let faults = places(b"x\0//home/me/.cargo/registry\0", &folders);
        assert!(faults.len() == 1 && faults[0].contains("/home/me/.cargo"), "{faults:?}");
    }

    #[test]
    fn the_rooms_are_seen_in_symbols() {
        let holds = |role: &str, symbol: &str| {
            let mut facts = good();
            facts.symbols.push(symbol.to_owned());
            !judged(role, host(), &facts).is_empty()
        };
        for symbol in ["sqlite3_open_v2", "rustsecp256k1_v0_10_0_ecdsa_sign", "_ZN6signer4sign17h0123456789abcdefE"] {
            assert!(holds("node", symbol) && !holds("wallet", symbol), "{symbol}");
        }
        for symbol in ["rocksdb_open", "_ZN7rocksdb6DBImplE", "_ZN45_$LT$p2p..Peer$u20$as$u20$core..Drop$GT$4drop"] {
            assert!(holds("wallet", symbol) && !holds("node", symbol), "{symbol}");
        }
        assert!(!holds("node", "rustsecp256k1_v0_10_0_ecdsa_signature_parse_der"), "verifying is no signing");
        assert!(!holds("wallet", "_ZN3std3net3tcp17hE"), "the standard library has a module of that name");
        assert!(holds("wallet", "_RNvNtCs1Ab9_3net4dial3run") && !holds("wallet", "_RNvNtCs1Ab9_4core3net3run"));
        assert!(!holds("wallet", "_RINvNtNtNtCsjrHSEGnQ3l9_3std3sys7helpers24run_allocatingNtNtNtNtB6_3net6socket"));
    }

    #[test]
    fn a_real_program_is_judged() {
        let host = Host::native().unwrap();
        let facts = Facts::read(host, &compiled(&HARD)).unwrap();
        let faults = linked("node", host, &facts);
        assert!(faults.len() == 1 && faults[0].contains("sqlite3_open"), "{faults:?}");
        assert_eq!(protector(true, &facts), None);
        let soft = Facts::read(host, &compiled(&["-fno-stack-protector"])).unwrap();
        assert!(protector(true, &soft).is_some() && protector(false, &soft).is_none());
        let shipped_faults = shipped(host, &facts);
        assert!(shipped_faults.iter().any(|fault| fault.contains("debug symbols")), "{shipped_faults:?}");
    }

    #[test]
    fn a_program_for_windows_is_judged_by_the_same_rooms() {
        let host = Host::named(Some("x86_64-w64-mingw32")).unwrap();
        let read = |wish: &Wish| Facts::read(host, &program(wish)).unwrap();
        assert_eq!(shipped(host, &read(&Wish::good())), Vec::<String>::new());
        let with_symbols = |symbols| read(&Wish { symbols, name: ".debug_line", ..Wish::good() });
        let daemon = with_symbols(&["rocksdb_open", "__stack_chk_fail"]);
        assert_eq!(linked("d", host, &daemon), Vec::<String>::new());
        assert_eq!(protector(true, &daemon), None);
        assert_eq!(linked("wallet", host, &daemon), ["holds 1 symbols of rocksdb_*: rocksdb_open"]);
        assert!(shipped(host, &daemon).join("\n").contains("still has debug symbols"));
        assert!(protector(true, &with_symbols(&["main"])).is_some());
        let elf = Facts::read(host, &compiled(&HARD)).unwrap_err().to_string();
        assert_eq!(elf, "this is no PE file");
    }
}
