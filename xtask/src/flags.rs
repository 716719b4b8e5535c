//! The command line, declared once. Each command lives in the file of its name.
#![allow(unreachable_pub, missing_docs, reason = "the types are generated from the grammar below")]

use std::ffi::OsString;
use std::path::PathBuf;

xflags::xflags! {
    /// The harness of Bulkhead.
    cmd xtask {
        /// Build native packages from pinned sources into depends/<triplet>/.
        cmd depends {
            /// Build for separate processes too (node, wallet, gui), not only the monolithic daemon.
            optional --multiprocess
            /// The monolithic daemon only, whatever else is said.
            optional --no-multiprocess
            /// Leave the desktop GUI out.
            optional --no-gui
            /// Leave the wallet out.
            optional --no-wallet
            /// Machine to build for, by triplet, for example aarch64-linux-gnu.
            optional --host triplet: String
            /// Build the packages with debug information and little optimisation.
            optional --debug
            /// Compilers to run at once (as many as there are processors by default).
            optional -j, --jobs n: usize
            /// Folder to look for sources in before anything is downloaded.
            optional --sources dir: PathBuf
            /// Where sources are looked for when their package manager does not have them: URL/FILE.
            optional --fallback url: String
            /// Cache of built packages: a folder (BULKHEAD_CACHE, or the user's cache folder, by default), and a store
            /// that machines share (s3://BUCKET/PREFIX, https://HOST/PATH, file:///PATH).
            repeated --cache place: String
            /// Key of the shared cache: the secret half signs what is offered, both halves refuse what is not signed.
            optional --cache-key file: PathBuf
            /// Make a key for --cache-key in this file, and its public half beside it.
            optional --new-cache-key file: PathBuf
            /// Build tools (libclang, capnp) from their recipes even if the system has them.
            optional --no-system
            /// Build this package only, and install nothing.
            optional --only name: String
            /// Print the id of each package and stop.
            optional --print-ids
        }
        /// Compile the executables of the shape that depends was told.
        cmd build {
            /// Machine to build for, by triplet.
            optional --host triplet: String
            /// With optimisation, as in a release.
            optional --release
        }
        /// Install the executables under the names of one coin or of all.
        cmd install {
            /// Coin, or `all`.
            required --coin name: String
            /// Folder that gets bin/.
            required --prefix dir: PathBuf
            /// Install the optimised executables.
            optional --release
        }
        /// Build everything that is needed and start a regtest node.
        cmd run {
            /// Coin (bitcoin by default).
            optional --coin name: String
            /// Build optimised executables.
            optional --release
            /// Print what would be started, and stop.
            optional --dry-run
            /// Options for the node, after `--`.
            repeated options: OsString
        }
        /// Run every check and every test.
        cmd test {
            /// Slow tests as well.
            optional --all
        }
        /// Run the functional suite, ours or that of another checkout, against real daemons.
        cmd functional {
            /// Parts of the names of the cases to run; everything without one.
            repeated filters: String
            /// Cases to run at once (as many as there are processors by default).
            optional -j, --jobs n: usize
            /// Coin, or `all` (the default).
            optional --coin name: String
            /// Shape: mono, multi, attached, or all (the default).
            optional --shape name: String
            /// The slow ones too.
            optional --slow
            /// Keep the directories of what passed as well.
            optional --keep
            /// Number from which everything random is drawn.
            optional --seed n: u64
            /// Write the results to this file in the form that CI services read.
            optional --junit file: PathBuf
            /// Run the functional suite of this checkout of Bitcoin Core, or of a coin derived from it.
            optional --suite dir: PathBuf
            /// Record the verdicts of that suite in test/functional/baselines/.
            optional --update-baseline
            /// Seconds that a test of that suite may take (600 by default).
            optional --timeout seconds: u64
            /// The I-th share of N, counted from one: I/N.
            optional --shard share: String
            /// Print the names of the cases and stop.
            optional --list
            /// Test the optimised executables.
            optional --release
            /// Test the executables in this folder, for example bin/ of an unpacked release, and build none.
            optional --bin dir: PathBuf
        }
        /// Time our daemon against the one that BITCOIND names, on the same work, in pairs.
        cmd bench {
            /// Workloads: rpc, mempool, chain, growth, ipc, wallet (all by default); script, which needs no daemons.
            repeated names: String
            /// Give both daemons the same transactions, and print every difference in what they answer.
            optional --compare
            /// Pairs of runs of each workload (3 by default).
            optional --pairs n: usize
            /// A tenth of each workload, to see that everything works.
            optional --quick
            /// Write all figures to this file.
            optional --json file: PathBuf
        }
        /// Make the archives of a release from the commit that is checked out.
        cmd dist {
            /// Machine to build for, by triplet.
            optional --host triplet: String
            /// Coin, or `all` (the default): whose names the executables get.
            optional --coin name: String
            /// Folder for the release (dist/ by default).
            optional --out dir: PathBuf
            /// Build again from another folder with an empty cache, and compare every file.
            optional --verify
            /// Write what was built from what, for other builders to compare.
            optional --attest
            /// Compilers to run at once.
            optional -j, --jobs n: usize
            /// Folder to look for sources in before anything is downloaded.
            optional --sources dir: PathBuf
            /// Cache of built packages: a folder, and a store that machines share.
            repeated --cache place: String
            /// Key of the shared cache.
            optional --cache-key file: PathBuf
            /// Keep the folder in which it was built; another run for the same commit goes on there.
            optional --keep
        }
        /// Run the fuzz targets of test/fuzz, or search for differences from other engines.
        cmd fuzz {
            /// Targets; with --diff what is compared: scripts (the default), transactions, blocks, signet.
            repeated targets: String
            /// Compare with bitcoinconsensus (scripts) and with Bitcoin Core's kernel (everything else).
            optional --diff
            /// Cases of each comparison.
            optional --cases n: u64
            /// Number from which everything random is drawn.
            optional --seed n: u64
            /// Seconds for each target (60 by default).
            optional --seconds n: u64
            /// Print the names of the targets and stop.
            optional --list
        }
        /// Check the conventions of doc/style.md.
        cmd tidy {}
        /// Fetch the test vectors and print where they are.
        cmd vectors {}
    }
}
