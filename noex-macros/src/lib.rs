//! Attribute macros of noex.
