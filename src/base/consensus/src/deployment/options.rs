//! The options that move activations: `-testactivationheight` and `-vbparams`.

use thiserror::Error;

use super::{Buried, Start};

/// Why such an option is refused. The texts are the daemon's.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BadOption {
    /// There is no `@`.
    #[error("Invalid format ({0}) for -testactivationheight=name@height.")]
    ActivationFormat(String),
    /// The height is not a number from 0 to 2147483646.
    #[error("Invalid height value ({0}) for -testactivationheight=name@height.")]
    ActivationHeight(String),
    /// There is no such upgrade.
    #[error("Invalid name ({0}) for -testactivationheight=name@height.")]
    ActivationName(String),
    /// There are not three or four parts.
    #[error("Version bits parameters malformed, expecting deployment:start:end[:min_activation_height]")]
    SignalFormat,
    /// The start is not a number.
    #[error("Invalid nStartTime ({0})")]
    SignalStart(String),
    /// The end is not a number.
    #[error("Invalid nTimeout ({0})")]
    SignalTimeout(String),
    /// The height is not a number.
    #[error("Invalid min_activation_height ({0})")]
    SignalHeight(String),
    /// This chain has no such signalled upgrade.
    #[error("Invalid deployment ({0})")]
    SignalName(String),
}

/// `-testactivationheight=name@height`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ActivationOverride {
    /// Which upgrade.
    pub deployment: Buried,
    /// From which height.
    pub height: u32,
}

impl std::str::FromStr for ActivationOverride {
    type Err = BadOption;

    fn from_str(text: &str) -> Result<Self, BadOption> {
        let (name, height) = text.split_once('@').ok_or_else(|| BadOption::ActivationFormat(text.into()))?;
        let height = integer(height)
            .and_then(|height| i32::try_from(height).ok())
            .filter(|height| *height != i32::MAX)
            .and_then(|height| u32::try_from(height).ok())
            .ok_or_else(|| BadOption::ActivationHeight(text.into()))?;
        let deployment = Buried::from_option(name).ok_or_else(|| BadOption::ActivationName(text.into()))?;
        Ok(Self { deployment, height })
    }
}

/// `-vbparams=deployment:start:end[:min_activation_height]`. Whether the deployment exists is for the chain to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignalOverride {
    /// The name of the upgrade.
    pub name: String,
    /// When signalling starts.
    pub start: Start,
    /// When it ends.
    pub timeout: i64,
    /// The lowest height of activation.
    pub min_activation_height: i64,
}

impl std::str::FromStr for SignalOverride {
    type Err = BadOption;

    fn from_str(text: &str) -> Result<Self, BadOption> {
        let parts: Vec<_> = text.split(':').collect();
        let (name, start, timeout, height) = match parts[..] {
            [name, start, timeout] => (name, start, timeout, "0"),
            [name, start, timeout, height] => (name, start, timeout, height),
            _ => return Err(BadOption::SignalFormat),
        };
        Ok(Self {
            name: name.into(),
            start: Start::from_number(integer(start).ok_or_else(|| BadOption::SignalStart(start.into()))?),
            timeout: integer(timeout).ok_or_else(|| BadOption::SignalTimeout(timeout.into()))?,
            min_activation_height: integer(height).ok_or_else(|| BadOption::SignalHeight(height.into()))?,
        })
    }
}

/// A number as the daemon reads one: digits with an optional minus, nothing around them, no plus.
fn integer(text: &str) -> Option<i64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}
