//! Choices by weight.

use anyhow::ensure;

/// Things to choose among, with weights.
#[derive(Clone, Debug)]
pub struct Weights<T> {
    /// Each with the sum of weights up to and with it.
    items: Vec<(f64, T)>,
}

impl<T> Weights<T> {
    /// Of things with weights; a weight of 0 is never chosen.
    ///
    /// # Errors
    /// Where a weight is negative or no number, or all are 0.
    pub fn new(items: Vec<(T, f64)>) -> anyhow::Result<Self> {
        let mut sum = 0.0;
        let mut found = Vec::new();
        for (item, weight) in items {
            ensure!(
                weight.is_finite() && weight >= 0.0,
                "a weight is {weight}: give numbers from 0"
            );
            if weight > 0.0 {
                sum += weight;
                found.push((sum, item));
            }
        }
        ensure!(
            !found.is_empty(),
            "there is nothing to choose: give at least one weight above 0"
        );
        Ok(Self { items: found })
    }

    /// Nothing to choose.
    #[must_use]
    pub fn none() -> Self {
        Self { items: Vec::new() }
    }

    /// The one at a place from 0 to 1.
    pub fn at(&self, place: f64) -> Option<&T> {
        let (sum, last) = self.items.last()?;
        let idx = self.items.partition_point(|(up_to, _)| *up_to <= place * sum);
        Some(self.items.get(idx).map_or(last, |(_, item)| item))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|(_, item)| item)
    }
}
