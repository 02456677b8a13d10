//! The generated clients, put on the wire.
