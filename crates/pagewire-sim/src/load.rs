//! Loads of pages: each has a visitor's number and a secret, which the page's script is given and nobody else.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::signature::sign;

/// Loads that are remembered. The oldest is forgotten: what its page signs then is refused, and it has to be loaded again.
pub const LOADS_MAX: usize = 1_024;

/// One load of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    /// `user_unique_id`.
    pub(crate) visitor: String,
    pub(crate) secret: String,
}

/// All that are remembered.
#[derive(Debug)]
pub(crate) struct Loads {
    /// For programs that sign by themselves.
    own: String,
    loads: Mutex<VecDeque<Load>>,
}

impl Loads {
    /// The texts are random; the first is for programs.
    pub(crate) const fn new(own: String) -> Self {
        Self {
            own,
            loads: Mutex::new(VecDeque::new()),
        }
    }

    pub(crate) fn own(&self) -> &str {
        &self.own
    }

    pub(crate) fn add(&self, load: Load) {
        let mut loads = self.loads.lock().expect("nothing that holds it panics");
        loads.push_back(load);
        if loads.len() > LOADS_MAX {
            loads.pop_front();
        }
    }

    pub(crate) fn of(&self, visitor: &str) -> Option<Load> {
        let loads = self.loads.lock().expect("nothing that holds it panics");
        loads.iter().find(|load| load.visitor == visitor).cloned()
    }

    /// Whether some page, or a program that knows how, has signed this. As at a site, any page can sign for any visitor.
    pub(crate) fn fits(&self, stub: &str, signature: &str) -> bool {
        let loads = self.loads.lock().expect("nothing that holds it panics");
        let mut secrets = loads.iter().map(|load| &load.secret).chain([&self.own]);
        secrets.any(|secret| sign(secret, stub) == signature)
    }
}

/// Random digits, for visitors and secrets. They are no key to anything but this simulator.
pub(crate) fn digits() -> String {
    let number = getrandom::u64().expect("every system has random numbers");
    // Nineteen digits, as visitors have at the site.
    (7_000_000_000_000_000_000 + number % 1_000_000_000_000_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_loads_are_remembered_as_can_be_and_with_one_more_the_oldest_is_forgotten() {
        let loads = Loads::new("own".to_owned());
        let load = |at: usize| Load {
            visitor: at.to_string(),
            secret: format!("secret {at}"),
        };
        let fits = |at: usize| loads.fits("stub", &sign(&load(at).secret, "stub"));
        (0..LOADS_MAX).for_each(|at| loads.add(load(at)));
        assert!(fits(0) && fits(LOADS_MAX - 1) && !fits(LOADS_MAX));
        loads.add(load(LOADS_MAX));
        assert!(!fits(0) && fits(1) && fits(LOADS_MAX));
        assert_eq!(loads.of("0"), None);
        assert_eq!(loads.of("1"), Some(load(1)));
        assert!(
            loads.fits("stub", &sign("own", "stub")) && !loads.fits("other", &sign("own", "stub"))
        );
    }
}
