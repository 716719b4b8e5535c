//! The examples of BIP143: signed transactions whose signatures cover the values that they spend.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use script::{Flags, TxData};

use crate::common::verify_input;

/// A signed transaction, and the scripts and values that it spends.
struct Example {
    about: &'static str,
    signed: &'static str,
    spent: &'static [(&'static str, u64)],
}

const EXAMPLES: [Example; 5] = [
    Example {
        about: "a key behind its hash, beside a bare key",
        signed: "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f000000004948304502\
                 21008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1\
                 c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287\
                 d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac\
                 7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609\
                 e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f33\
                 58f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07ae\
                 ee635711000000",
        spent: &[
            ("2103c9f4836b9a4f77fc0d81f7bcb01b7f1b35916864b9476c241ce9fc198bd25432ac", 625_000_000),
            ("00141d0f172a0ecb48aee1be1f2687d2963ae33f71a1", 600_000_000),
        ],
    },
    Example {
        about: "a key behind its hash in a script hash",
        signed: "01000000000101db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3ceb1a5477010000001716001479\
                 091972186c449eb1ded22b78e40d009bdf0089feffffff02b8b4eb0b000000001976a914a457b684d7f0d539a46a45bb\
                 c043f35b59d0d96388ac0008af2f000000001976a914fd270b1ee6abcaea97fea7ad0402e8bd8ad6d77c88ac02473044\
                 022047ac8e878352d3ebbde1c94ce3a10d057c24175747116f8288e5d794d12d482f0220217f36a485cae903c713331d\
                 877c1f64677e3622ad4010726870540656fe9dcb012103ad1d8e89212f0b92c74d23bb710c00662ad1470198ac48c43f\
                 7d6f93a2a2687392040000",
        spent: &[("a9144733f37cf4db86fbc2efed2500b4f4e49f31202387", 1_000_000_000)],
    },
    Example {
        about: "`OP_CODESEPARATOR`, and `SIGHASH_SINGLE` without an output",
        signed: "01000000000102fe3dc9208094f3ffd12645477b3dc56f60ec4fa8e6f5d67c565d1c6b9216b36e000000004847304402\
                 200af4e47c9b9629dbecc21f73af989bdaa911f7e6f6c2e9394588a3aa68f81e9902204f3fcf6ade7e5abb1295b6774c\
                 8e0abd94ae62217367096bc02ee5e435b67da201ffffffff0815cf020f013ed6cf91d29f4202e8a58726b1ac6c79da47\
                 c23d1bee0a6925f80000000000ffffffff0100f2052a010000001976a914a30741f8145e5acadf23f751864167f32e09\
                 63f788ac000347304402200de66acf4527789bfda55fc5459e214fa6083f936b430a762c629656216805ac0220396f55\
                 0692cd347171cbc1ef1f51e15282e837bb2b30860dc77c8f78bc8501e503473044022027dc95ad6b740fe5129e7e62a7\
                 5dd00f291a2aeb1200b84b09d9e3789406b6c002201a9ecd315dd6a0e632ab20bbb98948bc0c6fb204f2c286963bb485\
                 17a7058e27034721026dccc749adc2a9d0d89497ac511f760f45c47dc5ed9cf352a58ac706453880aeadab210255a962\
                 6aebf5e29c0e6538428ba0d1dcf6ca98ffdf086aa8ced5e0d0215ea465ac00000000",
        spent: &[
            ("21036d5c20fa14fb2f635474c1dc4ef5909d4568e5569b79fc94d3448486e14685f8ac", 156_250_000),
            ("00205d1b56b63d714eebe542309525f484b7e9d6f686b3781b6f61ef925d66d6f6a0", 4_900_000_000),
        ],
    },
    Example {
        about: "an `OP_CODESEPARATOR` that does not run, and `SINGLE|ANYONECANPAY`",
        signed: "01000000000102e9b542c5176808107ff1df906f46bb1f2583b16112b95ee5380665ba7fcfc0010000000000ffffffff\
                 80e68831516392fcd100d186b3c2c7b95c80b53c77e77c35ba03a66b429a2a1b0000000000ffffffff02809698000000\
                 00001976a914de4b231626ef508c9a74a8517e6783c0546d6b2888ac80969800000000001976a9146648a8cd4531e1ec\
                 47f35916de8e259237294d1e88ac02483045022100f6a10b8604e6dc910194b79ccfc93e1bc0ec7c03453caaa8987f7d\
                 6c3413566002206216229ede9b4d6ec2d325be245c5b508ff0339bf1794078e20bfe0babc7ffe683270063ab68210392\
                 972e2eb617b2388771abe27235fd5ac44af8e61693261550447a4c3e39da98ac024730440220032521802a76ad7bf74d\
                 0e2c218b72cf0cbc867066e2e53db905ba37f130397e02207709e2188ed7f08f4c952d9d13986da504502b8c3be59617\
                 e043552f506c46ff83275163ab68210392972e2eb617b2388771abe27235fd5ac44af8e61693261550447a4c3e39da98\
                 ac00000000",
        spent: &[
            ("0020ba468eea561b26301e4cf69fa34bde4ad60c81e70f059f045ca9a79931004a4d", 16_777_215),
            ("0020d9bbfbe56af7c4b7f960a70d7ea107156913d9e5a26b0a71429df5e097ca6537", 16_777_215),
        ],
    },
    Example {
        about: "the same with the pairs of inputs and outputs swapped",
        signed: "0100000000010280e68831516392fcd100d186b3c2c7b95c80b53c77e77c35ba03a66b429a2a1b0000000000ffffffff\
                 e9b542c5176808107ff1df906f46bb1f2583b16112b95ee5380665ba7fcfc0010000000000ffffffff02809698000000\
                 00001976a9146648a8cd4531e1ec47f35916de8e259237294d1e88ac80969800000000001976a914de4b231626ef508c\
                 9a74a8517e6783c0546d6b2888ac024730440220032521802a76ad7bf74d0e2c218b72cf0cbc867066e2e53db905ba37\
                 f130397e02207709e2188ed7f08f4c952d9d13986da504502b8c3be59617e043552f506c46ff83275163ab6821039297\
                 2e2eb617b2388771abe27235fd5ac44af8e61693261550447a4c3e39da98ac02483045022100f6a10b8604e6dc910194\
                 b79ccfc93e1bc0ec7c03453caaa8987f7d6c3413566002206216229ede9b4d6ec2d325be245c5b508ff0339bf1794078\
                 e20bfe0babc7ffe683270063ab68210392972e2eb617b2388771abe27235fd5ac44af8e61693261550447a4c3e39da98\
                 ac00000000",
        spent: &[
            ("0020d9bbfbe56af7c4b7f960a70d7ea107156913d9e5a26b0a71429df5e097ca6537", 16_777_215),
            ("0020ba468eea561b26301e4cf69fa34bde4ad60c81e70f059f045ca9a79931004a4d", 16_777_215),
        ],
    },
];

#[test]
fn examples_of_bip143() {
    let flags = Flags::P2SH | Flags::WITNESS | Flags::DERSIG;
    let mut inputs = 0;
    for Example { about, signed, spent } in &EXAMPLES {
        let tx: Transaction = deserialize_hex(signed).unwrap();
        let spent: Vec<TxOut> = spent
            .iter()
            .map(|(script, value)| TxOut {
                value: Amount::from_sat(*value),
                script_pubkey: ScriptBuf::from_hex(script).unwrap(),
            })
            .collect();
        for index in 0..tx.input.len() {
            let data = TxData::new(&tx, &spent);
            assert_eq!(verify_input(&data, index, flags), Ok(()), "{about}, input {index}");
            // Another value, and a signature that covers values is no signature any more.
            let mut richer = spent.clone();
            richer[index].value += Amount::ONE_SAT;
            let data = TxData::new(&tx, &richer);
            let covered = !tx.input[index].witness.is_empty();
            assert_eq!(verify_input(&data, index, flags).is_err(), covered, "{about}, input {index}");
            inputs += 1;
        }
    }
    vectors::ran("BIP143's examples, inputs", inputs, 9);
}
