//! What can be wrong with a legacy wallet.

/// Why a legacy wallet cannot be read. The texts are the daemon's where it has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BdbError {
    /// The file does not open.
    #[error("BerkeleyRODatabase: Failed to open database file")]
    Open,
    /// It ends too early.
    #[error("BerkeleyRODatabase: Page is not in the file")]
    NoPage,
    /// A page that describes a tree is another page.
    #[error("Meta page number mismatch")]
    MetaPageNumber,
    /// The magic is wrong.
    #[error("Not a BDB file")]
    Magic,
    /// Another release of Berkeley DB wrote it.
    #[error("Unsupported BDB data file version number")]
    Version,
    /// Pages cannot be of that size.
    #[error("Bad page size")]
    PageSize,
    /// It is no B-tree.
    #[error("Unexpected page type, should be 9 (BTree Metadata)")]
    MetaType,
    /// It is a B-tree for something else.
    #[error("Unexpected database flags, should only be 0x20 (subdatabases)")]
    Flags,
    /// The file is longer or shorter than it says.
    #[error("Last page number could not fit in file")]
    LastPage,
    /// Berkeley DB has encrypted it.
    #[error("BDB builtin encryption is not supported")]
    Encrypted,
    /// It was not closed properly.
    #[error(
        "LSNs are not reset, this database is not completely flushed. Please reopen then close the database with a version \
         that has BDB support"
    )]
    NotFlushed,
    /// The tree of names is more than a leaf.
    #[error("Unexpected outer database root page type")]
    OuterRoot,
    /// There is not exactly one name.
    #[error("Unexpected number of entries in outer database root page")]
    OuterEntries,
    /// It is another name.
    #[error("Subdatabase has an unexpected name")]
    Name,
    /// Behind the name is no page.
    #[error("Subdatabase page number has unexpected length")]
    NameValue,
    /// A page number is too high.
    #[error("Page number is greater than database last page")]
    PageTooHigh,
    /// The inner tree has pages of another size.
    #[error("Unexpected page size")]
    InnerPageSize,
    /// The inner tree ends behind the file.
    #[error("Subdatabase last page is greater than database last page")]
    InnerLastPage,
    /// A page is another page.
    #[error("Page number mismatch")]
    PageNumber,
    /// A page is at no level, or an overflow page is at one.
    #[error("Bad btree level")]
    BadLevel,
    /// A page is at another level than the one that points to it says.
    #[error("BTree page has an unexpected level")]
    Level,
    /// A leaf is not at the lowest level.
    #[error("BTree Leaf page is not at level 1")]
    LeafLevel,
    /// A page of a tree is neither inner page nor leaf.
    #[error("Unexpected page type")]
    PageType,
    /// Two ways lead to one page.
    #[error("BTree page is referenced more than once")]
    Twice,
    /// An entry is outside of its page.
    #[error("Data record position not in page")]
    Position,
    /// An entry of a leaf is of another kind than all are.
    #[error("Unknown record type in records page")]
    RecordType,
    /// An entry of an inner page is.
    #[error("Unknown record type in internal page")]
    InternalType,
    /// A leaf has a key without a value.
    #[error("Records page has odd number of records")]
    Odd,
    /// An entry is longer than the file.
    #[error("Overflow record has an impossible length")]
    OverflowLength,
    /// The chain of an entry leads to another page.
    #[error("Bad overflow record page type")]
    OverflowType,
    /// The chain of an entry is longer than the entry says.
    #[error("Overflow record data is larger than stated size")]
    OverflowData,
}
