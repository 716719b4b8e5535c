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
            /// Cache of built packages (BULKHEAD_CACHE, or the user's cache folder, by default).
            optional --cache dir: PathBuf
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
            /// Shape: mono, multi, or all (the default).
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
        }
        /// Time our daemon against the one that BITCOIND names, on the same work, in pairs.
        cmd bench {
            /// Workloads: rpc, mempool, chain (all by default).
            repeated names: String
            /// Pairs of runs of each workload (3 by default).
            optional --pairs n: usize
            /// A tenth of each workload, to see that everything works.
            optional --quick
            /// Write all figures to this file.
            optional --json file: PathBuf
        }
        /// Check the conventions of doc/style.md.
        cmd tidy {}
        /// Fetch the test vectors and print where they are.
        cmd vectors {}
    }
}
