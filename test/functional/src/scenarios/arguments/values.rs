//! Arguments from the schemas of a method's parameters: mostly of the right type, often with a meaning, now and then neither.

use std::path::{Path, PathBuf};

use rpc::{Json, Object};

use crate::dice::Dice;

/// Things that exist.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) address: String,
    pub(super) txid: String,
    pub(super) hex: String,
    pub(super) block: String,
    pub(super) raw: String,
    pub(super) psbt: String,
    pub(super) descriptor: String,
}

/// Numbers at which programs stumble, as JSON writes them.
const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "2",
    "-1",
    "-0",
    "0.5",
    "0.00000001",
    "0.000000001",
    "1e-9",
    "100",
    "144",
    "1000",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "21000000.00000001",
    "1e308",
    "1e400",
    "99999999999999999999999999999999",
];
/// How much is to be done, or for how long: more of it takes longer by right.
const AMOUNTS_OF_WORK: [&str; 10] = [
    "timeout",
    "nblocks",
    "maxtries",
    "range",
    "newsize",
    "num_blocks",
    "nblock",
    "rounds",
    "next_index",
    "delta_time",
];
/// Where something is written to, or read from.
const FILES: [&str; 6] = ["path", "filename", "filepath", "destination", "backup_file", "dumpfile"];
/// The private key whose number is one.
const KEY: &str = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA";
/// With any of these the method waits for news, which is what it is for.
const WAITS: &str = "longpollid";
/// Values inside values inside values.
const DEPTH: u32 = 4;

/// Makes values.
pub(super) struct Values {
    dice: Dice,
    known: Known,
    files: PathBuf,
    made: u64,
}

impl Values {
    pub(super) fn new(dice: Dice, known: Known, files: &Path) -> Values {
        Values { dice, known, files: files.to_owned(), made: 0 }
    }

    /// Arguments for these parameters: as many as are needed, or fewer, or more.
    pub(super) fn params(&mut self, params: &[Json]) -> Json {
        let all = params.len();
        let needed = params.iter().filter(|param| param.get("required").is_true()).count();
        // Without it some methods would wait for ever.
        let patience = params.iter().position(|param| param.get("name").as_str() == Ok("timeout"));
        let least = patience.map_or(needed, |place| place + 1);
        let count = match self.dice.draw(10) {
            0 if patience.is_none() => self.below(all + 3),
            1..=4 => least,
            _ => least + self.below(all - least + 1),
        };
        let given = (0..count).map(|place| match params.get(place) {
            Some(param) => self.value(param.get("name").as_str().unwrap_or(""), param.get("schema"), DEPTH),
            None => self.wild(),
        });
        given.collect()
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.dice.draw(u64::try_from(bound).unwrap_or(u64::MAX))).unwrap_or_default()
    }

    /// A value for a schema.
    fn value(&mut self, name: &str, schema: &Json, depth: u32) -> Json {
        if AMOUNTS_OF_WORK.contains(&name) {
            return Json::from(1 + self.dice.draw(5));
        }
        if depth == 0 || self.dice.once_in(12) {
            return self.wild();
        }
        for choice in ["oneOf", "anyOf"] {
            if let Ok(choices @ [_, ..]) = schema.get(choice).as_arr() {
                let place = self.below(choices.len());
                return self.value(name, &choices[place], depth);
            }
        }
        match schema.get("type").as_str() {
            Ok("string") => self.text(name, !schema.get("pattern").is_null()),
            Ok("number" | "integer") => self.number(),
            Ok("boolean") => Json::Bool(self.dice.once_in(2)),
            Ok("array") => self.array(name, schema, depth),
            Ok("object") => self.object(schema, depth),
            _ => self.wild(),
        }
    }

    fn array(&mut self, name: &str, schema: &Json, depth: u32) -> Json {
        let items = schema.get("items");
        match items.as_arr() {
            Ok(each) => each.iter().map(|item| self.value(name, item, depth - 1)).collect(),
            Err(_) => (0..self.below(4)).map(|_| self.value(name, items, depth - 1)).collect(),
        }
    }

    fn object(&mut self, schema: &Json, depth: u32) -> Json {
        let mut object = Object::new();
        let required: Vec<&str> =
            schema.get("required").as_arr().unwrap_or_default().iter().filter_map(|name| name.as_str().ok()).collect();
        if let Ok(properties) = schema.get("properties").as_obj() {
            for (name, property) in properties.iter() {
                if name != WAITS && (required.contains(&name) || self.dice.once_in(3)) {
                    object.push(name.to_owned(), self.value(name, property, depth - 1));
                }
            }
        }
        let more = schema.get("additionalProperties");
        if !more.is_null() && *more != Json::Bool(false) {
            for _ in 0..self.below(3) {
                let Json::Str(key) = self.text("", false) else { continue };
                object.push(key, self.value("", more, depth - 1));
            }
        }
        if self.dice.once_in(20) {
            object.push("no such key", self.wild());
        }
        object.into()
    }

    fn number(&mut self) -> Json {
        Json::number(self.dice.pick::<&str>(&NUMBERS)).unwrap_or_default()
    }

    fn text(&mut self, name: &str, is_hex: bool) -> Json {
        if FILES.contains(&name) {
            // Always a new file in the node's own directory.
            self.made += 1;
            return self.files.join(format!("made-{}", self.made)).display().to_string().into();
        }
        let known = &self.known;
        let text = match self.dice.draw(if is_hex { 8 } else { 20 }) {
            0 => known.txid.clone(),
            1 => known.block.clone(),
            2 => known.hex.clone(),
            3 => known.raw.clone(),
            4 => known.hex[..known.hex.len() / 2].to_owned(),
            5 => String::new(),
            6 => "0".repeat(64),
            7 => "ab".repeat(50_000),
            8 => known.address.clone(),
            9 => known.psbt.clone(),
            10 => known.descriptor.clone(),
            11 => KEY.to_owned(),
            12 => "w".to_owned(),
            13 => "ä\u{0}\u{1f600}\u{202e}".to_owned(),
            14 => "1.00000000".to_owned(),
            15 => "bech32m".to_owned(),
            16 => "(".repeat(3000),
            17 => "all".to_owned(),
            18 => format!("wpkh({KEY})"),
            _ => "/dev/null/nothing".to_owned(),
        };
        text.into()
    }

    /// Anything.
    fn wild(&mut self) -> Json {
        match self.dice.draw(9) {
            0 => Json::Null,
            1 => Json::Bool(true),
            2 | 3 => self.number(),
            4 => Json::Arr(Vec::new()),
            5 => Json::object(),
            6 => (0..300).map(Json::from).collect(),
            7 => (0..200).fold(Json::from(1), |inner, _| Json::Arr(vec![inner])),
            // Not a name of a file anywhere.
            _ => Json::from("\u{fffd}/\u{fffd}"),
        }
    }
}
