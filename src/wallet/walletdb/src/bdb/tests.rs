//! Files that Berkeley DB 5.3 wrote on machines of either byte order, and files that nobody writes.
//!
//! Their pages are small, so that there are inner pages, overflow pages and a key that is too long for its page. The dump
//! beside them is what Bitcoin Core's tool says is in each.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

#[test]
fn both_byte_orders_say_what_the_dump_says() {
    let expected = file("legacy.dump");
    for name in ["legacy-little.bdb", "legacy-big.bdb"] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("wallet.dat"), file(name)).unwrap();
        let wallet = BdbFile::open(directory.path()).unwrap();
        assert_eq!(wallet.records().count(), 53);
        let dump = directory.path().join("out.dump");
        crate::dump_legacy(&wallet, &dump).unwrap();
        assert_eq!(fs::read(dump).unwrap(), expected, "{name}");
        // The path may be the file itself.
        assert_eq!(BdbFile::open(&directory.path().join("wallet.dat")).unwrap().records().count(), 53);
    }
    assert_eq!(BdbFile::open(Path::new("absent")).unwrap_err(), BdbError::Open);
}

/// The error after bytes of the file were replaced.
fn after(place: usize, bytes: &[u8]) -> BdbError {
    let mut changed = file("legacy-little.bdb");
    changed[place..][..bytes.len()].copy_from_slice(bytes);
    read(&changed).unwrap_err()
}

#[test]
fn heads_are_checked() {
    let whole = file("legacy-little.bdb");
    assert!(read(&whole).is_ok());
    assert_eq!(after(8, &[1]), BdbError::MetaPageNumber);
    assert_eq!(after(12, &[0]), BdbError::Magic);
    assert_eq!(after(16, &[8]), BdbError::Version);
    assert_eq!(after(20, &[1]), BdbError::PageSize);
    assert_eq!(after(25, &[8]), BdbError::MetaType);
    assert_eq!(after(48, &[0x21]), BdbError::Flags);
    assert_eq!(after(24, &[1]), BdbError::Encrypted);
    assert_eq!(after(32, &[9]), BdbError::LastPage);
    assert_eq!(after(512 * 5, &[1]), BdbError::NotFlushed);
    assert_eq!(after(512 * 5 + 4, &[2]), BdbError::NotFlushed);
    assert_eq!(read(&[]).unwrap_err(), BdbError::NoPage);
    assert_eq!(read(&whole[..512]).unwrap_err(), BdbError::LastPage);
}

/// The number of the first page of a kind.
fn first_of(kind: u8) -> usize {
    let whole = file("legacy-little.bdb");
    // The first pages are those of the tree of names.
    (3..whole.len() / 512).find(|number| whole[number * 512 + 25] == kind).unwrap()
}

#[test]
fn trees_that_are_none_are_refused() {
    let leaf = first_of(LEAF) * 512;
    assert_eq!(after(leaf + 8, &[0xff]), BdbError::PageNumber);
    assert_eq!(after(leaf + 24, &[0]), BdbError::BadLevel);
    assert_eq!(after(leaf + 24, &[3]), BdbError::Level);
    assert_eq!(after(leaf + 25, &[8]), BdbError::PageType);
    assert_eq!(after(leaf + PAGE_HEADER, &[3, 0]), BdbError::Position);
    let whole = file("legacy-little.bdb");
    let count = whole[leaf + 20];
    assert_eq!(after(leaf + 20, &[count - 1]), BdbError::Odd);
    let inner = first_of(INNER) * 512;
    let place = usize::from(u16::from_le_bytes([whole[inner + PAGE_HEADER], whole[inner + PAGE_HEADER + 1]]));
    assert_eq!(after(inner + place + 2, &[9]), BdbError::InternalType);
    let child = &whole[inner + place + 4..][..4];
    let second = usize::from(u16::from_le_bytes([whole[inner + PAGE_HEADER + 2], whole[inner + PAGE_HEADER + 3]]));
    assert_eq!(after(inner + second + 4, child), BdbError::Twice);
    let overflow = first_of(OVERFLOW) * 512;
    assert_eq!(after(overflow + 16, &whole[overflow + 8..][..4]), BdbError::Twice);
    assert_eq!(after(overflow + 22, &[0xff, 0xff]), BdbError::Position);
}

#[test]
fn deleted_entries_are_left_out() {
    let leaf = first_of(LEAF) * 512;
    let mut changed = file("legacy-little.bdb");
    let before = read(&changed).unwrap().len();
    let place = usize::from(u16::from_le_bytes([changed[leaf + PAGE_HEADER + 2], changed[leaf + PAGE_HEADER + 3]]));
    changed[leaf + place + 2] |= DELETED;
    assert_eq!(read(&changed).unwrap().len(), before - 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damage_never_panics(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for name in ["legacy-little.bdb", "legacy-big.bdb"] {
            let mut bytes = file(name);
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            crate::fuzz::legacy(&bytes);
        }
    }

    #[test]
    fn damage_to_what_points_never_panics(
        page in any::<prop::sample::Index>(),
        place in 0_usize..60,
        number in prop_oneof![any::<u16>(), 0_u16..600],
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = file("legacy-little.bdb");
        let page = page.index(bytes.len() / 512);
        bytes[page * 512 + place..][..2].copy_from_slice(&number.to_le_bytes());
        crate::fuzz::legacy(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        crate::fuzz::legacy(&bytes);
    }
}
