//! Lengths of time in milliseconds. What time it is, is not known here.

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// A date and a time of day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub year: i64,
    pub month: u8,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
}

impl Date {
    /// Reads Unix milliseconds, with the year held between 1970 and 9999.
    pub fn of(at: i64) -> Self {
        const LAST: i64 = 253_402_300_799;
        let seconds = at.div_euclid(SECOND).clamp(0, LAST);
        let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
        let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut year = 1970;
        while days >= 365 + i64::from(is_leap(year)) {
            days -= 365 + i64::from(is_leap(year));
            year += 1;
        }
        let mut month = 1;
        for length in [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        Self { year, month, day: days + 1, hour: rest / 3600, minute: rest / 60 % 60 }
    }
}
