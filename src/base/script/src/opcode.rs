//! Opcodes: their bytes, their names and the classes they fall into.

/// One opcode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Opcode(pub u8);

macro_rules! opcodes {
    ($($name:ident = $byte:literal $text:literal;)*) => {
        impl Opcode {
            $(
                #[doc = concat!("`", $text, "`, byte ", stringify!($byte), ".")]
                pub const $name: Self = Self($byte);
            )*

            /// What the daemon prints for the opcode. Pushes of 1 to 75 bytes have no name: `OP_UNKNOWN`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    _ => "OP_UNKNOWN",
                }
            }
        }
    };
}

opcodes! {
    ZERO = 0x00 "0";
    PUSHDATA1 = 0x4c "OP_PUSHDATA1";
    PUSHDATA2 = 0x4d "OP_PUSHDATA2";
    PUSHDATA4 = 0x4e "OP_PUSHDATA4";
    NEGATE1 = 0x4f "-1";
    RESERVED = 0x50 "OP_RESERVED";
    N1 = 0x51 "1";
    N2 = 0x52 "2";
    N3 = 0x53 "3";
    N4 = 0x54 "4";
    N5 = 0x55 "5";
    N6 = 0x56 "6";
    N7 = 0x57 "7";
    N8 = 0x58 "8";
    N9 = 0x59 "9";
    N10 = 0x5a "10";
    N11 = 0x5b "11";
    N12 = 0x5c "12";
    N13 = 0x5d "13";
    N14 = 0x5e "14";
    N15 = 0x5f "15";
    N16 = 0x60 "16";
    NOP = 0x61 "OP_NOP";
    VER = 0x62 "OP_VER";
    IF = 0x63 "OP_IF";
    NOTIF = 0x64 "OP_NOTIF";
    VERIF = 0x65 "OP_VERIF";
    VERNOTIF = 0x66 "OP_VERNOTIF";
    ELSE = 0x67 "OP_ELSE";
    ENDIF = 0x68 "OP_ENDIF";
    VERIFY = 0x69 "OP_VERIFY";
    RETURN = 0x6a "OP_RETURN";
    TOALTSTACK = 0x6b "OP_TOALTSTACK";
    FROMALTSTACK = 0x6c "OP_FROMALTSTACK";
    DROP2 = 0x6d "OP_2DROP";
    DUP2 = 0x6e "OP_2DUP";
    DUP3 = 0x6f "OP_3DUP";
    OVER2 = 0x70 "OP_2OVER";
    ROT2 = 0x71 "OP_2ROT";
    SWAP2 = 0x72 "OP_2SWAP";
    IFDUP = 0x73 "OP_IFDUP";
    DEPTH = 0x74 "OP_DEPTH";
    DROP = 0x75 "OP_DROP";
    DUP = 0x76 "OP_DUP";
    NIP = 0x77 "OP_NIP";
    OVER = 0x78 "OP_OVER";
    PICK = 0x79 "OP_PICK";
    ROLL = 0x7a "OP_ROLL";
    ROT = 0x7b "OP_ROT";
    SWAP = 0x7c "OP_SWAP";
    TUCK = 0x7d "OP_TUCK";
    CAT = 0x7e "OP_CAT";
    SUBSTR = 0x7f "OP_SUBSTR";
    LEFT = 0x80 "OP_LEFT";
    RIGHT = 0x81 "OP_RIGHT";
    SIZE = 0x82 "OP_SIZE";
    INVERT = 0x83 "OP_INVERT";
    AND = 0x84 "OP_AND";
    OR = 0x85 "OP_OR";
    XOR = 0x86 "OP_XOR";
    EQUAL = 0x87 "OP_EQUAL";
    EQUALVERIFY = 0x88 "OP_EQUALVERIFY";
    RESERVED1 = 0x89 "OP_RESERVED1";
    RESERVED2 = 0x8a "OP_RESERVED2";
    ADD1 = 0x8b "OP_1ADD";
    SUB1 = 0x8c "OP_1SUB";
    MUL2 = 0x8d "OP_2MUL";
    DIV2 = 0x8e "OP_2DIV";
    NEGATE = 0x8f "OP_NEGATE";
    ABS = 0x90 "OP_ABS";
    NOT = 0x91 "OP_NOT";
    NOTEQUAL0 = 0x92 "OP_0NOTEQUAL";
    ADD = 0x93 "OP_ADD";
    SUB = 0x94 "OP_SUB";
    MUL = 0x95 "OP_MUL";
    DIV = 0x96 "OP_DIV";
    MOD = 0x97 "OP_MOD";
    LSHIFT = 0x98 "OP_LSHIFT";
    RSHIFT = 0x99 "OP_RSHIFT";
    BOOLAND = 0x9a "OP_BOOLAND";
    BOOLOR = 0x9b "OP_BOOLOR";
    NUMEQUAL = 0x9c "OP_NUMEQUAL";
    NUMEQUALVERIFY = 0x9d "OP_NUMEQUALVERIFY";
    NUMNOTEQUAL = 0x9e "OP_NUMNOTEQUAL";
    LESSTHAN = 0x9f "OP_LESSTHAN";
    GREATERTHAN = 0xa0 "OP_GREATERTHAN";
    LESSTHANOREQUAL = 0xa1 "OP_LESSTHANOREQUAL";
    GREATERTHANOREQUAL = 0xa2 "OP_GREATERTHANOREQUAL";
    MIN = 0xa3 "OP_MIN";
    MAX = 0xa4 "OP_MAX";
    WITHIN = 0xa5 "OP_WITHIN";
    RIPEMD160 = 0xa6 "OP_RIPEMD160";
    SHA1 = 0xa7 "OP_SHA1";
    SHA256 = 0xa8 "OP_SHA256";
    HASH160 = 0xa9 "OP_HASH160";
    HASH256 = 0xaa "OP_HASH256";
    CODESEPARATOR = 0xab "OP_CODESEPARATOR";
    CHECKSIG = 0xac "OP_CHECKSIG";
    CHECKSIGVERIFY = 0xad "OP_CHECKSIGVERIFY";
    CHECKMULTISIG = 0xae "OP_CHECKMULTISIG";
    CHECKMULTISIGVERIFY = 0xaf "OP_CHECKMULTISIGVERIFY";
    NOP1 = 0xb0 "OP_NOP1";
    CHECKLOCKTIMEVERIFY = 0xb1 "OP_CHECKLOCKTIMEVERIFY";
    CHECKSEQUENCEVERIFY = 0xb2 "OP_CHECKSEQUENCEVERIFY";
    NOP4 = 0xb3 "OP_NOP4";
    NOP5 = 0xb4 "OP_NOP5";
    NOP6 = 0xb5 "OP_NOP6";
    NOP7 = 0xb6 "OP_NOP7";
    NOP8 = 0xb7 "OP_NOP8";
    NOP9 = 0xb8 "OP_NOP9";
    NOP10 = 0xb9 "OP_NOP10";
    CHECKSIGADD = 0xba "OP_CHECKSIGADD";
    INVALIDOPCODE = 0xff "OP_INVALIDOPCODE";
}

impl Opcode {
    /// The last opcode that scripts before tapscript know.
    pub const LAST: Self = Self::NOP10;

    /// Whether the opcode carries the bytes that it pushes: 0x00 to 0x4e.
    pub const fn is_data_push(self) -> bool {
        self.0 <= Self::PUSHDATA4.0
    }

    /// Whether the opcode counts as a push: everything up to `OP_16`, `OP_RESERVED` included.
    pub const fn is_push(self) -> bool {
        self.0 <= Self::N16.0
    }

    /// The number 1 to 16 that `OP_1` to `OP_16` stand for, 0 for `OP_0`.
    pub const fn small_number(self) -> Option<u8> {
        match self.0 {
            0 => Some(0),
            0x51..=0x60 => Some(self.0 - 0x50),
            _ => None,
        }
    }

    /// The opcode that pushes 0 to 16.
    pub const fn of_small_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::ZERO),
            1..=16 => Some(Self(number + 0x50)),
            _ => None,
        }
    }

    /// VERIF and VERNOTIF, which fail a script even where nothing runs.
    pub const fn is_conditional_of_old(self) -> bool {
        matches!(self.0, 0x65 | 0x66)
    }

    /// Opcodes that fail a script by their presence, executed or not (CVE-2010-5137).
    pub const fn is_disabled(self) -> bool {
        matches!(self.0, 0x7e..=0x81 | 0x83..=0x86 | 0x8d | 0x8e | 0x95..=0x99)
    }

    /// Opcodes whose presence makes a tapscript succeed (BIP342).
    pub const fn is_success(self) -> bool {
        matches!(
            self.0,
            80 | 98 | 126..=129 | 131..=134 | 137 | 138 | 141 | 142 | 149..=153 | 187..=254
        )
    }
}
