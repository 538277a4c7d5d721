//! Distributions: how a scenario spells them, and the samplers they become.
//!
//! Every sample takes a generator of its own (`random`), so that a change of one distribution moves no other draw.

use rand::RngExt as _;
use rand_distr::{Distribution as _, Exp1, Gamma, LogNormal, Triangular};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, Normal};

use super::quantity::Length;

/// Something that has a size, in its base unit.
pub trait Quantity: Copy {
    /// The size: milliseconds of a length, a number itself.
    fn size(self) -> f64;
    /// Whether it may be negative.
    const IS_SIGNED: bool;
}

impl Quantity for Length {
    fn size(self) -> f64 {
        self.ms
    }
    const IS_SIGNED: bool = false;
}

impl Quantity for f64 {
    fn size(self) -> f64 {
        self
    }
    const IS_SIGNED: bool = true;
}

/// A distribution as spelt. Means and deviations are those of the quantity itself, also for `lognormal` and `gamma`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Distribution<Q> {
    /// Always the same.
    Constant(Q),
    /// Memoryless.
    Exponential {
        /// Its mean.
        mean: Q,
    },
    /// Any between two, alike.
    Uniform {
        /// Least.
        min: Q,
        /// Most.
        max: Q,
    },
    /// Between two, one likeliest.
    Triangular {
        /// Least.
        min: Q,
        /// Likeliest.
        mode: Q,
        /// Most.
        max: Q,
    },
    /// The bell, cut off at both ends; a length never goes below 0. Mean and deviation are those before the cut.
    Normal {
        /// Its mean.
        mean: Q,
        /// Its standard deviation.
        sd: Q,
        /// Cut off below.
        #[serde(default = "Option::default")]
        min: Option<Q>,
        /// Cut off above.
        #[serde(default = "Option::default")]
        max: Option<Q>,
    },
    /// Skewed, with a long tail.
    Lognormal {
        /// Its mean.
        mean: Q,
        /// Its standard deviation.
        sd: Q,
    },
    /// Skewed, with a shorter tail.
    Gamma {
        /// Its mean.
        mean: Q,
        /// Its standard deviation.
        sd: Q,
    },
    /// One of those seen, alike.
    Empirical(Vec<Q>),
}

/// A distribution, checked and ready to be drawn from.
#[derive(Clone, Debug)]
pub struct Sampler(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Constant(f64),
    Exponential(f64),
    Uniform(f64, f64),
    Triangular(Triangular<f64>),
    /// The bell, and the probabilities of its ends.
    Normal(Normal, f64, f64),
    Lognormal(LogNormal<f64>),
    Gamma(Gamma<f64>),
    Empirical(Vec<f64>),
}

/// Less than this of the bell left after the cut is a mistake in the numbers.
const NORMAL_LEFT_MIN: f64 = 0.01;

impl<Q: Quantity> Distribution<Q> {
    /// Checks it and makes the sampler.
    ///
    /// # Errors
    /// Which parameter is wrong, and what it must be.
    pub fn sampler(&self) -> Result<Sampler, String> {
        let finite = |name: &str, q: Q| {
            let size = q.size();
            if size.is_finite() {
                Ok(size)
            } else {
                Err(format!("`{name}` is no finite number"))
            }
        };
        let positive = |name: &str, q: Q| {
            finite(name, q).and_then(|size| {
                if size > 0.0 {
                    Ok(size)
                } else {
                    Err(format!("`{name}` must be more than 0"))
                }
            })
        };
        Ok(Sampler(match self {
            Self::Constant(value) => Kind::Constant(finite("constant", *value)?),
            Self::Exponential { mean } => Kind::Exponential(positive("mean", *mean)?),
            Self::Uniform { min, max } => {
                let (min, max) = (finite("min", *min)?, finite("max", *max)?);
                if min > max {
                    return Err("`min` is more than `max`".to_owned());
                }
                Kind::Uniform(min, max)
            }
            Self::Triangular { min, mode, max } => {
                let (min, mode, max) = (finite("min", *min)?, finite("mode", *mode)?, finite("max", *max)?);
                let made = Triangular::new(min, max, mode);
                let made = made.map_err(|_| "`min`, `mode`, `max` must ascend, and the ends differ".to_owned());
                if min >= max {
                    return Err("`min` must be less than `max`".to_owned());
                }
                Kind::Triangular(made?)
            }
            Self::Normal { mean, sd, min, max } => {
                let (mean, sd) = (finite("mean", *mean)?, positive("sd", *sd)?);
                let bell = Normal::new(mean, sd).map_err(|_| "`mean` or `sd` is no finite number".to_owned())?;
                let least = if Q::IS_SIGNED { f64::NEG_INFINITY } else { 0.0 };
                let min = min.map_or(Ok(least), |min| finite("min", min))?.max(least);
                let max = max.map_or(Ok(f64::INFINITY), |max| finite("max", max))?;
                let (low, high) = (bell.cdf(min), bell.cdf(max));
                if high - low < NORMAL_LEFT_MIN {
                    return Err("the cut leaves less than 1 % of the bell: move `min`, `max` or `mean`".to_owned());
                }
                Kind::Normal(bell, low, high)
            }
            Self::Lognormal { mean, sd } => {
                let (mean, sd) = (positive("mean", *mean)?, positive("sd", *sd)?);
                let made = LogNormal::from_mean_cv(mean, sd / mean);
                Kind::Lognormal(made.map_err(|why| format!("`mean` and `sd` do not fit: {why}"))?)
            }
            Self::Gamma { mean, sd } => {
                let (mean, sd) = (positive("mean", *mean)?, positive("sd", *sd)?);
                let made = Gamma::new((mean / sd).powi(2), sd * sd / mean);
                Kind::Gamma(made.map_err(|why| format!("`mean` and `sd` do not fit: {why}"))?)
            }
            Self::Empirical(values) => {
                let values = values.iter().map(|value| finite("empirical", *value));
                let values: Vec<f64> = values.collect::<Result<_, _>>()?;
                if values.is_empty() {
                    return Err("`empirical` has no values: give those that were seen".to_owned());
                }
                Kind::Empirical(values)
            }
        }))
    }
}

impl Sampler {
    /// Always nothing.
    #[must_use]
    pub fn zero() -> Self {
        Self(Kind::Constant(0.0))
    }

    /// One draw.
    pub fn sample(&self, random: &mut Pcg64Mcg) -> f64 {
        match &self.0 {
            Kind::Constant(value) => *value,
            Kind::Exponential(mean) => {
                let one: f64 = Exp1.sample(random);
                one * mean
            }
            Kind::Uniform(min, max) => min + (max - min) * random.random::<f64>(),
            Kind::Triangular(made) => made.sample(random),
            // By inversion, so that a draw costs one number and moves with it.
            Kind::Normal(bell, low, high) => bell.inverse_cdf(low + (high - low) * random.random::<f64>()),
            Kind::Lognormal(made) => made.sample(random),
            Kind::Gamma(made) => made.sample(random),
            Kind::Empirical(values) => values[random.random_range(0..values.len())],
        }
    }

    /// Whether every draw is 0: then nothing ever advances.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Kind::Constant(value) => *value <= 0.0,
            Kind::Uniform(_, max) => *max <= 0.0,
            Kind::Empirical(values) => values.iter().all(|value| *value <= 0.0),
            Kind::Exponential(_) | Kind::Triangular(_) | Kind::Normal(..) | Kind::Lognormal(_) | Kind::Gamma(_) => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{Purpose, Streams};
    use super::*;

    fn length(ms: f64) -> Length {
        Length { ms }
    }

    /// Means of 40,000 draws lie within 4 standard errors of what the parameters say.
    #[test]
    fn means_are_those_asked_for() {
        let all: Vec<(Distribution<Length>, f64, f64)> = vec![
            (Distribution::Constant(length(7.0)), 7.0, 0.0),
            (Distribution::Exponential { mean: length(10.0) }, 10.0, 10.0),
            (
                Distribution::Uniform {
                    min: length(2.0),
                    max: length(8.0),
                },
                5.0,
                1.8,
            ),
            (
                Distribution::Triangular {
                    min: length(0.0),
                    mode: length(3.0),
                    max: length(9.0),
                },
                4.0,
                1.9,
            ),
            (
                Distribution::Normal {
                    mean: length(50.0),
                    sd: length(5.0),
                    min: None,
                    max: None,
                },
                50.0,
                5.0,
            ),
            // Half of the bell: mean sd * sqrt(2 / pi).
            (
                Distribution::Normal {
                    mean: length(0.0),
                    sd: length(10.0),
                    min: None,
                    max: None,
                },
                7.978_845_6,
                6.1,
            ),
            (
                Distribution::Lognormal {
                    mean: length(10.0),
                    sd: length(5.0),
                },
                10.0,
                5.0,
            ),
            (
                Distribution::Gamma {
                    mean: length(10.0),
                    sd: length(5.0),
                },
                10.0,
                5.0,
            ),
            (Distribution::Empirical(vec![length(1.0), length(3.0)]), 2.0, 1.0),
        ];
        let n = 40_000u32;
        for (distribution, mean, sd) in all {
            let sampler = distribution.sampler().expect("sound");
            let streams = Streams::new(11, 0);
            let draws = (0..n).map(|idx| sampler.sample(&mut streams.of(idx.into(), Purpose::Work, 0, 0)));
            let draws: Vec<f64> = draws.collect();
            assert!(draws.iter().all(|draw| *draw >= 0.0));
            let found = draws.iter().sum::<f64>() / f64::from(n);
            let error = 4.0 * sd / f64::from(n).sqrt() + 1e-9;
            assert!((found - mean).abs() <= error, "{distribution:?}: {found}, not {mean}");
        }
    }
}
