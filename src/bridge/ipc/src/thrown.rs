//! Between results and exceptions. The wire has one level of errors, the traits have two.
//!
//! What Core's methods throw arrives as `std::exception: TEXT`. A method whose answer can fail turns that into its inner
//! error; any other exception, and that one in other methods, is a failure of the road.

use interfaces::{Answer, Call, Failure, IpcError};

/// What C++ puts before the text of an exception that the program itself threw.
const PROGRAM: &str = "std::exception: ";
/// What every implementation puts before an exception that came over the wire.
const REMOTE: &str = "remote exception: ";

#[derive(Debug)]
pub(crate) enum Thrown {
    /// The domain's own failure.
    Domain(String),
    /// Everything else.
    Road(IpcError),
}

impl Thrown {
    pub(crate) fn from_plain<T>(result: Call<T>) -> Result<T, Self> {
        result.map_err(Self::Road)
    }

    pub(crate) fn from_answer<T>(result: Call<Answer<T>>) -> Result<T, Self> {
        result.map_err(Self::Road)?.map_err(|failure| Self::Domain(failure.0))
    }

    pub(crate) fn into_plain<T>(result: Result<T, Self>) -> Call<T> {
        result.map_err(|thrown| match thrown {
            Self::Domain(text) => IpcError::Remote(text),
            Self::Road(error) => error,
        })
    }

    pub(crate) fn into_answer<T>(result: Result<T, Self>) -> Call<Answer<T>> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Domain(text)) => Ok(Err(Failure(text))),
            Err(Self::Road(error)) => Err(error),
        }
    }
}

/// As it goes out.
impl From<Thrown> for capnp::Error {
    fn from(thrown: Thrown) -> Self {
        match thrown {
            Thrown::Domain(text) => Self::failed(format!("{PROGRAM}{text}")),
            Thrown::Road(IpcError::Unimplemented(text)) => Self::unimplemented(text),
            Thrown::Road(error) => Self::failed(format!("{PROGRAM}{error}")),
        }
    }
}

/// As it comes in.
impl From<capnp::Error> for Thrown {
    fn from(error: capnp::Error) -> Self {
        let text = error.extra.strip_prefix(REMOTE).unwrap_or(&error.extra);
        match error.kind {
            capnp::ErrorKind::Disconnected => Self::Road(IpcError::Interrupted),
            capnp::ErrorKind::Unimplemented => Self::Road(IpcError::Unimplemented(text.to_owned())),
            capnp::ErrorKind::Failed => match text.strip_prefix(PROGRAM) {
                Some(text) => Self::Domain(text.to_owned()),
                None => Self::Road(IpcError::Remote(text.to_owned())),
            },
            _ => Self::Road(IpcError::Remote(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use interfaces::{Failure, IpcError};

    use super::Thrown;

    #[test]
    fn a_failure_survives_the_wire() {
        let out = capnp::Error::from(Thrown::from_answer::<()>(Ok(Err(Failure::new("no funds")))).unwrap_err());
        assert_eq!(out.extra, "std::exception: no funds");
        let arrived = capnp::Error::failed(format!("remote exception: {}", out.extra));
        assert_eq!(Thrown::into_answer::<()>(Err(arrived.clone().into())), Ok(Err(Failure::new("no funds"))));
        assert_eq!(Thrown::into_plain::<()>(Err(arrived.into())), Err(IpcError::Remote("no funds".into())));
    }

    #[test]
    fn the_road_is_not_the_answer() {
        let gone = capnp::Error::disconnected("Peer disconnected.".into());
        assert_eq!(Thrown::into_answer::<()>(Err(gone.into())), Err(IpcError::Interrupted));
        let old = capnp::Error::unimplemented("remote exception: Method not implemented.".into());
        assert_eq!(
            Thrown::into_plain::<()>(Err(old.into())),
            Err(IpcError::Unimplemented("Method not implemented.".into()))
        );
    }
}
