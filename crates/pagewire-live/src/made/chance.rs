//! Chance that a seed decides.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// A published generator and our own few lines on top of it, since what libraries draw from a generator may change with their versions.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Xoshiro256PlusPlus);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 0 to `end`, without it. As even as a benchmark needs it.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the upper half of a product of two 64-bit numbers has 64 bits"
    )]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(end)) >> 64) as u64
    }

    /// Both ends are possible.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// Small ones are far more frequent, as everywhere where people are counted.
    pub(crate) fn skewed(&mut self, end: u64) -> u64 {
        let bound = self.below(end) + 1;
        let bound = self.below(bound) + 1;
        self.below(bound)
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len() as u64);
        let at = usize::try_from(at).unwrap_or_default();
        *of.get(at).expect("something to pick from")
    }

    /// One of those whose weights stand beside them.
    pub(crate) fn weighted<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        let found = of.iter().find(|(weight, _)| {
            let is_it = left < *weight;
            left = left.saturating_sub(*weight);
            is_it
        });
        found.expect("weights add up").1
    }

    /// Text of these characters, such as parts of addresses.
    pub(crate) fn text(&mut self, of: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(self.pick(of))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // xoshiro256++ seeded with 0 by SplitMix64 (https://prng.di.unimi.it/).
        let mut chance = Chance::new(0);
        let numbers = [(); 3].map(|()| chance.number());
        assert_eq!(
            numbers,
            [
                0x5317_5d61_490b_23df,
                0x61da_6f3d_c380_d507,
                0x5c0f_df91_ec9a_7bfc
            ]
        );
    }

    #[test]
    fn drawn_numbers_are_within_their_bounds() {
        let mut chance = Chance::new(1);
        let drawn: Vec<_> = (0..2_000).map(|_| chance.between(3, 6)).collect();
        assert!((3..=6).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| (3..=6).contains(number)));
        assert!((0..2_000).all(|_| chance.skewed(10) < 10));
        let weights = [(1, 'a'), (0, 'b'), (3, 'c')];
        let drawn: String = (0..2_000).map(|_| chance.weighted(&weights)).collect();
        let share = |wanted| drawn.chars().filter(|c| *c == wanted).count();
        assert!(share('b') == 0 && share('a') > 400 && share('c') > 1_300);
    }
}
