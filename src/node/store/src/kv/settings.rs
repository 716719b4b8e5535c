//! How RocksDB is set up.

use rocksdb::{BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, Options};

use super::Access;

/// Whether tables are read as memory. Not on Windows, where a file that is read like this cannot be removed.
const MAPPED: bool = cfg!(unix);

/// What holds for a whole database.
pub(super) fn db_options() -> Result<Options, rocksdb::Error> {
    // What the log holds stays in the log until there is enough of it for a table: a start then writes next to nothing.
    // The list of files is short: room for megabytes of it, which is the default, would be most of a young database.
    let unnamed = "avoid_flush_during_recovery=true;manifest_preallocation_size=65536";
    let mut o = Options::default().get_options_from_string(unnamed)?;
    o.create_if_missing(true);
    o.create_missing_column_families(true);
    o.set_max_open_files(256);
    o.set_max_background_jobs(2);
    // Else sixteen threads come and go for each family that is opened, for the few files that are looked at.
    o.set_max_file_opening_threads(1);
    o.set_keep_log_file_num(2);
    o.set_max_log_file_size(1 << 20);
    o.set_log_level(rocksdb::LogLevel::Warn);
    o.set_bytes_per_sync(1 << 20);
    // Opening must not touch every table file: that is what a cold start waits for.
    o.set_skip_stats_update_on_db_open(true);
    // A coin is looked up once and never again, so a page that is copied and kept for it is kept in vain: it is read where
    // the system has it. The daemon ends in order if the disk does not give one (platform::pages).
    o.set_allow_mmap_reads(MAPPED);
    Ok(o)
}

/// What holds for a family.
pub(super) fn family_options(access: Access, cache: &Cache, buffer: usize) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_format_version(6);
    // As memory they stay where they are in the file, checked once when the table is opened and not for each question.
    table.set_cache_index_and_filter_blocks(!MAPPED);
    table.set_pin_l0_filter_and_index_blocks_in_cache(!MAPPED);
    if access == Access::Point {
        table.set_bloom_filter(10.0, false);
        table.set_whole_key_filtering(true);
        table.set_block_size(4 << 10);
        if !MAPPED {
            // A table's index and filter are a megabyte, and the cache for all tables is a few: whole ones would push each
            // other out. In parts, a question reads what it needs of them.
            table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
            table.set_partition_filters(true);
            table.set_metadata_block_size(4 << 10);
            table.set_pin_top_level_index_and_filter(true);
        }
    } else {
        table.set_block_size(16 << 10);
    }
    let mut o = Options::default();
    o.set_block_based_table_factory(&table);
    // Nearly all that is asked for is there. A filter of the largest level says so, and is most of what all filters take.
    o.set_optimize_filters_for_hits(access == Access::Point);
    o.set_compression_type(DBCompressionType::None);
    o.set_write_buffer_size(buffer);
    o.set_max_write_buffer_number(3);
    o.set_level_compaction_dynamic_level_bytes(true);
    o.set_target_file_size_base(32 << 20);
    o
}
