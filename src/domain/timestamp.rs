//! Moments in time, as documents and file names have them.

use serde::Serializer;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// RFC 3339 in UTC, to the millisecond: `2026-11-21T07:30:00.123Z`.
pub fn utc(moment: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // Fails for years that no four digits hold.
    moment.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Serializes the time in UTC, for `#[serde(serialize_with = …)]`.
///
/// # Errors
/// Those of the serializer.
pub fn as_utc<S: Serializer>(moment: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&utc(*moment))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn timestamp_written_in_utc_milliseconds() {
        let moment = datetime!(2026-11-21 09:30:00.0049 +2);
        assert_eq!(utc(moment), "2026-11-21T07:30:00.004Z");
    }
}
