//! Means over replications and how sure they are: intervals by Student's t, which a handful of replications allow.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// A mean over replications.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Lower end of its confidence interval; none with fewer than two replications.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl Estimate {
    /// From one value per replication; none without any.
    #[must_use]
    pub fn of(values: &[f64], confidence: f64) -> Option<Self> {
        let n = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        let half = half_width(values, mean, n, confidence);
        Some(Self {
            mean,
            low: half.map(|half| mean - half),
            high: half.map(|half| mean + half),
        })
    }

    /// Half of the interval's width.
    #[must_use]
    pub fn half(&self) -> Option<f64> {
        Some(self.high? - self.mean)
    }
}

fn half_width(values: &[f64], mean: f64, n: f64, confidence: f64) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    let quantile = StudentsT::new(0.0, 1.0, n - 1.0)
        .ok()?
        .inverse_cdf(0.5 + confidence / 2.0);
    Some(quantile * error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the tables: t is 2.776 for 4 degrees of freedom at 95 %.
    #[test]
    fn intervals_are_students() {
        let found = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).expect("values");
        let half = 2.776_445 * (2.5f64 / 5.0).sqrt();
        assert!(
            (found.mean - 3.0).abs() < 1e-12 && (found.half().expect("some") - half).abs() < 1e-4,
            "{found:?}"
        );
        let one = Estimate::of(&[7.0], 0.95).expect("a value");
        assert_eq!((one.mean, one.low, one.high), (7.0, None, None));
        assert_eq!(Estimate::of(&[], 0.95), None);
    }
}
