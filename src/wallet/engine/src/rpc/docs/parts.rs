//! Parts that several descriptions share.

use ::rpc::{Arg, Json, Res, elide_group};

/// `lastprocessedblock`
pub(crate) fn last_processed_block() -> Res {
    Res::obj(
        "lastprocessedblock",
        "hash and height of the block this information was generated on",
        [
            Res::hex("hash", "hash of the block this information was generated on"),
            Res::num("height", "height of the block this information was generated on"),
        ],
    )
}

/// What is said of any transaction.
pub(crate) fn transaction_description_string() -> Vec<Res> {
    vec![
        Res::num(
            "confirmations",
            concat!(
                "The number of confirmations for the transaction. Negative confirmations ",
                "means the\n",
                "transaction conflicted that many blocks ago."
            ),
        ),
        Res::bool("generated", "Only present if the transaction's only input is a coinbase one.").optional(),
        Res::bool(
            "trusted",
            concat!(
                "Whether we consider the transaction to be trusted and safe to spend from.\n",
                "Only present when the transaction has 0 confirmations (or negative ",
                "confirmations, if conflicted)."
            ),
        )
        .optional(),
        Res::num("refheight", "The height that its values are meant for").optional().skip_in_help(),
        Res::hex("blockhash", "The block hash containing the transaction.").optional(),
        Res::num("blockheight", "The block height containing the transaction.").optional(),
        Res::num("blockindex", "The index of the transaction in the block that includes it.").optional(),
        Res::time("blocktime", "The block time expressed in UNIX epoch time.").optional(),
        Res::hex("txid", "The transaction id."),
        Res::hex("wtxid", "The hash of serialized transaction, including witness data."),
        Res::arr(
            "alternate_wtxids",
            "The wtxids of transactions with different witness data but the same txid.",
            [Res::hex("wtxid", "The witness transaction id.")],
        )
        .since(32),
        Res::arr(
            "walletconflicts",
            concat!(
                "Confirmed transactions that have been detected by the wallet to conflict ",
                "with this transaction."
            ),
            [Res::hex("txid", "The transaction id.")],
        ),
        Res::hex("replaced_by_txid", "Only if 'category' is 'send'. The txid if this tx was replaced.").optional(),
        Res::hex("replaces_txid", "Only if 'category' is 'send'. The txid if this tx replaces another.").optional(),
        Res::arr(
            "mempoolconflicts",
            concat!(
                "Transactions in the mempool that directly conflict with either this ",
                "transaction or an ancestor transaction"
            ),
            [Res::hex("txid", "The transaction id.")],
        ),
        Res::str("to", "If a comment to is associated with the transaction.").optional(),
        Res::time("time", "The transaction time expressed in UNIX epoch time."),
        Res::time("timereceived", "The time received expressed in UNIX epoch time."),
        Res::str("comment", "If a comment is associated with the transaction, only present if not empty.").optional(),
        Res::str(
            "bip125-replaceable",
            concat!(
                "(\"yes|no|unknown\") (DEPRECATED) Whether this transaction signals BIP125 ",
                "replaceability or has an unconfirmed ancestor signaling BIP125 ",
                "replaceability.\n",
                "May be unknown for unconfirmed transactions not in the mempool because ",
                "their unconfirmed ancestors are unknown."
            ),
        )
        .optional(),
        Res::arr(
            "parent_descs",
            concat!(
                "Only if 'category' is 'received'. List of parent descriptors for the output ",
                "script of this coin."
            ),
            [Res::str("desc", "The descriptor string.")],
        )
        .optional(),
    ]
}

/// What `listsinceblock` says of a transaction.
pub(crate) fn list_since_block_tx_fields() -> Vec<Res> {
    [
        vec![
            Res::str(
                "address",
                concat!(
                    "The bitcoin address of the transaction (not returned if the output does not ",
                    "have an address, e.g. OP_RETURN null data)."
                ),
            )
            .optional(),
            Res::str(
                "category",
                concat!(
                    "The transaction category.\n",
                    "\"send\"                  Transactions sent.\n",
                    "\"receive\"               Non-coinbase transactions received.\n",
                    "\"generate\"              Coinbase transactions received with more than 100 ",
                    "confirmations.\n",
                    "\"immature\"              Coinbase transactions received with 100 or fewer ",
                    "confirmations.\n",
                    "\"orphan\"                Orphaned coinbase transactions received."
                ),
            ),
            Res::amount(
                "amount",
                concat!(
                    "The amount in {ticker}. This is negative for the 'send' category, ",
                    "and is positive\n",
                    "for all other categories"
                ),
            ),
            Res::num("vout", "the vout value"),
            Res::amount(
                "fee",
                concat!(
                    "The amount of the fee in {ticker}. This is negative and only ",
                    "available for the\n",
                    "'send' category of transactions."
                ),
            )
            .optional(),
        ],
        transaction_description_string(),
        vec![
            Res::bool("abandoned", "'true' if the transaction has been abandoned (inputs are respendable)."),
            Res::str("label", "A comment for the address/transaction, if any").optional(),
        ],
    ]
    .concat()
}

/// What is said of an address and of one inside it.
pub(crate) fn get_address_info_base_fields() -> Vec<Res> {
    vec![
        Res::str("address", "The bitcoin address of the embedded script.").optional(),
        Res::hex("scriptPubKey", "The hex-encoded output script generated by the address.").optional(),
        Res::bool("isscript", "If the key is a script.").optional(),
        Res::bool("iswitness", "If the address is a witness address.").optional(),
        Res::num("witness_version", "The version number of the witness program.").optional(),
        Res::hex("witness_program", "The hex value of the witness program.").optional(),
        Res::str(
            "script",
            concat!(
                "The output script type. Only if isscript is true and the redeemscript is ",
                "known. Possible\n",
                "types: nonstandard, pubkey, pubkeyhash, scripthash, multisig, nulldata, ",
                "witness_v0_keyhash,\n",
                "witness_v0_scripthash, witness_unknown."
            ),
        )
        .optional(),
        Res::hex("hex", "The redeemscript for the p2sh address.").optional(),
        Res::arr(
            "pubkeys",
            concat!("Array of pubkeys associated with the known redeemscript (only if script is ", "multisig)."),
            [Res::str("pubkey", "")],
        )
        .optional(),
        Res::num(
            "sigsrequired",
            concat!("The number of signatures required to spend multisig output (only if script ", "is multisig)."),
        )
        .optional(),
        Res::hex(
            "pubkey",
            concat!(
                "The hex value of the raw public key for single-key addresses (possibly ",
                "embedded in P2SH or P2WSH)."
            ),
        )
        .optional(),
        Res::bool("iscompressed", "If the pubkey is compressed.").optional(),
    ]
}

/// Options of all methods that fund a transaction.
pub(crate) fn fund_options(solving_data: bool) -> Vec<Arg> {
    let mut args = vec![
        Arg::num("conf_target", "Confirmation target in blocks").hint("wallet -txconfirmtarget").also_positional(),
        Arg::str(
            "estimate_mode",
            concat!(
                "The fee estimate mode, must be one of (case insensitive):\n",
                "unset, economical, conservative \n",
                "unset means no mode set (economical mode is used if the transaction is ",
                "replaceable;\n",
                "otherwise, conservative mode is used). \n",
                "economical mode potentially returns a lower fee rate estimate.\n",
                "conservative potentially returns a higher fee rate estimate.\n"
            ),
        )
        .default("unset")
        .also_positional(),
        Arg::bool(
            "replaceable",
            concat!(
                "Marks this transaction as BIP125-replaceable.\n",
                "Allows this transaction to be replaced by a transaction with higher fees"
            ),
        )
        .hint("wallet default"),
    ];
    if solving_data {
        args.push(
            Arg::obj(
                "solving_data",
                concat!(
                    "Keys and scripts needed for producing a final transaction with a dummy ",
                    "signature.\n",
                    "Used for fee estimation during coin selection."
                ),
                [
                    Arg::arr(
                        "pubkeys",
                        "Public keys involved in this transaction.",
                        [Arg::hex("pubkey", "A public key").optional()],
                    )
                    .default(Json::Arr(Vec::new())),
                    Arg::arr(
                        "scripts",
                        "Scripts involved in this transaction.",
                        [Arg::hex("script", "A script").optional()],
                    )
                    .default(Json::Arr(Vec::new())),
                    Arg::arr(
                        "descriptors",
                        "Descriptors that provide solving data for this transaction.",
                        [Arg::str("descriptor", "A descriptor").optional()],
                    )
                    .default(Json::Arr(Vec::new())),
                ],
            )
            .optional(),
        );
    }
    args
}
/// Outputs as pairs of an address and an amount.
pub(crate) fn outputs_doc() -> Vec<Arg> {
    let address = Arg::amount(
        "address",
        "A key-value pair. The key (string) is the address, the value (float or string) is the amount in {ticker}",
    );
    let data = Arg::hex(
        "data",
        "A key-value pair. The key must be \"data\", the value is hex-encoded data that becomes a part of an OP_RETURN output",
    );
    vec![Arg::obj_user_keys("", "", [address]).optional(), Arg::obj("", "", [data]).optional()]
}

/// An address inside another.
pub(crate) fn embedded() -> Vec<Res> {
    let mut fields = get_address_info_base_fields();
    let inner = get_address_info_base_fields();
    fields.push(
        Res::obj("embedded", "Information about the address embedded in P2SH or P2WSH, if relevant and known.", inner)
            .optional(),
    );
    elide_group(
        fields,
        concat!(
            "Includes all getaddressinfo output fields for the embedded address, excluding metadata ",
            "(timestamp, hdkeypath, hdseedid)\nand relation to the wallet (ismine).",
        ),
    )
}

/// A decoded transaction, whose outputs say if they are change.
pub(crate) fn decoded_tx() -> Vec<Res> {
    let script = [
        Res::str("asm", "Disassembly of the output script"),
        Res::str("desc", "Inferred descriptor for the output"),
        Res::hex("hex", "The raw output script bytes, hex-encoded"),
        Res::str("address", "The address (only if a well-defined address exists)").optional(),
        Res::str("type", "The type, for example pubkeyhash or witness_v1_taproot"),
    ];
    let input = [
        Res::hex("coinbase", "The coinbase value (only if coinbase transaction)").optional(),
        Res::hex("txid", "The transaction id (if not coinbase transaction)").optional(),
        Res::num("vout", "The output number (if not coinbase transaction)").optional(),
        Res::obj(
            "scriptSig",
            "The script (if not coinbase transaction)",
            [
                Res::str("asm", "Disassembly of the signature script"),
                Res::hex("hex", "The raw signature script bytes, hex-encoded"),
            ],
        )
        .optional(),
        Res::arr("txinwitness", "", [Res::hex("hex", "hex-encoded witness data (if any)")]).optional(),
        Res::num("sequence", "The script sequence number"),
    ];
    let output = [
        Res::amount("value", "The value in {ticker}"),
        Res::num("n", "index"),
        Res::obj("scriptPubKey", "", script),
        Res::bool("ischange", "Output script is change (only present if true)").optional(),
    ];
    vec![
        Res::hex("txid", "The transaction id"),
        Res::hex("hash", "The transaction hash (differs from txid for witness transactions)"),
        Res::num("size", "The serialized transaction size"),
        Res::num("vsize", "The virtual transaction size (differs from size for witness transactions)"),
        Res::num("weight", "The transaction's weight (between vsize*4-3 and vsize*4)"),
        Res::num("version", "The version"),
        Res::time("locktime", "The lock time"),
        Res::arr("vin", "", [Res::obj("", "", input)]),
        Res::arr("vout", "", [Res::obj("", "", output)]),
    ]
}
