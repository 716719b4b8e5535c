//! A wallet as text: a line for each record, in hexadecimal digits, and a checksum in the last one.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use primitives::hex;
use zeroize::Zeroizing;

use crate::open::{OpenError, OpenOptions};
use crate::{BdbFile, DbError, Format, Records, WalletFile};

const MAGIC: &str = "BITCOIN_CORE_WALLET_DUMP";
const VERSION: u32 = 1;

/// Why a wallet was not dumped, or not made from a dump. Names of programs in the texts are those of the first one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// Where to dump to was not said.
    #[error("No dump file provided. To use dump, -dumpfile=<filename> must be provided.")]
    NoDestination,
    /// The destination is there.
    #[error("File {0} already exists. If you are sure this is what you want, move it out of the way first.")]
    Exists(String),
    /// The destination cannot be made.
    #[error("Unable to open {0} for writing")]
    Unwritable(String),
    /// The wallet cannot be read to its end.
    #[error("Error reading next record from wallet database")]
    Read(#[source] DbError),
    /// The dump cannot be written to its end.
    #[error("Error: Unable to write {path}: {reason}")]
    Write {
        /// The dump.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// What to make a wallet of was not said.
    #[error("No dump file provided. To use createfromdump, -dumpfile=<filename> must be provided.")]
    NoSource,
    /// A wallet without a name would be in the way of all others.
    #[error("Wallet name cannot be empty")]
    NoName,
    /// There is no such dump.
    #[error("Dump file {0} does not exist.")]
    Absent(String),
    /// It is no dump.
    #[error("Error: Dumpfile identifier record is incorrect. Got \"{0}\", expected \"{MAGIC}\".")]
    Magic(String),
    /// Its version is no number.
    #[error("Error: Unable to parse version {0} as a uint32_t")]
    VersionText(String),
    /// Its version is another one.
    #[error(
        "Error: Dumpfile version is not supported. This version of bitcoin-wallet only supports version 1 dumpfiles. \
         Got dumpfile with version {0}"
    )]
    Version(String),
    /// It does not say what kind of wallet it is.
    #[error("Error: Dumpfile format record is incorrect. Got \"{0}\", expected \"format\".")]
    FormatKey(String),
    /// It is of a legacy wallet.
    #[error("Error: Dumpfile specifies an unsupported database format ({0}). Only sqlite database dumps are supported")]
    FormatName(String),
    /// The wallet cannot be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The checksum is no checksum.
    #[error("Error: Checksum is not the correct size")]
    ChecksumSize,
    /// A key is not in hexadecimal digits.
    #[error("Error: Got key that was not hex: {0}")]
    Key(String),
    /// A value is not in hexadecimal digits.
    #[error("Error: Got value that was not hex: {0}")]
    Value(String),
    /// A record was refused.
    #[error("Error: Unable to write record to new wallet")]
    Record(#[from] DbError),
    /// The end is missing.
    #[error("Error: Missing checksum")]
    NoChecksum,
    /// Something was changed or is missing.
    #[error("Error: Dumpfile checksum does not match. Computed {computed}, expected {expected}")]
    Checksum {
        /// What the lines amount to.
        computed: String,
        /// What the last line says.
        expected: String,
    },
}

/// Writes a wallet to a new file that only its owner can read. If that fails, there is no file.
pub fn dump(wallet: &WalletFile, destination: &Path) -> Result<(), DumpError> {
    dump_records("sqlite", &|each| wallet.scan_all(each), destination)
}

/// The same for a legacy wallet. No wallet can be made from the dump.
pub fn dump_legacy(wallet: &BdbFile, destination: &Path) -> Result<(), DumpError> {
    let scan = |each: &mut dyn FnMut(&[u8], &[u8]) -> bool| {
        let _ = wallet.records().all(|(key, value)| each(key, value));
        Ok(())
    };
    dump_records("bdb", &scan, destination)
}

/// Shows all records.
type Scan<'a> = &'a dyn Fn(&mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), DbError>;

fn dump_records(format: &str, scan: Scan<'_>, destination: &Path) -> Result<(), DumpError> {
    let shown = destination.display().to_string();
    if destination.exists() {
        return Err(DumpError::Exists(shown));
    }
    let created = platform::file::private_options().create_new(true).open(destination);
    let file = created.map_err(|_| DumpError::Unwritable(shown.clone()))?;
    let result = write_dump(format, scan, file, &shown);
    if result.is_err() {
        let _ = fs::remove_file(destination);
    }
    result
}

fn write_dump(format: &str, scan: Scan<'_>, file: File, shown: &str) -> Result<(), DumpError> {
    let mut out = BufWriter::new(file);
    let mut hasher = sha256d::Hash::engine();
    let mut put = |line: &[u8]| {
        hasher.input(line);
        out.write_all(line)
    };
    let mut written = put(format!("{MAGIC},{VERSION}\nformat,{format}\n").as_bytes());
    if written.is_ok() {
        let mut line = Zeroizing::new(Vec::new());
        scan(&mut |key, value| {
            line.clear();
            line.extend_from_slice(digits(key).as_bytes());
            line.push(b',');
            line.extend_from_slice(digits(value).as_bytes());
            line.push(b'\n');
            written = put(&line);
            written.is_ok()
        })
        .map_err(DumpError::Read)?;
    }
    let checksum = hex::encode(&finish(hasher));
    let finished = written.and_then(|()| writeln!(out, "checksum,{checksum}")).and_then(|()| {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        platform::disk::sync_file(&file)
    });
    finished.map_err(|error| DumpError::Write { path: shown.to_owned(), reason: platform::message_text(&error) })
}

/// Makes a wallet from a dump. If that fails, nothing is left of it.
pub fn create_from_dump(
    source: &Path,
    wallet_path: &Path,
    format: Format,
    options: OpenOptions,
) -> Result<(), DumpError> {
    let opened = File::open(source).ok().filter(|file| file.metadata().is_ok_and(|found| found.is_file()));
    let mut lines = Lines::new(BufReader::new(opened.ok_or_else(|| DumpError::Absent(source.display().to_string()))?));
    read_head(&mut lines)?;
    let had_directory = wallet_path.is_dir();
    let wallet = WalletFile::open_with(wallet_path, format, options)?;
    let result = wallet.txn(|batch| read_records(&mut lines, batch));
    if result.is_err() {
        let files = wallet.files();
        drop(wallet);
        for file in files {
            let _ = fs::remove_file(file);
        }
        if !had_directory {
            let _ = fs::remove_dir(wallet_path);
        }
    }
    result
}

/// The first two lines say what the others are.
fn read_head(lines: &mut Lines<impl BufRead>) -> Result<(), DumpError> {
    let (magic, version) = lines.next_line().unwrap_or_default();
    if *magic != MAGIC.as_bytes() {
        return Err(DumpError::Magic(lossy(&magic)));
    }
    let is_number = !version.is_empty() && version.iter().all(u8::is_ascii_digit);
    match lossy(&version).parse::<u32>() {
        Ok(VERSION) if is_number => {}
        Ok(_) if is_number => return Err(DumpError::Version(lossy(&version))),
        _ => return Err(DumpError::VersionText(lossy(&version))),
    }
    lines.hash(&magic, &version);
    let (key, name) = lines.next_line().unwrap_or_default();
    if *key != b"format" {
        return Err(DumpError::FormatKey(lossy(&key)));
    }
    if *name != b"sqlite" {
        return Err(DumpError::FormatName(lossy(&name)));
    }
    lines.hash(&key, &name);
    Ok(())
}

fn read_records(lines: &mut Lines<impl BufRead>, batch: &dyn Records) -> Result<(), DumpError> {
    let mut expected = None;
    while let Some((key, value)) = lines.next_line() {
        if *key == b"checksum" {
            let bytes = from_hex(&value).unwrap_or_default();
            expected = Some(<[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| DumpError::ChecksumSize)?);
            break;
        }
        lines.hash(&key, &value);
        if key.is_empty() || value.is_empty() {
            continue;
        }
        let bytes = from_hex(&key).ok_or_else(|| DumpError::Key(lossy(&key)))?;
        let value = from_hex(&value).ok_or_else(|| DumpError::Value(lossy(&value)))?;
        batch.put_bytes(&bytes, &value)?;
    }
    let computed = finish(lines.hasher.clone());
    // Zeros are what a program that has not seen any checksum compares with.
    match expected.filter(|sum| *sum != [0; 32]) {
        None => Err(DumpError::NoChecksum),
        Some(expected) if expected != computed => {
            Err(DumpError::Checksum { computed: hex::encode(&computed), expected: hex::encode(&expected) })
        }
        Some(_) => Ok(()),
    }
}

/// A part of a line. It may be a key, so it is wiped.
type Field = Zeroizing<Vec<u8>>;

/// The lines of a dump, each in two at its first comma, and the hash of those that count.
struct Lines<R> {
    reader: R,
    hasher: Engine,
}

type Engine = <sha256d::Hash as Hash>::Engine;

impl<R: BufRead> Lines<R> {
    fn new(reader: R) -> Self {
        Self { reader, hasher: sha256d::Hash::engine() }
    }

    /// The next line, or none at the end. What cannot be read is an end, too: the checksum is missing then.
    fn next_line(&mut self) -> Option<(Field, Field)> {
        if self.reader.fill_buf().ok()?.is_empty() {
            return None;
        }
        Some((self.field(b','), self.field(b'\n')))
    }

    fn field(&mut self, end: u8) -> Field {
        let mut field = Zeroizing::new(Vec::new());
        let _ = self.reader.read_until(end, &mut field);
        if field.last() == Some(&end) {
            field.pop();
        }
        field
    }

    fn hash(&mut self, key: &[u8], value: &[u8]) {
        for part in [key, b",", value, b"\n"] {
            self.hasher.input(part);
        }
    }
}

fn finish(hasher: Engine) -> [u8; 32] {
    sha256d::Hash::from_engine(hasher).to_byte_array()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn digits(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(hex::encode(bytes))
}

/// Bytes of pairs of hexadecimal digits; at least one.
fn from_hex(digits: &[u8]) -> Option<Field> {
    hex::decode(digits).map(Zeroizing::new).filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests;
