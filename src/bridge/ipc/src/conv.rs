//! Between plain data and the wire: one trait for each shape that a field can have.
//!
//! A missing pointer is a default, as Core reads it: an absent hash is zero, an absent list is empty, an absent option is
//! `None`. Bytes that are there but do not fit are an error with the text of Core's deserializer, which clients match.

use std::time::Duration;

use capnp::struct_list;
use capnp::traits::OwnedStruct;
use interfaces::{
    BlockHash, Bytes, Coin, Json, MerkleHash, RawBlock, RawHeader, RawTx, Script, Secret, Txid, Wait, Wtxid,
};

use crate::wire::chain_capnp::maybe_coin;

/// What Core's deserializer says of data that ends early.
const END_OF_DATA: &str = "std::exception: SpanReader::read(): end of data: unspecified iostream_category error";
/// Waits of this many milliseconds and more (some 30 years) are for ever.
const FOREVER_MILLIS: f64 = 1e12;

/// Numbers, flags and enums.
pub(crate) trait Scalar<Wire>: Sized {
    fn to_wire(&self) -> capnp::Result<Wire>;
    fn from_wire(wire: Wire) -> capnp::Result<Self>;
}

macro_rules! scalar {
    ($($name:ty)*) => {$(
        impl Scalar<$name> for $name {
            fn to_wire(&self) -> capnp::Result<$name> {
                Ok(*self)
            }
            fn from_wire(wire: $name) -> capnp::Result<Self> {
                Ok(wire)
            }
        }
    )*};
}
scalar!(bool i32 i64 u32 u64 f64);

/// Milliseconds.
impl Scalar<f64> for Wait {
    fn to_wire(&self) -> capnp::Result<f64> {
        Ok(self.bound().map_or(f64::MAX, |duration| duration.as_secs_f64() * 1000.0))
    }
    fn from_wire(wire: f64) -> capnp::Result<Self> {
        if wire >= FOREVER_MILLIS {
            return Ok(Self::Forever);
        }
        // A negative or absurd time is no time at all.
        Ok(Self::AtMost(Duration::try_from_secs_f64(wire / 1000.0).unwrap_or(Duration::ZERO)))
    }
}

/// Text. `None` leaves the field out.
pub(crate) trait Words: Sized {
    fn text(&self) -> Option<&str>;
    fn parse(text: Option<capnp::text::Reader<'_>>) -> capnp::Result<Self>;
}

fn string(text: Option<capnp::text::Reader<'_>>) -> capnp::Result<String> {
    Ok(text.map(capnp::text::Reader::to_str).transpose()?.unwrap_or_default().to_owned())
}

impl Words for String {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
    fn parse(text: Option<capnp::text::Reader<'_>>) -> capnp::Result<Self> {
        string(text)
    }
}

impl Words for Json {
    fn text(&self) -> Option<&str> {
        Some(self.as_str())
    }
    fn parse(text: Option<capnp::text::Reader<'_>>) -> capnp::Result<Self> {
        Ok(Self::new(string(text)?))
    }
}

impl Words for Secret {
    fn text(&self) -> Option<&str> {
        Some(self.expose())
    }
    fn parse(text: Option<capnp::text::Reader<'_>>) -> capnp::Result<Self> {
        Ok(Self::new(string(text)?))
    }
}

/// Bytes. `None` leaves the field out.
pub(crate) trait Blob: Sized {
    fn bytes(&self) -> Option<&[u8]>;
    fn parse(bytes: Option<&[u8]>) -> capnp::Result<Self>;
}

macro_rules! hash_blob {
    ($($name:ident)*) => {$(
        impl Blob for $name {
            fn bytes(&self) -> Option<&[u8]> {
                Some(self.as_bytes())
            }
            fn parse(bytes: Option<&[u8]>) -> capnp::Result<Self> {
                let Some(bytes) = bytes else { return Ok(Self::default()) };
                let bytes = bytes.first_chunk().ok_or_else(|| capnp::Error::failed(END_OF_DATA.to_owned()))?;
                Ok(Self::from_bytes(*bytes))
            }
        }
    )*};
}
hash_blob!(BlockHash MerkleHash Txid Wtxid);

macro_rules! blob {
    ($($name:ident)*) => {$(
        impl Blob for $name {
            fn bytes(&self) -> Option<&[u8]> {
                Some(self.as_bytes())
            }
            fn parse(bytes: Option<&[u8]>) -> capnp::Result<Self> {
                Ok(Self::new(bytes.unwrap_or_default()))
            }
        }

        /// Empty is `None`: no transaction, block or script that means anything is empty.
        impl Blob for Option<$name> {
            fn bytes(&self) -> Option<&[u8]> {
                self.as_ref().map($name::as_bytes)
            }
            fn parse(bytes: Option<&[u8]>) -> capnp::Result<Self> {
                Ok(bytes.filter(|bytes| !bytes.is_empty()).map($name::new))
            }
        }
    )*};
}
blob!(Bytes RawBlock RawHeader RawTx Script);

/// Structs.
pub(crate) trait Record: Sized {
    type Wire: OwnedStruct;
    fn build(&self, builder: <Self::Wire as OwnedStruct>::Builder<'_>) -> capnp::Result<()>;
    fn read(reader: <Self::Wire as OwnedStruct>::Reader<'_>) -> capnp::Result<Self>;
}

/// An option in a list needs a struct around it: the elements of a list are never absent.
impl Record for Option<Coin> {
    type Wire = maybe_coin::Owned;
    fn build(&self, mut builder: maybe_coin::Builder<'_>) -> capnp::Result<()> {
        match self {
            Some(coin) => coin.build(builder.reborrow().init_coin()),
            None => Ok(()),
        }
    }
    fn read(reader: maybe_coin::Reader<'_>) -> capnp::Result<Self> {
        if reader.has_coin() { Ok(Some(Record::read(reader.get_coin()?)?)) } else { Ok(None) }
    }
}

/// The length of a list, as the wire counts.
pub(crate) fn length<T>(list: &[T]) -> capnp::Result<u32> {
    // The format has 29 bits for it.
    u32::try_from(list.len())
        .ok()
        .filter(|length| *length < 1 << 29)
        .ok_or_else(|| capnp::Error::failed("std::exception: a list is too long to send".to_owned()))
}

/// An interface that must be there.
pub(crate) fn there<T>(value: Option<T>) -> capnp::Result<T> {
    value.ok_or_else(|| capnp::Error::failed("std::exception: an interface is missing".to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "called like its siblings by generated code")]
pub(crate) fn put_data_list<T: Blob>(mut builder: capnp::data_list::Builder<'_>, list: &[T]) -> capnp::Result<()> {
    for (index, item) in (0..builder.len()).zip(list) {
        if let Some(bytes) = item.bytes() {
            builder.set(index, bytes);
        }
    }
    Ok(())
}

pub(crate) fn get_data_list<T: Blob>(reader: capnp::data_list::Reader<'_>) -> capnp::Result<Vec<T>> {
    reader.iter().map(|item| T::parse(Some(item?))).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "called like its siblings by generated code")]
pub(crate) fn put_text_list<T: Words>(mut builder: capnp::text_list::Builder<'_>, list: &[T]) -> capnp::Result<()> {
    for (index, item) in (0..builder.len()).zip(list) {
        builder.set(index, item.text().unwrap_or_default());
    }
    Ok(())
}

pub(crate) fn get_text_list<T: Words>(reader: capnp::text_list::Reader<'_>) -> capnp::Result<Vec<T>> {
    reader.iter().map(|item| T::parse(Some(item?))).collect()
}

pub(crate) fn put_scalar_list<W, T>(mut builder: capnp::primitive_list::Builder<'_, W>, list: &[T]) -> capnp::Result<()>
where
    W: capnp::private::layout::PrimitiveElement + capnp::introspect::Introspect,
    T: Scalar<W>,
{
    for (index, item) in (0..builder.len()).zip(list) {
        builder.set(index, item.to_wire()?);
    }
    Ok(())
}

pub(crate) fn get_scalar_list<W, T>(reader: capnp::primitive_list::Reader<'_, W>) -> capnp::Result<Vec<T>>
where
    W: capnp::private::layout::PrimitiveElement + capnp::introspect::Introspect,
    T: Scalar<W>,
{
    reader.iter().map(T::from_wire).collect()
}

pub(crate) fn put_record_list<T: Record>(
    mut builder: struct_list::Builder<'_, T::Wire>,
    list: &[T],
) -> capnp::Result<()> {
    for (index, item) in (0..builder.len()).zip(list) {
        item.build(builder.reborrow().get(index))?;
    }
    Ok(())
}

pub(crate) fn get_record_list<T: Record>(reader: struct_list::Reader<'_, T::Wire>) -> capnp::Result<Vec<T>> {
    reader.iter().map(T::read).collect()
}
