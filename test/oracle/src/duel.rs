//! Both engines on the same chain.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;

use crate::kernel::Kernel;
use crate::ours::Chain;
use crate::plan::{self, BlockPlan};
use crate::spoil::make;
use crate::verdict::Verdict;

/// How deep a coinbase must be to be spent, and some blocks more: what a chain begins with.
const FIRST: u32 = 110;

/// A chain longer than this is given up for a new one, before its subsidy runs out.
const LAST: u32 = 700;

/// Both engines.
pub struct Duel {
    kernel: Kernel,
    chain: Chain,
    unique: u64,
    seen: BTreeMap<String, u32>,
}

impl Duel {
    /// Both engines on a new chain that has coins to spend.
    pub fn new() -> Self {
        let mut duel = Self { kernel: Kernel::regtest(), chain: Chain::regtest(), unique: 0, seen: BTreeMap::new() };
        duel.begin();
        duel
    }

    fn begin(&mut self) {
        self.kernel = Kernel::regtest();
        self.chain = Chain::regtest();
        for _ in 0..FIRST {
            let bytes = make(&self.chain, &plan::plain(), self.unique);
            self.unique += 1;
            let verdicts = (self.chain.judge(&bytes, now()), self.kernel.submit(&bytes));
            assert_eq!(verdicts, (Verdict::Accepted, Verdict::Accepted));
            self.chain.follow(&bytes);
        }
    }

    /// Makes a block of a plan and lets both judge it. The answer is the common verdict.
    pub fn play(&mut self, plan: &BlockPlan) -> Result<Verdict, TestCaseError> {
        if self.chain.tip().1 >= LAST {
            self.begin();
        }
        let bytes = make(&self.chain, plan, self.unique);
        self.unique += 1;
        let ours = self.chain.judge(&bytes, now());
        let before = self.kernel.tip();
        let theirs = self.kernel.submit(&bytes);
        if self.kernel.tip() != before {
            self.chain.follow(&bytes);
        }
        prop_assert_eq!(&ours, &theirs, "block {}", hex(&bytes));
        assert_eq!(self.chain.tip(), self.kernel.tip(), "the engines have lost one another");
        *self.seen.entry(ours.reason().to_owned()).or_default() += 1;
        Ok(ours)
    }

    /// How often each reason was seen.
    pub fn seen(&self) -> &BTreeMap<String, u32> {
        &self.seen
    }
}

impl Default for Duel {
    fn default() -> Self {
        Self::new()
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock of this century");
    i64::try_from(since.as_secs()).expect("a clock of this century")
}

/// The beginning of a block; what is longer helps nobody.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().take(2_000).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text takes everything");
        text
    })
}
