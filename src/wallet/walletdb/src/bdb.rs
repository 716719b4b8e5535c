//! Reading legacy wallets: Berkeley DB files, without Berkeley DB.
//!
//! A file is a row of pages of one size. The first describes a B-tree whose only entry is the name `main` and the page
//! that describes the B-tree of records. Inner pages of a tree point to other pages; leaves have keys and values in turns.
//! What is too long for a leaf is in a chain of overflow pages.
//!
//! Only files that were closed properly are read, since what is missing from others is in logs elsewhere. A page is read
//! once at most, so a file that points in circles, or to one page from everywhere, costs no more than an honest one.

mod error;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use self::error::BdbError;
use crate::locate::bdb_file;

/// The records of a legacy wallet.
#[derive(Debug)]
pub struct BdbFile {
    path: PathBuf,
    records: BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>,
}

impl BdbFile {
    /// Reads the legacy wallet at a path that [`crate::wallet_path`] has given.
    pub fn open(path: &Path) -> Result<Self, BdbError> {
        let path = bdb_file(path);
        let bytes = fs::read(&path).map(Zeroizing::new).map_err(|_| BdbError::Open)?;
        Ok(Self { records: read(&bytes)?, path })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keys and values, in the order of the keys.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.records.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

const META: u8 = 9;
const INNER: u8 = 3;
const LEAF: u8 = 5;
const OVERFLOW: u8 = 7;

const DATA_ENTRY: u8 = 1;
const OVERFLOW_ENTRY: u8 = 3;
const DELETED: u8 = 0x80;

const PAGE_HEADER: usize = 26;
const MAGIC: u32 = 0x0005_3162;

/// Numbers in the byte order of the machine that wrote the file.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    bytes: &'a [u8],
    swapped: bool,
}

impl<'a> Bytes<'a> {
    fn at(self, offset: usize, length: usize) -> Option<&'a [u8]> {
        self.bytes.get(offset..offset.checked_add(length)?)
    }

    fn u8(self, offset: usize) -> Option<u8> {
        self.bytes.get(offset).copied()
    }

    fn u16(self, offset: usize) -> Option<u16> {
        let bytes = self.at(offset, 2)?.try_into().ok()?;
        Some(if self.swapped { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(self, offset: usize) -> Option<u32> {
        let bytes = self.at(offset, 4)?.try_into().ok()?;
        Some(if self.swapped { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

/// What a page says of a tree.
struct Meta {
    page_size: u32,
    last_page: u32,
    root: u32,
}

fn read_meta(bytes: &[u8], expected_page: u32) -> Result<(Meta, bool), BdbError> {
    let native = Bytes { bytes, swapped: false };
    let swapped = native.u32(12).ok_or(BdbError::NoPage)?.swap_bytes() == MAGIC;
    let page = Bytes { bytes, swapped };
    let field = |offset| page.u32(offset).ok_or(BdbError::NoPage);
    let kind = page.u8(25).ok_or(BdbError::NoPage)?;
    let (page_size, flags) = (field(20)?, field(48)?);
    let checks = [
        (field(8)? == expected_page, BdbError::MetaPageNumber),
        (field(12)? == MAGIC, BdbError::Magic),
        (field(16)? == 9, BdbError::Version),
        ((512..=65536).contains(&page_size) && page_size.is_power_of_two(), BdbError::PageSize),
        (kind == META, BdbError::MetaType),
        (flags == 0x20, BdbError::Flags),
        (page.u8(24) == Some(0), BdbError::Encrypted),
    ];
    for (holds, error) in checks {
        if !holds {
            return Err(error);
        }
    }
    Ok((Meta { page_size, last_page: field(32)?, root: field(88)? }, swapped))
}

/// A page of a tree.
struct Page<'a> {
    bytes: Bytes<'a>,
    next: u32,
    entries: u16,
    free: u16,
    level: u8,
    kind: u8,
}

/// An entry of a page.
struct Entry<'a> {
    kind: u8,
    deleted: bool,
    body: Bytes<'a>,
}

impl<'a> Page<'a> {
    /// The place, within the page, of the header of each entry.
    fn entries(&self) -> impl Iterator<Item = Result<usize, BdbError>> {
        let (bytes, count) = (self.bytes, usize::from(self.entries));
        (0..count).map(move |number| {
            let place = bytes.u16(PAGE_HEADER + 2 * number).map(usize::from);
            // An entry is behind the list that tells where it is.
            place.filter(|place| *place >= PAGE_HEADER + 2 * (number + 1)).ok_or(BdbError::Position)
        })
    }

    /// An entry of a leaf: the data, or where the data is.
    fn entry(&self, place: usize) -> Option<Entry<'a>> {
        let (length, kind) = (usize::from(self.bytes.u16(place)?), self.bytes.u8(place + 2)?);
        let (start, length) = if kind & !DELETED == OVERFLOW_ENTRY { (place + 4, 8) } else { (place + 3, length) };
        let body = Bytes { bytes: self.bytes.at(start, length)?, swapped: self.bytes.swapped };
        Some(Entry { kind: kind & !DELETED, deleted: kind & DELETED != 0, body })
    }

    /// The entries of a leaf, without those that were deleted and only not yet removed.
    fn pairs(&self) -> Result<Vec<[Entry<'a>; 2]>, BdbError> {
        let mut entries = Vec::new();
        for place in self.entries() {
            let entry = self.entry(place?).ok_or(BdbError::Position)?;
            if !matches!(entry.kind, DATA_ENTRY | OVERFLOW_ENTRY) {
                return Err(BdbError::RecordType);
            }
            entries.push(entry);
        }
        let mut pairs = Vec::new();
        let mut entries = entries.into_iter();
        while let Some(key) = entries.next() {
            let value = entries.next().ok_or(BdbError::Odd)?;
            if !key.deleted && !value.deleted {
                pairs.push([key, value]);
            }
        }
        Ok(pairs)
    }
}

/// A file, and which of its pages were read.
struct Tree<'a> {
    bytes: &'a [u8],
    page_size: usize,
    swapped: bool,
    seen: BTreeSet<u32>,
}

impl<'a> Tree<'a> {
    fn bytes_of(&self, number: u32) -> Result<&'a [u8], BdbError> {
        let start = usize::try_from(number).ok().and_then(|number| number.checked_mul(self.page_size));
        let page = start.and_then(|start| self.bytes.get(start..start.checked_add(self.page_size)?));
        page.ok_or(BdbError::NoPage)
    }

    fn page(&mut self, number: u32) -> Result<Page<'a>, BdbError> {
        let bytes = Bytes { bytes: self.bytes_of(number)?, swapped: self.swapped };
        if !self.seen.insert(number) {
            return Err(BdbError::Twice);
        }
        let fields = || {
            let (own, next) = (bytes.u32(8)?, bytes.u32(16)?);
            let (entries, free) = (bytes.u16(20)?, bytes.u16(22)?);
            Some((own, Page { bytes, next, entries, free, level: bytes.u8(24)?, kind: bytes.u8(25)? }))
        };
        let (own, page) = fields().ok_or(BdbError::NoPage)?;
        if own != number {
            return Err(BdbError::PageNumber);
        }
        if (page.kind == OVERFLOW) != (page.level == 0) {
            return Err(BdbError::BadLevel);
        }
        Ok(page)
    }

    /// The bytes of an entry of a leaf.
    fn data(&mut self, entry: &Entry<'a>) -> Result<Zeroizing<Vec<u8>>, BdbError> {
        if entry.kind == DATA_ENTRY {
            return Ok(Zeroizing::new(entry.body.bytes.to_vec()));
        }
        let (first, length) = (entry.body.u32(0), entry.body.u32(4).and_then(|length| usize::try_from(length).ok()));
        let (mut next, length) = (first.ok_or(BdbError::Position)?, length.ok_or(BdbError::OverflowLength)?);
        if length > self.bytes.len() {
            return Err(BdbError::OverflowLength);
        }
        let mut data = Zeroizing::new(Vec::with_capacity(length));
        while next != 0 {
            let page = self.page(next)?;
            if page.kind != OVERFLOW {
                return Err(BdbError::OverflowType);
            }
            let part = page.bytes.at(PAGE_HEADER, usize::from(page.free)).ok_or(BdbError::Position)?;
            if data.len() + part.len() > length {
                return Err(BdbError::OverflowData);
            }
            data.extend_from_slice(part);
            next = page.next;
        }
        Ok(data)
    }

    /// The page that describes the tree of records, from the root of the tree of names.
    fn main(&mut self, root: u32) -> Result<u32, BdbError> {
        let page = self.page(root)?;
        if page.kind != LEAF {
            return Err(BdbError::OuterRoot);
        }
        if page.entries != 2 {
            return Err(BdbError::OuterEntries);
        }
        let pairs = page.pairs()?;
        let [name, place] = pairs.first().ok_or(BdbError::Name)?;
        if name.kind != DATA_ENTRY || name.body.bytes != b"main" {
            return Err(BdbError::Name);
        }
        // This number is not in the byte order of the machine.
        let place = Some(place).filter(|place| place.kind == DATA_ENTRY);
        let place: [u8; 4] = place.and_then(|place| place.body.bytes.try_into().ok()).ok_or(BdbError::NameValue)?;
        Ok(u32::from_be_bytes(place))
    }
}

/// All records of a file.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>, BdbError> {
    let (outer, swapped) = read_meta(bytes, 0)?;
    let page_size = usize::try_from(outer.page_size).map_err(|_| BdbError::PageSize)?;
    let mut tree = Tree { bytes, page_size, swapped, seen: BTreeSet::new() };
    let pages = u32::try_from(bytes.len() / page_size).map_err(|_| BdbError::LastPage)?;
    if outer.last_page.checked_add(1) != Some(pages) {
        return Err(BdbError::LastPage);
    }
    for number in 0..pages {
        let page = Bytes { bytes: tree.bytes_of(number)?, swapped };
        if (page.u32(0), page.u32(4)) != (Some(0), Some(1)) {
            return Err(BdbError::NotFlushed);
        }
    }
    let main = tree.main(outer.root)?;
    if main > outer.last_page {
        return Err(BdbError::PageTooHigh);
    }
    let (inner, _) = read_meta(tree.bytes_of(main)?, main)?;
    if inner.page_size != outer.page_size {
        return Err(BdbError::InnerPageSize);
    }
    if inner.last_page > outer.last_page {
        return Err(BdbError::InnerLastPage);
    }
    let mut records = BTreeMap::new();
    let mut waiting = vec![(inner.root, None)];
    while let Some((number, level)) = waiting.pop() {
        let page = tree.page(number)?;
        if level.is_some_and(|level| level != page.level) {
            return Err(BdbError::Level);
        }
        match page.kind {
            INNER => {
                for place in page.entries() {
                    let place = place?;
                    let kind = page.bytes.u8(place + 2).ok_or(BdbError::Position)?;
                    // A long key in an inner page is in an overflow page. It is of no interest here.
                    if !matches!(kind & !DELETED, DATA_ENTRY | OVERFLOW_ENTRY) {
                        return Err(BdbError::InternalType);
                    }
                    let child = page.bytes.u32(place + 4).ok_or(BdbError::Position)?;
                    if kind & DELETED == 0 {
                        waiting.push((child, Some(page.level - 1)));
                    }
                }
            }
            LEAF if page.level != 1 => return Err(BdbError::LeafLevel),
            LEAF => {
                for [key, value] in page.pairs()? {
                    let (key, value) = (tree.data(&key)?.to_vec(), tree.data(&value)?);
                    records.entry(key).or_insert(value);
                }
            }
            _ => return Err(BdbError::PageType),
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests;
