//! Times that were measured: how many, their sum, and how they are spread, in bounded memory.

use hdrhistogram::Histogram;

/// Times in whole milliseconds.
#[derive(Clone, Debug)]
pub struct Tally {
    /// How many.
    pub n: u64,
    /// Their sum.
    pub sum_ms: u128,
    /// The sum of their squares.
    sum_squares: u128,
    /// The longest.
    pub max_ms: i64,
    spread: Histogram<u32>,
}

/// Digits that percentiles are exact to: a thousandth of their size.
const DIGITS: u8 = 3;

impl Default for Tally {
    fn default() -> Self {
        Self {
            n: 0,
            sum_ms: 0,
            sum_squares: 0,
            max_ms: 0,
            spread: empty(),
        }
    }
}

fn empty() -> Histogram<u32> {
    // Any number of digits from 0 to 5 is taken.
    let mut spread = Histogram::new(DIGITS).unwrap_or_else(|_| unreachable!("three digits are allowed"));
    spread.auto(true);
    spread
}

impl Tally {
    /// One more.
    pub fn add(&mut self, ms: i64) {
        let size = u64::try_from(ms).unwrap_or(0);
        self.n += 1;
        self.sum_ms += u128::from(size);
        self.sum_squares += u128::from(size) * u128::from(size);
        self.max_ms = self.max_ms.max(ms);
        // It grows as needed; the longest time there can be fits.
        let _ = self.spread.record(size);
    }

    /// All of another.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum_ms += other.sum_ms;
        self.sum_squares += other.sum_squares;
        self.max_ms = self.max_ms.max(other.max_ms);
        let _ = self.spread.add(&other.spread);
    }

    /// Their mean; none of none.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum_ms as f64 / self.n as f64)
    }

    /// Their standard deviation; none of fewer than two.
    #[must_use]
    pub fn sd_ms(&self) -> Option<f64> {
        let mean = self.mean_ms().filter(|_| self.n > 1)?;
        let n = self.n as f64;
        Some(((self.sum_squares as f64 - n * mean * mean).max(0.0) / (n - 1.0)).sqrt())
    }

    /// The time that so much of them, from 0 to 1, does not exceed.
    #[must_use]
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        (self.n > 0).then(|| (self.spread.value_at_quantile(share) as f64).min(self.max_ms as f64))
    }

    /// How many lie in each of some parts of equal length from 0 on; the last takes what is longer.
    #[must_use]
    pub fn counts(&self, bin_ms: u64, n_bins: usize) -> Vec<u64> {
        let mut counts = vec![0u64; n_bins];
        for step in self.spread.iter_recorded() {
            let bin = usize::try_from(step.value_iterated_to() / bin_ms.max(1)).unwrap_or(n_bins);
            if let Some(count) = counts.get_mut(bin.min(n_bins.saturating_sub(1))) {
                *count += u64::from(step.count_at_value());
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_mean_spread_and_counts() {
        let mut tally = Tally::default();
        assert_eq!(
            (tally.mean_ms(), tally.sd_ms(), tally.quantile_ms(0.5)),
            (None, None, None)
        );
        (1..=1_000).for_each(|ms| tally.add(ms));
        let mut other = Tally::default();
        other.add(2_000);
        tally.merge(&other);
        assert_eq!(tally.n, 1_001);
        assert!((tally.mean_ms().expect("some") - 502_500.0 / 1_001.0).abs() < 1e-9);
        assert!((tally.quantile_ms(0.95).expect("some") - 951.0).abs() <= 1.0);
        assert_eq!(tally.quantile_ms(1.0), Some(2_000.0));
        assert_eq!(tally.counts(500, 3).iter().sum::<u64>(), 1_001);
        assert!(
            (tally.sd_ms().expect("some") - 292.4).abs() < 1.0,
            "{:?}",
            tally.sd_ms()
        );
    }
}
