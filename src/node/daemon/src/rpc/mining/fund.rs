//! Blocks and coins for people who test against a regtest daemon and want no wallet.
//!
//! The node holds no key, so the coins that it mines for this pay to a script that anyone can spend. `fundaddress` pays
//! from those that are mature, in a block of its own: it leaves the pool alone, and the coin is there when it answers.

use std::sync::{Arc, PoisonError};

use ::rpc::{Arg, Code, Elision, Json, Method, Object, Request, Res, RpcError, amount_from_value, method};
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute::LockTime, hashes::Hash,
    hashes::hash160, transaction::Version,
};
use coin::ChainKind;
use primitives::{Addresses, Destination, Tx, TxOutEntry};

use super::failed;
use super::generate::{DEFAULT_TRIES, hand_in, mine, script_of_address};
use crate::{
    NodeContext,
    mining::{Order, solve},
    rpc::blockchain,
};

/// `OP_TRUE`.
const ANYONE: [u8; 1] = [0x51];
/// No more blocks than this are mined to have coins for one address.
const MOST_BLOCKS: usize = 1_000;
/// No more coins than this are put together for one address.
const MOST_INPUTS: usize = 2_000;
/// How often a call begins again when somebody else's block came in between.
const ATTEMPTS: usize = 8;
const DECIMALS: u32 = 8;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![generate(), fund_address()]
}

fn generate() -> Method<NodeContext> {
    let blocks = "On regtest: how many blocks are mined, to coins that fundaddress spends. Their hashes are the answer. \
                  Without it, and on other chains, the answer is the error above.";
    method(
        "hidden",
        "generate",
        "has been replaced by the -generate cli option. Refer to -help for more information.\n",
    )
    .arg(Arg::num("nblocks", blocks).optional().hidden().ours())
    .result(Res { elision: Elision::Skipped, ..Res::arr("", "hashes of blocks generated", [Res::hex("", "")]) })
    .run(|node: &NodeContext, request| {
        let page = || node.directory.help("generate");
        if request.param_count() == 0 {
            return Err(RpcError::new(Code::METHOD_NOT_FOUND, page()));
        }
        if !is_regtest(node) {
            return Err(RpcError::misc(page()));
        }
        let count: i64 = request.int("nblocks")?;
        mine(node, request, count, own_script(node), DEFAULT_TRIES)
    })
}

fn fund_address() -> Method<NodeContext> {
    method(
        "hidden",
        "fundaddress",
        "Pay an amount to an address, in a block that is mined for it (-regtest only). No wallet is needed.\n\
         The coin has one confirmation when the call returns; the memory pool is left as it is. It is paid from coins\n\
         that \"generate nblocks\" mined. Where there are not enough mature ones, as many blocks are mined as it takes.\n",
    )
    .arg(Arg::str("address", "The address to pay."))
    .arg(Arg::amount("amount", "The amount in {ticker}.").ours())
    .result(Res::obj(
        "",
        "",
        [
            Res::hex("txid", "The id of the transaction"),
            Res::num("vout", "The number of the output that pays the address"),
            Res::hex("blockhash", "The hash of the block that holds it"),
        ],
    ))
    .example_cli("\"myaddress\" 1.5")
    .example_rpc("\"myaddress\", 1.5")
    .run(|node: &NodeContext, request| {
        if !is_regtest(node) {
            return Err(RpcError::misc("fundaddress is for regression testing (-regtest mode) only"));
        }
        let invalid = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Error: Invalid address");
        let script = script_of_address(node, request.str("address")?).ok_or_else(invalid)?;
        let amount = amount_from_value(request.arg("amount"), DECIMALS, node.rules.params().max_money())?;
        if amount == 0 {
            return Err(RpcError::wrong_type("Invalid amount"));
        }
        pay(node, request, &script, amount)
    })
}

fn is_regtest(node: &NodeContext) -> bool {
    node.config.chain().kind == ChainKind::Regtest
}

/// The script that the node's own coins pay to. Every coin has had its kind from the first block of regtest.
fn own_script(node: &NodeContext) -> ScriptBuf {
    let addresses = Addresses::new(node.config.coin(), node.config.chain());
    addresses.script(&Destination::ScriptHash(hash160::Hash::hash(&ANYONE).to_byte_array()))
}

/// A coin of ours, and what the next block can spend of it.
struct Coin {
    out: OutPoint,
    value: i64,
    /// How many blocks are missing until it can be spent.
    wait: u32,
}

fn pay(node: &NodeContext, request: &Request, script: &ScriptBuf, amount: i64) -> Result<Json, RpcError> {
    // Two calls at a time would spend the same coins.
    let _turn = node.scans.funds.lock().unwrap_or_else(PoisonError::into_inner);
    let order = Order { script: own_script(node), use_mempool: false, ..Order::default() };
    let (mut mined, mut attempts) = (0, 0);
    loop {
        let (height, coins) = own_coins(node)?;
        let Some(inputs) = choose(&coins, amount) else {
            let more = blocks_to_wait(&coins, amount, node.rules.reward(height + 1, 0)).ok_or_else(too_much)?;
            mined += more;
            if mined > MOST_BLOCKS {
                return Err(too_much());
            }
            let go_on = || node.rpc_state.is_running() && !request.caller.cancel.is_cancelled();
            let mut tries = DEFAULT_TRIES;
            let hashes = node.miner().generate(&order, more, &mut tries, go_on).map_err(|e| failed(&e))?;
            if hashes.len() < more {
                return Err(no_block());
            }
            continue;
        };
        let tx = Arc::new(transaction(node, &inputs, (script, amount), height + 1)?);
        let block = node.miner().assemble(&order, vec![Arc::clone(&tx)]).map_err(|e| failed(&e))?;
        attempts += 1;
        let mut block = match block {
            Ok(block) => block,
            // Somebody else's block spent the coins, or took them away.
            Err(_) if attempts < ATTEMPTS => continue,
            Err(unfit) => return Err(RpcError::new(Code::VERIFY_ERROR, unfit.full())),
        };
        let mut tries = DEFAULT_TRIES;
        let hash = solve(&mut block, &*node.rules, &mut tries, || node.rpc_state.is_running());
        let hash = hash.ok_or_else(no_block)?;
        hand_in(node, block)?;
        // Another block of the same height may have come first.
        if node.reader().tip().is_some_and(|tip| tip.hash == hash) || attempts == ATTEMPTS {
            let answer = Object::new().with("txid", tx.txid().to_string()).with("vout", 0);
            return Ok(answer.with("blockhash", hash.to_string()).into());
        }
    }
}

/// All coins that pay to the script of ours, and the height of the tip.
fn own_coins(node: &NodeContext) -> Result<(u32, Vec<Coin>), RpcError> {
    let own = own_script(node);
    let mut found: Vec<(OutPoint, TxOutEntry)> = Vec::new();
    let ((_, height), fixed) = blockchain::hold_still(node)?;
    let read = node.reader().for_each_coin(
        || drop(fixed),
        |out, coin| {
            if coin.out.script_pubkey == own {
                found.push((out, coin));
            }
            true
        },
    );
    read.map_err(|e| RpcError::new(Code::DATABASE_ERROR, format!("Unable to read UTXO set: {e}")))?;
    let (next, maturity) = (height + 1, node.rules.coinbase_maturity(height + 1));
    let coin = |(out, coin): (OutPoint, TxOutEntry)| Coin {
        out,
        value: node.rules.worth(consensus::value_of(&coin.out), &coin, next),
        wait: if coin.coinbase { coin.height.saturating_add(maturity).saturating_sub(next) } else { 0 },
    };
    let mut coins: Vec<Coin> = found.into_iter().map(coin).collect();
    // The largest first, so that the transaction stays small; after that the order is only fixed.
    coins.sort_unstable_by_key(|coin| (coin.wait, std::cmp::Reverse(coin.value), coin.out));
    Ok((height, coins))
}

/// Mature coins that are worth at least `amount`.
fn choose(coins: &[Coin], amount: i64) -> Option<Vec<&Coin>> {
    let mut sum = 0_i64;
    let mut chosen = Vec::new();
    for coin in coins.iter().take_while(|coin| coin.wait == 0).filter(|coin| coin.value > 0).take(MOST_INPUTS) {
        sum = sum.saturating_add(coin.value);
        chosen.push(coin);
        if sum >= amount {
            return Some(chosen);
        }
    }
    None
}

/// How many blocks to mine until it is worth looking again, if each pays `reward`; none if it never will be.
fn blocks_to_wait(coins: &[Coin], amount: i64, reward: i64) -> Option<usize> {
    let mut missing = amount;
    for coin in coins {
        missing = missing.saturating_sub(coin.value);
        if missing <= 0 && coin.wait > 0 {
            return usize::try_from(coin.wait).ok();
        }
    }
    // Enough in all, but in too many pieces; or no coins are made any more.
    if missing <= 0 || reward <= 0 {
        return None;
    }
    Some(usize::try_from((missing / reward).saturating_add(1)).unwrap_or(usize::MAX).min(MOST_BLOCKS + 1))
}

fn no_block() -> RpcError {
    RpcError::misc("Failed to make block.")
}

fn too_much() -> RpcError {
    RpcError::new(Code::WALLET_INSUFFICIENT_FUNDS, "Insufficient funds: the chain cannot make so many coins soon")
}

/// Pays the amount with the first output, and what is left over to ourselves with the second. No fee: the block takes it
/// as it is.
fn transaction(
    node: &NodeContext,
    inputs: &[&Coin],
    (script, amount): (&ScriptBuf, i64),
    height: u32,
) -> Result<Tx, RpcError> {
    let sats = |value: i64| u64::try_from(value).map(Amount::from_sat).map_err(|_| too_much());
    let change = inputs.iter().map(|coin| coin.value).sum::<i64>() - amount;
    let mut output = vec![TxOut { value: sats(amount)?, script_pubkey: script.clone() }];
    if change > 0 {
        output.push(TxOut { value: sats(change)?, script_pubkey: own_script(node) });
    }
    let unlock = ScriptBuf::builder().push_slice(ANYONE).into_script();
    let input = |coin: &&Coin| TxIn {
        previous_output: coin.out,
        script_sig: unlock.clone(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let input = inputs.iter().map(input).collect();
    let inner = Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input, output };
    Ok(node.reader().codec().new_tx(inner, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coins(all: &[(i64, u32)]) -> Vec<Coin> {
        all.iter().map(|&(value, wait)| Coin { out: OutPoint::null(), value, wait }).collect()
    }

    #[test]
    fn the_first_mature_coins_pay() {
        let coins = coins(&[(50, 0), (30, 0), (0, 0), (90, 4)]);
        let values = |amount| choose(&coins, amount).map(|chosen| chosen.iter().map(|c| c.value).collect::<Vec<_>>());
        assert_eq!(values(50), Some(vec![50]));
        assert_eq!(values(51), Some(vec![50, 30]));
        assert_eq!(values(80), Some(vec![50, 30]));
        assert_eq!(values(81), None, "the last is not mature");
        assert_eq!(choose(&[], 1).map(|chosen| chosen.len()), None);
    }

    #[test]
    fn blocks_are_mined_until_enough_is_mature() {
        let some = coins(&[(50, 0), (30, 3), (30, 4)]);
        assert_eq!(blocks_to_wait(&some, 60, 10), Some(3));
        assert_eq!(blocks_to_wait(&some, 81, 10), Some(4));
        // Some must be made first, and waited for after that.
        assert_eq!(blocks_to_wait(&some, 111, 10), Some(1));
        assert_eq!(blocks_to_wait(&[], 25, 10), Some(3));
        assert_eq!(blocks_to_wait(&[], i64::MAX, 1), Some(MOST_BLOCKS + 1));
        assert_eq!(blocks_to_wait(&[], 1, 0), None);
        // Enough, and mature, but it was not chosen: too many pieces.
        assert_eq!(blocks_to_wait(&coins(&[(50, 0)]), 50, 10), None);
    }
}
