//! A number that goes up and down over time: its mean while figures are taken, and its course.
//!
//! Everything is summed in whole milliseconds, so the same run gives the same sums to the last digit.

use super::timeline::Instant;

/// Parts that a course is kept in: enough for a chart, few enough for every node.
const BINS: usize = 256;
/// Length of a part at first; it doubles whenever the course grows too long.
const FIRST_BIN_MS: i64 = 900_000;

/// A level over time.
#[derive(Clone, Debug)]
pub struct Level {
    level: u64,
    since: Instant,
    is_frozen: bool,
    /// Level times milliseconds since the figures began.
    pub integral: u128,
    /// The highest since the figures began.
    pub most: u64,
    /// Its course, from the beginning of the world.
    pub course: Course,
}

impl Level {
    /// At 0 from an instant on.
    #[must_use]
    pub fn new(origin: Instant) -> Self {
        Self {
            level: 0,
            since: origin,
            is_frozen: false,
            integral: 0,
            most: 0,
            course: Course {
                origin,
                bin_ms: FIRST_BIN_MS,
                sums: Vec::new(),
            },
        }
    }

    /// One more.
    pub fn up(&mut self, at: Instant) {
        self.flush(at);
        self.level += 1;
        self.most = self.most.max(self.level);
    }

    /// One less.
    pub fn down(&mut self, at: Instant) {
        self.flush(at);
        self.level = self.level.saturating_sub(1);
    }

    /// Figures begin.
    pub fn begin(&mut self, at: Instant) {
        self.flush(at);
        self.integral = 0;
        self.most = self.level;
    }

    /// Figures end.
    pub fn end(&mut self, at: Instant) {
        self.flush(at);
        self.is_frozen = true;
    }

    fn flush(&mut self, at: Instant) {
        if self.is_frozen {
            return;
        }
        if self.level > 0 {
            // Time never runs back.
            let ms = u128::try_from(at - self.since).unwrap_or(0);
            self.integral += ms * u128::from(self.level);
            self.course.add(self.since, at, self.level);
        }
        self.since = at;
    }
}

/// Means over parts of equal length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Where it begins.
    pub origin: Instant,
    /// Length of a part.
    pub bin_ms: i64,
    /// Level times milliseconds, part by part; parts that are not there are 0.
    sums: Vec<u128>,
}

impl Course {
    fn add(&mut self, from: Instant, to: Instant, level: u64) {
        while to - self.origin > self.bin_ms * BINS as i64 {
            self.double();
        }
        let mut at = from;
        while at < to {
            let bin = (at - self.origin) / self.bin_ms;
            let end = to.min(self.origin + (bin + 1) * self.bin_ms);
            let bin = usize::try_from(bin).unwrap_or(0);
            if bin >= self.sums.len() {
                self.sums.resize(bin + 1, 0);
            }
            self.sums[bin] += u128::try_from(end - at).unwrap_or(0) * u128::from(level);
            at = end;
        }
    }

    fn double(&mut self) {
        self.bin_ms *= 2;
        self.sums = self.sums.chunks(2).map(|pair| pair.iter().sum()).collect();
    }

    /// Adds another course of the same origin to this one, in the coarser of both parts.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        while self.bin_ms < other.bin_ms {
            self.double();
        }
        while other.bin_ms < self.bin_ms {
            other.double();
        }
        if self.sums.len() < other.sums.len() {
            self.sums.resize(other.sums.len(), 0);
        }
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
    }

    /// Makes parts at least this long.
    pub fn coarsen(&mut self, bin_ms: i64) {
        while self.bin_ms < bin_ms {
            self.double();
        }
    }

    /// Mean level of each part up to an instant, of so many merged courses.
    #[must_use]
    pub fn means(&self, to: Instant, n_merged: u32) -> Vec<f64> {
        let n_bins = (to - self.origin).max(0) / self.bin_ms;
        let n_bins = usize::try_from(n_bins).unwrap_or(0);
        let mean = |sum: u128| sum as f64 / (self.bin_ms as f64 * f64::from(n_merged));
        (0..n_bins)
            .map(|bin| self.sums.get(bin).copied().map_or(0.0, mean))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_courses_add_up() {
        let mut level = Level::new(0);
        level.up(0);
        level.up(FIRST_BIN_MS / 2);
        level.begin(FIRST_BIN_MS);
        level.down(3 * FIRST_BIN_MS);
        level.end(4 * FIRST_BIN_MS);
        level.up(5 * FIRST_BIN_MS);
        assert_eq!(level.integral, u128::try_from(5 * FIRST_BIN_MS).expect("positive"));
        assert_eq!(level.most, 2);
        assert_eq!(level.course.means(4 * FIRST_BIN_MS, 1), [1.5, 2.0, 2.0, 1.0]);
    }

    #[test]
    fn a_long_course_is_folded() {
        let mut long = Level::new(0);
        long.up(0);
        long.end(FIRST_BIN_MS * 1_000);
        assert_eq!(long.course.bin_ms, FIRST_BIN_MS * 4);
        let mut short = Level::new(0);
        short.up(0);
        short.end(FIRST_BIN_MS * 4);
        let mut both = short.course.clone();
        both.merge(&long.course);
        let means = both.means(FIRST_BIN_MS * 1_000, 2);
        assert_eq!((means.len(), means[0], means[1]), (250, 1.0, 0.5));
    }
}
