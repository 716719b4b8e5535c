//! Tests of the messages' bytes.

use bitcoin::absolute::LockTime;
use bitcoin::block::Header as RawHeader;
use bitcoin::{
    Amount, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Txid, Witness,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::netaddr::tests::any_addr;
use crate::netaddr::{NetAddr, Service};

fn any_tx() -> impl Strategy<Value = Arc<Tx>> {
    (any::<[u8; 32]>(), any::<u32>(), vec(any::<u8>(), 0..40), vec(vec(any::<u8>(), 1..20), 0..3), 0..1000_u64)
        .prop_map(|(prev, vout, script, witness, value)| {
            let input = TxIn {
                previous_output: OutPoint { txid: Txid::from_byte_array(prev), vout },
                script_sig: ScriptBuf::from_bytes(script.clone()),
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&witness),
            };
            let output = TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from_bytes(script) };
            let inner = Transaction {
                version: bitcoin::transaction::Version::TWO,
                lock_time: LockTime::ZERO,
                input: vec![input],
                output: vec![output],
            };
            Arc::new(Tx::new(inner, None))
        })
}

fn any_header() -> impl Strategy<Value = Header> {
    (any::<i32>(), any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u32; 3]>()).prop_map(
        |(version, prev, root, numbers)| {
            Header::new(RawHeader {
                version: bitcoin::block::Version::from_consensus(version),
                prev_blockhash: BlockHash::from_byte_array(prev),
                merkle_root: TxMerkleNode::from_byte_array(root),
                time: numbers[0],
                bits: CompactTarget::from_consensus(numbers[1]),
                nonce: numbers[2],
            })
        },
    )
}

fn any_inv() -> impl Strategy<Value = Vec<Inv>> {
    vec((any::<u32>(), any::<[u8; 32]>()), 0..20).prop_map(|list| {
        list.into_iter().map(|(kind, hash)| Inv { kind: InvKind::from_number(kind % 7), hash }).collect()
    })
}

fn any_hash() -> impl Strategy<Value = BlockHash> {
    any::<[u8; 32]>().prop_map(BlockHash::from_byte_array)
}

fn any_peer_address() -> impl Strategy<Value = PeerAddress> {
    (any_addr(), any::<u16>(), any::<u32>(), any::<u64>()).prop_map(|(addr, port, time, services)| PeerAddress {
        time,
        services,
        service: Service { addr, port },
    })
}

fn any_version() -> impl Strategy<Value = Message> {
    (any::<(i32, u64, u32, u64, u64, i32, bool)>(), "[a-zA-Z0-9/:.]{0,256}", any::<[u8; 4]>(), any::<u16>()).prop_map(
        |((version, services, time, receiver_services, nonce, start_height, relay), user_agent, ip, port)| {
            Message::Version(Box::new(Version {
                version,
                services,
                time: i64::from(time),
                receiver_services,
                receiver: Service { addr: NetAddr::Ip(std::net::IpAddr::from(ip)), port },
                nonce,
                user_agent,
                start_height,
                relay,
                challenge: None,
            }))
        },
    )
}

fn any_locator() -> impl Strategy<Value = Locator> {
    (any::<u32>(), vec(any_hash(), 0..=MAX_LOCATOR), any_hash()).prop_map(|(version, have, stop)| Locator {
        version,
        have,
        stop,
    })
}

fn any_compact() -> impl Strategy<Value = CompactBlock> {
    (any_header(), any::<u64>(), vec(0..1_u64 << 48, 0..20), vec((0..30_u16, any_tx()), 0..4)).prop_map(
        |(header, nonce, short_ids, gaps)| {
            let mut next = 0;
            let mut prefilled = Vec::new();
            for (gap, tx) in gaps {
                prefilled.push(Prefilled { index: next + gap, tx });
                next += gap + 1;
            }
            CompactBlock { header, nonce, short_ids, prefilled }
        },
    )
}

fn any_blocks_message() -> impl Strategy<Value = Message> {
    let indexes = vec(any::<u16>(), 0..20).prop_map(|mut list| {
        list.sort_unstable();
        list.dedup();
        list
    });
    prop_oneof![
        any_locator().prop_map(Message::GetBlocks),
        any_locator().prop_map(Message::GetHeaders),
        vec(any_header(), 0..5).prop_map(Message::Headers),
        (any_header(), vec(any_tx(), 1..4)).prop_map(|(header, txs)| {
            Message::Block(Arc::new(Block { header, txs, tail: None }), WitnessMode::Include)
        }),
        any_tx().prop_map(|tx| Message::Tx(tx, WitnessMode::Include)),
        any_compact().prop_map(|block| Message::CmpctBlock(Box::new(block))),
        (any_hash(), indexes).prop_map(|(block, indexes)| Message::GetBlockTxn(GetBlockTxn { block, indexes })),
        (any_hash(), vec(any_tx(), 0..4)).prop_map(|(block, txs)| Message::BlockTxn(BlockTxn { block, txs })),
    ]
}

fn any_filter_message() -> impl Strategy<Value = Message> {
    let bytes = || vec(any::<u8>(), 0..60);
    let hashes = || vec(any::<[u8; 32]>(), 0..6);
    let range =
        || (any::<u8>(), any::<u32>(), any_hash()).prop_map(|(kind, start, stop)| FilterRange { kind, start, stop });
    prop_oneof![
        (bytes(), any::<(u32, u32, u8)>()).prop_map(|(data, (hash_functions, tweak, flags))| {
            Message::FilterLoad(FilterLoad { data, hash_functions, tweak, flags })
        }),
        bytes().prop_map(Message::FilterAdd),
        (any_header(), any::<u32>(), hashes(), bytes()).prop_map(|(header, total, hashes, flags)| {
            Message::MerkleBlock(MerkleBlock { header, total, hashes, flags })
        }),
        range().prop_map(Message::GetCFilters),
        range().prop_map(Message::GetCFHeaders),
        (any::<u8>(), any_hash(), bytes()).prop_map(|(kind, block, filter)| Message::CFilter(CFilter {
            kind,
            block,
            filter
        })),
        (any::<u8>(), any_hash(), any::<[u8; 32]>(), hashes())
            .prop_map(|(kind, stop, prev, hashes)| Message::CFHeaders(CFHeaders { kind, stop, prev, hashes })),
        (any::<u8>(), any_hash()).prop_map(|(kind, stop)| Message::GetCFCheckpt { kind, stop }),
        (any::<u8>(), any_hash(), hashes()).prop_map(|(kind, stop, headers)| Message::CFCheckpt(FilterCheckpoint {
            kind,
            stop,
            headers
        })),
    ]
}

pub(crate) fn any_message() -> impl Strategy<Value = Message> {
    let plain = prop_oneof![
        Just(Message::Verack),
        Just(Message::SendAddrV2),
        Just(Message::GetAddr),
        Just(Message::Mempool),
        Just(Message::SendHeaders),
        Just(Message::WtxidRelay),
        Just(Message::FilterClear),
    ];
    let v1 = any_peer_address().prop_filter("fits", |it| it.service.addr.fits_v1());
    prop_oneof![
        plain,
        any_version(),
        any::<u64>().prop_map(Message::Ping),
        any::<Option<u64>>().prop_map(Message::Pong),
        vec(v1, 0..10).prop_map(Message::Addr),
        vec(any_peer_address(), 0..10).prop_map(Message::AddrV2),
        any_inv().prop_map(Message::Inv),
        any_inv().prop_map(Message::GetData),
        any_inv().prop_map(Message::NotFound),
        any::<i64>().prop_map(Message::FeeFilter),
        any::<(u8, u64)>().prop_map(|(announce, version)| Message::SendCmpct { announce, version }),
        any::<(u32, u64)>().prop_map(|(version, salt)| Message::SendTxRcncl { version, salt }),
        (vec(any::<u8>(), 4..=80), vec(any::<u8>(), 0..=512)).prop_map(|(id, data)| Message::Feature { id, data }),
        any_blocks_message(),
        any_filter_message(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn each_message_round_trips(message in any_message()) {
        let payload = message.payload();
        prop_assert_eq!(&Message::decode(message.name(), &payload, &Codec::BITCOIN).unwrap(), &message);
        // What a later version appends is ignored, except where a rule forbids it.
        let mut longer = payload;
        longer.push(0);
        let name = message.name();
        if !matches!(name, "feature" | "version" | "pong") {
            prop_assert_eq!(&Message::decode(name, &longer, &Codec::BITCOIN).unwrap(), &message);
        }
    }

    #[test]
    fn a_cut_message_is_an_error_or_shorter(message in any_message(), cut: prop::sample::Index) {
        let payload = message.payload();
        // Old peers end their version early; what is missing then may be what was there.
        if !payload.is_empty() && message.name() != "version" {
            let part = &payload[..cut.index(payload.len())];
            if let Ok(decoded) = Message::decode(message.name(), part, &Codec::BITCOIN) {
                prop_assert!(decoded.payload() != payload);
            }
        }
    }

    #[test]
    fn hostile_bytes_do_no_harm(name in prop::sample::select(&MESSAGE_NAMES[..]), bytes in vec(any::<u8>(), 0..300)) {
        for coin in coin::all() {
            if let Ok(message) = Message::decode(name, &bytes, &Codec::for_coin(coin)) {
                prop_assert_eq!(message.name(), name);
            }
        }
    }
}

#[test]
fn the_table_of_names_is_that_of_the_messages() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3000 {
        seen.insert(any_message().new_tree(&mut runner).unwrap().current().name().to_owned());
    }
    let table: std::collections::BTreeSet<String> = MESSAGE_NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen, table);
    let unknown = Message::decode("hello", &[1], &Codec::BITCOIN);
    assert_eq!(unknown, Ok(Message::Other { name: "hello".into(), payload: vec![1] }));
}

#[test]
fn limits_are_checked_before_the_items_are_read() {
    for (name, most) in [("inv", MAX_INV), ("getdata", MAX_INV), ("headers", MAX_HEADERS), ("addr", MAX_ADDR)] {
        let mut payload = Vec::new();
        put_compact_size(&mut payload, most + 1);
        let count = u64::try_from(most).unwrap() + 1;
        let found = Message::decode(name, &payload, &Codec::BITCOIN);
        assert_eq!(found, Err(MessageError::TooMany { message: name, count }));
        assert_eq!(found.unwrap_err().to_string(), format!("{name} message size = {count}"));
    }
    let mut payload = vec![0; 4];
    put_compact_size(&mut payload, MAX_LOCATOR + 1);
    let found = Message::decode("getheaders", &payload, &Codec::BITCOIN);
    assert_eq!(found, Err(MessageError::TooMany { message: "getheaders locator", count: 102 }));
}

#[test]
fn the_version_of_an_old_peer_may_end_early() {
    let mut payload = 31800_i32.to_le_bytes().to_vec();
    payload.extend([0; 42]);
    let Ok(Message::Version(version)) = Message::decode("version", &payload, &Codec::BITCOIN) else { panic!("short") };
    assert_eq!((version.nonce, version.start_height, version.relay), (1, -1, true));
    let mut long = Message::Version(version.clone()).payload();
    long.truncate(80);
    long.extend([253, 1, 1]);
    long.extend([b'x'; 257]);
    assert_eq!(Message::decode("version", &long, &Codec::BITCOIN), Err(MessageError::StringTooLong));
}

#[test]
fn user_agents_are_cleaned() {
    assert_eq!(sanitize(b"/Satoshi:31.0.0(x)/\n\x00<b>"), "/Satoshi:31.0.0(x)/b");
}

#[test]
fn features_follow_bip434() {
    let make = |id: usize, data: usize, more: &[u8]| {
        let mut payload = Vec::new();
        put_bytes(&mut payload, &vec![b'a'; id]);
        put_bytes(&mut payload, &vec![0; data]);
        payload.extend_from_slice(more);
        Message::decode("feature", &payload, &Codec::BITCOIN)
    };
    assert!(make(4, 512, &[]).is_ok() && make(80, 0, &[]).is_ok());
    for bad in [make(3, 0, &[]), make(81, 0, &[]), make(4, 513, &[]), make(4, 0, &[0])] {
        assert_eq!(bad, Err(MessageError::BadFeature));
    }
}

#[test]
fn places_in_compact_blocks_stay_below_65536() {
    let mut payload = vec![0; 32];
    payload.extend([2, 253, 0xff, 0xff, 0]);
    assert_eq!(Message::decode("getblocktxn", &payload, &Codec::BITCOIN), Err(MessageError::DifferentialOverflow));
}
