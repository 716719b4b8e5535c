//! Mining as a client of the socket sees it, on a real chain.

use std::{
    sync::{Arc, mpsc::channel},
    time::Duration,
};

use bitcoin::hashes::Hash;
use chainstate::{SaltedState, ScriptChecker};
use fakes::contract;
use interfaces::{
    BlockCheckOptions, BlockCreateOptions, BlockCreateOptions30, BlockTemplate, BlockWaitOptions, BlockWaitOptions30,
    Mining, Mining30, RawBlock, RawTx, Wait,
};
use lab::{Lab, spend};
use mempool::{AcceptOptions, FeeRate, Mempool};
use platform::{Clock, MockableClock, Shutdown, SystemClock};
use primitives::{Block, Tx, WitnessMode};

use super::{
    BadOrder, Interrupt, Miner, MiningObject, MiningObject30, Order, Settings, TipSignal, Waited, held::Budget, solve,
};

struct Bench {
    running: lab::Running,
    pool: Mempool,
    miner: Arc<Miner>,
}

fn bench(settings: Settings) -> Bench {
    let mut lab = Lab::with_coins(3);
    let salt = SaltedState::new([3, 4]);
    let scripts = Arc::new(ScriptChecker::new(1, 1 << 20, &[5; 32], salt));
    let pool = Mempool::new(mempool::Options::default(), lab.rules(), scripts, lab.clock(), salt).unwrap();
    let signal = Arc::new(TipSignal::default());
    lab.engine().follow(pool.follower());
    lab.engine().follow(Miner::follower(&signal));
    let clock = Arc::new(MockableClock::new(SystemClock::new()));
    // The chain is from long ago, and no block is to be late.
    clock.set_mock_time(i64::from(lab.reader().tip().unwrap().time) + 1);
    let running = lab.run();
    let miner = Miner::new(
        running.chain.clone(),
        pool.clone(),
        Arc::clone(&running.rules),
        clock as Arc<dyn Clock>,
        settings,
        Shutdown::default(),
        signal,
    );
    Bench { running, pool, miner: Arc::new(miner) }
}

impl Bench {
    fn object(&self) -> MiningObject {
        MiningObject::new(Arc::clone(&self.miner))
    }

    /// Mines a block with what is in the pool.
    fn advance(&self) {
        let mut block = self.miner.draft(&Order::default()).unwrap().block();
        solve(&mut block, self.miner.rules(), &mut 1_000_000, || true).unwrap();
        assert!(self.miner.submit(block).unwrap().is_good());
    }

    /// Puts a transaction into the pool that pays so much.
    fn pay(&mut self, fee: u64) -> Arc<Tx> {
        let (coin, value) = self.running.coins.pop_front().unwrap();
        let tx = spend(&[coin], &[value - fee]);
        let (pool, sent) = (self.pool.clone(), Arc::clone(&tx));
        let taken = self
            .running
            .chain
            .call(move |engine| pool.accept(&engine.reader(), &sent, AcceptOptions::default()).unwrap().map(drop));
        taken.unwrap().unwrap();
        tx
    }
}

fn template(object: &MiningObject) -> Arc<dyn BlockTemplate> {
    object.create_new_block(&BlockCreateOptions::default(), true).unwrap().unwrap().unwrap()
}

fn block_of(bench: &Bench, template: &dyn BlockTemplate) -> Block {
    bench.miner.reader().codec().decode_block(template.get_block().unwrap().as_bytes()).unwrap()
}

#[test]
fn the_contract_holds() {
    let bench = bench(Settings::default());
    contract::check_mining(&bench.object(), &|| bench.advance());
}

#[test]
fn a_template_grows_with_the_pool_and_shares_what_it_holds() {
    let mut bench = bench(Settings::default());
    let object = bench.object();
    let first = template(&object);
    let tx = bench.pay(10_000);
    let options = BlockWaitOptions { timeout: Wait::Forever, fee_threshold: 10_000 };
    let next = first.wait_next(&options).unwrap().unwrap().unwrap();
    assert_eq!(next.get_tx_fees().unwrap(), [10_000]);
    assert_eq!(block_of(&bench, &*next).txs[1].txid(), tx.txid());
    let shared = bench.miner.draft(&Order::default()).unwrap();
    assert!(Arc::ptr_eq(&shared.txs[0].tx, &bench.pool.read().tx(&tx.txid()).unwrap()));
    let too_little = BlockWaitOptions { timeout: Wait::millis(1), fee_threshold: 1 };
    assert!(next.wait_next(&too_little).unwrap().unwrap().is_none());
    let found = object.get_transactions_by_tx_id(&[interfaces::Txid(tx.txid().to_byte_array())]).unwrap();
    assert_eq!(found, [Some(RawTx::from(tx.to_bytes(WitnessMode::Include)))]);
}

#[test]
fn blocks_are_mined_in_bursts_until_the_tries_are_used_up() {
    let mut bench = bench(Settings::default());
    let fee = bench.pay(10_000);
    let order = Order::default();
    let mut tries = 1_000_000;
    let hashes = bench.miner.generate(&order, 40, &mut tries, || true).unwrap();
    assert_eq!((hashes.len(), bench.miner.tip().map(|tip| tip.hash)), (40, hashes.last().copied()));
    assert!(bench.pool.read().entry(&fee.txid()).is_none(), "the first of them has it");
    let used = 1_000_000 - tries;
    assert!((1..1000).contains(&used), "{used} tries");
    assert_eq!(bench.miner.generate(&order, 40, &mut 0, || true).unwrap(), []);
    assert_eq!(bench.miner.generate(&order, 40, &mut tries, || false).unwrap(), []);
    let few = bench.miner.generate(&order, 1000, &mut 5, || true).unwrap();
    assert!(few.len() <= 5, "each block takes a try, and some take several");
}

#[test]
fn the_oldest_templates_are_given_up_when_all_are_too_large() {
    let mut bench = bench(Settings::default());
    bench.pay(10_000);
    let small = bench.miner.draft(&Order::default()).unwrap();
    bench.pay(10_000);
    let large = bench.miner.draft(&Order::default()).unwrap();
    assert_eq!((small.txs.len(), large.txs.len()), (1, 2));

    let all = Arc::new(Budget::new(usize::MAX));
    let one = all.hold(Arc::clone(&small));
    let bytes = all.bytes();
    let (two, three) = (all.hold(Arc::clone(&small)), all.hold(Arc::clone(&large)));
    assert_eq!(all.bytes(), 2 * bytes, "what is shared counts once");
    drop((one, three));
    assert_eq!(all.bytes(), bytes);
    drop(two);
    assert_eq!(all.bytes(), 0);

    let few = Arc::new(Budget::new(bytes));
    let (one, two) = (few.hold(Arc::clone(&small)), few.hold(Arc::clone(&small)));
    assert!(one.get().is_ok() && two.get().is_ok());
    let three = few.hold(Arc::clone(&large));
    assert!(one.get().unwrap_err().to_string().contains("given up"));
    assert!(two.get().is_err() && three.get().is_ok(), "the newest stays, however large");
    drop((one, two, three));
    assert_eq!(few.bytes(), 0);
}

#[test]
fn a_solution_is_taken_once() {
    let mut bench = bench(Settings::default());
    bench.pay(10_000);
    let object = bench.object();
    let template = template(&object);
    let plan = template.get_coinbase_tx().unwrap();
    assert_eq!(plan.required_outputs.len(), 1);
    let mut block = block_of(&bench, &*template);
    let branch: Vec<[u8; 32]> = template.get_coinbase_merkle_path().unwrap().iter().map(|hash| hash.0).collect();
    assert_eq!(branch, block.merkle_branch(0));
    solve(&mut block, bench.miner.rules(), &mut 1_000_000, || true).unwrap();
    let raw = RawBlock::from(block.to_bytes(WitnessMode::Include));
    let check = |object: &MiningObject| object.check_block(&raw, &BlockCheckOptions::default()).unwrap().unwrap();
    assert!(check(&object).result);

    let header = block.header.raw();
    let submit = |coinbase: &Tx, mode| {
        let (version, nonce) = (header.version.to_consensus().cast_unsigned(), header.nonce);
        template.submit_solution(version, header.time, nonce, &coinbase.to_bytes(mode).into()).unwrap().unwrap()
    };
    let stripped = submit(&block.txs[0], WitnessMode::Strip);
    assert_eq!(stripped.reason, "bad-witness-nonce-size");
    assert_eq!(stripped.debug, "CheckWitnessMalleation : invalid witness reserved value size");
    assert!(submit(&block.txs[0], WitnessMode::Include).result);
    let again = submit(&block.txs[0], WitnessMode::Include);
    assert_eq!((again.result, again.reason.as_str()), (false, "duplicate"));
    assert_eq!(object.submit_block(&raw).unwrap().unwrap().reason, "duplicate");
    assert_eq!(check(&object).reason, "inconclusive-not-best-prevblk");
    assert_eq!(block_of(&bench, &*template).hash(), block.hash(), "the template keeps what was filled in");
    let cut = template.submit_solution(0, 0, 0, &RawTx::new(&[0])).unwrap();
    assert!(cut.unwrap_err().0.starts_with("SpanReader::read(): end of data:"));
}

#[test]
fn settings_and_orders_that_do_not_fit_are_refused() {
    let bench = bench(Settings { max_weight: Some(12_000), ..Settings::default() });
    let params = bench.miner.rules().params();
    let order = |reserved| Order { reserved_weight: Some(reserved), ..Order::default() };
    let refused = |reserved| bench.miner.settings().options(&order(reserved), params).unwrap_err().to_string();
    assert_eq!(refused(1999), "block_reserved_weight (1999) is lower than minimum safety value of (2000)");
    assert_eq!(refused(12_001), "block_reserved_weight (12001) exceeds block_max_weight (12000)");
    assert_eq!(refused(4_000_001), "block_reserved_weight (4000001) exceeds consensus maximum block weight (4000000)");
    let many = Order { coinbase_sigops: 80_001, ..Order::default() };
    let refused = bench.miner.settings().options(&many, params).unwrap_err();
    assert_eq!(refused, BadOrder::TooManySigops(80_001, 80_000));
    assert_eq!(bench.miner.settings().options(&order(12_000), params).unwrap().max_weight, 12_000);
}

#[test]
fn the_operators_rate_is_kept_by_later_templates() {
    let mut bench = bench(Settings { min_fee: Some(FeeRate::per_kvb(20_000)), ..Settings::default() });
    bench.pay(100);
    let first = template(&bench.object());
    assert!(first.get_tx_fees().unwrap().is_empty());
    bench.pay(50_000);
    let options = BlockWaitOptions { timeout: Wait::Forever, fee_threshold: 1 };
    let next = first.wait_next(&options).unwrap().unwrap().unwrap();
    assert_eq!(next.get_tx_fees().unwrap(), [50_000]);
}

#[test]
fn an_interruption_ends_what_waits_or_what_comes_next() {
    let interrupt = Interrupt::default();
    let (a, b) = (interrupt.begin().unwrap(), interrupt.begin().unwrap());
    interrupt.raise();
    assert!(a.is_over() && b.is_over());
    drop((a, b));
    assert!(!interrupt.begin().unwrap().is_over(), "it was used up");
    interrupt.raise();
    assert!(interrupt.begin().is_none(), "the wait was on its way");
    assert!(interrupt.begin().is_some());
}

#[test]
fn a_closed_signal_ends_every_wait() {
    let signal = Arc::new(TipSignal::default());
    let waited = signal.wait(Some(Duration::from_millis(1)), || false, || None::<()>);
    assert_eq!(waited, Waited::TimeOut);
    let (done, told) = channel();
    let waiting = Arc::clone(&signal);
    std::thread::spawn(move || done.send(waiting.wait(None, || false, || None::<()>)));
    signal.close();
    assert_eq!(told.recv().unwrap(), Waited::Ended);
    assert_eq!(signal.wait(None, || false, || Some(1)), Waited::Ended);
}

#[test]
fn a_client_of_release_30_gets_what_it_knows() {
    let mut bench = bench(Settings::default());
    bench.pay(10_000);
    let old: Arc<dyn Mining30> = Arc::new(MiningObject30(bench.object()));
    let nothing = BlockCreateOptions30::default();
    let refused = old.create_new_block(&nothing).unwrap().err().map(|failure| failure.0);
    let text = "block_reserved_weight (0) is lower than minimum safety value of (2000)";
    assert_eq!(refused.as_deref(), Some(text), "nothing has a default there");
    let options = BlockCreateOptions30 { use_mempool: true, block_reserved_weight: 8000, ..nothing };
    let template = old.create_new_block(&options).unwrap().unwrap().unwrap();
    assert_eq!(template.get_tx_fees().unwrap(), [10_000]);
    let codec = bench.miner.reader().codec();
    let mut block = codec.decode_block(template.get_block().unwrap().as_bytes()).unwrap();
    let coinbase = template.get_coinbase_tx().unwrap();
    assert_eq!(coinbase.as_bytes(), block.txs[0].to_bytes(WitnessMode::Include));
    let index = usize::try_from(template.get_witness_commitment_index().unwrap()).unwrap();
    let commitment = block.txs[0].outputs()[index].script_pubkey.as_bytes();
    assert_eq!(template.get_coinbase_commitment().unwrap().as_bytes(), commitment);
    solve(&mut block, bench.miner.rules(), &mut 1_000_000, || true).unwrap();
    let (version, raw) = (block.header.version().cast_unsigned(), *block.header.raw());
    assert!(template.submit_solution(version, raw.time, raw.nonce, &coinbase).unwrap().unwrap());
    assert!(!template.submit_solution(version, raw.time, raw.nonce, &coinbase).unwrap().unwrap());
    let wait = BlockWaitOptions30 { timeout: Wait::Forever, fee_threshold: 1 };
    assert!(template.wait_next(&wait).unwrap().unwrap().is_some());
}
