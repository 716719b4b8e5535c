//! Syscoin's rules, against cases of the reference's own tests (`auxpow_tests.cpp` of syscoin/syscoin at
//! 17bdfa026d4180ad80bfee9506f6a9e6cd025cda, written anew) and against what must hold for all values.

mod assets;
mod auxpow;
mod checkpoint;
mod headers;
mod rules;
