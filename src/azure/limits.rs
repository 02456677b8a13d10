//! Every bound on waiting, repeating and size, with its reason.
