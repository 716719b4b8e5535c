//! From values to Rust source. A table's Rust name and fields are those of the public type that it becomes.

/// A value that can be written as a constant expression.
pub(crate) trait Emit {
    /// Appends the expression.
    fn emit(&self, out: &mut String);
}

/// The expression of one value.
pub(crate) fn source(value: &impl Emit) -> String {
    let mut out = String::new();
    value.emit(&mut out);
    out
}

/// Appends `name: value, `.
pub(crate) fn field(out: &mut String, name: &str, value: &impl Emit) {
    out.push_str(name);
    out.push_str(": ");
    value.emit(out);
    out.push_str(", ");
}

fn list<T: Emit>(items: &[T], out: &mut String) {
    out.push('[');
    for item in items {
        item.emit(out);
        out.push_str(", ");
    }
    out.push(']');
}

macro_rules! emit_debug {
    ($($ty:ty),*) => {$(
        impl Emit for $ty {
            fn emit(&self, out: &mut String) {
                out.push_str(&format!("{self:?}"));
            }
        }
    )*};
}
emit_debug!(u8, u16, u32, u64, i32, i64, f64, bool, String);

impl<T: Emit> Emit for Vec<T> {
    fn emit(&self, out: &mut String) {
        out.push('&');
        list(self, out);
    }
}

impl<T: Emit, const N: usize> Emit for [T; N] {
    fn emit(&self, out: &mut String) {
        list(self, out);
    }
}

impl<T: Emit> Emit for Option<T> {
    fn emit(&self, out: &mut String) {
        match self {
            None => out.push_str("None"),
            Some(value) => {
                out.push_str("Some(");
                value.emit(out);
                out.push(')');
            }
        }
    }
}

/// A TOML table read strictly, and the Rust struct of the same name and fields that it becomes.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name { $($(#[$fmeta])* pub(crate) $field: $ty,)* }

        impl $name {
            /// Appends the fields, without the struct's name and braces.
            pub(crate) fn emit_fields(&self, out: &mut String) {
                $($crate::emit::field(out, stringify!($field), &self.$field);)*
            }
        }

        impl $crate::emit::Emit for $name {
            fn emit(&self, out: &mut String) {
                out.push_str(concat!(stringify!($name), " { "));
                self.emit_fields(out);
                out.push('}');
            }
        }
    };
}
pub(crate) use table;
