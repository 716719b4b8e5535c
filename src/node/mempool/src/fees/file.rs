//! `fee_estimates.dat` in the format of Bitcoin Core.

use primitives::{DecodeError, Reader, put_compact_size};

use super::{FeeEstimator, stats::Stats};

const VERSION: i32 = 309_900;
const MAX_BUCKETS: usize = 1000;
const MAX_BLOCKS: usize = 6 * 24 * 7;

/// Why a file is not used.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum BadEstimates {
    /// It is from a later program.
    #[error("File version ({0}) too high to be read.")]
    TooNew(i32),
    /// It is from an earlier one.
    #[error("File version ({0}) incompatible: Too old to be read")]
    TooOld(i32),
    /// Heights that cannot be.
    #[error("Corrupt estimates file. Historical block range for estimates is invalid")]
    History,
    /// Too few or too many buckets.
    #[error("Corrupt estimates file. Must have between 2 and 1000 feerate buckets")]
    Buckets,
    /// A decay that does not fade, or forgets all.
    #[error("Corrupt estimates file. Decay must be between 0 and 1 (non-inclusive)")]
    Decay,
    /// Periods of nothing.
    #[error("Corrupt estimates file. Scale must be non-zero")]
    Scale,
    /// Too few or too many periods.
    #[error("Corrupt estimates file.  Must maintain estimates for between 1 and 1008 (one week) confirms")]
    Blocks,
    /// A table of another size than the others.
    #[error("Corrupt estimates file. Mismatch in bucket count")]
    Table,
    /// It breaks off.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    put_compact_size(out, values.len());
    for value in values {
        out.extend(value.to_bits().to_le_bytes());
    }
}

fn put_tables(out: &mut Vec<u8>, tables: &[Vec<f64>]) {
    put_compact_size(out, tables.len());
    for table in tables {
        put_floats(out, table);
    }
}

fn float(reader: &mut Reader<'_>) -> Result<f64, BadEstimates> {
    Ok(f64::from_bits(reader.u64()?))
}

fn floats(reader: &mut Reader<'_>, expected: Option<usize>) -> Result<Vec<f64>, BadEstimates> {
    let count = reader.compact_size()?;
    if expected.is_some_and(|expected| count != expected) {
        return Err(BadEstimates::Table);
    }
    if count > MAX_BUCKETS {
        return Err(BadEstimates::Buckets);
    }
    (0..count).map(|_| float(reader)).collect()
}

fn tables(reader: &mut Reader<'_>, buckets: usize) -> Result<Vec<Vec<f64>>, BadEstimates> {
    let count = reader.compact_size()?;
    if count > MAX_BLOCKS {
        return Err(BadEstimates::Blocks);
    }
    (0..count).map(|_| floats(reader, Some(buckets))).collect()
}

impl Stats {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.decay.to_bits().to_le_bytes());
        out.extend(self.scale.to_le_bytes());
        put_floats(out, &self.rates);
        put_floats(out, &self.count);
        put_tables(out, &self.confirmed);
        put_tables(out, &self.failed);
    }

    fn read(reader: &mut Reader<'_>, buckets: usize) -> Result<Self, BadEstimates> {
        let decay = float(reader)?;
        if !(decay > 0.0 && decay < 1.0) {
            return Err(BadEstimates::Decay);
        }
        let scale = reader.u32()?;
        if scale == 0 {
            return Err(BadEstimates::Scale);
        }
        let rates = floats(reader, Some(buckets))?;
        let count = floats(reader, Some(buckets))?;
        let confirmed = tables(reader, buckets)?;
        let blocks = usize::try_from(scale).unwrap_or(usize::MAX).saturating_mul(confirmed.len());
        if blocks == 0 || blocks > MAX_BLOCKS {
            return Err(BadEstimates::Blocks);
        }
        let failed = tables(reader, buckets)?;
        if failed.len() != confirmed.len() {
            return Err(BadEstimates::Table);
        }
        Ok(Self::of(decay, scale, rates, count, confirmed, failed))
    }
}

impl FeeEstimator {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = VERSION.to_le_bytes().to_vec();
        out.extend(self.best_height.to_le_bytes());
        let newer = self.span() > self.historical_span() / 2;
        let (first, best) = if newer { (self.first_recorded, self.best_height) } else { self.history };
        out.extend(first.to_le_bytes());
        out.extend(best.to_le_bytes());
        put_floats(&mut out, &self.buckets);
        for stats in [&self.medium, &self.short, &self.long] {
            stats.write(&mut out);
        }
        out
    }

    /// Reads a file. Nothing of a damaged one is used.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadEstimates> {
        let mut reader = Reader::new(bytes);
        match reader.i32()? {
            VERSION => {}
            newer if newer > VERSION => return Err(BadEstimates::TooNew(newer)),
            older => return Err(BadEstimates::TooOld(older)),
        }
        let (best_height, first, best) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if first > best || best > best_height {
            return Err(BadEstimates::History);
        }
        let buckets = floats(&mut reader, None)?;
        if buckets.len() <= 1 || !buckets.is_sorted() {
            return Err(BadEstimates::Buckets);
        }
        let count = buckets.len();
        let medium = Stats::read(&mut reader, count)?;
        let short = Stats::read(&mut reader, count)?;
        let long = Stats::read(&mut reader, count)?;
        Ok(Self { buckets, short, medium, long, best_height, history: (first, best), ..Self::default() })
    }
}
