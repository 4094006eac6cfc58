//! Empty on purpose: this package only names a dependency (see Cargo.toml).
