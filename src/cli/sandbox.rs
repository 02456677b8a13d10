//! `peerctl sandbox`: serves the embedded Azure; and the same inside another command's process (`--sandbox`).
